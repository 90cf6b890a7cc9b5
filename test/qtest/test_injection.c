// SPDX-License-Identifier: GPL-2.0-only
/* Faults that are injected from outside, by QMP: what each looks like. */
#include "kernels.h"

#include <linux/pci_regs.h>

#define GROUP		(20 * US)
#define QUANTUM		(6 * MS)
#define TIMEOUT		(500 * US)

static void a_dead_device_reads_as_ones_and_does_nothing(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t done = gpu_alloc(g, 8);

	put_spin(&s, MS, 1, VGPU_SPIN_NO_COUNT);
	put_fence(&s, SYSTEM(done), 1);
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_inject(g, "dead", "true");
	assert_int_equal(reg32(g, 0, VGPU_REG_ID), 0xffffffff);
	assert_int_equal(reg64(g, 0, VGPU_REG_CLOCK), 0xffffffffffffffff);
	assert_int_equal(reg32(g, 1, VGPU_REG_STATUS), 0xffffffff);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	gpu_step(g, 100 * MS);
	gpu_silent(g);
	assert_int_equal(qtest_read64(g->qt, done), 0);

	/* Repaired, it is as after reset. */
	gpu_inject(g, "dead", "false");
	assert_int_equal(reg32(g, 0, VGPU_REG_ID), VGPU_ID_VALUE);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_int_equal(reg32(g, 0, VGPU_PF_EVQ_CTRL), 0);
}

static void a_stuck_save_does_not_end_until_reset(void **state)
{
	struct gpu *g = *state;

	gpu_inject(g, "stuck-save", "true");
	gpu_run(g, 1);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	gpu_event(g, QUIESCED, 1);
	gpu_cmd(g, VGPU_CMD_SAVE, 1);
	gpu_step(g, 100 * MS);
	gpu_silent(g);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_SAVING);
	gpu_cmd(g, VGPU_CMD_RESET, 1);
	gpu_event(g, RESET, 1);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	gpu_inject(g, "stuck-save", "false");
	gpu_run(g, 2);
	gpu_stop(g, 2);
}

static void a_stuck_save_of_a_switch_by_the_device_too(void **state)
{
	struct gpu *g = *state;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	gpu_next(g, 1, QUANTUM);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	gpu_inject(g, "stuck-save", "true");
	gpu_next(g, 2, QUANTUM);
	gpu_step(g, 100 * MS);
	gpu_silent(g);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_SAVING);
	gpu_inject(g, "stuck-save", "false");
	assert_int_equal(gpu_event(g, SWITCHED, 1).detail, 2);
}

static void a_world_that_never_quiesces_is_reset_alone(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 2, 0);
	struct job job = job_put(&s, VGPU_KERNEL_SAXPY, gpu_ram(g, JOB_BYTES), 3);
	uint64_t done = gpu_alloc(g, 8);
	struct vgpu_event e;

	put_fence(&s, SYSTEM(done), 1);
	ring_kick(&s);
	gpu_busy(g, 1, GROUP);
	set64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_PREEMPT_TIMEOUT, TIMEOUT);
	gpu_inject(g, "never-quiesce", "1");
	gpu_next(g, 1, QUANTUM);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	gpu_next(g, 2, QUANTUM);
	gpu_event(g, HANG, 1);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_HANG);
	assert_int_equal(e.quiesced, e.request + TIMEOUT);
	gpu_await(g, done, 1);
	job_check(g, &job);
}

static void lost_interrupts_lose_no_records(void **state)
{
	struct gpu *g = *state;
	uint64_t vector = gpu_vector(g, 0, VGPU_VECTOR_EVENTS(g->rings));
	unsigned int i;

	gpu_inject(g, "lost-interrupts", "2");
	for (i = 0; i < 3; i++) {
		gpu_cmd(g, VGPU_CMD_INIT, 1);
		assert_int_equal(gpu_interrupted(g, vector), i == 2);
		gpu_event(g, INITIALISED, 1);
	}
}

static void a_damaged_image_is_refused(void **state)
{
	struct gpu *g = *state;

	gpu_inject(g, "damaged-image", "1");
	gpu_cmd(g, VGPU_CMD_LOAD, 1);
	gpu_refused(g, VGPU_CMD_LOAD, 1, VGPU_REFUSED_BAD_IMAGE);
	gpu_run(g, 2);
}

static void memory_errors_are_reported_by_aer(void **state)
{
	struct gpu *g = *state;
	const struct pci_function *pf = &g->fn[0].pci;
	unsigned int aer = pci_extended(pf, PCI_EXT_CAP_ID_ERR);

	assert_int_not_equal(aer, 0);
	gpu_inject(g, "ecc", "\"correctable\"");
	assert_int_equal(pci_read32(pf, aer + PCI_ERR_COR_STATUS), PCI_ERR_COR_INTERNAL);
	assert_int_equal(pci_read32(pf, aer + PCI_ERR_UNCOR_STATUS), 0);
	gpu_inject(g, "ecc", "\"uncorrectable\"");
	assert_int_equal(pci_read32(pf, aer + PCI_ERR_UNCOR_STATUS), PCI_ERR_UNC_INTN);
	/* Nothing else has happened. */
	gpu_run(g, 1);
}

static void accesses_to_the_registers_of_the_pf_are_counted(void **state)
{
	struct gpu *g = *state;
	uint64_t reads, writes;
	struct vgpu_event e;
	unsigned int i, f;

	for (f = 1; f <= 2; f++)
		gpu_busy(g, f, GROUP);
	gpu_next(g, 1, QUANTUM);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	reads = gpu_property(g, "mmio-reads");
	writes = gpu_property(g, "mmio-writes");
	/* A switch takes one write and no read. */
	for (i = 0, f = 1; i < 10; i++, f = 3 - f) {
		gpu_next(g, 3 - f, QUANTUM);
		gpu_step(g, QUANTUM + g->save + g->load + GROUP);
		assert_true(gpu_poll(g, &e));
		assert_int_equal(e.type, VGPU_EVENT_SWITCHED);
	}
	assert_int_equal(gpu_property(g, "mmio-writes") - writes, 10);
	assert_int_equal(gpu_property(g, "mmio-reads") - reads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(a_dead_device_reads_as_ones_and_does_nothing),
		GPU_TEST(a_stuck_save_does_not_end_until_reset),
		GPU_TEST(a_stuck_save_of_a_switch_by_the_device_too),
		GPU_TEST(a_world_that_never_quiesces_is_reset_alone),
		GPU_TEST(lost_interrupts_lose_no_records),
		GPU_TEST(a_damaged_image_is_refused),
		GPU_TEST(memory_errors_are_reported_by_aer),
		GPU_TEST(accesses_to_the_registers_of_the_pf_are_counted),
	};

	return gpu_main("injection", tests);
}

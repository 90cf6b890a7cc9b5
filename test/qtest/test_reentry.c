// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the engine does by DMA to the machine that it is a part of: to registers,
 * its own ones too, to configuration space, to the root port above it. Nothing
 * of that may get the device to enter itself, or QEMU to end.
 */
#include "gpu.h"

#include <linux/pci_regs.h>

/* Configuration space of @fn, as an address for packets. */
static uint64_t config(const struct pci_function *fn, unsigned int offset)
{
	return SYSTEM(fn->config + offset);
}

static unsigned int device_control(const struct pci_function *fn)
{
	return pci_capability(fn, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
}

/* VF 1 runs: 32 bits to @addr, and some work behind that. */
static void write_by_engine(struct gpu *g, uint64_t addr, uint32_t value)
{
	struct stream s = gpu_ring(g, 1, 0);

	gpu_run(g, 1);
	put_spin(&s, US, 3, VGPU_SPIN_NO_COUNT);
	put_fill(&s, addr, 4, value);
	put_spin(&s, US, 3, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
}

static void registers_do_not_answer_the_engine(void **state)
{
	struct gpu *g = *state;
	const uint64_t targets[] = {
		g->fn[1].regs + VGPU_REG_DOORBELL(0),
		g->fn[1].regs + VGPU_REG_RING(0) + VGPU_RING_HEAD,
		g->fn[2].regs + VGPU_REG_CTX_TABLE,
		g->fn[0].regs + VGPU_PF_NEXT,
		g->fn[0].regs + VGPU_PF_FN(1) + VGPU_PF_FN_VRAM_BASE,
	};
	struct stream s = gpu_ring(g, 1, 0);
	struct vgpu_event e;
	unsigned int i;

	gpu_run(g, 1);
	for (i = 0; i < 2 * ARRAY_SIZE(targets); i++) {
		if (i & 1)
			put_copy(&s, 64, SYSTEM(targets[i / 2]), 8);
		else
			put_fence(&s, SYSTEM(targets[i / 2]), VGPU_PF_NEXT_VALID);
		ring_kick(&s);
		e = gpu_event(g, FAULT, 1);
		assert_int_equal(VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, e.info),
				 VGPU_FAULT_DMA);
		set64(g, 1, ring_reg(&s, VGPU_RING_HEAD), s.tail);
		set32(g, 1, ring_reg(&s, VGPU_RING_CTRL),
		      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
	}
	assert_false(gpu_armed(g));
	assert_int_equal(reg64(g, 2, VGPU_REG_CTX_TABLE), 0);
	assert_int_equal(reg64(g, 1, VGPU_REG_VRAM_SIZE), GPU_RANGE_SIZE);
}

static void an_interrupt_is_no_command(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t command = g->fn[0].regs + VGPU_PF_CMD, done = gpu_alloc(g, 8);
	uint64_t entry = g->fn[1].regs + VGPU_BAR_MSIX_TABLE +
			 VGPU_VECTOR_RING(0) * PCI_MSIX_ENTRY_SIZE;

	gpu_vector(g, 1, VGPU_VECTOR_RING(0));
	qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_LOWER_ADDR, command);
	qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_UPPER_ADDR, command >> 32);
	qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_DATA, VGPU_CMD_RESET | 1 << 16);
	gpu_run(g, 1);
	put_fence_interrupt(&s, SYSTEM(done), 1);
	put_fence(&s, SYSTEM(done), 2);
	ring_kick(&s);
	gpu_await(g, done, 2);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_RUNNING);
}

static void a_vf_that_resets_itself_at_work(void **state)
{
	struct gpu *g = *state;
	const struct pci_function *vf = &g->fn[1].pci;

	write_by_engine(g, config(vf, device_control(vf)), PCI_EXP_DEVCTL_BCR_FLR);
	gpu_event(g, FLR, 1);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	/* Nothing of the packet at work has come through the reset. */
	gpu_step(g, MS);
	gpu_pci_enable(g, 1);
	assert_int_equal(reg32(g, 1, VGPU_REG_STATUS), VGPU_STATUS_FLR);
	assert_int_equal(reg64(g, 1, VGPU_REG_RING(0) + VGPU_RING_HEAD), 0);
	assert_int_equal(reg32(g, 1, VGPU_REG_RING(0) + VGPU_RING_STATUS),
			 VGPU_RING_DISABLED);
	assert_int_equal(reg64(g, 1, VGPU_REG_GPU_TIME), 0);
	gpu_run(g, 2);
}

static void a_vf_that_stops_being_bus_master_at_work(void **state)
{
	struct gpu *g = *state;

	write_by_engine(g, config(&g->fn[1].pci, PCI_COMMAND), 0);
	/* The next fetch fails. */
	assert_int_equal(VGPU_FIELD_GET(VGPU_RING_FAULT_CODE,
					(uint32_t)gpu_event(g, FAULT, 1).info),
			 VGPU_FAULT_DMA);
}

static void a_vf_that_resets_the_pf_at_work(void **state)
{
	struct gpu *g = *state;
	const struct pci_function *pf = &g->fn[0].pci;

	write_by_engine(g, config(pf, device_control(pf)), PCI_EXP_DEVCTL_BCR_FLR);
	gpu_step(g, MS);
	gpu_pci_restore(g);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_int_equal(reg32(g, 0, VGPU_PF_EVQ_CTRL), 0);
}

static void a_vf_that_disables_all_vfs_at_work(void **state)
{
	struct gpu *g = *state;

	write_by_engine(g, config(&g->fn[0].pci, g->sriov + PCI_SRIOV_CTRL), 0);
	gpu_step(g, MS);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	gpu_sriov(g, GPU_FIXTURE_VFS);
	gpu_open(g, 2);
	gpu_run(g, 2);
}

static void a_vf_that_resets_the_bus_at_work(void **state)
{
	struct gpu *g = *state;

	/* Above the interrupt line and pin. */
	write_by_engine(g, config(&g->port, PCI_INTERRUPT_LINE),
			PCI_BRIDGE_CTL_BUS_RESET << 16);
	gpu_step(g, MS);
	pci_write16(&g->port, PCI_BRIDGE_CONTROL, 0);
	gpu_pci_restore(g);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
}

static void a_vf_that_unplugs_the_gpu_at_work(void **state)
{
	struct gpu *g = *state;
	unsigned int slot = pci_capability(&g->port, PCI_CAP_ID_EXP) + PCI_EXP_SLTCTL;

	gpu_busy(g, 2, US);
	write_by_engine(g, config(&g->port, slot),
			PCI_EXP_SLTCTL_PCC | PCI_EXP_SLTCTL_PWR_IND_OFF);
	qtest_clock_step(g->qt, MS);
	assert_int_equal(pci_read32(&g->fn[0].pci, PCI_VENDOR_ID), 0xffffffff);
	qtest_clock_step(g->qt, MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(registers_do_not_answer_the_engine),
		GPU_TEST(an_interrupt_is_no_command),
		GPU_TEST(a_vf_that_resets_itself_at_work),
		GPU_TEST(a_vf_that_stops_being_bus_master_at_work),
		GPU_TEST(a_vf_that_resets_the_pf_at_work),
		GPU_TEST(a_vf_that_disables_all_vfs_at_work),
		GPU_TEST(a_vf_that_resets_the_bus_at_work),
		GPU_TEST(a_vf_that_unplugs_the_gpu_at_work),
	};

	return gpu_main("reentry", tests);
}

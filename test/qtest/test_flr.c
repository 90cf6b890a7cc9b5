// SPDX-License-Identifier: GPL-2.0-only
/* Function level reset of a VF, whatever the engine is doing with it. */
#include "kernels.h"

#include <linux/pci_regs.h>

#define GROUP		(20 * US)
#define QUANTUM		(6 * MS)

static uint32_t fn_status(struct gpu *g, unsigned int f)
{
	return reg32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_STATUS);
}

/* VF 2's work must end well, wherever VF 2 is. */
struct innocent {
	struct job job;
	uint64_t done;
};

static struct innocent innocent_work(struct gpu *g)
{
	struct stream s = gpu_ring(g, 2, 0);
	struct innocent work;

	work.job = job_put(&s, VGPU_KERNEL_REDUCE, gpu_ram(g, JOB_BYTES), 11);
	work.done = gpu_alloc(g, 8);
	put_fence(&s, SYSTEM(work.done), 1);
	ring_kick(&s);
	return work;
}

static void innocent_check(struct gpu *g, const struct innocent *work)
{
	gpu_await(g, work->done, 1);
	job_check(g, &work->job);
}

/* FLR of @f. Bus master and memory are off then; registers must be reachable. */
static void flr(struct gpu *g, unsigned int f)
{
	pci_flr(&g->fn[f].pci);
	assert_int_equal(pci_read16(&g->fn[f].pci, PCI_COMMAND), 0);
	gpu_pci_enable(g, f);
}

/* It is closed until the PF acknowledges, then as new. */
static void check_closed_until_acknowledged(struct gpu *g, unsigned int f)
{
	uint64_t done = gpu_alloc(g, 8);
	struct stream s;

	assert_true(fn_status(g, f) & VGPU_PF_FN_STATUS_FLR);
	assert_int_equal(gpu_world(g, f), VGPU_WORLD_NONE);
	assert_int_equal(reg32(g, f, VGPU_REG_STATUS), VGPU_STATUS_FLR);
	set32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_CTRL, VGPU_PF_FN_CTRL_OPEN);
	gpu_cmd(g, VGPU_CMD_LOAD, f);
	gpu_refused(g, VGPU_CMD_LOAD, f, VGPU_REFUSED_CLOSED);

	set32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_FLR_ACK, 1);
	assert_false(fn_status(g, f) & VGPU_PF_FN_STATUS_FLR);
	gpu_open(g, f);
	assert_int_equal(reg32(g, f, VGPU_REG_STATUS), VGPU_STATUS_OPEN);
	s = gpu_ring(g, f, 0);
	put_fence(&s, SYSTEM(done), 3);
	ring_kick(&s);
	gpu_run(g, f);
	gpu_await(g, done, 3);
	gpu_stop(g, f);
}

static void flr_in(struct gpu *g, unsigned int state)
{
	struct innocent work = innocent_work(g);

	gpu_busy(g, 1, GROUP);
	gpu_enter(g, state, GROUP);
	assert_int_equal(gpu_engine(g), state);
	if (state == VGPU_ENGINE_RESETTING)
		g->quiet |= EVENT_BIT(RESET);
	flr(g, 1);
	gpu_event(g, FLR, 1);
	gpu_step(g, g->reset);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	/* The answers of what it interrupted do not come any more. */
	gpu_step(g, g->load + g->save + QUANTUM);
	gpu_silent(g);

	check_closed_until_acknowledged(g, 1);
	gpu_run(g, 2);
	innocent_check(g, &work);
}

static void flr_off_the_engine(void **state)
{
	flr_in(*state, VGPU_ENGINE_EMPTY);
}

static void flr_while_loading(void **state)
{
	flr_in(*state, VGPU_ENGINE_LOADING);
}

static void flr_when_loaded(void **state)
{
	flr_in(*state, VGPU_ENGINE_LOADED);
}

static void flr_while_running(void **state)
{
	flr_in(*state, VGPU_ENGINE_RUNNING);
}

static void flr_while_quiescing(void **state)
{
	flr_in(*state, VGPU_ENGINE_QUIESCING);
}

static void flr_when_quiesced(void **state)
{
	flr_in(*state, VGPU_ENGINE_QUIESCED);
}

static void flr_while_saving(void **state)
{
	flr_in(*state, VGPU_ENGINE_SAVING);
}

static void flr_while_resetting(void **state)
{
	flr_in(*state, VGPU_ENGINE_RESETTING);
}

static void flr_of_the_running_function_gives_way_to_next(void **state)
{
	struct gpu *g = *state;
	struct innocent work = innocent_work(g);
	struct vgpu_event e;
	uint64_t now;

	gpu_busy(g, 1, GROUP);
	gpu_next(g, 1, QUANTUM);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	gpu_next(g, 2, QUANTUM);
	gpu_step(g, MS);
	now = gpu_now(g);
	flr(g, 1);
	gpu_event(g, FLR, 1);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_RESET);
	assert_int_equal(e.detail, 2);
	assert_in_range(e.quiesced, now, now + g->reset);
	assert_int_equal(e.running, e.loaded);
	innocent_check(g, &work);
}

static void flr_of_the_armed_function_disarms(void **state)
{
	struct gpu *g = *state;
	struct innocent work = innocent_work(g);

	gpu_busy(g, 1, GROUP);
	gpu_next(g, 2, QUANTUM);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	gpu_next(g, 1, QUANTUM);
	flr(g, 1);
	gpu_event(g, FLR, 1);
	assert_false(gpu_armed(g));
	assert_int_equal(reg32(g, 0, VGPU_PF_ENGINE) & VGPU_PF_ENGINE_FUNCTION, 2);
	gpu_step(g, 2 * QUANTUM);
	gpu_silent(g);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_RUNNING);
	innocent_check(g, &work);
	gpu_next(g, 1, QUANTUM);
	gpu_refused(g, VGPU_DETAIL_NEXT, 1, VGPU_REFUSED_CLOSED);
}

static void flr_of_an_innocent_function_disturbs_nobody(void **state)
{
	struct gpu *g = *state;
	struct innocent work = innocent_work(g);
	struct vgpu_event first, e;

	gpu_busy(g, 1, GROUP);
	gpu_next(g, 1, QUANTUM);
	first = gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	gpu_next(g, 2, QUANTUM);
	gpu_step(g, MS);
	flr(g, 3);
	gpu_event(g, FLR, 3);
	assert_true(gpu_armed(g));
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.request, first.running + QUANTUM);
	assert_int_equal(e.detail, 2);
	innocent_check(g, &work);
}

/* In the middle of a switch by the device: the one that leaves, or enters. */
static void flr_during_switch(struct gpu *g, unsigned int phase, unsigned int f)
{
	uint64_t done = gpu_alloc(g, 8);
	struct stream s = gpu_ring(g, 3, 0);

	put_fence(&s, SYSTEM(done), 1);
	ring_kick(&s);
	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	gpu_next(g, 1, QUANTUM);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	gpu_step(g, GROUP / 2);
	gpu_next_now(g, 2, QUANTUM);
	if (phase != VGPU_ENGINE_QUIESCING)
		gpu_step(g, GROUP);
	if (phase == VGPU_ENGINE_LOADING)
		gpu_step(g, g->save);
	assert_int_equal(gpu_engine(g), phase);

	g->quiet |= EVENT_BIT(SWITCHED);
	flr(g, f);
	gpu_event(g, FLR, f);
	gpu_step(g, g->reset + g->save + g->load + GROUP);
	gpu_silent(g);
	/* Whoever is innocent is where it was to go, or can go on. */
	if (gpu_engine(g) == VGPU_ENGINE_EMPTY)
		gpu_next(g, 3, QUANTUM);
	else
		gpu_next_now(g, 3, QUANTUM);
	gpu_await(g, done, 1);
	assert_int_equal(gpu_world(g, 3 - f), VGPU_WORLD_SAVED);
	assert_int_equal(gpu_world(g, f), VGPU_WORLD_NONE);
}

static void flr_of_the_leaving_function_while_quiescing(void **state)
{
	flr_during_switch(*state, VGPU_ENGINE_QUIESCING, 1);
}

static void flr_of_the_leaving_function_while_saving(void **state)
{
	flr_during_switch(*state, VGPU_ENGINE_SAVING, 1);
}

static void flr_of_the_entering_function_while_quiescing(void **state)
{
	flr_during_switch(*state, VGPU_ENGINE_QUIESCING, 2);
}

static void flr_of_the_entering_function_while_saving(void **state)
{
	flr_during_switch(*state, VGPU_ENGINE_SAVING, 2);
}

static void flr_of_the_entering_function_while_loading(void **state)
{
	flr_during_switch(*state, VGPU_ENGINE_LOADING, 2);
}

static void flr_resets_the_registers_of_the_function_only(void **state)
{
	struct gpu *g = *state;
	uint64_t time;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	set64(g, 1, VGPU_REG_CTX_TABLE, 0x1000);
	set32(g, 1, VGPU_REG_CTX_COUNT, 4);
	set64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_PREEMPT_TIMEOUT, 12345);
	gpu_run(g, 1);
	gpu_step(g, MS);
	flr(g, 1);
	gpu_event(g, FLR, 1);
	time = reg64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_GPU_TIME);

	assert_int_equal(reg32(g, 1, VGPU_REG_RING(0) + VGPU_RING_CTRL), 0);
	assert_int_equal(reg64(g, 1, VGPU_REG_RING(0) + VGPU_RING_BASE), 0);
	assert_int_equal(reg32(g, 1, VGPU_REG_RING(0) + VGPU_RING_SIZE),
			 VGPU_RING_SIZE_MIN);
	assert_int_equal(reg64(g, 1, VGPU_REG_RING(0) + VGPU_RING_HEAD), 0);
	assert_int_equal(reg64(g, 1, VGPU_REG_RING(0) + VGPU_RING_TAIL), 0);
	assert_int_equal(reg32(g, 1, VGPU_REG_RING(0) + VGPU_RING_STATUS),
			 VGPU_RING_DISABLED);
	assert_int_equal(reg64(g, 1, VGPU_REG_CTX_TABLE), 0);
	assert_int_equal(reg32(g, 1, VGPU_REG_CTX_COUNT), 0);
	assert_int_equal(reg64(g, 1, VGPU_REG_GPU_TIME), 0);
	/* What is the PF's stays, its measure of the function's time too. */
	assert_in_range(time, MS, MS + g->reset);
	assert_int_equal(reg64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_PREEMPT_TIMEOUT), 12345);
	assert_int_equal(reg64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_VRAM_BASE), GPU_RANGE(1));
	/* And so does everything of the other VF. */
	assert_int_equal(reg32(g, 2, VGPU_REG_RING(0) + VGPU_RING_CTRL),
			 VGPU_RING_CTRL_ENABLE);
}

static void a_second_flr_is_told_when_the_first_was_taken(void **state)
{
	struct gpu *g = *state;

	flr(g, 1);
	flr(g, 1);
	gpu_event(g, FLR, 1);
	gpu_event(g, FLR, 1);
	check_closed_until_acknowledged(g, 1);
}

static void flr_of_all_vfs_at_once(void **state)
{
	struct gpu *g = *state;
	unsigned int f;

	for (f = 1; f <= g->vfs; f++)
		gpu_busy(g, f, GROUP);
	gpu_run(g, 3);
	for (f = 1; f <= g->vfs; f++)
		flr(g, f);
	for (f = 1; f <= g->vfs; f++)
		gpu_event(g, FLR, f);
	gpu_step(g, g->reset);
	for (f = 1; f <= g->vfs; f++)
		check_closed_until_acknowledged(g, f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(flr_off_the_engine),
		GPU_TEST(flr_while_loading),
		GPU_TEST(flr_when_loaded),
		GPU_TEST(flr_while_running),
		GPU_TEST(flr_while_quiescing),
		GPU_TEST(flr_when_quiesced),
		GPU_TEST(flr_while_saving),
		GPU_TEST(flr_while_resetting),
		GPU_SOFTWARE_TEST(flr_while_running),
		GPU_SOFTWARE_TEST(flr_while_saving),
		GPU_TEST(flr_of_the_running_function_gives_way_to_next),
		GPU_TEST(flr_of_the_armed_function_disarms),
		GPU_TEST(flr_of_an_innocent_function_disturbs_nobody),
		GPU_TEST(flr_of_the_leaving_function_while_quiescing),
		GPU_TEST(flr_of_the_leaving_function_while_saving),
		GPU_TEST(flr_of_the_entering_function_while_quiescing),
		GPU_TEST(flr_of_the_entering_function_while_saving),
		GPU_TEST(flr_of_the_entering_function_while_loading),
		GPU_TEST(flr_resets_the_registers_of_the_function_only),
		GPU_TEST(a_second_flr_is_told_when_the_first_was_taken),
		GPU_TEST(flr_of_all_vfs_at_once),
	};

	return gpu_main("flr", tests);
}

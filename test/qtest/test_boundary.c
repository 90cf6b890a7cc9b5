// SPDX-License-Identifier: GPL-2.0-only
/*
 * BOUNDARY: a world that is asked to leave finishes its ring packet, if that does
 * not take too long.
 */
#include "kernels.h"

#define GROUP		(20 * US)
#define QUANTUM		(6 * MS)
#define TIMEOUT		(2 * MS)
/* What a packet without units costs, so also INDIRECT before its buffer. */
#define PACKET		50

static void arm(struct gpu *g, unsigned int f, uint64_t quantum, uint64_t flags)
{
	set64(g, 0, VGPU_PF_NEXT, f | VGPU_PF_NEXT_VALID | flags |
	      VGPU_FIELD_PREP(VGPU_PF_NEXT_QUANTUM, quantum));
}

static void arm_boundary(struct gpu *g, unsigned int f)
{
	arm(g, f, QUANTUM, VGPU_PF_NEXT_BOUNDARY);
}

static void set_timeout(struct gpu *g, unsigned int f, uint64_t timeout)
{
	set64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_PREEMPT_TIMEOUT, timeout);
}

/* VF 1 runs for QUANTUM. Return: since when. */
static uint64_t start(struct gpu *g)
{
	struct vgpu_event e;

	gpu_next(g, 1, QUANTUM);
	e = gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	assert_int_equal(e.detail, 1);
	return e.running;
}

/* Ring 0 of VF 1: @packets of so many groups of 1 ms. */
static struct stream put_packets(struct gpu *g, unsigned int packets,
				 unsigned int groups)
{
	struct stream s = gpu_ring(g, 1, 0);

	while (packets--)
		put_spin(&s, MS, groups, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	return s;
}

/* VF 1 leaves by its deadline, having stopped @after it. */
static struct vgpu_event check_left(struct gpu *g, uint64_t running, uint64_t after)
{
	struct vgpu_event e = gpu_event(g, SWITCHED, 1);

	assert_int_equal(e.info, VGPU_LEAVE_DEADLINE);
	assert_int_equal(e.deadline, running + QUANTUM);
	assert_int_equal(e.request, e.deadline);
	assert_int_equal(e.quiesced, e.request + after);
	assert_int_equal(e.saved, e.quiesced + g->save);
	assert_int_equal(e.loaded, e.saved + (e.detail == VGPU_FUNCTION_NONE ? 0 : g->load));
	assert_int_equal(e.running, e.loaded);
	return e;
}

/* ------------------------------------------------------------------- boundaries */

static void the_ring_packet_is_finished(void **state)
{
	struct gpu *g = *state;
	struct stream s = put_packets(g, 3, 10);
	uint64_t running = start(g);

	arm_boundary(g, 2);
	gpu_step_to(g, running + QUANTUM + 1);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_QUIESCING);
	assert_false(gpu_armed(g));
	assert_int_equal(check_left(g, running, 4 * MS).detail, 2);
	assert_int_equal(ring_head(&s), sizeof(struct vgpu_pkt_dispatch));
	assert_int_equal(reg64(g, 1, VGPU_REG_GPU_TIME), 10 * MS);
}

static void without_the_flag_it_is_cut(void **state)
{
	struct gpu *g = *state;
	struct stream s = put_packets(g, 3, 10);
	uint64_t running = start(g);

	gpu_next(g, 2, QUANTUM);
	check_left(g, running, 0);
	assert_int_equal(ring_head(&s), 0);
}

static void the_flag_of_the_last_write_counts(void **state)
{
	struct gpu *g = *state;
	uint64_t running;

	put_packets(g, 3, 10);
	running = start(g);
	arm_boundary(g, 2);
	gpu_next(g, 3, QUANTUM);
	assert_int_equal(check_left(g, running, 0).detail, 3);
}

static void an_indirect_is_finished_with_its_whole_buffer(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0), b = gpu_buffer(g, 4096);
	uint64_t done = gpu_alloc(g, 16), running;
	unsigned int i;

	for (i = 0; i < 3; i++)
		put_spin(&b, MS, 3, VGPU_SPIN_NO_COUNT);
	put_fence(&b, SYSTEM(done), 1);
	put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
	put_fence(&s, SYSTEM(done + 8), 1);
	ring_kick(&s);
	running = start(g);
	arm_boundary(g, 2);
	check_left(g, running, 3 * MS + 2 * PACKET);
	assert_int_equal(qtest_read64(g->qt, done), 1);
	assert_int_equal(qtest_read64(g->qt, done + 8), 0);
	assert_int_equal(ring_head(&s), sizeof(struct vgpu_pkt_indirect));
}

/* The deadline is the instant when one packet ends and the other would begin. */
static void between_two_packets_nothing_is_waited_for(void **state)
{
	struct gpu *g = *state;
	struct stream s = put_packets(g, 2, 6);
	uint64_t running = start(g);

	arm_boundary(g, 2);
	check_left(g, running, 0);
	assert_int_equal(ring_head(&s), sizeof(struct vgpu_pkt_dispatch));
}

/* The deadline is the instant when one group ends and the other would begin. */
static void between_two_groups_the_packet_goes_on(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t running, counters = gpu_alloc(g, 4096);

	/* Each group is a unit of its own. */
	put_spin(&s, 2 * MS, 4, SYSTEM(counters));
	put_spin(&s, 2 * MS, 4, SYSTEM(counters));
	ring_kick(&s);
	running = start(g);
	arm_boundary(g, 2);
	check_left(g, running, 2 * MS);
	assert_int_equal(ring_head(&s), sizeof(struct vgpu_pkt_dispatch));
}

static void an_idle_world_leaves_at_once(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t now;

	start(g);
	gpu_step(g, MS);
	now = gpu_now(g);
	arm_boundary(g, 2);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_IDLE);
	assert_int_equal(e.quiesced, now);
}

static void a_new_slice_waits_for_nothing(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t running;

	put_packets(g, 1, 10);
	running = start(g);
	arm_boundary(g, 1);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_RENEWED);
	assert_int_equal(e.running, running + QUANTUM);
}

static void now_waits_for_the_boundary_too(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t running;

	put_packets(g, 2, 4);
	running = start(g);
	gpu_step_to(g, running + MS + 1);
	arm(g, 2, QUANTUM, VGPU_PF_NEXT_NOW | VGPU_PF_NEXT_BOUNDARY);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_PREEMPT);
	assert_int_equal(e.request, running + MS + 1);
	assert_int_equal(e.quiesced, running + 4 * MS);
}

static void no_other_ring_gets_a_turn(void **state)
{
	struct gpu *g = *state;
	struct stream s = put_packets(g, 1, 10), other;
	uint64_t running;

	if (g->rings < 2)
		skip();
	other = gpu_ring(g, 1, 1);
	put_spin(&other, MS, 10, VGPU_SPIN_NO_COUNT);
	ring_kick(&other);
	running = start(g);
	arm_boundary(g, 2);
	check_left(g, running, 4 * MS);
	/* Whichever ring was the first. */
	assert_int_equal(ring_head(&s) + ring_head(&other),
			 sizeof(struct vgpu_pkt_dispatch));
}

static void a_wait_in_the_buffer_is_a_boundary(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0), b = gpu_buffer(g, 4096);
	uint64_t value = gpu_alloc(g, 8), done = gpu_alloc(g, 8), running;

	put_spin(&b, MS, 8, VGPU_SPIN_NO_COUNT);
	put_wait(&b, SYSTEM(value), 1);
	put_fence(&b, SYSTEM(done), 1);
	put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
	ring_kick(&s);
	running = start(g);
	arm(g, VGPU_FUNCTION_NONE, 0, VGPU_PF_NEXT_BOUNDARY);
	g->quiet = BIT(VGPU_EVENT_IDLE) | BIT(VGPU_EVENT_RUNNABLE);
	check_left(g, running, 2 * MS + 2 * PACKET);
	assert_int_equal(ring_head(&s), 0);
	assert_int_equal(ring_state(&s), VGPU_RING_BLOCKED);
	/* It goes on in the middle of its packet. */
	qtest_write64(g->qt, value, 1);
	gpu_next(g, 1, QUANTUM);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	ring_kick(&s);
	gpu_await(g, done, 1);
	assert_int_equal(reg64(g, 1, VGPU_REG_GPU_TIME) / MS, 8);
}

static void a_fault_is_a_boundary(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0), b = gpu_buffer(g, 4096);
	uint64_t running;

	put_spin(&b, MS, 8, VGPU_SPIN_NO_COUNT);
	put_fence(&b, 4, 0);
	put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
	ring_kick(&s);
	running = start(g);
	arm_boundary(g, 2);
	gpu_event(g, FAULT, 1);
	g->quiet = BIT(VGPU_EVENT_IDLE);
	check_left(g, running, 2 * MS + PACKET);
	assert_int_equal(ring_state(&s), VGPU_RING_HALTED);
}

static void disabling_the_ring_ends_the_wait(void **state)
{
	struct gpu *g = *state;
	struct stream s = put_packets(g, 2, 100);
	uint64_t running = start(g);

	arm_boundary(g, 2);
	gpu_step_to(g, running + 8 * MS + 1);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), 0);
	g->quiet = BIT(VGPU_EVENT_IDLE);
	check_left(g, running, 3 * MS);
}

static void closing_the_function_ends_the_wait(void **state)
{
	struct gpu *g = *state;
	uint64_t running;

	put_packets(g, 2, 100);
	running = start(g);
	arm_boundary(g, 2);
	gpu_step_to(g, running + 8 * MS + 1);
	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_CTRL, 0);
	g->quiet = BIT(VGPU_EVENT_IDLE);
	check_left(g, running, 3 * MS);
}

/* What a world is preempted in the middle of, it finishes when it is back. */
static void a_packet_cut_before_is_under_way(void **state)
{
	struct gpu *g = *state;
	struct stream s = put_packets(g, 2, 10);
	struct vgpu_event e;
	uint64_t running = start(g);

	gpu_next(g, VGPU_FUNCTION_NONE, 0);
	check_left(g, running, 0);
	arm(g, 1, 1, 0);
	arm_boundary(g, 2);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.request, e.deadline);
	assert_int_equal(e.quiesced, e.deadline - 1 + 4 * MS);
	assert_int_equal(ring_head(&s), sizeof(struct vgpu_pkt_dispatch));
}

/* ------------------------------------------------------------- the preempt timeout */

static void a_packet_that_takes_too_long_is_cut(void **state)
{
	struct gpu *g = *state;
	uint64_t running;
	struct stream s;

	/* 7 µs: neither deadline nor timeout is at the end of a group. */
	s = gpu_busy(g, 1, 7 * US);
	set_timeout(g, 1, TIMEOUT);
	running = start(g);
	arm_boundary(g, 2);
	check_left(g, running, 8001 * US - QUANTUM);
	assert_int_equal(ring_head(&s), 0);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_SAVED);
}

static void a_packet_that_ends_with_the_timeout_is_in_time(void **state)
{
	struct gpu *g = *state;
	struct stream s = put_packets(g, 2, 8);
	uint64_t running;

	set_timeout(g, 1, TIMEOUT);
	running = start(g);
	arm_boundary(g, 2);
	check_left(g, running, TIMEOUT);
	assert_int_equal(ring_head(&s), sizeof(struct vgpu_pkt_dispatch));
}

static void then_it_has_its_timeout_once_more(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct vgpu_event e;
	uint64_t running;

	put_spin_atomic(&s, GROUP, 1000000, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	set_timeout(g, 1, TIMEOUT);
	running = start(g);
	arm_boundary(g, 2);
	gpu_step_to(g, running + QUANTUM + 2 * TIMEOUT - 1);
	gpu_silent(g);
	e = gpu_event(g, HANG, 1);
	assert_int_equal(e.request, running + QUANTUM);
	assert_int_equal(gpu_now(g), running + QUANTUM + 2 * TIMEOUT);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_HANG);
	assert_int_equal(e.detail, 2);
	assert_int_equal(e.request, running + QUANTUM);
	assert_int_equal(e.quiesced, running + QUANTUM + 2 * TIMEOUT);
	assert_int_equal(e.saved, e.quiesced + g->reset);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_HUNG);
}

static void in_the_second_timeout_it_can_still_quiesce(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t running;

	put_spin_atomic(&s, MS, 9, VGPU_SPIN_NO_COUNT);
	put_spin(&s, GROUP, 1000000, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	set_timeout(g, 1, TIMEOUT);
	running = start(g);
	arm_boundary(g, 2);
	check_left(g, running, 3 * MS);
}

static void without_a_timeout_it_may_take_for_ever(void **state)
{
	struct gpu *g = *state;
	uint64_t running;

	put_packets(g, 2, 500);
	running = start(g);
	arm_boundary(g, 2);
	check_left(g, running, 494 * MS);
}

static void check_both_timeouts(struct gpu *g)
{
	struct vgpu_event e;
	uint64_t running;

	set_timeout(g, 1, TIMEOUT);
	gpu_inject(g, "never-quiesce", "1");
	running = start(g);
	arm_boundary(g, 2);
	gpu_event(g, HANG, 1);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_HANG);
	assert_int_equal(e.quiesced, running + QUANTUM + 2 * TIMEOUT);
}

static void a_world_that_does_not_quiesce_has_both_timeouts(void **state)
{
	struct gpu *g = *state;

	put_packets(g, 4, 8);
	check_both_timeouts(g);
}

/* It would finish its packet with the first timeout. */
static void so_has_one_that_is_asked_between_two_groups(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);

	put_spin(&s, 2 * MS, 4, SYSTEM(gpu_alloc(g, 4096)));
	put_spin(&s, 2 * MS, 4, SYSTEM(gpu_alloc(g, 4096)));
	ring_kick(&s);
	check_both_timeouts(g);
}

/* ----------------------------------------------------------- ending the wait early */

static void now_without_the_flag_ends_the_wait(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t running;

	put_packets(g, 2, 100);
	gpu_busy(g, 2, GROUP);
	gpu_busy(g, 3, GROUP);
	running = start(g);
	arm_boundary(g, 2);
	gpu_step_to(g, running + 8 * MS + 1);
	/* These are for the switch that follows. */
	arm_boundary(g, 3);
	gpu_next(g, 3, QUANTUM);
	arm(g, 3, QUANTUM, VGPU_PF_NEXT_NOW | VGPU_PF_NEXT_BOUNDARY);
	gpu_step_to(g, running + 10 * MS + 1);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_QUIESCING);
	gpu_silent(g);
	/* This is so, too, and ends the wait. */
	gpu_next_now(g, 3, QUANTUM);
	e = check_left(g, running, 5 * MS);
	assert_int_equal(e.detail, 2);
	running = e.running;
	e = gpu_event(g, SWITCHED, 2);
	assert_int_equal(e.info, VGPU_LEAVE_PREEMPT);
	assert_int_equal(e.request, running);
	assert_int_equal(e.detail, 3);
}

static void the_timeout_begins_when_the_wait_is_ended(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct vgpu_event e;
	uint64_t running;

	put_spin_atomic(&s, GROUP, 1000000, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	set_timeout(g, 1, TIMEOUT);
	running = start(g);
	arm_boundary(g, 2);
	gpu_step_to(g, running + QUANTUM + TIMEOUT / 2);
	gpu_next_now(g, 3, QUANTUM);
	gpu_event(g, HANG, 1);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_HANG);
	assert_int_equal(e.quiesced, running + QUANTUM + TIMEOUT / 2 + TIMEOUT);
}

static void reset_ends_the_wait(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t running;

	put_packets(g, 2, 100);
	running = start(g);
	arm_boundary(g, 2);
	gpu_step_to(g, running + 8 * MS);
	gpu_cmd(g, VGPU_CMD_RESET, 1);
	gpu_event(g, RESET, 1);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_RESET);
	assert_int_equal(e.request, running + QUANTUM);
	assert_int_equal(e.quiesced, running + 8 * MS);
	assert_int_equal(e.running, e.quiesced + g->reset + g->load);
}

static void flr_ends_the_wait(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t running;

	put_packets(g, 2, 100);
	running = start(g);
	arm_boundary(g, 2);
	gpu_step_to(g, running + 8 * MS);
	pci_flr(&g->fn[1].pci);
	gpu_event(g, FLR, 1);
	g->quiet = BIT(VGPU_EVENT_IDLE) | BIT(VGPU_EVENT_RUNNABLE);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_RESET);
	assert_int_equal(e.quiesced, running + 8 * MS);
	/* The wait is over for good. */
	gpu_busy(g, 2, GROUP);
	running = e.running;
	gpu_next(g, 3, QUANTUM);
	e = gpu_event(g, SWITCHED, 2);
	assert_int_equal(e.request, running + QUANTUM);
	assert_in_range(e.quiesced - e.request, 0, GROUP);
}

/* --------------------------------------------------------------- nothing is lost */

/* Worlds that are cut in the middle again and again, and at boundaries between. */
static void all_work_is_done_once(void **state)
{
	struct gpu *g = *state;
	struct job job[3][2 * JOB_KERNELS];
	unsigned int f, i, n = 0;
	uint64_t done[3];

	for (f = 1; f <= 2; f++) {
		struct stream s = gpu_ring(g, f, 0);
		struct stream b = gpu_buffer(g, 4096);

		set_timeout(g, f, 30 * US);
		for (i = 0; i < JOB_KERNELS; i++)
			job[f][i] = job_put(&s, job_kernels[i],
					    gpu_ram(g, JOB_BYTES), 7 * f + i);
		for (; i < 2 * JOB_KERNELS; i++)
			job[f][i] = job_put(&b, job_kernels[i - JOB_KERNELS],
					    gpu_ram(g, JOB_BYTES), 7 * f + i);
		put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
		done[f] = ring_finish(&s);
	}
	g->quiet = BIT(VGPU_EVENT_RUNNABLE) | BIT(VGPU_EVENT_IDLE);
	arm(g, 1, 1, 0);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	for (f = 1; !qtest_read64(g->qt, done[1]) || !qtest_read64(g->qt, done[2]);
	     f = 3 - f) {
		struct vgpu_event e;

		arm(g, 3 - f, 1, VGPU_PF_NEXT_BOUNDARY);
		e = gpu_event(g, SWITCHED, f);
		assert_int_not_equal(e.info, VGPU_LEAVE_HANG);
		assert_true(++n < 5000);
	}
	assert_true(n > 20);
	for (f = 1; f <= 2; f++)
		for (i = 0; i < 2 * JOB_KERNELS; i++)
			job_check(g, &job[f][i]);
}

/* ------------------------------------------------------------------- the command */

static struct vgpu_event check_quiesced(struct gpu *g, uint64_t asked, uint64_t after)
{
	struct vgpu_event e = gpu_event(g, QUIESCED, 1);

	assert_int_equal(e.info, VGPU_LEAVE_PREEMPT);
	assert_int_equal(e.request, asked);
	assert_int_equal(e.quiesced, asked + after);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_QUIESCED);
	gpu_silent(g);
	return e;
}

/* VF 1 has run for 1 ms and 1 ns, and is asked. Return: when. */
static uint64_t ask(struct gpu *g)
{
	uint64_t asked;

	gpu_run(g, 1);
	gpu_step(g, MS + 1);
	asked = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_BOUNDARY, 1);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_QUIESCING);
	return asked;
}

static void the_command_finishes_the_packet(void **state)
{
	struct gpu *g = *state;
	struct stream s = put_packets(g, 2, 10);
	struct vgpu_event e;

	check_quiesced(g, ask(g), 9 * MS - 1);
	assert_int_equal(ring_head(&s), sizeof(struct vgpu_pkt_dispatch));
	gpu_cmd(g, VGPU_CMD_SAVE, 1);
	e = gpu_event(g, SAVED, 1);
	assert_int_equal(e.saved, gpu_now(g));
}

static void the_command_is_refused_where_preempt_is(void **state)
{
	struct gpu *g = *state;
	uint64_t asked;

	gpu_cmd(g, VGPU_CMD_BOUNDARY, 1);
	gpu_refused(g, VGPU_CMD_BOUNDARY, 1, VGPU_REFUSED_STATE);
	gpu_cmd(g, VGPU_CMD_BOUNDARY, g->total + 1);
	gpu_refused(g, VGPU_CMD_BOUNDARY, g->total + 1, VGPU_REFUSED_FUNCTION);
	put_packets(g, 2, 10);
	asked = ask(g);
	gpu_cmd(g, VGPU_CMD_BOUNDARY, 1);
	gpu_refused(g, VGPU_CMD_BOUNDARY, 1, VGPU_REFUSED_STATE);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 2);
	gpu_refused(g, VGPU_CMD_PREEMPT, 2, VGPU_REFUSED_STATE);
	check_quiesced(g, asked, 9 * MS - 1);
	gpu_cmd(g, VGPU_CMD_BOUNDARY, 1);
	gpu_refused(g, VGPU_CMD_BOUNDARY, 1, VGPU_REFUSED_STATE);
}

static void the_command_is_refused_in_a_switch_by_itself(void **state)
{
	struct gpu *g = *state;
	uint64_t running;

	put_packets(g, 2, 10);
	running = start(g);
	arm_boundary(g, 2);
	gpu_step_to(g, running + QUANTUM + MS);
	gpu_cmd(g, VGPU_CMD_BOUNDARY, 1);
	gpu_refused(g, VGPU_CMD_BOUNDARY, 1, VGPU_REFUSED_STATE);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	gpu_refused(g, VGPU_CMD_PREEMPT, 1, VGPU_REFUSED_STATE);
	check_left(g, running, 4 * MS);
}

static void preempt_ends_the_wait_of_the_command(void **state)
{
	struct gpu *g = *state;
	uint64_t asked;

	put_packets(g, 2, 10);
	asked = ask(g);
	gpu_step(g, MS);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	/* One answer to both. */
	check_quiesced(g, asked, 2 * MS - 1);
	gpu_step(g, 20 * MS);
	gpu_silent(g);
}

static void after_the_command_the_timeout_counts_twice(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t asked;

	put_spin_atomic(&s, GROUP, 1000000, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	set_timeout(g, 1, TIMEOUT);
	asked = ask(g);
	assert_int_equal(gpu_event(g, HANG, 1).request, asked);
	assert_int_equal(gpu_now(g), asked + 2 * TIMEOUT);
	assert_int_equal(gpu_event(g, RESET, 1).quiesced, asked + 2 * TIMEOUT + g->reset);
}

static void an_idle_world_quiesces_at_once(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t asked;

	gpu_run(g, 1);
	gpu_step(g, MS);
	asked = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_BOUNDARY, 1);
	e = gpu_event(g, QUIESCED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_IDLE);
	assert_int_equal(e.quiesced, asked);
}

static void the_command_needs_no_hardware_deadline(void **state)
{
	struct gpu *g = *state;

	assert_int_equal(reg32(g, 0, VGPU_PF_CAPS), VGPU_PF_CAPS_BOUNDARY);
	put_packets(g, 2, 10);
	check_quiesced(g, ask(g), 9 * MS - 1);
}

/* ---------------------------------------------------------------- the capability */

static void without_the_capability_worlds_are_cut(void **state)
{
	struct gpu *g = gpu_ready(",vfs=8,boundary=off", GPU_FIXTURE_VFS);
	uint64_t running;

	*state = g;
	assert_int_equal(reg32(g, 0, VGPU_PF_CAPS), VGPU_PF_CAPS_DEADLINE);
	put_packets(g, 2, 10);
	running = start(g);
	arm_boundary(g, 2);
	gpu_cmd(g, VGPU_CMD_BOUNDARY, 1);
	gpu_refused(g, VGPU_CMD_BOUNDARY, 1, VGPU_REFUSED_COMMAND);
	check_left(g, running, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(the_ring_packet_is_finished),
		GPU_TEST(without_the_flag_it_is_cut),
		GPU_TEST(the_flag_of_the_last_write_counts),
		GPU_TEST(an_indirect_is_finished_with_its_whole_buffer),
		GPU_TEST(between_two_packets_nothing_is_waited_for),
		GPU_TEST(between_two_groups_the_packet_goes_on),
		GPU_TEST(an_idle_world_leaves_at_once),
		GPU_TEST(a_new_slice_waits_for_nothing),
		GPU_TEST(now_waits_for_the_boundary_too),
		GPU_TEST(no_other_ring_gets_a_turn),
		GPU_TEST(a_wait_in_the_buffer_is_a_boundary),
		GPU_TEST(a_fault_is_a_boundary),
		GPU_TEST(disabling_the_ring_ends_the_wait),
		GPU_TEST(closing_the_function_ends_the_wait),
		GPU_TEST(a_packet_cut_before_is_under_way),
		GPU_TEST(a_packet_that_takes_too_long_is_cut),
		GPU_TEST(a_packet_that_ends_with_the_timeout_is_in_time),
		GPU_TEST(then_it_has_its_timeout_once_more),
		GPU_TEST(in_the_second_timeout_it_can_still_quiesce),
		GPU_TEST(without_a_timeout_it_may_take_for_ever),
		GPU_TEST(a_world_that_does_not_quiesce_has_both_timeouts),
		GPU_TEST(so_has_one_that_is_asked_between_two_groups),
		GPU_TEST(now_without_the_flag_ends_the_wait),
		GPU_TEST(the_timeout_begins_when_the_wait_is_ended),
		GPU_TEST(reset_ends_the_wait),
		GPU_TEST(flr_ends_the_wait),
		GPU_TEST(all_work_is_done_once),
		GPU_TEST(the_command_finishes_the_packet),
		GPU_TEST(the_command_is_refused_where_preempt_is),
		GPU_TEST(the_command_is_refused_in_a_switch_by_itself),
		GPU_TEST(preempt_ends_the_wait_of_the_command),
		GPU_TEST(after_the_command_the_timeout_counts_twice),
		GPU_TEST(an_idle_world_quiesces_at_once),
		GPU_SOFTWARE_TEST(the_command_needs_no_hardware_deadline),
		GPU_OWN_TEST(without_the_capability_worlds_are_cut),
	};

	return gpu_main("boundary", tests);
}

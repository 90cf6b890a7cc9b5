// SPDX-License-Identifier: GPL-2.0-only
/* NEXT and its hardware deadline. */
#include "kernels.h"

#define GROUP		(20 * US)
#define QUANTUM		(6 * MS)

/* The engine switches to VF 1, and to VF 2 when told. */
static struct vgpu_event start(struct gpu *g, unsigned int f, uint64_t quantum)
{
	struct vgpu_event e;

	gpu_next(g, f, quantum);
	e = gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	assert_int_equal(e.detail, f);
	return e;
}

/* The phases of a switch follow each other without a gap. */
static void check_phases(struct gpu *g, const struct vgpu_event *e)
{
	assert_int_equal(e->saved, e->quiesced + g->save);
	assert_int_equal(e->loaded, e->saved + g->load);
	assert_int_equal(e->running, e->loaded);
}

static void an_empty_engine_takes_next_at_once(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t now;

	gpu_busy(g, 1, GROUP);
	now = gpu_now(g);
	gpu_next(g, 1, QUANTUM);
	assert_false(gpu_armed(g));
	e = gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	assert_int_equal(e.info, VGPU_LEAVE_NONE);
	assert_int_equal(e.detail, 1);
	assert_int_equal(e.deadline, 0);
	assert_int_equal(e.request, now);
	assert_int_equal(e.quiesced, now);
	assert_int_equal(e.saved, now);
	assert_int_equal(e.loaded, now + g->load);
	assert_int_equal(e.running, now + g->load);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_RUNNING);
	assert_int_equal(reg32(g, 0, VGPU_PF_ENGINE) & VGPU_PF_ENGINE_FUNCTION, 1);
}

static void four_functions_take_turns_without_drift(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event last, e;
	unsigned int i, f = 1;
	uint64_t begun;

	for (i = 1; i <= 4; i++)
		gpu_busy(g, i, GROUP);
	last = start(g, f, QUANTUM);
	begun = last.running;
	for (i = 0; i < 40; i++) {
		unsigned int to = f % 4 + 1;

		gpu_next(g, to, QUANTUM);
		e = gpu_event(g, SWITCHED, f);
		assert_int_equal(e.info, VGPU_LEAVE_DEADLINE);
		assert_int_equal(e.detail, to);
		assert_int_equal(e.deadline, last.running + QUANTUM);
		assert_int_equal(e.request - e.deadline, 0);
		assert_in_range(e.quiesced - e.request, 0, GROUP);
		check_phases(g, &e);
		/* Groups are as long as declared: each world has run for whole ones. */
		if (i >= 4)
			assert_int_equal((e.quiesced - last.running) % GROUP, 0);
		last = e;
		f = to;
	}
	/* 6 ms are 300 groups: from the second cycle on nothing overruns. */
	assert_true(last.running - begun <= 40 * (QUANTUM + g->save + g->load) + 4 * GROUP);
}

static void groups_of_any_length_overrun_by_one_at_most(void **state)
{
	struct gpu *g = *state;
	const uint64_t group[] = { 0, 7 * US, 33333, 190 * US, 1 * MS };
	struct vgpu_event last, e;
	unsigned int i, f = 1;
	uint64_t cycle;

	for (i = 1; i <= 4; i++)
		gpu_busy(g, i, group[i]);
	last = start(g, f, QUANTUM);
	for (i = 0; i < 16; i++) {
		gpu_next(g, f % 4 + 1, QUANTUM);
		e = gpu_event(g, SWITCHED, f);
		assert_int_equal(e.request, e.deadline);
		assert_int_equal(e.deadline, last.running + QUANTUM);
		assert_in_range(e.quiesced - e.request, 0, group[f]);
		check_phases(g, &e);
		cycle = e.running - last.running;
		assert_int_equal(cycle, QUANTUM + (e.quiesced - e.request) +
				 g->save + g->load);
		last = e;
		f = f % 4 + 1;
	}
}

static void without_next_the_world_runs_on(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event first, e;
	uint64_t now;

	gpu_busy(g, 1, GROUP);
	first = start(g, 1, QUANTUM);
	gpu_step(g, 3 * QUANTUM);
	gpu_silent(g);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_RUNNING);

	/* Its deadline has passed: NEXT is taken at once. */
	now = gpu_now(g);
	gpu_next(g, 2, QUANTUM);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_DEADLINE);
	assert_int_equal(e.deadline, first.running + QUANTUM);
	assert_int_equal(e.request, now);
	check_phases(g, &e);
}

static void without_a_quantum_there_is_no_deadline(void **state)
{
	struct gpu *g = *state;

	gpu_busy(g, 1, GROUP);
	start(g, 1, 0);
	gpu_next(g, 2, QUANTUM);
	gpu_step(g, 100 * MS);
	gpu_silent(g);
	assert_true(gpu_armed(g));
	gpu_next_now(g, 2, QUANTUM);
	assert_int_equal(gpu_event(g, SWITCHED, 1).deadline, 0);
}

static void the_longest_quantum_is_kept_exactly(void **state)
{
	struct gpu *g = *state;
	const uint64_t longest = VGPU_FIELD_GET(VGPU_PF_NEXT_QUANTUM,
						VGPU_PF_NEXT_QUANTUM);
	struct vgpu_event first, e;

	gpu_busy(g, 1, GROUP);
	first = start(g, 1, longest);
	gpu_next_now(g, 2, 0);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.deadline, first.running + longest);
}

static void next_can_be_overwritten_until_it_is_taken(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event first, e;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 3, GROUP);
	first = start(g, 1, QUANTUM);
	gpu_next(g, 2, QUANTUM);
	gpu_step(g, QUANTUM / 2);
	gpu_next(g, 3, QUANTUM / 2);
	assert_true(gpu_armed(g));
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.detail, 3);
	assert_int_equal(e.deadline, first.running + QUANTUM);
	assert_false(gpu_armed(g));
	/* The quantum that came with it counts from "running". */
	gpu_next(g, 1, QUANTUM);
	assert_int_equal(gpu_event(g, SWITCHED, 3).deadline, e.running + QUANTUM / 2);
}

static void next_can_be_disarmed(void **state)
{
	struct gpu *g = *state;

	gpu_busy(g, 1, GROUP);
	start(g, 1, QUANTUM);
	gpu_next(g, 2, QUANTUM);
	/* Whatever the rest says. */
	set64(g, 0, VGPU_PF_NEXT, 3 | VGPU_PF_NEXT_NOW | VGPU_PF_NEXT_QUANTUM);
	assert_false(gpu_armed(g));
	gpu_step(g, 2 * QUANTUM);
	gpu_silent(g);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_RUNNING);
}

static void now_does_not_wait_for_the_deadline(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event first, e;
	uint64_t now;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	first = start(g, 1, QUANTUM);
	gpu_step(g, MS + 1);
	now = gpu_now(g);
	gpu_next_now(g, 2, QUANTUM);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_PREEMPT);
	assert_int_equal(e.detail, 2);
	assert_int_equal(e.deadline, first.running + QUANTUM);
	assert_int_equal(e.request, now);
	assert_in_range(e.quiesced - e.request, 1, GROUP);
	check_phases(g, &e);
}

static void none_leaves_the_engine_empty(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;

	gpu_busy(g, 1, GROUP);
	start(g, 1, QUANTUM);
	gpu_next(g, VGPU_FUNCTION_NONE, 0);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_DEADLINE);
	assert_int_equal(e.detail, VGPU_FUNCTION_NONE);
	assert_int_equal(e.request, e.deadline);
	assert_int_equal(e.saved, e.quiesced + g->save);
	assert_int_equal(e.loaded, e.saved);
	assert_int_equal(e.running, e.saved);
	assert_int_equal(reg32(g, 0, VGPU_PF_ENGINE), VGPU_FUNCTION_NONE);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_SAVED);
}

static void the_same_function_is_renewed_without_save_and_load(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event last, e;
	unsigned int i;

	gpu_busy(g, 1, 7 * US);
	last = start(g, 1, QUANTUM);
	for (i = 0; i < 4; i++) {
		gpu_next(g, 1, QUANTUM);
		e = gpu_event(g, SWITCHED, 1);
		assert_int_equal(e.info, VGPU_LEAVE_RENEWED);
		assert_int_equal(e.detail, 1);
		/* Exactly at the deadline, not at a preemption point. */
		assert_int_equal(e.deadline, last.running + QUANTUM);
		assert_int_equal(e.request, e.deadline);
		assert_int_equal(e.quiesced, e.request);
		assert_int_equal(e.saved, e.request);
		assert_int_equal(e.loaded, e.request);
		assert_int_equal(e.running, e.request);
		last = e;
	}
}

static void an_idle_world_is_renewed_at_once(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t now;

	start(g, 1, QUANTUM);
	gpu_step(g, MS);
	now = gpu_now(g);
	gpu_next(g, 1, QUANTUM);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_RENEWED);
	assert_int_equal(e.request, now);
	assert_int_equal(e.running, now);
	assert_false(gpu_armed(g));
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_RUNNING);
}

static void an_idle_world_makes_room_before_its_deadline(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t done = gpu_alloc(g, 8);
	struct vgpu_event first, e;

	gpu_busy(g, 2, GROUP);
	put_spin(&s, MS, 1, VGPU_SPIN_NO_COUNT);
	put_timestamp(&s, SYSTEM(done));
	ring_kick(&s);
	first = start(g, 1, QUANTUM);
	gpu_next(g, 2, QUANTUM);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_IDLE);
	assert_int_equal(e.detail, 2);
	assert_int_equal(e.deadline, first.running + QUANTUM);
	assert_in_range(e.request, first.running + MS, first.running + 2 * MS);
	assert_true(e.request >= qtest_read64(g->qt, done));
	assert_int_equal(e.quiesced, e.request);
	check_phases(g, &e);
}

static void a_world_that_is_idle_already_makes_room_at_once(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t now;

	start(g, 1, QUANTUM);
	gpu_step(g, MS);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_RUNNING);
	now = gpu_now(g);
	gpu_next(g, 2, QUANTUM);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_IDLE);
	assert_int_equal(e.request, now);
	assert_int_equal(e.quiesced, now);
	check_phases(g, &e);
}

static void a_blocked_or_halted_world_is_idle(void **state)
{
	struct gpu *g = *state;
	uint64_t never = gpu_alloc(g, 8);
	struct stream s;

	s = gpu_ring(g, 1, 0);
	put_wait(&s, SYSTEM(never), 1);
	ring_kick(&s);
	s = gpu_ring(g, 1, 1);
	put_fence(&s, 4, 0);
	ring_kick(&s);
	start(g, 1, QUANTUM);
	gpu_next(g, 2, QUANTUM);
	gpu_event(g, FAULT, 1);
	assert_int_equal(gpu_event(g, SWITCHED, 1).info, VGPU_LEAVE_IDLE);
}

static void next_can_be_armed_while_a_switch_is_under_way(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event first, e;
	unsigned int f;

	for (f = 1; f <= 3; f++)
		gpu_busy(g, f, GROUP);
	first = start(g, 1, QUANTUM);
	gpu_next(g, 2, QUANTUM);
	gpu_step_to(g, first.running + QUANTUM + GROUP + g->save / 2);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_SAVING);
	assert_false(gpu_armed(g));
	gpu_next(g, 3, QUANTUM);
	assert_true(gpu_armed(g));
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.detail, 2);
	check_phases(g, &e);
	first = e;
	e = gpu_event(g, SWITCHED, 2);
	assert_int_equal(e.detail, 3);
	assert_int_equal(e.request, first.running + QUANTUM);
}

static void a_refused_next_leaves_what_was_armed(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;

	gpu_busy(g, 1, GROUP);
	start(g, 1, QUANTUM);
	gpu_next(g, 2, QUANTUM);

	gpu_next(g, g->total + 1, QUANTUM);
	gpu_refused(g, VGPU_DETAIL_NEXT, g->total + 1, VGPU_REFUSED_FUNCTION);
	gpu_cmd(g, VGPU_CMD_RESET, 3);
	gpu_event(g, RESET, 3);
	gpu_next(g, 3, QUANTUM);
	gpu_refused(g, VGPU_DETAIL_NEXT, 3, VGPU_REFUSED_NO_IMAGE);
	set32(g, 0, VGPU_PF_FN(4) + VGPU_PF_FN_CTRL, 0);
	gpu_next_now(g, 4, QUANTUM);
	gpu_refused(g, VGPU_DETAIL_NEXT, 4, VGPU_REFUSED_CLOSED);

	assert_true(gpu_armed(g));
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.detail, 2);
	assert_int_equal(e.info, VGPU_LEAVE_DEADLINE);
	assert_int_equal(e.request, e.deadline);
}

static void a_refused_next_arms_nothing(void **state)
{
	struct gpu *g = *state;

	gpu_cmd(g, VGPU_CMD_RESET, 3);
	gpu_event(g, RESET, 3);
	gpu_next(g, 3, QUANTUM);
	gpu_refused(g, VGPU_DETAIL_NEXT, 3, VGPU_REFUSED_NO_IMAGE);
	assert_false(gpu_armed(g));
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
}

static void next_that_cannot_be_loaded_any_more_is_refused_when_taken(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event first;

	gpu_busy(g, 1, GROUP);
	first = start(g, 1, QUANTUM);
	gpu_next(g, 2, QUANTUM);
	set32(g, 0, VGPU_PF_FN(2) + VGPU_PF_FN_CTRL, 0);
	gpu_step(g, MS);
	gpu_silent(g);
	gpu_refused(g, VGPU_DETAIL_NEXT, 2, VGPU_REFUSED_CLOSED);
	assert_int_equal(gpu_now(g), first.running + QUANTUM);
	/* The present world goes on. */
	gpu_step(g, MS);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_RUNNING);
	assert_false(gpu_armed(g));
	gpu_silent(g);
}

/* The function that is to enter becomes unfit while the other one leaves. */
static void lose_the_entering_world(struct gpu *g, bool by_reset)
{
	struct vgpu_event e;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	start(g, 1, QUANTUM);
	gpu_step(g, GROUP / 2);
	gpu_next_now(g, 2, QUANTUM);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_QUIESCING);
	if (by_reset) {
		gpu_cmd(g, VGPU_CMD_RESET, 2);
		gpu_event(g, RESET, 2);
	} else {
		set32(g, 0, VGPU_PF_FN(2) + VGPU_PF_FN_CTRL, 0);
	}
	gpu_refused(g, VGPU_DETAIL_NEXT, 2, by_reset ? VGPU_REFUSED_NO_IMAGE :
						       VGPU_REFUSED_CLOSED);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.detail, VGPU_FUNCTION_NONE);
	assert_int_equal(e.info, VGPU_LEAVE_PREEMPT);
	assert_int_equal(e.saved, e.quiesced + g->save);
	assert_int_equal(e.loaded, e.saved);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_SAVED);
}

static void closing_the_entering_function_leaves_the_engine_empty(void **state)
{
	lose_the_entering_world(*state, false);
}

static void reset_of_the_entering_function_leaves_the_engine_empty(void **state)
{
	lose_the_entering_world(*state, true);
}

/* By command, in the middle of the switch. */
static void reset_of_the_leaving_function_lets_the_other_enter(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t now;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	start(g, 1, QUANTUM);
	gpu_step(g, GROUP / 2);
	gpu_next_now(g, 2, QUANTUM);
	gpu_step(g, GROUP + g->save / 2);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_SAVING);
	now = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_RESET, 1);
	assert_int_equal(gpu_event(g, RESET, 1).quiesced, now + g->reset);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_RESET);
	assert_int_equal(e.detail, 2);
	assert_int_equal(e.loaded, now + g->reset + g->load);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_NONE);
}

static void reset_with_next_armed_is_a_switch(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event first, e;
	uint64_t now;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	first = start(g, 1, QUANTUM);
	gpu_next(g, 2, QUANTUM);
	gpu_step(g, MS);
	now = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_RESET, 1);
	gpu_event(g, RESET, 1);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_RESET);
	assert_int_equal(e.detail, 2);
	assert_int_equal(e.deadline, first.running + QUANTUM);
	assert_int_equal(e.quiesced, now);
	assert_int_equal(e.saved, now + g->reset);
	assert_int_equal(e.running, now + g->reset + g->load);
}

static void after_save_next_has_an_empty_engine(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	start(g, 1, QUANTUM);
	gpu_next(g, 2, QUANTUM);
	gpu_stop(g, 1);
	e = gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	assert_int_equal(e.info, VGPU_LEAVE_NONE);
	assert_int_equal(e.detail, 2);
	assert_int_equal(e.running, e.request + g->load);
}

static void after_preempt_next_waits_for_run(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	start(g, 1, QUANTUM);
	gpu_next(g, 2, QUANTUM);
	gpu_step(g, MS);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	gpu_event(g, QUIESCED, 1);
	gpu_step(g, 2 * QUANTUM);
	assert_true(gpu_armed(g));
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_QUIESCED);
	gpu_silent(g);
	/* RUN has no deadline; NOW needs none. */
	gpu_cmd(g, VGPU_CMD_RUN, 1);
	gpu_event(g, RUNNING, 1);
	gpu_step(g, QUANTUM);
	assert_true(gpu_armed(g));
	gpu_next_now(g, 2, QUANTUM);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_PREEMPT);
	assert_int_equal(e.deadline, 0);
}

static void single_commands_are_refused_while_the_device_switches(void **state)
{
	static const unsigned int commands[] = {
		VGPU_CMD_PREEMPT, VGPU_CMD_SAVE, VGPU_CMD_LOAD, VGPU_CMD_RUN,
	};
	struct gpu *g = *state;
	struct vgpu_event e;
	unsigned int i, phase, f;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	start(g, 1, QUANTUM);
	gpu_step(g, GROUP / 2);
	gpu_next_now(g, 2, QUANTUM);
	for (phase = VGPU_ENGINE_QUIESCING; phase; phase =
	     phase == VGPU_ENGINE_QUIESCING ? VGPU_ENGINE_SAVING :
	     phase == VGPU_ENGINE_SAVING ? VGPU_ENGINE_LOADING : 0) {
		assert_int_equal(gpu_engine(g), phase);
		for (i = 0; i < ARRAY_SIZE(commands); i++)
			for (f = 1; f <= 3; f++) {
				gpu_cmd(g, commands[i], f);
				gpu_refused(g, commands[i], f, VGPU_REFUSED_STATE);
			}
		gpu_cmd(g, VGPU_CMD_INIT, 3);
		gpu_event(g, INITIALISED, 3);
		gpu_step(g, phase == VGPU_ENGINE_QUIESCING ? GROUP : g->save);
	}
	e = gpu_event(g, SWITCHED, 1);
	check_phases(g, &e);
}

static void gpu_time_counts_from_running_to_quiesced(void **state)
{
	struct gpu *g = *state;
	uint64_t expected[5] = { 0 };
	struct vgpu_event last, e;
	unsigned int i, f = 1;

	/* VF 4 has nothing to do: being loaded and idle counts, too. */
	for (i = 1; i <= 3; i++)
		gpu_busy(g, i, 13 * US);
	last = start(g, f, QUANTUM);
	for (i = 0; i < 12; i++) {
		if (f == 4)
			gpu_step(g, 777);
		gpu_next(g, f % 4 + 1, QUANTUM);
		e = gpu_event(g, SWITCHED, f);
		expected[f] += e.quiesced - last.running;
		last = e;
		f = f % 4 + 1;
	}
	for (i = 1; i <= 4; i++) {
		if (i == f)
			expected[i] += gpu_now(g) - last.running;
		assert_int_equal(reg64(g, i, VGPU_REG_GPU_TIME), expected[i]);
		assert_int_equal(reg64(g, 0, VGPU_PF_FN(i) + VGPU_PF_FN_GPU_TIME),
				 expected[i]);
	}
}

static void a_timestamp_has_clock_and_gpu_time_of_its_moment(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct vgpu_timestamp first, second;
	uint64_t at = gpu_alloc(g, 2 * sizeof(first));
	struct vgpu_event e;

	put_timestamp(&s, SYSTEM(at));
	put_spin(&s, MS, 3, VGPU_SPIN_NO_COUNT);
	put_timestamp(&s, SYSTEM(at + sizeof(first)));
	ring_kick(&s);
	e = start(g, 1, QUANTUM);
	gpu_step(g, 5 * MS);
	qtest_read(g->qt, at, &first, sizeof(first));
	qtest_read(g->qt, at + sizeof(first), &second, sizeof(second));
	assert_in_range(first.clock, e.running, gpu_now(g));
	assert_int_equal(first.clock - first.gpu_time, e.running);
	assert_int_equal(second.clock - second.gpu_time, e.running);
	assert_true(second.clock - first.clock >= 3 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(an_empty_engine_takes_next_at_once),
		GPU_TEST(four_functions_take_turns_without_drift),
		GPU_TEST(groups_of_any_length_overrun_by_one_at_most),
		GPU_TEST(without_next_the_world_runs_on),
		GPU_TEST(without_a_quantum_there_is_no_deadline),
		GPU_TEST(the_longest_quantum_is_kept_exactly),
		GPU_TEST(next_can_be_overwritten_until_it_is_taken),
		GPU_TEST(next_can_be_disarmed),
		GPU_TEST(now_does_not_wait_for_the_deadline),
		GPU_TEST(none_leaves_the_engine_empty),
		GPU_TEST(the_same_function_is_renewed_without_save_and_load),
		GPU_TEST(an_idle_world_is_renewed_at_once),
		GPU_TEST(an_idle_world_makes_room_before_its_deadline),
		GPU_TEST(a_world_that_is_idle_already_makes_room_at_once),
		GPU_TEST(a_blocked_or_halted_world_is_idle),
		GPU_TEST(next_can_be_armed_while_a_switch_is_under_way),
		GPU_TEST(a_refused_next_leaves_what_was_armed),
		GPU_TEST(a_refused_next_arms_nothing),
		GPU_TEST(next_that_cannot_be_loaded_any_more_is_refused_when_taken),
		GPU_TEST(closing_the_entering_function_leaves_the_engine_empty),
		GPU_TEST(reset_of_the_entering_function_leaves_the_engine_empty),
		GPU_TEST(reset_of_the_leaving_function_lets_the_other_enter),
		GPU_TEST(reset_with_next_armed_is_a_switch),
		GPU_TEST(after_save_next_has_an_empty_engine),
		GPU_TEST(after_preempt_next_waits_for_run),
		GPU_TEST(single_commands_are_refused_while_the_device_switches),
		GPU_TEST(gpu_time_counts_from_running_to_quiesced),
		GPU_TEST(a_timestamp_has_clock_and_gpu_time_of_its_moment),
	};

	return gpu_main("deadline", tests);
}

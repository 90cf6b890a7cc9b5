// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device goes on while the core decides: what was armed may have been taken, and
 * what is told may be of the past, come late, or not at all.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"

static void wake_up_during_the_save_is_kept(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = desk_record(d, 1, 2, VGPU_LEAVE_IDLE);
	/* RUNNABLE is queued before the record, and belongs behind it. */
	vgpu_sched_wake(d->s, 1, sw.request + 5, sw.running);
	desk_report(d, &sw);
	assert_armed(d, 1, false);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNABLE);
	/* It waited from its wake-up on. */
	d->now += MILLISECOND;
	sw = desk_record(d, 2, 1, VGPU_LEAVE_DEADLINE);
	desk_report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->wake.count, 2);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->wakes, 2);
	assert_int_equal(vgpu_sched_total(d->s)->wakes, 3);
}

static void old_wake_up_does_not_hide_idleness(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = desk_record(d, 1, 2, VGPU_LEAVE_IDLE);
	vgpu_sched_wake(d->s, 1, sw.request - 5, sw.running);
	desk_report(d, &sw);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_IDLE);
}

static void wake_up_in_the_same_instant_is_kept(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = desk_record(d, 1, 2, VGPU_LEAVE_IDLE);
	vgpu_sched_wake(d->s, 1, sw.request, sw.running);
	desk_report(d, &sw);
	assert_armed(d, 1, false);
}

static void stale_idle_is_ignored(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	vgpu_sched_sleep(d->s, 1, d->now - 1, d->now);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNABLE);
	assert_int_equal(vgpu_sched_engine(d->s)->stale, 1);
	/* In the same instant the later event counts. */
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_IDLE);
}

static void wake_up_without_a_time_is_of_now(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = desk_record(d, 1, 2, VGPU_LEAVE_IDLE);
	vgpu_sched_wake(d->s, 1, 0, sw.running);
	desk_report(d, &sw);
	assert_armed(d, 1, false);
}

static void wake_up_counts_from_its_own_time(void **state)
{
	struct desk *d = *state;

	vgpu_sched_wake(d->s, 1, d->now - 500, d->now);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->wake.max,
			 500 + desk_config.load_ns);
}

static void overwritten_just_after_it_was_taken(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	/* The device has taken 2 already when we replace it by 3. */
	assert_int_equal(vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_armed(d, 3, false);
	desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_int_equal(d->parked[2], 0);
	/* It is thrown out; 3 is armed in the device, and is asked for at once. */
	assert_armed(d, 3, true);
	d->now += 20 * MICROSECOND;
	desk_switched(d, 2, 3, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[2], 1);
	/* 3 was named twice: which write was taken is not known. */
	assert_armed(d, 1, false);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void overwritten_in_time(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	assert_int_equal(vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_false(vgpu_sched_off_engine(d->s, 2));
	desk_switched(d, 1, 3, VGPU_LEAVE_DEADLINE);
	assert_int_equal(d->parked[2], 1);
	assert_true(vgpu_sched_off_engine(d->s, 2));
}

static void same_function_written_twice(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);	/* 3 */
	vgpu_sched_unpark(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	vgpu_sched_park(d->s, 3, VGPU_SCHED_PARK_PAUSED, d->now);	/* 2 again */
	assert_armed(d, 2, false);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	/* 2 came; was it the first or the last write, and is 3 still possible? */
	desk_switched(d, 1, 2, VGPU_LEAVE_IDLE);
	assert_armed(d, 2, false);
	assert_int_equal(d->parked[3], 0);
	desk_switched(d, 2, 2, VGPU_LEAVE_RENEWED);
	assert_int_equal(d->parked[3], 1);
}

static void written_twice_and_taken_once(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	while (d->call == DESK_NOTHING) {
		d->now = d->timer;
		vgpu_sched_timer(d->s, d->now);
	}
	assert_armed(d, 2, false);
	/* If it was the first write that was taken, the second is armed. */
	desk_switched(d, 1, 2, VGPU_LEAVE_IDLE);
	assert_int_equal(d->call, DESK_DISARM);
	desk_wake(d, 1);
	assert_armed(d, 1, false);
}

static void now_is_written_once(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_armed(d, 2, true);
	d->call = DESK_NOTHING;
	desk_wake(d, 3);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_EXCLUSIVE, d->now),
			 -EINPROGRESS);
	assert_int_equal(d->call, DESK_NOTHING);
	desk_switched(d, 1, 2, VGPU_LEAVE_PREEMPT);
	assert_armed(d, 3, false);
	assert_int_equal(d->parked[1], 1);
}

static void withdrawn_now_is_written_again(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, NONE, true);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 1, false);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, NONE, true);
}

static void lost_record_is_asked_for(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_lost(d->s, d->now);
	assert_int_equal(vgpu_sched_engine(d->s)->lost, 1);
	assert_armed(d, 2, false);
	/* The lost record was 1 to 2; NEXT has renewed 2. */
	desk_switched(d, 2, 2, VGPU_LEAVE_RENEWED);
	assert_int_equal(vgpu_sched_running(d->s), 2);
	assert_armed(d, 1, false);
}

static void unexpected_record_is_the_truth(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_switched(d, 3, 4, VGPU_LEAVE_PREEMPT);
	assert_int_equal(vgpu_sched_running(d->s), 4);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 2);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNABLE);
	assert_armed(d, 2, false);
}

static void records_that_make_no_sense(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	desk_switched(d, DESK_FUNCTIONS, 2, VGPU_LEAVE_DEADLINE);
	desk_switched(d, 1, DESK_FUNCTIONS, VGPU_LEAVE_DEADLINE);
	sw = desk_record(d, 1, 2, VGPU_LEAVE_DEADLINE);
	sw.reason = VGPU_SCHED_REASONS;
	desk_report(d, &sw);
	assert_int_equal(engine->unknown, 3);
	vgpu_sched_wake(d->s, DESK_FUNCTIONS, 1, d->now);
	vgpu_sched_sleep(d->s, DESK_FUNCTIONS, 1, d->now);
	vgpu_sched_hang(d->s, DESK_FUNCTIONS, d->now);
	vgpu_sched_flr(d->s, DESK_FUNCTIONS, d->now);
	vgpu_sched_reset(d->s, DESK_FUNCTIONS, d->now);
	vgpu_sched_refused(d->s, DESK_FUNCTIONS, d->now);
	assert_int_equal(engine->unknown, 9);
	assert_int_equal(vgpu_sched_running(d->s), 1);
	assert_int_equal(vgpu_sched_total(d->s)->slices, 0);
}

static void restart_begins_anew(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	u64 accounted;

	desk_one_runs_two_waits(d);
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	accounted = engine->last_ns - engine->start_ns;
	assert_armed(d, 1, false);
	d->call = DESK_NOTHING;
	vgpu_sched_restart(d->s, 5);	/* power was off: the clock is new */
	assert_int_equal(d->parked[2], 1);
	assert_armed(d, 1, false);
	assert_int_equal(vgpu_sched_running(d->s), NONE);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->slices, 1);
	assert_int_equal(engine->last_ns - engine->start_ns, accounted);
	assert_int_equal(d->timer, 5 + desk_config.load_ns + desk_config.overdue_slack_ns);
	/* Nobody has woken since. */
	assert_false(d->s->function[0].waking || d->s->function[1].waking ||
		     d->s->function[2].waking);
	d->now = 10;
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(engine->backwards, 0);
	assert_int_equal(vgpu_sched_running(d->s), 1);
}

/* --- which slice did it get? --- */

/* 1 runs, and NEXT names 2 in as many writes as there are quanta. */
static void write_all(struct desk *d, const u64 *quanta, unsigned int count)
{
	unsigned int i;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	for (i = 0; i < count; i++) {
		desk_set_quantum(d, 2, quanta[i]);
		if (i)
			vgpu_sched_lost(d->s, d->now);
		else
			desk_wake(d, 2);
		assert_armed(d, 2, false);
		assert_int_equal(d->quantum, quanta[i]);
	}
	d->now += 6 * MILLISECOND;
}

/* It may be any of them, so the longest must be expected; but nobody relies on it. */
static void of_several_slices_the_longest_counts(void **state)
{
	static const struct {
		u64 quanta[4];
		unsigned int count;
		u64 longest;
		bool vague;
	} cases[] = {
		{ { 4 * MILLISECOND }, 1, 4 * MILLISECOND, false },
		{ { 4 * MILLISECOND, 4 * MILLISECOND }, 2, 4 * MILLISECOND, false },
		{ { 4 * MILLISECOND, 5 * MILLISECOND }, 2, 5 * MILLISECOND, true },
		{ { 5 * MILLISECOND, 4 * MILLISECOND }, 2, 5 * MILLISECOND, true },
		{ { 4 * MILLISECOND, 5 * MILLISECOND, 3 * MILLISECOND, 4 * MILLISECOND }, 4,
		  5 * MILLISECOND, true },
		{ { 4 * MILLISECOND, 0 }, 2, 0, true },
		{ { 0, 4 * MILLISECOND }, 2, 0, true },
		{ { 0, 0 }, 2, 0, false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct desk *d = desk_new(&desk_config);

		write_all(d, cases[i].quanta, cases[i].count);
		desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
		assert_int_equal(d->s->has_deadline, cases[i].longest > 0);
		if (cases[i].longest)
			assert_int_equal(d->s->deadline, d->now + cases[i].longest);
		assert_int_equal(d->s->vague, cases[i].vague);
		/* What was written before is of no matter for the next time. */
		desk_switched(d, 2, 1, VGPU_LEAVE_IDLE);
		desk_switched(d, 1, 1, VGPU_LEAVE_RENEWED);
		desk_set_quantum(d, 2, MILLISECOND);
		desk_wake(d, 2);
		desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
		assert_int_equal(d->s->deadline, d->now + MILLISECOND);
		assert_false(d->s->vague);
		desk_free(d);
	}
}

/* Who was cut short was so by the write with NOW. */
static void preempted_by_the_write_with_now(void **state)
{
	static const u64 quanta[] = { 5 * MILLISECOND };
	unsigned int at_once;

	for (at_once = 0; at_once < 2; at_once++) {
		struct desk *d = desk_new(&desk_config);

		write_all(d, quanta, 1);
		desk_set_quantum(d, 2, 3 * MILLISECOND);
		vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
		assert_armed(d, 2, true);
		desk_switched(d, 1, 2, at_once ? VGPU_LEAVE_PREEMPT : VGPU_LEAVE_DEADLINE);
		assert_int_equal(d->s->deadline,
				 d->now + (at_once ? 3 : 5) * MILLISECOND);
		assert_int_equal(d->s->vague, !at_once);
		desk_free(d);
	}
}

/* Who was idle and has woken may be said to be preempted, although nobody wrote NOW. */
static void preempted_without_now(void **state)
{
	static const u64 quanta[] = { 5 * MILLISECOND, 3 * MILLISECOND };
	struct desk *d = *state;

	write_all(d, quanta, 2);
	desk_switched(d, 1, 2, VGPU_LEAVE_PREEMPT);
	assert_true(d->s->has_deadline);
	assert_int_equal(d->s->deadline, d->now + 5 * MILLISECOND);
	assert_true(d->s->vague);
}

/* The running world is named to get a record, with another slice each time. */
static void renewed_by_the_last_write_if_that_was_urgent(void **state)
{
	unsigned int endless;

	for (endless = 0; endless < 2; endless++) {
		struct desk *d = desk_new(&desk_config);

		if (endless)
			desk_set_quantum(d, 1, 0);
		desk_one_runs_two_waits(d);
		desk_set_quantum(d, 1, 5 * MILLISECOND);
		vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
		/* If it had no deadline it would not say anything else. */
		assert_armed(d, 1, endless);
		desk_set_quantum(d, 1, 3 * MILLISECOND);
		vgpu_sched_lost(d->s, d->now);
		assert_armed(d, 1, endless);
		desk_switched(d, 1, 1, VGPU_LEAVE_RENEWED);
		assert_int_equal(d->s->deadline,
				 d->now + (endless ? 3 : 5) * MILLISECOND);
		assert_int_equal(d->s->vague, !endless);
		desk_free(d);
	}
}

/* --- worlds that may have left without a record --- */

static void who_is_anew_before_the_record_is_named(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 1, d->now);
	vgpu_sched_flr(d->s, 2, d->now);
	assert_int_equal(d->call, DESK_NOTHING);
	/* The engine is empty, perhaps, and will say so when it takes that. */
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_WORLD, d->now);
	assert_armed(d, 1, false);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_running(d->s), 1);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void who_is_anew_and_idle_is_not_named(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 1, d->now);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	vgpu_sched_flr(d->s, 2, d->now);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_WORLD, d->now);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNING);
}

/* To name a world that is idle would be answered at once, again and again. */
static void for_an_idle_world_nobody_is_named(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, NONE, false);
	assert_int_equal(d->quantum, 0);
	desk_switched(d, 1, NONE, VGPU_LEAVE_IDLE);
	assert_int_equal(d->parked[2], 1);
	assert_int_equal(d->call, DESK_NOTHING);
}

/* Somebody else was armed in between, and there was no record of it. */
static void an_empty_engine_is_asked_too(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	assert_armed(d, 1, false);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_armed(d, NONE, false);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_armed(d, NONE, true);
	desk_switched(d, 1, NONE, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[1], 1);
}

/* A slice that began unasked and early: the world seems to be idle. */
static void renewed_early_is_not_asked_again(void **state)
{
	unsigned int early;

	for (early = 0; early < 2; early++) {
		struct desk *d = desk_new(&desk_config);
		struct vgpu_sched_switch sw;

		desk_one_runs_two_waits(d);
		vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
		assert_armed(d, 1, false);
		sw = desk_record(d, 1, 1, VGPU_LEAVE_RENEWED);
		sw.deadline = sw.running + early;
		desk_report(d, &sw);
		assert_int_equal(d->s->dry, early);
		/* Another one that must be proven to be off the engine. */
		vgpu_sched_unpark(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
		assert_armed(d, 2, false);
		vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
		assert_armed(d, early ? NONE : 1, false);
		desk_free(d);
	}
}

/* --- who is off the engine? --- */

static void several_that_left_are_told_each_once(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	desk_wake(d, 4);
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	vgpu_sched_park(d->s, 3, VGPU_SCHED_PARK_PAUSED, d->now);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 4, true);
	/* What was taken was the write for 3: 2 can not come any more. */
	desk_switched(d, 1, 3, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[1], 1);
	assert_int_equal(d->parked[2], 1);
	assert_int_equal(d->parked[3], 0);
	desk_switched(d, 3, 4, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[3], 1);
	desk_switched(d, 4, 4, VGPU_LEAVE_RENEWED);
	assert_int_equal(d->parked[1], 1);
	assert_int_equal(d->parked[2], 1);
	assert_int_equal(d->parked[3], 1);
}

static void unparked_in_between_is_told_once(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	desk_switched(d, 1, 2, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[1], 1);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(wake_up_during_the_save_is_kept),
		DESK_TEST(old_wake_up_does_not_hide_idleness),
		DESK_TEST(wake_up_in_the_same_instant_is_kept),
		DESK_TEST(stale_idle_is_ignored),
		DESK_TEST(wake_up_without_a_time_is_of_now),
		DESK_TEST(wake_up_counts_from_its_own_time),
		DESK_TEST(overwritten_just_after_it_was_taken),
		DESK_TEST(overwritten_in_time),
		DESK_TEST(same_function_written_twice),
		DESK_TEST(written_twice_and_taken_once),
		DESK_TEST(now_is_written_once),
		DESK_TEST(withdrawn_now_is_written_again),
		DESK_TEST(lost_record_is_asked_for),
		DESK_TEST(unexpected_record_is_the_truth),
		DESK_TEST(records_that_make_no_sense),
		DESK_TEST(restart_begins_anew),
		cmocka_unit_test(of_several_slices_the_longest_counts),
		cmocka_unit_test(preempted_by_the_write_with_now),
		DESK_TEST(preempted_without_now),
		cmocka_unit_test(renewed_by_the_last_write_if_that_was_urgent),
		DESK_TEST(who_is_anew_before_the_record_is_named),
		DESK_TEST(who_is_anew_and_idle_is_not_named),
		DESK_TEST(for_an_idle_world_nobody_is_named),
		DESK_TEST(an_empty_engine_is_asked_too),
		cmocka_unit_test(renewed_early_is_not_asked_again),
		DESK_TEST(several_that_left_are_told_each_once),
		DESK_TEST(unparked_in_between_is_told_once),
	};

	return cmocka_run_group_tests_name("race", tests, NULL, NULL);
}

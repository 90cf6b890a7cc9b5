// SPDX-License-Identifier: GPL-2.0-only
/* What does not come in time is noticed, and nothing else. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"

static void silence_is_noticed(void **state)
{
	struct desk *d = *state;
	u64 due;

	desk_one_runs_two_waits(d);
	due = vgpu_sched_engine(d->s)->last_ns + VGPU_SCHED_QUANTUM_DEFAULT +
	      VGPU_SCHED_TIMEOUT_DEFAULT + desk_config.reset_ns +
	      desk_config.load_ns + desk_config.overdue_slack_ns;
	d->now = due - 1;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(d->timer, due);
	d->now = due;
	vgpu_sched_timer(d->s, d->now);
	assert_armed(d, 2, false);
	assert_int_equal(vgpu_sched_engine(d->s)->rearmed, 1);
	assert_true(d->timer > due);
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, DESK_OVERDUE);
	assert_int_equal(d->function, 1);
	assert_true(d->timer > d->now);
	/* And again. */
	d->call = DESK_NOTHING;
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, DESK_OVERDUE);
	assert_int_equal(vgpu_sched_engine(d->s)->overdue, 2);
	/* The record comes after all. */
	desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_armed(d, 1, false);
}

static void empty_engine_that_does_not_load_is_noticed(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 3);
	assert_int_equal(d->timer, d->now + desk_config.load_ns +
				   desk_config.overdue_slack_ns);
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, DESK_OVERDUE);
	assert_int_equal(d->function, 3);
}

static void early_timer_is_set_again(void **state)
{
	struct desk *d = *state;
	u64 when;

	desk_one_runs_two_waits(d);
	when = d->timer;
	d->timer = 0;
	vgpu_sched_timer(d->s, when - 1);
	assert_int_equal(d->timer, when);
}

static void endless_patience_without_a_timeout(void **state)
{
	struct desk *d = *state;
	unsigned int i;

	desk_set_timeout(d, 1, 0);
	desk_one_runs_two_waits(d);
	for (i = 0; i < 10; i++) {
		d->now = d->timer;
		vgpu_sched_timer(d->s, d->now);
		assert_int_equal(d->call, DESK_NOTHING);
		assert_true(d->timer > d->now);
	}
}

static void no_deadline_is_waited_for_without_a_timer(void **state)
{
	struct desk *d = *state;
	u64 timer;

	desk_set_quantum(d, 1, 0);
	desk_wake(d, 1);
	timer = d->timer;
	assert_int_equal(d->quantum, 0);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	desk_wake(d, 2);
	d->now = timer;
	d->timer = 0;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->timer, 0);
	/* To get a record out of it, NOW is needed. */
	assert_int_equal(vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_armed(d, 1, true);
}

/* --- when is a switch overdue? --- */

/* Lets time pass until NEXT is written again. Return: when that was. */
static u64 patience_ends(struct desk *d)
{
	u64 rearmed = vgpu_sched_engine(d->s)->rearmed;
	unsigned int fired;

	for (fired = 0; vgpu_sched_engine(d->s)->rearmed == rearmed; fired++) {
		assert_true(fired < 100);
		d->now = max(d->now, d->timer);
		vgpu_sched_timer(d->s, d->now);
	}
	return d->now;
}

/* What comes behind the end of a slice, at the longest. */
static u64 switch_takes(const struct desk *d, unsigned int timeouts)
{
	return timeouts * VGPU_SCHED_TIMEOUT_DEFAULT +
	       max(d->config.save_ns, d->config.reset_ns) + d->config.load_ns +
	       d->config.overdue_slack_ns;
}

static void a_save_may_take_longer_than_a_reset(void **state)
{
	struct vgpu_sched_config config = desk_config;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct desk *d;
		u64 deadline;

		config.save_ns = 7 * MILLISECOND;
		config.load_ns = 9 * MILLISECOND;
		config.reset_ns = (i ? 8 : 6) * MILLISECOND;
		d = desk_new(&config);
		desk_one_runs_two_waits(d);
		deadline = vgpu_sched_engine(d->s)->last_ns + vgpu_sched_quantum(d->s, 1);
		assert_int_equal(patience_ends(d), deadline + switch_takes(d, 1));
		desk_free(d);
	}
}

static void at_once_means_from_then_on(void **state)
{
	struct desk *d = *state;
	u64 asked;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	d->now -= 4 * MILLISECOND;
	asked = d->now;
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 2, true);
	/* It was asked before: another successor does not give it more time. */
	d->now += MILLISECOND;
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 3, true);
	assert_int_equal(patience_ends(d), asked + switch_takes(d, 1));
}

static void who_runs_dry_is_expected_to_leave(void **state)
{
	struct desk *d = *state;
	u64 slept;

	desk_one_runs_two_waits(d);
	d->now -= 4 * MILLISECOND;
	slept = d->now;
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	assert_int_equal(patience_ends(d), slept + switch_takes(d, 1));
}

/* How long ago NEXT was armed is of no matter. */
static void who_hangs_is_waited_for_from_then_on(void **state)
{
	struct desk *d = *state;
	u64 hung;

	desk_one_runs_two_waits(d);
	d->now += VGPU_SCHED_TIMEOUT_DEFAULT;
	hung = d->now;
	vgpu_sched_hang(d->s, 1, hung);
	assert_int_equal(patience_ends(d), hung + switch_takes(d, 1));
}

static void who_is_gone_is_followed_soon(void **state)
{
	struct desk *d = *state;
	u64 gone;

	desk_one_runs_two_waits(d);
	d->now -= MILLISECOND;
	gone = d->now;
	vgpu_sched_flr(d->s, 1, gone);
	assert_int_equal(patience_ends(d), gone + d->config.load_ns +
					   d->config.overdue_slack_ns);
}

static void nobody_is_waited_for_with_the_patience_for_another(void **state)
{
	struct desk *d = *state;
	u64 gone;

	desk_set_timeout(d, 1, 0);
	desk_one_runs_two_waits(d);
	gone = d->now;
	vgpu_sched_flr(d->s, 1, gone);
	/* Whether it would have quiesced in time is of no matter any more. */
	assert_int_equal(patience_ends(d), gone + d->config.load_ns +
					   d->config.overdue_slack_ns);
}

/* It was alone, past its slice: NEXT is armed for the first time when that is heard. */
static void what_was_lost_is_waited_for_from_then_on(void **state)
{
	struct desk *d = *state;
	u64 lost;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now += 20 * MILLISECOND;
	lost = d->now;
	vgpu_sched_lost(d->s, lost);
	assert_armed(d, 1, false);
	assert_int_equal(d->s->charged, lost);
	assert_int_equal(patience_ends(d), lost + switch_takes(d, 1));
}

/* Somebody else runs dry: that is no reason for a switch. */
static void who_sleeps_elsewhere_moves_nothing(void **state)
{
	struct desk *d = *state;
	u64 deadline;

	desk_one_runs_two_waits(d);
	deadline = d->now;
	desk_wake(d, 3);
	vgpu_sched_sleep(d->s, 3, deadline + MILLISECOND, deadline + MILLISECOND);
	assert_int_equal(patience_ends(d), deadline + switch_takes(d, 1));
}

static void replacing_what_is_armed_gives_no_time(void **state)
{
	struct desk *d = *state;
	u64 deadline;

	desk_one_runs_two_waits(d);
	deadline = d->now;
	desk_wake(d, 3);
	d->now += MILLISECOND;
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 3, false);
	assert_int_equal(patience_ends(d), deadline + switch_takes(d, 1));
}

/* NEXT was not armed in between. */
static void armed_again_is_waited_for_anew(void **state)
{
	struct desk *d = *state;
	u64 armed;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	d->now += 20 * MILLISECOND;
	armed = d->now;
	desk_wake(d, 2);
	assert_armed(d, 2, false);
	assert_int_equal(patience_ends(d), armed + switch_takes(d, 1));
}

static void an_empty_engine_has_only_to_load(void **state)
{
	struct desk *d = *state;
	u64 armed = d->now;

	desk_wake(d, 1);
	assert_int_equal(patience_ends(d), armed + d->config.load_ns +
					   d->config.overdue_slack_ns);
}

/* Neither is a world that is to leave whoever comes next waited for in vain. */
static void nobody_as_successor_is_waited_for_too(void **state)
{
	struct desk *d = *state;
	u64 asked;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now += MILLISECOND;
	asked = d->now;
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, NONE, true);
	assert_int_equal(patience_ends(d), asked + switch_takes(d, 1));
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, DESK_OVERDUE);
	assert_int_equal(d->function, 1);
	assert_int_equal(d->now, asked + 2 * switch_takes(d, 1));
}

/* --- finishing a command buffer --- */

static struct desk *coop_new(void)
{
	struct vgpu_sched_config config = desk_config;

	config.boundary = true;
	config.policy = &vgpu_sched_coop;
	return desk_new(&config);
}

static void who_may_finish_has_its_timeout_twice(void **state)
{
	struct desk *d = coop_new();
	u64 deadline;

	desk_one_runs_two_waits(d);
	assert_true(d->boundary_flag);
	deadline = d->now;
	assert_int_equal(patience_ends(d), deadline + switch_takes(d, 2));
	desk_free(d);
}

static bool at_a_boundary_at_once(struct vgpu_sched *s, u64 now,
				  struct vgpu_sched_choice *choice)
{
	choice->now = true;
	return vgpu_sched_coop.pick(s, now, choice);
}

/* Another successor does not give it more time for that. */
static void who_may_finish_is_asked_once(void **state)
{
	struct vgpu_sched_policy policy = vgpu_sched_coop;
	struct vgpu_sched_config config = desk_config;
	struct desk *d;
	u64 asked;

	config.boundary = true;
	config.policy = &policy;
	policy.pick = at_a_boundary_at_once;
	d = desk_new(&config);
	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	desk_wake(d, 2);
	asked = d->now;
	desk_wake(d, 3);
	assert_armed(d, 2, true);
	assert_true(d->boundary_flag);
	d->now += MILLISECOND;
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 3, true);
	assert_true(d->boundary_flag);
	assert_int_equal(patience_ends(d), asked + switch_takes(d, 2));
	desk_free(d);
}

/* Unless it is asked once more, not to: then it is that which counts. */
static void who_must_leave_may_not_finish(void **state)
{
	struct desk *d = coop_new();
	u64 asked;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	d->now += MILLISECOND;
	asked = d->now;
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 2, true);
	assert_false(d->boundary_flag);
	assert_int_equal(patience_ends(d), asked + switch_takes(d, 1));
	/* It does not come back to that. */
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_true(d->boundary_flag);
	desk_free(d);
}

/* A policy that does not let finish: the one under way may have been told it can. */
static void who_could_finish_may_still_be_at_it(void **state)
{
	struct desk *d = coop_new();
	struct vgpu_sched_why why;
	u64 deadline;

	desk_one_runs_two_waits(d);
	deadline = d->now;
	assert_int_equal(vgpu_sched_set_policy(d->s, &vgpu_sched_round_robin, &why,
					       deadline), 0);
	assert_false(d->boundary_flag);
	assert_int_equal(patience_ends(d), deadline + switch_takes(d, 2));
	/* What comes after it has not. */
	desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	d->now += VGPU_SCHED_QUANTUM_DEFAULT;
	deadline = d->now;
	assert_int_equal(patience_ends(d), deadline + switch_takes(d, 1));
	desk_free(d);
}

/* --- what else the timer is for --- */

static void who_is_alone_is_charged_every_millisecond(void **state)
{
	struct desk *d = *state;
	unsigned int i;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	for (i = 0; i < 10; i++) {
		assert_int_equal(d->s->charged, d->now);
		assert_int_equal(d->timer, d->now + VGPU_SCHED_CHARGE_NS);
		d->now = d->timer;
		vgpu_sched_timer(d->s, d->now);
	}
	/* Not if it has nothing to do, nor if there is nobody. */
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	d->now = d->timer;
	i = d->timers;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->timers, i);
	vgpu_sched_flr(d->s, 1, d->now);
	assert_int_equal(d->timers, i);
}

static void who_is_not_alone_is_charged_by_its_record(void **state)
{
	struct desk *d = *state;
	unsigned int fired = 0;
	u64 start;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	start = d->now;
	desk_wake(d, 2);
	while (d->timer < start + VGPU_SCHED_QUANTUM_DEFAULT) {
		d->now = d->timer;
		vgpu_sched_timer(d->s, d->now);
		fired++;
	}
	/* One that was set when it was alone. */
	assert_true(fired <= 2);
}

/* Not even if it is named, to get a record out of the engine. */
static void who_is_gone_is_not_charged_every_millisecond(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 1, d->now);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_WORLD, d->now);
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 1, false);
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->timer, d->now + d->config.load_ns + d->config.overdue_slack_ns);
}

/* The timer is set for each moment once. */
static void timers_are_counted(void **state)
{
	struct desk *d = *state;
	unsigned int i;

	desk_one_runs_two_waits(d);
	assert_int_equal(vgpu_sched_engine(d->s)->timers, d->timers);
	i = d->timers;
	desk_wake(d, 3);
	desk_wake(d, 4);
	assert_int_equal(d->timers, i);
	d->now = d->timer - 1;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->timers, i + 1);
	assert_int_equal(vgpu_sched_engine(d->s)->timers, d->timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(silence_is_noticed),
		DESK_TEST(empty_engine_that_does_not_load_is_noticed),
		DESK_TEST(early_timer_is_set_again),
		DESK_TEST(endless_patience_without_a_timeout),
		DESK_TEST(no_deadline_is_waited_for_without_a_timer),
		cmocka_unit_test(a_save_may_take_longer_than_a_reset),
		DESK_TEST(at_once_means_from_then_on),
		DESK_TEST(who_runs_dry_is_expected_to_leave),
		DESK_TEST(who_hangs_is_waited_for_from_then_on),
		DESK_TEST(who_is_gone_is_followed_soon),
		DESK_TEST(nobody_is_waited_for_with_the_patience_for_another),
		DESK_TEST(what_was_lost_is_waited_for_from_then_on),
		DESK_TEST(who_sleeps_elsewhere_moves_nothing),
		DESK_TEST(replacing_what_is_armed_gives_no_time),
		DESK_TEST(armed_again_is_waited_for_anew),
		DESK_TEST(an_empty_engine_has_only_to_load),
		DESK_TEST(nobody_as_successor_is_waited_for_too),
		cmocka_unit_test(who_may_finish_has_its_timeout_twice),
		cmocka_unit_test(who_may_finish_is_asked_once),
		cmocka_unit_test(who_must_leave_may_not_finish),
		cmocka_unit_test(who_could_finish_may_still_be_at_it),
		DESK_TEST(who_is_alone_is_charged_every_millisecond),
		DESK_TEST(who_is_not_alone_is_charged_by_its_record),
		DESK_TEST(who_is_gone_is_not_charged_every_millisecond),
		DESK_TEST(timers_are_counted),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What the core says of a function and of the engine, and what an event changes of it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"

static void limits_of_the_set_up_are_allowed(void **state)
{
	struct vgpu_sched_config config = desk_config;
	struct desk *d;

	config.functions = VGPU_MAX_FUNCTIONS;
	config.overhead_permille = VGPU_SCHED_OVERHEAD_MAX;
	d = desk_new(&config);
	assert_int_equal(vgpu_sched_state(d->s, VGPU_MAX_FUNCTIONS - 1), VGPU_SCHED_IDLE);
	config.overhead_permille++;
	assert_int_equal(vgpu_sched_init(d->s, &config, &desk_ops, d, 0), -EINVAL);
	desk_free(d);
}

static void without_lag_there_is_no_bound(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_why why;

	/* Under rr. */
	assert_true(vgpu_sched_lag_bound(d->s, 1) == U64_MAX);
	assert_int_equal(vgpu_sched_set_policy(d->s, &vgpu_sched_eevdf, &why, d->now), 0);
	assert_true(vgpu_sched_lag_bound(d->s, 1) < U64_MAX);
	assert_true(vgpu_sched_lag_bound(d->s, DESK_FUNCTIONS) == U64_MAX);
}

static void lag_is_what_it_had_more_than_its_share(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_why why;

	assert_int_equal(vgpu_sched_set_policy(d->s, &vgpu_sched_eevdf, &why, d->now), 0);
	desk_wake(d, 1);
	desk_wake(d, 2);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now += 3 * MILLISECOND;
	vgpu_sched_charge_until(d->s, d->now);
	/* Both wait from the beginning, and half of 3.15 ms is each one's. */
	assert_in_range(vgpu_sched_lag(d->s, 2), 1575 * MICROSECOND - 1, 1575 * MICROSECOND);
	assert_in_range(-vgpu_sched_lag(d->s, 1), 1575 * MICROSECOND, 1575 * MICROSECOND + 1);
	assert_int_equal(vgpu_sched_lag(d->s, 3), 0);
	assert_int_equal(vgpu_sched_lag(d->s, DESK_FUNCTIONS), 0);
}

static void who_hangs_still_runs_and_who_is_gone_does_not(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_hang(d->s, 1, d->now);
	d->now += MILLISECOND;
	assert_int_equal(vgpu_sched_runtime(d->s, 1, d->now), 7 * MILLISECOND);
	vgpu_sched_flr(d->s, 1, d->now);
	assert_int_equal(vgpu_sched_runtime(d->s, 1, d->now),
			 vgpu_sched_stats(d->s, 1)->runtime_ns);
}

static void who_has_used_its_cap_up_is_throttled_while_it_has_work(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(d->s, 1, &params);
	params.cap_quota_ns = MILLISECOND;
	params.cap_period_ns = 50 * MILLISECOND;
	assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now += 2 * MILLISECOND;
	vgpu_sched_timer(d->s, d->now);
	/* It must go, although nobody else is there. */
	assert_armed(d, NONE, true);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNING);
	desk_switched(d, 1, NONE, VGPU_LEAVE_PREEMPT);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_THROTTLED);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_IDLE);
	assert_int_equal(vgpu_sched_state(d->s, 2), VGPU_SCHED_IDLE);
}

static bool pick_who_runs(struct vgpu_sched *s, u64 now, struct vgpu_sched_choice *choice)
{
	if (s->running == NONE)
		return vgpu_sched_round_robin.pick(s, now, choice);
	choice->function = s->running;
	choice->quantum_ns = vgpu_sched_quantum(s, s->running);
	return true;
}

/* A slice of nothing would be one without a deadline. */
static void whom_its_cap_leaves_nothing_is_not_next(void **state)
{
	struct vgpu_sched_policy policy = vgpu_sched_round_robin;
	struct vgpu_sched_config config = desk_config;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	struct desk *d;

	config.policy = &policy;
	policy.pick = pick_who_runs;
	d = desk_new(&config);
	vgpu_sched_get_params(d->s, 1, &params);
	params.cap_quota_ns = 5 * MILLISECOND;
	params.cap_period_ns = 50 * MILLISECOND;
	assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
	desk_wake(d, 1);
	assert_armed(d, 1, false);
	assert_int_equal(d->quantum, params.cap_quota_ns - config.load_ns - config.save_ns);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_armed(d, NONE, false);
	desk_free(d);
}

/* --- what is charged, and waited for --- */

static void every_event_charges_until_then_but_for_trifles(void **state)
{
	struct desk *d = *state;
	u64 running;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	running = d->s->charged;
	vgpu_sched_park(d->s, 3, VGPU_SCHED_PARK_PAUSED, running + VGPU_SCHED_ARM_NS);
	assert_int_equal(d->s->charged, running);
	vgpu_sched_park(d->s, 4, VGPU_SCHED_PARK_PAUSED, running + VGPU_SCHED_ARM_NS + 1);
	assert_int_equal(d->s->charged, running + VGPU_SCHED_ARM_NS + 1);
}

static void idle_in_the_future_is_idle_now(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_sleep(d->s, 1, d->now + MILLISECOND, d->now);
	assert_int_equal(d->s->charged, d->now);
}

static void who_sleeps_before_its_turn_has_not_waited(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	/* The write had been taken. */
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->wake.count, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->wakes, 1);
}

static void who_wakes_on_the_engine_does_not_wait(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	desk_wake(d, 1);
	desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	d->now += 6 * MILLISECOND;
	desk_switched(d, 2, 1, VGPU_LEAVE_DEADLINE);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->wake.count, 1);
}

/* --- what is unexpected --- */

static void after_a_reset_an_empty_engine_is_not_unexpected(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 1, d->now);
	desk_switched(d, NONE, 2, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void after_a_hang_another_world_is_unexpected(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_hang(d->s, 1, d->now);
	desk_switched(d, 3, 2, VGPU_LEAVE_PREEMPT);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 1);
}

static void after_a_loss_nothing_is_unexpected(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_lost(d->s, d->now);
	desk_switched(d, 2, 2, VGPU_LEAVE_RENEWED);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void a_world_that_hung_can_be_reset_instead(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_hang(d->s, 1, d->now);
	desk_switched(d, 1, 2, VGPU_LEAVE_RESET);
	assert_int_equal(vgpu_sched_parked(d->s, 1),
			 VGPU_SCHED_PARK_HUNG | VGPU_SCHED_PARK_RESET);
}

/* Nobody is there to take it, and nobody to be named. */
static void next_is_disarmed_if_nobody_is_left(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 1, d->now);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_WORLD, d->now);
	d->call = DESK_NOTHING;
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_int_equal(d->call, DESK_DISARM);
	assert_int_equal(vgpu_sched_engine(d->s)->disarms, 1);
}

static void after_a_restart_it_is_asked_twice_again(void **state)
{
	struct desk *d = *state;
	unsigned int i;

	desk_one_runs_two_waits(d);
	for (i = 0; !vgpu_sched_engine(d->s)->rearmed; i++) {
		assert_true(i < 100);
		d->now = max(d->now, d->timer);
		vgpu_sched_timer(d->s, d->now);
	}
	vgpu_sched_restart(d->s, d->now);
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(vgpu_sched_engine(d->s)->rearmed, 2);
	assert_int_equal(vgpu_sched_engine(d->s)->overdue, 0);
}

static void after_a_restart_another_world_is_unexpected(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 1, d->now);
	vgpu_sched_restart(d->s, d->now);
	assert_armed(d, 2, false);
	desk_switched(d, 3, 2, VGPU_LEAVE_DEADLINE);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 1);
}

/* What was noted by the clock of before does not make it stale. */
static void after_a_restart_idle_is_believed(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	d->now = MILLISECOND;
	vgpu_sched_restart(d->s, d->now);
	vgpu_sched_sleep(d->s, 2, d->now, d->now);
	assert_int_equal(vgpu_sched_state(d->s, 2), VGPU_SCHED_IDLE);
	assert_int_equal(vgpu_sched_engine(d->s)->stale, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_of_the_set_up_are_allowed),
		DESK_TEST(without_lag_there_is_no_bound),
		DESK_TEST(lag_is_what_it_had_more_than_its_share),
		DESK_TEST(who_hangs_still_runs_and_who_is_gone_does_not),
		DESK_TEST(who_has_used_its_cap_up_is_throttled_while_it_has_work),
		cmocka_unit_test(whom_its_cap_leaves_nothing_is_not_next),
		DESK_TEST(every_event_charges_until_then_but_for_trifles),
		DESK_TEST(idle_in_the_future_is_idle_now),
		DESK_TEST(who_sleeps_before_its_turn_has_not_waited),
		DESK_TEST(who_wakes_on_the_engine_does_not_wait),
		DESK_TEST(after_a_reset_an_empty_engine_is_not_unexpected),
		DESK_TEST(after_a_hang_another_world_is_unexpected),
		DESK_TEST(after_a_loss_nothing_is_unexpected),
		DESK_TEST(a_world_that_hung_can_be_reset_instead),
		DESK_TEST(next_is_disarmed_if_nobody_is_left),
		DESK_TEST(after_a_restart_it_is_asked_twice_again),
		DESK_TEST(after_a_restart_another_world_is_unexpected),
		DESK_TEST(after_a_restart_idle_is_believed),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}

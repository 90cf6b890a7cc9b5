// SPDX-License-Identifier: GPL-2.0-only
/* Functions that are kept off the engine: when are they off for sure? */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"

static void parked_on_the_way_in(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 2, true);
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 3, true);
	/* 2 was taken before; the device may have dropped that NOW since. */
	desk_switched(d, 1, 2, VGPU_LEAVE_PREEMPT);
	assert_armed(d, 3, true);
	assert_int_equal(d->parked[1], 1);
	desk_switched(d, 2, 3, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[2], 1);
}

static void parked_armed_function_needs_a_proof(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	/* Nobody else: the running function is named, to get a record. */
	assert_int_equal(vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_armed(d, 1, false);
	desk_switched(d, 1, 1, VGPU_LEAVE_RENEWED);
	assert_int_equal(d->parked[2], 1);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->switches[VGPU_LEAVE_RENEWED], 1);
}

static void last_one_parked_leaves_an_empty_engine(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_SUSPENDED, d->now),
			 -EINPROGRESS);
	assert_armed(d, NONE, true);
	desk_switched(d, 1, NONE, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[1], 1);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_running(d->s), NONE);
}

static void unpark_cancels_the_callback(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_EXCLUSIVE, d->now);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_PARKED);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_EXCLUSIVE, d->now);
	desk_switched(d, 1, 2, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[1], 0);
	assert_armed(d, 1, false);
}

static void bad_parking_is_refused(void **state)
{
	struct desk *d = *state;

	assert_int_equal(vgpu_sched_park(d->s, DESK_FUNCTIONS, 1, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_park(d->s, 1, 0, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_ALL + 1, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_unpark(d->s, DESK_FUNCTIONS, 1, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_unpark(d->s, 1, 0, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_ALL + 1, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_parked(d->s, 1), 0);
	assert_int_equal(vgpu_sched_parked(d->s, DESK_FUNCTIONS), 0);
	assert_int_equal(vgpu_sched_state(d->s, DESK_FUNCTIONS), -EINVAL);
	assert_true(vgpu_sched_off_engine(d->s, DESK_FUNCTIONS));
	assert_null(vgpu_sched_stats(d->s, DESK_FUNCTIONS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(parked_on_the_way_in),
		DESK_TEST(parked_armed_function_needs_a_proof),
		DESK_TEST(last_one_parked_leaves_an_empty_engine),
		DESK_TEST(unpark_cancels_the_callback),
		DESK_TEST(bad_parking_is_refused),
	};

	return cmocka_run_group_tests_name("park", tests, NULL, NULL);
}

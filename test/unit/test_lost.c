// SPDX-License-Identifier: GPL-2.0-only
/* Worlds that are lost: hangs, FLR, RESET, and NEXT that is refused. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"

static void hang_goes_on_by_itself(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_hang(d->s, 1, d->now);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_parked(d->s, 1), VGPU_SCHED_PARK_HUNG);
	desk_switched(d, 1, 2, VGPU_LEAVE_HANG);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->hangs, 1);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_WORLD, d->now);
	assert_armed(d, 1, false);
}

/* On the classic path the record comes after the reset, so after recovery. */
static void world_made_anew_before_the_record(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_hang(d->s, 1, d->now);
	vgpu_sched_reset(d->s, 1, d->now);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_WORLD, d->now);
	desk_wake(d, 1);
	desk_switched(d, 1, 2, VGPU_LEAVE_HANG);
	assert_int_equal(vgpu_sched_parked(d->s, 1), 0);
	assert_armed(d, 1, false);
}

static void hung_world_is_not_asked_again(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_hang(d->s, 1, d->now);
	assert_armed(d, NONE, false);
}

static void hang_of_the_next_world(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	vgpu_sched_hang(d->s, 2, d->now);
	assert_armed(d, 3, false);
}

static void flr_of_the_running_world(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now += 3 * MILLISECOND;
	vgpu_sched_flr(d->s, 1, d->now);
	/* Nothing was armed, so no record comes, and the engine is empty. */
	assert_int_equal(vgpu_sched_running(d->s), NONE);
	assert_true(vgpu_sched_off_engine(d->s, 1));
	assert_int_equal(vgpu_sched_stats(d->s, 1)->runtime_ns, 3 * MILLISECOND);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->switches[VGPU_LEAVE_RESET], 1);
	desk_wake(d, 2);
	assert_armed(d, 2, false);
	desk_switched(d, NONE, 2, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void flr_of_the_running_world_with_next(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 1, d->now);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_running(d->s), NONE);
	assert_true(vgpu_sched_off_engine(d->s, 1));
	desk_switched(d, 1, 2, VGPU_LEAVE_RESET);
	assert_int_equal(vgpu_sched_running(d->s), 2);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->slices, 1);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void flr_of_the_next_world(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 2, d->now);
	/* 1 may have left for it without a record: it is named again. */
	assert_armed(d, 1, false);
	assert_true(vgpu_sched_off_engine(d->s, 2));
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_running(d->s), 1);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void flr_on_the_way_in(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	vgpu_sched_flr(d->s, 2, d->now);
	assert_armed(d, 3, false);
	/* What was taken is the write that named 2: the one that names 3 is armed. */
	desk_switched(d, 1, NONE, VGPU_LEAVE_DEADLINE);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
	assert_int_equal(d->call, DESK_NOTHING);
	desk_switched(d, NONE, 3, VGPU_LEAVE_NONE);
	assert_armed(d, 1, false);
}

static void reset_parks(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_reset(d->s, 1, d->now);
	assert_int_equal(vgpu_sched_parked(d->s, 1), VGPU_SCHED_PARK_RESET);
	assert_int_equal(vgpu_sched_running(d->s), NONE);
}

static void refused_next_is_replaced(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	vgpu_sched_refused(d->s, 2, d->now);
	assert_armed(d, 3, false);
	assert_int_equal(vgpu_sched_parked(d->s, 2), VGPU_SCHED_PARK_REFUSED);
	assert_true(vgpu_sched_off_engine(d->s, 2));
	assert_int_equal(vgpu_sched_engine(d->s)->refused, 1);
}

static void old_refusal_adds_no_reason(void **state)
{
	struct desk *d = *state;

	vgpu_sched_flr(d->s, 2, d->now);
	vgpu_sched_refused(d->s, 2, d->now);
	assert_int_equal(vgpu_sched_parked(d->s, 2), VGPU_SCHED_PARK_FLR);
}

/* Of a write that is not outstanding any more: NEXT is as it was. */
static void old_refusal_writes_nothing(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	vgpu_sched_refused(d->s, 3, d->now);
	assert_int_equal(vgpu_sched_parked(d->s, 3), VGPU_SCHED_PARK_REFUSED);
	assert_int_equal(d->call, DESK_NOTHING);
}

static void reason_says_what_happened_to_the_world(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_switched(d, 1, 2, VGPU_LEAVE_HANG);
	assert_int_equal(vgpu_sched_parked(d->s, 1), VGPU_SCHED_PARK_HUNG);
	desk_wake(d, 3);
	desk_switched(d, 2, 3, VGPU_LEAVE_RESET);
	assert_int_equal(vgpu_sched_parked(d->s, 2), VGPU_SCHED_PARK_RESET);
	assert_int_equal(vgpu_sched_stats(d->s, 3)->gap.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(hang_goes_on_by_itself),
		DESK_TEST(world_made_anew_before_the_record),
		DESK_TEST(hung_world_is_not_asked_again),
		DESK_TEST(hang_of_the_next_world),
		DESK_TEST(flr_of_the_running_world),
		DESK_TEST(flr_of_the_running_world_with_next),
		DESK_TEST(flr_of_the_next_world),
		DESK_TEST(flr_on_the_way_in),
		DESK_TEST(reset_parks),
		DESK_TEST(refused_next_is_replaced),
		DESK_TEST(old_refusal_adds_no_reason),
		DESK_TEST(old_refusal_writes_nothing),
		DESK_TEST(reason_says_what_happened_to_the_world),
	};

	return cmocka_run_group_tests_name("lost", tests, NULL, NULL);
}

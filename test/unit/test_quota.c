// SPDX-License-Identifier: GPL-2.0-only
/*
 * The account of a cap, to the nanosecond: what engine time and the end of a period
 * do to a quota, when it is used up, and which slices it allows. What follows from
 * all that is in test_cap.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "desk.h"

#define SAVE		(130 * (s64)MICROSECOND)
#define LOAD		(170 * (s64)MICROSECOND)
#define QUOTA		(2 * (s64)MILLISECOND)
#define PERIOD		(20 * (s64)MILLISECOND)
/* The least with which it is worth to load a function. */
#define NEEDED		(LOAD + SAVE + (s64)VGPU_SCHED_QUANTUM_MIN)

static int try_cap(struct desk *d, u16 function, u64 quota, u64 period,
		   struct vgpu_sched_why *why)
{
	struct vgpu_sched_params params;

	vgpu_sched_get_params(d->s, function, &params);
	params.cap_quota_ns = quota;
	params.cap_period_ns = period;
	return vgpu_sched_set_params(d->s, function, &params, why, d->now);
}

static void set_cap(struct desk *d, u16 function, u64 quota, u64 period)
{
	struct vgpu_sched_why why;

	assert_int_equal(try_cap(d, function, quota, period, &why), 0);
}

/* Functions 1 and 2 have a cap of QUOTA in PERIOD, one of which has just begun. */
static struct desk *make(const struct vgpu_sched_policy *policy)
{
	struct vgpu_sched_config config = desk_config;
	struct desk *d;

	config.save_ns = SAVE;
	config.load_ns = LOAD;
	config.policy = policy;
	d = desk_new(&config);
	set_cap(d, 1, QUOTA, PERIOD);
	set_cap(d, 2, QUOTA, PERIOD);
	return d;
}

static int setup(void **state)
{
	*state = make(&vgpu_sched_round_robin);
	return 0;
}

static struct vgpu_sched_cap_function *account(struct desk *d, u16 function)
{
	return &d->s->function[function].cap;
}

static u64 throttles(struct desk *d, u16 function)
{
	return vgpu_sched_stats(d->s, function)->throttles;
}

/* The last ns of its engine time until now is charged, which leaves @left. */
static void charge_down_to(struct desk *d, u16 function, s64 left)
{
	account(d, function)->left = left + 1;
	d->s->charged = d->now;
	vgpu_sched_cap_charge(d->s, function, 1);
	vgpu_sched_cap_update(d->s, d->now);
	assert_int_equal(account(d, function)->left, left);
}

static bool is_throttled(struct desk *d, u16 function)
{
	return d->s->function[function].throttled;
}

/* ------------------------------------------------------------------------ */
/* What is left                                                              */

static void quotas_pay_debts_first_and_do_not_add_up(void **state)
{
	static const struct { s64 left; u64 quota; u64 periods; s64 then; } rows[] = {
		{ 40, 100, 0, 40 }, { -40, 100, 0, -40 },
		{ 100, 100, 1, 100 }, { 40, 100, 1, 100 }, { 0, 100, 1, 100 },
		{ -1, 100, 1, 99 }, { -100, 100, 1, 0 }, { -100, 100, 2, 100 },
		{ -250, 100, 1, -150 }, { -250, 100, 2, -50 }, { -250, 100, 3, 50 },
		{ -250, 100, 4, 100 }, { -250, 100, 5, 100 }, { -199, 100, 3, 100 },
		{ 5, 100, 1ull << 58, 100 }, { -(1ll << 60), 1, U64_MAX, 1 },
		{ -(1ll << 60), 1ull << 33, U64_MAX, 1ll << 33 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(vgpu_sched_replenish(rows[i].left, rows[i].quota,
						      rows[i].periods), rows[i].then);
}

/**
 * struct use - engine time, and what it leaves of a quota
 * @left: before
 * @ns: engine time
 * @until: its end, in ns from the end of the period
 * @then: what is left then
 * @periods: how many have begun since
 */
struct use {
	s64 left;
	s64 ns;
	s64 until;
	s64 then;
	unsigned int periods;
};

static void engine_time_counts_in_the_period_that_it_is_in(void **state)
{
	static const struct use rows[] = {
		{ 1000, 300, -1, 700, 0 },
		{ 100, 300, -1, -200, 0 },
		{ 1000, 300, 0, 700, 0 },
		{ 1000, 300, 1, QUOTA - 1, 1 },
		{ 1000, 1, 1, QUOTA - 1, 1 },
		{ 100, 300, 50, QUOTA - 150 - 50, 1 },
		{ -9, 300, 50, QUOTA - 259 - 50, 1 },
		{ 1000, 300, 300, QUOTA - 300, 1 },
		{ 1000, 300, 301, QUOTA - 300, 1 },
		{ 1000, 300, PERIOD, QUOTA - 300, 1 },
		{ 1000, 300, PERIOD + 1, QUOTA - 1, 2 },
		{ 1000, 300 + PERIOD, PERIOD, QUOTA + QUOTA - PERIOD, 2 },
		{ 1000, 300 + PERIOD, PERIOD + 7, QUOTA + QUOTA - PERIOD - 7, 2 },
		{ 1000, 300 + 2 * PERIOD, 2 * PERIOD - 7,
		  QUOTA + QUOTA - PERIOD - (PERIOD - 7), 2 },
		{ 100, 300 + 2 * PERIOD, 2 * PERIOD + 7,
		  QUOTA - 193 + 2 * (QUOTA - PERIOD) - 7, 3 },
		/* What was charged too much is given back, up to the quota. */
		{ 1000, -300, -1, 1300, 0 },
		{ -1000, -300, -1, -700, 0 },
		{ QUOTA - 300, -300, -1, QUOTA, 0 },
		{ QUOTA - 300, -301, -1, QUOTA, 0 },
	};
	struct vgpu_sched_cap_function *a = account(*state, 1);
	struct desk *d = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 end = a->end;

		a->left = rows[i].left;
		d->s->charged = end + rows[i].until;
		vgpu_sched_cap_charge(d->s, 1, rows[i].ns);
		assert_int_equal(a->left, rows[i].then);
		assert_int_equal(a->end, end + rows[i].periods * PERIOD);
	}
}

static void periods_are_the_same_for_all(void **state)
{
	struct desk *d = *state;

	assert_int_equal(account(d, 1)->left, QUOTA);
	assert_int_equal(account(d, 1)->end, d->now + PERIOD);
	d->now += PERIOD - 1;
	set_cap(d, 3, QUOTA, PERIOD);
	assert_int_equal(account(d, 3)->end, d->now + 1);
	d->now++;
	set_cap(d, 4, QUOTA, PERIOD);
	assert_int_equal(account(d, 4)->end, d->now + PERIOD);
}

/* ------------------------------------------------------------------------ */
/* When it is used up                                                        */

static void who_waits_needs_a_switch_and_a_slice(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	charge_down_to(d, 1, NEEDED);
	assert_false(is_throttled(d, 1));
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNABLE);
	charge_down_to(d, 1, NEEDED - 1);
	assert_true(is_throttled(d, 1));
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_THROTTLED);
}

static void who_runs_needs_its_save(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	charge_down_to(d, 1, SAVE + 1);
	assert_false(is_throttled(d, 1));
	charge_down_to(d, 1, SAVE);
	assert_true(is_throttled(d, 1));
}

/* What suffices for staying on the engine does not for coming back. */
static void who_has_left_needs_more_than_who_runs(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	charge_down_to(d, 1, NEEDED + SAVE - 1);
	assert_false(is_throttled(d, 1));
	desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_int_equal(account(d, 1)->left, NEEDED - 1);
	assert_true(is_throttled(d, 1));
}

/* It leaves with less than it needs to come back. */
static void leave_with_too_little(struct desk *d)
{
	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	charge_down_to(d, 1, NEEDED - 1);
	assert_false(is_throttled(d, 1));
	d->s->running = NONE;
}

static void who_has_left_is_looked_at_though_nothing_was_charged(void **state)
{
	struct desk *d = *state;

	leave_with_too_little(d);
	d->now = account(d, 1)->end - 1;
	vgpu_sched_cap_update(d->s, d->now);
	assert_true(is_throttled(d, 1));
}

static void a_new_quota_comes_before_it_is_looked_at(void **state)
{
	struct desk *d = *state;

	leave_with_too_little(d);
	d->now = account(d, 1)->end;
	vgpu_sched_cap_update(d->s, d->now);
	assert_false(is_throttled(d, 1));
	assert_int_equal(throttles(d, 1), 0);
}

static void all_who_were_charged_are_looked_at(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	desk_wake(d, 2);
	account(d, 1)->left = 1;
	account(d, 2)->left = 1;
	d->s->charged = d->now;
	vgpu_sched_cap_charge(d->s, 1, 1);
	vgpu_sched_cap_charge(d->s, 2, 1);
	vgpu_sched_cap_charge(d->s, 1, 1);
	vgpu_sched_cap_update(d->s, d->now);
	assert_true(is_throttled(d, 1));
	assert_true(is_throttled(d, 2));
	/* And again, when they have been charged again. */
	d->now += PERIOD;
	vgpu_sched_cap_update(d->s, d->now);
	assert_false(is_throttled(d, 1));
	charge_down_to(d, 1, 0);
	assert_true(is_throttled(d, 1));
	assert_false(is_throttled(d, 2));
}

/* It is throttled until there is enough for a slice, not only until debts are paid. */
static void throttled_until_there_is_enough_for_a_slice(void **state)
{
	static const struct { s64 left; unsigned int periods; } rows[] = {
		{ NEEDED - 1, 0 }, { 0, 0 }, { -1, 0 },
		{ NEEDED - QUOTA, 0 }, { NEEDED - QUOTA - 1, 1 },
		{ NEEDED - 2 * QUOTA, 1 }, { NEEDED - 2 * QUOTA - 1, 2 },
	};
	struct desk *d = *state;
	unsigned int i;

	desk_wake(d, 1);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 when = account(d, 1)->end + rows[i].periods * PERIOD;

		charge_down_to(d, 1, rows[i].left);
		assert_int_equal(vgpu_sched_cap_review(d->s), when);
		d->now = when - 1;
		vgpu_sched_cap_update(d->s, d->now);
		assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_THROTTLED);
		d->now = when;
		vgpu_sched_cap_update(d->s, d->now);
		assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNABLE);
		assert_true(account(d, 1)->left >= NEEDED);
	}
}

/* It is throttled while it leaves, and what it overruns is not known before. */
static void an_overrun_keeps_it_off_for_longer(void **state)
{
	struct desk *d = *state;
	u64 end = account(d, 1)->end;

	desk_one_runs_two_waits(d);
	charge_down_to(d, 1, SAVE);
	assert_int_equal(vgpu_sched_cap_review(d->s), end);
	charge_down_to(d, 1, NEEDED - 2 * QUOTA + SAVE);
	desk_switched(d, 1, 2, VGPU_LEAVE_PREEMPT);
	d->s->running = NONE;
	d->now = end;
	vgpu_sched_cap_update(d->s, d->now);
	assert_true(is_throttled(d, 1));
	assert_int_equal(vgpu_sched_cap_review(d->s), end + PERIOD);
}

static void what_is_given_back_wakes_nobody(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	charge_down_to(d, 1, 0);
	vgpu_sched_cap_charge(d->s, 1, -QUOTA);
	vgpu_sched_cap_update(d->s, d->now);
	assert_true(is_throttled(d, 1));
	assert_int_equal(vgpu_sched_cap_review(d->s), account(d, 1)->end);
}

static void times_that_it_had_work_and_no_quota_are_counted(void **state)
{
	struct desk *d = *state;

	/* It has nothing to do, */
	charge_down_to(d, 1, 0);
	assert_true(is_throttled(d, 1));
	assert_int_equal(throttles(d, 1), 0);
	d->now += PERIOD;
	vgpu_sched_cap_update(d->s, d->now);
	assert_int_equal(throttles(d, 1), 0);
	/* or wakes later, */
	charge_down_to(d, 1, 0);
	desk_wake(d, 1);
	d->now += PERIOD;
	vgpu_sched_cap_update(d->s, d->now);
	assert_int_equal(throttles(d, 1), 1);
	/* or has work all the time: that is one time, too. */
	charge_down_to(d, 1, 0);
	charge_down_to(d, 1, -1);
	assert_int_equal(throttles(d, 1), 2);
	d->now += PERIOD;
	vgpu_sched_cap_update(d->s, d->now);
	assert_int_equal(throttles(d, 1), 2);
	assert_int_equal(vgpu_sched_total(d->s)->throttles, 2);
}

/* ------------------------------------------------------------------------ */
/* Slices                                                                    */

static u64 slice(struct desk *d, u16 function, s64 left, u64 wanted, bool at_once)
{
	account(d, function)->left = left;
	return vgpu_sched_cap_slice(d->s, function, wanted, at_once, d->now);
}

static void who_waits_can_have_what_its_switches_leave(void **state)
{
	struct desk *d = *state;

	assert_int_equal(slice(d, 1, NEEDED, 0, false), VGPU_SCHED_QUANTUM_MIN);
	assert_int_equal(slice(d, 1, NEEDED - 1, 0, false), 0);
	assert_int_equal(slice(d, 1, QUOTA, 0, false), QUOTA - LOAD - SAVE);
	assert_int_equal(slice(d, 1, QUOTA, QUOTA - LOAD - SAVE + 1, false),
			 QUOTA - LOAD - SAVE);
	assert_int_equal(slice(d, 1, QUOTA, QUOTA - LOAD - SAVE - 1, false),
			 QUOTA - LOAD - SAVE - 1);
	assert_int_equal(slice(d, 1, -5, MILLISECOND, false), 0);
	/* In the next period it has a new one. */
	d->now = account(d, 1)->end - 1;
	assert_int_equal(slice(d, 1, -5, MILLISECOND, false), 0);
	d->now++;
	assert_int_equal(slice(d, 1, -5, 0, false), QUOTA - 5 - LOAD - SAVE);
}

static void who_is_throttled_has_none(void **state)
{
	struct desk *d = *state;

	charge_down_to(d, 1, 0);
	assert_int_equal(slice(d, 1, QUOTA, MILLISECOND, false), 0);
}

static void who_runs_can_have_what_its_save_leaves(void **state)
{
	struct desk *d = *state;
	s64 least = SAVE + VGPU_SCHED_ARM_NS, rest;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	rest = d->s->deadline - d->s->charged;
	assert_int_equal(slice(d, 1, QUOTA, 0, true), QUOTA - SAVE);
	assert_int_equal(slice(d, 1, QUOTA, MILLISECOND, true), MILLISECOND);
	assert_int_equal(slice(d, 1, least, 0, true), VGPU_SCHED_ARM_NS);
	assert_int_equal(slice(d, 1, least - 1, 0, true), 0);
	/* Behind the present slice: what that one leaves, too. */
	assert_true(rest > 0);
	assert_int_equal(slice(d, 1, least + rest, 0, false), VGPU_SCHED_ARM_NS);
	assert_int_equal(slice(d, 1, least + rest - 1, 0, false), 0);
	/* Unless it is over already, or has no end. */
	d->s->charged = d->s->deadline;
	assert_int_equal(slice(d, 1, least, 0, false), VGPU_SCHED_ARM_NS);
	d->s->charged = d->s->deadline + 7;
	assert_int_equal(slice(d, 1, least, 0, false), VGPU_SCHED_ARM_NS);
	d->s->charged = d->s->deadline - 7;
	assert_int_equal(slice(d, 1, least, 0, false), 0);
	d->s->has_deadline = false;
	assert_int_equal(slice(d, 1, least, 0, false), VGPU_SCHED_ARM_NS);
}

/* A quota of the whole period. */
static void who_has_all_of_the_time_is_not_limited(void **state)
{
	struct desk *d = *state;

	set_cap(d, 1, PERIOD, PERIOD);
	assert_int_equal(slice(d, 1, 0, MILLISECOND, false), MILLISECOND);
	assert_int_equal(slice(d, 1, 0, 0, false), VGPU_SCHED_QUANTUM_MAX);
	d->s->charged = d->now;
	vgpu_sched_cap_charge(d->s, 1, MILLISECOND);
	vgpu_sched_cap_update(d->s, d->now);
	assert_int_equal(account(d, 1)->left, 0);
	assert_false(is_throttled(d, 1));
	set_cap(d, 1, PERIOD - 1, PERIOD);
	assert_int_equal(slice(d, 1, NEEDED - 1, 0, false), 0);
}

/* ------------------------------------------------------------------------ */
/* When something happens next                                               */

/* 1 runs, without a deadline. */
static void run(struct desk *d)
{
	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->s->has_deadline = false;
}

static u64 next_event(struct desk *d, s64 left)
{
	account(d, 1)->left = left;
	return vgpu_sched_cap_review(d->s);
}

static void quota_of_who_runs_ends_or_its_period(void **state)
{
	struct desk *d = *state;
	u64 end = account(d, 1)->end;
	u64 now;

	assert_int_equal(vgpu_sched_cap_review(d->s), 0);
	run(d);
	now = d->s->charged;
	assert_int_equal(next_event(d, QUOTA), now + QUOTA - SAVE);
	assert_int_equal(next_event(d, end - now + SAVE), end);
	assert_int_equal(next_event(d, end - now + SAVE - 1), end - 1);
	assert_int_equal(next_event(d, end - now + SAVE + 1), end);
	/* A slice that ends before that ends by itself. */
	d->s->has_deadline = true;
	d->s->deadline = now + QUOTA - SAVE;
	assert_int_equal(next_event(d, QUOTA), 0);
	d->s->deadline++;
	assert_int_equal(next_event(d, QUOTA), now + QUOTA - SAVE);
}

static void nothing_happens_to_who_uses_nothing(void **state)
{
	struct desk *d = *state;

	run(d);
	assert_int_not_equal(next_event(d, QUOTA), 0);
	d->s->gone = true;
	assert_int_equal(next_event(d, QUOTA), 0);
	d->s->gone = false;
	d->s->function[1].runnable = false;
	assert_int_equal(next_event(d, QUOTA), 0);
	d->s->function[1].runnable = true;
	set_cap(d, 1, PERIOD, PERIOD);
	assert_int_equal(next_event(d, QUOTA), 0);
}

static void the_earlier_of_two_is_next(void **state)
{
	struct desk *d = *state;
	u64 end, now;

	/* 3 is throttled until the end of its period, which is a short one. */
	set_cap(d, 3, MILLISECOND, 10 * MILLISECOND);
	end = account(d, 3)->end;
	charge_down_to(d, 3, 0);
	assert_int_equal(vgpu_sched_cap_review(d->s), end);
	run(d);
	now = d->s->charged;
	assert_int_equal(next_event(d, end - now + SAVE - 1), end - 1);
	assert_int_equal(next_event(d, end - now + SAVE + 1), end);
	/* Who runs and must go is throttled itself. */
	charge_down_to(d, 1, 0);
	assert_int_equal(vgpu_sched_cap_review(d->s), end);
}

/* ------------------------------------------------------------------------ */
/* Settings                                                                  */

static void a_new_cap_keeps_what_was_used(void **state)
{
	struct desk *d = *state;

	account(d, 1)->left = QUOTA - 300;
	set_cap(d, 1, 2 * QUOTA, 2 * PERIOD);
	assert_int_equal(account(d, 1)->left, 2 * QUOTA - 300);
	assert_int_equal(account(d, 1)->end, d->now + 2 * PERIOD);
	account(d, 1)->left = -300;
	set_cap(d, 1, QUOTA, 2 * PERIOD);
	assert_int_equal(account(d, 1)->left, -300 - QUOTA);
	assert_true(is_throttled(d, 1));
	/* That is enough for the debt. */
	set_cap(d, 1, 3 * QUOTA, 2 * PERIOD);
	assert_int_equal(account(d, 1)->left, QUOTA - 300);
	assert_false(is_throttled(d, 1));
	/* Debts end with the cap. */
	account(d, 1)->left = -300;
	set_cap(d, 1, 0, 0);
	set_cap(d, 1, QUOTA, PERIOD);
	assert_int_equal(account(d, 1)->left, QUOTA);
}

static void what_was_used_in_periods_before_is_forgotten(void **state)
{
	struct desk *d = *state;

	account(d, 1)->left = QUOTA - 300;
	d->now += PERIOD;
	set_cap(d, 1, 2 * QUOTA, PERIOD);
	assert_int_equal(account(d, 1)->left, 2 * QUOTA);
	assert_int_equal(account(d, 1)->end, d->now + PERIOD);
}

static void the_same_cap_again_changes_nothing(void **state)
{
	struct desk *d = *state;
	u64 end = account(d, 1)->end;

	desk_wake(d, 1);
	charge_down_to(d, 1, -300);
	d->now += MILLISECOND;
	set_cap(d, 1, QUOTA, PERIOD);
	assert_int_equal(account(d, 1)->left, -300);
	assert_int_equal(account(d, 1)->end, end);
	assert_int_equal(throttles(d, 1), 1);
	set_cap(d, 1, QUOTA, 2 * PERIOD);
	assert_int_equal(account(d, 1)->period, 2 * PERIOD);
}

static void a_clock_that_starts_anew_keeps_quotas_and_debts(void **state)
{
	struct desk *d = *state;

	set_cap(d, 0, QUOTA, PERIOD);
	set_cap(d, 4, QUOTA, PERIOD);
	charge_down_to(d, 1, NEEDED - 2 * QUOTA);
	charge_down_to(d, 2, NEEDED);
	vgpu_sched_cap_restart(d->s, 7);
	assert_int_equal(account(d, 1)->left, NEEDED - 2 * QUOTA);
	assert_int_equal(account(d, 1)->end, PERIOD);
	assert_int_equal(account(d, 2)->left, NEEDED);
	assert_int_equal(account(d, 2)->end, PERIOD);
	assert_int_equal(account(d, 0)->end, PERIOD);
	assert_int_equal(account(d, 3)->end, 0);
	assert_int_equal(account(d, 4)->end, PERIOD);
	assert_int_equal(vgpu_sched_cap_review(d->s), 2 * PERIOD);
}

static void the_least_quota_is_told(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_why why;

	assert_int_equal(try_cap(d, 1, NEEDED - 1, PERIOD, &why), -EINVAL);
	assert_int_equal(why.function, 1);
	assert_string_equal(why.what, "cap_quota_ns");
	assert_string_equal(why.rule,
			    "does not suffice for a switch and the shortest slice");
	assert_int_equal(why.low, NEEDED);
	assert_int_equal(why.high, PERIOD);
	set_cap(d, 1, NEEDED, PERIOD);
}

/* On a device that switches that slowly. */
static void the_least_period_is_told(void **state)
{
	struct vgpu_sched_config config = desk_config;
	struct vgpu_sched_why why;
	struct desk *d;
	u64 least;

	(void)state;
	config.save_ns = 2 * MILLISECOND;
	least = config.save_ns + config.load_ns + VGPU_SCHED_QUANTUM_MIN;
	d = desk_new(&config);
	assert_int_equal(try_cap(d, 1, least - 1, least - 1, &why), -EINVAL);
	assert_int_equal(why.function, 1);
	assert_string_equal(why.what, "cap_period_ns");
	assert_string_equal(why.rule,
			    "does not suffice for a switch and the shortest slice");
	assert_int_equal(why.low, least);
	assert_int_equal(why.high, VGPU_SCHED_PERIOD_MAX);
	set_cap(d, 1, least, least);
	desk_free(d);
}

/* A reservation takes its budget and two switches in each of its periods. */
static void a_cap_is_not_below_a_reservation(void **state)
{
	struct desk *d = make(&vgpu_sched_eevdf);
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	u64 least = PERIOD * 3 / 30 + 1;
	u16 f;

	(void)state;
	for (f = 0; f < DESK_FUNCTIONS; f++) {
		vgpu_sched_get_params(d->s, f, &params);
		params.preempt_timeout_ns = MILLISECOND;
		assert_int_equal(vgpu_sched_set_params(d->s, f, &params, &why, d->now), 0);
	}
	vgpu_sched_get_params(d->s, 3, &params);
	params.budget_ns = 3 * MILLISECOND - LOAD - SAVE;
	params.period_ns = 30 * MILLISECOND;
	params.cap_period_ns = PERIOD;
	params.cap_quota_ns = least - 1;
	assert_int_equal(vgpu_sched_set_params(d->s, 3, &params, &why, d->now), -EINVAL);
	assert_int_equal(why.function, 3);
	assert_string_equal(why.what, "cap_quota_ns");
	assert_string_equal(why.rule,
			    "is less than the reservation needs, switching included");
	assert_int_equal(why.low, least);
	assert_int_equal(why.high, PERIOD);
	params.cap_quota_ns = least;
	assert_int_equal(vgpu_sched_set_params(d->s, 3, &params, &why, d->now), 0);
	desk_free(d);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotas_pay_debts_first_and_do_not_add_up),
		TEST(engine_time_counts_in_the_period_that_it_is_in),
		TEST(periods_are_the_same_for_all),
		TEST(who_waits_needs_a_switch_and_a_slice),
		TEST(who_runs_needs_its_save),
		TEST(who_has_left_needs_more_than_who_runs),
		TEST(who_has_left_is_looked_at_though_nothing_was_charged),
		TEST(a_new_quota_comes_before_it_is_looked_at),
		TEST(all_who_were_charged_are_looked_at),
		TEST(throttled_until_there_is_enough_for_a_slice),
		TEST(an_overrun_keeps_it_off_for_longer),
		TEST(what_is_given_back_wakes_nobody),
		TEST(times_that_it_had_work_and_no_quota_are_counted),
		TEST(who_waits_can_have_what_its_switches_leave),
		TEST(who_is_throttled_has_none),
		TEST(who_runs_can_have_what_its_save_leaves),
		TEST(who_has_all_of_the_time_is_not_limited),
		TEST(quota_of_who_runs_ends_or_its_period),
		TEST(nothing_happens_to_who_uses_nothing),
		TEST(the_earlier_of_two_is_next),
		TEST(a_new_cap_keeps_what_was_used),
		TEST(what_was_used_in_periods_before_is_forgotten),
		TEST(the_same_cap_again_changes_nothing),
		TEST(a_clock_that_starts_anew_keeps_quotas_and_debts),
		TEST(the_least_quota_is_told),
		cmocka_unit_test(the_least_period_is_told),
		cmocka_unit_test(a_cap_is_not_below_a_reservation),
	};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}

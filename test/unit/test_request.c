// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of the policy eevdf: half a turn long, from what a function has had, and
 * for who has woken by its priority. And credits: who leaves takes along what it is
 * owed, for as long as somebody who waits has a right to the engine. See sched/eevdf.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"

#define QUANTUM		(6 * MILLISECOND)

static int setup(void **state)
{
	struct vgpu_sched_config config = desk_config;

	config.policy = &vgpu_sched_eevdf;
	*state = desk_new(&config);
	return 0;
}

static void set(struct desk *d, u16 function, u64 quantum, u32 weight, u32 priority)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(d->s, function, &params);
	params.quantum_ns = quantum;
	params.weight = weight;
	params.priority = priority;
	assert_int_equal(vgpu_sched_set_params(d->s, function, &params, &why, d->now), 0);
}

/* Of a slice with both switches, in virtual time. */
static u64 request(const struct desk *d, u64 quantum, u32 weight)
{
	return ((quantum + d->config.save_ns + d->config.load_ns) << VGPU_SCHED_V_SHIFT) /
	       weight / 2;
}

static u64 deadline(const struct desk *d, u16 function)
{
	return d->s->function[function].eevdf.deadline;
}

static void who_wakes_requests_half_a_turn(void **state)
{
	static const u64 factor[] = {
		[VGPU_SCHED_PRIORITY_LOW] = 4, [VGPU_SCHED_PRIORITY_NORMAL] = 1,
	};
	struct desk *d = *state;
	u32 priority;

	for (priority = VGPU_SCHED_PRIORITY_LOW; priority <= VGPU_SCHED_PRIORITY_HIGH;
	     priority++) {
		u16 f = 1 + priority;

		set(d, f, QUANTUM, 300, priority);
		desk_wake(d, f);
		if (priority == VGPU_SCHED_PRIORITY_HIGH)
			assert_int_equal(d->s->eevdf.v - deadline(d, f),
					 request(d, QUANTUM, 300));
		else
			assert_int_equal(deadline(d, f) - d->s->eevdf.v,
					 factor[priority] * request(d, QUANTUM, 300));
	}
}

static void a_new_weight_makes_a_new_request(void **state)
{
	struct desk *d = *state;
	u64 before;

	desk_wake(d, 1);
	desk_wake(d, 2);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now += 2 * MILLISECOND;
	vgpu_sched_charge_until(d->s, d->now);
	before = deadline(d, 2);
	/* Another quantum alone, or the same again, does not move what was requested. */
	set(d, 2, QUANTUM, 100, VGPU_SCHED_PRIORITY_NORMAL);
	assert_int_equal(deadline(d, 2), before);
	set(d, 2, QUANTUM, 250, VGPU_SCHED_PRIORITY_NORMAL);
	assert_int_equal(deadline(d, 2) - d->s->function[2].eevdf.v,
			 request(d, QUANTUM, 250));
}

static void a_new_quantum_counts_from_the_next_request(void **state)
{
	struct desk *d = *state;

	set(d, 1, QUANTUM, 100, VGPU_SCHED_PRIORITY_NORMAL);
	desk_wake(d, 1);
	desk_wake(d, 2);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	set(d, 1, 2 * QUANTUM, 100, VGPU_SCHED_PRIORITY_NORMAL);
	d->now += QUANTUM;
	desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_int_equal(deadline(d, 1) - d->s->function[1].eevdf.plan,
			 request(d, 2 * QUANTUM, 100));
}

/* A trifle does not move the plan, more than that does. */
static void the_plan_is_kept_if_a_turn_ends_a_little_late(void **state)
{
	unsigned int kind;

	for (kind = 0; kind < 3; kind++) {
		static const u64 late[] = { 0, 190 * MICROSECOND, 220 * MICROSECOND };
		const struct vgpu_sched_eevdf_function *e;
		struct desk *d;
		u64 planned;

		setup(state);
		d = *state;
		e = &d->s->function[1].eevdf;
		set(d, 1, QUANTUM, 100, VGPU_SCHED_PRIORITY_NORMAL);
		desk_wake(d, 1);
		desk_wake(d, 2);
		planned = e->v + 2 * request(d, QUANTUM, 100);
		desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
		d->now += QUANTUM + late[kind];
		desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
		/* One part in 32 of a turn of 6.3 ms is 197 us. */
		assert_int_equal(e->plan, kind < 2 ? planned : e->v);
		assert_int_equal(e->plan == e->v, kind != 1);
		desk_free(d);
	}
}

/* 3 has run for @ns while 1 and 2 waited, and still does. */
static void let_two_wait(struct desk *d, u64 ns)
{
	desk_wake(d, 3);
	desk_switched(d, NONE, 3, VGPU_LEAVE_NONE);
	desk_wake(d, 1);
	desk_wake(d, 2);
	d->now += ns;
	vgpu_sched_charge_until(d->s, d->now);
}

static void go_to_sleep(struct desk *d, u16 function)
{
	vgpu_sched_sleep(d->s, function, d->now, d->now);
}

static void who_leaves_brings_back_what_it_is_owed(void **state)
{
	struct desk *d = *state;
	s64 owed;

	let_two_wait(d, 9 * MILLISECOND);
	owed = vgpu_sched_lag(d->s, 2);
	assert_true(owed > 2 * (s64)MILLISECOND);
	go_to_sleep(d, 2);
	assert_int_equal(vgpu_sched_lag(d->s, 2), owed);
	d->now += MILLISECOND;
	vgpu_sched_charge_until(d->s, d->now);
	assert_int_equal(vgpu_sched_lag(d->s, 2), owed);
	desk_wake(d, 2);
	assert_int_equal(vgpu_sched_lag(d->s, 2), owed);
	/* It is not due before those who have waited all the time. */
	assert_false(vgpu_sched_before(deadline(d, 2), d->s->eevdf.v));
}

static void who_leaves_takes_a_turn_along_at_most(void **state)
{
	struct desk *d = *state;
	s64 owed;

	set(d, 2, QUANTUM, 100, VGPU_SCHED_PRIORITY_NORMAL);
	let_two_wait(d, 40 * MILLISECOND);
	owed = vgpu_sched_lag(d->s, 1);
	assert_true(vgpu_sched_lag(d->s, 2) > 7 * (s64)MILLISECOND);
	go_to_sleep(d, 2);
	assert_int_equal(vgpu_sched_lag(d->s, 2), QUANTUM + 300 * MICROSECOND);
	/* What is above falls to the others. */
	assert_true(vgpu_sched_lag(d->s, 1) > owed + 3 * (s64)MILLISECOND);
}

/*
 * 4 is armed because it will have a right to the engine when 3 has had its slice, but
 * 3 goes idle at once. Then 4 runs on the credit of 2, unless 1 could have run.
 */
static void credits_expire_if_nobody_else_had_a_right(void **state)
{
	unsigned int kind;

	for (kind = 0; kind < 2; kind++) {
		struct desk *d;
		s64 owed;

		setup(state);
		d = *state;
		set(d, 4, 3 * MILLISECOND, 100, VGPU_SCHED_PRIORITY_NORMAL);
		desk_wake(d, 4);
		desk_switched(d, NONE, 4, VGPU_LEAVE_NONE);
		desk_wake(d, 2);
		desk_wake(d, 3);
		d->now += 3 * MILLISECOND;
		vgpu_sched_charge_until(d->s, d->now);
		go_to_sleep(d, 2);
		owed = vgpu_sched_lag(d->s, 2);
		assert_true(owed > 0);
		assert_armed(d, 3, false);
		desk_switched(d, 4, 3, VGPU_LEAVE_DEADLINE);
		assert_armed(d, 4, false);
		d->now += 500 * MICROSECOND;
		if (kind)
			desk_wake(d, 1);
		go_to_sleep(d, 3);
		assert_int_equal(vgpu_sched_lag(d->s, 2), kind ? owed : 0);
		desk_switched(d, 3, 4, VGPU_LEAVE_IDLE);
		assert_int_equal(vgpu_sched_lag(d->s, 2), kind ? owed : 0);
		desk_free(d);
	}
}

/*
 * At its deadline 1 will have had what it requested but for what a switch costs, not a
 * nanosecond more: so its next request counts, which is due after that of 2.
 */
static void a_request_less_a_switch_has_been_had(void **state)
{
	struct desk *d = *state;

	set(d, 1, QUANTUM, 128, VGPU_SCHED_PRIORITY_NORMAL);
	set(d, 2, 10 * MILLISECOND, 128, VGPU_SCHED_PRIORITY_NORMAL);
	set(d, 4, MILLISECOND, 128, VGPU_SCHED_PRIORITY_NORMAL);
	let_two_wait(d, 0);
	desk_wake(d, 4);
	set(d, 1, QUANTUM / 2 - 300 * MICROSECOND, 128, VGPU_SCHED_PRIORITY_NORMAL);
	d->now += 20 * MILLISECOND;
	desk_switched(d, 3, 4, VGPU_LEAVE_DEADLINE);
	go_to_sleep(d, 4);
	assert_armed(d, 1, false);
	assert_int_equal(d->quantum, QUANTUM / 2 - 300 * MICROSECOND);
	desk_switched(d, 4, 1, VGPU_LEAVE_IDLE);
	assert_int_equal(((deadline(d, 1) - d->s->function[1].eevdf.v) * 128) >>
			 VGPU_SCHED_V_SHIFT, QUANTUM / 2);
	assert_armed(d, 2, false);
}

/* 1 has just begun a slice, and is owed so much that it goes on after that one. */
static void let_one_go_on(struct desk *d)
{
	set(d, 1, QUANTUM, 2000, VGPU_SCHED_PRIORITY_NORMAL);
	set(d, 2, 10 * MILLISECOND, 100, VGPU_SCHED_PRIORITY_LOW);
	let_two_wait(d, 40 * MILLISECOND);
	assert_armed(d, 1, false);
	desk_switched(d, 3, 1, VGPU_LEAVE_DEADLINE);
	go_to_sleep(d, 3);
	assert_armed(d, 1, false);
}

/* Whatever it is owed: it has nothing on the engine that could go on. */
static void a_world_that_is_gone_does_not_go_on(void **state)
{
	struct desk *d = *state;

	let_one_go_on(d);
	go_to_sleep(d, 1);
	assert_armed(d, 2, false);
	vgpu_sched_flr(d->s, 1, d->now);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_WORLD, d->now);
	desk_wake(d, 1);
	assert_armed(d, 2, false);
}

static void a_world_that_hangs_does_not_go_on(void **state)
{
	struct desk *d = *state;

	let_one_go_on(d);
	vgpu_sched_hang(d->s, 1, d->now);
	assert_armed(d, 2, false);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_WORLD, d->now);
	assert_armed(d, 2, false);
}

/* If its cap leaves it something, and not else. */
static void a_capped_function_goes_on(void **state)
{
	unsigned int kind;

	for (kind = 0; kind < 2; kind++) {
		struct vgpu_sched_params params;
		struct vgpu_sched_why why;
		struct desk *d;

		setup(state);
		d = *state;
		let_one_go_on(d);
		vgpu_sched_get_params(d->s, 1, &params);
		params.cap_period_ns = 100 * MILLISECOND;
		params.cap_quota_ns = kind ? 50 * MILLISECOND : QUANTUM;
		assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
		assert_armed(d, kind ? 1 : 2, false);
		desk_free(d);
	}
}

/* A world that leaves already is not asked again, however urgent the next one is. */
static void who_wakes_does_not_take_the_engine_twice(void **state)
{
	unsigned int kind;

	for (kind = 0; kind < 2; kind++) {
		struct desk *d;

		setup(state);
		d = *state;
		set(d, 1, 10 * QUANTUM, 100, VGPU_SCHED_PRIORITY_NORMAL);
		set(d, 4, QUANTUM, 100, VGPU_SCHED_PRIORITY_HIGH);
		desk_wake(d, 1);
		desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
		d->now += 5 * QUANTUM;
		if (kind)
			vgpu_sched_hang(d->s, 1, d->now);
		desk_wake(d, 4);
		assert_armed(d, 4, !kind);
		desk_free(d);
	}
}

/* Its first request is four times as long, that of others may be twice with a credit. */
static void low_priority_may_be_owed_more(void **state)
{
	u64 ahead, usual_ahead, behind, usual_behind;
	struct desk *d = *state;
	u16 f;

	for (f = 0; f < DESK_FUNCTIONS; f++)
		set(d, f, QUANTUM, 100, VGPU_SCHED_PRIORITY_NORMAL);
	vgpu_sched_eevdf.lag_bounds(d->s, 1, &usual_ahead, &usual_behind);
	set(d, 1, QUANTUM, 100, VGPU_SCHED_PRIORITY_LOW);
	vgpu_sched_eevdf.lag_bounds(d->s, 1, &ahead, &behind);
	assert_int_equal(ahead, usual_ahead);
	assert_int_equal(behind - usual_behind, QUANTUM + 300 * MICROSECOND);
}

/* A function without a deadline keeps the engine from one that has had its turn. */
static void who_has_waited_for_hours_keeps_its_request(void **state)
{
	struct desk *d = *state;
	unsigned int hour;
	u64 v;

	set(d, 1, 0, 1, VGPU_SCHED_PRIORITY_NORMAL);
	set(d, 2, QUANTUM, 1, VGPU_SCHED_PRIORITY_NORMAL);
	desk_wake(d, 2);
	desk_switched(d, NONE, 2, VGPU_LEAVE_NONE);
	desk_wake(d, 1);
	d->now += QUANTUM;
	desk_switched(d, 2, 1, VGPU_LEAVE_DEADLINE);
	assert_armed(d, 2, false);
	v = d->s->function[2].eevdf.v;
	for (hour = 0; hour < 20; hour++) {
		d->now += 3600 * SECOND;
		vgpu_sched_charge_until(d->s, d->now);
	}
	/* It is not left so far behind that it would seem to be ahead. */
	assert_true(vgpu_sched_before(v, d->s->function[2].eevdf.v));
	assert_true(vgpu_sched_before(d->s->function[2].eevdf.v, d->s->eevdf.v));
	assert_int_equal(deadline(d, 2) - d->s->function[2].eevdf.v,
			 request(d, QUANTUM, 1));
	go_to_sleep(d, 2);
	assert_false(vgpu_sched_eevdf_waits(d->s));
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_wakes_requests_half_a_turn),
		TEST(a_new_weight_makes_a_new_request),
		TEST(a_new_quantum_counts_from_the_next_request),
		cmocka_unit_test(the_plan_is_kept_if_a_turn_ends_a_little_late),
		TEST(who_leaves_brings_back_what_it_is_owed),
		TEST(who_leaves_takes_a_turn_along_at_most),
		cmocka_unit_test(credits_expire_if_nobody_else_had_a_right),
		TEST(a_request_less_a_switch_has_been_had),
		TEST(a_world_that_is_gone_does_not_go_on),
		TEST(a_world_that_hangs_does_not_go_on),
		cmocka_unit_test(a_capped_function_goes_on),
		cmocka_unit_test(who_wakes_does_not_take_the_engine_twice),
		TEST(low_priority_may_be_owed_more),
		TEST(who_has_waited_for_hours_keeps_its_request),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}

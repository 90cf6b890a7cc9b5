// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of the policy eevdf: half a turn long, from what a function has had, and
 * for who has woken by its priority; see sched/eevdf.c.
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

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_wakes_requests_half_a_turn),
		TEST(a_new_weight_makes_a_new_request),
		TEST(a_new_quantum_counts_from_the_next_request),
		cmocka_unit_test(the_plan_is_kept_if_a_turn_ends_a_little_late),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}

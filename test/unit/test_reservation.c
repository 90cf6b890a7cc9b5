// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reservations, on the model device. What is promised is measured with the clock of
 * the device's user: running time of a function at the ends of its periods.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rig.h"

#define FUNCTIONS	8
#define MICROSECOND	1000ull
#define MILLISECOND	1000000ull
#define SECOND		1000000000ull
#define NONE		VGPU_FUNCTION_NONE
#define START		(777 * MILLISECOND + 123)
#define SAVE		(130 * MICROSECOND)
#define LOAD		(170 * MICROSECOND)
/* How late the driver may be, as admission assumes: writes and interrupts. */
#define WRITE_LATENCY	(5 * MICROSECOND)
#define IRQ_LATENCY	(15 * MICROSECOND)

static bool hardware = false, classic = true;

/* ------------------------------------------------------------------------ */

static struct rig *new_rig(bool is_classic, u64 seed, u64 start)
{
	struct rig *r = rig_make(&(struct rig_setup){
		.classic = is_classic, .functions = FUNCTIONS, .seed = seed,
		.start = start, .save_ns = SAVE, .load_ns = LOAD,
		.policy = "eevdf" });
	u16 f;

	for (f = 0; f < FUNCTIONS; f++) {
		rig_set_quantum(r, f, 6 * MILLISECOND, 500 * MICROSECOND);
		rig_start(r, f);
	}
	return r;
}

static int setup(void **state)
{
	*state = new_rig(*(bool *)*state, 1, START);
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static int try_budget(struct rig *r, u16 function, u64 budget, u64 period,
		      struct vgpu_sched_why *why)
{
	struct vgpu_sched_params params;

	vgpu_sched_get_params(r->s, function, &params);
	params.budget_ns = budget;
	params.period_ns = period;
	return rig_set_params(r, function, &params, why);
}

static void set_budget(struct rig *r, u16 function, u64 budget, u64 period)
{
	struct vgpu_sched_why why;

	assert_int_equal(try_budget(r, function, budget, period, &why), 0);
}

static int try_timeout(struct rig *r, u16 function, u64 timeout,
		       struct vgpu_sched_why *why)
{
	struct vgpu_sched_params params;

	vgpu_sched_get_params(r->s, function, &params);
	params.preempt_timeout_ns = timeout;
	return rig_set_params(r, function, &params, why);
}

static void set_weight(struct rig *r, u16 function, u32 weight)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(r->s, function, &params);
	params.weight = weight;
	assert_int_equal(rig_set_params(r, function, &params, &why), 0);
}

static void flood(struct rig *r, u16 function)
{
	model_work(&r->m, function, 100000 * SECOND);
}

static u64 had(struct rig *r, u16 function)
{
	return model_gpu_time(&r->m, function);
}

static const struct vgpu_sched_stats *stats(struct rig *r, u16 function)
{
	return vgpu_sched_stats(r->s, function);
}

/* ------------------------------------------------------------------------ */
/* What it gets                                                              */

static void budget_comes_in_every_period(void **state)
{
	const u64 budget = 3 * MILLISECOND, period = 20 * MILLISECOND;
	struct rig *r = *state;
	u64 start, before, k;
	u16 f;

	set_weight(r, 1, 1);
	for (f = 0; f < FUNCTIONS; f++)
		if (f != 1)
			flood(r, f);
	rig_run(r, START + 100 * MILLISECOND + 777);
	set_budget(r, 1, budget, period);
	start = r->m.now;
	flood(r, 1);
	for (k = 1; k <= 1000; k++) {
		before = had(r, 1);
		rig_run(r, start + k * period);
		assert_true(had(r, 1) - before >= budget - MICROSECOND);
	}
	assert_in_range(stats(r, 1)->periods, 999, 1000);
	assert_int_equal(stats(r, 1)->period_misses, 0);
	/* And not much more: the weight is next to nothing. */
	assert_true(had(r, 1) < 1000 * (budget + 50 * MICROSECOND) + 200 * MILLISECOND);
}

/* All wake just before, with, and just after each of its periods begins. */
static void phases_of_others_do_not_matter(void **state)
{
	const u64 budget = 2 * MILLISECOND, period = 15 * MILLISECOND;
	struct rig *r = *state;
	u64 start, k;
	u16 f;

	set_weight(r, 1, 1);
	set_budget(r, 1, budget, period);
	for (f = 0; f < FUNCTIONS; f++)
		r->m.fn[f].group = 500 * MICROSECOND - 20 * f;
	r->m.fn[1].group = 20 * MICROSECOND;
	start = r->m.now;
	flood(r, 1);
	for (k = 1; k <= 2000; k++) {
		u64 end = start + k * period;

		rig_run(r, end - 700 * MICROSECOND);
		for (f = 2; f < FUNCTIONS; f++) {
			rig_run(r, r->m.now + rig_random(r, 100 * MICROSECOND));
			model_work(&r->m, f, rig_random(r, 3 * MILLISECOND));
		}
		rig_run(r, end);
		assert_true(had(r, 1) >= k * budget);
		for (f = 2; f < FUNCTIONS; f++) {
			rig_run(r, r->m.now + rig_random(r, 50 * MICROSECOND));
			model_work(&r->m, f, rig_random(r, MILLISECOND));
		}
	}
	assert_int_equal(stats(r, 1)->period_misses, 0);
}

/* What it is not paid for it has by its weight, and its budget on top. */
static void weights_share_the_rest(void **state)
{
	struct rig *r = *state;
	u64 total = 0, rest;
	u16 f;

	set_budget(r, 1, 20 * MILLISECOND, 100 * MILLISECOND);
	set_weight(r, 2, 200);
	for (f = 1; f <= 4; f++)
		flood(r, f);
	rig_run(r, START + 50 * SECOND);
	for (f = 1; f <= 4; f++)
		total += had(r, f);
	rest = total - 10 * SECOND;
	assert_in_range(had(r, 1), 10 * SECOND + rest / 5 - 100 * MILLISECOND,
			10 * SECOND + rest / 5 + 100 * MILLISECOND);
	assert_in_range(had(r, 2), rest * 2 / 5 - 200 * MILLISECOND,
			rest * 2 / 5 + 200 * MILLISECOND);
	assert_int_equal(stats(r, 1)->period_misses, 0);
}

/*
 * Its own slices are often under way when a period begins. That makes no debt, and
 * no switches beyond those that the others suffer once in each period.
 */
static void budget_begins_in_the_middle_of_slices(void **state)
{
	const u64 budget = MILLISECOND, period = 17 * MILLISECOND;
	struct rig *r = *state;
	u64 total = 0, paid, rest, before, k, cut = 0;
	u16 f;

	set_budget(r, 1, budget, period);
	for (f = 1; f <= 4; f++) {
		rig_set_quantum(r, f, 23 * MILLISECOND, 500 * MICROSECOND);
		flood(r, f);
	}
	for (k = 1; k <= 10000; k++) {
		before = had(r, 1);
		rig_run(r, START + k * period);
		assert_true(had(r, 1) - before >= budget - 50 * MICROSECOND);
	}
	for (f = 1; f <= 4; f++)
		total += had(r, f);
	for (f = 2; f <= 4; f++)
		cut += stats(r, f)->switches[VGPU_LEAVE_PREEMPT];
	paid = 10000 * budget;
	rest = total - paid;
	/* Of its share by weight it does not pay for the switches that it is paid. */
	assert_in_range(had(r, 1), paid + rest / 4 - 300 * MILLISECOND,
			paid + rest / 4 + SECOND);
	assert_true(cut <= 10001);
	assert_int_equal(stats(r, 1)->period_misses, 0);
}

/* What a reservation pays for does not enter virtual time. */
static void paid_time_is_not_virtual(void **state)
{
	struct rig *r = *state;
	unsigned int k;

	set_budget(r, 1, 5 * MILLISECOND, 50 * MILLISECOND);
	flood(r, 2);
	flood(r, 3);
	for (k = 0; k < 100; k++) {
		rig_run(r, r->m.now + 60 * MILLISECOND);
		model_work(&r->m, 1, 4 * MILLISECOND);
	}
	assert_int_equal(had(r, 1), 99 * 4 * MILLISECOND);
	assert_int_equal(stats(r, 1)->lag_min, 0);
}

static void waking_on_the_engine_is_waking(void **state)
{
	struct rig *r = *state;
	u64 before;
	u16 f;

	set_weight(r, 1, 1);
	set_budget(r, 1, 5 * MILLISECOND, 50 * MILLISECOND);
	model_work(&r->m, 1, 10 * MILLISECOND);
	rig_run(r, START + SECOND);
	assert_int_equal(vgpu_sched_running(r->s), 1);
	flood(r, 1);
	rig_run(r, r->m.now + MILLISECOND);
	before = had(r, 1);
	for (f = 2; f < FUNCTIONS; f++)
		flood(r, f);
	rig_run(r, r->m.now + 4 * MILLISECOND);
	assert_true(had(r, 1) - before >= 4 * MILLISECOND - 50 * MICROSECOND);
}

static void unused_budget_falls_to_the_others(void **state)
{
	struct rig *r = *state;
	u64 before;

	set_budget(r, 1, 40 * MILLISECOND, 100 * MILLISECOND);
	set_budget(r, 2, 20 * MILLISECOND, 100 * MILLISECOND);
	flood(r, 3);
	rig_run(r, START + 10 * MILLISECOND);
	before = had(r, 3);
	rig_run(r, START + 10 * MILLISECOND + SECOND);
	assert_int_equal(had(r, 3) - before, SECOND);
	assert_int_equal(stats(r, 1)->periods, 0);
	/* Of the second the first takes what it needs, and the third the rest. */
	flood(r, 1);
	rig_run(r, r->m.now + 10 * SECOND);
	assert_true(vgpu_sched_engine(r->s)->empty_ns < 10 * MILLISECOND);
	assert_true(had(r, 1) + had(r, 3) > 10 * SECOND + 700 * MILLISECOND);
}

static void lone_function_is_not_interrupted(void **state)
{
	struct rig *r = *state;
	u64 before, k;

	set_budget(r, 1, 3500 * MICROSECOND, 20 * MILLISECOND);
	set_weight(r, 1, 1);
	flood(r, 1);
	rig_run(r, START + 10 * SECOND);
	assert_int_equal(r->m.fn[1].starts, 1);
	assert_int_equal(stats(r, 1)->period_misses, 0);
	/* It owes nothing for what nobody else wanted. */
	set_weight(r, 2, 10000);
	flood(r, 2);
	before = had(r, 1);
	for (k = 1; k <= 100; k++) {
		rig_run(r, r->m.now + 20 * MILLISECOND);
		assert_true(had(r, 1) - before >= k * (3500 * MICROSECOND - 40 * MICROSECOND));
	}
	assert_int_equal(stats(r, 1)->period_misses, 0);
}

static void urgent_one_has_the_engine_at_once(void **state)
{
	struct rig *r = *state;
	u64 bound = 20 * MICROSECOND + 300 * MICROSECOND;
	unsigned int k;
	u16 f;

	if (r->classic)
		bound += 300 * MICROSECOND;
	set_budget(r, 1, 2 * MILLISECOND, 30 * MILLISECOND);
	set_budget(r, 2, 50 * MILLISECOND, 500 * MILLISECOND);
	for (f = 2; f < FUNCTIONS; f++)
		flood(r, f);
	for (k = 0; k < 300; k++) {
		u64 starts = r->m.fn[1].starts;

		rig_run(r, r->m.now + 40 * MILLISECOND + rig_random(r, MILLISECOND));
		/* Not while a switch is under way. */
		while (!rig_is_quiet(r))
			rig_step(r, MODEL_NEVER);
		model_work(&r->m, 1, MILLISECOND);
		rig_run(r, r->m.now + bound);
		assert_int_equal(r->m.fn[1].starts, starts + 1);
	}
}

/* ------------------------------------------------------------------------ */
/* What it does not get                                                      */

static void overrun_is_paid_back(void **state)
{
	struct rig *r = *state;
	u64 before, k;

	assert_int_equal(try_timeout(r, 1, 5 * MILLISECOND, &(struct vgpu_sched_why){ 0 }), 0);
	set_weight(r, 1, 1);
	set_weight(r, 2, 10000);
	set_budget(r, 1, 2 * MILLISECOND, 50 * MILLISECOND);
	r->m.fn[1].group = 5 * MILLISECOND - 1;
	flood(r, 2);
	flood(r, 1);
	before = had(r, 1);
	for (k = 1; k <= 1000; k++) {
		rig_run(r, r->m.now + 50 * MILLISECOND);
		/* One overrun, and what little its weight brings. */
		assert_true(had(r, 1) - before <= k * 2 * MILLISECOND + 20 * MILLISECOND);
	}
	assert_true(had(r, 1) - before > 990 * 2 * MILLISECOND);
}

/* A function that goes idle all the time costs the others no more than it has reserved. */
static void toggling_gains_nothing(void **state)
{
	struct rig *r = *state;
	u64 begin, total, end, others;

	set_budget(r, 1, 10 * MILLISECOND, 100 * MILLISECOND);
	set_weight(r, 1, 1);
	set_weight(r, 2, 10000);
	flood(r, 2);
	rig_run(r, START + 100 * MILLISECOND);
	begin = r->m.now;
	others = had(r, 2);
	end = begin + 10 * SECOND;
	while (r->m.now < end) {
		if (!r->m.fn[1].work)
			model_work(&r->m, 1, 1 + rig_random(r, 50 * MICROSECOND));
		rig_run(r, r->m.now + rig_random(r, 100 * MICROSECOND));
	}
	total = r->m.now - begin;
	others = had(r, 2) - others;
	/* U is (10 + 0.64) / 100, and 2 % for turns that its weight brings. */
	assert_true(others >= total * (1000 - 107 - 20) / 1000);
	assert_true(stats(r, 1)->slices < 100 * 20);
	assert_int_equal(stats(r, 1)->periods, 0);
}

/* What a reset takes longer than a save comes out of the budget of who hangs. */
static void hanging_gains_nothing(void **state)
{
	struct rig *r = *state;
	u64 begin, total, others;

	set_budget(r, 1, 10 * MILLISECOND, 100 * MILLISECOND);
	set_weight(r, 1, 1);
	set_weight(r, 2, 10000);
	flood(r, 2);
	rig_run(r, START + 100 * MILLISECOND);
	begin = r->m.now;
	others = had(r, 2);
	while (r->m.now < begin + 20 * SECOND) {
		if (!r->m.fn[1].work && !r->lost_world[1]) {
			r->m.fn[1].stuck = true;
			flood(r, 1);
		}
		rig_run(r, r->m.now + MILLISECOND);
		if (r->lost_world[1])
			rig_recover(r, 1);
	}
	total = r->m.now - begin;
	others = had(r, 2) - others;
	assert_true(vgpu_sched_stats(r->s, 1)->hangs > 100);
	assert_true(others >= total * (1000 - 107 - 2) / 1000);
}

/*
 * The device breaks its word: it gives another function much longer to leave than
 * it was told to. And the driver is late, at the ends of periods in which that was
 * too long. What comes behind the end does not count for the period before it, but
 * for the one that it is in.
 */
static void late_service_is_a_miss(void **state)
{
	const u64 budget = 10 * MILLISECOND, period = 20 * MILLISECOND;
	struct rig *r = *state;
	u64 start = r->m.now, misses = 0, before, k;

	set_budget(r, 1, budget, period);
	set_weight(r, 1, 1);
	r->m.fn[2].timeout = 20 * MILLISECOND;
	r->m.fn[2].group = 11 * MILLISECOND + 77;
	flood(r, 1);
	flood(r, 2);
	for (k = 1; k <= 500; k++) {
		before = had(r, 1);
		r->stall_until = start + k * period + 2 * MILLISECOND;
		rig_run(r, start + k * period);
		misses += had(r, 1) - before < budget - 50 * MICROSECOND;
	}
	assert_true(misses > 50);
	assert_in_range(stats(r, 1)->period_misses, misses - 5, misses + 5);
	assert_true(had(r, 1) <= 501 * budget);
}

/* A long period, most of the budget at its beginning: what is left must not press. */
static void waking_late_does_not_press(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;
	u64 start, k;

	set_budget(r, 1, 2 * MILLISECOND, 20 * MILLISECOND);
	assert_int_equal(try_budget(r, 2, SECOND, SECOND, &why), -EBUSY);
	set_budget(r, 2, why.high, SECOND);
	flood(r, 1);
	flood(r, 3);
	start = r->m.now;
	for (k = 0; k < 100; k++) {
		u64 first = rig_random(r, SECOND);

		model_work(&r->m, 2, rig_random(r, why.high));
		rig_run(r, start + k * SECOND + first);
		model_work(&r->m, 2, rig_random(r, why.high));
		rig_run(r, start + (k + 1) * SECOND);
	}
	assert_true(stats(r, 1)->periods > 4900);
	assert_int_equal(stats(r, 1)->period_misses, 0);
	assert_int_equal(stats(r, 2)->period_misses, 0);
}

/* ------------------------------------------------------------------------ */
/* Admission                                                                 */

static void assert_params(struct rig *r, u16 function,
			  const struct vgpu_sched_params *expected)
{
	struct vgpu_sched_params params;

	vgpu_sched_get_params(r->s, function, &params);
	assert_memory_equal(&params, expected, sizeof(params));
}

static void largest_budget_is_told(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_params before;
	struct vgpu_sched_why why;
	u64 largest;

	set_budget(r, 1, 10 * MILLISECOND, 100 * MILLISECOND);
	vgpu_sched_get_params(r->s, 2, &before);
	assert_int_equal(try_budget(r, 2, 40 * MILLISECOND, 40 * MILLISECOND, &why),
			 -EBUSY);
	assert_params(r, 2, &before);
	assert_int_equal(why.function, 2);
	assert_string_equal(why.what, "budget_ns");
	largest = why.high;
	assert_in_range(largest, 25 * MILLISECOND, 36 * MILLISECOND);
	assert_int_equal(try_budget(r, 2, largest + 1, 40 * MILLISECOND, &why), -EBUSY);
	assert_int_equal(why.high, largest);
	assert_int_equal(try_budget(r, 2, largest, 40 * MILLISECOND, &why), 0);
	/* Nothing is left now. */
	assert_int_equal(try_budget(r, 3, MILLISECOND, SECOND, &why), -EBUSY);
	assert_true(why.high < why.low);
	set_budget(r, 2, 0, 0);
	set_budget(r, 3, MILLISECOND, SECOND);
}

/* The formula of the head comment of reservation.c, written once more. */
static u64 largest(struct rig *r, u16 function, u64 period)
{
	const double us = 1000, save = SAVE, load = LOAD, reset = 1000 * us;
	double reaction = 2 * VGPU_SCHED_ARM_NS + (r->classic ? 40 * us : 0);
	double switching = 2 * (save + load + reaction);
	double use = 0, overruns = 0, first = 0, second = 0, room = 1;
	u16 i;

	for (i = 0; i < FUNCTIONS; i++) {
		const struct vgpu_sched_params *p = &r->s->function[i].params;
		double timeout = p->preempt_timeout_ns;

		second = timeout > first ? first : timeout > second ? timeout : second;
		first = timeout > first ? timeout : first;
		if (i != function && p->budget_ns)
			use += (p->budget_ns + switching) / p->period_ns;
		if (i == function || p->budget_ns)
			overruns += timeout;
	}
	for (i = 0; i < FUNCTIONS; i++) {
		const struct vgpu_sched_params *p = &r->s->function[i].params;
		double wait = 2 * reaction + 2 * reset + load + first + second +
			      overruns - p->preempt_timeout_ns;
		double left;

		if (i != function && !p->budget_ns)
			continue;
		left = 1 - use - wait / (i == function ? period : p->period_ns);
		room = left < room ? left : room;
	}
	return room * period - switching;
}

static void admission_is_by_the_formula(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		assert_int_equal(try_timeout(r, f, (200 + 77 * f) * MICROSECOND, &why), 0);
	for (f = 1; f <= 5; f++) {
		u64 period = (60 - 7 * f) * MILLISECOND;

		assert_int_equal(try_budget(r, f, period, period, &why), -EBUSY);
		assert_in_range(why.high, largest(r, f, period) - 10,
				largest(r, f, period) + 10);
		set_budget(r, f, 4 * MILLISECOND, period);
	}
}

static void smallest_period_is_told(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;
	u64 smallest;

	assert_int_equal(try_budget(r, 1, 2 * MILLISECOND, 2 * MILLISECOND, &why), -EBUSY);
	assert_string_equal(why.what, "period_ns");
	smallest = why.low;
	assert_int_equal(try_budget(r, 1, 2 * MILLISECOND, smallest - 1, &why), -EBUSY);
	assert_int_equal(try_budget(r, 1, 2 * MILLISECOND, smallest, &why), 0);
}

static void preempt_timeouts_count(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_params before;
	struct vgpu_sched_why why;
	u64 largest;

	set_budget(r, 1, 20 * MILLISECOND, 40 * MILLISECOND);
	vgpu_sched_get_params(r->s, 5, &before);
	assert_int_equal(try_timeout(r, 5, SECOND, &why), -EBUSY);
	assert_params(r, 5, &before);
	assert_string_equal(why.what, "preempt_timeout_ns");
	largest = why.high;
	assert_in_range(largest, 10 * MILLISECOND, 19 * MILLISECOND);
	assert_int_equal(try_timeout(r, 5, largest + 1, &why), -EBUSY);
	assert_int_equal(try_timeout(r, 5, largest, &why), 0);
	assert_int_equal(try_timeout(r, 4, MILLISECOND, &why), -EBUSY);
	assert_int_equal(try_timeout(r, 5, largest - MILLISECOND, &why), 0);
	assert_int_equal(try_timeout(r, 4, MILLISECOND, &why), 0);
}

/* Who is not enabled yet must not break a promise when he is. */
static void disabled_functions_count(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;

	rig_park(r, 5, VGPU_SCHED_PARK_DISABLED);
	set_budget(r, 1, 20 * MILLISECOND, 40 * MILLISECOND);
	assert_int_equal(try_timeout(r, 5, SECOND, &why), -EBUSY);
}

static void no_promise_beside_who_may_stay(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;

	assert_int_equal(try_timeout(r, 5, 0, &why), 0);
	assert_int_equal(try_budget(r, 1, MILLISECOND, SECOND, &why), -EBUSY);
	assert_int_equal(why.function, 5);
	assert_string_equal(why.what, "preempt_timeout_ns");
	assert_int_equal(try_timeout(r, 5, MILLISECOND, &why), 0);
	set_budget(r, 1, MILLISECOND, SECOND);
	assert_int_equal(try_timeout(r, 5, 0, &why), -EINVAL);
	assert_int_equal(try_timeout(r, 1, 0, &why), -EINVAL);
	/* A quantum without end is no harm: it can be cut. */
	rig_set_quantum(r, 5, 0, MILLISECOND);
}

static void bad_values_are_refused(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;

	assert_int_equal(try_budget(r, 1, MILLISECOND, 0, &why), -EINVAL);
	assert_int_equal(try_budget(r, 1, 0, MILLISECOND, &why), -EINVAL);
	assert_int_equal(try_budget(r, 1, 1, SECOND, &why), -EINVAL);
	assert_int_equal(why.low, VGPU_SCHED_QUANTUM_MIN);
	assert_int_equal(try_budget(r, 1, 2 * SECOND, SECOND, &why), -EINVAL);
	set_budget(r, 1, MILLISECOND, SECOND);
	assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy("rr"), &why,
					       rig_clock(r)), -EOPNOTSUPP);
	assert_string_equal(why.what, "budget_ns");
	assert_int_equal(why.function, 1);
}

static void cap_must_leave_room(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	u64 least;

	set_budget(r, 1, 10 * MILLISECOND, 50 * MILLISECOND);
	vgpu_sched_get_params(r->s, 1, &params);
	params.cap_period_ns = 100 * MILLISECOND;
	params.cap_quota_ns = 15 * MILLISECOND;
	assert_int_equal(rig_set_params(r, 1, &params, &why), -EINVAL);
	assert_string_equal(why.what, "cap_quota_ns");
	least = why.low;
	assert_in_range(least, 20 * MILLISECOND, 21 * MILLISECOND);
	params.cap_quota_ns = least - 1;
	assert_int_equal(rig_set_params(r, 1, &params, &why), -EINVAL);
	params.cap_quota_ns = least;
	assert_int_equal(rig_set_params(r, 1, &params, &why), 0);
}

/* ------------------------------------------------------------------------ */
/* Whatever happens                                                          */

static void cap_and_reservation(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	u64 writes;

	r->irq_latency = IRQ_LATENCY;
	r->write_latency = WRITE_LATENCY;
	set_budget(r, 1, 10 * MILLISECOND, 50 * MILLISECOND);
	vgpu_sched_get_params(r->s, 1, &params);
	params.cap_period_ns = 100 * MILLISECOND;
	params.cap_quota_ns = 23 * MILLISECOND;
	assert_int_equal(rig_set_params(r, 1, &params, &why), 0);
	flood(r, 1);
	flood(r, 2);
	writes = r->next_writes;
	rig_run(r, START + 20 * SECOND);
	assert_in_range(had(r, 1), 200 * 20 * MILLISECOND, 201 * 23 * MILLISECOND);
	assert_int_equal(stats(r, 1)->period_misses, 0);
	/* No two of them chase each other by renewals. */
	assert_true(r->next_writes - writes < 20000);
}

static void new_settings_take_effect(void **state)
{
	struct rig *r = *state;
	u64 before;

	set_weight(r, 1, 1);
	set_weight(r, 2, 10000);
	flood(r, 1);
	flood(r, 2);
	rig_run(r, START + SECOND);
	set_budget(r, 1, 10 * MILLISECOND, 100 * MILLISECOND);
	before = had(r, 1);
	rig_run(r, r->m.now + 10 * SECOND);
	assert_in_range(had(r, 1) - before, SECOND, SECOND + 20 * MILLISECOND);
	set_budget(r, 1, 10 * MILLISECOND, 50 * MILLISECOND);
	before = had(r, 1);
	rig_run(r, r->m.now + 10 * SECOND);
	assert_in_range(had(r, 1) - before, 2 * SECOND - 20 * MILLISECOND,
			2 * SECOND + 20 * MILLISECOND);
	set_budget(r, 1, 0, 0);
	before = had(r, 1);
	rig_run(r, r->m.now + 10 * SECOND);
	assert_true(had(r, 1) - before < 50 * MILLISECOND);
	/* What was left of a larger one is no budget of a smaller one. */
	set_budget(r, 1, 50 * MILLISECOND, 200 * MILLISECOND);
	rig_run(r, r->m.now + 5 * MILLISECOND);
	set_budget(r, 1, MILLISECOND, 100 * MILLISECOND);
	before = had(r, 1);
	rig_run(r, r->m.now + 190 * MILLISECOND);
	assert_true(had(r, 1) - before < 8 * MILLISECOND);
	assert_int_equal(stats(r, 1)->period_misses, 0);
}

static void parking_is_survived(void **state)
{
	struct rig *r = *state;
	unsigned int k;

	set_budget(r, 1, 10 * MILLISECOND, 50 * MILLISECOND);
	set_budget(r, 2, 10 * MILLISECOND, 60 * MILLISECOND);
	flood(r, 1);
	flood(r, 2);
	flood(r, 3);
	for (k = 0; k < 500; k++) {
		u16 f = 1 + rig_random(r, 2);

		rig_run(r, r->m.now + rig_random(r, 30 * MILLISECOND));
		if (vgpu_sched_parked(r->s, f))
			rig_unpark(r, f, VGPU_SCHED_PARK_PAUSED);
		else
			rig_park(r, f, VGPU_SCHED_PARK_PAUSED);
	}
	assert_int_equal(vgpu_sched_total(r->s)->period_misses, 0);
	assert_int_equal(r->overdues, 0);
}

static void clock_that_starts_anew_is_survived(void **state)
{
	struct rig *r = *state;

	set_budget(r, 1, 10 * MILLISECOND, 50 * MILLISECOND);
	flood(r, 1);
	flood(r, 2);
	rig_run(r, START + SECOND + 11 * MILLISECOND);
	vgpu_sched_restart(r->s, 5);
	assert_int_equal(r->s->next, 1);
	assert_true(r->s->function[1].reservation.deadline <= 5 + 50 * MILLISECOND);
	vgpu_sched_timer(r->s, MILLISECOND);
	assert_int_equal(stats(r, 1)->period_misses, 0);
}

/* ------------------------------------------------------------------------ */
/* Random sets, each filled up to the last ns that is admitted               */

/**
 * struct walk - a random set of reservations
 * @servers: functions 1…@servers have one
 * @continuous: whose work never ends
 * @until: when it ends
 */
struct walk {
	unsigned int servers;
	bool continuous[FUNCTIONS];
	u64 until;
};

/* The last reservation is given all that is left. */
static bool reserve(struct rig *r, struct walk *w)
{
	struct vgpu_sched_why why;
	u16 f;

	for (f = 1; f <= w->servers; f++) {
		u64 period = 8 * MILLISECOND + rig_random(r, 150 * MILLISECOND);
		u64 budget = period / (w->servers + 1);

		if (f == w->servers)
			budget = period;
		if (try_budget(r, f, budget, period, &why)) {
			if (why.high < why.low || why.what[0] != 'b')
				return false;
			set_budget(r, f, why.high, period);
		}
	}
	return true;
}

static void prepare(struct rig *r, struct walk *w)
{
	struct vgpu_sched_why why;
	u16 f;

	r->irq_latency = IRQ_LATENCY;
	r->write_latency = WRITE_LATENCY;
	r->m.quirks = rig_random(r, MODEL_QUIRKS + 1);
	w->servers = 1 + rig_random(r, FUNCTIONS - 3);
	for (f = 0; f < FUNCTIONS; f++) {
		u64 timeout = 30 * MICROSECOND + rig_random(r, 300 * MICROSECOND);

		assert_int_equal(try_timeout(r, f, timeout, &why), 0);
		/* The longest that is no hang, or the usual one. */
		r->m.fn[f].group = rig_random(r, 2) ? timeout - MICROSECOND :
						      20 * MICROSECOND;
		w->continuous[f] = rig_random(r, 2);
		set_weight(r, f, 1 + rig_random(r, 10000));
	}
}

static void disturb(struct rig *r, struct walk *w)
{
	u16 f = rig_random(r, FUNCTIONS);

	if (r->m.fn[f].work > SECOND)
		return;
	if (w->continuous[f])
		flood(r, f);
	else
		model_work(&r->m, f, rig_random(r, rig_random(r, 2) ? 8 * MILLISECOND :
						200 * MICROSECOND));
	/* Now and then somebody without a reservation hangs. */
	if (f > w->servers && !rig_random(r, 50))
		r->m.fn[f].stuck = true;
}

static void recover(struct rig *r)
{
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		if (r->lost_world[f])
			rig_recover(r, f);
}

static u64 walk(u64 seed)
{
	struct rig *r = new_rig(false, seed * 7919, START + seed * SECOND);
	struct walk w = { 0 };
	u64 periods;

	prepare(r, &w);
	if (!reserve(r, &w)) {
		rig_free(r);
		return 0;
	}
	w.until = r->m.now + 4 * SECOND;
	while (r->m.now < w.until) {
		rig_run(r, r->m.now + rig_random(r, 2 * MILLISECOND));
		disturb(r, &w);
		recover(r);
	}
	if (vgpu_sched_total(r->s)->period_misses)
		printf("# seed %llu\n", (unsigned long long)seed);
	assert_int_equal(vgpu_sched_total(r->s)->period_misses, 0);
	assert_int_equal(r->overdues, 0);
	periods = vgpu_sched_total(r->s)->periods;
	rig_free(r);
	return periods;
}

static void admitted_sets_do_not_miss(void **state)
{
	u64 seed, periods = 0;

	for (seed = 1; seed <= 400; seed++)
		periods += walk(seed);
	print_message("# %llu periods\n", (unsigned long long)periods);
	assert_true(periods > 20000);
}

#define UNDER(function, setting) { \
	.name = #function " (" #setting ")", .test_func = function, \
	.setup_func = setup, .teardown_func = teardown, .initial_state = &(setting), \
}
#define BOTH(function) UNDER(function, hardware), UNDER(function, classic)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(budget_comes_in_every_period),
		UNDER(phases_of_others_do_not_matter, hardware),
		BOTH(weights_share_the_rest),
		BOTH(budget_begins_in_the_middle_of_slices),
		UNDER(paid_time_is_not_virtual, hardware),
		BOTH(waking_on_the_engine_is_waking),
		BOTH(unused_budget_falls_to_the_others),
		BOTH(lone_function_is_not_interrupted),
		BOTH(urgent_one_has_the_engine_at_once),
		BOTH(overrun_is_paid_back),
		BOTH(toggling_gains_nothing),
		BOTH(hanging_gains_nothing),
		UNDER(late_service_is_a_miss, hardware),
		UNDER(waking_late_does_not_press, hardware),
		UNDER(largest_budget_is_told, hardware),
		BOTH(admission_is_by_the_formula),
		UNDER(smallest_period_is_told, hardware),
		UNDER(preempt_timeouts_count, hardware),
		UNDER(disabled_functions_count, hardware),
		UNDER(no_promise_beside_who_may_stay, hardware),
		UNDER(bad_values_are_refused, hardware),
		UNDER(cap_must_leave_room, hardware),
		BOTH(cap_and_reservation),
		BOTH(new_settings_take_effect),
		BOTH(parking_is_survived),
		BOTH(clock_that_starts_anew_is_survived),
		cmocka_unit_test(admitted_sets_do_not_miss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

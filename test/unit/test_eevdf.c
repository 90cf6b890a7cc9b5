// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the policy eevdf promises, on the model device: shares by weight, debts that
 * are not shed, bounds on lag, wake-ups that are served soon but not at any price.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rig.h"

#define FUNCTIONS	10
#define MICROSECOND	1000ull
#define MILLISECOND	1000000ull
#define SECOND		1000000000ull

static bool hardware = false, classic = true;

/* Conservation: what all members are owed, and the credits, sum up to nothing. */
static void check_lags(struct rig *r)
{
	const struct vgpu_sched *s = r->s;
	s64 sum = s->eevdf.credit + s->eevdf.rest - s->eevdf.ahead;
	u64 ahead, behind;
	u16 f;

	for (f = 0; f < s->config.functions; f++) {
		const struct vgpu_sched_eevdf_function *e = &s->function[f].eevdf;
		s64 lag = vgpu_sched_lag(s, f);

		if (e->member)
			sum += (s64)(s->eevdf.v - e->v) *
			       s->function[f].params.weight - e->rest;
		s->policy->lag_bounds(s, f, &ahead, &behind);
		if (ahead != U64_MAX) {
			assert_true(lag >= -(s64)ahead);
			assert_true(lag <= (s64)behind);
		}
	}
	assert_int_equal(sum, 0);
}

static int rig_setup(void **state)
{
	bool *is_classic = *state;
	struct rig *r = rig_new(*is_classic, FUNCTIONS, 1);
	struct vgpu_sched_why why;
	u16 f;

	assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy("eevdf"),
					       &why, rig_clock(r)), 0);
	for (f = 0; f < FUNCTIONS; f++) {
		rig_set_quantum(r, f, 6 * MILLISECOND, 5 * MILLISECOND);
		rig_start(r, f);
	}
	r->fed = check_lags;
	*state = r;
	return 0;
}

static int rig_teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void set_weight(struct rig *r, u16 function, u32 weight)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(r->s, function, &params);
	params.weight = weight;
	assert_int_equal(vgpu_sched_set_params(r->s, function, &params, &why,
					       rig_clock(r)), 0);
}

static void set_priority(struct rig *r, u16 function, u32 priority)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(r->s, function, &params);
	params.priority = priority;
	assert_int_equal(vgpu_sched_set_params(r->s, function, &params, &why,
					       rig_clock(r)), 0);
}

static void make_busy(struct rig *r, u16 first, u16 last)
{
	for (; first <= last; first++)
		model_work(&r->m, first, 100000 * SECOND);
}

/* All that a function has occupied the engine for. */
static u64 occupied(const struct rig *r, u16 function)
{
	const struct vgpu_sched_stats *stats = vgpu_sched_stats(r->s, function);

	return vgpu_sched_runtime(r->s, function, r->m.now) + stats->overhead_ns;
}

static double share(const struct rig *r, u16 function, u64 before, u64 span)
{
	return (double)(occupied(r, function) - before) / span;
}

static void weights_are_shares(void **state)
{
	struct rig *r = *state;
	u64 before[FUNCTIONS], start;
	u16 f;

	for (f = 1; f <= 8; f++)
		set_weight(r, f, 100 * f);
	make_busy(r, 1, 8);
	rig_run(r, SECOND);
	start = r->m.now;
	for (f = 1; f <= 8; f++)
		before[f] = occupied(r, f);
	rig_run(r, start + 10 * SECOND);
	for (f = 1; f <= 8; f++) {
		double error = share(r, f, before[f], r->m.now - start) - f / 36.0;

		assert_true(error < 0.001 && error > -0.001);
	}
}

static void overrun_is_paid_by_its_owner(void **state)
{
	struct rig *r = *state;
	u64 before[FUNCTIONS];
	u16 f;

	rig_set_quantum(r, 1, 6 * MILLISECOND, 0);
	r->m.fn[1].group = 100 * MILLISECOND;
	make_busy(r, 1, 4);
	rig_run(r, 2 * SECOND);
	for (f = 1; f <= 4; f++)
		before[f] = occupied(r, f);
	rig_run(r, 32 * SECOND);
	for (f = 1; f <= 4; f++) {
		double error = share(r, f, before[f], 30 * SECOND) - 0.25;

		assert_true(error < 0.0025 && error > -0.0025);
	}
}

static void lone_function_is_not_interrupted_but_charged(void **state)
{
	struct rig *r = *state;
	u64 t;

	make_busy(r, 3, 3);
	for (t = 0; t < SECOND; t += 500 * MICROSECOND) {
		rig_run(r, t);
		if (vgpu_sched_running(r->s) == 3)
			assert_true(r->m.now - r->s->charged <= VGPU_SCHED_CHARGE_NS);
	}
	assert_int_equal(vgpu_sched_total(r->s)->slices, 0);
	assert_int_equal(vgpu_sched_lag(r->s, 3), 0);
	model_work(&r->m, 4, MILLISECOND);
	rig_run(r, r->m.now + 400 * MICROSECOND);
	assert_int_equal(vgpu_sched_running(r->s), 4);
}

static void debt_outlasts_sleep(void **state)
{
	struct rig *r = *state;
	s64 debt;

	r->m.fn[1].group = 8 * MILLISECOND;
	model_work(&r->m, 1, 8 * MILLISECOND);
	model_work(&r->m, 2, 100 * MILLISECOND);
	rig_run(r, 9 * MILLISECOND);
	debt = vgpu_sched_lag(r->s, 1);
	assert_true(debt < -3 * (s64)MILLISECOND);
	/* Its debt is paid while it sleeps, by what others get only. */
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_IDLE);
	assert_true(r->s->function[1].eevdf.ghost);
	rig_run(r, r->m.now + 2 * MILLISECOND);
	assert_true(vgpu_sched_lag(r->s, 1) < 0);
	assert_true(vgpu_sched_lag(r->s, 1) > debt);
	rig_run(r, r->m.now + 60 * MILLISECOND);
	assert_int_equal(vgpu_sched_lag(r->s, 1), 0);
}

static void toggling_gains_nothing(void **state)
{
	struct rig *r = *state;
	u64 before[FUNCTIONS], start, t;
	u16 f;

	make_busy(r, 2, 4);
	rig_run(r, 500 * MILLISECOND);
	start = r->m.now;
	for (f = 1; f <= 4; f++)
		before[f] = occupied(r, f);
	for (t = start; t < start + 10 * SECOND; t += 100 * MICROSECOND) {
		model_work(&r->m, 1, 50 * MICROSECOND);
		rig_run(r, t);
	}
	assert_true(share(r, 1, before[1], r->m.now - start) < 0.2505);
	for (f = 2; f <= 4; f++)
		assert_true(share(r, f, before[f], r->m.now - start) > 0.2495);
}

static void urgent_wakes_are_served_soon(void **state)
{
	struct rig *r = *state;
	const struct vgpu_sched_stats *stats = vgpu_sched_stats(r->s, 8);
	struct vgpu_sched_why why;
	unsigned int i;

	assert_int_equal(vgpu_sched_set_overhead(r->s, 80, &why, rig_clock(r)), 0);
	set_priority(r, 8, VGPU_SCHED_PRIORITY_HIGH);
	make_busy(r, 1, 7);
	rig_run(r, SECOND);
	for (i = 0; i < 200; i++) {
		model_work(&r->m, 8, MILLISECOND);
		rig_run(r, r->m.now + 50 * MILLISECOND + i * 37 * MICROSECOND);
	}
	assert_int_equal(stats->wakes, 200);
	assert_int_equal(stats->wake.count, 200);
	assert_true(stats->wake.max <= VGPU_SCHED_MIN_SLICE_NS + 20 * MICROSECOND +
				       600 * MICROSECOND);
	assert_true(vgpu_sched_total(r->s)->overhead_ns < r->m.now * 8 / 100);
}

static void wakes_do_not_exceed_the_overhead(void **state)
{
	const struct vgpu_sched_params automatic = {
		.quantum_ns = VGPU_SCHED_QUANTUM_AUTO,
		.preempt_timeout_ns = 5 * MILLISECOND,
		.weight = 100,
		.priority = VGPU_SCHED_PRIORITY_HIGH,
	};
	struct rig *r = *state;
	struct vgpu_sched_why why;
	u64 t;
	u16 f;

	for (f = 1; f <= 8; f++)
		assert_int_equal(vgpu_sched_set_params(r->s, f, &automatic, &why,
						       rig_clock(r)), 0);
	make_busy(r, 2, 8);
	for (t = 0; t < 10 * SECOND; t += 100 * MICROSECOND) {
		model_work(&r->m, 1, 50 * MICROSECOND);
		rig_run(r, t);
	}
	assert_true(vgpu_sched_total(r->s)->overhead_ns < r->m.now / 1000 * 51);
}

static void years_do_not_overflow(void **state)
{
	const u64 year = 366 * 86400 * SECOND;
	struct rig *r = *state;
	u64 before[3];
	u16 f;

	set_weight(r, 1, VGPU_SCHED_WEIGHT_MIN);
	set_weight(r, 2, VGPU_SCHED_WEIGHT_MAX);
	r->m.now = year;
	r->s->eevdf.v = -(u64)SECOND;
	make_busy(r, 1, 2);
	rig_run(r, year + SECOND);
	for (f = 1; f <= 2; f++)
		before[f] = occupied(r, f);
	rig_run(r, year + 1001 * SECOND);
	assert_true(share(r, 1, before[1], 1000 * SECOND) < 1.2 / 10001);
	assert_true(share(r, 1, before[1], 1000 * SECOND) > 0.8 / 10001);
}

/* Who never leaves is owed to nobody without end: nothing turns round after days. */
static void hog_of_days_does_not_overflow(void **state)
{
	struct rig *r = *state;
	u64 hour, v;

	r->fed = NULL;
	rig_set_quantum(r, 1, 0, 0);
	r->m.fn[1].group = 1000000 * SECOND;
	set_weight(r, 1, 1);
	set_weight(r, 2, 1);
	model_work(&r->m, 1, 1000000 * SECOND);
	rig_run(r, SECOND);
	model_work(&r->m, 2, MILLISECOND);
	v = r->s->eevdf.v;
	for (hour = 1; hour < 200; hour++) {
		rig_run(r, hour * 3600 * SECOND);
		vgpu_sched_timer(r->s, rig_clock(r));
		assert_true((s64)(r->s->eevdf.v - v) > 0);
		assert_true(vgpu_sched_lag(r->s, 1) < 0);
		assert_true(vgpu_sched_lag(r->s, 2) > 0);
		v = r->s->eevdf.v;
	}
}

#define test(f) \
	{ #f " (hardware)", f, rig_setup, rig_teardown, &hardware }, \
	{ #f " (classic)", f, rig_setup, rig_teardown, &classic }

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(weights_are_shares),
		test(overrun_is_paid_by_its_owner),
		test(lone_function_is_not_interrupted_but_charged),
		test(debt_outlasts_sleep),
		test(toggling_gains_nothing),
		test(urgent_wakes_are_served_soon),
		test(wakes_do_not_exceed_the_overhead),
		test(years_do_not_overflow),
		test(hog_of_days_does_not_overflow),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

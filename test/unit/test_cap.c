// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caps, on the model device: what a function has used of the engine is measured
 * from the records, in periods of device time, and compared with what was promised.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rig.h"

#define FUNCTIONS	5
#define MICROSECOND	1000ull
#define MILLISECOND	1000000ull
#define SECOND		1000000000ull
#define NONE		VGPU_FUNCTION_NONE
#define PERIODS		2000
#define START		(777 * MILLISECOND + 123)
#define SAVE		(130 * MICROSECOND)
#define LOAD		(170 * MICROSECOND)

/**
 * struct setting - under what a test runs
 * @policy: its name
 * @classic: the device has no hardware deadlines
 */
struct setting {
	const char *policy;
	bool classic;
};

static struct setting eevdf = { "eevdf", false }, eevdf_classic = { "eevdf", true };
static struct setting rr = { "rr", false }, rr_classic = { "rr", true };

/**
 * struct meter - engine time in each period
 * @period: its length
 * @first: number of the first one
 * @last: up to when it is known
 * @used: engine time of each function; those that are measured have always work
 *	while they are on the engine
 * @starts: when each function began to run last
 */
struct meter {
	u64 period;
	u64 first;
	u64 last;
	u64 used[FUNCTIONS][PERIODS];
	u64 starts[FUNCTIONS];
};

static struct meter meter;

static void use(u16 function, u64 from, u64 to)
{
	while (from < to) {
		u64 n = from / meter.period;
		u64 end = min(to, (n + 1) * meter.period);

		assert_in_range(n - meter.first, 0, PERIODS - 1);
		if (function != NONE)
			meter.used[function][n - meter.first] += end - from;
		from = end;
	}
}

static unsigned int measure(struct rig *r, struct vgpu_sched_switch *sw)
{
	use(sw->from, meter.last, sw->saved);
	use(sw->to, max(meter.last, sw->saved), sw->running);
	if (sw->to != NONE && sw->reason != VGPU_LEAVE_RENEWED)
		meter.starts[sw->to] = sw->running;
	meter.last = sw->running;
	return 1;
}

static void measure_from(struct rig *r, u64 period)
{
	meter = (struct meter){
		.period = period, .first = r->m.now / period, .last = r->m.now,
	};
	r->record = measure;
}

static u64 last_period(const struct rig *r)
{
	return meter.last / meter.period - meter.first;
}

/* In no number of periods in a row more than the quota of each and @overrun. */
static void assert_within(struct rig *r, u16 function, u64 quota, u64 overrun)
{
	long long excess = 0;
	u64 i;

	for (i = 0; i <= last_period(r); i++) {
		excess += meter.used[function][i] - quota;
		if (excess < 0)
			excess = 0;
		assert_true(excess <= (long long)overrun);
	}
}

static u64 total_used(struct rig *r, u16 function)
{
	u64 i, sum = 0;

	for (i = 0; i <= last_period(r); i++)
		sum += meter.used[function][i];
	return sum;
}

static int setup(void **state)
{
	const struct setting *setting = *state;
	struct rig *r = rig_make(&(struct rig_setup){
		.classic = setting->classic, .functions = FUNCTIONS, .seed = 1,
		.start = START, .save_ns = SAVE, .load_ns = LOAD,
		.policy = setting->policy });
	u16 f;

	for (f = 0; f < FUNCTIONS; f++) {
		rig_set_quantum(r, f, 6 * MILLISECOND, 5 * MILLISECOND);
		rig_start(r, f);
	}
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static int try_cap(struct rig *r, u16 function, u64 quota, u64 period,
		   struct vgpu_sched_why *why)
{
	struct vgpu_sched_params params;

	vgpu_sched_get_params(r->s, function, &params);
	params.cap_quota_ns = quota;
	params.cap_period_ns = period;
	return rig_set_params(r, function, &params, why);
}

static void set_cap(struct rig *r, u16 function, u64 quota, u64 period)
{
	struct vgpu_sched_why why;

	assert_int_equal(try_cap(r, function, quota, period, &why), 0);
}

static void flood(struct rig *r, u16 function)
{
	model_work(&r->m, function, 3600 * SECOND);
}

static u64 throttles(struct rig *r, u16 function)
{
	return vgpu_sched_stats(r->s, function)->throttles;
}

/* What a switch through the sequencer may take longer than is declared. */
static u64 slack(struct rig *r)
{
	return r->classic ? 200 * MICROSECOND : 0;
}

static void quota_is_kept_beside_floods(void **state)
{
	struct rig *r = *state;
	u16 f;

	r->irq_latency = 5 * MICROSECOND;
	r->write_latency = 1 * MICROSECOND;
	measure_from(r, 100 * MILLISECOND);
	set_cap(r, 1, 7 * MILLISECOND, 100 * MILLISECOND);
	set_cap(r, 2, 20 * MILLISECOND, 100 * MILLISECOND);
	for (f = 1; f < FUNCTIONS; f++)
		flood(r, f);
	rig_run(r, START + 20 * SECOND);
	assert_within(r, 1, 7 * MILLISECOND, 30 * MICROSECOND + slack(r));
	assert_within(r, 2, 20 * MILLISECOND, 30 * MICROSECOND + slack(r));
	/* They are not kept from it either, nor are the others from the rest. */
	assert_true(total_used(r, 1) > 20 * 10 * (7 - 1) * MILLISECOND);
	assert_true(total_used(r, 2) > 20 * 10 * (20 - 1) * MILLISECOND);
	assert_true(total_used(r, 3) > 20 * 10 * 36 * MILLISECOND);
	assert_true(total_used(r, 4) > 20 * 10 * 36 * MILLISECOND);
	assert_true(throttles(r, 1) >= 199);
	assert_int_equal(throttles(r, 3), 0);
	assert_int_equal(vgpu_sched_total(r->s)->throttles,
			 throttles(r, 1) + throttles(r, 2));
}

static void lone_function_is_capped(void **state)
{
	struct rig *r = *state;
	u64 i, least = 5 * MILLISECOND - 30 * MICROSECOND;

	measure_from(r, 10 * MILLISECOND);
	set_cap(r, 1, 5 * MILLISECOND, 10 * MILLISECOND);
	flood(r, 1);
	rig_run(r, START + 10 * SECOND);
	assert_within(r, 1, 5 * MILLISECOND, 30 * MICROSECOND + slack(r));
	for (i = 1; i < last_period(r); i++)
		assert_true(meter.used[1][i] > least - slack(r));
	assert_true(vgpu_sched_engine(r->s)->empty_ns > 4900 * MILLISECOND);
}

static void no_deadline_is_capped(void **state)
{
	struct rig *r = *state;

	rig_set_quantum(r, 1, 0, 5 * MILLISECOND);
	measure_from(r, 50 * MILLISECOND);
	set_cap(r, 1, 25 * MILLISECOND, 50 * MILLISECOND);
	flood(r, 1);
	rig_run(r, START + 10 * SECOND);
	assert_within(r, 1, 25 * MILLISECOND, 30 * MICROSECOND + slack(r));
	assert_true(total_used(r, 1) > 4800 * MILLISECOND);
}

/* A cap comes while its function is alone on the engine, without a deadline. */
static void cap_takes_effect_at_once(void **state)
{
	struct rig *r = *state;

	rig_set_quantum(r, 1, 0, 5 * MILLISECOND);
	flood(r, 1);
	rig_run(r, START + 55 * MILLISECOND);
	measure_from(r, 20 * MILLISECOND);
	set_cap(r, 1, 4 * MILLISECOND, 20 * MILLISECOND);
	rig_run(r, START + 4 * SECOND);
	assert_within(r, 1, 4 * MILLISECOND, 30 * MICROSECOND + slack(r));
	set_cap(r, 1, 0, 0);
	rig_run(r, START + 4 * SECOND + 60 * MILLISECOND);
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_RUNNING);
}

static void overrun_is_paid_back(void **state)
{
	struct rig *r = *state;

	r->m.fn[1].group = 3 * MILLISECOND;
	measure_from(r, 20 * MILLISECOND);
	set_cap(r, 1, 2 * MILLISECOND, 20 * MILLISECOND);
	flood(r, 1);
	flood(r, 2);
	rig_run(r, START + 20 * SECOND);
	assert_within(r, 1, 2 * MILLISECOND, 3 * MILLISECOND + slack(r));
	/* It has its quota in the long run: each overrun is taken off once. */
	assert_true(total_used(r, 1) > 1000 * 1800 * MICROSECOND);
}

/* A debt of 80 ms at a quota of 2 ms in 20 keeps it off for 40 periods. */
static void large_debts_are_kept(void **state)
{
	struct rig *r = *state;

	rig_set_quantum(r, 1, 6 * MILLISECOND, 90 * MILLISECOND);
	r->m.fn[1].group = 80 * MILLISECOND;
	measure_from(r, 20 * MILLISECOND);
	set_cap(r, 1, 2 * MILLISECOND, 20 * MILLISECOND);
	model_work(&r->m, 1, 100 * MILLISECOND);
	flood(r, 2);
	rig_run(r, START + 700 * MILLISECOND);
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_THROTTLED);
	assert_int_equal(r->m.fn[1].starts, 1);
	assert_int_equal(throttles(r, 1), 1);
	rig_run(r, START + 900 * MILLISECOND);
	assert_int_equal(r->m.fn[1].starts, 2);
}

static void throttled_function_runs_at_the_refill(void **state)
{
	struct rig *r = *state;
	u64 refill;

	set_cap(r, 1, 5 * MILLISECOND, 100 * MILLISECOND);
	flood(r, 1);
	measure_from(r, 100 * MILLISECOND);
	rig_run(r, START + 20 * MILLISECOND);
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_THROTTLED);
	assert_int_equal(vgpu_sched_running(r->s), NONE);
	refill = (START / (100 * MILLISECOND) + 1) * 100 * MILLISECOND;
	rig_run(r, refill - 1);
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_THROTTLED);
	rig_run(r, refill + 2 * MILLISECOND);
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_RUNNING);
	assert_in_range(meter.starts[1], refill + LOAD, refill + LOAD + slack(r));
}

/* Going idle, and waking, neither pays a debt nor brings a quota back. */
static void sleeping_sheds_nothing(void **state)
{
	struct rig *r = *state;
	u64 end = START + 5 * SECOND;

	measure_from(r, 20 * MILLISECOND);
	set_cap(r, 1, 4 * MILLISECOND, 20 * MILLISECOND);
	flood(r, 2);
	while (r->m.now < end) {
		model_work(&r->m, 1, 100 * MICROSECOND + rig_random(r, MILLISECOND));
		rig_run(r, r->m.now + rig_random(r, 2 * MILLISECOND));
		if (rig_random(r, 20) == 0) {
			rig_park(r, 1, VGPU_SCHED_PARK_PAUSED);
			rig_run(r, r->m.now + rig_random(r, MILLISECOND));
			rig_unpark(r, 1, VGPU_SCHED_PARK_PAUSED);
		}
	}
	assert_within(r, 1, 4 * MILLISECOND, 30 * MICROSECOND + slack(r));
	assert_true(total_used(r, 1) > 250 * 2 * MILLISECOND);
}

/* Quota that was not used does not add up. */
static void unused_quota_expires(void **state)
{
	struct rig *r = *state;

	set_cap(r, 1, 10 * MILLISECOND, 100 * MILLISECOND);
	rig_run(r, START + 5 * SECOND);
	measure_from(r, 100 * MILLISECOND);
	flood(r, 1);
	rig_run(r, START + 10 * SECOND);
	assert_within(r, 1, 10 * MILLISECOND, 30 * MICROSECOND + slack(r));
	assert_true(total_used(r, 1) > 49 * (10 * MILLISECOND - 30 * MICROSECOND - slack(r)));
}

/* Setting it anew is no way to get more. */
static void new_settings_keep_what_was_used(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	u64 before;

	set_cap(r, 1, 5 * MILLISECOND, 200 * MILLISECOND);
	flood(r, 1);
	rig_run(r, START + 10 * MILLISECOND);
	before = vgpu_sched_runtime(r->s, 1, rig_clock(r));
	set_cap(r, 1, 4 * MILLISECOND, 200 * MILLISECOND);
	set_cap(r, 1, 5 * MILLISECOND, 200 * MILLISECOND);
	vgpu_sched_get_params(r->s, 1, &params);
	params.quantum_ns = MILLISECOND;
	assert_int_equal(rig_set_params(r, 1, &params, &why), 0);
	rig_run(r, START + 15 * MILLISECOND);
	assert_int_equal(vgpu_sched_runtime(r->s, 1, rig_clock(r)), before);
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_THROTTLED);
	set_cap(r, 1, 0, 0);
	rig_run(r, START + 16 * MILLISECOND);
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_RUNNING);
}

static void other_policies_keep_it(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;
	unsigned int i;

	measure_from(r, 20 * MILLISECOND);
	set_cap(r, 1, 4 * MILLISECOND, 20 * MILLISECOND);
	flood(r, 1);
	flood(r, 2);
	for (i = 0; i < 600; i++) {
		const char *policy = i % 2 ? "rr" : "eevdf";

		rig_run(r, r->m.now + rig_random(r, 7 * MILLISECOND));
		assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy(policy),
						       &why, rig_clock(r)), 0);
	}
	assert_within(r, 1, 4 * MILLISECOND, 30 * MICROSECOND + slack(r));
	assert_true(total_used(r, 1) > 90 * 3 * MILLISECOND);
}

/* The driver's clock is wrong; the records are right, and count. */
static void wrong_clock_is_corrected(void **state)
{
	struct rig *r = *state;
	const u64 error = 40 * MICROSECOND;

	measure_from(r, 20 * MILLISECOND);
	r->clock_error = error;
	set_cap(r, 1, 4 * MILLISECOND, 20 * MILLISECOND);
	set_cap(r, 2, 6 * MILLISECOND, 20 * MILLISECOND);
	flood(r, 1);
	flood(r, 2);
	rig_run(r, START + 2 * SECOND);
	r->clock_error = -(long long)error;
	rig_run(r, START + 4 * SECOND);
	assert_within(r, 1, 4 * MILLISECOND, 2 * error + 30 * MICROSECOND + slack(r));
	assert_within(r, 2, 6 * MILLISECOND, 2 * error + 30 * MICROSECOND + slack(r));
	/* What was charged too early is given back. */
	assert_true(total_used(r, 1) > 199 * (4 * MILLISECOND - 2 * error - slack(r)));
}

static void clock_that_starts_anew_is_survived(void **state)
{
	struct rig *r = *state;

	set_cap(r, 1, 4 * MILLISECOND, 20 * MILLISECOND);
	flood(r, 1);
	rig_run(r, START + SECOND + 10 * MILLISECOND);
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_THROTTLED);
	vgpu_sched_restart(r->s, 5);
	vgpu_sched_timer(r->s, 20 * MILLISECOND);
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_RUNNABLE);
}

static void what_cannot_run_is_refused(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;
	u64 least;

	assert_int_equal(try_cap(r, 1, 300 * MICROSECOND, 10 * MILLISECOND, &why),
			 -EINVAL);
	assert_string_equal(why.what, "cap_quota_ns");
	assert_int_equal(why.function, 1);
	assert_int_equal(why.high, 10 * MILLISECOND);
	least = why.low;
	assert_int_equal(try_cap(r, 1, least - 1, 10 * MILLISECOND, &why), -EINVAL);
	measure_from(r, 10 * MILLISECOND);
	assert_int_equal(try_cap(r, 1, least, 10 * MILLISECOND, &why), 0);
	flood(r, 1);
	rig_run(r, START + SECOND);
	assert_within(r, 1, least, 30 * MICROSECOND + slack(r));
	assert_true(r->m.fn[1].starts >= 25);

	assert_int_equal(try_cap(r, 1, 0, MILLISECOND, &why), -EINVAL);
	assert_int_equal(try_cap(r, 1, MILLISECOND, 0, &why), -EINVAL);
	assert_int_equal(try_cap(r, 1, 11 * MILLISECOND, 10 * MILLISECOND, &why), -EINVAL);
	assert_int_equal(try_cap(r, 1, 11 * SECOND, 11 * SECOND, &why), -EINVAL);
}

static void extremes_do_not_overflow(void **state)
{
	struct rig *r = *state;

	rig_set_quantum(r, 1, VGPU_SCHED_QUANTUM_MAX, VGPU_SCHED_TIMEOUT_MAX);
	r->m.fn[1].group = 50 * SECOND;
	set_cap(r, 1, MILLISECOND, VGPU_SCHED_PERIOD_MAX);
	set_cap(r, 2, VGPU_SCHED_PERIOD_MAX, VGPU_SCHED_PERIOD_MAX);
	model_work(&r->m, 1, 60 * SECOND);
	flood(r, 2);
	rig_run(r, START + 400 * SECOND);
	assert_int_equal(r->m.fn[1].starts, 1);
	assert_int_equal(vgpu_sched_state(r->s, 1), VGPU_SCHED_THROTTLED);
	assert_int_equal(throttles(r, 2), 0);
}

#define UNDER(function, setting) { \
	.name = #function " (" #setting ")", .test_func = function, \
	.setup_func = setup, .teardown_func = teardown, .initial_state = &(setting), \
}
#define ALL(function) \
	UNDER(function, eevdf), UNDER(function, eevdf_classic), \
	UNDER(function, rr), UNDER(function, rr_classic)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALL(quota_is_kept_beside_floods),
		ALL(lone_function_is_capped),
		ALL(no_deadline_is_capped),
		ALL(cap_takes_effect_at_once),
		ALL(overrun_is_paid_back),
		ALL(large_debts_are_kept),
		ALL(throttled_function_runs_at_the_refill),
		ALL(sleeping_sheds_nothing),
		ALL(unused_quota_expires),
		ALL(new_settings_keep_what_was_used),
		ALL(other_policies_keep_it),
		ALL(wrong_clock_is_corrected),
		ALL(clock_that_starts_anew_is_survived),
		ALL(what_cannot_run_is_refused),
		ALL(extremes_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

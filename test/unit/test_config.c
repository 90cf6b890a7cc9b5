// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings and policies: what is refused, and with which words; and in which order
 * a change reaches the policy.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "desk.h"

/* ------------------------------------------------------------------------ */
/* What is refused                                                           */

/**
 * struct setting - a setting, and what is said about it if it is refused
 * @what: its name
 * @offset: place in struct vgpu_sched_params
 * @size: ditto
 * @value: what it is set to
 * @rule: what is said about it
 * @low: smallest value allowed
 * @high: largest value allowed
 */
struct setting {
	const char *what;
	size_t offset;
	size_t size;
	u64 value;
	const char *rule;
	u64 low;
	u64 high;
};

#define REFUSED(name, value, rule, low, high) {				\
	#name, offsetof(struct vgpu_sched_params, name),	\
	sizeof(((struct vgpu_sched_params *)0)->name), value, rule, low, high, \
}

static const struct setting refusals[] = {
	REFUSED(quantum_ns, 99999, "is neither 0 (no deadline) nor in range",
		100000, 100000000000),
	REFUSED(quantum_ns, 100000000001, "is neither 0 (no deadline) nor in range",
		100000, 100000000000),
	REFUSED(preempt_timeout_ns, 999, "is neither 0 (for ever) nor in range",
		1000, 100000000000),
	REFUSED(preempt_timeout_ns, 100000000001, "is neither 0 (for ever) nor in range",
		1000, 100000000000),
	REFUSED(weight, 0, "is out of range", 1, 10000),
	REFUSED(weight, 10001, "is out of range", 1, 10000),
	REFUSED(priority, 3, "is out of range", VGPU_SCHED_PRIORITY_LOW,
		VGPU_SCHED_PRIORITY_HIGH),
	REFUSED(cap_period_ns, 999999, "is out of range", 1000000, 10000000000),
	REFUSED(cap_period_ns, 10000000001, "is out of range", 1000000, 10000000000),
	REFUSED(cap_quota_ns, 0, "must be within its period", 1, 20000000),
	REFUSED(cap_quota_ns, 20000001, "must be within its period", 1, 20000000),
	REFUSED(period_ns, 999999, "is out of range", 1000000, 10000000000),
	REFUSED(period_ns, 10000000001, "is out of range", 1000000, 10000000000),
	REFUSED(budget_ns, 0, "must be within its period", 1, 50000000),
	REFUSED(budget_ns, 50000001, "must be within its period", 1, 50000000),
};

static void set_field(struct vgpu_sched_params *params, const struct setting *setting)
{
	u32 narrow = setting->value;

	memcpy((char *)params + setting->offset,
	       setting->size == sizeof(u32) ? (void *)&narrow : (void *)&setting->value,
	       setting->size);
}

/* A cap of 10 ms in 20, and a reservation of 10 ms in 50. */
static struct desk *desk_with_shares(struct vgpu_sched_params *params)
{
	struct vgpu_sched_config config = desk_config;
	struct vgpu_sched_why why;
	struct desk *d;
	u16 f;

	config.policy = &vgpu_sched_eevdf;
	d = desk_new(&config);
	for (f = 0; f < DESK_FUNCTIONS; f++) {
		vgpu_sched_get_params(d->s, f, params);
		params->preempt_timeout_ns = MILLISECOND;
		assert_int_equal(vgpu_sched_set_params(d->s, f, params, &why, d->now), 0);
	}
	params->cap_quota_ns = 10 * MILLISECOND;
	params->cap_period_ns = 20 * MILLISECOND;
	params->budget_ns = 10 * MILLISECOND;
	params->period_ns = 50 * MILLISECOND;
	assert_int_equal(vgpu_sched_set_params(d->s, 1, params, &why, d->now), 0);
	return d;
}

static void a_refusal_says_what_is_allowed(void **state)
{
	struct vgpu_sched_params before, params, after;
	struct desk *d = desk_with_shares(&before);
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct setting *expected = &refusals[i];
		struct vgpu_sched_why why = { 0 };

		params = before;
		set_field(&params, expected);
		assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now),
				 -EINVAL);
		assert_int_equal(why.function, 1);
		assert_string_equal(why.what, expected->what);
		assert_string_equal(why.rule, expected->rule);
		assert_int_equal(why.low, expected->low);
		assert_int_equal(why.high, expected->high);
		vgpu_sched_get_params(d->s, 1, &after);
		assert_memory_equal(&before, &after, sizeof(after));
	}
	desk_free(d);
}

static void a_function_that_does_not_exist_has_no_settings(void **state)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	struct desk *d = *state;

	vgpu_sched_get_params(d->s, 4, &params);
	assert_int_equal(vgpu_sched_set_params(d->s, 5, &params, &why, d->now), -EINVAL);
	assert_int_equal(why.function, 5);
	assert_string_equal(why.what, "function");
	assert_string_equal(why.rule, "does not exist");
	assert_int_equal(why.low, 0);
	assert_int_equal(why.high, 4);
	assert_int_equal(vgpu_sched_get_params(d->s, 5, &params), -EINVAL);
	assert_int_equal(vgpu_sched_get_params(d->s, 4, &params), 0);
}

static void no_policy_is_refused(void **state)
{
	struct vgpu_sched_why why;
	struct desk *d = *state;

	assert_int_equal(vgpu_sched_set_policy(d->s, NULL, &why, d->now), -EINVAL);
	assert_int_equal(why.function, NONE);
	assert_string_equal(why.what, "policy");
	assert_string_equal(why.rule, "does not exist");
	/* There is no range of policies. */
	assert_int_equal(why.low, 1);
	assert_int_equal(why.high, 0);
}

/* ------------------------------------------------------------------------ */
/* In which order a change reaches the policy                                */

#define NOTES		32

/**
 * struct spy - what a policy was told, in order
 * @refuses: the function whose settings it does not accept
 * @weight: what the function that changed had until then
 * @step: names of its operations
 * @function: of whom each was, NONE of nobody
 * @charged: up to when engine time had been charged
 * @steps: how many there were
 */
static struct spy {
	u16 refuses;
	u32 weight;
	const char *step[NOTES];
	u16 function[NOTES];
	u64 charged[NOTES];
	unsigned int steps;
} spy;

static void note(const struct vgpu_sched *s, const char *step, u16 function)
{
	assert_in_range(spy.steps, 0, NOTES - 1);
	spy.step[spy.steps] = step;
	spy.function[spy.steps] = function;
	spy.charged[spy.steps++] = s->charged;
}

static void assert_told(unsigned int i, const char *step, u16 function)
{
	assert_true(i < spy.steps);
	assert_string_equal(spy.step[i], step);
	assert_int_equal(spy.function[i], function);
}

static void spy_reset(struct vgpu_sched *s)
{
	note(s, "reset", NONE);
}

static int spy_admit(const struct vgpu_sched *s, u16 function,
		     const struct vgpu_sched_params *params, struct vgpu_sched_why *why)
{
	why->function = function;
	return function == spy.refuses ? -EBUSY : 0;
}

static void spy_retire(struct vgpu_sched *s)
{
	note(s, "retire", NONE);
}

static void spy_change(struct vgpu_sched *s, u16 function,
		       const struct vgpu_sched_params *params)
{
	spy.weight = s->function[function].params.weight;
	note(s, "change", function);
}

static void spy_enqueue(struct vgpu_sched *s, u16 function)
{
	note(s, "enqueue", function);
}

static void spy_dequeue(struct vgpu_sched *s, u16 function)
{
	note(s, "dequeue", function);
}

static void spy_start(struct vgpu_sched *s, u16 function)
{
	note(s, "start", function);
}

static bool spy_pick(struct vgpu_sched *s, u64 now, struct vgpu_sched_choice *choice)
{
	note(s, "pick", NONE);
	choice->function = 3;
	return true;
}

static u64 spy_bound(const struct vgpu_sched *s, u16 function)
{
	return U64_MAX;
}

static const struct vgpu_sched_policy spied = {
	.name = "spied", .reset = spy_reset, .admit = spy_admit, .retire = spy_retire,
	.change = spy_change, .enqueue = spy_enqueue, .dequeue = spy_dequeue,
	.start = spy_start, .pick = spy_pick, .latency_bound = spy_bound,
};

static void set_policy(struct desk *d, const struct vgpu_sched_policy *policy)
{
	struct vgpu_sched_why why;

	assert_int_equal(vgpu_sched_set_policy(d->s, policy, &why, d->now), 0);
}

/* 1 runs, 2 and 3 wait; the last ms is not charged yet. */
static void begin(struct desk *d)
{
	spy = (struct spy){ .refuses = NONE };
	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	d->now += MILLISECOND;
}

static void a_new_policy_is_told_who_waits_and_who_runs(void **state)
{
	struct desk *d = *state;

	begin(d);
	set_policy(d, &spied);
	assert_ptr_equal(vgpu_sched_policy(d->s), &spied);
	assert_told(0, "reset", NONE);
	assert_told(1, "enqueue", 2);
	assert_told(2, "enqueue", 3);
	assert_told(3, "start", 1);
	assert_told(4, "pick", NONE);
	assert_int_equal(spy.steps, 5);
	/* The time before belongs to the policy before. */
	assert_int_equal(spy.charged[0], d->now);
	assert_armed(d, 3, false);
}

static void nobody_starts_on_an_empty_engine(void **state)
{
	struct desk *d = *state;

	spy = (struct spy){ .refuses = NONE };
	set_policy(d, &spied);
	assert_told(0, "reset", NONE);
	assert_told(1, "pick", NONE);
	assert_int_equal(spy.steps, 2);
}

static void function_0_may_wait_as_well(void **state)
{
	struct desk *d = *state;

	spy = (struct spy){ .refuses = NONE };
	desk_wake(d, 0);
	set_policy(d, &spied);
	assert_told(1, "enqueue", 0);
}

static void the_same_policy_again_changes_nothing(void **state)
{
	struct desk *d = *state;

	begin(d);
	set_policy(d, &spied);
	spy.steps = 0;
	set_policy(d, &spied);
	assert_int_equal(spy.steps, 0);
}

static void a_new_policy_that_chooses_the_same_writes_nothing(void **state)
{
	struct desk *d = *state;
	unsigned int calls;

	spy = (struct spy){ .refuses = NONE };
	desk_one_runs_two_waits(d);
	calls = d->calls;
	set_policy(d, &vgpu_sched_eevdf);
	assert_int_equal(d->calls, calls);
}

static void the_old_policy_retires_with_all_time_charged(void **state)
{
	struct desk *d = *state;

	begin(d);
	set_policy(d, &spied);
	spy.steps = 0;
	d->now += MILLISECOND;
	set_policy(d, &vgpu_sched_round_robin);
	assert_told(0, "retire", NONE);
	assert_int_equal(spy.steps, 1);
	assert_int_equal(spy.charged[0], d->now);
}

#define ALLOWED(name, value)	REFUSED(name, value, NULL, 0, 0)

static const struct setting limits[] = {
	ALLOWED(quantum_ns, 0),
	ALLOWED(quantum_ns, VGPU_SCHED_QUANTUM_AUTO),
	ALLOWED(quantum_ns, 100000),
	ALLOWED(quantum_ns, 100000000000),
	ALLOWED(preempt_timeout_ns, 0),
	ALLOWED(preempt_timeout_ns, 1000),
	ALLOWED(preempt_timeout_ns, 100000000000),
	ALLOWED(weight, 1),
	ALLOWED(weight, 10000),
	ALLOWED(priority, VGPU_SCHED_PRIORITY_LOW),
	ALLOWED(priority, VGPU_SCHED_PRIORITY_HIGH),
	ALLOWED(cap_quota_ns, 20000000),
	ALLOWED(cap_period_ns, 1000000),
	ALLOWED(cap_period_ns, 10000000000),
	ALLOWED(budget_ns, 1),
	ALLOWED(budget_ns, 50000000),
	ALLOWED(period_ns, 1000000),
	ALLOWED(period_ns, 10000000000),
};

static void the_limits_themselves_can_be_set(void **state)
{
	struct vgpu_sched_params params, after;
	struct vgpu_sched_why why;
	struct desk *d = *state;
	unsigned int i;

	set_policy(d, &spied);
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		spy = (struct spy){ .refuses = NONE };
		params = (struct vgpu_sched_params){ .weight = 100 };
		if (limits[i].offset < offsetof(struct vgpu_sched_params, budget_ns)) {
			params.cap_quota_ns = 1000000;
			params.cap_period_ns = 20000000;
		} else {
			params.budget_ns = 1;
			params.period_ns = 50000000;
		}
		set_field(&params, &limits[i]);
		assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
		vgpu_sched_get_params(d->s, 1, &after);
		assert_memory_equal(&params, &after, sizeof(after));
	}
}

/* Whoever it is: the first, or the last. */
static void a_policy_that_does_not_fit_changes_nothing(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_why why;
	u16 f;

	begin(d);
	for (f = 0; f < DESK_FUNCTIONS; f++) {
		unsigned int calls = d->calls;

		spy.refuses = f;
		assert_int_equal(vgpu_sched_set_policy(d->s, &spied, &why, d->now),
				 -EBUSY);
		assert_int_equal(why.function, f);
		assert_ptr_equal(vgpu_sched_policy(d->s), &vgpu_sched_round_robin);
		assert_int_equal(spy.steps, 0);
		assert_int_equal(d->calls, calls);
	}
}

static void new_settings_reach_the_policy_before_they_count(void **state)
{
	struct vgpu_sched_params params, after;
	struct vgpu_sched_why why;
	struct desk *d = *state;
	unsigned int calls;

	begin(d);
	set_policy(d, &spied);
	spy.steps = 0;
	calls = d->calls;
	d->now += MILLISECOND;
	vgpu_sched_get_params(d->s, 2, &params);
	params.weight = 200;
	spy.refuses = 2;
	assert_int_equal(vgpu_sched_set_params(d->s, 2, &params, &why, d->now), -EBUSY);
	assert_int_equal(spy.steps, 0);
	spy.refuses = NONE;
	assert_int_equal(vgpu_sched_set_params(d->s, 2, &params, &why, d->now), 0);
	assert_told(0, "change", 2);
	assert_int_equal(spy.charged[0], d->now);
	assert_int_equal(spy.weight, VGPU_SCHED_WEIGHT_DEFAULT);
	assert_told(1, "pick", NONE);
	/* It chose whom it had chosen before. */
	assert_int_equal(d->calls, calls);
	vgpu_sched_get_params(d->s, 2, &after);
	assert_memory_equal(&params, &after, sizeof(after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_says_what_is_allowed),
		DESK_TEST(a_function_that_does_not_exist_has_no_settings),
		DESK_TEST(no_policy_is_refused),
		DESK_TEST(a_new_policy_is_told_who_waits_and_who_runs),
		DESK_TEST(nobody_starts_on_an_empty_engine),
		DESK_TEST(function_0_may_wait_as_well),
		DESK_TEST(the_limits_themselves_can_be_set),
		DESK_TEST(the_same_policy_again_changes_nothing),
		DESK_TEST(a_new_policy_that_chooses_the_same_writes_nothing),
		DESK_TEST(the_old_policy_retires_with_all_time_charged),
		DESK_TEST(a_policy_that_does_not_fit_changes_nothing),
		DESK_TEST(new_settings_reach_the_policy_before_they_count),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}

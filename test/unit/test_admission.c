// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which reservations are admitted: by the condition in the head comment of
 * sched/reservation.c, to the nanosecond, and with which words they are refused.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "desk.h"

#define SAVE		(130 * MICROSECOND)
#define LOAD		(170 * MICROSECOND)
#define SLACK		(7 * MICROSECOND)
#define ANSWER		(2 * VGPU_SCHED_ARM_NS + SLACK)
#define TOGETHER	"cannot be promised beside other reservations, switches and preempt timeouts"
#define TOO_SHORT	"is too short beside what others may take before they leave"
#define NEVER		"cannot be promised, whatever its period: too much is reserved, or preempt timeouts are too long"

static struct desk *make(u64 save, u64 reset)
{
	struct vgpu_sched_config config = desk_config;

	config.save_ns = save;
	config.load_ns = LOAD;
	config.reset_ns = reset;
	config.request_slack_ns = SLACK;
	config.policy = &vgpu_sched_eevdf;
	return desk_new(&config);
}

static void set(struct desk *d, u16 function, u64 timeout, u64 budget, u64 period)
{
	struct vgpu_sched_why why;

	assert_int_equal(desk_reserve(d, function, timeout, budget, period, &why), 0);
}

/* Preempt timeouts of 1 ms. */
static int setup(void **state)
{
	struct desk *d = make(SAVE, MILLISECOND);
	u16 f;

	for (f = 0; f < DESK_FUNCTIONS; f++)
		set(d, f, MILLISECOND, 0, 0);
	*state = d;
	return 0;
}

static struct vgpu_sched_params *params_of(struct desk *d, u16 function)
{
	return &d->s->function[function].params;
}

static void assert_refused(struct desk *d, u16 function, u64 budget, u64 period,
			   struct vgpu_sched_why *why)
{
	assert_int_equal(desk_reserve(d, function, params_of(d, function)->preempt_timeout_ns,
				      budget, period, why), -EBUSY);
}

static void assert_why(const struct vgpu_sched_why *why, u16 function, const char *what,
		       const char *rule)
{
	assert_int_equal(why->function, function);
	assert_string_equal(why->what, what);
	assert_string_equal(why->rule, rule);
}

/* ------------------------------------------------------------------------ */
/* The condition                                                             */

/* The two largest preempt timeouts. */
static void largest_timeouts(struct desk *d, u64 *first, u64 *second)
{
	u16 f;

	*first = 0;
	*second = 0;
	for (f = 0; f < DESK_FUNCTIONS; f++) {
		u64 timeout = params_of(d, f)->preempt_timeout_ns;

		*second = max(*second, min(timeout, *first));
		*first = max(*first, timeout);
	}
}

/* The fullest of the left sides of (1); up to 1 nobody misses. */
static double load_of(struct desk *d)
{
	u64 leave = max(d->config.save_ns, d->config.reset_ns);
	double use = 0, worst = 0;
	u64 first, second, overruns = 0;
	u16 f;

	largest_timeouts(d, &first, &second);
	for (f = 0; f < DESK_FUNCTIONS; f++) {
		struct vgpu_sched_params *p = params_of(d, f);

		if (!p->budget_ns)
			continue;
		use += (p->budget_ns + 2 * (SAVE + LOAD + ANSWER)) / (double)p->period_ns;
		overruns += p->preempt_timeout_ns;
	}
	for (f = 0; f < DESK_FUNCTIONS; f++) {
		struct vgpu_sched_params *p = params_of(d, f);
		u64 blocking = ANSWER + first + leave + LOAD + ANSWER + second + leave;
		double sum;

		if (!p->budget_ns)
			continue;
		sum = use + (blocking + overruns - p->preempt_timeout_ns) /
			    (double)p->period_ns;
		worst = sum > worst ? sum : worst;
	}
	return worst;
}

/* Nothing is left. Parts of the engine are rounded up, by far less than 1e-10. */
static bool is_full(struct desk *d)
{
	return load_of(d) > 1 - 1e-10;
}

/* Would be, if that were admitted. */
static bool would_fill(struct desk *d, u16 function, u64 budget, u64 period)
{
	struct vgpu_sched_params before = *params_of(d, function);
	bool full;

	params_of(d, function)->budget_ns = budget;
	params_of(d, function)->period_ns = period;
	full = is_full(d);
	*params_of(d, function) = before;
	return full;
}

/* What it is told would be the largest budget is that. */
static void assert_largest_budget(struct desk *d, u16 function, u64 period)
{
	struct vgpu_sched_why why;

	assert_refused(d, function, period, period, &why);
	assert_why(&why, function, "budget_ns", TOGETHER);
	assert_int_equal(why.low, VGPU_SCHED_QUANTUM_MIN);
	assert_false(would_fill(d, function, why.high, period));
	assert_true(would_fill(d, function, why.high + 1, period));
	assert_refused(d, function, why.high + 1, period, &why);
	set(d, function, params_of(d, function)->preempt_timeout_ns, why.high, period);
}

/* Each takes a part of what those before have left; reset or save is longer. */
static void what_is_admitted_is_what_the_condition_says(void **state)
{
	static const u64 resets[] = { 1234567, 1000 };
	unsigned int i;
	u16 f;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(resets); i++) {
		struct desk *d = make(SAVE, resets[i]);

		/* The largest one first, in the middle, and last. */
		for (f = 0; f < DESK_FUNCTIONS; f++)
			set(d, f, (1 + (f * 3 + i) % 5) * 77777, 0, 0);
		for (f = 0; f < DESK_FUNCTIONS; f++) {
			u64 period = 77 * MILLISECOND - f * 12345678;

			assert_largest_budget(d, f, period);
			set(d, f, params_of(d, f)->preempt_timeout_ns, 3 * MILLISECOND,
			    period);
		}
		desk_free(d);
	}
}

static void the_sum_must_not_be_rounded_down(void **state)
{
	const u64 period = 1 << 26;
	struct vgpu_sched_why why;
	struct desk *d = *state;
	u64 rest = 2 * (SAVE + LOAD + ANSWER) + 2 * ANSWER + 4 * MILLISECOND + LOAD;

	/* Exactly all of the engine. */
	assert_refused(d, 1, period - rest, period, &why);
	assert_int_equal(why.high, period - rest - 1);
}

/*
 * A device declares that a save takes two days, such that 2^64 is exceeded by little
 * where parts of the engine are computed, both for the budget and for the blocking.
 */
static void what_is_far_too_long_does_not_overflow(void **state)
{
	const u64 period = 10 * MILLISECOND;
	u64 save = ((period << 24) - LOAD - 2 * ANSWER - 2 * MILLISECOND) / 2 +
		   100 * MICROSECOND;
	struct vgpu_sched_why why;
	struct desk *d;
	u16 f;

	(void)state;
	d = make(save, MILLISECOND);
	for (f = 0; f < DESK_FUNCTIONS; f++)
		set(d, f, MILLISECOND, 0, 0);
	assert_refused(d, 1, 5 * MILLISECOND, period, &why);
	assert_why(&why, 1, "budget_ns", NEVER);
	desk_free(d);
}

/* ------------------------------------------------------------------------ */
/* What is said                                                              */

static void the_shortest_period_is_told(void **state)
{
	struct vgpu_sched_why why;
	struct desk *d = *state;
	u64 period;

	assert_refused(d, 1, MILLISECOND, 2 * MILLISECOND, &why);
	assert_why(&why, 1, "period_ns", TOO_SHORT);
	period = why.low;
	assert_int_equal(why.high, VGPU_SCHED_PERIOD_MAX);
	assert_false(would_fill(d, 1, MILLISECOND, period));
	assert_true(would_fill(d, 1, MILLISECOND, period - 1));
	assert_refused(d, 1, MILLISECOND, period - 1, &why);
	set(d, 1, MILLISECOND, MILLISECOND, period);
}

/* 98 % are taken. */
static void if_there_is_none_that_is_said(void **state)
{
	struct vgpu_sched_why why;
	struct desk *d = *state;

	assert_refused(d, 1, SECOND, SECOND, &why);
	set(d, 1, MILLISECOND, why.high, SECOND);
	assert_refused(d, 2, MILLISECOND, 10 * MILLISECOND, &why);
	assert_why(&why, 2, "budget_ns", NEVER);
	assert_int_equal(why.low, 1);
	assert_int_equal(why.high, 0);
}

static void the_longest_preempt_timeout_is_told(void **state)
{
	struct vgpu_sched_why why;
	struct desk *d = *state;
	u64 longest;

	set(d, 1, MILLISECOND, 10 * MILLISECOND, 30 * MILLISECOND);
	assert_int_equal(desk_reserve(d, 2, SECOND, 0, 0, &why), -EBUSY);
	assert_why(&why, 2, "preempt_timeout_ns",
		   "would break what is reserved for others");
	assert_int_equal(why.low, VGPU_SCHED_TIMEOUT_MIN);
	longest = why.high;
	assert_int_equal(desk_reserve(d, 2, longest + 1, 0, 0, &why), -EBUSY);
	set(d, 2, longest, 0, 0);
	assert_false(is_full(d));
	params_of(d, 2)->preempt_timeout_ns++;
	assert_true(is_full(d));
}

/* Of two sides of a bargain that is broken one may be as short as it likes. */
static void if_a_shorter_timeout_does_not_help_that_is_said(void **state)
{
	struct vgpu_sched_why why;
	struct desk *d = *state;

	set(d, 1, MILLISECOND, 10 * MILLISECOND, 30 * MILLISECOND);
	params_of(d, 3)->preempt_timeout_ns = SECOND;
	assert_int_equal(desk_reserve(d, 2, MILLISECOND, 0, 0, &why), -EBUSY);
	assert_why(&why, 2, "preempt_timeout_ns",
		   "of this and others would break what is reserved");
	assert_int_equal(why.low, 1);
	assert_int_equal(why.high, 0);
}

static void without_a_preempt_timeout_nothing_is_promised(void **state)
{
	struct vgpu_sched_why why;
	struct desk *d = *state;
	u16 f;

	for (f = 0; f < DESK_FUNCTIONS; f += DESK_FUNCTIONS - 1) {
		set(d, f, 0, 0, 0);
		assert_refused(d, 1, MILLISECOND, 100 * MILLISECOND, &why);
		assert_why(&why, f, "preempt_timeout_ns",
			   "is 0 (for ever), so nothing can be reserved");
		assert_int_equal(why.low, VGPU_SCHED_TIMEOUT_MIN);
		assert_int_equal(why.high, VGPU_SCHED_TIMEOUT_MAX);
		set(d, f, MILLISECOND, 0, 0);
	}
	assert_int_equal(desk_reserve(d, 1, 0, MILLISECOND, 100 * MILLISECOND, &why), -EINVAL);
	assert_why(&why, 1, "preempt_timeout_ns",
		   "must not be 0 (for ever) where there are reservations");
	assert_int_equal(why.low, VGPU_SCHED_TIMEOUT_MIN);
	assert_int_equal(why.high, VGPU_SCHED_TIMEOUT_MAX);
}

/* What it had before does not count. */
static void a_timeout_and_a_budget_can_come_together(void **state)
{
	struct desk *d = *state;

	set(d, 1, 0, 0, 0);
	set(d, 1, MILLISECOND, MILLISECOND, 100 * MILLISECOND);
}

static void a_budget_is_worth_a_slice(void **state)
{
	struct vgpu_sched_why why;
	struct desk *d = *state;

	assert_int_equal(desk_reserve(d, 1, MILLISECOND, VGPU_SCHED_QUANTUM_MIN - 1,
				      SECOND, &why), -EINVAL);
	assert_why(&why, 1, "budget_ns", "is less than the shortest slice");
	assert_int_equal(why.low, VGPU_SCHED_QUANTUM_MIN);
	assert_int_equal(why.high, SECOND);
	set(d, 1, MILLISECOND, VGPU_SCHED_QUANTUM_MIN, SECOND);
}

/* ------------------------------------------------------------------------ */
/* What is left for others                                                   */

static void others_wait_for_budgets_to_pass(void **state)
{
	struct desk *d = *state;
	double use = 0, passed = 5 * MILLISECOND, expected;
	u64 found;
	u16 f;

	/* There are none. */
	assert_int_equal(vgpu_sched_reservation_stretch(d->s, 2, 5 * MILLISECOND),
			 5 * MILLISECOND);
	assert_int_equal(vgpu_sched_reservation_stretch(d->s, 2, 1ull << 62), 1ull << 62);
	for (f = 0; f < 3; f++) {
		u64 budget = (1 + f) * MILLISECOND, period = (30 + f) * MILLISECOND;

		set(d, f, (1 + f) * 100 * MICROSECOND, budget, period);
		/* Not for its own one. */
		if (f == 2)
			break;
		budget += 2 * (SAVE + LOAD + ANSWER);
		use += budget / (double)period;
		passed += 2 * budget + (1 + f) * 100 * MICROSECOND;
	}
	expected = passed / (1 - use);
	found = vgpu_sched_reservation_stretch(d->s, 2, 5 * MILLISECOND);
	assert_true(found > expected - 1 && found < expected + 1);
}

static void what_cannot_be_told_is_no_bound(void **state)
{
	struct desk *d = *state;

	assert_true(vgpu_sched_reservation_stretch(d->s, 2, U64_MAX) == U64_MAX);
	set(d, 1, MILLISECOND, MILLISECOND, SECOND);
	assert_true(vgpu_sched_reservation_stretch(d->s, 2, U64_MAX) == U64_MAX);
	assert_true(vgpu_sched_reservation_stretch(d->s, 2, 1ull << 63) == U64_MAX);
	assert_true(vgpu_sched_reservation_stretch(d->s, 2, 1ull << 62) < 1ull << 63);
	/* Little is left, or nothing. */
	params_of(d, 1)->budget_ns = 600 * MILLISECOND;
	assert_true(vgpu_sched_reservation_stretch(d->s, 2, 1ull << 62) == U64_MAX);
	assert_true(vgpu_sched_reservation_stretch(d->s, 2, 1ull << 61) < 1ull << 63);
	params_of(d, 1)->budget_ns = SECOND;
	assert_true(vgpu_sched_reservation_stretch(d->s, 2, MILLISECOND) == U64_MAX);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_admitted_is_what_the_condition_says),
		TEST(the_sum_must_not_be_rounded_down),
		cmocka_unit_test(what_is_far_too_long_does_not_overflow),
		TEST(the_shortest_period_is_told),
		TEST(if_there_is_none_that_is_said),
		TEST(the_longest_preempt_timeout_is_told),
		TEST(if_a_shorter_timeout_does_not_help_that_is_said),
		TEST(without_a_preempt_timeout_nothing_is_promised),
		TEST(a_timeout_and_a_budget_can_come_together),
		TEST(a_budget_is_worth_a_slice),
		TEST(others_wait_for_budgets_to_pass),
		TEST(what_cannot_be_told_is_no_bound),
	};

	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}

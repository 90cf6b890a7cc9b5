// SPDX-License-Identifier: GPL-2.0-only
/* What the policy rr promises. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"

static void one_write_for_each_switch(void **state)
{
	struct desk *d = *state;
	unsigned int i, before;
	u16 f;

	for (f = 1; f < DESK_FUNCTIONS; f++)
		desk_wake(d, f);
	assert_int_equal(d->calls, 1);
	assert_armed(d, 1, false);
	assert_int_equal(d->quantum, VGPU_SCHED_QUANTUM_DEFAULT);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	for (i = 1; i < 100; i++) {
		u16 now = (i - 1) % 4 + 1, next = i % 4 + 1;

		assert_armed(d, next, false);
		assert_int_equal(vgpu_sched_running(d->s), now);
		assert_int_equal(vgpu_sched_state(d->s, now), VGPU_SCHED_RUNNING);
		before = d->calls;
		d->now += 6 * MILLISECOND;
		desk_switched(d, now, next, VGPU_LEAVE_DEADLINE);
		assert_int_equal(d->calls, before + 1);
	}
	assert_int_equal(vgpu_sched_engine(d->s)->arms, 1 + 1 + 99);
	assert_int_equal(vgpu_sched_engine(d->s)->disarms, 0);
}

static int try(struct desk *d, u32 weight, u32 priority, u64 quota, u64 budget,
	       struct vgpu_sched_why *why)
{
	struct vgpu_sched_params params;

	vgpu_sched_get_params(d->s, 1, &params);
	params.weight = weight;
	params.priority = priority;
	params.cap_quota_ns = quota;
	params.cap_period_ns = quota ? MILLISECOND : 0;
	params.budget_ns = budget;
	params.period_ns = budget ? MILLISECOND : 0;
	return vgpu_sched_set_params(d->s, 1, &params, why, d->now);
}

static void round_robin_has_no_weights(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	assert_int_equal(try(d, 0, 1, 0, 0, &why), -EINVAL);
	assert_string_equal(why.what, "weight");
	assert_int_equal(why.high, VGPU_SCHED_WEIGHT_MAX);
	assert_int_equal(try(d, 10001, 1, 0, 0, &why), -EINVAL);
	assert_int_equal(try(d, 200, 1, 0, 0, &why), -EOPNOTSUPP);
	assert_string_equal(why.what, "weight");
	assert_int_equal(why.high, VGPU_SCHED_WEIGHT_DEFAULT);
	assert_int_equal(why.function, 1);
	assert_int_equal(try(d, 100, 3, 0, 0, &why), -EINVAL);
	assert_string_equal(why.what, "priority");
	assert_int_equal(try(d, 100, 2, 0, 0, &why), -EOPNOTSUPP);
	assert_int_equal(try(d, 100, 1, MILLISECOND + 1, 0, &why), -EINVAL);
	assert_int_equal(try(d, 100, 1, 0, 1, &why), -EOPNOTSUPP);
	assert_string_equal(why.what, "budget_ns");
	assert_int_equal(try(d, 100, 1, 0, 0, &why), 0);
	vgpu_sched_get_params(d->s, 1, &params);
	assert_int_equal(vgpu_sched_set_params(d->s, 5, &params, &why, d->now), -EINVAL);
	assert_string_equal(why.what, "function");
	assert_string_equal(why.rule, "does not exist");
	assert_int_equal(why.high, DESK_FUNCTIONS - 1);
	assert_int_equal(vgpu_sched_get_params(d->s, 5, &params), -EINVAL);
}

static void latency_bound_is_the_sum(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	u64 leave = desk_config.reset_ns, load = desk_config.load_ns;
	u64 each = load + VGPU_SCHED_QUANTUM_DEFAULT + VGPU_SCHED_TIMEOUT_DEFAULT + leave;

	assert_int_equal(vgpu_sched_latency_bound(d->s, 1), leave + load + 4 * each);
	vgpu_sched_park(d->s, 4, VGPU_SCHED_PARK_DISABLED, d->now);
	vgpu_sched_park(d->s, 3, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_int_equal(vgpu_sched_latency_bound(d->s, 1), leave + load + 3 * each);
	assert_true(vgpu_sched_latency_bound(d->s, 5) == U64_MAX);
	vgpu_sched_get_params(d->s, 2, &params);
	params.quantum_ns = 0;
	vgpu_sched_set_params(d->s, 2, &params, &why, d->now);
	assert_true(vgpu_sched_latency_bound(d->s, 1) == U64_MAX);
	assert_true(vgpu_sched_latency_bound(d->s, 2) != U64_MAX);
	params.quantum_ns = VGPU_SCHED_QUANTUM_MIN;
	params.preempt_timeout_ns = 0;
	vgpu_sched_set_params(d->s, 2, &params, &why, d->now);
	assert_true(vgpu_sched_latency_bound(d->s, 1) == U64_MAX);
}

/* A cap that may be overrun for ever may have to be waited for as long. */
static void without_a_timeout_a_cap_has_no_latency_bound(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(d->s, 1, &params);
	params.cap_quota_ns = 10 * MILLISECOND;
	params.cap_period_ns = 50 * MILLISECOND;
	assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
	assert_true(vgpu_sched_latency_bound(d->s, 1) != U64_MAX);
	params.preempt_timeout_ns = 0;
	assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
	assert_true(vgpu_sched_latency_bound(d->s, 1) == U64_MAX);
}

/* The cap may leave nothing of this period, of those an overrun takes, and of one more. */
static void a_cap_adds_its_periods_to_the_latency_bound(void **state)
{
	struct vgpu_sched_config config = desk_config;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	struct desk *d;
	u64 bound;

	config.save_ns = 7 * MILLISECOND;
	d = desk_new(&config);
	vgpu_sched_get_params(d->s, 1, &params);
	params.preempt_timeout_ns = 15 * MILLISECOND;
	assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
	bound = vgpu_sched_latency_bound(d->s, 1);
	params.cap_quota_ns = 11 * MILLISECOND;
	params.cap_period_ns = 50 * MILLISECOND;
	assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
	assert_int_equal(vgpu_sched_latency_bound(d->s, 1),
			 bound + 4 * params.cap_period_ns);
	desk_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(one_write_for_each_switch),
		DESK_TEST(round_robin_has_no_weights),
		DESK_TEST(latency_bound_is_the_sum),
		DESK_TEST(without_a_timeout_a_cap_has_no_latency_bound),
		cmocka_unit_test(a_cap_adds_its_periods_to_the_latency_bound),
	};

	return cmocka_run_group_tests_name("round_robin", tests, NULL, NULL);
}

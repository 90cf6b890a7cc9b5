// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling core: set-up, who is armed when, settings, and policies. What is more
 * special is in test_race.c, test_park.c, test_lost.c, test_timer.c, test_account.c;
 * what users see on a device is in test_device.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"

static void refuses_bad_set_up(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_config config = desk_config;

	config.policy = NULL;
	assert_int_equal(vgpu_sched_init(d->s, &config, &desk_ops, d, 0), -EINVAL);
	config.policy = vgpu_sched_find_policy("rr");
	config.functions = 0;
	assert_int_equal(vgpu_sched_init(d->s, &config, &desk_ops, d, 0), -EINVAL);
	config.functions = VGPU_MAX_FUNCTIONS + 1;
	assert_int_equal(vgpu_sched_init(d->s, &config, &desk_ops, d, 0), -EINVAL);
	assert_true(vgpu_sched_size(256) > vgpu_sched_size(255));
}

static void policies_have_names(void **state)
{
	const struct vgpu_sched_policy *rr = vgpu_sched_find_policy("rr");
	struct desk *d = *state;
	unsigned int i;

	assert_non_null(rr);
	assert_string_equal(vgpu_sched_policy_name(vgpu_sched_policy_at(0)), "eevdf");
	for (i = 0; vgpu_sched_policy_at(i); i++)
		assert_ptr_equal(vgpu_sched_find_policy(vgpu_sched_policy_name(
					 vgpu_sched_policy_at(i))),
				 vgpu_sched_policy_at(i));
	assert_null(vgpu_sched_find_policy("r"));
	assert_null(vgpu_sched_find_policy(""));
	assert_string_equal(vgpu_sched_policy_name(rr), "rr");
	assert_ptr_equal(vgpu_sched_policy(d->s), rr);
}

static void begins_parked_and_idle(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_config config = desk_config;

	config.policy = vgpu_sched_find_policy("rr");
	assert_int_equal(vgpu_sched_init(d->s, &config, &desk_ops, d, 7), 0);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_PARKED);
	assert_int_equal(vgpu_sched_parked(d->s, 1), VGPU_SCHED_PARK_DISABLED);
	desk_wake(d, 1);
	assert_int_equal(d->calls, 0);
	vgpu_sched_unpark(d->s, 2, VGPU_SCHED_PARK_DISABLED, d->now);
	assert_int_equal(vgpu_sched_state(d->s, 2), VGPU_SCHED_IDLE);
	assert_int_equal(d->calls, 0);
	/* The wake-up while it was parked is not lost. */
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_DISABLED, d->now);
	assert_armed(d, 1, false);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNABLE);
	assert_int_equal(vgpu_sched_running(d->s), NONE);
}

static void wake_up_changes_nothing_armed(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	desk_wake(d, 3);
	vgpu_sched_sleep(d->s, 3, d->now + 1, d->now + 1);
	assert_int_equal(d->call, DESK_NOTHING);
}

static void lone_function_is_left_alone(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(d->call, DESK_NOTHING);
	d->now += 100 * MILLISECOND;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_runtime(d->s, 1, d->now), 100 * MILLISECOND);
	assert_int_equal(vgpu_sched_runtime(d->s, 2, d->now), 0);
	assert_int_equal(vgpu_sched_runtime(d->s, 99, d->now), 0);
}

static void sleeper_on_the_engine_stays(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNING);
	desk_wake(d, 2);
	assert_armed(d, 2, false);
	desk_switched(d, 1, 2, VGPU_LEAVE_IDLE);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_IDLE);
}

static void sleeper_in_the_queue_loses_its_turn(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	vgpu_sched_sleep(d->s, 2, d->now + 1, d->now + 1);
	assert_armed(d, 3, false);
}

/* --- configuration --- */

struct bad_setting {
	const char *what;
	size_t offset;
	u64 value;
	int error;
	u64 low;
	u64 high;
};

#define SETTING(name, value, error, low, high) \
	{ #name, offsetof(struct vgpu_sched_params, name), value, error, low, high }

static void bad_settings_are_refused(void **state)
{
	static const struct bad_setting bad[] = {
		SETTING(quantum_ns, 1, -EINVAL, 100000, 100000000000),
		SETTING(quantum_ns, 99999, -EINVAL, 100000, 100000000000),
		SETTING(quantum_ns, 100000000001, -EINVAL, 100000, 100000000000),
		SETTING(preempt_timeout_ns, 999, -EINVAL, 1000, 100000000000),
		SETTING(preempt_timeout_ns, U64_MAX, -EINVAL, 1000, 100000000000),
		SETTING(cap_quota_ns, 1, -EINVAL, 0, 0),
		SETTING(cap_period_ns, 999999, -EINVAL, 1000000, 10000000000),
		SETTING(cap_period_ns, 1000000, -EINVAL, 1, 1000000),
		SETTING(budget_ns, 5, -EINVAL, 0, 0),
		SETTING(period_ns, 10000000001, -EINVAL, 1000000, 10000000000),
		SETTING(period_ns, 10000000000, -EINVAL, 1, 10000000000),
	};
	struct desk *d = *state;
	struct vgpu_sched_params before, params, after;
	struct vgpu_sched_why why;
	unsigned int i;

	vgpu_sched_get_params(d->s, 1, &before);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		params = before;
		memcpy((char *)&params + bad[i].offset, &bad[i].value, sizeof(u64));
		assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now),
				 bad[i].error);
		assert_int_equal(why.function, 1);
		assert_non_null(why.rule);
		if (bad[i].high) {
			assert_int_equal(why.low, bad[i].low);
			assert_int_equal(why.high, bad[i].high);
		}
		vgpu_sched_get_params(d->s, 1, &after);
		assert_memory_equal(&before, &after, sizeof(after));
	}
}

static void limits_can_be_set(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_params params, after;
	struct vgpu_sched_why why;
	u64 quantum[] = { 0, VGPU_SCHED_QUANTUM_MIN, VGPU_SCHED_QUANTUM_MAX };
	u64 timeout[] = { 0, VGPU_SCHED_TIMEOUT_MIN, VGPU_SCHED_TIMEOUT_MAX };
	unsigned int i;

	vgpu_sched_get_params(d->s, 1, &params);
	for (i = 0; i < 3; i++) {
		params.quantum_ns = quantum[i];
		params.preempt_timeout_ns = timeout[i];
		assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
		vgpu_sched_get_params(d->s, 1, &after);
		assert_memory_equal(&params, &after, sizeof(after));
	}
}

static void new_quantum_counts_from_the_next_slice(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	desk_one_runs_two_waits(d);
	vgpu_sched_get_params(d->s, 2, &params);
	params.quantum_ns = 2 * MILLISECOND;
	vgpu_sched_set_params(d->s, 2, &params, &why, d->now);
	params.quantum_ns = 3 * MILLISECOND;
	vgpu_sched_set_params(d->s, 1, &params, &why, d->now);
	assert_int_equal(d->call, DESK_NOTHING);
	desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_armed(d, 1, false);
	assert_int_equal(d->quantum, 3 * MILLISECOND);
}

/* --- another policy: highest number first, with slots that stay empty --- */

static bool queued[DESK_FUNCTIONS];
static u64 charged[DESK_FUNCTIONS];
static u64 slot;

static void high_reset(struct vgpu_sched *s)
{
	memset(queued, 0, sizeof(queued));
}

static int high_admit(const struct vgpu_sched *s, u16 function,
		      const struct vgpu_sched_params *params,
		      struct vgpu_sched_why *why)
{
	if (params->quantum_ns)
		return 0;
	why->what = "quantum_ns";
	return -EBUSY;
}

static void high_enqueue(struct vgpu_sched *s, u16 function)
{
	assert_false(queued[function]);
	queued[function] = true;
}

static void high_dequeue(struct vgpu_sched *s, u16 function)
{
	assert_true(queued[function]);
	queued[function] = false;
}

static void high_charge(struct vgpu_sched *s, u16 function, s64 ran, s64 switched)
{
	charged[function] += ran + switched;
}

static bool high_pick(struct vgpu_sched *s, u64 now, struct vgpu_sched_choice *choice)
{
	u16 f;

	choice->review = slot;
	if (slot && now < slot)
		return false;
	for (f = DESK_FUNCTIONS; f-- > 0;) {
		if (!queued[f])
			continue;
		choice->function = f;
		choice->quantum_ns = MILLISECOND;
		choice->now = f == DESK_FUNCTIONS - 1;
		return true;
	}
	return false;
}

static u64 high_bound(const struct vgpu_sched *s, u16 function)
{
	return 42;
}

static const struct vgpu_sched_policy high = {
	.name = "high", .reset = high_reset, .admit = high_admit,
	.enqueue = high_enqueue, .dequeue = high_dequeue, .charge = high_charge,
	.pick = high_pick, .latency_bound = high_bound,
};

static void policy_can_be_changed(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_stats before;
	struct vgpu_sched_why why;
	u64 changed, sum = 0;
	u16 f;

	slot = 0;
	memset(charged, 0, sizeof(charged));
	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	before = *vgpu_sched_total(d->s);
	changed = d->now;
	assert_int_equal(vgpu_sched_set_policy(d->s, &high, &why, changed), 0);
	assert_armed(d, 3, false);
	assert_int_equal(d->quantum, MILLISECOND);
	assert_memory_equal(&before, vgpu_sched_total(d->s), sizeof(before));
	assert_int_equal(vgpu_sched_latency_bound(d->s, 1), 42);

	/* The write for 2 was taken before; 3 is behind it. */
	desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_int_equal(d->call, DESK_NOTHING);
	desk_wake(d, 4);
	assert_armed(d, 4, true);
	desk_switched(d, 2, 4, VGPU_LEAVE_PREEMPT);
	assert_armed(d, 3, false);
	for (f = 0; f < DESK_FUNCTIONS; f++)
		sum += charged[f];
	assert_int_equal(sum, vgpu_sched_engine(d->s)->last_ns - changed);

	assert_int_equal(vgpu_sched_set_policy(d->s, &vgpu_sched_round_robin, &why,
					       d->now), 0);
	assert_armed(d, 1, false);
	assert_int_equal(vgpu_sched_set_policy(d->s, &vgpu_sched_round_robin, &why,
					       d->now), 0);
}

static void policy_can_ask_to_be_asked(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_why why;

	slot = d->now + 5 * MILLISECOND;
	assert_int_equal(vgpu_sched_set_policy(d->s, &high, &why, d->now), 0);
	desk_wake(d, 1);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(d->timer, slot);
	d->now = slot;
	slot = 0;
	vgpu_sched_timer(d->s, d->now);
	assert_armed(d, 1, false);
}

static void policy_that_cannot_is_refused(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(d->s, 3, &params);
	params.quantum_ns = 0;
	vgpu_sched_set_params(d->s, 3, &params, &why, d->now);
	assert_int_equal(vgpu_sched_set_policy(d->s, &high, &why, d->now), -EBUSY);
	assert_string_equal(why.what, "quantum_ns");
	assert_ptr_equal(vgpu_sched_policy(d->s), &vgpu_sched_round_robin);
	assert_int_equal(vgpu_sched_set_policy(d->s, NULL, &why, d->now), -EINVAL);
	assert_string_equal(why.what, "policy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(refuses_bad_set_up),
		DESK_TEST(policies_have_names),
		DESK_TEST(begins_parked_and_idle),
		DESK_TEST(wake_up_changes_nothing_armed),
		DESK_TEST(lone_function_is_left_alone),
		DESK_TEST(sleeper_on_the_engine_stays),
		DESK_TEST(sleeper_in_the_queue_loses_its_turn),
		DESK_TEST(bad_settings_are_refused),
		DESK_TEST(limits_can_be_set),
		DESK_TEST(new_quantum_counts_from_the_next_slice),
		DESK_TEST(policy_can_be_changed),
		DESK_TEST(policy_can_ask_to_be_asked),
		DESK_TEST(policy_that_cannot_is_refused),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}

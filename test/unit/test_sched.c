// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling core. First alone, its callbacks recorded, for what a single
 * event does and for the races; then on the model device, both with hardware
 * deadlines and through the sequencer, for what users see.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rig.h"

#define MICROSECOND	1000ull
#define MILLISECOND	1000000ull
#define NONE		VGPU_FUNCTION_NONE
#define FUNCTIONS	5

/* ------------------------------------------------------------------------ */
/* The core alone                                                            */

enum call { NOTHING, ARM, DISARM, OVERDUE };

/**
 * struct desk - a core whose callbacks are written down
 * @s: the core
 * @call: the last call down that is not about timers
 * @calls: how many there were
 * @function: its argument
 * @quantum: ditto
 * @now_flag: ditto
 * @timer: last argument of set_timer()
 * @parked: how often each function was reported
 * @now: device time
 */
struct desk {
	struct vgpu_sched *s;
	enum call call;
	unsigned int calls;
	u16 function;
	u64 quantum;
	bool now_flag;
	u64 timer;
	unsigned int parked[FUNCTIONS];
	u64 now;
};

static void desk_arm(void *context, u16 function, u64 quantum, u32 flags)
{
	struct desk *d = context;

	d->call = ARM;
	d->calls++;
	d->function = function;
	d->quantum = quantum;
	d->now_flag = flags & VGPU_SCHED_ARM_NOW;
}

static void desk_disarm(void *context)
{
	struct desk *d = context;

	d->call = DISARM;
	d->calls++;
}

static void desk_set_timer(void *context, u64 when)
{
	struct desk *d = context;

	d->timer = when;
}

static void desk_overdue(void *context, u16 function)
{
	struct desk *d = context;

	d->call = OVERDUE;
	d->calls++;
	d->function = function;
}

static void desk_parked(void *context, u16 function)
{
	struct desk *d = context;

	d->parked[function]++;
}

static const struct vgpu_sched_ops desk_ops = {
	.arm		= desk_arm,
	.disarm		= desk_disarm,
	.set_timer	= desk_set_timer,
	.overdue	= desk_overdue,
	.parked		= desk_parked,
};

static const struct vgpu_sched_config desk_config = {
	.functions		= FUNCTIONS,
	.save_ns		= 150 * MICROSECOND,
	.load_ns		= 150 * MICROSECOND,
	.reset_ns		= 1 * MILLISECOND,
	.request_slack_ns	= 10,
	.overdue_slack_ns	= 1 * MILLISECOND,
};

static int desk_setup(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));
	struct vgpu_sched_config config = desk_config;
	u16 f;

	config.policy = vgpu_sched_find_policy("rr");
	d->now = 1000 * MILLISECOND;
	d->s = malloc(vgpu_sched_size(FUNCTIONS));
	if (vgpu_sched_init(d->s, &config, &desk_ops, d, d->now))
		return -1;
	for (f = 0; f < FUNCTIONS; f++)
		vgpu_sched_unpark(d->s, f, VGPU_SCHED_PARK_DISABLED, d->now);
	*state = d;
	return 0;
}

static int desk_teardown(void **state)
{
	struct desk *d = *state;

	free(d->s);
	free(d);
	return 0;
}

static void wake(struct desk *d, u16 function)
{
	vgpu_sched_wake(d->s, function, d->now, d->now);
}

/* A switch as the device would report it, all steps at their declared cost. */
static struct vgpu_sched_switch record_at(struct desk *d, u16 from, u16 to,
					  enum vgpu_leave reason)
{
	struct vgpu_sched_switch sw = {
		.from = from, .to = to, .reason = reason, .request = d->now,
		.quiesced = d->now, .saved = d->now,
	};

	if (from != NONE && reason == VGPU_LEAVE_DEADLINE)
		sw.deadline = d->now;
	if (from != NONE && reason != VGPU_LEAVE_RENEWED)
		sw.saved += desk_config.save_ns;
	sw.loaded = sw.saved;
	if (to != NONE && reason != VGPU_LEAVE_RENEWED)
		sw.loaded += desk_config.load_ns;
	sw.running = sw.loaded;
	return sw;
}

static void report(struct desk *d, const struct vgpu_sched_switch *sw)
{
	d->now = max(d->now, sw->running);
	d->call = NOTHING;
	vgpu_sched_switched(d->s, sw, d->now);
}

static void switched(struct desk *d, u16 from, u16 to, enum vgpu_leave reason)
{
	struct vgpu_sched_switch sw = record_at(d, from, to, reason);

	report(d, &sw);
}

static void assert_armed(struct desk *d, u16 function, bool now)
{
	assert_int_equal(d->call, ARM);
	assert_int_equal(d->function, function);
	assert_int_equal(d->now_flag, now);
}

/* 1 runs, 2 is armed. */
static void one_runs_two_waits(struct desk *d)
{
	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	wake(d, 2);
	assert_armed(d, 2, false);
	d->call = NOTHING;
	d->now += 6 * MILLISECOND;
}

static void refuses_bad_set_up(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_config config = desk_config;

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
	wake(d, 1);
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

static void one_write_for_each_switch(void **state)
{
	struct desk *d = *state;
	unsigned int i, before;
	u16 f;

	for (f = 1; f < FUNCTIONS; f++)
		wake(d, f);
	assert_int_equal(d->calls, 1);
	assert_armed(d, 1, false);
	assert_int_equal(d->quantum, VGPU_SCHED_QUANTUM_DEFAULT);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	for (i = 1; i < 100; i++) {
		u16 now = (i - 1) % 4 + 1, next = i % 4 + 1;

		assert_armed(d, next, false);
		assert_int_equal(vgpu_sched_running(d->s), now);
		assert_int_equal(vgpu_sched_state(d->s, now), VGPU_SCHED_RUNNING);
		before = d->calls;
		d->now += 6 * MILLISECOND;
		switched(d, now, next, VGPU_LEAVE_DEADLINE);
		assert_int_equal(d->calls, before + 1);
	}
	assert_int_equal(vgpu_sched_engine(d->s)->arms, 1 + 1 + 99);
	assert_int_equal(vgpu_sched_engine(d->s)->disarms, 0);
}

static void wake_up_changes_nothing_armed(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	wake(d, 3);
	wake(d, 3);
	vgpu_sched_sleep(d->s, 3, d->now + 1, d->now + 1);
	assert_int_equal(d->call, NOTHING);
}

static void lone_function_is_left_alone(void **state)
{
	struct desk *d = *state;

	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(d->call, NOTHING);
	d->now += 100 * MILLISECOND;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(vgpu_sched_runtime(d->s, 1, d->now), 100 * MILLISECOND);
	assert_int_equal(vgpu_sched_runtime(d->s, 2, d->now), 0);
	assert_int_equal(vgpu_sched_runtime(d->s, 99, d->now), 0);
}

static void sleeper_on_the_engine_stays(void **state)
{
	struct desk *d = *state;

	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNING);
	wake(d, 2);
	assert_armed(d, 2, false);
	switched(d, 1, 2, VGPU_LEAVE_IDLE);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_IDLE);
}

static void sleeper_in_the_queue_loses_its_turn(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	wake(d, 3);
	vgpu_sched_sleep(d->s, 2, d->now + 1, d->now + 1);
	assert_armed(d, 3, false);
}

/* --- races --- */

static void wake_up_during_the_save_is_kept(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	sw = record_at(d, 1, 2, VGPU_LEAVE_IDLE);
	/* RUNNABLE is queued before the record, and belongs behind it. */
	vgpu_sched_wake(d->s, 1, sw.request + 5, sw.running);
	report(d, &sw);
	assert_armed(d, 1, false);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNABLE);
	/* It waited from its wake-up on. */
	d->now += MILLISECOND;
	sw = record_at(d, 2, 1, VGPU_LEAVE_DEADLINE);
	report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->wake.count, 2);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->wakes, 2);
	assert_int_equal(vgpu_sched_total(d->s)->wakes, 3);
}

static void old_wake_up_does_not_hide_idleness(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	sw = record_at(d, 1, 2, VGPU_LEAVE_IDLE);
	vgpu_sched_wake(d->s, 1, sw.request - 5, sw.running);
	report(d, &sw);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_IDLE);
}

static void wake_up_in_the_same_instant_is_kept(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	sw = record_at(d, 1, 2, VGPU_LEAVE_IDLE);
	vgpu_sched_wake(d->s, 1, sw.request, sw.running);
	report(d, &sw);
	assert_armed(d, 1, false);
}

static void stale_idle_is_ignored(void **state)
{
	struct desk *d = *state;

	wake(d, 1);
	vgpu_sched_sleep(d->s, 1, d->now - 1, d->now);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNABLE);
	assert_int_equal(vgpu_sched_engine(d->s)->stale, 1);
	/* In the same instant the later event counts. */
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_IDLE);
}

static void wake_up_without_a_time_is_of_now(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	sw = record_at(d, 1, 2, VGPU_LEAVE_IDLE);
	vgpu_sched_wake(d->s, 1, 0, sw.running);
	report(d, &sw);
	assert_armed(d, 1, false);
}

static void parked_on_the_way_in(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	wake(d, 3);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 2, true);
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 3, true);
	/* 2 was taken before; the device may have dropped that NOW since. */
	switched(d, 1, 2, VGPU_LEAVE_PREEMPT);
	assert_armed(d, 3, true);
	assert_int_equal(d->parked[1], 1);
	switched(d, 2, 3, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[2], 1);
}

static void overwritten_just_after_it_was_taken(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	wake(d, 3);
	/* The device has taken 2 already when we replace it by 3. */
	assert_int_equal(vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_armed(d, 3, false);
	switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_int_equal(d->parked[2], 0);
	/* It is thrown out; 3 is armed in the device, and is asked for at once. */
	assert_armed(d, 3, true);
	d->now += 20 * MICROSECOND;
	switched(d, 2, 3, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[2], 1);
	/* 3 was named twice: which write was taken is not known. */
	assert_armed(d, 1, false);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void overwritten_in_time(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	wake(d, 3);
	assert_int_equal(vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_false(vgpu_sched_off_engine(d->s, 2));
	switched(d, 1, 3, VGPU_LEAVE_DEADLINE);
	assert_int_equal(d->parked[2], 1);
	assert_true(vgpu_sched_off_engine(d->s, 2));
}

static void parked_armed_function_needs_a_proof(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	/* Nobody else: the running function is named, to get a record. */
	assert_int_equal(vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_armed(d, 1, false);
	switched(d, 1, 1, VGPU_LEAVE_RENEWED);
	assert_int_equal(d->parked[2], 1);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->switches[VGPU_LEAVE_RENEWED], 1);
}

static void same_function_written_twice(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	wake(d, 3);
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);	/* 3 */
	vgpu_sched_unpark(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	vgpu_sched_park(d->s, 3, VGPU_SCHED_PARK_PAUSED, d->now);	/* 2 again */
	assert_armed(d, 2, false);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	/* 2 came; was it the first or the last write, and is 3 still possible? */
	switched(d, 1, 2, VGPU_LEAVE_IDLE);
	assert_armed(d, 2, false);
	assert_int_equal(d->parked[3], 0);
	switched(d, 2, 2, VGPU_LEAVE_RENEWED);
	assert_int_equal(d->parked[3], 1);
}

static void written_twice_and_taken_once(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	while (d->call == NOTHING) {
		d->now = d->timer;
		vgpu_sched_timer(d->s, d->now);
	}
	assert_armed(d, 2, false);
	/* If it was the first write that was taken, the second is armed. */
	switched(d, 1, 2, VGPU_LEAVE_IDLE);
	assert_int_equal(d->call, DISARM);
	wake(d, 1);
	assert_armed(d, 1, false);
}

static void now_is_written_once(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_armed(d, 2, true);
	d->call = NOTHING;
	wake(d, 3);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_EXCLUSIVE, d->now),
			 -EINPROGRESS);
	assert_int_equal(d->call, NOTHING);
	switched(d, 1, 2, VGPU_LEAVE_PREEMPT);
	assert_armed(d, 3, false);
	assert_int_equal(d->parked[1], 1);
}

static void last_one_parked_leaves_an_empty_engine(void **state)
{
	struct desk *d = *state;

	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_SUSPENDED, d->now),
			 -EINPROGRESS);
	assert_armed(d, NONE, true);
	switched(d, 1, NONE, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[1], 1);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(vgpu_sched_running(d->s), NONE);
}

static void unpark_cancels_the_callback(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_EXCLUSIVE, d->now);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_PARKED);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_EXCLUSIVE, d->now);
	switched(d, 1, 2, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->parked[1], 0);
	assert_armed(d, 1, false);
}

static void bad_parking_is_refused(void **state)
{
	struct desk *d = *state;

	assert_int_equal(vgpu_sched_park(d->s, FUNCTIONS, 1, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_park(d->s, 1, 0, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_ALL + 1, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_unpark(d->s, FUNCTIONS, 1, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_unpark(d->s, 1, 0, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_ALL + 1, d->now), -EINVAL);
	assert_int_equal(vgpu_sched_parked(d->s, 1), 0);
	assert_int_equal(vgpu_sched_parked(d->s, FUNCTIONS), 0);
	assert_int_equal(vgpu_sched_state(d->s, FUNCTIONS), -EINVAL);
	assert_true(vgpu_sched_off_engine(d->s, FUNCTIONS));
	assert_null(vgpu_sched_stats(d->s, FUNCTIONS));
}

static void hang_goes_on_by_itself(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	vgpu_sched_hang(d->s, 1, d->now);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(vgpu_sched_parked(d->s, 1), VGPU_SCHED_PARK_HUNG);
	switched(d, 1, 2, VGPU_LEAVE_HANG);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->hangs, 1);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_WORLD, d->now);
	assert_armed(d, 1, false);
}

/* On the classic path the record comes after the reset, so after recovery. */
static void world_made_anew_before_the_record(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	vgpu_sched_hang(d->s, 1, d->now);
	vgpu_sched_reset(d->s, 1, d->now);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_WORLD, d->now);
	wake(d, 1);
	switched(d, 1, 2, VGPU_LEAVE_HANG);
	assert_int_equal(vgpu_sched_parked(d->s, 1), 0);
	assert_armed(d, 1, false);
}

static void hung_world_is_not_asked_again(void **state)
{
	struct desk *d = *state;

	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_hang(d->s, 1, d->now);
	assert_armed(d, NONE, false);
}

static void hang_of_the_next_world(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	wake(d, 3);
	vgpu_sched_hang(d->s, 2, d->now);
	assert_armed(d, 3, false);
}

static void withdrawn_now_is_written_again(void **state)
{
	struct desk *d = *state;

	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, NONE, true);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, 1, false);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_armed(d, NONE, true);
}

static void wake_up_counts_from_its_own_time(void **state)
{
	struct desk *d = *state;

	vgpu_sched_wake(d->s, 1, d->now - 500, d->now);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->wake.max,
			 500 + desk_config.load_ns);
}

static void flr_of_the_running_world(void **state)
{
	struct desk *d = *state;

	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now += 3 * MILLISECOND;
	vgpu_sched_flr(d->s, 1, d->now);
	/* Nothing was armed, so no record comes, and the engine is empty. */
	assert_int_equal(vgpu_sched_running(d->s), NONE);
	assert_true(vgpu_sched_off_engine(d->s, 1));
	assert_int_equal(vgpu_sched_stats(d->s, 1)->runtime_ns, 3 * MILLISECOND);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->switches[VGPU_LEAVE_RESET], 1);
	wake(d, 2);
	assert_armed(d, 2, false);
	switched(d, NONE, 2, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void flr_of_the_running_world_with_next(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 1, d->now);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(vgpu_sched_running(d->s), NONE);
	assert_true(vgpu_sched_off_engine(d->s, 1));
	switched(d, 1, 2, VGPU_LEAVE_RESET);
	assert_int_equal(vgpu_sched_running(d->s), 2);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->slices, 1);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void flr_of_the_next_world(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 2, d->now);
	/* 1 may have left for it without a record: it is named again. */
	assert_armed(d, 1, false);
	assert_true(vgpu_sched_off_engine(d->s, 2));
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_running(d->s), 1);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
}

static void flr_on_the_way_in(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	wake(d, 3);
	vgpu_sched_flr(d->s, 2, d->now);
	assert_armed(d, 3, false);
	/* What was taken is the write that named 2: the one that names 3 is armed. */
	switched(d, 1, NONE, VGPU_LEAVE_DEADLINE);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 0);
	assert_int_equal(d->call, NOTHING);
	switched(d, NONE, 3, VGPU_LEAVE_NONE);
	assert_armed(d, 1, false);
}

static void reset_parks(void **state)
{
	struct desk *d = *state;

	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_reset(d->s, 1, d->now);
	assert_int_equal(vgpu_sched_parked(d->s, 1), VGPU_SCHED_PARK_RESET);
	assert_int_equal(vgpu_sched_running(d->s), NONE);
}

static void refused_next_is_replaced(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	wake(d, 3);
	vgpu_sched_refused(d->s, 2, d->now);
	assert_armed(d, 3, false);
	assert_int_equal(vgpu_sched_parked(d->s, 2), VGPU_SCHED_PARK_REFUSED);
	assert_true(vgpu_sched_off_engine(d->s, 2));
	assert_int_equal(vgpu_sched_engine(d->s)->refused, 1);
}

static void old_refusal_adds_no_reason(void **state)
{
	struct desk *d = *state;

	vgpu_sched_flr(d->s, 2, d->now);
	vgpu_sched_refused(d->s, 2, d->now);
	assert_int_equal(vgpu_sched_parked(d->s, 2), VGPU_SCHED_PARK_FLR);
}

static void lost_record_is_asked_for(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	vgpu_sched_lost(d->s, d->now);
	assert_int_equal(vgpu_sched_engine(d->s)->lost, 1);
	assert_armed(d, 2, false);
	/* The lost record was 1 to 2; NEXT has renewed 2. */
	switched(d, 2, 2, VGPU_LEAVE_RENEWED);
	assert_int_equal(vgpu_sched_running(d->s), 2);
	assert_armed(d, 1, false);
}

static void silence_is_noticed(void **state)
{
	struct desk *d = *state;
	u64 due;

	one_runs_two_waits(d);
	due = vgpu_sched_engine(d->s)->last_ns + VGPU_SCHED_QUANTUM_DEFAULT +
	      VGPU_SCHED_TIMEOUT_DEFAULT + desk_config.reset_ns +
	      desk_config.load_ns + desk_config.overdue_slack_ns;
	d->now = due - 1;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(d->timer, due);
	d->now = due;
	vgpu_sched_timer(d->s, d->now);
	assert_armed(d, 2, false);
	assert_int_equal(vgpu_sched_engine(d->s)->rearmed, 1);
	assert_true(d->timer > due);
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, OVERDUE);
	assert_int_equal(d->function, 1);
	assert_true(d->timer > d->now);
	/* And again. */
	d->call = NOTHING;
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, OVERDUE);
	assert_int_equal(vgpu_sched_engine(d->s)->overdue, 2);
	/* The record comes after all. */
	switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_armed(d, 1, false);
}

static void empty_engine_that_does_not_load_is_noticed(void **state)
{
	struct desk *d = *state;

	wake(d, 3);
	assert_int_equal(d->timer, d->now + desk_config.load_ns +
				   desk_config.overdue_slack_ns);
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->call, OVERDUE);
	assert_int_equal(d->function, 3);
}

static void early_timer_is_set_again(void **state)
{
	struct desk *d = *state;
	u64 when;

	one_runs_two_waits(d);
	when = d->timer;
	d->timer = 0;
	vgpu_sched_timer(d->s, when - 1);
	assert_int_equal(d->timer, when);
}

static void endless_patience_without_a_timeout(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	unsigned int i;

	vgpu_sched_get_params(d->s, 1, &params);
	params.preempt_timeout_ns = 0;
	assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
	one_runs_two_waits(d);
	for (i = 0; i < 10; i++) {
		d->now = d->timer;
		vgpu_sched_timer(d->s, d->now);
		assert_int_equal(d->call, NOTHING);
		assert_true(d->timer > d->now);
	}
}

static void no_deadline_is_waited_for_without_a_timer(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	u64 timer;

	vgpu_sched_get_params(d->s, 1, &params);
	params.quantum_ns = 0;
	assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
	wake(d, 1);
	timer = d->timer;
	assert_int_equal(d->quantum, 0);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	wake(d, 2);
	d->now = timer;
	d->timer = 0;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(d->timer, 0);
	/* To get a record out of it, NOW is needed. */
	assert_int_equal(vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now),
			 -EINPROGRESS);
	assert_armed(d, 1, true);
}

static void restart_begins_anew(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	u64 accounted;

	one_runs_two_waits(d);
	vgpu_sched_park(d->s, 2, VGPU_SCHED_PARK_PAUSED, d->now);
	accounted = engine->last_ns - engine->start_ns;
	assert_armed(d, 1, false);
	d->call = NOTHING;
	vgpu_sched_restart(d->s, 5);	/* power was off: the clock is new */
	assert_int_equal(d->parked[2], 1);
	assert_armed(d, 1, false);
	assert_int_equal(vgpu_sched_running(d->s), NONE);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->slices, 1);
	assert_int_equal(engine->last_ns - engine->start_ns, accounted);
	assert_int_equal(d->timer, 5 + desk_config.load_ns + desk_config.overdue_slack_ns);
	/* Nobody has woken since. */
	assert_false(d->s->function[0].waking || d->s->function[1].waking ||
		     d->s->function[2].waking);
	d->now = 10;
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(engine->backwards, 0);
	assert_int_equal(vgpu_sched_running(d->s), 1);
}

/* --- accounting --- */

static void books_one_switch(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_stats *one = vgpu_sched_stats(d->s, 1);
	const struct vgpu_sched_stats *two = vgpu_sched_stats(d->s, 2);
	const struct vgpu_sched_stats *all = vgpu_sched_total(d->s);
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	struct vgpu_sched_switch sw;
	u64 start;

	one_runs_two_waits(d);
	start = engine->last_ns;
	assert_int_equal(engine->empty_ns, 0);
	assert_int_equal(one->switches[VGPU_LEAVE_NONE], 1);
	assert_int_equal(all->switches[VGPU_LEAVE_NONE], 1);
	assert_int_equal(one->load_ns, 150 * MICROSECOND);
	assert_int_equal(one->slices, 0);

	sw = (struct vgpu_sched_switch){
		.from = 1, .to = 2, .reason = VGPU_LEAVE_DEADLINE,
		.deadline = start + 6 * MILLISECOND,
		.request = start + 6 * MILLISECOND + 7,
		.quiesced = start + 6 * MILLISECOND + 18007,
		.saved = start + 6 * MILLISECOND + 168007,
		.loaded = start + 6 * MILLISECOND + 318107,
		.running = start + 6 * MILLISECOND + 318307,
	};
	report(d, &sw);
	assert_int_equal(one->runtime_ns, 6 * MILLISECOND + 18007);
	assert_int_equal(one->slices, 1);
	assert_int_equal(one->switches[VGPU_LEAVE_DEADLINE], 1);
	assert_int_equal(one->overrun_ns, 18007);
	assert_int_equal(one->save_ns, 150 * MICROSECOND);
	assert_int_equal(one->overhead_ns, 300 * MICROSECOND);
	assert_int_equal(one->request.max, 7);
	assert_int_equal(one->quiesce.max, 18000);
	assert_int_equal(one->deadline_misses, 0);
	assert_int_equal(two->load_ns, 150100);
	assert_int_equal(two->overhead_ns, 150300);
	assert_int_equal(two->gap.max, 300);
	assert_int_equal(two->wake.count, 1);
	assert_int_equal(two->wake.max, 6 * MILLISECOND + 318307);
	assert_int_equal(two->runtime_ns, 0);
	assert_int_equal(all->runtime_ns, one->runtime_ns);
	assert_int_equal(all->overhead_ns, 450300);
	assert_int_equal(all->wakes, 2);
}

static struct vgpu_sched_switch late_switch(struct desk *d, u64 request, u64 quiesce)
{
	u64 start = vgpu_sched_engine(d->s)->last_ns;
	struct vgpu_sched_switch sw = {
		.from = 1, .to = 2, .reason = VGPU_LEAVE_DEADLINE,
		.deadline = start + VGPU_SCHED_QUANTUM_DEFAULT,
	};

	sw.request = sw.deadline + request;
	sw.quiesced = sw.request + quiesce;
	sw.saved = sw.quiesced + desk_config.save_ns;
	sw.loaded = sw.saved + desk_config.load_ns;
	sw.running = sw.loaded;
	return sw;
}

static void switch_to_nobody_has_no_later_times(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	d->now += MILLISECOND;
	sw = record_at(d, 1, NONE, VGPU_LEAVE_PREEMPT);
	sw.loaded = 0;
	sw.running = 0;
	report(d, &sw);
	assert_int_equal(vgpu_sched_engine(d->s)->missing, 0);
	assert_int_equal(vgpu_sched_engine(d->s)->last_ns, sw.saved);
	/* The time until the next world comes is nobody's. */
	d->now = sw.saved + MILLISECOND;
	wake(d, 2);
	switched(d, NONE, 2, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_engine(d->s)->empty_ns, MILLISECOND);
}

static void estimated_end_does_not_count_as_backwards(void **state)
{
	struct desk *d = *state;

	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_flr(d->s, 1, d->now + 700);	/* the estimate is ahead */
	vgpu_sched_wake(d->s, 2, d->now, d->now + 700);
	switched(d, NONE, 2, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_engine(d->s)->backwards, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->runtime_ns, 700);
}

static void late_request_is_a_miss(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	sw = late_switch(d, desk_config.request_slack_ns + 1, 0);
	report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->deadline_misses, 1);
	assert_int_equal(vgpu_sched_total(d->s)->deadline_misses, 1);
}

static void request_within_the_slack_is_no_miss(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	sw = late_switch(d, desk_config.request_slack_ns, VGPU_SCHED_TIMEOUT_DEFAULT);
	report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->deadline_misses, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->request.max,
			 desk_config.request_slack_ns);
}

static void late_quiesce_is_a_miss(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	sw = late_switch(d, 0, VGPU_SCHED_TIMEOUT_DEFAULT + 1);
	report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->deadline_misses, 1);
}

static void armed_after_the_deadline_is_no_delay(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	wake(d, 1);
	switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	d->now += 50 * MILLISECOND;
	wake(d, 2);
	vgpu_sched_timer(d->s, d->now);
	/* It is expected from now on, not from the deadline on. */
	assert_int_equal(d->timer, d->now + VGPU_SCHED_TIMEOUT_DEFAULT +
				   desk_config.reset_ns + desk_config.load_ns +
				   desk_config.overdue_slack_ns);
	sw = late_switch(d, d->now + 400 - vgpu_sched_engine(d->s)->last_ns -
			 VGPU_SCHED_QUANTUM_DEFAULT, 1000);
	report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->request.count, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->deadline_misses, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->overrun_ns, 1400);
}

static void going_idle_is_no_delay(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	switched(d, 1, 2, VGPU_LEAVE_IDLE);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->quiesce.count, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->request.count, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->switches[VGPU_LEAVE_IDLE], 1);
}

static void times_that_go_backwards(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	sw = record_at(d, 1, 2, VGPU_LEAVE_DEADLINE);
	sw.saved = sw.quiesced - 10;
	report(d, &sw);
	assert_int_equal(engine->backwards, 1);
	assert_int_equal(engine->missing, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->save_ns, 0);
	assert_int_equal(vgpu_sched_running(d->s), 2);
	sw = record_at(d, 2, 1, VGPU_LEAVE_DEADLINE);
	sw.request = 1;
	sw.quiesced = 1;
	sw.saved = 1;
	sw.loaded = 1;
	sw.running = 1;
	report(d, &sw);
	assert_int_equal(engine->backwards, 2);
	assert_int_equal(vgpu_sched_stats(d->s, 2)->runtime_ns, 0);
	assert_int_equal(vgpu_sched_running(d->s), 1);
}

static void times_that_are_missing(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	sw = record_at(d, 1, 2, VGPU_LEAVE_DEADLINE);
	sw.loaded = 0;
	report(d, &sw);
	assert_int_equal(engine->missing, 1);
	sw = record_at(d, 2, 1, VGPU_LEAVE_DEADLINE);
	sw.running = U64_MAX;		/* a dead device */
	vgpu_sched_switched(d->s, &sw, d->now);
	assert_int_equal(engine->missing, 2);
	assert_true(engine->last_ns < d->now + VGPU_SCHED_FUTURE_NS);
	vgpu_sched_wake(d->s, 3, 0, d->now);
	vgpu_sched_wake(d->s, 4, U64_MAX, d->now);
	assert_int_equal(engine->missing, 4);
	assert_int_equal(engine->backwards, 0);
}

static void records_that_come_twice(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	sw = record_at(d, 1, 2, VGPU_LEAVE_DEADLINE);
	report(d, &sw);
	report(d, &sw);
	assert_int_equal(d->call, NOTHING);
	assert_int_equal(vgpu_sched_engine(d->s)->duplicates, 1);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->slices, 1);
}

static void records_that_make_no_sense(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	struct vgpu_sched_switch sw;

	one_runs_two_waits(d);
	switched(d, FUNCTIONS, 2, VGPU_LEAVE_DEADLINE);
	switched(d, 1, FUNCTIONS, VGPU_LEAVE_DEADLINE);
	sw = record_at(d, 1, 2, VGPU_LEAVE_DEADLINE);
	sw.reason = VGPU_SCHED_REASONS;
	report(d, &sw);
	assert_int_equal(engine->unknown, 3);
	vgpu_sched_wake(d->s, FUNCTIONS, 1, d->now);
	vgpu_sched_sleep(d->s, FUNCTIONS, 1, d->now);
	vgpu_sched_hang(d->s, FUNCTIONS, d->now);
	vgpu_sched_flr(d->s, FUNCTIONS, d->now);
	vgpu_sched_reset(d->s, FUNCTIONS, d->now);
	vgpu_sched_refused(d->s, FUNCTIONS, d->now);
	assert_int_equal(engine->unknown, 9);
	assert_int_equal(vgpu_sched_running(d->s), 1);
	assert_int_equal(vgpu_sched_total(d->s)->slices, 0);
}

static void unexpected_record_is_the_truth(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	switched(d, 3, 4, VGPU_LEAVE_PREEMPT);
	assert_int_equal(vgpu_sched_running(d->s), 4);
	assert_int_equal(vgpu_sched_engine(d->s)->unexpected, 2);
	assert_int_equal(vgpu_sched_state(d->s, 1), VGPU_SCHED_RUNNABLE);
	assert_armed(d, 2, false);
}

static void reason_says_what_happened_to_the_world(void **state)
{
	struct desk *d = *state;

	one_runs_two_waits(d);
	switched(d, 1, 2, VGPU_LEAVE_HANG);
	assert_int_equal(vgpu_sched_parked(d->s, 1), VGPU_SCHED_PARK_HUNG);
	wake(d, 3);
	switched(d, 2, 3, VGPU_LEAVE_RESET);
	assert_int_equal(vgpu_sched_parked(d->s, 2), VGPU_SCHED_PARK_RESET);
	assert_int_equal(vgpu_sched_stats(d->s, 3)->gap.count, 0);
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
	assert_int_equal(why.high, FUNCTIONS - 1);
	assert_int_equal(vgpu_sched_get_params(d->s, 5, &params), -EINVAL);
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

	one_runs_two_waits(d);
	vgpu_sched_get_params(d->s, 2, &params);
	params.quantum_ns = 2 * MILLISECOND;
	vgpu_sched_set_params(d->s, 2, &params, &why, d->now);
	params.quantum_ns = 3 * MILLISECOND;
	vgpu_sched_set_params(d->s, 1, &params, &why, d->now);
	assert_int_equal(d->call, NOTHING);
	switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_armed(d, 1, false);
	assert_int_equal(d->quantum, 3 * MILLISECOND);
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

/* --- another policy: highest number first, with slots that stay empty --- */

static bool queued[FUNCTIONS];
static u64 charged[FUNCTIONS];
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

static void high_charge(struct vgpu_sched *s, u16 function, s64 ns, bool running)
{
	charged[function] += ns;
}

static bool high_pick(struct vgpu_sched *s, u64 now, struct vgpu_sched_choice *choice)
{
	u16 f;

	choice->review = slot;
	if (slot && now < slot)
		return false;
	for (f = FUNCTIONS; f-- > 0;) {
		if (!queued[f])
			continue;
		choice->function = f;
		choice->quantum_ns = MILLISECOND;
		choice->now = f == FUNCTIONS - 1;
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
	one_runs_two_waits(d);
	wake(d, 3);
	before = *vgpu_sched_total(d->s);
	changed = d->now;
	assert_int_equal(vgpu_sched_set_policy(d->s, &high, &why, changed), 0);
	assert_armed(d, 3, false);
	assert_int_equal(d->quantum, MILLISECOND);
	assert_memory_equal(&before, vgpu_sched_total(d->s), sizeof(before));
	assert_int_equal(vgpu_sched_latency_bound(d->s, 1), 42);

	/* The write for 2 was taken before; 3 is behind it. */
	switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_int_equal(d->call, NOTHING);
	wake(d, 4);
	assert_armed(d, 4, true);
	switched(d, 2, 4, VGPU_LEAVE_PREEMPT);
	assert_armed(d, 3, false);
	for (f = 0; f < FUNCTIONS; f++)
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
	wake(d, 1);
	assert_int_equal(d->call, NOTHING);
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

/* ------------------------------------------------------------------------ */
/* On the model device                                                       */

static bool hardware = false, classic = true;

static int rig_setup(void **state)
{
	bool *is_classic = *state;
	struct rig *r = rig_new(*is_classic, FUNCTIONS, 1);
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		rig_start(r, f);
	*state = r;
	return 0;
}

static int rig_teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void make_busy(struct rig *r, u16 first, u16 last)
{
	for (; first <= last; first++)
		model_work(&r->m, first, 1000000 * MILLISECOND);
}

static void four_busy_functions_share_exactly(void **state)
{
	const u64 cycle = 4 * (6 * MILLISECOND + 300 * MICROSECOND);
	struct rig *r = *state;
	const struct vgpu_sched_stats *all = vgpu_sched_total(r->s);
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(r->s);
	u16 f;

	make_busy(r, 1, 4);
	rig_run(r, 400 * cycle + MILLISECOND);
	assert_int_equal(all->slices, 1600);
	assert_int_equal(engine->arms, all->slices + 2);
	assert_int_equal(engine->disarms, 0);
	assert_int_equal(all->request.max, 0);
	assert_int_equal(all->quiesce.max, 0);
	assert_int_equal(all->gap.max, 0);
	assert_int_equal(all->deadline_misses, 0);
	assert_int_equal(all->overrun_ns, 0);
	for (f = 1; f <= 4; f++) {
		const struct vgpu_sched_stats *one = vgpu_sched_stats(r->s, f);

		assert_int_equal(one->runtime_ns, one->slices * 6 * MILLISECOND);
		assert_int_equal(one->slices, 400);
		assert_int_equal(one->runtime_ns + (vgpu_sched_running(r->s) == f ?
				 r->m.now - engine->last_ns : 0),
				 model_gpu_time(&r->m, f));
	}
	assert_int_equal(r->overdues, 0);
	/* The cycle does not drift: the 400th begins where it must. */
	assert_int_equal((engine->last_ns - 1 - 150 * MICROSECOND) %
			 (6 * MILLISECOND + 300 * MICROSECOND), 0);
}

static void slices_end_within_a_work_group(void **state)
{
	struct rig *r = *state;
	const struct vgpu_sched_stats *all = vgpu_sched_total(r->s);
	u16 f;

	for (f = 1; f <= 4; f++)
		r->m.fn[f].group = 17 * MICROSECOND + f;
	make_busy(r, 1, 4);
	rig_run(r, 1000 * MILLISECOND);
	assert_true(all->quiesce.count > 100);
	assert_true(all->quiesce.max > 0);
	assert_true(all->quiesce.max <= 17 * MICROSECOND + 4);
	assert_int_equal(all->overrun_ns, all->quiesce.sum);
	assert_int_equal(all->request.max, 0);
}

static void interrupts_that_take_time(void **state)
{
	struct rig *r = *state;
	const struct vgpu_sched_stats *all = vgpu_sched_total(r->s);

	r->irq_latency = 10 * MICROSECOND;
	r->write_latency = 500;
	make_busy(r, 1, 4);
	rig_run(r, 1000 * MILLISECOND);
	assert_true(all->slices > 150);
	assert_int_equal(all->deadline_misses, 0);
	if (r->classic) {
		assert_true(all->request.max > 0);
		assert_true(all->request.max <= 10500);
		assert_true(all->gap.max <= 3 * 10500);
	} else {
		assert_int_equal(all->request.max, 0);
		assert_int_equal(all->gap.max, 0);
	}
}

static void idle_functions_get_no_slot(void **state)
{
	struct rig *r = *state;

	make_busy(r, 2, 2);
	rig_run(r, 1000 * MILLISECOND);
	assert_int_equal(vgpu_sched_engine(r->s)->arms, 1);
	assert_int_equal(vgpu_sched_total(r->s)->slices, 0);
	assert_int_equal(vgpu_sched_runtime(r->s, 2, r->m.now),
			 r->m.now - 1 - 150 * MICROSECOND);
}

static void short_work_gives_up_its_slice(void **state)
{
	struct rig *r = *state;
	const struct vgpu_sched_stats *one = vgpu_sched_stats(r->s, 1);

	make_busy(r, 2, 2);
	rig_run(r, 10 * MILLISECOND);
	model_work(&r->m, 1, 1 * MILLISECOND);
	rig_run(r, 100 * MILLISECOND);
	assert_int_equal(one->slices, 1);
	assert_int_equal(one->runtime_ns, 1 * MILLISECOND);
	assert_int_equal(one->switches[VGPU_LEAVE_IDLE], 1);
	/* 2 was beyond its deadline, so 1 was let in at once. */
	assert_true(one->wake.max <= 320 * MICROSECOND);
	assert_int_equal(vgpu_sched_running(r->s), 2);
}

static void hang_costs_only_its_owner(void **state)
{
	struct rig *r = *state;
	const struct vgpu_sched_stats *all = vgpu_sched_total(r->s);
	u64 before;

	make_busy(r, 1, 3);
	rig_run(r, 1 * MILLISECOND);
	assert_int_equal(vgpu_sched_running(r->s), 1);
	r->m.fn[1].stuck = true;
	before = r->m.now;
	while (!vgpu_sched_stats(r->s, 1)->slices)
		rig_step(r, MODEL_NEVER - 1);
	assert_int_equal(all->hangs, 1);
	assert_int_equal(all->switches[VGPU_LEAVE_HANG], 1);
	assert_true(r->m.now - before <= 6 * MILLISECOND + VGPU_SCHED_TIMEOUT_DEFAULT +
		    r->m.reset_ns + r->m.load_ns);
	assert_true(vgpu_sched_parked(r->s, 1) & VGPU_SCHED_PARK_HUNG);
	assert_int_equal(all->deadline_misses, 0);
	rig_run(r, r->m.now + 100 * MILLISECOND);
	assert_int_equal(vgpu_sched_stats(r->s, 1)->slices, 1);
	assert_true(rig_recover(r, 1));
	model_work(&r->m, 1, MILLISECOND);
	rig_run(r, r->m.now + 100 * MILLISECOND);
	assert_int_equal(vgpu_sched_stats(r->s, 1)->slices, 2);
	assert_int_equal(r->overdues, 0);
}

static void flr_in_every_state(void **state)
{
	struct rig *r = *state;
	u64 moment;

	make_busy(r, 1, 3);
	/* Steps of 20 us through more than one cycle meet each state. */
	for (moment = 0; moment < 1500; moment++) {
		rig_run(r, r->m.now + 20 * MICROSECOND);
		if (!rig_recover(r, 2))
			continue;
		if (r->m.fn[2].work) {
			model_flr(&r->m, 2);
			rig_run(r, r->m.now);
		}
		model_work(&r->m, 2, 1000 * MILLISECOND);
	}
	rig_run(r, r->m.now + 50 * MILLISECOND);
	assert_int_equal(r->overdues, 0);
	assert_int_equal(vgpu_sched_engine(r->s)->rearmed, 0);
	assert_true(vgpu_sched_stats(r->s, 1)->slices > 2);
	assert_true(vgpu_sched_stats(r->s, 3)->slices > 2);
}

static void stuck_save_is_recovered(void **state)
{
	struct rig *r = *state;

	make_busy(r, 1, 2);
	r->m.stuck_phase = false;
	rig_run(r, 1 * MILLISECOND);
	r->m.stuck_phase = true;
	rig_run(r, 100 * MILLISECOND);
	assert_true(r->overdues > 0);
	assert_int_equal(vgpu_sched_running(r->s), 2);
	assert_true(vgpu_sched_parked(r->s, 1) & VGPU_SCHED_PARK_RESET);
	assert_true(rig_recover(r, 1));
	model_work(&r->m, 1, MILLISECOND);
	rig_run(r, r->m.now + 50 * MILLISECOND);
	assert_int_equal(vgpu_sched_stats(r->s, 1)->slices, 2);
}

static void vanished_record_is_repaired(void **state)
{
	struct rig *r = *state;
	u64 slices;

	make_busy(r, 1, 3);
	rig_run(r, 10 * MILLISECOND);
	r->m.lose = 1;
	r->m.lose_silently = true;
	rig_run(r, 200 * MILLISECOND);
	rig_recover(r, 1);
	rig_recover(r, 2);
	rig_recover(r, 3);
	make_busy(r, 1, 3);
	rig_run(r, 300 * MILLISECOND);
	slices = vgpu_sched_total(r->s)->slices;
	rig_run(r, 400 * MILLISECOND);
	assert_in_range(vgpu_sched_total(r->s)->slices - slices, 14, 16);
	assert_true(vgpu_sched_engine(r->s)->rearmed > 0);
}

static void parking_empties_the_engine(void **state)
{
	struct rig *r = *state;
	u16 f;

	make_busy(r, 1, 4);
	rig_run(r, 1 * MILLISECOND);
	for (f = 1; f <= 4; f++)
		rig_park(r, f, VGPU_SCHED_PARK_SUSPENDED);
	rig_run(r, r->m.now + 20 * MILLISECOND);
	assert_int_equal(r->m.state, VGPU_ENGINE_EMPTY);
	for (f = 1; f <= 4; f++) {
		assert_false(r->owed[f]);
		assert_true(vgpu_sched_off_engine(r->s, f));
		rig_unpark(r, f, VGPU_SCHED_PARK_SUSPENDED);
	}
	rig_run(r, r->m.now + 20 * MILLISECOND);
	assert_int_equal(r->m.state, VGPU_ENGINE_RUNNING);
}

static void years_do_not_overflow(void **state)
{
	struct rig *r = *state;
	const u64 years = 100ull * 365 * 86400 * 1000000000;

	rig_run(r, years);
	make_busy(r, 1, 4);
	rig_run(r, years + 1000 * MILLISECOND);
	assert_in_range(vgpu_sched_stats(r->s, 1)->slices, 39, 41);
	assert_int_equal(vgpu_sched_total(r->s)->deadline_misses, 0);
	assert_int_equal(r->overdues, 0);
}

#define DESK(name)	cmocka_unit_test_setup_teardown(name, desk_setup, desk_teardown)
#define RIG(name, which) \
	{ #name " (" #which ")", name, rig_setup, rig_teardown, &(which) }
#define BOTH(name)	RIG(name, hardware), RIG(name, classic)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK(refuses_bad_set_up),
		DESK(policies_have_names),
		DESK(begins_parked_and_idle),
		DESK(one_write_for_each_switch),
		DESK(wake_up_changes_nothing_armed),
		DESK(lone_function_is_left_alone),
		DESK(sleeper_on_the_engine_stays),
		DESK(sleeper_in_the_queue_loses_its_turn),
		DESK(wake_up_during_the_save_is_kept),
		DESK(old_wake_up_does_not_hide_idleness),
		DESK(wake_up_in_the_same_instant_is_kept),
		DESK(stale_idle_is_ignored),
		DESK(wake_up_without_a_time_is_of_now),
		DESK(parked_on_the_way_in),
		DESK(overwritten_just_after_it_was_taken),
		DESK(overwritten_in_time),
		DESK(parked_armed_function_needs_a_proof),
		DESK(same_function_written_twice),
		DESK(written_twice_and_taken_once),
		DESK(now_is_written_once),
		DESK(last_one_parked_leaves_an_empty_engine),
		DESK(unpark_cancels_the_callback),
		DESK(bad_parking_is_refused),
		DESK(hang_goes_on_by_itself),
		DESK(world_made_anew_before_the_record),
		DESK(hung_world_is_not_asked_again),
		DESK(hang_of_the_next_world),
		DESK(withdrawn_now_is_written_again),
		DESK(wake_up_counts_from_its_own_time),
		DESK(flr_of_the_running_world),
		DESK(flr_of_the_running_world_with_next),
		DESK(flr_of_the_next_world),
		DESK(flr_on_the_way_in),
		DESK(reset_parks),
		DESK(refused_next_is_replaced),
		DESK(old_refusal_adds_no_reason),
		DESK(lost_record_is_asked_for),
		DESK(silence_is_noticed),
		DESK(empty_engine_that_does_not_load_is_noticed),
		DESK(early_timer_is_set_again),
		DESK(endless_patience_without_a_timeout),
		DESK(no_deadline_is_waited_for_without_a_timer),
		DESK(restart_begins_anew),
		DESK(books_one_switch),
		DESK(switch_to_nobody_has_no_later_times),
		DESK(estimated_end_does_not_count_as_backwards),
		DESK(late_request_is_a_miss),
		DESK(request_within_the_slack_is_no_miss),
		DESK(late_quiesce_is_a_miss),
		DESK(armed_after_the_deadline_is_no_delay),
		DESK(going_idle_is_no_delay),
		DESK(times_that_go_backwards),
		DESK(times_that_are_missing),
		DESK(records_that_come_twice),
		DESK(records_that_make_no_sense),
		DESK(unexpected_record_is_the_truth),
		DESK(reason_says_what_happened_to_the_world),
		DESK(bad_settings_are_refused),
		DESK(round_robin_has_no_weights),
		DESK(limits_can_be_set),
		DESK(new_quantum_counts_from_the_next_slice),
		DESK(latency_bound_is_the_sum),
		DESK(policy_can_be_changed),
		DESK(policy_can_ask_to_be_asked),
		DESK(policy_that_cannot_is_refused),
		BOTH(four_busy_functions_share_exactly),
		BOTH(slices_end_within_a_work_group),
		BOTH(interrupts_that_take_time),
		BOTH(idle_functions_get_no_slot),
		BOTH(short_work_gives_up_its_slice),
		BOTH(hang_costs_only_its_owner),
		BOTH(flr_in_every_state),
		BOTH(stuck_save_is_recovered),
		BOTH(vanished_record_is_repaired),
		BOTH(parking_empties_the_engine),
		BOTH(years_do_not_overflow),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}

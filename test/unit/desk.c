// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"

static void desk_arm(void *context, u16 function, u64 quantum, u32 flags)
{
	struct desk *d = context;

	d->call = DESK_ARM;
	d->calls++;
	d->function = function;
	d->quantum = quantum;
	d->now_flag = flags & VGPU_SCHED_ARM_NOW;
	d->boundary_flag = flags & VGPU_SCHED_ARM_BOUNDARY;
}

static void desk_disarm(void *context)
{
	struct desk *d = context;

	d->call = DESK_DISARM;
	d->calls++;
}

static void desk_set_timer(void *context, u64 when)
{
	struct desk *d = context;

	d->timer = when;
	d->timers++;
}

static void desk_overdue(void *context, u16 function)
{
	struct desk *d = context;

	d->call = DESK_OVERDUE;
	d->calls++;
	d->function = function;
}

static void desk_parked(void *context, u16 function)
{
	struct desk *d = context;

	d->parked[function]++;
}

const struct vgpu_sched_ops desk_ops = {
	.arm		= desk_arm,
	.disarm		= desk_disarm,
	.set_timer	= desk_set_timer,
	.overdue	= desk_overdue,
	.parked		= desk_parked,
};

const struct vgpu_sched_config desk_config = {
	.functions		= DESK_FUNCTIONS,
	.save_ns		= 150 * MICROSECOND,
	.load_ns		= 150 * MICROSECOND,
	.reset_ns		= 1 * MILLISECOND,
	.request_slack_ns	= 10,
	.overdue_slack_ns	= 1 * MILLISECOND,
	.policy			= &vgpu_sched_round_robin,
};

/* A core of this configuration, all functions of which are started. */
struct desk *desk_new(const struct vgpu_sched_config *config)
{
	struct desk *d = calloc(1, sizeof(*d));
	u16 f;

	assert_non_null(d);
	d->config = *config;
	d->now = 1000 * MILLISECOND;
	d->s = malloc(vgpu_sched_size(config->functions));
	assert_non_null(d->s);
	assert_int_equal(vgpu_sched_init(d->s, config, &desk_ops, d, d->now), 0);
	for (f = 0; f < config->functions; f++)
		vgpu_sched_unpark(d->s, f, VGPU_SCHED_PARK_DISABLED, d->now);
	return d;
}

void desk_free(struct desk *d)
{
	free(d->s);
	free(d);
}

int desk_setup(void **state)
{
	*state = desk_new(&desk_config);
	return 0;
}

int desk_teardown(void **state)
{
	desk_free(*state);
	return 0;
}

void desk_wake(struct desk *d, u16 function)
{
	vgpu_sched_wake(d->s, function, d->now, d->now);
}

/* A switch as the device would report it, all steps at their declared cost. */
struct vgpu_sched_switch desk_record(struct desk *d, u16 from, u16 to,
				     enum vgpu_leave reason)
{
	struct vgpu_sched_switch sw = {
		.from = from, .to = to, .reason = reason, .request = d->now,
		.quiesced = d->now, .saved = d->now,
	};

	if (from != NONE && reason == VGPU_LEAVE_DEADLINE)
		sw.deadline = d->now;
	if (from != NONE && reason != VGPU_LEAVE_RENEWED)
		sw.saved += d->config.save_ns;
	sw.loaded = sw.saved;
	if (to != NONE && reason != VGPU_LEAVE_RENEWED)
		sw.loaded += d->config.load_ns;
	sw.running = sw.loaded;
	return sw;
}

void desk_report(struct desk *d, const struct vgpu_sched_switch *sw)
{
	d->now = max(d->now, sw->running);
	d->call = DESK_NOTHING;
	vgpu_sched_switched(d->s, sw, d->now);
}

void desk_switched(struct desk *d, u16 from, u16 to, enum vgpu_leave reason)
{
	struct vgpu_sched_switch sw = desk_record(d, from, to, reason);

	desk_report(d, &sw);
}

/* 1 runs, 2 is armed. */
void desk_one_runs_two_waits(struct desk *d)
{
	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	desk_wake(d, 2);
	assert_armed(d, 2, false);
	d->call = DESK_NOTHING;
	d->now += 6 * MILLISECOND;
}

void desk_set_quantum(struct desk *d, u16 function, u64 quantum)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(d->s, function, &params);
	params.quantum_ns = quantum;
	assert_int_equal(vgpu_sched_set_params(d->s, function, &params, &why, d->now), 0);
}

void desk_set_timeout(struct desk *d, u16 function, u64 timeout)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(d->s, function, &params);
	params.preempt_timeout_ns = timeout;
	assert_int_equal(vgpu_sched_set_params(d->s, function, &params, &why, d->now), 0);
}

/* Timeout and reservation at once; what the core answers. */
int desk_reserve(struct desk *d, u16 function, u64 timeout, u64 budget, u64 period,
		 struct vgpu_sched_why *why)
{
	struct vgpu_sched_params params;

	vgpu_sched_get_params(d->s, function, &params);
	params.preempt_timeout_ns = timeout;
	params.budget_ns = budget;
	params.period_ns = period;
	return vgpu_sched_set_params(d->s, function, &params, why, d->now);
}

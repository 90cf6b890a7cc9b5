// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call of vgpu_sched.h, in any order, with any arguments: records that are
 * nonsense, come twice or backwards, functions that do not exist, settings of any
 * size. Only what the caller promises is kept: its clock does not run back (but
 * for vgpu_sched_restart()) and is below 2^62 ns, 146 years; and it calls at least
 * every 2^33 ns, nine seconds.
 */
#include "fuzz.h"

#define FUNCTIONS	8
#define FUNCTIONS_MANY	40
#define CLOCK_MAX	(1ull << 62)
#define SILENCE_MAX	(1ull << 33)

/**
 * struct caller - what calls the core
 * @s: the core
 * @in: what to do
 * @now: its clock
 * @timer: what the core has asked for, 0 if nothing or if it has had it
 * @calls: callbacks in the course of the present call
 * @boundary: the device can let a world finish its command buffer
 * @owed: functions to which ops->parked() is owed
 */
struct caller {
	struct vgpu_sched *s;
	struct input *in;
	u64 now;
	u64 timer;
	unsigned int calls;
	bool boundary;
	bool owed[VGPU_MAX_FUNCTIONS];
};

/* ------------------------------------------------------------------------ */
/* Callbacks                                                                 */

static void on_arm(void *context, u16 function, u64 quantum_ns, u32 flags)
{
	const struct vgpu_sched_function *fn;
	struct caller *c = context;

	must(c->calls++ < 4);
	must(!(flags & ~(VGPU_SCHED_ARM_NOW | VGPU_SCHED_ARM_BOUNDARY)));
	must(c->boundary || !(flags & VGPU_SCHED_ARM_BOUNDARY));
	if (function == VGPU_FUNCTION_NONE)
		return;
	must(function < c->s->config.functions);
	fn = &c->s->function[function];
	must(!fn->parked);
	/* A world that has nothing to do may be renewed, to have a record. */
	must(!fn->throttled || (c->s->running == function && !fn->runnable));
}

static void on_disarm(void *context)
{
	struct caller *c = context;

	must(c->calls++ < 4);
}

static void on_timer(void *context, u64 when)
{
	struct caller *c = context;

	must(c->calls++ < 8);
	must(when);
	c->timer = when;
}

static void on_overdue(void *context, u16 function)
{
	struct caller *c = context;

	must(c->calls++ < 4);
	must(function == VGPU_FUNCTION_NONE || function < c->s->config.functions);
}

static void on_parked(void *context, u16 function)
{
	struct caller *c = context;

	must(function < c->s->config.functions);
	must(c->owed[function]);
	must(c->s->function[function].parked);
	must(vgpu_sched_off_engine(c->s, function));
	c->owed[function] = false;
}

static const struct vgpu_sched_ops ops = {
	.arm		= on_arm,
	.disarm		= on_disarm,
	.set_timer	= on_timer,
	.overdue	= on_overdue,
	.parked		= on_parked,
};

/* ------------------------------------------------------------------------ */
/* What must be true                                                         */

static void check_function(const struct caller *c, u16 f)
{
	const struct vgpu_sched *s = c->s;
	const struct vgpu_sched_function *fn = &s->function[f];
	int state = vgpu_sched_state(s, f);
	u16 i;

	must(fn->queued == (fn->runnable && !fn->parked && !fn->throttled &&
			    s->running != f));
	must(fn->leaving == c->owed[f]);
	must(!fn->leaving || fn->parked);
	must(vgpu_sched_parked(s, f) == fn->parked);
	must((state == VGPU_SCHED_PARKED) == !!fn->parked);
	for (i = s->leaving; i != VGPU_FUNCTION_NONE && i != f; )
		i = s->function[i].leaving_next;
	must(!fn->leaving || i == f);
	must(fn->arms.last <= s->writes);
	must(fn->arms.last <= s->dead || fn->arms.first <= fn->arms.last);
}

static void check_sums(const struct vgpu_sched *s)
{
	u64 runtime = 0, overhead = 0, slices = 0, wakes = 0, hangs = 0;
	unsigned int i;

	for (i = 0; i < s->config.functions; i++) {
		const struct vgpu_sched_stats *one = vgpu_sched_stats(s, i);

		runtime += one->runtime_ns;
		overhead += one->overhead_ns;
		slices += one->slices;
		wakes += one->wakes;
		hangs += one->hangs;
	}
	must(runtime == s->total.runtime_ns);
	must(overhead == s->total.overhead_ns);
	must(slices == s->total.slices);
	must(wakes == s->total.wakes);
	must(hangs == s->total.hangs);
	must(runtime + overhead + s->engine.empty_ns ==
	     s->engine.last_ns - s->engine.start_ns);
}

static void check(const struct caller *c)
{
	const struct vgpu_sched *s = c->s;
	unsigned int i;

	must(s->running == VGPU_FUNCTION_NONE || s->running < s->config.functions);
	must(!s->gone || s->running != VGPU_FUNCTION_NONE);
	must(!s->unsure);
	must(s->dead <= s->writes);
	for (i = 0; i < s->config.functions; i++)
		check_function(c, i);
	check_sums(s);
	if (s->running != VGPU_FUNCTION_NONE && !s->gone &&
	    s->function[s->running].parked)
		must(s->armed);
	must(s->timer == c->timer);
	if (s->expected)
		must(s->timer && s->timer <= s->expected);
}

/* ------------------------------------------------------------------------ */
/* Calls                                                                     */

static u16 a_function(struct caller *c)
{
	u8 byte = input_byte(c->in);

	if (byte < 0xf0)
		return byte % c->s->config.functions;
	return byte == 0xf0 ? VGPU_FUNCTION_NONE :
	       byte == 0xf1 ? c->s->config.functions :
	       byte == 0xf2 ? c->s->running : input_number(c->in, 2);
}

/* A time: near the clock, near the last record, nothing, or anything. */
static u64 a_time(struct caller *c)
{
	u8 byte = input_byte(c->in);

	switch (byte & 7) {
	case 0:
	case 1:
		return c->now;
	case 2:
		return c->now - (byte >> 3) * 1000;
	case 3:
		return c->s->engine.last_ns + (byte >> 3) * 10000;
	case 4:
		return c->s->deadline;
	case 5:
		return 0;
	case 6:
		return c->now - input_value(c->in);
	default:
		return input_value(c->in);
	}
}

static void pass_time(struct caller *c)
{
	u64 ns = input_value(c->in) % SILENCE_MAX;

	c->now += min(ns, CLOCK_MAX - c->now);
}

static void call_switched(struct caller *c)
{
	struct vgpu_sched_switch sw = {
		.from = a_function(c), .to = a_function(c),
		.reason = input_byte(c->in) % (VGPU_SCHED_REASONS + 1),
		.deadline = a_time(c), .request = a_time(c), .quiesced = a_time(c),
		.saved = a_time(c), .loaded = a_time(c), .running = a_time(c),
	};

	vgpu_sched_switched(c->s, &sw, c->now);
	if (input_byte(c->in) < 0x10)
		vgpu_sched_switched(c->s, &sw, c->now);
}

/* The record that a device would write that had taken what is armed. */
static void call_switched_as_armed(struct caller *c)
{
	struct vgpu_sched *s = c->s;
	u64 start = max(c->now, s->engine.last_ns);
	u8 how = input_byte(c->in);
	u64 phase = (how >> 4) * 20000;
	struct vgpu_sched_switch sw = {
		.from = s->running, .to = s->next,
		.reason = how % VGPU_SCHED_REASONS,
		.deadline = s->has_deadline ? s->deadline : 0,
		.request = start, .quiesced = start + phase,
		.saved = start + 2 * phase, .loaded = start + 3 * phase,
		.running = start + 3 * phase,
	};

	if (!s->armed)
		return;
	if (sw.from == sw.to)
		sw.reason = VGPU_LEAVE_RENEWED;
	else if (sw.reason == VGPU_LEAVE_RENEWED)
		sw.reason = VGPU_LEAVE_DEADLINE;
	c->now = max(c->now, min(sw.running, CLOCK_MAX));
	vgpu_sched_switched(s, &sw, c->now);
}

static void call_set_params(struct caller *c)
{
	u16 function = a_function(c);
	struct vgpu_sched_params before, after, params;
	struct vgpu_sched_why why = { 0 };
	u8 which = input_byte(c->in);
	int ret;

	if (vgpu_sched_get_params(c->s, function, &params))
		memset(&params, 0, sizeof(params));
	before = params;
	if (which & 0x01)
		params.quantum_ns = input_value(c->in);
	if (which & 0x02)
		params.preempt_timeout_ns = input_value(c->in);
	if (which & 0x04)
		params.weight = input_value(c->in);
	if (which & 0x08)
		params.priority = input_byte(c->in) % 4;
	if (which & 0x10) {
		params.cap_period_ns = input_value(c->in);
		params.cap_quota_ns = input_value(c->in);
	}
	if (which & 0x20) {
		params.period_ns = input_value(c->in);
		params.budget_ns = input_value(c->in);
	}
	if (which & 0x40)
		params.cap_period_ns = params.cap_quota_ns = 0;
	if (which & 0x80)
		params.period_ns = params.budget_ns = 0;
	ret = vgpu_sched_set_params(c->s, function, &params, &why, c->now);
	if (!ret || vgpu_sched_get_params(c->s, function, &after))
		return;
	must(ret == -EINVAL || ret == -EBUSY || ret == -EOPNOTSUPP);
	must(why.what && why.rule);
	must(!memcmp(&before, &after, sizeof(before)));
}

static void call_set_policy(struct caller *c)
{
	const struct vgpu_sched_policy *policy =
		vgpu_sched_policy_at(input_byte(c->in) % 5);
	const struct vgpu_sched_policy *was = vgpu_sched_policy(c->s);
	struct vgpu_sched_why why = { 0 };

	if (!vgpu_sched_set_policy(c->s, policy, &why, c->now)) {
		must(vgpu_sched_policy(c->s) == policy);
		return;
	}
	must(why.what && why.rule);
	must(vgpu_sched_policy(c->s) == was);
}

static u32 a_reason(struct caller *c)
{
	u8 byte = input_byte(c->in);

	return byte == 0xff ? input_number(c->in, 4) :
	       byte == 0xfe ? VGPU_SCHED_PARK_ALL :
	       byte == 0xfd ? VGPU_SCHED_PARK_WORLD :
	       byte == 0xfc ? VGPU_SCHED_PARK_ABSENT : 1u << (byte & 7);
}

/* Knows what is owed before the core may answer it. */
static void call_park(struct caller *c)
{
	u16 function = a_function(c);
	u32 reasons = a_reason(c);
	int ret = vgpu_sched_park(c->s, function, reasons, c->now);

	if (ret == -EINVAL)
		return;
	must(function < c->s->config.functions);
	must((vgpu_sched_parked(c->s, function) & reasons) == reasons);
	must(ret == (vgpu_sched_off_engine(c->s, function) ? 0 : -EINPROGRESS));
	if (ret == -EINPROGRESS)
		c->owed[function] = true;
}

static void call_unpark(struct caller *c)
{
	u16 function = a_function(c);
	u32 reasons = a_reason(c);
	u32 parked = vgpu_sched_parked(c->s, function);

	if (function < VGPU_MAX_FUNCTIONS && !(reasons & ~VGPU_SCHED_PARK_ALL) &&
	    reasons && !(parked & ~reasons))
		c->owed[function] = false;
	vgpu_sched_unpark(c->s, function, reasons, c->now);
}

static void call_restart(struct caller *c)
{
	unsigned int i;

	if (input_byte(c->in) & 1)
		c->now = input_value(c->in) % (c->now + 1);	/* begun anew */
	else
		pass_time(c);
	c->timer = 0;
	vgpu_sched_restart(c->s, c->now);
	for (i = 0; i < c->s->config.functions; i++)
		must(!c->owed[i]);
	must(vgpu_sched_running(c->s) == VGPU_FUNCTION_NONE);
}

static void call_timer(struct caller *c)
{
	u64 when = c->timer;

	if (input_byte(c->in) & 1)
		c->now = max(c->now, min(when, CLOCK_MAX));
	if (when && c->now >= when)
		c->timer = 0;
	vgpu_sched_timer(c->s, c->now);
}

static void call_readers(struct caller *c)
{
	u16 function = a_function(c);

	(void)vgpu_sched_running(c->s);
	(void)vgpu_sched_runtime(c->s, function, c->now);
	(void)vgpu_sched_lag(c->s, function);
	(void)vgpu_sched_lag_bound(c->s, function);
	(void)vgpu_sched_latency_bound(c->s, function);
	(void)vgpu_sched_quantum(c->s, function);
	(void)vgpu_sched_quantum_overhead(c->s, function, input_value(c->in));
	must(!vgpu_sched_stats(c->s, function) == (function >= c->s->config.functions));
}

static void call_set_overhead(struct caller *c)
{
	struct vgpu_sched_why why = { 0 };
	u32 was = vgpu_sched_overhead(c->s);
	u32 permille = input_number(c->in, 2);

	if (!vgpu_sched_set_overhead(c->s, permille, &why, c->now))
		was = permille;
	else
		must(why.what && why.rule);
	must(vgpu_sched_overhead(c->s) == was);
}

static void call(struct caller *c)
{
	u16 function;

	c->calls = 0;
	switch (input_byte(c->in) % 20) {
	case 0 ... 1:
		pass_time(c);
		break;
	case 2 ... 3:
		function = a_function(c);
		vgpu_sched_wake(c->s, function, a_time(c), c->now);
		break;
	case 4:
		function = a_function(c);
		vgpu_sched_sleep(c->s, function, a_time(c), c->now);
		break;
	case 5:
		call_switched(c);
		break;
	case 6 ... 8:
		call_switched_as_armed(c);
		break;
	case 9:
		vgpu_sched_hang(c->s, a_function(c), c->now);
		break;
	case 10:
		vgpu_sched_flr(c->s, a_function(c), c->now);
		break;
	case 11:
		vgpu_sched_reset(c->s, a_function(c), c->now);
		break;
	case 12:
		vgpu_sched_refused(c->s, a_function(c), c->now);
		break;
	case 13:
		vgpu_sched_lost(c->s, c->now);
		break;
	case 14:
		call_timer(c);
		break;
	case 15:
		call_set_params(c);
		break;
	case 16:
		call_set_policy(c);
		break;
	case 17:
		call_park(c);
		break;
	case 18:
		call_unpark(c);
		break;
	default:
		switch (input_byte(c->in) % 4) {
		case 0:
			call_restart(c);
			break;
		case 1:
			call_set_overhead(c);
			break;
		default:
			call_readers(c);
		}
	}
}

/**
 * fuzz_core() - one run
 * @data: the bytes
 * @size: how many
 *
 * Return: 0; whatever is wrong aborts.
 */
int fuzz_core(const uint8_t *data, size_t size)
{
	static const u64 cost[] = { 0, 150000, 1000000, 0xffffffff };
	struct input in = { data, size };
	u8 how = input_byte(&in);
	struct caller c = { .in = &in, .now = 1 + input_value(&in) % CLOCK_MAX,
			    .boundary = how & 0x80 };
	struct vgpu_sched_config config = {
		.functions = (how & 0x7f) == 0x7f ? FUNCTIONS_MANY :
			     1 + (how >> 4) % FUNCTIONS,
		.save_ns = cost[how & 3], .load_ns = cost[how >> 2 & 3],
		.reset_ns = cost[(how >> 1) & 3],
		.request_slack_ns = 40000, .overdue_slack_ns = 1000000,
		.boundary = c.boundary,
		.overhead_permille = input_byte(&in),
		.policy = vgpu_sched_policy_at(input_byte(&in) % 4),
	};
	unsigned int i;

	c.s = fuzz_memory(config.functions);
	if (!vgpu_sched_init(c.s, &config, &ops, &c, c.now)) {
		for (i = 0; i < config.functions && i < FUNCTIONS; i++)
			vgpu_sched_unpark(c.s, i, VGPU_SCHED_PARK_DISABLED, c.now);
		while (in.size) {
			call(&c);
			check(&c);
		}
		call_restart(&c);
		check(&c);
	}
	return 0;
}

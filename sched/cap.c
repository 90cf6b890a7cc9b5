// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caps: engine time that a function does not exceed in a period, whoever else is
 * idle, under every policy.
 *
 * Device time is cut into periods [n T, (n + 1) T), the same for all functions with
 * the same T: what an observer with a clock of his own measures in them is what
 * was promised. A function has a quota Q in each. Everything it occupies the
 * engine for counts: load, run, overrun, preemption, save.
 *
 *	left := min(left, 0) + Q	when a period begins
 *	left := left - engine time	as it is charged
 *
 * Quota that is not used in its period is gone: a cap that could be saved up would
 * allow bursts of any length. What was used in excess is not forgiven: it stays
 * in @left as a debt, to which the quotas of the periods that follow go first.
 *
 * The promise. The function is given slices of left - load - save only, or, if it
 * is on the engine, of left - save; the device ends them by itself. So at the end
 * of each period left >= -E, with E what it can take beyond its slice: from the
 * request to leave until it has quiesced, which its preempt timeout limits, and
 * what a reset takes longer than a save. By the first rule
 *
 *	time in n periods in a row <= n Q + E
 *
 * because left goes up by Q at most in each, goes down by all that is used, and
 * begins at Q at most. A slice that reaches into the next period is charged to
 * both, part by part, and has not been longer than what was left in the first: so
 * it is at most Q there too.
 *
 * When is it used up? A world on the engine needs its save to leave. One that
 * waits needs a load, a save, and a slice that is worth them; less than the
 * smallest quantum is not, and expires. Hence the smallest quota that can be set.
 * Whose quota is used up is THROTTLED until the period in which it can run again;
 * not longer, and not shorter either: what a late record gives back is added to
 * what is left, but wakes nobody.
 *
 * A cap goes before a reservation: who is throttled gets no budget either. So both
 * together are accepted only if the cap is not below what the reservation takes
 * in the long run, and periods in which the function was throttled are not
 * counted as periods of its reservation.
 *
 * Cost: charging is O(1), throttling and refilling O(log n). Functions that are
 * not throttled are refilled when they are charged next.
 */
#include "core.h"

/* Engine time without which it makes no sense to load @function. */
static u64 needed(const struct vgpu_sched *s)
{
	return s->config.load_ns + s->config.save_ns + VGPU_SCHED_QUANTUM_MIN;
}

/**
 * vgpu_sched_replenish() - begin new periods
 * @left: of the last one; below 0: debt
 * @quota: of each
 * @periods: how many have begun since
 *
 * Return: what is left, debts paid first, if nothing has been used since.
 */
s64 vgpu_sched_replenish(s64 left, u64 quota, u64 periods)
{
	u64 debt = -min_t(s64, left, 0);

	/* More than pay the debt and fill the quota change nothing, nor overflow. */
	periods = min(periods, div64_u64(debt, quota) + 2);
	return min_t(s64, left + (s64)(periods * quota), quota);
}

/* Periods that have begun since the present one, at @now. */
static u64 periods_begun(const struct vgpu_sched_cap_function *cap, u64 now)
{
	if (vgpu_sched_before(now, cap->end))
		return 0;
	return 1 + div64_u64(now - cap->end, cap->period);
}

static void advance(struct vgpu_sched_cap_function *cap, u64 now)
{
	u64 periods = periods_begun(cap, now);

	cap->left = vgpu_sched_replenish(cap->left, cap->quota, periods);
	cap->end += periods * cap->period;
}

/* End of the period that @now is in. */
static u64 end_of_period(u64 now, u64 period)
{
	return (div64_u64(now, period) + 1) * period;
}

/* When it can run again: debts paid, and enough for a slice. */
static u64 usable_at(const struct vgpu_sched *s,
		     const struct vgpu_sched_cap_function *cap)
{
	u64 missing = needed(s) - min_t(s64, cap->left, 0);

	return cap->end + div64_u64(missing - 1, cap->quota) * cap->period;
}

/* A quota of the whole period limits nothing. */
static bool is_limited(const struct vgpu_sched_cap_function *cap)
{
	return cap->quota < cap->period;
}

static void count_throttle(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_function *fn = &s->function[function];

	if (fn->cap.counted || !fn->runnable)
		return;
	fn->cap.counted = true;
	fn->stats.throttles++;
	s->total.throttles++;
}

static void throttle(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_function *fn = &s->function[function];

	fn->throttled = true;
	fn->cap.counted = false;
	count_throttle(s, function);
	vgpu_sched_tree_insert(&s->cap.throttled, function,
			       usable_at(s, &fn->cap), 0);
	vgpu_sched_queue(s, function);
}

static void unthrottle(struct vgpu_sched *s, u16 function)
{
	count_throttle(s, function);
	s->function[function].throttled = false;
	vgpu_sched_tree_remove(&s->cap.throttled, function);
	vgpu_sched_queue(s, function);
}

/* Something was charged to @function, or its cap has changed. */
static void review(struct vgpu_sched *s, u16 function, u64 now)
{
	struct vgpu_sched_function *fn = &s->function[function];
	s64 least = s->running == function ? s->config.save_ns + 1 : needed(s);

	if (!is_limited(&fn->cap) || fn->throttled)
		return;
	advance(&fn->cap, now);
	if (fn->cap.left < least)
		throttle(s, function);
}

/**
 * vgpu_sched_cap_init() - nobody has a cap
 * @s: the core
 * @now: device time
 */
void vgpu_sched_cap_init(struct vgpu_sched *s, u64 now)
{
	vgpu_sched_tree_init(&s->cap.throttled);
	s->cap.charged = VGPU_FUNCTION_NONE;
	s->cap.running = VGPU_FUNCTION_NONE;
}

/**
 * vgpu_sched_cap_restart() - the device clock may have started anew
 * @s: the core
 * @now: device time
 *
 * Quotas and debts stay as they are, in the period that @now is in.
 */
void vgpu_sched_cap_restart(struct vgpu_sched *s, u64 now)
{
	unsigned int i;

	for (i = 0; i < s->config.functions; i++) {
		struct vgpu_sched_function *fn = &s->function[i];

		if (!fn->cap.quota)
			continue;
		fn->cap.end = end_of_period(now, fn->cap.period);
		if (fn->throttled) {
			vgpu_sched_tree_remove(&s->cap.throttled, i);
			vgpu_sched_tree_insert(&s->cap.throttled, i,
					       usable_at(s, &fn->cap), 0);
		}
	}
}

/* What a cap must be at least so that a reservation fits into it. */
static u64 reserved(const struct vgpu_sched *s, const struct vgpu_sched_params *p)
{
	if (!p->budget_ns)
		return 0;
	return mul_u64_u64_div_u64(p->cap_period_ns, p->budget_ns +
				   s->config.load_ns + s->config.save_ns,
				   p->period_ns) + 1;
}

/**
 * vgpu_sched_cap_admit() - can a function have this cap?
 * @s: the core
 * @function: which one
 * @params: its settings to be, each in its range
 * @why: filled in if they are refused
 *
 * Return: 0, or -EINVAL: it could never run, or its reservation does not fit in.
 */
int vgpu_sched_cap_admit(const struct vgpu_sched *s, u16 function,
			 const struct vgpu_sched_params *params,
			 struct vgpu_sched_why *why)
{
	u64 least = needed(s);
	u64 quota = params->cap_quota_ns;
	u64 period = params->cap_period_ns;

	if (!quota)
		return 0;
	if (period < least)
		return vgpu_sched_refuse(why, function, "cap_period_ns",
					 "does not suffice for a switch and the shortest slice",
					 least, VGPU_SCHED_PERIOD_MAX);
	if (quota < least)
		return vgpu_sched_refuse(why, function, "cap_quota_ns",
					 "does not suffice for a switch and the shortest slice",
					 least, period);
	least = reserved(s, params);
	if (quota < least)
		return vgpu_sched_refuse(why, function, "cap_quota_ns",
					 "is less than the reservation needs, switching included",
					 least, period);
	return 0;
}

/**
 * vgpu_sched_cap_configure() - the settings of a function have changed
 * @s: the core
 * @function: which one
 * @now: device time
 *
 * What it has used in the present period stays used, and debts stay debts, unless the
 * cap is taken away.
 */
void vgpu_sched_cap_configure(struct vgpu_sched *s, u16 function, u64 now)
{
	struct vgpu_sched_function *fn = &s->function[function];
	struct vgpu_sched_cap_function *cap = &fn->cap;
	s64 used = 0;

	if (cap->quota == fn->params.cap_quota_ns &&
	    cap->period == fn->params.cap_period_ns)
		return;
	if (fn->throttled)
		unthrottle(s, function);
	if (cap->quota) {
		advance(cap, now);
		used = (s64)cap->quota - cap->left;
	}
	cap->quota = fn->params.cap_quota_ns;
	cap->period = fn->params.cap_period_ns;
	cap->left = (s64)cap->quota - used;
	if (!cap->quota)
		return;
	cap->end = end_of_period(now, cap->period);
	review(s, function, now);
}

/* @ns of engine time up to @until, each part in its period. */
static void use(struct vgpu_sched_cap_function *cap, u64 ns, u64 until)
{
	u64 start = until - ns;
	u64 part, periods;

	advance(cap, start);
	if (!vgpu_sched_before(cap->end, until)) {
		cap->left -= ns;
		return;
	}
	part = cap->end - start;
	ns -= part;
	cap->left -= part;
	cap->left = vgpu_sched_replenish(cap->left, cap->quota, 1);
	/* In a period that is used as a whole, the quota leaves a debt. */
	periods = div64_u64(ns, cap->period);
	cap->left -= periods * (cap->period - cap->quota);
	cap->left -= ns - periods * cap->period;
	cap->end += (periods + 1) * cap->period;
}

/**
 * vgpu_sched_cap_charge() - a function has had engine time
 * @s: the core
 * @function: which one, not queued
 * @ns: how much, up to &vgpu_sched.charged; below 0: it was charged too much
 *
 * Takes effect with the next vgpu_sched_cap_update().
 */
void vgpu_sched_cap_charge(struct vgpu_sched *s, u16 function, s64 ns)
{
	struct vgpu_sched_cap_function *cap = &s->function[function].cap;

	if (!is_limited(cap))
		return;
	if (ns > 0)
		use(cap, ns, s->charged);
	else
		cap->left = min_t(s64, cap->left - ns, cap->quota);
	if (cap->charged)
		return;
	cap->charged = true;
	cap->next = s->cap.charged;
	s->cap.charged = function;
}

/**
 * vgpu_sched_cap_update() - throttle whose quota is used up, release who has a new one
 * @s: the core
 * @now: device time, up to which engine time has been charged
 */
void vgpu_sched_cap_update(struct vgpu_sched *s, u64 now)
{
	u16 function;

	/* Who waits needs more of its quota than who is on the engine. */
	if (s->cap.running != s->running && s->cap.running != VGPU_FUNCTION_NONE)
		review(s, s->cap.running, now);
	s->cap.running = s->running;
	while (s->cap.charged != VGPU_FUNCTION_NONE) {
		struct vgpu_sched_cap_function *cap;

		function = s->cap.charged;
		cap = &s->function[function].cap;
		s->cap.charged = cap->next;
		cap->charged = false;
		review(s, function, now);
	}
	for (;;) {
		function = vgpu_sched_tree_first(&s->cap.throttled);
		if (function == VGPU_FUNCTION_NONE ||
		    vgpu_sched_before(now, s->cap.throttled.node[function].key))
			break;
		unthrottle(s, function);
		review(s, function, now);
	}
}

/**
 * vgpu_sched_cap_slice() - the longest slice that a function's cap allows
 * @s: the core
 * @function: whose, with a cap
 * @wanted: slice that it would have without, 0 for no deadline
 * @at_once: if it is running: in place of what is to come of its present slice;
 *	else behind that
 * @now: device time
 *
 * Return: ns, 0 if it must not be given any.
 */
u64 vgpu_sched_cap_slice(const struct vgpu_sched *s, u16 function, u64 wanted,
			 bool at_once, u64 now)
{
	const struct vgpu_sched_function *fn = &s->function[function];
	s64 least = VGPU_SCHED_QUANTUM_MIN;
	s64 left;

	if (!is_limited(&fn->cap))
		return wanted ? wanted : VGPU_SCHED_QUANTUM_MAX;
	left = vgpu_sched_replenish(fn->cap.left, fn->cap.quota,
				    periods_begun(&fn->cap, now));
	left -= s->config.save_ns;
	if (s->running == function) {
		if (!at_once && s->has_deadline &&
		    vgpu_sched_before(s->charged, s->deadline))
			left -= s->deadline - s->charged;
		least = VGPU_SCHED_ARM_NS;
	} else {
		left -= s->config.load_ns;
	}
	if (fn->throttled || left < least)
		return 0;
	return wanted ? min_t(u64, wanted, left) : (u64)left;
}

/**
 * vgpu_sched_cap_review() - when something about caps happens next
 * @s: the core
 *
 * Return: device time of a call of vgpu_sched_cap_update(), 0 if none is needed.
 */
u64 vgpu_sched_cap_review(const struct vgpu_sched *s)
{
	u16 first = vgpu_sched_tree_first(&s->cap.throttled);
	const struct vgpu_sched_function *fn;
	u64 when = 0, end;

	if (first != VGPU_FUNCTION_NONE)
		when = s->cap.throttled.node[first].key;
	if (s->running == VGPU_FUNCTION_NONE || s->gone)
		return when;
	fn = &s->function[s->running];
	if (!is_limited(&fn->cap) || fn->throttled || !fn->runnable)
		return when;
	/* A slice that ends before its quota and its period ends by itself. */
	end = s->charged + min_t(s64, fn->cap.end - s->charged,
				 fn->cap.left - s->config.save_ns);
	if (s->has_deadline && !vgpu_sched_before(end, s->deadline))
		return when;
	return when && vgpu_sched_before(when, end) ? when : end;
}

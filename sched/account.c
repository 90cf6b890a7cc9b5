// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accounting: from switch records to statistics.
 *
 * One record covers the time since the record before it:
 *
 *   running'        request     quiesced        saved         loaded   running
 *     |                |            |             |              |        |
 *     +-- from runs ---+-- leaves --+--- save ----+---- load ----+- start-+
 *     |<------ runtime of from ---->|<--------- switch overhead --------->|
 *                                   |<- of from ->|<------- of to ------->|
 *
 * so that at any moment the runtime and overhead of all functions and the time
 * for which the engine was empty add up to the time that has been accounted.
 * To keep that true whatever the device writes, the times are first made
 * monotone: one that is missing (zero) or not believable (far ahead of the clock) is
 * guessed, one that is before its predecessor takes the predecessor's value; both
 * are counted.
 */
#include "core.h"

/* More is not charged at once, ns; a world that runs is charged every ms. */
#define CHARGE_MAX	((s64)BIT_ULL(45))

/**
 * vgpu_sched_is_duplicate() - has this record come before?
 * @s: the core
 * @sw: the record
 *
 * Return: true if it is the last one once more.
 */
bool vgpu_sched_is_duplicate(struct vgpu_sched *s,
			     const struct vgpu_sched_switch *sw)
{
	const struct vgpu_sched_switch *last = &s->last;

	return sw->running && sw->running == last->running &&
	       sw->quiesced == last->quiesced && sw->from == last->from &&
	       sw->to == last->to && sw->reason == last->reason;
}

/* @t in place, made not earlier than @after. Return: true if it was. */
static bool follow(u64 *t, u64 after)
{
	if (*t >= after)
		return true;
	*t = after;
	return false;
}

static bool is_missing(u64 t, u64 now)
{
	return !t || t > now + VGPU_SCHED_FUTURE_NS;
}

/*
 * A time that is missing, after @after: what has been charged is an estimate of it,
 * but it is not after the first of those behind it, @count of them, that is known.
 */
static u64 guess(const struct vgpu_sched *s, u64 after, u64 *const *chain,
		 unsigned int count, u64 now)
{
	u64 t = max(after, s->charged);

	for (; count; count--, chain++)
		if (!is_missing(**chain, now) && **chain >= after)
			return min(t, **chain);
	return t;
}

/* Return: true if there was nothing wrong with the record. */
static bool make_monotone(struct vgpu_sched *s, struct vgpu_sched_switch *sw,
			  u64 now)
{
	u64 *chain[] = {
		&sw->request, &sw->quiesced, &sw->saved, &sw->loaded, &sw->running
	};
	u64 after = s->engine.last_ns;
	bool backwards = false, missing = false;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chain); i++) {
		if (is_missing(*chain[i], now)) {
			missing = true;
			*chain[i] = guess(s, after, &chain[i + 1],
					  ARRAY_SIZE(chain) - 1 - i, now);
		} else if (!follow(chain[i], after) &&
			   !(s->last_estimated && after == s->engine.last_ns)) {
			backwards = true;
		}
		after = *chain[i];
	}
	if (missing)
		s->engine.missing++;
	if (backwards)
		s->engine.backwards++;
	return !missing && !backwards;
}

/* Was the slice asked to end, and did it end, when it had to? */
static void account_deadline(struct vgpu_sched *s,
			     struct vgpu_sched_function *fn,
			     const struct vgpu_sched_switch *sw)
{
	u64 timeout = fn->params.preempt_timeout_ns;
	u64 allowed = s->finishing ? 2 * timeout : timeout;
	u64 due = max(sw->deadline, s->armed_since);
	bool missed = false;

	if (sw->reason == VGPU_LEAVE_DEADLINE || sw->reason == VGPU_LEAVE_PREEMPT ||
	    sw->reason == VGPU_LEAVE_HANG) {
		vgpu_histogram_add_both(&fn->stats.quiesce, &s->total.quiesce,
					sw->quiesced - sw->request);
		missed = timeout && sw->quiesced - sw->request > allowed;
	}
	if (sw->deadline && sw->quiesced > due) {
		fn->stats.overrun_ns += sw->quiesced - due;
		s->total.overrun_ns += sw->quiesced - due;
	}
	if (sw->deadline && sw->request >= sw->deadline &&
	    sw->deadline >= s->armed_since + VGPU_SCHED_ARM_NS &&
	    (sw->reason == VGPU_LEAVE_DEADLINE || sw->reason == VGPU_LEAVE_HANG)) {
		u64 delay = sw->request - sw->deadline;

		vgpu_histogram_add_both(&fn->stats.request, &s->total.request, delay);
		missed = missed || delay > s->config.request_slack_ns;
	}
	if (missed) {
		fn->stats.deadline_misses++;
		s->total.deadline_misses++;
	}
}

/**
 * vgpu_sched_charge() - a function has had engine time
 * @s: the core
 * @function: which one
 * @ran: how long it ran, or, if it was charged too much before, how much less; then
 *	@switched is 0
 * @switched: how long it was loaded, or saved after that
 *
 * The time ends at &vgpu_sched.charged.
 */
void vgpu_sched_charge(struct vgpu_sched *s, u16 function, s64 ran, s64 switched)
{
	if (!ran && !switched)
		return;
	/* Nobody's sums overflow by this: 9 h in one piece. */
	ran = min_t(s64, ran, CHARGE_MAX);
	ran = -min_t(s64, -ran, CHARGE_MAX);
	switched = min_t(s64, switched, CHARGE_MAX);
	vgpu_sched_overhead_earn(s, ran + switched);
	vgpu_sched_cap_charge(s, function, ran + switched);
	if (s->policy->charge)
		s->policy->charge(s, function, ran, switched);
}

/**
 * vgpu_sched_charge_until() - charge the running world for the time so far
 * @s: the core
 * @when: device time, an estimate perhaps: the record of the switch corrects it
 *
 * A world that has nothing to do does not pay for being on the engine.
 */
void vgpu_sched_charge_until(struct vgpu_sched *s, u64 when)
{
	u64 since = s->charged;

	if (when <= since)
		return;
	s->charged = when;
	if (s->running != VGPU_FUNCTION_NONE && !s->gone &&
	    s->function[s->running].runnable)
		vgpu_sched_charge(s, s->running, when - since, 0);
}

static void account_from(struct vgpu_sched *s, const struct vgpu_sched_switch *sw)
{
	struct vgpu_sched_function *fn = &s->function[sw->from];
	u64 runtime = sw->quiesced - s->engine.last_ns;
	u64 save = sw->saved - sw->quiesced;
	s64 ran = 0;

	fn->stats.runtime_ns += runtime;
	s->total.runtime_ns += runtime;
	fn->stats.slices++;
	s->total.slices++;
	fn->stats.switches[sw->reason]++;
	s->total.switches[sw->reason]++;
	fn->stats.save_ns += save;
	s->total.save_ns += save;
	fn->stats.overhead_ns += save;
	s->total.overhead_ns += save;
	account_deadline(s, fn, sw);
	if (fn->runnable && s->running == sw->from && !s->gone)
		ran = sw->quiesced - s->charged;
	if (ran < 0) {
		s->charged = sw->quiesced;
		vgpu_sched_charge(s, sw->from, ran, 0);
		ran = 0;
	}
	s->charged = sw->saved;
	vgpu_sched_charge(s, sw->from, ran, save);
}

/*
 * The world that was loaded pays for it when it is no longer queued, see
 * vgpu_sched_switched().
 */
static void account_to(struct vgpu_sched *s, const struct vgpu_sched_switch *sw)
{
	struct vgpu_sched_function *fn = &s->function[sw->to];
	u64 load = sw->loaded - sw->saved;
	u64 rest = sw->running - sw->saved;
	u64 spent = sw->running - sw->quiesced;
	u64 declared = s->config.load_ns;

	if (sw->from != VGPU_FUNCTION_NONE)
		declared += s->config.save_ns;
	fn->stats.load_ns += load;
	s->total.load_ns += load;
	fn->stats.overhead_ns += rest;
	s->total.overhead_ns += rest;
	if (sw->reason != VGPU_LEAVE_HANG && sw->reason != VGPU_LEAVE_RESET) {
		u64 gap = spent > declared ? spent - declared : 0;

		vgpu_histogram_add_both(&fn->stats.gap, &s->total.gap, gap);
	}
	if (sw->from == VGPU_FUNCTION_NONE)
		fn->stats.switches[VGPU_LEAVE_NONE]++;
	if (fn->waking) {
		u64 latency = sw->running > fn->woken ? sw->running - fn->woken : 0;

		vgpu_histogram_add_both(&fn->stats.wake, &s->total.wake, latency);
	}
}

/**
 * vgpu_sched_account() - take a switch record into the books
 * @s: the core
 * @sw: the record, its numbers and reason already checked; its times are made
 *	monotone
 * @now: device time
 *
 * Return: false if its times had to be changed, and cannot be relied on.
 */
bool vgpu_sched_account(struct vgpu_sched *s, struct vgpu_sched_switch *sw,
			u64 now)
{
	bool good;

	s->last = *sw;
	if (sw->to == VGPU_FUNCTION_NONE && !sw->running) {
		sw->loaded = sw->saved;
		sw->running = sw->saved;
	}
	good = make_monotone(s, sw, now);
	if (sw->reason == VGPU_LEAVE_RENEWED) {
		sw->quiesced = sw->running;
		sw->saved = sw->running;
		sw->loaded = sw->running;
	}

	if (sw->from != VGPU_FUNCTION_NONE) {
		account_from(s, sw);
	} else {
		s->engine.empty_ns += sw->quiesced - s->engine.last_ns;
		s->total.switches[VGPU_LEAVE_NONE]++;
		sw->saved = sw->quiesced;
	}
	if (sw->to == VGPU_FUNCTION_NONE)
		s->engine.empty_ns += sw->running - sw->saved;
	else if (sw->reason != VGPU_LEAVE_RENEWED)
		account_to(s, sw);
	vgpu_sched_overhead_pay(s, sw);
	s->charged = sw->running;
	s->engine.last_ns = sw->running;
	s->last_estimated = false;
	return good;
}

/**
 * vgpu_sched_account_gone() - the running world is gone, and no record tells when
 * @s: the core
 * @now: device time: when we heard of it
 */
void vgpu_sched_account_gone(struct vgpu_sched *s, u64 now)
{
	struct vgpu_sched_function *fn = &s->function[s->running];
	u64 runtime;

	follow(&now, s->engine.last_ns);
	runtime = now - s->engine.last_ns;
	fn->stats.runtime_ns += runtime;
	s->total.runtime_ns += runtime;
	fn->stats.slices++;
	s->total.slices++;
	fn->stats.switches[VGPU_LEAVE_RESET]++;
	s->total.switches[VGPU_LEAVE_RESET]++;
	if (fn->runnable && !s->gone) {
		s64 rest = now - s->charged;

		s->charged = now;
		vgpu_sched_charge(s, s->running, rest, 0);
	}
	s->charged = now;
	s->engine.last_ns = now;
	s->last_estimated = true;
}

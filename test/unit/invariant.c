// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must be true after every step of a walk, whatever the policy. What only
 * eevdf promises is in fair.c.
 */
#include <stdio.h>
#include "walk.h"

/* What sched/reservation.c admits by: the longest time to an answer of the core. */
#define ANSWER_NS	50000

void must_failed(const char *what, long long a, long long b, const char *file,
		 int line)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s (%lld, %lld)", what, a, b);
	rig_failed(text, file, line);
}

/* ------------------------------------------------------------------------ */
/* The core's view                                                           */

static bool is_policy(const struct vgpu_sched *s, const char *name)
{
	return !strcmp(vgpu_sched_policy_name(s->policy), name);
}

static void check_round_robin(const struct vgpu_sched *s, unsigned int queued)
{
	u16 i, last = VGPU_FUNCTION_NONE;

	for (i = s->round_robin.head; i != VGPU_FUNCTION_NONE;
	     i = s->function[i].round_robin.next) {
		must(s->function[i].queued);
		must_equal(s->function[i].round_robin.prev, last);
		last = i;
		must(queued-- > 0);
	}
	must_equal(queued, 0);
	must_equal(s->round_robin.tail, last);
}

/* Policies that know no time: the same question has the same answer. */
static void check_choice(const struct vgpu_sched *s, unsigned int queued)
{
	struct vgpu_sched_choice choice = { 0 };
	struct vgpu_sched *open = (struct vgpu_sched *)s;

	must_equal(s->policy->pick(open, s->charged, &choice), queued > 0);
	check_round_robin(s, queued);
	if (queued && choice.function != s->next)
		must(s->next == VGPU_FUNCTION_NONE &&
		     s->function[choice.function].params.cap_quota_ns);
}

/* What core.h promises whenever no call is under way. */
static void check_core(const struct vgpu_sched *s)
{
	unsigned int queued = 0, free = 0;
	u16 i;

	for (i = 0; i < s->config.functions; i++) {
		const struct vgpu_sched_function *fn = &s->function[i];

		free += fn->queued && !fn->params.cap_quota_ns;
		must_equal(fn->queued, fn->runnable && !fn->parked &&
				       !fn->throttled && s->running != i);
		queued += fn->queued;
	}
	if (is_policy(s, "rr") || is_policy(s, "coop"))
		check_choice(s, queued);

	/* What is left of a cap may not be worth a slice. */
	if (free && !is_policy(s, "fixed")) {
		must(s->armed);
	} else if (s->running != VGPU_FUNCTION_NONE && !s->gone) {
		if (s->function[s->running].parked)
			must(s->armed);
		else if (s->doubt)
			must(s->armed);
	}
	must(!s->unsure);
	must(!s->gone || s->running != VGPU_FUNCTION_NONE);
	if (s->expected)
		must(s->timer && s->timer <= s->expected);
}

/* Statistics that are sums, and are kept for each and for all. */
static const size_t sums[] = {
	offsetof(struct vgpu_sched_stats, runtime_ns),
	offsetof(struct vgpu_sched_stats, overhead_ns),
	offsetof(struct vgpu_sched_stats, slices),
	offsetof(struct vgpu_sched_stats, save_ns),
	offsetof(struct vgpu_sched_stats, load_ns),
	offsetof(struct vgpu_sched_stats, overrun_ns),
	offsetof(struct vgpu_sched_stats, deadline_misses),
	offsetof(struct vgpu_sched_stats, hangs),
	offsetof(struct vgpu_sched_stats, throttles),
	offsetof(struct vgpu_sched_stats, periods),
	offsetof(struct vgpu_sched_stats, period_misses),
	offsetof(struct vgpu_sched_stats, wakes),
};

static u64 value(const struct vgpu_sched_stats *stats, unsigned int i)
{
	return *(const u64 *)((const char *)stats + sums[i]);
}

static void check_sums(const struct vgpu_sched *s)
{
	const struct vgpu_sched_stats *total = &s->total;
	u64 sum[ARRAY_SIZE(sums)] = { 0 }, reasons = 0;
	s64 lag_min = 0, lag_max = 0;
	unsigned int f, i;

	for (f = 0; f < s->config.functions; f++) {
		const struct vgpu_sched_stats *one = &s->function[f].stats;

		for (i = 0; i < ARRAY_SIZE(sums); i++)
			sum[i] += value(one, i);
		lag_min = min_t(s64, lag_min, one->lag_min);
		lag_max = one->lag_max > lag_max ? one->lag_max : lag_max;
	}
	for (i = 0; i < ARRAY_SIZE(sums); i++)
		must_equal(sum[i], value(total, i));
	must_equal(lag_min, total->lag_min);
	must_equal(lag_max, total->lag_max);
	for (i = VGPU_LEAVE_DEADLINE; i < VGPU_SCHED_REASONS; i++)
		reasons += total->switches[i];
	must_equal(reasons, total->slices);
	must_equal(total->runtime_ns + total->overhead_ns + s->engine.empty_ns,
		   s->engine.last_ns - s->engine.start_ns);
}

/* What only grows. */
static void check_growth(struct walk *w)
{
	const struct vgpu_sched_stats *total = &w->r->s->total;

	must_compare(total->lag_min, <=, w->lag_min);
	must_compare(total->lag_max, >=, w->lag_max);
	w->lag_min = total->lag_min;
	w->lag_max = total->lag_max;
}

/* So it knows when the running world has to leave, or that it has later. */
static void check_deadline(const struct walk *w)
{
	const struct vgpu_sched *s = w->r->s;
	const struct rig *r = w->r;
	bool has = r->classic ? r->q.has_deadline : r->m.deadline > 0;
	u64 deadline = r->classic ? r->q.deadline : r->m.deadline;
	/* The sequencer's estimates of device times may be ahead of those that follow. */
	u64 ahead = r->classic && r->clock_error > 0 ? r->clock_error : 0;

	if (s->running == VGPU_FUNCTION_NONE || s->gone ||
	    w->setup->allowed & WALK_GARBLE)
		return;
	if (s->vague) {
		must(!s->has_deadline || (has && deadline <= s->deadline));
		return;
	}
	must_equal(s->has_deadline, has);
	if (has)
		must(s->deadline >= deadline && s->deadline - deadline <= ahead);
}

/* With nothing on its way the core's view is the device's state. */
static void check_view(struct walk *w)
{
	const struct rig *r = w->r;
	u16 running = vgpu_sched_running(r->s);
	u16 f;

	if (!rig_is_quiet(r) || r->worker_at != MODEL_NEVER || r->s->doubt ||
	    w->setup->allowed & (WALK_LOSE | WALK_VANISH | WALK_STUCK))
		return;
	must_equal(running, r->m.world);
	if (r->classic) {
		must_equal(r->s->armed, r->q.armed);
		must_equal(r->q.world, r->m.world);
	} else {
		must_equal(r->s->armed, r->m.armed);
	}
	if (r->m.armed)
		must_equal(r->m.next, r->s->next);
	check_deadline(w);
	if (w->setup->allowed & WALK_FAULTS || r->classic || r->overdues)
		return;
	for (f = 0; f < r->m.functions; f++)
		if (f != running)
			must_equal(r->s->function[f].stats.runtime_ns,
				   r->m.fn[f].gpu_time);
}

/* Where nothing goes wrong, and all is told, nothing is noticed to go wrong. */
static void check_calm(const struct walk *w)
{
	const struct vgpu_sched_engine *e = vgpu_sched_engine(w->r->s);

	if (w->setup->allowed & (WALK_FAULTS | WALK_STALL) || w->r->classic ||
	    w->setup->quirks & MODEL_SILENT_EMPTY_SWITCH)
		return;
	must_equal(e->backwards + e->missing + e->unexpected, 0);
	must_equal(e->unknown + e->lost + e->refused, 0);
	must_equal(e->overdue, 0);
	must_equal(w->r->s->total.hangs, 0);
}

/* ------------------------------------------------------------------------ */
/* Waiting                                                                   */

static u64 add(u64 a, u64 b)
{
	return a > U64_MAX - b ? U64_MAX : a + b;
}

static u64 bound(const struct walk *w, u16 function)
{
	u64 limit = add(w->limit[function], w->old_limit[function]);
	u64 extra = (w->r->m.functions + 2) * w->driver_latency;
	u16 f;

	if (!(w->setup->allowed & WALK_FAULTS))
		return add(limit, extra);
	/*
	 * The time until a loss is noticed: what the world may take that is
	 * believed to be on the engine, perhaps that of @function itself.
	 */
	for (f = 0; f < w->r->m.functions; f++)
		limit = max(limit, add(w->limit[f], w->old_limit[f]));
	limit = add(limit, add(limit, limit));
	return add(limit, extra + 50 * MILLISECOND);
}

static bool wants_engine(const struct rig *r, u16 f)
{
	const struct model_function *fn = &r->m.fn[f];
	bool has_it = r->m.world == f && (r->m.state == VGPU_ENGINE_RUNNING ||
					  r->m.state == VGPU_ENGINE_QUIESCING);

	return fn->open && !fn->flr && fn->work && fn->world != VGPU_WORLD_HUNG &&
	       fn->world != VGPU_WORLD_NONE && !vgpu_sched_parked(r->s, f) &&
	       !r->s->function[f].throttled && !has_it;
}

static u64 since(u64 was, bool now, u64 time)
{
	return !now ? 0 : was ? was : time;
}

static void check_wait(struct walk *w, u16 f, u64 from)
{
	u64 limit = min(bound(w, f), U64_MAX >> 1);
	u64 now = w->r->m.now;

	must_compare(now - from, <=, limit);
	if (from < now && limit < U64_MAX >> 1)
		walk_note(&w->latency, now - from, limit);
}

/* Nobody who could run waits beyond the bound: no wake-up is ever lost. */
static void check_waiting(struct walk *w)
{
	u64 calm = max(w->calm, w->settled);
	struct rig *r = w->r;
	u16 f;

	for (f = 0; f < r->m.functions; f++) {
		w->waiting[f] = since(w->waiting[f], wants_engine(r, f), r->m.now);
		if (w->waiting[f])
			check_wait(w, f, max(w->waiting[f], calm));
		w->owed_since[f] = since(w->owed_since[f], r->owed[f], r->m.now);
		/* The first slice may leave open which write was taken. */
		if (w->owed_since[f])
			must_compare(r->m.now - max(w->owed_since[f], calm), <=,
				     min(add(bound(w, f), bound(w, f)), U64_MAX >> 1));
	}
}

/* Work conservation: the engine is not empty while somebody could have it. */
static void check_empty(struct walk *w)
{
	u64 patience = w->driver_latency;
	u64 calm = max(w->calm, w->settled);
	struct rig *r = w->r;
	u16 f;

	w->empty_since = since(w->empty_since, r->m.state == VGPU_ENGINE_EMPTY,
			       r->m.now);
	if (!w->empty_since || is_policy(r->s, "fixed"))
		return;
	for (f = 0; f < r->m.functions; f++) {
		u64 from = max(max(w->waiting[f], w->empty_since), calm);

		if (w->setup->allowed & WALK_FAULTS)
			patience = min(bound(w, f), U64_MAX >> 1);
		if (w->waiting[f])
			must_compare(r->m.now - from, <=, patience);
	}
}

/* Nobody misses what was admitted, on a device that keeps deadlines. */
static void check_reservations(const struct walk *w)
{
	if (!w->r->classic && w->r->irq_latency + w->r->write_latency <= ANSWER_NS &&
	    !(w->setup->allowed & ~(WALK_SHARES | WALK_RESERVE)))
		must_equal(w->r->s->total.period_misses, 0);
}

/* Did anything happen that may delay others? */
static void note_faults(struct walk *w)
{
	struct rig *r = w->r;

	if (memcmp(w->lost_world, r->lost_world, sizeof(w->lost_world)) ||
	    w->overdues != r->overdues || w->rearmed != r->s->engine.rearmed ||
	    r->worker_at != MODEL_NEVER)
		w->calm = max(w->calm, r->m.now);
	memcpy(w->lost_world, r->lost_world, sizeof(w->lost_world));
	w->overdues = r->overdues;
	w->rearmed = r->s->engine.rearmed;
}

/* ------------------------------------------------------------------------ */
/* Caps                                                                      */

/* Who uses the engine now? A world that is on it and has nothing to do does not. */
static u16 active(const struct model *m)
{
	if (m->state == VGPU_ENGINE_RUNNING && m->idle)
		return VGPU_FUNCTION_NONE;
	return m->world;
}

static void use(struct walk_cap *cap, u64 from, u64 until)
{
	while (cap->quota && cap->number && from < until) {
		u64 number = from / cap->period + 1;
		u64 end = min(number * cap->period, until);

		/* What is not used expires, what is owed does not. */
		if (number > cap->number && cap->left < 0)
			cap->left += min((number - cap->number) * cap->quota,
					 (u64)-cap->left + cap->quota);
		else if (number > cap->number)
			cap->left = cap->quota;
		cap->left = min_t(s64, cap->left, cap->quota);
		cap->number = number;
		cap->left -= end - from;
		from = end;
	}
}

/**
 * invariant_time() - some time has passed
 * @w: the walk
 */
void invariant_time(struct walk *w)
{
	const struct model *m = &w->r->m;

	if (w->active != VGPU_FUNCTION_NONE)
		use(&w->cap[w->active], w->checked, m->now);
	w->checked = m->now;
	w->active = active(m);
}

/* What a function can take beyond its slice, coop lets it finish something first. */
static u64 excess(const struct walk *w, u16 f)
{
	const struct vgpu_sched *s = w->r->s;
	u64 timeout = s->function[f].params.preempt_timeout_ns;

	return (is_policy(s, "coop") ? 2 : 1) * timeout + 2 * w->driver_latency +
	       max(s->config.reset_ns, s->config.save_ns);
}

/* A new cap is reckoned with from the next period on, and so are other limits. */
static void note_caps(struct walk *w)
{
	u16 f;

	for (f = 0; f < w->r->m.functions; f++) {
		const struct vgpu_sched_params *p = &w->r->s->function[f].params;

		if (w->cap[f].quota == p->cap_quota_ns &&
		    w->cap[f].period == p->cap_period_ns &&
		    w->cap[f].excess == excess(w, f))
			continue;
		w->cap[f] = (struct walk_cap){ .quota = p->cap_quota_ns,
					       .period = p->cap_period_ns,
					       .excess = excess(w, f) };
	}
}

/* The promise of cap.c. */
static void check_caps(struct walk *w)
{
	const struct vgpu_sched *s = w->r->s;
	u16 f;

	if (w->setup->allowed & WALK_FAULTS || w->r->m.now < w->calm)
		return;
	for (f = 0; f < w->r->m.functions; f++) {
		struct walk_cap *cap = &w->cap[f];

		if (!cap->quota)
			continue;
		if (!cap->number && !w->old_slices && w->active != f) {
			cap->number = w->r->m.now / cap->period + 1;
			cap->left = cap->quota;
		}
		if (cap->number && s->function[f].params.preempt_timeout_ns)
			must_compare(cap->left, >=, -(s64)cap->excess);
	}
}

/* ------------------------------------------------------------------------ */
/* The order of rr                                                           */

static bool is_ready(const struct vgpu_sched *s, u16 f)
{
	return s->function[f].runnable && !s->function[f].parked &&
	       !s->function[f].throttled;
}

/**
 * invariant_event() - the core has just got to know something
 * @w: the walk
 */
void invariant_event(struct walk *w)
{
	u16 f;

	w->order++;
	for (f = 0; f < w->r->m.functions; f++)
		w->ready[f] = since(w->ready[f], is_ready(w->r->s, f), w->order);
}

/**
 * invariant_slice() - a slice begins
 * @w: the walk
 * @f: whose
 *
 * Under rr everybody who was ready since before this function's previous slice,
 * as this function itself was, must have had exactly one in between.
 */
void invariant_slice(struct walk *w, u16 f)
{
	bool strict = !(w->setup->allowed & (WALK_FAULTS | WALK_PARK)) &&
		      is_policy(w->r->s, "rr");
	u16 g;

	for (g = 0; g < w->r->m.functions; g++) {
		if (g == f)
			continue;
		if (strict && w->started[f] &&
		    w->ready[f] && w->ready[f] < w->started[f] &&
		    w->ready[g] && w->ready[g] < w->started[f])
			must_equal(w->others[f][g], 1);
		w->others[f][g] = 0;
		w->others[g][f]++;
	}
	w->started[f] = w->order;
	if (w->old_slices && !--w->old_slices)
		w->settling = true;
}

/**
 * invariant_renewed() - a slice was followed by another one of the same world
 * @w: the walk
 *
 * Twice in the same moment may be a race, again and again is a storm of
 * interrupts.
 */
void invariant_renewed(struct walk *w)
{
	u64 now = w->r->m.now;

	w->renewals = now - w->renewed < VGPU_SCHED_ARM_NS ? w->renewals + 1 : 0;
	w->renewed = now;
	must_compare(w->renewals, <, 10);
}

/* ------------------------------------------------------------------------ */

/**
 * invariant_settings() - some setting, or the policy, may have changed
 * @w: the walk
 */
void invariant_settings(struct walk *w)
{
	u64 limit;
	u16 f;

	w->settled = w->r->m.now;
	fair_settings(w);
	note_caps(w);
	memset(w->started, 0, sizeof(w->started));
	for (f = 0; f < w->r->m.functions; f++) {
		limit = is_policy(w->r->s, "eevdf") ? fair_latency(w, f) :
			vgpu_sched_latency_bound(w->r->s, f);
		w->old_limit[f] = max(w->old_limit[f], w->limit[f]);
		w->limit[f] = limit;
	}
	/* The one that runs, and the one that is armed. */
	w->old_slices = 2;
}

/* The slices of the old settings are over. */
static void settle(struct walk *w)
{
	const struct rig *r = w->r;
	u16 f;

	/* There are none on an empty engine if nothing is armed. */
	if (w->old_slices && r->m.state == VGPU_ENGINE_EMPTY && rig_is_quiet(r) &&
	    !r->s->armed && !r->m.armed)
		w->settling = true;
	if (!w->settling)
		return;
	w->settling = false;
	w->old_slices = 0;
	memset(w->old_limit, 0, sizeof(w->old_limit));
	w->settled = r->m.now;
	fair_settled(w);
	if (!is_policy(r->s, "eevdf"))
		return;
	for (f = 0; f < w->r->m.functions; f++)
		w->limit[f] = fair_latency(w, f);
}

/**
 * invariant_begin() - a walk begins
 * @w: the walk
 */
void invariant_begin(struct walk *w)
{
	w->driver_latency = 6 * (w->r->irq_latency + w->r->write_latency) +
			    2 * VGPU_EVENT_RETRY_NS;
	w->checked = w->r->m.now;
	w->active = VGPU_FUNCTION_NONE;
	ledger_begin(w);
	fair_begin(w);
	invariant_settings(w);
}

/**
 * invariant_step() - check everything
 * @w: the walk
 */
void invariant_step(struct walk *w)
{
	note_faults(w);
	settle(w);
	ledger_step(w);
	fair_step(w);
	check_core(w->r->s);
	check_sums(w->r->s);
	check_growth(w);
	check_view(w);
	check_calm(w);
	check_waiting(w);
	check_empty(w);
	check_caps(w);
	check_reservations(w);
	must_equal(w->r->m.refused_load, 0);
	if (w->claim)
		w->claim(w);
}

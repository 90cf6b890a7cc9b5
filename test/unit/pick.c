// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whom eevdf must choose: by what the comment in sched/eevdf.c says, looking at
 * everybody who waits one after the other. Where there are reservations that is
 * another matter.
 */
#include "walk.h"

/* From that comment, and from those at these numbers there. */
#define USUAL		64
#define CLEARLY		4
#define TRIM		32
#define NEAR		50000

/**
 * struct outlook - how things will be when the running world is due
 * @stays: it could go on
 * @now_v: virtual time then
 * @saved_v: virtual time when it is saved
 * @v: its virtual service then
 * @deadline: its virtual deadline then
 */
struct outlook {
	bool stays;
	u64 now_v;
	u64 saved_v;
	u64 v;
	u64 deadline;
};

static bool is_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static const struct vgpu_sched_eevdf_function *eevdf_of(const struct vgpu_sched *s, u16 f)
{
	return &s->function[f].eevdf;
}

static u64 cost(const struct vgpu_sched *s)
{
	return s->config.save_ns + s->config.load_ns;
}

static u64 turn(const struct vgpu_sched *s, u16 f)
{
	u64 quantum = vgpu_sched_quantum(s, f);

	return cost(s) + (quantum ? quantum : VGPU_SCHED_QUANTUM_DEFAULT);
}

/* So much virtual time, or service, are @ns at @weight. */
static u64 virtual(u64 ns, u32 weight)
{
	return (ns << VGPU_SCHED_V_SHIFT) / weight;
}

static s64 real(u64 from, u64 to, u32 weight)
{
	return (s64)((to - from) * weight) >> VGPU_SCHED_V_SHIFT;
}

static struct outlook look(const struct vgpu_sched *s)
{
	struct outlook o = { .now_v = s->eevdf.v, .saved_v = s->eevdf.v };
	const struct vgpu_sched_function *fn;
	u64 left = 0, leaves = 0;

	if (s->running == VGPU_FUNCTION_NONE || s->gone ||
	    !s->function[s->running].runnable)
		return o;
	fn = &s->function[s->running];
	if (s->has_deadline && s->deadline > s->charged) {
		left = s->deadline - s->charged;
		leaves = turn(s, s->running) / USUAL;
	}
	o.now_v += virtual(left, s->eevdf.weight);
	o.saved_v += virtual(left + leaves + s->config.save_ns, s->eevdf.weight);
	o.v = fn->eevdf.v + virtual(left, fn->params.weight);
	o.deadline = fn->eevdf.deadline;
	/* It will have had what it requested: here is its next request. */
	if (real(o.v, o.deadline, fn->params.weight) <= (s64)cost(s))
		o.deadline = o.v + fn->eevdf.turn_v / 2;
	o.stays = s->has_deadline && !s->asked && !s->dry && !fn->parked &&
		  !fn->throttled;
	return o;
}

/* Of those eligible at @v who is due first. */
static u16 due_first(const struct vgpu_sched *s, u64 v)
{
	u16 best = VGPU_FUNCTION_NONE;
	u16 f;

	for (f = 0; f < s->config.functions; f++)
		if (s->function[f].queued && !is_before(v, eevdf_of(s, f)->v) &&
		    (best == VGPU_FUNCTION_NONE ||
		     is_before(eevdf_of(s, f)->deadline, eevdf_of(s, best)->deadline)))
			best = f;
	return best;
}

/* Who will be eligible first. */
static u16 eligible_first(const struct vgpu_sched *s)
{
	u16 first = VGPU_FUNCTION_NONE;
	u16 f;

	for (f = 0; f < s->config.functions; f++)
		if (s->function[f].queued &&
		    (first == VGPU_FUNCTION_NONE ||
		     is_before(eevdf_of(s, f)->v, eevdf_of(s, first)->v)))
			first = f;
	return first;
}

/* Does the running world go on, rather than @best? */
static bool stays(const struct vgpu_sched *s, const struct outlook *o, u16 best)
{
	u64 clearly;

	if (!o->stays || is_before(o->now_v, o->v))
		return false;
	clearly = virtual(turn(s, s->running) / CLEARLY,
			  s->function[s->running].params.weight);
	if (is_before(o->saved_v, eevdf_of(s, best)->v))
		return is_before(o->v + clearly, eevdf_of(s, best)->v);
	return is_before(o->deadline + clearly, eevdf_of(s, best)->deadline);
}

/* A slice that makes good for what was overrun, if it was not much. */
static u64 slice(const struct vgpu_sched *s, u16 f)
{
	const struct vgpu_sched_eevdf_function *e = eevdf_of(s, f);
	u64 usual = vgpu_sched_slice(s, f);
	s64 planned = real(e->v, e->plan + e->turn_v, s->function[f].params.weight) -
		      (s64)cost(s);

	return planned < (s64)usual && planned >= (s64)(usual - usual / TRIM) ?
	       (u64)planned : usual;
}

/* Who takes the engine from the running world, and from when on. */
static u16 urgent(const struct vgpu_sched *s, u64 *from)
{
	const struct vgpu_sched_eevdf_function *running;
	u16 f = due_first(s, s->eevdf.v);
	u64 least, limit;

	if (s->running == VGPU_FUNCTION_NONE || s->gone || s->asked || !s->has_deadline ||
	    !s->function[s->running].runnable || f == VGPU_FUNCTION_NONE ||
	    !eevdf_of(s, f)->first)
		return VGPU_FUNCTION_NONE;
	running = eevdf_of(s, s->running);
	limit = s->function[f].params.priority == VGPU_SCHED_PRIORITY_HIGH ?
		running->plan + running->turn_v : running->deadline;
	if (!is_before(eevdf_of(s, f)->deadline, limit))
		return VGPU_FUNCTION_NONE;
	/* It has had its least slice when the switch, which is part of it, is over. */
	least = s->deadline > s->engine.last_ns ? s->deadline - s->engine.last_ns : 0;
	least = min(least, VGPU_SCHED_MIN_SLICE_NS);
	*from = s->engine.last_ns + (least > cost(s) ? least - cost(s) : 0);
	*from = max(*from, vgpu_sched_overhead_affordable(s));
	return *from + NEAR < s->deadline ? f : VGPU_FUNCTION_NONE;
}

static void check_who(const struct vgpu_sched *s, const struct vgpu_sched_choice *choice)
{
	struct outlook o = look(s);
	u16 best = due_first(s, o.saved_v);

	if (best == VGPU_FUNCTION_NONE)
		best = eligible_first(s);
	must(!choice->now);
	if (stays(s, &o, best)) {
		must_equal(choice->function, s->running);
		must_equal(choice->quantum_ns, vgpu_sched_slice(s, s->running));
	} else {
		must_equal(choice->function, best);
		must_equal(choice->quantum_ns, slice(s, best));
	}
}

static bool has_cap(const struct vgpu_sched *s, u16 f)
{
	return f != VGPU_FUNCTION_NONE && s->function[f].params.cap_quota_ns;
}

/**
 * pick_step() - is the choice of eevdf the one that it must be?
 * @w: the walk
 */
void pick_step(struct walk *w)
{
	struct vgpu_sched_choice choice = { .function = VGPU_FUNCTION_NONE };
	struct vgpu_sched *s = w->r->s;
	u64 now = rig_clock(w->r);
	u64 from = 0;
	u16 f;

	if (has_cap(s, s->running))
		return;
	if (!s->policy->pick(s, now, &choice)) {
		must(eligible_first(s) == VGPU_FUNCTION_NONE);
		return;
	}
	f = urgent(s, &from);
	if (f != VGPU_FUNCTION_NONE && now >= from) {
		must_equal(choice.function, f);
		must_equal(choice.quantum_ns, slice(s, f));
		must(choice.now);
		return;
	}
	must_equal(choice.review, f == VGPU_FUNCTION_NONE ? 0 : from);
	check_who(s, &choice);
	/* And that was done. */
	if (!has_cap(s, choice.function))
		must_equal(s->next, choice.function);
}

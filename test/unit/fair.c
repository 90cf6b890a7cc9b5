// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must be true after every step of a walk under eevdf: its books balance,
 * its trees are trees, its tournaments are played, and nobody is further ahead,
 * further behind, or later than what the comment in sched/eevdf.c derives. The formulas
 * are written down here once more, from that comment.
 *
 * A bound counts with the settings that are in force. What was owed, or had, when
 * they changed is not undone by that: it is carried along until it is gone, and
 * slices given before may still be about.
 */
#include <stdio.h>
#include "walk.h"

typedef __int128 s128;

/**
 * struct fair - what has been seen so far
 * @v: virtual time at the last step
 * @valid: @v counts
 * @known: functions that were started, others take no part
 * @turn: C of each function: most that one pick costs, U64_MAX for no limit
 * @outlook: how far a decision looks ahead while each function runs
 * @request: R of each function: what it can have requested, or come with
 * @high: it is of high priority
 * @ahead: L of each function
 * @carry: ns that each was ahead beyond @ahead when settings changed
 * @base: ns that each was behind then
 * @turns: sum of the largest of @ahead and @carry of all functions
 * @quanta: sum of all quanta for which the bounds were reckoned
 * @slack: what the way between core and device adds to each pick
 */
struct fair {
	u64 v;
	bool valid;
	bool known[MODEL_FUNCTIONS];
	u64 turn[MODEL_FUNCTIONS];
	u64 outlook[MODEL_FUNCTIONS];
	u64 request[MODEL_FUNCTIONS];
	bool high[MODEL_FUNCTIONS];
	u64 ahead[MODEL_FUNCTIONS];
	u64 carry[MODEL_FUNCTIONS];
	u64 base[MODEL_FUNCTIONS];
	u64 quanta;
	u64 slack;
};

/* ------------------------------------------------------------------------ */
/* Trees and tournaments                                                     */

/**
 * struct span - what a subtree has
 * @height: of it
 * @count: how many functions
 * @best: with the smallest value
 */
struct span {
	unsigned int height;
	unsigned int count;
	u16 best;
};

static bool precedes(u64 a, u16 a_function, u64 b, u16 b_function)
{
	return a == b ? a_function < b_function : (s64)(a - b) < 0;
}

static struct span check_subtree(const struct vgpu_sched_tree *t, u16 at, u16 *last)
{
	struct span left, right, span = { .best = at };
	const struct vgpu_sched_node *node;

	if (at == VGPU_FUNCTION_NONE)
		return span;
	node = &t->node[at];
	left = check_subtree(t, node->left, last);
	if (*last != VGPU_FUNCTION_NONE)
		must(precedes(t->node[*last].key, *last, node->key, at));
	*last = at;
	right = check_subtree(t, node->right, last);
	must(left.height <= right.height + 1 && right.height <= left.height + 1);
	if (left.count && precedes(t->node[left.best].value, left.best,
				   t->node[span.best].value, span.best))
		span.best = left.best;
	if (right.count && precedes(t->node[right.best].value, right.best,
				    t->node[span.best].value, span.best))
		span.best = right.best;
	must_equal(span.best, node->best);
	span.height = 1 + max(left.height, right.height);
	must_equal(span.height, node->height);
	span.count = 1 + left.count + right.count;
	return span;
}

/* Ordered, balanced, each knows the best below; of @count functions. */
static void check_tree(const struct vgpu_sched_tree *t, unsigned int count)
{
	u16 last = VGPU_FUNCTION_NONE;

	must_equal(check_subtree(t, t->root, &last).count, count);
}

/* Of two in a tournament: who wins? */
static u16 winner(const struct vgpu_sched_tournament *t, u16 a, u16 b)
{
	if (a == VGPU_SCHED_NOBODY || b == VGPU_SCHED_NOBODY)
		return min(a, b);
	return precedes(t->value[a], a, t->value[b], b) ? a : b;
}

/* All has been played, by @count functions. */
static void check_tournament(const struct vgpu_sched_tournament *t, unsigned int count)
{
	unsigned int i;

	for (i = 1; i < t->leaves; i++)
		must_equal(t->winner[i],
			   winner(t, t->winner[2 * i], t->winner[2 * i + 1]));
	for (i = 0; i < t->leaves; i++)
		count -= vgpu_sched_tournament_has(t, i);
	must_equal(count, 0);
}

static void check_members(const struct vgpu_sched *s)
{
	const struct vgpu_sched_eevdf *q = &s->eevdf;
	unsigned int waiting = 0, aside = 0, ghosts = 0;
	u64 weight = 0;
	u16 f;

	for (f = 0; f < s->config.functions; f++) {
		const struct vgpu_sched_function *fn = &s->function[f];
		const struct vgpu_sched_eevdf_function *e = &fn->eevdf;
		bool is_aside = vgpu_sched_tree_has(&q->aside, f);

		must(fn->queued || !is_aside);
		must_equal(vgpu_sched_tournament_has(&q->waiting, f),
			   fn->queued && !is_aside);
		must_equal(vgpu_sched_tournament_has(&q->ghosts, f), e->ghost);
		must(e->member || !e->ghost);
		must(e->member || !fn->queued);
		must(!e->ghost || !fn->queued);
		if (is_aside) {
			must(q->aside.node[f].key == e->v);
			must(q->aside.node[f].value == e->deadline);
		} else if (fn->queued) {
			must(q->waiting.value[f] == e->deadline);
		}
		if (e->ghost)
			must((s64)(e->v - q->v) >= 0 && q->ghosts.value[f] == e->v);
		waiting += fn->queued && !is_aside;
		aside += is_aside;
		ghosts += e->ghost;
		weight += e->member ? fn->params.weight : 0;
	}
	must_equal(weight, q->weight);
	check_tournament(&q->waiting, waiting);
	check_tree(&q->aside, aside);
	check_tournament(&q->ghosts, ghosts);
}

/* ------------------------------------------------------------------------ */
/* Conservation                                                              */

/*
 * (1): the lags of all members and all credits add up to nothing, but for what was
 * charged too early and what V lacks. In units of service, exactly.
 */
static void check_conservation(const struct vgpu_sched *s)
{
	const struct vgpu_sched_eevdf *q = &s->eevdf;
	s128 sum = q->rest - (s128)q->ahead;
	s64 credit = 0;
	u16 f;

	for (f = 0; f < s->config.functions; f++) {
		const struct vgpu_sched_eevdf_function *e = &s->function[f].eevdf;

		if (e->member) {
			sum += (s128)(s64)(q->v - e->v) * s->function[f].params.weight;
			sum -= e->rest;
		} else if (e->epoch == q->epoch && e->lag > 0) {
			credit += e->lag;
		}
	}
	must_equal(credit, q->credit);
	sum += credit;
	if (!q->weight)
		return;
	must_equal((s64)sum, 0);
}

/* ------------------------------------------------------------------------ */
/* Bounds                                                                    */

static u64 plus(u64 a, u64 b)
{
	return a > U64_MAX - b ? U64_MAX : a + b;
}

static u64 times(u64 a, u64 b)
{
	return a == U64_MAX || (s128)a * b > (s128)(U64_MAX >> 1) ? U64_MAX : a * b;
}

static u64 longest_slice(const struct vgpu_sched *s, u16 f)
{
	u64 quantum = vgpu_sched_quantum(s, f);

	if (s->function[f].params.quantum_ns == VGPU_SCHED_QUANTUM_AUTO)
		quantum *= VGPU_SCHED_STRETCH;
	return quantum ? quantum : U64_MAX;
}

/* What follows from the settings of one function alone. */
static void note_function(struct walk *w, u16 f, bool anew)
{
	const struct vgpu_sched *s = w->r->s;
	const struct vgpu_sched_params *p = &s->function[f].params;
	u64 leaving = max(s->config.save_ns, s->config.reset_ns);
	u64 quantum = vgpu_sched_quantum(s, f);
	u64 slice = longest_slice(s, f);
	struct fair *fair = w->fair;
	u64 turn, usual;

	turn = plus(slice, s->config.load_ns + fair->slack + leaving);
	turn = p->preempt_timeout_ns ? plus(turn, p->preempt_timeout_ns) : U64_MAX;
	usual = s->config.load_ns + s->config.save_ns +
		(quantum ? quantum : VGPU_SCHED_QUANTUM_DEFAULT);
	if (anew) {
		fair->turn[f] = 0;
		fair->outlook[f] = 0;
		fair->request[f] = 0;
		fair->high[f] = false;
	}
	fair->turn[f] = max(fair->turn[f], turn);
	fair->outlook[f] = max(fair->outlook[f], plus(slice, usual / 64));
	fair->request[f] = max(fair->request[f],
			       p->priority == VGPU_SCHED_PRIORITY_LOW ?
			       usual / 2 * 4 : usual / 2 * 2);
	fair->high[f] |= p->priority == VGPU_SCHED_PRIORITY_HIGH;
}

/* (2) */
static void note_ahead(struct walk *w, u16 f)
{
	struct fair *fair = w->fair;
	u64 other = 0;
	u16 g;

	for (g = 0; g < w->setup->functions; g++)
		if (g != f && fair->known[g])
			other = max(other, fair->outlook[g]);
	fair->ahead[f] = plus(fair->turn[f], plus(other, fair->slack));
}

/* (3), with what is carried along from before */
static u64 others_turns(const struct walk *w, u16 f)
{
	const struct fair *fair = w->fair;
	u64 sum = 0, turn = 0;
	u16 g;

	for (g = 0; g < w->setup->functions; g++) {
		if (g == f || !fair->known[g])
			continue;
		sum = plus(sum, max(fair->ahead[g], fair->carry[g]));
		if (fair->high[g])
			sum = plus(sum, times(fair->turn[g], 2));
		turn = max(turn, fair->turn[g]);
	}
	return plus(sum, turn);
}

/**
 * fair_latency() - how long a function may wait: (5)
 * @w: the walk
 * @f: which one
 *
 * Return: ns, U64_MAX for ever.
 */
u64 fair_latency(const struct walk *w, u16 f)
{
	const struct vgpu_sched *s = w->r->s;
	const struct fair *fair = w->fair;
	u64 ahead = plus(fair->request[f], max(fair->ahead[f], fair->carry[f]));
	u64 weight = 0;
	u16 g;

	for (g = 0; g < w->setup->functions; g++)
		if (fair->known[g])
			weight += s->function[g].params.weight;
	ahead = times(ahead, weight);
	if (ahead != U64_MAX)
		ahead /= s->function[f].params.weight;
	return plus(plus(ahead, others_turns(w, f)), s->config.load_ns +
		    max(s->config.save_ns, s->config.reset_ns));
}

/* What the core adds for being throttled; here that does not count as waiting. */
static u64 throttled(const struct vgpu_sched *s, u16 f)
{
	const struct vgpu_sched_params *p = &s->function[f].params;
	u64 leaving = max(s->config.save_ns, s->config.reset_ns);

	if (!p->cap_quota_ns)
		return 0;
	return p->cap_period_ns *
	       (2 + (p->preempt_timeout_ns + leaving) / p->cap_quota_ns);
}

/* The code has to come to the same, where nothing is carried along. */
static void check_formulas(struct walk *w)
{
	const struct vgpu_sched *s = w->r->s;
	const struct fair *fair = w->fair;
	u64 ahead, behind;
	u16 f;

	for (f = 0; f < w->setup->functions; f++)
		if (!fair->known[f] || fair->carry[f] ||
		    s->function[f].parked & VGPU_SCHED_PARK_DISABLED)
			return;
	for (f = 0; f < w->setup->functions; f++) {
		u64 turns = others_turns(w, f);
		u64 bound = fair_latency(w, f);

		s->policy->lag_bounds(s, f, &ahead, &behind);
		must(vgpu_sched_lag_bound(s, f) == max(ahead, behind));
		must((ahead == U64_MAX) == (turns == U64_MAX));
		must((vgpu_sched_latency_bound(s, f) == U64_MAX) == (bound == U64_MAX));
		if (ahead == U64_MAX)
			continue;
		must_equal(ahead, fair->ahead[f]);
		behind -= fair->request[f];
		bound += behind - turns + throttled(s, f);
		/* Simpler, so somewhat larger: each L has the same longest slice. */
		must(behind >= turns && behind <= 2 * turns);
		must_equal(vgpu_sched_latency_bound(s, f), bound);
	}
}

static u64 part(s64 value)
{
	return value > 0 ? value : 0;
}

static u64 sum_quanta(const struct walk *w)
{
	u64 sum = 0;
	u16 f;

	for (f = 0; f < w->setup->functions; f++)
		sum += vgpu_sched_quantum(w->r->s, f);
	return sum;
}

/*
 * What follows from the settings of all. Unless @anew, slices of other settings may
 * be about: the largest values of both count.
 */
static void renew(struct walk *w, bool anew)
{
	u16 f;

	w->fair->quanta = sum_quanta(w);
	for (f = 0; f < w->setup->functions; f++)
		note_function(w, f, anew);
	for (f = 0; f < w->setup->functions; f++)
		note_ahead(w, f);
}

/**
 * fair_settings() - some setting may have changed
 * @w: the walk
 */
void fair_settings(struct walk *w)
{
	const struct vgpu_sched *s = w->r->s;
	struct fair *fair = w->fair;
	struct fair before;
	u16 f;

	for (f = 0; f < w->setup->functions; f++)
		if (!(s->function[f].parked & VGPU_SCHED_PARK_DISABLED))
			fair->known[f] = true;
	before = *fair;
	if (s->policy == &vgpu_sched_eevdf && !(w->setup->allowed & WALK_RESERVE)) {
		fair->slack = 0;
		renew(w, true);
		check_formulas(w);
		*fair = before;
	}
	renew(w, false);
}

/**
 * fair_settled() - all slices under way were given with the present settings
 * @w: the walk
 */
void fair_settled(struct walk *w)
{
	const struct vgpu_sched *s = w->r->s;
	struct fair *fair = w->fair;
	u16 f;

	renew(w, true);
	for (f = 0; f < w->setup->functions; f++) {
		s64 lag = vgpu_sched_lag(s, f);

		fair->carry[f] = part(-lag) > fair->ahead[f] ? part(-lag) : 0;
		fair->base[f] = part(lag);
	}
}

/* Quanta that the core chooses follow what switches cost. */
static void follow_quanta(struct walk *w)
{
	if (w->fair->quanta != sum_quanta(w))
		renew(w, false);
}

static void check_lag(struct walk *w, u16 f)
{
	struct fair *fair = w->fair;
	s64 lag = vgpu_sched_lag(w->r->s, f);
	u64 ahead = max(fair->ahead[f], fair->carry[f]);
	u64 behind = plus(max(fair->request[f], fair->base[f]), others_turns(w, f));

	if (ahead < U64_MAX >> 1) {
		must_compare(-lag, <=, (s64)ahead);
		walk_note(&w->lag, part(-lag), ahead);
	}
	if (behind < U64_MAX >> 1) {
		must_compare(lag, <=, (s64)behind);
		walk_note(&w->lag, part(lag), behind);
	}
	if (fair->carry[f] > fair->ahead[f] && !w->old_slices)
		fair->carry[f] = part(-lag) > fair->ahead[f] ? part(-lag) : 0;
	if (part(lag) <= fair->request[f])
		fair->base[f] = 0;
}

/* ------------------------------------------------------------------------ */

/**
 * fair_print() - for the reader of a failure
 * @w: the walk
 */
void fair_print(const struct walk *w)
{
	const struct vgpu_sched *s = w->r->s;
	u16 f;

	printf("# virtual time %llu, weight %u, credit %lld, ahead %llu, running %d\n",
	       (unsigned long long)s->eevdf.v, s->eevdf.weight,
	       (long long)s->eevdf.credit, (unsigned long long)s->eevdf.ahead,
	       (short)s->running);
	for (f = 0; f < w->setup->functions; f++) {
		const struct vgpu_sched_function *fn = &s->function[f];

		printf("# %2u: %s%s%s%s weight %u, lag %lld, v %+lld, deadline %+lld\n",
		       f, fn->eevdf.member ? "member" : "outside",
		       fn->eevdf.ghost ? " ghost" : "", fn->queued ? " queued" : "",
		       fn->throttled ? " throttled" : "", fn->params.weight,
		       (long long)vgpu_sched_lag(s, f),
		       (long long)(fn->eevdf.v - s->eevdf.v),
		       (long long)(fn->eevdf.deadline - s->eevdf.v));
	}
}

/**
 * fair_begin() - a walk begins
 * @w: the walk
 */
void fair_begin(struct walk *w)
{
	static struct fair fair;

	fair = (struct fair){ .slack = 2 * w->driver_latency };
	w->fair = &fair;
	w->r->s->eevdf.v = w->setup->origin;
	fair_settings(w);
}

/**
 * fair_step() - check everything that eevdf promises
 * @w: the walk
 */
void fair_step(struct walk *w)
{
	const struct vgpu_sched *s = w->r->s;
	struct fair *fair = w->fair;
	u16 f;

	must((s64)(s->eevdf.v - fair->v) >= 0 || !fair->valid);
	fair->v = s->eevdf.v;
	fair->valid = true;
	if (s->policy != &vgpu_sched_eevdf)
		return;
	check_members(s);
	/* Without bounds a lag may come to the limit of what is kept. */
	if (!(w->setup->allowed & WALK_UNBOUNDED))
		check_conservation(s);
	if (!(w->setup->allowed & WALK_RESERVE))
		pick_step(w);
	if (w->setup->allowed & (WALK_LOSE | WALK_VANISH | WALK_STUCK | WALK_GARBLE))
		return;
	follow_quanta(w);
	for (f = 0; f < w->setup->functions; f++)
		if (fair->known[f])
			check_lag(w, f);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Earliest eligible virtual deadline first, for an engine whose slices overrun and
 * whose switches cost as much as they do.
 *
 * The idea is that of I. Stoica and H. Abdel-Wahab, "Earliest Eligible Virtual
 * Deadline First" (1995). Their proof needs slices that end when they should, and
 * functions that come and go with nothing owed. Here neither is true, so what is
 * promised is derived anew.
 *
 * Terms. A *member* is a function that wants the engine, has it, or is in debt; W
 * is the sum of the weights of all members. Virtual time V moves on by c / W for
 * each c ns that the engine is used, whatever for: loading, running, overrunning,
 * saving, resetting. The function that caused it is charged: its virtual service
 * v_i moves on by c / w_i. Hence lag_i = w_i (V - v_i) is what an ideal engine,
 * serving all members at once in proportion to their weights, would have given
 * it more than it has had. A request is half of a slice with its switches,
 *
 *	r_i = (load + quantum_i + save) / 2,	deadline d_i = v_i + r_i / w_i,
 *
 * and a function is eligible if v_i <= V, that is lag_i >= 0. Of all that are
 * eligible the one with the earliest deadline is next. That is decided one slice
 * ahead, with V and v of the running world as they will be at its deadline, and with
 * V after its save for the others. (With requests of whole slices the order would be
 * that of D'Hondt's way to share out seats, which favours the heavy ones; with half
 * of them it is Sainte-Laguë's, which is closest to the weights in any time span.)
 *
 * Coming and going. Who leaves with lag < 0 stays a member, a *ghost*, which is
 * never picked, until V has caught up with it: so sleeping, parking or toggling
 * sheds no debt. Who leaves with lag > 0 takes it along as a *credit* of at most
 * 2 r_i (what is above falls to the others: V moves on by excess / W) and brings it
 * back when it returns. If nobody who waits is eligible, then because others have
 * taken their turns on credit: then all credits expire, and V moves on by their
 * sum / W. Who has run dry has left, even if its world is on the engine; and who can
 * not go on there when it is due gives up its lag with the credits (give_up()). All
 * of this keeps
 *
 *	(1)	sum of lag_i of all members + sum of all credits = 0
 *
 * and moves V forwards only. So the sum over the members is never above 0.
 *
 * The bound. One pick of i costs at most
 *
 *	C_i = load + longest slice_i + preempt timeout_i + max(save, reset)
 *
 * Ahead: i is picked if lag_i >= 0 when the running world j has used up its slice,
 * with what it usually takes to leave, and has been saved. If j goes idle before
 * that, V is behind by less than that outlook of j / W. Then i runs. So
 *
 *	(2)	-lag_i <= L_i = C_i + max over j != i of outlook_j
 *	outlook_j = longest slice_j + turn_j / EEVDF_USUAL
 *
 * (Who is alone is not picked again and again, but then W = w_i, and its lag does
 * not change unless there are ghosts; if they make it less than -2 r_i, the credits
 * expire.)
 *
 * Behind: let k wait, and let t be the moment when V passes d_k. There lag_k is what
 * it requested, r_k (more at low priority), or what it came with, 2 r_k at most: R_k.
 * From then on only somebody with a deadline not after d_k is picked before k, but
 * for at most one that was armed before; those who come later have deadlines behind
 * V (first_deadline()). Who is picked has v_i < d_i <= d_k, and ends at
 * v_i <= d_k + C_i / w_i. Hence all that the others get between t and the start of
 * k is, with X those whose lag at t is above 0,
 *
 *	sum over i in X of (lag_i(t) + C_i) + what j, running at t, still gets
 *	+ C of the one that was armed
 *
 * By (1) the lags of X, without that of k, are not more than what all the others
 * are ahead, which for each is L_i at most, and for j, too, together with what it
 * still gets. Those of high priority (H below) may come later than t and still be
 * due before d_k, but only until V has moved on by r_i / w_i, in which each gets r_i
 * and one overrun at most. So all that is at most
 *
 *	(3)	T_k = sum over i != k of L_i + max over i != k of C_i
 *			+ 2 sum over i in H, i != k, of C_i
 *
 * and as lag_k grows by less than what the others get,
 *
 *	(4)	lag_k <= R_k + T_k
 *
 * whatever the others do, come, go, toggle or overrun. Before t, V has to pass from
 * where it was when k came to d_k, for which the engine is used for W (d_k - V):
 *
 *	(5)	latency_k <= (W / w_k) (R_k + L_k) + T_k + load + max(save, reset)
 *
 * where W counts all that may become members. The last two terms are k's own load,
 * and its save, if it comes back while its world is just leaving. This is for a
 * device that keeps deadlines; without that each switch adds the latency of the
 * interrupts, which nothing here can know.
 *
 * Priority. The first request after waking of a function of high priority is due
 * at V - r_i / w_i, so it is picked before all who are not very late; it is charged
 * as everybody is. That of one of low priority is longer. Who wakes with an earlier
 * deadline than the running world takes the engine from it if overhead.c has the
 * switch to spare.
 *
 * Finding the next one. Who waits is in a tournament by deadline (tournament.h). Mostly
 * its winner is eligible, and that is all. One who is not is set aside: into a tree by
 * virtual service in which each subtree knows its earliest deadline (tree.h), where it
 * stays for as long as it waits. So whoever is eligible is found in O(log n) at any
 * virtual time, now or as far as a decision looks ahead, and what comes and goes costs
 * O(log n), too; nobody is set aside more than once while he waits.
 *
 * Rhythm. A turn that ends a little late is followed by one that is as much shorter
 * (plan_turn()), so all turns of a function end where they were planned, and a round
 * of equals stays in order.
 */
#include "core.h"

/* A slice is shortened by up to this part of it for what was overrun before. */
#define EEVDF_TRIM	32
/* To leave usually takes less than this part of a turn. */
#define EEVDF_USUAL	64
/* Ahead in the queue by less than this part of a turn is no matter. */
#define EEVDF_CLEARLY	4
/* A function of low priority waits as if its request were so many times as long. */
#define EEVDF_LOW	4
/*
 * Who has no bound, because somebody has no deadline or no preempt timeout, is not
 * owed and does not owe more, in units of service: 9 h. Nor is any virtual service
 * farther from V; that is looked after whenever V has moved by EEVDF_FAR / 16.
 */
#define EEVDF_LAG_MAX	((s64)BIT_ULL(61))
#define EEVDF_FAR_SHIFT	60
#define EEVDF_FAR	BIT_ULL(EEVDF_FAR_SHIFT)
/* NOW is not used so close to a deadline, ns: see race 2 in core.c. */
#define EEVDF_NEAR	50000ull

static struct vgpu_sched_eevdf_function *eevdf_of(struct vgpu_sched *s, u16 function)
{
	return &s->function[function].eevdf;
}

static u32 weight_of(const struct vgpu_sched *s, u16 function)
{
	return s->function[function].params.weight;
}

/* In units of service, of which virtual time loses nothing. */
static s64 to_service(s64 ns)
{
	return ns * (1 << VGPU_SCHED_V_SHIFT);
}

/* Move a virtual time by @service at @weight, exactly. */
static void move(u64 *v, u32 *rest, s64 service, u32 weight)
{
	u32 r;

	if (service >= 0) {
		*v += div_u64_rem(service + *rest, weight, rest);
		return;
	}
	*v -= div_u64_rem(-service, weight, &r);
	if (*rest < r) {
		*v -= 1;
		*rest += weight;
	}
	*rest -= r;
}

static u64 later(u64 v, u64 ns, u32 weight)
{
	return v + div_u64(ns << VGPU_SCHED_V_SHIFT, weight);
}

/* What a member is owed, as of now, in units of service; 9 h at most. */
static s64 service_lag(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_eevdf_function *e = &s->function[function].eevdf;
	s64 behind = s->eevdf.v - e->v;
	s64 lag;

	if (__builtin_mul_overflow(behind, (s64)weight_of(s, function), &lag))
		return behind > 0 ? EEVDF_LAG_MAX : -EEVDF_LAG_MAX;
	lag = min_t(s64, lag - e->rest, EEVDF_LAG_MAX);
	return -min_t(s64, -lag, EEVDF_LAG_MAX);
}

/* The same in ns. */
static s64 lag_of(const struct vgpu_sched *s, u16 function)
{
	return service_lag(s, function) >> VGPU_SCHED_V_SHIFT;
}

/* What @function has taken along, in units of service, while it is no member. */
static s64 kept_lag(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_eevdf_function *e = &s->function[function].eevdf;

	return e->lag < 0 || e->epoch == s->eevdf.epoch ? e->lag : 0;
}

/**
 * vgpu_sched_eevdf_lag() - what a function is owed
 * @s: the core
 * @function: which one
 *
 * Return: its lag, or the credit that it has left with, ns.
 */
s64 vgpu_sched_eevdf_lag(const struct vgpu_sched *s, u16 function)
{
	if (s->function[function].eevdf.member)
		return lag_of(s, function);
	return kept_lag(s, function) >> VGPU_SCHED_V_SHIFT;
}

static void note_lag(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_stats *stats = &s->function[function].stats;
	s64 lag = lag_of(s, function);

	if (lag < stats->lag_min)
		stats->lag_min = lag;
	if (lag > stats->lag_max)
		stats->lag_max = lag;
	if (lag < s->total.lag_min)
		s->total.lag_min = lag;
	if (lag > s->total.lag_max)
		s->total.lag_max = lag;
}

/* ------------------------------------------------------------------------ */
/* Requests                                                                  */

static u64 switch_cost(const struct vgpu_sched *s)
{
	return s->config.load_ns + s->config.save_ns;
}

/* A slice with its switches. No deadline means no limit, but a turn has an end. */
static u64 turn(const struct vgpu_sched *s, u16 function)
{
	u64 quantum = vgpu_sched_quantum(s, function);

	return switch_cost(s) + (quantum ? quantum : VGPU_SCHED_QUANTUM_DEFAULT);
}

/* The turn of a function may have another length, or another weight, now. */
static void measure_turn(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);

	e->turn_ns = turn(s, function);
	e->turn_v = later(0, e->turn_ns, weight_of(s, function));
}

/* What @v of a function will be at the end of its next turn if all goes to plan. */
static u64 planned(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_eevdf_function *e = &s->function[function].eevdf;

	return e->plan + e->turn_v;
}

/* Service that lies between two virtual services of a function, ns. */
static s64 service_between(const struct vgpu_sched *s, u16 function, u64 from, u64 to)
{
	return ((s64)(to - from) * (s64)weight_of(s, function)) >> VGPU_SCHED_V_SHIFT;
}

/* A usual request. */
static u64 request(const struct vgpu_sched *s, u16 function)
{
	return turn(s, function) / 2;
}

/* R in the comment above: the first one after waking may be longer. */
static u64 longest_request(const struct vgpu_sched *s, u16 function)
{
	u64 usual = request(s, function);

	return s->function[function].params.priority == VGPU_SCHED_PRIORITY_LOW ?
	       EEVDF_LOW * usual : 2 * usual;
}

/* ------------------------------------------------------------------------ */
/* Members                                                                   */

static void expire_credits(struct vgpu_sched *s)
{
	struct vgpu_sched_eevdf *q = &s->eevdf;

	if (q->credit > 0)
		move(&q->v, &q->rest, q->credit, q->weight);
	q->credit = 0;
	q->epoch++;
}

/* @function is no member any more; what is above @lag falls to the others. */
static void dismiss(struct vgpu_sched *s, u16 function, s64 lag)
{
	struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);
	struct vgpu_sched_eevdf *q = &s->eevdf;
	s64 excess = service_lag(s, function) - lag;

	e->member = false;
	e->ghost = false;
	e->lag = lag;
	e->epoch = q->epoch;
	q->credit += lag;
	q->weight -= weight_of(s, function);
	/* Nobody else is there: by (1) the excess is what was charged too early. */
	if (q->weight)
		move(&q->v, &q->rest, excess, q->weight);
	else
		q->ahead -= min_t(u64, q->ahead, excess);
}

/* V has moved on: who has paid its debt? */
static void dismiss_ghosts(struct vgpu_sched *s)
{
	struct vgpu_sched_eevdf *q = &s->eevdf;
	u16 first = vgpu_sched_tournament_first(&q->ghosts);

	while (first != VGPU_FUNCTION_NONE &&
	       vgpu_sched_before(eevdf_of(s, first)->v, q->v)) {
		vgpu_sched_tournament_withdraw(&q->ghosts, first);
		dismiss(s, first, 0);
		first = vgpu_sched_tournament_first(&q->ghosts);
	}
}

/* Of the first request after waking. */
static u64 first_deadline(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_eevdf_function *e = &s->function[function].eevdf;
	u64 usual = e->turn_v / 2;
	u64 deadline;

	switch (s->function[function].params.priority) {
	case VGPU_SCHED_PRIORITY_HIGH:
		return s->eevdf.v - usual;
	case VGPU_SCHED_PRIORITY_LOW:
		usual *= EEVDF_LOW;
		break;
	}
	deadline = e->v + usual;
	/* Credit makes nobody due before those who wait already. */
	return vgpu_sched_before(deadline, s->eevdf.v) ? s->eevdf.v : deadline;
}

/* @function wants the engine, or has it: make it a member with what it was owed. */
static void join(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);
	struct vgpu_sched_eevdf *q = &s->eevdf;
	s64 lag = kept_lag(s, function);

	if (e->ghost) {
		vgpu_sched_tournament_withdraw(&q->ghosts, function);
		e->ghost = false;
	} else {
		if (lag > 0)
			q->credit -= lag;
		e->member = true;
		e->v = q->v;
		e->rest = 0;
		q->weight += weight_of(s, function);
		move(&e->v, &e->rest, -lag, weight_of(s, function));
	}
	e->plan = e->v;
	measure_turn(s, function);
	e->deadline = first_deadline(s, function);
}

/* @function does not want the engine any more. */
static void leave(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);
	s64 lag = service_lag(s, function);

	note_lag(s, function);
	if (lag < 0) {
		e->ghost = true;
		vgpu_sched_tournament_enter(&s->eevdf.ghosts, function, e->v);
		return;
	}
	dismiss(s, function, min_t(s64, lag, to_service(turn(s, function))));
	dismiss_ghosts(s);
}

/* ------------------------------------------------------------------------ */
/* The policy                                                                */

static void eevdf_reset(struct vgpu_sched *s)
{
	struct vgpu_sched_eevdf *q = &s->eevdf;
	unsigned int i;

	vgpu_sched_tournament_init(&q->waiting, s->config.functions);
	vgpu_sched_tree_init(&q->aside);
	vgpu_sched_tournament_init(&q->ghosts, s->config.functions);
	vgpu_sched_reservation_reset(s);
	q->weight = 0;
	q->first = 0;
	for (i = 0; i < s->config.functions; i++) {
		struct vgpu_sched_eevdf_function *e = eevdf_of(s, i);

		e->first = false;
		if (e->lag >= 0)
			continue;
		join(s, i);
		e->ghost = true;
		vgpu_sched_tournament_enter(&q->ghosts, i, e->v);
	}
}

/* What each is owed, or owes, outlasts other policies. */
static void eevdf_retire(struct vgpu_sched *s)
{
	unsigned int i;

	for (i = 0; i < s->config.functions; i++) {
		struct vgpu_sched_eevdf_function *e = eevdf_of(s, i);

		if (!e->member)
			continue;
		e->lag = service_lag(s, i);
		e->epoch = s->eevdf.epoch;
		e->member = false;
		e->ghost = false;
		if (e->lag > 0)
			s->eevdf.credit += e->lag;
	}
}

static int eevdf_admit(const struct vgpu_sched *s, u16 function,
		       const struct vgpu_sched_params *params,
		       struct vgpu_sched_why *why)
{
	return vgpu_sched_reservation_admit(s, function, params, why);
}

static void remove_waiting(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_eevdf *q = &s->eevdf;

	if (vgpu_sched_tournament_has(&q->waiting, function))
		vgpu_sched_tournament_withdraw(&q->waiting, function);
	else
		vgpu_sched_tree_remove(&q->aside, function);
}

/* @v and @deadline of a function that may wait, or be a ghost, are going to change. */
static void lift(struct vgpu_sched *s, u16 function)
{
	if (s->function[function].queued)
		remove_waiting(s, function);
	else if (s->function[function].eevdf.ghost)
		vgpu_sched_tournament_withdraw(&s->eevdf.ghosts, function);
}

/* They have changed. */
static void put_back(struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);

	if (s->function[function].queued)
		vgpu_sched_tournament_enter(&s->eevdf.waiting, function, e->deadline);
	else if (e->ghost)
		vgpu_sched_tournament_enter(&s->eevdf.ghosts, function, e->v);
}

/**
 * vgpu_sched_eevdf_waits() - does anybody wait for the engine?
 * @s: the core
 *
 * Return: true if the policy has somebody queued.
 */
bool vgpu_sched_eevdf_waits(const struct vgpu_sched *s)
{
	return vgpu_sched_tournament_first(&s->eevdf.waiting) != VGPU_FUNCTION_NONE ||
	       s->eevdf.aside.root != VGPU_FUNCTION_NONE;
}

/* Of two who wait, or nobody: who has the earlier deadline? */
static u16 earlier(const struct vgpu_sched *s, u16 a, u16 b)
{
	s64 difference;

	if (a == VGPU_FUNCTION_NONE || b == VGPU_FUNCTION_NONE)
		return min(a, b);
	difference = s->function[a].eevdf.deadline - s->function[b].eevdf.deadline;
	if (!difference)
		return min(a, b);
	return difference < 0 ? a : b;
}

/*
 * Who has the earliest deadline of all who wait with a virtual service up to @limit?
 * If it is nobody, all who wait are aside.
 */
static u16 earliest(struct vgpu_sched *s, u64 limit)
{
	struct vgpu_sched_eevdf *q = &s->eevdf;
	u16 first = vgpu_sched_tournament_first(&q->waiting);

	while (first != VGPU_FUNCTION_NONE &&
	       vgpu_sched_before(limit, eevdf_of(s, first)->v)) {
		const struct vgpu_sched_eevdf_function *e = eevdf_of(s, first);

		vgpu_sched_tournament_withdraw(&q->waiting, first);
		vgpu_sched_tree_insert(&q->aside, first, e->v, e->deadline);
		first = vgpu_sched_tournament_first(&q->waiting);
	}
	if (q->aside.root == VGPU_FUNCTION_NONE)
		return first;
	return earlier(s, first, vgpu_sched_tree_best(&q->aside, limit));
}

/* A new weight does not change what anybody is owed. */
static void eevdf_change(struct vgpu_sched *s, u16 function,
			 const struct vgpu_sched_params *params)
{
	struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);
	u32 weight = weight_of(s, function);
	s64 lag;

	vgpu_sched_reservation_change(s, function, params);
	if (!e->member || params->weight == weight)
		return;
	lag = service_lag(s, function);
	lift(s, function);
	s->eevdf.weight += params->weight - weight;
	e->v = s->eevdf.v;
	e->rest = 0;
	move(&e->v, &e->rest, -lag, params->weight);
	e->plan = e->v;
	e->turn_v = later(0, e->turn_ns, params->weight);
	e->deadline = e->v + e->turn_v / 2;
	put_back(s, function);
}

/* @function, a member, has had a turn, or a part of one. */
static void plan_turn(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);
	s64 late, some;

	if (e->turn_ns != turn(s, function))
		measure_turn(s, function);
	late = e->v - planned(s, function);
	some = e->turn_v / EEVDF_TRIM;
	e->plan = late >= -some && late <= some ? planned(s, function) : e->v;
	/* Has it had what it requested, but for what a switch costs? */
	if (service_between(s, function, e->v, e->deadline) <= (s64)switch_cost(s))
		e->deadline = e->plan + e->turn_v / 2;
}

static void eevdf_enqueue(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);

	vgpu_sched_reservation_enqueue(s, function);
	if (!e->member || e->ghost) {
		join(s, function);
		e->first = true;
		s->eevdf.first++;
	} else {
		plan_turn(s, function);
	}
	vgpu_sched_tournament_enter(&s->eevdf.waiting, function, e->deadline);
}

static void eevdf_dequeue(struct vgpu_sched *s, u16 function)
{
	vgpu_sched_reservation_dequeue(s, function);
	remove_waiting(s, function);
	if (eevdf_of(s, function)->first) {
		eevdf_of(s, function)->first = false;
		s->eevdf.first--;
	}
	if (s->running != function)
		leave(s, function);
}

static void eevdf_start(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);
	struct vgpu_sched_eevdf *q = &s->eevdf;

	vgpu_sched_reservation_start(s, function);
	if (!e->member || e->ghost)
		join(s, function);
	if (q->credit > 0 && vgpu_sched_before(q->v, e->v) &&
	    !vgpu_sched_reservation_pays(s, function) &&
	    earliest(s, q->v) == VGPU_FUNCTION_NONE) {
		expire_credits(s);
		dismiss_ghosts(s);
	}
	note_lag(s, function);
}

/*
 * A world that has run dry may stay on the engine, but it has left: else it could
 * be owed more and more while it has nothing to do, and bring all of that back.
 */
static void attend_running(struct vgpu_sched *s)
{
	const struct vgpu_sched_function *fn;
	bool member;

	if (s->running == VGPU_FUNCTION_NONE || s->gone)
		return;
	fn = &s->function[s->running];
	member = fn->eevdf.member && !fn->eevdf.ghost;
	if (fn->runnable && !fn->parked && !fn->throttled) {
		if (!member)
			join(s, s->running);
	} else if (member) {
		leave(s, s->running);
	}
}

static void eevdf_stop(struct vgpu_sched *s, u16 function, bool wanted)
{
	const struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);

	vgpu_sched_reservation_stop(s, function, wanted);
	if (e->member)
		note_lag(s, function);
	if (!wanted && e->member && !e->ghost)
		leave(s, function);
}

/*
 * Nobody who waits may fall so far behind V that he would seem to be ahead. O(n), but
 * it takes 18 minutes or more until the next time.
 */
static void catch_up(struct vgpu_sched *s)
{
	u64 farthest = s->eevdf.v - EEVDF_FAR;
	unsigned int i;

	for (i = 0; i < s->config.functions; i++) {
		struct vgpu_sched_eevdf_function *e = eevdf_of(s, i);

		if (!s->function[i].queued || !vgpu_sched_before(e->v, farthest))
			continue;
		lift(s, i);
		e->deadline += farthest - e->v;
		e->v = farthest;
		put_back(s, i);
	}
}

static void eevdf_charge(struct vgpu_sched *s, u16 function, s64 ran, s64 switched)
{
	struct vgpu_sched_eevdf_function *e = eevdf_of(s, function);
	struct vgpu_sched_eevdf *q = &s->eevdf;
	bool outsider = !e->member;
	s64 ns = ran + switched;
	u64 before = q->v;
	s64 service;

	if (vgpu_sched_reservation_pays(s, function))
		ns = vgpu_sched_reservation_charge(s, function, ran, switched);
	if (!ns)
		return;
	service = to_service(ns);
	if (outsider)
		join(s, function);
	lift(s, function);
	move(&e->v, &e->rest, service, weight_of(s, function));
	if (vgpu_sched_before(q->v + EEVDF_FAR, e->v))
		e->v = q->v + EEVDF_FAR;
	put_back(s, function);
	if (service < 0) {
		q->ahead -= service;
	} else {
		u64 known = min_t(u64, q->ahead, service);

		q->ahead -= known;
		move(&q->v, &q->rest, service - known, q->weight);
	}
	if ((before ^ q->v) >> (EEVDF_FAR_SHIFT - 4))
		catch_up(s);
	if (outsider)
		leave(s, function);
	dismiss_ghosts(s);
	if (!outsider && s->running == function &&
	    !vgpu_sched_eevdf_waits(s) && q->credit > 0 &&
	    lag_of(s, function) < -(s64)turn(s, function)) {
		expire_credits(s);
		dismiss_ghosts(s);
	}
}

/* ------------------------------------------------------------------------ */
/* Who is next                                                               */

/**
 * struct eevdf_view - how things will be when the running world is due
 * @v: virtual time then
 * @saved_v: virtual time when it has been saved, too
 * @running: the world can go on with another slice
 * @running_v: its virtual service then
 * @running_deadline: its virtual deadline then
 */
struct eevdf_view {
	u64 v;
	u64 saved_v;
	bool running;
	u64 running_v;
	u64 running_deadline;
};

static void look_ahead(const struct vgpu_sched *s, u64 now, struct eevdf_view *view)
{
	const struct vgpu_sched_function *fn;
	u16 running = s->running;
	u32 weight;
	u64 left;

	*view = (struct eevdf_view){ .v = s->eevdf.v, .saved_v = s->eevdf.v };
	if (running == VGPU_FUNCTION_NONE || s->gone || !s->function[running].runnable)
		return;
	fn = &s->function[running];
	weight = weight_of(s, running);
	left = s->has_deadline && s->deadline > s->charged ? s->deadline - s->charged : 0;
	if (vgpu_sched_reservation_pays(s, running))
		left = 0;
	view->v = later(s->eevdf.v, left, s->eevdf.weight);
	view->running_v = later(fn->eevdf.v, left, weight);
	if (left)
		left += turn(s, running) / EEVDF_USUAL;
	view->saved_v = later(s->eevdf.v, left + s->config.save_ns, s->eevdf.weight);
	view->running_deadline = fn->eevdf.deadline;
	if (service_between(s, running, view->running_v, view->running_deadline) <=
	    (s64)switch_cost(s))
		view->running_deadline = view->running_v + fn->eevdf.turn_v / 2;
	view->running = s->has_deadline && !s->asked && !s->dry && !fn->parked && !fn->throttled &&
			(!fn->params.cap_quota_ns ||
			 vgpu_sched_cap_slice(s, running, vgpu_sched_slice(s, running),
					      false, now));
}

/*
 * Shall the running world, when it is due, go on, rather than @best come? Only if
 * it is clearly ahead in the queue: in a round of equals all lags are nearly 0 at
 * the end, and a µs of overrun shall not give anybody two turns in a row.
 */
static bool goes_on(const struct vgpu_sched *s, const struct eevdf_view *view, u16 best)
{
	const struct vgpu_sched_eevdf_function *e = &s->function[best].eevdf;
	bool eligible = !vgpu_sched_before(view->v, view->running_v);
	bool best_eligible = !vgpu_sched_before(view->saved_v, e->v);
	u64 doubt;
	u32 weight;

	if (!view->running || !eligible)
		return false;
	doubt = turn(s, s->running) / EEVDF_CLEARLY;
	weight = weight_of(s, s->running);
	if (!best_eligible)
		return vgpu_sched_before(later(view->running_v, doubt, weight), e->v);
	return vgpu_sched_before(later(view->running_deadline, doubt, weight),
				 e->deadline);
}

/*
 * The slice of a function that waits: what is left of its plan, so what it overran
 * by before is paid back at once if it is not much. Otherwise such trifles would
 * add up until they change the order of a round, by a whole slice.
 */
static u64 slice_of(const struct vgpu_sched *s, u16 function)
{
	u64 slice = vgpu_sched_slice(s, function);
	s64 left = service_between(s, function, s->function[function].eevdf.v,
				   planned(s, function)) - (s64)switch_cost(s);

	if (left >= (s64)(slice - slice / EEVDF_TRIM) && left < (s64)slice)
		return left;
	return slice;
}

/*
 * Is who has woken more urgent than the running world? If it is of high priority,
 * than what is left of that one's turn; else than its request.
 */
static bool is_urgent(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_function *fn = &s->function[function];
	u16 running = s->running;
	bool high = fn->params.priority == VGPU_SCHED_PRIORITY_HIGH;

	return fn->eevdf.first &&
	       vgpu_sched_before(fn->eevdf.deadline,
				 high ? planned(s, running) :
					s->function[running].eevdf.deadline);
}

/* Has somebody woken who shall not wait for the end of the running slice? */
static bool preempts(struct vgpu_sched *s, u64 now, struct vgpu_sched_choice *choice)
{
	u64 slice, from;
	u16 first;

	if (!s->eevdf.first || s->running == VGPU_FUNCTION_NONE || s->gone || s->asked ||
	    !s->has_deadline || !s->function[s->running].runnable ||
	    vgpu_sched_reservation_pays(s, s->running))
		return false;
	first = earliest(s, s->eevdf.v);
	if (first == VGPU_FUNCTION_NONE || !is_urgent(s, first))
		return false;
	slice = s->deadline - min(s->deadline, s->engine.last_ns);
	slice = min(slice, VGPU_SCHED_MIN_SLICE_NS);
	from = max(s->engine.last_ns + slice - min(slice, switch_cost(s)),
		   vgpu_sched_overhead_affordable(s));
	if (from + EEVDF_NEAR >= s->deadline)
		return false;
	if (now < from) {
		if (!choice->review || vgpu_sched_before(from, choice->review))
			choice->review = from;
		return false;
	}
	choice->function = first;
	choice->quantum_ns = slice_of(s, first);
	choice->now = true;
	return true;
}

/*
 * Whoever is next is next on what others are owed who do not want the engine: those
 * who are away, and the running world if it cannot go on when it is due. They can
 * not have it when they come back: NEXT may have been taken by then.
 * Return: false if there is nothing to give up.
 */
static bool give_up(struct vgpu_sched *s, const struct eevdf_view *view)
{
	u16 running = s->running;

	if (running != VGPU_FUNCTION_NONE && !s->gone && !view->running &&
	    s->function[running].eevdf.member && service_lag(s, running) > 0)
		leave(s, running);
	if (s->eevdf.credit <= 0)
		return false;
	expire_credits(s);
	dismiss_ghosts(s);
	return true;
}

static bool eevdf_pick(struct vgpu_sched *s, u64 now, struct vgpu_sched_choice *choice)
{
	struct eevdf_view view;
	u16 best;

	attend_running(s);
	if (vgpu_sched_reservation_pick(s, now, choice))
		return true;
	if (!vgpu_sched_eevdf_waits(s))
		return false;
	if (preempts(s, now, choice))
		return true;
	look_ahead(s, now, &view);
	best = earliest(s, view.saved_v);
	if (best == VGPU_FUNCTION_NONE) {
		best = vgpu_sched_tree_first(&s->eevdf.aside);
		if (!goes_on(s, &view, best) && give_up(s, &view)) {
			look_ahead(s, now, &view);
			best = earliest(s, view.saved_v);
			if (best == VGPU_FUNCTION_NONE)
				best = vgpu_sched_tree_first(&s->eevdf.aside);
		}
	}
	if (goes_on(s, &view, best)) {
		choice->function = s->running;
		choice->quantum_ns = vgpu_sched_slice(s, s->running);
	} else {
		choice->function = best;
		choice->quantum_ns = slice_of(s, best);
	}
	return true;
}

/* ------------------------------------------------------------------------ */
/* Bounds                                                                    */

/* Nobody else's doing: the longest that the world of a function takes to leave. */
static u64 leaving(const struct vgpu_sched *s)
{
	return max(s->config.save_ns, s->config.reset_ns);
}

/* C in the comment above; U64_MAX if there is no limit. */
static u64 longest_turn(const struct vgpu_sched *s, u16 function)
{
	u64 slice = vgpu_sched_longest_slice(s, function);
	u64 timeout = s->function[function].params.preempt_timeout_ns;

	if (!slice || !timeout)
		return U64_MAX;
	return s->config.load_ns + slice + timeout + leaving(s);
}

/* How far a decision looks ahead while the world of a function runs. */
static u64 outlook(const struct vgpu_sched *s, u16 function)
{
	return vgpu_sched_longest_slice(s, function) +
	       turn(s, function) / EEVDF_USUAL;
}

static bool counts(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_function *fn = &s->function[function];

	return fn->eevdf.member || !(fn->parked & VGPU_SCHED_PARK_DISABLED);
}

/**
 * struct eevdf_sums - what the bounds are made of
 * @weight: of all functions that count
 * @turns: sum of all C
 * @turn: largest C
 * @second_turn: second largest, or the same again
 * @outlook: longest outlook
 * @second_outlook: second longest
 * @high_turns: sum of C of those of high priority
 * @functions: how many count
 */
struct eevdf_sums {
	u64 weight;
	u64 turns;
	u64 turn;
	u64 second_turn;
	u64 outlook;
	u64 second_outlook;
	u64 high_turns;
	unsigned int functions;
};

static void take_largest(u64 *first, u64 *second, u64 value)
{
	if (value > *first) {
		*second = *first;
		*first = value;
	} else if (value > *second) {
		*second = value;
	}
}

/* False if somebody has no limit; but @function itself may. */
static bool sum_up(const struct vgpu_sched *s, u16 function, struct eevdf_sums *sums)
{
	unsigned int i;

	*sums = (struct eevdf_sums){ 0 };
	for (i = 0; i < s->config.functions; i++) {
		u64 turn = longest_turn(s, i);

		if (i != function && !counts(s, i))
			continue;
		if (turn == U64_MAX)
			return false;
		sums->functions++;
		sums->weight += weight_of(s, i);
		sums->turns += turn;
		if (i != function &&
		    s->function[i].params.priority == VGPU_SCHED_PRIORITY_HIGH)
			sums->high_turns += turn;
		take_largest(&sums->turn, &sums->second_turn, turn);
		take_largest(&sums->outlook, &sums->second_outlook, outlook(s, i));
	}
	return true;
}

/* L in the comment above. */
static u64 most_ahead(const struct vgpu_sched *s, u16 function,
		      const struct eevdf_sums *sums)
{
	bool longest = outlook(s, function) == sums->outlook;

	return longest_turn(s, function) +
	       (longest ? sums->second_outlook : sums->outlook);
}

/* T in the comment above. */
static u64 others_turns(const struct vgpu_sched *s, u16 function,
			const struct eevdf_sums *sums)
{
	u64 turn = longest_turn(s, function);

	return sums->turns - turn + (sums->functions - 1) * sums->outlook +
	       2 * sums->high_turns +
	       (turn == sums->turn ? sums->second_turn : sums->turn);
}

static void eevdf_lag_bounds(const struct vgpu_sched *s, u16 function, u64 *ahead,
			     u64 *behind)
{
	struct eevdf_sums sums;

	*ahead = U64_MAX;
	*behind = U64_MAX;
	if (!sum_up(s, function, &sums))
		return;
	*ahead = most_ahead(s, function, &sums);
	*behind = longest_request(s, function) + others_turns(s, function, &sums);
}

static u64 eevdf_latency_bound(const struct vgpu_sched *s, u16 function)
{
	u64 ahead, behind, virtual;
	struct eevdf_sums sums;

	if (!sum_up(s, function, &sums))
		return U64_MAX;
	eevdf_lag_bounds(s, function, &ahead, &behind);
	virtual = longest_request(s, function) + ahead;
	return vgpu_sched_reservation_stretch(s, function,
			div_u64(virtual * sums.weight, weight_of(s, function)) +
			others_turns(s, function, &sums) + s->config.load_ns +
			leaving(s));
}

const struct vgpu_sched_policy vgpu_sched_eevdf = {
	.name		= "eevdf",
	.reset		= eevdf_reset,
	.retire		= eevdf_retire,
	.admit		= eevdf_admit,
	.change		= eevdf_change,
	.enqueue	= eevdf_enqueue,
	.dequeue	= eevdf_dequeue,
	.start		= eevdf_start,
	.stop		= eevdf_stop,
	.charge		= eevdf_charge,
	.pick		= eevdf_pick,
	.latency_bound	= eevdf_latency_bound,
	.lag_bounds	= eevdf_lag_bounds,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reservations: running time that a function is sure to get in each period, before
 * anybody else, and not more of it than that.
 *
 * Each reservation is a server: a budget Q and a period T, of which a deadline d
 * and what is left of the budget are kept. While it has work and budget left it
 * has the engine before all that have none, the one with the earliest deadline
 * first; its slice is what is left, so the device ends it by itself. Then it
 * competes by its weight like everybody else, until d. There the budget is made up
 * to Q again, and d moves on by T. Nothing has to be done for budget that is not
 * used: who has no work is not in the way of the others. Time that a reservation
 * pays for does not enter virtual time.
 *
 * This is the constant bandwidth server of L. Abeni and G. Buttazzo (Integrating
 * multimedia applications in hard real-time systems, RTSS 1998) with hard
 * replenishment (R. Rajkumar et al., Resource kernels, 1998): a server that has
 * used its budget waits for d, where the original would go on with a later d. The
 * order is that of C. Liu and J. Layland (1973). What has to be added are the
 * things that a GPU does and a CPU of a textbook does not: switches that cost as
 * much as a slice, worlds that take their time to leave, and decisions that take
 * effect some µs later.
 *
 * Switches. Let s and l be what a save and a load cost as declared, and D the
 * longest time from an event to the write of NEXT that answers it. There are two
 * reasons for a switch: somebody has become the first (a server wakes, or has a new
 * budget), or the first has done (no work, or no budget). So if each waking and
 * each new budget pays for two switches, with the D after each during which a world
 * that has run dry may wait for its successor,
 *
 *	A = 2 (s + l + D),	C = Q + A,	U = C / T
 *
 * then all switches are paid for, those of the world that was displaced included.
 * A new budget is C, of which A is taken at once. To wake costs A as well; who
 * has not got that left waits for d. So toggling uses up the toggler's budget.
 *
 * Waking. At time t, with c left of C:
 *
 *	if t >= d or c >= (d - t) U:	c := C, d := t + T
 *
 * else both stay. So in any interval the time with deadlines in it is at most U
 * times its length: what is used since a fresh start at d - T is C - c, and if the
 * second condition is true then C - c <= (t - (d - T)) U, as if it had started
 * at t; and if it is not, what is left is less than (d - t) U. However it sleeps and
 * wakes, it cannot demand more than that.
 *
 * Overrun. Asked to leave at the end of its budget, a world has its preempt timeout
 * P to do so. That is subtracted from the budgets that follow, and is therefore in
 * any interval P in excess at most, however many budgets end in it.
 *
 * Blocking. An event is answered D later: by the time that NEXT with NOW is written,
 * a world that goes before it in no order may be on the engine. Worse, it may just
 * be leaving for one that was armed before; that was taken, and cannot be called
 * back. If both leave no sooner than they must, or are reset, it takes
 *
 *	B = D + (P1 + max(s, reset)) + l + D + (P2 + max(s, reset))
 *
 * until a server has the engine, with P1 and P2 the two largest preempt timeouts of
 * all functions. (The second D is for a device that drops a NOW which comes in
 * the course of a switch.) As in all non-preemptive EDF (K. Jeffay et al. 1991;
 * T. Baker, Stack-based scheduling of realtime processes, 1991) that happens
 * once: let a server i miss d_i, and let t be the last time before which nobody
 * had an answered demand with a deadline up to d_i. Between t and d_i the engine
 * has nothing to do but to meet such demands; all but the blocking has come after
 * t, or D before. With L = d_i - t,
 *
 *	B + sum over j != i of P_j + L sum of U_j > L
 *
 * For a period that begins with a full budget L >= T_i. So nobody misses if
 *
 *	(1)	(B + sum over j != i of P_j) / T_i + sum of all U_j <= 1
 *
 * for all i. That is the admission test. (Baker's test takes for each i only the
 * servers with T_j <= T_i. Here that would be wrong: a server that wakes late in a
 * long period keeps a near deadline, and so presses on those with short periods.)
 *
 * What if a device breaks its word, and the blocking is B + x? By the same sum the
 * work is done by
 *
 *	(2)	d_i + max(0, B + x + sum over j != i of P_j - T_i (1 - sum of all U_j))
 *
 * so it is late by x at most, and nothing is handed on: the next deadlines are
 * where they would have been. What is left at d is lost, and counted as a miss.
 *
 * Who pays? For the admission test all switches are the reservation's. In virtual
 * time the one that was displaced pays for its own save and load as always: the
 * test is about time, which must suffice, and not about shares.
 *
 * Without hardware deadlines each switch adds the latencies of some interrupts,
 * which no admission test can know: then budgets are kept as far as there is room.
 *
 * Two settings with a promise of their own: a cap goes before (cap.c); and a world
 * without work on the engine is no server: waking there is waking, for A.
 *
 * Cost: O(log n) for an event, O(n) to admit, O(n log n ns) to say what could be.
 */
#include "core.h"

/* Binary places of a utilisation. */
#define ONE_SHIFT	40
#define ONE		BIT_ULL(ONE_SHIFT)
/* Later than any deadline: nothing to be picked. */
#define FAR		BIT_ULL(62)
/*
 * Less budget than that is not worth a switch, and the driver's clock need not be
 * more exact: it is kept for the next period.
 */
#define GRAIN_NS	5000

static struct vgpu_sched_reservation_function *server_of(struct vgpu_sched *s,
							 u16 function)
{
	return &s->function[function].reservation;
}

/* D: until an event is answered; the core may put off a timer by as much again. */
static u64 reaction(const struct vgpu_sched_config *config)
{
	return 2 * VGPU_SCHED_ARM_NS + config->request_slack_ns;
}

/* A: switches that one waking can cause. */
static u64 switching(const struct vgpu_sched_config *config)
{
	return 2 * (config->save_ns + config->load_ns + reaction(config));
}

/* C */
static u64 full(const struct vgpu_sched *s,
		const struct vgpu_sched_reservation_function *r)
{
	return r->budget + switching(&s->config);
}

/* What can be used: debts are nothing. */
static u64 usable(const struct vgpu_sched_reservation_function *r)
{
	return r->left > 0 ? r->left : 0;
}

static bool has_budget(const struct vgpu_sched_reservation_function *r)
{
	return r->active && r->left > GRAIN_NS;
}

/* ------------------------------------------------------------------------ */
/* Servers                                                                   */

/* Put @function where its deadline and budget belong. */
static void place(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_reservation_function *r = server_of(s, function);
	struct vgpu_sched_tree *tree = &s->reservation.active;
	bool ready = s->function[function].queued && has_budget(r);

	if (vgpu_sched_tree_has(tree, function))
		vgpu_sched_tree_remove(tree, function);
	vgpu_sched_tree_insert(tree, function, r->deadline,
			       ready ? r->deadline : r->deadline + FAR);
}

/* Who waits with budget, and the earliest deadline. */
static u16 first_ready(const struct vgpu_sched *s)
{
	const struct vgpu_sched_tree *tree = &s->reservation.active;
	const struct vgpu_sched_node *node;
	u16 best;

	if (tree->root == VGPU_FUNCTION_NONE)
		return VGPU_FUNCTION_NONE;
	best = tree->node[tree->root].best;
	node = &tree->node[best];
	return node->value == node->key ? best : VGPU_FUNCTION_NONE;
}

/* @budgets have become due since. */
static void replenish(const struct vgpu_sched *s,
		      struct vgpu_sched_reservation_function *r, u64 budgets)
{
	u64 kept = usable(r) <= GRAIN_NS ? usable(r) : 0;

	r->left = vgpu_sched_replenish(r->left, full(s, r), budgets) + kept;
}

/* Work has come. */
static void activate(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_reservation_function *r = server_of(s, function);
	u64 cost = switching(&s->config);
	u64 now = s->charged;
	bool fresh = true;

	if (!vgpu_sched_before(now, r->deadline))
		replenish(s, r, 1 + div64_u64(now - r->deadline, r->period));
	else if (mul_u64_u64_div_u64(usable(r), r->period, full(s, r)) >= r->deadline - now)
		r->left = full(s, r);
	else
		fresh = false;
	if (fresh) {
		r->deadline = now + r->period;
		r->left -= cost;
	} else {
		r->left -= min(usable(r), cost);
	}
	r->active = true;
	r->whole = fresh;
	place(s, function);
}

static void deactivate(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_reservation_function *r = server_of(s, function);

	r->active = false;
	r->overlong |= r->paying;
	r->paying = false;
	vgpu_sched_tree_remove(&s->reservation.active, function);
}

/* The period of @function is over, and it still has work. */
static void roll(struct vgpu_sched *s, u16 function, u64 now)
{
	struct vgpu_sched_reservation_function *r = server_of(s, function);
	struct vgpu_sched_stats *stats = &s->function[function].stats;
	u64 periods = 1 + div64_u64(now - r->deadline, r->period);

	if (r->whole) {
		stats->periods++;
		s->total.periods++;
		if (r->left > GRAIN_NS) {
			stats->period_misses++;
			s->total.period_misses++;
		}
	}
	replenish(s, r, periods);
	r->left -= switching(&s->config);
	r->deadline += periods * r->period;
	r->whole = true;
	place(s, function);
}

/* ------------------------------------------------------------------------ */
/* What happens                                                              */

/**
 * vgpu_sched_reservation_reset() - the policy that has reservations begins
 * @s: the core, nobody queued yet as far as the policy knows
 *
 * Nobody has a reservation: no other policy accepts any.
 */
void vgpu_sched_reservation_reset(struct vgpu_sched *s)
{
	vgpu_sched_tree_init(&s->reservation.active);
}

/**
 * vgpu_sched_reservation_restart() - the device clock may have started anew
 * @s: the core, its engine empty
 *
 * Who has work begins a period; debts stay.
 */
void vgpu_sched_reservation_restart(struct vgpu_sched *s)
{
	unsigned int i;

	for (i = 0; i < s->config.functions; i++) {
		struct vgpu_sched_reservation_function *r = server_of(s, i);

		r->deadline = s->charged;
		if (r->active)
			activate(s, i);
	}
}

/**
 * vgpu_sched_reservation_change() - a function is about to have other settings
 * @s: the core
 * @function: which one
 * @params: its settings to be
 *
 * A changed reservation begins when the period of the one before has ended.
 */
void vgpu_sched_reservation_change(struct vgpu_sched *s, u16 function,
				   const struct vgpu_sched_params *params)
{
	struct vgpu_sched_reservation_function *r = server_of(s, function);

	if (r->budget == params->budget_ns && r->period == params->period_ns)
		return;
	if (r->active)
		deactivate(s, function);
	r->left -= usable(r);
	r->budget = params->budget_ns;
	r->period = params->period_ns;
	if (r->budget && s->function[function].queued)
		activate(s, function);
}

/**
 * vgpu_sched_reservation_enqueue() - a function waits for the engine
 * @s: the core
 * @function: which one
 */
void vgpu_sched_reservation_enqueue(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_reservation_function *r = server_of(s, function);

	if (!r->budget)
		return;
	if (r->active)
		place(s, function);
	else
		activate(s, function);
}

/**
 * vgpu_sched_reservation_dequeue() - a function does not wait any more
 * @s: the core
 * @function: which one: it has the engine, or does not want it
 */
void vgpu_sched_reservation_dequeue(struct vgpu_sched *s, u16 function)
{
	if (!server_of(s, function)->active)
		return;
	if (s->running == function)
		place(s, function);
	else
		deactivate(s, function);
}

/**
 * vgpu_sched_reservation_start() - a function has the engine
 * @s: the core
 * @function: which one
 */
void vgpu_sched_reservation_start(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_reservation_function *r = server_of(s, function);

	r->paying = has_budget(r);
	r->overlong = false;
	r->renewed = s->last.reason == VGPU_LEAVE_RENEWED;
}

/**
 * vgpu_sched_reservation_stop() - a function has left the engine
 * @s: the core
 * @function: which one
 * @wanted: it has work, and will be queued
 */
void vgpu_sched_reservation_stop(struct vgpu_sched *s, u16 function, bool wanted)
{
	struct vgpu_sched_reservation_function *r = server_of(s, function);

	r->paying = false;
	if (r->active && !wanted)
		deactivate(s, function);
}

/* Return: what of @ns the budget of @function does not pay. */
static s64 pay(struct vgpu_sched *s, u16 function, s64 ns)
{
	struct vgpu_sched_reservation_function *r = server_of(s, function);
	s64 paid = ns;

	/* Beyond its budget it is leaving, which is overrun, or nobody waits. */
	if (!(s->armed && s->next != function))
		paid = min_t(s64, ns, usable(r));
	r->left -= paid;
	return ns - paid;
}

/* Return: what of @ns, which ended @until, the budget of @function does not pay. */
static s64 pay_running(struct vgpu_sched *s, u16 function, s64 ns, u64 until)
{
	const struct vgpu_sched_reservation_function *r = server_of(s, function);
	s64 unpaid, later;

	if (vgpu_sched_before(until, r->deadline))
		return pay(s, function, ns);
	/* A part of it belongs to the next period. */
	later = until - r->deadline;
	if (later > ns)
		later = ns > 0 ? ns : 0;
	unpaid = pay(s, function, ns - later);
	roll(s, function, until);
	return unpaid + pay(s, function, later);
}

/**
 * vgpu_sched_reservation_charge() - a function has had engine time
 * @s: the core
 * @function: which one, not queued; its reservation pays for it
 * @ran: how much it ran; below 0: it was charged too much
 * @switched: how much it was loaded or saved after that
 *
 * Return: the part that its reservation does not pay for.
 */
s64 vgpu_sched_reservation_charge(struct vgpu_sched *s, u16 function, s64 ran,
				  s64 switched)
{
	s64 save = s->config.save_ns;
	s64 unpaid = 0;

	if (ran)
		unpaid = pay_running(s, function, ran, s->charged - switched);
	/* A reset costs more than the save that it has paid for. */
	if (s->last.from == function && s->last.reason == VGPU_LEAVE_HANG)
		server_of(s, function)->left -= switched - min_t(s64, switched, save);
	return unpaid;
}

/* ------------------------------------------------------------------------ */
/* Who is next                                                               */

static void sooner(u64 *when, u64 other)
{
	if (!*when || vgpu_sched_before(other, *when))
		*when = other;
}

/* Has the running world been asked to leave? */
static bool is_leaving(const struct vgpu_sched *s)
{
	return s->armed && s->next != s->running &&
	       (s->now || (s->has_deadline && !vgpu_sched_before(s->charged, s->deadline)));
}

/* Does its reservation pay for the running world from now on? */
static void update_running(struct vgpu_sched *s)
{
	const struct vgpu_sched_function *fn = &s->function[s->running];
	struct vgpu_sched_reservation_function *r = server_of(s, s->running);

	/* Who has to go leaves at its own expense, a reset included. */
	if (!r->budget || s->asked || fn->parked || fn->throttled)
		return;
	if (!fn->runnable) {
		if (r->active && !is_leaving(s))
			deactivate(s, s->running);
		return;
	}
	if (!r->active)
		activate(s, s->running);
	if (has_budget(r)) {
		r->paying = true;
	} else if (r->paying && !is_leaving(s)) {
		r->paying = false;
		r->overlong = true;
	}
}

static void update(struct vgpu_sched *s, u64 now)
{
	const struct vgpu_sched_tree *tree = &s->reservation.active;
	u16 first = vgpu_sched_tree_first(tree);

	while (first != VGPU_FUNCTION_NONE &&
	       !vgpu_sched_before(now, tree->node[first].key)) {
		roll(s, first, now);
		first = vgpu_sched_tree_first(tree);
	}
	if (s->running != VGPU_FUNCTION_NONE && !s->gone)
		update_running(s);
}

/* Others wait for the running world, whose slice was meant to be paid for. */
static bool shorten(struct vgpu_sched *s, struct vgpu_sched_choice *choice)
{
	u64 longest = vgpu_sched_longest_slice(s, s->running);

	if (!vgpu_sched_eevdf_waits(s) || !s->has_deadline || !longest ||
	    !server_of(s, s->running)->overlong || server_of(s, s->running)->paying ||
	    !vgpu_sched_before(s->charged + longest, s->deadline))
		return false;
	choice->function = s->running;
	choice->quantum_ns = vgpu_sched_slice(s, s->running);
	choice->now = true;
	return true;
}

/*
 * The running world is paid for. Will the device take it off too early, because
 * its slice began before its budget? Then it is given a new slice.
 */
static bool renew(struct vgpu_sched *s, u64 now, struct vgpu_sched_choice *choice)
{
	const struct vgpu_sched_function *fn = &s->function[s->running];
	u64 left = fn->reservation.left;
	/* What a renewal lacks then is the error of the driver's clock. */
	u64 grain = fn->reservation.renewed ? VGPU_SCHED_QUANTUM_MIN : GRAIN_NS;

	if (!vgpu_sched_eevdf_waits(s) || !s->has_deadline || s->dry)
		return false;
	if (fn->cap.quota)
		left = vgpu_sched_cap_slice(s, s->running, left, true, now);
	if (!s->vague && !vgpu_sched_before(s->deadline + grain, s->charged + left))
		return false;
	choice->function = s->running;
	choice->quantum_ns = left;
	choice->now = true;
	return true;
}

/* Is there a world that has work and need not go? */
static bool may_stay(const struct vgpu_sched *s)
{
	const struct vgpu_sched_function *fn;

	if (s->running == VGPU_FUNCTION_NONE || s->gone)
		return false;
	fn = &s->function[s->running];
	return fn->runnable && !fn->parked && !fn->throttled;
}

/* Has the running world budget, and an earlier deadline than @ready? */
static bool is_first(struct vgpu_sched *s, u16 ready)
{
	const struct vgpu_sched_reservation_function *r;

	if (!may_stay(s))
		return false;
	r = server_of(s, s->running);
	return r->paying && r->left > GRAIN_NS &&
	       (ready == VGPU_FUNCTION_NONE ||
		!vgpu_sched_before(server_of(s, ready)->deadline, r->deadline));
}

/**
 * vgpu_sched_reservation_pick() - who shall be next, if reservations decide it
 * @s: the core
 * @now: device time, up to which engine time has been charged
 * @choice: filled in; @review in any case
 *
 * Return: false if somebody without budget, or nobody, shall be next: at once
 * if vgpu_sched_reservation_pays() says no, else at the deadline of what runs.
 */
bool vgpu_sched_reservation_pick(struct vgpu_sched *s, u64 now,
				 struct vgpu_sched_choice *choice)
{
	bool displace = s->running != VGPU_FUNCTION_NONE && !s->gone;
	u16 ready, first;

	update(s, now);
	ready = first_ready(s);
	first = vgpu_sched_tree_first(&s->reservation.active);
	if (first != VGPU_FUNCTION_NONE)
		sooner(&choice->review, server_of(s, first)->deadline);

	if (is_first(s, ready)) {
		u64 end = s->charged + server_of(s, s->running)->left;

		if (s->has_deadline && vgpu_sched_before(end, s->deadline))
			sooner(&choice->review, end);
		if (renew(s, now, choice))
			return true;
		displace = false;
	}
	if (ready == VGPU_FUNCTION_NONE)
		return may_stay(s) && shorten(s, choice);
	choice->function = ready;
	choice->quantum_ns = server_of(s, ready)->left;
	/* At its deadline the device takes what is armed: NOW would renew that. */
	choice->now = displace && (s->now || !is_leaving(s) || s->next != ready);
	return true;
}

/* ------------------------------------------------------------------------ */
/* Admission                                                                 */

/**
 * struct reservation_set - what is to be promised, and what is in the way of it
 * @use: sum of all U, ONE is all of the engine; 0 without reservations
 * @overruns: sum of all P_j
 * @timeout: largest preempt timeout of all functions
 * @second_timeout: second largest
 */
struct reservation_set {
	u64 use;
	u64 overruns;
	u64 timeout;
	u64 second_timeout;
};

/* The settings of function @i if @function has @params. */
static const struct vgpu_sched_params *params_of(const struct vgpu_sched *s, u16 i,
						 u16 function,
						 const struct vgpu_sched_params *params)
{
	return i == function ? params : &s->function[i].params;
}

/*
 * @ns in @period, rounded up; what is more than 2^18 times the period can never be
 * admitted, and is not computed: the quotient must fit into 64 bits.
 */
static u64 share(u64 ns, u64 period)
{
	ns = min(ns, period << 18);
	return mul_u64_u64_div_u64(ns, ONE, period) + 1;
}

static void sum_up(const struct vgpu_sched *s, u16 function,
		   const struct vgpu_sched_params *params, struct reservation_set *set)
{
	unsigned int i;

	*set = (struct reservation_set){ 0 };
	for (i = 0; i < s->config.functions; i++) {
		const struct vgpu_sched_params *p = params_of(s, i, function, params);
		u64 timeout = p->preempt_timeout_ns;

		set->second_timeout = max(set->second_timeout, min(timeout, set->timeout));
		set->timeout = max(set->timeout, timeout);
		if (!p->budget_ns)
			continue;
		set->use += share(p->budget_ns + switching(&s->config), p->period_ns);
		set->overruns += timeout;
	}
}

/* B */
static u64 blocking(const struct vgpu_sched *s, const struct reservation_set *set)
{
	const struct vgpu_sched_config *config = &s->config;

	return 2 * reaction(config) + 2 * max(config->save_ns, config->reset_ns) +
	       config->load_ns + set->timeout + set->second_timeout;
}

/* (1) above */
static bool fits(const struct vgpu_sched *s, u16 function,
		 const struct vgpu_sched_params *params)
{
	struct reservation_set set;
	unsigned int i;

	sum_up(s, function, params, &set);
	for (i = 0; i < s->config.functions; i++) {
		const struct vgpu_sched_params *p = params_of(s, i, function, params);
		u64 wait;

		if (!p->budget_ns)
			continue;
		wait = blocking(s, &set) + set.overruns - p->preempt_timeout_ns;
		if (set.use + share(wait, p->period_ns) > ONE)
			return false;
	}
	return true;
}

/*
 * The value nearest to the one in @field of @params that would fit, on the way to
 * @good. Return: false if that does not fit either.
 */
static bool nearest(const struct vgpu_sched *s, u16 function,
		    struct vgpu_sched_params *params, u64 *field, u64 good)
{
	u64 bad = *field;

	*field = good;
	if (!fits(s, function, params))
		return false;
	while (max(good, bad) - min(good, bad) > 1) {
		*field = min(good, bad) + (max(good, bad) - min(good, bad)) / 2;
		if (fits(s, function, params))
			good = *field;
		else
			bad = *field;
	}
	*field = good;
	return true;
}

static int refuse(const struct vgpu_sched *s, u16 function,
		  const struct vgpu_sched_params *params, struct vgpu_sched_why *why)
{
	struct vgpu_sched_params try = *params;

	if (!params->budget_ns) {
		if (nearest(s, function, &try, &try.preempt_timeout_ns,
			    VGPU_SCHED_TIMEOUT_MIN))
			vgpu_sched_refuse(why, function, "preempt_timeout_ns",
					  "would break what is reserved for others",
					  VGPU_SCHED_TIMEOUT_MIN, try.preempt_timeout_ns);
		else
			vgpu_sched_refuse(why, function, "preempt_timeout_ns",
					  "of this and others would break what is reserved",
					  1, 0);
		return -EBUSY;
	}
	if (nearest(s, function, &try, &try.budget_ns, VGPU_SCHED_QUANTUM_MIN)) {
		vgpu_sched_refuse(why, function, "budget_ns",
				  "cannot be promised beside other reservations, switches and preempt timeouts",
				  VGPU_SCHED_QUANTUM_MIN, try.budget_ns);
		return -EBUSY;
	}
	try = *params;
	if (nearest(s, function, &try, &try.period_ns, VGPU_SCHED_PERIOD_MAX))
		vgpu_sched_refuse(why, function, "period_ns",
				  "is too short beside what others may take before they leave",
				  try.period_ns, VGPU_SCHED_PERIOD_MAX);
	else
		vgpu_sched_refuse(why, function, "budget_ns",
				  "cannot be promised, whatever its period: too much is reserved, or preempt timeouts are too long",
				  1, 0);
	return -EBUSY;
}

/* A world that may stay for ever makes all promises void. */
static int check_timeouts(const struct vgpu_sched *s, u16 function,
			  const struct vgpu_sched_params *params,
			  struct vgpu_sched_why *why)
{
	unsigned int i;

	if (!params->preempt_timeout_ns)
		return vgpu_sched_refuse(why, function, "preempt_timeout_ns",
					 "must not be 0 (for ever) where there are reservations",
					 VGPU_SCHED_TIMEOUT_MIN, VGPU_SCHED_TIMEOUT_MAX);
	for (i = 0; i < s->config.functions; i++) {
		if (params_of(s, i, function, params)->preempt_timeout_ns)
			continue;
		vgpu_sched_refuse(why, i, "preempt_timeout_ns",
				  "is 0 (for ever), so nothing can be reserved",
				  VGPU_SCHED_TIMEOUT_MIN, VGPU_SCHED_TIMEOUT_MAX);
		return -EBUSY;
	}
	return 0;
}

/**
 * vgpu_sched_reservation_admit() - can all be promised if a function changes?
 * @s: the core
 * @function: which one
 * @params: its settings to be, each in its range
 * @why: filled in if they are refused
 *
 * All functions count, those that are disabled too: so that enabling one cannot
 * fail.
 *
 * Return: 0; -EINVAL: these settings are wrong by themselves; -EBUSY: wrong beside
 * those of others; @why has the largest value that would be accepted.
 */
int vgpu_sched_reservation_admit(const struct vgpu_sched *s, u16 function,
				 const struct vgpu_sched_params *params,
				 struct vgpu_sched_why *why)
{
	struct reservation_set set;
	int ret;

	if (params->budget_ns && params->budget_ns < VGPU_SCHED_QUANTUM_MIN)
		return vgpu_sched_refuse(why, function, "budget_ns",
					 "is less than the shortest slice",
					 VGPU_SCHED_QUANTUM_MIN, params->period_ns);
	sum_up(s, function, params, &set);
	if (!set.use)
		return 0;
	ret = check_timeouts(s, function, params, why);
	if (ret)
		return ret;
	return fits(s, function, params) ? 0 : refuse(s, function, params, why);
}

/**
 * vgpu_sched_reservation_stretch() - how long others wait for what they need
 * @s: the core
 * @function: who waits
 * @ns: engine time that must pass without the reservations of others
 *
 * In L ns a server takes L U + 2 C + P at most: a budget may have begun just before,
 * and a new one just before the end.
 *
 * Return: ns after which that has passed at the latest, U64_MAX if there is no
 * bound.
 */
u64 vgpu_sched_reservation_stretch(const struct vgpu_sched *s, u16 function, u64 ns)
{
	u64 use = 0, total = ns, rest;
	unsigned int i;

	if (ns == U64_MAX)
		return U64_MAX;
	for (i = 0; i < s->config.functions; i++) {
		const struct vgpu_sched_params *p = &s->function[i].params;
		u64 budget = p->budget_ns + switching(&s->config);

		if (!p->budget_ns || i == function)
			continue;
		use += share(budget, p->period_ns);
		total += 2 * budget + p->preempt_timeout_ns;
	}
	if (!use)
		return ns;
	if (use >= ONE)
		return U64_MAX;
	rest = ONE - use;
	/* The quotient has 64 bits. */
	if (total >> (63 - ONE_SHIFT) >= rest)
		return U64_MAX;
	return mul_u64_u64_div_u64(total, ONE, rest);
}

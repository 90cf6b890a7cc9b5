// SPDX-License-Identifier: GPL-2.0-only
/*
 * What switching costs, and may cost.
 *
 * A function that has the engine for q between two switches of c each leaves
 * c / (q + c) of the engine's time to switching. That is at most t if
 *
 *	q >= c (1 - t) / t
 *
 * which is the shortest quantum that the core chooses by itself. But slices end
 * early, too: by going idle, or by somebody more urgent who wakes. So there is an
 * account: it earns t of all engine time, and pays for each switch. What it has
 * decides whether somebody who wakes may cut a slice short, which makes one
 * switch more than there would have been, and by how much the next quanta are
 * stretched. By themselves quanta of just that length only balance the account,
 * so they are stretched until there is one switch in reserve for who wakes next.
 * The stretch is limited (VGPU_SCHED_STRETCH), for the others wait for it.
 *
 * A debt or a fortune of long ago shall not decide about today: the balance stays
 * between OVERHEAD_DEBT and OVERHEAD_SAVINGS switches.
 */
#include "core.h"

#define OVERHEAD_DEBT		8
#define OVERHEAD_SAVINGS	2
/* A switch counts in averages by 1/2^OVERHEAD_WEIGHT. */
#define OVERHEAD_WEIGHT		3
/* What is longer than so many times the declared cost is no usual switch. */
#define OVERHEAD_UNUSUAL	8

static void limit(struct vgpu_sched_overhead *o)
{
	s64 cost = o->cost * 1000;

	o->balance = min_t(s64, o->balance, OVERHEAD_SAVINGS * cost);
	o->balance = -min_t(s64, -o->balance, OVERHEAD_DEBT * cost);
}

static void average(u64 *mean, u64 ns, u64 declared)
{
	ns = min(ns, OVERHEAD_UNUSUAL * declared);
	*mean += (ns >> OVERHEAD_WEIGHT) - (*mean >> OVERHEAD_WEIGHT);
}

/* The shortest quantum with which switches of @cost keep to the target. */
static u64 shortest(const struct vgpu_sched *s, u64 cost)
{
	u32 permille = s->overhead.permille;

	return div_u64(cost * (1000 - permille) + permille - 1, permille);
}

/* The quantum of a function that the core chooses, before it is stretched. */
static void choose_quantum(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_function *fn = &s->function[function];
	u64 quantum = shortest(s, fn->cost.save_ns + fn->cost.load_ns);

	fn->cost.quantum_ns = min(max(quantum, VGPU_SCHED_QUANTUM_DEFAULT),
				  VGPU_SCHED_QUANTUM_MAX / VGPU_SCHED_STRETCH);
}

/* What a switch of @function has cost, for its average and its quantum. */
static void note_cost(struct vgpu_sched *s, u16 function, u64 *mean, u64 ns,
		      u64 declared)
{
	u64 was = *mean;

	average(mean, ns, declared);
	if (*mean != was)
		choose_quantum(s, function);
}

/**
 * vgpu_sched_overhead_init() - begin with what the device declares
 * @s: the core, its configuration set
 */
void vgpu_sched_overhead_init(struct vgpu_sched *s)
{
	struct vgpu_sched_overhead *o = &s->overhead;
	unsigned int i;

	o->permille = s->config.overhead_permille;
	if (!o->permille)
		o->permille = VGPU_SCHED_OVERHEAD_DEFAULT;
	o->cost = s->config.save_ns + s->config.load_ns;
	for (i = 0; i < s->config.functions; i++) {
		s->function[i].cost.save_ns = s->config.save_ns;
		s->function[i].cost.load_ns = s->config.load_ns;
		choose_quantum(s, i);
	}
}

/**
 * vgpu_sched_overhead_earn() - engine time has been used
 * @s: the core
 * @ns: how much, or how much less than was thought
 */
void vgpu_sched_overhead_earn(struct vgpu_sched *s, s64 ns)
{
	s->overhead.balance += ns * (s64)s->overhead.permille;
	limit(&s->overhead);
}

/**
 * vgpu_sched_overhead_pay() - a switch has taken place
 * @s: the core
 * @sw: its record, the times monotone
 */
void vgpu_sched_overhead_pay(struct vgpu_sched *s, const struct vgpu_sched_switch *sw)
{
	struct vgpu_sched_overhead *o = &s->overhead;
	const struct vgpu_sched_config *config = &s->config;
	bool was_reset = sw->reason == VGPU_LEAVE_HANG || sw->reason == VGPU_LEAVE_RESET;

	if (sw->reason == VGPU_LEAVE_RENEWED)
		return;
	if (sw->from != VGPU_FUNCTION_NONE && !was_reset)
		note_cost(s, sw->from, &s->function[sw->from].cost.save_ns,
			  sw->saved - sw->quiesced, config->save_ns);
	if (sw->to != VGPU_FUNCTION_NONE)
		note_cost(s, sw->to, &s->function[sw->to].cost.load_ns,
			  sw->running - sw->saved, config->load_ns);
	if (sw->from != VGPU_FUNCTION_NONE && sw->to != VGPU_FUNCTION_NONE && !was_reset)
		average(&o->cost, sw->running - sw->quiesced,
			config->save_ns + config->load_ns);
	o->balance -= min(sw->running - sw->quiesced, OVERHEAD_DEBT * o->cost) * 1000;
	limit(o);
}

/**
 * vgpu_sched_overhead_affordable() - when one switch more can be paid for
 * @s: the core
 *
 * Return: device time, if the engine is busy until then.
 */
u64 vgpu_sched_overhead_affordable(const struct vgpu_sched *s)
{
	const struct vgpu_sched_overhead *o = &s->overhead;
	s64 cost = o->cost * 1000;
	u64 missing = cost - min_t(s64, o->balance, cost);

	return s->charged + div_u64(missing + o->permille - 1, o->permille);
}

/**
 * vgpu_sched_quantum() - the execution quantum of a function
 * @s: the core
 * @function: which one
 *
 * Return: ns, as set, or as chosen by the core; 0 for no deadline, and if there is
 * no such function.
 */
u64 vgpu_sched_quantum(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_function *fn;

	if (function >= s->config.functions)
		return 0;
	fn = &s->function[function];
	if (fn->params.quantum_ns == VGPU_SCHED_QUANTUM_AUTO)
		return fn->cost.quantum_ns;
	return fn->params.quantum_ns;
}

/*
 * The slice that a function is given now: its quantum, stretched if need be. The
 * balance is never above what it is stretched for, see limit().
 */
u64 vgpu_sched_slice(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_overhead *o = &s->overhead;
	u64 quantum = vgpu_sched_quantum(s, function);
	u64 missing = OVERHEAD_SAVINGS * (s64)(o->cost * 1000) - o->balance;

	if (s->function[function].params.quantum_ns != VGPU_SCHED_QUANTUM_AUTO)
		return quantum;
	return min(max(quantum, div_u64(missing, o->permille)),
		   VGPU_SCHED_STRETCH * quantum);
}

/* The longest slice that it can be given, 0 if there is no limit. */
u64 vgpu_sched_longest_slice(const struct vgpu_sched *s, u16 function)
{
	u64 quantum = vgpu_sched_quantum(s, function);

	if (s->function[function].params.quantum_ns == VGPU_SCHED_QUANTUM_AUTO)
		quantum *= VGPU_SCHED_STRETCH;
	return quantum;
}

/**
 * vgpu_sched_quantum_overhead() - what a quantum costs
 * @s: the core
 * @function: whose
 * @quantum_ns: how long it is, 0 for no deadline
 *
 * Return: permille of the engine time that switching takes if all slices of the
 * function are that long, with what its switches have cost lately.
 */
u32 vgpu_sched_quantum_overhead(const struct vgpu_sched *s, u16 function,
				u64 quantum_ns)
{
	const struct vgpu_sched_function *fn;
	u64 cost;

	if (function >= s->config.functions || !quantum_ns)
		return 0;
	fn = &s->function[function];
	if (quantum_ns == VGPU_SCHED_QUANTUM_AUTO)
		quantum_ns = fn->cost.quantum_ns;
	cost = fn->cost.save_ns + fn->cost.load_ns;
	return div64_u64(cost * 1000, quantum_ns + cost);
}

/**
 * vgpu_sched_set_overhead() - which part of the engine time switching may take
 * @s: the core
 * @permille: VGPU_SCHED_OVERHEAD_MIN…MAX
 * @why: filled in if it is refused
 * @now: device time
 *
 * Return: 0, or -EINVAL: out of range.
 */
int vgpu_sched_set_overhead(struct vgpu_sched *s, u32 permille,
			    struct vgpu_sched_why *why, u64 now)
{
	unsigned int i;

	if (permille < VGPU_SCHED_OVERHEAD_MIN || permille > VGPU_SCHED_OVERHEAD_MAX)
		return vgpu_sched_refuse(why, VGPU_FUNCTION_NONE, "overhead_permille",
					 "is out of range", VGPU_SCHED_OVERHEAD_MIN,
					 VGPU_SCHED_OVERHEAD_MAX);
	s->overhead.permille = permille;
	for (i = 0; i < s->config.functions; i++)
		choose_quantum(s, i);
	vgpu_sched_decide(s, false, now);
	return 0;
}

/**
 * vgpu_sched_overhead() - which part of the engine time switching may take
 * @s: the core
 *
 * Return: permille.
 */
u32 vgpu_sched_overhead(const struct vgpu_sched *s)
{
	return s->overhead.permille;
}

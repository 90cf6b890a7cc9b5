// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strict round robin: a first-in, first-out queue. Who wakes or has had a slice
 * goes to its end.
 *
 * Between two slices of a function everybody else who is runnable all that time
 * therefore runs exactly once: they are in front of it when it is queued, leave
 * the queue only by running, and come back behind it. And somebody who wakes
 * never displaces the one who is armed as next: one write of NEXT per switch.
 *
 * The bound. Let f wake at t. In front of it is each other function j at most
 * once, the running one included. Each takes the engine for at most
 *
 *	load + quantum_j + preempt_timeout_j + max(save, reset)
 *
 * (either it quiesces within its timeout and is saved, or it is reset). Before
 * all that f's own world may just be leaving, and after it f must be loaded:
 *
 *	latency_f <= max(save, reset) + load + sum over j != f of the above
 *
 * and that is for a device that switches by itself. Without that each switch
 * adds the latency of five interrupts, which nothing here can know.
 */
#include "core.h"

static void rr_reset(struct vgpu_sched *s)
{
	s->round_robin.head = VGPU_FUNCTION_NONE;
	s->round_robin.tail = VGPU_FUNCTION_NONE;
}

static int rr_refuse(struct vgpu_sched_why *why, u16 function, const char *what,
		     u64 only)
{
	why->function = function;
	why->what = what;
	why->rule = "is not supported by policy rr";
	why->low = only;
	why->high = only;
	return -EOPNOTSUPP;
}

static int rr_admit(const struct vgpu_sched *s, u16 function,
		    const struct vgpu_sched_params *params,
		    struct vgpu_sched_why *why)
{
	if (params->weight != VGPU_SCHED_WEIGHT_DEFAULT)
		return rr_refuse(why, function, "weight",
				 VGPU_SCHED_WEIGHT_DEFAULT);
	if (params->priority != VGPU_SCHED_PRIORITY_NORMAL)
		return rr_refuse(why, function, "priority",
				 VGPU_SCHED_PRIORITY_NORMAL);
	if (params->cap_quota_ns)
		return rr_refuse(why, function, "cap_quota_ns", 0);
	if (params->budget_ns)
		return rr_refuse(why, function, "budget_ns", 0);
	return 0;
}

static void rr_enqueue(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_function *fn = &s->function[function];
	u16 tail = s->round_robin.tail;

	fn->round_robin.prev = tail;
	fn->round_robin.next = VGPU_FUNCTION_NONE;
	if (tail == VGPU_FUNCTION_NONE)
		s->round_robin.head = function;
	else
		s->function[tail].round_robin.next = function;
	s->round_robin.tail = function;
}

static void rr_dequeue(struct vgpu_sched *s, u16 function)
{
	u16 next = s->function[function].round_robin.next;
	u16 prev = s->function[function].round_robin.prev;

	if (prev == VGPU_FUNCTION_NONE)
		s->round_robin.head = next;
	else
		s->function[prev].round_robin.next = next;
	if (next == VGPU_FUNCTION_NONE)
		s->round_robin.tail = prev;
	else
		s->function[next].round_robin.prev = prev;
}

static bool rr_pick(struct vgpu_sched *s, u64 now,
		    struct vgpu_sched_choice *choice)
{
	u16 head = s->round_robin.head;

	if (head == VGPU_FUNCTION_NONE)
		return false;
	choice->function = head;
	choice->quantum_ns = s->function[head].params.quantum_ns;
	return true;
}

static u64 rr_latency_bound(const struct vgpu_sched *s, u16 function)
{
	u64 leave = max(s->config.save_ns, s->config.reset_ns);
	u64 bound = leave + s->config.load_ns;
	unsigned int i;

	for (i = 0; i < s->config.functions; i++) {
		const struct vgpu_sched_function *fn = &s->function[i];

		if (i == function || fn->parked & VGPU_SCHED_PARK_DISABLED)
			continue;
		if (!fn->params.quantum_ns || !fn->params.preempt_timeout_ns)
			return U64_MAX;
		bound += s->config.load_ns + fn->params.quantum_ns +
			 fn->params.preempt_timeout_ns + leave;
	}
	return bound;
}

const struct vgpu_sched_policy vgpu_sched_round_robin = {
	.name		= "rr",
	.reset		= rr_reset,
	.admit		= rr_admit,
	.enqueue	= rr_enqueue,
	.dequeue	= rr_dequeue,
	.pick		= rr_pick,
	.latency_bound	= rr_latency_bound,
};

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

/* The queue, and the turns, are also those of coop.c. */
void vgpu_sched_round_robin_reset(struct vgpu_sched *s)
{
	s->round_robin.head = VGPU_FUNCTION_NONE;
	s->round_robin.tail = VGPU_FUNCTION_NONE;
}

/**
 * vgpu_sched_admit_equal() - what a policy refuses to which all are equal
 * @function: whose settings
 * @params: they must have default weight and priority, and no reservation
 * @rule: why
 * @why: filled in if they are refused
 *
 * Return: 0, or -EOPNOTSUPP.
 */
int vgpu_sched_admit_equal(u16 function, const struct vgpu_sched_params *params,
			   const char *rule, struct vgpu_sched_why *why)
{
	const struct {
		const char *what;
		u64 is;
		u64 only;
	} settings[] = {
		{ "weight", params->weight, VGPU_SCHED_WEIGHT_DEFAULT },
		{ "priority", params->priority, VGPU_SCHED_PRIORITY_NORMAL },
		{ "budget_ns", params->budget_ns, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		if (settings[i].is == settings[i].only)
			continue;
		vgpu_sched_refuse(why, function, settings[i].what, rule,
				  settings[i].only, settings[i].only);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int rr_admit(const struct vgpu_sched *s, u16 function,
		    const struct vgpu_sched_params *params,
		    struct vgpu_sched_why *why)
{
	return vgpu_sched_admit_equal(function, params, "is not supported by policy rr",
				      why);
}

void vgpu_sched_round_robin_enqueue(struct vgpu_sched *s, u16 function)
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

void vgpu_sched_round_robin_dequeue(struct vgpu_sched *s, u16 function)
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
	choice->quantum_ns = vgpu_sched_quantum(s, head);
	return true;
}

/* The bound if a turn takes so many preempt timeouts at most. */
u64 vgpu_sched_round_robin_bound(const struct vgpu_sched *s, u16 function,
				 unsigned int timeouts)
{
	u64 leave = max(s->config.save_ns, s->config.reset_ns);
	u64 bound = leave + s->config.load_ns;
	unsigned int i;

	for (i = 0; i < s->config.functions; i++) {
		const struct vgpu_sched_function *fn = &s->function[i];
		u64 quantum = vgpu_sched_quantum(s, i);

		if (i == function || fn->parked & VGPU_SCHED_PARK_DISABLED)
			continue;
		if (!quantum || !fn->params.preempt_timeout_ns)
			return U64_MAX;
		bound += s->config.load_ns + quantum +
			 timeouts * fn->params.preempt_timeout_ns + leave;
	}
	return bound;
}

static u64 rr_latency_bound(const struct vgpu_sched *s, u16 function)
{
	return vgpu_sched_round_robin_bound(s, function, 1);
}

const struct vgpu_sched_policy vgpu_sched_round_robin = {
	.name		= "rr",
	.reset		= vgpu_sched_round_robin_reset,
	.admit		= rr_admit,
	.enqueue	= vgpu_sched_round_robin_enqueue,
	.dequeue	= vgpu_sched_round_robin_dequeue,
	.pick		= rr_pick,
	.latency_bound	= rr_latency_bound,
};

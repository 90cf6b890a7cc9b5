// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cooperative: round robin whose slices end between two command buffers.
 *
 * A world is asked to leave at its deadline, as under any other policy, but it may
 * finish the ring packet that it is executing (include/vgpu/world.h), so that
 * nothing needs to be preempted in the middle: what mediated pass-through does, and
 * "best effort" elsewhere. Those wait for as long as it takes. Here it has its
 * preempt timeout for that; then it is preempted after all, and has its preempt
 * timeout once more before it is reset. So who submits long command buffers takes
 * more than its share, but nobody more than
 *
 *	load + quantum_j + 2 preempt timeout_j + max(save, reset)
 *
 * for one turn, and the bound is that of round robin with these turns:
 *
 *	latency_f <= max(save, reset) + load + sum over j != f of the above
 *
 * With a preempt timeout of 0 there is no bound. Whoever must leave whoever comes
 * next (parked, throttled) is preempted, and not let finish anything.
 *
 * This takes a device that can do it, &vgpu_sched_config.boundary.
 */
#include "core.h"

static int coop_admit(const struct vgpu_sched *s, u16 function,
		      const struct vgpu_sched_params *params,
		      struct vgpu_sched_why *why)
{
	if (!s->config.boundary) {
		vgpu_sched_refuse(why, VGPU_FUNCTION_NONE, "policy",
				  "coop needs a device that ends slices at command buffers",
				  1, 0);
		return -EOPNOTSUPP;
	}
	return vgpu_sched_admit_equal(function, params, "is not supported by policy coop",
				      why);
}

static bool coop_pick(struct vgpu_sched *s, u64 now,
		      struct vgpu_sched_choice *choice)
{
	if (!vgpu_sched_round_robin.pick(s, now, choice))
		return false;
	choice->boundary = true;
	return true;
}

static u64 coop_latency_bound(const struct vgpu_sched *s, u16 function)
{
	return vgpu_sched_round_robin_bound(s, function, 2);
}

const struct vgpu_sched_policy vgpu_sched_coop = {
	.name		= "coop",
	.reset		= vgpu_sched_round_robin_reset,
	.admit		= coop_admit,
	.enqueue	= vgpu_sched_round_robin_enqueue,
	.dequeue	= vgpu_sched_round_robin_dequeue,
	.pick		= coop_pick,
	.latency_bound	= coop_latency_bound,
};

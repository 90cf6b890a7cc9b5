// SPDX-License-Identifier: GPL-2.0-only
/*
 * best-effort: cooperative round robin.
 *
 * Source: NVIDIA's documentation of vGPU software, "Best Effort Scheduler": round
 * robin in time slices, of 2 ms for up to 8 vGPUs and of 1 ms for more if nothing is
 * configured; who has no task or has used up its slice is passed over; no shares
 * are guaranteed. Slices are ended as by GPUs that do not preempt kernels (GPUvm,
 * USENIX ATC 2014; gVirt, USENIX ATC 2014): at the end of the command buffer. Nobody
 * is ever preempted, and a kernel that does not end keeps the GPU.
 *
 * The device switches by itself, without delay: that is in favour of this scheduler.
 */
#include <stdlib.h>
#include "roster.h"

#define FEW		8
#define FEW_NS		2000000ull
#define MANY_NS		1000000ull

/**
 * struct effort - the scheduler
 * @roster: who is there
 * @quantum: as configured, 0 for the default
 */
struct effort {
	struct roster roster;
	u64 quantum[VGPU_MAX_FUNCTIONS];
};

static u64 slice(const struct effort *e, u16 function)
{
	if (e->quantum[function])
		return e->quantum[function];
	return e->roster.started <= FEW ? FEW_NS : MANY_NS;
}

/* Whoever is behind the running one is next, as soon as that has had its slice. */
static void decide(struct effort *e)
{
	struct roster *r = &e->roster;
	u16 next = roster_behind(r, r->running, roster_ready);
	u32 flags = SIM_BOUNDARY;

	if (r->running != VGPU_FUNCTION_NONE && !roster_may_run(r, r->running))
		flags |= SIM_NOW;
	if (next == r->running)
		next = VGPU_FUNCTION_NONE;
	if (next != VGPU_FUNCTION_NONE && (next != r->armed || flags & SIM_NOW))
		roster_arm(r, next, slice(e, next), flags);
	else if (next == VGPU_FUNCTION_NONE && flags & SIM_NOW)
		roster_empty(r, flags);
	else if (next == VGPU_FUNCTION_NONE)
		roster_disarm(r);
}

static void *effort_create(struct sim *sim)
{
	struct effort *e = calloc(1, sizeof(*e));

	roster_init(&e->roster, sim);
	return e;
}

static int effort_configure(void *context, u16 function,
			    const struct vgpu_sched_params *params,
			    struct vgpu_sched_why *why)
{
	struct effort *e = context;
	int ret = sim_supports(function, params, SIM_QUANTUM, why);

	if (ret)
		return ret;
	e->quantum[function] = params->quantum_ns == VGPU_SCHED_QUANTUM_AUTO ?
			       0 : params->quantum_ns;
	return 0;
}

static void effort_start(void *context, u16 function)
{
	struct effort *e = context;

	roster_start(&e->roster, function);
}

static void effort_park(void *context, u16 function)
{
	struct effort *e = context;

	e->roster.fn[function].parked = true;
	decide(e);
}

static void effort_unpark(void *context, u16 function)
{
	struct effort *e = context;

	e->roster.fn[function].parked = false;
	decide(e);
}

static void effort_event(void *context, const struct model_event *event)
{
	struct effort *e = context;

	if (roster_event(&e->roster, event))
		decide(e);
}

static void effort_timer(void *context, unsigned int number)
{
}

static bool effort_off_engine(void *context, u16 function)
{
	struct effort *e = context;

	return roster_off_engine(&e->roster, function);
}

static void effort_recovered(void *context, u16 function)
{
	struct effort *e = context;

	e->roster.fn[function].lost = false;
	decide(e);
}

const struct sim_scheduler sim_best_effort = {
	.name = "best-effort",
	.about = "NVIDIA vGPU, best effort: cooperative round robin (its user guide; GPUvm)",
	.create = effort_create,
	.destroy = free,
	.configure = effort_configure,
	.start = effort_start,
	.park = effort_park,
	.unpark = effort_unpark,
	.event = effort_event,
	.timer = effort_timer,
	.off_engine = effort_off_engine,
	.recovered = effort_recovered,
};

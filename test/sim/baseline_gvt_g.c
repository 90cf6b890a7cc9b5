// SPDX-License-Identifier: GPL-2.0-only
/*
 * gvt-g: Intel GVT-g's time based scheduler.
 *
 * Source: Linux 5.x, drivers/gpu/drm/i915/gvt/sched_policy.c and scheduler.c; and
 * gVirt, USENIX ATC 2014. What it does, as published there:
 *
 * - A tick of 1 ms, and whenever a vGPU submits work to an empty queue.
 * - Each 100 ms every active vGPU, busy or not, gets 100 ms × weight ÷ sum of weights;
 *   it adds to what it has left or owes. Each tenth time that is forgotten.
 * - The first vGPU in least recently picked order that has work and time left is
 *   next, and goes to the end of that order. If there is none the GPU idles.
 * - Nobody is preempted: no more work is dispatched, and when the workload that
 *   is executing has ended the vGPUs are switched.
 * - Time is charged at each tick and switch.
 *
 * A vGPU that has just been started has priority for 2 s; here all are taken as
 * started long ago. The quantum cannot be set. The device switches by itself,
 * without delay: that is in favour of GVT-g.
 */
#include <stdlib.h>
#include "roster.h"

#define TICK_NS		1000000ull
#define PERIOD_NS	100000000ull
#define STAGES		10

/**
 * struct gvt_function - a vGPU
 * @weight: its weight
 * @left: time that it may still have
 * @share: what it gets each period
 * @picked: number of the decision that it was picked by last
 */
struct gvt_function {
	u32 weight;
	s64 left;
	s64 share;
	u64 picked;
};

/**
 * struct gvt - the scheduler
 * @roster: who is there
 * @target: who is to be switched to, if @switching
 * @switching: the running one shall leave as soon as its workload ends
 * @charged: up to when the running one is charged
 * @tick: the next tick
 * @balance: the next balance
 * @stage: number of balances
 * @picks: number of decisions
 * @fn: the vGPUs
 */
struct gvt {
	struct roster roster;
	u16 target;
	bool switching;
	u64 charged;
	u64 tick;
	u64 balance;
	u64 stage;
	u64 picks;
	struct gvt_function fn[VGPU_MAX_FUNCTIONS];
};

static void balance(struct gvt *g)
{
	bool begin = !(g->stage++ % STAGES);
	u64 weights = 0;
	unsigned int i;

	for (i = 0; i < g->roster.functions; i++)
		if (g->roster.fn[i].started)
			weights += g->fn[i].weight;
	for (i = 0; i < g->roster.functions; i++) {
		struct gvt_function *fn = &g->fn[i];

		if (!g->roster.fn[i].started)
			continue;
		if (begin) {
			fn->share = PERIOD_NS / weights * fn->weight;
			fn->left = 0;
		}
		fn->left += fn->share;
	}
}

static void charge(struct gvt *g)
{
	u64 now = sim_clock(g->roster.sim);

	if (g->roster.running != VGPU_FUNCTION_NONE)
		g->fn[g->roster.running].left -= now - g->charged;
	g->charged = now;
}

/* Least recently picked of those with work and time left. */
static u16 pick(const struct gvt *g)
{
	u16 best = VGPU_FUNCTION_NONE;
	unsigned int i;

	for (i = 0; i < g->roster.functions; i++)
		if (roster_ready(&g->roster, i) && g->fn[i].left > 0 &&
		    (best == VGPU_FUNCTION_NONE || g->fn[i].picked < g->fn[best].picked))
			best = i;
	return best;
}

static void leave_for(struct gvt *g)
{
	if (g->target == VGPU_FUNCTION_NONE)
		roster_empty(&g->roster, SIM_NOW | SIM_BOUNDARY);
	else
		roster_arm(&g->roster, g->target, 0, SIM_NOW | SIM_BOUNDARY);
}

static void schedule(struct gvt *g)
{
	charge(g);
	if (g->switching)
		return;
	g->target = pick(g);
	if (g->target != VGPU_FUNCTION_NONE)
		g->fn[g->target].picked = ++g->picks;
	if (g->target == g->roster.running)
		return;
	g->switching = true;
	leave_for(g);
}

static void *gvt_create(struct sim *sim)
{
	struct gvt *g = calloc(1, sizeof(*g));

	roster_init(&g->roster, sim);
	g->tick = sim_clock(sim) + TICK_NS;
	g->balance = g->tick;
	sim_set_timer(sim, 0, g->tick);
	return g;
}

static int gvt_configure(void *context, u16 function,
			 const struct vgpu_sched_params *params,
			 struct vgpu_sched_why *why)
{
	struct gvt *g = context;
	int ret = sim_supports(function, params, SIM_WEIGHT, why);

	if (!ret)
		g->fn[function].weight = params->weight;
	return ret;
}

static void gvt_start(void *context, u16 function)
{
	struct gvt *g = context;

	roster_start(&g->roster, function);
}

/* Nobody can be taken off at once; it is not picked again. */
static void gvt_park(void *context, u16 function)
{
	struct gvt *g = context;

	g->roster.fn[function].parked = true;
	if (g->switching && g->target == function) {
		g->target = VGPU_FUNCTION_NONE;
		leave_for(g);
	}
	schedule(g);
}

static void gvt_unpark(void *context, u16 function)
{
	struct gvt *g = context;

	g->roster.fn[function].parked = false;
	schedule(g);
}

static void gvt_event(void *context, const struct model_event *event)
{
	struct gvt *g = context;
	bool kick = event->type == VGPU_EVENT_RUNNABLE;

	if (event->type == VGPU_EVENT_SWITCHED || event->type == VGPU_EVENT_LOST) {
		charge(g);
		g->switching = false;
	}
	if (!roster_event(&g->roster, event))
		return;
	if (event->type == VGPU_EVENT_SWITCHED && g->roster.running !=
	    VGPU_FUNCTION_NONE && !roster_may_run(&g->roster, g->roster.running))
		kick = true;
	/* What the switch waited for is not there any more. */
	if (g->switching && g->target != VGPU_FUNCTION_NONE &&
	    g->roster.armed == VGPU_FUNCTION_NONE)
		g->switching = false;
	if (kick)
		schedule(g);
}

static void gvt_timer(void *context, unsigned int number)
{
	struct gvt *g = context;

	if (g->tick >= g->balance) {
		balance(g);
		g->balance += PERIOD_NS;
	}
	g->tick += TICK_NS;
	sim_set_timer(g->roster.sim, 0, g->tick);
	schedule(g);
}

static bool gvt_off_engine(void *context, u16 function)
{
	struct gvt *g = context;

	return roster_off_engine(&g->roster, function);
}

static void gvt_recovered(void *context, u16 function)
{
	struct gvt *g = context;

	g->roster.fn[function].lost = false;
}

const struct sim_scheduler sim_gvt_g = {
	.name = "gvt-g",
	.about = "Intel GVT-g: 1 ms tick, weighted time per 100 ms (Linux 5.x, gvt/sched_policy.c)",
	.create = gvt_create,
	.destroy = free,
	.configure = gvt_configure,
	.start = gvt_start,
	.park = gvt_park,
	.unpark = gvt_unpark,
	.event = gvt_event,
	.timer = gvt_timer,
	.off_engine = gvt_off_engine,
	.recovered = gvt_recovered,
};

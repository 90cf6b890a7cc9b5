// SPDX-License-Identifier: GPL-2.0-only
/*
 * gim-old: AMD's GIM for the S7150 (2017), round robin.
 *
 * Source: GPUOpen MxGPU-Virtualization, drv/gim_adapter.c, drv/gim_timer.c and
 * docs/gim_runtime_configuration; MIT. What it does, as published there:
 *
 * - A relative timer of 7 ms, or what is configured, queues the world switch. It is
 *   started again when the switch is complete, so the period is longer than the
 *   slice by all that the switch takes, and drifts.
 * - The switch is IDLE, SAVE, LOAD, RUN. Each is waited for by reading two
 *   registers and udelay(100), for at most 2 s.
 * - Round robin over the VFs whose driver is loaded, whether they have work or not.
 *   A single one is switched to itself each 500 ms.
 * - If IDLE takes more than 2 s the VF is reset by an FLR, after which IDLE is tried
 *   again for 2 s; then the GPU is reset. Only then others run.
 *
 * Here a VF's driver is loaded from its first work on. A register access takes 1 µs,
 * three of them belong to each command, so that there are about 32 in a switch, as
 * was counted in it. In the recovery of a hang 1.3 s are neither of the two 2 s:
 * so much is missing to the 5.3 s that were measured. Only the world that hangs
 * is reset in the end, not the GPU: that is in favour of GIM.
 */
#include <stdlib.h>
#include "polled.h"

#define SLICE_TIMER	0
#define POLL_TIMER	1

#define SLICE_NS	7000000ull
#define SINGLE_NS	500000000ull
#define DELAY_NS	100000ull
#define LIMIT_NS	2000000000ull
#define FLR_NS		1300000000ull

/**
 * struct old_function - a VF
 * @quantum: its slice
 * @started: it is enabled
 * @loaded: its driver is loaded
 * @parked: by the administrator
 */
struct old_function {
	u64 quantum;
	bool started;
	bool loaded;
	bool parked;
};

/**
 * struct old - the driver of one GPU
 * @sim: the simulation
 * @functions: number of them
 * @polled: its world switch
 * @turn: who had the engine last
 * @resets: attempts of recovery since a VF hangs
 * @fn: the VFs
 */
struct old {
	struct sim *sim;
	unsigned int functions;
	struct polled polled;
	u16 turn;
	unsigned int resets;
	struct old_function fn[VGPU_MAX_FUNCTIONS];
};

static bool listed(const struct old *o, u16 function)
{
	const struct old_function *fn = &o->fn[function];

	return fn->started && fn->loaded && !fn->parked;
}

/* Behind the one whose turn it was, in the order of numbers; perhaps itself. */
static u16 next(const struct old *o)
{
	unsigned int i;

	for (i = 1; i <= o->functions; i++) {
		u16 function = (o->turn + i) % o->functions;

		if (listed(o, function))
			return function;
	}
	return VGPU_FUNCTION_NONE;
}

static void saved(void *context)
{
	struct old *o = context;
	u16 function = next(o);

	o->resets = 0;
	if (function == VGPU_FUNCTION_NONE)
		return;
	o->turn = function;
	polled_load(&o->polled, function);
}

static void running(void *context)
{
	struct old *o = context;
	u64 slice = next(o) == o->turn ? SINGLE_NS : o->fn[o->turn].quantum;
	u64 due = sim_clock(o->sim) + slice;

	if (!listed(o, o->turn)) {
		polled_leave(&o->polled);
		return;
	}
	sim_set_timer(o->sim, SLICE_TIMER, due);
	sim_due(o->sim, due);
}

/* FLR, then the same once more, then a reset. */
static void failed(void *context, enum vgpu_world_cmd command)
{
	struct old *o = context;

	if (o->resets++) {
		polled_reset(&o->polled);
		return;
	}
	sim_set_timer(o->sim, POLL_TIMER, sim_clock(o->sim) + FLR_NS);
	o->polled.since = sim_clock(o->sim) + FLR_NS;
}

static u64 interval(u64 waited, bool *sleeps)
{
	return DELAY_NS;
}

static const struct polled_driver polled = {
	.timer = POLL_TIMER,
	.accesses = 3,
	.reads = 2,
	.access_ns = 1000,
	.limit_ns = LIMIT_NS,
	.interval = interval,
	.saved = saved,
	.running = running,
	.failed = failed,
};

static void *old_create(struct sim *sim)
{
	struct old *o = calloc(1, sizeof(*o));

	o->sim = sim;
	o->functions = sim_functions(sim);
	polled_init(&o->polled, sim, &polled, o);
	return o;
}

static int old_configure(void *context, u16 function,
			 const struct vgpu_sched_params *params,
			 struct vgpu_sched_why *why)
{
	struct old *o = context;
	int ret = sim_supports(function, params, SIM_QUANTUM, why);

	if (ret)
		return ret;
	o->fn[function].quantum = params->quantum_ns == VGPU_SCHED_QUANTUM_AUTO ||
				  !params->quantum_ns ? SLICE_NS : params->quantum_ns;
	return 0;
}

static void old_start(void *context, u16 function)
{
	struct old *o = context;

	o->fn[function].started = true;
}

/* The scheduler is stopped while a VF joins, and then resumed. */
static void join(struct old *o, u16 function)
{
	if (!listed(o, function) || o->polled.command)
		return;
	if (o->polled.world == VGPU_FUNCTION_NONE)
		saved(o);
	else
		running(o);
}

static void leave(struct old *o)
{
	if (o->polled.command)
		return;
	sim_cancel_timer(o->sim, SLICE_TIMER);
	polled_leave(&o->polled);
}

static void old_park(void *context, u16 function)
{
	struct old *o = context;

	o->fn[function].parked = true;
	if (o->polled.world == function)
		leave(o);
}

static void old_unpark(void *context, u16 function)
{
	struct old *o = context;

	o->fn[function].parked = false;
	join(o, function);
}

static void old_event(void *context, const struct model_event *event)
{
	struct old *o = context;
	u16 function = event->function;

	if (function >= o->functions)
		return;
	if (event->type == VGPU_EVENT_RUNNABLE && !o->fn[function].loaded) {
		o->fn[function].loaded = true;
		join(o, function);
	}
	if (event->type == VGPU_EVENT_FLR || event->type == VGPU_EVENT_RESET ||
	    event->type == VGPU_EVENT_REFUSED)
		o->fn[function].loaded = false;
	polled_event(&o->polled, event);
}

static void old_timer(void *context, unsigned int number)
{
	struct old *o = context;

	if (number == POLL_TIMER)
		polled_timer(&o->polled);
	else
		leave(o);
}

static bool old_off_engine(void *context, u16 function)
{
	struct old *o = context;

	return polled_off_engine(&o->polled, function);
}

/* Its driver is loaded again when it submits work. */
static void old_recovered(void *context, u16 function)
{
}

const struct sim_scheduler sim_gim_old = {
	.name = "gim-old",
	.about = "AMD GIM of 2017: round robin, polled (GPUOpen MxGPU-Virtualization)",
	.create = old_create,
	.destroy = free,
	.configure = old_configure,
	.start = old_start,
	.park = old_park,
	.unpark = old_unpark,
	.event = old_event,
	.timer = old_timer,
	.off_engine = old_off_engine,
	.recovered = old_recovered,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * adaptive-rr: equal share with adaptive round robin.
 *
 * Source: NVIDIA's documentation of vGPU software, "Equal Share Scheduler", and of
 * NVML, nvmlVgpuSchedulerParams_t (avgFactor, frequency). What it does, as
 * published there:
 *
 * - Each running vGPU has a time slice in turn; if it has no task in it the GPU stays
 *   idle. All have the same share, no matter what they ask for.
 * - A slice is ended by preemption. What a vGPU has overrun its slices by is averaged,
 *   and the average is taken off its next slice. The weight of the average is the
 *   averaging factor: 33 if nothing else is configured, 1…60.
 * - By default 480 slices per second for up to 8 vGPUs, 960 for more.
 *
 * It is not published what happens if the average is more than a slice: here at
 * least a tenth of the slice is given. The device switches by itself, without delay,
 * and NEXT is armed so late that a slice that ends early is not ceded.
 */
#include <stdlib.h>
#include "roster.h"

#define FEW		8
#define FEW_NS		(1000000000ull / 480)
#define MANY_NS		(1000000000ull / 960)
#define FACTOR		33
#define LEAST		10

/* NEXT is armed this long before the end of a slice, or the slice's half. */
#define AHEAD_NS	100000ull

/**
 * struct arr_function - a vGPU
 * @quantum: as configured, 0 for the default
 * @average: of what it has overrun its slices by
 * @due: end of its slice
 */
struct arr_function {
	u64 quantum;
	u64 average;
	u64 due;
};

/**
 * struct arr - the scheduler
 * @roster: who is there
 * @turn: whose slice it is, VGPU_FUNCTION_NONE in the beginning
 * @end: when it ends
 * @fn: the vGPUs
 */
struct arr {
	struct roster roster;
	u16 turn;
	u64 end;
	struct arr_function fn[VGPU_MAX_FUNCTIONS];
};

static u64 slice(const struct arr *a, u16 function)
{
	const struct arr_function *fn = &a->fn[function];
	u64 full = fn->quantum;

	if (!full)
		full = a->roster.started <= FEW ? FEW_NS : MANY_NS;
	return max(full - min(full, fn->average), full / LEAST);
}

static bool has_turns(const struct roster *r, u16 function)
{
	return roster_may_run(r, function);
}

/* NEXT, at the end of the slice; at once if the running one must go. */
static u32 when(const struct roster *r)
{
	bool stays = r->running == VGPU_FUNCTION_NONE || roster_may_run(r, r->running);

	return stays ? 0 : SIM_NOW;
}

static void end_at(struct arr *a, u64 end, u64 ahead)
{
	a->end = end;
	sim_set_timer(a->roster.sim, 0, end - ahead);
}

/* The next slice: of who runs already, of another one, or of one without work. */
static void advance(struct arr *a)
{
	struct roster *r = &a->roster;
	u64 now = sim_clock(r->sim);
	u64 ns;

	sim_cancel_timer(r->sim, 0);
	a->turn = roster_behind(r, a->turn, has_turns);
	if (a->turn == VGPU_FUNCTION_NONE) {
		if (r->running != VGPU_FUNCTION_NONE)
			roster_empty(r, SIM_NOW);
		return;
	}
	ns = slice(a, a->turn);
	if (a->turn == r->running) {
		a->fn[a->turn].due = max(a->end, now) + ns;
		end_at(a, a->fn[a->turn].due, min(AHEAD_NS, ns / 2));
	} else if (roster_ready(r, a->turn)) {
		roster_arm(r, a->turn, ns, when(r));
	} else {
		if (r->running != VGPU_FUNCTION_NONE)
			roster_empty(r, when(r));
		end_at(a, max(a->end, now) + ns, 0);
	}
}

/* Whose turn it is has got work, has lost its world, or NEXT was refused. */
static void follow(struct arr *a)
{
	struct roster *r = &a->roster;

	if (a->turn == VGPU_FUNCTION_NONE || !roster_may_run(r, a->turn))
		advance(a);
	else if (roster_ready(r, a->turn) && r->running != a->turn &&
		 r->armed != a->turn)
		roster_arm(r, a->turn, slice(a, a->turn), when(r));
}

static void start_slice(struct arr *a, const struct vgpu_sched_switch *sw)
{
	u16 function = a->roster.running;
	u64 ns;

	if (function == VGPU_FUNCTION_NONE)
		return;
	ns = slice(a, function);
	a->fn[function].due = sw->running + ns;
	end_at(a, sw->running + ns, min(AHEAD_NS, ns / 2));
}

static void end_slice(struct arr *a, u16 function, const struct vgpu_sched_switch *sw)
{
	struct arr_function *fn;
	u64 over;

	if (function >= a->roster.functions)
		return;
	fn = &a->fn[function];
	over = sw->quiesced > fn->due ? sw->quiesced - fn->due : 0;
	fn->average = (fn->average * (FACTOR - 1) + over) / FACTOR;
}

static void *arr_create(struct sim *sim)
{
	struct arr *a = calloc(1, sizeof(*a));

	roster_init(&a->roster, sim);
	a->turn = VGPU_FUNCTION_NONE;
	return a;
}

static int arr_configure(void *context, u16 function,
			 const struct vgpu_sched_params *params,
			 struct vgpu_sched_why *why)
{
	struct arr *a = context;
	int ret = sim_supports(function, params, SIM_QUANTUM, why);

	if (ret)
		return ret;
	a->fn[function].quantum = params->quantum_ns == VGPU_SCHED_QUANTUM_AUTO ?
				  0 : params->quantum_ns;
	return 0;
}

static void arr_start(void *context, u16 function)
{
	struct arr *a = context;

	roster_start(&a->roster, function);
	follow(a);
}

static void arr_park(void *context, u16 function)
{
	struct arr *a = context;

	a->roster.fn[function].parked = true;
	if (a->turn == function || a->roster.running == function)
		advance(a);
}

static void arr_unpark(void *context, u16 function)
{
	struct arr *a = context;

	a->roster.fn[function].parked = false;
	follow(a);
}

static void arr_event(void *context, const struct model_event *event)
{
	struct arr *a = context;

	if (!roster_event(&a->roster, event))
		return;
	if (event->type == VGPU_EVENT_SWITCHED) {
		end_slice(a, event->function, &event->sw);
		start_slice(a, &event->sw);
	}
	follow(a);
}

/* A slice that was not used up ends when it would have ended. */
static void arr_timer(void *context, unsigned int number)
{
	struct arr *a = context;
	struct roster *r = &a->roster;

	if (a->turn == r->running && a->turn != VGPU_FUNCTION_NONE &&
	    !r->fn[a->turn].work && sim_clock(r->sim) < a->end)
		sim_set_timer(r->sim, 0, a->end);
	else
		advance(a);
}

static bool arr_off_engine(void *context, u16 function)
{
	struct arr *a = context;

	return roster_off_engine(&a->roster, function);
}

static void arr_recovered(void *context, u16 function)
{
	struct arr *a = context;

	a->roster.fn[function].lost = false;
	follow(a);
}

const struct sim_scheduler sim_adaptive_rr = {
	.name = "adaptive-rr",
	.about = "NVIDIA vGPU, equal share: slices shortened by the averaged overrun (NVML avgFactor)",
	.create = arr_create,
	.destroy = free,
	.configure = arr_configure,
	.start = arr_start,
	.park = arr_park,
	.unpark = arr_unpark,
	.event = arr_event,
	.timer = arr_timer,
	.off_engine = arr_off_engine,
	.recovered = arr_recovered,
};

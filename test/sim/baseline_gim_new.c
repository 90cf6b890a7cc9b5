// SPDX-License-Identifier: GPL-2.0-only
/*
 * gim-new: AMD's GIM 8 (2024), the default "fairness mode", and without it.
 *
 * Source: amd/MxGPU-Virtualization, libgv/core/amdgv_sched_switch.c (debit, turns),
 * amdgv_device.c (waiting), amdgv_sched.h (6 ms); MIT. What it does, as published
 * there:
 *
 * - A timer of one slice, started when the world runs, wakes a thread that switches:
 *   IDLE, SAVE, LOAD, RUN. Each is waited for by polling: each 2 µs a hundred times,
 *   then each 4 µs and so on up to 50 µs, sleeping from 16 µs on; after 15 ms busily
 *   each 50 µs; for at most 0.5 s. Then an event to reset the VF is queued.
 * - The time from before LOAD to after SAVE is charged. What it is more than the
 *   slice granted is a debit: it is taken from the next slice, at most half of which
 *   it takes, the rest is taken later. A VF whose debit is a slice or more is passed
 *   over, which costs it one slice of debit.
 * - Round robin over all VFs that are enabled. While it is the turn of one whose
 *   driver is not loaded, the PF is loaded; its slice is shortened by the same rule,
 *   but it keeps no debit. Ending early earns nothing: the slice is used up by a
 *   VF without work.
 * - A single VF has no timer; with no VF's driver loaded the PF stays.
 *
 * Here a VF's driver is loaded from its first work on. "gim-new-rr" is the same
 * without fairness mode: full slices, and no turns for VFs without a driver.
 */
#include <stdlib.h>
#include "polled.h"

#define SLICE_TIMER	0
#define POLL_TIMER	1
#define PF		0

#define SLICE_NS	6000000ull
#define LIMIT_NS	500000000ull

/**
 * struct new_function - a VF, or the PF
 * @quantum: its slice
 * @started: it is enabled
 * @loaded: its driver is loaded, and it is not suspended
 * @parked: by the administrator
 * @granted: its last slice
 * @debit: to be taken from the next ones
 * @since: when its LOAD began
 */
struct new_function {
	u64 quantum;
	bool started;
	bool loaded;
	bool parked;
	u64 granted;
	u64 debit;
	u64 since;
};

/**
 * struct new - the driver of one GPU
 * @sim: the simulation
 * @functions: number of them
 * @fair: fairness mode
 * @polled: its world switch
 * @turn: whose turn it is; the PF may run in its place
 * @charged: who has to be charged for the engine, VGPU_FUNCTION_NONE if nobody
 * @fn: the functions
 */
struct new {
	struct sim *sim;
	unsigned int functions;
	bool fair;
	struct polled polled;
	u16 turn;
	u16 charged;
	struct new_function fn[VGPU_MAX_FUNCTIONS];
};

static bool dummy(const struct new *n, u16 function)
{
	return !n->fn[function].loaded || n->fn[function].parked;
}

static bool listed(const struct new *n, u16 function)
{
	return n->fn[function].started && (n->fair || !dummy(n, function));
}

static unsigned int enabled(const struct new *n)
{
	unsigned int i, found = 0;

	for (i = 0; i < n->functions; i++)
		found += n->fn[i].started;
	return found;
}

/* How many are there whose driver is loaded? */
static unsigned int active(const struct new *n)
{
	unsigned int i, found = 0;

	for (i = 0; i < n->functions; i++)
		found += listed(n, i) && !dummy(n, i);
	return found;
}

/* The next slice of @fn, 0 to pass it over. */
static void punish(struct new_function *fn, u64 slice)
{
	u64 debit = fn->debit;

	fn->debit = 0;
	if (debit >= slice) {
		fn->granted = 0;
		fn->debit = debit - slice;
	} else if (debit >= slice - slice / 2) {
		fn->granted = slice / 2;
		fn->debit = debit - (slice - slice / 2);
	} else {
		fn->granted = slice - debit;
	}
}

/* The slice of who is first in the list; the PF's if it runs in its place. */
static u64 grant(struct new *n, u16 function)
{
	struct new_function *fn = &n->fn[dummy(n, function) ? PF : function];
	u64 slice = n->fn[function].quantum;

	if (n->fair)
		punish(fn, slice);
	else
		fn->granted = slice;
	if (dummy(n, function))
		fn->debit = 0;
	return fn->granted;
}

/* Behind the one whose turn it was, in the order of numbers. */
static u16 next(struct new *n)
{
	unsigned int i;
	u16 function = n->turn;

	if (!active(n))
		return n->fair ? PF : VGPU_FUNCTION_NONE;
	for (i = 0; ; i++) {
		function = (function + 1) % n->functions;
		if (listed(n, function) && grant(n, function))
			break;
	}
	n->turn = function;
	return dummy(n, function) ? PF : function;
}

/* The world has left the engine, or is about to be reset. */
static void charge(struct new *n)
{
	struct new_function *fn;
	u64 used;

	if (n->charged == VGPU_FUNCTION_NONE)
		return;
	fn = &n->fn[n->charged];
	used = sim_clock(n->sim) - fn->since;
	if (used > fn->granted && enabled(n) > 1)
		fn->debit += used - fn->granted;
	n->charged = VGPU_FUNCTION_NONE;
}

static void saved(void *context)
{
	struct new *n = context;
	u16 function;

	charge(n);
	function = next(n);
	if (function == VGPU_FUNCTION_NONE)
		return;
	n->charged = function;
	n->fn[function].since = sim_clock(n->sim);
	polled_load(&n->polled, function);
}

static void leave(struct new *n)
{
	if (n->polled.command)
		return;
	sim_cancel_timer(n->sim, SLICE_TIMER);
	polled_leave(&n->polled);
}

static void running(void *context)
{
	struct new *n = context;
	u64 due = sim_clock(n->sim) + n->fn[n->charged].granted;

	if (n->charged != PF && dummy(n, n->charged)) {
		leave(n);
		return;
	}
	/* A single one, or none at all, is not interrupted. */
	if (enabled(n) == 1 || !active(n))
		return;
	sim_set_timer(n->sim, SLICE_TIMER, due);
	sim_due(n->sim, due);
}

static void failed(void *context, enum vgpu_world_cmd command)
{
	struct new *n = context;

	charge(n);
	polled_reset(&n->polled);
}

static u64 interval(u64 waited, bool *sleeps)
{
	u64 ns = 2000, until = 100 * ns;

	if (waited >= 15000000)
		return 50000;
	while (waited >= until && ns < 50000) {
		ns = min(2 * ns, 50000);
		until += 100 * ns;
	}
	*sleeps = ns > 10000;
	return ns;
}

static const struct polled_driver polled = {
	.timer = POLL_TIMER,
	.accesses = 1,
	.reads = 1,
	.access_ns = 0,
	.limit_ns = LIMIT_NS,
	.interval = interval,
	.saved = saved,
	.running = running,
	.failed = failed,
};

static void *create(struct sim *sim, bool fair)
{
	struct new *n = calloc(1, sizeof(*n));
	unsigned int i;

	n->sim = sim;
	n->functions = sim_functions(sim);
	n->fair = fair;
	n->charged = VGPU_FUNCTION_NONE;
	for (i = 0; i < n->functions; i++)
		n->fn[i].quantum = SLICE_NS;
	polled_init(&n->polled, sim, &polled, n);
	return n;
}

static void *new_create(struct sim *sim)
{
	return create(sim, true);
}

static void *new_create_rr(struct sim *sim)
{
	return create(sim, false);
}

static int new_configure(void *context, u16 function,
			 const struct vgpu_sched_params *params,
			 struct vgpu_sched_why *why)
{
	struct new *n = context;
	int ret = sim_supports(function, params, SIM_QUANTUM, why);

	if (ret)
		return ret;
	n->fn[function].quantum = params->quantum_ns == VGPU_SCHED_QUANTUM_AUTO ||
				  !params->quantum_ns ? SLICE_NS : params->quantum_ns;
	return 0;
}

static void new_start(void *context, u16 function)
{
	struct new *n = context;

	n->fn[function].started = true;
}

/* Nobody was there before: no timer runs, the thread is woken. */
static void join(struct new *n, u16 function)
{
	if (!dummy(n, function) && active(n) == 1)
		leave(n);
}

static void new_park(void *context, u16 function)
{
	struct new *n = context;

	n->fn[function].parked = true;
	if (n->polled.world == function)
		leave(n);
}

static void new_unpark(void *context, u16 function)
{
	struct new *n = context;

	n->fn[function].parked = false;
	join(n, function);
}

static void new_event(void *context, const struct model_event *event)
{
	struct new *n = context;
	u16 function = event->function;

	if (function >= n->functions)
		return;
	if (event->type == VGPU_EVENT_RUNNABLE && n->fn[function].started &&
	    !n->fn[function].loaded) {
		n->fn[function].loaded = true;
		join(n, function);
	}
	if (event->type == VGPU_EVENT_FLR || event->type == VGPU_EVENT_RESET ||
	    event->type == VGPU_EVENT_REFUSED)
		n->fn[function].loaded = false;
	polled_event(&n->polled, event);
}

static void new_timer(void *context, unsigned int number)
{
	struct new *n = context;

	if (number == POLL_TIMER)
		polled_timer(&n->polled);
	else
		leave(n);
}

static bool new_off_engine(void *context, u16 function)
{
	struct new *n = context;

	return polled_off_engine(&n->polled, function);
}

/* Its driver is loaded again when it submits work. */
static void new_recovered(void *context, u16 function)
{
}

#define GIM_NEW(id, called, what, made) \
const struct sim_scheduler id = { \
	.name = called, \
	.about = what, \
	.create = made, \
	.destroy = free, \
	.configure = new_configure, \
	.start = new_start, \
	.park = new_park, \
	.unpark = new_unpark, \
	.event = new_event, \
	.timer = new_timer, \
	.off_engine = new_off_engine, \
	.recovered = new_recovered, \
}

GIM_NEW(sim_gim_new, "gim-new",
	"AMD GIM 8: round robin with a debit for overrun, polled (amd/MxGPU-Virtualization)",
	new_create);
GIM_NEW(sim_gim_new_rr, "gim-new-rr",
	"AMD GIM 8 without fairness mode: round robin, polled (amd/MxGPU-Virtualization)",
	new_create_rr);

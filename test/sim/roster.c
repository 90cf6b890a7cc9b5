// SPDX-License-Identifier: GPL-2.0-only
#include "roster.h"

void roster_init(struct roster *r, struct sim *sim)
{
	*r = (struct roster){
		.sim = sim, .functions = sim_functions(sim),
		.running = VGPU_FUNCTION_NONE, .armed = VGPU_FUNCTION_NONE,
	};
}

void roster_start(struct roster *r, u16 function)
{
	r->started += !r->fn[function].started;
	r->fn[function].started = true;
}

/* Nothing keeps it from the engine, but perhaps it has no work. */
bool roster_may_run(const struct roster *r, u16 function)
{
	const struct roster_function *fn = &r->fn[function];

	return fn->started && !fn->lost && !fn->parked;
}

bool roster_ready(const struct roster *r, u16 function)
{
	return roster_may_run(r, function) && r->fn[function].work;
}

/**
 * roster_behind() - the next one in the order of numbers
 * @r: the functions
 * @function: behind this one, which comes last itself; VGPU_FUNCTION_NONE to begin
 * @fits: which ones are looked for
 *
 * Return: it, or VGPU_FUNCTION_NONE.
 */
u16 roster_behind(const struct roster *r, u16 function,
		  bool (*fits)(const struct roster *r, u16 function))
{
	unsigned int i, first = function < r->functions ? function + 1 : 0;

	for (i = 0; i < r->functions; i++)
		if (fits(r, (first + i) % r->functions))
			return (first + i) % r->functions;
	return VGPU_FUNCTION_NONE;
}

/**
 * roster_arm() - arm NEXT
 * @r: the functions
 * @function: who is next
 * @quantum_ns: its slice
 * @flags: SIM_NOW, SIM_BOUNDARY
 */
void roster_arm(struct roster *r, u16 function, u64 quantum_ns, u32 flags)
{
	r->armed = function;
	sim_next(r->sim, function, quantum_ns, flags);
}

/**
 * roster_empty() - have the engine emptied
 * @r: the functions
 * @flags: as for roster_arm()
 */
void roster_empty(struct roster *r, u32 flags)
{
	r->armed = VGPU_FUNCTION_NONE;
	sim_next(r->sim, VGPU_FUNCTION_NONE, 0, flags);
}

void roster_disarm(struct roster *r)
{
	if (r->armed != VGPU_FUNCTION_NONE)
		sim_disarm(r->sim);
	r->armed = VGPU_FUNCTION_NONE;
}

static void switched(struct roster *r, const struct model_event *event)
{
	if (event->function < r->functions && event->info == VGPU_LEAVE_IDLE)
		r->fn[event->function].work = false;
	r->running = event->sw.to;
	r->armed = VGPU_FUNCTION_NONE;
}

/* A SWITCHED follows if NEXT was armed with somebody else. */
static void lost(struct roster *r, u16 function)
{
	r->fn[function].lost = true;
	r->fn[function].work = false;
	if (r->armed == function)
		r->armed = VGPU_FUNCTION_NONE;
	if (r->running == function && r->armed == VGPU_FUNCTION_NONE)
		r->running = VGPU_FUNCTION_NONE;
}

/**
 * roster_event() - take note of what has happened
 * @r: the functions
 * @event: a record
 *
 * Return: something has changed.
 */
bool roster_event(struct roster *r, const struct model_event *event)
{
	if (event->type == VGPU_EVENT_SWITCHED) {
		switched(r, event);
		return true;
	}
	if (event->type == VGPU_EVENT_LOST) {
		sim_read_engine(r->sim, &r->running);
		r->armed = VGPU_FUNCTION_NONE;
		return true;
	}
	if (event->function >= r->functions)
		return false;
	switch (event->type) {
	case VGPU_EVENT_RUNNABLE:
	case VGPU_EVENT_IDLE:
		r->fn[event->function].work = event->type == VGPU_EVENT_RUNNABLE;
		return true;
	case VGPU_EVENT_HANG:
	case VGPU_EVENT_FLR:
	case VGPU_EVENT_RESET:
	case VGPU_EVENT_REFUSED:
		lost(r, event->function);
		return true;
	default:
		return false;
	}
}

/**
 * roster_off_engine() - is it neither on the engine nor next?
 * @r: the functions
 * @function: which one
 */
bool roster_off_engine(const struct roster *r, u16 function)
{
	return r->running != function && r->armed != function;
}

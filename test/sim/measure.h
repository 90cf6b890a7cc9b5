/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is measured, on the device: who had the engine for what, who waited, and
 * how far that is from the ideal.
 *
 * The ideal is the fluid one: at every moment each member is served in proportion
 * to its weight. A function is busy while it has work and nothing but the
 * scheduler keeps it from the engine. It is a member while it is busy, and after
 * that for as long as it is ahead of the ideal: the fluid engine would not yet be
 * through with what it had. If it is behind when it is not busy any more, the
 * fluid engine would have been through with it earlier, and the others would have
 * had that time: it falls to them.
 *
 * What is distributed is the engine time that somebody is charged for: a function
 * for its load, run, save, reset and the time between these steps. While it is
 * loaded and idle only if somebody else is busy.
 *
 * With V growing by dt/W (W: weights of the members) while somebody is charged,
 * the ideal of i grows by w_i dV while i is a member, and
 *
 *	lag_i = ideal_i − charged_i		(> 0: i is owed)
 *
 * so the lags always sum to 0. The share error of a window of length L is
 * |lag(t + L) − lag(t)| / L, taken for all windows that begin at a multiple of
 * MEASURE_STEP.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdio.h>
#include <vgpu/world.h>
#include "portable.h"

/** MEASURE_STEP - ns between two windows */
#define MEASURE_STEP	1000000ull
/** MEASURE_SHORT - steps of a short window: 100 ms */
#define MEASURE_SHORT	100u
/** MEASURE_LONG - steps of a long window: 1 s */
#define MEASURE_LONG	1000u

/**
 * struct samples - durations, all of them
 * @ns: each
 * @count: how many
 * @room: for so many
 * @max: the largest
 * @sorted: @ns is
 */
struct samples {
	u64 *ns;
	u64 count;
	u64 room;
	u64 max;
	bool sorted;
};

void samples_add(struct samples *s, u64 ns);
u64 samples_quantile(struct samples *s, u32 permille);
void samples_free(struct samples *s);

/**
 * struct measure_time - what engine time went for, ns
 * @run: executing, until quiesced
 * @idle: loaded, with nothing to do
 * @save: saving
 * @load: loading
 * @reset: being reset
 * @gap: stopped, between two of these steps
 */
struct measure_time {
	u64 run;
	u64 idle;
	u64 save;
	u64 load;
	u64 reset;
	u64 gap;
};

/**
 * struct measure_error - share errors of windows of one length
 * @max: largest
 * @disjoint: largest of those windows that begin where another one ends
 * @sum: of all
 * @windows: how many there are
 */
struct measure_error {
	double max;
	double disjoint;
	double sum;
	u64 windows;
};

/**
 * struct measure_function - one function
 * @time: what it was charged for
 * @weight: its weight
 * @busy: see above
 * @ahead: not busy, but a member
 * @busy_ns: for so long
 * @joined: V when it became a member
 * @ideal: up to then
 * @charged: see above
 * @lag_min: smallest lag
 * @lag_max: largest lag
 * @history: its lag at the last MEASURE_LONG + 1 steps, a ring
 * @short_error: share errors of short windows
 * @long_error: of long ones
 * @starts: times that its world began to run
 * @start_at: the last of them, 0 if it was not busy all the time since
 * @waits_since: it is busy and does not have the engine; U64_MAX if not so
 * @woken_at: it was not busy before, and has not had the engine since; or U64_MAX
 * @wake: from there to running
 * @wait: each time without the engine while busy
 * @gap: from start to start while busy
 * @job: from submission to completion
 * @late: jobs that took longer than their deadline
 * @lost: jobs that were lost with the world, or never accepted
 * @quiesce: from request to quiesced
 * @overshoot: from deadline to request
 * @overrun: sum of deadline to quiesced
 * @missed: slices that quiesced later than the preempt timeout after the request
 * @leaves: slices by what ended them, enum vgpu_leave
 * @hang_max: longest time from request to the end of the reset
 */
struct measure_function {
	struct measure_time time;
	u32 weight;
	bool busy;
	bool ahead;
	u64 busy_ns;
	double joined;
	double ideal;
	double charged;
	double lag_min;
	double lag_max;
	double *history;
	struct measure_error short_error;
	struct measure_error long_error;
	u64 starts;
	u64 start_at;
	u64 waits_since;
	u64 woken_at;
	struct samples wake;
	struct samples wait;
	struct samples gap;
	struct samples job;
	u64 late;
	u64 lost;
	struct samples quiesce;
	struct samples overshoot;
	u64 overrun;
	u64 missed;
	u64 leaves[8];
	u64 hang_max;
};

/**
 * struct measure - everything
 * @functions: number of them
 * @begin: since when
 * @now: up to when
 * @empty: nobody had the engine, ns
 * @wasted: nobody made use of it although somebody was busy, switches excepted
 * @virtual: V
 * @weights: W
 * @busy: number of busy functions
 * @ahead: number of members that are not busy
 * @world: who has the engine to run, VGPU_FUNCTION_NONE if nobody
 * @steps: of the windows
 * @trace: pictures are made from this, NULL if not wanted
 * @trace_every: steps between two samples of the lag there
 * @lag: what the scheduler believes it is, NULL if it does not know
 * @lag_context: first argument of that
 * @fn: the functions
 */
struct measure {
	unsigned int functions;
	u64 begin;
	u64 now;
	u64 empty;
	u64 wasted;
	double virtual;
	u64 weights;
	unsigned int busy;
	unsigned int ahead;
	u16 world;
	u64 steps;
	FILE *trace;
	u64 trace_every;
	s64 (*lag)(void *context, u16 function);
	void *lag_context;
	struct measure_function *fn;
};

/**
 * struct measure_slice - a slice that has ended
 * @function: whose
 * @reason: enum vgpu_leave
 * @due: deadline, 0 if there was none
 * @request: when it was asked to leave
 * @quiesced: when it had stopped
 * @saved: when its save or reset was over
 * @timeout: its preempt timeout
 */
struct measure_slice {
	u16 function;
	u32 reason;
	u64 due;
	u64 request;
	u64 quiesced;
	u64 saved;
	u64 timeout;
};

void measure_init(struct measure *m, unsigned int functions, u64 now);
void measure_exit(struct measure *m);
void measure_begin(struct measure *m);
void measure_end(struct measure *m);
void measure_weight(struct measure *m, u16 function, u32 weight);
void measure_advance(struct measure *m, u64 to, enum vgpu_engine_state state,
		     u16 world, bool idle);
void measure_busy(struct measure *m, u16 function, bool busy);
void measure_world(struct measure *m, u16 world, bool started);
void measure_slice(struct measure *m, const struct measure_slice *slice);
void measure_job(struct measure *m, u16 function, u64 arrived, u64 done, u64 deadline);
double measure_lag(const struct measure *m, u16 function);

#endif

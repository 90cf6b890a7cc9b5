/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulation: the device, the guests, the driver around a scheduler, and time.
 *
 *	guests --- work ---> device --- records ---> [irq latency] ---> scheduler
 *	                        ^                                           |
 *	                        +------- [write latency] <--- writes -------+
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "measure.h"
#include "scenario.h"
#include "sim.h"
#include "workload.h"

#define SIM_NEVER	U64_MAX
#define SIM_WRITES	256
#define SIM_ERROR	512

/**
 * struct sim_write - a register write on its way to the device
 * @at: when it arrives
 * @command: enum vgpu_world_cmd, or 0 for NEXT
 * @valid: NEXT is armed
 * @function: whom it names
 * @quantum: slice
 * @flags: SIM_NOW, SIM_BOUNDARY
 */
struct sim_write {
	u64 at;
	u32 command;
	bool valid;
	u16 function;
	u64 quantum;
	u32 flags;
};

/**
 * struct sim_function - one function
 * @params: its settings, as far as they are honoured
 * @work: its guest
 * @parked: by an action
 * @lost: its world was lost and has not been made anew
 * @told: the driver has heard of it
 * @initialising: INIT is under way
 * @closed: lost too often
 * @recover_at: when the driver begins with that, or SIM_NEVER
 * @recoveries: in the minute that began at @minute
 * @minute: see there
 * @starts: &model_function.starts when last looked at
 * @lag_bound: largest that the scheduler has told, with whatever settings
 * @latency_bound: ditto
 */
struct sim_function {
	struct vgpu_sched_params params;
	struct workload work;
	bool parked;
	bool lost;
	bool told;
	bool initialising;
	bool closed;
	u64 recover_at;
	unsigned int recoveries;
	u64 minute;
	u64 starts;
	u64 lag_bound;
	u64 latency_bound;
};

/**
 * struct sim_counts - what the driver did
 * @decisions: records and timers that the scheduler was given
 * @writes: posted writes
 * @reads: register reads
 * @polls: uses of sim_poll()
 * @busy_ns: time that the processor spent in them
 */
struct sim_counts {
	u64 decisions;
	u64 writes;
	u64 reads;
	u64 polls;
	u64 busy_ns;
};

/**
 * struct sim - everything
 * @m: the device
 * @sc: what shall happen
 * @scheduler: who decides
 * @context: its own
 * @costs: for it
 * @measure: what is measured
 * @latency: random numbers for latencies
 * @own: random numbers for the scheduler
 * @write: writes on their way
 * @write_first: the first of them
 * @write_last: behind the last of them
 * @irq_at: when the interrupt arrives
 * @timer_at: when the timers fire
 * @worker_at: when recovery of the whole engine runs
 * @work_at: when the next guest does something
 * @recover_at: when the next lost world is looked at
 * @action: the next one
 * @seen: records that were looked at for statistics
 * @armed_since: since when NEXT is armed
 * @taken_since: the same for the NEXT that was taken
 * @automatic: a switch was under way when last looked at
 * @boundary: NEXT has let worlds finish their command buffers
 * @due: see sim_due(), 0 if not known
 * @lenient: settings that the scheduler does not have are dropped
 * @ignored: SIM_*: those that were
 * @counts: what the driver did
 * @error: what went wrong
 * @failed: something did
 * @fn: the functions
 */
struct sim {
	struct model m;
	const struct scenario *sc;
	const struct sim_scheduler *scheduler;
	void *context;
	struct sim_costs costs;
	struct measure measure;
	u64 latency;
	u64 own;
	struct sim_write write[SIM_WRITES];
	u64 write_first;
	u64 write_last;
	u64 irq_at;
	u64 timer_at[SIM_TIMERS];
	u64 worker_at;
	u64 work_at;
	u64 recover_at;
	unsigned int action;
	u64 seen;
	u64 armed_since;
	u64 taken_since;
	bool automatic;
	bool boundary;
	u64 due;
	bool lenient;
	u32 ignored;
	struct sim_counts counts;
	char error[SIM_ERROR];
	bool failed;
	struct sim_function fn[VGPU_MAX_FUNCTIONS];
};

/**
 * struct sim_options - how to simulate
 * @lenient: see &sim.lenient
 * @trace: where to write what pictures are made from, or NULL
 * @trace_every: ms between two samples of the lag there
 */
struct sim_options {
	bool lenient;
	FILE *trace;
	u64 trace_every;
};

struct sim *sim_new(const struct scenario *sc, const struct sim_options *options);
void sim_free(struct sim *sim);
int sim_run(struct sim *sim);
void sim_print(struct sim *sim, FILE *file);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulator, as a scheduler sees it: a driver's view of one GPU.
 *
 * A scheduler is a struct sim_scheduler. It hears what the event queue of the
 * device tells (include/vgpu/events.h), after the interrupt latency, and acts by
 * posted writes, which take the write latency. The device is the model of
 * test/unit/model.h, the same for all schedulers, with the costs of the scenario.
 * What is measured is measured on the device, not by the scheduler.
 *
 * To add a scheduler: write it in a file of its own, and name it in schedulers.c
 * and in the Makefile.
 *
 * Time is the device clock in ns. Everything happens in one thread, in the order
 * of time; callbacks take no time. Callbacks may call any function below.
 */
#ifndef SIM_H
#define SIM_H

#include "vgpu_sched.h"
#include "model.h"

struct sim;

/** SIM_TIMERS - timers that a scheduler has, number 0…SIM_TIMERS − 1 */
#define SIM_TIMERS	4

/** SIM_NOW - sim_next(): do not wait for the deadline of the running world */
#define SIM_NOW		VGPU_SCHED_ARM_NOW
/**
 * SIM_BOUNDARY - sim_next(): when the running world is asked to leave let it come
 * to the end of its command buffer, for as long as its preempt timeout at most;
 * if that is 0, for ever: then nothing is preempted
 */
#define SIM_BOUNDARY	VGPU_SCHED_ARM_BOUNDARY

/* Settings that a scheduler can honour, for sim_supports(). */
#define SIM_QUANTUM	0x01u
#define SIM_TIMEOUT	0x02u	/* preempt_timeout_ns */
#define SIM_WEIGHT	0x04u
#define SIM_PRIORITY	0x08u
#define SIM_CAP		0x10u
#define SIM_BUDGET	0x20u

/**
 * struct sim_costs - what the device and the driver cost, ns
 * @save_ns: of a save, image included
 * @load_ns: of a load, image included
 * @reset_ns: of a reset
 * @group_ns: of a work-group where the workload says nothing else
 * @hw_deadline: the device has NEXT; without it sim_next() must not be called
 */
struct sim_costs {
	u64 save_ns;
	u64 load_ns;
	u64 reset_ns;
	u64 group_ns;
	bool hw_deadline;
};

/**
 * struct sim_report - what a scheduler knows of a function and the device not
 * @lag_min: see &vgpu_sched_stats.lag_min
 * @lag_max: ditto
 * @lag_bound: vgpu_sched_lag_bound(), U64_MAX if there is none
 * @latency_bound: vgpu_sched_latency_bound(), U64_MAX if there is none
 * @throttles: see &vgpu_sched_stats
 * @periods: ditto
 * @period_misses: ditto
 */
struct sim_report {
	s64 lag_min;
	s64 lag_max;
	u64 lag_bound;
	u64 latency_bound;
	u64 throttles;
	u64 periods;
	u64 period_misses;
};

/**
 * struct sim_scheduler - a scheduler
 * @name: for users
 * @about: one line: what it is, and where its behaviour was published
 * @create: make one for @sim; the engine is empty, all functions have an image,
 *	all preempt timeouts are off (0)
 * @destroy: free it
 * @configure: give @function all of its settings; called before it is started
 *	and when they change. Returns 0, or -EOPNOTSUPP, -EINVAL, -EBUSY with @why
 *	filled in; then nothing has changed. -EOPNOTSUPP says that it does not have
 *	the setting @why->what: sim_supports() does this.
 * @set_policy: change the policy to @name: NULL if that is not possible
 * @start: @function may run from now on. Without RUNNABLE it has no work.
 * @park: keep @function off the engine
 * @unpark: take that back
 * @event: a record of the event queue
 * @timer: timer @number has fired
 * @off_engine: @function cannot get on the engine by anything done so far;
 *	without it, being off the engine is enough
 * @recovered: the world of @function, which HANG, FLR, RESET or REFUSED have
 *	taken off, has been made anew: it may run again. The simulator does
 *	this after such an event, as the driver's worker.
 * @restart: the engine is empty and nothing is armed: begin anew; what
 *	sim_recover_engine() ends with, needed by its users only
 * @lag: present lag of @function, see vgpu_sched_lag(); optional
 * @report: fill in what it knows; optional, zeroed before
 */
struct sim_scheduler {
	const char *name;
	const char *about;
	void *(*create)(struct sim *sim);
	void (*destroy)(void *context);
	int (*configure)(void *context, u16 function,
			 const struct vgpu_sched_params *params,
			 struct vgpu_sched_why *why);
	int (*set_policy)(void *context, const char *name,
			  struct vgpu_sched_why *why);
	void (*start)(void *context, u16 function);
	void (*park)(void *context, u16 function);
	void (*unpark)(void *context, u16 function);
	void (*event)(void *context, const struct model_event *event);
	void (*timer)(void *context, unsigned int number);
	bool (*off_engine)(void *context, u16 function);
	void (*recovered)(void *context, u16 function);
	void (*restart)(void *context);
	s64 (*lag)(void *context, u16 function);
	void (*report)(void *context, u16 function, struct sim_report *report);
};

extern const struct sim_scheduler *const sim_schedulers[];
const struct sim_scheduler *sim_find_scheduler(const char *name);

/* What there is */
unsigned int sim_functions(const struct sim *sim);
const struct sim_costs *sim_costs(const struct sim *sim);
const char *sim_policy(const struct sim *sim);
u32 sim_overhead_permille(const struct sim *sim);
u64 sim_slack(const struct sim *sim);
u64 sim_clock(const struct sim *sim);
u64 sim_random(struct sim *sim, u64 below);
int sim_supports(u16 function, const struct vgpu_sched_params *params, u32 settings,
		 struct vgpu_sched_why *why);

/* Posted writes */
void sim_next(struct sim *sim, u16 function, u64 quantum_ns, u32 flags);
void sim_disarm(struct sim *sim);
void sim_command(struct sim *sim, enum vgpu_world_cmd command, u16 function);
void sim_set_timeout(struct sim *sim, u16 function, u64 ns);

/* Registers: each read is counted */
enum vgpu_engine_state sim_read_engine(struct sim *sim, u16 *function);
bool sim_read_runnable(struct sim *sim, u16 function);

/* Time */
void sim_set_timer(struct sim *sim, unsigned int number, u64 when);
void sim_cancel_timer(struct sim *sim, unsigned int number);
void sim_poll(struct sim *sim, unsigned int number, u64 ns);
void sim_due(struct sim *sim, u64 when);
void sim_recover_engine(struct sim *sim);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scenario: functions, their work, costs, faults. The format of the text is in
 * README.md.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "vgpu_sched.h"
#include "distribution.h"

#define SCENARIO_NAME		64
#define SCENARIO_ACTIONS	256

/**
 * enum work_kind - how work comes to a function
 * @WORK_NONE: never
 * @WORK_FLOOD: there is always more
 * @WORK_PERIODIC: a job each @every, delayed by @jitter
 * @WORK_RANDOM: a job after each @every, drawn anew (Poisson: exponential)
 * @WORK_BURSTY: as @WORK_RANDOM for the time of @busy, then nothing for @idle
 * @WORK_TOGGLE: endless work for the time of @busy, taken back for that of @idle
 * @WORK_THINK: a job @idle after the one before it is complete
 */
enum work_kind {
	WORK_NONE,
	WORK_FLOOD,
	WORK_PERIODIC,
	WORK_RANDOM,
	WORK_BURSTY,
	WORK_TOGGLE,
	WORK_THINK,
};

/**
 * struct work - what a function does
 * @kind: how it comes
 * @start: when the first comes
 * @stop: from when on nothing comes, U64_MAX for never
 * @every: between two jobs
 * @jitter: delay of a periodic job
 * @busy: see enum work_kind
 * @idle: ditto
 * @job: length of a job
 * @kernel: length of a kernel, which is a command buffer
 * @group: preemption points inside a kernel, ns
 * @whole: a kernel has no preemption point
 * @stops: once asked it takes the time @stop_delay to quiesce, whatever it executes
 * @stop_delay: see @stops
 * @deadline: longest time that a job should take, 0 if it does not matter
 */
struct work {
	enum work_kind kind;
	u64 start;
	u64 stop;
	struct distribution every;
	struct distribution jitter;
	struct distribution busy;
	struct distribution idle;
	struct distribution job;
	struct distribution kernel;
	u64 group;
	bool whole;
	bool stops;
	struct distribution stop_delay;
	u64 deadline;
};

/**
 * struct scenario_set - some settings of a function
 * @given: SIM_*: which ones
 * @params: their values
 */
struct scenario_set {
	u32 given;
	struct vgpu_sched_params params;
};

/**
 * struct scenario_function - one function
 * @declared: it takes part
 * @params: its settings in the beginning
 * @work: what it does
 */
struct scenario_function {
	bool declared;
	struct vgpu_sched_params params;
	struct work work;
};

enum scenario_action_kind {
	ACTION_SET,
	ACTION_POLICY,
	ACTION_PARK,
	ACTION_UNPARK,
	ACTION_FLR,
	ACTION_HANG,
	ACTION_RESET,
	ACTION_STUCK_SAVE,
	ACTION_LOSE,
};

/**
 * struct scenario_action - something that happens once
 * @kind: what
 * @line: where it is written
 * @at: when, ns
 * @set: for ACTION_SET
 * @policy: for ACTION_POLICY
 * @count: for ACTION_LOSE
 * @function: to whom
 */
struct scenario_action {
	enum scenario_action_kind kind;
	unsigned int line;
	u64 at;
	struct scenario_set set;
	char policy[SCENARIO_NAME];
	unsigned int count;
	bool function[VGPU_MAX_FUNCTIONS];
};

/**
 * struct scenario - all of it
 * @name: the file's, without directory and ending
 * @file: as named by the user
 * @seed: of all random numbers
 * @duration: what is simulated, ns
 * @warmup: what of it is not measured
 * @policy: the scheduler
 * @overhead_permille: &vgpu_sched_config.overhead_permille
 * @save_ns: and others: as the device's properties of these names
 * @irq_latency: of the event queue's interrupt and of timers
 * @write_latency: of a posted write
 * @recover_delay: from the loss of a world to the driver's work on it
 * @recoveries: so many in a minute, then the function stays off; 0: no limit
 * @functions: number of functions, the PF included
 * @function: by number
 * @actions: number of actions
 * @action: in the order of time
 */
struct scenario {
	char name[SCENARIO_NAME];
	const char *file;
	u64 seed;
	u64 duration;
	u64 warmup;
	char policy[SCENARIO_NAME];
	u32 overhead_permille;
	u64 save_ns;
	u64 load_ns;
	u64 reset_ns;
	u64 group_ns;
	u64 image_bandwidth;
	u64 context_bytes;
	bool hw_deadline;
	struct distribution irq_latency;
	struct distribution write_latency;
	u64 recover_delay;
	unsigned int recoveries;
	unsigned int functions;
	struct scenario_function function[VGPU_MAX_FUNCTIONS];
	unsigned int actions;
	struct scenario_action *action;
};

void scenario_init(struct scenario *sc);
void scenario_free(struct scenario *sc);
int scenario_line(struct scenario *sc, const char *file, unsigned int number,
		  const char *text, char *error, size_t size);
int scenario_read(struct scenario *sc, const char *path, char *error, size_t size);
int scenario_finish(struct scenario *sc, char *error, size_t size);
void scenario_apply(struct vgpu_sched_params *params, const struct scenario_set *set);

#endif

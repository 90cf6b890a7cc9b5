/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduling core on a model device, with all that lies between them: posted
 * writes that arrive late, interrupts that arrive late, timers, a clock estimate
 * with an error, and a driver that brings back worlds which were lost.
 */
#ifndef RIG_H
#define RIG_H

#include "core.h"
#include "vgpu_sequencer.h"
#include "model.h"

#define RIG_WRITES	1024
#define RIG_LOG		48

/**
 * struct rig_write - a register write on its way to the device
 * @at: when it arrives
 * @command: enum vgpu_world_cmd, or 0 for NEXT
 * @valid: NEXT is armed
 * @function: whom it names
 * @quantum: slice
 * @flags: VGPU_SCHED_ARM_*
 */
struct rig_write {
	u64 at;
	u32 command;
	bool valid;
	u16 function;
	u64 quantum;
	u32 flags;
};

/**
 * struct rig_log - something that happened
 * @at: device time
 * @what: its name
 * @a: what it was about
 * @b: ditto
 * @c: ditto
 */
struct rig_log {
	u64 at;
	const char *what;
	unsigned int a;
	unsigned int b;
	unsigned int c;
};

/**
 * struct rig - everything
 * @m: the device
 * @s: the core
 * @q: the sequencer, used if @classic
 * @classic: the device has no hardware deadlines
 * @seed: state of the random numbers
 * @delays: what the latencies are drawn from
 * @write_latency: longest time that a write takes, 0 for none at all
 * @irq_latency: longest time that an interrupt or timer takes
 * @clock_error: what the driver believes to be later than it is
 * @write: writes on their way
 * @write_first: the first of them
 * @write_last: behind the last of them
 * @irq_at: when the interrupt arrives, MODEL_NEVER if there is none
 * @core_timer_at: when the core's timer fires
 * @seq_timer_at: when the sequencer's timer fires
 * @stall_until: the core's timer does not fire before
 * @worker_at: when recovery of the whole engine runs
 * @next_writes: writes of NEXT (or arm and disarm of the sequencer)
 * @timers: calls of ops->set_timer()
 * @overdues: calls of ops->overdue()
 * @owed: functions to which ops->parked() is owed
 * @parked_calls: calls of ops->parked() for each function
 * @lost_world: functions whose world must be made anew
 * @initialising: functions for which that has been asked for
 * @log: what happened last, for the reader of a failure
 * @logged: number of things that happened
 * @record: called for each switch before the core gets it, may change it; returns
 *	how often the core shall get it
 * @deliver: called each time before the core gets a switch, as it gets it
 * @feed: called before the core gets an event
 * @fed: called when the core has had an event
 * @restart: called before the core begins again
 * @argument: for the user of these
 */
struct rig {
	struct model m;
	struct vgpu_sched *s;
	struct vgpu_sequencer q;
	bool classic;
	u64 seed;
	u64 delays;
	u64 write_latency;
	u64 irq_latency;
	long long clock_error;
	struct rig_write write[RIG_WRITES];
	u64 write_first;
	u64 write_last;
	u64 irq_at;
	u64 core_timer_at;
	u64 seq_timer_at;
	u64 stall_until;
	u64 worker_at;
	u64 next_writes;
	u64 timers;
	u64 overdues;
	bool owed[MODEL_FUNCTIONS];
	unsigned int parked_calls[MODEL_FUNCTIONS];
	bool lost_world[MODEL_FUNCTIONS];
	bool initialising[MODEL_FUNCTIONS];
	struct rig_log log[RIG_LOG];
	u64 logged;
	unsigned int (*record)(struct rig *r, struct vgpu_sched_switch *sw);
	void (*deliver)(struct rig *r, const struct vgpu_sched_switch *sw);
	void (*feed)(struct rig *r, const struct model_event *e);
	void (*fed)(struct rig *r);
	void (*restart)(struct rig *r);
	void *argument;
};

/**
 * struct rig_setup - what a rig is made of
 * @classic: the device has no hardware deadlines
 * @functions: how many
 * @seed: of the random numbers
 * @start: device time to begin with, not 0
 * @save_ns: cost of a save
 * @load_ns: cost of a load
 * @policy: name
 * @overhead_permille: as in struct vgpu_sched_config
 */
struct rig_setup {
	bool classic;
	unsigned int functions;
	u64 seed;
	u64 start;
	u64 save_ns;
	u64 load_ns;
	const char *policy;
	u32 overhead_permille;
};

/*
 * What the rig itself is sure of. A test that does not live under cmocka puts a
 * function of its own in rig_failed, which must not return.
 */
extern void (*rig_failed)(const char *what, const char *file, int line);
#define rig_check(condition) \
	((condition) ? (void)0 : rig_failed(#condition, __FILE__, __LINE__))

struct rig *rig_make(const struct rig_setup *setup);
struct rig *rig_new(bool classic, unsigned int functions, u64 seed);
void rig_free(struct rig *r);
u64 rig_random(struct rig *r, u64 below);
u64 rig_clock(const struct rig *r);
void rig_command(struct rig *r, enum vgpu_world_cmd command, u16 function);
void rig_start(struct rig *r, u16 function);
void rig_set_quantum(struct rig *r, u16 function, u64 quantum, u64 timeout);
int rig_set_params(struct rig *r, u16 function,
		   const struct vgpu_sched_params *params,
		   struct vgpu_sched_why *why);
int rig_park(struct rig *r, u16 function, u32 reason);
void rig_unpark(struct rig *r, u16 function, u32 reason);
bool rig_recover(struct rig *r, u16 function);
u64 rig_next_time(const struct rig *r);
void rig_step(struct rig *r, u64 until);
void rig_run(struct rig *r, u64 until);
bool rig_is_quiet(const struct rig *r);
void rig_note(struct rig *r, const char *what, unsigned int a, unsigned int b,
	      unsigned int c);
void rig_print_log(const struct rig *r);

#endif

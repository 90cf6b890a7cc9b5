/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduling core and the sequencer, as they are, between a device that does
 * what it may and a driver that does what it must: one state, and everything
 * that can happen in it.
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include "core.h"
#include "vgpu_sequencer.h"
#include "device.h"

#define SYSTEM_WIRE	12

/* What goes wrong, each time at the expense of &setup.budget */
#define FAULT_HANG	0x01u	/* a world does not reach a preemption point */
#define FAULT_FLR	0x02u	/* a VF is reset by its user */
#define FAULT_IMAGE	0x04u	/* an image cannot be read */
#define FAULT_JAM	0x08u	/* a save or load does not end */
#define FAULT_LOSE	0x10u	/* a record is lost, and LOST says so */
#define FAULT_VANISH	0x20u	/* a record is lost, and nothing says so */
#define FAULT_TWICE	0x40u	/* a record comes twice */

/**
 * struct setup - what is the same in all states
 * @name: for the reader
 * @functions: how many
 * @classic: the device has no hardware deadlines
 * @pauses: how often an administrator pauses a function, and resumes it some time
 * @early: timers expire whether or not it is time
 * @quick: nothing else happens while a write is on its way
 * @irq_ticks: ticks for which a record may wait for the driver
 * @faults: FAULT_*
 * @budget: how many of them
 * @whims: how often the policy "any" changes its mind
 * @later: ticks by which everything begins later
 * @policy: its name; "any" is one that wants whatever a policy may want
 */
struct setup {
	const char *name;
	unsigned int functions;
	bool classic;
	unsigned int pauses;
	bool early;
	bool quick;
	unsigned int irq_ticks;
	u32 faults;
	unsigned int budget;
	unsigned int whims;
	unsigned int later;
	const char *policy;
};

extern const struct setup setups[];
extern const unsigned int setups_count;

/**
 * enum action - what can happen
 * @ACTION_STOP: the world that was asked to leave reaches a preemption point
 * @ACTION_END: a save, load or reset ends
 * @ACTION_FINISH: the world on the engine has no work left
 * @ACTION_TELL: the device tells what it has remembered
 * @ACTION_ARRIVE: a register write reaches the device
 * @ACTION_RECORD: the driver takes a record
 * @ACTION_TIMER: the core's timer expires
 * @ACTION_ALARM: the sequencer's timer expires
 * @ACTION_WORKER: the driver's worker does what a function needs
 * @ACTION_RECOVER: the driver's worker looks why a switch does not come
 * @ACTION_WORK: a function gets work
 * @ACTION_PAUSE: an administrator pauses a function
 * @ACTION_RESUME: and resumes it
 * @ACTION_WHIM: the policy "any" changes its mind, in WHIM_*
 * @ACTION_HANG: FAULT_HANG, and so on
 * @ACTION_TICK: time passes
 */
enum action {
	ACTION_STOP,
	ACTION_END,
	ACTION_FINISH,
	ACTION_TELL,
	ACTION_ARRIVE,
	ACTION_RECORD,
	ACTION_TIMER,
	ACTION_ALARM,
	ACTION_WORKER,
	ACTION_RECOVER,
	ACTION_WORK,
	ACTION_PAUSE,
	ACTION_RESUME,
	ACTION_WHIM,
	ACTION_HANG,
	ACTION_FLR,
	ACTION_IMAGE,
	ACTION_JAM,
	ACTION_LOSE,
	ACTION_VANISH,
	ACTION_TWICE,
	ACTION_TICK,
	ACTIONS,
};

/* What a policy may want; @ACTION_WHIM changes one. */
enum whim {
	WHIM_OTHER,	/* the one with the higher number first */
	WHIM_NOW,	/* at once */
	WHIM_BOUNDARY,	/* at the end of a command buffer */
	WHIM_RENEW,	/* the running one once more */
	WHIM_ENDLESS,	/* without a deadline */
	WHIMS,
};

/**
 * struct step - one of them
 * @action: enum action
 * @function: whom it is about
 */
struct step {
	u8 action;
	u8 function;
};

#define STEPS_MAX	(ACTIONS * DEVICE_FUNCTIONS + WHIMS)

/**
 * struct write - a register write on its way
 * @command: enum vgpu_world_cmd, or 0 for NEXT
 * @valid: NEXT is armed
 * @flags: VGPU_SCHED_ARM_*
 * @function: whom it names
 * @quantum: slice
 */
struct write {
	u8 command;
	bool valid;
	u16 function;
	u32 flags;
	u64 quantum;
};

/**
 * enum life - what the driver does with a function, as in pf/function.c
 * @LIFE_OPEN: it takes part
 * @LIFE_LEAVING: its world is to leave the engine
 * @LIFE_MAKING: its world is being made anew
 */
enum life {
	LIFE_OPEN,
	LIFE_LEAVING,
	LIFE_MAKING,
};

/**
 * struct driver - what the driver knows of one function
 * @life: enum life
 * @lost: its world is lost, and the worker does not know yet
 * @flr: it was reset, ditto
 * @left: it has left the engine, ditto
 * @made: its new world is ready, ditto
 * @acknowledge: VGPU_PF_FN_FLR_ACK is to be written
 * @paused: by the administrator
 * @owed: ops->parked() is owed
 * @owed_for: ticks since then
 * @waits_for: ticks for which it has had work and not the engine
 */
struct driver {
	u8 life;
	bool lost;
	bool flr;
	bool left;
	bool made;
	bool acknowledge;
	bool paused;
	bool owed;
	u8 owed_for;
	u8 waits_for;
};

/**
 * struct system - a state, but for the core, which is in @s
 * @d: the device
 * @q: the sequencer, used if &setup.classic
 * @write: writes on their way, the oldest first
 * @writes: how many
 * @timer: when the core's timer expires, 0 if it is not set
 * @alarm: the same of the sequencer's
 * @overdues: calls of ops->overdue() since the last record of the engine
 * @stuck: for whom the last one was
 * @recover: the worker is to look at the engine
 * @twice: the next record comes twice
 * @budget: faults that may still happen
 * @pauses: pauses that may
 * @whims: changes of mind that may
 * @whim: bits, by enum whim
 * @fn: the driver's view of each function
 * @s: the core; not part of what is copied
 */
struct system {
	struct device d;
	struct vgpu_sequencer q;
	struct write write[SYSTEM_WIRE];
	u8 writes;
	u64 timer;
	u64 alarm;
	u8 overdues;
	bool recover;
	bool twice;
	u8 budget;
	u8 pauses;
	u8 whims;
	u8 whim;
	u16 stuck;
	struct driver fn[DEVICE_FUNCTIONS];
};

/**
 * struct verdict - what the exploration has seen
 * @broken: the property that does not hold, NULL so far
 * @waits_for: longest time in ticks that anybody with work had to wait
 * @owed_for: longest time that a park was not answered
 */
struct verdict {
	const char *broken;
	unsigned int waits_for;
	unsigned int owed_for;
};

extern const struct setup *setup;
extern struct system *const system_now;
extern struct vgpu_sched *const system_core;
extern struct verdict verdict;

void system_init(const struct setup *with);
unsigned int system_steps(struct step step[STEPS_MAX]);
void system_do(struct step step);
void system_name(struct step step, char *text, size_t bytes);
void system_print(void);

/* state.c */
void state_normalise(void);
size_t state_words(void);
void state_get(u64 *words);
void state_set(const u64 *words);

#endif

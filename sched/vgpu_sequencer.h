/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The classic world-switch sequencer: for devices that do not switch by
 * themselves it does what VGPU_PF_NEXT promises, with the single commands of
 * include/vgpu/world.h and one absolute timer.
 *
 * Put vgpu_sequencer_arm() and vgpu_sequencer_disarm() behind the ops of the
 * same names of struct vgpu_sched_ops, and vgpu_sched_switched() behind
 * @switched. Locking is that of the core: the caller's one lock is held around
 * each call, and the callbacks are made under it. @switched is never called
 * from vgpu_sequencer_arm() or vgpu_sequencer_disarm(), so the core is not
 * entered twice. No call waits.
 */
#ifndef VGPU_SEQUENCER_H
#define VGPU_SEQUENCER_H

#include "portable.h"
#include "vgpu_sched.h"
#include <vgpu/events.h>
#include <vgpu/world.h>

/**
 * enum vgpu_sequencer_state - what the engine was told last, and has not answered
 * @VGPU_SEQUENCER_EMPTY: no world
 * @VGPU_SEQUENCER_RUNNING: a world runs, or is idle but free to run
 * @VGPU_SEQUENCER_PREEMPTING: PREEMPT or BOUNDARY was given, QUIESCED or HANG is
 *	awaited
 * @VGPU_SEQUENCER_RESETTING: it hangs, RESET is awaited
 * @VGPU_SEQUENCER_SAVING: SAVE was given, SAVED is awaited
 * @VGPU_SEQUENCER_LOADING: LOAD was given, LOADED is awaited
 * @VGPU_SEQUENCER_STARTING: RUN was given, RUNNING is awaited
 */
enum vgpu_sequencer_state {
	VGPU_SEQUENCER_EMPTY,
	VGPU_SEQUENCER_RUNNING,
	VGPU_SEQUENCER_PREEMPTING,
	VGPU_SEQUENCER_RESETTING,
	VGPU_SEQUENCER_SAVING,
	VGPU_SEQUENCER_LOADING,
	VGPU_SEQUENCER_STARTING,
};

/**
 * struct vgpu_sequencer_ops - what the sequencer asks for
 * @command: write VGPU_PF_CMD
 * @set_timer: call vgpu_sequencer_timer() at device time @when, in place of any
 *	earlier wish; at once (but not from inside this call) if that has passed
 * @cancel_timer: the timer is not needed any more; a call that can not be
 *	stopped any more does no harm
 * @switched: a switch is complete
 */
struct vgpu_sequencer_ops {
	void (*command)(void *context, enum vgpu_world_cmd command, u16 function);
	void (*set_timer)(void *context, u64 when);
	void (*cancel_timer)(void *context);
	void (*switched)(void *context, const struct vgpu_sched_switch *sw);
};

/**
 * struct vgpu_sequencer_event - an event of the device, converted
 * @type: QUIESCED, SAVED, LOADED, RUNNING, IDLE, RUNNABLE, HANG, FLR, RESET or
 *	REFUSED; all others are ignored
 * @function: as in struct vgpu_event
 * @info: ditto
 * @detail: ditto
 * @request: the request time of QUIESCED and HANG
 * @when: the time of what has happened: quiesced of QUIESCED and RESET, saved,
 *	loaded, running; 0 if it is none of them
 */
struct vgpu_sequencer_event {
	enum vgpu_event_type type;
	u16 function;
	u32 info;
	u32 detail;
	u64 request;
	u64 when;
};

/**
 * struct vgpu_sequencer - the state machine; drawn in sequencer.c
 * @ops: how to reach the device and the core
 * @context: first argument of @ops
 * @state: enum vgpu_sequencer_state
 * @world: whose world is on the engine, or being loaded
 * @idle: @world has nothing to do
 * @has_deadline: @deadline counts
 * @deadline: when @world must be asked to leave
 * @quantum_ns: slice of the world that is being loaded
 * @armed: @next is to be loaded when @world ends
 * @now: @next does not wait for the deadline
 * @boundary: @next waits for the end of a command buffer
 * @finishing: PREEMPTING, but @world may finish its command buffer
 * @next: function, or VGPU_FUNCTION_NONE
 * @next_quantum_ns: its slice, 0 for no deadline
 * @timer: the timer is set
 * @strange: answers that belong to no command given; ignored
 * @sw: the switch record so far
 */
struct vgpu_sequencer {
	const struct vgpu_sequencer_ops *ops;
	void *context;
	u8 state;
	bool idle;
	bool has_deadline;
	bool armed;
	bool now;
	bool boundary;
	bool finishing;
	bool timer;
	u16 world;
	u16 next;
	u64 deadline;
	u64 quantum_ns;
	u64 next_quantum_ns;
	u64 strange;
	struct vgpu_sched_switch sw;
};

void vgpu_sequencer_init(struct vgpu_sequencer *q,
			 const struct vgpu_sequencer_ops *ops, void *context);
void vgpu_sequencer_arm(struct vgpu_sequencer *q, u16 function, u64 quantum_ns,
			u32 flags, u64 now);
void vgpu_sequencer_disarm(struct vgpu_sequencer *q);
void vgpu_sequencer_event(struct vgpu_sequencer *q,
			  const struct vgpu_sequencer_event *event, u64 now);
void vgpu_sequencer_timer(struct vgpu_sequencer *q, u64 now);
u16 vgpu_sequencer_world(const struct vgpu_sequencer *q);

#endif

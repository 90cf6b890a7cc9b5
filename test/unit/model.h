/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small model of the device: the NEXT block, the single commands and what the
 * event queue tells about them, written from include/vgpu/ only. Discrete
 * events, integer nanoseconds, no randomness of its own.
 *
 * Where the contract leaves the device a choice, enum model_quirk has both.
 */
#ifndef MODEL_H
#define MODEL_H

#include <vgpu/world.h>
#include <vgpu/events.h>
#include "vgpu_sched.h"

#ifndef MODEL_FUNCTIONS
#define MODEL_FUNCTIONS	64
#endif
#define MODEL_QUEUE	4096
#define MODEL_NEVER	U64_MAX

/**
 * enum model_quirk - what a device may or may not do
 * @MODEL_DROPS_EARLY_NOW: NOW that comes in the course of a switch is forgotten
 * @MODEL_SILENT_NEW_WORLD_LOSS: no SWITCHED if the new world is lost on the way
 * @MODEL_SILENT_EMPTY_SWITCH: no SWITCHED from nobody to nobody
 * @MODEL_TELLS_IDLE_FIRST: IDLE even if NEXT is armed
 * @MODEL_FORGETS_ON_RESET: a reset counts as told that the function is idle
 */
enum model_quirk {
	MODEL_DROPS_EARLY_NOW		= 0x01,
	MODEL_SILENT_NEW_WORLD_LOSS	= 0x02,
	MODEL_SILENT_EMPTY_SWITCH	= 0x04,
	MODEL_TELLS_IDLE_FIRST		= 0x08,
	MODEL_FORGETS_ON_RESET		= 0x10,
	MODEL_QUIRKS			= 0x1f,
};

/**
 * struct model_event - a record of the event queue
 * @type: enum vgpu_event_type
 * @function: as in struct vgpu_event
 * @info: ditto
 * @detail: ditto
 * @sw: the times
 */
struct model_event {
	enum vgpu_event_type type;
	u16 function;
	u32 info;
	u32 detail;
	struct vgpu_sched_switch sw;
};

/**
 * struct model_function - one function
 * @open: VGPU_PF_FN_CTRL_OPEN
 * @flr: FLR not acknowledged
 * @stuck: does not reach a preemption point
 * @world: enum vgpu_world_state
 * @work: ns of work left
 * @group: ns of a work-group
 * @packet: ns of a command buffer, the last of which ends with @work; 0: all of
 *	@work is one
 * @timeout: VGPU_PF_FN_PREEMPT_TIMEOUT
 * @told: the driver was told that it has work
 * @since: when it last got or lost work
 * @gpu_time: VGPU_PF_FN_GPU_TIME, without the slice under way
 * @starts: how often its world began to run
 * @pending: records of a kind that are in the queue
 */
struct model_function {
	bool open;
	bool flr;
	bool stuck;
	enum vgpu_world_state world;
	u64 work;
	u64 group;
	u64 packet;
	u64 timeout;
	bool told;
	u64 since;
	u64 gpu_time;
	u64 starts;
	unsigned int pending[VGPU_EVENT_LOST + 1];
};

/**
 * struct model - the device
 * @functions: how many there are
 * @save_ns: cost of a save
 * @load_ns: cost of a load
 * @reset_ns: cost of a reset
 * @quirks: enum model_quirk
 * @now: device time
 * @state: enum vgpu_engine_state
 * @world: function on the engine
 * @deadline: of the running world, 0 if it has none
 * @passed: that deadline has passed
 * @idle: the running world has nothing to do
 * @running_since: start of the slice
 * @worked_until: up to when work is accounted
 * @phase_end: end of SAVING, LOADING, RESETTING
 * @stop_at: preemption point that QUIESCING waits for
 * @timeout_at: end of the preempt timeout
 * @retry_at: next look at what could not be told
 * @boundary_at: end of the command buffer that QUIESCING waits for
 * @finishing: QUIESCING, but may finish its command buffer
 * @automatic: a switch by itself is under way
 * @to_lost: its new world does not exist any more
 * @reset_answer: RESET is to be answered
 * @sw: its record
 * @quantum: slice of its new world
 * @armed: NEXT is armed
 * @next_now: with NOW
 * @next_boundary: with BOUNDARY
 * @next: NEXT's function
 * @next_quantum: NEXT's quantum
 * @stuck_phase: the next save or load does not end
 * @lose: number of answers (SWITCHED and answers to commands) to be dropped
 * @lose_silently: without LOST
 * @refused_state: commands refused for the engine's state
 * @refused_load: LOAD among them
 * @lost: answers dropped
 * @queue: the event queue
 * @stop: ns of work that are left until the running world's next preemption
 *	point, MODEL_NEVER if it has none; without it that is the end of a group
 * @boundary: ns of work that are left of the running world's command buffer; see
 *	&model_function.packet for what is without it
 * @argument: for the user of these two
 * @posted: records written
 * @taken: records taken
 * @fn: the functions
 */
struct model {
	unsigned int functions;
	u64 save_ns;
	u64 load_ns;
	u64 reset_ns;
	u32 quirks;
	u64 now;
	enum vgpu_engine_state state;
	u16 world;
	u64 deadline;
	bool passed;
	bool idle;
	u64 running_since;
	u64 worked_until;
	u64 phase_end;
	u64 stop_at;
	u64 timeout_at;
	u64 retry_at;
	u64 boundary_at;
	bool finishing;
	bool automatic;
	bool to_lost;
	bool reset_answer;
	struct vgpu_sched_switch sw;
	u64 quantum;
	bool armed;
	bool next_now;
	bool next_boundary;
	u16 next;
	u64 next_quantum;
	bool stuck_phase;
	unsigned int lose;
	bool lose_silently;
	unsigned int refused_state;
	unsigned int refused_load;
	unsigned int lost;
	u64 (*stop)(const struct model *m);
	u64 (*boundary)(const struct model *m);
	void *argument;
	struct model_event queue[MODEL_QUEUE];
	u64 posted;
	u64 taken;
	struct model_function fn[MODEL_FUNCTIONS];
};

void model_init(struct model *m, unsigned int functions);
u64 model_next_time(const struct model *m);
void model_advance(struct model *m, u64 now);
bool model_take(struct model *m, struct model_event *event);
u64 model_gpu_time(const struct model *m, u16 function);
u64 model_work_left(const struct model *m, u16 function);

/* Registers */
void model_write_next(struct model *m, bool valid, u16 function, u64 quantum,
		      u32 flags);
void model_command(struct model *m, enum vgpu_world_cmd command, u16 function);
void model_open(struct model *m, u16 function, bool open);
void model_flr_ack(struct model *m, u16 function);

/* What happens to it */
void model_work(struct model *m, u16 function, u64 ns);
void model_withdraw(struct model *m, u16 function);
void model_flr(struct model *m, u16 function);

#endif

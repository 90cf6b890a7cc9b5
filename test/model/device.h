/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device as include/vgpu/ describes it, and no more: what the description
 * leaves open is left to whoever calls. A work-group, a save, a load and a reset
 * end when device_stop() and device_end() are called, and time passes by
 * device_tick() only. Small, and without a pointer: a state of it can be copied
 * and compared.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <vgpu/events.h>
#include <vgpu/world.h>
#include "vgpu_sched.h"

#define DEVICE_FUNCTIONS	3
#define DEVICE_QUEUE		16
/** DEVICE_ROOM - free records without which nothing happens in the device */
#define DEVICE_ROOM		5
/** DEVICE_BACKLOG - records at which nothing begins that can wait for the driver */
#define DEVICE_BACKLOG		6

/** TICK - ns, in which time passes; the costs, declared and real, are up to one */
#define TICK			1000000ull
/** DEVICE_TIMEOUT - ticks, the preempt timeout of all functions */
#define DEVICE_TIMEOUT		2

/**
 * struct device_record - a record of the event queue
 * @type: enum vgpu_event_type
 * @age: ticks for which it has been there
 * @function: as in struct vgpu_event
 * @info: ditto
 * @detail: ditto
 * @sw: the times
 */
struct device_record {
	u8 type;
	u8 age;
	u16 function;
	u32 info;
	u32 detail;
	struct vgpu_sched_switch sw;
};

/**
 * struct device_function - one function
 * @open: VGPU_PF_FN_CTRL_OPEN
 * @flr: FLR not acknowledged
 * @stuck: does not reach a preemption point, nor its end
 * @spoilt: the image cannot be read
 * @work: has some
 * @truth: had some when that changed last
 * @told: the driver was told that it has
 * @owes_flr: FLR is to be told
 * @owes_hang: HANG is to be told
 * @world: enum vgpu_world_state
 * @asked: time of the request that the hang was about
 * @since: when @truth became what it is
 */
struct device_function {
	bool open;
	bool flr;
	bool stuck;
	bool spoilt;
	bool work;
	bool truth;
	bool told;
	bool owes_flr;
	bool owes_hang;
	u8 world;
	u64 asked;
	u64 since;
};

/**
 * struct device - all of it
 * @now: time
 * @state: enum vgpu_engine_state
 * @late: ticks since that began
 * @world: function on the engine
 * @automatic: a switch by itself is under way
 * @to_lost: its new world does not exist any more
 * @quantum: slice of its new world
 * @sw: its record, or that of the commands
 * @reset_answer: RESET is to be answered
 * @jammed: the save or load under way does not end
 * @passed: the deadline has
 * @deadline: of the running world, 0 if it has none
 * @armed: NEXT is
 * @next_now: with NOW
 * @next_boundary: with BOUNDARY
 * @finishing: the world that is asked to leave may finish its packet
 * @next: its function
 * @next_quantum: its quantum
 * @lose: the next answer is lost
 * @vanish: and nothing will say so
 * @lost: LOST is to be told
 * @functions: how many there are
 * @records: in the queue
 * @two_worlds: one was loaded beside another
 * @init_refused: INIT found the world on the engine
 * @refused_state: a command came in a state in which it is not legal
 * @fn: the functions
 * @queue: the oldest record first
 */
struct device {
	u64 now;
	u8 state;
	u8 late;
	u16 world;
	bool automatic;
	bool to_lost;
	bool reset_answer;
	bool jammed;
	bool passed;
	bool armed;
	bool next_now;
	bool next_boundary;
	bool finishing;
	bool lose;
	bool vanish;
	bool lost;
	bool two_worlds;
	bool init_refused;
	bool refused_state;
	u8 functions;
	u8 records;
	u16 next;
	u64 quantum;
	u64 deadline;
	u64 next_quantum;
	struct vgpu_sched_switch sw;
	struct device_function fn[DEVICE_FUNCTIONS];
	struct device_record queue[DEVICE_QUEUE];
};

void device_init(struct device *d, unsigned int functions, u64 now);

/* Registers */
void device_next(struct device *d, bool valid, u16 function, u64 quantum, u32 flags);
void device_command(struct device *d, enum vgpu_world_cmd command, u16 function);
void device_open(struct device *d, u16 function, bool open);
void device_flr_ack(struct device *d, u16 function);
bool device_runnable(const struct device *d, u16 function);

/* Its event queue */
bool device_take(struct device *d, struct device_record *record);
bool device_remembers(const struct device *d);
void device_tell(struct device *d);

/* What can happen in it, and whether it can */
bool device_can_stop(const struct device *d);
void device_stop(struct device *d);
bool device_can_end(const struct device *d);
void device_end(struct device *d);
bool device_can_finish(const struct device *d);
void device_finish(struct device *d);
void device_work(struct device *d, u16 function);
void device_flr(struct device *d, u16 function);
bool device_must_move(const struct device *d);
void device_tick(struct device *d);

#endif

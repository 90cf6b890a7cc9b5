/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world switch by single commands, each of them waited for by polling: how
 * AMD's GIM, old and new, does it. What differs between them is in struct
 * polled_driver.
 *
 *	        leave()                       load()
 *	running -------> PREEMPT, SAVE -> saved() -------> LOAD, RUN -> running()
 *	                       |                                |
 *	                       +-------- failed() <-------------+  limit exceeded
 */
#ifndef POLLED_H
#define POLLED_H

#include "sim.h"

/**
 * struct polled_driver - how a driver waits, and what it does then
 * @timer: the simulator's timer that is used for waiting
 * @accesses: register accesses that belong to each command, the command included
 * @reads: registers that are read to see whether a command is complete
 * @access_ns: how long a register access takes
 * @limit_ns: when it gives up a command
 * @interval: time to the next look, when it has waited for so long; *@sleeps if the
 *	CPU does something else meanwhile
 * @saved: the engine is free: call polled_load(), or do not
 * @running: the world runs
 * @failed: @command was given up; the engine still belongs to the world
 */
struct polled_driver {
	unsigned int timer;
	unsigned int accesses;
	unsigned int reads;
	u64 access_ns;
	u64 limit_ns;
	u64 (*interval)(u64 waited, bool *sleeps);
	void (*saved)(void *context);
	void (*running)(void *context);
	void (*failed)(void *context, enum vgpu_world_cmd command);
};

/**
 * struct polled - a switch
 * @sim: the simulation
 * @driver: whose
 * @context: first argument of its functions
 * @command: that is waited for, 0 if none is
 * @world: on the engine, or on its way there; VGPU_FUNCTION_NONE if nobody is
 * @since: when the command was written
 * @gone: that world has been lost
 */
struct polled {
	struct sim *sim;
	const struct polled_driver *driver;
	void *context;
	u32 command;
	u16 world;
	u64 since;
	bool gone;
};

void polled_init(struct polled *p, struct sim *sim, const struct polled_driver *driver,
		 void *context);
void polled_leave(struct polled *p);
void polled_load(struct polled *p, u16 function);
void polled_reset(struct polled *p);
void polled_timer(struct polled *p);
void polled_event(struct polled *p, const struct model_event *event);
bool polled_off_engine(const struct polled *p, u16 function);

#endif

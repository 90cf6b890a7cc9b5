/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who has work, who is on the engine, and what NEXT is armed with: what a
 * scheduler must know that lets the device switch, whatever its policy is.
 */
#ifndef ROSTER_H
#define ROSTER_H

#include "sim.h"

/**
 * struct roster_function - one function
 * @started: it is enabled
 * @work: it has work
 * @lost: its world has to be made anew
 * @parked: by the administrator
 */
struct roster_function {
	bool started;
	bool work;
	bool lost;
	bool parked;
};

/**
 * struct roster - all of them
 * @sim: the simulation
 * @functions: number of them
 * @started: of these enabled
 * @running: on the engine, VGPU_FUNCTION_NONE if nobody is
 * @armed: NEXT names this one, VGPU_FUNCTION_NONE if it is not armed
 * @fn: the functions
 */
struct roster {
	struct sim *sim;
	unsigned int functions;
	unsigned int started;
	u16 running;
	u16 armed;
	struct roster_function fn[VGPU_MAX_FUNCTIONS];
};

void roster_init(struct roster *r, struct sim *sim);
void roster_start(struct roster *r, u16 function);
bool roster_may_run(const struct roster *r, u16 function);
bool roster_ready(const struct roster *r, u16 function);
u16 roster_behind(const struct roster *r, u16 function,
		  bool (*fits)(const struct roster *r, u16 function));
void roster_arm(struct roster *r, u16 function, u64 quantum_ns, u32 flags);
void roster_empty(struct roster *r, u32 flags);
void roster_disarm(struct roster *r);
bool roster_event(struct roster *r, const struct model_event *event);
bool roster_off_engine(const struct roster *r, u16 function);

#endif

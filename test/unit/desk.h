/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduling core alone, on a desk: its callbacks are written down, and what a
 * device would say is put in by hand. For what a single event does.
 */
#ifndef DESK_H
#define DESK_H

#include "core.h"

#define MICROSECOND	1000ull
#define MILLISECOND	1000000ull
#define SECOND		1000000000ull
#define NONE		VGPU_FUNCTION_NONE
#define DESK_FUNCTIONS	5

enum desk_call { DESK_NOTHING, DESK_ARM, DESK_DISARM, DESK_OVERDUE };

/**
 * struct desk - a core whose callbacks are written down
 * @s: the core
 * @config: what it was made of
 * @call: the last call down that is not about timers, since the last record
 * @calls: how many there were
 * @function: its argument
 * @quantum: ditto
 * @now_flag: ditto
 * @boundary_flag: ditto
 * @timer: last argument of set_timer()
 * @timers: how often it was called
 * @parked: how often each function was reported
 * @now: device time
 */
struct desk {
	struct vgpu_sched *s;
	struct vgpu_sched_config config;
	enum desk_call call;
	unsigned int calls;
	u16 function;
	u64 quantum;
	bool now_flag;
	bool boundary_flag;
	u64 timer;
	unsigned int timers;
	unsigned int parked[VGPU_MAX_FUNCTIONS];
	u64 now;
};

extern const struct vgpu_sched_ops desk_ops;
extern const struct vgpu_sched_config desk_config;

struct desk *desk_new(const struct vgpu_sched_config *config);
void desk_free(struct desk *d);
int desk_setup(void **state);
int desk_teardown(void **state);

void desk_wake(struct desk *d, u16 function);
struct vgpu_sched_switch desk_record(struct desk *d, u16 from, u16 to,
				     enum vgpu_leave reason);
void desk_report(struct desk *d, const struct vgpu_sched_switch *sw);
void desk_switched(struct desk *d, u16 from, u16 to, enum vgpu_leave reason);
void desk_one_runs_two_waits(struct desk *d);
void desk_set_quantum(struct desk *d, u16 function, u64 quantum);
void desk_set_timeout(struct desk *d, u16 function, u64 timeout);
int desk_reserve(struct desk *d, u16 function, u64 timeout, u64 budget, u64 period,
		 struct vgpu_sched_why *why);

#define assert_armed(d, whom, at_once)				\
	do {							\
		assert_int_equal((d)->call, DESK_ARM);		\
		assert_int_equal((d)->function, whom);		\
		assert_int_equal((d)->now_flag, at_once);	\
	} while (0)

/* On a desk of desk_config, under the policy rr. */
#define DESK_TEST(name)	cmocka_unit_test_setup_teardown(name, desk_setup, desk_teardown)

#endif

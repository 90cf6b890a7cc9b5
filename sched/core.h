/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the scheduling core share; users include vgpu_sched.h.
 */
#ifndef VGPU_SCHED_CORE_H
#define VGPU_SCHED_CORE_H

#include "portable.h"
#include "vgpu_sched.h"

/** VGPU_SCHED_FUTURE_NS - a time that far ahead of the clock is not believed */
#define VGPU_SCHED_FUTURE_NS	1000000000ull

/**
 * VGPU_SCHED_CHECK_NS - how often the event queue is looked at while a world is
 * awaited that may take for ever to leave
 */
#define VGPU_SCHED_CHECK_NS	10000000ull

/**
 * struct vgpu_sched_arms - which writes of NEXT that name one function the
 * device may still have, or have taken without our knowing
 * @first: number of the oldest one
 * @last: number of the latest one; they are gone if that is not above
 *	&vgpu_sched.dead
 * @quantum_ns: slice in the latest one
 */
struct vgpu_sched_arms {
	u64 first;
	u64 last;
	u64 quantum_ns;
};

/**
 * struct vgpu_sched_function - one function
 * @params: as configured
 * @parked: VGPU_SCHED_PARK_*, the reasons to keep it off the engine
 * @runnable: has work, as far as the device has said
 * @queued: the policy has it: runnable, not parked, not running
 * @throttled: set by the policy: queued, but must not be picked for now
 * @waking: has not run since it woke at @woken
 * @leaving: ops->parked() is owed
 * @leaving_next: next function to which it is owed, or VGPU_FUNCTION_NONE
 * @woken: time of the last RUNNABLE
 * @arms: writes of NEXT that name it
 * @round_robin: place in the queue of that policy
 * @stats: its statistics
 */
struct vgpu_sched_function {
	struct vgpu_sched_params params;
	u32 parked;
	bool runnable;
	bool queued;
	bool throttled;
	bool waking;
	bool leaving;
	u16 leaving_next;
	u64 woken;
	struct vgpu_sched_arms arms;
	union {
		struct {
			u16 next;
			u16 prev;
		} round_robin;
	};
	struct vgpu_sched_stats stats;
};

/**
 * struct vgpu_sched_choice - what a policy wants to be next
 * @function: the world, or VGPU_FUNCTION_NONE to leave the engine empty, or the
 *	running one to give it another slice
 * @quantum_ns: its slice, 0 for no deadline
 * @now: do not wait for the deadline of the running world
 * @review: ask again at this device time at the latest, 0: not needed
 */
struct vgpu_sched_choice {
	u16 function;
	u64 quantum_ns;
	bool now;
	u64 review;
};

/**
 * struct vgpu_sched_policy - who is next
 * @name: for users
 * @reset: forget all functions; O(n) allowed
 * @admit: may @function have @params? Fills in @why and returns -EOPNOTSUPP for
 *	what the policy does not have, -EBUSY for what cannot be promised. Changes
 *	nothing.
 * @enqueue: @function has become queued
 * @dequeue: @function is not queued any more: it runs, sleeps or is parked
 * @charge: @function has had @ns of engine time, switching included (optional)
 * @pick: who shall be next after what runs; false if nobody. Changes nothing
 *	that a second call would notice.
 * @latency_bound: longest time from waking to running, U64_MAX if there is no
 *	bound; O(n) allowed
 *
 * Called under the core's lock. Engine time is charged before the functions are
 * queued again, so that both see it.
 */
struct vgpu_sched_policy {
	const char *name;
	void (*reset)(struct vgpu_sched *s);
	int (*admit)(const struct vgpu_sched *s, u16 function,
		     const struct vgpu_sched_params *params,
		     struct vgpu_sched_why *why);
	void (*enqueue)(struct vgpu_sched *s, u16 function);
	void (*dequeue)(struct vgpu_sched *s, u16 function);
	void (*charge)(struct vgpu_sched *s, u16 function, u64 ns);
	bool (*pick)(struct vgpu_sched *s, u64 now,
		     struct vgpu_sched_choice *choice);
	u64 (*latency_bound)(const struct vgpu_sched *s, u16 function);
};

extern const struct vgpu_sched_policy vgpu_sched_round_robin;

/**
 * struct vgpu_sched - the core
 * @config: as given
 * @ops: way down
 * @context: first argument of @ops
 * @policy: who is next
 *
 * @running: whose world is on the engine according to the last record
 * @gone: that world was reset; the record that says so may still come
 * @asked: that world has been asked to leave at once, or is being reset
 * @has_deadline: @deadline counts
 * @deadline: of the running world, as computed from its quantum
 *
 * @armed: the last write of NEXT armed, and no record says that it was taken
 * @unsure: the last record leaves open which of two writes it has taken
 * @doubt: a world may have left without a record, or one that was armed by
 *	mistake may have been taken: the next record will tell
 * @now: the last write had NOW
 * @next: the function in the last write
 * @armed_since: since when something is armed
 * @since: when the device was last given reason to switch
 * @writes: number of the last write of NEXT
 * @dead: writes up to this number are taken or overwritten for sure
 * @none: writes that name VGPU_FUNCTION_NONE
 *
 * @leaving: functions to which ops->parked() is owed
 * @expected: latest time for the next record; 0 if none is expected
 * @patient: the world may take for ever: do not call it overdue
 * @rearmed: NEXT was written again since the last record
 * @review: when the policy wants to be asked again, 0 for not
 * @timer: for when the timer is set, 0 if it is not
 *
 * @last: the last record, to know a duplicate
 * @last_estimated: &engine.last_ns is an estimate of our own
 * @engine: statistics of the engine
 * @total: statistics of all functions together
 * @round_robin: head and tail of the queue of that policy
 * @function: one for each function
 *
 * Invariants, whenever no call is under way:
 * - a function is queued if and only if it is runnable, not parked and not
 *   running;
 * - if the policy has somebody to run, or the running world must leave, then
 *   NEXT is armed, unless @gone says that the engine runs dry by itself;
 * - while @doubt, NEXT is armed if anybody could run, if only the running
 *   function itself: so there will be a record.
 */
struct vgpu_sched {
	struct vgpu_sched_config config;
	const struct vgpu_sched_ops *ops;
	void *context;
	const struct vgpu_sched_policy *policy;

	u16 running;
	bool gone;
	bool asked;
	bool has_deadline;
	u64 deadline;

	bool armed;
	bool unsure;
	bool doubt;
	bool now;
	u16 next;
	u64 armed_since;
	u64 since;
	u64 writes;
	u64 dead;
	struct vgpu_sched_arms none;

	u16 leaving;
	u64 expected;
	bool patient;
	bool rearmed;
	u64 review;
	u64 timer;

	struct vgpu_sched_switch last;
	bool last_estimated;
	struct vgpu_sched_engine engine;
	struct vgpu_sched_stats total;
	union {
		struct {
			u16 head;
			u16 tail;
		} round_robin;
	};
	struct vgpu_sched_function function[];
};

/* account.c */
bool vgpu_sched_is_duplicate(struct vgpu_sched *s,
			     const struct vgpu_sched_switch *sw);
bool vgpu_sched_account(struct vgpu_sched *s,
			struct vgpu_sched_switch *sw, u64 now);
void vgpu_sched_account_gone(struct vgpu_sched *s, u64 now);

/* core.c */
void vgpu_sched_decide(struct vgpu_sched *s, bool force, u64 now);
void vgpu_sched_queue(struct vgpu_sched *s, u16 function);

#endif

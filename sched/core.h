/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the scheduling core share; users include vgpu_sched.h.
 */
#ifndef VGPU_SCHED_CORE_H
#define VGPU_SCHED_CORE_H

#include "portable.h"
#include "tournament.h"
#include "tree.h"
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
 * @quantum_ns: longest slice in any of them, 0 for no deadline
 * @urgent_ns: slice in the latest one with NOW
 * @urgent: the latest one has NOW
 * @mixed: their slices differ
 */
struct vgpu_sched_arms {
	u64 first;
	u64 last;
	u64 quantum_ns;
	u64 urgent_ns;
	bool urgent;
	bool mixed;
};

/**
 * struct vgpu_sched_eevdf_function - one function, in the policy eevdf
 * @member: its weight counts: it wants the engine, has it, or is in debt
 * @ghost: a member only until its debt is paid
 * @v: virtual service, of members
 * @rest: what @v lacks, in units of service
 * @deadline: virtual time by which it should have had its present request
 * @plan: what @v was meant to be at the end of its last turn
 * @turn_ns: a slice with its switches, as it was when @turn_v was computed
 * @turn_v: by what @v moves in a turn
 * @first: waits with its first request after waking
 * @lag: units of service that it is owed, of those who are no members: 0 or more,
 *	unless another policy is in force
 * @epoch: &vgpu_sched_eevdf.epoch when it left; older credit has expired
 */
struct vgpu_sched_eevdf_function {
	bool member;
	bool ghost;
	u64 v;
	u32 rest;
	u64 deadline;
	u64 plan;
	u64 turn_ns;
	u64 turn_v;
	bool first;
	s64 lag;
	u64 epoch;
};

/**
 * struct vgpu_sched_eevdf - the policy eevdf
 * @v: virtual time
 * @rest: what @v lacks, in units of service
 * @weight: of all members
 * @ahead: units of service that were charged too early and given back: the next
 *	ones do not move @v
 * @credit: units of service that functions which are no members have taken along
 * @epoch: number of times that credits have expired
 * @first: number of those who wait with their first request after waking
 * @waiting: who wants the engine, by deadline, but for those in @aside
 * @aside: who wants the engine and has been in the way of others, having the
 *	earliest deadline, but no right to the engine yet; by virtual service, deadlines
 *	as values
 * @ghosts: who is in debt, by virtual service
 */
struct vgpu_sched_eevdf {
	u64 v;
	u32 rest;
	u32 weight;
	u64 ahead;
	s64 credit;
	u64 epoch;
	unsigned int first;
	struct vgpu_sched_tournament waiting;
	struct vgpu_sched_tree aside;
	struct vgpu_sched_tournament ghosts;
};

/** VGPU_SCHED_V_SHIFT - a unit of service is 1/2^16 ns; at weight 1 it is one of @v */
#define VGPU_SCHED_V_SHIFT	16

/**
 * struct vgpu_sched_cap_function - the cap of one function
 * @quota: engine time in each period, 0 if it has no cap
 * @period: length of a period
 * @left: of the quota of the present period; below 0: debt
 * @end: when the present period ends
 * @charged: in the list of those charged since the last update
 * @next: next one in that list
 * @counted: that it is throttled is in the statistics
 */
struct vgpu_sched_cap_function {
	u64 quota;
	u64 period;
	s64 left;
	u64 end;
	bool charged;
	u16 next;
	bool counted;
};

/**
 * struct vgpu_sched_cap - the caps
 * @throttled: functions whose cap is used up, by when they can run again
 * @charged: list of functions charged since the last update
 * @running: who was on the engine at the last update
 */
struct vgpu_sched_cap {
	struct vgpu_sched_tree throttled;
	u16 charged;
	u16 running;
};

/**
 * struct vgpu_sched_reservation_function - the reservation of one function
 * @budget: running time in each period, 0 if it has no reservation
 * @period: length of a period
 * @left: of the budget of the present period; below 0: overrun
 * @deadline: when the present period ends
 * @active: it has work, and @deadline counts
 * @whole: it has had work since the present period began
 * @paying: it is running, and that is paid from @left
 * @renewed: its slice follows on one of its own
 * @overlong: its slice was measured by a budget that does not pay for it any more
 */
struct vgpu_sched_reservation_function {
	u64 budget;
	u64 period;
	s64 left;
	u64 deadline;
	bool active;
	bool whole;
	bool paying;
	bool renewed;
	bool overlong;
};

/**
 * struct vgpu_sched_reservation - the reservations
 * @active: functions with a reservation and work, by deadline; the value is the
 *	deadline, too, if it waits and has budget left, and far behind it if not
 */
struct vgpu_sched_reservation {
	struct vgpu_sched_tree active;
};

/**
 * struct vgpu_sched_overhead - what switching costs, and may cost
 * @permille: of the engine time, at most
 * @balance: 1/1000 ns for switches that have been earned and not spent
 * @cost: ns of a switch from one world to another, averaged over the last ones
 */
struct vgpu_sched_overhead {
	u32 permille;
	s64 balance;
	u64 cost;
};

/**
 * struct vgpu_sched_fixed - the policy fixed
 * @start: when a frame began
 * @length: of a frame, ns; 0 if there is none
 * @stale: settings have changed since the frame was laid out
 * @change: when the frame changes because of that, 0 if it does not
 * @waiting: who is queued, a bit for each function
 */
struct vgpu_sched_fixed {
	u64 start;
	u64 length;
	bool stale;
	u64 change;
	u64 waiting[VGPU_MAX_FUNCTIONS / 64];
};

/**
 * struct vgpu_sched_function - one function
 * @params: as configured
 * @parked: VGPU_SCHED_PARK_*, the reasons to keep it off the engine
 * @runnable: has work, as far as the device has said
 * @queued: the policy has it: runnable, not parked, not throttled, not running
 * @throttled: its cap is used up: it is not queued, whatever it has to do
 * @waking: has not run since it woke at @woken
 * @leaving: ops->parked() is owed
 * @leaving_next: next function to which it is owed, or VGPU_FUNCTION_NONE
 * @woken: time of the last RUNNABLE
 * @arms: writes of NEXT that name it
 * @fixed: begin of its slot in a frame of that policy, ns
 * @round_robin: place in the queue of that policy, and of coop
 * @cost: what its saves and loads have taken lately, and the quantum that the core
 *	chooses by that, ns
 * @cap: its cap
 * @reservation: its reservation
 * @eevdf: what that policy knows of it
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
	struct {
		u64 offset;
	} fixed;
	struct {
		u16 next;
		u16 prev;
	} round_robin;
	struct {
		u64 save_ns;
		u64 load_ns;
		u64 quantum_ns;
	} cost;
	struct vgpu_sched_cap_function cap;
	struct vgpu_sched_reservation_function reservation;
	struct vgpu_sched_eevdf_function eevdf;
	struct vgpu_sched_stats stats;
};

/**
 * struct vgpu_sched_choice - what a policy wants to be next
 * @function: the world, or VGPU_FUNCTION_NONE to leave the engine empty, or the
 *	running one to give it another slice
 * @quantum_ns: its slice, 0 for no deadline
 * @now: do not wait for the deadline of the running world
 * @boundary: let it finish its command buffer; has no effect on a world that must
 *	leave whoever comes next
 * @review: ask again at this device time at the latest, 0: not needed
 */
struct vgpu_sched_choice {
	u16 function;
	u64 quantum_ns;
	bool now;
	bool boundary;
	u64 review;
};

/**
 * struct vgpu_sched_policy - who is next
 * @name: for users
 * @reset: forget all functions; O(n) allowed
 * @admit: may @function have @params? Fills in @why and returns -EOPNOTSUPP for
 *	what the policy does not have, -EBUSY for what cannot be promised. Changes
 *	nothing.
 * @retire: another policy comes: keep what must outlast it (optional)
 * @change: @function is about to have @params (optional)
 * @enqueue: @function has become queued
 * @dequeue: @function is not queued any more: it is going to run, sleeps, is
 *	parked or throttled
 * @start: @function, not queued any more, has the engine (optional)
 * @stop: @function has left the engine, and is queued next if it is @wanted
 *	(optional)
 * @charge: @function has had engine time, until &vgpu_sched.charged: it ran for
 *	@ran ns and then was saved, or loaded, for @switched ns. If @ran is below 0 it
 *	was charged too much before (optional)
 * @pick: who shall be next after what runs; false if nobody. Changes nothing
 *	that a second call would notice.
 * @latency_bound: longest time from waking to running, U64_MAX if there is no
 *	bound; O(n) allowed
 * @lag_bounds: how far a function can be ahead and behind, ns, U64_MAX if there is
 *	no bound; O(n) allowed (optional: no bound)
 *
 * Called under the core's lock. Engine time is charged to who has or had the
 * engine, never to who is queued.
 */
struct vgpu_sched_policy {
	const char *name;
	void (*reset)(struct vgpu_sched *s);
	int (*admit)(const struct vgpu_sched *s, u16 function,
		     const struct vgpu_sched_params *params,
		     struct vgpu_sched_why *why);
	void (*retire)(struct vgpu_sched *s);
	void (*change)(struct vgpu_sched *s, u16 function,
		       const struct vgpu_sched_params *params);
	void (*enqueue)(struct vgpu_sched *s, u16 function);
	void (*dequeue)(struct vgpu_sched *s, u16 function);
	void (*start)(struct vgpu_sched *s, u16 function);
	void (*stop)(struct vgpu_sched *s, u16 function, bool wanted);
	void (*charge)(struct vgpu_sched *s, u16 function, s64 ran, s64 switched);
	bool (*pick)(struct vgpu_sched *s, u64 now,
		     struct vgpu_sched_choice *choice);
	u64 (*latency_bound)(const struct vgpu_sched *s, u16 function);
	void (*lag_bounds)(const struct vgpu_sched *s, u16 function, u64 *ahead,
			   u64 *behind);
};

extern const struct vgpu_sched_policy vgpu_sched_eevdf;
extern const struct vgpu_sched_policy vgpu_sched_fixed;
extern const struct vgpu_sched_policy vgpu_sched_round_robin;
extern const struct vgpu_sched_policy vgpu_sched_coop;

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
 * @dry: that world began a new slice before its deadline, unasked: it seems to have
 *	had nothing to do then
 * @has_deadline: @deadline counts
 * @deadline: of the running world, as computed from its quantum
 * @vague: several writes may have brought it, and its deadline may be earlier
 * @charged: until when engine time has been charged
 *
 * @armed: the last write of NEXT armed, and no record says that it was taken
 * @unsure: the last record leaves open which of two writes it has taken
 * @doubt: a world may have left without a record, or one that was armed by
 *	mistake may have been taken: the next record will tell
 * @now: the last write had NOW
 * @boundary: the last write had BOUNDARY
 * @finishing: one since the last record had: the running world may be finishing
 *	its command buffer, and has its preempt timeout twice
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
 * @overhead: what switching costs, and may cost
 * @fixed: what that policy knows
 * @round_robin: head and tail of the queue of that policy, and of coop
 * @cap: the caps
 * @reservation: the reservations
 * @eevdf: what that policy knows
 * @function: one for each function
 *
 * Invariants, whenever no call is under way:
 * - a function is queued if and only if it is runnable, not parked, not throttled
 *   and not running;
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
	bool dry;
	bool has_deadline;
	bool vague;
	u64 deadline;
	u64 charged;

	bool armed;
	bool unsure;
	bool doubt;
	bool now;
	bool boundary;
	bool finishing;
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
	struct vgpu_sched_overhead overhead;
	struct vgpu_sched_fixed fixed;
	struct {
		u16 head;
		u16 tail;
	} round_robin;
	struct vgpu_sched_cap cap;
	struct vgpu_sched_reservation reservation;
	struct vgpu_sched_eevdf eevdf;
	struct vgpu_sched_function function[];
};

/* Does its reservation pay for @function, so that its time does not enter virtual time? */
static inline bool vgpu_sched_reservation_pays(const struct vgpu_sched *s, u16 function)
{
	return s->function[function].reservation.paying;
}

/* account.c */
bool vgpu_sched_is_duplicate(struct vgpu_sched *s,
			     const struct vgpu_sched_switch *sw);
bool vgpu_sched_account(struct vgpu_sched *s,
			struct vgpu_sched_switch *sw, u64 now);
void vgpu_sched_account_gone(struct vgpu_sched *s, u64 now);
void vgpu_sched_charge(struct vgpu_sched *s, u16 function, s64 ran, s64 switched);
void vgpu_sched_charge_until(struct vgpu_sched *s, u64 when);

/* overhead.c */
void vgpu_sched_overhead_init(struct vgpu_sched *s);
void vgpu_sched_overhead_earn(struct vgpu_sched *s, s64 ns);
void vgpu_sched_overhead_pay(struct vgpu_sched *s, const struct vgpu_sched_switch *sw);
u64 vgpu_sched_overhead_affordable(const struct vgpu_sched *s);
u64 vgpu_sched_slice(const struct vgpu_sched *s, u16 function);
u64 vgpu_sched_longest_slice(const struct vgpu_sched *s, u16 function);

/* config.c */
int vgpu_sched_refuse(struct vgpu_sched_why *why, u16 function, const char *what,
		      const char *rule, u64 low, u64 high);

/* eevdf.c */
s64 vgpu_sched_eevdf_lag(const struct vgpu_sched *s, u16 function);
bool vgpu_sched_eevdf_waits(const struct vgpu_sched *s);

/* cap.c */
void vgpu_sched_cap_init(struct vgpu_sched *s, u64 now);
void vgpu_sched_cap_restart(struct vgpu_sched *s, u64 now);
int vgpu_sched_cap_admit(const struct vgpu_sched *s, u16 function,
			 const struct vgpu_sched_params *params,
			 struct vgpu_sched_why *why);
void vgpu_sched_cap_configure(struct vgpu_sched *s, u16 function, u64 now);
void vgpu_sched_cap_charge(struct vgpu_sched *s, u16 function, s64 ns);
void vgpu_sched_cap_update(struct vgpu_sched *s, u64 now);
u64 vgpu_sched_cap_slice(const struct vgpu_sched *s, u16 function, u64 wanted,
			 bool at_once, u64 now);
u64 vgpu_sched_cap_review(const struct vgpu_sched *s);
s64 vgpu_sched_replenish(s64 left, u64 quota, u64 periods);

/* reservation.c */
void vgpu_sched_reservation_reset(struct vgpu_sched *s);
void vgpu_sched_reservation_restart(struct vgpu_sched *s);
int vgpu_sched_reservation_admit(const struct vgpu_sched *s, u16 function,
				 const struct vgpu_sched_params *params,
				 struct vgpu_sched_why *why);
void vgpu_sched_reservation_change(struct vgpu_sched *s, u16 function,
				   const struct vgpu_sched_params *params);
void vgpu_sched_reservation_enqueue(struct vgpu_sched *s, u16 function);
void vgpu_sched_reservation_dequeue(struct vgpu_sched *s, u16 function);
void vgpu_sched_reservation_start(struct vgpu_sched *s, u16 function);
void vgpu_sched_reservation_stop(struct vgpu_sched *s, u16 function, bool wanted);
s64 vgpu_sched_reservation_charge(struct vgpu_sched *s, u16 function, s64 ran,
				  s64 switched);
bool vgpu_sched_reservation_pick(struct vgpu_sched *s, u64 now,
				 struct vgpu_sched_choice *choice);
u64 vgpu_sched_reservation_stretch(const struct vgpu_sched *s, u16 function, u64 ns);

/* fixed.c */
void vgpu_sched_fixed_provisioned(struct vgpu_sched *s);
void vgpu_sched_fixed_restart(struct vgpu_sched *s);

/* round_robin.c */
int vgpu_sched_admit_equal(u16 function, const struct vgpu_sched_params *params,
			   const char *rule, struct vgpu_sched_why *why);
void vgpu_sched_round_robin_reset(struct vgpu_sched *s);
void vgpu_sched_round_robin_enqueue(struct vgpu_sched *s, u16 function);
void vgpu_sched_round_robin_dequeue(struct vgpu_sched *s, u16 function);
u64 vgpu_sched_round_robin_bound(const struct vgpu_sched *s, u16 function,
				 unsigned int timeouts);

/* core.c */
void vgpu_sched_decide(struct vgpu_sched *s, bool force, u64 now);
void vgpu_sched_queue(struct vgpu_sched *s, u16 function);

#endif

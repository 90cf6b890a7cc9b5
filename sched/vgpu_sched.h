/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduling core: who has the engine next, and what it cost.
 *
 * It knows no kernel and no device registers. What the device has said goes in
 * as events, what the device shall do comes out through struct vgpu_sched_ops.
 * The device is one that takes "NEXT" (VGPU_PF_NEXT in include/vgpu/regs.h), or
 * one that does not, behind a struct vgpu_sequencer that behaves the same.
 *
 * Time is the device clock in ns everywhere. @now in the calls is the caller's
 * estimate of it; it is used for timers and for noticing that something does
 * not come, never for charging: that is done with the times in the records.
 *
 * Locking: the caller holds one lock of its own around every call; all
 * callbacks are made under it and must not call back into the core. Nothing
 * here allocates, sleeps or waits, so the lock may be a raw spinlock taken in
 * hard-irq context. No call takes longer than O(log n) in the number of functions,
 * and as much again for each cap, budget or debt that has just ended, and, once while it
 * waits, for each that would be next if it were not ahead of its share; except those
 * that configure, vgpu_sched_init(), vgpu_sched_restart() and the bounds, which are
 * O(n), as is one in 18 minutes, or less often, of all calls.
 *
 * Events must be fed in the order in which the device queued them. An event that
 * names a function that does not exist is counted and otherwise ignored.
 */
#ifndef VGPU_SCHED_H
#define VGPU_SCHED_H

#include "portable.h"
#include "vgpu_histogram.h"
#include <vgpu/events.h>
#include <vgpu/regs.h>

struct vgpu_sched;
struct vgpu_sched_policy;

/**
 * enum vgpu_sched_state - what a function is doing
 * @VGPU_SCHED_IDLE: may run, has no work
 * @VGPU_SCHED_RUNNABLE: has work, waits for the engine
 * @VGPU_SCHED_RUNNING: its world is on the engine (even if it has run out of
 *	work there, while nobody else wants the engine)
 * @VGPU_SCHED_THROTTLED: has work, but its policy keeps it off for now
 * @VGPU_SCHED_PARKED: must not be on the engine, for a reason in
 *	VGPU_SCHED_PARK_*; it may still be leaving
 */
enum vgpu_sched_state {
	VGPU_SCHED_IDLE,
	VGPU_SCHED_RUNNABLE,
	VGPU_SCHED_RUNNING,
	VGPU_SCHED_THROTTLED,
	VGPU_SCHED_PARKED,
};

/*
 * Reasons for being parked. A function runs only while it has none. All
 * functions begin with DISABLED. HUNG, FLR and REFUSED are set by the events of
 * these names, RESET by vgpu_sched_reset(); whoever has made the world anew
 * clears them, all four (VGPU_SCHED_PARK_WORLD), because one mishap may be told by
 * several events.
 */
#define VGPU_SCHED_PARK_DISABLED	0x01u	/* not started, or stopped */
#define VGPU_SCHED_PARK_FLR		0x02u	/* FLR not acknowledged yet */
#define VGPU_SCHED_PARK_HUNG		0x04u	/* overran its preempt timeout */
#define VGPU_SCHED_PARK_RESET		0x08u	/* was reset by command */
#define VGPU_SCHED_PARK_REFUSED		0x10u	/* the device would not load it */
#define VGPU_SCHED_PARK_PAUSED		0x20u	/* by the administrator */
#define VGPU_SCHED_PARK_EXCLUSIVE	0x40u	/* somebody else has the engine */
#define VGPU_SCHED_PARK_SUSPENDED	0x80u	/* the whole device is going down */
#define VGPU_SCHED_PARK_ABSENT		0x100u	/* not provisioned: there is no such VF */
#define VGPU_SCHED_PARK_ALL		0x1ffu
#define VGPU_SCHED_PARK_WORLD \
	(VGPU_SCHED_PARK_FLR | VGPU_SCHED_PARK_HUNG | VGPU_SCHED_PARK_RESET | \
	 VGPU_SCHED_PARK_REFUSED)

/** VGPU_SCHED_QUANTUM_MIN - ns, smallest execution quantum that can be set */
#define VGPU_SCHED_QUANTUM_MIN		100000ull
/** VGPU_SCHED_QUANTUM_MAX - ns, largest; the limit of xe's exec_quantum_ms */
#define VGPU_SCHED_QUANTUM_MAX		100000000000ull
/** VGPU_SCHED_QUANTUM_DEFAULT - ns */
#define VGPU_SCHED_QUANTUM_DEFAULT	6000000ull
/**
 * VGPU_SCHED_QUANTUM_AUTO - the core chooses: VGPU_SCHED_QUANTUM_DEFAULT, or more,
 * up to VGPU_SCHED_STRETCH times, where switching would cost more than
 * &vgpu_sched_config.overhead_permille
 */
#define VGPU_SCHED_QUANTUM_AUTO		U64_MAX
/** VGPU_SCHED_STRETCH - by what a quantum that the core chooses can grow at most */
#define VGPU_SCHED_STRETCH		2u
/**
 * VGPU_SCHED_MIN_SLICE_NS - ns that a world has had the engine at least, from the
 * beginning of the switch to it, before one that wakes up may take its place; its
 * quantum if that is shorter
 */
#define VGPU_SCHED_MIN_SLICE_NS		1000000ull
/** VGPU_SCHED_CHARGE_NS - ns after which the running world is charged at the latest */
#define VGPU_SCHED_CHARGE_NS		1000000ull
#define VGPU_SCHED_OVERHEAD_MIN		1u
#define VGPU_SCHED_OVERHEAD_MAX		500u
/** VGPU_SCHED_OVERHEAD_DEFAULT - permille of engine time for switching */
#define VGPU_SCHED_OVERHEAD_DEFAULT	50u
/** VGPU_SCHED_TIMEOUT_MIN - ns, smallest preempt timeout that can be set */
#define VGPU_SCHED_TIMEOUT_MIN		1000ull
/** VGPU_SCHED_TIMEOUT_MAX - ns, largest; the limit of xe's preempt_timeout_us */
#define VGPU_SCHED_TIMEOUT_MAX		100000000000ull
/** VGPU_SCHED_TIMEOUT_DEFAULT - ns */
#define VGPU_SCHED_TIMEOUT_DEFAULT	16000000ull
#define VGPU_SCHED_WEIGHT_MIN		1u
#define VGPU_SCHED_WEIGHT_MAX		10000u
#define VGPU_SCHED_WEIGHT_DEFAULT	100u
/** VGPU_SCHED_PERIOD_MIN - ns, smallest period of a cap or a reservation */
#define VGPU_SCHED_PERIOD_MIN		1000000ull
/** VGPU_SCHED_PERIOD_MAX - ns, largest period of a cap or a reservation */
#define VGPU_SCHED_PERIOD_MAX		10000000000ull

/**
 * enum vgpu_sched_priority - as xe's sched_priority
 * @VGPU_SCHED_PRIORITY_LOW: is started later after it wakes
 * @VGPU_SCHED_PRIORITY_NORMAL: default
 * @VGPU_SCHED_PRIORITY_HIGH: is started sooner after it wakes
 *
 * None of them changes anybody's share of the engine.
 */
enum vgpu_sched_priority {
	VGPU_SCHED_PRIORITY_LOW,
	VGPU_SCHED_PRIORITY_NORMAL,
	VGPU_SCHED_PRIORITY_HIGH,
};

/**
 * struct vgpu_sched_params - what is configured for one function
 * @quantum_ns: execution quantum: VGPU_SCHED_QUANTUM_MIN…MAX, or 0 for no
 *	deadline (then it runs until it is idle), or VGPU_SCHED_QUANTUM_AUTO
 * @preempt_timeout_ns: how long it may take to quiesce before it is reset:
 *	VGPU_SCHED_TIMEOUT_MIN…MAX, or 0 for ever. The caller tells the device;
 *	the core expects switches by it.
 * @weight: share relative to the others, VGPU_SCHED_WEIGHT_MIN…MAX
 * @priority: enum vgpu_sched_priority
 * @cap_quota_ns: engine time, switching included, in each @cap_period_ns that it
 *	does not exceed; what it overruns is taken from the periods that follow. 0 if
 *	it has no cap, and then @cap_period_ns is 0 too
 * @cap_period_ns: VGPU_SCHED_PERIOD_MIN…MAX, not less than @cap_quota_ns
 * @budget_ns: running time, its switches not included, in each @period_ns that it
 *	is sure to get while it has work; 0 if it has no reservation, and then
 *	@period_ns is 0 too
 * @period_ns: VGPU_SCHED_PERIOD_MIN…MAX, not less than @budget_ns
 *
 * A policy that cannot honour a setting refuses it; it never ignores it.
 */
struct vgpu_sched_params {
	u64 quantum_ns;
	u64 preempt_timeout_ns;
	u32 weight;
	u32 priority;
	u64 cap_quota_ns;
	u64 cap_period_ns;
	u64 budget_ns;
	u64 period_ns;
};

/**
 * struct vgpu_sched_why - why a setting was refused, for one line to the user
 * @function: whose setting, VGPU_FUNCTION_NONE if it is nobody's
 * @what: name of the setting, as in struct vgpu_sched_params; or "function",
 *	"policy"
 * @rule: what is wrong, to be printed behind @what
 * @low: smallest value allowed
 * @high: largest value allowed; if it is below @low there is no range to print
 */
struct vgpu_sched_why {
	u16 function;
	const char *what;
	const char *rule;
	u64 low;
	u64 high;
};

/**
 * struct vgpu_sched_config - what is the same for all functions
 * @functions: how many there are, PF included, 1…VGPU_MAX_FUNCTIONS
 * @save_ns: cost of a save as declared by the device
 * @load_ns: cost of a load as declared by the device
 * @reset_ns: cost of a reset as declared by the device
 * @boundary: VGPU_PF_CAPS_BOUNDARY, the device can let a world finish its command
 *	buffer
 * @request_slack_ns: a world that is asked to leave later than this after it
 *	was due has missed its deadline; 0 where the device keeps deadlines
 * @overdue_slack_ns: how much later than it must have come at the latest a
 *	switch is called overdue: interrupt latency, error of @now
 * @overhead_permille: part of the engine time that switching shall not exceed,
 *	VGPU_SCHED_OVERHEAD_MIN…MAX, 0 for VGPU_SCHED_OVERHEAD_DEFAULT: by this
 *	the core stretches quanta that it chooses itself, and holds back wake-ups
 *	that would cut slices short. A quantum that was set is kept, whatever it
 *	costs.
 * @policy: from vgpu_sched_find_policy()
 */
struct vgpu_sched_config {
	unsigned int functions;
	u64 save_ns;
	u64 load_ns;
	u64 reset_ns;
	bool boundary;
	u64 request_slack_ns;
	u64 overdue_slack_ns;
	u32 overhead_permille;
	const struct vgpu_sched_policy *policy;
};

/** VGPU_SCHED_ARM_NOW - VGPU_PF_NEXT_NOW */
#define VGPU_SCHED_ARM_NOW		0x1u
/** VGPU_SCHED_ARM_BOUNDARY - VGPU_PF_NEXT_BOUNDARY; only with &vgpu_sched_config.boundary */
#define VGPU_SCHED_ARM_BOUNDARY		0x2u

/**
 * struct vgpu_sched_ops - what the core asks for
 * @arm: write VGPU_PF_NEXT with VALID (or vgpu_sequencer_arm()): @function may
 *	be VGPU_FUNCTION_NONE; @quantum_ns 0 means no deadline; @flags are
 *	VGPU_SCHED_ARM_*
 * @disarm: write VGPU_PF_NEXT without VALID (or vgpu_sequencer_disarm())
 * @set_timer: call vgpu_sched_timer() at device time @when, in place of any
 *	earlier wish; at once if that has passed. There is no cancelling: a timer
 *	that is not needed any more does nothing.
 * @overdue: the switch away from @function (or, if the engine was empty, to it)
 *	has not come although the device has been asked twice. Start recovery, of
 *	whatever world VGPU_PF_ENGINE shows; the core goes on at the next event,
 *	and asks again if there is none.
 * @parked: @function, for which vgpu_sched_park() returned -EINPROGRESS, has
 *	left the engine and cannot get there by anything armed earlier
 *
 * All are called under the caller's lock, in whatever context the core was
 * called in, and must not call the core.
 */
struct vgpu_sched_ops {
	void (*arm)(void *context, u16 function, u64 quantum_ns, u32 flags);
	void (*disarm)(void *context);
	void (*set_timer)(void *context, u64 when);
	void (*overdue)(void *context, u16 function);
	void (*parked)(void *context, u16 function);
};

/**
 * struct vgpu_sched_switch - a completed switch: VGPU_EVENT_SWITCHED, converted
 * @from: whose world left, or VGPU_FUNCTION_NONE
 * @to: whose world runs now, or VGPU_FUNCTION_NONE
 * @reason: enum vgpu_leave
 * @deadline: see struct vgpu_event, as all the times
 * @request: ditto
 * @quiesced: ditto
 * @saved: ditto
 * @loaded: ditto
 * @running: ditto
 */
struct vgpu_sched_switch {
	u16 from;
	u16 to;
	u32 reason;
	u64 deadline;
	u64 request;
	u64 quiesced;
	u64 saved;
	u64 loaded;
	u64 running;
};

/**
 * VGPU_SCHED_ARM_NS - NEXT armed later than this before a deadline may reach the
 * device after it: when it did is only estimated
 */
#define VGPU_SCHED_ARM_NS	20000ull

/** VGPU_SCHED_REASONS - number of values of enum vgpu_leave */
#define VGPU_SCHED_REASONS	(VGPU_LEAVE_RENEWED + 1)

/**
 * struct vgpu_sched_stats - what one function, or all together, did and caused
 * @runtime_ns: on the engine, from "running" to "quiesced"
 * @slices: slices that have ended
 * @switches: slices by what ended them, index enum vgpu_leave (NONE: starts on
 *	an empty engine, not counted in @slices)
 * @overrun_ns: sum of quiesced − due, where positive
 * @save_ns: sum of saved − quiesced; after a hang that is the reset
 * @load_ns: sum of loaded − saved, charged to the world that was loaded
 * @overhead_ns: engine time spent on switching, from "quiesced" to "running":
 *	the save is its owner's, the rest is that of the world that was loaded
 * @deadline_misses: slices that (a) count in @request, with a delay of more than
 *	request_slack_ns, or (b) had not quiesced when preempt_timeout_ns (unless 0)
 *	(twice that if it was let finish its command buffer) after the request was
 *	over, not even by the reset
 * @hangs: preempt timeouts
 * @throttles: times that it had work and its cap was used up
 * @periods: periods of its reservation that ended while it had work throughout
 * @period_misses: those of them in which it had less than its budget
 * @lag_min: smallest lag, ns; see vgpu_sched_lag()
 * @lag_max: largest lag, ns
 * @wakes: went from having no work to having some
 * @request: request − deadline, of slices that ended by their deadline or hung
 *	behind it, while NEXT was armed at least VGPU_SCHED_ARM_NS before it
 * @quiesce: quiesced − request, of slices that ended by their deadline, by NOW
 *	or by a hang
 * @wake: from waking to "running", of worlds that had to be loaded
 * @gap: running − quiesced without the declared save_ns (if there was a world to
 *	save) and load_ns: time lost between the steps; belongs to the world that
 *	was loaded; not of switches after a reset
 *
 * A slice is due at its deadline, or when NEXT was armed if that was later:
 * without anybody waiting a world may keep the engine beyond its deadline.
 */
struct vgpu_sched_stats {
	u64 runtime_ns;
	u64 slices;
	u64 switches[VGPU_SCHED_REASONS];
	u64 overrun_ns;
	u64 save_ns;
	u64 load_ns;
	u64 overhead_ns;
	u64 deadline_misses;
	u64 hangs;
	u64 throttles;
	u64 periods;
	u64 period_misses;
	s64 lag_min;
	s64 lag_max;
	u64 wakes;
	struct vgpu_histogram request;
	struct vgpu_histogram quiesce;
	struct vgpu_histogram wake;
	struct vgpu_histogram gap;
};

/**
 * struct vgpu_sched_engine - what the engine did as a whole
 * @start_ns: device time from which on everything is counted; moved by
 *	vgpu_sched_restart() so that the sum below stays true
 * @last_ns: "running" of the last record; runtime, overhead and @empty_ns of all
 *	functions add up to @last_ns − @start_ns
 * @empty_ns: time without a world
 * @arms: times that NEXT was armed
 * @disarms: times that NEXT was disarmed
 * @timers: times that the timer was set
 * @backwards: records with a time before another one that must come first
 * @missing: records without a time that they must have, or one far ahead of the
 *	clock
 * @duplicates: records that came a second time; ignored
 * @unexpected: records of a switch that was not asked for, or away from a world
 *	that was not on the engine: something was lost. Taken as the truth.
 * @unknown: events that name a function that does not exist; ignored
 * @stale: IDLE that is older than a RUNNABLE of the same function; ignored
 * @lost: times that vgpu_sched_lost() was called
 * @refused: NEXT refused by the device
 * @rearmed: times that NEXT was written again because no switch had come
 * @overdue: times that @overdue was called
 */
struct vgpu_sched_engine {
	u64 start_ns;
	u64 last_ns;
	u64 empty_ns;
	u64 arms;
	u64 disarms;
	u64 timers;
	u64 backwards;
	u64 missing;
	u64 duplicates;
	u64 unexpected;
	u64 unknown;
	u64 stale;
	u64 lost;
	u64 refused;
	u64 rearmed;
	u64 overdue;
};

/* Set-up */
size_t vgpu_sched_size(unsigned int functions);
int vgpu_sched_init(struct vgpu_sched *s, const struct vgpu_sched_config *config,
		    const struct vgpu_sched_ops *ops, void *context, u64 now);
const struct vgpu_sched_policy *vgpu_sched_find_policy(const char *name);
const struct vgpu_sched_policy *vgpu_sched_policy_at(unsigned int index);
const char *vgpu_sched_policy_name(const struct vgpu_sched_policy *policy);

/* Configuration */
int vgpu_sched_set_params(struct vgpu_sched *s, u16 function,
			  const struct vgpu_sched_params *params,
			  struct vgpu_sched_why *why, u64 now);
int vgpu_sched_get_params(const struct vgpu_sched *s, u16 function,
			  struct vgpu_sched_params *params);
int vgpu_sched_set_policy(struct vgpu_sched *s,
			  const struct vgpu_sched_policy *policy,
			  struct vgpu_sched_why *why, u64 now);
const struct vgpu_sched_policy *vgpu_sched_policy(const struct vgpu_sched *s);
int vgpu_sched_set_overhead(struct vgpu_sched *s, u32 permille,
			    struct vgpu_sched_why *why, u64 now);
u32 vgpu_sched_overhead(const struct vgpu_sched *s);
u64 vgpu_sched_quantum(const struct vgpu_sched *s, u16 function);
u32 vgpu_sched_quantum_overhead(const struct vgpu_sched *s, u16 function,
				u64 quantum_ns);

/* What the caller wants */
int vgpu_sched_park(struct vgpu_sched *s, u16 function, u32 reasons, u64 now);
int vgpu_sched_unpark(struct vgpu_sched *s, u16 function, u32 reasons, u64 now);
void vgpu_sched_restart(struct vgpu_sched *s, u64 now);

/* What the device said */
void vgpu_sched_wake(struct vgpu_sched *s, u16 function, u64 when, u64 now);
void vgpu_sched_sleep(struct vgpu_sched *s, u16 function, u64 when, u64 now);
void vgpu_sched_switched(struct vgpu_sched *s,
			 const struct vgpu_sched_switch *record, u64 now);
void vgpu_sched_hang(struct vgpu_sched *s, u16 function, u64 now);
void vgpu_sched_flr(struct vgpu_sched *s, u16 function, u64 now);
void vgpu_sched_reset(struct vgpu_sched *s, u16 function, u64 now);
void vgpu_sched_refused(struct vgpu_sched *s, u16 function, u64 now);
void vgpu_sched_lost(struct vgpu_sched *s, u64 now);
void vgpu_sched_timer(struct vgpu_sched *s, u64 now);

/* What there is to see */
u16 vgpu_sched_running(const struct vgpu_sched *s);
int vgpu_sched_state(const struct vgpu_sched *s, u16 function);
u32 vgpu_sched_parked(const struct vgpu_sched *s, u16 function);
bool vgpu_sched_off_engine(const struct vgpu_sched *s, u16 function);
u64 vgpu_sched_runtime(const struct vgpu_sched *s, u16 function, u64 now);
s64 vgpu_sched_lag(const struct vgpu_sched *s, u16 function);
u64 vgpu_sched_latency_bound(const struct vgpu_sched *s, u16 function);
u64 vgpu_sched_lag_bound(const struct vgpu_sched *s, u16 function);
const struct vgpu_sched_stats *vgpu_sched_stats(const struct vgpu_sched *s,
						u16 function);
const struct vgpu_sched_stats *vgpu_sched_total(const struct vgpu_sched *s);
const struct vgpu_sched_engine *vgpu_sched_engine(const struct vgpu_sched *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random walks: a rig to which anything happens at any moment. All that happens
 * to it from outside is a list of stimuli; with what it began with they are the
 * whole walk, so a list can be written down, played again, and made shorter.
 */
#ifndef WALK_H
#define WALK_H

#include "ledger.h"
#include "rig.h"

#define MICROSECOND	1000ull
#define MILLISECOND	1000000ull
#define SECOND		1000000000ull
#define YEAR		(365 * 86400 * SECOND)

/** WALK_STEPS - steps of the longest walk */
#define WALK_STEPS	20000
/** WALK_STIMULI - most stimuli of one walk */
#define WALK_STIMULI	(WALK_STEPS + 8 * MODEL_FUNCTIONS)

/*
 * What may happen beside work that comes and goes, in struct walk_setup. Those in
 * WALK_FAULTS delay others beyond the bounds, for a time.
 */
#define WALK_HANG	0x01u
#define WALK_FLR	0x02u
#define WALK_LOSE	0x04u	/* records get lost, and LOST says so */
#define WALK_VANISH	0x08u	/* records get lost, and nothing says so */
#define WALK_STUCK	0x10u	/* a save or load does not end */
#define WALK_RESET	0x20u	/* somebody gives a RESET command */
#define WALK_CLOSE	0x40u	/* a function is closed while armed or running */
#define WALK_GARBLE	0x80u	/* records carry nonsense for times */
#define WALK_TWICE	0x100u	/* records come twice */
#define WALK_FAULTS	0x1ffu
#define WALK_PARK	0x200u	/* functions are parked and unparked */
#define WALK_PARAMS	0x400u	/* settings change */
#define WALK_POLICY	0x800u	/* the policy changes */
#define WALK_CAP	0x1000u	/* settings include caps */
#define WALK_RESERVE	0x2000u	/* settings include reservations */
#define WALK_STALL	0x4000u	/* the core's timer is late by up to hours */
#define WALK_UNBOUNDED	0x8000u	/* quanta and preempt timeouts may be 0 */
#define WALK_SHARES	0x10000u /* weights and priorities differ */

/**
 * enum walk_kind - a stimulus; what @a and @b are
 * @WALK_START: the function is opened, initialised and enabled
 * @WALK_GROUP: length of a work-group, ns
 * @WALK_WORK: has more work, ns
 * @WALK_DO_PARK: reason
 * @WALK_DO_UNPARK: reason
 * @WALK_QUANTUM: ns
 * @WALK_TIMEOUT: ns
 * @WALK_WEIGHT: weight
 * @WALK_PRIORITY: enum vgpu_sched_priority
 * @WALK_SET_CAP: quota and period, ns
 * @WALK_SET_RESERVATION: budget and period, ns
 * @WALK_SET_POLICY: index for vgpu_sched_policy_at()
 * @WALK_OVERHEAD: permille
 * @WALK_TIMER: the timers fire although nobody asked for it
 * @WALK_DO_STALL: ns
 * @WALK_DO_HANG: the function does not reach a preemption point any more
 * @WALK_DO_FLR: FLR
 * @WALK_DO_LOSE: the next answer is lost; @a: without LOST
 * @WALK_DO_STICK: the next save or load does not end
 * @WALK_DO_RESET: RESET by command
 * @WALK_DO_CLOSE: the function is closed
 * @WALK_RECOVER: the world is made anew, if it was lost and has left
 * @WALK_DO_GARBLE: in the next record time @a is replaced by nonsense @b
 * @WALK_DO_TWICE: the next record comes twice
 * @WALK_KINDS: how many there are
 */
enum walk_kind {
	WALK_START,
	WALK_GROUP,
	WALK_WORK,
	WALK_DO_PARK,
	WALK_DO_UNPARK,
	WALK_QUANTUM,
	WALK_TIMEOUT,
	WALK_WEIGHT,
	WALK_PRIORITY,
	WALK_SET_CAP,
	WALK_SET_RESERVATION,
	WALK_SET_POLICY,
	WALK_OVERHEAD,
	WALK_TIMER,
	WALK_DO_STALL,
	WALK_DO_HANG,
	WALK_DO_FLR,
	WALK_DO_LOSE,
	WALK_DO_STICK,
	WALK_DO_RESET,
	WALK_DO_CLOSE,
	WALK_RECOVER,
	WALK_DO_GARBLE,
	WALK_DO_TWICE,
	WALK_KINDS,
};

/**
 * struct walk_stimulus - something that happens from outside
 * @at: when, ns since the start of the walk
 * @kind: enum walk_kind
 * @function: to whom
 * @a: see enum walk_kind
 * @b: ditto
 */
struct walk_stimulus {
	u64 at;
	u64 kind;
	u64 function;
	u64 a;
	u64 b;
};

/**
 * struct walk_setup - what a walk begins with
 * @classic: which backend
 * @functions: how many
 * @allowed: WALK_*: what may happen, and so what can be demanded
 * @seed: of the random numbers
 * @start: device time to begin with
 * @origin: virtual time to begin with
 * @policy: index for vgpu_sched_policy_at()
 * @overhead: &vgpu_sched_config.overhead_permille
 * @irq: longest time that an interrupt takes, ns
 * @write: longest time that a write takes, ns
 * @clock: 1000000 + error of the driver's clock, ns
 * @quirks: of the device, MODEL_*
 * @save: cost of a save, ns
 * @load: cost of a load, ns
 * @busy: how large pieces of work can be, from 2, mostly idle, to 5, all busy
 * @quiet: longest time between two stimuli, ns
 * @steps: where to stop
 * @until: where else to stop, ns since the start
 */
struct walk_setup {
	u64 classic;
	u64 functions;
	u64 allowed;
	u64 seed;
	u64 start;
	u64 origin;
	u64 policy;
	u64 overhead;
	u64 irq;
	u64 write;
	u64 clock;
	u64 quirks;
	u64 save;
	u64 load;
	u64 busy;
	u64 quiet;
	u64 steps;
	u64 until;
};

#define WALK_CLOCK	1000000ull

/**
 * struct walk_trace - a walk, written down
 * @setup: what it begins with
 * @invent: go on with random stimuli behind the last one, and add them
 * @count: how many stimuli there are
 * @stimulus: in the order in which they happen
 */
struct walk_trace {
	struct walk_setup setup;
	bool invent;
	unsigned int count;
	struct walk_stimulus stimulus[WALK_STIMULI];
};

struct fair;

/**
 * struct walk_margin - how close to its bound something came
 * @checks: how often it was compared
 * @permille: the largest that it was, of its bound
 */
struct walk_margin {
	u64 checks;
	u64 permille;
};

static inline void walk_note(struct walk_margin *margin, u64 value, u64 bound)
{
	margin->checks++;
	if (value > bound / 1000 * margin->permille && bound >= 1000)
		margin->permille = value / (bound / 1000);
}

/**
 * struct walk_cap - the cap of one function
 * @quota: as set, 0 for none
 * @period: ditto
 * @excess: most by which it can be overdrawn
 * @number: of the period that @left is about, 0 if it is not yet reckoned
 * @left: of the quota; below 0: debt
 */
struct walk_cap {
	u64 quota;
	u64 period;
	u64 excess;
	u64 number;
	s64 left;
};

/**
 * struct walk - a rig, and what has to be remembered to tell if all is well
 * @r: the rig
 * @trace: where the stimuli are from
 * @setup: its setup
 * @next: number of the next stimulus
 * @steps: steps taken
 * @at: time after the last step, ns since the start
 * @garble: which time of the next record to replace, + 1
 * @nonsense: by what
 * @twice: the next record comes twice
 * @claim: one more invariant, or NULL
 *
 * @driver_latency: what lies between the device and the core in a switch, in both
 *	directions, ns
 * @calm: time of the last moment at which a fault could have delayed anybody
 * @settled: the same for settings
 * @waiting: since when each function has waited for the engine, 0 if not
 * @owed_since: since when ops->parked() is owed
 * @empty_since: since when the engine has been empty, 0 if it is not
 * @limit: latency bounds of all functions with the present settings
 * @old_limit: the same with settings of which slices are still about, else 0
 * @old_slices: how many of them there may be
 * @settling: they are over
 * @order: number of the event at hand, to order things in the core's view
 * @ready: since when a function has been runnable without a break, in that order
 * @started: when its last slice began, in that order
 * @others: slices of each other function since then
 * @renewed: when the last slice was renewed
 * @renewals: how often since the last time that there was some time between
 * @lost_world: those that had lost their world at the last step
 * @overdues: calls of ops->overdue() until then
 * @rearmed: repetitions of NEXT until then
 * @lag_min: smallest lag so far, as in the statistics
 * @lag_max: largest
 * @lag: how close lags came to their bounds
 * @latency: how close waiting came to its bound
 * @checked: time of the last step
 * @active: who used the engine since then, VGPU_FUNCTION_NONE for nobody
 * @cap: what is left of each cap, reckoned from what the device does
 * @ledger: the books
 * @fair: what fair.c remembers
 */
struct walk {
	struct rig *r;
	struct walk_trace *trace;
	const struct walk_setup *setup;
	unsigned int next;
	u64 steps;
	u64 at;
	unsigned int garble;
	unsigned int nonsense;
	bool twice;
	void (*claim)(struct walk *w);

	u64 driver_latency;
	u64 calm;
	u64 settled;
	u64 waiting[MODEL_FUNCTIONS];
	u64 owed_since[MODEL_FUNCTIONS];
	u64 empty_since;
	u64 limit[MODEL_FUNCTIONS];
	u64 old_limit[MODEL_FUNCTIONS];
	unsigned int old_slices;
	bool settling;
	u64 order;
	u64 ready[MODEL_FUNCTIONS];
	u64 started[MODEL_FUNCTIONS];
	u64 others[MODEL_FUNCTIONS][MODEL_FUNCTIONS];
	u64 renewed;
	unsigned int renewals;
	bool lost_world[MODEL_FUNCTIONS];
	u64 overdues;
	u64 rearmed;
	s64 lag_min;
	s64 lag_max;
	struct walk_margin lag;
	struct walk_margin latency;
	u64 checked;
	u16 active;
	struct walk_cap cap[MODEL_FUNCTIONS];
	struct ledger ledger;
	struct fair *fair;
};

/* walk.c */
extern const char *const walk_names[WALK_KINDS];

void walk_invent(struct walk_trace *trace, u64 seed, bool classic, u32 allowed);
void walk_play(struct walk *w, struct walk_trace *trace,
	       void (*claim)(struct walk *w));

/* fair.c */
u64 fair_latency(const struct walk *w, u16 function);
void fair_settings(struct walk *w);
void fair_settled(struct walk *w);
void fair_print(const struct walk *w);
void fair_begin(struct walk *w);
void fair_step(struct walk *w);

/* pick.c */
void pick_step(struct walk *w);

/* invariant.c */
void invariant_begin(struct walk *w);
void invariant_settings(struct walk *w);
void invariant_event(struct walk *w);
void invariant_slice(struct walk *w, u16 function);
void invariant_time(struct walk *w);
void invariant_renewed(struct walk *w);
void invariant_step(struct walk *w);

#define must(condition)	rig_check(condition)
#define must_equal(a, b)	must_compare(a, ==, b)
#define must_compare(a, operator, b)						\
	do {									\
		long long must_a = (a), must_b = (b);				\
										\
		if (!(must_a operator must_b))					\
			must_failed(#a " " #operator " " #b, must_a, must_b,	\
				    __FILE__, __LINE__);			\
	} while (0)

void must_failed(const char *what, long long a, long long b, const char *file,
		 int line);

#endif

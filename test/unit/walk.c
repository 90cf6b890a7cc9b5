// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include "walk.h"

const char *const walk_names[WALK_KINDS] = {
	[WALK_START]		= "start",
	[WALK_GROUP]		= "group",
	[WALK_WORK]		= "work",
	[WALK_DO_PARK]		= "park",
	[WALK_DO_UNPARK]	= "unpark",
	[WALK_QUANTUM]		= "quantum",
	[WALK_TIMEOUT]		= "timeout",
	[WALK_WEIGHT]		= "weight",
	[WALK_PRIORITY]		= "priority",
	[WALK_SET_CAP]		= "cap",
	[WALK_SET_RESERVATION]	= "reserve",
	[WALK_SET_POLICY]	= "policy",
	[WALK_OVERHEAD]		= "overhead",
	[WALK_TIMER]		= "timer",
	[WALK_DO_STALL]		= "stall",
	[WALK_DO_HANG]		= "hang",
	[WALK_DO_FLR]		= "flr",
	[WALK_DO_LOSE]		= "lose",
	[WALK_DO_STICK]		= "stick",
	[WALK_DO_RESET]		= "reset",
	[WALK_DO_CLOSE]		= "close",
	[WALK_RECOVER]		= "recover",
	[WALK_DO_GARBLE]	= "garble",
	[WALK_DO_TWICE]		= "twice",
};

static u64 draw(struct walk *w, u64 below)
{
	return rig_random(w->r, below);
}

static bool one_in(struct walk *w, u64 n)
{
	return !draw(w, n);
}

static u64 one_of(struct walk *w, const u64 *values, unsigned int count)
{
	return values[draw(w, count)];
}

#define ONE_OF(w, ...)							\
	one_of(w, (const u64[]){ __VA_ARGS__ },				\
	       sizeof((const u64[]){ __VA_ARGS__ }) / sizeof(u64))

/* ------------------------------------------------------------------------ */
/* What a stimulus does                                                      */

/* A refusal says why, changes nothing, and its limits are true. */
static int try_params(struct walk *w, u16 f, const struct vgpu_sched_params *p)
{
	struct vgpu_sched_params before, after;
	struct vgpu_sched_why why = { 0 };
	int ret;

	vgpu_sched_get_params(w->r->s, f, &before);
	ret = rig_set_params(w->r, f, p, &why);
	vgpu_sched_get_params(w->r->s, f, &after);
	must(!memcmp(&after, ret ? &before : p, sizeof(after)));
	if (!ret)
		return 0;
	must(ret == -EINVAL || ret == -EBUSY || ret == -EOPNOTSUPP);
	must(why.what && why.rule);
	return ret;
}

static void set_cap(struct walk *w, u16 f, u64 quota, u64 period)
{
	struct vgpu_sched_params p;

	vgpu_sched_get_params(w->r->s, f, &p);
	p.cap_quota_ns = quota;
	p.cap_period_ns = period;
	try_params(w, f, &p);
}

/* What is named as the largest budget must be one, and the largest. */
static void set_reservation(struct walk *w, u16 f, u64 budget, u64 period)
{
	struct vgpu_sched_params p;
	struct vgpu_sched_why why = { 0 };

	vgpu_sched_get_params(w->r->s, f, &p);
	p.budget_ns = budget;
	p.period_ns = period;
	if (rig_set_params(w->r, f, &p, &why) != -EBUSY)
		return;
	if (!why.what || strcmp(why.what, "budget_ns") || why.high < why.low ||
	    !why.high)
		return;
	must_compare(why.high, <, budget);
	p.budget_ns = why.high + 1;
	must_equal(rig_set_params(w->r, f, &p, &why), -EBUSY);
	p.budget_ns = why.high;
	must_equal(rig_set_params(w->r, f, &p, &why), 0);
}

static void set_param(struct walk *w, const struct walk_stimulus *s)
{
	struct vgpu_sched_params p;

	vgpu_sched_get_params(w->r->s, s->function, &p);
	switch (s->kind) {
	case WALK_QUANTUM:
		p.quantum_ns = s->a;
		break;
	case WALK_TIMEOUT:
		p.preempt_timeout_ns = s->a;
		break;
	case WALK_WEIGHT:
		p.weight = s->a;
		break;
	case WALK_PRIORITY:
		p.priority = s->a;
		break;
	}
	try_params(w, s->function, &p);
}

static void set_policy(struct walk *w, unsigned int index)
{
	const struct vgpu_sched_policy *before = vgpu_sched_policy(w->r->s);
	const struct vgpu_sched_policy *policy = vgpu_sched_policy_at(index);
	struct vgpu_sched_why why = { 0 };
	int ret;

	ret = vgpu_sched_set_policy(w->r->s, policy, &why, rig_clock(w->r));
	must(vgpu_sched_policy(w->r->s) == (ret ? before : policy));
	if (ret)
		must(why.what && why.rule);
}

static void set_overhead(struct walk *w, u32 permille)
{
	struct vgpu_sched_why why = { 0 };

	must_equal(vgpu_sched_set_overhead(w->r->s, permille, &why,
					   rig_clock(w->r)), 0);
	must_equal(vgpu_sched_overhead(w->r->s), permille);
}

/* Nobody hangs who has for ever to quiesce: he would have the engine for ever. */
static void hang(struct walk *w, u16 f)
{
	struct model_function *fn = &w->r->m.fn[f];

	if (fn->timeout)
		fn->stuck = fn->work;
}

static void fault(struct walk *w, const struct walk_stimulus *s)
{
	struct rig *r = w->r;
	u16 f = s->function;

	switch (s->kind) {
	case WALK_DO_HANG:
		hang(w, f);
		break;
	case WALK_DO_FLR:
		if (!r->m.fn[f].flr)
			model_flr(&r->m, f);
		break;
	case WALK_DO_LOSE:
		r->m.lose = 1;
		r->m.lose_silently = s->a;
		break;
	case WALK_DO_STICK:
		r->m.stuck_phase = true;
		break;
	case WALK_DO_RESET:
		if (rig_park(r, f, VGPU_SCHED_PARK_DISABLED) == 0)
			rig_command(r, VGPU_CMD_RESET, f);
		r->lost_world[f] = true;
		break;
	case WALK_DO_CLOSE:
		rig_park(r, f, VGPU_SCHED_PARK_DISABLED);
		model_open(&r->m, f, false);
		r->lost_world[f] = true;
		break;
	case WALK_RECOVER:
		if (!r->lost_world[f] || !rig_recover(r, f))
			return;
		break;
	}
	w->calm = max(w->calm, r->m.now);
}

static void fire_timers(struct walk *w)
{
	vgpu_sched_timer(w->r->s, rig_clock(w->r));
	if (w->r->classic)
		vgpu_sequencer_timer(&w->r->q, rig_clock(w->r));
}

static void apply(struct walk *w, const struct walk_stimulus *s)
{
	struct rig *r = w->r;
	u16 f = s->function;

	rig_note(r, walk_names[s->kind], f, s->a / MICROSECOND, s->b / MICROSECOND);
	switch (s->kind) {
	case WALK_START:
		rig_start(r, f);
		invariant_settings(w);
		break;
	case WALK_GROUP:
		r->m.fn[f].group = s->a;
		break;
	case WALK_WORK:
		model_work(&r->m, f, s->a);
		break;
	case WALK_DO_PARK:
		rig_park(r, f, s->a);
		break;
	case WALK_DO_UNPARK:
		rig_unpark(r, f, s->a);
		break;
	case WALK_QUANTUM ... WALK_PRIORITY:
		/* Who hangs must not be given for ever. */
		if (s->kind != WALK_TIMEOUT || s->a || !r->m.fn[f].stuck)
			set_param(w, s);
		invariant_settings(w);
		break;
	case WALK_SET_CAP:
		set_cap(w, f, s->a, s->b);
		invariant_settings(w);
		break;
	case WALK_SET_RESERVATION:
		set_reservation(w, f, s->a, s->b);
		invariant_settings(w);
		break;
	case WALK_SET_POLICY:
		set_policy(w, s->a);
		invariant_settings(w);
		break;
	case WALK_OVERHEAD:
		set_overhead(w, s->a);
		invariant_settings(w);
		break;
	case WALK_TIMER:
		fire_timers(w);
		break;
	case WALK_DO_STALL:
		r->stall_until = max(r->stall_until, r->m.now + s->a);
		/* Nobody stalls the timer where the timer has to do something. */
		if (w->setup->allowed & (WALK_FAULTS | WALK_CAP | WALK_RESERVE) ||
		    !strcmp(vgpu_sched_policy_name(r->s->policy), "fixed"))
			w->calm = r->stall_until;
		break;
	case WALK_DO_GARBLE:
		w->garble = 1 + s->a % 6;
		w->nonsense = s->b;
		break;
	case WALK_DO_TWICE:
		w->twice = true;
		break;
	default:
		fault(w, s);
		break;
	}
	invariant_event(w);
}

/* ------------------------------------------------------------------------ */
/* Which stimulus comes                                                      */

static u64 some_work(struct walk *w)
{
	static const u64 amount[] = {
		1, 20 * MICROSECOND, 300 * MICROSECOND, 4 * MILLISECOND,
		50 * MILLISECOND,
	};

	return 1 + draw(w, amount[draw(w, w->setup->busy)]);
}

static u64 some_quantum(struct walk *w)
{
	u64 quantum = (1 + draw(w, 80)) * 100 * MICROSECOND;

	if (w->setup->allowed & WALK_UNBOUNDED && one_in(w, 8))
		return 0;
	if (one_in(w, 100))
		return VGPU_SCHED_QUANTUM_MAX;
	return one_in(w, 4) ? VGPU_SCHED_QUANTUM_AUTO : quantum;
}

static u64 some_timeout(struct walk *w)
{
	if (w->setup->allowed & WALK_UNBOUNDED && one_in(w, 8))
		return 0;
	return (3 + draw(w, 20)) * 100 * MICROSECOND;
}

static u64 some_period(struct walk *w)
{
	return VGPU_SCHED_PERIOD_MIN + draw(w, ONE_OF(w, 1, 10 * MILLISECOND,
						      200 * MILLISECOND));
}

/* One setting; nothing that bounds have to be given up for, unless allowed. */
static struct walk_stimulus some_setting(struct walk *w, u16 f)
{
	u32 allowed = w->setup->allowed;
	struct walk_stimulus s = { .function = f };

	switch (draw(w, 7)) {
	case 0:
		s.kind = WALK_TIMEOUT;
		s.a = some_timeout(w);
		return s;
	case 1:
		if (!(allowed & WALK_SHARES))
			break;
		s.kind = WALK_WEIGHT;
		s.a = ONE_OF(w, VGPU_SCHED_WEIGHT_MIN, VGPU_SCHED_WEIGHT_MAX,
			     VGPU_SCHED_WEIGHT_DEFAULT, 1 + draw(w, 10),
			     1 + draw(w, VGPU_SCHED_WEIGHT_MAX));
		return s;
	case 2:
		if (!(allowed & WALK_SHARES))
			break;
		s.kind = WALK_PRIORITY;
		s.a = draw(w, 3);
		return s;
	case 3:
		if (!(allowed & WALK_CAP))
			break;
		s.kind = WALK_SET_CAP;
		s.b = one_in(w, 3) ? 0 : some_period(w);
		s.a = s.b ? 1 + draw(w, s.b) : 0;
		return s;
	case 4:
		if (!(allowed & WALK_RESERVE))
			break;
		s.kind = WALK_SET_RESERVATION;
		s.b = one_in(w, 3) ? 0 : some_period(w);
		s.a = s.b ? 1 + draw(w, s.b / ONE_OF(w, 1, 4, 20)) : 0;
		return s;
	case 5:
		if (!(allowed & WALK_PARAMS))
			break;
		s.kind = WALK_OVERHEAD;
		s.a = 1 + draw(w, VGPU_SCHED_OVERHEAD_MAX);
		return s;
	}
	s.kind = WALK_QUANTUM;
	s.a = some_quantum(w);
	return s;
}

static struct walk_stimulus some_park(struct walk *w, u16 f)
{
	struct walk_stimulus s = { .function = f };

	s.a = one_in(w, 2) ? VGPU_SCHED_PARK_PAUSED : VGPU_SCHED_PARK_EXCLUSIVE;
	s.kind = vgpu_sched_parked(w->r->s, f) & s.a ? WALK_DO_UNPARK : WALK_DO_PARK;
	return s;
}

static u64 count_policies(void)
{
	u64 n = 0;

	while (vgpu_sched_policy_at(n))
		n++;
	return n;
}

static struct walk_stimulus some_fault(struct walk *w, u16 f)
{
	static const u64 kind[] = {
		WALK_DO_HANG, WALK_DO_FLR, WALK_DO_LOSE, WALK_DO_LOSE,
		WALK_DO_STICK, WALK_DO_RESET, WALK_DO_CLOSE,
	};
	struct walk_stimulus s = { .function = f };
	unsigned int bit = draw(w, 7);

	s.kind = w->setup->allowed & 1u << bit ? kind[bit] : WALK_TIMER;
	s.a = s.kind == WALK_DO_LOSE && 1u << bit == WALK_VANISH;
	return s;
}

static struct walk_stimulus bad_record(struct walk *w)
{
	struct walk_stimulus s = { .kind = WALK_TIMER };

	if (w->setup->allowed & WALK_GARBLE && one_in(w, 3)) {
		s.kind = WALK_DO_GARBLE;
		s.a = draw(w, 6);
		s.b = draw(w, 5);
	} else if (w->setup->allowed & WALK_TWICE) {
		s.kind = WALK_DO_TWICE;
	}
	return s;
}

static struct walk_stimulus some_stimulus(struct walk *w)
{
	u32 allowed = w->setup->allowed;
	struct rig *r = w->r;
	u16 f = draw(w, r->m.functions);
	struct walk_stimulus s = { .function = f };

	if (r->lost_world[f] && one_in(w, 3)) {
		s.kind = WALK_RECOVER;
		return s;
	}
	switch (draw(w, 20)) {
	case 0:
		if (allowed & WALK_PARK)
			return some_park(w, f);
		break;
	case 1:
		if (allowed & WALK_PARAMS)
			return some_setting(w, f);
		break;
	case 2:
		s.kind = WALK_TIMER;
		return s;
	case 3:
		if (!(allowed & WALK_POLICY) || !one_in(w, 4))
			break;
		s.kind = WALK_SET_POLICY;
		s.a = draw(w, count_policies());
		return s;
	case 4:
		if (allowed & WALK_FAULTS && one_in(w, 2))
			return some_fault(w, f);
		break;
	case 5 ... 6:
		if (allowed & (WALK_GARBLE | WALK_TWICE))
			return bad_record(w);
		break;
	case 7:
		if (!(allowed & WALK_STALL) || !one_in(w, 10))
			break;
		s.kind = WALK_DO_STALL;
		s.a = draw(w, ONE_OF(w, MILLISECOND, SECOND, 3600 * SECOND));
		return s;
	}
	s.kind = WALK_WORK;
	s.a = some_work(w);
	return s;
}

/* Long gaps let years pass. */
static u64 some_gap(struct walk *w)
{
	if (w->setup->start > SECOND && one_in(w, 200))
		return draw(w, YEAR);
	return 1 + draw(w, w->setup->quiet);
}

static void add(struct walk_trace *t, struct walk_stimulus s, u64 at)
{
	s.at = at;
	must(t->count < WALK_STIMULI);
	t->stimulus[t->count++] = s;
}

/* The first stimuli: every function gets settings, and is started. */
static void invent_start(struct walk *w)
{
	struct walk_trace *t = w->trace;
	u16 f;

	for (f = 0; f < w->setup->functions; f++) {
		struct walk_stimulus s = { .function = f };
		unsigned int settings = draw(w, 5);

		s.kind = WALK_GROUP;
		s.a = (1 + draw(w, 10)) * 20 * MICROSECOND;
		add(t, s, 0);
		s.kind = WALK_QUANTUM;
		s.a = some_quantum(w);
		add(t, s, 0);
		s.kind = WALK_TIMEOUT;
		s.a = some_timeout(w);
		add(t, s, 0);
		while (settings--)
			add(t, some_setting(w, f), 0);
		s.kind = WALK_START;
		s.a = 0;
		add(t, s, 0);
	}
}

/**
 * walk_invent() - the beginning of a random walk
 * @t: where to put it
 * @seed: of it, and of all that will be invented
 * @classic: which backend
 * @allowed: WALK_*
 */
void walk_invent(struct walk_trace *t, u64 seed, bool classic, u32 allowed)
{
	struct rig dice = { .seed = seed * 0x9e3779b97f4a7c15ull | 1 };
	struct walk w = { .r = &dice, .setup = &t->setup };
	struct walk_setup *setup = &t->setup;

	/* The first numbers of neighbouring seeds are alike. */
	rig_random(&dice, 0);
	rig_random(&dice, 0);
	t->count = 0;
	t->invent = true;
	*setup = (struct walk_setup){
		.classic = classic,
		.allowed = allowed,
		.functions = ONE_OF(&w, 2, 2 + draw(&w, 7), 2 + draw(&w, 7),
				    2 + draw(&w, 7), 2 + draw(&w, 62)),
		.policy = draw(&w, count_policies()),
		.overhead = one_in(&w, 2) ? 0 : 1 + draw(&w, VGPU_SCHED_OVERHEAD_MAX),
		.irq = ONE_OF(&w, 0, 200, 5 * MICROSECOND, 60 * MICROSECOND),
		.write = ONE_OF(&w, 0, 200, 5 * MICROSECOND),
		.clock = WALK_CLOCK + draw(&w, 2000) - 1000,
		.quirks = draw(&w, MODEL_QUIRKS + 1),
		.save = one_in(&w, 4) ? 0 : ONE_OF(&w, 150 * MICROSECOND,
						   draw(&w, MILLISECOND)),
		.load = one_in(&w, 4) ? 0 : ONE_OF(&w, 150 * MICROSECOND,
						   draw(&w, MILLISECOND)),
		.busy = 2 + draw(&w, 4),
		.quiet = one_in(&w, 2) ? 200 * MICROSECOND : 3 * MILLISECOND,
		.start = ONE_OF(&w, MILLISECOND, MILLISECOND, YEAR, 100 * YEAR),
		.origin = ONE_OF(&w, 0, 0, draw(&w, 0), U64_MAX - draw(&w, SECOND),
				 (U64_MAX >> 1) - draw(&w, SECOND)),
		.steps = ONE_OF(&w, WALK_STEPS / 10, WALK_STEPS / 4, WALK_STEPS),
		.until = U64_MAX,
	};
	if (!(allowed & WALK_FAULTS))
		setup->quirks &= ~MODEL_DROPS_EARLY_NOW;
	setup->seed = dice.seed;
}

/* ------------------------------------------------------------------------ */
/* The walk                                                                  */

static void on_fed(struct rig *r)
{
	invariant_event(r->argument);
}

static unsigned int on_record(struct rig *r, struct vgpu_sched_switch *sw)
{
	struct walk *w = r->argument;
	u64 *times[] = { &sw->deadline, &sw->request, &sw->quiesced, &sw->saved,
			 &sw->loaded, &sw->running };
	u64 nonsense[] = { 0, 1, U64_MAX, r->m.now + 50 * MILLISECOND, r->m.now / 2 };
	bool twice = w->twice;

	invariant_event(w);
	if (sw->reason == VGPU_LEAVE_RENEWED)
		invariant_renewed(w);
	else if (sw->to != VGPU_FUNCTION_NONE)
		invariant_slice(w, sw->to);
	if (w->garble) {
		*times[w->garble - 1] = nonsense[w->nonsense % 5];
		w->calm = max(w->calm, r->m.now);
	}
	w->garble = 0;
	w->twice = false;
	return twice ? 2 : 1;
}

static void on_deliver(struct rig *r, const struct vgpu_sched_switch *sw)
{
	ledger_record(r->argument, sw);
}

static void on_feed(struct rig *r, const struct model_event *e)
{
	ledger_event(r->argument, e);
}

static void on_restart(struct rig *r)
{
	ledger_restart(r->argument);
}

static struct rig *make_rig(const struct walk_setup *setup)
{
	const struct vgpu_sched_policy *policy = vgpu_sched_policy_at(setup->policy);
	struct rig *r;

	r = rig_make(&(struct rig_setup){
		.classic = setup->classic, .functions = setup->functions,
		.seed = setup->seed, .start = setup->start,
		.save_ns = setup->save, .load_ns = setup->load,
		.policy = vgpu_sched_policy_name(policy),
		.overhead_permille = setup->overhead });
	r->irq_latency = setup->irq;
	r->write_latency = setup->write;
	r->clock_error = (long long)(setup->clock - WALK_CLOCK);
	r->m.quirks = setup->quirks;
	r->record = on_record;
	r->deliver = on_deliver;
	r->feed = on_feed;
	r->fed = on_fed;
	r->restart = on_restart;
	return r;
}

/* When the next stimulus comes, MODEL_NEVER if there is none. */
static u64 next_time(struct walk *w, u64 invented)
{
	const struct walk_trace *t = w->trace;

	if (w->next < t->count)
		return w->setup->start + t->stimulus[w->next].at;
	return t->invent ? invented : MODEL_NEVER;
}

/**
 * walk_play() - take a walk
 * @w: where to keep what belongs to it; the rig is left there
 * @trace: what happens; more is added to it if so desired
 * @claim: one more invariant, to be checked after each step
 *
 * Whatever is not as it must be ends it by a call of rig_failed.
 */
void walk_play(struct walk *w, struct walk_trace *trace,
	       void (*claim)(struct walk *w))
{
	const struct walk_setup *setup = &trace->setup;
	u64 invented;

	*w = (struct walk){ .trace = trace, .setup = setup, .claim = claim };
	w->r = make_rig(setup);
	w->r->argument = w;
	invented = w->r->m.now;
	invariant_begin(w);
	if (trace->invent && !trace->count)
		invent_start(w);
	for (; w->steps < setup->steps; w->steps++) {
		u64 next = next_time(w, invented);
		u64 end = setup->start + min(setup->until, U64_MAX - setup->start);

		rig_step(w->r, min(next, end));
		w->at = w->r->m.now - setup->start;
		invariant_time(w);
		invariant_event(w);
		if (w->r->m.now >= next) {
			if (w->next == trace->count)
				add(trace, some_stimulus(w),
				    w->r->m.now - setup->start);
			apply(w, &trace->stimulus[w->next++]);
			invented = w->r->m.now + some_gap(w);
		}
		invariant_step(w);
		if (w->r->m.now >= end && rig_next_time(w->r) > end)
			break;
	}
}

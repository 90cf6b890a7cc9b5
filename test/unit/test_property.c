// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random walks: anything that a device, its users and its driver can do happens
 * at any moment, and after every step all invariants are checked.
 *
 * VGPU_SEED=n walks from seed n only (it is printed with each failure),
 * VGPU_STEPS=n sets how many steps each walk takes in total.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rig.h"

#ifndef STEPS
#define STEPS		1200000
#endif
#define RUN_STEPS	20000
#define MICROSECOND	1000ull
#define MILLISECOND	1000000ull

/**
 * struct walk - a rig, and what must be true of it
 * @r: the rig
 * @classic: which backend
 * @faults: what goes wrong, FAULT_*
 * @load: how large pieces of work can be, from 2, mostly idle, to 5, all busy
 * @calm: time of the last moment at which a fault could have delayed anybody
 * @waiting: since when each function has waited for the engine, 0 if not
 * @owed_since: since when ops->parked() is owed
 * @order: number of the event at hand, to order things in the core's view
 * @ready: since when a function has been runnable without a break, in that order
 * @started: when its last slice began, in that order
 * @others: slices of each other function since then
 * @lost_world: those that had lost their world at the last step
 * @overdues: calls of ops->overdue() until then
 * @rearmed: repetitions of NEXT until then
 */
struct walk {
	struct rig *r;
	bool classic;
	u32 faults;
	unsigned int load;
	u64 calm;
	u64 waiting[MODEL_FUNCTIONS];
	u64 owed_since[MODEL_FUNCTIONS];
	u64 order;
	u64 ready[MODEL_FUNCTIONS];
	u64 started[MODEL_FUNCTIONS];
	u64 others[MODEL_FUNCTIONS][MODEL_FUNCTIONS];
	bool lost_world[MODEL_FUNCTIONS];
	u64 overdues;
	u64 rearmed;
};

#define FAULT_HANG	0x01u
#define FAULT_FLR	0x02u
#define FAULT_LOSE	0x04u	/* records get lost, and LOST says so */
#define FAULT_VANISH	0x08u	/* records get lost, and nothing says so */
#define FAULT_STUCK	0x10u	/* a save or load does not end */
#define FAULT_RESET	0x20u	/* somebody gives a RESET command */
#define FAULT_CLOSE	0x40u	/* a function is closed while armed or running */
#define FAULT_TIMES	0x80u	/* records carry nonsense for times */
#define FAULT_TWICE	0x100u	/* records come twice */
#define FAULT_PARK	0x200u	/* not a fault, but breaks the order */

static u64 seed_now;
static struct rig *rig_now;

/* ------------------------------------------------------------------------ */
/* Invariants                                                                */

/* What core.h promises whenever no call is under way. */
static void check_core(const struct vgpu_sched *s)
{
	struct vgpu_sched_choice choice = { 0 };
	struct vgpu_sched *open = (struct vgpu_sched *)s;
	bool somebody = s->policy->pick(open, 0, &choice);
	unsigned int queued = 0;
	u16 i, last = VGPU_FUNCTION_NONE;

	for (i = 0; i < s->config.functions; i++) {
		const struct vgpu_sched_function *fn = &s->function[i];

		assert_int_equal(fn->queued, fn->runnable && !fn->parked &&
					     s->running != i);
		queued += fn->queued;
	}
	assert_int_equal(somebody, queued > 0);
	for (i = s->round_robin.head; i != VGPU_FUNCTION_NONE;
	     i = s->function[i].round_robin.next) {
		assert_true(s->function[i].queued);
		assert_int_equal(s->function[i].round_robin.prev, last);
		last = i;
		assert_true(queued-- > 0);
	}
	assert_int_equal(queued, 0);
	assert_int_equal(s->round_robin.tail, last);

	if (somebody) {
		assert_true(s->armed);
		assert_int_equal(s->next, choice.function);
	} else if (s->running != VGPU_FUNCTION_NONE && !s->gone) {
		if (s->function[s->running].parked)
			assert_true(s->armed);
		else if (s->doubt)
			assert_true(s->armed);
	}
	assert_false(s->unsure);
	assert_true(!s->gone || s->running != VGPU_FUNCTION_NONE);
	if (s->expected)
		assert_true(s->timer && s->timer <= s->expected);
}

static void check_sums(const struct vgpu_sched *s)
{
	const struct vgpu_sched_stats *total = &s->total;
	u64 runtime = 0, overhead = 0, slices = 0, save = 0, load = 0, misses = 0;
	u64 reasons = 0;
	unsigned int i;

	for (i = 0; i < s->config.functions; i++) {
		const struct vgpu_sched_stats *one = &s->function[i].stats;

		runtime += one->runtime_ns;
		overhead += one->overhead_ns;
		slices += one->slices;
		save += one->save_ns;
		load += one->load_ns;
		misses += one->deadline_misses;
	}
	for (i = VGPU_LEAVE_DEADLINE; i < VGPU_SCHED_REASONS; i++)
		reasons += total->switches[i];
	assert_int_equal(runtime, total->runtime_ns);
	assert_int_equal(overhead, total->overhead_ns);
	assert_int_equal(slices, total->slices);
	assert_int_equal(reasons, total->slices);
	assert_int_equal(save, total->save_ns);
	assert_int_equal(load, total->load_ns);
	assert_int_equal(misses, total->deadline_misses);
	assert_int_equal(runtime + overhead + s->engine.empty_ns,
			 s->engine.last_ns - s->engine.start_ns);
}

/* With nothing on its way the core's view is the device's state. */
static void check_view(struct walk *w)
{
	const struct rig *r = w->r;
	u16 running = vgpu_sched_running(r->s);

	if (!rig_is_quiet(r) || r->worker_at != MODEL_NEVER ||
	    w->faults & (FAULT_LOSE | FAULT_VANISH | FAULT_STUCK) || r->s->doubt)
		return;
	assert_int_equal(running, r->m.world);
	if (r->classic) {
		assert_int_equal(r->s->armed, r->q.armed);
		assert_int_equal(r->q.world, r->m.world);
	} else {
		assert_int_equal(r->s->armed, r->m.armed);
	}
	if (r->m.armed)
		assert_int_equal(r->m.next, r->s->next);
}

static u64 bound(const struct walk *w, u16 function)
{
	const struct rig *r = w->r;
	u64 latency = 6 * (r->irq_latency + r->write_latency) +
		      2 * VGPU_EVENT_RETRY_NS;
	u64 limit = vgpu_sched_latency_bound(r->s, function);

	/* Slices with older settings, and the time until a loss is noticed. */
	if (w->faults)
		limit = 3 * limit + 50 * MILLISECOND;
	return limit + (r->m.functions + 2) * latency;
}

static bool wants_engine(const struct rig *r, u16 f)
{
	const struct model_function *fn = &r->m.fn[f];

	return fn->open && !fn->flr && fn->work && fn->world != VGPU_WORLD_HUNG &&
	       fn->world != VGPU_WORLD_NONE && !vgpu_sched_parked(r->s, f) &&
	       !(r->m.world == f && r->m.state == VGPU_ENGINE_RUNNING);
}

/* Nobody who could run waits beyond the bound: no wake-up is ever lost. */
static void check_waiting(struct walk *w)
{
	struct rig *r = w->r;
	u16 f;

	for (f = 0; f < r->m.functions; f++) {
		u64 since;

		if (!wants_engine(r, f))
			w->waiting[f] = 0;
		else if (!w->waiting[f])
			w->waiting[f] = r->m.now;
		since = max(w->waiting[f], w->calm);
		if (w->waiting[f])
			assert_true(r->m.now - since <= bound(w, f));

		if (!r->owed[f])
			w->owed_since[f] = 0;
		else if (!w->owed_since[f])
			w->owed_since[f] = r->m.now;
		since = max(w->owed_since[f], w->calm);
		if (w->owed_since[f])
			assert_true(r->m.now - since <= bound(w, f));
	}
}

/* Did anything happen that may delay others? */
static void note_faults(struct walk *w)
{
	struct rig *r = w->r;

	if (memcmp(w->lost_world, r->lost_world, sizeof(w->lost_world)) ||
	    w->overdues != r->overdues || w->rearmed != r->s->engine.rearmed ||
	    r->worker_at != MODEL_NEVER)
		w->calm = r->m.now;
	memcpy(w->lost_world, r->lost_world, sizeof(w->lost_world));
	w->overdues = r->overdues;
	w->rearmed = r->s->engine.rearmed;
}

static void check_all(struct walk *w)
{
	note_faults(w);
	check_core(w->r->s);
	check_sums(w->r->s);
	check_view(w);
	check_waiting(w);
	assert_int_equal(w->r->m.refused_load, 0);
}

/* ------------------------------------------------------------------------ */
/* Strictness                                                                */

static bool is_ready(const struct vgpu_sched *s, u16 f)
{
	return s->function[f].runnable && !s->function[f].parked;
}

/* The core has just got to know something: who is ready now? */
static void note_ready(struct walk *w)
{
	u16 f;

	for (f = 0; f < w->r->m.functions; f++) {
		if (!is_ready(w->r->s, f))
			w->ready[f] = 0;
		else if (!w->ready[f])
			w->ready[f] = w->order;
	}
}

/*
 * A slice begins. Everybody who was ready since before this function's previous
 * slice, as this function itself was, must have had exactly one in between.
 */
static void note_slice(struct walk *w, u16 f)
{
	struct rig *r = w->r;
	u16 g;

	for (g = 0; g < r->m.functions; g++) {
		if (g == f)
			continue;
		if (!w->faults && w->started[f] &&
		    w->ready[f] && w->ready[f] < w->started[f] &&
		    w->ready[g] && w->ready[g] < w->started[f])
			assert_int_equal(w->others[f][g], 1);
		w->others[f][g] = 0;
		w->others[g][f]++;
	}
	w->started[f] = w->order;
}

static void on_fed(struct rig *r)
{
	struct walk *w = r->argument;

	w->order++;
	note_ready(w);
}

static unsigned int on_record(struct rig *r, struct vgpu_sched_switch *sw)
{
	struct walk *w = r->argument;
	u64 *times[] = { &sw->deadline, &sw->request, &sw->quiesced, &sw->saved,
			 &sw->loaded, &sw->running };
	u64 nonsense[] = { 0, 1, U64_MAX, r->m.now + 50 * MILLISECOND, r->m.now / 2 };

	on_fed(r);
	if (sw->to != VGPU_FUNCTION_NONE && sw->reason != VGPU_LEAVE_RENEWED)
		note_slice(w, sw->to);
	if (w->faults & FAULT_TIMES && !rig_random(r, 50))
		*times[rig_random(r, 6)] = nonsense[rig_random(r, 5)];
	return w->faults & FAULT_TWICE && !rig_random(r, 20) ? 2 : 1;
}

/* ------------------------------------------------------------------------ */
/* What happens                                                              */

static bool one_in(struct walk *w, u64 n)
{
	return !rig_random(w->r, n);
}

static void fault(struct walk *w)
{
	w->calm = w->r->m.now;
}

static void some_work(struct walk *w, u16 f)
{
	static const u64 amount[] = {
		1, 20 * MICROSECOND, 300 * MICROSECOND, 4 * MILLISECOND,
		50 * MILLISECOND,
	};

	model_work(&w->r->m, f, 1 + rig_random(w->r, amount[rig_random(w->r, w->load)]));
}

static void toggle_park(struct walk *w, u16 f)
{
	struct rig *r = w->r;
	u32 reason = one_in(w, 2) ? VGPU_SCHED_PARK_PAUSED : VGPU_SCHED_PARK_EXCLUSIVE;

	if (vgpu_sched_parked(r->s, f) & reason)
		rig_unpark(r, f, reason);
	else
		rig_park(r, f, reason);
}

static void recover_all(struct walk *w)
{
	struct rig *r = w->r;
	u16 f;

	for (f = 0; f < r->m.functions; f++) {
		if (r->lost_world[f] && rig_recover(r, f))
			fault(w);
	}
}

static void something_bad(struct walk *w, u16 f)
{
	struct rig *r = w->r;

	switch (w->faults & 1u << rig_random(r, 7)) {
	case FAULT_HANG:
		r->m.fn[f].stuck = r->m.fn[f].work;
		break;
	case FAULT_FLR:
		if (!r->m.fn[f].flr)
			model_flr(&r->m, f);
		break;
	case FAULT_LOSE:
	case FAULT_VANISH:
		r->m.lose = 1;
		r->m.lose_silently = w->faults & FAULT_VANISH;
		break;
	case FAULT_STUCK:
		r->m.stuck_phase = true;
		break;
	case FAULT_RESET:
		if (rig_park(r, f, VGPU_SCHED_PARK_DISABLED) == 0)
			rig_command(r, VGPU_CMD_RESET, f);
		r->lost_world[f] = true;
		break;
	case FAULT_CLOSE:
		rig_park(r, f, VGPU_SCHED_PARK_DISABLED);
		model_open(&r->m, f, false);
		r->lost_world[f] = true;
		break;
	default:
		return;
	}
	fault(w);
}

static void set_something(struct walk *w, u16 f)
{
	rig_set_quantum(w->r, f, (1 + rig_random(w->r, 80)) * 100 * MICROSECOND,
			(1 + rig_random(w->r, 20)) * 100 * MICROSECOND + 200 * MICROSECOND);
}

static void stimulate(struct walk *w)
{
	struct rig *r = w->r;
	u16 f = rig_random(r, r->m.functions);

	switch (rig_random(r, 16)) {
	case 0 ... 10:
		some_work(w, f);
		break;
	case 11:
		if (w->faults & FAULT_PARK)
			toggle_park(w, f);
		break;
	case 12:
		if (w->faults && one_in(w, 8))
			set_something(w, f);
		break;
	case 13:
		/* A timer that nobody has asked for, and one that is early. */
		vgpu_sched_timer(r->s, rig_clock(r));
		if (w->classic)
			vgpu_sequencer_timer(&r->q, rig_clock(r));
		break;
	case 14:
		if (one_in(w, 16) && !w->faults)
			vgpu_sched_set_policy(r->s, vgpu_sched_policy(r->s), NULL,
					      rig_clock(r));
		break;
	default:
		if (w->faults && one_in(w, 8))
			something_bad(w, f);
		break;
	}
	w->order++;
	note_ready(w);
}

/* One run: a device with one set of properties. */
static void run(struct walk *w, u64 seed, unsigned int steps)
{
	static const u64 latency[] = { 0, 200, 5 * MICROSECOND, 60 * MICROSECOND };
	struct rig *r = rig_new(w->classic, 1, seed);
	u64 quiet, next;
	u16 f, n;

	n = 2 + rig_random(r, MODEL_FUNCTIONS / 2 - 1);
	seed = r->seed;
	rig_free(r);
	r = rig_new(w->classic, n, seed);
	*w = (struct walk){ .r = r, .classic = w->classic, .faults = w->faults };
	r->record = on_record;
	r->fed = on_fed;
	r->argument = w;
	rig_now = r;
	r->irq_latency = latency[rig_random(r, 4)];
	r->write_latency = latency[rig_random(r, 3)];
	r->clock_error = (long long)rig_random(r, 2000) - 1000;
	r->m.quirks = rig_random(r, MODEL_QUIRKS + 1);
	if (!w->faults)
		r->m.quirks &= ~MODEL_DROPS_EARLY_NOW;
	if (one_in(w, 4)) {
		r->m.save_ns = 0;
		r->m.load_ns = 0;
	}
	w->load = 2 + rig_random(r, 4);
	quiet = one_in(w, 2) ? 200 * MICROSECOND : 3 * MILLISECOND;
	for (f = 0; f < n; f++) {
		r->m.fn[f].group = (1 + rig_random(r, 10)) * 20 * MICROSECOND;
		set_something(w, f);
		rig_start(r, f);
	}
	next = r->m.now;
	while (steps--) {
		rig_step(r, next);
		w->order++;
		note_ready(w);
		if (r->m.now >= next) {
			stimulate(w);
			next = r->m.now + 1 + rig_random(r, quiet);
		}
		if (w->faults && one_in(w, 64))
			recover_all(w);
		check_all(w);
	}
	rig_free(r);
	rig_now = NULL;
}

static void walk(bool classic, u32 faults)
{
	const char *given = getenv("VGPU_SEED");
	const char *length = getenv("VGPU_STEPS");
	u64 steps = length ? strtoull(length, NULL, 0) : STEPS;
	u64 seed = given ? strtoull(given, NULL, 0) : 1;
	struct walk w = { .classic = classic, .faults = faults };

	while (steps) {
		unsigned int now = min(steps, RUN_STEPS);

		seed_now = seed;
		run(&w, seed * 0x9e3779b97f4a7c15ull, now);
		if (given)
			break;
		seed++;
		steps -= now;
	}
}

/* ------------------------------------------------------------------------ */

static int forget(void **state)
{
	(void)state;
	seed_now = 0;
	rig_now = NULL;
	return 0;
}

/* A walk that did not come to its end has failed: say how to repeat it. */
static int tell(void **state)
{
	(void)state;
	if (!rig_now)
		return 0;
	printf("# failed with VGPU_SEED=%llu; what happened last (ns, what):\n",
	       (unsigned long long)seed_now);
	rig_print_log(rig_now);
	rig_free(rig_now);
	return 0;
}

#define FAULT_WORLDS	(FAULT_HANG | FAULT_FLR | FAULT_RESET | FAULT_CLOSE | FAULT_PARK)
#define FAULT_RECORDS	(FAULT_LOSE | FAULT_VANISH | FAULT_STUCK)
#define FAULT_ALL	(FAULT_WORLDS | FAULT_RECORDS | FAULT_TIMES | FAULT_TWICE)

#define WALK(name, classic, faults)						\
	static void name(void **state)						\
	{									\
		(void)state;							\
		walk(classic, faults);						\
	}

WALK(hardware_without_faults, false, 0)
WALK(hardware_with_parking, false, FAULT_PARK)
WALK(hardware_with_lost_worlds, false, FAULT_WORLDS)
WALK(hardware_with_lost_records, false, FAULT_RECORDS)
WALK(hardware_with_bad_records, false, FAULT_TIMES | FAULT_TWICE)
WALK(hardware_with_everything, false, FAULT_ALL)
WALK(classic_without_faults, true, 0)
WALK(classic_with_parking, true, FAULT_PARK)
WALK(classic_with_lost_worlds, true, FAULT_WORLDS)
WALK(classic_with_lost_records, true, FAULT_RECORDS)
WALK(classic_with_bad_records, true, FAULT_TIMES | FAULT_TWICE)
WALK(classic_with_everything, true, FAULT_ALL)

#define TEST(name)	cmocka_unit_test_setup_teardown(name, forget, tell)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hardware_without_faults),
		TEST(hardware_with_parking),
		TEST(hardware_with_lost_worlds),
		TEST(hardware_with_lost_records),
		TEST(hardware_with_bad_records),
		TEST(hardware_with_everything),
		TEST(classic_without_faults),
		TEST(classic_with_parking),
		TEST(classic_with_lost_worlds),
		TEST(classic_with_lost_records),
		TEST(classic_with_bad_records),
		TEST(classic_with_everything),
	};

	return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}

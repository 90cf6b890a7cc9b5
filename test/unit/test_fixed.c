// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the policy fixed promises, on the model device: slots that begin when the
 * frame says, to the nanosecond, whatever the others do.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "rig.h"

#define FUNCTIONS	5
#define VICTIM		2
#define MICROSECOND	1000ull
#define MILLISECOND	1000000ull
#define QUANTUM		(2 * MILLISECOND)
#define TIMEOUT		(5 * MILLISECOND)
#define LOG		1000

static bool hardware = false, classic = true;

/**
 * struct watch - what the test knows of the frame, and sees of it
 * @start: begin of some frame
 * @slot: length of the slot of each function
 * @frame: of all of them
 * @slack: how late a slot may begin
 * @begun: when the present slice of each function began
 * @victim: begins and ends of the slices of VICTIM
 * @victims: how many there are
 * @slices: of all functions
 */
struct watch {
	u64 start;
	u64 slot[FUNCTIONS];
	u64 frame;
	u64 slack;
	u64 begun[FUNCTIONS];
	u64 victim[LOG];
	unsigned int victims;
	unsigned int slices;
};

static void lay_out(struct rig *r, struct watch *w, u64 start)
{
	u64 leave = max(r->m.save_ns, r->m.reset_ns);
	u16 f;

	w->start = start;
	w->frame = 0;
	for (f = 0; f < FUNCTIONS; f++) {
		struct vgpu_sched_params p;

		vgpu_sched_get_params(r->s, f, &p);
		w->slot[f] = r->m.load_ns + p.quantum_ns + p.preempt_timeout_ns + leave +
			     (r->classic ? 4 * 40 * MICROSECOND : 0);
		if (vgpu_sched_parked(r->s, f) & VGPU_SCHED_PARK_ABSENT)
			w->slot[f] = 0;
		w->frame += w->slot[f];
	}
}

/* Begin of the slot of @f in the frame that @t is in. */
static u64 slot_of(const struct watch *w, u16 f, u64 t)
{
	u64 begin = w->start + (t - w->start) / w->frame * w->frame;
	u16 i;

	for (i = 0; i < f; i++)
		begin += w->slot[i];
	return begin;
}

/* Nobody has the engine for anything outside of its own slot. */
static unsigned int watch_switch(struct rig *r, struct vgpu_sched_switch *sw)
{
	struct watch *w = r->argument;
	u64 loading = sw->loaded - r->m.load_ns;

	assert_int_not_equal(sw->reason, VGPU_LEAVE_RENEWED);
	if (sw->from != VGPU_FUNCTION_NONE) {
		u64 slot = slot_of(w, sw->from, sw->saved - 1);

		assert_int_equal(sw->to, VGPU_FUNCTION_NONE);
		assert_in_range(sw->saved, slot + 1, slot + w->slot[sw->from]);
		if (sw->from == VICTIM && w->victims < LOG)
			w->victim[w->victims++] = sw->quiesced;
	}
	if (sw->to != VGPU_FUNCTION_NONE) {
		u64 slot = slot_of(w, sw->to, loading);

		assert_in_range(loading, slot, slot + w->slot[sw->to]);
		w->begun[sw->to] = loading;
		w->slices++;
		if (sw->to == VICTIM && w->victims < LOG)
			w->victim[w->victims++] = sw->running;
	}
	return 1;
}

static void set_policy(struct rig *r, const char *name)
{
	struct vgpu_sched_why why;

	assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy(name), &why,
					       rig_clock(r)), 0);
}

static struct rig *start(bool is_classic)
{
	struct watch *w = calloc(1, sizeof(*w));
	struct rig *r = rig_make(&(struct rig_setup){
		.classic = is_classic, .functions = FUNCTIONS, .seed = 1, .start = 1,
		.save_ns = 130 * MICROSECOND, .load_ns = 170 * MICROSECOND,
		.policy = "rr" });
	u16 f;

	assert_non_null(w);
	for (f = 0; f < FUNCTIONS; f++) {
		rig_set_quantum(r, f, QUANTUM + f * 300 * MICROSECOND, TIMEOUT);
		rig_start(r, f);
	}
	rig_run(r, MILLISECOND);
	set_policy(r, "fixed");
	lay_out(r, w, r->m.now);
	r->record = watch_switch;
	r->argument = w;
	return r;
}

static void stop(struct rig *r)
{
	free(r->argument);
	rig_free(r);
}

static int setup(void **state)
{
	*state = start(*(bool *)*state);
	return 0;
}

static int teardown(void **state)
{
	stop(*state);
	return 0;
}

static struct watch *watch_of(struct rig *r)
{
	return r->argument;
}

static void flood(struct rig *r, u16 f)
{
	model_work(&r->m, f, 1000000 * MILLISECOND);
}

/* ------------------------------------------------------------------------ */
/* The frame                                                                 */

static void slots_follow_each_other_without_drift(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u64 frames;
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		flood(r, f);
	for (frames = 1; frames < 30; frames++) {
		rig_run(r, w->start + frames * w->frame - 1);
		for (f = 0; f < FUNCTIONS; f++) {
			u64 quantum = QUANTUM + f * 300 * MICROSECOND;

			assert_int_equal(w->begun[f], slot_of(w, f, r->m.now));
			assert_int_equal(vgpu_sched_stats(r->s, f)->slices, frames);
			assert_int_equal(vgpu_sched_stats(r->s, f)->runtime_ns,
					 frames * quantum);
		}
	}
	assert_int_equal(vgpu_sched_total(r->s)->deadline_misses, 0);
}

static void unused_slots_stay_empty(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);

	flood(r, VICTIM);
	rig_run(r, w->start + 10 * w->frame - 1);
	assert_int_equal(w->slices, 10);
	assert_int_equal(vgpu_sched_runtime(r->s, VICTIM, r->m.now),
			 10 * (QUANTUM + VICTIM * 300 * MICROSECOND));
	assert_int_equal(r->m.world, VGPU_FUNCTION_NONE);
	/* Nobody waits for a timer that is for others. */
	assert_true(vgpu_sched_engine(r->s)->timers <= 40);
}

static void nobody_waits_without_work(void **state)
{
	struct rig *r = *state;
	u64 timers;

	model_work(&r->m, 3, MILLISECOND);
	rig_run(r, r->m.now + 2 * watch_of(r)->frame);
	assert_int_equal(watch_of(r)->slices, 1);
	timers = vgpu_sched_engine(r->s)->timers;
	rig_run(r, r->m.now + 1000 * MILLISECOND);
	assert_int_equal(vgpu_sched_engine(r->s)->timers, timers);
	/* The frame has gone on meanwhile. */
	flood(r, 4);
	rig_run(r, r->m.now + 2 * watch_of(r)->frame);
	assert_true(watch_of(r)->slices >= 3);
	assert_int_equal(watch_of(r)->begun[4],
			 slot_of(watch_of(r), 4, watch_of(r)->begun[4]));
}

/* ------------------------------------------------------------------------ */
/* Isolation                                                                 */

static void do_nothing(struct rig *r, u16 f)
{
}

static void do_flood(struct rig *r, u16 f)
{
	if (!r->m.fn[f].work)
		flood(r, f);
}

/* Groups that end with the preempt timeout. */
static void do_overrun(struct rig *r, u16 f)
{
	r->m.fn[f].group = vgpu_sched_quantum(r->s, f) + TIMEOUT;
	do_flood(r, f);
}

static void do_hang(struct rig *r, u16 f)
{
	if (rig_recover(r, f))
		do_flood(r, f);
	r->m.fn[f].stuck = r->m.fn[f].work;
}

static void do_toggle(struct rig *r, u16 f)
{
	if (rig_random(r, 2))
		model_work(&r->m, f, rig_random(r, 300 * MICROSECOND));
}

static void do_flr(struct rig *r, u16 f)
{
	if (rig_recover(r, f))
		do_flood(r, f);
	if (!rig_random(r, 5) && !r->m.fn[f].flr)
		model_flr(&r->m, f);
}

/* What a guest brings the PF driver to do. */
static void do_disable(struct rig *r, u16 f)
{
	do_flood(r, f);
	if (vgpu_sched_parked(r->s, f))
		rig_unpark(r, f, VGPU_SCHED_PARK_DISABLED);
	else if (!rig_random(r, 4))
		rig_park(r, f, VGPU_SCHED_PARK_DISABLED);
}

static void (*const deeds[])(struct rig *r, u16 f) = {
	do_nothing, do_flood, do_overrun, do_hang, do_toggle, do_flr, do_disable,
};

static void do_anything(struct rig *r, u16 f)
{
	if (rig_recover(r, f))
		deeds[rig_random(r, ARRAY_SIZE(deeds))](r, f);
}

/* The victim is a guest whose work comes when it comes. */
static void run_victim(struct rig *r, bool sparse, u64 now)
{
	if (!sparse)
		do_flood(r, VICTIM);
	else if (now / (137 * MICROSECOND) % 71 == 0)
		model_work(&r->m, VICTIM, 1100 * MICROSECOND);
}

/* Beginnings and ends of the victim's slices while the others do @deed. */
static struct rig *see(bool sparse, void (*deed)(struct rig *r, u16 f))
{
	struct rig *r = start(hardware);
	u64 now;
	u16 f;

	for (now = 2 * MILLISECOND; now < 3000 * MILLISECOND; now += 137 * MICROSECOND) {
		rig_run(r, now);
		run_victim(r, sparse, now);
		for (f = 0; f < FUNCTIONS; f++)
			if (f != VICTIM)
				deed(r, f);
	}
	assert_true(watch_of(r)->victims > 50);
	return r;
}

static void compare(struct rig *alone, bool sparse, void (*deed)(struct rig *r, u16 f))
{
	struct rig *r = see(sparse, deed);
	struct watch *a = watch_of(alone), *b = watch_of(r);

	assert_int_equal(a->victims, b->victims);
	assert_memory_equal(a->victim, b->victim, sizeof(a->victim));
	assert_true(deed == do_nothing || b->slices > a->slices + 50);
	stop(r);
}

static void nobody_moves_the_slices_of_another(void **state)
{
	unsigned int sparse, i;

	for (sparse = 0; sparse < 2; sparse++) {
		struct rig *alone = see(sparse, do_nothing);

		for (i = 0; i < ARRAY_SIZE(deeds); i++)
			compare(alone, sparse, deeds[i]);
		compare(alone, sparse, do_anything);
		stop(alone);
	}
}

/* With latencies of all kinds a slot may begin late; nobody is in another's. */
static void on_a_real_machine_slices_keep_to_their_slots(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u64 now;
	u16 f;

	r->irq_latency = 40 * MICROSECOND;
	r->m.fn[3].group = 7 * MILLISECOND;
	for (now = 2 * MILLISECOND; now < 3000 * MILLISECOND; now += 137 * MICROSECOND) {
		rig_run(r, now);
		for (f = 0; f < FUNCTIONS; f++)
			do_flood(r, f);
	}
	assert_true(w->slices > FUNCTIONS * (3000 * MILLISECOND / w->frame - 1));
	assert_int_equal(vgpu_sched_total(r->s)->hangs, 0);
	assert_true(vgpu_sched_stats(r->s, 3)->overrun_ns > 100 * MILLISECOND);
	for (f = 0; f < FUNCTIONS; f++)
		assert_in_range(w->begun[f] - slot_of(w, f, w->begun[f]), 0,
				80 * MICROSECOND);
}

/* ------------------------------------------------------------------------ */
/* In the middle of a slot                                                   */

static u64 time_of(const struct watch *w, u16 f, u64 frame, u64 after)
{
	return slot_of(w, f, w->start + frame * w->frame) + after;
}

static void who_wakes_in_its_slot_has_the_rest_of_it(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u64 quantum = QUANTUM + VICTIM * 300 * MICROSECOND;
	u64 woken = time_of(w, VICTIM, 2, MILLISECOND);

	rig_run(r, woken);
	flood(r, VICTIM);
	rig_run(r, time_of(w, VICTIM, 2, w->slot[VICTIM]));
	assert_int_equal(w->begun[VICTIM], woken);
	assert_int_equal(vgpu_sched_stats(r->s, VICTIM)->runtime_ns,
			 quantum - MILLISECOND);
}

static void it_can_do_so_again_and_again(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		rig_run(r, time_of(w, VICTIM, 1, i * 500 * MICROSECOND));
		model_work(&r->m, VICTIM, 20 * MICROSECOND);
	}
	rig_run(r, time_of(w, VICTIM, 1, w->slot[VICTIM]));
	assert_int_equal(vgpu_sched_stats(r->s, VICTIM)->switches[VGPU_LEAVE_IDLE], 4);
	assert_int_equal(w->slices, 4);
}

/* The last moment at which it is worth it, and the next one. */
static void who_wakes_too_late_waits_for_the_next_frame(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u64 quantum = QUANTUM + VICTIM * 300 * MICROSECOND;
	u64 last = time_of(w, VICTIM, 1, quantum - VGPU_SCHED_QUANTUM_MIN);
	u64 bound = vgpu_sched_latency_bound(r->s, VICTIM);

	rig_run(r, last);
	model_work(&r->m, VICTIM, MILLISECOND);
	rig_run(r, last + 1);
	assert_int_equal(r->m.world, VICTIM);
	rig_run(r, time_of(w, VICTIM, 1, w->slot[VICTIM]));
	assert_int_equal(vgpu_sched_stats(r->s, VICTIM)->runtime_ns,
			 VGPU_SCHED_QUANTUM_MIN);

	rig_run(r, time_of(w, VICTIM, 4, 0) - 1);
	assert_int_equal(vgpu_sched_state(r->s, VICTIM), VGPU_SCHED_IDLE);
	last += 3 * w->frame;
	rig_run(r, last + 1);
	model_work(&r->m, VICTIM, MILLISECOND);
	rig_run(r, time_of(w, VICTIM, 5, MILLISECOND));
	assert_int_equal(w->begun[VICTIM], time_of(w, VICTIM, 5, 0));
	/* That is the bound, but for a save that it did not have to wait for. */
	assert_int_equal(vgpu_sched_stats(r->s, VICTIM)->wake.max,
			 bound - max(r->m.save_ns, r->m.reset_ns) - 1);
}

static void waking_at_any_time_is_within_the_bound(void **state)
{
	struct rig *r = *state;
	u16 f;

	while (r->m.now < 20000 * MILLISECOND) {
		rig_run(r, r->m.now + rig_random(r, 3 * MILLISECOND));
		f = rig_random(r, FUNCTIONS);
		if (!r->m.fn[f].work)
			model_work(&r->m, f, 1 + rig_random(r, MILLISECOND));
	}
	for (f = 0; f < FUNCTIONS; f++) {
		const struct vgpu_sched_stats *stats = vgpu_sched_stats(r->s, f);

		assert_true(stats->wake.count > 200);
		assert_true(stats->wake.max <= vgpu_sched_latency_bound(r->s, f));
	}
}

static void a_late_timer_costs_the_slice_and_nobody_else(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u64 quantum = QUANTUM + VICTIM * 300 * MICROSECOND;
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		flood(r, f);
	rig_run(r, time_of(w, VICTIM - 1, 3, MILLISECOND));
	r->stall_until = time_of(w, VICTIM, 3, 700 * MICROSECOND);
	rig_run(r, time_of(w, VICTIM, 3, 700 * MICROSECOND) - 1);
	assert_int_equal(r->m.world, VGPU_FUNCTION_NONE);
	rig_run(r, time_of(w, VICTIM + 1, 3, MILLISECOND));
	assert_int_equal(w->begun[VICTIM], time_of(w, VICTIM, 3, 700 * MICROSECOND));
	assert_int_equal(w->victim[w->victims - 1],
			 time_of(w, VICTIM, 3, r->m.load_ns + quantum));
	assert_int_equal(w->begun[VICTIM + 1], time_of(w, VICTIM + 1, 3, 0));
}

/* ------------------------------------------------------------------------ */
/* Settings                                                                  */

static int try(struct rig *r, struct vgpu_sched_params change,
	       struct vgpu_sched_why *why)
{
	struct vgpu_sched_params p = {
		.quantum_ns = QUANTUM, .preempt_timeout_ns = TIMEOUT,
		.weight = VGPU_SCHED_WEIGHT_DEFAULT,
		.priority = VGPU_SCHED_PRIORITY_NORMAL,
	};

	if (change.quantum_ns)
		p.quantum_ns = change.quantum_ns == 1 ? 0 : change.quantum_ns;
	p.preempt_timeout_ns = change.preempt_timeout_ns == 1 ? 0 : p.preempt_timeout_ns;
	p.weight += change.weight;
	p.priority += change.priority;
	p.budget_ns = change.budget_ns;
	p.period_ns = change.period_ns;
	return rig_set_params(r, 1, &p, why);
}

static void what_cannot_be_isolated_is_refused(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_params before, after;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(r->s, 1, &before);
	assert_int_equal(try(r, (struct vgpu_sched_params){ .quantum_ns = 1 }, &why),
			 -EINVAL);
	assert_string_equal(why.what, "quantum_ns");
	assert_string_equal(why.rule, "must have an end under policy fixed");
	assert_int_equal(why.low, 2 * VGPU_SCHED_QUANTUM_MIN);
	assert_int_equal(why.high, VGPU_SCHED_QUANTUM_MAX);
	assert_int_equal(try(r, (struct vgpu_sched_params){ .quantum_ns = 199999 }, &why),
			 -EINVAL);
	assert_string_equal(why.what, "quantum_ns");
	assert_string_equal(why.rule, "must allow for a late timer under policy fixed");
	assert_int_equal(why.low, 2 * VGPU_SCHED_QUANTUM_MIN);
	assert_int_equal(try(r, (struct vgpu_sched_params){ .quantum_ns = 200000 }, &why),
			 0);
	assert_int_equal(rig_set_params(r, 1, &before, &why), 0);
	assert_int_equal(try(r, (struct vgpu_sched_params){ .preempt_timeout_ns = 1 },
			     &why), -EINVAL);
	assert_string_equal(why.what, "preempt_timeout_ns");
	assert_int_equal(why.low, VGPU_SCHED_TIMEOUT_MIN);
	assert_int_equal(why.high, VGPU_SCHED_TIMEOUT_MAX);
	assert_int_equal(try(r, (struct vgpu_sched_params){ .weight = 1 }, &why),
			 -EOPNOTSUPP);
	assert_string_equal(why.what, "weight");
	assert_string_equal(why.rule, "is not supported by policy fixed");
	assert_int_equal(why.low, VGPU_SCHED_WEIGHT_DEFAULT);
	assert_int_equal(why.high, VGPU_SCHED_WEIGHT_DEFAULT);
	assert_int_equal(try(r, (struct vgpu_sched_params){ .priority = 1 }, &why),
			 -EOPNOTSUPP);
	assert_string_equal(why.what, "priority");
	assert_int_equal(try(r, (struct vgpu_sched_params){ .budget_ns = MILLISECOND,
			     .period_ns = 10 * MILLISECOND }, &why), -EOPNOTSUPP);
	assert_string_equal(why.what, "budget_ns");
	vgpu_sched_get_params(r->s, 1, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(try(r, (struct vgpu_sched_params){ }, &why), 0);
}

static void the_policy_is_refused_if_somebody_does_not_fit(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;

	set_policy(r, "rr");
	rig_set_quantum(r, 3, QUANTUM, 0);
	assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy("fixed"),
					       &why, rig_clock(r)), -EINVAL);
	assert_int_equal(why.function, 3);
	assert_string_equal(why.what, "preempt_timeout_ns");
	assert_string_equal(vgpu_sched_policy_name(vgpu_sched_policy(r->s)), "rr");
}

static void a_quantum_of_its_own_choice_is_the_default(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);

	rig_set_quantum(r, VICTIM, VGPU_SCHED_QUANTUM_AUTO, TIMEOUT);
	flood(r, VICTIM);
	rig_run(r, w->start + w->frame - 1);
	lay_out(r, w, w->start + w->frame);
	w->slot[VICTIM] = r->m.load_ns + VGPU_SCHED_QUANTUM_DEFAULT + TIMEOUT +
			  r->m.reset_ns;
	w->frame = w->slot[0] + w->slot[1] + w->slot[2] + w->slot[3] + w->slot[4];
	rig_run(r, w->start + 2 * w->frame - 1);
	assert_int_equal(w->victims, 6);
	assert_int_equal(w->victim[3] - w->victim[2], VGPU_SCHED_QUANTUM_DEFAULT);
	assert_int_equal(w->victim[4] - w->victim[2], w->frame);
}

static void new_settings_change_the_next_frame(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u64 change, bound;
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		flood(r, f);
	rig_run(r, time_of(w, 1, 2, MILLISECOND));
	change = w->start + 3 * w->frame;
	bound = vgpu_sched_latency_bound(r->s, 1);
	rig_set_quantum(r, 3, 7 * MILLISECOND, TIMEOUT);
	/* Whoever waits now may have to do so in both frames. */
	assert_int_equal(vgpu_sched_latency_bound(r->s, 1),
			 bound + w->frame + 7 * MILLISECOND - QUANTUM -
			 3 * 300 * MICROSECOND);
	bound = vgpu_sched_latency_bound(r->s, 1) - w->frame;
	rig_run(r, change - 1);
	/* It does not have more than fits into the slot that it has. */
	assert_int_equal(w->begun[4], time_of(w, 4, 2, 0));
	lay_out(r, w, change);
	rig_run(r, change + 3 * w->frame - 1);
	for (f = 0; f < FUNCTIONS; f++)
		assert_int_equal(w->begun[f], time_of(w, f, 2, 0));
	assert_int_equal(vgpu_sched_latency_bound(r->s, 1), bound);
}

/* Two changes, and nobody had work in between: no timer, no event. */
static void a_change_comes_when_it_must_though_nobody_looks(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u64 change = w->start + w->frame;

	rig_set_quantum(r, 3, 7 * MILLISECOND, TIMEOUT);
	rig_run(r, change + 10 * MILLISECOND);
	lay_out(r, w, change);
	rig_run(r, change + 5 * w->frame + 10 * MILLISECOND);
	rig_set_quantum(r, 3, MILLISECOND, TIMEOUT);
	change += 6 * w->frame;
	rig_run(r, change + 10 * MILLISECOND);
	lay_out(r, w, change);
	flood(r, VICTIM);
	rig_run(r, change + 3 * w->frame - 1);
	assert_int_equal(w->begun[VICTIM], time_of(w, VICTIM, 2, 0));
}

static void a_longer_timeout_makes_slices_shorter_first(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u64 quantum = QUANTUM + 3 * 300 * MICROSECOND;

	flood(r, 3);
	rig_run(r, time_of(w, 1, 2, 0));
	rig_set_quantum(r, 3, quantum, TIMEOUT + MILLISECOND);
	r->m.fn[3].stuck = true;
	rig_run(r, time_of(w, 4, 2, 0));
	/* Its hang ends with its slot all the same; watch_switch() has seen it. */
	assert_int_equal(vgpu_sched_stats(r->s, 3)->hangs, 1);
	assert_int_equal(r->m.world, VGPU_FUNCTION_NONE);
}

static void who_is_not_provisioned_has_no_slot(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u64 change, frame = w->frame;
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		flood(r, f);
	rig_run(r, time_of(w, 2, 1, 0));
	rig_park(r, 3, VGPU_SCHED_PARK_DISABLED);
	rig_park(r, 3, VGPU_SCHED_PARK_ABSENT);
	assert_int_equal(vgpu_sched_latency_bound(r->s, 3), U64_MAX);
	change = w->start + 2 * w->frame;
	rig_run(r, change - 1);
	lay_out(r, w, change);
	assert_int_equal(w->slot[3], 0);
	rig_run(r, change + 2 * w->frame - 1);
	assert_int_equal(w->begun[4], time_of(w, 4, 1, 0));
	/* And has one again. */
	rig_unpark(r, 3, VGPU_SCHED_PARK_ABSENT | VGPU_SCHED_PARK_DISABLED);
	change += 2 * w->frame;
	rig_run(r, change);
	lay_out(r, w, change);
	assert_int_equal(w->frame, frame);
	rig_run(r, change + w->frame - 1);
	assert_int_equal(w->begun[3], time_of(w, 3, 0, 0));
}

static void without_anybody_there_is_no_frame(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u16 f;

	flood(r, VICTIM);
	rig_run(r, time_of(w, VICTIM, 0, 0));
	for (f = 0; f < FUNCTIONS; f++)
		rig_park(r, f, VGPU_SCHED_PARK_ABSENT);
	rig_run(r, w->start + 3 * w->frame);
	assert_int_equal(r->m.world, VGPU_FUNCTION_NONE);
	rig_unpark(r, VICTIM, VGPU_SCHED_PARK_ABSENT);
	lay_out(r, w, r->m.now);
	assert_int_equal(w->frame, w->slot[VICTIM]);
	rig_run(r, w->start + 2 * w->frame - 1);
	assert_int_equal(w->begun[VICTIM], w->start + w->frame);
}

static void a_cap_leaves_its_slot_empty(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	struct vgpu_sched_params p;
	struct vgpu_sched_why why;
	u16 f;

	vgpu_sched_get_params(r->s, 3, &p);
	p.cap_period_ns = 200 * MILLISECOND;
	p.cap_quota_ns = 4 * MILLISECOND;
	assert_int_equal(rig_set_params(r, 3, &p, &why), 0);
	for (f = 0; f < FUNCTIONS; f++)
		flood(r, f);
	rig_run(r, w->start + 2000 * MILLISECOND);
	assert_true(vgpu_sched_stats(r->s, 3)->throttles >= 9);
	assert_in_range(vgpu_sched_stats(r->s, 3)->runtime_ns, 30 * MILLISECOND,
			44 * MILLISECOND);
	assert_int_equal(vgpu_sched_stats(r->s, 4)->slices,
			 2000 * MILLISECOND / w->frame);
}

/* ------------------------------------------------------------------------ */
/* When the world is not as it should be                                     */

static void a_world_from_another_policy_leaves_at_once(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);

	set_policy(r, "rr");
	r->record = NULL;
	flood(r, 3);
	rig_run(r, r->m.now + 500 * MILLISECOND);
	assert_int_equal(r->m.world, 3);
	assert_false(r->m.armed);
	set_policy(r, "fixed");
	lay_out(r, w, r->m.now);
	rig_run(r, r->m.now + MILLISECOND);
	assert_int_equal(r->m.world, VGPU_FUNCTION_NONE);
	r->record = watch_switch;
	rig_run(r, w->start + 3 * w->frame - 1);
	assert_int_equal(w->begun[3], time_of(w, 3, 2, 0));
	/* And back again. */
	set_policy(r, "rr");
	r->record = NULL;
	rig_run(r, r->m.now + MILLISECOND);
	assert_int_equal(r->m.world, 3);
}

/* The host's estimate of the clock is corrected downwards, across a boundary. */
static void a_clock_that_was_ahead_does_no_harm(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u16 f;

	flood(r, 0);
	rig_run(r, w->start + 2 * w->frame);
	r->clock_error = -10 * (long long)MICROSECOND;
	for (f = 1; f < FUNCTIONS; f++)
		flood(r, f);
	rig_run(r, w->start + 2 * w->frame + MILLISECOND);
	assert_int_equal(w->begun[0], w->start + 2 * w->frame);
	rig_run(r, w->start + 3 * w->frame);
	for (f = 1; f < FUNCTIONS; f++)
		assert_int_equal(w->begun[f], time_of(w, f, 2, 10 * MICROSECOND));
}

/* Not even in its own slot, if it would not leave by itself. */
static void a_world_without_a_deadline_leaves_at_once(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);

	set_policy(r, "rr");
	r->record = NULL;
	rig_set_quantum(r, 0, 0, TIMEOUT);
	flood(r, 0);
	rig_run(r, r->m.now + 50 * MILLISECOND);
	assert_int_equal(r->m.world, 0);
	rig_set_quantum(r, 0, QUANTUM, TIMEOUT);
	set_policy(r, "fixed");
	lay_out(r, w, r->m.now);
	rig_run(r, r->m.now + MILLISECOND);
	assert_int_equal(vgpu_sched_stats(r->s, 0)->switches[VGPU_LEAVE_PREEMPT], 1);
	/* And has the rest of its slot. */
	assert_int_equal(r->m.world, 0);
	assert_true(r->m.armed && r->m.next == VGPU_FUNCTION_NONE);
	rig_run(r, w->start + w->slot[0]);
	assert_int_equal(r->m.world, VGPU_FUNCTION_NONE);
}

/* Its own NEXT empties the engine. */
static void a_world_that_is_gone_is_not_chased(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	u64 writes;

	flood(r, VICTIM);
	rig_run(r, time_of(w, VICTIM, 1, MILLISECOND));
	assert_int_equal(r->m.world, VICTIM);
	writes = r->next_writes;
	model_flr(&r->m, VICTIM);
	rig_run(r, time_of(w, VICTIM, 1, 2 * MILLISECOND));
	assert_int_equal(r->next_writes, writes);
	assert_int_equal(vgpu_sched_running(r->s), VGPU_FUNCTION_NONE);
}

static void a_lost_record_costs_nobody_else_his_slot(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);
	unsigned int silent;
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		flood(r, f);
	for (silent = 0; silent < 2; silent++) {
		u64 frame = 2 + 3 * silent;

		rig_run(r, time_of(w, 1, frame, 0));
		r->m.lose_silently = silent;
		r->m.lose = 1;
		rig_run(r, time_of(w, VICTIM, frame, MILLISECOND));
		assert_int_equal(r->m.lost, silent + 1);
		assert_int_equal(w->begun[VICTIM], time_of(w, VICTIM, frame, 0));
		/* If somebody said that it was lost, nobody was reset for it. */
		assert_int_equal(r->lost_world[1], silent);
	}
}

static void frames_begin_anew_with_the_device(void **state)
{
	struct rig *r = *state;
	struct watch *w = watch_of(r);

	flood(r, VICTIM);
	rig_run(r, time_of(w, VICTIM, 2, w->slot[VICTIM]) + 12345);
	assert_int_equal(r->m.world, VGPU_FUNCTION_NONE);
	rig_set_quantum(r, 4, 7 * MILLISECOND, TIMEOUT);
	vgpu_sched_restart(r->s, rig_clock(r));
	lay_out(r, w, r->m.now);
	rig_run(r, w->start + 2 * w->frame - 1);
	assert_int_equal(w->begun[VICTIM], time_of(w, VICTIM, 1, 0));
}

/* Whatever happens, whoever does it. */
static void chaos_stays_in_its_slots(void **state)
{
	struct rig *r = *state;
	u64 i;
	u16 f;

	for (i = 0; i < 100000; i++) {
		rig_run(r, r->m.now + rig_random(r, 400 * MICROSECOND));
		f = rig_random(r, FUNCTIONS);
		do_anything(r, f);
		if (!rig_random(r, 50))
			rig_park(r, f, VGPU_SCHED_PARK_PAUSED);
		if (!rig_random(r, 10))
			rig_unpark(r, f, VGPU_SCHED_PARK_PAUSED);
	}
	assert_true(watch_of(r)->slices > 1000);
	assert_true(vgpu_sched_total(r->s)->hangs > 50);
	assert_int_equal(r->overdues, 0);
	assert_int_equal(vgpu_sched_engine(r->s)->unexpected, 0);
}

#define TEST(test, state) \
	cmocka_unit_test_prestate_setup_teardown(test, setup, teardown, &state)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(slots_follow_each_other_without_drift, hardware),
		TEST(unused_slots_stay_empty, hardware),
		TEST(nobody_waits_without_work, hardware),
		cmocka_unit_test(nobody_moves_the_slices_of_another),
		TEST(on_a_real_machine_slices_keep_to_their_slots, hardware),
		TEST(on_a_real_machine_slices_keep_to_their_slots, classic),
		TEST(who_wakes_in_its_slot_has_the_rest_of_it, hardware),
		TEST(it_can_do_so_again_and_again, hardware),
		TEST(who_wakes_too_late_waits_for_the_next_frame, hardware),
		TEST(waking_at_any_time_is_within_the_bound, hardware),
		TEST(a_late_timer_costs_the_slice_and_nobody_else, hardware),
		TEST(what_cannot_be_isolated_is_refused, hardware),
		TEST(the_policy_is_refused_if_somebody_does_not_fit, hardware),
		TEST(a_quantum_of_its_own_choice_is_the_default, hardware),
		TEST(new_settings_change_the_next_frame, hardware),
		TEST(a_change_comes_when_it_must_though_nobody_looks, hardware),
		TEST(a_longer_timeout_makes_slices_shorter_first, hardware),
		TEST(who_is_not_provisioned_has_no_slot, hardware),
		TEST(without_anybody_there_is_no_frame, hardware),
		TEST(a_cap_leaves_its_slot_empty, hardware),
		TEST(a_world_from_another_policy_leaves_at_once, hardware),
		TEST(a_world_from_another_policy_leaves_at_once, classic),
		TEST(a_clock_that_was_ahead_does_no_harm, hardware),
		TEST(a_world_without_a_deadline_leaves_at_once, hardware),
		TEST(a_world_that_is_gone_is_not_chased, hardware),
		TEST(a_lost_record_costs_nobody_else_his_slot, hardware),
		TEST(frames_begin_anew_with_the_device, hardware),
		TEST(chaos_stays_in_its_slots, hardware),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fixed", tests, NULL, NULL);
}

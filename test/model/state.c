// SPDX-License-Identifier: GPL-2.0-only
/*
 * When are two states the same? When whatever happens next, the same comes of
 * it. What can make no difference any more is therefore written over:
 *
 * - times are shifted so that it is always the same moment;
 * - a time that is older than all that can still be compared with it is as old
 *   as any other such time;
 * - writes are numbered from the last one that is dead;
 * - statistics count nothing;
 * - what is left in a field that is not in use is forgotten.
 *
 * The exploration goes on from the state written over, so each of its paths is
 * one of the real objects. That nothing is written over which matters, and that no
 * time is left which grows, is tested by long walks in test_worlds.c.
 */
#include "system.h"

/* Far from zero, and from where the clock begins. */
#define MOMENT		(5000 * TICK)

/* More than from anything to its latest consequence. */
#define AGE		(40 * TICK)

static u64 oldest;
static u64 shift;

/* A time that is compared with others that are still to come. */
static void move(u64 *t)
{
	if (!*t)
		return;
	*t -= shift;
	if (*t < MOMENT - AGE)
		*t = MOMENT - AGE;
}

/* When it was saved and loaded goes into sums only, if it is in order. */
static void move_switch(struct vgpu_sched_switch *sw)
{
	if (sw->request) {
		if (sw->deadline && sw->deadline < sw->request)
			sw->deadline = sw->request;
		sw->quiesced = sw->quiesced ? sw->request : 0;
		sw->saved = sw->saved ? sw->request : 0;
		sw->loaded = sw->loaded ? sw->request : 0;
	}
	move(&sw->deadline);
	move(&sw->request);
	move(&sw->quiesced);
	move(&sw->saved);
	move(&sw->loaded);
	move(&sw->running);
}

static void look_at(u64 t)
{
	if (t && t < oldest)
		oldest = t;
}

static void look_at_switch(const struct vgpu_sched_switch *sw)
{
	look_at(sw->request);
	look_at(sw->quiesced);
	look_at(sw->saved);
	look_at(sw->loaded);
	look_at(sw->running);
}

/* The oldest time that the driver can still hear of. */
static void find_oldest(const struct system *sys)
{
	const struct device *d = &sys->d;
	unsigned int i;

	oldest = MOMENT;
	look_at_switch(&d->sw);
	look_at_switch(&sys->q.sw);
	for (i = 0; i < d->records; i++)
		look_at_switch(&d->queue[i].sw);
	for (i = 0; i < setup->functions; i++) {
		look_at(d->fn[i].since);
		look_at(d->fn[i].asked);
	}
}

static void normalise_device(struct device *d)
{
	unsigned int i;

	shift = d->now - MOMENT;
	d->now = MOMENT;
	if (!d->armed) {
		d->next = VGPU_FUNCTION_NONE;
		d->next_quantum = 0;
	}
	if (!d->automatic) {
		d->quantum = 0;
		if (d->state != VGPU_ENGINE_QUIESCING && d->state != VGPU_ENGINE_RESETTING)
			memset(&d->sw, 0, sizeof(d->sw));
	}
	if (d->passed)
		d->deadline = d->deadline ? d->now + shift - AGE : 0;
	move(&d->deadline);
	move_switch(&d->sw);
	for (i = 0; i < d->records; i++)
		move_switch(&d->queue[i].sw);
	for (i = 0; i < setup->functions; i++) {
		struct device_function *fn = &d->fn[i];

		if (fn->truth == fn->told)
			fn->since = 0;
		if (!fn->owes_hang)
			fn->asked = 0;
		move(&fn->since);
		move(&fn->asked);
	}
}

static void normalise_sequencer(struct vgpu_sequencer *q)
{
	if (!q->armed) {
		q->next = VGPU_FUNCTION_NONE;
		q->next_quantum_ns = 0;
		q->now = false;
	}
	if (!q->has_deadline)
		q->deadline = 0;
	else if (q->deadline <= MOMENT + shift)
		q->deadline = MOMENT + shift - AGE;
	if (q->state == VGPU_SEQUENCER_EMPTY || q->state == VGPU_SEQUENCER_RUNNING) {
		memset(&q->sw, 0, sizeof(q->sw));
		q->quantum_ns = 0;
	}
	q->strange = 0;
	move(&q->deadline);
	move_switch(&q->sw);
}

/* ------------------------------------------------------------------------ */
/* The core                                                                  */

static void move_arms(const struct vgpu_sched *s, struct vgpu_sched_arms *arms)
{
	if (arms->last <= s->dead) {
		arms->first = 0;
		arms->last = 0;
		return;
	}
	arms->first = max(arms->first, s->dead + 1) - s->dead;
	arms->last -= s->dead;
}

static void normalise_writes(struct vgpu_sched *s)
{
	unsigned int i;

	move_arms(s, &s->none);
	for (i = 0; i < setup->functions; i++)
		move_arms(s, &s->function[i].arms);
	s->writes -= s->dead;
	s->dead = 0;
}

static bool is_in_list(const struct vgpu_sched *s, u16 function)
{
	u16 f;

	for (f = s->leaving; f != VGPU_FUNCTION_NONE; f = s->function[f].leaving_next)
		if (f == function)
			return true;
	return false;
}

/* @t only says whether it is before what can still come. */
static u64 as_old(u64 t, u64 as)
{
	return t < oldest ? as : t;
}

static void normalise_function(struct vgpu_sched *s, u16 f)
{
	struct vgpu_sched_function *fn = &s->function[f];

	memset(&fn->stats, 0, sizeof(fn->stats));
	if (!is_in_list(s, f))
		fn->leaving_next = VGPU_FUNCTION_NONE;
	if (!fn->queued)
		memset(&fn->round_robin, 0, sizeof(fn->round_robin));
	memset(&fn->cost, 0, sizeof(fn->cost));
	memset(&fn->cap, 0, sizeof(fn->cap));
	fn->waking = false;
	move(&fn->woken);
	fn->woken = as_old(fn->woken, 0);
}

static void normalise_core(struct vgpu_sched *s)
{
	u16 f;

	memset(&s->total, 0, sizeof(s->total));
	s->engine = (struct vgpu_sched_engine){ .last_ns = s->engine.last_ns };
	memset(&s->last, 0, sizeof(s->last));
	normalise_writes(s);
	if (!s->armed)
		s->next = VGPU_FUNCTION_NONE;
	if (!s->has_deadline)
		s->deadline = 0;
	else if (s->deadline <= s->since)
		s->deadline = s->since;
	s->armed_since = 0;
	move(&s->deadline);
	move(&s->since);
	move(&s->expected);
	move(&s->review);
	move(&s->timer);
	move(&s->engine.last_ns);
	move(&s->charged);
	if (s->running == VGPU_FUNCTION_NONE || !s->function[s->running].runnable)
		s->charged = as_old(s->charged, MOMENT - AGE);
	s->overhead.balance = 0;
	s->overhead.cost = 0;
	s->engine.last_ns = as_old(s->engine.last_ns, MOMENT - AGE);
	s->engine.start_ns = s->engine.last_ns;
	for (f = 0; f < setup->functions; f++)
		normalise_function(s, f);
}

void state_normalise(void)
{
	struct system *sys = system_now;

	normalise_device(&sys->d);
	normalise_sequencer(&sys->q);
	find_oldest(sys);
	normalise_core(system_core);
	move(&sys->timer);
	move(&sys->alarm);
}

/* ------------------------------------------------------------------------ */

static size_t words_of(size_t bytes)
{
	return (bytes + 7) / 8;
}

static size_t core_bytes(void)
{
	return vgpu_sched_size(setup->functions);
}

size_t state_words(void)
{
	return words_of(sizeof(struct system)) + words_of(core_bytes());
}

void state_get(u64 *words)
{
	size_t first = words_of(sizeof(struct system));

	words[first - 1] = 0;
	words[state_words() - 1] = 0;
	memcpy(words, system_now, sizeof(struct system));
	memcpy(words + first, system_core, core_bytes());
}

void state_set(const u64 *words)
{
	memcpy(system_now, words, sizeof(struct system));
	memcpy(system_core, words + words_of(sizeof(struct system)), core_bytes());
}

// SPDX-License-Identifier: GPL-2.0-only
#include "walk.h"

static const struct vgpu_sched_function *function_of(const struct walk *w, u16 f)
{
	return &w->r->s->function[f];
}

/* A sum is kept for one function, and for all. */
static void enter(struct walk *w, u16 f, size_t field, u64 ns)
{
	struct ledger *l = &w->ledger;

	*(u64 *)((char *)&l->page[f] + field) += ns;
	*(u64 *)((char *)&l->total + field) += ns;
	l->dirty[f] = true;
}

#define ENTER(w, f, field, ns)	enter(w, f, offsetof(struct ledger_page, field), ns)

static void note(struct ledger_times *t, u64 ns)
{
	t->count++;
	t->sum = ns > U64_MAX - t->sum ? U64_MAX : t->sum + ns;
	t->max = max(t->max, ns);
}

static void enter_time(struct walk *w, u16 f, size_t field, u64 ns)
{
	struct ledger *l = &w->ledger;

	note((struct ledger_times *)((char *)&l->page[f] + field), ns);
	note((struct ledger_times *)((char *)&l->total + field), ns);
	l->dirty[f] = true;
}

#define ENTER_TIME(w, f, field, ns) \
	enter_time(w, f, offsetof(struct ledger_page, field), ns)

/* ------------------------------------------------------------------------ */
/* Records                                                                   */

static bool is_known(const struct walk *w, u64 t)
{
	return t && t <= rig_clock(w->r) + VGPU_SCHED_FUTURE_NS;
}

static bool is_the_last_again(const struct ledger *l, const struct vgpu_sched_switch *sw)
{
	return sw->running && sw->running == l->before.running &&
	       sw->quiesced == l->before.quiesced && sw->from == l->before.from &&
	       sw->to == l->before.to && sw->reason == l->before.reason;
}

/*
 * Five times, none of them before the one in front of it. One that is not known is
 * not after the first known one behind it; else it is what has been charged.
 * Return: true if there was nothing to correct.
 */
static bool straighten(struct walk *w, u64 *times[5])
{
	struct ledger *l = &w->ledger;
	bool missing = false, backwards = false;
	u64 after = l->last;
	unsigned int i, j;

	for (i = 0; i < 5; i++) {
		u64 *t = times[i];

		if (!is_known(w, *t)) {
			missing = true;
			*t = max(after, w->r->s->charged);
			for (j = i + 1; j < 5; j++)
				if (is_known(w, *times[j]) && *times[j] >= after)
					break;
			if (j < 5)
				*t = min(*t, *times[j]);
		} else if (*t < after) {
			if (!l->estimated || after != l->last)
				backwards = true;
			*t = after;
		}
		after = *t;
	}
	l->missing += missing;
	l->backwards += backwards;
	return !missing && !backwards;
}

/* Did @sw->from leave when it had to? */
static void enter_deadline(struct walk *w, const struct vgpu_sched_switch *sw)
{
	const struct vgpu_sched *s = w->r->s;
	u64 timeout = function_of(w, sw->from)->params.preempt_timeout_ns;
	bool asked = sw->reason == VGPU_LEAVE_DEADLINE || sw->reason == VGPU_LEAVE_HANG;
	u64 took = sw->quiesced - sw->request;
	bool missed = false;

	if (asked || sw->reason == VGPU_LEAVE_PREEMPT) {
		ENTER_TIME(w, sw->from, quiesce, took);
		missed = timeout && took > timeout + (s->finishing ? timeout : 0);
	}
	if (sw->deadline) {
		u64 due = max(sw->deadline, s->armed_since);

		ENTER(w, sw->from, overrun, sw->quiesced - min(due, sw->quiesced));
		if (asked && sw->request >= sw->deadline &&
		    sw->deadline >= s->armed_since + VGPU_SCHED_ARM_NS) {
			ENTER_TIME(w, sw->from, request, sw->request - sw->deadline);
			if (sw->request - sw->deadline > s->config.request_slack_ns)
				missed = true;
		}
	}
	ENTER(w, sw->from, misses, missed);
}

static void enter_from(struct walk *w, const struct vgpu_sched_switch *sw)
{
	ENTER(w, sw->from, runtime, sw->quiesced - w->ledger.last);
	ENTER(w, sw->from, slices, 1);
	ENTER(w, sw->from, switches[sw->reason], 1);
	ENTER(w, sw->from, save, sw->saved - sw->quiesced);
	ENTER(w, sw->from, overhead, sw->saved - sw->quiesced);
	enter_deadline(w, sw);
}

static void enter_to(struct walk *w, const struct vgpu_sched_switch *sw)
{
	const struct vgpu_sched_config *config = &w->r->s->config;
	const struct vgpu_sched_function *fn = function_of(w, sw->to);
	bool first = sw->from == VGPU_FUNCTION_NONE;
	u64 declared = config->load_ns + (first ? 0 : config->save_ns);
	u64 took = sw->running - sw->quiesced;

	ENTER(w, sw->to, load, sw->loaded - sw->saved);
	ENTER(w, sw->to, overhead, sw->running - sw->saved);
	if (first)
		w->ledger.page[sw->to].switches[VGPU_LEAVE_NONE]++;
	if (sw->reason != VGPU_LEAVE_HANG && sw->reason != VGPU_LEAVE_RESET)
		ENTER_TIME(w, sw->to, gap, took - min(took, declared));
	if (fn->waking)
		ENTER_TIME(w, sw->to, wake, sw->running - min(fn->woken, sw->running));
}

/**
 * ledger_record() - the core is about to get a record
 * @w: the walk
 * @record: the record
 */
void ledger_record(struct walk *w, const struct vgpu_sched_switch *record)
{
	struct vgpu_sched_switch sw = *record;
	u64 *times[5] = { &sw.request, &sw.quiesced, &sw.saved, &sw.loaded, &sw.running };
	bool renewed = sw.reason == VGPU_LEAVE_RENEWED;
	struct ledger *l = &w->ledger;
	bool good;

	if (is_the_last_again(l, &sw)) {
		l->duplicates++;
		return;
	}
	l->before = sw;
	if (sw.to == VGPU_FUNCTION_NONE && !sw.running) {
		sw.loaded = sw.saved;
		sw.running = sw.saved;
	}
	good = straighten(w, times);
	if (renewed) {
		sw.quiesced = sw.running;
		sw.saved = sw.running;
		sw.loaded = sw.running;
	}
	if (sw.from == VGPU_FUNCTION_NONE) {
		l->empty += sw.quiesced - l->last;
		l->total.switches[VGPU_LEAVE_NONE]++;
		sw.saved = sw.quiesced;
	} else {
		const struct vgpu_sched_function *fn = function_of(w, sw.from);

		enter_from(w, &sw);
		/* It has woken after it ran dry. */
		if (sw.reason == VGPU_LEAVE_IDLE && fn->runnable &&
		    fn->woken >= (good ? record->request : 0))
			ENTER(w, sw.from, wakes, 1);
	}
	if (sw.to == VGPU_FUNCTION_NONE)
		l->empty += sw.running - sw.saved;
	else if (!renewed)
		enter_to(w, &sw);
	l->last = sw.running;
	l->estimated = false;
}

/* ------------------------------------------------------------------------ */
/* What else there is                                                        */

/* The world on the engine is gone, and there will be no record of it. */
static void enter_gone(struct walk *w, u16 f)
{
	struct ledger *l = &w->ledger;
	u64 now = max(rig_clock(w->r), l->last);

	ENTER(w, f, runtime, now - l->last);
	ENTER(w, f, slices, 1);
	ENTER(w, f, switches[VGPU_LEAVE_RESET], 1);
	l->last = now;
	l->estimated = true;
}

/**
 * ledger_event() - the core is about to get an event
 * @w: the walk
 * @e: the event
 */
void ledger_event(struct walk *w, const struct model_event *e)
{
	const struct vgpu_sched *s = w->r->s;
	struct ledger *l = &w->ledger;
	u16 f = e->function;

	switch (e->type) {
	case VGPU_EVENT_RUNNABLE:
		l->missing += !is_known(w, e->sw.request);
		if (!function_of(w, f)->runnable)
			ENTER(w, f, wakes, 1);
		break;
	case VGPU_EVENT_IDLE:
		l->stale += e->sw.request && e->sw.request < function_of(w, f)->woken;
		break;
	case VGPU_EVENT_HANG:
		ENTER(w, f, hangs, 1);
		break;
	case VGPU_EVENT_FLR:
	case VGPU_EVENT_RESET:
		/* If something is armed there will be a record. */
		if (s->running == f && !s->gone && !(s->armed && s->next != f))
			enter_gone(w, f);
		break;
	case VGPU_EVENT_REFUSED:
		l->refused += e->detail == VGPU_DETAIL_NEXT || e->detail == VGPU_CMD_LOAD;
		break;
	case VGPU_EVENT_LOST:
		l->lost++;
		break;
	default:
		break;
	}
}

/**
 * ledger_restart() - the core is about to begin again with an empty engine
 * @w: the walk
 */
void ledger_restart(struct walk *w)
{
	const struct vgpu_sched *s = w->r->s;
	struct ledger *l = &w->ledger;

	if (s->running != VGPU_FUNCTION_NONE)
		enter_gone(w, s->running);
	l->start += rig_clock(w->r) - l->last;
	l->last = rig_clock(w->r);
	l->estimated = true;
}

/* ------------------------------------------------------------------------ */

static void compare_times(const struct ledger_times *t, const struct vgpu_histogram *h)
{
	must_equal(h->count, t->count);
	must_equal(h->sum, t->sum);
	must_equal(h->max, t->max);
}

static void compare(const struct ledger_page *p, const struct vgpu_sched_stats *stats)
{
	unsigned int i;

	must_equal(stats->runtime_ns, p->runtime);
	must_equal(stats->slices, p->slices);
	for (i = 0; i < VGPU_SCHED_REASONS; i++)
		must_equal(stats->switches[i], p->switches[i]);
	must_equal(stats->overrun_ns, p->overrun);
	must_equal(stats->save_ns, p->save);
	must_equal(stats->load_ns, p->load);
	must_equal(stats->overhead_ns, p->overhead);
	must_equal(stats->deadline_misses, p->misses);
	must_equal(stats->hangs, p->hangs);
	must_equal(stats->wakes, p->wakes);
	compare_times(&p->request, &stats->request);
	compare_times(&p->quiesce, &stats->quiesce);
	compare_times(&p->wake, &stats->wake);
	compare_times(&p->gap, &stats->gap);
}

/**
 * ledger_begin() - a walk begins
 * @w: the walk
 */
void ledger_begin(struct walk *w)
{
	w->ledger.start = w->r->m.now;
	w->ledger.last = w->r->m.now;
	w->ledger.estimated = true;
}

/**
 * ledger_step() - compare the books
 * @w: the walk
 */
void ledger_step(struct walk *w)
{
	const struct vgpu_sched_engine *e = &w->r->s->engine;
	struct ledger *l = &w->ledger;
	u16 f;

	must_equal(e->start_ns, l->start);
	must_equal(e->last_ns, l->last);
	must_equal(e->empty_ns, l->empty);
	must_equal(e->arms + e->disarms, w->r->next_writes);
	must_equal(e->timers, w->r->timers);
	must_equal(e->backwards, l->backwards);
	must_equal(e->missing, l->missing);
	must_equal(e->duplicates, l->duplicates);
	must_equal(e->unknown, 0);
	must_equal(e->stale, l->stale);
	must_equal(e->lost, l->lost);
	must_equal(e->refused, l->refused);
	must_equal(e->overdue, w->r->overdues);
	compare(&l->total, &w->r->s->total);
	for (f = 0; f < w->r->m.functions; f++)
		if (l->dirty[f])
			compare(&l->page[f], &function_of(w, f)->stats);
	memset(l->dirty, 0, sizeof(l->dirty));
}

// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include "workload.h"

static u64 nonzero(u64 ns)
{
	return max(ns, 1);
}

/* ------------------------------------------------------------------------ */
/* When                                                                      */

static void begin_burst(struct workload *w, u64 now)
{
	w->on = true;
	w->burst_end = now + nonzero(distribution_draw(&w->work->busy, &w->arrivals));
}

static u64 period_begin(struct workload *w)
{
	return w->work->start + w->period * w->work->every.low +
	       distribution_draw(&w->work->jitter, &w->arrivals);
}

void workload_init(struct workload *w, const struct work *work, u64 group_ns, u64 seed)
{
	*w = (struct workload){
		.work = work,
		.group = work->group ? work->group : group_ns,
		.arrivals = random_seed(seed, 0),
		.kernels = random_seed(seed, 1),
		.next = work->start,
		.room = 16,
	};
	w->job = calloc(w->room, sizeof(*w->job));
	if (work->kind == WORK_NONE)
		w->next = U64_MAX;
	if (work->kind == WORK_PERIODIC)
		w->next = period_begin(w);
	if (work->kind == WORK_RANDOM)
		w->next += distribution_draw(&work->every, &w->arrivals);
	if (work->kind == WORK_BURSTY)
		begin_burst(w, work->start);
}

void workload_exit(struct workload *w)
{
	free(w->job);
}

static void grow(struct workload *w)
{
	struct workload_job *job = calloc(2 * w->room, sizeof(*job));
	u64 i;

	for (i = 0; i < w->jobs; i++)
		job[i] = w->job[(w->first + i) & (w->room - 1)];
	free(w->job);
	w->job = job;
	w->room *= 2;
	w->first = 0;
}

static u64 submit(struct workload *w, u64 now)
{
	u64 length = nonzero(distribution_draw(&w->work->job, &w->arrivals));

	if (w->jobs == w->room)
		grow(w);
	w->given += length;
	w->job[(w->first + w->jobs++) & (w->room - 1)] = (struct workload_job){
		.arrived = now,
		.end = w->given,
	};
	return length;
}

static u64 endless(struct workload *w)
{
	w->given += WORK_ENDLESS;
	return WORK_ENDLESS;
}

static struct workload_change step_bursty(struct workload *w, u64 now)
{
	struct workload_change change = { 0 };

	if (!w->on)
		begin_burst(w, now);
	change.give = submit(w, now);
	w->next = now + nonzero(distribution_draw(&w->work->every, &w->arrivals));
	if (w->next < w->burst_end)
		return change;
	w->on = false;
	w->next = w->burst_end + distribution_draw(&w->work->idle, &w->arrivals);
	return change;
}

static struct workload_change step_toggle(struct workload *w, u64 now)
{
	const struct distribution *phase = w->on ? &w->work->idle : &w->work->busy;
	struct workload_change change = { .withdraw = w->on };

	w->on = !w->on;
	if (w->on)
		change.give = endless(w);
	w->next = now + nonzero(distribution_draw(phase, &w->arrivals));
	return change;
}

static struct workload_change step_periodic(struct workload *w, u64 now)
{
	struct workload_change change = { .give = submit(w, now) };

	w->period++;
	w->next = max(now, period_begin(w));
	return change;
}

static struct workload_change stop(struct workload *w)
{
	bool endless = w->work->kind == WORK_FLOOD || w->work->kind == WORK_TOGGLE;

	w->next = U64_MAX;
	return (struct workload_change){ .withdraw = endless };
}

/**
 * workload_step() - what the guest does at the time @w->next
 * @w: the guest
 * @now: that time
 *
 * Return: what changes.
 */
struct workload_change workload_step(struct workload *w, u64 now)
{
	struct workload_change change = { 0 };

	if (now >= w->work->stop)
		return stop(w);
	switch (w->work->kind) {
	case WORK_FLOOD:
		change.give = endless(w);
		w->next = w->work->stop;
		break;
	case WORK_PERIODIC:
		return step_periodic(w, now);
	case WORK_RANDOM:
		change.give = submit(w, now);
		w->next = now + nonzero(distribution_draw(&w->work->every, &w->arrivals));
		break;
	case WORK_BURSTY:
		return step_bursty(w, now);
	case WORK_TOGGLE:
		return step_toggle(w, now);
	case WORK_THINK:
		change.give = submit(w, now);
		w->next = U64_MAX;
		break;
	default:
		w->next = U64_MAX;
		break;
	}
	return change;
}

/* ------------------------------------------------------------------------ */
/* How far                                                                   */

static void complete(struct workload *w, u64 done)
{
	struct workload_job job = w->job[w->first];

	w->first = (w->first + 1) & (w->room - 1);
	w->jobs--;
	if (w->complete)
		w->complete(w, w->context, job.arrived, done);
	if (w->work->kind == WORK_THINK)
		w->next = done + distribution_draw(&w->work->idle, &w->arrivals);
}

/**
 * workload_progress() - the world has executed work until now
 * @w: the guest
 * @left: what is left of it
 * @now: the time
 */
void workload_progress(struct workload *w, u64 left, u64 now)
{
	u64 position = w->given - left;

	while (w->end <= position) {
		w->begin = w->end;
		while (w->jobs && w->job[w->first].end <= w->begin)
			complete(w, now - (position - w->job[w->first].end));
		if (w->begin == w->given)
			return;
		w->end += nonzero(distribution_draw(&w->work->kernel, &w->kernels));
		if (w->jobs)
			w->end = min(w->end, w->job[w->first].end);
	}
}

/**
 * workload_lost() - everything submitted is gone, with the world or taken back
 * @w: the guest
 *
 * Return: jobs that were not complete.
 */
u64 workload_lost(struct workload *w)
{
	u64 lost = w->jobs;

	w->given = 0;
	w->begin = 0;
	w->end = 0;
	w->jobs = 0;
	return lost;
}

/**
 * workload_restart() - the world was made anew, the guest goes on
 * @w: the guest
 * @now: the time
 */
void workload_restart(struct workload *w, u64 now)
{
	if (now >= w->work->stop)
		return;
	if (w->work->kind == WORK_FLOOD)
		w->next = max(now, w->work->start);
	if (w->work->kind == WORK_THINK && w->next == U64_MAX)
		w->next = now + distribution_draw(&w->work->idle, &w->arrivals);
}

/* How far it is to the end of the kernel, 0 between two. */
static u64 rest_of_kernel(struct workload *w, u64 left, u64 now)
{
	u64 position = w->given - left;

	workload_progress(w, left, now);
	return position == w->begin ? 0 : w->end - position;
}

/**
 * workload_stop_point() - how far it is to a preemption point
 * @w: the guest
 * @left: what is left of all work
 * @now: the time
 *
 * Return: ns.
 */
u64 workload_stop_point(struct workload *w, u64 left, u64 now)
{
	u64 into, end;

	if (w->work->stops)
		return distribution_draw(&w->work->stop_delay, &w->kernels);
	end = rest_of_kernel(w, left, now);
	into = w->given - left - w->begin;
	if (!end || w->work->whole)
		return end;
	return min(into % w->group ? w->group - into % w->group : 0, end);
}

/**
 * workload_boundary() - how far it is to the end of the command buffer
 * @w: the guest
 * @left: what is left of all work
 * @now: the time
 *
 * Return: ns, 0 between two of them.
 */
u64 workload_boundary(struct workload *w, u64 left, u64 now)
{
	if (w->work->stops)
		return distribution_draw(&w->work->stop_delay, &w->kernels);
	return rest_of_kernel(w, left, now);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The result as JSON. Keys are stable; all times are ns, all shares and errors
 * parts of 1. README.md tells what each is. The same scenario and the same seed
 * give the same text.
 */
#include "engine.h"

/* A value in its place in the text: what comes before it, and its name. */
struct json {
	FILE *file;
	const char *before;
};

static void name(struct json *j, const char *key)
{
	fprintf(j->file, "%s\"%s\": ", j->before, key);
	j->before = ", ";
}

static void count(struct json *j, const char *key, u64 value)
{
	name(j, key);
	if (value == U64_MAX)
		fputs("null", j->file);
	else
		fprintf(j->file, "%llu", (unsigned long long)value);
}

static void difference(struct json *j, const char *key, s64 value)
{
	name(j, key);
	fprintf(j->file, "%lld", (long long)value);
}

static void part(struct json *j, const char *key, double value, double of)
{
	name(j, key);
	fprintf(j->file, "%.6f", of ? value / of : 0.0);
}

static void text(struct json *j, const char *key, const char *value)
{
	name(j, key);
	fprintf(j->file, "\"%s\"", value);
}

static void distribution(struct json *j, const char *key, struct samples *s)
{
	name(j, key);
	fprintf(j->file,
		"{\"count\": %llu, \"p50\": %llu, \"p99\": %llu, \"max\": %llu}",
		(unsigned long long)s->count,
		(unsigned long long)samples_quantile(s, 500),
		(unsigned long long)samples_quantile(s, 990),
		(unsigned long long)s->max);
}

static u64 overhead(const struct measure_time *t)
{
	return t->save + t->load + t->reset + t->gap;
}

static u64 charged(const struct measure_time *t)
{
	return t->run + t->idle + overhead(t);
}

static void print_time(struct json *j, const struct measure_time *t, u64 duration)
{
	part(j, "share", charged(t), duration);
	count(j, "runtime_ns", t->run);
	count(j, "idle_ns", t->idle);
	count(j, "overhead_ns", overhead(t));
	count(j, "save_ns", t->save);
	count(j, "load_ns", t->load);
	count(j, "reset_ns", t->reset);
	count(j, "gap_ns", t->gap);
}

static void print_error(struct json *j, const char *key, const struct measure_error *e)
{
	name(j, key);
	j->before = "{";
	part(j, "max", e->max, 1);
	part(j, "disjoint_max", e->disjoint, 1);
	part(j, "mean", e->sum, e->windows);
	fputc('}', j->file);
	j->before = ", ";
}

/* The worst of two. */
static void add_error(struct measure_error *sum, const struct measure_error *e)
{
	if (e->max > sum->max)
		sum->max = e->max;
	if (e->disjoint > sum->disjoint)
		sum->disjoint = e->disjoint;
	sum->sum += e->sum;
	sum->windows += e->windows;
}

static void print_ideal(struct json *j, const struct measure *m,
			const struct measure_function *fn)
{
	difference(j, "lag_min_ns", (s64)fn->lag_min);
	difference(j, "lag_max_ns", (s64)fn->lag_max);
	print_error(j, "share_error_100ms", &fn->short_error);
	print_error(j, "share_error_1s", &fn->long_error);
}

static void print_slices(struct json *j, struct measure_function *fn)
{
	static const char *const reasons[] = {
		"empty", "deadline", "idle", "preempt", "hang", "reset", "renewed", NULL
	};
	unsigned int i;

	name(j, "switches");
	j->before = "{";
	for (i = 1; reasons[i]; i++)
		count(j, reasons[i], fn->leaves[i]);
	fputc('}', j->file);
	j->before = ", ";
	count(j, "starts", fn->starts);
	distribution(j, "overshoot_ns", &fn->overshoot);
	distribution(j, "quiesce_ns", &fn->quiesce);
	count(j, "overrun_ns", fn->overrun);
	count(j, "missed_timeouts", fn->missed);
	count(j, "hang_max_ns", fn->hang_max);
}

static void print_scheduler(struct json *j, struct sim *sim, u16 function)
{
	struct sim_report report = { 0 };

	if (!sim->scheduler->report)
		return;
	sim->scheduler->report(sim->context, function, &report);
	name(j, "scheduler");
	j->before = "{";
	difference(j, "lag_min_ns", report.lag_min);
	difference(j, "lag_max_ns", report.lag_max);
	count(j, "lag_bound_ns", sim->fn[function].lag_bound);
	count(j, "latency_bound_ns", sim->fn[function].latency_bound);
	count(j, "throttles", report.throttles);
	count(j, "periods", report.periods);
	count(j, "period_misses", report.period_misses);
	fputc('}', j->file);
	j->before = ", ";
}

static void print_function(struct json *j, struct sim *sim, u16 function)
{
	struct measure *m = &sim->measure;
	struct measure_function *fn = &m->fn[function];
	u64 duration = m->now - m->begin;

	count(j, "function", function);
	count(j, "weight", fn->weight);
	part(j, "busy", fn->busy_ns, duration);
	part(j, "ideal_share", measure_lag(m, function) + fn->charged, duration);
	print_time(j, &fn->time, duration);
	print_ideal(j, m, fn);
	distribution(j, "wake_ns", &fn->wake);
	distribution(j, "wait_ns", &fn->wait);
	count(j, "wait_pending_ns",
	      fn->waits_since == U64_MAX ? 0 : m->now - fn->waits_since);
	distribution(j, "start_gap_ns", &fn->gap);
	distribution(j, "job_ns", &fn->job);
	count(j, "jobs_late", fn->late);
	count(j, "jobs_lost", fn->lost);
	print_slices(j, fn);
	print_scheduler(j, sim, function);
	fputc('}', j->file);
}

static void add(struct measure_time *sum, const struct measure_time *t)
{
	sum->run += t->run;
	sum->idle += t->idle;
	sum->save += t->save;
	sum->load += t->load;
	sum->reset += t->reset;
	sum->gap += t->gap;
}

static void print_total(struct json *j, struct sim *sim)
{
	struct measure *m = &sim->measure;
	struct measure_time sum = { 0 };
	u64 duration = m->now - m->begin;
	struct measure_error short_error = { 0 }, long_error = { 0 };
	unsigned int i;

	for (i = 0; i < m->functions; i++) {
		add(&sum, &m->fn[i].time);
		if (!sim->sc->function[i].declared)
			continue;
		add_error(&short_error, &m->fn[i].short_error);
		add_error(&long_error, &m->fn[i].long_error);
	}
	name(j, "total");
	j->before = "{";
	count(j, "duration_ns", duration);
	print_time(j, &sum, duration);
	count(j, "empty_ns", m->empty);
	count(j, "wasted_ns", m->wasted);
	part(j, "utilization", sum.run, duration);
	part(j, "overhead", overhead(&sum), duration);
	print_error(j, "share_error_100ms", &short_error);
	print_error(j, "share_error_1s", &long_error);
	count(j, "decisions", sim->counts.decisions);
	count(j, "writes", sim->counts.writes);
	count(j, "reads", sim->counts.reads);
	count(j, "polls", sim->counts.polls);
	count(j, "cpu_busy_ns", sim->counts.busy_ns);
	fputc('}', j->file);
}

static void print_ignored(struct json *j, const struct sim *sim)
{
	static const char *const names[] = {
		"quantum", "timeout", "weight", "priority", "cap", "reserve"
	};
	const char *before = "";
	unsigned int i;

	name(j, "ignored");
	fputc('[', j->file);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (sim->ignored & 1u << i) {
			fprintf(j->file, "%s\"%s\"", before, names[i]);
			before = ", ";
		}
	fputc(']', j->file);
}

/**
 * sim_print() - print what was measured
 * @sim: the simulation, after sim_run()
 * @file: where to
 */
void sim_print(struct sim *sim, FILE *file)
{
	struct json j = { .file = file, .before = "{" };
	const char *between = "\n    {";
	unsigned int i;

	text(&j, "scenario", sim->sc->name);
	j.before = ",\n  ";
	text(&j, "policy", sim->sc->policy);
	j.before = ",\n  ";
	count(&j, "seed", sim->sc->seed);
	j.before = ",\n  ";
	print_ignored(&j, sim);
	j.before = ",\n  ";
	print_total(&j, sim);
	fputs(",\n  \"functions\": [", file);
	for (i = 0; i < sim->sc->functions; i++) {
		if (!sim->sc->function[i].declared)
			continue;
		j.before = between;
		print_function(&j, sim, i);
		between = ",\n    {";
	}
	fputs("]}\n", file);
}

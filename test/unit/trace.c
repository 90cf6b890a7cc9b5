// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "trace.h"

/* A walk of some 10^4 steps that takes so long has lost its way. */
#define CPU_SECONDS	120
/* Attempts to shorten a trace; it is not going to get much better after that. */
#define ATTEMPTS	3000

/* ------------------------------------------------------------------------ */
/* Walks in a process of their own                                           */

static struct trace_result *said;
static struct walk *walking;

static void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("memory for a trace");
		exit(1);
	}
	return memory;
}

/**
 * trace_new() - an empty trace
 *
 * Return: the trace, in memory that child processes share.
 */
struct walk_trace *trace_new(void)
{
	return shared(sizeof(struct walk_trace));
}

/**
 * trace_free() - forget a trace
 * @t: the trace
 */
void trace_free(struct walk_trace *t)
{
	munmap(t, sizeof(*t));
}

static void failed(const char *what, const char *file, int line)
{
	const char *name = strrchr(file, '/');

	snprintf(said->where, sizeof(said->where), "%s:%d",
		 name ? name + 1 : file, line);
	snprintf(said->what, sizeof(said->what), "%s", what);
	said->failed = true;
	_exit(1);
}

static void failed_and_tells(const char *what, const char *file, int line)
{
	if (walking->r) {
		rig_print_log(walking->r);
		fair_print(walking);
	}
	fflush(stdout);
	failed(what, file, line);
}

/* What cmocka does with these signals would go on with its next test. */
static void restore_signals(void)
{
	static const int taken[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(taken); i++)
		signal(taken[i], SIG_DFL);
}

static void child(struct walk_trace *t, void (*claim)(struct walk *w), bool tell)
{
	struct rlimit limit;

	restore_signals();
	/* Unless there is less left of what was inherited. */
	if (!getrlimit(RLIMIT_CPU, &limit) && limit.rlim_cur > CPU_SECONDS) {
		limit.rlim_cur = CPU_SECONDS;
		setrlimit(RLIMIT_CPU, &limit);
	}
	limit = (struct rlimit){ 0, 0 };
	setrlimit(RLIMIT_CORE, &limit);
	if (!tell && !freopen("/dev/null", "w", stderr))
		_exit(1);
	rig_failed = tell ? failed_and_tells : failed;
	walk_play(walking, t, claim);
	rig_free(walking->r);
	exit(0);
}

/**
 * trace_run() - take a walk
 * @t: the walk
 * @claim: one more invariant, or NULL
 * @tell: if it fails, print what happened last
 *
 * Return: how it ended.
 */
struct trace_result trace_run(struct walk_trace *t, void (*claim)(struct walk *w),
			      bool tell)
{
	struct trace_result result;
	int status;
	pid_t pid;

	said = shared(sizeof(*said));
	walking = shared(sizeof(*walking));
	fflush(NULL);
	pid = fork();
	if (!pid)
		child(t, claim, tell);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("a process for a walk");
		exit(1);
	}
	result = *said;
	result.steps = walking->steps;
	result.at = walking->at;
	result.lag = walking->lag;
	result.latency = walking->latency;
	munmap(said, sizeof(*said));
	munmap(walking, sizeof(*walking));
	if (!result.failed && status) {
		result.failed = true;
		snprintf(result.where, sizeof(result.where), "%s %d",
			 WIFSIGNALED(status) ? "signal" : "status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	return result;
}

/* ------------------------------------------------------------------------ */
/* Shorter traces                                                            */

/**
 * struct cut - a trace that is being made shorter
 * @best: the shortest so far that fails
 * @attempt: with something left out
 * @claim: one more invariant
 * @where: how it has to fail
 * @attempts: how many there have been
 */
struct cut {
	struct walk_trace *best;
	struct walk_trace *attempt;
	void (*claim)(struct walk *w);
	const char *where;
	unsigned int attempts;
};

static bool fails_alike(struct cut *c)
{
	struct trace_result result;

	c->attempts++;
	result = trace_run(c->attempt, c->claim, false);
	if (!result.failed || strcmp(result.where, c->where))
		return false;
	*c->best = *c->attempt;
	return true;
}

/* Leave out @length stimuli from @from on. */
static bool leave_out(struct cut *c, unsigned int from, unsigned int length)
{
	*c->attempt = *c->best;
	memmove(&c->attempt->stimulus[from], &c->attempt->stimulus[from + length],
		(c->attempt->count - from - length) * sizeof(c->attempt->stimulus[0]));
	c->attempt->count -= length;
	return fails_alike(c);
}

/*
 * Delta debugging (A. Zeller and R. Hildebrandt, 2002), the part that leaves out:
 * pieces of half the length, of a quarter and so on, from the end, because what
 * comes last depends on the rest.
 */
static void leave_out_all(struct cut *c)
{
	unsigned int length = c->best->count;
	bool progress;

	while (length > 1 && c->attempts < ATTEMPTS) {
		unsigned int end = c->best->count;

		length = (length + 1) / 2;
		progress = false;
		while (end && c->attempts < ATTEMPTS) {
			unsigned int n = min(length, end);

			progress |= leave_out(c, end - n, n);
			end -= n;
		}
		if (progress && length == 1)
			length = 2;
	}
}

/* Numbers that are not needed as they are become round ones. */
static void round_off(struct cut *c, u64 *best, u64 *attempt, u64 unit)
{
	if (c->attempts >= ATTEMPTS || !(*best % unit))
		return;
	*c->attempt = *c->best;
	*attempt = *best - *best % unit;
	fails_alike(c);
}

static void round_all(struct cut *c)
{
	static const u64 unit[] = { MILLISECOND, 100 * MICROSECOND, MICROSECOND };
	unsigned int i, u;

	for (i = 0; i < c->best->count; i++) {
		struct walk_stimulus *best = &c->best->stimulus[i];
		struct walk_stimulus *attempt = &c->attempt->stimulus[i];
		u64 before = i ? best[-1].at : 0;

		for (u = 0; u < ARRAY_SIZE(unit); u++) {
			round_off(c, &best->a, &attempt->a, unit[u]);
			if (best->at - best->at % unit[u] >= before)
				round_off(c, &best->at, &attempt->at, unit[u]);
		}
	}
}

/* The same for what the walk began with. */
static void simplify_setup(struct cut *c)
{
	struct walk_setup *best = &c->best->setup;
	struct walk_setup *attempt = &c->attempt->setup;
	const struct {
		u64 *best;
		u64 *attempt;
		u64 value;
	} simple[] = {
		{ &best->start, &attempt->start, MILLISECOND },
		{ &best->origin, &attempt->origin, 0 },
		{ &best->irq, &attempt->irq, 0 },
		{ &best->write, &attempt->write, 0 },
		{ &best->clock, &attempt->clock, WALK_CLOCK },
		{ &best->quirks, &attempt->quirks, 0 },
		{ &best->overhead, &attempt->overhead, 0 },
		{ &best->save, &attempt->save, 150 * MICROSECOND },
		{ &best->load, &attempt->load, 150 * MICROSECOND },
	};
	unsigned int i, used = 0;

	for (i = 0; i < ARRAY_SIZE(simple); i++) {
		if (*simple[i].best == simple[i].value)
			continue;
		*c->attempt = *c->best;
		*simple[i].attempt = simple[i].value;
		fails_alike(c);
	}
	for (i = 0; i < c->best->count; i++)
		used = max(used, c->best->stimulus[i].function);
	*c->attempt = *c->best;
	attempt->functions = used + 1;
	fails_alike(c);
}

/**
 * trace_shorten() - leave out of a failing trace whatever is not needed
 * @t: the trace
 * @claim: one more invariant, or NULL
 * @result: how it failed
 *
 * What is left fails at the same place.
 *
 * Return: how many attempts it took.
 */
unsigned int trace_shorten(struct walk_trace *t, void (*claim)(struct walk *w),
			   const struct trace_result *result)
{
	struct cut c = {
		.best = t, .attempt = trace_new(), .claim = claim,
		.where = result->where,
	};

	*c.attempt = *t;
	c.attempt->invent = false;
	c.attempt->setup.until = result->at + SECOND;
	c.attempt->setup.steps = 2 * result->steps + 1000;
	if (fails_alike(&c)) {
		leave_out_all(&c);
		simplify_setup(&c);
		round_all(&c);
		leave_out_all(&c);
	}
	trace_free(c.attempt);
	return c.attempts;
}

/* ------------------------------------------------------------------------ */
/* As text                                                                   */

#define FIELD(name)	{ #name, offsetof(struct walk_setup, name) }

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	FIELD(classic), FIELD(functions), FIELD(allowed), FIELD(seed),
	FIELD(start), FIELD(origin), FIELD(policy), FIELD(overhead), FIELD(irq),
	FIELD(write), FIELD(clock), FIELD(quirks), FIELD(save), FIELD(load),
	FIELD(steps), FIELD(until),
};

static u64 *field(struct walk_setup *setup, unsigned int i)
{
	return (u64 *)((char *)setup + fields[i].offset);
}

/**
 * trace_print() - write a trace down
 * @t: the trace
 * @file: where to
 * @prefix: of each line; "# " is skipped by trace_read()
 */
void trace_print(const struct walk_trace *t, FILE *file, const char *prefix)
{
	struct walk_setup setup = t->setup;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		fprintf(file, "%s%s = %llu\n", prefix, fields[i].name,
			(unsigned long long)*field(&setup, i));
	for (i = 0; i < t->count; i++) {
		const struct walk_stimulus *s = &t->stimulus[i];
		const struct vgpu_sched_policy *policy = NULL;

		if (s->kind == WALK_SET_POLICY)
			policy = vgpu_sched_policy_at(s->a);
		fprintf(file, "%s%llu: %s %llu %llu %llu%s%s\n", prefix,
			(unsigned long long)s->at, walk_names[s->kind],
			(unsigned long long)s->function,
			(unsigned long long)s->a, (unsigned long long)s->b,
			policy ? " # " : "",
			policy ? vgpu_sched_policy_name(policy) : "");
	}
}

static bool read_field(struct walk_trace *t, const char *line)
{
	unsigned long long value;
	char name[16];
	unsigned int i;

	if (sscanf(line, "%15s = %llu", name, &value) != 2)
		return false;
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!strcmp(name, fields[i].name)) {
			*field(&t->setup, i) = value;
			return true;
		}
	}
	return false;
}

static bool read_stimulus(struct walk_trace *t, const char *line)
{
	unsigned long long at, function, a, b;
	char name[16];
	unsigned int i;

	if (sscanf(line, "%llu: %15s %llu %llu %llu", &at, name, &function, &a,
		   &b) != 5 || t->count == WALK_STIMULI)
		return false;
	for (i = 0; i < WALK_KINDS; i++) {
		if (!strcmp(name, walk_names[i])) {
			t->stimulus[t->count++] = (struct walk_stimulus){
				at, i, function, a, b };
			return true;
		}
	}
	return false;
}

static bool is_playable(const struct walk_trace *t)
{
	unsigned int i;

	if (t->setup.functions < 1 || t->setup.functions > MODEL_FUNCTIONS ||
	    !t->setup.start || !vgpu_sched_policy_at(t->setup.policy))
		return false;
	for (i = 0; i < t->count; i++) {
		if (t->stimulus[i].function >= t->setup.functions)
			return false;
	}
	return true;
}

/**
 * trace_read() - read what trace_print() has written
 * @t: where to put it
 * @file: where from; lines that are no part of a trace are skipped
 *
 * Return: false if there is no complete trace in it.
 */
bool trace_read(struct walk_trace *t, FILE *file)
{
	char line[256];

	memset(&t->setup, 0, sizeof(t->setup));
	t->invent = false;
	t->count = 0;
	while (fgets(line, sizeof(line), file)) {
		const char *text = line + strspn(line, "# \t");

		if (!read_field(t, text))
			read_stimulus(t, text);
	}
	return is_playable(t);
}

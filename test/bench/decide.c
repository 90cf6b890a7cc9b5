// SPDX-License-Identifier: GPL-2.0-only
/*
 * decide: what a decision of the scheduling core costs, for each policy and 2…255
 * functions, all of them busy, with weights 1…8.
 *
 * A decision is what the driver does in its interrupt once the record has been read:
 * vgpu_sched_switched(), which charges the world that left and the one that entered,
 * decides who is next, and arms NEXT. A wake-up is vgpu_sched_wake() of a function
 * that has had nothing to do for a moment, a timer vgpu_sched_timer() where the
 * core wants one between two switches.
 *
 * Instructions are counted by single steps of a child, so any machine will do, and
 * are the same each time. Nanoseconds are of this machine, the best of several
 * rounds.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "vgpu_sched.h"

#define QUANTUM		6000000ull
#define SWITCH		150000ull
#define WARM		2000u
#define ROUNDS		50u
#define TIMED		500u
#define STEPPED		8u

/* What is measured, and the signals that tell of its beginning and end. */
enum what { DECISION, WAKE, TIMER, NOTHING, WHATS };

static const int ends[WHATS] = { SIGUSR1, SIGUSR2, SIGALRM, SIGHUP };

/*
 * The device, as far as the core sees it: every slice ends a few µs after its
 * deadline, and what is armed follows.
 */
struct device {
	struct vgpu_sched *s;
	unsigned int functions;
	u64 now;
	u16 running;
	u64 deadline;
	u16 armed;
	u64 quantum;
	bool at_once;
	u64 timer;
	u32 random;
	unsigned int sleeper;
};

static void on_arm(void *context, u16 function, u64 quantum_ns, u32 flags)
{
	struct device *d = context;

	d->armed = function;
	d->quantum = quantum_ns;
	d->at_once = flags & VGPU_SCHED_ARM_NOW;
}

static void on_disarm(void *context)
{
	struct device *d = context;

	d->armed = VGPU_FUNCTION_NONE;
}

static void on_timer(void *context, u64 when)
{
	struct device *d = context;

	d->timer = when;
}

static void on_overdue(void *context, u16 function)
{
}

static void on_parked(void *context, u16 function)
{
}

static const struct vgpu_sched_ops ops = {
	.arm		= on_arm,
	.disarm		= on_disarm,
	.set_timer	= on_timer,
	.overdue	= on_overdue,
	.parked		= on_parked,
};

static u32 draw(struct device *d, u32 below)
{
	d->random = d->random * 1664525 + 1013904223;
	return (d->random >> 8) % below;
}

/* The next record: from the end of the present slice to the start of another. */
static struct vgpu_sched_switch next_record(struct device *d)
{
	struct vgpu_sched_switch sw = { .from = d->running, .to = d->armed };

	sw.deadline = d->deadline;
	sw.reason = VGPU_LEAVE_DEADLINE;
	sw.request = max(d->now, d->deadline);
	if (d->running == VGPU_FUNCTION_NONE) {
		sw.reason = VGPU_LEAVE_NONE;
		sw.request = d->now;
	} else if (d->at_once) {
		sw.reason = VGPU_LEAVE_PREEMPT;
		sw.request = d->now;
	}
	sw.quiesced = sw.request + draw(d, 20000);
	sw.saved = sw.quiesced + SWITCH;
	sw.loaded = sw.saved + SWITCH;
	sw.running = sw.loaded;
	if (sw.from == sw.to && sw.from != VGPU_FUNCTION_NONE) {
		sw.reason = VGPU_LEAVE_RENEWED;
		sw.quiesced = sw.request;
		sw.saved = sw.request;
		sw.loaded = sw.request;
		sw.running = sw.request;
	}
	return sw;
}

static void take(struct device *d, const struct vgpu_sched_switch *sw)
{
	d->now = sw->running;
	d->running = sw->to;
	d->deadline = sw->running + d->quantum;
	d->armed = VGPU_FUNCTION_NONE;
	d->at_once = false;
}

/* What is measured begins and ends here. */
struct marks {
	void (*begin)(void);
	void (*end)(enum what what);
};

static void take_turns(struct device *d, const struct marks *marks)
{
	struct vgpu_sched_switch sw = next_record(d);

	while (d->timer && d->timer < sw.request) {
		d->now = max(d->timer, d->now);
		d->timer = 0;
		marks->begin();
		vgpu_sched_timer(d->s, d->now);
		marks->end(TIMER);
		sw = next_record(d);
	}
	take(d, &sw);
	marks->begin();
	vgpu_sched_switched(d->s, &sw, d->now + 5000);
	marks->end(DECISION);
}

/* One that does not run has nothing to do for a moment. */
static void nap(struct device *d, const struct marks *marks)
{
	do {
		d->sleeper = (d->sleeper + 1) % d->functions;
	} while (d->sleeper == d->running);
	vgpu_sched_sleep(d->s, d->sleeper, d->now, d->now);
	marks->begin();
	vgpu_sched_wake(d->s, d->sleeper, d->now + 1000, d->now + 1000);
	marks->end(WAKE);
}

static void step(struct device *d, const struct marks *marks)
{
	take_turns(d, marks);
	nap(d, marks);
}

static void begin_nothing(void)
{
}

static void end_nothing(enum what what)
{
}

static const struct marks unmarked = { begin_nothing, end_nothing };

static void begin(struct device *d, const char *policy, unsigned int functions)
{
	struct vgpu_sched_config config = {
		.functions = functions,
		.save_ns = SWITCH,
		.load_ns = SWITCH,
		.reset_ns = 1000000,
		.overdue_slack_ns = 1000000,
		.boundary = true,
		.policy = vgpu_sched_find_policy(policy),
	};
	struct vgpu_sched_params params = {
		.quantum_ns = QUANTUM,
		.preempt_timeout_ns = VGPU_SCHED_TIMEOUT_DEFAULT,
		.priority = VGPU_SCHED_PRIORITY_NORMAL,
	};
	struct vgpu_sched_why why;
	unsigned int i;

	*d = (struct device){
		.functions = functions, .now = 1000000, .random = 1,
		.running = VGPU_FUNCTION_NONE, .armed = VGPU_FUNCTION_NONE,
	};
	d->s = malloc(vgpu_sched_size(functions));
	if (vgpu_sched_init(d->s, &config, &ops, d, d->now))
		exit(1);
	for (i = 0; i < functions; i++) {
		/* Not all policies have weights. */
		params.weight = 100 * (1 + i % 8);
		if (vgpu_sched_set_params(d->s, i, &params, &why, d->now)) {
			params.weight = VGPU_SCHED_WEIGHT_DEFAULT;
			if (vgpu_sched_set_params(d->s, i, &params, &why, d->now))
				exit(1);
		}
		vgpu_sched_unpark(d->s, i, VGPU_SCHED_PARK_DISABLED, d->now);
		vgpu_sched_wake(d->s, i, d->now, d->now);
	}
	for (i = 0; i < WARM; i++)
		step(d, &unmarked);
}

/* ------------------------------------------------------------------------ */
/* Nanoseconds                                                               */

static u64 clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static struct {
	u64 since;
	u64 spent[WHATS];
	u64 times[WHATS];
} round;

static void begin_round(void)
{
	round.since = clock_ns();
}

static void end_round(enum what what)
{
	round.spent[what] += clock_ns() - round.since;
	round.times[what]++;
}

static const struct marks timed = { begin_round, end_round };

/* Mean of the best round, without what reading the clock takes. */
static void nanoseconds(struct device *d, double ns[WHATS])
{
	unsigned int i, n;
	enum what w;

	for (w = 0; w < WHATS; w++)
		ns[w] = 1e9;
	for (n = 0; n < ROUNDS; n++) {
		memset(&round, 0, sizeof(round));
		for (i = 0; i < TIMED; i++) {
			step(d, &timed);
			begin_round();
			end_round(NOTHING);
		}
		for (w = 0; w < WHATS; w++)
			if (round.times[w] &&
			    round.spent[w] < ns[w] * round.times[w])
				ns[w] = round.spent[w] / (double)round.times[w];
	}
	for (w = 0; w < NOTHING; w++)
		ns[w] = ns[w] < 1e9 ? ns[w] - ns[NOTHING] : 0;
}

/* ------------------------------------------------------------------------ */
/* Instructions                                                              */

struct count {
	unsigned long sum;
	unsigned long max;
	unsigned long times;
};

static void begin_stop(void)
{
	raise(SIGSTOP);
}

static void end_stop(enum what what)
{
	raise(ends[what]);
}

static const struct marks stopped = { begin_stop, end_stop };

static void child(struct device *d)
{
	unsigned int i;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(1);
	begin_stop();
	end_stop(NOTHING);
	for (i = 0; i < STEPPED; i++)
		step(d, &stopped);
	_exit(0);
}

/* To the next signal, which is returned; 0 if the child is gone. */
static int run(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_CONT, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
		return 0;
	return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

/* The same, counting instructions. */
static int count_to(pid_t pid, unsigned long *steps)
{
	int status;

	for (*steps = 0; ; ++*steps) {
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) ||
		    waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return 0;
		if (WSTOPSIG(status) != SIGTRAP)
			return WSTOPSIG(status);
	}
}

static enum what of_signal(int signal)
{
	enum what w = DECISION;

	while (w < NOTHING && ends[w] != signal)
		w++;
	return w;
}

static int instructions(struct device *d, struct count count[WHATS])
{
	unsigned long steps, empty = 0;
	int status, signal;
	enum what w;
	pid_t pid = fork();

	if (!pid)
		child(d);
	memset(count, 0, WHATS * sizeof(*count));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	do {
		signal = count_to(pid, &steps);
		w = of_signal(signal);
		if (w == NOTHING)
			empty = steps;
		steps -= min(steps, empty);
		count[w].sum += steps;
		count[w].max = max(count[w].max, steps);
		count[w].times++;
	} while (signal && run(pid));
	return count[DECISION].times == STEPPED ? 0 : -1;
}

/* ------------------------------------------------------------------------ */

static const char *const names[WHATS] = { "decision", "wake", "timer" };

static int print(const char *policy, unsigned int functions, const char *before)
{
	struct count count[WHATS];
	double ns[WHATS];
	struct device d;
	enum what w;

	begin(&d, policy, functions);
	if (instructions(&d, count)) {
		fprintf(stderr, "decide: the kernel does not allow single steps\n");
		return 1;
	}
	nanoseconds(&d, ns);
	printf("%s\n {\"policy\": \"%s\", \"functions\": %u", before, policy, functions);
	for (w = 0; w < NOTHING; w++)
		printf(", \"%s_ns\": %.1f, \"%s_instructions\": %.1f, \"%s_instructions_max\": %lu",
		       names[w], ns[w], names[w],
		       count[w].times ? count[w].sum / (double)count[w].times : 0,
		       names[w], count[w].max);
	printf(", \"timers_per_decision\": %.3f}",
	       count[TIMER].times / (double)count[DECISION].times);
	free(d.s);
	return 0;
}

/* All sizes of the default policy, some of the others. */
int main(void)
{
	static const unsigned int sizes[] = { 2, 4, 8, 16, 32, 64, 128, 255 };
	const char *before = "[";
	unsigned int i, j;

	for (i = 0; vgpu_sched_policy_at(i); i++)
		for (j = 0; j < ARRAY_SIZE(sizes); j += i ? 7 : 1) {
			if (print(vgpu_sched_policy_name(vgpu_sched_policy_at(i)),
				  sizes[j], before))
				return 1;
			before = ",";
		}
	printf("\n]\n");
	return 0;
}

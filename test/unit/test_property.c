// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random walks: anything that a device, its users and its driver can do happens
 * at any moment, and after every step all invariants are checked.
 *
 * VGPU_STEPS=n sets how many steps all walks take together. A walk that fails is
 * repeated with VGPU_SEED=n, as printed. It is also cut down to the stimuli that
 * are needed, which are printed as a trace: put into a file, that is played
 * again with VGPU_TRACE=file. VGPU_SHORTEN=0 leaves that out.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "trace.h"

#ifndef STEPS
#define STEPS		10000000
#endif

/**
 * struct kind - a kind of walks
 * @name: what it is called
 * @classic: which backend
 * @allowed: what may happen, WALK_*
 */
struct kind {
	const char *name;
	bool classic;
	u32 allowed;
};

#define FAULTY_WORLDS	(WALK_HANG | WALK_FLR | WALK_RESET | WALK_CLOSE | WALK_PARK)
#define FAULTY_RECORDS	(WALK_LOSE | WALK_VANISH | WALK_STUCK)
#define BAD_RECORDS	(WALK_GARBLE | WALK_TWICE)
#define SETTINGS	(WALK_PARAMS | WALK_SHARES | WALK_CAP | WALK_RESERVE)
#define EVERYTHING	(WALK_FAULTS | WALK_PARK | SETTINGS | WALK_POLICY | \
			 WALK_STALL | WALK_UNBOUNDED)

#define BOTH(name, allowed)						\
	{ "hardware_" name, false, allowed }, { "classic_" name, true, allowed }

static struct kind kinds[] = {
	BOTH("undisturbed", 0),
	BOTH("shares", WALK_SHARES),
	BOTH("caps", WALK_SHARES | WALK_CAP),
	BOTH("reservations", WALK_SHARES | WALK_RESERVE),
	BOTH("stalls", WALK_SHARES | WALK_STALL),
	BOTH("parking", WALK_SHARES | WALK_PARK),
	BOTH("settings", SETTINGS | WALK_PARK),
	BOTH("policies", WALK_PARAMS | WALK_POLICY | WALK_PARK),
	BOTH("lost_worlds", FAULTY_WORLDS),
	BOTH("lost_records", FAULTY_RECORDS),
	BOTH("bad_records", BAD_RECORDS | WALK_SHARES),
	BOTH("everything", EVERYTHING),
};

/* All walks together. */
static struct trace_result total;
static u64 walks;

static void add(struct walk_margin *sum, const struct walk_margin *one)
{
	sum->checks += one->checks;
	sum->permille = max(sum->permille, one->permille);
}

static void sum_up(const struct trace_result *result)
{
	walks++;
	total.steps += result->steps;
	add(&total.lag, &result->lag);
	add(&total.latency, &result->latency);
}

/* Cut a failing walk down, and print it. */
static void tell(struct walk_trace *t, u64 seed, struct trace_result result)
{
	unsigned int before = t->count;
	const char *shorten = getenv("VGPU_SHORTEN");
	unsigned int attempts;

	printf("# failed with VGPU_SEED=%llu in step %llu: %s: %s\n",
	       (unsigned long long)seed, (unsigned long long)result.steps,
	       result.where, result.what);
	if (shorten && !atoi(shorten))
		return;
	attempts = trace_shorten(t, NULL, &result);
	printf("# %u of %u stimuli are needed (%u attempts):\n", t->count, before,
	       attempts);
	trace_print(t, stdout, "# ");
	printf("# what happened last (ns, what):\n");
	result = trace_run(t, NULL, true);
	printf("# %s: %s\n", result.where, result.what);
}

static void walk(void **state)
{
	const struct kind *kind = *state;
	const char *given = getenv("VGPU_SEED");
	const char *length = getenv("VGPU_STEPS");
	u64 left = (length ? strtoull(length, NULL, 0) : STEPS) / ARRAY_SIZE(kinds);
	u64 seed = given ? strtoull(given, NULL, 0) : 1;
	struct walk_trace *t = trace_new();
	struct trace_result result;

	while (left) {
		walk_invent(t, seed, kind->classic, kind->allowed);
		t->setup.steps = min(t->setup.steps, left);
		left -= t->setup.steps;
		result = trace_run(t, NULL, false);
		sum_up(&result);
		if (result.failed) {
			tell(t, seed, result);
			fail();
		}
		if (given)
			break;
		seed++;
	}
	trace_free(t);
}

/* VGPU_TRACE */
static int replay(const char *name)
{
	FILE *file = fopen(name, "r");
	struct walk_trace *t = trace_new();
	struct trace_result result;

	if (!file || !trace_read(t, file)) {
		fprintf(stderr, "%s: cannot be read, or is no trace\n", name);
		return 2;
	}
	fclose(file);
	result = trace_run(t, NULL, true);
	printf("%s: %llu steps, %llu ns%s%s%s%s\n", name,
	       (unsigned long long)result.steps, (unsigned long long)result.at,
	       result.failed ? "; failed at " : "", result.where,
	       result.failed ? ": " : "", result.what);
	return result.failed;
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(kinds)];
	unsigned int i;
	int failed;

	if (getenv("VGPU_TRACE"))
		return replay(getenv("VGPU_TRACE"));
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		tests[i] = (struct CMUnitTest){
			.name = kinds[i].name, .test_func = walk,
			.initial_state = &kinds[i],
		};
	failed = cmocka_run_group_tests_name("property", tests, NULL, NULL);
	printf("# %llu steps in %llu walks; of its bound, the largest lag was %llu.%llu %% (%llu lags), the longest wait %llu.%llu %% (%llu moments)\n",
	       (unsigned long long)total.steps, (unsigned long long)walks,
	       (unsigned long long)total.lag.permille / 10,
	       (unsigned long long)total.lag.permille % 10,
	       (unsigned long long)total.lag.checks,
	       (unsigned long long)total.latency.permille / 10,
	       (unsigned long long)total.latency.permille % 10,
	       (unsigned long long)total.latency.checks);
	return failed;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a failing walk noticed, is its trace what happened, and is it cut down to
 * what matters?
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "trace.h"

#define ALLOWED		(WALK_HANG | WALK_FLR | WALK_PARK | WALK_PARAMS)

/* Not true after some time: function 1 never hangs while 2 is paused. */
static void false_claim(struct walk *w)
{
	const struct vgpu_sched *s = w->r->s;

	if (w->r->m.now < w->setup->start + SECOND || w->r->m.functions < 3)
		return;
	must(!(vgpu_sched_parked(s, 1) & VGPU_SCHED_PARK_HUNG) ||
	     !(vgpu_sched_parked(s, 2) & VGPU_SCHED_PARK_PAUSED));
}

/* Goes down in another way than by saying so. */
static void crash(struct walk *w)
{
	if (w->r->s->function[0].stats.slices > 10)
		abort();
}

static void late_crash(struct walk *w)
{
	if (w->steps == WALK_STEPS - 1)
		abort();
}

/* The first walk that fails, of at most 100. */
static struct trace_result find(struct walk_trace *t, void (*claim)(struct walk *w))
{
	struct trace_result result = { 0 };
	u64 seed;

	for (seed = 1; seed <= 100 && !result.failed; seed++) {
		walk_invent(t, seed, false, ALLOWED);
		t->setup.steps = WALK_STEPS;
		result = trace_run(t, claim, false);
	}
	assert_true(result.failed);
	return result;
}

/* A trace that was recorded does the same once more, and as text. */
static void replays(void **state)
{
	struct walk_trace *t = trace_new(), *copy = trace_new();
	struct trace_result result, again;
	FILE *file = tmpfile();

	(void)state;
	result = find(t, false_claim);
	t->invent = false;
	again = trace_run(t, false_claim, false);
	assert_memory_equal(&result, &again, sizeof(result));

	assert_non_null(file);
	trace_print(t, file, "# ");
	rewind(file);
	assert_true(trace_read(copy, file));
	assert_int_equal(copy->count, t->count);
	again = trace_run(copy, false_claim, false);
	assert_memory_equal(&result, &again, sizeof(result));
	fclose(file);
	trace_free(t);
	trace_free(copy);
}

static bool has(const struct walk_trace *t, enum walk_kind kind, u64 function)
{
	unsigned int i;

	for (i = 0; i < t->count; i++)
		if (t->stimulus[i].kind == kind && t->stimulus[i].function == function)
			return true;
	return false;
}

/*
 * What it takes to make the claim false: function 1 is started, has work, is
 * stuck, and has to leave for somebody else; 2 is paused.
 */
static void shortens(void **state)
{
	struct walk_trace *t = trace_new();
	struct trace_result result, shorter;
	unsigned int before;

	(void)state;
	result = find(t, false_claim);
	before = t->count;
	assert_in_range(trace_shorten(t, false_claim, &result), 1, 4000);
	shorter = trace_run(t, false_claim, false);
	printf("# %llu steps and %u stimuli became %llu steps and %u stimuli\n",
	       (unsigned long long)result.steps, before,
	       (unsigned long long)shorter.steps, t->count);
	trace_print(t, stdout, "# ");
	assert_true(shorter.failed);
	assert_string_equal(shorter.where, result.where);
	assert_in_range(t->count, 4, 8);
	assert_true(has(t, WALK_START, 1) || has(t, WALK_RECOVER, 1));
	assert_true(has(t, WALK_WORK, 1));
	assert_true(has(t, WALK_DO_HANG, 1));
	assert_true(has(t, WALK_DO_PARK, 2));
	trace_free(t);
}

/* A crash is a failure like others; what must happen 20000 steps late too. */
static void tells_crashes(void **state)
{
	struct walk_trace *t = trace_new();
	struct trace_result result;

	(void)state;
	result = find(t, crash);
	assert_string_equal(result.where, "signal 6");
	trace_shorten(t, crash, &result);
	assert_in_range(t->count, 1, 30);
	result = find(t, late_crash);
	assert_string_equal(result.where, "signal 6");
	trace_free(t);
}

/* A trace that is none is refused. */
static void refuses_nonsense(void **state)
{
	static const char *const text[] = {
		"", "functions = 0\nstart = 1\n", "functions = 1000\nstart = 1\n",
		"functions = 2\nstart = 0\n", "functions = 2\nstart = 1\npolicy = 99\n",
		"functions = 2\nstart = 1\n5: work 2 1 1\n",
	};
	struct walk_trace *t = trace_new();
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(text); i++) {
		FILE *file = fmemopen((char *)text[i], strlen(text[i]) + 1, "r");

		assert_non_null(file);
		assert_false(trace_read(t, file));
		fclose(file);
	}
	trace_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replays),
		cmocka_unit_test(shortens),
		cmocka_unit_test(tells_crashes),
		cmocka_unit_test(refuses_nonsense),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}

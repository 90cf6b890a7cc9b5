// SPDX-License-Identifier: GPL-2.0-only
/* The tournament against one that looks at everybody. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "random.h"
#include "tournament.h"

#define STEPS_OF_ONE	4000
#define RUNS		60

/**
 * struct pair - the tournament and what it has to be
 * @t: the tournament
 * @functions: numbers are below
 * @in: who takes part
 * @value: of those
 * @seed: of the random numbers
 */
struct pair {
	struct vgpu_sched_tournament t;
	unsigned int functions;
	bool in[VGPU_MAX_FUNCTIONS];
	u64 value[VGPU_MAX_FUNCTIONS];
	u64 seed;
};

static u16 expected_first(const struct pair *p)
{
	u16 first = VGPU_FUNCTION_NONE;
	u16 i;

	for (i = 0; i < p->functions; i++)
		if (p->in[i] && (first == VGPU_FUNCTION_NONE ||
				 (s64)(p->value[i] - p->value[first]) < 0))
			first = i;
	return first;
}

static void check(const struct pair *p)
{
	u16 i;

	for (i = 0; i < p->functions; i++)
		assert_int_equal(vgpu_sched_tournament_has(&p->t, i), p->in[i]);
	assert_int_equal(vgpu_sched_tournament_first(&p->t), expected_first(p));
}

/* Enter, or withdraw: that changes nothing beside the way from leaf to root. */
static void turn_over(struct pair *p, u16 function, u64 value)
{
	struct vgpu_sched_tournament before = p->t;
	unsigned int i, at;

	if (p->in[function]) {
		vgpu_sched_tournament_withdraw(&p->t, function);
	} else {
		p->value[function] = value;
		vgpu_sched_tournament_enter(&p->t, function, value);
	}
	p->in[function] = !p->in[function];
	for (at = p->t.leaves + function; at; at /= 2)
		before.winner[at] = p->t.winner[at];
	for (i = 0; i < ARRAY_SIZE(before.winner); i++)
		assert_int_equal(p->t.winner[i], before.winner[i]);
}

/* Values all around @base, @span apart at most; few of them are equal. */
static void run(unsigned int functions, u64 base, u64 span, u64 seed)
{
	struct pair p = { .functions = functions, .seed = seed };
	unsigned int step;

	vgpu_sched_tournament_init(&p.t, functions);
	check(&p);
	for (step = 0; step < STEPS_OF_ONE; step++) {
		turn_over(&p, random_below(&p.seed, functions), base + random_below(&p.seed, span));
		check(&p);
	}
}

static void random_steps(void **state)
{
	static const unsigned int functions[] = {
		1, 2, 5, 17, 64, VGPU_MAX_FUNCTIONS - 1, VGPU_MAX_FUNCTIONS
	};
	static const u64 span[] = { 4, 300, 1ull << 62 };
	u64 seed;

	(void)state;
	for (seed = 1; seed <= RUNS; seed++)
		run(functions[seed % 7], seed % 2 ? 0 : U64_MAX - seed % 100,
		    span[seed % 3], seed * 0x9e3779b97f4a7c15ull);
}

/* Values go on for ever: what is worse than all now is better than all some time. */
static void values_wrap(void **state)
{
	struct pair p = { .functions = 5, .seed = 1 };
	unsigned int step, wraps = 0;
	u64 base = 0;

	(void)state;
	vgpu_sched_tournament_init(&p.t, p.functions);
	for (step = 0; step < STEPS_OF_ONE; step++) {
		u16 first = vgpu_sched_tournament_first(&p.t);
		u16 f = random_below(&p.seed, p.functions);

		if (first != VGPU_FUNCTION_NONE) {
			wraps += p.value[first] < base;
			base = p.value[first];
		}
		turn_over(&p, p.in[f] ? first : f, base + (1ull << 61) + step);
		check(&p);
	}
	assert_true(wraps > 10);
}

/* From the lowest number on, from the highest, and all of them equal. */
static void sorted(void **state)
{
	struct pair p = { .functions = VGPU_MAX_FUNCTIONS };
	unsigned int kind;
	u16 i;

	(void)state;
	for (kind = 0; kind < 3; kind++) {
		vgpu_sched_tournament_init(&p.t, p.functions);
		for (i = 0; i < p.functions; i++) {
			turn_over(&p, i, kind == 0 ? (u64)i : kind == 1 ? U64_MAX - i : 7);
			check(&p);
		}
		for (i = 0; i < p.functions; i++) {
			turn_over(&p, vgpu_sched_tournament_first(&p.t), 0);
			check(&p);
		}
		assert_int_equal(vgpu_sched_tournament_first(&p.t), VGPU_FUNCTION_NONE);
	}
}

/* No larger than it must be: for n functions it is ceil(log2 n) high. */
static void size(void **state)
{
	static const unsigned int leaves[][2] = {
		{ 1, 1 }, { 2, 2 }, { 3, 4 }, { 4, 4 }, { 5, 8 }, { 16, 16 }, { 17, 32 },
		{ 129, 256 }, { 255, 256 }, { 256, 256 },
	};
	struct vgpu_sched_tournament t;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		vgpu_sched_tournament_init(&t, leaves[i][0]);
		assert_int_equal(t.leaves, leaves[i][1]);
		assert_int_equal(vgpu_sched_tournament_first(&t), VGPU_FUNCTION_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_steps),
		cmocka_unit_test(values_wrap),
		cmocka_unit_test(sorted),
		cmocka_unit_test(size),
	};

	return cmocka_run_group_tests_name("tournament", tests, NULL, NULL);
}

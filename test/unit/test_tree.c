// SPDX-License-Identifier: GPL-2.0-only
/* The ordered set against one that looks at everybody. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "random.h"
#include "tree.h"

#define STEPS_OF_ONE	4000
#define RUNS		60

/**
 * struct pair - the set and what it has to be
 * @tree: the set
 * @functions: numbers are below
 * @in: who is in it
 * @key: of those
 * @value: ditto
 * @seed: of the random numbers
 */
struct pair {
	struct vgpu_sched_tree tree;
	unsigned int functions;
	bool in[VGPU_MAX_FUNCTIONS];
	u64 key[VGPU_MAX_FUNCTIONS];
	u64 value[VGPU_MAX_FUNCTIONS];
	u64 seed;
};

static bool precedes(u64 a, u16 a_function, u64 b, u16 b_function)
{
	return a == b ? a_function < b_function : (s64)(a - b) < 0;
}

static unsigned int check_subtree(const struct pair *p, u16 at, unsigned int *count)
{
	const struct vgpu_sched_node *node;
	unsigned int left, right;

	if (at == VGPU_FUNCTION_NONE)
		return 0;
	node = &p->tree.node[at];
	assert_true(p->in[at]);
	++*count;
	left = check_subtree(p, node->left, count);
	right = check_subtree(p, node->right, count);
	assert_true(left <= right + 1 && right <= left + 1);
	assert_int_equal(node->height, 1 + (left > right ? left : right));
	return node->height;
}

static u16 expected_best(const struct pair *p, u64 limit)
{
	u16 best = VGPU_FUNCTION_NONE;
	u16 i;

	for (i = 0; i < p->functions; i++)
		if (p->in[i] && (s64)(limit - p->key[i]) >= 0 &&
		    (best == VGPU_FUNCTION_NONE ||
		     precedes(p->value[i], i, p->value[best], best)))
			best = i;
	return best;
}

static u16 expected_first(const struct pair *p)
{
	u16 first = VGPU_FUNCTION_NONE;
	u16 i;

	for (i = 0; i < p->functions; i++)
		if (p->in[i] && (first == VGPU_FUNCTION_NONE ||
				 precedes(p->key[i], i, p->key[first], first)))
			first = i;
	return first;
}

static void check(struct pair *p, u64 limit)
{
	unsigned int count = 0, members = 0;
	u16 i;

	check_subtree(p, p->tree.root, &count);
	for (i = 0; i < p->functions; i++) {
		assert_int_equal(vgpu_sched_tree_has(&p->tree, i), p->in[i]);
		members += p->in[i];
	}
	assert_int_equal(count, members);
	assert_int_equal(vgpu_sched_tree_first(&p->tree), expected_first(p));
	assert_int_equal(vgpu_sched_tree_best(&p->tree, limit), expected_best(p, limit));
}

/* Keys and values all around @base, @span apart at most; few of them are equal. */
static void run(unsigned int functions, u64 base, u64 span, u64 seed)
{
	struct pair p = { .functions = functions, .seed = seed };
	unsigned int step;

	vgpu_sched_tree_init(&p.tree);
	for (step = 0; step < STEPS_OF_ONE; step++) {
		u16 f = random_below(&p.seed, functions);

		if (p.in[f]) {
			vgpu_sched_tree_remove(&p.tree, f);
		} else {
			p.key[f] = base + random_below(&p.seed, span);
			p.value[f] = base + random_below(&p.seed, span);
			vgpu_sched_tree_insert(&p.tree, f, p.key[f], p.value[f]);
		}
		p.in[f] = !p.in[f];
		check(&p, base + random_below(&p.seed, span + span / 8) - span / 16);
	}
}

static void random_steps(void **state)
{
	static const unsigned int functions[] = { 1, 2, 5, 17, 64, VGPU_MAX_FUNCTIONS };
	static const u64 span[] = { 4, 300, 1ull << 62 };
	u64 seed;

	(void)state;
	for (seed = 1; seed <= RUNS; seed++)
		run(functions[seed % 6], seed % 2 ? 0 : U64_MAX - seed % 100,
		    span[seed % 3], seed * 0x9e3779b97f4a7c15ull);
}

/* Up, down, and from both ends: what rotations are for. */
static void sorted(void **state)
{
	struct pair p = { .functions = VGPU_MAX_FUNCTIONS };
	unsigned int kind;
	u16 i;

	(void)state;
	for (kind = 0; kind < 3; kind++) {
		vgpu_sched_tree_init(&p.tree);
		for (i = 0; i < p.functions; i++) {
			p.key[i] = kind == 0 ? (u64)i : kind == 1 ? U64_MAX - i :
				   (u64)(i % 2 ? 1000 - i : i);
			p.value[i] = i * 7919 % 1009;
			vgpu_sched_tree_insert(&p.tree, i, p.key[i], p.value[i]);
			p.in[i] = true;
			check(&p, p.key[i]);
		}
		assert_in_range(p.tree.node[p.tree.root].height, 8, 11);
		for (i = 0; i < p.functions; i++) {
			u16 first = vgpu_sched_tree_first(&p.tree);

			vgpu_sched_tree_remove(&p.tree, first);
			p.in[first] = false;
			check(&p, p.key[p.functions / 2]);
		}
		assert_int_equal(p.tree.root, VGPU_FUNCTION_NONE);
	}
}

static void empty(void **state)
{
	struct vgpu_sched_tree t;

	(void)state;
	vgpu_sched_tree_init(&t);
	assert_int_equal(vgpu_sched_tree_first(&t), VGPU_FUNCTION_NONE);
	assert_int_equal(vgpu_sched_tree_best(&t, 0), VGPU_FUNCTION_NONE);
	assert_false(vgpu_sched_tree_has(&t, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_steps),
		cmocka_unit_test(sorted),
		cmocka_unit_test(empty),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}

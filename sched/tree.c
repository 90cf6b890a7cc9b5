// SPDX-License-Identifier: GPL-2.0-only
/* An ordered set of functions; see tree.h. */
#include "tree.h"

/* An AVL tree of height 13 has at least 609 members, more than there can be. */
#define TREE_DEPTH	13

static unsigned int height(const struct vgpu_sched_tree *t, u16 function)
{
	return function == VGPU_FUNCTION_NONE ? 0 : t->node[function].height;
}

static bool is_before(u64 a, u16 a_function, u64 b, u16 b_function)
{
	s64 difference = a - b;

	return difference < 0 || (!difference && a_function < b_function);
}

static const struct vgpu_sched_node *child(const struct vgpu_sched_tree *t, u16 function)
{
	return function == VGPU_FUNCTION_NONE ? NULL : &t->node[function];
}

/*
 * The children of @function, which differ by one in height at most, have changed.
 * Return: whether anything changes for what is above.
 */
static bool update(struct vgpu_sched_tree *t, u16 function)
{
	struct vgpu_sched_node *node = &t->node[function];
	const struct vgpu_sched_node *left = child(t, node->left);
	const struct vgpu_sched_node *right = child(t, node->right);
	u64 value = node->value;
	u16 best = function;
	u16 height = 0;

	if (left) {
		height = left->height;
		if (is_before(left->best_value, left->best, value, best)) {
			best = left->best;
			value = left->best_value;
		}
	}
	if (right) {
		height = max(height, right->height);
		if (is_before(right->best_value, right->best, value, best)) {
			best = right->best;
			value = right->best_value;
		}
	}
	height++;
	if (node->height == height && node->best == best)
		return false;
	node->height = height;
	node->best = best;
	node->best_value = value;
	return true;
}

static void rotate_left(struct vgpu_sched_tree *t, u16 *link)
{
	u16 old = *link, new = t->node[old].right;

	t->node[old].right = t->node[new].left;
	t->node[new].left = old;
	update(t, old);
	update(t, new);
	*link = new;
}

static void rotate_right(struct vgpu_sched_tree *t, u16 *link)
{
	u16 old = *link, new = t->node[old].left;

	t->node[old].left = t->node[new].right;
	t->node[new].right = old;
	update(t, old);
	update(t, new);
	*link = new;
}

/* The subtrees below @link are balanced, but differ by two in height. */
static void rotate(struct vgpu_sched_tree *t, u16 *link, bool left_is_higher)
{
	struct vgpu_sched_node *node = &t->node[*link];

	if (left_is_higher) {
		struct vgpu_sched_node *child = &t->node[node->left];

		if (height(t, child->left) < height(t, child->right))
			rotate_left(t, &node->left);
		rotate_right(t, link);
	} else {
		struct vgpu_sched_node *child = &t->node[node->right];

		if (height(t, child->right) < height(t, child->left))
			rotate_right(t, &node->right);
		rotate_left(t, link);
	}
}

/*
 * The subtrees below @link are balanced, and differ by two in height at most.
 * Return: whether anything changes for what is above.
 */
static bool balance(struct vgpu_sched_tree *t, u16 *link)
{
	const struct vgpu_sched_node *node = &t->node[*link];
	unsigned int left = height(t, node->left);
	unsigned int right = height(t, node->right);

	if (left > right + 1 || right > left + 1) {
		rotate(t, link, left > right);
		return true;
	}
	return update(t, *link);
}

/**
 * vgpu_sched_tree_init() - make an empty set
 * @t: the set
 */
void vgpu_sched_tree_init(struct vgpu_sched_tree *t)
{
	memset(t, 0, sizeof(*t));
	t->root = VGPU_FUNCTION_NONE;
}

/**
 * vgpu_sched_tree_insert() - add a function
 * @t: the set
 * @function: not in the set
 * @key: what it is ordered by
 * @value: of which the smallest is looked for
 */
void vgpu_sched_tree_insert(struct vgpu_sched_tree *t, u16 function, u64 key, u64 value)
{
	struct vgpu_sched_node *node = &t->node[function];
	u16 *path[TREE_DEPTH];
	unsigned int depth = 0;
	u16 *link = &t->root;

	*node = (struct vgpu_sched_node){
		.key = key,
		.value = value,
		.left = VGPU_FUNCTION_NONE,
		.right = VGPU_FUNCTION_NONE,
		.best = function,
		.best_value = value,
		.height = 1,
	};
	while (*link != VGPU_FUNCTION_NONE) {
		struct vgpu_sched_node *at = &t->node[*link];

		path[depth++] = link;
		link = is_before(key, function, at->key, *link) ? &at->left : &at->right;
	}
	*link = function;
	while (depth && balance(t, path[depth - 1]))
		depth--;
}

/**
 * vgpu_sched_tree_remove() - take a function out
 * @t: the set
 * @function: in the set
 */
void vgpu_sched_tree_remove(struct vgpu_sched_tree *t, u16 function)
{
	struct vgpu_sched_node *node = &t->node[function];
	u16 *path[TREE_DEPTH];
	unsigned int depth = 0, below = TREE_DEPTH;
	u16 *link = &t->root;
	u16 next, *next_link;

	while (*link != function) {
		struct vgpu_sched_node *at = &t->node[*link];

		path[depth++] = link;
		link = is_before(node->key, function, at->key, *link) ?
		       &at->left : &at->right;
	}
	if (node->left == VGPU_FUNCTION_NONE || node->right == VGPU_FUNCTION_NONE) {
		*link = node->left == VGPU_FUNCTION_NONE ? node->right : node->left;
	} else {
		/* The next larger one takes its place. */
		path[depth++] = link;
		below = depth;
		next_link = &node->right;
		while (t->node[*next_link].left != VGPU_FUNCTION_NONE) {
			path[depth++] = next_link;
			next_link = &t->node[*next_link].left;
		}
		next = *next_link;
		*next_link = t->node[next].right;
		t->node[next].left = node->left;
		t->node[next].right = node->right;
		*link = next;
		if (depth > below)
			path[below] = &t->node[next].right;
		/* What is in its place now has not seen its subtrees yet. */
		t->node[next].height = 0;
	}
	node->height = 0;
	while (depth) {
		depth--;
		if (!balance(t, path[depth]) && depth < below)
			break;
	}
}

/**
 * vgpu_sched_tree_first() - the function with the smallest key
 * @t: the set
 *
 * Return: the function, or VGPU_FUNCTION_NONE if the set is empty.
 */
u16 vgpu_sched_tree_first(const struct vgpu_sched_tree *t)
{
	u16 at = t->root;

	while (at != VGPU_FUNCTION_NONE && t->node[at].left != VGPU_FUNCTION_NONE)
		at = t->node[at].left;
	return at;
}

/**
 * vgpu_sched_tree_best() - the smallest value among keys up to a limit
 * @t: the set
 * @limit: largest key that counts
 *
 * Return: the function, or VGPU_FUNCTION_NONE if all keys are larger.
 */
u16 vgpu_sched_tree_best(const struct vgpu_sched_tree *t, u64 limit)
{
	u16 best = VGPU_FUNCTION_NONE;
	u16 at = t->root;
	u64 value = 0;

	/* Who has the smallest value of all mostly is within the limit. */
	if (at != VGPU_FUNCTION_NONE) {
		best = t->node[at].best;
		if (!vgpu_sched_before(limit, t->node[best].key))
			return best;
		best = VGPU_FUNCTION_NONE;
	}
	while (at != VGPU_FUNCTION_NONE) {
		const struct vgpu_sched_node *node = &t->node[at];
		u16 left = node->left;

		if (vgpu_sched_before(limit, node->key)) {
			at = left;
			continue;
		}
		if (best == VGPU_FUNCTION_NONE ||
		    is_before(node->value, at, value, best)) {
			best = at;
			value = node->value;
		}
		if (left != VGPU_FUNCTION_NONE &&
		    is_before(t->node[left].best_value, t->node[left].best, value, best)) {
			best = t->node[left].best;
			value = t->node[left].best_value;
		}
		at = node->right;
	}
	return best;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An ordered set of functions: an AVL tree (Adelson-Velsky and Landis 1962) in an
 * array, so it needs no allocation and holds no pointers.
 *
 * Members are ordered by a key. Each has a value, too, and each subtree knows its
 * member with the smallest value, so "the smallest value among all keys up to a
 * limit" is one walk from the root; the scheme is that of augmented trees in
 * Cormen et al., and of the one that EEVDF was published with. All of it takes
 * O(log n), at most 1.45 log2 n steps.
 *
 * Keys and values are compared by signed difference, so they may wrap as long as
 * those of all members are less than 2^63 apart. Equal ones are ordered by the
 * number of the function.
 */
#ifndef VGPU_SCHED_TREE_H
#define VGPU_SCHED_TREE_H

#include "portable.h"
#include <vgpu/regs.h>

/**
 * struct vgpu_sched_node - one function in the set
 * @key: what it is ordered by
 * @value: of which the smallest is looked for
 * @left: subtree of smaller keys, VGPU_FUNCTION_NONE if empty
 * @right: subtree of larger keys
 * @best: the function with the smallest value of this subtree
 * @best_value: its value
 * @height: of this subtree, 0 if the function is not in the set
 */
struct vgpu_sched_node {
	u64 key;
	u64 value;
	u64 best_value;
	u16 left;
	u16 right;
	u16 best;
	u16 height;
};

/**
 * struct vgpu_sched_tree - the set
 * @root: the topmost function, VGPU_FUNCTION_NONE if it is empty
 * @node: for each function
 */
struct vgpu_sched_tree {
	u16 root;
	struct vgpu_sched_node node[VGPU_MAX_FUNCTIONS];
};

static inline bool vgpu_sched_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static inline bool vgpu_sched_tree_has(const struct vgpu_sched_tree *t, u16 function)
{
	return t->node[function].height;
}

void vgpu_sched_tree_init(struct vgpu_sched_tree *t);
void vgpu_sched_tree_insert(struct vgpu_sched_tree *t, u16 function, u64 key, u64 value);
void vgpu_sched_tree_remove(struct vgpu_sched_tree *t, u16 function);
u16 vgpu_sched_tree_first(const struct vgpu_sched_tree *t);
u16 vgpu_sched_tree_best(const struct vgpu_sched_tree *t, u64 limit);

#endif

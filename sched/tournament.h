/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The function with the smallest value: a tournament (D. Knuth, The Art of Computer
 * Programming 3, 5.2.3) in an array, so it needs no allocation and holds no
 * pointers.
 *
 * Each function has a leaf of a binary tree of its own, which is empty unless the
 * function takes part; each node above knows which of its two children has the
 * smaller value. Who enters or withdraws changes nodes between its leaf and the
 * root only: log2 n, whatever the others have. There is nothing to be balanced.
 *
 * Values are compared by signed difference, so they may wrap as long as those of
 * all who take part are less than 2^62 apart. Of equal ones the function with the
 * lower number wins.
 */
#ifndef VGPU_SCHED_TOURNAMENT_H
#define VGPU_SCHED_TOURNAMENT_H

#include "portable.h"
#include <vgpu/regs.h>

/** VGPU_SCHED_NOBODY - in a tournament: no function, so that it has a value, too */
#define VGPU_SCHED_NOBODY	VGPU_MAX_FUNCTIONS

/**
 * struct vgpu_sched_tournament - who takes part, and who wins
 * @leaves: how many there are, a power of 2
 * @winner: of each node, VGPU_SCHED_NOBODY if nobody takes part: the root is 1, the
 *	children of i are 2 i and 2 i + 1, the leaf of function f is @leaves + f
 * @value: of each function that takes part, and of nobody: worse than all of them
 */
struct vgpu_sched_tournament {
	u16 leaves;
	u16 winner[2 * VGPU_MAX_FUNCTIONS];
	u64 value[VGPU_MAX_FUNCTIONS + 1];
};

static inline bool vgpu_sched_tournament_has(const struct vgpu_sched_tournament *t,
					     u16 function)
{
	return t->winner[t->leaves + function] == function;
}

/* The function with the smallest value, VGPU_FUNCTION_NONE if nobody takes part. */
static inline u16 vgpu_sched_tournament_first(const struct vgpu_sched_tournament *t)
{
	return t->winner[1] == VGPU_SCHED_NOBODY ? VGPU_FUNCTION_NONE : t->winner[1];
}

void vgpu_sched_tournament_init(struct vgpu_sched_tournament *t, unsigned int functions);
void vgpu_sched_tournament_enter(struct vgpu_sched_tournament *t, u16 function, u64 value);
void vgpu_sched_tournament_withdraw(struct vgpu_sched_tournament *t, u16 function);

#endif

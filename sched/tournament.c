// SPDX-License-Identifier: GPL-2.0-only
/* The function with the smallest value; see tournament.h. */
#include "tournament.h"

/* Nobody comes after everybody. */
#define TOURNAMENT_FAR	BIT_ULL(62)

/*
 * @winner is in the leaf of @function now. Play again all that follows from that: up
 * to where the winner is who it was, for neither has its value changed.
 */
static void play(struct vgpu_sched_tournament *t, u16 function, u16 winner)
{
	unsigned int at = t->leaves + function;
	u64 value = t->value[winner];

	t->winner[at] = winner;
	while (at > 1) {
		u16 other = t->winner[at ^ 1];
		u64 other_value = t->value[other];
		bool lost = (s64)(other_value - value) < (other < winner);

		winner = lost ? other : winner;
		value = lost ? other_value : value;
		at /= 2;
		if (t->winner[at] == winner)
			return;
		t->winner[at] = winner;
	}
}

/**
 * vgpu_sched_tournament_init() - nobody takes part
 * @t: the tournament
 * @functions: their numbers are below
 */
void vgpu_sched_tournament_init(struct vgpu_sched_tournament *t, unsigned int functions)
{
	unsigned int i;

	memset(t, 0, sizeof(*t));
	t->leaves = 1;
	while (t->leaves < functions)
		t->leaves *= 2;
	for (i = 0; i < ARRAY_SIZE(t->winner); i++)
		t->winner[i] = VGPU_SCHED_NOBODY;
}

/**
 * vgpu_sched_tournament_enter() - a function takes part
 * @t: the tournament
 * @function: which one; it does not take part yet
 * @value: the smallest one wins
 */
void vgpu_sched_tournament_enter(struct vgpu_sched_tournament *t, u16 function, u64 value)
{
	t->value[function] = value;
	t->value[VGPU_SCHED_NOBODY] = value;
	play(t, function, function);
}

/**
 * vgpu_sched_tournament_withdraw() - a function does not take part any more
 * @t: the tournament
 * @function: which one; it takes part
 */
void vgpu_sched_tournament_withdraw(struct vgpu_sched_tournament *t, u16 function)
{
	t->value[VGPU_SCHED_NOBODY] = t->value[function] + TOURNAMENT_FAR;
	play(t, function, VGPU_SCHED_NOBODY);
}

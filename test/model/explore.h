/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Explores everything that can happen, breadth first: so a trace that breaks a
 * property is a shortest one, and "depth" is the number of steps for which
 * nothing that can happen does.
 *
 * States that were seen are known again by a hash of 64 bits. That two of n
 * states share one, and the second goes unexplored, has the probability
 * n^2 / 2^65: 10^-7 for two million.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include "system.h"

#define TRACE_MAX	400

/**
 * struct result - of an exploration
 * @broken: the property that does not hold, NULL if all do
 * @complete: there is no further state
 * @states: different ones
 * @steps: between them
 * @depth: steps from the first state to where all is explored
 * @waits_for: see struct verdict
 * @owed_for: ditto
 * @steps_to: length of @trace
 * @trace: how @broken comes about
 */
struct result {
	const char *broken;
	bool complete;
	u64 states;
	u64 steps;
	unsigned int depth;
	unsigned int waits_for;
	unsigned int owed_for;
	unsigned int steps_to;
	struct step trace[TRACE_MAX];
};

void explore(const struct setup *with, u64 states_max, struct result *result);
void explore_tell_size(const struct setup *with, const struct result *result);
void explore_tell(const struct setup *with, const struct result *result);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers and times. Every user has a stream of its own, so that what one
 * draws does not depend on what the others do.
 */
#ifndef DISTRIBUTION_H
#define DISTRIBUTION_H

#include "portable.h"

#define DISTRIBUTION_MIX	8

/**
 * enum distribution_kind - how a time is drawn
 * @DISTRIBUTION_CONSTANT: always @low
 * @DISTRIBUTION_UNIFORM: every ns from @low to @high
 * @DISTRIBUTION_EXPONENTIAL: mean @low
 * @DISTRIBUTION_MIX_OF: one of @mix, by its weight
 */
enum distribution_kind {
	DISTRIBUTION_CONSTANT,
	DISTRIBUTION_UNIFORM,
	DISTRIBUTION_EXPONENTIAL,
	DISTRIBUTION_MIX_OF,
};

/**
 * struct distribution - a random time
 * @kind: how it is drawn
 * @low: see there, ns
 * @high: ditto
 * @mix: values and how often each comes
 * @mixed: how many of these there are
 * @weights: sum of the weights
 */
struct distribution {
	enum distribution_kind kind;
	u64 low;
	u64 high;
	struct {
		u64 value;
		u32 weight;
	} mix[DISTRIBUTION_MIX];
	unsigned int mixed;
	u64 weights;
};

u64 random_seed(u64 seed, u64 stream);
u64 random_below(u64 *state, u64 below);
u64 distribution_draw(const struct distribution *d, u64 *state);
u64 distribution_max(const struct distribution *d);

#endif

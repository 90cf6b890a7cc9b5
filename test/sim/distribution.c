// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include "distribution.h"

static u64 mix(u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* The state that stream number @stream of @seed begins with. */
u64 random_seed(u64 seed, u64 stream)
{
	return mix(mix(seed + 0x9e3779b97f4a7c15ull) + stream);
}

/* SplitMix64 (Steele, Lea, Flood 2014); 0…@below − 1, or all bits if that is 0. */
u64 random_below(u64 *state, u64 below)
{
	u64 bits;

	*state += 0x9e3779b97f4a7c15ull;
	bits = mix(*state);
	return below ? (u64)((unsigned __int128)bits * below >> 64) : bits;
}

static u64 draw_mix(const struct distribution *d, u64 *state)
{
	u64 place = random_below(state, d->weights);
	unsigned int i;

	for (i = 0; i + 1 < d->mixed && place >= d->mix[i].weight; i++)
		place -= d->mix[i].weight;
	return d->mix[i].value;
}

u64 distribution_draw(const struct distribution *d, u64 *state)
{
	switch (d->kind) {
	case DISTRIBUTION_UNIFORM:
		return d->low + random_below(state, d->high - d->low + 1);
	case DISTRIBUTION_EXPONENTIAL:
		return -log1p(-(double)(random_below(state, 0) >> 11) / (1ull << 53)) *
		       d->low;
	case DISTRIBUTION_MIX_OF:
		return draw_mix(d, state);
	default:
		return d->low;
	}
}

/* The largest value that it can have, for an exponential one what is ever likely. */
u64 distribution_max(const struct distribution *d)
{
	u64 largest = 0;
	unsigned int i;

	switch (d->kind) {
	case DISTRIBUTION_UNIFORM:
		return d->high;
	case DISTRIBUTION_EXPONENTIAL:
		return 40 * d->low;
	case DISTRIBUTION_MIX_OF:
		for (i = 0; i < d->mixed; i++)
			largest = max(largest, d->mix[i].value);
		return largest;
	default:
		return d->low;
	}
}

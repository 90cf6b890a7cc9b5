// SPDX-License-Identifier: GPL-2.0-only
#include "random.h"

/* xorshift64* (S. Vigna): not good for secrets, good for tests. */
u64 random_below(u64 *seed, u64 below)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return below ? (*seed * 2685821657736338717ull >> 11) % below : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * fault SET-UP PROPERTY: explores, with a fault in one of the objects. Succeeds if
 * that property breaks.
 */
#include <stdio.h>
#include "explore.h"

#define STATES	3000000

static const struct setup *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < setups_count; i++)
		if (!strcmp(setups[i].name, name))
			return &setups[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct setup *with = argc == 3 ? find(argv[1]) : NULL;
	static struct result result;

	if (!with) {
		fprintf(stderr, "fault: there is no such set-up\n");
		return 2;
	}
	explore(with, STATES, &result);
	if (result.broken && !strcmp(result.broken, argv[2])) {
		explore_tell_size(with, &result);
		return 0;
	}
	explore_tell(with, &result);
	return 1;
}

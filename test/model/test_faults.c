// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exploration finds what it is there to find: each fault of the list "faults"
 * is in a program of its own beside this one, and must break the property named.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct fault {
	const char *name;
	const char *setup;
	const char *property;
};

static const struct fault faults[] = {
#include "faults.inc"
};

static char folder[4096];

static void is_found(void **state)
{
	const struct fault *fault = *state;
	char command[sizeof(folder) + 256];

	snprintf(command, sizeof(command), "'%s/faulty_%s' '%s' '%s'", folder,
		 fault->name, fault->setup, fault->property);
	fflush(stdout);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	enum { COUNT = sizeof(faults) / sizeof(faults[0]) };
	struct CMUnitTest test[COUNT];
	ssize_t length = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	unsigned int i;

	if (length < 0)
		return 1;
	*strrchr(folder, '/') = 0;
	for (i = 0; i < COUNT; i++)
		test[i] = (struct CMUnitTest){
			.name = faults[i].name, .test_func = is_found,
			.initial_state = (void *)&faults[i],
		};
	return _cmocka_run_group_tests("faults", test, COUNT, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replays the corpus: what "make fuzz" has found worth keeping, one input a line,
 * in hexadecimal digits. A failure aborts and has said what must be true; the
 * last line begun is the input.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>
#include "fuzz.h"

#define LINE_MAX_BYTES	4096

static int digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static unsigned int replay(const char *path, int (*target)(const uint8_t *, size_t))
{
	static char line[2 * LINE_MAX_BYTES + 2];
	static uint8_t data[LINE_MAX_BYTES];
	FILE *file = fopen(path, "r");
	unsigned int inputs = 0;
	size_t i, bytes;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#')
			continue;
		bytes = strspn(line, "0123456789abcdef") / 2;
		for (i = 0; i < bytes; i++)
			data[i] = digit(line[2 * i]) << 4 | digit(line[2 * i + 1]);
		fprintf(stderr, "%s", line);
		target(data, bytes);
		inputs++;
	}
	fclose(file);
	return inputs;
}

static void core(void **state)
{
	(void)state;
	assert_true(replay(CORPUS "/core", fuzz_core) > 10);
}

static void sequencer(void **state)
{
	(void)state;
	assert_true(replay(CORPUS "/sequencer", fuzz_sequencer) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(core),
		cmocka_unit_test(sequencer),
	};

	return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}

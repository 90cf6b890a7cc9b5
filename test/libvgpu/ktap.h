/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KTAP (Documentation/dev-tools/ktap.rst) for test programs in C. To be included
 * by the one file of a program.
 */
#ifndef LIBVGPU_KTAP_H
#define LIBVGPU_KTAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ktap_results, ktap_failures, ktap_skips;

static inline void ktap_begin(const char *name)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n# %s\n", name);
}

/** ktap_ok() - one result; returns what it was given */
static inline __attribute__((format(printf, 2, 3)))
bool ktap_ok(bool ok, const char *what, ...)
{
	va_list args;

	va_start(args, what);
	printf("%sok %d ", ok ? "" : "not ", ++ktap_results);
	vprintf(what, args);
	printf("\n");
	va_end(args);
	ktap_failures += !ok;
	return ok;
}

static inline void ktap_skip(const char *what, const char *why)
{
	printf("ok %d %s # SKIP %s\n", ++ktap_results, what, why);
	ktap_skips++;
}

/** ktap_equal() - one result of comparing numbers, with both if they differ */
static inline bool ktap_equal(long long got, long long want, const char *what)
{
	if (ktap_ok(got == want, "%s", what))
		return true;
	printf("# expected %lld, found %lld", want, got);
	if (got < 0 && got > -4096)
		printf(" (%s)", strerror(-got));
	printf("\n");
	return false;
}

/** ktap_must() - end the program if what everything else needs fails */
static inline void ktap_must(int ret, const char *what)
{
	if (!ret)
		return;
	printf("Bail out! %s: %s\n", what, strerror(-ret));
	exit(1);
}

/** ktap_end() - the plan and the totals; for main() to return */
static inline int ktap_end(void)
{
	printf("1..%d\n# totals: pass:%d fail:%d skip:%d\n", ktap_results,
	       ktap_results - ktap_failures - ktap_skips, ktap_failures, ktap_skips);
	return !!ktap_failures;
}

#endif

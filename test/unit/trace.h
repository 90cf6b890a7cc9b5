/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traces of walks: taken in a process of their own, so that whatever happens
 * there can be told, written down, read, and made as short as possible.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdio.h>
#include "walk.h"

/**
 * struct trace_result - how a walk ended
 * @failed: not as it should
 * @where: file and line, or the signal
 * @what: what was not true
 * @steps: steps taken
 * @at: ns since its start
 * @lag: how close lags came to their bounds
 * @latency: how close waiting came to its bound
 */
struct trace_result {
	bool failed;
	char where[80];
	char what[256];
	u64 steps;
	u64 at;
	struct walk_margin lag;
	struct walk_margin latency;
};

struct walk_trace *trace_new(void);
void trace_free(struct walk_trace *t);
struct trace_result trace_run(struct walk_trace *t, void (*claim)(struct walk *w),
			      bool tell);
unsigned int trace_shorten(struct walk_trace *t, void (*claim)(struct walk *w),
			   const struct trace_result *result);
void trace_print(const struct walk_trace *t, FILE *file, const char *prefix);
bool trace_read(struct walk_trace *t, FILE *file);

#endif

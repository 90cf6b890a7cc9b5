/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The books of a walk, kept a second time: from the records alone, by the drawing in
 * sched/account.c and the comments in sched/vgpu_sched.h, and compared with what the
 * core says after every step.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "rig.h"

struct walk;

/**
 * struct ledger_times - a distribution, as far as it is compared
 * @count: values
 * @sum: of them, ns
 * @max: largest of them, ns
 */
struct ledger_times {
	u64 count;
	u64 sum;
	u64 max;
};

/**
 * struct ledger_page - what is kept for one function, and for all together
 * @runtime: as in struct vgpu_sched_stats, as all of it
 * @slices: ditto
 * @switches: ditto
 * @overrun: ditto
 * @save: ditto
 * @load: ditto
 * @overhead: ditto
 * @misses: ditto, of deadlines
 * @hangs: ditto
 * @wakes: ditto
 * @request: ditto
 * @quiesce: ditto
 * @wake: ditto
 * @gap: ditto
 */
struct ledger_page {
	u64 runtime;
	u64 slices;
	u64 switches[VGPU_SCHED_REASONS];
	u64 overrun;
	u64 save;
	u64 load;
	u64 overhead;
	u64 misses;
	u64 hangs;
	u64 wakes;
	struct ledger_times request;
	struct ledger_times quiesce;
	struct ledger_times wake;
	struct ledger_times gap;
};

/**
 * struct ledger - all of it
 * @total: all functions together
 * @page: each function
 * @dirty: whose page has changed since it was compared
 * @start: what is before is not accounted
 * @last: what is before has been
 * @estimated: nothing but an estimate says so
 * @empty: time without a world
 * @backwards: records with times in a wrong order
 * @missing: records without a time, or with one that cannot be
 * @duplicates: records that came twice
 * @stale: IDLE that was older than RUNNABLE
 * @lost: LOST
 * @refused: REFUSED
 * @before: the last record
 */
struct ledger {
	struct ledger_page total;
	struct ledger_page page[MODEL_FUNCTIONS];
	bool dirty[MODEL_FUNCTIONS];
	u64 start;
	u64 last;
	bool estimated;
	u64 empty;
	u64 backwards;
	u64 missing;
	u64 duplicates;
	u64 stale;
	u64 lost;
	u64 refused;
	struct vgpu_sched_switch before;
};

void ledger_begin(struct walk *w);
void ledger_record(struct walk *w, const struct vgpu_sched_switch *sw);
void ledger_event(struct walk *w, const struct model_event *e);
void ledger_restart(struct walk *w);
void ledger_step(struct walk *w);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest behind a function: what it submits, and what of it is complete.
 *
 * Work is counted in ns of undisturbed execution, one after the other from
 * position 0 on: jobs are made of kernels (each a command buffer), kernels of
 * groups. The device only knows how much is left.
 *
 *	0                       position              given
 *	|--- done ------------------|------ left --------|
 *	... |   job    |         job        |    job     |
 *	... |ker|kernel|  kernel  |k|kernel |   kernel   |
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include "scenario.h"

/** WORK_ENDLESS - as much as no simulation can execute, ns */
#define WORK_ENDLESS	(1ull << 60)

/**
 * struct workload_job - a job that is not complete
 * @arrived: when it was submitted
 * @end: position of its end
 */
struct workload_job {
	u64 arrived;
	u64 end;
};

/**
 * struct workload - the guest
 * @work: what it shall do
 * @group: ns of a work-group
 * @arrivals: random numbers for when and how much
 * @kernels: random numbers for kernels
 * @next: when it does something, U64_MAX for never
 * @period: number of the next period
 * @on: in a burst, or in the busy time of a toggle
 * @burst_end: end of the burst
 * @given: position of the end of all work
 * @begin: position of the kernel that is executed
 * @end: position of its end
 * @job: those that are not complete, a ring
 * @first: the oldest of them
 * @jobs: how many they are
 * @room: size of the ring, a power of two
 * @complete: called for each job that is complete
 * @context: first argument
 */
struct workload {
	const struct work *work;
	u64 group;
	u64 arrivals;
	u64 kernels;
	u64 next;
	u64 period;
	bool on;
	u64 burst_end;
	u64 given;
	u64 begin;
	u64 end;
	struct workload_job *job;
	u64 first;
	u64 jobs;
	u64 room;
	void (*complete)(struct workload *w, void *context, u64 arrived, u64 done);
	void *context;
};

/**
 * struct workload_change - what the guest does at one moment
 * @give: so much more work
 * @withdraw: all work is taken back
 */
struct workload_change {
	u64 give;
	bool withdraw;
};

void workload_init(struct workload *w, const struct work *work, u64 group_ns, u64 seed);
void workload_exit(struct workload *w);
struct workload_change workload_step(struct workload *w, u64 now);
void workload_progress(struct workload *w, u64 left, u64 now);
u64 workload_lost(struct workload *w);
void workload_restart(struct workload *w, u64 now);
u64 workload_stop_point(struct workload *w, u64 left, u64 now);
u64 workload_boundary(struct workload *w, u64 left, u64 now);

#endif

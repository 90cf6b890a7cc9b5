/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a submission costs the CPU: cycles of the TSC, which are instructions in a VM
 * where an instruction takes one. The device never waits for the CPU meanwhile, nor
 * the CPU for the device: a kernel keeps the ring busy until all is submitted, and all
 * is complete before anything is reaped.
 */
#ifndef VGPU_DPDK_COST_H
#define VGPU_DPDK_COST_H

#include "queue.h"

/* as many submissions, and twice as many; the difference is what counts */
#define COST_COUNT	(6 * PLAN_BATCH_MAX)
/** COST_DEPTH - of a queue to measure with */
#define COST_DEPTH	(2 * COST_COUNT + 1)

/** cost_measure() - into queue->client->costs; of a queue without work */
int cost_measure(struct queue *queue);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* Mode cost; see cost.h. */
#include <errno.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "cost.h"

/* Interrupts only ever add, so the least of some rounds is right. */
#define ROUNDS	9
/* Longer than it takes to submit all. */
#define GATE_NS	5000000

struct spent {
	uint64_t submit;
	uint64_t reap;
};

static const struct work gate = { .kind = WORK_SPIN, .groups = 1, .group_ns = GATE_NS };
static const struct work empty = { .kind = WORK_EMPTY };

static int await_all(const struct ring *ring)
{
	struct ring_halt halt;

	while (*ring->fence != ring->submitted) {
		rte_pause();
		if (ring_halted(ring, &halt))
			return -EIO;
	}
	return 0;
}

static int run(struct queue *queue, unsigned int batch, unsigned int count,
	       struct spent *spent)
{
	uint64_t begun;
	unsigned int i;
	int ret;

	queue->plan.work = gate;
	queue->plan.batch = 1;
	if (!queue_feed(queue))
		return -ENOSPC;
	queue->plan.work = empty;
	queue->plan.batch = batch;
	begun = rte_rdtsc();
	for (i = 0; i < count;)
		i += queue_feed(queue);
	spent->submit = rte_rdtsc() - begun;

	ret = await_all(&queue->ring);
	if (ret)
		return ret;
	queue->plan.batch = 1;
	queue_reap(queue);
	queue->plan.batch = batch;
	begun = rte_rdtsc();
	for (i = 0; i < count;)
		i += queue_reap(queue);
	spent->reap = rte_rdtsc() - begun;
	return 0;
}

static int least(struct queue *queue, unsigned int batch, unsigned int count,
		 struct spent *least)
{
	struct spent spent;
	unsigned int i;
	int ret;

	*least = (struct spent){ UINT64_MAX, UINT64_MAX };
	for (i = 0; i < ROUNDS; i++) {
		ret = run(queue, batch, count, &spent);
		if (ret)
			return ret;
		least->submit = RTE_MIN(least->submit, spent.submit);
		least->reap = RTE_MIN(least->reap, spent.reap);
	}
	return 0;
}

int cost_measure(struct queue *queue)
{
	static const unsigned int batches[] = { 1, PLAN_BATCH_MAX };
	struct spent some, twice;
	unsigned int i;
	int ret;

	for (i = 0; i < RTE_DIM(batches); i++) {
		ret = least(queue, batches[i], COST_COUNT, &some);
		if (!ret)
			ret = least(queue, batches[i], 2 * COST_COUNT, &twice);
		if (ret)
			return ret;
		queue->client->costs[i] = (struct cost){
			.batch = batches[i],
			.submit = (double)(twice.submit - some.submit) / COST_COUNT,
			.reap = (double)(twice.reap - some.reap) / COST_COUNT,
		};
	}
	return 0;
}

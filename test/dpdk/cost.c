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
	uint64_t turn;
};

static const struct work gate = { .kind = WORK_SPIN, .groups = 1, .group_ns = GATE_NS };
static const struct work empty = { .kind = WORK_EMPTY };

static int await_all(const struct ring *ring)
{
	struct ring_halt halt;
	unsigned int polls = 0;

	while (*ring->fence != ring->submitted) {
		rte_pause();
		if (!(++polls & RING_POLLS_MASK) && ring_halted(ring, &halt))
			return -EIO;
	}
	return 0;
}

/* The ring is busy, for long. */
static int shut(struct queue *queue, unsigned int batch)
{
	unsigned int count;

	queue->plan.work = gate;
	queue->plan.batch = 1;
	count = queue_feed(queue);
	queue->plan.work = empty;
	queue->plan.batch = batch;
	return count ? 0 : -ENOSPC;
}

static uint64_t feed(struct queue *queue, unsigned int count)
{
	uint64_t begun = rte_rdtsc();
	unsigned int i;

	for (i = 0; i < count;)
		i += queue_feed(queue);
	return rte_rdtsc() - begun;
}

static uint64_t reap(struct queue *queue, unsigned int count)
{
	uint64_t begun = rte_rdtsc();
	unsigned int i;

	for (i = 0; i < count;)
		i += queue_reap(queue);
	return rte_rdtsc() - begun;
}

static void reap_gate(struct queue *queue, unsigned int batch)
{
	queue->plan.batch = 1;
	queue_reap(queue);
	queue->plan.batch = batch;
}

/* Submit all, then reap all. */
static int halves(struct queue *queue, unsigned int batch, unsigned int count,
		  struct spent *spent)
{
	int ret = shut(queue, batch);

	if (ret)
		return ret;
	spent->submit = feed(queue, count);
	ret = await_all(&queue->ring);
	if (ret)
		return ret;
	reap_gate(queue, batch);
	spent->reap = reap(queue, count);
	return 0;
}

/* What an lcore does all the time: reap some, submit as many. */
static int turns(struct queue *queue, unsigned int batch, unsigned int count,
		 struct spent *spent)
{
	uint64_t begun;
	unsigned int i;
	int ret;

	queue->plan.batch = batch;
	feed(queue, count);
	ret = await_all(&queue->ring);
	if (!ret)
		ret = shut(queue, batch);
	if (ret)
		return ret;
	begun = rte_rdtsc();
	for (i = 0; i < count; i += batch)
		queue_step(queue, false);
	spent->turn = rte_rdtsc() - begun;

	ret = await_all(&queue->ring);
	if (ret)
		return ret;
	reap_gate(queue, batch);
	reap(queue, count);
	return 0;
}

static int least(struct queue *queue, unsigned int batch, unsigned int count,
		 struct spent *least)
{
	struct spent spent;
	unsigned int i;
	int ret;

	*least = (struct spent){ UINT64_MAX, UINT64_MAX, UINT64_MAX };
	for (i = 0; i < ROUNDS; i++) {
		ret = halves(queue, batch, count, &spent);
		if (!ret)
			ret = turns(queue, batch, count, &spent);
		if (ret)
			return ret;
		least->submit = RTE_MIN(least->submit, spent.submit);
		least->reap = RTE_MIN(least->reap, spent.reap);
		least->turn = RTE_MIN(least->turn, spent.turn);
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
			.turn = (double)(twice.turn - some.turn) / COST_COUNT,
		};
	}
	return 0;
}

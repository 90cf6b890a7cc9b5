/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients and queues. A client is a function with an address space, a queue a ring of
 * it with its command buffers:
 *
 *	            mempool of commands <-----------------------------+
 *	                    | prepare                                 | check
 *	   producers   -> rte_ring "ready" -> owner: ring, doorbell, fence
 *
 * The owner, one lcore, is the only one who touches the ring. It prepares commands
 * itself, or takes those that producers, other lcores, have prepared.
 */
#ifndef VGPU_DPDK_QUEUE_H
#define VGPU_DPDK_QUEUE_H

#include <rte_mempool.h>
#include <rte_ring.h>

#include <vgpu_histogram.h>

#include "ring.h"
#include "work.h"

#define PLAN_BATCH_MAX	32

/**
 * struct plan - how a queue is used
 * @work: what is submitted
 * @depth: submissions in the ring at a time
 * @batch: submissions for each doorbell, and completions taken at once, up to
 *	PLAN_BATCH_MAX
 * @limit: submissions in all, 0: until told to stop
 * @gap_ns: from the completion of one until the next one, with @depth 1
 * @check: compare results with what the CPU computes
 * @storm: ring the doorbell in each turn of the loop, whether there is news or not
 * @interrupts: wait for completions by eventfd instead of polling
 */
struct plan {
	struct work work;
	unsigned int depth;
	unsigned int batch;
	uint64_t limit;
	uint64_t gap_ns;
	bool check;
	bool storm;
	bool interrupts;
};

/**
 * struct stats - of a queue; written by its owner, read by anybody
 * @submitted: command buffers
 * @completed: of these
 * @wrong: of these, with a wrong result
 * @faults: halts of the ring
 * @polls: turns of the loop in which nothing had been completed
 * @begun: TSC at the first doorbell
 * @ended: TSC at the last completion
 * @latency: ns from doorbell to fence as the CPU sees it
 */
struct stats {
	uint64_t submitted;
	uint64_t completed;
	uint64_t wrong;
	uint64_t faults;
	uint64_t polls;
	uint64_t begun;
	uint64_t ended;
	struct vgpu_histogram latency;
};

struct client;
struct recorder;

/**
 * struct queue - a ring in use
 * @client: whose
 * @ring: the ring
 * @plan: how it is used
 * @commands: free command buffers
 * @cache: some of them, of the owner, if there are no producers
 * @ready: prepared ones, if there are producers
 * @unprepared: how many producers are still to prepare, if there is a limit
 * @next: TSC before which nothing is submitted
 * @ns_per_cycle: of the TSC, with 32 fraction bits
 * @seen: completed ones when somebody last looked after it
 * @silence: TSC since when there were no more of them
 * @recorder: writes down what is submitted, or NULL
 * @packets: memory of all command buffers
 * @packets_addr: where it is in the address space
 * @data: memory of their data
 * @data_addr: where it is in the address space
 * @failed: gave up
 * @stats: what was done
 */
struct queue {
	struct client *client;
	struct ring ring;
	struct plan plan;
	struct rte_mempool *commands;
	struct rte_mempool_cache *cache;
	struct rte_ring *ready;
	int64_t unprepared;
	uint64_t next;
	uint64_t ns_per_cycle;
	uint64_t seen;
	uint64_t silence;
	struct recorder *recorder;
	struct block packets;
	uint64_t packets_addr;
	struct block data;
	uint64_t data_addr;
	bool failed;
	struct stats stats;
};

/**
 * struct cost - what the CPU does for a submission, in cycles of the TSC
 * @batch: submissions for each doorbell, 0 if not measured
 * @submit: from taking a command to the doorbell
 * @reap: from the fence to giving it back
 * @turn: of the loop that does both, as lcores do
 */
struct cost {
	unsigned int batch;
	double submit;
	double reap;
	double turn;
};

/**
 * struct client - a function in use
 * @fn: the function
 * @space: its address space
 * @role: for reports
 * @queues: of the rings that are used
 * @count: of them
 * @packet_ns: what the device takes for the smallest packet, 0 if not measured
 * @costs: of mode cost: one submission for each doorbell, and 32
 */
struct client {
	struct function fn;
	struct space space;
	const char *role;
	struct queue queues[VGPU_MAX_RINGS];
	unsigned int count;
	uint64_t packet_ns;
	struct cost costs[2];
};

/** CLIENT_CONTEXT - of the address space of a client */
#define CLIENT_CONTEXT	1

/** client_memory() - hugepages that a client with such queues needs, bytes */
uint64_t client_memory(unsigned int depth, unsigned int queues);
/**
 * client_start() - rings, address space, command buffers; then START
 * @client: with its function open
 * @plans: one for each queue
 * @count: of queues
 * @produced: others prepare the commands
 */
int client_start(struct client *client, const struct plan *plans, unsigned int count,
		 bool produced);
/** client_stop() - STOP, and all is free */
int client_stop(struct client *client);

/**
 * queue_step() - reap, check, prepare, submit: by the owner, again and again
 * @queue: the queue
 * @stop: do not begin anything new
 *
 * Return: true if something was done
 */
bool queue_step(struct queue *queue, bool stop);
/** queue_feed() - prepare and submit a batch, if there is room, and one doorbell */
unsigned int queue_feed(struct queue *queue);
/** queue_reap() - check and free what is complete, a batch at most; how many */
unsigned int queue_reap(struct queue *queue);
/** queue_is_over() - nothing is to be expected of it any more */
bool queue_is_over(const struct queue *queue, bool stop);
/** queue_produce() - prepare a command, if there is a free one; true if there was */
bool queue_produce(struct queue *queue);
/* For those who use the ring themselves, replay.c. */
/** queue_submitted() - account for @count submissions, rung at @now (TSC) */
void queue_submitted(struct queue *queue, unsigned int count, uint64_t now);
/** queue_completed() - account for one, rung at @begun and seen at @now (TSC) */
void queue_completed(struct queue *queue, uint64_t begun, uint64_t now);
/** queue_look_after() - nothing has been completed for a while: skip what has faulted */
void queue_look_after(struct queue *queue);
/** queue_run() - one command buffer, until it is complete; -EIO, -ETIMEDOUT */
int queue_run(struct queue *queue, struct vgpu_commands *packets);
/** queue_measure() - what the device takes for a packet, into client->packet_ns */
int queue_measure(struct queue *queue);

#endif

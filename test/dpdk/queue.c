// SPDX-License-Identifier: GPL-2.0-only
/* Clients and queues; see queue.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "log.h"
#include "queue.h"
#include "record.h"

#define BURST		PLAN_BATCH_MAX
#define CACHE		16
/* Where things are in the address space; each queue has a part of its own. */
#define PACKETS_ADDR	0x1000000000ull
#define DATA_ADDR	0x2000000000ull
#define QUEUE_STRIDE	0x100000000ull
/* The work of all others comes first, and all of it is emulated. */
#define PATIENCE_S	300

/* Some are in the caches of lcores. */
static unsigned int slots_of(unsigned int depth)
{
	return 2 * depth + 2 * CACHE * (1 + rte_lcore_count());
}

uint64_t client_memory(unsigned int depth, unsigned int queues)
{
	uint64_t ring = rte_align64pow2(depth * RING_SUBMISSION_BYTES + 8) + 3 * 4096;

	return queues * (ring + slots_of(depth) * WORK_COMMANDS_BYTES + 3 * 4096);
}

/* Without a division: this is done for each completion. */
static uint64_t ns(const struct queue *queue, uint64_t cycles)
{
	return (unsigned __int128)cycles * queue->ns_per_cycle >> 32;
}

static void slot_init(struct rte_mempool *pool, void *opaque, void *object,
		      unsigned int index)
{
	const struct queue *queue = opaque;
	const struct function *fn = &queue->client->fn;
	uint64_t packets = (uint64_t)index * WORK_COMMANDS_BYTES;
	uint64_t data = (uint64_t)index * WORK_DATA_BYTES;
	struct command *command = object;

	(void)pool;
	*command = (struct command){
		.packets.bo = {
			.map = (uint8_t *)queue->packets.cpu + packets,
			.addr = queue->packets_addr + packets,
			.size = WORK_COMMANDS_BYTES,
		},
		.data = (uint8_t *)queue->data.cpu + data,
		.data_addr = queue->data_addr + data,
		.random = (uint64_t)fn->number << 32 | queue->ring.index << 16 | index,
	};
}

static int take_memory(struct queue *queue, unsigned int count)
{
	struct function *fn = &queue->client->fn;

	queue->packets = arena_take(&fn->memory, RTE_ALIGN_CEIL(count * WORK_COMMANDS_BYTES, 4096),
				    4096);
	queue->data = arena_take(&fn->vram, (uint64_t)count * WORK_DATA_BYTES, 4096);
	if (queue->packets.cpu && queue->data.cpu)
		return 0;
	LOG(ERR, "%s: no memory for %u command buffers", fn->vfio.bdf, count);
	return -ENOMEM;
}

static int map_memory(struct queue *queue)
{
	struct space *space = &queue->client->space;
	int ret;

	queue->packets_addr = PACKETS_ADDR + queue->ring.index * QUEUE_STRIDE;
	queue->data_addr = DATA_ADDR + queue->ring.index * QUEUE_STRIDE;
	ret = space_map(space, queue->packets_addr, &queue->packets,
			VGPU_PTE_READ | VGPU_PTE_EXECUTE);
	return ret ? ret : space_map(space, queue->data_addr, &queue->data,
				     VGPU_PTE_READ | VGPU_PTE_WRITE);
}

static int make_slots(struct queue *queue, unsigned int index)
{
	unsigned int count = slots_of(queue->plan.depth);
	char name[RTE_MEMPOOL_NAMESIZE];
	int ret = take_memory(queue, count);

	if (!ret)
		ret = map_memory(queue);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "%s/%u", queue->client->fn.vfio.bdf, index);
	queue->commands = rte_mempool_create(name, count, sizeof(struct command), CACHE, 0,
					     NULL, NULL, slot_init, queue, SOCKET_ID_ANY, 0);
	return queue->commands ? 0 : -rte_errno;
}

/* What comes back is used again, without a look at the pool's ring. */
static int make_cache(struct queue *queue)
{
	unsigned int size = RTE_MIN(queue->plan.depth, (unsigned int)RTE_MEMPOOL_CACHE_MAX_SIZE);

	queue->cache = rte_mempool_cache_create(size, SOCKET_ID_ANY);
	return queue->cache ? 0 : -rte_errno;
}

static int make_ready(struct queue *queue, unsigned int index)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s/%u", queue->client->fn.vfio.bdf, index);
	queue->unprepared = queue->plan.limit ? (int64_t)queue->plan.limit : INT64_MAX;
	queue->ready = rte_ring_create(name, slots_of(queue->plan.depth), SOCKET_ID_ANY,
				       RING_F_SC_DEQ | RING_F_EXACT_SZ);
	return queue->ready ? 0 : -rte_errno;
}

static int queue_create(struct client *client, unsigned int index, const struct plan *plan,
			bool produced)
{
	struct queue *queue = &client->queues[index];
	int ret;

	queue->client = client;
	queue->plan = *plan;
	queue->ns_per_cycle = (1000000000ull << 32) / rte_get_tsc_hz();
	ret = ring_create(&queue->ring, &client->fn, index, plan->depth, plan->interrupts);
	queue->plan.depth = RTE_MIN(plan->depth, queue->ring.room);
	if (!ret)
		ret = make_slots(queue, index);
	if (!ret)
		ret = produced ? make_ready(queue, index) : make_cache(queue);
	if (ret)
		LOG(ERR, "%s: queue %u: %s", client->fn.vfio.bdf, index, strerror(-ret));
	return ret;
}

static void queue_destroy(struct queue *queue)
{
	rte_ring_free(queue->ready);
	/* What is in it is in the pool. */
	if (queue->cache)
		rte_mempool_cache_free(queue->cache);
	rte_mempool_free(queue->commands);
	ring_destroy(&queue->ring);
}

int client_start(struct client *client, const struct plan *plans, unsigned int count,
		 bool produced)
{
	bool interrupts = false;
	unsigned int i;
	int ret;

	memset(client->queues, 0, sizeof(client->queues));
	if (count > client->fn.rings) {
		LOG(ERR, "%s: has %u rings, not %u", client->fn.vfio.bdf, client->fn.rings,
		    count);
		return -EINVAL;
	}
	for (i = 0; i < count; i++)
		interrupts |= plans[i].interrupts;
	ret = function_interrupts(&client->fn, interrupts ? count : 0);
	if (!ret)
		ret = space_create(&client->space, &client->fn, CLIENT_CONTEXT);
	client->count = 0;
	for (i = 0; i < count && !ret; i++, client->count++)
		ret = queue_create(client, i, &plans[i], produced);
	if (!ret)
		ret = function_start(&client->fn);
	if (ret)
		client_stop(client);
	return ret;
}

int client_stop(struct client *client)
{
	int ret = client->fn.started ? function_stop(&client->fn) : 0;

	while (client->count)
		queue_destroy(&client->queues[--client->count]);
	return ret;
}

/* ------------------------------------------------------------------------ */
/* The owner                                                                 */

void queue_submitted(struct queue *queue, unsigned int count, uint64_t now)
{
	if (!queue->stats.submitted)
		queue->stats.begun = now;
	queue->stats.submitted += count;
}

void queue_completed(struct queue *queue, uint64_t begun, uint64_t now)
{
	queue->stats.completed++;
	queue->stats.ended = now;
	vgpu_histogram_add(&queue->stats.latency, ns(queue, now - begun));
}

static __rte_noinline void check(struct queue *queue, struct command *command)
{
	struct stats *stats = &queue->stats;

	if (work_check(&queue->plan.work, command))
		return;
	stats->wrong++;
	LOG(ERR, "%s: submission %" PRIu64 " of queue %u, %s: wrong result",
	    queue->client->fn.vfio.bdf, stats->completed, queue->ring.index,
	    work_names[command->kind]);
}

static __rte_always_inline unsigned int reap(struct queue *queue)
{
	unsigned int count = RTE_MIN(ring_done(&queue->ring), queue->plan.batch), i;
	struct command *command;
	uint64_t now;

	if (!count)
		return 0;
	now = rte_rdtsc();
	for (i = 0; i < count; i++) {
		command = ring_next(&queue->ring);
		queue_completed(queue, command->begun, now);
		if (unlikely(queue->recorder))
			record_complete(queue->recorder, command);
		if (queue->plan.check)
			check(queue, command);
		rte_mempool_generic_put(queue->commands, (void **)&command, 1, queue->cache);
	}
	return count;
}

/* One that is prepared; NULL if there is none. */
static struct command *take(struct queue *queue)
{
	void *command;

	if (queue->ready)
		return rte_ring_sc_dequeue(queue->ready, &command) ? NULL : command;
	if (rte_mempool_generic_get(queue->commands, &command, 1, queue->cache))
		return NULL;
	work_prepare(&queue->plan.work, command);
	return command;
}

static unsigned int room(const struct queue *queue)
{
	uint64_t pending = ring_pending(&queue->ring);
	uint64_t count = RTE_MIN(queue->plan.depth - pending, queue->plan.batch);

	if (queue->plan.limit)
		count = RTE_MIN(count, queue->plan.limit - queue->stats.submitted);
	return count;
}

static __rte_always_inline unsigned int feed(struct queue *queue)
{
	struct command *commands[BURST], *command;
	unsigned int limit = room(queue), count, i = 0;
	uint64_t now;

	for (count = 0; count < limit; count++) {
		command = take(queue);
		if (!command)
			break;
		if (queue->recorder)
			record_submit(queue->recorder, queue->ring.index, command);
		ring_submit(&queue->ring, CLIENT_CONTEXT, command->packets.bo.addr,
			    command->packets.used, command);
		commands[count] = command;
	}
	if (!count)
		return 0;
	now = rte_rdtsc();
	do {
		commands[i]->begun = now;
	} while (++i < count);
	ring_doorbell(&queue->ring);
	queue_submitted(queue, count, now);
	return count;
}

unsigned int queue_reap(struct queue *queue)
{
	return reap(queue);
}

unsigned int queue_feed(struct queue *queue)
{
	return feed(queue);
}

/* Nothing has been completed for a while. */
void queue_look_after(struct queue *queue)
{
	const struct function *fn = &queue->client->fn;
	struct ring_halt halt;
	uint64_t now = rte_rdtsc();

	if (queue->failed || !ring_pending(&queue->ring))
		return;
	if (ring_halted(&queue->ring, &halt)) {
		queue->stats.faults++;
		LOG(NOTICE, "%s: ring %u halted: fault %" PRIu32 ", packet %" PRIu32
		    " at %#" PRIx64, fn->vfio.bdf, queue->ring.index,
		    VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, halt.fault),
		    VGPU_FIELD_GET(VGPU_RING_FAULT_OPCODE, halt.fault), halt.addr);
		ring_skip(&queue->ring);
	}
	if (!queue->silence || queue->seen != queue->stats.completed) {
		queue->seen = queue->stats.completed;
		queue->silence = now;
	}
	if (now - queue->silence > PATIENCE_S * rte_get_tsc_hz()) {
		LOG(ERR, "%s: ring %u: nothing completed in %u s", fn->vfio.bdf,
		    queue->ring.index, PATIENCE_S);
		queue->failed = true;
	}
}

static void idle(struct queue *queue)
{
	if (queue->plan.storm)
		ring_doorbell(&queue->ring);
	if (queue->plan.interrupts && ring_pending(&queue->ring))
		vfio_wait(&queue->client->fn.vfio, VGPU_VECTOR_RING(queue->ring.index), 1000);
	if (!(++queue->stats.polls & RING_POLLS_MASK) || queue->plan.interrupts)
		queue_look_after(queue);
}

bool queue_is_over(const struct queue *queue, bool stop)
{
	return queue->failed ||
	       (!ring_pending(&queue->ring) &&
		(stop || (queue->plan.limit && queue->stats.submitted == queue->plan.limit)));
}

/* The gap begins when something was completed. */
static __rte_noinline bool gap_is_over(struct queue *queue, bool completed)
{
	uint64_t now = rte_rdtsc();

	if (completed)
		queue->next = now + queue->plan.gap_ns * rte_get_tsc_hz() / 1000000000;
	return now >= queue->next;
}

bool queue_step(struct queue *queue, bool stop)
{
	unsigned int done = reap(queue);

	if (!stop && (!queue->plan.gap_ns || gap_is_over(queue, done)))
		done += feed(queue);
	if (!done)
		idle(queue);
	return done;
}

bool queue_produce(struct queue *queue)
{
	void *command;

	if (rte_mempool_get(queue->commands, &command))
		return false;
	if (__atomic_fetch_sub(&queue->unprepared, 1, __ATOMIC_RELAXED) <= 0) {
		rte_mempool_put(queue->commands, command);
		return false;
	}
	work_prepare(&queue->plan.work, command);
	/* There is room for all of them. */
	return !rte_ring_mp_enqueue(queue->ready, command);
}

/* ------------------------------------------------------------------------ */
/* One at a time                                                             */

int queue_run(struct queue *queue, struct vgpu_commands *packets)
{
	uint64_t end = rte_rdtsc() + PATIENCE_S * rte_get_tsc_hz();
	struct ring_halt halt;
	unsigned int polls = 0;

	if (packets->overflow || ring_pending(&queue->ring) >= queue->plan.depth)
		return -ENOSPC;
	ring_submit(&queue->ring, CLIENT_CONTEXT, packets->bo.addr, packets->used, packets);
	ring_doorbell(&queue->ring);
	while (!ring_done(&queue->ring)) {
		rte_pause();
		if (++polls & RING_POLLS_MASK)
			continue;
		if (ring_halted(&queue->ring, &halt))
			return -EIO;
		if (rte_rdtsc() > end)
			return -ETIMEDOUT;
	}
	ring_next(&queue->ring);
	return 0;
}

int queue_measure(struct queue *queue)
{
	struct command *command;
	struct vgpu_timestamp *stamps;
	unsigned int i;
	int ret;

	if (rte_mempool_get(queue->commands, (void **)&command))
		return -ENOMEM;
	stamps = (struct vgpu_timestamp *)command->data;
	vgpu_commands_reset(&command->packets);
	for (i = 0; i < 9; i++)
		vgpu_emit_timestamp(&command->packets,
				    command->data_addr + i * sizeof(*stamps));
	ret = queue_run(queue, &command->packets);
	if (!ret)
		queue->client->packet_ns = (stamps[8].clock - stamps[0].clock) / 8;
	rte_mempool_put(queue->commands, command);
	return ret;
}

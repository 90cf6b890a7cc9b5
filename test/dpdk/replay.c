// SPDX-License-Identifier: GPL-2.0-only
/* Replay; see replay.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include <vgpu/types.h>

#include "log.h"
#include "recording.h"
#include "replay.h"
#include "session.h"

#define MAPS_MAX	4096
#define PAGE		4096ull
/* The first context is the client's own. */
#define CONTEXTS	(FUNCTION_CONTEXTS - CLIENT_CONTEXT - 1)
#define PATIENCE_S	300

struct replay {
	const uint8_t *bytes;
	uint64_t size;
	uint64_t submissions;
	uint64_t memory;
	unsigned int rings;
	unsigned int maps;
};

/* A record and what follows it. */
struct item {
	struct recording_record record;
	union {
		struct recording_map map;
		struct recording_write write;
		struct recording_submit submit;
		struct recording_complete complete;
		struct recording_expect expect;
	};
	const void *data;
};

/* By type: size of what comes before data. */
static const uint32_t payload_bytes[] = {
	[RECORDING_MAP] = sizeof(struct recording_map),
	[RECORDING_WRITE] = sizeof(struct recording_write),
	[RECORDING_SUBMIT] = sizeof(struct recording_submit),
	[RECORDING_COMPLETE] = sizeof(struct recording_complete),
	[RECORDING_EXPECT] = sizeof(struct recording_expect),
};

/* Return: false at the end, or, with @at not there, at something malformed. */
static bool next(const struct replay *replay, uint64_t *at, struct item *item)
{
	uint64_t rest = replay->size - *at;
	uint32_t bytes;

	memset(item, 0, sizeof(*item));
	if (rest < sizeof(item->record))
		return false;
	memcpy(&item->record, replay->bytes + *at, sizeof(item->record));
	rest -= sizeof(item->record);
	if (!item->record.type || item->record.type >= RTE_DIM(payload_bytes) ||
	    item->record.bytes > rest || item->record.bytes % 8)
		return false;
	bytes = payload_bytes[item->record.type];
	if (item->record.bytes < bytes)
		return false;
	item->data = replay->bytes + *at + sizeof(item->record) + bytes;
	memcpy(&item->map, replay->bytes + *at + sizeof(item->record), bytes);
	bytes += item->record.type == RECORDING_WRITE ?
		 RTE_ALIGN_CEIL((uint64_t)item->write.bytes, 8) : 0;
	if (item->record.bytes != bytes)
		return false;
	*at += sizeof(item->record) + bytes;
	return true;
}

static const char *check_map(struct replay *replay, const struct item *item)
{
	const uint64_t end = 1ull << VGPU_VA_BITS;

	if (++replay->maps > MAPS_MAX)
		return "too many maps";
	if (item->map.addr % PAGE || item->map.bytes % PAGE || !item->map.bytes ||
	    item->map.addr >= end || item->map.bytes > end - item->map.addr)
		return "a map that is not of whole pages";
	if (item->map.context >= CONTEXTS)
		return "too many contexts";
	if (item->map.flags & ~(RECORDING_SYSTEM | VGPU_PTE_READ | VGPU_PTE_WRITE |
				VGPU_PTE_EXECUTE))
		return "unknown flags";
	if (item->map.flags & RECORDING_SYSTEM)
		replay->memory += item->map.bytes;
	return NULL;
}

static const char *check_submit(struct replay *replay, const struct item *item)
{
	if (item->submit.number != ++replay->submissions)
		return "a submission out of order";
	if (item->submit.ring >= VGPU_MAX_RINGS || item->submit.context >= CONTEXTS)
		return "a ring or context that cannot be";
	replay->rings = RTE_MAX(replay->rings, item->submit.ring + 1);
	return NULL;
}

/* What can be checked beforehand. */
static const char *check(struct replay *replay)
{
	struct recording_header header;
	const char *wrong = NULL;
	uint64_t at = sizeof(header);
	struct item item;

	if (replay->size < sizeof(header))
		return "too short";
	memcpy(&header, replay->bytes, sizeof(header));
	if (header.magic != RECORDING_MAGIC || header.version != RECORDING_VERSION)
		return "no recording of version 1";
	while (!wrong && next(replay, &at, &item)) {
		if (item.record.type == RECORDING_MAP)
			wrong = check_map(replay, &item);
		else if (item.record.type == RECORDING_SUBMIT)
			wrong = check_submit(replay, &item);
		else if (item.record.type == RECORDING_COMPLETE &&
			 (!item.complete.number || item.complete.number > replay->submissions))
			wrong = "completed before it was submitted";
	}
	if (!wrong && at != replay->size)
		wrong = "malformed";
	return wrong ? wrong : replay->submissions ? NULL : "empty";
}

struct replay *replay_open(const char *path)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *wrong = strerror(errno);
	struct stat stat;

	if (replay && fd >= 0 && !fstat(fd, &stat)) {
		replay->size = stat.st_size;
		replay->bytes = mmap(NULL, replay->size, PROT_READ, MAP_PRIVATE, fd, 0);
		wrong = replay->bytes == MAP_FAILED ? strerror(errno) : check(replay);
	}
	if (fd >= 0)
		close(fd);
	if (!wrong)
		return replay;
	LOG(ERR, "%s: %s", path, wrong);
	if (replay && replay->bytes && replay->bytes != MAP_FAILED)
		munmap((void *)replay->bytes, replay->size);
	free(replay);
	return NULL;
}

void replay_close(struct replay *replay)
{
	munmap((void *)replay->bytes, replay->size);
	free(replay);
}

uint64_t replay_memory(const struct replay *replay)
{
	return replay->memory + replay->maps * PAGE;
}

unsigned int replay_rings(const struct replay *replay)
{
	return replay->rings;
}

/* ------------------------------------------------------------------------ */

struct mapped {
	struct block block;
	uint64_t addr;
	uint32_t context;
};

/* A client while it replays. */
struct player {
	const struct replay *replay;
	struct client *client;
	struct space spaces[CONTEXTS];
	struct mapped *maps;
	unsigned int map_count;
	uint64_t *begun;	/* TSC, by number; 0 when it is complete */
};

static int map(struct player *player, const struct recording_map *map)
{
	struct function *fn = &player->client->fn;
	struct arena *arena = map->flags & RECORDING_SYSTEM ? &fn->memory : &fn->vram;
	struct space *space = &player->spaces[map->context];
	struct mapped *mapped = &player->maps[player->map_count];
	int ret = 0;

	if (!space->fn)
		ret = space_create(space, fn, CLIENT_CONTEXT + 1 + map->context);
	if (ret)
		return ret;
	mapped->block = arena_take(arena, map->bytes, PAGE);
	if (!mapped->block.cpu) {
		LOG(ERR, "%s: no memory for a map of %" PRIu64 " bytes", fn->vfio.bdf,
		    map->bytes);
		return -ENOSPC;
	}
	memset(mapped->block.cpu, 0, map->bytes);
	mapped->addr = map->addr;
	mapped->context = map->context;
	player->map_count++;
	return space_map(space, map->addr, &mapped->block, map->flags & ~RECORDING_SYSTEM);
}

/* The latest one: addresses may have been given out anew. */
static uint8_t *find(struct player *player, uint32_t context, uint64_t addr, uint32_t bytes)
{
	unsigned int i = player->map_count;

	while (i--) {
		const struct mapped *mapped = &player->maps[i];

		if (mapped->context == context && addr >= mapped->addr &&
		    addr - mapped->addr <= mapped->block.bytes &&
		    bytes <= mapped->block.bytes - (addr - mapped->addr))
			return (uint8_t *)mapped->block.cpu + (addr - mapped->addr);
	}
	return NULL;
}

static void reap(struct player *player)
{
	uint64_t now = rte_rdtsc(), *begun, count;
	unsigned int r;

	for (r = 0; r < player->client->count; r++) {
		struct queue *queue = &player->client->queues[r];

		for (count = ring_done(&queue->ring); count; count--) {
			begun = ring_next(&queue->ring);
			queue_completed(queue, *begun, now);
			*begun = 0;
		}
	}
}

/* Until *@what is 0, or there is room in @queue. */
static int await(struct player *player, struct queue *queue, const uint64_t *what)
{
	uint64_t end = rte_rdtsc() + PATIENCE_S * rte_get_tsc_hz(), polls = 0;
	unsigned int r;

	while (what ? *what : ring_pending(&queue->ring) >= queue->plan.depth) {
		reap(player);
		rte_pause();
		if (++polls & RING_POLLS_MASK)
			continue;
		for (r = 0; r < player->client->count; r++)
			queue_look_after(&player->client->queues[r]);
		if (rte_rdtsc() > end)
			return -ETIMEDOUT;
	}
	return 0;
}

static int submit(struct player *player, const struct recording_submit *submit)
{
	struct queue *queue = &player->client->queues[submit->ring];
	uint64_t *begun = &player->begun[submit->number];
	int ret = await(player, queue, NULL);

	if (ret)
		return ret;
	*begun = rte_rdtsc();
	ring_submit(&queue->ring, CLIENT_CONTEXT + 1 + submit->context, submit->addr,
		    submit->bytes, begun);
	ring_doorbell(&queue->ring);
	queue_submitted(queue, 1, *begun);
	return 0;
}

static int play(struct player *player, const struct item *item)
{
	struct queue *first = &player->client->queues[0];
	uint8_t *memory;

	switch (item->record.type) {
	case RECORDING_MAP:
		return map(player, &item->map);
	case RECORDING_WRITE:
		memory = find(player, item->write.context, item->write.addr, item->write.bytes);
		if (!memory)
			return -EFAULT;
		memcpy(memory, item->data, item->write.bytes);
		return 0;
	case RECORDING_SUBMIT:
		return submit(player, &item->submit);
	case RECORDING_COMPLETE:
		return await(player, first, &player->begun[item->complete.number]);
	case RECORDING_EXPECT:
		memory = find(player, item->expect.context, item->expect.addr,
			      item->expect.bytes);
		if (!memory)
			return -EFAULT;
		first->stats.wrong += vgpu_checksum(memory, item->expect.bytes) !=
				      item->expect.checksum;
		return 0;
	}
	return -EINVAL;
}

static int play_all(struct player *player, bool paced)
{
	uint64_t at = sizeof(struct recording_header), begun = rte_rdtsc(), number;
	struct item item;
	int ret = 0;

	while (!ret && next(player->replay, &at, &item)) {
		while (paced && (unsigned __int128)(rte_rdtsc() - begun) * 1000000000 /
				rte_get_tsc_hz() < item.record.time_ns)
			reap(player);
		ret = play(player, &item);
	}
	for (number = 1; !ret && number <= player->replay->submissions; number++)
		ret = await(player, &player->client->queues[0], &player->begun[number]);
	if (ret)
		LOG(ERR, "%s: replay, at byte %" PRIu64 ": %s", player->client->fn.vfio.bdf, at,
		    strerror(-ret));
	return ret;
}

int replay_run(const struct replay *replay, struct client *client, bool paced)
{
	struct player player = {
		.replay = replay, .client = client,
		.maps = calloc(replay->maps, sizeof(*player.maps)),
		.begun = calloc(replay->submissions + 1, sizeof(*player.begun)),
	};
	int ret = player.maps && player.begun ? play_all(&player, paced) : -ENOMEM;

	free(player.maps);
	free(player.begun);
	return ret ? ret : client->queues[0].stats.wrong ? -EBADMSG : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Memory; see memory.h. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <rte_memzone.h>

#include <vgpu/mmu.h>

#include "log.h"
#include "memory.h"

#define HUGEPAGE UINT64_C(0x200000)

struct block arena_take(struct arena *arena, uint64_t bytes, uint64_t align)
{
	uint64_t begin = (arena->gpu + arena->used + align - 1) & ~(align - 1);
	struct block block = { .bytes = bytes };

	begin -= arena->gpu;
	if (begin > arena->bytes || bytes > arena->bytes - begin)
		return block;
	arena->used = begin + bytes;
	block.cpu = arena->cpu + begin;
	block.gpu = arena->gpu + begin;
	return block;
}

void arena_clear(struct arena *arena)
{
	memset(arena->cpu, 0, arena->used);
	arena->used = 0;
}

int memory_take(struct arena *arena, const char *name, uint64_t bytes)
{
	const struct rte_memzone *zone;

	bytes = (bytes + HUGEPAGE - 1) & ~(HUGEPAGE - 1);
	zone = rte_memzone_reserve_aligned(name, bytes, SOCKET_ID_ANY,
					   RTE_MEMZONE_2MB | RTE_MEMZONE_IOVA_CONTIG,
					   HUGEPAGE);
	if (!zone) {
		LOG(ERR, "%s: no %" PRIu64 " hugepages of 2 MiB in a row", name,
		    bytes / HUGEPAGE);
		return -ENOMEM;
	}
	memset(zone->addr, 0, bytes);
	*arena = (struct arena){
		.cpu = zone->addr, .gpu = VGPU_ADDR_SYSTEM | zone->iova, .bytes = bytes,
	};
	return 0;
}

void memory_return(struct arena *arena, const char *name)
{
	const struct rte_memzone *zone = arena->cpu ? rte_memzone_lookup(name) : NULL;

	if (zone)
		rte_memzone_free(zone);
	memset(arena, 0, sizeof(*arena));
}

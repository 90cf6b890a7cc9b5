// SPDX-License-Identifier: GPL-2.0-only
/* Page tables; see mmu.h, and vgpu/mmu.h for what the hardware reads. */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "mmu.h"

#define PAGE		(1ull << VGPU_PAGE_SHIFT)
#define BIG_PAGE	(1ull << VGPU_BIG_PAGE_SHIFT)

static uint64_t leaf(uint64_t gpu, uint64_t rights)
{
	return VGPU_PTE_VALID | rights | (gpu & VGPU_PTE_ADDR) |
	       (gpu & VGPU_ADDR_SYSTEM ? VGPU_PTE_SYSTEM : 0);
}

static int table_create(struct function *fn, struct block *table)
{
	*table = arena_take(&fn->vram, VGPU_PT_ENTRIES * sizeof(uint64_t), PAGE);
	if (!table->cpu) {
		LOG(ERR, "%s: no VRAM for page tables", fn->vfio.bdf);
		return -ENOSPC;
	}
	memset(table->cpu, 0, table->bytes);
	return 0;
}

int space_create(struct space *space, struct function *fn, uint32_t context)
{
	int ret = table_create(fn, &space->root);

	if (ret)
		return ret;
	space->fn = fn;
	space->context = context;
	fn->contexts[context].root = space->root.gpu;
	rte_io_wmb();
	fn->contexts[context].flags = VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED;
	function_write(fn, VGPU_REG_INVALIDATE, context);
	return 0;
}

/* The entry for @addr at @level, with all tables above it; NULL if there is no VRAM. */
static volatile uint64_t *entry(struct space *space, uint64_t addr, unsigned int level)
{
	volatile uint64_t *table = space->root.cpu;
	unsigned int at = VGPU_PT_LEVELS - 1, index;
	struct block below;

	for (;; at--) {
		index = (addr >> VGPU_PT_SHIFT(at)) % VGPU_PT_ENTRIES;
		if (at == level)
			return &table[index];
		if (!table[index]) {
			if (table_create(space->fn, &below))
				return NULL;
			table[index] = VGPU_PTE_VALID | below.gpu;
		}
		table = (void *)(space->fn->vram.cpu + (table[index] & VGPU_PTE_ADDR));
	}
}

int space_map(struct space *space, uint64_t addr, const struct block *block,
	      uint64_t rights)
{
	uint64_t done, step;
	volatile uint64_t *pte;
	bool big;

	for (done = 0; done < block->bytes; done += step) {
		big = !((addr + done) % BIG_PAGE) && !((block->gpu + done) % BIG_PAGE) &&
		      block->bytes - done >= BIG_PAGE;
		step = big ? BIG_PAGE : PAGE;
		pte = entry(space, addr + done, big);
		if (!pte)
			return -ENOSPC;
		*pte = leaf(block->gpu + done, rights) | (big ? VGPU_PTE_LEAF : 0);
	}
	function_write(space->fn, VGPU_REG_INVALIDATE, space->context);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Address spaces: page tables of a context, in VRAM. */
#ifndef VGPU_DPDK_MMU_H
#define VGPU_DPDK_MMU_H

#include "function.h"

/**
 * struct space - an address space
 * @fn: whose
 * @context: its number
 * @root: table of the highest level
 */
struct space {
	struct function *fn;
	uint32_t context;
	struct block root;
};

/** space_create() - empty, in context @context (1…FUNCTION_CONTEXTS - 1) */
int space_create(struct space *space, struct function *fn, uint32_t context);
/**
 * space_map() - let addresses be memory, and have the hardware notice
 * @space: the address space
 * @addr: virtual, a multiple of 4 KiB; nothing is there yet
 * @block: what is to be seen there, all of it; in pages of 2 MiB where it can
 * @rights: VGPU_PTE_READ, _WRITE, _EXECUTE
 *
 * Return: 0, or -ENOSPC: no VRAM for tables
 */
int space_map(struct space *space, uint64_t addr, const struct block *block,
	      uint64_t rights);

#endif

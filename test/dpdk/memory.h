/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that CPU and function share: hugepages, and the window on VRAM. Both are
 * given out from the beginning, and taken back all at once.
 */
#ifndef VGPU_DPDK_MEMORY_H
#define VGPU_DPDK_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct arena - a range of it
 * @cpu: first byte
 * @gpu: the same in function space (vgpu/mmu.h)
 * @bytes: size
 * @used: given out so far
 */
struct arena {
	uint8_t *cpu;
	uint64_t gpu;
	uint64_t bytes;
	uint64_t used;
};

/** struct block - a part of an arena; @cpu is NULL if there was no room */
struct block {
	void *cpu;
	uint64_t gpu;
	uint64_t bytes;
};

/** arena_take() - @bytes, on a multiple of @align (a power of two); not cleared */
struct block arena_take(struct arena *arena, uint64_t bytes, uint64_t align);
/** arena_clear() - all is free again, and zero as far as it was used */
void arena_clear(struct arena *arena);

/** memory_take() - hugepages of EAL; -ENOMEM if there are not enough in a row */
int memory_take(struct arena *arena, const char *name, uint64_t bytes);
void memory_return(struct arena *arena, const char *name);

#endif

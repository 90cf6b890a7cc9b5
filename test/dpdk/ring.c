// SPDX-License-Identifier: GPL-2.0-only
/* Rings; see ring.h. */
#include <errno.h>
#include <stdlib.h>

#include <rte_bitops.h>
#include <rte_common.h>

#include "log.h"
#include "ring.h"

uint64_t ring_bytes(const struct function *fn, unsigned int depth)
{
	uint64_t bytes = rte_align64pow2(depth * RING_SUBMISSION_BYTES + 8);

	return RTE_MIN(RTE_MAX(bytes, 1ull << VGPU_RING_SIZE_MIN), fn->ring_bytes_max);
}

int ring_create(struct ring *ring, struct function *fn, unsigned int index,
		unsigned int depth, bool interrupts)
{
	uint64_t bytes = ring_bytes(fn, depth);
	struct block packets = arena_take(&fn->memory, bytes + RING_SUBMISSION_BYTES, 4096);
	struct block fence = arena_take(&fn->memory, RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_SIZE);

	*ring = (struct ring){
		.fn = fn, .index = index,
		.doorbell = fn->vfio.regs + VGPU_REG_DOORBELL(index),
		.fence_header = VGPU_PKT_HEADER(VGPU_OP_FENCE,
						interrupts ? VGPU_FENCE_INTERRUPT : 0,
						struct vgpu_pkt_fence),
		.packets = packets.cpu, .word_mask = bytes / 8 - 1,
		.room = bytes / RING_SUBMISSION_BYTES,
		.fence = fence.cpu, .fence_addr = fence.gpu,
	};
	ring->cookie_mask = rte_align64pow2(ring->room) - 1;
	ring->cookies = calloc(ring->cookie_mask + 1, sizeof(*ring->cookies));
	if (!packets.cpu || !fence.cpu || !ring->cookies) {
		LOG(ERR, "%s: no memory for ring %u", fn->vfio.bdf, index);
		return -ENOMEM;
	}
	*ring->fence = 0;
	function_write(fn, VGPU_REG_RING(index) + VGPU_RING_CTRL, 0);
	function_write64(fn, VGPU_REG_RING(index) + VGPU_RING_BASE, packets.gpu);
	function_write(fn, VGPU_REG_RING(index) + VGPU_RING_SIZE, rte_ctz64(bytes));
	function_write64(fn, VGPU_REG_RING(index) + VGPU_RING_HEAD, 0);
	function_write(fn, VGPU_REG_RING(index) + VGPU_RING_CTRL, VGPU_RING_CTRL_ENABLE);
	return 0;
}

void ring_destroy(struct ring *ring)
{
	free(ring->cookies);
	ring->cookies = NULL;
}

bool ring_halted(const struct ring *ring, struct ring_halt *halt)
{
	unsigned int regs = VGPU_REG_RING(ring->index);

	if (function_read(ring->fn, regs + VGPU_RING_STATUS) != VGPU_RING_HALTED)
		return false;
	halt->fault = function_read(ring->fn, regs + VGPU_RING_FAULT);
	halt->addr = function_read64(ring->fn, regs + VGPU_RING_FAULT_ADDR);
	return true;
}

/* HEAD is at the INDIRECT; its FENCE is executed, so that it is reaped in order. */
void ring_skip(struct ring *ring)
{
	unsigned int regs = VGPU_REG_RING(ring->index);
	uint64_t head = function_read64(ring->fn, regs + VGPU_RING_HEAD);
	uint64_t fence = head - head % RING_SUBMISSION_BYTES +
			 sizeof(struct vgpu_pkt_indirect);

	function_write64(ring->fn, regs + VGPU_RING_HEAD, fence);
	function_write(ring->fn, regs + VGPU_RING_CTRL,
		       VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
	/* Doorbells of a halted ring were ignored. */
	ring_doorbell(ring);
}

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
	struct block packets = arena_take(&fn->memory, bytes, 4096);
	struct block fence = arena_take(&fn->memory, RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_SIZE);

	*ring = (struct ring){
		.fn = fn, .index = index, .interrupts = interrupts,
		.packets = packets.cpu, .bytes = bytes,
		.fence = fence.cpu, .fence_addr = fence.gpu,
	};
	/* At most so many are in it at a time. */
	ring->places = rte_align64pow2(bytes / RING_SUBMISSION_BYTES) - 1;
	ring->pending = calloc(ring->places + 1, sizeof(*ring->pending));
	if (!packets.cpu || !fence.cpu || !ring->pending) {
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
	free(ring->pending);
	ring->pending = NULL;
}

/* Packets are whole words, and may go on at the beginning of the ring. */
static void emit(struct ring *ring, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t mask = ring->bytes / 8 - 1, at = ring->tail / 8;

	ring->packets[at & mask] = a;
	ring->packets[(at + 1) & mask] = b;
	ring->packets[(at + 2) & mask] = c;
	ring->tail += 3 * 8;
}

bool ring_submit(struct ring *ring, uint32_t context, uint64_t addr, uint64_t bytes,
		 void *cookie)
{
	const uint32_t indirect =
		VGPU_PKT_HEADER(VGPU_OP_INDIRECT, 0, struct vgpu_pkt_indirect);
	uint32_t fence = VGPU_PKT_HEADER(VGPU_OP_FENCE, 0, struct vgpu_pkt_fence);
	struct submission *submission;

	if (ring->tail - ring->head + RING_SUBMISSION_BYTES > ring->bytes)
		return false;
	if (ring->interrupts)
		fence |= VGPU_FIELD_PREP(VGPU_PKT_FLAGS, VGPU_FENCE_INTERRUPT);
	emit(ring, indirect | (uint64_t)context << 32, addr, bytes);
	emit(ring, fence, ring->fence_addr, ++ring->submitted);
	submission = &ring->pending[ring->submitted & ring->places];
	submission->end = ring->tail;
	submission->cookie = cookie;
	return true;
}

void ring_doorbell(struct ring *ring)
{
	/* The write is ordered behind the packets. */
	function_write64(ring->fn, VGPU_REG_DOORBELL(ring->index), ring->tail);
	ring->rung = ring->tail;
	ring->doorbells++;
}

unsigned int ring_reap(struct ring *ring, void **cookies, unsigned int limit)
{
	uint64_t fence = *ring->fence;
	struct submission *submission;
	unsigned int count = 0;

	/* What was computed is read after the fence that says so. */
	rte_io_rmb();
	while (ring->completed < fence && ring->completed < ring->submitted &&
	       count < limit) {
		submission = &ring->pending[++ring->completed & ring->places];
		ring->head = submission->end;
		cookies[count++] = submission->cookie;
	}
	return count;
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

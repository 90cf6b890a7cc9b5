/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rings. A submission is
 *
 *	INDIRECT (a command buffer, in an address space), FENCE (its number)
 *
 * A ring is used by one lcore at a time.
 */
#ifndef VGPU_DPDK_RING_H
#define VGPU_DPDK_RING_H

#include <string.h>

#include "function.h"

/** RING_SUBMISSION_BYTES - what a submission takes */
#define RING_SUBMISSION_BYTES \
	(sizeof(struct vgpu_pkt_indirect) + sizeof(struct vgpu_pkt_fence))
#define RING_SUBMISSION_WORDS	(RING_SUBMISSION_BYTES / 8)

/**
 * struct ring - a ring. Submission N ends at position N * RING_SUBMISSION_BYTES
 * @fn: whose
 * @index: which one
 * @doorbell: its register
 * @fence_header: of its FENCE packets, which may ask for an interrupt
 * @packets: its memory, and behind it RING_SUBMISSION_BYTES to write beyond its end
 * @word_mask: 8-byte words of it, a power of two, less 1
 * @room: submissions that there is room for
 * @fence: number of the last complete one, by the engine
 * @fence_addr: the same, for the engine
 * @submitted: number of the last one
 * @completed: number of the last one that ring_next() has returned
 * @doorbells: rung so far
 * @cookies: of those in between, by number
 * @cookie_mask: places there, a power of two, less 1
 */
struct ring {
	struct function *fn;
	unsigned int index;
	void *doorbell;
	uint32_t fence_header;
	uint64_t *packets;
	uint64_t word_mask;
	uint64_t room;
	volatile uint64_t *fence;
	uint64_t fence_addr;
	uint64_t submitted;
	uint64_t completed;
	uint64_t doorbells;
	void **cookies;
	uint64_t cookie_mask;
};

/** ring_bytes() - of the smallest ring for @depth submissions; a power of two */
uint64_t ring_bytes(const struct function *fn, unsigned int depth);
/** ring_create() - before function_start(); memory from fn->memory */
int ring_create(struct ring *ring, struct function *fn, unsigned int index,
		unsigned int depth, bool interrupts);
/** ring_destroy() - nothing of it runs any more */
void ring_destroy(struct ring *ring);

/** ring_pending() - submissions that have not been taken by ring_next() */
static inline uint64_t ring_pending(const struct ring *ring)
{
	return ring->submitted - ring->completed;
}

/**
 * ring_submit() - write a submission; it is not seen before the doorbell
 * @ring: the ring; there is room, ring_pending() < @room
 * @context: address space of the buffer
 * @addr: of the buffer
 * @bytes: of the buffer
 * @cookie: for ring_next()
 */
static inline void ring_submit(struct ring *ring, uint32_t context, uint64_t addr,
			       uint64_t bytes, void *cookie)
{
	const uint32_t indirect =
		VGPU_PKT_HEADER(VGPU_OP_INDIRECT, 0, struct vgpu_pkt_indirect);
	const uint64_t at = ring->submitted * RING_SUBMISSION_WORDS & ring->word_mask;
	const uint64_t number = ++ring->submitted;
	uint64_t *words = &ring->packets[at];

	words[0] = indirect | (uint64_t)context << 32;
	words[1] = addr;
	words[2] = bytes;
	words[3] = ring->fence_header;
	words[4] = ring->fence_addr;
	words[5] = number;
	/* It goes on at the beginning of the ring. */
	if (unlikely(at + RING_SUBMISSION_WORDS - 1 > ring->word_mask))
		memcpy(ring->packets, &ring->packets[ring->word_mask + 1],
		       (at + RING_SUBMISSION_WORDS - 1 - ring->word_mask) * 8);
	ring->cookies[number & ring->cookie_mask] = cookie;
}

/** ring_doorbell() - tell the device of all that was written */
static inline void ring_doorbell(struct ring *ring)
{
	/* The write is ordered behind the packets. */
	rte_write64(ring->submitted * RING_SUBMISSION_BYTES, ring->doorbell);
	ring->doorbells++;
}

/** ring_done() - how many of them are complete */
static inline uint64_t ring_done(const struct ring *ring)
{
	uint64_t done = *ring->fence - ring->completed;

	/* What was computed is read after the fence that says so. */
	rte_io_rmb();
	return RTE_MIN(done, ring_pending(ring));
}

/** ring_next() - cookie of the next one that is complete, in order */
static inline void *ring_next(struct ring *ring)
{
	return ring->cookies[++ring->completed & ring->cookie_mask];
}

/**
 * struct ring_halt - why a ring has halted, as in the registers
 * @fault: VGPU_RING_FAULT
 * @addr: VGPU_RING_FAULT_ADDR
 */
struct ring_halt {
	uint32_t fault;
	uint64_t addr;
};

/** RING_POLLS_MASK - behind so many polls without a completion look whether it has halted */
#define RING_POLLS_MASK	0xfff

/** ring_halted() - has it? Reads a register, so not for every turn of a loop */
bool ring_halted(const struct ring *ring, struct ring_halt *halt);
/** ring_skip() - a halted ring goes on behind the submission that has faulted */
void ring_skip(struct ring *ring);

#endif

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

#include "function.h"

/**
 * struct submission - what is in a ring
 * @end: position behind it
 * @cookie: of whoever has submitted it
 */
struct submission {
	uint64_t end;
	void *cookie;
};

/**
 * struct ring - a ring
 * @fn: whose
 * @index: which one
 * @interrupts: the fences ask for an interrupt
 * @packets: its memory
 * @bytes: size, a power of two
 * @tail: position behind the last packet
 * @head: position behind the last submission known to be complete
 * @rung: @tail as of the last doorbell
 * @fence: number of the last complete one, by the engine
 * @fence_addr: the same, for the engine
 * @submitted: number of the last one
 * @completed: number of the last one that ring_reap() has returned
 * @doorbells: rung so far
 * @pending: those in between, by number
 * @places: in @pending, less 1
 */
struct ring {
	struct function *fn;
	unsigned int index;
	bool interrupts;
	uint64_t *packets;
	uint64_t bytes;
	uint64_t tail;
	uint64_t head;
	uint64_t rung;
	volatile uint64_t *fence;
	uint64_t fence_addr;
	uint64_t submitted;
	uint64_t completed;
	uint64_t doorbells;
	struct submission *pending;
	uint64_t places;
};

/** RING_SUBMISSION_BYTES - what a submission takes */
#define RING_SUBMISSION_BYTES \
	(sizeof(struct vgpu_pkt_indirect) + sizeof(struct vgpu_pkt_fence))

/** ring_bytes() - of the smallest ring for @depth submissions; a power of two */
uint64_t ring_bytes(const struct function *fn, unsigned int depth);
/** ring_create() - before function_start(); memory from fn->memory */
int ring_create(struct ring *ring, struct function *fn, unsigned int index,
		unsigned int depth, bool interrupts);
/** ring_destroy() - nothing of it runs any more */
void ring_destroy(struct ring *ring);

/**
 * ring_submit() - write a submission; it is not seen before the doorbell
 * @ring: the ring
 * @context: address space of the buffer
 * @addr: of the buffer
 * @bytes: of the buffer
 * @cookie: for ring_reap()
 *
 * Return: false if there is no room
 */
bool ring_submit(struct ring *ring, uint32_t context, uint64_t addr, uint64_t bytes,
		 void *cookie);
/** ring_doorbell() - tell the device of all that was written */
void ring_doorbell(struct ring *ring);
/**
 * ring_reap() - what has been completed, in order
 * @ring: the ring
 * @cookies: of them
 * @limit: room there
 *
 * Return: how many
 */
unsigned int ring_reap(struct ring *ring, void **cookies, unsigned int limit);

/** ring_pending() - submissions that have not been reaped */
static inline uint64_t ring_pending(const struct ring *ring)
{
	return ring->submitted - ring->completed;
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

/** ring_halted() - has it? Reads a register, so not for every turn of a loop */
bool ring_halted(const struct ring *ring, struct ring_halt *halt);
/** ring_skip() - a halted ring goes on behind the submission that has faulted */
void ring_skip(struct ring *ring);

#endif

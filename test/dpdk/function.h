/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A function: its registers, its memory, its mailbox, and its life.
 *
 *   function_open() --> function_start() --> rings run --> function_stop()
 *          ^                                                    |
 *          +------------- function_reset() <--------------------+--> function_close()
 *
 * function_reset() is a function level reset and all that open does after it; rings
 * and address spaces are to be made anew.
 */
#ifndef VGPU_DPDK_FUNCTION_H
#define VGPU_DPDK_FUNCTION_H

#include <rte_io.h>

#include <vgpu/mailbox.h>
#include <vgpu/mmu.h>
#include <vgpu/packets.h>

#include "memory.h"
#include "vfio.h"

/** FUNCTION_CONTEXTS - entries of the context table that are used here */
#define FUNCTION_CONTEXTS	16

/**
 * struct function - a VF
 * @vfio: how it is reached
 * @number: VGPU_REG_FUNCTION
 * @rings: how many it has
 * @ring_bytes_max: of one of them
 * @config: answer to CONFIG
 * @memory: hugepages that it can reach
 * @memory_name: of the memzone
 * @vram: its VRAM, as far as the window shows it
 * @contexts: context table, in VRAM
 * @sequence: of the last request
 * @started: START was answered
 * @notices: from the PF, so far
 */
struct function {
	struct vfio_device vfio;
	unsigned int number;
	unsigned int rings;
	uint64_t ring_bytes_max;
	struct vgpu_mbox_config config;
	struct arena memory;
	char memory_name[32];
	struct arena vram;
	struct vgpu_context_desc *contexts;
	uint32_t sequence;
	bool started;
	uint64_t notices;
};

/** union message - of the mailbox */
union message {
	struct vgpu_mbox_header header;
	struct vgpu_mbox_handshake handshake;
	struct vgpu_mbox_config config;
	struct vgpu_mbox_notice notice;
	uint32_t words[VGPU_MBOX_BYTES / 4];
};

static inline uint32_t function_read(const struct function *fn, unsigned int reg)
{
	return rte_read32(fn->vfio.regs + reg);
}

static inline uint64_t function_read64(const struct function *fn, unsigned int reg)
{
	return rte_read64(fn->vfio.regs + reg);
}

static inline void function_write(struct function *fn, unsigned int reg, uint32_t value)
{
	rte_write32(value, fn->vfio.regs + reg);
}

static inline void function_write64(struct function *fn, unsigned int reg, uint64_t value)
{
	rte_write64(value, fn->vfio.regs + reg);
}

/**
 * function_open() - take a VF, speak to its PF, prepare its memory
 * @fn: is filled in
 * @bdf: its address
 * @alone: see vfio_open()
 * @memory_bytes: hugepages for it
 *
 * Return: 0 or a negative errno, which has been logged
 */
int function_open(struct function *fn, const char *bdf, bool alone, uint64_t memory_bytes);
void function_close(struct function *fn);

/** function_start() - have a fresh world; doorbells count from here on */
int function_start(struct function *fn);
/** function_stop() - nothing of it runs any more when this returns 0 */
int function_stop(struct function *fn);
/** function_reset() - by FLR: VRAM is zero, @memory and @vram are free again */
int function_reset(struct function *fn);

/**
 * function_interrupts() - eventfds for the mailbox, and for that many rings
 * @fn: the function
 * @rings: 0 if fences are polled
 */
int function_interrupts(struct function *fn, unsigned int rings);

/**
 * function_ask() - a request to the PF as it is, and its answer in its place
 * @fn: the function
 * @message: sealed, whatever it contains
 *
 * Return: 0 or the errno of the answer; -ETIMEDOUT if there is none, -EPROTO if it
 * is one to something else
 */
int function_ask(struct function *fn, union message *message);
/** function_request() - the same for a well-formed one of @type and @size */
int function_request(struct function *fn, union message *message,
		     enum vgpu_mbox_type type, unsigned int size);
/** function_seal() - size and checksum are right afterwards */
void function_seal(union message *message);

#endif

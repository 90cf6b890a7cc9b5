/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings: what a VF was given to do, so that it can be done again, elsewhere.
 *
 * A file is a struct recording_header and records, each a struct recording_record and
 * its payload, in the order in which things were done by the CPU. All is
 * little-endian; times are ns since the beginning.
 *
 *	MAP		there is memory at an address, zero at first
 *	WRITE		the CPU has written there
 *	SUBMIT		a command buffer for a ring; they are numbered from 1
 *	COMPLETE	the CPU has seen that one has been completed. What follows may
 *			rely on that
 *	EXPECT		what is in memory now
 *
 * Who replays a recording does the same in the same order, and waits at COMPLETE only.
 */
#ifndef VGPU_RECORDING_H
#define VGPU_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RECORDING_MAGIC		0x6365727570677675ull	/* "uvgpurec" */
#define RECORDING_VERSION	1

enum recording_type {
	RECORDING_MAP		= 1,
	RECORDING_WRITE		= 2,
	RECORDING_SUBMIT	= 3,
	RECORDING_COMPLETE	= 4,
	RECORDING_EXPECT	= 5,
};

struct recording_header {
	uint64_t magic;
	uint32_t version;
	uint32_t reserved;
};

/** struct recording_record - @bytes of payload, a multiple of 8, follow */
struct recording_record {
	uint32_t type;
	uint32_t bytes;
	uint64_t time_ns;
};

/** RECORDING_SYSTEM - in recording_map.flags: system memory, else VRAM */
#define RECORDING_SYSTEM	0x80000000u

/**
 * struct recording_map - MAP
 * @addr: virtual address, multiple of 4 KiB; nothing is there yet
 * @bytes: multiple of 4 KiB
 * @context: number of the address space
 * @flags: VGPU_PTE_READ, _WRITE, _EXECUTE, RECORDING_SYSTEM
 */
struct recording_map {
	uint64_t addr;
	uint64_t bytes;
	uint32_t context;
	uint32_t flags;
};

/** struct recording_write - WRITE; @bytes, and zeros up to a multiple of 8, follow */
struct recording_write {
	uint64_t addr;
	uint32_t context;
	uint32_t bytes;
};

/** struct recording_submit - SUBMIT of the buffer of @bytes at @addr */
struct recording_submit {
	uint64_t number;
	uint64_t addr;
	uint64_t bytes;
	uint32_t context;
	uint32_t ring;
};

struct recording_complete {
	uint64_t number;
};

/** struct recording_expect - EXPECT: vgpu_checksum() of the @bytes at @addr */
struct recording_expect {
	uint64_t addr;
	uint32_t context;
	uint32_t bytes;
	uint32_t checksum;
	uint32_t reserved;
};

/**
 * struct recording - being written
 * @file: where to
 * @begun: CLOCK_MONOTONIC, ns
 * @submitted: number of the last SUBMIT
 */
struct recording {
	FILE *file;
	uint64_t begun;
	uint64_t submitted;
};

/* 0 or a negative errno; what fails while writing is told by recording_close(). */
int recording_open(struct recording *recording, const char *path);
int recording_close(struct recording *recording);
void recording_map(struct recording *recording, uint32_t context, uint64_t addr,
		   uint64_t bytes, uint32_t flags);
void recording_write(struct recording *recording, uint32_t context, uint64_t addr,
		     const void *data, uint32_t bytes);
/** recording_submit() - returns its number */
uint64_t recording_submit(struct recording *recording, uint32_t context, uint32_t ring,
			  uint64_t addr, uint64_t bytes);
void recording_complete(struct recording *recording, uint64_t number);
void recording_expect(struct recording *recording, uint32_t context, uint64_t addr,
		      const void *data, uint32_t bytes);

#endif

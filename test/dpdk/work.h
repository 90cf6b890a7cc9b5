/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work: command buffers with a result that the CPU knows, too.
 *
 * A command is a slot: memory for its packets, in hugepages, and for its data, in
 * VRAM. It is prepared, submitted, completed and checked, again and again.
 */
#ifndef VGPU_DPDK_WORK_H
#define VGPU_DPDK_WORK_H

#include <vgpu.h>

#include "mmu.h"

/**
 * enum work_kind - what a command buffer does
 * @WORK_EMPTY: a kernel of one work-group that does nothing
 * @WORK_SPIN: work-groups of a given length, each of which counts
 * @WORK_FILL: FILL, and COPY of it
 * @WORK_SAXPY: y = a * x + y
 * @WORK_REDUCE: sums
 * @WORK_GEMM: C = A * B
 * @WORK_MANDELBROT: a tile
 * @WORK_MIX: each time another one of them
 */
enum work_kind {
	WORK_EMPTY,
	WORK_SPIN,
	WORK_FILL,
	WORK_SAXPY,
	WORK_REDUCE,
	WORK_GEMM,
	WORK_MANDELBROT,
	WORK_MIX,
	WORK_KINDS,
};

extern const char *const work_names[WORK_KINDS];

#define WORK_COMMANDS_BYTES	256
#define WORK_DATA_BYTES		8192
/* of a SPIN, each with a counter */
#define WORK_GROUPS_MAX		(WORK_DATA_BYTES / 8)

/**
 * struct work - what is to be done
 * @kind: of all commands
 * @groups: work-groups of WORK_SPIN, 1…WORK_GROUPS_MAX, or any number if @counted is
 *	not set
 * @group_ns: length of each
 * @counted: WORK_SPIN counts
 */
struct work {
	enum work_kind kind;
	uint32_t groups;
	uint64_t group_ns;
	bool counted;
};

/**
 * struct command - a slot
 * @packets: of the command buffer; its address is a virtual one
 * @data: in VRAM
 * @data_addr: virtual address
 * @kind: what it does this time
 * @times: counters of WORK_SPIN have been incremented
 * @value: of WORK_FILL
 * @random: state
 * @begun: TSC, when it was submitted or its doorbell rung
 */
struct command {
	struct vgpu_commands packets;
	uint8_t *data;
	uint64_t data_addr;
	enum work_kind kind;
	uint64_t times;
	uint32_t value;
	uint64_t random;
	uint64_t begun;
};

/** work_prepare() - write the packets */
void work_prepare(const struct work *work, struct command *command);
/** work_check() - is the result right? */
bool work_check(const struct work *work, struct command *command);

#endif

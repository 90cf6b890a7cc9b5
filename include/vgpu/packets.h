/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * Packets: what rings and indirect buffers contain.
 *
 * A ring belongs to the driver. Its packets say in which context their
 * addresses are (context 0 is function space, mmu.h). INDIRECT runs a buffer of
 * packets in a context; packets there must name context 0, which means "the
 * buffer's own", so that a buffer can be given to a process unparsed.
 *
 * Packets are multiples of 8 bytes, 8-byte aligned; one may wrap around the end
 * of a ring. Rings of a world take turns, one ring packet at a time (INDIRECT
 * with its whole buffer is one); a ring blocked by WAIT loses its turn. Within a
 * ring order is strict: a packet begins when the one before it is complete and
 * visible.
 *
 * A packet is read when it begins, never before, and again when its ring looks at
 * a WAIT again or goes on after a preemption. So packets of a ring that HEAD has
 * not reached may be changed; a header is seen whole, as it was before or after.
 *
 * Any rule that is broken halts this ring, at this packet, with a fault
 * (VGPU_RING_FAULT); HEAD stays at the ring packet. Effects of earlier packets
 * and of finished work-groups stay.
 *
 * Preemption points: between packets, between work-groups of DISPATCH, between
 * chunks of VGPU_CHUNK_BYTES of COPY and FILL. A work-group or chunk is atomic:
 * it takes effect at its end (or later, but before the packet completes or the
 * world is quiesced), once.
 */
#ifndef VGPU_PACKETS_H
#define VGPU_PACKETS_H

#include "mmu.h"

/** VGPU_CHUNK_BYTES - COPY and FILL can be preempted after each so many bytes */
#define VGPU_CHUNK_BYTES	65536

/**
 * enum vgpu_opcode - VGPU_PKT_OPCODE
 * @VGPU_OP_NOP: nothing; any length, content ignored
 * @VGPU_OP_FENCE: struct vgpu_pkt_fence
 * @VGPU_OP_WAIT: struct vgpu_pkt_wait
 * @VGPU_OP_COPY: struct vgpu_pkt_copy
 * @VGPU_OP_FILL: struct vgpu_pkt_fill
 * @VGPU_OP_TIMESTAMP: struct vgpu_pkt_timestamp
 * @VGPU_OP_INDIRECT: struct vgpu_pkt_indirect; in rings only
 * @VGPU_OP_DISPATCH: struct vgpu_pkt_dispatch
 */
enum vgpu_opcode {
	VGPU_OP_NOP		= 1,
	VGPU_OP_FENCE		= 2,
	VGPU_OP_WAIT		= 3,
	VGPU_OP_COPY		= 4,
	VGPU_OP_FILL		= 5,
	VGPU_OP_TIMESTAMP	= 6,
	VGPU_OP_INDIRECT	= 7,
	VGPU_OP_DISPATCH	= 8,
};

/* struct vgpu_pkt.header */
#define VGPU_PKT_OPCODE		0x000000ffu
#define VGPU_PKT_FLAGS		0x0000ff00u
/** VGPU_PKT_QWORDS - length of the whole packet in units of 8 bytes, at least 1 */
#define VGPU_PKT_QWORDS		0xffff0000u

/** VGPU_PKT_HEADER() - header word of packet structure @type */
#define VGPU_PKT_HEADER(opcode, flags, type) \
	((__u32)(opcode) | (__u32)(flags) << 8 | (__u32)(sizeof(type) / 8) << 16)

/**
 * struct vgpu_pkt - what all packets begin with
 * @header: VGPU_PKT_OPCODE, VGPU_PKT_FLAGS (zero where none are named),
 *	VGPU_PKT_QWORDS
 * @context: address space of the packet's addresses
 */
struct vgpu_pkt {
	__le32 header;
	__le32 context;
};

/** VGPU_FENCE_INTERRUPT - flag of FENCE: raise the ring's vector, in rings only */
#define VGPU_FENCE_INTERRUPT	0x01

/**
 * struct vgpu_pkt_fence - write @value when all before it is visible
 * @pkt: header
 * @addr: where to, 8-byte aligned
 * @value: what
 */
struct vgpu_pkt_fence {
	struct vgpu_pkt pkt;
	__le64 addr;
	__le64 value;
};

/**
 * struct vgpu_pkt_wait - block the ring until the 64-bit value at @addr is at
 *	least @value
 * @pkt: header
 * @addr: where, 8-byte aligned
 * @value: unsigned
 *
 * Looked at when reached, after each FENCE that this function executes, and at
 * each of its doorbells; other writes to memory do not wake it.
 */
struct vgpu_pkt_wait {
	struct vgpu_pkt pkt;
	__le64 addr;
	__le64 value;
};

/**
 * struct vgpu_pkt_copy - copy @bytes, which must not overlap
 * @pkt: header
 * @dst: 4-byte aligned
 * @src: 4-byte aligned
 * @bytes: multiple of 4, below 4 GiB
 */
struct vgpu_pkt_copy {
	struct vgpu_pkt pkt;
	__le64 dst;
	__le64 src;
	__le64 bytes;
};

/**
 * struct vgpu_pkt_fill - set @bytes to copies of @value
 * @pkt: header
 * @dst: 4-byte aligned
 * @bytes: multiple of 4, below 4 GiB
 * @value: 32 bits, little-endian in memory
 * @reserved: zero
 */
struct vgpu_pkt_fill {
	struct vgpu_pkt pkt;
	__le64 dst;
	__le64 bytes;
	__le32 value;
	__le32 reserved;
};

/**
 * struct vgpu_timestamp - what TIMESTAMP writes
 * @clock: VGPU_REG_CLOCK, ns
 * @gpu_time: VGPU_REG_GPU_TIME, ns
 */
struct vgpu_timestamp {
	__le64 clock;
	__le64 gpu_time;
};

/**
 * struct vgpu_pkt_timestamp - write a struct vgpu_timestamp
 * @pkt: header
 * @addr: 8-byte aligned
 */
struct vgpu_pkt_timestamp {
	struct vgpu_pkt pkt;
	__le64 addr;
};

/**
 * struct vgpu_pkt_indirect - execute a buffer of packets
 * @pkt: header; the context is the buffer's
 * @addr: 8-byte aligned, fetched with the execute right
 * @bytes: multiple of 8, at most VGPU_INDIRECT_MAX
 */
struct vgpu_pkt_indirect {
	struct vgpu_pkt pkt;
	__le64 addr;
	__le64 bytes;
};

/** VGPU_INDIRECT_MAX - largest indirect buffer, bytes */
#define VGPU_INDIRECT_MAX	(16ull << 20)

/**
 * struct vgpu_pkt_dispatch - run a kernel over a grid of work-groups
 * @pkt: header
 * @kernel: enum vgpu_kernel
 * @grid_x: work-groups; all three at least 1, their product below 2^32
 * @grid_y: work-groups
 * @grid_z: work-groups
 * @args: by kernel; those that it does not use are zero
 *
 * Group (x, y, z) has the index (z * grid_y + y) * grid_x + x; groups run one
 * after the other by index.
 */
struct vgpu_pkt_dispatch {
	struct vgpu_pkt pkt;
	__le32 kernel;
	__le32 grid_x;
	__le32 grid_y;
	__le32 grid_z;
	__le64 args[8];
};

/**
 * enum vgpu_kernel - what DISPATCH can run
 * @VGPU_KERNEL_SPIN: args[0] ns per group (0: VGPU_PF_COST_GROUP; at most
 *	VGPU_SPIN_MAX_NS; raised to what any packet takes at least); args[1]
 *	address of an array of __le64, 8-byte aligned, whose element [group
 *	index] is incremented, or VGPU_SPIN_NO_COUNT
 * @VGPU_KERNEL_SPIN_ATOMIC: the same, but cannot be preempted between groups
 * @VGPU_KERNEL_SAXPY: y[i] = a * x[i] + y[i]; args[0] n, args[1] a (float bits in
 *	31:0), args[2] x, args[3] y. float32, product rounded before the sum.
 *	Group g does elements [g, g + 1) * VGPU_SAXPY_GROUP; grid must be
 *	(ceil(n / VGPU_SAXPY_GROUP), 1, 1)
 * @VGPU_KERNEL_GEMM: C = A * B, float32, row-major, no padding; args[0] M,
 *	args[1] N, args[2] K (each at most VGPU_GEMM_MAX), args[3] A (M x K),
 *	args[4] B (K x N), args[5] C. Sums over k ascending from 0.0f, product
 *	rounded before the sum. Group (x, y) does the VGPU_GEMM_TILE square tile
 *	at column x, row y; grid must be (ceil(N / tile), ceil(M / tile), 1)
 * @VGPU_KERNEL_REDUCE: out[g] = sum of the group's elements; args[0] n, args[1]
 *	array of __le32, args[2] out, array of __le64, 8-byte aligned. Group g does
 *	elements [g, g + 1) * VGPU_REDUCE_GROUP; grid must be
 *	(ceil(n / VGPU_REDUCE_GROUP), 1, 1)
 * @VGPU_KERNEL_MANDELBROT: iteration counts, __le32 a pixel; args[0] out, args[1]
 *	width | height << 32 of the whole picture in pixels, args[2] first row |
 *	number of rows << 32 to compute, args[3] left edge, args[4] top edge,
 *	args[5] distance of pixels, all signed with VGPU_MANDELBROT_FRACTION
 *	fraction bits, args[6] iteration limit, 1…65535. Row r of the part is at
 *	out + r * width * 4. Group (x, y) does the VGPU_MANDELBROT_TILE square
 *	tile at column x, row y of the part; grid must be (ceil(width / tile),
 *	ceil(rows / tile), 1). The pixel in column x of row y of the whole
 *	picture is at left + x * distance, top + y * distance, modulo 2^64.
 *	Arithmetic: see vgpu_mandelbrot().
 *
 * Float and integer arrays are 4-byte aligned unless said otherwise.
 */
enum vgpu_kernel {
	VGPU_KERNEL_SPIN	= 1,
	VGPU_KERNEL_SPIN_ATOMIC	= 2,
	VGPU_KERNEL_SAXPY	= 3,
	VGPU_KERNEL_GEMM	= 4,
	VGPU_KERNEL_REDUCE	= 5,
	VGPU_KERNEL_MANDELBROT	= 6,
};

#define VGPU_SPIN_MAX_NS	0x10000000000ull
#define VGPU_SPIN_NO_COUNT	(~0ull)
#define VGPU_SAXPY_GROUP	1024
#define VGPU_GEMM_TILE		16
#define VGPU_GEMM_MAX		4096
#define VGPU_REDUCE_GROUP	4096
#define VGPU_MANDELBROT_TILE	16
#define VGPU_MANDELBROT_FRACTION 28

/**
 * vgpu_mandelbrot() - iterations until |z|^2 > 4 for z := z^2 + c, from z = 0
 * @cx: real part of c, VGPU_MANDELBROT_FRACTION fraction bits
 * @cy: imaginary part of c
 * @limit: iterations at most
 *
 * The definition of the kernel's arithmetic, used by the engine and by those who
 * check it. Coordinates outside ±4 return 0 iterations, which keeps every
 * intermediate below 2^62.
 */
static inline __u32 vgpu_mandelbrot(__s64 cx, __s64 cy, __u32 limit)
{
	const __s64 one = 1ll << VGPU_MANDELBROT_FRACTION;
	__s64 x = 0, y = 0;
	__u32 n;

	if (cx < -4 * one || cx > 4 * one || cy < -4 * one || cy > 4 * one)
		return 0;
	for (n = 0; n < limit; n++) {
		__s64 xx = (x * x) >> VGPU_MANDELBROT_FRACTION;
		__s64 yy = (y * y) >> VGPU_MANDELBROT_FRACTION;

		if (xx + yy > 4 * one)
			break;
		y = ((2 * x * y) >> VGPU_MANDELBROT_FRACTION) + cy;
		x = xx - yy + cx;
	}
	return n;
}

#endif

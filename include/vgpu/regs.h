/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * PCI identity, BARs and registers of the vgpu SR-IOV GPU, revision 1.0.
 *
 * Functions are numbered: 0 is the physical function (PF), n is VF n, counted
 * from 1. "World" is everything of one function on the engine.
 *
 * Registers are little-endian. A 32-bit register takes 32-bit accesses. A
 * 64-bit register takes one 64-bit access or two 32-bit accesses, whose halves
 * take effect one by one; registers marked "64-bit only" ignore 32-bit writes.
 * Other sizes, misaligned accesses and unassigned offsets read as zero and are
 * ignored on write. RO: writes are ignored. WO: reads as zero. A bit outside a
 * register's write mask reads as zero and ignores writes. All times are in
 * nanoseconds of the device clock (VGPU_REG_CLOCK), which starts at zero at
 * power-on and never stops, steps or goes back.
 */
#ifndef VGPU_REGS_H
#define VGPU_REGS_H

#include "types.h"

/*
 * PCI identity. Vendor 0x1234 is unassigned; QEMU uses it for device models of
 * its own.
 */
#define VGPU_PCI_VENDOR			0x1234
#define VGPU_PCI_DEVICE_PF		0x7690
#define VGPU_PCI_DEVICE_VF		0x7691
#define VGPU_PCI_CLASS			0x0302	/* 3D controller */

/** VGPU_MAX_FUNCTIONS - PF and VFs that the register format has room for */
#define VGPU_MAX_FUNCTIONS		256
/** VGPU_FUNCTION_PF - the number of the physical function */
#define VGPU_FUNCTION_PF		0
/** VGPU_FUNCTION_NONE - no function, where a function number is expected */
#define VGPU_FUNCTION_NONE		0xffff
/** VGPU_MAX_RINGS - rings per function that the register format has room for */
#define VGPU_MAX_RINGS			8

/*
 * BARs, the same numbers on PF and VF. All are 64-bit.
 *
 * BAR 0, registers (64 KiB on a VF, VGPU_PF_BAR_BYTES on the PF; prefetchable
 * on a VF only so that bridges can place all of them above 4 GiB: no read has
 * a side effect other than VGPU_REG_CLOCK's latch).
 * BAR 2, VRAM, prefetchable. On the PF all of it. On a VF a window on its own
 * range: offset 0 is the first byte of the range, and an access at or beyond
 * the end of the range reads all-ones, is dropped on write, and is counted in
 * VGPU_PF_FN_VIOLATIONS.
 */
#define VGPU_BAR_REGS			0
#define VGPU_BAR_VRAM			2
#define VGPU_VF_BAR_BYTES		0x10000
#define VGPU_PF_BAR_BYTES		0x40000

/*
 * MSI-X. Every function: vector 0 for mailbox and faults, vector 1 + r for
 * fences of ring r. The PF has one more, behind its last ring's, for the event
 * queue.
 */
#define VGPU_BAR_MSIX_TABLE		0x4000
#define VGPU_BAR_MSIX_PBA		0x5000
#define VGPU_VECTOR_FUNCTION		0
#define VGPU_VECTOR_RING(r)		(1 + (r))
#define VGPU_VECTOR_EVENTS(rings)	(1 + (rings))

/* ------------------------------------------------------------------------ */
/* Function block, on every function                                         */

/** VGPU_REG_ID - RO, VGPU_ID_VALUE. All-ones means that the device is gone. */
#define VGPU_REG_ID			0x000
#define VGPU_ID_VALUE			0x55504756u	/* "VGPU" */

/** VGPU_REG_REVISION - RO, of this interface: major in 31:16, minor in 15:0 */
#define VGPU_REG_REVISION		0x004
#define VGPU_REVISION_MAJOR		0xffff0000u
#define VGPU_REVISION_MINOR		0x0000ffffu

/** VGPU_REG_FUNCTION - RO, the number of the function that reads */
#define VGPU_REG_FUNCTION		0x008

/**
 * VGPU_REG_CAPS - RO, what this function can do
 *
 * MMU: paged contexts work; without it only flat ones do.
 * PF: the PF block exists.
 * SPARSE: VGPU_PTE_SPARSE works; without it that bit is reserved.
 */
#define VGPU_REG_CAPS			0x00c
#define VGPU_CAPS_MMU			0x00000001u
#define VGPU_CAPS_PF			0x00000002u
#define VGPU_CAPS_SPARSE		0x00000004u

/**
 * VGPU_REG_LIMITS - RO
 *
 * RINGS: number of rings, 1…VGPU_MAX_RINGS. RING_SIZE: the largest ring, log2
 * of bytes (the smallest is VGPU_RING_SIZE_MIN). CONTEXTS: the largest number
 * of entries of the context table.
 */
#define VGPU_REG_LIMITS			0x010
#define VGPU_LIMITS_RINGS		0x000000ffu
#define VGPU_LIMITS_RING_SIZE		0x0000ff00u
#define VGPU_LIMITS_CONTEXTS		0xffff0000u

/**
 * VGPU_REG_STATUS - RO
 *
 * OPEN: the PF lets this function use its rings. While it is clear, ring and
 * context registers keep their values, doorbells are ignored and counted, and
 * nothing of this function runs.
 * FLR: a function level reset waits for the PF (VGPU_PF_FN_FLR_ACK).
 * HALTED: at least one ring is halted (see VGPU_RING_STATUS).
 */
#define VGPU_REG_STATUS			0x018
#define VGPU_STATUS_OPEN		0x00000001u
#define VGPU_STATUS_FLR			0x00000002u
#define VGPU_STATUS_HALTED		0x00000004u

/** VGPU_REG_VRAM_SIZE - RO 64-bit, bytes of VRAM that the function owns */
#define VGPU_REG_VRAM_SIZE		0x020
/**
 * VGPU_REG_WINDOW_SIZE - RO 64-bit, bytes of that VRAM that BAR 2 shows; less
 * than VGPU_REG_VRAM_SIZE only if the BAR is smaller than the range
 */
#define VGPU_REG_WINDOW_SIZE		0x028
/**
 * VGPU_REG_CLOCK - RO 64-bit, the device clock in ns. Reading the low half by
 * a 32-bit access latches the high half for the next 32-bit read of it by the
 * same function.
 */
#define VGPU_REG_CLOCK			0x030
/**
 * VGPU_REG_GPU_TIME - RO 64-bit, ns for which this function's world has had the
 * engine to run (from "running" to "quiesced"; time spent loaded but idle
 * included), since power-on or the last FLR. Timeouts of jobs count this, not
 * the clock.
 */
#define VGPU_REG_GPU_TIME		0x038

/**
 * VGPU_REG_CTX_TABLE - RW 64-bit, function-space address (see packets.h) of the
 * context table, an array of struct vgpu_context_desc; mask
 * VGPU_TABLE_ADDR_MASK; reset 0
 */
#define VGPU_REG_CTX_TABLE		0x040
#define VGPU_TABLE_ADDR_MASK		0x400ffffffffff000ull
/**
 * VGPU_REG_CTX_COUNT - RW, entries of that table; a value above the limit is
 * stored as the limit; 0 (reset) means that there are no contexts
 */
#define VGPU_REG_CTX_COUNT		0x048
/**
 * VGPU_REG_INVALIDATE - WO, drop cached descriptors and translations of the
 * context whose number is written, or of all by VGPU_INVALIDATE_ALL. Complete
 * when the write is. The device may cache both from first use on.
 */
#define VGPU_REG_INVALIDATE		0x04c
#define VGPU_INVALIDATE_ALL		0xffffffffu
/**
 * VGPU_REG_SERVED - RO, the ring of which the engine executes a packet, or, while
 * it executes none of this function, has executed or refused the last one; reset 0
 */
#define VGPU_REG_SERVED			0x050

/*
 * Mailbox, the function's side; VFs only (zero and ignored on the PF). Each
 * direction holds one message (mailbox.h) until its receiver has acknowledged
 * it.
 */
#define VGPU_MBOX_BYTES			64
/** VGPU_REG_MBOX_TX - RW, 16 words to the PF; writes are ignored while TX_BUSY */
#define VGPU_REG_MBOX_TX		0x100
/** VGPU_REG_MBOX_RX - RO, 16 words from the PF, meaningful while RX_VALID */
#define VGPU_REG_MBOX_RX		0x140
/**
 * VGPU_REG_MBOX_CTRL - WO. SEND hands MBOX_TX to the PF (event MAILBOX) and
 * sets TX_BUSY; ignored while TX_BUSY. ACK clears RX_VALID. The interrupt of
 * VGPU_VECTOR_FUNCTION comes when a message arrives and when TX_BUSY clears.
 */
#define VGPU_REG_MBOX_CTRL		0x180
#define VGPU_MBOX_CTRL_SEND		0x00000001u
#define VGPU_MBOX_CTRL_ACK		0x00000002u
/** VGPU_REG_MBOX_STATUS - RO */
#define VGPU_REG_MBOX_STATUS		0x184
#define VGPU_MBOX_STATUS_TX_BUSY	0x00000001u
#define VGPU_MBOX_STATUS_RX_VALID	0x00000002u

/*
 * Rings. Ring r's registers are at VGPU_REG_RING(r) + VGPU_RING_*; those of
 * rings the function does not have are unassigned.
 *
 * Positions (HEAD, TAIL, doorbells) are bytes since the ring was made, counted
 * in 64 bits without wrapping, multiples of 8; the place in memory is
 * BASE + (position modulo size).
 */
#define VGPU_REG_RING(r)		(0x400 + (r) * 0x80)
/**
 * VGPU_RING_BASE - RW 64-bit, function-space address of the ring's memory; mask
 * VGPU_TABLE_ADDR_MASK; ignored while enabled; reset 0
 */
#define VGPU_RING_BASE			0x00
/**
 * VGPU_RING_SIZE - RW, log2 of the ring's bytes; clamped to
 * VGPU_RING_SIZE_MIN…LIMITS.RING_SIZE; ignored while enabled; reset
 * VGPU_RING_SIZE_MIN
 */
#define VGPU_RING_SIZE			0x08
#define VGPU_RING_SIZE_MIN		12
/**
 * VGPU_RING_CTRL - RW, mask ENABLE | RESUME, reset 0
 *
 * ENABLE: going from 0 to 1 sets TAIL to HEAD, clears a fault and drops the
 * progress inside a packet. Going from 1 to 0 stops the ring at the next
 * preemption point; STATUS says when it has stopped.
 * RESUME: write 1 on a halted ring to clear the fault and go on at HEAD, from
 * the beginning of that packet. Reads as zero, ignored if not halted.
 */
#define VGPU_RING_CTRL			0x0c
#define VGPU_RING_CTRL_ENABLE		0x00000001u
#define VGPU_RING_CTRL_RESUME		0x00000002u
/**
 * VGPU_RING_HEAD - RW 64-bit, position of the first packet that has not
 * completed. As known to the device at once while the world is on the engine,
 * and as of the last save otherwise. A write is ignored unless the ring is
 * disabled (and stopped) or halted; it drops the progress inside a packet.
 * Mask ~7, reset 0.
 */
#define VGPU_RING_HEAD			0x10
/** VGPU_RING_TAIL - RO 64-bit, position behind the last packet, set by doorbell */
#define VGPU_RING_TAIL			0x18
/**
 * VGPU_RING_STATUS - RO, one of enum vgpu_ring_state
 */
#define VGPU_RING_STATUS		0x20
/**
 * VGPU_RING_FAULT - RO, why the ring is halted, 0 if it is not
 *
 * CODE: enum vgpu_fault. OPCODE: of the packet (0 if there was none; INDIRECT if
 * its buffer could not be read). ACCESS: what was tried at FAULT_ADDR (enum
 * vgpu_access). CONTEXT: in which address space; if a context or page table could
 * not be read: whose, and FAULT_ADDR is the entry's function-space address.
 */
#define VGPU_RING_FAULT			0x24
#define VGPU_RING_FAULT_CODE		0x000000ffu
#define VGPU_RING_FAULT_OPCODE		0x00000f00u
#define VGPU_RING_FAULT_ACCESS		0x0000f000u
#define VGPU_RING_FAULT_CONTEXT		0xffff0000u
/** VGPU_RING_FAULT_ADDR - RO 64-bit, the faulting address, or 0 */
#define VGPU_RING_FAULT_ADDR		0x28

/**
 * enum vgpu_ring_state - VGPU_RING_STATUS
 * @VGPU_RING_DISABLED: not enabled and stopped
 * @VGPU_RING_IDLE: HEAD equals TAIL
 * @VGPU_RING_ACTIVE: has packets to execute (whether or not it is executing)
 * @VGPU_RING_BLOCKED: at a WAIT packet whose value has not been reached
 * @VGPU_RING_HALTED: stopped by a fault until RESUME, or until ENABLE is cleared
 * @VGPU_RING_STOPPING: ENABLE was cleared, a preemption point is awaited
 */
enum vgpu_ring_state {
	VGPU_RING_DISABLED	= 0,
	VGPU_RING_IDLE		= 1,
	VGPU_RING_ACTIVE	= 2,
	VGPU_RING_BLOCKED	= 3,
	VGPU_RING_HALTED	= 4,
	VGPU_RING_STOPPING	= 5,
};

/**
 * enum vgpu_access - the access that faulted
 * @VGPU_ACCESS_NONE: the fault is not about an access
 * @VGPU_ACCESS_READ: data read, page table and context table reads included
 * @VGPU_ACCESS_WRITE: data write
 * @VGPU_ACCESS_EXECUTE: packet fetch
 */
enum vgpu_access {
	VGPU_ACCESS_NONE	= 0,
	VGPU_ACCESS_READ	= 1,
	VGPU_ACCESS_WRITE	= 2,
	VGPU_ACCESS_EXECUTE	= 3,
};

/**
 * enum vgpu_fault - why a ring was halted
 * @VGPU_FAULT_NONE: it was not
 * @VGPU_FAULT_OPCODE: unknown opcode, or one that is not allowed there
 * @VGPU_FAULT_LENGTH: packet length wrong for its opcode, or beyond the tail, or
 *	a size in it too large
 * @VGPU_FAULT_FLAGS: a reserved flag, field or kernel argument is not zero
 * @VGPU_FAULT_ADDRESS: outside the function's VRAM, or not canonical; or source
 *	and destination of COPY overlap
 * @VGPU_FAULT_ALIGNMENT: address or size not aligned as the packet demands
 * @VGPU_FAULT_DMA: system memory did not answer (IOMMU, bus master off)
 * @VGPU_FAULT_CONTEXT: context number out of range or descriptor invalid; or not
 *	0 in an indirect buffer
 * @VGPU_FAULT_PAGE: no valid translation
 * @VGPU_FAULT_PERMISSION: translation without the right that was needed
 * @VGPU_FAULT_KERNEL: unknown kernel, or arguments out of its range
 * @VGPU_FAULT_DOORBELL: position not a multiple of 8, behind TAIL, or more than
 *	the ring's size ahead of HEAD
 * @VGPU_FAULT_RESET: the world was reset (hang, RESET command, bad image): work
 *	in flight is lost. OPCODE is that of the packet which did not let the world
 *	quiesce in time, and 0 on all rings that are not to blame. Not counted in
 *	VGPU_PF_FN_FAULTS and without event FAULT.
 */
enum vgpu_fault {
	VGPU_FAULT_NONE		= 0,
	VGPU_FAULT_OPCODE	= 1,
	VGPU_FAULT_LENGTH	= 2,
	VGPU_FAULT_FLAGS	= 3,
	VGPU_FAULT_ADDRESS	= 4,
	VGPU_FAULT_ALIGNMENT	= 5,
	VGPU_FAULT_DMA		= 6,
	VGPU_FAULT_CONTEXT	= 7,
	VGPU_FAULT_PAGE		= 8,
	VGPU_FAULT_PERMISSION	= 9,
	VGPU_FAULT_KERNEL	= 10,
	VGPU_FAULT_DOORBELL	= 11,
	VGPU_FAULT_RESET	= 12,
};

/**
 * VGPU_REG_DOORBELL() - WO, 64-bit only: the new TAIL of ring @r
 *
 * In a page of its own, so that it can be given to a process. Ignored (and
 * counted in VGPU_PF_FN_DOORBELLS) if the function is not open or the ring is
 * disabled or halted. Every doorbell, also one that does not move TAIL, makes
 * the engine look at waiting rings of that function again.
 */
#define VGPU_REG_DOORBELL(r)		(0x8000 + (r) * 0x1000)

/* ------------------------------------------------------------------------ */
/* PF block, PF only                                                         */

/** VGPU_PF_FUNCTIONS - RO, PF and all VFs that SR-IOV can enable */
#define VGPU_PF_FUNCTIONS		0x10000
/**
 * VGPU_PF_CAPS - RO. DEADLINE: the device switches by itself (VGPU_PF_NEXT);
 * without it VGPU_PF_NEXT is unassigned and the driver uses VGPU_PF_CMD.
 * BOUNDARY: a world can be let finish its ring packet (VGPU_PF_NEXT_BOUNDARY,
 * VGPU_CMD_BOUNDARY); without it the flag is ignored and there is no such command.
 */
#define VGPU_PF_CAPS			0x10004
#define VGPU_PF_CAPS_DEADLINE		0x00000001u
#define VGPU_PF_CAPS_BOUNDARY		0x00000002u
/** VGPU_PF_VRAM_TOTAL - RO 64-bit, bytes */
#define VGPU_PF_VRAM_TOTAL		0x10008
/** VGPU_PF_VRAM_GRANULE - RO, bytes; ranges start and end on multiples of it */
#define VGPU_PF_VRAM_GRANULE		0x10010
/** VGPU_PF_IMAGE_BYTES - RO, VRAM that one world image takes (world.h) */
#define VGPU_PF_IMAGE_BYTES		0x10014

/*
 * Costs in ns, as declared by the device: RO. A driver computes its latency
 * bounds from them; what a switch really took is in the events.
 */
#define VGPU_PF_COST_SAVE		0x10018
#define VGPU_PF_COST_LOAD		0x1001c
#define VGPU_PF_COST_RESET		0x10020
/** VGPU_PF_COST_GROUP - RO, ns of a default work-group: a usual quiesce delay */
#define VGPU_PF_COST_GROUP		0x10024

/**
 * VGPU_PF_CMD - WO, one world-switch command for one function (world.h)
 *
 * Posted: the answer is an event. A command that is not legal in the present
 * state changes nothing and is answered by VGPU_EVENT_REFUSED.
 */
#define VGPU_PF_CMD			0x10028
#define VGPU_PF_CMD_CODE		0x000000ffu	/* enum vgpu_world_cmd */
#define VGPU_PF_CMD_FUNCTION		0xffff0000u

/**
 * VGPU_PF_NEXT - WO, 64-bit only: the world to load when the present one ends
 *
 * VALID: arms; a write without it disarms, whatever the rest says.
 * NOW: do not wait for the deadline, ask the present world to leave at once.
 * FUNCTION: the world to load. VGPU_FUNCTION_NONE: save the present world and
 * leave the engine empty. The present function: at its deadline it goes on with
 * a new slice, without save and load.
 * QUANTUM: ns that it may run, counted from "running"; 0 is no deadline.
 * BOUNDARY: when the present world is asked to leave, let it come to the end of
 * the ring packet that it executes (world.h). A write with NOW and without
 * BOUNDARY ends a wait for that which is under way; apart from that it is for
 * the switch that follows, like every write in the course of a switch.
 *
 * Taken when the present world's deadline passes, when it goes idle, when it is
 * reset, or at once if there is none, or it is idle already, or its deadline
 * has passed. Until then it can be overwritten. Taking disarms. A function that
 * cannot be loaded (no image, closed, FLR pending, out of range) is answered by
 * VGPU_EVENT_REFUSED, and what was armed before stays armed. If it cannot be
 * loaded any more when it is taken, it is refused then, and the present world
 * goes on.
 */
#define VGPU_PF_NEXT			0x10030
#define VGPU_PF_NEXT_FUNCTION		0x000000000000ffffull
#define VGPU_PF_NEXT_VALID		0x0000000000010000ull
#define VGPU_PF_NEXT_NOW		0x0000000000020000ull
#define VGPU_PF_NEXT_BOUNDARY		0x0000000000040000ull
#define VGPU_PF_NEXT_QUANTUM		0xfffffffffff00000ull	/* up to 4.8 h */

/**
 * VGPU_PF_ENGINE - RO, for recovery and debugging; the events tell all of it
 *
 * FUNCTION: whose world is on the engine, or VGPU_FUNCTION_NONE. STATE: enum
 * vgpu_engine_state. ARMED: NEXT is armed.
 */
#define VGPU_PF_ENGINE			0x10038
#define VGPU_PF_ENGINE_FUNCTION		0x0000ffffu
#define VGPU_PF_ENGINE_STATE		0x000f0000u
#define VGPU_PF_ENGINE_ARMED		0x00100000u

/*
 * Event queue (events.h), in system memory. Base, size and consumer address
 * can be changed only while it is disabled.
 */
/** VGPU_PF_EVQ_BASE - RW 64-bit, DMA address, mask VGPU_EVQ_BASE_MASK, reset 0 */
#define VGPU_PF_EVQ_BASE		0x10040
#define VGPU_EVQ_BASE_MASK		0x000ffffffffff000ull
/**
 * VGPU_PF_EVQ_SIZE - RW, log2 of records, clamped to VGPU_EVQ_SIZE_MIN…MAX,
 * reset VGPU_EVQ_SIZE_MIN
 *
 * A queue of at least VGPU_EVQ_PER_FUNCTION records for each function plus
 * VGPU_EVQ_RESERVE can be filled by the driver's own commands only, never by a
 * VF.
 */
#define VGPU_PF_EVQ_SIZE		0x10048
#define VGPU_EVQ_SIZE_MIN		6
#define VGPU_EVQ_SIZE_MAX		16
#define VGPU_EVQ_PER_FUNCTION		8
#define VGPU_EVQ_RESERVE		16
/**
 * VGPU_PF_EVQ_CTRL - RW, mask ENABLE | EDGE, reset 0
 *
 * ENABLE: going from 0 to 1 starts again at the first record with sequence
 * number 1. EDGE: a record does not raise the vector if another one has less than
 * VGPU_EVENT_RETRY_NS ago and the driver had not taken all before it (events.h says
 * what the driver owes); if the device cannot tell, it does. Without EDGE each
 * record raises the vector. A device that does not know the bit ignores it, which
 * is as good to a driver.
 */
#define VGPU_PF_EVQ_CTRL		0x1004c
#define VGPU_EVQ_CTRL_ENABLE		0x00000001u
#define VGPU_EVQ_CTRL_EDGE		0x00000002u
/**
 * VGPU_PF_EVQ_CONSUMER - RW 64-bit, DMA address of a little-endian u32 in which
 * the driver keeps the sequence number of the last record that it has taken;
 * 0 before the first one. The device reads it when it needs room, and with EDGE
 * after each record. Mask VGPU_EVQ_CONSUMER_MASK, reset 0.
 */
#define VGPU_PF_EVQ_CONSUMER		0x10050
#define VGPU_EVQ_CONSUMER_MASK		0x000ffffffffffff8ull
/** VGPU_PF_EVQ_POSTED - RO, sequence number of the last record written */
#define VGPU_PF_EVQ_POSTED		0x10058
/** VGPU_PF_EVQ_LOST - RO, records dropped because the queue was full or faulted */
#define VGPU_PF_EVQ_LOST		0x1005c

/*
 * Per-function block: function f's registers are at VGPU_PF_FN(f) + VGPU_PF_FN_*.
 */
#define VGPU_PF_FN(f)			(0x20000 + (f) * 0x100)
/**
 * VGPU_PF_FN_CTRL - RW, mask OPEN, reset 0, also when SR-IOV makes the VFs or
 * takes them away. Closing takes the function's world off the engine only by the
 * commands; it keeps new work from starting at the next preemption point.
 */
#define VGPU_PF_FN_CTRL			0x00
#define VGPU_PF_FN_CTRL_OPEN		0x00000001u
/**
 * VGPU_PF_FN_STATUS - RO. WORLD: enum vgpu_world_state. RUNNABLE: has a ring
 * with work that is not blocked. FLR: waits for VGPU_PF_FN_FLR_ACK. RANGE: the
 * VRAM range is empty or leaves VRAM, and every VRAM access is refused.
 */
#define VGPU_PF_FN_STATUS		0x04
#define VGPU_PF_FN_STATUS_WORLD		0x0000000fu
#define VGPU_PF_FN_STATUS_RUNNABLE	0x00000010u
#define VGPU_PF_FN_STATUS_FLR		0x00000020u
#define VGPU_PF_FN_STATUS_RANGE		0x00000040u
/**
 * VGPU_PF_FN_PREEMPT_TIMEOUT - RW 64-bit, ns from the request to leave until
 * the world must be quiesced, or else it is reset; 0 (reset value) is for ever.
 * Where it is let finish its packet, it has that long for this, too, before.
 */
#define VGPU_PF_FN_PREEMPT_TIMEOUT	0x08
/**
 * VGPU_PF_FN_VRAM_BASE, VGPU_PF_FN_VRAM_SIZE - RW 64-bit, the function's range
 * in bytes; the low bits below the granule are not writable; effective at once,
 * for CPU and engine. Reset: 0 and 0 for VFs; 0 and all of VRAM for the PF,
 * whose range is RO.
 */
#define VGPU_PF_FN_VRAM_BASE		0x10
#define VGPU_PF_FN_VRAM_SIZE		0x18
/**
 * VGPU_PF_FN_IMAGE - RW 64-bit, absolute VRAM address of the world image, mask
 * 4 KiB-aligned, reset 0; SAVE and LOAD fail if the image would leave VRAM. Must
 * be outside every VF's range.
 */
#define VGPU_PF_FN_IMAGE		0x20
/** VGPU_PF_FN_GPU_TIME - RO 64-bit, as VGPU_REG_GPU_TIME, never reset by FLR */
#define VGPU_PF_FN_GPU_TIME		0x28
/** VGPU_PF_FN_FLR_ACK - WO, write 1: cleaned up after the FLR, open to the VF */
#define VGPU_PF_FN_FLR_ACK		0x30
/** VGPU_PF_FN_MBOX_CTRL, VGPU_PF_FN_MBOX_STATUS - as VGPU_REG_MBOX_*, PF's side */
#define VGPU_PF_FN_MBOX_CTRL		0x34
#define VGPU_PF_FN_MBOX_STATUS		0x38
/**
 * VGPU_PF_FN_DOORBELL_LIMIT - RW, more doorbells in 1 ms raise VGPU_EVENT_STORM,
 * at most once per ms; 0 (reset) is no limit
 */
#define VGPU_PF_FN_DOORBELL_LIMIT	0x3c
/** VGPU_PF_FN_DOORBELLS - RO 64-bit, doorbell writes since power-on, ignored ones included */
#define VGPU_PF_FN_DOORBELLS		0x40
/** VGPU_PF_FN_VIOLATIONS - RO 64-bit, CPU accesses beyond the VRAM range */
#define VGPU_PF_FN_VIOLATIONS		0x48
/** VGPU_PF_FN_FAULTS - RO, faults that halted a ring, since power-on */
#define VGPU_PF_FN_FAULTS		0x50
/** VGPU_PF_FN_HANGS - RO, preempt timeouts since power-on */
#define VGPU_PF_FN_HANGS		0x54
/** VGPU_PF_FN_MBOX_RX - RO, 16 words from the VF */
#define VGPU_PF_FN_MBOX_RX		0x80
/** VGPU_PF_FN_MBOX_TX - RW, 16 words to the VF */
#define VGPU_PF_FN_MBOX_TX		0xc0

#endif

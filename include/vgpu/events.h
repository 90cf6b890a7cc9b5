/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * The event queue: what the device tells the PF driver, in host memory.
 *
 * The device writes a record, then its sequence number, then raises the vector
 * VGPU_VECTOR_EVENTS. A record is new if its sequence number is the one
 * expected (1, 2, 3 … in 32 bits, 0 skipped when it wraps); the driver takes it
 * and later stores its number where VGPU_PF_EVQ_CONSUMER points. Nothing is
 * read from or written to a register for this.
 *
 * With VGPU_EVQ_CTRL_EDGE the device raises the vector only if the driver had
 * taken all records before, or VGPU_EVENT_RETRY_NS have passed since the vector
 * was raised: having written a record it reads that number, after a full barrier.
 * The driver stores the number when it finds no more records, and looks once more
 * after a full barrier, before it leaves. So nothing is missed: if the read comes
 * after the store, the vector is raised; if before, the record was there before
 * the look. Rings of virtio and Xen do the same. An interrupt that was lost is
 * made up for by a record that comes later than that time.
 *
 * RUNNABLE, IDLE, FAULT, HANG, FLR, MAILBOX and STORM are coalesced: of each
 * kind and function at most one record is in the queue. What happens while it
 * is there is remembered and delivered once it has been taken; the device looks
 * every VGPU_EVENT_RETRY_NS for as long as something is remembered. RUNNABLE and
 * IDLE that cancel each other in that time are dropped together, so that the
 * last one the driver has seen is always the truth, at most that late. SWITCHED
 * and QUIESCED with VGPU_LEAVE_IDLE say the same as IDLE, and drop one that is
 * remembered.
 * Other records answer commands and are never held back; if the queue is full,
 * they are lost, counted, and followed by LOST when there is room.
 */
#ifndef VGPU_EVENTS_H
#define VGPU_EVENTS_H

#include "types.h"

/**
 * VGPU_EVENT_RETRY_NS - how long a remembered event may be late, and how long after
 * an interrupt another one can be left out, ns
 */
#define VGPU_EVENT_RETRY_NS	10000

/**
 * enum vgpu_event_type - kind of record
 * @VGPU_EVENT_SWITCHED: the device has switched by itself; @function left,
 *	@detail entered (either may be VGPU_FUNCTION_NONE; also if the new world
 *	was lost while it was being loaded), @info is enum vgpu_leave; all times
 *	are set
 * @VGPU_EVENT_QUIESCED: answer to PREEMPT or BOUNDARY; @info is enum vgpu_leave (PREEMPT, or
 *	IDLE if there was nothing to do); times request, quiesced
 * @VGPU_EVENT_SAVED: answer to SAVE; time saved
 * @VGPU_EVENT_LOADED: answer to LOAD; time loaded
 * @VGPU_EVENT_RUNNING: answer to RUN; time running
 * @VGPU_EVENT_RESET: answer to RESET, and the end of the reset that HANG has
 *	announced if no SWITCHED tells it (PREEMPT without NEXT armed); time
 *	quiesced is when it was complete
 * @VGPU_EVENT_INITIALISED: answer to INIT
 * @VGPU_EVENT_REFUSED: @info is enum vgpu_refusal, @detail the command, or
 *	VGPU_DETAIL_NEXT
 * @VGPU_EVENT_RUNNABLE: @function has work again; time request
 * @VGPU_EVENT_IDLE: @function, on the engine, has nothing to do; time request.
 *	Not sent if NEXT was armed: SWITCHED says it.
 * @VGPU_EVENT_FAULT: a ring of @function was halted; @info is VGPU_RING_FAULT,
 *	@detail the ring; @deadline holds the address, time request the moment
 * @VGPU_EVENT_HANG: @function did not quiesce in time and is being reset; time
 *	request
 * @VGPU_EVENT_FLR: @function was reset and is closed until FLR_ACK; if it was on
 *	the engine it is gone from there (no SWITCHED for it unless NEXT was
 *	armed), if it was NEXT that is disarmed
 * @VGPU_EVENT_MAILBOX: @function has sent a message, or acknowledged one from the PF
 * @VGPU_EVENT_STORM: @function exceeds VGPU_PF_FN_DOORBELL_LIMIT
 * @VGPU_EVENT_LOST: @detail records were lost
 */
enum vgpu_event_type {
	VGPU_EVENT_SWITCHED	= 1,
	VGPU_EVENT_QUIESCED	= 2,
	VGPU_EVENT_SAVED	= 3,
	VGPU_EVENT_LOADED	= 4,
	VGPU_EVENT_RUNNING	= 5,
	VGPU_EVENT_RESET	= 6,
	VGPU_EVENT_INITIALISED	= 7,
	VGPU_EVENT_REFUSED	= 8,
	VGPU_EVENT_RUNNABLE	= 9,
	VGPU_EVENT_IDLE		= 10,
	VGPU_EVENT_FAULT	= 11,
	VGPU_EVENT_HANG		= 12,
	VGPU_EVENT_FLR		= 13,
	VGPU_EVENT_MAILBOX	= 14,
	VGPU_EVENT_STORM	= 15,
	VGPU_EVENT_LOST		= 16,
};

/** VGPU_DETAIL_NEXT - in REFUSED: it was a write of VGPU_PF_NEXT */
#define VGPU_DETAIL_NEXT	0xffu

/**
 * enum vgpu_leave - why a world left the engine
 * @VGPU_LEAVE_NONE: the engine was empty before
 * @VGPU_LEAVE_DEADLINE: its deadline passed
 * @VGPU_LEAVE_IDLE: it had nothing to do (all rings empty, blocked or halted)
 * @VGPU_LEAVE_PREEMPT: NEXT with NOW, or the PREEMPT or BOUNDARY command
 * @VGPU_LEAVE_HANG: it was reset after its preempt timeout; time quiesced is the
 *	expiry of the timeout, time saved is the end of the reset
 * @VGPU_LEAVE_RESET: it was reset by command or FLR while NEXT was armed
 * @VGPU_LEAVE_RENEWED: it did not leave: NEXT named the same function, a new
 *	slice begins; all times are that moment
 */
enum vgpu_leave {
	VGPU_LEAVE_NONE		= 0,
	VGPU_LEAVE_DEADLINE	= 1,
	VGPU_LEAVE_IDLE		= 2,
	VGPU_LEAVE_PREEMPT	= 3,
	VGPU_LEAVE_HANG		= 4,
	VGPU_LEAVE_RESET	= 5,
	VGPU_LEAVE_RENEWED	= 6,
};

/**
 * struct vgpu_event - one record of the event queue
 * @seq: sequence number, never 0, written last
 * @type: enum vgpu_event_type
 * @function: whom it is about
 * @info: by type
 * @detail: by type
 * @deadline: of the world that left; 0 if it had none
 * @request: when the world was asked to leave
 * @quiesced: when it had stopped
 * @saved: when its image was complete (@quiesced if there was nothing to save)
 * @loaded: when the new world's image was loaded (@saved if there was none)
 * @running: when the new world began to run
 *
 * Times are of the device clock in ns, zero where the type does not set them.
 */
struct vgpu_event {
	__le32 seq;
	__le16 type;
	__le16 function;
	__le32 info;
	__le32 detail;
	__le64 deadline;
	__le64 request;
	__le64 quiesced;
	__le64 saved;
	__le64 loaded;
	__le64 running;
};

#endif

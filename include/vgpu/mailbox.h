/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * Mailbox messages between a VF driver and the PF driver.
 *
 * One message of VGPU_MBOX_BYTES in each direction at a time, each answered by
 * one with the same @sequence. HANDSHAKE comes first and is frozen: its layout
 * is the same in every version. Each other request before it gets -EACCES, a
 * malformed one -EBADMSG, an unknown one -EOPNOTSUPP, one too many in a second
 * -EBUSY; none of them changes anything.
 *
 * Start of a VF: HANDSHAKE, CONFIG, set up the rings, START, doorbells. STOP
 * undoes START; so does an FLR, which undoes HANDSHAKE too.
 */
#ifndef VGPU_MAILBOX_H
#define VGPU_MAILBOX_H

#include "types.h"

/*
 * The versions spoken here. The major number changes when old partners cannot
 * be served any more, the minor when something was added.
 */
#define VGPU_MBOX_MAJOR		1
#define VGPU_MBOX_MINOR		0

/**
 * enum vgpu_mbox_type - kind of message
 * @VGPU_MBOX_HANDSHAKE: VF to PF, struct vgpu_mbox_handshake: the latest version
 *	that the VF speaks. The answer has the version that both will use: the
 *	VF's if the PF knows it, else the PF's latest. A major number below the
 *	PF's oldest: -EPERM.
 * @VGPU_MBOX_CONFIG: VF to PF, no payload. Answer: struct vgpu_mbox_config.
 * @VGPU_MBOX_START: VF to PF, no payload: make a fresh world and open it.
 *	-EALREADY if it is open, -EIO if the PF cannot give the VF a world.
 * @VGPU_MBOX_STOP: VF to PF, no payload: take the world off the engine and close
 *	it; the answer comes when nothing of it runs any more. -EALREADY if it
 *	is closed.
 * @VGPU_MBOX_NOTICE: PF to VF, struct vgpu_mbox_notice, not answered
 */
enum vgpu_mbox_type {
	VGPU_MBOX_HANDSHAKE	= 1,
	VGPU_MBOX_CONFIG	= 2,
	VGPU_MBOX_START		= 3,
	VGPU_MBOX_STOP		= 4,
	VGPU_MBOX_NOTICE	= 5,
};

/**
 * struct vgpu_mbox_header - what every message begins with
 * @type: enum vgpu_mbox_type; an answer repeats the request's
 * @size: bytes of the message, header included, 16…VGPU_MBOX_BYTES; the rest of
 *	the mailbox is ignored
 * @sequence: chosen by the sender of the request, repeated in the answer
 * @checksum: vgpu_checksum() over @size bytes with this field zero
 * @status: 0 in requests and successful answers, else a positive Linux errno
 */
struct vgpu_mbox_header {
	__le16 type;
	__le16 size;
	__le32 sequence;
	__le32 checksum;
	__le32 status;
};

/**
 * struct vgpu_mbox_handshake - HANDSHAKE, request and answer; frozen
 * @header: message header
 * @major: of the version
 * @minor: of the version
 * @reserved: zero
 */
struct vgpu_mbox_handshake {
	struct vgpu_mbox_header header;
	__le16 major;
	__le16 minor;
	__le32 reserved;
};

/**
 * struct vgpu_mbox_config - answer to CONFIG
 * @header: message header
 * @vram_bytes: what the VF owns, as VGPU_REG_VRAM_SIZE
 * @quantum_ns: its execution quantum, 0 if it has no deadline
 * @preempt_timeout_ns: its preempt timeout, 0 if there is none
 */
struct vgpu_mbox_config {
	struct vgpu_mbox_header header;
	__le64 vram_bytes;
	__le64 quantum_ns;
	__le64 preempt_timeout_ns;
};

/**
 * enum vgpu_notice - what the PF tells unasked
 * @VGPU_NOTICE_RESET: the world was reset after a hang and made anew; rings with
 *	work in flight are halted by VGPU_FAULT_RESET and can be resumed
 * @VGPU_NOTICE_CLOSED: the PF has closed the function: nothing runs any more
 *	until a new HANDSHAKE and START succeed
 */
enum vgpu_notice {
	VGPU_NOTICE_RESET	= 1,
	VGPU_NOTICE_CLOSED	= 2,
};

/**
 * struct vgpu_mbox_notice - NOTICE
 * @header: message header
 * @notice: enum vgpu_notice
 * @reserved: zero
 */
struct vgpu_mbox_notice {
	struct vgpu_mbox_header header;
	__le32 notice;
	__le32 reserved;
};

#endif

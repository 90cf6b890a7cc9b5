/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_MAILBOX_H
#define VGPU_VF_MAILBOX_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include <vgpu/mailbox.h>
#include <vgpu/regs.h>

struct vgpu_vf;

/**
 * union vgpu_vf_message - a mailbox message
 * @words: as the registers have it
 * @header: of every message
 * @handshake: HANDSHAKE
 * @config: answer to CONFIG
 * @notice: NOTICE
 */
union vgpu_vf_message {
	__le32 words[VGPU_MBOX_BYTES / 4];
	struct vgpu_mbox_header header;
	struct vgpu_mbox_handshake handshake;
	struct vgpu_mbox_config config;
	struct vgpu_mbox_notice notice;
};

/**
 * struct vgpu_vf_mailbox - requests to the PF
 * @lock: one request at a time; nothing is allocated under it, because recovery
 *	takes it with fences waiting
 * @changed: woken by the interrupt
 * @answer_lock: protects @expected and @answer; taken in the interrupt
 * @sequence: of the last request
 * @expected: sequence of the request that waits for an answer, 0 if none does or
 *	it has come
 * @answer: that answer
 * @major: version agreed on
 * @minor: version agreed on
 */
struct vgpu_vf_mailbox {
	struct mutex lock; /* see above */
	wait_queue_head_t changed;
	spinlock_t answer_lock; /* see above */
	u32 sequence;
	u32 expected;
	union vgpu_vf_message answer;
	u16 major;
	u16 minor;
};

int vgpu_vf_mailbox_init(struct vgpu_vf *vf);
void vgpu_vf_mailbox_interrupt(struct vgpu_vf *vf);

/** vgpu_vf_mailbox_ops - of a VF */
extern const struct vgpu_vf_pf_ops vgpu_vf_mailbox_ops;

#endif

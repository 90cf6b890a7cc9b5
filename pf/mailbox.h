/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PF's side of the mailbox of each VF (include/vgpu/mailbox.h).
 *
 * A request stays in the mailbox until it has been answered, so that a VF has
 * one at a time, and has to wait if it sends too many. What the VF has not made
 * room for waits here: one answer, and the latest notice. Everything runs in the
 * worker.
 */
#ifndef VGPU_PF_MAILBOX_H
#define VGPU_PF_MAILBOX_H

#include <linux/types.h>

#include <vgpu/mailbox.h>

struct vgpu_pf_function;

/**
 * struct vgpu_pf_mailbox - of one VF
 * @major: version agreed upon, 0 before the handshake
 * @minor: ditto
 * @busy: @request is being answered
 * @request: what it began with
 * @answer: an answer that waits for room, 0 bytes if there is none
 * @answer_bytes: its size
 * @notice: enum vgpu_notice that waits for room, 0 if there is none
 * @sequence: of the last notice
 * @second: when the present second began, jiffies
 * @requests: seen in it
 * @held: there is one more, to be taken when it is over
 * @total: requests ever taken
 * @rejected: of them those answered by an error
 */
struct vgpu_pf_mailbox {
	u16 major;
	u16 minor;
	bool busy;
	struct vgpu_mbox_header request;
	u8 answer[VGPU_MBOX_BYTES] __aligned(8);
	unsigned int answer_bytes;
	u32 notice;
	u32 sequence;
	unsigned long second;
	unsigned int requests;
	bool held;
	u64 total;
	u64 rejected;
};

void vgpu_pf_mailbox_serve(struct vgpu_pf_function *fn);
void vgpu_pf_mailbox_answer(struct vgpu_pf_function *fn, int err);
void vgpu_pf_mailbox_notice(struct vgpu_pf_function *fn, enum vgpu_notice notice);
void vgpu_pf_mailbox_forget(struct vgpu_pf_function *fn);
void vgpu_pf_mailbox_fill_config(struct vgpu_pf_function *fn,
				 struct vgpu_mbox_config *config);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mailboxes: one message in each direction between a VF and the PF.
 *
 * A buffer belongs to its sender until SEND and to its receiver until ACK: the
 * sender's TX_BUSY and the receiver's RX_VALID are the same bit. The PF itself
 * has no mailbox.
 */
#include "device.h"

static uint32_t status(bool tx_busy, bool rx_valid)
{
	return (tx_busy ? VGPU_MBOX_STATUS_TX_BUSY : 0) |
	       (rx_valid ? VGPU_MBOX_STATUS_RX_VALID : 0);
}

uint32_t vgpu_mbox_vf_status(struct vgpu_function *fn)
{
	return status(fn->mbox_to_pf_full, fn->mbox_to_vf_full);
}

uint32_t vgpu_mbox_pf_status(struct vgpu_function *fn)
{
	return status(fn->mbox_to_vf_full, fn->mbox_to_pf_full);
}

void vgpu_mbox_vf_control(struct vgpu_function *fn, uint32_t value, uint64_t now)
{
	if (fn->number == VGPU_FUNCTION_PF)
		return;
	if (value & VGPU_MBOX_CTRL_ACK && fn->mbox_to_vf_full) {
		fn->mbox_to_vf_full = false;
		vgpu_event_raise(fn, VGPU_EVENT_MAILBOX, now);
	}
	if (value & VGPU_MBOX_CTRL_SEND && !fn->mbox_to_pf_full) {
		fn->mbox_to_pf_full = true;
		vgpu_event_raise(fn, VGPU_EVENT_MAILBOX, now);
	}
}

void vgpu_mbox_pf_control(struct vgpu_function *fn, uint32_t value)
{
	bool tell = false;

	if (fn->number == VGPU_FUNCTION_PF)
		return;
	if (value & VGPU_MBOX_CTRL_ACK && fn->mbox_to_pf_full) {
		fn->mbox_to_pf_full = false;
		tell = true;
	}
	if (value & VGPU_MBOX_CTRL_SEND && !fn->mbox_to_vf_full) {
		fn->mbox_to_vf_full = true;
		tell = true;
	}
	if (tell)
		vgpu_pci_interrupt(fn, VGPU_VECTOR_FUNCTION);
}

void vgpu_mbox_reset(struct vgpu_function *fn)
{
	memset(fn->mbox_to_pf, 0, sizeof(fn->mbox_to_pf));
	memset(fn->mbox_to_vf, 0, sizeof(fn->mbox_to_vf));
	fn->mbox_to_pf_full = false;
	fn->mbox_to_vf_full = false;
}

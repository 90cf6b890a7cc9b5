// SPDX-License-Identifier: GPL-2.0-only
/*
 * The function: opened by the handshake with its PF, closed by whoever needs to.
 */
#include <linux/io.h>
#include <linux/pci.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "device.h"

/**
 * vgpu_vf_is_gone() - does the device still answer?
 * @vf: the function
 *
 * Return: true if not
 */
bool vgpu_vf_is_gone(struct vgpu_vf *vf)
{
	return PCI_POSSIBLE_ERROR(readl(vf->regs + VGPU_REG_ID));
}

/**
 * vgpu_vf_enter() - before writing buffers in VRAM
 * @vf: the function
 * @index: for vgpu_vf_leave()
 *
 * Waits while the function is being reset. May sleep; not on the way to signal
 * a fence.
 *
 * Return: 0, or -ENODEV if the driver is not bound any more
 */
int vgpu_vf_enter(struct vgpu_vf *vf, int *index)
{
	/* First, as nobody is to wait within drm_dev_enter(): see vgpu_vf_bo_validate_at(). */
	down_read(&vf->access);
	if (drm_dev_enter(&vf->drm, index))
		return 0;
	up_read(&vf->access);
	return -ENODEV;
}

/**
 * vgpu_vf_leave() - undo vgpu_vf_enter()
 * @vf: the function
 * @index: from there
 */
void vgpu_vf_leave(struct vgpu_vf *vf, int index)
{
	drm_dev_exit(index);
	up_read(&vf->access);
}

/* What VF and PF agree on. A world that a former driver has left is stopped. */
static int negotiate(struct vgpu_vf *vf)
{
	struct vgpu_mbox_config config;
	u64 vram;
	int ret;

	ret = vf->pf->handshake(vf);
	if (ret)
		return ret;
	if (readl(vf->regs + VGPU_REG_STATUS) & VGPU_STATUS_OPEN) {
		ret = vf->pf->stop(vf);
		if (ret && ret != -EALREADY)
			return ret;
	}
	ret = vf->pf->config(vf, &config);
	if (ret)
		return ret;

	vf->quantum_ns = le64_to_cpu(config.quantum_ns);
	vf->preempt_timeout_ns = le64_to_cpu(config.preempt_timeout_ns);
	vram = le64_to_cpu(config.vram_bytes);
	if (vram >= vf->vram.size)
		return 0;
	drm_err(&vf->drm, "the PF has taken VRAM away: %llu bytes left, %llu in use\n",
		vram, vf->vram.size);
	return -ENOSPC;
}

/**
 * vgpu_vf_open() - handshake, configuration, tables, rings, start
 * @vf: the function, closed; vf->access is held for writing, or nobody else
 *	knows it yet
 *
 * Return: 0: jobs run; or an errno: it is still closed
 */
int vgpu_vf_open(struct vgpu_vf *vf)
{
	unsigned int i;
	int ret;

	ret = negotiate(vf);
	if (ret)
		return ret;
	vgpu_vf_vms_restore(vf);
	for (i = 0; i < vf->ring_count; i++) {
		ret = vgpu_vf_ring_setup(&vf->rings[i]);
		if (ret)
			return ret;
	}
	ret = vf->pf->start(vf);
	if (ret)
		return ret;

	WRITE_ONCE(vf->closed, 0);
	for (i = 0; i < vf->ring_count; i++)
		vgpu_vf_ring_open(&vf->rings[i]);
	return 0;
}

/**
 * vgpu_vf_close() - give up all jobs, and run no more
 * @vf: the function
 * @error: what submissions get: -EIO, or -ENODEV for ever
 *
 * If something of the function still runs, it cannot reach anybody's memory.
 */
void vgpu_vf_close(struct vgpu_vf *vf, int error)
{
	unsigned int i;

	if (!vf->closed && !vf->saved)
		vf->vram_lost++;
	WRITE_ONCE(vf->closed, error);
	vgpu_vf_vms_revoke(vf);
	for (i = 0; i < vf->ring_count; i++) {
		writel(0, vf->rings[i].regs + VGPU_RING_CTRL);
		vgpu_vf_ring_close(&vf->rings[i], error);
	}
}

/**
 * vgpu_vf_shut_down() - the driver leaves the function
 * @vf: the function
 */
void vgpu_vf_shut_down(struct vgpu_vf *vf)
{
	int ret = 0;

	vgpu_vf_recovery_pause(vf);
	if (!vf->closed)
		ret = vf->pf->stop(vf);
	if (ret && ret != -EALREADY && ret != -ENODEV)
		drm_warn(&vf->drm, "the PF did not stop the function: %pe\n", ERR_PTR(ret));
	vgpu_vf_close(vf, -ENODEV);
}

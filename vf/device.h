/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_DEVICE_H
#define VGPU_VF_DEVICE_H

#include <linux/rwsem.h>

#include <drm/drm_device.h>

#include <drm/ttm/ttm_device.h>

#include "coredump.h"
#include "mailbox.h"
#include "memory.h"
#include "recovery.h"
#include "ring.h"
#include "vm.h"
#include "vram.h"

struct pci_dev;
struct vgpu_vf;

/**
 * struct vgpu_vf_pf_ops - how a function speaks to its PF
 * @handshake: be known to it; again after it has closed the function
 * @config: ask what it has given; after the handshake
 * @start: have jobs run; after the handshake. -EALREADY: they do
 * @stop: 0 when nothing of the function runs any more, -EALREADY if nothing did; or
 *	another errno: it may still run
 *
 * All may sleep, and return 0 or an errno.
 */
struct vgpu_vf_pf_ops {
	int (*handshake)(struct vgpu_vf *vf);
	int (*config)(struct vgpu_vf *vf, struct vgpu_mbox_config *config);
	int (*start)(struct vgpu_vf *vf);
	int (*stop)(struct vgpu_vf *vf);
};

/**
 * struct vgpu_vf - one function and its DRM device
 * @drm: the DRM device; this structure lives as long as it does
 * @pdev: the function, for DMA, BARs and interrupts: on a VF the device that is bound,
 *	on the PF its parent
 * @pf: to the PF
 * @regs: registers, as long as the driver is bound
 * @ttm: TTM, which places buffers
 * @vram: the function's memory
 * @memory: system memory, and what moves between it and VRAM
 * @mailbox: of a VF
 * @vms: address spaces
 * @ring_count: how many of @rings there are
 * @rings: submission
 * @recovery: halted rings, jobs that never end, lost PFs
 * @coredump: what a fault has left, until it is told
 * @closed: 0 while jobs can run; else the errno that submissions get: -EIO while
 *	the function is closed, -ENODEV when it is gone for good. Written by who
 *	opens and closes, which are serialised: probe, the recovery work, FLR and
 *	remove exclude each other. Each ring has its own copy under its own lock.
 * @access: held for reading by who writes buffers in VRAM, for writing while the
 *	function is being reset, when such writes would be lost. Never taken on
 *	the way to signal a fence: page tables have another way (vm.h).
 * @frozen: a PCI error was detected, recovery is paused until it is over
 * @saved: VRAM has been moved to system memory, for suspend: nothing can be lost
 * @vram_lost: how often VRAM's contents have been lost
 * @quantum_ns: of the PF's configuration
 * @preempt_timeout_ns: of the PF's configuration
 *
 * Lock order: memory.validating, reservations of VMs and buffers, @access, vram.lock,
 * memory.lock; vms.lock, a VM's lock, a buffer's gpuva_lock. Under the latter three,
 * which are taken on the way to signal fences, nothing is allocated. A ring's lock,
 * memory.departures_lock and mailbox.lock are taken last.
 */
struct vgpu_vf {
	struct drm_device drm;
	struct pci_dev *pdev;
	const struct vgpu_vf_pf_ops *pf;
	void __iomem *regs;
	struct ttm_device ttm;
	struct vgpu_vf_vram vram;
	struct vgpu_vf_memory memory;
	struct vgpu_vf_mailbox mailbox;
	struct vgpu_vf_vms vms;
	unsigned int ring_count;
	struct vgpu_vf_ring rings[VGPU_MAX_RINGS];
	struct vgpu_vf_recovery recovery;
	struct vgpu_vf_coredump *coredump;
	int closed;
	struct rw_semaphore access;
	bool frozen;
	bool saved;
	u64 vram_lost;
	u64 quantum_ns;
	u64 preempt_timeout_ns;
};

static inline struct vgpu_vf *to_vgpu_vf(struct drm_device *drm)
{
	return container_of(drm, struct vgpu_vf, drm);
}

int vgpu_vf_open(struct vgpu_vf *vf);
void vgpu_vf_close(struct vgpu_vf *vf, int error);
void vgpu_vf_shut_down(struct vgpu_vf *vf);
bool vgpu_vf_is_gone(struct vgpu_vf *vf);
int vgpu_vf_enter(struct vgpu_vf *vf, int *index);
void vgpu_vf_leave(struct vgpu_vf *vf, int index);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_DRIVER_H
#define VGPU_VF_DRIVER_H

#include <linux/pm.h>
#include <linux/workqueue.h>

struct device;
struct pci_dev;
struct vgpu_vf;
struct vgpu_vf_pf_ops;

/**
 * vgpu_vf_workqueue - frees what must not be freed where its last user left it.
 * Drained when the module goes.
 */
extern struct workqueue_struct *vgpu_vf_workqueue;

/** vgpu_vf_job_timeout_ms - module parameter job_timeout_ms */
extern unsigned int vgpu_vf_job_timeout_ms;

/** vgpu_vf_max_rings - module parameter max_rings */
extern unsigned int vgpu_vf_max_rings;

/** vgpu_vf_pm_ops - sleep of the device that the DRM device belongs to */
extern const struct dev_pm_ops vgpu_vf_pm_ops;

/* Binding, step by step: what a VF and the PF's own function have in common. */
struct vgpu_vf *vgpu_vf_create(struct device *dev, struct pci_dev *pdev,
			       const struct vgpu_vf_pf_ops *pf);
int vgpu_vf_prepare(struct vgpu_vf *vf);
int vgpu_vf_request_vectors(struct vgpu_vf *vf, unsigned int rings);
int vgpu_vf_bring_up(struct vgpu_vf *vf);

#endif

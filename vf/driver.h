/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_DRIVER_H
#define VGPU_VF_DRIVER_H

#include <linux/workqueue.h>

/**
 * vgpu_vf_workqueue - frees what must not be freed where its last user left it.
 * Drained when the module goes.
 */
extern struct workqueue_struct *vgpu_vf_workqueue;

/** vgpu_vf_job_timeout_ms - module parameter job_timeout_ms */
extern unsigned int vgpu_vf_job_timeout_ms;

/** vgpu_vf_max_rings - module parameter max_rings */
extern unsigned int vgpu_vf_max_rings;

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_BIND_H
#define VGPU_VF_BIND_H

#include <drm/gpu_scheduler.h>

struct drm_device;
struct drm_file;

/** VGPU_VF_BINDS_MAX - operations in one DRM_IOCTL_VGPU_VM_BIND */
#define VGPU_VF_BINDS_MAX	1024
/** VGPU_VF_BIND_CREDITS - binds that drm_sched has not got round to forget */
#define VGPU_VF_BIND_CREDITS	64

extern const struct drm_sched_backend_ops vgpu_vf_bind_sched_ops;

int vgpu_vf_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_FILE_H
#define VGPU_VF_FILE_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/xarray.h>

#include <vgpu/regs.h>

struct drm_device;
struct drm_file;
struct vgpu_vf;

/** VGPU_VF_FILE_VMS - address spaces that a file can have */
#define VGPU_VF_FILE_VMS	256
/** VGPU_VF_FILE_QUEUES - queues that a file can have */
#define VGPU_VF_FILE_QUEUES	1024

/**
 * struct vgpu_vf_file - what an open render node has
 * @refs: the DRM file, and each of its queues, which can outlive it
 * @vf: the function
 * @client_id: of the DRM file, for traces
 * @vms: struct vgpu_vf_vm by number, a reference each
 * @queues: struct vgpu_vf_queue by number, a reference each
 * @gpu_ns: GPU time that the jobs of all its queues on each ring have taken
 */
struct vgpu_vf_file {
	struct kref refs;
	struct vgpu_vf *vf;
	u64 client_id;
	struct xarray vms;
	struct xarray queues;
	atomic64_t gpu_ns[VGPU_MAX_RINGS];
};

int vgpu_vf_file_open(struct drm_device *drm, struct drm_file *drm_file);
void vgpu_vf_file_close(struct drm_device *drm, struct drm_file *drm_file);
struct vgpu_vf_file *vgpu_vf_file_get(struct vgpu_vf_file *file);
void vgpu_vf_file_put(struct vgpu_vf_file *file);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_SYNC_H
#define VGPU_VF_SYNC_H

#include <linux/types.h>

struct dma_fence;
struct drm_file;
struct drm_sched_job;
struct drm_syncobj;
struct dma_fence_chain;
struct vgpu_vf;

/** VGPU_VF_SYNCS_MAX - in-syncs of one job or bind, and as many out-syncs */
#define VGPU_VF_SYNCS_MAX	64

/**
 * struct vgpu_vf_out_sync - a fence that is going to a syncobj
 * @syncobj: a reference
 * @chain: for a point, else NULL
 * @point: of a timeline, or 0
 */
struct vgpu_vf_out_sync {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
};

/**
 * struct vgpu_vf_out_syncs - where the fence of a job or bind goes
 * @count: of @syncs
 * @syncs: array, or NULL
 */
struct vgpu_vf_out_syncs {
	u32 count;
	struct vgpu_vf_out_sync *syncs;
};

int vgpu_vf_syncs_in(struct vgpu_vf *vf, struct drm_file *file, u64 user, u32 count,
		     struct drm_sched_job *job);
int vgpu_vf_syncs_out(struct vgpu_vf *vf, struct drm_file *file, u64 user, u32 count,
		      struct vgpu_vf_out_syncs *outs);
void vgpu_vf_syncs_publish(struct vgpu_vf_out_syncs *outs, struct dma_fence *fence);
void vgpu_vf_syncs_drop(struct vgpu_vf_out_syncs *outs);

#endif

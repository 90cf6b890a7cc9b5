/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_FENCE_H
#define VGPU_VF_FENCE_H

#include <linux/dma-fence.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct drm_device;

/**
 * struct vgpu_vf_fence - the engine has completed a job, or the driver a bind
 * @base: the fence
 * @lock: of the fence
 * @drm: the device, a reference
 * @timeline: name
 * @free: frees the memory, after a grace period; NULL: kfree()
 * @slow: drops @drm, if it is the last reference
 */
struct vgpu_vf_fence {
	struct dma_fence base;
	spinlock_t lock; /* see above */
	struct drm_device *drm;
	const char *timeline;
	void (*free)(struct rcu_head *head);
	struct work_struct slow;
};

struct vgpu_vf_fence *vgpu_vf_fence_alloc(struct drm_device *drm);
void vgpu_vf_fence_hold(struct vgpu_vf_fence *fence, struct drm_device *drm,
			const char *timeline, void (*free)(struct rcu_head *head));
void vgpu_vf_fence_init(struct vgpu_vf_fence *fence, u64 context, u64 sequence);
void vgpu_vf_fence_free(struct vgpu_vf_fence *fence);

#endif

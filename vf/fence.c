// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences of rings. A sync_file in some process may keep one, and the fence of
 * drm_sched that goes with it, for as long as it likes; these point to the
 * operations below and to the scheduler. So each holds the module and the
 * device.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>

#include "driver.h"
#include "fence.h"

static const char *get_driver_name(struct dma_fence *fence)
{
	return "vgpu_vf";
}

static const char *get_timeline_name(struct dma_fence *fence)
{
	return "ring";
}

static void release_slowly(struct work_struct *work)
{
	struct vgpu_vf_fence *fence = container_of(work, struct vgpu_vf_fence, slow);

	drm_dev_put(fence->drm);
	kfree_rcu(fence, base.rcu);
	module_put(THIS_MODULE);
}

/* May be called in interrupts, where a device cannot be released. */
static void release(struct dma_fence *base)
{
	struct vgpu_vf_fence *fence = container_of(base, struct vgpu_vf_fence, base);

	if (refcount_dec_not_one(&fence->drm->ref.refcount)) {
		kfree_rcu(fence, base.rcu);
		module_put(THIS_MODULE);
		return;
	}
	INIT_WORK(&fence->slow, release_slowly);
	queue_work(vgpu_vf_workqueue, &fence->slow);
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = get_driver_name,
	.get_timeline_name = get_timeline_name,
	.release = release,
};

/**
 * vgpu_vf_fence_alloc() - allocate, when allocation is still allowed
 * @drm: the device; the caller is an ioctl of it, so there are references
 *
 * Return: a fence that is not initialised, or NULL
 */
struct vgpu_vf_fence *vgpu_vf_fence_alloc(struct drm_device *drm)
{
	struct vgpu_vf_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (!fence)
		return NULL;
	__module_get(THIS_MODULE);
	drm_dev_get(drm);
	fence->drm = drm;
	return fence;
}

/**
 * vgpu_vf_fence_init() - from here on it must be signalled
 * @fence: from vgpu_vf_fence_alloc()
 * @context: of the ring
 * @sequence: of the job
 */
void vgpu_vf_fence_init(struct vgpu_vf_fence *fence, u64 context, u64 sequence)
{
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &fence_ops, &fence->lock, context, sequence);
}

/**
 * vgpu_vf_fence_free() - drop the reference that vgpu_vf_fence_alloc() gave
 * @fence: initialised or not
 */
void vgpu_vf_fence_free(struct vgpu_vf_fence *fence)
{
	if (fence->base.ops)
		dma_fence_put(&fence->base);
	else
		release(&fence->base);
}

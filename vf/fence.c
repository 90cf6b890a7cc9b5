// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences of jobs and binds. A sync_file in some process may keep one, and the fence
 * of drm_sched that goes with it, for as long as it likes; these point to the
 * operations below and to the scheduler. So each holds the module and the
 * device.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>

#include "driver.h"
#include "fence.h"

static const char *get_driver_name(struct dma_fence *base)
{
	return "vgpu_vf";
}

static const char *get_timeline_name(struct dma_fence *base)
{
	return container_of(base, struct vgpu_vf_fence, base)->timeline;
}

static void free_later(struct vgpu_vf_fence *fence)
{
	if (fence->free)
		call_rcu(&fence->base.rcu, fence->free);
	else
		kfree_rcu(fence, base.rcu);
	module_put(THIS_MODULE);
}

static void release_slowly(struct work_struct *work)
{
	struct vgpu_vf_fence *fence = container_of(work, struct vgpu_vf_fence, slow);

	drm_dev_put(fence->drm);
	free_later(fence);
}

/* May be called in interrupts, where a device cannot be released. */
static void release(struct dma_fence *base)
{
	struct vgpu_vf_fence *fence = container_of(base, struct vgpu_vf_fence, base);

	if (refcount_dec_not_one(&fence->drm->ref.refcount)) {
		free_later(fence);
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
 * vgpu_vf_fence_hold() - let a fence that is part of something hold all it needs
 * @fence: not initialised; what holds it is freed with it
 * @drm: the device; the caller is an ioctl of it, so there are references
 * @timeline: name, for who looks at fences
 * @free: frees the memory, after a grace period, anywhere; or NULL: kfree(). What
 *	has such a function waits for it by rcu_barrier() when the module goes.
 */
void vgpu_vf_fence_hold(struct vgpu_vf_fence *fence, struct drm_device *drm,
			const char *timeline, void (*free)(struct rcu_head *head))
{
	__module_get(THIS_MODULE);
	drm_dev_get(drm);
	fence->base.ops = NULL;
	fence->drm = drm;
	fence->timeline = timeline;
	fence->free = free;
}

/**
 * vgpu_vf_fence_alloc() - allocate, when allocation is still allowed
 * @drm: the device; the caller is an ioctl of it, so there are references
 *
 * Return: a fence that is not initialised, of a bind, or NULL
 */
struct vgpu_vf_fence *vgpu_vf_fence_alloc(struct drm_device *drm)
{
	struct vgpu_vf_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (fence)
		vgpu_vf_fence_hold(fence, drm, "bind", NULL);
	return fence;
}

/**
 * vgpu_vf_fence_init() - from here on it must be signalled
 * @fence: held
 * @context: of the ring, or of the binds
 * @sequence: of the job or bind
 */
void vgpu_vf_fence_init(struct vgpu_vf_fence *fence, u64 context, u64 sequence)
{
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &fence_ops, &fence->lock, context, sequence);
}

/**
 * vgpu_vf_fence_free() - drop the reference that holding it gave
 * @fence: initialised or not
 */
void vgpu_vf_fence_free(struct vgpu_vf_fence *fence)
{
	if (fence->base.ops)
		dma_fence_put(&fence->base);
	else
		release(&fence->base);
}

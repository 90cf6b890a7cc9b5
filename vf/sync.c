// SPDX-License-Identifier: GPL-2.0-only
/*
 * Explicit synchronisation: syncobjs whose fences a job or bind waits for, and
 * those that get its fence.
 *
 * Entries are copied from the process one by one: each is used once, and most
 * jobs have one or two.
 */
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_print.h>
#include <drm/drm_syncobj.h>
#include <drm/gpu_scheduler.h>
#include <drm/vgpu_drm.h>

#include "device.h"
#include "sync.h"

static int check_count(struct vgpu_vf *vf, const char *what, u32 count)
{
	if (count <= VGPU_VF_SYNCS_MAX)
		return 0;
	drm_dbg(&vf->drm, "%u %s-syncs: not at most %u\n", count, what, VGPU_VF_SYNCS_MAX);
	return -EINVAL;
}

static int copy_sync(struct vgpu_vf *vf, u64 user, u32 index, struct drm_vgpu_sync *sync)
{
	const struct drm_vgpu_sync __user *syncs = u64_to_user_ptr(user);

	if (copy_from_user(sync, syncs + index, sizeof(*sync)))
		return -EFAULT;
	if (!sync->flags)
		return 0;
	drm_dbg(&vf->drm, "sync %u: flags %#x: not 0\n", index, sync->flags);
	return -EINVAL;
}

/* drm_sched_job_add_syncobj_dependency() would cut the point to 32 bits. */
static int add_dependency(struct vgpu_vf *vf, struct drm_file *file,
			  const struct drm_vgpu_sync *sync, struct drm_sched_job *job)
{
	struct dma_fence *fence;
	int ret;

	ret = drm_syncobj_find_fence(file, sync->handle, sync->point, 0, &fence);
	if (ret) {
		drm_dbg(&vf->drm, "in-sync: syncobj %u has no fence at point %llu: %pe\n",
			sync->handle, sync->point, ERR_PTR(ret));
		return ret;
	}
	if (!dma_fence_is_signaled(fence))
		return drm_sched_job_add_dependency(job, fence);
	dma_fence_put(fence);
	return 0;
}

/**
 * vgpu_vf_syncs_in() - let a job wait for fences
 * @vf: the function
 * @file: whose syncobjs they are
 * @user: address of an array of struct drm_vgpu_sync
 * @count: of entries
 * @job: initialised and not armed
 *
 * Return: 0; -EINVAL, -ENOENT, -EFAULT, -ENOMEM: the job has some of them
 */
int vgpu_vf_syncs_in(struct vgpu_vf *vf, struct drm_file *file, u64 user, u32 count,
		     struct drm_sched_job *job)
{
	struct drm_vgpu_sync sync;
	u32 i;
	int ret;

	ret = check_count(vf, "in", count);
	for (i = 0; i < count && !ret; i++)
		ret = copy_sync(vf, user, i, &sync) ?:
		      add_dependency(vf, file, &sync, job);
	return ret;
}

static int take_out_sync(struct vgpu_vf *vf, struct drm_file *file,
			 const struct drm_vgpu_sync *sync, struct vgpu_vf_out_sync *out)
{
	out->point = sync->point;
	out->syncobj = drm_syncobj_find(file, sync->handle);
	if (!out->syncobj) {
		drm_dbg(&vf->drm, "out-sync: no syncobj has handle %u\n", sync->handle);
		return -ENOENT;
	}
	if (!sync->point)
		return 0;
	out->chain = dma_fence_chain_alloc();
	return out->chain ? 0 : -ENOMEM;
}

/**
 * vgpu_vf_syncs_out() - look up what will get a fence, and allocate all it needs
 * @vf: the function
 * @file: whose syncobjs they are
 * @user: address of an array of struct drm_vgpu_sync
 * @count: of entries
 * @outs: empty; the caller calls vgpu_vf_syncs_drop() for it, error or not
 *
 * Return: 0, -EINVAL, -ENOENT, -EFAULT or -ENOMEM
 */
int vgpu_vf_syncs_out(struct vgpu_vf *vf, struct drm_file *file, u64 user, u32 count,
		      struct vgpu_vf_out_syncs *outs)
{
	struct drm_vgpu_sync sync;
	int ret;

	ret = check_count(vf, "out", count);
	if (ret || !count)
		return ret;
	outs->syncs = kcalloc(count, sizeof(*outs->syncs), GFP_KERNEL);
	if (!outs->syncs)
		return -ENOMEM;
	while (outs->count < count && !ret) {
		ret = copy_sync(vf, user, outs->count, &sync);
		if (!ret)
			ret = take_out_sync(vf, file, &sync, &outs->syncs[outs->count++]);
	}
	return ret;
}

/**
 * vgpu_vf_syncs_publish() - give a fence to those that were to get it
 * @outs: from vgpu_vf_syncs_out()
 * @fence: will be signalled, whatever happens
 */
void vgpu_vf_syncs_publish(struct vgpu_vf_out_syncs *outs, struct dma_fence *fence)
{
	struct vgpu_vf_out_sync *out = outs->syncs, *end = out + outs->count;

	for (; out < end; out++) {
		if (out->chain)
			drm_syncobj_add_point(out->syncobj, out->chain, fence, out->point);
		else
			drm_syncobj_replace_fence(out->syncobj, fence);
		out->chain = NULL;
	}
}

/**
 * vgpu_vf_syncs_drop() - free what vgpu_vf_syncs_out() has taken
 * @outs: published, or given up; is empty afterwards
 */
void vgpu_vf_syncs_drop(struct vgpu_vf_out_syncs *outs)
{
	struct vgpu_vf_out_sync *out = outs->syncs, *end = out + outs->count;

	for (; out < end; out++) {
		dma_fence_chain_free(out->chain);
		if (out->syncobj)
			drm_syncobj_put(out->syncobj);
	}
	kfree(outs->syncs);
	*outs = (struct vgpu_vf_out_syncs){};
}

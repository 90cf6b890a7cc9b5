/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that knows how kernels differ. VGPU_HAVE_* come from
 * Kbuild.include, which asks the headers, not the version.
 */
#ifndef VGPU_VF_COMPAT_H
#define VGPU_VF_COMPAT_H

#include <linux/string.h>

#include <drm/gpu_scheduler.h>

/* The buddy allocator was drm_buddy before others than DRM got to use it. */
#ifdef VGPU_HAVE_GPU_BUDDY
#include <linux/gpu_buddy.h>
#else
#include <drm/drm_buddy.h>

#define gpu_buddy			drm_buddy
#define gpu_buddy_block			drm_buddy_block
#define gpu_buddy_init			drm_buddy_init
#define gpu_buddy_fini			drm_buddy_fini
#define gpu_buddy_alloc_blocks		drm_buddy_alloc_blocks
#define gpu_buddy_free_list		drm_buddy_free_list
#define gpu_buddy_block_offset		drm_buddy_block_offset
#define gpu_buddy_block_size		drm_buddy_block_size
#define GPU_BUDDY_CONTIGUOUS_ALLOCATION	DRM_BUDDY_CONTIGUOUS_ALLOCATION
#define GPU_BUDDY_TOPDOWN_ALLOCATION	DRM_BUDDY_TOPDOWN_ALLOCATION
#endif

/**
 * vgpu_vf_sched_init() - drm_sched_init() with one priority and no timeout
 * @sched: the scheduler
 * @ops: its operations
 * @credits: credit limit
 * @name: of the scheduler
 * @dev: the device
 *
 * Return: 0 or an errno
 */
static inline int vgpu_vf_sched_init(struct drm_gpu_scheduler *sched,
				     const struct drm_sched_backend_ops *ops,
				     u32 credits, const char *name,
				     struct device *dev)
{
#ifdef VGPU_HAVE_SCHED_INIT_ARGS
	const struct drm_sched_init_args args = {
		.ops = ops,
		.num_rqs = DRM_SCHED_PRIORITY_COUNT,
		.credit_limit = credits,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = name,
		.dev = dev,
	};

	return drm_sched_init(sched, &args);
#else
	return drm_sched_init(sched, ops, NULL, DRM_SCHED_PRIORITY_COUNT,
			      credits, 0, MAX_SCHEDULE_TIMEOUT, NULL, NULL,
			      name, dev);
#endif
}

/**
 * vgpu_vf_sched_job_init() - drm_sched_job_init()
 * @job: the job
 * @entity: where it will be queued
 * @credits: how many it takes
 * @owner: for debugging
 * @client: DRM client id, for traces
 *
 * Return: 0 or an errno
 */
static inline int vgpu_vf_sched_job_init(struct drm_sched_job *job,
					 struct drm_sched_entity *entity,
					 u32 credits, void *owner, u64 client)
{
#ifdef VGPU_HAVE_SCHED_JOB_CLIENT_ID
	return drm_sched_job_init(job, entity, credits, owner, client);
#else
	/* Some kernels do not clear it, and begin at the dependency that an old job was at. */
	memset(job, 0, sizeof(*job));
	return drm_sched_job_init(job, entity, credits, owner);
#endif
}

#endif

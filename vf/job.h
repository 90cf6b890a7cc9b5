/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_JOB_H
#define VGPU_VF_JOB_H

#include <linux/list.h>

#include <drm/vgpu_drm.h>

#include "compat.h"

struct drm_device;
struct drm_file;
struct vgpu_vf_context;
struct vgpu_vf_fence;
struct vgpu_vf_ring;

/** VGPU_VF_SUBMIT_JOBS - jobs in one ioctl */
#define VGPU_VF_SUBMIT_JOBS	64
/** VGPU_VF_JOB_COMMANDS - indirect buffers in one job */
#define VGPU_VF_JOB_COMMANDS	16
/** VGPU_VF_JOB_SYNCS - in-syncs of one job, and as many out-syncs */
#define VGPU_VF_JOB_SYNCS	64

/**
 * struct vgpu_vf_job - a job on its way
 * @base: for drm_sched
 * @ring: where it runs
 * @context: whose it is; a reference
 * @fence: that the engine has completed it; allocated with the job, initialised
 *	when it runs
 * @commands: indirect buffers
 * @command_count: of @commands
 * @link: in ring->jobs while it is in the ring. What follows is set by then.
 * @sequence: what FENCE writes
 * @begin: position of the first packet
 * @end: position behind the last packet
 */
struct vgpu_vf_job {
	struct drm_sched_job base;
	struct vgpu_vf_ring *ring;
	struct vgpu_vf_context *context;
	struct vgpu_vf_fence *fence;
	struct drm_vgpu_command *commands;
	u32 command_count;
	struct list_head link;
	u64 sequence;
	u64 begin;
	u64 end;
};

extern const struct drm_sched_backend_ops vgpu_vf_sched_ops;

int vgpu_vf_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file);

#endif

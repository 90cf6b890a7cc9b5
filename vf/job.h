/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_JOB_H
#define VGPU_VF_JOB_H

#include <linux/list.h>

#include <drm/vgpu_drm.h>

#include "compat.h"
#include "fence.h"
#include "sync.h"

struct drm_device;
struct drm_file;
struct vgpu_vf_queue;

/** VGPU_VF_SUBMIT_JOBS - jobs in one ioctl */
#define VGPU_VF_SUBMIT_JOBS	64
/** VGPU_VF_JOB_COMMANDS - indirect buffers in one job */
#define VGPU_VF_JOB_COMMANDS	16

/** VGPU_VF_JOB_PACKETS - indirect buffers and fences of what drm_sched calls a job */
#define VGPU_VF_JOB_PACKETS	40

/** VGPU_VF_PACKET_FENCE - in the address: not an indirect buffer, but a fence */
#define VGPU_VF_PACKET_FENCE	1ull

/**
 * struct vgpu_vf_packet - INDIRECT or FENCE, in the VM
 * @addr: multiple of 8, and VGPU_VF_PACKET_FENCE
 * @value: bytes of the buffer, or what the fence writes
 */
struct vgpu_vf_packet {
	u64 addr;
	u64 value;
};

/**
 * struct vgpu_vf_job - jobs on their way, and the fence that says that they have ended
 * @base: for drm_sched
 * @done: the engine has completed it; initialised when it runs. The structure is
 *	freed with the last reference to it.
 * @queue: whose it is; a reference, until drm_sched has done with the job
 * @finished: drm_sched's fence of a job that has gone past it, a reference; else NULL
 * @outs: where drm_sched's fence goes
 * @link: in the ioctl; later in ring->jobs while it is in the ring
 * @sequence: what FENCE writes. This and what follows is set when it is in the ring.
 * @begin: position of the first packet
 * @last: position of the first packet of the last one of the jobs, whose fence it is
 * @end: position behind the last packet
 * @error: how it ends if the engine comes to its end: an errno if its packets were
 *	taken away, or 0
 * @count: how many jobs of the process it is
 * @last_packet: index of the first of @packets that belongs to the last one
 * @packet_count: of @packets
 * @packets: of all of them
 *
 * Jobs of one ioctl that nothing can come between (the former has no out-sync, the
 * latter no in-sync) are one, as far as there is room: the way through drm_sched,
 * and an interrupt, costs more than all the rest.
 */
struct vgpu_vf_job {
	struct drm_sched_job base;
	struct vgpu_vf_fence done;
	struct vgpu_vf_queue *queue;
	struct dma_fence *finished;
	struct vgpu_vf_out_syncs outs;
	struct list_head link;
	u64 sequence;
	u64 begin;
	u64 last;
	u64 end;
	int error;
	u32 count;
	u32 last_packet;
	u32 packet_count;
	struct vgpu_vf_packet packets[VGPU_VF_JOB_PACKETS];
};

extern const struct drm_sched_backend_ops vgpu_vf_sched_ops;

int vgpu_vf_jobs_init(void);
void vgpu_vf_jobs_fini(void);
void vgpu_vf_job_finish(struct vgpu_vf_job *job, int error);
int vgpu_vf_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file);

#endif

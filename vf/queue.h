/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_QUEUE_H
#define VGPU_VF_QUEUE_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

#include "memory.h"

struct drm_device;
struct drm_file;
struct vgpu_vf_file;
struct vgpu_vf_ring;
struct vgpu_vf_vm;

/**
 * struct vgpu_vf_queue - where jobs of one VM wait for one ring
 * @refs: the file, each job, a coredump that is being made
 * @file: whose it is; a reference
 * @vm: address space of the jobs; a reference
 * @ring: where they run
 * @id: number in the file, for messages
 * @client_id: of the DRM file
 * @pid: of the process that made it, in the initial namespace
 * @comm: of that process
 * @entity: the queue itself; jobs are pushed with the VM's reservation held, which
 *	keeps them in order
 * @link: in ring->queues
 * @queued: jobs that are on their way through drm_sched, not yet in the ring. This
 *	and what follows is protected by ring->lock.
 * @in_ring: jobs that are in the ring
 * @direct: jobs that have not gone through drm_sched
 * @completed: jobs that succeeded
 * @failed: jobs that did not, @lost ones included
 * @lost: jobs that were lost in resets
 * @gpu_ns: GPU time that its jobs have taken
 * @banned: no more jobs run
 * @killed: because the process was killed
 * @error: of the job that is to blame, a positive errno, or 0
 * @fault: VGPU_RING_FAULT of that job
 * @fault_addr: VGPU_RING_FAULT_ADDR of that job
 * @departure: of its part of the VM
 * @release: frees it, where sleeping is allowed
 */
struct vgpu_vf_queue {
	struct kref refs;
	struct vgpu_vf_file *file;
	struct vgpu_vf_vm *vm;
	struct vgpu_vf_ring *ring;
	u32 id;
	u64 client_id;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	struct drm_sched_entity entity;
	struct list_head link;
	u32 queued;
	u32 in_ring;
	u64 direct;
	u64 completed;
	u64 failed;
	u64 lost;
	u64 gpu_ns;
	bool banned;
	bool killed;
	u32 error;
	u32 fault;
	u64 fault_addr;
	struct vgpu_vf_departure departure;
	struct work_struct release;
};

struct vgpu_vf_queue *vgpu_vf_queue_lookup(struct vgpu_vf_file *file, u32 id);
struct vgpu_vf_queue *vgpu_vf_queue_get(struct vgpu_vf_queue *queue);
void vgpu_vf_queue_put(struct vgpu_vf_queue *queue);
void vgpu_vf_queues_kill(struct vgpu_vf_file *file);

int vgpu_vf_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file);
int vgpu_vf_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file);
int vgpu_vf_ioctl_queue_state(struct drm_device *drm, void *data, struct drm_file *file);

#endif

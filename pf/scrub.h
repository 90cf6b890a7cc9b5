/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clearing VRAM by the engine, before a VF gets it and after it has lost it.
 *
 * The PF's own world (function 0) runs FILL packets from its last ring; the others
 * are its render node's (render.h). It is scheduled like any other function, so
 * scrubbing takes the PF's share of time and nobody else's. Completion is a fence and
 * its interrupt.
 *
 * All of this runs in the device's worker, except the interrupt, which only
 * queues it.
 */
#ifndef VGPU_PF_SCRUB_H
#define VGPU_PF_SCRUB_H

#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/types.h>

struct vgpu_pf;
struct vgpu_pf_range;

/**
 * struct vgpu_pf_scrub_job - clearing of one range
 * @link: in vgpu_pf_scrub.jobs, while it is under way
 * @fence: value of the fence behind its last packet
 * @done: called in the worker when it is over
 * @status: for @done: 0, -EIO if the ring was halted or the device is dead,
 *	-ETIMEDOUT if the engine made no progress; then nothing is known about
 *	what the range contains
 */
struct vgpu_pf_scrub_job {
	struct list_head link;
	u64 fence;
	void (*done)(struct vgpu_pf_scrub_job *job);
	int status;
};

/**
 * struct vgpu_pf_scrub - the last ring of the PF
 * @ring: its memory, as 64-bit words
 * @dma: of @ring
 * @size: of @ring in bytes, a power of two; has room for a job of each function
 * @fence: where the FENCE packets write
 * @fence_dma: of @fence
 * @tail: position behind the last packet
 * @issued: value of the last fence
 * @chunk: bytes cleared by one packet
 * @jobs: under way, in the order of their fences
 * @work: looks for finished jobs and for a halted ring
 * @head: position of the ring when it last moved
 * @moved: when that was, or when it was seen that the PF had no engine time, jiffies
 * @runtime: engine time of the PF when the ring last moved, ns
 * @resumes: how often the ring was resumed since it last moved
 * @dead: does not take jobs any more: the ring could not be resumed or stands
 *	still; cleared by a restart of the device
 */
struct vgpu_pf_scrub {
	__le64 *ring;
	dma_addr_t dma;
	u32 size;
	__le64 *fence;
	dma_addr_t fence_dma;
	u64 tail;
	u64 issued;
	u64 chunk;
	struct list_head jobs;
	struct kthread_work work;
	u64 head;
	unsigned long moved;
	u64 runtime;
	unsigned int resumes;
	bool dead;
};

int vgpu_pf_scrub_init(struct vgpu_pf *pf);
void vgpu_pf_scrub_start(struct vgpu_pf *pf);
void vgpu_pf_scrub_stop(struct vgpu_pf *pf, int status);
void vgpu_pf_scrub_submit(struct vgpu_pf *pf, struct vgpu_pf_scrub_job *job,
			  const struct vgpu_pf_range *range);
void vgpu_pf_scrub_check(struct vgpu_pf *pf);
bool vgpu_pf_scrub_is_busy(struct vgpu_pf *pf);
unsigned long vgpu_pf_scrub_bound(struct vgpu_pf *pf, u64 bytes, unsigned int ranges);

#endif

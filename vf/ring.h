/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_RING_H
#define VGPU_VF_RING_H

#include <linux/dma-fence.h>
#include <linux/irqreturn.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include <vgpu/packets.h>
#include <vgpu/regs.h>

#include "compat.h"

struct vgpu_vf;
struct vgpu_vf_file;
struct vgpu_vf_job;
struct vgpu_vf_queue;

/** VGPU_VF_RING_BYTES - of each ring, unless the device has smaller ones only */
#define VGPU_VF_RING_BYTES	0x4000
/**
 * VGPU_VF_RING_JOBS - jobs in the ring at most: enough to keep the engine busy,
 * few enough that processes take turns
 */
#define VGPU_VF_RING_JOBS	32
/** VGPU_VF_JOB_CREDITS_MIN - what every job takes, so that no more fit */
#define VGPU_VF_JOB_CREDITS_MIN	(VGPU_VF_RING_BYTES / 8 / 2 / VGPU_VF_RING_JOBS)

/** VGPU_VF_RING_STOP_US - within that a ring stops, or it takes too long */
#define VGPU_VF_RING_STOP_US	500000

/**
 * struct vgpu_vf_stamps - what the engine writes while it runs one job
 * @begin: before its first indirect buffer
 * @turn: before each further one
 * @end: behind the last one
 */
struct vgpu_vf_stamps {
	struct vgpu_timestamp begin;
	struct vgpu_timestamp turn;
	struct vgpu_timestamp end;
};

/**
 * struct vgpu_vf_ring_memory - what ring and engine share, in system memory
 * @packets: the ring
 * @fence: sequence number of the last job that has completed
 * @stamps: job with sequence number n uses n modulo VGPU_VF_RING_JOBS
 */
struct vgpu_vf_ring_memory {
	__le64 packets[VGPU_VF_RING_BYTES / 8];
	__le64 fence;
	struct vgpu_vf_stamps stamps[VGPU_VF_RING_JOBS];
};

/**
 * struct vgpu_vf_ring - one ring of the function
 * @vf: the function
 * @index: of the ring
 * @name: of the ring
 * @regs: VGPU_RING_*
 * @doorbell: VGPU_REG_DOORBELL
 * @bytes: size of the ring; half of it is never in use, because the engine
 *	completes the FENCE packet (moves HEAD) after its interrupt
 * @memory: shared with the engine
 * @dma: its DMA address
 * @fence_context: of the fences
 * @direct_room: how much of the ring may be in use if a job is not to go through
 *	@sched; what is left is the credit limit of that
 * @sched: feeds the ring with what has to wait
 * @queues_lock: protects @queues
 * @queues: struct vgpu_vf_queue that end here
 * @lock: protects what follows, and what queues have of it; taken in interrupts
 * @closed: 0, or the errno that jobs get instead of being run
 * @tail: position behind the last packet
 * @sequence: of the last job
 * @jobs: struct vgpu_vf_job in the ring, in order
 * @used: credits of @jobs
 * @completed: jobs that succeeded
 * @failed: jobs that did not
 */
struct vgpu_vf_ring {
	struct vgpu_vf *vf;
	unsigned int index;
	char name[8];
	void __iomem *regs;
	void __iomem *doorbell;
	u32 bytes;
	struct vgpu_vf_ring_memory *memory;
	dma_addr_t dma;
	u64 fence_context;
	u32 direct_room;
	struct drm_gpu_scheduler sched;
	struct mutex queues_lock; /* see above */
	struct list_head queues;
	spinlock_t lock; /* see above */
	int closed;
	u64 tail;
	u64 sequence;
	struct list_head jobs;
	u32 used;
	u64 completed;
	u64 failed;
};

int vgpu_vf_rings_init(struct vgpu_vf *vf);
int vgpu_vf_ring_setup(struct vgpu_vf_ring *ring);
void vgpu_vf_ring_open(struct vgpu_vf_ring *ring);
void vgpu_vf_ring_close(struct vgpu_vf_ring *ring, int error);
irqreturn_t vgpu_vf_ring_interrupt(int irq, void *data);
irqreturn_t vgpu_vf_ring_thread(int irq, void *data);
struct dma_fence *vgpu_vf_ring_run(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job);
struct dma_fence *vgpu_vf_ring_run_directly(struct vgpu_vf_ring *ring,
					    struct vgpu_vf_job *job);
void vgpu_vf_ring_complete(struct vgpu_vf_ring *ring);
int vgpu_vf_ring_disable(struct vgpu_vf_ring *ring, u64 timeout_us);
void vgpu_vf_ring_skip(struct vgpu_vf_ring *ring, u64 timed_out);
void vgpu_vf_ring_kick(struct vgpu_vf_ring *ring);
void vgpu_vf_ring_recover(struct vgpu_vf_ring *ring);
bool vgpu_vf_ring_is_busy(struct vgpu_vf_ring *ring);
void vgpu_vf_ring_kill(struct vgpu_vf_queue *queue);
int vgpu_vf_ring_end_killed(struct vgpu_vf_ring *ring);
u32 vgpu_vf_ring_credits(const struct vgpu_vf_job *job);
u64 vgpu_vf_ring_gpu_time(struct vgpu_vf_ring *ring, struct vgpu_vf_file *file);
struct vgpu_vf_stamps *vgpu_vf_ring_stamps(struct vgpu_vf_ring *ring,
					   const struct vgpu_vf_job *job);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_MEMORY_H
#define VGPU_VF_MEMORY_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <drm/ttm/ttm_resource.h>

struct drm_exec;
struct task_struct;
struct ttm_buffer_object;
struct vgpu_vf;
struct vgpu_vf_extents;

/**
 * struct vgpu_vf_departure - memory that will be free without anybody's doing
 * @link: in memory.departures; empty if it is not on its way, or gone
 * @number: one after the other
 */
struct vgpu_vf_departure {
	struct list_head link;
	u64 number;
};

/**
 * struct vgpu_vf_wait - for memory to be free
 * @gone: departures that are over, when memory was looked for last
 * @last: number of the last departure that is waited for, 0: not known yet
 * @over: all of them are over
 * @attempts: since then
 */
struct vgpu_vf_wait {
	u64 gone;
	u64 last;
	bool over;
	unsigned int attempts;
};

/**
 * struct vgpu_vf_memory - system memory, and what moves between it and VRAM
 * @validating: held for reading by who locks reservations to place buffers, for
 *	writing by who failed for lack of memory and tries again alone; taken before
 *	any reservation
 * @alone: who holds it for writing
 * @system: TTM's view of system memory that the GPU reaches (TTM_PL_TT)
 * @size: bytes of system memory that buffers may have at the same time, swapped or not
 * @used: bytes that they have
 * @promised: bytes of all buffers, wherever they are
 * @saving: VRAM is being saved, whatever it costs; changed with @validating held for
 *	writing
 * @lock: protects @mapped, mappings for DMA, @imports, and who detaches them
 * @mapped: struct ttm_tt of ours, mapped for DMA
 * @imports: struct vgpu_vf_import
 * @detached: somebody has left @imports
 * @departures_lock: protects what follows
 * @departures: struct vgpu_vf_departure, by number
 * @begun: departures so far
 * @gone: those that are over
 * @departed: one more is over
 */
struct vgpu_vf_memory {
	struct rw_semaphore validating;
	struct task_struct *alone;
	struct ttm_resource_manager system;
	u64 size;
	atomic64_t used;
	atomic64_t promised;
	bool saving;
	struct mutex lock; /* see above */
	struct list_head mapped;
	struct list_head imports;
	wait_queue_head_t detached;
	spinlock_t departures_lock; /* see above */
	struct list_head departures;
	u64 begun;
	u64 gone;
	wait_queue_head_t departed;
};

int vgpu_vf_memory_init(struct vgpu_vf *vf);
void vgpu_vf_memory_unplug(struct vgpu_vf *vf);
int vgpu_vf_memory_evict(struct vgpu_vf *vf);
u64 vgpu_vf_memory_system_size(struct vgpu_vf *vf);

void vgpu_vf_memory_depart(struct vgpu_vf *vf, struct vgpu_vf_departure *departure);
void vgpu_vf_memory_departed(struct vgpu_vf *vf, struct vgpu_vf_departure *departure);
int vgpu_vf_memory_settle(struct vgpu_vf *vf);
void vgpu_vf_memory_wait_init(struct vgpu_vf *vf, struct vgpu_vf_wait *wait);
int vgpu_vf_memory_wait(struct vgpu_vf *vf, struct vgpu_vf_wait *wait);

/* Around locking and validating; outside of all reservations. */
int vgpu_vf_memory_enter(struct vgpu_vf *vf, bool alone);
void vgpu_vf_memory_unlock(struct vgpu_vf *vf, struct drm_exec *exec);

int vgpu_vf_memory_promise(struct vgpu_vf *vf, u64 bytes);
void vgpu_vf_memory_forget(struct vgpu_vf *vf, u64 bytes);
const struct vgpu_vf_extents *vgpu_vf_memory_extents(struct ttm_buffer_object *bo);

#endif

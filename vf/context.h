/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_CONTEXT_H
#define VGPU_VF_CONTEXT_H

#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_mm.h>

#include <vgpu/mmu.h>
#include <vgpu/regs.h>

#include "compat.h"

struct drm_file;
struct vgpu_vf;
struct vgpu_vf_bo;
struct vgpu_vf_table;

/**
 * struct vgpu_vf_contexts - all address spaces of the function
 * @lock: protects @ids, @list and the context table
 * @blocks: VRAM of the context table
 * @count: entries of the context table
 * @ids: which of them are in use
 * @list: all struct vgpu_vf_context
 */
struct vgpu_vf_contexts {
	struct mutex lock; /* see above */
	struct list_head blocks;
	unsigned int count;
	struct ida ids;
	struct list_head list;
};

/**
 * struct vgpu_vf_context - what a file has: an address space and queues
 * @refs: the file, each job, each mapping whose end is awaited
 * @vf: the function; a reference
 * @id: number of the hardware context
 * @link: in contexts.list
 * @lock: protects addresses, mappings and tables
 * @addresses: which are in use
 * @mappings: struct vgpu_vf_mapping by the buffer's mmap offset
 * @leaving: mappings without a handle that jobs may still use
 * @root: top page table
 * @tables: all page tables, @root too
 * @dirty: those that must be written to VRAM
 * @reap: takes away those in @leaving that are not used any more
 * @release: frees the context
 * @submit_lock: keeps the jobs of the file in order; protects @last
 * @entities: queue for each ring
 * @last: fence of the last job submitted to each ring, or NULL
 * @gpu_ns: GPU time that the jobs on each ring have taken
 */
struct vgpu_vf_context {
	struct kref refs;
	struct vgpu_vf *vf;
	u32 id;
	struct list_head link;
	struct mutex lock; /* see above */
	struct drm_mm addresses;
	struct xarray mappings;
	struct list_head leaving;
	struct vgpu_vf_table *root;
	struct list_head tables;
	struct list_head dirty;
	struct work_struct reap;
	struct work_struct release;
	struct mutex submit_lock; /* see above */
	struct drm_sched_entity entities[VGPU_MAX_RINGS];
	struct dma_fence *last[VGPU_MAX_RINGS];
	atomic64_t gpu_ns[VGPU_MAX_RINGS];
};

/**
 * struct vgpu_vf_mapping - a buffer at an address
 * @bo: the buffer; a reference
 * @node: the address
 * @handles: how often the file has the buffer
 * @link: in context->leaving, when @handles has become 0
 * @users: jobs that may use it, when @handles has become 0
 */
struct vgpu_vf_mapping {
	struct vgpu_vf_bo *bo;
	struct drm_mm_node node;
	unsigned int handles;
	struct list_head link;
	struct dma_fence *users[VGPU_MAX_RINGS];
};

int vgpu_vf_contexts_init(struct vgpu_vf *vf);
void vgpu_vf_contexts_restore(struct vgpu_vf *vf);
void vgpu_vf_contexts_revoke(struct vgpu_vf *vf);

struct vgpu_vf_context *vgpu_vf_context_create(struct vgpu_vf *vf);
void vgpu_vf_context_close(struct vgpu_vf_context *context);
struct vgpu_vf_context *vgpu_vf_context_get(struct vgpu_vf_context *context);
void vgpu_vf_context_put(struct vgpu_vf_context *context);
void vgpu_vf_context_job_ended(struct vgpu_vf_context *context);

int vgpu_vf_context_map(struct vgpu_vf_context *context, struct vgpu_vf_bo *bo);
void vgpu_vf_context_unmap(struct vgpu_vf_context *context, struct vgpu_vf_bo *bo);
u64 vgpu_vf_context_address(struct vgpu_vf_context *context, struct vgpu_vf_bo *bo);

#endif

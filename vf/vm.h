/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_VM_H
#define VGPU_VF_VM_H

#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_exec.h>
#include <drm/drm_gpuvm.h>
#include <drm/gpu_scheduler.h>
#include <drm/ttm/ttm_resource.h>

#include <vgpu/mmu.h>

#include "memory.h"

struct drm_device;
struct drm_file;
struct vgpu_vf;
struct vgpu_vf_bo;
struct vgpu_vf_file;
struct vgpu_vf_table;

/**
 * struct vgpu_vf_vms - all address spaces of the function
 * @lock: protects @list, @lost, the context table and @tables_used; nothing is
 *	allocated under it
 * @table: the context table
 * @count: entries of the context table
 * @ids: which of them are in use
 * @list: all struct vgpu_vf_vm
 * @lost: the function is not set up: VRAM and registers are not written
 * @sparse: the device has VGPU_CAPS_SPARSE
 * @tables_max: page tables that all VMs may have
 * @tables_used: page tables that they have
 * @sched: does asynchronous binds
 * @stopping: held by who has stopped @sched
 * @fence_context: of the fences that say that they are done
 * @sequence: of the last such fence; @sched changes it
 */
struct vgpu_vf_vms {
	struct mutex lock; /* see above */
	struct vgpu_vf_bo *table;
	unsigned int count;
	struct ida ids;
	struct list_head list;
	bool lost;
	bool sparse;
	unsigned int tables_max;
	unsigned int tables_used;
	struct drm_gpu_scheduler sched;
	struct mutex stopping; /* see above */
	u64 fence_context;
	u64 sequence;
};

/**
 * struct vgpu_vf_vm - an address space: a context of the hardware
 * @base: what is mapped where. Its reference count is that of this structure, which
 *	each mapping and private buffer has one of, and all @users together.
 * @users: the file's number, queues, binds under way: when there are none, nothing
 *	can use the address space any more, and all is unmapped
 * @vf: the function; a reference
 * @id: number of the hardware context
 * @link: in vms.list
 * @lock: protects @base's tree, tables and @lost; nothing is allocated under it, as
 *	asynchronous binds take it on the way to signal fences
 * @root: top page table
 * @tables: all page tables of the tree, @root too
 * @tables_by_addr: all page tables, by VRAM offset in units of 4 KiB
 * @dirty: those that must be written to VRAM, by level
 * @spares: empty page tables for the next change
 * @spare_count: of @spares
 * @tables_used: page tables of this VM; protected by vms.lock
 * @spares_wanted: what the renewal of mappings needs; protected by the reservation
 * @lost: the function is being reset: VRAM is written when it is over
 * @lru: private buffers, where TTM looks for those that have not been used for longest
 * @departure: of all that is mapped
 * @binds: queue of asynchronous binds; they are pushed with the reservation held,
 *	which keeps them in order
 * @trim: gives back spare page tables
 * @release: unmaps all, then frees the structure, where sleeping is allowed
 */
struct vgpu_vf_vm {
	struct drm_gpuvm base;
	struct kref users;
	struct vgpu_vf *vf;
	u32 id;
	struct list_head link;
	struct mutex lock; /* see above */
	struct vgpu_vf_table *root;
	struct list_head tables;
	struct xarray tables_by_addr;
	struct list_head dirty[VGPU_PT_LEVELS];
	struct list_head spares;
	unsigned int spare_count;
	unsigned int tables_used;
	u64 spares_wanted;
	bool lost;
	struct ttm_lru_bulk_move lru;
	struct vgpu_vf_departure departure;
	struct drm_sched_entity binds;
	struct work_struct trim;
	struct work_struct release;
};

static inline struct vgpu_vf_vm *to_vgpu_vf_vm(struct drm_gpuvm *gpuvm)
{
	return container_of(gpuvm, struct vgpu_vf_vm, base);
}

int vgpu_vf_vms_init(struct vgpu_vf *vf);
void vgpu_vf_vms_lose(struct vgpu_vf *vf);
void vgpu_vf_vms_restore(struct vgpu_vf *vf);
void vgpu_vf_vms_revoke(struct vgpu_vf *vf);
void vgpu_vf_vms_invalidate(struct vgpu_vf *vf, u32 which);

struct vgpu_vf_vm *vgpu_vf_vm_lookup(struct vgpu_vf_file *file, u32 id);
struct vgpu_vf_vm *vgpu_vf_vm_get(struct vgpu_vf_vm *vm);
void vgpu_vf_vm_put(struct vgpu_vf_vm *vm);
void vgpu_vf_vm_close(struct vgpu_vf_vm *vm);

int vgpu_vf_vm_lock(struct vgpu_vf_vm *vm, struct drm_exec *exec, unsigned int fences);
void vgpu_vf_vm_add_fence(struct vgpu_vf_vm *vm, struct drm_exec *exec,
			  struct dma_fence *fence);

int vgpu_vf_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *file);
int vgpu_vf_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *file);

#endif

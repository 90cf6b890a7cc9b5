// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs: what separates processes from each other and from the driver.
 *
 * Eviction does not touch page tables. A buffer that is mapped anywhere moves only
 * when no job of its VMs is under way: jobs and binds put their fences into the
 * reservations of the VM (which private buffers share) and of all other buffers
 * that are mapped there, and TTM waits for these. Then the buffer is on the VM's
 * list of evicted ones, until the next job locks the VM: it brings the buffer back
 * and writes its entries again. In between entries are out of date, but nothing
 * runs that could use them.
 *
 *          bind                      move(): fences signalled
 *   -------------------> mapped --------------------------------> evicted
 *                          ^                                         |
 *                          +--- vgpu_vf_vm_lock(): validate, renew --+
 */
#include <linux/io.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include <drm/vgpu_drm.h>

#include "bind.h"
#include "bo.h"
#include "device.h"
#include "driver.h"
#include "file.h"
#include "mapping.h"
#include "memory.h"
#include "pagetable.h"
#include "vm.h"

/* More would only make the table larger. */
#define CONTEXTS_MAX	4096

/* Page tables cannot be moved out of VRAM: this part of it, all VMs together. */
#define TABLES_SHARE	16
#define TABLES_MIN	64

/* Nothing is mapped where null pointers point. */
#define VA_START	BIT_ULL(VGPU_PAGE_SHIFT)
#define VA_END		BIT_ULL(VGPU_VA_BITS)

static void write_descriptor(struct vgpu_vf_vm *vm, bool valid)
{
	struct vgpu_vf *vf = vm->vf;
	u64 table = vgpu_vf_bo_extent(vf->vms.table, 0).addr;
	struct vgpu_context_desc desc = {};

	if (valid) {
		desc.flags = cpu_to_le32(VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED);
		desc.root = cpu_to_le64(vm->root->addr);
	}
	memcpy_toio(vf->vram.window + table + vm->id * sizeof(desc), &desc, sizeof(desc));
}

/**
 * vgpu_vf_vms_invalidate() - the hardware forgets translations
 * @vf: the function; its registers can be written
 * @which: number of a context, or VGPU_INVALIDATE_ALL
 *
 * Once this returns, the engine uses what is in VRAM now, and nothing older.
 */
void vgpu_vf_vms_invalidate(struct vgpu_vf *vf, u32 which)
{
	/* VRAM is written write-combined. */
	wmb();
	writel(which, vf->regs + VGPU_REG_INVALIDATE);
	readl(vf->regs + VGPU_REG_ID);
}

static void vms_fini(struct drm_device *drm, void *data)
{
	struct vgpu_vf_vms *vms = data;

	drm_sched_fini(&vms->sched);
	ida_destroy(&vms->ids);
	vgpu_vf_bo_destroy_pinned(vms->table);
}

static int init_context_table(struct vgpu_vf *vf)
{
	struct vgpu_vf_vms *vms = &vf->vms;
	u32 caps = readl(vf->regs + VGPU_REG_CAPS);
	u32 limit = VGPU_FIELD_GET(VGPU_LIMITS_CONTEXTS, readl(vf->regs + VGPU_REG_LIMITS));
	u64 bytes;

	if (!(caps & VGPU_CAPS_MMU) || limit < 2) {
		drm_err(&vf->drm, "the device cannot separate processes: no MMU\n");
		return -EOPNOTSUPP;
	}
	vms->sparse = caps & VGPU_CAPS_SPARSE;
	vms->count = min(limit, CONTEXTS_MAX);
	bytes = vms->count * sizeof(struct vgpu_context_desc);
	vms->table = vgpu_vf_bo_create_pinned(vf, round_up(bytes, BIT(VGPU_PAGE_SHIFT)));
	return PTR_ERR_OR_ZERO(vms->table);
}

/**
 * vgpu_vf_vms_init() - allocate the context table
 * @vf: the function, with memory
 *
 * Return: 0 or an errno
 */
int vgpu_vf_vms_init(struct vgpu_vf *vf)
{
	struct vgpu_vf_vms *vms = &vf->vms;
	int ret;

	ret = drmm_mutex_init(&vf->drm, &vms->lock);
	if (ret)
		return ret;
	ret = drmm_mutex_init(&vf->drm, &vms->stopping);
	if (ret)
		return ret;
	INIT_LIST_HEAD(&vms->list);
	ida_init(&vms->ids);
	vms->lost = true;
	vms->tables_max = max_t(u64, (vf->vram.size >> VGPU_PAGE_SHIFT) / TABLES_SHARE,
				TABLES_MIN);
	vms->fence_context = dma_fence_context_alloc(1);
	ret = init_context_table(vf);
	if (ret)
		return ret;
	ret = vgpu_vf_sched_init(&vms->sched, &vgpu_vf_bind_sched_ops,
				 VGPU_VF_BIND_CREDITS, "vgpu_vf-bind", vf->drm.dev);
	if (ret) {
		vgpu_vf_bo_destroy_pinned(vms->table);
		return ret;
	}
	return drmm_add_action_or_reset(&vf->drm, vms_fini, vms);
}

/**
 * vgpu_vf_vms_lose() - VRAM is lost: write no page tables from here on
 * @vf: the function
 */
void vgpu_vf_vms_lose(struct vgpu_vf *vf)
{
	struct vgpu_vf_vm *vm;

	guard(mutex)(&vf->vms.lock);
	vf->vms.lost = true;
	list_for_each_entry(vm, &vf->vms.list, link) {
		guard(mutex)(&vm->lock);
		vm->lost = true;
	}
}

/**
 * vgpu_vf_vms_restore() - write all tables again, and hand them to the engine
 * @vf: the function; vf->access is held for writing, or nobody else knows it yet
 */
void vgpu_vf_vms_restore(struct vgpu_vf *vf)
{
	u64 table = vgpu_vf_bo_extent(vf->vms.table, 0).addr;
	struct vgpu_vf_vms *vms = &vf->vms;
	struct vgpu_vf_vm *vm;

	guard(mutex)(&vms->lock);
	vms->lost = false;
	memset_io(vf->vram.window + table, 0, vms->count * sizeof(struct vgpu_context_desc));
	list_for_each_entry(vm, &vms->list, link) {
		guard(mutex)(&vm->lock);
		vm->lost = false;
		vgpu_vf_tables_touch(vm);
		vgpu_vf_tables_flush(vm);
		write_descriptor(vm, true);
	}
	writeq(table, vf->regs + VGPU_REG_CTX_TABLE);
	writel(vms->count, vf->regs + VGPU_REG_CTX_COUNT);
	vgpu_vf_vms_invalidate(vf, VGPU_INVALIDATE_ALL);
}

/**
 * vgpu_vf_vms_revoke() - let the engine reach nothing any more
 * @vf: the function
 */
void vgpu_vf_vms_revoke(struct vgpu_vf *vf)
{
	writel(0, vf->regs + VGPU_REG_CTX_COUNT);
	vgpu_vf_vms_invalidate(vf, VGPU_INVALIDATE_ALL);
}

/* The hardware context is known by its number from here on. */
static void publish(struct vgpu_vf_vm *vm)
{
	struct vgpu_vf *vf = vm->vf;
	int index;

	guard(mutex)(&vf->vms.lock);
	guard(mutex)(&vm->lock);
	list_add_tail(&vm->link, &vf->vms.list);
	vm->lost = vf->vms.lost;
	vgpu_vf_tables_flush(vm);
	if (vm->lost || !drm_dev_enter(&vf->drm, &index))
		return;
	write_descriptor(vm, true);
	vgpu_vf_vms_invalidate(vf, vm->id);
	drm_dev_exit(index);
}

static void withdraw(struct vgpu_vf_vm *vm)
{
	struct vgpu_vf *vf = vm->vf;
	int index;

	guard(mutex)(&vf->vms.lock);
	list_del(&vm->link);
	if (vf->vms.lost || !drm_dev_enter(&vf->drm, &index))
		return;
	write_descriptor(vm, false);
	vgpu_vf_vms_invalidate(vf, vm->id);
	drm_dev_exit(index);
}

static void unmap_all(struct vgpu_vf_vm *vm)
{
	struct dma_resv *resv = drm_gpuvm_resv(&vm->base);
	struct vgpu_vf_change change;

	vgpu_vf_change_init(&change);
	dma_resv_lock(resv, NULL);
	scoped_guard(mutex, &vm->lock)
		vgpu_vf_mappings_remove_all(vm, &change);
	vgpu_vf_change_settle(&change);
	dma_resv_unlock(resv);
	vgpu_vf_change_free(vm, &change);
}

/* No queue, no bind: nothing of it runs or will run. */
static void dismantle(struct vgpu_vf_vm *vm)
{
	withdraw(vm);
	drm_sched_entity_destroy(&vm->binds);
	unmap_all(vm);
	vgpu_vf_tables_fell(vm);
	ida_free(&vm->vf->vms.ids, vm->id);
	vgpu_vf_memory_departed(vm->vf, &vm->departure);
	drm_gpuvm_put(&vm->base);
}

static void dismantle_work(struct work_struct *work)
{
	dismantle(container_of(work, struct vgpu_vf_vm, release));
}

/* The device cannot be released where the last private buffer is. */
static void free_work(struct work_struct *work)
{
	struct vgpu_vf_vm *vm = container_of(work, struct vgpu_vf_vm, release);
	struct drm_device *drm = &vm->vf->drm;

	ttm_lru_bulk_move_fini(&vm->vf->ttm, &vm->lru);
	mutex_destroy(&vm->lock);
	kfree(vm);
	drm_dev_put(drm);
}

static void vm_free(struct drm_gpuvm *gpuvm)
{
	struct vgpu_vf_vm *vm = to_vgpu_vf_vm(gpuvm);

	INIT_WORK(&vm->release, free_work);
	queue_work(vgpu_vf_workqueue, &vm->release);
}

/* Nobody wants them: they are more than VGPU_VF_SPARE_TABLES. */
static void trim_spares(struct work_struct *work)
{
	struct vgpu_vf_vm *vm = container_of(work, struct vgpu_vf_vm, trim);
	struct vgpu_vf_stock stock;

	vgpu_vf_stock_init(&stock);
	vgpu_vf_stock_drop(vm, &stock);
	vgpu_vf_vm_put(vm);
}

static void queue_trim(struct vgpu_vf_vm *vm)
{
	vgpu_vf_vm_get(vm);
	if (!queue_work(vgpu_vf_workqueue, &vm->trim))
		vgpu_vf_vm_put(vm);
}

static int validate_bo(struct drm_gpuvm_bo *vm_bo, struct drm_exec *exec)
{
	struct vgpu_vf_vm *vm = to_vgpu_vf_vm(vm_bo->vm);
	struct ttm_operation_ctx ctx = { .interruptible = true };
	int ret;

	ret = vgpu_vf_bo_validate(to_vgpu_vf_bo(vm_bo->obj), &ctx);
	if (ret)
		return ret;
	ret = vgpu_vf_mappings_renew(vm, vm_bo);
	if (ret)
		return ret;
	drm_gpuvm_bo_evict(vm_bo, false);
	if (READ_ONCE(vm->spare_count) > VGPU_VF_SPARE_TABLES)
		queue_trim(vm);
	return 0;
}

static const struct drm_gpuvm_ops gpuvm_ops = {
	.vm_free = vm_free,
	.vm_bo_validate = validate_bo,
	.sm_step_map = vgpu_vf_step_map,
	.sm_step_remap = vgpu_vf_step_remap,
	.sm_step_unmap = vgpu_vf_step_unmap,
};

/**
 * vgpu_vf_vm_get() - become one more user
 * @vm: the VM
 *
 * Return: @vm
 */
struct vgpu_vf_vm *vgpu_vf_vm_get(struct vgpu_vf_vm *vm)
{
	kref_get(&vm->users);
	return vm;
}

static void queue_dismantle(struct kref *users)
{
	struct vgpu_vf_vm *vm = container_of(users, struct vgpu_vf_vm, users);

	vgpu_vf_memory_depart(vm->vf, &vm->departure);
	queue_work(vgpu_vf_workqueue, &vm->release);
}

/**
 * vgpu_vf_vm_put() - do not use it any more; anywhere
 * @vm: the VM
 */
void vgpu_vf_vm_put(struct vgpu_vf_vm *vm)
{
	kref_put(&vm->users, queue_dismantle);
}

static void dismantle_now(struct kref *users)
{
	dismantle(container_of(users, struct vgpu_vf_vm, users));
}

/**
 * vgpu_vf_vm_lookup() - by the number in a file
 * @file: the file
 * @id: the number
 *
 * Return: the VM, which the caller is a user of then; or NULL
 */
struct vgpu_vf_vm *vgpu_vf_vm_lookup(struct vgpu_vf_file *file, u32 id)
{
	struct vgpu_vf_vm *vm;

	xa_lock(&file->vms);
	vm = xa_load(&file->vms, id);
	if (vm)
		vgpu_vf_vm_get(vm);
	xa_unlock(&file->vms);
	return vm;
}

/* With the worker stopped, as in kill_queue(). */
static void kill_binds(struct vgpu_vf_vm *vm)
{
	struct vgpu_vf_vms *vms = &vm->vf->vms;

	guard(mutex)(&vms->stopping);
	drm_sched_wqueue_stop(&vms->sched);
	drm_sched_entity_flush(&vm->binds, 0);
	drm_sched_wqueue_start(&vms->sched);
}

/**
 * vgpu_vf_vm_close() - the file is closed
 * @vm: one of its VMs; the caller was a user of it
 *
 * If the process was killed, so are its binds that have not been done yet.
 */
void vgpu_vf_vm_close(struct vgpu_vf_vm *vm)
{
	if (current->flags & PF_EXITING)
		kill_binds(vm);
	/* It goes with its jobs and binds, as the file has no queues any more. */
	vgpu_vf_memory_depart(vm->vf, &vm->departure);
	vgpu_vf_vm_put(vm);
}

static int lock_all(struct vgpu_vf_vm *vm, struct drm_exec *exec, unsigned int fences)
{
	int ret;

	drm_exec_until_all_locked(exec) {
		ret = drm_gpuvm_prepare_vm(&vm->base, exec, fences);
		drm_exec_retry_on_contention(exec);
		if (ret)
			return ret;
		ret = drm_gpuvm_prepare_objects(&vm->base, exec, fences);
		drm_exec_retry_on_contention(exec);
		if (ret)
			return ret;
		/* In here, as it may lock what it evicts, by the same ticket. */
		ret = drm_gpuvm_validate(&vm->base, exec);
		if (ret)
			return ret;
	}
	return 0;
}

/* @wanted: how many spare page tables there must be, after -EAGAIN. */
static int try_lock(struct vgpu_vf_vm *vm, struct drm_exec *exec, unsigned int fences,
		    bool alone, u64 *wanted)
{
	int ret;

	*wanted = 0;
	ret = vgpu_vf_memory_enter(vm->vf, alone);
	if (ret)
		return ret;
	drm_exec_init(exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 1);
	ret = lock_all(vm, exec, fences);
	if (ret == -EAGAIN)
		swap(*wanted, vm->spares_wanted);
	if (ret)
		vgpu_vf_memory_unlock(vm->vf, exec);
	return ret;
}

/* The VM gets the spare page tables that it wants. */
static int add_spares(struct vgpu_vf_vm *vm, u64 count)
{
	struct vgpu_vf_stock stock;
	int ret;

	vgpu_vf_stock_init(&stock);
	ret = vgpu_vf_stock_fill(vm, &stock, count);
	guard(mutex)(&vm->lock);
	vgpu_vf_stock_keep(vm, &stock);
	return ret;
}

/* What has not been used for longest makes room first. */
static void note_use(struct vgpu_vf_vm *vm, struct drm_exec *exec)
{
	struct ttm_device *ttm = &vm->vf->ttm;
	struct drm_gem_object *obj;
	unsigned int i;

	spin_lock(&ttm->lru_lock);
	ttm_lru_bulk_move_tail(&vm->lru);
	for (i = 0; i < exec->num_objects; i++) {
		obj = exec->objects[i];
		if (obj != vm->base.r_obj)
			ttm_bo_move_to_lru_tail(&to_vgpu_vf_bo(obj)->ttm);
	}
	spin_unlock(&ttm->lru_lock);
}

/**
 * vgpu_vf_vm_lock() - lock a VM and all that is mapped there, to submit jobs
 * @vm: the VM
 * @exec: is initialised; vgpu_vf_memory_unlock() unlocks
 * @fences: that vgpu_vf_vm_add_fence() will be called with
 *
 * All buffers are where jobs find them, and cannot move until they are unlocked, nor
 * then before the fences are signalled. Others will have to make room before them.
 *
 * Return: 0; -ENOMEM: not all of it fits into memory at once; -EIO: it would have to
 * go to VRAM, and the function is closed; or -EINTR, -ERESTARTSYS
 */
int vgpu_vf_vm_lock(struct vgpu_vf_vm *vm, struct drm_exec *exec, unsigned int fences)
{
	struct vgpu_vf_wait wait;
	bool alone = false;
	u64 wanted;
	int ret;

	do {
		ret = try_lock(vm, exec, fences, alone, &wanted);
		if (wanted) {
			ret = add_spares(vm, wanted);
		} else if (ret != -ENOMEM) {
			if (!ret)
				note_use(vm, exec);
			return ret;
		} else if (!alone) {
			alone = true;
			vgpu_vf_memory_wait_init(vm->vf, &wait);
			ret = 0;
		} else {
			ret = vgpu_vf_memory_wait(vm->vf, &wait);
		}
	} while (!ret);
	return ret;
}

/**
 * vgpu_vf_vm_add_fence() - of a job, to what vgpu_vf_vm_lock() has locked
 * @vm: the VM
 * @exec: from there
 * @fence: the fence
 */
void vgpu_vf_vm_add_fence(struct vgpu_vf_vm *vm, struct drm_exec *exec,
			  struct dma_fence *fence)
{
	drm_gpuvm_resv_add_fence(&vm->base, exec, fence, DMA_RESV_USAGE_BOOKKEEP,
				 DMA_RESV_USAGE_BOOKKEEP);
}

static struct vgpu_vf_vm *vm_alloc(struct vgpu_vf *vf)
{
	struct drm_gpu_scheduler *sched = &vf->vms.sched;
	struct drm_gem_object *reservation;
	struct vgpu_vf_vm *vm;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	reservation = drm_gpuvm_resv_object_alloc(&vf->drm);
	if (!vm || !reservation)
		goto free;
	if (drm_sched_entity_init(&vm->binds, DRM_SCHED_PRIORITY_NORMAL, &sched, 1, NULL))
		goto free;
	drm_gpuvm_init(&vm->base, "vgpu_vf", 0, &vf->drm, reservation, VA_START,
		       VA_END - VA_START, 0, 0, &gpuvm_ops);
	drm_gem_object_put(reservation);
	drm_dev_get(&vf->drm);
	vm->vf = vf;
	kref_init(&vm->users);
	mutex_init(&vm->lock);
	INIT_WORK(&vm->trim, trim_spares);
	INIT_WORK(&vm->release, dismantle_work);
	ttm_lru_bulk_move_init(&vm->lru);
	INIT_LIST_HEAD(&vm->departure.link);
	vgpu_vf_tables_init(vm);
	return vm;

free:
	if (reservation)
		drm_gem_object_put(reservation);
	kfree(vm);
	return NULL;
}

static struct vgpu_vf_vm *vm_create(struct vgpu_vf *vf)
{
	struct vgpu_vf_vm *vm = vm_alloc(vf);
	int ret;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	ret = ida_alloc_range(&vf->vms.ids, 1, vf->vms.count - 1, GFP_KERNEL);
	if (ret < 0) {
		drm_dbg(&vf->drm, "VM_CREATE: all %u contexts of the function are in use\n",
			vf->vms.count - 1);
		goto put;
	}
	vm->id = ret;
	ret = vgpu_vf_tables_plant(vm);
	if (ret)
		goto free_id;
	publish(vm);
	return vm;

free_id:
	ida_free(&vf->vms.ids, vm->id);
put:
	drm_sched_entity_destroy(&vm->binds);
	drm_gpuvm_put(&vm->base);
	return ERR_PTR(ret);
}

/**
 * vgpu_vf_ioctl_vm_create() - DRM_IOCTL_VGPU_VM_CREATE
 * @drm: the device
 * @data: struct drm_vgpu_vm_create
 * @drm_file: who calls
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ioctl_vm_create(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct vgpu_vf_file *file = drm_file->driver_priv;
	struct drm_vgpu_vm_create *args = data;
	struct vgpu_vf_vm *vm;
	int ret;

	if (args->flags) {
		drm_dbg(drm, "VM_CREATE: flags %#x: not 0\n", args->flags);
		return -EINVAL;
	}
	if (READ_ONCE(to_vgpu_vf(drm)->closed) == -ENODEV)
		return -ENODEV;
	vm = vm_create(to_vgpu_vf(drm));
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	ret = xa_alloc(&file->vms, &args->vm_id, vm, XA_LIMIT(1, VGPU_VF_FILE_VMS),
		       GFP_KERNEL_ACCOUNT);
	if (!ret)
		return 0;
	if (ret == -EBUSY) {
		drm_dbg(drm, "VM_CREATE: the file has %u VMs, and may have no more\n",
			VGPU_VF_FILE_VMS);
		ret = -ENOSPC;
	}
	vgpu_vf_vm_put(vm);
	return ret;
}

/**
 * vgpu_vf_ioctl_vm_destroy() - DRM_IOCTL_VGPU_VM_DESTROY
 * @drm: the device
 * @data: struct drm_vgpu_vm_destroy
 * @drm_file: who calls
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ioctl_vm_destroy(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct vgpu_vf_file *file = drm_file->driver_priv;
	struct drm_vgpu_vm_destroy *args = data;
	struct vgpu_vf_vm *vm;

	if (args->pad) {
		drm_dbg(drm, "VM_DESTROY: pad %#x: not 0\n", args->pad);
		return -EINVAL;
	}
	vm = xa_erase(&file->vms, args->vm_id);
	if (!vm) {
		drm_dbg(drm, "VM_DESTROY: no VM has number %u\n", args->vm_id);
		return -ENOENT;
	}
	/* Without queues and binds, what it has is free when the ioctl returns. */
	kref_put(&vm->users, dismantle_now);
	return 0;
}

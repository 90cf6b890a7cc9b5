// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers: GEM objects on TTM, their life, their mappings by CPUs, and the ioctls
 * about them.
 *
 * A buffer begins in no place at all (TTM_PL_SYSTEM without pages), and is placed by
 * vgpu_vf_bo_validate() then, like one that has been moved out of the way: so there
 * is one way to wait for others and to fail.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_gem_ttm_helper.h>
#include <drm/drm_gpuvm.h>
#include <drm/drm_print.h>

#include <drm/vgpu_drm.h>

#include "bo.h"
#include "device.h"
#include "file.h"
#include "prime.h"
#include "vm.h"

#define GEM_FLAGS	(DRM_VGPU_GEM_VRAM | DRM_VGPU_GEM_SYSTEM)

/*
 * With both flags: VRAM as long as nobody has to make room there (DESIRED), then
 * system memory, by force if need be (FALLBACK). A buffer that had to leave VRAM
 * comes back when there is room.
 */
static void set_places(struct vgpu_vf_bo *bo)
{
	bool both = bo->flags == GEM_FLAGS;
	unsigned int count = 0;

	if (!bo->flags)
		bo->places[count++] = (struct ttm_place){
			.mem_type = TTM_PL_VRAM,
			.flags = TTM_PL_FLAG_CONTIGUOUS,
		};
	if (bo->flags & DRM_VGPU_GEM_VRAM)
		bo->places[count++] = (struct ttm_place){
			.mem_type = TTM_PL_VRAM,
			.flags = both ? TTM_PL_FLAG_DESIRED : 0,
		};
	if (bo->flags & DRM_VGPU_GEM_SYSTEM)
		bo->places[count++] = (struct ttm_place){
			.mem_type = TTM_PL_TT,
			.flags = both ? TTM_PL_FLAG_FALLBACK : 0,
		};
	bo->placement.placement = bo->places;
	bo->placement.num_placement = count;
}

/**
 * vgpu_vf_bo_moved() - all address spaces must look where the buffer is now
 * @bo: the buffer, its reservation held
 *
 * They do before the next job is submitted in them.
 */
void vgpu_vf_bo_moved(struct vgpu_vf_bo *bo)
{
	struct drm_gpuvm_bo *vm_bo;

	guard(mutex)(&bo->gpuva_lock);
	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->ttm.base)
		drm_gpuvm_bo_evict(vm_bo, true);
}

/**
 * vgpu_vf_bo_validate_at() - move a buffer, if the driver is bound
 * @bo: the buffer, its reservation held
 * @placement: where to
 * @ctx: how to wait
 *
 * This may wait for jobs, for long. Each drm_dev_unplug() waits for whoever is in
 * drm_dev_enter(), of any device: so it is not called here, but by what touches ours.
 *
 * Return: as of ttm_bo_validate(), or -ENODEV
 */
int vgpu_vf_bo_validate_at(struct vgpu_vf_bo *bo, struct ttm_placement *placement,
			   struct ttm_operation_ctx *ctx)
{
	if (drm_dev_is_unplugged(bo->ttm.base.dev))
		return -ENODEV;
	return ttm_bo_validate(&bo->ttm, placement, ctx);
}

/**
 * vgpu_vf_bo_validate() - move a buffer to where jobs can use it
 * @bo: the buffer, its reservation held
 * @ctx: how to wait
 *
 * Return: 0; -ENOMEM if there is no room and none can be made, or there would be but
 * for others who do the same (vgpu_vf_memory_enter()); -EIO while the function is
 * closed, if it has to be in VRAM; -ENODEV; -EINTR or -ERESTARTSYS for a signal
 */
int vgpu_vf_bo_validate(struct vgpu_vf_bo *bo, struct ttm_operation_ctx *ctx)
{
	/* Pinned, it is in memory that jobs can use, if not what it would like best. */
	return bo->ttm.pin_count ? 0 : vgpu_vf_bo_validate_at(bo, &bo->placement, ctx);
}

/**
 * vgpu_vf_bo_extent() - a contiguous piece of a buffer
 * @bo: the buffer; it is valid and cannot move: its reservation is held, or a fence
 *	in there has not been signalled
 * @offset: in the buffer, less than its size
 *
 * Return: what begins at @offset
 */
struct vgpu_vf_extent vgpu_vf_bo_extent(struct vgpu_vf_bo *bo, u64 offset)
{
	return vgpu_vf_extents_find(vgpu_vf_memory_extents(&bo->ttm), offset);
}

/* From here on jobs of the VM do not use it. */
static void leave_vm(struct vgpu_vf_bo *bo)
{
	dma_resv_lock(bo->ttm.base.resv, NULL);
	ttm_bo_set_bulk_move(&bo->ttm, NULL);
	dma_resv_unlock(bo->ttm.base.resv);
}

/* Nobody holds the reservation of a private buffer, which is its VM's, in here. */
static void bo_free(struct drm_gem_object *obj)
{
	struct vgpu_vf_bo *bo = to_vgpu_vf_bo(obj);

	if (bo->vm)
		leave_vm(bo);
	ttm_bo_put(&bo->ttm);
}

/**
 * vgpu_vf_bo_finish() - free a buffer
 * @bo: the buffer; TTM has given back its memory: no fence, no mapping is left
 */
void vgpu_vf_bo_finish(struct vgpu_vf_bo *bo)
{
	drm_gem_object_release(&bo->ttm.base);
	if (bo->vm)
		drm_gpuvm_put(&bo->vm->base);
	mutex_destroy(&bo->gpuva_lock);
	kfree(bo);
}

static void bo_destroy(struct ttm_buffer_object *ttm)
{
	struct vgpu_vf_bo *bo = ttm_to_vgpu_vf_bo(ttm);
	struct vgpu_vf *vf = to_vgpu_vf(ttm->base.dev);

	if (!bo->import)
		vgpu_vf_memory_forget(vf, ttm->base.size);
	vgpu_vf_memory_departed(vf, &bo->departure);
	if (bo->import)
		vgpu_vf_prime_release(bo->import);
	else
		vgpu_vf_bo_finish(bo);
}

/*
 * A private buffer has the one handle that was made with it: VMs of other files
 * could not map it anyway.
 */
static int bo_open(struct drm_gem_object *obj, struct drm_file *file)
{
	if (!to_vgpu_vf_bo(obj)->vm || obj->handle_count <= 1)
		return 0;
	drm_dbg(obj->dev, "a buffer that is private to a VM cannot get another handle\n");
	return -EPERM;
}

static int bo_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	if (to_vgpu_vf_bo(obj)->import)
		return vgpu_vf_prime_mmap(to_vgpu_vf_bo(obj), vma);
	if (is_cow_mapping(vma->vm_flags)) {
		drm_dbg(obj->dev, "mmap: MAP_PRIVATE: only MAP_SHARED is possible\n");
		return -EINVAL;
	}
	return drm_gem_ttm_mmap(obj, vma);
}

static const struct vm_operations_struct bo_vm_ops = {
	.open = ttm_bo_vm_open,
	.close = ttm_bo_vm_close,
	.fault = ttm_bo_vm_fault,
	.access = ttm_bo_vm_access,
};

static const struct drm_gem_object_funcs bo_funcs = {
	.free = bo_free,
	.open = bo_open,
	.export = vgpu_vf_prime_export,
	.pin = vgpu_vf_prime_pin,
	.unpin = vgpu_vf_prime_unpin,
	.vmap = vgpu_vf_prime_vmap,
	.vunmap = vgpu_vf_prime_vunmap,
	.mmap = bo_mmap,
	.vm_ops = &bo_vm_ops,
};

/**
 * struct origin - what a buffer is made from
 * @size: bytes, whole pages
 * @flags: DRM_VGPU_GEM_*, or 0
 * @vm: to which it is private, or NULL
 * @import: or NULL; belongs to the buffer from then on, whether it can be made or not
 * @resv: reservation that it shares, or NULL
 */
struct origin {
	u64 size;
	u32 flags;
	struct vgpu_vf_vm *vm;
	struct vgpu_vf_import *import;
	struct dma_resv *resv;
};

static enum ttm_bo_type type_of(const struct origin *origin)
{
	if (origin->import)
		return ttm_bo_type_sg;
	return origin->flags ? ttm_bo_type_device : ttm_bo_type_kernel;
}

/* The memory of others that are on their way out counts until they are. */
static int promise(struct vgpu_vf *vf, const struct origin *origin)
{
	struct vgpu_vf_wait wait;
	int ret = 0;

	if (origin->import)
		return 0;
	vgpu_vf_memory_wait_init(vf, &wait);
	while (!ret && vgpu_vf_memory_promise(vf, origin->size))
		ret = vgpu_vf_memory_wait(vf, &wait);
	return ret;
}

/* There will be no buffer that does so when it goes. */
static void take_back(struct vgpu_vf *vf, const struct origin *origin)
{
	if (origin->import)
		vgpu_vf_prime_release(origin->import);
	else
		vgpu_vf_memory_forget(vf, origin->size);
}

static struct vgpu_vf_bo *bo_alloc(struct vgpu_vf *vf, const struct origin *origin)
{
	struct vgpu_vf_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL);

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->flags = origin->flags;
	bo->vm = origin->vm;
	if (bo->vm)
		drm_gpuvm_get(&bo->vm->base);
	bo->import = origin->import;
	if (bo->import)
		bo->import->bo = bo;
	set_places(bo);
	INIT_LIST_HEAD(&bo->departure.link);
	mutex_init(&bo->gpuva_lock);
	bo->ttm.base.funcs = &bo_funcs;
	drm_gem_private_object_init(&vf->drm, &bo->ttm.base, origin->size);
	drm_gem_gpuva_set_lock(&bo->ttm.base, &bo->gpuva_lock);
	return bo;
}

/* With @origin's reservation held, if there is one. */
static struct vgpu_vf_bo *bo_init(struct vgpu_vf *vf, const struct origin *origin)
{
	struct ttm_place nowhere = { .mem_type = TTM_PL_SYSTEM };
	struct ttm_placement placement = { .placement = &nowhere, .num_placement = 1 };
	struct ttm_operation_ctx ctx = { .interruptible = true };
	struct sg_table *sgt = origin->import ? origin->import->sgt : NULL;
	struct vgpu_vf_bo *bo = bo_alloc(vf, origin);
	int ret;

	if (IS_ERR(bo)) {
		take_back(vf, origin);
		return bo;
	}
	ret = ttm_bo_init_reserved(&vf->ttm, &bo->ttm, type_of(origin), &placement, 0, &ctx,
				   sgt, origin->resv, bo_destroy);
	if (ret)
		return ERR_PTR(ret);
	if (bo->vm)
		ttm_bo_set_bulk_move(&bo->ttm, &bo->vm->lru);
	if (!origin->resv)
		ttm_bo_unreserve(&bo->ttm);
	return bo;
}

/* A buffer without a place yet. */
static struct vgpu_vf_bo *bo_create(struct vgpu_vf *vf, const struct origin *origin)
{
	struct vgpu_vf_bo *bo;
	int ret;

	ret = promise(vf, origin);
	if (ret)
		return ERR_PTR(ret);
	ret = origin->resv ? dma_resv_lock_interruptible(origin->resv, NULL) : 0;
	if (ret) {
		take_back(vf, origin);
		return ERR_PTR(ret);
	}
	bo = bo_init(vf, origin);
	if (origin->resv)
		dma_resv_unlock(origin->resv);
	return bo;
}

/**
 * enum effort - to place a buffer
 * @MODEST: where there is room
 * @EAGER: others may have to make room; who is in the way is waited for
 * @ALONE: so, and nobody else is allowed to place one
 */
enum effort { MODEST, EAGER, ALONE };

/* In the one place that it would like best, if nobody has to make room there. */
static int validate_modestly(struct vgpu_vf_bo *bo, struct ttm_operation_ctx *ctx)
{
	struct ttm_place place = bo->places[0];
	struct ttm_placement placement = { .placement = &place, .num_placement = 1 };

	place.flags |= TTM_PL_FLAG_DESIRED;
	return vgpu_vf_bo_validate_at(bo, &placement, ctx);
}

static int validate_locked(struct vgpu_vf_bo *bo, bool pin, enum effort effort)
{
	struct ttm_operation_ctx ctx = {
		.interruptible = true,
		/* No job needs this buffer yet: others of the VM may make room. */
		.resv = bo->ttm.base.resv,
		.allow_res_evict = true,
	};
	int ret;

	if (effort == MODEST)
		ret = validate_modestly(bo, &ctx);
	else
		ret = vgpu_vf_bo_validate(bo, &ctx);
	if (ret)
		return ret;
	if (pin)
		ttm_bo_pin(&bo->ttm);
	ttm_bo_move_to_lru_tail_unlocked(&bo->ttm);
	return 0;
}

static int try_to_place(struct vgpu_vf_bo *bo, bool pin, enum effort effort)
{
	struct vgpu_vf *vf = to_vgpu_vf(bo->ttm.base.dev);
	struct drm_exec exec;
	int ret;

	ret = vgpu_vf_memory_enter(vf, effort == ALONE);
	if (ret)
		return ret;
	drm_exec_init(&exec, DRM_EXEC_INTERRUPTIBLE_WAIT, 1);
	drm_exec_until_all_locked(&exec) {
		ret = drm_exec_lock_obj(&exec, &bo->ttm.base);
		drm_exec_retry_on_contention(&exec);
		if (ret)
			break;
	}
	ret = ret ?: validate_locked(bo, pin, effort);
	vgpu_vf_memory_unlock(vf, &exec);
	return ret;
}

/* What nothing else can be found for waits for what others leave behind. */
static int place_with_force(struct vgpu_vf_bo *bo, bool pin)
{
	struct vgpu_vf *vf = to_vgpu_vf(bo->ttm.base.dev);
	struct vgpu_vf_wait wait;
	int ret;

	vgpu_vf_memory_wait_init(vf, &wait);
	do {
		ret = try_to_place(bo, pin, EAGER);
		if (ret == -ENOMEM)
			ret = try_to_place(bo, pin, ALONE);
		if (ret != -ENOMEM)
			return ret;
		ret = vgpu_vf_memory_wait(vf, &wait);
	} while (!ret);
	return ret;
}

/* What goes soon is waited for before what is there has to move. */
static int bo_place(struct vgpu_vf_bo *bo, bool pin)
{
	int ret;

	ret = try_to_place(bo, pin, MODEST);
	if (ret != -ENOMEM)
		return ret;
	ret = vgpu_vf_memory_settle(to_vgpu_vf(bo->ttm.base.dev));
	return ret ?: place_with_force(bo, pin);
}

static struct vgpu_vf_bo *create_placed(struct vgpu_vf *vf, const struct origin *origin,
					bool pin)
{
	struct vgpu_vf_bo *bo = bo_create(vf, origin);
	int ret;

	if (IS_ERR(bo))
		return bo;
	ret = bo_place(bo, pin);
	if (!ret)
		return bo;
	drm_gem_object_put(&bo->ttm.base);
	return ERR_PTR(ret);
}

/**
 * vgpu_vf_bo_create_pinned() - VRAM for the driver itself
 * @vf: the function, open or not
 * @size: bytes, whole pages
 *
 * Contiguous, not cleared, never moved. Others may have to make room. No reservation
 * is held, and vgpu_vf_memory_enter() has not been called.
 *
 * Return: the buffer; or an errno as ERR_PTR: -ENOMEM, -ENODEV, or -EINTR or
 * -ERESTARTSYS for a signal
 */
struct vgpu_vf_bo *vgpu_vf_bo_create_pinned(struct vgpu_vf *vf, u64 size)
{
	const struct origin origin = { .size = size };

	return create_placed(vf, &origin, true);
}

/**
 * vgpu_vf_bo_destroy_pinned() - give it back
 * @bo: of vgpu_vf_bo_create_pinned(); the GPU does not use it any more
 */
void vgpu_vf_bo_destroy_pinned(struct vgpu_vf_bo *bo)
{
	dma_resv_lock(bo->ttm.base.resv, NULL);
	ttm_bo_unpin(&bo->ttm);
	dma_resv_unlock(bo->ttm.base.resv);
	drm_gem_object_put(&bo->ttm.base);
}

/**
 * vgpu_vf_bo_create_import() - a buffer of another driver's memory
 * @vf: the function
 * @size: bytes, whole pages
 * @resv: of the dma-buf
 * @import: belongs to the buffer from now on, and is freed if this fails
 *
 * Return: the buffer, or an errno as ERR_PTR
 */
struct vgpu_vf_bo *vgpu_vf_bo_create_import(struct vgpu_vf *vf, u64 size,
					    struct dma_resv *resv,
					    struct vgpu_vf_import *import)
{
	const struct origin origin = {
		.size = size,
		.flags = DRM_VGPU_GEM_SYSTEM,
		.import = import,
		.resv = resv,
	};

	return create_placed(vf, &origin, false);
}

/* What a buffer can have at most. */
static u64 memory_size(struct vgpu_vf *vf, u32 flags)
{
	u64 size = 0;

	if (flags & DRM_VGPU_GEM_VRAM)
		size = vf->vram.size;
	if (flags & DRM_VGPU_GEM_SYSTEM)
		size = max(size, vgpu_vf_memory_system_size(vf));
	return size;
}

static int check_create(struct vgpu_vf *vf, const struct drm_vgpu_gem_create *args)
{
	u64 size;

	if (!args->flags || args->flags & ~GEM_FLAGS || args->pad) {
		drm_dbg(&vf->drm, "GEM_CREATE: flags %#x, pad %#x: not some of %#x, 0\n",
			args->flags, args->pad, GEM_FLAGS);
		return -EINVAL;
	}
	size = memory_size(vf, args->flags);
	if (args->size && args->size <= size)
		return 0;
	drm_dbg(&vf->drm, "GEM_CREATE: size %llu: not 1…%llu\n", args->size, size);
	return args->size ? -ENOSPC : -EINVAL;
}

static int create(struct vgpu_vf *vf, struct drm_vgpu_gem_create *args,
		  struct drm_file *file, struct vgpu_vf_vm *vm)
{
	const struct origin origin = {
		.size = round_up(args->size, PAGE_SIZE),
		.flags = args->flags,
		.vm = vm,
		.resv = vm ? drm_gpuvm_resv(&vm->base) : NULL,
	};
	struct vgpu_vf_bo *bo;
	int ret;

	bo = create_placed(vf, &origin, false);
	if (IS_ERR(bo)) {
		drm_dbg(&vf->drm, "GEM_CREATE: size %llu, flags %#x: %pe\n", origin.size,
			origin.flags, bo);
		return PTR_ERR(bo);
	}
	ret = drm_gem_handle_create(file, &bo->ttm.base, &args->handle);
	drm_gem_object_put(&bo->ttm.base);
	if (!ret)
		args->size = origin.size;
	return ret;
}

/**
 * vgpu_vf_ioctl_gem_create() - DRM_IOCTL_VGPU_GEM_CREATE
 * @drm: the device
 * @data: struct drm_vgpu_gem_create
 * @file: who calls
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ioctl_gem_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct vgpu_vf *vf = to_vgpu_vf(drm);
	struct drm_vgpu_gem_create *args = data;
	struct vgpu_vf_vm *vm = NULL;
	int ret;

	ret = check_create(vf, args);
	if (ret)
		return ret;
	if (args->vm_id) {
		vm = vgpu_vf_vm_lookup(file->driver_priv, args->vm_id);
		if (!vm) {
			drm_dbg(drm, "GEM_CREATE: no VM has number %u\n", args->vm_id);
			return -ENOENT;
		}
	}
	ret = create(vf, args, file, vm);
	if (vm)
		vgpu_vf_vm_put(vm);
	return ret;
}

/**
 * vgpu_vf_ioctl_gem_info() - DRM_IOCTL_VGPU_GEM_INFO
 * @drm: the device
 * @data: struct drm_vgpu_gem_info
 * @file: who calls
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ioctl_gem_info(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_vgpu_gem_info *args = data;
	struct drm_gem_object *obj;

	if (args->flags || args->pad) {
		drm_dbg(drm, "GEM_INFO: flags %#x, pad %#x: not 0\n", args->flags, args->pad);
		return -EINVAL;
	}
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj) {
		drm_dbg(drm, "GEM_INFO: no buffer has handle %u\n", args->handle);
		return -ENOENT;
	}
	args->flags = to_vgpu_vf_bo(obj)->flags;
	args->size = obj->size;
	args->placement = READ_ONCE(to_vgpu_vf_bo(obj)->where);
	drm_gem_object_put(obj);
	return 0;
}

/**
 * vgpu_vf_ioctl_gem_mmap_offset() - DRM_IOCTL_VGPU_GEM_MMAP_OFFSET
 * @drm: the device
 * @data: struct drm_vgpu_gem_mmap_offset
 * @file: who calls
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ioctl_gem_mmap_offset(struct drm_device *drm, void *data,
				  struct drm_file *file)
{
	struct drm_vgpu_gem_mmap_offset *args = data;
	struct drm_gem_object *obj;

	if (args->flags) {
		drm_dbg(drm, "GEM_MMAP_OFFSET: flags %#x: not 0\n", args->flags);
		return -EINVAL;
	}
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj) {
		drm_dbg(drm, "GEM_MMAP_OFFSET: no buffer has handle %u\n", args->handle);
		return -ENOENT;
	}
	args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return 0;
}

/**
 * struct regions - memory of a file
 * @vram: asked for, there, and in use by jobs
 * @system: the same
 */
struct regions {
	struct drm_memory_stats vram;
	struct drm_memory_stats system;
};

static int add_to_regions(int id, void *obj, void *data)
{
	struct drm_memory_stats *asked, *found;
	struct regions *regions = data;
	struct vgpu_vf_bo *bo;
	u64 size;
	u32 where;

	/* A handle that is being made. */
	if (!obj)
		return 0;
	bo = to_vgpu_vf_bo(obj);
	size = bo->ttm.base.size;
	where = READ_ONCE(bo->where);
	asked = bo->flags & DRM_VGPU_GEM_VRAM ? &regions->vram : &regions->system;
	found = where == DRM_VGPU_GEM_VRAM ? &regions->vram : &regions->system;
	if (drm_gem_object_is_shared_for_memory_stats(&bo->ttm.base))
		asked->shared += size;
	else
		asked->private += size;
	if (where)
		found->resident += size;
	if (where && !dma_resv_test_signaled(bo->ttm.base.resv, DMA_RESV_USAGE_BOOKKEEP))
		found->active += size;
	return 0;
}

/**
 * vgpu_vf_bo_show_memory() - buffers that a file has handles of
 * @printer: where to
 * @file: which file
 *
 * Documentation/gpu/drm-usage-stats.rst: "total" and "shared" count where a buffer
 * was asked for, first, "resident" and "active" where it is.
 */
void vgpu_vf_bo_show_memory(struct drm_printer *printer, struct drm_file *file)
{
	struct regions regions = {};

	spin_lock(&file->table_lock);
	idr_for_each(&file->object_idr, add_to_regions, &regions);
	spin_unlock(&file->table_lock);
	drm_print_memory_stats(printer, &regions.vram, DRM_GEM_OBJECT_RESIDENT, "vram");
	drm_print_memory_stats(printer, &regions.system, DRM_GEM_OBJECT_RESIDENT, "system");
}

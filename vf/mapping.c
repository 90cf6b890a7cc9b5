// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of a VM: drm_gpuvm's tree of what is where, and the page tables, which
 * are changed together, under the VM's lock.
 *
 * A change may be made on the way to signal a fence. What it needs is prepared
 * before; what it leaves over (mappings, buffers that nobody else uses) is dealt
 * with afterwards, in two steps: the links between VM and buffers are cut with the
 * VM's reservation held, as drm_gpuvm follows them under it; then buffers and page
 * tables are let go without it.
 *
 *   prepare ---> map … map, flush ---> settle ---> free
 *   (sleeps)     (vm->lock)          (reservation) (sleeps)
 */
#include <linux/slab.h>

#include <drm/drm_print.h>

#include "bo.h"
#include "device.h"
#include "mapping.h"

/**
 * struct step - what drm_gpuvm's steps work on
 * @vm: the VM
 * @change: where mappings come from and go to
 * @entry: of the new mapping
 * @vm_bo: of the new mapping, or NULL
 */
struct step {
	struct vgpu_vf_vm *vm;
	struct vgpu_vf_change *change;
	u64 entry;
	struct drm_gpuvm_bo *vm_bo;
};

static struct vgpu_vf_mapping *to_mapping(struct drm_gpuva *va)
{
	return container_of(va, struct vgpu_vf_mapping, base);
}

static struct mutex *gpuva_lock(struct drm_gem_object *obj)
{
	return &to_vgpu_vf_bo(obj)->gpuva_lock;
}

/**
 * vgpu_vf_change_init() - nothing is prepared
 * @change: the change
 */
void vgpu_vf_change_init(struct vgpu_vf_change *change)
{
	INIT_LIST_HEAD(&change->fresh);
	INIT_LIST_HEAD(&change->removed);
	vgpu_vf_stock_init(&change->stock);
}

/**
 * vgpu_vf_change_prepare() - allocate mappings
 * @change: gets them
 * @mappings: how many
 *
 * Return: 0 or -ENOMEM: vgpu_vf_change_free() frees those that there are
 */
int vgpu_vf_change_prepare(struct vgpu_vf_change *change, unsigned int mappings)
{
	struct vgpu_vf_mapping *mapping;

	while (mappings--) {
		mapping = kzalloc(sizeof(*mapping), GFP_KERNEL_ACCOUNT);
		if (!mapping)
			return -ENOMEM;
		list_add(&mapping->link, &change->fresh);
	}
	return 0;
}

static struct vgpu_vf_mapping *take_fresh(struct step *step, u64 entry)
{
	struct vgpu_vf_mapping *mapping =
		list_first_entry(&step->change->fresh, struct vgpu_vf_mapping, link);

	list_del_init(&mapping->link);
	mapping->entry = entry;
	if (entry & VGPU_PTE_SPARSE)
		mapping->base.flags |= DRM_GPUVA_SPARSE;
	return mapping;
}

static void link_mapping(struct vgpu_vf_mapping *mapping, struct drm_gpuvm_bo *vm_bo)
{
	if (!vm_bo)
		return;
	guard(mutex)(gpuva_lock(vm_bo->obj));
	drm_gpuva_link(&mapping->base, vm_bo);
}

/* Its vm_bo, and so its buffer, stays until the change is settled. */
static void unlink_mapping(struct step *step, struct vgpu_vf_mapping *mapping)
{
	struct drm_gpuvm_bo *vm_bo = mapping->base.vm_bo;

	list_add(&mapping->link, &step->change->removed);
	if (!vm_bo)
		return;
	mapping->vm_bo = drm_gpuvm_bo_get(vm_bo);
	guard(mutex)(gpuva_lock(vm_bo->obj));
	drm_gpuva_unlink(&mapping->base);
}

/**
 * vgpu_vf_step_map() - drm_gpuvm_ops.sm_step_map
 * @op: a mapping that is new
 * @data: struct step
 *
 * Return: 0
 */
int vgpu_vf_step_map(struct drm_gpuva_op *op, void *data)
{
	struct step *step = data;
	struct vgpu_vf_mapping *mapping = take_fresh(step, step->entry);

	drm_gpuva_map(&step->vm->base, &mapping->base, &op->map);
	link_mapping(mapping, step->vm_bo);
	return 0;
}

/**
 * vgpu_vf_step_remap() - drm_gpuvm_ops.sm_step_remap
 * @op: a mapping of which one or two parts stay
 * @data: struct step
 *
 * Return: 0
 */
int vgpu_vf_step_remap(struct drm_gpuva_op *op, void *data)
{
	struct step *step = data;
	struct vgpu_vf_mapping *old = to_mapping(op->remap.unmap->va);
	struct drm_gpuvm_bo *vm_bo = old->base.vm_bo;
	struct vgpu_vf_mapping *before = NULL, *behind = NULL;

	if (op->remap.prev)
		before = take_fresh(step, old->entry);
	if (op->remap.next)
		behind = take_fresh(step, old->entry);
	drm_gpuva_remap(before ? &before->base : NULL, behind ? &behind->base : NULL,
			&op->remap);
	if (before)
		link_mapping(before, vm_bo);
	if (behind)
		link_mapping(behind, vm_bo);
	unlink_mapping(step, old);
	return 0;
}

/**
 * vgpu_vf_step_unmap() - drm_gpuvm_ops.sm_step_unmap
 * @op: a mapping that goes
 * @data: struct step
 *
 * Return: 0
 */
int vgpu_vf_step_unmap(struct drm_gpuva_op *op, void *data)
{
	struct step *step = data;

	drm_gpuva_unmap(&op->unmap);
	unlink_mapping(step, to_mapping(op->unmap.va));
	return 0;
}

/**
 * vgpu_vf_change_map() - change what is mapped in a range of addresses
 * @vm: the VM, locked
 * @change: with VGPU_VF_MAPPINGS_OF_OP fresh mappings, and enough page tables
 * @range: in the address space
 * @vm_bo: of its buffer, or NULL
 *
 * What overlaps is replaced. vgpu_vf_tables_flush() brings it into effect.
 */
void vgpu_vf_change_map(struct vgpu_vf_vm *vm, struct vgpu_vf_change *change,
			const struct vgpu_vf_range *range, struct drm_gpuvm_bo *vm_bo)
{
	struct step step = {
		.vm = vm,
		.change = change,
		.entry = range->entry,
		.vm_bo = vm_bo,
	};
	int ret;

	lockdep_assert_held(&vm->lock);
	if (range->entry)
		ret = drm_gpuvm_sm_map(&vm->base, &step, range->addr, range->size,
				       vm_bo ? vm_bo->obj : NULL, range->offset);
	else
		ret = drm_gpuvm_sm_unmap(&vm->base, &step, range->addr, range->size);
	/* The steps cannot fail, and the range has been checked. */
	if (!drm_WARN_ON(&vm->vf->drm, ret))
		vgpu_vf_tables_set(vm, range, &change->stock);
}

/**
 * vgpu_vf_change_settle() - cut the links between VM and buffers
 * @change: what has been changed; the VM's reservation is held
 */
void vgpu_vf_change_settle(struct vgpu_vf_change *change)
{
	struct vgpu_vf_mapping *mapping;

	list_for_each_entry(mapping, &change->removed, link) {
		if (!mapping->vm_bo)
			continue;
		drm_gem_object_get(mapping->base.gem.obj);
		vgpu_vf_vm_bo_put(mapping->vm_bo);
	}
}

static void free_mappings(struct list_head *mappings)
{
	struct vgpu_vf_mapping *mapping, *next;

	list_for_each_entry_safe(mapping, next, mappings, link) {
		if (mapping->vm_bo)
			drm_gem_object_put(mapping->base.gem.obj);
		kfree(mapping);
	}
}

/**
 * vgpu_vf_change_free() - let go what is left
 * @vm: the VM; no reservation is held
 * @change: has been settled
 */
void vgpu_vf_change_free(struct vgpu_vf_vm *vm, struct vgpu_vf_change *change)
{
	free_mappings(&change->fresh);
	free_mappings(&change->removed);
	vgpu_vf_stock_drop(vm, &change->stock);
}

/**
 * vgpu_vf_mappings_remove_all() - take everything out of drm_gpuvm's tree
 * @vm: the VM, locked; the hardware does not know it any more
 * @change: gets the mappings
 */
void vgpu_vf_mappings_remove_all(struct vgpu_vf_vm *vm, struct vgpu_vf_change *change)
{
	struct step step = { .vm = vm, .change = change };
	struct drm_gpuva *va, *next;

	lockdep_assert_held(&vm->lock);
	drm_gpuvm_for_each_va_safe(va, next, &vm->base) {
		drm_gpuva_remove(va);
		unlink_mapping(&step, to_mapping(va));
	}
}

static struct vgpu_vf_range range_of(struct drm_gpuva *va)
{
	return (struct vgpu_vf_range){
		.addr = va->va.addr,
		.size = va->va.range,
		.entry = to_mapping(va)->entry,
		.bo = to_vgpu_vf_bo(va->gem.obj),
		.offset = va->gem.offset,
	};
}

static u64 tables_to_renew(struct vgpu_vf_vm *vm, struct drm_gpuvm_bo *vm_bo)
{
	struct drm_gpuva *va;
	u64 count = 0;

	drm_gpuvm_bo_for_each_va(va, vm_bo) {
		struct vgpu_vf_range range = range_of(va);

		count += vgpu_vf_tables_splits(vm, &range);
	}
	return count;
}

/**
 * vgpu_vf_mappings_renew() - a buffer has been moved: tell the page tables
 * @vm: the VM
 * @vm_bo: the buffer in it, which cannot move now
 *
 * Page tables that this needs are the VM's spare ones.
 *
 * Return: 0, or -EAGAIN: vm->spares_wanted spare page tables are needed
 */
int vgpu_vf_mappings_renew(struct vgpu_vf_vm *vm, struct drm_gpuvm_bo *vm_bo)
{
	struct vgpu_vf_stock stock;
	struct drm_gpuva *va;
	u64 count;

	vgpu_vf_stock_init(&stock);
	guard(mutex)(&vm->lock);
	guard(mutex)(gpuva_lock(vm_bo->obj));
	count = tables_to_renew(vm, vm_bo);
	if (count > vm->spare_count) {
		vm->spares_wanted = count;
		return -EAGAIN;
	}
	vgpu_vf_stock_take(vm, &stock, count);
	drm_gpuvm_bo_for_each_va(va, vm_bo) {
		struct vgpu_vf_range range = range_of(va);

		vgpu_vf_tables_set(vm, &range, &stock);
	}
	vgpu_vf_tables_flush(vm);
	vgpu_vf_stock_keep(vm, &stock);
	return 0;
}

/**
 * vgpu_vf_vm_bo_obtain() - what links a VM and a buffer
 * @vm: the VM; its reservation and the buffer's are held
 * @bo: the buffer
 *
 * From here on, who locks the VM locks the buffer too.
 *
 * Return: a reference, or -ENOMEM as pointer
 */
struct drm_gpuvm_bo *vgpu_vf_vm_bo_obtain(struct vgpu_vf_vm *vm, struct vgpu_vf_bo *bo)
{
	struct drm_gem_object *obj = &bo->ttm.base;
	struct drm_gpuvm_bo *vm_bo;

	scoped_guard(mutex, &bo->gpuva_lock)
		vm_bo = drm_gpuvm_bo_find(&vm->base, obj);
	if (vm_bo)
		return vm_bo;
	vm_bo = drm_gpuvm_bo_create(&vm->base, obj);
	if (!vm_bo)
		return ERR_PTR(-ENOMEM);
	scoped_guard(mutex, &bo->gpuva_lock)
		vm_bo = drm_gpuvm_bo_obtain_prealloc(vm_bo);
	drm_gpuvm_bo_extobj_add(vm_bo);
	return vm_bo;
}

/**
 * vgpu_vf_vm_bo_put() - drop a reference
 * @vm_bo: what links a VM, whose reservation is held, and a buffer, of which the
 *	caller has a reference
 */
void vgpu_vf_vm_bo_put(struct drm_gpuvm_bo *vm_bo)
{
	guard(mutex)(gpuva_lock(vm_bo->obj));
	drm_gpuvm_bo_put(vm_bo);
}

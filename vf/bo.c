// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers: GEM objects in VRAM, their CPU mappings, and the ioctls about them.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>
#include <drm/drm_vma_manager.h>

#include <drm/vgpu_drm.h>

#include "bo.h"
#include "context.h"
#include "device.h"

#define GEM_FLAGS	(DRM_VGPU_GEM_READ | DRM_VGPU_GEM_WRITE | DRM_VGPU_GEM_EXECUTE)

/* Pages that one fault maps, aligned, where they exist. */
#define FAULT_PAGES	16

static void bo_free(struct drm_gem_object *obj)
{
	struct vgpu_vf_bo *bo = to_vgpu_vf_bo(obj);

	if (!list_empty(&bo->blocks))
		vgpu_vf_vram_free(to_vgpu_vf(obj->dev), &bo->blocks);
	if (bo->substitute)
		__free_page(bo->substitute);
	drm_gem_object_release(obj);
	kfree(bo);
}

static int bo_open(struct drm_gem_object *obj, struct drm_file *file)
{
	return vgpu_vf_context_map(file->driver_priv, to_vgpu_vf_bo(obj));
}

static void bo_close(struct drm_gem_object *obj, struct drm_file *file)
{
	vgpu_vf_context_unmap(file->driver_priv, to_vgpu_vf_bo(obj));
}

/*
 * A PFN mapping cannot be copied on write. And it must be found when the device
 * goes: only mappings of the device's own files are, not those of a dma-buf.
 */
static int bo_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	if (is_cow_mapping(vma->vm_flags) ||
	    vma->vm_file->f_mapping != obj->dev->anon_inode->i_mapping) {
		drm_dbg(obj->dev, "mmap: only MAP_SHARED of the render node is possible\n");
		return -EINVAL;
	}
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_page_prot = pgprot_writecombine(vm_get_page_prot(vma->vm_flags));
	vma->vm_page_prot = pgprot_decrypted(vma->vm_page_prot);
	return 0;
}

/* Sharing with other devices needs pages that these can reach: none yet. */
static struct dma_buf *bo_export(struct drm_gem_object *obj, int flags)
{
	drm_dbg(obj->dev, "buffers in VRAM cannot be exported\n");
	return ERR_PTR(-EOPNOTSUPP);
}

static phys_addr_t address_of_page(struct vgpu_vf_bo *bo, u64 page)
{
	struct vgpu_vf_vram *vram = &to_vgpu_vf(bo->base.dev)->vram;
	u64 offset = page << PAGE_SHIFT;
	struct gpu_buddy_block *block;
	u64 size;

	list_for_each_entry(block, &bo->blocks, link) {
		size = gpu_buddy_block_size(&vram->buddy, block);
		if (offset < size)
			return vram->start + gpu_buddy_block_offset(block) + offset;
		offset -= size;
	}
	return 0;
}

static vm_fault_t fault_vram(struct vm_fault *vmf, struct vgpu_vf_bo *bo)
{
	struct vm_area_struct *vma = vmf->vma;
	/* A mapping may have been split: only the offset says which page it is. */
	u64 mapped = vma->vm_pgoff - drm_vma_node_start(&bo->base.vma_node);
	u64 page = mapped + ((vmf->address - vma->vm_start) >> PAGE_SHIFT);
	u64 first = max_t(u64, mapped, round_down(page, FAULT_PAGES));
	u64 end = min3((u64)round_up(page + 1, FAULT_PAGES), mapped + vma_pages(vma),
		       (u64)bo->base.size >> PAGE_SHIFT);
	vm_fault_t ret = VM_FAULT_NOPAGE;

	if (page >= end)
		return VM_FAULT_SIGBUS;
	for (page = first; page < end && ret == VM_FAULT_NOPAGE; page++)
		ret = vmf_insert_pfn(vma, vma->vm_start + ((page - mapped) << PAGE_SHIFT),
				     PHYS_PFN(address_of_page(bo, page)));
	return ret;
}

/*
 * The device is gone, but a process cannot be expected to survive SIGBUS for
 * that: let it play with a page.
 */
static vm_fault_t fault_substitute(struct vm_fault *vmf, struct vgpu_vf_bo *bo)
{
	struct page *page = READ_ONCE(bo->substitute), *old;

	if (!page) {
		page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!page)
			return VM_FAULT_OOM;
		old = cmpxchg(&bo->substitute, NULL, page);
		if (old) {
			__free_page(page);
			page = old;
		}
	}
	return vmf_insert_pfn_prot(vmf->vma, vmf->address, page_to_pfn(page),
				   vm_get_page_prot(vmf->vma->vm_flags));
}

static vm_fault_t bo_fault(struct vm_fault *vmf)
{
	struct vgpu_vf_bo *bo = to_vgpu_vf_bo(vmf->vma->vm_private_data);
	vm_fault_t ret;
	int index;

	if (!drm_dev_enter(bo->base.dev, &index))
		return fault_substitute(vmf, bo);
	ret = fault_vram(vmf, bo);
	drm_dev_exit(index);
	return ret;
}

static const struct vm_operations_struct bo_vm_ops = {
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
	.fault = bo_fault,
};

static const struct drm_gem_object_funcs bo_funcs = {
	.free = bo_free,
	.open = bo_open,
	.close = bo_close,
	.export = bo_export,
	.mmap = bo_mmap,
	.vm_ops = &bo_vm_ops,
};

/*
 * Zeroes may be lost while the function is closed, so nothing is allocated then:
 * it might show what was there.
 */
static int bo_alloc_vram(struct vgpu_vf *vf, struct vgpu_vf_bo *bo)
{
	int index, ret;

	ret = vgpu_vf_vram_alloc(vf, bo->base.size, false, &bo->blocks);
	if (ret)
		return ret;
	ret = vgpu_vf_enter(vf, &index);
	if (ret)
		return ret;
	ret = READ_ONCE(vf->closed) ?: vgpu_vf_vram_clear(vf, &bo->blocks) ?:
	      READ_ONCE(vf->closed);
	vgpu_vf_leave(vf, index);
	return ret;
}

static struct vgpu_vf_bo *bo_create(struct vgpu_vf *vf, u64 size, u32 flags)
{
	struct vgpu_vf_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	int ret;

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->base.funcs = &bo_funcs;
	bo->flags = flags;
	INIT_LIST_HEAD(&bo->blocks);
	drm_gem_private_object_init(&vf->drm, &bo->base, size);
	ret = drm_gem_create_mmap_offset(&bo->base) ?: bo_alloc_vram(vf, bo);
	if (!ret)
		return bo;
	drm_gem_object_put(&bo->base);
	return ERR_PTR(ret);
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
	struct vgpu_vf_bo *bo;
	u64 size;
	int ret;

	if (!args->flags || args->flags & ~GEM_FLAGS) {
		drm_dbg(drm, "GEM_CREATE: flags %#x: not some of %#x\n", args->flags,
			GEM_FLAGS);
		return -EINVAL;
	}
	if (!args->size || args->size > vf->vram.size) {
		drm_dbg(drm, "GEM_CREATE: size %llu: not 1…%llu\n", args->size,
			vf->vram.size);
		return args->size ? -ENOSPC : -EINVAL;
	}

	/* The window is mapped in pages of the CPU. */
	size = round_up(args->size, max_t(u64, PAGE_SIZE, SZ_4K));
	bo = bo_create(vf, size, args->flags);
	if (IS_ERR(bo)) {
		drm_dbg(drm, "GEM_CREATE: size %llu: %pe\n", size, bo);
		return PTR_ERR(bo);
	}
	/* The address first: another thread may close the handle at once. */
	ret = vgpu_vf_context_map(file->driver_priv, bo);
	if (ret)
		goto put;
	args->size = bo->base.size;
	args->addr = vgpu_vf_context_address(file->driver_priv, bo);
	ret = drm_gem_handle_create(file, &bo->base, &args->handle);
	vgpu_vf_context_unmap(file->driver_priv, bo);
put:
	drm_gem_object_put(&bo->base);
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

	if (args->flags) {
		drm_dbg(drm, "GEM_INFO: flags %#x: not 0\n", args->flags);
		return -EINVAL;
	}
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj) {
		drm_dbg(drm, "GEM_INFO: no buffer has handle %u\n", args->handle);
		return -ENOENT;
	}
	args->flags = to_vgpu_vf_bo(obj)->flags;
	args->size = obj->size;
	args->addr = vgpu_vf_context_address(file->driver_priv, to_vgpu_vf_bo(obj));
	drm_gem_object_put(obj);
	return args->addr ? 0 : -ENOENT;
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

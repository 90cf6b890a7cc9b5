// SPDX-License-Identifier: GPL-2.0-only
/*
 * PRIME: buffers that other drivers have, and buffers of other drivers.
 *
 * Others get system memory: a buffer that one of them has imported is moved there,
 * and pinned as long as it is attached. Jobs find it there, too.
 *
 * What is imported is mapped for our device by the exporter. That must end when the
 * device goes, though the buffer lives on: so the attachment is not DRM's, which
 * keeps it until the buffer is freed, but ours, and vgpu_vf_prime_unplug() ends it. DRM
 * finds the dma-buf without it, too: it is obj->dma_buf.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem_ttm_helper.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_tt.h>

#include <drm/vgpu_drm.h>

#include "bo.h"
#include "device.h"
#include "driver.h"
#include "prime.h"

/* Without a ticket: who is in the way, and busy, is not waited for. */
static int move_to_system(struct vgpu_vf_bo *bo)
{
	static const struct ttm_place place = { .mem_type = TTM_PL_TT };
	struct ttm_placement placement = { .placement = &place, .num_placement = 1 };
	struct ttm_operation_ctx ctx = { .interruptible = true };
	int ret = vgpu_vf_bo_validate_at(bo, &placement, &ctx);

	if (ret)
		drm_dbg(bo->ttm.base.dev, "a buffer of %zu bytes for another driver: %pe\n",
			bo->ttm.base.size, ERR_PTR(ret));
	return ret;
}

/**
 * vgpu_vf_prime_pin() - somebody attaches to a dma-buf
 * @obj: the buffer, its reservation held
 *
 * Return: 0: it is in system memory and stays there; or an errno
 */
int vgpu_vf_prime_pin(struct drm_gem_object *obj)
{
	struct vgpu_vf_bo *bo = to_vgpu_vf_bo(obj);
	int ret;

	ret = bo->ttm.pin_count ? 0 : move_to_system(bo);
	if (!ret)
		ttm_bo_pin(&bo->ttm);
	return ret;
}

/**
 * vgpu_vf_prime_unpin() - undo vgpu_vf_prime_pin()
 * @obj: the buffer, its reservation held
 */
void vgpu_vf_prime_unpin(struct drm_gem_object *obj)
{
	struct vgpu_vf_bo *bo = to_vgpu_vf_bo(obj);

	ttm_bo_unpin(&bo->ttm);
	/* It goes where it belongs with the next job. */
	if (!bo->ttm.pin_count && bo->flags & DRM_VGPU_GEM_VRAM)
		vgpu_vf_bo_moved(bo);
}

/*
 * drm_gem_map_dma_buf() makes segments as long as our own device can take them, however
 * little that may be to who attaches: hence this.
 */
static struct sg_table *map_dma_buf(struct dma_buf_attachment *attachment,
				    enum dma_data_direction dir)
{
	struct drm_gem_object *obj = attachment->dmabuf->priv;
	struct ttm_tt *tt = to_vgpu_vf_bo(obj)->ttm.ttm;
	size_t segment = min_t(size_t, dma_get_max_seg_size(attachment->dev),
			       dma_max_mapping_size(attachment->dev));
	struct sg_table *sgt;
	int ret;

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table_from_pages_segment(sgt, tt->pages, tt->num_pages, 0, obj->size,
						max(segment & PAGE_MASK, PAGE_SIZE),
						GFP_KERNEL);
	if (ret)
		goto free_sgt;
	/* Undone by drm_gem_unmap_dma_buf(). */
	ret = dma_map_sgtable(attachment->dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (ret)
		goto free_pages;
	return sgt;

free_pages:
	sg_free_table(sgt);
free_sgt:
	kfree(sgt);
	return ERR_PTR(ret);
}

/**
 * vgpu_vf_prime_vmap() - let the kernel access a buffer
 * @obj: the buffer, its reservation held
 * @map: out
 *
 * Return: 0 or an errno
 */
int vgpu_vf_prime_vmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	int ret;

	ret = vgpu_vf_prime_pin(obj);
	if (ret)
		return ret;
	ret = drm_gem_ttm_vmap(obj, map);
	if (ret)
		vgpu_vf_prime_unpin(obj);
	return ret;
}

/**
 * vgpu_vf_prime_vunmap() - undo vgpu_vf_prime_vmap()
 * @obj: the buffer, its reservation held
 * @map: from there
 */
void vgpu_vf_prime_vunmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	drm_gem_ttm_vunmap(obj, map);
	vgpu_vf_prime_unpin(obj);
}

static const struct dma_buf_ops dmabuf_ops = {
	.cache_sgt_mapping = true,
	.attach = drm_gem_map_attach,
	.detach = drm_gem_map_detach,
	.map_dma_buf = map_dma_buf,
	.unmap_dma_buf = drm_gem_unmap_dma_buf,
	.release = drm_gem_dmabuf_release,
	.mmap = drm_gem_dmabuf_mmap,
	.vmap = drm_gem_dmabuf_vmap,
	.vunmap = drm_gem_dmabuf_vunmap,
};

/**
 * vgpu_vf_prime_export() - make a dma-buf
 * @obj: the buffer
 * @flags: O_CLOEXEC, O_RDWR
 *
 * Return: dma-buf; or an errno as ERR_PTR: -EPERM if the buffer is private to a VM
 */
struct dma_buf *vgpu_vf_prime_export(struct drm_gem_object *obj, int flags)
{
	struct dma_buf *dmabuf;

	if (to_vgpu_vf_bo(obj)->vm) {
		drm_dbg(obj->dev, "a buffer that is private to a VM cannot be exported\n");
		return ERR_PTR(-EPERM);
	}
	dmabuf = drm_gem_prime_export(obj, flags);
	if (!IS_ERR(dmabuf))
		dmabuf->ops = &dmabuf_ops;
	return dmabuf;
}

/**
 * vgpu_vf_prime_mmap() - let the exporter map what it has exported
 * @bo: the buffer, imported
 * @vma: where
 *
 * Return: 0 or an errno
 */
int vgpu_vf_prime_mmap(struct vgpu_vf_bo *bo, struct vm_area_struct *vma)
{
	int ret;

	vma->vm_private_data = NULL;
	vma->vm_ops = NULL;
	ret = dma_buf_mmap(bo->import->dmabuf, vma, 0);
	if (!ret)
		drm_gem_object_put(&bo->ttm.base);
	return ret;
}

/* It is attached, and in the list, and of those who take it one alone detaches it. */
static struct dma_buf_attachment *take_attachment(struct vgpu_vf_memory *memory,
						  struct vgpu_vf_import *import)
{
	struct dma_buf_attachment *attachment;

	guard(mutex)(&memory->lock);
	attachment = import->attachment;
	import->attachment = NULL;
	return attachment;
}

static void detach(struct dma_buf_attachment *attachment, struct sg_table *sgt)
{
	dma_buf_unmap_attachment_unlocked(attachment, sgt, DMA_BIDIRECTIONAL);
	dma_buf_detach(attachment->dmabuf, attachment);
}

static void release(struct work_struct *work)
{
	struct vgpu_vf_import *import = container_of(work, struct vgpu_vf_import, release);
	struct vgpu_vf_memory *memory = &import->vf->memory;
	struct dma_buf_attachment *attachment = take_attachment(memory, import);

	if (attachment)
		detach(attachment, import->sgt);
	mutex_lock(&memory->lock);
	list_del_init(&import->link);
	mutex_unlock(&memory->lock);
	wake_up_all(&memory->detached);
	if (import->bo)
		vgpu_vf_bo_finish(import->bo);
	dma_buf_put(import->dmabuf);
	drm_dev_put(&import->vf->drm);
	kfree(import);
}

/**
 * vgpu_vf_prime_release() - nobody uses what was imported any more
 * @import: with its buffer, which is freed by vgpu_vf_bo_finish(); or without one
 *
 * Detaching takes the dma-buf's reservation, so that, or others that are held here,
 * would be in the way.
 */
void vgpu_vf_prime_release(struct vgpu_vf_import *import)
{
	queue_work(vgpu_vf_workqueue, &import->release);
}

static bool is_importable(struct sg_table *sgt, u64 size)
{
	struct scatterlist *entry;
	unsigned int i;
	u64 bytes = 0;

	for_each_sgtable_dma_sg(sgt, entry, i) {
		if (!IS_ALIGNED(sg_dma_address(entry) | sg_dma_len(entry), PAGE_SIZE))
			return false;
		bytes += sg_dma_len(entry);
	}
	return PAGE_ALIGNED(size) && bytes >= size;
}

/* From here on vgpu_vf_prime_unplug() waits until it is attached, or released. */
static int begin(struct vgpu_vf *vf, struct vgpu_vf_import *import)
{
	guard(mutex)(&vf->memory.lock);
	if (drm_dev_is_unplugged(&vf->drm))
		return -ENODEV;
	list_add_tail(&import->link, &vf->memory.imports);
	return 0;
}

/*
 * From here on vgpu_vf_prime_unplug() detaches it. Whoever uses the dma-buf may have to
 * be waited for, so not within drm_dev_enter(): see vgpu_vf_bo_validate_at().
 */
static int attach(struct vgpu_vf *vf, struct vgpu_vf_import *import)
{
	struct dma_buf_attachment *attachment;

	attachment = dma_buf_attach(import->dmabuf, &vf->pdev->dev);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	import->sgt = dma_buf_map_attachment_unlocked(attachment, DMA_BIDIRECTIONAL);
	if (IS_ERR(import->sgt)) {
		dma_buf_detach(import->dmabuf, attachment);
		return PTR_ERR(import->sgt);
	}
	if (!is_importable(import->sgt, import->dmabuf->size)) {
		detach(attachment, import->sgt);
		return -EINVAL;
	}
	guard(mutex)(&vf->memory.lock);
	import->attachment = attachment;
	return 0;
}

/*
 * The buffer has the dma-buf's reservation. TTM takes that when the buffer goes, which
 * is later, also if the import fails and nobody else has the dma-buf then: so there is
 * a reference.
 */
static struct vgpu_vf_import *import_create(struct vgpu_vf *vf, struct dma_buf *dmabuf)
{
	struct vgpu_vf_import *import = kzalloc(sizeof(*import), GFP_KERNEL);

	if (!import)
		return NULL;
	get_dma_buf(dmabuf);
	drm_dev_get(&vf->drm);
	import->vf = vf;
	import->dmabuf = dmabuf;
	INIT_LIST_HEAD(&import->link);
	INIT_WORK(&import->release, release);
	return import;
}

/* If the driver goes once it is attached, there will be no buffer. */
static struct vgpu_vf_bo *import_foreign(struct vgpu_vf *vf, struct dma_buf *dmabuf)
{
	struct vgpu_vf_import *import = import_create(vf, dmabuf);
	int ret;

	if (!import)
		return ERR_PTR(-ENOMEM);
	ret = begin(vf, import) ?: attach(vf, import);
	if (!ret)
		return vgpu_vf_bo_create_import(vf, dmabuf->size, dmabuf->resv, import);
	vgpu_vf_prime_release(import);
	return ERR_PTR(ret);
}

/* What this device has exported; or NULL. */
static struct drm_gem_object *find_own(struct drm_device *drm, struct dma_buf *dmabuf)
{
	struct drm_gem_object *obj = dmabuf->priv;

	if (dmabuf->ops != &dmabuf_ops || obj->dev != drm)
		return NULL;
	drm_gem_object_get(obj);
	return obj;
}

/**
 * vgpu_vf_prime_import() - find or make the buffer of a dma-buf
 * @drm: the device
 * @dmabuf: of this device, or of another one
 *
 * Return: GEM object, or an errno as ERR_PTR
 */
struct drm_gem_object *vgpu_vf_prime_import(struct drm_device *drm, struct dma_buf *dmabuf)
{
	struct drm_gem_object *obj = find_own(drm, dmabuf);
	struct vgpu_vf_bo *bo;

	if (obj)
		return obj;
	bo = import_foreign(to_vgpu_vf(drm), dmabuf);
	if (!IS_ERR(bo))
		return &bo->ttm.base;
	drm_dbg(drm, "import of a dma-buf of %zu bytes: %pe\n", dmabuf->size, bo);
	return ERR_CAST(bo);
}

/* One that is still attached; with a reference, as its buffer may go at any time. */
static struct dma_buf_attachment *take_any(struct vgpu_vf_memory *memory,
					   struct sg_table **sgt)
{
	struct dma_buf_attachment *attachment;
	struct vgpu_vf_import *import;

	guard(mutex)(&memory->lock);
	list_for_each_entry(import, &memory->imports, link) {
		attachment = import->attachment;
		if (!attachment)
			continue;
		import->attachment = NULL;
		list_del_init(&import->link);
		get_dma_buf(attachment->dmabuf);
		*sgt = import->sgt;
		return attachment;
	}
	return NULL;
}

static bool is_detached(struct vgpu_vf_memory *memory)
{
	guard(mutex)(&memory->lock);
	return list_empty(&memory->imports);
}

/**
 * vgpu_vf_prime_unplug() - detach the device from all that has been imported
 * @vf: the function, after drm_dev_unplug(), stopped
 */
void vgpu_vf_prime_unplug(struct vgpu_vf *vf)
{
	struct vgpu_vf_memory *memory = &vf->memory;
	struct dma_buf_attachment *attachment;
	struct dma_buf *dmabuf;
	struct sg_table *sgt;

	while ((attachment = take_any(memory, &sgt))) {
		dmabuf = attachment->dmabuf;
		detach(attachment, sgt);
		dma_buf_put(dmabuf);
	}
	/* Others are being attached, for nothing, or detached because their buffers go. */
	wait_event(memory->detached, is_detached(memory));
}

/* As a string: the argument of MODULE_IMPORT_NS() has become one in Linux 6.13. */
MODULE_INFO(import_ns, "DMA_BUF");

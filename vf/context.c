// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts: what separates files from each other and from the driver.
 *
 * A buffer has an address in each file that has a handle of it. When the last
 * handle is closed, jobs that were submitted before may still use the buffer:
 * the mapping stays, without a handle, until their fences have been signalled.
 *
 *   handle_create --> mapped --- last handle closed ---> leaving --- jobs ended ---+
 *                        |                                                        v
 *                        +----------- last handle closed, no jobs ----------> taken away
 */
#include <linux/io.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "bo.h"
#include "context.h"
#include "device.h"
#include "driver.h"
#include "pagetable.h"

/*
 * Addresses that the kernel gives out. Nothing is below 4 GiB, where null
 * pointers and truncated addresses point. Buffers that can have big pages live
 * apart, or tables of small pages would be in their way. The upper half of the
 * space is left for addresses that processes choose.
 */
#define VA_SMALL_START	SZ_4G
#define VA_SMALL_END	BIT_ULL(VGPU_VA_BITS - 2)
#define VA_BIG_START	VA_SMALL_END
#define VA_BIG_END	BIT_ULL(VGPU_VA_BITS - 1)

/* More would only make the table larger. */
#define CONTEXTS_MAX	4096

static u32 __iomem *descriptor(struct vgpu_vf *vf, u32 id)
{
	return vf->vram.window + vgpu_vf_vram_offset(&vf->contexts.blocks) +
	       id * sizeof(struct vgpu_context_desc);
}

static void write_descriptor(struct vgpu_vf_context *context, bool valid)
{
	struct vgpu_context_desc desc = {};

	if (valid) {
		desc.flags = cpu_to_le32(VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED);
		desc.root = cpu_to_le64(context->root->offset);
	}
	memcpy_toio(descriptor(context->vf, context->id), &desc, sizeof(desc));
}

/* Once this returns, the engine uses what is in VRAM now, and nothing older. */
static void invalidate(struct vgpu_vf *vf, u32 which)
{
	/* VRAM is written write-combined. */
	wmb();
	writel(which, vf->regs + VGPU_REG_INVALIDATE);
	readl(vf->regs + VGPU_REG_ID);
}

static void contexts_fini(struct drm_device *drm, void *data)
{
	struct vgpu_vf *vf = to_vgpu_vf(drm);

	ida_destroy(&vf->contexts.ids);
	vgpu_vf_vram_free(vf, &vf->contexts.blocks);
}

/**
 * vgpu_vf_contexts_init() - allocate the context table
 * @vf: the function, with VRAM
 *
 * Return: 0 or an errno
 */
int vgpu_vf_contexts_init(struct vgpu_vf *vf)
{
	struct vgpu_vf_contexts *contexts = &vf->contexts;
	u32 limit = VGPU_FIELD_GET(VGPU_LIMITS_CONTEXTS, readl(vf->regs + VGPU_REG_LIMITS));
	u64 bytes;
	int ret;

	if (!(readl(vf->regs + VGPU_REG_CAPS) & VGPU_CAPS_MMU) || limit < 2) {
		drm_err(&vf->drm, "the device cannot separate processes: no MMU\n");
		return -EOPNOTSUPP;
	}
	ret = drmm_mutex_init(&vf->drm, &contexts->lock);
	if (ret)
		return ret;

	contexts->count = min(limit, CONTEXTS_MAX);
	bytes = contexts->count * sizeof(struct vgpu_context_desc);
	INIT_LIST_HEAD(&contexts->blocks);
	INIT_LIST_HEAD(&contexts->list);
	ida_init(&contexts->ids);
	ret = vgpu_vf_vram_alloc(vf, roundup_pow_of_two(max_t(u64, bytes, SZ_4K)), true,
				 &contexts->blocks);
	if (ret)
		return ret;
	return drmm_add_action_or_reset(&vf->drm, contexts_fini, NULL);
}

/**
 * vgpu_vf_contexts_restore() - write all tables again, and hand them to the engine
 * @vf: the function; vf->access is held for writing, or nobody else knows it yet
 */
void vgpu_vf_contexts_restore(struct vgpu_vf *vf)
{
	struct vgpu_vf_contexts *contexts = &vf->contexts;
	struct vgpu_vf_context *context;
	u64 table = vgpu_vf_vram_offset(&contexts->blocks);

	guard(mutex)(&contexts->lock);
	memset_io(vf->vram.window + table, 0,
		  contexts->count * sizeof(struct vgpu_context_desc));
	list_for_each_entry(context, &contexts->list, link) {
		guard(mutex)(&context->lock);
		vgpu_vf_tables_touch(context);
		vgpu_vf_tables_write(context);
		write_descriptor(context, true);
	}
	writeq(table, vf->regs + VGPU_REG_CTX_TABLE);
	writel(contexts->count, vf->regs + VGPU_REG_CTX_COUNT);
	invalidate(vf, VGPU_INVALIDATE_ALL);
}

/**
 * vgpu_vf_contexts_revoke() - let the engine reach nothing any more
 * @vf: the function
 */
void vgpu_vf_contexts_revoke(struct vgpu_vf *vf)
{
	writel(0, vf->regs + VGPU_REG_CTX_COUNT);
	invalidate(vf, VGPU_INVALIDATE_ALL);
}

static bool is_used(struct vgpu_vf_mapping *mapping)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mapping->users); i++)
		if (mapping->users[i] && !dma_fence_is_signaled(mapping->users[i]))
			return true;
	return false;
}

static void free_mapping(struct vgpu_vf_mapping *mapping)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mapping->users); i++)
		dma_fence_put(mapping->users[i]);
	drm_mm_remove_node(&mapping->node);
	drm_gem_object_put(&mapping->bo->base);
	kfree(mapping);
}

/* @entered: else the device is gone, and there is no engine to tell. */
static void take_away(struct vgpu_vf_context *context, struct vgpu_vf_mapping *mapping,
		      bool entered)
{
	lockdep_assert_held(&context->lock);
	vgpu_vf_tables_unmap(context, mapping->node.start, mapping->bo->base.size);
	if (entered) {
		vgpu_vf_tables_write(context);
		invalidate(context->vf, context->id);
	}
	free_mapping(mapping);
}

static void take_away_unused(struct vgpu_vf_context *context)
{
	struct vgpu_vf_mapping *mapping, *next;
	bool entered;
	int index;

	entered = !vgpu_vf_enter(context->vf, &index);
	mutex_lock(&context->lock);
	list_for_each_entry_safe(mapping, next, &context->leaving, link) {
		if (is_used(mapping))
			continue;
		list_del(&mapping->link);
		take_away(context, mapping, entered);
	}
	mutex_unlock(&context->lock);
	if (entered)
		vgpu_vf_leave(context->vf, index);
}

static void reap(struct work_struct *work)
{
	struct vgpu_vf_context *context = container_of(work, struct vgpu_vf_context, reap);

	take_away_unused(context);
	vgpu_vf_context_put(context);
}

/* Never the last reference: the caller has one. */
static void queue_reap(struct vgpu_vf_context *context)
{
	vgpu_vf_context_get(context);
	if (!queue_work(vgpu_vf_workqueue, &context->reap))
		vgpu_vf_context_put(context);
}

/**
 * vgpu_vf_context_job_ended() - a fence of the context has been signalled
 * @context: the context
 */
void vgpu_vf_context_job_ended(struct vgpu_vf_context *context)
{
	if (!list_empty_careful(&context->leaving))
		queue_reap(context);
}

static int place(struct vgpu_vf_context *context, struct drm_mm_node *node, u64 size)
{
	/* A page that is never mapped separates buffers. */
	if (size < SZ_2M)
		return drm_mm_insert_node_in_range(&context->addresses, node,
						   size + SZ_4K, SZ_4K, 0,
						   VA_SMALL_START, VA_SMALL_END,
						   DRM_MM_INSERT_LOW);
	return drm_mm_insert_node_in_range(&context->addresses, node,
					   round_up(size + SZ_4K, SZ_2M), SZ_2M, 0,
					   VA_BIG_START, VA_BIG_END, DRM_MM_INSERT_LOW);
}

static int add_mapping(struct vgpu_vf_context *context, struct vgpu_vf_bo *bo)
{
	struct vgpu_vf_mapping *mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	int ret;

	if (!mapping)
		return -ENOMEM;
	ret = place(context, &mapping->node, bo->base.size);
	if (ret)
		goto free;
	ret = vgpu_vf_tables_map(context, mapping->node.start, bo);
	vgpu_vf_tables_write(context);
	if (ret)
		goto remove;
	ret = xa_err(xa_store(&context->mappings, drm_vma_node_start(&bo->base.vma_node),
			      mapping, GFP_KERNEL));
	if (ret)
		goto unmap;
	mapping->bo = bo;
	mapping->handles = 1;
	drm_gem_object_get(&bo->base);
	invalidate(context->vf, context->id);
	return 0;

unmap:
	vgpu_vf_tables_unmap(context, mapping->node.start, bo->base.size);
	vgpu_vf_tables_write(context);
	invalidate(context->vf, context->id);
remove:
	drm_mm_remove_node(&mapping->node);
free:
	kfree(mapping);
	return ret;
}

/**
 * vgpu_vf_context_map() - the file has got one more handle of a buffer
 * @context: of the file
 * @bo: the buffer
 *
 * Return: 0 or an errno
 */
int vgpu_vf_context_map(struct vgpu_vf_context *context, struct vgpu_vf_bo *bo)
{
	struct vgpu_vf_mapping *mapping;
	int index, ret;

	ret = vgpu_vf_enter(context->vf, &index);
	if (ret)
		return ret;
	mutex_lock(&context->lock);
	mapping = xa_load(&context->mappings, drm_vma_node_start(&bo->base.vma_node));
	if (mapping)
		mapping->handles++;
	else
		ret = add_mapping(context, bo);
	mutex_unlock(&context->lock);
	vgpu_vf_leave(context->vf, index);
	return ret;
}

static void note_users(struct vgpu_vf_context *context, struct vgpu_vf_mapping *mapping)
{
	unsigned int i;

	guard(mutex)(&context->submit_lock);
	for (i = 0; i < ARRAY_SIZE(mapping->users); i++)
		mapping->users[i] = dma_fence_get(context->last[i]);
}

/**
 * vgpu_vf_context_unmap() - the file has lost a handle of a buffer
 * @context: of the file
 * @bo: the buffer
 */
void vgpu_vf_context_unmap(struct vgpu_vf_context *context, struct vgpu_vf_bo *bo)
{
	unsigned long key = drm_vma_node_start(&bo->base.vma_node);
	struct vgpu_vf_mapping *mapping;

	scoped_guard(mutex, &context->lock) {
		mapping = xa_load(&context->mappings, key);
		if (--mapping->handles)
			return;
		xa_erase(&context->mappings, key);
		note_users(context, mapping);
		list_add_tail(&mapping->link, &context->leaving);
	}
	take_away_unused(context);
	/* Its last job may have ended before it was in the list. */
	vgpu_vf_context_job_ended(context);
}

/**
 * vgpu_vf_context_address() - where a buffer is
 * @context: of a file that has a handle of the buffer
 * @bo: the buffer
 *
 * Return: GPU address, or 0 if the handle has been closed meanwhile
 */
u64 vgpu_vf_context_address(struct vgpu_vf_context *context, struct vgpu_vf_bo *bo)
{
	struct vgpu_vf_mapping *mapping;

	guard(mutex)(&context->lock);
	mapping = xa_load(&context->mappings, drm_vma_node_start(&bo->base.vma_node));
	return mapping ? mapping->node.start : 0;
}

/* The handles are closed and the jobs have ended: nothing is used any more. */
static void release(struct work_struct *work)
{
	struct vgpu_vf_context *context =
		container_of(work, struct vgpu_vf_context, release);
	struct vgpu_vf *vf = context->vf;
	unsigned int i;
	int index;

	take_away_unused(context);
	if (!vgpu_vf_enter(vf, &index)) {
		mutex_lock(&vf->contexts.lock);
		list_del(&context->link);
		write_descriptor(context, false);
		invalidate(vf, context->id);
		mutex_unlock(&vf->contexts.lock);
		vgpu_vf_leave(vf, index);
	} else {
		guard(mutex)(&vf->contexts.lock);
		list_del(&context->link);
	}
	vgpu_vf_tables_free(context);
	ida_free(&vf->contexts.ids, context->id);
	for (i = 0; i < vf->ring_count; i++)
		dma_fence_put(context->last[i]);
	xa_destroy(&context->mappings);
	drm_mm_takedown(&context->addresses);
	mutex_destroy(&context->submit_lock);
	mutex_destroy(&context->lock);
	kfree(context);
	drm_dev_put(&vf->drm);
}

static void queue_release(struct kref *refs)
{
	struct vgpu_vf_context *context = container_of(refs, struct vgpu_vf_context, refs);

	queue_work(vgpu_vf_workqueue, &context->release);
}

/**
 * vgpu_vf_context_get() - take one more reference
 * @context: the context
 *
 * Return: @context
 */
struct vgpu_vf_context *vgpu_vf_context_get(struct vgpu_vf_context *context)
{
	kref_get(&context->refs);
	return context;
}

/**
 * vgpu_vf_context_put() - drop a reference, anywhere
 * @context: the context
 */
void vgpu_vf_context_put(struct vgpu_vf_context *context)
{
	kref_put(&context->refs, queue_release);
}

static struct vgpu_vf_context *context_alloc(struct vgpu_vf *vf)
{
	struct vgpu_vf_context *context = kzalloc(sizeof(*context), GFP_KERNEL);

	if (!context)
		return NULL;
	kref_init(&context->refs);
	mutex_init(&context->lock);
	mutex_init(&context->submit_lock);
	INIT_LIST_HEAD(&context->leaving);
	INIT_LIST_HEAD(&context->tables);
	INIT_LIST_HEAD(&context->dirty);
	INIT_WORK(&context->reap, reap);
	INIT_WORK(&context->release, release);
	xa_init(&context->mappings);
	drm_mm_init(&context->addresses, VA_SMALL_START, VA_BIG_END - VA_SMALL_START);
	context->vf = vf;
	return context;
}

/* Gives the context a number and an empty address space. */
static int context_publish(struct vgpu_vf_context *context)
{
	struct vgpu_vf *vf = context->vf;
	int id;

	id = ida_alloc_range(&vf->contexts.ids, 1, vf->contexts.count - 1, GFP_KERNEL);
	if (id < 0) {
		drm_dbg(&vf->drm, "all %u contexts are in use\n", vf->contexts.count - 1);
		return id;
	}
	context->id = id;
	context->root = vgpu_vf_table_create(context, VGPU_PT_LEVELS - 1);
	if (IS_ERR(context->root)) {
		ida_free(&vf->contexts.ids, id);
		return PTR_ERR(context->root);
	}

	guard(mutex)(&vf->contexts.lock);
	list_add_tail(&context->link, &vf->contexts.list);
	write_descriptor(context, true);
	invalidate(vf, context->id);
	return 0;
}

static int entities_init(struct vgpu_vf_context *context)
{
	struct vgpu_vf *vf = context->vf;
	struct drm_gpu_scheduler *sched;
	unsigned int i;
	int ret;

	for (i = 0; i < vf->ring_count; i++) {
		sched = &vf->rings[i].sched;
		ret = drm_sched_entity_init(&context->entities[i], DRM_SCHED_PRIORITY_NORMAL,
					    &sched, 1, NULL);
		if (ret)
			goto destroy;
	}
	return 0;

destroy:
	while (i--)
		drm_sched_entity_destroy(&context->entities[i]);
	return ret;
}

static void entities_fini(struct vgpu_vf_context *context)
{
	unsigned int i;

	for (i = 0; i < context->vf->ring_count; i++)
		drm_sched_entity_destroy(&context->entities[i]);
}

/**
 * vgpu_vf_context_create() - for a file that is being opened
 * @vf: the function
 *
 * Return: the context, or an errno as pointer: -ENOSPC if there are no more
 */
struct vgpu_vf_context *vgpu_vf_context_create(struct vgpu_vf *vf)
{
	struct vgpu_vf_context *context;
	int index, ret;

	context = context_alloc(vf);
	if (!context)
		return ERR_PTR(-ENOMEM);
	ret = entities_init(context);
	if (ret)
		goto free;
	ret = vgpu_vf_enter(vf, &index);
	if (ret)
		goto entities;
	ret = context_publish(context);
	vgpu_vf_leave(vf, index);
	if (ret)
		goto entities;
	drm_dev_get(&vf->drm);
	return context;

entities:
	entities_fini(context);
free:
	drm_mm_takedown(&context->addresses);
	kfree(context);
	return ERR_PTR(ret);
}

/**
 * vgpu_vf_context_close() - the file is closed, and so are its handles
 * @context: of the file
 *
 * Jobs that are in a ring run to their end. Jobs that are not yet have a second
 * to get there, or none if the process was killed.
 */
void vgpu_vf_context_close(struct vgpu_vf_context *context)
{
	entities_fini(context);
	vgpu_vf_context_put(context);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory: where buffers are, and how they get elsewhere.
 *
 *                 pressure, suspend                       pressure
 *      +------+ ------------------> +-----------------+ <------------ +-----------+
 *      | VRAM |                     |     SYSTEM      |               |    TT     |
 *      |      | <------------------ | for CPUs only,  | ------------> | GPU, CPUs |
 *      +------+      next use       | can be swapped  |   next use    +-----------+
 *                                   +-----------------+
 *
 * This is TTM: it has just what is needed. It knows which buffers have not been used
 * for longest, waits for the fences of those that it moves, locks several buffers
 * without deadlocks, takes away mappings of the CPU and puts them where the buffer
 * is now, and swaps to shmem under pressure. GEM's shmem helpers know one place
 * only, and all of that would have to be written here again.
 *
 * Jobs of several processes may want more VRAM than there is: a buffer that no job
 * uses goes to system memory, and comes back when a job is submitted in an address
 * space that maps it. System memory of all buffers is limited, swapped or not, so that
 * no process can drive the system out of memory: when there is none left, buffers stay
 * in VRAM and keep others out. So the sum of all buffers is limited, too.
 *
 * A process that ends, or is killed, leaves memory behind that jobs still use. That is
 * a departure: it is over when they have ended, however long it takes. Who needs memory
 * waits for it without holding anything, and in a way that signals end, if there is
 * nothing else to be had.
 *
 * System memory is mapped for DMA while it is TT, never else, in one piece where an
 * IOMMU allows.
 */
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_placement.h>
#include <drm/ttm/ttm_tt.h>

#include <drm/vgpu_drm.h>
#include <vgpu/mmu.h>

#include "bo.h"
#include "device.h"
#include "memory.h"
#include "prime.h"

/* It may be worth waiting that long for memory on its way, rather than to move others. */
#define SETTLE_TIMEOUT	msecs_to_jiffies(100)

/*
 * A page fault, or a bind that ends, holds a reservation for a moment, also while somebody
 * places buffers alone. TTM waits for one of them at a time, and gives up if that is in
 * vain, or if it would have to give back what it holds.
 */
#define MORE_ATTEMPTS	2

/**
 * struct vgpu_vf_tt - system memory of a buffer
 * @base: for TTM
 * @bo: the buffer
 * @counted: in memory.used
 * @sg: @base's pages, mapped for DMA; or not allocated
 * @extents: what the GPU finds where, while the buffer is TT
 * @link: in memory.mapped
 */
struct vgpu_vf_tt {
	struct ttm_tt base;
	struct vgpu_vf_bo *bo;
	bool counted;
	struct sg_table sg;
	struct vgpu_vf_extents extents;
	struct list_head link;
};

static struct vgpu_vf_tt *to_vgpu_vf_tt(struct ttm_tt *base)
{
	return container_of(base, struct vgpu_vf_tt, base);
}

static struct vgpu_vf *ttm_to_vf(struct ttm_device *ttm)
{
	return container_of(ttm, struct vgpu_vf, ttm);
}

static bool is_in_vram(const struct ttm_buffer_object *bo)
{
	return bo->resource && bo->resource->mem_type == TTM_PL_VRAM;
}

/* Imported: the pages are not ours, nor is their mapping. */
static bool is_foreign(const struct ttm_tt *base)
{
	return base->page_flags & TTM_TT_FLAG_EXTERNAL;
}

static struct ttm_tt *tt_create(struct ttm_buffer_object *bo, u32 flags)
{
	struct vgpu_vf_tt *tt = kzalloc(sizeof(*tt), GFP_KERNEL);
	int ret;

	if (!tt)
		return NULL;
	tt->bo = ttm_to_vgpu_vf_bo(bo);
	INIT_LIST_HEAD(&tt->link);
	if (bo->type == ttm_bo_type_sg)
		ret = ttm_sg_tt_init(&tt->base, bo, flags, ttm_cached);
	else
		ret = ttm_tt_init(&tt->base, bo, flags, ttm_cached, 0);
	if (!ret)
		return &tt->base;
	kfree(tt);
	return NULL;
}

static u64 bytes_of(const struct ttm_tt *base)
{
	return (u64)base->num_pages << PAGE_SHIFT;
}

static bool is_room(struct vgpu_vf_memory *memory, u64 bytes)
{
	return atomic64_read(&memory->used) + bytes <= memory->size || memory->saving;
}

/* Swapped memory counts as well: there may be nowhere to swap to. */
static int count(struct vgpu_vf_memory *memory, struct vgpu_vf_tt *tt)
{
	u64 bytes = bytes_of(&tt->base);

	if (tt->counted)
		return 0;
	/* Two at once may both fail though one of them would fit. */
	atomic64_add(bytes, &memory->used);
	if (!is_room(memory, 0)) {
		atomic64_sub(bytes, &memory->used);
		return -ENOMEM;
	}
	tt->counted = true;
	return 0;
}

static void discount(struct vgpu_vf_memory *memory, struct vgpu_vf_tt *tt)
{
	if (tt->counted)
		atomic64_sub(bytes_of(&tt->base), &memory->used);
	tt->counted = false;
}

/* An errno is better than the OOM killer. */
static int take_pages(struct vgpu_vf *vf, struct vgpu_vf_tt *tt,
		      const struct ttm_operation_ctx *ctx)
{
	struct ttm_operation_ctx own = *ctx;
	int ret;

	own.gfp_retry_mayfail = true;
	ret = count(&vf->memory, tt);
	if (ret)
		return ret;
	ret = ttm_pool_alloc(&vf->ttm.pool, &tt->base, &own);
	if (ret && !(tt->base.page_flags & TTM_TT_FLAG_SWAPPED))
		discount(&vf->memory, tt);
	return ret;
}

static int tt_populate(struct ttm_device *ttm, struct ttm_tt *base,
		       struct ttm_operation_ctx *ctx)
{
	struct vgpu_vf_tt *tt = to_vgpu_vf_tt(base);
	int ret;

	ret = is_foreign(base) ? 0 : take_pages(ttm_to_vf(ttm), tt, ctx);
	if (!ret && !is_in_vram(&tt->bo->ttm))
		WRITE_ONCE(tt->bo->where, DRM_VGPU_GEM_SYSTEM);
	return ret;
}

static void unmap_pages(struct vgpu_vf *vf, struct vgpu_vf_tt *tt)
{
	lockdep_assert_held(&vf->memory.lock);
	if (list_empty(&tt->link))
		return;
	list_del_init(&tt->link);
	dma_unmap_sgtable(&vf->pdev->dev, &tt->sg, DMA_BIDIRECTIONAL, 0);
}

static void tt_unmap(struct vgpu_vf *vf, struct vgpu_vf_tt *tt)
{
	vgpu_vf_extents_fini(&tt->extents);
	if (is_foreign(&tt->base))
		return;
	mutex_lock(&vf->memory.lock);
	unmap_pages(vf, tt);
	mutex_unlock(&vf->memory.lock);
	sg_free_table(&tt->sg);
}

static int find_extents(struct vgpu_vf_tt *tt, struct sg_table *sg)
{
	struct scatterlist *entry;
	unsigned int i;
	int ret;

	ret = vgpu_vf_extents_init(&tt->extents, sg->nents);
	if (ret)
		return ret;
	for_each_sgtable_dma_sg(sg, entry, i)
		vgpu_vf_extents_add(&tt->extents, VGPU_ADDR_SYSTEM | sg_dma_address(entry),
				    sg_dma_len(entry));
	return 0;
}

/* vgpu_vf_memory_unplug() waits for who is in here, and unmaps what they have mapped. */
static int map_pages(struct vgpu_vf *vf, struct vgpu_vf_tt *tt)
{
	int index, ret;

	if (!drm_dev_enter(&vf->drm, &index))
		return -ENODEV;
	mutex_lock(&vf->memory.lock);
	ret = dma_map_sgtable(&vf->pdev->dev, &tt->sg, DMA_BIDIRECTIONAL, 0);
	if (!ret)
		list_add_tail(&tt->link, &vf->memory.mapped);
	mutex_unlock(&vf->memory.lock);
	drm_dev_exit(index);
	return ret;
}

/* vgpu_vf_prime_unplug() lets the exporter take @base.sg back. */
static int find_foreign_extents(struct vgpu_vf *vf, struct vgpu_vf_tt *tt)
{
	int index, ret;

	if (!drm_dev_enter(&vf->drm, &index))
		return -ENODEV;
	ret = find_extents(tt, tt->base.sg);
	drm_dev_exit(index);
	return ret;
}

static int tt_map(struct vgpu_vf *vf, struct vgpu_vf_tt *tt)
{
	unsigned int segment = dma_get_max_seg_size(&vf->pdev->dev) & PAGE_MASK;
	struct ttm_tt *base = &tt->base;
	int ret;

	if (is_foreign(base))
		return find_foreign_extents(vf, tt);
	ret = sg_alloc_table_from_pages_segment(&tt->sg, base->pages, base->num_pages, 0,
						bytes_of(base), segment, GFP_KERNEL);
	if (ret)
		return ret;
	ret = map_pages(vf, tt);
	if (ret)
		goto free_sg;
	ret = find_extents(tt, &tt->sg);
	if (!ret)
		return 0;
	tt_unmap(vf, tt);
	return ret;

free_sg:
	sg_free_table(&tt->sg);
	return ret;
}

/* The buffer may have left it, and be anywhere, before TTM comes to free it. */
static void tt_unpopulate(struct ttm_device *ttm, struct ttm_tt *base)
{
	struct vgpu_vf_tt *tt = to_vgpu_vf_tt(base);

	if (tt->bo->ttm.ttm == base && !is_in_vram(&tt->bo->ttm))
		WRITE_ONCE(tt->bo->where, 0);
	tt_unmap(ttm_to_vf(ttm), tt);
	if (!is_foreign(base))
		ttm_pool_free(&ttm->pool, base);
}

static void tt_destroy(struct ttm_device *ttm, struct ttm_tt *base)
{
	struct vgpu_vf_tt *tt = to_vgpu_vf_tt(base);

	discount(&ttm_to_vf(ttm)->memory, tt);
	ttm_tt_fini(base);
	kfree(tt);
}

/* Memory is counted where it is allocated, not here. */
static int system_alloc(struct ttm_resource_manager *manager,
			struct ttm_buffer_object *bo, const struct ttm_place *place,
			struct ttm_resource **out)
{
	struct ttm_resource *resource = kzalloc(sizeof(*resource), GFP_KERNEL);

	if (!resource)
		return -ENOMEM;
	ttm_resource_init(bo, place, resource);
	*out = resource;
	return 0;
}

static void system_free(struct ttm_resource_manager *manager,
			struct ttm_resource *resource)
{
	ttm_resource_fini(manager, resource);
	kfree(resource);
}

static const struct ttm_resource_manager_func system_func = {
	.alloc = system_alloc,
	.free = system_free,
};

static const struct ttm_place out_of_the_way = { .mem_type = TTM_PL_SYSTEM };

static void evict_flags(struct ttm_buffer_object *bo, struct ttm_placement *placement)
{
	placement->placement = &out_of_the_way;
	placement->num_placement = 1;
}

/*
 * What is not our memory does not make room, nor what does not fit elsewhere: without
 * that check TTM would fail, and fill the log. What is being freed needs no place, but
 * TTM would wait for its jobs, with reservations held, for 15 s each. What is not in VRAM
 * is to be swapped out, and all TTM devices would wait for its jobs. What TTM makes for
 * itself is no buffer that could be moved, and has no device; it is about to go.
 */
static bool eviction_valuable(struct ttm_buffer_object *bo, const struct ttm_place *place)
{
	if (bo->type == ttm_bo_type_sg || !bo->base.dev)
		return false;
	if (bo->deleted || !is_in_vram(bo))
		return dma_resv_test_signaled(bo->base.resv, DMA_RESV_USAGE_BOOKKEEP);
	return is_room(&ttm_to_vf(bo->bdev)->memory, bo->base.size) &&
	       ttm_bo_eviction_valuable(bo, place);
}

/*
 * Jobs end, or are ended, but not within any given time: the function may have to wait
 * for its slices.
 */
static int wait_for_jobs(struct ttm_buffer_object *bo, struct ttm_operation_ctx *ctx)
{
	long ret;

	if (ctx->no_wait_gpu)
		return dma_resv_test_signaled(bo->base.resv, DMA_RESV_USAGE_BOOKKEEP) ?
		       0 : -EBUSY;
	ret = dma_resv_wait_timeout(bo->base.resv, DMA_RESV_USAGE_BOOKKEEP,
				    ctx->interruptible, MAX_SCHEDULE_TIMEOUT);
	return min(ret, 0L);
}

static int fill_vram(struct vgpu_vf *vf, struct ttm_buffer_object *bo,
		     struct ttm_resource *vram)
{
	int index, ret;

	ret = vgpu_vf_enter(vf, &index);
	if (ret)
		return ret;
	ret = READ_ONCE(vf->closed);
	if (!ret && bo->ttm && ttm_tt_is_populated(bo->ttm))
		ret = vgpu_vf_vram_write(vf, vram, bo->ttm->pages);
	else if (!ret)
		ret = vgpu_vf_vram_clear(vf, vram);
	/* Else what has been written may be lost. */
	ret = ret ?: READ_ONCE(vf->closed);
	vgpu_vf_leave(vf, index);
	/* Before a job is told of it. */
	wmb();
	return ret;
}

/*
 * The reservation may be that of a VM, full of jobs that have nothing to do with this
 * buffer: TTM would wait for them before it frees the memory that the buffer leaves.
 * So that goes to another owner, who has just a fence that is signalled.
 */
static int leave_system(struct ttm_buffer_object *bo, struct ttm_resource *vram)
{
	struct dma_fence *signalled = dma_fence_get_stub();
	int ret;

	ret = ttm_bo_move_accel_cleanup(bo, signalled, false, false, vram);
	dma_fence_put(signalled);
	return ret;
}

/* What the driver has for itself it writes itself. */
static int move_to_vram(struct vgpu_vf *vf, struct ttm_buffer_object *bo,
			struct ttm_operation_ctx *ctx, struct ttm_resource *vram)
{
	int ret;

	if (bo->ttm && bo->ttm->page_flags & TTM_TT_FLAG_SWAPPED) {
		ret = ttm_tt_populate(&vf->ttm, bo->ttm, ctx);
		if (ret)
			return ret;
	}
	if (bo->type != ttm_bo_type_kernel) {
		ret = fill_vram(vf, bo, vram);
		if (ret)
			return ret;
	}
	return leave_system(bo, vram);
}

/* When the device is gone, so are the contents. */
static int rescue_from_vram(struct vgpu_vf *vf, struct ttm_buffer_object *bo)
{
	unsigned int i;
	int index, ret;

	if (vgpu_vf_enter(vf, &index)) {
		for (i = 0; i < bo->ttm->num_pages; i++)
			clear_highpage(bo->ttm->pages[i]);
		return 0;
	}
	ret = vgpu_vf_vram_read(vf, bo->resource, bo->ttm->pages);
	vgpu_vf_leave(vf, index);
	return ret;
}

static int move_from_vram(struct vgpu_vf *vf, struct ttm_buffer_object *bo,
			  struct ttm_operation_ctx *ctx, struct ttm_resource *system)
{
	int ret;

	ret = ttm_tt_populate(&vf->ttm, bo->ttm, ctx);
	if (ret)
		return ret;
	if (system->mem_type == TTM_PL_TT) {
		ret = tt_map(vf, to_vgpu_vf_tt(bo->ttm));
		if (ret)
			return ret;
	}
	ret = rescue_from_vram(vf, bo);
	if (ret)
		return ret;
	ttm_bo_move_null(bo, system);
	return 0;
}

static int move_within_system(struct vgpu_vf *vf, struct ttm_buffer_object *bo,
			      struct ttm_resource *system)
{
	int ret;

	if (system->mem_type == TTM_PL_TT) {
		ret = tt_map(vf, to_vgpu_vf_tt(bo->ttm));
		if (ret)
			return ret;
	} else if (bo->resource) {
		tt_unmap(vf, to_vgpu_vf_tt(bo->ttm));
	}
	ttm_bo_move_null(bo, system);
	return 0;
}

static u32 place_of(struct ttm_buffer_object *bo)
{
	if (is_in_vram(bo))
		return DRM_VGPU_GEM_VRAM;
	return bo->ttm && ttm_tt_is_populated(bo->ttm) ? DRM_VGPU_GEM_SYSTEM : 0;
}

/* After an error nothing has changed; TTM then takes back what it has prepared. */
static int move(struct ttm_buffer_object *bo, bool evict, struct ttm_operation_ctx *ctx,
		struct ttm_resource *to, struct ttm_place *hop)
{
	struct vgpu_vf *vf = ttm_to_vf(bo->bdev);
	int ret = 0;

	if (bo->resource && bo->resource->mem_type != TTM_PL_SYSTEM)
		ret = wait_for_jobs(bo, ctx);
	if (ret)
		return ret;
	if (to->mem_type == TTM_PL_VRAM)
		ret = move_to_vram(vf, bo, ctx, to);
	else if (is_in_vram(bo))
		ret = move_from_vram(vf, bo, ctx, to);
	else
		ret = move_within_system(vf, bo, to);
	if (ret)
		return ret;
	WRITE_ONCE(ttm_to_vgpu_vf_bo(bo)->where, place_of(bo));
	vgpu_vf_bo_moved(ttm_to_vgpu_vf_bo(bo));
	return 0;
}

/* CPUs map VRAM through the BAR, each page by io_mem_pfn(). */
static int io_mem_reserve(struct ttm_device *ttm, struct ttm_resource *resource)
{
	if (resource->mem_type != TTM_PL_VRAM)
		return 0;
	resource->bus.offset = ttm_to_vf(ttm)->vram.start +
			       vgpu_vf_extents_find(vgpu_vf_vram_extents(resource), 0).addr;
	resource->bus.is_iomem = true;
	resource->bus.caching = ttm_write_combined;
	return 0;
}

static unsigned long io_mem_pfn(struct ttm_buffer_object *bo, unsigned long page)
{
	const struct vgpu_vf_extents *extents = vgpu_vf_vram_extents(bo->resource);

	return PHYS_PFN(ttm_to_vf(bo->bdev)->vram.start +
			vgpu_vf_extents_find(extents, (u64)page << PAGE_SHIFT).addr);
}

/* For debuggers. */
static int access_memory(struct ttm_buffer_object *bo, unsigned long offset, void *data,
			 int bytes, int write)
{
	struct vgpu_vf *vf = ttm_to_vf(bo->bdev);
	int index;

	if (vgpu_vf_enter(vf, &index))
		return -EIO;
	vgpu_vf_vram_access(vf, bo->resource, offset, data, bytes, write);
	vgpu_vf_leave(vf, index);
	return bytes;
}

/* TTM frees it when jobs have ended. Not what it makes for itself (eviction_valuable()). */
static void release_notify(struct ttm_buffer_object *bo)
{
	if (bo->base.dev)
		vgpu_vf_memory_depart(ttm_to_vf(bo->bdev),
				      &ttm_to_vgpu_vf_bo(bo)->departure);
}

static struct ttm_device_funcs ttm_funcs = {
	.ttm_tt_create = tt_create,
	.ttm_tt_populate = tt_populate,
	.ttm_tt_unpopulate = tt_unpopulate,
	.ttm_tt_destroy = tt_destroy,
	.eviction_valuable = eviction_valuable,
	.evict_flags = evict_flags,
	.move = move,
	.io_mem_reserve = io_mem_reserve,
	.io_mem_pfn = io_mem_pfn,
	.access_memory = access_memory,
	.release_notify = release_notify,
};

/* No file is open, so all buffers are gone or on their way, which ends here. */
static void memory_fini(struct drm_device *drm, void *data)
{
	struct vgpu_vf *vf = to_vgpu_vf(drm);

	ttm_device_fini(&vf->ttm);
	ttm_resource_manager_set_used(&vf->memory.system, false);
	ttm_resource_manager_set_used(&vf->vram.manager, false);
}

/*
 * TTM never has more than its limit of all devices together, half of the memory by
 * default. Nothing copies between bounce buffers and pages here, so where a device
 * needs these, as in a guest whose memory is encrypted, it gets no system memory.
 */
static u64 find_size(struct vgpu_vf *vf)
{
	if (dma_max_mapping_size(&vf->pdev->dev) == SIZE_MAX)
		return (u64)ttm_tt_pages_limit() << PAGE_SHIFT;
	drm_notice(&vf->drm, "no system memory for jobs: it would need bounce buffers\n");
	return 0;
}

/**
 * vgpu_vf_memory_init() - TTM, with VRAM and system memory
 * @vf: the function, with VRAM
 *
 * It lives as long as the DRM device does, so files can be closed and mappings end
 * after the driver was unbound.
 *
 * Return: 0 or an errno
 */
int vgpu_vf_memory_init(struct vgpu_vf *vf)
{
	struct vgpu_vf_memory *memory = &vf->memory;
	struct ttm_resource_manager *system = &memory->system;
	int ret;

	init_rwsem(&memory->validating);
	INIT_LIST_HEAD(&memory->mapped);
	INIT_LIST_HEAD(&memory->imports);
	init_waitqueue_head(&memory->detached);
	spin_lock_init(&memory->departures_lock);
	INIT_LIST_HEAD(&memory->departures);
	init_waitqueue_head(&memory->departed);
	ret = drmm_mutex_init(&vf->drm, &memory->lock);
	if (ret)
		return ret;
	/* Page tables make pieces of any length. */
	dma_set_max_seg_size(&vf->pdev->dev, UINT_MAX);
	ret = ttm_device_init(&vf->ttm, &ttm_funcs, &vf->pdev->dev,
			      vf->drm.anon_inode->i_mapping, vf->drm.vma_offset_manager,
			      false, false);
	if (ret)
		return ret;

	memory->size = find_size(vf);
	system->use_tt = true;
	system->func = &system_func;
	ttm_resource_manager_init(system, &vf->ttm, memory->size);
	ttm_set_driver_manager(&vf->ttm, TTM_PL_TT, system);
	ttm_resource_manager_set_used(system, true);
	vgpu_vf_vram_manage(vf);
	return drmm_add_action_or_reset(&vf->drm, memory_fini, NULL);
}

/**
 * vgpu_vf_memory_unplug() - no more DMA
 * @vf: the function, after drm_dev_unplug(), stopped
 *
 * Buffers live on, with their pages: somebody else may have imported them.
 */
void vgpu_vf_memory_unplug(struct vgpu_vf *vf)
{
	struct vgpu_vf_tt *tt, *next;

	vgpu_vf_prime_unplug(vf);
	guard(mutex)(&vf->memory.lock);
	list_for_each_entry_safe(tt, next, &vf->memory.mapped, link)
		unmap_pages(vf, tt);
}

/**
 * vgpu_vf_memory_evict() - all that VRAM contains to system memory
 * @vf: the function; the GPU works, or what it does is lost
 *
 * Waits for all jobs. What the driver has for itself stays. When it returns, and
 * nobody submits jobs or makes buffers, VRAM contains nothing that is needed.
 *
 * Return: 0, or an errno, and some of it may have been moved
 */
int vgpu_vf_memory_evict(struct vgpu_vf *vf)
{
	int ret;

	guard(rwsem_write)(&vf->memory.validating);
	vf->memory.saving = true;
	/* TTM gives up after 15 s if it waits for jobs of buffers that are being freed. */
	do
		ret = ttm_resource_manager_evict_all(&vf->ttm, &vf->vram.manager);
	while (ret == -EBUSY);
	vf->memory.saving = false;
	return ret;
}

/**
 * vgpu_vf_memory_system_size() - bytes of system memory for buffers
 * @vf: the function
 *
 * Return: bytes
 */
u64 vgpu_vf_memory_system_size(struct vgpu_vf *vf)
{
	return vf->memory.size;
}

/**
 * vgpu_vf_memory_depart() - this will be free when jobs have ended; anywhere
 * @vf: the function
 * @departure: of what has no user any more; may have begun before
 */
void vgpu_vf_memory_depart(struct vgpu_vf *vf, struct vgpu_vf_departure *departure)
{
	struct vgpu_vf_memory *memory = &vf->memory;
	unsigned long flags;

	spin_lock_irqsave(&memory->departures_lock, flags);
	if (list_empty(&departure->link)) {
		departure->number = memory->begun + 1;
		WRITE_ONCE(memory->begun, departure->number);
		list_add_tail(&departure->link, &memory->departures);
	}
	spin_unlock_irqrestore(&memory->departures_lock, flags);
}

/**
 * vgpu_vf_memory_departed() - this is free now; anywhere
 * @vf: the function
 * @departure: of it, if it has begun
 */
void vgpu_vf_memory_departed(struct vgpu_vf *vf, struct vgpu_vf_departure *departure)
{
	struct vgpu_vf_memory *memory = &vf->memory;
	unsigned long flags;

	spin_lock_irqsave(&memory->departures_lock, flags);
	if (!list_empty(&departure->link)) {
		list_del_init(&departure->link);
		WRITE_ONCE(memory->gone, memory->gone + 1);
	}
	spin_unlock_irqrestore(&memory->departures_lock, flags);
	wake_up_all(&memory->departed);
}

/* Are all departures over, up to number @last? */
static bool are_over(struct vgpu_vf_memory *memory, u64 last)
{
	struct vgpu_vf_departure *first;
	bool over;

	spin_lock_irq(&memory->departures_lock);
	first = list_first_entry_or_null(&memory->departures, struct vgpu_vf_departure, link);
	over = !first || first->number > last;
	spin_unlock_irq(&memory->departures_lock);
	return over;
}

/**
 * vgpu_vf_memory_settle() - let what is on its way out go, if it does so soon
 * @vf: the function
 *
 * Nothing is locked that a departure needs.
 *
 * Return: 0, or -ERESTARTSYS for a fatal signal
 */
int vgpu_vf_memory_settle(struct vgpu_vf *vf)
{
	struct vgpu_vf_memory *memory = &vf->memory;
	u64 last = READ_ONCE(memory->begun);
	long ret;

	ret = wait_event_killable_timeout(memory->departed, are_over(memory, last),
					  SETTLE_TIMEOUT);
	return min(ret, 0L);
}

/**
 * vgpu_vf_memory_wait_init() - before memory is looked for
 * @vf: the function
 * @wait: is initialised
 */
void vgpu_vf_memory_wait_init(struct vgpu_vf *vf, struct vgpu_vf_wait *wait)
{
	*wait = (struct vgpu_vf_wait){ .gone = READ_ONCE(vf->memory.gone) };
}

/* Is there more, or will there be no more, than when it was looked for last? */
static bool has_changed(struct vgpu_vf_memory *memory, const struct vgpu_vf_wait *wait)
{
	return READ_ONCE(memory->gone) != wait->gone || are_over(memory, wait->last);
}

/**
 * vgpu_vf_memory_wait() - there was no memory: wait for one of those that are going
 * @vf: the function
 * @wait: for this memory
 *
 * They go when their jobs have ended. Those that begin to go after the first call are
 * not waited for, so this comes to an end. When they are gone there are some more
 * attempts, as memory may only have been in use for a moment. Nothing is locked.
 *
 * Return: 0: there may be memory now; -ENOMEM: there is none; or -ERESTARTSYS
 */
int vgpu_vf_memory_wait(struct vgpu_vf *vf, struct vgpu_vf_wait *wait)
{
	struct vgpu_vf_memory *memory = &vf->memory;
	u64 before = wait->gone;
	int ret;

	if (!wait->over) {
		wait->last = wait->last ?: READ_ONCE(memory->begun);
		ret = wait_event_interruptible(memory->departed, has_changed(memory, wait));
		if (ret)
			return ret;
		wait->over = are_over(memory, wait->last);
		wait->gone = READ_ONCE(memory->gone);
	}
	if (wait->gone != before || wait->attempts++ < MORE_ATTEMPTS)
		return 0;
	return -ENOMEM;
}

/**
 * vgpu_vf_memory_enter() - before locking reservations to place buffers
 * @vf: the function
 * @alone: wait until nobody else does, or has locked any in this way
 *
 * Two that each hold what the other one would have to move both get -ENOMEM from
 * vgpu_vf_bo_validate(), though there is enough for one after the other; so does who
 * is younger, at once, even if the older one does not wait (wait-die). Who gets that
 * unlocks all and tries again alone, after what is on its way out, if that is soon.
 *
 * Return: 0, or -EINTR or -ERESTARTSYS for a fatal signal
 */
int vgpu_vf_memory_enter(struct vgpu_vf *vf, bool alone)
{
	int ret;

	if (!alone)
		return down_read_killable(&vf->memory.validating);
	ret = vgpu_vf_memory_settle(vf);
	if (ret)
		return ret;
	ret = down_write_killable(&vf->memory.validating);
	if (!ret)
		WRITE_ONCE(vf->memory.alone, current);
	return ret;
}

/**
 * vgpu_vf_memory_unlock() - unlock all, and undo vgpu_vf_memory_enter()
 * @vf: the function
 * @exec: what is locked
 */
void vgpu_vf_memory_unlock(struct vgpu_vf *vf, struct drm_exec *exec)
{
	struct vgpu_vf_memory *memory = &vf->memory;

	drm_exec_fini(exec);
	if (READ_ONCE(memory->alone) != current) {
		up_read(&memory->validating);
		return;
	}
	WRITE_ONCE(memory->alone, NULL);
	up_write(&memory->validating);
}

/**
 * vgpu_vf_memory_promise() - there will be a buffer
 * @vf: the function
 * @bytes: its size
 *
 * Return: 0, or -ENOMEM if VRAM and system memory together would be too small
 */
int vgpu_vf_memory_promise(struct vgpu_vf *vf, u64 bytes)
{
	u64 limit = vf->vram.size + vf->memory.size;

	if (atomic64_add_return(bytes, &vf->memory.promised) <= limit)
		return 0;
	vgpu_vf_memory_forget(vf, bytes);
	return -ENOMEM;
}

/**
 * vgpu_vf_memory_forget() - the buffer is gone
 * @vf: the function
 * @bytes: as promised
 */
void vgpu_vf_memory_forget(struct vgpu_vf *vf, u64 bytes)
{
	atomic64_sub(bytes, &vf->memory.promised);
}

/**
 * vgpu_vf_memory_extents() - where the GPU finds a buffer
 * @bo: the buffer; it is where the GPU can reach it and cannot move
 *
 * Return: until it moves
 */
const struct vgpu_vf_extents *vgpu_vf_memory_extents(struct ttm_buffer_object *bo)
{
	return is_in_vram(bo) ? vgpu_vf_vram_extents(bo->resource) :
				&to_vgpu_vf_tt(bo->ttm)->extents;
}

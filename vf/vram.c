// SPDX-License-Identifier: GPL-2.0-only
/*
 * VRAM: the kernel's buddy allocator over what the window shows, as a manager of
 * TTM resources.
 *
 * A buffer gets the largest blocks that there are, first, each aligned to its size:
 * one of 2 MiB or more has parts that can be mapped by big pages, as long as VRAM is
 * not in splinters. What the driver has for itself, which never moves, is taken from
 * the other end, so that it makes none.
 *
 * All is written and read by the CPU through the window: the zeroes of a new buffer,
 * so that nobody ever sees what the last owner left, and the contents of one that is
 * moved. The engine's FILL and COPY would be faster per byte, but they run when the
 * function gets its next slice: an allocation would wait for the other VFs' quanta,
 * would need a fence that each first user has to wait for, and would not work while
 * the function is being reset.
 */
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/iosys-map.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <drm/drm_cache.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_placement.h>

#include <vgpu/mmu.h>
#include <vgpu/regs.h>

#include "device.h"
#include "vram.h"

/* Written or read without a look at signals and other tasks; some 100 µs. */
#define STEP_BYTES	SZ_512K

/**
 * struct vram_resource - what a buffer has of VRAM
 * @base: for TTM
 * @blocks: of the buddy allocator, in the order of the buffer
 * @extents: the same, to find them
 */
struct vram_resource {
	struct ttm_resource base;
	struct list_head blocks;
	struct vgpu_vf_extents extents;
};

static struct vram_resource *to_vram_resource(struct ttm_resource *base)
{
	return container_of(base, struct vram_resource, base);
}

static struct vgpu_vf *manager_to_vf(struct ttm_resource_manager *manager)
{
	return container_of(manager, struct vgpu_vf, vram.manager);
}

static bool is_of_driver(const struct ttm_buffer_object *bo)
{
	return bo->type == ttm_bo_type_kernel;
}

static int take_blocks(struct vgpu_vf_vram *vram, struct ttm_buffer_object *bo,
		       struct list_head *blocks)
{
	unsigned long flags = 0;
	u64 size = bo->base.size;
	int ret;

	if (is_of_driver(bo))
		flags = GPU_BUDDY_CONTIGUOUS_ALLOCATION | GPU_BUDDY_TOPDOWN_ALLOCATION;

	guard(mutex)(&vram->lock);
	/* Or all others would be moved away, for nothing. */
	if (size > vram->size - vram->pinned)
		return -ENOMEM;
	if (size > vram->buddy.avail)
		return -ENOSPC;
	ret = gpu_buddy_alloc_blocks(&vram->buddy, 0, vram->size, size, SZ_4K, blocks,
				     flags);
	if (!ret && is_of_driver(bo))
		vram->pinned += size;
	return ret;
}

static void return_blocks(struct vgpu_vf_vram *vram, struct ttm_buffer_object *bo,
			  struct list_head *blocks)
{
	guard(mutex)(&vram->lock);
	if (is_of_driver(bo))
		vram->pinned -= bo->base.size;
	gpu_buddy_free_list(&vram->buddy, blocks, 0);
}

static int find_extents(struct vgpu_vf_vram *vram, struct vram_resource *resource)
{
	struct gpu_buddy_block *block;
	int ret;

	ret = vgpu_vf_extents_init(&resource->extents,
				   list_count_nodes(&resource->blocks));
	if (ret)
		return ret;
	list_for_each_entry(block, &resource->blocks, link)
		vgpu_vf_extents_add(&resource->extents,
				    vram->base + gpu_buddy_block_offset(block),
				    gpu_buddy_block_size(&vram->buddy, block));
	resource->base.start = PHYS_PFN(resource->extents.pieces[0].addr);
	return 0;
}

/*
 * What is written while the function is closed may be lost, zeroes too: who has a
 * choice goes elsewhere. The driver's own buffers are written again when it opens.
 */
static int check_open(struct vgpu_vf *vf, struct ttm_buffer_object *bo,
		      const struct ttm_place *place)
{
	int closed = READ_ONCE(vf->closed);

	if (!closed || is_of_driver(bo))
		return 0;
	return place->flags & TTM_PL_FLAG_DESIRED ? -ENOSPC : closed;
}

/* -ENOSPC lets TTM make room, or try the next place. */
static int manager_alloc(struct ttm_resource_manager *manager,
			 struct ttm_buffer_object *bo, const struct ttm_place *place,
			 struct ttm_resource **out)
{
	struct vgpu_vf *vf = manager_to_vf(manager);
	struct vram_resource *resource;
	int ret;

	ret = check_open(vf, bo, place);
	if (ret)
		return ret;
	resource = kzalloc(sizeof(*resource), GFP_KERNEL);
	if (!resource)
		return -ENOMEM;
	INIT_LIST_HEAD(&resource->blocks);
	ttm_resource_init(bo, place, &resource->base);
	ret = take_blocks(&vf->vram, bo, &resource->blocks);
	if (ret)
		goto fini;
	ret = find_extents(&vf->vram, resource);
	if (ret)
		goto return_blocks;
	*out = &resource->base;
	return 0;

return_blocks:
	return_blocks(&vf->vram, bo, &resource->blocks);
fini:
	ttm_resource_fini(manager, &resource->base);
	kfree(resource);
	/* As if there were none left: the next place may do. */
	return ret == -ENOMEM && place->flags & TTM_PL_FLAG_DESIRED ? -ENOSPC : ret;
}

static void manager_free(struct ttm_resource_manager *manager, struct ttm_resource *base)
{
	struct vram_resource *resource = to_vram_resource(base);

	return_blocks(&manager_to_vf(manager)->vram, base->bo, &resource->blocks);
	ttm_resource_fini(manager, base);
	vgpu_vf_extents_fini(&resource->extents);
	kfree(resource);
}

static const struct ttm_resource_manager_func manager_func = {
	.alloc = manager_alloc,
	.free = manager_free,
};

static void vram_fini(struct drm_device *drm, void *data)
{
	struct vgpu_vf_vram *vram = data;

	gpu_buddy_fini(&vram->buddy);
}

/**
 * vgpu_vf_vram_init() - map the window and start with all of it free
 * @vf: the function; its registers are mapped, vf->vram.base and size say what it has
 *
 * Return: 0, or -ENXIO if the PF has given it no VRAM or the bus no window, or another
 *	errno
 */
int vgpu_vf_vram_init(struct vgpu_vf *vf)
{
	struct vgpu_vf_vram *vram = &vf->vram;
	u64 window = readq(vf->regs + VGPU_REG_WINDOW_SIZE);
	struct device *dev = vf->drm.dev;
	void __iomem *mapped;
	int ret;

	/* Plugged into a port that has no room for it. */
	if (!pci_resource_len(vf->pdev, VGPU_BAR_VRAM)) {
		drm_err(&vf->drm, "BAR %d (VRAM) has no address: the port above has no room for it, see pci=hpmmioprefsize=\n",
			VGPU_BAR_VRAM);
		return -ENXIO;
	}
	/* What is behind the window's end could not be zeroed or mapped. */
	window = min_t(u64, window, pci_resource_len(vf->pdev, VGPU_BAR_VRAM));
	window -= min(window, vram->base);
	vram->start = pci_resource_start(vf->pdev, VGPU_BAR_VRAM);
	vram->size = round_down(min(vram->size, window), PAGE_SIZE);
	if (!vram->size) {
		drm_err(&vf->drm, "the PF has provided no VRAM\n");
		return -ENXIO;
	}

	if (!devm_request_mem_region(dev, vram->start + vram->base, vram->size,
				     "vgpu_vf VRAM"))
		return -EBUSY;
	mapped = devm_ioremap_wc(dev, vram->start + vram->base, vram->size);
	if (!mapped)
		return -ENOMEM;
	vram->window = mapped - vram->base;

	ret = drmm_mutex_init(&vf->drm, &vram->lock);
	if (ret)
		return ret;
	ret = gpu_buddy_init(&vram->buddy, vram->size, SZ_4K);
	if (ret)
		return ret;
	return drmm_add_action_or_reset(&vf->drm, vram_fini, vram);
}

/**
 * vgpu_vf_vram_manage() - let TTM place buffers here
 * @vf: the function, with a TTM device
 */
void vgpu_vf_vram_manage(struct vgpu_vf *vf)
{
	struct ttm_resource_manager *manager = &vf->vram.manager;

	manager->func = &manager_func;
	ttm_resource_manager_init(manager, &vf->ttm, vf->vram.size);
	ttm_set_driver_manager(&vf->ttm, TTM_PL_VRAM, manager);
	ttm_resource_manager_set_used(manager, true);
}

/**
 * vgpu_vf_vram_available() - bytes that are free
 * @vf: the function
 *
 * Return: bytes
 */
u64 vgpu_vf_vram_available(struct vgpu_vf *vf)
{
	guard(mutex)(&vf->vram.lock);
	return vf->vram.buddy.avail;
}

/**
 * vgpu_vf_vram_extents() - where a buffer is
 * @resource: what it has of VRAM
 *
 * Return: as long as @resource exists; its addresses are offsets in VRAM
 */
const struct vgpu_vf_extents *vgpu_vf_vram_extents(struct ttm_resource *resource)
{
	return &to_vram_resource(resource)->extents;
}

/* Let others live, and a killed process go. */
static int take_breath(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int clear_piece(void __iomem *to, u64 bytes)
{
	u64 step;
	int ret;

	for (; bytes; to += step, bytes -= step) {
		step = min_t(u64, bytes, STEP_BYTES);
		memset_io(to, 0, step);
		ret = take_breath();
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * vgpu_vf_vram_clear() - zero what a buffer has
 * @vf: the function, entered by vgpu_vf_enter()
 * @resource: what the buffer has of VRAM
 *
 * Return: 0, or -EINTR if the process is being killed
 */
int vgpu_vf_vram_clear(struct vgpu_vf *vf, struct ttm_resource *resource)
{
	const struct vgpu_vf_extents *extents = vgpu_vf_vram_extents(resource);
	struct vgpu_vf_extent extent;
	u64 offset;
	int ret;

	for (offset = 0; offset < extents->size; offset += extent.bytes) {
		extent = vgpu_vf_extents_find(extents, offset);
		ret = clear_piece(vf->vram.window + extent.addr, extent.bytes);
		if (ret)
			return ret;
	}
	return 0;
}

static void write_page(void __iomem *vram, struct page *page)
{
	void *memory = kmap_local_page(page);

	memcpy_toio(vram, memory, PAGE_SIZE);
	kunmap_local(memory);
}

/* Reads of write-combined memory are slow one by one, but not in streams. */
static void read_page(void __iomem *vram, struct page *page)
{
	void *memory = kmap_local_page(page);
	struct iosys_map from = IOSYS_MAP_INIT_VADDR_IOMEM(vram);
	struct iosys_map to = IOSYS_MAP_INIT_VADDR(memory);

	drm_memcpy_from_wc(&to, &from, PAGE_SIZE);
	kunmap_local(memory);
}

static int copy_pages(struct vgpu_vf *vf, struct ttm_resource *resource,
		      struct page **pages,
		      void (*copy)(void __iomem *vram, struct page *page))
{
	const struct vgpu_vf_extents *extents = vgpu_vf_vram_extents(resource);
	struct vgpu_vf_extent extent = {};
	u64 offset;
	int ret;

	for (offset = 0; offset < extents->size; offset += PAGE_SIZE) {
		if (!extent.bytes)
			extent = vgpu_vf_extents_find(extents, offset);
		copy(vf->vram.window + extent.addr, pages[offset >> PAGE_SHIFT]);
		extent.addr += PAGE_SIZE;
		extent.bytes -= PAGE_SIZE;
		if (offset % STEP_BYTES)
			continue;
		ret = take_breath();
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * vgpu_vf_vram_write() - copy memory to VRAM
 * @vf: the function, entered by vgpu_vf_enter()
 * @resource: what the buffer has of VRAM
 * @pages: as many as the buffer
 *
 * Return: 0, or -EINTR if the process is being killed
 */
int vgpu_vf_vram_write(struct vgpu_vf *vf, struct ttm_resource *resource,
		       struct page **pages)
{
	return copy_pages(vf, resource, pages, write_page);
}

/**
 * vgpu_vf_vram_read() - copy VRAM to memory
 * @vf: the function, entered by vgpu_vf_enter()
 * @resource: what the buffer has of VRAM
 * @pages: as many as the buffer
 *
 * Return: 0, or -EINTR if the process is being killed
 */
int vgpu_vf_vram_read(struct vgpu_vf *vf, struct ttm_resource *resource,
		      struct page **pages)
{
	return copy_pages(vf, resource, pages, read_page);
}

/**
 * vgpu_vf_vram_access() - write or read a few bytes
 * @vf: the function, entered by vgpu_vf_enter()
 * @resource: what the buffer has of VRAM
 * @offset: in the buffer
 * @data: what to write, or to be filled
 * @bytes: how many, within the buffer
 * @write: else read
 */
void vgpu_vf_vram_access(struct vgpu_vf *vf, struct ttm_resource *resource, u64 offset,
			 void *data, size_t bytes, bool write)
{
	const struct vgpu_vf_extents *extents = vgpu_vf_vram_extents(resource);
	struct vgpu_vf_extent extent;
	void __iomem *vram;
	size_t part;

	for (; bytes; offset += part, data += part, bytes -= part) {
		extent = vgpu_vf_extents_find(extents, offset);
		part = min_t(u64, bytes, extent.bytes);
		vram = vf->vram.window + extent.addr;
		if (write)
			memcpy_toio(vram, data, part);
		else
			memcpy_fromio(data, vram, part);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * VRAM: the kernel's buddy allocator over what the window shows.
 *
 * Memory is zeroed when it is allocated, by the CPU through the window, so that
 * nobody ever sees what the last owner left. The engine's FILL would be faster
 * per byte, but it runs when the function gets its next slice: an allocation
 * would wait for the other VFs' quanta, would need a fence that each first user
 * has to wait for, and would not work while the function is being reset.
 */
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include <vgpu/mmu.h>
#include <vgpu/regs.h>

#include "device.h"
#include "vram.h"

/* Cleared without a look at signals and other tasks; some 100 µs. */
#define CLEAR_BYTES	SZ_512K

static void vram_fini(struct drm_device *drm, void *data)
{
	struct vgpu_vf_vram *vram = data;

	gpu_buddy_fini(&vram->buddy);
}

/**
 * vgpu_vf_vram_init() - map the window and start with all of it free
 * @vf: the function; its registers are mapped
 *
 * Return: 0, or -ENXIO if the PF has given it no VRAM, or another errno
 */
int vgpu_vf_vram_init(struct vgpu_vf *vf)
{
	struct vgpu_vf_vram *vram = &vf->vram;
	struct pci_dev *pdev = to_pci_dev(vf->drm.dev);
	u64 size = readq(vf->regs + VGPU_REG_VRAM_SIZE);
	u64 window = readq(vf->regs + VGPU_REG_WINDOW_SIZE);
	int ret;

	/* What is behind the window's end could not be zeroed or mapped. */
	vram->start = pci_resource_start(pdev, VGPU_BAR_VRAM);
	vram->size = min3(size, window, (u64)pci_resource_len(pdev, VGPU_BAR_VRAM));
	vram->size = round_down(vram->size, SZ_4K);
	if (!vram->size) {
		drm_err(&vf->drm, "the PF has provided no VRAM\n");
		return -ENXIO;
	}

	ret = pcim_request_region(pdev, VGPU_BAR_VRAM, "vgpu_vf VRAM");
	if (ret)
		return ret;
	vram->window = devm_ioremap_wc(&pdev->dev, vram->start, vram->size);
	if (!vram->window)
		return -ENOMEM;

	ret = drmm_mutex_init(&vf->drm, &vram->lock);
	if (ret)
		return ret;
	ret = gpu_buddy_init(&vram->buddy, vram->size, SZ_4K);
	if (ret)
		return ret;
	return drmm_add_action_or_reset(&vf->drm, vram_fini, vram);
}

/**
 * vgpu_vf_vram_alloc() - allocate, without clearing
 * @vf: the function
 * @size: bytes, multiple of 4 KiB
 * @single: one block, aligned to its size, or nothing; @size is a power of two
 * @blocks: empty list that gets the blocks, larger ones first, each aligned to
 *	its size
 *
 * Return: 0, -ENOSPC if there is not enough, -ENOMEM
 */
int vgpu_vf_vram_alloc(struct vgpu_vf *vf, u64 size, bool single,
		       struct list_head *blocks)
{
	struct vgpu_vf_vram *vram = &vf->vram;

	guard(mutex)(&vram->lock);
	if (size > vram->buddy.avail)
		return -ENOSPC;
	return gpu_buddy_alloc_blocks(&vram->buddy, 0, vram->size, size,
				      single ? size : SZ_4K, blocks, 0);
}

/**
 * vgpu_vf_vram_free() - give back
 * @vf: the function
 * @blocks: what vgpu_vf_vram_alloc() has filled; is empty afterwards
 *
 * The GPU cannot reach the blocks any more: their translations are gone.
 */
void vgpu_vf_vram_free(struct vgpu_vf *vf, struct list_head *blocks)
{
	guard(mutex)(&vf->vram.lock);
	gpu_buddy_free_list(&vf->vram.buddy, blocks, 0);
}

/**
 * vgpu_vf_vram_offset() - where the first (or only) block is
 * @blocks: what vgpu_vf_vram_alloc() has filled
 *
 * Return: offset in VRAM
 */
u64 vgpu_vf_vram_offset(const struct list_head *blocks)
{
	return gpu_buddy_block_offset(list_first_entry(blocks, struct gpu_buddy_block,
						       link));
}

/**
 * vgpu_vf_vram_clear() - zero all blocks
 * @vf: the function, entered by vgpu_vf_enter()
 * @blocks: what vgpu_vf_vram_alloc() has filled
 *
 * Return: 0, or -EINTR if the process is being killed
 */
int vgpu_vf_vram_clear(struct vgpu_vf *vf, const struct list_head *blocks)
{
	struct gpu_buddy_block *block;
	u64 offset, end, bytes;

	list_for_each_entry(block, blocks, link) {
		offset = gpu_buddy_block_offset(block);
		end = offset + gpu_buddy_block_size(&vf->vram.buddy, block);
		for (; offset < end; offset += bytes) {
			bytes = min(end - offset, (u64)CLEAR_BYTES);
			memset_io(vf->vram.window + offset, 0, bytes);
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
	}
	return 0;
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

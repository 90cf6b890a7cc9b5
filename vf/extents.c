// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents: which contiguous pieces of memory a buffer consists of. They are found
 * by binary search, as a mapping asks for each piece, and a page fault of the CPU
 * for any.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "extents.h"

/**
 * vgpu_vf_extents_init() - none yet
 * @extents: to be filled by vgpu_vf_extents_add()
 * @room: calls of it, at least 1
 *
 * Return: 0 or -ENOMEM
 */
int vgpu_vf_extents_init(struct vgpu_vf_extents *extents, unsigned int room)
{
	extents->size = 0;
	extents->count = 0;
	extents->pieces = kvmalloc_array(room, sizeof(*extents->pieces), GFP_KERNEL);
	return extents->pieces ? 0 : -ENOMEM;
}

/**
 * vgpu_vf_extents_fini() - free
 * @extents: of vgpu_vf_extents_init(), or zero
 */
void vgpu_vf_extents_fini(struct vgpu_vf_extents *extents)
{
	kvfree(extents->pieces);
	extents->pieces = NULL;
	extents->count = 0;
}

/**
 * vgpu_vf_extents_add() - the buffer goes on there
 * @extents: there is room
 * @addr: in function space
 * @bytes: more than 0
 */
void vgpu_vf_extents_add(struct vgpu_vf_extents *extents, u64 addr, u64 bytes)
{
	struct vgpu_vf_piece *end = extents->pieces + extents->count;

	if (!extents->count || end[-1].addr + (extents->size - end[-1].offset) != addr) {
		*end = (struct vgpu_vf_piece){ .offset = extents->size, .addr = addr };
		extents->count++;
	}
	extents->size += bytes;
}

/**
 * vgpu_vf_extents_find() - the contiguous memory from an offset on
 * @extents: of the buffer
 * @offset: in the buffer, less than its size
 *
 * Return: what begins at @offset
 */
struct vgpu_vf_extent vgpu_vf_extents_find(const struct vgpu_vf_extents *extents,
					   u64 offset)
{
	const struct vgpu_vf_piece *pieces = extents->pieces;
	unsigned int low = 0, high = extents->count, middle;
	u64 end;

	/* pieces[low] begins at @offset or before, pieces[high] behind it. */
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (pieces[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	end = high < extents->count ? pieces[high].offset : extents->size;
	return (struct vgpu_vf_extent){
		.addr = pieces[low].addr + (offset - pieces[low].offset),
		.bytes = end - offset,
	};
}

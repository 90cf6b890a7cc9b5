/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_EXTENTS_H
#define VGPU_VF_EXTENTS_H

#include <linux/types.h>

/**
 * struct vgpu_vf_extent - a part of a buffer that is contiguous for the GPU
 * @addr: in function space (VRAM offset, or VGPU_ADDR_SYSTEM and DMA address)
 * @bytes: at least one page
 */
struct vgpu_vf_extent {
	u64 addr;
	u64 bytes;
};

/**
 * struct vgpu_vf_piece - where a part of a buffer begins
 * @offset: in the buffer
 * @addr: in function space
 */
struct vgpu_vf_piece {
	u64 offset;
	u64 addr;
};

/**
 * struct vgpu_vf_extents - a whole buffer, as the GPU finds it
 * @size: bytes
 * @count: of @pieces
 * @pieces: by offset; one ends where the next begins, the last at @size
 */
struct vgpu_vf_extents {
	u64 size;
	unsigned int count;
	struct vgpu_vf_piece *pieces;
};

int vgpu_vf_extents_init(struct vgpu_vf_extents *extents, unsigned int room);
void vgpu_vf_extents_fini(struct vgpu_vf_extents *extents);
void vgpu_vf_extents_add(struct vgpu_vf_extents *extents, u64 addr, u64 bytes);
struct vgpu_vf_extent vgpu_vf_extents_find(const struct vgpu_vf_extents *extents,
					   u64 offset);

#endif

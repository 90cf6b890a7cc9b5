/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_VRAM_H
#define VGPU_VF_VRAM_H

#include <linux/list.h>
#include <linux/mutex.h>

#include <drm/ttm/ttm_resource.h>

#include "compat.h"
#include "extents.h"

struct page;
struct vgpu_vf;

/**
 * struct vgpu_vf_vram - the function's VRAM, as far as the CPU can reach it
 * @window: where offset 0 would be; all that is the function's is mapped write-combined
 * @start: physical address of offset 0
 * @base: offset of the first byte that is the function's: 0 on a VF
 * @size: bytes that are
 * @manager: TTM's view of it
 * @lock: serialises @buddy, protects @pinned
 * @buddy: who has what
 * @pinned: bytes that the driver itself has, which nothing can make room in
 *
 * Offsets in here are those that the GPU uses in function space.
 */
struct vgpu_vf_vram {
	void __iomem *window;
	resource_size_t start;
	u64 base;
	u64 size;
	struct ttm_resource_manager manager;
	struct mutex lock; /* see above */
	struct gpu_buddy buddy;
	u64 pinned;
};

int vgpu_vf_vram_init(struct vgpu_vf *vf);
void vgpu_vf_vram_manage(struct vgpu_vf *vf);
u64 vgpu_vf_vram_available(struct vgpu_vf *vf);

/* What one buffer has of it. */
const struct vgpu_vf_extents *vgpu_vf_vram_extents(struct ttm_resource *resource);
int vgpu_vf_vram_clear(struct vgpu_vf *vf, struct ttm_resource *resource);
int vgpu_vf_vram_write(struct vgpu_vf *vf, struct ttm_resource *resource,
		       struct page **pages);
int vgpu_vf_vram_read(struct vgpu_vf *vf, struct ttm_resource *resource,
		      struct page **pages);
void vgpu_vf_vram_access(struct vgpu_vf *vf, struct ttm_resource *resource, u64 offset,
			 void *data, size_t bytes, bool write);

#endif

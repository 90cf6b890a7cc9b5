/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_VRAM_H
#define VGPU_VF_VRAM_H

#include <linux/list.h>
#include <linux/mutex.h>

#include "compat.h"

struct vgpu_vf;

/**
 * struct vgpu_vf_vram - the function's VRAM, as far as the CPU can reach it
 * @window: all of it, mapped write-combined
 * @start: physical address of the window
 * @size: bytes
 * @lock: serialises @buddy
 * @buddy: who has what
 *
 * Offsets in here are those that the GPU uses in function space.
 */
struct vgpu_vf_vram {
	void __iomem *window;
	resource_size_t start;
	u64 size;
	struct mutex lock; /* see above */
	struct gpu_buddy buddy;
};

int vgpu_vf_vram_init(struct vgpu_vf *vf);
int vgpu_vf_vram_alloc(struct vgpu_vf *vf, u64 size, bool single,
		       struct list_head *blocks);
void vgpu_vf_vram_free(struct vgpu_vf *vf, struct list_head *blocks);
u64 vgpu_vf_vram_offset(const struct list_head *blocks);
int vgpu_vf_vram_clear(struct vgpu_vf *vf, const struct list_head *blocks);
u64 vgpu_vf_vram_available(struct vgpu_vf *vf);

#endif

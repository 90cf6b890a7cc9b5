/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_BO_H
#define VGPU_VF_BO_H

#include <linux/mutex.h>

#include <drm/drm_gem.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_placement.h>

#include "extents.h"
#include "memory.h"

struct drm_file;
struct drm_printer;
struct ttm_operation_ctx;
struct vgpu_vf;
struct vgpu_vf_import;
struct vgpu_vf_vm;

/**
 * struct vgpu_vf_bo - a buffer
 * @ttm: TTM's object, and in it the GEM object
 * @flags: DRM_VGPU_GEM_*; 0 is a buffer of the driver itself
 * @where: DRM_VGPU_GEM_*: where it is now; 0 if swapped out. Written by who holds
 *	the reservation, read by anybody.
 * @vm: the only one that may map it, a reference but not a user; or NULL
 * @import: what it has of another driver; or NULL
 * @places: where it may be, best first
 * @placement: of them
 * @departure: of its memory
 * @gpuva_lock: protects the GEM object's list of mappings, which asynchronous
 *	binds change: nothing is allocated under it. Taken after the VM's lock.
 */
struct vgpu_vf_bo {
	struct ttm_buffer_object ttm;
	u32 flags;
	u32 where;
	struct vgpu_vf_vm *vm;
	struct vgpu_vf_import *import;
	struct ttm_place places[2];
	struct ttm_placement placement;
	struct vgpu_vf_departure departure;
	struct mutex gpuva_lock; /* see above */
};

static inline struct vgpu_vf_bo *ttm_to_vgpu_vf_bo(struct ttm_buffer_object *ttm)
{
	return container_of(ttm, struct vgpu_vf_bo, ttm);
}

static inline struct vgpu_vf_bo *to_vgpu_vf_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct vgpu_vf_bo, ttm.base);
}

/* Of the driver: in VRAM, never moved; lost in a reset. */
struct vgpu_vf_bo *vgpu_vf_bo_create_pinned(struct vgpu_vf *vf, u64 size);
void vgpu_vf_bo_destroy_pinned(struct vgpu_vf_bo *bo);

/* Of another driver */
struct vgpu_vf_bo *vgpu_vf_bo_create_import(struct vgpu_vf *vf, u64 size,
					    struct dma_resv *resv,
					    struct vgpu_vf_import *import);
void vgpu_vf_bo_finish(struct vgpu_vf_bo *bo);

int vgpu_vf_bo_validate_at(struct vgpu_vf_bo *bo, struct ttm_placement *placement,
			   struct ttm_operation_ctx *ctx);
int vgpu_vf_bo_validate(struct vgpu_vf_bo *bo, struct ttm_operation_ctx *ctx);
struct vgpu_vf_extent vgpu_vf_bo_extent(struct vgpu_vf_bo *bo, u64 offset);
void vgpu_vf_bo_moved(struct vgpu_vf_bo *bo);

int vgpu_vf_ioctl_gem_create(struct drm_device *drm, void *data, struct drm_file *file);
int vgpu_vf_ioctl_gem_info(struct drm_device *drm, void *data, struct drm_file *file);
int vgpu_vf_ioctl_gem_mmap_offset(struct drm_device *drm, void *data,
				  struct drm_file *file);
void vgpu_vf_bo_show_memory(struct drm_printer *printer, struct drm_file *file);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_BO_H
#define VGPU_VF_BO_H

#include <linux/list.h>

#include <drm/drm_gem.h>

/**
 * struct vgpu_vf_bo - a buffer in VRAM
 * @base: GEM object
 * @flags: DRM_VGPU_GEM_*
 * @blocks: VRAM
 * @substitute: page that its mappings show when the device is gone, or NULL
 */
struct vgpu_vf_bo {
	struct drm_gem_object base;
	u32 flags;
	struct list_head blocks;
	struct page *substitute;
};

static inline struct vgpu_vf_bo *to_vgpu_vf_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct vgpu_vf_bo, base);
}

int vgpu_vf_ioctl_gem_create(struct drm_device *drm, void *data, struct drm_file *file);
int vgpu_vf_ioctl_gem_info(struct drm_device *drm, void *data, struct drm_file *file);
int vgpu_vf_ioctl_gem_mmap_offset(struct drm_device *drm, void *data,
				  struct drm_file *file);

#endif

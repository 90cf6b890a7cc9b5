/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_PRIME_H
#define VGPU_VF_PRIME_H

#include <linux/list.h>
#include <linux/workqueue.h>

struct dma_buf;
struct dma_buf_attachment;
struct drm_device;
struct drm_gem_object;
struct iosys_map;
struct sg_table;
struct vgpu_vf;
struct vgpu_vf_bo;
struct vm_area_struct;

/**
 * struct vgpu_vf_import - what makes a buffer of another driver's dma-buf
 * @vf: the function; a reference
 * @bo: the buffer; NULL if it could not be made
 * @dmabuf: a reference
 * @attachment: to @dmabuf; or NULL: not yet, or somebody has taken it, to detach it
 * @sgt: memory of @attachment
 * @link: in memory.imports, as long as @dmabuf may be attached, or is to be
 * @release: detaches it, and frees the buffer
 */
struct vgpu_vf_import {
	struct vgpu_vf *vf;
	struct vgpu_vf_bo *bo;
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attachment;
	struct sg_table *sgt;
	struct list_head link;
	struct work_struct release;
};

/* Of struct drm_driver */
struct drm_gem_object *vgpu_vf_prime_import(struct drm_device *drm, struct dma_buf *dmabuf);

/* Of struct drm_gem_object_funcs */
struct dma_buf *vgpu_vf_prime_export(struct drm_gem_object *obj, int flags);
int vgpu_vf_prime_pin(struct drm_gem_object *obj);
void vgpu_vf_prime_unpin(struct drm_gem_object *obj);
int vgpu_vf_prime_vmap(struct drm_gem_object *obj, struct iosys_map *map);
void vgpu_vf_prime_vunmap(struct drm_gem_object *obj, struct iosys_map *map);

int vgpu_vf_prime_mmap(struct vgpu_vf_bo *bo, struct vm_area_struct *vma);
void vgpu_vf_prime_release(struct vgpu_vf_import *import);
void vgpu_vf_prime_unplug(struct vgpu_vf *vf);

#endif

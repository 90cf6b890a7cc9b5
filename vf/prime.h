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
 * @bo: the buffer
 * @dmabuf: a reference; with it one of the device
 * @attachment: to @dmabuf; or NULL: the import has failed, or somebody has taken it, to
 *	detach it
 * @sgt: memory of @attachment
 * @link: in memory.imports, as long as the buffer may be attached
 * @release: detaches it, and frees the buffer
 */
struct vgpu_vf_import {
	struct vgpu_vf_bo *bo;
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attachment;
	struct sg_table *sgt;
	struct list_head link;
	struct work_struct release;
};

/* Of struct drm_driver */
struct drm_gem_object *vgpu_vf_prime_import(struct drm_device *drm, struct dma_buf *dmabuf);
struct drm_gem_object *
vgpu_vf_prime_import_sg_table(struct drm_device *drm,
			      struct dma_buf_attachment *attachment, struct sg_table *sgt);

/* Of struct drm_gem_object_funcs */
struct dma_buf *vgpu_vf_prime_export(struct drm_gem_object *obj, int flags);
int vgpu_vf_prime_pin(struct drm_gem_object *obj);
void vgpu_vf_prime_unpin(struct drm_gem_object *obj);
int vgpu_vf_prime_vmap(struct drm_gem_object *obj, struct iosys_map *map);
void vgpu_vf_prime_vunmap(struct drm_gem_object *obj, struct iosys_map *map);

int vgpu_vf_prime_mmap(struct vgpu_vf_bo *bo, struct vm_area_struct *vma);
void vgpu_vf_prime_forget(struct vgpu_vf *vf, struct vgpu_vf_import *import);
void vgpu_vf_prime_release(struct vgpu_vf_bo *bo);
void vgpu_vf_prime_unplug(struct vgpu_vf *vf);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_MAPPING_H
#define VGPU_VF_MAPPING_H

#include <linux/list.h>

#include <drm/drm_gpuvm.h>

#include "pagetable.h"

struct vgpu_vf_bo;
struct vgpu_vf_vm;

/** VGPU_VF_MAPPINGS_OF_OP - mappings that one operation makes at most: one, and what
 * is left of others before it and behind it
 */
#define VGPU_VF_MAPPINGS_OF_OP	3

/**
 * struct vgpu_vf_mapping - a part of a buffer, or nothing (sparse), at an address
 * @base: for drm_gpuvm
 * @entry: bits of its page table entries, struct vgpu_vf_range
 * @link: in struct vgpu_vf_change, before it is mapped and when it is not any more
 * @vm_bo: a reference, when it is not mapped any more; or NULL
 */
struct vgpu_vf_mapping {
	struct drm_gpuva base;
	u64 entry;
	struct list_head link;
	struct drm_gpuvm_bo *vm_bo;
};

/**
 * struct vgpu_vf_change - what changes of a VM's mappings need and leave over
 * @fresh: struct vgpu_vf_mapping that can be used
 * @removed: struct vgpu_vf_mapping that are not mapped any more
 * @stock: page tables
 *
 * Nothing is allocated while mappings change, and no buffer is freed.
 */
struct vgpu_vf_change {
	struct list_head fresh;
	struct list_head removed;
	struct vgpu_vf_stock stock;
};

void vgpu_vf_change_init(struct vgpu_vf_change *change);
int vgpu_vf_change_prepare(struct vgpu_vf_change *change, unsigned int mappings);
void vgpu_vf_change_map(struct vgpu_vf_vm *vm, struct vgpu_vf_change *change,
			const struct vgpu_vf_range *range, struct drm_gpuvm_bo *vm_bo);
void vgpu_vf_change_settle(struct vgpu_vf_change *change);
void vgpu_vf_change_free(struct vgpu_vf_vm *vm, struct vgpu_vf_change *change);

void vgpu_vf_mappings_remove_all(struct vgpu_vf_vm *vm, struct vgpu_vf_change *change);
int vgpu_vf_mappings_renew(struct vgpu_vf_vm *vm, struct drm_gpuvm_bo *vm_bo);

struct drm_gpuvm_bo *vgpu_vf_vm_bo_obtain(struct vgpu_vf_vm *vm, struct vgpu_vf_bo *bo);
void vgpu_vf_vm_bo_put(struct drm_gpuvm_bo *vm_bo);

int vgpu_vf_step_map(struct drm_gpuva_op *op, void *data);
int vgpu_vf_step_remap(struct drm_gpuva_op *op, void *data);
int vgpu_vf_step_unmap(struct drm_gpuva_op *op, void *data);

#endif

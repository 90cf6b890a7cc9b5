/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_PAGETABLE_H
#define VGPU_VF_PAGETABLE_H

#include <linux/list.h>
#include <linux/types.h>

#include <vgpu/mmu.h>

struct vgpu_vf_bo;
struct vgpu_vf_context;

/**
 * struct vgpu_vf_table - one page table
 * @link: in context->tables
 * @dirty: in context->dirty, if VRAM has not got all of it yet
 * @level: 3 is the top
 * @blocks: VRAM of it, one block
 * @offset: of that, in VRAM
 * @entries: what it contains; what VRAM has is a copy
 * @dirty_first: first entry that VRAM has not got yet
 * @dirty_end: behind the last one
 * @children: tables of the next level, by entry; NULL at level 0
 */
struct vgpu_vf_table {
	struct list_head link;
	struct list_head dirty;
	unsigned int level;
	struct list_head blocks;
	u64 offset;
	__le64 *entries;
	unsigned int dirty_first;
	unsigned int dirty_end;
	struct vgpu_vf_table **children;
};

struct vgpu_vf_table *vgpu_vf_table_create(struct vgpu_vf_context *context,
					   unsigned int level);
void vgpu_vf_tables_free(struct vgpu_vf_context *context);
int vgpu_vf_tables_map(struct vgpu_vf_context *context, u64 va, struct vgpu_vf_bo *bo);
void vgpu_vf_tables_unmap(struct vgpu_vf_context *context, u64 va, u64 size);
void vgpu_vf_tables_write(struct vgpu_vf_context *context);
void vgpu_vf_tables_touch(struct vgpu_vf_context *context);

#endif

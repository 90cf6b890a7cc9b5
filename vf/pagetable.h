/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_PAGETABLE_H
#define VGPU_VF_PAGETABLE_H

#include <linux/list.h>
#include <linux/types.h>

#include <vgpu/mmu.h>

struct vgpu_vf_bo;
struct vgpu_vf_vm;

/** VGPU_VF_SPARE_TABLES - empty page tables that a VM keeps for its next binds */
#define VGPU_VF_SPARE_TABLES	4

/**
 * struct vgpu_vf_table - one page table
 * @link: in vm->tables while it is part of the tree, else where it waits
 * @dirty: in vm->dirty, if VRAM has not got all of it yet
 * @level: 3 is the top
 * @used: entries that are not zero
 * @bo: its VRAM
 * @addr: of that, VRAM offset
 * @entries: what it contains; what VRAM has is a copy
 * @dirty_first: first entry that VRAM has not got yet
 * @dirty_end: behind the last one
 */
struct vgpu_vf_table {
	struct list_head link;
	struct list_head dirty;
	unsigned int level;
	unsigned int used;
	struct vgpu_vf_bo *bo;
	u64 addr;
	__le64 *entries;
	unsigned int dirty_first;
	unsigned int dirty_end;
};

/**
 * struct vgpu_vf_stock - page tables that changes of a VM need and leave over
 * @empty: without an entry, ready to become part of the tree
 * @count: of @empty
 * @stale: have been part of the tree; the hardware may use them until it has been
 *	told to invalidate
 */
struct vgpu_vf_stock {
	struct list_head empty;
	unsigned int count;
	struct list_head stale;
};

/**
 * struct vgpu_vf_range - what becomes of a range of addresses
 * @addr: first address, multiple of 4 KiB
 * @size: bytes, multiple of 4 KiB
 * @entry: bits of each entry besides ADDR, SYSTEM, LEAF; 0: nothing is mapped there
 * @bo: the buffer that is mapped there, or NULL
 * @offset: where in @bo
 */
struct vgpu_vf_range {
	u64 addr;
	u64 size;
	u64 entry;
	struct vgpu_vf_bo *bo;
	u64 offset;
};

/**
 * struct vgpu_vf_need - places in a tree that may get a page table
 * @level: of the tables
 * @first: address of the first place, in units of what one table translates
 * @last: address of the last place
 */
struct vgpu_vf_need {
	unsigned int level;
	u64 first;
	u64 last;
};

/** VGPU_VF_NEEDS_OF_RANGE - what vgpu_vf_tables_needs() writes at most */
#define VGPU_VF_NEEDS_OF_RANGE	(VGPU_PT_LEVELS + 1)

unsigned int vgpu_vf_tables_needs(const struct vgpu_vf_range *range,
				  struct vgpu_vf_need *needs);
u64 vgpu_vf_tables_count(struct vgpu_vf_need *needs, unsigned int count);

void vgpu_vf_stock_init(struct vgpu_vf_stock *stock);
int vgpu_vf_stock_fill(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock, u64 count);
void vgpu_vf_stock_take(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock, u64 count);
void vgpu_vf_stock_keep(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock);
void vgpu_vf_stock_drop(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock);

void vgpu_vf_tables_init(struct vgpu_vf_vm *vm);
int vgpu_vf_tables_plant(struct vgpu_vf_vm *vm);
void vgpu_vf_tables_fell(struct vgpu_vf_vm *vm);
void vgpu_vf_tables_set(struct vgpu_vf_vm *vm, const struct vgpu_vf_range *range,
			struct vgpu_vf_stock *stock);
u64 vgpu_vf_tables_splits(struct vgpu_vf_vm *vm, const struct vgpu_vf_range *range);
void vgpu_vf_tables_touch(struct vgpu_vf_vm *vm);
void vgpu_vf_tables_flush(struct vgpu_vf_vm *vm);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of a context: kept in system memory, copied to VRAM, which can be
 * written but not be read quickly, and is lost when the function is reset.
 *
 * Tables stay until the context goes. Addresses are given out lowest first, so
 * they take one part in 512 of what was mapped at most.
 *
 * The caller holds context->lock, and has entered the device for all that writes
 * to VRAM.
 */
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <drm/vgpu_drm.h>

#include "bo.h"
#include "context.h"
#include "device.h"
#include "pagetable.h"

#define TABLE_BYTES	(VGPU_PT_ENTRIES * sizeof(__le64))
#define PAGE_BYTES	BIT_ULL(VGPU_PAGE_SHIFT)
#define BIG_PAGE_BYTES	BIT_ULL(VGPU_BIG_PAGE_SHIFT)

static unsigned int index_of(u64 va, unsigned int level)
{
	return (va >> VGPU_PT_SHIFT(level)) & (VGPU_PT_ENTRIES - 1);
}

static void mark_dirty(struct vgpu_vf_context *context, struct vgpu_vf_table *table,
		       unsigned int first, unsigned int end)
{
	if (list_empty(&table->dirty)) {
		list_add_tail(&table->dirty, &context->dirty);
		table->dirty_first = first;
		table->dirty_end = end;
	} else {
		table->dirty_first = min(table->dirty_first, first);
		table->dirty_end = max(table->dirty_end, end);
	}
}

static void set_entry(struct vgpu_vf_context *context, struct vgpu_vf_table *table,
		      unsigned int index, u64 entry)
{
	table->entries[index] = cpu_to_le64(entry);
	mark_dirty(context, table, index, index + 1);
}

static void write_table(struct vgpu_vf_context *context, struct vgpu_vf_table *table)
{
	memcpy_toio(context->vf->vram.window + table->offset +
		    table->dirty_first * sizeof(*table->entries),
		    &table->entries[table->dirty_first],
		    (table->dirty_end - table->dirty_first) * sizeof(*table->entries));
	list_del_init(&table->dirty);
}

/**
 * vgpu_vf_tables_write() - bring VRAM up to date
 * @context: the context
 *
 * The engine has not noticed yet: it must be told to invalidate.
 */
void vgpu_vf_tables_write(struct vgpu_vf_context *context)
{
	struct vgpu_vf_table *table, *next;

	list_for_each_entry_safe(table, next, &context->dirty, dirty)
		write_table(context, table);
}

/**
 * vgpu_vf_tables_touch() - VRAM has lost everything
 * @context: the context
 */
void vgpu_vf_tables_touch(struct vgpu_vf_context *context)
{
	struct vgpu_vf_table *table;

	list_for_each_entry(table, &context->tables, link)
		mark_dirty(context, table, 0, VGPU_PT_ENTRIES);
}

static void free_table(struct vgpu_vf_context *context, struct vgpu_vf_table *table)
{
	vgpu_vf_vram_free(context->vf, &table->blocks);
	kfree(table->children);
	kfree(table->entries);
	kfree(table);
}

static struct vgpu_vf_table *alloc_table(struct vgpu_vf_context *context,
					 unsigned int level)
{
	struct vgpu_vf_table *table = kzalloc(sizeof(*table), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!table)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&table->blocks);
	INIT_LIST_HEAD(&table->dirty);
	table->level = level;
	table->entries = kzalloc(TABLE_BYTES, GFP_KERNEL);
	if (level)
		table->children = kcalloc(VGPU_PT_ENTRIES, sizeof(*table->children),
					  GFP_KERNEL);
	if (table->entries && (table->children || !level))
		ret = vgpu_vf_vram_alloc(context->vf, TABLE_BYTES, true, &table->blocks);
	if (!ret)
		return table;
	free_table(context, table);
	return ERR_PTR(ret);
}

/**
 * vgpu_vf_table_create() - a table without a valid entry, in VRAM too
 * @context: the context
 * @level: 3…0
 *
 * What the VRAM held before may have been written by some process: it must be
 * gone before another table points there.
 *
 * Return: the table, or an errno as pointer
 */
struct vgpu_vf_table *vgpu_vf_table_create(struct vgpu_vf_context *context,
					   unsigned int level)
{
	struct vgpu_vf_table *table = alloc_table(context, level);

	if (IS_ERR(table))
		return table;
	table->offset = vgpu_vf_vram_offset(&table->blocks);
	list_add_tail(&table->link, &context->tables);
	mark_dirty(context, table, 0, VGPU_PT_ENTRIES);
	write_table(context, table);
	/* VRAM is written write-combined. */
	wmb();
	return table;
}

/**
 * vgpu_vf_tables_free() - when the engine cannot reach them any more
 * @context: the context
 */
void vgpu_vf_tables_free(struct vgpu_vf_context *context)
{
	struct vgpu_vf_table *table, *next;

	list_for_each_entry_safe(table, next, &context->tables, link) {
		list_del(&table->link);
		free_table(context, table);
	}
	INIT_LIST_HEAD(&context->dirty);
	context->root = NULL;
}

/* The table at @level that translates @va, made if it does not exist. */
static struct vgpu_vf_table *table_at(struct vgpu_vf_context *context, u64 va,
				      unsigned int level)
{
	struct vgpu_vf_table *table = context->root;

	while (table->level > level) {
		unsigned int index = index_of(va, table->level);
		struct vgpu_vf_table *child = table->children[index];

		if (!child) {
			child = vgpu_vf_table_create(context, table->level - 1);
			if (IS_ERR(child))
				return child;
			table->children[index] = child;
			set_entry(context, table, index, child->offset | VGPU_PTE_VALID);
		}
		table = child;
	}
	return table;
}

/* Returns how many bytes have been mapped, or a negative errno. */
static s64 map_page(struct vgpu_vf_context *context, u64 va, u64 offset, u64 bytes,
		    u64 rights)
{
	struct vgpu_vf_table *table;

	if (IS_ALIGNED(va | offset, BIG_PAGE_BYTES) && bytes >= BIG_PAGE_BYTES) {
		table = table_at(context, va, 1);
		if (IS_ERR(table))
			return PTR_ERR(table);
		/* There may be a table here from smaller buffers before. */
		if (!table->children[index_of(va, 1)]) {
			set_entry(context, table, index_of(va, 1),
				  offset | rights | VGPU_PTE_VALID | VGPU_PTE_LEAF);
			return BIG_PAGE_BYTES;
		}
	}

	table = table_at(context, va, 0);
	if (IS_ERR(table))
		return PTR_ERR(table);
	set_entry(context, table, index_of(va, 0), offset | rights | VGPU_PTE_VALID);
	return PAGE_BYTES;
}

static u64 rights_of(const struct vgpu_vf_bo *bo)
{
	return (bo->flags & DRM_VGPU_GEM_READ ? VGPU_PTE_READ : 0) |
	       (bo->flags & DRM_VGPU_GEM_WRITE ? VGPU_PTE_WRITE : 0) |
	       (bo->flags & DRM_VGPU_GEM_EXECUTE ? VGPU_PTE_EXECUTE : 0);
}

static s64 map_block(struct vgpu_vf_context *context, u64 va, struct vgpu_vf_bo *bo,
		     struct gpu_buddy_block *block)
{
	u64 size = gpu_buddy_block_size(&context->vf->vram.buddy, block);
	u64 offset = gpu_buddy_block_offset(block);
	u64 done = 0;
	s64 bytes;

	while (done < size) {
		bytes = map_page(context, va + done, offset + done, size - done,
				 rights_of(bo));
		if (bytes < 0)
			return bytes;
		done += bytes;
	}
	return size;
}

/**
 * vgpu_vf_tables_map() - make entries for a buffer
 * @context: the context
 * @va: where nothing is mapped
 * @bo: the buffer
 *
 * Return: 0, or an errno: nothing is mapped
 */
int vgpu_vf_tables_map(struct vgpu_vf_context *context, u64 va, struct vgpu_vf_bo *bo)
{
	struct gpu_buddy_block *block;
	u64 done = 0;
	s64 bytes;

	list_for_each_entry(block, &bo->blocks, link) {
		bytes = map_block(context, va + done, bo, block);
		if (bytes < 0) {
			vgpu_vf_tables_unmap(context, va, bo->base.size);
			return bytes;
		}
		done += bytes;
	}
	return 0;
}

/* Clears what translates @va; returns where the next entry begins. */
static u64 unmap_page(struct vgpu_vf_context *context, u64 va)
{
	struct vgpu_vf_table *table = context->root;

	while (table->level) {
		unsigned int index = index_of(va, table->level);
		struct vgpu_vf_table *child = table->children[index];

		if (!child) {
			if (table->entries[index])
				set_entry(context, table, index, 0);
			return round_down(va, BIT_ULL(VGPU_PT_SHIFT(table->level))) +
			       BIT_ULL(VGPU_PT_SHIFT(table->level));
		}
		table = child;
	}
	if (table->entries[index_of(va, 0)])
		set_entry(context, table, index_of(va, 0), 0);
	return va + PAGE_BYTES;
}

/**
 * vgpu_vf_tables_unmap() - clear entries
 * @context: the context
 * @va: first address of a buffer
 * @size: of the buffer
 */
void vgpu_vf_tables_unmap(struct vgpu_vf_context *context, u64 va, u64 size)
{
	u64 end = va + size;

	while (va < end)
		va = unmap_page(context, va);
}

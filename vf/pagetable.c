// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of a VM: kept in system memory, copied to VRAM, which can be written
 * but not be read quickly, and is lost when the function is reset.
 *
 *            fill              set: needed           set: not needed any more
 *   (VRAM) ------> stock.empty ------------> tree -----------------------> stock.stale
 *      ^             |    ^                                                    |
 *      |    drop     v    +---------- flush: the hardware has forgotten it ----+
 *      +--------- vm->spares
 *
 * What changes a tree must not allocate (bind.c), so whoever wants a change brings
 * a stock of empty tables that is enough whatever the tree looks like by then: as
 * many as there are places in the tree, in or above the range of addresses, that
 * can have a table at all when it is done. During the change, of these places
 * those that have no table are at least as many as the tables of the stock that
 * are not in use; if none of these is empty, all are stale, and one flush makes
 * them empty again. So a stock never runs out.
 *
 * The hardware walks the tree at any time. An entry is 8 bytes and is written at
 * once. Lower levels are written before higher ones, so a table is whole before it
 * can be found. Where a 2 MiB page becomes a table of the same translations, jobs
 * that use it notice nothing.
 */
#include <linux/io.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "bo.h"
#include "device.h"
#include "pagetable.h"

#define TABLE_BYTES	(VGPU_PT_ENTRIES * sizeof(__le64))
#define PAGE_BYTES	BIT_ULL(VGPU_PAGE_SHIFT)
#define BIG_PAGE_BYTES	BIT_ULL(VGPU_BIG_PAGE_SHIFT)

/**
 * struct run - a part of a range whose entries are alike
 * @bytes: of addresses
 * @entry: first one
 * @step: what each further one adds
 * @big: 2 MiB pages, else 4 KiB pages
 */
struct run {
	u64 bytes;
	u64 entry;
	u64 step;
	bool big;
};

/* What one entry at @level translates. */
static u64 entry_bytes(unsigned int level)
{
	return BIT_ULL(VGPU_PT_SHIFT(level));
}

static unsigned int index_of(u64 va, unsigned int level)
{
	return (va >> VGPU_PT_SHIFT(level)) & (VGPU_PT_ENTRIES - 1);
}

/* The part of [@va, @va + @bytes) for which pages of memory at @addr are alike. */
static struct run cut_run(u64 va, u64 addr, u64 bytes, bool anywhere)
{
	struct run run = { .bytes = bytes, .step = PAGE_BYTES };
	u64 to_boundary = round_up(va + 1, BIG_PAGE_BYTES) - va;

	if (!anywhere && !IS_ALIGNED(va ^ addr, BIG_PAGE_BYTES))
		return run;
	if (!IS_ALIGNED(va, BIG_PAGE_BYTES) || bytes < BIG_PAGE_BYTES) {
		run.bytes = min(bytes, to_boundary);
		return run;
	}
	run.bytes = round_down(bytes, BIG_PAGE_BYTES);
	run.step = BIG_PAGE_BYTES;
	run.entry = VGPU_PTE_LEAF;
	run.big = true;
	return run;
}

/* The run of a range, of which @done bytes have been dealt with. */
static struct run next_run(const struct vgpu_vf_range *range, u64 done)
{
	u64 va = range->addr + done, bytes = range->size - done;
	struct vgpu_vf_extent extent;
	struct run run;

	if (!range->bo) {
		run = cut_run(va, 0, bytes, true);
		run.step = 0;
		run.entry |= range->entry;
		return run;
	}
	extent = vgpu_vf_bo_extent(range->bo, range->offset + done);
	run = cut_run(va, extent.addr, min(bytes, extent.bytes), false);
	run.entry |= range->entry | (extent.addr & VGPU_PTE_ADDR) |
		     (extent.addr & VGPU_ADDR_SYSTEM ? VGPU_PTE_SYSTEM : 0);
	return run;
}

static void add_need(struct vgpu_vf_need *needs, unsigned int *count, unsigned int level,
		     u64 first, u64 last)
{
	needs[(*count)++] = (struct vgpu_vf_need){
		.level = level,
		.first = first >> VGPU_PT_SHIFT(level + 1),
		.last = last >> VGPU_PT_SHIFT(level + 1),
	};
}

/* Small pages that are not just at the ends, as one: from the first to the last. */
static void add_small_pages(const struct vgpu_vf_range *range, struct vgpu_vf_need *needs,
			    unsigned int *count)
{
	u64 first = U64_MAX, last = 0, done;
	struct run run;

	for (done = 0; done < range->size; done += run.bytes) {
		run = next_run(range, done);
		if (run.big)
			continue;
		first = min(first, range->addr + done);
		last = range->addr + done + run.bytes - 1;
	}
	if (first <= last)
		add_need(needs, count, 0, first, last);
}

/**
 * vgpu_vf_tables_needs() - which places may get a page table
 * @range: what is going to be set
 * @needs: gets up to VGPU_VF_NEEDS_OF_RANGE elements
 *
 * The buffer of @range, if any, cannot move.
 *
 * Return: how many elements of @needs have been written
 */
unsigned int vgpu_vf_tables_needs(const struct vgpu_vf_range *range,
				  struct vgpu_vf_need *needs)
{
	u64 first = range->addr, last = range->addr + range->size - 1;
	unsigned int level, count = 0;

	/* A 2 MiB page of which a part goes is split. */
	if (!IS_ALIGNED(first, BIG_PAGE_BYTES))
		add_need(needs, &count, 0, first, first);
	if (!IS_ALIGNED(last + 1, BIG_PAGE_BYTES))
		add_need(needs, &count, 0, last, last);
	if (!range->entry)
		return count;
	if (range->bo)
		add_small_pages(range, needs, &count);
	for (level = 1; level < VGPU_PT_LEVELS - 1; level++)
		add_need(needs, &count, level, first, last);
	return count;
}

static int compare_needs(const void *left, const void *right)
{
	const struct vgpu_vf_need *a = left, *b = right;

	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return 0;
}

/**
 * vgpu_vf_tables_count() - how many tables are enough for all needs together
 * @needs: array of needs, of any ranges of one VM; is sorted
 * @count: of @needs
 *
 * Return: number of tables
 */
u64 vgpu_vf_tables_count(struct vgpu_vf_need *needs, unsigned int count)
{
	const struct vgpu_vf_need *need, *before = NULL;
	u64 end = 0, tables = 0;

	sort(needs, count, sizeof(*needs), compare_needs, NULL);
	for (need = needs; need < needs + count; need++) {
		if (!before || before->level != need->level)
			end = 0;
		if (need->last + 1 > end)
			tables += need->last + 1 - max(end, need->first);
		end = max(end, need->last + 1);
		before = need;
	}
	return tables;
}

static void mark_dirty(struct vgpu_vf_vm *vm, struct vgpu_vf_table *table,
		       unsigned int first, unsigned int end)
{
	if (list_empty(&table->dirty)) {
		list_add_tail(&table->dirty, &vm->dirty[table->level]);
		table->dirty_first = first;
		table->dirty_end = end;
	} else {
		table->dirty_first = min(table->dirty_first, first);
		table->dirty_end = max(table->dirty_end, end);
	}
}

static void set_entry(struct vgpu_vf_vm *vm, struct vgpu_vf_table *table,
		      unsigned int index, u64 entry)
{
	table->used += !!entry - !!table->entries[index];
	table->entries[index] = cpu_to_le64(entry);
	mark_dirty(vm, table, index, index + 1);
}

static bool is_leaf(u64 entry, unsigned int level)
{
	return !level || entry & VGPU_PTE_LEAF;
}

static struct vgpu_vf_table *child_of(struct vgpu_vf_vm *vm, u64 entry)
{
	return xa_load(&vm->tables_by_addr, (entry & VGPU_PTE_ADDR) >> VGPU_PAGE_SHIFT);
}

static void table_free(struct vgpu_vf_table *table)
{
	if (!IS_ERR_OR_NULL(table->bo))
		vgpu_vf_bo_destroy_pinned(table->bo);
	kfree(table->entries);
	kfree(table);
}

static struct vgpu_vf_table *table_create(struct vgpu_vf_vm *vm)
{
	struct vgpu_vf_table *table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	int ret = -ENOMEM;

	if (!table)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&table->dirty);
	table->entries = kzalloc(TABLE_BYTES, GFP_KERNEL_ACCOUNT);
	if (!table->entries)
		goto free;
	table->bo = vgpu_vf_bo_create_pinned(vm->vf, TABLE_BYTES);
	ret = PTR_ERR_OR_ZERO(table->bo);
	if (ret)
		goto free;
	table->addr = vgpu_vf_bo_extent(table->bo, 0).addr;
	ret = xa_err(xa_store(&vm->tables_by_addr, table->addr >> VGPU_PAGE_SHIFT, table,
			      GFP_KERNEL_ACCOUNT));
	if (!ret)
		return table;
free:
	table_free(table);
	return ERR_PTR(ret);
}

static void table_destroy(struct vgpu_vf_vm *vm, struct vgpu_vf_table *table)
{
	xa_erase(&vm->tables_by_addr, table->addr >> VGPU_PAGE_SHIFT);
	table_free(table);
}

/*
 * Tables are memory that cannot be moved out of VRAM, so there is a limit. A VM may
 * have no more of them than are left for all others: one alone gets half of what
 * there is, n greedy ones get a part of n + 1 each, and who comes next finds as
 * much left (Choudhury and Hahne, "Dynamic queue length thresholds for shared-
 * memory packet switches", 1998, with alpha = 1).
 */
static int charge(struct vgpu_vf_vm *vm, u64 count)
{
	struct vgpu_vf_vms *vms = &vm->vf->vms;

	guard(mutex)(&vms->lock);
	if (count > vms->tables_max - vms->tables_used ||
	    vm->tables_used + count > vms->tables_max - vms->tables_used - count) {
		drm_dbg(&vm->vf->drm,
			"VM %u has %u page tables and wants %llu more: the function has %u of %u, and no VM gets more than are left\n",
			vm->id, vm->tables_used, count, vms->tables_used, vms->tables_max);
		return -ENOMEM;
	}
	vms->tables_used += count;
	vm->tables_used += count;
	return 0;
}

static void uncharge(struct vgpu_vf_vm *vm, unsigned int count)
{
	guard(mutex)(&vm->vf->vms.lock);
	vm->vf->vms.tables_used -= count;
	vm->tables_used -= count;
}

/**
 * vgpu_vf_stock_init() - nothing is in stock
 * @stock: the stock
 */
void vgpu_vf_stock_init(struct vgpu_vf_stock *stock)
{
	INIT_LIST_HEAD(&stock->empty);
	stock->count = 0;
	INIT_LIST_HEAD(&stock->stale);
}

/**
 * vgpu_vf_stock_take() - from the VM's spare tables
 * @vm: the VM, locked
 * @stock: gets them
 * @count: how many it shall have then, if there are as many
 */
void vgpu_vf_stock_take(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock, u64 count)
{
	lockdep_assert_held(&vm->lock);
	while (stock->count < count && vm->spare_count) {
		list_move(vm->spares.next, &stock->empty);
		stock->count++;
		vm->spare_count--;
	}
}

static int create_tables(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock,
			 unsigned int count)
{
	struct vgpu_vf_table *table;
	unsigned int i;

	for (i = 0; i < count; i++) {
		table = table_create(vm);
		if (IS_ERR(table)) {
			drm_dbg(&vm->vf->drm, "VM %u: no VRAM for %u page tables: %pe\n",
				vm->id, count, table);
			uncharge(vm, count - i);
			return PTR_ERR(table);
		}
		list_add(&table->link, &stock->empty);
		stock->count++;
		cond_resched();
	}
	return 0;
}

/**
 * vgpu_vf_stock_fill() - allocate page tables
 * @vm: the VM
 * @stock: gets them; what has been allocated before an error stays there
 * @count: how many it shall have then
 *
 * No reservation may be held.
 *
 * Return: 0; -ENOMEM: no memory, or the VM has too many; or another errno of
 * vgpu_vf_bo_create_pinned()
 */
int vgpu_vf_stock_fill(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock, u64 count)
{
	u64 missing;
	int ret;

	if (stock->count >= count)
		return 0;
	scoped_guard(mutex, &vm->lock)
		vgpu_vf_stock_take(vm, stock, count);
	missing = count - stock->count;
	if (!missing)
		return 0;
	ret = charge(vm, missing);
	return ret ?: create_tables(vm, stock, missing);
}

static void clear_stale(struct vgpu_vf_stock *stock)
{
	struct vgpu_vf_table *table;

	list_for_each_entry(table, &stock->stale, link) {
		memset(table->entries, 0, TABLE_BYTES);
		table->used = 0;
		stock->count++;
	}
	list_splice_init(&stock->stale, &stock->empty);
}

/**
 * vgpu_vf_stock_keep() - make all that is left the VM's spare tables
 * @vm: the VM, locked and flushed
 * @stock: the stock; is empty afterwards
 */
void vgpu_vf_stock_keep(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock)
{
	lockdep_assert_held(&vm->lock);
	clear_stale(stock);
	list_splice_init(&stock->empty, &vm->spares);
	vm->spare_count += stock->count;
	stock->count = 0;
}

static unsigned int destroy_tables(struct vgpu_vf_vm *vm, struct list_head *tables)
{
	struct vgpu_vf_table *table, *next;
	unsigned int count = 0;

	list_for_each_entry_safe(table, next, tables, link) {
		list_del(&table->link);
		table_destroy(vm, table);
		count++;
		cond_resched();
	}
	return count;
}

/* Stale tables that nobody will use again need not be cleared. */
static void balance_spares(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock)
{
	guard(mutex)(&vm->lock);
	if (vm->spare_count + stock->count < VGPU_VF_SPARE_TABLES)
		clear_stale(stock);
	while (vm->spare_count > VGPU_VF_SPARE_TABLES) {
		list_move(vm->spares.next, &stock->stale);
		vm->spare_count--;
	}
	while (vm->spare_count < VGPU_VF_SPARE_TABLES && stock->count) {
		list_move(stock->empty.next, &vm->spares);
		vm->spare_count++;
		stock->count--;
	}
}

/**
 * vgpu_vf_stock_drop() - give back what is left
 * @vm: the VM, flushed since @stock was used; no more than VGPU_VF_SPARE_TABLES are
 *	left to it as spare ones
 * @stock: the stock; is empty afterwards
 *
 * No reservation may be held.
 */
void vgpu_vf_stock_drop(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock)
{
	unsigned int count;

	balance_spares(vm, stock);
	count = destroy_tables(vm, &stock->empty) + destroy_tables(vm, &stock->stale);
	stock->count = 0;
	if (count)
		uncharge(vm, count);
}

/* An empty table for the tree; there always is one, see above. */
static struct vgpu_vf_table *take_table(struct vgpu_vf_vm *vm, struct vgpu_vf_stock *stock,
					unsigned int level)
{
	struct vgpu_vf_table *table;

	if (!stock->count) {
		/* The hardware forgets the stale ones, then they are as good as new. */
		vgpu_vf_tables_flush(vm);
		clear_stale(stock);
	}
	table = list_first_entry(&stock->empty, struct vgpu_vf_table, link);
	list_move_tail(&table->link, &vm->tables);
	stock->count--;
	table->level = level;
	mark_dirty(vm, table, 0, VGPU_PT_ENTRIES);
	return table;
}

/* Takes a table and all below it out of the tree; nothing points there any more. */
static void remove_table(struct vgpu_vf_vm *vm, struct vgpu_vf_table *table,
			 struct vgpu_vf_stock *stock)
{
	unsigned int i, left = table->level ? table->used : 0;

	for (i = 0; left; i++) {
		u64 entry = le64_to_cpu(table->entries[i]);

		if (!entry)
			continue;
		left--;
		if (!is_leaf(entry, table->level))
			remove_table(vm, child_of(vm, entry), stock);
	}
	list_del_init(&table->dirty);
	list_move(&table->link, &stock->stale);
}

static void fill_table(struct vgpu_vf_table *table, u64 entry)
{
	u64 step = entry & VGPU_PTE_SPARSE ? 0 : PAGE_BYTES;
	unsigned int i;

	entry &= ~VGPU_PTE_LEAF;
	for (i = 0; i < VGPU_PT_ENTRIES; i++, entry += step)
		table->entries[i] = cpu_to_le64(entry);
	table->used = VGPU_PT_ENTRIES;
}

/* The table that the entry points to, made if it is empty or a 2 MiB page. */
static struct vgpu_vf_table *need_child(struct vgpu_vf_vm *vm, struct vgpu_vf_table *table,
					unsigned int index, struct vgpu_vf_stock *stock)
{
	u64 entry = le64_to_cpu(table->entries[index]);
	struct vgpu_vf_table *child;

	if (entry && !is_leaf(entry, table->level))
		return child_of(vm, entry);
	child = take_table(vm, stock, table->level - 1);
	if (entry)
		fill_table(child, entry);
	set_entry(vm, table, index, child->addr | VGPU_PTE_VALID);
	return child;
}

static struct vgpu_vf_table *table_at(struct vgpu_vf_vm *vm, u64 va, unsigned int level,
				      struct vgpu_vf_stock *stock)
{
	struct vgpu_vf_table *table = vm->root;

	while (table->level > level)
		table = need_child(vm, table, index_of(va, table->level), stock);
	return table;
}

/* Writes entries [@first, @first + @count) of one table. */
static void set_entries(struct vgpu_vf_vm *vm, struct vgpu_vf_table *table,
			unsigned int first, unsigned int count, const struct run *run,
			u64 entry, struct vgpu_vf_stock *stock)
{
	__le64 *slot = &table->entries[first], *end = slot + count;

	for (; slot < end; slot++, entry += run->step) {
		u64 old = le64_to_cpu(*slot);

		*slot = cpu_to_le64(entry);
		if (!old)
			table->used++;
		else if (!is_leaf(old, table->level))
			remove_table(vm, child_of(vm, old), stock);
	}
	mark_dirty(vm, table, first, first + count);
}

/* Consecutive short runs are often in one table: @table remembers it. */
static void set_run(struct vgpu_vf_vm *vm, u64 va, const struct run *run,
		    struct vgpu_vf_table **small, struct vgpu_vf_stock *stock)
{
	unsigned int level = run->big;
	u64 entry = run->entry, end = va + run->bytes;

	while (va < end) {
		unsigned int index = index_of(va, level), count;
		struct vgpu_vf_table *table = *small;

		if (level || !index || !table)
			table = table_at(vm, va, level, stock);
		*small = level ? NULL : table;
		count = min_t(u64, (end - va) >> VGPU_PT_SHIFT(level),
			      VGPU_PT_ENTRIES - index);
		set_entries(vm, table, index, count, run, entry, stock);
		entry += count * run->step;
		va += count * entry_bytes(level);
	}
}

static void map_range(struct vgpu_vf_vm *vm, const struct vgpu_vf_range *range,
		      struct vgpu_vf_stock *stock)
{
	struct vgpu_vf_table *small = NULL;
	struct run run;
	u64 done;

	for (done = 0; done < range->size; done += run.bytes) {
		run = next_run(range, done);
		set_run(vm, range->addr + done, &run, &small, stock);
	}
}

/* Clears [@va, @end), which @table translates, and takes out what gets empty. */
static void clear_range(struct vgpu_vf_vm *vm, struct vgpu_vf_table *table, u64 va, u64 end,
			struct vgpu_vf_stock *stock)
{
	u64 bytes = entry_bytes(table->level), next;
	struct vgpu_vf_table *child;

	for (; va < end; va = next) {
		unsigned int index = index_of(va, table->level);
		u64 entry = le64_to_cpu(table->entries[index]);

		next = min(round_down(va, bytes) + bytes, end);
		if (!entry)
			continue;
		if (next - va == bytes) {
			set_entry(vm, table, index, 0);
			if (!is_leaf(entry, table->level))
				remove_table(vm, child_of(vm, entry), stock);
			continue;
		}
		child = need_child(vm, table, index, stock);
		clear_range(vm, child, va, next, stock);
		if (child->used)
			continue;
		set_entry(vm, table, index, 0);
		remove_table(vm, child, stock);
	}
}

/**
 * vgpu_vf_tables_set() - change the translations of a range of addresses
 * @vm: the VM, locked
 * @range: what becomes of them
 * @stock: enough empty tables, vgpu_vf_tables_count(); gets those that nobody needs
 *	any more
 *
 * The hardware need not have noticed before vgpu_vf_tables_flush().
 */
void vgpu_vf_tables_set(struct vgpu_vf_vm *vm, const struct vgpu_vf_range *range,
			struct vgpu_vf_stock *stock)
{
	lockdep_assert_held(&vm->lock);
	if (range->entry)
		map_range(vm, range, stock);
	else
		clear_range(vm, vm->root, range->addr, range->addr + range->size, stock);
}

/* Is there a table of small pages for @va? */
static bool has_small_pages(struct vgpu_vf_vm *vm, u64 va)
{
	struct vgpu_vf_table *table = vm->root;
	u64 entry;

	while (table->level) {
		entry = le64_to_cpu(table->entries[index_of(va, table->level)]);
		if (!entry || is_leaf(entry, table->level))
			return false;
		table = child_of(vm, entry);
	}
	return true;
}

/**
 * vgpu_vf_tables_splits() - how many tables are needed to set a range again
 * @vm: the VM, locked
 * @range: all of it is set; the buffer may be elsewhere than it was then
 *
 * Return: number of tables
 */
u64 vgpu_vf_tables_splits(struct vgpu_vf_vm *vm, const struct vgpu_vf_range *range)
{
	u64 done, va, end, seen = 0, splits = 0;
	struct run run;

	lockdep_assert_held(&vm->lock);
	for (done = 0; done < range->size; done += run.bytes) {
		run = next_run(range, done);
		if (run.big)
			continue;
		va = max(round_down(range->addr + done, BIG_PAGE_BYTES), seen);
		end = range->addr + done + run.bytes;
		for (; va < end; va += BIG_PAGE_BYTES)
			splits += !has_small_pages(vm, va);
		seen = max(seen, round_up(end, BIG_PAGE_BYTES));
	}
	return splits;
}

/**
 * vgpu_vf_tables_touch() - VRAM has lost everything
 * @vm: the VM, locked
 */
void vgpu_vf_tables_touch(struct vgpu_vf_vm *vm)
{
	struct vgpu_vf_table *table;

	lockdep_assert_held(&vm->lock);
	list_for_each_entry(table, &vm->tables, link)
		mark_dirty(vm, table, 0, VGPU_PT_ENTRIES);
}

static void write_table(struct vgpu_vf_vm *vm, struct vgpu_vf_table *table)
{
	unsigned int first = table->dirty_first;

	/* The engine must not find half an entry, so not memcpy_toio(). */
	__iowrite64_copy(vm->vf->vram.window + table->addr + first * sizeof(__le64),
			 &table->entries[first], table->dirty_end - first);
	list_del_init(&table->dirty);
}

static bool write_tables(struct vgpu_vf_vm *vm)
{
	struct vgpu_vf_table *table, *next;
	unsigned int level;
	bool written = false;

	for (level = 0; level < VGPU_PT_LEVELS; level++) {
		if (list_empty(&vm->dirty[level]))
			continue;
		list_for_each_entry_safe(table, next, &vm->dirty[level], dirty)
			write_table(vm, table);
		/* VRAM is written write-combined, in any order. */
		wmb();
		written = true;
	}
	return written;
}

/**
 * vgpu_vf_tables_flush() - bring VRAM up to date; the hardware notices
 * @vm: the VM, locked
 *
 * While VRAM is lost, or the device gone, there is nobody to notice.
 */
void vgpu_vf_tables_flush(struct vgpu_vf_vm *vm)
{
	int index;

	lockdep_assert_held(&vm->lock);
	if (vm->lost || !drm_dev_enter(&vm->vf->drm, &index))
		return;
	if (write_tables(vm))
		vgpu_vf_vms_invalidate(vm->vf, vm->id);
	drm_dev_exit(index);
}

/**
 * vgpu_vf_tables_init() - before anything else
 * @vm: the VM
 */
void vgpu_vf_tables_init(struct vgpu_vf_vm *vm)
{
	unsigned int level;

	INIT_LIST_HEAD(&vm->tables);
	INIT_LIST_HEAD(&vm->spares);
	for (level = 0; level < VGPU_PT_LEVELS; level++)
		INIT_LIST_HEAD(&vm->dirty[level]);
	xa_init_flags(&vm->tables_by_addr, XA_FLAGS_ACCOUNT);
}

/**
 * vgpu_vf_tables_plant() - the root of the tree
 * @vm: the VM
 *
 * Return: 0 or -ENOMEM
 */
int vgpu_vf_tables_plant(struct vgpu_vf_vm *vm)
{
	struct vgpu_vf_stock stock;
	int ret;

	vgpu_vf_stock_init(&stock);
	ret = vgpu_vf_stock_fill(vm, &stock, 1);
	if (ret)
		return ret;
	guard(mutex)(&vm->lock);
	vm->root = take_table(vm, &stock, VGPU_PT_LEVELS - 1);
	return 0;
}

/**
 * vgpu_vf_tables_fell() - free all, also the root
 * @vm: the VM; the hardware does not know it any more
 */
void vgpu_vf_tables_fell(struct vgpu_vf_vm *vm)
{
	unsigned int count;

	count = destroy_tables(vm, &vm->tables) + destroy_tables(vm, &vm->spares);
	uncharge(vm, count);
	vm->spare_count = 0;
	vm->root = NULL;
	xa_destroy(&vm->tables_by_addr);
}

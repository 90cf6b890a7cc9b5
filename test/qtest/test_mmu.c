// SPDX-License-Identifier: GPL-2.0-only
/* Contexts: flat and paged address spaces. */
#include "kernels.h"

#include <endian.h>

#define BIG_PAGE	(1ull << VGPU_BIG_PAGE_SHIFT)
#define ALL_RIGHTS	(VGPU_PTE_READ | VGPU_PTE_WRITE | VGPU_PTE_EXECUTE)
/* Virtual addresses with an index of its own at every level. */
#define VA		0x123456789000ull
#define CONTEXTS	16

/**
 * struct space - the page tables of a context
 * @g: GPU
 * @in_vram: where tables are: at @next of VF 1's VRAM, or in RAM
 * @next: free VRAM
 * @root: the level 3 table, function space
 */
struct space {
	struct gpu *g;
	bool in_vram;
	uint64_t next;
	uint64_t root;
};

/* Where the processor finds VF 1's function-space address @addr. */
static uint64_t cpu(struct gpu *g, uint64_t addr)
{
	if (addr & VGPU_ADDR_SYSTEM)
		return addr & VGPU_ADDR_OFFSET;
	return g->fn[1].vram + addr;
}

static uint64_t new_table(struct space *m)
{
	uint64_t at = m->next;

	if (!m->in_vram)
		return SYSTEM(gpu_alloc(m->g, 4096));
	m->next += 4096;
	return at;
}

static struct space new_space(struct gpu *g, bool in_vram)
{
	struct space m = { .g = g, .in_vram = in_vram, .next = 3 * MIB };

	m.root = new_table(&m);
	return m;
}

static uint64_t entry_to(uint64_t addr)
{
	return VGPU_PTE_VALID | (addr & VGPU_PTE_ADDR) |
	       (addr & VGPU_ADDR_SYSTEM ? VGPU_PTE_SYSTEM : 0);
}

/* Physical address of the entry for @va at @level; tables above are made. */
static uint64_t entry_at(struct space *m, uint64_t va, int level)
{
	uint64_t table = m->root, at;
	int l;

	for (l = VGPU_PT_LEVELS - 1; ; l--) {
		uint64_t entry;

		at = cpu(m->g, table) +
		     ((va >> VGPU_PT_SHIFT(l)) & (VGPU_PT_ENTRIES - 1)) * 8;
		if (l == level)
			return at;
		entry = qtest_read64(m->g->qt, at);
		if (!(entry & VGPU_PTE_VALID)) {
			table = new_table(m);
			qtest_write64(m->g->qt, at, htole64(entry_to(table)));
		} else {
			table = (entry & VGPU_PTE_ADDR) |
				(entry & VGPU_PTE_SYSTEM ? VGPU_ADDR_SYSTEM : 0);
		}
	}
}

/* Map the 4 KiB page at @va to function-space address @to. */
static void map(struct space *m, uint64_t va, uint64_t to, uint64_t rights)
{
	qtest_write64(m->g->qt, entry_at(m, va, 0), entry_to(to) | rights);
}

static void map_big(struct space *m, uint64_t va, uint64_t to, uint64_t rights)
{
	qtest_write64(m->g->qt, entry_at(m, va, 1),
		      entry_to(to) | rights | VGPU_PTE_LEAF);
}

static uint64_t context_table;

static void set_context(struct gpu *g, unsigned int c, uint32_t flags, uint64_t root)
{
	const struct vgpu_context_desc desc = {
		.flags = htole32(flags),
		.root = htole64(root),
	};

	qtest_write(g->qt, context_table + c * sizeof(desc), &desc, sizeof(desc));
	set32(g, 1, VGPU_REG_INVALIDATE, c);
}

/* VF 1 runs, has a context table and a ring. */
static struct stream ready(struct gpu *g)
{
	if (!(reg32(g, 1, VGPU_REG_CAPS) & VGPU_CAPS_MMU))
		skip();
	context_table = gpu_alloc(g, 2 * CONTEXTS * sizeof(struct vgpu_context_desc));
	set64(g, 1, VGPU_REG_CTX_TABLE, SYSTEM(context_table));
	set32(g, 1, VGPU_REG_CTX_COUNT, CONTEXTS);
	gpu_run(g, 1);
	return gpu_ring(g, 1, 0);
}

/* A fence in function space, after which @s must be idle. */
static void expect_done(struct stream *s)
{
	uint64_t done = gpu_alloc(s->g, 8);
	uint32_t context = s->context;

	s->context = 0;
	put_fence(s, SYSTEM(done), 1);
	s->context = context;
	ring_kick(s);
	gpu_await(s->g, done, 1);
}

static void expect_fault(struct stream *s, unsigned int code, unsigned int opcode,
			 unsigned int access, unsigned int context, uint64_t addr)
{
	const uint32_t expected = VGPU_FIELD_PREP(VGPU_RING_FAULT_CODE, code) |
				  VGPU_FIELD_PREP(VGPU_RING_FAULT_OPCODE, opcode) |
				  VGPU_FIELD_PREP(VGPU_RING_FAULT_ACCESS, access) |
				  VGPU_FIELD_PREP(VGPU_RING_FAULT_CONTEXT, context);
	struct gpu *g = s->g;
	struct vgpu_event e;

	ring_kick(s);
	e = gpu_event(g, FAULT, 1);
	assert_int_equal(e.info, expected);
	assert_int_equal(e.deadline, addr);
	set64(g, 1, ring_reg(s, VGPU_RING_HEAD), s->tail);
	set32(g, 1, ring_reg(s, VGPU_RING_CTRL),
	      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
}

static void a_flat_context_is_function_space(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);

	set_context(g, 3, VGPU_CONTEXT_VALID, 0);
	s.context = 3;
	put_fill(&s, 64, 4, 0x33);
	expect_done(&s);
	assert_int_equal(qtest_read32(g->qt, g->fn[1].vram + 64), 0x33);
	put_fence(&s, GPU_RANGE_SIZE, 1);
	expect_fault(&s, VGPU_FAULT_ADDRESS, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 3,
		     GPU_RANGE_SIZE);
}

static void pages(struct gpu *g, bool tables_in_vram)
{
	struct stream s = ready(g);
	struct space m = new_space(g, tables_in_vram);
	uint64_t ram = gpu_alloc(g, 8192);

	/* Neighbours in virtual memory are not in real memory. */
	map(&m, VA, SYSTEM(ram + 4096), ALL_RIGHTS);
	map(&m, VA + 4096, MIB, ALL_RIGHTS);
	map(&m, VA + 8192, SYSTEM(ram), ALL_RIGHTS);
	set_context(g, 5, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 5;
	put_fill(&s, VA + 4000, 4096 + 192, 0x55aa55aa);
	expect_done(&s);
	assert_int_equal(qtest_read32(g->qt, ram + 4096 + 3996), 0);
	assert_int_equal(qtest_read32(g->qt, ram + 4096 + 4000), 0x55aa55aa);
	assert_int_equal(qtest_read32(g->qt, g->fn[1].vram + MIB), 0x55aa55aa);
	assert_int_equal(qtest_read32(g->qt, g->fn[1].vram + MIB + 4092), 0x55aa55aa);
	assert_int_equal(qtest_read32(g->qt, ram + 92), 0x55aa55aa);
	assert_int_equal(qtest_read32(g->qt, ram + 96), 0);
}

static void pages_of_4_kib_with_tables_in_system_memory(void **state)
{
	pages(*state, false);
}

static void pages_of_4_kib_with_tables_in_vram(void **state)
{
	pages(*state, true);
}

static void pages_of_2_mib(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false);
	const uint64_t va = VA & -BIG_PAGE;
	/* RAM that is aligned and not otherwise used. */
	const uint64_t ram = 128 * MIB;

	map_big(&m, va, SYSTEM(ram), ALL_RIGHTS);
	map_big(&m, va + BIG_PAGE, 0, ALL_RIGHTS);
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 1;
	put_fill(&s, va + BIG_PAGE - 64, 128, 7);
	put_fence(&s, va + 4096, 42);
	expect_done(&s);
	assert_int_equal(qtest_read64(g->qt, ram + 4096), 42);
	assert_int_equal(qtest_read32(g->qt, ram + BIG_PAGE - 4), 7);
	assert_int_equal(qtest_read32(g->qt, g->fn[1].vram + 60), 7);
	assert_int_equal(qtest_read32(g->qt, g->fn[1].vram + 64), 0);
}

static void contexts_are_different_spaces(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	uint64_t ram = gpu_alloc(g, 4 * 4096);
	unsigned int c;

	for (c = 1; c <= 4; c++) {
		struct space m = new_space(g, false);

		map(&m, VA, SYSTEM(ram + (c - 1) * 4096), ALL_RIGHTS);
		set_context(g, c, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
		s.context = c;
		put_fence(&s, VA, c);
	}
	expect_done(&s);
	for (c = 1; c <= 4; c++)
		assert_int_equal(qtest_read64(g->qt, ram + (c - 1) * 4096), c);
}

static void every_kernel_runs_in_scattered_pages(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g), b = gpu_buffer(g, 4096);
	struct space m = new_space(g, false);
	const unsigned int pages = JOB_BYTES / 4096;
	unsigned int i, p;

	set_context(g, 2, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	map(&m, 0x10000, SYSTEM(b.memory), VGPU_PTE_EXECUTE);
	for (i = 0; i < JOB_KERNELS; i++) {
		struct area area = { .cpu = gpu_alloc(g, JOB_BYTES), .gpu = VA };
		uint64_t scattered = gpu_alloc(g, JOB_BYTES);
		uint8_t page[4096];
		struct job job;

		/* Inputs are moved to pages in another order, and back. */
		b.tail = 0;
		job = job_put(&b, job_kernels[i], area, i + 1);
		for (p = 0; p < pages; p++) {
			uint64_t at = scattered + (p * 37 % pages) * 4096;

			map(&m, VA + p * 4096, SYSTEM(at), VGPU_PTE_READ | VGPU_PTE_WRITE);
			qtest_read(g->qt, area.cpu + p * 4096, page, sizeof(page));
			qtest_write(g->qt, at, page, sizeof(page));
		}
		set32(g, 1, VGPU_REG_INVALIDATE, 2);
		put_indirect(&s, 2, 0x10000, b.tail);
		expect_done(&s);
		for (p = 0; p < pages; p++) {
			qtest_read(g->qt, scattered + (p * 37 % pages) * 4096, page,
				   sizeof(page));
			qtest_write(g->qt, area.cpu + p * 4096, page, sizeof(page));
		}
		job_check(g, &job);
	}
}

static void fault_page_at_every_level(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false);
	uint64_t ram = gpu_alloc(g, 4096);
	int level;

	map(&m, VA, SYSTEM(ram), ALL_RIGHTS);
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 1;
	for (level = 0; level < VGPU_PT_LEVELS; level++) {
		uint64_t at = entry_at(&m, VA, level);
		uint64_t entry = qtest_read64(g->qt, at);

		qtest_write64(g->qt, at, entry & ~VGPU_PTE_VALID);
		set32(g, 1, VGPU_REG_INVALIDATE, 1);
		put_fence(&s, VA + 16, 1);
		expect_fault(&s, VGPU_FAULT_PAGE, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 1,
			     VA + 16);
		qtest_write64(g->qt, at, entry);
		set32(g, 1, VGPU_REG_INVALIDATE, VGPU_INVALIDATE_ALL);
	}
	put_fence(&s, VA + 16, 77);
	expect_done(&s);
	assert_int_equal(qtest_read64(g->qt, ram + 16), 77);
}

static void fault_page_by_reserved_bits(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false);
	uint64_t ram = gpu_alloc(g, 4096), at, entry;
	unsigned int i;
	int level;

	map(&m, VA, SYSTEM(ram), ALL_RIGHTS);
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 1;
	for (level = 0; level < VGPU_PT_LEVELS; level++) {
		static const unsigned int bits[] = { 6, 7, 8, 11, 52, 62, 63 };

		at = entry_at(&m, VA, level);
		entry = qtest_read64(g->qt, at);
		for (i = 0; i < ARRAY_SIZE(bits); i++) {
			qtest_write64(g->qt, at, entry | BIT(bits[i]));
			set32(g, 1, VGPU_REG_INVALIDATE, 1);
			put_fence(&s, VA, 1);
			expect_fault(&s, VGPU_FAULT_PAGE, VGPU_OP_FENCE,
				     VGPU_ACCESS_WRITE, 1, VA);
		}
		qtest_write64(g->qt, at, entry);
	}
	/* LEAF anywhere but at level 1. */
	for (level = 0; level < VGPU_PT_LEVELS; level++) {
		if (level == 1)
			continue;
		at = entry_at(&m, VA, level);
		entry = qtest_read64(g->qt, at);
		qtest_write64(g->qt, at, entry | ALL_RIGHTS | VGPU_PTE_LEAF);
		set32(g, 1, VGPU_REG_INVALIDATE, 1);
		put_fence(&s, VA, 1);
		expect_fault(&s, VGPU_FAULT_PAGE, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 1, VA);
		qtest_write64(g->qt, at, entry);
	}
	/* Bits 20:12 of a 2 MiB page. */
	map_big(&m, VA & -BIG_PAGE, 4096, ALL_RIGHTS);
	set32(g, 1, VGPU_REG_INVALIDATE, 1);
	put_fence(&s, VA, 1);
	expect_fault(&s, VGPU_FAULT_PAGE, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 1, VA);
}

static void fault_permission(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false);
	uint64_t ram = gpu_alloc(g, 3 * 4096);
	const uint64_t r = VA, w = VA + 4096, x = VA + 8192;

	map(&m, r, SYSTEM(ram), VGPU_PTE_READ);
	map(&m, w, SYSTEM(ram + 4096), VGPU_PTE_WRITE);
	map(&m, x, SYSTEM(ram + 8192), VGPU_PTE_EXECUTE);
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 1;

	put_copy(&s, w, r, 64);
	expect_done(&s);
	put_copy(&s, r, r + 64, 64);
	expect_fault(&s, VGPU_FAULT_PERMISSION, VGPU_OP_COPY, VGPU_ACCESS_WRITE, 1, r);
	put_copy(&s, w, w + 64, 64);
	expect_fault(&s, VGPU_FAULT_PERMISSION, VGPU_OP_COPY, VGPU_ACCESS_READ, 1, w + 64);
	put_wait(&s, x, 0);
	expect_fault(&s, VGPU_FAULT_PERMISSION, VGPU_OP_WAIT, VGPU_ACCESS_READ, 1, x);
	put_fence(&s, x, 0);
	expect_fault(&s, VGPU_FAULT_PERMISSION, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 1, x);
	put_indirect(&s, 1, r, 64);
	expect_fault(&s, VGPU_FAULT_PERMISSION, VGPU_OP_INDIRECT, VGPU_ACCESS_EXECUTE, 1, r);
	put_spin(&s, 100, 1, r + 128);
	expect_fault(&s, VGPU_FAULT_PERMISSION, VGPU_OP_DISPATCH, VGPU_ACCESS_WRITE, 1,
		     r + 128);
}

static void packets_in_an_indirect_buffer_are_in_its_context(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g), b = gpu_buffer(g, 4096);
	struct space m = new_space(g, false);
	uint64_t ram = gpu_alloc(g, 4096);

	map(&m, VA, SYSTEM(b.memory), VGPU_PTE_EXECUTE);
	map(&m, VA + 4096, SYSTEM(ram), VGPU_PTE_READ | VGPU_PTE_WRITE);
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	put_fence(&b, VA + 4096, 0x1234);
	put_fence(&b, 8 * VA & 0xffffffff0000, 0x1234);
	put_indirect(&s, 1, VA, b.tail);
	expect_fault(&s, VGPU_FAULT_PAGE, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 1,
		     8 * VA & 0xffffffff0000);
	assert_int_equal(qtest_read64(g->qt, ram), 0x1234);
}

static void fault_context(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	static const uint32_t wrong[] = { 0, VGPU_CONTEXT_PAGED, VGPU_CONTEXT_VALID | 4,
					  VGPU_CONTEXT_VALID | 0x80000000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		set_context(g, 1, wrong[i], 0);
		s.context = 1;
		put_fence(&s, 0, 1);
		expect_fault(&s, VGPU_FAULT_CONTEXT, VGPU_OP_FENCE, VGPU_ACCESS_NONE, 1, 0);
	}
	/* Beyond the table, where there might be good ones. */
	set_context(g, CONTEXTS, VGPU_CONTEXT_VALID, 0);
	s.context = CONTEXTS;
	put_fence(&s, 0, 1);
	expect_fault(&s, VGPU_FAULT_CONTEXT, VGPU_OP_FENCE, VGPU_ACCESS_NONE, CONTEXTS, 0);
	set32(g, 1, VGPU_REG_CTX_COUNT, 0);
	s.context = 1;
	put_fence(&s, 0, 1);
	expect_fault(&s, VGPU_FAULT_CONTEXT, VGPU_OP_FENCE, VGPU_ACCESS_NONE, 1, 0);
}

static void fault_context_by_reserved_fields(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false);
	const uint64_t at = context_table + sizeof(struct vgpu_context_desc);

	s.context = 1;
	/* The reserved word; the root of a flat context; a crooked root. */
	set_context(g, 1, VGPU_CONTEXT_VALID, 0);
	qtest_write32(g->qt, at + 4, 1);
	put_fence(&s, 0, 1);
	expect_fault(&s, VGPU_FAULT_CONTEXT, VGPU_OP_FENCE, VGPU_ACCESS_NONE, 1, 0);
	set_context(g, 1, VGPU_CONTEXT_VALID, 4096);
	put_fence(&s, 0, 1);
	expect_fault(&s, VGPU_FAULT_CONTEXT, VGPU_OP_FENCE, VGPU_ACCESS_NONE, 1, 0);
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root + 8);
	put_fence(&s, 0, 1);
	expect_fault(&s, VGPU_FAULT_CONTEXT, VGPU_OP_FENCE, VGPU_ACCESS_NONE, 1, 0);
}

static void fault_address_beyond_48_bits(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false);

	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 1;
	put_fence(&s, 1ull << VGPU_VA_BITS, 1);
	expect_fault(&s, VGPU_FAULT_ADDRESS, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 1,
		     1ull << VGPU_VA_BITS);
}

static void invalidate_makes_changes_seen(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false);
	uint64_t ram = gpu_alloc(g, 3 * 4096);
	unsigned int i;

	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 1;
	for (i = 0; i < 3; i++) {
		map(&m, VA, SYSTEM(ram + i * 4096), ALL_RIGHTS);
		set32(g, 1, VGPU_REG_INVALIDATE, i == 1 ? VGPU_INVALIDATE_ALL : 1);
		put_fence(&s, VA, i + 1);
		expect_done(&s);
		assert_int_equal(qtest_read64(g->qt, ram + i * 4096), i + 1);
	}
	/* Another context's does not have to; an unknown one's harms nobody. */
	set32(g, 1, VGPU_REG_INVALIDATE, 0x7fffffff);
	put_fence(&s, VA, 9);
	expect_done(&s);
	assert_int_equal(qtest_read64(g->qt, ram + 2 * 4096), 9);
}

/* Whoever forgets INVALIDATE works with what was there before. */
static void translations_and_descriptors_are_cached(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false), other = new_space(g, false);
	const struct vgpu_context_desc desc = {
		.flags = htole32(VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED),
		.root = htole64(other.root),
	};
	uint64_t ram = gpu_alloc(g, 3 * 4096);

	map(&m, VA, SYSTEM(ram), ALL_RIGHTS);
	map(&other, VA, SYSTEM(ram + 2 * 4096), ALL_RIGHTS);
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 1;
	put_fence(&s, VA, 1);
	expect_done(&s);
	map(&m, VA, SYSTEM(ram + 4096), ALL_RIGHTS);
	qtest_write(g->qt, context_table + sizeof(desc), &desc, sizeof(desc));
	set32(g, 1, VGPU_REG_INVALIDATE, 2);
	put_fence(&s, VA, 2);
	expect_done(&s);
	assert_int_equal(qtest_read64(g->qt, ram), 2);
	set32(g, 1, VGPU_REG_INVALIDATE, 1);
	put_fence(&s, VA, 3);
	expect_done(&s);
	assert_int_equal(qtest_read64(g->qt, ram + 2 * 4096), 3);
	assert_int_equal(qtest_read64(g->qt, ram + 4096), 0);
}

/* A big page that replaces small ones, and back. */
static void pages_of_both_sizes_are_cached_apart(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false);
	uint64_t big = gpu_alloc(g, 2 * BIG_PAGE), ram = gpu_alloc(g, 4096);
	uint64_t table;

	big = (big + BIG_PAGE - 1) & -BIG_PAGE;
	map(&m, VA, SYSTEM(ram), ALL_RIGHTS);
	table = qtest_read64(g->qt, entry_at(&m, VA, 1));
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 1;
	put_fence(&s, VA, 1);
	expect_done(&s);
	map_big(&m, VA & -BIG_PAGE, SYSTEM(big), ALL_RIGHTS);
	set32(g, 1, VGPU_REG_INVALIDATE, 1);
	put_fence(&s, VA, 2);
	expect_done(&s);
	assert_int_equal(qtest_read64(g->qt, big + (VA & (BIG_PAGE - 1))), 2);
	qtest_write64(g->qt, entry_at(&m, VA, 1), table);
	set32(g, 1, VGPU_REG_INVALIDATE, 1);
	put_fence(&s, VA, 3);
	expect_done(&s);
	assert_int_equal(qtest_read64(g->qt, ram), 3);
}

static void sparse_pages_read_as_zero_and_swallow_writes(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false);
	uint64_t ram = gpu_alloc(g, 4096), at;
	const uint64_t hole = VA + 4096, big = (VA & -BIG_PAGE) + BIG_PAGE;

	if (!(reg32(g, 1, VGPU_REG_CAPS) & VGPU_CAPS_SPARSE))
		skip();
	map(&m, VA, SYSTEM(ram), ALL_RIGHTS);
	at = entry_at(&m, hole, 0);
	qtest_write64(g->qt, at, VGPU_PTE_VALID | VGPU_PTE_SPARSE);
	qtest_write64(g->qt, entry_at(&m, big, 1),
		      VGPU_PTE_VALID | VGPU_PTE_SPARSE | VGPU_PTE_LEAF);
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 1;
	put_fill(&s, VA, 4096, 0x55555555);
	put_fill(&s, hole, 4096, 0x55555555);
	put_copy(&s, VA + 64, hole + 64, 64);
	put_fill(&s, big + 100 * 4096, 4096, 0x55555555);
	put_copy(&s, VA + 256, big + 100 * 4096, 64);
	expect_done(&s);
	assert_int_equal(qtest_read32(g->qt, ram + 60), 0x55555555);
	assert_int_equal(qtest_read64(g->qt, ram + 64), 0);
	assert_int_equal(qtest_read32(g->qt, ram + 128), 0x55555555);
	assert_int_equal(qtest_read64(g->qt, ram + 256), 0);

	put_indirect(&s, 1, hole, 64);
	expect_fault(&s, VGPU_FAULT_PERMISSION, VGPU_OP_INDIRECT, VGPU_ACCESS_EXECUTE, 1,
		     hole);
	/* With an address, a right, or above the leaves. */
	qtest_write64(g->qt, at, VGPU_PTE_VALID | VGPU_PTE_SPARSE | 0x1000);
	set32(g, 1, VGPU_REG_INVALIDATE, 1);
	put_fence(&s, hole, 1);
	expect_fault(&s, VGPU_FAULT_PAGE, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 1, hole);
	qtest_write64(g->qt, at, VGPU_PTE_VALID | VGPU_PTE_SPARSE | VGPU_PTE_WRITE);
	put_fence(&s, hole, 1);
	expect_fault(&s, VGPU_FAULT_PAGE, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 1, hole);
	at = entry_at(&m, hole, 2);
	qtest_write64(g->qt, at, VGPU_PTE_VALID | VGPU_PTE_SPARSE);
	put_fence(&s, hole, 1);
	expect_fault(&s, VGPU_FAULT_PAGE, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 1, hole);
}

static void tables_are_held_to_the_range_of_the_function(void **state)
{
	struct gpu *g = *state;
	struct stream s = ready(g);
	struct space m = new_space(g, false);

	/* A page, a table and a root outside VF 1's VRAM. */
	map(&m, VA, GPU_RANGE_SIZE, ALL_RIGHTS);
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, m.root);
	s.context = 1;
	put_fence(&s, VA, 1);
	expect_fault(&s, VGPU_FAULT_ADDRESS, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, 1, VA);
	qtest_write64(g->qt, entry_at(&m, VA, 1), entry_to(GPU_RANGE_SIZE));
	set32(g, 1, VGPU_REG_INVALIDATE, 1);
	put_fence(&s, VA, 1);
	expect_fault(&s, VGPU_FAULT_ADDRESS, VGPU_OP_FENCE, VGPU_ACCESS_READ, 1,
		     GPU_RANGE_SIZE + ((VA >> 12) & 511) * 8);
	set_context(g, 1, VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED, GPU_RANGE_SIZE);
	put_fence(&s, VA, 1);
	expect_fault(&s, VGPU_FAULT_ADDRESS, VGPU_OP_FENCE, VGPU_ACCESS_READ, 1,
		     GPU_RANGE_SIZE + ((VA >> 39) & 511) * 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(a_flat_context_is_function_space),
		GPU_TEST(pages_of_4_kib_with_tables_in_system_memory),
		GPU_TEST(pages_of_4_kib_with_tables_in_vram),
		GPU_TEST(pages_of_2_mib),
		GPU_TEST(contexts_are_different_spaces),
		GPU_TEST(every_kernel_runs_in_scattered_pages),
		GPU_TEST(fault_page_at_every_level),
		GPU_TEST(fault_page_by_reserved_bits),
		GPU_TEST(fault_permission),
		GPU_TEST(packets_in_an_indirect_buffer_are_in_its_context),
		GPU_TEST(fault_context),
		GPU_TEST(fault_context_by_reserved_fields),
		GPU_TEST(fault_address_beyond_48_bits),
		GPU_TEST(invalidate_makes_changes_seen),
		GPU_TEST(translations_and_descriptors_are_cached),
		GPU_TEST(pages_of_both_sizes_are_cached_apart),
		GPU_TEST(sparse_pages_read_as_zero_and_swallow_writes),
		GPU_TEST(tables_are_held_to_the_range_of_the_function),
	};

	return gpu_main("mmu", tests);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Every register: reset value, write mask, access sizes; and what is none. */
#include "gpu.h"

#include <stdlib.h>

#define ONES		(~0ull)
#define GRANULE		(~0ull - 1)	/* mask: all but the bits below the granule */
#define ANYTHING	(~0ull - 2)	/* reset value: checked elsewhere, or not fixed */

/**
 * struct reg - what a register promises
 * @name: for messages
 * @offset: in its block
 * @bits: 32 or 64
 * @reset: value after power-on, or ANYTHING
 * @mask: bits that can be written, 0 for RO, or GRANULE
 * @wo: reads as zero
 * @lowest: value that takes the place of lower ones, if @highest is not 0
 * @highest: value that takes the place of higher ones
 */
struct reg {
	const char *name;
	uint32_t offset;
	unsigned int bits;
	uint64_t reset;
	uint64_t mask;
	bool wo;
	uint32_t lowest;
	uint32_t highest;
};

#define RO(name, bits, reset)		{ #name, name, bits, reset, 0, false, 0, 0 }
#define RW(name, bits, reset, mask)	{ #name, name, bits, reset, mask, false, 0, 0 }
#define WO(name, bits)			{ #name, name, bits, 0, 0, true, 0, 0 }
#define CLAMPED(name, reset, lowest, highest) \
	{ #name, name, 32, reset, 0, false, lowest, highest }

/* Limits that the test's device declares. */
#define RING_SIZE_MAX(g) \
	VGPU_FIELD_GET(VGPU_LIMITS_RING_SIZE, reg32(g, 0, VGPU_REG_LIMITS))
#define CONTEXTS_MAX(g) \
	VGPU_FIELD_GET(VGPU_LIMITS_CONTEXTS, reg32(g, 0, VGPU_REG_LIMITS))

static const struct reg function_block[] = {
	RO(VGPU_REG_ID, 32, VGPU_ID_VALUE),
	RO(VGPU_REG_REVISION, 32, 0x00010000),
	RO(VGPU_REG_FUNCTION, 32, ANYTHING),
	RO(VGPU_REG_CAPS, 32, ANYTHING),
	RO(VGPU_REG_LIMITS, 32, ANYTHING),
	RO(VGPU_REG_STATUS, 32, 0),
	RO(VGPU_REG_VRAM_SIZE, 64, ANYTHING),
	RO(VGPU_REG_WINDOW_SIZE, 64, ANYTHING),
	RO(VGPU_REG_CLOCK, 64, ANYTHING),
	RO(VGPU_REG_GPU_TIME, 64, 0),
	RW(VGPU_REG_CTX_TABLE, 64, 0, VGPU_TABLE_ADDR_MASK),
	CLAMPED(VGPU_REG_CTX_COUNT, 0, 0, ~0u),
	WO(VGPU_REG_INVALIDATE, 32),
	RO(VGPU_REG_SERVED, 32, 0),
};

static const struct reg ring_block[] = {
	RW(VGPU_RING_BASE, 64, 0, VGPU_TABLE_ADDR_MASK),
	CLAMPED(VGPU_RING_SIZE, VGPU_RING_SIZE_MIN, VGPU_RING_SIZE_MIN, ~0u),
	RW(VGPU_RING_CTRL, 32, 0, VGPU_RING_CTRL_ENABLE),
	RW(VGPU_RING_HEAD, 64, 0, ~7ull),
	RO(VGPU_RING_TAIL, 64, 0),
	RO(VGPU_RING_STATUS, 32, VGPU_RING_DISABLED),
	RO(VGPU_RING_FAULT, 32, 0),
	RO(VGPU_RING_FAULT_ADDR, 64, 0),
};

static const struct reg pf_block[] = {
	RO(VGPU_PF_FUNCTIONS, 32, ANYTHING),
	RO(VGPU_PF_CAPS, 32, VGPU_PF_CAPS_DEADLINE | VGPU_PF_CAPS_BOUNDARY),
	RO(VGPU_PF_VRAM_TOTAL, 64, GPU_VRAM),
	RO(VGPU_PF_VRAM_GRANULE, 32, ANYTHING),
	RO(VGPU_PF_IMAGE_BYTES, 32, ANYTHING),
	RO(VGPU_PF_COST_SAVE, 32, ANYTHING),
	RO(VGPU_PF_COST_LOAD, 32, ANYTHING),
	RO(VGPU_PF_COST_RESET, 32, ANYTHING),
	RO(VGPU_PF_COST_GROUP, 32, ANYTHING),
	WO(VGPU_PF_CMD, 32),
	WO(VGPU_PF_NEXT, 64),
	RO(VGPU_PF_ENGINE, 32, VGPU_FUNCTION_NONE),
	RW(VGPU_PF_EVQ_BASE, 64, 0, VGPU_EVQ_BASE_MASK),
	CLAMPED(VGPU_PF_EVQ_SIZE, VGPU_EVQ_SIZE_MIN, VGPU_EVQ_SIZE_MIN,
		VGPU_EVQ_SIZE_MAX),
	RW(VGPU_PF_EVQ_CTRL, 32, 0, VGPU_EVQ_CTRL_ENABLE | VGPU_EVQ_CTRL_EDGE),
	RW(VGPU_PF_EVQ_CONSUMER, 64, 0, VGPU_EVQ_CONSUMER_MASK),
	RO(VGPU_PF_EVQ_POSTED, 32, 0),
	RO(VGPU_PF_EVQ_LOST, 32, ANYTHING),
};

static const struct reg per_function_block[] = {
	RW(VGPU_PF_FN_CTRL, 32, 0, VGPU_PF_FN_CTRL_OPEN),
	RO(VGPU_PF_FN_STATUS, 32, VGPU_PF_FN_STATUS_RANGE),
	RW(VGPU_PF_FN_PREEMPT_TIMEOUT, 64, 0, ONES),
	RW(VGPU_PF_FN_VRAM_BASE, 64, 0, GRANULE),
	RW(VGPU_PF_FN_VRAM_SIZE, 64, 0, GRANULE),
	RW(VGPU_PF_FN_IMAGE, 64, 0, ~4095ull),
	RO(VGPU_PF_FN_GPU_TIME, 64, 0),
	WO(VGPU_PF_FN_FLR_ACK, 32),
	WO(VGPU_PF_FN_MBOX_CTRL, 32),
	RO(VGPU_PF_FN_MBOX_STATUS, 32, 0),
	RW(VGPU_PF_FN_DOORBELL_LIMIT, 32, 0, 0xffffffff),
	RO(VGPU_PF_FN_DOORBELLS, 64, 0),
	RO(VGPU_PF_FN_VIOLATIONS, 64, 0),
	RO(VGPU_PF_FN_FAULTS, 32, 0),
	RO(VGPU_PF_FN_HANGS, 32, 0),
};

static uint64_t get(struct gpu *g, unsigned int f, uint32_t offset, unsigned int bits)
{
	return bits == 64 ? reg64(g, f, offset) : reg32(g, f, offset);
}

static void set(struct gpu *g, unsigned int f, uint32_t offset, unsigned int bits,
		uint64_t value)
{
	if (bits == 64)
		set64(g, f, offset, value);
	else
		set32(g, f, offset, value);
}

static void expect(const struct reg *r, const char *what, uint64_t got, uint64_t wanted)
{
	if (got == wanted)
		return;
	fail_msg("%s, %s: got %#llx, expected %#llx", r->name, what,
		 (unsigned long long)got, (unsigned long long)wanted);
}

static uint64_t clamp(const struct reg *r, struct gpu *g, uint64_t value)
{
	uint64_t highest = r->highest;

	if (r->offset == VGPU_REG_CTX_COUNT && !r->lowest)
		highest = CONTEXTS_MAX(g);
	else if (highest == ~0u)
		highest = RING_SIZE_MAX(g);
	return value < r->lowest ? r->lowest : value > highest ? highest : value;
}

/* What @value becomes when it is written to a register that holds @before. */
static uint64_t written(const struct reg *r, struct gpu *g, uint64_t before,
			uint64_t value)
{
	if (r->highest)
		return clamp(r, g, value);
	if (r->mask == GRANULE)
		return value & -(uint64_t)reg32(g, 0, VGPU_PF_VRAM_GRANULE);
	if (r->mask)
		return value & r->mask;
	return before;
}

static void check_reg(struct gpu *g, unsigned int f, uint32_t base, const struct reg *r)
{
	static const uint64_t values[] = {
		ONES, 0, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 13,
	};
	const uint64_t ones = r->bits == 64 ? ONES : 0xffffffff;
	const uint32_t at = base + r->offset;
	const uint64_t before = get(g, f, at, r->bits);
	unsigned int i;

	if (r->reset != ANYTHING)
		expect(r, "reset value", before, r->reset);
	/* Written in tests of what they do. */
	if (r->wo)
		return;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		uint64_t value = values[i] & ones;

		set(g, f, at, r->bits, value);
		expect(r, "after write", get(g, f, at, r->bits),
		       written(r, g, before, value));
	}
	set(g, f, at, r->bits, before);
	expect(r, "restored", get(g, f, at, r->bits), before);
}

static void check_block(struct gpu *g, unsigned int f, uint32_t base,
			const struct reg *regs, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		check_reg(g, f, base, &regs[i]);
}

static void function_block_of_the_pf(void **state)
{
	struct gpu *g = *state;

	check_block(g, 0, 0, function_block, ARRAY_SIZE(function_block));
	assert_int_equal(reg32(g, 0, VGPU_REG_FUNCTION), VGPU_FUNCTION_PF);
	assert_true(reg32(g, 0, VGPU_REG_CAPS) & VGPU_CAPS_PF);
	assert_int_equal(reg64(g, 0, VGPU_REG_VRAM_SIZE), GPU_VRAM);
	assert_int_equal(reg64(g, 0, VGPU_REG_WINDOW_SIZE), GPU_VRAM);
}

static void function_block_of_a_vf(void **state)
{
	struct gpu *g = *state;

	gpu_sriov(g, 2);
	check_block(g, 2, 0, function_block, ARRAY_SIZE(function_block));
	assert_int_equal(reg32(g, 2, VGPU_REG_FUNCTION), 2);
	assert_int_equal(reg32(g, 2, VGPU_REG_CAPS),
			 reg32(g, 0, VGPU_REG_CAPS) & ~VGPU_CAPS_PF);
	assert_int_equal(reg32(g, 2, VGPU_REG_LIMITS), reg32(g, 0, VGPU_REG_LIMITS));
	assert_int_equal(reg64(g, 2, VGPU_REG_VRAM_SIZE), 0);
	assert_int_equal(reg64(g, 2, VGPU_REG_WINDOW_SIZE), 0);
}

static void limits_are_within_the_format(void **state)
{
	struct gpu *g = *state;
	uint32_t granule = reg32(g, 0, VGPU_PF_VRAM_GRANULE);

	assert_in_range(g->rings, 1, VGPU_MAX_RINGS);
	assert_in_range(RING_SIZE_MAX(g), VGPU_RING_SIZE_MIN, 63);
	assert_true(granule >= 4096 && !(granule & (granule - 1)));
	assert_true(reg32(g, 0, VGPU_PF_IMAGE_BYTES) >= sizeof(struct vgpu_image));
}

static void costs_are_what_the_device_was_made_with(void **state)
{
	struct gpu *g = gpu_start(",vfs=1,save-ns=11,load-ns=22,reset-ns=33,group-ns=444",
				  false);

	*state = g;
	assert_int_equal(g->save, 11);
	assert_int_equal(g->load, 22);
	assert_int_equal(g->reset, 33);
	assert_int_equal(g->group, 444);
}

static void rings_of_every_function(void **state)
{
	struct gpu *g = *state;
	unsigned int f, r;

	gpu_sriov(g, 1);
	for (f = 0; f <= 1; f++)
		for (r = 0; r < g->rings; r++)
			check_block(g, f, VGPU_REG_RING(r), ring_block,
				    ARRAY_SIZE(ring_block));
}

static void pf_block_of_the_pf(void **state)
{
	struct gpu *g = *state;

	check_block(g, 0, 0, pf_block, ARRAY_SIZE(pf_block));
}

static void block_of_each_function(void **state)
{
	struct gpu *g = *state;
	unsigned int f;

	/* Also before SR-IOV enables them. */
	for (f = 1; f <= g->total; f++)
		check_block(g, 0, VGPU_PF_FN(f), per_function_block,
			    ARRAY_SIZE(per_function_block));
}

static void range_of_the_pf_is_all_vram_and_read_only(void **state)
{
	struct gpu *g = *state;
	uint32_t base = VGPU_PF_FN(0) + VGPU_PF_FN_VRAM_BASE;
	uint32_t size = VGPU_PF_FN(0) + VGPU_PF_FN_VRAM_SIZE;

	set64(g, 0, base, 16 * MIB);
	set64(g, 0, size, 16 * MIB);
	assert_int_equal(reg64(g, 0, base), 0);
	assert_int_equal(reg64(g, 0, size), GPU_VRAM);
	assert_int_equal(reg32(g, 0, VGPU_PF_FN(0) + VGPU_PF_FN_STATUS), 0);
}

static void mailbox_words(void **state)
{
	struct gpu *g = *state;
	unsigned int i;

	gpu_sriov(g, 1);
	for (i = 0; i < VGPU_MBOX_BYTES; i += 4) {
		const uint32_t own[] = { VGPU_REG_MBOX_TX + i, VGPU_REG_MBOX_RX + i };
		const uint32_t pf_tx = VGPU_PF_FN(1) + VGPU_PF_FN_MBOX_TX + i;
		const uint32_t pf_rx = VGPU_PF_FN(1) + VGPU_PF_FN_MBOX_RX + i;

		set32(g, 1, own[0], ~i);
		assert_int_equal(reg32(g, 1, own[0]), ~i);
		set32(g, 1, own[1], ~0u);
		assert_int_equal(reg32(g, 1, own[1]), 0);
		set32(g, 0, pf_tx, ~i);
		assert_int_equal(reg32(g, 0, pf_tx), ~i);
		set32(g, 0, pf_rx, ~0u);
		assert_int_equal(reg32(g, 0, pf_rx), 0);
		/* The PF has no mailbox of its own. */
		set32(g, 0, own[0], ~0u);
		assert_int_equal(reg32(g, 0, own[0]), 0);
		assert_int_equal(reg32(g, 0, own[1]), 0);
	}
	set32(g, 0, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
	assert_int_equal(reg32(g, 0, VGPU_REG_MBOX_STATUS), 0);
}

static void queue_registers_are_fixed_while_it_is_enabled(void **state)
{
	struct gpu *g = *state;

	gpu_queue(g, 8);
	set64(g, 0, VGPU_PF_EVQ_BASE, 0x1000);
	set32(g, 0, VGPU_PF_EVQ_SIZE, 9);
	set64(g, 0, VGPU_PF_EVQ_CONSUMER, 0x1000);
	assert_int_equal(reg64(g, 0, VGPU_PF_EVQ_BASE), g->queue);
	assert_int_equal(reg32(g, 0, VGPU_PF_EVQ_SIZE), 8);
	assert_int_equal(reg64(g, 0, VGPU_PF_EVQ_CONSUMER), g->consumer);
}

static void ring_registers_are_fixed_while_it_is_enabled(void **state)
{
	struct gpu *g = *state;
	struct stream s;

	gpu_sriov(g, 1);
	s = gpu_ring(g, 1, 0);
	set64(g, 1, ring_reg(&s, VGPU_RING_BASE), 0x1000);
	set32(g, 1, ring_reg(&s, VGPU_RING_SIZE), 13);
	set64(g, 1, ring_reg(&s, VGPU_RING_HEAD), 64);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_BASE)), SYSTEM(s.memory));
	assert_int_equal(reg32(g, 1, ring_reg(&s, VGPU_RING_SIZE)), 16);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_HEAD)), 0);
}

static void registers_take_their_own_size_only(void **state)
{
	struct gpu *g = *state;
	const uint64_t id = g->fn[0].regs + VGPU_REG_ID;
	const uint64_t base = g->fn[0].regs + VGPU_REG_RING(0) + VGPU_RING_BASE;
	const uint64_t size = g->fn[0].regs + VGPU_REG_RING(0) + VGPU_RING_SIZE;

	assert_int_equal(qtest_read8(g->qt, id), 0);
	assert_int_equal(qtest_read16(g->qt, id), 0);
	assert_int_equal(qtest_read64(g->qt, id), 0);
	assert_int_equal(qtest_read32(g->qt, id + 2), 0);
	assert_int_equal(qtest_read64(g->qt, base + 4), 0);

	qtest_write8(g->qt, size, 14);
	qtest_write16(g->qt, size, 14);
	qtest_write64(g->qt, size, 14);
	assert_int_equal(qtest_read32(g->qt, size), VGPU_RING_SIZE_MIN);
	qtest_write8(g->qt, base + 1, 0x10);
	qtest_write16(g->qt, base + 2, 0x10);
	qtest_write64(g->qt, base - 4, 0x0000100000001000);
	assert_int_equal(qtest_read64(g->qt, base), 0);
}

static void halves_of_64_bit_registers_work_one_by_one(void **state)
{
	struct gpu *g = *state;
	const uint32_t base = VGPU_REG_RING(0) + VGPU_RING_BASE;

	set64(g, 0, base, SYSTEM(0x123456000));
	assert_int_equal(reg32(g, 0, base), 0x23456000);
	assert_int_equal(reg32(g, 0, base + 4), 0x40000001);
	set32(g, 0, base + 4, 0xffffffff);
	assert_int_equal(reg64(g, 0, base), 0x400fffff23456000);
	set32(g, 0, base, 0xffffffff);
	assert_int_equal(reg64(g, 0, base), VGPU_TABLE_ADDR_MASK);
}

static void registers_that_are_64_bit_only_ignore_32_bit_writes(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);

	set32(g, 1, VGPU_REG_DOORBELL(0), 64);
	set32(g, 1, VGPU_REG_DOORBELL(0) + 4, 1);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_TAIL)), 0);
	assert_int_equal(reg64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_DOORBELLS), 0);

	set32(g, 0, VGPU_PF_NEXT, 1 | VGPU_PF_NEXT_VALID);
	set32(g, 0, VGPU_PF_NEXT + 4, 0);
	gpu_silent(g);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
}

static void clock_counts_ns_and_latches_its_high_half(void **state)
{
	struct gpu *g = *state;
	uint64_t now;

	gpu_sriov(g, 1);
	now = gpu_now(g);
	gpu_step(g, 12345);
	assert_int_equal(gpu_now(g), now + 12345);
	assert_int_equal(reg64(g, 1, VGPU_REG_CLOCK), now + 12345);

	gpu_step_to(g, 0xffffffff);
	assert_int_equal(reg32(g, 0, VGPU_REG_CLOCK), 0xffffffff);
	gpu_step(g, 1);
	/* Another function's read is not concerned. */
	assert_int_equal(reg32(g, 1, VGPU_REG_CLOCK + 4), 1);
	assert_int_equal(reg32(g, 0, VGPU_REG_CLOCK + 4), 0);
	/* The latch is good for one read. */
	assert_int_equal(reg32(g, 0, VGPU_REG_CLOCK + 4), 1);
}

/* Whether 32 bits at @offset are of a register of @regs at @base. */
static bool in_block(uint32_t offset, uint32_t base, const struct reg *regs,
		     size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (offset >= base + regs[i].offset &&
		    offset < base + regs[i].offset + regs[i].bits / 8)
			return true;
	return false;
}

static bool is_register(struct gpu *g, unsigned int f, uint32_t offset)
{
	unsigned int i;

	if (in_block(offset, 0, function_block, ARRAY_SIZE(function_block)))
		return true;
	if (offset >= VGPU_REG_MBOX_TX && offset < VGPU_REG_MBOX_STATUS + 4)
		return true;
	if (offset >= VGPU_BAR_MSIX_TABLE && offset < VGPU_BAR_MSIX_PBA + 0x1000)
		return true;
	for (i = 0; i < g->rings; i++)
		if (in_block(offset, VGPU_REG_RING(i), ring_block, ARRAY_SIZE(ring_block)) ||
		    offset - VGPU_REG_DOORBELL(i) < 8)
			return true;
	if (f)
		return false;
	if (in_block(offset, 0, pf_block, ARRAY_SIZE(pf_block)))
		return true;
	if (offset < VGPU_PF_FN(0) || offset >= VGPU_PF_FN(g->total + 1))
		return false;
	i = offset % 0x100;
	return i >= VGPU_PF_FN_MBOX_RX ||
	       in_block(i, 0, per_function_block, ARRAY_SIZE(per_function_block));
}

/* Nothing in [@from, @to) but registers reads as anything or keeps anything. */
static void check_unassigned(struct gpu *g, unsigned int f, uint32_t from, uint32_t to)
{
	const size_t count = (to - from) / 4;
	uint32_t *value = malloc(count * sizeof(*value));
	uint32_t i, first;

	assert_non_null(value);
	for (i = 0; i < count; i = first) {
		for (first = i; first < count &&
		     !is_register(g, f, from + 4 * first); first++)
			;
		qtest_write32_range(g->qt, g->fn[f].regs + from + 4 * i, ~0u,
				    first - i);
		while (first < count && is_register(g, f, from + 4 * first))
			first++;
	}
	qtest_read32_range(g->qt, g->fn[f].regs + from, value, count);
	for (i = 0; i < count; i++)
		if (value[i] && !is_register(g, f, from + 4 * i))
			fail_msg("function %u, offset %#x: %#x", f, from + 4 * i, value[i]);
	free(value);
}

static void everything_else_reads_as_zero_and_ignores_writes(void **state)
{
	struct gpu *g = *state;
	const uint64_t table = g->fn[0].regs + VGPU_REG_CTX_TABLE;
	unsigned int page;

	gpu_sriov(g, 1);
	qtest_write64(g->qt, table, 0x1000);

	check_unassigned(g, 1, 0, 0x1000);
	check_unassigned(g, 0, 0, 0x1000);
	for (page = 0x1000; page < VGPU_VF_BAR_BYTES; page += 0x1000) {
		check_unassigned(g, 1, page, page + 0x40);
		check_unassigned(g, 1, page + 0xfe0, page + 0x1000);
	}
	check_unassigned(g, 0, 0x10000, 0x11000);
	check_unassigned(g, 0, VGPU_PF_FN(0) - 0x100, VGPU_PF_FN(2));
	check_unassigned(g, 0, VGPU_PF_FN(g->total), VGPU_PF_FN(g->total + 2));
	check_unassigned(g, 0, VGPU_PF_FN(255), VGPU_PF_FN(256) + 0x100);
	check_unassigned(g, 0, VGPU_PF_BAR_BYTES - 0x100, VGPU_PF_BAR_BYTES);
	/* A VF has no PF block, and the writes have changed nothing. */
	assert_int_equal(qtest_read64(g->qt, table), 0x1000);
	check_block(g, 1, 0, function_block, ARRAY_SIZE(function_block));
	check_block(g, 0, 0, pf_block, ARRAY_SIZE(pf_block));
	check_block(g, 0, VGPU_PF_FN(1), per_function_block, ARRAY_SIZE(per_function_block));
}

static void without_deadline_next_is_unassigned(void **state)
{
	struct gpu *g = *state;

	assert_int_equal(reg32(g, 0, VGPU_PF_CAPS), VGPU_PF_CAPS_BOUNDARY);
	gpu_next(g, 1, 6 * MS);
	gpu_silent(g);
	assert_false(gpu_armed(g));
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_int_equal(reg64(g, 0, VGPU_PF_NEXT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_BARE_TEST(function_block_of_the_pf),
		GPU_BARE_TEST(function_block_of_a_vf),
		GPU_BARE_TEST(limits_are_within_the_format),
		GPU_OWN_TEST(costs_are_what_the_device_was_made_with),
		GPU_BARE_TEST(rings_of_every_function),
		GPU_BARE_TEST(pf_block_of_the_pf),
		GPU_BARE_TEST(block_of_each_function),
		GPU_BARE_TEST(range_of_the_pf_is_all_vram_and_read_only),
		GPU_BARE_TEST(mailbox_words),
		GPU_BARE_TEST(queue_registers_are_fixed_while_it_is_enabled),
		GPU_BARE_TEST(ring_registers_are_fixed_while_it_is_enabled),
		GPU_BARE_TEST(registers_take_their_own_size_only),
		GPU_BARE_TEST(halves_of_64_bit_registers_work_one_by_one),
		GPU_TEST(registers_that_are_64_bit_only_ignore_32_bit_writes),
		GPU_BARE_TEST(clock_counts_ns_and_latches_its_high_half),
		GPU_BARE_TEST(everything_else_reads_as_zero_and_ignores_writes),
		GPU_SOFTWARE_TEST(without_deadline_next_is_unassigned),
	};

	return gpu_main("registers", tests);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Windows on VRAM: each function's own, enforced for processor and engine. */
#include "gpu.h"

#define FN_BASE(f)	(VGPU_PF_FN(f) + VGPU_PF_FN_VRAM_BASE)
#define FN_SIZE(f)	(VGPU_PF_FN(f) + VGPU_PF_FN_VRAM_SIZE)
/* A multiple of the device's. */
#define GRANULE		(2 * MIB)

static uint64_t violations(struct gpu *g, unsigned int f)
{
	return reg64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_VIOLATIONS);
}

static bool range_is_bad(struct gpu *g, unsigned int f)
{
	return reg32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_STATUS) &
	       VGPU_PF_FN_STATUS_RANGE;
}

static void a_window_shows_its_own_range_from_first_to_last_byte(void **state)
{
	struct gpu *g = *state;
	unsigned int f;

	for (f = 1; f <= g->vfs; f++) {
		uint64_t last = g->fn[f].vram + GPU_RANGE_SIZE - 8;

		assert_int_equal(reg64(g, f, VGPU_REG_VRAM_SIZE), GPU_RANGE_SIZE);
		assert_int_equal(reg64(g, f, VGPU_REG_WINDOW_SIZE), GPU_RANGE_SIZE);
		qtest_write64(g->qt, g->fn[f].vram, 0xf00d0000 + f);
		qtest_write64(g->qt, last, 0xbeef0000 + f);
	}
	for (f = 1; f <= g->vfs; f++) {
		uint64_t range = g->fn[0].vram + GPU_RANGE(f);

		assert_int_equal(qtest_read64(g->qt, range), 0xf00d0000 + f);
		assert_int_equal(qtest_read64(g->qt, range + GPU_RANGE_SIZE - 8),
				 0xbeef0000 + f);
		assert_int_equal(violations(g, f), 0);
	}
}

static void beyond_the_range_reads_ones_drops_writes_and_counts(void **state)
{
	struct gpu *g = *state;
	uint64_t end = g->fn[1].vram + GPU_RANGE_SIZE;
	uint64_t neighbour = g->fn[0].vram + GPU_RANGE(2);

	if (g->window <= GPU_RANGE_SIZE)
		fail_msg("BAR 2 of a VF must be larger than its range for this");
	qtest_write64(g->qt, neighbour, 0x1122334455667788);
	assert_int_equal(qtest_read32(g->qt, end), 0xffffffff);
	assert_int_equal(qtest_read8(g->qt, end), 0xff);
	qtest_write32(g->qt, end, 0);
	assert_int_equal(violations(g, 1), 3);
	assert_int_equal(qtest_read32(g->qt, g->fn[1].vram + g->window - 4), 0xffffffff);
	qtest_write32(g->qt, g->fn[1].vram + g->window - 4, 0);
	assert_int_equal(violations(g, 1), 5);
	assert_int_equal(qtest_read64(g->qt, neighbour), 0x1122334455667788);
	assert_int_equal(violations(g, 2), 0);
}

static void a_closed_neighbour_without_a_range_has_no_vram(void **state)
{
	struct gpu *g = *state;

	gpu_sriov(g, 1);
	assert_true(range_is_bad(g, 1));
	assert_int_equal(qtest_read32(g->qt, g->fn[1].vram), 0xffffffff);
	qtest_write32(g->qt, g->fn[1].vram, 0);
	assert_int_equal(violations(g, 1), 2);
	assert_int_equal(qtest_read32(g->qt, g->fn[0].vram), 0);
}

static void moving_a_range_moves_the_window_at_once(void **state)
{
	struct gpu *g = *state;

	qtest_write64(g->qt, g->fn[0].vram + GPU_RANGE(1), 0x1111);
	qtest_write64(g->qt, g->fn[0].vram + GPU_RANGE(6), 0x6666);
	assert_int_equal(qtest_read64(g->qt, g->fn[1].vram), 0x1111);
	set64(g, 0, FN_BASE(1), GPU_RANGE(6));
	assert_int_equal(qtest_read64(g->qt, g->fn[1].vram), 0x6666);
	qtest_write64(g->qt, g->fn[1].vram + 8, 0x7777);
	assert_int_equal(qtest_read64(g->qt, g->fn[0].vram + GPU_RANGE(6) + 8), 0x7777);
	assert_int_equal(qtest_read64(g->qt, g->fn[0].vram + GPU_RANGE(1) + 8), 0);
}

static void resizing_a_range_resizes_the_window_at_once(void **state)
{
	struct gpu *g = *state;
	uint64_t middle = g->fn[1].vram + GPU_RANGE_SIZE / 2;

	qtest_write32(g->qt, middle, 0x1234);
	set64(g, 0, FN_SIZE(1), GPU_RANGE_SIZE / 2);
	assert_int_equal(reg64(g, 1, VGPU_REG_VRAM_SIZE), GPU_RANGE_SIZE / 2);
	assert_int_equal(reg64(g, 1, VGPU_REG_WINDOW_SIZE), GPU_RANGE_SIZE / 2);
	assert_int_equal(qtest_read32(g->qt, middle - 4), 0);
	assert_int_equal(qtest_read32(g->qt, middle), 0xffffffff);
	assert_int_equal(violations(g, 1), 1);
	set64(g, 0, FN_SIZE(1), GPU_RANGE_SIZE);
	assert_int_equal(qtest_read32(g->qt, middle), 0x1234);
	assert_int_equal(violations(g, 1), 1);
}

static void a_range_larger_than_the_bar_shows_its_beginning(void **state)
{
	struct gpu *g = gpu_ready(",vfs=8,vf-window-size=2M", 1);

	*state = g;
	assert_int_equal(reg64(g, 1, VGPU_REG_VRAM_SIZE), GPU_RANGE_SIZE);
	assert_int_equal(reg64(g, 1, VGPU_REG_WINDOW_SIZE), 2 * MIB);
	qtest_write32(g->qt, g->fn[1].vram + 2 * MIB - 4, 7);
	assert_int_equal(qtest_read32(g->qt, g->fn[0].vram + GPU_RANGE(1) +
				      2 * MIB - 4), 7);
}

static void a_range_that_leaves_vram_is_refused_as_a_whole(void **state)
{
	static const struct {
		uint64_t base;
		uint64_t size;
	} bad[] = {
		{ GPU_VRAM - GPU_RANGE_SIZE, GPU_RANGE_SIZE + GRANULE },
		{ GPU_VRAM, GRANULE },
		{ 0, 0 },
		{ 0, GPU_VRAM + GRANULE },
		{ -GRANULE, GPU_RANGE_SIZE },
		{ GPU_RANGE(1), -GRANULE },
		{ 0x8000000000000000, 0x8000000000000000 },
	};
	struct gpu *g = *state;
	unsigned int i;

	assert_int_equal(GRANULE % reg32(g, 0, VGPU_PF_VRAM_GRANULE), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t before = violations(g, 1);

		set64(g, 0, FN_BASE(1), bad[i].base);
		set64(g, 0, FN_SIZE(1), bad[i].size);
		assert_true(range_is_bad(g, 1));
		assert_int_equal(qtest_read32(g->qt, g->fn[1].vram), 0xffffffff);
		assert_int_equal(violations(g, 1), before + 1);
	}
	set64(g, 0, FN_BASE(1), GPU_VRAM - GPU_RANGE_SIZE);
	set64(g, 0, FN_SIZE(1), GPU_RANGE_SIZE);
	assert_false(range_is_bad(g, 1));
	assert_int_equal(qtest_read32(g->qt, g->fn[1].vram), 0);
}

/* Fill 4 bytes at @offset by the engine. Return: the code of the fault. */
static unsigned int engine_writes(struct stream *s, uint64_t offset, uint64_t bytes,
				  uint32_t value, uint64_t *addr)
{
	struct gpu *g = s->g;
	uint64_t done = gpu_alloc(g, 8);
	struct vgpu_event e;

	put_fill(s, offset, bytes, value);
	put_fence(s, SYSTEM(done), 1);
	ring_kick(s);
	for (;;) {
		if (gpu_poll(g, &e) && e.type == VGPU_EVENT_FAULT) {
			*addr = e.deadline;
			/* Go on behind the packets that were put. */
			set64(g, s->function, ring_reg(s, VGPU_RING_HEAD), s->tail);
			set32(g, s->function, ring_reg(s, VGPU_RING_CTRL),
			      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
			return VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, e.info);
		}
		if (qtest_read64(g->qt, done))
			return VGPU_FAULT_NONE;
		assert_true(qtest_clock_next(g->qt));
	}
}

static void the_engine_is_held_to_the_same_range(void **state)
{
	struct gpu *g = *state;
	const uint64_t last = GPU_RANGE_SIZE - 4;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t addr = 0;

	gpu_run(g, 1);
	assert_int_equal(engine_writes(&s, last, 4, 0xaa, &addr), VGPU_FAULT_NONE);
	assert_int_equal(qtest_read32(g->qt, g->fn[1].vram + last), 0xaa);

	assert_int_equal(engine_writes(&s, last + 4, 4, 0xbb, &addr), VGPU_FAULT_ADDRESS);
	assert_int_equal(addr, last + 4);
	assert_int_equal(engine_writes(&s, last, 8, 0xbb, &addr), VGPU_FAULT_ADDRESS);
	assert_int_equal(qtest_read32(g->qt, g->fn[0].vram + GPU_RANGE(2)), 0);

	/* Smaller, larger and elsewhere: effective at once. */
	set64(g, 0, FN_SIZE(1), GPU_RANGE_SIZE / 2);
	assert_int_equal(engine_writes(&s, last, 4, 0xcc, &addr), VGPU_FAULT_ADDRESS);
	assert_int_equal(addr, last);
	set64(g, 0, FN_SIZE(1), GPU_RANGE_SIZE);
	assert_int_equal(engine_writes(&s, last, 4, 0xdd, &addr), VGPU_FAULT_NONE);
	set64(g, 0, FN_BASE(1), GPU_RANGE(6));
	assert_int_equal(engine_writes(&s, 0, 4, 0xee, &addr), VGPU_FAULT_NONE);
	assert_int_equal(qtest_read32(g->qt, g->fn[0].vram + GPU_RANGE(6)), 0xee);
	assert_int_equal(qtest_read32(g->qt, g->fn[0].vram + GPU_RANGE(1) + last), 0xdd);
	set64(g, 0, FN_BASE(1), GPU_VRAM - GRANULE);
	assert_int_equal(engine_writes(&s, 0, 4, 0xff, &addr), VGPU_FAULT_ADDRESS);
	assert_int_equal(addr, 0);

	/* What the engine does is not counted as the processor's violation. */
	assert_int_equal(violations(g, 1), 0);
}

static void the_pf_reaches_all_vram(void **state)
{
	struct gpu *g = *state;
	struct stream s;
	uint64_t addr;

	gpu_open(g, 0);
	s = gpu_ring(g, 0, 0);
	gpu_run(g, 0);
	assert_int_equal(engine_writes(&s, GPU_RANGE(2), 4, 0xab, &addr),
			 VGPU_FAULT_NONE);
	assert_int_equal(qtest_read32(g->qt, g->fn[2].vram), 0xab);
	assert_int_equal(engine_writes(&s, GPU_VRAM, 4, 0xab, &addr),
			 VGPU_FAULT_ADDRESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(a_window_shows_its_own_range_from_first_to_last_byte),
		GPU_TEST(beyond_the_range_reads_ones_drops_writes_and_counts),
		GPU_BARE_TEST(a_closed_neighbour_without_a_range_has_no_vram),
		GPU_TEST(moving_a_range_moves_the_window_at_once),
		GPU_TEST(resizing_a_range_resizes_the_window_at_once),
		GPU_OWN_TEST(a_range_larger_than_the_bar_shows_its_beginning),
		GPU_TEST(a_range_that_leaves_vram_is_refused_as_a_whole),
		GPU_TEST(the_engine_is_held_to_the_same_range),
		GPU_TEST(the_pf_reaches_all_vram),
	};

	return gpu_main("vram", tests);
}

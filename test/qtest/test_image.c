// SPDX-License-Identifier: GPL-2.0-only
/* World images: what is in them, and what damage does. */
#include "gpu.h"

#include <endian.h>
#include <stddef.h>

static uint64_t image_addr(struct gpu *g, unsigned int f)
{
	return g->fn[0].vram + GPU_IMAGE(f);
}

static struct vgpu_image get_image(struct gpu *g, unsigned int f)
{
	struct vgpu_image image;

	qtest_read(g->qt, image_addr(g, f), &image, sizeof(image));
	return image;
}

static bool checksum_is_right(const struct vgpu_image *image)
{
	struct vgpu_image copy = *image;

	copy.checksum = 0;
	return le32toh(image->checksum) == vgpu_checksum(&copy, sizeof(copy));
}

static void init_writes_a_fresh_image(void **state)
{
	struct gpu *g = *state;
	struct vgpu_image image = get_image(g, 1);
	static const struct vgpu_image_ring zero;
	unsigned int r;

	assert_int_equal(le32toh(image.magic), VGPU_IMAGE_MAGIC);
	assert_int_equal(le16toh(image.version), VGPU_IMAGE_VERSION);
	assert_int_equal(le16toh(image.function), 1);
	assert_true(checksum_is_right(&image));
	assert_int_equal(le64toh(image.sequence), 0);
	for (r = g->rings; r < VGPU_MAX_RINGS; r++)
		assert_memory_equal(&image.ring[r], &zero, sizeof(zero));
}

static void save_writes_where_the_world_stopped(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct stream b = gpu_buffer(g, 4096);
	struct vgpu_image image;
	uint64_t inside;

	put_nop(&b, 5);
	inside = b.tail;
	put_spin(&b, 100 * US, 50, VGPU_SPIN_NO_COUNT);
	put_nop(&s, 2);
	put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_step(g, 1050 * US);
	gpu_stop(g, 1);

	image = get_image(g, 1);
	assert_true(checksum_is_right(&image));
	assert_int_equal(le64toh(image.sequence), 1);
	assert_int_equal(le64toh(image.gpu_time),
			 reg64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_GPU_TIME));
	assert_int_equal(le64toh(image.ring[0].head), 16);
	assert_int_equal(le32toh(image.ring[0].in_indirect), 1);
	assert_int_equal(le64toh(image.ring[0].indirect_offset), inside);
	assert_in_range(le64toh(image.ring[0].groups_done), 9, 11);

	gpu_run(g, 1);
	gpu_step(g, 500 * US);
	gpu_stop(g, 1);
	image = get_image(g, 1);
	assert_int_equal(le64toh(image.sequence), 2);
	assert_in_range(le64toh(image.ring[0].groups_done), 14, 17);
}

static void progress_of_another_epoch_is_dropped(void **state)
{
	struct gpu *g = *state;
	uint64_t counters = gpu_alloc(g, 20 * 8);
	uint64_t done = gpu_alloc(g, 8);
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t count[20];
	unsigned int i, twice = 0;

	put_spin(&s, 100 * US, 20, SYSTEM(counters));
	put_fence(&s, SYSTEM(done), 1);
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_step(g, MS);
	gpu_stop(g, 1);
	/* Disabled and enabled anew, the packet begins at its beginning. */
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), 0);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_TAIL)), 0);
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_await(g, done, 1);
	qtest_read(g->qt, counters, count, sizeof(count));
	for (i = 0; i < 20; i++) {
		assert_in_range(count[i], 1, 2);
		twice += count[i] == 2;
	}
	assert_in_range(twice, 9, 11);
}

/* A damaged image is refused by LOAD; the world has none any more. */
static void check_refused(struct gpu *g)
{
	gpu_cmd(g, VGPU_CMD_LOAD, 1);
	gpu_refused(g, VGPU_CMD_LOAD, 1, VGPU_REFUSED_BAD_IMAGE);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_NONE);
	gpu_cmd(g, VGPU_CMD_LOAD, 1);
	gpu_refused(g, VGPU_CMD_LOAD, 1, VGPU_REFUSED_NO_IMAGE);
}

static void every_damaged_byte_is_noticed(void **state)
{
	static const size_t bytes[] = {
		offsetof(struct vgpu_image, magic),
		offsetof(struct vgpu_image, version),
		offsetof(struct vgpu_image, function),
		offsetof(struct vgpu_image, checksum),
		offsetof(struct vgpu_image, ring_last),
		offsetof(struct vgpu_image, sequence),
		offsetof(struct vgpu_image, gpu_time),
		offsetof(struct vgpu_image, reserved),
		offsetof(struct vgpu_image, ring[0].head),
		offsetof(struct vgpu_image, ring[0].groups_done) + 7,
		sizeof(struct vgpu_image) - 1,
	};
	struct gpu *g = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		uint64_t at = image_addr(g, 1) + bytes[i];

		gpu_cmd(g, VGPU_CMD_INIT, 1);
		gpu_event(g, INITIALISED, 1);
		qtest_write8(g->qt, at, qtest_read8(g->qt, at) ^ 0x10);
		check_refused(g);
	}
}

/* Damage with a right checksum: @change alters a fresh image. */
static void forge(struct gpu *g, void (*change)(struct vgpu_image *image))
{
	struct vgpu_image image;

	gpu_cmd(g, VGPU_CMD_INIT, 1);
	gpu_event(g, INITIALISED, 1);
	image = get_image(g, 1);
	change(&image);
	image.checksum = 0;
	image.checksum = htole32(vgpu_checksum(&image, sizeof(image)));
	qtest_write(g->qt, image_addr(g, 1), &image, sizeof(image));
}

static void another_functions_image(struct vgpu_image *image)
{
	image->function = htole16(2);
}

static void another_version(struct vgpu_image *image)
{
	image->version = htole16(VGPU_IMAGE_VERSION + 1);
}

static void another_magic(struct vgpu_image *image)
{
	image->magic = htole32(~VGPU_IMAGE_MAGIC);
}

static void work_of_a_lost_image_is_lost(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_busy(g, 1, 20 * US);

	qtest_write8(g->qt, image_addr(g, 1), 0);
	check_refused(g);
	assert_int_equal(ring_state(&s), VGPU_RING_HALTED);
	assert_int_equal(reg32(g, 1, ring_reg(&s, VGPU_RING_FAULT)), VGPU_FAULT_RESET);
}

static void a_wrong_identity_is_refused_despite_its_checksum(void **state)
{
	struct gpu *g = *state;

	forge(g, another_functions_image);
	check_refused(g);
	forge(g, another_version);
	check_refused(g);
	forge(g, another_magic);
	check_refused(g);
}

static void wild_positions(struct vgpu_image *image)
{
	unsigned int r;

	image->ring_last = htole32(0xffffffff);
	for (r = 0; r < VGPU_MAX_RINGS; r++) {
		image->ring[r].head = htole64(0xfffffffffffffff8);
		image->ring[r].in_indirect = htole32(0xffffffff);
		image->ring[r].indirect_offset = htole64(0xfffffffffffffff8);
		image->ring[r].groups_done = htole64(0xffffffffffffffff);
	}
}

static void wild_positions_harm_nobody(void **state)
{
	struct gpu *g = *state;
	uint64_t done = gpu_alloc(g, 8);
	struct stream s = gpu_ring(g, 2, 0);
	struct vgpu_event e;

	gpu_busy(g, 1, 20 * US);
	put_fence(&s, SYSTEM(done), 1);
	ring_kick(&s);
	forge(g, wild_positions);
	gpu_cmd(g, VGPU_CMD_LOAD, 1);
	gpu_step(g, MS);
	gpu_cmd(g, VGPU_CMD_RUN, 1);
	gpu_step(g, 10 * MS);
	gpu_cmd(g, VGPU_CMD_RESET, 1);
	gpu_step(g, g->reset);
	while (gpu_poll(g, &e))
		;
	gpu_run(g, 2);
	gpu_await(g, done, 1);
}

static void an_image_outside_vram_is_refused(void **state)
{
	static const uint64_t outside[] = {
		GPU_VRAM, 0xfffffffffffff000, 0x8000000000000000,
	};
	struct gpu *g = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(outside); i++) {
		gpu_cmd(g, VGPU_CMD_INIT, 1);
		gpu_event(g, INITIALISED, 1);
		set64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_IMAGE, outside[i]);
		check_refused(g);
		set64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_IMAGE, GPU_IMAGE(1));
	}
}

static void a_world_cannot_be_saved_outside_vram(void **state)
{
	struct gpu *g = *state;

	gpu_run(g, 1);
	set64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_IMAGE, GPU_VRAM);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	gpu_event(g, QUIESCED, 1);
	gpu_cmd(g, VGPU_CMD_SAVE, 1);
	gpu_refused(g, VGPU_CMD_SAVE, 1, VGPU_REFUSED_BAD_IMAGE);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_NONE);
}

static void next_with_a_damaged_image_leaves_the_engine_empty(void **state)
{
	struct gpu *g = *state;
	uint64_t at = image_addr(g, 2) + offsetof(struct vgpu_image, gpu_time);
	struct vgpu_event e;

	gpu_busy(g, 1, 20 * US);
	gpu_next(g, 1, 6 * MS);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	qtest_write8(g->qt, at, 0xff);
	gpu_next(g, 2, 6 * MS);
	g->quiet |= EVENT_BIT(SWITCHED);
	e = gpu_event(g, REFUSED, 2);
	assert_int_equal(e.detail, VGPU_DETAIL_NEXT);
	assert_int_equal(e.info, VGPU_REFUSED_BAD_IMAGE);
	gpu_step(g, MS);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_int_equal(gpu_world(g, 2), VGPU_WORLD_NONE);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_SAVED);
	gpu_silent(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(init_writes_a_fresh_image),
		GPU_TEST(save_writes_where_the_world_stopped),
		GPU_TEST(progress_of_another_epoch_is_dropped),
		GPU_TEST(every_damaged_byte_is_noticed),
		GPU_TEST(work_of_a_lost_image_is_lost),
		GPU_TEST(a_wrong_identity_is_refused_despite_its_checksum),
		GPU_TEST(wild_positions_harm_nobody),
		GPU_TEST(an_image_outside_vram_is_refused),
		GPU_TEST(a_world_cannot_be_saved_outside_vram),
		GPU_TEST(next_with_a_damaged_image_leaves_the_engine_empty),
	};

	return gpu_main("image", tests);
}

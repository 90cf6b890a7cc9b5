// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preemption in the middle of packets: nothing lost, nothing done twice. And
 * worlds that cannot be preempted: they hurt themselves only.
 */
#include "kernels.h"

#include <endian.h>
#include <stdlib.h>

/* So short that every slice ends within its first group or chunk. */
#define SLIVER		1ull

/* Switch between VFs 1 and 2 at every chance until both are done. */
static unsigned int take_turns(struct gpu *g, uint64_t done1, uint64_t done2)
{
	unsigned int f = 1, switches = 0;

	gpu_next(g, f, SLIVER);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	while (!qtest_read64(g->qt, done1) || !qtest_read64(g->qt, done2)) {
		gpu_next(g, 3 - f, SLIVER);
		gpu_event(g, SWITCHED, f);
		f = 3 - f;
		assert_true(++switches < 5000);
	}
	return switches;
}

static void every_kernel(struct gpu *g, bool vram)
{
	struct job job[3][JOB_KERNELS];
	uint64_t done[3];
	unsigned int f, i, groups = 0;

	for (f = 1; f <= 2; f++) {
		struct stream s = gpu_ring(g, f, 0);

		for (i = 0; i < JOB_KERNELS; i++) {
			struct area area = vram ?
				gpu_vram(g, f, (i % 4) * MIB) : gpu_ram(g, JOB_BYTES);

			/* VRAM has room for all of them but one. */
			job[f][i].kernel = 0;
			if (vram && i == 4)
				continue;
			job[f][i] = job_put(&s, job_kernels[i], area, 7 * f + i);
			groups += job[f][i].groups;
		}
		done[f] = gpu_alloc(g, 8);
		put_fence(&s, SYSTEM(done[f]), 1);
		ring_kick(&s);
	}
	/* Each group has been a slice of its own. */
	assert_true(take_turns(g, done[1], done[2]) + 10 >= groups);
	for (f = 1; f <= 2; f++)
		for (i = 0; i < JOB_KERNELS; i++)
			if (job[f][i].kernel)
				job_check(g, &job[f][i]);
}

static void every_kernel_survives_preemption_at_every_group(void **state)
{
	every_kernel(*state, false);
}

static void every_kernel_survives_preemption_with_data_in_vram(void **state)
{
	every_kernel(*state, true);
}

static void every_kernel_survives_preemption_inside_an_indirect_buffer(void **state)
{
	struct gpu *g = *state;
	struct job job[3][JOB_KERNELS];
	uint64_t done[3];
	unsigned int f, i;

	for (f = 1; f <= 2; f++) {
		struct stream s = gpu_ring(g, f, 0);
		struct stream b = gpu_buffer(g, 4096);

		for (i = 0; i < JOB_KERNELS; i++)
			job[f][i] = job_put(&b, job_kernels[i],
					    gpu_ram(g, JOB_BYTES), 70 * f + i);
		put_nop(&s, 3);
		put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
		done[f] = gpu_alloc(g, 8);
		put_fence(&s, SYSTEM(done[f]), 1);
		ring_kick(&s);
	}
	take_turns(g, done[1], done[2]);
	for (f = 1; f <= 2; f++)
		for (i = 0; i < JOB_KERNELS; i++)
			job_check(g, &job[f][i]);
}

/* Bytes from @addr on that are @value, each 4 of them. */
static uint64_t filled(struct gpu *g, uint64_t addr, uint64_t bytes, uint32_t value)
{
	uint32_t *data = malloc(bytes);
	uint64_t n = 0;

	assert_non_null(data);
	qtest_read(g->qt, addr, data, bytes);
	while (n < bytes / 4 && data[n] == value)
		n++;
	for (uint64_t i = n; i < bytes / 4; i++)
		assert_int_equal(data[i], 0);
	free(data);
	return n * 4;
}

static uint64_t chunks_in_image(struct gpu *g, unsigned int f)
{
	struct vgpu_image image;

	qtest_read(g->qt, g->fn[0].vram + GPU_IMAGE(f), &image, sizeof(image));
	return le64toh(image.ring[0].groups_done);
}

/* A copy or fill of @bytes to VRAM of VF 1 from offset 0 on, with @value. */
static void chunk_by_chunk(struct gpu *g, struct stream *s, uint64_t bytes,
			   uint32_t value)
{
	uint64_t done = gpu_alloc(g, 8), part = 0, before = 0;
	unsigned int slices = 0;

	put_fence(s, SYSTEM(done), 1);
	ring_kick(s);
	for (;;) {
		gpu_run(g, 1);
		gpu_step(g, 1);
		gpu_stop(g, 1);
		if (qtest_read64(g->qt, done))
			break;
		part = filled(g, g->fn[0].vram + GPU_RANGE(1), bytes, value);
		if (part == bytes)
			continue;
		/* Preempted between chunks, and the image knows which. */
		assert_int_equal(part % VGPU_CHUNK_BYTES, 0);
		assert_int_equal(part / VGPU_CHUNK_BYTES, chunks_in_image(g, 1));
		assert_in_range(part - before, 0, VGPU_CHUNK_BYTES);
		before = part;
		assert_true(++slices < 100);
	}
	assert_true(slices >= bytes / VGPU_CHUNK_BYTES - 1);
	assert_int_equal(filled(g, g->fn[0].vram + GPU_RANGE(1), bytes, value), bytes);
	assert_int_equal(filled(g, g->fn[0].vram + GPU_RANGE(1) + bytes, 64, value), 0);
}

static void fill_is_preempted_between_chunks(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);

	put_fill(&s, 0, 5 * VGPU_CHUNK_BYTES + 12, 0x12345678);
	chunk_by_chunk(g, &s, 5 * VGPU_CHUNK_BYTES + 12, 0x12345678);
}

static void copy_is_preempted_between_chunks(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t from = gpu_alloc(g, 6 * VGPU_CHUNK_BYTES);

	qtest_fill(g->qt, from, 0xa5, 5 * VGPU_CHUNK_BYTES + 12);
	put_copy(&s, 0, SYSTEM(from), 5 * VGPU_CHUNK_BYTES + 12);
	chunk_by_chunk(g, &s, 5 * VGPU_CHUNK_BYTES + 12, 0xa5a5a5a5);
}

static void two_rings_keep_their_places(void **state)
{
	struct gpu *g = *state;
	struct stream s[3][2];
	struct job job[3][2];
	uint64_t done[3];
	unsigned int f, r;

	if (g->rings < 2)
		skip();
	for (f = 1; f <= 2; f++) {
		done[f] = gpu_alloc(g, 16);
		for (r = 0; r < 2; r++) {
			s[f][r] = gpu_ring(g, f, r);
			put_nop(&s[f][r], 1 + r);
			job[f][r] = job_put(&s[f][r], VGPU_KERNEL_SPIN,
					    gpu_ram(g, JOB_BYTES), 1);
		}
		/* Ring 0 says "done" when ring 1 has said so. */
		put_fence(&s[f][1], SYSTEM(done[f] + 8), 1);
		put_wait(&s[f][0], SYSTEM(done[f] + 8), 1);
		put_fence(&s[f][0], SYSTEM(done[f]), 1);
		ring_kick(&s[f][0]);
		ring_kick(&s[f][1]);
	}
	take_turns(g, done[1], done[2]);
	for (f = 1; f <= 2; f++)
		for (r = 0; r < 2; r++) {
			job_check(g, &job[f][r]);
			assert_int_equal(ring_head(&s[f][r]), s[f][r].tail);
		}
}

static void head_of_a_saved_world_is_that_of_its_save(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t first;

	put_nop(&s, 4);
	first = s.tail;
	put_spin(&s, 100 * US, 100, VGPU_SPIN_NO_COUNT);
	put_nop(&s, 1);
	ring_kick(&s);
	assert_int_equal(ring_head(&s), 0);
	gpu_run(g, 1);
	gpu_step(g, MS);
	assert_int_equal(ring_head(&s), first);
	gpu_stop(g, 1);
	assert_int_equal(ring_head(&s), first);
	assert_int_equal(ring_state(&s), VGPU_RING_ACTIVE);
}

static void an_atomic_spin_is_not_preempted_between_groups(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t counters = gpu_alloc(g, 50 * 8);
	struct vgpu_event e;
	unsigned int i;
	uint64_t start;

	put_spin_atomic(&s, 20 * US, 50, SYSTEM(counters));
	ring_kick(&s);
	gpu_run(g, 1);
	start = gpu_now(g);
	gpu_step(g, 100 * US);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	e = gpu_event(g, QUIESCED, 1);
	assert_true(e.quiesced - start >= 50 * 20 * US);
	for (i = 0; i < 50; i++)
		assert_int_equal(qtest_read64(g->qt, counters + 8 * i), 1);
	assert_int_equal(ring_head(&s), s.tail);
}

static void the_longest_dispatch_does_not_end_early(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);

	put_spin(&s, VGPU_SPIN_MAX_NS, 0xffffffff, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	gpu_run(g, 1);
	/* A bit more than a group: 2^40 ns. */
	gpu_step(g, VGPU_SPIN_MAX_NS + MS);
	gpu_step(g, 3 * VGPU_SPIN_MAX_NS);
	assert_int_equal(ring_state(&s), VGPU_RING_ACTIVE);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	gpu_step(g, VGPU_SPIN_MAX_NS);
	gpu_event(g, QUIESCED, 1);
	gpu_cmd(g, VGPU_CMD_SAVE, 1);
	gpu_event(g, SAVED, 1);
	assert_int_equal(chunks_in_image(g, 1), 5);
}

#define TIMEOUT		(500 * US)
#define QUANTUM		(6 * MS)

static void set_timeout(struct gpu *g, unsigned int f, uint64_t ns)
{
	set64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_PREEMPT_TIMEOUT, ns);
}

static uint32_t hangs(struct gpu *g, unsigned int f)
{
	return reg32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_HANGS);
}

/* VF 1 never ends and has a second ring that only waits, VF 2 has work that is checked. */
static void a_hang_is_reset_at_the_timeout_and_hurts_nobody_else(void **state)
{
	struct gpu *g = *state;
	struct stream bad = gpu_ring(g, 1, 0), good = gpu_ring(g, 2, 0);
	struct stream beside = gpu_ring(g, 1, 1);
	struct job job = job_put(&good, VGPU_KERNEL_GEMM, gpu_ram(g, JOB_BYTES), 5);
	uint64_t done = gpu_alloc(g, 8);
	struct vgpu_event first, hang, e;

	put_fence(&good, SYSTEM(done), 1);
	ring_kick(&good);
	put_wait(&beside, SYSTEM(done), 2);
	ring_kick(&beside);
	put_spin_atomic(&bad, 10 * MS, 1000, VGPU_SPIN_NO_COUNT);
	ring_kick(&bad);
	set_timeout(g, 1, TIMEOUT);
	gpu_next(g, 1, QUANTUM);
	first = gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	gpu_next(g, 2, QUANTUM);

	hang = gpu_event(g, HANG, 1);
	assert_int_equal(hang.request, first.running + QUANTUM);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_RESETTING);
	e = gpu_event(g, SWITCHED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_HANG);
	assert_int_equal(e.detail, 2);
	assert_int_equal(e.request, e.deadline);
	assert_int_equal(e.deadline, first.running + QUANTUM);
	assert_int_equal(e.quiesced, e.request + TIMEOUT);
	assert_int_equal(e.saved, e.quiesced + g->reset);
	assert_int_equal(e.loaded, e.saved + g->load);
	assert_int_equal(e.running, e.loaded);

	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_HUNG);
	assert_int_equal(hangs(g, 1), 1);
	assert_int_equal(ring_state(&bad), VGPU_RING_HALTED);
	assert_int_equal(reg32(g, 1, ring_reg(&bad, VGPU_RING_FAULT)) &
			 (VGPU_RING_FAULT_CODE | VGPU_RING_FAULT_OPCODE),
			 VGPU_FAULT_RESET |
			 VGPU_FIELD_PREP(VGPU_RING_FAULT_OPCODE, VGPU_OP_DISPATCH));
	assert_int_equal(reg32(g, 1, ring_reg(&beside, VGPU_RING_FAULT)), VGPU_FAULT_RESET);
	gpu_next(g, 1, QUANTUM);
	gpu_refused(g, VGPU_DETAIL_NEXT, 1, VGPU_REFUSED_NO_IMAGE);

	gpu_await(g, done, 1);
	job_check(g, &job);
	assert_int_equal(hangs(g, 2), 0);
}

static void preempt_has_the_same_timeout(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct vgpu_event e;
	uint64_t asked;

	put_spin_atomic(&s, 10 * MS, 10, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	set_timeout(g, 1, TIMEOUT);
	gpu_run(g, 1);
	gpu_step(g, MS);
	asked = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	e = gpu_event(g, HANG, 1);
	assert_int_equal(e.request, asked);
	assert_int_equal(gpu_now(g), asked + TIMEOUT);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_RESETTING);
	assert_int_equal(gpu_event(g, RESET, 1).quiesced, asked + TIMEOUT + g->reset);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_HUNG);
	assert_int_equal(hangs(g, 1), 1);
	gpu_step(g, 100 * MS);
	gpu_silent(g);
}

static void a_world_that_quiesces_in_time_is_not_reset(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t asked;

	/* A whole ns before the timeout, and at it. */
	put_spin_atomic(&s, TIMEOUT, 1, VGPU_SPIN_NO_COUNT);
	put_nop(&s, 1);
	ring_kick(&s);
	set_timeout(g, 1, TIMEOUT);
	gpu_run(g, 1);
	gpu_step(g, 5 * US);
	asked = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	assert_in_range(gpu_event(g, QUIESCED, 1).quiesced, asked, asked + TIMEOUT);
	assert_int_equal(hangs(g, 1), 0);
}

static void without_a_timeout_the_engine_waits(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);

	put_spin_atomic(&s, 50 * MS, 10, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_step(g, MS);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	gpu_step(g, 400 * MS);
	gpu_silent(g);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_QUIESCING);
	gpu_event(g, QUIESCED, 1);
}

static void a_hung_world_works_again_after_init_and_resume(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t counters = gpu_alloc(g, 8 * 8);
	uint64_t done = gpu_alloc(g, 8);
	unsigned int i;

	put_spin_atomic(&s, 2 * MS, 8, SYSTEM(counters));
	put_fence(&s, SYSTEM(done), 1);
	ring_kick(&s);
	set_timeout(g, 1, TIMEOUT);
	gpu_run(g, 1);
	gpu_step(g, 5 * MS);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	gpu_event(g, HANG, 1);
	gpu_event(g, RESET, 1);
	assert_int_equal(ring_head(&s), 0);

	gpu_cmd(g, VGPU_CMD_INIT, 1);
	gpu_event(g, INITIALISED, 1);
	qtest_fill(g->qt, counters, 0, 8 * 8);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL),
	      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
	gpu_run(g, 1);
	gpu_await(g, done, 1);
	for (i = 0; i < 8; i++)
		assert_int_equal(qtest_read64(g->qt, counters + 8 * i), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(every_kernel_survives_preemption_at_every_group),
		GPU_TEST(every_kernel_survives_preemption_with_data_in_vram),
		GPU_TEST(every_kernel_survives_preemption_inside_an_indirect_buffer),
		GPU_TEST(fill_is_preempted_between_chunks),
		GPU_TEST(copy_is_preempted_between_chunks),
		GPU_SOFTWARE_TEST(copy_is_preempted_between_chunks),
		GPU_TEST(two_rings_keep_their_places),
		GPU_TEST(head_of_a_saved_world_is_that_of_its_save),
		GPU_TEST(an_atomic_spin_is_not_preempted_between_groups),
		GPU_TEST(the_longest_dispatch_does_not_end_early),
		GPU_TEST(a_hang_is_reset_at_the_timeout_and_hurts_nobody_else),
		GPU_TEST(preempt_has_the_same_timeout),
		GPU_SOFTWARE_TEST(preempt_has_the_same_timeout),
		GPU_TEST(a_world_that_quiesces_in_time_is_not_reset),
		GPU_TEST(without_a_timeout_the_engine_waits),
		GPU_TEST(a_hung_world_works_again_after_init_and_resume),
	};

	return gpu_main("preempt", tests);
}

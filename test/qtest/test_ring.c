// SPDX-License-Identifier: GPL-2.0-only
/* Rings and packets: what they do. */
#include "kernels.h"

#include <endian.h>

static void every_kernel_computes_what_it_says(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct job job[JOB_KERNELS];
	unsigned int i;
	uint64_t done;

	for (i = 0; i < JOB_KERNELS; i++)
		job[i] = job_put(&s, job_kernels[i], gpu_ram(g, JOB_BYTES), 99 + i);
	done = ring_finish(&s);
	gpu_run(g, 1);
	gpu_await(g, done, 1);
	for (i = 0; i < JOB_KERNELS; i++)
		job_check(g, &job[i]);
}

static void copy_and_fill_do_what_they_say(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t ram = gpu_alloc(g, 4096), back = gpu_alloc(g, 4096), done;
	uint32_t data[32], got[32];
	unsigned int i;

	for (i = 0; i < 32; i++)
		data[i] = i * 0x01010101;
	qtest_write(g->qt, ram, data, sizeof(data));
	put_copy(&s, 4, SYSTEM(ram), sizeof(data));
	put_copy(&s, 1024, 4, sizeof(data));
	put_copy(&s, SYSTEM(back), 1024, sizeof(data));
	put_fill(&s, SYSTEM(back) + 8, 12, 0xdeadbeef);
	/* Nothing is no mistake. */
	put_fill(&s, 0, 0, 1);
	put_copy(&s, 0, 4, 0);
	done = ring_finish(&s);
	gpu_run(g, 1);
	gpu_await(g, done, 1);

	qtest_read(g->qt, back, got, sizeof(got));
	data[2] = 0xdeadbeef;
	data[3] = 0xdeadbeef;
	data[4] = 0xdeadbeef;
	assert_memory_equal(got, data, sizeof(data));
	assert_int_equal(qtest_read32(g->qt, back + sizeof(data)), 0);
	assert_int_equal(qtest_read32(g->qt, g->fn[1].vram), 0);
}

static void a_fence_writes_64_bits_and_interrupts_if_asked(void **state)
{
	struct gpu *g = *state;
	unsigned int r = g->rings - 1;
	uint64_t vector = gpu_vector(g, 1, VGPU_VECTOR_RING(r));
	struct stream s = gpu_ring(g, 1, r);
	uint64_t at = gpu_alloc(g, 16);

	put_fence(&s, SYSTEM(at), 0x1122334455667788);
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_await(g, at, 0x1122334455667788);
	assert_false(gpu_interrupted(g, vector));
	put_fence_interrupt(&s, SYSTEM(at + 8), 7);
	ring_kick(&s);
	gpu_await(g, at + 8, 7);
	assert_true(gpu_interrupted(g, vector));
}

static void packets_wrap_around_the_end(void **state)
{
	struct gpu *g = *state;
	struct stream s = {
		.g = g, .memory = gpu_alloc(g, 4096), .size = 4096, .function = 1,
	};
	uint64_t done = gpu_alloc(g, 8);
	unsigned int i;

	set64(g, 1, ring_reg(&s, VGPU_RING_BASE), SYSTEM(s.memory));
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	gpu_run(g, 1);
	/* 12 words and 3: the end is met at all places of a packet. */
	for (i = 1; i <= 200; i++) {
		put_spin(&s, 100, 1, VGPU_SPIN_NO_COUNT);
		put_fence(&s, SYSTEM(done), i);
		ring_kick(&s);
		gpu_await(g, done, i);
	}
	assert_true(s.tail > 5 * 4096);
	assert_int_equal(ring_head(&s), s.tail);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_TAIL)), s.tail);
}

static void a_full_ring_is_executed(void **state)
{
	struct gpu *g = *state;
	struct stream s = {
		.g = g, .memory = gpu_alloc(g, 4096), .size = 4096, .function = 1,
	};

	set64(g, 1, ring_reg(&s, VGPU_RING_BASE), SYSTEM(s.memory));
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	while (s.tail < 4096)
		put_nop(&s, 2);
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_step(g, 10 * MS);
	assert_int_equal(ring_state(&s), VGPU_RING_IDLE);
	assert_int_equal(ring_head(&s), 4096);
}

static void a_ring_can_begin_anywhere(void **state)
{
	struct gpu *g = *state;
	const uint64_t first = 0xfffffffffff8;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t done;

	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), 0);
	set64(g, 1, ring_reg(&s, VGPU_RING_HEAD), first);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_TAIL)), first);
	s.tail = first;
	done = ring_finish(&s);
	gpu_run(g, 1);
	gpu_await(g, done, 1);
	assert_int_equal(ring_head(&s), s.tail);
}

static void a_ring_may_be_in_vram(void **state)
{
	struct gpu *g = *state;
	struct stream s = {
		.g = g, .memory = g->fn[1].vram + MIB, .size = 4096, .function = 1,
	};
	uint64_t done;

	set64(g, 1, ring_reg(&s, VGPU_RING_BASE), MIB);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	done = ring_finish(&s);
	gpu_run(g, 1);
	gpu_await(g, done, 1);
}

static void an_indirect_buffer_is_one_packet_of_the_ring(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct stream b = gpu_buffer(g, 4096);
	uint64_t at = gpu_alloc(g, 16);

	put_fill(&b, SYSTEM(at), 4, 5);
	put_nop(&b, 4);
	put_fence(&b, SYSTEM(at + 8), 6);
	put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
	put_indirect(&s, 0, SYSTEM(b.memory), 0);
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_await(g, at + 8, 6);
	assert_int_equal(qtest_read32(g->qt, at), 5);
	gpu_step(g, MS);
	assert_int_equal(ring_state(&s), VGPU_RING_IDLE);
}

static void wait_blocks_its_ring_until_another_ring_fences(void **state)
{
	struct gpu *g = *state;
	struct stream waiter = gpu_ring(g, 1, 0), signaller = gpu_ring(g, 1, 1);
	uint64_t timeline = gpu_alloc(g, 8), done;

	put_wait(&waiter, SYSTEM(timeline), 10);
	done = ring_finish(&waiter);
	gpu_run(g, 1);
	gpu_step(g, MS);
	assert_int_equal(ring_state(&waiter), VGPU_RING_BLOCKED);
	assert_int_equal(ring_head(&waiter), 0);

	put_fence(&signaller, SYSTEM(timeline), 9);
	ring_kick(&signaller);
	gpu_step(g, MS);
	assert_int_equal(ring_state(&waiter), VGPU_RING_BLOCKED);
	/* Its doorbell lets it look again; later, the fence does. */
	put_spin(&signaller, MS, 1, VGPU_SPIN_NO_COUNT);
	put_spin(&signaller, MS, 1, VGPU_SPIN_NO_COUNT);
	put_fence(&signaller, SYSTEM(timeline), 11);
	ring_kick(&signaller);
	gpu_step(g, 3 * MS / 2);
	assert_int_equal(ring_state(&waiter), VGPU_RING_BLOCKED);
	gpu_await(g, done, 1);
	assert_int_equal(ring_state(&waiter), VGPU_RING_IDLE);
}

static void wait_is_unsigned_and_at_least(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t value = gpu_alloc(g, 8), done;

	qtest_write64(g->qt, value, 0x8000000000000000);
	put_wait(&s, SYSTEM(value), 0x8000000000000000);
	put_wait(&s, SYSTEM(value), 1);
	put_wait(&s, SYSTEM(value), 0);
	done = ring_finish(&s);
	gpu_run(g, 1);
	gpu_await(g, done, 1);
}

static void a_doorbell_makes_a_waiting_ring_look_again(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0), other = gpu_ring(g, 1, 1);
	uint64_t value = gpu_alloc(g, 8), done;

	put_wait(&s, SYSTEM(value), 1);
	done = ring_finish(&s);
	gpu_run(g, 1);
	gpu_step(g, MS);
	/* A write to memory alone does not. */
	qtest_write64(g->qt, value, 1);
	gpu_step(g, MS);
	assert_int_equal(ring_state(&s), VGPU_RING_BLOCKED);
	/* Any ring's doorbell does, even one that moves nothing. */
	ring_kick(&other);
	gpu_await(g, done, 1);
}

static void write_opcode(struct gpu *g, uint64_t packet, uint32_t opcode)
{
	uint32_t header = qtest_read32(g->qt, packet);

	qtest_write32(g->qt, packet, (header & VGPU_PKT_QWORDS) | opcode);
}

/* Behind HEAD nothing has been read: a fence becomes a wait, and a fence again. */
static void packets_behind_head_can_be_changed(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0), b = gpu_buffer(g, 4096);
	uint64_t value = gpu_alloc(g, 16), fence, fill, done;

	put_spin(&b, 10 * MS, 1, VGPU_SPIN_NO_COUNT);
	put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
	fence = s.tail;
	put_fence(&s, SYSTEM(value), 1);
	fill = s.tail;
	put_fill(&s, SYSTEM(value) + 8, 8, 7);
	done = ring_finish(&s);
	gpu_run(g, 1);
	gpu_step(g, MS);
	assert_int_equal(ring_head(&s), 0);

	write_opcode(g, s.memory + fence, VGPU_OP_WAIT);
	assert_int_equal(ring_head(&s), 0);
	gpu_step(g, 20 * MS);
	assert_int_equal(ring_state(&s), VGPU_RING_BLOCKED);
	assert_int_equal(ring_head(&s), fence);
	assert_int_equal(qtest_read64(g->qt, value), 0);

	write_opcode(g, s.memory + fill, VGPU_OP_NOP);
	write_opcode(g, s.memory + fence, VGPU_OP_FENCE);
	ring_kick(&s);
	gpu_await(g, done, 1);
	assert_int_equal(qtest_read64(g->qt, value), 1);
	assert_int_equal(qtest_read64(g->qt, value + 8), 0);
}

static void a_doorbell_off_the_engine_unblocks_too(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t value = gpu_alloc(g, 8), done;

	put_wait(&s, SYSTEM(value), 1);
	done = ring_finish(&s);
	gpu_run(g, 1);
	gpu_step(g, MS);
	gpu_stop(g, 1);
	qtest_write64(g->qt, value, 1);
	g->quiet = EVENT_BIT(IDLE);
	gpu_silent(g);
	ring_kick(&s);
	gpu_event(g, RUNNABLE, 1);
	gpu_run(g, 1);
	gpu_await(g, done, 1);
}

static void rings_take_turns_packet_by_packet(void **state)
{
	struct gpu *g = *state;
	struct stream s[2] = { gpu_ring(g, 1, 0), gpu_ring(g, 1, 1) };
	uint64_t at = gpu_alloc(g, 4096);
	struct vgpu_timestamp stamp[2][8];
	unsigned int i, r;

	for (r = 0; r < 2; r++) {
		for (i = 0; i < 8; i++)
			put_timestamp(&s[r], SYSTEM(at + (r * 8 + i) * sizeof(**stamp)));
		ring_kick(&s[r]);
	}
	gpu_run(g, 1);
	gpu_step(g, MS);
	qtest_read(g->qt, at, stamp, sizeof(stamp));
	for (i = 0; i < 7; i++) {
		assert_in_range(le64toh(stamp[1][i].clock), le64toh(stamp[0][i].clock),
				le64toh(stamp[0][i + 1].clock));
		assert_in_range(le64toh(stamp[0][i + 1].clock),
				le64toh(stamp[1][i].clock),
				le64toh(stamp[1][i + 1].clock));
	}
}

/* A ring that could go on has to wait for the one whose buffer is under way. */
static void the_ring_that_has_its_turn_is_told(void **state)
{
	struct gpu *g = *state;
	struct stream s[2] = { gpu_ring(g, 1, 0), gpu_ring(g, 1, 1) };
	struct stream waits = gpu_buffer(g, 4096), works = gpu_buffer(g, 4096);
	uint64_t value = gpu_alloc(g, 8), done;

	put_wait(&waits, SYSTEM(value), 1);
	put_spin(&waits, 10 * MS, 1, VGPU_SPIN_NO_COUNT);
	put_indirect(&s[1], 0, SYSTEM(waits.memory), waits.tail);
	done = ring_finish(&s[1]);
	gpu_run(g, 1);
	gpu_step(g, MS);
	assert_int_equal(ring_state(&s[1]), VGPU_RING_BLOCKED);
	assert_int_equal(reg32(g, 1, VGPU_REG_SERVED), 1);

	put_spin(&works, MS, 10, VGPU_SPIN_NO_COUNT);
	put_indirect(&s[0], 0, SYSTEM(works.memory), works.tail);
	ring_kick(&s[0]);
	gpu_step(g, 2 * MS);
	qtest_write64(g->qt, value, 1);
	ring_kick(&s[1]);
	gpu_step(g, MS);
	assert_int_equal(ring_state(&s[0]), VGPU_RING_ACTIVE);
	assert_int_equal(ring_state(&s[1]), VGPU_RING_ACTIVE);
	assert_int_equal(reg32(g, 1, VGPU_REG_SERVED), 0);
	/* Nor does it change that another function has the engine. */
	gpu_stop(g, 1);
	assert_int_equal(reg32(g, 1, VGPU_REG_SERVED), 0);
	gpu_run(g, 1);
	gpu_step(g, 10 * MS);
	assert_int_equal(reg32(g, 1, VGPU_REG_SERVED), 1);
	gpu_await(g, done, 1);
}

static void an_indirect_buffer_is_one_turn(void **state)
{
	struct gpu *g = *state;
	struct stream s[2] = { gpu_ring(g, 1, 0), gpu_ring(g, 1, 1) };
	struct stream b = gpu_buffer(g, 4096);
	uint64_t at = gpu_alloc(g, 4096);
	struct vgpu_timestamp inside[2], beside[4];
	unsigned int i;

	/* Groups and packets of the buffer, preempted on the way. */
	put_timestamp(&b, SYSTEM(at));
	put_spin(&b, 10 * US, 20, VGPU_SPIN_NO_COUNT);
	put_nop(&b, 1);
	put_timestamp(&b, SYSTEM(at + sizeof(*inside)));
	put_indirect(&s[0], 0, SYSTEM(b.memory), b.tail);
	for (i = 0; i < 4; i++)
		put_timestamp(&s[1], SYSTEM(at + (2 + i) * sizeof(*inside)));
	ring_kick(&s[0]);
	ring_kick(&s[1]);
	for (i = 0; i < 4; i++) {
		gpu_run(g, 1);
		gpu_step(g, 55 * US);
		gpu_stop(g, 1);
	}
	qtest_read(g->qt, at, inside, sizeof(inside));
	qtest_read(g->qt, at + sizeof(inside), beside, sizeof(beside));
	assert_true(inside[0].clock && inside[1].clock > inside[0].clock);
	for (i = 0; i < 4; i++)
		assert_true(!beside[i].clock || beside[i].clock <= inside[0].clock ||
			    beside[i].clock >= inside[1].clock);
}

static void a_disabled_ring_stops_at_a_preemption_point(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t counters = gpu_alloc(g, 100 * 8);

	put_spin(&s, 100 * US, 100, SYSTEM(counters));
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_step(g, 250 * US);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), 0);
	assert_int_equal(ring_state(&s), VGPU_RING_STOPPING);
	gpu_step(g, 100 * US);
	assert_int_equal(ring_state(&s), VGPU_RING_DISABLED);
	assert_int_equal(ring_head(&s), 0);
	gpu_step(g, 100 * MS);
	assert_int_equal(qtest_read64(g->qt, counters + 2 * 8), 1);
	assert_int_equal(qtest_read64(g->qt, counters + 3 * 8), 0);
}

static void a_doorbell_is_for_one_ring_of_one_function(void **state)
{
	struct gpu *g = *state;
	struct stream s[GPU_FIXTURE_VFS * VGPU_MAX_RINGS];
	unsigned int rings = 0, f, r, i;
	uint64_t doorbells;

	for (f = 1; f <= g->vfs; f++)
		for (r = 0; r < g->rings; r++)
			s[rings++] = gpu_ring(g, f, r);
	for (r = 0; r < rings; r++) {
		put_nop(&s[r], 1);
		ring_kick(&s[r]);
		for (i = 0; i < rings; i++)
			assert_int_equal(reg64(g, s[i].function,
					       ring_reg(&s[i], VGPU_RING_TAIL)), s[i].tail);
		for (f = 1, doorbells = 0; f <= g->vfs; f++)
			doorbells += reg64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_DOORBELLS);
		assert_int_equal(doorbells, r + 1);
	}
}

static void a_disabled_ring_ignores_doorbells_and_counts_them(void **state)
{
	struct gpu *g = *state;
	const uint32_t count = VGPU_PF_FN(1) + VGPU_PF_FN_DOORBELLS;
	struct stream s = gpu_ring(g, 1, 0);

	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), 0);
	set64(g, 1, VGPU_REG_DOORBELL(0), 64);
	set64(g, 1, VGPU_REG_DOORBELL(0), 13);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_TAIL)), 0);
	assert_int_equal(ring_state(&s), VGPU_RING_DISABLED);
	assert_int_equal(reg64(g, 0, count), 2);
}

static void a_closed_function_ignores_doorbells_and_keeps_registers(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);

	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_CTRL, 0);
	ring_kick(&s);
	set64(g, 1, VGPU_REG_DOORBELL(0), 64);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_TAIL)), 0);
	assert_int_equal(reg64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_DOORBELLS), 2);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_BASE)), SYSTEM(s.memory));
	assert_int_equal(reg32(g, 1, ring_reg(&s, VGPU_RING_CTRL)),
			 VGPU_RING_CTRL_ENABLE);
	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_CTRL, VGPU_PF_FN_CTRL_OPEN);
	gpu_run(g, 1);
	gpu_await(g, ring_finish(&s), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(every_kernel_computes_what_it_says),
		GPU_TEST(copy_and_fill_do_what_they_say),
		GPU_TEST(a_fence_writes_64_bits_and_interrupts_if_asked),
		GPU_TEST(packets_wrap_around_the_end),
		GPU_TEST(a_full_ring_is_executed),
		GPU_TEST(a_ring_can_begin_anywhere),
		GPU_TEST(a_ring_may_be_in_vram),
		GPU_TEST(an_indirect_buffer_is_one_packet_of_the_ring),
		GPU_TEST(wait_blocks_its_ring_until_another_ring_fences),
		GPU_TEST(wait_is_unsigned_and_at_least),
		GPU_TEST(a_doorbell_makes_a_waiting_ring_look_again),
		GPU_TEST(packets_behind_head_can_be_changed),
		GPU_TEST(a_doorbell_off_the_engine_unblocks_too),
		GPU_TEST(rings_take_turns_packet_by_packet),
		GPU_TEST(the_ring_that_has_its_turn_is_told),
		GPU_TEST(an_indirect_buffer_is_one_turn),
		GPU_TEST(a_disabled_ring_stops_at_a_preemption_point),
		GPU_TEST(a_doorbell_is_for_one_ring_of_one_function),
		GPU_TEST(a_disabled_ring_ignores_doorbells_and_counts_them),
		GPU_TEST(a_closed_function_ignores_doorbells_and_keeps_registers),
	};

	return gpu_main("ring", tests);
}

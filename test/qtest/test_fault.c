// SPDX-License-Identifier: GPL-2.0-only
/* Every way to do it wrong in a ring: reported precisely, to be repaired. */
#include "gpu.h"

#include <endian.h>

/* Where an expected fault is, beside its code. */
struct fault {
	unsigned int code;
	unsigned int opcode;
	unsigned int access;
	unsigned int context;
	uint64_t addr;
};

#define EXPECT(...)	(&(const struct fault) { __VA_ARGS__ })

/*
 * The packet at the tail of the running world's ring must halt it like this,
 * in the registers and in the event, with nothing done behind it. Afterwards
 * HEAD is moved behind it and the ring goes on.
 */
#define check_fault(s, at, expected) check_fault_at(s, at, expected, __LINE__)

static void check_fault_at(struct stream *s, uint64_t at, const struct fault *f,
			   int line)
{
	struct gpu *g = s->g;
	uint64_t done = gpu_alloc(g, 8);
	const uint32_t expected =
		VGPU_FIELD_PREP(VGPU_RING_FAULT_CODE, f->code) |
		VGPU_FIELD_PREP(VGPU_RING_FAULT_OPCODE, f->opcode) |
		VGPU_FIELD_PREP(VGPU_RING_FAULT_ACCESS, f->access) |
		VGPU_FIELD_PREP(VGPU_RING_FAULT_CONTEXT, f->context);
	struct vgpu_event e;

	put_fence(s, SYSTEM(done), 1);
	ring_kick(s);
	e = gpu_event_at(g, VGPU_EVENT_FAULT, s->function, __FILE__, line);
	if (e.info != expected || e.deadline != f->addr)
		print_error("line %d: fault %#x at %#llx, expected %#x at %#llx\n", line,
			    e.info, e.deadline, expected, (unsigned long long)f->addr);
	assert_int_equal(e.info, expected);
	assert_int_equal(e.deadline, f->addr);
	assert_int_equal(e.detail, s->ring);
	assert_int_equal(reg32(g, s->function, ring_reg(s, VGPU_RING_FAULT)), expected);
	assert_int_equal(reg64(g, s->function, ring_reg(s, VGPU_RING_FAULT_ADDR)), f->addr);
	assert_int_equal(ring_state(s), VGPU_RING_HALTED);
	assert_int_equal(ring_head(s), at);

	set64(g, s->function, ring_reg(s, VGPU_RING_HEAD), s->tail);
	set32(g, s->function, ring_reg(s, VGPU_RING_CTRL),
	      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
	gpu_step(g, 100 * US);
	assert_int_equal(qtest_read64(g->qt, done), 0);
	assert_int_equal(ring_state(s), VGPU_RING_IDLE);
	assert_int_equal(reg32(g, s->function, ring_reg(s, VGPU_RING_FAULT)), 0);
	assert_int_equal(reg64(g, s->function, ring_reg(s, VGPU_RING_FAULT_ADDR)), 0);
	g->quiet |= EVENT_BIT(RUNNABLE) | EVENT_BIT(IDLE);
	gpu_silent(g);
}

/* A packet of @qwords with this header and context, its arguments zero. */
static void put_raw(struct stream *s, uint32_t header, uint32_t context,
		    unsigned int qwords)
{
	uint32_t words[2 * 16] = { htole32(header), htole32(context) };

	put(s, words, qwords * 8);
}

static void fault_opcode(void **state)
{
	static const unsigned int unknown[] = { 0, 9, 0x10, 0xff };
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	unsigned int i;
	uint64_t at;

	gpu_run(g, 1);
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		at = s.tail;
		put_raw(&s, unknown[i] | 2 << 16, 0, 2);
		check_fault(&s, at, EXPECT(.code = VGPU_FAULT_OPCODE,
					   .opcode = unknown[i] & 0xf));
	}
}

static void fault_opcode_indirect_inside_indirect(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct stream b = gpu_buffer(g, 4096);

	gpu_run(g, 1);
	put_nop(&b, 2);
	put_indirect(&b, 0, SYSTEM(b.memory), 16);
	put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
	check_fault(&s, 0, EXPECT(.code = VGPU_FAULT_OPCODE,
				  .opcode = VGPU_OP_INDIRECT));
}

static void fault_length(void **state)
{
	static const struct {
		unsigned int opcode;
		unsigned int qwords;
	} right[] = {
		{ VGPU_OP_FENCE, 3 }, { VGPU_OP_WAIT, 3 }, { VGPU_OP_COPY, 4 },
		{ VGPU_OP_FILL, 4 }, { VGPU_OP_TIMESTAMP, 2 }, { VGPU_OP_INDIRECT, 3 },
		{ VGPU_OP_DISPATCH, 11 },
	};
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	unsigned int i;
	uint64_t at;
	int wrong;

	gpu_run(g, 1);
	for (i = 0; i < ARRAY_SIZE(right); i++)
		for (wrong = -1; wrong <= 1; wrong += 2) {
			unsigned int qwords = right[i].qwords + wrong;

			at = s.tail;
			put_raw(&s, right[i].opcode | qwords << 16, 0, qwords);
			check_fault(&s, at, EXPECT(.code = VGPU_FAULT_LENGTH,
						   .opcode = right[i].opcode));
		}
	at = s.tail;
	put_raw(&s, VGPU_OP_NOP, 0, 1);
	check_fault(&s, at, EXPECT(.code = VGPU_FAULT_LENGTH, .opcode = VGPU_OP_NOP));
}

static void fault_length_beyond_the_tail(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct stream b = gpu_buffer(g, 4096);
	uint64_t at;

	gpu_run(g, 1);
	/* The fence of check_fault() is 3 of the 5 that are missing. */
	put_raw(&s, VGPU_OP_NOP | 6 << 16, 0, 1);
	check_fault(&s, 0, EXPECT(.code = VGPU_FAULT_LENGTH, .opcode = VGPU_OP_NOP));

	/* The same at the end of an indirect buffer. */
	put_raw(&b, VGPU_OP_NOP | 3 << 16, 0, 2);
	at = s.tail;
	put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
	check_fault(&s, at, EXPECT(.code = VGPU_FAULT_LENGTH, .opcode = VGPU_OP_NOP));
}

static void fault_flags(void **state)
{
	static const struct {
		unsigned int opcode;
		unsigned int qwords;
		unsigned int flags;
	} wrong[] = {
		{ VGPU_OP_FENCE, 3, 0x02 }, { VGPU_OP_FENCE, 3, 0x80 },
		{ VGPU_OP_WAIT, 3, 0x01 }, { VGPU_OP_COPY, 4, 0x01 },
		{ VGPU_OP_FILL, 4, 0x10 }, { VGPU_OP_TIMESTAMP, 2, 0x01 },
		{ VGPU_OP_INDIRECT, 3, 0x01 }, { VGPU_OP_DISPATCH, 11, 0x01 },
	};
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct vgpu_pkt_fill fill = {
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_FILL, 0, struct vgpu_pkt_fill),
		.reserved = htole32(1),
	};
	unsigned int i;
	uint64_t at;

	gpu_run(g, 1);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		at = s.tail;
		put_raw(&s, wrong[i].opcode | wrong[i].flags << 8 |
			wrong[i].qwords << 16, 0, wrong[i].qwords);
		check_fault(&s, at, EXPECT(.code = VGPU_FAULT_FLAGS,
					   .opcode = wrong[i].opcode));
	}
	at = s.tail;
	put(&s, &fill, sizeof(fill));
	check_fault(&s, at, EXPECT(.code = VGPU_FAULT_FLAGS, .opcode = VGPU_OP_FILL));
}

static void fault_flags_fence_interrupt_inside_indirect(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct stream b = gpu_buffer(g, 4096);

	gpu_run(g, 1);
	put_fence_interrupt(&b, SYSTEM(b.memory + 2048), 1);
	put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
	check_fault(&s, 0, EXPECT(.code = VGPU_FAULT_FLAGS, .opcode = VGPU_OP_FENCE));
}

static void fault_context_inside_indirect(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct stream b = gpu_buffer(g, 4096);

	gpu_run(g, 1);
	b.context = 1;
	put_fence(&b, SYSTEM(b.memory + 2048), 1);
	put_indirect(&s, 0, SYSTEM(b.memory), b.tail);
	check_fault(&s, 0, EXPECT(.code = VGPU_FAULT_CONTEXT, .opcode = VGPU_OP_FENCE,
				  .context = 1));
}

/* An address of function space that is none. */
#define NOT_CANONICAL	0x8000000000000000ull

static void fault_address(void **state)
{
	static const uint64_t bad[] = {
		GPU_RANGE_SIZE, 0x000ffffffffffff8, NOT_CANONICAL,
		0x0010000000000000, 0x2000000000000000, 0x4010000000000000,
	};
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	unsigned int i;
	uint64_t at;

	gpu_run(g, 1);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct {
			unsigned int opcode;
			unsigned int access;
		} want[] = {
			{ VGPU_OP_FENCE, VGPU_ACCESS_WRITE },
			{ VGPU_OP_WAIT, VGPU_ACCESS_READ },
			{ VGPU_OP_COPY, VGPU_ACCESS_READ },
			{ VGPU_OP_COPY, VGPU_ACCESS_WRITE },
			{ VGPU_OP_FILL, VGPU_ACCESS_WRITE },
			{ VGPU_OP_TIMESTAMP, VGPU_ACCESS_WRITE },
			{ VGPU_OP_DISPATCH, VGPU_ACCESS_WRITE },
		};
		unsigned int p;

		for (p = 0; p < ARRAY_SIZE(want); p++) {
			at = s.tail;
			switch (want[p].opcode) {
			case VGPU_OP_FENCE:
				put_fence(&s, bad[i], 1);
				break;
			case VGPU_OP_WAIT:
				put_wait(&s, bad[i], 1);
				break;
			case VGPU_OP_COPY:
				if (want[p].access == VGPU_ACCESS_READ)
					put_copy(&s, 0, bad[i], 4);
				else
					put_copy(&s, bad[i], 0, 4);
				break;
			case VGPU_OP_FILL:
				put_fill(&s, bad[i], 4, 1);
				break;
			case VGPU_OP_TIMESTAMP:
				put_timestamp(&s, bad[i]);
				break;
			default:
				put_spin(&s, 1000, 1, bad[i]);
			}
			check_fault(&s, at, EXPECT(.code = VGPU_FAULT_ADDRESS,
						   .opcode = want[p].opcode,
						   .access = want[p].access,
						   .addr = bad[i]));
		}
		at = s.tail;
		put_indirect(&s, 0, bad[i], 64);
		check_fault(&s, at, EXPECT(.code = VGPU_FAULT_ADDRESS,
					   .opcode = VGPU_OP_INDIRECT,
					   .access = VGPU_ACCESS_EXECUTE,
					   .addr = bad[i]));
	}
}

static void fault_address_of_a_copy_onto_itself(void **state)
{
	static const struct {
		uint64_t dst;
		uint64_t src;
	} overlap[] = {
		{ 4096, 4096 }, { 4096, 4092 }, { 4092, 4096 }, { 4096, 4096 + 60 },
		{ SYSTEM(GPU_DMA), SYSTEM(GPU_DMA) + 32 },
	};
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t done;
	unsigned int i;

	gpu_run(g, 1);
	for (i = 0; i < ARRAY_SIZE(overlap); i++) {
		struct vgpu_event e;

		put_copy(&s, overlap[i].dst, overlap[i].src, 64);
		ring_kick(&s);
		e = gpu_event(g, FAULT, 1);
		assert_int_equal(VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, e.info),
				 VGPU_FAULT_ADDRESS);
		set64(g, 1, ring_reg(&s, VGPU_RING_HEAD), s.tail);
		set32(g, 1, ring_reg(&s, VGPU_RING_CTRL),
		      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
	}
	/* Neighbours, and the same offset in another memory, do not overlap. */
	put_copy(&s, 4096, 4096 + 64, 64);
	put_copy(&s, 4096, 4096 - 64, 64);
	put_copy(&s, GPU_DMA % GPU_RANGE_SIZE, SYSTEM(GPU_DMA), 64);
	done = ring_finish(&s);
	gpu_await(g, done, 1);
}

static void fault_alignment(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t at = 0;

	gpu_run(g, 1);
#define ALIGNMENT(op, packet, ...)						\
	do {									\
		at = s.tail;							\
		packet;								\
		check_fault(&s, at, EXPECT(.code = VGPU_FAULT_ALIGNMENT,	\
					   .opcode = VGPU_OP_##op,		\
					   ##__VA_ARGS__));			\
	} while (0)
#define READ(wrong)	.access = VGPU_ACCESS_READ, .addr = wrong
#define WRITE(wrong)	.access = VGPU_ACCESS_WRITE, .addr = wrong
	ALIGNMENT(FENCE, put_fence(&s, 4, 1), WRITE(4));
	ALIGNMENT(WAIT, put_wait(&s, 12, 1), READ(12));
	ALIGNMENT(TIMESTAMP, put_timestamp(&s, 4), WRITE(4));
	ALIGNMENT(COPY, put_copy(&s, 2, 64, 4), WRITE(2));
	ALIGNMENT(COPY, put_copy(&s, 64, 1, 4), READ(1));
	ALIGNMENT(FILL, put_fill(&s, 3, 4, 1), WRITE(3));
	ALIGNMENT(INDIRECT, put_indirect(&s, 0, 4, 8),
		  .access = VGPU_ACCESS_EXECUTE, .addr = 4);
	ALIGNMENT(DISPATCH, put_spin(&s, 1000, 1, 4), WRITE(4));
#undef READ
#undef WRITE
	/* Of a size, which is no access. */
	ALIGNMENT(COPY, put_copy(&s, 0, 4096, 6));
	ALIGNMENT(FILL, put_fill(&s, 0, 2, 1));
	ALIGNMENT(INDIRECT, put_indirect(&s, 0, 0, 12));
#undef ALIGNMENT
}

static void fault_length_of_what_a_packet_works_on(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t at;

	gpu_run(g, 1);
#define SIZE(op, packet)							\
	do {									\
		at = s.tail;							\
		packet;								\
		check_fault(&s, at, EXPECT(.code = VGPU_FAULT_LENGTH,		\
					   .opcode = VGPU_OP_##op));		\
	} while (0)
	SIZE(INDIRECT, put_indirect(&s, 0, 0, VGPU_INDIRECT_MAX + 8));
	SIZE(COPY, put_copy(&s, 0, 4096, 1ull << 32));
	SIZE(FILL, put_fill(&s, 0, 1ull << 32, 1));
	SIZE(FILL, put_fill(&s, 0, 0xfffffffffffffffc, 1));
#undef SIZE
}

static void fault_dma(void **state)
{
	struct gpu *g = *state;
	/* Between RAM and the PCI windows there is nothing. */
	const uint64_t nowhere = SYSTEM(0x90000000ull);
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t at;

	gpu_run(g, 1);
	at = s.tail;
	put_fence(&s, nowhere, 1);
	check_fault(&s, at, EXPECT(.code = VGPU_FAULT_DMA, .opcode = VGPU_OP_FENCE,
				   .access = VGPU_ACCESS_WRITE, .addr = nowhere));
	at = s.tail;
	put_copy(&s, 0, nowhere, 64);
	check_fault(&s, at, EXPECT(.code = VGPU_FAULT_DMA, .opcode = VGPU_OP_COPY,
				   .access = VGPU_ACCESS_READ, .addr = nowhere));
	at = s.tail;
	put_indirect(&s, 0, nowhere, 64);
	check_fault(&s, at, EXPECT(.code = VGPU_FAULT_DMA, .opcode = VGPU_OP_INDIRECT,
				   .access = VGPU_ACCESS_EXECUTE, .addr = nowhere));
}

static void fault_kernel(void **state)
{
	const uint64_t step = 1ull << 20;
	const struct vgpu_pkt_dispatch bad[] = {
		{ .kernel = 0, .grid_x = 1, .grid_y = 1, .grid_z = 1 },
		{ .kernel = 7, .grid_x = 1, .grid_y = 1, .grid_z = 1 },
		{ .kernel = 0xffffffff, .grid_x = 1, .grid_y = 1, .grid_z = 1 },
		/* Grids. */
		{ .kernel = VGPU_KERNEL_SPIN, .grid_x = 0, .grid_y = 1, .grid_z = 1,
		  .args = { 1, VGPU_SPIN_NO_COUNT } },
		{ .kernel = VGPU_KERNEL_SPIN, .grid_x = 1, .grid_y = 0, .grid_z = 1,
		  .args = { 1, VGPU_SPIN_NO_COUNT } },
		{ .kernel = VGPU_KERNEL_SPIN, .grid_x = 1, .grid_y = 1, .grid_z = 0,
		  .args = { 1, VGPU_SPIN_NO_COUNT } },
		{ .kernel = VGPU_KERNEL_SPIN, .grid_x = 0x10000, .grid_y = 0x10000,
		  .grid_z = 1, .args = { 1, VGPU_SPIN_NO_COUNT } },
		{ .kernel = VGPU_KERNEL_SPIN, .grid_x = 0x80000000, .grid_y = 0x80000000,
		  .grid_z = 0x80000000, .args = { 1, VGPU_SPIN_NO_COUNT } },
		{ .kernel = VGPU_KERNEL_SAXPY, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { VGPU_SAXPY_GROUP + 1, 0, 0, step } },
		{ .kernel = VGPU_KERNEL_SAXPY, .grid_x = 2, .grid_y = 1, .grid_z = 1,
		  .args = { VGPU_SAXPY_GROUP, 0, 0, step } },
		{ .kernel = VGPU_KERNEL_SAXPY, .grid_x = 1, .grid_y = 2, .grid_z = 1,
		  .args = { 5, 0, 0, step } },
		{ .kernel = VGPU_KERNEL_SAXPY, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { 0, 0, 0, step } },
		{ .kernel = VGPU_KERNEL_SAXPY, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { 0xffffffffffffffff, 0, 0, step } },
		{ .kernel = VGPU_KERNEL_GEMM, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { 17, 16, 16, 0, step, 2 * step } },
		{ .kernel = VGPU_KERNEL_GEMM, .grid_x = 1, .grid_y = 1, .grid_z = 2,
		  .args = { 16, 16, 16, 0, step, 2 * step } },
		{ .kernel = VGPU_KERNEL_REDUCE, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { VGPU_REDUCE_GROUP + 1, 0, step } },
		{ .kernel = VGPU_KERNEL_MANDELBROT, .grid_x = 2, .grid_y = 1, .grid_z = 1,
		  .args = { 0, 16 | 16ull << 32, 16ull << 32, 0, 0, 1, 100 } },
		/* Arguments. */
		{ .kernel = VGPU_KERNEL_SPIN, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { VGPU_SPIN_MAX_NS + 1, VGPU_SPIN_NO_COUNT } },
		{ .kernel = VGPU_KERNEL_SPIN_ATOMIC, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { 0xffffffffffffffff, VGPU_SPIN_NO_COUNT } },
		{ .kernel = VGPU_KERNEL_GEMM, .grid_x = 1, .grid_y = 257, .grid_z = 1,
		  .args = { VGPU_GEMM_MAX + 1, 16, 16, 0, step, 2 * step } },
		{ .kernel = VGPU_KERNEL_GEMM, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { 16, 16, VGPU_GEMM_MAX + 1, 0, step, 2 * step } },
		{ .kernel = VGPU_KERNEL_MANDELBROT, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { 0, 16 | 16ull << 32, 16ull << 32, 0, 0, 1, 0 } },
		{ .kernel = VGPU_KERNEL_MANDELBROT, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { 0, 16 | 16ull << 32, 16ull << 32, 0, 0, 1, 65536 } },
		/* Rows that the picture does not have. */
		{ .kernel = VGPU_KERNEL_MANDELBROT, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		  .args = { 0, 16 | 16ull << 32, 1 | 16ull << 32, 0, 0, 1, 100 } },
	};
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	unsigned int i;

	gpu_run(g, 1);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t at = s.tail;

		put_dispatch(&s, &bad[i]);
		check_fault(&s, at, EXPECT(.code = VGPU_FAULT_KERNEL,
					   .opcode = VGPU_OP_DISPATCH));
	}
}

static void fault_flags_unused_arguments_of_a_kernel(void **state)
{
	struct vgpu_pkt_dispatch dispatch = {
		.kernel = VGPU_KERNEL_SPIN, .grid_x = 1, .grid_y = 1, .grid_z = 1,
		.args = { 1000, VGPU_SPIN_NO_COUNT, [7] = 1 },
	};
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);

	gpu_run(g, 1);
	put_dispatch(&s, &dispatch);
	check_fault(&s, 0, EXPECT(.code = VGPU_FAULT_FLAGS,
				  .opcode = VGPU_OP_DISPATCH));
}

static void fault_in_the_middle_of_a_dispatch_keeps_finished_groups(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	const uint64_t counters = GPU_RANGE_SIZE - 5 * 8;
	unsigned int i;

	gpu_run(g, 1);
	put_spin(&s, 1000, 10, counters);
	check_fault(&s, 0, EXPECT(.code = VGPU_FAULT_ADDRESS,
				  .opcode = VGPU_OP_DISPATCH,
				  .access = VGPU_ACCESS_WRITE, .addr = GPU_RANGE_SIZE));
	for (i = 0; i < 5; i++)
		assert_int_equal(qtest_read64(g->qt, g->fn[1].vram + counters + 8 * i), 1);
}

static void fault_doorbell(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t bad[4];
	unsigned int i;

	gpu_run(g, 1);
	put_nop(&s, 16);
	ring_kick(&s);
	gpu_step(g, MS);
	bad[0] = s.tail + 4;
	bad[1] = s.tail - 8;
	bad[2] = s.tail + s.size + 8;
	bad[3] = 0;
	for (i = 0; i < 4; i++) {
		struct vgpu_event e;

		set64(g, 1, VGPU_REG_DOORBELL(0), bad[i]);
		e = gpu_event(g, FAULT, 1);
		assert_int_equal(e.info, VGPU_FAULT_DOORBELL);
		assert_int_equal(ring_state(&s), VGPU_RING_HALTED);
		assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_TAIL)), s.tail);
		set32(g, 1, ring_reg(&s, VGPU_RING_CTRL),
		      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
		assert_int_equal(ring_state(&s), VGPU_RING_IDLE);
	}
}

static void fault_doorbell_by_a_head_beyond_the_tail(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct vgpu_event e;

	gpu_run(g, 1);
	put_nop(&s, 4);
	put_raw(&s, 0, 0, 1);
	ring_kick(&s);
	gpu_event(g, FAULT, 1);
	set64(g, 1, ring_reg(&s, VGPU_RING_HEAD), s.tail + 8);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL),
	      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
	e = gpu_event(g, FAULT, 1);
	assert_int_equal(e.info, VGPU_FAULT_DOORBELL);
	assert_int_equal(ring_state(&s), VGPU_RING_HALTED);
}

static void a_fault_raises_the_functions_vector(void **state)
{
	struct gpu *g = *state;
	uint64_t vector = gpu_vector(g, 1, VGPU_VECTOR_FUNCTION);
	struct stream s = gpu_ring(g, 1, 0);

	gpu_run(g, 1);
	put_raw(&s, 0, 0, 1);
	ring_kick(&s);
	gpu_event(g, FAULT, 1);
	assert_true(gpu_interrupted(g, vector));
	assert_int_equal(reg32(g, 1, VGPU_REG_STATUS),
			 VGPU_STATUS_OPEN | VGPU_STATUS_HALTED);
}

static void a_fault_halts_this_ring_only(void **state)
{
	struct gpu *g = *state;
	struct stream bad = gpu_ring(g, 1, 0), good = gpu_ring(g, 1, 1);
	uint64_t done;

	put_raw(&bad, 0, 0, 1);
	ring_kick(&bad);
	done = ring_finish(&good);
	gpu_run(g, 1);
	gpu_event(g, FAULT, 1);
	gpu_await(g, done, 1);
	done = ring_finish(&good);
	gpu_await(g, done, 1);
	assert_int_equal(ring_state(&bad), VGPU_RING_HALTED);
}

static void a_halted_ring_ignores_doorbells(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t tail;

	gpu_run(g, 1);
	put_raw(&s, 0, 0, 1);
	ring_kick(&s);
	gpu_event(g, FAULT, 1);
	tail = reg64(g, 1, ring_reg(&s, VGPU_RING_TAIL));
	put_nop(&s, 1);
	ring_kick(&s);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_TAIL)), tail);
	set64(g, 1, VGPU_REG_DOORBELL(0), 3);
	assert_int_equal(reg32(g, 1, ring_reg(&s, VGPU_RING_FAULT)), VGPU_FAULT_OPCODE);
}

static void resume_repeats_the_packet(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t done;
	uint32_t right;

	gpu_run(g, 1);
	put_spin(&s, 1000, 1, VGPU_SPIN_NO_COUNT);
	right = qtest_read32(g->qt, s.memory);
	qtest_write32(g->qt, s.memory, 0);
	done = ring_finish(&s);
	gpu_event(g, FAULT, 1);
	qtest_write32(g->qt, s.memory, right);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL),
	      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
	gpu_await(g, done, 1);
}

static void resume_without_a_fault_is_ignored(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t counters = gpu_alloc(g, 10 * 8), done;
	unsigned int i;

	put_spin(&s, 100 * US, 10, SYSTEM(counters));
	done = ring_finish(&s);
	gpu_run(g, 1);
	for (i = 0; i < 8; i++) {
		gpu_step(g, 100 * US);
		set32(g, 1, ring_reg(&s, VGPU_RING_CTRL),
		      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
	}
	gpu_await(g, done, 1);
	for (i = 0; i < 10; i++)
		assert_int_equal(qtest_read64(g->qt, counters + 8 * i), 1);
}

static void enabling_anew_clears_a_fault(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t done;

	gpu_run(g, 1);
	put_raw(&s, 0, 0, 1);
	ring_kick(&s);
	gpu_event(g, FAULT, 1);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), 0);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	assert_int_equal(ring_state(&s), VGPU_RING_IDLE);
	assert_int_equal(reg32(g, 1, ring_reg(&s, VGPU_RING_FAULT)), 0);
	assert_int_equal(reg64(g, 1, ring_reg(&s, VGPU_RING_TAIL)), 0);
	s.tail = 0;
	done = ring_finish(&s);
	gpu_await(g, done, 1);
}

static void head_of_a_halted_ring_can_go_back(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t counters = gpu_alloc(g, 8);

	gpu_run(g, 1);
	put_spin(&s, 1000, 1, SYSTEM(counters));
	put_raw(&s, 0, 0, 1);
	ring_kick(&s);
	gpu_event(g, FAULT, 1);
	set64(g, 1, ring_reg(&s, VGPU_RING_HEAD), 0);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL),
	      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
	gpu_event(g, FAULT, 1);
	assert_int_equal(qtest_read64(g->qt, counters), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(fault_opcode),
		GPU_TEST(fault_opcode_indirect_inside_indirect),
		GPU_TEST(fault_length),
		GPU_TEST(fault_length_beyond_the_tail),
		GPU_TEST(fault_flags),
		GPU_TEST(fault_flags_fence_interrupt_inside_indirect),
		GPU_TEST(fault_context_inside_indirect),
		GPU_TEST(fault_address),
		GPU_TEST(fault_address_of_a_copy_onto_itself),
		GPU_TEST(fault_alignment),
		GPU_TEST(fault_length_of_what_a_packet_works_on),
		GPU_TEST(fault_dma),
		GPU_TEST(fault_kernel),
		GPU_TEST(fault_flags_unused_arguments_of_a_kernel),
		GPU_TEST(fault_in_the_middle_of_a_dispatch_keeps_finished_groups),
		GPU_TEST(fault_doorbell),
		GPU_TEST(fault_doorbell_by_a_head_beyond_the_tail),
		GPU_TEST(a_fault_raises_the_functions_vector),
		GPU_TEST(a_fault_halts_this_ring_only),
		GPU_TEST(a_halted_ring_ignores_doorbells),
		GPU_TEST(resume_repeats_the_packet),
		GPU_TEST(resume_without_a_fault_is_ignored),
		GPU_TEST(enabling_anew_clears_a_fault),
		GPU_TEST(head_of_a_halted_ring_can_go_back),
	};

	return gpu_main("fault", tests);
}

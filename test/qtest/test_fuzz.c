// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that do anything at all. Every choice comes from one seed, which is
 * printed; SEED and VGPU_STEPS in the environment replace seed and length.
 */
#include "iommu.h"
#include "kernels.h"

#include <endian.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#define DEFAULT_SEED	20250101
#define DEFAULT_STEPS	6000
#define QUANTUM		(100 * US)
#define TIMEOUT		(50 * US)
#define INNOCENT	1
#define GUESTS		4
#define CONFIG_BYTES	4096

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t random_state;

static uint64_t random64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t below(uint32_t n)
{
	return random64() % n;
}

static unsigned int from_environment(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

/* Begin a test. Return: its steps. */
static unsigned int begin(void)
{
	unsigned int seed = from_environment("SEED", DEFAULT_SEED);
	unsigned int steps = from_environment("VGPU_STEPS", DEFAULT_STEPS);

	random_state = seed;
	print_message("# SEED=%u VGPU_STEPS=%u\n", seed, steps);
	return steps;
}

/* Values near what means something. */
static uint64_t interesting(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 7, 8, 64, 4095, 4096, 65535, 65536, 0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
		0x8000000000000000, ~0ull, ~7ull, VGPU_ADDR_SYSTEM,
		GPU_RANGE_SIZE, GPU_RANGE_SIZE - 4, GPU_RANGE_SIZE - 65536,
		SYSTEM(IOVA), SYSTEM(IOVA + IOVA_BYTES - 8), SYSTEM(IOVA) | 4,
		GPU_VRAM, VGPU_INDIRECT_MAX, VGPU_SPIN_MAX_NS,
	};

	switch (below(4)) {
	case 0:
		return values[below(ARRAY_SIZE(values))];
	case 1:
		return values[below(ARRAY_SIZE(values))] + below(64) - 32;
	case 2:
		return random64() >> below(64);
	default:
		return below(1 << 16) & ~7u;
	}
}

/* A function-space address that a guest may use, mostly. */
static uint64_t address(void)
{
	switch (below(8)) {
	case 0:
		return interesting();
	case 1 ... 3:
		return SYSTEM(IOVA) + (below(IOVA_BYTES) & ~7u);
	default:
		return below(GPU_RANGE_SIZE) & ~7u;
	}
}

/* A dispatch that is right, up to its addresses. */
static void random_dispatch(uint64_t *p)
{
	const unsigned int kernel = 1 + below(6);
	uint64_t *args = &p[3];
	uint32_t x = 1, y = 1, n = 1 + below(20000);

	memset(args, 0, 8 * sizeof(*args));
	switch (kernel) {
	case VGPU_KERNEL_SPIN:
	case VGPU_KERNEL_SPIN_ATOMIC:
		args[0] = below(4 * TIMEOUT);
		args[1] = below(4) ? address() : VGPU_SPIN_NO_COUNT;
		x = 1 + below(20);
		y = 1 + below(3);
		break;
	case VGPU_KERNEL_SAXPY:
		args[0] = n;
		args[1] = random64() & 0xffffffff;
		args[2] = address();
		args[3] = address();
		x = (n + VGPU_SAXPY_GROUP - 1) / VGPU_SAXPY_GROUP;
		break;
	case VGPU_KERNEL_GEMM:
		args[0] = 16 * (y = 1 + below(8));
		args[1] = 16 * (x = 1 + below(8));
		args[2] = 1 + below(below(16) ? 100 : VGPU_GEMM_MAX);
		args[3] = address();
		args[4] = address();
		args[5] = address();
		break;
	case VGPU_KERNEL_REDUCE:
		args[0] = n;
		args[1] = address();
		args[2] = address();
		x = (n + VGPU_REDUCE_GROUP - 1) / VGPU_REDUCE_GROUP;
		break;
	case VGPU_KERNEL_MANDELBROT:
		args[0] = address();
		args[1] = 16 * (x = 1 + below(8)) | 256ull << 32;
		args[2] = below(128) | 16ull * (y = 1 + below(8)) << 32;
		args[3] = random64();
		args[4] = below(2) ? random64() : below(1 << 28);
		args[5] = below(2) ? random64() : below(1 << 22);
		args[6] = 1 + below(below(16) ? 100 : 65535);
		break;
	}
	p[1] = kernel | (uint64_t)x << 32;
	p[2] = y | 1ull << 32;
}

/* A packet with a right header and arguments that are sometimes right. */
static size_t random_packet(uint64_t *p)
{
	static const unsigned int qwords[] = { 1, 1, 3, 3, 4, 4, 2, 3, 11 };
	unsigned int opcode = below(9), i;
	uint32_t context = below(4) ? 0 : below(5);
	size_t n = qwords[opcode];

	p[0] = opcode | (uint32_t)n << 16 | (uint64_t)context << 32;
	for (i = 1; i < n; i++)
		p[i] = address();
	switch (opcode) {
	case VGPU_OP_COPY:
	case VGPU_OP_FILL:
		p[opcode == VGPU_OP_COPY ? 3 : 2] = below(1 << below(20)) & ~3u;
		p[3] &= 0xffffffff;
		break;
	case VGPU_OP_WAIT:
		p[2] = below(3);
		break;
	case VGPU_OP_INDIRECT:
		p[2] = below(256) * 8;
		break;
	case VGPU_OP_DISPATCH:
		if (below(4))
			random_dispatch(p);
		break;
	}
	if (!below(12))
		p[below(n)] ^= 1ull << below(64);
	return n * 8;
}

/* A page table entry or context descriptor that may be one. */
static uint64_t random_entry(void)
{
	return ((below(2) ? IOVA + (below(IOVA_BYTES) & -4096u) :
		 below(GPU_RANGE_SIZE) & -4096u) |
		below(64)) ^ (below(8) ? 0 : random64());
}

/* Fill memory of VF @f that its rings, buffers and tables may be in. */
static void scribble(struct gpu *g, unsigned int f)
{
	uint64_t data[64];
	size_t n = 0;
	uint64_t at;

	memset(data, 0, sizeof(data));
	if (below(4))
		while (n < sizeof(data) - 11 * 8)
			n += random_packet(&data[n / 8]);
	else
		for (n = 0; n < sizeof(data); n += 8)
			data[n / 8] = below(2) ? random_entry() : random64();
	at = below(4) ? below(2) * 4096 : below(IOVA_BYTES - sizeof(data)) & ~7u;
	if (below(3))
		qtest_write(g->qt, IOVA_MEMORY(f) + at, data, n);
	else
		qtest_write(g->qt, g->fn[f].vram + at, data, n);
}

/* Packets in a proper ring of VF @f, one after the other. */
static void submit(struct gpu *g, unsigned int f)
{
	struct stream s = {
		.g = g, .size = 4096, .function = f, .ring = below(g->rings),
	};
	uint64_t packet[11];
	unsigned int n;

	s.memory = IOVA_MEMORY(f) + s.ring * 4096;
	set32(g, f, ring_reg(&s, VGPU_RING_CTRL), 0);
	set64(g, f, ring_reg(&s, VGPU_RING_BASE), SYSTEM(IOVA + s.ring * 4096));
	set32(g, f, ring_reg(&s, VGPU_RING_SIZE), 12);
	set32(g, f, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	s.tail = reg64(g, f, ring_reg(&s, VGPU_RING_TAIL));
	for (n = 1 + below(12); n; n--)
		put(&s, packet, random_packet(packet));
	ring_kick(&s);
}

/* Have a ring of VF @f run whatever is there. */
static void kick(struct gpu *g, unsigned int f)
{
	unsigned int r = below(g->rings);
	uint32_t at = VGPU_REG_RING(r);

	if (!below(4)) {
		set32(g, f, at + VGPU_RING_CTRL, 0);
		set64(g, f, at + VGPU_RING_BASE, below(4) ? SYSTEM(IOVA) : address());
		set32(g, f, at + VGPU_RING_SIZE, below(2) ? 12 : below(40));
		set64(g, f, at + VGPU_RING_HEAD, below(4) ? below(512) * 8 : interesting());
	}
	set32(g, f, at + VGPU_RING_CTRL,
	      VGPU_RING_CTRL_ENABLE | (below(2) ? VGPU_RING_CTRL_RESUME : 0));
	set64(g, f, VGPU_REG_DOORBELL(r),
	      reg64(g, f, at + VGPU_RING_HEAD) +
	      (below(8) ? below(512) * 8 : interesting()));
}

/* Contexts with page tables that lead somewhere, mostly to other tables. */
static void build_tables(struct gpu *g, unsigned int f)
{
	const uint64_t pages = 32 * KIB;
	struct vgpu_context_desc desc[8];
	uint64_t entry[16];
	unsigned int i, page;

	for (i = 0; i < 8; i++)
		desc[i] = (struct vgpu_context_desc) {
			.flags = below(8) ? VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED :
				 below(8),
			.root = SYSTEM(IOVA + pages + below(4) * 4096),
		};
	qtest_write(g->qt, IOVA_MEMORY(f) + 16 * KIB, desc, sizeof(desc));
	for (page = 0; page < 4; page++) {
		for (i = 0; i < 16; i++)
			entry[i] = below(8) ? (IOVA + pages + below(8) * 4096) |
				   VGPU_PTE_SYSTEM | VGPU_PTE_VALID | below(16) : random_entry();
		if (!below(4))
			entry[0] = IOVA | VGPU_PTE_LEAF | VGPU_PTE_SYSTEM | 0xf;
		qtest_write(g->qt, IOVA_MEMORY(f) + pages + page * 4096, entry,
			    sizeof(entry));
	}
	set64(g, f, VGPU_REG_CTX_TABLE, below(16) ? SYSTEM(IOVA + 16 * KIB) : interesting());
	set32(g, f, VGPU_REG_CTX_COUNT, below(16) ? 8 : below(8));
	set32(g, f, VGPU_REG_INVALIDATE, below(2) ? below(8) : VGPU_INVALIDATE_ALL);
}

/* An access of any size to any register of VF @f. */
static void poke(struct gpu *g, unsigned int f)
{
	uint32_t offset = below(3) ? below(0x600) : below(VGPU_VF_BAR_BYTES);
	uint64_t addr = g->fn[f].regs + (below(8) ? offset & ~7u : offset);

	switch (below(8)) {
	case 0:
		qtest_write8(g->qt, addr, random64());
		break;
	case 1:
		qtest_write16(g->qt, addr, random64());
		break;
	case 2:
		qtest_read64(g->qt, addr);
		break;
	case 3:
		qtest_read32(g->qt, addr + 4);
		break;
	case 4 ... 5:
		qtest_write32(g->qt, addr + 4 * below(2), interesting());
		break;
	default:
		qtest_write64(g->qt, addr, interesting());
	}
}

static void poke_vram(struct gpu *g, unsigned int f)
{
	uint64_t offset = below(2) ? below(GPU_RANGE_SIZE) : below(g->window - 8);

	if (below(2))
		qtest_write64(g->qt, g->fn[f].vram + offset, random64());
	else
		qtest_read64(g->qt, g->fn[f].vram + offset);
}

/* Configuration space of function @f, a reset every now and then included. */
static void poke_config(struct gpu *g, unsigned int f)
{
	const struct pci_function *fn = &g->fn[f].pci;
	uint32_t offset = below(2) ? below(256) : below(CONFIG_BYTES);

	switch (below(8)) {
	case 0:
		pci_write8(fn, offset, random64());
		break;
	case 1:
		pci_write16(fn, offset & ~1u, random64());
		break;
	case 2:
		pci_write32(fn, offset & ~3u, random64());
		break;
	case 3:
		if (!below(8))
			pci_flr(fn);
		break;
	default:
		gpu_pci_enable(g, f);
	}
}

static void guest_step(struct gpu *g, unsigned int f)
{
	switch (below(16)) {
	case 0 ... 4:
		scribble(g, f);
		break;
	case 5 ... 6:
		kick(g, f);
		break;
	case 7 ... 10:
		submit(g, f);
		break;
	case 11 ... 12:
		poke(g, f);
		break;
	case 13:
		poke_vram(g, f);
		break;
	case 14:
		poke_config(g, f);
		break;
	default:
		build_tables(g, f);
	}
}

/* ------------------------------------------------------------------------ */

/**
 * struct host - the PF's side: round robin, and help for those who were reset
 * @present: whose world is on the engine, as the events tell
 * @switches: by the device
 * @hangs: worlds that were reset
 * @resets: FLRs
 * @faults: BIT() of each enum vgpu_fault that was told
 */
struct host {
	unsigned int present;
	unsigned int switches;
	unsigned int hangs;
	unsigned int resets;
	unsigned int faults;
};

static void arm(struct gpu *g, unsigned int after)
{
	unsigned int i;

	for (i = 0; i < GUESTS; i++) {
		after = after % GUESTS + 1;
		if (gpu_world(g, after) == VGPU_WORLD_SAVED) {
			set64(g, 0, VGPU_PF_NEXT, after | VGPU_PF_NEXT_VALID |
			      (below(2) ? VGPU_PF_NEXT_BOUNDARY : 0) |
			      VGPU_FIELD_PREP(VGPU_PF_NEXT_QUANTUM, QUANTUM));
			return;
		}
	}
}

static void host_event(struct gpu *g, struct host *h, const struct vgpu_event *e)
{
	switch (e->type) {
	case VGPU_EVENT_SWITCHED:
		h->present = e->detail;
		h->switches++;
		if (e->info == VGPU_LEAVE_HANG) {
			h->hangs++;
			gpu_cmd(g, VGPU_CMD_INIT, e->function);
		}
		break;
	case VGPU_EVENT_FAULT:
		h->faults |= BIT(VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, e->info));
		break;
	case VGPU_EVENT_FLR:
		h->resets++;
		set32(g, 0, VGPU_PF_FN(e->function) + VGPU_PF_FN_FLR_ACK, 1);
		gpu_cmd(g, VGPU_CMD_INIT, e->function);
		break;
	case VGPU_EVENT_MAILBOX:
		set32(g, 0, VGPU_PF_FN(e->function) + VGPU_PF_FN_MBOX_CTRL,
		      VGPU_MBOX_CTRL_ACK | (below(2) ? VGPU_MBOX_CTRL_SEND : 0));
		break;
	}
}

static void host_step(struct gpu *g, struct host *h)
{
	struct vgpu_event e;

	while (gpu_poll(g, &e))
		host_event(g, h, &e);
	if (!gpu_armed(g))
		arm(g, h->present <= GUESTS ? h->present : 0);
}

/**
 * struct innocent - the VF whose work must come out right
 * @s: its ring
 * @job: what it is computing
 * @done: where the fence of job @sequence goes
 * @sequence: jobs so far
 */
struct innocent {
	struct stream s;
	struct job job;
	uint64_t done;
	unsigned int sequence;
};

static void innocent_submit(struct innocent *v)
{
	struct area area = {
		.cpu = IOVA_MEMORY(INNOCENT) + MIB,
		.gpu = SYSTEM(IOVA + MIB),
	};

	v->job = job_put(&v->s, job_kernels[v->sequence % JOB_KERNELS], area,
			 v->sequence);
	put_fence(&v->s, SYSTEM(IOVA + 512 * KIB), ++v->sequence);
	ring_kick(&v->s);
}

static struct innocent innocent_start(struct gpu *g)
{
	struct innocent v = {
		.s = {
			.g = g, .memory = IOVA_MEMORY(INNOCENT), .size = 65536,
			.function = INNOCENT,
		},
		.done = IOVA_MEMORY(INNOCENT) + 512 * KIB,
	};

	set64(g, INNOCENT, ring_reg(&v.s, VGPU_RING_BASE), SYSTEM(IOVA));
	set32(g, INNOCENT, ring_reg(&v.s, VGPU_RING_SIZE), 16);
	set32(g, INNOCENT, ring_reg(&v.s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	innocent_submit(&v);
	return v;
}

/* Return: whether a job has come out right. */
static bool innocent_step(struct gpu *g, struct innocent *v)
{
	if (qtest_read64(g->qt, v->done) != v->sequence)
		return false;
	job_check(g, &v->job);
	return true;
}

static void wild_guests_disturb_nobody(void **state)
{
	unsigned int steps = begin(), i, f, right = 0;
	struct gpu *g = gpu_start(",vfs=8", true);
	struct host h = { 0 };
	struct innocent v;

	*state = g;
	gpu_queue(g, 8);
	gpu_sriov(g, GUESTS);
	iommu_start(g, GUESTS);
	for (f = 1; f <= GUESTS; f++) {
		gpu_open(g, f);
		set64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_PREEMPT_TIMEOUT, TIMEOUT);
		set32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_DOORBELL_LIMIT, 10);
	}
	v = innocent_start(g);
	for (i = 0; i < steps; i++) {
		do
			f = 1 + below(GUESTS);
		while (f == INNOCENT);
		guest_step(g, f);
		if (below(2))
			gpu_step(g, 1 + below(100 * US));
		host_step(g, &h);
		if (innocent_step(g, &v)) {
			right++;
			innocent_submit(&v);
		}
	}
	/* The guests stop; what the innocent has submitted is completed. */
	for (i = 0; i < 1000 && !innocent_step(g, &v); i++) {
		gpu_step(g, 100 * US);
		host_step(g, &h);
	}
	assert_true(i < 1000);
	print_message("# %u jobs right, %u switches, %u hangs, %u FLRs, faults %#x\n",
		      right + 1, h.switches, h.hangs, h.resets, h.faults);
	assert_int_equal(reg32(g, INNOCENT, VGPU_REG_STATUS), VGPU_STATUS_OPEN);
	assert_int_equal(reg32(g, 0, VGPU_PF_FN(INNOCENT) + VGPU_PF_FN_FAULTS), 0);
	assert_int_equal(reg32(g, 0, VGPU_PF_FN(INNOCENT) + VGPU_PF_FN_HANGS), 0);
	assert_int_equal(reg32(g, 0, VGPU_PF_EVQ_LOST), 0);
	/* The test is of no worth if nothing has happened. */
	if (steps >= DEFAULT_STEPS) {
		assert_true(right >= 5);
		assert_true(h.switches > 100 && h.resets > 0 && h.hangs > 0);
		assert_true(__builtin_popcount(h.faults) >= 8);
	}
}

/* ------------------------------------------------------------------------ */

/* A host that has lost its mind: no promise but to survive it. */
static void host_poke(struct gpu *g)
{
	uint32_t offset;

	switch (below(8)) {
	case 0:
		offset = below(VGPU_PF_BAR_BYTES) & ~3u;
		qtest_write32(g->qt, g->fn[0].regs + offset, interesting());
		break;
	case 1:
		offset = 0x10000 + (below(0x60) & ~7u);
		qtest_write64(g->qt, g->fn[0].regs + offset, interesting());
		break;
	case 2 ... 3:
		gpu_cmd(g, below(9), below(g->total + 2));
		break;
	case 4 ... 5:
		set64(g, 0, VGPU_PF_NEXT,
		      below(GUESTS + 2) | (below(4) ? VGPU_PF_NEXT_VALID : 0) |
		      (below(2) ? VGPU_PF_NEXT_NOW : 0) |
		      (below(2) ? VGPU_PF_NEXT_BOUNDARY : 0) |
		      VGPU_FIELD_PREP(VGPU_PF_NEXT_QUANTUM,
				      below(4) ? below(200 * US) : random64()));
		break;
	case 6:
		offset = VGPU_PF_FN(below(g->total + 1)) + (below(0x60) & ~7u);
		qtest_write64(g->qt, g->fn[0].regs + offset, interesting());
		break;
	default:
		if (below(16)) {
			set32(g, 0, VGPU_PF_FN(1 + below(GUESTS)) + VGPU_PF_FN_FLR_ACK, 1);
			set32(g, 0, VGPU_PF_FN(1 + below(GUESTS)) + VGPU_PF_FN_CTRL, 1);
		} else {
			poke_config(g, 0);
		}
	}
}

/* Give a guest what it needs to do harm. */
static void host_repair(struct gpu *g)
{
	unsigned int f = 1 + below(GUESTS);

	gpu_pci_enable(g, 0);
	set64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_VRAM_BASE, GPU_RANGE(f));
	set64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_VRAM_SIZE, GPU_RANGE_SIZE);
	set64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_IMAGE, GPU_IMAGE(f));
	set32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_CTRL, VGPU_PF_FN_CTRL_OPEN);
	gpu_cmd(g, VGPU_CMD_RESET, f);
	gpu_step(g, g->reset);
	gpu_cmd(g, VGPU_CMD_INIT, f);
	gpu_next(g, f, QUANTUM);
	if (!(pci_read16(&g->fn[0].pci, g->sriov + PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE))
		gpu_sriov(g, GUESTS);
}

/* The registers and images of a machine gone wild, set up anew. */
static void start_over(struct gpu *g)
{
	struct vgpu_event e;
	unsigned int f;

	pci_flr(&g->fn[0].pci);
	gpu_pci_restore(g);
	gpu_queue(g, 8);
	gpu_sriov(g, GUESTS);
	for (f = 1; f <= GUESTS; f++) {
		set32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_FLR_ACK, 1);
		gpu_cmd(g, VGPU_CMD_RESET, f);
	}
	gpu_step(g, MS);
	while (gpu_poll(g, &e))
		;
}

static void a_wild_host_survives(void **state)
{
	unsigned int steps = begin(), i;
	struct gpu *g = gpu_start(",vfs=8", false);
	struct job job;
	struct stream s;
	uint64_t done;

	*state = g;
	gpu_queue(g, 8);
	gpu_sriov(g, GUESTS);
	for (i = 0; i < steps; i++) {
		if (below(4))
			host_poke(g);
		else
			guest_step(g, 1 + below(GUESTS));
		if (!below(200))
			host_repair(g);
		if (below(2))
			gpu_step(g, 1 + below(100 * US));
	}
	/* A reset, and all is well. */
	start_over(g);
	gpu_open(g, 1);
	s = gpu_ring(g, 1, 0);
	job = job_put(&s, VGPU_KERNEL_GEMM, gpu_ram(g, JOB_BYTES), 1);
	done = gpu_alloc(g, 8);
	put_fence(&s, SYSTEM(done), 1);
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_await(g, done, 1);
	job_check(g, &job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_OWN_TEST(wild_guests_disturb_nobody),
		GPU_OWN_TEST(a_wild_host_survives),
	};

	return gpu_main("fuzz", tests);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "gpu.h"

#include <endian.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>

#define MEMORY_WINDOW	0xc0000000u
#define PREFETCH_WINDOW	(32ull << 30)
#define BAR_REGS	(PCI_BASE_ADDRESS_0 + 4 * VGPU_BAR_REGS)
#define BAR_VRAM	(PCI_BASE_ADDRESS_0 + 4 * VGPU_BAR_VRAM)
#define VF_BAR_REGS	(PCI_SRIOV_BAR + 4 * VGPU_BAR_REGS)
#define VF_BAR_VRAM	(PCI_SRIOV_BAR + 4 * VGPU_BAR_VRAM)
#define RING_BYTES_LOG2	16

/* No test waits longer for anything, in model time. */
#define PATIENCE	(1000 * MS)

uint32_t reg32(struct gpu *g, unsigned int f, uint32_t offset)
{
	return qtest_read32(g->qt, g->fn[f].regs + offset);
}

uint64_t reg64(struct gpu *g, unsigned int f, uint32_t offset)
{
	return qtest_read64(g->qt, g->fn[f].regs + offset);
}

void set32(struct gpu *g, unsigned int f, uint32_t offset, uint32_t value)
{
	qtest_write32(g->qt, g->fn[f].regs + offset, value);
}

void set64(struct gpu *g, unsigned int f, uint32_t offset, uint64_t value)
{
	qtest_write64(g->qt, g->fn[f].regs + offset, value);
}

uint64_t gpu_alloc(struct gpu *g, uint64_t bytes)
{
	uint64_t addr = g->dma;

	g->dma += (bytes + 4095) & ~4095ull;
	assert_true(g->dma <= GPU_RAM);
	return addr;
}

struct area gpu_ram(struct gpu *g, uint64_t bytes)
{
	uint64_t addr = gpu_alloc(g, bytes);

	return (struct area) { .cpu = addr, .gpu = SYSTEM(addr) };
}

struct area gpu_vram(struct gpu *g, unsigned int f, uint64_t offset)
{
	return (struct area) { .cpu = g->fn[f].vram + offset, .gpu = offset };
}

/* Places, behind one another, for everything with a 64-bit prefetchable BAR. */
static uint64_t place(uint64_t *next, uint64_t bytes, uint64_t align)
{
	uint64_t addr = (*next + align - 1) & -align;

	*next = addr + bytes;
	return addr;
}

void gpu_pci_restore(struct gpu *g)
{
	const struct pci_function *pf = &g->fn[0].pci;
	uint64_t next = PREFETCH_WINDOW, regs, bytes;

	pci_write32(pf, g->sriov + PCI_SRIOV_SYS_PGSIZE, 1);
	g->fn[0].regs = MEMORY_WINDOW;
	pci_bar_set(pf, BAR_REGS, MEMORY_WINDOW);
	bytes = pci_bar_size(pf, BAR_VRAM);
	g->fn[0].vram = place(&next, bytes, bytes);
	pci_bar_set(pf, BAR_VRAM, g->fn[0].vram);

	bytes = pci_bar_size(pf, g->sriov + VF_BAR_REGS);
	regs = place(&next, bytes * g->total, bytes);
	pci_bar_set(pf, g->sriov + VF_BAR_REGS, regs);
	g->window = pci_bar_size(pf, g->sriov + VF_BAR_VRAM);
	pci_bar_set(pf, g->sriov + VF_BAR_VRAM,
		    place(&next, g->window * g->total, g->window));

	next = (next + MIB - 1) & -MIB;
	pci_port_set(&g->port, GPU_BUS, MEMORY_WINDOW, MIB, PREFETCH_WINDOW,
		     next - PREFETCH_WINDOW);
	gpu_pci_enable(g, 0);
}

static void start_pci(struct gpu *g)
{
	struct pci_function *pf = &g->fn[0].pci;

	pci_start(g->qt);
	g->port = pci_at(g->qt, 0, 1 << 3);
	pci_port_set(&g->port, GPU_BUS, MEMORY_WINDOW, MIB, PREFETCH_WINDOW, MIB);
	*pf = pci_at(g->qt, GPU_BUS, 0);
	g->sriov = pci_extended(pf, PCI_EXT_CAP_ID_SRIOV);
	assert_int_not_equal(g->sriov, 0);
	g->total = pci_read16(pf, g->sriov + PCI_SRIOV_TOTAL_VF);
	gpu_pci_restore(g);
}

static void start_gpu(struct gpu *g)
{
	g->rings = VGPU_FIELD_GET(VGPU_LIMITS_RINGS, reg32(g, 0, VGPU_REG_LIMITS));
	g->save = reg32(g, 0, VGPU_PF_COST_SAVE);
	g->load = reg32(g, 0, VGPU_PF_COST_LOAD);
	g->reset = reg32(g, 0, VGPU_PF_COST_RESET);
	g->group = reg32(g, 0, VGPU_PF_COST_GROUP);
	g->quiet = EVENT_BIT(RUNNABLE) | EVENT_BIT(IDLE);
}

struct gpu *gpu_start(const char *properties, bool iommu)
{
	struct gpu *g = calloc(1, sizeof(*g));
	char device[512];
	const char *const arguments[] = {
		"-L", "/usr/share/seabios", "-L", "/usr/share/qemu",
		"-M", "q35", "-m", "256M",
		"-device", "pcie-root-port,id=above,bus=pcie.0,addr=1.0,chassis=1,slot=1",
		"-device", device,
		iommu ? "-device" : NULL, "intel-iommu",
		NULL
	};

	assert_non_null(g);
	snprintf(device, sizeof(device), "vgpu,id=gpu,bus=above,vram-size=64M%s",
		 properties);
	g->qt = qtest_start(arguments);
	g->dma = GPU_DMA;
	start_pci(g);
	start_gpu(g);
	return g;
}

void gpu_inject(struct gpu *g, const char *fault, const char *value)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "{\"execute\": \"qom-set\", \"arguments\": {\"path\": \"/machine/peripheral/gpu\", \"property\": \"inject-%s\", \"value\": %s}}\n",
		 fault, value);
	qtest_qmp(g->qt, command);
}

uint64_t gpu_property(struct gpu *g, const char *name)
{
	char command[256];
	const char *answer;

	snprintf(command, sizeof(command),
		 "{\"execute\": \"qom-get\", \"arguments\": {\"path\": \"/machine/peripheral/gpu\", \"property\": \"%s\"}}\n",
		 name);
	answer = qtest_qmp(g->qt, command);
	return strtoull(strchr(answer, ':') + 1, NULL, 10);
}

void gpu_pci_enable(struct gpu *g, unsigned int f)
{
	pci_command(&g->fn[f].pci, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* The 64-bit BAR at @offset of @fn. */
static uint64_t bar(const struct pci_function *fn, unsigned int offset)
{
	return (uint64_t)pci_read32(fn, offset + 4) << 32 |
	       (pci_read32(fn, offset) & PCI_BASE_ADDRESS_MEM_MASK);
}

void gpu_sriov_only(struct gpu *g, unsigned int vfs)
{
	struct pci_function *pf = &g->fn[0].pci;
	unsigned int f, devfn;

	if (!vfs) {
		pci_write16(pf, g->sriov + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_ARI);
		memset(&g->fn[1], 0, sizeof(g->fn) - sizeof(g->fn[0]));
		g->vfs = 0;
		return;
	}
	pci_write16(pf, g->sriov + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_ARI);
	pci_write16(pf, g->sriov + PCI_SRIOV_NUM_VF, vfs);
	pci_write16(pf, g->sriov + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_ARI |
		    PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	g->vfs = vfs;
	for (f = 1; f <= vfs; f++) {
		devfn = pci_read16(pf, g->sriov + PCI_SRIOV_VF_OFFSET) +
			(f - 1) * pci_read16(pf, g->sriov + PCI_SRIOV_VF_STRIDE);
		g->fn[f].pci = pci_at(g->qt, GPU_BUS, devfn);
		g->fn[f].regs = bar(pf, g->sriov + VF_BAR_REGS) +
				(f - 1) * VGPU_VF_BAR_BYTES;
		g->fn[f].vram = bar(pf, g->sriov + VF_BAR_VRAM) +
				(f - 1) * g->window;
	}
}

void gpu_sriov(struct gpu *g, unsigned int vfs)
{
	unsigned int f;

	gpu_sriov_only(g, vfs);
	for (f = 1; f <= vfs; f++)
		gpu_pci_enable(g, f);
}

void gpu_queue(struct gpu *g, unsigned int log2)
{
	g->records = 1u << log2;
	g->consumer = gpu_alloc(g, 4);
	g->queue = gpu_alloc(g, g->records * sizeof(struct vgpu_event));
	g->taken = 0;
	set64(g, 0, VGPU_PF_EVQ_BASE, g->queue);
	set32(g, 0, VGPU_PF_EVQ_SIZE, log2);
	set64(g, 0, VGPU_PF_EVQ_CONSUMER, g->consumer);
	set32(g, 0, VGPU_PF_EVQ_CTRL, VGPU_EVQ_CTRL_ENABLE);
}

void gpu_open(struct gpu *g, unsigned int f)
{
	if (f) {
		set64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_VRAM_BASE, GPU_RANGE(f));
		set64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_VRAM_SIZE, GPU_RANGE_SIZE);
	}
	set64(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_IMAGE, GPU_IMAGE(f));
	set32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_CTRL, VGPU_PF_FN_CTRL_OPEN);
	gpu_cmd(g, VGPU_CMD_INIT, f);
	gpu_event(g, INITIALISED, f);
}

struct gpu *gpu_ready(const char *properties, unsigned int vfs)
{
	struct gpu *g = gpu_start(properties, false);
	unsigned int f;

	gpu_queue(g, 10);
	gpu_sriov(g, vfs);
	for (f = 1; f <= vfs; f++)
		gpu_open(g, f);
	return g;
}

int gpu_setup_none(void **state)
{
	*state = NULL;
	return 0;
}

int gpu_setup_bare(void **state)
{
	*state = gpu_start(",vfs=8", false);
	return 0;
}

int gpu_setup_vfs(void **state)
{
	*state = gpu_ready(",vfs=8", GPU_FIXTURE_VFS);
	return 0;
}

int gpu_setup_vfs_without_deadline(void **state)
{
	*state = gpu_ready(",vfs=8,hw-deadline=off", GPU_FIXTURE_VFS);
	return 0;
}

int gpu_teardown(void **state)
{
	struct gpu *g = *state;
	bool alive;

	if (!g)
		return 0;
	alive = qtest_stop(g->qt);
	free(g);
	if (!alive)
		print_error("QEMU did not survive\n");
	return alive ? 0 : -1;
}

uint64_t gpu_now(struct gpu *g)
{
	return reg64(g, 0, VGPU_REG_CLOCK);
}

void gpu_step(struct gpu *g, uint64_t ns)
{
	qtest_clock_step(g->qt, ns);
}

void gpu_step_to(struct gpu *g, uint64_t when)
{
	uint64_t now = gpu_now(g);

	assert_true(now <= when);
	qtest_clock_step(g->qt, when - now);
}

unsigned int gpu_engine(struct gpu *g)
{
	return VGPU_FIELD_GET(VGPU_PF_ENGINE_STATE, reg32(g, 0, VGPU_PF_ENGINE));
}

unsigned int gpu_world(struct gpu *g, unsigned int f)
{
	return VGPU_FIELD_GET(VGPU_PF_FN_STATUS_WORLD,
			      reg32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_STATUS));
}

bool gpu_armed(struct gpu *g)
{
	return reg32(g, 0, VGPU_PF_ENGINE) & VGPU_PF_ENGINE_ARMED;
}

void gpu_cmd(struct gpu *g, unsigned int code, unsigned int f)
{
	set32(g, 0, VGPU_PF_CMD, VGPU_FIELD_PREP(VGPU_PF_CMD_CODE, code) |
	      VGPU_FIELD_PREP(VGPU_PF_CMD_FUNCTION, f));
}

void gpu_next(struct gpu *g, unsigned int f, uint64_t quantum)
{
	set64(g, 0, VGPU_PF_NEXT, f | VGPU_PF_NEXT_VALID |
	      VGPU_FIELD_PREP(VGPU_PF_NEXT_QUANTUM, quantum));
}

void gpu_next_now(struct gpu *g, unsigned int f, uint64_t quantum)
{
	set64(g, 0, VGPU_PF_NEXT, f | VGPU_PF_NEXT_VALID | VGPU_PF_NEXT_NOW |
	      VGPU_FIELD_PREP(VGPU_PF_NEXT_QUANTUM, quantum));
}

void gpu_disarm(struct gpu *g)
{
	set64(g, 0, VGPU_PF_NEXT, 0);
}

void gpu_run(struct gpu *g, unsigned int f)
{
	gpu_cmd(g, VGPU_CMD_LOAD, f);
	gpu_event(g, LOADED, f);
	gpu_cmd(g, VGPU_CMD_RUN, f);
	gpu_event(g, RUNNING, f);
}

void gpu_stop(struct gpu *g, unsigned int f)
{
	gpu_cmd(g, VGPU_CMD_PREEMPT, f);
	gpu_event(g, QUIESCED, f);
	gpu_cmd(g, VGPU_CMD_SAVE, f);
	gpu_event(g, SAVED, f);
}

void gpu_enter(struct gpu *g, unsigned int state, uint64_t group)
{
	if (state == VGPU_ENGINE_EMPTY)
		return;
	gpu_cmd(g, VGPU_CMD_LOAD, 1);
	if (state == VGPU_ENGINE_LOADING)
		return;
	gpu_event(g, LOADED, 1);
	if (state == VGPU_ENGINE_LOADED)
		return;
	gpu_cmd(g, VGPU_CMD_RUN, 1);
	gpu_event(g, RUNNING, 1);
	gpu_step(g, group / 2);
	if (state == VGPU_ENGINE_RUNNING)
		return;
	if (state == VGPU_ENGINE_RESETTING) {
		gpu_cmd(g, VGPU_CMD_RESET, 1);
		return;
	}
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	if (state == VGPU_ENGINE_QUIESCING)
		return;
	gpu_event(g, QUIESCED, 1);
	if (state == VGPU_ENGINE_QUIESCED)
		return;
	gpu_cmd(g, VGPU_CMD_SAVE, 1);
}

bool gpu_look(struct gpu *g, struct vgpu_event *event)
{
	uint32_t seq = g->taken + 1 ? g->taken + 1 : 1;
	uint64_t addr = g->queue + (seq - 1) % g->records * sizeof(*event);

	qtest_read(g->qt, addr, event, sizeof(*event));
	if (le32toh(event->seq) != seq)
		return false;
	event->seq = seq;
	event->type = le16toh(event->type);
	event->function = le16toh(event->function);
	event->info = le32toh(event->info);
	event->detail = le32toh(event->detail);
	event->deadline = le64toh(event->deadline);
	event->request = le64toh(event->request);
	event->quiesced = le64toh(event->quiesced);
	event->saved = le64toh(event->saved);
	event->loaded = le64toh(event->loaded);
	event->running = le64toh(event->running);
	g->taken = seq;
	return true;
}

void gpu_store(struct gpu *g)
{
	qtest_write32(g->qt, g->consumer, htole32(g->taken));
}

bool gpu_poll(struct gpu *g, struct vgpu_event *event)
{
	if (!gpu_look(g, event))
		return false;
	gpu_store(g);
	return true;
}

/* The name of an event, for messages. */
static const char *event_name(unsigned int type)
{
	static const char *const name[] = {
		"?", "SWITCHED", "QUIESCED", "SAVED", "LOADED", "RUNNING", "RESET",
		"INITIALISED", "REFUSED", "RUNNABLE", "IDLE", "FAULT", "HANG", "FLR",
		"MAILBOX", "STORM", "LOST",
	};

	return name[type < ARRAY_SIZE(name) ? type : 0];
}

static void print_event(const char *what, const struct vgpu_event *e)
{
	print_error("%s: %s function=%u info=%#x detail=%#x\n", what,
		    event_name(e->type), e->function, e->info, e->detail);
	print_error("  deadline=%llu request=%llu quiesced=%llu\n", e->deadline,
		    e->request, e->quiesced);
	print_error("  saved=%llu loaded=%llu running=%llu\n", e->saved, e->loaded,
		    e->running);
}

/* Let time pass until something in the machine has happened. */
static void pass_time(struct gpu *g, uint64_t since, const char *waiting_for,
		      const char *file, int line)
{
	uint64_t now = gpu_now(g);

	if (now - since > PATIENCE) {
		print_error("%s did not come\n", waiting_for);
		_fail(file, line);
	}
	if (!qtest_clock_next(g->qt))
		qtest_clock_step(g->qt, 1000);
}

struct vgpu_event gpu_event_at(struct gpu *g, unsigned int type, unsigned int f,
			       const char *file, int line)
{
	uint64_t since = gpu_now(g);
	struct vgpu_event event;

	for (;;) {
		while (gpu_poll(g, &event)) {
			if (event.type == type && event.function == f)
				return event;
			if (g->quiet & BIT(event.type))
				continue;
			print_error("expected %s of function %u\n", event_name(type), f);
			print_event("got", &event);
			_fail(file, line);
		}
		pass_time(g, since, event_name(type), file, line);
	}
}

void gpu_refused_at(struct gpu *g, unsigned int command, unsigned int f,
		    unsigned int refusal, const char *file, int line)
{
	struct vgpu_event e = gpu_event_at(g, VGPU_EVENT_REFUSED, f, file, line);

	if (e.detail == command && e.info == refusal)
		return;
	print_error("expected refusal %u of command %u\n", refusal, command);
	print_event("got", &e);
	_fail(file, line);
}

void gpu_silent_at(struct gpu *g, const char *file, int line)
{
	struct vgpu_event event;

	while (gpu_poll(g, &event)) {
		if (g->quiet & BIT(event.type))
			continue;
		print_event("unexpected", &event);
		_fail(file, line);
	}
}

void gpu_await_at(struct gpu *g, uint64_t addr, uint64_t value,
		  const char *file, int line)
{
	uint64_t since = gpu_now(g);

	while (qtest_read64(g->qt, addr) != value)
		pass_time(g, since, "the fence", file, line);
}

uint64_t gpu_vector(struct gpu *g, unsigned int f, unsigned int vector)
{
	uint64_t entry = g->fn[f].regs + VGPU_BAR_MSIX_TABLE +
			 vector * PCI_MSIX_ENTRY_SIZE;
	uint64_t addr = gpu_alloc(g, 4);

	pci_msix_enable(&g->fn[f].pci);
	qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_LOWER_ADDR, addr);
	qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_UPPER_ADDR, addr >> 32);
	qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_DATA, 1 + vector);
	qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
	/* One that was pending has come now. */
	qtest_write32(g->qt, addr, 0);
	return addr;
}

bool gpu_interrupted(struct gpu *g, uint64_t vector)
{
	bool yes = qtest_read32(g->qt, vector);

	qtest_write32(g->qt, vector, 0);
	return yes;
}

uint32_t ring_reg(const struct stream *s, uint32_t offset)
{
	return VGPU_REG_RING(s->ring) + offset;
}

struct stream gpu_ring(struct gpu *g, unsigned int f, unsigned int r)
{
	struct stream s = {
		.g = g,
		.size = 1ull << RING_BYTES_LOG2,
		.function = f,
		.ring = r,
	};

	s.memory = gpu_alloc(g, s.size);
	set64(g, f, ring_reg(&s, VGPU_RING_BASE), SYSTEM(s.memory));
	set32(g, f, ring_reg(&s, VGPU_RING_SIZE), RING_BYTES_LOG2);
	set32(g, f, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	s.tail = reg64(g, f, ring_reg(&s, VGPU_RING_TAIL));
	return s;
}

struct stream gpu_buffer(struct gpu *g, uint64_t bytes)
{
	return (struct stream) {
		.g = g,
		.memory = gpu_alloc(g, bytes),
		.size = bytes,
	};
}

void ring_kick(struct stream *s)
{
	set64(s->g, s->function, VGPU_REG_DOORBELL(s->ring), s->tail);
}

uint64_t ring_finish(struct stream *s)
{
	uint64_t done = gpu_alloc(s->g, 8);

	put_fence(s, SYSTEM(done), 1);
	ring_kick(s);
	return done;
}

unsigned int ring_state(const struct stream *s)
{
	return reg32(s->g, s->function, ring_reg(s, VGPU_RING_STATUS));
}

uint64_t ring_head(const struct stream *s)
{
	return reg64(s->g, s->function, ring_reg(s, VGPU_RING_HEAD));
}

void put(struct stream *s, const void *packet, size_t bytes)
{
	uint64_t at = s->tail % s->size;
	size_t first = bytes < s->size - at ? bytes : s->size - at;

	qtest_write(s->g->qt, s->memory + at, packet, first);
	qtest_write(s->g->qt, s->memory, (const char *)packet + first,
		    bytes - first);
	s->tail += bytes;
}

static struct vgpu_pkt header(const struct stream *s, uint32_t word)
{
	return (struct vgpu_pkt) {
		.header = htole32(word),
		.context = htole32(s->context),
	};
}

void put_nop(struct stream *s, unsigned int qwords)
{
	uint64_t data[qwords];
	struct vgpu_pkt pkt = header(s, VGPU_OP_NOP | qwords << 16);

	memset(data, 0xff, sizeof(data));
	memcpy(data, &pkt, sizeof(pkt));
	put(s, data, sizeof(data));
}

static void put_fence_flags(struct stream *s, uint64_t addr, uint64_t value,
			    unsigned int flags)
{
	struct vgpu_pkt_fence p = {
		.pkt = header(s, VGPU_PKT_HEADER(VGPU_OP_FENCE, flags,
						 struct vgpu_pkt_fence)),
		.addr = htole64(addr),
		.value = htole64(value),
	};

	put(s, &p, sizeof(p));
}

void put_fence(struct stream *s, uint64_t addr, uint64_t value)
{
	put_fence_flags(s, addr, value, 0);
}

void put_fence_interrupt(struct stream *s, uint64_t addr, uint64_t value)
{
	put_fence_flags(s, addr, value, VGPU_FENCE_INTERRUPT);
}

void put_wait(struct stream *s, uint64_t addr, uint64_t value)
{
	struct vgpu_pkt_wait p = {
		.pkt = header(s, VGPU_PKT_HEADER(VGPU_OP_WAIT, 0,
						 struct vgpu_pkt_wait)),
		.addr = htole64(addr),
		.value = htole64(value),
	};

	put(s, &p, sizeof(p));
}

void put_copy(struct stream *s, uint64_t dst, uint64_t src, uint64_t bytes)
{
	struct vgpu_pkt_copy p = {
		.pkt = header(s, VGPU_PKT_HEADER(VGPU_OP_COPY, 0,
						 struct vgpu_pkt_copy)),
		.dst = htole64(dst),
		.src = htole64(src),
		.bytes = htole64(bytes),
	};

	put(s, &p, sizeof(p));
}

void put_fill(struct stream *s, uint64_t dst, uint64_t bytes, uint32_t value)
{
	struct vgpu_pkt_fill p = {
		.pkt = header(s, VGPU_PKT_HEADER(VGPU_OP_FILL, 0,
						 struct vgpu_pkt_fill)),
		.dst = htole64(dst),
		.bytes = htole64(bytes),
		.value = htole32(value),
	};

	put(s, &p, sizeof(p));
}

void put_timestamp(struct stream *s, uint64_t addr)
{
	struct vgpu_pkt_timestamp p = {
		.pkt = header(s, VGPU_PKT_HEADER(VGPU_OP_TIMESTAMP, 0,
						 struct vgpu_pkt_timestamp)),
		.addr = htole64(addr),
	};

	put(s, &p, sizeof(p));
}

void put_indirect(struct stream *s, uint32_t context, uint64_t addr, uint64_t bytes)
{
	struct vgpu_pkt_indirect p = {
		.pkt = header(s, VGPU_PKT_HEADER(VGPU_OP_INDIRECT, 0,
						 struct vgpu_pkt_indirect)),
		.addr = htole64(addr),
		.bytes = htole64(bytes),
	};

	p.pkt.context = htole32(context);
	put(s, &p, sizeof(p));
}

void put_dispatch(struct stream *s, const struct vgpu_pkt_dispatch *dispatch)
{
	struct vgpu_pkt_dispatch p = {
		.pkt = header(s, VGPU_PKT_HEADER(VGPU_OP_DISPATCH, 0,
						 struct vgpu_pkt_dispatch)),
		.kernel = htole32(dispatch->kernel),
		.grid_x = htole32(dispatch->grid_x),
		.grid_y = htole32(dispatch->grid_y),
		.grid_z = htole32(dispatch->grid_z),
	};
	unsigned int i;

	for (i = 0; i < 8; i++)
		p.args[i] = htole64(dispatch->args[i]);
	put(s, &p, sizeof(p));
}

static void put_spin_kernel(struct stream *s, unsigned int kernel, uint64_t ns,
			    uint32_t groups, uint64_t counters)
{
	const struct vgpu_pkt_dispatch dispatch = {
		.kernel = kernel,
		.grid_x = groups,
		.grid_y = 1,
		.grid_z = 1,
		.args = { ns, counters },
	};

	put_dispatch(s, &dispatch);
}

void put_spin(struct stream *s, uint64_t ns, uint32_t groups, uint64_t counters)
{
	put_spin_kernel(s, VGPU_KERNEL_SPIN, ns, groups, counters);
}

void put_spin_atomic(struct stream *s, uint64_t ns, uint32_t groups,
		     uint64_t counters)
{
	put_spin_kernel(s, VGPU_KERNEL_SPIN_ATOMIC, ns, groups, counters);
}

struct stream gpu_busy(struct gpu *g, unsigned int f, uint64_t ns)
{
	struct stream s = gpu_ring(g, f, 0);

	put_spin(&s, ns, 0xffffffff, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	return s;
}

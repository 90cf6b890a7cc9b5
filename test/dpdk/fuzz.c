// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzing; see fuzz.h. A playground is made as an honest client makes it, so that
 * much of what is wrong is wrong in one place only; then steps follow.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "fuzz.h"
#include "log.h"

#define DEPTH		16
#define GOOD_WORK	20
#define PACKETS_BYTES	4096
#define BUFFER_ADDR	0x1000000000ull
#define DATA_ADDR	0x2000000000ull
#define DATA_BYTES	65536
/* Others have the engine meanwhile. */
#define WILD_MS		20

/* What was done, by kind of step; in the order of steps[]. */
#define STEP_KINDS	12

struct fuzzer {
	struct client *client;
	uint64_t random;
	uint64_t limit;
	uint64_t steps;
	uint64_t done[STEP_KINDS];
	uint64_t answers;
	uint64_t accepted;
	uint64_t starts;
	bool ready;
	uint64_t tails[VGPU_MAX_RINGS];
	struct block rings[VGPU_MAX_RINGS];
	struct block buffer;
	struct block data;
	uint64_t good;
};

static uint64_t any(struct fuzzer *fuzzer)
{
	return vgpu_random(&fuzzer->random);
}

static uint64_t below(struct fuzzer *fuzzer, uint64_t limit)
{
	return any(fuzzer) % limit;
}

/* Addresses that mean something, and such as are just beside. */
static uint64_t address(struct fuzzer *fuzzer)
{
	const struct function *fn = &fuzzer->client->fn;

	switch (below(fuzzer, 10)) {
	case 0:
		return BUFFER_ADDR + below(fuzzer, 2 * PACKETS_BYTES);
	case 1 ... 3:
		return DATA_ADDR + (below(fuzzer, 2 * DATA_BYTES) & ~7ull);
	case 4:
		return below(fuzzer, 2 * fn->config.vram_bytes + 1) & ~7ull;
	case 5:
		return (fn->memory.gpu + below(fuzzer, fn->memory.bytes)) & ~7ull;
	case 6:
		return VGPU_ADDR_SYSTEM | (below(fuzzer, 1ull << 34) & ~7ull);
	case 7:
		/* interrupts */
		return VGPU_ADDR_SYSTEM | (0xfee00000 + below(fuzzer, 1 << 20));
	case 8:
		return ~0ull << below(fuzzer, 64);
	default:
		return any(fuzzer);
	}
}

static uint64_t size(struct fuzzer *fuzzer)
{
	switch (below(fuzzer, 4)) {
	case 0:
		return below(fuzzer, 4096) & ~3ull;
	case 1:
		return below(fuzzer, 4 * DATA_BYTES);
	case 2:
		return 1ull << below(fuzzer, 64);
	default:
		return any(fuzzer);
	}
}

/* A packet of the right form, most of the time; 8-byte words. */
static unsigned int packet(struct fuzzer *fuzzer, uint64_t *words)
{
	static const uint8_t lengths[] = { 1, 1, 3, 3, 4, 4, 2, 3, 11 };
	unsigned int opcode = below(fuzzer, 16) ? 1 + below(fuzzer, 8) : below(fuzzer, 256);
	unsigned int length = opcode < RTE_DIM(lengths) ? lengths[opcode] : 1;
	unsigned int said = below(fuzzer, 32) ? length : below(fuzzer, 65536), i;
	uint64_t context = below(fuzzer, 3) ? CLIENT_CONTEXT :
					      below(fuzzer, 2) * below(fuzzer, 20);
	uint64_t flags = below(fuzzer, 16) ? 0 : below(fuzzer, 256);

	words[0] = opcode | flags << 8 | (uint64_t)said << 16 | context << 32;
	for (i = 1; i < length; i++)
		words[i] = below(fuzzer, 3) ? address(fuzzer) : size(fuzzer);
	if (opcode != VGPU_OP_DISPATCH)
		return length;
	/* Small grids run, and last. */
	words[1] = below(fuzzer, 8) | ((1 + below(fuzzer, 16)) << 32);
	words[2] = (1 + below(fuzzer, 4)) | 1ull << 32;
	if (below(fuzzer, 2))
		words[3] = below(fuzzer, 100000);
	return length;
}

static void doorbell(struct fuzzer *fuzzer, unsigned int ring, uint64_t tail)
{
	function_write64(&fuzzer->client->fn, VGPU_REG_DOORBELL(ring), tail);
}

/* Behind all that is in the ring; @count words of 8 bytes. */
static void append(struct fuzzer *fuzzer, unsigned int ring, const uint64_t *words,
		   unsigned int count)
{
	uint64_t *memory = fuzzer->rings[ring].cpu;
	unsigned int i;

	for (i = 0; i < count; i++, fuzzer->tails[ring] += 8)
		memory[fuzzer->tails[ring] % PACKETS_BYTES / 8] = words[i];
}

static unsigned int any_ring(struct fuzzer *fuzzer)
{
	return below(fuzzer, fuzzer->client->fn.rings);
}

/* ------------------------------------------------------------------------ */
/* Steps                                                                     */

static void step_packets(struct fuzzer *fuzzer)
{
	unsigned int ring = any_ring(fuzzer), count = 1 + below(fuzzer, 8), length;
	uint64_t words[16];

	while (count--) {
		length = packet(fuzzer, words);
		append(fuzzer, ring, words, length);
	}
	doorbell(fuzzer, ring, fuzzer->tails[ring]);
}

static void step_buffer(struct fuzzer *fuzzer)
{
	uint64_t *memory = fuzzer->buffer.cpu, words[16];
	unsigned int at = 0, length;

	while (at < PACKETS_BYTES / 8 - 16) {
		length = packet(fuzzer, words);
		memcpy(&memory[at], words, length * 8);
		at += length;
	}
}

/* While the engine may be reading it. */
static void step_memory(struct fuzzer *fuzzer)
{
	const struct arena *memory = &fuzzer->client->fn.memory;

	*(volatile uint64_t *)(memory->cpu + (below(fuzzer, memory->used) & ~7ull)) =
		any(fuzzer);
}

/* Also the table of contexts. */
static void step_tables(struct fuzzer *fuzzer)
{
	const struct arena *vram = &fuzzer->client->fn.vram;
	volatile uint64_t *entry = (void *)(vram->cpu + (below(fuzzer, vram->used) & ~7ull));

	if (below(fuzzer, 2))
		*entry = (address(fuzzer) & VGPU_PTE_ADDR) | below(fuzzer, 128);
	else
		*entry ^= 1ull << below(fuzzer, 64);
	function_write(&fuzzer->client->fn, VGPU_REG_INVALIDATE,
		       below(fuzzer, 2) ? VGPU_INVALIDATE_ALL : below(fuzzer, 32));
}

static void step_register(struct fuzzer *fuzzer)
{
	unsigned int reg = below(fuzzer, VGPU_VF_BAR_BYTES);
	uint64_t value = below(fuzzer, 2) ? address(fuzzer) : below(fuzzer, 4);

	/* Mostly those that do something. */
	if (below(fuzzer, 4))
		reg %= VGPU_REG_RING(VGPU_MAX_RINGS);
	if (below(fuzzer, 2))
		function_write64(&fuzzer->client->fn, reg & ~7u, value);
	else
		function_write(&fuzzer->client->fn, reg & ~3u, value);
}

static void step_doorbell(struct fuzzer *fuzzer)
{
	unsigned int ring = any_ring(fuzzer), i;

	if (below(fuzzer, 4))
		doorbell(fuzzer, ring, below(fuzzer, 2) ? size(fuzzer) : any(fuzzer));
	else
		for (i = 0; i < 1000; i++)
			doorbell(fuzzer, ring, fuzzer->tails[ring]);
}

/* Nobody waits for an answer, or looks at it. */
static void step_mailbox(struct fuzzer *fuzzer)
{
	struct function *fn = &fuzzer->client->fn;
	unsigned int i;

	for (i = 0; i < VGPU_MBOX_BYTES; i += 4)
		function_write(fn, VGPU_REG_MBOX_TX + i, any(fuzzer));
	function_write(fn, VGPU_REG_MBOX_CTRL, below(fuzzer, 4));
}

/* Are type and size such as a PF may accept? */
static bool is_request(const struct vgpu_mbox_header *header)
{
	switch (header->type) {
	case VGPU_MBOX_HANDSHAKE:
		return header->size == sizeof(struct vgpu_mbox_handshake);
	case VGPU_MBOX_CONFIG:
	case VGPU_MBOX_START:
	case VGPU_MBOX_STOP:
		return header->size == sizeof(*header);
	default:
		return false;
	}
}

/* Nearly the right form; an answer to each, and that is no if anything is wrong. */
static void step_request(struct fuzzer *fuzzer)
{
	union message message;
	bool intact = below(fuzzer, 8), may;
	unsigned int i;
	int ret;

	for (i = 0; i < RTE_DIM(message.words); i++)
		message.words[i] = any(fuzzer);
	message.header.type = below(fuzzer, 7);
	message.header.size = below(fuzzer, 4) ? sizeof(message.header) : below(fuzzer, 80);
	message.header.status = !below(fuzzer, 8);
	function_seal(&message);
	message.header.checksum ^= !intact;
	may = intact && !message.header.status && is_request(&message.header);
	ret = function_ask(&fuzzer->client->fn, &message);
	fuzzer->answers += ret != -ETIMEDOUT;
	fuzzer->accepted += !ret && !may;
}

/* All of the window, which is larger than what is owned. */
static void step_window(struct fuzzer *fuzzer)
{
	const struct vfio_device *vfio = &fuzzer->client->fn.vfio;
	volatile uint64_t *where = (void *)(vfio->vram + (below(fuzzer, vfio->vram_bytes) & ~7ull));

	if (below(fuzzer, 2))
		*where = any(fuzzer);
	else
		(void)*where;
}

static void step_bus_master(struct fuzzer *fuzzer)
{
	struct vfio_device *vfio = &fuzzer->client->fn.vfio;

	vfio_bus_master(vfio, false);
	step_packets(fuzzer);
	vfio_bus_master(vfio, true);
}

static void revive_ring(struct fuzzer *fuzzer, unsigned int ring);

/* DMA to where nothing of it is, and time for that. A halt is told by the first vector. */
static void step_wild(struct fuzzer *fuzzer)
{
	const uint64_t addr = (1ull << 40) | (below(fuzzer, 1ull << 32) & ~7ull);
	const struct vgpu_pkt_fence packet = {
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_FENCE, 0, packet),
		.addr = VGPU_ADDR_SYSTEM | addr,
	};
	uint64_t words[sizeof(packet) / 8];
	unsigned int ring = any_ring(fuzzer);

	memcpy(words, &packet, sizeof(packet));
	revive_ring(fuzzer, ring);
	append(fuzzer, ring, words, RTE_DIM(words));
	doorbell(fuzzer, ring, fuzzer->tails[ring]);
	vfio_wait(&fuzzer->client->fn.vfio, VGPU_VECTOR_FUNCTION, WILD_MS);
}

static int build(struct fuzzer *fuzzer);

static void step_reset(struct fuzzer *fuzzer)
{
	fuzzer->ready = !function_reset(&fuzzer->client->fn) && !build(fuzzer);
}

static const struct {
	const char *name;
	void (*step)(struct fuzzer *fuzzer);
	unsigned int weight;	/* of 4096; the rest revives rings */
} steps[STEP_KINDS] = {
	{ "packets", step_packets, 1000 },
	{ "buffers", step_buffer, 200 },
	{ "memory", step_memory, 400 },
	{ "tables", step_tables, 400 },
	{ "registers", step_register, 500 },
	{ "doorbells", step_doorbell, 200 },
	{ "mailbox", step_mailbox, 300 },
	{ "requests", step_request, 16 },
	{ "window", step_window, 250 },
	{ "bus_master", step_bus_master, 40 },
	{ "wild", step_wild, 40 },
	{ "resets", step_reset, 8 },
};

/* ------------------------------------------------------------------------ */
/* The playground                                                            */

static void revive_ring(struct fuzzer *fuzzer, unsigned int ring)
{
	struct function *fn = &fuzzer->client->fn;
	unsigned int regs = VGPU_REG_RING(ring);

	function_write(fn, regs + VGPU_RING_CTRL, 0);
	function_write64(fn, regs + VGPU_RING_BASE, fuzzer->rings[ring].gpu);
	function_write(fn, regs + VGPU_RING_SIZE, VGPU_RING_SIZE_MIN);
	function_write64(fn, regs + VGPU_RING_HEAD, 0);
	function_write(fn, regs + VGPU_RING_CTRL, VGPU_RING_CTRL_ENABLE);
	fuzzer->tails[ring] = function_read64(fn, regs + VGPU_RING_TAIL);
}

/* What was destroyed is made good, as far as a guest can. */
static void revive(struct fuzzer *fuzzer)
{
	struct function *fn = &fuzzer->client->fn;
	union message message = {};
	unsigned int i;

	for (i = 0; i < fn->rings; i++)
		revive_ring(fuzzer, i);
	fn->contexts[CLIENT_CONTEXT] = (struct vgpu_context_desc){
		.flags = VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED,
		.root = fuzzer->client->space.root.gpu,
	};
	function_write64(fn, VGPU_REG_CTX_TABLE, 0);
	function_write(fn, VGPU_REG_CTX_COUNT, FUNCTION_CONTEXTS);
	if (function_read(fn, VGPU_REG_STATUS) & VGPU_STATUS_OPEN)
		return;
	message.header = (struct vgpu_mbox_header){
		.type = VGPU_MBOX_START, .size = sizeof(message.header),
		.sequence = ++fn->sequence,
	};
	function_seal(&message);
	fuzzer->starts += !function_ask(fn, &message);
}

static int build(struct fuzzer *fuzzer)
{
	struct client *client = fuzzer->client;
	struct function *fn = &client->fn;
	unsigned int i;
	int ret;

	for (i = 0; i < fn->rings; i++)
		fuzzer->rings[i] = arena_take(&fn->memory, PACKETS_BYTES, 4096);
	fuzzer->buffer = arena_take(&fn->memory, PACKETS_BYTES, 4096);
	ret = space_create(&client->space, fn, CLIENT_CONTEXT);
	fuzzer->data = arena_take(&fn->vram, DATA_BYTES, 4096);
	if (!fuzzer->buffer.cpu || !fuzzer->data.cpu)
		return -ENOSPC;
	if (!ret)
		ret = space_map(&client->space, BUFFER_ADDR, &fuzzer->buffer,
				VGPU_PTE_READ | VGPU_PTE_EXECUTE);
	if (!ret)
		ret = space_map(&client->space, DATA_ADDR, &fuzzer->data,
				VGPU_PTE_READ | VGPU_PTE_WRITE);
	if (!ret)
		revive(fuzzer);
	return ret;
}

struct fuzzer *fuzz_create(struct client *client, uint64_t seed, uint64_t limit)
{
	struct fuzzer *fuzzer = calloc(1, sizeof(*fuzzer));

	if (!fuzzer)
		return NULL;
	fuzzer->client = client;
	fuzzer->random = seed;
	fuzzer->limit = limit;
	fuzzer->ready = !build(fuzzer);
	return fuzzer;
}

bool fuzz_step(struct fuzzer *fuzzer)
{
	unsigned int at = below(fuzzer, 4096), kind = 0;

	if (fuzzer->limit && fuzzer->steps == fuzzer->limit)
		return false;
	fuzzer->steps++;
	if (!fuzzer->ready) {
		step_reset(fuzzer);
		return true;
	}
	while (kind < STEP_KINDS && at >= steps[kind].weight)
		at -= steps[kind++].weight;
	if (kind < STEP_KINDS) {
		steps[kind].step(fuzzer);
		fuzzer->done[kind]++;
	} else {
		revive(fuzzer);
	}
	return true;
}

static int do_good(struct fuzzer *fuzzer)
{
	const struct plan plan = {
		.work.kind = WORK_MIX, .depth = DEPTH, .batch = 1, .limit = GOOD_WORK,
		.check = true,
	};
	struct queue *queue = &fuzzer->client->queues[0];
	int ret = client_start(fuzzer->client, &plan, 1, false);

	if (ret)
		return ret;
	while (!queue_is_over(queue, false))
		if (!queue_step(queue, false))
			rte_pause();
	fuzzer->good = queue->stats.completed - queue->stats.wrong;
	return fuzzer->good == GOOD_WORK ? 0 : -EBADMSG;
}

int fuzz_finish(struct fuzzer *fuzzer)
{
	struct function *fn = &fuzzer->client->fn;
	int ret = function_reset(fn);

	if (!ret)
		ret = do_good(fuzzer);
	if (ret)
		LOG(ERR, "%s: no good work after the reset: %s", fn->vfio.bdf, strerror(-ret));
	if (fuzzer->accepted)
		LOG(ERR, "%s: the PF has accepted %" PRIu64 " malformed requests",
		    fn->vfio.bdf, fuzzer->accepted);
	return !ret && fuzzer->accepted ? -EBADMSG : ret;
}

void fuzz_write(const struct fuzzer *fuzzer, FILE *file)
{
	unsigned int i;

	fprintf(file, ",\n   \"fuzz\": {\"steps\": %" PRIu64 ", \"answers\": %" PRIu64
		", \"accepted\": %" PRIu64 ", \"starts\": %" PRIu64 ", \"good\": %" PRIu64,
		fuzzer->steps, fuzzer->answers, fuzzer->accepted, fuzzer->starts,
		fuzzer->good);
	for (i = 0; i < STEP_KINDS; i++)
		fprintf(file, ", \"%s\": %" PRIu64, steps[i].name, fuzzer->done[i]);
	fprintf(file, "}");
}

void fuzz_print(const struct fuzzer *fuzzer)
{
	unsigned int i;

	printf("VF%u, fuzz: %" PRIu64 " steps:", fuzzer->client->fn.number, fuzzer->steps);
	for (i = 0; i < STEP_KINDS; i++)
		printf(" %" PRIu64 " %s", fuzzer->done[i], steps[i].name);
	printf("; then %" PRIu64 " of %u right\n", fuzzer->good, GOOD_WORK);
}

void fuzz_free(struct fuzzer *fuzzer)
{
	free(fuzzer);
}

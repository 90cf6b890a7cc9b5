// SPDX-License-Identifier: GPL-2.0-only
/* The life of a function, and its mailbox; see function.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "function.h"
#include "log.h"

/* The PF may have to take a world away and to scrub VRAM first, in an emulator. */
#define ANSWER_MS	20000
/* An interrupt can be lost: by whom fuzz.c plays, who writes to the table of vectors. */
#define LOST_MS		UINT64_C(100)
/* Requests are limited per second. */
#define BUSY_RETRIES	8
#define BUSY_DELAY_MS	300

void function_seal(union message *message)
{
	uint16_t size = message->header.size;

	message->header.checksum = 0;
	message->header.checksum =
		vgpu_checksum(message, RTE_MIN(size, sizeof(*message)));
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

/* The interrupt comes for both directions, and may have come before. */
static bool wait_status(struct function *fn, uint32_t mask, uint32_t value)
{
	uint64_t end = now_ms() + ANSWER_MS, now;

	while ((function_read(fn, VGPU_REG_MBOX_STATUS) & mask) != value) {
		now = now_ms();
		if (now >= end)
			return false;
		vfio_wait(&fn->vfio, VGPU_VECTOR_FUNCTION, RTE_MIN(end - now, LOST_MS));
	}
	return true;
}

static void send(struct function *fn, const union message *message)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(message->words); i++)
		function_write(fn, VGPU_REG_MBOX_TX + 4 * i, message->words[i]);
	function_write(fn, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
}

static int receive(struct function *fn, union message *message)
{
	uint32_t sum;
	unsigned int i;

	if (!wait_status(fn, VGPU_MBOX_STATUS_RX_VALID, VGPU_MBOX_STATUS_RX_VALID))
		return -ETIMEDOUT;
	for (i = 0; i < RTE_DIM(message->words); i++)
		message->words[i] = function_read(fn, VGPU_REG_MBOX_RX + 4 * i);
	function_write(fn, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_ACK);
	if (message->header.size < sizeof(message->header) ||
	    message->header.size > sizeof(*message))
		return -EPROTO;
	sum = message->header.checksum;
	message->header.checksum = 0;
	return vgpu_checksum(message, message->header.size) == sum ? 0 : -EPROTO;
}

/*
 * The PF answers only when it can: before, what it has said must be taken. Notices, and
 * answers to what was given up.
 */
static int make_way(struct function *fn)
{
	uint64_t end = now_ms() + ANSWER_MS;
	union message message;
	uint32_t status;

	while ((status = function_read(fn, VGPU_REG_MBOX_STATUS))) {
		if (now_ms() >= end)
			return -ETIMEDOUT;
		if (!(status & VGPU_MBOX_STATUS_RX_VALID))
			vfio_wait(&fn->vfio, VGPU_VECTOR_FUNCTION, LOST_MS);
		else if (!receive(fn, &message) && message.header.type == VGPU_MBOX_NOTICE)
			fn->notices++;
	}
	return 0;
}

int function_ask(struct function *fn, union message *message)
{
	const struct vgpu_mbox_header asked = message->header;
	int ret = make_way(fn);

	if (ret)
		return ret;
	send(fn, message);
	do {
		ret = receive(fn, message);
		if (ret)
			return ret;
		fn->notices += message->header.type == VGPU_MBOX_NOTICE;
	} while (message->header.sequence != asked.sequence ||
		 message->header.type != asked.type);
	return message->header.status > 4095 ? -EPROTO : -(int)message->header.status;
}

int function_request(struct function *fn, union message *message,
		     enum vgpu_mbox_type type, unsigned int size)
{
	const struct timespec pause = { .tv_nsec = BUSY_DELAY_MS * 1000000l };
	union message answer;
	unsigned int i;
	int ret;

	for (i = 0;; i++) {
		answer = *message;
		answer.header = (struct vgpu_mbox_header){
			.type = type, .size = size, .sequence = ++fn->sequence,
		};
		function_seal(&answer);
		ret = function_ask(fn, &answer);
		if (ret != -EBUSY || i == BUSY_RETRIES)
			break;
		nanosleep(&pause, NULL);
	}
	*message = answer;
	return ret;
}

static int handshake(struct function *fn)
{
	union message message = {
		.handshake = { .major = VGPU_MBOX_MAJOR, .minor = VGPU_MBOX_MINOR },
	};
	int ret = function_request(fn, &message, VGPU_MBOX_HANDSHAKE,
				   sizeof(message.handshake));

	if (ret)
		return ret;
	if (message.header.size < sizeof(message.handshake))
		return -EPROTO;
	return message.handshake.major == VGPU_MBOX_MAJOR ? 0 : -EPROTONOSUPPORT;
}

static int configure(struct function *fn)
{
	union message message = {};
	int ret = function_request(fn, &message, VGPU_MBOX_CONFIG, sizeof(message.header));

	if (!ret && message.header.size < sizeof(message.config))
		ret = -EPROTO;
	if (!ret)
		fn->config = message.config;
	return ret;
}

static int identify(struct function *fn)
{
	uint32_t id = function_read(fn, VGPU_REG_ID), limits;
	uint32_t revision = function_read(fn, VGPU_REG_REVISION);

	if (id != VGPU_ID_VALUE) {
		LOG(ERR, "%s: ID register says %#x, not %#x", fn->vfio.bdf, id, VGPU_ID_VALUE);
		return -ENODEV;
	}
	if (VGPU_FIELD_GET(VGPU_REVISION_MAJOR, revision) != 1) {
		LOG(ERR, "%s: revision %#x; this is for 1.x", fn->vfio.bdf, revision);
		return -ENODEV;
	}
	if (!(function_read(fn, VGPU_REG_CAPS) & VGPU_CAPS_MMU)) {
		LOG(ERR, "%s: has no paged contexts", fn->vfio.bdf);
		return -ENODEV;
	}
	limits = function_read(fn, VGPU_REG_LIMITS);
	fn->number = function_read(fn, VGPU_REG_FUNCTION);
	fn->rings = RTE_MIN(VGPU_FIELD_GET(VGPU_LIMITS_RINGS, limits),
			    (uint32_t)VGPU_MAX_RINGS);
	fn->ring_bytes_max = 1ull << VGPU_FIELD_GET(VGPU_LIMITS_RING_SIZE, limits);
	return 0;
}

/* What another one had there is gone: looks at a word of each page. */
static int check_vram(const struct function *fn)
{
	const volatile uint64_t *word;
	uint64_t at;

	for (at = 0; at + sizeof(*word) <= fn->vram.bytes; at += 1 << VGPU_PAGE_SHIFT) {
		word = (const volatile uint64_t *)(fn->vram.cpu + at);
		if (!*word)
			continue;
		LOG(ERR, "%s: VRAM is not zero after a reset, at %#" PRIx64, fn->vfio.bdf, at);
		return -EUCLEAN;
	}
	return 0;
}

/* Context table; nothing else is in VRAM. */
static int prepare_vram(struct function *fn)
{
	uint64_t bytes = function_read64(fn, VGPU_REG_WINDOW_SIZE);
	struct block table;
	int ret;

	fn->vram = (struct arena){
		.cpu = fn->vfio.vram, .bytes = RTE_MIN(bytes, fn->vfio.vram_bytes),
	};
	table = arena_take(&fn->vram, FUNCTION_CONTEXTS * sizeof(*fn->contexts), 4096);
	if (!table.cpu) {
		LOG(ERR, "%s: has no VRAM", fn->vfio.bdf);
		return -ENOSPC;
	}
	ret = check_vram(fn);
	if (ret)
		return ret;
	fn->contexts = table.cpu;
	function_write64(fn, VGPU_REG_CTX_TABLE, table.gpu);
	function_write(fn, VGPU_REG_CTX_COUNT, FUNCTION_CONTEXTS);
	function_write(fn, VGPU_REG_INVALIDATE, VGPU_INVALIDATE_ALL);
	return 0;
}

static int greet(struct function *fn)
{
	int ret = handshake(fn);

	if (ret) {
		LOG(ERR, "%s: handshake: %s", fn->vfio.bdf, strerror(-ret));
		return ret;
	}
	ret = configure(fn);
	if (ret) {
		LOG(ERR, "%s: CONFIG: %s", fn->vfio.bdf, strerror(-ret));
		return ret;
	}
	return prepare_vram(fn);
}

static uint64_t iova_of(const struct function *fn)
{
	return fn->memory.gpu & VGPU_ADDR_OFFSET;
}

int function_open(struct function *fn, const char *bdf, bool alone, uint64_t memory_bytes)
{
	int ret;

	memset(fn, 0, sizeof(*fn));
	ret = vfio_open(&fn->vfio, bdf, alone);
	if (ret)
		return ret;
	ret = function_interrupts(fn, 0);
	if (!ret)
		ret = identify(fn);
	snprintf(fn->memory_name, sizeof(fn->memory_name), "vgpu %s", bdf);
	if (!ret)
		ret = memory_take(&fn->memory, fn->memory_name, memory_bytes);
	if (!ret)
		ret = vfio_map(&fn->vfio, fn->memory.cpu, iova_of(fn), fn->memory.bytes);
	if (!ret)
		ret = greet(fn);
	if (ret)
		function_close(fn);
	return ret;
}

void function_close(struct function *fn)
{
	if (fn->started)
		function_stop(fn);
	if (fn->memory.cpu)
		vfio_unmap(&fn->vfio, fn->memory.cpu, iova_of(fn), fn->memory.bytes);
	/* First: what cannot reach it any more cannot write to it when it is freed. */
	vfio_close(&fn->vfio);
	memory_return(&fn->memory, fn->memory_name);
}

int function_start(struct function *fn)
{
	union message message = {};
	int ret = function_request(fn, &message, VGPU_MBOX_START, sizeof(message.header));

	if (ret)
		LOG(ERR, "%s: START: %s", fn->vfio.bdf, strerror(-ret));
	else
		fn->started = true;
	return ret;
}

int function_stop(struct function *fn)
{
	union message message = {};
	int ret = function_request(fn, &message, VGPU_MBOX_STOP, sizeof(message.header));

	fn->started = false;
	if (ret)
		LOG(ERR, "%s: STOP: %s", fn->vfio.bdf, strerror(-ret));
	return ret;
}

int function_reset(struct function *fn)
{
	int ret = vfio_reset(&fn->vfio);

	fn->started = false;
	if (ret) {
		LOG(ERR, "%s: FLR: %s", fn->vfio.bdf, strerror(-ret));
		return ret;
	}
	arena_clear(&fn->memory);
	return greet(fn);
}

int function_interrupts(struct function *fn, unsigned int rings)
{
	int ret = vfio_interrupts(&fn->vfio, 1 + rings);

	if (ret)
		LOG(ERR, "%s: %u interrupts: %s", fn->vfio.bdf, 1 + rings, strerror(-ret));
	return ret;
}

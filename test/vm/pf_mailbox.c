// SPDX-License-Identifier: GPL-2.0-only
/*
 * pf_mailbox [--seed N | --reset] DEVICE
 *
 * What the PF driver answers to a VF, and to one that does not keep the rules.
 * DEVICE is the folder of a VF in sysfs; no driver is bound to it. Its registers
 * are used as they are. With --reset only what an FLR does to a function that is
 * open, which may have no VRAM.
 */
#include <time.h>

#include <vgpu/mailbox.h>

#include "bars.h"

#define WORDS	(VGPU_MBOX_BYTES / 4)
#define SIZE	((unsigned int)sizeof(struct vgpu_mbox_header))
/* An answer takes less than this even on an emulated machine under load. */
#define PATIENCE_S	20

union message {
	struct vgpu_mbox_header header;
	struct vgpu_mbox_handshake handshake;
	struct vgpu_mbox_config config;
	struct vgpu_mbox_notice notice;
	uint32_t words[WORDS];
	uint8_t bytes[VGPU_MBOX_BYTES];
};

static const char *device;
static uint32_t sequence;
static uint64_t state = 1;

/* xorshift64*, Vigna 2016 */
static uint32_t random32(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 2685821657736338717ull) >> 32;
}

static int sysfs_write(const char *name, const char *text)
{
	char path[256];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/%s", device, name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void setup(void)
{
	ktap_must(sysfs_write("enable", "1"), "the VF cannot be enabled");
	regs = bar_map(device, VGPU_BAR_REGS, NULL);
}

/* The registers tell no interrupt here, so they are looked at. */
static bool wait_status(uint32_t mask, uint32_t value)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += PATIENCE_S;
	while ((reg(VGPU_REG_MBOX_STATUS) & mask) != value) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

static void seal(union message *m)
{
	unsigned int size = m->header.size;

	m->header.checksum = 0;
	m->header.checksum = vgpu_checksum(m, size <= sizeof(*m) ? size : sizeof(*m));
}

static void post(const union message *m)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		set(VGPU_REG_MBOX_TX + 4 * i, m->words[i]);
	set(VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
}

/* The next message of the PF, acknowledged; false if none comes. */
static bool take(union message *m)
{
	unsigned int i;
	uint32_t sum;

	if (!wait_status(VGPU_MBOX_STATUS_RX_VALID, VGPU_MBOX_STATUS_RX_VALID))
		return false;
	for (i = 0; i < WORDS; i++)
		m->words[i] = reg(VGPU_REG_MBOX_RX + 4 * i);
	set(VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_ACK);
	if (m->header.size < SIZE || m->header.size > sizeof(*m))
		return false;
	sum = m->header.checksum;
	m->header.checksum = 0;
	return vgpu_checksum(m, m->header.size) == sum;
}

/* Sends @m as it is; the status of the answer, or -ETIMEDOUT, -EPROTO. */
static int ask_raw(union message *m)
{
	const union message asked = *m;

	if (!wait_status(VGPU_MBOX_STATUS_TX_BUSY, 0))
		return -ETIMEDOUT;
	post(m);
	do {
		if (!take(m))
			return -ETIMEDOUT;
	} while (m->header.type == VGPU_MBOX_NOTICE && asked.header.type != VGPU_MBOX_NOTICE);
	if (m->header.type != asked.header.type ||
	    m->header.sequence != asked.header.sequence)
		return -EPROTO;
	/* a request leaves the mailbox with its answer, not before */
	if (!wait_status(VGPU_MBOX_STATUS_TX_BUSY, 0))
		return -ETIMEDOUT;
	return -(int)m->header.status;
}

static union message request(unsigned int type, unsigned int size)
{
	union message m = {
		.header.type = type,
		.header.size = size,
		.header.sequence = ++sequence,
	};

	seal(&m);
	return m;
}

static int ask(unsigned int type)
{
	union message m = request(type, SIZE);

	return ask_raw(&m);
}

static int shake(unsigned int major, unsigned int minor, union message *m)
{
	*m = request(VGPU_MBOX_HANDSHAKE, sizeof(m->handshake));
	m->handshake.major = major;
	m->handshake.minor = minor;
	seal(m);
	return ask_raw(m);
}

static void test_before_handshake(void)
{
	ktap_equal(ask(VGPU_MBOX_CONFIG), -EACCES, "CONFIG before the handshake");
	ktap_equal(ask(VGPU_MBOX_START), -EACCES, "START before the handshake");
	ktap_equal(ask(VGPU_MBOX_STOP), -EACCES, "STOP before the handshake");
	ktap_equal(ask(99), -EACCES, "an unknown request before the handshake");
	ktap_ok(!(reg(VGPU_REG_STATUS) & VGPU_STATUS_OPEN), "and the function is not open");
}

static void test_handshake(void)
{
	union message m;

	ktap_equal(shake(0, 9, &m), -EPERM, "a version older than the oldest");
	ktap_equal(ask(VGPU_MBOX_CONFIG), -EACCES, "is no handshake");

	m = request(VGPU_MBOX_HANDSHAKE, sizeof(m.handshake));
	m.handshake.major = VGPU_MBOX_MAJOR;
	m.handshake.reserved = 1;
	seal(&m);
	ktap_equal(ask_raw(&m), -EBADMSG, "a reserved field that is not zero");

	ktap_equal(shake(7, 7, &m), 0, "a version newer than the newest");
	ktap_ok(m.handshake.major == VGPU_MBOX_MAJOR && m.handshake.minor == VGPU_MBOX_MINOR,
		"gets the newest, %u.%u", m.handshake.major, m.handshake.minor);
	ktap_equal(shake(VGPU_MBOX_MAJOR, 0, &m), 0, "version 1.0 again");
	ktap_ok(m.handshake.major == VGPU_MBOX_MAJOR && !m.handshake.minor, "gets itself");
}

static void test_malformed(void)
{
	union message m;

	m = request(VGPU_MBOX_CONFIG, SIZE);
	m.header.checksum ^= 1;
	ktap_equal(ask_raw(&m), -EBADMSG, "a wrong checksum");
	m = request(VGPU_MBOX_CONFIG, SIZE - 1);
	ktap_equal(ask_raw(&m), -EBADMSG, "shorter than a header");
	m = request(VGPU_MBOX_CONFIG, 0);
	ktap_equal(ask_raw(&m), -EBADMSG, "no size");
	m = request(VGPU_MBOX_CONFIG, VGPU_MBOX_BYTES + 1);
	ktap_equal(ask_raw(&m), -EBADMSG, "larger than the mailbox");
	m = request(VGPU_MBOX_CONFIG, 0xffff);
	ktap_equal(ask_raw(&m), -EBADMSG, "much larger than the mailbox");
	m = request(VGPU_MBOX_CONFIG, SIZE + 4);
	ktap_equal(ask_raw(&m), -EBADMSG, "larger than its type");
	m = request(VGPU_MBOX_HANDSHAKE, SIZE);
	ktap_equal(ask_raw(&m), -EBADMSG, "smaller than its type");
	m = request(VGPU_MBOX_CONFIG, SIZE);
	m.header.status = EIO;
	seal(&m);
	ktap_equal(ask_raw(&m), -EBADMSG, "a request with a status");

	ktap_equal(ask(0), -EOPNOTSUPP, "type 0");
	ktap_equal(ask(VGPU_MBOX_NOTICE), -EOPNOTSUPP, "a notice");
	ktap_equal(ask(0xffff), -EOPNOTSUPP, "an unknown type");
}

static void test_config(void)
{
	union message m = request(VGPU_MBOX_CONFIG, SIZE);
	uint64_t bytes = reg(VGPU_REG_VRAM_SIZE) |
			 (uint64_t)reg(VGPU_REG_VRAM_SIZE + 4) << 32;

	ktap_equal(ask_raw(&m), 0, "CONFIG");
	ktap_equal(m.header.size, sizeof(m.config), "its size");
	ktap_equal(m.config.vram_bytes, bytes, "VRAM as the device has it");
	ktap_ok(bytes > 0, "and that is something");
}

static bool is_open(void)
{
	return reg(VGPU_REG_STATUS) & VGPU_STATUS_OPEN;
}

static void test_start_stop(void)
{
	int i, failed = 0;

	ktap_equal(ask(VGPU_MBOX_STOP), -EALREADY, "STOP of what was not started");
	ktap_equal(ask(VGPU_MBOX_START), 0, "START");
	ktap_ok(is_open(), "the function is open");
	ktap_equal(ask(VGPU_MBOX_START), -EALREADY, "START again");
	ktap_ok(is_open(), "it is still open");
	ktap_equal(ask(VGPU_MBOX_STOP), 0, "STOP");
	ktap_ok(!is_open(), "the function is closed");
	ktap_equal(ask(VGPU_MBOX_STOP), -EALREADY, "STOP again");
	for (i = 0; i < 50; i++)
		failed += ask(VGPU_MBOX_START) || ask(VGPU_MBOX_STOP);
	ktap_equal(failed, 0, "START and STOP 50 times");
}

static void test_reset(void)
{
	union message m;

	ktap_equal(ask(VGPU_MBOX_START), 0, "START");
	ktap_equal(sysfs_write("reset", "1"), 0, "function level reset");
	ktap_must(sysfs_write("enable", "1"), "the VF cannot be enabled");
	ktap_ok(!is_open(), "the function is closed");
	ktap_equal(ask(VGPU_MBOX_START), -EACCES, "a new handshake is needed");
	ktap_equal(shake(VGPU_MBOX_MAJOR, 0, &m), 0, "which works");
	ktap_equal(ask(VGPU_MBOX_START), 0, "START");
	ktap_equal(ask(VGPU_MBOX_STOP), 0, "STOP");
}

/* More than may be: some are refused, and it ends when the second does. */
static void test_flood(void)
{
	int i, ret, answered = 0, busy = 0, other = 0;

	for (i = 0; i < 400; i++) {
		ret = ask(VGPU_MBOX_CONFIG);
		if (!ret)
			answered++;
		else if (ret == -EBUSY)
			busy++;
		else
			other++;
	}
	printf("# flood: %d answered, %d refused\n", answered, busy);
	ktap_ok(!other && answered, "a flood is answered or refused");
	sleep(2);
	ktap_equal(ask(VGPU_MBOX_CONFIG), 0, "after it all is well");
}

/* Garbage, half of it with a checksum that is right. */
static void test_garbage(void)
{
	int i, j, ret, silent = 0;
	union message m;

	for (i = 0; i < 200; i++) {
		for (j = 0; j < WORDS; j++)
			m.words[j] = random32();
		if (i & 1) {
			m.header.type = random32() % 8;
			m.header.size = random32() % 80;
			m.header.status = random32() % 2;
			seal(&m);
		}
		ret = ask_raw(&m);
		silent += ret == -ETIMEDOUT || ret == -EPROTO;
	}
	ktap_equal(silent, 0, "garbage 200 times: each is answered");
	sleep(2);
	ktap_equal(shake(VGPU_MBOX_MAJOR, 0, &m), 0, "after it a handshake works");
	ret = ask(VGPU_MBOX_STOP);
	ktap_ok(!ret || ret == -EALREADY, "and the function can be stopped");
}

int main(int argc, char **argv)
{
	bool reset_only = argc == 3 && !strcmp(argv[1], "--reset");
	union message m;

	if (argc == 4 && !strcmp(argv[1], "--seed")) {
		state = strtoull(argv[2], NULL, 0) ?: 1;
		argv += 2;
		argc -= 2;
	}
	if (argc != 2 && !reset_only) {
		fprintf(stderr, "pf_mailbox [--seed N | --reset] DEVICE\n");
		return 2;
	}
	device = argv[argc - 1];
	ktap_begin("pf_mailbox");
	setup();
	if (reset_only) {
		ktap_equal(shake(VGPU_MBOX_MAJOR, 0, &m), 0, "handshake");
		test_reset();
		return ktap_end();
	}
	test_before_handshake();
	test_handshake();
	test_malformed();
	test_config();
	test_start_stop();
	test_reset();
	test_flood();
	test_garbage();
	return ktap_end();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * wild FOLDER RING TIMES
 *
 * DMA of a hostile guest to where it has no memory: packets that read and write
 * addresses of everybody else, TIMES each, and a ring that is to be fetched from there.
 * By a RING of the VF (FOLDER is that of sysfs) which its driver does not use; the
 * packets are at the end of its VRAM. Each must fault, and nothing be read.
 */
#include <vgpu/packets.h>

#include "bars.h"

#define PATIENCE_MS	20000
#define BYTES		4096
#define UNTOUCHED	0x5a5a5a5a5a5a5a5aull

static volatile uint8_t *vram;
static uint32_t ring, doorbell;
static uint64_t place;	/* of the packets, then of what is read */

static void wait_for(uint32_t low, uint32_t high)
{
	uint32_t state, ms = 0;

	do {
		if (ms++ == PATIENCE_MS)
			ktap_must(-ETIME, "the ring does not stop");
		usleep(1000);
		state = reg(ring + VGPU_RING_STATUS);
	} while (state != low && state != high);
}

/* Executes @bytes at @base; returns the fault. */
static uint32_t execute(uint64_t base, uint32_t bytes)
{
	uint32_t fault;

	set64(ring + VGPU_RING_BASE, base);
	set(ring + VGPU_RING_SIZE, VGPU_RING_SIZE_MIN);
	set64(ring + VGPU_RING_HEAD, 0);
	set(ring + VGPU_RING_CTRL, VGPU_RING_CTRL_ENABLE);
	set64(doorbell, bytes);
	wait_for(VGPU_RING_IDLE, VGPU_RING_HALTED);
	fault = reg(ring + VGPU_RING_FAULT) & VGPU_RING_FAULT_CODE;
	set(ring + VGPU_RING_CTRL, 0);
	wait_for(VGPU_RING_DISABLED, VGPU_RING_DISABLED);
	return fault;
}

static uint32_t try_read(uint64_t addr)
{
	*(volatile struct vgpu_pkt_copy *)(vram + place) = (struct vgpu_pkt_copy){
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_COPY, 0, struct vgpu_pkt_copy),
		.dst = place + BYTES, .src = VGPU_ADDR_SYSTEM | addr, .bytes = 8,
	};
	return execute(place, sizeof(struct vgpu_pkt_copy));
}

static uint32_t try_write(uint64_t addr)
{
	*(volatile struct vgpu_pkt_fill *)(vram + place) = (struct vgpu_pkt_fill){
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_FILL, 0, struct vgpu_pkt_fill),
		.dst = VGPU_ADDR_SYSTEM | addr, .bytes = 4, .value = 0xbad,
	};
	return execute(place, sizeof(struct vgpu_pkt_fill));
}

static void attack(uint64_t addr, int times)
{
	volatile uint64_t *got = (volatile uint64_t *)(vram + place + BYTES);
	int i, reads = 0, writes = 0;

	*got = UNTOUCHED;
	for (i = 0; i < times; i++) {
		reads += try_read(addr) == VGPU_FAULT_DMA;
		writes += try_write(addr) == VGPU_FAULT_DMA;
	}
	ktap_ok(reads == times && *got == UNTOUCHED, "%#llx cannot be read, %d of %d times",
		(unsigned long long)addr, reads, times);
	ktap_ok(writes == times, "%#llx cannot be written, %d of %d times",
		(unsigned long long)addr, writes, times);
	ktap_equal(execute(VGPU_ADDR_SYSTEM | addr, 8), VGPU_FAULT_DMA,
		   "nor can packets be fetched from there");
}

int main(int argc, char **argv)
{
	/*
	 * Beyond the memory of all guests; where the host has some, too, the last one
	 * above the guest's own BARs, which it may reach; where the host has nothing
	 */
	static const uint64_t addresses[] = {
		0x40000000, 0xb0000000, 0x13f000000, 0x7f000000000, 0xc000000000,
		0xfffffffff000,
	};
	unsigned int i;

	if (argc != 4) {
		fprintf(stderr, "usage: wild FOLDER RING TIMES\n");
		return 2;
	}
	ktap_begin("wild");
	regs = bar_map(argv[1], VGPU_BAR_REGS, NULL);
	vram = bar_map(argv[1], VGPU_BAR_VRAM, NULL);
	ring = VGPU_REG_RING(atoi(argv[2]));
	doorbell = VGPU_REG_DOORBELL(atoi(argv[2]));
	place = reg64(VGPU_REG_WINDOW_SIZE) - 2 * BYTES;
	ktap_must(reg(VGPU_REG_STATUS) & VGPU_STATUS_OPEN ? 0 : -ENODEV, "not open");

	*(volatile uint64_t *)(vram + place) = VGPU_OP_NOP | 1 << 16;
	ktap_equal(execute(place, 8), VGPU_FAULT_NONE, "the ring works");
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		attack(addresses[i], atoi(argv[3]));
	/* An interrupt in the format without remapping, whoever it is for */
	try_write(0xfee00000);
	*(volatile uint64_t *)(vram + place) = VGPU_OP_NOP | 1 << 16;
	ktap_equal(execute(place, 8), VGPU_FAULT_NONE, "the ring works still");
	return ktap_end();
}

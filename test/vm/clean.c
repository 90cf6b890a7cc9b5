// SPDX-License-Identifier: GPL-2.0-only
/*
 * clean FOLDER VALUE: what the next owner of a VF finds
 *
 * FOLDER is that of the VF in sysfs; it must have no driver. Its VRAM window must not
 * have the 32-bit VALUE, which the last owner has filled it with, anywhere: not now, and
 * not when the PF has acknowledged the reset. Then it must be zero, all of it, and the
 * registers as the device's specification has them after a reset.
 */
#include "bars.h"

/* Clearing VRAM takes its time, and others may be at work. */
#define PATIENCE_MS	20000

static const char *folder;
static int wrong;

static void enable(const char *value)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/enable", folder);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, 1) != 1)
		ktap_must(-errno, path);
	close(fd);
}

static void expect(const char *what, int n, uint64_t want, uint64_t got)
{
	if (want == got)
		return;
	printf("%s %d: %#llx, not %#llx\n", what, n, (unsigned long long)got,
	       (unsigned long long)want);
	wrong = 1;
}

/* Once to give up on the first word that must not be there. */
static void no_trace(volatile const uint64_t *vram, uint64_t bytes, uint64_t value,
		     const char *when)
{
	uint64_t i;

	for (i = 0; i < bytes / 8; i++) {
		if (vram[i] == value) {
			printf("%s: the last owner's data at %#llx\n", when,
			       (unsigned long long)i * 8);
			wrong = 1;
			return;
		}
	}
}

static void zeros(volatile const uint64_t *vram, uint64_t bytes)
{
	uint64_t i;

	for (i = 0; i < bytes / 8 && !wrong; i++)
		expect("VRAM at 8 *", i, 0, vram[i]);
}

static void wait_for_pf(void)
{
	int ms = 0;

	while (reg(VGPU_REG_STATUS) & VGPU_STATUS_FLR || !reg64(VGPU_REG_VRAM_SIZE)) {
		if (ms++ == PATIENCE_MS)
			ktap_must(-ETIME, "the PF does not acknowledge its reset");
		usleep(1000);
	}
}

static void reset_values(void)
{
	uint32_t rings = reg(VGPU_REG_LIMITS) & VGPU_LIMITS_RINGS, r;

	expect("ID", 0, VGPU_ID_VALUE, reg(VGPU_REG_ID));
	expect("GPU_TIME", 0, 0, reg64(VGPU_REG_GPU_TIME));
	expect("CTX_TABLE", 0, 0, reg64(VGPU_REG_CTX_TABLE));
	expect("CTX_COUNT", 0, 0, reg(VGPU_REG_CTX_COUNT));
	expect("SERVED", 0, 0, reg(VGPU_REG_SERVED));
	expect("STATUS.HALTED", 0, 0, reg(VGPU_REG_STATUS) & VGPU_STATUS_HALTED);
	for (r = 0; r < VGPU_MBOX_BYTES; r += 4)
		expect("MBOX_TX", r, 0, reg(VGPU_REG_MBOX_TX + r));
	for (r = 0; r < rings; r++) {
		uint32_t ring = VGPU_REG_RING(r);

		expect("RING_BASE", r, 0, reg64(ring + VGPU_RING_BASE));
		expect("RING_SIZE", r, VGPU_RING_SIZE_MIN, reg(ring + VGPU_RING_SIZE));
		expect("RING_CTRL", r, 0, reg(ring + VGPU_RING_CTRL));
		expect("RING_HEAD", r, 0, reg64(ring + VGPU_RING_HEAD));
		expect("RING_TAIL", r, 0, reg64(ring + VGPU_RING_TAIL));
		expect("RING_STATUS", r, VGPU_RING_DISABLED, reg(ring + VGPU_RING_STATUS));
		expect("RING_FAULT", r, 0, reg(ring + VGPU_RING_FAULT));
		expect("RING_FAULT_ADDR", r, 0, reg64(ring + VGPU_RING_FAULT_ADDR));
	}
	/* Each vector: address, data, masked */
	for (r = 0; r <= rings; r++) {
		uint32_t vector = VGPU_BAR_MSIX_TABLE + r * 16;

		expect("MSI-X address", r, 0, reg(vector) | reg(vector + 4));
		expect("MSI-X data", r, 0, reg(vector + 8));
		expect("MSI-X mask", r, 1, reg(vector + 12));
	}
}

int main(int argc, char **argv)
{
	volatile uint64_t *vram;
	uint64_t bytes, value;

	if (argc != 3) {
		fprintf(stderr, "usage: clean FOLDER VALUE\n");
		return 2;
	}
	folder = argv[1];
	value = (uint32_t)strtoul(argv[2], NULL, 0);
	value |= value << 32;
	enable("1");
	regs = bar_map(folder, VGPU_BAR_REGS, NULL);
	vram = (volatile uint64_t *)bar_map(folder, VGPU_BAR_VRAM, &bytes);
	no_trace(vram, bytes, value, "at once");
	wait_for_pf();
	bytes = reg64(VGPU_REG_WINDOW_SIZE);
	no_trace(vram, bytes, value, "after the acknowledgement");
	zeros(vram, bytes);
	reset_values();
	enable("0");
	return wrong;
}

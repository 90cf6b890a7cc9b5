// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_cost [--submit] NODE CLOCK [VGEM]
 *
 * What the VF driver costs the CPU: submission, binding of 1 GiB, writes to VRAM
 * by a mapping. CLOCK is the file resource0 of a function that no driver has: time
 * is the device's, which is that of the instructions in a deterministic VM. VGEM is
 * a node of the kernel's vgem driver: how much do fences cost at all? With --submit,
 * only jobs one by one. Prints "name value" lines.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "vgem.h"
#include "vgpu.h"

#define ROUNDS 64
#define BATCH 32
#define GIB (1ull << 30)
#define BIG_PAGE (1ull << VGPU_BIG_PAGE_SHIFT)
#define WRITE_BYTES (16ull << 20)

static struct vgpu gpu;
static struct vgpu_bo stamps;
static struct vgpu_commands todo;
static uint32_t done;
static volatile const uint64_t *device_clock;

static uint64_t now(void)
{
	return *device_clock;
}

static void map_clock(const char *path)
{
	int fd = open(path, O_RDONLY);
	void *map = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		ktap_must(-errno, path);
	device_clock = (void *)((char *)map + VGPU_REG_CLOCK);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static void report(const char *name, uint64_t value)
{
	printf("%s %llu\n", name, (unsigned long long)value);
}

/* How long the device takes from the doorbell to the first packet of a job. */
static uint64_t packet_ns(void)
{
	const struct vgpu_timestamp *stamp = stamps.map;
	unsigned int i;

	vgpu_commands_reset(&todo);
	for (i = 0; i < 9; i++)
		vgpu_emit_timestamp(&todo, stamps.addr + i * sizeof(*stamp));
	ktap_must(vgpu_run(&gpu, 0, &todo), "a job");
	return (stamp[8].clock - stamp[0].clock) / 8;
}

/* The commands of job @i, and its result. */
static void prepare(struct drm_vgpu_command *commands, unsigned int count)
{
	unsigned int i;

	vgpu_commands_reset(&todo);
	for (i = 0; i < count; i++) {
		commands[i] = (struct drm_vgpu_command){ todo.bo.addr + todo.used, 24 };
		vgpu_emit_timestamp(&todo, stamps.addr + i * sizeof(struct vgpu_timestamp));
		while (todo.used % 64)
			vgpu_emit_nop(&todo, 1);
	}
	for (i = 0; i < count; i++)
		commands[i].bytes = sizeof(struct vgpu_pkt_timestamp);
}

/* Medians: from the call to its return, and to the last doorbell. */
static void submit(unsigned int count, const char *returned, const char *rung,
		   uint64_t packet)
{
	const struct vgpu_timestamp *stamp = stamps.map;
	struct drm_vgpu_command commands[BATCH];
	struct drm_vgpu_sync out = { .handle = done };
	struct drm_vgpu_job jobs[BATCH] = {};
	uint64_t to_return[ROUNDS], to_ring[ROUNDS], before;
	unsigned int i;

	prepare(commands, count);
	for (i = 0; i < count; i++)
		jobs[i] = (struct drm_vgpu_job){
			.command_count = 1, .commands = (uintptr_t)&commands[i],
			.out_sync_count = i == count - 1, .out_syncs = (uintptr_t)&out,
		};
	for (i = 0; i < ROUNDS; i++) {
		before = now();
		ktap_must(vgpu_submit(&gpu, gpu.queues[0], jobs, count), "SUBMIT");
		to_return[i] = now() - before;
		ktap_must(vgpu_sync_wait(&gpu, done, 0, VGPU_RUN_TIMEOUT_MS), "a job");
		/* Behind TIMESTAMP, INDIRECT, and itself. */
		to_ring[i] = stamp[count - 1].clock - before - 3 * packet;
	}
	report(returned, median(to_return, ROUNDS) / count);
	report(rung, median(to_ring, ROUNDS) / count);
}

/* The ioctl alone: no job can run before another one has ended. */
static void gated(void)
{
	struct vgpu_commands spin;
	struct drm_vgpu_command command;
	struct drm_vgpu_sync in = {}, out = { .handle = done };
	struct drm_vgpu_job job = {
		.command_count = 1, .commands = (uintptr_t)&command,
		.in_sync_count = 1, .in_syncs = (uintptr_t)&in,
		.out_sync_count = 1, .out_syncs = (uintptr_t)&out,
	};
	uint64_t before;
	int i;

	ktap_must(vgpu_commands_create(&gpu, 4096, &spin), "VRAM");
	vgpu_emit_spin(&spin, false, 5000, 20000, VGPU_SPIN_NO_COUNT);
	ktap_must(vgpu_sync_create(&gpu, false, &in.handle), "a syncobj");
	ktap_must(vgpu_submit_commands(&gpu, gpu.rings - 1, &spin, 0, in.handle), "SUBMIT");
	prepare(&command, 1);
	before = now();
	for (i = 0; i < ROUNDS; i++)
		ktap_must(vgpu_submit(&gpu, gpu.queues[0], &job, 1), "SUBMIT");
	report("loop_gated", (now() - before) / ROUNDS);
	ktap_must(vgpu_sync_wait(&gpu, done, 0, VGPU_RUN_TIMEOUT_MS), "a job");
}

/* The same loop: a fence, and its end. */
static void loop(const char *vgem)
{
	struct drm_vgpu_command command;
	struct drm_vgpu_sync out = { .handle = done };
	struct drm_vgpu_job job = {
		.command_count = 1, .commands = (uintptr_t)&command,
		.out_sync_count = 1, .out_syncs = (uintptr_t)&out,
	};
	uint64_t before;
	uint32_t handle;
	int i, fd;

	prepare(&command, 1);
	before = now();
	for (i = 0; i < ROUNDS; i++)
		ktap_must(vgpu_submit(&gpu, gpu.queues[0], &job, 1), "SUBMIT");
	report("loop_submit", (now() - before) / ROUNDS);
	ktap_must(vgpu_sync_wait(&gpu, done, 0, VGPU_RUN_TIMEOUT_MS), "a job");

	fd = vgem ? open(vgem, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	handle = vgem_buffer(fd);
	before = now();
	for (i = 0; i < ROUNDS; i++)
		vgem_signal(fd, vgem_attach(fd, handle));
	report("loop_vgem", (now() - before) / ROUNDS);
	close(fd);
}

static void bind(void)
{
	struct drm_vgpu_gem_create create = {
		.size = GIB, .flags = DRM_VGPU_GEM_VRAM, .vm_id = gpu.vm,
	};
	uint64_t addr = 64 * GIB, spent[3], before;
	int i;

	if (vgpu_call(&gpu, DRM_IOCTL_VGPU_GEM_CREATE, &create))
		ktap_must(-errno, "1 GiB of VRAM");
	for (i = 0; i < 3; i++, addr += GIB) {
		before = now();
		ktap_must(vgpu_map(&gpu, gpu.vm, create.handle, 0, addr, GIB,
				   DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE), "VM_BIND");
		spent[i] = now() - before;
	}
	report("bind_gib", median(spent, 3));
	before = now();
	ktap_must(vgpu_unmap(&gpu, gpu.vm, addr - GIB, GIB), "VM_BIND");
	report("unbind_gib", now() - before);
	report("bind_pages", GIB / BIG_PAGE);
}

static uint64_t fill(void *map)
{
	uint64_t before, i;

	for (i = 0; i < WRITE_BYTES; i += 4096)
		((volatile char *)map)[i] = 0;
	before = now();
	for (i = 0; i < WRITE_BYTES / 8; i++)
		((volatile uint64_t *)map)[i] = i;
	return now() - before;
}

static void write_memory(void)
{
	void *memory = mmap(NULL, WRITE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vgpu_bo bo;

	ktap_must(memory == MAP_FAILED ? -errno : 0, "memory");
	ktap_must(vgpu_bo_create(&gpu, WRITE_BYTES, DRM_VGPU_BIND_READ, &bo), "VRAM");
	report("write_memory", fill(memory));
	report("write_vram", fill(bo.map));
	vgpu_bo_destroy(&gpu, &bo);
}

int main(int argc, char **argv)
{
	bool only_submit = argc > 1 && !strcmp(argv[1], "--submit");
	uint64_t packet;

	argc -= only_submit;
	argv += only_submit;
	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: vf_cost [--submit] NODE CLOCK [VGEM]\n");
		return 2;
	}
	map_clock(argv[2]);
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(vgpu_bo_create(&gpu, 4096, DRM_VGPU_BIND_WRITE, &stamps), "VRAM");
	ktap_must(vgpu_commands_create(&gpu, 65536, &todo), "VRAM");
	ktap_must(vgpu_sync_create(&gpu, false, &done), "a syncobj");
	packet = packet_ns();
	report("packet", packet);
	submit(1, "submit_return", "submit_doorbell", packet);
	if (only_submit)
		return 0;
	submit(BATCH, "batch_return", "batch_doorbell", packet);
	gated();
	loop(argc == 4 ? argv[3] : NULL);
	write_memory();
	bind();
	return 0;
}

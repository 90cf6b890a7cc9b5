// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_suspend [--allowed | --mem] NODE
 *
 * The system is put to sleep while this process has buffers in VRAM and jobs in a
 * ring. A PF with VFs refuses, after its VFs have been suspended; so they are resumed,
 * and nothing may be lost: neither contents nor jobs. --allowed: nobody refuses, as in a
 * guest; the kernel's own test of sleep (pm_test) wakes all devices when the last one
 * sleeps, without interrupts. --mem: it does sleep, until somebody wakes it up.
 */
#include <fcntl.h>
#include <unistd.h>

#include "ktap.h"
#include "vgpu.h"

#define RW (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE)
#define BUFFERS 4
#define BYTES (3u << 20)
#define JOBS 20

static struct vgpu gpu;
static struct vgpu_bo bo[BUFFERS], counts;
static struct vgpu_commands copy, work;
static uint32_t done[JOBS];

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static uint32_t placement(const struct vgpu_bo *buffer)
{
	struct drm_vgpu_gem_info info = { .handle = buffer->handle };

	ktap_must(vgpu_call(&gpu, DRM_IOCTL_VGPU_GEM_INFO, &info), "GEM_INFO");
	return info.placement;
}

static void set_up(const char *node)
{
	uint64_t seed = 1, i, j;

	ktap_must(vgpu_open(&gpu, node), node);
	for (i = 0; i < BUFFERS; i++) {
		ktap_must(vgpu_bo_create(&gpu, BYTES, RW, &bo[i]), "VRAM");
		for (j = 0; j < BYTES / 8; j++)
			((uint64_t *)bo[i].map)[j] = vgpu_random(&seed);
	}
	ktap_must(vgpu_bo_create(&gpu, 4096, RW, &counts), "VRAM");
	ktap_must(vgpu_commands_create(&gpu, 4096, &copy), "VRAM");
	ktap_must(vgpu_commands_create(&gpu, 4096, &work), "VRAM");
	vgpu_emit_copy(&copy, bo[0].addr, bo[1].addr, BYTES);
	vgpu_emit_spin(&work, false, 512, 20000, counts.addr);
	for (i = 0; i < JOBS; i++)
		ktap_must(vgpu_sync_create(&gpu, false, &done[i]), "a syncobj");
}

static uint64_t differences(void)
{
	uint64_t seed = 1, wrong = 0, i, j;

	for (i = 0; i < BUFFERS; i++)
		for (j = 0; j < BYTES / 8; j++)
			wrong += ((uint64_t *)bo[i].map)[j] != vgpu_random(&seed);
	return wrong;
}

static void submit(void)
{
	int i, refused = 0;

	for (i = 0; i < JOBS; i++)
		refused += !!vgpu_submit_commands(&gpu, i % gpu.rings, &work, 0, done[i]);
	ktap_equal(refused, 0, "20 jobs of 10 ms are accepted");
}

static void check_jobs(void)
{
	uint64_t i, wrong = 0;

	for (i = 0; i < JOBS; i++)
		wrong += vgpu_sync_wait(&gpu, done[i], 0, VGPU_RUN_TIMEOUT_MS) ||
			 vgpu_sync_status(&gpu, done[i]) != 1;
	ktap_equal(wrong, 0, "all of them complete");
	for (i = 0; i < 512; i++)
		wrong += ((uint64_t *)counts.map)[i] != JOBS;
	ktap_equal(wrong, 0, "each group of them has run once");
}

static void sleep_refused(void)
{
	ktap_equal(write_file("/sys/power/state", "freeze"), -EBUSY,
		   "sleep is refused by the PF, when its VFs sleep already");
}

static void sleep_and_wake(void)
{
	int ret;

	ktap_must(write_file("/sys/power/pm_test", "platform"), "pm_test");
	ktap_must(write_file("/sys/module/suspend/parameters/pm_test_delay", "0"),
		  "pm_test_delay");
	ret = write_file("/sys/power/state", "freeze");
	ktap_must(write_file("/sys/power/pm_test", "none"), "pm_test");
	ktap_equal(ret, 0, "all devices sleep, and wake");
}

static void sleep_until_woken(void)
{
	ktap_must(write_file("/sys/power/mem_sleep", "deep"), "mem_sleep");
	ktap_equal(write_file("/sys/power/state", "mem"), 0, "the system slept");
}

int main(int argc, char **argv)
{
	bool allowed = argc == 3 && !strcmp(argv[1], "--allowed");
	bool mem = argc == 3 && !strcmp(argv[1], "--mem");
	uint64_t lost, now;

	if (argc != 2 + (allowed || mem)) {
		fprintf(stderr, "usage: vf_suspend [--allowed | --mem] NODE\n");
		return 2;
	}
	ktap_begin("vf_suspend");
	set_up(argv[argc - 1]);
	vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_LOST, &lost);
	submit();
	if (allowed)
		sleep_and_wake();
	else if (mem)
		sleep_until_woken();
	else
		sleep_refused();
	check_jobs();
	ktap_equal(placement(&bo[2]), DRM_VGPU_GEM_SYSTEM, "VRAM had been saved");
	ktap_equal(differences(), 0, "the CPU finds what it has written");
	vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_LOST, &now);
	ktap_equal(now, lost, "nothing is reported as lost");
	ktap_equal(vgpu_run(&gpu, 0, &copy), 0, "a job runs");
	ktap_equal(placement(&bo[2]), DRM_VGPU_GEM_VRAM, "which brings all of it back");
	ktap_ok(!memcmp(bo[0].map, bo[1].map, BYTES), "the GPU finds it, too");
	return ktap_end();
}

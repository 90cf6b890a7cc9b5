// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency NODE JOBS GAP-US
 *
 * Somebody who wants little and wants it soon: one job of 20 µs at a time, with a pause
 * of GAP-US to twice that before each. Prints "name value" lines: how long it took from
 * SUBMIT until the fence had been seen, in ns of the CPU's clock. That each job was done
 * is verified.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "vgpu.h"

#define JOB_NS	20000

static struct vgpu gpu;
static struct vgpu_bo count;
static struct vgpu_commands commands;
static uint32_t done;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void set_up(const char *node)
{
	ktap_must(vgpu_open(&gpu, node), node);
	ktap_must(vgpu_bo_create(&gpu, 4096, DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE, &count),
		  "no buffer");
	ktap_must(vgpu_commands_create(&gpu, 4096, &commands), "no buffer");
	ktap_must(vgpu_sync_create(&gpu, false, &done), "no syncobj");
}

static uint64_t once(void)
{
	uint64_t begin;

	vgpu_commands_reset(&commands);
	vgpu_emit_spin(&commands, false, 1, JOB_NS, count.addr);
	begin = now();
	ktap_must(vgpu_submit_commands(&gpu, 0, &commands, 0, done), "submit");
	ktap_must(vgpu_sync_wait(&gpu, done, 0, VGPU_RUN_TIMEOUT_MS), "waiting");
	begin = now() - begin;
	ktap_must(vgpu_sync_status(&gpu, done) == 1 ? 0 : -EIO, "a job");
	return begin;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The smallest one that so many of a hundred are not above. */
static unsigned long long percentile(const uint64_t *sorted, unsigned int n, unsigned int q)
{
	return sorted[(n * q + 99) / 100 - 1];
}

int main(int argc, char **argv)
{
	unsigned int i, jobs = argc == 4 ? atoi(argv[2]) : 0, gap = argc == 4 ? atoi(argv[3]) : 0;
	uint64_t *took, seed = 7;

	if (!jobs || !gap) {
		fprintf(stderr, "usage: latency NODE JOBS GAP-US\n");
		return 2;
	}
	took = calloc(jobs, sizeof(*took));
	ktap_must(took ? 0 : -ENOMEM, "memory");
	set_up(argv[1]);
	for (i = 0; i < jobs; i++) {
		usleep(gap + vgpu_random(&seed) % gap);
		took[i] = once();
	}
	ktap_must(*(volatile uint64_t *)count.map == jobs ? 0 : -EIO, "the count of jobs");
	qsort(took, jobs, sizeof(*took), by_value);
	printf("jobs %u\np50_ns %llu\np99_ns %llu\nmax_ns %llu\n", jobs,
	       percentile(took, jobs, 50), percentile(took, jobs, 99),
	       (unsigned long long)took[jobs - 1]);
	free(took);
	vgpu_close(&gpu);
	return 0;
}

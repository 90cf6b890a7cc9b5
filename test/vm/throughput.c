// SPDX-License-Identifier: GPL-2.0-only
/*
 * throughput NODE
 *
 * How long the GPU takes for a fixed amount of work, by the device's clock, from the
 * beginning of the first job to the end of the last one, with a few jobs queued at any
 * time. Three kinds of jobs: long ones, of about 1 ms, each a product of matrices, a
 * sum of vectors, a reduction and a part of a picture; medium ones of 100 µs; and short
 * ones of 20 µs, for which what the CPU does between two jobs counts. Results are
 * verified. Prints "name value" lines, in ns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"
#include "vgpu.h"

#define DEPTH		8
#define LONG_JOBS	64
#define MEDIUM_JOBS	512
#define MEDIUM_NS	100000
#define SHORT_JOBS	2048
#define SHORT_NS	20000

#define GEMM		192
#define SAXPY		(256 * 1024)
#define REDUCE		(1024 * 1024)
#define GROUPS		(REDUCE / VGPU_REDUCE_GROUP)
#define WIDTH		128

struct job {
	struct vgpu_commands commands;
	uint32_t sync;
	bool busy;
};

static struct vgpu gpu;
static struct job jobs[DEPTH];
static struct vgpu_bo a, b, c, x, y, in, out, pixels, count, stamps;

static const struct vgpu_picture picture = {
	.width = WIDTH, .height = WIDTH, .rows = WIDTH,
	.left = -(2ll << VGPU_MANDELBROT_FRACTION),
	.top = -(1ll << VGPU_MANDELBROT_FRACTION),
	.step = (2ll << VGPU_MANDELBROT_FRACTION) / WIDTH,
	.limit = 200,
};

static void buffer(struct vgpu_bo *bo, uint64_t bytes)
{
	ktap_must(vgpu_bo_create(&gpu, bytes, DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE, bo),
		  "no buffer");
}

/* Small whole numbers: sums of them are exact. */
static void fill_floats(struct vgpu_bo *bo, uint64_t n, uint64_t seed)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		((float *)bo->map)[i] = vgpu_random(&seed) % 8;
}

static void set_up(const char *node)
{
	uint64_t i, seed = 5;

	ktap_must(vgpu_open(&gpu, node), node);
	buffer(&a, GEMM * GEMM * 4);
	buffer(&b, GEMM * GEMM * 4);
	buffer(&c, GEMM * GEMM * 4);
	buffer(&x, SAXPY * 4);
	buffer(&y, SAXPY * 4);
	buffer(&in, REDUCE * 4);
	buffer(&out, GROUPS * 8);
	buffer(&pixels, WIDTH * WIDTH * 4);
	buffer(&count, 4096);
	buffer(&stamps, 4096);
	fill_floats(&a, GEMM * GEMM, 1);
	fill_floats(&b, GEMM * GEMM, 2);
	fill_floats(&x, SAXPY, 3);
	for (i = 0; i < REDUCE; i++)
		((uint32_t *)in.map)[i] = vgpu_random(&seed);
	for (i = 0; i < DEPTH; i++) {
		ktap_must(vgpu_commands_create(&gpu, 4096, &jobs[i].commands), "no buffer");
		ktap_must(vgpu_sync_create(&gpu, false, &jobs[i].sync), "no syncobj");
	}
}

static void emit_long(struct vgpu_commands *commands)
{
	vgpu_emit_gemm(commands, GEMM, GEMM, GEMM, a.addr, b.addr, c.addr);
	vgpu_emit_saxpy(commands, SAXPY, 1.0f, x.addr, y.addr);
	vgpu_emit_reduce(commands, REDUCE, in.addr, out.addr);
	vgpu_emit_mandelbrot(commands, &picture, pixels.addr);
}

static void emit_medium(struct vgpu_commands *commands)
{
	vgpu_emit_spin(commands, false, 1, MEDIUM_NS, count.addr);
}

static void emit_short(struct vgpu_commands *commands)
{
	vgpu_emit_spin(commands, false, 1, SHORT_NS, count.addr);
}

static void finish(struct job *job)
{
	if (!job->busy)
		return;
	ktap_must(vgpu_sync_wait(&gpu, job->sync, 0, VGPU_RUN_TIMEOUT_MS), "waiting");
	ktap_must(vgpu_sync_status(&gpu, job->sync) == 1 ? 0 : -EIO, "a job");
	job->busy = false;
}

static const struct vgpu_timestamp *stamp(unsigned int i)
{
	return (const struct vgpu_timestamp *)stamps.map + i;
}

static void run(const char *name, unsigned int total,
		void (*emit)(struct vgpu_commands *commands))
{
	unsigned int i;

	for (i = 0; i < total; i++) {
		struct job *job = &jobs[i % DEPTH];

		finish(job);
		vgpu_commands_reset(&job->commands);
		if (i == 0)
			vgpu_emit_timestamp(&job->commands, stamps.addr);
		emit(&job->commands);
		if (i == total - 1)
			vgpu_emit_timestamp(&job->commands, stamps.addr + sizeof(*stamp(1)));
		ktap_must(vgpu_submit_commands(&gpu, 0, &job->commands, 0, job->sync), "submit");
		job->busy = true;
	}
	for (i = 0; i < DEPTH; i++)
		finish(&jobs[i]);
	printf("%s %llu\n", name,
	       (unsigned long long)(stamp(1)->clock - stamp(0)->clock));
}

static void verify(const char *what, const void *got, const void *want, size_t bytes)
{
	/* The mapping is write-combined: read it once, in order. */
	void *copy = malloc(bytes);

	ktap_must(copy ? 0 : -ENOMEM, "memory");
	memcpy(copy, got, bytes);
	ktap_must(memcmp(copy, want, bytes) ? -EIO : 0, what);
	free(copy);
}

static void verify_all(void)
{
	static float product[GEMM * GEMM], left[GEMM * GEMM], right[GEMM * GEMM];
	static float sum[SAXPY], part[SAXPY];
	static uint32_t numbers[REDUCE], expected[WIDTH * WIDTH];
	static uint64_t sums[GROUPS];
	uint64_t counted = MEDIUM_JOBS + SHORT_JOBS;
	unsigned int i;

	memcpy(left, a.map, sizeof(left));
	memcpy(right, b.map, sizeof(right));
	vgpu_ref_gemm(GEMM, GEMM, GEMM, left, right, product);
	verify("the product", c.map, product, sizeof(product));
	memcpy(part, x.map, sizeof(part));
	for (i = 0; i < LONG_JOBS; i++)
		vgpu_ref_saxpy(SAXPY, 1.0f, part, sum);
	verify("the sum", y.map, sum, sizeof(sum));
	memcpy(numbers, in.map, sizeof(numbers));
	vgpu_ref_reduce(REDUCE, numbers, sums);
	verify("the reduction", out.map, sums, sizeof(sums));
	vgpu_ref_mandelbrot(&picture, expected);
	verify("the picture", pixels.map, expected, sizeof(expected));
	verify("the count of the other jobs", count.map, &counted, sizeof(counted));
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: throughput NODE\n");
		return 2;
	}
	set_up(argv[1]);
	run("long", LONG_JOBS, emit_long);
	run("medium", MEDIUM_JOBS, emit_medium);
	run("short", SHORT_JOBS, emit_short);
	verify_all();
	vgpu_close(&gpu);
	return 0;
}

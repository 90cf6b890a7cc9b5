// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_submit [--jobs N] [--seed S] NODE...
 *
 * All packets and kernels through the user interface, on each node, results
 * compared with what the CPU computes, to the last bit; and everything that
 * orders jobs. Then N jobs (default 200) at random on all rings of all nodes at
 * once.
 */
#include <getopt.h>

#include <sys/mman.h>

#include "ktap.h"
#include "objects.h"
#include "vgpu.h"

#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))

static uint64_t seed = 1;

static void run(struct vgpu *gpu, struct vgpu_commands *todo, const char *what)
{
	ktap_equal(vgpu_run(gpu, 0, todo), 0, what);
	vgpu_commands_reset(todo);
}

static void randomize(void *where, uint64_t bytes)
{
	uint64_t i, *word = where;

	for (i = 0; i < bytes / 8; i++)
		word[i] = vgpu_random(&seed);
}

/* Floats of all signs and many magnitudes, so that rounding matters. */
static void randomize_floats(float *where, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		where[i] = (float)(int32_t)vgpu_random(&seed) *
			   (1.0f / (float)(1 << (vgpu_random(&seed) % 30)));
}

static void test_memory_packets(struct vgpu *gpu)
{
	struct vgpu_bo a = buffer(gpu, 1 << 20), b = buffer(gpu, 1 << 20);
	struct vgpu_commands todo = commands(gpu);
	uint32_t *words = b.map, i, wrong = 0;
	uint64_t *qwords = b.map;

	randomize(a.map, a.size);
	vgpu_emit_copy(&todo, b.addr, a.addr, a.size);
	run(gpu, &todo, "COPY of 1 MiB runs");
	ktap_ok(!memcmp(a.map, b.map, a.size), "COPY has copied all of it");

	vgpu_emit_copy(&todo, b.addr + 4, a.addr + 70000, 200004);
	run(gpu, &todo, "COPY of an odd number of words runs");
	ktap_ok(!memcmp((char *)b.map + 4, (char *)a.map + 70000, 200004) &&
		words[0] == *(uint32_t *)a.map &&
		words[50002] == ((uint32_t *)a.map)[50002],
		"COPY has copied that, and nothing around it");

	vgpu_emit_fill(&todo, b.addr + 8, b.size - 16, 0x12345678);
	run(gpu, &todo, "FILL runs");
	for (i = 2; i < b.size / 4 - 2; i++)
		wrong += words[i] != 0x12345678;
	ktap_ok(!wrong && words[1] != 0x12345678 && words[b.size / 4 - 2] != 0x12345678,
		"FILL has filled all of it, and nothing around it");

	vgpu_emit_nop(&todo, 1);
	vgpu_emit_nop(&todo, 7);
	vgpu_emit_fence(&todo, b.addr, 0x123456789abcdef0);
	vgpu_emit_wait(&todo, b.addr, 0x123456789abcdef0);
	vgpu_emit_timestamp(&todo, b.addr + 16);
	vgpu_emit_timestamp(&todo, b.addr + 32);
	run(gpu, &todo, "NOP, FENCE, WAIT, TIMESTAMP run");
	ktap_ok(qwords[0] == 0x123456789abcdef0, "FENCE has written its value");
	ktap_ok(qwords[2] && qwords[4] >= qwords[2] && qwords[5] >= qwords[3] &&
		qwords[4] - qwords[2] >= qwords[5] - qwords[3],
		"TIMESTAMPs go forward, GPU time not faster than the clock");

	vgpu_commands_destroy(gpu, &todo);
	vgpu_bo_destroy(gpu, &a);
	vgpu_bo_destroy(gpu, &b);
}

static void test_spin(struct vgpu *gpu)
{
	struct vgpu_bo counts = buffer(gpu, 1000 * 8), stamps = buffer(gpu, 4096);
	struct vgpu_commands todo = commands(gpu);
	uint64_t *count = counts.map, *stamp = stamps.map, i, wrong = 0;

	vgpu_emit_timestamp(&todo, stamps.addr);
	vgpu_emit_spin(&todo, false, 1000, 20000, counts.addr);
	vgpu_emit_timestamp(&todo, stamps.addr + 16);
	vgpu_emit_spin(&todo, true, 10, 20000, counts.addr);
	run(gpu, &todo, "SPIN and SPIN_ATOMIC run");
	for (i = 0; i < 1000; i++)
		wrong += count[i] != 1 + (i < 10);
	ktap_ok(!wrong, "each group has run, once");
	ktap_ok(stamp[3] - stamp[1] >= 1000 * 20000,
		"1000 groups of 20 us have taken at least 20 ms of GPU time");

	vgpu_commands_destroy(gpu, &todo);
	vgpu_bo_destroy(gpu, &counts);
	vgpu_bo_destroy(gpu, &stamps);
}

static void test_saxpy(struct vgpu *gpu)
{
	const uint64_t n = 5 * VGPU_SAXPY_GROUP + 123;
	struct vgpu_bo x = buffer(gpu, (n + 1) * 4), y = buffer(gpu, (n + 1) * 4);
	struct vgpu_commands todo = commands(gpu);
	float *want = malloc((n + 1) * 4);

	randomize_floats(x.map, n + 1);
	randomize_floats(y.map, n + 1);
	memcpy(want, y.map, (n + 1) * 4);
	vgpu_ref_saxpy(n, 1.1f, x.map, want);
	vgpu_emit_saxpy(&todo, n, 1.1f, x.addr, y.addr);
	run(gpu, &todo, "SAXPY runs");
	ktap_ok(!memcmp(want, y.map, (n + 1) * 4), "SAXPY is exact");

	free(want);
	vgpu_commands_destroy(gpu, &todo);
	vgpu_bo_destroy(gpu, &x);
	vgpu_bo_destroy(gpu, &y);
}

static void test_gemm(struct vgpu *gpu)
{
	const uint32_t m = 37, n = 50, k = 29;
	struct vgpu_bo a = buffer(gpu, m * k * 4), b = buffer(gpu, k * n * 4);
	struct vgpu_bo c = buffer(gpu, m * n * 4);
	struct vgpu_commands todo = commands(gpu);
	float *want = malloc(m * n * 4);

	randomize_floats(a.map, m * k);
	randomize_floats(b.map, k * n);
	vgpu_ref_gemm(m, n, k, a.map, b.map, want);
	vgpu_emit_gemm(&todo, m, n, k, a.addr, b.addr, c.addr);
	run(gpu, &todo, "GEMM runs");
	ktap_ok(!memcmp(want, c.map, m * n * 4), "GEMM is exact");

	free(want);
	vgpu_commands_destroy(gpu, &todo);
	vgpu_bo_destroy(gpu, &a);
	vgpu_bo_destroy(gpu, &b);
	vgpu_bo_destroy(gpu, &c);
}

static void test_reduce(struct vgpu *gpu)
{
	const uint64_t n = 9 * VGPU_REDUCE_GROUP + 1;
	const uint64_t groups = DIV_ROUND_UP(n, VGPU_REDUCE_GROUP);
	struct vgpu_bo in = buffer(gpu, n * 4 + 4), out = buffer(gpu, groups * 8);
	struct vgpu_commands todo = commands(gpu);
	uint64_t want[10];

	randomize(in.map, n * 4 + 4);
	vgpu_ref_reduce(n, in.map, want);
	vgpu_emit_reduce(&todo, n, in.addr, out.addr);
	run(gpu, &todo, "REDUCE runs");
	ktap_ok(!memcmp(want, out.map, groups * 8), "REDUCE is exact");

	vgpu_commands_destroy(gpu, &todo);
	vgpu_bo_destroy(gpu, &in);
	vgpu_bo_destroy(gpu, &out);
}

static void test_mandelbrot(struct vgpu *gpu)
{
	const int64_t one = 1ll << VGPU_MANDELBROT_FRACTION;
	const struct vgpu_picture part = {
		.width = 100, .height = 75, .row = 20, .rows = 33,
		.left = -2 * one, .top = -one, .step = one / 33, .limit = 200,
	};
	const uint64_t bytes = part.width * part.rows * 4;
	struct vgpu_bo out = buffer(gpu, bytes);
	struct vgpu_commands todo = commands(gpu);
	uint32_t *want = malloc(bytes);

	vgpu_ref_mandelbrot(&part, want);
	vgpu_emit_mandelbrot(&todo, &part, out.addr);
	run(gpu, &todo, "MANDELBROT runs");
	ktap_ok(!memcmp(want, out.map, bytes), "MANDELBROT is exact");

	free(want);
	vgpu_commands_destroy(gpu, &todo);
	vgpu_bo_destroy(gpu, &out);
}

/* What was in a buffer must not be in the next one. */
static void test_zeroed(struct vgpu *gpu)
{
	struct vgpu_commands todo = commands(gpu);
	uint64_t free_bytes, i, wrong = 0;
	struct vgpu_bo bo;

	vgpu_param(gpu, DRM_VGPU_PARAM_VRAM_FREE, &free_bytes);
	free_bytes = free_bytes / 4 * 3 & ~4095ull;
	bo = buffer(gpu, free_bytes);
	vgpu_emit_fill(&todo, bo.addr, bo.size, 0xdeadbeef);
	run(gpu, &todo, "three quarters of free VRAM can be filled");
	vgpu_bo_destroy(gpu, &bo);
	bo = buffer(gpu, free_bytes);
	for (i = 0; i < bo.size / 8; i++)
		wrong += ((volatile uint64_t *)bo.map)[i] != 0;
	ktap_ok(!wrong, "a new buffer is zero");
	ktap_ok(bo.addr % (2 << 20) == 0, "a large buffer is aligned to big pages");
	vgpu_bo_destroy(gpu, &bo);
	vgpu_commands_destroy(gpu, &todo);
}

/* An increment of each job in turn: out of order, a sum comes out wrong. */
static void test_order(struct vgpu *gpu)
{
	struct vgpu_bo data = buffer(gpu, 4096);
	struct vgpu_commands todo[3] = { commands(gpu), commands(gpu), commands(gpu) };
	uint32_t first = syncobj(gpu), second = syncobj(gpu), last = syncobj(gpu);
	struct drm_vgpu_command list[2];
	struct drm_vgpu_sync sync = { .handle = last };
	struct drm_vgpu_job job = {
		.command_count = 2, .commands = (uintptr_t)list,
		.out_sync_count = 1, .out_syncs = (uintptr_t)&sync,
	};
	uint32_t *word = data.map;

	vgpu_emit_spin(&todo[0], false, 50, 20000, VGPU_SPIN_NO_COUNT);
	vgpu_emit_fill(&todo[0], data.addr, 4, 1);
	vgpu_emit_copy(&todo[1], data.addr + 4, data.addr, 4);
	vgpu_emit_fill(&todo[1], data.addr, 4, 2);
	vgpu_emit_copy(&todo[2], data.addr + 8, data.addr, 4);

	vgpu_submit_commands(gpu, 0, &todo[0], 0, first);
	vgpu_submit_commands(gpu, gpu->rings - 1, &todo[1], first, second);
	vgpu_submit_commands(gpu, 0, &todo[2], second, last);
	ktap_equal(vgpu_sync_wait(gpu, last, 0, VGPU_RUN_TIMEOUT_MS), 0,
		   "jobs on two rings, ordered by syncobjs, end");
	ktap_ok(word[1] == 1 && word[2] == 2, "they have run in that order");

	list[0] = (struct drm_vgpu_command){ todo[0].bo.addr, todo[0].used };
	list[1] = (struct drm_vgpu_command){ todo[1].bo.addr, todo[1].used };
	memset(data.map, 0, 64);
	vgpu_sync_reset(gpu, last);
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], &job, 1), 0, "a job of two buffers is accepted");
	vgpu_sync_wait(gpu, last, 0, VGPU_RUN_TIMEOUT_MS);
	ktap_ok(vgpu_sync_status(gpu, last) == 1 && word[0] == 2 && word[1] == 1,
		"both have run, in order");

	vgpu_sync_destroy(gpu, first);
	vgpu_sync_destroy(gpu, second);
	vgpu_sync_destroy(gpu, last);
	vgpu_commands_destroy(gpu, &todo[0]);
	vgpu_commands_destroy(gpu, &todo[1]);
	vgpu_commands_destroy(gpu, &todo[2]);
	vgpu_bo_destroy(gpu, &data);
}

/* Points beyond 32 bits, a point for the CPU to signal, a batch, an empty job. */
static void test_timeline(struct vgpu *gpu)
{
	const uint64_t base = 0x100000000ull;
	struct vgpu_bo data = buffer(gpu, 4096);
	struct vgpu_commands todo = commands(gpu);
	uint32_t line = syncobj(gpu);
	struct drm_vgpu_command command;
	struct drm_vgpu_sync sync[] = {
		{ .handle = line, .point = base + 1 },
		{ .handle = line, .point = base + 2 },
		{ .handle = line, .point = base + 3 },
	};
	struct drm_vgpu_job job[2] = {
		{ .command_count = 1, .commands = (uintptr_t)&command,
		  .in_sync_count = 1, .in_syncs = (uintptr_t)&sync[0],
		  .out_sync_count = 1, .out_syncs = (uintptr_t)&sync[1] },
		{ .out_sync_count = 1, .out_syncs = (uintptr_t)&sync[2] },
	};
	uint64_t point;

	vgpu_emit_fill(&todo, data.addr, 4, 77);
	command = (struct drm_vgpu_command){ todo.bo.addr, todo.used };
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], job, 2), -EINVAL, "a point that nobody will signal");
	vgpu_sync_signal(gpu, line, base + 1);
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], job, 2), 0, "a batch of two jobs, the last one empty");
	ktap_equal(vgpu_sync_wait(gpu, line, base + 3, VGPU_RUN_TIMEOUT_MS), 0,
		   "the last point is reached");
	vgpu_sync_query(gpu, line, &point);
	ktap_ok(point == base + 3 && *(uint32_t *)data.map == 77, "the jobs have run");

	vgpu_sync_destroy(gpu, line);
	vgpu_commands_destroy(gpu, &todo);
	vgpu_bo_destroy(gpu, &data);
}

/* One ring waits in memory for what another one writes. */
static void test_wait(struct vgpu *gpu)
{
	struct vgpu_bo data = buffer(gpu, 4096);
	struct vgpu_commands waiter = commands(gpu), waker = commands(gpu);
	uint32_t woken = syncobj(gpu), done = syncobj(gpu);

	if (gpu->rings < 2) {
		ktap_skip("WAIT for another ring", "there is only one");
		return;
	}
	vgpu_emit_wait(&waiter, data.addr, 5);
	vgpu_emit_fill(&waiter, data.addr + 8, 4, 1);
	vgpu_emit_spin(&waker, false, 100, 20000, VGPU_SPIN_NO_COUNT);
	vgpu_emit_fence(&waker, data.addr, 6);
	vgpu_submit_commands(gpu, 0, &waiter, 0, woken);
	vgpu_submit_commands(gpu, gpu->rings - 1, &waker, 0, done);
	ktap_equal(vgpu_sync_wait(gpu, woken, 0, VGPU_RUN_TIMEOUT_MS), 0,
		   "WAIT ends when another ring writes the value");
	ktap_ok(vgpu_sync_status(gpu, woken) == 1 && ((uint32_t *)data.map)[2] == 1,
		"and what is behind it runs");
	vgpu_sync_wait(gpu, done, 0, VGPU_RUN_TIMEOUT_MS);

	vgpu_sync_destroy(gpu, woken);
	vgpu_sync_destroy(gpu, done);
	vgpu_commands_destroy(gpu, &waiter);
	vgpu_commands_destroy(gpu, &waker);
	vgpu_bo_destroy(gpu, &data);
}

static void close_handle(struct vgpu *gpu, const struct vgpu_bo *bo)
{
	struct drm_gem_close gem_close = { .handle = bo->handle };

	vgpu_call(gpu, DRM_IOCTL_GEM_CLOSE, &gem_close);
	munmap(bo->map, bo->size);
}

/* Handles that are closed at once: what is mapped in the VM stays. */
static void test_close_early(struct vgpu *gpu)
{
	struct vgpu_bo out = buffer(gpu, 4096), in = buffer(gpu, 1 << 20);
	struct vgpu_commands todo = commands(gpu);
	uint32_t done = syncobj(gpu);
	uint64_t first;

	randomize(in.map, 4096);
	first = *(uint64_t *)in.map;
	vgpu_emit_spin(&todo, false, 200, 20000, VGPU_SPIN_NO_COUNT);
	vgpu_emit_copy(&todo, out.addr, in.addr, 4096);
	vgpu_submit_commands(gpu, 0, &todo, 0, done);
	close_handle(gpu, &todo.bo);
	close_handle(gpu, &in);
	vgpu_sync_wait(gpu, done, 0, VGPU_RUN_TIMEOUT_MS);
	ktap_ok(vgpu_sync_status(gpu, done) == 1 && *(uint64_t *)out.map == first,
		"buffers whose handles are closed stay mapped in the VM");
	ktap_ok(!vgpu_unmap(gpu, gpu->vm, in.addr, in.size) &&
		!vgpu_unmap(gpu, gpu->vm, todo.bo.addr, todo.bo.size),
		"they can be unmapped there");
	vgpu_sync_destroy(gpu, done);
	vgpu_bo_destroy(gpu, &out);
}

static void run_nop(struct vgpu *gpu)
{
	struct vgpu_commands todo = commands(gpu);

	vgpu_emit_nop(&todo, 1);
	vgpu_run(gpu, 0, &todo);
	vgpu_commands_destroy(gpu, &todo);
}

/* Everything back? Freeing is asynchronous; some jobs later it must be done. */
static void test_nothing_left(struct vgpu *gpu, uint64_t before)
{
	uint64_t now = 0;
	int tries;

	for (tries = 0; tries < 1000 && now != before; tries++) {
		run_nop(gpu);
		vgpu_param(gpu, DRM_VGPU_PARAM_VRAM_FREE, &now);
	}
	ktap_equal(now, before, "all VRAM is free again");
}

static void test_all(const char *path)
{
	struct vgpu gpu;

	ktap_must(vgpu_open(&gpu, path), path);
	test_memory_packets(&gpu);
	test_spin(&gpu);
	test_saxpy(&gpu);
	test_gemm(&gpu);
	test_reduce(&gpu);
	test_mandelbrot(&gpu);
	test_zeroed(&gpu);
	test_order(&gpu);
	test_timeline(&gpu);
	test_wait(&gpu);
	test_close_early(&gpu);
	vgpu_close(&gpu);
}

/* Page tables stay as long as their file, so the tests have one of their own. */
static void test_node(struct vgpu *gpu)
{
	uint64_t before;

	run_nop(gpu);
	vgpu_param(gpu, DRM_VGPU_PARAM_VRAM_FREE, &before);
	test_all(gpu->path);
	test_nothing_left(gpu, before);
}

/**
 * struct stream - one ring of one node
 * @gpu: the node
 * @ring: its number
 * @counts: a counter of each group
 * @todo: increments all of them
 * @done: fence of the last job
 * @jobs: submitted
 */
struct stream {
	struct vgpu *gpu;
	uint32_t ring;
	struct vgpu_bo counts;
	struct vgpu_commands todo;
	uint32_t done;
	uint64_t jobs;
};

#define STREAM_GROUPS 64

static void stream_open(struct stream *stream, struct vgpu *gpu, uint32_t ring)
{
	stream->gpu = gpu;
	stream->ring = ring;
	stream->jobs = 0;
	stream->counts = buffer(gpu, STREAM_GROUPS * 8);
	stream->todo = commands(gpu);
	stream->done = syncobj(gpu);
	vgpu_emit_spin(&stream->todo, false, STREAM_GROUPS, 20000, stream->counts.addr);
}

static uint64_t stream_close(struct stream *stream)
{
	uint64_t i, *count = stream->counts.map, wrong = 0;

	if (stream->jobs) {
		wrong += !!vgpu_sync_wait(stream->gpu, stream->done, 0, VGPU_RUN_TIMEOUT_MS);
		wrong += vgpu_sync_status(stream->gpu, stream->done) != 1;
	}
	for (i = 0; i < STREAM_GROUPS; i++)
		wrong += count[i] != stream->jobs;
	if (wrong)
		printf("# ring %u: %llu jobs, %llu counted\n", stream->ring,
		       (unsigned long long)stream->jobs, (unsigned long long)count[0]);
	vgpu_sync_destroy(stream->gpu, stream->done);
	vgpu_commands_destroy(stream->gpu, &stream->todo);
	vgpu_bo_destroy(stream->gpu, &stream->counts);
	return wrong;
}

static void test_streams(struct vgpu *gpus, int count, uint64_t jobs)
{
	struct stream streams[64 * 8];
	uint64_t refused = 0, wrong = 0;
	uint32_t n = 0, ring;
	int i;

	for (i = 0; i < count; i++)
		for (ring = 0; ring < gpus[i].rings; ring++)
			stream_open(&streams[n++], &gpus[i], ring);
	while (jobs--) {
		struct stream *stream = &streams[vgpu_random(&seed) % n];

		refused += !!vgpu_submit_commands(stream->gpu, stream->ring,
						  &stream->todo, 0, stream->done);
		stream->jobs++;
	}
	while (n--)
		wrong += stream_close(&streams[n]);
	ktap_equal(refused, 0, "all jobs of the streams are accepted");
	ktap_equal(wrong, 0, "each group of each job has run once");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "jobs", required_argument, NULL, 'j' },
		{ "seed", required_argument, NULL, 's' },
		{ 0 },
	};
	struct vgpu gpus[64];
	uint64_t jobs = 200;
	int option, count = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			jobs = strtoull(optarg, NULL, 0);
		else if (option == 's')
			seed = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	ktap_begin("vf_submit");
	for (; optind < argc && count < 64; optind++, count++) {
		ktap_must(vgpu_open(&gpus[count], argv[optind]), argv[optind]);
		printf("# %s\n", argv[optind]);
		test_node(&gpus[count]);
	}
	if (!count) {
		fprintf(stderr, "usage: vf_submit [--jobs N] [--seed S] NODE...\n");
		return 2;
	}
	test_streams(gpus, count, jobs);
	return ktap_end();
}

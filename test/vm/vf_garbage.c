// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_garbage [--seed S] [--rounds N] NODE
 *
 * Command buffers of garbage: random words; packets with random fields; legal
 * packets with one bit wrong. Before and behind each on the same ring are jobs
 * of another file, whose results must be exact. A job of garbage may end well or
 * with -EIO. The sequence depends on the seed (1) only.
 */
#include <getopt.h>

#include "ktap.h"
#include "vgpu.h"

#define RW (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE)
#define WORDS 32
#define NEIGHBOUR_N 2000

static uint64_t seed = 1;

/**
 * struct neighbour - a file that does honest work
 * @gpu: the file
 * @x: input
 * @y: in and out
 * @want: what @y must be
 * @todo: SAXPY of both
 * @done: fences of the jobs before and behind the garbage
 */
struct neighbour {
	struct vgpu gpu;
	struct vgpu_bo x, y;
	float want[NEIGHBOUR_N];
	struct vgpu_commands todo;
	uint32_t done[2];
};

static void neighbour_open(struct neighbour *neighbour, const char *node)
{
	struct vgpu *gpu = &neighbour->gpu;
	unsigned int i;

	ktap_must(vgpu_open(gpu, node), node);
	ktap_must(vgpu_bo_create(gpu, NEIGHBOUR_N * 4, RW, &neighbour->x), "cannot allocate");
	ktap_must(vgpu_bo_create(gpu, NEIGHBOUR_N * 4, RW, &neighbour->y), "cannot allocate");
	ktap_must(vgpu_commands_create(gpu, 4096, &neighbour->todo), "cannot allocate");
	for (i = 0; i < 2; i++)
		ktap_must(vgpu_sync_create(gpu, false, &neighbour->done[i]), "no syncobj");
	for (i = 0; i < NEIGHBOUR_N; i++)
		((float *)neighbour->x.map)[i] = (float)i / 7.0f;
	vgpu_emit_saxpy(&neighbour->todo, NEIGHBOUR_N, 0.3f, neighbour->x.addr,
			neighbour->y.addr);
}

static int neighbour_submit(struct neighbour *neighbour, uint32_t ring, int which)
{
	vgpu_ref_saxpy(NEIGHBOUR_N, 0.3f, neighbour->x.map, neighbour->want);
	return vgpu_submit_commands(&neighbour->gpu, ring, &neighbour->todo, 0,
				    neighbour->done[which]);
}

static bool neighbour_exact(struct neighbour *neighbour)
{
	int i;

	for (i = 0; i < 2; i++) {
		vgpu_sync_wait(&neighbour->gpu, neighbour->done[i], 0, VGPU_RUN_TIMEOUT_MS);
		if (vgpu_sync_status(&neighbour->gpu, neighbour->done[i]) != 1)
			return false;
	}
	return !memcmp(neighbour->want, neighbour->y.map, sizeof(neighbour->want));
}

static uint64_t below(uint64_t limit)
{
	return vgpu_random(&seed) % limit;
}

static void random_words(struct vgpu_commands *todo)
{
	uint64_t word, n = 1 + below(WORDS);

	while (n--) {
		word = vgpu_random(&seed);
		vgpu_emit(todo, &word, sizeof(word));
	}
}

/* A header that is nearly right, fields that are numbers of all sizes. */
static void random_packet(struct vgpu_commands *todo, uint64_t addr)
{
	uint64_t opcode = below(10), qwords = 1 + below(12), word, i;

	word = opcode | (below(8) ? 0 : below(256)) << 8 | qwords << 16 |
	       (below(8) ? 0 : below(1 << 20)) << 32;
	vgpu_emit(todo, &word, sizeof(word));
	for (i = 1; i < qwords; i++) {
		/* Not something that a WAIT would wait for, for long. */
		word = below(3) || opcode == VGPU_OP_WAIT ?
		       vgpu_random(&seed) >> below(64) : addr + below(8192);
		if (opcode == VGPU_OP_WAIT)
			word |= 1ull << 63;
		vgpu_emit(todo, &word, sizeof(word));
	}
}

static void legal_packet(struct vgpu_commands *todo, uint64_t addr)
{
	switch (below(7)) {
	case 0:
		vgpu_emit_nop(todo, 1 + below(4));
		break;
	case 1:
		vgpu_emit_fence(todo, addr, vgpu_random(&seed));
		break;
	case 2:
		vgpu_emit_copy(todo, addr, addr + 4096, 1024);
		break;
	case 3:
		vgpu_emit_fill(todo, addr, 2048, below(1 << 30));
		break;
	case 4:
		vgpu_emit_timestamp(todo, addr);
		break;
	case 5:
		vgpu_emit_saxpy(todo, 1000, 2.0f, addr, addr + 4096);
		break;
	case 6:
		vgpu_emit_reduce(todo, 1000, addr, addr + 4096);
		break;
	}
}

/* One bit, but none that could make the work much longer. */
static void damage(struct vgpu_commands *todo)
{
	uint64_t *word = todo->bo.map;

	word[below(todo->used / 8)] ^= 1ull << below(64);
	if (!below(4))
		todo->used = 8 + below(todo->used / 8) * 8;
}

static void garbage(struct vgpu_commands *todo, uint64_t addr)
{
	uint64_t i, n = 1 + below(4);

	vgpu_commands_reset(todo);
	switch (below(3)) {
	case 0:
		random_words(todo);
		break;
	case 1:
		for (i = 0; i < n; i++)
			random_packet(todo, addr);
		break;
	case 2:
		for (i = 0; i < n; i++)
			legal_packet(todo, addr);
		damage(todo);
		break;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ 0 },
	};
	uint64_t rounds = 300, round, ring, refused = 0, odd = 0, inexact = 0, failed = 0;
	struct vgpu_commands todo;
	struct neighbour neighbour;
	struct vgpu_bo target;
	struct vgpu gpu;
	uint32_t done;
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (option == 'r')
			rounds = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: vf_garbage [--seed S] [--rounds N] NODE\n");
		return 2;
	}
	ktap_begin("vf_garbage");
	printf("# seed %llu, %llu rounds\n", (unsigned long long)seed,
	       (unsigned long long)rounds);
	ktap_must(vgpu_open(&gpu, argv[optind]), argv[optind]);
	ktap_must(vgpu_bo_create(&gpu, 16384, RW, &target), "cannot allocate");
	ktap_must(vgpu_commands_create(&gpu, 4096, &todo), "cannot allocate");
	ktap_must(vgpu_sync_create(&gpu, false, &done), "no syncobj");
	neighbour_open(&neighbour, argv[optind]);
	memcpy(neighbour.want, neighbour.y.map, sizeof(neighbour.want));

	for (round = 0; round < rounds; round++) {
		ring = below(gpu.rings);
		garbage(&todo, target.addr);
		refused += !!neighbour_submit(&neighbour, ring, 0);
		refused += !!vgpu_submit_commands(&gpu, ring, &todo, 0, done);
		refused += !!neighbour_submit(&neighbour, ring, 1);
		vgpu_sync_wait(&gpu, done, 0, VGPU_RUN_TIMEOUT_MS);
		status = vgpu_sync_status(&gpu, done);
		failed += status == -EIO;
		if (status == -EIO)
			refused += !!vgpu_queue_renew(&gpu, ring);
		if (status != 1 && status != -EIO && !odd++)
			printf("# round %llu ended with %d\n", (unsigned long long)round,
			       status);
		if (!neighbour_exact(&neighbour) && !inexact++)
			printf("# the neighbour is wrong in round %llu\n",
			       (unsigned long long)round);
	}
	ktap_equal(refused, 0, "all jobs are accepted: the kernel parses nothing");
	ktap_equal(odd, 0, "each job of garbage ends, well or with EIO");
	ktap_ok(failed > rounds / 2, "%llu of %llu have failed: it is garbage",
		(unsigned long long)failed, (unsigned long long)rounds);
	ktap_equal(inexact, 0, "all results of the neighbour are exact");
	return ktap_end();
}

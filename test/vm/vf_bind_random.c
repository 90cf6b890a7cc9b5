// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_bind_random [--seed N] [--rounds N] NODE
 *
 * Random VM_BINDs of one VM, synchronous and asynchronous, one operation or many,
 * against a model that knows for each page of the address space what is there. After
 * each round the GPU reads and writes each page that it may, and some that it may not.
 * Sizes and places are such that pages of 4 KiB and of 2 MiB replace and split each
 * other all the time.
 */
#include <getopt.h>
#include <sys/ioctl.h>

#include "ktap.h"
#include "vgpu.h"

#define PAGE		4096ull
#define BIG_PAGE	(2ull << 20)
#define BIG_PAGES	(BIG_PAGE / PAGE)
/* The part of the address space that is played with. */
#define BASE		(0x7fffull << 32)
#define PAGES		(8 * BIG_PAGES)
#define BUFFERS		4
#define OPS_MAX		8
#define READ		DRM_VGPU_BIND_READ
#define WRITE		DRM_VGPU_BIND_WRITE

/* What the model knows of a page of the address space. */
struct page {
	enum { NOTHING, BUFFER, SPARSE } kind;
	uint32_t rights;
	uint32_t buffer;
	uint64_t index;
};

static const struct {
	uint32_t placement;
	bool shared;
	uint64_t pages;
} kinds[BUFFERS] = {
	{ DRM_VGPU_GEM_VRAM, false, 3 * BIG_PAGES },
	{ DRM_VGPU_GEM_VRAM, true, 2 * BIG_PAGES + 3 },
	{ DRM_VGPU_GEM_SYSTEM, false, BIG_PAGES + 7 },
	{ DRM_VGPU_GEM_VRAM | DRM_VGPU_GEM_SYSTEM, true, 2 * BIG_PAGES },
};

static struct vgpu gpu;
static struct vgpu_bo buffers[BUFFERS], result;
static struct vgpu_commands todo;
static struct page model[PAGES], before[PAGES];
static uint64_t seed = 1;
static uint32_t timeline;
static uint64_t point;
static bool sparse;

static uint64_t below(uint64_t limit)
{
	return vgpu_random(&seed) % limit;
}

/* Word 0 of each page says which it is, word 1 what was written there last. */
static uint64_t tag(uint32_t buffer, uint64_t index)
{
	return (buffer + 1ull) << 32 | index;
}

static uint64_t *words(uint32_t buffer, uint64_t index)
{
	return (uint64_t *)((char *)buffers[buffer].map + index * PAGE);
}

static void create_buffers(void)
{
	uint64_t index;
	uint32_t b;
	int ret;

	for (b = 0; b < BUFFERS; b++) {
		uint64_t size = kinds[b].pages * PAGE;

		if (kinds[b].shared || kinds[b].placement == DRM_VGPU_GEM_SYSTEM)
			ret = vgpu_bo_create_shared(&gpu, size, kinds[b].placement,
						    READ | WRITE, &buffers[b]);
		else
			ret = vgpu_bo_create(&gpu, size, READ | WRITE, &buffers[b]);
		ktap_must(ret, "cannot allocate");
		for (index = 0; index < kinds[b].pages; index++)
			*words(b, index) = tag(b, index);
	}
	ktap_must(vgpu_bo_create(&gpu, PAGES * 8, READ | WRITE, &result), "cannot allocate");
	/* A COPY and a FILL for each page. */
	ktap_must(vgpu_commands_create(&gpu, PAGES * 80, &todo), "cannot allocate");
}

/* Pages from @first on; half of the time on the borders of big pages. */
static void choose_place(uint64_t *first, uint64_t *count)
{
	if (below(2)) {
		*first = below(PAGES / BIG_PAGES) * BIG_PAGES;
		*count = (1 + below(3)) * BIG_PAGES;
	} else {
		*first = below(PAGES);
		*count = 1 + below(below(4) ? 16 : 3 * BIG_PAGES);
	}
	if (*count > PAGES - *first)
		*count = PAGES - *first;
}

static void choose_map(struct drm_vgpu_bind_op *op, uint64_t first, uint64_t count)
{
	uint32_t b = below(BUFFERS), rights = 1 + below(3);
	uint64_t index, i;

	if (count > kinds[b].pages)
		count = kinds[b].pages;
	index = below(kinds[b].pages - count + 1);
	/* Where big pages are possible, if the memory is contiguous */
	if (below(3))
		index = index / BIG_PAGES * BIG_PAGES;
	op->op = DRM_VGPU_BIND_MAP;
	op->flags = rights;
	op->handle = buffers[b].handle;
	op->offset = index * PAGE;
	op->size = count * PAGE;
	for (i = 0; i < count; i++)
		model[first + i] = (struct page){ BUFFER, rights, b, index + i };
}

/* One operation, in the model and as the kernel gets it. */
static void choose_op(struct drm_vgpu_bind_op *op)
{
	uint64_t first, count, kind = below(8), i;

	choose_place(&first, &count);
	*op = (struct drm_vgpu_bind_op){ .addr = BASE + first * PAGE, .size = count * PAGE };
	if (kind < 5) {
		choose_map(op, first, count);
		return;
	}
	op->op = kind == 5 && sparse ? DRM_VGPU_BIND_SPARSE : DRM_VGPU_BIND_UNMAP;
	for (i = 0; i < count; i++)
		model[first + i] = (struct page){
			.kind = op->op == DRM_VGPU_BIND_SPARSE ? SPARSE : NOTHING,
			.rights = READ | WRITE,
		};
}

/* The last of the operations is wrong: nothing may change. */
static int bind_wrong(struct drm_vgpu_bind_op *ops, uint32_t count)
{
	ops[count] = (struct drm_vgpu_bind_op){
		.op = DRM_VGPU_BIND_MAP, .flags = READ, .handle = buffers[0].handle,
		.offset = buffers[0].size, .addr = BASE, .size = PAGE,
	};
	memcpy(model, before, sizeof(model));
	return vgpu_bind(&gpu, gpu.vm, ops, count + 1) == -EINVAL ? 0 : -EPROTO;
}

static int bind_async(const struct drm_vgpu_bind_op *ops, uint32_t count)
{
	struct drm_vgpu_sync in = { .handle = timeline, .point = point };
	struct drm_vgpu_sync out = { .handle = timeline, .point = point + 1 };

	point++;
	return vgpu_bind_async(&gpu, gpu.vm, ops, count, &in, &out);
}

static int change(void)
{
	struct drm_vgpu_bind_op ops[OPS_MAX + 1];
	uint32_t count = 1 + below(OPS_MAX), i;
	int ret;

	memcpy(before, model, sizeof(model));
	for (i = 0; i < count; i++)
		choose_op(&ops[i]);
	switch (below(4)) {
	case 0:
		return bind_wrong(ops, count);
	case 1:
		ret = bind_async(ops, count / 2);
		if (!ret)
			ret = bind_async(ops + count / 2, count - count / 2);
		/* The queue does not order jobs behind binds: the point does. */
		return ret ? ret : vgpu_sync_wait(&gpu, timeline, point, VGPU_RUN_TIMEOUT_MS);
	default:
		return vgpu_bind(&gpu, gpu.vm, ops, count);
	}
}

/* The GPU reads what it may, and then writes what it may. */
static int access_pages(uint32_t round)
{
	uint64_t i;
	int ret;

	memset(result.map, 0xff, result.size);
	vgpu_commands_reset(&todo);
	for (i = 0; i < PAGES; i++)
		if (model[i].kind != NOTHING && model[i].rights & READ)
			vgpu_emit_copy(&todo, result.addr + i * 8, BASE + i * PAGE, 8);
	for (i = 0; i < PAGES; i++)
		if (model[i].kind != NOTHING && model[i].rights & WRITE)
			vgpu_emit_fill(&todo, BASE + i * PAGE + 8, 4, round << 16 | i);
	ret = vgpu_run(&gpu, 0, &todo);
	if (ret)
		printf("# round %u: the job has failed: %s\n", round, strerror(-ret));
	return ret;
}

static uint64_t wrong_reads(void)
{
	const uint64_t *read = result.map;
	uint64_t wrong = 0, want, i;

	for (i = 0; i < PAGES; i++) {
		want = ~0ull;
		if (model[i].kind == SPARSE)
			want = 0;
		else if (model[i].kind == BUFFER && model[i].rights & READ)
			want = tag(model[i].buffer, model[i].index);
		if (read[i] == want)
			continue;
		if (!wrong++)
			printf("# page %llu: expected %#llx, found %#llx\n",
			       (unsigned long long)i, (unsigned long long)want,
			       (unsigned long long)read[i]);
	}
	return wrong;
}

/* A page can be mapped at several places: the last one counts. */
static uint64_t wrong_writes(uint32_t round)
{
	static uint32_t expected[BUFFERS][3 * BIG_PAGES];
	uint64_t wrong = 0, i;
	uint32_t b;

	for (i = 0; i < PAGES; i++)
		if (model[i].kind == BUFFER && model[i].rights & WRITE)
			expected[model[i].buffer][model[i].index] = round << 16 | i;
	for (b = 0; b < BUFFERS; b++)
		for (i = 0; i < kinds[b].pages; i++)
			if (words(b, i)[1] != expected[b][i] || words(b, i)[0] != tag(b, i))
				wrong++;
	return wrong;
}

/* One access that must fault, if there is a page that can be used for that. */
static uint64_t wrong_fault(void)
{
	uint64_t i = below(PAGES), tries;
	bool write;

	for (tries = 0; tries < PAGES; tries++, i = (i + 1) % PAGES)
		if (model[i].kind == NOTHING ||
		    (model[i].kind == BUFFER && model[i].rights != (READ | WRITE)))
			break;
	if (tries == PAGES)
		return 0;
	write = model[i].kind == NOTHING ? below(2) : model[i].rights == READ;
	vgpu_commands_reset(&todo);
	if (write)
		vgpu_emit_fill(&todo, BASE + i * PAGE, 4, 0xbad);
	else
		vgpu_emit_copy(&todo, result.addr, BASE + i * PAGE, 8);
	return vgpu_run(&gpu, 0, &todo) != -EIO;
}

static bool play(uint32_t round)
{
	uint64_t reads, writes, faults;
	int ret = change();

	if (ret) {
		printf("# round %u: VM_BIND: %s\n", round, strerror(-ret));
		return false;
	}
	if (access_pages(round))
		return false;
	reads = wrong_reads();
	writes = wrong_writes(round);
	faults = wrong_fault();
	if (reads || writes || faults)
		printf("# round %u: %llu pages read wrong, %llu written wrong, %llu do not fault\n",
		       round, (unsigned long long)reads, (unsigned long long)writes,
		       (unsigned long long)faults);
	return !reads && !writes && !faults;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{}
	};
	uint32_t rounds = 60, round, good = 0;
	uint64_t caps;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (option == 'r')
			rounds = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: vf_bind_random [--seed N] [--rounds N] NODE\n");
		return 2;
	}
	ktap_begin("vf_bind_random");
	printf("# seed %llu\n", (unsigned long long)seed);
	ktap_must(vgpu_open(&gpu, argv[optind]), argv[optind]);
	ktap_must(vgpu_param(&gpu, DRM_VGPU_PARAM_CAPS, &caps), "GET_PARAM");
	sparse = caps & VGPU_CAPS_SPARSE;
	create_buffers();
	ktap_must(vgpu_sync_create(&gpu, false, &timeline), "SYNCOBJ_CREATE");
	point = 1;
	ktap_must(vgpu_sync_signal(&gpu, timeline, point), "TIMELINE_SIGNAL");

	for (round = 1; round <= rounds; round++) {
		if (!play(round))
			break;
		good++;
	}
	ktap_equal(good, rounds, "rounds in which all pages are as the model says");
	return ktap_end();
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings, what jobs find there, and jobs and binds that wait: for tests of VM_BIND.
 * To be included by the one file of a program.
 */
#ifndef VM_MAPPINGS_H
#define VM_MAPPINGS_H

#include <unistd.h>

#include "ktap.h"
#include "vgpu.h"

#define PAGE		4096ull
#define BIG_PAGE	(2ull << 20)
#define READ		DRM_VGPU_BIND_READ
#define WRITE		DRM_VGPU_BIND_WRITE
#define EXECUTE		DRM_VGPU_BIND_EXECUTE
#define RW		(READ | WRITE)
#define MAP		DRM_VGPU_BIND_MAP
#define UNMAP		DRM_VGPU_BIND_UNMAP
#define SPARSE		DRM_VGPU_BIND_SPARSE
#define VRAM		DRM_VGPU_GEM_VRAM
/* Where libvgpu gives out no addresses. */
#define THERE		(1ull << 46)
#define SMALL_PAGES	16

static struct vgpu gpu;
static struct vgpu_bo big, small, result;
static struct vgpu_commands todo;
static bool has_sparse;

/* What holds up jobs of one VM, until it is opened. */
struct gate {
	struct vgpu *gpu;
	struct vgpu_bo memory;
	struct vgpu_commands wait, fence;
};

static struct gate gate;

static inline struct drm_vgpu_bind_op map_op(const struct vgpu_bo *bo, uint64_t offset,
					     uint64_t addr, uint64_t size, uint32_t rights)
{
	return (struct drm_vgpu_bind_op){
		.op = MAP, .flags = rights, .handle = bo->handle, .offset = offset,
		.addr = addr, .size = size,
	};
}

static inline int map(const struct vgpu_bo *bo, uint64_t offset, uint64_t addr, uint64_t size,
		      uint32_t rights)
{
	return vgpu_map(&gpu, gpu.vm, bo->handle, offset, addr, size, rights);
}

static inline int unmap(uint64_t addr, uint64_t size)
{
	return vgpu_unmap(&gpu, gpu.vm, addr, size);
}

static inline uint64_t *word_at(const struct vgpu_bo *bo, uint64_t offset)
{
	return (uint64_t *)((char *)bo->map + offset);
}

/* Each page of a buffer begins with a word of its own. */
static inline uint64_t tag(const struct vgpu_bo *bo, uint64_t offset)
{
	return (uint64_t)bo->handle << 48 | 1ull << 47 | offset;
}

static inline void write_tags(const struct vgpu_bo *bo)
{
	uint64_t offset;

	for (offset = 0; offset < bo->size; offset += PAGE)
		*word_at(bo, offset) = tag(bo, offset);
}

/* ----- what the GPU finds ----- */

static inline int run_on(uint32_t ring)
{
	int ret = vgpu_run(&gpu, ring, &todo);

	vgpu_commands_reset(&todo);
	return ret;
}

static inline int run(void)
{
	return run_on(0);
}

/* The first word at @addr, or a negative errno; tags are positive. */
static inline int64_t found_at(uint64_t addr)
{
	int ret;

	vgpu_emit_copy(&todo, result.addr, addr, 8);
	ret = run();
	return ret ? ret : (int64_t)*word_at(&result, 0);
}

static inline bool finds(const struct vgpu_bo *bo, uint64_t offset, uint64_t addr)
{
	int64_t found = found_at(addr);

	if (found == (int64_t)tag(bo, offset))
		return true;
	printf("# at %#llx: expected %#llx, found %#llx\n", (unsigned long long)addr,
	       (unsigned long long)tag(bo, offset), (unsigned long long)found);
	return false;
}

/* The same for all pages of a range, with one job. */
static inline bool finds_all(const struct vgpu_bo *bo, uint64_t offset, uint64_t addr, uint64_t size)
{
	uint64_t i, wrong = 0;

	for (i = 0; i < size / PAGE; i++)
		vgpu_emit_copy(&todo, result.addr + i * 8, addr + i * PAGE, 8);
	if (run())
		return false;
	for (i = 0; i < size / PAGE; i++)
		wrong += word_at(&result, 0)[i] != tag(bo, offset + i * PAGE);
	if (wrong)
		printf("# %llu of %llu pages are wrong\n", (unsigned long long)wrong,
		       (unsigned long long)(size / PAGE));
	return !wrong;
}

static inline bool faults(uint64_t addr)
{
	return found_at(addr) == -EIO;
}

/* ----- what waits ----- */

static inline void create_gate(struct gate *g, struct vgpu *where)
{
	g->gpu = where;
	ktap_must(vgpu_bo_create(where, PAGE, RW, &g->memory), "cannot allocate");
	ktap_must(vgpu_commands_create(where, PAGE, &g->wait), "cannot allocate");
	ktap_must(vgpu_commands_create(where, PAGE, &g->fence), "cannot allocate");
}

/* A job that waits at the gate, then reads THERE if it shall, and signals @out. */
static inline void block(struct gate *g, bool read, const struct drm_vgpu_sync *out)
{
	struct drm_vgpu_command command = { .addr = g->wait.bo.addr };
	struct drm_vgpu_job job = {
		.command_count = 1, .commands = (uintptr_t)&command,
		.out_sync_count = 1, .out_syncs = (uintptr_t)out,
	};

	*word_at(&g->memory, 0) = 0;
	vgpu_commands_reset(&g->wait);
	vgpu_emit_wait(&g->wait, g->memory.addr, 1);
	if (read)
		vgpu_emit_copy(&g->wait, g->memory.addr + 8, THERE, 8);
	command.bytes = g->wait.used;
	ktap_must(vgpu_submit(g->gpu, g->gpu->queues[1], &job, 1), "SUBMIT");
}

/* By a FENCE of another ring, which wakes the WAIT. */
static inline void unblock(struct gate *g)
{
	vgpu_commands_reset(&g->fence);
	vgpu_emit_fence(&g->fence, g->memory.addr, 1);
	ktap_must(vgpu_run(g->gpu, 2, &g->fence), "SUBMIT");
}

static inline int bind_when(const struct drm_vgpu_bind_op *ops, uint32_t count, uint32_t timeline,
			    uint64_t in, uint64_t out)
{
	struct drm_vgpu_sync in_sync = { .handle = timeline, .point = in };
	struct drm_vgpu_sync out_sync = { .handle = timeline, .point = out };

	return vgpu_bind_async(&gpu, gpu.vm, ops, count, in ? &in_sync : NULL,
			       out ? &out_sync : NULL);
}

static inline uint64_t vram_free(void)
{
	uint64_t value;

	ktap_must(vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_FREE, &value), "GET_PARAM");
	return value;
}

static inline void set_up(const char *node)
{
	uint64_t caps;

	ktap_must(vgpu_open(&gpu, node), node);
	if (gpu.rings < 3)
		ktap_must(-ENODEV, "three rings");
	ktap_must(vgpu_param(&gpu, DRM_VGPU_PARAM_CAPS, &caps), "GET_PARAM");
	has_sparse = caps & VGPU_CAPS_SPARSE;
	ktap_must(vgpu_bo_create(&gpu, SMALL_PAGES * PAGE, RW, &small), "cannot allocate");
	ktap_must(vgpu_bo_create_shared(&gpu, 8 * BIG_PAGE, VRAM, RW, &big), "cannot allocate");
	ktap_must(vgpu_bo_create(&gpu, BIG_PAGE, RW, &result), "cannot allocate");
	ktap_must(vgpu_commands_create(&gpu, 8 * BIG_PAGE / PAGE * 64, &todo), "cannot allocate");
	create_gate(&gate, &gpu);
	write_tags(&small);
	write_tags(&big);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chains of jobs: each copies the number before and writes the next one, so that one
 * out of order breaks the chain. To be included by the one file of a program.
 */
#ifndef VM_LINKS_H
#define VM_LINKS_H

#include "ktap.h"
#include "objects.h"
#include "tasks.h"
#include "vgpu.h"

static inline void emit_link(struct vgpu_commands *todo, const struct vgpu_bo *data, uint32_t i)
{
	vgpu_emit_copy(todo, data->addr + 8 * (i + 1), data->addr, 8);
	vgpu_emit_fill(todo, data->addr, 4, i + 1);
}

static inline uint32_t links_wrong(const struct vgpu_bo *data, uint32_t count)
{
	const uint64_t *word = data->map;
	uint32_t i, wrong = (uint32_t)word[0] != count;

	for (i = 0; i < count; i++)
		wrong += (uint32_t)word[i + 1] != i;
	return wrong;
}

#define LINKS 100

/**
 * struct links - a chain of jobs for one queue
 * @gpu: whose
 * @queue: the queue
 * @data: what the chain is written to
 * @todo: the links
 * @offset: of each link in @todo, and the end
 * @done: syncobj of each job
 */
struct links {
	struct vgpu *gpu;
	uint32_t queue;
	struct vgpu_bo data;
	struct vgpu_commands todo;
	uint64_t offset[LINKS + 1];
	uint32_t done[LINKS];
};

static inline void links_make(struct links *links, struct vgpu *gpu, uint32_t id)
{
	uint32_t i;

	links->gpu = gpu;
	links->queue = id;
	links->data = buffer(gpu, 4096);
	ktap_must(vgpu_commands_create(gpu, 65536, &links->todo), "cannot allocate commands");
	for (i = 0; i < LINKS; i++) {
		links->offset[i] = links->todo.used;
		emit_link(&links->todo, &links->data, i);
		links->done[i] = syncobj(gpu);
	}
	links->offset[LINKS] = links->todo.used;
}

static inline int links_submit(struct links *links, uint32_t i, uint32_t in)
{
	struct task task;

	task_make(&task, &links->todo, in, links->done[i]);
	task.command.addr += links->offset[i];
	task.command.bytes = links->offset[i + 1] - links->offset[i];
	return vgpu_submit(links->gpu, links->queue, &task.job, 1);
}

static inline uint32_t links_signalled(struct links *links, uint32_t from)
{
	uint32_t count = 0;

	for (; from < LINKS; from++)
		count += vgpu_sync_status(links->gpu, links->done[from]) != 0;
	return count;
}

static inline uint32_t links_failed(struct links *links)
{
	uint32_t i, count = 0;

	for (i = 0; i < LINKS; i++)
		count += wait_for(links->gpu, links->done[i]) != 1;
	return count + links_wrong(&links->data, LINKS);
}

static inline void links_destroy(struct links *links)
{
	uint32_t i;

	for (i = 0; i < LINKS; i++)
		vgpu_sync_destroy(links->gpu, links->done[i]);
	vgpu_commands_destroy(links->gpu, &links->todo);
	vgpu_bo_destroy(links->gpu, &links->data);
}

#endif

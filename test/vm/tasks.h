/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Jobs of one buffer of packets, and such as hold others up. To be included by the one
 * file of a program.
 */
#ifndef VM_TASKS_H
#define VM_TASKS_H

#include <glob.h>
#include <sched.h>

#include "ktap.h"
#include "objects.h"
#include "vgpu.h"

static inline uint32_t queue(struct vgpu *gpu, uint32_t ring, uint32_t priority)
{
	uint32_t id;

	ktap_must(vgpu_queue_create(gpu, gpu->vm, ring, priority, &id), "no queue");
	return id;
}

static inline int wait_for(struct vgpu *gpu, uint32_t handle)
{
	vgpu_sync_wait(gpu, handle, 0, VGPU_RUN_TIMEOUT_MS);
	return vgpu_sync_status(gpu, handle);
}

/**
 * struct task - a job, and what it points to; must not move
 * @job: of one buffer of packets, at most one in-sync, at most one out-sync
 * @command: the buffer
 * @in: the in-sync
 * @out: the out-sync
 */
struct task {
	struct drm_vgpu_job job;
	struct drm_vgpu_command command;
	struct drm_vgpu_sync in, out;
};

/* @in and @out are binary syncobjs, or 0; @todo may be NULL. */
static inline void task_make(struct task *task, const struct vgpu_commands *todo, uint32_t in,
			     uint32_t out)
{
	memset(task, 0, sizeof(*task));
	if (todo)
		task->command = (struct drm_vgpu_command){ todo->bo.addr, todo->used };
	task->in.handle = in;
	task->out.handle = out;
	task->job = (struct drm_vgpu_job){
		.command_count = !!todo, .commands = (uintptr_t)&task->command,
		.in_sync_count = !!in, .in_syncs = (uintptr_t)&task->in,
		.out_sync_count = !!out, .out_syncs = (uintptr_t)&task->out,
	};
}

static inline int submit(struct vgpu *gpu, uint32_t queue, const struct vgpu_commands *todo,
			 uint32_t in, uint32_t out)
{
	struct task task;

	task_make(&task, todo, in, out);
	return vgpu_submit(gpu, queue, &task.job, 1);
}

/**
 * struct gate - a job that does not end before the process wants it
 * @gpu: whose
 * @flag: what it waits for
 * @todo: WAIT
 * @passed: its fence
 */
struct gate {
	struct vgpu *gpu;
	struct vgpu_bo flag;
	struct vgpu_commands todo;
	uint32_t passed;
};

static inline void gate_close(struct gate *gate, struct vgpu *gpu, uint32_t queue)
{
	gate->gpu = gpu;
	gate->flag = buffer(gpu, 4096);
	gate->todo = commands(gpu);
	gate->passed = syncobj(gpu);
	vgpu_emit_wait(&gate->todo, gate->flag.addr, 1);
	ktap_must(submit(gpu, queue, &gate->todo, 0, gate->passed), "no gate");
}

/* The engine looks at it when a doorbell is rung: that of an empty job elsewhere. */
static inline void gate_open(struct gate *gate)
{
	*(volatile uint64_t *)gate->flag.map = 1;
	ktap_must(submit(gate->gpu, gate->gpu->queues[gate->gpu->rings - 1], NULL, 0, 0),
		  "the gate stays closed");
}

static inline void gate_destroy(struct gate *gate)
{
	wait_for(gate->gpu, gate->passed);
	vgpu_sync_destroy(gate->gpu, gate->passed);
	vgpu_commands_destroy(gate->gpu, &gate->todo);
	vgpu_bo_destroy(gate->gpu, &gate->flag);
}

static inline unsigned long long fdinfo_of(struct vgpu *gpu, const char *key)
{
	unsigned long long value = ~0ull;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", gpu->fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			value = strtoull(line + strlen(key) + 1, NULL, 10);
	if (file)
		fclose(file);
	return value;
}

/* How many jobs of a queue did not go through drm_sched, as debugfs has it. */
static inline long long direct_jobs(struct vgpu *gpu, uint32_t id)
{
	unsigned long long client = fdinfo_of(gpu, "drm-client-id"), direct;
	char what[64], line[512], *found;
	long long count = -ENOENT;
	FILE *file = NULL;
	glob_t paths;
	size_t i;

	snprintf(what, sizeof(what), "client %llu queue %u:", client, id);
	if (glob("/sys/kernel/debug/dri/*/queues", 0, NULL, &paths))
		return -ENODEV;
	for (i = 0; i < paths.gl_pathc && count < 0; i++) {
		file = fopen(paths.gl_pathv[i], "r");
		while (file && fgets(line, sizeof(line), file)) {
			found = strstr(line, " direct ");
			if (!strncmp(line, what, strlen(what)) && found &&
			    sscanf(found, " direct %llu", &direct) == 1)
				count = direct;
		}
		if (file)
			fclose(file);
	}
	globfree(&paths);
	return count;
}

static inline void run_nop(struct vgpu *gpu, uint32_t ring)
{
	uint32_t done = syncobj(gpu);

	submit(gpu, gpu->queues[ring], NULL, 0, done);
	wait_for(gpu, done);
	vgpu_sync_destroy(gpu, done);
}

/* Without the kernel. Returns false if it takes for ever. */
static inline bool poll_memory(const volatile uint64_t *where, uint64_t value)
{
	uint64_t spins;

	for (spins = 0; *where != value && spins < 1ull << 32; spins++)
		sched_yield();
	return *where == value;
}

#endif

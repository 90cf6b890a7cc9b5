// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_queue NODE OTHER
 *
 * Queues, on NODE: what orders jobs (binary and timeline syncobjs, across queues,
 * rings, address spaces, files and functions: OTHER is another one), batches, fences
 * in memory, priorities; those that go into the ring at once beside those that wait
 * in drm_sched; what becomes of jobs when their queue, address space or
 * process goes; and what fdinfo says of them. Bans and core dumps: vf_ban.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "objects.h"
#include "tasks.h"
#include "vgpu.h"

#define RW (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE)
/* Jobs that a ring takes at most, as the driver has it. */
#define RING_JOBS 32
#define SYNCS_MAX 64
#define NOBODY 65534

static void run_nop(struct vgpu *gpu, uint32_t ring)
{
	uint32_t done = syncobj(gpu);

	submit(gpu, gpu->queues[ring], NULL, 0, done);
	wait_for(gpu, done);
	vgpu_sync_destroy(gpu, done);
}

/* ------------------------------------------------------------------------ */
/* Queues themselves                                                         */

static void test_create(struct vgpu *gpu)
{
	uint32_t ids[1025], count, i, again;
	int ret = 0;

	for (count = 0; count < 1025; count++) {
		ret = vgpu_queue_create(gpu, gpu->vm, count % gpu->rings, 0, &ids[count]);
		if (ret)
			break;
	}
	ktap_equal(ret, -ENOSPC, "a file cannot have any number of queues");
	ktap_equal(count, 1024 - gpu->rings, "but 1024");
	ktap_equal(vgpu_queue_destroy(gpu, ids[500]), 0, "one is destroyed");
	ktap_equal(vgpu_queue_destroy(gpu, ids[500]), -ENOENT, "but not twice");
	ktap_equal(vgpu_queue_create(gpu, gpu->vm, 0, 0, &again), 0, "so there is another one");
	ktap_equal(again, ids[500], "which gets its number");
	for (i = 0; i < count; i++)
		vgpu_queue_destroy(gpu, ids[i]);
	ktap_equal(submit(gpu, ids[0], NULL, 0, 0), -ENOENT, "what is destroyed takes no job");
	ktap_equal(vgpu_queue_create(gpu, gpu->vm, gpu->rings, 0, &again), -EINVAL,
		   "there is no ring behind the last one");
	ktap_equal(vgpu_queue_create(gpu, gpu->vm + 1, 0, 0, &again), -ENOENT,
		   "nor a queue without a VM");
	ktap_equal(vgpu_queue_create(gpu, gpu->vm, 0, 3, &again), -EINVAL,
		   "nor a fourth priority");
}

static void test_high_needs_capability(struct vgpu *gpu)
{
	uint32_t id;

	ktap_must(seteuid(NOBODY) ? -errno : 0, "seteuid");
	ktap_equal(vgpu_queue_create(gpu, gpu->vm, 0, DRM_VGPU_PRIORITY_HIGH, &id), -EACCES,
		   "nobody in particular gets no queue of high priority");
	ktap_equal(vgpu_queue_create(gpu, gpu->vm, 0, DRM_VGPU_PRIORITY_LOW, &id), 0,
		   "but one of low priority");
	ktap_must(seteuid(0) ? -errno : 0, "seteuid");
	vgpu_queue_destroy(gpu, id);
	ktap_equal(vgpu_queue_create(gpu, gpu->vm, 0, DRM_VGPU_PRIORITY_HIGH, &id), 0,
		   "who has CAP_SYS_NICE gets one");
	vgpu_queue_destroy(gpu, id);
}

/* Numbers go at once, what has been submitted does not. */
static void test_destroyed_with_jobs(struct vgpu *gpu)
{
	uint32_t id = queue(gpu, 0, 0), done = syncobj(gpu);
	struct vgpu_bo data = buffer(gpu, 4096);
	struct vgpu_commands todo = commands(gpu);
	struct drm_vgpu_queue_state state;
	struct gate gate;

	vgpu_emit_fill(&todo, data.addr, 4, 99);
	gate_close(&gate, gpu, id);
	submit(gpu, id, &todo, 0, done);
	ktap_equal(vgpu_queue_destroy(gpu, id), 0, "a queue with jobs can be destroyed");
	ktap_equal(vgpu_queue_state(gpu, id, &state), -ENOENT, "its number is gone");
	gate_open(&gate);
	ktap_equal(wait_for(gpu, done), 1, "its jobs run to their end");
	ktap_equal(*(uint32_t *)data.map, 99, "with their effect");
	gate_destroy(&gate);
	vgpu_sync_destroy(gpu, done);
	vgpu_commands_destroy(gpu, &todo);
	vgpu_bo_destroy(gpu, &data);
}

/* A second address space in the same file, whose number goes before its job runs. */
static void test_vm_destroyed(struct vgpu *gpu)
{
	const uint64_t code = 1ull << 40, data = code + 4096;
	struct vgpu_commands todo = { 0 };
	uint32_t vm, id, done = syncobj(gpu);
	struct vgpu_bo shared;
	struct drm_vgpu_job job;
	struct task task;
	struct gate gate;

	ktap_must(vgpu_bo_create_shared(gpu, 4096, DRM_VGPU_GEM_VRAM, RW, &shared), "no buffer");
	ktap_must(vgpu_bo_create_shared(gpu, 4096, DRM_VGPU_GEM_VRAM, RW, &todo.bo), "no buffer");
	ktap_must(vgpu_vm_create(gpu, &vm), "no VM");
	ktap_must(vgpu_map(gpu, vm, todo.bo.handle, 0, code, 4096, DRM_VGPU_BIND_EXECUTE),
		  "cannot map");
	ktap_must(vgpu_map(gpu, vm, shared.handle, 0, data, 4096, DRM_VGPU_BIND_WRITE),
		  "cannot map");
	ktap_must(vgpu_queue_create(gpu, vm, 0, 0, &id), "no queue");
	vgpu_emit_fill(&todo, data, 4, 7);
	task_make(&task, &todo, 0, done);
	task.command.addr = code;
	job = task.job;
	gate_close(&gate, gpu, gpu->queues[0]);
	ktap_equal(vgpu_submit(gpu, id, &job, 1), 0, "a job of another VM is accepted");
	ktap_equal(vgpu_vm_destroy(gpu, vm), 0, "the VM is destroyed");
	vgpu_queue_destroy(gpu, id);
	gate_open(&gate);
	ktap_equal(wait_for(gpu, done), 1, "its job runs in it all the same");
	ktap_equal(*(uint32_t *)shared.map, 7, "with what was mapped there");
	gate_destroy(&gate);
	vgpu_sync_destroy(gpu, done);
	vgpu_bo_destroy(gpu, &todo.bo);
	vgpu_bo_destroy(gpu, &shared);
}

/* ------------------------------------------------------------------------ */
/* Order                                                                     */

/*
 * A chain of jobs: each copies the number before and writes the next one, so that
 * one out of order breaks the chain.
 */
static void emit_link(struct vgpu_commands *todo, const struct vgpu_bo *data, uint32_t i)
{
	vgpu_emit_copy(todo, data->addr + 8 * (i + 1), data->addr, 8);
	vgpu_emit_fill(todo, data->addr, 4, i + 1);
}

static uint32_t links_wrong(const struct vgpu_bo *data, uint32_t count)
{
	const uint64_t *word = data->map;
	uint32_t i, wrong = (uint32_t)word[0] != count;

	for (i = 0; i < count; i++)
		wrong += (uint32_t)word[i + 1] != i;
	return wrong;
}

/* Over all queues */
#define CHAIN 48

static void test_chain(struct vgpu *gpu, const char *what, bool timeline)
{
	struct vgpu_bo data = buffer(gpu, (CHAIN + 1) * 8);
	struct vgpu_commands todo[CHAIN];
	uint32_t line = syncobj(gpu), binary[CHAIN], ids[CHAIN], i, wrong = 0;
	struct task task;

	for (i = 0; i < CHAIN; i++) {
		todo[i] = commands(gpu);
		binary[i] = syncobj(gpu);
		ids[i] = queue(gpu, i % gpu->rings, i % 3);
		if (i % 5 == 0)
			vgpu_emit_spin(&todo[i], false, 20, 20000, VGPU_SPIN_NO_COUNT);
		emit_link(&todo[i], &data, i);
	}
	for (i = 0; i < CHAIN; i++) {
		task_make(&task, &todo[i], i ? binary[i - 1] : 0, binary[i]);
		if (timeline) {
			task.in = (struct drm_vgpu_sync){ .handle = line, .point = 10 * i };
			task.out = (struct drm_vgpu_sync){ .handle = line, .point = 10 * i + 10 };
		}
		wrong += !!vgpu_submit(gpu, ids[i], &task.job, 1);
	}
	ktap_equal(wrong, 0, what);
	if (timeline)
		vgpu_sync_wait(gpu, line, 10 * CHAIN, VGPU_RUN_TIMEOUT_MS);
	else
		wait_for(gpu, binary[CHAIN - 1]);
	ktap_equal(links_wrong(&data, CHAIN), 0, "its jobs have run one behind the other");
	for (i = 0; i < CHAIN; i++) {
		vgpu_sync_destroy(gpu, binary[i]);
		vgpu_queue_destroy(gpu, ids[i]);
		vgpu_commands_destroy(gpu, &todo[i]);
	}
	vgpu_sync_destroy(gpu, line);
	vgpu_bo_destroy(gpu, &data);
}

/* Points of one line, waited for out of order; an old point is there for ever. */
static void test_points(struct vgpu *gpu)
{
	uint32_t line = syncobj(gpu), late = syncobj(gpu), done[3], i;
	struct task task;
	struct gate gate;
	uint64_t point;

	gate_close(&gate, gpu, gpu->queues[0]);
	for (i = 0; i < 3; i++) {
		done[i] = syncobj(gpu);
		task_make(&task, NULL, i ? 0 : gate.passed, line);
		task.out.point = i + 1;
		vgpu_submit(gpu, gpu->queues[1 + i % (gpu->rings - 1)], &task.job, 1);
	}
	vgpu_sync_query(gpu, line, &point);
	ktap_equal(point, 0, "no point of a timeline is reached while the first one waits");
	task_make(&task, NULL, line, done[0]);
	task.in.point = 4;
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], &task.job, 1), -EINVAL,
		   "a point that is not on the line cannot be waited for");
	task.in.point = 2;
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], &task.job, 1), 0, "one that is can");
	gate_open(&gate);
	ktap_equal(wait_for(gpu, done[0]), 1, "it is reached");
	ktap_equal(vgpu_sync_wait(gpu, line, 3, VGPU_RUN_TIMEOUT_MS), 0, "so is the last one");
	task_make(&task, NULL, line, late);
	task.in.point = 1;
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], &task.job, 1), 0, "the first one still is");
	ktap_equal(wait_for(gpu, late), 1, "and holds nobody up");
	gate_destroy(&gate);
	for (i = 0; i < 3; i++)
		vgpu_sync_destroy(gpu, done[i]);
	vgpu_sync_destroy(gpu, line);
	vgpu_sync_destroy(gpu, late);
}

/* As many syncs as there can be, the last of which counts. */
static void test_many_syncs(struct vgpu *gpu)
{
	struct drm_vgpu_sync in[SYNCS_MAX + 1] = { 0 }, out[SYNCS_MAX + 1] = { 0 };
	struct drm_vgpu_job job = { .in_syncs = (uintptr_t)in, .out_syncs = (uintptr_t)out };
	uint32_t i, wrong = 0;
	struct gate gate;

	gate_close(&gate, gpu, gpu->queues[0]);
	for (i = 0; i <= SYNCS_MAX; i++) {
		ktap_must(vgpu_sync_create(gpu, true, &in[i].handle), "no syncobj");
		out[i].handle = syncobj(gpu);
	}
	vgpu_sync_destroy(gpu, in[SYNCS_MAX - 1].handle);
	in[SYNCS_MAX - 1].handle = gate.passed;
	job.in_sync_count = SYNCS_MAX + 1;
	ktap_equal(vgpu_submit(gpu, gpu->queues[1], &job, 1), -EINVAL, "65 in-syncs are too many");
	job.in_sync_count = SYNCS_MAX;
	job.out_sync_count = SYNCS_MAX + 1;
	ktap_equal(vgpu_submit(gpu, gpu->queues[1], &job, 1), -EINVAL, "so are 65 out-syncs");
	job.out_sync_count = SYNCS_MAX;
	ktap_equal(vgpu_submit(gpu, gpu->queues[1], &job, 1), 0, "64 of each are not");
	for (i = 0; i < SYNCS_MAX; i++)
		wrong += vgpu_sync_status(gpu, out[i].handle) != 0;
	ktap_equal(wrong, 0, "all wait for the last in-sync");
	gate_open(&gate);
	for (i = 0; i < SYNCS_MAX; i++)
		wrong += wait_for(gpu, out[i].handle) != 1;
	ktap_equal(wrong, 0, "and are signalled when it is");
	gate_destroy(&gate);
	for (i = 0; i <= SYNCS_MAX; i++) {
		vgpu_sync_destroy(gpu, in[i].handle);
		vgpu_sync_destroy(gpu, out[i].handle);
	}
}

static int export_sync_file(struct vgpu *gpu, uint32_t handle)
{
	struct drm_syncobj_handle export = {
		.handle = handle, .fd = -1,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	int ret = vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);

	return ret ? ret : export.fd;
}

static uint32_t import_sync_file(struct vgpu *gpu, int fd)
{
	struct drm_syncobj_handle import = {
		.handle = syncobj(gpu), .fd = fd,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
	};

	ktap_must(fd < 0 ? fd : vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import),
		  "cannot import a sync_file");
	close(fd);
	return import.handle;
}

/* The clock of the device is the same for all its functions. */
static void test_sync_file(struct vgpu *gpu, struct vgpu *other, const char *what)
{
	struct vgpu_bo first = buffer(gpu, 4096), second = buffer(other, 4096);
	struct vgpu_commands early = commands(gpu), late = commands(other);
	uint32_t passed = syncobj(gpu), done = syncobj(other), in;
	uint64_t *end = first.map, *begin = second.map;
	struct gate gate;

	gate_close(&gate, gpu, gpu->queues[0]);
	vgpu_emit_spin(&early, false, 50, 20000, VGPU_SPIN_NO_COUNT);
	vgpu_emit_timestamp(&early, first.addr);
	vgpu_emit_timestamp(&late, second.addr);
	submit(gpu, gpu->queues[0], &early, 0, passed);
	in = import_sync_file(other, export_sync_file(gpu, passed));
	ktap_equal(submit(other, other->queues[0], &late, in, done), 0, what);
	ktap_equal(vgpu_sync_status(other, done), 0, "it waits for it");
	gate_open(&gate);
	ktap_equal(wait_for(other, done), 1, "it ends");
	ktap_ok(end[0] && begin[0] >= end[0], "and has begun when the other one had ended");
	gate_destroy(&gate);
	vgpu_sync_destroy(gpu, passed);
	vgpu_sync_destroy(other, done);
	vgpu_sync_destroy(other, in);
	vgpu_commands_destroy(gpu, &early);
	vgpu_commands_destroy(other, &late);
	vgpu_bo_destroy(gpu, &first);
	vgpu_bo_destroy(other, &second);
}

/* ------------------------------------------------------------------------ */
/* What goes into the ring at once, and what goes through drm_sched           */

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

static void links_make(struct links *links, struct vgpu *gpu, uint32_t id)
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

static int links_submit(struct links *links, uint32_t i, uint32_t in)
{
	struct task task;

	task_make(&task, &links->todo, in, links->done[i]);
	task.command.addr += links->offset[i];
	task.command.bytes = links->offset[i + 1] - links->offset[i];
	return vgpu_submit(links->gpu, links->queue, &task.job, 1);
}

static uint32_t links_signalled(struct links *links, uint32_t from)
{
	uint32_t count = 0;

	for (; from < LINKS; from++)
		count += vgpu_sync_status(links->gpu, links->done[from]) != 0;
	return count;
}

static uint32_t links_failed(struct links *links)
{
	uint32_t i, count = 0;

	for (i = 0; i < LINKS; i++)
		count += wait_for(links->gpu, links->done[i]) != 1;
	return count + links_wrong(&links->data, LINKS);
}

static void links_destroy(struct links *links)
{
	uint32_t i;

	for (i = 0; i < LINKS; i++)
		vgpu_sync_destroy(links->gpu, links->done[i]);
	vgpu_commands_destroy(links->gpu, &links->todo);
	vgpu_bo_destroy(links->gpu, &links->data);
}

/* The ring is empty all the time: what holds them up is one of their own queue. */
static void test_behind(struct vgpu *gpu)
{
	uint32_t id = queue(gpu, 1, 0), i, wrong = 0;
	struct links links;
	struct gate gate;

	gate_close(&gate, gpu, gpu->queues[0]);
	links_make(&links, gpu, id);
	wrong += !!links_submit(&links, 0, 0);
	ktap_equal(wait_for(gpu, links.done[0]), 1, "a job that waits for nothing ends");
	for (i = 1; i < LINKS; i++)
		wrong += !!links_submit(&links, i, i % 7 == 1 ? gate.passed : 0);
	ktap_equal(wrong, 0, "jobs behind one that waits are accepted");
	run_nop(gpu, 1);
	ktap_equal(links_signalled(&links, 1), 0, "they wait, too, while others overtake them");
	gate_open(&gate);
	ktap_equal(links_failed(&links), 0, "and run in order");
	ktap_equal(direct_jobs(gpu, id), 1, "only the first one went into the ring at once");
	wrong = !!submit(gpu, id, NULL, 0, 0);
	ktap_equal(wrong + direct_jobs(gpu, id), 2, "and one behind all that");
	gate_destroy(&gate);
	links_destroy(&links);
	vgpu_queue_destroy(gpu, id);
}

/* More than the ring takes, all ready: some at once, some later, some wait outside. */
static void test_full_ring(struct vgpu *gpu)
{
	uint32_t id = queue(gpu, 0, 0), i, wrong = 0;
	struct links links;
	struct gate gate;
	long long direct;

	gate_close(&gate, gpu, id);
	links_make(&links, gpu, id);
	for (i = 0; i < LINKS; i++)
		wrong += !!links_submit(&links, i, 0);
	ktap_equal(wrong, 0, "more jobs than the ring takes are accepted");
	ktap_equal(links_signalled(&links, 0), 0, "they wait for the first one");
	direct = direct_jobs(gpu, id);
	ktap_ok(direct > 1 && direct < RING_JOBS, "some have gone into the ring at once");
	gate_open(&gate);
	ktap_equal(links_failed(&links), 0, "all run in order");
	gate_destroy(&gate);
	links_destroy(&links);
	vgpu_queue_destroy(gpu, id);
}

static void test_one_by_one(struct vgpu *gpu)
{
	uint32_t id = queue(gpu, 0, 0), i, wrong = 0;
	struct links links;

	links_make(&links, gpu, id);
	for (i = 0; i < LINKS; i++)
		wrong += links_submit(&links, i, 0) || wait_for(gpu, links.done[i]) != 1;
	ktap_equal(wrong + links_failed(&links), 0, "jobs one by one run in order");
	ktap_equal(direct_jobs(gpu, id), LINKS, "all have gone into the ring at once");
	links_destroy(&links);
	vgpu_queue_destroy(gpu, id);
}

/* The guilty one, and two behind it, are in the ring; the others wait outside. */
#define GUILTY 4
#define OUTSIDE (GUILTY + 2)
#define NOWHERE (1ull << 44)

static void test_ban(struct vgpu *gpu)
{
	uint32_t id = queue(gpu, 0, 0), bad = syncobj(gpu), i, wrong = 0;
	struct vgpu_commands fault = commands(gpu);
	struct gate inside, outside;
	struct links links;

	vgpu_emit_fill(&fault, NOWHERE, 64, 1);
	gate_close(&inside, gpu, id);
	gate_close(&outside, gpu, gpu->queues[1]);
	links_make(&links, gpu, id);
	for (i = 0; i < LINKS; i++) {
		if (i == GUILTY)
			wrong += !!submit(gpu, id, &fault, 0, bad);
		wrong += !!links_submit(&links, i, i == OUTSIDE ? outside.passed : 0);
	}
	ktap_equal(wrong, 0, "a job that faults is among others");
	gate_open(&inside);
	ktap_equal(wait_for(gpu, bad), -EIO, "it is to blame");
	for (i = 0; i < GUILTY; i++)
		wrong += wait_for(gpu, links.done[i]) != 1;
	for (; i < OUTSIDE; i++)
		wrong += wait_for(gpu, links.done[i]) != -ECANCELED;
	ktap_equal(wrong, 0, "those before it have run, those in the ring behind it have not");
	ktap_equal(links_submit(&links, 0, 0), -ECANCELED, "the queue takes no more");
	gate_open(&outside);
	for (i = OUTSIDE; i < LINKS; i++)
		wrong += wait_for(gpu, links.done[i]) != -ECANCELED;
	ktap_equal(wrong + (((uint64_t *)links.data.map)[0] != GUILTY), 0,
		   "nor do those that waited outside run");
	gate_destroy(&inside);
	gate_destroy(&outside);
	links_destroy(&links);
	vgpu_sync_destroy(gpu, bad);
	vgpu_commands_destroy(gpu, &fault);
	vgpu_queue_destroy(gpu, id);
}

/* Now and then one has to wait for a job of another ring. */
static int links_submit_all(struct links *links, uint32_t other, uint32_t passed,
			    const struct vgpu_commands *slow, uint64_t seed)
{
	uint32_t i, in;
	int ret = 0;

	for (i = 0; i < LINKS && !ret; i++) {
		in = vgpu_random(&seed) % 4 ? 0 : passed;
		if (in)
			ret = submit(links->gpu, other, slow, 0, passed);
		ret = ret ? ret : links_submit(links, i, in);
	}
	return ret;
}

#define SHARERS 4

/* One file and one queue, of which each process uses a chain of its own. */
static void test_shared_queue(struct vgpu *gpu)
{
	uint32_t id = queue(gpu, 0, 0), other = queue(gpu, 1, 0), i, wrong = 0;
	struct vgpu_commands slow = commands(gpu);
	struct links links[SHARERS];
	uint32_t passed[SHARERS];
	int status;

	vgpu_emit_spin(&slow, false, 10, 20000, VGPU_SPIN_NO_COUNT);
	fflush(stdout);
	for (i = 0; i < SHARERS; i++) {
		links_make(&links[i], gpu, id);
		passed[i] = syncobj(gpu);
	}
	for (i = 0; i < SHARERS; i++)
		if (!fork())
			_exit(!!links_submit_all(&links[i], other, passed[i], &slow, i + 1));
	for (i = 0; i < SHARERS; i++)
		wrong += wait(&status) < 0 || status;
	ktap_equal(wrong, 0, "four processes submit to the same queue");
	for (i = 0; i < SHARERS; i++) {
		wrong += links_failed(&links[i]);
		links_destroy(&links[i]);
		vgpu_sync_destroy(gpu, passed[i]);
	}
	ktap_equal(wrong, 0, "jobs of each of them run in order");
	vgpu_commands_destroy(gpu, &slow);
	vgpu_queue_destroy(gpu, id);
	vgpu_queue_destroy(gpu, other);
}

/* ------------------------------------------------------------------------ */
/* Batches                                                                   */

#define BATCH 64

/* Each copies what the one before has left, and writes the next. */
static void test_batch(struct vgpu *gpu)
{
	static struct task tasks[BATCH];
	struct drm_vgpu_job jobs[BATCH];
	struct vgpu_bo data = buffer(gpu, (BATCH + 1) * 8);
	struct vgpu_commands todo[BATCH];
	uint32_t done[BATCH], i, wrong = 0;
	uint64_t *word = data.map;

	for (i = 0; i < BATCH; i++) {
		todo[i] = commands(gpu);
		done[i] = syncobj(gpu);
		emit_link(&todo[i], &data, i);
		task_make(&tasks[i], &todo[i], 0, done[i]);
		jobs[i] = tasks[i].job;
	}
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], jobs, BATCH + 1), -EINVAL,
		   "65 jobs are no batch");
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], jobs, BATCH), 0, "64 are");
	for (i = 0; i < BATCH; i++)
		wrong += wait_for(gpu, done[i]) != 1;
	ktap_equal(wrong + links_wrong(&data, BATCH), 0, "each has run once, in order");

	/* The last one is wrong: nothing must happen. */
	for (i = 0; i < BATCH; i++)
		vgpu_sync_reset(gpu, done[i]);
	tasks[BATCH - 1].command.bytes = 4;
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], jobs, BATCH), -EINVAL,
		   "a batch with one job that is wrong is refused");
	for (i = 0; i < BATCH; i++)
		wrong += vgpu_sync_status(gpu, done[i]) != -ENOENT;
	ktap_equal(wrong, 0, "no syncobj has changed");
	submit(gpu, gpu->queues[0], NULL, 0, done[0]);
	ktap_equal(wait_for(gpu, done[0]), 1, "the queue goes on");
	ktap_equal(word[0], BATCH, "and nothing of it has run");

	for (i = 0; i < BATCH; i++) {
		vgpu_sync_destroy(gpu, done[i]);
		vgpu_commands_destroy(gpu, &todo[i]);
	}
	vgpu_bo_destroy(gpu, &data);
}

/* Later elements may be larger: what we do not know must be zero. */
static void test_larger_jobs(struct vgpu *gpu)
{
	struct {
		struct drm_vgpu_job job;
		uint64_t more[2];
	} jobs[2] = { 0 };
	struct drm_vgpu_submit args = {
		.queue_id = gpu->queues[0], .job_count = 2, .job_bytes = sizeof(jobs[0]),
		.jobs = (uintptr_t)jobs,
	};

	ktap_equal(vgpu_call(gpu, DRM_IOCTL_VGPU_SUBMIT, &args), 0,
		   "jobs of a later version are accepted");
	jobs[1].more[1] = 1;
	ktap_equal(vgpu_call(gpu, DRM_IOCTL_VGPU_SUBMIT, &args), -E2BIG,
		   "unless they want something");
	args.job_bytes = 48;
	ktap_equal(vgpu_call(gpu, DRM_IOCTL_VGPU_SUBMIT, &args), -EINVAL,
		   "jobs that are too short are not");
}

/* ------------------------------------------------------------------------ */
/* Fences in memory                                                          */

/* Without the kernel. Returns false if it takes for ever. */
static bool poll_memory(const volatile uint64_t *where, uint64_t value)
{
	uint64_t spins;

	for (spins = 0; *where != value && spins < 1ull << 32; spins++)
		sched_yield();
	return *where == value;
}

static void test_user_fence(struct vgpu *gpu)
{
	struct vgpu_bo data = buffer(gpu, 4096), fences = buffer(gpu, 4096);
	struct vgpu_commands todo = commands(gpu);
	volatile uint64_t *fence = fences.map;
	uint32_t *word = data.map, i, wrong = 0;
	uint32_t done = syncobj(gpu);
	struct task task;

	vgpu_emit_spin(&todo, false, 10, 20000, VGPU_SPIN_NO_COUNT);
	vgpu_emit_fill(&todo, data.addr, 4096, 0xabcd);
	task_make(&task, &todo, 0, 0);
	task.job.flags = DRM_VGPU_JOB_FENCE;
	task.job.fence_addr = fences.addr + 16;
	task.job.fence_value = 0x123456789abcdef0;
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], &task.job, 1), 0,
		   "a job with a fence in memory is accepted");
	ktap_ok(poll_memory(&fence[2], 0x123456789abcdef0), "the process sees its value");
	for (i = 0; i < 1024; i++)
		wrong += word[i] != 0xabcd;
	ktap_equal(wrong, 0, "and all that the job has written before");
	ktap_ok(!fence[1] && !fence[3], "nothing is written beside it");

	/* Of a job without commands, behind others */
	task.job.command_count = 0;
	task.job.fence_value = 2;
	vgpu_submit(gpu, gpu->queues[0], &task.job, 1);
	ktap_ok(poll_memory(&fence[2], 2), "an empty job can have one");

	task.job.fence_addr = fences.addr + 4;
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], &task.job, 1), -EINVAL,
		   "its address is a multiple of 8");
	task.job.fence_addr = 1ull << VGPU_VA_BITS;
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], &task.job, 1), -EINVAL,
		   "and in the address space");
	task.job.flags = 0;
	ktap_equal(vgpu_submit(gpu, gpu->queues[0], &task.job, 1), -EINVAL,
		   "without a fence it has no address");
	submit(gpu, gpu->queues[0], NULL, 0, done);
	ktap_equal(wait_for(gpu, done), 1, "all this hurts nobody");
	vgpu_sync_destroy(gpu, done);
	vgpu_commands_destroy(gpu, &todo);
	vgpu_bo_destroy(gpu, &data);
	vgpu_bo_destroy(gpu, &fences);
}

/* ------------------------------------------------------------------------ */
/* Priorities                                                                */

#define SAME 6

/**
 * struct class - jobs of one priority
 * @queue: of that priority
 * @stamps: when each has run
 * @todo: TIMESTAMP of each
 * @done: of the last one
 */
struct class {
	uint32_t queue;
	struct vgpu_bo stamps;
	struct vgpu_commands todo[SAME];
	uint32_t done;
};

static void class_submit(struct vgpu *gpu, struct class *class, uint32_t priority)
{
	uint32_t i;

	class->queue = queue(gpu, 0, priority);
	class->stamps = buffer(gpu, SAME * 16);
	class->done = syncobj(gpu);
	for (i = 0; i < SAME; i++) {
		class->todo[i] = commands(gpu);
		vgpu_emit_timestamp(&class->todo[i], class->stamps.addr + 16 * i);
		vgpu_emit_spin(&class->todo[i], false, 2, 20000, VGPU_SPIN_NO_COUNT);
		ktap_must(submit(gpu, class->queue, &class->todo[i], 0, class->done),
			  "cannot submit");
	}
}

static uint64_t class_begin(const struct class *class)
{
	return ((uint64_t *)class->stamps.map)[0];
}

static uint64_t class_end(const struct class *class)
{
	return ((uint64_t *)class->stamps.map)[2 * (SAME - 1)];
}

static void class_destroy(struct vgpu *gpu, struct class *class)
{
	uint32_t i;

	for (i = 0; i < SAME; i++)
		vgpu_commands_destroy(gpu, &class->todo[i]);
	vgpu_queue_destroy(gpu, class->queue);
	vgpu_sync_destroy(gpu, class->done);
	vgpu_bo_destroy(gpu, &class->stamps);
}

/*
 * A gate, and as many jobs of the same queue as the ring takes. They have the
 * highest priority and are the oldest, so they are in the ring, or will be, before
 * all others; these wait outside, where priorities count.
 */
static void test_priorities(struct vgpu *gpu)
{
	uint32_t first = queue(gpu, 0, DRM_VGPU_PRIORITY_HIGH), i;
	struct class low, normal, high;
	struct gate gate;

	gate_close(&gate, gpu, first);
	for (i = 1; i < RING_JOBS; i++)
		ktap_must(submit(gpu, first, NULL, 0, 0), "cannot submit");
	class_submit(gpu, &low, DRM_VGPU_PRIORITY_LOW);
	class_submit(gpu, &normal, DRM_VGPU_PRIORITY_NORMAL);
	class_submit(gpu, &high, DRM_VGPU_PRIORITY_HIGH);
	gate_open(&gate);
	ktap_ok(wait_for(gpu, low.done) == 1 && wait_for(gpu, normal.done) == 1 &&
		wait_for(gpu, high.done) == 1, "jobs of all priorities end");
	ktap_ok(class_end(&high) < class_begin(&normal),
		"those of high priority, submitted last, run first");
	ktap_ok(class_end(&normal) < class_begin(&low),
		"those of low priority, submitted first, run last");
	gate_destroy(&gate);
	class_destroy(gpu, &low);
	class_destroy(gpu, &normal);
	class_destroy(gpu, &high);
	vgpu_queue_destroy(gpu, first);
}

/* ------------------------------------------------------------------------ */
/* Processes that go                                                         */

static int export_syncobj(struct vgpu *gpu, uint32_t handle)
{
	struct drm_syncobj_handle export = { .handle = handle, .fd = -1 };
	int ret = vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);

	ktap_must(ret, "cannot export a syncobj");
	return export.fd;
}

static uint32_t import_syncobj(struct vgpu *gpu, int fd)
{
	struct drm_syncobj_handle import = { .fd = fd };

	if (vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import))
		_exit(2);
	return import.handle;
}

/*
 * With a file of its own: a long job, and one that another process's gate lets pass.
 * Not on the gate's ring, where that would be in order without waiting.
 */
static void child(const char *node, int gate_fd, int waits_fd, int runs_fd, int ready)
{
	struct vgpu_commands todo, slow;
	struct vgpu_bo begun;
	struct vgpu gpu;

	if (vgpu_open(&gpu, node) || vgpu_commands_create(&gpu, 4096, &todo) ||
	    vgpu_commands_create(&gpu, 4096, &slow) ||
	    vgpu_bo_create(&gpu, 4096, RW, &begun))
		_exit(2);
	vgpu_emit_nop(&todo, 1);
	vgpu_emit_fence(&slow, begun.addr, 1);
	vgpu_emit_spin(&slow, false, 5000, 20000, VGPU_SPIN_NO_COUNT);
	if (submit(&gpu, gpu.queues[1], &slow, 0, import_syncobj(&gpu, runs_fd)) ||
	    submit(&gpu, gpu.queues[1], &todo, import_syncobj(&gpu, gate_fd),
		   import_syncobj(&gpu, waits_fd)) ||
	    !poll_memory(begun.map, 1) || write(ready, "", 1) != 1)
		_exit(2);
}

/*
 * A process goes, with a job in the ring and one that waits for another process:
 * @how is the signal that kills it, or 0. @want: how the waiting one ends.
 */
static void test_process_goes(struct vgpu *gpu, int how, int want, const char *what)
{
	uint32_t waits = syncobj(gpu), runs = syncobj(gpu);
	struct gate gate;
	int ready[2], status;
	pid_t pid;
	char byte;

	gate_close(&gate, gpu, gpu->queues[0]);
	ktap_must(pipe(ready) ? -errno : 0, "no pipe");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		child(gpu->path, export_syncobj(gpu, gate.passed), export_syncobj(gpu, waits),
		      export_syncobj(gpu, runs), ready[1]);
		if (how)
			pause();
		exit(0);
	}
	close(ready[1]);
	ktap_must(read(ready[0], &byte, 1) == 1 ? 0 : -EPIPE, "the child cannot work");
	if (how)
		kill(pid, how);
	waitpid(pid, &status, 0);
	ktap_ok(how ? WIFSIGNALED(status) : WIFEXITED(status) && !WEXITSTATUS(status),
		"%s", what);
	gate_open(&gate);
	ktap_equal(wait_for(gpu, waits), want, "this becomes of its job that waited");
	ktap_ok(vgpu_sync_status(gpu, runs), "not before the one ahead of it has ended");
	ktap_equal(wait_for(gpu, runs), 1, "the one in the ring runs to its end");
	close(ready[0]);
	gate_destroy(&gate);
	vgpu_sync_destroy(gpu, waits);
	vgpu_sync_destroy(gpu, runs);
}

/* Random work without end, a byte for each step, on a file of its own. */
static void busy(const char *node, uint64_t seed, int progress)
{
	struct vgpu_commands todo[4];
	struct drm_vgpu_job jobs[8];
	struct task tasks[8];
	uint32_t ids[8], line, i, count;
	struct vgpu_bo data[4];
	struct vgpu gpu;

	if (vgpu_open(&gpu, node) || vgpu_sync_create(&gpu, false, &line))
		_exit(2);
	for (i = 0; i < 4; i++) {
		if (vgpu_bo_create(&gpu, 65536 << (3 * i), RW, &data[i]) ||
		    vgpu_commands_create(&gpu, 4096, &todo[i]))
			_exit(2);
		vgpu_emit_fill(&todo[i], data[i].addr, data[i].size, i);
		vgpu_emit_spin(&todo[i], i & 1, 50, 20000, VGPU_SPIN_NO_COUNT);
	}
	for (;;) {
		for (i = 0; i < 8; i++)
			vgpu_queue_create(&gpu, gpu.vm, vgpu_random(&seed) % gpu.rings, i % 3,
					  &ids[i]);
		for (i = 0; i < 8; i++) {
			task_make(&tasks[i], &todo[vgpu_random(&seed) % 4], 0, line);
			jobs[i] = tasks[i].job;
		}
		count = 1 + vgpu_random(&seed) % 8;
		vgpu_submit(&gpu, ids[vgpu_random(&seed) % 8], jobs, count);
		if (write(progress, "", 1) != 1)
			_exit(2);
		for (i = 0; i < 8; i++)
			vgpu_queue_destroy(&gpu, ids[i]);
		if (vgpu_random(&seed) % 4 == 0)
			vgpu_sync_wait(&gpu, line, 0, VGPU_RUN_TIMEOUT_MS);
	}
}

/* Killed after so many steps, and somewhere in the next one. */
static bool kill_at(const char *node, uint64_t seed, uint64_t steps)
{
	int progress[2], status;
	pid_t pid;
	char byte;

	if (pipe(progress))
		return false;
	fflush(stdout);
	pid = fork();
	if (!pid)
		busy(node, seed, progress[1]);
	close(progress[1]);
	while (steps-- && read(progress[0], &byte, 1) == 1)
		;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(progress[0]);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/*
 * Freeing is asynchronous; some jobs later it must be done. There may be more than
 * before, as what earlier tests have left was on its way then, too.
 */
static bool vram_returns(struct vgpu *gpu, uint64_t before)
{
	uint64_t now = 0;
	int tries;

	for (tries = 0; tries < 20000 && now < before; tries++) {
		run_nop(gpu, 0);
		vgpu_param(gpu, DRM_VGPU_PARAM_VRAM_FREE, &now);
	}
	if (now < before)
		printf("# %llu bytes were free, %llu are\n", (unsigned long long)before,
		       (unsigned long long)now);
	return now >= before;
}

#define KILLS 24

static void test_kills(struct vgpu *gpu)
{
	uint64_t before, seed = 11;
	uint32_t i, survived = 0;

	run_nop(gpu, 0);
	vgpu_param(gpu, DRM_VGPU_PARAM_VRAM_FREE, &before);
	for (i = 0; i < KILLS; i++)
		survived += !kill_at(gpu->path, vgpu_random(&seed), vgpu_random(&seed) % 40);
	ktap_equal(survived, 0, "24 processes are killed at work");
	ktap_ok(vram_returns(gpu, before), "all their VRAM comes back");
}

/* ------------------------------------------------------------------------ */
/* What is told                                                              */

static void test_accounting(const char *node)
{
	unsigned long long engine, other;
	struct drm_vgpu_queue_state state;
	struct vgpu_commands todo;
	struct vgpu_bo stamps;
	struct vgpu gpu;
	uint64_t *stamp;

	ktap_must(vgpu_open(&gpu, node), node);
	todo = commands(&gpu);
	stamps = buffer(&gpu, 4096);
	stamp = stamps.map;
	ktap_equal(fdinfo_of(&gpu, "drm-engine-ring0"), 0, "fdinfo: nothing has run yet");
	vgpu_emit_timestamp(&todo, stamps.addr);
	vgpu_emit_spin(&todo, false, 1000, 20000, VGPU_SPIN_NO_COUNT);
	vgpu_emit_timestamp(&todo, stamps.addr + 16);
	ktap_equal(vgpu_run(&gpu, 0, &todo), 0, "a job of 20 ms runs");
	vgpu_queue_state(&gpu, gpu.queues[0], &state);
	engine = fdinfo_of(&gpu, "drm-engine-ring0");
	other = fdinfo_of(&gpu, "drm-engine-ring1");
	ktap_equal(engine, state.gpu_time, "fdinfo and the queue say the same GPU time");
	ktap_ok(engine >= stamp[3] - stamp[1], "which is at least what the job has measured");
	ktap_ok(stamp[3] - stamp[1] >= 20000000, "which is at least 20 ms");
	ktap_equal(other, 0, "another ring has done nothing");
	ktap_equal(fdinfo_of(&gpu, "drm-cycles-ring0"), engine, "cycles are ns of GPU time");
	ktap_ok(fdinfo_of(&gpu, "drm-total-cycles-ring0") >= stamp[2],
		"of those of the device's clock");
	ktap_ok(!state.flags && !state.error && !state.fault && !state.lost,
		"nothing bad has happened to the queue");
	vgpu_close(&gpu);
}

/* ------------------------------------------------------------------------ */
/* A reset is nobody's fault                                                 */

static void reset_function(struct vgpu *gpu)
{
	char path[128];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "/sys/class/drm/%s/device/reset",
		 strrchr(gpu->path, '/') + 1);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "1", 1) != 1)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	ktap_equal(ret, 0, "the function is reset");
}

#define LOST_JOBS 40

static void test_reset(const char *node)
{
	uint32_t done[LOST_JOBS], i, complete = 0, canceled = 0;
	struct drm_vgpu_queue_state state;
	struct vgpu_commands todo;
	struct vgpu_bo data;
	struct vgpu gpu;
	struct gate gate;

	ktap_must(vgpu_open(&gpu, node), node);
	todo = commands(&gpu);
	data = buffer(&gpu, 4096);
	vgpu_emit_nop(&todo, 1);
	gate_close(&gate, &gpu, gpu.queues[0]);
	for (i = 0; i < LOST_JOBS; i++) {
		done[i] = syncobj(&gpu);
		submit(&gpu, gpu.queues[0], &todo, 0, done[i]);
	}
	reset_function(&gpu);
	for (i = 0; i < LOST_JOBS; i++)
		canceled += wait_for(&gpu, done[i]) == -ECANCELED;
	ktap_ok(wait_for(&gpu, gate.passed) == -ECANCELED && canceled,
		"what was in the ring is canceled");
	for (i = 0; i < LOST_JOBS; i++)
		complete += vgpu_sync_status(&gpu, done[i]) != -ECANCELED;
	printf("# %u canceled, %u not\n", canceled, complete);
	vgpu_queue_state(&gpu, gpu.queues[0], &state);
	ktap_equal(state.flags, DRM_VGPU_QUEUE_LOST, "the queue has lost jobs, and is not banned");
	ktap_equal(state.lost, canceled + 1, "as many as were canceled");

	vgpu_commands_reset(&todo);
	vgpu_emit_fill(&todo, data.addr, 4, 4711);
	ktap_equal(vgpu_run(&gpu, 0, &todo), 0, "it goes on");
	ktap_equal(*(uint32_t *)data.map, 4711, "and does what it should");
	vgpu_close(&gpu);
}

int main(int argc, char **argv)
{
	struct vgpu gpu, same, other;

	if (argc != 3) {
		fprintf(stderr, "usage: vf_queue NODE OTHER\n");
		return 2;
	}
	ktap_begin("vf_queue");
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(vgpu_open(&same, argv[1]), argv[1]);
	ktap_must(vgpu_open(&other, argv[2]), argv[2]);
	ktap_must(gpu.rings < 2 ? -EOPNOTSUPP : 0, "two rings are needed");
	test_create(&gpu);
	test_high_needs_capability(&gpu);
	test_destroyed_with_jobs(&gpu);
	test_vm_destroyed(&gpu);
	test_behind(&gpu);
	test_full_ring(&gpu);
	test_one_by_one(&gpu);
	test_ban(&gpu);
	test_shared_queue(&gpu);
	test_chain(&gpu, "a chain of binary syncobjs over all queues is accepted", false);
	test_chain(&gpu, "a chain of points over all queues is accepted", true);
	test_points(&gpu);
	test_many_syncs(&gpu);
	test_sync_file(&gpu, &same, "a job waits for a sync_file of another file");
	test_sync_file(&gpu, &other, "a job waits for a sync_file of another function");
	test_batch(&gpu);
	test_larger_jobs(&gpu);
	test_user_fence(&gpu);
	test_priorities(&gpu);
	test_process_goes(&gpu, 0, 1, "a process exits");
	test_process_goes(&gpu, SIGKILL, -ESRCH, "a process is killed");
	test_kills(&gpu);
	test_accounting(argv[1]);
	test_reset(argv[2]);
	vgpu_close(&gpu);
	vgpu_close(&same);
	vgpu_close(&other);
	return ktap_end();
}

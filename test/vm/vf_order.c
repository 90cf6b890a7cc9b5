// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_order NODE OTHER
 *
 * What orders jobs, on NODE: binary and timeline syncobjs and sync_files, across queues,
 * rings, address spaces, files and functions: OTHER is another one; and the queue itself,
 * whose jobs go into the ring at once or wait in drm_sched.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "late.h"
#include "links.h"
#include "objects.h"
#include "tasks.h"
#include "vgpu.h"

/* Jobs that a ring takes at most, as the driver has it. */
#define RING_JOBS 32
#define SYNCS_MAX 64

/* ------------------------------------------------------------------------ */
/* By syncobjs                                                               */

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

/* Whoever is banned while it submits has no way past that either. */
static void test_ban_late(struct vgpu *gpu)
{
	uint32_t id = queue(gpu, 0, 0), bad = syncobj(gpu), done = syncobj(gpu);
	struct vgpu_commands fault = commands(gpu), todo = commands(gpu);
	struct vgpu_bo data = buffer(gpu, 4096);
	struct late late;

	vgpu_emit_fill(&fault, NOWHERE, 64, 1);
	vgpu_emit_fill(&todo, data.addr, 4, 1);
	late_begin(&late, gpu, id, &todo, done);
	ktap_equal(submit(gpu, id, &fault, 0, bad), 0, "a job that faults overtakes another one");
	ktap_equal(wait_for(gpu, bad), -EIO, "it is to blame");
	ktap_equal(late_end(&late), 0, "the other one is accepted");
	ktap_equal(wait_for(gpu, done), -ECANCELED, "but canceled");
	ktap_equal(*(uint32_t *)data.map, 0, "and does not run");
	vgpu_sync_destroy(gpu, bad);
	vgpu_sync_destroy(gpu, done);
	vgpu_commands_destroy(gpu, &fault);
	vgpu_commands_destroy(gpu, &todo);
	vgpu_bo_destroy(gpu, &data);
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

int main(int argc, char **argv)
{
	struct vgpu gpu, same, other;

	if (argc != 3) {
		fprintf(stderr, "usage: vf_order NODE OTHER\n");
		return 2;
	}
	ktap_begin("vf_order");
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(vgpu_open(&same, argv[1]), argv[1]);
	ktap_must(vgpu_open(&other, argv[2]), argv[2]);
	ktap_must(gpu.rings < 2 ? -EOPNOTSUPP : 0, "two rings are needed");
	test_behind(&gpu);
	test_full_ring(&gpu);
	test_one_by_one(&gpu);
	test_ban(&gpu);
	test_ban_late(&gpu);
	test_shared_queue(&gpu);
	test_chain(&gpu, "a chain of binary syncobjs over all queues is accepted", false);
	test_chain(&gpu, "a chain of points over all queues is accepted", true);
	test_points(&gpu);
	test_many_syncs(&gpu);
	test_sync_file(&gpu, &same, "a job waits for a sync_file of another file");
	test_sync_file(&gpu, &other, "a job waits for a sync_file of another function");
	vgpu_close(&gpu);
	vgpu_close(&same);
	vgpu_close(&other);
	return ktap_end();
}

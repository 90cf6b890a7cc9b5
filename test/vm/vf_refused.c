// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_refused NODE
 *
 * SUBMIT, by each way that jobs take into a ring, with its first allocation or copy from
 * the process made to fail, then with its second, … until there is none left: what is
 * refused has not run, has left no fence anywhere, and the next SUBMIT is as good as ever.
 * So are imports of a dma-buf of vgem, each of one that nobody has any more before its
 * fence is signalled: KASAN tells if the driver still uses it then.
 * Which allocations may fail is said before, see inject.sh.
 */
#include "ktap.h"
#include "objects.h"
#include "tasks.h"
#include "vgem.h"
#include "vgpu.h"

#define JOBS_MAX	4
/* More than any SUBMIT has. */
#define FAULTS_MAX	1000

/**
 * struct way - into the ring
 * @what: its name
 * @jobs: of one SUBMIT: each has a fence of its own, so none becomes part of another
 * @waits: for a job of another ring, so they go through drm_sched
 */
struct way {
	const char *what;
	uint32_t jobs;
	bool waits;
};

/**
 * struct batch - what is submitted again and again
 * @gpu: whose
 * @way: into the ring
 * @queue: of the second ring
 * @counts: one for each job: how often it has run
 * @todo: of each job
 * @tasks: the jobs
 * @outs: of each job: a binary syncobj, and a point of a timeline
 * @jobs: as SUBMIT takes them
 * @accepted: how often that was done
 */
struct batch {
	struct vgpu *gpu;
	const struct way *way;
	uint32_t queue;
	struct vgpu_bo counts;
	struct vgpu_commands todo[JOBS_MAX];
	struct task tasks[JOBS_MAX];
	struct drm_vgpu_sync outs[JOBS_MAX][2];
	struct drm_vgpu_job jobs[JOBS_MAX];
	uint32_t accepted;
};

static void batch_make(struct batch *batch, struct vgpu *gpu, const struct way *way)
{
	uint32_t i;

	*batch = (struct batch){ .gpu = gpu, .way = way, .queue = queue(gpu, 1, 0) };
	batch->counts = buffer(gpu, 4096);
	for (i = 0; i < way->jobs; i++) {
		batch->todo[i] = commands(gpu);
		vgpu_emit_spin(&batch->todo[i], false, 1, 0, batch->counts.addr + 8 * i);
		batch->outs[i][0].handle = syncobj(gpu);
		batch->outs[i][1].handle = syncobj(gpu);
	}
}

static void batch_destroy(struct batch *batch)
{
	uint32_t i;

	for (i = 0; i < batch->way->jobs; i++) {
		vgpu_sync_destroy(batch->gpu, batch->outs[i][0].handle);
		vgpu_sync_destroy(batch->gpu, batch->outs[i][1].handle);
		vgpu_commands_destroy(batch->gpu, &batch->todo[i]);
	}
	vgpu_bo_destroy(batch->gpu, &batch->counts);
	vgpu_queue_destroy(batch->gpu, batch->queue);
}

/* @in: what the first one waits for, or 0; the others are behind it. */
static struct drm_vgpu_submit batch_args(struct batch *batch, uint32_t in)
{
	uint32_t i;

	for (i = 0; i < batch->way->jobs; i++) {
		task_make(&batch->tasks[i], &batch->todo[i], i ? 0 : in, 0);
		batch->outs[i][1].point = batch->accepted + 1;
		batch->jobs[i] = batch->tasks[i].job;
		batch->jobs[i].out_syncs = (uintptr_t)batch->outs[i];
		batch->jobs[i].out_sync_count = 2;
	}
	return (struct drm_vgpu_submit){
		.queue_id = batch->queue, .job_count = batch->way->jobs,
		.job_bytes = sizeof(batch->jobs[0]), .jobs = (uintptr_t)batch->jobs,
	};
}

/* Return: how many of its fences there are, though it was refused. */
static uint32_t batch_left(struct batch *batch)
{
	uint32_t i, left = 0;
	uint64_t point;

	for (i = 0; i < batch->way->jobs; i++) {
		left += vgpu_sync_status(batch->gpu, batch->outs[i][0].handle) != -ENOENT;
		left += vgpu_sync_query(batch->gpu, batch->outs[i][1].handle, &point) ||
			point != batch->accepted;
	}
	return left;
}

/* Waits for all of it. Return: what is wrong then. */
static uint32_t batch_ends(struct batch *batch)
{
	uint64_t *counts = batch->counts.map;
	uint32_t i, wrong = 0;

	batch->accepted++;
	for (i = 0; i < batch->way->jobs; i++) {
		wrong += wait_for(batch->gpu, batch->outs[i][0].handle) != 1;
		wrong += !!vgpu_sync_wait(batch->gpu, batch->outs[i][1].handle,
					  batch->accepted, VGPU_RUN_TIMEOUT_MS);
		wrong += counts[i] != batch->accepted;
		vgpu_sync_reset(batch->gpu, batch->outs[i][0].handle);
	}
	return wrong;
}

/**
 * struct tally - of all SUBMITs of one way
 * @faults: allocations and copies that failed
 * @refused: SUBMITs, for that
 * @odd: of them, those that were told of another error
 * @left: fences of what was refused
 * @lost: SUBMITs that lacked nothing and were refused
 * @wrong: what was accepted, and did not run once and in order
 */
struct tally {
	uint32_t faults, refused, odd, left, lost, wrong;
};

/* Return: whether there was an allocation to fail. */
static bool step(struct batch *batch, uint32_t n, struct tally *tally)
{
	struct drm_vgpu_submit args;
	struct gate gate;
	bool failed;
	int err;

	if (batch->way->waits)
		gate_close(&gate, batch->gpu, batch->gpu->queues[0]);
	args = batch_args(batch, batch->way->waits ? gate.passed : 0);
	failed = vgpu_ioctl_failing(batch->gpu->fd, DRM_IOCTL_VGPU_SUBMIT, &args, n, &err);
	tally->faults += failed;
	if (failed && err) {
		tally->refused++;
		tally->odd += err != ENOMEM && err != EFAULT;
		tally->left += batch_left(batch);
		err = vgpu_call(batch->gpu, DRM_IOCTL_VGPU_SUBMIT, &args);
	}
	tally->lost += !!err;
	if (batch->way->waits)
		gate_open(&gate);
	if (!err)
		tally->wrong += batch_ends(batch);
	if (batch->way->waits)
		gate_destroy(&gate);
	return failed;
}

static void test_way(struct vgpu *gpu, const struct way *way)
{
	struct tally tally = {};
	struct batch batch;
	uint32_t n = 1;

	batch_make(&batch, gpu, way);
	while (n < FAULTS_MAX && step(&batch, n, &tally))
		n++;
	ktap_ok(n < FAULTS_MAX && tally.refused, "%s: %u faults, %u times refused", way->what,
		tally.faults, tally.refused);
	ktap_equal(tally.odd, 0, "for want of memory, or of the process's memory");
	ktap_equal(tally.left, 0, "what was refused has left no fence");
	ktap_equal(tally.lost, 0, "the SUBMIT behind it is accepted");
	ktap_equal(tally.wrong, 0, "and what was accepted runs, once");
	ktap_equal(direct_jobs(gpu, batch.queue), way->waits ? 0 : batch.accepted * way->jobs,
		   way->waits ? "all of it by drm_sched" : "all of it past drm_sched");
	batch_destroy(&batch);
}

static void close_handle(int fd, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	ktap_must(ioctl(fd, DRM_IOCTL_GEM_CLOSE, &args) ? -errno : 0, "GEM_CLOSE");
}

/* Return: whether there was an allocation to fail. */
static bool import_step(struct vgpu *gpu, int vgem, uint32_t n, struct tally *tally)
{
	uint32_t buffer = vgem_buffer(vgem), fence = vgem_attach(vgem, buffer);
	struct drm_prime_handle args = { .handle = buffer, .flags = DRM_CLOEXEC };
	bool failed;
	int err;

	ktap_must(ioctl(vgem, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args) ? -errno : 0,
		  "vgem: PRIME_HANDLE_TO_FD");
	failed = vgpu_ioctl_failing(gpu->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args, n, &err);
	tally->faults += failed;
	tally->refused += failed && err;
	tally->odd += failed && err && err != ENOMEM;
	tally->lost += !failed && err;
	if (!err)
		close_handle(gpu->fd, args.handle);
	close(args.fd);
	close_handle(vgem, buffer);
	vgem_signal(vgem, fence);
	return failed;
}

static void test_import(struct vgpu *gpu)
{
	struct tally tally = {};
	int vgem = open_vgem();
	uint32_t n = 1;

	ktap_must(vgem < 0 ? -ENODEV : 0, "vgem");
	while (n < FAULTS_MAX && import_step(gpu, vgem, n, &tally))
		n++;
	ktap_ok(n < FAULTS_MAX && tally.refused, "an import: %u faults, %u times refused",
		tally.faults, tally.refused);
	ktap_equal(tally.odd, 0, "for want of memory");
	ktap_equal(tally.lost, 0, "and accepted when nothing fails");
	close(vgem);
}

int main(int argc, char **argv)
{
	static const struct way ways[] = {
		{ "one job that waits for nothing", 1, false },
		{ "a batch that waits for nothing", JOBS_MAX, false },
		{ "one job that waits", 1, true },
		{ "a batch that waits", JOBS_MAX, true },
	};
	struct vgpu gpu;
	uint32_t i;

	if (argc != 2) {
		fprintf(stderr, "usage: vf_refused NODE\n");
		return 2;
	}
	ktap_begin("vf_refused");
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(gpu.rings < 2 ? -EOPNOTSUPP : 0, "two rings are needed");
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		test_way(&gpu, &ways[i]);
	test_import(&gpu);
	vgpu_close(&gpu);
	return ktap_end();
}

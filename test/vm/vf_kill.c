// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_kill NODE
 *
 * What becomes of jobs when their process goes: if it exits, they run to their end; if
 * it is killed, they are ended, and those of others go on as if they had not been there.
 */
#include <linux/sync_file.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "links.h"
#include "objects.h"
#include "tasks.h"
#include "vgem.h"
#include "vgpu.h"

#define RW (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE)
/* Much longer than a job may take at all. */
#define ENDLESS_MS 100000

/* ------------------------------------------------------------------------ */
/* In the ring, and waiting                                                  */

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
 * With a file of its own: a job of @ms, and one that another process's gate lets pass.
 * Not on the gate's ring, where that would be in order without waiting. Then it may
 * @destroy their queue.
 */
static void child(const char *node, uint32_t ms, int gate_fd, int waits_fd, int runs_fd,
		  bool destroy, int ready)
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
	vgpu_emit_spin(&slow, false, ms * 50, 20000, VGPU_SPIN_NO_COUNT);
	if (submit(&gpu, gpu.queues[1], &slow, 0, import_syncobj(&gpu, runs_fd)) ||
	    submit(&gpu, gpu.queues[1], &todo, import_syncobj(&gpu, gate_fd),
		   import_syncobj(&gpu, waits_fd)) ||
	    (destroy && vgpu_queue_destroy(&gpu, gpu.queues[1])) ||
	    !poll_memory(begun.map, 1) || write(ready, "", 1) != 1)
		_exit(2);
}

/*
 * A process goes, with a job in the ring and one that waits for another process:
 * @how is the signal that kills it, or 0. @want: how both end.
 */
static void test_process_goes(struct vgpu *gpu, int how, bool destroy, int want,
			      const char *what)
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
		child(gpu->path, how ? ENDLESS_MS : 100, export_syncobj(gpu, gate.passed),
		      export_syncobj(gpu, waits), export_syncobj(gpu, runs), destroy,
		      ready[1]);
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
	ktap_equal(wait_for(gpu, runs), want, "the same of the one in the ring");
	close(ready[0]);
	gate_destroy(&gate);
	vgpu_sync_destroy(gpu, waits);
	vgpu_sync_destroy(gpu, runs);
}

/* ------------------------------------------------------------------------ */
/* Behind what is in the ring                                                */

#define AHEAD 2
#define HELD_NS 200000000

static int64_t signalled_at(struct vgpu *gpu, uint32_t handle)
{
	struct drm_syncobj_handle export = {
		.handle = handle, .fd = -1,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	struct sync_fence_info fence = { 0 };
	struct sync_file_info info = { .num_fences = 1, .sync_fence_info = (uintptr_t)&fence };

	ktap_must(vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export), "no sync_file");
	ktap_must(ioctl(export.fd, SYNC_IOC_FILE_INFO, &info) ? -errno : 0, "SYNC_IOC_FILE_INFO");
	close(export.fd);
	return fence.timestamp_ns;
}

static uint32_t import_sync_file(struct vgpu *gpu, int fd)
{
	struct drm_syncobj_handle import = {
		.fd = fd, .flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
	};

	if (vgpu_sync_create(gpu, false, &import.handle) ||
	    vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import))
		_exit(2);
	return import.handle;
}

/*
 * With a file of its own: jobs in the ring that hold it up and cannot be interrupted,
 * the first of them by way of drm_sched, or not, the others not; and one behind them
 * that waits for something else. Then it kills itself.
 */
static void leave(const char *node, int vgem, bool scheduled, const int *ahead_fds,
		  int behind_fd, int passed)
{
	uint32_t id, i, in, first = vgem_buffer(vgem), fence = vgem_attach(vgem, first);
	struct vgpu_commands todo;
	struct vgpu_bo begun;
	struct vgpu gpu;

	if (vgpu_open(&gpu, node) || vgpu_commands_create(&gpu, 4096, &todo) ||
	    vgpu_bo_create(&gpu, 4096, RW, &begun))
		_exit(2);
	id = gpu.queues[0];
	vgpu_emit_fence(&todo, begun.addr, 1);
	vgpu_emit_spin(&todo, true, 1, HELD_NS, VGPU_SPIN_NO_COUNT);
	in = scheduled ? import_sync_file(&gpu, vgem_sync_file(vgem, first)) : 0;
	for (i = 0; i < AHEAD; i++, in = 0) {
		if (submit(&gpu, id, &todo, in, import_syncobj(&gpu, ahead_fds[i])))
			_exit(3);
		if (!i)
			vgem_signal(vgem, fence);
		if (!poll_memory(begun.map, 1))
			_exit(3);
	}
	if (direct_jobs(&gpu, id) != AHEAD - scheduled)
		_exit(4);
	if (submit(&gpu, id, NULL, import_sync_file(&gpu, passed),
		   import_syncobj(&gpu, behind_fd)))
		_exit(5);
	raise(SIGKILL);
}

/* What the last one waits for comes while those ahead of it are still in the ring. */
static void test_order(struct vgpu *gpu, int vgem, bool scheduled)
{
	uint32_t behind = syncobj(gpu), buffer = vgem_buffer(vgem), fence, ahead[AHEAD], i;
	int fds[AHEAD], passed, status;
	uint32_t running = 0, late = 0;

	fence = vgem_attach(vgem, buffer);
	passed = vgem_sync_file(vgem, buffer);
	for (i = 0; i < AHEAD; i++) {
		ahead[i] = syncobj(gpu);
		fds[i] = export_syncobj(gpu, ahead[i]);
	}
	fflush(stdout);
	if (!fork())
		leave(gpu->path, vgem, scheduled, fds, export_syncobj(gpu, behind), passed);
	wait(&status);
	ktap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		"a process is killed with jobs in the ring, the first of them %s drm_sched",
		scheduled ? "by" : "past");
	vgem_signal(vgem, fence);
	ktap_equal(wait_for(gpu, behind), -ESRCH, "its job that waited does not run");
	for (i = 0; i < AHEAD; i++) {
		running += !vgpu_sync_status(gpu, ahead[i]);
		wait_for(gpu, ahead[i]);
		late += signalled_at(gpu, ahead[i]) > signalled_at(gpu, behind);
		vgpu_sync_destroy(gpu, ahead[i]);
		close(fds[i]);
	}
	ktap_equal(running, 0, "those in the ring have ended when it does");
	ktap_equal(late, 0, "and did so before");
	vgpu_sync_destroy(gpu, behind);
	close(passed);
}

/* ------------------------------------------------------------------------ */
/* In the way of others                                                      */

#define HUNG 3
#define ROUNDS 20

typedef void emit_fn(struct vgpu_commands *todo, const struct vgpu_bo *data, uint32_t ms);

static void emit_long(struct vgpu_commands *todo, const struct vgpu_bo *data, uint32_t ms)
{
	(void)data;
	vgpu_emit_spin(todo, false, ms * 50, 20000, VGPU_SPIN_NO_COUNT);
}

static void emit_rigid(struct vgpu_commands *todo, const struct vgpu_bo *data, uint32_t ms)
{
	(void)data;
	vgpu_emit_spin(todo, true, ms * 50, 20000, VGPU_SPIN_NO_COUNT);
}

static void emit_blocked(struct vgpu_commands *todo, const struct vgpu_bo *data, uint32_t ms)
{
	(void)ms;
	vgpu_emit_wait(todo, data->addr + 8, 1);
}

/*
 * Jobs in ring 1, one behind the other, and maybe one in ring 0; says so when the first
 * one has begun.
 */
static void hang(const char *node, emit_fn *emit, uint32_t ms, const int *fds, int behind,
		 int ready)
{
	struct vgpu_commands todo;
	struct vgpu_bo data;
	struct vgpu gpu;
	uint32_t i;

	if (vgpu_open(&gpu, node) || vgpu_commands_create(&gpu, 4096, &todo) ||
	    vgpu_bo_create(&gpu, 4096, RW, &data))
		_exit(2);
	vgpu_emit_fence(&todo, data.addr, 1);
	emit(&todo, &data, ms);
	for (i = 0; i < HUNG; i++)
		if (submit(&gpu, gpu.queues[1], &todo, 0, import_syncobj(&gpu, fds[i])))
			_exit(3);
	if (behind >= 0 &&
	    submit(&gpu, gpu.queues[0], &todo, 0, import_syncobj(&gpu, behind)))
		_exit(3);
	if (!poll_memory(data.map, 1) || write(ready, "", 1) != 1)
		_exit(4);
	for (;;)
		pause();
}

/**
 * struct hung - a process that hangs
 * @pid: of it
 * @done: of its jobs
 */
struct hung {
	pid_t pid;
	uint32_t done[HUNG];
};

static void hung_start(struct hung *hung, struct vgpu *gpu, emit_fn *emit, uint32_t ms,
		       int behind)
{
	int fds[HUNG], ready[2], i;
	char byte;

	for (i = 0; i < HUNG; i++) {
		hung->done[i] = syncobj(gpu);
		fds[i] = export_syncobj(gpu, hung->done[i]);
	}
	ktap_must(pipe(ready) ? -errno : 0, "no pipe");
	fflush(stdout);
	hung->pid = fork();
	if (!hung->pid)
		hang(gpu->path, emit, ms, fds, behind, ready[1]);
	close(ready[1]);
	ktap_must(read(ready[0], &byte, 1) == 1 ? 0 : -EPIPE, "the child cannot work");
	close(ready[0]);
	for (i = 0; i < HUNG; i++)
		close(fds[i]);
}

static void hung_kill(struct hung *hung)
{
	kill(hung->pid, SIGKILL);
	waitpid(hung->pid, NULL, 0);
}

/* How many have been ended, once all have come to an end. */
static uint32_t hung_ended(struct hung *hung, struct vgpu *gpu)
{
	uint32_t i, ended = 0;

	for (i = 0; i < HUNG; i++) {
		ended += wait_for(gpu, hung->done[i]) == -ESRCH;
		vgpu_sync_destroy(gpu, hung->done[i]);
	}
	return ended;
}

static void test_in_the_way(struct vgpu *gpu, emit_fn *emit, const char *what)
{
	uint32_t id = queue(gpu, 1, 0), i, wrong = 0;
	struct links links;
	struct hung hung;

	links_make(&links, gpu, id);
	hung_start(&hung, gpu, emit, ENDLESS_MS, -1);
	for (i = 0; i < LINKS; i++)
		wrong += !!links_submit(&links, i, 0);
	ktap_ok(!wrong && !links_signalled(&links, 0), "%s holds others up", what);
	hung_kill(&hung);
	ktap_equal(links_failed(&links), 0, "when its process is killed, these run");
	ktap_equal(hung_ended(&hung, gpu), HUNG, "what that had in the ring is ended");
	links_destroy(&links);
	vgpu_queue_destroy(gpu, id);
}

/*
 * Where somebody else has the ring, nothing is stopped. That it would have been by now
 * is known when jobs in another ring are.
 */
static void test_others_first(struct vgpu *gpu)
{
	uint32_t behind = syncobj(gpu);
	struct hung hung;
	struct gate gate;

	gate_close(&gate, gpu, gpu->queues[0]);
	hung_start(&hung, gpu, emit_blocked, 0, export_syncobj(gpu, behind));
	hung_kill(&hung);
	ktap_equal(hung_ended(&hung, gpu), HUNG, "jobs of a killed process are ended");
	ktap_equal(vgpu_sync_status(gpu, gate.passed), 0,
		   "but not one of another one that is ahead of one of them");
	ktap_equal(vgpu_sync_status(gpu, behind), 0, "which waits for it");
	gate_open(&gate);
	ktap_equal(wait_for(gpu, gate.passed), 1, "it runs to its end");
	ktap_equal(wait_for(gpu, behind), -ESRCH, "that does not");
	gate_destroy(&gate);
	vgpu_sync_destroy(gpu, behind);
}

/* They end by themselves at about the time when they would be stopped. */
static void test_just_ending(struct vgpu *gpu)
{
	uint32_t id = queue(gpu, 1, 0), i, n, wrong = 0, ended = 0;
	struct links links;
	struct hung hung;
	uint64_t seed = 5;

	links_make(&links, gpu, id);
	for (i = 0; i < ROUNDS; i++) {
		hung_start(&hung, gpu, emit_long, 70 + vgpu_random(&seed) % 50, -1);
		for (n = 0; n < LINKS / ROUNDS; n++)
			wrong += !!links_submit(&links, i * (LINKS / ROUNDS) + n, 0);
		hung_kill(&hung);
		ended += hung_ended(&hung, gpu);
	}
	printf("# %u of %u jobs had to be ended\n", ended, HUNG * ROUNDS);
	ktap_equal(wrong, 0, "jobs are submitted behind 20 processes that are killed");
	ktap_equal(links_failed(&links), 0, "none is lost");
	links_destroy(&links);
	vgpu_queue_destroy(gpu, id);
}

/* ------------------------------------------------------------------------ */
/* At any moment                                                             */

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

int main(int argc, char **argv)
{
	int vgem = open_vgem();
	struct vgpu gpu;

	if (argc != 2) {
		fprintf(stderr, "usage: vf_kill NODE\n");
		return 2;
	}
	ktap_begin("vf_kill");
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(gpu.rings < 2 ? -EOPNOTSUPP : 0, "two rings are needed");
	test_process_goes(&gpu, 0, false, 1, "a process exits");
	test_process_goes(&gpu, 0, true, 1, "a process exits that has destroyed its queue");
	test_process_goes(&gpu, SIGKILL, false, -ESRCH, "a process is killed");
	test_process_goes(&gpu, SIGKILL, true, -ESRCH,
			  "a process is killed that has destroyed its queue");
	if (vgem < 0) {
		ktap_skip("order behind what is in the ring", "no vgem");
	} else {
		test_order(&gpu, vgem, false);
		test_order(&gpu, vgem, true);
		close(vgem);
	}
	test_in_the_way(&gpu, emit_long, "a job that runs for 100 s");
	test_in_the_way(&gpu, emit_blocked, "a job that waits for ever");
	test_in_the_way(&gpu, emit_rigid, "a job that cannot be preempted");
	test_others_first(&gpu);
	test_just_ending(&gpu);
	test_kills(&gpu);
	vgpu_close(&gpu);
	return ktap_end();
}

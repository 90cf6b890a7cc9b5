// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_hang NODE OTHER
 *
 * Jobs that do not end by themselves, on NODE: each is ended, with the right
 * error, and what is behind it and beside it runs. And jobs that take long
 * because two functions share the GPU: these are not taken for hangs. Then NODE
 * hangs until its PF closes it.
 *
 * Sets the module parameter job_timeout_ms, and puts it back.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "tasks.h"
#include "vgpu.h"

#define PARAMETER "/sys/module/vgpu_vf/parameters/job_timeout_ms"
#define LIMIT_MS 400
#define GROUPS 20
#define BESIDE_JOBS 64
#define RW (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE)

static int set_limit(const char *value)
{
	int fd = open(PARAMETER, O_WRONLY);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void test_parameter(void)
{
	ktap_equal(set_limit("99"), -EINVAL, "a limit of 99 ms is refused");
	ktap_equal(set_limit("3600001"), -EINVAL, "a limit of more than an hour, too");
	ktap_equal(set_limit("-1"), -EINVAL, "and a negative one");
	ktap_equal(set_limit("soon"), -EINVAL, "and a word");
	ktap_equal(set_limit("400"), 0, "a limit of 400 ms is not");
}

/**
 * struct beside - counts on another ring while something hangs
 * @gpu: a file of its own
 * @counts: of groups
 * @todo: counts
 * @done: fences of the jobs
 * @jobs: submitted
 * @seen: known to have ended well
 */
struct beside {
	struct vgpu gpu;
	struct vgpu_bo counts;
	struct vgpu_commands todo;
	uint32_t done[BESIDE_JOBS];
	uint64_t jobs;
	uint64_t seen;
};

static void beside_open(struct beside *beside, const char *node)
{
	ktap_must(vgpu_open(&beside->gpu, node), node);
	ktap_must(beside->gpu.rings < 2 ? -EOPNOTSUPP : 0, "two rings are needed");
	ktap_must(vgpu_bo_create(&beside->gpu, GROUPS * 8, RW, &beside->counts), "no buffer");
	ktap_must(vgpu_commands_create(&beside->gpu, 4096, &beside->todo), "no buffer");
	vgpu_emit_spin(&beside->todo, false, GROUPS, 20000, beside->counts.addr);
	beside->jobs = 0;
	beside->seen = 0;
}

static void beside_submit(struct beside *beside, int jobs)
{
	uint32_t *done;

	for (; jobs--; beside->jobs++) {
		done = &beside->done[beside->jobs];
		ktap_must(vgpu_sync_create(&beside->gpu, false, done), "no syncobj");
		vgpu_submit_commands(&beside->gpu, beside->gpu.rings - 1, &beside->todo, 0,
				     *done);
	}
}

static bool beside_exact(struct beside *beside)
{
	uint64_t *count = beside->counts.map, wrong = 0;
	uint32_t done;
	int i;

	for (; beside->seen < beside->jobs; beside->seen++) {
		done = beside->done[beside->seen];
		vgpu_sync_wait(&beside->gpu, done, 0, VGPU_RUN_TIMEOUT_MS);
		wrong += vgpu_sync_status(&beside->gpu, done) != 1;
	}
	for (i = 0; i < GROUPS; i++)
		wrong += count[i] != beside->jobs;
	return !wrong;
}

/*
 * Runs @hang, with jobs behind it on the same ring, of the same queue and of
 * another one, and work beside it.
 */
static void test_hang(struct vgpu *gpu, struct vgpu_commands *hang, const char *what,
		      struct beside *beside)
{
	struct drm_vgpu_command command;
	struct drm_vgpu_queue_state state;
	struct vgpu_commands nop;
	uint32_t done[3], queue;
	struct drm_vgpu_sync sync;
	struct drm_vgpu_job job = {
		.command_count = 1, .commands = (uintptr_t)&command,
		.out_sync_count = 1, .out_syncs = (uintptr_t)&sync,
	};
	int i;

	for (i = 0; i < 3; i++)
		vgpu_sync_create(gpu, false, &done[i]);
	ktap_must(vgpu_queue_create(gpu, gpu->vm, 0, 0, &queue), "no queue");
	ktap_must(vgpu_commands_create(gpu, 4096, &nop), "no buffer");
	vgpu_emit_nop(&nop, 1);
	if (beside)
		beside_submit(beside, 10);
	vgpu_submit_commands(gpu, 0, hang, 0, done[0]);
	vgpu_submit_commands(gpu, 0, &nop, 0, done[1]);
	command = (struct drm_vgpu_command){ nop.bo.addr, nop.used };
	sync = (struct drm_vgpu_sync){ .handle = done[2] };
	vgpu_submit(gpu, queue, &job, 1);
	if (beside)
		beside_submit(beside, 10);

	ktap_equal(vgpu_sync_wait(gpu, done[0], 0, VGPU_RUN_TIMEOUT_MS), 0, what);
	ktap_equal(vgpu_sync_status(gpu, done[0]), -ETIME, "it is told how it ended");
	vgpu_sync_wait(gpu, done[1], 0, VGPU_RUN_TIMEOUT_MS);
	vgpu_sync_wait(gpu, done[2], 0, VGPU_RUN_TIMEOUT_MS);
	ktap_equal(vgpu_sync_status(gpu, done[2]), 1, "the other queue's job behind it runs");
	vgpu_queue_state(gpu, gpu->queues[0], &state);
	ktap_equal(vgpu_sync_status(gpu, done[1]), -ECANCELED, "its own queue's job is canceled");
	ktap_ok(state.flags & DRM_VGPU_QUEUE_BANNED && state.error == ETIME,
		"its queue is banned");
	ktap_equal(vgpu_submit_commands(gpu, 0, &nop, 0, 0), -ECANCELED,
		   "and accepts no more jobs");
	vgpu_queue_renew(gpu, 0);
	if (beside)
		ktap_ok(beside_exact(beside), "the work on another ring is complete");

	for (i = 0; i < 3; i++)
		vgpu_sync_destroy(gpu, done[i]);
	vgpu_queue_destroy(gpu, queue);
	vgpu_commands_destroy(gpu, &nop);
	vgpu_commands_reset(hang);
}

static void test_hangs(const char *node)
{
	struct vgpu_commands todo;
	struct beside beside;
	struct vgpu_bo data;
	struct vgpu gpu;

	beside_open(&beside, node);
	ktap_must(vgpu_open(&gpu, node), node);
	ktap_must(vgpu_bo_create(&gpu, 4096, RW, &data), "no buffer");
	ktap_must(vgpu_commands_create(&gpu, 4096, &todo), "no buffer");

	vgpu_emit_wait(&todo, data.addr, 1);
	test_hang(&gpu, &todo, "a WAIT that nobody ends is ended", &beside);
	vgpu_emit_spin(&todo, false, 1000000, 100000, VGPU_SPIN_NO_COUNT);
	test_hang(&gpu, &todo, "a kernel of 100 s is ended", &beside);
	/*
	 * Cannot be stopped: the PF resets the world, and with it whatever of
	 * this function had begun.
	 */
	vgpu_emit_spin(&todo, true, 1000000, 100000, VGPU_SPIN_NO_COUNT);
	test_hang(&gpu, &todo, "a kernel of 100 s that cannot be preempted is ended", NULL);
	vgpu_emit_nop(&todo, 1);
	ktap_equal(vgpu_run(&gpu, 0, &todo), 0, "the file can go on");
	beside_submit(&beside, 10);
	ktap_ok(beside_exact(&beside), "so can the other one");
	vgpu_close(&beside.gpu);
	vgpu_close(&gpu);
}

/*
 * A job that could go on, and began to wait before another one began that does not end,
 * is not taken for that one.
 */
static void test_innocent(const char *node)
{
	struct vgpu_commands waits, hangs;
	uint32_t done[2];
	struct vgpu_bo data[2];
	struct vgpu gpu[2];
	uint64_t *values;
	int i;

	for (i = 0; i < 2; i++) {
		ktap_must(vgpu_open(&gpu[i], node), node);
		ktap_must(vgpu_sync_create(&gpu[i], false, &done[i]), "no syncobj");
		ktap_must(vgpu_bo_create(&gpu[i], 4096, RW, &data[i]), "no buffer");
	}
	ktap_must(vgpu_commands_create(&gpu[0], 4096, &waits), "no buffer");
	ktap_must(vgpu_commands_create(&gpu[1], 4096, &hangs), "no buffer");
	values = data[0].map;
	vgpu_emit_fence(&waits, data[0].addr, 1);
	vgpu_emit_wait(&waits, data[0].addr + 8, 1);
	vgpu_emit_fence(&hangs, data[1].addr, 1);
	vgpu_emit_spin(&hangs, false, 1000000, 100000, VGPU_SPIN_NO_COUNT);

	vgpu_submit_commands(&gpu[0], gpu[0].rings - 1, &waits, 0, done[0]);
	ktap_must(poll_memory(&values[0], 1) ? 0 : -ETIME, "the job that waits");
	vgpu_submit_commands(&gpu[1], 0, &hangs, 0, done[1]);
	ktap_must(poll_memory(data[1].map, 1) ? 0 : -ETIME, "the job that hangs");
	values[1] = 1;
	for (i = 1; i >= 0; i--)
		vgpu_sync_wait(&gpu[i], done[i], 0, VGPU_RUN_TIMEOUT_MS);
	ktap_equal(vgpu_sync_status(&gpu[1], done[1]), -ETIME, "who hangs is to blame");
	ktap_equal(vgpu_sync_status(&gpu[0], done[0]), 1, "not who has waited for longer");
	for (i = 0; i < 2; i++)
		vgpu_close(&gpu[i]);
}

/* Each takes 3/4 of the limit alone, so more than the limit beside the other. */
static void test_shared(const char *const *nodes)
{
	struct vgpu_commands todo[2];
	struct vgpu gpu[2];
	uint32_t done[2];
	int i;

	for (i = 0; i < 2; i++) {
		ktap_must(vgpu_open(&gpu[i], nodes[i]), nodes[i]);
		ktap_must(vgpu_commands_create(&gpu[i], 4096, &todo[i]), "no buffer");
		ktap_must(vgpu_sync_create(&gpu[i], false, &done[i]), "no syncobj");
		vgpu_emit_spin(&todo[i], false, LIMIT_MS * 3 / 4 * 50, 20000,
			       VGPU_SPIN_NO_COUNT);
	}
	for (i = 0; i < 2; i++)
		vgpu_submit_commands(&gpu[i], 0, &todo[i], 0, done[i]);
	for (i = 0; i < 2; i++) {
		vgpu_sync_wait(&gpu[i], done[i], 0, VGPU_RUN_TIMEOUT_MS);
		ktap_equal(vgpu_sync_status(&gpu[i], done[i]), 1,
			   "a long job beside another function is not taken for a hang");
		vgpu_close(&gpu[i]);
	}
}

/* Short work without end, so that the other function's slices are needed. */
static pid_t start_stream(const char *node)
{
	struct vgpu_commands todo;
	struct vgpu gpu;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	ktap_must(vgpu_open(&gpu, node), node);
	ktap_must(vgpu_commands_create(&gpu, 4096, &todo), "no buffer");
	vgpu_emit_spin(&todo, false, 1000, 20000, VGPU_SPIN_NO_COUNT);
	while (!vgpu_run(&gpu, 0, &todo))
		;
	exit(1);
}

/*
 * A function that does not leave the engine when another one has its turn is
 * reset, and closed by the PF when that happens too often. It is opened again
 * some time later.
 */
static void test_closed(const char *node, const char *other)
{
	pid_t stream = start_stream(other);
	struct vgpu_commands todo;
	int resets = 0, ret, tries;
	struct vgpu gpu;

	ktap_must(vgpu_open(&gpu, node), node);
	ktap_must(vgpu_commands_create(&gpu, 4096, &todo), "no buffer");
	vgpu_emit_spin(&todo, true, 1000000, 100000, VGPU_SPIN_NO_COUNT);
	while (resets < 100 && (ret = vgpu_run(&gpu, 0, &todo)) == -ETIME)
		resets++;
	/* The function may have been closed with a job in the ring. */
	if (ret == -ECANCELED)
		ret = vgpu_run(&gpu, 0, &todo);
	if (!ktap_ok(resets && ret == -EIO, "a function that hangs again and again is closed"))
		printf("# %d resets, then %d\n", resets, ret);

	vgpu_commands_reset(&todo);
	vgpu_emit_nop(&todo, 1);
	for (tries = 0; tries < 600 && (ret = vgpu_run(&gpu, 0, &todo)); tries++)
		usleep(100000);
	ktap_equal(ret, 0, "it is opened again");
	ktap_ok(!kill(stream, SIGKILL) && waitpid(stream, &ret, 0) == stream &&
		WIFSIGNALED(ret), "the other function has worked all the time");
	vgpu_close(&gpu);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: vf_hang NODE OTHER\n");
		return 2;
	}
	ktap_begin("vf_hang");
	test_parameter();
	test_hangs(argv[1]);
	test_innocent(argv[1]);
	test_shared((const char *const *)argv + 1);
	test_closed(argv[1], argv[2]);
	ktap_equal(set_limit("10000"), 0, "the limit is put back");
	return ktap_end();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_queue NODE OTHER
 *
 * Queues, on NODE: batches, fences in memory, priorities; what becomes of jobs when
 * their queue or address space goes; what fdinfo says of them; and a reset of another
 * function, OTHER. What orders jobs: vf_order; processes that go: vf_kill; bans and core
 * dumps: vf_ban.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "links.h"
#include "objects.h"
#include "tasks.h"
#include "vgpu.h"

#define RW (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE)
/* Jobs that a ring takes at most, as the driver has it. */
#define RING_JOBS 32
#define NOBODY 65534

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
	struct vgpu gpu;

	if (argc != 3) {
		fprintf(stderr, "usage: vf_queue NODE OTHER\n");
		return 2;
	}
	ktap_begin("vf_queue");
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(gpu.rings < 2 ? -EOPNOTSUPP : 0, "two rings are needed");
	test_create(&gpu);
	test_high_needs_capability(&gpu);
	test_destroyed_with_jobs(&gpu);
	test_vm_destroyed(&gpu);
	test_batch(&gpu);
	test_larger_jobs(&gpu);
	test_user_fence(&gpu);
	test_priorities(&gpu);
	test_accounting(argv[1]);
	test_reset(argv[2]);
	vgpu_close(&gpu);
	return ktap_end();
}

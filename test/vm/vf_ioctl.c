// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_ioctl NODE
 *
 * Each ioctl of vgpu_vf with everything legal, and with each field illegal: the
 * errno is the documented one, and nothing else has changed.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "vgpu.h"

#define RWX (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE | DRM_VGPU_BIND_EXECUTE)

static struct vgpu gpu;
static struct vgpu_commands nop;
static uint32_t binary, empty;

static int call(unsigned long request, void *arg)
{
	return vgpu_ioctl(gpu.fd, request, arg) ? -errno : 0;
}

static int get_param(uint32_t param, uint32_t pad, uint64_t *value)
{
	struct drm_vgpu_get_param args = { .param = param, .pad = pad };
	int ret = call(DRM_IOCTL_VGPU_GET_PARAM, &args);

	*value = args.value;
	return ret;
}

static void test_get_param(void)
{
	uint64_t value = 0, size = 0, available = 0;
	uint32_t param;

	for (param = 0; param <= DRM_VGPU_PARAM_SYSTEM_SIZE; param++)
		ktap_ok(!get_param(param, 0, &value), "GET_PARAM %u is %llu", param,
			(unsigned long long)value);
	get_param(DRM_VGPU_PARAM_VRAM_SIZE, 0, &size);
	get_param(DRM_VGPU_PARAM_VRAM_FREE, 0, &available);
	ktap_ok(size && available && available <= size, "free VRAM is some of all");
	ktap_equal(get_param(DRM_VGPU_PARAM_SYSTEM_SIZE + 1, 0, &value), -EINVAL,
		   "GET_PARAM of the first unknown parameter");
	ktap_equal(get_param(~0u, 0, &value), -EINVAL, "GET_PARAM of the last one");
	ktap_equal(get_param(0, 1, &value), -EINVAL, "GET_PARAM with pad");
	ktap_equal(call(DRM_IOCTL_VGPU_GET_PARAM, NULL), -EFAULT, "GET_PARAM of NULL");
}

static int gem_create(uint64_t size, uint32_t flags, uint32_t vm,
		      struct drm_vgpu_gem_create *args)
{
	*args = (struct drm_vgpu_gem_create){ .size = size, .flags = flags, .vm_id = vm };
	return call(DRM_IOCTL_VGPU_GEM_CREATE, args);
}

static int gem_close(uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	return call(DRM_IOCTL_GEM_CLOSE, &args);
}

#define VRAM DRM_VGPU_GEM_VRAM
#define SYSTEM DRM_VGPU_GEM_SYSTEM

static void test_gem_create(void)
{
	struct drm_vgpu_gem_create args;
	uint64_t before, after, size, system;
	uint32_t flags, vm;

	get_param(DRM_VGPU_PARAM_VRAM_SIZE, 0, &size);
	get_param(DRM_VGPU_PARAM_SYSTEM_SIZE, 0, &system);
	get_param(DRM_VGPU_PARAM_VRAM_FREE, 0, &before);
	for (flags = VRAM; flags <= (VRAM | SYSTEM); flags++)
		for (vm = 0; vm <= gpu.vm; vm++) {
			ktap_ok(!gem_create(1, flags, vm, &args) && args.size == 4096 &&
				args.handle, "GEM_CREATE of one byte with flags %u, VM %u",
				flags, vm);
			ktap_equal(gem_close(args.handle), 0, "its handle can be closed");
		}
	ktap_equal(gem_create(4096, 0, 0, &args), -EINVAL, "GEM_CREATE without flags");
	ktap_equal(gem_create(4096, VRAM | 4, 0, &args), -EINVAL, "GEM_CREATE, unknown flag");
	ktap_equal(gem_create(4096, 1u << 31, 0, &args), -EINVAL, "GEM_CREATE, last flag");
	ktap_equal(gem_create(0, VRAM, 0, &args), -EINVAL, "GEM_CREATE of nothing");
	ktap_equal(gem_create(4096, VRAM, 123456, &args), -ENOENT,
		   "GEM_CREATE for an unknown VM");
	ktap_equal(gem_create(size + 1, VRAM, 0, &args), -ENOSPC,
		   "GEM_CREATE of more VRAM than there is");
	ktap_equal(gem_create(system + 1, SYSTEM, 0, &args), -ENOSPC,
		   "GEM_CREATE of more system memory than is allowed");
	ktap_equal(gem_create(1ull << 63, VRAM, 0, &args), -ENOSPC, "GEM_CREATE of 2^63");
	ktap_equal(gem_create(~0ull, VRAM, 0, &args), -ENOSPC, "GEM_CREATE of 2^64 - 1");
	args = (struct drm_vgpu_gem_create){ .size = 1, .flags = VRAM, .pad = 1 };
	ktap_equal(call(DRM_IOCTL_VGPU_GEM_CREATE, &args), -EINVAL, "GEM_CREATE with pad");
	get_param(DRM_VGPU_PARAM_VRAM_FREE, 0, &after);
	ktap_equal(after, before, "no VRAM was lost by that");
}

static void test_gem_info(void)
{
	struct drm_vgpu_gem_info args = { .handle = nop.bo.handle };

	ktap_equal(call(DRM_IOCTL_VGPU_GEM_INFO, &args), 0, "GEM_INFO");
	ktap_ok(args.size == nop.bo.size && args.flags == VRAM && args.placement == VRAM,
		"it tells size, flags, placement");
	args = (struct drm_vgpu_gem_info){ .handle = nop.bo.handle, .flags = 1 };
	ktap_equal(call(DRM_IOCTL_VGPU_GEM_INFO, &args), -EINVAL, "GEM_INFO with flags");
	args = (struct drm_vgpu_gem_info){ .handle = nop.bo.handle, .pad = 1 };
	ktap_equal(call(DRM_IOCTL_VGPU_GEM_INFO, &args), -EINVAL, "GEM_INFO with pad");
	args = (struct drm_vgpu_gem_info){ .handle = 0 };
	ktap_equal(call(DRM_IOCTL_VGPU_GEM_INFO, &args), -ENOENT, "GEM_INFO of handle 0");
	args = (struct drm_vgpu_gem_info){ .handle = 123456 };
	ktap_equal(call(DRM_IOCTL_VGPU_GEM_INFO, &args), -ENOENT,
		   "GEM_INFO of an unknown handle");
}

static void test_vm(void)
{
	struct drm_vgpu_vm_create create = { .flags = 1 };
	struct drm_vgpu_vm_destroy destroy = { .pad = 1 };
	uint32_t vm = 0, again;

	ktap_equal(call(DRM_IOCTL_VGPU_VM_CREATE, &create), -EINVAL, "VM_CREATE with flags");
	ktap_ok(!vgpu_vm_create(&gpu, &vm) && vm && vm != gpu.vm, "VM_CREATE");
	destroy.vm_id = vm;
	ktap_equal(call(DRM_IOCTL_VGPU_VM_DESTROY, &destroy), -EINVAL, "VM_DESTROY with pad");
	ktap_equal(vgpu_vm_destroy(&gpu, 0), -ENOENT, "VM_DESTROY of number 0");
	ktap_equal(vgpu_vm_destroy(&gpu, 123456), -ENOENT, "VM_DESTROY of an unknown number");
	ktap_equal(vgpu_vm_destroy(&gpu, vm), 0, "VM_DESTROY");
	ktap_equal(vgpu_vm_destroy(&gpu, vm), -ENOENT, "VM_DESTROY of it again");
	ktap_ok(!vgpu_vm_create(&gpu, &again) && again == vm, "its number is free again");
	vgpu_vm_destroy(&gpu, again);
}

/* The limit is that of a file; afterwards there is room for as many again. */
static void test_too_many(void)
{
	uint32_t vm[4096], queue[4096], vms = 0, queues = 0, i;
	int ret;

	while (vms < 4096 && !(ret = vgpu_vm_create(&gpu, &vm[vms])))
		vms++;
	ktap_ok(vms >= 16 && ret == -ENOSPC, "VM_CREATE without end: ENOSPC after %u", vms);
	for (i = 0; i < vms; i++)
		vgpu_vm_destroy(&gpu, vm[i]);
	while (queues < 4096 && !(ret = vgpu_queue_create(&gpu, gpu.vm, 0, 0, &queue[queues])))
		queues++;
	ktap_ok(queues >= 16 && ret == -ENOSPC, "QUEUE_CREATE without end: ENOSPC after %u",
		queues);
	for (i = 0; i < queues; i++)
		vgpu_queue_destroy(&gpu, queue[i]);
	ktap_ok(!vgpu_vm_create(&gpu, &vm[0]) && !vgpu_vm_destroy(&gpu, vm[0]),
		"VM_CREATE works again");
}

static int queue_create(uint32_t vm, uint32_t ring, uint32_t priority, uint32_t flags,
			uint32_t pad)
{
	struct drm_vgpu_queue_create args = {
		.vm_id = vm, .ring = ring, .priority = priority, .flags = flags, .pad = pad,
	};
	int ret = call(DRM_IOCTL_VGPU_QUEUE_CREATE, &args);

	if (!ret)
		vgpu_queue_destroy(&gpu, args.queue_id);
	return ret;
}

static void test_queue(void)
{
	struct drm_vgpu_queue_state state = { .queue_id = gpu.queues[0], .flags = 1 };
	struct drm_vgpu_queue_destroy destroy = { .queue_id = gpu.queues[0], .pad = 1 };
	uint32_t queue;

	ktap_equal(queue_create(gpu.vm, 0, 0, 0, 0), 0, "QUEUE_CREATE");
	ktap_equal(queue_create(gpu.vm, 0, DRM_VGPU_PRIORITY_LOW, 0, 0), 0,
		   "QUEUE_CREATE with low priority");
	ktap_equal(queue_create(0, 0, 0, 0, 0), -ENOENT, "QUEUE_CREATE for VM 0");
	ktap_equal(queue_create(123456, 0, 0, 0, 0), -ENOENT, "QUEUE_CREATE, unknown VM");
	ktap_equal(queue_create(gpu.vm, gpu.rings, 0, 0, 0), -EINVAL,
		   "QUEUE_CREATE on the first ring that does not exist");
	ktap_equal(queue_create(gpu.vm, ~0u, 0, 0, 0), -EINVAL, "QUEUE_CREATE on the last");
	ktap_equal(queue_create(gpu.vm, 0, 3, 0, 0), -EINVAL,
		   "QUEUE_CREATE with the first unknown priority");
	ktap_equal(queue_create(gpu.vm, 0, ~0u, 0, 0), -EINVAL, "QUEUE_CREATE, the last");
	ktap_equal(queue_create(gpu.vm, 0, 0, 1, 0), -EINVAL, "QUEUE_CREATE with flags");
	ktap_equal(queue_create(gpu.vm, 0, 0, 0, 1), -EINVAL, "QUEUE_CREATE with pad");
	ktap_equal(call(DRM_IOCTL_VGPU_QUEUE_STATE, &state), -EINVAL,
		   "QUEUE_STATE with flags");
	ktap_equal(vgpu_queue_state(&gpu, 0, &state), -ENOENT, "QUEUE_STATE of number 0");
	ktap_ok(!vgpu_queue_state(&gpu, gpu.queues[0], &state) && !state.flags &&
		!state.error && !state.fault, "QUEUE_STATE of a queue that is well");
	ktap_equal(call(DRM_IOCTL_VGPU_QUEUE_DESTROY, &destroy), -EINVAL,
		   "QUEUE_DESTROY with pad");
	ktap_equal(vgpu_queue_destroy(&gpu, 123456), -ENOENT,
		   "QUEUE_DESTROY of an unknown number");
	vgpu_queue_create(&gpu, gpu.vm, 0, 0, &queue);
	ktap_equal(vgpu_queue_destroy(&gpu, queue), 0, "QUEUE_DESTROY");
	ktap_equal(vgpu_queue_destroy(&gpu, queue), -ENOENT, "QUEUE_DESTROY of it again");
}

/* HIGH is for those who may take time from others of the function. */
static void test_privilege(void)
{
	int status = 0;
	pid_t pid;

	ktap_equal(queue_create(gpu.vm, 0, DRM_VGPU_PRIORITY_HIGH, 0, 0), 0,
		   "QUEUE_CREATE with high priority, by root");
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(setuid(65534) ? 1 : -queue_create(gpu.vm, 0, DRM_VGPU_PRIORITY_HIGH,
							0, 0));
	waitpid(pid, &status, 0);
	ktap_equal(WEXITSTATUS(status), EACCES, "and by nobody: EACCES");
}

static void test_mmap(void)
{
	struct drm_vgpu_gem_mmap_offset args = { .handle = nop.bo.handle };
	struct vgpu_bo bo;
	void *map;

	ktap_equal(call(DRM_IOCTL_VGPU_GEM_MMAP_OFFSET, &args), 0, "GEM_MMAP_OFFSET");
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, gpu.fd, args.offset);
	ktap_ok(map == MAP_FAILED && errno == EINVAL, "mmap(MAP_PRIVATE)");
	map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, gpu.fd, args.offset);
	ktap_ok(map == MAP_FAILED && errno == EINVAL, "mmap() beyond the end");
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, gpu.fd, 0);
	ktap_ok(map == MAP_FAILED && errno == EINVAL, "mmap() of no buffer");
	args.flags = 1;
	ktap_equal(call(DRM_IOCTL_VGPU_GEM_MMAP_OFFSET, &args), -EINVAL,
		   "GEM_MMAP_OFFSET with flags");
	args = (struct drm_vgpu_gem_mmap_offset){ .handle = 123456 };
	ktap_equal(call(DRM_IOCTL_VGPU_GEM_MMAP_OFFSET, &args), -ENOENT,
		   "GEM_MMAP_OFFSET of an unknown handle");

	/* In pieces: which page is which must not depend on the mapping's start. */
	ktap_must(vgpu_bo_create(&gpu, 64 * 4096, RWX, &bo), "cannot allocate");
	((char *)bo.map)[40 * 4096] = 'x';
	munmap((char *)bo.map + 10 * 4096, 20 * 4096);
	madvise((char *)bo.map + 30 * 4096, 34 * 4096, MADV_DONTNEED);
	ktap_ok(((char *)bo.map)[40 * 4096] == 'x' && !((char *)bo.map)[41 * 4096],
		"a mapping with a hole shows the same pages");
	vgpu_bo_destroy(&gpu, &bo);
}

/* The legal submission that each of the illegal ones differs from in one field. */
static struct drm_vgpu_command command;
static struct drm_vgpu_sync in_sync, out_sync;
static struct drm_vgpu_job job;
static struct drm_vgpu_submit args;

static void legal(void)
{
	command = (struct drm_vgpu_command){ nop.bo.addr, nop.used };
	in_sync = out_sync = (struct drm_vgpu_sync){ .handle = binary };
	job = (struct drm_vgpu_job){
		.command_count = 1, .commands = (uintptr_t)&command,
		.in_sync_count = 1, .in_syncs = (uintptr_t)&in_sync,
		.out_sync_count = 1, .out_syncs = (uintptr_t)&out_sync,
	};
	args = (struct drm_vgpu_submit){
		.queue_id = gpu.queues[0], .job_count = 1, .job_bytes = sizeof(job), .jobs = (uintptr_t)&job,
	};
}

static void expect(int want, const char *what)
{
	ktap_equal(call(DRM_IOCTL_VGPU_SUBMIT, &args), want, what);
	legal();
}

#define SUBMIT(change, want) do { change; expect(want, "SUBMIT with " #change); } while (0)

static void test_submit_fields(void)
{
	legal();
	expect(0, "SUBMIT of a legal job");
	SUBMIT(args.flags = 1, -EINVAL);
	SUBMIT(args.queue_id = 0, -ENOENT);
	SUBMIT(args.queue_id = 123456, -ENOENT);
	SUBMIT(args.job_count = 0, -EINVAL);
	SUBMIT(args.job_count = 65, -EINVAL);
	SUBMIT(args.job_count = ~0u, -EINVAL);
	SUBMIT(args.job_bytes = 0, -EINVAL);
	SUBMIT(args.job_bytes = sizeof(job) - 8, -EINVAL);
	SUBMIT(args.job_bytes = sizeof(job) + 4, -EINVAL);
	SUBMIT(args.job_bytes = ~7u, -EINVAL);
	SUBMIT(args.jobs = 0, -EFAULT);
	SUBMIT(args.jobs = 1ull << 63, -EFAULT);
	SUBMIT(job.flags = 2, -EINVAL);
	SUBMIT(job.flags = 1u << 31, -EINVAL);
	SUBMIT(job.fence_addr = 8, -EINVAL);
	SUBMIT(job.fence_value = 1, -EINVAL);
	SUBMIT(job.flags = DRM_VGPU_JOB_FENCE; job.fence_addr = 4, -EINVAL);
	SUBMIT(job.flags = DRM_VGPU_JOB_FENCE; job.fence_addr = 1ull << 48, -EINVAL);
	SUBMIT(job.command_count = 0, 0);
	SUBMIT(job.command_count = 17, -EINVAL);
	SUBMIT(job.command_count = ~0u, -EINVAL);
	SUBMIT(job.commands = 0, -EFAULT);
	SUBMIT(job.in_sync_count = 0, 0);
	SUBMIT(job.in_sync_count = 65, -EINVAL);
	SUBMIT(job.in_syncs = 0, -EFAULT);
	SUBMIT(job.out_sync_count = 0, 0);
	SUBMIT(job.out_sync_count = 65, -EINVAL);
	SUBMIT(job.out_syncs = 0, -EFAULT);
}

static void test_submit_pointees(void)
{
	SUBMIT(command.bytes = 0, -EINVAL);
	SUBMIT(command.bytes = 4, -EINVAL);
	SUBMIT(command.bytes = VGPU_INDIRECT_MAX + 8, -EINVAL);
	SUBMIT(command.bytes = ~7ull, -EINVAL);
	SUBMIT(command.addr += 4, -EINVAL);
	SUBMIT(command.addr = 1ull << 48, -EINVAL);
	SUBMIT(command.addr = (1ull << 48) - 8, -EINVAL);
	SUBMIT(command.addr = ~7ull, -EINVAL);
	SUBMIT(in_sync.handle = 0, -ENOENT);
	SUBMIT(in_sync.handle = 123456, -ENOENT);
	SUBMIT(in_sync.handle = empty, -EINVAL);
	SUBMIT(in_sync.flags = 1, -EINVAL);
	SUBMIT(in_sync.point = 1ull << 40, -EINVAL);
	SUBMIT(out_sync.handle = 0, -ENOENT);
	SUBMIT(out_sync.handle = 123456, -ENOENT);
	SUBMIT(out_sync.flags = 1, -EINVAL);
	SUBMIT(out_sync.handle = empty, 0);
	ktap_equal(vgpu_sync_wait(&gpu, empty, 0, VGPU_RUN_TIMEOUT_MS), 0, "it runs");
	vgpu_sync_reset(&gpu, empty);
}

/* Structures of another age: shorter arrays are refused, longer ones if used. */
static void test_submit_extension(void)
{
	struct {
		struct drm_vgpu_job job;
		uint64_t future;
	} jobs[2];

	legal();
	jobs[0].job = jobs[1].job = job;
	jobs[0].future = jobs[1].future = 0;
	args.job_count = 2;
	args.job_bytes = sizeof(jobs[0]);
	args.jobs = (uintptr_t)jobs;
	ktap_equal(call(DRM_IOCTL_VGPU_SUBMIT, &args), 0,
		   "SUBMIT of longer jobs, zero in what is not known");
	jobs[1].future = 1;
	jobs[0].job.out_syncs = (uintptr_t)&(struct drm_vgpu_sync){ .handle = empty };
	ktap_equal(call(DRM_IOCTL_VGPU_SUBMIT, &args), -E2BIG,
		   "SUBMIT of longer jobs, something in what is not known");
	ktap_equal(vgpu_sync_status(&gpu, empty), -ENOENT,
		   "the first job of that batch was not submitted either");
	ktap_equal(vgpu_run(&gpu, 0, &nop), 0, "a legal job still runs");
}

/* Documentation/gpu/drm-usage-stats.rst: what gputop and others read. */
static unsigned long long fdinfo(const char *key)
{
	unsigned long long value = ~0ull;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", gpu.fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			sscanf(line + strlen(key) + 1, "%llu", &value);
	if (file)
		fclose(file);
	return value;
}

static void test_fdinfo(void)
{
	unsigned long long before = fdinfo("drm-engine-ring0"), vram = fdinfo("drm-total-vram");
	struct vgpu_commands spin;
	struct vgpu_bo bo;

	ktap_must(vgpu_commands_create(&gpu, 4096, &spin), "cannot allocate");
	ktap_must(vgpu_bo_create(&gpu, 1 << 20, RWX, &bo), "cannot allocate");
	vgpu_emit_spin(&spin, false, 100, 20000, VGPU_SPIN_NO_COUNT);
	vgpu_run(&gpu, 0, &spin);
	ktap_ok(fdinfo("drm-engine-ring0") - before >= 2000000 && before != ~0ull,
		"fdinfo counts GPU time: 2 ms more");
	ktap_equal(fdinfo("drm-total-vram") - vram, 1024 + 4, "and VRAM: 1028 KiB more");
	vgpu_commands_destroy(&gpu, &spin);
	vgpu_bo_destroy(&gpu, &bo);
}

static void test_others(void)
{
	struct drm_prime_handle prime = { .handle = nop.bo.handle, .flags = DRM_CLOEXEC };

	ktap_equal(call(DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), -EPERM,
		   "export of a private buffer is refused");
	ktap_equal(call(DRM_IO(DRM_COMMAND_BASE + 11), NULL), -EINVAL,
		   "the first unknown ioctl");
	ktap_equal(call(DRM_IO(DRM_COMMAND_END - 1), NULL), -EINVAL,
		   "the last unknown ioctl");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: vf_ioctl NODE\n");
		return 2;
	}
	ktap_begin("vf_ioctl");
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(vgpu_commands_create(&gpu, 4096, &nop), "cannot allocate");
	ktap_must(vgpu_sync_create(&gpu, true, &binary), "cannot create a syncobj");
	ktap_must(vgpu_sync_create(&gpu, false, &empty), "cannot create a syncobj");
	vgpu_emit_nop(&nop, 1);

	test_get_param();
	test_gem_create();
	test_gem_info();
	test_mmap();
	test_vm();
	test_queue();
	test_too_many();
	test_submit_fields();
	test_submit_pointees();
	test_submit_extension();
	test_fdinfo();
	test_others();
	test_privilege();
	return ktap_end();
}

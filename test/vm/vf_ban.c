// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_ban NODE
 *
 * Faults of all kinds in one queue: its jobs end as they should, its state tells why,
 * a core dump tells more, and four other queues that work meanwhile (on the same
 * ring, in the same address space, beside it in another one, on another ring, in
 * another file) get exact results.
 *
 * Needs the core dumps of nobody else to be made meanwhile.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "objects.h"

#define DUMPS "/sys/class/devcoredump"
#define NOWHERE (1ull << 44)
#define GROUPS 32
#define BESIDE_JOBS 16

static int wait_for(struct vgpu *gpu, uint32_t handle)
{
	vgpu_sync_wait(gpu, handle, 0, VGPU_RUN_TIMEOUT_MS);
	return vgpu_sync_status(gpu, handle);
}

static struct vgpu_bo read_only_buffer(struct vgpu *gpu)
{
	struct vgpu_bo bo;

	ktap_must(vgpu_bo_create(gpu, 4096, DRM_VGPU_BIND_READ, &bo),
		  "cannot allocate a buffer");
	return bo;
}

static int submit(struct vgpu *gpu, uint32_t queue, const struct vgpu_commands *todo,
		  uint64_t fence_addr, uint32_t out)
{
	struct drm_vgpu_command command = { todo->bo.addr, todo->used };
	struct drm_vgpu_sync sync = { .handle = out };
	struct drm_vgpu_job job = {
		.flags = fence_addr ? DRM_VGPU_JOB_FENCE : 0,
		.command_count = !!todo->used, .commands = (uintptr_t)&command,
		.out_sync_count = !!out, .out_syncs = (uintptr_t)&sync,
		.fence_addr = fence_addr, .fence_value = fence_addr ? 1 : 0,
	};

	return vgpu_submit(gpu, queue, &job, 1);
}

/* ------------------------------------------------------------------------ */
/* Those who have done nothing                                               */

/**
 * struct beside - a queue that works while another one is banned
 * @gpu: the file
 * @queue: its number
 * @counts: a counter of each group
 * @todo: increments all of them
 * @done: fences
 */
struct beside {
	struct vgpu *gpu;
	uint32_t queue;
	struct vgpu_bo counts;
	struct vgpu_commands todo;
	uint32_t done[BESIDE_JOBS];
};

static void beside_start(struct beside *beside)
{
	uint32_t i;

	memset(beside->counts.map, 0, GROUPS * 8);
	for (i = 0; i < BESIDE_JOBS / 2; i++)
		ktap_must(submit(beside->gpu, beside->queue, &beside->todo, 0, beside->done[i]),
			  "cannot submit beside");
}

static void beside_continue(struct beside *beside)
{
	uint32_t i;

	for (i = BESIDE_JOBS / 2; i < BESIDE_JOBS; i++)
		ktap_must(submit(beside->gpu, beside->queue, &beside->todo, 0, beside->done[i]),
			  "cannot submit beside");
}

static uint32_t beside_wrong(struct beside *beside)
{
	uint64_t *count = beside->counts.map;
	uint32_t i, wrong = 0;

	for (i = 0; i < BESIDE_JOBS; i++)
		wrong += wait_for(beside->gpu, beside->done[i]) != 1;
	for (i = 0; i < GROUPS; i++)
		wrong += count[i] != BESIDE_JOBS;
	return wrong;
}

/* In gpu->vm, on @ring. */
static void beside_open(struct beside *beside, struct vgpu *gpu, uint32_t ring)
{
	uint32_t i;

	beside->gpu = gpu;
	ktap_must(vgpu_queue_create(gpu, gpu->vm, ring, 0, &beside->queue), "no queue");
	beside->counts = buffer(gpu, GROUPS * 8);
	beside->todo = commands(gpu);
	vgpu_emit_spin(&beside->todo, false, GROUPS, 20000, beside->counts.addr);
	for (i = 0; i < BESIDE_JOBS; i++)
		beside->done[i] = syncobj(gpu);
}

/* ------------------------------------------------------------------------ */
/* Core dumps                                                                */

static char dump[65536], dump_path[512];

/* The core tells when there is one. */
static int listen_for_dumps(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	ktap_must(fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0,
		  "no uevents");
	return fd;
}

/* "add@/devices/…/devcd1" */
static bool await_dump(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char event[4096];
	ssize_t bytes;

	while (poll(&poll_fd, 1, VGPU_RUN_TIMEOUT_MS) == 1) {
		bytes = recv(fd, event, sizeof(event) - 1, 0);
		if (bytes <= 0)
			return false;
		event[bytes] = 0;
		if (!strncmp(event, "add@", 4) && strstr(event, "/devcd"))
			return true;
	}
	return false;
}

static int count_dumps(void)
{
	struct dirent *entry;
	DIR *dir = opendir(DUMPS);
	int count = 0;

	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "devcd", 5)) {
			snprintf(dump_path, sizeof(dump_path), DUMPS "/%s", entry->d_name);
			count++;
		}
	if (dir)
		closedir(dir);
	return count;
}

static void read_dump(void)
{
	char path[600];
	size_t used = 0;
	ssize_t bytes;
	int fd;

	snprintf(path, sizeof(path), "%s/data", dump_path);
	fd = open(path, O_RDONLY);
	while (fd >= 0 && (bytes = read(fd, dump + used, sizeof(dump) - 1 - used)) > 0)
		used += bytes;
	dump[used] = 0;
	close(fd);
}

/* The device's link to its dump goes last, and there is no other dump before. */
static bool has_link(struct vgpu *gpu)
{
	char path[600];

	snprintf(path, sizeof(path), "/sys/class/drm/%s/device/devcoredump",
		 strrchr(gpu->path, '/') + 1);
	return !access(path, F_OK);
}

/* Whatever is written to it frees it. */
static void drop_dumps(struct vgpu *gpu)
{
	char path[600];
	int fd;

	/* That of the last job may come only now. */
	while (count_dumps() || has_link(gpu)) {
		snprintf(path, sizeof(path), "%s/data", dump_path);
		fd = open(path, O_WRONLY);
		/* What has been dropped goes a little later, and its link after that. */
		if (fd < 0) {
			ktap_must(errno == ENOENT || errno == ENODEV ? 0 : -errno,
				  "cannot drop a core dump");
			sched_yield();
			continue;
		}
		if (write(fd, "0", 1) != 1)
			ktap_must(errno == ENODEV ? 0 : -errno, "cannot drop a core dump");
		close(fd);
	}
}

static bool __attribute__((format(printf, 1, 2))) dump_has(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (strstr(dump, line))
		return true;
	printf("# not in there: %s\n", line);
	return false;
}

/* ------------------------------------------------------------------------ */
/* Faults                                                                    */

/**
 * struct fault - one kind of fault
 * @name: in messages
 * @code: enum vgpu_fault
 * @code_name: in the dump
 * @opcode: of the packet
 * @opcode_name: in the dump
 * @access: enum vgpu_access
 * @addr: of the access, or 0: none is told
 * @offset: of @addr, which is the read-only buffer then, or -1
 * @emit: puts the packet
 */
struct fault {
	const char *name;
	uint32_t code;
	const char *code_name;
	uint32_t opcode;
	const char *opcode_name;
	uint32_t access;
	uint64_t addr;
	int offset;
	void (*emit)(struct vgpu_commands *todo, uint64_t readable);
};

static void emit_unmapped_write(struct vgpu_commands *todo, uint64_t readable)
{
	(void)readable;
	vgpu_emit_fill(todo, NOWHERE, 64, 1);
}

static void emit_unmapped_read(struct vgpu_commands *todo, uint64_t readable)
{
	(void)readable;
	vgpu_emit_copy(todo, todo->bo.addr, NOWHERE + 4096, 64);
}

static void emit_forbidden_write(struct vgpu_commands *todo, uint64_t readable)
{
	vgpu_emit_fill(todo, readable, 64, 1);
}

static void emit_misaligned(struct vgpu_commands *todo, uint64_t readable)
{
	vgpu_emit_fill(todo, readable + 2, 64, 1);
}

static void emit_opcode(struct vgpu_commands *todo, uint64_t readable)
{
	const struct vgpu_pkt packet = { .header = 13 | 1 << 16 };

	(void)readable;
	vgpu_emit(todo, &packet, sizeof(packet));
}

static void emit_kernel(struct vgpu_commands *todo, uint64_t readable)
{
	const uint64_t args[8] = { 0 };

	(void)readable;
	vgpu_emit_dispatch(todo, 4711, 1, 1, 1, args);
}

static const struct fault faults[] = {
	{ "a write to nowhere", VGPU_FAULT_PAGE, "page", VGPU_OP_FILL, "FILL",
	  VGPU_ACCESS_WRITE, NOWHERE, -1, emit_unmapped_write },
	{ "a read from nowhere", VGPU_FAULT_PAGE, "page", VGPU_OP_COPY, "COPY",
	  VGPU_ACCESS_READ, NOWHERE + 4096, -1, emit_unmapped_read },
	{ "a write without the right", VGPU_FAULT_PERMISSION, "permission", VGPU_OP_FILL,
	  "FILL", VGPU_ACCESS_WRITE, 0, 0, emit_forbidden_write },
	{ "a misaligned address", VGPU_FAULT_ALIGNMENT, "alignment", VGPU_OP_FILL, "FILL",
	  VGPU_ACCESS_WRITE, 0, 2, emit_misaligned },
	{ "an unknown packet", VGPU_FAULT_OPCODE, "opcode", 13, "?", VGPU_ACCESS_NONE, 0, -1,
	  emit_opcode },
	{ "an unknown kernel", VGPU_FAULT_KERNEL, "kernel", VGPU_OP_DISPATCH, "DISPATCH",
	  VGPU_ACCESS_NONE, 0, -1, emit_kernel },
};

/**
 * struct victim - the queue that gets banned
 * @gpu: the file
 * @queue: its number
 * @data: what its jobs write; a word of its own for each, and fences behind
 * @readable: may not be written
 * @todo: of its jobs: good, at fault, and behind it
 * @done: their fences
 */
struct victim {
	struct vgpu *gpu;
	uint32_t queue;
	struct vgpu_bo data, readable;
	struct vgpu_commands todo[3];
	uint32_t done[3];
};

static void victim_submit(struct victim *victim, const struct fault *fault)
{
	struct drm_vgpu_command command[3];
	struct drm_vgpu_sync sync[3];
	struct drm_vgpu_job jobs[3];
	uint32_t i;

	memset(victim->data.map, 0, 4096);
	ktap_must(vgpu_queue_create(victim->gpu, victim->gpu->vm, 0, 0, &victim->queue),
		  "no queue");
	for (i = 0; i < 3; i++) {
		vgpu_commands_reset(&victim->todo[i]);
		vgpu_sync_reset(victim->gpu, victim->done[i]);
		vgpu_emit_fill(&victim->todo[i], victim->data.addr + 8 * i, 4, 1 + i);
	}
	fault->emit(&victim->todo[1], victim->readable.addr);
	vgpu_emit_fill(&victim->todo[1], victim->data.addr + 64, 4, 99);
	/* At once, or the last one may come too late to be accepted. */
	for (i = 0; i < 3; i++) {
		command[i] = (struct drm_vgpu_command){ victim->todo[i].bo.addr,
							victim->todo[i].used };
		sync[i] = (struct drm_vgpu_sync){ .handle = victim->done[i] };
		jobs[i] = (struct drm_vgpu_job){
			.flags = DRM_VGPU_JOB_FENCE,
			.command_count = 1, .commands = (uintptr_t)&command[i],
			.out_sync_count = 1, .out_syncs = (uintptr_t)&sync[i],
			.fence_addr = victim->data.addr + 1024 + 8 * i, .fence_value = 1,
		};
	}
	ktap_must(vgpu_submit(victim->gpu, victim->queue, jobs, 3), "cannot submit");
}

static uint64_t addr_of(const struct victim *victim, const struct fault *fault)
{
	return fault->offset < 0 ? fault->addr : victim->readable.addr + fault->offset;
}

static void victim_check(struct victim *victim, const struct fault *fault)
{
	const uint32_t *word = victim->data.map;
	const uint64_t *fence = victim->data.map;
	struct drm_vgpu_queue_state state;

	ktap_ok(wait_for(victim->gpu, victim->done[0]) == 1 && word[0] == 1 && fence[128] == 1,
		"%s: the job before it is complete", fault->name);
	ktap_equal(wait_for(victim->gpu, victim->done[1]), -EIO, "it ends with an error");
	ktap_ok(word[2] == 2 && !word[16] && !fence[129],
		"the packet before has been executed, those behind not, nor its fence");
	ktap_equal(wait_for(victim->gpu, victim->done[2]), -ECANCELED,
		   "the job behind it is canceled");
	ktap_ok(!word[4] && !fence[130], "nothing of it has been executed");
	vgpu_queue_state(victim->gpu, victim->queue, &state);
	ktap_ok(state.flags == DRM_VGPU_QUEUE_BANNED && state.error == EIO && !state.lost,
		"the queue is banned");
	ktap_ok(VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, state.fault) == fault->code &&
		VGPU_FIELD_GET(VGPU_RING_FAULT_OPCODE, state.fault) == fault->opcode &&
		VGPU_FIELD_GET(VGPU_RING_FAULT_ACCESS, state.fault) == fault->access,
		"and tells which fault");
	ktap_ok(state.fault_addr == addr_of(victim, fault), "and where, if anywhere");
	ktap_equal(submit(victim->gpu, victim->queue, &victim->todo[0], 0, 0), -ECANCELED,
		   "it takes no more jobs");
}

static void check_dump(struct victim *victim, const struct fault *fault)
{
	ktap_equal(count_dumps(), 1, "there is a core dump");
	read_dump();
	ktap_ok(dump_has("driver: vgpu_vf\n") && dump_has("error: %d (fault)\n", -EIO) &&
		dump_has("ring: 0\nqueue: %u\n", victim->queue) &&
		dump_has("process: %s [%d]\n", program_invocation_short_name, getpid()),
		"it names the driver, the error, the queue, the process");
	ktap_ok(dump_has("fault: code %u (%s), opcode %u (%s), access %u (", fault->code,
			 fault->code_name, fault->opcode, fault->opcode_name, fault->access),
		"and the fault");
	ktap_ok(dump_has("registers of ring 0: control 0x1, status 4 (halted), head ") &&
		dump_has("\n-> ") && dump_has(": INDIRECT ") &&
		dump_has("%016llx", (unsigned long long)victim->todo[1].bo.addr),
		"and has registers and packets");
	if (fault->offset >= 0)
		ktap_ok(dump_has(", address %#llx\n",
				 (unsigned long long)addr_of(victim, fault)) &&
			dump_has("  %#llx…%#llx: buffer",
				 (unsigned long long)victim->readable.addr,
				 (unsigned long long)victim->readable.addr + 4096),
			"and what is mapped there");
	if (ktap_failures)
		printf("# %.3000s\n", dump);
}

static void test_faults(struct vgpu *gpu, struct beside *beside, int count)
{
	struct victim victim = { .gpu = gpu };
	int events = listen_for_dumps();
	uint32_t i, wrong;
	int n;

	victim.data = buffer(gpu, 4096);
	victim.readable = read_only_buffer(gpu);
	for (i = 0; i < 3; i++) {
		victim.todo[i] = commands(gpu);
		victim.done[i] = syncobj(gpu);
	}
	for (i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		drop_dumps(gpu);
		for (n = 0; n < count; n++)
			beside_start(&beside[n]);
		victim_submit(&victim, &faults[i]);
		for (n = 0; n < count; n++)
			beside_continue(&beside[n]);
		victim_check(&victim, &faults[i]);
		for (n = 0, wrong = 0; n < count; n++)
			wrong += beside_wrong(&beside[n]);
		ktap_equal(wrong, 0, "all that ran beside it is exact");
		ktap_ok(await_dump(events), "a core dump is announced");
		check_dump(&victim, &faults[i]);
		vgpu_queue_destroy(gpu, victim.queue);
	}

	/* One at a time: the first one explains the others. */
	victim_submit(&victim, &faults[0]);
	wait_for(gpu, victim.done[2]);
	vgpu_queue_destroy(gpu, victim.queue);
	ktap_equal(count_dumps(), 1, "while nobody has dropped it, there is no other one");
	drop_dumps(gpu);
	close(events);
}

/* A fence in memory is the process's, too. */
static void test_fence_nowhere(struct vgpu *gpu)
{
	struct drm_vgpu_queue_state state;
	struct vgpu_commands todo = commands(gpu);
	uint32_t done = syncobj(gpu), queue;

	ktap_must(vgpu_queue_create(gpu, gpu->vm, 0, 0, &queue), "no queue");
	vgpu_emit_nop(&todo, 1);
	submit(gpu, queue, &todo, NOWHERE, done);
	ktap_equal(wait_for(gpu, done), -EIO, "a fence that is to be written nowhere is a fault");
	vgpu_queue_state(gpu, queue, &state);
	ktap_ok(VGPU_FIELD_GET(VGPU_RING_FAULT_OPCODE, state.fault) == VGPU_OP_FENCE &&
		state.fault_addr == NOWHERE, "of its FENCE");
	vgpu_queue_destroy(gpu, queue);
	vgpu_commands_destroy(gpu, &todo);
	vgpu_sync_destroy(gpu, done);
}

/* Of several jobs in one ioctl, of which only the last one has a fence. */
static void test_batch(struct vgpu *gpu, uint32_t bad, int want)
{
	struct vgpu_bo data = buffer(gpu, 4096);
	struct vgpu_commands good[4], wrong = commands(gpu);
	struct drm_vgpu_command command[4];
	uint32_t done = syncobj(gpu), queue, i, ran = 0;
	struct drm_vgpu_sync sync = { .handle = done };
	struct drm_vgpu_queue_state state;
	struct drm_vgpu_job jobs[4] = { 0 };
	const uint32_t *word = data.map;

	ktap_must(vgpu_queue_create(gpu, gpu->vm, 0, 0, &queue), "no queue");
	vgpu_emit_fill(&wrong, NOWHERE, 4, 1);
	for (i = 0; i < 4; i++) {
		good[i] = commands(gpu);
		vgpu_emit_fill(&good[i], data.addr + 4 * i, 4, 1);
		command[i] = (struct drm_vgpu_command){ good[i].bo.addr, good[i].used };
		jobs[i].commands = (uintptr_t)&command[i];
		jobs[i].command_count = 1;
	}
	command[bad] = (struct drm_vgpu_command){ wrong.bo.addr, wrong.used };
	jobs[3].out_sync_count = 1;
	jobs[3].out_syncs = (uintptr_t)&sync;
	vgpu_submit(gpu, queue, jobs, 4);
	if (!ktap_ok(wait_for(gpu, done) == want, "job %u of a batch faults: the last one tells",
		     bad + 1))
		printf("# %d\n", vgpu_sync_status(gpu, done));
	for (i = 0; i < 4; i++)
		ran += word[i];
	ktap_equal(ran, bad, "those before it have run, those behind it not");
	vgpu_queue_state(gpu, queue, &state);
	ktap_ok(state.flags == DRM_VGPU_QUEUE_BANNED && state.error == EIO,
		"the queue is banned");
	vgpu_queue_destroy(gpu, queue);
	for (i = 0; i < 4; i++)
		vgpu_commands_destroy(gpu, &good[i]);
	vgpu_commands_destroy(gpu, &wrong);
	vgpu_sync_destroy(gpu, done);
	vgpu_bo_destroy(gpu, &data);
}

int main(int argc, char **argv)
{
	struct beside beside[4];
	struct vgpu gpu, second, other;

	if (argc != 2) {
		fprintf(stderr, "usage: vf_ban NODE\n");
		return 2;
	}
	ktap_begin("vf_ban");
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(vgpu_open(&other, argv[1]), argv[1]);
	/* The same file with another address space */
	second = gpu;
	ktap_must(vgpu_vm_create(&second, &second.vm), "no VM");
	beside_open(&beside[0], &gpu, 0);
	beside_open(&beside[1], &gpu, gpu.rings - 1);
	beside_open(&beside[2], &second, 0);
	beside_open(&beside[3], &other, 0);
	test_faults(&gpu, beside, 4);
	test_fence_nowhere(&gpu);
	test_batch(&gpu, 1, -ECANCELED);
	test_batch(&gpu, 3, -EIO);
	drop_dumps(&gpu);
	vgpu_close(&gpu);
	vgpu_close(&other);
	return ktap_end();
}

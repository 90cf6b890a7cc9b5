// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_memory NODE
 *
 * Buffers: where they are and where they move to, that they are zero at first and
 * keep what is written wherever they go, who can have them, and that all is counted.
 * With another driver, vgem, if there is a node of it.
 *
 * vf_memory --hold NODE
 *
 * Has buffers of all kinds, and mappings of them, says "ready", and waits for the end
 * of its input, while the function may go. What is left then must be usable.
 */
#define _FILE_OFFSET_BITS 64
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/drm_mode.h>

#include "ktap.h"
#include "vgpu.h"

#define RW (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE)
#define VRAM DRM_VGPU_GEM_VRAM
#define SYSTEM DRM_VGPU_GEM_SYSTEM
#define PAGE 4096ull
#define MIB (1ull << 20)

static struct vgpu gpu;
static uint64_t vram_size, system_size;

/* ----- handles, without all that libvgpu does with a buffer ----- */

static int create(struct vgpu *node, uint64_t size, uint32_t flags, uint32_t vm,
		  uint32_t *handle)
{
	struct drm_vgpu_gem_create args = { .size = size, .flags = flags, .vm_id = vm };
	int ret = vgpu_call(node, DRM_IOCTL_VGPU_GEM_CREATE, &args);

	*handle = args.handle;
	return ret;
}

static void drop(struct vgpu *node, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	vgpu_call(node, DRM_IOCTL_GEM_CLOSE, &args);
}

/* VRAM, SYSTEM, 0 if swapped out, or a negative errno */
static int place_of(struct vgpu *node, uint32_t handle)
{
	struct drm_vgpu_gem_info info = { .handle = handle };
	int ret = vgpu_call(node, DRM_IOCTL_VGPU_GEM_INFO, &info);

	return ret ? ret : (int)info.placement;
}

static void *map_with(struct vgpu *node, uint32_t handle, uint64_t size, int flags)
{
	struct drm_vgpu_gem_mmap_offset args = { .handle = handle };

	if (vgpu_call(node, DRM_IOCTL_VGPU_GEM_MMAP_OFFSET, &args))
		return MAP_FAILED;
	return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, node->fd, args.offset);
}

static void *map(struct vgpu *node, uint32_t handle, uint64_t size)
{
	void *at = map_with(node, handle, size, MAP_SHARED);

	if (at == MAP_FAILED)
		ktap_must(-errno, "mmap");
	return at;
}

static uint64_t vram_free(void)
{
	uint64_t bytes = 0;

	vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_FREE, &bytes);
	return bytes;
}

/* Page tables of our VM come and go. */
#define TABLES	(64 * 1024)

static bool is_free(uint64_t bytes)
{
	return vram_free() + TABLES >= bytes && vram_free() <= bytes + TABLES;
}

/* What closed files had comes back a little later, and no event tells. */
static bool comes_back(uint64_t bytes)
{
	int tries;

	for (tries = 0; !is_free(bytes) && tries < 1000; tries++)
		usleep(10000);
	if (is_free(bytes))
		return true;
	printf("# %lld bytes are free, not %lld\n", (long long)vram_free(), (long long)bytes);
	return false;
}

/* Of each page of a buffer something else. */
static uint32_t value_of(uint32_t seed, uint64_t page)
{
	uint64_t state = (uint64_t)seed << 32 | page;

	return vgpu_random(&state);
}

static void write_pattern(void *at, uint64_t size, uint32_t seed)
{
	uint32_t *word = at, value = 0;
	uint64_t i;

	for (i = 0; i < size / 4; i++) {
		if (!(i % (PAGE / 4)))
			value = value_of(seed, i / (PAGE / 4));
		word[i] = value;
	}
}

/* Words that are wrong. Reads of write-combined memory are slow: one in 16. */
static uint64_t check_pattern(const void *at, uint64_t size, uint32_t seed)
{
	const uint32_t *word = at;
	uint64_t i, wrong = 0;

	for (i = 0; i < size / 4; i += 16)
		wrong += word[i] != value_of(seed, i / (PAGE / 4));
	return wrong;
}

static uint64_t check_zero(const void *at, uint64_t size)
{
	const uint64_t *word = at;
	uint64_t i, wrong = 0;

	for (i = 0; i < size / 8; i++)
		wrong += !!word[i];
	return wrong;
}

/* ----- allocation ----- */

/* Dirties @total bytes in buffers of @size, and tells what is not zero in the next. */
static uint64_t dirt_found(uint64_t total, uint64_t size, uint32_t flags)
{
	uint64_t n = total / size, i, dirt = 0;
	uint32_t *handles = calloc(n, sizeof(*handles));
	int round;
	void *at;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < n; i++) {
			ktap_must(create(&gpu, size, flags, 0, &handles[i]), "cannot allocate");
			at = map(&gpu, handles[i], size);
			if (round)
				dirt += check_zero(at, size);
			else
				memset(at, 0xff, size);
			munmap(at, size);
		}
		for (i = 0; i < n; i++)
			drop(&gpu, handles[i]);
	}
	free(handles);
	return dirt;
}

static void test_zero(void)
{
	uint64_t before = vram_free();

	ktap_equal(dirt_found(before, MIB, VRAM), 0, "new buffers in VRAM are zero");
	ktap_equal(dirt_found(8 * MIB, PAGE, VRAM), 0, "small ones, too");
	ktap_equal(dirt_found(32 * MIB, MIB, SYSTEM), 0,
		   "new buffers in system memory are zero");
	ktap_ok(comes_back(before), "all VRAM has come back");
}

/* Takes all VRAM that is free now, by buffers of 1 MiB; how many. */
static uint64_t fill_vram(uint32_t *handles, uint64_t limit)
{
	uint64_t n;

	for (n = 0; n < limit && vram_free() >= MIB; n++)
		ktap_must(create(&gpu, MIB, VRAM, 0, &handles[n]), "cannot allocate");
	return n;
}

static void test_places(void)
{
	uint64_t limit = vram_size / MIB + 1, n, i, moved = 0, wrong = 0;
	uint32_t *handles = calloc(limit, sizeof(*handles)), in_vram, in_system, either;
	void **at = calloc(limit, sizeof(*at));

	create(&gpu, MIB, SYSTEM, 0, &in_system);
	create(&gpu, MIB, VRAM | SYSTEM, 0, &either);
	ktap_equal(place_of(&gpu, in_system), SYSTEM, "SYSTEM is in system memory");
	ktap_equal(place_of(&gpu, either), VRAM, "VRAM | SYSTEM is in VRAM");
	drop(&gpu, either);
	drop(&gpu, in_system);

	n = fill_vram(handles, limit);
	for (i = 0; i < n; i++) {
		at[i] = map(&gpu, handles[i], MIB);
		write_pattern(at[i], MIB, i);
	}
	create(&gpu, MIB, VRAM | SYSTEM, 0, &either);
	ktap_equal(place_of(&gpu, either), SYSTEM, "when VRAM is full, in system memory");
	for (i = 0; i < n; i++)
		moved += place_of(&gpu, handles[i]) != VRAM;
	ktap_equal(moved, 0, "nobody has had to make room for it");
	ktap_equal(create(&gpu, MIB, VRAM, 0, &in_vram), 0,
		   "when VRAM is full there is room for a buffer that needs it");
	ktap_equal(place_of(&gpu, in_vram), VRAM, "it is in VRAM");
	for (i = 0; i < n; i++) {
		moved += place_of(&gpu, handles[i]) == SYSTEM;
		wrong += check_pattern(at[i], MIB, i);
	}
	ktap_ok(moved >= 1 && moved <= 2, "%llu of %llu others have made room",
		(unsigned long long)moved, (unsigned long long)n);
	ktap_equal(wrong, 0, "what is in them is the same, for mappings made before");
	drop(&gpu, in_vram);
	drop(&gpu, either);
	for (i = 0; i < n; i++) {
		munmap(at[i], MIB);
		drop(&gpu, handles[i]);
	}
	free(handles);
	free(at);
}

/* Everything that can be had, in buffers that nobody touches. */
static void test_limits(void)
{
	uint64_t before = vram_free(), size = vram_size / 8 & -PAGE, total = 0;
	uint64_t limit = (vram_size + system_size) / size + 2, n = 0, i;
	uint32_t *handles = calloc(limit, sizeof(*handles)), handle;
	int ret = 0;

	ktap_equal(create(&gpu, vram_size + 1, VRAM, 0, &handle), -ENOSPC,
		   "more than all VRAM");
	ktap_equal(create(&gpu, system_size + 1, SYSTEM, 0, &handle), -ENOSPC,
		   "more than the share of system memory");
	ktap_equal(create(&gpu, (vram_size > system_size ? vram_size : system_size) + 1,
			  VRAM | SYSTEM, 0, &handle), -ENOSPC, "more than either");
	ktap_equal(create(&gpu, ~0ull, VRAM | SYSTEM, 0, &handle), -ENOSPC, "2^64 - 1 bytes");
	ktap_equal(create(&gpu, vram_size, VRAM, 0, &handle), -ENOMEM,
		   "all VRAM, of which the driver has some");
	ktap_ok(comes_back(before), "nothing has changed");

	while (n < limit) {
		ret = create(&gpu, size, VRAM, 0, &handles[n]);
		if (ret)
			break;
		total += size;
		n++;
	}
	ktap_equal(ret, -ENOMEM, "at some time there is no memory left");
	ktap_ok(total > vram_size && total <= vram_size + system_size,
		"%llu MiB have been allocated, of %llu and %llu",
		(unsigned long long)(total / MIB), (unsigned long long)(vram_size / MIB),
		(unsigned long long)(system_size / MIB));
	for (i = 0; i < n; i++)
		drop(&gpu, handles[i]);
	free(handles);
	ktap_ok(comes_back(before), "all VRAM has come back");
}

/* ----- mappings ----- */

static void test_mappings(void)
{
	uint64_t before = vram_free();
	struct drm_vgpu_gem_mmap_offset args;
	struct vgpu other;
	uint32_t handle;
	uint8_t *at;
	int status;

	create(&gpu, MIB, VRAM, 0, &handle);
	ktap_ok(map_with(&gpu, handle, MIB, MAP_PRIVATE) == MAP_FAILED &&
		errno == EINVAL, "MAP_PRIVATE is refused");
	ktap_ok(map_with(&gpu, handle, MIB + PAGE, MAP_SHARED) == MAP_FAILED,
		"more than the buffer cannot be mapped");
	ktap_must(vgpu_open(&other, gpu.path), gpu.path);
	args = (struct drm_vgpu_gem_mmap_offset){ .handle = handle };
	vgpu_call(&gpu, DRM_IOCTL_VGPU_GEM_MMAP_OFFSET, &args);
	ktap_ok(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, other.fd, args.offset) == MAP_FAILED &&
		errno == EACCES, "other files cannot map it");
	vgpu_close(&other);

	at = map(&gpu, handle, MIB);
	drop(&gpu, handle);
	write_pattern(at, MIB, 1);
	ktap_equal(check_pattern(at, MIB, 1), 0,
		   "a mapping is as good when the handle is closed");
	ktap_ok(comes_back(before - MIB), "and keeps the memory");

	munmap(at + PAGE, PAGE);
	ktap_equal(check_pattern(at, PAGE, 1), 0, "a hole leaves what is before it");
	ktap_ok(((uint32_t *)(at + 2 * PAGE))[0] == value_of(1, 2), "and behind it");
	fflush(stdout);
	if (!fork()) {
		at[0] = 0x42;
		_exit(((uint32_t *)(at + 3 * PAGE))[0] != value_of(1, 3));
	}
	wait(&status);
	ktap_ok(!status, "a child process has the mapping");
	ktap_equal(at[0], 0x42, "and the parent process sees what it has written");
	munmap(at, PAGE);
	munmap(at + 2 * PAGE, MIB - 2 * PAGE);
	ktap_ok(comes_back(before), "with the last mapping the memory goes");
}

/* As a debugger reads and writes. */
static void test_debugger(uint32_t flags, const char *where)
{
	uint32_t handle, word = 0x5ec2e7;
	int fd = open("/proc/self/mem", O_RDWR);
	uint8_t *at;

	create(&gpu, 2 * PAGE, flags, 0, &handle);
	at = map(&gpu, handle, 2 * PAGE);
	at[0] = 1;
	/* Across two pages */
	ktap_ok(pwrite(fd, &word, 4, (uintptr_t)at + PAGE - 2) == 4 &&
		at[PAGE - 2] == 0xe7 && at[PAGE - 1] == 0xc2 && at[PAGE] == 0x5e,
		"a debugger writes %s", where);
	word = 0;
	ktap_ok(pread(fd, &word, 4, (uintptr_t)at + PAGE - 2) == 4 && word == 0x5ec2e7,
		"and reads %s", where);
	munmap(at, 2 * PAGE);
	drop(&gpu, handle);
	close(fd);
}

/* ----- moving, under the eyes of jobs ----- */

#define BUFFERS_MAX	512

/* A file with buffers for a part of VRAM, all mapped by its VM. */
struct user {
	struct vgpu gpu;
	struct vgpu_commands commands;
	struct vgpu_bo sums;
	struct vgpu_bo buffers[BUFFERS_MAX];
	unsigned int count;
	uint64_t bytes;
	uint64_t moved;
};

/* Some are private, some can be shared, some may be in either memory. */
static int add_buffer(struct user *user, uint64_t *seed)
{
	static const uint64_t sizes[] = { PAGE, 64 * 1024, MIB, 3 * MIB };
	struct vgpu_bo *bo = &user->buffers[user->count];
	uint64_t random = vgpu_random(seed), size = sizes[random % 4];
	int ret;

	switch (random >> 8 & 7) {
	case 0:
		ret = vgpu_bo_create_shared(&user->gpu, size, VRAM, RW, bo);
		break;
	case 1:
		ret = vgpu_bo_create_shared(&user->gpu, size, VRAM | SYSTEM, RW, bo);
		break;
	default:
		ret = vgpu_bo_create(&user->gpu, size, RW, bo);
	}
	if (ret)
		return ret;
	user->count++;
	user->bytes += size;
	return 0;
}

static int user_begin(struct user *user, const char *path, uint64_t bytes, uint64_t seed)
{
	int ret;

	memset(user, 0, sizeof(*user));
	ret = vgpu_open(&user->gpu, path);
	while (!ret && user->bytes < bytes && user->count < BUFFERS_MAX)
		ret = add_buffer(user, &seed);
	/* A FILL for each page, or a sum for four */
	if (!ret)
		ret = vgpu_commands_create(&user->gpu, user->bytes / PAGE * 32 +
					   user->count * 128, &user->commands);
	if (!ret)
		ret = vgpu_bo_create(&user->gpu, user->bytes / PAGE * 8 + user->count * 8,
				     RW, &user->sums);
	return ret;
}

static void remove_buffer(struct user *user)
{
	struct vgpu_bo *bo = &user->buffers[--user->count];

	user->bytes -= bo->size;
	vgpu_bo_destroy(&user->gpu, bo);
}

static void user_end(struct user *user)
{
	while (user->count)
		remove_buffer(user);
	vgpu_bo_destroy(&user->gpu, &user->sums);
	vgpu_commands_destroy(&user->gpu, &user->commands);
	vgpu_close(&user->gpu);
}

static uint32_t seed_of(unsigned int buffer, int round)
{
	return round * BUFFERS_MAX + buffer;
}

static int fill_by_gpu(struct user *user, int round)
{
	unsigned int i;
	uint64_t page;

	vgpu_commands_reset(&user->commands);
	for (i = 0; i < user->count; i++)
		for (page = 0; page < user->buffers[i].size / PAGE; page++)
			vgpu_emit_fill(&user->commands, user->buffers[i].addr + page * PAGE,
				       PAGE, value_of(seed_of(i, round), page));
	return vgpu_run(&user->gpu, round % user->gpu.rings, &user->commands);
}

/* The sum of what VGPU_REDUCE_GROUP words from @page on must be. */
static uint64_t sum_of(struct vgpu_bo *bo, uint32_t seed, uint64_t page)
{
	uint64_t pages = VGPU_REDUCE_GROUP * 4 / PAGE, sum = 0;

	for (; pages-- && page < bo->size / PAGE; page++)
		sum += value_of(seed, page) * (PAGE / 4);
	return sum;
}

/* What jobs find in all buffers; how many groups are wrong, or an errno. */
static int check_by_gpu(struct user *user, int round)
{
	uint64_t *sum = user->sums.map, addr = user->sums.addr, page;
	unsigned int i, wrong = 0;
	int ret;

	vgpu_commands_reset(&user->commands);
	for (i = 0; i < user->count; i++) {
		vgpu_emit_reduce(&user->commands, user->buffers[i].size / 4,
				 user->buffers[i].addr, addr);
		addr += (user->buffers[i].size + VGPU_REDUCE_GROUP * 4 - 1) /
			(VGPU_REDUCE_GROUP * 4) * 8;
	}
	ret = vgpu_run(&user->gpu, round % user->gpu.rings, &user->commands);
	if (ret)
		return ret;
	for (i = 0; i < user->count; i++)
		for (page = 0; page < user->buffers[i].size / PAGE;
		     page += VGPU_REDUCE_GROUP * 4 / PAGE)
			wrong += *sum++ != sum_of(&user->buffers[i], seed_of(i, round), page);
	return wrong;
}

static uint64_t check_by_cpu(struct user *user, int round)
{
	uint64_t wrong = 0;
	unsigned int i;

	for (i = 0; i < user->count; i++) {
		user->moved += place_of(&user->gpu, user->buffers[i].handle) != VRAM;
		wrong += check_pattern(user->buffers[i].map, user->buffers[i].size,
				       seed_of(i, round));
	}
	return wrong;
}

/* In turn: jobs write, jobs read, the CPU reads, and writes for jobs. */
static int user_round(struct user *user, int round)
{
	unsigned int i;
	int ret;

	ret = fill_by_gpu(user, round);
	if (ret)
		return ret;
	if (check_by_cpu(user, round))
		return 1;
	ret = check_by_gpu(user, round);
	if (ret)
		return ret < 0 ? ret : 2;
	for (i = 0; i < user->count; i++)
		write_pattern(user->buffers[i].map, user->buffers[i].size,
			      seed_of(i, round + 100));
	ret = check_by_gpu(user, round + 100);
	return ret > 0 ? 3 : ret;
}

#define ROUNDS 3

/* What a process tells. */
struct outcome {
	int ret;
	int rounds;
	uint64_t moved;
};

static void run_user(uint64_t bytes, uint64_t seed, int go, int told)
{
	static struct user user;
	struct outcome outcome = { 0 };
	char byte;

	outcome.ret = user_begin(&user, gpu.path, bytes, seed);
	if (write(told, &outcome, sizeof(outcome)) != sizeof(outcome) ||
	    read(go, &byte, 1) != 1)
		_exit(1);
	while (!outcome.ret && outcome.rounds < ROUNDS)
		outcome.ret = user_round(&user, outcome.rounds++);
	outcome.moved = user.moved;
	_exit(write(told, &outcome, sizeof(outcome)) != sizeof(outcome));
}

struct process {
	int go;
	int told;
	pid_t pid;
};

static void start_user(struct process *process, uint64_t bytes, uint64_t seed)
{
	int go[2], told[2];

	if (pipe(go) || pipe(told))
		ktap_must(-errno, "pipe");
	fflush(stdout);
	process->pid = fork();
	if (!process->pid) {
		close(go[1]);
		close(told[0]);
		run_user(bytes, seed, go[0], told[1]);
	}
	close(go[0]);
	close(told[1]);
	process->go = go[1];
	process->told = told[0];
}

static struct outcome hear(struct process *process)
{
	struct outcome outcome;

	if (read(process->told, &outcome, sizeof(outcome)) != sizeof(outcome))
		outcome = (struct outcome){ .ret = -EPIPE };
	return outcome;
}

/* Each of two processes needs three quarters of VRAM at a time. */
static void test_pressure(void)
{
	struct process processes[2];
	uint64_t before = vram_free(), moved = 0;
	struct outcome outcome;
	int i, status;

	for (i = 0; i < 2; i++) {
		start_user(&processes[i], before / 4 * 3, i + 1);
		ktap_equal(hear(&processes[i]).ret, 0,
			   i ? "the second process has as many buffers" :
			   "a process has buffers for 3/4 of VRAM");
	}
	for (i = 0; i < 2; i++)
		if (write(processes[i].go, "", 1) != 1)
			ktap_must(-errno, "pipe");
	for (i = 0; i < 2; i++) {
		outcome = hear(&processes[i]);
		if (!ktap_ok(!outcome.ret, "process %d finds what it, or its jobs, have written", i))
			printf("# %d in round %d: 1, 3: jobs write, CPU reads; 2: jobs read\n",
			       outcome.ret, outcome.rounds);
		moved += outcome.moved;
		waitpid(processes[i].pid, &status, 0);
		ktap_equal(status, 0, "the process has come to its end");
		close(processes[i].go);
		close(processes[i].told);
	}
	ktap_ok(moved > 0, "%llu times a buffer was found in system memory",
		(unsigned long long)moved);
	ktap_ok(comes_back(before), "all VRAM has come back");
}

/* One VM maps more than VRAM: it cannot run, and does not harm. */
static void test_too_much(void)
{
	uint64_t before = vram_free(), seed = 3;
	static struct user user;
	uint32_t handle;
	int ret;

	ktap_must(user_begin(&user, gpu.path, before / 4 * 3, 3), "cannot allocate");
	ktap_equal(fill_by_gpu(&user, 0), 0, "a job with 3/4 of VRAM");
	while (user.bytes < before + 4 * MIB && !add_buffer(&user, &seed))
		;
	/* Those that may be in system memory do not count. */
	ktap_must(vgpu_bo_create(&user.gpu, before / 2 & -PAGE, RW, &user.buffers[user.count]),
		  "cannot allocate");
	ret = vgpu_run(&user.gpu, 0, &user.commands);
	ktap_equal(ret, -ENOMEM, "a job whose VM maps more than VRAM");
	vgpu_bo_destroy(&user.gpu, &user.buffers[user.count]);
	while (user.bytes > before / 4 * 3)
		remove_buffer(&user);
	ktap_equal(fill_by_gpu(&user, 1), 0, "a job when some of it has gone");
	ktap_equal(check_by_cpu(&user, 1), 0, "has written all of it");
	user_end(&user);
	ktap_equal(create(&gpu, before / 2, VRAM, 0, &handle), 0, "others have room again");
	drop(&gpu, handle);
	ktap_ok(comes_back(before), "all VRAM has come back");
}

/* A job that is still there when all that has nothing to do with it is done. */
static void test_unhindered(void)
{
	struct vgpu_commands waiting, commands;
	struct vgpu_bo gate, bo[8];
	int i, failed = 0;
	uint32_t done;

	ktap_must(vgpu_bo_create(&gpu, PAGE, RW, &gate), "cannot allocate");
	ktap_must(vgpu_commands_create(&gpu, PAGE, &waiting), "cannot allocate");
	ktap_must(vgpu_commands_create(&gpu, PAGE, &commands), "cannot allocate");
	ktap_must(vgpu_sync_create(&gpu, false, &done), "no syncobj");
	vgpu_emit_wait(&waiting, gate.addr, 1);
	ktap_equal(vgpu_submit_commands(&gpu, 1, &waiting, 0, done), 0, "a job waits in memory");
	for (i = 0; i < 8; i++) {
		failed += !!vgpu_bo_create(&gpu, MIB, RW, &bo[i]);
		vgpu_emit_fill(&commands, bo[i].addr, MIB, value_of(14, i));
	}
	ktap_equal(failed, 0, "private buffers of its VM are made and mapped");
	ktap_equal(vgpu_run(&gpu, 0, &commands), 0, "a job of another queue uses them");
	for (i = 0; i < 8; i++) {
		failed += *(uint32_t *)bo[i].map != value_of(14, i);
		vgpu_bo_destroy(&gpu, &bo[i]);
	}
	ktap_equal(failed, 0, "and has written them");
	ktap_equal(vgpu_sync_status(&gpu, done), 0, "the first job has not ended");
	*(volatile uint64_t *)gate.map = 1;
	ktap_equal(vgpu_sync_wait(&gpu, done, 0, VGPU_RUN_TIMEOUT_MS), 0, "now it does");
	ktap_equal(vgpu_sync_status(&gpu, done), 1, "successfully");
	vgpu_sync_destroy(&gpu, done);
	vgpu_commands_destroy(&gpu, &commands);
	vgpu_commands_destroy(&gpu, &waiting);
	vgpu_bo_destroy(&gpu, &gate);
}

/* Makes a buffer of most of VRAM, and ends. */
static void be_short(uint64_t bytes)
{
	static struct vgpu mine;
	struct vgpu_bo bo;

	_exit(vgpu_open(&mine, gpu.path) || vgpu_bo_create(&mine, bytes, RW, &bo));
}

/*
 * While system memory is full nothing can be moved there: who comes next has room only
 * if what the process before has had is waited for.
 */
static void test_succession(void)
{
	uint64_t before = vram_free(), n = 0, failed = 0;
	uint64_t limit = system_size / MIB + 1;
	uint32_t *handles = calloc(limit, sizeof(*handles)), handle;
	int status, ret;

	while (n < limit && !create(&gpu, MIB, SYSTEM, 0, &handles[n]))
		n++;
	ktap_ok(n >= system_size / MIB - 1 && n < limit,
		"%llu MiB of system memory can be had, of %llu", (unsigned long long)n,
		(unsigned long long)(system_size / MIB));
	ktap_equal(create(&gpu, before / 4 * 3 & -PAGE, VRAM, 0, &handle), 0,
		   "most of VRAM is taken");
	ret = create(&gpu, before / 2 & -PAGE, VRAM, 0, &handles[n]);
	ktap_equal(ret, -ENOMEM, "nothing can be moved to system memory");
	drop(&gpu, handle);
	fflush(stdout);
	for (ret = 0; ret < 8; ret++) {
		if (!fork())
			be_short(before / 4 * 3 & -PAGE);
		wait(&status);
		failed += !!status;
	}
	ktap_equal(failed, 0, "8 processes have most of VRAM, one after the other");
	while (n)
		drop(&gpu, handles[--n]);
	free(handles);
	ktap_ok(comes_back(before), "all VRAM has come back");
}

/* The kernel takes what nobody uses when it needs memory. */
static void test_swap(void)
{
	static const char shrink[] = "/sys/kernel/debug/ttm/tt_shrink";
	struct vgpu_commands commands;
	int fd = open(shrink, O_RDONLY), tries;
	struct vgpu_bo bo;
	char text[16];

	if (fd < 0) {
		ktap_skip("swapped buffers keep what is in them", "no debugfs of TTM");
		return;
	}
	ktap_must(vgpu_commands_create(&gpu, PAGE, &commands), "cannot allocate");
	ktap_must(vgpu_bo_create_shared(&gpu, MIB, SYSTEM, RW, &bo), "cannot allocate");
	write_pattern(bo.map, MIB, 5);
	for (tries = 0; tries < 100 && place_of(&gpu, bo.handle); tries++)
		if (pread(fd, text, sizeof(text), 0) <= 0)
			break;
	ktap_equal(place_of(&gpu, bo.handle), 0, "a buffer in system memory is swapped out");
	vgpu_emit_fill(&commands, bo.addr, PAGE, value_of(5, 0));
	ktap_equal(vgpu_run(&gpu, 0, &commands), 0, "a job gets it back");
	ktap_equal(place_of(&gpu, bo.handle), SYSTEM, "in system memory");
	ktap_equal(check_pattern(bo.map, MIB, 5), 0, "with what was in it");
	for (tries = 0; tries < 100 && place_of(&gpu, bo.handle); tries++)
		if (pread(fd, text, sizeof(text), 0) <= 0)
			break;
	ktap_equal(place_of(&gpu, bo.handle), 0, "it is swapped out again");
	ktap_equal(check_pattern(bo.map, MIB, 5), 0, "the CPU gets it back, too");
	vgpu_bo_destroy(&gpu, &bo);
	vgpu_commands_destroy(&gpu, &commands);
	close(fd);
}

/* ----- sharing ----- */

static int export(int fd, uint32_t handle, int *dmabuf)
{
	struct drm_prime_handle args = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args) ? -errno : 0;

	*dmabuf = args.fd;
	return ret;
}

static int import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle args = { .fd = dmabuf };
	int ret = ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args) ? -errno : 0;

	*handle = args.handle;
	return ret;
}

static int send_fd(int socket, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec vec = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &vec, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec vec = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &vec, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	int fd;

	if (recvmsg(socket, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* Gets a dma-buf, makes its own job write it; 0 if what was in it is right. */
static int work_of_receiver(int socket)
{
	struct vgpu_commands commands;
	int dmabuf = receive_fd(socket), ret;
	struct vgpu other;
	uint32_t handle;
	uint64_t addr;
	void *at;

	if (vgpu_open(&other, gpu.path) || import(other.fd, dmabuf, &handle))
		return 1;
	at = map(&other, handle, MIB);
	if (check_pattern(at, MIB, 7))
		return 2;
	addr = vgpu_reserve(&other, MIB);
	if (vgpu_map(&other, other.vm, handle, 0, addr, MIB, RW) ||
	    vgpu_commands_create(&other, PAGE, &commands))
		return 3;
	vgpu_emit_fill(&commands, addr, PAGE, 0x77777777);
	ret = vgpu_run(&other, 0, &commands);
	return ret ? 4 : 0;
}

/* Two processes, each with a file of its own. */
static void test_fd_passing(void)
{
	struct vgpu_bo bo;
	int dmabuf, status, sockets[2];
	uint32_t *word;

	ktap_must(vgpu_bo_create_shared(&gpu, MIB, VRAM, RW, &bo), "cannot allocate");
	write_pattern(bo.map, MIB, 7);
	ktap_equal(export(gpu.fd, bo.handle, &dmabuf), 0, "a buffer is exported");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		ktap_must(-errno, "socketpair");
	fflush(stdout);
	if (!fork())
		_exit(work_of_receiver(sockets[1]));
	ktap_equal(send_fd(sockets[0], dmabuf), 0, "it is sent to another process");
	wait(&status);
	ktap_equal(WEXITSTATUS(status), 0, "which reads it, and whose job writes it");
	word = bo.map;
	ktap_ok(word[0] == 0x77777777 && word[PAGE / 4] == value_of(7, 1),
		"what that has written is here");
	ktap_equal(place_of(&gpu, bo.handle), VRAM, "the buffer is still in VRAM");

	word = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	ktap_ok(word != MAP_FAILED && word[0] == 0x77777777, "the dma-buf can be mapped");
	word[1] = 0x12345678;
	ktap_equal(((uint32_t *)bo.map)[1], 0x12345678, "and is the same memory");
	munmap(word, MIB);
	close(sockets[0]);
	close(sockets[1]);
	close(dmabuf);
	vgpu_bo_destroy(&gpu, &bo);
}

static void test_handles(void)
{
	struct drm_gem_flink flink;
	struct drm_gem_open open_args;
	uint32_t handle, again, imported;
	struct vgpu other;
	int dmabuf;

	ktap_must(vgpu_open(&other, gpu.path), gpu.path);
	create(&gpu, PAGE, VRAM, gpu.vm, &handle);
	ktap_equal(export(gpu.fd, handle, &dmabuf), -EPERM, "a private buffer is not exported");
	ktap_equal(vgpu_map(&gpu, gpu.vm, handle, 0, vgpu_reserve(&gpu, PAGE), PAGE, RW), 0,
		   "it is mapped in its VM");
	vgpu_vm_create(&gpu, &again);
	ktap_equal(vgpu_map(&gpu, again, handle, 0, 1ull << 32, PAGE, RW), -EPERM,
		   "and in no other one");
	vgpu_vm_destroy(&gpu, again);
	flink = (struct drm_gem_flink){ .handle = handle };
	ktap_ok(ioctl(gpu.fd, DRM_IOCTL_GEM_FLINK, &flink) < 0 && errno == EACCES,
		"a render node gives no names");
	drop(&gpu, handle);

	create(&gpu, PAGE, VRAM, 0, &handle);
	ktap_equal(export(gpu.fd, handle, &dmabuf), 0, "a buffer is exported");
	ktap_equal(import(gpu.fd, dmabuf, &again), 0, "its own file imports it");
	ktap_equal(again, handle, "by the same handle");
	ktap_equal(import(other.fd, dmabuf, &imported), 0, "another file imports it");
	drop(&gpu, handle);
	close(dmabuf);
	ktap_equal(place_of(&gpu, handle), -ENOENT, "the handle is closed");
	ktap_equal(place_of(&other, imported), VRAM, "the other file still has it");
	open_args = (struct drm_gem_open){ .name = 1 };
	ktap_ok(ioctl(other.fd, DRM_IOCTL_GEM_OPEN, &open_args) < 0 && errno == EACCES,
		"a render node opens no names");
	vgpu_close(&other);
}

/* The card that belongs to the render node: names are made there. */
static int open_card(void)
{
	char path[160];
	int n, fd;

	for (n = 0; n < 64; n++) {
		snprintf(path, sizeof(path), "/sys/class/drm/%.32s/device/drm/card%d",
			 strrchr(gpu.path, '/') + 1, n);
		if (access(path, F_OK))
			continue;
		snprintf(path, sizeof(path), "/dev/dri/card%d", n);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static int name_and_open(struct vgpu *card, uint32_t vm, uint32_t *other)
{
	struct drm_gem_open args = { 0 };
	struct drm_gem_flink flink;
	uint32_t handle;
	int ret;

	ret = create(card, PAGE, VRAM, vm, &handle);
	if (ret)
		return ret;
	flink = (struct drm_gem_flink){ .handle = handle };
	ret = vgpu_call(card, DRM_IOCTL_GEM_FLINK, &flink);
	args.name = flink.name;
	if (!ret)
		ret = vgpu_call(card, DRM_IOCTL_GEM_OPEN, &args);
	*other = args.handle;
	return ret;
}

/* The old way to share: by name, for who is authenticated. */
static void test_names(void)
{
	struct vgpu card = { .fd = open_card() };
	uint32_t other;

	if (card.fd < 0) {
		ktap_skip("names", "no card node");
		return;
	}
	ktap_must(vgpu_vm_create(&card, &card.vm), "card");
	ktap_equal(name_and_open(&card, 0, &other), 0, "a buffer can be opened by name");
	ktap_equal(place_of(&card, other), VRAM, "it is the buffer");
	ktap_equal(name_and_open(&card, card.vm, &other), -EPERM, "but no private one");
	close(card.fd);
}

/* ----- with another driver ----- */

static int open_vgem(void)
{
	char name[8], path[64];
	struct drm_version version;
	int n, fd;

	for (n = 0; n < 64; n++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", n);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		memset(name, 0, sizeof(name));
		version = (struct drm_version){ .name = name, .name_len = sizeof(name) - 1 };
		if (!ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgem"))
			return fd;
		close(fd);
	}
	return -1;
}

static void *map_vgem(int vgem, uint32_t handle, uint64_t size)
{
	struct drm_mode_map_dumb args = { .handle = handle };
	void *at;

	if (ioctl(vgem, DRM_IOCTL_MODE_MAP_DUMB, &args))
		ktap_must(-errno, "vgem: MAP_DUMB");
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vgem, args.offset);
	if (at == MAP_FAILED)
		ktap_must(-errno, "vgem: mmap");
	return at;
}

/* Others reach it in system memory only; there it stays as long as they are attached. */
static void test_export_to_vgem(int vgem)
{
	struct vgpu_commands commands;
	struct drm_gem_close args;
	struct vgpu_bo bo;
	uint32_t handle, *at;
	int dmabuf;

	ktap_must(vgpu_commands_create(&gpu, PAGE, &commands), "cannot allocate");
	ktap_must(vgpu_bo_create_shared(&gpu, MIB, VRAM, RW, &bo), "cannot allocate");
	write_pattern(bo.map, MIB, 8);
	vgpu_emit_fill(&commands, bo.addr, PAGE, 0x88888888);
	ktap_must(export(gpu.fd, bo.handle, &dmabuf), "cannot export");
	ktap_equal(import(vgem, dmabuf, &handle), 0, "vgem imports a buffer in VRAM");
	close(dmabuf);
	ktap_equal(place_of(&gpu, bo.handle), SYSTEM, "it is in system memory now");
	ktap_equal(check_pattern(bo.map, MIB, 8), 0, "with what was in it");
	ktap_equal(vgpu_run(&gpu, 0, &commands), 0, "a job writes it");
	ktap_equal(place_of(&gpu, bo.handle), SYSTEM, "where it is");
	at = bo.map;
	ktap_ok(at[0] == 0x88888888 && at[PAGE / 4] == value_of(8, 1), "what the job has written");
	args = (struct drm_gem_close){ .handle = handle };
	ioctl(vgem, DRM_IOCTL_GEM_CLOSE, &args);
	ktap_equal(vgpu_run(&gpu, 0, &commands), 0, "a job after vgem has left it");
	ktap_equal(place_of(&gpu, bo.handle), VRAM, "moves it back to VRAM");
	ktap_equal(at[PAGE / 4], value_of(8, 1), "with what was in it");
	vgpu_bo_destroy(&gpu, &bo);
	vgpu_commands_destroy(&gpu, &commands);
}

static void test_import_from_vgem(int vgem)
{
	struct drm_mode_create_dumb dumb = { .width = 512, .height = 512, .bpp = 32 };
	struct drm_vgpu_gem_info info;
	struct vgpu_commands commands;
	uint32_t *theirs, *ours, handle, shared;
	uint64_t addr;
	int dmabuf;

	if (ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
		ktap_must(-errno, "vgem: CREATE_DUMB");
	theirs = map_vgem(vgem, dumb.handle, dumb.size);
	write_pattern(theirs, dumb.size, 9);
	ktap_must(export(vgem, dumb.handle, &dmabuf), "vgem: export");
	ktap_equal(import(gpu.fd, dmabuf, &handle), 0, "a buffer of vgem is imported");
	info = (struct drm_vgpu_gem_info){ .handle = handle };
	ktap_equal(vgpu_call(&gpu, DRM_IOCTL_VGPU_GEM_INFO, &info), 0, "GEM_INFO");
	ktap_ok(info.flags == SYSTEM && info.placement == SYSTEM && info.size == dumb.size,
		"it is system memory of that size");
	ours = map(&gpu, handle, dumb.size);
	ktap_equal(check_pattern(ours, dumb.size, 9), 0, "it can be mapped here");
	addr = vgpu_reserve(&gpu, dumb.size);
	ktap_equal(vgpu_map(&gpu, gpu.vm, handle, 0, addr, dumb.size, RW), 0, "and in a VM");
	ktap_must(vgpu_commands_create(&gpu, PAGE, &commands), "cannot allocate");
	vgpu_emit_copy(&commands, addr, addr + PAGE, PAGE);
	ktap_equal(vgpu_run(&gpu, 0, &commands), 0, "a job copies a page of it");
	ktap_ok(theirs[0] == value_of(9, 1) && theirs[PAGE / 2] == value_of(9, 2),
		"vgem's mapping shows that");
	ktap_equal(export(gpu.fd, handle, &dmabuf), 0, "it can be exported again");
	ktap_equal(import(vgem, dmabuf, &shared), 0, "to vgem");
	ktap_equal(shared, dumb.handle, "which knows it");
	vgpu_unmap(&gpu, gpu.vm, addr, dumb.size);
	munmap(ours, dumb.size);
	munmap(theirs, dumb.size);
	close(dmabuf);
	drop(&gpu, handle);
	vgpu_commands_destroy(&gpu, &commands);
}

static void test_vgem(void)
{
	int vgem = open_vgem();

	if (vgem < 0) {
		ktap_skip("buffers of and for another driver", "no vgem");
		return;
	}
	test_export_to_vgem(vgem);
	test_import_from_vgem(vgem);
	close(vgem);
}

/* ----- accounting ----- */

/* Bytes that fdinfo has under @key */
static uint64_t fdinfo(const char *key)
{
	char path[64], line[160], unit[8];
	unsigned long long value, found = ~0ull;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", gpu.fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) || line[strlen(key)] != ':')
			continue;
		unit[0] = 0;
		if (sscanf(line + strlen(key) + 1, "%llu %7s", &value, unit) < 1)
			continue;
		found = value;
		if (!strcmp(unit, "KiB"))
			found <<= 10;
		else if (!strcmp(unit, "MiB"))
			found <<= 20;
	}
	if (file)
		fclose(file);
	return found;
}

static const char *const keys[] = {
	"drm-total-vram", "drm-shared-vram", "drm-resident-vram",
	"drm-total-system", "drm-shared-system", "drm-resident-system",
};

static uint64_t counted[6];

static void count(void)
{
	int i;

	for (i = 0; i < 6; i++)
		counted[i] = fdinfo(keys[i]);
}

/* By how much each has grown since count(), in KiB. */
static void grown(const char *what, const int kib[6])
{
	int i, wrong = 0;

	for (i = 0; i < 6; i++)
		wrong += fdinfo(keys[i]) - counted[i] != kib[i] * 1024ull;
	if (ktap_ok(!wrong, "%s", what))
		return;
	for (i = 0; i < 6; i++)
		printf("# %s: %lld, not %lld\n", keys[i],
		       (long long)(fdinfo(keys[i]) - counted[i]), kib[i] * 1024ll);
}

static void test_accounting(void)
{
	uint32_t limit = vram_size / MIB + 1, n, i, in_vram, in_system, shared;
	uint32_t *handles = calloc(limit, sizeof(*handles));
	int dmabuf;

	count();
	create(&gpu, 20 * 1024, VRAM, 0, &in_vram);
	grown("20 KiB in VRAM", (int[]){ 20, 0, 20, 0, 0, 0 });
	create(&gpu, 36 * 1024, SYSTEM, 0, &in_system);
	grown("36 KiB in system memory", (int[]){ 20, 0, 20, 36, 0, 36 });
	create(&gpu, 44 * 1024, VRAM, 0, &shared);
	export(gpu.fd, shared, &dmabuf);
	grown("44 KiB in VRAM, exported", (int[]){ 64, 44, 64, 36, 0, 36 });
	drop(&gpu, shared);
	close(dmabuf);
	grown("no more", (int[]){ 20, 0, 20, 36, 0, 36 });
	drop(&gpu, in_system);
	grown("nor in system memory", (int[]){ 20, 0, 20, 0, 0, 0 });

	/* The oldest ones make room. */
	n = fill_vram(handles, limit);
	count();
	create(&gpu, 2 * MIB, VRAM, 0, &shared);
	ktap_equal(fdinfo("drm-total-vram") - counted[0], 2 * MIB, "2 MiB more in VRAM");
	ktap_equal(fdinfo("drm-resident-vram") + fdinfo("drm-resident-system"),
		   counted[2] + counted[5] + 2 * MIB,
		   "as much has moved to system memory as has left VRAM");
	ktap_ok(fdinfo("drm-resident-system") > counted[5], "some has moved");
	drop(&gpu, shared);
	drop(&gpu, in_vram);
	for (i = 0; i < n; i++)
		drop(&gpu, handles[i]);
	free(handles);
}

/* ----- when the function goes ----- */

static void hold(const char *node)
{
	struct drm_mode_create_dumb dumb = { .width = 512, .height = 512, .bpp = 32 };
	uint32_t imported, exported, shared;
	struct vgpu_bo in_vram, in_system;
	uint32_t *theirs, *ours, *passed;
	int vgem = open_vgem(), dmabuf;
	char byte;

	ktap_must(vgem < 0 ? -ENODEV : 0, "vgem");
	ktap_must(vgpu_open(&gpu, node), node);
	ktap_must(vgpu_bo_create(&gpu, MIB, RW, &in_vram), "cannot allocate");
	ktap_must(vgpu_bo_create_shared(&gpu, MIB, SYSTEM, RW, &in_system), "cannot allocate");
	write_pattern(in_vram.map, MIB, 10);
	write_pattern(in_system.map, MIB, 11);

	if (ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
		ktap_must(-errno, "vgem: CREATE_DUMB");
	theirs = map_vgem(vgem, dumb.handle, dumb.size);
	write_pattern(theirs, dumb.size, 12);
	ktap_must(export(vgem, dumb.handle, &dmabuf), "vgem: export");
	ktap_must(import(gpu.fd, dmabuf, &imported), "import");
	close(dmabuf);
	ours = map(&gpu, imported, dumb.size);
	ktap_must(vgpu_map(&gpu, gpu.vm, imported, 0, vgpu_reserve(&gpu, dumb.size),
			   dumb.size, RW), "bind");

	ktap_must(create(&gpu, MIB, VRAM, 0, &exported), "cannot allocate");
	ktap_must(export(gpu.fd, exported, &dmabuf), "export");
	ktap_must(import(vgem, dmabuf, &shared), "vgem: import");
	passed = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	ktap_must(passed == MAP_FAILED ? -errno : 0, "mmap of a dma-buf");
	write_pattern(passed, MIB, 13);

	printf("ready\n");
	while (read(0, &byte, 1) == 1)
		;
	ktap_equal(check_zero(in_vram.map, MIB), 0, "what was in VRAM is zero");
	ktap_equal(check_zero(in_system.map, MIB), 0, "and in system memory");
	ktap_equal(check_zero(passed, MIB), 0, "and what was exported");
	((uint32_t *)in_vram.map)[0] = 0x42;
	ktap_equal(((uint32_t *)in_vram.map)[0], 0x42, "a mapping can be written");
	ktap_equal(check_pattern(ours, dumb.size, 12), 0, "what was imported is there");
	theirs[0] = 0x77;
	ktap_equal(ours[0], 0x77, "and is the same memory");
	ktap_equal(create(&gpu, PAGE, SYSTEM, 0, &imported), -ENODEV, "ioctls fail");
	ktap_equal(export(vgem, dumb.handle, &dmabuf), 0, "vgem still works");
}

int main(int argc, char **argv)
{
	uint64_t before;

	ktap_begin("vf_memory");
	if (argc == 3 && !strcmp(argv[1], "--hold")) {
		hold(argv[2]);
		return ktap_end();
	}
	if (argc != 2) {
		fprintf(stderr, "vf_memory [--hold] NODE\n");
		return 2;
	}
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_SIZE, &vram_size), "VRAM_SIZE");
	ktap_must(vgpu_param(&gpu, DRM_VGPU_PARAM_SYSTEM_SIZE, &system_size), "SYSTEM_SIZE");
	before = vram_free();

	test_zero();
	test_places();
	test_mappings();
	test_debugger(VRAM, "VRAM");
	test_debugger(SYSTEM, "system memory");
	test_accounting();
	test_handles();
	test_names();
	test_fd_passing();
	test_vgem();
	test_unhindered();
	test_swap();
	test_pressure();
	test_too_much();
	test_succession();
	test_limits();

	ktap_ok(comes_back(before), "all VRAM has come back in the end");
	vgpu_close(&gpu);
	return ktap_end();
}

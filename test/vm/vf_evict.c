// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_evict NODE
 *
 * Buffers that make room for others, and come back: which ones, with what was written
 * wherever they are, and what processes leave that end.
 */
#include "handles.h"

#include <sys/wait.h>

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

/* ----- which one makes room ----- */

/**
 * struct owner - a file with one buffer, and a job that uses it
 * @gpu: the file
 * @bo: three eighths of VRAM
 * @todo: writes a page of it
 */
struct owner {
	struct vgpu gpu;
	struct vgpu_bo bo;
	struct vgpu_commands todo;
};

static void owner_open(struct owner *owner, uint64_t size, bool shared)
{
	ktap_must(vgpu_open(&owner->gpu, gpu.path), gpu.path);
	ktap_must(shared ? vgpu_bo_create_shared(&owner->gpu, size, VRAM, RW, &owner->bo) :
		  vgpu_bo_create(&owner->gpu, size, RW, &owner->bo), "cannot allocate");
	ktap_must(vgpu_commands_create(&owner->gpu, PAGE, &owner->todo), "cannot allocate");
	vgpu_emit_fill(&owner->todo, owner->bo.addr, PAGE, 1);
}

static void owner_close(struct owner *owner)
{
	vgpu_commands_destroy(&owner->gpu, &owner->todo);
	vgpu_bo_destroy(&owner->gpu, &owner->bo);
	vgpu_close(&owner->gpu);
}

/* Of two, the older one is used by jobs. There is room for two, and a third comes. */
static void test_order(bool shared, const char *kind)
{
	uint64_t before = vram_free(), size = before / 8 * 3 & -PAGE;
	struct owner used, idle;
	uint32_t handle;
	int i, wrong = 0;

	owner_open(&used, size, shared);
	owner_open(&idle, size, shared);
	for (i = 0; i < 3; i++)
		wrong += !!vgpu_run(&used.gpu, 0, &used.todo);
	ktap_ok(!wrong, "jobs use %s", kind);
	ktap_equal(create(&gpu, size, VRAM, 0, &handle), 0, "there is room for a third one");
	ktap_equal(place_of(&used.gpu, used.bo.handle), VRAM, "the one in use stays");
	ktap_equal(place_of(&idle.gpu, idle.bo.handle), SYSTEM, "the other one makes room");
	ktap_equal(vgpu_run(&idle.gpu, 0, &idle.todo), 0, "when that is used");
	ktap_equal(place_of(&idle.gpu, idle.bo.handle), VRAM, "it comes back");
	ktap_equal(place_of(&used.gpu, used.bo.handle), SYSTEM,
		   "and the one that has not been used since makes room");
	drop(&gpu, handle);
	owner_close(&idle);
	owner_close(&used);
	ktap_ok(comes_back(before), "all VRAM has come back");
}

/* ----- what processes leave ----- */

/* Makes a buffer of most of VRAM, and ends. */
static void be_short(uint64_t bytes)
{
	static struct vgpu mine;
	struct vgpu_bo bo;

	_exit(vgpu_open(&mine, gpu.path) || vgpu_bo_create(&mine, bytes, RW, &bo));
}

/* Takes all system memory, by buffers of 1 MiB; how many. */
static uint64_t fill_system(uint32_t *handles, uint64_t limit)
{
	uint64_t n = 0;

	while (n < limit && !create(&gpu, MIB, SYSTEM, 0, &handles[n]))
		n++;
	return n;
}

/*
 * While system memory is full nothing can be moved there: who comes next has room only
 * if what the process before has had is waited for.
 */
static void test_succession(void)
{
	uint64_t before = vram_free(), n, failed = 0;
	uint64_t limit = system_size / MIB + 1;
	uint32_t *handles = calloc(limit, sizeof(*handles)), handle;
	int status, ret;

	n = fill_system(handles, limit);
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

/**
 * struct gate - a word that a job of another process waits for
 * @bo: the buffer
 * @dmabuf: the same, for that process
 */
struct gate {
	struct vgpu_bo bo;
	int dmabuf;
};

#define GATE_OPEN	0
#define GATE_REACHED	1

static volatile uint64_t *gate_word(struct gate *gate, int which)
{
	return (uint64_t *)gate->bo.map + which;
}

static void gate_create(struct gate *gate)
{
	ktap_must(vgpu_bo_create_shared(&gpu, PAGE, VRAM, RW, &gate->bo), "cannot allocate");
	ktap_must(export(gpu.fd, gate->bo.handle, &gate->dmabuf), "cannot export");
}

/* Has a buffer and a job at the gate, and ends when that is there. */
static void leave(struct gate *gate, uint64_t bytes)
{
	static struct vgpu mine;
	struct vgpu_commands todo;
	struct vgpu_bo bo;
	uint32_t handle;
	uint64_t addr;

	if (vgpu_open(&mine, gpu.path) || import(mine.fd, gate->dmabuf, &handle) ||
	    vgpu_bo_create(&mine, bytes, RW, &bo) ||
	    vgpu_commands_create(&mine, PAGE, &todo))
		_exit(1);
	addr = vgpu_reserve(&mine, PAGE);
	if (vgpu_map(&mine, mine.vm, handle, 0, addr, PAGE, RW))
		_exit(2);
	vgpu_emit_fence(&todo, addr + 8 * GATE_REACHED, 1);
	vgpu_emit_wait(&todo, addr + 8 * GATE_OPEN, 1);
	if (vgpu_submit_commands(&mine, 0, &todo, 0, 0))
		_exit(3);
	while (!*gate_word(gate, GATE_REACHED))
		usleep(1000);
	_exit(0);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == pid;
}

/* Does it wait, in a way that signals end? */
static bool is_waiting(pid_t pid)
{
	char path[32], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state == 'S';
}

/*
 * A process ends, but its job in the ring goes on and needs its memory. Who wants that
 * then waits, for as long as it takes. With @full, there is none elsewhere, and
 * nothing can be moved out of its way.
 */
static void test_left(bool full)
{
	uint64_t before = vram_free(), most = before / 4 * 3 & -PAGE, n = 0;
	uint64_t limit = system_size / MIB + 1;
	uint32_t *handles = calloc(limit, sizeof(*handles));
	struct gate gate;
	pid_t next;
	int status;

	if (full)
		n = fill_system(handles, limit);
	gate_create(&gate);
	fflush(stdout);
	if (!fork())
		leave(&gate, most);
	wait(&status);
	ktap_ok(!status, "a process ends whose job runs, system memory %s",
		full ? "full" : "free");

	next = fork();
	if (!next)
		be_short(most);
	while (!is_waiting(next) && !has_ended(next))
		usleep(1000);
	ktap_ok(!has_ended(next), "who wants the memory waits");
	*gate_word(&gate, GATE_OPEN) = 1;
	waitpid(next, &status, 0);
	ktap_equal(status, 0, "and gets it when the job has ended");

	while (n)
		drop(&gpu, handles[--n]);
	free(handles);
	close(gate.dmabuf);
	vgpu_bo_destroy(&gpu, &gate.bo);
	ktap_ok(comes_back(before), "all VRAM has come back");
}

/* What jobs use stays, and they are not waited for: all that use TTM would wait, too. */
static void test_swap_busy(int fd)
{
	struct vgpu_commands todo, nop;
	struct gate gate;
	struct vgpu_bo bo;
	uint32_t done;
	char text[16];

	gate_create(&gate);
	ktap_must(vgpu_commands_create(&gpu, PAGE, &todo), "cannot allocate");
	ktap_must(vgpu_commands_create(&gpu, PAGE, &nop), "cannot allocate");
	ktap_must(vgpu_bo_create_shared(&gpu, MIB, SYSTEM, RW, &bo), "cannot allocate");
	ktap_must(vgpu_sync_create(&gpu, false, &done), "no syncobj");
	vgpu_emit_wait(&todo, gate.bo.addr + 8 * GATE_OPEN, 1);
	vgpu_emit_nop(&nop, 1);
	ktap_equal(vgpu_submit_commands(&gpu, 0, &todo, 0, done), 0, "a job waits");
	/* Of what else there is, it takes one at a time. */
	do
		memset(text, 0, sizeof(text));
	while (pread(fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) > 0);
	ktap_equal(place_of(&gpu, bo.handle), SYSTEM, "what it could use is not swapped out");
	ktap_equal(vgpu_sync_wait(&gpu, done, 0, 0), -ETIME, "and its end is not waited for");
	*gate_word(&gate, GATE_OPEN) = 1;
	ktap_equal(vgpu_run(&gpu, 1, &nop), 0, "the engine looks again");
	vgpu_sync_wait(&gpu, done, 0, VGPU_RUN_TIMEOUT_MS);
	ktap_equal(vgpu_sync_status(&gpu, done), 1, "the job ends well");
	vgpu_sync_destroy(&gpu, done);
	vgpu_bo_destroy(&gpu, &bo);
	vgpu_commands_destroy(&gpu, &nop);
	vgpu_commands_destroy(&gpu, &todo);
	close(gate.dmabuf);
	vgpu_bo_destroy(&gpu, &gate.bo);
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
	test_swap_busy(fd);
	close(fd);
}

int main(int argc, char **argv)
{
	uint64_t before;

	if (argc != 2) {
		fprintf(stderr, "usage: vf_evict NODE\n");
		return 2;
	}
	ktap_begin("vf_evict");
	open_gpu(argv[1]);
	before = vram_free();

	test_unhindered();
	test_swap();
	test_order(false, "a private buffer");
	test_order(true, "a buffer that can be shared");
	test_pressure();
	test_too_much();
	test_succession();
	test_left(false);
	test_left(true);

	ktap_ok(comes_back(before), "all VRAM has come back in the end");
	vgpu_close(&gpu);
	return ktap_end();
}

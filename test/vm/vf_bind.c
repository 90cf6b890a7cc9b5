// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_bind NODE
 *
 * VM_BIND of vgpu_vf: what jobs find after each kind of change, what faults, order of
 * asynchronous binds, VMs beside each other, page tables, and each field that is
 * illegal.
 */
#include "mappings.h"

#include <signal.h>
#include <sys/wait.h>

/* Page tables that a VM may keep when nothing needs them. */
#define SPARES		4

static int reserve(uint64_t addr, uint64_t size)
{
	const struct drm_vgpu_bind_op op = { .op = SPARSE, .addr = addr, .size = size };

	return vgpu_bind(&gpu, gpu.vm, &op, 1);
}

/* Runs what is in todo, which faults, and checks what is told about it. */
static void check_fault(uint32_t code, uint32_t access, uint64_t addr, const char *what)
{
	struct drm_vgpu_queue_state state;
	uint32_t sync;
	int ret;

	ktap_must(vgpu_sync_create(&gpu, false, &sync), "SYNCOBJ_CREATE");
	ret = vgpu_submit_commands(&gpu, 0, &todo, 0, sync);
	vgpu_commands_reset(&todo);
	if (!ret)
		ret = vgpu_sync_wait(&gpu, sync, 0, VGPU_RUN_TIMEOUT_MS);
	if (!ret)
		ret = vgpu_sync_status(&gpu, sync);
	ktap_equal(ret, -EIO, what);
	vgpu_queue_state(&gpu, gpu.queues[0], &state);
	ktap_ok(VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, state.fault) == code &&
		VGPU_FIELD_GET(VGPU_RING_FAULT_ACCESS, state.fault) == access &&
		state.fault_addr == addr, "%s: fault %#x at %#llx is what happened", what,
		state.fault, (unsigned long long)state.fault_addr);
	vgpu_queue_renew(&gpu, 0);
	vgpu_sync_destroy(&gpu, sync);
}

/* ----- synchronous changes ----- */

static void test_map(void)
{
	ktap_ok(faults(THERE), "nothing is mapped in the beginning");
	ktap_equal(map(&small, 0, THERE, small.size, RW), 0, "MAP of a small buffer");
	ktap_ok(finds_all(&small, 0, THERE, small.size), "all of it is there");
	ktap_ok(faults(THERE - PAGE) && faults(THERE + small.size), "and nothing beside it");
	ktap_equal(map(&small, PAGE, THERE, PAGE, RW), 0, "MAP of another part replaces");
	ktap_ok(finds(&small, PAGE, THERE) && finds(&small, PAGE, THERE + PAGE),
		"a page can be at two places, the rest stays");
	vgpu_emit_fill(&todo, THERE + 8, 8, 0x42424242);
	ktap_ok(!run() && *word_at(&small, PAGE + 8) == 0x4242424242424242ull,
		"what is written at one place is in the buffer");
	ktap_equal(unmap(THERE, small.size), 0, "UNMAP of all");
	ktap_ok(faults(THERE) && faults(THERE + small.size - PAGE), "nothing is left");
	ktap_equal(unmap(THERE, 1ull << 40), 0, "UNMAP where nothing is");
	ktap_equal(map(&small, 0, (1ull << 48) - PAGE, PAGE, READ), 0, "MAP of the last page");
	ktap_ok(finds(&small, 0, (1ull << 48) - PAGE), "it is there");
	ktap_equal(unmap((1ull << 48) - PAGE, PAGE), 0, "UNMAP of the last page");
	ktap_equal(map(&small, 0, PAGE, PAGE, READ), 0, "MAP of the first page that can be");
	ktap_ok(finds(&small, 0, PAGE), "it is there");
	ktap_equal(unmap(PAGE, PAGE), 0, "UNMAP of it");
}

/* Holes in pages of 2 MiB, and pages of 2 MiB in place of small ones. */
static void test_split(void)
{
	uint64_t hole = BIG_PAGE + 17 * PAGE;

	ktap_equal(map(&big, 0, THERE, big.size, RW), 0, "MAP of a big buffer");
	ktap_ok(finds_all(&big, 0, THERE, big.size), "all of it is there");
	ktap_equal(unmap(THERE + hole, PAGE), 0, "UNMAP of a page in the middle");
	ktap_ok(faults(THERE + hole), "it is not there");
	ktap_ok(finds_all(&big, 0, THERE, hole) &&
		finds_all(&big, hole + PAGE, THERE + hole + PAGE, big.size - hole - PAGE),
		"all others are");
	ktap_equal(map(&small, 0, THERE + hole, PAGE, RW), 0, "MAP of another buffer there");
	ktap_ok(finds(&small, 0, THERE + hole) &&
		finds(&big, hole + PAGE, THERE + hole + PAGE), "it is there, between the others");
	ktap_equal(map(&big, 0, THERE, big.size, RW), 0, "MAP of the big buffer again");
	ktap_ok(finds_all(&big, 0, THERE, big.size), "all of it is there again");
	ktap_equal(unmap(THERE + PAGE, big.size - 2 * PAGE), 0, "UNMAP of all but the ends");
	ktap_ok(finds(&big, 0, THERE) &&
		finds(&big, big.size - PAGE, THERE + big.size - PAGE) &&
		faults(THERE + PAGE) && faults(THERE + big.size - 2 * PAGE), "the ends stay");
	ktap_equal(map(&big, PAGE, THERE, big.size - PAGE, RW), 0,
		   "MAP where no page of 2 MiB is possible");
	ktap_ok(finds_all(&big, PAGE, THERE, big.size - PAGE), "all of it is there");
	ktap_equal(unmap(THERE, big.size), 0, "UNMAP of all");
	ktap_ok(faults(THERE) && faults(THERE + big.size - PAGE), "nothing is left");
}

static void test_rights(void)
{
	static const uint64_t nop = VGPU_OP_NOP | 1 << 16;
	struct vgpu_commands there = { .bo.addr = THERE, .used = 8 };
	uint32_t rights;
	char what[64];
	int want;

	for (rights = 1; rights < 8; rights++) {
		snprintf(what, sizeof(what), "MAP with rights %u", rights);
		ktap_equal(map(&small, 0, THERE, PAGE, rights), 0, what);
		*word_at(&small, 0) = nop;
		vgpu_emit_copy(&todo, result.addr, THERE, 8);
		want = rights & READ ? 0 : -EIO;
		snprintf(what, sizeof(what), "reading with rights %u", rights);
		ktap_equal(run(), want, what);
		want = rights & EXECUTE ? 0 : -EIO;
		snprintf(what, sizeof(what), "execution with rights %u", rights);
		ktap_equal(vgpu_run(&gpu, 0, &there), want, what);
		vgpu_emit_fill(&todo, THERE, 8, 0);
		want = rights & WRITE ? 0 : -EIO;
		snprintf(what, sizeof(what), "writing with rights %u", rights);
		ktap_equal(run(), want, what);
	}
	write_tags(&small);
	ktap_equal(map(&small, 0, THERE, PAGE, READ), 0, "MAP of a page to read");
	vgpu_emit_fill(&todo, THERE + 64, 8, 0);
	check_fault(VGPU_FAULT_PERMISSION, VGPU_ACCESS_WRITE, THERE + 64, "a forbidden write");
	unmap(THERE, PAGE);
	vgpu_emit_copy(&todo, result.addr, THERE + 32, 8);
	check_fault(VGPU_FAULT_PAGE, VGPU_ACCESS_READ, THERE + 32, "reading where nothing is");
}

static void test_sparse(void)
{
	struct vgpu_commands there = { .bo.addr = THERE + 5 * PAGE, .used = 8 };
	uint64_t size = 1ull << 30;

	if (!has_sparse) {
		ktap_equal(reserve(THERE, PAGE), -EOPNOTSUPP, "SPARSE without VGPU_CAPS_SPARSE");
		return;
	}
	ktap_equal(reserve(THERE + PAGE, size - 2 * PAGE), 0, "SPARSE of 1 GiB");
	ktap_ok(faults(THERE) && faults(THERE + size - PAGE), "nothing beside it");
	ktap_ok(!found_at(THERE + PAGE) && !found_at(THERE + size / 2), "it reads as zero");
	vgpu_emit_fill(&todo, THERE + PAGE, BIG_PAGE, 0x42);
	ktap_equal(run(), 0, "it can be written");
	ktap_ok(!found_at(THERE + PAGE), "and reads as zero still");
	ktap_equal(vgpu_run(&gpu, 0, &there), -EIO, "it cannot be executed");
	ktap_equal(map(&big, 0, THERE + BIG_PAGE, BIG_PAGE + PAGE, RW), 0, "MAP of a part of it");
	ktap_ok(finds_all(&big, 0, THERE + BIG_PAGE, BIG_PAGE + PAGE) &&
		!found_at(THERE + BIG_PAGE - PAGE) && !found_at(THERE + 2 * BIG_PAGE + PAGE),
		"that is there, the rest is zero");
	ktap_equal(reserve(THERE + BIG_PAGE + PAGE, PAGE), 0, "SPARSE of a page in that");
	ktap_ok(!found_at(THERE + BIG_PAGE + PAGE) && finds(&big, 0, THERE + BIG_PAGE) &&
		finds(&big, 2 * PAGE, THERE + BIG_PAGE + 2 * PAGE), "only that page is zero");
	ktap_equal(unmap(THERE + size / 2, PAGE), 0, "UNMAP of a page");
	ktap_ok(faults(THERE + size / 2) && !found_at(THERE + size / 2 - PAGE) &&
		!found_at(THERE + size / 2 + PAGE), "only that page faults");
	ktap_equal(unmap(THERE, size), 0, "UNMAP of all");
	ktap_ok(faults(THERE + PAGE) && faults(THERE + BIG_PAGE), "nothing is left");
}

static void test_many(void)
{
	struct drm_vgpu_bind_op ops[2 * SMALL_PAGES] = { 0 };
	const uint64_t pages = SMALL_PAGES;
	uint64_t i, wrong = 0;

	/* The pages in reverse order, every other one taken away again, all at once */
	for (i = 0; i < pages; i++)
		ops[i] = map_op(&small, (pages - 1 - i) * PAGE, THERE + i * PAGE, PAGE, READ);
	for (i = 0; i < pages; i += 2)
		ops[pages + i / 2] = (struct drm_vgpu_bind_op){
			.op = UNMAP, .addr = THERE + i * PAGE, .size = PAGE,
		};
	ktap_equal(vgpu_bind(&gpu, gpu.vm, ops, pages + pages / 2), 0, "many operations");
	for (i = 0; i < pages; i++)
		wrong += i % 2 ? !finds(&small, (pages - 1 - i) * PAGE, THERE + i * PAGE) :
				 !faults(THERE + i * PAGE);
	ktap_equal(wrong, 0, "pages that are not as they were ordered");
	ops[0] = map_op(&big, 0, THERE, BIG_PAGE, READ);
	ops[1] = map_op(&big, 0, THERE, BIG_PAGE, 8);
	ktap_equal(vgpu_bind(&gpu, gpu.vm, ops, 2), -EINVAL, "a good operation and a bad one");
	ktap_ok(faults(THERE) && finds(&small, (pages - 2) * PAGE, THERE + PAGE),
		"nothing has changed by that");
	unmap(THERE, small.size);
}

/* ----- asynchronous changes ----- */

static int read_when(uint32_t timeline, uint64_t in, uint64_t out, uint64_t to,
		     struct vgpu_commands *read)
{
	struct drm_vgpu_command command;
	struct drm_vgpu_sync in_sync = { .handle = timeline, .point = in };
	struct drm_vgpu_sync out_sync = { .handle = timeline, .point = out };
	struct drm_vgpu_job job = {
		.command_count = 1, .commands = (uintptr_t)&command,
		.in_sync_count = 1, .in_syncs = (uintptr_t)&in_sync,
		.out_sync_count = 1, .out_syncs = (uintptr_t)&out_sync,
	};
	uint64_t begin = read->used;

	vgpu_emit_copy(read, to, THERE, 8);
	command.addr = read->bo.addr + begin;
	command.bytes = read->used - begin;
	return vgpu_submit(&gpu, gpu.queues[0], &job, 1);
}

/* job, bind, job, bind, job, in one chain that is submitted before it begins. */
static void test_async(void)
{
	struct drm_vgpu_sync first = { .point = 1 };
	struct drm_vgpu_bind_op op;
	struct vgpu_commands read;
	uint64_t point = 0;
	uint32_t line;

	ktap_must(vgpu_sync_create(&gpu, false, &line), "SYNCOBJ_CREATE");
	ktap_must(vgpu_commands_create(&gpu, PAGE, &read), "cannot allocate");
	first.handle = line;
	block(&gate, false, &first);
	op = map_op(&small, 0, THERE, PAGE, READ);
	ktap_equal(bind_when(&op, 1, line, 1, 2), 0, "an asynchronous MAP behind a job");
	ktap_equal(read_when(line, 2, 3, result.addr, &read), 0, "a job behind it");
	op = map_op(&big, 0, THERE, BIG_PAGE, READ);
	ktap_equal(bind_when(&op, 1, line, 3, 4), 0, "another MAP behind that");
	ktap_equal(bind_when(NULL, 0, line, 4, 5), 0, "a bind of nothing behind that");
	ktap_equal(read_when(line, 5, 6, result.addr + 8, &read), 0, "and another job");
	op = (struct drm_vgpu_bind_op){ .op = UNMAP, .addr = THERE, .size = BIG_PAGE };
	ktap_equal(bind_when(&op, 1, line, 6, 7), 0, "and an UNMAP in the end");
	vgpu_sync_query(&gpu, line, &point);
	ktap_equal(point, 0, "points that are reached before the first job has ended");
	op = map_op(&big, PAGE, THERE, PAGE, READ);
	ktap_equal(vgpu_bind(&gpu, gpu.vm, &op, 1), 0, "a synchronous MAP overtakes all");
	vgpu_emit_copy(&todo, result.addr, THERE, 8);
	ktap_ok(!run_on(2) && *word_at(&result, 0) == tag(&big, PAGE), "it is in effect");
	unblock(&gate);
	ktap_equal(vgpu_sync_wait(&gpu, line, 7, VGPU_RUN_TIMEOUT_MS), 0, "the end is reached");
	ktap_ok(word_at(&result, 0)[0] == tag(&small, 0), "the first job has found the first MAP");
	ktap_ok(word_at(&result, 0)[1] == tag(&big, 0), "the second job the second one");
	ktap_ok(faults(THERE), "nothing is mapped in the end");
	op = map_op(&big, 0, THERE, PAGE, READ);
	ktap_equal(bind_when(&op, 1, line, 8, 9), -EINVAL, "an in-sync without a fence");
	ktap_ok(faults(THERE), "nothing has changed by that");
	vgpu_commands_destroy(&gpu, &read);
	vgpu_sync_destroy(&gpu, line);
}

/* Two binds of one VM keep their order, though only the first has to wait. */
static void test_async_order(void)
{
	struct drm_vgpu_sync first = { .point = 1 };
	struct drm_vgpu_bind_op op;
	uint64_t point = 0;
	uint32_t line;

	ktap_must(vgpu_sync_create(&gpu, false, &line), "SYNCOBJ_CREATE");
	first.handle = line;
	block(&gate, false, &first);
	op = map_op(&small, 0, THERE, PAGE, READ);
	ktap_equal(bind_when(&op, 1, line, 1, 0), 0, "a bind that waits");
	op = map_op(&big, 0, THERE, PAGE, READ);
	ktap_equal(bind_when(&op, 1, line, 0, 2), 0, "a bind that does not");
	vgpu_sync_query(&gpu, line, &point);
	ktap_equal(point, 0, "neither is done");
	unblock(&gate);
	ktap_equal(vgpu_sync_wait(&gpu, line, 2, VGPU_RUN_TIMEOUT_MS), 0, "then both are");
	ktap_ok(finds(&big, 0, THERE), "the second one counts");
	unmap(THERE, PAGE);
	vgpu_sync_destroy(&gpu, line);
}

/* A job that waits, and finds what has been changed in the meantime. */
static void test_running(void)
{
	struct drm_vgpu_sync first = { .point = 1 };
	uint32_t line;

	ktap_must(vgpu_sync_create(&gpu, false, &line), "SYNCOBJ_CREATE");
	first.handle = line;
	map(&small, 0, THERE, PAGE, READ);
	block(&gate, true, &first);
	ktap_equal(map(&big, 0, THERE, PAGE, READ), 0, "MAP while a job runs");
	unblock(&gate);
	ktap_equal(vgpu_sync_wait(&gpu, line, 1, VGPU_RUN_TIMEOUT_MS), 0, "its end");
	ktap_ok(*word_at(&gate.memory, 8) == tag(&big, 0), "the job has found what is new");
	unmap(THERE, PAGE);
	vgpu_sync_destroy(&gpu, line);
}

/* ----- VMs beside each other ----- */

static int64_t found_by(struct vgpu *other, struct vgpu_commands *copy,
			const struct vgpu_bo *to, uint64_t addr)
{
	int ret;

	vgpu_commands_reset(copy);
	vgpu_emit_copy(copy, to->addr, addr, 8);
	ret = vgpu_run(other, 0, copy);
	return ret ? ret : (int64_t)*word_at(to, 0);
}

static void test_isolation(void)
{
	struct vgpu other = gpu;
	struct vgpu_commands copy;
	struct vgpu_bo own;
	uint32_t vm;

	ktap_must(vgpu_vm_create(&other, &other.vm), "VM_CREATE");
	ktap_must(vgpu_queue_create(&other, other.vm, 0, 0, &other.queues[0]), "QUEUE_CREATE");
	ktap_must(vgpu_commands_create(&other, PAGE, &copy), "cannot allocate");
	ktap_must(vgpu_bo_create(&other, PAGE, RW, &own), "cannot allocate");
	*word_at(&own, 8) = tag(&own, 0);
	map(&small, 0, THERE, small.size, RW);
	ktap_equal(found_by(&other, &copy, &own, THERE), -EIO, "another VM does not see it");
	ktap_equal(vgpu_map(&gpu, other.vm, small.handle, 0, THERE, PAGE, RW), -EPERM,
		   "a private buffer cannot be mapped in another VM");
	ktap_equal(vgpu_map(&gpu, other.vm, own.handle, 0, THERE, PAGE, RW), 0,
		   "but in its own, at the same address");
	ktap_ok(found_by(&other, &copy, &own, THERE + 8) == (int64_t)tag(&own, 0) &&
		finds(&small, 0, THERE), "each VM has its own there");
	vgpu_unmap(&gpu, other.vm, THERE, PAGE);
	ktap_ok(finds(&small, 0, THERE), "UNMAP there changes nothing here");
	ktap_equal(vgpu_map(&gpu, other.vm, big.handle, 0, THERE, PAGE, READ), 0,
		   "a buffer that is not private can be mapped in both");
	ktap_ok(found_by(&other, &copy, &own, THERE) == (int64_t)tag(&big, 0),
		"and is found by both");
	vm = other.vm;
	ktap_equal(vgpu_vm_destroy(&other, vm), 0, "VM_DESTROY");
	ktap_equal(vgpu_map(&gpu, vm, big.handle, 0, THERE, PAGE, READ), -ENOENT,
		   "its number is gone");
	ktap_ok(found_by(&other, &copy, &own, THERE) == (int64_t)tag(&big, 0),
		"its queue goes on");
	ktap_equal(vgpu_queue_destroy(&other, other.queues[0]), 0, "until it goes, too");
	ktap_ok(finds(&small, 0, THERE), "nothing has changed here");
	unmap(THERE, small.size);
	vgpu_bo_destroy(&gpu, &own);
}

/* ----- page tables ----- */

/* Bytes of VRAM that a change of a VM has taken. */
static int64_t taken_by(uint32_t vm, const struct drm_vgpu_bind_op *op)
{
	int64_t before = vram_free();
	int ret = vgpu_bind(&gpu, vm, op, 1);

	return ret ? ret : before - (int64_t)vram_free();
}

static int64_t given_back_by(uint32_t vm, uint64_t addr, uint64_t size)
{
	int64_t before = vram_free();
	uint64_t end = addr + size, half = BIG_PAGE / 2, next;

	for (; addr < end; addr = next) {
		next = (addr / half + 1) * half;
		if (next > end)
			next = end;
		ktap_must(vgpu_unmap(&gpu, vm, addr, next - addr), "UNMAP");
	}
	return (int64_t)vram_free() - before;
}

static void test_tables(void)
{
	int64_t before = vram_free(), taken, tables = big.size / BIG_PAGE;
	struct drm_vgpu_bind_op op = map_op(&big, 0, THERE, big.size, RW);
	uint32_t vm;

	ktap_must(vgpu_vm_create(&gpu, &vm), "VM_CREATE");
	taken = taken_by(vm, &op);
	ktap_ok(taken >= 0 && taken <= (2 + SPARES) * (int64_t)PAGE,
		"pages of 2 MiB need no tables of their own (%lld bytes)", (long long)taken);
	op.addr += 2 * big.size + PAGE;
	taken = taken_by(vm, &op);
	ktap_ok(taken >= (tables - SPARES) * (int64_t)PAGE,
		"pages of 4 KiB do (%lld bytes)", (long long)taken);
	ktap_ok(given_back_by(vm, op.addr, op.size) >= (tables - SPARES) * (int64_t)PAGE,
		"UNMAP of one half after the other of each gives them back");
	ktap_ok(taken_by(vm, &op) >= (tables - SPARES) * (int64_t)PAGE, "pages of 4 KiB again");
	op.addr -= PAGE;
	taken = taken_by(vm, &op);
	ktap_ok(taken <= (SPARES + 1 - tables) * (int64_t)PAGE,
		"pages of 2 MiB in place of them give them back (%lld bytes)",
		(long long)-taken);
	op = (struct drm_vgpu_bind_op){ .op = UNMAP, .addr = PAGE, .size = (1ull << 48) - PAGE };
	ktap_ok(taken_by(vm, &op) <= 0, "UNMAP of the whole address space");
	ktap_ok(before - (int64_t)vram_free() <= (1 + SPARES) * (int64_t)PAGE,
		"leaves the root, and what is kept for later");
	ktap_equal(vgpu_vm_destroy(&gpu, vm), 0, "VM_DESTROY");
	ktap_equal(vram_free(), before, "VRAM that is free when the VM is gone");
}

/* One page in each 2 MiB: as many tables as there can be. */
static uint64_t hoard(uint32_t vm, int *error)
{
	static struct drm_vgpu_bind_op ops[32];
	uint64_t addr = THERE, i;

	do {
		for (i = 0; i < 32; i++, addr += BIG_PAGE)
			ops[i] = map_op(&big, 0, addr, PAGE, READ);
		*error = vgpu_bind(&gpu, vm, ops, 32);
	} while (!*error);
	return (addr - THERE) / BIG_PAGE - 32;
}

static void test_hoarding(void)
{
	uint64_t before = vram_free(), all, first, second;
	uint32_t vms[2], vm;
	int error;

	vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_SIZE, &all);
	ktap_must(vgpu_vm_create(&gpu, &vms[0]), "VM_CREATE");
	ktap_must(vgpu_vm_create(&gpu, &vms[1]), "VM_CREATE");
	first = hoard(vms[0], &error);
	ktap_equal(error, -ENOMEM, "a VM cannot have page tables without end");
	second = hoard(vms[1], &error);
	ktap_equal(error, -ENOMEM, "nor a second one");
	ktap_ok(first && second < first && first * PAGE <= all / 32 &&
		(first + second) * PAGE <= all / 16 / 4 * 3,
		"%llu and %llu tables: half of a sixteenth of VRAM, and half of the rest",
		(unsigned long long)first, (unsigned long long)second);
	ktap_ok(!vgpu_vm_create(&gpu, &vm) &&
		!vgpu_map(&gpu, vm, big.handle, 0, THERE, big.size, RW) &&
		!vgpu_vm_destroy(&gpu, vm), "there is something left for a third");
	ktap_equal(vgpu_unmap(&gpu, vms[0], PAGE, (1ull << 48) - PAGE), 0, "UNMAP of the first");
	ktap_ok(hoard(vms[1], &error) > second, "gives more to the second");
	vgpu_vm_destroy(&gpu, vms[0]);
	vgpu_vm_destroy(&gpu, vms[1]);
	ktap_equal(vram_free(), before, "VRAM that is free when they are gone");
}

/* ----- what is illegal ----- */

static const struct drm_vgpu_bind_op legal_map = {
	.op = MAP, .flags = READ, .addr = THERE, .size = PAGE,
};

static void refused_op(struct drm_vgpu_bind_op op, int error, const char *what)
{
	if (op.op == MAP && !op.handle)
		op.handle = big.handle;
	ktap_equal(vgpu_bind(&gpu, gpu.vm, &op, 1), error, what);
}

#define REFUSED_MAP(error, what, ...) do {			\
	struct drm_vgpu_bind_op op = legal_map;			\
								\
	op.handle = big.handle;					\
	__VA_ARGS__;						\
	refused_op(op, error, what);				\
} while (0)

static void test_illegal_ops(void)
{
	const uint64_t end = 1ull << 48;

	REFUSED_MAP(0, "a legal MAP", (void)0);
	REFUSED_MAP(-EINVAL, "unknown operation", op.op = 3);
	REFUSED_MAP(-EINVAL, "last operation", op.op = ~0u);
	REFUSED_MAP(-EINVAL, "MAP without rights", op.flags = 0);
	REFUSED_MAP(-EINVAL, "MAP with an unknown right", op.flags = 8 | READ);
	REFUSED_MAP(-EINVAL, "MAP with the last flag", op.flags = 1u << 31 | READ);
	REFUSED_MAP(-ENOENT, "MAP of an unknown handle", op.handle = 123456);
	REFUSED_MAP(-EINVAL, "MAP with pad", op.pad = 1);
	REFUSED_MAP(-EINVAL, "MAP of an odd offset", op.offset = 1);
	REFUSED_MAP(-EINVAL, "MAP of half a page on", op.offset = PAGE / 2);
	REFUSED_MAP(-EINVAL, "MAP behind the buffer", op.offset = big.size);
	REFUSED_MAP(-EINVAL, "MAP across its end", op.offset = big.size - PAGE, op.size = 2 * PAGE);
	REFUSED_MAP(-EINVAL, "MAP of offset + size = 2^64", op.offset = -PAGE);
	REFUSED_MAP(-EINVAL, "MAP at an odd address", op.addr += 1);
	REFUSED_MAP(-EINVAL, "MAP at half a page", op.addr += PAGE / 2);
	REFUSED_MAP(-EINVAL, "MAP at 0", op.addr = 0);
	REFUSED_MAP(-EINVAL, "MAP behind the address space", op.addr = end);
	REFUSED_MAP(-EINVAL, "MAP across its end", op.addr = end - PAGE, op.size = 2 * PAGE);
	REFUSED_MAP(-EINVAL, "MAP at the last page of all", op.addr = -PAGE);
	REFUSED_MAP(-EINVAL, "MAP of nothing", op.size = 0);
	REFUSED_MAP(-EINVAL, "MAP of an odd size", op.size = PAGE + 1);
	REFUSED_MAP(-EINVAL, "MAP of more than the buffer", op.size = big.size + PAGE);
	REFUSED_MAP(-EINVAL, "MAP of 2^64 less a page", op.size = -PAGE);
	REFUSED_MAP(-EINVAL, "UNMAP with a handle", op.op = UNMAP, op.flags = 0);
	REFUSED_MAP(-EINVAL, "UNMAP with flags", op.op = UNMAP, op.handle = 0);
	REFUSED_MAP(-EINVAL, "UNMAP with offset", op.op = UNMAP, op.handle = op.flags = 0,
		    op.offset = PAGE);
	REFUSED_MAP(-EINVAL, "UNMAP at 0", op.op = UNMAP, op.handle = op.flags = 0, op.addr = 0);
	REFUSED_MAP(-EINVAL, "UNMAP of nothing", op.op = UNMAP, op.handle = op.flags = 0,
		    op.size = 0);
	REFUSED_MAP(-EINVAL, "UNMAP of 2^48", op.op = UNMAP, op.handle = op.flags = 0,
		    op.addr = PAGE, op.size = end);
	REFUSED_MAP(-EINVAL, "SPARSE with a handle", op.op = SPARSE, op.flags = 0);
	REFUSED_MAP(-EINVAL, "SPARSE with rights", op.op = SPARSE, op.handle = 0);
	if (has_sparse)
		REFUSED_MAP(-ENOMEM, "SPARSE of half of the address space", op.op = SPARSE,
			    op.handle = op.flags = 0, op.addr = PAGE, op.size = end / 2);
	unmap(THERE, PAGE);
}

static int bind_with(const struct drm_vgpu_vm_bind *args)
{
	struct drm_vgpu_vm_bind bind = *args;

	return vgpu_call(&gpu, DRM_IOCTL_VGPU_VM_BIND, &bind);
}

#define REFUSED_BIND(error, what, ...) do {			\
	struct drm_vgpu_vm_bind bind = legal;			\
								\
	__VA_ARGS__;						\
	ktap_equal(bind_with(&bind), error, what);		\
} while (0)

static void test_illegal_args(void)
{
	struct {
		struct drm_vgpu_bind_op op;
		uint64_t more;
	} longer = { .op = legal_map };
	struct drm_vgpu_sync sync = { 0 };
	struct drm_vgpu_vm_bind legal = {
		.vm_id = gpu.vm, .op_count = 1, .op_bytes = sizeof(struct drm_vgpu_bind_op),
		.ops = (uintptr_t)&longer.op,
	};
	uint64_t most;

	longer.op.handle = big.handle;
	ktap_must(vgpu_sync_create(&gpu, true, &sync.handle), "SYNCOBJ_CREATE");
	vgpu_param(&gpu, DRM_VGPU_PARAM_MAX_BINDS, &most);
	REFUSED_BIND(0, "a legal VM_BIND", (void)0);
	REFUSED_BIND(-ENOENT, "VM 0", bind.vm_id = 0);
	REFUSED_BIND(-ENOENT, "an unknown VM", bind.vm_id = 123456);
	REFUSED_BIND(-EINVAL, "an unknown flag", bind.flags = 2);
	REFUSED_BIND(-EINVAL, "the last flag", bind.flags = 1u << 31);
	REFUSED_BIND(-EINVAL, "no operation", bind.op_count = 0);
	REFUSED_BIND(-EINVAL, "too many operations", bind.op_count = most + 1);
	REFUSED_BIND(-EINVAL, "2^32 - 1 operations", bind.op_count = ~0u);
	REFUSED_BIND(-EINVAL, "op_bytes 0", bind.op_bytes = 0);
	REFUSED_BIND(-EINVAL, "op_bytes too small", bind.op_bytes -= 8);
	REFUSED_BIND(-EINVAL, "op_bytes odd", bind.op_bytes += 1);
	REFUSED_BIND(-EINVAL, "op_bytes too large", bind.op_bytes = 4104);
	REFUSED_BIND(0, "longer operations with zeros", bind.op_bytes = sizeof(longer));
	longer.more = 1;
	REFUSED_BIND(-E2BIG, "longer operations with something", bind.op_bytes = sizeof(longer));
	REFUSED_BIND(-EFAULT, "operations at NULL", bind.ops = 0);
	REFUSED_BIND(-EFAULT, "operations at the end of memory", bind.ops = -8ull);
	REFUSED_BIND(-EINVAL, "synchronous with an in-sync", bind.in_sync_count = 1,
		     bind.in_syncs = (uintptr_t)&sync);
	REFUSED_BIND(-EINVAL, "synchronous with an out-sync", bind.out_sync_count = 1,
		     bind.out_syncs = (uintptr_t)&sync);
	legal.flags = DRM_VGPU_VM_BIND_ASYNC;
	vgpu_param(&gpu, DRM_VGPU_PARAM_MAX_SYNCS, &most);
	REFUSED_BIND(0, "asynchronous without syncs", (void)0);
	REFUSED_BIND(0, "asynchronous with an in-sync", bind.in_sync_count = 1,
		     bind.in_syncs = (uintptr_t)&sync);
	REFUSED_BIND(-EINVAL, "too many in-syncs", bind.in_sync_count = most + 1);
	REFUSED_BIND(-EINVAL, "too many out-syncs", bind.out_sync_count = most + 1);
	REFUSED_BIND(-EFAULT, "in-syncs at NULL", bind.in_sync_count = 1);
	REFUSED_BIND(-EFAULT, "out-syncs at NULL", bind.out_sync_count = 1);
	sync.flags = 1;
	REFUSED_BIND(-EINVAL, "a sync with flags", bind.in_sync_count = 1,
		     bind.in_syncs = (uintptr_t)&sync);
	vgpu_sync_destroy(&gpu, sync.handle);
	sync.flags = 0;
	REFUSED_BIND(-ENOENT, "an unknown syncobj", bind.out_sync_count = 1,
		     bind.out_syncs = (uintptr_t)&sync);
	ktap_equal(vgpu_call(&gpu, DRM_IOCTL_VGPU_VM_BIND, NULL), -EFAULT, "VM_BIND of NULL");
	unmap(THERE, PAGE);
}

static void test_vms(void)
{
	struct drm_vgpu_vm_create create = { .flags = 1 };
	struct drm_vgpu_vm_destroy destroy = { .vm_id = gpu.vm, .pad = 1 };
	uint32_t vms[300], count;
	int ret = 0;

	ktap_equal(vgpu_call(&gpu, DRM_IOCTL_VGPU_VM_CREATE, &create), -EINVAL,
		   "VM_CREATE with flags");
	ktap_equal(vgpu_call(&gpu, DRM_IOCTL_VGPU_VM_DESTROY, &destroy), -EINVAL,
		   "VM_DESTROY with pad");
	ktap_equal(vgpu_vm_destroy(&gpu, 0), -ENOENT, "VM_DESTROY of 0");
	ktap_equal(vgpu_vm_destroy(&gpu, 123456), -ENOENT, "VM_DESTROY of an unknown number");
	for (count = 0; count < 300 && !ret; count++)
		ret = vgpu_vm_create(&gpu, &vms[count]);
	ktap_equal(ret, -ENOSPC, "VM_CREATE without end");
	for (count--; count; count--)
		ret |= vgpu_vm_destroy(&gpu, vms[count - 1]);
	ktap_equal(ret, -ENOSPC, "VM_DESTROY of all of them");
	ktap_ok(!vgpu_vm_create(&gpu, &vms[0]) && !vgpu_vm_destroy(&gpu, vms[0]),
		"then there are VMs again");
}

/* A process that is killed while its binds wait. */
static void test_killed(const char *node)
{
	struct drm_vgpu_sync first = { .point = 1 };
	struct drm_vgpu_bind_op op;
	pid_t child;
	int status, i;

	fflush(stdout);
	child = fork();
	if (!child) {
		set_up(node);
		ktap_must(vgpu_sync_create(&gpu, false, &first.handle), "SYNCOBJ_CREATE");
		block(&gate, false, &first);
		op = map_op(&big, 0, THERE, big.size, READ);
		for (i = 1; i < 4; i++)
			ktap_must(bind_when(&op, 1, first.handle, i, i + 1), "VM_BIND");
		raise(SIGKILL);
	}
	ktap_ok(waitpid(child, &status, 0) == child && WIFSIGNALED(status),
		"a process is killed while its binds wait");
	ktap_equal(map(&small, 0, THERE, PAGE, READ), 0, "MAP by another one");
	ktap_ok(finds(&small, 0, THERE), "it is there");
	unmap(THERE, PAGE);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: vf_bind NODE\n");
		return 2;
	}
	ktap_begin("vf_bind");
	set_up(argv[1]);
	/* VRAM is counted: before VMs with queues, which go in their own time */
	test_tables();
	test_hoarding();
	test_map();
	test_split();
	test_rights();
	test_sparse();
	test_many();
	test_async();
	test_async_order();
	test_running();
	test_killed(argv[1]);
	test_isolation();
	test_illegal_ops();
	test_illegal_args();
	test_vms();
	return ktap_end();
}

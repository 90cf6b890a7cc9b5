// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_fuzz [--calls N] [--seed S] NODE
 *
 * Calls the ioctls of a render node in random sequences whose arguments are
 * mostly legal. A sequence is decoded from a list of words, so that it can be
 * varied: where the kernel has KCOV, a list that reaches code which no other one
 * has reached is kept, and varied further; elsewhere all lists are new. What it
 * finds are reports in the kernel's log, which the caller looks at.
 *
 * Tells now and then, each time after half as many calls again, how far it is. SIGTERM
 * ends it early, and it tells how many calls it has made.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "vgpu.h"

#define WORDS 96
#define CORPUS 4096
#define POOL 8
#define COVER_WORDS (64 << 10)
#define COVER_BITS (1 << 20)

#define KCOV_INIT_TRACE _IOR('c', 1, unsigned long)
#define KCOV_ENABLE _IO('c', 100)
#define KCOV_DISABLE _IO('c', 101)
#define KCOV_TRACE_PC 0

/* A list of words, and how far it has been read. */
struct input {
	uint32_t count;
	uint32_t next;
	uint64_t word[WORDS];
};

/* Numbers that earlier calls of the sequence have returned. */
struct pool {
	uint32_t count;
	uint32_t id[POOL];
};

enum call {
	GET_PARAM, GEM_CREATE, GEM_INFO, MMAP, GEM_CLOSE, VM_CREATE, VM_DESTROY, VM_BIND,
	QUEUE_CREATE, QUEUE_DESTROY, QUEUE_STATE, SUBMIT, SYNC_CREATE, SYNC_DESTROY,
	SYNC_WAIT, PRIME, RAW, CALLS,
};

static const char *const call_name[CALLS] = {
	"GET_PARAM", "GEM_CREATE", "GEM_INFO", "mmap", "GEM_CLOSE", "VM_CREATE",
	"VM_DESTROY", "VM_BIND", "QUEUE_CREATE", "QUEUE_DESTROY", "QUEUE_STATE", "SUBMIT",
	"SYNCOBJ_CREATE", "SYNCOBJ_DESTROY", "SYNCOBJ_TIMELINE_WAIT", "PRIME", "raw",
};

static volatile sig_atomic_t time_is_up;
static uint64_t seed = 1, calls_made;
static uint64_t done[CALLS], refused[CALLS];
static int fd;
static struct pool bos, vms, queues, syncs;

static uint64_t *cover;
static uint8_t *covered;
static uint64_t covered_count;
static struct input *corpus;
static uint32_t corpus_count;

static uint64_t below(uint64_t limit)
{
	return vgpu_random(&seed) % limit;
}

static uint64_t word(struct input *in)
{
	return in->next < in->count ? in->word[in->next++] : 0;
}

/* Mostly small, sometimes at an edge, sometimes anything. */
static uint64_t number(struct input *in, uint64_t usual)
{
	static const uint64_t edges[] = {
		0, 1, 0xfff, 0x1000, 0x1001, 1u << 21, 0x7fffffff, 0xffffffff,
		1ull << 32, (1ull << 48) - 4096, 1ull << 48, 1ull << 63, ~0ull,
	};
	uint64_t w = word(in);

	switch (w & 15) {
	case 0:
		return edges[(w >> 4) % (sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return w >> (w >> 4 & 63);
	default:
		return usual ? (w >> 4) % usual : 0;
	}
}

static uint32_t from(struct input *in, const struct pool *pool)
{
	uint64_t w = word(in);

	return pool->count && (w & 15) ? pool->id[(w >> 4) % pool->count] : w >> 4;
}

static void into(struct pool *pool, uint32_t id)
{
	if (pool->count < POOL)
		pool->id[pool->count++] = id;
	else
		pool->id[id % POOL] = id;
}

static int call(enum call which, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	calls_made++;
	if (ret)
		refused[which]++;
	else
		done[which]++;
	return ret;
}

static uint64_t address(struct input *in)
{
	return number(in, 64) << 12;
}

/* Packets for the jobs of this sequence, at whatever address it is bound. */
static void write_packets(struct input *in, void *map, size_t size)
{
	uint64_t *at = map, i, qwords;

	for (i = 0; i + 8 < size / 8 && i < 64; i += qwords) {
		uint64_t w = word(in);

		qwords = 1 + (w >> 8) % 7;
		at[i] = (w & 7) | qwords << 16;
		at[i + 1] = address(in);
		at[i + 2] = address(in);
		at[i + 3] = number(in, 4096) & ~3ull;
	}
}

static void map_buffer(struct input *in)
{
	struct drm_vgpu_gem_mmap_offset offset = {
		.handle = from(in, &bos), .flags = number(in, 1),
	};
	size_t size = 4096 * (1 + (word(in) & 3));
	void *map;

	if (call(MMAP, DRM_IOCTL_VGPU_GEM_MMAP_OFFSET, &offset))
		return;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset.offset);
	if (map == MAP_FAILED)
		return;
	write_packets(in, map, 4096);
	munmap(map, size);
}

static void create_buffer(struct input *in)
{
	struct drm_vgpu_gem_create create = {
		.size = number(in, 1 << 18), .flags = 1 + number(in, 3),
		.vm_id = word(in) & 1 ? 0 : from(in, &vms),
	};

	if (!call(GEM_CREATE, DRM_IOCTL_VGPU_GEM_CREATE, &create))
		into(&bos, create.handle);
}

static void fill_syncs(struct input *in, struct drm_vgpu_sync *list, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		list[i] = (struct drm_vgpu_sync){
			.handle = from(in, &syncs), .flags = number(in, 1),
			.point = number(in, 3),
		};
}

static void bind(struct input *in)
{
	struct drm_vgpu_bind_op ops[4];
	struct drm_vgpu_sync syncs_in[2], syncs_out[2];
	struct drm_vgpu_vm_bind bind = {
		.vm_id = from(in, &vms), .flags = number(in, 2),
		.op_count = number(in, 5), .op_bytes = sizeof(ops[0]),
		.ops = (uintptr_t)ops,
		.in_syncs = (uintptr_t)syncs_in, .out_syncs = (uintptr_t)syncs_out,
	};
	uint32_t i;

	for (i = 0; i < 4; i++) {
		uint32_t op = number(in, 3);

		ops[i] = (struct drm_vgpu_bind_op){
			.op = op,
			.flags = op == DRM_VGPU_BIND_MAP ? 1 + number(in, 7) : number(in, 1),
			.handle = op == DRM_VGPU_BIND_MAP ? from(in, &bos) : number(in, 1),
			.offset = op == DRM_VGPU_BIND_MAP ? address(in) & 0x3ffff : 0,
			.addr = address(in) + 4096, .size = number(in, 16) * 4096 + 4096,
		};
	}
	if (bind.flags) {
		bind.in_sync_count = number(in, 3);
		bind.out_sync_count = number(in, 3);
	}
	fill_syncs(in, syncs_in, 2);
	fill_syncs(in, syncs_out, 2);
	call(VM_BIND, DRM_IOCTL_VGPU_VM_BIND, &bind);
}

static void submit(struct input *in)
{
	struct drm_vgpu_command command[2];
	struct drm_vgpu_sync syncs_in[2], syncs_out[2];
	struct drm_vgpu_job jobs[4];
	struct drm_vgpu_submit submit = {
		.queue_id = from(in, &queues), .flags = number(in, 1),
		.job_count = 1 + number(in, 4), .job_bytes = sizeof(jobs[0]),
		.jobs = (uintptr_t)jobs,
	};
	uint32_t i;

	for (i = 0; i < 2; i++)
		command[i] = (struct drm_vgpu_command){
			.addr = address(in), .bytes = 8 + number(in, 512) * 8,
		};
	fill_syncs(in, syncs_in, 2);
	fill_syncs(in, syncs_out, 2);
	for (i = 0; i < 4; i++)
		jobs[i] = (struct drm_vgpu_job){
			.command_count = number(in, 3), .commands = (uintptr_t)command,
			.in_sync_count = number(in, 2), .in_syncs = (uintptr_t)syncs_in,
			.out_sync_count = number(in, 3), .out_syncs = (uintptr_t)syncs_out,
		};
	if (word(in) & 1) {
		jobs[0].flags = number(in, 2);
		jobs[0].fence_addr = address(in);
		jobs[0].fence_value = word(in);
	}
	call(SUBMIT, DRM_IOCTL_VGPU_SUBMIT, &submit);
}

static void create_queue(struct input *in)
{
	struct drm_vgpu_queue_create create = {
		.vm_id = from(in, &vms), .ring = number(in, 4), .priority = number(in, 3),
		.flags = number(in, 1),
	};

	if (!call(QUEUE_CREATE, DRM_IOCTL_VGPU_QUEUE_CREATE, &create))
		into(&queues, create.queue_id);
}

static void share(struct input *in)
{
	struct drm_prime_handle prime = {
		.handle = from(in, &bos), .flags = DRM_CLOEXEC | DRM_RDWR,
	};

	if (call(PRIME, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime))
		return;
	if (!call(PRIME, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime))
		into(&bos, prime.handle);
	close(prime.fd);
}

static void wait_sync(struct input *in)
{
	uint32_t handle = from(in, &syncs);
	uint64_t point = number(in, 3);
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point,
		.count_handles = 1,
		.timeout_nsec = word(in) & 1 ? 0 : INT64_MAX,
	};

	call(SYNC_WAIT, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
}

/* Any number, any size, any content. */
static void raw(struct input *in)
{
	uint64_t arg[16], i, w = word(in);

	for (i = 0; i < 16; i++)
		arg[i] = number(in, 8);
	call(RAW, _IOC(w & 3, 'd', DRM_COMMAND_BASE + (w >> 2) % 16, (w >> 8) % 129), arg);
}

static void one_call(struct input *in)
{
	uint64_t w = word(in);
	struct drm_vgpu_get_param param;
	struct drm_vgpu_gem_info info;
	struct drm_vgpu_vm_create vm;
	struct drm_vgpu_vm_destroy vm_destroy;
	struct drm_vgpu_queue_destroy queue_destroy;
	struct drm_vgpu_queue_state state;
	struct drm_syncobj_create sync;
	struct drm_syncobj_destroy sync_destroy;
	struct drm_gem_close gem_close;

	switch (w % CALLS) {
	case GET_PARAM:
		param = (struct drm_vgpu_get_param){ .param = number(in, 16) };
		call(GET_PARAM, DRM_IOCTL_VGPU_GET_PARAM, &param);
		break;
	case GEM_CREATE:
		create_buffer(in);
		break;
	case GEM_INFO:
		info = (struct drm_vgpu_gem_info){ .handle = from(in, &bos) };
		call(GEM_INFO, DRM_IOCTL_VGPU_GEM_INFO, &info);
		break;
	case MMAP:
		map_buffer(in);
		break;
	case GEM_CLOSE:
		gem_close = (struct drm_gem_close){ .handle = from(in, &bos) };
		call(GEM_CLOSE, DRM_IOCTL_GEM_CLOSE, &gem_close);
		break;
	case VM_CREATE:
		vm = (struct drm_vgpu_vm_create){ .flags = number(in, 1) };
		if (!call(VM_CREATE, DRM_IOCTL_VGPU_VM_CREATE, &vm))
			into(&vms, vm.vm_id);
		break;
	case VM_DESTROY:
		vm_destroy = (struct drm_vgpu_vm_destroy){ .vm_id = from(in, &vms) };
		call(VM_DESTROY, DRM_IOCTL_VGPU_VM_DESTROY, &vm_destroy);
		break;
	case VM_BIND:
		bind(in);
		break;
	case QUEUE_CREATE:
		create_queue(in);
		break;
	case QUEUE_DESTROY:
		queue_destroy = (struct drm_vgpu_queue_destroy){ .queue_id = from(in, &queues) };
		call(QUEUE_DESTROY, DRM_IOCTL_VGPU_QUEUE_DESTROY, &queue_destroy);
		break;
	case QUEUE_STATE:
		state = (struct drm_vgpu_queue_state){ .queue_id = from(in, &queues) };
		call(QUEUE_STATE, DRM_IOCTL_VGPU_QUEUE_STATE, &state);
		break;
	case SUBMIT:
		submit(in);
		break;
	case SYNC_CREATE:
		sync = (struct drm_syncobj_create){ .flags = number(in, 2) };
		if (!call(SYNC_CREATE, DRM_IOCTL_SYNCOBJ_CREATE, &sync))
			into(&syncs, sync.handle);
		break;
	case SYNC_DESTROY:
		sync_destroy = (struct drm_syncobj_destroy){ .handle = from(in, &syncs) };
		call(SYNC_DESTROY, DRM_IOCTL_SYNCOBJ_DESTROY, &sync_destroy);
		break;
	case SYNC_WAIT:
		wait_sync(in);
		break;
	case PRIME:
		share(in);
		break;
	default:
		raw(in);
	}
}

/* Every sequence begins with the same file: a VM, a buffer, a queue, a syncobj. */
static void run(struct input *in, const char *node)
{
	/* These words make what most other calls need. */
	static const struct input first = {
		.count = 11,
		.word = { VM_CREATE, 2, GEM_CREATE, 65536 << 4 | 2, 2, 1,
			  QUEUE_CREATE, 2, 2, 2, 2 },
	};
	struct input setup = first, sync = { .count = 2, .word = { SYNC_CREATE, 2 | 1 << 4 } };

	fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	bos.count = vms.count = queues.count = syncs.count = 0;
	while (setup.next < setup.count)
		one_call(&setup);
	one_call(&sync);
	in->next = 0;
	while (in->next < in->count)
		one_call(in);
	close(fd);
}

static void fresh(struct input *in)
{
	in->count = 8 + below(WORDS - 8);
	for (in->next = 0; in->next < in->count; in->next++)
		in->word[in->next] = vgpu_random(&seed);
}

static void vary(struct input *in)
{
	uint32_t at = below(in->count), changes = 1 + below(4), end;
	const struct input *other;

	while (changes--) {
		switch (below(4)) {
		case 0:
			in->word[below(in->count)] = vgpu_random(&seed);
			break;
		case 1:
			in->word[below(in->count)] ^= 1ull << below(64);
			break;
		case 2:
			if (in->count > 8) {
				memmove(&in->word[at], &in->word[at + 1],
					(in->count - at - 1) * sizeof(in->word[0]));
				in->count--;
				at = below(in->count);
			}
			break;
		default:
			other = &corpus[below(corpus_count)];
			end = at + below(other->count);
			for (; at < end && at < WORDS; at++)
				in->word[at] = other->word[at % other->count];
			if (at > in->count)
				in->count = at;
			at = below(in->count);
		}
	}
}

static bool cover_open(void)
{
	int kcov = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (kcov < 0)
		return false;
	if (ioctl(kcov, KCOV_INIT_TRACE, COVER_WORDS))
		return false;
	cover = mmap(NULL, COVER_WORDS * sizeof(*cover), PROT_READ | PROT_WRITE, MAP_SHARED,
		     kcov, 0);
	if (cover == MAP_FAILED || ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC))
		return false;
	covered = calloc(COVER_BITS, 1);
	return covered;
}

/* Has the last sequence reached a pair of places that none has before? */
static bool cover_is_new(void)
{
	uint64_t i, n = __atomic_load_n(&cover[0], __ATOMIC_RELAXED), last = 0;
	bool new = false;

	for (i = 1; i <= n && i < COVER_WORDS; i++) {
		uint64_t at = (cover[i] * 0x9e3779b97f4a7c15ull ^ last) % COVER_BITS;

		last = cover[i];
		if (!covered[at]) {
			covered[at] = 1;
			covered_count++;
			new = true;
		}
	}
	return new;
}

static void end(int signal)
{
	(void)signal;
	time_is_up = 1;
}

static void tell(bool guided)
{
	printf("# %llu calls", (unsigned long long)calls_made);
	if (guided)
		printf(", %llu pairs of places reached, %u sequences kept",
		       (unsigned long long)covered_count, corpus_count);
	printf("\n");
}

static void one_sequence(const char *node, bool guided)
{
	struct input in;

	if (guided && corpus_count && below(8)) {
		in = corpus[below(corpus_count)];
		vary(&in);
	} else {
		fresh(&in);
	}
	if (guided)
		__atomic_store_n(&cover[0], 0, __ATOMIC_RELAXED);
	run(&in, node);
	if (guided && cover_is_new())
		corpus[corpus_count < CORPUS ? corpus_count++ : below(CORPUS)] = in;
}

static void fuzz(const char *node, uint64_t calls, bool guided)
{
	const uint64_t began_with = seed;
	uint64_t told = 1000, first = 0;

	while (calls_made < calls && !time_is_up) {
		one_sequence(node, guided);
		if (calls_made < told)
			continue;
		tell(guided);
		told = calls_made + calls_made / 2;
		if (!first)
			first = covered_count;
	}
	tell(guided);
	ktap_ok(calls_made >= calls, "%llu of %llu calls, seed %llu",
		(unsigned long long)calls_made, (unsigned long long)calls,
		(unsigned long long)began_with);
	if (guided)
		ktap_ok(first && covered_count > first && corpus_count,
			"what new sequences have reached is varied, and that reaches more");
	else
		ktap_skip("code is reached that was not before", "this kernel has no KCOV");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "calls", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{ 0 },
	};
	uint64_t calls = 20000;
	int option, i;
	bool guided;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			calls = strtoull(optarg, NULL, 0);
		else if (option == 's')
			seed = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: vf_fuzz [--calls N] [--seed S] NODE\n");
		return 2;
	}
	ktap_begin("vf_fuzz");
	corpus = calloc(CORPUS, sizeof(*corpus));
	ktap_must(corpus ? 0 : -ENOMEM, "no memory");
	guided = cover_open();
	signal(SIGTERM, end);
	fuzz(argv[optind], calls, guided);
	for (i = 0; i < CALLS; i++)
		if (i != RAW)
			ktap_ok(done[i] * 20 > refused[i] && refused[i], "%s: %llu accepted, %llu refused",
				call_name[i], (unsigned long long)done[i],
				(unsigned long long)refused[i]);
	return ktap_end();
}

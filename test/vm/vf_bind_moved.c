// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_bind_moved NODE
 *
 * Mappings of buffers that leave VRAM and come back, to other places, and of those that
 * must not leave while jobs or binds need them.
 */
#include "mappings.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/time.h>

static uint32_t placement_of(const struct vgpu_bo *bo)
{
	struct drm_vgpu_gem_info info = { .handle = bo->handle };

	ktap_must(vgpu_call(&gpu, DRM_IOCTL_VGPU_GEM_INFO, &info), "GEM_INFO");
	return info.placement;
}

/* So much that all other buffers have to go */
static uint64_t nearly_all_vram(void)
{
	uint64_t size;

	ktap_must(vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_SIZE, &size), "GET_PARAM");
	return size - 2 * BIG_PAGE;
}

static void test_eviction(void)
{
	struct drm_vgpu_bind_op op;
	struct vgpu other = gpu;
	struct vgpu_commands fill;
	struct vgpu_bo hog;
	uint32_t line;

	ktap_must(vgpu_vm_create(&other, &other.vm), "VM_CREATE");
	ktap_must(vgpu_queue_create(&other, other.vm, 0, 0, &other.queues[0]), "QUEUE_CREATE");
	ktap_must(vgpu_commands_create(&other, PAGE, &fill), "cannot allocate");
	ktap_equal(map(&big, 0, THERE, big.size, RW), 0, "MAP of a buffer in VRAM");
	ktap_ok(finds_all(&big, 0, THERE, big.size), "it is there");
	ktap_must(vgpu_bo_create(&other, nearly_all_vram(), RW, &hog), "cannot allocate");
	vgpu_emit_fill(&fill, hog.addr, 8, 1);
	ktap_equal(vgpu_run(&other, 0, &fill), 0, "another VM uses nearly all of VRAM");
	ktap_ok(placement_of(&big) != VRAM, "the buffer has been moved");
	ktap_equal(unmap(THERE + 3 * PAGE, PAGE), 0, "UNMAP of a page of what was moved");
	ktap_equal(map(&small, 0, THERE + BIG_PAGE, PAGE, RW), 0, "MAP into what was moved");
	ktap_ok(finds(&small, 0, THERE + BIG_PAGE) && faults(THERE + 3 * PAGE) &&
		finds_all(&big, 0, THERE, 3 * PAGE) &&
		finds_all(&big, BIG_PAGE + PAGE, THERE + BIG_PAGE + PAGE,
			  big.size - BIG_PAGE - PAGE), "a job finds all of it, as changed");
	ktap_equal(placement_of(&big), VRAM, "the buffer is in VRAM again");
	ktap_equal(vgpu_run(&other, 0, &fill), 0, "the other VM once more");
	ktap_must(vgpu_sync_create(&gpu, false, &line), "SYNCOBJ_CREATE");
	op = map_op(&big, 0, THERE, big.size, RW);
	ktap_equal(bind_when(&op, 1, line, 0, 1), 0, "an asynchronous MAP of what was moved");
	ktap_equal(vgpu_sync_wait(&gpu, line, 1, VGPU_RUN_TIMEOUT_MS), 0, "it is done");
	ktap_ok(finds_all(&big, 0, THERE, big.size), "a job finds all of it");
	vgpu_sync_destroy(&gpu, line);
	unmap(THERE, big.size);
	vgpu_bo_destroy(&other, &hog);
	vgpu_commands_destroy(&other, &fill);
	vgpu_queue_destroy(&other, other.queues[0]);
	vgpu_vm_destroy(&other, other.vm);
}

/* Ends a wait in the kernel that would be endless. */
static void wake_up(int signal)
{
	(void)signal;
}

static int allocate(uint64_t size, uint32_t *handle)
{
	struct drm_vgpu_gem_create create = { .size = size, .flags = VRAM };
	int ret = vgpu_ioctl(gpu.fd, DRM_IOCTL_VGPU_GEM_CREATE, &create) ? -errno : 0;

	*handle = create.handle;
	return ret;
}

/* Gives up if it still waits after a second. */
static int try_to_allocate(uint64_t size, uint32_t *handle)
{
	const struct itimerval second = { .it_value.tv_sec = 1 };
	const struct itimerval never = { .it_value.tv_sec = 0 };
	const struct sigaction action = { .sa_handler = wake_up };
	int ret;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &second, NULL);
	ret = allocate(size, handle);
	setitimer(ITIMER_REAL, &never, NULL);
	return ret;
}

static void free_handle(uint32_t handle)
{
	struct drm_gem_close gem_close = { .handle = handle };

	vgpu_call(&gpu, DRM_IOCTL_GEM_CLOSE, &gem_close);
}

/* What does not fit beside nearly all of VRAM */
#define LATE	(5 * BIG_PAGE)

/* Nothing that is idle is left in VRAM. */
static void clear_vram(void)
{
	uint32_t handle;

	ktap_equal(allocate(nearly_all_vram(), &handle), 0, "all that is idle makes room");
	free_handle(handle);
}

static void check_stays(const struct vgpu_bo *bo, const char *why)
{
	uint32_t handle;
	int ret;

	ret = try_to_allocate(nearly_all_vram(), &handle);
	ktap_ok(ret && placement_of(bo) == VRAM, "a buffer stays in VRAM while %s", why);
	if (!ret)
		free_handle(handle);
}

static void create_other(struct vgpu *other)
{
	uint32_t ring;

	*other = gpu;
	ktap_must(vgpu_vm_create(other, &other->vm), "VM_CREATE");
	for (ring = 0; ring < 3; ring++)
		ktap_must(vgpu_queue_create(other, other->vm, ring, 0, &other->queues[ring]),
			  "QUEUE_CREATE");
}

static void destroy_other(struct vgpu *other)
{
	uint32_t ring;

	for (ring = 0; ring < 3; ring++)
		vgpu_queue_destroy(other, other->queues[ring]);
	vgpu_vm_destroy(other, other->vm);
}

static int bind_late(struct vgpu *other, const struct vgpu_bo *late,
		     const struct drm_vgpu_sync *in)
{
	struct drm_vgpu_bind_op op = map_op(late, 0, THERE, late->size, RW);

	return in ? vgpu_bind_async(other, other->vm, &op, 1, in, NULL) :
		    vgpu_bind(other, other->vm, &op, 1);
}

/*
 * A buffer that came to a VM when a job was under way there, or that will come when a
 * bind has been done, which waits for a job of a third VM. Nothing else of what is in VRAM is idle.
 */
static void test_stay(bool async)
{
	struct drm_vgpu_sync first = { .point = 1 };
	struct vgpu other, third;
	struct gate own, foreign, *there = async ? &foreign : &own;
	struct vgpu_bo late;

	clear_vram();
	/* The oldest: it would have to go first */
	ktap_must(vgpu_bo_create_shared(&gpu, LATE, VRAM, RW, &late), "cannot allocate");
	write_tags(&late);
	create_other(&other);
	create_gate(&own, &other);
	create_other(&third);
	create_gate(&foreign, &third);
	ktap_must(vgpu_sync_create(&gpu, false, &first.handle), "SYNCOBJ_CREATE");
	block(there, false, &first);
	ktap_equal(bind_late(&other, &late, async ? &first : NULL), 0, "MAP while a job runs");
	check_stays(&late, async ? "a bind of it waits" :
				   "a job runs that was submitted before it was mapped");
	unblock(there);
	ktap_equal(vgpu_sync_wait(&gpu, first.handle, 1, VGPU_RUN_TIMEOUT_MS), 0, "the job ends");
	clear_vram();
	ktap_ok(placement_of(&late) != VRAM, "then it makes room, too");
	vgpu_commands_reset(&own.fence);
	vgpu_emit_copy(&own.fence, own.memory.addr, THERE, 8);
	ktap_ok(!vgpu_run(&other, 0, &own.fence) &&
		*word_at(&own.memory, 0) == tag(&late, 0), "and a job finds it");
	vgpu_sync_destroy(&gpu, first.handle);
	vgpu_bo_destroy(&gpu, &late);
	destroy_other(&third);
	destroy_other(&other);
}

#define PIECES	256

/* Free VRAM in pieces of 1 MiB that do not touch: no room for a page of 2 MiB */
static void scatter_vram(uint32_t *handles)
{
	uint64_t i;

	for (i = 0; i < PIECES; i++)
		handles[i] = 0;
	for (i = 0; i < PIECES; i++)
		if (allocate(BIG_PAGE / 2, &handles[i]) || vram_free() < 2 * BIG_PAGE)
			break;
	for (i = 0; i < PIECES; i += 2)
		if (handles[i])
			free_handle(handles[i]);
}

static void gather_vram(const uint32_t *handles)
{
	uint64_t i;

	for (i = 1; i < PIECES; i += 2)
		if (handles[i])
			free_handle(handles[i]);
}

/* All of it, with the hole that can only be read; the rest is written. */
static bool is_whole(uint64_t hole)
{
	vgpu_emit_fill(&todo, THERE + hole - PAGE + 8, 8, 0);
	vgpu_emit_fill(&todo, THERE + hole + PAGE + 8, 8, 0);
	if (run() || !finds_all(&big, 0, THERE, big.size))
		return false;
	vgpu_emit_fill(&todo, THERE + hole + 8, 8, 0);
	return run() == -EIO;
}

/* A buffer comes back to other places than it had, in other pieces. */
static void test_scatter(void)
{
	uint64_t hole = BIG_PAGE + 17 * PAGE;
	uint32_t handles[PIECES];

	clear_vram();
	ktap_equal(map(&big, 0, THERE, big.size, RW), 0, "MAP of a big buffer");
	ktap_equal(map(&big, hole, THERE + hole, PAGE, READ), 0, "a page of it to be read only");
	ktap_ok(is_whole(hole) && placement_of(&big) == VRAM, "it is as it should be");
	clear_vram();
	ktap_ok(placement_of(&big) != VRAM, "it has been moved");
	scatter_vram(handles);
	ktap_ok(is_whole(hole) && placement_of(&big) == VRAM, "it comes back in small pieces");
	gather_vram(handles);
	clear_vram();
	ktap_ok(placement_of(&big) != VRAM, "it has been moved again");
	ktap_ok(is_whole(hole) && placement_of(&big) == VRAM, "it comes back in one piece");
	unmap(THERE, big.size);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: vf_bind_moved NODE\n");
		return 2;
	}
	ktap_begin("vf_bind_moved");
	set_up(argv[1]);
	test_eviction();
	test_stay(false);
	test_stay(true);
	test_scatter();
	return ktap_end();
}

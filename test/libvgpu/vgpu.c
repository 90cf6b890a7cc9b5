// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvgpu: nodes, buffers, synchronisation, submission.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/sync_file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "recorder.h"
#include "vgpu.h"

#define DRI "/dev/dri/"
#define RENDER "renderD"

/* Buffers of at least that size may have pages of 2 MiB. */
#define BIG_PAGE	(1ull << VGPU_BIG_PAGE_SHIFT)
#define PAGE		(1ull << VGPU_PAGE_SHIFT)
/* Where null pointers and truncated addresses point is nothing. */
#define FIRST_ADDR	(1ull << 32)

int vgpu_call(struct vgpu *gpu, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = vgpu_ioctl(gpu->fd, request, arg);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret < 0 ? -errno : 0;
}

static bool is_vgpu(int fd)
{
	char name[8] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "vgpu");
}

/* The render node of the PCI device at @address, as a path. */
static int node_of_pci(const char *address, char *path, size_t size)
{
	char dir[128];
	struct dirent *entry;
	int ret = -ENODEV;
	DIR *drm;

	snprintf(dir, sizeof(dir), "/sys/bus/pci/devices/%s/drm", address);
	drm = opendir(dir);
	if (!drm)
		return -ENODEV;
	while ((entry = readdir(drm)))
		if (!strncmp(entry->d_name, RENDER, strlen(RENDER))) {
			snprintf(path, size, DRI "%.32s", entry->d_name);
			ret = 0;
		}
	closedir(drm);
	return ret;
}

static int open_node(struct vgpu *gpu, const char *path)
{
	int fd = vgpu_open_path(path);

	if (fd < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	if (!is_vgpu(fd)) {
		close(fd);
		return -ENODEV;
	}
	gpu->fd = fd;
	snprintf(gpu->path, sizeof(gpu->path), "%s", path);
	return 0;
}

/* Minor numbers of render nodes are 128…191. */
static int open_nth(struct vgpu *gpu, unsigned long n)
{
	char path[64];
	int minor;

	for (minor = 128; minor < 192; minor++) {
		snprintf(path, sizeof(path), DRI RENDER "%d", minor);
		if (open_node(gpu, path))
			continue;
		if (!n--)
			return 0;
		close(gpu->fd);
	}
	return -ENODEV;
}

static int set_up(struct vgpu *gpu)
{
	uint64_t rings;
	uint32_t r;
	int ret;

	ret = vgpu_param(gpu, DRM_VGPU_PARAM_RINGS, &rings);
	if (!ret)
		ret = vgpu_vm_create(gpu, &gpu->vm);
	gpu->rings = rings;
	gpu->next_addr = FIRST_ADDR;
	for (r = 0; r < rings && !ret; r++)
		ret = vgpu_queue_create(gpu, gpu->vm, r, DRM_VGPU_PRIORITY_NORMAL,
					&gpu->queues[r]);
	return ret;
}

int vgpu_open(struct vgpu *gpu, const char *name)
{
	char path[64], *end;
	unsigned long n;
	int ret;

	memset(gpu, 0, sizeof(*gpu));
	n = strtoul(name, &end, 10);
	if (*name && !*end) {
		ret = open_nth(gpu, n);
	} else if (*name == '/') {
		ret = open_node(gpu, name);
	} else {
		ret = node_of_pci(name, path, sizeof(path));
		if (!ret)
			ret = open_node(gpu, path);
	}
	if (ret)
		return ret;

	ret = set_up(gpu);
	if (!ret)
		ret = recorder_begin(gpu);
	if (ret)
		vgpu_close(gpu);
	return ret;
}

void vgpu_close(struct vgpu *gpu)
{
	recorder_end(gpu);
	close(gpu->fd);
	gpu->fd = -1;
}

int vgpu_param(struct vgpu *gpu, uint32_t param, uint64_t *value)
{
	struct drm_vgpu_get_param get = { .param = param };
	int ret = vgpu_call(gpu, DRM_IOCTL_VGPU_GET_PARAM, &get);

	*value = get.value;
	return ret;
}

int vgpu_vm_create(struct vgpu *gpu, uint32_t *vm)
{
	struct drm_vgpu_vm_create create = { 0 };
	int ret = vgpu_call(gpu, DRM_IOCTL_VGPU_VM_CREATE, &create);

	*vm = create.vm_id;
	return ret;
}

int vgpu_vm_destroy(struct vgpu *gpu, uint32_t vm)
{
	struct drm_vgpu_vm_destroy destroy = { .vm_id = vm };

	return vgpu_call(gpu, DRM_IOCTL_VGPU_VM_DESTROY, &destroy);
}

int vgpu_bind(struct vgpu *gpu, uint32_t vm, const struct drm_vgpu_bind_op *ops,
	      uint32_t count)
{
	struct drm_vgpu_vm_bind bind = {
		.vm_id = vm, .op_count = count, .op_bytes = sizeof(*ops),
		.ops = (uintptr_t)ops,
	};

	return vgpu_call(gpu, DRM_IOCTL_VGPU_VM_BIND, &bind);
}

int vgpu_bind_async(struct vgpu *gpu, uint32_t vm, const struct drm_vgpu_bind_op *ops,
		    uint32_t count, const struct drm_vgpu_sync *in,
		    const struct drm_vgpu_sync *out)
{
	struct drm_vgpu_vm_bind bind = {
		.vm_id = vm, .flags = DRM_VGPU_VM_BIND_ASYNC,
		.op_count = count, .op_bytes = sizeof(*ops), .ops = (uintptr_t)ops,
		.in_sync_count = !!in, .in_syncs = (uintptr_t)in,
		.out_sync_count = !!out, .out_syncs = (uintptr_t)out,
	};

	return vgpu_call(gpu, DRM_IOCTL_VGPU_VM_BIND, &bind);
}

int vgpu_map(struct vgpu *gpu, uint32_t vm, uint32_t handle, uint64_t offset,
	     uint64_t addr, uint64_t size, uint32_t rights)
{
	const struct drm_vgpu_bind_op op = {
		.op = DRM_VGPU_BIND_MAP, .flags = rights, .handle = handle,
		.offset = offset, .addr = addr, .size = size,
	};

	return vgpu_bind(gpu, vm, &op, 1);
}

int vgpu_unmap(struct vgpu *gpu, uint32_t vm, uint64_t addr, uint64_t size)
{
	const struct drm_vgpu_bind_op op = {
		.op = DRM_VGPU_BIND_UNMAP, .addr = addr, .size = size,
	};

	return vgpu_bind(gpu, vm, &op, 1);
}

/* With a page behind it that is never mapped. */
uint64_t vgpu_reserve(struct vgpu *gpu, uint64_t size)
{
	uint64_t align = size >= BIG_PAGE ? BIG_PAGE : PAGE;
	uint64_t addr = (gpu->next_addr + align - 1) & -align;

	gpu->next_addr = addr + ((size + PAGE - 1) & -PAGE) + PAGE;
	return addr;
}

static int bo_map(struct vgpu *gpu, struct vgpu_bo *bo)
{
	struct drm_vgpu_gem_mmap_offset offset = { .handle = bo->handle };
	int ret = vgpu_call(gpu, DRM_IOCTL_VGPU_GEM_MMAP_OFFSET, &offset);

	if (ret)
		return ret;
	bo->map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, gpu->fd,
		       offset.offset);
	return bo->map == MAP_FAILED ? -errno : 0;
}

static void bo_close(struct vgpu *gpu, struct vgpu_bo *bo)
{
	struct drm_gem_close gem_close = { .handle = bo->handle };

	vgpu_call(gpu, DRM_IOCTL_GEM_CLOSE, &gem_close);
}

static int bo_create(struct vgpu *gpu, struct drm_vgpu_gem_create *create,
		     uint32_t rights, struct vgpu_bo *bo)
{
	int ret = vgpu_call(gpu, DRM_IOCTL_VGPU_GEM_CREATE, create);

	memset(bo, 0, sizeof(*bo));
	if (ret)
		return ret;
	bo->handle = create->handle;
	bo->size = create->size;
	bo->addr = vgpu_reserve(gpu, bo->size);
	ret = bo_map(gpu, bo);
	if (ret)
		goto close;
	ret = vgpu_map(gpu, gpu->vm, bo->handle, 0, bo->addr, bo->size, rights);
	if (!ret)
		ret = recorder_add(gpu, bo, rights, !(create->flags & DRM_VGPU_GEM_VRAM));
	if (!ret)
		return 0;
	munmap(bo->map, bo->size);
close:
	bo_close(gpu, bo);
	return ret;
}

int vgpu_bo_create(struct vgpu *gpu, uint64_t size, uint32_t rights, struct vgpu_bo *bo)
{
	struct drm_vgpu_gem_create create = {
		.size = size, .flags = DRM_VGPU_GEM_VRAM, .vm_id = gpu->vm,
	};

	return bo_create(gpu, &create, rights, bo);
}

int vgpu_bo_create_shared(struct vgpu *gpu, uint64_t size, uint32_t placement,
			  uint32_t rights, struct vgpu_bo *bo)
{
	struct drm_vgpu_gem_create create = { .size = size, .flags = placement };

	return bo_create(gpu, &create, rights, bo);
}

void vgpu_bo_destroy(struct vgpu *gpu, struct vgpu_bo *bo)
{
	recorder_remove(gpu, bo);
	vgpu_unmap(gpu, gpu->vm, bo->addr, bo->size);
	munmap(bo->map, bo->size);
	bo_close(gpu, bo);
	memset(bo, 0, sizeof(*bo));
}

int vgpu_queue_create(struct vgpu *gpu, uint32_t vm, uint32_t ring, uint32_t priority,
		      uint32_t *queue)
{
	struct drm_vgpu_queue_create create = {
		.vm_id = vm, .ring = ring, .priority = priority,
	};
	int ret = vgpu_call(gpu, DRM_IOCTL_VGPU_QUEUE_CREATE, &create);

	*queue = create.queue_id;
	return ret;
}

int vgpu_queue_destroy(struct vgpu *gpu, uint32_t queue)
{
	struct drm_vgpu_queue_destroy destroy = { .queue_id = queue };

	return vgpu_call(gpu, DRM_IOCTL_VGPU_QUEUE_DESTROY, &destroy);
}

int vgpu_queue_state(struct vgpu *gpu, uint32_t queue, struct drm_vgpu_queue_state *state)
{
	*state = (struct drm_vgpu_queue_state){ .queue_id = queue };
	return vgpu_call(gpu, DRM_IOCTL_VGPU_QUEUE_STATE, state);
}

int vgpu_queue_renew(struct vgpu *gpu, uint32_t ring)
{
	int ret = vgpu_queue_destroy(gpu, gpu->queues[ring]);

	return ret ? ret : vgpu_queue_create(gpu, gpu->vm, ring, DRM_VGPU_PRIORITY_NORMAL,
					     &gpu->queues[ring]);
}

int vgpu_sync_create(struct vgpu *gpu, bool signalled, uint32_t *handle)
{
	struct drm_syncobj_create create = {
		.flags = signalled ? DRM_SYNCOBJ_CREATE_SIGNALED : 0,
	};
	int ret = vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_CREATE, &create);

	*handle = create.handle;
	return ret;
}

void vgpu_sync_destroy(struct vgpu *gpu, uint32_t handle)
{
	struct drm_syncobj_destroy destroy = { .handle = handle };

	vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
}

int vgpu_sync_reset(struct vgpu *gpu, uint32_t handle)
{
	struct drm_syncobj_array array = {
		.handles = (uintptr_t)&handle, .count_handles = 1,
	};

	return vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_RESET, &array);
}

int vgpu_sync_signal(struct vgpu *gpu, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point,
		.count_handles = 1,
	};
	struct drm_syncobj_array binary = {
		.handles = (uintptr_t)&handle, .count_handles = 1,
	};

	if (!point)
		return vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_SIGNAL, &binary);
	return vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array);
}

int vgpu_sync_wait(struct vgpu *gpu, uint32_t handle, uint64_t point, int64_t timeout_ms)
{
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point,
		.count_handles = 1, .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};
	struct timespec now;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &now);
	wait.timeout_nsec = now.tv_sec * 1000000000ll + now.tv_nsec +
			    timeout_ms * 1000000ll;
	ret = vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
	if (!ret)
		recorder_waited(gpu, handle);
	return ret;
}

int vgpu_sync_query(struct vgpu *gpu, uint32_t handle, uint64_t *point)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)point,
		.count_handles = 1,
	};

	return vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_QUERY, &array);
}

int vgpu_sync_status(struct vgpu *gpu, uint32_t handle)
{
	struct drm_syncobj_handle export = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	struct sync_file_info info = { 0 };
	int ret = vgpu_call(gpu, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);

	if (ret)
		return ret == -EINVAL ? -ENOENT : ret;
	ret = ioctl(export.fd, SYNC_IOC_FILE_INFO, &info) ? -errno : info.status;
	close(export.fd);
	return ret;
}

int vgpu_submit(struct vgpu *gpu, uint32_t queue, const struct drm_vgpu_job *jobs,
		uint32_t count)
{
	struct drm_vgpu_submit submit = {
		.queue_id = queue, .job_count = count, .job_bytes = sizeof(*jobs), .jobs = (uintptr_t)jobs,
	};

	return vgpu_call(gpu, DRM_IOCTL_VGPU_SUBMIT, &submit);
}

int vgpu_submit_commands(struct vgpu *gpu, uint32_t ring,
			 const struct vgpu_commands *commands, uint32_t in, uint32_t out)
{
	struct drm_vgpu_command command = {
		.addr = commands->bo.addr, .bytes = commands->used,
	};
	struct drm_vgpu_sync in_sync = { .handle = in }, out_sync = { .handle = out };
	struct drm_vgpu_job job = {
		.command_count = 1, .commands = (uintptr_t)&command,
		.in_sync_count = !!in, .in_syncs = (uintptr_t)&in_sync,
		.out_sync_count = !!out, .out_syncs = (uintptr_t)&out_sync,
	};

	if (commands->overflow)
		return -ENOSPC;
	if (ring >= gpu->rings)
		return -EINVAL;
	recorder_submit(gpu, ring, commands, in, out);
	return vgpu_submit(gpu, gpu->queues[ring], &job, 1);
}

int vgpu_run(struct vgpu *gpu, uint32_t ring, const struct vgpu_commands *commands)
{
	uint32_t sync;
	int ret;

	ret = vgpu_sync_create(gpu, false, &sync);
	if (ret)
		return ret;
	ret = vgpu_submit_commands(gpu, ring, commands, 0, sync);
	if (!ret)
		ret = vgpu_sync_wait(gpu, sync, 0, VGPU_RUN_TIMEOUT_MS);
	if (!ret)
		ret = vgpu_sync_status(gpu, sync);
	vgpu_sync_destroy(gpu, sync);
	if (ret == -EIO || ret == -ETIME)
		vgpu_queue_renew(gpu, ring);
	return ret == 1 ? 0 : ret;
}

uint64_t vgpu_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvgpu: nodes, buffers, synchronisation, submission.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sync_file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vgpu.h"

#define DRI "/dev/dri/"
#define RENDER "renderD"

static int call(struct vgpu *gpu, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(gpu->fd, request, arg);
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
	int fd = open(path, O_RDWR | O_CLOEXEC);

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

int vgpu_open(struct vgpu *gpu, const char *name)
{
	char path[64], *end;
	unsigned long n;
	uint64_t rings;
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

	ret = vgpu_param(gpu, DRM_VGPU_PARAM_RINGS, &rings);
	if (ret)
		vgpu_close(gpu);
	gpu->rings = rings;
	return ret;
}

void vgpu_close(struct vgpu *gpu)
{
	close(gpu->fd);
	gpu->fd = -1;
}

int vgpu_param(struct vgpu *gpu, uint32_t param, uint64_t *value)
{
	struct drm_vgpu_get_param get = { .param = param };
	int ret = call(gpu, DRM_IOCTL_VGPU_GET_PARAM, &get);

	*value = get.value;
	return ret;
}

static int bo_map(struct vgpu *gpu, struct vgpu_bo *bo)
{
	struct drm_vgpu_gem_mmap_offset offset = { .handle = bo->handle };
	int ret = call(gpu, DRM_IOCTL_VGPU_GEM_MMAP_OFFSET, &offset);

	if (ret)
		return ret;
	bo->map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, gpu->fd,
		       offset.offset);
	return bo->map == MAP_FAILED ? -errno : 0;
}

static void bo_close(struct vgpu *gpu, struct vgpu_bo *bo)
{
	struct drm_gem_close gem_close = { .handle = bo->handle };

	call(gpu, DRM_IOCTL_GEM_CLOSE, &gem_close);
}

int vgpu_bo_create(struct vgpu *gpu, uint64_t size, uint32_t flags, struct vgpu_bo *bo)
{
	struct drm_vgpu_gem_create create = { .size = size, .flags = flags };
	int ret = call(gpu, DRM_IOCTL_VGPU_GEM_CREATE, &create);

	memset(bo, 0, sizeof(*bo));
	if (ret)
		return ret;
	bo->handle = create.handle;
	bo->size = create.size;
	bo->addr = create.addr;
	ret = bo_map(gpu, bo);
	if (ret)
		bo_close(gpu, bo);
	return ret;
}

void vgpu_bo_destroy(struct vgpu *gpu, struct vgpu_bo *bo)
{
	munmap(bo->map, bo->size);
	bo_close(gpu, bo);
	memset(bo, 0, sizeof(*bo));
}

int vgpu_sync_create(struct vgpu *gpu, bool signalled, uint32_t *handle)
{
	struct drm_syncobj_create create = {
		.flags = signalled ? DRM_SYNCOBJ_CREATE_SIGNALED : 0,
	};
	int ret = call(gpu, DRM_IOCTL_SYNCOBJ_CREATE, &create);

	*handle = create.handle;
	return ret;
}

void vgpu_sync_destroy(struct vgpu *gpu, uint32_t handle)
{
	struct drm_syncobj_destroy destroy = { .handle = handle };

	call(gpu, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
}

int vgpu_sync_reset(struct vgpu *gpu, uint32_t handle)
{
	struct drm_syncobj_array array = {
		.handles = (uintptr_t)&handle, .count_handles = 1,
	};

	return call(gpu, DRM_IOCTL_SYNCOBJ_RESET, &array);
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
		return call(gpu, DRM_IOCTL_SYNCOBJ_SIGNAL, &binary);
	return call(gpu, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array);
}

int vgpu_sync_wait(struct vgpu *gpu, uint32_t handle, uint64_t point, int64_t timeout_ms)
{
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point,
		.count_handles = 1, .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	wait.timeout_nsec = now.tv_sec * 1000000000ll + now.tv_nsec +
			    timeout_ms * 1000000ll;
	return call(gpu, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
}

int vgpu_sync_query(struct vgpu *gpu, uint32_t handle, uint64_t *point)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)point,
		.count_handles = 1,
	};

	return call(gpu, DRM_IOCTL_SYNCOBJ_QUERY, &array);
}

int vgpu_sync_status(struct vgpu *gpu, uint32_t handle)
{
	struct drm_syncobj_handle export = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	struct sync_file_info info = { 0 };
	int ret = call(gpu, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);

	if (ret)
		return ret == -EINVAL ? -ENOENT : ret;
	ret = ioctl(export.fd, SYNC_IOC_FILE_INFO, &info) ? -errno : info.status;
	close(export.fd);
	return ret;
}

int vgpu_submit(struct vgpu *gpu, const struct drm_vgpu_job *jobs, uint32_t count)
{
	struct drm_vgpu_submit submit = {
		.job_count = count, .job_bytes = sizeof(*jobs), .jobs = (uintptr_t)jobs,
	};

	return call(gpu, DRM_IOCTL_VGPU_SUBMIT, &submit);
}

int vgpu_submit_commands(struct vgpu *gpu, uint32_t ring,
			 const struct vgpu_commands *commands, uint32_t in, uint32_t out)
{
	struct drm_vgpu_command command = {
		.addr = commands->bo.addr, .bytes = commands->used,
	};
	struct drm_vgpu_sync in_sync = { .handle = in }, out_sync = { .handle = out };
	struct drm_vgpu_job job = {
		.ring = ring,
		.command_count = 1, .commands = (uintptr_t)&command,
		.in_sync_count = !!in, .in_syncs = (uintptr_t)&in_sync,
		.out_sync_count = !!out, .out_syncs = (uintptr_t)&out_sync,
	};

	return commands->overflow ? -ENOSPC : vgpu_submit(gpu, &job, 1);
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
	return ret == 1 ? 0 : ret;
}

uint64_t vgpu_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

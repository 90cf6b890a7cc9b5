/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers by their handles, without all that libvgpu does with one: for tests of
 * memory. To be included by the one file of a program.
 */
#ifndef VM_HANDLES_H
#define VM_HANDLES_H

#define _FILE_OFFSET_BITS 64
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "vgpu.h"

#define RW (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE)
#define VRAM DRM_VGPU_GEM_VRAM
#define SYSTEM DRM_VGPU_GEM_SYSTEM
#define PAGE 4096ull
#define MIB (1ull << 20)

/* The file that all of it is about */
static struct vgpu gpu;
static uint64_t vram_size, system_size;

static inline int create(struct vgpu *node, uint64_t size, uint32_t flags, uint32_t vm,
			 uint32_t *handle)
{
	struct drm_vgpu_gem_create args = { .size = size, .flags = flags, .vm_id = vm };
	int ret = vgpu_call(node, DRM_IOCTL_VGPU_GEM_CREATE, &args);

	*handle = args.handle;
	return ret;
}

static inline void drop(struct vgpu *node, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	vgpu_call(node, DRM_IOCTL_GEM_CLOSE, &args);
}

/* VRAM, SYSTEM, 0 if swapped out, or a negative errno */
static inline int place_of(struct vgpu *node, uint32_t handle)
{
	struct drm_vgpu_gem_info info = { .handle = handle };
	int ret = vgpu_call(node, DRM_IOCTL_VGPU_GEM_INFO, &info);

	return ret ? ret : (int)info.placement;
}

static inline void *map_with(struct vgpu *node, uint32_t handle, uint64_t size, int flags)
{
	struct drm_vgpu_gem_mmap_offset args = { .handle = handle };

	if (vgpu_call(node, DRM_IOCTL_VGPU_GEM_MMAP_OFFSET, &args))
		return MAP_FAILED;
	return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, node->fd, args.offset);
}

static inline void *map(struct vgpu *node, uint32_t handle, uint64_t size)
{
	void *at = map_with(node, handle, size, MAP_SHARED);

	if (at == MAP_FAILED)
		ktap_must(-errno, "mmap");
	return at;
}

/* Of any DRM device */
static inline int export(int fd, uint32_t handle, int *dmabuf)
{
	struct drm_prime_handle args = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args) ? -errno : 0;

	*dmabuf = args.fd;
	return ret;
}

static inline int import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle args = { .fd = dmabuf };
	int ret = ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args) ? -errno : 0;

	*handle = args.handle;
	return ret;
}

static inline uint64_t vram_free(void)
{
	uint64_t bytes = 0;

	vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_FREE, &bytes);
	return bytes;
}

/* Page tables of our VM come and go. */
#define TABLES	(64 * 1024)

/* More than @bytes, if something of closed files was still there then. */
static inline bool is_free(uint64_t bytes)
{
	uint64_t now = vram_free();

	return now + TABLES >= bytes && now <= vram_size;
}

/* What closed files had comes back a little later, and no event tells. */
static inline bool comes_back(uint64_t bytes)
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
static inline uint32_t value_of(uint32_t seed, uint64_t page)
{
	uint64_t state = (uint64_t)seed << 32 | page;

	return vgpu_random(&state);
}

static inline void write_pattern(void *at, uint64_t size, uint32_t seed)
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
static inline uint64_t check_pattern(const void *at, uint64_t size, uint32_t seed)
{
	const uint32_t *word = at;
	uint64_t i, wrong = 0;

	for (i = 0; i < size / 4; i += 16)
		wrong += word[i] != value_of(seed, i / (PAGE / 4));
	return wrong;
}

static inline uint64_t check_zero(const void *at, uint64_t size)
{
	const uint64_t *word = at;
	uint64_t i, wrong = 0;

	for (i = 0; i < size / 8; i++)
		wrong += !!word[i];
	return wrong;
}

/* Takes all VRAM that is free now, by buffers of 1 MiB; how many. */
static inline uint64_t fill_vram(uint32_t *handles, uint64_t limit)
{
	uint64_t n;

	for (n = 0; n < limit && vram_free() >= MIB; n++)
		ktap_must(create(&gpu, MIB, VRAM, 0, &handles[n]), "cannot allocate");
	return n;
}

static inline void open_gpu(const char *node)
{
	ktap_must(vgpu_open(&gpu, node), node);
	ktap_must(vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_SIZE, &vram_size), "VRAM_SIZE");
	ktap_must(vgpu_param(&gpu, DRM_VGPU_PARAM_SYSTEM_SIZE, &system_size), "SYSTEM_SIZE");
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's vgem driver: another one's buffers, and fences that a process signals
 * when it likes (within 10 s, then vgem does). To be included by the one file of a
 * program.
 */
#ifndef VM_VGEM_H
#define VM_VGEM_H

#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ktap.h"
#include "vgpu.h"

/* drm/vgem_drm.h */
struct vgem_fence_attach {
	uint32_t handle, flags, out_fence, pad;
};

struct vgem_fence_signal {
	uint32_t fence, flags;
};

#define VGEM_FENCE_ATTACH DRM_IOWR(DRM_COMMAND_BASE + 1, struct vgem_fence_attach)
#define VGEM_FENCE_SIGNAL DRM_IOW(DRM_COMMAND_BASE + 2, struct vgem_fence_signal)

/* Its node, or -1 if there is none. */
static inline int open_vgem(void)
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

static inline uint32_t vgem_buffer(int vgem)
{
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64, .bpp = 32 };

	ktap_must(ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb) ? -errno : 0, "vgem: CREATE_DUMB");
	return dumb.handle;
}

/* Puts a fence on a buffer; its number. */
static inline uint32_t vgem_attach(int vgem, uint32_t handle)
{
	struct vgem_fence_attach attach = { .handle = handle };

	ktap_must(ioctl(vgem, VGEM_FENCE_ATTACH, &attach) ? -errno : 0, "vgem: FENCE_ATTACH");
	return attach.out_fence;
}

static inline void vgem_signal(int vgem, uint32_t fence)
{
	struct vgem_fence_signal signal = { .fence = fence };

	ktap_must(ioctl(vgem, VGEM_FENCE_SIGNAL, &signal) ? -errno : 0, "vgem: FENCE_SIGNAL");
}

/* All fences of a buffer, as a sync_file. */
static inline int vgem_sync_file(int vgem, uint32_t handle)
{
	struct drm_prime_handle prime = { .handle = handle, .fd = -1 };
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW, .fd = -1 };

	ktap_must(ioctl(vgem, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) ? -errno : 0,
		  "vgem: PRIME_HANDLE_TO_FD");
	ktap_must(ioctl(prime.fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export) ? -errno : 0,
		  "vgem: EXPORT_SYNC_FILE");
	close(prime.fd);
	return export.fd;
}

#endif

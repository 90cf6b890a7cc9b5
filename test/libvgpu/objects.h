/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test program cannot do without: made, or the program ends. To be included
 * by the one file of a program, behind ktap.h.
 */
#ifndef LIBVGPU_OBJECTS_H
#define LIBVGPU_OBJECTS_H

#include "ktap.h"
#include "vgpu.h"

/** buffer() - in VRAM, for jobs to read and write */
static inline struct vgpu_bo buffer(struct vgpu *gpu, uint64_t size)
{
	struct vgpu_bo bo;

	ktap_must(vgpu_bo_create(gpu, size, DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE, &bo),
		  "cannot allocate a buffer");
	return bo;
}

/** commands() - room for a page of packets */
static inline struct vgpu_commands commands(struct vgpu *gpu)
{
	struct vgpu_commands new;

	ktap_must(vgpu_commands_create(gpu, 4096, &new), "cannot allocate commands");
	return new;
}

/** syncobj() - binary, without a fence */
static inline uint32_t syncobj(struct vgpu *gpu)
{
	uint32_t handle;

	ktap_must(vgpu_sync_create(gpu, false, &handle), "cannot create a syncobj");
	return handle;
}

#endif

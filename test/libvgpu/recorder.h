/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records what a program does with a node, if the environment has VGPU_RECORD=FILE, so
 * that it can be replayed without its driver: in a guest, say. vgpu.c calls it.
 *
 * Buffers of vgpu_bo_create() and jobs of vgpu_submit_commands() are recorded. What the
 * CPU has written is found by comparing a buffer with what it was: if the engine can
 * write to it only while no job is under way, so inputs are not to be written there
 * before the jobs before have been waited for.
 */
#ifndef VGPU_RECORDER_H
#define VGPU_RECORDER_H

#include "vgpu.h"

/* All of them do nothing if nothing is recorded. */
int recorder_begin(struct vgpu *gpu);
void recorder_end(struct vgpu *gpu);
/** recorder_add() - a buffer, zero so far; @rights are DRM_VGPU_BIND_* */
int recorder_add(struct vgpu *gpu, const struct vgpu_bo *bo, uint32_t rights, bool system);
void recorder_remove(struct vgpu *gpu, const struct vgpu_bo *bo);
/** recorder_submit() - is about to be submitted; syncobjs as of vgpu_submit_commands() */
void recorder_submit(struct vgpu *gpu, uint32_t ring, const struct vgpu_commands *commands,
		     uint32_t in, uint32_t out);
/** recorder_waited() - for the fence of this syncobj */
void recorder_waited(struct vgpu *gpu, uint32_t sync);

#endif

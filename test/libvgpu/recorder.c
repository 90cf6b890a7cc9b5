// SPDX-License-Identifier: GPL-2.0-only
/* Recording of a program; see recorder.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder.h"
#include "recording.h"

#define PAGE	4096u
#define BUFFERS	256
#define SYNCS	1024

struct buffer {
	struct vgpu_bo bo;
	uint32_t rights;
	uint8_t *before;
};

struct vgpu_recorder {
	struct recording recording;
	struct buffer buffers[BUFFERS];
	uint64_t of_sync[SYNCS];	/* number of the submission, until waited for */
	uint64_t under_way;
};

int recorder_begin(struct vgpu *gpu)
{
	const char *path = getenv("VGPU_RECORD");
	int ret;

	if (!path)
		return 0;
	gpu->recorder = calloc(1, sizeof(*gpu->recorder));
	if (!gpu->recorder)
		return -ENOMEM;
	ret = recording_open(&gpu->recorder->recording, path);
	if (!ret)
		return 0;
	free(gpu->recorder);
	gpu->recorder = NULL;
	return ret;
}

void recorder_end(struct vgpu *gpu)
{
	unsigned int i;

	if (!gpu->recorder)
		return;
	if (recording_close(&gpu->recorder->recording))
		fprintf(stderr, "libvgpu: the recording cannot be written\n");
	for (i = 0; i < BUFFERS; i++)
		free(gpu->recorder->buffers[i].before);
	free(gpu->recorder);
	gpu->recorder = NULL;
}

static struct buffer *find(struct vgpu_recorder *recorder, uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < BUFFERS; i++)
		if (recorder->buffers[i].bo.addr == addr)
			return &recorder->buffers[i];
	return NULL;
}

int recorder_add(struct vgpu *gpu, const struct vgpu_bo *bo, uint32_t rights, bool system)
{
	struct buffer *buffer;
	uint32_t flags = system ? RECORDING_SYSTEM : 0;

	if (!gpu->recorder)
		return 0;
	/* Address 0 is nobody's. */
	buffer = find(gpu->recorder, 0);
	if (!buffer)
		return -ENOSPC;
	buffer->before = calloc(1, bo->size);
	if (!buffer->before)
		return -ENOMEM;
	buffer->bo = *bo;
	buffer->rights = rights;
	flags |= (rights & DRM_VGPU_BIND_READ ? VGPU_PTE_READ : 0) |
		 (rights & DRM_VGPU_BIND_WRITE ? VGPU_PTE_WRITE : 0) |
		 (rights & DRM_VGPU_BIND_EXECUTE ? VGPU_PTE_EXECUTE : 0);
	recording_map(&gpu->recorder->recording, 0, bo->addr, bo->size, flags);
	return 0;
}

void recorder_remove(struct vgpu *gpu, const struct vgpu_bo *bo)
{
	struct buffer *buffer = gpu->recorder ? find(gpu->recorder, bo->addr) : NULL;

	if (!buffer)
		return;
	free(buffer->before);
	memset(buffer, 0, sizeof(*buffer));
}

/* Pages that differ from what they were: written by the CPU, or results. */
static void look(struct vgpu_recorder *recorder, struct buffer *buffer, bool results)
{
	uint8_t *now = buffer->bo.map;
	uint64_t at;

	for (at = 0; at < buffer->bo.size; at += PAGE) {
		if (!memcmp(now + at, buffer->before + at, PAGE))
			continue;
		memcpy(buffer->before + at, now + at, PAGE);
		if (results)
			recording_expect(&recorder->recording, 0, buffer->bo.addr + at,
					 buffer->before + at, PAGE);
		else
			recording_write(&recorder->recording, 0, buffer->bo.addr + at,
					buffer->before + at, PAGE);
	}
}

static void look_at_all(struct vgpu_recorder *recorder, bool results)
{
	unsigned int i;

	for (i = 0; i < BUFFERS; i++) {
		struct buffer *buffer = &recorder->buffers[i];
		bool writable = buffer->rights & DRM_VGPU_BIND_WRITE;

		if (buffer->bo.addr && (results ? writable : !writable || !recorder->under_way))
			look(recorder, buffer, results);
	}
}

void recorder_submit(struct vgpu *gpu, uint32_t ring, const struct vgpu_commands *commands,
		     uint32_t in, uint32_t out)
{
	struct vgpu_recorder *recorder = gpu->recorder;
	uint64_t number;

	if (!recorder)
		return;
	look_at_all(recorder, false);
	if (in && in < SYNCS && recorder->of_sync[in])
		recording_complete(&recorder->recording, recorder->of_sync[in]);
	number = recording_submit(&recorder->recording, 0, ring, commands->bo.addr,
				  commands->used);
	recorder->under_way++;
	if (out && out < SYNCS)
		recorder->of_sync[out] = number;
}

void recorder_waited(struct vgpu *gpu, uint32_t sync)
{
	struct vgpu_recorder *recorder = gpu->recorder;

	if (!recorder || sync >= SYNCS || !recorder->of_sync[sync])
		return;
	recording_complete(&recorder->recording, recorder->of_sync[sync]);
	recorder->of_sync[sync] = 0;
	if (!--recorder->under_way)
		look_at_all(recorder, true);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * draw NODE WIDTH HEIGHT ROW ROWS LIMIT PASSES FILE
 *
 * Draws ROWS rows, from ROW on, of a picture of the Mandelbrot set, PASSES
 * times, with more and more iterations up to LIMIT; writes the last pass to FILE
 * as 16-bit numbers, row by row; and compares each of its tiles with what the CPU
 * computes, to the last bit.
 *
 * A pass is a job. Up to QUEUED of them are in the ring, so that the GPU does not
 * wait for the CPU.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vgpu.h"

#define TILE	VGPU_MANDELBROT_TILE
#define QUEUED	4

/* What is seen: the whole set. */
#define CENTRE_X	-0.65
#define CENTRE_Y	0.0
#define SPAN_X		3.2

struct job {
	struct vgpu_commands commands;
	uint32_t sync;
	bool busy;
};

static struct vgpu gpu;
static struct job jobs[QUEUED];

static void die(const char *what, int error)
{
	fprintf(stderr, "draw: %s: %s\n", what, strerror(-error));
	exit(1);
}

static uint32_t number(const char *text, uint32_t low, uint32_t high)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (*end || value < low || value > high) {
		fprintf(stderr, "draw: %s is not in %u...%u\n", text, low, high);
		exit(2);
	}
	return value;
}

static void finish(struct job *job)
{
	int ret;

	if (!job->busy)
		return;
	ret = vgpu_sync_wait(&gpu, job->sync, 0, VGPU_RUN_TIMEOUT_MS);
	if (ret)
		die("waiting", ret);
	ret = vgpu_sync_status(&gpu, job->sync);
	if (ret != 1)
		die("job", ret);
	job->busy = false;
}

static void begin(struct job *job, const struct vgpu_picture *part, uint64_t out)
{
	int ret;

	finish(job);
	vgpu_commands_reset(&job->commands);
	vgpu_emit_mandelbrot(&job->commands, part, out);
	ret = vgpu_submit_commands(&gpu, 0, &job->commands, 0, job->sync);
	if (ret)
		die("submit", ret);
	job->busy = true;
}

static bool tile_is_right(const struct vgpu_picture *part, const uint32_t *got,
			  uint32_t x0, uint32_t y0)
{
	uint32_t x, y;

	for (y = y0; y < y0 + TILE && y < part->rows; y++) {
		for (x = x0; x < x0 + TILE && x < part->width; x++) {
			int64_t cx = part->left + x * part->step;
			int64_t cy = part->top + (int64_t)(part->row + y) * part->step;

			if (got[y * part->width + x] != vgpu_mandelbrot(cx, cy, part->limit))
				return false;
		}
	}
	return true;
}

/* There is no such file before it is complete. */
static void save(const struct vgpu_picture *part, const uint32_t *got, const char *name)
{
	char part_name[256];
	FILE *file;
	uint32_t i;

	snprintf(part_name, sizeof(part_name), "%s.part", name);
	file = fopen(part_name, "w");
	if (!file)
		die(name, -errno);
	for (i = 0; i < part->width * part->rows; i++) {
		putc(got[i], file);
		putc(got[i] >> 8, file);
	}
	if (fclose(file) || rename(part_name, name))
		die(name, -errno);
}

static struct vgpu_picture picture(char **argv)
{
	const double one = 1 << VGPU_MANDELBROT_FRACTION;
	struct vgpu_picture part = {
		.width = number(argv[2], TILE, 4096),
		.height = number(argv[3], TILE, 4096),
		.row = number(argv[4], 0, 4095),
		.rows = number(argv[5], 1, 4096),
	};

	part.step = SPAN_X / part.width * one;
	part.left = CENTRE_X * one - part.step * part.width / 2;
	part.top = CENTRE_Y * one - part.step * part.height / 2;
	return part;
}

int main(int argc, char **argv)
{
	uint32_t pass, passes, limit, x, y, right = 0, tiles = 0;
	struct vgpu_picture part;
	struct vgpu_bo out;
	unsigned int n;
	uint32_t *got;
	int ret;

	if (argc != 9) {
		fprintf(stderr, "draw NODE WIDTH HEIGHT ROW ROWS LIMIT PASSES FILE\n");
		return 2;
	}
	part = picture(argv);
	limit = number(argv[6], 1, 65535);
	passes = number(argv[7], 1, 10000);
	ret = vgpu_open(&gpu, argv[1]);
	if (ret)
		die(argv[1], ret);
	ret = vgpu_bo_create(&gpu, (uint64_t)part.width * part.rows * 4,
			     DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE, &out);
	if (ret)
		die("buffer for the picture", ret);
	for (n = 0; n < QUEUED; n++) {
		ret = vgpu_commands_create(&gpu, 4096, &jobs[n].commands);
		if (!ret)
			ret = vgpu_sync_create(&gpu, false, &jobs[n].sync);
		if (ret)
			die("buffer for commands", ret);
	}

	for (pass = 1; pass <= passes; pass++) {
		part.limit = 1 + (uint64_t)(limit - 1) * pass / passes;
		begin(&jobs[pass % QUEUED], &part, out.addr);
	}
	for (n = 1; n <= QUEUED; n++)
		finish(&jobs[(passes + n) % QUEUED]);

	/* The mapping is write-combined: read it once, in order. */
	got = malloc(out.size);
	if (!got)
		die("memory", -ENOMEM);
	memcpy(got, out.map, out.size);
	save(&part, got, argv[8]);
	for (y = 0; y < part.rows; y += TILE) {
		for (x = 0; x < part.width; x += TILE) {
			tiles++;
			right += tile_is_right(&part, got, x, y);
		}
	}
	printf("%u of %u tiles verified\n", right, tiles);
	return right != tiles;
}

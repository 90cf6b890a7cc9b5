// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work; see work.h. The data of a command, in bytes from its beginning:
 *
 *	0…2047      input
 *	2048…4095   another one
 *	4096…8191   output
 *
 * or counters throughout. Inputs are written through the window each time, so what
 * was there before does not matter.
 */
#include <math.h>
#include <string.h>

#include "work.h"

#define IN	0
#define IN_B	2048
#define OUT	4096

#define FILL_BYTES	2048
#define SAXPY_N		128
#define REDUCE_N	256
#define GEMM_N		16
#define TILE		VGPU_MANDELBROT_TILE

const char *const work_names[WORK_KINDS] = {
	[WORK_EMPTY] = "empty", [WORK_SPIN] = "spin", [WORK_FILL] = "fill",
	[WORK_SAXPY] = "saxpy", [WORK_REDUCE] = "reduce", [WORK_GEMM] = "gemm",
	[WORK_MANDELBROT] = "mandelbrot", [WORK_MIX] = "mix",
};

static void write_floats(struct command *command, unsigned int offset, unsigned int n)
{
	volatile float *to = (volatile float *)(command->data + offset);
	unsigned int i;

	for (i = 0; i < n; i++)
		to[i] = (float)(int)(vgpu_random(&command->random) % 2001) / 8 - 125;
}

/* VRAM is not cached: read it once. */
static void read_back(const struct command *command, unsigned int offset, void *to,
		      unsigned int bytes)
{
	memcpy(to, command->data + offset, bytes);
}

static void prepare_empty(const struct work *work, struct command *command)
{
	(void)work;
	vgpu_emit_spin(&command->packets, false, 1, 1, VGPU_SPIN_NO_COUNT);
}

static bool check_empty(const struct work *work, struct command *command)
{
	(void)work;
	(void)command;
	return true;
}

static void prepare_spin(const struct work *work, struct command *command)
{
	vgpu_emit_spin(&command->packets, false, work->groups, work->group_ns,
		       work->counted ? command->data_addr : VGPU_SPIN_NO_COUNT);
	if (!command->times++ && work->counted)
		memset(command->data, 0, work->groups * 8ull);
}

/* No group was lost, and none was done twice, however often it was preempted. */
static bool check_spin(const struct work *work, struct command *command)
{
	volatile uint64_t *count = (volatile uint64_t *)command->data;
	uint32_t i;

	for (i = 0; work->counted && i < work->groups; i++)
		if (count[i] != command->times)
			return false;
	return true;
}

static void prepare_fill(const struct work *work, struct command *command)
{
	(void)work;
	command->value = vgpu_random(&command->random);
	vgpu_emit_fill(&command->packets, command->data_addr + IN, FILL_BYTES,
		       command->value);
	vgpu_emit_copy(&command->packets, command->data_addr + OUT,
		       command->data_addr + IN, FILL_BYTES);
}

static bool check_fill(const struct work *work, struct command *command)
{
	uint32_t got[FILL_BYTES / 4];
	unsigned int i;

	(void)work;
	read_back(command, OUT, got, sizeof(got));
	for (i = 0; i < FILL_BYTES / 4; i++)
		if (got[i] != command->value)
			return false;
	return true;
}

static void prepare_saxpy(const struct work *work, struct command *command)
{
	(void)work;
	write_floats(command, IN, SAXPY_N);
	write_floats(command, IN_B, SAXPY_N);
	vgpu_emit_copy(&command->packets, command->data_addr + OUT,
		       command->data_addr + IN_B, SAXPY_N * 4);
	vgpu_emit_saxpy(&command->packets, SAXPY_N, 1.5f, command->data_addr + IN,
			command->data_addr + OUT);
}

static bool check_saxpy(const struct work *work, struct command *command)
{
	float x[SAXPY_N], y[SAXPY_N], got[SAXPY_N];

	(void)work;
	read_back(command, IN, x, sizeof(x));
	read_back(command, IN_B, y, sizeof(y));
	read_back(command, OUT, got, sizeof(got));
	vgpu_ref_saxpy(SAXPY_N, 1.5f, x, y);
	return !memcmp(y, got, sizeof(y));
}

static void prepare_reduce(const struct work *work, struct command *command)
{
	volatile uint32_t *in = (volatile uint32_t *)(command->data + IN);
	unsigned int i;

	(void)work;
	for (i = 0; i < REDUCE_N; i++)
		in[i] = vgpu_random(&command->random);
	vgpu_emit_reduce(&command->packets, REDUCE_N, command->data_addr + IN,
			 command->data_addr + OUT);
}

static bool check_reduce(const struct work *work, struct command *command)
{
	uint32_t in[REDUCE_N];
	uint64_t sum, got;

	(void)work;
	read_back(command, IN, in, sizeof(in));
	read_back(command, OUT, &got, sizeof(got));
	vgpu_ref_reduce(REDUCE_N, in, &sum);
	return sum == got;
}

static void prepare_gemm(const struct work *work, struct command *command)
{
	(void)work;
	write_floats(command, IN, GEMM_N * GEMM_N);
	write_floats(command, IN_B, GEMM_N * GEMM_N);
	vgpu_emit_gemm(&command->packets, GEMM_N, GEMM_N, GEMM_N, command->data_addr + IN,
		       command->data_addr + IN_B, command->data_addr + OUT);
}

static bool check_gemm(const struct work *work, struct command *command)
{
	float a[GEMM_N * GEMM_N], b[GEMM_N * GEMM_N], c[GEMM_N * GEMM_N], got[GEMM_N * GEMM_N];

	(void)work;
	read_back(command, IN, a, sizeof(a));
	read_back(command, IN_B, b, sizeof(b));
	read_back(command, OUT, got, sizeof(got));
	vgpu_ref_gemm(GEMM_N, GEMM_N, GEMM_N, a, b, c);
	return !memcmp(c, got, sizeof(c));
}

/* The picture differs with the command's value. */
static struct vgpu_picture tile(const struct command *command)
{
	const int64_t one = 1ll << VGPU_MANDELBROT_FRACTION;

	return (struct vgpu_picture){
		.width = TILE, .height = TILE, .row = 0, .rows = TILE,
		.left = -2 * one, .top = -one, .step = one / 64 + command->value % 65536,
		.limit = 32,
	};
}

static void prepare_mandelbrot(const struct work *work, struct command *command)
{
	struct vgpu_picture part;

	(void)work;
	command->value = vgpu_random(&command->random);
	part = tile(command);
	vgpu_emit_mandelbrot(&command->packets, &part, command->data_addr + OUT);
}

static bool check_mandelbrot(const struct work *work, struct command *command)
{
	const struct vgpu_picture part = tile(command);
	uint32_t want[TILE * TILE], got[TILE * TILE];

	(void)work;
	read_back(command, OUT, got, sizeof(got));
	vgpu_ref_mandelbrot(&part, want);
	return !memcmp(want, got, sizeof(want));
}

static const struct {
	void (*prepare)(const struct work *work, struct command *command);
	bool (*check)(const struct work *work, struct command *command);
} kinds[] = {
	[WORK_EMPTY] = { prepare_empty, check_empty },
	[WORK_SPIN] = { prepare_spin, check_spin },
	[WORK_FILL] = { prepare_fill, check_fill },
	[WORK_SAXPY] = { prepare_saxpy, check_saxpy },
	[WORK_REDUCE] = { prepare_reduce, check_reduce },
	[WORK_GEMM] = { prepare_gemm, check_gemm },
	[WORK_MANDELBROT] = { prepare_mandelbrot, check_mandelbrot },
};

void work_prepare(const struct work *work, struct command *command)
{
	command->kind = work->kind;
	if (work->kind == WORK_MIX)
		command->kind = WORK_FILL +
				vgpu_random(&command->random) % (WORK_MIX - WORK_FILL);
	vgpu_commands_reset(&command->packets);
	kinds[command->kind].prepare(work, command);
}

bool work_check(const struct work *work, struct command *command)
{
	return !command->packets.overflow && kinds[command->kind].check(work, command);
}

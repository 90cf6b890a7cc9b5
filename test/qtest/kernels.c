// SPDX-License-Identifier: GPL-2.0-only
#include "kernels.h"

#include <stdlib.h>

#define SAXPY_N		(20 * VGPU_SAXPY_GROUP + 77)
#define GEMM_M		50
#define GEMM_N		70
#define GEMM_K		33
#define REDUCE_N	(15 * VGPU_REDUCE_GROUP + 5)
#define PICTURE_WIDTH	100
#define PICTURE_HEIGHT	80
#define PICTURE_FIRST	10
#define PICTURE_ROWS	60
#define PICTURE_LIMIT	300
#define SPIN_N		40

/* Where the second and third array of a job begin. */
#define SECOND		(256 * KIB)
#define THIRD		(512 * KIB)

#define ROUND_UP(n, d)	(((n) + (d) - 1) / (d))

const unsigned int job_kernels[JOB_KERNELS] = {
	VGPU_KERNEL_SPIN, VGPU_KERNEL_SAXPY, VGPU_KERNEL_GEMM, VGPU_KERNEL_REDUCE,
	VGPU_KERNEL_MANDELBROT,
};

/* Marsaglia's xorshift32; 0 is not a state. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void *array(size_t bytes)
{
	void *data = calloc(1, bytes);

	assert_non_null(data);
	return data;
}

/* Floats whose products and sums have to be rounded. */
static float *random_floats(size_t n, uint32_t seed)
{
	float *data = array(n * sizeof(*data));
	uint32_t state = seed | 1;
	size_t i;

	for (i = 0; i < n; i++)
		data[i] = ((int32_t)next_random(&state)) / 16777259.0f;
	return data;
}

static uint32_t float_bits(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static void move_in(struct gpu *g, uint64_t addr, void *data, size_t bytes)
{
	qtest_write(g->qt, addr, data, bytes);
	free(data);
}

/* Compare @bytes at @addr with @expected, which is freed. */
static void compare(struct gpu *g, uint64_t addr, void *expected, size_t bytes)
{
	void *got = array(bytes);

	qtest_read(g->qt, addr, got, bytes);
	assert_memory_equal(got, expected, bytes);
	free(got);
	free(expected);
}

static struct vgpu_pkt_dispatch spin(struct gpu *g, struct job *job)
{
	return (struct vgpu_pkt_dispatch) {
		.kernel = VGPU_KERNEL_SPIN,
		.grid_x = SPIN_N / 10, .grid_y = 5, .grid_z = 2,
		.args = { 3 * US, job->area.gpu },
	};
}

static void check_spin(struct gpu *g, const struct job *job)
{
	uint64_t *expected = array(SPIN_N * sizeof(*expected));
	unsigned int i;

	for (i = 0; i < SPIN_N; i++)
		expected[i] = 1;
	compare(g, job->area.cpu, expected, SPIN_N * sizeof(*expected));
}

#define SAXPY_A		1.2345679f

static struct vgpu_pkt_dispatch saxpy(struct gpu *g, struct job *job)
{
	const size_t bytes = SAXPY_N * sizeof(float);

	move_in(g, job->area.cpu, random_floats(SAXPY_N, job->seed), bytes);
	move_in(g, job->area.cpu + SECOND, random_floats(SAXPY_N, ~job->seed), bytes);
	return (struct vgpu_pkt_dispatch) {
		.kernel = VGPU_KERNEL_SAXPY,
		.grid_x = ROUND_UP(SAXPY_N, VGPU_SAXPY_GROUP),
		.grid_y = 1, .grid_z = 1,
		.args = { SAXPY_N, float_bits(SAXPY_A), job->area.gpu,
			  job->area.gpu + SECOND },
	};
}

static void check_saxpy(struct gpu *g, const struct job *job)
{
	float *x = random_floats(SAXPY_N, job->seed);
	float *y = random_floats(SAXPY_N, ~job->seed);
	unsigned int i;

	for (i = 0; i < SAXPY_N; i++) {
		float product = SAXPY_A * x[i];

		y[i] = product + y[i];
	}
	free(x);
	compare(g, job->area.cpu + SECOND, y, SAXPY_N * sizeof(*y));
}

static struct vgpu_pkt_dispatch gemm(struct gpu *g, struct job *job)
{
	move_in(g, job->area.cpu, random_floats(GEMM_M * GEMM_K, job->seed),
		GEMM_M * GEMM_K * sizeof(float));
	move_in(g, job->area.cpu + SECOND, random_floats(GEMM_K * GEMM_N, ~job->seed),
		GEMM_K * GEMM_N * sizeof(float));
	return (struct vgpu_pkt_dispatch) {
		.kernel = VGPU_KERNEL_GEMM,
		.grid_x = ROUND_UP(GEMM_N, VGPU_GEMM_TILE),
		.grid_y = ROUND_UP(GEMM_M, VGPU_GEMM_TILE), .grid_z = 1,
		.args = { GEMM_M, GEMM_N, GEMM_K, job->area.gpu,
			  job->area.gpu + SECOND, job->area.gpu + THIRD },
	};
}

static void check_gemm(struct gpu *g, const struct job *job)
{
	float *a = random_floats(GEMM_M * GEMM_K, job->seed);
	float *b = random_floats(GEMM_K * GEMM_N, ~job->seed);
	float *c = array(GEMM_M * GEMM_N * sizeof(*c));
	unsigned int i, j, k;

	for (i = 0; i < GEMM_M; i++) {
		for (j = 0; j < GEMM_N; j++) {
			float sum = 0.0f;

			for (k = 0; k < GEMM_K; k++) {
				float product = a[i * GEMM_K + k] * b[k * GEMM_N + j];

				sum += product;
			}
			c[i * GEMM_N + j] = sum;
		}
	}
	free(a);
	free(b);
	compare(g, job->area.cpu + THIRD, c, GEMM_M * GEMM_N * sizeof(*c));
}

/* Whole words, so that a sum needs more than 32 bits. */
static uint32_t *random_words(size_t n, uint32_t seed)
{
	uint32_t *data = array(n * sizeof(*data));
	uint32_t state = seed | 1;
	size_t i;

	for (i = 0; i < n; i++)
		data[i] = next_random(&state);
	return data;
}

static struct vgpu_pkt_dispatch reduce(struct gpu *g, struct job *job)
{
	move_in(g, job->area.cpu, random_words(REDUCE_N, job->seed),
		REDUCE_N * sizeof(uint32_t));
	return (struct vgpu_pkt_dispatch) {
		.kernel = VGPU_KERNEL_REDUCE,
		.grid_x = ROUND_UP(REDUCE_N, VGPU_REDUCE_GROUP),
		.grid_y = 1, .grid_z = 1,
		.args = { REDUCE_N, job->area.gpu, job->area.gpu + THIRD },
	};
}

static void check_reduce(struct gpu *g, const struct job *job)
{
	const size_t bytes = ROUND_UP(REDUCE_N, VGPU_REDUCE_GROUP) * sizeof(uint64_t);
	uint32_t *data = random_words(REDUCE_N, job->seed);
	uint64_t *sums = array(bytes);
	unsigned int i;

	for (i = 0; i < REDUCE_N; i++)
		sums[i / VGPU_REDUCE_GROUP] += data[i];
	free(data);
	compare(g, job->area.cpu + THIRD, sums, bytes);
}

/* The set's left part, where the boundary is. */
#define PICTURE_LEFT	((int64_t)(-2.0 * (1 << VGPU_MANDELBROT_FRACTION)))
#define PICTURE_TOP	((int64_t)(-1.0 * (1 << VGPU_MANDELBROT_FRACTION)))
#define PICTURE_STEP	((int64_t)(0.025 * (1 << VGPU_MANDELBROT_FRACTION)))

static struct vgpu_pkt_dispatch mandelbrot(struct gpu *g, struct job *job)
{
	return (struct vgpu_pkt_dispatch) {
		.kernel = VGPU_KERNEL_MANDELBROT,
		.grid_x = ROUND_UP(PICTURE_WIDTH, VGPU_MANDELBROT_TILE),
		.grid_y = ROUND_UP(PICTURE_ROWS, VGPU_MANDELBROT_TILE), .grid_z = 1,
		.args = { job->area.gpu, PICTURE_WIDTH | (uint64_t)PICTURE_HEIGHT << 32,
			  PICTURE_FIRST | (uint64_t)PICTURE_ROWS << 32,
			  PICTURE_LEFT, PICTURE_TOP, PICTURE_STEP, PICTURE_LIMIT },
	};
}

static void check_mandelbrot(struct gpu *g, const struct job *job)
{
	const size_t bytes = PICTURE_WIDTH * PICTURE_ROWS * sizeof(uint32_t);
	uint32_t *pixels = array(bytes);
	unsigned int row, column;

	for (row = 0; row < PICTURE_ROWS; row++)
		for (column = 0; column < PICTURE_WIDTH; column++)
			pixels[row * PICTURE_WIDTH + column] =
				vgpu_mandelbrot(PICTURE_LEFT + column * PICTURE_STEP,
						PICTURE_TOP + (PICTURE_FIRST + row) *
							PICTURE_STEP,
						PICTURE_LIMIT);
	compare(g, job->area.cpu, pixels, bytes);
}

static const struct {
	struct vgpu_pkt_dispatch (*prepare)(struct gpu *g, struct job *job);
	void (*check)(struct gpu *g, const struct job *job);
} kernels[] = {
	[VGPU_KERNEL_SPIN] = { spin, check_spin },
	[VGPU_KERNEL_SAXPY] = { saxpy, check_saxpy },
	[VGPU_KERNEL_GEMM] = { gemm, check_gemm },
	[VGPU_KERNEL_REDUCE] = { reduce, check_reduce },
	[VGPU_KERNEL_MANDELBROT] = { mandelbrot, check_mandelbrot },
};

struct job job_put(struct stream *s, unsigned int kernel, struct area area,
		   uint32_t seed)
{
	struct job job = { .kernel = kernel, .seed = seed, .area = area };
	struct vgpu_pkt_dispatch dispatch;

	qtest_fill(s->g->qt, area.cpu, 0, JOB_BYTES);
	dispatch = kernels[kernel].prepare(s->g, &job);
	job.groups = dispatch.grid_x * dispatch.grid_y * dispatch.grid_z;
	put_dispatch(s, &dispatch);
	return job;
}

void job_check(struct gpu *g, const struct job *job)
{
	kernels[job->kernel].check(g, job);
}

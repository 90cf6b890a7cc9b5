// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compute kernels and what they cost.
 *
 * A group costs the longer of its operations at the operation rate and its bytes
 * at the bandwidth, rounded up, and at least a packet (vgpu_cost()). Groups of
 * the same cost whose effects are nobody's business before the packet ends (SPIN)
 * go in batches; all others one by one, with their effects at their end.
 */
#include "device.h"

#define MANDELBROT_OPS		10	/* per iteration */
/* Tiles of GEMM and Mandelbrot are of the same size. */
#define TILE			VGPU_GEMM_TILE
QEMU_BUILD_BUG_ON(VGPU_MANDELBROT_TILE != TILE);
/* A batch of counted groups: one page of counters, and not for long. */
#define SPIN_BATCH_BYTES	4096
#define SPIN_BATCH_NS		1000000

uint64_t vgpu_cost(struct vgpu_core *core, uint64_t ops, uint64_t bytes)
{
	uint64_t cost = MAX(DIV_ROUND_UP(ops * 1000, core->config.op_rate),
			    DIV_ROUND_UP(bytes * 1000, core->config.bandwidth));

	return MAX(cost, core->config.packet_ns);
}

/*
 * Host work of a unit, very roughly in µs: a nanosecond of model time is some 30
 * operations, which take the host 10 to 20 ns.
 */
unsigned int vgpu_kernel_effort(const struct vgpu_packet *packet, uint64_t cost)
{
	if (packet->opcode != VGPU_OP_DISPATCH)
		return packet->opcode == VGPU_OP_COPY || packet->opcode == VGPU_OP_FILL ? 16 : 2;
	if (le32_to_cpu(packet->dispatch.kernel) <= VGPU_KERNEL_SPIN_ATOMIC)
		return 2;
	return 2 + MIN(cost / 64, 1000000);
}

/* A product rounded to float32, however clever the compiler is. */
static float multiply(float a, float b)
{
	volatile float product = a * b;

	return product;
}

static float float_of(uint32_t le_bits)
{
	uint32_t bits = le32_to_cpu(le_bits);
	float f;

	memcpy(&f, &bits, 4);
	return f;
}

static uint32_t bits_of(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, 4);
	return cpu_to_le32(bits);
}

/* ------------------------------------------------------------------- checks */

struct arguments {
	uint64_t arg[8];
	uint32_t x;
	uint32_t y;
	uint32_t z;
};

static struct arguments arguments(const struct vgpu_pkt_dispatch *pkt)
{
	struct arguments a = {
		.x = le32_to_cpu(pkt->grid_x),
		.y = le32_to_cpu(pkt->grid_y),
		.z = le32_to_cpu(pkt->grid_z),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(a.arg); i++)
		a.arg[i] = le64_to_cpu(pkt->args[i]);
	return a;
}

static bool grid_is(const struct arguments *a, uint64_t x, uint64_t y)
{
	return a->x == x && a->y == y && a->z == 1;
}

static enum vgpu_fault check_spin(const struct arguments *a, struct vgpu_access_fault *fault)
{
	if (a->arg[0] > VGPU_SPIN_MAX_NS)
		return VGPU_FAULT_KERNEL;
	if (a->arg[1] == VGPU_SPIN_NO_COUNT)
		return VGPU_FAULT_NONE;
	return vgpu_aligned(a->arg[1], 8, VGPU_ACCESS_WRITE, fault);
}

static enum vgpu_fault check_saxpy(const struct arguments *a, struct vgpu_access_fault *fault)
{
	if (a->arg[1] >> 32)
		return VGPU_FAULT_FLAGS;
	if (!grid_is(a, DIV_ROUND_UP(a->arg[0], VGPU_SAXPY_GROUP), 1))
		return VGPU_FAULT_KERNEL;
	return vgpu_aligned(a->arg[2], 4, VGPU_ACCESS_READ, fault) ?:
	       vgpu_aligned(a->arg[3], 4, VGPU_ACCESS_WRITE, fault);
}

static enum vgpu_fault check_gemm(const struct arguments *a, struct vgpu_access_fault *fault)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (!a->arg[i] || a->arg[i] > VGPU_GEMM_MAX)
			return VGPU_FAULT_KERNEL;
	if (!grid_is(a, DIV_ROUND_UP(a->arg[1], VGPU_GEMM_TILE),
		     DIV_ROUND_UP(a->arg[0], VGPU_GEMM_TILE)))
		return VGPU_FAULT_KERNEL;
	return vgpu_aligned(a->arg[3], 4, VGPU_ACCESS_READ, fault) ?:
	       vgpu_aligned(a->arg[4], 4, VGPU_ACCESS_READ, fault) ?:
	       vgpu_aligned(a->arg[5], 4, VGPU_ACCESS_WRITE, fault);
}

static enum vgpu_fault check_reduce(const struct arguments *a, struct vgpu_access_fault *fault)
{
	if (!grid_is(a, DIV_ROUND_UP(a->arg[0], VGPU_REDUCE_GROUP), 1))
		return VGPU_FAULT_KERNEL;
	return vgpu_aligned(a->arg[1], 4, VGPU_ACCESS_READ, fault) ?:
	       vgpu_aligned(a->arg[2], 8, VGPU_ACCESS_WRITE, fault);
}

static enum vgpu_fault check_mandelbrot(const struct arguments *a,
					struct vgpu_access_fault *fault)
{
	uint32_t width = a->arg[1], height = a->arg[1] >> 32;
	uint32_t first = a->arg[2], rows = a->arg[2] >> 32;

	if (!width || !rows || (uint64_t)first + rows > height ||
	    !a->arg[6] || a->arg[6] > 65535 ||
	    !grid_is(a, DIV_ROUND_UP((uint64_t)width, VGPU_MANDELBROT_TILE),
		     DIV_ROUND_UP((uint64_t)rows, VGPU_MANDELBROT_TILE)))
		return VGPU_FAULT_KERNEL;
	return vgpu_aligned(a->arg[0], 4, VGPU_ACCESS_WRITE, fault);
}

static const struct {
	unsigned int args;
	enum vgpu_fault (*check)(const struct arguments *a, struct vgpu_access_fault *fault);
} kernels[] = {
	[VGPU_KERNEL_SPIN]		= { 2, check_spin },
	[VGPU_KERNEL_SPIN_ATOMIC]	= { 2, check_spin },
	[VGPU_KERNEL_SAXPY]		= { 4, check_saxpy },
	[VGPU_KERNEL_GEMM]		= { 6, check_gemm },
	[VGPU_KERNEL_REDUCE]		= { 3, check_reduce },
	[VGPU_KERNEL_MANDELBROT]	= { 7, check_mandelbrot },
};

enum vgpu_fault vgpu_kernel_check(const struct vgpu_pkt_dispatch *pkt, uint64_t *groups,
				  struct vgpu_access_fault *fault)
{
	uint32_t kernel = le32_to_cpu(pkt->kernel);
	struct arguments a = arguments(pkt);
	uint64_t plane = (uint64_t)a.x * a.y;
	unsigned int i;

	if (kernel >= ARRAY_SIZE(kernels) || !kernels[kernel].check)
		return VGPU_FAULT_KERNEL;
	if (!plane || !a.z || plane > UINT32_MAX || plane * a.z > UINT32_MAX)
		return VGPU_FAULT_KERNEL;
	for (i = kernels[kernel].args; i < ARRAY_SIZE(a.arg); i++)
		if (a.arg[i])
			return VGPU_FAULT_FLAGS;
	*groups = plane * a.z;
	return kernels[kernel].check(&a, fault);
}

/* --------------------------------------------------------------------- spin */

static uint64_t prepare_spin(struct vgpu_function *fn, struct vgpu_work *work,
			     const struct arguments *a, uint64_t group, uint64_t *count)
{
	struct vgpu_core *core = fn->core;
	uint64_t cost = MAX(a->arg[0] ?: core->config.group_ns, core->config.packet_ns);
	uint64_t at = a->arg[1] + 8 * group, n;
	struct vgpu_access_fault fault;

	*count = MIN(*count, VGPU_TIME_MAX / cost);
	if (a->arg[1] == VGPU_SPIN_NO_COUNT)
		return cost;
	n = MIN(*count, (SPIN_BATCH_BYTES - at % SPIN_BATCH_BYTES) / 8);
	n = MIN(n, SPIN_BATCH_NS / cost);
	/* A group that will fault must do so at its own end. */
	if (n > 1 &&
	    (!vgpu_mem_check(fn, work->packet.context, at, 8 * n, VGPU_ACCESS_READ, &fault) ||
	     !vgpu_mem_check(fn, work->packet.context, at, 8 * n, VGPU_ACCESS_WRITE, &fault)))
		n = 1;
	*count = MAX(n, 1);
	return cost;
}

static bool count_groups(struct vgpu_function *fn, uint32_t context, uint64_t at,
			 uint64_t count, struct vgpu_access_fault *fault)
{
	uint64_t counter[SPIN_BATCH_BYTES / 8];
	uint64_t i;

	if (!vgpu_mem_check(fn, context, at, 8 * count, VGPU_ACCESS_WRITE, fault) ||
	    !vgpu_mem_read(fn, context, at, counter, 8 * count, VGPU_ACCESS_READ, fault))
		return false;
	for (i = 0; i < count; i++)
		counter[i] = cpu_to_le64(le64_to_cpu(counter[i]) + 1);
	return vgpu_mem_write(fn, context, at, counter, 8 * count, fault);
}

static uint64_t run_spin(struct vgpu_function *fn, struct vgpu_work *work,
			 const struct arguments *a, uint64_t group, uint64_t count,
			 struct vgpu_access_fault *fault)
{
	uint32_t context = work->packet.context;
	uint64_t at = a->arg[1] + 8 * group, i;

	if (a->arg[1] == VGPU_SPIN_NO_COUNT || !count)
		return count;
	if (count > 1 && vgpu_mem_check(fn, context, at, 8 * count, VGPU_ACCESS_READ, fault) &&
	    vgpu_mem_check(fn, context, at, 8 * count, VGPU_ACCESS_WRITE, fault) &&
	    count_groups(fn, context, at, count, fault))
		return count;
	/* Find out which one it is that cannot be counted. */
	for (i = 0; i < count; i++)
		if (!count_groups(fn, context, at + 8 * i, 1, fault))
			break;
	return i;
}

/* -------------------------------------------------------- one group at a time */

static uint64_t elements(uint64_t n, uint64_t group, unsigned int size)
{
	return MIN(n - group * size, size);
}

static bool run_saxpy(struct vgpu_function *fn, uint32_t context, const struct arguments *a,
		      uint64_t group, struct vgpu_access_fault *fault)
{
	uint64_t n = elements(a->arg[0], group, VGPU_SAXPY_GROUP);
	uint64_t offset = group * VGPU_SAXPY_GROUP * 4, i;
	uint32_t x[VGPU_SAXPY_GROUP], y[VGPU_SAXPY_GROUP];
	float factor = float_of(cpu_to_le32((uint32_t)a->arg[1]));

	if (!vgpu_mem_read(fn, context, a->arg[2] + offset, x, n * 4, VGPU_ACCESS_READ, fault) ||
	    !vgpu_mem_read(fn, context, a->arg[3] + offset, y, n * 4, VGPU_ACCESS_READ, fault))
		return false;
	for (i = 0; i < n; i++)
		y[i] = bits_of(multiply(factor, float_of(x[i])) + float_of(y[i]));
	return vgpu_mem_write(fn, context, a->arg[3] + offset, y, n * 4, fault);
}

struct tile {
	uint64_t row;
	uint64_t column;
	uint64_t rows;
	uint64_t columns;
};

static struct tile tile_of(const struct arguments *a, uint64_t group, unsigned int size,
			   uint64_t rows, uint64_t columns)
{
	struct tile t = {
		.row = group / a->x * size,
		.column = group % a->x * size,
	};

	t.rows = MIN(rows - t.row, size);
	t.columns = MIN(columns - t.column, size);
	return t;
}

static void multiply_row(float *c, const uint32_t *a, const uint32_t *b, uint64_t columns,
			 uint64_t depth)
{
	uint64_t j, k;

	for (j = 0; j < columns; j++) {
		float sum = 0.0f;

		for (k = 0; k < depth; k++)
			sum += multiply(float_of(a[k]), float_of(b[k * VGPU_GEMM_TILE + j]));
		c[j] = sum;
	}
}

/* Writes @rows rows of @bytes, @stride bytes apart; all of them or none. */
static bool write_rows(struct vgpu_function *fn, uint32_t context, uint64_t addr,
		       uint64_t stride, const uint32_t *data, uint64_t rows, uint64_t bytes,
		       struct vgpu_access_fault *fault)
{
	uint64_t i;

	for (i = 0; i < rows; i++)
		if (!vgpu_mem_check(fn, context, addr + i * stride, bytes, VGPU_ACCESS_WRITE,
				    fault))
			return false;
	for (i = 0; i < rows; i++)
		if (!vgpu_mem_write(fn, context, addr + i * stride, data + i * TILE, bytes,
				    fault))
			return false;
	return true;
}

static bool run_gemm(struct vgpu_function *fn, uint32_t context, const struct arguments *a,
		     uint64_t group, struct vgpu_access_fault *fault)
{
	uint64_t n = a->arg[1], depth = a->arg[2], i, j, k;
	struct tile t = tile_of(a, group, VGPU_GEMM_TILE, a->arg[0], n);
	g_autofree uint32_t *b = g_new(uint32_t, VGPU_GEMM_MAX * VGPU_GEMM_TILE);
	g_autofree uint32_t *row = g_new(uint32_t, VGPU_GEMM_MAX);
	uint32_t out[VGPU_GEMM_TILE * VGPU_GEMM_TILE];
	float c[VGPU_GEMM_TILE];

	for (k = 0; k < depth; k++)
		if (!vgpu_mem_read(fn, context, a->arg[4] + (k * n + t.column) * 4,
				   b + k * VGPU_GEMM_TILE, t.columns * 4, VGPU_ACCESS_READ,
				   fault))
			return false;
	for (i = 0; i < t.rows; i++) {
		if (!vgpu_mem_read(fn, context, a->arg[3] + (t.row + i) * depth * 4, row,
				   depth * 4, VGPU_ACCESS_READ, fault))
			return false;
		multiply_row(c, row, b, t.columns, depth);
		for (j = 0; j < t.columns; j++)
			out[i * TILE + j] = bits_of(c[j]);
	}
	return write_rows(fn, context, a->arg[5] + (t.row * n + t.column) * 4, n * 4, out,
			  t.rows, t.columns * 4, fault);
}

static bool run_reduce(struct vgpu_function *fn, uint32_t context, const struct arguments *a,
		       uint64_t group, struct vgpu_access_fault *fault)
{
	uint64_t n = elements(a->arg[0], group, VGPU_REDUCE_GROUP), i;
	uint32_t in[VGPU_REDUCE_GROUP];
	uint64_t sum = 0;

	if (!vgpu_mem_read(fn, context, a->arg[1] + group * VGPU_REDUCE_GROUP * 4, in, n * 4,
			   VGPU_ACCESS_READ, fault))
		return false;
	for (i = 0; i < n; i++)
		sum += le32_to_cpu(in[i]);
	sum = cpu_to_le64(sum);
	return vgpu_mem_write(fn, context, a->arg[2] + group * 8, &sum, 8, fault);
}

static struct tile mandelbrot_tile(const struct arguments *a, uint64_t group)
{
	return tile_of(a, group, VGPU_MANDELBROT_TILE, a->arg[2] >> 32, (uint32_t)a->arg[1]);
}

/*
 * What a group costs is known only when it has been computed: it is at its
 * beginning, which nobody can tell, for it reads no memory.
 */
static uint64_t prepare_mandelbrot(struct vgpu_core *core, struct vgpu_work *work,
				   const struct arguments *a, uint64_t group)
{
	struct tile t = mandelbrot_tile(a, group);
	uint64_t ops = 0, i, j;

	for (i = 0; i < t.rows; i++) {
		uint64_t row = (uint32_t)a->arg[2] + t.row + i;

		for (j = 0; j < t.columns; j++) {
			uint32_t n = vgpu_mandelbrot(a->arg[3] + (t.column + j) * a->arg[5],
						     a->arg[4] + row * a->arg[5], a->arg[6]);

			work->scratch[i * VGPU_MANDELBROT_TILE + j] = cpu_to_le32(n);
			ops += MANDELBROT_OPS * (uint64_t)n;
		}
	}
	return vgpu_cost(core, ops, t.rows * t.columns * 4);
}

static bool run_mandelbrot(struct vgpu_function *fn, struct vgpu_work *work,
			   const struct arguments *a, uint64_t group,
			   struct vgpu_access_fault *fault)
{
	struct tile t = mandelbrot_tile(a, group);
	uint64_t width = (uint32_t)a->arg[1];

	return write_rows(fn, work->packet.context,
			  a->arg[0] + (t.row * width + t.column) * 4, width * 4, work->scratch,
			  t.rows, t.columns * 4, fault);
}

static uint64_t gemm_cost(struct vgpu_core *core, const struct arguments *a, uint64_t group)
{
	struct tile t = tile_of(a, group, VGPU_GEMM_TILE, a->arg[0], a->arg[1]);
	uint64_t depth = a->arg[2];

	return vgpu_cost(core, 2 * t.rows * t.columns * depth,
			 4 * (t.rows * depth + depth * t.columns + t.rows * t.columns));
}

/*
 * Prepares to run groups from @group on: returns what each of them costs, and in
 * *@count how many go at once, at most what it was.
 */
uint64_t vgpu_kernel_prepare(struct vgpu_function *fn, struct vgpu_work *work,
			     uint64_t group, uint64_t *count)
{
	struct arguments a = arguments(&work->packet.dispatch);
	struct vgpu_core *core = fn->core;
	uint64_t n;

	switch (le32_to_cpu(work->packet.dispatch.kernel)) {
	case VGPU_KERNEL_SPIN:
	case VGPU_KERNEL_SPIN_ATOMIC:
		return prepare_spin(fn, work, &a, group, count);
	case VGPU_KERNEL_SAXPY:
		*count = 1;
		n = elements(a.arg[0], group, VGPU_SAXPY_GROUP);
		return vgpu_cost(core, 2 * n, 12 * n);
	case VGPU_KERNEL_REDUCE:
		*count = 1;
		n = elements(a.arg[0], group, VGPU_REDUCE_GROUP);
		return vgpu_cost(core, n, 4 * n + 8);
	case VGPU_KERNEL_GEMM:
		*count = 1;
		return gemm_cost(core, &a, group);
	default:
		*count = 1;
		return prepare_mandelbrot(core, work, &a, group);
	}
}

/* Lets groups take effect; returns how many did before one faulted. */
uint64_t vgpu_kernel_run(struct vgpu_function *fn, struct vgpu_work *work,
			 uint64_t group, uint64_t count, struct vgpu_access_fault *fault)
{
	struct arguments a = arguments(&work->packet.dispatch);
	uint32_t context = work->packet.context;

	if (!count)
		return 0;
	switch (le32_to_cpu(work->packet.dispatch.kernel)) {
	case VGPU_KERNEL_SPIN:
	case VGPU_KERNEL_SPIN_ATOMIC:
		return run_spin(fn, work, &a, group, count, fault);
	case VGPU_KERNEL_SAXPY:
		return run_saxpy(fn, context, &a, group, fault);
	case VGPU_KERNEL_GEMM:
		return run_gemm(fn, context, &a, group, fault);
	case VGPU_KERNEL_REDUCE:
		return run_reduce(fn, context, &a, group, fault);
	default:
		return run_mandelbrot(fn, work, &a, group, fault);
	}
}

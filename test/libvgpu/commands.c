// SPDX-License-Identifier: GPL-2.0-only
/*
 * libvgpu: packets, and what kernels must compute. Little-endian hosts only,
 * like everything that runs the device.
 */
#include <errno.h>
#include <string.h>

#include "vgpu.h"

#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))

int vgpu_commands_create(struct vgpu *gpu, uint64_t size, struct vgpu_commands *commands)
{
	memset(commands, 0, sizeof(*commands));
	return vgpu_bo_create(gpu, size, DRM_VGPU_BIND_READ | DRM_VGPU_BIND_EXECUTE,
			      &commands->bo);
}

void vgpu_commands_destroy(struct vgpu *gpu, struct vgpu_commands *commands)
{
	vgpu_bo_destroy(gpu, &commands->bo);
}

void vgpu_commands_reset(struct vgpu_commands *commands)
{
	commands->used = 0;
	commands->overflow = false;
}

/* NULL if there is no room. */
static inline void *reserve(struct vgpu_commands *commands, size_t bytes)
{
	void *place = (char *)commands->bo.map + commands->used;

	if (bytes > commands->bo.size - commands->used) {
		commands->overflow = true;
		return NULL;
	}
	commands->used += bytes;
	return place;
}

void vgpu_emit(struct vgpu_commands *commands, const void *packet, size_t bytes)
{
	void *place = reserve(commands, bytes);

	if (place)
		memcpy(place, packet, bytes);
}

void vgpu_emit_nop(struct vgpu_commands *commands, uint32_t qwords)
{
	uint64_t header = VGPU_OP_NOP | (uint64_t)qwords << 16, rest = ~0ull;

	vgpu_emit(commands, &header, sizeof(header));
	while (--qwords)
		vgpu_emit(commands, &rest, sizeof(rest));
}

void vgpu_emit_fence(struct vgpu_commands *commands, uint64_t addr, uint64_t value)
{
	struct vgpu_pkt_fence packet = {
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_FENCE, 0, packet),
		.addr = addr, .value = value,
	};

	vgpu_emit(commands, &packet, sizeof(packet));
}

void vgpu_emit_wait(struct vgpu_commands *commands, uint64_t addr, uint64_t value)
{
	struct vgpu_pkt_wait packet = {
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_WAIT, 0, packet),
		.addr = addr, .value = value,
	};

	vgpu_emit(commands, &packet, sizeof(packet));
}

void vgpu_emit_copy(struct vgpu_commands *commands, uint64_t dst, uint64_t src,
		    uint64_t bytes)
{
	struct vgpu_pkt_copy packet = {
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_COPY, 0, packet),
		.dst = dst, .src = src, .bytes = bytes,
	};

	vgpu_emit(commands, &packet, sizeof(packet));
}

void vgpu_emit_fill(struct vgpu_commands *commands, uint64_t dst, uint64_t bytes,
		    uint32_t value)
{
	struct vgpu_pkt_fill packet = {
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_FILL, 0, packet),
		.dst = dst, .bytes = bytes, .value = value,
	};

	vgpu_emit(commands, &packet, sizeof(packet));
}

void vgpu_emit_timestamp(struct vgpu_commands *commands, uint64_t addr)
{
	struct vgpu_pkt_timestamp packet = {
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_TIMESTAMP, 0, packet),
		.addr = addr,
	};

	vgpu_emit(commands, &packet, sizeof(packet));
}

/* Without its arguments; NULL if there is no room. */
static inline struct vgpu_pkt_dispatch *dispatch(struct vgpu_commands *commands,
						 uint32_t kernel, uint32_t x, uint32_t y,
						 uint32_t z)
{
	struct vgpu_pkt_dispatch *packet = reserve(commands, sizeof(*packet));

	if (!packet)
		return NULL;
	packet->pkt = (struct vgpu_pkt){
		.header = VGPU_PKT_HEADER(VGPU_OP_DISPATCH, 0, *packet),
	};
	packet->kernel = kernel;
	packet->grid_x = x;
	packet->grid_y = y;
	packet->grid_z = z;
	return packet;
}

void vgpu_emit_dispatch(struct vgpu_commands *commands, uint32_t kernel, uint32_t x,
			uint32_t y, uint32_t z, const uint64_t args[8])
{
	struct vgpu_pkt_dispatch *packet = dispatch(commands, kernel, x, y, z);

	if (packet)
		memcpy(packet->args, args, sizeof(packet->args));
}

void vgpu_emit_spin(struct vgpu_commands *commands, bool atomic, uint32_t groups,
		    uint64_t group_ns, uint64_t counts)
{
	struct vgpu_pkt_dispatch *packet =
		dispatch(commands, atomic ? VGPU_KERNEL_SPIN_ATOMIC : VGPU_KERNEL_SPIN,
			 groups, 1, 1);

	if (!packet)
		return;
	packet->args[0] = group_ns;
	packet->args[1] = counts;
	memset(&packet->args[2], 0, sizeof(packet->args) - 2 * sizeof(packet->args[0]));
}

void vgpu_emit_saxpy(struct vgpu_commands *commands, uint64_t n, float a, uint64_t x,
		     uint64_t y)
{
	uint64_t args[8] = { n, 0, x, y };

	memcpy(&args[1], &a, sizeof(a));
	vgpu_emit_dispatch(commands, VGPU_KERNEL_SAXPY,
			   DIV_ROUND_UP(n, VGPU_SAXPY_GROUP), 1, 1, args);
}

void vgpu_emit_gemm(struct vgpu_commands *commands, uint32_t m, uint32_t n, uint32_t k,
		    uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t args[8] = { m, n, k, a, b, c };

	vgpu_emit_dispatch(commands, VGPU_KERNEL_GEMM, DIV_ROUND_UP(n, VGPU_GEMM_TILE),
			   DIV_ROUND_UP(m, VGPU_GEMM_TILE), 1, args);
}

void vgpu_emit_reduce(struct vgpu_commands *commands, uint64_t n, uint64_t in,
		      uint64_t out)
{
	uint64_t args[8] = { n, in, out };

	vgpu_emit_dispatch(commands, VGPU_KERNEL_REDUCE,
			   DIV_ROUND_UP(n, VGPU_REDUCE_GROUP), 1, 1, args);
}

void vgpu_emit_mandelbrot(struct vgpu_commands *commands,
			  const struct vgpu_picture *part, uint64_t out)
{
	uint64_t args[8] = {
		out,
		part->width | (uint64_t)part->height << 32,
		part->row | (uint64_t)part->rows << 32,
		part->left, part->top, part->step, part->limit,
	};

	vgpu_emit_dispatch(commands, VGPU_KERNEL_MANDELBROT,
			   DIV_ROUND_UP(part->width, VGPU_MANDELBROT_TILE),
			   DIV_ROUND_UP(part->rows, VGPU_MANDELBROT_TILE), 1, args);
}

/*
 * The compiler must not contract a product and a sum into one rounding: the
 * Makefile says -ffp-contract=off, and floats are kept in SSE registers.
 */
void vgpu_ref_saxpy(uint64_t n, float a, const float *x, float *y)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		float product = a * x[i];

		y[i] = product + y[i];
	}
}

void vgpu_ref_gemm(uint32_t m, uint32_t n, uint32_t k, const float *a, const float *b,
		   float *c)
{
	uint32_t row, column, i;

	for (row = 0; row < m; row++)
		for (column = 0; column < n; column++) {
			float sum = 0.0f;

			for (i = 0; i < k; i++) {
				float product = a[(size_t)row * k + i] *
						b[(size_t)i * n + column];

				sum = sum + product;
			}
			c[(size_t)row * n + column] = sum;
		}
}

void vgpu_ref_reduce(uint64_t n, const uint32_t *in, uint64_t *out)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		if (i % VGPU_REDUCE_GROUP == 0)
			out[i / VGPU_REDUCE_GROUP] = 0;
		out[i / VGPU_REDUCE_GROUP] += in[i];
	}
}

void vgpu_ref_mandelbrot(const struct vgpu_picture *part, uint32_t *out)
{
	uint32_t x, y;

	for (y = 0; y < part->rows; y++)
		for (x = 0; x < part->width; x++)
			out[(size_t)y * part->width + x] =
				vgpu_mandelbrot(part->left + x * part->step,
						part->top + (part->row + y) * part->step,
						part->limit);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the device's operations cost unless its properties say otherwise, and how
 * the cost of an image is computed: for the device, and for the simulator in
 * test/sim, which has the same costs under the same names.
 */
#ifndef VGPU_COSTS_H
#define VGPU_COSTS_H

#define VGPU_DEFAULT_SAVE_NS		150000
#define VGPU_DEFAULT_LOAD_NS		150000
#define VGPU_DEFAULT_RESET_NS		500000
#define VGPU_DEFAULT_GROUP_NS		20000
#define VGPU_DEFAULT_IMAGE_BANDWIDTH	0	/* bytes per us, 0: none */
#define VGPU_DEFAULT_CONTEXT_BYTES	4096

/* ns that an image of @bytes takes at @bandwidth, on top of save_ns or load_ns */
static inline unsigned long long vgpu_image_cost(unsigned int bytes,
						 unsigned int bandwidth)
{
	return bandwidth ? (bytes * 1000ull + bandwidth - 1) / bandwidth : 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before all else (-include) where millions of cores are held: room for
 * few functions, and histograms without anything in them, which decide nothing.
 */
#ifndef VGPU_HISTOGRAM_H
#define VGPU_HISTOGRAM_H

#include "portable.h"
#include <vgpu/regs.h>

#undef VGPU_MAX_FUNCTIONS
#define VGPU_MAX_FUNCTIONS	64

struct vgpu_histogram {
};

static inline void vgpu_histogram_add(struct vgpu_histogram *h, u64 ns)
{
}

static inline void vgpu_histogram_add_both(struct vgpu_histogram *a,
					   struct vgpu_histogram *b, u64 ns)
{
}

#endif

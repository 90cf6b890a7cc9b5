/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log-linear histogram of durations in nanoseconds, of fixed size.
 *
 * Values below 2 * VGPU_HISTOGRAM_LINEAR have a bucket each. Above, each power
 * of two is divided into VGPU_HISTOGRAM_LINEAR buckets of equal width, so a
 * quantile is never understated and overstated by less than 1/16. Values of
 * 2^VGPU_HISTOGRAM_BITS ns (17 s) and more share the last bucket. Sum, minimum
 * and maximum are exact.
 *
 * Source of the idea: HdrHistogram (G. Tene), here without configuration,
 * allocation or floating point.
 */
#ifndef VGPU_HISTOGRAM_H
#define VGPU_HISTOGRAM_H

#include "portable.h"

#define VGPU_HISTOGRAM_SHIFT	4
#define VGPU_HISTOGRAM_LINEAR	16
#define VGPU_HISTOGRAM_BITS	34
#define VGPU_HISTOGRAM_BUCKETS \
	((VGPU_HISTOGRAM_BITS - VGPU_HISTOGRAM_SHIFT + 1) * VGPU_HISTOGRAM_LINEAR)

/**
 * struct vgpu_histogram - distribution of a duration; all zero is empty
 * @count: values recorded
 * @sum: of all values, ns; stays at U64_MAX if it would overflow
 * @min: smallest value, ns; 0 if there is none
 * @max: largest value, ns; 0 if there is none
 * @bucket: number of values in each bucket
 */
struct vgpu_histogram {
	u64 count;
	u64 sum;
	u64 min;
	u64 max;
	u64 bucket[VGPU_HISTOGRAM_BUCKETS];
};

void vgpu_histogram_add(struct vgpu_histogram *h, u64 ns);
void vgpu_histogram_add_both(struct vgpu_histogram *a, struct vgpu_histogram *b, u64 ns);
u64 vgpu_histogram_quantile(const struct vgpu_histogram *h, u32 permille);
unsigned int vgpu_histogram_bucket(u64 ns);
u64 vgpu_histogram_upper(unsigned int bucket);

#endif

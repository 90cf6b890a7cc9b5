// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log-linear histogram; described in vgpu_histogram.h.
 *
 * A value of k significant bits is in the group k - SHIFT (group 0 holds
 * everything below 2 * LINEAR, and is twice as wide). Within the group its
 * place is given by the SHIFT bits below the leading one. So a bucket of group g
 * holds the values v with v >> g = bucket - g * LINEAR.
 */
#include "vgpu_histogram.h"

/**
 * vgpu_histogram_bucket() - which bucket a value belongs to
 * @ns: the value
 *
 * Return: an index into &vgpu_histogram.bucket.
 */
unsigned int vgpu_histogram_bucket(u64 ns)
{
	unsigned int shift;

	if (ns >> VGPU_HISTOGRAM_BITS)
		return VGPU_HISTOGRAM_BUCKETS - 1;
	shift = fls64(ns | VGPU_HISTOGRAM_LINEAR) - 1 - VGPU_HISTOGRAM_SHIFT;
	return shift * VGPU_HISTOGRAM_LINEAR + (unsigned int)(ns >> shift);
}

/**
 * vgpu_histogram_upper() - largest value that belongs to a bucket
 * @bucket: its index
 *
 * Return: ns; U64_MAX for the last bucket.
 */
u64 vgpu_histogram_upper(unsigned int bucket)
{
	unsigned int shift = max(bucket / VGPU_HISTOGRAM_LINEAR, 1u) - 1;
	u64 behind = bucket - shift * VGPU_HISTOGRAM_LINEAR + 1;

	if (bucket >= VGPU_HISTOGRAM_BUCKETS - 1)
		return U64_MAX;
	return (behind << shift) - 1;
}

static void add(struct vgpu_histogram *h, unsigned int bucket, u64 ns)
{
	if (!h->count || ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->count++;
	if (__builtin_add_overflow(h->sum, ns, &h->sum))
		h->sum = U64_MAX;
	h->bucket[bucket]++;
}

/**
 * vgpu_histogram_add() - record one value
 * @h: where
 * @ns: the value
 */
void vgpu_histogram_add(struct vgpu_histogram *h, u64 ns)
{
	add(h, vgpu_histogram_bucket(ns), ns);
}

/**
 * vgpu_histogram_add_both() - record one value in two histograms
 * @a: one of them
 * @b: the other one
 * @ns: the value
 */
void vgpu_histogram_add_both(struct vgpu_histogram *a, struct vgpu_histogram *b, u64 ns)
{
	unsigned int bucket = vgpu_histogram_bucket(ns);

	add(a, bucket, ns);
	add(b, bucket, ns);
}

/**
 * vgpu_histogram_quantile() - a value that a share of the records do not exceed
 * @h: the histogram
 * @permille: the share, 0…1000: 500 is the median, 990 is p99
 *
 * Return: the upper end of the bucket that holds the record of that rank
 * (nearest-rank definition), but never more than the maximum; exact below
 * 2 * VGPU_HISTOGRAM_LINEAR ns; 0 if there are no records.
 */
u64 vgpu_histogram_quantile(const struct vgpu_histogram *h, u32 permille)
{
	u64 thousands, rank, seen = 0;
	unsigned int i;
	u32 rest;

	/* count * permille / 1000, rounded up, without overflow */
	thousands = div_u64_rem(h->count, 1000, &rest);
	rank = thousands * permille + (rest * permille + 999) / 1000;
	for (i = 0; i < VGPU_HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen && seen >= rank)
			break;
	}
	return min(vgpu_histogram_upper(i), h->max);
}

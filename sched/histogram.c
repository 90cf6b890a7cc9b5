// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log-linear histogram; described in vgpu_histogram.h.
 *
 * A value of k significant bits is in the group k - SHIFT (group 0 holds
 * everything below 2 * LINEAR, and is twice as wide). Within the group its
 * place is given by the SHIFT bits below the leading one.
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

	if (ns < 2 * VGPU_HISTOGRAM_LINEAR)
		return ns;
	if (ns >> VGPU_HISTOGRAM_BITS)
		return VGPU_HISTOGRAM_BUCKETS - 1;
	shift = fls64(ns) - 1 - VGPU_HISTOGRAM_SHIFT;
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
	unsigned int shift;
	u64 first;

	if (bucket < 2 * VGPU_HISTOGRAM_LINEAR)
		return bucket;
	if (bucket >= VGPU_HISTOGRAM_BUCKETS - 1)
		return U64_MAX;
	shift = bucket / VGPU_HISTOGRAM_LINEAR - 1;
	first = bucket % VGPU_HISTOGRAM_LINEAR + VGPU_HISTOGRAM_LINEAR;
	return ((first + 1) << shift) - 1;
}

/**
 * vgpu_histogram_add() - record one value
 * @h: where
 * @ns: the value
 */
void vgpu_histogram_add(struct vgpu_histogram *h, u64 ns)
{
	if (!h->count || ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->count++;
	h->sum = ns > U64_MAX - h->sum ? U64_MAX : h->sum + ns;
	h->bucket[vgpu_histogram_bucket(ns)]++;
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
	unsigned int i;
	u64 rank, seen = 0;

	if (permille >= 1000)
		return h->max;
	/* count * permille / 1000, rounded up, without overflow */
	rank = div_u64(h->count, 1000) * permille;
	rank += div_u64((h->count - div_u64(h->count, 1000) * 1000) * permille + 999, 1000);
	for (i = 0; i < VGPU_HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen && seen >= rank)
			return min(vgpu_histogram_upper(i), h->max);
	}
	return h->max;
}

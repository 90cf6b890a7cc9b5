/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * What every header in this folder needs, and nothing else.
 *
 * The headers in include/vgpu/ describe the hardware once, for the device
 * model, both kernel drivers, user-space drivers and the tests. They depend on
 * <linux/types.h> only, which the kernel and user space both have. All
 * structures in memory are little-endian and naturally aligned; drivers
 * convert with their own le*_to_cpu().
 */
#ifndef VGPU_TYPES_H
#define VGPU_TYPES_H

#include <linux/types.h>

/**
 * VGPU_FIELD_GET() - extract a field of a register or packet word
 * @mask: the field, contiguous ones
 * @value: the whole word
 *
 * The same as the kernel's FIELD_GET(), for users that do not have it.
 */
#define VGPU_FIELD_GET(mask, value) \
	({ const __typeof__(mask) get_ = (mask); ((value) & get_) / (get_ & -get_); })

/**
 * VGPU_FIELD_PREP() - put a value into a field of a register or packet word
 * @mask: the field, contiguous ones
 * @value: what to put there; bits that do not fit are dropped
 */
#define VGPU_FIELD_PREP(mask, value) \
	({ const __typeof__(mask) put_ = (mask); ((value) * (put_ & -put_)) & put_; })

/**
 * vgpu_checksum() - FNV-1a, 32 bits, of @size bytes
 * @data: what to sum; the caller has zeroed the field that takes the result
 * @size: in bytes
 *
 * Detects truncated and mixed-up mailbox messages and world images. It is no
 * protection against forgery: whoever can write the data can write the sum.
 * Source: Fowler/Noll/Vo, offset basis 2166136261, prime 16777619.
 */
static inline __u32 vgpu_checksum(const void *data, unsigned long size)
{
	const __u8 *p = (const __u8 *)data;
	__u32 sum = 2166136261u;

	while (size--)
		sum = (sum ^ *p++) * 16777619u;
	return sum;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few things that this folder uses and that the kernel and user space
 * spell differently. Everything else it needs it defines itself.
 */
#ifndef VGPU_SCHED_PORTABLE_H
#define VGPU_SCHED_PORTABLE_H

#include <linux/types.h>

#ifdef __KERNEL__

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>

#else

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define u8		__u8
#define u16		__u16
#define u32		__u32
#define u64		__u64
#define s64		__s64
#define U64_MAX		((__u64)~0ull)
#define BIT_ULL(bit)	(1ull << (bit))

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

static inline __u64 min(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

#define min_t(type, a, b) \
	({ type first_ = (a), second_ = (b); first_ < second_ ? first_ : second_; })

static inline __u64 max(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

static inline int fls64(__u64 value)
{
	return value ? 64 - __builtin_clzll(value) : 0;
}

static inline __u64 div_u64_rem(__u64 dividend, __u32 divisor, __u32 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

static inline __u64 div64_u64(__u64 dividend, __u64 divisor)
{
	return dividend / divisor;
}

static inline __u64 mul_u64_u64_div_u64(__u64 a, __u64 b, __u64 divisor)
{
	return (__uint128_t)a * b / divisor;
}

static inline __u64 div_u64(__u64 dividend, __u32 divisor)
{
	return dividend / divisor;
}

#endif

#endif

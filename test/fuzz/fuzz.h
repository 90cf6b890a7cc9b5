/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzing of the scheduling core: bytes become calls, and what must be true
 * whatever the bytes say is checked after each.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "core.h"
#include "vgpu_sequencer.h"

/**
 * struct input - the bytes, and how far they are read; behind their end are zeros
 * @data: the first
 * @size: how many
 */
struct input {
	const uint8_t *data;
	size_t size;
};

static inline u8 input_byte(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static inline u64 input_number(struct input *in, unsigned int bytes)
{
	u64 number = 0;

	while (bytes--)
		number = number << 8 | input_byte(in);
	return number;
}

/* Small more often than large, and the ends of the range. */
static inline u64 input_value(struct input *in)
{
	u8 how = input_byte(in);

	switch (how >> 6) {
	case 0:
		return how & 0x3f;
	case 1:
		return (u64)(1 + (how & 0x3f)) * 100000;
	case 2:
		return (input_number(in, 3) + 1) << (how & 0xf);
	default:
		break;
	}
	switch (how & 7) {
	case 0:
		return U64_MAX;
	case 1:
		return U64_MAX / 2;
	case 2:
		return input_number(in, 8);
	default:
		return input_number(in, 4) << (how & 0x38);
	}
}

#define must(condition)								\
	do {									\
		if (!(condition)) {						\
			fprintf(stderr, "%s:%d: must be true: %s\n", __FILE__,	\
				__LINE__, #condition);				\
			abort();						\
		}								\
	} while (0)

struct vgpu_sched *fuzz_memory(unsigned int functions);
int fuzz_core(const uint8_t *data, size_t size);
int fuzz_sequencer(const uint8_t *data, size_t size);

#endif

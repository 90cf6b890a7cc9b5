// SPDX-License-Identifier: GPL-2.0-only
/* What libFuzzer calls; TARGET is given by the Makefile. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return TARGET(data, size);
}

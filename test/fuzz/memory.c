// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

/* Exactly what it may use, so that the sanitizer sees it use more; once for all. */
struct vgpu_sched *fuzz_memory(unsigned int functions)
{
	static struct vgpu_sched *memory[VGPU_MAX_FUNCTIONS + 1];

	if (!memory[functions])
		memory[functions] = malloc(vgpu_sched_size(functions));
	must(memory[functions]);
	return memory[functions];
}

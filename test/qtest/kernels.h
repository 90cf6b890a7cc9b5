/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Jobs for every kernel of the GPU, and what they must compute, bit by bit.
 */
#ifndef KERNELS_H
#define KERNELS_H

#include "gpu.h"

/**
 * struct job - one dispatch and its data
 * @kernel: enum vgpu_kernel
 * @seed: of its data
 * @area: inputs and outputs
 * @groups: work-groups that it has
 */
struct job {
	unsigned int kernel;
	uint32_t seed;
	struct area area;
	uint32_t groups;
};

/** JOB_BYTES - room that the area of a job needs */
#define JOB_BYTES	(1 * MIB)

/** job_kernels - the kernels that there are jobs for, JOB_KERNELS of them */
#define JOB_KERNELS	5
extern const unsigned int job_kernels[JOB_KERNELS];

/**
 * job_put() - write the inputs and put the dispatch into @s
 * @s: ring or indirect buffer
 * @kernel: enum vgpu_kernel
 * @area: JOB_BYTES for inputs and outputs
 * @seed: of the inputs
 */
struct job job_put(struct stream *s, unsigned int kernel, struct area area,
		   uint32_t seed);

/** job_check() - the output must be what the processor computes */
void job_check(struct gpu *g, const struct job *job);

#endif

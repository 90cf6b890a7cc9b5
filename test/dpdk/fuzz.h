/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A function that does what it likes: garbage in rings, page tables, registers and
 * mailbox, resets at any moment. What it does depends on the seed only. At the end it
 * is reset, and has to do good work.
 */
#ifndef VGPU_DPDK_FUZZ_H
#define VGPU_DPDK_FUZZ_H

#include <stdio.h>

#include "queue.h"

struct fuzzer;

/**
 * fuzz_create() - begin
 * @client: with its function open
 * @seed: of all that is random
 * @steps: how many, 0: until nobody calls fuzz_step() any more
 *
 * Return: NULL if there is no memory
 */
struct fuzzer *fuzz_create(struct client *client, uint64_t seed, uint64_t steps);
/** fuzz_step() - one thing; false when all steps are done */
bool fuzz_step(struct fuzzer *fuzzer);
/** fuzz_finish() - a reset, then good work; 0 if it is right */
int fuzz_finish(struct fuzzer *fuzzer);
void fuzz_write(const struct fuzzer *fuzzer, FILE *file);
void fuzz_print(const struct fuzzer *fuzzer);
void fuzz_free(struct fuzzer *fuzzer);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine without firmware, kernel or processor: QEMU under "-accel qtest".
 * Tests are its processor, and its only clock moves when a test says so.
 *
 * A client of two line protocols of QEMU: qtest (system/qtest.c) and QMP. Any
 * breakdown of the conversation, the death of QEMU included, fails the test
 * that is running.
 */
#ifndef QTEST_H
#define QTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qtest;

/**
 * qtest_start() - start the QEMU that the environment's VGPU_QEMU names
 * @arguments: command line behind what every test needs, ended by NULL
 */
struct qtest *qtest_start(const char *const arguments[]);

/**
 * qtest_stop() - end QEMU and free @qt
 *
 * Return: whether QEMU was alive until now and ended cleanly. A sanitizer that
 * had something to report has ended it otherwise.
 */
bool qtest_stop(struct qtest *qt);

/* Memory, RAM and MMIO, at a physical address. */
uint8_t qtest_read8(struct qtest *qt, uint64_t addr);
uint16_t qtest_read16(struct qtest *qt, uint64_t addr);
uint32_t qtest_read32(struct qtest *qt, uint64_t addr);
uint64_t qtest_read64(struct qtest *qt, uint64_t addr);
void qtest_write8(struct qtest *qt, uint64_t addr, uint8_t value);
void qtest_write16(struct qtest *qt, uint64_t addr, uint16_t value);
void qtest_write32(struct qtest *qt, uint64_t addr, uint32_t value);
void qtest_write64(struct qtest *qt, uint64_t addr, uint64_t value);
void qtest_read(struct qtest *qt, uint64_t addr, void *data, size_t bytes);
void qtest_write(struct qtest *qt, uint64_t addr, const void *data, size_t bytes);
void qtest_fill(struct qtest *qt, uint64_t addr, uint8_t value, size_t bytes);

/**
 * qtest_read32_range() - many 32-bit accesses in few round trips
 * @qt: machine
 * @addr: of the first
 * @value: where the values go
 * @count: how many, each 4 bytes behind the one before
 */
void qtest_read32_range(struct qtest *qt, uint64_t addr, uint32_t *value,
			size_t count);

/** qtest_write32_range() - write the same 32-bit value to @count addresses */
void qtest_write32_range(struct qtest *qt, uint64_t addr, uint32_t value,
			 size_t count);

/* Ports. */
void qtest_out32(struct qtest *qt, uint16_t port, uint32_t value);

/** qtest_clock_step() - let @ns pass */
void qtest_clock_step(struct qtest *qt, uint64_t ns);

/**
 * qtest_clock_next() - let time pass until the next timer of the machine has run
 *
 * Return: false if no time has passed, because no timer lies in the future.
 */
bool qtest_clock_next(struct qtest *qt);

/**
 * qtest_qmp() - execute a QMP command
 * @qt: machine
 * @command: JSON
 *
 * Return: the answer, JSON, valid until the next call. An answer that is an error
 * fails the test.
 */
const char *qtest_qmp(struct qtest *qt, const char *command);

#endif

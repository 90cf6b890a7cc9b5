/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BARs of a function that has no driver, by its folder in sysfs. To be included by the
 * one file of a program.
 */
#ifndef VM_BARS_H
#define VM_BARS_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vgpu/regs.h>

#include "ktap.h"

/* BAR 0 of the one that the program is about */
static volatile uint8_t *regs;

/* @bytes, its size, may be NULL. */
static inline volatile uint8_t *bar_map(const char *folder, unsigned int bar, uint64_t *bytes)
{
	char path[256];
	struct stat st;
	void *at;
	int fd;

	snprintf(path, sizeof(path), "%s/resource%u", folder, bar);
	fd = open(path, O_RDWR);
	if (fd < 0 || fstat(fd, &st))
		ktap_must(-errno, path);
	at = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		ktap_must(-errno, path);
	close(fd);
	if (bytes)
		*bytes = st.st_size;
	return at;
}

static inline uint32_t reg(uint32_t offset)
{
	return *(volatile uint32_t *)(regs + offset);
}

static inline uint64_t reg64(uint32_t offset)
{
	return *(volatile uint64_t *)(regs + offset);
}

static inline void set(uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(regs + offset) = value;
}

static inline void set64(uint32_t offset, uint64_t value)
{
	*(volatile uint64_t *)(regs + offset) = value;
}

#endif

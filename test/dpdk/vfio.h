/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI function by vfio-pci. vfio.c is the only file here that knows DPDK's VFIO
 * interface (rte_vfio.h) or that of the kernel: DPDK means to make its own one
 * internal, so it is to be replaced in one place.
 */
#ifndef VGPU_DPDK_VFIO_H
#define VGPU_DPDK_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vgpu/regs.h>

#define VFIO_VECTORS	(1 + VGPU_MAX_RINGS)

/**
 * struct vfio_device - an open function
 * @bdf: its address, 0000:01:00.1
 * @container: of the function alone, or -1: that of EAL, shared by all
 * @group: IOMMU group
 * @fd: of VFIO
 * @regs: BAR 0
 * @regs_bytes: size of it
 * @vram: BAR 2
 * @vram_bytes: size of it
 * @config: offset of the configuration space in @fd
 * @vectors: interrupts that are enabled
 * @events: an eventfd for each of them
 */
struct vfio_device {
	char bdf[16];
	int container;
	int group;
	int fd;
	uint8_t *regs;
	size_t regs_bytes;
	uint8_t *vram;
	size_t vram_bytes;
	uint64_t config;
	unsigned int vectors;
	int events[VFIO_VECTORS];
};

/**
 * vfio_open() - take a function that is bound to vfio-pci
 * @dev: is filled in
 * @bdf: its address
 * @alone: in a container of its own, which no other function can reach
 *
 * The kernel resets it. It is bus master afterwards.
 *
 * Return: 0 or a negative errno
 */
int vfio_open(struct vfio_device *dev, const char *bdf, bool alone);
void vfio_close(struct vfio_device *dev);

/**
 * vfio_map() - let the function reach memory of EAL
 * @dev: the function
 * @memory: whole hugepages
 * @iova: where the function sees it
 * @bytes: how much
 *
 * Nothing to do in EAL's container, which has all memory of EAL.
 *
 * Return: 0 or a negative errno
 */
int vfio_map(struct vfio_device *dev, void *memory, uint64_t iova, size_t bytes);
int vfio_unmap(struct vfio_device *dev, void *memory, uint64_t iova, size_t bytes);

/** vfio_reset() - function level reset; registers are as after power-on */
int vfio_reset(struct vfio_device *dev);
/** vfio_bus_master() - may it use DMA? */
int vfio_bus_master(struct vfio_device *dev, bool may);

/** vfio_interrupts() - have an eventfd for each of the first @vectors */
int vfio_interrupts(struct vfio_device *dev, unsigned int vectors);
/**
 * vfio_wait() - for an interrupt since the last time
 * @dev: the function
 * @vector: whose
 * @timeout_ms: at most so long
 *
 * Return: true if there was one
 */
bool vfio_wait(struct vfio_device *dev, unsigned int vector, int timeout_ms);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO; see vfio.h. Groups and containers by DPDK, which also maps EAL's memory
 * for a shared container; regions, interrupts and reset by the kernel's ioctls.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_vfio.h>

#include "log.h"
#include "vfio.h"

#define SYSFS "/sys/bus/pci/devices"

static int region(struct vfio_device *dev, unsigned int index,
		  struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){ .argsz = sizeof(*info), .index = index };
	return ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, info) ? -errno : 0;
}

static int map_bar(struct vfio_device *dev, unsigned int bar, uint8_t **map, size_t *bytes)
{
	struct vfio_region_info info;
	int ret = region(dev, VFIO_PCI_BAR0_REGION_INDEX + bar, &info);
	void *where;

	if (ret)
		return ret;
	if (!info.size || !(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return -ENXIO;
	where = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
		     info.offset);
	if (where == MAP_FAILED)
		return -errno;
	*map = where;
	*bytes = info.size;
	return 0;
}

int vfio_bus_master(struct vfio_device *dev, bool may)
{
	uint16_t command;

	if (pread(dev->fd, &command, 2, dev->config + PCI_COMMAND) != 2)
		return -EIO;
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (!may)
		command &= ~PCI_COMMAND_MASTER;
	return pwrite(dev->fd, &command, 2, dev->config + PCI_COMMAND) == 2 ? 0 : -EIO;
}

static int map_device(struct vfio_device *dev)
{
	struct vfio_region_info info;
	int ret;

	ret = region(dev, VFIO_PCI_CONFIG_REGION_INDEX, &info);
	if (ret)
		return ret;
	dev->config = info.offset;
	ret = map_bar(dev, VGPU_BAR_REGS, &dev->regs, &dev->regs_bytes);
	if (!ret)
		ret = map_bar(dev, VGPU_BAR_VRAM, &dev->vram, &dev->vram_bytes);
	return ret ? ret : vfio_bus_master(dev, true);
}

static int contain(struct vfio_device *dev)
{
	dev->container = rte_vfio_container_create();
	if (dev->container < 0) {
		LOG(ERR, "%s: no container: DPDK has room for %d", dev->bdf,
		    RTE_MAX_VFIO_CONTAINERS);
		return -ENOSPC;
	}
	return rte_vfio_container_group_bind(dev->container, dev->group) < 0 ? -EIO : 0;
}

int vfio_open(struct vfio_device *dev, const char *bdf, bool alone)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int ret;

	memset(dev, 0, sizeof(*dev));
	dev->container = -1;
	dev->fd = -1;
	if (strlen(bdf) >= sizeof(dev->bdf))
		return -EINVAL;
	strcpy(dev->bdf, bdf);
	if (rte_vfio_get_group_num(SYSFS, bdf, &dev->group) <= 0) {
		LOG(ERR, "%s: has no IOMMU group; is it there, and the IOMMU on?", bdf);
		return -ENODEV;
	}
	ret = alone ? contain(dev) : 0;
	if (!ret && rte_vfio_setup_device(SYSFS, bdf, &dev->fd, &info)) {
		LOG(ERR, "%s: VFIO refuses; is it bound to vfio-pci?", bdf);
		dev->fd = -1;
		ret = -ENODEV;
	}
	if (!ret)
		ret = map_device(dev);
	if (ret)
		vfio_close(dev);
	return ret;
}

static void disable_interrupts(struct vfio_device *dev)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set), .index = VFIO_PCI_MSIX_IRQ_INDEX,
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
	};

	if (!dev->vectors)
		return;
	ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &set);
	while (dev->vectors)
		close(dev->events[--dev->vectors]);
}

void vfio_close(struct vfio_device *dev)
{
	if (dev->fd >= 0)
		disable_interrupts(dev);
	if (dev->regs)
		munmap(dev->regs, dev->regs_bytes);
	if (dev->vram)
		munmap(dev->vram, dev->vram_bytes);
	if (dev->fd >= 0)
		rte_vfio_release_device(SYSFS, dev->bdf, dev->fd);
	if (dev->container >= 0) {
		rte_vfio_container_group_unbind(dev->container, dev->group);
		rte_vfio_container_destroy(dev->container);
	}
	memset(dev, 0, sizeof(*dev));
	dev->fd = -1;
	dev->container = -1;
}

int vfio_map(struct vfio_device *dev, void *memory, uint64_t iova, size_t bytes)
{
	if (dev->container < 0)
		return 0;
	return rte_vfio_container_dma_map(dev->container, (uintptr_t)memory, iova, bytes) ?
		-EIO : 0;
}

int vfio_unmap(struct vfio_device *dev, void *memory, uint64_t iova, size_t bytes)
{
	if (dev->container < 0)
		return 0;
	return rte_vfio_container_dma_unmap(dev->container, (uintptr_t)memory, iova,
					    bytes) ? -EIO : 0;
}

int vfio_reset(struct vfio_device *dev)
{
	if (ioctl(dev->fd, VFIO_DEVICE_RESET))
		return -errno;
	return vfio_bus_master(dev, true);
}

int vfio_interrupts(struct vfio_device *dev, unsigned int vectors)
{
	struct {
		struct vfio_irq_set set;
		int events[VFIO_VECTORS];
	} arg = {
		.set = {
			.argsz = sizeof(arg.set) + vectors * sizeof(int),
			.index = VFIO_PCI_MSIX_IRQ_INDEX, .count = vectors,
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		},
	};
	int error;

	disable_interrupts(dev);
	for (; dev->vectors < vectors; dev->vectors++) {
		dev->events[dev->vectors] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (dev->events[dev->vectors] < 0)
			goto fail;
		arg.events[dev->vectors] = dev->events[dev->vectors];
	}
	if (!ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &arg))
		return 0;
fail:
	error = errno;
	disable_interrupts(dev);
	return -error;
}

bool vfio_wait(struct vfio_device *dev, unsigned int vector, int timeout_ms)
{
	struct pollfd event = { .fd = dev->events[vector], .events = POLLIN };
	uint64_t count;

	return poll(&event, 1, timeout_ms) == 1 &&
	       read(event.fd, &count, sizeof(count)) == sizeof(count);
}

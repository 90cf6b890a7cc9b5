// SPDX-License-Identifier: GPL-2.0-only
#include "pci.h"

#include <linux/pci_regs.h>

/* Q35: where the host bridge keeps the place of configuration space. */
#define Q35_PCIEXBAR	0x60
#define ECAM_BASE	0xb0000000u
#define ECAM_ENABLE	1
#define CONFIG_ADDRESS	0xcf8
#define CONFIG_DATA	0xcfc

void pci_start(struct qtest *qt)
{
	qtest_out32(qt, CONFIG_ADDRESS, 0x80000000u | (Q35_PCIEXBAR + 4));
	qtest_out32(qt, CONFIG_DATA, 0);
	qtest_out32(qt, CONFIG_ADDRESS, 0x80000000u | Q35_PCIEXBAR);
	qtest_out32(qt, CONFIG_DATA, ECAM_BASE | ECAM_ENABLE);
}

uint8_t pci_read8(const struct pci_function *fn, unsigned int offset)
{
	return qtest_read8(fn->qt, fn->config + offset);
}

uint16_t pci_read16(const struct pci_function *fn, unsigned int offset)
{
	return qtest_read16(fn->qt, fn->config + offset);
}

uint32_t pci_read32(const struct pci_function *fn, unsigned int offset)
{
	return qtest_read32(fn->qt, fn->config + offset);
}

void pci_write8(const struct pci_function *fn, unsigned int offset, uint8_t value)
{
	qtest_write8(fn->qt, fn->config + offset, value);
}

void pci_write16(const struct pci_function *fn, unsigned int offset, uint16_t value)
{
	qtest_write16(fn->qt, fn->config + offset, value);
}

void pci_write32(const struct pci_function *fn, unsigned int offset, uint32_t value)
{
	qtest_write32(fn->qt, fn->config + offset, value);
}

unsigned int pci_capability(const struct pci_function *fn, unsigned int id)
{
	unsigned int at = pci_read8(fn, PCI_CAPABILITY_LIST);
	unsigned int hops;

	for (hops = 0; at && hops < 48; hops++) {
		if (pci_read8(fn, at) == id)
			return at;
		at = pci_read8(fn, at + PCI_CAP_LIST_NEXT) & ~3;
	}
	return 0;
}

unsigned int pci_extended(const struct pci_function *fn, unsigned int id)
{
	unsigned int at = PCI_CFG_SPACE_SIZE;
	unsigned int hops;

	for (hops = 0; at && hops < 480; hops++) {
		uint32_t header = pci_read32(fn, at);

		if (PCI_EXT_CAP_ID(header) == id)
			return at;
		at = PCI_EXT_CAP_NEXT(header);
	}
	return 0;
}

struct pci_function pci_at(struct qtest *qt, unsigned int bus, unsigned int devfn)
{
	struct pci_function fn = {
		.qt = qt,
		.config = ECAM_BASE | bus << 20 | devfn << 12,
	};

	/* A VF that is not enabled answers all-ones, like nothing at all. */
	if (pci_read16(&fn, PCI_HEADER_TYPE) != 0xffff)
		fn.express = pci_capability(&fn, PCI_CAP_ID_EXP);
	return fn;
}

uint64_t pci_bar_size(const struct pci_function *fn, unsigned int offset)
{
	const uint32_t low = pci_read32(fn, offset);
	const uint32_t high = pci_read32(fn, offset + 4);
	uint64_t mask;

	pci_write32(fn, offset, ~0u);
	pci_write32(fn, offset + 4, ~0u);
	mask = pci_read32(fn, offset) & PCI_BASE_ADDRESS_MEM_MASK;
	mask |= (uint64_t)pci_read32(fn, offset + 4) << 32;
	pci_write32(fn, offset, low);
	pci_write32(fn, offset + 4, high);
	return -mask;
}

void pci_bar_set(const struct pci_function *fn, unsigned int offset, uint64_t addr)
{
	pci_write32(fn, offset, addr);
	pci_write32(fn, offset + 4, addr >> 32);
}

void pci_port_set(const struct pci_function *fn, unsigned int bus,
		  uint32_t memory, uint32_t memory_bytes,
		  uint64_t prefetch, uint64_t prefetch_bytes)
{
	uint32_t memory_last = memory + memory_bytes - 1;
	uint64_t prefetch_last = prefetch + prefetch_bytes - 1;

	pci_write8(fn, PCI_SECONDARY_BUS, bus);
	pci_write8(fn, PCI_SUBORDINATE_BUS, bus);
	pci_write16(fn, PCI_MEMORY_BASE, memory >> 16);
	pci_write16(fn, PCI_MEMORY_LIMIT, (memory_last >> 16) & 0xfff0);
	pci_write16(fn, PCI_PREF_MEMORY_BASE, prefetch >> 16);
	pci_write16(fn, PCI_PREF_MEMORY_LIMIT, (prefetch_last >> 16) & 0xfff0);
	pci_write32(fn, PCI_PREF_BASE_UPPER32, prefetch >> 32);
	pci_write32(fn, PCI_PREF_LIMIT_UPPER32, prefetch_last >> 32);
	pci_write16(fn, fn->express + PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_ARI);
	pci_command(fn, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void pci_command(const struct pci_function *fn, uint16_t bits)
{
	pci_write16(fn, PCI_COMMAND, bits);
}

void pci_flr(const struct pci_function *fn)
{
	uint16_t control = pci_read16(fn, fn->express + PCI_EXP_DEVCTL);

	pci_write16(fn, fn->express + PCI_EXP_DEVCTL,
		    control | PCI_EXP_DEVCTL_BCR_FLR);
}

void pci_msix_enable(const struct pci_function *fn)
{
	unsigned int at = pci_capability(fn, PCI_CAP_ID_MSIX);

	pci_write16(fn, at + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
}

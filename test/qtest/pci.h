/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI Express as firmware would set it up: configuration space, one root port
 * with its windows, BARs, SR-IOV, MSI-X.
 */
#ifndef PCI_H
#define PCI_H

#include "qtest.h"

/**
 * struct pci_function - one function
 * @qt: machine that it is in
 * @config: physical address of its configuration space
 * @express: offset of its PCI Express capability
 */
struct pci_function {
	struct qtest *qt;
	uint64_t config;
	uint16_t express;
};

/** pci_start() - make configuration space appear in physical memory */
void pci_start(struct qtest *qt);

/** pci_at() - the function at @bus and @devfn, which need not exist */
struct pci_function pci_at(struct qtest *qt, unsigned int bus, unsigned int devfn);

uint8_t pci_read8(const struct pci_function *fn, unsigned int offset);
uint16_t pci_read16(const struct pci_function *fn, unsigned int offset);
uint32_t pci_read32(const struct pci_function *fn, unsigned int offset);
void pci_write8(const struct pci_function *fn, unsigned int offset, uint8_t value);
void pci_write16(const struct pci_function *fn, unsigned int offset, uint16_t value);
void pci_write32(const struct pci_function *fn, unsigned int offset, uint32_t value);

/** pci_capability() - offset of capability @id, 0 if there is none */
unsigned int pci_capability(const struct pci_function *fn, unsigned int id);
/** pci_extended() - offset of extended capability @id, 0 if there is none */
unsigned int pci_extended(const struct pci_function *fn, unsigned int id);

/** pci_bar_size() - bytes of the 64-bit BAR at @offset, found by writing ones */
uint64_t pci_bar_size(const struct pci_function *fn, unsigned int offset);
/** pci_bar_set() - put the 64-bit BAR at @offset to @addr */
void pci_bar_set(const struct pci_function *fn, unsigned int offset, uint64_t addr);

/**
 * pci_port_set() - set up the root port @fn
 * @fn: root port
 * @bus: its secondary and last bus
 * @memory: window of 32-bit addresses, multiples of 1 MiB
 * @memory_bytes: its size
 * @prefetch: window of 64-bit addresses, multiples of 1 MiB
 * @prefetch_bytes: its size
 */
void pci_port_set(const struct pci_function *fn, unsigned int bus,
		  uint32_t memory, uint32_t memory_bytes,
		  uint64_t prefetch, uint64_t prefetch_bytes);

/** pci_command() - set the command register */
void pci_command(const struct pci_function *fn, uint16_t bits);

/** pci_flr() - function level reset */
void pci_flr(const struct pci_function *fn);

/** pci_msix_enable() - switch MSI-X on */
void pci_msix_enable(const struct pci_function *fn);

#endif

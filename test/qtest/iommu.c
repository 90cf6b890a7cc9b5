// SPDX-License-Identifier: GPL-2.0-only
#include "iommu.h"

/* Registers and tables: "Intel Virtualization Technology for Directed I/O". */
#define VTD_BASE		0xfed90000ull
#define VTD_COMMAND		0x18
#define VTD_COMMAND_ROOT	BIT(30)
#define VTD_COMMAND_ENABLE	BIT(31)
#define VTD_ROOT_TABLE		0x20
#define VTD_PRESENT		1ull
#define VTD_READ_WRITE		3ull
#define VTD_LARGE		BIT(7)
#define VTD_3_LEVELS		1ull
#define VTD_DOMAIN(n)		((uint64_t)(n) << 8)
#define VTD_ENTRY_BYTES		16

#define PAGE_2M			(2 * MIB)

/* Tables of 3 levels that map 2 MiB pages of [@iova, + @bytes) to @to. */
static uint64_t page_table(struct gpu *g, uint64_t iova, uint64_t to, uint64_t bytes)
{
	uint64_t top = gpu_alloc(g, 4096);
	uint64_t middle = gpu_alloc(g, 4096);
	uint64_t at;

	qtest_write64(g->qt, top, middle | VTD_READ_WRITE);
	for (at = 0; at < bytes; at += PAGE_2M)
		qtest_write64(g->qt, middle + (iova + at) / PAGE_2M * 8,
			      (to + at) | VTD_READ_WRITE | VTD_LARGE);
	return top;
}

/* Functions are numbered like their devfn: offset and stride of VFs are 1. */
static void map(struct gpu *g, uint64_t contexts, unsigned int f, uint64_t table)
{
	qtest_write64(g->qt, contexts + f * VTD_ENTRY_BYTES, table | VTD_PRESENT);
	qtest_write64(g->qt, contexts + f * VTD_ENTRY_BYTES + 8,
		      VTD_3_LEVELS | VTD_DOMAIN(f + 1));
}

void iommu_start(struct gpu *g, unsigned int mapped)
{
	uint64_t root = gpu_alloc(g, 4096);
	uint64_t contexts = gpu_alloc(g, 4096);
	unsigned int f;

	qtest_write64(g->qt, root + GPU_BUS * VTD_ENTRY_BYTES, contexts | VTD_PRESENT);
	map(g, contexts, 0, page_table(g, 0, 0, GPU_RAM));
	for (f = 1; f <= mapped; f++)
		map(g, contexts, f,
		    page_table(g, IOVA, IOVA_MEMORY(f), IOVA_BYTES));
	qtest_write64(g->qt, VTD_BASE + VTD_ROOT_TABLE, root);
	qtest_write32(g->qt, VTD_BASE + VTD_COMMAND, VTD_COMMAND_ROOT);
	qtest_write32(g->qt, VTD_BASE + VTD_COMMAND, VTD_COMMAND_ENABLE);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Addresses: function space, contexts, page tables, and the accesses themselves.
 *
 * Nothing is cached: descriptors and tables are read anew for every access, which
 * INVALIDATE permits. A write is translated and bounds-checked as a whole before
 * its first byte is written, so that only a system memory error can leave it
 * half done.
 */
#include "device.h"
#include "qemu/cutils.h"

bool vgpu_dma(struct vgpu_function *fn, uint64_t addr, void *data, uint64_t len,
	      bool write)
{
	PCIDevice *pci = fn->pci;
	MemTxResult result;

	if (fn->core->inject.dead || fn->core->gone || !pci)
		return false;
	/* What is written may be a register that unplugs the function. */
	object_ref(OBJECT(pci));
	result = pci_dma_rw(pci, addr, data, len,
			    write ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE,
			    MEMTXATTRS_UNSPECIFIED);
	object_unref(OBJECT(pci));
	return result == MEMTX_OK;
}

/* Is [@addr, @addr + @len) good in function space? */
static enum vgpu_fault space_check(struct vgpu_function *fn, uint64_t addr, uint64_t len)
{
	uint64_t offset = addr & VGPU_ADDR_OFFSET;
	uint64_t end = addr & VGPU_ADDR_SYSTEM ? VGPU_ADDR_OFFSET + 1 :
						 vgpu_vram_bytes(fn);

	if (addr & ~(VGPU_ADDR_SYSTEM | VGPU_ADDR_OFFSET))
		return VGPU_FAULT_ADDRESS;
	return offset <= end && len <= end - offset ? VGPU_FAULT_NONE : VGPU_FAULT_ADDRESS;
}

static enum vgpu_fault space_access(struct vgpu_function *fn, uint64_t addr, void *data,
				    uint64_t len, bool write)
{
	enum vgpu_fault code = space_check(fn, addr, len);
	uint64_t offset = addr & VGPU_ADDR_OFFSET;
	uint8_t *at;

	if (code)
		return code;
	if (addr & VGPU_ADDR_SYSTEM)
		return vgpu_dma(fn, offset, data, len, write) ? VGPU_FAULT_NONE :
								VGPU_FAULT_DMA;
	at = fn->core->vram + fn->vram_base + offset;
	if (!write)
		memcpy(data, at, len);
	else if (len == 8)
		/* Whole, for whoever polls a fence. */
		memcpy(at, data, 8);
	else if (len < 4096 || !buffer_is_zero(data, len) || !buffer_is_zero(at, len))
		/* Scrubbing what was never used does not make the host allocate it. */
		memcpy(at, data, len);
	return VGPU_FAULT_NONE;
}

static bool fault_at(struct vgpu_access_fault *fault, enum vgpu_fault code,
		     enum vgpu_access access, uint32_t context, uint64_t addr)
{
	*fault = (struct vgpu_access_fault){
		.code = code,
		.access = access,
		.context = context,
		.addr = addr,
	};
	return false;
}

/*
 * Reads a table of @context, in function space; an error is reported at the
 * entry's address.
 */
static bool read_table(struct vgpu_function *fn, uint32_t context, uint64_t addr,
		       void *entry, unsigned int size, struct vgpu_access_fault *fault)
{
	enum vgpu_fault code = space_access(fn, addr, entry, size, false);

	return !code || fault_at(fault, code, VGPU_ACCESS_READ, context, addr);
}

static bool read_context(struct vgpu_function *fn, uint32_t context,
			 struct vgpu_context_desc *desc, struct vgpu_access_fault *fault)
{
	uint32_t flags;
	uint64_t root;

	if (context >= fn->ctx_count)
		return fault_at(fault, VGPU_FAULT_CONTEXT, VGPU_ACCESS_NONE, context, 0);
	if (!read_table(fn, context, fn->ctx_table + context * sizeof(*desc), desc,
			sizeof(*desc), fault))
		return false;
	flags = le32_to_cpu(desc->flags);
	root = le64_to_cpu(desc->root);
	if (!(flags & VGPU_CONTEXT_VALID) || desc->reserved ||
	    flags & ~(VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED) ||
	    (flags & VGPU_CONTEXT_PAGED ? root & ~VGPU_TABLE_ADDR_MASK : root))
		return fault_at(fault, VGPU_FAULT_CONTEXT, VGPU_ACCESS_NONE, context, 0);
	return true;
}

enum vgpu_fault vgpu_context_check(struct vgpu_function *fn, uint32_t context,
				   struct vgpu_access_fault *fault)
{
	struct vgpu_context_desc desc;

	if (context == VGPU_CONTEXT_FUNCTION || read_context(fn, context, &desc, fault))
		return VGPU_FAULT_NONE;
	return fault->code;
}

static uint64_t pte_space(uint64_t pte)
{
	return (pte & VGPU_PTE_ADDR) | (pte & VGPU_PTE_SYSTEM ? VGPU_ADDR_SYSTEM : 0);
}

static bool pte_allows(uint64_t pte, enum vgpu_access access)
{
	static const uint64_t right[] = {
		[VGPU_ACCESS_READ]	= VGPU_PTE_READ,
		[VGPU_ACCESS_WRITE]	= VGPU_PTE_WRITE,
		[VGPU_ACCESS_EXECUTE]	= VGPU_PTE_EXECUTE,
	};

	return pte & right[access];
}

/*
 * Walks the tables for @addr. On success *@space is where in function space it
 * is and *@run how many bytes from there on are contiguous.
 */
static bool walk(struct vgpu_function *fn, uint32_t context, uint64_t root, uint64_t addr,
		 enum vgpu_access access, uint64_t *space, uint64_t *run,
		 struct vgpu_access_fault *fault)
{
	const uint64_t known = VGPU_PTE_VALID | VGPU_PTE_READ | VGPU_PTE_WRITE |
			       VGPU_PTE_EXECUTE | VGPU_PTE_SYSTEM | VGPU_PTE_LEAF |
			       VGPU_PTE_ADDR;
	uint64_t table = root, pte;
	int level;

	if (addr >> VGPU_VA_BITS)
		return fault_at(fault, VGPU_FAULT_ADDRESS, access, context, addr);
	for (level = VGPU_PT_LEVELS - 1; ; level--) {
		uint64_t index = addr >> VGPU_PT_SHIFT(level) & (VGPU_PT_ENTRIES - 1);
		bool leaf;

		if (!read_table(fn, context, table + index * 8, &pte, 8, fault))
			return false;
		pte = le64_to_cpu(pte);
		leaf = level == 0 || (level == 1 && pte & VGPU_PTE_LEAF);
		if (!(pte & VGPU_PTE_VALID) || pte & ~known ||
		    (pte & VGPU_PTE_LEAF && level != 1) ||
		    (leaf && level == 1 &&
		     pte & VGPU_PTE_ADDR & ((1ull << VGPU_BIG_PAGE_SHIFT) - 1)))
			return fault_at(fault, VGPU_FAULT_PAGE, access, context, addr);
		table = pte_space(pte);
		if (leaf)
			break;
	}
	if (!pte_allows(pte, access))
		return fault_at(fault, VGPU_FAULT_PERMISSION, access, context, addr);
	*run = (1ull << VGPU_PT_SHIFT(level)) - (addr & ((1ull << VGPU_PT_SHIFT(level)) - 1));
	*space = table + (addr & ((1ull << VGPU_PT_SHIFT(level)) - 1));
	return true;
}

/*
 * Goes through [@addr, @addr + @len) piece by piece. With @data it reads or
 * writes, without it only checks.
 */
static bool access_pieces(struct vgpu_function *fn, uint32_t context, uint64_t addr,
			  uint8_t *data, uint64_t len, enum vgpu_access access,
			  struct vgpu_access_fault *fault)
{
	struct vgpu_context_desc desc = {};
	bool paged;

	if (context != VGPU_CONTEXT_FUNCTION && !read_context(fn, context, &desc, fault))
		return false;
	paged = le32_to_cpu(desc.flags) & VGPU_CONTEXT_PAGED;
	while (len) {
		uint64_t space = addr, run = len;
		enum vgpu_fault code;

		if (paged && !walk(fn, context, le64_to_cpu(desc.root), addr, access,
				   &space, &run, fault))
			return false;
		run = MIN(run, len);
		code = data ? space_access(fn, space, data, run, access == VGPU_ACCESS_WRITE) :
			      space_check(fn, space, run);
		if (code)
			return fault_at(fault, code, access, context, addr);
		addr += run;
		len -= run;
		if (data)
			data += run;
	}
	return true;
}

bool vgpu_mem_check(struct vgpu_function *fn, uint32_t context, uint64_t addr,
		    uint64_t len, enum vgpu_access access,
		    struct vgpu_access_fault *fault)
{
	return access_pieces(fn, context, addr, NULL, len, access, fault);
}

bool vgpu_mem_read(struct vgpu_function *fn, uint32_t context, uint64_t addr,
		   void *data, uint64_t len, enum vgpu_access access,
		   struct vgpu_access_fault *fault)
{
	return access_pieces(fn, context, addr, data, len, access, fault);
}

bool vgpu_mem_write(struct vgpu_function *fn, uint32_t context, uint64_t addr,
		    const void *data, uint64_t len, struct vgpu_access_fault *fault)
{
	return access_pieces(fn, context, addr, NULL, len, VGPU_ACCESS_WRITE, fault) &&
	       access_pieces(fn, context, addr, (uint8_t *)data, len, VGPU_ACCESS_WRITE,
			     fault);
}

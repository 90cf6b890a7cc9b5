// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Addresses: function space, contexts, page tables, and the accesses themselves.
 *
 * Descriptors and leaves of tables that were used are kept in a TLB until INVALIDATE,
 * so that a driver which forgets it is found out. A write is translated and bounds-checked as a whole before
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

void vgpu_tlb_invalidate(struct vgpu_function *fn, uint32_t context)
{
	struct vgpu_tlb *tlb = &fn->tlb;
	unsigned int i;

	for (i = 0; i < VGPU_TLB_CONTEXTS; i++)
		if (context == VGPU_INVALIDATE_ALL || tlb->context[i] == context)
			tlb->context[i] = 0;
	for (i = 0; i < VGPU_TLB_ENTRIES; i++)
		if (context == VGPU_INVALIDATE_ALL || tlb->entry[i].context == context)
			tlb->entry[i].shift = 0;
}

static struct vgpu_tlb_entry *tlb_slot(struct vgpu_function *fn, uint32_t context,
				       uint64_t addr, unsigned int shift)
{
	return &fn->tlb.entry[((addr >> shift) + context * 61 + shift) % VGPU_TLB_ENTRIES];
}

static struct vgpu_tlb_entry *tlb_find(struct vgpu_function *fn, uint32_t context,
				       uint64_t addr)
{
	static const unsigned int shifts[] = { VGPU_PAGE_SHIFT, VGPU_BIG_PAGE_SHIFT };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		struct vgpu_tlb_entry *entry = tlb_slot(fn, context, addr, shifts[i]);

		if (entry->shift == shifts[i] && entry->context == context &&
		    entry->page == addr >> shifts[i])
			return entry;
	}
	return NULL;
}

static struct vgpu_tlb_entry *tlb_fill(struct vgpu_function *fn, uint32_t context,
				       uint64_t addr, unsigned int shift, uint64_t pte)
{
	struct vgpu_tlb_entry *entry = tlb_slot(fn, context, addr, shift);

	*entry = (struct vgpu_tlb_entry){
		.context = context,
		.shift = shift,
		.page = addr >> shift,
		.pte = pte,
	};
	return entry;
}

static bool read_context(struct vgpu_function *fn, uint32_t context,
			 struct vgpu_context_desc *desc, struct vgpu_access_fault *fault)
{
	unsigned int slot = context % VGPU_TLB_CONTEXTS;
	uint32_t flags;
	uint64_t root;

	if (context >= fn->ctx_count)
		return fault_at(fault, VGPU_FAULT_CONTEXT, VGPU_ACCESS_NONE, context, 0);
	if (fn->tlb.context[slot] == context) {
		*desc = fn->tlb.desc[slot];
		return true;
	}
	if (!read_table(fn, context, fn->ctx_table + context * sizeof(*desc), desc,
			sizeof(*desc), fault))
		return false;
	flags = le32_to_cpu(desc->flags);
	root = le64_to_cpu(desc->root);
	if (!(flags & VGPU_CONTEXT_VALID) || desc->reserved ||
	    flags & ~(VGPU_CONTEXT_VALID | VGPU_CONTEXT_PAGED) ||
	    (flags & VGPU_CONTEXT_PAGED ? root & ~VGPU_TABLE_ADDR_MASK : root))
		return fault_at(fault, VGPU_FAULT_CONTEXT, VGPU_ACCESS_NONE, context, 0);
	fn->tlb.context[slot] = context;
	fn->tlb.desc[slot] = *desc;
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

	if (pte & VGPU_PTE_SPARSE)
		return access != VGPU_ACCESS_EXECUTE;
	return pte & right[access];
}

static bool pte_is_leaf(uint64_t pte, int level)
{
	return level == 0 || (level == 1 && pte & VGPU_PTE_LEAF);
}

static bool pte_is_valid(uint64_t pte, int level)
{
	const uint64_t rights = VGPU_PTE_READ | VGPU_PTE_WRITE | VGPU_PTE_EXECUTE;
	const uint64_t known = VGPU_PTE_VALID | VGPU_PTE_SYSTEM | VGPU_PTE_LEAF |
			       VGPU_PTE_SPARSE | VGPU_PTE_ADDR | rights;

	if (!(pte & VGPU_PTE_VALID) || pte & ~known || (pte & VGPU_PTE_LEAF && level != 1))
		return false;
	if (pte & VGPU_PTE_SPARSE)
		return pte_is_leaf(pte, level) &&
		       !(pte & (VGPU_PTE_SYSTEM | VGPU_PTE_ADDR | rights));
	return !(level == 1 && pte_is_leaf(pte, level) &&
		 pte & VGPU_PTE_ADDR & ((1ull << VGPU_BIG_PAGE_SHIFT) - 1));
}

/* The leaf that translates @addr, from the tables, or NULL. */
static struct vgpu_tlb_entry *walk(struct vgpu_function *fn, uint32_t context,
				   uint64_t root, uint64_t addr, enum vgpu_access access,
				   struct vgpu_access_fault *fault)
{
	uint64_t table = root, pte;
	int level;

	for (level = VGPU_PT_LEVELS - 1; ; level--) {
		uint64_t index = addr >> VGPU_PT_SHIFT(level) & (VGPU_PT_ENTRIES - 1);

		if (!read_table(fn, context, table + index * 8, &pte, 8, fault))
			return NULL;
		pte = le64_to_cpu(pte);
		if (!pte_is_valid(pte, level)) {
			fault_at(fault, VGPU_FAULT_PAGE, access, context, addr);
			return NULL;
		}
		if (pte_is_leaf(pte, level))
			return tlb_fill(fn, context, addr, VGPU_PT_SHIFT(level), pte);
		table = pte_space(pte);
	}
}

/* Where @addr is, or nowhere, and how many bytes from there on are contiguous. */
struct piece {
	bool sparse;
	uint64_t space;
	uint64_t run;
};

static bool translate(struct vgpu_function *fn, uint32_t context, uint64_t root,
		      uint64_t addr, enum vgpu_access access, struct piece *piece,
		      struct vgpu_access_fault *fault)
{
	struct vgpu_tlb_entry *entry;
	uint64_t offset;

	if (addr >> VGPU_VA_BITS)
		return fault_at(fault, VGPU_FAULT_ADDRESS, access, context, addr);
	entry = tlb_find(fn, context, addr);
	if (!entry)
		entry = walk(fn, context, root, addr, access, fault);
	if (!entry)
		return false;
	if (!pte_allows(entry->pte, access))
		return fault_at(fault, VGPU_FAULT_PERMISSION, access, context, addr);
	offset = addr & ((1ull << entry->shift) - 1);
	piece->sparse = entry->pte & VGPU_PTE_SPARSE;
	piece->space = pte_space(entry->pte) + offset;
	piece->run = (1ull << entry->shift) - offset;
	return true;
}

static enum vgpu_fault piece_access(struct vgpu_function *fn, const struct piece *piece,
				    uint8_t *data, enum vgpu_access access)
{
	if (!piece->sparse)
		return data ? space_access(fn, piece->space, data, piece->run,
					   access == VGPU_ACCESS_WRITE) :
			      space_check(fn, piece->space, piece->run);
	if (data && access == VGPU_ACCESS_READ)
		memset(data, 0, piece->run);
	return VGPU_FAULT_NONE;
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
		struct piece piece = { .space = addr, .run = len };
		enum vgpu_fault code;

		if (paged && !translate(fn, context, le64_to_cpu(desc.root), addr, access,
					&piece, fault))
			return false;
		piece.run = MIN(piece.run, len);
		code = piece_access(fn, &piece, data, access);
		if (code)
			return fault_at(fault, code, access, context, addr);
		addr += piece.run;
		len -= piece.run;
		if (data)
			data += piece.run;
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

/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * GPU virtual memory: contexts and their page tables.
 *
 * An address is 64 bits. In function space (context 0, and flat contexts):
 *
 *   bit 62 = 0: bits 51:0 are an offset into the function's VRAM
 *   bit 62 = 1: bits 51:0 are a DMA address, which the IOMMU translates under
 *               the function's own requester id
 *
 * all other bits are zero. In a paged context it is a virtual address of
 * VGPU_VA_BITS bits, the rest zero, translated by four levels of tables of 512
 * entries, 9 bits each, from bits 47:39 down to 20:12. An entry of level 1 (bits
 * 29:21) may be a leaf that maps 2 MiB; entries of level 0 map 4 KiB.
 */
#ifndef VGPU_MMU_H
#define VGPU_MMU_H

#include "types.h"

/** VGPU_ADDR_SYSTEM - in function space: a DMA address, not a VRAM offset */
#define VGPU_ADDR_SYSTEM	0x4000000000000000ull
/** VGPU_ADDR_OFFSET - in function space: the offset or DMA address */
#define VGPU_ADDR_OFFSET	0x000fffffffffffffull

#define VGPU_VA_BITS		48
#define VGPU_PAGE_SHIFT		12
#define VGPU_BIG_PAGE_SHIFT	21
#define VGPU_PT_LEVELS		4
#define VGPU_PT_ENTRIES		512
/** VGPU_PT_SHIFT() - lowest address bit that selects the entry at @level, 3…0 */
#define VGPU_PT_SHIFT(level)	(VGPU_PAGE_SHIFT + 9 * (level))

/*
 * Page table entry, __le64. ADDR is the VRAM offset (or, with SYSTEM, the DMA
 * address) of the page, or of the next table; of a 2 MiB page bits 20:12 are
 * zero. READ, WRITE and EXECUTE count in leaves only. Unnamed bits are zero.
 * An entry without VALID, or with a reserved bit set, faults; LEAF is reserved
 * at levels 0, 2 and 3.
 *
 * SPARSE, only with VGPU_CAPS_SPARSE and in leaves only, has no memory behind it:
 * reads return zero, writes go nowhere. ADDR, SYSTEM and the rights are zero then;
 * to execute from there is a fault (VGPU_FAULT_PERMISSION).
 */
#define VGPU_PTE_VALID		0x0000000000000001ull
#define VGPU_PTE_READ		0x0000000000000002ull
#define VGPU_PTE_WRITE		0x0000000000000004ull
#define VGPU_PTE_EXECUTE	0x0000000000000008ull
#define VGPU_PTE_SYSTEM		0x0000000000000010ull
#define VGPU_PTE_LEAF		0x0000000000000020ull	/* at level 1: 2 MiB page */
#define VGPU_PTE_SPARSE		0x0000000000000040ull
#define VGPU_PTE_ADDR		0x000ffffffffff000ull

/** VGPU_CONTEXT_FUNCTION - function space itself; has no descriptor */
#define VGPU_CONTEXT_FUNCTION	0

#define VGPU_CONTEXT_VALID	0x00000001u
/** VGPU_CONTEXT_PAGED - addresses are virtual; else the context is flat */
#define VGPU_CONTEXT_PAGED	0x00000002u

/**
 * struct vgpu_context_desc - entry of the context table (VGPU_REG_CTX_TABLE)
 * @flags: VGPU_CONTEXT_*; other bits zero
 * @reserved: zero
 * @root: function-space address of the level 3 table, 4 KiB-aligned; zero in a
 *	flat context
 *
 * Context c uses entry c; entry 0 is not used. After changing a descriptor or a
 * table write VGPU_REG_INVALIDATE.
 */
struct vgpu_context_desc {
	__le32 flags;
	__le32 reserved;
	__le64 root;
};

#endif

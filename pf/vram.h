/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns which part of VRAM.
 *
 *   0            images              pf                                   total
 *   | world      | PF, rounded up to | VF 1     | VF 2     | …    | PF's   |
 *   | images     | the granule       |          |          |      | node   |
 *
 * The images of all functions that SR-IOV can enable come first and never move.
 * A VF's range is a multiple of the granule; what the PF's render node has is said in
 * render.h. A VF keeps its place while others come, go and grow: ranges may have gaps
 * between them, and what is wanted must fit into one.
 *
 * By default all VFs get the same when they are enabled. If somebody has said
 * before what one of them shall have (vram_quota), nothing is divided: then each
 * has what was said, which may be nothing. Disabling the VFs ends that.
 */
#ifndef VGPU_PF_VRAM_H
#define VGPU_PF_VRAM_H

#include <linux/types.h>

struct seq_file;
struct vgpu_pf;
struct vgpu_pf_function;

/**
 * struct vgpu_pf_range - a part of VRAM
 * @base: first byte
 * @bytes: length, 0 if there is none
 */
struct vgpu_pf_range {
	u64 base;
	u64 bytes;
};

/**
 * struct vgpu_pf_vram - VRAM of a device, as it said itself
 * @total: bytes
 * @granule: ranges start and end on multiples of it
 * @image_bytes: room for one world image, 4 KiB-aligned
 * @pf_bytes: what the PF always keeps, images included
 * @divided: the VFs have what vgpu_pf_vram_divide() gave them; under
 *	vgpu_pf.admin
 * @moving: all quotas are being changed; VFs that are CLOSED have to wait with what
 *	they want. Written under vgpu_pf.admin, read anywhere.
 */
struct vgpu_pf_vram {
	u64 total;
	u32 granule;
	u32 image_bytes;
	u64 pf_bytes;
	bool divided;
	bool moving;
};

int vgpu_pf_vram_init(struct vgpu_pf *pf);
int vgpu_pf_vram_divide(struct vgpu_pf *pf, unsigned int vfs);
void vgpu_pf_vram_forget(struct vgpu_pf *pf);
int vgpu_pf_vram_set_quota(struct vgpu_pf_function *fn, u64 bytes);
int vgpu_pf_vram_set_quotas(struct vgpu_pf *pf, u64 bytes);
u64 vgpu_pf_vram_rest(const struct vgpu_pf *pf);
struct vgpu_pf_range vgpu_pf_vram_for_render(const struct vgpu_pf *pf, u64 quota);
u64 vgpu_pf_vram_image(const struct vgpu_pf *pf, unsigned int function);
void vgpu_pf_vram_show(struct vgpu_pf *pf, struct seq_file *m);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/* Who owns which part of VRAM; the layout is drawn in vram.h. */
#include <linux/align.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>

#include "device.h"

/**
 * vgpu_pf_vram_init() - learn the size of VRAM and place the world images
 * @pf: the device
 *
 * Return: 0, -EIO if what the device says makes no sense, -ENOSPC if the images
 * alone do not fit.
 */
int vgpu_pf_vram_init(struct vgpu_pf *pf)
{
	struct vgpu_pf_vram *vram = &pf->vram;
	u64 images;

	vram->total = vgpu_pf_read64(pf, VGPU_PF_VRAM_TOTAL);
	vram->granule = vgpu_pf_read(pf, VGPU_PF_VRAM_GRANULE);
	vram->image_bytes = vgpu_pf_read(pf, VGPU_PF_IMAGE_BYTES);
	if (!is_power_of_2(vram->granule) || vram->granule < SZ_4K ||
	    vram->image_bytes < sizeof(struct vgpu_image) ||
	    vram->image_bytes > SZ_1G)
		return dev_err_probe(pf->drm.dev, -EIO,
				     "VRAM granule %u, image of %u bytes: the device makes no sense\n",
				     vram->granule, vram->image_bytes);

	vram->image_bytes = ALIGN(vram->image_bytes, SZ_4K);
	images = (u64)vram->image_bytes * pf->functions;
	vram->pf_bytes = ALIGN(images, vram->granule);
	if (vram->pf_bytes > vram->total)
		return dev_err_probe(pf->drm.dev, -ENOSPC,
				     "%u world images need %llu bytes, VRAM has %llu\n",
				     pf->functions, images, vram->total);

	pf->fn[VGPU_FUNCTION_PF].range.bytes = vram->total;
	return 0;
}

/**
 * vgpu_pf_vram_divide() - give each of the first VFs the same part of VRAM
 * @pf: the device; no VF owns anything now
 * @vfs: how many, 1 or more
 *
 * Decides only: nothing is written to the device. The caller holds the device
 * lock.
 *
 * Return: 0, or -ENOSPC if there is less than one granule for each.
 */
int vgpu_pf_vram_divide(struct vgpu_pf *pf, unsigned int vfs)
{
	struct vgpu_pf_vram *vram = &pf->vram;
	u64 room = vram->total - vram->pf_bytes;
	u64 each = ALIGN_DOWN(div_u64(room, vfs), vram->granule);
	unsigned int i;

	if (!each) {
		dev_err(pf->drm.dev,
			"no VRAM for %u VFs: %llu bytes in granules of %u are enough for %llu\n",
			vfs, room, vram->granule, div_u64(room, vram->granule));
		return -ENOSPC;
	}

	for (i = 1; i <= vfs; i++) {
		pf->fn[i].range.base = vram->pf_bytes + (i - 1) * each;
		pf->fn[i].range.bytes = each;
	}
	return 0;
}

/**
 * vgpu_pf_vram_image() - where the world image of a function is
 * @pf: the device
 * @function: its number
 *
 * Return: VRAM address, 4 KiB-aligned.
 */
u64 vgpu_pf_vram_image(const struct vgpu_pf *pf, unsigned int function)
{
	return (u64)function * pf->vram.image_bytes;
}

/**
 * vgpu_pf_vram_show() - print who owns what
 * @pf: the device
 * @m: where to
 *
 * "key value" lines for the whole, a line that names the columns, and a line
 * for each function that owns VRAM. Addresses are hexadecimal, @end is the last
 * byte, sizes are decimal bytes.
 */
void vgpu_pf_vram_show(struct vgpu_pf *pf, struct seq_file *m)
{
	struct vgpu_pf_vram *vram = &pf->vram;
	unsigned int i;

	seq_printf(m, "total %llu\n", vram->total);
	seq_printf(m, "granule %u\n", vram->granule);
	seq_printf(m, "image_bytes %u\n", vram->image_bytes);
	seq_printf(m, "images %u\n", pf->functions);
	seq_puts(m, "function start end bytes state\n");
	seq_printf(m, "0 0x%010x 0x%010llx %llu pf\n", 0,
		   vram->pf_bytes - 1, vram->pf_bytes);
	for (i = 1; i < pf->functions; i++) {
		struct vgpu_pf_function *fn = &pf->fn[i];

		if (fn->range.bytes)
			seq_printf(m, "%u 0x%010llx 0x%010llx %llu %s\n", i,
				   fn->range.base,
				   fn->range.base + fn->range.bytes - 1,
				   fn->range.bytes,
				   vgpu_pf_function_state_name(fn));
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/* Who owns which part of VRAM; the layout is drawn in vram.h. */
#include <linux/align.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>

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

	return 0;
}

static bool vgpu_pf_vram_is_provisioned(const struct vgpu_pf *pf)
{
	unsigned int i;

	for (i = 1; i < pf->functions; i++)
		if (pf->fn[i].range.bytes)
			return true;
	return false;
}

/* Where what VFs can have ends: behind that is the PF's own. */
static u64 vgpu_pf_vram_end(const struct vgpu_pf *pf)
{
	if (pf->render.quota == VGPU_PF_RENDER_AUTO)
		return pf->vram.total;
	return pf->vram.total - pf->render.quota;
}

/**
 * vgpu_pf_vram_divide() - give each of the first VFs the same part of VRAM
 * @pf: the device; no VF is enabled
 * @vfs: how many, 1 or more
 *
 * Unless somebody has said what a VF shall have: then that is what they get.
 * Decides only: nothing is written to the device. The caller holds
 * vgpu_pf.admin.
 *
 * Return: 0, or -ENOSPC if there is less than one granule for each.
 */
int vgpu_pf_vram_divide(struct vgpu_pf *pf, unsigned int vfs)
{
	struct vgpu_pf_vram *vram = &pf->vram;
	u64 room = vgpu_pf_vram_end(pf) - vram->pf_bytes;
	u64 each = ALIGN_DOWN(div_u64(room, vfs), vram->granule);
	unsigned int i;

	vram->divided = !vgpu_pf_vram_is_provisioned(pf);
	if (!vram->divided)
		return 0;
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
 * vgpu_pf_vram_forget() - no VF shall have anything
 * @pf: the device; no VF is enabled
 *
 * The caller holds vgpu_pf.admin.
 */
void vgpu_pf_vram_forget(struct vgpu_pf *pf)
{
	unsigned int i;

	for (i = 1; i < pf->functions; i++)
		pf->fn[i].range = (struct vgpu_pf_range){};
	pf->vram.divided = false;
}

/* ------------------------------------------------------------------------ */
/* vram_quota                                                                */

static bool vgpu_pf_range_overlaps(const struct vgpu_pf_range *a,
				   const struct vgpu_pf_range *b)
{
	return a->base < b->base + b->bytes && b->base < a->base + a->bytes;
}

/* The end of somebody else's range that is in the way of @range, 0 if none is. */
static u64 vgpu_pf_vram_obstacle(const struct vgpu_pf_function *fn,
				 const struct vgpu_pf_range *range)
{
	const struct vgpu_pf *pf = fn->pf;
	unsigned int i;

	for (i = 1; i < pf->functions; i++) {
		const struct vgpu_pf_range *other = &pf->fn[i].range;

		if (i != fn->number && other->bytes && vgpu_pf_range_overlaps(range, other))
			return other->base + other->bytes;
	}
	return 0;
}

/* Where it is, if possible, else the first place that is large enough. */
static bool vgpu_pf_vram_place(const struct vgpu_pf_function *fn,
			       struct vgpu_pf_range *range)
{
	u64 obstacle, end = vgpu_pf_vram_end(fn->pf);

	range->base = fn->range.base;
	if (fn->range.bytes && range->bytes <= end - range->base &&
	    !vgpu_pf_vram_obstacle(fn, range))
		return true;
	for (range->base = fn->pf->vram.pf_bytes; range->bytes <= end - range->base;
	     range->base = obstacle) {
		obstacle = vgpu_pf_vram_obstacle(fn, range);
		if (!obstacle)
			return true;
	}
	return false;
}

/* What a VF could have at most: the largest gap, its own range counted as one. */
static u64 vgpu_pf_vram_largest(const struct vgpu_pf_function *fn)
{
	const struct vgpu_pf_vram *vram = &fn->pf->vram;
	u64 low = 0, high = div_u64(vgpu_pf_vram_end(fn->pf) - vram->pf_bytes, vram->granule);

	while (low < high) {
		u64 middle = low + (high - low + 1) / 2;
		struct vgpu_pf_range range = { .bytes = middle * vram->granule };

		if (vgpu_pf_vram_place(fn, &range))
			low = middle;
		else
			high = middle - 1;
	}
	return low * vram->granule;
}

/* The VF keeps what it has if this fails. */
static int vgpu_pf_vram_move(struct vgpu_pf_function *fn, const struct vgpu_pf_range *range)
{
	if (fn->number <= fn->pf->vfs)
		return vgpu_pf_function_resize(fn, range);
	fn->range = *range;
	return 0;
}

/* Why it cannot have another range now: 0, -EBUSY or -EIO. */
static int vgpu_pf_vram_check_state(struct vgpu_pf_function *fn, u64 bytes)
{
	enum vgpu_pf_state state = READ_ONCE(fn->state);
	struct vgpu_pf *pf = fn->pf;
	const char *why;
	int err = -EBUSY;

	if (fn->number > pf->vfs || state == VGPU_PF_CLOSED)
		return 0;
	if (!pf->running || READ_ONCE(pf->wedged) || state == VGPU_PF_BROKEN) {
		why = "out of service until a reset";
		err = -EIO;
	} else if (state == VGPU_PF_SCRUBBING) {
		why = "its VRAM is being cleared, try again then";
	} else {
		why = "in use, unbind its driver first";
	}
	vgpu_pf_function_refuse(fn, "vram_quota %llu: %s: %pe\n", bytes, why, ERR_PTR(err));
	return err;
}

/**
 * vgpu_pf_vram_set_quota() - change how much VRAM a VF has
 * @fn: the VF
 * @bytes: how much, rounded up to the granule; 0: none
 *
 * Of an enabled VF the place that it shall have is found, cleared and handed over
 * before the one that it had is cleared and free for others; its contents are
 * lost. It must be CLOSED: what a driver has in VRAM is not taken from it. No
 * other VF notices. Context: process, vgpu_pf.admin is held.
 *
 * Return: 0; -ENOSPC: there is not so much in one piece; -EBUSY: a driver is using
 * the VF, or it is being cleared; -EIO or -ETIMEDOUT: VRAM cannot be cleared, or the
 * VF or the device is out of service. What is refused is said in the log, and
 * nothing has changed then.
 */
int vgpu_pf_vram_set_quota(struct vgpu_pf_function *fn, u64 bytes)
{
	const struct vgpu_pf_vram *vram = &fn->pf->vram;
	struct vgpu_pf_range range = {};
	int err;

	if (bytes <= vram->total)
		range.bytes = ALIGN(bytes, vram->granule);
	if (bytes > vram->total || (bytes && !vgpu_pf_vram_place(fn, &range))) {
		vgpu_pf_function_refuse(fn, "vram_quota %llu: at most %llu are free in one piece\n",
					bytes, vgpu_pf_vram_largest(fn));
		return -ENOSPC;
	}
	if (range.bytes == fn->range.bytes)
		return 0;
	if (!range.bytes)
		range.base = 0;

	err = vgpu_pf_vram_check_state(fn, bytes);
	if (err)
		return err;
	err = vgpu_pf_vram_move(fn, &range);
	if (err)
		vgpu_pf_function_refuse(fn, "vram_quota %llu: %pe\n", bytes, ERR_PTR(err));
	return err;
}

/* Before anything is changed: does it make sense to begin? */
static int vgpu_pf_vram_check_quotas(struct vgpu_pf *pf, u64 bytes)
{
	const struct vgpu_pf_vram *vram = &pf->vram;
	unsigned int vfs = max(pf->functions - 1, 1u), i;
	int err = 0;
	u64 room = vgpu_pf_vram_end(pf) - vram->pf_bytes;
	u64 most = ALIGN_DOWN(div_u64(room, vfs), vram->granule);

	if (bytes > most) {
		vgpu_pf_refuse(pf, "vram_quota %llu for each of %u VFs: at most %llu bytes each\n",
			       bytes, pf->functions - 1, most);
		return -ENOSPC;
	}
	for (i = 1; i <= pf->vfs && !err; i++)
		if (pf->fn[i].range.bytes != ALIGN(bytes, vram->granule))
			err = vgpu_pf_vram_check_state(&pf->fn[i], bytes);
	return err;
}

static bool vgpu_pf_vram_is(const struct vgpu_pf_function *fn,
			    const struct vgpu_pf_range *range)
{
	return fn->range.base == range->base && fn->range.bytes == range->bytes;
}

/* All give, then all take: so it does not matter what was where. */
static int vgpu_pf_vram_redistribute(struct vgpu_pf *pf, u64 bytes)
{
	unsigned int i;
	int err = 0;

	for (i = 1; i < pf->functions && !err; i++)
		if (pf->fn[i].range.bytes != bytes)
			err = vgpu_pf_vram_set_quota(&pf->fn[i], 0);
	for (i = 1; i < pf->functions && !err; i++)
		err = vgpu_pf_vram_set_quota(&pf->fn[i], bytes);
	return err;
}

/* In another place if somebody has kept that one, who should not. */
static int vgpu_pf_vram_give_back(struct vgpu_pf_function *fn,
				  const struct vgpu_pf_range *before)
{
	struct vgpu_pf_range range = *before;

	if (vgpu_pf_vram_obstacle(fn, &range) && !vgpu_pf_vram_place(fn, &range))
		return -ENOSPC;
	return vgpu_pf_vram_move(fn, &range);
}

/* Whoever refuses is passed over, so that nobody else loses anything by it. */
static void vgpu_pf_vram_undo(struct vgpu_pf *pf, const struct vgpu_pf_range *before)
{
	const struct vgpu_pf_range none = {};
	unsigned int i;
	int err;

	for (i = 1; i < pf->functions; i++)
		if (pf->fn[i].range.bytes && !vgpu_pf_vram_is(&pf->fn[i], &before[i]))
			vgpu_pf_vram_move(&pf->fn[i], &none);
	for (i = 1; i < pf->functions; i++) {
		if (vgpu_pf_vram_is(&pf->fn[i], &before[i]))
			continue;
		err = vgpu_pf_vram_give_back(&pf->fn[i], &before[i]);
		if (err)
			dev_err(pf->drm.dev, "VF%u has %llu bytes of VRAM, not %llu as before: %pe\n",
				i, pf->fn[i].range.bytes, before[i].bytes, ERR_PTR(err));
	}
}

/* Guests that want to START meanwhile wait for their answer. */
static void vgpu_pf_vram_set_moving(struct vgpu_pf *pf, bool moving)
{
	unsigned int i;

	WRITE_ONCE(pf->vram.moving, moving);
	for (i = 1; i <= pf->vfs; i++) {
		if (!moving)
			vgpu_pf_function_notify(&pf->fn[i], VGPU_PF_NEWS_MAILBOX);
		/* who has not seen it any more has seen to what was there */
		kthread_flush_work(&pf->fn[i].work);
	}
}

/**
 * vgpu_pf_vram_set_quotas() - give all possible VFs the same quota
 * @pf: the device
 * @bytes: for each of them, rounded up to the granule; 0: none
 *
 * Who has that already keeps it, and may be in use. Context: process,
 * vgpu_pf.admin is held.
 *
 * Return: 0, -ENOMEM, or what refuses one of them; then all have what they had,
 * though the contents of those that had been changed already are cleared. An FLR
 * meanwhile can prevent that for the VF itself and for nobody else.
 */
int vgpu_pf_vram_set_quotas(struct vgpu_pf *pf, u64 bytes)
{
	struct vgpu_pf_range *before;
	unsigned int i;
	int err;

	before = kcalloc(pf->functions, sizeof(*before), GFP_KERNEL);
	if (!before)
		return -ENOMEM;
	for (i = 1; i < pf->functions; i++)
		before[i] = pf->fn[i].range;

	vgpu_pf_vram_set_moving(pf, true);
	err = vgpu_pf_vram_check_quotas(pf, bytes);
	if (!err) {
		err = vgpu_pf_vram_redistribute(pf, ALIGN(bytes, pf->vram.granule));
		if (err)
			vgpu_pf_vram_undo(pf, before);
	}
	vgpu_pf_vram_set_moving(pf, false);
	kfree(before);
	return err;
}

/* ------------------------------------------------------------------------ */
/* The PF's render node                                                      */

/**
 * vgpu_pf_vram_rest() - what is behind the images and all that VFs have
 * @pf: the device
 *
 * Context: process, vgpu_pf.admin is held.
 *
 * Return: bytes, a multiple of the granule.
 */
u64 vgpu_pf_vram_rest(const struct vgpu_pf *pf)
{
	u64 begin = pf->vram.pf_bytes;
	unsigned int i;

	for (i = 1; i < pf->functions; i++)
		begin = max(begin, pf->fn[i].range.base + pf->fn[i].range.bytes);
	return pf->vram.total - begin;
}

/**
 * vgpu_pf_vram_for_render() - what the PF's render node has
 * @pf: the device
 * @quota: bytes, no more than vgpu_pf_vram_rest(), or VGPU_PF_RENDER_AUTO
 *
 * Context: process, vgpu_pf.admin is held.
 *
 * Return: the range, as drawn in render.h.
 */
struct vgpu_pf_range vgpu_pf_vram_for_render(const struct vgpu_pf *pf, u64 quota)
{
	struct vgpu_pf_range range = { .bytes = quota };

	if (quota == VGPU_PF_RENDER_AUTO)
		range.bytes = vgpu_pf_vram_is_provisioned(pf) ? 0 : vgpu_pf_vram_rest(pf);
	if (range.bytes)
		range.base = pf->vram.total - range.bytes;
	return range;
}

/* ------------------------------------------------------------------------ */

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
 * for each function that owns VRAM, of which the PF can have two. Addresses are
 * hexadecimal, @end is the last byte, sizes are decimal bytes.
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
	for (i = 0; i < pf->functions; i++) {
		struct vgpu_pf_function *fn = &pf->fn[i];

		if (fn->range.bytes)
			seq_printf(m, "%u 0x%010llx 0x%010llx %llu %s\n", i,
				   fn->range.base,
				   fn->range.base + fn->range.bytes - 1,
				   fn->range.bytes, i == VGPU_FUNCTION_PF ? "render" :
				   vgpu_pf_function_state_name(fn));
	}
}

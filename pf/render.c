// SPDX-License-Identifier: GPL-2.0-only
/* The PF's own render node; see render.h. */
#include <linux/align.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <drm/drm_managed.h>

#include <vgpu_render.h>

#include "device.h"

static struct vgpu_pf *vgpu_pf_of_render(struct vgpu_render *render)
{
	return to_vgpu_pf(dev_get_drvdata(render->aux.dev.parent));
}

/* The last ring clears VRAM. */
static unsigned int vgpu_pf_render_rings(struct vgpu_pf *pf)
{
	return pf->rings - 1;
}

static u32 vgpu_pf_render_ring_status(struct vgpu_pf *pf, unsigned int ring)
{
	return vgpu_pf_read(pf, VGPU_REG_RING(ring) + VGPU_RING_STATUS);
}

/* ------------------------------------------------------------------------ */
/* For the worker                                                            */

/**
 * vgpu_pf_render_is_started() - may jobs of the node be running?
 * @pf: the device
 *
 * Context: process.
 *
 * Return: true if so.
 */
bool vgpu_pf_render_is_started(struct vgpu_pf *pf)
{
	guard(mutex)(&pf->render.lock);
	return pf->render.started;
}

/**
 * vgpu_pf_render_has_work() - can the PF's last ring be waiting for its turn?
 * @pf: the device
 *
 * Context: worker; reads registers.
 *
 * Return: true if another ring is at work.
 */
bool vgpu_pf_render_has_work(struct vgpu_pf *pf)
{
	unsigned int i;
	u32 status;

	if (!vgpu_pf_render_is_started(pf))
		return false;
	for (i = 0; i < vgpu_pf_render_rings(pf); i++) {
		status = vgpu_pf_render_ring_status(pf, i);
		if (status == VGPU_RING_ACTIVE || status == VGPU_RING_STOPPING)
			return true;
	}
	return false;
}

/**
 * vgpu_pf_render_was_reset() - the PF's world has been made anew
 * @pf: the device
 */
void vgpu_pf_render_was_reset(struct vgpu_pf *pf)
{
	struct vgpu_pf_render *render = &pf->render;

	guard(mutex)(&render->lock);
	if (render->client && render->started)
		render->client->notice(render->data, VGPU_NOTICE_RESET);
}

/**
 * vgpu_pf_render_close() - nothing of the node runs any more, until a new handshake
 * @pf: the device; its rings are disabled or the PF's world is off the engine
 */
void vgpu_pf_render_close(struct vgpu_pf *pf)
{
	struct vgpu_pf_render *render = &pf->render;

	guard(mutex)(&render->lock);
	if (render->client && render->known)
		render->client->notice(render->data, VGPU_NOTICE_CLOSED);
	render->known = false;
	render->started = false;
}

/**
 * vgpu_pf_render_halt() - disable the node's rings
 * @pf: the device
 *
 * They stop at the next preemption point, or with the PF's world.
 */
void vgpu_pf_render_halt(struct vgpu_pf *pf)
{
	unsigned int i;

	for (i = 0; i < vgpu_pf_render_rings(pf); i++)
		vgpu_pf_write(pf, VGPU_REG_RING(i) + VGPU_RING_CTRL, 0);
}

/* ------------------------------------------------------------------------ */
/* For the render driver                                                     */

static bool vgpu_pf_render_is_out_of_service(struct vgpu_pf *pf)
{
	return !READ_ONCE(pf->running) || READ_ONCE(pf->wedged) ||
	       READ_ONCE(pf->fn[VGPU_FUNCTION_PF].state) == VGPU_PF_BROKEN;
}

static void vgpu_pf_render_attach(struct vgpu_render *device,
				  const struct vgpu_render_client *client, void *data)
{
	struct vgpu_pf_render *render = &vgpu_pf_of_render(device)->render;

	guard(mutex)(&render->lock);
	render->client = client;
	render->data = data;
	render->known = false;
	render->started = false;
}

static int vgpu_pf_render_handshake(struct vgpu_render *device)
{
	struct vgpu_pf *pf = vgpu_pf_of_render(device);

	guard(mutex)(&pf->render.lock);
	if (vgpu_pf_render_is_out_of_service(pf))
		return -EIO;
	pf->render.known = true;
	return 0;
}

static void vgpu_pf_render_config(struct vgpu_render *device,
				  struct vgpu_mbox_config *config)
{
	struct vgpu_pf_function *fn = &vgpu_pf_of_render(device)->fn[VGPU_FUNCTION_PF];

	vgpu_pf_mailbox_fill_config(fn, config);
}

static int vgpu_pf_render_start(struct vgpu_render *device)
{
	struct vgpu_pf *pf = vgpu_pf_of_render(device);

	scoped_guard(mutex, &pf->render.lock) {
		if (!pf->render.known)
			return -EACCES;
		pf->render.started = true;
	}
	vgpu_pf_watch(pf);
	return 0;
}

static bool vgpu_pf_render_has_stopped(struct vgpu_pf *pf)
{
	unsigned int i;

	for (i = 0; i < vgpu_pf_render_rings(pf); i++)
		if (vgpu_pf_render_ring_status(pf, i) != VGPU_RING_DISABLED)
			return false;
	return true;
}

static int vgpu_pf_render_stop(struct vgpu_render *device)
{
	struct vgpu_pf *pf = vgpu_pf_of_render(device);

	scoped_guard(mutex, &pf->render.lock)
		pf->render.started = false;
	if (READ_ONCE(pf->wedged))
		return -EIO;
	/* then the PF's world is off the engine */
	if (!READ_ONCE(pf->running))
		return 0;
	vgpu_pf_render_halt(pf);
	if (vgpu_pf_render_has_stopped(pf))
		return 0;
	return vgpu_pf_function_renew(&pf->fn[VGPU_FUNCTION_PF]);
}

static const struct vgpu_render_ops vgpu_pf_render_ops = {
	.attach = vgpu_pf_render_attach,
	.handshake = vgpu_pf_render_handshake,
	.config = vgpu_pf_render_config,
	.start = vgpu_pf_render_start,
	.stop = vgpu_pf_render_stop,
};

/* ------------------------------------------------------------------------ */
/* The auxiliary device                                                      */

static void vgpu_pf_render_release(struct device *dev)
{
	kfree(to_vgpu_render(dev));
}

static struct vgpu_render *vgpu_pf_render_add(struct vgpu_pf *pf,
					      const struct vgpu_pf_range *range)
{
	struct pci_dev *pdev = vgpu_pf_pdev(pf);
	struct vgpu_render *device;
	int err;

	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return ERR_PTR(-ENOMEM);
	device->aux.name = VGPU_RENDER_NAME;
	device->aux.id = pci_domain_nr(pdev->bus) << 16 | pci_dev_id(pdev);
	device->aux.dev.parent = &pdev->dev;
	device->aux.dev.release = vgpu_pf_render_release;
	device->regs = pf->regs;
	device->rings = vgpu_pf_render_rings(pf);
	device->vram_base = range->base;
	device->vram_bytes = range->bytes;
	device->ops = &vgpu_pf_render_ops;

	err = auxiliary_device_init(&device->aux);
	if (err) {
		kfree(device);
		return ERR_PTR(err);
	}
	err = auxiliary_device_add(&device->aux);
	if (err) {
		auxiliary_device_uninit(&device->aux);
		return ERR_PTR(err);
	}
	return device;
}

static void vgpu_pf_render_remove(struct vgpu_pf *pf)
{
	struct vgpu_render *device = pf->render.device;

	pf->render.device = NULL;
	if (!device)
		return;
	auxiliary_device_delete(&device->aux);
	auxiliary_device_uninit(&device->aux);
}

static bool vgpu_pf_render_is_busy(struct vgpu_pf *pf)
{
	struct vgpu_pf_render *render = &pf->render;

	guard(mutex)(&render->lock);
	return render->client && render->client->is_busy(render->data);
}

static int vgpu_pf_render_refuse(struct vgpu_pf *pf)
{
	vgpu_pf_function_refuse(&pf->fn[VGPU_FUNCTION_PF],
				"its VRAM cannot change while its render node is open: %pe\n",
				ERR_PTR(-EBUSY));
	return -EBUSY;
}

/* The node is the one that there should be; or there is none, and the log says why. */
static void vgpu_pf_render_replace(struct vgpu_pf *pf, const struct vgpu_pf_range *range)
{
	struct vgpu_render *device;

	vgpu_pf_render_remove(pf);
	pf->fn[VGPU_FUNCTION_PF].range = *range;
	if (!range->bytes || !pf->render.wanted || !vgpu_pf_render_rings(pf) ||
	    !IS_ENABLED(CONFIG_AUXILIARY_BUS) || vgpu_pf_render_is_out_of_service(pf))
		return;
	device = vgpu_pf_render_add(pf, range);
	if (IS_ERR(device))
		dev_err(pf->drm.dev, "the PF has no render node: %pe\n", device);
	else
		pf->render.device = device;
}

/* ------------------------------------------------------------------------ */
/* VRAM                                                                      */

/**
 * vgpu_pf_render_update() - the VFs have other ranges than before, or the PF works again
 * @pf: the device
 *
 * Context: process, vgpu_pf.admin is held.
 */
void vgpu_pf_render_update(struct vgpu_pf *pf)
{
	const struct vgpu_pf_range *now = &pf->fn[VGPU_FUNCTION_PF].range;
	struct vgpu_pf_range range = vgpu_pf_vram_for_render(pf, pf->render.quota);

	if (range.base != now->base || range.bytes != now->bytes || !pf->render.device)
		vgpu_pf_render_replace(pf, &range);
}

/**
 * vgpu_pf_render_yield() - VFs are going to have VRAM
 * @pf: the device
 *
 * vgpu_pf_render_update() must follow when they have it, or do not get it. Context:
 * process, vgpu_pf.admin is held.
 *
 * Return: 0, or -EBUSY if the node has it and is in use.
 */
int vgpu_pf_render_yield(struct vgpu_pf *pf)
{
	const struct vgpu_pf_range none = {};

	if (pf->render.quota != VGPU_PF_RENDER_AUTO || !pf->fn[VGPU_FUNCTION_PF].range.bytes)
		return 0;
	if (vgpu_pf_render_is_busy(pf))
		return vgpu_pf_render_refuse(pf);
	vgpu_pf_render_replace(pf, &none);
	return 0;
}

/**
 * vgpu_pf_render_set_quota() - how much VRAM the node shall have
 * @pf: the device
 * @bytes: rounded up to the granule; 0: there is no node; or VGPU_PF_RENDER_AUTO
 *
 * Context: process, vgpu_pf.admin is held.
 *
 * Return: 0; -ENOSPC: VFs have a part of that; -EBUSY: the node is in use.
 */
int vgpu_pf_render_set_quota(struct vgpu_pf *pf, u64 bytes)
{
	const struct vgpu_pf_range *now = &pf->fn[VGPU_FUNCTION_PF].range;
	u64 most = vgpu_pf_vram_rest(pf);
	struct vgpu_pf_range range;

	if (bytes != VGPU_PF_RENDER_AUTO) {
		if (bytes > most) {
			vgpu_pf_function_refuse(&pf->fn[VGPU_FUNCTION_PF],
						"vram_quota %llu: at most %llu, behind the VFs' own\n",
						bytes, most);
			return -ENOSPC;
		}
		bytes = ALIGN(bytes, pf->vram.granule);
	}
	range = vgpu_pf_vram_for_render(pf, bytes);
	if ((range.base != now->base || range.bytes != now->bytes) &&
	    vgpu_pf_render_is_busy(pf))
		return vgpu_pf_render_refuse(pf);
	pf->render.quota = bytes;
	vgpu_pf_render_update(pf);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Begin and end                                                             */

/**
 * vgpu_pf_render_begin() - the device works: let there be a node
 * @pf: the device
 */
void vgpu_pf_render_begin(struct vgpu_pf *pf)
{
	guard(mutex)(&pf->admin);
	pf->render.wanted = true;
	vgpu_pf_render_update(pf);
}

/**
 * vgpu_pf_render_end() - let there be none any more
 * @pf: the device
 */
void vgpu_pf_render_end(struct vgpu_pf *pf)
{
	guard(mutex)(&pf->admin);
	pf->render.wanted = false;
	vgpu_pf_render_remove(pf);
}

/**
 * vgpu_pf_render_init() - before there is a node
 * @pf: the device
 *
 * Return: 0 or -ENOMEM.
 */
int vgpu_pf_render_init(struct vgpu_pf *pf)
{
	pf->render.quota = VGPU_PF_RENDER_AUTO;
	return drmm_mutex_init(&pf->drm, &pf->render.lock);
}

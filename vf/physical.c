// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PF's own function. Registers, interrupt vectors, DMA masks and bus mastering are
 * vgpu_pf's; what a VF asks its PF by mailbox is a call here. All else is as on a VF:
 * rings, address spaces, recovery; but VRAM does not begin at 0.
 */
#include <linux/auxiliary_bus.h>
#include <linux/module.h>
#include <linux/pci.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include <vgpu_render.h>

#include "device.h"
#include "driver.h"
#include "physical.h"

static struct vgpu_render *render_of(struct vgpu_vf *vf)
{
	return to_vgpu_render(vf->drm.dev);
}

static int handshake(struct vgpu_vf *vf)
{
	struct vgpu_render *render = render_of(vf);

	return render->ops->handshake(render);
}

static int config(struct vgpu_vf *vf, struct vgpu_mbox_config *config)
{
	struct vgpu_render *render = render_of(vf);

	render->ops->config(render, config);
	return 0;
}

static int start(struct vgpu_vf *vf)
{
	struct vgpu_render *render = render_of(vf);

	return render->ops->start(render);
}

static int stop(struct vgpu_vf *vf)
{
	struct vgpu_render *render = render_of(vf);

	return render->ops->stop(render);
}

static const struct vgpu_vf_pf_ops pf_ops = {
	.handshake = handshake,
	.config = config,
	.start = start,
	.stop = stop,
};

static void notice(void *data, enum vgpu_notice notice)
{
	vgpu_vf_recovery_notice(data, notice);
}

static bool is_busy(void *data)
{
	struct vgpu_vf *vf = data;

	return atomic_read(&vf->drm.open_count);
}

static const struct vgpu_render_client client = {
	.notice = notice,
	.is_busy = is_busy,
};

static void detach(void *data)
{
	struct vgpu_render *render = data;

	render->ops->attach(render, NULL, NULL);
}

static int probe(struct auxiliary_device *aux, const struct auxiliary_device_id *id)
{
	struct vgpu_render *render = to_vgpu_render(&aux->dev);
	struct vgpu_vf *vf;
	int ret;

	vf = vgpu_vf_create(&aux->dev, to_pci_dev(aux->dev.parent), &pf_ops);
	if (IS_ERR(vf))
		return PTR_ERR(vf);
	auxiliary_set_drvdata(aux, vf);
	vf->regs = render->regs;
	vf->ring_count = render->rings;
	vf->vram.base = render->vram_base;
	vf->vram.size = render->vram_bytes;
	ret = vgpu_vf_prepare(vf) ?: vgpu_vf_request_vectors(vf, vf->ring_count);
	if (ret < 0)
		return ret;
	vf->ring_count = ret;
	/* Before vectors are given back, and what recovery works on. */
	render->ops->attach(render, &client, vf);
	ret = devm_add_action_or_reset(&aux->dev, detach, render);
	if (ret)
		return ret;
	return vgpu_vf_bring_up(vf);
}

static void remove(struct auxiliary_device *aux)
{
	struct vgpu_vf *vf = auxiliary_get_drvdata(aux);

	drm_dev_unplug(&vf->drm);
	vgpu_vf_shut_down(vf);
	vgpu_vf_memory_unplug(vf);
}

static void shutdown(struct auxiliary_device *aux)
{
	vgpu_vf_shut_down(auxiliary_get_drvdata(aux));
}

static const struct auxiliary_device_id ids[] = {
	{ .name = "vgpu_pf." VGPU_RENDER_NAME },
	{}
};
MODULE_DEVICE_TABLE(auxiliary, ids);

static struct auxiliary_driver driver = {
	.id_table = ids,
	.probe = probe,
	.remove = remove,
	.shutdown = shutdown,
	.driver.pm = pm_sleep_ptr(&vgpu_vf_pm_ops),
};

/**
 * vgpu_vf_physical_register() - bind to what vgpu_pf lends
 *
 * Return: 0 or an errno
 */
int vgpu_vf_physical_register(void)
{
	return IS_ENABLED(CONFIG_AUXILIARY_BUS) ? auxiliary_driver_register(&driver) : 0;
}

/**
 * vgpu_vf_physical_unregister() - undo vgpu_vf_physical_register()
 */
void vgpu_vf_physical_unregister(void)
{
	if (IS_ENABLED(CONFIG_AUXILIARY_BUS))
		auxiliary_driver_unregister(&driver);
}

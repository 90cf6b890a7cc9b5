// SPDX-License-Identifier: GPL-2.0-only
/*
 * sriov_numvfs: VFs are enabled all or none.
 *
 * Everything here runs under the device lock, which the PCI core holds, and under
 * vgpu_pf.admin.
 */
#include <linux/pci.h>

#include <drm/drm_drv.h>

#include "device.h"

/* Whatever of them was provided; the VFs are not enabled. */
static int vgpu_pf_sriov_release(struct vgpu_pf *pf, unsigned int vfs)
{
	int err = vgpu_pf_functions_release(pf, 1, vfs);

	if (err)
		dev_err(pf->drm.dev,
			"VRAM of the VFs was not cleared: %pe; it is before it is used again\n",
			ERR_PTR(err));
	/* of a dead device nobody expects it */
	return READ_ONCE(pf->wedged) ? 0 : err;
}

static void vgpu_pf_sriov_tell(struct vgpu_pf *pf, unsigned int vfs)
{
	unsigned int i;

	if (pf->vram.divided) {
		dev_info(pf->drm.dev, "%u VFs with %llu bytes of VRAM each\n", vfs,
			 pf->fn[1].range.bytes);
		return;
	}
	dev_info(pf->drm.dev, "%u VFs with VRAM as provisioned\n", vfs);
	for (i = 1; i <= vfs; i++)
		if (!pf->fn[i].range.bytes)
			dev_notice(pf->drm.dev, "VF%u has no VRAM: others were given a vram_quota, it was not\n",
				   i);
}

static int vgpu_pf_sriov_enable(struct vgpu_pf *pf, unsigned int vfs)
{
	int err;

	lockdep_assert_held(&pf->admin);
	if (!pf->running || READ_ONCE(pf->wedged)) {
		dev_err(pf->drm.dev, "no VFs: the device is out of service until it is reset\n");
		return -EIO;
	}
	if (vfs >= pf->functions) {
		dev_err(pf->drm.dev, "no %u VFs: 0 to %u are possible\n", vfs,
			pf->functions - 1);
		return -ERANGE;
	}

	err = vgpu_pf_vram_divide(pf, vfs);
	if (err)
		return err;
	err = vgpu_pf_render_yield(pf);
	if (err)
		goto forget;

	err = vgpu_pf_functions_provide(pf, 1, vfs);
	if (err) {
		dev_err(pf->drm.dev, "no VFs: VRAM cannot be prepared: %pe\n", ERR_PTR(err));
		goto release;
	}

	/* VFs are probed within, and talk to us */
	WRITE_ONCE(pf->vfs, vfs);
	vgpu_pf_watch(pf);
	err = pci_enable_sriov(vgpu_pf_pdev(pf), vfs);
	if (err) {
		dev_err(pf->drm.dev, "no VFs: PCI cannot enable them: %pe\n", ERR_PTR(err));
		goto count;
	}
	err = vgpu_pf_admin_link_vfs(pf, vfs);
	if (err) {
		dev_err(pf->drm.dev, "no VFs: no links to them in sysfs: %pe\n", ERR_PTR(err));
		goto disable;
	}
	vgpu_pf_sriov_tell(pf, vfs);
	return vfs;

disable:
	pci_disable_sriov(vgpu_pf_pdev(pf));
count:
	WRITE_ONCE(pf->vfs, 0);
release:
	vgpu_pf_sriov_release(pf, vfs);
forget:
	/* what the administrator has said before is still true */
	if (pf->vram.divided)
		vgpu_pf_vram_forget(pf);
	vgpu_pf_render_update(pf);
	return err;
}

/**
 * vgpu_pf_sriov_disable() - disable all VFs, and clear what they had
 * @pf: the device
 *
 * Each vram_quota is 0 then, as in xe; all other settings stay.
 *
 * Return: 0, also if there are none, or if the device is out of service; -EIO or
 * -ETIMEDOUT if VRAM could not be cleared: the VFs are disabled all the same.
 */
int vgpu_pf_sriov_disable(struct vgpu_pf *pf)
{
	unsigned int vfs;
	int err = 0;

	guard(mutex)(&pf->admin);
	vfs = pf->vfs;
	if (vfs) {
		vgpu_pf_admin_unlink_vfs(pf, vfs);
		/* their drivers say STOP on their way out */
		pci_disable_sriov(vgpu_pf_pdev(pf));
		WRITE_ONCE(pf->vfs, 0);
		err = vgpu_pf_sriov_release(pf, vfs);
	}
	vgpu_pf_vram_forget(pf);
	vgpu_pf_render_update(pf);
	return err;
}

static void vgpu_pf_sriov_for_each(struct vgpu_pf *pf, void (*what)(struct pci_dev *vf))
{
	struct pci_dev *vf = NULL;

	while ((vf = pci_get_device(VGPU_PCI_VENDOR, VGPU_PCI_DEVICE_VF, vf)))
		if (vf->is_virtfn && pci_physfn(vf) == vgpu_pf_pdev(pf))
			what(vf);
}

static void vgpu_pf_sriov_save_vf(struct pci_dev *vf)
{
	pci_save_state(vf);
}

static void vgpu_pf_sriov_restore_vf(struct pci_dev *vf)
{
	pci_restore_state(vf);
}

/**
 * vgpu_pf_sriov_save() - before a reset of the PF, which resets all VFs
 * @pf: the device
 *
 * The PCI core enables them again afterwards, but does not know that they have
 * lost their bus mastering and their interrupts.
 */
void vgpu_pf_sriov_save(struct vgpu_pf *pf)
{
	vgpu_pf_sriov_for_each(pf, vgpu_pf_sriov_save_vf);
}

/**
 * vgpu_pf_sriov_restore() - after a reset of the PF
 * @pf: the device
 */
void vgpu_pf_sriov_restore(struct vgpu_pf *pf)
{
	vgpu_pf_sriov_for_each(pf, vgpu_pf_sriov_restore_vf);
}

/**
 * vgpu_pf_sriov_configure() - sriov_numvfs was written
 * @pdev: the PF
 * @vfs: how many shall be enabled; 0 disables them
 *
 * Return: @vfs, or -EBUSY while a VF is assigned to a guest, or the PF's render node
 * has VRAM that the VFs need and is open; -ENOSPC if VRAM has
 * no granule for each, -ERANGE, -EIO or -ETIMEDOUT if the device does not work,
 * or what pci_enable_sriov() says. Nothing has changed then, except that
 * disabling cannot fail half way.
 */
int vgpu_pf_sriov_configure(struct pci_dev *pdev, int vfs)
{
	struct vgpu_pf *pf = to_vgpu_pf(pci_get_drvdata(pdev));

	if (vfs) {
		guard(mutex)(&pf->admin);
		return vgpu_pf_sriov_enable(pf, vfs);
	}
	if (pci_vfs_assigned(pdev)) {
		dev_notice(&pdev->dev,
			   "VFs stay enabled: %d are assigned to guests, detach them first\n",
			   pci_vfs_assigned(pdev));
		return -EBUSY;
	}
	return vgpu_pf_sriov_disable(pf);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * vgpu_pf: the PF driver of the vgpu SR-IOV GPU.
 *
 * What the device is asked for while it works is in the other files; here is how
 * it comes and goes: probe and remove, reset and errors, sleep and shutdown.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>

#include "device.h"

/* What does not come is noticed that late. */
#define WATCH_INTERVAL	HZ
/* A script of the administrator that writes nonsense does not fill the log. */
#define REFUSALS_INTERVAL	(5 * HZ)
#define REFUSALS_BURST		20

/* of exec_quantum_us, where no number that is allowed comes near */
#define QUANTUM_AUTO	UINT_MAX

static int vgpu_pf_set_quantum(const char *value, const struct kernel_param *param)
{
	unsigned int us;
	int err;

	if (sysfs_streq(value, "auto")) {
		*(unsigned int *)param->arg = QUANTUM_AUTO;
		return 0;
	}
	err = kstrtouint(value, 0, &us);
	if (err || us == QUANTUM_AUTO)
		return err ?: -EINVAL;
	*(unsigned int *)param->arg = us;
	return 0;
}

static int vgpu_pf_get_quantum(char *buf, const struct kernel_param *param)
{
	unsigned int us = *(unsigned int *)param->arg;

	return us == QUANTUM_AUTO ? sysfs_emit(buf, "auto\n") : sysfs_emit(buf, "%u\n", us);
}

static const struct kernel_param_ops vgpu_pf_quantum_ops = {
	.set = vgpu_pf_set_quantum,
	.get = vgpu_pf_get_quantum,
};

static unsigned int exec_quantum_us = QUANTUM_AUTO;
module_param_cb(exec_quantum_us, &vgpu_pf_quantum_ops, &exec_quantum_us, 0444);
MODULE_PARM_DESC(exec_quantum_us,
		 "Execution quantum of each function: 100 to 100000000, 0 for no deadline, or auto (default)");

static unsigned int preempt_timeout_us = VGPU_SCHED_TIMEOUT_DEFAULT / NSEC_PER_USEC;
module_param(preempt_timeout_us, uint, 0444);
MODULE_PARM_DESC(preempt_timeout_us,
		 "Time to leave the engine before reset: 1 to 100000000, or 0 for ever (default 16000)");

static char *policy = "eevdf";
module_param(policy, charp, 0444);
MODULE_PARM_DESC(policy, "Scheduling policy to begin with: eevdf (default), fixed, rr or coop");

/* ------------------------------------------------------------------------ */
/* The worker: watchdog and recovery                                         */

/**
 * vgpu_pf_watch() - have the watchdog look
 * @pf: the device
 *
 * It goes on as long as there are VFs, jobs of the PF's render node can run, or
 * something is awaited. Context: any.
 */
void vgpu_pf_watch(struct vgpu_pf *pf)
{
	if (READ_ONCE(pf->running))
		kthread_queue_delayed_work(pf->worker, &pf->watchdog, WATCH_INTERVAL);
}

static bool vgpu_pf_gone(struct vgpu_pf *pf)
{
	return vgpu_pf_read(pf, VGPU_REG_ID) != VGPU_ID_VALUE;
}

/**
 * vgpu_pf_wedge() - the device does not do what it must: ask it for nothing more
 * @pf: the device
 * @why: for the log
 *
 * Everybody who waits gets -EIO. A reset (sysfs, AER, unbind and bind) starts
 * again. Context: worker.
 */
void vgpu_pf_wedge(struct vgpu_pf *pf, const char *why)
{
	unsigned int i;

	if (READ_ONCE(pf->wedged))
		return;
	dev_err(pf->drm.dev, "out of service until it is reset: %s\n", why);
	WRITE_ONCE(pf->wedged, true);
	vgpu_pf_world_stop(pf);
	/* who has shared memory with the PF's world wants it back */
	pci_clear_master(vgpu_pf_pdev(pf));
	for (i = 0; i < pf->functions; i++)
		vgpu_pf_function_lose(&pf->fn[i]);
	vgpu_pf_scrub_stop(pf, -EIO);
	wake_up_all(&pf->settled);
}

/**
 * vgpu_pf_abandon() - the same, from process context
 * @pf: the device
 * @why: for the log
 */
void vgpu_pf_abandon(struct vgpu_pf *pf, const char *why)
{
	WRITE_ONCE(pf->abandoned, why);
	kthread_queue_work(pf->worker, &pf->recovery);
	kthread_flush_work(&pf->recovery);
}

static void vgpu_pf_recovery_work(struct kthread_work *work)
{
	struct vgpu_pf *pf = container_of(work, struct vgpu_pf, recovery);
	const char *abandoned = READ_ONCE(pf->abandoned);

	if (READ_ONCE(pf->wedged))
		return;
	if (abandoned)
		vgpu_pf_wedge(pf, abandoned);
	else if (vgpu_pf_gone(pf))
		vgpu_pf_wedge(pf, "it does not answer");
	else
		vgpu_pf_world_recover(pf);
}

static bool vgpu_pf_watch_functions(struct vgpu_pf *pf)
{
	bool busy = READ_ONCE(pf->vfs) || !list_empty(&pf->scrub.jobs) ||
		    vgpu_pf_render_is_started(pf);
	unsigned int i;

	for (i = 0; i < pf->functions && !READ_ONCE(pf->wedged); i++) {
		vgpu_pf_function_watch(&pf->fn[i]);
		switch (pf->fn[i].state) {
		case VGPU_PF_ABSENT:
		case VGPU_PF_BROKEN:
			break;
		default:
			busy |= i != VGPU_FUNCTION_PF || pf->fn[i].state != VGPU_PF_OPEN;
		}
	}
	return busy;
}

static void vgpu_pf_watchdog_work(struct kthread_work *work)
{
	struct vgpu_pf *pf = container_of(work, struct vgpu_pf, watchdog.work);

	if (READ_ONCE(pf->wedged) || !READ_ONCE(pf->running))
		return;
	if (vgpu_pf_gone(pf)) {
		vgpu_pf_wedge(pf, "it does not answer");
		return;
	}
	vgpu_pf_events_look(pf);
	if (pf->deadlines)
		vgpu_pf_world_measure_clock(pf);
	vgpu_pf_world_report(pf);
	vgpu_pf_scrub_check(pf);
	if (vgpu_pf_watch_functions(pf))
		vgpu_pf_watch(pf);
}

static void vgpu_pf_worker_end(void *data)
{
	struct vgpu_pf *pf = data;

	kthread_cancel_delayed_work_sync(&pf->watchdog);
	kthread_destroy_worker(pf->worker);
}

static int vgpu_pf_worker_init(struct vgpu_pf *pf)
{
	kthread_init_delayed_work(&pf->watchdog, vgpu_pf_watchdog_work);
	kthread_init_work(&pf->recovery, vgpu_pf_recovery_work);
	init_waitqueue_head(&pf->settled);
	pf->worker = kthread_create_worker(0, "vgpu_pf-%s", dev_name(pf->drm.dev));
	if (IS_ERR(pf->worker))
		return PTR_ERR(pf->worker);
	sched_set_fifo(pf->worker->task);
	return devm_add_action_or_reset(pf->drm.dev, vgpu_pf_worker_end, pf);
}

/* ------------------------------------------------------------------------ */
/* Start and stop                                                            */

static void vgpu_pf_silence(struct vgpu_pf *pf)
{
	if (!pf->running)
		return;
	if (!READ_ONCE(pf->wedged)) {
		if (pf->vfs)
			vgpu_pf_functions_close(pf, 1, pf->vfs);
		vgpu_pf_functions_close(pf, VGPU_FUNCTION_PF, 1);
	}
	WRITE_ONCE(pf->running, false);
	vgpu_pf_world_stop(pf);
	vgpu_pf_events_stop(pf);
	kthread_cancel_delayed_work_sync(&pf->watchdog);
	kthread_flush_worker(pf->worker);
	vgpu_pf_scrub_stop(pf, -EIO);
	pci_clear_master(vgpu_pf_pdev(pf));
}

/**
 * vgpu_pf_start() - put the device, fresh from a reset, to work
 * @pf: the device; not running
 *
 * The PF's world is open then, and if there are VFs, they have clean VRAM and
 * can begin with the handshake. Context: process.
 *
 * Return: 0, -ENODEV if there is no device any more, -EIO or -ETIMEDOUT.
 */
int vgpu_pf_start(struct vgpu_pf *pf)
{
	int err;

	guard(mutex)(&pf->admin);
	if (vgpu_pf_gone(pf))
		return -ENODEV;

	WRITE_ONCE(pf->abandoned, NULL);
	WRITE_ONCE(pf->wedged, false);
	WRITE_ONCE(pf->running, true);
	pci_set_master(vgpu_pf_pdev(pf));
	vgpu_pf_world_start(pf);
	vgpu_pf_events_start(pf);
	vgpu_pf_scrub_start(pf);
	err = vgpu_pf_functions_provide(pf, VGPU_FUNCTION_PF, 1);
	if (!err && pf->vfs) {
		err = vgpu_pf_functions_provide(pf, 1, pf->vfs);
		vgpu_pf_watch(pf);
	}
	if (err)
		vgpu_pf_silence(pf);
	return err;
}

/**
 * vgpu_pf_stop() - take everything off the engine and silence the device
 * @pf: the device
 *
 * VFs that are enabled are closed and told so. Can be called at any time, also
 * if the device is gone or was never started. Context: process.
 */
void vgpu_pf_stop(struct vgpu_pf *pf)
{
	guard(mutex)(&pf->admin);
	vgpu_pf_silence(pf);
}

/* ------------------------------------------------------------------------ */
/* Probe and remove                                                          */

static int vgpu_pf_map(struct vgpu_pf *pf)
{
	struct pci_dev *pdev = vgpu_pf_pdev(pf);
	struct device *dev = &pdev->dev;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	if (pci_resource_len(pdev, VGPU_BAR_REGS) < VGPU_PF_BAR_BYTES)
		return dev_err_probe(dev, -ENODEV, "register BAR of %llu bytes, %u are needed\n",
				     (u64)pci_resource_len(pdev, VGPU_BAR_REGS),
				     VGPU_PF_BAR_BYTES);
	pf->regs = pcim_iomap_region(pdev, VGPU_BAR_REGS, KBUILD_MODNAME);
	if (IS_ERR(pf->regs))
		return PTR_ERR(pf->regs);
	return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(52));
}

static int vgpu_pf_identify(struct vgpu_pf *pf)
{
	struct device *dev = pf->drm.dev;
	u32 id = vgpu_pf_read(pf, VGPU_REG_ID);
	u32 revision = vgpu_pf_read(pf, VGPU_REG_REVISION);
	u32 caps;

	if (id != VGPU_ID_VALUE || !(vgpu_pf_read(pf, VGPU_REG_CAPS) & VGPU_CAPS_PF))
		return dev_err_probe(dev, -ENODEV, "identity %#x is not that of a vgpu PF\n", id);
	if (FIELD_GET(VGPU_REVISION_MAJOR, revision) != 1)
		return dev_err_probe(dev, -ENODEV, "revision %u.%u, known is 1.x\n",
				     FIELD_GET(VGPU_REVISION_MAJOR, revision),
				     FIELD_GET(VGPU_REVISION_MINOR, revision));

	pf->functions = vgpu_pf_read(pf, VGPU_PF_FUNCTIONS);
	pf->rings = FIELD_GET(VGPU_LIMITS_RINGS, vgpu_pf_read(pf, VGPU_REG_LIMITS));
	if (!pf->functions || pf->functions > VGPU_MAX_FUNCTIONS ||
	    !pf->rings || pf->rings > VGPU_MAX_RINGS)
		return dev_err_probe(dev, -ENODEV, "%u functions with %u rings make no sense\n",
				     pf->functions, pf->rings);
	if (!pci_sriov_get_totalvfs(vgpu_pf_pdev(pf))) {
		dev_notice(dev, "VFs are not possible: no SR-IOV capability, as in a guest\n");
		pf->functions = 1;
	}

	caps = vgpu_pf_read(pf, VGPU_PF_CAPS);
	pf->deadlines = caps & VGPU_PF_CAPS_DEADLINE;
	pf->boundary = caps & VGPU_PF_CAPS_BOUNDARY;
	pf->cost_save_ns = vgpu_pf_read(pf, VGPU_PF_COST_SAVE);
	pf->cost_load_ns = vgpu_pf_read(pf, VGPU_PF_COST_LOAD);
	pf->cost_reset_ns = vgpu_pf_read(pf, VGPU_PF_COST_RESET);
	pf->policy = vgpu_sched_find_policy(policy);
	pf->quantum_ns = exec_quantum_us == QUANTUM_AUTO ? VGPU_SCHED_QUANTUM_AUTO :
			 (u64)exec_quantum_us * NSEC_PER_USEC;
	pf->preempt_timeout_ns = (u64)preempt_timeout_us * NSEC_PER_USEC;
	return 0;
}

/* A driver that was killed (kexec, crash) leaves a device at work. */
static int vgpu_pf_find_reset(struct vgpu_pf *pf)
{
	struct pci_dev *pdev = vgpu_pf_pdev(pf);
	u32 engine = vgpu_pf_read(pf, VGPU_PF_ENGINE);
	int err;

	if (FIELD_GET(VGPU_PF_ENGINE_STATE, engine) == VGPU_ENGINE_EMPTY &&
	    !vgpu_pf_read(pf, VGPU_PF_EVQ_CTRL))
		return 0;
	dev_notice(&pdev->dev, "found at work: reset\n");
	pci_save_state(pdev);
	err = pcie_flr(pdev);
	pci_restore_state(pdev);
	return err;
}

static int vgpu_pf_functions_init(struct vgpu_pf *pf)
{
	unsigned int i;
	int err = 0;

	pf->fn = drmm_kcalloc(&pf->drm, pf->functions, sizeof(*pf->fn), GFP_KERNEL);
	if (!pf->fn)
		return -ENOMEM;
	for (i = 0; i < pf->functions && !err; i++)
		err = vgpu_pf_function_init(pf, i);
	return err;
}

static int vgpu_pf_vectors_init(struct vgpu_pf *pf)
{
	unsigned int vectors = VGPU_VECTOR_EVENTS(pf->rings) + 1;
	int n = pci_alloc_irq_vectors(vgpu_pf_pdev(pf), vectors, vectors, PCI_IRQ_MSIX);

	if (n < 0)
		return dev_err_probe(pf->drm.dev, n, "no %u MSI-X vectors\n", vectors);
	return 0;
}

static void vgpu_pf_end(void *data)
{
	vgpu_pf_stop(data);
}

static int vgpu_pf_begin(struct vgpu_pf *pf)
{
	int err = vgpu_pf_start(pf);

	if (err)
		return dev_err_probe(pf->drm.dev, err, "the device does not start\n");
	return devm_add_action_or_reset(pf->drm.dev, vgpu_pf_end, pf);
}

static int vgpu_pf_register(struct vgpu_pf *pf)
{
	return drm_dev_register(&pf->drm, 0);
}

/*
 * In this order; all but the last, which nothing that can fail follows, are undone in
 * reverse by devres and drmm.
 */
static int (* const vgpu_pf_probe_steps[])(struct vgpu_pf *pf) = {
	vgpu_pf_map,
	vgpu_pf_identify,
	vgpu_pf_find_reset,
	vgpu_pf_functions_init,
	vgpu_pf_vram_init,
	vgpu_pf_worker_init,
	vgpu_pf_world_init,
	vgpu_pf_vectors_init,
	vgpu_pf_scrub_init,
	vgpu_pf_events_init,
	vgpu_pf_begin,
	vgpu_pf_admin_init,
	vgpu_pf_register,
};

/* Without file operations its node cannot be opened: it is there for debugfs. */
static const struct drm_driver vgpu_pf_drm_driver = {
	.name = KBUILD_MODNAME,
	.desc = "vgpu SR-IOV GPU, physical function",
	.major = 1,
	.minor = 0,
};

static int vgpu_pf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vgpu_pf *pf;
	unsigned int i;
	int err;

	pf = devm_drm_dev_alloc(&pdev->dev, &vgpu_pf_drm_driver, struct vgpu_pf, drm);
	if (IS_ERR(pf))
		return PTR_ERR(pf);
	err = drmm_mutex_init(&pf->drm, &pf->admin) ?:
	      drmm_mutex_init(&pf->drm, &pf->settings) ?:
	      vgpu_pf_render_init(pf);
	if (err)
		return err;
	raw_spin_lock_init(&pf->lock);
	ratelimit_state_init(&pf->refusals, REFUSALS_INTERVAL, REFUSALS_BURST);
	pci_set_drvdata(pdev, &pf->drm);

	for (i = 0; i < ARRAY_SIZE(vgpu_pf_probe_steps); i++) {
		err = vgpu_pf_probe_steps[i](pf);
		if (err)
			return err;
	}
	vgpu_pf_debugfs_init(pf);
	pci_save_state(pdev);
	dev_info(&pdev->dev, "%u VFs possible, %llu MiB of VRAM, deadlines by %s\n",
		 pf->functions - 1, pf->vram.total >> 20,
		 pf->deadlines ? "hardware" : "hrtimer");
	vgpu_pf_render_begin(pf);
	return 0;
}

static void vgpu_pf_remove(struct pci_dev *pdev)
{
	struct vgpu_pf *pf = to_vgpu_pf(pci_get_drvdata(pdev));

	drm_dev_unplug(&pf->drm);
	if (pf->running && vgpu_pf_gone(pf))
		vgpu_pf_abandon(pf, "it was removed");
	vgpu_pf_render_end(pf);
	vgpu_pf_sriov_disable(pf);
}

static void vgpu_pf_shutdown(struct pci_dev *pdev)
{
	vgpu_pf_stop(to_vgpu_pf(pci_get_drvdata(pdev)));
}

/* ------------------------------------------------------------------------ */
/* Reset and errors                                                          */

static void vgpu_pf_restart(struct vgpu_pf *pf)
{
	int err = vgpu_pf_start(pf);

	if (err) {
		dev_err(pf->drm.dev, "does not start after a reset: %pe\n", ERR_PTR(err));
		return;
	}
	dev_info(pf->drm.dev, "started again after a reset, %u VFs\n", pf->vfs);
	/* there may be none yet, if the device was out of service */
	guard(mutex)(&pf->admin);
	vgpu_pf_render_update(pf);
}

static void vgpu_pf_reset_prepare(struct pci_dev *pdev)
{
	struct vgpu_pf *pf = to_vgpu_pf(pci_get_drvdata(pdev));

	vgpu_pf_stop(pf);
	vgpu_pf_sriov_save(pf);
}

static void vgpu_pf_reset_done(struct pci_dev *pdev)
{
	struct vgpu_pf *pf = to_vgpu_pf(pci_get_drvdata(pdev));

	vgpu_pf_sriov_restore(pf);
	vgpu_pf_restart(pf);
}

static pci_ers_result_t vgpu_pf_error_detected(struct pci_dev *pdev,
					       pci_channel_state_t state)
{
	struct vgpu_pf *pf = to_vgpu_pf(pci_get_drvdata(pdev));

	if (state == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	if (pf->running)
		vgpu_pf_abandon(pf, "PCI error");
	vgpu_pf_stop(pf);
	return state == pci_channel_io_frozen ? PCI_ERS_RESULT_NEED_RESET :
						PCI_ERS_RESULT_DISCONNECT;
}

static pci_ers_result_t vgpu_pf_mmio_enabled(struct pci_dev *pdev)
{
	return PCI_ERS_RESULT_RECOVERED;
}

static pci_ers_result_t vgpu_pf_slot_reset(struct pci_dev *pdev)
{
	struct vgpu_pf *pf = to_vgpu_pf(pci_get_drvdata(pdev));

	pci_restore_state(pdev);
	pci_save_state(pdev);
	if (pf->running)
		return PCI_ERS_RESULT_RECOVERED;
	vgpu_pf_restart(pf);
	return pf->running ? PCI_ERS_RESULT_RECOVERED : PCI_ERS_RESULT_DISCONNECT;
}

static const struct pci_error_handlers vgpu_pf_err_handler = {
	.error_detected = vgpu_pf_error_detected,
	.mmio_enabled = vgpu_pf_mmio_enabled,
	.slot_reset = vgpu_pf_slot_reset,
	.reset_prepare = vgpu_pf_reset_prepare,
	.reset_done = vgpu_pf_reset_done,
};

/* ------------------------------------------------------------------------ */
/* Sleep                                                                     */

static int vgpu_pf_suspend(struct device *dev)
{
	struct vgpu_pf *pf = to_vgpu_pf(dev_get_drvdata(dev));

	/* their VRAM would be lost, and guests would not even know */
	if (pf->vfs) {
		dev_notice(dev, "no sleep with %u VFs enabled: disable them first\n", pf->vfs);
		return -EBUSY;
	}
	vgpu_pf_stop(pf);
	return 0;
}

static int vgpu_pf_resume(struct device *dev)
{
	struct vgpu_pf *pf = to_vgpu_pf(dev_get_drvdata(dev));

	return vgpu_pf_start(pf);
}

static DEFINE_SIMPLE_DEV_PM_OPS(vgpu_pf_pm, vgpu_pf_suspend, vgpu_pf_resume);

/* ------------------------------------------------------------------------ */
/* Module                                                                    */

static const struct pci_device_id vgpu_pf_ids[] = {
	{ PCI_DEVICE(VGPU_PCI_VENDOR, VGPU_PCI_DEVICE_PF) },
	{ }
};
MODULE_DEVICE_TABLE(pci, vgpu_pf_ids);

static struct pci_driver vgpu_pf_driver = {
	.name = KBUILD_MODNAME,
	.id_table = vgpu_pf_ids,
	.probe = vgpu_pf_probe,
	.remove = vgpu_pf_remove,
	.shutdown = vgpu_pf_shutdown,
	.sriov_configure = vgpu_pf_sriov_configure,
	.err_handler = &vgpu_pf_err_handler,
	.driver.pm = pm_sleep_ptr(&vgpu_pf_pm),
};

static int vgpu_pf_check_param(const char *name, u64 us, u64 min_ns, u64 max_ns)
{
	u64 ns = us * NSEC_PER_USEC;

	if (!ns || (ns >= min_ns && ns <= max_ns))
		return 0;
	pr_err("%s=%llu: must be 0 or %llu to %llu\n", name, us,
	       min_ns / NSEC_PER_USEC, max_ns / NSEC_PER_USEC);
	return -EINVAL;
}

static int vgpu_pf_check_policy(void)
{
	const struct vgpu_sched_policy *known;
	char names[64] = "";
	unsigned int i;

	if (vgpu_sched_find_policy(policy))
		return 0;
	for (i = 0; (known = vgpu_sched_policy_at(i)); i++) {
		strlcat(names, " ", sizeof(names));
		strlcat(names, vgpu_sched_policy_name(known), sizeof(names));
	}
	pr_err("policy=%s: must be one of%s\n", policy, names);
	return -EINVAL;
}

static int __init vgpu_pf_module_init(void)
{
	int err = 0;

	if (exec_quantum_us != QUANTUM_AUTO)
		err = vgpu_pf_check_param("exec_quantum_us", exec_quantum_us,
					  VGPU_SCHED_QUANTUM_MIN, VGPU_SCHED_QUANTUM_MAX);
	if (err)
		return err;
	err = vgpu_pf_check_policy();
	if (err)
		return err;
	err = vgpu_pf_check_param("preempt_timeout_us", preempt_timeout_us,
				  VGPU_SCHED_TIMEOUT_MIN, VGPU_SCHED_TIMEOUT_MAX);
	if (err)
		return err;
	return pci_register_driver(&vgpu_pf_driver);
}
module_init(vgpu_pf_module_init);

static void __exit vgpu_pf_module_exit(void)
{
	pci_unregister_driver(&vgpu_pf_driver);
}
module_exit(vgpu_pf_module_exit);

MODULE_DESCRIPTION("PF driver of the vgpu SR-IOV GPU: partition and world-switch scheduler");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0-only
/*
 * vgpu_vf: DRM render driver of a virtual function of the vgpu GPU, in the host
 * or in a guest; and of the PF's own (physical.c).
 *
 * While bound, all of it is in a struct vgpu_vf, which lives as long as its DRM
 * device: until the last file is closed and the last fence is forgotten.
 */
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/wait.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include <drm/vgpu_drm.h>

#include "bind.h"
#include "bo.h"
#include "device.h"
#include "driver.h"
#include "file.h"
#include "job.h"
#include "memory.h"
#include "physical.h"
#include "prime.h"
#include "queue.h"
#include "sched_events.h"
#include "show.h"
#include "sync.h"

#define JOB_TIMEOUT_MIN_MS	100
#define JOB_TIMEOUT_MAX_MS	3600000

#define FLR_POLL_US		10000
#define FLR_TIMEOUT_US		60000000

unsigned int vgpu_vf_job_timeout_ms = 10000;

static int set_job_timeout(const char *value, const struct kernel_param *param)
{
	int ret = param_set_uint_minmax(value, param, JOB_TIMEOUT_MIN_MS,
					JOB_TIMEOUT_MAX_MS);

	if (ret)
		pr_err_ratelimited("vgpu_vf: job_timeout_ms: not %u…%u\n",
				   JOB_TIMEOUT_MIN_MS, JOB_TIMEOUT_MAX_MS);
	return ret;
}

static const struct kernel_param_ops job_timeout_ops = {
	.set = set_job_timeout,
	.get = param_get_uint,
};
module_param_cb(job_timeout_ms, &job_timeout_ops, &vgpu_vf_job_timeout_ms, 0644);
MODULE_PARM_DESC(job_timeout_ms,
		 "GPU time that a job may take for one command buffer, in ms (100…3600000, default 10000)");

/* An interrupt vector each, of which one CPU has about 200. */
unsigned int vgpu_vf_max_rings = VGPU_MAX_RINGS;

static int set_max_rings(const char *value, const struct kernel_param *param)
{
	int ret = param_set_uint_minmax(value, param, 1, VGPU_MAX_RINGS);

	if (ret)
		pr_err_ratelimited("vgpu_vf: max_rings: not 1…%u\n", VGPU_MAX_RINGS);
	return ret;
}

static const struct kernel_param_ops max_rings_ops = {
	.set = set_max_rings,
	.get = param_get_uint,
};
module_param_cb(max_rings, &max_rings_ops, &vgpu_vf_max_rings, 0644);
MODULE_PARM_DESC(max_rings,
		 "Rings that a function uses at most, from when it is bound (1…8, default 8)");

struct workqueue_struct *vgpu_vf_workqueue;

/* DRM devices that exist: files and fences can outlive what they were bound to. */
static atomic_t alive;
static DECLARE_WAIT_QUEUE_HEAD(none_alive);

static void end_life(struct drm_device *drm, void *data)
{
	pci_dev_put(data);
	if (atomic_dec_and_test(&alive))
		wake_up(&none_alive);
}

static u64 read_param(struct vgpu_vf *vf, u32 param)
{
	switch (param) {
	case DRM_VGPU_PARAM_REVISION:
		return readl(vf->regs + VGPU_REG_REVISION);
	case DRM_VGPU_PARAM_CAPS:
		return readl(vf->regs + VGPU_REG_CAPS);
	case DRM_VGPU_PARAM_RINGS:
		return vf->ring_count;
	case DRM_VGPU_PARAM_VRAM_SIZE:
		return vf->vram.size;
	case DRM_VGPU_PARAM_VRAM_FREE:
		return vgpu_vf_vram_available(vf);
	case DRM_VGPU_PARAM_VA_BITS:
		return VGPU_VA_BITS;
	case DRM_VGPU_PARAM_JOB_TIMEOUT:
		return (u64)vgpu_vf_job_timeout_ms * NSEC_PER_MSEC;
	case DRM_VGPU_PARAM_GPU_TIME:
		return readq(vf->regs + VGPU_REG_GPU_TIME);
	case DRM_VGPU_PARAM_MAX_JOBS:
		return VGPU_VF_SUBMIT_JOBS;
	case DRM_VGPU_PARAM_MAX_COMMANDS:
		return VGPU_VF_JOB_COMMANDS;
	case DRM_VGPU_PARAM_MAX_SYNCS:
		return VGPU_VF_SYNCS_MAX;
	case DRM_VGPU_PARAM_VRAM_LOST:
		return vf->vram_lost;
	case DRM_VGPU_PARAM_QUANTUM:
		return vf->quantum_ns;
	case DRM_VGPU_PARAM_MAX_BINDS:
		return VGPU_VF_BINDS_MAX;
	default:
		return vgpu_vf_memory_system_size(vf);
	}
}

static int ioctl_get_param(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct vgpu_vf *vf = to_vgpu_vf(drm);
	struct drm_vgpu_get_param *args = data;
	int index;

	if (args->pad || args->param > DRM_VGPU_PARAM_SYSTEM_SIZE) {
		drm_dbg(drm, "GET_PARAM: param %u, pad %#x: not 0…%u, 0\n", args->param,
			args->pad, DRM_VGPU_PARAM_SYSTEM_SIZE);
		return -EINVAL;
	}
	if (!drm_dev_enter(drm, &index))
		return -ENODEV;
	args->value = read_param(vf, args->param);
	drm_dev_exit(index);
	return 0;
}

static const struct drm_ioctl_desc ioctls[] = {
	DRM_IOCTL_DEF_DRV(VGPU_GET_PARAM, ioctl_get_param, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGPU_GEM_CREATE, vgpu_vf_ioctl_gem_create, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGPU_GEM_INFO, vgpu_vf_ioctl_gem_info, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGPU_GEM_MMAP_OFFSET, vgpu_vf_ioctl_gem_mmap_offset,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGPU_VM_CREATE, vgpu_vf_ioctl_vm_create, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGPU_VM_DESTROY, vgpu_vf_ioctl_vm_destroy, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGPU_VM_BIND, vgpu_vf_ioctl_vm_bind, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGPU_QUEUE_CREATE, vgpu_vf_ioctl_queue_create, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGPU_QUEUE_DESTROY, vgpu_vf_ioctl_queue_destroy,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGPU_QUEUE_STATE, vgpu_vf_ioctl_queue_state, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VGPU_SUBMIT, vgpu_vf_ioctl_submit, DRM_RENDER_ALLOW),
};

/*
 * A device that has not answered for long may come back by a reset. Until then its files
 * are as those of one that is not bound any more, which DRM refuses by itself.
 */
static bool is_gone(struct file *filp)
{
	struct drm_file *file = filp->private_data;

	return READ_ONCE(to_vgpu_vf(file->minor->dev)->closed) == -ENODEV;
}

static long unlocked_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return is_gone(filp) ? -ENODEV : drm_ioctl(filp, cmd, arg);
}

#ifdef CONFIG_COMPAT
static long compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return is_gone(filp) ? -ENODEV : drm_compat_ioctl(filp, cmd, arg);
}
#endif

static const struct file_operations file_ops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = drm_release,
	.unlocked_ioctl = unlocked_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = compat_ioctl,
#endif
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.mmap = drm_gem_mmap,
	.fop_flags = FOP_UNSIGNED_OFFSET,
	.show_fdinfo = drm_show_fdinfo,
};

static const struct drm_driver drm_driver = {
	.driver_features = DRIVER_RENDER | DRIVER_GEM | DRIVER_GEM_GPUVA |
			   DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE,
	.open = vgpu_vf_file_open,
	.postclose = vgpu_vf_file_close,
	.gem_prime_import = vgpu_vf_prime_import,
	.ioctls = ioctls,
	.num_ioctls = ARRAY_SIZE(ioctls),
	.fops = &file_ops,
	.show_fdinfo = vgpu_vf_show_fdinfo,
#ifdef CONFIG_DEBUG_FS
	.debugfs_init = vgpu_vf_show_debugfs_init,
#endif
	.name = "vgpu",
	.desc = "vgpu virtual function",
	.major = 1,
	.minor = 0,
};

/**
 * vgpu_vf_create() - a function of which nothing is known yet
 * @dev: what the driver binds to
 * @pdev: the function
 * @pf: how to speak to its PF
 *
 * Return: it lives as long as @dev is bound at least; or an errno as ERR_PTR
 */
struct vgpu_vf *vgpu_vf_create(struct device *dev, struct pci_dev *pdev,
			       const struct vgpu_vf_pf_ops *pf)
{
	struct vgpu_vf *vf;
	int ret;

	vf = devm_drm_dev_alloc(dev, &drm_driver, struct vgpu_vf, drm);
	if (IS_ERR(vf))
		return vf;
	vf->pdev = pci_dev_get(pdev);
	vf->pf = pf;
	init_rwsem(&vf->access);
	vf->closed = -EIO;
	atomic_inc(&alive);
	ret = drmm_add_action_or_reset(&vf->drm, end_life, pdev);
	return ret ? ERR_PTR(ret) : vf;
}

static int map_registers(struct vgpu_vf *vf)
{
	u32 id, revision;

	vf->regs = pcim_iomap_region(vf->pdev, VGPU_BAR_REGS, "vgpu_vf registers");
	if (IS_ERR(vf->regs))
		return PTR_ERR(vf->regs);
	id = readl(vf->regs + VGPU_REG_ID);
	revision = readl(vf->regs + VGPU_REG_REVISION);
	if (id != VGPU_ID_VALUE || VGPU_FIELD_GET(VGPU_REVISION_MAJOR, revision) != 1) {
		drm_err(&vf->drm, "id %#x, revision %#x: not %#x, 1.x\n", id, revision,
			VGPU_ID_VALUE);
		return -ENODEV;
	}
	vf->ring_count = VGPU_FIELD_GET(VGPU_LIMITS_RINGS, readl(vf->regs + VGPU_REG_LIMITS));
	return 0;
}

/* Mailbox, faults, and all that can be wrong with the device. */
static irqreturn_t function_interrupt(int irq, void *data)
{
	struct vgpu_vf *vf = data;

	vgpu_vf_mailbox_interrupt(vf);
	if (readl(vf->regs + VGPU_REG_STATUS) & VGPU_STATUS_HALTED)
		vgpu_vf_recovery_attend(vf);
	return IRQ_HANDLED;
}

/* After an FLR the PF gives VRAM back when it is clean; no interrupt tells. */
static int wait_for_flr(struct vgpu_vf *vf)
{
	u32 status;
	int ret;

	ret = readl_poll_timeout(vf->regs + VGPU_REG_STATUS, status,
				 !(status & VGPU_STATUS_FLR), FLR_POLL_US, FLR_TIMEOUT_US);
	if (ret)
		drm_err(&vf->drm, "the PF has not cleaned up after an FLR in %u s\n",
			FLR_TIMEOUT_US / (unsigned int)USEC_PER_SEC);
	return ret;
}

/**
 * vgpu_vf_request_vectors() - have the function's interrupts handled
 * @vf: the function, initialised; its vectors are allocated
 * @rings: it has vectors for so many
 *
 * Return: of how many rings interrupts are handled, at least 1; or an errno
 */
int vgpu_vf_request_vectors(struct vgpu_vf *vf, unsigned int rings)
{
	struct device *dev = vf->drm.dev;
	unsigned int i;
	int ret;

	ret = devm_request_irq(dev, pci_irq_vector(vf->pdev, VGPU_VECTOR_FUNCTION),
			       function_interrupt, 0, "vgpu_vf", vf);
	if (ret)
		return ret;
	for (i = 0; i < rings; i++) {
		ret = devm_request_threaded_irq(dev,
						pci_irq_vector(vf->pdev, VGPU_VECTOR_RING(i)),
						vgpu_vf_ring_interrupt, vgpu_vf_ring_thread, 0,
						vf->rings[i].name, &vf->rings[i]);
		if (ret)
			break;
	}
	return i ?: ret;
}

/* One ring is enough to work, if there are not enough vectors for all. */
static int request_interrupts(struct vgpu_vf *vf)
{
	int ret;

	ret = pci_alloc_irq_vectors(vf->pdev, VGPU_VECTOR_RING(1),
				    VGPU_VECTOR_RING(vf->ring_count), PCI_IRQ_MSIX);
	if (ret > 0)
		ret = vgpu_vf_request_vectors(vf, ret - VGPU_VECTOR_RING(0));
	if (ret < 0) {
		drm_err(&vf->drm, "no interrupt vectors: %pe; max_rings=1 needs fewest\n",
			ERR_PTR(ret));
		return ret;
	}
	if (ret < vf->ring_count)
		drm_notice(&vf->drm, "interrupt vectors for %d of %u rings only\n", ret,
			   vf->ring_count);
	vf->ring_count = ret;
	return 0;
}

/**
 * vgpu_vf_prepare() - all but interrupts
 * @vf: the function; its registers are mapped, and it is known what it has
 *
 * Return: 0 or an errno
 */
int vgpu_vf_prepare(struct vgpu_vf *vf)
{
	return vgpu_vf_mailbox_init(vf) ?:
	       vgpu_vf_recovery_init(vf) ?:
	       vgpu_vf_vram_init(vf) ?:
	       vgpu_vf_memory_init(vf) ?:
	       vgpu_vf_vms_init(vf) ?:
	       vgpu_vf_coredump_init(vf) ?:
	       vgpu_vf_rings_init(vf);
}

/**
 * vgpu_vf_bring_up() - open the function and let others know
 * @vf: the function, initialised; interrupts and bus mastering are set up
 *
 * Return: 0; or an errno, then it is shut down
 */
int vgpu_vf_bring_up(struct vgpu_vf *vf)
{
	int ret;

	ret = vgpu_vf_open(vf);
	if (ret)
		goto shut_down;
	ret = drm_dev_register(&vf->drm, 0);
	if (ret)
		goto shut_down;
	drm_info(&vf->drm, "%llu MiB of VRAM, %u rings, quantum %llu µs\n",
		 vf->vram.size >> 20, vf->ring_count, vf->quantum_ns / NSEC_PER_USEC);
	return 0;

shut_down:
	vgpu_vf_shut_down(vf);
	vgpu_vf_memory_unplug(vf);
	return dev_err_probe(vf->drm.dev, ret, "cannot start the function\n");
}

static bool in_use(struct vgpu_vf *vf)
{
	unsigned int i;

	if (readl(vf->regs + VGPU_REG_STATUS) & VGPU_STATUS_OPEN)
		return true;
	for (i = 0; i < vf->ring_count; i++) {
		if (readl(vf->regs + VGPU_REG_RING(i) + VGPU_RING_STATUS) != VGPU_RING_DISABLED)
			return true;
	}
	return false;
}

/*
 * Who had the function before may have left it at work, and its data in VRAM: vfio-pci
 * does not reset one that is unbound while its user is still there. The locked reset of
 * the PCI core would call this driver, which has nothing yet that it could lose.
 */
static int reset_leftovers(struct vgpu_vf *vf)
{
	int ret;

	if (!in_use(vf))
		return 0;
	drm_notice(&vf->drm, "left open by its last user: reset\n");
	pci_save_state(vf->pdev);
	ret = pcie_reset_flr(vf->pdev, PCI_RESET_DO_RESET);
	pci_restore_state(vf->pdev);
	return ret ?: wait_for_flr(vf);
}

static int identify(struct vgpu_vf *vf)
{
	int ret;

	ret = map_registers(vf) ?: wait_for_flr(vf) ?: reset_leftovers(vf);
	if (!ret)
		vf->vram.size = readq(vf->regs + VGPU_REG_VRAM_SIZE);
	return ret;
}

/* What the engine may still write must not arrive. */
static void leave(struct vgpu_vf *vf)
{
	vgpu_vf_shut_down(vf);
	pci_clear_master(vf->pdev);
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vgpu_vf *vf;
	int ret;

	vf = vgpu_vf_create(&pdev->dev, pdev, &vgpu_vf_mailbox_ops);
	if (IS_ERR(vf))
		return PTR_ERR(vf);
	pci_set_drvdata(pdev, vf);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(52));
	if (ret)
		return ret;
	ret = identify(vf) ?: vgpu_vf_prepare(vf) ?: request_interrupts(vf);
	if (ret)
		return ret;

	pci_set_master(pdev);
	ret = vgpu_vf_bring_up(vf);
	if (ret) {
		pci_clear_master(pdev);
		return ret;
	}
	/* For slot_reset(): interrupts and bus mastering are set up. */
	pci_save_state(pdev);
	return 0;
}

static void remove(struct pci_dev *pdev)
{
	struct vgpu_vf *vf = pci_get_drvdata(pdev);

	drm_dev_unplug(&vf->drm);
	leave(vf);
	vgpu_vf_memory_unplug(vf);
}

static void shutdown(struct pci_dev *pdev)
{
	leave(pci_get_drvdata(pdev));
}

/*
 * Function level reset. The function is closed until the PF has cleaned up,
 * which it does before it answers the handshake.
 */
static void lose(struct vgpu_vf *vf)
{
	vgpu_vf_recovery_pause(vf);
	if (vf->closed != -ENODEV)
		vgpu_vf_close(vf, -EIO);
	down_write(&vf->access);
	vgpu_vf_vms_lose(vf);
}

static void regain(struct vgpu_vf *vf)
{
	int ret;

	/* What the PF said of the function as it was before. */
	WRITE_ONCE(vf->recovery.closed_by_pf, false);
	ret = vgpu_vf_open(vf);
	up_write(&vf->access);
	vgpu_vf_recovery_resume(vf);
	if (!ret)
		return;
	drm_err(&vf->drm, "closed after a reset: %pe\n", ERR_PTR(ret));
	vgpu_vf_recovery_reopen(vf);
}

static void reset_prepare(struct pci_dev *pdev)
{
	lose(pci_get_drvdata(pdev));
}

static void reset_done(struct pci_dev *pdev)
{
	regain(pci_get_drvdata(pdev));
}

/* VRAM does not survive, so what is in there moves out: this waits for its jobs. */
static int suspend(struct device *dev)
{
	struct vgpu_vf *vf = dev_get_drvdata(dev);
	int ret;

	ret = vgpu_vf_memory_evict(vf);
	if (ret) {
		drm_err(&vf->drm, "cannot save VRAM: %pe\n", ERR_PTR(ret));
		return ret;
	}
	vf->saved = true;
	if (!vf->closed)
		ret = vf->pf->stop(vf);
	if (ret && ret != -EALREADY)
		drm_warn(&vf->drm, "the PF did not stop the function: %pe\n", ERR_PTR(ret));
	lose(vf);
	/* Another task may resume. Whoever would come in between is frozen. */
	up_write(&vf->access);
	return 0;
}

static int resume(struct device *dev)
{
	struct vgpu_vf *vf = dev_get_drvdata(dev);

	down_write(&vf->access);
	regain(vf);
	vf->saved = false;
	return 0;
}

DEFINE_SIMPLE_DEV_PM_OPS(vgpu_vf_pm_ops, suspend, resume);

/* A bus error of the PF or of this function: a reset follows, or the end. */
static pci_ers_result_t error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct vgpu_vf *vf = pci_get_drvdata(pdev);

	if (state == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	vgpu_vf_recovery_pause(vf);
	vf->frozen = true;
	vgpu_vf_vms_lose(vf);
	if (state == pci_channel_io_perm_failure) {
		vgpu_vf_close(vf, -ENODEV);
		return PCI_ERS_RESULT_DISCONNECT;
	}
	if (vf->closed != -ENODEV)
		vgpu_vf_close(vf, -EIO);
	return PCI_ERS_RESULT_NEED_RESET;
}

/* In a host the PF comes first: this function exists again. */
static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	pci_restore_state(pdev);
	pci_save_state(pdev);
	return PCI_ERS_RESULT_RECOVERED;
}

static void error_resume(struct pci_dev *pdev)
{
	struct vgpu_vf *vf = pci_get_drvdata(pdev);

	if (!vf->frozen)
		return;
	vf->frozen = false;
	down_write(&vf->access);
	regain(vf);
}

static const struct pci_error_handlers error_handlers = {
	.error_detected = error_detected,
	.slot_reset = slot_reset,
	.resume = error_resume,
	.reset_prepare = reset_prepare,
	.reset_done = reset_done,
};

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(VGPU_PCI_VENDOR, VGPU_PCI_DEVICE_VF) },
	{}
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
	.name = "vgpu_vf",
	.id_table = ids,
	.probe = probe,
	.remove = remove,
	.shutdown = shutdown,
	.err_handler = &error_handlers,
	.driver.pm = pm_sleep_ptr(&vgpu_vf_pm_ops),
};

static int __init vgpu_vf_init(void)
{
	int ret;

	vgpu_vf_workqueue = alloc_workqueue("vgpu_vf", WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (!vgpu_vf_workqueue)
		return -ENOMEM;
	ret = vgpu_vf_jobs_init();
	if (ret)
		goto destroy_queue;
	ret = vgpu_vf_sched_events_find();
	if (ret)
		goto jobs_fini;
	ret = pci_register_driver(&driver);
	if (ret)
		goto jobs_fini;
	ret = vgpu_vf_physical_register();
	if (ret)
		goto unregister;
	return 0;

unregister:
	pci_unregister_driver(&driver);
jobs_fini:
	vgpu_vf_jobs_fini();
destroy_queue:
	destroy_workqueue(vgpu_vf_workqueue);
	return ret;
}

/*
 * No file is open and no fence exists, or the module could not go. Jobs of
 * closed files may still be on their way out; all have failed by now.
 */
static void __exit vgpu_vf_exit(void)
{
	vgpu_vf_physical_unregister();
	pci_unregister_driver(&driver);
	wait_event(none_alive, !atomic_read(&alive));
	destroy_workqueue(vgpu_vf_workqueue);
	vgpu_vf_jobs_fini();
}

module_init(vgpu_vf_init);
module_exit(vgpu_vf_exit);

MODULE_DESCRIPTION("vgpu virtual function");
MODULE_LICENSE("GPL");

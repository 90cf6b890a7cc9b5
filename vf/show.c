// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be seen from outside: fdinfo for everybody; in debugfs, dri/…/vgpu_vf and
 * dri/…/queues for who debugs.
 */
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "bo.h"
#include "device.h"
#include "file.h"
#include "job.h"
#include "queue.h"
#include "show.h"

/* With the clock that GPU time is counted by: a guest's own may run differently. */
static void show_engines(struct drm_printer *printer, struct vgpu_vf_file *file)
{
	struct vgpu_vf *vf = file->vf;
	unsigned int i;
	u64 taken;

	for (i = 0; i < vf->ring_count; i++) {
		taken = vgpu_vf_ring_gpu_time(&vf->rings[i], file);
		drm_printf(printer, "drm-engine-%s:\t%llu ns\n", vf->rings[i].name, taken);
		drm_printf(printer, "drm-cycles-%s:\t%llu\n", vf->rings[i].name, taken);
		drm_printf(printer, "drm-total-cycles-%s:\t%llu\n", vf->rings[i].name,
			   readq(vf->regs + VGPU_REG_CLOCK));
	}
}

/**
 * vgpu_vf_show_fdinfo() - Documentation/gpu/drm-usage-stats.rst
 * @printer: where to
 * @drm_file: which file
 *
 * An engine is a ring. Its time is GPU time between the begin and the end of
 * jobs, in which rings of the same function may have had turns, too. A cycle is a
 * nanosecond of the device's clock.
 */
void vgpu_vf_show_fdinfo(struct drm_printer *printer, struct drm_file *drm_file)
{
	struct vgpu_vf_file *file = drm_file->driver_priv;
	int index;

	/* DRM tells only that of the device that is bound. */
	if (!dev_is_pci(file->vf->drm.dev))
		drm_printf(printer, "drm-pdev:\t%s\n", pci_name(file->vf->pdev));
	if (drm_dev_enter(&file->vf->drm, &index)) {
		show_engines(printer, file);
		drm_dev_exit(index);
	}
	vgpu_vf_bo_show_memory(printer, drm_file);
}

static const char *state_of(struct vgpu_vf *vf)
{
	switch (vf->closed) {
	case 0:
		return "open";
	case -ENODEV:
		return "gone";
	default:
		return "closed";
	}
}

static void show_ring(struct seq_file *file, struct vgpu_vf_ring *ring)
{
	spin_lock_irq(&ring->lock);
	seq_printf(file, "%s: status %u head %llu tail %llu fault %#x in ring %zu completed %llu failed %llu\n",
		   ring->name, readl(ring->regs + VGPU_RING_STATUS),
		   readq(ring->regs + VGPU_RING_HEAD), ring->tail,
		   readl(ring->regs + VGPU_RING_FAULT), list_count_nodes(&ring->jobs),
		   ring->completed, ring->failed);
	spin_unlock_irq(&ring->lock);
}

static int show(struct seq_file *file, void *data)
{
	struct drm_debugfs_entry *entry = file->private;
	struct vgpu_vf *vf = to_vgpu_vf(entry->dev);
	unsigned int i;
	int index;

	if (!drm_dev_enter(&vf->drm, &index))
		return -ENODEV;
	seq_printf(file, "function: %u\nstate: %s\n", readl(vf->regs + VGPU_REG_FUNCTION),
		   state_of(vf));
	seq_printf(file, "mailbox: %u.%u\n", vf->mailbox.major, vf->mailbox.minor);
	seq_printf(file, "quantum: %llu ns\npreempt timeout: %llu ns\n", vf->quantum_ns,
		   vf->preempt_timeout_ns);
	seq_printf(file, "vram: %llu bytes, %llu free, lost %llu times\n", vf->vram.size,
		   vgpu_vf_vram_available(vf), vf->vram_lost);
	seq_printf(file, "gpu time: %llu ns\n", readq(vf->regs + VGPU_REG_GPU_TIME));
	seq_printf(file, "faults: %llu\ntimeouts: %llu\n", vf->recovery.faults,
		   vf->recovery.timeouts);
	for (i = 0; i < vf->ring_count; i++)
		show_ring(file, &vf->rings[i]);
	drm_dev_exit(index);
	return 0;
}

static const char *const priority_names[DRM_SCHED_PRIORITY_COUNT] = {
	[DRM_SCHED_PRIORITY_HIGH] = "high",
	[DRM_SCHED_PRIORITY_NORMAL] = "normal",
	[DRM_SCHED_PRIORITY_LOW] = "low",
};

static void show_queue(struct seq_file *file, struct vgpu_vf_queue *queue)
{
	struct vgpu_vf_ring *ring = queue->ring;

	spin_lock_irq(&ring->lock);
	seq_printf(file, "client %llu queue %u: %s vm %u priority %s process %s [%d] waiting %u in ring %u direct %llu completed %llu failed %llu lost %llu gpu time %llu ns%s\n",
		   queue->client_id, queue->id, ring->name, queue->vm->id,
		   priority_names[queue->entity.priority], queue->comm, queue->pid,
		   spsc_queue_count(&queue->entity.job_queue), queue->in_ring,
		   queue->direct, queue->completed, queue->failed, queue->lost, queue->gpu_ns,
		   queue->banned ? " banned" : "");
	spin_unlock_irq(&ring->lock);
}

static int show_queues(struct seq_file *file, void *data)
{
	struct drm_debugfs_entry *entry = file->private;
	struct vgpu_vf *vf = to_vgpu_vf(entry->dev);
	struct vgpu_vf_queue *queue;
	unsigned int i;

	for (i = 0; i < vf->ring_count; i++) {
		guard(mutex)(&vf->rings[i].queues_lock);
		list_for_each_entry(queue, &vf->rings[i].queues, link)
			show_queue(file, queue);
	}
	return 0;
}

/**
 * vgpu_vf_show_debugfs_init() - make the files
 * @minor: where
 */
void vgpu_vf_show_debugfs_init(struct drm_minor *minor)
{
	drm_debugfs_add_file(minor->dev, "vgpu_vf", show, NULL);
	drm_debugfs_add_file(minor->dev, "queues", show_queues, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be seen from outside: fdinfo for everybody, dri/…/vgpu_vf in debugfs
 * for who debugs.
 */
#include <linux/io.h>
#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include "context.h"
#include "device.h"
#include "show.h"

static int add_object(int id, void *ptr, void *data)
{
	struct drm_gem_object *obj = ptr;
	struct drm_memory_stats *stats = data;

	if (!obj)
		return 0;
	if (obj->handle_count > 1)
		stats->shared += obj->size;
	else
		stats->private += obj->size;
	stats->resident += obj->size;
	return 0;
}

/**
 * vgpu_vf_show_fdinfo() - Documentation/gpu/drm-usage-stats.rst
 * @printer: where to
 * @file: which file
 *
 * An engine is a ring. Its time is GPU time between the begin and the end of
 * jobs, in which rings of the same function may have had turns, too.
 */
void vgpu_vf_show_fdinfo(struct drm_printer *printer, struct drm_file *file)
{
	struct vgpu_vf_context *context = file->driver_priv;
	struct drm_memory_stats stats = {};
	unsigned int i;

	for (i = 0; i < context->vf->ring_count; i++)
		drm_printf(printer, "drm-engine-%s:\t%lld ns\n", context->vf->rings[i].name,
			   atomic64_read(&context->gpu_ns[i]));
	spin_lock(&file->table_lock);
	idr_for_each(&file->object_idr, add_object, &stats);
	spin_unlock(&file->table_lock);
	drm_print_memory_stats(printer, &stats, DRM_GEM_OBJECT_RESIDENT, "vram");
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
	seq_printf(file, "%s: status %u head %llu tail %llu fault %#x completed %llu failed %llu\n",
		   ring->name, readl(ring->regs + VGPU_RING_STATUS),
		   readq(ring->regs + VGPU_RING_HEAD), ring->tail,
		   readl(ring->regs + VGPU_RING_FAULT), ring->completed, ring->failed);
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

/**
 * vgpu_vf_show_debugfs_init() - make the file
 * @minor: where
 */
void vgpu_vf_show_debugfs_init(struct drm_minor *minor)
{
	drm_debugfs_add_file(minor->dev, "vgpu_vf", show, NULL);
}

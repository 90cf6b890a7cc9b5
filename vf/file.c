// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files: an open render node, its address spaces and its queues.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include "device.h"
#include "file.h"
#include "queue.h"
#include "vm.h"

static void file_free(struct kref *refs)
{
	struct vgpu_vf_file *file = container_of(refs, struct vgpu_vf_file, refs);

	xa_destroy(&file->queues);
	xa_destroy(&file->vms);
	kfree(file);
}

/**
 * vgpu_vf_file_get() - take one more reference
 * @file: the file
 *
 * Return: @file
 */
struct vgpu_vf_file *vgpu_vf_file_get(struct vgpu_vf_file *file)
{
	kref_get(&file->refs);
	return file;
}

/**
 * vgpu_vf_file_put() - drop a reference, where a spinlock may not be held
 * @file: the file
 */
void vgpu_vf_file_put(struct vgpu_vf_file *file)
{
	kref_put(&file->refs, file_free);
}

/**
 * vgpu_vf_file_open() - a process opens the render node
 * @drm: the device
 * @drm_file: what it gets
 *
 * Return: 0 or -ENOMEM
 */
int vgpu_vf_file_open(struct drm_device *drm, struct drm_file *drm_file)
{
	struct vgpu_vf_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);

	if (!file)
		return -ENOMEM;
	kref_init(&file->refs);
	file->vf = to_vgpu_vf(drm);
	file->client_id = drm_file->client_id;
	xa_init_flags(&file->vms, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init_flags(&file->queues, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	drm_file->driver_priv = file;
	return 0;
}

/**
 * vgpu_vf_file_close() - the last descriptor of an open render node is gone
 * @drm: the device
 * @drm_file: what it was
 *
 * Nobody else uses the file any more, so what has numbers in it does not change.
 * Queues first: their VMs go when their jobs have ended, to which they run unless the
 * process has been killed.
 */
void vgpu_vf_file_close(struct drm_device *drm, struct drm_file *drm_file)
{
	struct vgpu_vf_file *file = drm_file->driver_priv;
	struct vgpu_vf_queue *queue;
	struct vgpu_vf_vm *vm;
	unsigned long id;

	/* The low bits are the signal. */
	if (current->flags & PF_EXITING && current->exit_code & 0x7f)
		vgpu_vf_queues_kill(file);
	xa_for_each(&file->queues, id, queue) {
		xa_erase(&file->queues, id);
		vgpu_vf_queue_put(queue);
	}
	xa_for_each(&file->vms, id, vm) {
		xa_erase(&file->vms, id);
		vgpu_vf_vm_close(vm);
	}
	vgpu_vf_file_put(file);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues: where the jobs of one VM wait for one ring.
 *
 *   QUEUE_CREATE --> in the file --- QUEUE_DESTROY, end of the file --> no number
 *                                                                          |
 *                                    freed <--- the last job has ended ----+
 *
 * A job that is to blame for a fault or a hang bans its queue: ring.c takes away
 * what of it is in the ring, and refuses what still comes.
 */
#include <linux/capability.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>
#include <drm/vgpu_drm.h>

#include "device.h"
#include "driver.h"
#include "file.h"
#include "queue.h"
#include "ring.h"

static const enum drm_sched_priority priorities[] = {
	[DRM_VGPU_PRIORITY_NORMAL] = DRM_SCHED_PRIORITY_NORMAL,
	[DRM_VGPU_PRIORITY_LOW] = DRM_SCHED_PRIORITY_LOW,
	[DRM_VGPU_PRIORITY_HIGH] = DRM_SCHED_PRIORITY_HIGH,
};

static void release(struct work_struct *work)
{
	struct vgpu_vf_queue *queue = container_of(work, struct vgpu_vf_queue, release);
	struct vgpu_vf *vf = queue->vm->vf;

	/* With it the ring. */
	drm_dev_get(&vf->drm);
	drm_sched_entity_fini(&queue->entity);
	scoped_guard(mutex, &queue->ring->queues_lock)
		list_del(&queue->link);
	vgpu_vf_file_put(queue->file);
	/* Departures are without a gap: the VM's may begin here. */
	vgpu_vf_vm_put(queue->vm);
	vgpu_vf_memory_departed(vf, &queue->departure);
	kfree(queue);
	drm_dev_put(&vf->drm);
}

static void queue_release(struct kref *refs)
{
	struct vgpu_vf_queue *queue = container_of(refs, struct vgpu_vf_queue, refs);

	vgpu_vf_memory_depart(queue->vm->vf, &queue->departure);
	queue_work(vgpu_vf_workqueue, &queue->release);
}

/**
 * vgpu_vf_queue_get() - take one more reference
 * @queue: the queue
 *
 * Return: @queue
 */
struct vgpu_vf_queue *vgpu_vf_queue_get(struct vgpu_vf_queue *queue)
{
	kref_get(&queue->refs);
	return queue;
}

/**
 * vgpu_vf_queue_put() - drop a reference, anywhere
 * @queue: the queue
 */
void vgpu_vf_queue_put(struct vgpu_vf_queue *queue)
{
	kref_put(&queue->refs, queue_release);
}

/**
 * vgpu_vf_queue_lookup() - find a queue by its number
 * @file: whose
 * @id: the number
 *
 * Return: a reference, or NULL
 */
struct vgpu_vf_queue *vgpu_vf_queue_lookup(struct vgpu_vf_file *file, u32 id)
{
	struct vgpu_vf_queue *queue;

	xa_lock(&file->queues);
	queue = xa_load(&file->queues, id);
	if (queue)
		kref_get(&queue->refs);
	xa_unlock(&file->queues);
	if (!queue)
		drm_dbg(&file->vf->drm, "no queue has the number %u\n", id);
	return queue;
}

/*
 * The process must not be in the way of others. A queue without references has no jobs,
 * and drm_sched's part of it is being ended already.
 *
 * Of an entity that is ended while drm_sched's worker takes one of several jobs from it the
 * worker would put a node back into the tree of entities, for ever (Linux 6.12,
 * drm_sched_entity_pop_job()). So it is stopped; one at a time does that.
 */
static void kill_queue(struct vgpu_vf_queue *queue)
{
	lockdep_assert_held(&queue->ring->queues_lock);
	if (!kref_get_unless_zero(&queue->refs))
		return;
	drm_sched_wqueue_stop(&queue->ring->sched);
	drm_sched_entity_fini(&queue->entity);
	drm_sched_wqueue_start(&queue->ring->sched);
	vgpu_vf_ring_kill(queue);
	vgpu_vf_queue_put(queue);
}

/**
 * vgpu_vf_queues_kill() - the process was killed: its jobs are to end
 * @file: is being closed
 *
 * Those of queues that it has destroyed, too.
 */
void vgpu_vf_queues_kill(struct vgpu_vf_file *file)
{
	struct vgpu_vf_ring *ring = file->vf->rings, *end = ring + file->vf->ring_count;
	struct vgpu_vf_queue *queue;

	for (; ring < end; ring++) {
		guard(mutex)(&ring->queues_lock);
		list_for_each_entry(queue, &ring->queues, link)
			if (queue->file == file)
				kill_queue(queue);
	}
}

static int check_create(struct vgpu_vf *vf, const struct drm_vgpu_queue_create *args)
{
	if (args->flags || args->pad) {
		drm_dbg(&vf->drm, "QUEUE_CREATE: flags %#x, pad %#x: not 0\n", args->flags,
			args->pad);
		return -EINVAL;
	}
	if (args->ring >= vf->ring_count) {
		drm_dbg(&vf->drm, "QUEUE_CREATE: ring %u: not 0…%u\n", args->ring,
			vf->ring_count - 1);
		return -EINVAL;
	}
	if (args->priority >= ARRAY_SIZE(priorities)) {
		drm_dbg(&vf->drm, "QUEUE_CREATE: priority %u: not 0…%zu\n", args->priority,
			ARRAY_SIZE(priorities) - 1);
		return -EINVAL;
	}
	if (args->priority == DRM_VGPU_PRIORITY_HIGH && !capable(CAP_SYS_NICE)) {
		drm_dbg(&vf->drm, "QUEUE_CREATE: priority HIGH needs CAP_SYS_NICE\n");
		return -EACCES;
	}
	return 0;
}

static int entity_init(struct vgpu_vf_queue *queue, u32 priority)
{
	struct drm_gpu_scheduler *sched = &queue->ring->sched;

	priority = array_index_nospec(priority, ARRAY_SIZE(priorities));
	return drm_sched_entity_init(&queue->entity, priorities[priority], &sched, 1, NULL);
}

/* Takes the reference of @vm, unless it fails. */
static struct vgpu_vf_queue *create(struct vgpu_vf *vf, struct vgpu_vf_file *file,
				    struct vgpu_vf_vm *vm,
				    const struct drm_vgpu_queue_create *args)
{
	struct vgpu_vf_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);
	int ret;

	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->ring = &vf->rings[array_index_nospec(args->ring, vf->ring_count)];
	ret = entity_init(queue, args->priority);
	if (ret) {
		kfree(queue);
		return ERR_PTR(ret);
	}
	kref_init(&queue->refs);
	INIT_LIST_HEAD(&queue->departure.link);
	INIT_WORK(&queue->release, release);
	queue->vm = vm;
	queue->file = vgpu_vf_file_get(file);
	queue->client_id = file->client_id;
	queue->pid = task_tgid_nr(current);
	get_task_comm(queue->comm, current);
	guard(mutex)(&queue->ring->queues_lock);
	list_add_tail(&queue->link, &queue->ring->queues);
	return queue;
}

/* From here on the process can use it, and destroy it. */
static int publish(struct vgpu_vf_queue *queue, u32 *id)
{
	struct vgpu_vf_file *file = queue->file;
	int ret;

	vgpu_vf_queue_get(queue);
	ret = xa_alloc(&file->queues, &queue->id, queue,
		       XA_LIMIT(1, VGPU_VF_FILE_QUEUES), GFP_KERNEL);
	*id = queue->id;
	if (ret) {
		vgpu_vf_queue_put(queue);
		if (ret == -EBUSY) {
			drm_dbg(&file->vf->drm, "QUEUE_CREATE: all %u numbers are in use\n",
				VGPU_VF_FILE_QUEUES);
			ret = -ENOSPC;
		}
	}
	vgpu_vf_queue_put(queue);
	return ret;
}

/**
 * vgpu_vf_ioctl_queue_create() - DRM_IOCTL_VGPU_QUEUE_CREATE
 * @drm: the device
 * @data: struct drm_vgpu_queue_create
 * @file: who calls
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ioctl_queue_create(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct vgpu_vf *vf = to_vgpu_vf(drm);
	struct drm_vgpu_queue_create *args = data;
	struct vgpu_vf_queue *queue;
	struct vgpu_vf_vm *vm;
	int ret;

	ret = check_create(vf, args);
	if (ret)
		return ret;
	vm = vgpu_vf_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm) {
		drm_dbg(drm, "QUEUE_CREATE: no VM has the number %u\n", args->vm_id);
		return -ENOENT;
	}
	queue = create(vf, file->driver_priv, vm, args);
	if (IS_ERR(queue)) {
		vgpu_vf_vm_put(vm);
		return PTR_ERR(queue);
	}
	return publish(queue, &args->queue_id);
}

/**
 * vgpu_vf_ioctl_queue_destroy() - DRM_IOCTL_VGPU_QUEUE_DESTROY
 * @drm: the device
 * @data: struct drm_vgpu_queue_destroy
 * @file: who calls
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ioctl_queue_destroy(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct vgpu_vf_file *owner = file->driver_priv;
	struct drm_vgpu_queue_destroy *args = data;
	struct vgpu_vf_queue *queue;

	if (args->pad) {
		drm_dbg(drm, "QUEUE_DESTROY: pad %#x: not 0\n", args->pad);
		return -EINVAL;
	}
	queue = xa_erase(&owner->queues, args->queue_id);
	if (!queue) {
		drm_dbg(drm, "QUEUE_DESTROY: no queue has the number %u\n", args->queue_id);
		return -ENOENT;
	}
	vgpu_vf_queue_put(queue);
	return 0;
}

/**
 * vgpu_vf_ioctl_queue_state() - DRM_IOCTL_VGPU_QUEUE_STATE
 * @drm: the device
 * @data: struct drm_vgpu_queue_state
 * @file: who calls
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ioctl_queue_state(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_vgpu_queue_state *args = data;
	struct vgpu_vf_queue *queue;

	if (args->flags) {
		drm_dbg(drm, "QUEUE_STATE: flags %#x: not 0\n", args->flags);
		return -EINVAL;
	}
	queue = vgpu_vf_queue_lookup(file->driver_priv, args->queue_id);
	if (!queue)
		return -ENOENT;
	spin_lock_irq(&queue->ring->lock);
	args->flags = (queue->banned ? DRM_VGPU_QUEUE_BANNED : 0) |
		      (queue->lost ? DRM_VGPU_QUEUE_LOST : 0);
	args->error = queue->error;
	args->fault = queue->fault;
	args->fault_addr = queue->fault_addr;
	args->gpu_time = queue->gpu_ns;
	args->lost = queue->lost;
	spin_unlock_irq(&queue->ring->lock);
	vgpu_vf_queue_put(queue);
	return 0;
}

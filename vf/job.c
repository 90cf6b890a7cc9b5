// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs: DRM_IOCTL_VGPU_SUBMIT, and what drm_sched does with them.
 *
 *   copied, checked, everything allocated ---> armed ---------> in the ring ---> freed
 *            |          ioctl               cannot fail |            ^
 *            +---> freed, nothing has happened          +--> pushed -+ by drm_sched
 *
 * A job and its fence are one object, of a cache of their own.
 *
 * drm_sched's own timeout is not used: see recovery.c.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "device.h"
#include "driver.h"
#include "file.h"
#include "job.h"
#include "memory.h"
#include "queue.h"

/* sizeof(struct drm_vgpu_job) in its first version */
#define JOB_BYTES_MIN	56
#define JOB_BYTES_MAX	SZ_4K

static struct kmem_cache *jobs;

/* ------------------------------------------------------------------------ */
/* Life                                                                      */

/*
 * With a constructor the cache clears nothing, for which there is no need: each
 * field is set by who uses it first.
 */
static void construct(void *object)
{
	memset(object, 0, sizeof(struct vgpu_vf_job));
}

/**
 * vgpu_vf_jobs_init() - when the module is loaded
 *
 * Return: 0 or -ENOMEM
 */
int vgpu_vf_jobs_init(void)
{
	jobs = kmem_cache_create_usercopy("vgpu_vf_job", sizeof(struct vgpu_vf_job), 0, 0,
					  offsetof(struct vgpu_vf_job, packets),
					  sizeof_field(struct vgpu_vf_job, packets),
					  construct);
	return jobs ? 0 : -ENOMEM;
}

/**
 * vgpu_vf_jobs_fini() - when the module goes: no job or fence exists
 */
void vgpu_vf_jobs_fini(void)
{
	/* Their memory may still be on its way. */
	rcu_barrier();
	kmem_cache_destroy(jobs);
}

static void job_free(struct rcu_head *head)
{
	kmem_cache_free(jobs, container_of(head, struct vgpu_vf_job, done.base.rcu));
}

/* Without packets, and of no scheduler yet. */
static struct vgpu_vf_job *job_create(struct vgpu_vf_queue *queue)
{
	struct vgpu_vf_job *job = kmem_cache_alloc(jobs, GFP_KERNEL);

	if (!job)
		return NULL;
	vgpu_vf_fence_hold(&job->done, &queue->vm->vf->drm, queue->ring->name, job_free);
	job->queue = vgpu_vf_queue_get(queue);
	job->base.s_fence = NULL;
	job->finished = NULL;
	job->outs = (struct vgpu_vf_out_syncs){};
	job->error = 0;
	job->count = 0;
	job->packet_count = 0;
	return job;
}

/* The fence may stay. */
static void job_destroy(struct vgpu_vf_job *job)
{
	if (job->base.s_fence)
		drm_sched_job_cleanup(&job->base);
	vgpu_vf_syncs_drop(&job->outs);
	vgpu_vf_queue_put(job->queue);
	vgpu_vf_fence_free(&job->done);
}

/* ------------------------------------------------------------------------ */
/* What drm_sched calls                                                      */

static struct vgpu_vf_job *to_job(struct drm_sched_job *base)
{
	return container_of(base, struct vgpu_vf_job, base);
}

static struct dma_fence *sched_run(struct drm_sched_job *base)
{
	struct vgpu_vf_job *job = to_job(base);
	bool cookie = dma_fence_begin_signalling();
	struct dma_fence *fence = vgpu_vf_ring_run(job->queue->ring, job);

	dma_fence_end_signalling(cookie);
	return fence;
}

/*
 * The job was refused by its ring, or killed before: drm_sched's fence of it has
 * no parent yet that would hold device and module.
 */
static void adopt(struct vgpu_vf_job *job)
{
	vgpu_vf_fence_init(&job->done, job->queue->ring->fence_context, 0);
	dma_fence_signal(&job->done.base);
	/* pairs with the acquire where drm_sched sets deadlines */
	smp_store_release(&job->base.s_fence->parent, dma_fence_get(&job->done.base));
}

static void sched_free(struct drm_sched_job *base)
{
	struct vgpu_vf_job *job = to_job(base);

	if (!base->s_fence->parent)
		adopt(job);
	job_destroy(job);
}

const struct drm_sched_backend_ops vgpu_vf_sched_ops = {
	.run_job = sched_run,
	.free_job = sched_free,
};

/* ------------------------------------------------------------------------ */
/* What goes past drm_sched                                                  */

/*
 * A job that waits for nothing, of a queue where nothing waits, goes into a ring that
 * is all but empty at once: to wake drm_sched's worker and to switch to it would take
 * longer than all the rest. (No other kind of workqueue is much cheaper, but WQ_BH, in
 * softirqs, which drm_sched's locks are not for.) Its fence is drm_sched's all the
 * same, so whoever waits for it, and the queue's jobs that do go through drm_sched,
 * see no difference.
 *
 * Returns false if it is not such a job, and nothing has happened. Else it is not
 * mine any more; the caller has references to the fence and the queue.
 */
static bool run_directly(struct vgpu_vf_job *job)
{
	struct drm_sched_fence *s_fence = job->base.s_fence;
	struct drm_sched_entity *entity = &job->queue->entity;
	struct dma_fence *done, *last;

	job->finished = dma_fence_get(&s_fence->finished);
	done = vgpu_vf_ring_run_directly(job->queue->ring, job);
	if (!done) {
		dma_fence_put(job->finished);
		job->finished = NULL;
		return false;
	}
	/* Nobody else knows it yet, so nobody has set a deadline. It holds the job. */
	s_fence->parent = done;
	dma_fence_signal(&s_fence->scheduled);
	/*
	 * When the process is killed, drm_sched ends what it has of the queue
	 * behind this fence. It does not look while it has nothing.
	 */
	last = rcu_replace_pointer(entity->last_scheduled, dma_fence_get(&s_fence->finished),
				   true);
	dma_fence_put(last);
	drm_sched_job_cleanup(&job->base);
	return true;
}

/**
 * vgpu_vf_job_finish() - the end of a job that has gone past drm_sched
 * @job: not in the ring any more; the ring's lock is held. May be freed with the
 *	caller's reference to its fence.
 * @error: of the job
 */
void vgpu_vf_job_finish(struct vgpu_vf_job *job, int error)
{
	if (error)
		dma_fence_set_error(job->finished, error);
	dma_fence_signal(job->finished);
	dma_fence_put(job->finished);
	vgpu_vf_queue_put(job->queue);
	vgpu_vf_fence_free(&job->done);
}

/* ------------------------------------------------------------------------ */
/* DRM_IOCTL_VGPU_SUBMIT                                                     */

static bool is_in_space(u64 addr, u64 bytes)
{
	return addr < BIT_ULL(VGPU_VA_BITS) - bytes;
}

static int check_job(struct vgpu_vf *vf, const struct drm_vgpu_job *args)
{
	bool fence = args->flags & DRM_VGPU_JOB_FENCE;

	if (args->flags & ~DRM_VGPU_JOB_FENCE) {
		drm_dbg(&vf->drm, "SUBMIT: flags %#x of a job: not some of %#x\n", args->flags,
			DRM_VGPU_JOB_FENCE);
		return -EINVAL;
	}
	if (args->command_count > VGPU_VF_JOB_COMMANDS) {
		drm_dbg(&vf->drm, "SUBMIT: %u commands: not at most %u\n", args->command_count,
			VGPU_VF_JOB_COMMANDS);
		return -EINVAL;
	}
	if (fence ? !IS_ALIGNED(args->fence_addr, 8) || !is_in_space(args->fence_addr, 8) :
		    args->fence_addr || args->fence_value) {
		drm_dbg(&vf->drm,
			"SUBMIT: fence %#llx at %#llx: not aligned to 8, in %u bits, or 0 at 0 without JOB_FENCE\n",
			args->fence_value, args->fence_addr, VGPU_VA_BITS);
		return -EINVAL;
	}
	return 0;
}

/* Whether the buffers exist is for the engine to find out. */
static int check_commands(struct vgpu_vf *vf, const struct vgpu_vf_packet *command, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++, command++) {
		if (!IS_ALIGNED(command->addr | command->value, 8) || !command->value ||
		    command->value > VGPU_INDIRECT_MAX ||
		    !is_in_space(command->addr, command->value)) {
			drm_dbg(&vf->drm,
				"SUBMIT: command %u: %llu bytes at %#llx: not 8…%llu, aligned to 8, in %u bits\n",
				i, command->value, command->addr, VGPU_INDIRECT_MAX,
				VGPU_VA_BITS);
			return -EINVAL;
		}
	}
	return 0;
}

static bool has_room(const struct vgpu_vf_job *job, const struct drm_vgpu_job *args)
{
	return job->packet_count + args->command_count +
	       !!(args->flags & DRM_VGPU_JOB_FENCE) <= VGPU_VF_JOB_PACKETS;
}

/* One more job of the process, for which there is room. */
static int append(struct vgpu_vf *vf, struct vgpu_vf_job *job,
		  const struct drm_vgpu_job *args)
{
	struct vgpu_vf_packet *packets = &job->packets[job->packet_count];
	u32 count = args->command_count;
	int ret;

	BUILD_BUG_ON(sizeof(*packets) != sizeof(struct drm_vgpu_command));
	if (copy_from_user(packets, u64_to_user_ptr(args->commands), count * sizeof(*packets)))
		return -EFAULT;
	ret = check_commands(vf, packets, count);
	if (ret)
		return ret;
	if (args->flags & DRM_VGPU_JOB_FENCE)
		packets[count++] = (struct vgpu_vf_packet){
			.addr = args->fence_addr | VGPU_VF_PACKET_FENCE,
			.value = args->fence_value,
		};
	job->last_packet = job->packet_count;
	job->packet_count += count;
	job->count++;
	return 0;
}

/* The last one of @list, if nothing can come between it and the next; or a new one. */
static struct vgpu_vf_job *find_job(struct vgpu_vf_queue *queue,
				    const struct drm_vgpu_job *args, struct list_head *list)
{
	struct vgpu_vf_job *job;
	int ret;

	if (!list_empty(list) && !args->in_sync_count) {
		job = list_last_entry(list, struct vgpu_vf_job, link);
		if (!job->outs.count && has_room(job, args))
			return job;
	}
	job = job_create(queue);
	if (!job)
		return ERR_PTR(-ENOMEM);
	list_add_tail(&job->link, list);
	ret = vgpu_vf_sched_job_init(&job->base, &queue->entity, VGPU_VF_JOB_CREDITS_MIN,
				     queue, queue->client_id);
	return ret ? ERR_PTR(ret) : job;
}

/* Everything of a job that can fail. What is taken is in @list, error or not. */
static int prepare(struct vgpu_vf_queue *queue, struct drm_file *file,
		   const struct drm_vgpu_job *args, struct list_head *list)
{
	struct vgpu_vf *vf = queue->vm->vf;
	struct vgpu_vf_job *job;

	job = find_job(queue, args, list);
	if (IS_ERR(job))
		return PTR_ERR(job);
	return append(vf, job, args) ?:
	       vgpu_vf_syncs_in(vf, file, args->in_syncs, args->in_sync_count, &job->base) ?:
	       vgpu_vf_syncs_out(vf, file, args->out_syncs, args->out_sync_count, &job->outs);
}

static int prepare_all(struct vgpu_vf_queue *queue, struct drm_file *file,
		       const struct drm_vgpu_submit *args, struct list_head *list)
{
	const u8 __user *user = u64_to_user_ptr(args->jobs);
	struct drm_vgpu_job job;
	int ret = 0;
	u32 i;

	for (i = 0; i < args->job_count && !ret; i++, user += args->job_bytes)
		ret = copy_struct_from_user(&job, sizeof(job), user, args->job_bytes) ?:
		      check_job(queue->vm->vf, &job) ?:
		      prepare(queue, file, &job, list);
	return ret;
}

/*
 * Nothing here can fail: from arming on the fence must be signalled. @job is not
 * mine any more when it is pushed. Returns a reference.
 */
static struct dma_fence *push(struct vgpu_vf_job *job)
{
	struct vgpu_vf_out_syncs outs = job->outs;
	struct dma_fence *fence;
	bool cookie;

	job->outs = (struct vgpu_vf_out_syncs){};
	job->base.credits = vgpu_vf_ring_credits(job);
	cookie = dma_fence_begin_signalling();
	drm_sched_job_arm(&job->base);
	fence = dma_fence_get(&job->base.s_fence->finished);
	if (!run_directly(job))
		drm_sched_entity_push_job(&job->base);
	dma_fence_end_signalling(cookie);

	vgpu_vf_syncs_publish(&outs, fence);
	vgpu_vf_syncs_drop(&outs);
	return fence;
}

/*
 * The fence of the last job stands for those before: what runs of a queue ends in
 * order, and what ends early does not run.
 */
static int push_all(struct vgpu_vf_queue *queue, struct list_head *list)
{
	struct vgpu_vf_job *job, *next;
	struct dma_fence *last = NULL;
	struct drm_exec exec;
	int ret;

	ret = vgpu_vf_vm_lock(queue->vm, &exec, 1);
	if (ret) {
		drm_dbg(&queue->vm->vf->drm, "SUBMIT: what is mapped cannot be used: %pe\n",
			ERR_PTR(ret));
		return ret;
	}
	/* What the process has written write-combined is still in this CPU. */
	wmb();
	list_for_each_entry_safe(job, next, list, link) {
		list_del(&job->link);
		dma_fence_put(last);
		last = push(job);
	}
	vgpu_vf_vm_add_fence(queue->vm, &exec, last);
	dma_fence_put(last);
	vgpu_vf_memory_unlock(queue->vm->vf, &exec);
	return 0;
}

static int submit(struct vgpu_vf_queue *queue, struct drm_file *file,
		  const struct drm_vgpu_submit *args)
{
	struct vgpu_vf_job *job, *next;
	LIST_HEAD(list);
	int ret;

	if (READ_ONCE(queue->banned)) {
		drm_dbg(&queue->vm->vf->drm, "SUBMIT: queue %u is banned\n", args->queue_id);
		return -ECANCELED;
	}
	ret = prepare_all(queue, file, args, &list);
	if (!ret)
		ret = push_all(queue, &list);
	list_for_each_entry_safe(job, next, &list, link)
		job_destroy(job);
	return ret;
}

static int check_submit(struct vgpu_vf *vf, const struct drm_vgpu_submit *args)
{
	int ret = READ_ONCE(vf->closed);

	if (args->flags) {
		drm_dbg(&vf->drm, "SUBMIT: flags %#x: not 0\n", args->flags);
		return -EINVAL;
	}
	if (!args->job_count || args->job_count > VGPU_VF_SUBMIT_JOBS) {
		drm_dbg(&vf->drm, "SUBMIT: %u jobs: not 1…%u\n", args->job_count,
			VGPU_VF_SUBMIT_JOBS);
		return -EINVAL;
	}
	if (args->job_bytes < JOB_BYTES_MIN || args->job_bytes > JOB_BYTES_MAX ||
	    args->job_bytes % 8) {
		drm_dbg(&vf->drm, "SUBMIT: job_bytes %u: not %u…%u and a multiple of 8\n",
			args->job_bytes, JOB_BYTES_MIN, JOB_BYTES_MAX);
		return -EINVAL;
	}
	if (ret)
		drm_dbg(&vf->drm, "SUBMIT: the function is closed: %pe\n", ERR_PTR(ret));
	return ret;
}

/**
 * vgpu_vf_ioctl_submit() - DRM_IOCTL_VGPU_SUBMIT
 * @drm: the device
 * @data: struct drm_vgpu_submit
 * @file: who calls
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ioctl_submit(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct vgpu_vf *vf = to_vgpu_vf(drm);
	struct drm_vgpu_submit *args = data;
	struct vgpu_vf_queue *queue;
	int ret;

	ret = check_submit(vf, args);
	if (ret)
		return ret;
	queue = vgpu_vf_queue_lookup(file->driver_priv, args->queue_id);
	if (!queue)
		return -ENOENT;
	ret = submit(queue, file, args);
	vgpu_vf_queue_put(queue);
	return ret;
}

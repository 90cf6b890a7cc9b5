// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs: DRM_IOCTL_VGPU_SUBMIT, and what drm_sched does with them.
 *
 *   copied, checked, everything allocated ---> armed, pushed ---> in the ring ---> freed
 *            |          ioctl                    cannot fail      vgpu_vf_ring_run()
 *            +---> freed, nothing has happened
 *
 * drm_sched's own timeout is not used: see recovery.c.
 */
#include <linux/dma-fence-chain.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>
#include <drm/drm_syncobj.h>

#include "context.h"
#include "device.h"
#include "fence.h"
#include "job.h"

/* sizeof(struct drm_vgpu_job) in its first version */
#define JOB_BYTES_MIN	48
#define JOB_BYTES_MAX	SZ_4K

/**
 * struct out_sync - a fence that is going to a syncobj
 * @syncobj: a reference
 * @chain: for a point, else NULL
 * @point: of a timeline, or 0
 */
struct out_sync {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
};

/**
 * struct submission - a job on its way through the ioctl
 * @job: the job; not mine any more once it is pushed
 * @outs: where its fence goes
 * @out_count: of @outs
 */
struct submission {
	struct vgpu_vf_job *job;
	struct out_sync *outs;
	u32 out_count;
};

static struct vgpu_vf_job *to_job(struct drm_sched_job *base)
{
	return container_of(base, struct vgpu_vf_job, base);
}

static void free_job(struct vgpu_vf_job *job)
{
	if (job->base.s_fence)
		drm_sched_job_cleanup(&job->base);
	if (job->fence)
		vgpu_vf_fence_free(job->fence);
	vgpu_vf_context_put(job->context);
	kfree(job->commands);
	kfree(job);
}

static struct dma_fence *sched_run(struct drm_sched_job *base)
{
	struct vgpu_vf_job *job = to_job(base);
	bool cookie = dma_fence_begin_signalling();
	struct dma_fence *fence = vgpu_vf_ring_run(job->ring, job);

	dma_fence_end_signalling(cookie);
	return fence;
}

/*
 * The job was refused by its ring, or killed before: drm_sched's fence of it has
 * no parent yet that would hold device and module (fence.c).
 */
static void adopt(struct vgpu_vf_job *job)
{
	vgpu_vf_fence_init(job->fence, job->ring->fence_context, 0);
	dma_fence_signal(&job->fence->base);
	/* pairs with the acquire where drm_sched sets deadlines */
	smp_store_release(&job->base.s_fence->parent, dma_fence_get(&job->fence->base));
}

static void sched_free(struct drm_sched_job *base)
{
	struct vgpu_vf_job *job = to_job(base);

	if (!base->s_fence->parent)
		adopt(job);
	vgpu_vf_context_job_ended(job->context);
	free_job(job);
}

const struct drm_sched_backend_ops vgpu_vf_sched_ops = {
	.run_job = sched_run,
	.free_job = sched_free,
};

static int check_counts(struct vgpu_vf *vf, const struct drm_vgpu_job *args)
{
	if (args->flags || args->context) {
		drm_dbg(&vf->drm, "SUBMIT: flags %#x, context %u: not 0\n", args->flags,
			args->context);
		return -EINVAL;
	}
	if (args->ring >= vf->ring_count) {
		drm_dbg(&vf->drm, "SUBMIT: ring %u: not 0…%u\n", args->ring,
			vf->ring_count - 1);
		return -EINVAL;
	}
	if (args->command_count > VGPU_VF_JOB_COMMANDS ||
	    args->in_sync_count > VGPU_VF_JOB_SYNCS ||
	    args->out_sync_count > VGPU_VF_JOB_SYNCS) {
		drm_dbg(&vf->drm, "SUBMIT: %u commands, %u and %u syncs: not at most %u, %u, %u\n",
			args->command_count, args->in_sync_count, args->out_sync_count,
			VGPU_VF_JOB_COMMANDS, VGPU_VF_JOB_SYNCS, VGPU_VF_JOB_SYNCS);
		return -EINVAL;
	}
	return 0;
}

/* Whether the buffers exist is for the engine to find out. */
static int check_commands(struct vgpu_vf *vf, const struct vgpu_vf_job *job)
{
	const struct drm_vgpu_command *command = job->commands;
	u32 i;

	for (i = 0; i < job->command_count; i++, command++) {
		if (!IS_ALIGNED(command->addr | command->bytes, 8) || !command->bytes ||
		    command->bytes > VGPU_INDIRECT_MAX ||
		    command->addr >= BIT_ULL(VGPU_VA_BITS) - command->bytes) {
			drm_dbg(&vf->drm,
				"SUBMIT: command %u: %llu bytes at %#llx: not 8…%llu, aligned to 8, in %u bits\n",
				i, command->bytes, command->addr, VGPU_INDIRECT_MAX,
				VGPU_VA_BITS);
			return -EINVAL;
		}
	}
	return 0;
}

static int copy_commands(struct vgpu_vf *vf, struct vgpu_vf_job *job,
			 const struct drm_vgpu_job *args)
{
	if (!args->command_count)
		return 0;
	job->commands = memdup_array_user(u64_to_user_ptr(args->commands),
					  args->command_count, sizeof(*job->commands));
	if (IS_ERR(job->commands)) {
		int ret = PTR_ERR(job->commands);

		job->commands = NULL;
		return ret;
	}
	job->command_count = args->command_count;
	return check_commands(vf, job);
}

static int check_syncs(struct drm_device *drm, const struct drm_vgpu_sync *syncs, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (syncs[i].flags) {
			drm_dbg(drm, "SUBMIT: sync %u: flags %#x: not 0\n", i,
				syncs[i].flags);
			return -EINVAL;
		}
	return 0;
}

/* The caller frees the result. */
static struct drm_vgpu_sync *copy_syncs(struct drm_device *drm, u64 user, u32 count)
{
	struct drm_vgpu_sync *syncs;
	int ret;

	syncs = memdup_array_user(u64_to_user_ptr(user), count, sizeof(*syncs));
	if (IS_ERR(syncs))
		return syncs;
	ret = check_syncs(drm, syncs, count);
	if (!ret)
		return syncs;
	kfree(syncs);
	return ERR_PTR(ret);
}

/* drm_sched_job_add_syncobj_dependency() would cut the point to 32 bits. */
static int add_dependency(struct vgpu_vf_job *job, struct drm_file *file,
			  const struct drm_vgpu_sync *sync)
{
	struct dma_fence *fence;
	int ret;

	ret = drm_syncobj_find_fence(file, sync->handle, sync->point, 0, &fence);
	if (!ret)
		return drm_sched_job_add_dependency(&job->base, fence);
	drm_dbg(&job->context->vf->drm, "SUBMIT: syncobj %u has no fence at point %llu: %pe\n",
		sync->handle, sync->point, ERR_PTR(ret));
	return ret;
}

static int take_in_syncs(struct vgpu_vf_job *job, struct drm_file *file,
			 const struct drm_vgpu_job *args)
{
	struct drm_vgpu_sync *syncs;
	int ret = 0;
	u32 i;

	if (!args->in_sync_count)
		return 0;
	syncs = copy_syncs(&job->context->vf->drm, args->in_syncs, args->in_sync_count);
	if (IS_ERR(syncs))
		return PTR_ERR(syncs);
	for (i = 0; i < args->in_sync_count && !ret; i++)
		ret = add_dependency(job, file, &syncs[i]);
	kfree(syncs);
	return ret;
}

static int take_out_sync(struct drm_device *drm, struct drm_file *file,
			 const struct drm_vgpu_sync *sync, struct out_sync *out)
{
	out->point = sync->point;
	out->syncobj = drm_syncobj_find(file, sync->handle);
	if (!out->syncobj) {
		drm_dbg(drm, "SUBMIT: no syncobj has handle %u\n", sync->handle);
		return -ENOENT;
	}
	if (!sync->point)
		return 0;
	out->chain = dma_fence_chain_alloc();
	return out->chain ? 0 : -ENOMEM;
}

static int take_out_syncs(struct submission *submission, struct drm_device *drm,
			  struct drm_file *file, const struct drm_vgpu_job *args)
{
	struct drm_vgpu_sync *syncs;
	int ret = 0;
	u32 i;

	if (!args->out_sync_count)
		return 0;
	syncs = copy_syncs(drm, args->out_syncs, args->out_sync_count);
	if (IS_ERR(syncs))
		return PTR_ERR(syncs);
	submission->outs = kcalloc(args->out_sync_count, sizeof(*submission->outs),
				   GFP_KERNEL);
	if (!submission->outs)
		ret = -ENOMEM;
	for (i = 0; i < args->out_sync_count && !ret; i++) {
		ret = take_out_sync(drm, file, &syncs[i], &submission->outs[i]);
		submission->out_count++;
	}
	kfree(syncs);
	return ret;
}

static struct vgpu_vf_job *job_create(struct vgpu_vf *vf, struct drm_file *file,
				      const struct drm_vgpu_job *args)
{
	struct vgpu_vf_context *context = file->driver_priv;
	u32 ring = array_index_nospec(args->ring, vf->ring_count);
	struct vgpu_vf_job *job = kzalloc(sizeof(*job), GFP_KERNEL);
	int ret;

	if (!job)
		return ERR_PTR(-ENOMEM);
	job->ring = &vf->rings[ring];
	job->context = vgpu_vf_context_get(context);
	job->fence = vgpu_vf_fence_alloc(&vf->drm);
	ret = job->fence ? copy_commands(vf, job, args) : -ENOMEM;
	if (!ret)
		ret = vgpu_vf_sched_job_init(&job->base, &context->entities[ring],
					     vgpu_vf_ring_credits(args->command_count),
					     context, file->client_id);
	if (!ret)
		return job;
	free_job(job);
	return ERR_PTR(ret);
}

/* Everything that can fail. What has been taken is in @submission. */
static int prepare(struct submission *submission, struct vgpu_vf *vf, struct drm_file *file,
		   const struct drm_vgpu_submit *args, u32 index)
{
	const u8 __user *user = u64_to_user_ptr(args->jobs);
	struct drm_vgpu_job job;
	int ret;

	ret = copy_struct_from_user(&job, sizeof(job), user + (size_t)index * args->job_bytes,
				    args->job_bytes);
	if (ret)
		return ret;
	ret = check_counts(vf, &job);
	if (ret)
		return ret;
	submission->job = job_create(vf, file, &job);
	if (IS_ERR(submission->job)) {
		ret = PTR_ERR(submission->job);
		submission->job = NULL;
		return ret;
	}
	return take_in_syncs(submission->job, file, &job) ?:
	       take_out_syncs(submission, &vf->drm, file, &job);
}

static void publish(struct submission *submission, struct dma_fence *fence)
{
	struct out_sync *out = submission->outs;
	u32 i;

	for (i = 0; i < submission->out_count; i++, out++) {
		if (out->chain)
			drm_syncobj_add_point(out->syncobj, out->chain, fence, out->point);
		else
			drm_syncobj_replace_fence(out->syncobj, fence);
		out->chain = NULL;
	}
}

/* Nothing here can fail: from arming on the fence must be signalled. */
static void push(struct submission *submission, struct vgpu_vf_context *context)
{
	struct vgpu_vf_job *job = submission->job;
	unsigned int ring = job->ring->index;
	struct dma_fence *fence;
	bool cookie;

	lockdep_assert_held(&context->submit_lock);
	cookie = dma_fence_begin_signalling();
	drm_sched_job_arm(&job->base);
	fence = dma_fence_get(&job->base.s_fence->finished);
	submission->job = NULL;
	drm_sched_entity_push_job(&job->base);
	dma_fence_end_signalling(cookie);

	publish(submission, fence);
	dma_fence_put(context->last[ring]);
	context->last[ring] = fence;
}

static void drop(struct submission *submission)
{
	u32 i;

	if (submission->job)
		free_job(submission->job);
	for (i = 0; i < submission->out_count; i++) {
		dma_fence_chain_free(submission->outs[i].chain);
		if (submission->outs[i].syncobj)
			drm_syncobj_put(submission->outs[i].syncobj);
	}
	kfree(submission->outs);
}

static int check_submit(struct vgpu_vf *vf, const struct drm_vgpu_submit *args)
{
	if (args->flags || args->pad) {
		drm_dbg(&vf->drm, "SUBMIT: flags %#x, pad %#x: not 0\n", args->flags,
			args->pad);
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
	return 0;
}

static int submit(struct vgpu_vf *vf, struct drm_file *file,
		  const struct drm_vgpu_submit *args, struct submission *submissions)
{
	struct vgpu_vf_context *context = file->driver_priv;
	u32 i;
	int ret;

	for (i = 0; i < args->job_count; i++) {
		ret = prepare(&submissions[i], vf, file, args, i);
		if (ret)
			return ret;
	}
	/* What the process has written write-combined is still in this CPU. */
	wmb();
	guard(mutex)(&context->submit_lock);
	for (i = 0; i < args->job_count; i++)
		push(&submissions[i], context);
	return 0;
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
	struct submission *submissions;
	int ret;
	u32 i;

	ret = check_submit(vf, args);
	if (ret)
		return ret;
	ret = READ_ONCE(vf->closed);
	if (ret) {
		drm_dbg(drm, "SUBMIT: the function is closed: %pe\n", ERR_PTR(ret));
		return ret;
	}
	submissions = kcalloc(args->job_count, sizeof(*submissions), GFP_KERNEL);
	if (!submissions)
		return -ENOMEM;
	ret = submit(vf, file, args, submissions);
	for (i = 0; i < args->job_count; i++)
		drop(&submissions[i]);
	kfree(submissions);
	return ret;
}

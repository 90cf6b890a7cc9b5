// SPDX-License-Identifier: GPL-2.0-only
/*
 * DRM_IOCTL_VGPU_VM_BIND: change what is mapped in a VM, at once or, as a job of
 * drm_sched, when fences are signalled.
 *
 *   copied, checked ---> locked, buffers in place, ---> applied ------> settled, freed
 *          |             tables allocated     |    |                       ^
 *          |                  |               |    +-> armed, pushed,      |
 *          +-> freed <--------+               |        run: applied -------+
 *              nothing has happened           +-> cannot fail from here on
 *
 * An asynchronous bind is applied on the way to signal a fence, so it has all that
 * it needs before: buffers in their places, where the bind's fence keeps them until
 * it is done, mappings and page tables for the worst case.
 *
 * A buffer that is not private may get jobs that did not know it when they were
 * submitted. So it gets the fences that are in the VM's reservation already: it
 * cannot move, and its memory cannot become somebody else's, while they run.
 */
#include <linux/dma-resv.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include <drm/vgpu_drm.h>

#include "bind.h"
#include "bo.h"
#include "compat.h"
#include "device.h"
#include "driver.h"
#include "fence.h"
#include "file.h"
#include "mapping.h"
#include "memory.h"
#include "sync.h"
#include "vm.h"

/* sizeof(struct drm_vgpu_bind_op) in its first version */
#define OP_BYTES_MIN	40
#define OP_BYTES_MAX	SZ_4K

#define BIND_RIGHTS	(DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE | DRM_VGPU_BIND_EXECUTE)

/**
 * struct bind_op - one operation
 * @range: what becomes of which addresses; a reference of its buffer
 * @vm_bo: a reference, or NULL
 */
struct bind_op {
	struct vgpu_vf_range range;
	struct drm_gpuvm_bo *vm_bo;
};

/**
 * struct bind - operations on their way
 * @base: for drm_sched, if asynchronous
 * @vm: the VM; the bind is a user
 * @fence: that it has been done, if asynchronous (fence.c)
 * @outs: where drm_sched's fence goes
 * @change: what the operations need and leave over
 * @release: frees it, where sleeping is allowed
 * @count: of @ops
 * @ops: done in this order
 */
struct bind {
	struct drm_sched_job base;
	struct vgpu_vf_vm *vm;
	struct vgpu_vf_fence *fence;
	struct vgpu_vf_out_syncs outs;
	struct vgpu_vf_change change;
	struct work_struct release;
	u32 count;
	struct bind_op ops[] __counted_by(count);
};

static struct bind *to_bind(struct drm_sched_job *base)
{
	return container_of(base, struct bind, base);
}

static int check_place(struct drm_device *drm, const struct drm_vgpu_bind_op *op, u32 index)
{
	const u64 page = BIT_ULL(VGPU_PAGE_SHIFT), end = BIT_ULL(VGPU_VA_BITS);

	if (op->size && IS_ALIGNED(op->addr | op->size, page) && op->addr >= page &&
	    op->addr < end && op->size <= end - op->addr)
		return 0;
	drm_dbg(drm, "VM_BIND: op %u: %#llx bytes at %#llx: not pages in %#llx…%#llx\n",
		index, op->size, op->addr, page, end - 1);
	return -EINVAL;
}

static int check_fields(struct drm_device *drm, const struct drm_vgpu_bind_op *op,
			u32 index)
{
	bool map = op->op == DRM_VGPU_BIND_MAP;

	if (op->op > DRM_VGPU_BIND_SPARSE || op->pad) {
		drm_dbg(drm, "VM_BIND: op %u: kind %u, pad %#x: not 0…%u, 0\n", index, op->op,
			op->pad, DRM_VGPU_BIND_SPARSE);
		return -EINVAL;
	}
	if (map ? !op->flags || op->flags & ~BIND_RIGHTS : op->flags || op->handle || op->offset) {
		drm_dbg(drm, "VM_BIND: op %u: flags %#x, handle %u, offset %#llx: %s\n", index,
			op->flags, op->handle, op->offset,
			map ? "flags are not some of 0x7" : "not 0, which only MAP has");
		return -EINVAL;
	}
	if (op->op == DRM_VGPU_BIND_SPARSE && !to_vgpu_vf(drm)->vms.sparse) {
		drm_dbg(drm, "VM_BIND: op %u: the device has no sparse pages\n", index);
		return -EOPNOTSUPP;
	}
	return check_place(drm, op, index);
}

static int check_buffer(struct vgpu_vf_vm *vm, const struct drm_vgpu_bind_op *op, u32 index,
			struct vgpu_vf_bo *bo)
{
	struct drm_device *drm = &vm->vf->drm;
	u64 size = bo->ttm.base.size;

	if (!IS_ALIGNED(op->offset, BIT_ULL(VGPU_PAGE_SHIFT)) || op->offset >= size ||
	    op->size > size - op->offset) {
		drm_dbg(drm, "VM_BIND: op %u: %#llx bytes at offset %#llx: not pages in a buffer of %#llx\n",
			index, op->size, op->offset, size);
		return -EINVAL;
	}
	if (bo->vm && bo->vm != vm) {
		drm_dbg(drm, "VM_BIND: op %u: buffer %u is private to another VM\n", index,
			op->handle);
		return -EPERM;
	}
	return 0;
}

static u64 entry_of(const struct drm_vgpu_bind_op *op)
{
	switch (op->op) {
	case DRM_VGPU_BIND_MAP:
		return VGPU_PTE_VALID |
		       (op->flags & DRM_VGPU_BIND_READ ? VGPU_PTE_READ : 0) |
		       (op->flags & DRM_VGPU_BIND_WRITE ? VGPU_PTE_WRITE : 0) |
		       (op->flags & DRM_VGPU_BIND_EXECUTE ? VGPU_PTE_EXECUTE : 0);
	case DRM_VGPU_BIND_SPARSE:
		return VGPU_PTE_VALID | VGPU_PTE_SPARSE;
	default:
		return 0;
	}
}

static int take_op(struct bind *bind, struct drm_file *file,
		   const struct drm_vgpu_bind_op *op, u32 index)
{
	struct drm_device *drm = &bind->vm->vf->drm;
	struct vgpu_vf_range *range = &bind->ops[index].range;
	struct drm_gem_object *obj;
	int ret;

	ret = check_fields(drm, op, index);
	if (ret)
		return ret;
	range->addr = op->addr;
	range->size = op->size;
	range->offset = op->offset;
	range->entry = entry_of(op);
	if (op->op != DRM_VGPU_BIND_MAP)
		return 0;
	obj = drm_gem_object_lookup(file, op->handle);
	if (!obj) {
		drm_dbg(drm, "VM_BIND: op %u: no buffer has handle %u\n", index, op->handle);
		return -ENOENT;
	}
	range->bo = to_vgpu_vf_bo(obj);
	return check_buffer(bind->vm, op, index, range->bo);
}

static int take_ops(struct bind *bind, struct drm_file *file,
		    const struct drm_vgpu_vm_bind *args)
{
	const u8 __user *user = u64_to_user_ptr(args->ops);
	struct drm_vgpu_bind_op op;
	int ret;
	u32 i;

	for (i = 0; i < args->op_count; i++) {
		ret = copy_struct_from_user(&op, sizeof(op), user + (size_t)i * args->op_bytes,
					    args->op_bytes);
		if (!ret)
			ret = take_op(bind, file, &op, i);
		if (ret)
			return ret;
	}
	return 0;
}

/* Of jobs that do not know the buffer. */
static int share_fences(struct vgpu_vf_vm *vm, struct vgpu_vf_bo *bo)
{
	struct dma_resv *from = drm_gpuvm_resv(&vm->base), *to = bo->ttm.base.resv;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;
	int ret;

	if (from == to)
		return 0;
	dma_resv_for_each_fence(&cursor, from, DMA_RESV_USAGE_BOOKKEEP, fence)
		count += !dma_fence_is_signaled(fence);
	if (!count)
		return 0;
	/* And the one for which drm_exec has made room. */
	ret = dma_resv_reserve_fences(to, count + 1);
	if (ret)
		return ret;
	dma_resv_for_each_fence(&cursor, from, DMA_RESV_USAGE_BOOKKEEP, fence) {
		/* They are signalled, but none is added, while the reservation is held. */
		if (!dma_fence_is_signaled(fence))
			dma_resv_add_fence(to, fence, DMA_RESV_USAGE_BOOKKEEP);
	}
	return 0;
}

static int validate(struct bind *bind)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	struct vgpu_vf_bo *bo, *before = NULL;
	int ret;
	u32 i;

	for (i = 0; i < bind->count; i++) {
		bo = bind->ops[i].range.bo;
		if (!bo || bo == before)
			continue;
		ret = vgpu_vf_bo_validate(bo, &ctx);
		if (ret)
			return ret;
		before = bo;
	}
	return 0;
}

static int lock_buffers(struct bind *bind, struct drm_exec *exec)
{
	struct bind_op *op, *end = bind->ops + bind->count;
	int ret;

	drm_exec_until_all_locked(exec) {
		ret = drm_gpuvm_prepare_vm(&bind->vm->base, exec, 1);
		drm_exec_retry_on_contention(exec);
		if (ret)
			return ret;
		for (op = bind->ops; op < end; op++) {
			if (!op->range.bo)
				continue;
			ret = drm_exec_prepare_obj(exec, &op->range.bo->ttm.base, 1);
			drm_exec_retry_on_contention(exec);
			if (ret)
				return ret;
		}
		/* In here, as it may lock what it evicts, by the same ticket. */
		ret = validate(bind);
		if (ret)
			return ret;
	}
	return 0;
}

static int try_lock(struct bind *bind, struct drm_exec *exec, bool alone)
{
	struct vgpu_vf *vf = bind->vm->vf;
	int ret;

	ret = vgpu_vf_memory_enter(vf, alone);
	if (ret)
		return ret;
	drm_exec_init(exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 2);
	ret = lock_buffers(bind, exec);
	if (ret)
		vgpu_vf_memory_unlock(vf, exec);
	return ret;
}

/* Locks the VM and the buffers, which cannot move then. */
static int lock(struct bind *bind, struct drm_exec *exec)
{
	struct vgpu_vf *vf = bind->vm->vf;
	struct vgpu_vf_wait wait;
	int ret;

	vgpu_vf_memory_wait_init(vf, &wait);
	do {
		ret = try_lock(bind, exec, false);
		if (ret == -ENOMEM)
			ret = try_lock(bind, exec, true);
		if (ret != -ENOMEM)
			return ret;
		ret = vgpu_vf_memory_wait(vf, &wait);
	} while (!ret);
	return ret;
}

/* How many page tables are enough. Before buffers are in place it is a guess. */
static u64 count_tables(struct bind *bind, struct vgpu_vf_need *needs, bool guess)
{
	unsigned int count = 0;
	u32 i;

	for (i = 0; i < bind->count; i++) {
		struct vgpu_vf_range range = bind->ops[i].range;

		if (guess)
			range.bo = NULL;
		count += vgpu_vf_tables_needs(&range, needs + count);
	}
	return vgpu_vf_tables_count(needs, count);
}

/*
 * Page tables are allocated while nothing is locked, but how many it takes is known
 * only while the buffers cannot move.
 */
static int lock_with_tables(struct bind *bind, struct drm_exec *exec,
			    struct vgpu_vf_need *needs)
{
	u64 count = count_tables(bind, needs, true);
	int ret;

	for (;;) {
		ret = vgpu_vf_stock_fill(bind->vm, &bind->change.stock, count);
		if (ret)
			return ret;
		ret = lock(bind, exec);
		if (ret)
			return ret;
		count = count_tables(bind, needs, false);
		if (count <= bind->change.stock.count)
			return 0;
		vgpu_vf_memory_unlock(bind->vm->vf, exec);
	}
}

/* The last steps that can fail; the VM and the buffers are locked. */
static int obtain(struct bind *bind)
{
	struct drm_gpuvm_bo *vm_bo;
	struct bind_op *op;
	int ret;

	for (op = bind->ops; op < bind->ops + bind->count; op++) {
		if (!op->range.bo)
			continue;
		vm_bo = vgpu_vf_vm_bo_obtain(bind->vm, op->range.bo);
		if (IS_ERR(vm_bo))
			return PTR_ERR(vm_bo);
		op->vm_bo = vm_bo;
		ret = share_fences(bind->vm, op->range.bo);
		if (ret)
			return ret;
	}
	return 0;
}

static void apply(struct bind *bind)
{
	struct vgpu_vf_vm *vm = bind->vm;
	u32 i;

	/* Others may come in between, but nobody sees less than whole operations. */
	for (i = 0; i < bind->count; i++) {
		scoped_guard(mutex, &vm->lock)
			vgpu_vf_change_map(vm, &bind->change, &bind->ops[i].range,
					   bind->ops[i].vm_bo);
		cond_resched();
	}
	guard(mutex)(&vm->lock);
	vgpu_vf_tables_flush(vm);
}

/* The VM's reservation is held. */
static void settle(struct bind *bind)
{
	struct bind_op *op;

	vgpu_vf_change_settle(&bind->change);
	for (op = bind->ops; op < bind->ops + bind->count; op++) {
		if (op->vm_bo)
			vgpu_vf_vm_bo_put(op->vm_bo);
		op->vm_bo = NULL;
	}
}

static void bind_free(struct bind *bind)
{
	struct bind_op *op;

	vgpu_vf_change_free(bind->vm, &bind->change);
	for (op = bind->ops; op < bind->ops + bind->count; op++)
		if (op->range.bo)
			drm_gem_object_put(&op->range.bo->ttm.base);
	if (bind->base.s_fence)
		drm_sched_job_cleanup(&bind->base);
	if (bind->fence)
		vgpu_vf_fence_free(bind->fence);
	vgpu_vf_syncs_drop(&bind->outs);
	vgpu_vf_vm_put(bind->vm);
	kvfree(bind);
}

static struct dma_fence *sched_run(struct drm_sched_job *base)
{
	struct bind *bind = to_bind(base);
	struct vgpu_vf_vms *vms = &bind->vm->vf->vms;
	bool cookie = dma_fence_begin_signalling();

	apply(bind);
	vgpu_vf_fence_init(bind->fence, vms->fence_context, ++vms->sequence);
	dma_fence_signal(&bind->fence->base);
	dma_fence_end_signalling(cookie);
	return dma_fence_get(&bind->fence->base);
}

/*
 * The process was killed before: drm_sched's fence of it has no parent yet that
 * would hold device and module (fence.c).
 */
static void adopt(struct bind *bind)
{
	vgpu_vf_fence_init(bind->fence, bind->vm->vf->vms.fence_context, 0);
	dma_fence_signal(&bind->fence->base);
	/* pairs with the acquire where drm_sched sets deadlines */
	smp_store_release(&bind->base.s_fence->parent, dma_fence_get(&bind->fence->base));
}

static void release(struct work_struct *work)
{
	struct bind *bind = container_of(work, struct bind, release);
	struct dma_resv *resv = drm_gpuvm_resv(&bind->vm->base);

	dma_resv_lock(resv, NULL);
	settle(bind);
	dma_resv_unlock(resv);
	bind_free(bind);
}

/* Other binds wait until this returns, and who holds the reservation for them. */
static void sched_free(struct drm_sched_job *base)
{
	struct bind *bind = to_bind(base);

	if (!base->s_fence->parent)
		adopt(bind);
	INIT_WORK(&bind->release, release);
	queue_work(vgpu_vf_workqueue, &bind->release);
}

const struct drm_sched_backend_ops vgpu_vf_bind_sched_ops = {
	.run_job = sched_run,
	.free_job = sched_free,
};

/* Nothing here can fail: from arming on the fence must be signalled. */
static void push(struct bind *bind, struct drm_exec *exec)
{
	struct vgpu_vf_out_syncs outs = bind->outs;
	struct vgpu_vf_vm *vm = vgpu_vf_vm_get(bind->vm);
	struct dma_fence *fence;
	bool cookie;

	/* The bind is not mine any more once it is pushed. */
	bind->outs = (struct vgpu_vf_out_syncs){};
	cookie = dma_fence_begin_signalling();
	drm_sched_job_arm(&bind->base);
	fence = dma_fence_get(&bind->base.s_fence->finished);
	drm_sched_entity_push_job(&bind->base);
	dma_fence_end_signalling(cookie);

	vgpu_vf_vm_add_fence(vm, exec, fence);
	vgpu_vf_syncs_publish(&outs, fence);
	vgpu_vf_syncs_drop(&outs);
	dma_fence_put(fence);
	vgpu_vf_vm_put(vm);
}

static struct bind *bind_create(struct vgpu_vf_vm *vm, struct drm_file *file,
				const struct drm_vgpu_vm_bind *args)
{
	struct bind *bind = kvzalloc(struct_size(bind, ops, args->op_count),
				     GFP_KERNEL_ACCOUNT);
	int ret;

	if (!bind)
		return ERR_PTR(-ENOMEM);
	bind->count = args->op_count;
	bind->vm = vgpu_vf_vm_get(vm);
	vgpu_vf_change_init(&bind->change);
	ret = take_ops(bind, file, args);
	if (!ret)
		ret = vgpu_vf_change_prepare(&bind->change,
					     args->op_count * VGPU_VF_MAPPINGS_OF_OP);
	if (!ret)
		return bind;
	bind_free(bind);
	return ERR_PTR(ret);
}

static int make_job(struct bind *bind, struct drm_file *file,
		    const struct drm_vgpu_vm_bind *args)
{
	struct vgpu_vf_vm *vm = bind->vm;
	struct vgpu_vf *vf = vm->vf;
	int ret;

	bind->fence = vgpu_vf_fence_alloc(&vf->drm);
	if (!bind->fence)
		return -ENOMEM;
	ret = vgpu_vf_sched_job_init(&bind->base, &vm->binds, 1, vm, file->client_id);
	if (ret)
		return ret;
	return vgpu_vf_syncs_in(vf, file, args->in_syncs, args->in_sync_count, &bind->base) ?:
	       vgpu_vf_syncs_out(vf, file, args->out_syncs, args->out_sync_count,
				 &bind->outs);
}

/* Consumes @bind. */
static int perform(struct bind *bind, bool async, struct vgpu_vf_need *needs)
{
	struct vgpu_vf *vf = bind->vm->vf;
	struct drm_exec exec;
	int ret;

	ret = lock_with_tables(bind, &exec, needs);
	if (ret) {
		bind_free(bind);
		return ret;
	}
	ret = obtain(bind);
	if (!ret && async) {
		push(bind, &exec);
		vgpu_vf_memory_unlock(vf, &exec);
		return 0;
	}
	if (!ret)
		apply(bind);
	settle(bind);
	vgpu_vf_memory_unlock(vf, &exec);
	bind_free(bind);
	return ret;
}

static int check_args(struct drm_device *drm, const struct drm_vgpu_vm_bind *args)
{
	bool async = args->flags & DRM_VGPU_VM_BIND_ASYNC;

	if (args->flags & ~DRM_VGPU_VM_BIND_ASYNC) {
		drm_dbg(drm, "VM_BIND: flags %#x: not 0 or %#x\n", args->flags,
			DRM_VGPU_VM_BIND_ASYNC);
		return -EINVAL;
	}
	if (args->op_count > VGPU_VF_BINDS_MAX || (!async && !args->op_count)) {
		drm_dbg(drm, "VM_BIND: %u operations: not %u…%u\n", args->op_count, !async,
			VGPU_VF_BINDS_MAX);
		return -EINVAL;
	}
	if (args->op_bytes < OP_BYTES_MIN || args->op_bytes > OP_BYTES_MAX ||
	    args->op_bytes % 8) {
		drm_dbg(drm, "VM_BIND: op_bytes %u: not %u…%u and a multiple of 8\n",
			args->op_bytes, OP_BYTES_MIN, OP_BYTES_MAX);
		return -EINVAL;
	}
	if (args->in_sync_count > VGPU_VF_SYNCS_MAX || args->out_sync_count > VGPU_VF_SYNCS_MAX ||
	    (!async && (args->in_sync_count || args->out_sync_count))) {
		drm_dbg(drm, "VM_BIND: %u and %u syncs: not at most %u; 0 without ASYNC\n",
			args->in_sync_count, args->out_sync_count, VGPU_VF_SYNCS_MAX);
		return -EINVAL;
	}
	return 0;
}

static int bind_vm(struct vgpu_vf_vm *vm, struct drm_file *file,
		   const struct drm_vgpu_vm_bind *args)
{
	bool async = args->flags & DRM_VGPU_VM_BIND_ASYNC;
	struct vgpu_vf_need *needs;
	struct bind *bind;
	int ret = 0;

	needs = kvmalloc_array(args->op_count, VGPU_VF_NEEDS_OF_RANGE * sizeof(*needs),
			       GFP_KERNEL_ACCOUNT);
	if (!needs)
		return -ENOMEM;
	bind = bind_create(vm, file, args);
	if (IS_ERR(bind)) {
		ret = PTR_ERR(bind);
		goto free_needs;
	}
	if (async)
		ret = make_job(bind, file, args);
	if (ret)
		bind_free(bind);
	else
		ret = perform(bind, async, needs);
free_needs:
	kvfree(needs);
	return ret;
}

/**
 * vgpu_vf_ioctl_vm_bind() - DRM_IOCTL_VGPU_VM_BIND
 * @drm: the device
 * @data: struct drm_vgpu_vm_bind
 * @file: who calls
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ioctl_vm_bind(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_vgpu_vm_bind *args = data;
	struct vgpu_vf_vm *vm;
	int ret;

	ret = check_args(drm, args);
	if (ret)
		return ret;
	vm = vgpu_vf_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm) {
		drm_dbg(drm, "VM_BIND: no VM has number %u\n", args->vm_id);
		return -ENOENT;
	}
	ret = bind_vm(vm, file, args);
	if (ret)
		drm_dbg(drm, "VM_BIND: %pe: nothing has changed\n", ERR_PTR(ret));
	vgpu_vf_vm_put(vm);
	return ret;
}

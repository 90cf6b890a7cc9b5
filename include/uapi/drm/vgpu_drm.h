/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * User interface of vgpu_vf.ko, the DRM render driver of one vgpu function.
 *
 * - A *buffer* (GEM object) is memory, in VRAM or in system memory.
 * - A *VM* is a GPU address space of VGPU_VA_BITS bits. The process chooses where
 *   in it buffers are mapped, with which rights (DRM_IOCTL_VGPU_VM_BIND).
 * - A *queue* executes jobs in the address space of its VM, in order, on one ring
 *   of the hardware (DRM_IOCTL_VGPU_SUBMIT). A job is a list of indirect buffers
 *   of packets (include/vgpu/packets.h), which name context 0: the job's VM.
 *
 * VMs and queues have numbers that are valid in the file that made them. The
 * kernel does not parse packets: what a job cannot reach by an address of its
 * VM, with the right that it needs, it cannot reach at all.
 *
 * Synchronisation is explicit, by DRM syncobjs, binary or timeline, and by values
 * in memory. Nothing is ordered but what these order, jobs of one queue, and
 * asynchronous binds of one VM.
 *
 * A job ends in one of these ways, which its fence tells (the "status" of the
 * sync_file that is exported from a binary syncobj):
 *
 *   1           complete
 *   -EIO        a packet was refused or faulted; the packets before it have been
 *               executed, the rest has been skipped
 *   -ETIME      it ran for longer than DRM_VGPU_PARAM_JOB_TIMEOUT of GPU time
 *               without completing an indirect buffer, or waited as long at WAIT,
 *               or did not let another function have the GPU, so that the world
 *               of its own was reset
 *   -ECANCELED  it was lost in a reset that another job has caused, or the function
 *               was reset or closed before it had ended, or its queue was banned
 *   -ENODEV     the device is gone
 *   -ESRCH      its process was killed before it had ended
 *
 * -EIO and -ETIME ban the queue: all its further jobs, queued or submitted later,
 * end in, or are refused by, -ECANCELED; DRM_IOCTL_VGPU_QUEUE_STATE tells why.
 * Other queues, of this file too, go on.
 *
 * Errors of ioctls. Every ioctl: -EINVAL for an unknown flag, a field that must
 * be zero and is not, or a value out of its range; -ENOENT for a handle or number
 * that does not exist; -EFAULT for memory that cannot be accessed; -ENODEV once
 * the device is gone. What was wrong, and what is allowed, is in the kernel's log
 * with drm.debug=2.
 *
 * How this may grow: structures get longer at the end, zero meaning what there
 * was before; flags and reserved fields, which must be zero now, get meanings.
 * Arrays of struct drm_vgpu_job and drm_vgpu_bind_op come with the size of an
 * element, so that these may grow too: bytes beyond what the kernel knows must be
 * zero (-E2BIG), missing ones count as zero; struct drm_vgpu_sync and
 * drm_vgpu_command stay as long as they are. All structures are the same for 32
 * and 64 bits.
 */
#ifndef _UAPI_VGPU_DRM_H_
#define _UAPI_VGPU_DRM_H_

#include <drm/drm.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define DRM_VGPU_GET_PARAM		0x00
#define DRM_VGPU_GEM_CREATE		0x01
#define DRM_VGPU_GEM_INFO		0x02
#define DRM_VGPU_GEM_MMAP_OFFSET	0x03
#define DRM_VGPU_VM_CREATE		0x04
#define DRM_VGPU_VM_DESTROY		0x05
#define DRM_VGPU_VM_BIND		0x06
#define DRM_VGPU_QUEUE_CREATE		0x07
#define DRM_VGPU_QUEUE_DESTROY		0x08
#define DRM_VGPU_QUEUE_STATE		0x09
#define DRM_VGPU_SUBMIT			0x0a

#define DRM_IOCTL_VGPU_GET_PARAM \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_GET_PARAM, struct drm_vgpu_get_param)
#define DRM_IOCTL_VGPU_GEM_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_GEM_CREATE, struct drm_vgpu_gem_create)
#define DRM_IOCTL_VGPU_GEM_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_GEM_INFO, struct drm_vgpu_gem_info)
#define DRM_IOCTL_VGPU_GEM_MMAP_OFFSET \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_GEM_MMAP_OFFSET, struct drm_vgpu_gem_mmap_offset)
#define DRM_IOCTL_VGPU_VM_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_VM_CREATE, struct drm_vgpu_vm_create)
#define DRM_IOCTL_VGPU_VM_DESTROY \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VGPU_VM_DESTROY, struct drm_vgpu_vm_destroy)
#define DRM_IOCTL_VGPU_VM_BIND \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VGPU_VM_BIND, struct drm_vgpu_vm_bind)
#define DRM_IOCTL_VGPU_QUEUE_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_QUEUE_CREATE, struct drm_vgpu_queue_create)
#define DRM_IOCTL_VGPU_QUEUE_DESTROY \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VGPU_QUEUE_DESTROY, struct drm_vgpu_queue_destroy)
#define DRM_IOCTL_VGPU_QUEUE_STATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_QUEUE_STATE, struct drm_vgpu_queue_state)
#define DRM_IOCTL_VGPU_SUBMIT \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VGPU_SUBMIT, struct drm_vgpu_submit)

/**
 * enum drm_vgpu_param - what DRM_IOCTL_VGPU_GET_PARAM can ask for
 * @DRM_VGPU_PARAM_REVISION: of the hardware, VGPU_REG_REVISION
 * @DRM_VGPU_PARAM_CAPS: VGPU_REG_CAPS
 * @DRM_VGPU_PARAM_RINGS: number of rings
 * @DRM_VGPU_PARAM_VRAM_SIZE: bytes of VRAM that the function has
 * @DRM_VGPU_PARAM_VRAM_FREE: bytes of VRAM that are free now
 * @DRM_VGPU_PARAM_VA_BITS: bits of a GPU address
 * @DRM_VGPU_PARAM_JOB_TIMEOUT: ns of GPU time for which a job may stay at one
 *	indirect buffer
 * @DRM_VGPU_PARAM_GPU_TIME: ns for which the function has had the GPU so far
 * @DRM_VGPU_PARAM_MAX_JOBS: jobs in one DRM_IOCTL_VGPU_SUBMIT
 * @DRM_VGPU_PARAM_MAX_COMMANDS: indirect buffers in one job
 * @DRM_VGPU_PARAM_MAX_SYNCS: in-syncs, and as many out-syncs, of one job or bind
 * @DRM_VGPU_PARAM_VRAM_LOST: how often all contents of VRAM have been lost since
 *	the driver was bound, by a reset of the function
 * @DRM_VGPU_PARAM_QUANTUM: ns that the function may run before another one has
 *	its turn, 0 if it has no deadline
 * @DRM_VGPU_PARAM_MAX_BINDS: operations in one DRM_IOCTL_VGPU_VM_BIND
 * @DRM_VGPU_PARAM_SYSTEM_SIZE: bytes of system memory that buffers of the
 *	function may take at the same time
 */
enum drm_vgpu_param {
	DRM_VGPU_PARAM_REVISION		= 0,
	DRM_VGPU_PARAM_CAPS		= 1,
	DRM_VGPU_PARAM_RINGS		= 2,
	DRM_VGPU_PARAM_VRAM_SIZE	= 3,
	DRM_VGPU_PARAM_VRAM_FREE	= 4,
	DRM_VGPU_PARAM_VA_BITS		= 5,
	DRM_VGPU_PARAM_JOB_TIMEOUT	= 6,
	DRM_VGPU_PARAM_GPU_TIME		= 7,
	DRM_VGPU_PARAM_MAX_JOBS		= 8,
	DRM_VGPU_PARAM_MAX_COMMANDS	= 9,
	DRM_VGPU_PARAM_MAX_SYNCS	= 10,
	DRM_VGPU_PARAM_VRAM_LOST	= 11,
	DRM_VGPU_PARAM_QUANTUM		= 12,
	DRM_VGPU_PARAM_MAX_BINDS	= 13,
	DRM_VGPU_PARAM_SYSTEM_SIZE	= 14,
};

/**
 * struct drm_vgpu_get_param - DRM_IOCTL_VGPU_GET_PARAM
 * @param: enum drm_vgpu_param
 * @pad: must be zero
 * @value: out
 */
struct drm_vgpu_get_param {
	__u32 param;
	__u32 pad;
	__u64 value;
};

/** DRM_VGPU_GEM_VRAM - jobs find the buffer in VRAM */
#define DRM_VGPU_GEM_VRAM	(1 << 0)
/** DRM_VGPU_GEM_SYSTEM - jobs find the buffer in system memory */
#define DRM_VGPU_GEM_SYSTEM	(1 << 1)

/**
 * struct drm_vgpu_gem_create - DRM_IOCTL_VGPU_GEM_CREATE: allocate a buffer
 * @size: in: bytes, at least 1; out: rounded up to pages
 * @flags: DRM_VGPU_GEM_VRAM, DRM_VGPU_GEM_SYSTEM, or both: VRAM where there is
 *	room, else system memory
 * @vm_id: 0, or a VM: the only one in which the buffer can ever be mapped.
 *	Submitting costs the less the fewer of the mapped buffers can be shared; such
 *	a buffer cannot be exported as a dma-buf.
 * @handle: out
 * @pad: must be zero
 *
 * The buffer is zero. While no job can use it, what is in VRAM may be moved to
 * system memory and back, to make room for others; nobody sees a difference,
 * but DRM_VGPU_PARAM_VRAM_LOST counts only for what is in VRAM.
 * If room has to be made, or is being left by processes that have ended, this waits
 * for the jobs that use it; a signal ends that (-EINTR). So do VM_BIND and SUBMIT.
 *
 * -ENOSPC: larger than what there is of this memory. -ENOMEM: none left, and
 * nothing can make room. -EIO: the function is closed, by its PF or for a reset,
 * and the buffer has to be in VRAM.
 */
struct drm_vgpu_gem_create {
	__u64 size;
	__u32 flags;
	__u32 vm_id;
	__u32 handle;
	__u32 pad;
};

/**
 * struct drm_vgpu_gem_info - DRM_IOCTL_VGPU_GEM_INFO
 * @handle: in
 * @flags: out: DRM_VGPU_GEM_*; in: must be zero
 * @size: out: bytes
 * @placement: out: DRM_VGPU_GEM_VRAM or DRM_VGPU_GEM_SYSTEM: where it is now; 0 if
 *	it has been swapped out
 * @pad: must be zero
 */
struct drm_vgpu_gem_info {
	__u32 handle;
	__u32 flags;
	__u64 size;
	__u32 placement;
	__u32 pad;
};

/**
 * struct drm_vgpu_gem_mmap_offset - DRM_IOCTL_VGPU_GEM_MMAP_OFFSET
 * @handle: in
 * @flags: must be zero
 * @offset: out: for mmap(MAP_SHARED) of this file
 *
 * The mapping is write-combined while the buffer is in VRAM, else cached. What
 * has been written is visible to jobs that are submitted later. After the device
 * is gone the mapping shows a page, first zero, which may stand at each of its
 * addresses, so that the process survives.
 */
struct drm_vgpu_gem_mmap_offset {
	__u32 handle;
	__u32 flags;
	__u64 offset;
};

/**
 * struct drm_vgpu_sync - a fence to wait for or to signal
 * @handle: of a syncobj
 * @flags: must be zero
 * @point: of a timeline; 0 for a binary syncobj
 */
struct drm_vgpu_sync {
	__u32 handle;
	__u32 flags;
	__u64 point;
};

/**
 * struct drm_vgpu_vm_create - DRM_IOCTL_VGPU_VM_CREATE: an empty address space
 * @flags: must be zero
 * @vm_id: out, at least 1
 *
 * -ENOSPC: the file has as many VMs as are allowed, or the function has no more
 * contexts.
 */
struct drm_vgpu_vm_create {
	__u32 flags;
	__u32 vm_id;
};

/**
 * struct drm_vgpu_vm_destroy - DRM_IOCTL_VGPU_VM_DESTROY
 * @vm_id: the number; is free again at once
 * @pad: must be zero
 *
 * Queues of the VM, and jobs and binds that were submitted before, keep it until
 * they are gone. Private buffers stay, but can be mapped nowhere any more.
 */
struct drm_vgpu_vm_destroy {
	__u32 vm_id;
	__u32 pad;
};

/**
 * enum drm_vgpu_bind - kind of a struct drm_vgpu_bind_op
 * @DRM_VGPU_BIND_MAP: map a part of a buffer
 * @DRM_VGPU_BIND_UNMAP: let nothing be mapped there; jobs that access it fault
 * @DRM_VGPU_BIND_SPARSE: let nothing be mapped there, but jobs that access it read
 *	zero, and write nowhere; only with VGPU_CAPS_SPARSE
 */
enum drm_vgpu_bind {
	DRM_VGPU_BIND_MAP	= 0,
	DRM_VGPU_BIND_UNMAP	= 1,
	DRM_VGPU_BIND_SPARSE	= 2,
};

/** DRM_VGPU_BIND_READ - of MAP: jobs may read there */
#define DRM_VGPU_BIND_READ	(1 << 0)
/** DRM_VGPU_BIND_WRITE - of MAP: jobs may write there */
#define DRM_VGPU_BIND_WRITE	(1 << 1)
/** DRM_VGPU_BIND_EXECUTE - of MAP: jobs may run packets from there */
#define DRM_VGPU_BIND_EXECUTE	(1 << 2)

/**
 * struct drm_vgpu_bind_op - one change of an address space
 * @op: enum drm_vgpu_bind
 * @flags: of MAP: DRM_VGPU_BIND_*, at least one; else zero
 * @handle: of MAP: the buffer; else zero
 * @pad: must be zero
 * @offset: of MAP: where in the buffer, multiple of 4 KiB; else zero
 * @addr: GPU address, multiple of 4 KiB
 * @size: bytes, multiple of 4 KiB, at least one page; [@addr, @addr + @size) is in
 *	the address space, without the first page, which is never mapped
 *
 * What was mapped there before is replaced, as far as it overlaps. Addresses of
 * which bits 20:0 are those of the memory get pages of 2 MiB; buffers of at least
 * that size are aligned to it where VRAM allows.
 */
struct drm_vgpu_bind_op {
	__u32 op;
	__u32 flags;
	__u32 handle;
	__u32 pad;
	__u64 offset;
	__u64 addr;
	__u64 size;
};

/** DRM_VGPU_VM_BIND_ASYNC - do it when the in-syncs are signalled, and return */
#define DRM_VGPU_VM_BIND_ASYNC	(1 << 0)

/**
 * struct drm_vgpu_vm_bind - DRM_IOCTL_VGPU_VM_BIND: change an address space
 * @vm_id: the VM
 * @flags: DRM_VGPU_VM_BIND_ASYNC or 0
 * @op_count: 1…DRM_VGPU_PARAM_MAX_BINDS; asynchronous: 0 too, to pass fences on
 * @op_bytes: sizeof(struct drm_vgpu_bind_op)
 * @ops: pointer to an array of struct drm_vgpu_bind_op, done in this order
 * @in_sync_count: 0…DRM_VGPU_PARAM_MAX_SYNCS
 * @out_sync_count: 0…DRM_VGPU_PARAM_MAX_SYNCS
 * @in_syncs: pointer to an array of struct drm_vgpu_sync
 * @out_syncs: pointer to an array of struct drm_vgpu_sync: signalled when all of
 *	it is in effect
 *
 * All or nothing: after an error nothing has changed. Without ASYNC all of it is
 * in effect when the ioctl returns, before asynchronous binds that still wait, and
 * there must be no syncs. Jobs see a change from then on, also those that run: to
 * take away what they use faults them. Asynchronous binds of one VM are done in
 * the order of submission.
 *
 * -ENOMEM: no memory for page tables. -EPERM: the buffer is private to another
 * VM. -EOPNOTSUPP: SPARSE without VGPU_CAPS_SPARSE.
 */
struct drm_vgpu_vm_bind {
	__u32 vm_id;
	__u32 flags;
	__u32 op_count;
	__u32 op_bytes;
	__u64 ops;
	__u32 in_sync_count;
	__u32 out_sync_count;
	__u64 in_syncs;
	__u64 out_syncs;
};

/**
 * enum drm_vgpu_priority - of a queue among those on its ring, in this function
 * @DRM_VGPU_PRIORITY_NORMAL: default
 * @DRM_VGPU_PRIORITY_LOW: runs when no job of NORMAL waits
 * @DRM_VGPU_PRIORITY_HIGH: before NORMAL; needs CAP_SYS_NICE (-EACCES)
 */
enum drm_vgpu_priority {
	DRM_VGPU_PRIORITY_NORMAL	= 0,
	DRM_VGPU_PRIORITY_LOW		= 1,
	DRM_VGPU_PRIORITY_HIGH		= 2,
};

/**
 * struct drm_vgpu_queue_create - DRM_IOCTL_VGPU_QUEUE_CREATE
 * @vm_id: address space of its jobs
 * @ring: 0…DRM_VGPU_PARAM_RINGS - 1
 * @priority: enum drm_vgpu_priority
 * @flags: must be zero
 * @queue_id: out, at least 1
 * @pad: must be zero
 *
 * -ENOSPC: the file has as many queues as are allowed.
 */
struct drm_vgpu_queue_create {
	__u32 vm_id;
	__u32 ring;
	__u32 priority;
	__u32 flags;
	__u32 queue_id;
	__u32 pad;
};

/**
 * struct drm_vgpu_queue_destroy - DRM_IOCTL_VGPU_QUEUE_DESTROY
 * @queue_id: the number; is free again at once
 * @pad: must be zero
 *
 * Jobs that were submitted before run to their end.
 */
struct drm_vgpu_queue_destroy {
	__u32 queue_id;
	__u32 pad;
};

/** DRM_VGPU_QUEUE_BANNED - no more jobs run */
#define DRM_VGPU_QUEUE_BANNED	(1 << 0)
/** DRM_VGPU_QUEUE_LOST - jobs were lost in a reset that they need not have caused */
#define DRM_VGPU_QUEUE_LOST	(1 << 1)

/**
 * struct drm_vgpu_queue_state - DRM_IOCTL_VGPU_QUEUE_STATE: what has become of it
 * @queue_id: in
 * @flags: out: DRM_VGPU_QUEUE_*; in: must be zero
 * @error: out: errno (positive) of the job that banned the queue: EIO, ETIME; or 0
 * @fault: out: VGPU_RING_FAULT of that job, 0 without a fault
 * @fault_addr: out: VGPU_RING_FAULT_ADDR of that job
 * @gpu_time: out: ns of GPU time that its jobs have taken so far
 * @lost: out: jobs that were lost in resets
 */
struct drm_vgpu_queue_state {
	__u32 queue_id;
	__u32 flags;
	__u32 error;
	__u32 fault;
	__u64 fault_addr;
	__u64 gpu_time;
	__u64 lost;
};

/**
 * struct drm_vgpu_command - an indirect buffer
 * @addr: GPU address, multiple of 8, with the right to be executed
 * @bytes: multiple of 8, 8…VGPU_INDIRECT_MAX
 */
struct drm_vgpu_command {
	__u64 addr;
	__u64 bytes;
};

/** DRM_VGPU_JOB_FENCE - write fence_value to fence_addr behind the commands */
#define DRM_VGPU_JOB_FENCE	(1 << 0)

/**
 * struct drm_vgpu_job - what runs without interruption by other jobs of the ring
 * @flags: DRM_VGPU_JOB_FENCE or 0
 * @command_count: 0…DRM_VGPU_PARAM_MAX_COMMANDS; a job without commands only
 *	passes its fences on
 * @commands: pointer to an array of struct drm_vgpu_command, run in this order
 * @in_sync_count: 0…DRM_VGPU_PARAM_MAX_SYNCS
 * @out_sync_count: 0…DRM_VGPU_PARAM_MAX_SYNCS
 * @in_syncs: pointer to an array of struct drm_vgpu_sync: the job starts when
 *	all are signalled, successful or not
 * @out_syncs: pointer to an array of struct drm_vgpu_sync: get the job's fence
 * @fence_addr: with JOB_FENCE: GPU address, multiple of 8, where jobs may write; a
 *	process can wait for it without the kernel. Not written if the job fails.
 *	Without JOB_FENCE it must be zero.
 * @fence_value: with JOB_FENCE: 64 bits; else zero
 */
struct drm_vgpu_job {
	__u32 flags;
	__u32 command_count;
	__u64 commands;
	__u32 in_sync_count;
	__u32 out_sync_count;
	__u64 in_syncs;
	__u64 out_syncs;
	__u64 fence_addr;
	__u64 fence_value;
};

/**
 * struct drm_vgpu_submit - DRM_IOCTL_VGPU_SUBMIT: submit jobs
 * @queue_id: the queue
 * @flags: must be zero
 * @job_count: 1…DRM_VGPU_PARAM_MAX_JOBS
 * @job_bytes: sizeof(struct drm_vgpu_job)
 * @jobs: pointer to an array of struct drm_vgpu_job
 *
 * All or nothing: after an error no job has been submitted and no syncobj has
 * changed. All in-syncs are looked up before the first out-sync is set.
 *
 * Besides the errors that all ioctls have, -EINVAL: an in-sync has no fence
 * (yet), or a point is not on the timeline (yet). -ENOMEM: what is mapped in the
 * VM does not fit into memory at once. -ECANCELED: the queue is banned. -EIO: the
 * function is closed, by its PF or for a reset.
 */
struct drm_vgpu_submit {
	__u32 queue_id;
	__u32 flags;
	__u32 job_count;
	__u32 job_bytes;
	__u64 jobs;
};

#if defined(__cplusplus)
}
#endif

#endif

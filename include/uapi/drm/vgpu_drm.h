/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * User interface of vgpu_vf.ko, the DRM render driver of one vgpu function.
 *
 * A file is a process's view of the GPU: it has an address space of its own, in
 * which each buffer with a handle in this file has an address that the kernel
 * has chosen. Jobs run indirect buffers (include/vgpu/packets.h) in that address
 * space. The kernel does not parse them: what a packet cannot reach by an
 * address of its own address space, with the right that it needs, it cannot
 * reach at all.
 *
 * Synchronisation is explicit, by DRM syncobjs, binary or timeline. Nothing is
 * ordered but what these order, and the jobs of one file on one ring, which run
 * in the order of submission.
 *
 * A job ends in one of these ways, which its fence tells (the "status" of the
 * sync_file that is exported from a binary syncobj):
 *
 *   1           complete
 *   -EIO        a packet was refused or faulted; the packets before it have been
 *               executed, the rest has been skipped
 *   -ETIME      it ran for longer than DRM_VGPU_PARAM_JOB_TIMEOUT of GPU time
 *               without completing an indirect buffer, or waited as long at WAIT
 *   -ECANCELED  it was lost in a reset of the function's world, or the function
 *               was reset or closed before it could run
 *   -ENODEV     the device is gone
 *   -ESRCH      its process was killed before it could run
 *
 * Other jobs, of this file too, go on.
 *
 * Errors of ioctls. Every ioctl: -EINVAL for an unknown flag, a field that must
 * be zero and is not, or a value out of its range; -ENOENT for a handle that
 * does not exist; -EFAULT for memory that cannot be accessed; -ENODEV once the
 * device is gone. What was wrong, and what is allowed, is in the kernel's log
 * with drm.debug=2.
 *
 * How this may grow: structures get longer at the end, zero meaning what there
 * was before; flags and reserved fields, which must be zero now, get meanings.
 * Arrays of structures come with the size of an element, so that these may grow
 * too. All structures are the same for 32 and 64 bits.
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
#define DRM_VGPU_SUBMIT			0x04

#define DRM_IOCTL_VGPU_GET_PARAM \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_GET_PARAM, struct drm_vgpu_get_param)
#define DRM_IOCTL_VGPU_GEM_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_GEM_CREATE, struct drm_vgpu_gem_create)
#define DRM_IOCTL_VGPU_GEM_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_GEM_INFO, struct drm_vgpu_gem_info)
#define DRM_IOCTL_VGPU_GEM_MMAP_OFFSET \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_GEM_MMAP_OFFSET, struct drm_vgpu_gem_mmap_offset)
#define DRM_IOCTL_VGPU_SUBMIT \
	DRM_IOW(DRM_COMMAND_BASE + DRM_VGPU_SUBMIT, struct drm_vgpu_submit)

/**
 * enum drm_vgpu_param - what DRM_IOCTL_VGPU_GET_PARAM can ask for
 * @DRM_VGPU_PARAM_REVISION: of the hardware, VGPU_REG_REVISION
 * @DRM_VGPU_PARAM_CAPS: VGPU_REG_CAPS
 * @DRM_VGPU_PARAM_RINGS: number of rings
 * @DRM_VGPU_PARAM_VRAM_SIZE: bytes of VRAM that can be allocated when nobody
 *	has allocated any
 * @DRM_VGPU_PARAM_VRAM_FREE: bytes of VRAM that are free now
 * @DRM_VGPU_PARAM_VA_BITS: bits of a GPU address
 * @DRM_VGPU_PARAM_JOB_TIMEOUT: ns of GPU time for which a job may stay at one
 *	indirect buffer
 * @DRM_VGPU_PARAM_GPU_TIME: ns for which the function has had the GPU so far
 * @DRM_VGPU_PARAM_MAX_JOBS: jobs in one DRM_IOCTL_VGPU_SUBMIT
 * @DRM_VGPU_PARAM_MAX_COMMANDS: indirect buffers in one job
 * @DRM_VGPU_PARAM_MAX_SYNCS: in-syncs, and as many out-syncs, of one job
 * @DRM_VGPU_PARAM_VRAM_LOST: how often all contents of VRAM have been lost since
 *	the driver was bound, by a reset of the function
 * @DRM_VGPU_PARAM_QUANTUM: ns that the function may run before another one has
 *	its turn, 0 if it has no deadline
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

/** DRM_VGPU_GEM_READ - the GPU may read the buffer */
#define DRM_VGPU_GEM_READ	(1 << 0)
/** DRM_VGPU_GEM_WRITE - the GPU may write the buffer */
#define DRM_VGPU_GEM_WRITE	(1 << 1)
/** DRM_VGPU_GEM_EXECUTE - the buffer may be run as an indirect buffer */
#define DRM_VGPU_GEM_EXECUTE	(1 << 2)

/**
 * struct drm_vgpu_gem_create - DRM_IOCTL_VGPU_GEM_CREATE: allocate a buffer
 * @size: in: bytes, at least 1; out: rounded up to pages
 * @flags: DRM_VGPU_GEM_*, at least one
 * @handle: out
 * @addr: out: GPU address, at least page aligned, fixed for as long as this file
 *	has the handle
 *
 * The buffer is in VRAM, is zero, and can be mapped into the process. Closing
 * the handle (DRM_IOCTL_GEM_CLOSE) takes the address away when the jobs that
 * were submitted before have ended. The page behind the buffer is never mapped.
 *
 * -ENOSPC: not enough free VRAM, or addresses. -ENOMEM: no memory for
 * bookkeeping. -EIO: the function is closed, by its PF or for a reset.
 */
struct drm_vgpu_gem_create {
	__u64 size;
	__u32 flags;
	__u32 handle;
	__u64 addr;
};

/**
 * struct drm_vgpu_gem_info - DRM_IOCTL_VGPU_GEM_INFO
 * @handle: in
 * @flags: out: DRM_VGPU_GEM_*; in: must be zero
 * @size: out: bytes
 * @addr: out: GPU address in this file
 */
struct drm_vgpu_gem_info {
	__u32 handle;
	__u32 flags;
	__u64 size;
	__u64 addr;
};

/**
 * struct drm_vgpu_gem_mmap_offset - DRM_IOCTL_VGPU_GEM_MMAP_OFFSET
 * @handle: in
 * @flags: must be zero
 * @offset: out: for mmap(MAP_SHARED) of this file
 *
 * The mapping is write-combined. What has been written is visible to jobs that
 * are submitted later. After the device is gone it reads as what was last
 * written there since, first zero.
 */
struct drm_vgpu_gem_mmap_offset {
	__u32 handle;
	__u32 flags;
	__u64 offset;
};

/**
 * struct drm_vgpu_command - an indirect buffer
 * @addr: GPU address, multiple of 8, with the right to be executed
 * @bytes: multiple of 8, 8…VGPU_INDIRECT_MAX
 *
 * Its packets name context 0, which means this file's address space.
 */
struct drm_vgpu_command {
	__u64 addr;
	__u64 bytes;
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
 * struct drm_vgpu_job - what runs without interruption by other jobs of the ring
 * @flags: must be zero
 * @ring: 0…DRM_VGPU_PARAM_RINGS - 1
 * @context: must be zero: the file's own address space
 * @command_count: 0…DRM_VGPU_PARAM_MAX_COMMANDS; a job without commands only
 *	passes its fences on
 * @commands: pointer to an array of struct drm_vgpu_command, run in this order
 * @in_sync_count: 0…DRM_VGPU_PARAM_MAX_SYNCS
 * @out_sync_count: 0…DRM_VGPU_PARAM_MAX_SYNCS
 * @in_syncs: pointer to an array of struct drm_vgpu_sync: the job starts when
 *	all are signalled, successful or not
 * @out_syncs: pointer to an array of struct drm_vgpu_sync: get the job's fence
 */
struct drm_vgpu_job {
	__u32 flags;
	__u32 ring;
	__u32 context;
	__u32 command_count;
	__u64 commands;
	__u32 in_sync_count;
	__u32 out_sync_count;
	__u64 in_syncs;
	__u64 out_syncs;
};

/**
 * struct drm_vgpu_submit - DRM_IOCTL_VGPU_SUBMIT: submit jobs
 * @flags: must be zero
 * @job_count: 1…DRM_VGPU_PARAM_MAX_JOBS
 * @job_bytes: sizeof(struct drm_vgpu_job). Bytes beyond what the kernel knows
 *	must be zero, missing ones count as zero.
 * @pad: must be zero
 * @jobs: pointer to an array of struct drm_vgpu_job
 *
 * All or nothing: after an error no job has been submitted and no syncobj has
 * changed. All in-syncs are looked up before the first out-sync is set.
 *
 * Besides the errors that all ioctls have, -EINVAL: an in-sync has no fence
 * (yet), or a point is not on the timeline (yet). -E2BIG: @job_bytes is larger
 * than the kernel knows, with something in the unknown part. -EIO: the function
 * is closed, by its PF or for a reset.
 */
struct drm_vgpu_submit {
	__u32 flags;
	__u32 job_count;
	__u32 job_bytes;
	__u32 pad;
	__u64 jobs;
};

#if defined(__cplusplus)
}
#endif

#endif

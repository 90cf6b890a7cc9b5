/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvgpu: what every test program needs to use a vgpu render node. Plain C,
 * no library besides libc.
 *
 * Functions that can fail return 0 or a negative errno, unless said otherwise.
 * Nothing here is thread-safe beyond what the kernel guarantees: a struct is
 * used by one thread at a time.
 */
#ifndef LIBVGPU_H
#define LIBVGPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drm/vgpu_drm.h>
#include <vgpu/packets.h>
#include <vgpu/regs.h>

/**
 * struct vgpu - an open render node, with one VM, and a queue for each ring
 * @fd: of the node
 * @path: of the node
 * @rings: DRM_VGPU_PARAM_RINGS
 * @vm: the VM
 * @next_addr: address for the next buffer: none is used twice
 * @queues: of each ring
 * @recorder: writes down what is done, or NULL (recorder.h)
 */
struct vgpu {
	int fd;
	char path[64];
	uint32_t rings;
	uint32_t vm;
	uint64_t next_addr;
	uint32_t queues[VGPU_MAX_RINGS];
	struct vgpu_recorder *recorder;
};

/**
 * vgpu_open() - open a render node of vgpu_vf
 * @gpu: is filled in
 * @name: path of the node; or PCI address of the function (0000:01:00.1); or a
 *	number n: the n-th node of vgpu_vf, counted from 0
 *
 * -ENODEV: there is no such node, or it is not driven by vgpu_vf.
 */
int vgpu_open(struct vgpu *gpu, const char *name);
void vgpu_close(struct vgpu *gpu);

/** vgpu_call() - an ioctl of the node, again if it was interrupted */
int vgpu_call(struct vgpu *gpu, unsigned long request, void *arg);

/** vgpu_ioctl() - ioctl(); with VGPU_INJECT in the environment see inject.c */
int vgpu_ioctl(int fd, unsigned long request, void *arg);
bool vgpu_ioctl_failing(int fd, unsigned long request, void *arg, unsigned int n, int *err);
/** vgpu_open_path() - open() of a node; the same */
int vgpu_open_path(const char *path);

/** vgpu_param() - ask for an enum drm_vgpu_param */
int vgpu_param(struct vgpu *gpu, uint32_t param, uint64_t *value);

/* Address spaces. Synchronous, unless said otherwise. */
int vgpu_vm_create(struct vgpu *gpu, uint32_t *vm);
int vgpu_vm_destroy(struct vgpu *gpu, uint32_t vm);
/** vgpu_bind() - DRM_IOCTL_VGPU_VM_BIND of @count operations as they are */
int vgpu_bind(struct vgpu *gpu, uint32_t vm, const struct drm_vgpu_bind_op *ops,
	      uint32_t count);
/**
 * vgpu_bind_async() - the same, asynchronous
 * @gpu: the node
 * @vm: number of the VM
 * @ops: operations
 * @count: of @ops
 * @in: to wait for, or NULL
 * @out: to signal, or NULL
 */
int vgpu_bind_async(struct vgpu *gpu, uint32_t vm, const struct drm_vgpu_bind_op *ops,
		    uint32_t count, const struct drm_vgpu_sync *in,
		    const struct drm_vgpu_sync *out);
/** vgpu_map() - one MAP; @rights are DRM_VGPU_BIND_* */
int vgpu_map(struct vgpu *gpu, uint32_t vm, uint32_t handle, uint64_t offset,
	     uint64_t addr, uint64_t size, uint32_t rights);
/** vgpu_unmap() - one UNMAP */
int vgpu_unmap(struct vgpu *gpu, uint32_t vm, uint64_t addr, uint64_t size);
/** vgpu_reserve() - @size bytes of addresses of gpu->vm, never given out before */
uint64_t vgpu_reserve(struct vgpu *gpu, uint64_t size);

/**
 * struct vgpu_bo - a buffer, mapped by the process and in gpu->vm
 * @handle: GEM handle
 * @size: in bytes
 * @addr: GPU address
 * @map: in this process
 */
struct vgpu_bo {
	uint32_t handle;
	uint64_t size;
	uint64_t addr;
	void *map;
};

/**
 * vgpu_bo_create() - allocate a buffer in VRAM, private to gpu->vm, and map it
 * @gpu: the node
 * @size: in bytes, is rounded up to pages
 * @rights: DRM_VGPU_BIND_*
 * @bo: is filled in
 */
int vgpu_bo_create(struct vgpu *gpu, uint64_t size, uint32_t rights, struct vgpu_bo *bo);
/**
 * vgpu_bo_create_shared() - the same, but it can be shared
 * @gpu: the node
 * @size: in bytes, is rounded up to pages
 * @placement: DRM_VGPU_GEM_*
 * @rights: DRM_VGPU_BIND_*
 * @bo: is filled in
 */
int vgpu_bo_create_shared(struct vgpu *gpu, uint64_t size, uint32_t placement,
			  uint32_t rights, struct vgpu_bo *bo);
/** vgpu_bo_destroy() - no job may be using it: it is unmapped at once */
void vgpu_bo_destroy(struct vgpu *gpu, struct vgpu_bo *bo);

int vgpu_queue_create(struct vgpu *gpu, uint32_t vm, uint32_t ring, uint32_t priority,
		      uint32_t *queue);
int vgpu_queue_destroy(struct vgpu *gpu, uint32_t queue);
/** vgpu_queue_state() - DRM_IOCTL_VGPU_QUEUE_STATE */
int vgpu_queue_state(struct vgpu *gpu, uint32_t queue, struct drm_vgpu_queue_state *state);
/** vgpu_queue_renew() - in place of gpu->queues[ring], which has been banned */
int vgpu_queue_renew(struct vgpu *gpu, uint32_t ring);

/**
 * struct vgpu_commands - packets being built in a buffer
 * @bo: the buffer
 * @used: bytes built so far
 * @overflow: something did not fit; vgpu_submit() refuses with -ENOSPC
 */
struct vgpu_commands {
	struct vgpu_bo bo;
	uint64_t used;
	bool overflow;
};

/** vgpu_commands_create() - room for @size bytes of packets */
int vgpu_commands_create(struct vgpu *gpu, uint64_t size, struct vgpu_commands *commands);
void vgpu_commands_destroy(struct vgpu *gpu, struct vgpu_commands *commands);
/** vgpu_commands_reset() - begin again; no job may be using them */
void vgpu_commands_reset(struct vgpu_commands *commands);

/* One packet each; see vgpu/packets.h. */
void vgpu_emit(struct vgpu_commands *commands, const void *packet, size_t bytes);
void vgpu_emit_nop(struct vgpu_commands *commands, uint32_t qwords);
void vgpu_emit_fence(struct vgpu_commands *commands, uint64_t addr, uint64_t value);
void vgpu_emit_wait(struct vgpu_commands *commands, uint64_t addr, uint64_t value);
void vgpu_emit_copy(struct vgpu_commands *commands, uint64_t dst, uint64_t src,
		    uint64_t bytes);
void vgpu_emit_fill(struct vgpu_commands *commands, uint64_t dst, uint64_t bytes,
		    uint32_t value);
void vgpu_emit_timestamp(struct vgpu_commands *commands, uint64_t addr);
void vgpu_emit_dispatch(struct vgpu_commands *commands, uint32_t kernel, uint32_t x,
			uint32_t y, uint32_t z, const uint64_t args[8]);

/* One DISPATCH each, with the grid that the kernel demands. */
/**
 * vgpu_emit_spin() - VGPU_KERNEL_SPIN, or _ATOMIC
 * @commands: where to
 * @atomic: not preemptible between groups
 * @groups: work-groups
 * @group_ns: ns of each, 0 for the device's default
 * @counts: address of an array of @groups counters, or VGPU_SPIN_NO_COUNT
 */
void vgpu_emit_spin(struct vgpu_commands *commands, bool atomic, uint32_t groups,
		    uint64_t group_ns, uint64_t counts);
void vgpu_emit_saxpy(struct vgpu_commands *commands, uint64_t n, float a, uint64_t x,
		     uint64_t y);
void vgpu_emit_gemm(struct vgpu_commands *commands, uint32_t m, uint32_t n, uint32_t k,
		    uint64_t a, uint64_t b, uint64_t c);
void vgpu_emit_reduce(struct vgpu_commands *commands, uint64_t n, uint64_t in,
		      uint64_t out);

/**
 * struct vgpu_picture - a part of a picture
 * @width: of the whole picture, pixels
 * @height: of the whole picture, pixels
 * @row: first row of the part
 * @rows: of the part
 * @left: edge, VGPU_MANDELBROT_FRACTION fraction bits
 * @top: edge
 * @step: distance of pixels
 * @limit: of iterations
 */
struct vgpu_picture {
	uint32_t width, height, row, rows;
	int64_t left, top, step;
	uint32_t limit;
};

void vgpu_emit_mandelbrot(struct vgpu_commands *commands,
			  const struct vgpu_picture *part, uint64_t out);

/* What the kernels must compute, to the last bit, by the CPU. */
void vgpu_ref_saxpy(uint64_t n, float a, const float *x, float *y);
void vgpu_ref_gemm(uint32_t m, uint32_t n, uint32_t k, const float *a, const float *b,
		   float *c);
void vgpu_ref_reduce(uint64_t n, const uint32_t *in, uint64_t *out);
void vgpu_ref_mandelbrot(const struct vgpu_picture *part, uint32_t *out);

/** vgpu_sync_create() - a syncobj, binary until a point is put on it */
int vgpu_sync_create(struct vgpu *gpu, bool signalled, uint32_t *handle);
void vgpu_sync_destroy(struct vgpu *gpu, uint32_t handle);
/** vgpu_sync_reset() - take the fence away */
int vgpu_sync_reset(struct vgpu *gpu, uint32_t handle);
/** vgpu_sync_signal() - by the CPU: @point of a timeline, or 0 for a binary one */
int vgpu_sync_signal(struct vgpu *gpu, uint32_t handle, uint64_t point);
/**
 * vgpu_sync_wait() - until the fence has been signalled, whatever it says
 * @gpu: the node
 * @handle: of the syncobj
 * @point: of a timeline, 0 for a binary one
 * @timeout_ms: -ETIME after that long
 */
int vgpu_sync_wait(struct vgpu *gpu, uint32_t handle, uint64_t point, int64_t timeout_ms);
/** vgpu_sync_query() - last signalled point of a timeline */
int vgpu_sync_query(struct vgpu *gpu, uint32_t handle, uint64_t *point);
/**
 * vgpu_sync_status() - how a job has ended
 *
 * Of the fence in a binary syncobj: 1 if the job completed, 0 if it has not
 * ended, else the job's negative errno (vgpu_drm.h). -ENOENT also if there is
 * no fence.
 */
int vgpu_sync_status(struct vgpu *gpu, uint32_t handle);

/** vgpu_submit() - DRM_IOCTL_VGPU_SUBMIT of @count jobs as they are */
int vgpu_submit(struct vgpu *gpu, uint32_t queue, const struct drm_vgpu_job *jobs,
		uint32_t count);
/**
 * vgpu_submit_commands() - one job of one buffer of packets
 * @gpu: the node
 * @ring: whose queue of the node
 * @commands: what
 * @in: syncobj (binary) to wait for, or 0
 * @out: syncobj (binary) that gets the job's fence, or 0
 */
int vgpu_submit_commands(struct vgpu *gpu, uint32_t ring,
			 const struct vgpu_commands *commands, uint32_t in, uint32_t out);
/**
 * vgpu_run() - submit, wait, and tell how the job ended
 *
 * 0: complete. Else the errno of submission or of the job. If that has banned the
 * queue, the ring gets another one.
 */
int vgpu_run(struct vgpu *gpu, uint32_t ring, const struct vgpu_commands *commands);
/** VGPU_RUN_TIMEOUT_MS - how long vgpu_run() waits; generous, for emulation */
#define VGPU_RUN_TIMEOUT_MS	120000

/** vgpu_random() - next number of a repeatable sequence (SplitMix64) */
uint64_t vgpu_random(uint64_t *state);

#endif

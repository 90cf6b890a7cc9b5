/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the administrator does to a VF while it works: hold it, let it go on, stop
 * it. The others go on meanwhile, and have its share.
 *
 *                pause                 left
 *     READY -------------> PAUSING ------------> PAUSED
 *      ^  | <-------------    |                  |   |
 *      |  |    resume         |                  |   |
 *      |  |                   | stop       stop  |   |
 *      |  |    stop           v                  |   |
 *      |  +--------------> STOPPING <------------+   |
 *      |                      |                      |
 *      |  FLR                 | left                 |
 *      +------------------ STOPPED                   |
 *      +---------------------------------------------+  resume
 *
 * Orders to one VF are given one after the other (vgpu_pf_function.orders); nothing
 * else waits for them. An FLR leads back to READY from everywhere, as does enabling
 * the VF anew and a reset of the device. In all other states VGPU_SCHED_PARK_PAUSED keeps the VF
 * off the engine; its mailbox is served all the same. The world stays in its image:
 * a VF that is resumed goes on where it was, and jobs do not time out meanwhile,
 * because only time on the engine counts for that.
 *
 * While a VF's world is made, and while an FLR of it is seen to, it is parked by
 * the life of the function (function.h); nobody else waits for that either, so
 * there is no exclusive access to the engine.
 */
#ifndef VGPU_PF_CONTROL_H
#define VGPU_PF_CONTROL_H

struct vgpu_pf_function;

/** enum vgpu_pf_control - drawn above */
enum vgpu_pf_control {
	VGPU_PF_READY,
	VGPU_PF_PAUSING,
	VGPU_PF_PAUSED,
	VGPU_PF_STOPPING,
	VGPU_PF_STOPPED,
};

int vgpu_pf_control_pause(struct vgpu_pf_function *fn);
int vgpu_pf_control_resume(struct vgpu_pf_function *fn);
int vgpu_pf_control_stop(struct vgpu_pf_function *fn);
const char *vgpu_pf_control_name(const struct vgpu_pf_function *fn);

/* for the life of the function, in the worker */
void vgpu_pf_control_on_pause(struct vgpu_pf_function *fn);
void vgpu_pf_control_on_resume(struct vgpu_pf_function *fn);
void vgpu_pf_control_on_stop(struct vgpu_pf_function *fn);
void vgpu_pf_control_left(struct vgpu_pf_function *fn);
void vgpu_pf_control_forget(struct vgpu_pf_function *fn);

#endif

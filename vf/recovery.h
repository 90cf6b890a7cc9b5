/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_RECOVERY_H
#define VGPU_VF_RECOVERY_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <vgpu/regs.h>

struct vgpu_vf;

/**
 * struct vgpu_vf_progress - what the watchdog has seen of a ring
 * @head: VGPU_RING_HEAD when it last looked
 * @stuck_ns: for how long the ring has been blocked there
 * @served: it was being served there
 * @served_ns: GPU time between looks at both of which it was
 */
struct vgpu_vf_progress {
	u64 head;
	u64 stuck_ns;
	bool served;
	u64 served_ns;
};

/**
 * struct vgpu_vf_recovery - what happens when something goes wrong
 * @queue: runs all of it, one after the other
 * @attend: looks after halted rings, notices, and a device that is gone
 * @closed_by_pf: the PF has said so, to be acted on by @attend
 * @watchdog: looks whether jobs make progress, while there are any
 * @watching: it has looked since jobs came; what follows is valid
 * @clock: device time when it last looked
 * @gpu_time: GPU time when it last looked
 * @runnable: some ring had work that was not blocked when it last looked
 * @closed_ns: for how long the function has been closed without a notice
 * @progress: of each ring
 * @killed: ends jobs of processes that were killed
 * @reopen: tries to open a function that the PF has closed, or that does not answer
 * @opened: when the last one succeeded, jiffies
 * @delay: until the next try, jiffies
 * @silent: tries in a row at which the device did not answer
 * @faults: rings that halted
 * @timeouts: jobs that did not end in time
 */
struct vgpu_vf_recovery {
	struct workqueue_struct *queue;
	struct work_struct attend;
	bool closed_by_pf;
	struct delayed_work watchdog;
	bool watching;
	u64 clock;
	u64 gpu_time;
	bool runnable;
	u64 closed_ns;
	struct vgpu_vf_progress progress[VGPU_MAX_RINGS];
	struct delayed_work killed;
	struct delayed_work reopen;
	unsigned long opened;
	unsigned long delay;
	unsigned int silent;
	u64 faults;
	u64 timeouts;
};

int vgpu_vf_recovery_init(struct vgpu_vf *vf);
void vgpu_vf_recovery_attend(struct vgpu_vf *vf);
void vgpu_vf_recovery_notice(struct vgpu_vf *vf, u32 notice);
void vgpu_vf_recovery_watch(struct vgpu_vf *vf);
void vgpu_vf_recovery_end_killed(struct vgpu_vf *vf);
void vgpu_vf_recovery_reopen(struct vgpu_vf *vf);
void vgpu_vf_recovery_pause(struct vgpu_vf *vf);
void vgpu_vf_recovery_resume(struct vgpu_vf *vf);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device as the PF driver sees it.
 *
 * Three contexts, from fast to slow:
 *
 *   hard irq   event queue, timers, scheduling core; under vgpu_pf.lock. Reads
 *              host memory only, writes NEXT (or, without hardware deadlines,
 *              CMD), never waits. What is not a world switch it hands on.
 *   worker     one FIFO kthread: life of the functions, mailbox, scrubbing,
 *              recovery. Owns everything in struct vgpu_pf_function that is not
 *              said to be somebody else's. Does not wait either: each step is
 *              begun here and ended by an event, or by the watchdog.
 *   process    sriov_numvfs, vram_quota, remove, reset, suspend, shutdown: under
 *              vgpu_pf.admin, which is taken under the device lock if that is
 *              held, never the other way round: files in sysfs go away under the
 *              device lock, and who has opened one must not wait for it. Nor is
 *              it taken within drm_dev_enter(): drivers of VFs are removed under
 *              it, and drm_dev_unplug() waits for all such sections of all
 *              devices. Tells the worker what it wants and waits for it, with an
 *              end.
 *              Settings, and orders to a VF, are each under a lock of their own
 *              and so possible all the while: that VF1 does not let the PF clear
 *              VRAM can be ended by them. The locks are not nested.
 */
#ifndef VGPU_PF_DEVICE_H
#define VGPU_PF_DEVICE_H

#include <linux/atomic.h>
#include <linux/bitfield.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/preempt.h>
#include <linux/ratelimit.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include <drm/drm_device.h>

#include <vgpu/regs.h>
#include <vgpu/world.h>

#include "admin.h"
#include "events.h"
#include "function.h"
#include "render.h"
#include "scrub.h"
#include "settings.h"
#include "vram.h"
#include "world.h"

/**
 * struct vgpu_pf_accesses - register accesses, counted where they are made
 * @switch_reads: in hard irq context, which is the switch path
 * @switch_writes: ditto
 * @reads: elsewhere
 * @writes: ditto
 */
struct vgpu_pf_accesses {
	atomic64_t switch_reads;
	atomic64_t switch_writes;
	atomic64_t reads;
	atomic64_t writes;
};

/**
 * struct vgpu_pf - a device
 * @drm: for /sys/kernel/debug/dri and for drm_dev_enter(); has no features
 * @regs: BAR 0
 * @functions: PF and all VFs that SR-IOV can enable; constant
 * @rings: rings of each function; constant
 * @deadlines: the device switches by itself (VGPU_PF_CAPS_DEADLINE); constant
 * @boundary: it can let a world finish its command buffer
 *	(VGPU_PF_CAPS_BOUNDARY); constant
 * @cost_save_ns: as declared by the device; constant
 * @cost_load_ns: ditto
 * @cost_reset_ns: ditto
 * @quantum_ns: execution quantum that each function begins with,
 *	VGPU_SCHED_QUANTUM_AUTO included; constant
 * @preempt_timeout_ns: preempt timeout that each function begins with; constant
 * @policy: that the device begins with; constant
 * @admin: one thing is done at a time: number and ranges of VFs, start and stop
 * @settings: one setting is changed at a time
 * @refusals: limits what is said about what the administrator does
 * @tree: /sys/bus/pci/devices/BDF/sriov_admin
 * @vfs: enabled ones. Set before they are probed, unlike pci_num_vf(). Changed
 *	under @admin.
 * @running: vgpu_pf_start() has succeeded and vgpu_pf_stop() was not called;
 *	under @admin
 * @wedged: the device does not answer; nothing is asked of it until a restart.
 *	Set once, read anywhere.
 * @abandoned: why nothing is to be asked of the device any more, or NULL
 * @vram: constant
 * @lock: the event queue and everything in @world; taken in hard irq
 * @world: scheduling
 * @events: the event queue
 * @scrub: clearing of VRAM
 * @render: the PF's own render node
 * @accesses: counters
 * @worker: see above
 * @watchdog: looks once a second for what does not come
 * @recovery: the core has found a switch overdue, records were lost, or there were
 *	more than are taken at once
 * @settled: woken whenever a function has reached a state in which it can stay
 * @fn: @functions of them, index is the function's number
 */
struct vgpu_pf {
	struct drm_device drm;
	void __iomem *regs;

	unsigned int functions;
	unsigned int rings;
	bool deadlines;
	bool boundary;
	u32 cost_save_ns;
	u32 cost_load_ns;
	u32 cost_reset_ns;
	u64 quantum_ns;
	u64 preempt_timeout_ns;
	const struct vgpu_sched_policy *policy;

	/* number and ranges of VFs, start and stop */
	struct mutex admin;
	/* changes of settings, which read and write those of all functions */
	struct mutex settings;
	struct ratelimit_state refusals;
	struct vgpu_pf_admin *tree;
	unsigned int vfs;
	bool running;
	bool wedged;
	const char *abandoned;
	struct vgpu_pf_vram vram;

	raw_spinlock_t lock;
	struct vgpu_pf_world world;
	struct vgpu_pf_events events;
	struct vgpu_pf_scrub scrub;
	struct vgpu_pf_render render;
	struct vgpu_pf_accesses accesses;

	struct kthread_worker *worker;
	struct kthread_delayed_work watchdog;
	struct kthread_work recovery;
	wait_queue_head_t settled;
	struct vgpu_pf_function *fn;
};

static inline struct vgpu_pf *to_vgpu_pf(struct drm_device *drm)
{
	return container_of(drm, struct vgpu_pf, drm);
}

static inline struct pci_dev *vgpu_pf_pdev(struct vgpu_pf *pf)
{
	return to_pci_dev(pf->drm.dev);
}

/*
 * Register accesses. The switch path runs in hard irq context and nothing else
 * of this driver that touches a register does, so the context tells them apart.
 */
static inline u32 vgpu_pf_read(struct vgpu_pf *pf, u32 reg)
{
	atomic64_inc(in_hardirq() ? &pf->accesses.switch_reads : &pf->accesses.reads);
	return readl(pf->regs + reg);
}

static inline u64 vgpu_pf_read64(struct vgpu_pf *pf, u32 reg)
{
	atomic64_inc(in_hardirq() ? &pf->accesses.switch_reads : &pf->accesses.reads);
	return readq(pf->regs + reg);
}

static inline void vgpu_pf_write(struct vgpu_pf *pf, u32 reg, u32 value)
{
	atomic64_inc(in_hardirq() ? &pf->accesses.switch_writes : &pf->accesses.writes);
	writel(value, pf->regs + reg);
}

static inline void vgpu_pf_write64(struct vgpu_pf *pf, u32 reg, u64 value)
{
	atomic64_inc(in_hardirq() ? &pf->accesses.switch_writes : &pf->accesses.writes);
	writeq(value, pf->regs + reg);
}

/* Commands of the world-switch block; the answer is an event. */
static inline void vgpu_pf_command(struct vgpu_pf *pf, enum vgpu_world_cmd command,
				   u16 function)
{
	vgpu_pf_write(pf, VGPU_PF_CMD, FIELD_PREP(VGPU_PF_CMD_CODE, command) |
				       FIELD_PREP(VGPU_PF_CMD_FUNCTION, function));
}

/* What the administrator can cause is logged by this only. */
#define vgpu_pf_refuse(pf, format, ...) do {					\
	struct vgpu_pf *_pf = (pf);						\
										\
	if (__ratelimit(&_pf->refusals))					\
		dev_notice(_pf->drm.dev, format, ##__VA_ARGS__);		\
} while (0)

int vgpu_pf_start(struct vgpu_pf *pf);
void vgpu_pf_stop(struct vgpu_pf *pf);
void vgpu_pf_wedge(struct vgpu_pf *pf, const char *why);
void vgpu_pf_abandon(struct vgpu_pf *pf, const char *why);
void vgpu_pf_watch(struct vgpu_pf *pf);

int vgpu_pf_sriov_configure(struct pci_dev *pdev, int vfs);
int vgpu_pf_sriov_disable(struct vgpu_pf *pf);
void vgpu_pf_sriov_save(struct vgpu_pf *pf);
void vgpu_pf_sriov_restore(struct vgpu_pf *pf);

void vgpu_pf_debugfs_init(struct vgpu_pf *pf);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a function, as its PF driver leads it.
 *
 *                provide              clean                 START
 *    ABSENT ---------------> SCRUBBING ------> CLOSED ----------------> MAKING
 *      ^                      ^  |               ^  ^                   ^   |
 *      |          FLR, release|  |failed         |  |STOP          hang |   | made
 *      | clean                |  v               |  |                   |   v
 *      +----------------------+  BROKEN          +--+---- LEAVING <--------- OPEN
 *                             |                              |  STOP, FLR, hang,
 *                             +------------------------------+  release
 *
 * ABSENT     the VF is not enabled, or the device is stopped; nothing is its own
 * SCRUBBING  its range is being cleared, before it gets it, after an FLR or after
 *            the VF was disabled
 * CLOSED     may use the mailbox; nothing of it runs
 * MAKING     INIT was given, INITIALISED is awaited
 * OPEN       its world is scheduled
 * LEAVING    its world is on the way off the engine; what comes then is in @todo
 * BROKEN     a step failed. Owns nothing that anybody else can get unscrubbed;
 *            it takes an FLR, or disabling and enabling VFs, to try again.
 *
 * An FLR and a release are possible in every state but ABSENT and are done one
 * after the other if they meet. A change of the range (vram_quota) leads from
 * CLOSED over SCRUBBING back to CLOSED. The worker owns all of this. Function 0,
 * the PF, goes the same way without scrubbing and mailbox; whatever happens to the
 * jobs of its render node, it is OPEN again then, for it clears VRAM.
 *
 * Beside that, and whatever the state is, the administrator can hold a VF
 * (control.h).
 */
#ifndef VGPU_PF_FUNCTION_H
#define VGPU_PF_FUNCTION_H

#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/types.h>

#include "control.h"
#include "mailbox.h"
#include "scrub.h"
#include "vram.h"

struct vgpu_pf;

/** enum vgpu_pf_state - drawn above */
enum vgpu_pf_state {
	VGPU_PF_ABSENT,
	VGPU_PF_SCRUBBING,
	VGPU_PF_CLOSED,
	VGPU_PF_MAKING,
	VGPU_PF_OPEN,
	VGPU_PF_LEAVING,
	VGPU_PF_BROKEN,
};

/*
 * What shall be done with a function whose world is off the engine; in this
 * order.
 */
#define VGPU_PF_TODO_SCRUB	0x01u	/* clear its VRAM */
#define VGPU_PF_TODO_PROVIDE	0x02u	/* hand VRAM and mailbox over */
#define VGPU_PF_TODO_ACK	0x04u	/* end the FLR */
#define VGPU_PF_TODO_RELEASE	0x08u	/* take VRAM away */
#define VGPU_PF_TODO_MAKE	0x10u	/* a fresh world, and open it */
#define VGPU_PF_TODO_RESIZE	0x20u	/* take the new range, once it is clean */

/* What the worker is told about a function; bits of vgpu_pf_function.news. */
#define VGPU_PF_NEWS_PROVIDE	0	/* from process context */
#define VGPU_PF_NEWS_CLOSE	1	/* ditto */
#define VGPU_PF_NEWS_RELEASE	2	/* ditto */
#define VGPU_PF_NEWS_RESIZE	3	/* ditto */
#define VGPU_PF_NEWS_RENEW	4	/* ditto */
#define VGPU_PF_NEWS_PAUSE	5	/* ditto, and the two that follow */
#define VGPU_PF_NEWS_RESUME	6
#define VGPU_PF_NEWS_STOP	7
#define VGPU_PF_NEWS_FLR	8	/* the others are events of the device */
#define VGPU_PF_NEWS_HANG	9
#define VGPU_PF_NEWS_RESET	10
#define VGPU_PF_NEWS_LEFT	11	/* off the engine, says the core */
#define VGPU_PF_NEWS_MADE	12
#define VGPU_PF_NEWS_REFUSED	13
#define VGPU_PF_NEWS_FAULT	14
#define VGPU_PF_NEWS_MAILBOX	15
#define VGPU_PF_NEWS_STORM	16

/**
 * struct vgpu_pf_function - one function
 * @pf: its device
 * @number: 0 is the PF
 * @name: for the log
 * @range: its VRAM; of the PF, that of its render node. Changed in process context
 *	while ABSENT, and by the worker while somebody waits for a change of it. The
 *	PF's is changed under vgpu_pf.admin while there is no node.
 * @ratelimit: of what is logged because of its doings; its own, so that nobody
 *	can drown what is to be said about others
 * @work: for the worker: there are @news
 * @news: VGPU_PF_NEWS_* bits; set anywhere, cleared by the worker
 * @fault: VGPU_RING_FAULT of the last fault; under vgpu_pf.lock
 * @fault_ring: its ring; under vgpu_pf.lock
 * @fault_addr: its address; under vgpu_pf.lock
 * @faults: rings halted; under vgpu_pf.lock
 * @hangs: preempt timeouts; under vgpu_pf.lock
 * @flrs: function level resets; under vgpu_pf.lock
 * @storms: doorbell storms; under vgpu_pf.lock
 * @state: enum vgpu_pf_state; written by the worker, read anywhere
 * @todo: VGPU_PF_TODO_*
 * @status: why it is BROKEN, or 0
 * @since: when @state was entered, jiffies
 * @reset: RESET was tried because it would not leave
 * @scrub: clearing of @range
 * @control: what the administrator wants of it
 * @orders: one order of the administrator's at a time; see control.h
 * @fresh: the range that it shall have, then the one that it had
 * @resize: what became of that: 0 or an errno
 * @mailbox: messages
 * @recoveries: hangs in the present minute
 * @minute: when it began, jiffies
 */
struct vgpu_pf_function {
	struct vgpu_pf *pf;
	u16 number;
	char name[16];
	struct vgpu_pf_range range;

	struct ratelimit_state ratelimit;
	struct kthread_work work;
	unsigned long news;
	u32 fault;
	u32 fault_ring;
	u64 fault_addr;
	u64 faults;
	u64 hangs;
	u64 flrs;
	u64 storms;

	enum vgpu_pf_state state;
	u32 todo;
	int status;
	unsigned long since;
	bool reset;
	struct vgpu_pf_scrub_job scrub;
	enum vgpu_pf_control control;
	/* pause, resume and stop */
	struct mutex orders;
	struct vgpu_pf_range fresh;
	int resize;
	struct vgpu_pf_mailbox mailbox;
	unsigned int recoveries;
	unsigned long minute;
};

/* What a guest can cause is logged by this only. */
#define vgpu_pf_function_notice(fn, format, ...) do {				\
	struct vgpu_pf_function *_fn = (fn);					\
										\
	if (__ratelimit(&_fn->ratelimit))					\
		dev_notice(_fn->pf->drm.dev, "%s: " format, _fn->name,		\
			   ##__VA_ARGS__);					\
} while (0)

/* What is refused to the administrator about a VF. */
#define vgpu_pf_function_refuse(fn, format, ...) do {				\
	struct vgpu_pf_function *__fn = (fn);					\
										\
	vgpu_pf_refuse(__fn->pf, "%s: " format, __fn->name, ##__VA_ARGS__);	\
} while (0)

int vgpu_pf_function_init(struct vgpu_pf *pf, unsigned int number);
void vgpu_pf_function_notify(struct vgpu_pf_function *fn, unsigned int news);
int vgpu_pf_functions_provide(struct vgpu_pf *pf, unsigned int first, unsigned int count);
int vgpu_pf_functions_close(struct vgpu_pf *pf, unsigned int first, unsigned int count);
int vgpu_pf_functions_release(struct vgpu_pf *pf, unsigned int first, unsigned int count);
int vgpu_pf_function_renew(struct vgpu_pf_function *fn);
int vgpu_pf_function_resize(struct vgpu_pf_function *fn, const struct vgpu_pf_range *range);
void vgpu_pf_function_watch(struct vgpu_pf_function *fn);
void vgpu_pf_function_lose(struct vgpu_pf_function *fn);
const char *vgpu_pf_function_state_name(const struct vgpu_pf_function *fn);

/* for the mailbox */
void vgpu_pf_function_open(struct vgpu_pf_function *fn);
void vgpu_pf_function_close(struct vgpu_pf_function *fn);

#endif

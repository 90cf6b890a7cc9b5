// SPDX-License-Identifier: GPL-2.0-only
/* The life of a function, drawn in function.h. */
#include <linux/jiffies.h>

#include <drm/drm_managed.h>

#include "device.h"
#include "trace.h"

/* INIT takes no engine time; its answer is only as late as an interrupt. */
#define FUNCTION_MAKE_BOUND	(2 * HZ)
/* A world that has not left by then is reset, after twice that given up. */
#define FUNCTION_LEAVE_BOUND	(5 * HZ)
/* While the PF does not get the engine, its clearing is waited for so often. */
#define FUNCTION_WAITS		8
/* A function that hangs more often than this in a minute is closed. */
#define FUNCTION_RECOVERIES	8
/* More in 1 ms is no use of a ring any more, and is told. */
#define FUNCTION_DOORBELLS	1000

static const char * const vgpu_pf_state_names[] = {
	[VGPU_PF_ABSENT]	= "absent",
	[VGPU_PF_SCRUBBING]	= "scrubbing",
	[VGPU_PF_CLOSED]	= "closed",
	[VGPU_PF_MAKING]	= "making",
	[VGPU_PF_OPEN]		= "open",
	[VGPU_PF_LEAVING]	= "leaving",
	[VGPU_PF_BROKEN]	= "broken",
};

/**
 * vgpu_pf_function_state_name() - for people
 * @fn: the function
 *
 * Return: its state.
 */
const char *vgpu_pf_function_state_name(const struct vgpu_pf_function *fn)
{
	return vgpu_pf_state_names[READ_ONCE(fn->state)];
}

/**
 * vgpu_pf_function_notify() - tell the worker
 * @fn: about whom
 * @news: VGPU_PF_NEWS_*
 *
 * Context: any.
 */
void vgpu_pf_function_notify(struct vgpu_pf_function *fn, unsigned int news)
{
	set_bit(news, &fn->news);
	kthread_queue_work(fn->pf->worker, &fn->work);
}

static u32 vgpu_pf_fn_reg(const struct vgpu_pf_function *fn, u32 reg)
{
	return VGPU_PF_FN(fn->number) + reg;
}

static bool vgpu_pf_function_is_pf(const struct vgpu_pf_function *fn)
{
	return fn->number == VGPU_FUNCTION_PF;
}

/* ------------------------------------------------------------------------ */
/* Arrows of the diagram                                                     */

static void vgpu_pf_function_enter(struct vgpu_pf_function *fn, enum vgpu_pf_state state)
{
	struct vgpu_pf *pf = fn->pf;

	WRITE_ONCE(fn->state, state);
	fn->since = jiffies;
	fn->reset = false;
	trace_vgpu_state(dev_name(pf->drm.dev), fn->number,
			 READ_ONCE(pf->world.latest), state);
	switch (state) {
	case VGPU_PF_CLOSED:
	case VGPU_PF_OPEN:
	case VGPU_PF_BROKEN:
		/* a request may have come on the way here */
		vgpu_pf_function_notify(fn, VGPU_PF_NEWS_MAILBOX);
		fallthrough;
	case VGPU_PF_ABSENT:
		wake_up_all(&pf->settled);
		break;
	default:
		vgpu_pf_watch(pf);
	}
}

static void vgpu_pf_function_set_range(struct vgpu_pf_function *fn, u64 base, u64 bytes)
{
	if (vgpu_pf_function_is_pf(fn))
		return;
	/* never in between own a part of what is somebody else's */
	vgpu_pf_write64(fn->pf, vgpu_pf_fn_reg(fn, VGPU_PF_FN_VRAM_SIZE), 0);
	vgpu_pf_write64(fn->pf, vgpu_pf_fn_reg(fn, VGPU_PF_FN_VRAM_BASE), base);
	vgpu_pf_write64(fn->pf, vgpu_pf_fn_reg(fn, VGPU_PF_FN_VRAM_SIZE), bytes);
}

static void vgpu_pf_function_set_open(struct vgpu_pf_function *fn, bool open)
{
	vgpu_pf_write(fn->pf, vgpu_pf_fn_reg(fn, VGPU_PF_FN_CTRL),
		      open ? VGPU_PF_FN_CTRL_OPEN : 0);
}

static void vgpu_pf_function_break(struct vgpu_pf_function *fn, int status,
				   const char *why)
{
	dev_err(fn->pf->drm.dev, "function %u is out of service: %s: %pe\n", fn->number,
		why, ERR_PTR(status));
	vgpu_pf_world_park(fn, VGPU_SCHED_PARK_DISABLED);
	vgpu_pf_function_set_open(fn, false);
	vgpu_pf_function_set_range(fn, 0, 0);
	fn->todo = 0;
	fn->status = status;
	vgpu_pf_mailbox_answer(fn, -EIO);
	vgpu_pf_mailbox_forget(fn);
	if (vgpu_pf_function_is_pf(fn))
		vgpu_pf_render_close(fn->pf);
	vgpu_pf_function_enter(fn, VGPU_PF_BROKEN);
}

static void vgpu_pf_function_acknowledge(struct vgpu_pf_function *fn)
{
	vgpu_pf_mailbox_forget(fn);
	vgpu_pf_control_forget(fn);
	/* in this order: an FLR after the write parks it again */
	vgpu_pf_world_unpark(fn, VGPU_SCHED_PARK_FLR);
	vgpu_pf_write(fn->pf, vgpu_pf_fn_reg(fn, VGPU_PF_FN_FLR_ACK), 1);
}

static void vgpu_pf_function_provide(struct vgpu_pf_function *fn)
{
	struct vgpu_pf *pf = fn->pf;
	u32 status = vgpu_pf_read(pf, vgpu_pf_fn_reg(fn, VGPU_PF_FN_STATUS));

	vgpu_pf_function_set_range(fn, fn->range.base, fn->range.bytes);
	vgpu_pf_write64(pf, vgpu_pf_fn_reg(fn, VGPU_PF_FN_IMAGE),
			vgpu_pf_vram_image(pf, fn->number));
	vgpu_pf_settings_push(fn);
	vgpu_pf_write(pf, vgpu_pf_fn_reg(fn, VGPU_PF_FN_DOORBELL_LIMIT),
		      FUNCTION_DOORBELLS);
	vgpu_pf_mailbox_forget(fn);
	fn->recoveries = 0;
	vgpu_pf_world_unpark(fn, VGPU_SCHED_PARK_ABSENT);
	/* from before it was ours, or out of service */
	if (status & VGPU_PF_FN_STATUS_FLR)
		fn->todo |= VGPU_PF_TODO_ACK;
	else
		vgpu_pf_world_unpark(fn, VGPU_SCHED_PARK_FLR);
}

/* Its world is off the engine and its VRAM is clean, if it had to be. */
static void vgpu_pf_function_conclude(struct vgpu_pf_function *fn)
{
	u32 todo;

	if (fn->todo & VGPU_PF_TODO_PROVIDE && !(fn->todo & VGPU_PF_TODO_RELEASE))
		vgpu_pf_function_provide(fn);
	todo = fn->todo;
	fn->todo = 0;
	if (todo & VGPU_PF_TODO_ACK)
		vgpu_pf_function_acknowledge(fn);
	if (todo & VGPU_PF_TODO_RELEASE) {
		vgpu_pf_mailbox_forget(fn);
		vgpu_pf_world_park(fn, VGPU_SCHED_PARK_ABSENT);
		vgpu_pf_function_enter(fn, VGPU_PF_ABSENT);
	} else if (todo & VGPU_PF_TODO_MAKE) {
		vgpu_pf_function_enter(fn, VGPU_PF_MAKING);
		vgpu_pf_command(fn->pf, VGPU_CMD_INIT, fn->number);
	} else {
		vgpu_pf_function_enter(fn, VGPU_PF_CLOSED);
		vgpu_pf_mailbox_answer(fn, 0);
	}
}

/* Its world is off the engine, and nothing will load it. */
static void vgpu_pf_function_left(struct vgpu_pf_function *fn)
{
	vgpu_pf_control_left(fn);
	if (!(fn->todo & VGPU_PF_TODO_MAKE))
		vgpu_pf_function_set_open(fn, false);
	/* an FLR does not close BAR 2: nobody looks in before it is clean */
	if (fn->todo & (VGPU_PF_TODO_RELEASE | VGPU_PF_TODO_SCRUB))
		vgpu_pf_function_set_range(fn, 0, 0);
	if (fn->todo & VGPU_PF_TODO_SCRUB) {
		fn->todo &= ~VGPU_PF_TODO_SCRUB;
		vgpu_pf_function_enter(fn, VGPU_PF_SCRUBBING);
		vgpu_pf_scrub_submit(fn->pf, &fn->scrub, &fn->range);
	} else {
		vgpu_pf_function_conclude(fn);
	}
}

/* It shall have another range, and that is clean, or cannot be cleared. */
static void vgpu_pf_function_resized(struct vgpu_pf_function *fn, int status)
{
	fn->todo &= ~VGPU_PF_TODO_RESIZE;
	fn->resize = status;
	if (!status) {
		swap(fn->range, fn->fresh);
		/* what it had must be clean, too, before anybody else can have it */
		vgpu_pf_scrub_submit(fn->pf, &fn->scrub, &fn->fresh);
	} else if (fn->todo & VGPU_PF_TODO_SCRUB) {
		vgpu_pf_function_left(fn);
	} else {
		vgpu_pf_function_conclude(fn);
	}
}

static void vgpu_pf_function_scrubbed(struct vgpu_pf_scrub_job *job)
{
	struct vgpu_pf_function *fn = container_of(job, struct vgpu_pf_function, scrub);

	if (fn->state != VGPU_PF_SCRUBBING)
		return;
	if (fn->todo & VGPU_PF_TODO_RESIZE)
		vgpu_pf_function_resized(fn, job->status);
	else if (job->status)
		vgpu_pf_function_break(fn, job->status, "its VRAM could not be scrubbed");
	else if (fn->todo & VGPU_PF_TODO_SCRUB)
		vgpu_pf_function_left(fn);
	else
		vgpu_pf_function_conclude(fn);
}

/*
 * Begin to take the world off the engine, or add to what is to be done when it
 * has left. Everything but a fresh world (after a hang) ends in CLOSED at least,
 * and replaces it.
 */
static void vgpu_pf_function_leave(struct vgpu_pf_function *fn, u32 todo)
{
	fn->todo |= todo;
	if (!(todo & VGPU_PF_TODO_MAKE))
		fn->todo &= ~VGPU_PF_TODO_MAKE;
	if (fn->state == VGPU_PF_LEAVING || fn->state == VGPU_PF_SCRUBBING)
		return;

	vgpu_pf_function_enter(fn, VGPU_PF_LEAVING);
	if (vgpu_pf_world_park(fn, VGPU_SCHED_PARK_DISABLED))
		vgpu_pf_function_left(fn);
}

/**
 * vgpu_pf_function_open() - make a fresh world and schedule it
 * @fn: CLOSED
 *
 * The answer to the VF's request is sent when that is done. Context: worker.
 */
void vgpu_pf_function_open(struct vgpu_pf_function *fn)
{
	fn->todo = VGPU_PF_TODO_MAKE;
	vgpu_pf_function_conclude(fn);
}

/**
 * vgpu_pf_function_close() - take the world off the engine
 * @fn: OPEN
 *
 * The answer to the VF's request is sent when that is done. Context: worker.
 */
void vgpu_pf_function_close(struct vgpu_pf_function *fn)
{
	vgpu_pf_function_leave(fn, 0);
}

/* ------------------------------------------------------------------------ */
/* News                                                                      */

static void vgpu_pf_function_on_provide(struct vgpu_pf_function *fn)
{
	fn->status = 0;
	fn->scrub.done = vgpu_pf_function_scrubbed;
	fn->todo = 0;
	vgpu_pf_control_forget(fn);
	WRITE_ONCE(fn->state, VGPU_PF_ABSENT);
	if (vgpu_pf_function_is_pf(fn))
		vgpu_pf_function_leave(fn, VGPU_PF_TODO_PROVIDE | VGPU_PF_TODO_MAKE);
	else
		vgpu_pf_function_leave(fn, VGPU_PF_TODO_SCRUB | VGPU_PF_TODO_PROVIDE);
}

static void vgpu_pf_function_on_close(struct vgpu_pf_function *fn)
{
	if (fn->state == VGPU_PF_ABSENT) {
		wake_up_all(&fn->pf->settled);
		return;
	}
	if (vgpu_pf_function_is_pf(fn)) {
		vgpu_pf_render_halt(fn->pf);
		vgpu_pf_render_close(fn->pf);
	} else {
		vgpu_pf_mailbox_forget(fn);
		vgpu_pf_mailbox_notice(fn, VGPU_NOTICE_CLOSED);
	}
	vgpu_pf_function_leave(fn, VGPU_PF_TODO_RELEASE);
}

static void vgpu_pf_function_on_release(struct vgpu_pf_function *fn)
{
	u32 todo = VGPU_PF_TODO_RELEASE;

	if (fn->state == VGPU_PF_ABSENT) {
		wake_up_all(&fn->pf->settled);
		return;
	}
	if (!vgpu_pf_function_is_pf(fn))
		todo |= VGPU_PF_TODO_SCRUB;
	vgpu_pf_function_leave(fn, todo);
}

/* Nothing of it runs and nobody uses its VRAM: it can have another range. */
static void vgpu_pf_function_on_resize(struct vgpu_pf_function *fn)
{
	if (fn->state != VGPU_PF_CLOSED) {
		fn->resize = fn->state == VGPU_PF_BROKEN ? -EIO : -EBUSY;
		wake_up_all(&fn->pf->settled);
		return;
	}
	vgpu_pf_function_set_range(fn, 0, 0);
	fn->todo |= VGPU_PF_TODO_RESIZE | VGPU_PF_TODO_PROVIDE;
	vgpu_pf_function_enter(fn, VGPU_PF_SCRUBBING);
	vgpu_pf_scrub_submit(fn->pf, &fn->scrub, &fn->fresh);
}

/* Rings of it have been disabled and do not stop: they do with its world. */
static void vgpu_pf_function_on_renew(struct vgpu_pf_function *fn)
{
	if (fn->state == VGPU_PF_OPEN)
		vgpu_pf_function_leave(fn, VGPU_PF_TODO_MAKE);
	else
		wake_up_all(&fn->pf->settled);
}

static void vgpu_pf_function_on_flr(struct vgpu_pf_function *fn)
{
	/* its mailbox was reset, too; nobody waits for an answer any more */
	vgpu_pf_mailbox_forget(fn);
	if (fn->state == VGPU_PF_ABSENT) {
		vgpu_pf_function_acknowledge(fn);
		return;
	}
	vgpu_pf_function_leave(fn, VGPU_PF_TODO_SCRUB | VGPU_PF_TODO_PROVIDE |
				   VGPU_PF_TODO_ACK);
}

static bool vgpu_pf_function_hangs_too_often(struct vgpu_pf_function *fn)
{
	if (!fn->recoveries || time_after(jiffies, fn->minute + 60 * HZ)) {
		fn->minute = jiffies;
		fn->recoveries = 0;
	}
	return ++fn->recoveries > FUNCTION_RECOVERIES;
}

/* The PF itself is needed: only its render node can be closed. */
static void vgpu_pf_function_on_lost_pf(struct vgpu_pf_function *fn)
{
	if (!vgpu_pf_render_is_started(fn->pf)) {
		dev_warn(fn->pf->drm.dev, "the PF's world was lost, it is made anew\n");
	} else if (vgpu_pf_function_hangs_too_often(fn)) {
		vgpu_pf_function_notice(fn, "render node closed: more than %u hangs in a minute\n",
					FUNCTION_RECOVERIES);
		vgpu_pf_render_halt(fn->pf);
		vgpu_pf_render_close(fn->pf);
	} else {
		vgpu_pf_function_notice(fn, "its world was lost, it is made anew\n");
	}
	vgpu_pf_function_leave(fn, VGPU_PF_TODO_MAKE);
}

/* Its world is lost: hang, RESET that recovery has given, damaged image. */
static void vgpu_pf_function_on_lost_world(struct vgpu_pf_function *fn)
{
	if (fn->state != VGPU_PF_OPEN)
		return;
	if (vgpu_pf_function_is_pf(fn)) {
		vgpu_pf_function_on_lost_pf(fn);
		return;
	}
	if (!vgpu_pf_function_hangs_too_often(fn)) {
		vgpu_pf_function_notice(fn, "its world was lost, it is made anew\n");
		vgpu_pf_function_leave(fn, VGPU_PF_TODO_MAKE);
		return;
	}
	vgpu_pf_function_notice(fn, "closed: more than %u hangs in a minute\n",
				FUNCTION_RECOVERIES);
	vgpu_pf_mailbox_forget(fn);
	vgpu_pf_mailbox_notice(fn, VGPU_NOTICE_CLOSED);
	vgpu_pf_function_leave(fn, 0);
}

static void vgpu_pf_function_on_left(struct vgpu_pf_function *fn)
{
	vgpu_pf_control_left(fn);
	if (fn->state == VGPU_PF_LEAVING)
		vgpu_pf_function_left(fn);
}

static void vgpu_pf_function_on_made(struct vgpu_pf_function *fn)
{
	struct vgpu_pf *pf = fn->pf;

	if (fn->state != VGPU_PF_MAKING)
		return;

	vgpu_pf_function_set_open(fn, true);
	vgpu_pf_function_enter(fn, VGPU_PF_OPEN);
	if (fn->mailbox.busy)
		vgpu_pf_mailbox_answer(fn, 0);
	else if (!vgpu_pf_function_is_pf(fn))
		vgpu_pf_mailbox_notice(fn, VGPU_NOTICE_RESET);
	vgpu_pf_world_unpark(fn, VGPU_SCHED_PARK_DISABLED | VGPU_PF_PARK_REMADE);
	/* work that came while all this was under way is not told twice */
	if (vgpu_pf_read(pf, vgpu_pf_fn_reg(fn, VGPU_PF_FN_STATUS)) &
	    VGPU_PF_FN_STATUS_RUNNABLE)
		vgpu_pf_world_wake(fn);
	if (vgpu_pf_function_is_pf(fn)) {
		vgpu_pf_scrub_check(pf);
		vgpu_pf_render_was_reset(pf);
	}
}

static void vgpu_pf_function_on_refused(struct vgpu_pf_function *fn)
{
	if (fn->state == VGPU_PF_MAKING)
		vgpu_pf_function_break(fn, -EIO, "the device refuses to make its world");
}

static void vgpu_pf_function_on_fault(struct vgpu_pf_function *fn)
{
	struct vgpu_pf *pf = fn->pf;
	u32 fault, ring;
	u64 addr;

	raw_spin_lock_irq(&pf->lock);
	fault = fn->fault;
	ring = fn->fault_ring;
	addr = fn->fault_addr;
	raw_spin_unlock_irq(&pf->lock);
	if (vgpu_pf_function_is_pf(fn))
		vgpu_pf_scrub_check(pf);
	else
		vgpu_pf_function_notice(fn,
					"ring %u halted by fault %u, opcode %u, context %u, address %#llx\n",
					ring, FIELD_GET(VGPU_RING_FAULT_CODE, fault),
					FIELD_GET(VGPU_RING_FAULT_OPCODE, fault),
					FIELD_GET(VGPU_RING_FAULT_CONTEXT, fault), addr);
}

/* Requests wait in the mailbox until the function is what it is becoming. */
static void vgpu_pf_function_on_mailbox(struct vgpu_pf_function *fn)
{
	if (vgpu_pf_function_is_pf(fn))
		return;
	switch (fn->state) {
	case VGPU_PF_CLOSED:
		if (READ_ONCE(fn->pf->vram.moving))
			break;
		fallthrough;
	case VGPU_PF_OPEN:
	case VGPU_PF_BROKEN:
		vgpu_pf_mailbox_serve(fn);
		break;
	default:
		break;
	}
}

static void vgpu_pf_function_on_storm(struct vgpu_pf_function *fn)
{
	vgpu_pf_function_notice(fn, "doorbell storm\n");
}

/* By number of the news, which is also the order in which they are seen to. */
static void (* const vgpu_pf_function_on[])(struct vgpu_pf_function *fn) = {
	[VGPU_PF_NEWS_PROVIDE]	= vgpu_pf_function_on_provide,
	[VGPU_PF_NEWS_CLOSE]	= vgpu_pf_function_on_close,
	[VGPU_PF_NEWS_RELEASE]	= vgpu_pf_function_on_release,
	[VGPU_PF_NEWS_RESIZE]	= vgpu_pf_function_on_resize,
	[VGPU_PF_NEWS_RENEW]	= vgpu_pf_function_on_renew,
	[VGPU_PF_NEWS_PAUSE]	= vgpu_pf_control_on_pause,
	[VGPU_PF_NEWS_RESUME]	= vgpu_pf_control_on_resume,
	[VGPU_PF_NEWS_STOP]	= vgpu_pf_control_on_stop,
	[VGPU_PF_NEWS_FLR]	= vgpu_pf_function_on_flr,
	[VGPU_PF_NEWS_HANG]	= vgpu_pf_function_on_lost_world,
	[VGPU_PF_NEWS_RESET]	= vgpu_pf_function_on_lost_world,
	[VGPU_PF_NEWS_LEFT]	= vgpu_pf_function_on_left,
	[VGPU_PF_NEWS_MADE]	= vgpu_pf_function_on_made,
	[VGPU_PF_NEWS_REFUSED]	= vgpu_pf_function_on_refused,
	[VGPU_PF_NEWS_FAULT]	= vgpu_pf_function_on_fault,
	[VGPU_PF_NEWS_MAILBOX]	= vgpu_pf_function_on_mailbox,
	[VGPU_PF_NEWS_STORM]	= vgpu_pf_function_on_storm,
};

static void vgpu_pf_function_work(struct kthread_work *work)
{
	struct vgpu_pf_function *fn = container_of(work, struct vgpu_pf_function, work);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vgpu_pf_function_on); i++)
		if (test_and_clear_bit(i, &fn->news) && !READ_ONCE(fn->pf->wedged))
			vgpu_pf_function_on[i](fn);
}

/* ------------------------------------------------------------------------ */
/* What does not come                                                        */

static void vgpu_pf_function_watch_leaving(struct vgpu_pf_function *fn)
{
	struct vgpu_pf *pf = fn->pf;
	unsigned long bound = nsecs_to_jiffies(2 * READ_ONCE(pf->world.timeouts_ns)) +
			      FUNCTION_LEAVE_BOUND;

	if (time_before(jiffies, fn->since + bound))
		return;
	if (fn->reset) {
		vgpu_pf_wedge(pf, "a world does not leave the engine");
		return;
	}
	dev_warn(pf->drm.dev, "function %u does not leave the engine: reset\n", fn->number);
	vgpu_pf_command(pf, VGPU_CMD_RESET, fn->number);
	fn->since = jiffies;
	fn->reset = true;
}

/**
 * vgpu_pf_function_watch() - look whether a function waits for too long
 * @fn: the function
 *
 * Context: worker.
 */
void vgpu_pf_function_watch(struct vgpu_pf_function *fn)
{
	if (fn->mailbox.held)
		vgpu_pf_function_on_mailbox(fn);
	switch (fn->state) {
	case VGPU_PF_LEAVING:
		vgpu_pf_function_watch_leaving(fn);
		break;
	case VGPU_PF_MAKING:
		if (time_after(jiffies, fn->since + FUNCTION_MAKE_BOUND))
			vgpu_pf_function_break(fn, -ETIMEDOUT, "no answer to INIT");
		break;
	default:
		break;
	}
}

/**
 * vgpu_pf_function_lose() - the device is dead: nothing will come any more
 * @fn: the function
 *
 * If it is not that dead, a VF has no VRAM any more: before the device is reset it may
 * get another owner, and nobody would clear what the last one has left. Reads no
 * register. Context: worker.
 */
void vgpu_pf_function_lose(struct vgpu_pf_function *fn)
{
	if (fn->state == VGPU_PF_ABSENT)
		return;
	vgpu_pf_function_set_range(fn, 0, 0);
	fn->status = -EIO;
	fn->todo = 0;
	if (vgpu_pf_function_is_pf(fn))
		vgpu_pf_render_close(fn->pf);
	vgpu_pf_function_enter(fn, VGPU_PF_BROKEN);
}

/* ------------------------------------------------------------------------ */
/* From process context                                                      */

static bool vgpu_pf_functions_settled(struct vgpu_pf *pf, unsigned int first,
				      unsigned int count)
{
	unsigned int i;

	for (i = first; i < first + count; i++) {
		struct vgpu_pf_function *fn = &pf->fn[i];

		if (READ_ONCE(fn->news) & (BIT(VGPU_PF_NEWS_PROVIDE) |
					   BIT(VGPU_PF_NEWS_CLOSE) |
					   BIT(VGPU_PF_NEWS_RELEASE) |
					   BIT(VGPU_PF_NEWS_RESIZE) |
					   BIT(VGPU_PF_NEWS_RENEW)))
			return false;
		switch (READ_ONCE(fn->state)) {
		case VGPU_PF_SCRUBBING:
		case VGPU_PF_MAKING:
		case VGPU_PF_LEAVING:
			return false;
		default:
			break;
		}
	}
	return true;
}

/*
 * Not to be interrupted: the worker would go on to change ranges behind the caller's
 * back. There is an end: @bound suffices if the PF gets engine time for clearing. If
 * it does not get any, that is waited for a few times; the administrator can help
 * meanwhile by settings, or by pausing whoever is in the way.
 */
static bool vgpu_pf_functions_wait(struct vgpu_pf *pf, unsigned int first,
				   unsigned int count, unsigned long bound)
{
	unsigned int waits = FUNCTION_WAITS;

	do {
		if (wait_event_timeout(pf->settled, READ_ONCE(pf->wedged) ||
				       vgpu_pf_functions_settled(pf, first, count), bound))
			return true;
	} while (vgpu_pf_scrub_is_busy(pf) && (vgpu_pf_render_has_work(pf) || --waits));
	return false;
}

static int vgpu_pf_functions_change(struct vgpu_pf *pf, unsigned int first,
				    unsigned int count, unsigned int news)
{
	unsigned int i, ranges = 0;
	unsigned long bound;
	u64 bytes = 0;

	for (i = first; i < first + count; i++) {
		if (i != VGPU_FUNCTION_PF) {
			bytes += pf->fn[i].range.bytes + pf->fn[i].fresh.bytes;
			ranges += 2;
		}
		vgpu_pf_function_notify(&pf->fn[i], news);
	}
	/* news is cleared before it is acted upon, so let that be over */
	for (i = first; i < first + count; i++)
		kthread_flush_work(&pf->fn[i].work);
	bound = vgpu_pf_scrub_bound(pf, bytes, ranges) + 4 * FUNCTION_LEAVE_BOUND +
		nsecs_to_jiffies(4 * READ_ONCE(pf->world.timeouts_ns));
	if (!vgpu_pf_functions_wait(pf, first, count, bound))
		vgpu_pf_abandon(pf, "it does not come to rest");
	if (READ_ONCE(pf->wedged))
		return -EIO;

	for (i = first; i < first + count; i++)
		if (READ_ONCE(pf->fn[i].state) == VGPU_PF_BROKEN)
			return pf->fn[i].status;
	return 0;
}

/**
 * vgpu_pf_functions_provide() - hand VRAM, image and mailbox over
 * @pf: the device
 * @first: of the functions, all ABSENT or BROKEN, with their ranges decided
 * @count: of them
 *
 * VFs are CLOSED then, the PF is OPEN. Context: process, vgpu_pf.admin is held.
 *
 * Return: 0, -EIO or -ETIMEDOUT; then some of them may have been provided. If
 * they do not come to rest the device is out of service.
 */
int vgpu_pf_functions_provide(struct vgpu_pf *pf, unsigned int first, unsigned int count)
{
	return vgpu_pf_functions_change(pf, first, count, VGPU_PF_NEWS_PROVIDE);
}

/**
 * vgpu_pf_functions_close() - take their worlds off the engine; VFs are told
 * @pf: the device
 * @first: of the functions
 * @count: of them
 *
 * They are ABSENT then, but their ranges are not cleared: they stay theirs until
 * vgpu_pf_functions_provide(). Context: process, vgpu_pf.admin is held.
 *
 * Return: 0, -EIO or -ETIMEDOUT.
 */
int vgpu_pf_functions_close(struct vgpu_pf *pf, unsigned int first, unsigned int count)
{
	return vgpu_pf_functions_change(pf, first, count, VGPU_PF_NEWS_CLOSE);
}

/**
 * vgpu_pf_functions_release() - take everything back and clear it
 * @pf: the device
 * @first: of the functions
 * @count: of them
 *
 * Afterwards their ranges can be divided anew, also if this fails: nothing is
 * handed over again before it has been scrubbed. Context: process, vgpu_pf.admin is held.
 *
 * Return: 0, -EIO or -ETIMEDOUT.
 */
int vgpu_pf_functions_release(struct vgpu_pf *pf, unsigned int first, unsigned int count)
{
	return vgpu_pf_functions_change(pf, first, count, VGPU_PF_NEWS_RELEASE);
}

/**
 * vgpu_pf_function_renew() - make the PF's world anew
 * @fn: the PF
 *
 * What is in disabled rings does not run any more then; all else goes on, or begins
 * again. Context: process; vgpu_pf.admin need not be held.
 *
 * Return: 0, or -EIO: the device is out of service.
 */
int vgpu_pf_function_renew(struct vgpu_pf_function *fn)
{
	return vgpu_pf_functions_change(fn->pf, fn->number, 1, VGPU_PF_NEWS_RENEW);
}

/**
 * vgpu_pf_function_resize() - give an enabled VF another range
 * @fn: the VF
 * @range: what it shall have; nobody else's, but it may overlap what it has
 *
 * Context: process, vgpu_pf.admin is held.
 *
 * Return: 0; -EBUSY: it is not CLOSED; -EIO or -ETIMEDOUT: a range cannot be
 * cleared, or the device is out of service. It has what it had then, or is
 * BROKEN.
 */
int vgpu_pf_function_resize(struct vgpu_pf_function *fn, const struct vgpu_pf_range *range)
{
	int err;

	if (!fn->pf->running || READ_ONCE(fn->pf->wedged))
		return -EIO;
	fn->fresh = *range;
	fn->resize = -EIO;
	err = vgpu_pf_functions_change(fn->pf, fn->number, 1, VGPU_PF_NEWS_RESIZE);
	fn->fresh = (struct vgpu_pf_range){};
	return err ?: fn->resize;
}

/**
 * vgpu_pf_function_init() - before anything is known about a function
 * @pf: its device
 * @number: its number
 *
 * Return: 0 or -ENOMEM.
 */
int vgpu_pf_function_init(struct vgpu_pf *pf, unsigned int number)
{
	struct vgpu_pf_function *fn = &pf->fn[number];

	fn->pf = pf;
	fn->number = number;
	if (vgpu_pf_function_is_pf(fn))
		strscpy(fn->name, "PF");
	else
		snprintf(fn->name, sizeof(fn->name), "VF%u", number);
	fn->state = VGPU_PF_ABSENT;
	ratelimit_state_init(&fn->ratelimit, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	ratelimit_set_flags(&fn->ratelimit, RATELIMIT_MSG_ON_RELEASE);
	kthread_init_work(&fn->work, vgpu_pf_function_work);
	return drmm_mutex_init(&pf->drm, &fn->orders);
}

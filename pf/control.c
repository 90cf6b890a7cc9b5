// SPDX-License-Identifier: GPL-2.0-only
/* Pause, resume and stop of a VF; drawn in control.h. */
#include <linux/cleanup.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>

#include "device.h"

/* Beyond the preempt timeouts: interrupts and the worker. */
#define CONTROL_SLACK	(2 * HZ)

static const char * const vgpu_pf_control_names[] = {
	[VGPU_PF_READY]		= "ready",
	[VGPU_PF_PAUSING]	= "pausing",
	[VGPU_PF_PAUSED]	= "paused",
	[VGPU_PF_STOPPING]	= "stopping",
	[VGPU_PF_STOPPED]	= "stopped",
};

/**
 * vgpu_pf_control_name() - for people
 * @fn: the function
 *
 * Return: what the administrator has made of it.
 */
const char *vgpu_pf_control_name(const struct vgpu_pf_function *fn)
{
	return vgpu_pf_control_names[READ_ONCE(fn->control)];
}

/* ------------------------------------------------------------------------ */
/* Arrows of the diagram; in the worker                                      */

static void vgpu_pf_control_enter(struct vgpu_pf_function *fn, enum vgpu_pf_control control)
{
	WRITE_ONCE(fn->control, control);
	wake_up_all(&fn->pf->settled);
}

static void vgpu_pf_control_hold(struct vgpu_pf_function *fn, enum vgpu_pf_control leaving)
{
	vgpu_pf_control_enter(fn, leaving);
	if (vgpu_pf_world_park(fn, VGPU_SCHED_PARK_PAUSED))
		vgpu_pf_control_left(fn);
}

/**
 * vgpu_pf_control_left() - its world may have left the engine
 * @fn: whose
 */
void vgpu_pf_control_left(struct vgpu_pf_function *fn)
{
	if (!vgpu_pf_world_is_off(fn))
		return;
	if (fn->control == VGPU_PF_PAUSING)
		vgpu_pf_control_enter(fn, VGPU_PF_PAUSED);
	else if (fn->control == VGPU_PF_STOPPING)
		vgpu_pf_control_enter(fn, VGPU_PF_STOPPED);
}

/**
 * vgpu_pf_control_on_pause() - it shall be paused
 * @fn: the VF
 */
void vgpu_pf_control_on_pause(struct vgpu_pf_function *fn)
{
	if (fn->control == VGPU_PF_READY)
		vgpu_pf_control_hold(fn, VGPU_PF_PAUSING);
}

/**
 * vgpu_pf_control_on_resume() - it shall go on
 * @fn: the VF
 */
void vgpu_pf_control_on_resume(struct vgpu_pf_function *fn)
{
	if (fn->control == VGPU_PF_PAUSED || fn->control == VGPU_PF_PAUSING)
		vgpu_pf_control_forget(fn);
}

/**
 * vgpu_pf_control_on_stop() - it shall not run any more
 * @fn: the VF
 */
void vgpu_pf_control_on_stop(struct vgpu_pf_function *fn)
{
	if (fn->control != VGPU_PF_STOPPED)
		vgpu_pf_control_hold(fn, VGPU_PF_STOPPING);
}

/**
 * vgpu_pf_control_forget() - whatever was wanted of it, it is READY
 * @fn: the function
 */
void vgpu_pf_control_forget(struct vgpu_pf_function *fn)
{
	if (fn->control == VGPU_PF_READY)
		return;
	vgpu_pf_world_unpark(fn, VGPU_SCHED_PARK_PAUSED);
	vgpu_pf_control_enter(fn, VGPU_PF_READY);
}

/* ------------------------------------------------------------------------ */
/* From process context                                                      */

/**
 * struct control_order - one of the three
 * @name: for the log
 * @news: what the worker is told
 * @via: state on the way
 * @to: state in the end
 * @done: for the log
 */
struct control_order {
	const char *name;
	unsigned int news;
	enum vgpu_pf_control via;
	enum vgpu_pf_control to;
	const char *done;
};

static const struct control_order control_pause = {
	"pause", VGPU_PF_NEWS_PAUSE, VGPU_PF_PAUSING, VGPU_PF_PAUSED, "paused"
};

static const struct control_order control_resume = {
	"resume", VGPU_PF_NEWS_RESUME, VGPU_PF_READY, VGPU_PF_READY, "resumed"
};

static const struct control_order control_stop = {
	"stop", VGPU_PF_NEWS_STOP, VGPU_PF_STOPPING, VGPU_PF_STOPPED,
	"stopped until its FLR"
};

static int vgpu_pf_control_refuse(struct vgpu_pf_function *fn, int err, const char *name,
				  const char *why)
{
	vgpu_pf_function_refuse(fn, "%s: %s: %pe\n", name, why, ERR_PTR(err));
	return err;
}

static int vgpu_pf_control_check(struct vgpu_pf_function *fn, const struct control_order *order)
{
	enum vgpu_pf_control control = READ_ONCE(fn->control);
	struct vgpu_pf *pf = fn->pf;

	if (fn->number > READ_ONCE(pf->vfs))
		return vgpu_pf_control_refuse(fn, -EPERM, order->name, "the VF is not enabled");
	if (!READ_ONCE(pf->running) || READ_ONCE(pf->wedged))
		return vgpu_pf_control_refuse(fn, -EIO, order->name,
					      "the device is out of service");
	if (control == order->to && order != &control_resume)
		return vgpu_pf_control_refuse(fn, -ESTALE, order->name, "it is already");
	if (control == order->via && order != &control_resume)
		return vgpu_pf_control_refuse(fn, -EALREADY, order->name, "under way");
	if (order == &control_resume && control != VGPU_PF_PAUSED &&
	    control != VGPU_PF_PAUSING)
		return vgpu_pf_control_refuse(fn, -EPERM, order->name, "it is not paused");
	if (order == &control_pause && control != VGPU_PF_READY)
		return vgpu_pf_control_refuse(fn, -EPERM, order->name, "it is stopped");
	return 0;
}

static bool vgpu_pf_control_settled(struct vgpu_pf_function *fn)
{
	enum vgpu_pf_control control = READ_ONCE(fn->control);

	return control != VGPU_PF_PAUSING && control != VGPU_PF_STOPPING;
}

/* Its own preempt timeout, and as much for the world that it may have to follow. */
static unsigned long vgpu_pf_control_bound(struct vgpu_pf_function *fn)
{
	struct vgpu_sched_params params;

	vgpu_pf_settings_get(fn, &params);
	return nsecs_to_jiffies(2 * params.preempt_timeout_ns + fn->pf->cost_reset_ns) +
	       CONTROL_SLACK;
}

static int vgpu_pf_control(struct vgpu_pf_function *fn, const struct control_order *order)
{
	struct vgpu_pf *pf = fn->pf;
	long left;
	int err;

	/* not under the lock, so that who comes second is told at once */
	err = vgpu_pf_control_check(fn, order);
	if (err)
		return err;

	CLASS(mutex_intr, order_lock)(&fn->orders);
	if (!order_lock)
		return -EINTR;
	err = vgpu_pf_control_check(fn, order);
	if (err)
		return err;
	vgpu_pf_function_notify(fn, order->news);
	kthread_flush_work(&fn->work);
	left = wait_event_interruptible_timeout(pf->settled, READ_ONCE(pf->wedged) ||
						vgpu_pf_control_settled(fn),
						vgpu_pf_control_bound(fn));
	if (!left)
		return vgpu_pf_control_refuse(fn, -ETIMEDOUT, order->name, "still under way");
	if (left < 0)
		return -EINTR;
	if (READ_ONCE(pf->wedged))
		return -EIO;
	if (READ_ONCE(fn->control) != order->to)
		return vgpu_pf_control_refuse(fn, -ECANCELED, order->name, "an FLR came between");
	if (__ratelimit(&pf->refusals))
		dev_info(pf->drm.dev, "%s: %s\n", fn->name, order->done);
	return 0;
}

/**
 * vgpu_pf_control_pause() - take a VF off the engine until it is resumed
 * @fn: the VF
 *
 * Context: process; waits until it is off.
 *
 * Return: 0; -EPERM: it is stopped or not enabled; -ESTALE: it is paused already;
 * -EALREADY: that is under way; -ECANCELED: an FLR came between; -ETIMEDOUT, or
 * -EINTR after a signal: it has not left yet, but is still to, and can be resumed;
 * -EIO: the device is out of service.
 */
int vgpu_pf_control_pause(struct vgpu_pf_function *fn)
{
	return vgpu_pf_control(fn, &control_pause);
}

/**
 * vgpu_pf_control_resume() - let a paused VF go on
 * @fn: the VF
 *
 * Also if it has not left the engine yet. Context: process.
 *
 * Return: 0; -EPERM: it is not paused; -EINTR: a signal; -EIO.
 */
int vgpu_pf_control_resume(struct vgpu_pf_function *fn)
{
	return vgpu_pf_control(fn, &control_resume);
}

/**
 * vgpu_pf_control_stop() - take a VF off the engine until its FLR
 * @fn: the VF
 *
 * Return: 0, or as vgpu_pf_control_pause(); a paused VF can be stopped.
 */
int vgpu_pf_control_stop(struct vgpu_pf_function *fn)
{
	return vgpu_pf_control(fn, &control_stop);
}

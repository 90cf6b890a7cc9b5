// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recovery: rings that halt, jobs that do not end, PFs that close the function.
 *
 *            fault, world reset                  NOTICE CLOSED, no answer
 *   running -------------------> ring halted    running ------> closed ------> gone
 *      ^                             |             ^               |   silent too
 *      +--- go on behind the job ----+             +--- reopen ----+   often
 *
 * A job that has faulted, or has not ended in time, bans its queue, and is left to
 * coredump.c. All others go on.
 *
 * A job has timed out when it has stayed at one packet for job_timeout_ms of
 * GPU time, which the device counts for this function. The time for which other
 * functions have the engine does not count, so this is no timer of drm_sched,
 * but a watchdog, which looks at all rings several times in that time:
 *
 * - A ring that was served for the limit (VGPU_REG_SERVED, at each look) without
 *   moving is to blame. Others that could run have to wait for it.
 * - A ring that is blocked by a WAIT for the limit, or is stopping, is to blame
 *   itself. While no ring can run, the function gets no GPU time, and nobody but
 *   the CPU could end that: then the clock counts.
 *
 * The ring is stopped, which takes until the end of a work-group, and goes on
 * behind the job. If it does not stop, the PF is asked to stop the world, which
 * resets it if need be. If that fails too, all address spaces are revoked: then
 * whatever still runs can do no harm, and all jobs can be given up.
 *
 * A job of a process that was killed has at most KILLED_DELAY to end, as most do. Then
 * the ring is stopped, without harm to others: if that takes long, it is waited for, up
 * to the limit.
 *
 * A device that reads as all ones need not be gone: its PF may be in the middle of
 * a reset, of which the notice may have been lost. So it is closed, and is gone only
 * if it has not answered for SILENT_TRIES tries in a row.
 *
 * All of it is on the way to signal fences: nothing here allocates, or takes a
 * lock under which something is allocated, before the fences are signalled.
 */
#include <linux/dma-fence.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/pci.h>

#include <drm/drm_print.h>

#include <vgpu/mailbox.h>

#include "device.h"
#include "driver.h"
#include "recovery.h"

#define LOOKS_PER_LIMIT		4
#define KILLED_DELAY		(HZ / 10)
/* Meanwhile nothing else is seen to; longer work-groups are looked at again later. */
#define KILLED_STOP_US		10000
#define REOPEN_DELAY_MIN	HZ
#define REOPEN_DELAY_MAX	(64 * HZ)
#define SILENT_TRIES		4

static u64 limit_ns(void)
{
	return (u64)vgpu_vf_job_timeout_ms * NSEC_PER_MSEC;
}

static unsigned long look_delay(void)
{
	return clamp(msecs_to_jiffies(vgpu_vf_job_timeout_ms / LOOKS_PER_LIMIT),
		     1ul, (unsigned long)HZ);
}

/* The sooner it is closed again, the longer it waits. */
static void give_up(struct vgpu_vf *vf)
{
	if (time_after(jiffies, vf->recovery.opened + REOPEN_DELAY_MAX))
		vf->recovery.delay = REOPEN_DELAY_MIN;
	vgpu_vf_close(vf, -EIO);
	vgpu_vf_recovery_reopen(vf);
}

static void attend_to(struct vgpu_vf *vf, bool closed_by_pf)
{
	unsigned int i;

	/* First: while the PF is being reset there is nothing here to answer. */
	if (closed_by_pf) {
		drm_notice(&vf->drm, "closed by the PF\n");
		give_up(vf);
		return;
	}
	if (vgpu_vf_is_gone(vf)) {
		drm_err(&vf->drm, "the device does not answer\n");
		give_up(vf);
		return;
	}
	/* A world that was reset is closed until it is made anew: a notice follows. */
	if (!(readl(vf->regs + VGPU_REG_STATUS) & VGPU_STATUS_OPEN))
		return;
	for (i = 0; i < vf->ring_count; i++) {
		vgpu_vf_ring_recover(&vf->rings[i]);
		vgpu_vf_ring_kick(&vf->rings[i]);
	}
}

static void attend(struct work_struct *work)
{
	struct vgpu_vf *vf = container_of(work, struct vgpu_vf, recovery.attend);
	bool closed_by_pf = xchg(&vf->recovery.closed_by_pf, false);
	bool cookie;

	if (vf->closed)
		return;
	cookie = dma_fence_begin_signalling();
	attend_to(vf, closed_by_pf);
	dma_fence_end_signalling(cookie);
}

/**
 * vgpu_vf_recovery_attend() - something may be wrong; from anywhere
 * @vf: the function
 */
void vgpu_vf_recovery_attend(struct vgpu_vf *vf)
{
	queue_work(vf->recovery.queue, &vf->recovery.attend);
}

/**
 * vgpu_vf_recovery_notice() - the PF has sent a notice; in the interrupt
 * @vf: the function
 * @notice: enum vgpu_notice
 */
void vgpu_vf_recovery_notice(struct vgpu_vf *vf, u32 notice)
{
	if (notice == VGPU_NOTICE_CLOSED)
		WRITE_ONCE(vf->recovery.closed_by_pf, true);
	else if (notice != VGPU_NOTICE_RESET)
		drm_dbg(&vf->drm, "unknown notice %u from the PF\n", notice);
	vgpu_vf_recovery_attend(vf);
}

/* @ret: of vgpu_vf_open() */
static bool is_silent_for_good(struct vgpu_vf *vf, int ret)
{
	if (ret != -ENODEV) {
		vf->recovery.silent = 0;
		return false;
	}
	return ++vf->recovery.silent >= SILENT_TRIES ||
	       pci_dev_is_disconnected(vf->pdev);
}

static void reopen(struct work_struct *work)
{
	struct vgpu_vf *vf = container_of(work, struct vgpu_vf, recovery.reopen.work);
	int ret;

	down_write(&vf->access);
	ret = vgpu_vf_open(vf);
	up_write(&vf->access);
	vf->recovery.opened = jiffies;
	vf->recovery.delay = min(vf->recovery.delay * 2, (unsigned long)REOPEN_DELAY_MAX);
	if (!ret) {
		vf->recovery.silent = 0;
		drm_notice(&vf->drm, "open again\n");
		return;
	}
	drm_dbg(&vf->drm, "still closed: %pe\n", ERR_PTR(ret));
	if (is_silent_for_good(vf, ret)) {
		drm_err(&vf->drm, "the device is gone\n");
		vgpu_vf_close(vf, -ENODEV);
		return;
	}
	vgpu_vf_recovery_reopen(vf);
}

/**
 * vgpu_vf_recovery_reopen() - try to open the function again, later
 * @vf: the function, closed
 */
void vgpu_vf_recovery_reopen(struct vgpu_vf *vf)
{
	queue_delayed_work(vf->recovery.queue, &vf->recovery.reopen, vf->recovery.delay);
}

/*
 * The world does not stop for its driver: let the PF stop it, and start all
 * rings again, behind what was lost.
 */
static int restart_world(struct vgpu_vf *vf, struct vgpu_vf_ring *to_blame, u64 head)
{
	struct vgpu_vf_ring *ring = vf->rings, *end = ring + vf->ring_count;
	int ret;

	ret = vf->pf->stop(vf);
	if (ret && ret != -EALREADY)
		return ret;
	for (; ring < end; ring++) {
		ret = vgpu_vf_ring_disable(ring, VGPU_VF_RING_STOP_US);
		if (ret)
			return ret;
	}
	for (ring = vf->rings; ring < end; ring++)
		vgpu_vf_ring_skip(ring, ring == to_blame ? head : U64_MAX);
	ret = vf->pf->start(vf);
	if (ret)
		return ret;
	for (ring = vf->rings; ring < end; ring++)
		vgpu_vf_ring_kick(ring);
	return 0;
}

static void time_out(struct vgpu_vf_ring *ring, u64 head)
{
	struct vgpu_vf *vf = ring->vf;
	int ret;

	vf->recovery.timeouts++;
	dev_notice_ratelimited(vf->drm.dev, "%s: a job has exceeded %u ms of GPU time\n",
			       ring->name, vgpu_vf_job_timeout_ms);
	ret = vgpu_vf_ring_disable(ring, VGPU_VF_RING_STOP_US);
	if (!ret) {
		vgpu_vf_ring_skip(ring, head);
		return;
	}
	ret = restart_world(vf, ring, head);
	if (!ret)
		return;
	drm_err(&vf->drm, "cannot stop %s: %pe\n", ring->name, ERR_PTR(ret));
	give_up(vf);
}

/* @status: of the ring. @waited, @gpu_time: since it was looked at last. */
static void look_at_ring(struct vgpu_vf_ring *ring, u32 status, u64 waited, u64 gpu_time)
{
	struct vgpu_vf *vf = ring->vf;
	struct vgpu_vf_progress *progress = &vf->recovery.progress[ring->index];
	bool served = status == VGPU_RING_ACTIVE &&
		      readl(vf->regs + VGPU_REG_SERVED) == ring->index;
	u64 head = readq(ring->regs + VGPU_RING_HEAD);

	if (!vf->recovery.watching || head != progress->head) {
		progress->stuck_ns = 0;
		progress->served_ns = 0;
	} else {
		progress->stuck_ns = status == VGPU_RING_BLOCKED || status == VGPU_RING_STOPPING ?
				     progress->stuck_ns + waited : 0;
		if (served && progress->served)
			progress->served_ns += gpu_time;
	}
	progress->head = head;
	progress->served = served;
}

static struct vgpu_vf_ring *find_overdue(struct vgpu_vf *vf)
{
	const struct vgpu_vf_progress *progress = vf->recovery.progress;
	unsigned int i;

	for (i = 0; i < vf->ring_count; i++)
		if (max(progress[i].stuck_ns, progress[i].served_ns) >= limit_ns())
			return &vf->rings[i];
	return NULL;
}

/* Brings what is known of all rings up to date. */
static void look_at_rings(struct vgpu_vf *vf)
{
	struct vgpu_vf_recovery *recovery = &vf->recovery;
	u64 clock = readq(vf->regs + VGPU_REG_CLOCK) - recovery->clock;
	u64 gpu_time = readq(vf->regs + VGPU_REG_GPU_TIME) - recovery->gpu_time;
	u32 status[VGPU_MAX_RINGS];
	bool runnable = false;
	unsigned int i;

	for (i = 0; i < vf->ring_count; i++) {
		vgpu_vf_ring_complete(&vf->rings[i]);
		status[i] = readl(vf->rings[i].regs + VGPU_RING_STATUS);
		runnable |= status[i] == VGPU_RING_ACTIVE;
		if (status[i] == VGPU_RING_HALTED || PCI_POSSIBLE_ERROR(status[i]))
			vgpu_vf_recovery_attend(vf);
		else if (status[i] == VGPU_RING_IDLE)
			vgpu_vf_ring_kick(&vf->rings[i]);
	}
	for (i = 0; i < vf->ring_count; i++)
		look_at_ring(&vf->rings[i], status[i],
			     runnable || recovery->runnable ? gpu_time : clock, gpu_time);

	if (!recovery->watching || readl(vf->regs + VGPU_REG_STATUS) & VGPU_STATUS_OPEN)
		recovery->closed_ns = 0;
	else
		recovery->closed_ns += clock;
	recovery->clock += clock;
	recovery->gpu_time += gpu_time;
	recovery->runnable = runnable;
	recovery->watching = true;
}

static bool any_busy(struct vgpu_vf *vf)
{
	unsigned int i;

	for (i = 0; i < vf->ring_count; i++)
		if (vgpu_vf_ring_is_busy(&vf->rings[i]))
			return true;
	return false;
}

static void look_at(struct vgpu_vf *vf)
{
	struct vgpu_vf_recovery *recovery = &vf->recovery;
	struct vgpu_vf_ring *ring;

	look_at_rings(vf);
	if (recovery->closed_ns >= limit_ns()) {
		drm_notice(&vf->drm, "closed by the PF, which did not say so\n");
		give_up(vf);
		return;
	}
	ring = find_overdue(vf);
	if (ring) {
		time_out(ring, recovery->progress[ring->index].head);
		recovery->watching = false;
	}
	vgpu_vf_recovery_watch(vf);
}

static void look(struct work_struct *work)
{
	struct vgpu_vf *vf = container_of(work, struct vgpu_vf, recovery.watchdog.work);
	bool cookie;

	if (vf->closed || !any_busy(vf)) {
		vf->recovery.watching = false;
		return;
	}
	cookie = dma_fence_begin_signalling();
	look_at(vf);
	dma_fence_end_signalling(cookie);
}

/**
 * vgpu_vf_recovery_watch() - there are jobs: see that they end; from anywhere
 * @vf: the function
 */
void vgpu_vf_recovery_watch(struct vgpu_vf *vf)
{
	if (!delayed_work_pending(&vf->recovery.watchdog))
		queue_delayed_work(vf->recovery.queue, &vf->recovery.watchdog, look_delay());
}

static void end_killed(struct work_struct *work)
{
	struct vgpu_vf *vf = container_of(work, struct vgpu_vf, recovery.killed.work);
	bool cookie = dma_fence_begin_signalling();
	unsigned int i;
	int ret;

	for (i = 0; i < vf->ring_count && !vf->closed; i++) {
		ret = vgpu_vf_ring_end_killed(&vf->rings[i]);
		if (ret == -EBUSY)
			ret = vgpu_vf_ring_disable(&vf->rings[i], KILLED_STOP_US);
		else if (!ret)
			continue;
		if (!ret)
			vgpu_vf_ring_skip(&vf->rings[i], U64_MAX);
		else
			vgpu_vf_recovery_end_killed(vf);
	}
	dma_fence_end_signalling(cookie);
}

/**
 * vgpu_vf_recovery_end_killed() - killed processes have jobs in rings; from anywhere
 * @vf: the function
 */
void vgpu_vf_recovery_end_killed(struct vgpu_vf *vf)
{
	queue_delayed_work(vf->recovery.queue, &vf->recovery.killed, KILLED_DELAY);
}

/**
 * vgpu_vf_recovery_pause() - wait for what is under way, and let nothing begin
 * @vf: the function
 */
void vgpu_vf_recovery_pause(struct vgpu_vf *vf)
{
	disable_delayed_work_sync(&vf->recovery.reopen);
	disable_delayed_work_sync(&vf->recovery.watchdog);
	disable_delayed_work_sync(&vf->recovery.killed);
	disable_work_sync(&vf->recovery.attend);
}

/**
 * vgpu_vf_recovery_resume() - undo vgpu_vf_recovery_pause()
 * @vf: the function
 *
 * Jobs may run since vgpu_vf_open(). What was asked for in the meantime was
 * refused, so it is asked for again.
 */
void vgpu_vf_recovery_resume(struct vgpu_vf *vf)
{
	vf->recovery.watching = false;
	enable_delayed_work(&vf->recovery.reopen);
	enable_delayed_work(&vf->recovery.watchdog);
	enable_delayed_work(&vf->recovery.killed);
	enable_work(&vf->recovery.attend);
	vgpu_vf_recovery_attend(vf);
	vgpu_vf_recovery_watch(vf);
	vgpu_vf_recovery_end_killed(vf);
}

static void destroy_queue(void *data)
{
	destroy_workqueue(data);
}

/**
 * vgpu_vf_recovery_init() - before interrupts are enabled
 * @vf: the function
 *
 * Return: 0 or an errno
 */
int vgpu_vf_recovery_init(struct vgpu_vf *vf)
{
	struct vgpu_vf_recovery *recovery = &vf->recovery;

	INIT_WORK(&recovery->attend, attend);
	INIT_DELAYED_WORK(&recovery->watchdog, look);
	INIT_DELAYED_WORK(&recovery->killed, end_killed);
	INIT_DELAYED_WORK(&recovery->reopen, reopen);
	recovery->opened = jiffies;
	recovery->delay = REOPEN_DELAY_MIN;
	recovery->queue = alloc_ordered_workqueue("vgpu_vf-recovery", WQ_MEM_RECLAIM);
	if (!recovery->queue)
		return -ENOMEM;
	return devm_add_action_or_reset(vf->drm.dev, destroy_queue, recovery->queue);
}

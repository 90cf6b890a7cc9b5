// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings. A job in a ring is
 *
 *   TIMESTAMP begin, INDIRECT, { TIMESTAMP turn, INDIRECT … }, TIMESTAMP end, FENCE
 *
 * with fences of the process where it wants them. These and the INDIRECTs run in the
 * context of its VM, the rest is the driver's own, in function space. Nothing that a
 * job's buffer contains can reach it.
 *
 * Jobs are in ring->jobs from when they are written until their fence is
 * signalled, by the engine's FENCE, or by recovery, which skips a job by moving
 * HEAD behind it. Either way they leave in order.
 *
 * A job that faults or hangs bans its queue. Of the queue's other jobs in the ring,
 * which has stopped at the guilty one, all that would run in its VM becomes NOPs of
 * the same length; the engine walks through them like through any others. So it is
 * with jobs of a process that was killed.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/log2.h>
#include <linux/pci.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "coredump.h"
#include "device.h"
#include "driver.h"
#include "file.h"
#include "job.h"
#include "queue.h"
#include "ring.h"
#include "sched_events.h"

/*
 * A ring that is disabled stops at the next preemption point: after one
 * work-group, if it is executing at all. There is no interrupt for it.
 */
#define STOP_POLL_US	200

/*
 * Jobs that are completed without letting interrupts in. In the host timers of the
 * PF's scheduler may have to wait for it, and they have 40 µs; a job takes about
 * 1 µs, more if many wait for it.
 */
#define COMPLETE_AT_ONCE	4

#define FENCE_HEADER \
	VGPU_PKT_HEADER(VGPU_OP_FENCE, VGPU_FENCE_INTERRUPT, struct vgpu_pkt_fence)
#define WAIT_HEADER	VGPU_PKT_HEADER(VGPU_OP_WAIT, 0, struct vgpu_pkt_wait)

static u64 system_address(struct vgpu_vf_ring *ring, const void *where)
{
	return VGPU_ADDR_SYSTEM | (ring->dma + ((const u8 *)where - (u8 *)ring->memory));
}

/**
 * vgpu_vf_ring_stamps() - what the engine writes while it runs a job
 * @ring: the ring
 * @job: in the ring; ring->lock is held
 *
 * Return: the stamps
 */
struct vgpu_vf_stamps *vgpu_vf_ring_stamps(struct vgpu_vf_ring *ring,
					   const struct vgpu_vf_job *job)
{
	return &ring->memory->stamps[job->sequence % VGPU_VF_RING_JOBS];
}

static struct vgpu_vf_job *first_job(struct vgpu_vf_ring *ring)
{
	return list_first_entry_or_null(&ring->jobs, struct vgpu_vf_job, link);
}

static void emit(struct vgpu_vf_ring *ring, const void *packet, size_t bytes)
{
	const __le64 *word = packet;

	for (; bytes; bytes -= sizeof(*word)) {
		ring->memory->packets[(ring->tail & (ring->bytes - 1)) / 8] = *word++;
		ring->tail += sizeof(*word);
	}
}

static void emit_timestamp(struct vgpu_vf_ring *ring, struct vgpu_timestamp *where)
{
	const struct vgpu_pkt_timestamp packet = {
		.pkt.header = cpu_to_le32(VGPU_PKT_HEADER(VGPU_OP_TIMESTAMP, 0, packet)),
		.addr = cpu_to_le64(system_address(ring, where)),
	};

	emit(ring, &packet, sizeof(packet));
}

static void emit_indirect(struct vgpu_vf_ring *ring, u32 context, u64 addr, u64 bytes)
{
	const struct vgpu_pkt_indirect packet = {
		.pkt.header = cpu_to_le32(VGPU_PKT_HEADER(VGPU_OP_INDIRECT, 0, packet)),
		.pkt.context = cpu_to_le32(context),
		.addr = cpu_to_le64(addr),
		.bytes = cpu_to_le64(bytes),
	};

	emit(ring, &packet, sizeof(packet));
}

static void emit_fence(struct vgpu_vf_ring *ring, u64 sequence)
{
	const struct vgpu_pkt_fence packet = {
		.pkt.header = cpu_to_le32(FENCE_HEADER),
		.addr = cpu_to_le64(system_address(ring, &ring->memory->fence)),
		.value = cpu_to_le64(sequence),
	};

	emit(ring, &packet, sizeof(packet));
}

static void emit_user_fence(struct vgpu_vf_ring *ring, u32 context, u64 addr, u64 value)
{
	const struct vgpu_pkt_fence packet = {
		.pkt.header = cpu_to_le32(VGPU_PKT_HEADER(VGPU_OP_FENCE, 0, packet)),
		.pkt.context = cpu_to_le32(context),
		.addr = cpu_to_le64(addr),
		.value = cpu_to_le64(value),
	};

	emit(ring, &packet, sizeof(packet));
}

/**
 * vgpu_vf_ring_credits() - what a job takes of a ring
 * @job: with its packets
 *
 * Return: units of 8 bytes, at least VGPU_VF_JOB_CREDITS_MIN
 */
u32 vgpu_vf_ring_credits(const struct vgpu_vf_job *job)
{
	size_t bytes = 2 * sizeof(struct vgpu_pkt_timestamp) +
		       sizeof(struct vgpu_pkt_fence) +
		       job->packet_count * (sizeof(struct vgpu_pkt_indirect) +
					    sizeof(struct vgpu_pkt_timestamp));

	BUILD_BUG_ON(sizeof(struct vgpu_pkt_indirect) != sizeof(struct vgpu_pkt_fence));
	return max_t(u32, bytes / 8, VGPU_VF_JOB_CREDITS_MIN);
}

static void emit_packets(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job,
			 struct vgpu_timestamp *turn)
{
	u32 context = job->queue->vm->id;
	bool first = true;
	unsigned int i;

	for (i = 0; i < job->packet_count; i++) {
		u64 addr = job->packets[i].addr, value = job->packets[i].value;

		if (i == job->last_packet)
			job->last = ring->tail;
		if (addr & VGPU_VF_PACKET_FENCE) {
			emit_user_fence(ring, context, addr & ~VGPU_VF_PACKET_FENCE, value);
			continue;
		}
		if (!first)
			emit_timestamp(ring, turn);
		emit_indirect(ring, context, addr, value);
		first = false;
	}
	if (job->last_packet == job->packet_count)
		job->last = ring->tail;
}

static void emit_job(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job)
{
	struct vgpu_vf_stamps *stamps = vgpu_vf_ring_stamps(ring, job);

	memset(stamps, 0, sizeof(*stamps));
	job->begin = ring->tail;
	emit_timestamp(ring, &stamps->begin);
	emit_packets(ring, job, &stamps->turn);
	emit_timestamp(ring, &stamps->end);
	emit_fence(ring, job->sequence);
	job->end = ring->tail;
}

static struct vgpu_pkt *packet_at(struct vgpu_vf_ring *ring, u64 position)
{
	return (void *)&ring->memory->packets[(position & (ring->bytes - 1)) / 8];
}

/* Else it is the driver's own. */
static bool is_of_vm(const struct vgpu_pkt *packet)
{
	return packet->context != cpu_to_le32(VGPU_CONTEXT_FUNCTION);
}

static void write_header(struct vgpu_vf_ring *ring, u64 at, u32 header)
{
	WRITE_ONCE(packet_at(ring, at)->header, cpu_to_le32(header));
}

/* The engine has not come to the job yet. All of it that is not the driver's goes. */
static void take_away(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job, int error)
{
	struct vgpu_pkt *packet;
	u32 header;
	u64 at;

	for (at = job->begin; at < job->end;
	     at += VGPU_FIELD_GET(VGPU_PKT_QWORDS, header) * 8) {
		packet = packet_at(ring, at);
		header = le32_to_cpu(packet->header);
		if (is_of_vm(packet))
			write_header(ring, at, (header & VGPU_PKT_QWORDS) | VGPU_OP_NOP);
	}
	job->error = error;
}

/* The ring has stopped at or before @guilty, which is ended by the caller. */
static void ban(struct vgpu_vf_ring *ring, struct vgpu_vf_job *guilty, int error,
		u32 fault, u64 addr)
{
	struct vgpu_vf_queue *queue = guilty->queue;
	struct vgpu_vf_job *job;

	lockdep_assert_held(&ring->lock);
	vgpu_vf_coredump_take(ring, guilty, error);
	WRITE_ONCE(queue->banned, true);
	queue->error = -error;
	queue->fault = fault;
	queue->fault_addr = addr;
	list_for_each_entry(job, &ring->jobs, link)
		if (job != guilty && job->queue == queue)
			take_away(ring, job, -ECANCELED);
}

static u64 fence_of(const struct vgpu_vf_job *job)
{
	return job->end - sizeof(struct vgpu_pkt_fence);
}

/* Undoes hold_back(). A ring that waits looks at the packet again. */
static void let_go(struct vgpu_vf_ring *ring, const struct vgpu_vf_job *job)
{
	write_header(ring, fence_of(job), FENCE_HEADER);
	wmb(); /* before it is looked at */
	writeq(ring->tail, ring->doorbell);
}

/*
 * Lets the ring not come past the job, the first one: its FENCE becomes a WAIT for what
 * it would write. Returns false if the engine may have read it before.
 */
static bool hold_back(struct vgpu_vf_ring *ring, const struct vgpu_vf_job *job)
{
	BUILD_BUG_ON(sizeof(struct vgpu_pkt_fence) != sizeof(struct vgpu_pkt_wait));
	write_header(ring, fence_of(job), WAIT_HEADER);
	mb(); /* before HEAD is read */
	if (readq(ring->regs + VGPU_RING_HEAD) < fence_of(job))
		return true;
	let_go(ring, job);
	return false;
}

static bool has_killed(struct vgpu_vf_ring *ring)
{
	struct vgpu_vf_job *job;

	list_for_each_entry(job, &ring->jobs, link)
		if (job->queue->killed && !job->error)
			return true;
	return false;
}

static bool is_enabled(struct vgpu_vf_ring *ring)
{
	return readl(ring->regs + VGPU_RING_CTRL) & VGPU_RING_CTRL_ENABLE;
}

static int end_killed(struct vgpu_vf_ring *ring)
{
	struct vgpu_vf_job *first = first_job(ring), *job;

	if (!has_killed(ring))
		return 0;
	/* If it did not stop in time it is held back still, and may have come there. */
	if (is_enabled(ring) && !hold_back(ring, first))
		return -EAGAIN;
	list_for_each_entry(job, &ring->jobs, link)
		if (job != first && job->queue->killed)
			take_away(ring, job, -ESRCH);
	if (first->queue->killed)
		return -EBUSY;
	let_go(ring, first);
	return 0;
}

/**
 * vgpu_vf_ring_end_killed() - end jobs whose processes were killed
 * @ring: the ring
 *
 * Nothing that the engine may have begun is touched: it is held back behind the first
 * job meanwhile.
 *
 * Return: 0: there are none, or will be none when the engine comes to them; -EAGAIN: it
 * is just at the end of the first job, so try again; -EBUSY: the first job is one of
 * them: the ring, which is still held back, has to be disabled, then skipped
 */
int vgpu_vf_ring_end_killed(struct vgpu_vf_ring *ring)
{
	unsigned long flags;
	int ret;

	vgpu_vf_ring_complete(ring);
	spin_lock_irqsave(&ring->lock, flags);
	ret = end_killed(ring);
	spin_unlock_irqrestore(&ring->lock, flags);
	return ret;
}

/**
 * vgpu_vf_ring_kill() - the process was killed: what it has in the ring is to end
 * @queue: one of its queues, of which drm_sched has nothing any more
 */
void vgpu_vf_ring_kill(struct vgpu_vf_queue *queue)
{
	struct vgpu_vf_ring *ring = queue->ring;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	queue->killed = true;
	WRITE_ONCE(queue->banned, true);
	if (queue->in_ring)
		vgpu_vf_recovery_end_killed(ring->vf);
	spin_unlock_irqrestore(&ring->lock, flags);
}

static struct dma_fence *run(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job)
{
	job->sequence = ++ring->sequence;
	vgpu_vf_fence_init(&job->done, ring->fence_context, job->sequence);
	emit_job(ring, job);
	list_add_tail(&job->link, &ring->jobs);
	ring->used += job->base.credits;
	job->queue->in_ring++;
	dma_fence_get(&job->done.base);

	/* The packets first, and all that was written write-combined. */
	wmb();
	writeq(ring->tail, ring->doorbell);
	vgpu_vf_recovery_watch(ring->vf);
	return dma_fence_get(&job->done.base);
}

/* Ahead of jobs of its queue that are in the ring, but these do nothing any more. */
static struct dma_fence *refuse(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job)
{
	ring->failed += job->count;
	job->queue->failed += job->count;
	if (ring->closed)
		job->queue->lost += job->count;
	return ERR_PTR(ring->closed == -ENODEV ? -ENODEV : -ECANCELED);
}

/**
 * vgpu_vf_ring_run() - write a job into the ring and ring the doorbell
 * @ring: the ring; drm_sched's credits say that there is room
 * @job: the job
 *
 * On the way to signal fences: allocates nothing.
 *
 * Return: the job's fence, a reference for the caller, or an errno as pointer
 */
struct dma_fence *vgpu_vf_ring_run(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job)
{
	struct dma_fence *fence;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	job->queue->queued--;
	if (ring->closed || job->queue->banned)
		fence = refuse(ring, job);
	else
		fence = run(ring, job);
	spin_unlock_irqrestore(&ring->lock, flags);
	return fence;
}

/*
 * Nothing of its queue is on its way through drm_sched, so it overtakes nothing there.
 * So little of the ring is in use that nothing of other queues waits for room: what
 * is ready there has its turn as soon as drm_sched's worker runs, and priorities
 * have nothing to decide. Who traces drm_sched wants to see all jobs.
 */
static bool may_run_directly(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job)
{
	return !ring->closed && !job->queue->banned && !job->queue->queued &&
	       ring->used + job->base.credits <= ring->direct_room &&
	       xa_empty(&job->base.dependencies) && !vgpu_vf_sched_is_traced();
}

/**
 * vgpu_vf_ring_run_directly() - what vgpu_vf_ring_run() does, past drm_sched
 * @ring: the ring
 * @job: armed; the VM's reservation is held
 *
 * On the way to signal fences: allocates nothing.
 *
 * Return: the job's fence, a reference for the caller; or NULL: the caller has to push
 * the job to drm_sched
 */
struct dma_fence *vgpu_vf_ring_run_directly(struct vgpu_vf_ring *ring,
					    struct vgpu_vf_job *job)
{
	struct dma_fence *fence = NULL;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	if (may_run_directly(ring, job)) {
		job->queue->direct += job->count;
		fence = run(ring, job);
	} else {
		job->queue->queued++;
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	return fence;
}

/* What a job has taken so far, or in all; @now is GPU time. */
static u64 taken_by(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job, u64 now)
{
	struct vgpu_vf_stamps *stamps = vgpu_vf_ring_stamps(ring, job);
	u64 begin = le64_to_cpu(READ_ONCE(stamps->begin.gpu_time));
	u64 end = le64_to_cpu(READ_ONCE(stamps->end.gpu_time)) ?: now;

	return begin && end > begin ? end - begin : 0;
}

/*
 * @now: GPU time, if it may have run without coming to its end; else 0.
 * The fence last: once it is signalled, the job may be freed.
 */
static void end_job(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job, int error, u64 now)
{
	struct vgpu_vf_queue *queue = job->queue;
	u64 taken = taken_by(ring, job, now);

	lockdep_assert_held(&ring->lock);
	list_del(&job->link);
	ring->used -= job->base.credits;
	queue->in_ring--;
	queue->gpu_ns += taken;
	atomic64_add(taken, &queue->file->gpu_ns[ring->index]);
	if (error == -ECANCELED && !job->error)
		queue->lost += job->count;
	error = error ?: job->error;
	if (error) {
		ring->failed += job->count;
		queue->failed += job->count;
		dma_fence_set_error(&job->done.base, error);
	} else {
		ring->completed += job->count;
		queue->completed += job->count;
	}
	dma_fence_signal(&job->done.base);
	if (job->finished)
		vgpu_vf_job_finish(job, error);
	dma_fence_put(&job->done.base);
}

static bool complete_first(struct vgpu_vf_ring *ring, u64 sequence)
{
	struct vgpu_vf_job *job = first_job(ring);

	if (!job || job->sequence > sequence)
		return false;
	end_job(ring, job, 0, 0);
	return true;
}

/* No more than @most; returns whether there may be more. */
static bool complete_jobs(struct vgpu_vf_ring *ring, unsigned int most)
{
	u64 sequence = le64_to_cpu(READ_ONCE(ring->memory->fence));

	/* The stamps were written before the fence. */
	dma_rmb();
	while (most && complete_first(ring, sequence))
		most--;
	return !most;
}

static bool complete_some(struct vgpu_vf_ring *ring)
{
	unsigned long flags;
	bool more = false;

	spin_lock_irqsave(&ring->lock, flags);
	if (!ring->closed)
		more = complete_jobs(ring, COMPLETE_AT_ONCE);
	spin_unlock_irqrestore(&ring->lock, flags);
	return more;
}

/**
 * vgpu_vf_ring_complete() - signal what the engine has completed
 * @ring: the ring
 */
void vgpu_vf_ring_complete(struct vgpu_vf_ring *ring)
{
	while (complete_some(ring))
		;
}

/**
 * vgpu_vf_ring_interrupt() - handler of VGPU_VECTOR_RING()
 * @irq: Linux interrupt
 * @data: the ring
 *
 * Return: IRQ_HANDLED, or IRQ_WAKE_THREAD if there may be more to do
 */
irqreturn_t vgpu_vf_ring_interrupt(int irq, void *data)
{
	return complete_some(data) ? IRQ_WAKE_THREAD : IRQ_HANDLED;
}

/**
 * vgpu_vf_ring_thread() - does what vgpu_vf_ring_interrupt() left
 * @irq: Linux interrupt
 * @data: the ring
 *
 * Return: IRQ_HANDLED
 */
irqreturn_t vgpu_vf_ring_thread(int irq, void *data)
{
	vgpu_vf_ring_complete(data);
	return IRQ_HANDLED;
}

/**
 * vgpu_vf_ring_is_busy() - are there jobs in the ring?
 * @ring: the ring
 *
 * Return: true if there are
 */
bool vgpu_vf_ring_is_busy(struct vgpu_vf_ring *ring)
{
	unsigned long flags;
	bool busy;

	spin_lock_irqsave(&ring->lock, flags);
	busy = !list_empty(&ring->jobs);
	spin_unlock_irqrestore(&ring->lock, flags);
	return busy;
}

/**
 * vgpu_vf_ring_disable() - stop the ring
 * @ring: the ring
 * @timeout_us: how long to wait for that; it goes on to stop all the same
 *
 * Return: 0, -ETIMEDOUT if it does not come to a preemption point, -ENODEV if
 * the device is gone
 */
int vgpu_vf_ring_disable(struct vgpu_vf_ring *ring, u64 timeout_us)
{
	u32 status;
	int ret;

	writel(0, ring->regs + VGPU_RING_CTRL);
	ret = readl_poll_timeout(ring->regs + VGPU_RING_STATUS, status,
				 status == VGPU_RING_DISABLED || PCI_POSSIBLE_ERROR(status),
				 STOP_POLL_US, timeout_us);
	return !ret && PCI_POSSIBLE_ERROR(status) ? -ENODEV : ret;
}

static void go_on(struct vgpu_vf_ring *ring, u64 head)
{
	/* NOPs where jobs were taken away */
	wmb();
	writeq(head, ring->regs + VGPU_RING_HEAD);
	writel(VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME, ring->regs + VGPU_RING_CTRL);
	/* Doorbells have been ignored in the meantime. */
	writeq(ring->tail, ring->doorbell);
}

/*
 * Starts a ring that has stopped again, behind the first job if that had begun:
 * what the engine had done of the packet at HEAD is forgotten, and if that may have
 * been something, it must not be done twice. @error bans the queue, if the packet is
 * of its VM; else, and with -ECANCELED, the job is lost. Killed ones just end.
 */
static void go_on_behind(struct vgpu_vf_ring *ring, int error, u32 fault, u64 addr)
{
	u64 now = readq(ring->vf->regs + VGPU_REG_GPU_TIME);
	u64 head = readq(ring->regs + VGPU_RING_HEAD), end = head;
	struct vgpu_vf_job *job;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	complete_jobs(ring, VGPU_VF_RING_JOBS);
	job = first_job(ring);
	if (job && (head > job->begin || fault || job->queue->killed)) {
		end = job->end;
		if (job->queue->killed)
			job->error = -ESRCH;
		if (job->error || !is_of_vm(packet_at(ring, head)))
			error = -ECANCELED;
		if (error != -ECANCELED)
			ban(ring, job, error, fault, addr);
		/* The fence is that of the last one, which may not have come to run. */
		if (error != -ECANCELED && head < job->last)
			job->error = -ECANCELED;
		end_job(ring, job, job->error ? 0 : error, now);
	}
	go_on(ring, end);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * vgpu_vf_ring_skip() - start a disabled ring again, behind a job that had begun
 * @ring: the ring
 * @timed_out: if HEAD is still there, the job gets -ETIME; else it is lost
 */
void vgpu_vf_ring_skip(struct vgpu_vf_ring *ring, u64 timed_out)
{
	bool there = readq(ring->regs + VGPU_RING_HEAD) == timed_out;

	go_on_behind(ring, there ? -ETIME : -ECANCELED, 0, 0);
}

static void log_fault(struct vgpu_vf_ring *ring, u32 fault, u64 addr)
{
	dev_notice_ratelimited(ring->vf->drm.dev,
			       "%s: halted, fault %u, packet %u, access %u at %#llx, context %u\n",
			       ring->name, VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, fault),
			       VGPU_FIELD_GET(VGPU_RING_FAULT_OPCODE, fault),
			       VGPU_FIELD_GET(VGPU_RING_FAULT_ACCESS, fault), addr,
			       VGPU_FIELD_GET(VGPU_RING_FAULT_CONTEXT, fault));
}

/**
 * vgpu_vf_ring_kick() - doorbells may have been ignored, while it was closed
 * @ring: the ring, enabled
 */
void vgpu_vf_ring_kick(struct vgpu_vf_ring *ring)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	writeq(ring->tail, ring->doorbell);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * vgpu_vf_ring_recover() - if the ring is halted, go on behind the job at fault
 * @ring: the ring
 *
 * After a reset of the world a job that had not begun runs as if nothing had
 * happened. Of those that had, the one that would not let the world go is to
 * blame, the others are lost.
 */
void vgpu_vf_ring_recover(struct vgpu_vf_ring *ring)
{
	u32 fault, code;
	u64 addr;

	if (readl(ring->regs + VGPU_RING_STATUS) != VGPU_RING_HALTED)
		return;
	ring->vf->recovery.faults++;
	fault = readl(ring->regs + VGPU_RING_FAULT);
	addr = readq(ring->regs + VGPU_RING_FAULT_ADDR);
	log_fault(ring, fault, addr);
	code = VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, fault);
	if (code != VGPU_FAULT_RESET)
		go_on_behind(ring, -EIO, fault, addr);
	else if (VGPU_FIELD_GET(VGPU_RING_FAULT_OPCODE, fault))
		go_on_behind(ring, -ETIME, 0, 0);
	else
		go_on_behind(ring, -ECANCELED, 0, 0);
}

/**
 * vgpu_vf_ring_setup() - program the registers
 * @ring: the ring, closed
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ring_setup(struct vgpu_vf_ring *ring)
{
	int ret = vgpu_vf_ring_disable(ring, VGPU_VF_RING_STOP_US);

	if (ret)
		return ret;
	ring->tail = 0;
	ring->memory->fence = cpu_to_le64(ring->sequence);
	writeq(VGPU_ADDR_SYSTEM | ring->dma, ring->regs + VGPU_RING_BASE);
	writel(ilog2(ring->bytes), ring->regs + VGPU_RING_SIZE);
	writeq(0, ring->regs + VGPU_RING_HEAD);
	writel(VGPU_RING_CTRL_ENABLE, ring->regs + VGPU_RING_CTRL);
	return 0;
}

/**
 * vgpu_vf_ring_open() - from here on jobs run
 * @ring: the ring, set up
 */
void vgpu_vf_ring_open(struct vgpu_vf_ring *ring)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	ring->closed = 0;
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * vgpu_vf_ring_close() - from here on jobs fail, those in the ring first
 * @ring: the ring; the engine cannot reach anything by it any more
 * @error: what submissions get: -EIO, or -ENODEV for ever
 */
void vgpu_vf_ring_close(struct vgpu_vf_ring *ring, int error)
{
	struct vgpu_vf_job *job, *next;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	if (!ring->closed)
		complete_jobs(ring, VGPU_VF_RING_JOBS);
	ring->closed = error;
	list_for_each_entry_safe(job, next, &ring->jobs, link)
		end_job(ring, job, error == -ENODEV ? -ENODEV : -ECANCELED, 0);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * vgpu_vf_ring_gpu_time() - GPU time that the jobs of a file have taken
 * @ring: the ring
 * @file: the file; the device is there
 *
 * Return: ns, with those of a job that is running
 */
u64 vgpu_vf_ring_gpu_time(struct vgpu_vf_ring *ring, struct vgpu_vf_file *file)
{
	u64 now = readq(ring->vf->regs + VGPU_REG_GPU_TIME);
	struct vgpu_vf_job *job;
	u64 taken = 0;

	spin_lock_irq(&ring->lock);
	job = first_job(ring);
	if (job && job->queue->file == file)
		taken = taken_by(ring, job, now);
	taken += atomic64_read(&file->gpu_ns[ring->index]);
	spin_unlock_irq(&ring->lock);
	return taken;
}

static void sched_fini(struct drm_device *drm, void *data)
{
	struct vgpu_vf_ring *ring = data;

	drm_sched_fini(&ring->sched);
}

static void memory_fini(void *data)
{
	struct vgpu_vf_ring *ring = data;

	dma_free_coherent(&ring->vf->pdev->dev, sizeof(*ring->memory), ring->memory, ring->dma);
}

static int memory_init(struct vgpu_vf_ring *ring)
{
	struct vgpu_vf *vf = ring->vf;

	ring->memory = dma_alloc_coherent(&vf->pdev->dev, sizeof(*ring->memory), &ring->dma,
					  GFP_KERNEL);
	if (!ring->memory)
		return -ENOMEM;
	return devm_add_action_or_reset(vf->drm.dev, memory_fini, ring);
}

static int ring_init(struct vgpu_vf *vf, unsigned int index, u32 bytes)
{
	struct vgpu_vf_ring *ring = &vf->rings[index];
	u32 room = bytes / 8 / 2;
	int ret;

	ring->vf = vf;
	ring->index = index;
	ring->bytes = bytes;
	snprintf(ring->name, sizeof(ring->name), "ring%u", index);
	ring->regs = vf->regs + VGPU_REG_RING(index);
	ring->doorbell = vf->regs + VGPU_REG_DOORBELL(index);
	ring->fence_context = dma_fence_context_alloc(1);
	spin_lock_init(&ring->lock);
	INIT_LIST_HEAD(&ring->jobs);
	INIT_LIST_HEAD(&ring->queues);
	ring->closed = -EIO;
	ret = drmm_mutex_init(&vf->drm, &ring->queues_lock);
	if (ret)
		return ret;

	ret = memory_init(ring);
	if (ret)
		return ret;

	/* A smaller one has not room enough for both ways of any job. */
	if (bytes == VGPU_VF_RING_BYTES)
		ring->direct_room = room / 4;
	ret = vgpu_vf_sched_init(&ring->sched, &vgpu_vf_sched_ops, room - ring->direct_room,
				 ring->name, vf->drm.dev);
	if (ret)
		return ret;
	/* Files that are still open have queues there, bound or not. */
	return drmm_add_action_or_reset(&vf->drm, sched_fini, ring);
}

/**
 * vgpu_vf_rings_init() - memory and schedulers of all rings
 * @vf: the function; its registers are mapped, vf->ring_count says how many it has
 *
 * Return: 0 or an errno
 */
int vgpu_vf_rings_init(struct vgpu_vf *vf)
{
	u32 size = VGPU_FIELD_GET(VGPU_LIMITS_RING_SIZE, readl(vf->regs + VGPU_REG_LIMITS));
	unsigned int i, rings = vf->ring_count;
	int ret;

	if (!rings || rings > VGPU_MAX_RINGS || size < VGPU_RING_SIZE_MIN || size > 31) {
		drm_err(&vf->drm, "%u rings of at most 2^%u bytes: not 1…%u of 2^%u…2^31\n",
			rings, size, VGPU_MAX_RINGS, VGPU_RING_SIZE_MIN);
		return -EPROTO;
	}
	rings = min(rings, vgpu_vf_max_rings);
	for (i = 0; i < rings; i++) {
		ret = ring_init(vf, i, min(1u << size, (u32)VGPU_VF_RING_BYTES));
		if (ret)
			return ret;
	}
	vf->ring_count = rings;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings. A job in a ring is
 *
 *   TIMESTAMP begin, INDIRECT, { TIMESTAMP turn, INDIRECT … }, TIMESTAMP end, FENCE
 *
 * The INDIRECTs run in the context of the job's file, the rest is the driver's
 * own, in function space. Nothing that a job's buffer contains can reach it.
 *
 * Jobs are in ring->jobs from when they are written until their fence is
 * signalled, by the engine's FENCE, or by recovery, which skips a job by moving
 * HEAD behind it. Either way they leave in order.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/log2.h>
#include <linux/pci.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "context.h"
#include "device.h"
#include "driver.h"
#include "fence.h"
#include "job.h"
#include "ring.h"

/*
 * A ring that is disabled stops at the next preemption point: after one
 * work-group, if it is executing at all. There is no interrupt for it.
 */
#define STOP_POLL_US	200
#define STOP_TIMEOUT_US	500000

static u64 system_address(struct vgpu_vf_ring *ring, const void *where)
{
	return VGPU_ADDR_SYSTEM | (ring->dma + ((const u8 *)where - (u8 *)ring->memory));
}

static struct vgpu_vf_stamps *stamps_of(struct vgpu_vf_ring *ring,
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

static void emit_indirect(struct vgpu_vf_ring *ring, u32 context,
			  const struct drm_vgpu_command *command)
{
	const struct vgpu_pkt_indirect packet = {
		.pkt.header = cpu_to_le32(VGPU_PKT_HEADER(VGPU_OP_INDIRECT, 0, packet)),
		.pkt.context = cpu_to_le32(context),
		.addr = cpu_to_le64(command->addr),
		.bytes = cpu_to_le64(command->bytes),
	};

	emit(ring, &packet, sizeof(packet));
}

static void emit_fence(struct vgpu_vf_ring *ring, u64 sequence)
{
	const struct vgpu_pkt_fence packet = {
		.pkt.header = cpu_to_le32(VGPU_PKT_HEADER(VGPU_OP_FENCE,
							  VGPU_FENCE_INTERRUPT, packet)),
		.addr = cpu_to_le64(system_address(ring, &ring->memory->fence)),
		.value = cpu_to_le64(sequence),
	};

	emit(ring, &packet, sizeof(packet));
}

/**
 * vgpu_vf_ring_credits() - what a job takes of a ring
 * @commands: its indirect buffers
 *
 * Return: units of 8 bytes, at least VGPU_VF_JOB_CREDITS_MIN
 */
u32 vgpu_vf_ring_credits(unsigned int commands)
{
	size_t bytes = 2 * sizeof(struct vgpu_pkt_timestamp) +
		       sizeof(struct vgpu_pkt_fence) +
		       commands * (sizeof(struct vgpu_pkt_indirect) +
				   sizeof(struct vgpu_pkt_timestamp));

	return max_t(u32, bytes / 8, VGPU_VF_JOB_CREDITS_MIN);
}

static void emit_job(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job)
{
	struct vgpu_vf_stamps *stamps = stamps_of(ring, job);
	unsigned int i;

	memset(stamps, 0, sizeof(*stamps));
	job->begin = ring->tail;
	emit_timestamp(ring, &stamps->begin);
	for (i = 0; i < job->command_count; i++) {
		if (i)
			emit_timestamp(ring, &stamps->turn);
		emit_indirect(ring, job->context->id, &job->commands[i]);
	}
	emit_timestamp(ring, &stamps->end);
	emit_fence(ring, job->sequence);
	job->end = ring->tail;
}

static struct dma_fence *run(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job)
{
	struct dma_fence *fence = &job->fence->base;

	job->sequence = ++ring->sequence;
	vgpu_vf_fence_init(job->fence, ring->fence_context, job->sequence);
	emit_job(ring, job);
	list_add_tail(&job->link, &ring->jobs);
	dma_fence_get(fence);

	/* The packets first, and all that was written write-combined. */
	wmb();
	writeq(ring->tail, ring->doorbell);
	vgpu_vf_recovery_watch(ring->vf);
	return dma_fence_get(fence);
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
	if (ring->closed)
		fence = ERR_PTR(ring->closed == -ENODEV ? -ENODEV : -ECANCELED);
	else
		fence = run(ring, job);
	spin_unlock_irqrestore(&ring->lock, flags);
	return fence;
}

static void account(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job)
{
	struct vgpu_vf_stamps *stamps = stamps_of(ring, job);
	u64 begin = le64_to_cpu(stamps->begin.gpu_time);
	u64 end = le64_to_cpu(stamps->end.gpu_time);

	if (end > begin)
		atomic64_add(end - begin, &job->context->gpu_ns[ring->index]);
}

/* The fence first: once it is signalled, the job may be freed. */
static void end_job(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job, int error)
{
	struct dma_fence *fence = &job->fence->base;

	lockdep_assert_held(&ring->lock);
	list_del(&job->link);
	if (error) {
		ring->failed++;
		dma_fence_set_error(fence, error);
	} else {
		ring->completed++;
		account(ring, job);
	}
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static void complete_jobs(struct vgpu_vf_ring *ring)
{
	u64 sequence = le64_to_cpu(READ_ONCE(ring->memory->fence));
	struct vgpu_vf_job *job, *next;

	/* The stamps were written before the fence. */
	dma_rmb();
	list_for_each_entry_safe(job, next, &ring->jobs, link) {
		if (job->sequence > sequence)
			break;
		end_job(ring, job, 0);
	}
}

/**
 * vgpu_vf_ring_complete() - signal what the engine has completed
 * @ring: the ring
 */
void vgpu_vf_ring_complete(struct vgpu_vf_ring *ring)
{
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	if (!ring->closed)
		complete_jobs(ring);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * vgpu_vf_ring_interrupt() - handler of VGPU_VECTOR_RING()
 * @irq: Linux interrupt
 * @data: the ring
 *
 * Return: IRQ_HANDLED
 */
irqreturn_t vgpu_vf_ring_interrupt(int irq, void *data)
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

/* As emit_job() has laid them out. */
static bool is_indirect(const struct vgpu_vf_job *job, u64 head)
{
	const u64 first = job->begin + sizeof(struct vgpu_pkt_timestamp);
	const u32 stride = sizeof(struct vgpu_pkt_indirect) +
			   sizeof(struct vgpu_pkt_timestamp);

	return head >= first && head < first + job->command_count * stride &&
	       (u32)(head - first) % stride == 0;
}

/**
 * vgpu_vf_ring_turn() - since when the ring has waited for, or had, its turn
 * @ring: the ring
 * @head: VGPU_RING_HEAD
 *
 * Rings take turns packet by packet, so the one whose last packet was completed
 * first is the one whose packet is being executed. Before each INDIRECT is a
 * TIMESTAMP.
 *
 * Return: device time in ns at which the INDIRECT at @head became the next
 * packet, or U64_MAX if no INDIRECT is there
 */
u64 vgpu_vf_ring_turn(struct vgpu_vf_ring *ring, u64 head)
{
	struct vgpu_vf_stamps *stamps;
	struct vgpu_vf_job *job;
	u64 turn = U64_MAX;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	job = first_job(ring);
	if (job && is_indirect(job, head)) {
		stamps = stamps_of(ring, job);
		turn = max(le64_to_cpu(READ_ONCE(stamps->begin.clock)),
			   le64_to_cpu(READ_ONCE(stamps->turn.clock)));
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	return turn;
}

/**
 * vgpu_vf_ring_disable() - stop the ring
 * @ring: the ring
 *
 * Return: 0, -ETIMEDOUT if it does not come to a preemption point, -ENODEV if
 * the device is gone
 */
int vgpu_vf_ring_disable(struct vgpu_vf_ring *ring)
{
	u32 status;
	int ret;

	writel(0, ring->regs + VGPU_RING_CTRL);
	ret = readl_poll_timeout(ring->regs + VGPU_RING_STATUS, status,
				 status == VGPU_RING_DISABLED || PCI_POSSIBLE_ERROR(status),
				 STOP_POLL_US, STOP_TIMEOUT_US);
	return !ret && PCI_POSSIBLE_ERROR(status) ? -ENODEV : ret;
}

static void go_on(struct vgpu_vf_ring *ring, u64 head)
{
	writeq(head, ring->regs + VGPU_RING_HEAD);
	writel(VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME, ring->regs + VGPU_RING_CTRL);
	/* Doorbells have been ignored in the meantime. */
	writeq(ring->tail, ring->doorbell);
}

/**
 * vgpu_vf_ring_skip() - start a disabled ring again, behind a job that had begun
 * @ring: the ring
 * @timed_out: if HEAD is still there, the job gets -ETIME
 *
 * What the engine had done of the packet at HEAD is forgotten. If that may have
 * been something, it must not be done twice: such a job is lost.
 */
void vgpu_vf_ring_skip(struct vgpu_vf_ring *ring, u64 timed_out)
{
	u64 head = readq(ring->regs + VGPU_RING_HEAD);
	struct vgpu_vf_job *job;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	complete_jobs(ring);
	job = first_job(ring);
	if (job && head > job->begin) {
		int error = head == timed_out ? -ETIME : -ECANCELED;

		head = job->end;
		end_job(ring, job, error);
	}
	go_on(ring, head);
	spin_unlock_irqrestore(&ring->lock, flags);
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
 * happened; see vgpu_vf_ring_skip().
 */
void vgpu_vf_ring_recover(struct vgpu_vf_ring *ring)
{
	struct vgpu_vf_job *job;
	unsigned long flags;
	bool reset;
	u64 head;
	u32 fault;

	if (readl(ring->regs + VGPU_RING_STATUS) != VGPU_RING_HALTED)
		return;
	ring->vf->recovery.faults++;
	fault = readl(ring->regs + VGPU_RING_FAULT);
	head = readq(ring->regs + VGPU_RING_HEAD);
	log_fault(ring, fault, readq(ring->regs + VGPU_RING_FAULT_ADDR));
	reset = VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, fault) == VGPU_FAULT_RESET;

	spin_lock_irqsave(&ring->lock, flags);
	complete_jobs(ring);
	job = first_job(ring);
	if (job && (!reset || head > job->begin)) {
		head = job->end;
		end_job(ring, job, reset ? -ECANCELED : -EIO);
	}
	go_on(ring, head);
	spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * vgpu_vf_ring_setup() - program the registers
 * @ring: the ring, closed
 *
 * Return: 0 or an errno
 */
int vgpu_vf_ring_setup(struct vgpu_vf_ring *ring)
{
	int ret = vgpu_vf_ring_disable(ring);

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
		complete_jobs(ring);
	ring->closed = error;
	list_for_each_entry_safe(job, next, &ring->jobs, link)
		end_job(ring, job, error == -ENODEV ? -ENODEV : -ECANCELED);
	spin_unlock_irqrestore(&ring->lock, flags);
}

static void sched_fini(struct drm_device *drm, void *data)
{
	drm_sched_fini(data);
}

static int ring_init(struct vgpu_vf *vf, unsigned int index, u32 bytes)
{
	struct vgpu_vf_ring *ring = &vf->rings[index];
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
	ring->closed = -EIO;

	ring->memory = dmam_alloc_coherent(vf->drm.dev, sizeof(*ring->memory), &ring->dma,
					   GFP_KERNEL);
	if (!ring->memory)
		return -ENOMEM;

	ret = vgpu_vf_sched_init(&ring->sched, &vgpu_vf_sched_ops, bytes / 8 / 2, ring->name,
				 vf->drm.dev);
	if (ret)
		return ret;
	/* Files that are still open have queues there, bound or not. */
	return drmm_add_action_or_reset(&vf->drm, sched_fini, &ring->sched);
}

/**
 * vgpu_vf_rings_init() - memory and schedulers of all rings
 * @vf: the function; its registers are mapped
 *
 * Return: 0 or an errno
 */
int vgpu_vf_rings_init(struct vgpu_vf *vf)
{
	u32 limits = readl(vf->regs + VGPU_REG_LIMITS);
	u32 rings = VGPU_FIELD_GET(VGPU_LIMITS_RINGS, limits);
	u32 size = VGPU_FIELD_GET(VGPU_LIMITS_RING_SIZE, limits);
	unsigned int i;
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

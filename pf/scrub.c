// SPDX-License-Identifier: GPL-2.0-only
/* Clearing VRAM by the engine; see scrub.h. */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/sizes.h>

#include <vgpu/packets.h>

#include "device.h"

/* The ring has room for so many FILL packets beyond one for each function. */
#define SCRUB_FILLS	1024
/* A ring that is halted again at the same packet is resumed so often. */
#define SCRUB_RESUMES	3
/* A packet must be through when the PF has had its turn several times, … */
#define SCRUB_ROUNDS	8
/* … and the engine for so long; no bandwidth is assumed. */
#define SCRUB_TIME_NS	(10ull * NSEC_PER_SEC)

static unsigned int vgpu_pf_scrub_ring(const struct vgpu_pf *pf)
{
	return pf->rings - 1;
}

static u32 vgpu_pf_scrub_reg(const struct vgpu_pf *pf, u32 reg)
{
	return VGPU_REG_RING(vgpu_pf_scrub_ring(pf)) + reg;
}

static irqreturn_t vgpu_pf_scrub_irq(int irq, void *data)
{
	struct vgpu_pf *pf = data;

	kthread_queue_work(pf->worker, &pf->scrub.work);
	return IRQ_HANDLED;
}

/* The longest that one FILL can take while all others use their slices up. */
static unsigned long vgpu_pf_scrub_packet_bound(struct vgpu_pf *pf)
{
	return nsecs_to_jiffies(SCRUB_ROUNDS * READ_ONCE(pf->world.round_ns)) + 10 * HZ;
}

/**
 * vgpu_pf_scrub_bound() - how long clearing can take at most
 * @pf: the device
 * @bytes: to clear in all
 * @ranges: in so many ranges
 *
 * If the PF gets the engine meanwhile: who waits for longer asks
 * vgpu_pf_scrub_is_busy(). A packet that takes longer than a few rounds of the
 * scheduler plus 10 s, and has had the engine for 10 s, ends the job with
 * -ETIMEDOUT.
 *
 * Return: jiffies.
 */
unsigned long vgpu_pf_scrub_bound(struct vgpu_pf *pf, u64 bytes, unsigned int ranges)
{
	u64 packets = div64_u64(bytes, pf->scrub.chunk) + ranges;

	return packets * vgpu_pf_scrub_packet_bound(pf);
}

static void vgpu_pf_scrub_emit(struct vgpu_pf_scrub *scrub, const void *packet,
			       size_t size)
{
	const __le64 *word = packet;

	for (; size; size -= sizeof(*word)) {
		scrub->ring[(scrub->tail & (scrub->size - 1)) / sizeof(*word)] = *word++;
		scrub->tail += sizeof(*word);
	}
}

static void vgpu_pf_scrub_emit_fill(struct vgpu_pf_scrub *scrub, u64 addr, u64 bytes)
{
	struct vgpu_pkt_fill fill = {
		.pkt.header = cpu_to_le32(VGPU_PKT_HEADER(VGPU_OP_FILL, 0, fill)),
		.pkt.context = cpu_to_le32(VGPU_CONTEXT_FUNCTION),
		.dst = cpu_to_le64(addr),
		.bytes = cpu_to_le64(bytes),
	};

	vgpu_pf_scrub_emit(scrub, &fill, sizeof(fill));
}

static void vgpu_pf_scrub_emit_fence(struct vgpu_pf_scrub *scrub)
{
	struct vgpu_pkt_fence fence = {
		.pkt.header = cpu_to_le32(VGPU_PKT_HEADER(VGPU_OP_FENCE,
							  VGPU_FENCE_INTERRUPT, fence)),
		.pkt.context = cpu_to_le32(VGPU_CONTEXT_FUNCTION),
		.addr = cpu_to_le64(VGPU_ADDR_SYSTEM | scrub->fence_dma),
		.value = cpu_to_le64(++scrub->issued),
	};

	vgpu_pf_scrub_emit(scrub, &fence, sizeof(fence));
}

/**
 * vgpu_pf_scrub_is_busy() - is something being cleared?
 * @pf: the device
 *
 * Context: any.
 *
 * Return: true if so, and it is not given up.
 */
bool vgpu_pf_scrub_is_busy(struct vgpu_pf *pf)
{
	return !READ_ONCE(pf->scrub.dead) && !list_empty_careful(&pf->scrub.jobs);
}

/* Engine time that the PF has had. */
static u64 vgpu_pf_scrub_runtime(struct vgpu_pf *pf)
{
	unsigned long flags;
	u64 runtime;

	raw_spin_lock_irqsave(&pf->lock, flags);
	runtime = vgpu_sched_runtime(pf->world.core, VGPU_FUNCTION_PF, vgpu_pf_world_now(pf));
	raw_spin_unlock_irqrestore(&pf->lock, flags);
	return runtime;
}

/* Does it wait for the engine, or could nothing but a fault have held it up? */
static bool vgpu_pf_scrub_is_starved(struct vgpu_pf *pf)
{
	unsigned long flags;
	int state;

	if (pf->fn[VGPU_FUNCTION_PF].state == VGPU_PF_BROKEN)
		return false;
	raw_spin_lock_irqsave(&pf->lock, flags);
	state = vgpu_sched_state(pf->world.core, VGPU_FUNCTION_PF);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
	return state != VGPU_SCHED_IDLE &&
	       vgpu_pf_scrub_runtime(pf) - pf->scrub.runtime < SCRUB_TIME_NS;
}

static void vgpu_pf_scrub_moved(struct vgpu_pf *pf, u64 head)
{
	struct vgpu_pf_scrub *scrub = &pf->scrub;

	scrub->head = head;
	scrub->moved = jiffies;
	scrub->runtime = vgpu_pf_scrub_runtime(pf);
	scrub->resumes = 0;
}

/**
 * vgpu_pf_scrub_submit() - begin to clear a range with zeros
 * @pf: the device
 * @job: not under way; @job->done is set and is called exactly once
 * @range: what to clear
 *
 * Context: worker. @job->done may be called before this returns.
 */
void vgpu_pf_scrub_submit(struct vgpu_pf *pf, struct vgpu_pf_scrub_job *job,
			  const struct vgpu_pf_range *range)
{
	struct vgpu_pf_scrub *scrub = &pf->scrub;
	u64 addr = range->base, left = range->bytes;

	if (scrub->dead) {
		job->status = -EIO;
		job->done(job);
		return;
	}

	if (list_empty(&scrub->jobs))
		vgpu_pf_scrub_moved(pf, scrub->tail);
	while (left) {
		u64 bytes = min(left, scrub->chunk);

		vgpu_pf_scrub_emit_fill(scrub, addr, bytes);
		addr += bytes;
		left -= bytes;
	}
	vgpu_pf_scrub_emit_fence(scrub);
	job->fence = scrub->issued;
	list_add_tail(&job->link, &scrub->jobs);
	/* writeq() orders the packets before the doorbell */
	vgpu_pf_write64(pf, VGPU_REG_DOORBELL(vgpu_pf_scrub_ring(pf)), scrub->tail);
}

static void vgpu_pf_scrub_finish(struct vgpu_pf_scrub *scrub, u64 fence, int status)
{
	struct vgpu_pf_scrub_job *job, *next;

	list_for_each_entry_safe(job, next, &scrub->jobs, link) {
		if (job->fence > fence)
			break;
		list_del_init(&job->link);
		job->status = status;
		job->done(job);
	}
}

/* Nothing that was asked for can be trusted to happen any more. */
static void vgpu_pf_scrub_die(struct vgpu_pf *pf, int status, const char *why)
{
	struct vgpu_pf_scrub *scrub = &pf->scrub;

	dev_err(pf->drm.dev, "VRAM cannot be scrubbed any more: %s at %llu\n",
		why, scrub->head);
	WRITE_ONCE(scrub->dead, true);
	vgpu_pf_write(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_CTRL), 0);
	vgpu_pf_scrub_finish(scrub, scrub->issued, status);
}

static void vgpu_pf_scrub_late(struct vgpu_pf *pf)
{
	struct vgpu_pf_scrub *scrub = &pf->scrub;

	if (vgpu_pf_render_has_work(pf)) {
		dev_notice(pf->drm.dev, "VRAM waits to be cleared: jobs of the PF's render node come first\n");
		vgpu_pf_scrub_moved(pf, scrub->head);
		return;
	}
	if (!vgpu_pf_scrub_is_starved(pf)) {
		vgpu_pf_scrub_die(pf, -ETIMEDOUT, "the ring stands still");
		return;
	}
	dev_notice(pf->drm.dev, "VRAM waits to be cleared: the others have left the PF %llu us on the engine so far; see its weight and cap, and their quanta\n",
		   div_u64(vgpu_pf_scrub_runtime(pf) - scrub->runtime, NSEC_PER_USEC));
	scrub->moved = jiffies;
}

static void vgpu_pf_scrub_halted(struct vgpu_pf *pf)
{
	struct vgpu_pf_scrub *scrub = &pf->scrub;
	u32 fault = vgpu_pf_read(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_FAULT));

	/*
	 * FILL can be begun again, so a reset of the PF's world loses nothing. It may
	 * be that of a job of the render node, for which this ring is not to blame.
	 */
	if (FIELD_GET(VGPU_RING_FAULT_CODE, fault) == VGPU_FAULT_RESET &&
	    (!FIELD_GET(VGPU_RING_FAULT_OPCODE, fault) || scrub->resumes++ < SCRUB_RESUMES)) {
		vgpu_pf_write(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_CTRL),
			      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
		return;
	}
	dev_err(pf->drm.dev, "fault %#x of the scrubbing ring, address %#llx\n", fault,
		vgpu_pf_read64(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_FAULT_ADDR)));
	vgpu_pf_scrub_die(pf, -EIO, "the ring is halted");
}

/**
 * vgpu_pf_scrub_check() - see to the jobs that are over, and to a halted ring
 * @pf: the device
 *
 * For the fence's interrupt, a fault of the PF, a reset of its world, and the
 * watchdog, which does not let a packet take for ever. Time in which others have the
 * engine does not count: no guest can end scrubbing by being busy.
 *
 * Context: worker.
 */
void vgpu_pf_scrub_check(struct vgpu_pf *pf)
{
	struct vgpu_pf_scrub *scrub = &pf->scrub;
	u64 head;

	vgpu_pf_scrub_finish(scrub, le64_to_cpu(READ_ONCE(*scrub->fence)), 0);
	if (list_empty(&scrub->jobs) || scrub->dead)
		return;

	head = vgpu_pf_read64(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_HEAD));
	if (head != scrub->head)
		vgpu_pf_scrub_moved(pf, head);
	if (vgpu_pf_read(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_STATUS)) == VGPU_RING_HALTED)
		vgpu_pf_scrub_halted(pf);
	else if (time_after(jiffies, scrub->moved + vgpu_pf_scrub_packet_bound(pf)))
		vgpu_pf_scrub_late(pf);
}

static void vgpu_pf_scrub_work(struct kthread_work *work)
{
	vgpu_pf_scrub_check(container_of(work, struct vgpu_pf, scrub.work));
}

/**
 * vgpu_pf_scrub_start() - set the ring up in a device that was reset
 * @pf: the device; the PF's world is off the engine or has no work
 */
void vgpu_pf_scrub_start(struct vgpu_pf *pf)
{
	struct vgpu_pf_scrub *scrub = &pf->scrub;

	WRITE_ONCE(*scrub->fence, 0);
	scrub->issued = 0;
	scrub->tail = 0;
	WRITE_ONCE(scrub->dead, false);
	vgpu_pf_write(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_CTRL), 0);
	vgpu_pf_write64(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_BASE), VGPU_ADDR_SYSTEM | scrub->dma);
	vgpu_pf_write(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_SIZE), ilog2(scrub->size));
	vgpu_pf_write64(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_HEAD), 0);
	vgpu_pf_write(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
}

/**
 * vgpu_pf_scrub_stop() - take no more jobs and end those under way
 * @pf: the device; nothing of the PF runs any more
 * @status: for the jobs
 *
 * Context: worker.
 */
void vgpu_pf_scrub_stop(struct vgpu_pf *pf, int status)
{
	WRITE_ONCE(pf->scrub.dead, true);
	vgpu_pf_write(pf, vgpu_pf_scrub_reg(pf, VGPU_RING_CTRL), 0);
	vgpu_pf_scrub_finish(&pf->scrub, pf->scrub.issued, status);
}

/**
 * vgpu_pf_scrub_init() - memory and interrupt
 * @pf: the device; the size of VRAM is known, vectors are allocated
 *
 * Return: 0, or what allocating and requesting them returned; -EIO if the
 * device's rings are too small.
 */
int vgpu_pf_scrub_init(struct vgpu_pf *pf)
{
	struct vgpu_pf_scrub *scrub = &pf->scrub;
	struct device *dev = pf->drm.dev;
	u32 limit = FIELD_GET(VGPU_LIMITS_RING_SIZE, vgpu_pf_read(pf, VGPU_REG_LIMITS));
	u64 need;
	int irq;

	INIT_LIST_HEAD(&scrub->jobs);
	kthread_init_work(&scrub->work, vgpu_pf_scrub_work);
	scrub->dead = true;

	/* below 4 GiB, and a multiple of what a packet must be aligned to */
	scrub->chunk = clamp(roundup_pow_of_two(div_u64(pf->vram.total, SCRUB_FILLS)),
			     SZ_64M, SZ_2G);
	need = (div64_u64(pf->vram.total, scrub->chunk) + pf->functions) *
		sizeof(struct vgpu_pkt_fill) +
		pf->functions * sizeof(struct vgpu_pkt_fence);
	need = max_t(u64, roundup_pow_of_two(need + 1), SZ_4K);
	if (need > BIT_ULL(limit))
		return dev_err_probe(dev, -EIO,
				     "rings of %llu bytes at most, scrubbing %llu bytes of VRAM needs %llu\n",
				     BIT_ULL(limit), pf->vram.total, need);

	scrub->size = need;
	scrub->ring = dmam_alloc_coherent(dev, scrub->size, &scrub->dma, GFP_KERNEL);
	scrub->fence = dmam_alloc_coherent(dev, SZ_4K, &scrub->fence_dma, GFP_KERNEL);
	if (!scrub->ring || !scrub->fence)
		return -ENOMEM;

	irq = pci_irq_vector(to_pci_dev(dev), VGPU_VECTOR_RING(vgpu_pf_scrub_ring(pf)));
	return devm_request_irq(dev, irq, vgpu_pf_scrub_irq, 0, "vgpu_pf-scrub", pf);
}

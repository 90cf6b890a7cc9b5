// SPDX-License-Identifier: GPL-2.0-only
/* The event queue; see events.h. */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/log2.h>
#include <linux/sizes.h>

#include "device.h"
#include "trace.h"

/* ------------------------------------------------------------------------ */
/* What is noted of an event before the worker sees to it                    */

static const char *vgpu_pf_event_dev(struct vgpu_pf_function *fn)
{
	return dev_name(fn->pf->drm.dev);
}

static void vgpu_pf_note_runnable(struct vgpu_pf_function *fn, const struct vgpu_event *e)
{
	trace_vgpu_runnable(vgpu_pf_event_dev(fn), fn->number, le64_to_cpu(e->request), 0);
}

static void vgpu_pf_note_idle(struct vgpu_pf_function *fn, const struct vgpu_event *e)
{
	trace_vgpu_idle(vgpu_pf_event_dev(fn), fn->number, le64_to_cpu(e->request), 0);
}

static void vgpu_pf_note_fault(struct vgpu_pf_function *fn, const struct vgpu_event *e)
{
	fn->faults++;
	fn->fault = le32_to_cpu(e->info);
	fn->fault_ring = le32_to_cpu(e->detail);
	fn->fault_addr = le64_to_cpu(e->deadline);
	trace_vgpu_fault(vgpu_pf_event_dev(fn), fn->number, le64_to_cpu(e->request),
			 fn->fault);
}

static void vgpu_pf_note_hang(struct vgpu_pf_function *fn, const struct vgpu_event *e)
{
	fn->hangs++;
	trace_vgpu_hang(vgpu_pf_event_dev(fn), fn->number, le64_to_cpu(e->request),
			fn->hangs);
}

static void vgpu_pf_note_flr(struct vgpu_pf_function *fn, const struct vgpu_event *e)
{
	fn->flrs++;
	trace_vgpu_flr(vgpu_pf_event_dev(fn), fn->number, fn->pf->world.latest, 0);
}

static void vgpu_pf_note_storm(struct vgpu_pf_function *fn, const struct vgpu_event *e)
{
	fn->storms++;
	trace_vgpu_storm(vgpu_pf_event_dev(fn), fn->number, fn->pf->world.latest, 0);
}

/* An INIT is the worker's; whoever cannot be loaded, or saved, needs a fresh world. */
static void vgpu_pf_note_refused(struct vgpu_pf_function *fn, const struct vgpu_event *e)
{
	trace_vgpu_refused(vgpu_pf_event_dev(fn), fn->number, fn->pf->world.latest,
			   le32_to_cpu(e->info));
	switch (le32_to_cpu(e->detail)) {
	case VGPU_CMD_INIT:
		vgpu_pf_function_notify(fn, VGPU_PF_NEWS_REFUSED);
		break;
	case VGPU_CMD_SAVE:
		if (le32_to_cpu(e->info) != VGPU_REFUSED_BAD_IMAGE)
			break;
		fallthrough;
	case VGPU_CMD_LOAD:
	case VGPU_DETAIL_NEXT:
		vgpu_pf_function_notify(fn, VGPU_PF_NEWS_RESET);
		break;
	}
}

static void vgpu_pf_note_lost(struct vgpu_pf_function *fn, const struct vgpu_event *e)
{
	dev_err_ratelimited(fn->pf->drm.dev, "the event queue was full: %u records lost\n",
			    le32_to_cpu(e->detail));
}

#define VGPU_PF_NO_NEWS	(-1)

/*
 * What is done with a record, by type: what is noted first, whether it concerns
 * the engine, and what the worker is told about the function.
 */
static const struct {
	bool world;
	int news;
	void (*note)(struct vgpu_pf_function *fn, const struct vgpu_event *event);
} vgpu_pf_event_kinds[] = {
	[VGPU_EVENT_SWITCHED]	 = { true, VGPU_PF_NO_NEWS, NULL },
	[VGPU_EVENT_QUIESCED]	 = { true, VGPU_PF_NO_NEWS, NULL },
	[VGPU_EVENT_SAVED]	 = { true, VGPU_PF_NO_NEWS, NULL },
	[VGPU_EVENT_LOADED]	 = { true, VGPU_PF_NO_NEWS, NULL },
	[VGPU_EVENT_RUNNING]	 = { true, VGPU_PF_NO_NEWS, NULL },
	[VGPU_EVENT_RESET]	 = { true, VGPU_PF_NEWS_RESET, NULL },
	[VGPU_EVENT_INITIALISED] = { false, VGPU_PF_NEWS_MADE, NULL },
	[VGPU_EVENT_REFUSED]	 = { true, VGPU_PF_NO_NEWS, vgpu_pf_note_refused },
	[VGPU_EVENT_RUNNABLE]	 = { true, VGPU_PF_NO_NEWS, vgpu_pf_note_runnable },
	[VGPU_EVENT_IDLE]	 = { true, VGPU_PF_NO_NEWS, vgpu_pf_note_idle },
	[VGPU_EVENT_FAULT]	 = { false, VGPU_PF_NEWS_FAULT, vgpu_pf_note_fault },
	[VGPU_EVENT_HANG]	 = { true, VGPU_PF_NEWS_HANG, vgpu_pf_note_hang },
	[VGPU_EVENT_FLR]	 = { true, VGPU_PF_NEWS_FLR, vgpu_pf_note_flr },
	[VGPU_EVENT_MAILBOX]	 = { false, VGPU_PF_NEWS_MAILBOX, NULL },
	[VGPU_EVENT_STORM]	 = { false, VGPU_PF_NEWS_STORM, vgpu_pf_note_storm },
	[VGPU_EVENT_LOST]	 = { true, VGPU_PF_NO_NEWS, vgpu_pf_note_lost },
};

/* ------------------------------------------------------------------------ */
/* Taking records                                                            */

static void vgpu_pf_event(struct vgpu_pf *pf, const struct vgpu_event *event)
{
	u16 type = le16_to_cpu(event->type);
	u16 function = le16_to_cpu(event->function);
	struct vgpu_pf_function *fn;

	/* these two may be about nobody */
	if (function == VGPU_FUNCTION_NONE &&
	    (type == VGPU_EVENT_SWITCHED || type == VGPU_EVENT_LOST))
		fn = &pf->fn[VGPU_FUNCTION_PF];
	else if (function < pf->functions)
		fn = &pf->fn[function];
	else
		fn = NULL;

	if (!fn || !type || type >= ARRAY_SIZE(vgpu_pf_event_kinds) ||
	    (type == VGPU_EVENT_SWITCHED && le32_to_cpu(event->detail) > U16_MAX)) {
		pf->events.strange++;
		return;
	}

	if (vgpu_pf_event_kinds[type].note)
		vgpu_pf_event_kinds[type].note(fn, event);
	if (vgpu_pf_event_kinds[type].world)
		vgpu_pf_world_event(pf, event);
	if (vgpu_pf_event_kinds[type].news != VGPU_PF_NO_NEWS)
		vgpu_pf_function_notify(fn, vgpu_pf_event_kinds[type].news);
}

/* Those that are there, @most of them; tells the device. */
static unsigned int vgpu_pf_events_take_some(struct vgpu_pf *pf, unsigned int most)
{
	struct vgpu_pf_events *events = &pf->events;
	unsigned int taken, size = 1u << events->log2;
	u32 last = 0;

	for (taken = 0; taken < most; taken++) {
		const struct vgpu_event *event = &events->record[events->index];

		if (le32_to_cpu(READ_ONCE(event->seq)) != events->seq)
			break;
		/* the rest of a record was written before its number */
		dma_rmb();
		vgpu_pf_event(pf, event);
		last = events->seq;
		events->index = (events->index + 1) & (size - 1);
		events->seq = last == U32_MAX ? 1 : last + 1;
	}
	if (taken) {
		/* the device may overwrite what was taken: the reads come first */
		dma_mb();
		WRITE_ONCE(*events->consumer, cpu_to_le32(last));
		/*
		 * The device reads this when it has written a record. If that comes before
		 * the barrier, who looks behind it sees the record; later, it interrupts.
		 */
		mb();
		events->taken += taken;
	}
	return taken;
}

/**
 * vgpu_pf_events_take() - see to all records that are there
 * @pf: the device
 *
 * Whoever takes records has to take all: no interrupt comes for what is behind one
 * that is there (VGPU_EVQ_CTRL_EDGE). Bounded by the size of the queue; if there are
 * more, the worker sees to them.
 *
 * Context: vgpu_pf.lock is held.
 *
 * Return: how many there were.
 */
unsigned int vgpu_pf_events_take(struct vgpu_pf *pf)
{
	unsigned int some, taken = 0, size = 1u << pf->events.log2;

	lockdep_assert_held(&pf->lock);
	do {
		some = vgpu_pf_events_take_some(pf, size - taken);
		taken += some;
	} while (some && taken < size);
	if (some)
		kthread_queue_work(pf->worker, &pf->recovery);
	return taken;
}

static irqreturn_t vgpu_pf_events_irq(int irq, void *data)
{
	struct vgpu_pf *pf = data;

	raw_spin_lock(&pf->lock);
	if (pf->world.live && vgpu_pf_events_take(pf))
		pf->events.interrupts++;
	raw_spin_unlock(&pf->lock);
	return IRQ_HANDLED;
}

/**
 * vgpu_pf_events_look() - see to records whose interrupt was lost
 * @pf: the device
 *
 * Context: process.
 */
void vgpu_pf_events_look(struct vgpu_pf *pf)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pf->lock, flags);
	if (pf->world.live)
		pf->events.late += vgpu_pf_events_take(pf);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
}

/**
 * vgpu_pf_events_start() - let the device write records
 * @pf: the device; its queue is disabled
 */
void vgpu_pf_events_start(struct vgpu_pf *pf)
{
	struct vgpu_pf_events *events = &pf->events;

	memset(events->record, 0, sizeof(*events->record) << events->log2);
	WRITE_ONCE(*events->consumer, 0);
	events->index = 0;
	events->seq = 1;
	vgpu_pf_write(pf, VGPU_PF_EVQ_CTRL, 0);
	vgpu_pf_write64(pf, VGPU_PF_EVQ_BASE, events->dma);
	vgpu_pf_write(pf, VGPU_PF_EVQ_SIZE, events->log2);
	vgpu_pf_write64(pf, VGPU_PF_EVQ_CONSUMER, events->consumer_dma);
	vgpu_pf_write(pf, VGPU_PF_EVQ_CTRL, VGPU_EVQ_CTRL_ENABLE | VGPU_EVQ_CTRL_EDGE);
}

/**
 * vgpu_pf_events_stop() - no records and no interrupts after this
 * @pf: the device
 *
 * Context: process.
 */
void vgpu_pf_events_stop(struct vgpu_pf *pf)
{
	vgpu_pf_write(pf, VGPU_PF_EVQ_CTRL, 0);
	/* the write is posted: wait until it has arrived, then for the handler */
	vgpu_pf_read(pf, VGPU_PF_EVQ_CTRL);
	synchronize_irq(pci_irq_vector(vgpu_pf_pdev(pf), VGPU_VECTOR_EVENTS(pf->rings)));
}

/**
 * vgpu_pf_events_init() - memory and interrupt
 * @pf: the device; vectors are allocated
 *
 * The queue is so large that no VF can fill it (VGPU_EVQ_PER_FUNCTION).
 *
 * Return: 0, or what allocating and requesting them returned.
 */
int vgpu_pf_events_init(struct vgpu_pf *pf)
{
	struct vgpu_pf_events *events = &pf->events;
	struct device *dev = pf->drm.dev;
	unsigned int records = VGPU_EVQ_PER_FUNCTION * pf->functions + VGPU_EVQ_RESERVE;

	events->log2 = clamp(order_base_2(records), VGPU_EVQ_SIZE_MIN, VGPU_EVQ_SIZE_MAX);
	events->seq = 1;
	events->record = dmam_alloc_coherent(dev, sizeof(*events->record) << events->log2,
					     &events->dma, GFP_KERNEL);
	events->consumer = dmam_alloc_coherent(dev, SZ_4K, &events->consumer_dma, GFP_KERNEL);
	if (!events->record || !events->consumer)
		return -ENOMEM;

	/* the handler is the switch path: not to be threaded */
	return devm_request_irq(dev, pci_irq_vector(to_pci_dev(dev),
						    VGPU_VECTOR_EVENTS(pf->rings)),
				vgpu_pf_events_irq, IRQF_NO_THREAD, "vgpu_pf-events", pf);
}

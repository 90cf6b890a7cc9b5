// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The event queue. The rules are in vgpu/events.h.
 *
 * Records are counted from 1 since the queue was enabled; record i is in the
 * queue while i > taken. What a function has to tell and cannot yet is a bit in
 * told.remembered, and for RUNNABLE and IDLE the difference between told.truth
 * and told.runnable, so that two that cancel each other vanish by themselves.
 */
#include "device.h"
#include "trace.h"

#define SEQ_PERIOD	0xffffffffull

static uint32_t seq_of(uint64_t index)
{
	return (index - 1) % SEQ_PERIOD + 1;
}

static uint64_t capacity(const struct vgpu_event_queue *q)
{
	return 1ull << q->size;
}

/* Asks the driver how far it has come. A bad answer changes nothing, and is false. */
static bool look_at_consumer(struct vgpu_core *core)
{
	struct vgpu_event_queue *q = &core->evq;
	uint64_t waiting;
	uint32_t seq;

	if (!vgpu_dma(&core->fn[0], q->consumer, &seq, 4, false))
		return false;
	seq = le32_to_cpu(seq);
	waiting = (q->posted % SEQ_PERIOD + SEQ_PERIOD - seq % SEQ_PERIOD) % SEQ_PERIOD;
	if (waiting > q->posted - q->taken)
		return false;
	q->taken = q->posted - waiting;
	return true;
}

static bool has_room(struct vgpu_core *core)
{
	struct vgpu_event_queue *q = &core->evq;

	if (q->posted - q->taken >= capacity(q))
		look_at_consumer(core);
	return q->posted - q->taken < capacity(q);
}

/*
 * Of the record that was written last. A driver that has not taken the one before it
 * will look before it leaves; whatever vgpu_dma() does comes after a full barrier. If
 * it has not done so for long, the interrupt of before may have been lost.
 */
static void interrupt(struct vgpu_core *core)
{
	struct vgpu_event_queue *q = &core->evq;

	if (q->edge && core->time - q->interrupted < VGPU_EVENT_RETRY_NS &&
	    look_at_consumer(core) && q->taken < q->posted - 1)
		return;
	q->interrupted = core->time;
	if (core->inject.lost_interrupts)
		core->inject.lost_interrupts--;
	else
		vgpu_pci_interrupt(&core->fn[0], VGPU_VECTOR_EVENTS(core->config.rings));
}

static bool write_record(struct vgpu_core *core, struct vgpu_event *event)
{
	struct vgpu_event_queue *q = &core->evq;
	uint64_t at = q->base + (q->posted & (capacity(q) - 1)) * sizeof(*event);
	uint32_t seq = seq_of(q->posted + 1);

	event->seq = cpu_to_le32(seq);
	if (!vgpu_dma(&core->fn[0], at + 4, (uint8_t *)event + 4, sizeof(*event) - 4, true) ||
	    !vgpu_dma(&core->fn[0], at, &event->seq, 4, true))
		return false;
	q->posted++;
	trace_vgpu_event_post(seq, le16_to_cpu(event->type), le16_to_cpu(event->function),
			      le32_to_cpu(event->info), le32_to_cpu(event->detail));
	interrupt(core);
	return true;
}

/* Tells first what was lost, if there is room for that. */
static bool tell_lost(struct vgpu_core *core)
{
	struct vgpu_event event = {
		.type = cpu_to_le16(VGPU_EVENT_LOST),
		.function = cpu_to_le16(VGPU_FUNCTION_NONE),
		.detail = cpu_to_le32(core->evq.lost_untold),
	};

	if (!core->evq.lost_untold)
		return true;
	if (!has_room(core) || !write_record(core, &event))
		return false;
	core->evq.lost_untold = 0;
	return true;
}

static bool post(struct vgpu_core *core, struct vgpu_event *event)
{
	return core->evq.enabled && tell_lost(core) && has_room(core) &&
	       write_record(core, event);
}

static void look_again(struct vgpu_core *core, uint64_t now)
{
	if (core->evq.enabled && core->evq.retry == VGPU_NEVER)
		core->evq.retry = now + VGPU_EVENT_RETRY_NS;
}

/* What a broken device could say of a switch: twice, backwards, without a time. */
static void make_strange(struct vgpu_core *core, struct vgpu_event *event)
{
	switch (core->inject.strange_switches-- % 3) {
	case 0:
		post(core, event);
		break;
	case 1:
		event->running = cpu_to_le64(le64_to_cpu(event->request) / 2);
		break;
	case 2:
		event->quiesced = 0;
		event->loaded = 0;
		break;
	}
}

void vgpu_event_answer(struct vgpu_core *core, enum vgpu_event_type type,
		       uint16_t function, uint32_t info, uint32_t detail,
		       const struct vgpu_switch *sw, uint64_t running)
{
	static const struct vgpu_switch none;
	struct vgpu_event event = {
		.type = cpu_to_le16(type),
		.function = cpu_to_le16(function),
		.info = cpu_to_le32(info),
		.detail = cpu_to_le32(detail),
		.running = cpu_to_le64(running),
	};

	sw = sw ?: &none;
	event.deadline = cpu_to_le64(sw->deadline);
	event.request = cpu_to_le64(sw->request);
	event.quiesced = cpu_to_le64(sw->quiesced);
	event.saved = cpu_to_le64(sw->saved);
	event.loaded = cpu_to_le64(sw->loaded);
	if (type == VGPU_EVENT_SWITCHED && core->inject.strange_switches)
		make_strange(core, &event);
	if (!core->evq.enabled || post(core, &event))
		return;
	trace_vgpu_event_lost(type, function);
	core->evq.lost++;
	core->evq.lost_untold++;
	look_again(core, core->time);
}

/* Is the last record of this kind and function still in the queue? */
static bool in_queue(struct vgpu_function *fn, enum vgpu_event_type type)
{
	struct vgpu_event_queue *q = &fn->core->evq;

	if (fn->told.posted[type] > q->taken)
		look_at_consumer(fn->core);
	return fn->told.posted[type] > q->taken;
}

static bool post_coalesced(struct vgpu_function *fn, enum vgpu_event_type type,
			   struct vgpu_event *event)
{
	event->type = cpu_to_le16(type);
	event->function = cpu_to_le16(fn->number);
	if (!fn->core->evq.enabled || in_queue(fn, type) || !post(fn->core, event))
		return false;
	fn->told.posted[type] = fn->core->evq.posted;
	return true;
}

static bool tell_fault(struct vgpu_function *fn)
{
	while (fn->told.fault_rings) {
		unsigned int r = ctz32(fn->told.fault_rings);
		struct vgpu_ring *ring = &fn->ring[r];
		struct vgpu_event event = {
			.info = cpu_to_le32(ring->fault),
			.detail = cpu_to_le32(r),
			.deadline = cpu_to_le64(ring->fault_addr),
			.request = cpu_to_le64(ring->fault_time),
		};

		/* Repaired before anybody heard of it. */
		if (ring->fault && !post_coalesced(fn, VGPU_EVENT_FAULT, &event))
			return false;
		fn->told.fault_rings &= ~(1u << r);
	}
	return true;
}

static void tell_runnable(struct vgpu_function *fn)
{
	struct vgpu_told *told = &fn->told;
	enum vgpu_event_type type = told->truth ? VGPU_EVENT_RUNNABLE : VGPU_EVENT_IDLE;
	struct vgpu_event event = {
		.request = cpu_to_le64(told->time[type]),
	};

	if (told->truth != told->runnable && post_coalesced(fn, type, &event))
		told->runnable = told->truth;
}

/* Delivers what can be delivered; false if something stays remembered. */
static bool tell(struct vgpu_function *fn)
{
	static const enum vgpu_event_type order[] = {
		VGPU_EVENT_FLR, VGPU_EVENT_HANG, VGPU_EVENT_MAILBOX, VGPU_EVENT_STORM,
	};
	struct vgpu_told *told = &fn->told;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		enum vgpu_event_type type = order[i];
		struct vgpu_event event = {
			.request = cpu_to_le64(told->time[type]),
		};

		if (told->remembered & 1u << type && post_coalesced(fn, type, &event))
			told->remembered &= ~(1u << type);
	}
	tell_fault(fn);
	tell_runnable(fn);
	return !told->remembered && !told->fault_rings && told->truth == told->runnable;
}

static void tell_or_remember(struct vgpu_function *fn, uint64_t now)
{
	if (!tell(fn))
		look_again(fn->core, now);
}

void vgpu_event_raise(struct vgpu_function *fn, enum vgpu_event_type type, uint64_t now)
{
	fn->told.remembered |= 1u << type;
	fn->told.time[type] = now;
	tell_or_remember(fn, now);
}

void vgpu_event_fault(struct vgpu_function *fn, unsigned int r, uint64_t now)
{
	fn->told.fault_rings |= 1u << r;
	tell_or_remember(fn, now);
}

/*
 * Called whenever @fn may have got or lost work. A world that leaves the engine
 * because it is idle is told as idle by SWITCHED and by nothing else.
 */
void vgpu_event_runnable(struct vgpu_function *fn, uint64_t now)
{
	struct vgpu_engine *engine = &fn->core->engine;
	bool truth = vgpu_engine_runnable(fn);

	if (engine->automatic && engine->sw.from == fn->number &&
	    engine->sw.leave == VGPU_LEAVE_IDLE)
		return;
	if (truth != fn->told.truth)
		fn->told.time[truth ? VGPU_EVENT_RUNNABLE : VGPU_EVENT_IDLE] = now;
	fn->told.truth = truth;
	tell_or_remember(fn, now);
}

/* Another record has told the driver that @fn is idle. */
void vgpu_event_told_idle(struct vgpu_function *fn)
{
	fn->told.truth = false;
	fn->told.runnable = false;
}

/* @fn was reset: what happened before is of no interest any more. */
void vgpu_event_forget(struct vgpu_function *fn)
{
	fn->told.remembered &= 1u << VGPU_EVENT_HANG | 1u << VGPU_EVENT_FLR;
	fn->told.fault_rings = 0;
	vgpu_event_told_idle(fn);
}

void vgpu_event_enable(struct vgpu_core *core, bool enable, uint64_t now)
{
	struct vgpu_event_queue *q = &core->evq;
	unsigned int i;

	if (enable == q->enabled)
		return;
	q->enabled = enable;
	q->retry = VGPU_NEVER;
	if (!enable)
		return;
	q->posted = 0;
	q->taken = 0;
	q->lost_untold = 0;
	for (i = 0; i < core->functions; i++) {
		struct vgpu_function *fn = &core->fn[i];

		memset(fn->told.posted, 0, sizeof(fn->told.posted));
		fn->told.runnable = false;
	}
	vgpu_event_retry(core, now);
}

void vgpu_event_retry(struct vgpu_core *core, uint64_t now)
{
	bool all = true;
	unsigned int i;

	core->evq.retry = VGPU_NEVER;
	if (!tell_lost(core))
		all = false;
	for (i = 0; i < core->functions; i++)
		all &= tell(&core->fn[i]);
	if (!all)
		look_again(core, now);
}

/* The last record's sequence number. */
uint32_t vgpu_event_posted(const struct vgpu_core *core)
{
	return core->evq.posted ? seq_of(core->evq.posted) : 0;
}

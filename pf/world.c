// SPDX-License-Identifier: GPL-2.0-only
/* Between the scheduling core and the device; see world.h. */
#include <linux/ktime.h>
#include <linux/slab.h>

#include <drm/drm_managed.h>

#include "device.h"
#include "trace.h"

/* Later than this and a slice that an hrtimer ends has missed its deadline. */
#define WORLD_REQUEST_SLACK_NS	40000
/* So late may a switch be seen: latency of interrupts, error of the clock. */
#define WORLD_OVERDUE_SLACK_NS	(2 * NSEC_PER_MSEC)
/* A record that is further ahead of the clock than this makes no sense. */
#define WORLD_FUTURE_NS		(10 * NSEC_PER_MSEC)
/* The clock is read so often; the shortest read is the one that counts. */
#define WORLD_CLOCK_READS	3
/* So often in a row, and the world-switch block itself is dead. */
#define WORLD_OVERDUES		16

/* ------------------------------------------------------------------------ */
/* Time                                                                      */

/**
 * vgpu_pf_world_now() - the device clock, without asking the device
 * @pf: the device
 *
 * Never before the last record. Context: vgpu_pf.lock is held.
 *
 * Return: ns; error see world.h.
 */
u64 vgpu_pf_world_now(struct vgpu_pf *pf)
{
	lockdep_assert_held(&pf->lock);
	return max_t(u64, ktime_get_ns() + pf->world.offset, pf->world.latest);
}

/**
 * vgpu_pf_world_measure_clock() - how far the device clock is from ktime
 * @pf: the device
 *
 * Context: process; reads a register.
 */
void vgpu_pf_world_measure_clock(struct vgpu_pf *pf)
{
	u64 before, clock, after, shortest = U64_MAX;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&pf->lock, flags);
	for (i = 0; i < WORLD_CLOCK_READS; i++) {
		before = ktime_get_ns();
		clock = vgpu_pf_read64(pf, VGPU_REG_CLOCK);
		after = ktime_get_ns();
		if (after - before >= shortest)
			continue;
		shortest = after - before;
		pf->world.offset = clock - before - shortest / 2;
	}
	raw_spin_unlock_irqrestore(&pf->lock, flags);
}

/* The clock has come so far, says a record; nonsense is left to the core. */
static void vgpu_pf_world_told(struct vgpu_pf *pf, u64 when)
{
	if (when > pf->world.latest &&
	    when < vgpu_pf_world_now(pf) + WORLD_FUTURE_NS)
		pf->world.latest = when;
}

static void vgpu_pf_timer_start(struct vgpu_pf *pf, struct vgpu_pf_timer *timer)
{
	s64 expires = min_t(u64, timer->when, S64_MAX) - pf->world.offset;

	timer->set = max(timer->when, 1ull);
	hrtimer_start(&timer->timer, ns_to_ktime(max(expires, 0ll)),
		      HRTIMER_MODE_ABS_PINNED_HARD);
}

/* True if it is really time; else the timer is set again. */
static bool vgpu_pf_timer_expired(struct vgpu_pf *pf, struct vgpu_pf_timer *timer)
{
	timer->set = 0;
	if (!pf->world.live || timer->when == U64_MAX)
		return false;
	/* what no interrupt has brought comes first: it may have moved @when */
	pf->events.late += vgpu_pf_events_take(pf);
	if (timer->set)
		return false;
	if (vgpu_pf_world_now(pf) >= timer->when)
		return true;
	vgpu_pf_timer_start(pf, timer);
	return false;
}

static enum hrtimer_restart vgpu_pf_world_overdue(struct hrtimer *hrtimer)
{
	struct vgpu_pf *pf = container_of(hrtimer, struct vgpu_pf, world.overdue.timer);
	struct vgpu_pf_world *world = &pf->world;

	raw_spin_lock(&pf->lock);
	if (vgpu_pf_timer_expired(pf, &world->overdue))
		vgpu_sched_timer(world->core, vgpu_pf_world_now(pf));
	raw_spin_unlock(&pf->lock);
	return HRTIMER_NORESTART;
}

static enum hrtimer_restart vgpu_pf_world_deadline(struct hrtimer *hrtimer)
{
	struct vgpu_pf *pf = container_of(hrtimer, struct vgpu_pf, world.deadline.timer);
	struct vgpu_pf_world *world = &pf->world;

	raw_spin_lock(&pf->lock);
	if (vgpu_pf_timer_expired(pf, &world->deadline))
		vgpu_sequencer_timer(&world->sequencer, vgpu_pf_world_now(pf));
	raw_spin_unlock(&pf->lock);
	return HRTIMER_NORESTART;
}

/* ------------------------------------------------------------------------ */
/* What the core wants                                                       */

static void vgpu_pf_core_arm(void *context, u16 function, u64 quantum_ns, u32 flags)
{
	struct vgpu_pf *pf = context;

	if (!pf->world.live)
		return;
	trace_vgpu_arm(dev_name(pf->drm.dev), function, quantum_ns, flags);
	if (!pf->deadlines) {
		vgpu_sequencer_arm(&pf->world.sequencer, function, quantum_ns, flags,
				   vgpu_pf_world_now(pf));
		return;
	}
	vgpu_pf_write64(pf, VGPU_PF_NEXT, VGPU_PF_NEXT_VALID |
			(flags & VGPU_SCHED_ARM_NOW ? VGPU_PF_NEXT_NOW : 0) |
			(flags & VGPU_SCHED_ARM_BOUNDARY ? VGPU_PF_NEXT_BOUNDARY : 0) |
			FIELD_PREP(VGPU_PF_NEXT_FUNCTION, function) |
			FIELD_PREP(VGPU_PF_NEXT_QUANTUM, quantum_ns));
}

static void vgpu_pf_core_disarm(void *context)
{
	struct vgpu_pf *pf = context;

	if (!pf->world.live)
		return;
	if (pf->deadlines)
		vgpu_pf_write64(pf, VGPU_PF_NEXT, 0);
	else
		vgpu_sequencer_disarm(&pf->world.sequencer);
}

/*
 * The core asks for an earlier time only. One that has moved away is noticed
 * when the timer expires, so nothing is programmed at a switch.
 */
static void vgpu_pf_core_set_timer(void *context, u64 when)
{
	struct vgpu_pf *pf = context;
	struct vgpu_pf_timer *timer = &pf->world.overdue;

	timer->when = when;
	if (pf->world.live && (!timer->set || timer->set > when))
		vgpu_pf_timer_start(pf, timer);
}

static void vgpu_pf_core_overdue(void *context, u16 function)
{
	struct vgpu_pf *pf = context;

	pf->world.overdues++;
	pf->world.stuck = function;
	kthread_queue_work(pf->worker, &pf->recovery);
}

static void vgpu_pf_core_parked(void *context, u16 function)
{
	struct vgpu_pf *pf = context;

	vgpu_pf_function_notify(&pf->fn[function], VGPU_PF_NEWS_LEFT);
}

static const struct vgpu_sched_ops vgpu_pf_core_ops = {
	.arm = vgpu_pf_core_arm,
	.disarm = vgpu_pf_core_disarm,
	.set_timer = vgpu_pf_core_set_timer,
	.overdue = vgpu_pf_core_overdue,
	.parked = vgpu_pf_core_parked,
};

/* What it owes to those whom the switch concerns, now that it has charged it. */
static void vgpu_pf_world_trace_lag(struct vgpu_pf *pf, const struct vgpu_sched_switch *sw)
{
	struct vgpu_sched *core = pf->world.core;

	if (!trace_vgpu_lag_enabled())
		return;
	if (sw->from < pf->functions)
		trace_vgpu_lag(dev_name(pf->drm.dev), sw->from, sw->running,
			       vgpu_sched_lag(core, sw->from));
	if (sw->to < pf->functions && sw->to != sw->from)
		trace_vgpu_lag(dev_name(pf->drm.dev), sw->to, sw->running,
			       vgpu_sched_lag(core, sw->to));
}

/* ------------------------------------------------------------------------ */
/* What the sequencer wants                                                  */

static void vgpu_pf_sequencer_command(void *context, enum vgpu_world_cmd command,
				      u16 function)
{
	struct vgpu_pf *pf = context;

	if (!pf->world.live)
		return;
	if (command == VGPU_CMD_RUN)
		pf->world.run = ktime_get_ns();
	vgpu_pf_command(pf, command, function);
}

static void vgpu_pf_sequencer_set_timer(void *context, u64 when)
{
	struct vgpu_pf *pf = context;

	pf->world.deadline.when = when;
	if (pf->world.live)
		vgpu_pf_timer_start(pf, &pf->world.deadline);
}

static void vgpu_pf_sequencer_cancel_timer(void *context)
{
	struct vgpu_pf *pf = context;

	pf->world.deadline.when = U64_MAX;
	hrtimer_try_to_cancel(&pf->world.deadline.timer);
}

static void vgpu_pf_sequencer_switched(void *context, const struct vgpu_sched_switch *sw)
{
	struct vgpu_pf *pf = context;

	trace_vgpu_switch(dev_name(pf->drm.dev), sw);
	vgpu_sched_switched(pf->world.core, sw, vgpu_pf_world_now(pf));
	vgpu_pf_world_trace_lag(pf, sw);
}

static const struct vgpu_sequencer_ops vgpu_pf_sequencer_ops = {
	.command = vgpu_pf_sequencer_command,
	.set_timer = vgpu_pf_sequencer_set_timer,
	.cancel_timer = vgpu_pf_sequencer_cancel_timer,
	.switched = vgpu_pf_sequencer_switched,
};

/* ------------------------------------------------------------------------ */
/* What the device said                                                      */

static u64 vgpu_pf_event_time(const struct vgpu_event *event)
{
	switch (le16_to_cpu(event->type)) {
	case VGPU_EVENT_QUIESCED:
	case VGPU_EVENT_RESET:
		return le64_to_cpu(event->quiesced);
	case VGPU_EVENT_SAVED:
		return le64_to_cpu(event->saved);
	case VGPU_EVENT_LOADED:
		return le64_to_cpu(event->loaded);
	case VGPU_EVENT_RUNNING:
	case VGPU_EVENT_SWITCHED:
		return le64_to_cpu(event->running);
	default:
		return le64_to_cpu(event->request);
	}
}

/* Something moves; what VFs can cause at will does not count. */
static bool vgpu_pf_event_is_of_engine(const struct vgpu_event *event)
{
	switch (le16_to_cpu(event->type)) {
	case VGPU_EVENT_SWITCHED:
	case VGPU_EVENT_QUIESCED:
	case VGPU_EVENT_SAVED:
	case VGPU_EVENT_LOADED:
	case VGPU_EVENT_RUNNING:
	case VGPU_EVENT_RESET:
		return true;
	default:
		return false;
	}
}

static void vgpu_pf_world_sequence(struct vgpu_pf *pf, const struct vgpu_event *event,
				   u64 when, u64 now)
{
	const struct vgpu_sequencer_event e = {
		.type = le16_to_cpu(event->type),
		.function = le16_to_cpu(event->function),
		.info = le32_to_cpu(event->info),
		.detail = le32_to_cpu(event->detail),
		.when = when,
		.request = le64_to_cpu(event->request),
	};

	/* the write was under way from then on, so a timer is not late by it */
	if (e.type == VGPU_EVENT_RUNNING)
		pf->world.offset = when - pf->world.run;
	vgpu_sequencer_event(&pf->world.sequencer, &e, now);
}

static void vgpu_pf_world_switched(struct vgpu_pf *pf, const struct vgpu_event *event,
				   u64 now)
{
	const struct vgpu_sched_switch sw = {
		.from = le16_to_cpu(event->function),
		.to = le32_to_cpu(event->detail),
		.reason = le32_to_cpu(event->info),
		.deadline = le64_to_cpu(event->deadline),
		.request = le64_to_cpu(event->request),
		.quiesced = le64_to_cpu(event->quiesced),
		.saved = le64_to_cpu(event->saved),
		.loaded = le64_to_cpu(event->loaded),
		.running = le64_to_cpu(event->running),
	};

	trace_vgpu_switch(dev_name(pf->drm.dev), &sw);
	vgpu_sched_switched(pf->world.core, &sw, now);
	vgpu_pf_world_trace_lag(pf, &sw);
}

static void vgpu_pf_world_refused(struct vgpu_pf *pf, u16 function, u32 command, u64 now)
{
	if (command == VGPU_DETAIL_NEXT || command == VGPU_CMD_LOAD)
		vgpu_sched_refused(pf->world.core, function, now);
}

/**
 * vgpu_pf_world_event() - tell the sequencer and the core what has happened
 * @pf: the device
 * @event: a record about a function that exists
 *
 * Context: vgpu_pf.lock is held.
 */
void vgpu_pf_world_event(struct vgpu_pf *pf, const struct vgpu_event *event)
{
	struct vgpu_sched *core = pf->world.core;
	u16 function = le16_to_cpu(event->function);
	u64 when = vgpu_pf_event_time(event);
	u64 now;

	vgpu_pf_world_told(pf, when);
	now = vgpu_pf_world_now(pf);
	if (vgpu_pf_event_is_of_engine(event))
		pf->world.overdues = 0;
	switch (le16_to_cpu(event->type)) {
	case VGPU_EVENT_SWITCHED:
		vgpu_pf_world_switched(pf, event, now);
		break;
	case VGPU_EVENT_RUNNABLE:
		vgpu_sched_wake(core, function, when, now);
		break;
	case VGPU_EVENT_IDLE:
		vgpu_sched_sleep(core, function, when, now);
		break;
	case VGPU_EVENT_HANG:
		vgpu_sched_hang(core, function, now);
		break;
	case VGPU_EVENT_FLR:
		vgpu_sched_flr(core, function, now);
		break;
	case VGPU_EVENT_RESET:
		vgpu_sched_reset(core, function, now);
		break;
	case VGPU_EVENT_REFUSED:
		vgpu_pf_world_refused(pf, function, le32_to_cpu(event->detail), now);
		break;
	case VGPU_EVENT_LOST:
		vgpu_sched_lost(core, now);
		break;
	}
	/* after the core, so that what it has armed for this is known there */
	if (!pf->deadlines)
		vgpu_pf_world_sequence(pf, event, when, now);
}

/* ------------------------------------------------------------------------ */
/* What the life of a function demands                                       */

/**
 * vgpu_pf_world_park() - keep a function off the engine
 * @fn: whom
 * @reasons: VGPU_SCHED_PARK_*
 *
 * Return: true if it is off already; else VGPU_PF_NEWS_LEFT follows.
 */
bool vgpu_pf_world_park(struct vgpu_pf_function *fn, u32 reasons)
{
	struct vgpu_pf *pf = fn->pf;
	unsigned long flags;
	u64 now;
	int err;

	raw_spin_lock_irqsave(&pf->lock, flags);
	now = vgpu_pf_world_now(pf);
	trace_vgpu_park(dev_name(pf->drm.dev), fn->number, now, reasons);
	err = vgpu_sched_park(pf->world.core, fn->number, reasons, now);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
	return err != -EINPROGRESS;
}

/**
 * vgpu_pf_world_unpark() - take back reasons to keep a function off the engine
 * @fn: whom
 * @reasons: VGPU_SCHED_PARK_*
 */
void vgpu_pf_world_unpark(struct vgpu_pf_function *fn, u32 reasons)
{
	struct vgpu_pf *pf = fn->pf;
	unsigned long flags;
	u64 now;

	raw_spin_lock_irqsave(&pf->lock, flags);
	now = vgpu_pf_world_now(pf);
	trace_vgpu_unpark(dev_name(pf->drm.dev), fn->number, now, reasons);
	vgpu_sched_unpark(pf->world.core, fn->number, reasons, now);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
}

/**
 * vgpu_pf_world_is_off() - is a function off the engine for sure?
 * @fn: whom
 *
 * Return: true if it is, and nothing that was armed can bring it there.
 */
bool vgpu_pf_world_is_off(struct vgpu_pf_function *fn)
{
	struct vgpu_pf *pf = fn->pf;
	unsigned long flags;
	bool off;

	raw_spin_lock_irqsave(&pf->lock, flags);
	off = vgpu_sched_off_engine(pf->world.core, fn->number);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
	return off;
}

/**
 * vgpu_pf_world_wake() - a function has work, says its register
 * @fn: whom
 *
 * If that is not true any more it costs an empty slice.
 */
void vgpu_pf_world_wake(struct vgpu_pf_function *fn)
{
	struct vgpu_pf *pf = fn->pf;
	unsigned long flags;
	u64 now;

	raw_spin_lock_irqsave(&pf->lock, flags);
	now = vgpu_pf_world_now(pf);
	vgpu_sched_wake(pf->world.core, fn->number, now, now);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
}

/*
 * Nothing is on its way: what the register says is true, and stays true while
 * the lock is held, for nobody else gives commands.
 */
static void vgpu_pf_world_unstick(struct vgpu_pf *pf, u32 state, u16 function)
{
	struct vgpu_pf_world *world = &pf->world;
	u64 now = vgpu_pf_world_now(pf);

	if (state == VGPU_ENGINE_EMPTY) {
		vgpu_pf_sequencer_cancel_timer(pf);
		vgpu_sequencer_init(&world->sequencer, &vgpu_pf_sequencer_ops, pf);
		vgpu_sched_restart(world->core, now);
	} else if (function != world->stuck && world->overdues == 1) {
		vgpu_sched_lost(world->core, now);
	} else if (state != VGPU_ENGINE_RESETTING && function < pf->functions) {
		vgpu_pf_command(pf, VGPU_CMD_RESET, function);
	}
}

/**
 * vgpu_pf_world_recover() - a switch has not come: find out why
 * @pf: the device
 *
 * Whoever is on the engine and does not leave is reset, alone; the answer is an
 * event like any other. An empty engine, or somebody else there, means that
 * records were lost, and the core is told so. Without any answer it asks again;
 * then whoever is there is reset, and in the end the device is given up.
 *
 * Context: worker.
 */
void vgpu_pf_world_recover(struct vgpu_pf *pf)
{
	u32 engine, state, function, taken, overdues;

	raw_spin_lock_irq(&pf->lock);
	engine = vgpu_pf_read(pf, VGPU_PF_ENGINE);
	state = FIELD_GET(VGPU_PF_ENGINE_STATE, engine);
	function = FIELD_GET(VGPU_PF_ENGINE_FUNCTION, engine);
	/* the read has pushed out all records of before */
	taken = vgpu_pf_events_take(pf);
	pf->events.late += taken;
	overdues = pf->world.overdues;
	if (!taken && overdues && overdues <= WORLD_OVERDUES)
		vgpu_pf_world_unstick(pf, state, function);
	raw_spin_unlock_irq(&pf->lock);

	/* if something has moved the core asks again for what it still misses */
	if (taken || !overdues)
		return;
	if (overdues > WORLD_OVERDUES)
		vgpu_pf_wedge(pf, "world switches do not come");
	else
		dev_warn_ratelimited(pf->drm.dev,
				     "world switch overdue: engine in state %u with function %u\n",
				     state, function);
}

/**
 * vgpu_pf_world_report() - say once that the device's records do not make sense
 * @pf: the device
 *
 * How often that was is in sched_stats. Context: worker.
 */
void vgpu_pf_world_report(struct vgpu_pf *pf)
{
	struct vgpu_sched_engine engine;

	if (pf->world.reported)
		return;
	raw_spin_lock_irq(&pf->lock);
	engine = *vgpu_sched_engine(pf->world.core);
	raw_spin_unlock_irq(&pf->lock);
	if (!engine.backwards && !engine.missing && !engine.duplicates && !engine.unexpected)
		return;
	pf->world.reported = true;
	dev_warn(pf->drm.dev, "records of the device: %llu with times that go backwards, %llu without a time, %llu twice, %llu unexpected; corrected, and from now on only counted\n",
		 engine.backwards, engine.missing, engine.duplicates, engine.unexpected);
}

/* ------------------------------------------------------------------------ */
/* Start and end                                                             */

/**
 * vgpu_pf_world_start() - begin to schedule on a device that was reset
 * @pf: the device; its engine is empty
 *
 * All functions are parked.
 */
void vgpu_pf_world_start(struct vgpu_pf *pf)
{
	struct vgpu_pf_world *world = &pf->world;
	unsigned long flags;
	unsigned int i;

	vgpu_pf_world_measure_clock(pf);
	raw_spin_lock_irqsave(&pf->lock, flags);
	world->latest = 0;
	world->overdues = 0;
	/* also those that were lost with a device that died */
	for (i = 0; i < pf->functions; i++)
		vgpu_sched_park(world->core, i,
				VGPU_SCHED_PARK_DISABLED | VGPU_SCHED_PARK_ABSENT, 0);
	vgpu_sequencer_init(&world->sequencer, &vgpu_pf_sequencer_ops, pf);
	world->overdue.when = U64_MAX;
	world->deadline.when = U64_MAX;
	world->live = true;
	vgpu_sched_restart(world->core, vgpu_pf_world_now(pf));
	raw_spin_unlock_irqrestore(&pf->lock, flags);
}

/**
 * vgpu_pf_world_stop() - tell the device nothing any more
 * @pf: the device
 */
void vgpu_pf_world_stop(struct vgpu_pf *pf)
{
	struct vgpu_pf_world *world = &pf->world;

	raw_spin_lock_irq(&pf->lock);
	world->live = false;
	raw_spin_unlock_irq(&pf->lock);
	hrtimer_cancel(&world->overdue.timer);
	hrtimer_cancel(&world->deadline.timer);
	world->overdue.set = 0;
	world->deadline.set = 0;
}

static void vgpu_pf_world_free(struct drm_device *drm, void *core)
{
	kvfree(core);
}

/**
 * vgpu_pf_world_init() - memory and timers
 * @pf: the device; its limits and costs are known
 *
 * The core begins with its first policy, which needs nothing of the device: so the
 * one that is wanted can be refused in words.
 *
 * Return: 0, -ENOMEM, or why the core refuses the configuration.
 */
int vgpu_pf_world_init(struct vgpu_pf *pf)
{
	struct vgpu_pf_world *world = &pf->world;
	const struct vgpu_sched_config config = {
		.functions = pf->functions,
		.save_ns = pf->cost_save_ns,
		.load_ns = pf->cost_load_ns,
		.reset_ns = pf->cost_reset_ns,
		.boundary = pf->boundary,
		.request_slack_ns = pf->deadlines ? 0 : WORLD_REQUEST_SLACK_NS,
		.overdue_slack_ns = WORLD_OVERDUE_SLACK_NS,
		.policy = vgpu_sched_policy_at(0),
	};
	int err;

	hrtimer_init(&world->overdue.timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	world->overdue.timer.function = vgpu_pf_world_overdue;
	hrtimer_init(&world->deadline.timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	world->deadline.timer.function = vgpu_pf_world_deadline;

	world->core = kvzalloc(vgpu_sched_size(pf->functions), GFP_KERNEL);
	if (!world->core)
		return -ENOMEM;
	err = drmm_add_action_or_reset(&pf->drm, vgpu_pf_world_free, world->core);
	if (err)
		return err;

	err = vgpu_sched_init(world->core, &config, &vgpu_pf_core_ops, pf, 0);
	if (err)
		return dev_err_probe(pf->drm.dev, err, "the scheduler does not start\n");
	return vgpu_pf_settings_init(pf);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The classic world switch, one command at a time.
 *
 *            arm: LOAD             LOADED: RUN             RUNNING
 *   EMPTY ------------> LOADING -------------> STARTING ------------> RUNNING
 *     ^                  ^   ^                                        |  |  ^
 *     |                  |   |               armed, and deadline,     |  +--+
 *     |                  |   |               idle or NOW: PREEMPT     |  renewed
 *     |            RESET |   | SAVED                     or BOUNDARY   v
 *     |      RESETTING --+   +------- SAVING <------------------- PREEMPTING
 *     |        |   ^                    |       QUIESCED: SAVE        |
 *     |  RESET |   |                    | SAVED                       |
 *     |        v   +--------------------|-----------------------------+
 *     +-----------------------------<---+                HANG
 *
 * The arrows into LOADING (with LOAD) are for a switch to somebody, those into
 * EMPTY for one to nobody. RUNNING, the renewal, and EMPTY complete the record;
 * so does NEXT that names nobody while the engine is empty.
 *
 * NEXT is taken when PREEMPT is given (or LOAD, on an empty engine), as by a
 * device that does it by itself; what is armed after that is for the switch
 * that follows. Whatever resets the old world (RESET by command, FLR, a SAVE that
 * was refused) brings the machine to where SAVED would have; from RUNNING it goes
 * on to what is armed, or else to EMPTY without a record. Whatever prevents the
 * new world from coming (the same, a LOAD that was refused) makes the switch one
 * to nobody.
 *
 * If it is BOUNDARY the world finishes its command buffer first; what is armed
 * meanwhile with NOW and without BOUNDARY ends that, by a PREEMPT beside it. There
 * is one answer to both, but if it was on its way already PREEMPT is refused.
 *
 * The timer is the deadline of the running world, and is only set while NEXT is
 * armed. Nothing here waits for anything but an event: whoever watches for
 * switches that do not come is the scheduling core.
 */
#include "vgpu_sequencer.h"

static void command(struct vgpu_sequencer *q, enum vgpu_world_cmd cmd,
		    u16 function, enum vgpu_sequencer_state state)
{
	q->state = state;
	q->ops->command(q->context, cmd, function);
}

static void set_timer(struct vgpu_sequencer *q, u64 when)
{
	q->timer = true;
	q->ops->set_timer(q->context, when);
}

static void cancel_timer(struct vgpu_sequencer *q)
{
	if (!q->timer)
		return;
	q->timer = false;
	q->ops->cancel_timer(q->context);
}

/* NEXT is taken: the switch begins, away from @from, because of @reason. */
static void take(struct vgpu_sequencer *q, u16 from, enum vgpu_leave reason,
		 u64 now)
{
	cancel_timer(q);
	q->armed = false;
	q->sw = (struct vgpu_sched_switch){
		.from = from,
		.to = q->next,
		.reason = reason,
		.deadline = q->has_deadline ? q->deadline : 0,
		.request = now,
		.quiesced = now,
		.saved = now,
	};
	q->quantum_ns = q->next_quantum_ns;
}

static void load(struct vgpu_sequencer *q)
{
	q->world = q->sw.to;
	command(q, VGPU_CMD_LOAD, q->world, VGPU_SEQUENCER_LOADING);
}

static bool deadline_passed(const struct vgpu_sequencer *q, u64 now)
{
	return q->has_deadline && now >= q->deadline;
}

/* The switch is due: take NEXT. */
static void preempt(struct vgpu_sequencer *q, u64 now)
{
	bool due = !q->now && !q->idle;

	take(q, q->world, due ? VGPU_LEAVE_DEADLINE : VGPU_LEAVE_PREEMPT, now);
	q->finishing = q->boundary && !q->idle;
	command(q, q->finishing ? VGPU_CMD_BOUNDARY : VGPU_CMD_PREEMPT, q->world,
		VGPU_SEQUENCER_PREEMPTING);
}

/* NEXT names who is on the engine, or nobody while it is empty, and is due. */
static bool stays(const struct vgpu_sequencer *q, u64 now)
{
	if (!q->armed || q->next != q->world)
		return false;
	return q->state == VGPU_SEQUENCER_EMPTY ||
	       (q->state == VGPU_SEQUENCER_RUNNING &&
		(q->now || q->idle || deadline_passed(q, now)));
}

/* Do with what is armed what the present state allows. */
static void kick(struct vgpu_sequencer *q, u64 now)
{
	if (!q->armed)
		return;
	if (q->state == VGPU_SEQUENCER_EMPTY) {
		q->has_deadline = false;
		if (q->next == VGPU_FUNCTION_NONE) {
			set_timer(q, now);	/* a record must not come from here */
			return;
		}
		take(q, VGPU_FUNCTION_NONE, VGPU_LEAVE_NONE, now);
		load(q);
	} else if (q->state == VGPU_SEQUENCER_RUNNING) {
		if (!q->now && !q->idle && !deadline_passed(q, now)) {
			if (q->has_deadline)
				set_timer(q, q->deadline);
			else
				cancel_timer(q);
		} else if (q->next == q->world) {
			set_timer(q, now);	/* a record must not come from here */
		} else {
			preempt(q, now);
		}
	} else if (q->state == VGPU_SEQUENCER_PREEMPTING && q->finishing && q->now &&
		   !q->boundary) {
		q->finishing = false;
		command(q, VGPU_CMD_PREEMPT, q->world, VGPU_SEQUENCER_PREEMPTING);
	}
}

/* The engine is in @state now; say so, and go on. */
static void complete(struct vgpu_sequencer *q, enum vgpu_sequencer_state state,
		     u64 now)
{
	struct vgpu_sched_switch sw = q->sw;

	q->state = state;
	q->world = sw.to;
	q->idle = q->idle && sw.reason == VGPU_LEAVE_RENEWED;
	q->has_deadline = q->quantum_ns && sw.to != VGPU_FUNCTION_NONE;
	q->deadline = sw.running + q->quantum_ns;
	q->ops->switched(q->context, &sw);
	kick(q, now);
}

/* The old world is saved or gone: on to the one that was taken. */
static void proceed(struct vgpu_sequencer *q, u64 saved, u64 now)
{
	q->sw.saved = saved;
	if (q->sw.to != VGPU_FUNCTION_NONE) {
		load(q);
		return;
	}
	q->sw.loaded = saved;
	q->sw.running = saved;
	complete(q, VGPU_SEQUENCER_EMPTY, now);
}

/* The world being loaded is lost; the one that left for it has left. */
static void lose_new_world(struct vgpu_sequencer *q, u64 now)
{
	q->sw.to = VGPU_FUNCTION_NONE;
	q->sw.loaded = now;
	q->sw.running = now;
	complete(q, VGPU_SEQUENCER_EMPTY, now);
}

/**
 * vgpu_sequencer_init() - make a sequencer for an empty engine
 * @q: the sequencer
 * @ops: kept; all of them are needed
 * @context: first argument of @ops
 *
 * Also to be called together with vgpu_sched_restart().
 */
void vgpu_sequencer_init(struct vgpu_sequencer *q,
			 const struct vgpu_sequencer_ops *ops, void *context)
{
	memset(q, 0, sizeof(*q));
	q->ops = ops;
	q->context = context;
	q->state = VGPU_SEQUENCER_EMPTY;
	q->world = VGPU_FUNCTION_NONE;
	q->next = VGPU_FUNCTION_NONE;
}

/**
 * vgpu_sequencer_arm() - as a write of VGPU_PF_NEXT with VALID
 * @q: the sequencer
 * @function: FUNCTION, may be VGPU_FUNCTION_NONE
 * @quantum_ns: QUANTUM, 0 for no deadline
 * @flags: NOW and BOUNDARY, as VGPU_SCHED_ARM_*
 * @now: device time
 */
void vgpu_sequencer_arm(struct vgpu_sequencer *q, u16 function, u64 quantum_ns,
			u32 flags, u64 now)
{
	q->armed = true;
	q->next = function;
	q->next_quantum_ns = quantum_ns;
	q->now = flags & VGPU_SCHED_ARM_NOW;
	q->boundary = flags & VGPU_SCHED_ARM_BOUNDARY;
	kick(q, now);
}

/**
 * vgpu_sequencer_disarm() - as a write of VGPU_PF_NEXT without VALID
 * @q: the sequencer
 */
void vgpu_sequencer_disarm(struct vgpu_sequencer *q)
{
	q->armed = false;
	cancel_timer(q);
}

/**
 * vgpu_sequencer_timer() - the time asked for by ops->set_timer() has come
 * @q: the sequencer
 * @now: device time; if it is too early the timer is set again
 */
void vgpu_sequencer_timer(struct vgpu_sequencer *q, u64 now)
{
	q->timer = false;
	if (!stays(q, now)) {
		kick(q, now);
		return;
	}
	take(q, q->world, q->state == VGPU_SEQUENCER_EMPTY ? VGPU_LEAVE_NONE :
						     VGPU_LEAVE_RENEWED, now);
	q->sw.loaded = now;
	q->sw.running = now;
	complete(q, q->state, now);
}

static void quiesced(struct vgpu_sequencer *q,
		     const struct vgpu_sequencer_event *e)
{
	if (e->info == VGPU_LEAVE_IDLE)
		q->sw.reason = VGPU_LEAVE_IDLE;
	q->sw.request = e->request;
	q->sw.quiesced = e->when;
	command(q, VGPU_CMD_SAVE, q->world, VGPU_SEQUENCER_SAVING);
}

static void hang(struct vgpu_sequencer *q, const struct vgpu_sequencer_event *e,
		 u64 now)
{
	q->state = VGPU_SEQUENCER_RESETTING;
	q->sw.reason = VGPU_LEAVE_HANG;
	q->sw.request = e->request;
	q->sw.quiesced = max(now, e->request);
}

static void loaded(struct vgpu_sequencer *q,
		   const struct vgpu_sequencer_event *e)
{
	q->sw.loaded = e->when;
	command(q, VGPU_CMD_RUN, q->world, VGPU_SEQUENCER_STARTING);
}

static void running(struct vgpu_sequencer *q,
		    const struct vgpu_sequencer_event *e, u64 now)
{
	/* Where the clock was only estimated it may have been ahead. */
	if (q->sw.from == VGPU_FUNCTION_NONE || q->sw.reason == VGPU_LEAVE_RESET ||
	    q->sw.reason == VGPU_LEAVE_HANG) {
		q->sw.saved = min(q->sw.saved, q->sw.loaded);
		q->sw.quiesced = min(q->sw.quiesced, q->sw.saved);
		q->sw.request = min(q->sw.request, q->sw.quiesced);
	}
	q->sw.running = e->when;
	complete(q, VGPU_SEQUENCER_RUNNING, now);
}

/* The world on the engine is gone, at @when, by a reset of whatever kind. */
static void reset(struct vgpu_sequencer *q, u64 when, u64 now)
{
	switch (q->state) {
	case VGPU_SEQUENCER_EMPTY:
		break;
	case VGPU_SEQUENCER_RUNNING:
		q->state = VGPU_SEQUENCER_EMPTY;
		q->idle = false;
		if (q->armed) {
			take(q, q->world, VGPU_LEAVE_RESET, when);
			proceed(q, when, now);
		} else {
			q->world = VGPU_FUNCTION_NONE;
		}
		break;
	case VGPU_SEQUENCER_PREEMPTING:
		q->sw.reason = VGPU_LEAVE_RESET;
		q->sw.request = min(q->sw.request, when);
		q->sw.quiesced = when;
		proceed(q, when, now);
		break;
	case VGPU_SEQUENCER_SAVING:
		q->sw.reason = VGPU_LEAVE_RESET;
		proceed(q, max(q->sw.quiesced, when), now);
		break;
	case VGPU_SEQUENCER_RESETTING:
		q->sw.quiesced = min(q->sw.quiesced, when);
		proceed(q, when, now);
		break;
	case VGPU_SEQUENCER_LOADING:
	case VGPU_SEQUENCER_STARTING:
		lose_new_world(q, when);
		break;
	}
}

/* A command was refused: is it one that we wait for? */
static void refused(struct vgpu_sequencer *q,
		    const struct vgpu_sequencer_event *e, u64 now)
{
	if (q->state == VGPU_SEQUENCER_LOADING && e->detail == VGPU_CMD_LOAD)
		lose_new_world(q, now);
	else if (q->state == VGPU_SEQUENCER_SAVING &&
		 e->detail == VGPU_CMD_SAVE && e->info == VGPU_REFUSED_BAD_IMAGE)
		reset(q, now, now);
	else if (q->state == VGPU_SEQUENCER_PREEMPTING || e->detail != VGPU_CMD_PREEMPT)
		q->strange++;
}

/* The world of @function does not exist any more: it must not be loaded. */
static void forget(struct vgpu_sequencer *q, u16 function)
{
	if (q->armed && q->next == function)
		vgpu_sequencer_disarm(q);
	if (q->state != VGPU_SEQUENCER_EMPTY && q->world != function &&
	    q->sw.to == function)
		q->sw.to = VGPU_FUNCTION_NONE;
}

static bool expects(const struct vgpu_sequencer *q, u8 state, u16 function)
{
	return q->state == state && q->world == function;
}

/**
 * vgpu_sequencer_event() - the device has said something
 * @q: the sequencer
 * @e: what
 * @now: device time
 *
 * Feed it after the core had the same event: so what the core arms because of
 * it is known here when the switch goes on. An answer that is not awaited is
 * counted and ignored.
 */
void vgpu_sequencer_event(struct vgpu_sequencer *q,
			  const struct vgpu_sequencer_event *e, u64 now)
{
	static const u8 awaited_in[] = {
		[VGPU_EVENT_QUIESCED]	= VGPU_SEQUENCER_PREEMPTING,
		[VGPU_EVENT_SAVED]	= VGPU_SEQUENCER_SAVING,
		[VGPU_EVENT_LOADED]	= VGPU_SEQUENCER_LOADING,
		[VGPU_EVENT_RUNNING]	= VGPU_SEQUENCER_STARTING,
		[VGPU_EVENT_IDLE]	= VGPU_SEQUENCER_RUNNING,
		[VGPU_EVENT_RUNNABLE]	= VGPU_SEQUENCER_RUNNING,
		[VGPU_EVENT_HANG]	= VGPU_SEQUENCER_PREEMPTING,
	};
	bool ours = e->function == q->world && q->state != VGPU_SEQUENCER_EMPTY;

	if ((unsigned int)e->type < ARRAY_SIZE(awaited_in) && awaited_in[e->type] &&
	    !expects(q, awaited_in[e->type], e->function)) {
		q->strange += e->type < VGPU_EVENT_RESET;
		return;
	}

	switch (e->type) {
	case VGPU_EVENT_QUIESCED:
		quiesced(q, e);
		break;
	case VGPU_EVENT_SAVED:
		proceed(q, e->when, now);
		break;
	case VGPU_EVENT_LOADED:
		loaded(q, e);
		break;
	case VGPU_EVENT_RUNNING:
		running(q, e, now);
		break;
	case VGPU_EVENT_IDLE:
		q->idle = true;
		kick(q, now);
		break;
	case VGPU_EVENT_RUNNABLE:
		q->idle = false;
		break;
	case VGPU_EVENT_HANG:
		hang(q, e, now);
		break;
	case VGPU_EVENT_FLR:
		forget(q, e->function);
		if (ours)
			reset(q, now, now);
		break;
	case VGPU_EVENT_RESET:
		forget(q, e->function);
		if (ours)
			reset(q, e->when, now);
		break;
	case VGPU_EVENT_REFUSED:
		if (ours)
			refused(q, e, now);
		break;
	default:
		break;
	}
}

/**
 * vgpu_sequencer_world() - whose world the sequencer has on the engine
 * @q: the sequencer
 *
 * Return: the function, also while it is leaving or being loaded, or
 * VGPU_FUNCTION_NONE.
 */
u16 vgpu_sequencer_world(const struct vgpu_sequencer *q)
{
	return q->world;
}

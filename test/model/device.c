// SPDX-License-Identifier: GPL-2.0-only
#include "device.h"

static bool take(struct device *d, bool vacated);

void device_init(struct device *d, unsigned int functions, u64 now)
{
	*d = (struct device){
		.now = now,
		.functions = functions,
		.world = VGPU_FUNCTION_NONE,
		.next = VGPU_FUNCTION_NONE,
	};
}

/* ------------------------------------------------------------------------ */
/* Event queue                                                               */

static void post(struct device *d, struct device_record record)
{
	if (d->lost) {
		d->lost = false;
		post(d, (struct device_record){ .type = VGPU_EVENT_LOST,
						.function = VGPU_FUNCTION_NONE });
	}
	d->queue[d->records++] = record;
}

static void answer(struct device *d, enum vgpu_event_type type, u16 function,
		   u32 info, u32 detail, const struct vgpu_sched_switch *sw)
{
	struct device_record record = {
		.type = type, .function = function, .info = info, .detail = detail,
	};

	if (d->lose && type != VGPU_EVENT_REFUSED && type != VGPU_EVENT_INITIALISED) {
		d->lose = false;
		d->lost = !d->vanish;
		d->vanish = false;
		return;
	}
	if (sw)
		record.sw = *sw;
	post(d, record);
}

static bool is_in_queue(const struct device *d, enum vgpu_event_type type,
			u16 function)
{
	unsigned int i;

	for (i = 0; i < d->records; i++)
		if (d->queue[i].type == type && d->queue[i].function == function)
			return true;
	return false;
}

bool device_runnable(const struct device *d, u16 function)
{
	const struct device_function *fn = &d->fn[function];

	return fn->open && !fn->flr && fn->work;
}

/* One record of a kind and function at a time. True if there is something left. */
static bool tell_once(struct device *d, enum vgpu_event_type type, u16 function,
		      u64 request)
{
	struct device_record record = {
		.type = type, .function = function, .sw.request = request,
	};

	if (is_in_queue(d, type, function))
		return true;
	post(d, record);
	return false;
}

static bool leaves_idle(const struct device *d, u16 function)
{
	return d->automatic && d->sw.from == function &&
	       d->sw.reason == VGPU_LEAVE_IDLE;
}

static void tell(struct device *d, u16 function)
{
	struct device_function *fn = &d->fn[function];

	if (fn->owes_flr)
		fn->owes_flr = tell_once(d, VGPU_EVENT_FLR, function, 0);
	if (fn->owes_hang)
		fn->owes_hang = tell_once(d, VGPU_EVENT_HANG, function, fn->asked);
	if (fn->truth != fn->told && !leaves_idle(d, function) &&
	    !tell_once(d, fn->truth ? VGPU_EVENT_RUNNABLE : VGPU_EVENT_IDLE,
		       function, fn->since))
		fn->told = fn->truth;
}

/* It may have got or lost work. */
static void look(struct device *d, u16 function)
{
	struct device_function *fn = &d->fn[function];
	bool truth = device_runnable(d, function);

	if (leaves_idle(d, function))
		return;
	if (truth != fn->truth)
		fn->since = d->now;
	fn->truth = truth;
	tell(d, function);
}

static void told_idle(struct device *d, u16 function)
{
	d->fn[function].truth = false;
	d->fn[function].told = false;
}

bool device_take(struct device *d, struct device_record *record)
{
	if (!d->records)
		return false;
	*record = d->queue[0];
	d->records--;
	memmove(&d->queue[0], &d->queue[1], d->records * sizeof(d->queue[0]));
	memset(&d->queue[d->records], 0, sizeof(d->queue[0]));
	return true;
}

static bool can_tell(const struct device *d, u16 f)
{
	const struct device_function *fn = &d->fn[f];
	enum vgpu_event_type type = fn->truth ? VGPU_EVENT_RUNNABLE : VGPU_EVENT_IDLE;

	return (fn->owes_flr && !is_in_queue(d, VGPU_EVENT_FLR, f)) ||
	       (fn->owes_hang && !is_in_queue(d, VGPU_EVENT_HANG, f)) ||
	       (fn->truth != fn->told && !leaves_idle(d, f) &&
		!is_in_queue(d, type, f));
}

/* Is there something that could not be told before, and can be now? */
bool device_remembers(const struct device *d)
{
	u16 f;

	for (f = 0; f < d->functions; f++)
		if (can_tell(d, f))
			return true;
	return d->lost;
}

void device_tell(struct device *d)
{
	u16 f;

	if (d->lost) {
		d->lost = false;
		post(d, (struct device_record){ .type = VGPU_EVENT_LOST,
						.function = VGPU_FUNCTION_NONE });
	}
	for (f = 0; f < d->functions; f++)
		tell(d, f);
}

/* ------------------------------------------------------------------------ */
/* Engine                                                                    */

static void enter(struct device *d, enum vgpu_engine_state state)
{
	d->state = state;
	d->late = 0;
	d->finishing = false;
	d->jammed = false;
	if (state == VGPU_ENGINE_EMPTY)
		d->world = VGPU_FUNCTION_NONE;
	if (state != VGPU_ENGINE_RUNNING) {
		d->deadline = 0;
		d->passed = false;
	}
}

static bool has_engine(const struct device *d)
{
	return d->state == VGPU_ENGINE_RUNNING || d->state == VGPU_ENGINE_QUIESCING;
}

static bool is_idle(const struct device *d)
{
	return !device_runnable(d, d->world);
}

static void refuse(struct device *d, u16 function, u32 detail, u32 why)
{
	answer(d, VGPU_EVENT_REFUSED, function, why, detail, NULL);
}

static void lose_world(struct device *d, u16 function, enum vgpu_world_state world)
{
	struct device_function *fn = &d->fn[function];

	fn->world = world;
	fn->work = false;
	fn->stuck = false;
	fn->spoilt = false;
	look(d, function);
}

static void run(struct device *d, u64 quantum)
{
	enter(d, VGPU_ENGINE_RUNNING);
	d->deadline = quantum ? d->now + quantum : 0;
}

static void finish_switch(struct device *d)
{
	struct vgpu_sched_switch sw = d->sw;

	sw.running = d->now;
	d->automatic = false;
	d->quantum = 0;
	d->sw = (struct vgpu_sched_switch){ 0 };
	if (!(d->to_lost && sw.from == VGPU_FUNCTION_NONE))
		answer(d, VGPU_EVENT_SWITCHED, sw.from, sw.reason, sw.to, &sw);
	d->to_lost = false;
	if (sw.from != VGPU_FUNCTION_NONE) {
		if (sw.reason == VGPU_LEAVE_IDLE)
			told_idle(d, sw.from);
		look(d, sw.from);
	}
	take(d, false);
}

static void lose_new_world(struct device *d)
{
	enter(d, VGPU_ENGINE_EMPTY);
	d->sw.to = VGPU_FUNCTION_NONE;
	d->to_lost = true;
	d->sw.loaded = d->now;
	finish_switch(d);
}

static u32 loadable(const struct device *d, u16 function)
{
	const struct device_function *fn = &d->fn[function];

	if (!fn->open || fn->flr)
		return VGPU_REFUSED_CLOSED;
	return fn->world == VGPU_WORLD_SAVED ? 0 : VGPU_REFUSED_NO_IMAGE;
}

static void load(struct device *d, u16 function)
{
	if (d->world != VGPU_FUNCTION_NONE)
		d->two_worlds = true;
	d->world = function;
	d->fn[function].world = VGPU_WORLD_ON_ENGINE;
	enter(d, VGPU_ENGINE_LOADING);
}

/* The old world is off the engine: the second half of a switch by itself. */
static void load_new_world(struct device *d)
{
	u32 why;

	d->sw.saved = d->now;
	enter(d, VGPU_ENGINE_EMPTY);
	if (d->sw.to == VGPU_FUNCTION_NONE) {
		d->sw.loaded = d->now;
		finish_switch(d);
		return;
	}
	why = loadable(d, d->sw.to);
	if (why) {
		refuse(d, d->sw.to, VGPU_DETAIL_NEXT, why);
		lose_new_world(d);
		return;
	}
	load(d, d->sw.to);
}

static void quiesced(struct device *d)
{
	u16 function = d->world;

	d->sw.quiesced = d->now;
	if (d->automatic) {
		enter(d, VGPU_ENGINE_SAVING);
		return;
	}
	enter(d, VGPU_ENGINE_QUIESCED);
	answer(d, VGPU_EVENT_QUIESCED, function, d->sw.reason, 0, &d->sw);
	if (d->sw.reason == VGPU_LEAVE_IDLE)
		told_idle(d, function);
	look(d, function);
	d->sw = (struct vgpu_sched_switch){ 0 };
}

static void request(struct device *d, bool boundary)
{
	d->sw.request = d->now;
	enter(d, VGPU_ENGINE_QUIESCING);
	d->finishing = boundary;
	if (is_idle(d))
		quiesced(d);
}

/* It is preempted in the middle after all, and has its timeout anew. */
static void stop_finishing(struct device *d)
{
	d->finishing = false;
	d->late = 0;
}

static void begin_reset(struct device *d, enum vgpu_leave leave)
{
	struct vgpu_sched_switch *sw = &d->sw;
	bool stopped = !has_engine(d);

	if (!d->automatic)
		*sw = (struct vgpu_sched_switch){
			.from = d->world,
			.request = d->state == VGPU_ENGINE_QUIESCING ?
				   sw->request : d->now,
			.deadline = d->deadline,
		};
	if (sw->from == d->world) {
		sw->reason = leave;
		if (!stopped || !d->automatic)
			sw->quiesced = d->now;
	}
	enter(d, VGPU_ENGINE_RESETTING);
	lose_world(d, d->world, leave == VGPU_LEAVE_HANG ? VGPU_WORLD_HUNG :
							    VGPU_WORLD_NONE);
}

static void save_ends(struct device *d)
{
	u16 function = d->world;

	d->fn[function].world = VGPU_WORLD_SAVED;
	if (d->automatic) {
		load_new_world(d);
		return;
	}
	enter(d, VGPU_ENGINE_EMPTY);
	answer(d, VGPU_EVENT_SAVED, function, 0, 0,
	       &(struct vgpu_sched_switch){ .saved = d->now });
	take(d, false);
}

static void load_ends(struct device *d)
{
	u16 function = d->world;

	d->sw.loaded = d->now;
	if (d->fn[function].spoilt) {
		refuse(d, function, d->automatic ? VGPU_DETAIL_NEXT : VGPU_CMD_LOAD,
		       VGPU_REFUSED_BAD_IMAGE);
		enter(d, VGPU_ENGINE_EMPTY);
		lose_world(d, function, VGPU_WORLD_NONE);
		if (d->automatic)
			lose_new_world(d);
		else
			take(d, false);
		return;
	}
	if (d->automatic) {
		run(d, d->quantum);
		finish_switch(d);
		return;
	}
	enter(d, VGPU_ENGINE_LOADED);
	answer(d, VGPU_EVENT_LOADED, function, 0, 0,
	       &(struct vgpu_sched_switch){ .loaded = d->now });
	d->sw = (struct vgpu_sched_switch){ 0 };
}

static void answer_reset(struct device *d, u16 function)
{
	answer(d, VGPU_EVENT_RESET, function, 0, 0,
	       &(struct vgpu_sched_switch){ .quiesced = d->now });
}

static void reset_ends(struct device *d)
{
	u16 function = d->world;
	bool commanded = d->reset_answer;

	d->reset_answer = false;
	enter(d, VGPU_ENGINE_EMPTY);
	if (commanded)
		answer_reset(d, function);
	if (!d->automatic) {
		d->sw.saved = d->now;
		if (!take(d, true) && !commanded)
			answer_reset(d, function);
	} else if (d->sw.from == function) {
		load_new_world(d);
	} else {
		lose_new_world(d);
	}
}

/* ------------------------------------------------------------------------ */
/* NEXT                                                                      */

static void renew(struct device *d)
{
	struct vgpu_sched_switch sw = {
		.from = d->world, .to = d->world, .reason = VGPU_LEAVE_RENEWED,
		.deadline = d->deadline, .request = d->now, .quiesced = d->now,
		.saved = d->now, .loaded = d->now, .running = d->now,
	};

	d->deadline = d->next_quantum ? d->now + d->next_quantum : 0;
	d->passed = false;
	answer(d, VGPU_EVENT_SWITCHED, d->world, VGPU_LEAVE_RENEWED, d->world, &sw);
	look(d, d->world);
}

static void leave_empty(struct device *d, bool vacated)
{
	d->automatic = true;
	if (!vacated)
		d->sw = (struct vgpu_sched_switch){
			.from = VGPU_FUNCTION_NONE,
			.request = d->now, .quiesced = d->now,
		};
	d->sw.to = d->next;
	d->to_lost = false;
	d->quantum = d->next_quantum;
	load_new_world(d);
}

static void leave_running(struct device *d)
{
	d->automatic = true;
	d->to_lost = false;
	d->quantum = d->next_quantum;
	d->sw = (struct vgpu_sched_switch){
		.from = d->world, .to = d->next,
		.reason = is_idle(d) ? VGPU_LEAVE_IDLE :
			  d->passed ? VGPU_LEAVE_DEADLINE : VGPU_LEAVE_PREEMPT,
		.deadline = d->deadline,
	};
	request(d, d->next_boundary);
}

/* Takes NEXT if its time has come; false if nothing came of it. */
static bool take(struct device *d, bool vacated)
{
	bool empty = d->state == VGPU_ENGINE_EMPTY;
	bool due = d->state == VGPU_ENGINE_RUNNING &&
		   (is_idle(d) || d->passed || d->next_now);
	u32 why = 0;

	if (!d->armed || d->automatic || !(empty || due))
		return false;
	d->armed = false;
	d->next_now = false;
	if (d->next != VGPU_FUNCTION_NONE && d->next != d->world)
		why = loadable(d, d->next);
	if (why)
		refuse(d, d->next, VGPU_DETAIL_NEXT, why);
	else if (empty)
		leave_empty(d, vacated);
	else if (d->next == d->world)
		renew(d);
	else
		leave_running(d);
	return !why;
}

static u32 next_refused(const struct device *d, u16 function)
{
	const struct device_function *fn;

	if (function == VGPU_FUNCTION_NONE)
		return 0;
	if (function >= d->functions)
		return VGPU_REFUSED_FUNCTION;
	fn = &d->fn[function];
	if (!fn->open || fn->flr)
		return VGPU_REFUSED_CLOSED;
	if (fn->world == VGPU_WORLD_SAVED || (fn->world == VGPU_WORLD_ON_ENGINE &&
					      d->state != VGPU_ENGINE_RESETTING))
		return 0;
	return VGPU_REFUSED_NO_IMAGE;
}

static void disarm(struct device *d)
{
	d->armed = false;
	d->next_now = false;
	d->next_boundary = false;
	d->next = VGPU_FUNCTION_NONE;
	d->next_quantum = 0;
}

void device_next(struct device *d, bool valid, u16 function, u64 quantum, u32 flags)
{
	u32 why;

	if (!valid) {
		disarm(d);
		return;
	}
	why = next_refused(d, function);
	if (why) {
		refuse(d, function, VGPU_DETAIL_NEXT, why);
		return;
	}
	d->armed = true;
	d->next = function;
	d->next_quantum = quantum;
	d->next_now = flags & VGPU_SCHED_ARM_NOW;
	d->next_boundary = flags & VGPU_SCHED_ARM_BOUNDARY;
	if (d->automatic && d->finishing && d->next_now && !d->next_boundary)
		stop_finishing(d);
	take(d, false);
}

/* ------------------------------------------------------------------------ */
/* Single commands                                                           */

static bool is_on_engine(const struct device *d, u16 function,
			 enum vgpu_engine_state state)
{
	return d->world == function && d->state == state && !d->automatic;
}

static u32 do_init(struct device *d, u16 function)
{
	if (d->world == function) {
		d->init_refused = true;
		return VGPU_REFUSED_STATE;
	}
	d->fn[function].world = VGPU_WORLD_SAVED;
	answer(d, VGPU_EVENT_INITIALISED, function, 0, 0, NULL);
	return 0;
}

static u32 do_reset(struct device *d, u16 function)
{
	if (d->world != function) {
		lose_world(d, function, VGPU_WORLD_NONE);
		answer_reset(d, function);
		return 0;
	}
	if (d->state == VGPU_ENGINE_RESETTING)
		return VGPU_REFUSED_STATE;
	d->reset_answer = true;
	begin_reset(d, VGPU_LEAVE_RESET);
	return 0;
}

static u32 do_load(struct device *d, u16 function)
{
	if (d->state != VGPU_ENGINE_EMPTY) {
		d->two_worlds = true;
		return VGPU_REFUSED_STATE;
	}
	if (d->automatic)
		return VGPU_REFUSED_STATE;
	if (!loadable(d, function))
		load(d, function);
	else
		return loadable(d, function);
	return 0;
}

/* PREEMPT or BOUNDARY. */
static u32 do_preempt(struct device *d, u16 function, bool boundary)
{
	if (is_on_engine(d, function, VGPU_ENGINE_QUIESCING) && d->finishing &&
	    !boundary) {
		stop_finishing(d);
		return 0;
	}
	if (!is_on_engine(d, function, VGPU_ENGINE_RUNNING))
		return VGPU_REFUSED_STATE;
	d->sw = (struct vgpu_sched_switch){
		.from = function,
		.reason = is_idle(d) ? VGPU_LEAVE_IDLE : VGPU_LEAVE_PREEMPT,
	};
	request(d, boundary);
	return 0;
}

static u32 command(struct device *d, enum vgpu_world_cmd cmd, u16 function)
{
	switch (cmd) {
	case VGPU_CMD_INIT:
		return do_init(d, function);
	case VGPU_CMD_RESET:
		return do_reset(d, function);
	case VGPU_CMD_PREEMPT:
		return do_preempt(d, function, false);
	case VGPU_CMD_BOUNDARY:
		return do_preempt(d, function, true);
	case VGPU_CMD_SAVE:
		if (!is_on_engine(d, function, VGPU_ENGINE_QUIESCED))
			return VGPU_REFUSED_STATE;
		enter(d, VGPU_ENGINE_SAVING);
		return 0;
	case VGPU_CMD_LOAD:
		return do_load(d, function);
	case VGPU_CMD_RUN:
		if (!is_on_engine(d, function, VGPU_ENGINE_LOADED) &&
		    !is_on_engine(d, function, VGPU_ENGINE_QUIESCED))
			return VGPU_REFUSED_STATE;
		if (!d->fn[function].open || d->fn[function].flr)
			return VGPU_REFUSED_CLOSED;
		run(d, 0);
		answer(d, VGPU_EVENT_RUNNING, function, 0, 0,
		       &(struct vgpu_sched_switch){ .running = d->now });
		look(d, function);
		take(d, false);
		return 0;
	}
	return VGPU_REFUSED_COMMAND;
}

void device_command(struct device *d, enum vgpu_world_cmd cmd, u16 function)
{
	u32 why = command(d, cmd, function);

	/* PREEMPT may find that BOUNDARY, which it was to cut short, has ended. */
	d->refused_state |= why == VGPU_REFUSED_STATE &&
			    !(cmd == VGPU_CMD_PREEMPT && d->world == function);
	if (why)
		refuse(d, function, cmd, why);
}

/* The world on the engine may have got or lost work: NEXT may be due. */
static void work_changed(struct device *d, u16 function)
{
	if (d->world == function && d->state == VGPU_ENGINE_QUIESCING &&
	    is_idle(d))
		quiesced(d);
	else if (d->world == function)
		take(d, false);
	look(d, function);
}

void device_open(struct device *d, u16 function, bool open)
{
	d->fn[function].open = open;
	work_changed(d, function);
}

void device_flr_ack(struct device *d, u16 function)
{
	d->fn[function].flr = false;
	work_changed(d, function);
}

/* ------------------------------------------------------------------------ */
/* What can happen                                                           */

bool device_can_stop(const struct device *d)
{
	return d->state == VGPU_ENGINE_QUIESCING && !d->fn[d->world].stuck;
}

void device_stop(struct device *d)
{
	quiesced(d);
}

bool device_can_end(const struct device *d)
{
	return !d->jammed && (d->state == VGPU_ENGINE_SAVING ||
			      d->state == VGPU_ENGINE_LOADING ||
			      d->state == VGPU_ENGINE_RESETTING);
}

void device_end(struct device *d)
{
	if (d->state == VGPU_ENGINE_SAVING)
		save_ends(d);
	else if (d->state == VGPU_ENGINE_LOADING)
		load_ends(d);
	else
		reset_ends(d);
}

bool device_can_finish(const struct device *d)
{
	return has_engine(d) && !is_idle(d) && !d->fn[d->world].stuck;
}

void device_finish(struct device *d)
{
	u16 function = d->world;

	d->fn[function].work = false;
	work_changed(d, function);
}

void device_work(struct device *d, u16 function)
{
	d->fn[function].work = true;
	look(d, function);
}

static void gone_from_engine(struct device *d)
{
	bool counted = has_engine(d);

	d->reset_answer = false;
	if (!d->automatic) {
		d->sw = (struct vgpu_sched_switch){
			.from = d->world, .reason = VGPU_LEAVE_RESET,
			.deadline = d->deadline, .request = d->now,
			.quiesced = d->now, .saved = d->now,
		};
		enter(d, VGPU_ENGINE_EMPTY);
		take(d, true);
	} else if (d->sw.from == d->world) {
		d->sw.reason = VGPU_LEAVE_RESET;
		if (counted)
			d->sw.quiesced = d->now;
		load_new_world(d);
	} else {
		lose_new_world(d);
	}
}

void device_flr(struct device *d, u16 function)
{
	struct device_function *fn = &d->fn[function];

	fn->flr = true;
	fn->work = false;
	fn->stuck = false;
	fn->spoilt = false;
	fn->world = VGPU_WORLD_NONE;
	told_idle(d, function);
	fn->owes_flr = true;
	tell(d, function);
	if (d->armed && d->next == function)
		disarm(d);
	if (d->world == function) {
		gone_from_engine(d);
	} else if (d->automatic && d->sw.to == function) {
		d->sw.to = VGPU_FUNCTION_NONE;
		d->to_lost = true;
	}
}

static void hang(struct device *d)
{
	struct device_function *fn = &d->fn[d->world];

	fn->owes_hang = true;
	fn->asked = d->sw.request;
	tell(d, d->world);
	begin_reset(d, VGPU_LEAVE_HANG);
}

/* What may take up to a tick has taken one: it ends before the next. */
bool device_must_move(const struct device *d)
{
	return d->late && (device_can_end(d) || device_can_stop(d));
}

void device_tick(struct device *d)
{
	unsigned int i;

	d->now += TICK;
	for (i = 0; i < d->records; i++)
		d->queue[i].age++;
	if (d->state != VGPU_ENGINE_EMPTY && d->state != VGPU_ENGINE_RUNNING &&
	    d->late < DEVICE_TIMEOUT)
		d->late++;
	if (d->state == VGPU_ENGINE_QUIESCING && d->late == DEVICE_TIMEOUT) {
		if (d->finishing)
			stop_finishing(d);
		else
			hang(d);
	} else if (d->state == VGPU_ENGINE_RUNNING && d->deadline &&
		   d->now >= d->deadline && !d->passed) {
		d->passed = true;
		take(d, false);
	}
}

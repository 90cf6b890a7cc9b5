// SPDX-License-Identifier: GPL-2.0-only
#include <assert.h>
#include "model.h"

static void take(struct model *m);

void model_init(struct model *m, unsigned int functions)
{
	unsigned int i;

	*m = (struct model){
		.functions = functions,
		.save_ns = 150000,
		.load_ns = 150000,
		.reset_ns = 1000000,
		.now = 1,
		.world = VGPU_FUNCTION_NONE,
		.phase_end = MODEL_NEVER,
		.stop_at = MODEL_NEVER,
		.timeout_at = MODEL_NEVER,
		.retry_at = MODEL_NEVER,
		.boundary_at = MODEL_NEVER,
	};
	for (i = 0; i < functions; i++)
		m->fn[i].group = 20000;
}

/* ------------------------------------------------------------------------ */
/* Event queue                                                               */

static void post(struct model *m, struct model_event event)
{
	assert(m->posted - m->taken < MODEL_QUEUE);
	m->queue[m->posted++ % MODEL_QUEUE] = event;
	if (event.function < m->functions)
		m->fn[event.function].pending[event.type]++;
}

static void answer(struct model *m, struct model_event event)
{
	if (!m->lose) {
		post(m, event);
		return;
	}
	m->lose--;
	m->lost++;
	if (!m->lose_silently)
		post(m, (struct model_event){ .type = VGPU_EVENT_LOST,
					      .function = VGPU_FUNCTION_NONE,
					      .detail = 1 });
}

static void answer_times(struct model *m, enum vgpu_event_type type,
			 u16 function, u32 info)
{
	answer(m, (struct model_event){ .type = type, .function = function,
					.info = info, .sw = m->sw });
}

static void refuse(struct model *m, u16 function, u32 detail, u32 why)
{
	post(m, (struct model_event){ .type = VGPU_EVENT_REFUSED,
				      .function = function, .info = why,
				      .detail = detail });
}

bool model_take(struct model *m, struct model_event *event)
{
	if (m->taken == m->posted)
		return false;
	*event = m->queue[m->taken++ % MODEL_QUEUE];
	if (event->function < m->functions)
		m->fn[event->function].pending[event->type]--;
	return true;
}

static bool has_work(const struct model *m, u16 function)
{
	return m->fn[function].open && !m->fn[function].flr &&
	       m->fn[function].work;
}

/* RUNNABLE or IDLE, if the driver believes otherwise. */
static void tell(struct model *m, u16 function)
{
	struct model_function *fn = &m->fn[function];
	bool truth = has_work(m, function);
	enum vgpu_event_type type = truth ? VGPU_EVENT_RUNNABLE : VGPU_EVENT_IDLE;

	if (truth == fn->told)
		return;
	if (m->automatic && m->sw.from == function &&
	    m->sw.reason == VGPU_LEAVE_IDLE)
		return;
	if (fn->pending[type]) {
		m->retry_at = m->now + VGPU_EVENT_RETRY_NS;
		return;
	}
	fn->told = truth;
	post(m, (struct model_event){ .type = type, .function = function,
				      .sw.request = fn->since });
}

/* ------------------------------------------------------------------------ */
/* Engine                                                                    */

static bool has_engine(const struct model *m)
{
	return m->state == VGPU_ENGINE_RUNNING || m->state == VGPU_ENGINE_QUIESCING;
}

u64 model_gpu_time(const struct model *m, u16 function)
{
	u64 time = m->fn[function].gpu_time;

	if (m->world == function && has_engine(m))
		time += m->now - m->running_since;
	return time;
}

/* What is left to do, also in the middle of a slice. */
u64 model_work_left(const struct model *m, u16 function)
{
	u64 work = m->fn[function].work;

	if (m->world != function || !has_engine(m) || m->idle ||
	    m->fn[function].stuck)
		return work;
	return work - min(work, m->now - m->worked_until);
}

static void enter(struct model *m, enum vgpu_engine_state state, u64 end)
{
	if (has_engine(m) && state != VGPU_ENGINE_QUIESCING)
		m->fn[m->world].gpu_time = model_gpu_time(m, m->world);
	m->state = state;
	m->phase_end = end;
	m->stop_at = MODEL_NEVER;
	m->timeout_at = MODEL_NEVER;
	m->boundary_at = MODEL_NEVER;
	m->finishing = false;
	if (state == VGPU_ENGINE_EMPTY)
		m->world = VGPU_FUNCTION_NONE;
	if (m->stuck_phase && (state == VGPU_ENGINE_SAVING ||
			       state == VGPU_ENGINE_LOADING)) {
		m->stuck_phase = false;
		m->phase_end = MODEL_NEVER;
	}
}

static void run(struct model *m, u64 quantum)
{
	enter(m, VGPU_ENGINE_RUNNING, MODEL_NEVER);
	m->running_since = m->now;
	m->worked_until = m->now;
	m->deadline = quantum ? m->now + quantum : 0;
	m->passed = false;
	m->idle = !has_work(m, m->world);
	m->fn[m->world].starts++;
}

static void finish_switch(struct model *m)
{
	u16 from = m->sw.from;
	bool idle = m->sw.reason == VGPU_LEAVE_IDLE;
	bool silent;

	silent = (m->to_lost && m->quirks & MODEL_SILENT_NEW_WORLD_LOSS) ||
		 (from == VGPU_FUNCTION_NONE && m->sw.to == VGPU_FUNCTION_NONE &&
		  (m->to_lost || m->quirks & MODEL_SILENT_EMPTY_SWITCH));
	m->sw.running = m->now;
	m->automatic = false;
	if (!silent)
		answer_times(m, VGPU_EVENT_SWITCHED, from, m->sw.reason);
	if (from != VGPU_FUNCTION_NONE) {
		if (idle)
			m->fn[from].told = false;
		tell(m, from);
	}
	if (m->quirks & MODEL_DROPS_EARLY_NOW)
		m->next_now = false;
	take(m);
	if (m->world != VGPU_FUNCTION_NONE)
		tell(m, m->world);
}

static void lose_new_world(struct model *m)
{
	enter(m, VGPU_ENGINE_EMPTY, MODEL_NEVER);
	m->sw.to = VGPU_FUNCTION_NONE;
	m->sw.loaded = m->now;
	m->to_lost = true;
	finish_switch(m);
}

static u32 loadable(const struct model *m, u16 function)
{
	if (!m->fn[function].open || m->fn[function].flr)
		return VGPU_REFUSED_CLOSED;
	return m->fn[function].world == VGPU_WORLD_SAVED ? 0 : VGPU_REFUSED_NO_IMAGE;
}

static void load(struct model *m, u16 function)
{
	m->world = function;
	m->fn[function].world = VGPU_WORLD_ON_ENGINE;
	enter(m, VGPU_ENGINE_LOADING, m->now + m->load_ns);
}

static void load_new_world(struct model *m)
{
	u32 why;

	m->sw.saved = m->now;
	enter(m, VGPU_ENGINE_EMPTY, MODEL_NEVER);
	if (m->sw.to == VGPU_FUNCTION_NONE) {
		m->sw.loaded = m->now;
		finish_switch(m);
		return;
	}
	why = loadable(m, m->sw.to);
	if (why) {
		refuse(m, m->sw.to, VGPU_DETAIL_NEXT, why);
		lose_new_world(m);
		return;
	}
	load(m, m->sw.to);
}

static void quiesced(struct model *m)
{
	m->sw.quiesced = m->now;
	if (m->automatic) {
		enter(m, VGPU_ENGINE_SAVING, m->now + m->save_ns);
		return;
	}
	enter(m, VGPU_ENGINE_QUIESCED, MODEL_NEVER);
	if (m->sw.reason == VGPU_LEAVE_IDLE)
		m->fn[m->sw.from].told = false;
	answer_times(m, VGPU_EVENT_QUIESCED, m->sw.from, m->sw.reason);
	tell(m, m->sw.from);
}

/* When the running world can stop. */
static u64 preemption_point(const struct model *m)
{
	const struct model_function *fn = &m->fn[m->world];
	u64 into = (m->now - m->running_since) % fn->group;
	u64 left = into ? fn->group - into : 0;

	if (m->stop)
		left = m->stop(m);
	return left == MODEL_NEVER ? MODEL_NEVER : m->now + left;
}

/* How much is left of the running world's command buffer. */
static u64 packet_left(const struct model *m)
{
	const struct model_function *fn = &m->fn[m->world];
	u64 left = model_work_left(m, m->world);

	if (fn->stuck)
		return MODEL_NEVER;
	if (m->boundary)
		return m->boundary(m);
	return fn->packet ? left % fn->packet : left;
}

/* QUIESCING, at the next preemption point. */
static void cut(struct model *m)
{
	struct model_function *fn = &m->fn[m->world];

	m->finishing = false;
	m->boundary_at = MODEL_NEVER;
	m->timeout_at = fn->timeout ? m->now + fn->timeout : MODEL_NEVER;
	m->stop_at = fn->stuck ? MODEL_NEVER : preemption_point(m);
}

static void request(struct model *m, bool boundary)
{
	struct model_function *fn = &m->fn[m->world];
	u64 left;

	m->sw.request = m->now;
	enter(m, VGPU_ENGINE_QUIESCING, MODEL_NEVER);
	if (m->idle) {
		quiesced(m);
		return;
	}
	if (!boundary) {
		cut(m);
		return;
	}
	left = packet_left(m);
	m->finishing = true;
	m->boundary_at = left == MODEL_NEVER ? MODEL_NEVER : m->now + left;
	if (fn->timeout)
		m->timeout_at = m->now + fn->timeout;
}

static void reset(struct model *m, enum vgpu_leave leave)
{
	struct model_function *fn = &m->fn[m->world];
	bool stopped = !has_engine(m);

	if (!m->automatic && m->state != VGPU_ENGINE_QUIESCING)
		m->sw = (struct vgpu_sched_switch){ .from = m->world,
						    .request = m->now };
	if (m->sw.from == m->world) {
		m->sw.reason = leave;
		if (!stopped || !m->automatic)
			m->sw.quiesced = m->now;
	}
	enter(m, VGPU_ENGINE_RESETTING, m->now + m->reset_ns);
	fn->world = leave == VGPU_LEAVE_HANG ? VGPU_WORLD_HUNG : VGPU_WORLD_NONE;
	fn->work = 0;
	fn->stuck = false;
	fn->since = m->now;
	tell(m, m->world);
}

/* NEXT is taken if its time has come. */
static void take(struct model *m)
{
	bool empty = m->state == VGPU_ENGINE_EMPTY;
	bool due = m->state == VGPU_ENGINE_RUNNING &&
		   (m->idle || m->passed || m->next_now);
	u32 why = 0;

	if (!m->armed || m->automatic || !(empty || due))
		return;
	m->armed = false;
	m->next_now = false;
	if (m->next != VGPU_FUNCTION_NONE && m->next != m->world)
		why = loadable(m, m->next);
	if (why) {
		refuse(m, m->next, VGPU_DETAIL_NEXT, why);
		return;
	}
	if (!empty && m->next == m->world) {
		m->sw = (struct vgpu_sched_switch){
			.from = m->world, .to = m->world,
			.reason = VGPU_LEAVE_RENEWED, .deadline = m->deadline,
			.request = m->now, .quiesced = m->now, .saved = m->now,
			.loaded = m->now, .running = m->now,
		};
		m->deadline = m->next_quantum ? m->now + m->next_quantum : 0;
		m->passed = false;
		answer_times(m, VGPU_EVENT_SWITCHED, m->world, VGPU_LEAVE_RENEWED);
		return;
	}
	if (empty && m->sw.reason == VGPU_LEAVE_RESET && m->sw.saved == m->now) {
		m->sw.to = m->next;
	} else {
		m->sw = (struct vgpu_sched_switch){
			.from = m->world, .to = m->next,
			.reason = empty ? VGPU_LEAVE_NONE :
				  m->idle ? VGPU_LEAVE_IDLE :
				  m->passed ? VGPU_LEAVE_DEADLINE :
				  VGPU_LEAVE_PREEMPT,
			.deadline = empty ? 0 : m->deadline,
			.request = m->now, .quiesced = m->now,
		};
	}
	m->quantum = m->next_quantum;
	m->automatic = true;
	m->to_lost = false;
	if (empty)
		load_new_world(m);
	else
		request(m, m->next_boundary);
}

static void save_ends(struct model *m)
{
	m->fn[m->world].world = VGPU_WORLD_SAVED;
	m->sw.saved = m->now;
	if (m->automatic) {
		load_new_world(m);
		return;
	}
	answer_times(m, VGPU_EVENT_SAVED, m->world, 0);
	enter(m, VGPU_ENGINE_EMPTY, MODEL_NEVER);
	m->sw.reason = VGPU_LEAVE_NONE;
	take(m);
}

static void load_ends(struct model *m)
{
	m->sw.loaded = m->now;
	if (m->automatic) {
		run(m, m->quantum);
		finish_switch(m);
		return;
	}
	enter(m, VGPU_ENGINE_LOADED, MODEL_NEVER);
	answer_times(m, VGPU_EVENT_LOADED, m->world, 0);
}

static void reset_ends(struct model *m)
{
	u16 function = m->world;
	bool takes = m->armed && !m->automatic;
	bool from = m->sw.from == function;

	enter(m, VGPU_ENGINE_EMPTY, MODEL_NEVER);
	if (m->reset_answer || !(m->automatic || takes)) {
		struct model_event event = {
			.type = VGPU_EVENT_RESET, .function = function,
			.sw.quiesced = m->now,
		};

		answer(m, event);
	}
	m->reset_answer = false;
	if (!m->automatic) {
		m->sw.saved = m->now;
		take(m);
	} else if (from) {
		load_new_world(m);
	} else {
		lose_new_world(m);
	}
}

/* Work up to now is done; its end has consequences. */
static void account_work(struct model *m)
{
	struct model_function *fn = &m->fn[m->world < m->functions ? m->world : 0];
	u64 done;

	if (!has_engine(m) || m->idle)
		return;
	done = min(m->now - m->worked_until, fn->work);
	m->worked_until = m->now;
	fn->work -= done;
	if (has_work(m, m->world))
		return;
	fn->since = m->now;
	m->idle = true;
	if (m->state == VGPU_ENGINE_QUIESCING) {
		quiesced(m);
		return;
	}
	if (m->quirks & MODEL_TELLS_IDLE_FIRST)
		tell(m, m->world);
	take(m);
	if (m->world != VGPU_FUNCTION_NONE)
		tell(m, m->world);
}

u64 model_next_time(const struct model *m)
{
	u64 t = min(m->phase_end, min(m->stop_at, m->timeout_at));

	t = min(t, min(m->retry_at, m->boundary_at));
	if (m->state == VGPU_ENGINE_RUNNING && m->deadline && !m->passed)
		t = min(t, m->deadline);
	if (has_engine(m) && !m->idle && !m->fn[m->world].stuck)
		t = min(t, m->worked_until + m->fn[m->world].work);
	return max(t, m->now);
}

static void step(struct model *m)
{
	unsigned int i;

	if (m->phase_end <= m->now) {
		if (m->state == VGPU_ENGINE_SAVING)
			save_ends(m);
		else if (m->state == VGPU_ENGINE_LOADING)
			load_ends(m);
		else
			reset_ends(m);
	} else if (has_engine(m) && !m->idle && !m->fn[m->world].stuck &&
		   m->worked_until + m->fn[m->world].work <= m->now) {
		account_work(m);
	} else if (min(m->stop_at, m->boundary_at) <= m->now) {
		account_work(m);
		if (m->state == VGPU_ENGINE_QUIESCING)
			quiesced(m);
	} else if (m->timeout_at <= m->now && m->finishing) {
		cut(m);
	} else if (m->timeout_at <= m->now) {
		u16 function = m->world;
		u64 asked = m->sw.request;

		reset(m, VGPU_LEAVE_HANG);
		post(m, (struct model_event){ .type = VGPU_EVENT_HANG,
					      .function = function,
					      .sw.request = asked });
	} else if (m->retry_at <= m->now) {
		m->retry_at = MODEL_NEVER;
		for (i = 0; i < m->functions; i++)
			tell(m, i);
	} else {
		m->passed = true;
		take(m);
	}
}

void model_advance(struct model *m, u64 now)
{
	u64 t;

	while ((t = model_next_time(m)) <= now) {
		m->now = t;
		step(m);
	}
	m->now = now;
	if (has_engine(m) && !m->idle && !m->fn[m->world].stuck) {
		m->fn[m->world].work -= now - m->worked_until;
		m->worked_until = now;
	}
}

/* ------------------------------------------------------------------------ */
/* Registers                                                                 */

void model_write_next(struct model *m, bool valid, u16 function, u64 quantum,
		      u32 flags)
{
	if (!valid) {
		m->armed = false;
		m->next_now = false;
		return;
	}
	if (function != VGPU_FUNCTION_NONE) {
		struct model_function *fn = &m->fn[function];
		bool image = fn->world == VGPU_WORLD_SAVED ||
			     (fn->world == VGPU_WORLD_ON_ENGINE &&
			      m->state != VGPU_ENGINE_RESETTING);

		assert(function < m->functions);
		if (!fn->open || fn->flr || !image) {
			refuse(m, function, VGPU_DETAIL_NEXT,
			       image ? VGPU_REFUSED_CLOSED : VGPU_REFUSED_NO_IMAGE);
			return;
		}
	}
	m->armed = true;
	m->next = function;
	m->next_quantum = quantum;
	m->next_now = flags & VGPU_SCHED_ARM_NOW;
	m->next_boundary = flags & VGPU_SCHED_ARM_BOUNDARY;
	if (m->finishing && m->next_now && !m->next_boundary)
		cut(m);
	if (m->state == VGPU_ENGINE_EMPTY)
		m->sw.reason = VGPU_LEAVE_NONE;
	take(m);
}

static bool on_engine(const struct model *m, u16 function,
		      enum vgpu_engine_state state)
{
	return m->world == function && m->state == state && !m->automatic;
}

static u32 command(struct model *m, enum vgpu_world_cmd cmd, u16 function)
{
	struct model_function *fn = &m->fn[function];

	switch (cmd) {
	case VGPU_CMD_INIT:
		if (m->world == function)
			return VGPU_REFUSED_STATE;
		fn->world = VGPU_WORLD_SAVED;
		post(m, (struct model_event){ .type = VGPU_EVENT_INITIALISED,
					      .function = function });
		return 0;
	case VGPU_CMD_RESET:
		if (m->world != function) {
			fn->world = VGPU_WORLD_NONE;
			fn->work = 0;
			fn->stuck = false;
			fn->since = m->now;
			tell(m, function);
			answer(m, (struct model_event){
				.type = VGPU_EVENT_RESET, .function = function,
				.sw.quiesced = m->now });
			return 0;
		}
		if (m->state == VGPU_ENGINE_RESETTING)
			return VGPU_REFUSED_STATE;
		m->reset_answer = true;
		reset(m, VGPU_LEAVE_RESET);
		return 0;
	case VGPU_CMD_PREEMPT:
	case VGPU_CMD_BOUNDARY:
		if (cmd == VGPU_CMD_PREEMPT && m->finishing &&
		    on_engine(m, function, VGPU_ENGINE_QUIESCING)) {
			cut(m);
			return 0;
		}
		if (!on_engine(m, function, VGPU_ENGINE_RUNNING))
			return VGPU_REFUSED_STATE;
		m->sw = (struct vgpu_sched_switch){
			.from = function,
			.reason = m->idle ? VGPU_LEAVE_IDLE : VGPU_LEAVE_PREEMPT,
		};
		request(m, cmd == VGPU_CMD_BOUNDARY);
		return 0;
	case VGPU_CMD_SAVE:
		if (!on_engine(m, function, VGPU_ENGINE_QUIESCED))
			return VGPU_REFUSED_STATE;
		enter(m, VGPU_ENGINE_SAVING, m->now + m->save_ns);
		return 0;
	case VGPU_CMD_LOAD:
		if (m->state != VGPU_ENGINE_EMPTY) {
			m->refused_load++;
			return VGPU_REFUSED_STATE;
		}
		if (!loadable(m, function))
			load(m, function);
		else
			return loadable(m, function);
		return 0;
	case VGPU_CMD_RUN:
		if (!on_engine(m, function, VGPU_ENGINE_LOADED))
			return VGPU_REFUSED_STATE;
		run(m, 0);
		m->sw.running = m->now;
		answer_times(m, VGPU_EVENT_RUNNING, function, 0);
		tell(m, function);
		take(m);
		return 0;
	}
	return VGPU_REFUSED_COMMAND;
}

void model_command(struct model *m, enum vgpu_world_cmd cmd, u16 function)
{
	u32 why;

	assert(function < m->functions);
	why = command(m, cmd, function);
	if (why == VGPU_REFUSED_STATE)
		m->refused_state++;
	if (why)
		refuse(m, function, cmd, why);
}

/* Whether it has work may have changed by something else than doing it. */
static void work_changed(struct model *m, u16 function)
{
	bool idle = !has_work(m, function);

	if (m->world == function && m->state == VGPU_ENGINE_RUNNING &&
	    m->idle != idle) {
		m->idle = idle;
		m->worked_until = m->now;
		if (idle)
			take(m);
	}
	tell(m, function);
}

void model_open(struct model *m, u16 function, bool open)
{
	m->fn[function].open = open;
	m->fn[function].since = m->now;
	work_changed(m, function);
}

void model_flr_ack(struct model *m, u16 function)
{
	m->fn[function].flr = false;
	work_changed(m, function);
}

/* ------------------------------------------------------------------------ */
/* What happens to it                                                        */

void model_work(struct model *m, u16 function, u64 ns)
{
	struct model_function *fn = &m->fn[function];

	if (!fn->open || fn->flr)
		return;
	if (!fn->work)
		fn->since = m->now;
	fn->work += ns;
	/* A world that is past its last preemption point does not start again. */
	work_changed(m, function);
}

/* It takes its work back: its rings are disabled. */
void model_withdraw(struct model *m, u16 function)
{
	struct model_function *fn = &m->fn[function];

	if (!fn->work)
		return;
	fn->work = 0;
	fn->since = m->now;
	work_changed(m, function);
}

void model_flr(struct model *m, u16 function)
{
	struct model_function *fn = &m->fn[function];

	fn->flr = true;
	fn->work = 0;
	fn->stuck = false;
	fn->since = m->now;
	fn->world = VGPU_WORLD_NONE;
	if (m->quirks & MODEL_FORGETS_ON_RESET)
		fn->told = false;
	post(m, (struct model_event){ .type = VGPU_EVENT_FLR, .function = function });
	if (m->armed && m->next == function)
		m->armed = false;
	if (m->world == function) {
		bool counted = has_engine(m);

		m->reset_answer = false;
		if (!m->automatic) {
			m->sw = (struct vgpu_sched_switch){
				.from = function, .reason = VGPU_LEAVE_RESET,
				.deadline = m->deadline, .request = m->now,
				.quiesced = m->now, .saved = m->now,
			};
			enter(m, VGPU_ENGINE_EMPTY, MODEL_NEVER);
			take(m);
		} else if (m->sw.from == function) {
			m->sw.reason = VGPU_LEAVE_RESET;
			if (counted)
				m->sw.quiesced = m->now;
			load_new_world(m);
		} else {
			lose_new_world(m);
		}
	} else if (m->automatic && m->sw.to == function) {
		m->sw.to = VGPU_FUNCTION_NONE;
		m->to_lost = true;
	}
	tell(m, function);
}

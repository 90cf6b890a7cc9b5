// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The world switch. States and commands are drawn in vgpu/world.h.
 *
 * A switch that the device does by itself ("automatic") walks the same states
 * without a gap:
 *
 *   take -> request -> quiesced -> SAVING -> LOADING -> entered -> RUNNING
 *                 \ timeout, RESET, FLR  /
 *                  `---> RESETTING -----'
 *
 * Between request and quiesced a world that may finish its ring packet goes on
 * with that (engine.boundary), until its end or cut_packet().
 *
 * engine.sw collects its times. It is also filled by single commands, of which
 * QUIESCED and the others report a part. A world whose image cannot be written
 * or read is lost; then the switch ends with an empty engine.
 */
#include "device.h"
#include "trace.h"

/* ---------------------------------------------------------------- the image */

bool vgpu_world_image_valid(struct vgpu_function *fn)
{
	uint64_t total = fn->core->config.vram_size;

	return fn->image < total && fn->core->config.context_bytes <= total - fn->image;
}

static uint64_t image_cost(struct vgpu_core *core)
{
	return vgpu_image_cost(core->config.context_bytes, core->config.image_bandwidth);
}

uint64_t vgpu_world_save_cost(struct vgpu_core *core)
{
	return core->config.save_ns + image_cost(core);
}

uint64_t vgpu_world_load_cost(struct vgpu_core *core)
{
	return core->config.load_ns + image_cost(core);
}

static uint32_t image_sum(struct vgpu_image image)
{
	image.checksum = 0;
	return vgpu_checksum(&image, sizeof(image));
}

/* Writes the image of @fn; with @fresh, of a world that has never run. */
static bool write_image(struct vgpu_function *fn, bool fresh)
{
	struct vgpu_engine *engine = &fn->core->engine;
	struct vgpu_image image = {
		.magic = cpu_to_le32(VGPU_IMAGE_MAGIC),
		.version = cpu_to_le16(VGPU_IMAGE_VERSION),
		.function = cpu_to_le16(fn->number),
		.ring_last = cpu_to_le32(fresh ? fn->core->config.rings - 1 :
						  engine->ring_last),
		.sequence = cpu_to_le64(fresh ? 0 : engine->saves + 1),
		.gpu_time = cpu_to_le64(fn->gpu_time),
	};
	unsigned int r;

	if (!vgpu_world_image_valid(fn))
		return false;
	for (r = 0; r < fn->core->config.rings; r++) {
		struct vgpu_ring *ring = &fn->ring[r];

		if (fresh)
			vgpu_ring_drop_progress(ring);
		image.ring[r].head = cpu_to_le64(ring->head);
		image.ring[r].epoch = cpu_to_le32(ring->epoch);
		image.ring[r].in_indirect = cpu_to_le32(ring->in_indirect);
		image.ring[r].indirect_offset = cpu_to_le64(ring->indirect_offset);
		image.ring[r].groups_done = cpu_to_le64(ring->groups_done);
		/* From here on the image is the only place where it is. */
		vgpu_ring_drop_progress(ring);
	}
	image.checksum = cpu_to_le32(image_sum(image));
	memcpy(fn->core->vram + fn->image, &image, sizeof(image));
	return true;
}

static bool image_ring_good(const struct vgpu_ring *ring, const struct vgpu_image_ring *from)
{
	return le64_to_cpu(from->head) == ring->head && le32_to_cpu(from->in_indirect) <= 1 &&
	       le64_to_cpu(from->indirect_offset) % 8 == 0 &&
	       le64_to_cpu(from->indirect_offset) < VGPU_INDIRECT_MAX &&
	       le64_to_cpu(from->groups_done) <= UINT32_MAX;
}

static bool read_image(struct vgpu_function *fn)
{
	struct vgpu_core *core = fn->core;
	struct vgpu_image image;
	unsigned int r;

	if (!vgpu_world_image_valid(fn))
		return false;
	memcpy(&image, core->vram + fn->image, sizeof(image));
	if (le32_to_cpu(image.magic) != VGPU_IMAGE_MAGIC ||
	    le16_to_cpu(image.version) != VGPU_IMAGE_VERSION ||
	    le16_to_cpu(image.function) != fn->number ||
	    le32_to_cpu(image.checksum) != image_sum(image) ||
	    le32_to_cpu(image.ring_last) >= core->config.rings)
		return false;
	for (r = 0; r < core->config.rings; r++) {
		const struct vgpu_image_ring *from = &image.ring[r];
		struct vgpu_ring *ring = &fn->ring[r];

		vgpu_ring_drop_progress(ring);
		/* The driver has begun anew since then. */
		if (le32_to_cpu(from->epoch) != ring->epoch)
			continue;
		if (!image_ring_good(ring, from))
			return false;
		ring->in_indirect = le32_to_cpu(from->in_indirect);
		ring->indirect_offset = le64_to_cpu(from->indirect_offset);
		ring->groups_done = le64_to_cpu(from->groups_done);
	}
	core->engine.ring_last = le32_to_cpu(image.ring_last);
	core->engine.saves = le64_to_cpu(image.sequence);
	return true;
}

/* --------------------------------------------------------------- accounting */

static bool counts_gpu_time(const struct vgpu_engine *engine)
{
	return engine->state == VGPU_ENGINE_RUNNING ||
	       engine->state == VGPU_ENGINE_QUIESCING;
}

uint64_t vgpu_world_gpu_time(struct vgpu_function *fn, uint64_t now)
{
	const struct vgpu_engine *engine = &fn->core->engine;

	if (engine->function == fn->number && counts_gpu_time(engine))
		return fn->gpu_time + now - engine->running_since;
	return fn->gpu_time;
}

/* The world stops having the engine, in whatever way. */
static void stop_counting(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_function *fn = vgpu_on_engine(core);

	if (counts_gpu_time(&core->engine))
		fn->gpu_time = vgpu_world_gpu_time(fn, now);
}

/* ------------------------------------------------------------------- states */

static void enter_state(struct vgpu_engine *engine, enum vgpu_engine_state state)
{
	engine->state = state;
	engine->boundary = false;
	engine->phase_end = VGPU_NEVER;
	engine->timeout = VGPU_NEVER;
	engine->dispatch = VGPU_NEVER;
}

static void enter_phase(struct vgpu_engine *engine, enum vgpu_engine_state state,
			uint64_t end)
{
	enter_state(engine, state);
	engine->phase_end = end;
}

static void enter_empty(struct vgpu_engine *engine)
{
	enter_state(engine, VGPU_ENGINE_EMPTY);
	engine->function = VGPU_FUNCTION_NONE;
}

static void enter_running(struct vgpu_core *core, uint64_t quantum, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;

	enter_state(engine, VGPU_ENGINE_RUNNING);
	engine->running_since = now;
	engine->deadline = quantum ? now + quantum : 0;
	engine->deadline_passed = false;
	engine->dispatch = now;
	trace_vgpu_world_running(now, engine->function, engine->deadline);
}

static void world_lost(struct vgpu_function *fn, enum vgpu_world_state world, uint64_t now)
{
	fn->world = world;
	vgpu_engine_lose(fn, now);
	vgpu_event_runnable(fn, now);
}

/* The automatic switch is over, with sw.to running or the engine empty. */
static void finish_switch(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_switch sw = engine->sw;

	engine->automatic = false;
	/* Nothing left and nothing entered: another record has said why. */
	if (!(sw.to_lost && sw.from == VGPU_FUNCTION_NONE))
		vgpu_event_answer(core, VGPU_EVENT_SWITCHED, sw.from, sw.leave, sw.to,
				  &sw, now);
	if (sw.from != VGPU_FUNCTION_NONE) {
		struct vgpu_function *from = &core->fn[sw.from];

		if (sw.leave == VGPU_LEAVE_IDLE)
			vgpu_event_told_idle(from);
		vgpu_event_runnable(from, now);
	}
	vgpu_world_take(core, now);
}

/* The new world could not be loaded or is gone. */
static void lose_new_world(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_switch *sw = &core->engine.sw;

	enter_empty(&core->engine);
	sw->to = VGPU_FUNCTION_NONE;
	sw->to_lost = true;
	sw->loaded = now;
	finish_switch(core, now);
}

static bool take(struct vgpu_core *core, bool vacated, uint64_t now);

static enum vgpu_refusal loadable(struct vgpu_function *fn)
{
	if (!vgpu_is_open(fn))
		return VGPU_REFUSED_CLOSED;
	return fn->world == VGPU_WORLD_SAVED ? 0 : VGPU_REFUSED_NO_IMAGE;
}

static void refuse(struct vgpu_core *core, uint16_t function, uint32_t detail,
		   enum vgpu_refusal why)
{
	vgpu_event_answer(core, VGPU_EVENT_REFUSED, function, why, detail, NULL, 0);
}

static void begin_load(struct vgpu_core *core, uint16_t function, uint64_t now)
{
	core->engine.function = function;
	core->engine.work.fetched = false;
	core->fn[function].world = VGPU_WORLD_ON_ENGINE;
	enter_phase(&core->engine, VGPU_ENGINE_LOADING, now + vgpu_world_load_cost(core));
}

/* The old world is off the engine: the second half of an automatic switch. */
static void load_new_world(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_switch *sw = &engine->sw;
	enum vgpu_refusal why;

	sw->saved = now;
	enter_empty(engine);
	if (sw->to == VGPU_FUNCTION_NONE) {
		sw->loaded = now;
		finish_switch(core, now);
		return;
	}
	why = loadable(&core->fn[sw->to]);
	if (why) {
		refuse(core, sw->to, VGPU_DETAIL_NEXT, why);
		lose_new_world(core, now);
		return;
	}
	begin_load(core, sw->to, now);
}

static void begin_save(struct vgpu_core *core, uint64_t now)
{
	enter_phase(&core->engine, VGPU_ENGINE_SAVING, now + vgpu_world_save_cost(core));
}

/* The world on the engine has reached a preemption point after a request. */
void vgpu_world_quiesced(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_switch *sw = &engine->sw;

	stop_counting(core, now);
	enter_state(engine, VGPU_ENGINE_QUIESCED);
	sw->quiesced = now;
	trace_vgpu_world_quiesced(now, engine->function);
	if (engine->automatic) {
		begin_save(core, now);
		return;
	}
	vgpu_event_answer(core, VGPU_EVENT_QUIESCED, sw->from, sw->leave, 0, sw, 0);
	if (sw->leave == VGPU_LEAVE_IDLE)
		vgpu_event_told_idle(&core->fn[sw->from]);
	vgpu_event_runnable(&core->fn[sw->from], now);
}

static void start_timeout(struct vgpu_core *core, uint64_t now)
{
	uint64_t timeout = vgpu_on_engine(core)->preempt_timeout;

	core->engine.timeout = timeout && timeout < VGPU_TIME_MAX ? now + timeout :
								    VGPU_NEVER;
}

/* In QUIESCING: stop at the next preemption point. */
static void preempt(struct vgpu_core *core, uint64_t now)
{
	if (!core->engine.work.active) {
		vgpu_world_quiesced(core, now);
		return;
	}
	start_timeout(core, now);
	vgpu_engine_stop_work(core, now);
}

/* The world has had its time to finish its ring packet, or is not given it. */
static void cut_packet(struct vgpu_core *core, uint64_t now)
{
	trace_vgpu_world_cut(now, core->engine.function);
	core->engine.boundary = false;
	preempt(core, now);
}

/*
 * Asks the running world to leave; sw.leave says why. With @boundary it may finish
 * its ring packet.
 */
static void request(struct vgpu_core *core, bool boundary, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;

	engine->sw.request = now;
	trace_vgpu_world_request(now, engine->function, engine->sw.leave,
				 engine->sw.deadline);
	enter_state(engine, VGPU_ENGINE_QUIESCING);
	if (!boundary || !vgpu_engine_under_way(core)) {
		preempt(core, now);
		return;
	}
	engine->boundary = true;
	start_timeout(core, now);
	vgpu_engine_finish_packet(core, now);
}

/* Throws away the world on the engine. */
static void begin_reset(struct vgpu_core *core, enum vgpu_leave leave, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_function *fn = vgpu_on_engine(core);
	struct vgpu_switch *sw = &engine->sw;
	bool stopped = !counts_gpu_time(engine);

	trace_vgpu_world_reset(now, fn->number, leave);
	vgpu_engine_drop_work(core, now, true);
	stop_counting(core, now);
	if (!engine->automatic && engine->state == VGPU_ENGINE_QUIESCING)
		*sw = (struct vgpu_switch){ .from = fn->number, .deadline = sw->deadline,
					    .request = sw->request };
	else if (!engine->automatic)
		*sw = (struct vgpu_switch){ .from = fn->number, .request = now,
					    .deadline = stopped ? 0 : engine->deadline };
	if (sw->from == fn->number) {
		sw->leave = leave;
		if (!stopped || !engine->automatic)
			sw->quiesced = now;
	}
	enter_phase(engine, VGPU_ENGINE_RESETTING, now + core->config.reset_ns);
	world_lost(fn, leave == VGPU_LEAVE_HANG ? VGPU_WORLD_HUNG : VGPU_WORLD_NONE, now);
}

/* ------------------------------------------------------------ ends of phases */

static void save_ends(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_function *fn = vgpu_on_engine(core);
	struct vgpu_switch *sw = &engine->sw;

	if (core->inject.stuck_save) {
		core->inject.stuck_save = false;
		engine->phase_end = VGPU_NEVER;
		return;
	}
	trace_vgpu_world_saved(now, fn->number);
	sw->saved = now;
	enter_empty(engine);
	if (write_image(fn, false)) {
		fn->world = VGPU_WORLD_SAVED;
		if (!engine->automatic)
			vgpu_event_answer(core, VGPU_EVENT_SAVED, fn->number, 0, 0,
					  &(struct vgpu_switch){ .saved = now }, 0);
	} else {
		refuse(core, fn->number, VGPU_CMD_SAVE, VGPU_REFUSED_BAD_IMAGE);
		world_lost(fn, VGPU_WORLD_NONE, now);
	}
	if (engine->automatic)
		load_new_world(core, now);
	else
		vgpu_world_take(core, now);
}

static void load_ends(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_function *fn = vgpu_on_engine(core);
	struct vgpu_switch *sw = &engine->sw;

	trace_vgpu_world_loaded(now, fn->number);
	sw->loaded = now;
	if (!read_image(fn)) {
		refuse(core, fn->number, engine->automatic ? VGPU_DETAIL_NEXT : VGPU_CMD_LOAD,
		       VGPU_REFUSED_BAD_IMAGE);
		enter_empty(engine);
		world_lost(fn, VGPU_WORLD_NONE, now);
		if (engine->automatic)
			lose_new_world(core, now);
		else
			vgpu_world_take(core, now);
		return;
	}
	if (engine->automatic) {
		enter_running(core, sw->quantum, now);
		finish_switch(core, now);
		return;
	}
	enter_state(engine, VGPU_ENGINE_LOADED);
	vgpu_event_answer(core, VGPU_EVENT_LOADED, fn->number, 0, 0,
			  &(struct vgpu_switch){ .loaded = now }, 0);
}

static void answer_reset(struct vgpu_core *core, uint16_t function, uint64_t now)
{
	vgpu_event_answer(core, VGPU_EVENT_RESET, function, 0, 0,
			  &(struct vgpu_switch){ .quiesced = now }, 0);
}

static void reset_ends(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_switch *sw = &engine->sw;
	uint16_t function = engine->function;
	bool commanded = engine->reset_answer;

	enter_empty(engine);
	engine->reset_answer = false;
	if (commanded)
		answer_reset(core, function, now);
	if (!engine->automatic) {
		sw->saved = now;
		if (!take(core, true, now) && !commanded)
			answer_reset(core, function, now);
	} else if (sw->from == function) {
		load_new_world(core, now);
	} else {
		lose_new_world(core, now);
	}
}

void vgpu_world_phase_end(struct vgpu_core *core, uint64_t now)
{
	switch (core->engine.state) {
	case VGPU_ENGINE_SAVING:
		save_ends(core, now);
		break;
	case VGPU_ENGINE_LOADING:
		load_ends(core, now);
		break;
	default:
		reset_ends(core, now);
		break;
	}
}

void vgpu_world_deadline(struct vgpu_core *core, uint64_t now)
{
	core->engine.deadline_passed = true;
	vgpu_world_take(core, now);
}

void vgpu_world_timeout(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_function *fn = vgpu_on_engine(core);

	if (core->engine.boundary) {
		cut_packet(core, now);
		return;
	}
	fn->hangs++;
	vgpu_event_raise(fn, VGPU_EVENT_HANG, core->engine.sw.request);
	vgpu_engine_blame(core);
	begin_reset(core, VGPU_LEAVE_HANG, now);
}

/* --------------------------------------------------------------------- NEXT */

/* The present world begins a new slice. */
static void renew(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_switch sw = {
		.deadline = engine->deadline,
		.request = now,
		.quiesced = now,
		.saved = now,
		.loaded = now,
	};

	engine->deadline = engine->next_quantum ? now + engine->next_quantum : 0;
	engine->deadline_passed = false;
	trace_vgpu_world_running(now, engine->function, engine->deadline);
	vgpu_event_answer(core, VGPU_EVENT_SWITCHED, engine->function, VGPU_LEAVE_RENEWED,
			  engine->function, &sw, now);
	vgpu_event_runnable(&core->fn[engine->function], now);
}

static void leave_empty(struct vgpu_core *core, bool vacated, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_switch *sw = &engine->sw;

	engine->automatic = true;
	if (!vacated)
		*sw = (struct vgpu_switch){
			.from = VGPU_FUNCTION_NONE,
			.request = now,
			.quiesced = now,
		};
	sw->to = engine->next_function;
	sw->to_lost = false;
	sw->quantum = engine->next_quantum;
	load_new_world(core, now);
}

static void leave_running(struct vgpu_core *core, bool idle, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;

	engine->automatic = true;
	engine->sw = (struct vgpu_switch){
		.from = engine->function,
		.to = engine->next_function,
		.leave = idle ? VGPU_LEAVE_IDLE :
			 engine->deadline_passed ? VGPU_LEAVE_DEADLINE : VGPU_LEAVE_PREEMPT,
		.quantum = engine->next_quantum,
		.deadline = engine->deadline,
	};
	request(core, engine->next_boundary, now);
}

/*
 * Takes NEXT if it is armed and its time has come; false if nothing came of it.
 * @vacated: the engine is empty because the world sw.from was reset just now.
 */
static bool take(struct vgpu_core *core, bool vacated, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	bool empty = engine->state == VGPU_ENGINE_EMPTY;
	bool idle = engine->state == VGPU_ENGINE_RUNNING && !engine->work.active &&
		    !vgpu_engine_runnable(vgpu_on_engine(core));
	bool running = engine->state == VGPU_ENGINE_RUNNING &&
		       (idle || engine->deadline_passed || engine->next_now);
	enum vgpu_refusal why = 0;

	if (!engine->next_armed || engine->automatic || !(empty || running))
		return false;
	engine->next_armed = false;
	engine->next_now = false;
	if (engine->next_function != VGPU_FUNCTION_NONE &&
	    engine->next_function != engine->function)
		why = loadable(&core->fn[engine->next_function]);
	if (why)
		refuse(core, engine->next_function, VGPU_DETAIL_NEXT, why);
	else if (empty)
		leave_empty(core, vacated, now);
	else if (engine->next_function == engine->function)
		renew(core, now);
	else
		leave_running(core, idle, now);
	return !why;
}

void vgpu_world_take(struct vgpu_core *core, uint64_t now)
{
	take(core, false, now);
}

static enum vgpu_refusal next_refused(struct vgpu_core *core, uint16_t function)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_function *fn;

	if (function == VGPU_FUNCTION_NONE)
		return 0;
	if (function >= core->functions)
		return VGPU_REFUSED_FUNCTION;
	fn = &core->fn[function];
	if (!vgpu_is_open(fn))
		return VGPU_REFUSED_CLOSED;
	/* On the engine it will have an image in time, unless it is being reset. */
	if (fn->world == VGPU_WORLD_SAVED || (fn->world == VGPU_WORLD_ON_ENGINE &&
					      engine->state != VGPU_ENGINE_RESETTING))
		return 0;
	return VGPU_REFUSED_NO_IMAGE;
}

void vgpu_world_next(struct vgpu_core *core, uint64_t value, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	uint16_t function = VGPU_FIELD_GET(VGPU_PF_NEXT_FUNCTION, value);
	enum vgpu_refusal why;

	if (!(value & VGPU_PF_NEXT_VALID)) {
		engine->next_armed = false;
		engine->next_now = false;
		return;
	}
	why = next_refused(core, function);
	if (why) {
		refuse(core, function, VGPU_DETAIL_NEXT, why);
		return;
	}
	engine->next_armed = true;
	engine->next_now = value & VGPU_PF_NEXT_NOW;
	engine->next_boundary = core->config.boundary && value & VGPU_PF_NEXT_BOUNDARY;
	engine->next_function = function;
	engine->next_quantum = VGPU_FIELD_GET(VGPU_PF_NEXT_QUANTUM, value);
	trace_vgpu_world_next(now, function, engine->next_quantum, engine->next_now,
			      engine->next_boundary);
	if (engine->boundary && engine->next_now && !engine->next_boundary)
		cut_packet(core, now);
	vgpu_world_take(core, now);
}

/* ----------------------------------------------------------- single commands */

static enum vgpu_refusal do_init(struct vgpu_core *core, struct vgpu_function *fn)
{
	if (core->engine.function == fn->number)
		return VGPU_REFUSED_STATE;
	if (!write_image(fn, true)) {
		fn->world = VGPU_WORLD_NONE;
		return VGPU_REFUSED_BAD_IMAGE;
	}
	fn->world = VGPU_WORLD_SAVED;
	vgpu_event_answer(core, VGPU_EVENT_INITIALISED, fn->number, 0, 0, NULL, 0);
	return 0;
}

static enum vgpu_refusal do_preempt(struct vgpu_core *core, struct vgpu_function *fn,
				    bool boundary, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	bool idle = !engine->work.active && !vgpu_engine_runnable(fn);

	if (engine->function == fn->number && engine->boundary && !boundary) {
		cut_packet(core, now);
		return 0;
	}
	if (engine->function != fn->number || engine->state != VGPU_ENGINE_RUNNING)
		return VGPU_REFUSED_STATE;
	engine->sw = (struct vgpu_switch){
		.from = fn->number,
		.leave = idle ? VGPU_LEAVE_IDLE : VGPU_LEAVE_PREEMPT,
	};
	request(core, boundary, now);
	return 0;
}

static enum vgpu_refusal do_save(struct vgpu_core *core, struct vgpu_function *fn,
				 uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;

	if (engine->function != fn->number || engine->state != VGPU_ENGINE_QUIESCED)
		return VGPU_REFUSED_STATE;
	begin_save(core, now);
	return 0;
}

static enum vgpu_refusal do_load(struct vgpu_core *core, struct vgpu_function *fn,
				 uint64_t now)
{
	enum vgpu_refusal why;

	if (core->engine.state != VGPU_ENGINE_EMPTY)
		return VGPU_REFUSED_STATE;
	why = loadable(fn);
	if (!why)
		begin_load(core, fn->number, now);
	return why;
}

static enum vgpu_refusal do_run(struct vgpu_core *core, struct vgpu_function *fn,
				uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;

	if (engine->function != fn->number || (engine->state != VGPU_ENGINE_LOADED &&
					       engine->state != VGPU_ENGINE_QUIESCED))
		return VGPU_REFUSED_STATE;
	if (!vgpu_is_open(fn))
		return VGPU_REFUSED_CLOSED;
	enter_running(core, 0, now);
	vgpu_event_answer(core, VGPU_EVENT_RUNNING, fn->number, 0, 0, NULL, now);
	return 0;
}

static enum vgpu_refusal do_reset(struct vgpu_core *core, struct vgpu_function *fn,
				  uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;

	if (engine->function == fn->number) {
		if (engine->state == VGPU_ENGINE_RESETTING)
			return VGPU_REFUSED_STATE;
		engine->reset_answer = true;
		begin_reset(core, VGPU_LEAVE_RESET, now);
		return 0;
	}
	world_lost(fn, VGPU_WORLD_NONE, now);
	answer_reset(core, fn->number, now);
	return 0;
}

static enum vgpu_refusal command(struct vgpu_core *core, enum vgpu_world_cmd code,
				 uint16_t function, uint64_t now)
{
	struct vgpu_function *fn = &core->fn[function < core->functions ? function : 0];

	if (code < VGPU_CMD_INIT || code > VGPU_CMD_BOUNDARY ||
	    (code == VGPU_CMD_BOUNDARY && !core->config.boundary))
		return VGPU_REFUSED_COMMAND;
	if (function >= core->functions)
		return VGPU_REFUSED_FUNCTION;
	if (code == VGPU_CMD_INIT)
		return do_init(core, fn);
	if (code == VGPU_CMD_RESET)
		return do_reset(core, fn, now);
	if (core->engine.automatic)
		return VGPU_REFUSED_STATE;
	if (code == VGPU_CMD_PREEMPT || code == VGPU_CMD_BOUNDARY)
		return do_preempt(core, fn, code == VGPU_CMD_BOUNDARY, now);
	if (code == VGPU_CMD_SAVE)
		return do_save(core, fn, now);
	if (code == VGPU_CMD_LOAD)
		return do_load(core, fn, now);
	return do_run(core, fn, now);
}

void vgpu_world_command(struct vgpu_core *core, uint32_t value, uint64_t now)
{
	uint32_t code = VGPU_FIELD_GET(VGPU_PF_CMD_CODE, value);
	uint16_t function = VGPU_FIELD_GET(VGPU_PF_CMD_FUNCTION, value);
	enum vgpu_refusal why;

	trace_vgpu_world_command(now, code, function);
	why = command(core, code, function, now);
	if (why)
		refuse(core, function, code, why);
	/* Out of QUIESCED or LOADED, an armed NEXT may be due at once. */
	else if (code == VGPU_CMD_RUN)
		vgpu_world_take(core, now);
}

/* ---------------------------------------------------------------- FLR and all */

/* The world of @fn vanishes from the engine at once. */
static void gone_from_engine(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_switch *sw = &engine->sw;
	bool counting = counts_gpu_time(engine);

	vgpu_engine_drop_work(core, now, false);
	stop_counting(core, now);
	engine->reset_answer = false;
	if (!engine->automatic) {
		*sw = (struct vgpu_switch){
			.from = engine->function,
			.leave = VGPU_LEAVE_RESET,
			.deadline = counting ? engine->deadline : 0,
			.request = now,
			.quiesced = now,
			.saved = now,
		};
		enter_empty(engine);
		take(core, true, now);
	} else if (sw->from == engine->function) {
		sw->leave = VGPU_LEAVE_RESET;
		if (counting)
			sw->quiesced = now;
		load_new_world(core, now);
	} else {
		lose_new_world(core, now);
	}
}

/* @fn is being reset: its world does not exist any more, anywhere. */
void vgpu_world_gone(struct vgpu_function *fn, uint64_t now, bool flr)
{
	struct vgpu_core *core = fn->core;
	struct vgpu_engine *engine = &core->engine;

	trace_vgpu_world_gone(now, fn->number, flr);
	fn->world = VGPU_WORLD_NONE;
	if (flr && fn->number != VGPU_FUNCTION_PF) {
		fn->flr = true;
		vgpu_event_forget(fn);
		vgpu_event_raise(fn, VGPU_EVENT_FLR, now);
	} else {
		vgpu_event_forget(fn);
	}
	if (engine->next_armed && engine->next_function == fn->number)
		engine->next_armed = false;
	if (engine->function == fn->number) {
		gone_from_engine(core, now);
	} else if (engine->automatic && engine->sw.to == fn->number) {
		engine->sw.to = VGPU_FUNCTION_NONE;
		engine->sw.to_lost = true;
	}
}

/* Empties the engine, without a word. */
void vgpu_world_reset_all(struct vgpu_core *core)
{
	struct vgpu_engine *engine = &core->engine;

	vgpu_engine_drop_work(core, core->time, false);
	if (engine->function < core->functions)
		stop_counting(core, core->time);
	enter_empty(engine);
	engine->automatic = false;
	engine->reset_answer = false;
	engine->next_armed = false;
	engine->next_now = false;
	engine->deadline = 0;
	engine->sw = (struct vgpu_switch){ .from = VGPU_FUNCTION_NONE };
}

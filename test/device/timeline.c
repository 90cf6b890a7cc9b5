// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Time: one timer for what comes next, and the way into the device and out.
 *
 * Everything that the device does by itself is due at a model time. Whoever
 * enters (the timer, a register access, a reset) first lets all happen that is
 * due, in the order of its time and at one time in this order:
 *
 *   1 the end of LOADING, SAVING or RESETTING   4 the preempt timeout
 *   2 the end of a work-group, chunk or packet  5 another look at the event queue
 *   3 the deadline                              6 the search for more work
 *
 * and takes effect itself after that. So nothing depends on when the host runs
 * the timer's callback.
 *
 * What a guest can ask for between two instants of model time is bounded, but
 * its work may take the host longer than it takes the model. Then the engine,
 * and nothing else, is stalled until now, and the host gets a chance to do other
 * things. This cannot happen under -icount, where model time waits.
 *
 * While the device is inside, it may reach its own registers by DMA, or those
 * that reset it. Registers refuse that (pci.c), resets wait until it is out.
 */
#include "device.h"
#include "trace.h"

/* Host work in one go, about so many µs, if the model is so many ns behind. */
#define EFFORT_MAX	50000
#define BEHIND_MAX	100000

static uint64_t clock_now(struct vgpu_core *core)
{
	return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - core->clock_base;
}

static uint64_t deadline(const struct vgpu_core *core)
{
	const struct vgpu_engine *engine = &core->engine;

	return engine->state == VGPU_ENGINE_RUNNING && engine->deadline &&
	       !engine->deadline_passed ? engine->deadline : VGPU_NEVER;
}

static uint64_t next_time(const struct vgpu_core *core)
{
	const struct vgpu_engine *engine = &core->engine;
	uint64_t t = MIN(engine->phase_end, vgpu_engine_work_end(core));

	t = MIN(t, deadline(core));
	t = MIN(t, engine->timeout);
	t = MIN(t, core->evq.retry);
	return MIN(t, engine->dispatch);
}

/* Lets the first thing happen that is due at @now; returns the host's effort. */
static unsigned int step(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;

	if (engine->phase_end <= now)
		vgpu_world_phase_end(core, now);
	else if (vgpu_engine_work_end(core) <= now)
		return vgpu_engine_work_done(core, now);
	else if (deadline(core) <= now)
		vgpu_world_deadline(core, now);
	else if (engine->timeout <= now)
		vgpu_world_timeout(core, now);
	else if (core->evq.retry <= now)
		vgpu_event_retry(core, now);
	else
		vgpu_engine_dispatch(core, now);
	return 1;
}

static void function_reset(struct vgpu_function *fn, bool flr, uint64_t now)
{
	unsigned int r;

	fn->ctx_table = 0;
	fn->ctx_count = 0;
	vgpu_tlb_invalidate(fn, VGPU_INVALIDATE_ALL);
	fn->clock_latched = false;
	for (r = 0; r < VGPU_MAX_RINGS; r++) {
		uint32_t epoch = fn->ring[r].epoch;

		fn->ring[r] = (struct vgpu_ring){
			.size = VGPU_RING_SIZE_MIN,
			.epoch = epoch + 1,
		};
	}
	vgpu_mbox_reset(fn);
	/* Made anew by SR-IOV: nothing is left to be acknowledged. */
	if (!flr) {
		fn->open = false;
		fn->flr = false;
	}
	vgpu_world_gone(fn, now, flr);
	fn->gpu_time_flr = fn->gpu_time;
	fn->served = 0;
}

static void core_reset(struct vgpu_core *core)
{
	unsigned int i;

	core->evq = (struct vgpu_event_queue){
		.size = VGPU_EVQ_SIZE_MIN,
		.retry = VGPU_NEVER,
	};
	vgpu_world_reset_all(core);
	for (i = 0; i < core->functions; i++) {
		struct vgpu_function *fn = &core->fn[i];

		function_reset(fn, false, core->time);
		memset(&fn->told, 0, sizeof(fn->told));
		fn->open = false;
		fn->flr = false;
		fn->preempt_timeout = 0;
		fn->vram_base = 0;
		fn->vram_size = i == VGPU_FUNCTION_PF ? core->config.vram_size : 0;
		fn->image = 0;
		fn->doorbell_limit = 0;
		vgpu_pci_window_changed(fn);
	}
}

/* Resets that came while the device was busy. */
static void do_pending_resets(struct vgpu_core *core)
{
	unsigned int i;

	if (!core->reset_pending || core->gone)
		return;
	core->reset_pending = false;
	for (i = 0; i < core->functions; i++) {
		struct vgpu_function *fn = &core->fn[i];

		if (fn->reset_pending) {
			fn->reset_pending = false;
			function_reset(fn, fn->reset_pending_flr, core->time);
		}
	}
	if (core->core_reset_pending) {
		core->core_reset_pending = false;
		core_reset(core);
	}
}

static void catch_up(struct vgpu_core *core, uint64_t now)
{
	unsigned int effort = 0;
	uint64_t t;

	while (!core->gone && (t = next_time(core)) <= now) {
		/* A stalled engine must not take the clock back. */
		core->time = MAX(core->time, t);
		effort += step(core, core->time);
		do_pending_resets(core);
		if (effort >= EFFORT_MAX && now - core->time > BEHIND_MAX)
			vgpu_engine_stall(core, now);
	}
}

static void arm_timer(struct vgpu_core *core)
{
	uint64_t t = next_time(core);

	if (core->inject.dead)
		t = VGPU_NEVER;
	if (core->gone || t == core->armed)
		return;
	core->armed = t;
	if (t == VGPU_NEVER)
		timer_del(core->timer);
	else
		timer_mod(core->timer, t + core->clock_base);
}

/*
 * Enters the device: what is due has happened, the time is returned. Not to be
 * called while it is busy. Ends with vgpu_core_leave().
 */
uint64_t vgpu_core_enter(struct vgpu_core *core)
{
	uint64_t now = clock_now(core);

	/* What the device writes may be a register that unplugs it. */
	object_ref(OBJECT(core->pf));
	core->busy = true;
	if (!core->inject.dead)
		catch_up(core, now);
	core->time = now;
	return now;
}

void vgpu_core_leave(struct vgpu_core *core)
{
	Object *pf = OBJECT(core->pf);

	do_pending_resets(core);
	core->busy = false;
	arm_timer(core);
	object_unref(pf);
}

static void timer_callback(void *opaque)
{
	struct vgpu_core *core = opaque;

	core->armed = VGPU_NEVER;
	vgpu_core_enter(core);
	vgpu_core_leave(core);
}

/* @flr: a function level reset, rather than one by disabling or a whole bus. */
void vgpu_function_reset(struct vgpu_function *fn, bool flr)
{
	struct vgpu_core *core = fn->core;

	if (core->busy) {
		fn->reset_pending_flr = flr || (fn->reset_pending && fn->reset_pending_flr);
		fn->reset_pending = true;
		core->reset_pending = true;
		return;
	}
	function_reset(fn, flr, vgpu_core_enter(core));
	vgpu_core_leave(core);
}

/* The PF is reset: nothing of the past is told to anybody. */
void vgpu_core_reset(struct vgpu_core *core)
{
	if (core->busy) {
		core->core_reset_pending = true;
		core->reset_pending = true;
		return;
	}
	core->busy = true;
	core->time = clock_now(core);
	memory_region_transaction_begin();
	core_reset(core);
	memory_region_transaction_commit();
	core->busy = false;
	arm_timer(core);
}

void vgpu_function_init(struct vgpu_core *core, unsigned int number, PCIDevice *pci)
{
	struct vgpu_function *fn = &core->fn[number];

	fn->core = core;
	fn->number = number;
	fn->pci = pci;
}

void vgpu_core_init(struct vgpu_core *core)
{
	unsigned int i;

	core->functions = 1 + core->config.vfs;
	core->fn = g_new0(struct vgpu_function, core->functions);
	for (i = 0; i < core->functions; i++)
		vgpu_function_init(core, i, NULL);
	core->inject.never_quiesce = -1;
	core->armed = VGPU_NEVER;
	core->clock_base = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
	core->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, timer_callback, core);
	core->engine.work.scratch = g_new(uint32_t, VGPU_MANDELBROT_TILE *
						    VGPU_MANDELBROT_TILE);
	core_reset(core);
}

void vgpu_core_exit(struct vgpu_core *core)
{
	unsigned int i;

	core->gone = true;
	timer_free(core->timer);
	core->timer = NULL;
	for (i = 0; i < core->functions; i++)
		core->fn[i].pci = NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include "engine.h"

/* So many things can happen in one ns. */
#define SIM_STILL	100000u

static u64 earlier(u64 a, u64 b)
{
	return a < b ? a : b;
}

static void fail(struct sim *sim, const char *error)
{
	if (!sim->failed)
		snprintf(sim->error, sizeof(sim->error), "%s: at %llu ns: %s",
			 sim->sc->file, (unsigned long long)sim->m.now, error);
	sim->failed = true;
}

static u64 draw(struct sim *sim, const struct distribution *latency)
{
	return distribution_draw(latency, &sim->latency);
}

/* ------------------------------------------------------------------------ */
/* What has happened to the device                                           */

static bool is_function(const struct sim *sim, u16 function)
{
	return function < sim->sc->functions;
}

static bool has_engine(const struct model *m)
{
	return m->state == VGPU_ENGINE_RUNNING || m->state == VGPU_ENGINE_QUIESCING;
}

/* Is @function busy? Has its world been lost? */
static void observe_function(struct sim *sim, u16 function)
{
	const struct model_function *dev;
	struct sim_function *fn;

	if (!is_function(sim, function))
		return;
	fn = &sim->fn[function];
	dev = &sim->m.fn[function];
	if (!fn->lost && (dev->world == VGPU_WORLD_NONE || dev->world == VGPU_WORLD_HUNG)) {
		fn->lost = true;
		sim->measure.fn[function].lost += workload_lost(&fn->work);
	}
	measure_busy(&sim->measure, function,
		     dev->open && !dev->flr && dev->work && !fn->lost && !fn->parked);
}

static void observe_slice(struct sim *sim, const struct model_event *event, u64 since)
{
	struct measure_slice slice = {
		.function = event->function,
		.reason = event->info,
		.due = event->sw.deadline,
		.request = event->sw.request,
		.quiesced = event->sw.quiesced,
		.saved = event->sw.saved,
	};

	if (!is_function(sim, event->function))
		return;
	if (slice.due)
		slice.due = max(slice.due, since);
	else
		slice.due = sim->due;
	if (event->info != VGPU_LEAVE_RENEWED)
		sim->due = 0;
	/* Once to finish the command buffer, once to be preempted in the next one. */
	slice.timeout = sim->m.fn[event->function].timeout << sim->boundary;
	measure_slice(&sim->measure, &slice);
}

/* Records that were written since this was called last. */
static void observe_records(struct sim *sim)
{
	u64 since = sim->automatic ? sim->taken_since : sim->armed_since;

	for (; sim->seen < sim->m.posted; sim->seen++) {
		const struct model_event *event;

		event = &sim->m.queue[sim->seen % MODEL_QUEUE];
		if (event->type == VGPU_EVENT_SWITCHED ||
		    event->type == VGPU_EVENT_QUIESCED)
			observe_slice(sim, event, since);
	}
	if (sim->m.automatic && !sim->automatic)
		sim->taken_since = sim->armed_since;
	sim->automatic = sim->m.automatic;
}

static void trace_engine(struct sim *sim)
{
	static const char *const names[] = {
		"empty", "load", "loaded", "run", "quiesce", "quiesced", "save", "reset"
	};
	u16 world = sim->m.world;

	if (sim->measure.trace)
		fprintf(sim->measure.trace, "engine,%llu,%d,%s,\n",
			(unsigned long long)sim->m.now, (short)world,
			names[sim->m.state]);
}

/* After everything that may have changed something, for @function in particular. */
static void observe(struct sim *sim, u16 function, u16 was, enum vgpu_engine_state state)
{
	struct model *m = &sim->m;
	u16 world = m->world;
	bool started = is_function(sim, world) &&
		       m->fn[world].starts != sim->fn[world].starts;

	if (m->state != state || world != was)
		trace_engine(sim);
	if (started) {
		sim->fn[world].starts = m->fn[world].starts;
		measure_world(&sim->measure, world, true);
	}
	/* It may have been asked to leave in the same moment. */
	measure_world(&sim->measure, has_engine(m) ? world : VGPU_FUNCTION_NONE, false);
	observe_function(sim, function);
	observe_function(sim, was);
	observe_function(sim, world);
	observe_records(sim);
	if (m->posted != m->taken && sim->irq_at == SIM_NEVER)
		sim->irq_at = m->now + draw(sim, &sim->sc->irq_latency);
}

/* The world of @function executes until @to. */
static void execute(struct sim *sim, u16 function, u64 to)
{
	struct workload *w = &sim->fn[function].work;
	u64 left = sim->m.fn[function].work;

	workload_progress(w, left - min(left, to - sim->m.now), to);
	sim->work_at = earlier(sim->work_at, w->next);
}

/* The device goes on until @to; nothing of it happens before. */
static void advance(struct sim *sim, u64 to)
{
	struct model *m = &sim->m;
	enum vgpu_engine_state state = m->state;
	u16 was = m->world;

	measure_advance(&sim->measure, to, state, was, has_engine(m) && m->idle);
	if (has_engine(m) && !m->idle && !m->fn[was].stuck)
		execute(sim, was, to);
	model_advance(m, to);
	observe(sim, was, was, state);
}

static u64 stop_point(const struct model *m)
{
	struct sim *sim = m->argument;

	return workload_stop_point(&sim->fn[m->world].work,
				   model_work_left(m, m->world), m->now);
}

static u64 boundary(const struct model *m)
{
	struct sim *sim = m->argument;

	return workload_boundary(&sim->fn[m->world].work,
				 model_work_left(m, m->world), m->now);
}

/* ------------------------------------------------------------------------ */
/* Writes                                                                    */

static void trace_write(struct sim *sim, const struct sim_write *w)
{
	static const char *const names[] = {
		"", "init", "preempt", "save", "load", "run", "reset", "boundary"
	};

	if (!sim->measure.trace)
		return;
	fprintf(sim->measure.trace, "%s,%llu,%d,", w->command ? "command" : "next",
		(unsigned long long)sim->m.now, (short)w->function);
	if (w->command)
		fprintf(sim->measure.trace, "%s,\n", names[w->command]);
	else if (w->valid)
		fprintf(sim->measure.trace, "%llu,%s%s\n",
			(unsigned long long)w->quantum,
			w->flags & SIM_NOW ? " now" : "",
			w->flags & SIM_BOUNDARY ? " boundary" : "");
	else
		fprintf(sim->measure.trace, "disarm,\n");
}

static void perform(struct sim *sim, const struct sim_write *w)
{
	struct model *m = &sim->m;
	enum vgpu_engine_state state = m->state;
	bool armed = m->armed;
	u16 was = m->world;

	trace_write(sim, w);
	if (w->command == VGPU_CMD_BOUNDARY || w->flags & SIM_BOUNDARY)
		sim->boundary = true;
	if (w->command) {
		model_command(m, w->command, w->function);
	} else {
		if (!armed)
			sim->armed_since = m->now;
		model_write_next(m, w->valid, w->function, w->quantum, w->flags);
	}
	observe(sim, w->function, was, state);
}

static void post(struct sim *sim, struct sim_write w)
{
	u64 last = sim->write_last > sim->write_first ?
		   sim->write[(sim->write_last - 1) % SIM_WRITES].at : 0;

	sim->counts.writes++;
	if (sim->write_last - sim->write_first == SIM_WRITES) {
		fail(sim, "the scheduler writes faster than the device takes it");
		return;
	}
	w.at = max(last, sim->m.now + draw(sim, &sim->sc->write_latency));
	sim->write[sim->write_last++ % SIM_WRITES] = w;
}

/**
 * sim_next() - arm NEXT
 * @sim: the simulation
 * @function: the world to load next, or VGPU_FUNCTION_NONE
 * @quantum_ns: its slice, 0 for no deadline
 * @flags: SIM_NOW, SIM_BOUNDARY
 */
void sim_next(struct sim *sim, u16 function, u64 quantum_ns, u32 flags)
{
	post(sim, (struct sim_write){ .valid = true, .function = function,
				      .quantum = quantum_ns, .flags = flags });
}

/**
 * sim_disarm() - disarm NEXT
 * @sim: the simulation
 */
void sim_disarm(struct sim *sim)
{
	post(sim, (struct sim_write){ .function = VGPU_FUNCTION_NONE });
}

/**
 * sim_command() - write a single command
 * @sim: the simulation
 * @command: which one
 * @function: to whom; must exist
 */
void sim_command(struct sim *sim, enum vgpu_world_cmd command, u16 function)
{
	post(sim, (struct sim_write){ .command = command, .function = function });
}

/**
 * sim_set_timeout() - set a preempt timeout
 * @sim: the simulation
 * @function: whose
 * @ns: how long it may take to quiesce, 0 for ever
 */
void sim_set_timeout(struct sim *sim, u16 function, u64 ns)
{
	sim->m.fn[function].timeout = ns;
}

/**
 * sim_read_engine() - read VGPU_PF_ENGINE
 * @sim: the simulation
 * @function: whose world is there, VGPU_FUNCTION_NONE if none; may be NULL
 *
 * Return: what it does.
 */
enum vgpu_engine_state sim_read_engine(struct sim *sim, u16 *function)
{
	sim->counts.reads++;
	if (function)
		*function = sim->m.world;
	return sim->m.state;
}

/**
 * sim_read_runnable() - read VGPU_PF_FN_STATUS
 * @sim: the simulation
 * @function: whose
 *
 * Return: it has work.
 */
bool sim_read_runnable(struct sim *sim, u16 function)
{
	const struct model_function *fn = &sim->m.fn[function];

	sim->counts.reads++;
	return fn->open && !fn->flr && fn->work;
}

/* ------------------------------------------------------------------------ */
/* Time, and what else there is                                              */

/**
 * sim_set_timer() - have a timer fire
 * @sim: the simulation
 * @number: which one
 * @when: device time; it is later by the interrupt latency
 */
void sim_set_timer(struct sim *sim, unsigned int number, u64 when)
{
	sim->timer_at[number] = max(when, sim->m.now) + draw(sim, &sim->sc->irq_latency);
}

void sim_cancel_timer(struct sim *sim, unsigned int number)
{
	sim->timer_at[number] = SIM_NEVER;
}

/**
 * sim_poll() - wait busily
 * @sim: the simulation
 * @number: the timer that fires then
 * @ns: for so long, exactly
 */
void sim_poll(struct sim *sim, unsigned int number, u64 ns)
{
	sim->counts.polls++;
	sim->counts.busy_ns += ns;
	sim->timer_at[number] = sim->m.now + ns;
}

/**
 * sim_due() - tell when the slice under way ought to end
 * @sim: the simulation
 * @when: device time
 *
 * For statistics, where the device does not know it.
 */
void sim_due(struct sim *sim, u64 when)
{
	sim->due = when;
}

/**
 * sim_recover_engine() - have the driver's worker look what is wrong with the engine
 * @sim: the simulation
 *
 * It resets the world that is there; if there is none it calls restart().
 */
void sim_recover_engine(struct sim *sim)
{
	sim->worker_at = earlier(sim->worker_at, sim->m.now + sim->sc->recover_delay);
}

unsigned int sim_functions(const struct sim *sim)
{
	return sim->sc->functions;
}

const struct sim_costs *sim_costs(const struct sim *sim)
{
	return &sim->costs;
}

const char *sim_policy(const struct sim *sim)
{
	return sim->sc->policy;
}

u32 sim_overhead_permille(const struct sim *sim)
{
	return sim->sc->overhead_permille;
}

/* By how much something that was expected may be late without being amiss. */
u64 sim_slack(const struct sim *sim)
{
	return 1000000 + 2 * distribution_max(&sim->sc->irq_latency) +
	       2 * distribution_max(&sim->sc->write_latency);
}

u64 sim_clock(const struct sim *sim)
{
	return sim->m.now;
}

u64 sim_random(struct sim *sim, u64 below)
{
	return random_below(&sim->own, below);
}

static int unsupported(u16 function, const char *what, struct vgpu_sched_why *why)
{
	*why = (struct vgpu_sched_why){
		.function = function,
		.what = what,
		.rule = "is not supported by this scheduler",
		.low = 1,
	};
	return -EOPNOTSUPP;
}

/**
 * sim_supports() - refuse settings that a scheduler does not have
 * @function: whose settings
 * @params: the settings
 * @settings: SIM_*: those that it has
 * @why: filled in
 *
 * Return: 0, or -EOPNOTSUPP: one of the others is not as by default. (A quantum
 * or a preempt timeout that is not used is never refused: all have some.)
 */
int sim_supports(u16 function, const struct vgpu_sched_params *params, u32 settings,
		 struct vgpu_sched_why *why)
{
	if (!(settings & SIM_WEIGHT) && params->weight != VGPU_SCHED_WEIGHT_DEFAULT)
		return unsupported(function, "weight", why);
	if (!(settings & SIM_PRIORITY) &&
	    params->priority != VGPU_SCHED_PRIORITY_NORMAL)
		return unsupported(function, "priority", why);
	if (!(settings & SIM_CAP) && params->cap_quota_ns)
		return unsupported(function, "cap_quota_ns", why);
	if (!(settings & SIM_BUDGET) && params->budget_ns)
		return unsupported(function, "budget_ns", why);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Settings                                                                  */

static const struct {
	const char *what;
	u32 setting;
} droppable[] = {
	{ "weight", SIM_WEIGHT },
	{ "priority", SIM_PRIORITY },
	{ "cap_quota_ns", SIM_CAP },
	{ "budget_ns", SIM_BUDGET },
	{ "quantum_ns", SIM_QUANTUM },
	{ "preempt_timeout_ns", SIM_TIMEOUT },
};

/* Takes the setting that is not supported back to its default. */
static bool drop(struct sim *sim, struct vgpu_sched_params *params, const char *what)
{
	struct scenario_set set = {
		.params = {
			.quantum_ns = VGPU_SCHED_QUANTUM_DEFAULT,
			.preempt_timeout_ns = VGPU_SCHED_TIMEOUT_DEFAULT,
			.weight = VGPU_SCHED_WEIGHT_DEFAULT,
			.priority = VGPU_SCHED_PRIORITY_NORMAL,
		},
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(droppable); i++)
		if (!strcmp(droppable[i].what, what))
			set.given = droppable[i].setting;
	sim->ignored |= set.given;
	scenario_apply(params, &set);
	return set.given;
}

static void refused(struct sim *sim, const struct vgpu_sched_why *why)
{
	char text[256];
	int used;

	used = snprintf(text, sizeof(text), "policy %s refuses: function %u: %s %s",
			sim->sc->policy, why->function, why->what, why->rule);
	if (why->low <= why->high)
		snprintf(text + used, sizeof(text) - used, " (allowed: %llu…%llu)",
			 (unsigned long long)why->low, (unsigned long long)why->high);
	fail(sim, text);
}

static void configure(struct sim *sim, u16 function,
		      const struct vgpu_sched_params *wanted)
{
	struct vgpu_sched_params params = *wanted;
	struct vgpu_sched_why why = { 0 };
	int ret, tries = ARRAY_SIZE(droppable);

	do {
		ret = sim->scheduler->configure(sim->context, function, &params, &why);
	} while (ret == -EOPNOTSUPP && sim->lenient && tries-- &&
		 drop(sim, &params, why.what));
	if (ret) {
		refused(sim, &why);
		return;
	}
	sim->fn[function].params = params;
	/* What it ought to get is what was wanted. */
	measure_weight(&sim->measure, function, wanted->weight);
}

/* Settings have changed, and bounds with them. */
static void note_bounds(struct sim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->sc->functions && sim->scheduler->report; i++) {
		struct sim_report report = { 0 };

		if (!sim->sc->function[i].declared)
			continue;
		sim->scheduler->report(sim->context, i, &report);
		sim->fn[i].lag_bound = max(sim->fn[i].lag_bound, report.lag_bound);
		sim->fn[i].latency_bound = max(sim->fn[i].latency_bound,
					       report.latency_bound);
	}
}

/* ------------------------------------------------------------------------ */
/* Guests                                                                    */

static void change_work(struct sim *sim, u16 function)
{
	struct sim_function *fn = &sim->fn[function];
	struct model *m = &sim->m;
	enum vgpu_engine_state state = m->state;
	struct workload_change change;
	u16 was = m->world;

	change = workload_step(&fn->work, m->now);
	if (fn->lost || !m->fn[function].open || m->fn[function].flr) {
		sim->measure.fn[function].lost += workload_lost(&fn->work);
		return;
	}
	if (change.withdraw) {
		model_withdraw(m, function);
		workload_lost(&fn->work);
	}
	if (change.give)
		model_work(m, function, change.give);
	observe(sim, function, was, state);
}

static void step_guests(struct sim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->sc->functions; i++)
		if (sim->fn[i].work.next <= sim->m.now)
			change_work(sim, i);
	sim->work_at = SIM_NEVER;
	for (i = 0; i < sim->sc->functions; i++)
		sim->work_at = earlier(sim->work_at, sim->fn[i].work.next);
}

static void complete(struct workload *w, void *context, u64 arrived, u64 done)
{
	struct sim *sim = context;
	u16 function = (struct sim_function *)((char *)w -
		       offsetof(struct sim_function, work)) - sim->fn;

	measure_job(&sim->measure, function, arrived, done, w->work->deadline);
}

/* ------------------------------------------------------------------------ */
/* The driver around the scheduler                                           */

static bool recovers_too_often(struct sim *sim, struct sim_function *fn)
{
	if (!sim->sc->recoveries)
		return false;
	if (!fn->recoveries || sim->m.now - fn->minute > 60000000000ull) {
		fn->minute = sim->m.now;
		fn->recoveries = 0;
	}
	return ++fn->recoveries > sim->sc->recoveries;
}

/* The driver hears that the world of @function is lost. */
static void note_loss(struct sim *sim, u16 function)
{
	struct sim_function *fn;

	if (!is_function(sim, function))
		return;
	fn = &sim->fn[function];
	if (fn->told || fn->closed)
		return;
	fn->told = true;
	if (recovers_too_often(sim, fn)) {
		fn->closed = true;
		return;
	}
	fn->recover_at = sim->m.now + sim->sc->recover_delay;
	sim->recover_at = earlier(sim->recover_at, fn->recover_at);
}

/* It is made anew as soon as it is off the engine. */
static void recover(struct sim *sim, u16 function)
{
	struct sim_function *fn = &sim->fn[function];
	struct model *m = &sim->m;

	if (m->world == function ||
	    (sim->scheduler->off_engine &&
	     !sim->scheduler->off_engine(sim->context, function)))
		return;
	fn->recover_at = SIM_NEVER;
	fn->told = false;
	fn->initialising = true;
	if (m->fn[function].flr)
		model_flr_ack(m, function);
	sim_command(sim, VGPU_CMD_INIT, function);
}

static void recover_worlds(struct sim *sim)
{
	unsigned int i;

	sim->recover_at = SIM_NEVER;
	for (i = 0; i < sim->sc->functions; i++) {
		struct sim_function *fn = &sim->fn[i];

		if (fn->recover_at <= sim->m.now)
			recover(sim, i);
		/* Still on its way: looked at again when something has happened. */
		if (fn->recover_at > sim->m.now)
			sim->recover_at = earlier(sim->recover_at, fn->recover_at);
		else
			sim->recover_at = earlier(sim->recover_at, sim->m.now + 10000);
	}
}

static void made_anew(struct sim *sim, u16 function)
{
	struct sim_function *fn = &sim->fn[function];

	if (!fn->initialising || fn->told)
		return;
	fn->initialising = false;
	fn->lost = false;
	sim->scheduler->recovered(sim->context, function);
	workload_restart(&fn->work, sim->m.now);
	sim->work_at = earlier(sim->work_at, fn->work.next);
}

static void handle_records(struct sim *sim)
{
	struct model_event event;

	sim->irq_at = SIM_NEVER;
	while (model_take(&sim->m, &event)) {
		sim->counts.decisions++;
		sim->scheduler->event(sim->context, &event);
		if (event.type == VGPU_EVENT_HANG || event.type == VGPU_EVENT_FLR ||
		    event.type == VGPU_EVENT_RESET ||
		    (event.type == VGPU_EVENT_REFUSED &&
		     (event.detail == VGPU_DETAIL_NEXT || event.detail == VGPU_CMD_LOAD)))
			note_loss(sim, event.function);
		if (event.type == VGPU_EVENT_INITIALISED)
			made_anew(sim, event.function);
	}
}

static void fire(struct sim *sim, unsigned int number)
{
	sim->timer_at[number] = SIM_NEVER;
	handle_records(sim);
	sim->counts.decisions++;
	sim->scheduler->timer(sim->context, number);
}

/* The worker: a switch has not come. */
static void recover_engine(struct sim *sim)
{
	sim->worker_at = SIM_NEVER;
	handle_records(sim);
	if (sim->write_first != sim->write_last)
		return;
	if (sim->m.world == VGPU_FUNCTION_NONE) {
		if (sim->scheduler->restart)
			sim->scheduler->restart(sim->context);
	} else if (sim->m.state != VGPU_ENGINE_RESETTING) {
		sim_command(sim, VGPU_CMD_RESET, sim->m.world);
	}
}

/* ------------------------------------------------------------------------ */
/* Actions                                                                   */

static void change_policy(struct sim *sim, const struct scenario_action *action)
{
	struct vgpu_sched_why why = { 0 };

	if (!sim->scheduler->set_policy)
		fail(sim, "this scheduler has no policies to change");
	else if (sim->scheduler->set_policy(sim->context, action->policy, &why))
		refused(sim, &why);
}

static void act_on(struct sim *sim, const struct scenario_action *action, u16 function)
{
	struct sim_function *fn = &sim->fn[function];
	struct vgpu_sched_params params = fn->params;

	switch (action->kind) {
	case ACTION_SET:
		scenario_apply(&params, &action->set);
		configure(sim, function, &params);
		break;
	case ACTION_PARK:
		fn->parked = true;
		sim->scheduler->park(sim->context, function);
		break;
	case ACTION_UNPARK:
		fn->parked = false;
		sim->scheduler->unpark(sim->context, function);
		break;
	case ACTION_FLR:
		model_flr(&sim->m, function);
		break;
	case ACTION_HANG:
		sim->m.fn[function].stuck = true;
		break;
	case ACTION_RESET:
		sim_command(sim, VGPU_CMD_RESET, function);
		break;
	default:
		break;
	}
}

static void act(struct sim *sim)
{
	const struct scenario_action *action = &sim->sc->action[sim->action++];
	unsigned int i;

	if (action->kind == ACTION_POLICY)
		change_policy(sim, action);
	else if (action->kind == ACTION_STUCK_SAVE)
		sim->m.stuck_phase = true;
	else if (action->kind == ACTION_LOSE)
		sim->m.lose += action->count;
	for (i = 0; i < sim->sc->functions; i++) {
		enum vgpu_engine_state state = sim->m.state;
		u16 was = sim->m.world;

		if (!action->function[i])
			continue;
		act_on(sim, action, i);
		observe(sim, i, was, state);
	}
	if (action->kind == ACTION_SET || action->kind == ACTION_POLICY)
		note_bounds(sim);
}

static u64 action_at(const struct sim *sim)
{
	return sim->action < sim->sc->actions ?
	       sim->sc->action[sim->action].at : SIM_NEVER;
}

/* ------------------------------------------------------------------------ */
/* The loop                                                                  */

static u64 write_at(const struct sim *sim)
{
	return sim->write_first == sim->write_last ?
	       SIM_NEVER : sim->write[sim->write_first % SIM_WRITES].at;
}

static u64 next_time(const struct sim *sim)
{
	u64 t = model_next_time(&sim->m);
	unsigned int i;

	t = earlier(t, write_at(sim));
	t = earlier(t, earlier(sim->irq_at, sim->work_at));
	t = earlier(t, earlier(sim->worker_at, sim->recover_at));
	for (i = 0; i < SIM_TIMERS; i++)
		t = earlier(t, sim->timer_at[i]);
	return earlier(t, action_at(sim));
}

/* One of the things that are due. */
static void step(struct sim *sim)
{
	u64 now = sim->m.now;
	unsigned int i;

	if (write_at(sim) <= now) {
		perform(sim, &sim->write[sim->write_first++ % SIM_WRITES]);
	} else if (sim->work_at <= now) {
		step_guests(sim);
	} else if (action_at(sim) <= now) {
		act(sim);
	} else if (sim->irq_at <= now) {
		handle_records(sim);
	} else if (sim->recover_at <= now) {
		recover_worlds(sim);
	} else if (sim->worker_at <= now) {
		recover_engine(sim);
	} else {
		for (i = 0; i < SIM_TIMERS; i++)
			if (sim->timer_at[i] <= now)
				break;
		if (i < SIM_TIMERS)
			fire(sim, i);
	}
}

static void run_until(struct sim *sim, u64 end)
{
	unsigned int still = 0;
	u64 t;

	while (!sim->failed && (t = next_time(sim)) <= end) {
		still = t > sim->m.now ? 0 : still + 1;
		if (still > SIM_STILL)
			fail(sim, "time stands still: the scheduler and the device answer each other for ever");
		advance(sim, t);
		step(sim);
	}
	advance(sim, end);
}

/**
 * sim_run() - simulate
 * @sim: the simulation
 *
 * Return: 0, or -EINVAL with &sim.error set.
 */
int sim_run(struct sim *sim)
{
	u64 begin = sim->m.now;

	if (sim->sc->warmup && !sim->failed) {
		run_until(sim, begin + sim->sc->warmup);
		measure_begin(&sim->measure);
	}
	if (!sim->failed)
		run_until(sim, begin + sim->sc->duration);
	measure_end(&sim->measure);
	return sim->failed ? -EINVAL : 0;
}

static void init_device(struct sim *sim)
{
	struct model *m = &sim->m;
	struct model_event event;
	unsigned int i;

	model_init(m, sim->sc->functions);
	m->now = 0;
	m->save_ns = sim->sc->save_ns;
	m->load_ns = sim->sc->load_ns;
	m->reset_ns = sim->sc->reset_ns;
	m->stop = stop_point;
	m->boundary = boundary;
	m->argument = sim;
	for (i = 0; i < sim->sc->functions; i++) {
		m->fn[i].group = sim->sc->group_ns;
		model_open(m, i, true);
		model_command(m, VGPU_CMD_INIT, i);
	}
	while (model_take(m, &event))
		;
	sim->seen = m->posted;
}

static void init_function(struct sim *sim, u16 function)
{
	const struct scenario_function *sf = &sim->sc->function[function];
	struct sim_function *fn = &sim->fn[function];

	fn->recover_at = SIM_NEVER;
	workload_init(&fn->work, &sf->work, sim->sc->group_ns,
		      random_seed(sim->sc->seed, 16 + function));
	fn->work.complete = complete;
	fn->work.context = sim;
	sim->work_at = earlier(sim->work_at, fn->work.next);
	measure_weight(&sim->measure, function, sf->params.weight);
}

/* Reservations last: they depend on the preempt timeouts of all. */
static void init_settings(struct sim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->sc->functions; i++) {
		struct vgpu_sched_params params = sim->sc->function[i].params;

		params.budget_ns = 0;
		params.period_ns = 0;
		if (sim->sc->function[i].declared)
			configure(sim, i, &params);
	}
	for (i = 0; i < sim->sc->functions; i++)
		if (sim->sc->function[i].params.budget_ns)
			configure(sim, i, &sim->sc->function[i].params);
}

static void init_trace(struct sim *sim, const struct sim_options *options)
{
	sim->measure.trace = options->trace;
	sim->measure.trace_every = max(options->trace_every, 1);
	sim->measure.lag = sim->scheduler->lag;
	sim->measure.lag_context = sim->context;
	if (options->trace)
		fprintf(options->trace, "kind,time_ns,function,value,scheduler\n");
}

/**
 * sim_new() - make a simulation
 * @sc: what shall happen; kept
 * @options: how
 *
 * Return: the simulation; what is wrong with it is told by sim_run().
 */
struct sim *sim_new(const struct scenario *sc, const struct sim_options *options)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	unsigned int i;

	sim->sc = sc;
	sim->lenient = options->lenient;
	sim->latency = random_seed(sc->seed, 1);
	sim->own = random_seed(sc->seed, 2);
	sim->irq_at = SIM_NEVER;
	sim->worker_at = SIM_NEVER;
	sim->work_at = SIM_NEVER;
	sim->recover_at = SIM_NEVER;
	for (i = 0; i < SIM_TIMERS; i++)
		sim->timer_at[i] = SIM_NEVER;
	sim->costs = (struct sim_costs){
		.save_ns = sc->save_ns,
		.load_ns = sc->load_ns,
		.reset_ns = sc->reset_ns,
		.group_ns = sc->group_ns,
		.hw_deadline = sc->hw_deadline,
	};
	init_device(sim);
	measure_init(&sim->measure, sc->functions, 0);
	sim->scheduler = sim_find_scheduler(sc->policy);
	sim->context = sim->scheduler->create(sim);
	init_trace(sim, options);
	for (i = 0; i < sc->functions; i++)
		init_function(sim, i);
	init_settings(sim);
	for (i = 0; i < sc->functions && !sim->failed; i++)
		if (sc->function[i].declared)
			sim->scheduler->start(sim->context, i);
	note_bounds(sim);
	return sim;
}

void sim_free(struct sim *sim)
{
	unsigned int i;

	sim->scheduler->destroy(sim->context);
	for (i = 0; i < sim->sc->functions; i++)
		workload_exit(&sim->fn[i].work);
	measure_exit(&sim->measure);
	free(sim);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include "system.h"

/* Far from zero, which means "none" in times. */
#define START		(1000000 * TICK)

static struct system the_system;
static u64 the_core[2048];

const struct setup *setup;
struct system *const system_now = &the_system;
struct vgpu_sched *const system_core = (struct vgpu_sched *)the_core;
struct verdict verdict;

#define sys	(&the_system)
#define core	system_core

static u64 now(void)
{
	return sys->d.now;
}

static void broken(const char *property)
{
	if (!verdict.broken)
		verdict.broken = property;
}

/* ------------------------------------------------------------------------ */
/* Writes                                                                    */

static void write_later(struct write w)
{
	if (sys->writes == SYSTEM_WIRE) {
		broken("more writes at once than a decision can need");
		return;
	}
	sys->write[sys->writes++] = w;
}

static void write_arrives(void)
{
	struct write w = sys->write[0];

	sys->writes--;
	memmove(&sys->write[0], &sys->write[1], sys->writes * sizeof(w));
	memset(&sys->write[sys->writes], 0, sizeof(w));
	if (w.command)
		device_command(&sys->d, w.command, w.function);
	else
		device_next(&sys->d, w.valid, w.function, w.quantum, w.flags);
}

/* A register read is behind all writes. */
static void read_register(void)
{
	while (sys->writes)
		write_arrives();
}

static void command(enum vgpu_world_cmd cmd, u16 function)
{
	write_later((struct write){ .command = cmd, .function = function });
}

/* ------------------------------------------------------------------------ */
/* The policy that may want anything, at any moment                          */

static bool wishes(enum whim whim)
{
	return sys->whim & 1u << whim;
}

static void any_reset(struct vgpu_sched *s)
{
}

static int any_admit(const struct vgpu_sched *s, u16 function,
		     const struct vgpu_sched_params *params,
		     struct vgpu_sched_why *why)
{
	return 0;
}

static void any_queue(struct vgpu_sched *s, u16 function)
{
}

static bool any_pick(struct vgpu_sched *s, u64 now, struct vgpu_sched_choice *choice)
{
	u16 f, first = VGPU_FUNCTION_NONE;

	for (f = 0; f < setup->functions; f++)
		if (s->function[f].queued &&
		    (first == VGPU_FUNCTION_NONE || wishes(WHIM_OTHER)))
			first = f;
	if (first == VGPU_FUNCTION_NONE)
		return false;
	if (s->running != VGPU_FUNCTION_NONE && !s->gone && wishes(WHIM_RENEW) &&
	    s->function[s->running].runnable && !s->function[s->running].parked)
		first = s->running;
	choice->function = first;
	choice->quantum_ns = wishes(WHIM_ENDLESS) ? 0 : 2 * TICK;
	choice->now = wishes(WHIM_NOW) && first != s->running;
	choice->boundary = wishes(WHIM_BOUNDARY);
	return true;
}

static u64 any_latency_bound(const struct vgpu_sched *s, u16 function)
{
	return vgpu_sched_round_robin.latency_bound(s, function);
}

static const struct vgpu_sched_policy any = {
	.name		= "any",
	.reset		= any_reset,
	.admit		= any_admit,
	.enqueue	= any_queue,
	.dequeue	= any_queue,
	.pick		= any_pick,
	.latency_bound	= any_latency_bound,
};

static const struct vgpu_sched_policy *find_policy(const char *name)
{
	return strcmp(name, "any") ? vgpu_sched_find_policy(name) : &any;
}

/* ------------------------------------------------------------------------ */
/* Callbacks                                                                 */

static void on_arm(void *context, u16 function, u64 quantum_ns, u32 flags)
{
	if (setup->classic)
		vgpu_sequencer_arm(&sys->q, function, quantum_ns, flags, now());
	else
		write_later((struct write){ .valid = true, .function = function,
					    .quantum = quantum_ns, .flags = flags });
}

static void on_disarm(void *context)
{
	if (setup->classic)
		vgpu_sequencer_disarm(&sys->q);
	else
		write_later((struct write){ .function = VGPU_FUNCTION_NONE });
}

static void on_timer(void *context, u64 when)
{
	sys->timer = when;
}

static void on_overdue(void *context, u16 function)
{
	unsigned int f;

	sys->recover = true;
	sys->stuck = function;
	if (++sys->overdues > 3)
		broken("escalated again and again, and nothing comes of it");
	if (sys->budget == setup->budget)
		broken("escalated without a fault");
	for (f = 0; f < setup->functions; f++) {
		sys->fn[f].waits_for = 0;
		sys->fn[f].owed_for = 0;
	}
}

/*
 * Is its world on the engine, or can it get there without a further write? A
 * write on its way is refused if the world is lost: what makes it anew is behind.
 */
static bool can_be_on_engine(u16 function)
{
	const struct device *d = &sys->d;
	bool exists = !d->fn[function].flr &&
		      (d->fn[function].world == VGPU_WORLD_SAVED ||
		       d->fn[function].world == VGPU_WORLD_ON_ENGINE);
	unsigned int i;

	for (i = 0; i < sys->writes; i++)
		if (sys->write[i].function == function && exists &&
		    (sys->write[i].valid || sys->write[i].command == VGPU_CMD_LOAD))
			return true;
	return d->world == function || (d->armed && d->next == function) ||
	       (d->automatic && d->sw.to == function && !d->to_lost);
}

static void on_parked(void *context, u16 function)
{
	struct driver *fn = &sys->fn[function];

	if (!fn->owed)
		broken("a park is answered that nobody has asked for");
	if (can_be_on_engine(function))
		broken("two worlds: one that is parked is on the engine");
	fn->owed = false;
	fn->owed_for = 0;
	fn->left = true;
}

static const struct vgpu_sched_ops sched_ops = {
	.arm		= on_arm,
	.disarm		= on_disarm,
	.set_timer	= on_timer,
	.overdue	= on_overdue,
	.parked		= on_parked,
};

static void on_command(void *context, enum vgpu_world_cmd cmd, u16 function)
{
	command(cmd, function);
}

static void on_alarm(void *context, u64 when)
{
	sys->alarm = when;
}

static void on_cancel(void *context)
{
	sys->alarm = 0;
}

static void switched(const struct vgpu_sched_switch *sw)
{
	vgpu_sched_switched(core, sw, now());
	if (!sys->twice)
		return;
	sys->twice = false;
	vgpu_sched_switched(core, sw, now());
}

static void on_switched(void *context, const struct vgpu_sched_switch *sw)
{
	switched(sw);
}

static const struct vgpu_sequencer_ops sequencer_ops = {
	.command	= on_command,
	.set_timer	= on_alarm,
	.cancel_timer	= on_cancel,
	.switched	= on_switched,
};

/* ------------------------------------------------------------------------ */
/* Records: pf/world.c and pf/events.c                                       */

static u64 time_of(const struct device_record *record)
{
	switch (record->type) {
	case VGPU_EVENT_QUIESCED:
	case VGPU_EVENT_RESET:
		return record->sw.quiesced;
	case VGPU_EVENT_SAVED:
		return record->sw.saved;
	case VGPU_EVENT_LOADED:
		return record->sw.loaded;
	case VGPU_EVENT_RUNNING:
	case VGPU_EVENT_SWITCHED:
		return record->sw.running;
	default:
		return record->sw.request;
	}
}

static void note_refused(const struct device_record *record)
{
	if (record->detail == VGPU_DETAIL_NEXT || record->detail == VGPU_CMD_LOAD) {
		vgpu_sched_refused(core, record->function, now());
		sys->fn[record->function].lost = true;
	} else if (record->detail == VGPU_CMD_SAVE &&
		   record->info == VGPU_REFUSED_BAD_IMAGE) {
		sys->fn[record->function].lost = true;
	}
}

static void feed_core(const struct device_record *record)
{
	u16 function = record->function;

	switch (record->type) {
	case VGPU_EVENT_SWITCHED:
		switched(&record->sw);
		break;
	case VGPU_EVENT_RUNNABLE:
		vgpu_sched_wake(core, function, record->sw.request, now());
		break;
	case VGPU_EVENT_IDLE:
		vgpu_sched_sleep(core, function, record->sw.request, now());
		break;
	case VGPU_EVENT_HANG:
		vgpu_sched_hang(core, function, now());
		sys->fn[function].lost = true;
		break;
	case VGPU_EVENT_FLR:
		vgpu_sched_flr(core, function, now());
		sys->fn[function].flr = true;
		break;
	case VGPU_EVENT_RESET:
		vgpu_sched_reset(core, function, now());
		sys->fn[function].lost = true;
		break;
	case VGPU_EVENT_REFUSED:
		note_refused(record);
		break;
	case VGPU_EVENT_LOST:
		vgpu_sched_lost(core, now());
		break;
	case VGPU_EVENT_INITIALISED:
		sys->fn[function].made = true;
		break;
	}
}

static void feed(const struct device_record *record)
{
	struct vgpu_sequencer_event event = {
		.type = record->type, .function = record->function,
		.info = record->info, .detail = record->detail,
		.request = record->sw.request, .when = time_of(record),
	};

	switch (record->type) {
	case VGPU_EVENT_SWITCHED:
	case VGPU_EVENT_QUIESCED:
	case VGPU_EVENT_SAVED:
	case VGPU_EVENT_LOADED:
	case VGPU_EVENT_RUNNING:
	case VGPU_EVENT_RESET:
		sys->overdues = 0;
	}
	/* No two records are of the same moment; here they may be. */
	memset(&core->last, 0, sizeof(core->last));
	feed_core(record);
	if (setup->classic)
		vgpu_sequencer_event(&sys->q, &event, now());
}

static bool take_all(void)
{
	struct device_record record;
	bool any = false;

	while (device_take(&sys->d, &record)) {
		feed(&record);
		any = true;
	}
	return any;
}

/* ------------------------------------------------------------------------ */
/* The worker: pf/function.c and vgpu_pf_world_recover()                     */

static void park(u16 function, u32 reason)
{
	struct driver *fn = &sys->fn[function];

	if (vgpu_sched_park(core, function, reason, now()) == -EINPROGRESS) {
		if (!fn->owed)
			fn->owed_for = 0;
		fn->owed = true;
		return;
	}
	fn->left = true;
	if (can_be_on_engine(function))
		broken("two worlds: one that is parked is on the engine");
}

static void unpark(u16 function, u32 reasons)
{
	vgpu_sched_unpark(core, function, reasons, now());
	if (!vgpu_sched_parked(core, function)) {
		sys->fn[function].owed = false;
		sys->fn[function].owed_for = 0;
	}
}

static void leave(u16 function)
{
	struct driver *fn = &sys->fn[function];

	fn->acknowledge |= fn->flr;
	fn->lost = false;
	fn->flr = false;
	if (fn->life == LIFE_LEAVING)
		return;
	fn->life = LIFE_LEAVING;
	fn->left = false;
	park(function, VGPU_SCHED_PARK_DISABLED);
}

static void make(u16 function)
{
	struct driver *fn = &sys->fn[function];

	fn->left = false;
	if (fn->acknowledge) {
		read_register();
		fn->acknowledge = false;
		unpark(function, VGPU_SCHED_PARK_FLR);
		device_flr_ack(&sys->d, function);
	}
	fn->life = LIFE_MAKING;
	command(VGPU_CMD_INIT, function);
}

static void finish(u16 function)
{
	struct driver *fn = &sys->fn[function];

	fn->made = false;
	fn->life = LIFE_OPEN;
	unpark(function, VGPU_SCHED_PARK_DISABLED | VGPU_SCHED_PARK_HUNG |
			 VGPU_SCHED_PARK_RESET | VGPU_SCHED_PARK_REFUSED);
	read_register();
	if (device_runnable(&sys->d, function))
		vgpu_sched_wake(core, function, now(), now());
}

static bool worker_has_work(u16 function)
{
	const struct driver *fn = &sys->fn[function];

	return fn->flr || (fn->lost && fn->life == LIFE_OPEN) ||
	       (fn->left && fn->life == LIFE_LEAVING) ||
	       (fn->made && fn->life == LIFE_MAKING);
}

static void worker(u16 function)
{
	const struct driver *fn = &sys->fn[function];

	if (fn->flr || (fn->lost && fn->life == LIFE_OPEN))
		leave(function);
	else if (fn->left && fn->life == LIFE_LEAVING)
		make(function);
	else
		finish(function);
}

static void recover(void)
{
	const struct device *d = &sys->d;
	u16 world;

	sys->recover = false;
	read_register();
	world = d->world;
	if (take_all() || !sys->overdues)
		return;
	if (d->state == VGPU_ENGINE_EMPTY) {
		sys->alarm = 0;
		sys->timer = 0;
		vgpu_sequencer_init(&sys->q, &sequencer_ops, sys);
		vgpu_sched_restart(core, now());
	} else if (world != sys->stuck && sys->overdues == 1) {
		vgpu_sched_lost(core, now());
	} else if (d->state != VGPU_ENGINE_RESETTING) {
		command(VGPU_CMD_RESET, world);
	}
}

/* ------------------------------------------------------------------------ */
/* Properties                                                                */

/* Longest time in ticks for which anybody may wait for anything. */
static unsigned int bound;

/* Without faults, the policy's bound; else until a loss is noticed, besides. */
static void set_bound(void)
{
	unsigned int records = setup->classic ? 5 : 2;
	unsigned int slack = core->config.overdue_slack_ns / TICK;

	bound = vgpu_sched_latency_bound(core, 0) / TICK + 1 +
		setup->functions * records * setup->irq_ticks;
	if (setup->faults & (FAULT_JAM | FAULT_LOSE | FAULT_VANISH))
		bound += 2 * (DEVICE_TIMEOUT + 1 + 1 + slack);
}

static bool wants_engine(u16 f)
{
	const struct device *d = &sys->d;

	/* Nobody but the administrator and a lost world keeps it off. */
	return device_runnable(d, f) && !sys->fn[f].paused &&
	       sys->fn[f].life == LIFE_OPEN && !sys->fn[f].flr && !sys->fn[f].lost &&
	       !(d->world == f && (d->state == VGPU_ENGINE_RUNNING ||
				   d->state == VGPU_ENGINE_QUIESCING));
}

static void count_waiting(void)
{
	u16 f;

	for (f = 0; f < setup->functions; f++) {
		struct driver *fn = &sys->fn[f];

		fn->waits_for = wants_engine(f) && core->policy != &any ?
				fn->waits_for + 1 : 0;
		fn->owed_for = fn->owed ? fn->owed_for + 1 : 0;
		verdict.waits_for = max(verdict.waits_for, fn->waits_for);
		verdict.owed_for = max(verdict.owed_for, fn->owed_for);
		if (fn->waits_for > bound)
			broken("a wake-up is forgotten");
		if (fn->owed_for > bound)
			broken("a park is not answered");
	}
}

static void check_device(void)
{
	const struct device *d = &sys->d;
	unsigned int worlds = 0;
	u16 f;

	for (f = 0; f < setup->functions; f++)
		worlds += d->fn[f].world == VGPU_WORLD_ON_ENGINE;
	if (d->two_worlds || worlds > 1)
		broken("two worlds are loaded");
	if (d->init_refused)
		broken("two worlds: one is made while it is on the engine");
	if (setup->classic && d->refused_state && sys->budget == setup->budget)
		broken("a command is given that is not legal");
}

/* What core.h promises whenever no call is under way. */
static void check_core(void)
{
	const struct vgpu_sched *s = core;
	bool runs = s->running != VGPU_FUNCTION_NONE;
	bool queued = false;
	u16 f;

	for (f = 0; f < setup->functions; f++) {
		const struct vgpu_sched_function *fn = &s->function[f];
		bool wanted = fn->runnable && !fn->parked && !fn->throttled &&
			      s->running != f;

		queued |= fn->queued;
		if (fn->queued != wanted)
			broken("the queue is not who has work, and neither runs nor is parked");
		if (vgpu_sched_off_engine(s, f) && fn->parked && can_be_on_engine(f) &&
		    sys->budget == setup->budget)
			broken("two worlds: one that is off the engine is on it");
	}
	if (queued && !s->armed)
		broken("somebody waits, and NEXT is not armed");
	if (runs && !s->gone && s->function[s->running].parked && !s->armed)
		broken("a parked world is on the engine, and NEXT is not armed");
	if (s->unsure || (s->gone && !runs))
		broken("the core's state contradicts itself");
	if (s->expected && !(s->timer && s->timer <= s->expected))
		broken("a record is expected, and no timer is set");
	if (s->timer != sys->timer)
		broken("the timer is not set to what the core believes");
}

/* With nothing on its way the core's view is the device's state. */
static void check_view(void)
{
	const struct vgpu_sched *s = core;
	const struct device *d = &sys->d;

	if (sys->writes || d->records || d->automatic || s->doubt ||
	    sys->budget != setup->budget ||
	    (d->state != VGPU_ENGINE_RUNNING && d->state != VGPU_ENGINE_EMPTY) ||
	    (setup->classic && sys->q.state != VGPU_SEQUENCER_EMPTY &&
	     sys->q.state != VGPU_SEQUENCER_RUNNING))
		return;
	if (vgpu_sched_running(s) != d->world ||
	    (setup->classic && sys->q.world != d->world))
		broken("the core is mistaken about who is on the engine");
	if (s->armed != (setup->classic ? sys->q.armed : d->armed) ||
	    (!setup->classic && d->armed && d->next != s->next))
		broken("the core is mistaken about what is armed");
}

static void check_counts(void)
{
	const struct vgpu_sched_engine *e = &core->engine;

	if (sys->budget != setup->budget)
		return;
	if (e->backwards || e->missing || e->duplicates || e->unexpected ||
	    e->unknown || e->lost || e->refused)
		broken("something strange is counted without a fault");
	if (e->rearmed && !setup->early)
		broken("a switch is late without a fault");
}

static void check(void)
{
	u16 f;

	for (f = 0; f < setup->functions; f++)
		if (!wants_engine(f))
			sys->fn[f].waits_for = 0;
	check_device();
	check_core();
	check_view();
	check_counts();
}

/* ------------------------------------------------------------------------ */
/* Steps                                                                     */

/* What happens of itself always can; what can wait does so for the other side. */
static bool has_room(void)
{
	return sys->d.records < DEVICE_BACKLOG;
}

static bool wire_has_room(void)
{
	return sys->writes <= SYSTEM_WIRE - 4;
}

static bool may_pause(void)
{
	return sys->pauses && sys->writes <= 2;
}

static bool can_tick(void)
{
	const struct device *d = &sys->d;
	unsigned int i;

	if (sys->writes || device_must_move(d) || device_remembers(d) ||
	    sys->recover || !has_room())
		return false;
	for (i = 0; i < d->records; i++)
		if (d->queue[i].age >= setup->irq_ticks)
			return false;
	for (i = 0; i < setup->functions; i++)
		if (worker_has_work(i))
			return false;
	return !(sys->timer && sys->timer <= now()) &&
	       !(sys->alarm && sys->alarm <= now());
}

static bool can_fault(enum action action, u16 f)
{
	const struct device *d = &sys->d;

	if (!sys->budget || !(setup->faults & 1u << (action - ACTION_HANG)))
		return false;
	switch (action) {
	case ACTION_HANG:
		return device_runnable(d, f) && !d->fn[f].stuck;
	case ACTION_FLR:
		return f && !d->fn[f].flr && has_room();
	case ACTION_IMAGE:
		return !d->fn[f].spoilt && d->fn[f].world == VGPU_WORLD_SAVED;
	case ACTION_JAM:
		return !f && !d->jammed && (d->state == VGPU_ENGINE_SAVING ||
					    d->state == VGPU_ENGINE_LOADING);
	case ACTION_TWICE:
		return !f && !sys->twice;
	default:
		return !f && !d->lose;
	}
}

static bool is_time(u64 when)
{
	return when ? when <= now() || setup->early : false;
}

static bool can(struct step step)
{
	const struct device *d = &sys->d;
	u16 f = step.function;

	switch (step.action) {
	case ACTION_STOP:
		return !f && has_room() && device_can_stop(d);
	case ACTION_END:
		return !f && has_room() && device_can_end(d);
	case ACTION_FINISH:
		return !f && has_room() && device_can_finish(d);
	case ACTION_TELL:
		return !f && has_room() && device_remembers(d);
	case ACTION_ARRIVE:
		return !f && sys->writes && d->records + DEVICE_ROOM <= DEVICE_QUEUE;
	case ACTION_RECORD:
		return !f && wire_has_room() && d->records;
	case ACTION_TIMER:
		return !f && !sys->writes && is_time(sys->timer);
	case ACTION_ALARM:
		return !f && !sys->writes && is_time(sys->alarm);
	case ACTION_WORKER:
		return wire_has_room() && has_room() && worker_has_work(f);
	case ACTION_RECOVER:
		return !f && !sys->writes && has_room() && sys->recover;
	case ACTION_WORK:
		return has_room() && d->fn[f].open && !d->fn[f].flr && !d->fn[f].work;
	case ACTION_PAUSE:
		return may_pause() && !sys->fn[f].paused;
	case ACTION_RESUME:
		return sys->writes <= 2 && sys->fn[f].paused;
	case ACTION_WHIM:
		return sys->whims;
	case ACTION_TICK:
		return !f && can_tick();
	default:
		return can_fault(step.action, f);
	}
}

unsigned int system_steps(struct step step[STEPS_MAX])
{
	unsigned int action, f, n = 0;

	if (setup->quick && sys->writes &&
	    sys->d.records + DEVICE_ROOM <= DEVICE_QUEUE) {
		step[0] = (struct step){ ACTION_ARRIVE, 0 };
		return 1;
	}
	for (action = 0; action < ACTIONS; action++) {
		for (f = 0; f < (action == ACTION_WHIM ? WHIMS : setup->functions); f++) {
			step[n] = (struct step){ action, f };
			n += can(step[n]);
		}
	}
	return n;
}

static void do_fault(struct step step)
{
	struct device *d = &sys->d;
	unsigned int f;

	sys->budget--;
	for (f = 0; f < setup->functions; f++) {
		sys->fn[f].waits_for = 0;
		sys->fn[f].owed_for = 0;
	}
	switch (step.action) {
	case ACTION_HANG:
		d->fn[step.function].stuck = true;
		break;
	case ACTION_FLR:
		device_flr(d, step.function);
		break;
	case ACTION_IMAGE:
		d->fn[step.function].spoilt = true;
		break;
	case ACTION_JAM:
		d->jammed = true;
		break;
	case ACTION_LOSE:
		d->lose = true;
		break;
	case ACTION_VANISH:
		d->lose = true;
		d->vanish = true;
		break;
	case ACTION_TWICE:
		sys->twice = true;
		break;
	}
}

static void take_one(void)
{
	struct device_record record;

	if (device_take(&sys->d, &record))
		feed(&record);
}

static void timer_expires(void)
{
	take_all();
	sys->timer = 0;
	vgpu_sched_timer(core, now());
}

static void alarm_expires(void)
{
	take_all();
	sys->alarm = 0;
	vgpu_sequencer_timer(&sys->q, now());
}

static void tick(void)
{
	device_tick(&sys->d);
	count_waiting();
}

static void do_driver(struct step step)
{
	u16 f = step.function;

	switch (step.action) {
	case ACTION_RECORD:
		take_one();
		break;
	case ACTION_TIMER:
		timer_expires();
		break;
	case ACTION_ALARM:
		alarm_expires();
		break;
	case ACTION_WORKER:
		worker(f);
		break;
	case ACTION_RECOVER:
		recover();
		break;
	case ACTION_PAUSE:
		sys->pauses--;
		sys->fn[f].paused = true;
		park(f, VGPU_SCHED_PARK_PAUSED);
		break;
	case ACTION_RESUME:
		sys->fn[f].paused = false;
		unpark(f, VGPU_SCHED_PARK_PAUSED);
		break;
	case ACTION_WHIM:
		sys->whims--;
		sys->whim ^= 1u << f;
		break;
	default:
		do_fault(step);
	}
}

/* Lets @step happen, and sees what of it is not as it should be. */
void system_do(struct step step)
{
	struct device *d = &sys->d;

	switch (step.action) {
	case ACTION_STOP:
		device_stop(d);
		break;
	case ACTION_END:
		device_end(d);
		break;
	case ACTION_FINISH:
		device_finish(d);
		break;
	case ACTION_TELL:
		device_tell(d);
		break;
	case ACTION_ARRIVE:
		write_arrives();
		break;
	case ACTION_WORK:
		device_work(d, step.function);
		break;
	case ACTION_TICK:
		tick();
		break;
	default:
		do_driver(step);
	}
	check();
}

/* ------------------------------------------------------------------------ */

void system_init(const struct setup *with)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	struct vgpu_sched_config config = {
		.functions = with->functions,
		.save_ns = TICK,
		.load_ns = TICK,
		.reset_ns = TICK,
		.overdue_slack_ns = ((with->classic ? 5 : 1) * with->irq_ticks + 2) * TICK,
		.boundary = true,
		.policy = find_policy(with->policy),
	};
	unsigned int f;

	setup = with;
	verdict = (struct verdict){ 0 };
	memset(sys, 0, sizeof(*sys));
	device_init(&sys->d, with->functions, START + with->later * TICK);
	sys->budget = with->budget;
	sys->pauses = with->pauses;
	sys->whims = with->whims;
	vgpu_sequencer_init(&sys->q, &sequencer_ops, sys);
	if (sizeof(the_core) < vgpu_sched_size(with->functions) ||
	    vgpu_sched_init(core, &config, &sched_ops, sys, now()))
		broken("the core cannot be made");
	for (f = 0; f < with->functions; f++) {
		vgpu_sched_get_params(core, f, &params);
		params.quantum_ns = 2 * TICK;
		params.preempt_timeout_ns = DEVICE_TIMEOUT * TICK;
		if (vgpu_sched_set_params(core, f, &params, &why, now()))
			broken("the settings are refused");
		sys->d.fn[f].open = true;
		sys->d.fn[f].world = VGPU_WORLD_SAVED;
		vgpu_sched_unpark(core, f, VGPU_SCHED_PARK_DISABLED, now());
	}
	set_bound();
}

void system_name(struct step step, char *text, size_t bytes)
{
	static const char * const name[ACTIONS] = {
		[ACTION_STOP]		= "the world stops",
		[ACTION_END]		= "the save, load or reset ends",
		[ACTION_FINISH]		= "the world has no work left",
		[ACTION_TELL]		= "the device tells what it remembered",
		[ACTION_ARRIVE]		= "a write arrives",
		[ACTION_RECORD]		= "a record is taken",
		[ACTION_TIMER]		= "the core's timer expires",
		[ACTION_ALARM]		= "the sequencer's timer expires",
		[ACTION_WORKER]		= "the worker cares for %u",
		[ACTION_RECOVER]	= "the worker looks at the engine",
		[ACTION_WORK]		= "%u gets work",
		[ACTION_PAUSE]		= "%u is paused",
		[ACTION_RESUME]		= "%u is resumed",
		[ACTION_WHIM]		= "the policy changes its mind (%u)",
		[ACTION_HANG]		= "%u begins to hang",
		[ACTION_FLR]		= "FLR of %u",
		[ACTION_IMAGE]		= "the image of %u is spoilt",
		[ACTION_JAM]		= "the save or load jams",
		[ACTION_LOSE]		= "the next answer will be lost",
		[ACTION_VANISH]		= "the next answer will vanish",
		[ACTION_TWICE]		= "the next record will come twice",
		[ACTION_TICK]		= "time passes",
	};

	if (strchr(name[step.action], '%'))
		snprintf(text, bytes, "%.*s%u%s",
			 (int)(strchr(name[step.action], '%') - name[step.action]),
			 name[step.action], step.function,
			 strchr(name[step.action], '%') + 2);
	else
		snprintf(text, bytes, "%s", name[step.action]);
}

/* One line about the state, behind a step of a trace. */
void system_print(void)
{
	static const char * const state[] = {
		"empty", "loading", "loaded", "running", "quiescing", "quiesced",
		"saving", "resetting",
	};
	const struct device *d = &sys->d;
	const struct vgpu_sched *s = core;

	printf("engine %s %d", state[d->state], (short)d->world);
	if (d->armed)
		printf(", next %d%s", (short)d->next, d->next_now ? " now" : "");
	if (sys->writes)
		printf(", %u on the wire", sys->writes);
	if (d->records)
		printf(", %u in the queue", d->records);
	printf("; core: running %d%s", (short)s->running, s->gone ? " gone" : "");
	if (s->armed)
		printf(", armed %d%s", (short)s->next, s->now ? " now" : "");
	if (s->boundary)
		printf(" at a boundary");
	if (s->doubt)
		printf(", doubt");
}

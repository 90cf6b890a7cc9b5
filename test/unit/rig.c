// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "random.h"
#include "rig.h"

static void fail_test(const char *what, const char *file, int line)
{
	print_error("%s\n", what);
	_fail(file, line);
}

void (*rig_failed)(const char *what, const char *file, int line) = fail_test;

u64 rig_random(struct rig *r, u64 below)
{
	return random_below(&r->seed, below);
}

/*
 * How long something takes, at most @limit. It depends on the moment and on
 * @salt, not on what was drawn before: a trace of which a part is left out
 * keeps the latencies of the rest. The mixer is splitmix64 (S. Vigna).
 */
static u64 delay(const struct rig *r, u64 limit, u64 salt)
{
	u64 z = r->delays + (r->m.now << 4 | salt) * 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return limit ? (z ^ z >> 31) % (limit + 1) : 0;
}

u64 rig_clock(const struct rig *r)
{
	return r->m.now + r->clock_error;
}

void rig_note(struct rig *r, const char *what, unsigned int a, unsigned int b,
	      unsigned int c)
{
	r->log[r->logged++ % RIG_LOG] = (struct rig_log){ r->m.now, what, a, b, c };
}

void rig_print_log(const struct rig *r)
{
	u64 i = r->logged > RIG_LOG ? r->logged - RIG_LOG : 0;

	for (; i < r->logged; i++) {
		const struct rig_log *log = &r->log[i % RIG_LOG];

		printf("# %12llu %-10s %5d %5d %5d\n",
		       (unsigned long long)log->at, log->what, (short)log->a,
		       (short)log->b, (short)log->c);
	}
}

void rig_unpark(struct rig *r, u16 function, u32 reason)
{
	rig_note(r, "unpark", function, reason, 0);
	rig_check(!vgpu_sched_unpark(r->s, function, reason, rig_clock(r)));
	if (!vgpu_sched_parked(r->s, function))
		r->owed[function] = false;
}

static void write_later(struct rig *r, struct rig_write w)
{
	u64 last = r->write_last > r->write_first ?
		   r->write[(r->write_last - 1) % RIG_WRITES].at : 0;

	if (!r->write_latency) {
		if (w.command)
			model_command(&r->m, w.command, w.function);
		else
			model_write_next(&r->m, w.valid, w.function, w.quantum, w.flags);
		return;
	}
	rig_check(r->write_last - r->write_first < RIG_WRITES);
	w.at = max(last, r->m.now + delay(r, r->write_latency, 0));
	r->write[r->write_last++ % RIG_WRITES] = w;
}

static void write_arrives(struct rig *r)
{
	struct rig_write w = r->write[r->write_first++ % RIG_WRITES];

	if (w.command)
		model_command(&r->m, w.command, w.function);
	else
		model_write_next(&r->m, w.valid, w.function, w.quantum, w.flags);
}

/* ------------------------------------------------------------------------ */
/* Callbacks                                                                 */

static void on_arm(void *context, u16 function, u64 quantum_ns, u32 flags)
{
	struct rig *r = context;

	r->next_writes++;
	rig_note(r, "arm", function, quantum_ns / 1000, flags);
	if (r->classic)
		vgpu_sequencer_arm(&r->q, function, quantum_ns, flags, rig_clock(r));
	else
		write_later(r, (struct rig_write){ .valid = true, .flags = flags,
						   .function = function,
						   .quantum = quantum_ns });
}

static void on_disarm(void *context)
{
	struct rig *r = context;

	r->next_writes++;
	rig_note(r, "disarm", 0, 0, 0);
	if (r->classic)
		vgpu_sequencer_disarm(&r->q);
	else
		write_later(r, (struct rig_write){ .valid = false });
}

static void on_core_timer(void *context, u64 when)
{
	struct rig *r = context;
	u64 at = when - r->clock_error;

	r->timers++;
	r->core_timer_at = max(max(at, r->stall_until), r->m.now) +
			   delay(r, r->irq_latency, 1);
}

static void on_overdue(void *context, u16 function)
{
	struct rig *r = context;

	r->overdues++;
	rig_note(r, "overdue", function, r->m.world, r->m.state);
	if (r->worker_at == MODEL_NEVER)
		r->worker_at = r->m.now + 100000;
}

/* The promise of ops->parked(), checked against the device itself. */
static void on_parked(void *context, u16 function)
{
	struct rig *r = context;
	u64 i;

	rig_note(r, "parked", function, 0, 0);
	rig_check(r->owed[function]);
	r->owed[function] = false;
	r->parked_calls[function]++;
	rig_check(r->m.world != function);
	rig_check(!(r->m.automatic && r->m.sw.to == function && !r->m.to_lost));
	rig_check(!(r->m.armed && r->m.next == function));
	for (i = r->write_first; i < r->write_last; i++) {
		const struct rig_write *w = &r->write[i % RIG_WRITES];

		rig_check(!w->valid || w->function != function);
	}
}

static const struct vgpu_sched_ops sched_ops = {
	.arm		= on_arm,
	.disarm		= on_disarm,
	.set_timer	= on_core_timer,
	.overdue	= on_overdue,
	.parked		= on_parked,
};

void rig_command(struct rig *r, enum vgpu_world_cmd cmd, u16 function)
{
	rig_note(r, "command", cmd, function, r->m.state);
	write_later(r, (struct rig_write){ .command = cmd, .function = function });
}

static void on_command(void *context, enum vgpu_world_cmd cmd, u16 function)
{
	rig_command(context, cmd, function);
}

static void on_seq_timer(void *context, u64 when)
{
	struct rig *r = context;
	u64 at = when - r->clock_error;

	r->seq_timer_at = max(at, r->m.now) + delay(r, r->irq_latency, 2);
}

static void on_seq_cancel(void *context)
{
	struct rig *r = context;

	r->seq_timer_at = MODEL_NEVER;
}

static void on_switched(void *context, const struct vgpu_sched_switch *record)
{
	struct vgpu_sched_switch sw = *record;
	struct rig *r = context;
	unsigned int times = 1;

	rig_note(r, "switched", sw.from, sw.to, sw.reason);
	if (r->record)
		times = r->record(r, &sw);
	while (times--) {
		if (r->deliver)
			r->deliver(r, &sw);
		vgpu_sched_switched(r->s, &sw, rig_clock(r));
	}
}

static const struct vgpu_sequencer_ops sequencer_ops = {
	.command	= on_command,
	.set_timer	= on_seq_timer,
	.cancel_timer	= on_seq_cancel,
	.switched	= on_switched,
};

/* ------------------------------------------------------------------------ */
/* Events                                                                    */

static void feed_core(struct rig *r, const struct model_event *e)
{
	u64 now = rig_clock(r);
	struct vgpu_sched_switch sw;

	switch (e->type) {
	case VGPU_EVENT_SWITCHED:
		sw = e->sw;
		sw.from = e->function;
		sw.reason = e->info;
		on_switched(r, &sw);
		break;
	case VGPU_EVENT_RUNNABLE:
		vgpu_sched_wake(r->s, e->function, e->sw.request, now);
		break;
	case VGPU_EVENT_IDLE:
		vgpu_sched_sleep(r->s, e->function, e->sw.request, now);
		break;
	case VGPU_EVENT_HANG:
		vgpu_sched_hang(r->s, e->function, now);
		r->lost_world[e->function] = true;
		break;
	case VGPU_EVENT_FLR:
		vgpu_sched_flr(r->s, e->function, now);
		r->lost_world[e->function] = true;
		break;
	case VGPU_EVENT_RESET:
		vgpu_sched_reset(r->s, e->function, now);
		r->lost_world[e->function] = true;
		break;
	case VGPU_EVENT_REFUSED:
		if (e->detail != VGPU_DETAIL_NEXT && e->detail != VGPU_CMD_LOAD)
			break;
		vgpu_sched_refused(r->s, e->function, now);
		r->lost_world[e->function] = true;
		break;
	case VGPU_EVENT_LOST:
		vgpu_sched_lost(r->s, now);
		break;
	case VGPU_EVENT_INITIALISED:
		/* Only the answer shows that all before it has been told. */
		if (r->initialising[e->function] && !r->lost_world[e->function])
			rig_unpark(r, e->function, VGPU_SCHED_PARK_WORLD |
						   VGPU_SCHED_PARK_DISABLED);
		r->initialising[e->function] = false;
		break;
	default:
		break;
	}
}

static void feed_sequencer(struct rig *r, const struct model_event *e)
{
	struct vgpu_sequencer_event event = {
		.type = e->type, .function = e->function, .info = e->info,
		.detail = e->detail, .request = e->sw.request,
	};

	switch (e->type) {
	case VGPU_EVENT_QUIESCED:
	case VGPU_EVENT_RESET:
		event.when = e->sw.quiesced;
		break;
	case VGPU_EVENT_SAVED:
		event.when = e->sw.saved;
		break;
	case VGPU_EVENT_LOADED:
		event.when = e->sw.loaded;
		break;
	case VGPU_EVENT_RUNNING:
		event.when = e->sw.running;
		break;
	default:
		break;
	}
	vgpu_sequencer_event(&r->q, &event, rig_clock(r));
}

static void drain(struct rig *r)
{
	struct model_event e;

	r->irq_at = MODEL_NEVER;
	while (model_take(&r->m, &e)) {
		rig_note(r, "event", e.type, e.function, e.info);
		if (r->feed)
			r->feed(r, &e);
		feed_core(r, &e);
		if (r->classic)
			feed_sequencer(r, &e);
		if (r->fed)
			r->fed(r);
	}
}

/* A switch is overdue, and the worker looks at the engine. */
static void work(struct rig *r)
{
	r->worker_at = MODEL_NEVER;
	rig_note(r, "worker", r->m.world, r->m.state, 0);
	drain(r);
	if (r->write_first != r->write_last || r->m.posted != r->m.taken)
		return;
	if (r->m.world != VGPU_FUNCTION_NONE) {
		if (r->m.state != VGPU_ENGINE_RESETTING)
			rig_command(r, VGPU_CMD_RESET, r->m.world);
		return;
	}
	if (r->classic) {
		on_seq_cancel(r);
		vgpu_sequencer_init(&r->q, &sequencer_ops, r);
	}
	r->core_timer_at = MODEL_NEVER;
	if (r->restart)
		r->restart(r);
	vgpu_sched_restart(r->s, rig_clock(r));
}

/* ------------------------------------------------------------------------ */
/* Time                                                                      */

u64 rig_next_time(const struct rig *r)
{
	u64 t = model_next_time(&r->m);

	if (r->write_first != r->write_last)
		t = min(t, r->write[r->write_first % RIG_WRITES].at);
	t = min(t, min(r->irq_at, r->worker_at));
	return min(t, min(r->core_timer_at, r->seq_timer_at));
}

static void raise_interrupt(struct rig *r)
{
	if (r->m.posted != r->m.taken && r->irq_at == MODEL_NEVER)
		r->irq_at = r->m.now + delay(r, r->irq_latency, 3);
}

/* The first thing that is due until @until, or the time until then. */
void rig_step(struct rig *r, u64 until)
{
	u64 t;

	raise_interrupt(r);
	t = min(rig_next_time(r), until);
	model_advance(&r->m, t);
	if (r->write_first != r->write_last &&
	    r->write[r->write_first % RIG_WRITES].at <= t) {
		write_arrives(r);
	} else if (r->irq_at <= t) {
		drain(r);
	} else if (r->seq_timer_at <= t) {
		r->seq_timer_at = MODEL_NEVER;
		drain(r);
		vgpu_sequencer_timer(&r->q, rig_clock(r));
	} else if (r->core_timer_at <= t) {
		r->core_timer_at = MODEL_NEVER;
		drain(r);
		vgpu_sched_timer(r->s, rig_clock(r));
	} else if (r->worker_at <= t) {
		work(r);
	}
	raise_interrupt(r);
}

void rig_run(struct rig *r, u64 until)
{
	do
		rig_step(r, until);
	while (r->m.now < until || rig_next_time(r) <= until);
}

/* Nothing is on its way in either direction, and no switch is under way. */
bool rig_is_quiet(const struct rig *r)
{
	bool steady = r->m.state == VGPU_ENGINE_EMPTY ||
		      r->m.state == VGPU_ENGINE_RUNNING;

	return steady && r->write_first == r->write_last &&
	       r->m.posted == r->m.taken && r->m.retry_at == MODEL_NEVER &&
	       (!r->classic || r->q.state == VGPU_SEQUENCER_EMPTY ||
		r->q.state == VGPU_SEQUENCER_RUNNING);
}

/* ------------------------------------------------------------------------ */
/* What the driver does                                                      */

struct rig *rig_make(const struct rig_setup *setup)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct vgpu_sched_config config = {
		.functions = setup->functions,
		.save_ns = setup->save_ns,
		.load_ns = setup->load_ns,
		.boundary = true,
		.request_slack_ns = setup->classic ? 40000 : 0,
		.overdue_slack_ns = 1000000,
		.overhead_permille = setup->overhead_permille,
		.policy = vgpu_sched_find_policy(setup->policy),
	};

	rig_check(r);
	model_init(&r->m, setup->functions);
	r->m.now = setup->start;
	r->m.save_ns = setup->save_ns;
	r->m.load_ns = setup->load_ns;
	config.reset_ns = r->m.reset_ns;
	r->classic = setup->classic;
	r->seed = setup->seed | 1;
	r->delays = setup->seed;
	r->irq_at = MODEL_NEVER;
	r->core_timer_at = MODEL_NEVER;
	r->seq_timer_at = MODEL_NEVER;
	r->worker_at = MODEL_NEVER;
	r->s = malloc(vgpu_sched_size(setup->functions));
	rig_check(r->s);
	rig_check(!vgpu_sched_init(r->s, &config, &sched_ops, r, r->m.now));
	vgpu_sequencer_init(&r->q, &sequencer_ops, r);
	return r;
}

struct rig *rig_new(bool classic, unsigned int functions, u64 seed)
{
	return rig_make(&(struct rig_setup){
		.classic = classic, .functions = functions, .seed = seed,
		.start = 1, .save_ns = 150000, .load_ns = 150000, .policy = "rr" });
}

void rig_free(struct rig *r)
{
	free(r->s);
	free(r);
}

int rig_set_params(struct rig *r, u16 function,
		   const struct vgpu_sched_params *params,
		   struct vgpu_sched_why *why)
{
	int ret = vgpu_sched_set_params(r->s, function, params, why, rig_clock(r));

	if (!ret)
		r->m.fn[function].timeout = params->preempt_timeout_ns;
	return ret;
}

void rig_set_quantum(struct rig *r, u16 function, u64 quantum, u64 timeout)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	rig_check(!vgpu_sched_get_params(r->s, function, &params));
	params.quantum_ns = quantum;
	params.preempt_timeout_ns = timeout;
	rig_check(!rig_set_params(r, function, &params, &why));
}

void rig_start(struct rig *r, u16 function)
{
	struct vgpu_sched_params params;

	rig_check(!vgpu_sched_get_params(r->s, function, &params));
	r->m.fn[function].timeout = params.preempt_timeout_ns;
	model_open(&r->m, function, true);
	model_command(&r->m, VGPU_CMD_INIT, function);
	rig_unpark(r, function, VGPU_SCHED_PARK_DISABLED);
}

int rig_park(struct rig *r, u16 function, u32 reason)
{
	int ret;

	rig_note(r, "park", function, reason, 0);
	ret = vgpu_sched_park(r->s, function, reason, rig_clock(r));
	if (ret == -EINPROGRESS)
		r->owed[function] = true;
	else
		rig_check(!ret);
	return ret;
}

/* Makes a lost world anew, if that is possible already. */
bool rig_recover(struct rig *r, u16 function)
{
	if (!r->lost_world[function])
		return true;
	if (!vgpu_sched_off_engine(r->s, function) || r->m.world == function)
		return false;
	r->lost_world[function] = false;
	if (r->m.fn[function].flr)
		model_flr_ack(&r->m, function);
	r->initialising[function] = true;
	model_open(&r->m, function, true);
	rig_command(r, VGPU_CMD_INIT, function);
	return true;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling core, as compiled into the driver: events in, NEXT out; on a
 * device without hardware deadlines with the sequencer between.
 */
#include <stdlib.h>
#include "schedulers.h"
#include "vgpu_sequencer.h"

enum { TIMER_CORE, TIMER_SEQUENCER };

struct core {
	struct sim *sim;
	struct vgpu_sched *s;
	struct vgpu_sequencer q;
	bool classic;
};

/* ------------------------------------------------------------------------ */
/* Down                                                                      */

static void on_arm(void *context, u16 function, u64 quantum_ns, u32 flags)
{
	struct core *c = context;

	if (c->classic)
		vgpu_sequencer_arm(&c->q, function, quantum_ns, flags,
				   sim_clock(c->sim));
	else
		sim_next(c->sim, function, quantum_ns, flags);
}

static void on_disarm(void *context)
{
	struct core *c = context;

	if (c->classic)
		vgpu_sequencer_disarm(&c->q);
	else
		sim_disarm(c->sim);
}

static void on_core_timer(void *context, u64 when)
{
	struct core *c = context;

	sim_set_timer(c->sim, TIMER_CORE, when);
}

static void on_overdue(void *context, u16 function)
{
	struct core *c = context;

	sim_recover_engine(c->sim);
}

static void on_parked(void *context, u16 function)
{
}

static const struct vgpu_sched_ops sched_ops = {
	.arm		= on_arm,
	.disarm		= on_disarm,
	.set_timer	= on_core_timer,
	.overdue	= on_overdue,
	.parked		= on_parked,
};

static void on_command(void *context, enum vgpu_world_cmd command, u16 function)
{
	struct core *c = context;

	sim_command(c->sim, command, function);
}

static void on_sequencer_timer(void *context, u64 when)
{
	struct core *c = context;

	sim_set_timer(c->sim, TIMER_SEQUENCER, when);
}

static void on_sequencer_cancel(void *context)
{
	struct core *c = context;

	sim_cancel_timer(c->sim, TIMER_SEQUENCER);
}

static void on_switched(void *context, const struct vgpu_sched_switch *sw)
{
	struct core *c = context;

	vgpu_sched_switched(c->s, sw, sim_clock(c->sim));
}

static const struct vgpu_sequencer_ops sequencer_ops = {
	.command	= on_command,
	.set_timer	= on_sequencer_timer,
	.cancel_timer	= on_sequencer_cancel,
	.switched	= on_switched,
};

/* ------------------------------------------------------------------------ */
/* Up                                                                        */

static void feed_core(struct core *c, const struct model_event *e)
{
	u64 now = sim_clock(c->sim);
	struct vgpu_sched_switch sw;

	switch (e->type) {
	case VGPU_EVENT_SWITCHED:
		sw = e->sw;
		sw.from = e->function;
		sw.reason = e->info;
		vgpu_sched_switched(c->s, &sw, now);
		break;
	case VGPU_EVENT_RUNNABLE:
		vgpu_sched_wake(c->s, e->function, e->sw.request, now);
		break;
	case VGPU_EVENT_IDLE:
		vgpu_sched_sleep(c->s, e->function, e->sw.request, now);
		break;
	case VGPU_EVENT_HANG:
		vgpu_sched_hang(c->s, e->function, now);
		break;
	case VGPU_EVENT_FLR:
		vgpu_sched_flr(c->s, e->function, now);
		break;
	case VGPU_EVENT_RESET:
		vgpu_sched_reset(c->s, e->function, now);
		break;
	case VGPU_EVENT_REFUSED:
		if (e->detail == VGPU_DETAIL_NEXT || e->detail == VGPU_CMD_LOAD)
			vgpu_sched_refused(c->s, e->function, now);
		break;
	case VGPU_EVENT_LOST:
		vgpu_sched_lost(c->s, now);
		break;
	default:
		break;
	}
}

static void feed_sequencer(struct core *c, const struct model_event *e)
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
	vgpu_sequencer_event(&c->q, &event, sim_clock(c->sim));
}

static void core_event(void *context, const struct model_event *event)
{
	struct core *c = context;

	feed_core(c, event);
	if (c->classic)
		feed_sequencer(c, event);
}

static void core_timer(void *context, unsigned int number)
{
	struct core *c = context;

	if (number == TIMER_CORE)
		vgpu_sched_timer(c->s, sim_clock(c->sim));
	else
		vgpu_sequencer_timer(&c->q, sim_clock(c->sim));
}

/* ------------------------------------------------------------------------ */
/* Administration                                                            */

static void *core_create(struct sim *sim)
{
	const struct sim_costs *costs = sim_costs(sim);
	struct core *c = calloc(1, sizeof(*c));
	struct vgpu_sched_config config = {
		.functions = sim_functions(sim),
		.save_ns = costs->save_ns,
		.load_ns = costs->load_ns,
		.reset_ns = costs->reset_ns,
		.overhead_permille = sim_overhead_permille(sim),
		.request_slack_ns = costs->hw_deadline ? 0 : sim_slack(sim),
		.overdue_slack_ns = sim_slack(sim),
		.boundary = true,
		.policy = vgpu_sched_find_policy(sim_policy(sim)),
	};

	c->sim = sim;
	c->classic = !costs->hw_deadline;
	c->s = malloc(vgpu_sched_size(config.functions));
	vgpu_sched_init(c->s, &config, &sched_ops, c, sim_clock(sim));
	vgpu_sequencer_init(&c->q, &sequencer_ops, c);
	return c;
}

static void core_destroy(void *context)
{
	struct core *c = context;

	free(c->s);
	free(c);
}

static int core_configure(void *context, u16 function,
			  const struct vgpu_sched_params *params,
			  struct vgpu_sched_why *why)
{
	struct core *c = context;
	int ret;

	ret = vgpu_sched_set_params(c->s, function, params, why, sim_clock(c->sim));
	if (!ret)
		sim_set_timeout(c->sim, function, params->preempt_timeout_ns);
	return ret;
}

static int core_set_policy(void *context, const char *name, struct vgpu_sched_why *why)
{
	struct core *c = context;

	return vgpu_sched_set_policy(c->s, vgpu_sched_find_policy(name), why,
				     sim_clock(c->sim));
}

static void core_start(void *context, u16 function)
{
	struct core *c = context;

	vgpu_sched_unpark(c->s, function, VGPU_SCHED_PARK_DISABLED, sim_clock(c->sim));
}

static void core_park(void *context, u16 function)
{
	struct core *c = context;

	vgpu_sched_park(c->s, function, VGPU_SCHED_PARK_PAUSED, sim_clock(c->sim));
}

static void core_unpark(void *context, u16 function)
{
	struct core *c = context;

	vgpu_sched_unpark(c->s, function, VGPU_SCHED_PARK_PAUSED, sim_clock(c->sim));
}

static bool core_off_engine(void *context, u16 function)
{
	struct core *c = context;

	return vgpu_sched_off_engine(c->s, function);
}

static void core_recovered(void *context, u16 function)
{
	struct core *c = context;

	vgpu_sched_unpark(c->s, function, VGPU_SCHED_PARK_WORLD, sim_clock(c->sim));
}

static void core_restart(void *context)
{
	struct core *c = context;

	if (c->classic) {
		on_sequencer_cancel(c);
		vgpu_sequencer_init(&c->q, &sequencer_ops, c);
	}
	sim_cancel_timer(c->sim, TIMER_CORE);
	vgpu_sched_restart(c->s, sim_clock(c->sim));
}

static s64 core_lag(void *context, u16 function)
{
	struct core *c = context;

	return vgpu_sched_lag(c->s, function);
}

static void core_report(void *context, u16 function, struct sim_report *report)
{
	struct core *c = context;
	const struct vgpu_sched_stats *stats = vgpu_sched_stats(c->s, function);

	*report = (struct sim_report){
		.lag_min = stats->lag_min,
		.lag_max = stats->lag_max,
		.lag_bound = vgpu_sched_lag_bound(c->s, function),
		.latency_bound = vgpu_sched_latency_bound(c->s, function),
		.throttles = stats->throttles,
		.periods = stats->periods,
		.period_misses = stats->period_misses,
	};
}

const struct sim_scheduler sim_core = {
	.name		= "core",
	.about		= "the scheduling core of sched/, compiled unchanged",
	.create		= core_create,
	.destroy	= core_destroy,
	.configure	= core_configure,
	.set_policy	= core_set_policy,
	.start		= core_start,
	.park		= core_park,
	.unpark		= core_unpark,
	.event		= core_event,
	.timer		= core_timer,
	.off_engine	= core_off_engine,
	.recovered	= core_recovered,
	.restart	= core_restart,
	.lag		= core_lag,
	.report		= core_report,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call of vgpu_sequencer.h, in any order: events that nobody awaits, of
 * types and functions that do not exist, with any times; behind it the core, as
 * in a driver, so that a call back at a wrong moment shows.
 */
#include "fuzz.h"

#define FUNCTIONS	4
#define CLOCK_MAX	(1ull << 62)
#define SILENCE_MAX	(1ull << 33)

/**
 * struct caller - what calls both
 * @q: the sequencer
 * @s: the core behind it
 * @now: its clock
 * @timer: the sequencer's timer is set
 * @inside: in a call of the core, so that it must not be called
 * @depth: calls of the sequencer that have not come back
 * @commands: commands in the course of the present call
 * @switches: records, ditto
 */
struct caller {
	struct vgpu_sequencer q;
	struct vgpu_sched *s;
	u64 now;
	bool timer;
	bool inside;
	unsigned int depth;
	unsigned int commands;
	unsigned int switches;
};

static void on_arm(void *context, u16 function, u64 quantum_ns, u32 flags)
{
	struct caller *c = context;

	vgpu_sequencer_arm(&c->q, function, quantum_ns, flags, c->now);
}

static void on_disarm(void *context)
{
	struct caller *c = context;

	vgpu_sequencer_disarm(&c->q);
}

static void on_set_timer(void *context, u64 when)
{
}

static void on_overdue(void *context, u16 function)
{
}

static void on_parked(void *context, u16 function)
{
}

static const struct vgpu_sched_ops sched_ops = {
	.arm		= on_arm,
	.disarm		= on_disarm,
	.set_timer	= on_set_timer,
	.overdue	= on_overdue,
	.parked		= on_parked,
};

/* One command is given, and its answer awaited; PREEMPT may follow BOUNDARY. */
static void on_command(void *context, enum vgpu_world_cmd command, u16 function)
{
	static const u8 leads_to[] = {
		[VGPU_CMD_PREEMPT]	= VGPU_SEQUENCER_PREEMPTING,
		[VGPU_CMD_BOUNDARY]	= VGPU_SEQUENCER_PREEMPTING,
		[VGPU_CMD_SAVE]		= VGPU_SEQUENCER_SAVING,
		[VGPU_CMD_LOAD]		= VGPU_SEQUENCER_LOADING,
		[VGPU_CMD_RUN]		= VGPU_SEQUENCER_STARTING,
	};
	struct caller *c = context;

	must(command < ARRAY_SIZE(leads_to) && leads_to[command]);
	must(c->q.state == leads_to[command]);
	must(c->q.world == function && function != VGPU_FUNCTION_NONE);
	must(c->commands++ < 2);
}

static void on_alarm(void *context, u64 when)
{
	struct caller *c = context;

	must(c->q.armed);
	c->timer = true;
}

static void on_cancel(void *context)
{
	struct caller *c = context;

	must(c->timer);
	c->timer = false;
}

static void on_switched(void *context, const struct vgpu_sched_switch *sw)
{
	struct caller *c = context;

	must(!c->inside);
	must(sw->reason < VGPU_SCHED_REASONS);
	must(sw->to == c->q.world);
	must((sw->reason == VGPU_LEAVE_RENEWED) ==
	     (sw->from == sw->to && sw->to != VGPU_FUNCTION_NONE));
	must(c->switches++ < 2);
	c->inside = true;
	vgpu_sched_switched(c->s, sw, c->now);
	c->inside = false;
}

static const struct vgpu_sequencer_ops ops = {
	.command	= on_command,
	.set_timer	= on_alarm,
	.cancel_timer	= on_cancel,
	.switched	= on_switched,
};

static void check(const struct caller *c)
{
	const struct vgpu_sequencer *q = &c->q;

	must(q->state <= VGPU_SEQUENCER_STARTING);
	must((q->state == VGPU_SEQUENCER_EMPTY) == (q->world == VGPU_FUNCTION_NONE));
	must(q->timer == c->timer);
	must(!q->timer || (q->armed && (q->state == VGPU_SEQUENCER_RUNNING ||
					q->state == VGPU_SEQUENCER_EMPTY)));
	must(vgpu_sequencer_world(q) == q->world);
	/* Whoever is armed and due is on its way. */
	if (q->armed && q->state == VGPU_SEQUENCER_EMPTY)
		must(q->next == VGPU_FUNCTION_NONE && q->timer);
}

/* ------------------------------------------------------------------------ */

static u16 a_function(const struct caller *c, struct input *in)
{
	u8 byte = input_byte(in);

	if (byte < 0x80)
		return byte % FUNCTIONS;
	return byte < 0xf0 ? c->q.world : byte == 0xf0 ? VGPU_FUNCTION_NONE :
	       input_number(in, 2);
}

static u64 a_time(const struct caller *c, struct input *in)
{
	u8 byte = input_byte(in);

	return byte < 0xc0 ? c->now - byte : byte < 0xe0 ? 0 : input_value(in);
}

/* The answer that the state awaits, more often than anything else. */
static u8 a_type(const struct caller *c, struct input *in)
{
	static const u8 awaited[] = {
		[VGPU_SEQUENCER_EMPTY]		= VGPU_EVENT_RUNNABLE,
		[VGPU_SEQUENCER_RUNNING]	= VGPU_EVENT_IDLE,
		[VGPU_SEQUENCER_PREEMPTING]	= VGPU_EVENT_QUIESCED,
		[VGPU_SEQUENCER_RESETTING]	= VGPU_EVENT_RESET,
		[VGPU_SEQUENCER_SAVING]		= VGPU_EVENT_SAVED,
		[VGPU_SEQUENCER_LOADING]	= VGPU_EVENT_LOADED,
		[VGPU_SEQUENCER_STARTING]	= VGPU_EVENT_RUNNING,
	};
	u8 byte = input_byte(in);

	return byte < 0x80 ? awaited[c->q.state] : byte & 0x1f;
}

/* As vgpu_pf_world_event(): the core first. */
static void feed_core(struct caller *c, const struct vgpu_sequencer_event *e)
{
	switch (e->type) {
	case VGPU_EVENT_RUNNABLE:
		vgpu_sched_wake(c->s, e->function, e->request, c->now);
		break;
	case VGPU_EVENT_IDLE:
		vgpu_sched_sleep(c->s, e->function, e->request, c->now);
		break;
	case VGPU_EVENT_HANG:
		vgpu_sched_hang(c->s, e->function, c->now);
		break;
	case VGPU_EVENT_FLR:
		vgpu_sched_flr(c->s, e->function, c->now);
		break;
	case VGPU_EVENT_RESET:
		vgpu_sched_reset(c->s, e->function, c->now);
		break;
	case VGPU_EVENT_REFUSED:
		vgpu_sched_refused(c->s, e->function, c->now);
		break;
	default:
		break;
	}
}

static void call_event(struct caller *c, struct input *in)
{
	struct vgpu_sequencer_event event = {
		.type = a_type(c, in), .function = a_function(c, in),
		.info = input_byte(in), .detail = input_byte(in),
		.request = a_time(c, in), .when = a_time(c, in),
	};

	c->inside = true;
	feed_core(c, &event);
	c->inside = false;
	vgpu_sequencer_event(&c->q, &event, c->now);
}

static void call_arm(struct caller *c, struct input *in)
{
	u8 how = input_byte(in);
	u16 function = how & 0x20 ? VGPU_FUNCTION_NONE : how % FUNCTIONS;
	u64 quantum = how & 0x10 ? 0 : input_value(in);

	c->inside = true;
	vgpu_sequencer_arm(&c->q, function, quantum, how >> 6, c->now);
	c->inside = false;
}

static void call(struct caller *c, struct input *in)
{
	u16 function;

	c->commands = 0;
	c->switches = 0;
	switch (input_byte(in) % 10) {
	case 0 ... 4:
		call_event(c, in);
		break;
	case 5:
		c->timer = false;
		vgpu_sequencer_timer(&c->q, c->now);
		break;
	case 6:
		call_arm(c, in);
		break;
	case 7:
		vgpu_sequencer_disarm(&c->q);
		break;
	case 8:
		function = a_function(c, in);
		c->inside = true;
		if (vgpu_sched_parked(c->s, function))
			vgpu_sched_unpark(c->s, function, VGPU_SCHED_PARK_ALL, c->now);
		else
			vgpu_sched_park(c->s, function, VGPU_SCHED_PARK_PAUSED, c->now);
		c->inside = false;
		break;
	default:
		c->now += min(input_value(in) % SILENCE_MAX, CLOCK_MAX - c->now);
	}
}

/**
 * fuzz_sequencer() - one run
 * @data: the bytes
 * @size: how many
 *
 * Return: 0; whatever is wrong aborts.
 */
int fuzz_sequencer(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct caller c = { .now = 1000000000 };
	struct vgpu_sched_config config = {
		.functions = FUNCTIONS, .save_ns = 150000, .load_ns = 150000,
		.reset_ns = 1000000, .overdue_slack_ns = 1000000, .boundary = true,
		.policy = vgpu_sched_policy_at(input_byte(&in) % 4),
	};
	unsigned int i;

	c.s = fuzz_memory(FUNCTIONS);
	vgpu_sequencer_init(&c.q, &ops, &c);
	if (!vgpu_sched_init(c.s, &config, &sched_ops, &c, c.now)) {
		for (i = 0; i < FUNCTIONS; i++)
			vgpu_sched_unpark(c.s, i, VGPU_SCHED_PARK_DISABLED, c.now);
		while (in.size) {
			call(&c, &in);
			check(&c);
		}
	}
	return 0;
}

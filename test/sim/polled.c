// SPDX-License-Identifier: GPL-2.0-only
#include "polled.h"

void polled_init(struct polled *p, struct sim *sim, const struct polled_driver *driver,
		 void *context)
{
	*p = (struct polled){
		.sim = sim, .driver = driver, .context = context,
		.world = VGPU_FUNCTION_NONE,
	};
}

/* The first look comes when the accesses around the command are over. */
static void issue(struct polled *p, enum vgpu_world_cmd command)
{
	const struct polled_driver *d = p->driver;
	unsigned int i;

	p->command = command;
	p->since = sim_clock(p->sim);
	sim_command(p->sim, command, p->world);
	for (i = 1; i < d->accesses; i++)
		sim_read_engine(p->sim, NULL);
	sim_poll(p->sim, d->timer, d->accesses * d->access_ns);
}

static void nobody(struct polled *p)
{
	p->command = 0;
	p->world = VGPU_FUNCTION_NONE;
	p->gone = false;
	p->driver->saved(p->context);
}

/**
 * polled_leave() - take the running world off the engine
 * @p: the switch; nothing is waited for
 */
void polled_leave(struct polled *p)
{
	if (p->world == VGPU_FUNCTION_NONE)
		nobody(p);
	else
		issue(p, VGPU_CMD_PREEMPT);
}

/**
 * polled_load() - put a world on the engine
 * @p: the switch; nobody is on the engine, nothing is waited for
 * @function: whose world
 */
void polled_load(struct polled *p, u16 function)
{
	p->world = function;
	issue(p, VGPU_CMD_LOAD);
}

/**
 * polled_reset() - reset the world that a command failed for
 * @p: the switch; saved() follows
 */
void polled_reset(struct polled *p)
{
	p->command = VGPU_CMD_RESET;
	sim_command(p->sim, VGPU_CMD_RESET, p->world);
}

/* What the engine is when the command is complete. */
static enum vgpu_engine_state completes(u32 command)
{
	switch (command) {
	case VGPU_CMD_PREEMPT:
		return VGPU_ENGINE_QUIESCED;
	case VGPU_CMD_SAVE:
		return VGPU_ENGINE_EMPTY;
	case VGPU_CMD_LOAD:
		return VGPU_ENGINE_LOADED;
	default:
		return VGPU_ENGINE_RUNNING;
	}
}

static void complete(struct polled *p)
{
	switch (p->command) {
	case VGPU_CMD_PREEMPT:
		issue(p, VGPU_CMD_SAVE);
		break;
	case VGPU_CMD_SAVE:
		nobody(p);
		break;
	case VGPU_CMD_LOAD:
		issue(p, VGPU_CMD_RUN);
		break;
	default:
		p->command = 0;
		p->driver->running(p->context);
	}
}

static enum vgpu_engine_state look(struct polled *p)
{
	enum vgpu_engine_state state = VGPU_ENGINE_EMPTY;
	unsigned int i;

	for (i = 0; i < p->driver->reads; i++)
		state = sim_read_engine(p->sim, NULL);
	return state;
}

/**
 * polled_timer() - look whether the command is complete
 * @p: the switch
 */
void polled_timer(struct polled *p)
{
	const struct polled_driver *d = p->driver;
	u64 waited = sim_clock(p->sim) - p->since;
	enum vgpu_engine_state state;
	bool sleeps = false;
	u64 ns;

	if (!p->command || p->command == VGPU_CMD_RESET)
		return;
	state = look(p);
	if (state == VGPU_ENGINE_EMPTY && p->gone) {
		nobody(p);
	} else if (state == completes(p->command)) {
		complete(p);
	} else if (waited >= d->limit_ns) {
		d->failed(p->context, p->command);
	} else {
		ns = d->interval(waited, &sleeps);
		if (sleeps)
			sim_set_timer(p->sim, d->timer, sim_clock(p->sim) + ns);
		else
			sim_poll(p->sim, d->timer, d->reads * d->access_ns + ns);
	}
}

/**
 * polled_event() - hear of a world that was lost
 * @p: the switch
 * @event: a record; others are ignored
 */
void polled_event(struct polled *p, const struct model_event *event)
{
	if (event->function != p->world || p->world == VGPU_FUNCTION_NONE)
		return;
	if (event->type != VGPU_EVENT_FLR && event->type != VGPU_EVENT_RESET &&
	    !(event->type == VGPU_EVENT_REFUSED && event->detail == VGPU_CMD_LOAD))
		return;
	p->gone = true;
	if (!p->command || (p->command == VGPU_CMD_RESET &&
			    event->type == VGPU_EVENT_RESET))
		nobody(p);
}

/**
 * polled_off_engine() - is a world neither on the engine nor on its way there?
 * @p: the switch
 * @function: whose world
 */
bool polled_off_engine(const struct polled *p, u16 function)
{
	return p->world != function;
}

// SPDX-License-Identifier: GPL-2.0-only
/* The classic sequencer, event by event; its commands are written down. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vgpu_sequencer.h"

#define NONE		VGPU_FUNCTION_NONE
#define QUANTUM		6000000ull
#define NOW		VGPU_SCHED_ARM_NOW
#define BOUNDARY	VGPU_SCHED_ARM_BOUNDARY

/**
 * struct desk - a sequencer whose callbacks are written down
 * @q: the sequencer
 * @command: the last command, 0 if there was none since the last step
 * @function: whom it was for
 * @timer: when the timer was set for, 0 if it is not set
 * @sw: the last record
 * @records: how many there were
 * @inside: in vgpu_sequencer_arm() or vgpu_sequencer_disarm()
 * @arm_on_record: arm this function when a record comes
 * @now: device time
 */
struct desk {
	struct vgpu_sequencer q;
	unsigned int command;
	u16 function;
	u64 timer;
	struct vgpu_sched_switch sw;
	unsigned int records;
	bool inside;
	u16 arm_on_record;
	u64 now;
};

static void on_command(void *context, enum vgpu_world_cmd command, u16 function)
{
	struct desk *d = context;

	assert_int_equal(d->command, 0);
	d->command = command;
	d->function = function;
}

static void on_set_timer(void *context, u64 when)
{
	struct desk *d = context;

	d->timer = when;
}

static void on_cancel_timer(void *context)
{
	struct desk *d = context;

	/* There is one to cancel. */
	assert_int_not_equal(d->timer, 0);
	d->timer = 0;
}

static void arm(struct desk *d, u16 function, u64 quantum, u32 flags)
{
	d->command = 0;
	d->inside = true;
	vgpu_sequencer_arm(&d->q, function, quantum, flags, d->now);
	d->inside = false;
}

static void on_switched(void *context, const struct vgpu_sched_switch *sw)
{
	struct desk *d = context;

	assert_false(d->inside);
	d->sw = *sw;
	d->records++;
	if (d->arm_on_record)
		vgpu_sequencer_arm(&d->q, d->arm_on_record, QUANTUM, false, d->now);
}

static const struct vgpu_sequencer_ops ops = {
	.command	= on_command,
	.set_timer	= on_set_timer,
	.cancel_timer	= on_cancel_timer,
	.switched	= on_switched,
};

static int setup(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));

	d->now = 1000000;
	/* What was in the memory before does not matter. */
	memset(&d->q, 0xff, sizeof(d->q));
	vgpu_sequencer_init(&d->q, &ops, d);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void disarm(struct desk *d)
{
	d->command = 0;
	d->inside = true;
	vgpu_sequencer_disarm(&d->q);
	d->inside = false;
}

static void event(struct desk *d, enum vgpu_event_type type, u16 function, u32 info,
		  u32 detail)
{
	struct vgpu_sequencer_event e = {
		.type = type, .function = function, .info = info, .detail = detail,
		.request = d->now, .when = d->now + 5,
	};

	d->now += 10;
	d->command = 0;
	vgpu_sequencer_event(&d->q, &e, d->now);
}

/* The device's times, which the clock that was estimated may be ahead of. */
static void event_at(struct desk *d, enum vgpu_event_type type, u16 function,
		     u64 request, u64 when)
{
	struct vgpu_sequencer_event e = {
		.type = type, .function = function, .info = VGPU_LEAVE_PREEMPT,
		.request = request, .when = when,
	};

	d->command = 0;
	vgpu_sequencer_event(&d->q, &e, d->now);
}

static void answer(struct desk *d, enum vgpu_event_type type, u16 function)
{
	event(d, type, function, VGPU_LEAVE_PREEMPT, 0);
}

static void expire(struct desk *d)
{
	assert_int_not_equal(d->timer, 0);
	d->now = d->timer > d->now ? d->timer : d->now;
	d->timer = 0;
	d->command = 0;
	vgpu_sequencer_timer(&d->q, d->now);
}

static void assert_command(struct desk *d, enum vgpu_world_cmd command, u16 function)
{
	assert_int_equal(d->command, command);
	assert_int_equal(d->function, function);
}

static void assert_record(struct desk *d, unsigned int records, u16 from, u16 to,
			  enum vgpu_leave reason)
{
	const struct vgpu_sched_switch *sw = &d->sw;

	assert_int_equal(d->records, records);
	assert_int_equal(sw->from, from);
	assert_int_equal(sw->to, to);
	assert_int_equal(sw->reason, reason);
	assert_true(sw->request && sw->request <= sw->quiesced);
	assert_true(sw->quiesced <= sw->saved);
	assert_true(sw->saved <= sw->loaded);
	assert_true(sw->loaded <= sw->running);
}

static void assert_times(struct desk *d, u64 request, u64 quiesced, u64 saved)
{
	assert_int_equal(d->sw.request, request);
	assert_int_equal(d->sw.quiesced, quiesced);
	assert_int_equal(d->sw.saved, saved);
}

/* Begin again, with an empty engine. */
static void begin_again(struct desk *d)
{
	vgpu_sequencer_init(&d->q, &ops, d);
	d->timer = 0;
	d->records = 0;
}

/* The steps that lead to each state; worlds 1 (old) and 2 (new). */

static void reach_loading_first(struct desk *d)
{
	arm(d, 1, QUANTUM, false);
	assert_command(d, VGPU_CMD_LOAD, 1);
}

static void reach_running(struct desk *d)
{
	reach_loading_first(d);
	answer(d, VGPU_EVENT_LOADED, 1);
	assert_command(d, VGPU_CMD_RUN, 1);
	answer(d, VGPU_EVENT_RUNNING, 1);
	assert_int_equal(d->command, 0);
	assert_record(d, 1, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_RUNNING);
}

static void reach_preempting(struct desk *d)
{
	reach_running(d);
	arm(d, 2, QUANTUM, false);
	assert_int_equal(d->command, 0);
	assert_int_equal(d->timer, d->sw.running + QUANTUM);
	expire(d);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
}

static void reach_saving(struct desk *d)
{
	reach_preempting(d);
	answer(d, VGPU_EVENT_QUIESCED, 1);
	assert_command(d, VGPU_CMD_SAVE, 1);
}

static void reach_loading(struct desk *d)
{
	reach_saving(d);
	answer(d, VGPU_EVENT_SAVED, 1);
	assert_command(d, VGPU_CMD_LOAD, 2);
}

static void reach_starting(struct desk *d)
{
	reach_loading(d);
	answer(d, VGPU_EVENT_LOADED, 2);
	assert_command(d, VGPU_CMD_RUN, 2);
}

/* Goes on to the end of a switch from 1 to 2 that is under way. */
static void go_on(struct desk *d)
{
	unsigned int i;

	for (i = 0; i < 6 && d->q.state != VGPU_SEQUENCER_RUNNING; i++) {
		static const enum vgpu_event_type next[] = {
			[VGPU_SEQUENCER_PREEMPTING]	= VGPU_EVENT_QUIESCED,
			[VGPU_SEQUENCER_RESETTING]	= VGPU_EVENT_RESET,
			[VGPU_SEQUENCER_SAVING]		= VGPU_EVENT_SAVED,
			[VGPU_SEQUENCER_LOADING]	= VGPU_EVENT_LOADED,
			[VGPU_SEQUENCER_STARTING]	= VGPU_EVENT_RUNNING,
		};

		if (d->q.state == VGPU_SEQUENCER_EMPTY)
			return;
		answer(d, next[d->q.state], d->q.world);
	}
}

/* ------------------------------------------------------------------------ */

static void walks_through_a_switch(void **state)
{
	struct desk *d = *state;
	u64 asked;

	reach_preempting(d);
	asked = d->now;
	answer(d, VGPU_EVENT_QUIESCED, 1);
	answer(d, VGPU_EVENT_SAVED, 1);
	answer(d, VGPU_EVENT_LOADED, 2);
	answer(d, VGPU_EVENT_RUNNING, 2);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_int_equal(d->sw.deadline, 1000025 + QUANTUM - 10);
	assert_int_equal(d->sw.request, asked);
	assert_int_equal(d->sw.quiesced, asked + 5);
	assert_int_equal(d->sw.saved, asked + 15);
	assert_int_equal(d->sw.loaded, asked + 25);
	assert_int_equal(d->sw.running, asked + 35);
	assert_int_equal(d->timer, 0);
	assert_int_equal(d->q.strange, 0);
	assert_int_equal(vgpu_sequencer_world(&d->q), 2);
}

static void no_timer_without_next(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	assert_int_equal(d->timer, 0);
	arm(d, 2, QUANTUM, false);
	assert_int_not_equal(d->timer, 0);
	disarm(d);
	assert_int_equal(d->timer, 0);
	/* One that could not be stopped any more. */
	vgpu_sequencer_timer(&d->q, d->now + QUANTUM);
	assert_int_equal(d->command, 0);
}

static void early_timer_is_set_again(void **state)
{
	struct desk *d = *state;
	u64 when;

	reach_running(d);
	arm(d, 2, QUANTUM, false);
	when = d->timer;
	d->timer = 0;
	vgpu_sequencer_timer(&d->q, when - 1);
	assert_int_equal(d->command, 0);
	assert_int_equal(d->timer, when);
}

static void armed_after_the_deadline(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	d->now += 2 * QUANTUM;
	arm(d, 2, QUANTUM, false);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
}

static void no_deadline_no_timer(void **state)
{
	struct desk *d = *state;

	arm(d, 1, 0, false);
	answer(d, VGPU_EVENT_LOADED, 1);
	answer(d, VGPU_EVENT_RUNNING, 1);
	arm(d, 2, QUANTUM, false);
	assert_int_equal(d->timer, 0);
	d->command = 0;
	vgpu_sequencer_timer(&d->q, d->now + 100 * QUANTUM);
	assert_int_equal(d->command, 0);
	answer(d, VGPU_EVENT_IDLE, 1);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
	event(d, VGPU_EVENT_QUIESCED, 1, VGPU_LEAVE_IDLE, 0);
	answer(d, VGPU_EVENT_SAVED, 1);
	answer(d, VGPU_EVENT_LOADED, 2);
	answer(d, VGPU_EVENT_RUNNING, 2);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_IDLE);
	assert_int_equal(d->sw.deadline, 0);
}

static void now_does_not_wait(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	arm(d, 2, QUANTUM, false);
	arm(d, 2, QUANTUM, true);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
	assert_int_equal(d->timer, 0);
	answer(d, VGPU_EVENT_QUIESCED, 1);
	answer(d, VGPU_EVENT_SAVED, 1);
	answer(d, VGPU_EVENT_LOADED, 2);
	answer(d, VGPU_EVENT_RUNNING, 2);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_PREEMPT);
}

static void idle_world_leaves_at_once(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	answer(d, VGPU_EVENT_IDLE, 1);
	assert_int_equal(d->command, 0);
	arm(d, 2, QUANTUM, false);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
}

static void idle_world_that_woke_keeps_its_slice(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	answer(d, VGPU_EVENT_IDLE, 1);
	answer(d, VGPU_EVENT_RUNNABLE, 1);
	arm(d, 2, QUANTUM, false);
	assert_int_equal(d->command, 0);
	assert_int_not_equal(d->timer, 0);
}

static void others_idle_is_not_ours(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	arm(d, 2, QUANTUM, false);
	answer(d, VGPU_EVENT_IDLE, 3);
	answer(d, VGPU_EVENT_RUNNABLE, 2);
	assert_int_equal(d->command, 0);
	assert_int_equal(d->q.strange, 0);
}

static void leaves_an_empty_engine(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	arm(d, NONE, 0, true);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
	answer(d, VGPU_EVENT_QUIESCED, 1);
	answer(d, VGPU_EVENT_SAVED, 1);
	assert_int_equal(d->command, 0);
	assert_record(d, 2, 1, NONE, VGPU_LEAVE_PREEMPT);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_EMPTY);
	assert_int_equal(vgpu_sequencer_world(&d->q), NONE);
}

/* It ran dry and has work again when it is asked: that is why it was asked. */
static void who_was_idle_leaves_before_the_deadline(void **state)
{
	struct desk *d = *state;
	u64 asked;

	reach_running(d);
	answer(d, VGPU_EVENT_IDLE, 1);
	arm(d, 2, QUANTUM, false);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
	/* The device says when that arrived. */
	asked = d->now + 3;
	event_at(d, VGPU_EVENT_QUIESCED, 1, asked, asked + 9);
	event_at(d, VGPU_EVENT_SAVED, 1, 0, asked + 20);
	d->now = asked + 30;
	go_on(d);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_PREEMPT);
	assert_times(d, asked, asked + 9, asked + 20);
}

static void an_empty_engine_tells_that_it_is(void **state)
{
	struct desk *d = *state;

	arm(d, NONE, 0, false);
	assert_int_equal(d->command, 0);
	assert_int_equal(d->records, 0);
	assert_int_equal(d->timer, d->now);
	expire(d);
	assert_record(d, 1, NONE, NONE, VGPU_LEAVE_NONE);
	assert_int_equal(d->sw.request, d->now);
	assert_int_equal(d->sw.running, d->now);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_EMPTY);
	assert_false(d->q.armed);
	assert_int_equal(d->timer, 0);
	/* Unless something else comes before that. */
	arm(d, NONE, 0, true);
	arm(d, 1, QUANTUM, false);
	assert_command(d, VGPU_CMD_LOAD, 1);
	assert_int_equal(d->timer, 0);
}

/* ------------------------------------------------------------------------ */
/* Boundaries                                                                */

/* World 1 may finish its command buffer before world 2 comes. */
static void reach_finishing(struct desk *d)
{
	reach_running(d);
	arm(d, 2, QUANTUM, BOUNDARY);
	assert_int_equal(d->command, 0);
	expire(d);
	assert_command(d, VGPU_CMD_BOUNDARY, 1);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_PREEMPTING);
}

static void a_command_buffer_is_finished(void **state)
{
	struct desk *d = *state;

	reach_finishing(d);
	answer(d, VGPU_EVENT_QUIESCED, 1);
	assert_command(d, VGPU_CMD_SAVE, 1);
	answer(d, VGPU_EVENT_SAVED, 1);
	answer(d, VGPU_EVENT_LOADED, 2);
	answer(d, VGPU_EVENT_RUNNING, 2);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_DEADLINE);
	/* And the next switch is as it was armed. */
	arm(d, 1, QUANTUM, false);
	expire(d);
	assert_command(d, VGPU_CMD_PREEMPT, 2);
}

static void now_finishes_a_command_buffer_too(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	arm(d, 2, QUANTUM, NOW | BOUNDARY);
	assert_command(d, VGPU_CMD_BOUNDARY, 1);
}

static void who_is_idle_has_nothing_to_finish(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	answer(d, VGPU_EVENT_IDLE, 1);
	arm(d, 2, QUANTUM, BOUNDARY);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
}

static void now_without_boundary_ends_it(void **state)
{
	struct desk *d = *state;

	reach_finishing(d);
	arm(d, 3, QUANTUM, BOUNDARY);
	assert_int_equal(d->command, 0);
	arm(d, 3, QUANTUM, 0);
	assert_int_equal(d->command, 0);
	arm(d, 3, QUANTUM, NOW | BOUNDARY);
	assert_int_equal(d->command, 0);
	arm(d, 3, QUANTUM, NOW);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
	/* Once, and with one answer. */
	arm(d, 3, QUANTUM, NOW);
	assert_int_equal(d->command, 0);
	answer(d, VGPU_EVENT_QUIESCED, 1);
	assert_command(d, VGPU_CMD_SAVE, 1);
	answer(d, VGPU_EVENT_SAVED, 1);
	assert_command(d, VGPU_CMD_LOAD, 2);
	assert_int_equal(d->q.strange, 0);
}

static void a_preempt_that_comes_too_late_is_nothing_strange(void **state)
{
	struct desk *d = *state;

	reach_finishing(d);
	arm(d, 3, QUANTUM, NOW);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
	answer(d, VGPU_EVENT_QUIESCED, 1);
	event(d, VGPU_EVENT_REFUSED, 1, VGPU_REFUSED_STATE, VGPU_CMD_PREEMPT);
	assert_int_equal(d->q.strange, 0);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_SAVING);
}

static void what_is_preempted_already_is_not_preempted_again(void **state)
{
	struct desk *d = *state;

	reach_preempting(d);
	arm(d, 3, QUANTUM, NOW);
	assert_int_equal(d->command, 0);
}

static void what_is_not_due_is_not_renewed(void **state)
{
	struct desk *d = *state;
	u64 deadline;

	reach_running(d);
	arm(d, 1, QUANTUM, false);
	deadline = d->timer;
	d->timer = 0;
	vgpu_sequencer_timer(&d->q, d->now);
	assert_int_equal(d->timer, deadline);
	disarm(d);
	/* One that could not be stopped any more. */
	vgpu_sequencer_timer(&d->q, deadline);
	assert_int_equal(d->records, 1);
}

static void a_renewal_that_is_withdrawn_needs_no_timer(void **state)
{
	struct desk *d = *state;

	arm(d, 1, 0, false);
	go_on(d);
	arm(d, 1, 0, NOW);
	assert_int_equal(d->timer, d->now);
	/* The world has no deadline. */
	arm(d, 2, QUANTUM, false);
	assert_int_equal(d->timer, 0);
}

static void same_world_is_renewed(void **state)
{
	struct desk *d = *state;
	u64 deadline;

	reach_running(d);
	arm(d, 1, QUANTUM, false);
	deadline = d->timer;
	expire(d);
	assert_int_equal(d->command, 0);
	assert_record(d, 2, 1, 1, VGPU_LEAVE_RENEWED);
	assert_int_equal(d->sw.deadline, deadline);
	assert_int_equal(d->sw.running, deadline);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_RUNNING);
	arm(d, 2, QUANTUM, false);
	assert_int_equal(d->timer, deadline + QUANTUM);
}

static void renewal_that_is_due_comes_by_timer(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	arm(d, 1, QUANTUM, true);
	assert_int_equal(d->records, 1);
	assert_int_equal(d->timer, d->now);
	expire(d);
	assert_record(d, 2, 1, 1, VGPU_LEAVE_RENEWED);
	/* So does one of an idle world. */
	answer(d, VGPU_EVENT_IDLE, 1);
	arm(d, 1, QUANTUM, false);
	assert_int_equal(d->records, 2);
	expire(d);
	assert_record(d, 3, 1, 1, VGPU_LEAVE_RENEWED);
}

static void a_world_that_is_renewed_is_as_idle_as_before(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	answer(d, VGPU_EVENT_IDLE, 1);
	arm(d, 1, QUANTUM, false);
	expire(d);
	assert_record(d, 2, 1, 1, VGPU_LEAVE_RENEWED);
	arm(d, 2, QUANTUM, false);
	assert_command(d, VGPU_CMD_PREEMPT, 1);
}

static void next_armed_by_the_record(void **state)
{
	struct desk *d = *state;

	reach_starting(d);
	d->arm_on_record = 3;
	answer(d, VGPU_EVENT_RUNNING, 2);
	assert_int_equal(d->timer, d->sw.running + QUANTUM);
	d->arm_on_record = 0;
	expire(d);
	assert_command(d, VGPU_CMD_PREEMPT, 2);
}

static void (*const reach_under_way[])(struct desk *d) = {
	reach_preempting, reach_saving, reach_loading, reach_starting,
};

static void armed_under_way_is_for_the_next_switch(void **state)
{
	struct desk *d = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reach_under_way); i++) {
		begin_again(d);
		reach_under_way[i](d);
		arm(d, 3, QUANTUM, false);
		assert_int_equal(d->command, 0);
		arm(d, 4, QUANTUM, false);
		go_on(d);
		assert_record(d, 2, 1, 2, VGPU_LEAVE_DEADLINE);
		assert_int_equal(d->timer, d->sw.running + QUANTUM);
		expire(d);
		go_on(d);
		assert_record(d, 3, 2, 4, VGPU_LEAVE_DEADLINE);
	}
}

static void now_under_way_hits_the_new_world(void **state)
{
	struct desk *d = *state;

	reach_loading(d);
	arm(d, 3, QUANTUM, true);
	answer(d, VGPU_EVENT_LOADED, 2);
	answer(d, VGPU_EVENT_RUNNING, 2);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_command(d, VGPU_CMD_PREEMPT, 2);
	go_on(d);
	assert_record(d, 3, 2, 3, VGPU_LEAVE_PREEMPT);
}

static void disarmed_under_way_changes_nothing(void **state)
{
	struct desk *d = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reach_under_way); i++) {
		begin_again(d);
		reach_under_way[i](d);
		disarm(d);
		go_on(d);
		assert_record(d, 2, 1, 2, VGPU_LEAVE_DEADLINE);
		assert_int_equal(d->timer, 0);
	}
}

static void hang_is_reset_and_the_next_goes_on(void **state)
{
	struct desk *d = *state;

	u64 asked;

	reach_preempting(d);
	d->now += 500;
	asked = d->now;
	answer(d, VGPU_EVENT_HANG, 1);
	assert_int_equal(d->command, 0);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_RESETTING);
	answer(d, VGPU_EVENT_RESET, 1);
	assert_command(d, VGPU_CMD_LOAD, 2);
	go_on(d);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_HANG);
	assert_int_equal(d->sw.request, asked);
	assert_int_equal(d->sw.quiesced, asked + 10);
	assert_int_equal(d->sw.saved, asked + 15);
}

static void hang_without_a_successor(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	arm(d, NONE, 0, true);
	answer(d, VGPU_EVENT_HANG, 1);
	answer(d, VGPU_EVENT_RESET, 1);
	assert_record(d, 2, 1, NONE, VGPU_LEAVE_HANG);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_EMPTY);
}

/* FLR (or RESET) of the world that is on its way out. */
static void old_world_vanishes(void **state)
{
	static const enum vgpu_event_type how[] = { VGPU_EVENT_FLR, VGPU_EVENT_RESET };
	struct desk *d = *state;
	unsigned int i, j;

	for (j = 0; j < 2; j++) {
		for (i = 0; i < 2; i++) {
			begin_again(d);
			reach_under_way[i](d);
			answer(d, how[j], 1);
			assert_command(d, VGPU_CMD_LOAD, 2);
			assert_int_equal(vgpu_sequencer_world(&d->q), 2);
			go_on(d);
			assert_record(d, 2, 1, 2, VGPU_LEAVE_RESET);
			assert_int_equal(d->q.strange, 0);
		}
	}
	begin_again(d);
	reach_preempting(d);
	answer(d, VGPU_EVENT_HANG, 1);
	answer(d, VGPU_EVENT_FLR, 1);
	assert_command(d, VGPU_CMD_LOAD, 2);
	go_on(d);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_HANG);
}

/* FLR (or RESET) of the world that is on its way in. */
static void new_world_vanishes(void **state)
{
	static const enum vgpu_event_type how[] = { VGPU_EVENT_FLR, VGPU_EVENT_RESET };
	struct desk *d = *state;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(reach_under_way); i++) {
		for (j = 0; j < 2; j++) {
			begin_again(d);
			reach_under_way[i](d);
			answer(d, how[j], 2);
			assert_int_equal(d->command, 0);
			go_on(d);
			assert_record(d, 2, 1, NONE, VGPU_LEAVE_DEADLINE);
			assert_int_equal(d->q.state, VGPU_SEQUENCER_EMPTY);
			assert_int_equal(d->q.strange, 0);
		}
	}
}

static void new_world_vanishes_and_another_is_armed(void **state)
{
	struct desk *d = *state;

	reach_loading(d);
	arm(d, 3, QUANTUM, false);
	answer(d, VGPU_EVENT_FLR, 2);
	assert_command(d, VGPU_CMD_LOAD, 3);
	go_on(d);
	assert_record(d, 3, NONE, 3, VGPU_LEAVE_NONE);
}

static void running_world_vanishes(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	answer(d, VGPU_EVENT_FLR, 1);
	assert_int_equal(d->records, 1);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_EMPTY);
	arm(d, 2, QUANTUM, false);
	assert_command(d, VGPU_CMD_LOAD, 2);
	go_on(d);
	assert_record(d, 2, NONE, 2, VGPU_LEAVE_NONE);
	arm(d, 3, QUANTUM, false);
	answer(d, VGPU_EVENT_RESET, 2);
	assert_command(d, VGPU_CMD_LOAD, 3);
	assert_int_equal(d->timer, 0);
	go_on(d);
	assert_record(d, 3, 2, 3, VGPU_LEAVE_RESET);
}

/* The slice of a world that is gone is nobody's. */
static void deadline_goes_with_its_world(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	answer(d, VGPU_EVENT_FLR, 1);
	arm(d, 2, QUANTUM, false);
	go_on(d);
	assert_record(d, 2, NONE, 2, VGPU_LEAVE_NONE);
	assert_int_equal(d->sw.deadline, 0);
	answer(d, VGPU_EVENT_FLR, 2);
	arm(d, NONE, 0, false);
	expire(d);
	assert_record(d, 3, NONE, NONE, VGPU_LEAVE_NONE);
	assert_int_equal(d->sw.deadline, 0);
}

static void times_of_a_reset_are_the_devices(void **state)
{
	struct desk *d = *state;
	u64 when;

	/* On the engine. */
	reach_running(d);
	arm(d, 2, QUANTUM, false);
	when = d->now - 7;
	event_at(d, VGPU_EVENT_RESET, 1, 0, when);
	go_on(d);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_RESET);
	assert_times(d, when, when, when);

	/* Asked to leave, as was believed, after it was reset, and before. */
	begin_again(d);
	reach_preempting(d);
	when = d->now - 7;
	event_at(d, VGPU_EVENT_RESET, 1, 0, when);
	go_on(d);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_RESET);
	assert_times(d, when, when, when);
	begin_again(d);
	reach_preempting(d);
	when = d->now;
	d->now += 50;
	event_at(d, VGPU_EVENT_RESET, 1, 0, when + 20);
	go_on(d);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_RESET);
	assert_times(d, when, when + 20, when + 20);

	/* Being saved: that it had quiesced stays true. */
	begin_again(d);
	reach_saving(d);
	when = d->q.sw.quiesced;
	d->now += 50;
	event_at(d, VGPU_EVENT_RESET, 1, 0, when - 2);
	go_on(d);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_RESET);
	assert_times(d, when - 5, when, when);
	begin_again(d);
	reach_saving(d);
	when = d->q.sw.quiesced;
	d->now += 50;
	event_at(d, VGPU_EVENT_RESET, 1, 0, when + 2);
	go_on(d);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_RESET);
	assert_times(d, when - 5, when, when + 2);
}

static void hang_ends_not_after_its_reset(void **state)
{
	struct desk *d = *state;
	u64 asked;

	reach_preempting(d);
	asked = d->now;
	d->now += 500;
	event_at(d, VGPU_EVENT_HANG, 1, asked, 0);
	event_at(d, VGPU_EVENT_RESET, 1, 0, d->now - 30);
	go_on(d);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_HANG);
	assert_times(d, asked, asked + 470, asked + 470);
}

static void armed_world_vanishes(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	arm(d, 2, QUANTUM, false);
	answer(d, VGPU_EVENT_FLR, 2);
	assert_false(d->q.armed);
	assert_int_equal(d->timer, 0);
	answer(d, VGPU_EVENT_FLR, 3);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_RUNNING);
	/* Nobody is on the engine, and somebody else is reset. */
	answer(d, VGPU_EVENT_FLR, 1);
	answer(d, VGPU_EVENT_RESET, 1);
	answer(d, VGPU_EVENT_RESET, NONE);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_EMPTY);
	assert_int_equal(d->records, 1);
}

static void refused_load_is_a_lost_world(void **state)
{
	struct desk *d = *state;

	reach_loading(d);
	event(d, VGPU_EVENT_REFUSED, 2, VGPU_REFUSED_BAD_IMAGE, VGPU_CMD_LOAD);
	assert_record(d, 2, 1, NONE, VGPU_LEAVE_DEADLINE);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_EMPTY);
	reach_loading_first(d);
	event(d, VGPU_EVENT_REFUSED, 1, VGPU_REFUSED_CLOSED, VGPU_CMD_LOAD);
	assert_record(d, 3, NONE, NONE, VGPU_LEAVE_NONE);
}

static void refused_save_is_a_lost_world(void **state)
{
	struct desk *d = *state;
	u64 quiesced;

	reach_saving(d);
	quiesced = d->q.sw.quiesced;
	event(d, VGPU_EVENT_REFUSED, 1, VGPU_REFUSED_STATE, VGPU_CMD_SAVE);
	assert_int_equal(d->q.strange, 1);
	event(d, VGPU_EVENT_REFUSED, 1, VGPU_REFUSED_BAD_IMAGE, VGPU_CMD_SAVE);
	assert_command(d, VGPU_CMD_LOAD, 2);
	go_on(d);
	assert_record(d, 2, 1, 2, VGPU_LEAVE_RESET);
	assert_int_equal(d->sw.quiesced, quiesced);
}

static void other_refusals_are_counted(void **state)
{
	struct desk *d = *state;

	event(d, VGPU_EVENT_REFUSED, NONE, VGPU_REFUSED_STATE, VGPU_CMD_LOAD);
	assert_int_equal(d->q.strange, 0);
	reach_preempting(d);
	event(d, VGPU_EVENT_REFUSED, 1, VGPU_REFUSED_STATE, VGPU_CMD_LOAD);
	event(d, VGPU_EVENT_REFUSED, 1, VGPU_REFUSED_BAD_IMAGE, VGPU_CMD_SAVE);
	event(d, VGPU_EVENT_REFUSED, 1, VGPU_REFUSED_STATE, VGPU_CMD_PREEMPT);
	assert_int_equal(d->q.strange, 3);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_PREEMPTING);
	begin_again(d);
	reach_saving(d);
	event(d, VGPU_EVENT_REFUSED, 1, VGPU_REFUSED_BAD_IMAGE, VGPU_CMD_LOAD);
	assert_int_equal(d->q.strange, 1);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_SAVING);
	begin_again(d);
	reach_loading(d);
	event(d, VGPU_EVENT_REFUSED, 3, VGPU_REFUSED_STATE, VGPU_CMD_LOAD);
	assert_int_equal(d->q.strange, 0);
	event(d, VGPU_EVENT_REFUSED, 2, VGPU_REFUSED_STATE, VGPU_CMD_SAVE);
	assert_int_equal(d->q.strange, 1);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_LOADING);
}

/* Each answer in each state in which it is not awaited. */
static void strange_answers_are_ignored(void **state)
{
	static const struct {
		void (*reach)(struct desk *d);
		enum vgpu_event_type awaited;
	} at[] = {
		{ reach_running, VGPU_EVENT_LOST },
		{ reach_preempting, VGPU_EVENT_QUIESCED },
		{ reach_saving, VGPU_EVENT_SAVED },
		{ reach_loading, VGPU_EVENT_LOADED },
		{ reach_starting, VGPU_EVENT_RUNNING },
	};
	struct desk *d = *state;
	enum vgpu_event_type type;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (type = VGPU_EVENT_SWITCHED; type <= VGPU_EVENT_RUNNING; type++) {
			/* Most are about commands, SWITCHED and RESET are not. */
			unsigned int counts = type >= VGPU_EVENT_QUIESCED &&
					      type <= VGPU_EVENT_RUNNING;
			u8 before;

			begin_again(d);
			at[i].reach(d);
			before = d->q.state;
			answer(d, type, 9);
			assert_int_equal(d->q.strange, counts);
			if (type != at[i].awaited) {
				answer(d, type, d->q.world);
				assert_int_equal(d->q.strange, 2 * counts);
			}
			assert_int_equal(d->q.state, before);
			assert_int_equal(d->command, 0);
		}
	}
}

static void events_of_no_concern(void **state)
{
	struct desk *d = *state;

	reach_running(d);
	answer(d, VGPU_EVENT_MAILBOX, 1);
	answer(d, VGPU_EVENT_INITIALISED, 2);
	answer(d, VGPU_EVENT_STORM, 1);
	answer(d, VGPU_EVENT_FAULT, 1);
	answer(d, VGPU_EVENT_LOST, NONE);
	answer(d, (enum vgpu_event_type)999, 1);
	answer(d, (enum vgpu_event_type)0, 1);
	assert_int_equal(d->q.state, VGPU_SEQUENCER_RUNNING);
	assert_int_equal(d->q.strange, 0);
	assert_int_equal(d->records, 1);
}

/* If they are in a wrong order, who counts that has to see it. */
static void device_times_are_passed_on_as_they_are(void **state)
{
	struct desk *d = *state;
	u64 t;

	reach_preempting(d);
	t = d->now;
	event_at(d, VGPU_EVENT_QUIESCED, 1, t + 100, t + 90);
	event_at(d, VGPU_EVENT_SAVED, 1, 0, t + 80);
	event_at(d, VGPU_EVENT_LOADED, 2, 0, t + 70);
	event_at(d, VGPU_EVENT_RUNNING, 2, 0, t + 60);
	assert_int_equal(d->records, 2);
	assert_times(d, t + 100, t + 90, t + 80);
	assert_int_equal(d->sw.loaded, t + 70);
	assert_int_equal(d->sw.running, t + 60);
}

/* After a reset, or a hang, the end of the old world may be an estimate. */
static void an_estimated_end_is_before_the_load(void **state)
{
	struct desk *d = *state;
	unsigned int hangs;
	u64 t;

	for (hangs = 0; hangs < 2; hangs++) {
		begin_again(d);
		reach_preempting(d);
		t = d->now;
		d->now += 1000;
		if (hangs)
			event_at(d, VGPU_EVENT_HANG, 1, t, 0);
		event_at(d, VGPU_EVENT_FLR, 1, 0, 0);
		event_at(d, VGPU_EVENT_LOADED, 2, 0, t + 300);
		event_at(d, VGPU_EVENT_RUNNING, 2, 0, t + 310);
		assert_record(d, 2, 1, 2, hangs ? VGPU_LEAVE_HANG : VGPU_LEAVE_RESET);
		assert_times(d, t, t + 300, t + 300);
		assert_int_equal(d->sw.loaded, t + 300);
	}
}

static void estimates_never_exceed_device_times(void **state)
{
	struct desk *d = *state;
	struct vgpu_sequencer_event e = { .type = VGPU_EVENT_LOADED, .function = 1 };

	reach_loading_first(d);
	e.when = d->now - 300;		/* the estimate was ahead */
	d->command = 0;
	vgpu_sequencer_event(&d->q, &e, d->now);
	e.type = VGPU_EVENT_RUNNING;
	d->command = 0;
	vgpu_sequencer_event(&d->q, &e, d->now);
	assert_record(d, 1, NONE, 1, VGPU_LEAVE_NONE);
	assert_int_equal(d->sw.request, e.when);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(walks_through_a_switch),
		TEST(no_timer_without_next),
		TEST(early_timer_is_set_again),
		TEST(armed_after_the_deadline),
		TEST(no_deadline_no_timer),
		TEST(now_does_not_wait),
		TEST(idle_world_leaves_at_once),
		TEST(idle_world_that_woke_keeps_its_slice),
		TEST(others_idle_is_not_ours),
		TEST(leaves_an_empty_engine),
		TEST(who_was_idle_leaves_before_the_deadline),
		TEST(an_empty_engine_tells_that_it_is),
		TEST(a_command_buffer_is_finished),
		TEST(now_finishes_a_command_buffer_too),
		TEST(who_is_idle_has_nothing_to_finish),
		TEST(now_without_boundary_ends_it),
		TEST(a_preempt_that_comes_too_late_is_nothing_strange),
		TEST(what_is_preempted_already_is_not_preempted_again),
		TEST(what_is_not_due_is_not_renewed),
		TEST(a_renewal_that_is_withdrawn_needs_no_timer),
		TEST(same_world_is_renewed),
		TEST(renewal_that_is_due_comes_by_timer),
		TEST(a_world_that_is_renewed_is_as_idle_as_before),
		TEST(next_armed_by_the_record),
		TEST(armed_under_way_is_for_the_next_switch),
		TEST(now_under_way_hits_the_new_world),
		TEST(disarmed_under_way_changes_nothing),
		TEST(hang_is_reset_and_the_next_goes_on),
		TEST(hang_without_a_successor),
		TEST(old_world_vanishes),
		TEST(new_world_vanishes),
		TEST(new_world_vanishes_and_another_is_armed),
		TEST(running_world_vanishes),
		TEST(deadline_goes_with_its_world),
		TEST(times_of_a_reset_are_the_devices),
		TEST(hang_ends_not_after_its_reset),
		TEST(armed_world_vanishes),
		TEST(refused_load_is_a_lost_world),
		TEST(refused_save_is_a_lost_world),
		TEST(other_refusals_are_counted),
		TEST(strange_answers_are_ignored),
		TEST(events_of_no_concern),
		TEST(device_times_are_passed_on_as_they_are),
		TEST(an_estimated_end_is_before_the_load),
		TEST(estimates_never_exceed_device_times),
	};

	return cmocka_run_group_tests_name("sequencer", tests, NULL, NULL);
}

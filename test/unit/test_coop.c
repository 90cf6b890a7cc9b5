// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the policy coop promises, on the model device: slices end between two
 * command buffers, but not at any price.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rig.h"

#define FUNCTIONS	4
#define MICROSECOND	1000ull
#define MILLISECOND	1000000ull
#define QUANTUM		(6 * MILLISECOND)
#define TIMEOUT		(5 * MILLISECOND)

static bool hardware = false, classic = true;

static int setup(void **state)
{
	bool *is_classic = *state;
	struct rig *r = rig_new(*is_classic, FUNCTIONS, 1);
	struct vgpu_sched_why why;
	u16 f;

	assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy("coop"),
					       &why, rig_clock(r)), 0);
	for (f = 0; f < FUNCTIONS; f++) {
		rig_set_quantum(r, f, QUANTUM, TIMEOUT);
		rig_start(r, f);
	}
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

/* Command buffers of so many ns, without end. */
static void flood(struct rig *r, u16 f, u64 packet)
{
	r->m.fn[f].packet = packet;
	model_work(&r->m, f, 1000000 * packet);
}

static const struct vgpu_sched_stats *stats(struct rig *r, u16 f)
{
	return vgpu_sched_stats(r->s, f);
}

/* Steps until the engine has another world, or none. */
static void next_world(struct rig *r)
{
	u16 world = r->m.world;

	while (r->m.world == world)
		rig_step(r, rig_next_time(r));
}

/* ------------------------------------------------------------------------ */

static unsigned int check_boundary(struct rig *r, struct vgpu_sched_switch *sw)
{
	if (sw->from != VGPU_FUNCTION_NONE && sw->reason == VGPU_LEAVE_DEADLINE) {
		assert_int_equal(r->m.fn[sw->from].work % r->m.fn[sw->from].packet, 0);
		if (!r->classic)
			assert_int_equal(sw->request, sw->deadline);
	}
	return 1;
}

static void slices_end_between_command_buffers(void **state)
{
	struct rig *r = *state;
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		flood(r, f, (4 + f) * MILLISECOND);
	r->record = check_boundary;
	rig_run(r, 2000 * MILLISECOND);
	for (f = 0; f < FUNCTIONS; f++)
		assert_true(stats(r, f)->slices > 40);
	assert_int_equal(vgpu_sched_total(r->s)->deadline_misses, 0);
	assert_int_equal(vgpu_sched_total(r->s)->switches[VGPU_LEAVE_HANG], 0);
	/* 2 of 4 ms, 2 of 5, 1 of 6, 1 of 7. */
	assert_int_equal(stats(r, 0)->quiesce.max, 2 * MILLISECOND);
	assert_int_equal(stats(r, 1)->runtime_ns / stats(r, 1)->slices,
			 10 * MILLISECOND);
	assert_int_equal(stats(r, 2)->quiesce.max, 0);
	assert_int_equal(stats(r, 3)->quiesce.max, MILLISECOND);
	assert_int_equal(r->overdues, 0);
}

static void all_take_turns(void **state)
{
	struct rig *r = *state;
	unsigned int i;
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		flood(r, f, MILLISECOND);
	rig_run(r, 1);
	for (i = 0; i < 50; i++) {
		while (r->m.state != VGPU_ENGINE_RUNNING)
			rig_step(r, rig_next_time(r));
		assert_int_equal(r->m.world, i % FUNCTIONS);
		next_world(r);
	}
}

static void who_is_alone_is_not_interrupted(void **state)
{
	struct rig *r = *state;

	flood(r, 1, MILLISECOND);
	rig_run(r, 500 * MILLISECOND);
	assert_int_equal(stats(r, 1)->slices, 0);
	flood(r, 2, MILLISECOND);
	rig_run(r, 502 * MILLISECOND);
	assert_int_equal(vgpu_sched_running(r->s), 2);
}

static void a_long_command_buffer_is_cut(void **state)
{
	struct rig *r = *state;

	flood(r, 1, 1000 * MILLISECOND);
	flood(r, 2, MILLISECOND);
	rig_run(r, 1000 * MILLISECOND);
	assert_int_equal(stats(r, 1)->quiesce.max, TIMEOUT);
	assert_true(stats(r, 2)->slices > 50);
	assert_int_equal(vgpu_sched_total(r->s)->hangs, 0);
	assert_int_equal(vgpu_sched_total(r->s)->deadline_misses, 0);
	/* What it has taken beyond its slice is overrun. */
	assert_int_equal(stats(r, 1)->overrun_ns, stats(r, 1)->slices * TIMEOUT);
}

static void a_world_that_hangs_has_its_timeout_twice(void **state)
{
	struct rig *r = *state;

	flood(r, 1, MILLISECOND);
	flood(r, 2, MILLISECOND);
	r->m.fn[1].stuck = true;
	rig_run(r, 100 * MILLISECOND);
	assert_int_equal(stats(r, 1)->hangs, 1);
	assert_int_equal(stats(r, 1)->quiesce.max, 2 * TIMEOUT);
	/* Not even a miss, and nobody was in a hurry to recover anything. */
	assert_int_equal(stats(r, 1)->deadline_misses, 0);
	assert_int_equal(r->overdues, 0);
	assert_int_equal(vgpu_sched_engine(r->s)->rearmed, 0);
	assert_int_equal(stats(r, 2)->hangs, 0);
	assert_int_equal(vgpu_sched_running(r->s), 2);
}

static void without_a_timeout_it_is_waited_for(void **state)
{
	struct rig *r = *state;

	rig_set_quantum(r, 1, QUANTUM, 0);
	flood(r, 1, 500 * MILLISECOND);
	flood(r, 2, MILLISECOND);
	rig_run(r, 450 * MILLISECOND);
	assert_int_equal(r->m.world, 1);
	assert_int_equal(r->overdues, 0);
	rig_run(r, 502 * MILLISECOND);
	assert_int_equal(r->m.world, 2);
	assert_int_equal(vgpu_sched_latency_bound(r->s, 2), U64_MAX);
}

static void latency_is_within_its_bound(void **state)
{
	struct rig *r = *state;
	u64 slack = r->classic ? 10 * FUNCTIONS * 40 * MICROSECOND : 0;
	u16 f;

	r->irq_latency = slack ? 40 * MICROSECOND : 0;
	flood(r, 0, 1000 * MILLISECOND);
	flood(r, 1, 7 * MILLISECOND);
	flood(r, 2, 4900 * MICROSECOND);
	while (r->m.now < 10000 * MILLISECOND) {
		rig_run(r, r->m.now + rig_random(r, 100 * MILLISECOND));
		if (!r->m.fn[3].work)
			model_work(&r->m, 3, rig_random(r, MILLISECOND));
		f = rig_random(r, 3);
		r->m.fn[f].stuck |= !rig_random(r, 10);
		for (f = 0; f < 3; f++)
			if (rig_recover(r, f) && !r->m.fn[f].work)
				flood(r, f, r->m.fn[f].packet);
	}
	assert_true(stats(r, 3)->wake.count > 100);
	assert_true(stats(r, 3)->wake.max > 30 * MILLISECOND);
	assert_true(stats(r, 3)->wake.max <= vgpu_sched_latency_bound(r->s, 3) + slack);
	/* 3 others: load, quantum, both timeouts, reset; and its own save and load. */
	assert_int_equal(vgpu_sched_latency_bound(r->s, 3),
			 3 * (150 * MICROSECOND + QUANTUM + 2 * TIMEOUT +
			      r->m.reset_ns) + r->m.reset_ns + 150 * MICROSECOND);
	assert_true(vgpu_sched_total(r->s)->hangs > 5);
	assert_int_equal(r->overdues, 0);
}

/* ------------------------------------------------------------------------ */

/* Parked in the middle of a slice, and while it finishes its command buffer. */
static void who_is_parked_does_not_finish_anything(void **state)
{
	struct rig *r = *state;
	unsigned int i;

	flood(r, 2, MILLISECOND);
	for (i = 0; i < 2; i++) {
		u64 parked;

		flood(r, 1, 1000 * MILLISECOND);
		while (!(r->m.world == 1 && r->m.state == (i ? VGPU_ENGINE_QUIESCING :
							       VGPU_ENGINE_RUNNING)))
			rig_step(r, rig_next_time(r));
		rig_run(r, r->m.now + MILLISECOND + 1);
		parked = r->m.now;
		assert_int_equal(r->m.world, 1);
		assert_int_equal(rig_park(r, 1, VGPU_SCHED_PARK_PAUSED), -EINPROGRESS);
		next_world(r);
		/* One work-group and the save. */
		assert_in_range(r->m.now - parked, 1, 20 * MICROSECOND + r->m.save_ns);
		rig_run(r, r->m.now + MILLISECOND);
		assert_int_equal(r->parked_calls[1], i + 1);
		assert_int_equal(vgpu_sched_running(r->s), 2);
		rig_unpark(r, 1, VGPU_SCHED_PARK_PAUSED);
	}
	assert_int_equal(r->overdues, 0);
}

/* Even if it could take for ever. */
static void parking_ends_a_wait_without_end(void **state)
{
	struct rig *r = *state;

	rig_set_quantum(r, 1, QUANTUM, 0);
	flood(r, 1, 1000000 * MILLISECOND);
	flood(r, 2, MILLISECOND);
	rig_run(r, 100 * MILLISECOND);
	assert_int_equal(r->m.state, VGPU_ENGINE_QUIESCING);
	rig_park(r, 1, VGPU_SCHED_PARK_PAUSED);
	rig_run(r, 101 * MILLISECOND);
	assert_int_equal(r->parked_calls[1], 1);
	assert_int_equal(vgpu_sched_running(r->s), 2);
}

static void another_policy_does_not_let_finish(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;

	flood(r, 1, 1000 * MILLISECOND);
	flood(r, 2, 1000 * MILLISECOND);
	rig_run(r, MILLISECOND);
	assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy("rr"), &why,
					       rig_clock(r)), 0);
	rig_run(r, 100 * MILLISECOND);
	assert_true(vgpu_sched_total(r->s)->quiesce.max <= 20 * MICROSECOND);
	assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy("coop"), &why,
					       rig_clock(r)), 0);
	rig_run(r, 200 * MILLISECOND);
	assert_int_equal(vgpu_sched_total(r->s)->quiesce.max, TIMEOUT);
}

static void a_change_while_it_finishes_is_not_overdue(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_why why;

	flood(r, 1, 1000 * MILLISECOND);
	flood(r, 2, 1000 * MILLISECOND);
	r->m.fn[1].stuck = true;
	while (r->m.state != VGPU_ENGINE_QUIESCING)
		rig_step(r, rig_next_time(r));
	rig_run(r, r->m.now + MILLISECOND);
	assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy("rr"), &why,
					       rig_clock(r)), 0);
	rig_run(r, r->m.now + 20 * MILLISECOND);
	assert_int_equal(stats(r, 1)->hangs, 1);
	assert_int_equal(stats(r, 1)->quiesce.max, 2 * TIMEOUT);
	assert_int_equal(vgpu_sched_engine(r->s)->rearmed, 0);
}

static void what_it_cannot_weigh_is_refused(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_params p;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(r->s, 1, &p);
	p.weight = 200;
	assert_int_equal(rig_set_params(r, 1, &p, &why), -EOPNOTSUPP);
	assert_string_equal(why.what, "weight");
	assert_string_equal(why.rule, "is not supported by policy coop");
	p.weight = VGPU_SCHED_WEIGHT_DEFAULT;
	p.priority = VGPU_SCHED_PRIORITY_HIGH;
	assert_int_equal(rig_set_params(r, 1, &p, &why), -EOPNOTSUPP);
	assert_string_equal(why.what, "priority");
	p.priority = VGPU_SCHED_PRIORITY_NORMAL;
	p.budget_ns = MILLISECOND;
	p.period_ns = 10 * MILLISECOND;
	assert_int_equal(rig_set_params(r, 1, &p, &why), -EOPNOTSUPP);
	assert_string_equal(why.what, "budget_ns");
}

static void a_device_that_cannot_do_it_is_refused(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_config config;
	struct vgpu_sched *s;
	struct vgpu_sched_why why;

	assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy("rr"), &why,
					       rig_clock(r)), 0);
	r->s->config.boundary = false;
	assert_int_equal(vgpu_sched_set_policy(r->s, vgpu_sched_find_policy("coop"), &why,
					       rig_clock(r)), -EOPNOTSUPP);
	assert_int_equal(why.function, VGPU_FUNCTION_NONE);
	assert_string_equal(why.what, "policy");
	assert_true(why.low > why.high);
	config = r->s->config;
	config.policy = vgpu_sched_find_policy("coop");
	s = malloc(vgpu_sched_size(FUNCTIONS));
	assert_non_null(s);
	assert_int_equal(vgpu_sched_init(s, &config, r->s->ops, r, 1), -EOPNOTSUPP);
	config.boundary = true;
	assert_int_equal(vgpu_sched_init(s, &config, r->s->ops, r, 1), 0);
	free(s);
	assert_string_equal(vgpu_sched_policy_name(vgpu_sched_policy(r->s)), "rr");
}

static void nothing_is_lost_in_chaos(void **state)
{
	struct rig *r = *state;
	u64 i;
	u16 f;

	r->irq_latency = 40 * MICROSECOND;
	r->write_latency = 2 * MICROSECOND;
	for (f = 0; f < FUNCTIONS; f++)
		r->m.fn[f].packet = (1 + 5 * f) * MILLISECOND;
	for (i = 0; i < 50000; i++) {
		rig_run(r, r->m.now + rig_random(r, MILLISECOND));
		f = rig_random(r, FUNCTIONS);
		if (!rig_recover(r, f))
			continue;
		if (r->m.fn[f].work < 10 * MILLISECOND)
			model_work(&r->m, f, 10 * r->m.fn[f].packet);
		r->m.fn[f].stuck |= !rig_random(r, 100);
		if (!rig_random(r, 100) && !r->m.fn[f].flr)
			model_flr(&r->m, f);
		if (!rig_random(r, 20))
			rig_park(r, f, VGPU_SCHED_PARK_PAUSED);
		if (!rig_random(r, 5))
			rig_unpark(r, f, VGPU_SCHED_PARK_PAUSED);
	}
	for (f = 0; f < FUNCTIONS; f++) {
		rig_unpark(r, f, VGPU_SCHED_PARK_PAUSED);
		assert_true(stats(r, f)->slices > 500);
	}
	assert_true(vgpu_sched_total(r->s)->hangs > 50);
	assert_int_equal(r->overdues, 0);
}

#define TEST(test, state) \
	cmocka_unit_test_prestate_setup_teardown(test, setup, teardown, &state)
#define BOTH(test)	TEST(test, hardware), TEST(test, classic)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(slices_end_between_command_buffers),
		BOTH(all_take_turns),
		BOTH(who_is_alone_is_not_interrupted),
		BOTH(a_long_command_buffer_is_cut),
		BOTH(a_world_that_hangs_has_its_timeout_twice),
		BOTH(without_a_timeout_it_is_waited_for),
		BOTH(latency_is_within_its_bound),
		BOTH(who_is_parked_does_not_finish_anything),
		BOTH(parking_ends_a_wait_without_end),
		BOTH(another_policy_does_not_let_finish),
		BOTH(a_change_while_it_finishes_is_not_overdue),
		TEST(what_it_cannot_weigh_is_refused, hardware),
		TEST(a_device_that_cannot_do_it_is_refused, hardware),
		BOTH(nothing_is_lost_in_chaos),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("coop", tests, NULL, NULL);
}

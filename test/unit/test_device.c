// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling core on the model device, with hardware deadlines and through the
 * sequencer: what users see.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rig.h"

#define MICROSECOND	1000ull
#define MILLISECOND	1000000ull
#define FUNCTIONS	5

static bool hardware = false, classic = true;

static int rig_setup(void **state)
{
	bool *is_classic = *state;
	struct rig *r = rig_new(*is_classic, FUNCTIONS, 1);
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		rig_start(r, f);
	*state = r;
	return 0;
}

static int rig_teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void make_busy(struct rig *r, u16 first, u16 last)
{
	for (; first <= last; first++)
		model_work(&r->m, first, 1000000 * MILLISECOND);
}

static void four_busy_functions_share_exactly(void **state)
{
	const u64 cycle = 4 * (6 * MILLISECOND + 300 * MICROSECOND);
	struct rig *r = *state;
	const struct vgpu_sched_stats *all = vgpu_sched_total(r->s);
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(r->s);
	u16 f;

	make_busy(r, 1, 4);
	rig_run(r, 400 * cycle + MILLISECOND);
	assert_int_equal(all->slices, 1600);
	assert_int_equal(engine->arms, all->slices + 2);
	assert_int_equal(engine->disarms, 0);
	assert_int_equal(all->request.max, 0);
	assert_int_equal(all->quiesce.max, 0);
	assert_int_equal(all->gap.max, 0);
	assert_int_equal(all->deadline_misses, 0);
	assert_int_equal(all->overrun_ns, 0);
	for (f = 1; f <= 4; f++) {
		const struct vgpu_sched_stats *one = vgpu_sched_stats(r->s, f);

		assert_int_equal(one->runtime_ns, one->slices * 6 * MILLISECOND);
		assert_int_equal(one->slices, 400);
		assert_int_equal(one->runtime_ns + (vgpu_sched_running(r->s) == f ?
				 r->m.now - engine->last_ns : 0),
				 model_gpu_time(&r->m, f));
	}
	assert_int_equal(r->overdues, 0);
	/* The cycle does not drift: the 400th begins where it must. */
	assert_int_equal((engine->last_ns - 1 - 150 * MICROSECOND) %
			 (6 * MILLISECOND + 300 * MICROSECOND), 0);
}

static void slices_end_within_a_work_group(void **state)
{
	struct rig *r = *state;
	const struct vgpu_sched_stats *all = vgpu_sched_total(r->s);
	u16 f;

	for (f = 1; f <= 4; f++)
		r->m.fn[f].group = 17 * MICROSECOND + f;
	make_busy(r, 1, 4);
	rig_run(r, 1000 * MILLISECOND);
	assert_true(all->quiesce.count > 100);
	assert_true(all->quiesce.max > 0);
	assert_true(all->quiesce.max <= 17 * MICROSECOND + 4);
	assert_int_equal(all->overrun_ns, all->quiesce.sum);
	assert_int_equal(all->request.max, 0);
}

static void interrupts_that_take_time(void **state)
{
	struct rig *r = *state;
	const struct vgpu_sched_stats *all = vgpu_sched_total(r->s);

	r->irq_latency = 10 * MICROSECOND;
	r->write_latency = 500;
	make_busy(r, 1, 4);
	rig_run(r, 1000 * MILLISECOND);
	assert_true(all->slices > 150);
	assert_int_equal(all->deadline_misses, 0);
	if (r->classic) {
		assert_true(all->request.max > 0);
		assert_true(all->request.max <= 10500);
		assert_true(all->gap.max <= 3 * 10500);
	} else {
		assert_int_equal(all->request.max, 0);
		assert_int_equal(all->gap.max, 0);
	}
}

static void idle_functions_get_no_slot(void **state)
{
	struct rig *r = *state;

	make_busy(r, 2, 2);
	rig_run(r, 1000 * MILLISECOND);
	assert_int_equal(vgpu_sched_engine(r->s)->arms, 1);
	assert_int_equal(vgpu_sched_total(r->s)->slices, 0);
	assert_int_equal(vgpu_sched_runtime(r->s, 2, r->m.now),
			 r->m.now - 1 - 150 * MICROSECOND);
}

static void short_work_gives_up_its_slice(void **state)
{
	struct rig *r = *state;
	const struct vgpu_sched_stats *one = vgpu_sched_stats(r->s, 1);

	make_busy(r, 2, 2);
	rig_run(r, 10 * MILLISECOND);
	model_work(&r->m, 1, 1 * MILLISECOND);
	rig_run(r, 100 * MILLISECOND);
	assert_int_equal(one->slices, 1);
	assert_int_equal(one->runtime_ns, 1 * MILLISECOND);
	assert_int_equal(one->switches[VGPU_LEAVE_IDLE], 1);
	/* 2 was beyond its deadline, so 1 was let in at once. */
	assert_true(one->wake.max <= 320 * MICROSECOND);
	assert_int_equal(vgpu_sched_running(r->s), 2);
}

static void hang_costs_only_its_owner(void **state)
{
	struct rig *r = *state;
	const struct vgpu_sched_stats *all = vgpu_sched_total(r->s);
	u64 before;

	make_busy(r, 1, 3);
	rig_run(r, 1 * MILLISECOND);
	assert_int_equal(vgpu_sched_running(r->s), 1);
	r->m.fn[1].stuck = true;
	before = r->m.now;
	while (!vgpu_sched_stats(r->s, 1)->slices)
		rig_step(r, MODEL_NEVER - 1);
	assert_int_equal(all->hangs, 1);
	assert_int_equal(all->switches[VGPU_LEAVE_HANG], 1);
	assert_true(r->m.now - before <= 6 * MILLISECOND + VGPU_SCHED_TIMEOUT_DEFAULT +
		    r->m.reset_ns + r->m.load_ns);
	assert_true(vgpu_sched_parked(r->s, 1) & VGPU_SCHED_PARK_HUNG);
	assert_int_equal(all->deadline_misses, 0);
	rig_run(r, r->m.now + 100 * MILLISECOND);
	assert_int_equal(vgpu_sched_stats(r->s, 1)->slices, 1);
	assert_true(rig_recover(r, 1));
	model_work(&r->m, 1, MILLISECOND);
	rig_run(r, r->m.now + 100 * MILLISECOND);
	assert_int_equal(vgpu_sched_stats(r->s, 1)->slices, 2);
	assert_int_equal(r->overdues, 0);
}

#define CYCLE	(3 * (6 * MILLISECOND + 300 * MICROSECOND))

static void flr_in_every_state(void **state)
{
	struct rig *r = *state;
	unsigned int moment;

	make_busy(r, 1, 3);
	/* Steps of 20 us through more than one cycle of three slices meet each state. */
	for (moment = 0; moment < 1000; moment++) {
		rig_run(r, r->m.now + CYCLE + moment * 20 * MICROSECOND);
		model_flr(&r->m, 2);
		rig_run(r, r->m.now + CYCLE);
		assert_true(rig_recover(r, 2));
		model_work(&r->m, 2, 1000 * MILLISECOND);
	}
	assert_int_equal(r->overdues, 0);
	assert_int_equal(vgpu_sched_engine(r->s)->rearmed, 0);
	assert_true(vgpu_sched_stats(r->s, 2)->switches[VGPU_LEAVE_RESET] > 300);
	assert_true(vgpu_sched_stats(r->s, 1)->slices > 2000);
	assert_true(vgpu_sched_stats(r->s, 3)->slices > 2000);
}

static void stuck_save_is_recovered(void **state)
{
	struct rig *r = *state;

	make_busy(r, 1, 2);
	r->m.stuck_phase = false;
	rig_run(r, 1 * MILLISECOND);
	r->m.stuck_phase = true;
	rig_run(r, 100 * MILLISECOND);
	assert_true(r->overdues > 0);
	assert_int_equal(vgpu_sched_running(r->s), 2);
	assert_true(vgpu_sched_parked(r->s, 1) & VGPU_SCHED_PARK_RESET);
	assert_true(rig_recover(r, 1));
	model_work(&r->m, 1, MILLISECOND);
	rig_run(r, r->m.now + 50 * MILLISECOND);
	assert_int_equal(vgpu_sched_stats(r->s, 1)->slices, 2);
}

static void vanished_record_is_repaired(void **state)
{
	struct rig *r = *state;
	u64 slices;

	make_busy(r, 1, 3);
	rig_run(r, 10 * MILLISECOND);
	r->m.lose = 1;
	r->m.lose_silently = true;
	rig_run(r, 200 * MILLISECOND);
	rig_recover(r, 1);
	rig_recover(r, 2);
	rig_recover(r, 3);
	make_busy(r, 1, 3);
	rig_run(r, 300 * MILLISECOND);
	slices = vgpu_sched_total(r->s)->slices;
	rig_run(r, 400 * MILLISECOND);
	assert_in_range(vgpu_sched_total(r->s)->slices - slices, 14, 16);
	assert_true(vgpu_sched_engine(r->s)->rearmed > 0);
}

static void parking_empties_the_engine(void **state)
{
	struct rig *r = *state;
	u16 f;

	make_busy(r, 1, 4);
	rig_run(r, 1 * MILLISECOND);
	for (f = 1; f <= 4; f++)
		rig_park(r, f, VGPU_SCHED_PARK_SUSPENDED);
	rig_run(r, r->m.now + 20 * MILLISECOND);
	assert_int_equal(r->m.state, VGPU_ENGINE_EMPTY);
	for (f = 1; f <= 4; f++) {
		assert_false(r->owed[f]);
		assert_true(vgpu_sched_off_engine(r->s, f));
		rig_unpark(r, f, VGPU_SCHED_PARK_SUSPENDED);
	}
	rig_run(r, r->m.now + 20 * MILLISECOND);
	assert_int_equal(r->m.state, VGPU_ENGINE_RUNNING);
}

static void years_do_not_overflow(void **state)
{
	struct rig *r = *state;
	const u64 years = 100ull * 365 * 86400 * 1000000000;

	rig_run(r, years);
	make_busy(r, 1, 4);
	rig_run(r, years + 1000 * MILLISECOND);
	assert_in_range(vgpu_sched_stats(r->s, 1)->slices, 39, 41);
	assert_int_equal(vgpu_sched_total(r->s)->deadline_misses, 0);
	assert_int_equal(r->overdues, 0);
}

#define RIG(name, which) \
	{ #name " (" #which ")", name, rig_setup, rig_teardown, &(which) }
#define BOTH(name)	RIG(name, hardware), RIG(name, classic)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(four_busy_functions_share_exactly),
		BOTH(slices_end_within_a_work_group),
		BOTH(interrupts_that_take_time),
		BOTH(idle_functions_get_no_slot),
		BOTH(short_work_gives_up_its_slice),
		BOTH(hang_costs_only_its_owner),
		BOTH(flr_in_every_state),
		BOTH(stuck_save_is_recovered),
		BOTH(vanished_record_is_repaired),
		BOTH(parking_empties_the_engine),
		BOTH(years_do_not_overflow),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}

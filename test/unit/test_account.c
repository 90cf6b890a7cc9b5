// SPDX-License-Identifier: GPL-2.0-only
/* What one switch record does to the books. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"

static void books_one_switch(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_stats *one = vgpu_sched_stats(d->s, 1);
	const struct vgpu_sched_stats *two = vgpu_sched_stats(d->s, 2);
	const struct vgpu_sched_stats *all = vgpu_sched_total(d->s);
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	struct vgpu_sched_switch sw;
	u64 start;

	desk_one_runs_two_waits(d);
	start = engine->last_ns;
	assert_int_equal(engine->empty_ns, 0);
	assert_int_equal(one->switches[VGPU_LEAVE_NONE], 1);
	assert_int_equal(all->switches[VGPU_LEAVE_NONE], 1);
	assert_int_equal(one->load_ns, 150 * MICROSECOND);
	assert_int_equal(one->slices, 0);

	sw = (struct vgpu_sched_switch){
		.from = 1, .to = 2, .reason = VGPU_LEAVE_DEADLINE,
		.deadline = start + 6 * MILLISECOND,
		.request = start + 6 * MILLISECOND + 7,
		.quiesced = start + 6 * MILLISECOND + 18007,
		.saved = start + 6 * MILLISECOND + 168007,
		.loaded = start + 6 * MILLISECOND + 318107,
		.running = start + 6 * MILLISECOND + 318307,
	};
	desk_report(d, &sw);
	assert_int_equal(one->runtime_ns, 6 * MILLISECOND + 18007);
	assert_int_equal(one->slices, 1);
	assert_int_equal(one->switches[VGPU_LEAVE_DEADLINE], 1);
	assert_int_equal(one->overrun_ns, 18007);
	assert_int_equal(one->save_ns, 150 * MICROSECOND);
	assert_int_equal(one->overhead_ns, 300 * MICROSECOND);
	assert_int_equal(one->request.max, 7);
	assert_int_equal(one->quiesce.max, 18000);
	assert_int_equal(one->deadline_misses, 0);
	assert_int_equal(two->load_ns, 150100);
	assert_int_equal(two->overhead_ns, 150300);
	assert_int_equal(two->gap.max, 300);
	assert_int_equal(two->wake.count, 1);
	assert_int_equal(two->wake.max, 6 * MILLISECOND + 318307);
	assert_int_equal(two->runtime_ns, 0);
	assert_int_equal(all->runtime_ns, one->runtime_ns);
	assert_int_equal(all->overhead_ns, 450300);
	assert_int_equal(all->wakes, 2);
}

static struct vgpu_sched_switch late_switch(struct desk *d, u64 request, u64 quiesce)
{
	u64 start = vgpu_sched_engine(d->s)->last_ns;
	struct vgpu_sched_switch sw = {
		.from = 1, .to = 2, .reason = VGPU_LEAVE_DEADLINE,
		.deadline = start + VGPU_SCHED_QUANTUM_DEFAULT,
	};

	sw.request = sw.deadline + request;
	sw.quiesced = sw.request + quiesce;
	sw.saved = sw.quiesced + desk_config.save_ns;
	sw.loaded = sw.saved + desk_config.load_ns;
	sw.running = sw.loaded;
	return sw;
}

static void switch_to_nobody_has_no_later_times(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	d->now += MILLISECOND;
	sw = desk_record(d, 1, NONE, VGPU_LEAVE_PREEMPT);
	sw.loaded = 0;
	sw.running = 0;
	desk_report(d, &sw);
	assert_int_equal(vgpu_sched_engine(d->s)->missing, 0);
	assert_int_equal(vgpu_sched_engine(d->s)->last_ns, sw.saved);
	/* The time until the next world comes is nobody's. */
	d->now = sw.saved + MILLISECOND;
	desk_wake(d, 2);
	desk_switched(d, NONE, 2, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_engine(d->s)->empty_ns, MILLISECOND);
}

static void estimated_end_does_not_count_as_backwards(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_flr(d->s, 1, d->now + 700);	/* the estimate is ahead */
	vgpu_sched_wake(d->s, 2, d->now, d->now + 700);
	desk_switched(d, NONE, 2, VGPU_LEAVE_NONE);
	assert_int_equal(vgpu_sched_engine(d->s)->backwards, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->runtime_ns, 700);
}

static void late_request_is_a_miss(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = late_switch(d, desk_config.request_slack_ns + 1, 0);
	desk_report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->deadline_misses, 1);
	assert_int_equal(vgpu_sched_total(d->s)->deadline_misses, 1);
}

static void request_within_the_slack_is_no_miss(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = late_switch(d, desk_config.request_slack_ns, VGPU_SCHED_TIMEOUT_DEFAULT);
	desk_report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->deadline_misses, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->request.max,
			 desk_config.request_slack_ns);
}

static void late_quiesce_is_a_miss(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = late_switch(d, 0, VGPU_SCHED_TIMEOUT_DEFAULT + 1);
	desk_report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->deadline_misses, 1);
}

static void armed_after_the_deadline_is_no_delay(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now = d->timer;
	vgpu_sched_timer(d->s, d->now);
	d->now += 50 * MILLISECOND;
	desk_wake(d, 2);
	vgpu_sched_timer(d->s, d->now);
	/* It is expected from now on, not from the deadline on. */
	assert_int_equal(d->timer, d->now + VGPU_SCHED_TIMEOUT_DEFAULT +
				   desk_config.reset_ns + desk_config.load_ns +
				   desk_config.overdue_slack_ns);
	sw = late_switch(d, d->now + 400 - vgpu_sched_engine(d->s)->last_ns -
			 VGPU_SCHED_QUANTUM_DEFAULT, 1000);
	desk_report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->request.count, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->deadline_misses, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->overrun_ns, 1400);
}

static void going_idle_is_no_delay(void **state)
{
	struct desk *d = *state;

	desk_one_runs_two_waits(d);
	desk_switched(d, 1, 2, VGPU_LEAVE_IDLE);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->quiesce.count, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->request.count, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->switches[VGPU_LEAVE_IDLE], 1);
}

static void times_that_go_backwards(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = desk_record(d, 1, 2, VGPU_LEAVE_DEADLINE);
	sw.saved = sw.quiesced - 10;
	desk_report(d, &sw);
	assert_int_equal(engine->backwards, 1);
	assert_int_equal(engine->missing, 0);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->save_ns, 0);
	assert_int_equal(vgpu_sched_running(d->s), 2);
	sw = desk_record(d, 2, 1, VGPU_LEAVE_DEADLINE);
	sw.request = 1;
	sw.quiesced = 1;
	sw.saved = 1;
	sw.loaded = 1;
	sw.running = 1;
	desk_report(d, &sw);
	assert_int_equal(engine->backwards, 2);
	assert_int_equal(vgpu_sched_stats(d->s, 2)->runtime_ns, 0);
	assert_int_equal(vgpu_sched_running(d->s), 1);
}

static void times_that_are_missing(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = desk_record(d, 1, 2, VGPU_LEAVE_DEADLINE);
	sw.loaded = 0;
	desk_report(d, &sw);
	assert_int_equal(engine->missing, 1);
	sw = desk_record(d, 2, 1, VGPU_LEAVE_DEADLINE);
	sw.running = U64_MAX;		/* a dead device */
	vgpu_sched_switched(d->s, &sw, d->now);
	assert_int_equal(engine->missing, 2);
	assert_true(engine->last_ns < d->now + VGPU_SCHED_FUTURE_NS);
	vgpu_sched_wake(d->s, 3, 0, d->now);
	vgpu_sched_wake(d->s, 4, U64_MAX, d->now);
	assert_int_equal(engine->missing, 4);
	assert_int_equal(engine->backwards, 0);
}

static void records_that_come_twice(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = desk_record(d, 1, 2, VGPU_LEAVE_DEADLINE);
	desk_report(d, &sw);
	desk_report(d, &sw);
	assert_int_equal(d->call, DESK_NOTHING);
	assert_int_equal(vgpu_sched_engine(d->s)->duplicates, 1);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->slices, 1);
}

static void only_the_same_record_is_a_duplicate(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw, other;

	desk_one_runs_two_waits(d);
	sw = desk_record(d, 1, 2, VGPU_LEAVE_DEADLINE);
	desk_report(d, &sw);
	assert_true(vgpu_sched_is_duplicate(d->s, &sw));
	other = sw;
	other.from = 3;
	assert_false(vgpu_sched_is_duplicate(d->s, &other));
	other = sw;
	other.to = 3;
	assert_false(vgpu_sched_is_duplicate(d->s, &other));
	other = sw;
	other.reason = VGPU_LEAVE_PREEMPT;
	assert_false(vgpu_sched_is_duplicate(d->s, &other));
	other = sw;
	other.quiesced--;
	assert_false(vgpu_sched_is_duplicate(d->s, &other));
	other = sw;
	other.running++;
	assert_false(vgpu_sched_is_duplicate(d->s, &other));
	/* The times between say nothing new. */
	other = sw;
	other.loaded--;
	assert_true(vgpu_sched_is_duplicate(d->s, &other));
	/* Of two that say nothing about time, who knows? */
	sw = desk_record(d, 2, NONE, VGPU_LEAVE_PREEMPT);
	sw.running = 0;
	desk_report(d, &sw);
	assert_false(vgpu_sched_is_duplicate(d->s, &sw));
}

static void what_is_a_second_ahead_is_not_believed(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	struct vgpu_sched_switch sw;
	u64 now;

	desk_one_runs_two_waits(d);
	now = d->now;
	sw = desk_record(d, 1, 2, VGPU_LEAVE_DEADLINE);
	sw.running = now + VGPU_SCHED_FUTURE_NS;
	vgpu_sched_switched(d->s, &sw, now);
	assert_int_equal(engine->missing, 0);
	assert_int_equal(engine->last_ns, sw.running);
	d->now = sw.running;
	sw = desk_record(d, 2, 1, VGPU_LEAVE_DEADLINE);
	sw.running = d->now + VGPU_SCHED_FUTURE_NS + 1;
	vgpu_sched_switched(d->s, &sw, d->now);
	assert_int_equal(engine->missing, 1);
	assert_int_equal(engine->last_ns, sw.loaded);
}

/* What was charged before the record came says it best. */
static void a_missing_time_is_guessed(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_stats *one = vgpu_sched_stats(d->s, 1);
	struct vgpu_sched_switch sw;
	u64 start;

	desk_one_runs_two_waits(d);
	start = vgpu_sched_engine(d->s)->last_ns;
	sw = desk_record(d, 1, 2, VGPU_LEAVE_DEADLINE);
	vgpu_sched_charge_until(d->s, start + 5 * MILLISECOND);
	sw.quiesced = 0;
	sw.request = 0;
	desk_report(d, &sw);
	assert_int_equal(one->runtime_ns, 5 * MILLISECOND);
	assert_int_equal(one->save_ns, sw.saved - start - 5 * MILLISECOND);

	/* But it is not later than the next time that is known. */
	start = vgpu_sched_engine(d->s)->last_ns;
	d->now = start + 3 * MILLISECOND;
	sw = desk_record(d, 2, 1, VGPU_LEAVE_DEADLINE);
	vgpu_sched_charge_until(d->s, d->now + MILLISECOND);
	sw.request = 0;
	sw.quiesced = d->now + 2 * VGPU_SCHED_FUTURE_NS;
	desk_report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 2)->runtime_ns, sw.saved - start);
}

static void preempted_late_is_a_miss_without_a_deadline(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;
	unsigned int late;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	desk_wake(d, 2);
	for (late = 0; late < 2; late++) {
		u16 from = 1 + late;

		d->now += MILLISECOND;
		sw = desk_record(d, from, 3 - from, VGPU_LEAVE_PREEMPT);
		sw.quiesced = sw.request + VGPU_SCHED_TIMEOUT_DEFAULT + late;
		sw.saved = sw.quiesced;
		sw.loaded = sw.saved;
		sw.running = sw.loaded;
		desk_report(d, &sw);
		assert_int_equal(vgpu_sched_stats(d->s, from)->quiesce.count, 1);
		assert_int_equal(vgpu_sched_stats(d->s, from)->deadline_misses, late);
		/* There was no deadline to overrun. */
		assert_int_equal(vgpu_sched_stats(d->s, from)->overrun_ns, 0);
		assert_int_equal(vgpu_sched_stats(d->s, from)->request.count, 0);
	}
}

static void without_a_timeout_nothing_is_late(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched_switch sw;

	desk_set_timeout(d, 1, 0);
	desk_one_runs_two_waits(d);
	sw = late_switch(d, 0, 500 * MILLISECOND);
	desk_report(d, &sw);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->deadline_misses, 0);
}

/* NEXT may have reached the device after the deadline: then there was no delay. */
static void armed_just_before_the_deadline_is_no_delay(void **state)
{
	unsigned int early;

	for (early = 0; early < 2; early++) {
		struct desk *d = desk_new(&desk_config);
		struct vgpu_sched_switch sw;

		desk_wake(d, 1);
		desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
		d->now += VGPU_SCHED_QUANTUM_DEFAULT - VGPU_SCHED_ARM_NS + 1 - early;
		desk_wake(d, 2);
		sw = late_switch(d, 50, 0);
		sw.reason = early ? VGPU_LEAVE_HANG : VGPU_LEAVE_DEADLINE;
		desk_report(d, &sw);
		assert_int_equal(vgpu_sched_stats(d->s, 1)->request.count, early);
		assert_int_equal(vgpu_sched_stats(d->s, 1)->deadline_misses, early);
		desk_free(d);
	}
}

/* --- what a policy is charged --- */

static s64 metered[DESK_FUNCTIONS][2];
/* When the last of it ended. */
static u64 metered_until[DESK_FUNCTIONS][2];

static void meter_charge(struct vgpu_sched *s, u16 function, s64 ran, s64 switched)
{
	assert_true(ran || switched);
	assert_true(switched >= 0 && (ran >= 0 || !switched));
	metered[function][true] += ran;
	metered[function][false] += switched;
	if (ran)
		metered_until[function][true] = s->charged - switched;
	if (switched)
		metered_until[function][false] = s->charged;
}

/* As rr, but what it is charged is written down. */
static struct desk *meter_new(void)
{
	static struct vgpu_sched_policy meter;
	struct vgpu_sched_config config = desk_config;

	meter = vgpu_sched_round_robin;
	meter.charge = meter_charge;
	config.policy = &meter;
	memset(metered, 0, sizeof(metered));
	return desk_new(&config);
}

static void assert_metered(const struct desk *d)
{
	u16 f;

	for (f = 0; f < DESK_FUNCTIONS; f++) {
		const struct vgpu_sched_stats *stats = vgpu_sched_stats(d->s, f);
		u64 runs = vgpu_sched_running(d->s) == f ?
			   d->s->charged - vgpu_sched_engine(d->s)->last_ns : 0;

		assert_int_equal(metered[f][true], stats->runtime_ns + runs);
		assert_int_equal(metered[f][false], stats->overhead_ns);
	}
}

/* Times that are late by up to what the estimate may be ahead, and some nonsense. */
static struct vgpu_sched_switch some_record(struct desk *d, unsigned int *seed)
{
	struct vgpu_sched_switch sw = {
		.from = vgpu_sched_running(d->s), .to = d->function,
		.reason = VGPU_LEAVE_PREEMPT,
	};
	u64 *times[] = { &sw.request, &sw.quiesced, &sw.saved, &sw.loaded, &sw.running };
	u64 t = vgpu_sched_engine(d->s)->last_ns;
	unsigned int i;

	if (sw.from == NONE)
		sw.reason = VGPU_LEAVE_NONE;
	else if (sw.from == sw.to)
		sw.reason = VGPU_LEAVE_RENEWED;
	for (i = 0; i < ARRAY_SIZE(times); i++)
		*times[i] = t += rand_r(seed) % MILLISECOND;
	if (!(rand_r(seed) % 8))
		*times[rand_r(seed) % 5] = rand_r(seed) % 3 ? 0 : U64_MAX;
	if (!(rand_r(seed) % 8))
		*times[rand_r(seed) % 5] -= MILLISECOND;
	d->now = max(d->now, t - rand_r(seed) % 100);
	return sw;
}

static void each_is_charged_what_it_occupied(void **state)
{
	struct desk *d = meter_new();
	unsigned int seed = 1, i;
	u16 f;

	for (f = 0; f < DESK_FUNCTIONS; f++)
		desk_wake(d, f);
	for (i = 0; i < 20000; i++) {
		u64 charged = d->s->charged;

		switch (rand_r(&seed) % 3) {
		case 0:
			d->now += rand_r(&seed) % (3 * MILLISECOND);
			vgpu_sched_timer(d->s, d->now);
			break;
		case 1:
			vgpu_sched_wake(d->s, rand_r(&seed) % DESK_FUNCTIONS,
					d->now - rand_r(&seed) % MILLISECOND, d->now);
			/* What is told late takes nothing back. */
			assert_true(d->s->charged >= charged);
			break;
		default:
			if (d->s->armed) {
				struct vgpu_sched_switch sw = some_record(d, &seed);

				vgpu_sched_switched(d->s, &sw, d->now);
			}
			break;
		}
		assert_metered(d);
	}
	assert_true(vgpu_sched_engine(d->s)->missing > 100);
	assert_true(vgpu_sched_engine(d->s)->backwards > 100);
	assert_true(vgpu_sched_total(d->s)->slices > 1000);
	desk_free(d);
}

static void who_has_nothing_to_do_does_not_pay(void **state)
{
	struct desk *d = meter_new();
	struct vgpu_sched_switch sw;
	u64 start;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	start = d->now;
	d->now += 2 * MILLISECOND;
	/* The estimate was ahead of when it ran dry, and of when it woke. */
	vgpu_sched_sleep(d->s, 1, d->now - 1000, d->now);
	assert_int_equal(metered[1][true], 2 * MILLISECOND - 1000);
	d->now += 5 * MILLISECOND;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(metered[1][true], 2 * MILLISECOND - 1000);
	vgpu_sched_wake(d->s, 1, d->now, d->now);
	d->now += MILLISECOND;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(metered[1][true], 3 * MILLISECOND - 1000);
	/* Nor does it get anything back, or pay, if it leaves while it is idle. */
	vgpu_sched_sleep(d->s, 1, d->now, d->now);
	desk_wake(d, 2);
	d->now += MILLISECOND;
	sw = desk_record(d, 1, 2, VGPU_LEAVE_IDLE);
	desk_report(d, &sw);
	assert_int_equal(metered[1][true], 3 * MILLISECOND - 1000);
	assert_int_equal(vgpu_sched_stats(d->s, 1)->runtime_ns, d->now - start - 300 * MICROSECOND);
	assert_int_equal(metered[1][false], 300 * MICROSECOND);
	desk_free(d);
}

/* One of which nothing is left is not charged until the record says how long. */
static void who_is_gone_does_not_pay(void **state)
{
	struct desk *d = meter_new();
	s64 paid;

	desk_one_runs_two_waits(d);
	vgpu_sched_flr(d->s, 1, d->now);
	paid = metered[1][true];
	assert_int_equal(paid, 6 * MILLISECOND);
	d->now += MILLISECOND;
	vgpu_sched_charge_until(d->s, d->now);
	desk_switched(d, 1, 2, VGPU_LEAVE_RESET);
	assert_int_equal(metered[1][true], paid);
	assert_int_equal(metered[1][false], 300 * MICROSECOND);
	desk_free(d);
}

/* But one that hangs still has the engine. */
static void who_hangs_pays(void **state)
{
	struct desk *d = meter_new();

	desk_one_runs_two_waits(d);
	vgpu_sched_hang(d->s, 1, d->now);
	d->now += MILLISECOND;
	vgpu_sched_charge_until(d->s, d->now);
	assert_int_equal(metered[1][true], 7 * MILLISECOND);
	desk_free(d);
}

/* The estimate, by which it was charged before, was ahead. */
static void who_is_gone_without_a_record_pays_until_then(void **state)
{
	struct desk *d = meter_new();
	u64 start;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	start = d->now;
	vgpu_sched_charge_until(d->s, start + 3 * MILLISECOND);
	vgpu_sched_reset(d->s, 1, start + 2 * MILLISECOND);
	assert_int_equal(metered[1][true], 2 * MILLISECOND);
	assert_int_equal(metered_until[1][true], start + 2 * MILLISECOND);
	desk_free(d);
}

/* As does who is on the engine when all begins again, if it is there, and works. */
static void who_is_there_at_a_restart_pays_until_then(void **state)
{
	unsigned int kind;

	for (kind = 0; kind < 3; kind++) {
		struct desk *d = meter_new();
		u64 start;

		desk_wake(d, 1);
		desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
		start = d->now;
		desk_wake(d, 2);
		if (kind == 1)
			vgpu_sched_sleep(d->s, 1, start, start);
		else if (kind == 2)
			vgpu_sched_flr(d->s, 1, start);
		vgpu_sched_restart(d->s, start + 2 * MILLISECOND);
		assert_int_equal(metered[1][true], kind ? 0 : 2 * MILLISECOND);
		if (!kind)
			assert_int_equal(metered_until[1][true], start + 2 * MILLISECOND);
		desk_free(d);
	}
}

/* Who is not known to have had the engine pays for the switch only. */
static void who_leaves_unexpectedly_pays_for_the_save(void **state)
{
	struct desk *d = meter_new();

	desk_one_runs_two_waits(d);
	desk_wake(d, 3);
	desk_switched(d, 3, 4, VGPU_LEAVE_PREEMPT);
	assert_int_equal(metered[3][true], 0);
	assert_int_equal(metered[3][false], 150 * MICROSECOND);
	assert_int_equal(metered[4][false], 150 * MICROSECOND);
	desk_free(d);
}

static void what_is_charged_ends_when_it_ended(void **state)
{
	struct desk *d = meter_new();
	struct vgpu_sched_switch sw;

	desk_one_runs_two_waits(d);
	sw = desk_record(d, 1, 2, VGPU_LEAVE_DEADLINE);
	sw.request -= 1000;
	sw.running += 500;
	desk_report(d, &sw);
	assert_int_equal(metered_until[1][true], sw.quiesced);
	assert_int_equal(metered_until[1][false], sw.saved);
	assert_int_equal(metered_until[2][false], sw.running);
	desk_free(d);
}

static void who_wakes_on_its_way_in_has_not_waited_long(void **state)
{
	unsigned int late;

	for (late = 0; late < 2; late++) {
		struct desk *d = desk_new(&desk_config);
		struct vgpu_sched_switch sw = desk_record(d, NONE, 1, VGPU_LEAVE_NONE);
		const struct vgpu_histogram *wake = &vgpu_sched_stats(d->s, 1)->wake;

		sw.running += 500;
		vgpu_sched_wake(d->s, 1, late ? sw.running + 7 : sw.loaded + 7, sw.running);
		desk_report(d, &sw);
		assert_int_equal(wake->count, 1);
		assert_int_equal(wake->sum, late ? 0 : 493);
		desk_free(d);
	}
}

/* So nobody's sums overflow, whatever a clock does. */
static void nine_hours_are_charged_at_once_at_most(void **state)
{
	struct desk *d = meter_new();
	const s64 most = 1ll << 45;

	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	vgpu_sched_charge(d->s, 2, most - 1, 0);
	assert_int_equal(metered[2][true], most - 1);
	d->now += 100 * 3600 * SECOND;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(metered[1][true], most);
	vgpu_sched_charge(d->s, 1, -100 * 3600 * (s64)SECOND, 0);
	assert_int_equal(metered[1][true], 0);
	vgpu_sched_charge(d->s, 2, 0, 100 * 3600 * (s64)SECOND);
	assert_int_equal(metered[2][false], most);
	desk_free(d);
}

/* Whatever a record says of the steps that its switch did not have. */
static void all_time_is_somebodys_whatever_the_record_says(void **state)
{
	struct desk *d = *state;
	const struct vgpu_sched_stats *one = vgpu_sched_stats(d->s, 1);
	const struct vgpu_sched_engine *engine = vgpu_sched_engine(d->s);
	struct vgpu_sched_switch sw;
	u64 empty;

	desk_wake(d, 1);
	sw = desk_record(d, NONE, 1, VGPU_LEAVE_NONE);
	sw.saved += 50 * MICROSECOND;
	desk_report(d, &sw);
	assert_int_equal(one->overhead_ns, desk_config.load_ns);
	assert_int_equal(engine->empty_ns, 0);
	d->now += MILLISECOND;
	sw = desk_record(d, 1, 1, VGPU_LEAVE_RENEWED);
	sw.running += 3 * MICROSECOND;
	desk_report(d, &sw);
	assert_int_equal(one->runtime_ns, MILLISECOND + 3 * MICROSECOND);
	empty = engine->empty_ns;
	sw = desk_record(d, 1, NONE, VGPU_LEAVE_IDLE);
	sw.loaded += 5 * MICROSECOND;
	sw.running = sw.loaded;
	desk_report(d, &sw);
	assert_int_equal(engine->empty_ns, empty + 5 * MICROSECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(books_one_switch),
		DESK_TEST(switch_to_nobody_has_no_later_times),
		DESK_TEST(estimated_end_does_not_count_as_backwards),
		DESK_TEST(late_request_is_a_miss),
		DESK_TEST(request_within_the_slack_is_no_miss),
		DESK_TEST(late_quiesce_is_a_miss),
		DESK_TEST(armed_after_the_deadline_is_no_delay),
		DESK_TEST(going_idle_is_no_delay),
		DESK_TEST(times_that_go_backwards),
		DESK_TEST(times_that_are_missing),
		DESK_TEST(records_that_come_twice),
		DESK_TEST(only_the_same_record_is_a_duplicate),
		DESK_TEST(what_is_a_second_ahead_is_not_believed),
		DESK_TEST(a_missing_time_is_guessed),
		DESK_TEST(preempted_late_is_a_miss_without_a_deadline),
		DESK_TEST(without_a_timeout_nothing_is_late),
		cmocka_unit_test(armed_just_before_the_deadline_is_no_delay),
		cmocka_unit_test(each_is_charged_what_it_occupied),
		cmocka_unit_test(who_has_nothing_to_do_does_not_pay),
		cmocka_unit_test(who_is_gone_does_not_pay),
		cmocka_unit_test(who_hangs_pays),
		cmocka_unit_test(who_is_gone_without_a_record_pays_until_then),
		cmocka_unit_test(who_is_there_at_a_restart_pays_until_then),
		cmocka_unit_test(who_leaves_unexpectedly_pays_for_the_save),
		cmocka_unit_test(what_is_charged_ends_when_it_ended),
		cmocka_unit_test(who_wakes_on_its_way_in_has_not_waited_long),
		cmocka_unit_test(nine_hours_are_charged_at_once_at_most),
		DESK_TEST(all_time_is_somebodys_whatever_the_record_says),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}

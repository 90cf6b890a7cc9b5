// SPDX-License-Identifier: GPL-2.0-only
/*
 * The account of a reservation, to the nanosecond: what waking, the end of a period,
 * and engine time do to what is left of a budget; and who is next by that. What
 * follows from all that is in test_reservation.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "desk.h"

#define SAVE		(130 * MICROSECOND)
#define LOAD		(170 * MICROSECOND)
#define BUDGET		(10 * (s64)MILLISECOND)
#define PERIOD		(50 * (s64)MILLISECOND)
/* What waking costs, a budget with that, and what is too little to be used. */
#define WAKING		((s64)(2 * (SAVE + LOAD + 2 * VGPU_SCHED_ARM_NS)))
#define FULL		(BUDGET + WAKING)
#define GRAIN		5000

static void reserve(struct desk *d, u16 function, u64 budget, u64 period)
{
	struct vgpu_sched_why why;

	assert_int_equal(desk_reserve(d, function, MILLISECOND, budget, period, &why), 0);
}

/* Function 1 has a reservation of BUDGET in PERIOD. */
static int setup(void **state)
{
	struct vgpu_sched_config config = desk_config;
	struct desk *d;
	u16 f;

	config.save_ns = SAVE;
	config.load_ns = LOAD;
	config.request_slack_ns = 0;
	config.policy = &vgpu_sched_eevdf;
	d = desk_new(&config);
	for (f = 0; f < DESK_FUNCTIONS; f++)
		reserve(d, f, 0, 0);
	reserve(d, 1, BUDGET, PERIOD);
	*state = d;
	return 0;
}

static struct vgpu_sched_reservation_function *account(struct desk *d, u16 function)
{
	return &d->s->function[function].reservation;
}

static const struct vgpu_sched_stats *stats(struct desk *d, u16 function)
{
	return vgpu_sched_stats(d->s, function);
}

static void sleeps(struct desk *d, u16 function)
{
	vgpu_sched_sleep(d->s, function, d->now, d->now);
}

static bool pick(struct desk *d, struct vgpu_sched_choice *choice)
{
	*choice = (struct vgpu_sched_choice){ .function = NONE };
	return vgpu_sched_reservation_pick(d->s, d->now, choice);
}

/* Whatever it chooses, it looks at the periods. */
static void look(struct desk *d)
{
	struct vgpu_sched_choice choice;

	pick(d, &choice);
}

/* ------------------------------------------------------------------------ */
/* Waking                                                                    */

/**
 * struct waking - what waking makes of an account
 * @left: of the budget, before
 * @until: the end of the period, in ns from then
 * @then: what is left after it
 * @until_then: the end of the period after it
 */
struct waking {
	s64 left;
	s64 until;
	s64 then;
	s64 until_then;
};

static void assert_wakings(struct desk *d, const struct waking *rows, unsigned int count)
{
	struct vgpu_sched_reservation_function *a = account(d, 1);

	for (; count; count--, rows++) {
		a->left = rows->left;
		a->deadline = d->now + rows->until;
		desk_wake(d, 1);
		assert_int_equal(a->left, rows->then);
		assert_int_equal((s64)(a->deadline - d->now), rows->until_then);
		/* Only a fresh period is one in which it has had work throughout. */
		assert_int_equal(a->whole, rows->until_then == PERIOD && rows->until != PERIOD);
		sleeps(d, 1);
	}
}

static void waking_after_the_period_begins_a_new_one(void **state)
{
	static const struct waking rows[] = {
		{ 0, 0, BUDGET, PERIOD },
		{ FULL, 0, BUDGET, PERIOD },
		{ 0, -(s64)SECOND, BUDGET, PERIOD },
		/* Debts are paid by the budgets that have come since. */
		{ -1, 0, BUDGET - 1, PERIOD },
		{ -FULL - 5, 0, -5 - WAKING, PERIOD },
		{ -2 * FULL - 5, 1 - PERIOD, -FULL - 5 - WAKING, PERIOD },
		{ -2 * FULL - 5, -PERIOD, -5 - WAKING, PERIOD },
		/* What was not worth a switch is not lost. */
		{ 1, 0, BUDGET + 1, PERIOD },
		{ GRAIN, 0, BUDGET + GRAIN, PERIOD },
		{ GRAIN + 1, 0, BUDGET, PERIOD },
	};

	assert_wakings(*state, rows, ARRAY_SIZE(rows));
}

/* Unless more is left than its share of the rest of the period. */
static void waking_within_the_period_pays_for_its_switches(void **state)
{
	static const struct waking rows[] = {
		{ 0, 1, 0, 1 },
		{ -1, 1, -1, 1 },
		{ -FULL, PERIOD - 1, -FULL, PERIOD - 1 },
		{ FULL / 2, PERIOD / 2 + 1, FULL / 2 - WAKING, PERIOD / 2 + 1 },
		{ FULL / 2, PERIOD / 2, BUDGET, PERIOD },
		{ FULL, 1, BUDGET, PERIOD },
		{ 1, PERIOD / FULL, BUDGET, PERIOD },
		{ 1, PERIOD / FULL + 1, 0, PERIOD / FULL + 1 },
		{ WAKING + 1, PERIOD, 1, PERIOD },
		{ WAKING, PERIOD, 0, PERIOD },
		{ WAKING - 1, PERIOD, 0, PERIOD },
	};

	assert_wakings(*state, rows, ARRAY_SIZE(rows));
}

/* ------------------------------------------------------------------------ */
/* The end of a period                                                       */

/* The period ended @late ns ago, and it still waits with @left of its budget. */
static void period_ends(struct desk *d, s64 left, u64 late)
{
	desk_wake(d, 1);
	account(d, 1)->left = left;
	d->now = account(d, 1)->deadline + late;
	look(d);
}

static void a_new_period_begins_where_the_old_one_ended(void **state)
{
	static const struct { s64 left; u64 late; s64 then; unsigned int periods; } rows[] = {
		{ 0, 0, BUDGET, 1 },
		{ -1, 7, BUDGET - 1, 1 },
		{ -1, PERIOD - 1, BUDGET - 1, 1 },
		{ -FULL - 5, PERIOD - 1, -5 - WAKING, 1 },
		{ -2 * FULL - 5, PERIOD, -5 - WAKING, 2 },
		{ 0, 3 * PERIOD + 1, BUDGET, 4 },
		{ GRAIN, 0, BUDGET + GRAIN, 1 },
		{ GRAIN + 1, 0, BUDGET, 1 },
	};
	struct desk *d = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 deadline;

		/* Woken when the period has ended, so it begins now. */
		d->now = max(d->now, account(d, 1)->deadline);
		deadline = d->now + PERIOD;
		period_ends(d, rows[i].left, rows[i].late);
		assert_int_equal(account(d, 1)->left, rows[i].then);
		assert_int_equal(account(d, 1)->deadline,
				 deadline + rows[i].periods * PERIOD);
		sleeps(d, 1);
		account(d, 1)->left = 0;
	}
}

static void what_is_left_in_the_end_is_a_miss(void **state)
{
	struct desk *d = *state;

	period_ends(d, GRAIN, 0);
	assert_int_equal(stats(d, 1)->periods, 1);
	assert_int_equal(stats(d, 1)->period_misses, 0);
	period_ends(d, GRAIN + 1, 0);
	assert_int_equal(stats(d, 1)->periods, 2);
	assert_int_equal(stats(d, 1)->period_misses, 1);
	assert_int_equal(vgpu_sched_total(d->s)->periods, 2);
	assert_int_equal(vgpu_sched_total(d->s)->period_misses, 1);
}

/* Who slept in it was not kept from anything; the next one counts. */
static void periods_with_sleep_in_them_do_not_count(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	sleeps(d, 1);
	d->now += MILLISECOND;
	period_ends(d, BUDGET / 2, 0);
	assert_int_equal(stats(d, 1)->periods, 0);
	assert_int_equal(stats(d, 1)->period_misses, 0);
	period_ends(d, BUDGET / 2, 0);
	assert_int_equal(stats(d, 1)->periods, 1);
	assert_int_equal(stats(d, 1)->period_misses, 1);
}

/* ------------------------------------------------------------------------ */
/* On the engine                                                             */

/* 1 runs, and is paid for. */
static void start(struct desk *d)
{
	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_true(vgpu_sched_reservation_pays(d->s, 1));
}

static void running_uses_the_budget_and_switches_do_not(void **state)
{
	struct desk *d = *state;

	start(d);
	assert_int_equal(account(d, 1)->left, BUDGET);
	d->now += MILLISECOND;
	vgpu_sched_timer(d->s, d->now);
	assert_int_equal(account(d, 1)->left, BUDGET - (s64)MILLISECOND);
	assert_int_equal(vgpu_sched_lag(d->s, 1), 0);
	desk_wake(d, 2);
	desk_switched(d, 1, 2, VGPU_LEAVE_DEADLINE);
	assert_int_equal(account(d, 1)->left, BUDGET - (s64)MILLISECOND);
	assert_false(vgpu_sched_reservation_pays(d->s, 1));
	assert_false(vgpu_sched_reservation_pays(d->s, 2));
}

/**
 * struct use - engine time, and what it leaves of a budget
 * @left: before
 * @ns: engine time
 * @then: what is left then
 * @unpaid: what the budget does not pay
 */
struct use {
	s64 left;
	s64 ns;
	s64 then;
	s64 unpaid;
};

static void assert_uses(struct desk *d, const struct use *rows, unsigned int count)
{
	for (; count; count--, rows++) {
		account(d, 1)->left = rows->left;
		assert_int_equal(vgpu_sched_reservation_charge(d->s, 1, rows->ns, 0),
				 rows->unpaid);
		assert_int_equal(account(d, 1)->left, rows->then);
	}
}

static void without_anybody_waiting_nothing_is_overrun(void **state)
{
	static const struct use rows[] = {
		{ 100, 60, 40, 0 },
		{ 100, 100, 0, 0 },
		{ 100, 130, 0, 30 },
		{ 0, 10, 0, 10 },
		{ -5, 10, -5, 10 },
		{ 100, -50, 150, 0 },
		{ -100, -50, -50, 0 },
	};
	struct desk *d = *state;

	start(d);
	d->s->next = 2;
	assert_uses(d, rows, ARRAY_SIZE(rows));
	/* It may be armed itself, for one slice more. */
	d->s->armed = true;
	d->s->next = 1;
	assert_uses(d, rows, ARRAY_SIZE(rows));
}

static void who_keeps_another_waiting_owes_all_of_it(void **state)
{
	static const struct use rows[] = {
		{ 100, 60, 40, 0 },
		{ 100, 130, -30, 0 },
		{ -5, 10, -15, 0 },
		{ -100, -50, -50, 0 },
	};
	struct desk *d = *state;

	start(d);
	desk_wake(d, 2);
	assert_armed(d, 2, false);
	assert_uses(d, rows, ARRAY_SIZE(rows));
}

/* What comes behind the end of the period is paid by the next budget. */
static void engine_time_is_paid_by_the_period_that_it_is_in(void **state)
{
	struct vgpu_sched_reservation_function *a = account(*state, 1);
	struct vgpu_sched *s = ((struct desk *)*state)->s;
	struct desk *d = *state;
	u64 deadline;

	start(d);
	deadline = a->deadline;
	a->left = 1000;
	s->charged = deadline - 1;
	assert_int_equal(vgpu_sched_reservation_charge(s, 1, 300, 0), 0);
	assert_int_equal(a->left, 700);
	assert_int_equal(a->deadline, deadline);
	s->charged = deadline + 100;
	assert_int_equal(vgpu_sched_reservation_charge(s, 1, 301, 0), 0);
	assert_int_equal(a->left, 700 - 201 + BUDGET - 100);
	assert_int_equal(a->deadline, deadline + PERIOD);
	/* The rest of a budget does not pay for it. */
	a->left = 2 * GRAIN;
	s->charged = a->deadline + 100;
	assert_int_equal(vgpu_sched_reservation_charge(s, 1, 301, 0), 0);
	assert_int_equal(a->left, BUDGET - 100);
	/* All of it is in the next one; of the one before nothing is unpaid. */
	a->left = 0;
	s->charged = a->deadline + 500;
	assert_int_equal(vgpu_sched_reservation_charge(s, 1, 300, 0), 0);
	assert_int_equal(a->left, BUDGET - 300);
	a->left = 0;
	s->charged = a->deadline + 2;
	assert_int_equal(vgpu_sched_reservation_charge(s, 1, 1, 0), 0);
	assert_int_equal(a->left, BUDGET - 1);
	/* What is given back is of the one before. */
	a->left = GRAIN - 10;
	s->charged = a->deadline + 5;
	assert_int_equal(vgpu_sched_reservation_charge(s, 1, -50, 0), 0);
	assert_int_equal(a->left, BUDGET);
	/* A part of it is unpaid in each. */
	a->left = 100 - BUDGET;
	s->charged = a->deadline + 5 * MILLISECOND;
	assert_int_equal(vgpu_sched_reservation_charge(s, 1, 7 * MILLISECOND, 0),
			 7 * MILLISECOND - 100);
	assert_int_equal(a->left, 0);
}

static s64 pay_for_switch(struct desk *d, u16 from, enum vgpu_leave reason, s64 ns)
{
	d->s->last.from = from;
	d->s->last.reason = reason;
	account(d, 1)->left = BUDGET;
	assert_int_equal(vgpu_sched_reservation_charge(d->s, 1, 0, ns), 0);
	return BUDGET - account(d, 1)->left;
}

/* A reset costs more than the save that was paid for when it woke. */
static void who_hangs_pays_for_what_a_reset_takes_longer(void **state)
{
	struct desk *d = *state;

	start(d);
	assert_int_equal(pay_for_switch(d, 1, VGPU_LEAVE_HANG, SAVE + 70), 70);
	assert_int_equal(pay_for_switch(d, 1, VGPU_LEAVE_HANG, SAVE - 1), 0);
	assert_int_equal(pay_for_switch(d, 1, VGPU_LEAVE_DEADLINE, SAVE + 70), 0);
	/* It is loaded after somebody else's hang. */
	assert_int_equal(pay_for_switch(d, 2, VGPU_LEAVE_HANG, LOAD + 70), 0);
}

/* ------------------------------------------------------------------------ */
/* Who is paid for                                                           */

static void stop_budget(struct desk *d)
{
	account(d, 1)->left = 0;
	look(d);
}

static void without_budget_nobody_is_paid_for(void **state)
{
	struct desk *d = *state;

	start(d);
	account(d, 1)->left = GRAIN + 1;
	look(d);
	assert_true(vgpu_sched_reservation_pays(d->s, 1));
	account(d, 1)->left = GRAIN;
	look(d);
	assert_false(vgpu_sched_reservation_pays(d->s, 1));
	/* Until the next budget comes. */
	d->now = account(d, 1)->deadline - 1;
	look(d);
	assert_false(vgpu_sched_reservation_pays(d->s, 1));
	d->now++;
	look(d);
	assert_true(vgpu_sched_reservation_pays(d->s, 1));
}

/* Whatever the reason, it pays for what it overruns. */
static void who_has_to_leave_does_so_at_its_own_expense(void **state)
{
	struct desk *d = *state;
	struct vgpu_sched *s = d->s;

	start(d);
	s->asked = true;
	stop_budget(d);
	assert_true(vgpu_sched_reservation_pays(s, 1));
	s->asked = false;
	s->function[1].parked = VGPU_SCHED_PARK_PAUSED;
	stop_budget(d);
	assert_true(vgpu_sched_reservation_pays(s, 1));
	s->function[1].parked = 0;
	s->function[1].throttled = true;
	stop_budget(d);
	assert_true(vgpu_sched_reservation_pays(s, 1));
	s->function[1].throttled = false;
	s->gone = true;
	stop_budget(d);
	assert_true(vgpu_sched_reservation_pays(s, 1));
	s->gone = false;
	stop_budget(d);
	assert_false(vgpu_sched_reservation_pays(s, 1));
}

/**
 * struct armed - what is armed while 1 runs
 * @armed: something is
 * @next: whom it names
 * @now: at once
 * @has_deadline: 1 has a deadline
 * @late: ns from that until now
 * @leaves: so 1 is leaving
 */
struct armed {
	bool armed;
	u16 next;
	bool now;
	bool has_deadline;
	s64 late;
	bool leaves;
};

static const struct armed armed[] = {
	{ true, 2, true, true, -1, true },
	{ true, 2, true, false, 0, true },
	{ true, 2, false, true, 0, true },
	{ true, 2, false, true, 1, true },
	{ true, NONE, false, true, 0, true },
	{ true, 2, false, true, -1, false },
	{ true, 2, false, false, 1, false },
	{ true, 1, true, true, 1, false },
	{ false, 2, true, true, 1, false },
};

static void arrange(struct desk *d, const struct armed *how)
{
	struct vgpu_sched *s = d->s;

	s->armed = how->armed;
	s->next = how->next;
	s->now = how->now;
	s->has_deadline = how->has_deadline;
	s->deadline = s->charged - how->late;
}

static void who_is_leaving_is_paid_for_until_it_has_left(void **state)
{
	struct desk *d = *state;
	unsigned int i;

	start(d);
	for (i = 0; i < ARRAY_SIZE(armed); i++) {
		arrange(d, &armed[i]);
		account(d, 1)->paying = true;
		stop_budget(d);
		assert_int_equal(vgpu_sched_reservation_pays(d->s, 1), armed[i].leaves);
	}
}

/* It would have to wake again, for what that costs. */
static void who_runs_dry_on_the_engine_is_no_server(void **state)
{
	struct desk *d = *state;
	unsigned int i;

	start(d);
	for (i = 0; i < ARRAY_SIZE(armed); i++) {
		d->s->function[1].runnable = true;
		look(d);
		account(d, 1)->left = BUDGET / 2;
		assert_true(account(d, 1)->active);
		arrange(d, &armed[i]);
		d->s->function[1].runnable = false;
		look(d);
		assert_int_equal(account(d, 1)->active, armed[i].leaves);
		assert_int_equal(vgpu_sched_reservation_pays(d->s, 1), armed[i].leaves);
	}
}

static void who_is_loaded_without_work_is_no_server(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	sleeps(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	assert_false(vgpu_sched_reservation_pays(d->s, 1));
	desk_wake(d, 1);
	assert_true(vgpu_sched_reservation_pays(d->s, 1));
}

/* ------------------------------------------------------------------------ */
/* Who is first                                                              */

/*
 * 3 has a reservation, too, half of its budget, and waits; its period ends @later
 * than that of 1.
 */
static void second_server(struct desk *d, s64 later)
{
	reserve(d, 3, BUDGET, PERIOD);
	account(d, 3)->deadline = account(d, 1)->deadline + later;
	account(d, 3)->left = BUDGET / 2 + WAKING;
	desk_wake(d, 3);
	assert_int_equal(account(d, 3)->left, BUDGET / 2);
	assert_int_equal(account(d, 3)->deadline, account(d, 1)->deadline + later);
}

static void earliest_deadline_is_first(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;

	start(d);
	second_server(d, 0);
	assert_true(pick(d, &choice));
	/* Of two with the same deadline the one that has the engine. */
	assert_int_equal(choice.function, 3);
	assert_false(choice.now);
	account(d, 1)->deadline++;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 3);
	assert_int_equal(choice.quantum_ns, BUDGET / 2);
	assert_true(choice.now);
	/* Who has no budget has no deadline. */
	account(d, 1)->deadline--;
	account(d, 1)->left = GRAIN;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 3);
	assert_true(choice.now);
}

static void without_budget_nobody_is_first(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;

	desk_wake(d, 1);
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 1);
	assert_int_equal(choice.quantum_ns, BUDGET);
	assert_false(choice.now);
	sleeps(d, 1);
	account(d, 1)->left = WAKING + GRAIN;
	desk_wake(d, 1);
	assert_false(pick(d, &choice));
	sleeps(d, 1);
	account(d, 1)->left = WAKING + GRAIN + 1;
	desk_wake(d, 1);
	assert_true(pick(d, &choice));
	assert_int_equal(choice.quantum_ns, GRAIN + 1);
}

/* Two periods have ended, and both budgets are there. */
static void all_budgets_that_are_due_come_at_once(void **state)
{
	struct desk *d = *state;
	u64 first, third;

	desk_wake(d, 1);
	second_server(d, -7);
	first = account(d, 1)->deadline;
	third = account(d, 3)->deadline;
	d->now = first;
	look(d);
	assert_int_equal(account(d, 1)->deadline, first + PERIOD);
	assert_int_equal(account(d, 3)->deadline, third + PERIOD);
}

/* Nobody is displaced who is leaving for the same one already. */
static void a_world_is_asked_once(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;

	start(d);
	second_server(d, -7);
	arrange(d, &(struct armed){ true, 3, false, true, 0, true });
	pick(d, &choice);
	assert_int_equal(choice.function, 3);
	assert_false(choice.now);
	/* What has been said once is not taken back; */
	arrange(d, &(struct armed){ true, 3, true, true, 0, true });
	pick(d, &choice);
	assert_true(choice.now);
	/* for another one it has not been asked; */
	arrange(d, &(struct armed){ true, 2, false, true, 0, true });
	pick(d, &choice);
	assert_true(choice.now);
	/* nor has who leaves without budget, though its period ends sooner; */
	account(d, 3)->deadline += 14;
	account(d, 1)->left = GRAIN;
	pick(d, &choice);
	assert_int_equal(choice.function, 3);
	assert_true(choice.now);
	/* and an empty engine takes what is armed. */
	d->s->gone = true;
	pick(d, &choice);
	assert_int_equal(choice.function, 3);
	assert_false(choice.now);
}

static void budgets_and_their_ends_are_looked_at_in_time(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;
	struct vgpu_sched *s = d->s;

	assert_false(pick(d, &choice));
	assert_int_equal(choice.review, 0);
	start(d);
	/* Its deadline is the end of its budget. */
	pick(d, &choice);
	assert_int_equal(choice.review, account(d, 1)->deadline);
	s->deadline = s->charged + BUDGET + 1;
	pick(d, &choice);
	assert_int_equal(choice.review, s->charged + BUDGET);
	s->has_deadline = false;
	pick(d, &choice);
	assert_int_equal(choice.review, account(d, 1)->deadline);
	/* The first period that ends, whosever. */
	second_server(d, -7);
	pick(d, &choice);
	assert_int_equal(choice.review, account(d, 3)->deadline);
}

/* ------------------------------------------------------------------------ */
/* Slices that do not fit the budget                                         */

/* 1 runs for @rest more, 2 waits, and has no reservation. */
static void start_beside(struct desk *d, s64 rest)
{
	start(d);
	desk_set_quantum(d, 1, 6 * MILLISECOND);
	desk_wake(d, 2);
	d->s->deadline = d->s->charged + rest;
}

static void a_slice_that_ends_before_the_budget_is_renewed(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;
	s64 rest = MILLISECOND;

	start_beside(d, rest);
	account(d, 1)->left = rest + GRAIN;
	assert_false(pick(d, &choice));
	account(d, 1)->left = rest + GRAIN + 1;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 1);
	assert_int_equal(choice.quantum_ns, rest + GRAIN + 1);
	assert_true(choice.now);
	/* If it follows on one of its own, what it lacks is an error of clocks. */
	account(d, 1)->renewed = true;
	account(d, 1)->left = rest + VGPU_SCHED_QUANTUM_MIN;
	assert_false(pick(d, &choice));
	account(d, 1)->left++;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.quantum_ns, account(d, 1)->left);
	/* A deadline that may be another one is no deadline. */
	account(d, 1)->left = rest;
	assert_false(pick(d, &choice));
	d->s->vague = true;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.quantum_ns, rest);
}

static void renewals_are_noticed(void **state)
{
	struct desk *d = *state;

	start(d);
	assert_false(account(d, 1)->renewed);
	desk_switched(d, 1, 1, VGPU_LEAVE_RENEWED);
	assert_true(account(d, 1)->renewed);
}

static void a_slice_is_not_renewed_for_nothing(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;

	start_beside(d, MILLISECOND);
	assert_true(pick(d, &choice));
	d->s->dry = true;
	assert_false(pick(d, &choice));
	d->s->dry = false;
	d->s->has_deadline = false;
	assert_false(pick(d, &choice));
	d->s->has_deadline = true;
	assert_true(pick(d, &choice));
	sleeps(d, 2);
	assert_false(pick(d, &choice));
}

/* Waiting for it, that one is no reason for another slice. */
static void a_renewed_slice_is_within_the_cap(void **state)
{
	struct vgpu_sched_choice choice;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	struct desk *d = *state;

	start_beside(d, MILLISECOND);
	vgpu_sched_get_params(d->s, 1, &params);
	params.cap_quota_ns = 15 * MILLISECOND;
	params.cap_period_ns = PERIOD;
	assert_int_equal(vgpu_sched_set_params(d->s, 1, &params, &why, d->now), 0);
	d->s->function[1].cap.left = SAVE + 3 * MILLISECOND;
	d->s->deadline = d->s->charged + MILLISECOND;
	d->s->next = 2;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.quantum_ns, 3 * MILLISECOND);
	d->s->deadline = d->s->charged + 3 * MILLISECOND;
	assert_false(pick(d, &choice));
	/* A period of the cap begins. */
	d->now = d->s->function[1].cap.end;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.quantum_ns, account(d, 1)->left);
}

static void a_slice_that_is_not_paid_for_any_more_is_cut(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;
	s64 longest = 6 * MILLISECOND;

	start_beside(d, longest + 1);
	stop_budget(d);
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 1);
	assert_int_equal(choice.quantum_ns, longest);
	assert_true(choice.now);
	/* It has as much as it would have by itself; */
	d->s->deadline--;
	assert_false(pick(d, &choice));
	d->s->deadline++;
	assert_true(pick(d, &choice));
	/* or no limit. */
	d->s->has_deadline = false;
	assert_false(pick(d, &choice));
	d->s->has_deadline = true;
	d->s->function[1].params.quantum_ns = 0;
	assert_false(pick(d, &choice));
	d->s->function[1].params.quantum_ns = longest;
	/* Nobody waits any more. */
	assert_true(pick(d, &choice));
	sleeps(d, 2);
	assert_false(pick(d, &choice));
}

static void assert_no_slice_if_it_must_go(struct desk *d)
{
	struct vgpu_sched_function *fn = &d->s->function[1];
	struct vgpu_sched_choice choice;

	fn->throttled = true;
	assert_false(pick(d, &choice));
	fn->throttled = false;
	fn->parked = VGPU_SCHED_PARK_PAUSED;
	assert_false(pick(d, &choice));
	fn->parked = 0;
	d->s->gone = true;
	assert_false(pick(d, &choice));
	d->s->gone = false;
	/* Or has nothing to do. */
	fn->runnable = false;
	assert_false(pick(d, &choice));
	fn->runnable = true;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 1);
}

static void who_must_go_has_no_other_slice(void **state)
{
	struct desk *d = *state;

	start_beside(d, MILLISECOND);
	assert_no_slice_if_it_must_go(d);
	d->s->deadline = d->s->charged + BUDGET;
	stop_budget(d);
	assert_no_slice_if_it_must_go(d);
}

/* It has been asked to leave, and then a budget comes. */
static void who_is_not_paid_for_is_not_first(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;

	start_beside(d, MILLISECOND);
	stop_budget(d);
	d->s->asked = true;
	account(d, 1)->left = BUDGET;
	assert_false(pick(d, &choice));
	d->s->asked = false;
	assert_true(pick(d, &choice));
}

static void only_slices_that_were_paid_for_are_cut(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;

	start_beside(d, BUDGET);
	account(d, 1)->left = 0;
	account(d, 1)->paying = false;
	assert_false(pick(d, &choice));
	/* Not even if there was such a slice before. */
	account(d, 1)->overlong = true;
	assert_true(pick(d, &choice));
	/* Nor if there is a budget again. */
	account(d, 1)->left = BUDGET;
	assert_false(pick(d, &choice));
	assert_true(vgpu_sched_reservation_pays(d->s, 1));
	account(d, 1)->left = 0;
	desk_switched(d, 1, 1, VGPU_LEAVE_RENEWED);
	d->s->deadline = d->s->charged + BUDGET;
	assert_false(pick(d, &choice));
}

static void going_idle_does_not_hide_a_slice_that_is_too_long(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;

	start(d);
	desk_set_quantum(d, 1, 6 * MILLISECOND);
	stop_budget(d);
	sleeps(d, 1);
	desk_wake(d, 1);
	assert_false(vgpu_sched_reservation_pays(d->s, 1));
	desk_wake(d, 2);
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 1);
}

/* Nor does waking, which costs what is left. */
static void waking_does_not_hide_a_slice_that_is_too_long(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;

	start(d);
	desk_set_quantum(d, 1, 6 * MILLISECOND);
	account(d, 1)->left = WAKING / 2;
	sleeps(d, 1);
	desk_wake(d, 1);
	assert_int_equal(account(d, 1)->left, 0);
	assert_false(vgpu_sched_reservation_pays(d->s, 1));
	desk_wake(d, 2);
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 1);
}

/* ------------------------------------------------------------------------ */
/* Settings                                                                  */

/* Not while it is parked: then it is no server. */
static void a_change_wakes_nobody(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	vgpu_sched_park(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	reserve(d, 1, BUDGET / 2, PERIOD);
	assert_false(account(d, 1)->active);
	vgpu_sched_unpark(d->s, 1, VGPU_SCHED_PARK_PAUSED, d->now);
	assert_true(account(d, 1)->active);
}

static void with_a_new_clock_a_period_begins(void **state)
{
	struct desk *d = *state;
	u16 f;

	reserve(d, 0, BUDGET, PERIOD);
	desk_wake(d, 0);
	desk_wake(d, 1);
	account(d, 0)->left = -5;
	account(d, 1)->left = BUDGET / 3;
	vgpu_sched_restart(d->s, 7);
	assert_int_equal(account(d, 0)->left, BUDGET - 5);
	assert_int_equal(account(d, 1)->left, BUDGET);
	for (f = 0; f < 2; f++) {
		assert_int_equal(account(d, f)->deadline, 7 + PERIOD);
		assert_true(account(d, f)->whole);
	}
	/* Who has no work does so when it wakes. */
	assert_int_equal(account(d, 4)->deadline, 7);
	assert_false(account(d, 4)->active);
}

static void a_change_begins_when_the_period_has_ended(void **state)
{
	struct desk *d = *state;
	u64 deadline;

	desk_wake(d, 1);
	deadline = account(d, 1)->deadline;
	d->now += MILLISECOND;
	reserve(d, 1, BUDGET / 2, 2 * PERIOD);
	assert_int_equal(account(d, 1)->left, 0);
	assert_int_equal(account(d, 1)->deadline, deadline);
	d->now = deadline;
	look(d);
	assert_int_equal(account(d, 1)->left, BUDGET / 2);
	assert_int_equal(account(d, 1)->deadline, deadline + 2 * PERIOD);
	/* Debts outlast it. */
	account(d, 1)->left = -5;
	reserve(d, 1, BUDGET, PERIOD);
	assert_int_equal(account(d, 1)->left, -5);
}

static void the_same_settings_again_change_nothing(void **state)
{
	struct desk *d = *state;

	desk_wake(d, 1);
	d->now += MILLISECOND;
	reserve(d, 1, BUDGET, PERIOD);
	assert_int_equal(account(d, 1)->left, BUDGET);
	/* One of both is another, and it begins anew. */
	reserve(d, 1, BUDGET, PERIOD + 1);
	assert_int_equal(account(d, 1)->left, 0);
	account(d, 1)->left = 1;
	reserve(d, 1, BUDGET + 1, PERIOD + 1);
	assert_int_equal(account(d, 1)->left, 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(waking_after_the_period_begins_a_new_one),
		TEST(waking_within_the_period_pays_for_its_switches),
		TEST(a_new_period_begins_where_the_old_one_ended),
		TEST(what_is_left_in_the_end_is_a_miss),
		TEST(periods_with_sleep_in_them_do_not_count),
		TEST(running_uses_the_budget_and_switches_do_not),
		TEST(without_anybody_waiting_nothing_is_overrun),
		TEST(who_keeps_another_waiting_owes_all_of_it),
		TEST(engine_time_is_paid_by_the_period_that_it_is_in),
		TEST(who_hangs_pays_for_what_a_reset_takes_longer),
		TEST(without_budget_nobody_is_paid_for),
		TEST(who_has_to_leave_does_so_at_its_own_expense),
		TEST(who_is_leaving_is_paid_for_until_it_has_left),
		TEST(who_runs_dry_on_the_engine_is_no_server),
		TEST(who_is_loaded_without_work_is_no_server),
		TEST(earliest_deadline_is_first),
		TEST(without_budget_nobody_is_first),
		TEST(all_budgets_that_are_due_come_at_once),
		TEST(a_world_is_asked_once),
		TEST(budgets_and_their_ends_are_looked_at_in_time),
		TEST(a_slice_that_ends_before_the_budget_is_renewed),
		TEST(renewals_are_noticed),
		TEST(a_slice_is_not_renewed_for_nothing),
		TEST(a_renewed_slice_is_within_the_cap),
		TEST(a_slice_that_is_not_paid_for_any_more_is_cut),
		TEST(who_must_go_has_no_other_slice),
		TEST(who_is_not_paid_for_is_not_first),
		TEST(only_slices_that_were_paid_for_are_cut),
		TEST(going_idle_does_not_hide_a_slice_that_is_too_long),
		TEST(waking_does_not_hide_a_slice_that_is_too_long),
		TEST(a_change_wakes_nobody),
		TEST(with_a_new_clock_a_period_begins),
		TEST(a_change_begins_when_the_period_has_ended),
		TEST(the_same_settings_again_change_nothing),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}

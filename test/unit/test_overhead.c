// SPDX-License-Identifier: GPL-2.0-only
/* The account of what switching costs, and the quanta that follow from it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "desk.h"
#include "rig.h"

#define SWITCH		(300 * MICROSECOND)

static int set_up(void **state)
{
	*state = rig_new(false, 3, 1);
	return 0;
}

static int tear_down(void **state)
{
	rig_free(*state);
	return 0;
}

static struct rig *with_costs(u64 save, u64 load)
{
	return rig_make(&(struct rig_setup){
		.functions = 3, .seed = 1, .start = 1, .save_ns = save,
		.load_ns = load, .policy = "eevdf" });
}

/* A switch from @from to @to with these costs, told to the account only. */
static void pay(struct vgpu_sched *s, u16 from, u16 to, u32 reason, u64 save, u64 load)
{
	struct vgpu_sched_switch sw = {
		.from = from, .to = to, .reason = reason, .request = 1000,
		.quiesced = 2000, .saved = 2000 + save, .loaded = 2000 + save + load,
		.running = 2000 + save + load,
	};

	vgpu_sched_overhead_pay(s, &sw);
}

static void earn_all(struct vgpu_sched *s)
{
	vgpu_sched_overhead_earn(s, 1000 * MILLISECOND);
}

/* It begins with nothing, and has two switches at most. */
static void begins_empty(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_overhead *o = &r->s->overhead;

	assert_int_equal(o->permille, VGPU_SCHED_OVERHEAD_DEFAULT);
	assert_int_equal(vgpu_sched_overhead(r->s), VGPU_SCHED_OVERHEAD_DEFAULT);
	assert_int_equal(o->cost, SWITCH);
	assert_int_equal(o->balance, 0);
	earn_all(r->s);
	assert_int_equal(o->balance, 2000 * SWITCH);
}

/* It earns the target of all time, gives back what was too much, and pays. */
static void earns_and_pays(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_overhead *o = &r->s->overhead;

	earn_all(r->s);
	pay(r->s, 0, 1, VGPU_LEAVE_DEADLINE, 150000, 150000);
	assert_int_equal(o->balance, 1000 * SWITCH);
	vgpu_sched_overhead_earn(r->s, MILLISECOND);
	assert_int_equal(o->balance, 1000 * SWITCH + 50 * MILLISECOND);
	vgpu_sched_overhead_earn(r->s, -(s64)(MILLISECOND / 2));
	assert_int_equal(o->balance, 1000 * SWITCH + 25 * MILLISECOND);
	pay(r->s, 1, 1, VGPU_LEAVE_RENEWED, 0, 0);
	assert_int_equal(o->balance, 1000 * SWITCH + 25 * MILLISECOND);
	pay(r->s, VGPU_FUNCTION_NONE, 1, VGPU_LEAVE_NONE, 0, 150000);
	assert_int_equal(o->balance, 500 * SWITCH + 25 * MILLISECOND);
	pay(r->s, 1, VGPU_FUNCTION_NONE, VGPU_LEAVE_IDLE, 150000, 0);
	assert_int_equal(o->balance, 25 * MILLISECOND);
	assert_int_equal(o->cost, SWITCH);
}

/* However much it has to pay, it does not owe more than eight switches. */
static void debt_is_limited(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched_overhead *o = &r->s->overhead;
	unsigned int i;

	earn_all(r->s);
	for (i = 0; i < 9; i++)
		pay(r->s, 0, 1, VGPU_LEAVE_DEADLINE, 150000, 150000);
	assert_int_equal(o->balance, -7000 * (s64)SWITCH);
	for (i = 0; i < 3; i++)
		pay(r->s, 0, 1, VGPU_LEAVE_DEADLINE, 150000, 150000);
	assert_int_equal(o->balance, -8000 * (s64)SWITCH);
	/* One that takes a second counts as eight, too. */
	earn_all(r->s);
	pay(r->s, 0, 1, VGPU_LEAVE_HANG, 1000 * MILLISECOND, 150000);
	assert_int_equal(o->balance, -6000 * (s64)SWITCH);
	assert_int_equal(o->cost, SWITCH);
}

/* One switch more can be had at once, or when it will have been earned. */
static void affordable(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched *s = r->s;

	s->charged = 5 * MILLISECOND;
	earn_all(s);
	assert_int_equal(vgpu_sched_overhead_affordable(s), s->charged);
	s->overhead.balance = 1000 * SWITCH;
	assert_int_equal(vgpu_sched_overhead_affordable(s), s->charged);
	s->overhead.balance = 1000 * SWITCH - 1;
	assert_int_equal(vgpu_sched_overhead_affordable(s), s->charged + 1);
	s->overhead.balance = 0;
	assert_int_equal(vgpu_sched_overhead_affordable(s), s->charged + 20 * SWITCH);
	s->overhead.balance = -1;
	assert_int_equal(vgpu_sched_overhead_affordable(s), s->charged + 20 * SWITCH + 1);
}

/* Averages move by an eighth; worlds have their own; resets are no saves. */
static void averages(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched *s = r->s;

	pay(s, 0, 1, VGPU_LEAVE_DEADLINE, 230000, 310000);
	assert_int_equal(s->function[0].cost.save_ns, 160000);
	assert_int_equal(s->function[0].cost.load_ns, 150000);
	assert_int_equal(s->function[1].cost.save_ns, 150000);
	assert_int_equal(s->function[1].cost.load_ns, 170000);
	assert_int_equal(s->function[2].cost.load_ns, 150000);
	assert_int_equal(s->overhead.cost, 330000);
	pay(s, 0, 1, VGPU_LEAVE_HANG, 1000000, 170000);
	pay(s, 0, 1, VGPU_LEAVE_RESET, 1000000, 170000);
	assert_int_equal(s->function[0].cost.save_ns, 160000);
	assert_int_equal(s->function[1].cost.load_ns, 170000);
	assert_int_equal(s->overhead.cost, 330000);
	pay(s, VGPU_FUNCTION_NONE, 2, VGPU_LEAVE_NONE, 0, 230000);
	pay(s, 2, VGPU_FUNCTION_NONE, VGPU_LEAVE_IDLE, 70000, 0);
	assert_int_equal(s->function[2].cost.load_ns, 160000);
	assert_int_equal(s->function[2].cost.save_ns, 140000);
	assert_int_equal(s->overhead.cost, 330000);
	/* What is far too long counts as eight times the usual. */
	pay(s, 2, VGPU_FUNCTION_NONE, VGPU_LEAVE_IDLE, 9000 * MILLISECOND, 0);
	assert_int_equal(s->function[2].cost.save_ns, 140000 + 150000 - 17500);
}

/* What a save takes says nothing of a load. */
static void saves_and_loads_are_kept_apart(void **state)
{
	struct rig *r = with_costs(100000, 260000);
	struct vgpu_sched *s = r->s;

	(void)state;
	assert_int_equal(s->overhead.cost, 360000);
	assert_int_equal(s->function[0].cost.save_ns, 100000);
	assert_int_equal(s->function[0].cost.load_ns, 260000);
	/* What is far too long counts as eight times what is declared of each. */
	pay(s, 0, 1, VGPU_LEAVE_DEADLINE, 100 * MILLISECOND, 100 * MILLISECOND);
	assert_int_equal(s->function[0].cost.save_ns, 100000 * 15 / 8);
	assert_int_equal(s->function[1].cost.load_ns, 260000 * 15 / 8);
	assert_int_equal(s->overhead.cost, 360000 * 15 / 8);
	rig_free(r);
}

static void set(struct rig *r, u16 f, u64 quantum)
{
	rig_set_quantum(r, f, quantum, 5 * MILLISECOND);
}

/* 6 ms, or c (1 - t) / t where that is more. */
static void chosen_quantum(void **state)
{
	struct vgpu_sched_why why;
	struct rig *r = *state;
	struct vgpu_sched *s = r->s;

	set(r, 1, VGPU_SCHED_QUANTUM_AUTO);
	assert_int_equal(vgpu_sched_quantum(s, 1), 6 * MILLISECOND);
	assert_int_equal(vgpu_sched_set_overhead(s, 20, &why, 1), 0);
	assert_int_equal(vgpu_sched_quantum(s, 1), 49 * SWITCH);
	assert_int_equal(vgpu_sched_set_overhead(s, 30, &why, 1), 0);
	assert_int_equal(vgpu_sched_quantum(s, 1), 32333 * SWITCH / 1000 + 100);
	set(r, 1, 2 * MILLISECOND);
	assert_int_equal(vgpu_sched_quantum(s, 1), 2 * MILLISECOND);
	set(r, 1, 0);
	assert_int_equal(vgpu_sched_quantum(s, 1), 0);
	assert_int_equal(vgpu_sched_quantum(s, 3), 0);
	assert_int_equal(vgpu_sched_quantum(s, 0), 32333 * SWITCH / 1000 + 100);
	assert_int_equal(vgpu_sched_quantum(s, 2), 32333 * SWITCH / 1000 + 100);
}

/* 300012 * 993 / 7 is 1/7 more than a whole number. */
static void chosen_quantum_is_rounded_up(void **state)
{
	struct rig *r = with_costs(150000, 150012);
	struct vgpu_sched_why why;

	(void)state;
	assert_int_equal(vgpu_sched_set_overhead(r->s, 7, &why, 1), 0);
	assert_int_equal(vgpu_sched_quantum(r->s, 1), 300012 * 993 / 7 + 1);
	rig_free(r);
}

static void chosen_quantum_can_be_stretched_within_the_limits(void **state)
{
	struct rig *r = with_costs(30 * MILLISECOND, 40 * MILLISECOND);
	struct vgpu_sched_why why;

	(void)state;
	assert_int_equal(vgpu_sched_set_overhead(r->s, 1, &why, 1), 0);
	assert_int_equal(vgpu_sched_longest_slice(r->s, 1), VGPU_SCHED_QUANTUM_MAX);
	rig_free(r);
}

/* It follows what the switches of this world have cost. */
static void quantum_follows_costs(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched *s = r->s;

	set(r, 0, VGPU_SCHED_QUANTUM_AUTO);
	set(r, 1, VGPU_SCHED_QUANTUM_AUTO);
	pay(s, 0, 1, VGPU_LEAVE_DEADLINE, 1150000, 150000);
	assert_int_equal(vgpu_sched_quantum(s, 0), 19 * (SWITCH + 125000));
	assert_int_equal(vgpu_sched_quantum(s, 1), 6 * MILLISECOND);
}

/* Stretched while less than two switches are in the account, twice at most. */
static void stretched(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched *s = r->s;

	set(r, 1, VGPU_SCHED_QUANTUM_AUTO);
	earn_all(s);
	assert_int_equal(vgpu_sched_slice(s, 1), 6 * MILLISECOND);
	assert_int_equal(vgpu_sched_longest_slice(s, 1), 12 * MILLISECOND);
	s->overhead.balance = 2000 * SWITCH - 50 * 7 * MILLISECOND;
	assert_int_equal(vgpu_sched_slice(s, 1), 7 * MILLISECOND);
	s->overhead.balance = 2000 * SWITCH - 50 * 5 * MILLISECOND;
	assert_int_equal(vgpu_sched_slice(s, 1), 6 * MILLISECOND);
	s->overhead.balance = -8000 * (s64)SWITCH;
	assert_int_equal(vgpu_sched_slice(s, 1), 12 * MILLISECOND);
	set(r, 1, 2 * MILLISECOND);
	assert_int_equal(vgpu_sched_slice(s, 1), 2 * MILLISECOND);
	assert_int_equal(vgpu_sched_longest_slice(s, 1), 2 * MILLISECOND);
	set(r, 1, 0);
	assert_int_equal(vgpu_sched_slice(s, 1), 0);
	assert_int_equal(vgpu_sched_longest_slice(s, 1), 0);
}

static void overhead_of_a_quantum(void **state)
{
	struct rig *r = *state;
	struct vgpu_sched *s = r->s;

	assert_int_equal(vgpu_sched_quantum_overhead(s, 1, 2700 * MICROSECOND), 100);
	assert_int_equal(vgpu_sched_quantum_overhead(s, 1, VGPU_SCHED_QUANTUM_AUTO), 47);
	assert_int_equal(vgpu_sched_quantum_overhead(s, 1, 300), 999);
	assert_int_equal(vgpu_sched_quantum_overhead(s, 1, 0), 0);
	assert_int_equal(vgpu_sched_quantum_overhead(s, 3, 2700 * MICROSECOND), 0);
	pay(s, 1, 2, VGPU_LEAVE_DEADLINE, 1200 * MICROSECOND, 150000);
	assert_int_equal(vgpu_sched_quantum_overhead(s, 1, 2700 * MICROSECOND), 137);
	assert_int_equal(vgpu_sched_quantum_overhead(s, 2, 2700 * MICROSECOND), 100);
}

/* As configured; and to set it writes nothing to the device. */
static void target(void **state)
{
	struct rig_setup setup = {
		.functions = 2, .seed = 1, .start = 1, .save_ns = 150000,
		.load_ns = 150000, .policy = "eevdf", .overhead_permille = 80,
	};
	struct rig *r = rig_make(&setup);
	struct vgpu_sched_why why;
	u64 writes;

	(void)state;
	assert_int_equal(vgpu_sched_overhead(r->s), 80);
	rig_start(r, 0);
	rig_start(r, 1);
	model_work(&r->m, 0, 10 * MILLISECOND);
	model_work(&r->m, 1, 10 * MILLISECOND);
	rig_run(r, MILLISECOND);
	writes = r->next_writes;
	assert_int_equal(vgpu_sched_set_overhead(r->s, 60, &why, r->m.now), 0);
	assert_int_equal(r->next_writes, writes);
	rig_free(r);
}

/* Who woke a while ago, and was too dear then, has the engine now. */
static void a_new_target_counts_at_once(void **state)
{
	struct vgpu_sched_config config = desk_config;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	struct desk *d;

	(void)state;
	config.policy = &vgpu_sched_eevdf;
	d = desk_new(&config);
	vgpu_sched_get_params(d->s, 2, &params);
	params.priority = VGPU_SCHED_PRIORITY_HIGH;
	assert_int_equal(vgpu_sched_set_params(d->s, 2, &params, &why, d->now), 0);
	desk_wake(d, 1);
	desk_switched(d, NONE, 1, VGPU_LEAVE_NONE);
	d->now += MICROSECOND;
	desk_wake(d, 2);
	assert_armed(d, 2, false);
	d->now += 4 * MILLISECOND;
	assert_int_equal(vgpu_sched_set_overhead(d->s, 500, &why, d->now), 0);
	assert_armed(d, 2, true);
	desk_free(d);
}

/* The load of a world lasts until it runs. */
static void load_until_running(void **state)
{
	struct vgpu_sched_switch sw = {
		.from = 0, .to = 1, .reason = VGPU_LEAVE_DEADLINE, .request = 1000,
		.quiesced = 1000, .saved = 151000, .loaded = 301000, .running = 381000,
	};
	struct rig *r = *state;

	earn_all(r->s);
	vgpu_sched_overhead_pay(r->s, &sw);
	assert_int_equal(r->s->overhead.balance, 2000 * SWITCH - 1000 * 380000);
	assert_int_equal(r->s->function[1].cost.load_ns, 160000);
	assert_int_equal(r->s->overhead.cost, 310000);
}

static void limits_of_the_target(void **state)
{
	struct vgpu_sched_why why = { 0 };
	struct rig *r = *state;

	assert_int_equal(vgpu_sched_set_overhead(r->s, 0, &why, 1), -EINVAL);
	assert_int_equal(why.function, VGPU_FUNCTION_NONE);
	assert_string_equal(why.what, "overhead_permille");
	assert_int_equal(why.low, 1);
	assert_int_equal(why.high, 500);
	assert_int_equal(vgpu_sched_set_overhead(r->s, 501, &why, 1), -EINVAL);
	assert_int_equal(vgpu_sched_overhead(r->s), 50);
	assert_int_equal(vgpu_sched_set_overhead(r->s, 1, &why, 1), 0);
	assert_int_equal(vgpu_sched_set_overhead(r->s, 500, &why, 1), 0);
	assert_int_equal(vgpu_sched_overhead(r->s), 500);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(begins_empty),
		TEST(earns_and_pays),
		TEST(debt_is_limited),
		TEST(affordable),
		TEST(averages),
		cmocka_unit_test(saves_and_loads_are_kept_apart),
		TEST(chosen_quantum),
		cmocka_unit_test(chosen_quantum_is_rounded_up),
		cmocka_unit_test(chosen_quantum_can_be_stretched_within_the_limits),
		TEST(quantum_follows_costs),
		TEST(stretched),
		TEST(overhead_of_a_quantum),
		TEST(target),
		cmocka_unit_test(a_new_target_counts_at_once),
		TEST(load_until_running),
		TEST(limits_of_the_target),
	};

	return cmocka_run_group_tests_name("overhead", tests, NULL, NULL);
}

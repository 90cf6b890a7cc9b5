// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frames of the policy fixed, with more functions than fit into a word: whose
 * slot a moment belongs to, who is next, and what is asked of a world that is in the
 * way. What follows from all that is in test_fixed.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "desk.h"

#define FUNCTIONS	140
#define SAVE		(2 * MILLISECOND)
#define LOAD		(170 * MICROSECOND)
#define SLACK		(40 * MICROSECOND)
#define TIMEOUT		(5 * MILLISECOND)

/* A save takes longer than a reset here. */
static u64 switching(void)
{
	return LOAD + TIMEOUT + SAVE + 4 * SLACK;
}

static u64 quantum(u16 function)
{
	return (1 + function % 3) * MILLISECOND;
}

static void set(struct desk *d, u16 function, u64 quantum_ns, u64 timeout_ns)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;

	vgpu_sched_get_params(d->s, function, &params);
	params.quantum_ns = quantum_ns;
	params.preempt_timeout_ns = timeout_ns;
	assert_int_equal(vgpu_sched_set_params(d->s, function, &params, &why, d->now), 0);
}

/* The first frame begins when the policy does. */
static int setup(void **state)
{
	struct vgpu_sched_config config = desk_config;
	struct vgpu_sched_why why;
	struct desk *d;
	u16 f;

	config.functions = FUNCTIONS;
	config.save_ns = SAVE;
	config.load_ns = LOAD;
	config.request_slack_ns = SLACK;
	d = desk_new(&config);
	for (f = 0; f < FUNCTIONS; f++)
		set(d, f, quantum(f), TIMEOUT);
	assert_int_equal(vgpu_sched_set_policy(d->s, &vgpu_sched_fixed, &why, d->now), 0);
	*state = d;
	return 0;
}

static u64 slot(u16 function)
{
	return quantum(function) + switching();
}

/* From the beginning of a frame; for FUNCTIONS that is its length. */
static u64 offset(u16 function)
{
	u64 sum = 0;
	u16 f;

	for (f = 0; f < function; f++)
		sum += slot(f);
	return sum;
}

static bool pick(struct desk *d, struct vgpu_sched_choice *choice)
{
	*choice = (struct vgpu_sched_choice){ .function = NONE };
	return vgpu_sched_fixed.pick(d->s, d->now, choice);
}

/* Waking, or going to sleep, when it is too late in a frame for anybody. */
static void wake_behind(struct desk *d, u64 frame_end, u16 function)
{
	d->now = frame_end - 1;
	desk_wake(d, function);
}

static void sleep_behind(struct desk *d, u64 frame_end, u16 function)
{
	d->now = frame_end - 1;
	vgpu_sched_sleep(d->s, function, d->now, d->now);
}

static const u16 some[] = { 0, 1, 62, 63, 64, 65, 126, 127, 128, 129, FUNCTIONS - 1 };

/* ------------------------------------------------------------------------ */
/* Whose slot it is                                                          */

static void a_slot_begins_where_the_one_before_ends(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;
	u64 start = d->now;
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		desk_wake(d, f);
	for (f = 0; f < FUNCTIONS; f++) {
		d->now = start + offset(f);
		assert_true(pick(d, &choice));
		assert_int_equal(choice.function, f);
		assert_int_equal(choice.quantum_ns, quantum(f));
		assert_false(choice.now);
		/* Too late for anybody. */
		d->now = start + offset(f) + slot(f) - 1;
		assert_false(pick(d, &choice));
	}
	d->now = start + offset(FUNCTIONS);
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 0);
}

static void a_slice_is_what_is_left_of_the_slot(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;
	u64 least = VGPU_SCHED_QUANTUM_MIN;

	desk_wake(d, 1);
	d->now += offset(1) + quantum(1) - least;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.quantum_ns, least);
	d->now++;
	assert_false(pick(d, &choice));
}

/* ------------------------------------------------------------------------ */
/* When to look again                                                        */

static void who_waits_alone_is_next_in_any_word(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;
	u64 start = d->now;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(some); i++) {
		d->now = start + offset(50) + slot(50) - 1;
		desk_wake(d, some[i]);
		pick(d, &choice);
		assert_int_equal(choice.review, start + offset(some[i]) +
				 (some[i] <= 50 ? offset(FUNCTIONS) : 0));
		vgpu_sched_sleep(d->s, some[i], d->now, d->now);
		pick(d, &choice);
		assert_int_equal(choice.review, 0);
	}
}

static void of_two_the_first_behind_the_owner_is_next(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;
	u64 start = d->now + offset(FUNCTIONS);
	unsigned int i;

	for (i = 0; i + 1 < ARRAY_SIZE(some); i++) {
		u16 first = some[i], second = some[i + 1];

		wake_behind(d, start, second);
		wake_behind(d, start, first);
		d->now = start + offset(first);
		pick(d, &choice);
		assert_int_equal(choice.function, first);
		assert_int_equal(choice.review, start + offset(second));
		d->now = start + offset(second);
		pick(d, &choice);
		assert_int_equal(choice.function, second);
		start += offset(FUNCTIONS);
		assert_int_equal(choice.review, start + offset(first));
		sleep_behind(d, start, first);
		sleep_behind(d, start, second);
	}
}

/* ------------------------------------------------------------------------ */
/* Who is on the engine                                                      */

/**
 * struct tenant - a world on the engine
 * @who: whose, in the slot of 1
 * @has_deadline: it has one
 * @deadline: in ns from now
 * @gone: it was reset
 * @must_leave: it is asked to leave
 */
struct tenant {
	u16 who;
	bool has_deadline;
	s64 deadline;
	bool gone;
	bool must_leave;
};

static void who_would_be_in_the_way_must_leave(void **state)
{
	const s64 end = slot(1);
	const struct tenant rows[] = {
		{ 1, true, end - 1, false, false },
		{ 1, true, end, false, true },
		{ 1, true, -1, false, false },
		{ 1, false, 0, false, true },
		/* Not its slot: only if it is leaving already. */
		{ 2, true, -1, false, false },
		{ 2, true, 0, false, false },
		{ 2, true, 1, false, true },
		{ 2, false, 0, false, true },
		{ 2, true, 1, true, false },
		{ 1, false, 0, true, false },
	};
	struct vgpu_sched_choice choice;
	struct desk *d = *state;
	unsigned int i;

	d->now += offset(1);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		d->s->running = rows[i].who;
		d->s->has_deadline = rows[i].has_deadline;
		d->s->deadline = d->now + rows[i].deadline;
		d->s->gone = rows[i].gone;
		assert_true(pick(d, &choice));
		assert_int_equal(choice.function, NONE);
		assert_int_equal(choice.now, rows[i].must_leave);
	}
}

/* If there may be a world on the engine it is made empty first, and tells. */
static void an_engine_in_doubt_is_made_empty(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;

	desk_wake(d, 0);
	d->s->doubt = true;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, NONE);
	assert_true(choice.now);
}

/* ------------------------------------------------------------------------ */
/* Changes                                                                   */

static void a_change_begins_with_the_next_frame_exactly(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;
	u64 change = d->now + offset(FUNCTIONS);

	wake_behind(d, change, 0);
	set(d, 0, 5 * MILLISECOND, TIMEOUT);
	set(d, 0, 7 * MILLISECOND, TIMEOUT);
	pick(d, &choice);
	assert_int_equal(choice.review, change);
	d->now = change;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 0);
	assert_int_equal(choice.quantum_ns, 7 * MILLISECOND);
	/* It is made once. */
	assert_int_equal(choice.review, change + offset(FUNCTIONS) + 6 * MILLISECOND);
}

static void without_functions_there_are_no_frames(void **state)
{
	struct vgpu_sched_choice choice;
	struct desk *d = *state;
	u16 f;

	for (f = 0; f < FUNCTIONS; f++)
		vgpu_sched_park(d->s, f, VGPU_SCHED_PARK_ABSENT, d->now);
	d->now += offset(FUNCTIONS);
	assert_false(pick(d, &choice));
	d->now += SECOND;
	assert_false(pick(d, &choice));
	assert_int_equal(choice.review, 0);
	/* Whoever is there nevertheless goes. */
	d->s->running = 1;
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, NONE);
	d->s->running = NONE;
	/* The first one that comes has a frame at once. */
	d->now += SECOND;
	desk_wake(d, 70);
	vgpu_sched_unpark(d->s, 70, VGPU_SCHED_PARK_ABSENT, d->now);
	assert_true(pick(d, &choice));
	assert_int_equal(choice.function, 70);
	assert_int_equal(choice.quantum_ns, quantum(70));
}

static void the_bound_counts_frames_and_switches(void **state)
{
	struct desk *d = *state;
	u64 frame = offset(FUNCTIONS);
	u64 bound = frame - quantum(1) + VGPU_SCHED_QUANTUM_MIN + SAVE + LOAD;

	assert_int_equal(vgpu_sched_latency_bound(d->s, 1), bound);
	/* A change, that it has not looked at yet or has, may cost a frame more. */
	d->s->fixed.stale = true;
	assert_int_equal(vgpu_sched_latency_bound(d->s, 1), bound + frame);
	set(d, 2, 5 * MILLISECOND, TIMEOUT);
	assert_int_equal(vgpu_sched_latency_bound(d->s, 1),
			 bound + frame + 5 * MILLISECOND - quantum(2));
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, desk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slot_begins_where_the_one_before_ends),
		TEST(a_slice_is_what_is_left_of_the_slot),
		TEST(who_waits_alone_is_next_in_any_word),
		TEST(of_two_the_first_behind_the_owner_is_next),
		TEST(who_would_be_in_the_way_must_leave),
		TEST(an_engine_in_doubt_is_made_empty),
		TEST(a_change_begins_with_the_next_frame_exactly),
		TEST(without_functions_there_are_no_frames),
		TEST(the_bound_counts_frames_and_switches),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}

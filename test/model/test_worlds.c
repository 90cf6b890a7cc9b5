// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bounded model check of the world switch. The objects of sched/ are run
 * through everything that can happen, in every order: posted writes and records
 * on their way, wake-ups, deadlines, worlds that run dry, hang or are reset by
 * their users, records that are lost, timers, an administrator who pauses. In
 * every state reached:
 *
 * - never two worlds are loaded, and no function that the core has called off
 *   the engine is on it or can get there;
 * - no wake-up is lost: who has work gets the engine within the policy's latency
 *   bound, or the driver was told that a switch is overdue;
 * - every park is answered, in the same sense;
 * - what core.h promises of the core's state holds, and with nothing on its way
 *   it is the device's;
 * - without a fault nothing is escalated, late, refused or unexpected.
 *
 * VGPU_MODEL_STATES=n explores up to n states of each set-up.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "explore.h"

#define STATES	300000

static u64 states_max(void)
{
	const char *given = getenv("VGPU_MODEL_STATES");

	return given ? strtoull(given, NULL, 0) : STATES;
}

static void holds(void **state)
{
	const struct setup *with = *state;
	static struct result result;

	explore(with, states_max(), &result);
	explore_tell(with, &result);
	fflush(stdout);
	assert_null(result.broken);
}

#define WALK	20000

static u64 number_of(const u64 *words)
{
	u64 number = 0;
	size_t i;

	for (i = 0; i < state_words(); i++)
		number = (number ^ words[i]) * 0x9e3779b97f4a7c15ull;
	return number;
}

/*
 * A walk through @with; the states it comes by, each as one number. @as_it_is: goes
 * on from the state itself, not from what state.c makes of it.
 */
static void walk(const struct setup *with, bool as_it_is, u64 *seen)
{
	static u64 raw[8192], words[8192];
	struct step step[STEPS_MAX];
	u64 random = 1;
	unsigned int i, n;

	system_init(with);
	assert_true(state_words() <= ARRAY_SIZE(words));
	for (i = 0; i < WALK; i++) {
		state_get(raw);
		state_normalise();
		state_get(words);
		seen[i] = number_of(words);
		if (as_it_is)
			state_set(raw);
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		n = system_steps(step);
		assert_int_not_equal(n, 0);
		system_do(step[(random >> 33) % n]);
		assert_null(verdict.broken);
	}
}

static void compare(const struct setup *one, const struct setup *other, bool as_it_is)
{
	static u64 seen[WALK], seen_too[WALK];
	unsigned int i;

	walk(one, false, seen);
	walk(other, as_it_is, seen_too);
	for (i = 0; i < WALK; i++) {
		if (seen[i] == seen_too[i])
			continue;
		printf("# %s: not the same after %u steps\n", one->name, i);
		fflush(stdout);
		fail();
	}
}

/* Else a field that holds a time is not known to state.c, and states are wasted. */
static void no_state_knows_the_hour(void **state)
{
	struct setup later;
	unsigned int i;

	(void)state;
	for (i = 0; i < setups_count; i++) {
		later = setups[i];
		later.later = 12345;
		compare(&setups[i], &later, false);
	}
}

/* Else state.c forgets something that matters, and different states are one. */
static void nothing_that_matters_is_forgotten(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < setups_count; i++)
		compare(&setups[i], &setups[i], true);
}

int main(void)
{
	struct CMUnitTest test[32];
	unsigned int i;

	for (i = 0; i < setups_count; i++)
		test[i] = (struct CMUnitTest){
			.name = setups[i].name, .test_func = holds,
			.initial_state = (void *)&setups[i],
		};
	test[i] = (struct CMUnitTest)cmocka_unit_test(no_state_knows_the_hour);
	test[i + 1] = (struct CMUnitTest)
		cmocka_unit_test(nothing_that_matters_is_forgotten);
	return _cmocka_run_group_tests("worlds", test, setups_count + 2, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* World-switch commands, one by one: what each does, when, and where it may. */
#include "kernels.h"

#define GROUP		(20 * US)
#define COMMANDS	7	/* VGPU_CMD_INIT … VGPU_CMD_BOUNDARY */
#define STATES		8	/* VGPU_ENGINE_EMPTY … VGPU_ENGINE_RESETTING */

/* Which commands are legal for the function on the engine. */
#define I	BIT(VGPU_CMD_INIT)
#define P	BIT(VGPU_CMD_PREEMPT)
#define S	BIT(VGPU_CMD_SAVE)
#define L	BIT(VGPU_CMD_LOAD)
#define R	BIT(VGPU_CMD_RUN)
#define X	BIT(VGPU_CMD_RESET)
#define B	BIT(VGPU_CMD_BOUNDARY)
static const unsigned int legal_on_engine[STATES] = {
	[VGPU_ENGINE_EMPTY]	= I | L | X,	/* a saved world: none is on it */
	[VGPU_ENGINE_LOADING]	= X,
	[VGPU_ENGINE_LOADED]	= R | X,
	[VGPU_ENGINE_RUNNING]	= P | B | X,
	[VGPU_ENGINE_QUIESCING]	= X,
	[VGPU_ENGINE_QUIESCED]	= S | R | X,
	[VGPU_ENGINE_SAVING]	= X,
	[VGPU_ENGINE_RESETTING]	= 0,
};

/* And for a saved world beside it. */
static unsigned int legal_beside(unsigned int engine)
{
	return engine == VGPU_ENGINE_EMPTY ? I | L | X : I | X;
}

#undef I
#undef P
#undef S
#undef L
#undef R
#undef X
#undef B

static const unsigned int answers[] = {
	[VGPU_CMD_INIT]		= VGPU_EVENT_INITIALISED,
	[VGPU_CMD_PREEMPT]	= VGPU_EVENT_QUIESCED,
	[VGPU_CMD_SAVE]		= VGPU_EVENT_SAVED,
	[VGPU_CMD_LOAD]		= VGPU_EVENT_LOADED,
	[VGPU_CMD_RUN]		= VGPU_EVENT_RUNNING,
	[VGPU_CMD_RESET]	= VGPU_EVENT_RESET,
	[VGPU_CMD_BOUNDARY]	= VGPU_EVENT_QUIESCED,
};

/* Wherever the worlds of VFs 1 and 2 are: off the engine, and saved. */
static void start_over(struct gpu *g)
{
	struct vgpu_event e;
	unsigned int f;

	gpu_step(g, g->reset + g->load + g->save + 2 * GROUP);
	for (f = 1; f <= 2; f++)
		gpu_cmd(g, VGPU_CMD_RESET, f);
	gpu_step(g, g->reset);
	while (gpu_poll(g, &e))
		;
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	for (f = 1; f <= 2; f++) {
		set32(g, f, VGPU_REG_RING(0) + VGPU_RING_CTRL,
		      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
		gpu_cmd(g, VGPU_CMD_INIT, f);
		gpu_event(g, INITIALISED, f);
	}
	while (gpu_poll(g, &e))
		;
}

/* The engine's way goes on as if nothing had been asked. */
static void finish(struct gpu *g, unsigned int state, uint64_t entered)
{
	switch (state) {
	case VGPU_ENGINE_LOADING:
		assert_int_equal(gpu_event(g, LOADED, 1).loaded, entered + g->load);
		break;
	case VGPU_ENGINE_QUIESCING:
		assert_int_equal(gpu_event(g, QUIESCED, 1).quiesced,
				 entered + GROUP / 2);
		break;
	case VGPU_ENGINE_SAVING:
		assert_int_equal(gpu_event(g, SAVED, 1).saved, entered + g->save);
		break;
	case VGPU_ENGINE_RESETTING:
		assert_int_equal(gpu_event(g, RESET, 1).quiesced, entered + g->reset);
		break;
	default:
		gpu_silent(g);
	}
}

static void illegal_commands_are_refused_and_change_nothing(void **state)
{
	struct gpu *g = *state;
	unsigned int engine, command, f;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	for (engine = 0; engine < STATES; engine++) {
		uint64_t entered;
		uint32_t before;

		start_over(g);
		gpu_enter(g, engine, GROUP);
		entered = gpu_now(g);
		before = reg32(g, 0, VGPU_PF_ENGINE);
		assert_int_equal(gpu_engine(g), engine);
		for (command = 1; command <= COMMANDS; command++) {
			for (f = 1; f <= 2; f++) {
				unsigned int legal = f == 1 ? legal_on_engine[engine] :
						     legal_beside(engine);
				unsigned int world = gpu_world(g, f);

				if (legal & BIT(command))
					continue;
				gpu_cmd(g, command, f);
				gpu_refused(g, command, f, VGPU_REFUSED_STATE);
				assert_int_equal(reg32(g, 0, VGPU_PF_ENGINE), before);
				assert_int_equal(gpu_world(g, f), world);
				assert_int_equal(gpu_now(g), entered);
			}
		}
		finish(g, engine, entered);
	}
}

/* The command is answered, and the worlds are where they belong then. */
static void check_legal(struct gpu *g, unsigned int engine, unsigned int command,
			unsigned int f)
{
	struct vgpu_event e;
	bool on_engine = f == 1 && engine != VGPU_ENGINE_EMPTY;
	uint64_t asked;

	start_over(g);
	gpu_enter(g, engine, GROUP);
	asked = gpu_now(g);
	gpu_cmd(g, command, f);
	if (command == VGPU_CMD_RESET && on_engine)
		assert_int_equal(gpu_engine(g), VGPU_ENGINE_RESETTING);
	do
		e = gpu_event_at(g, answers[command], f, __FILE__, __LINE__);
	while (e.type != answers[command]);

	switch (command) {
	case VGPU_CMD_INIT:
		assert_int_equal(gpu_now(g), asked);
		assert_int_equal(gpu_world(g, f), VGPU_WORLD_SAVED);
		break;
	case VGPU_CMD_RESET:
		assert_int_equal(e.quiesced, asked + (on_engine ? g->reset : 0));
		assert_int_equal(gpu_world(g, f), VGPU_WORLD_NONE);
		break;
	case VGPU_CMD_PREEMPT:
	case VGPU_CMD_BOUNDARY:
		assert_int_equal(gpu_engine(g), VGPU_ENGINE_QUIESCED);
		break;
	case VGPU_CMD_SAVE:
		assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
		assert_int_equal(gpu_world(g, f), VGPU_WORLD_SAVED);
		break;
	case VGPU_CMD_LOAD:
		assert_int_equal(gpu_engine(g), VGPU_ENGINE_LOADED);
		assert_int_equal(gpu_world(g, f), VGPU_WORLD_ON_ENGINE);
		break;
	case VGPU_CMD_RUN:
		assert_int_equal(gpu_engine(g), VGPU_ENGINE_RUNNING);
		break;
	}
	if (on_engine && command == VGPU_CMD_RESET) {
		/* What was under way gets no answer any more. */
		gpu_step(g, g->load + g->save + 2 * GROUP);
		gpu_silent(g);
		assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	}
	if (f == 2 && engine != VGPU_ENGINE_EMPTY)
		finish(g, engine, asked);
}

static void legal_commands_do_what_they_say(void **state)
{
	struct gpu *g = *state;
	unsigned int engine, command;

	gpu_busy(g, 1, GROUP);
	gpu_busy(g, 2, GROUP);
	/* Their packets have no end: BOUNDARY comes to nothing without a timeout. */
	set64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_PREEMPT_TIMEOUT, GROUP);
	for (engine = 0; engine < STATES; engine++) {
		for (command = 1; command <= COMMANDS; command++) {
			if (legal_on_engine[engine] & BIT(command))
				check_legal(g, engine, command, 1);
			if (legal_beside(engine) & BIT(command))
				check_legal(g, engine, command, 2);
		}
	}
}

static void each_step_takes_exactly_what_is_declared(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t asked, running;

	assert_true(g->save && g->load && g->reset && g->group);
	gpu_busy(g, 1, GROUP);
	asked = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_LOAD, 1);
	e = gpu_event(g, LOADED, 1);
	assert_int_equal(e.loaded, asked + g->load);

	asked = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_RUN, 1);
	e = gpu_event(g, RUNNING, 1);
	assert_int_equal(e.running, asked);
	running = asked;

	gpu_step(g, 10 * GROUP + 1);
	asked = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	e = gpu_event(g, QUIESCED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_PREEMPT);
	assert_int_equal(e.request, asked);
	assert_in_range(e.quiesced - e.request, 1, GROUP);
	assert_int_equal(reg64(g, 1, VGPU_REG_GPU_TIME), e.quiesced - running);

	asked = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_SAVE, 1);
	e = gpu_event(g, SAVED, 1);
	assert_int_equal(e.saved, asked + g->save);

	gpu_run(g, 1);
	asked = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_RESET, 1);
	e = gpu_event(g, RESET, 1);
	assert_int_equal(e.quiesced, asked + g->reset);
}

static void an_idle_world_quiesces_at_once(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	uint64_t asked;

	gpu_run(g, 1);
	gpu_step(g, 100 * US);
	asked = gpu_now(g);
	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	e = gpu_event(g, QUIESCED, 1);
	assert_int_equal(e.info, VGPU_LEAVE_IDLE);
	assert_int_equal(e.request, asked);
	assert_int_equal(e.quiesced, asked);
}

static void a_quiesced_world_can_go_on_without_save_and_load(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct job job = job_put(&s, VGPU_KERNEL_SPIN, gpu_ram(g, JOB_BYTES), 1);
	uint64_t done = gpu_alloc(g, 8);

	put_fence(&s, SYSTEM(done), 1);
	ring_kick(&s);
	gpu_run(g, 1);
	while (!qtest_read64(g->qt, done)) {
		gpu_step(g, 10 * US);
		gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
		gpu_event(g, QUIESCED, 1);
		gpu_cmd(g, VGPU_CMD_RUN, 1);
		gpu_event(g, RUNNING, 1);
	}
	job_check(g, &job);
}

static void nothing_runs_unless_running(void **state)
{
	struct gpu *g = *state;
	uint64_t done = gpu_alloc(g, 8);
	struct stream s = gpu_ring(g, 1, 0);

	put_fence(&s, SYSTEM(done), 1);
	ring_kick(&s);
	gpu_step(g, MS);
	assert_int_equal(qtest_read64(g->qt, done), 0);
	gpu_cmd(g, VGPU_CMD_LOAD, 1);
	gpu_event(g, LOADED, 1);
	gpu_step(g, MS);
	assert_int_equal(qtest_read64(g->qt, done), 0);
	gpu_cmd(g, VGPU_CMD_RUN, 1);
	gpu_await(g, done, 1);
	gpu_event(g, RUNNING, 1);

	gpu_cmd(g, VGPU_CMD_PREEMPT, 1);
	gpu_event(g, QUIESCED, 1);
	put_fence(&s, SYSTEM(done), 2);
	ring_kick(&s);
	gpu_step(g, MS);
	assert_int_equal(qtest_read64(g->qt, done), 1);
}

static void unknown_commands_are_refused(void **state)
{
	static const unsigned int unknown[] = { 0, 8, 9, 0x80, 0xff };
	struct gpu *g = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		gpu_cmd(g, unknown[i], 1);
		gpu_refused(g, unknown[i], 1, VGPU_REFUSED_COMMAND);
	}
}

static void unknown_functions_are_refused(void **state)
{
	struct gpu *g = *state;
	const unsigned int unknown[] = { g->total + 1, 0x100, 0x7fff,
					 VGPU_FUNCTION_NONE };
	unsigned int i, command;

	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		for (command = 1; command <= COMMANDS; command++) {
			gpu_cmd(g, command, unknown[i]);
			gpu_refused(g, command, unknown[i], VGPU_REFUSED_FUNCTION);
		}
}

static void a_world_without_an_image_cannot_be_loaded(void **state)
{
	struct gpu *g = *state;

	gpu_cmd(g, VGPU_CMD_RESET, 1);
	gpu_event(g, RESET, 1);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_NONE);
	gpu_cmd(g, VGPU_CMD_LOAD, 1);
	gpu_refused(g, VGPU_CMD_LOAD, 1, VGPU_REFUSED_NO_IMAGE);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
}

static void a_closed_function_cannot_be_loaded_or_run(void **state)
{
	struct gpu *g = *state;

	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_CTRL, 0);
	gpu_cmd(g, VGPU_CMD_LOAD, 1);
	gpu_refused(g, VGPU_CMD_LOAD, 1, VGPU_REFUSED_CLOSED);
	/* It can be made ready before it is opened. */
	gpu_cmd(g, VGPU_CMD_INIT, 1);
	gpu_event(g, INITIALISED, 1);
	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_CTRL, VGPU_PF_FN_CTRL_OPEN);
	gpu_cmd(g, VGPU_CMD_LOAD, 1);
	gpu_event(g, LOADED, 1);
	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_CTRL, 0);
	gpu_cmd(g, VGPU_CMD_RUN, 1);
	gpu_refused(g, VGPU_CMD_RUN, 1, VGPU_REFUSED_CLOSED);
}

static void closing_stops_work_at_the_next_preemption_point(void **state)
{
	struct gpu *g = *state;
	uint64_t counters = gpu_alloc(g, 100 * 8);
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t value[100];
	unsigned int i, groups = 0;

	put_spin(&s, GROUP, 100, SYSTEM(counters));
	ring_kick(&s);
	gpu_run(g, 1);
	gpu_step(g, 10 * GROUP);
	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_CTRL, 0);
	assert_false(reg32(g, 1, VGPU_REG_STATUS) & VGPU_STATUS_OPEN);
	gpu_step(g, 50 * GROUP);
	/* The world is still there, and leaves by the commands. */
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_ON_ENGINE);
	gpu_stop(g, 1);
	qtest_read(g->qt, counters, value, sizeof(value));
	for (i = 0; i < 100; i++)
		groups += value[i];
	assert_in_range(groups, 9, 11);

	/* Opened again, it goes on and nothing is done twice. */
	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_CTRL, VGPU_PF_FN_CTRL_OPEN);
	gpu_run(g, 1);
	gpu_step(g, 100 * GROUP);
	qtest_read(g->qt, counters, value, sizeof(value));
	for (i = 0; i < 100; i++)
		assert_int_equal(value[i], 1);
}

static void a_reset_world_has_lost_its_work_and_says_so(void **state)
{
	struct gpu *g = *state;
	struct stream busy = gpu_busy(g, 1, GROUP);
	struct stream idle = gpu_ring(g, 1, 1);
	uint64_t done = gpu_alloc(g, 8);

	gpu_run(g, 1);
	gpu_step(g, 5 * GROUP);
	gpu_cmd(g, VGPU_CMD_RESET, 1);
	gpu_event(g, RESET, 1);
	gpu_silent(g);
	assert_int_equal(ring_state(&busy), VGPU_RING_HALTED);
	assert_int_equal(reg32(g, 1, ring_reg(&busy, VGPU_RING_FAULT)), VGPU_FAULT_RESET);
	assert_int_equal(reg32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_FAULTS), 0);
	assert_int_equal(ring_state(&idle), VGPU_RING_IDLE);
	assert_true(reg32(g, 1, VGPU_REG_STATUS) & VGPU_STATUS_HALTED);

	/* INIT makes a world, the ring stays halted; the other one works. */
	gpu_cmd(g, VGPU_CMD_INIT, 1);
	gpu_event(g, INITIALISED, 1);
	assert_int_equal(ring_state(&busy), VGPU_RING_HALTED);
	put_fence(&idle, SYSTEM(done), 1);
	ring_kick(&idle);
	gpu_run(g, 1);
	gpu_await(g, done, 1);
	assert_int_equal(ring_state(&busy), VGPU_RING_HALTED);
}

static void reset_off_the_engine_halts_rings_with_work(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_busy(g, 1, GROUP);

	gpu_cmd(g, VGPU_CMD_RESET, 1);
	gpu_event(g, RESET, 1);
	assert_int_equal(ring_state(&s), VGPU_RING_HALTED);
	assert_int_equal(reg32(g, 1, ring_reg(&s, VGPU_RING_FAULT)) &
			 VGPU_RING_FAULT_CODE, VGPU_FAULT_RESET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(illegal_commands_are_refused_and_change_nothing),
		GPU_TEST(legal_commands_do_what_they_say),
		GPU_TEST(each_step_takes_exactly_what_is_declared),
		GPU_SOFTWARE_TEST(each_step_takes_exactly_what_is_declared),
		GPU_TEST(an_idle_world_quiesces_at_once),
		GPU_TEST(a_quiesced_world_can_go_on_without_save_and_load),
		GPU_TEST(nothing_runs_unless_running),
		GPU_TEST(unknown_commands_are_refused),
		GPU_TEST(unknown_functions_are_refused),
		GPU_TEST(a_world_without_an_image_cannot_be_loaded),
		GPU_TEST(a_closed_function_cannot_be_loaded_or_run),
		GPU_TEST(closing_stops_work_at_the_next_preemption_point),
		GPU_TEST(a_reset_world_has_lost_its_work_and_says_so),
		GPU_TEST(reset_off_the_engine_halts_rings_with_work),
	};

	return gpu_main("world", tests);
}

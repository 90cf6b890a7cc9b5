// SPDX-License-Identifier: GPL-2.0-only
/* The event queue: order, room, loss, coalescing. */
#include "gpu.h"

#include <linux/pci_regs.h>
#include <stdlib.h>

#define GROUP		(20 * US)

/* Have @n records written, each the answer to a command. */
static void cause(struct gpu *g, unsigned int n)
{
	while (n--)
		gpu_cmd(g, VGPU_CMD_INIT, 1);
}

static uint32_t posted(struct gpu *g)
{
	return reg32(g, 0, VGPU_PF_EVQ_POSTED);
}

static uint32_t lost(struct gpu *g)
{
	return reg32(g, 0, VGPU_PF_EVQ_LOST);
}

/* One VF that is ready, and a queue of 64 records with nothing in it. */
static void smallest_queue(struct gpu *g)
{
	set32(g, 0, VGPU_PF_EVQ_CTRL, 0);
	gpu_queue(g, VGPU_EVQ_SIZE_MIN);
}

static void records_are_numbered_from_one_and_wrap_around(void **state)
{
	struct gpu *g = *state;
	unsigned int i;

	smallest_queue(g);
	assert_int_equal(posted(g), 0);
	for (i = 1; i <= 200; i++) {
		struct vgpu_event e;

		cause(g, 1);
		assert_int_equal(posted(g), i);
		e = gpu_event(g, INITIALISED, 1);
		assert_int_equal(e.seq, i);
	}
	assert_int_equal(lost(g), 0);
}

static void each_record_raises_the_vector_of_events(void **state)
{
	struct gpu *g = *state;
	uint64_t vector = gpu_vector(g, 0, VGPU_VECTOR_EVENTS(g->rings));
	unsigned int i;

	for (i = 0; i < 3; i++) {
		assert_false(gpu_interrupted(g, vector));
		cause(g, 1);
		assert_true(gpu_interrupted(g, vector));
		gpu_event(g, INITIALISED, 1);
	}
}

static uint64_t edge(struct gpu *g)
{
	set32(g, 0, VGPU_PF_EVQ_CTRL, VGPU_EVQ_CTRL_ENABLE | VGPU_EVQ_CTRL_EDGE);
	return gpu_vector(g, 0, VGPU_VECTOR_EVENTS(g->rings));
}

static void with_edge_a_record_behind_another_raises_nothing(void **state)
{
	struct gpu *g = *state;
	uint64_t vector;
	unsigned int i;

	smallest_queue(g);
	vector = edge(g);
	/* More than there is room for */
	for (i = 0; i < 100; i++) {
		cause(g, 1);
		assert_true(gpu_interrupted(g, vector));
		cause(g, 2);
		assert_false(gpu_interrupted(g, vector));
		gpu_event(g, INITIALISED, 1);
		gpu_event(g, INITIALISED, 1);
		/* One is still there. */
		cause(g, 1);
		assert_false(gpu_interrupted(g, vector));
		gpu_event(g, INITIALISED, 1);
		gpu_event(g, INITIALISED, 1);
	}
	assert_int_equal(lost(g), 0);
}

static void with_edge_work_that_comes_alone_raises_one_interrupt(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint64_t vector;
	unsigned int i;

	gpu_run(g, 1);
	g->quiet = 0;
	vector = edge(g);
	for (i = 0; i < 3; i++) {
		const uint32_t before = posted(g);

		put_nop(&s, 1);
		ring_kick(&s);
		assert_true(gpu_interrupted(g, vector));
		gpu_step(g, VGPU_EVENT_RETRY_NS);
		assert_int_equal(posted(g), before + 2);
		assert_false(gpu_interrupted(g, vector));
		gpu_event(g, RUNNABLE, 1);
		gpu_event(g, IDLE, 1);
	}
}

static void with_edge_what_was_held_back_raises_its_vector(void **state)
{
	struct gpu *g = *state;
	const unsigned int records = 1 << VGPU_EVQ_SIZE_MIN;
	struct vgpu_event e;
	uint64_t vector;

	smallest_queue(g);
	vector = edge(g);
	/* What was remembered while the one before was there */
	set32(g, 1, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_MBOX_CTRL, VGPU_MBOX_CTRL_ACK);
	set32(g, 1, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
	assert_true(gpu_interrupted(g, vector));
	gpu_event(g, MAILBOX, 1);
	gpu_step(g, VGPU_EVENT_RETRY_NS);
	assert_true(gpu_interrupted(g, vector));
	gpu_event(g, MAILBOX, 1);
	/* What a full queue has lost */
	cause(g, records + 7);
	assert_true(gpu_interrupted(g, vector));
	gpu_step(g, VGPU_EVENT_RETRY_NS);
	assert_false(gpu_interrupted(g, vector));
	while (gpu_poll(g, &e))
		assert_int_equal(e.type, VGPU_EVENT_INITIALISED);
	gpu_step(g, VGPU_EVENT_RETRY_NS);
	assert_true(gpu_interrupted(g, vector));
	assert_true(gpu_poll(g, &e));
	assert_int_equal(e.type, VGPU_EVENT_LOST);
}

static void with_edge_a_consumer_that_cannot_be_read_or_lies_is_interrupted(void **state)
{
	/* As if more had been taken than there are */
	static const uint32_t lies[] = { 0xfffffff0, 1000000, 0x80000000, 65 };
	struct gpu *g = *state;
	uint64_t vector;
	unsigned int i;

	smallest_queue(g);
	vector = edge(g);
	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		qtest_write32(g->qt, g->consumer, lies[i]);
		cause(g, 1);
		assert_true(gpu_interrupted(g, vector));
		cause(g, 1);
		assert_true(gpu_interrupted(g, vector));
	}
	set32(g, 0, VGPU_PF_EVQ_CTRL, 0);
	/* Beyond all memory */
	set64(g, 0, VGPU_PF_EVQ_CONSUMER, VGPU_EVQ_CONSUMER_MASK);
	vector = edge(g);
	for (i = 0; i < 3; i++) {
		cause(g, 1);
		assert_true(gpu_interrupted(g, vector));
	}
}

static void with_edge_a_lost_interrupt_is_made_up_for_by_a_later_record(void **state)
{
	struct gpu *g = *state;
	uint64_t vector;
	unsigned int i;

	smallest_queue(g);
	vector = edge(g);
	gpu_inject(g, "lost-interrupts", "1");
	cause(g, 1);
	assert_false(gpu_interrupted(g, vector));
	/* As soon as that it is no news that nothing was taken. */
	gpu_step(g, VGPU_EVENT_RETRY_NS - 1);
	cause(g, 1);
	assert_false(gpu_interrupted(g, vector));
	gpu_step(g, 1);
	cause(g, 1);
	assert_true(gpu_interrupted(g, vector));
	cause(g, 1);
	assert_false(gpu_interrupted(g, vector));
	for (i = 0; i < 4; i++)
		gpu_event(g, INITIALISED, 1);
}

static void edge_ends_with_a_reset(void **state)
{
	struct gpu *g = *state;
	uint64_t vector;
	unsigned int i;

	edge(g);
	pci_flr(&g->fn[0].pci);
	gpu_pci_restore(g);
	assert_int_equal(reg32(g, 0, VGPU_PF_EVQ_CTRL), 0);
	gpu_queue(g, VGPU_EVQ_SIZE_MIN);
	vector = gpu_vector(g, 0, VGPU_VECTOR_EVENTS(g->rings));
	for (i = 0; i < 3; i++) {
		gpu_cmd(g, VGPU_CMD_INIT, 0);
		assert_true(gpu_interrupted(g, vector));
	}
}

/* A driver in all its steps, between any of which the device may write records. */
enum driver {
	ASLEEP,				/* until an interrupt comes */
	TAKES,				/* has looked and found one, or looks now */
	STORES,				/* found no more: the number is to be stored */
	LOOKS,				/* for the last time */
};

static enum driver drive(struct gpu *g, enum driver driver, uint64_t vector)
{
	struct vgpu_event e;

	switch (driver) {
	case ASLEEP:
		return gpu_interrupted(g, vector) ? TAKES : ASLEEP;
	case TAKES:
		return gpu_look(g, &e) ? TAKES : STORES;
	case STORES:
		gpu_store(g);
		return LOOKS;
	case LOOKS:
		return gpu_look(g, &e) ? TAKES : ASLEEP;
	}
	return ASLEEP;
}

static void with_edge_no_record_stays_unseen_in_any_order(void **state)
{
	struct gpu *g = *state;
	enum driver driver = ASLEEP;
	unsigned int i, raised = 0, spared = 0;
	uint64_t vector;

	srand(7);
	smallest_queue(g);
	vector = edge(g);
	for (i = 0; i < 20000; i++) {
		const bool pending = qtest_read32(g->qt, vector);

		if (rand() % 3) {
			driver = drive(g, driver, vector);
		} else {
			/* Now and then too many, and LOST behind them */
			cause(g, rand() % 100 ? 1 : 100);
			gpu_step(g, rand() % 2 * VGPU_EVENT_RETRY_NS);
			if (qtest_read32(g->qt, vector))
				raised += !pending;
			else
				spared++;
		}
		/* Who sleeps has nothing to do, or is about to be woken. */
		if (driver == ASLEEP && !qtest_read32(g->qt, vector))
			assert_int_equal(g->taken, posted(g));
	}
	assert_in_range(lost(g), 1, 100000);
	assert_in_range(raised, 100, 20000);
	assert_in_range(spared, 100, 20000);
}

static void enabling_starts_again(void **state)
{
	struct gpu *g = *state;

	cause(g, 5);
	assert_true(posted(g) >= 5);
	set32(g, 0, VGPU_PF_EVQ_CTRL, 0);
	gpu_queue(g, 7);
	assert_int_equal(posted(g), 0);
	cause(g, 1);
	assert_int_equal(gpu_event(g, INITIALISED, 1).seq, 1);
}

static void a_disabled_queue_is_not_written(void **state)
{
	struct gpu *g = *state;
	uint32_t before = posted(g);

	set32(g, 0, VGPU_PF_EVQ_CTRL, 0);
	cause(g, 3);
	assert_int_equal(posted(g), before);
	assert_int_equal(qtest_read32(g->qt, g->queue + before * sizeof(struct vgpu_event)),
			 0);
}

static void a_full_queue_loses_answers_counts_them_and_says_so(void **state)
{
	struct gpu *g = *state;
	const unsigned int records = 1 << VGPU_EVQ_SIZE_MIN;
	uint64_t behind = 0;
	struct vgpu_event e;
	unsigned int i, n;

	smallest_queue(g);
	cause(g, records + 7);
	n = posted(g);
	/* One record may be kept back for LOST. */
	assert_in_range(n, records - 1, records);
	assert_int_equal(lost(g), records + 7 - n);
	/* Nothing was written over, nor behind the end. */
	assert_int_equal(qtest_read32(g->qt, g->queue), 1);
	qtest_read(g->qt, g->queue + records * sizeof(e), &behind, sizeof(behind));
	assert_int_equal(behind, 0);

	for (i = 1; i <= n; i++) {
		assert_true(gpu_poll(g, &e));
		assert_int_equal(e.type, VGPU_EVENT_INITIALISED);
		assert_int_equal(e.seq, i);
	}
	gpu_step(g, VGPU_EVENT_RETRY_NS);
	assert_true(gpu_poll(g, &e));
	assert_int_equal(e.type, VGPU_EVENT_LOST);
	assert_int_equal(e.detail, records + 7 - n);
	cause(g, 1);
	gpu_event(g, INITIALISED, 1);
}

static void a_queue_that_does_not_answer_loses_records(void **state)
{
	struct gpu *g = *state;
	uint32_t before;

	pci_command(&g->fn[0].pci, PCI_COMMAND_MEMORY);
	before = lost(g);
	cause(g, 3);
	assert_int_equal(lost(g), before + 3);
	gpu_pci_enable(g, 0);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_int_equal(gpu_world(g, 1), VGPU_WORLD_SAVED);
}

static void work_off_the_engine_is_told_once(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct vgpu_event e;
	uint64_t now;

	g->quiet = 0;
	gpu_silent(g);
	assert_false(reg32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_STATUS) &
		     VGPU_PF_FN_STATUS_RUNNABLE);
	gpu_step(g, 333);
	now = gpu_now(g);
	put_nop(&s, 1);
	ring_kick(&s);
	e = gpu_event(g, RUNNABLE, 1);
	assert_int_equal(e.request, now);
	assert_true(reg32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_STATUS) &
		    VGPU_PF_FN_STATUS_RUNNABLE);
	put_nop(&s, 1);
	ring_kick(&s);
	gpu_step(g, MS);
	gpu_silent(g);
}

static void idling_on_the_engine_is_told(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct vgpu_event e;
	uint64_t done = gpu_alloc(g, 16);

	g->quiet = 0;
	put_spin(&s, MS, 1, VGPU_SPIN_NO_COUNT);
	put_timestamp(&s, SYSTEM(done));
	ring_kick(&s);
	gpu_event(g, RUNNABLE, 1);
	gpu_run(g, 1);
	e = gpu_event(g, IDLE, 1);
	assert_in_range(e.request, qtest_read64(g->qt, done),
			qtest_read64(g->qt, done) + 10 * US);
	assert_true(gpu_now(g) - e.request <= VGPU_EVENT_RETRY_NS);

	/* New work while it is there: runnable again. */
	gpu_step(g, MS);
	put_spin(&s, MS, 1, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	gpu_event(g, RUNNABLE, 1);
	gpu_event(g, IDLE, 1);
}

static void idling_with_next_armed_is_told_by_the_switch(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);

	g->quiet = 0;
	put_spin(&s, MS, 1, VGPU_SPIN_NO_COUNT);
	ring_kick(&s);
	gpu_event(g, RUNNABLE, 1);
	gpu_next(g, 1, 6 * MS);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	gpu_next(g, VGPU_FUNCTION_NONE, 0);
	gpu_event(g, SWITCHED, 1);
	gpu_step(g, MS);
	gpu_silent(g);
}

static void a_switch_because_of_idleness_says_idle(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);

	g->quiet = 0;
	put_nop(&s, 1);
	ring_kick(&s);
	gpu_event(g, RUNNABLE, 1);
	gpu_next(g, 1, 6 * MS);
	gpu_event(g, SWITCHED, VGPU_FUNCTION_NONE);
	gpu_next(g, 2, 6 * MS);
	assert_int_equal(gpu_event(g, SWITCHED, 1).info, VGPU_LEAVE_IDLE);
	gpu_step(g, MS);
	gpu_silent(g);
	/* So new work is news. */
	put_nop(&s, 1);
	ring_kick(&s);
	gpu_event(g, RUNNABLE, 1);
}

static void the_last_word_about_work_is_the_truth(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	bool runnable = false;
	struct vgpu_event e;
	unsigned int i;

	g->quiet = 0;
	gpu_run(g, 1);
	/* The driver takes nothing meanwhile: one record of a kind at most. */
	gpu_step(g, 100 * US);
	while (gpu_poll(g, &e))
		runnable = e.type == VGPU_EVENT_RUNNABLE;
	for (i = 0; i < 50; i++) {
		put_spin(&s, 3 * US, 1, VGPU_SPIN_NO_COUNT);
		ring_kick(&s);
		gpu_step(g, 1 * US + i * 200);
	}
	gpu_step(g, 100 * US);
	for (i = 0; gpu_poll(g, &e); i++)
		runnable = e.type == VGPU_EVENT_RUNNABLE;
	assert_in_range(i, 1, 2);
	gpu_step(g, VGPU_EVENT_RETRY_NS);
	while (gpu_poll(g, &e))
		runnable = e.type == VGPU_EVENT_RUNNABLE;
	assert_int_equal(runnable, !!(reg32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_STATUS) &
				      VGPU_PF_FN_STATUS_RUNNABLE));
}

static void send(struct gpu *g, unsigned int f)
{
	set32(g, f, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
}

static void acknowledge(struct gpu *g, unsigned int f)
{
	set32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_MBOX_CTRL, VGPU_MBOX_CTRL_ACK);
}

static void an_event_of_a_kind_is_in_the_queue_once_and_remembered(void **state)
{
	struct gpu *g = *state;
	uint32_t before = posted(g);

	send(g, 1);
	acknowledge(g, 1);
	send(g, 1);
	acknowledge(g, 1);
	send(g, 1);
	gpu_step(g, MS);
	assert_int_equal(posted(g), before + 1);
	gpu_event(g, MAILBOX, 1);
	/* Taken: what happened meanwhile comes, once. */
	gpu_step(g, VGPU_EVENT_RETRY_NS);
	assert_int_equal(posted(g), before + 2);
	gpu_event(g, MAILBOX, 1);
	gpu_step(g, MS);
	gpu_silent(g);
}

static void functions_do_not_share_a_place(void **state)
{
	struct gpu *g = *state;
	unsigned int f;

	for (f = 1; f <= g->vfs; f++)
		send(g, f);
	for (f = 1; f <= g->vfs; f++)
		gpu_event(g, MAILBOX, f);
}

static void faults_of_a_function_are_coalesced_but_counted(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	const uint32_t before = posted(g);
	struct vgpu_event e;
	unsigned int i;

	gpu_run(g, 1);
	for (i = 0; i < 10; i++) {
		put_fence(&s, SYSTEM(4), 0);
		ring_kick(&s);
		gpu_step(g, 100 * US);
		set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), 0);
		set64(g, 1, ring_reg(&s, VGPU_RING_HEAD), s.tail);
		set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	}
	assert_int_equal(reg32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_FAULTS), 10);
	/* LOADED, RUNNING, FAULT; RUNNABLE and IDLE at most. */
	assert_in_range(posted(g) - before, 3, 5);
	/* Those that were repaired before the driver looked are not told. */
	while (gpu_poll(g, &e))
		;
	gpu_step(g, 2 * VGPU_EVENT_RETRY_NS);
	while (gpu_poll(g, &e))
		assert_int_not_equal(e.type, VGPU_EVENT_FAULT);
}

static void doorbells_beyond_the_limit_are_a_storm_once_a_ms(void **state)
{
	struct gpu *g = *state;
	const uint64_t count = reg64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_DOORBELLS);
	struct stream s = gpu_ring(g, 1, 0);
	unsigned int i, storms = 0;
	struct vgpu_event e;

	for (i = 0; i < 100; i++)
		ring_kick(&s);
	gpu_silent(g);
	gpu_step(g, 2 * MS);
	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_DOORBELL_LIMIT, 20);
	for (i = 0; i < 20; i++)
		ring_kick(&s);
	gpu_silent(g);
	ring_kick(&s);
	gpu_event(g, STORM, 1);
	gpu_step(g, 2 * MS);
	for (i = 0; i < 500; i++) {
		ring_kick(&s);
		gpu_step(g, 10 * US);
		while (gpu_poll(g, &e))
			if (e.type == VGPU_EVENT_STORM && e.function == 1)
				storms++;
	}
	/* 5 ms of 100 doorbells each. */
	assert_in_range(storms, 4, 6);
	assert_int_equal(reg64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_DOORBELLS),
			 count + 100 + 21 + 500);
	/* Nobody else is concerned. */
	assert_int_equal(reg64(g, 0, VGPU_PF_FN(2) + VGPU_PF_FN_DOORBELLS), 0);
}

/* Everything that VF @f can do to cause events; more of it on the engine. */
static void flood(struct gpu *g, unsigned int f, struct stream *s)
{
	send(g, f);
	acknowledge(g, f);
	put_fence(s, SYSTEM(4), 0);
	ring_kick(s);
	ring_kick(s);
	gpu_step(g, 7 * US);
	set32(g, f, ring_reg(s, VGPU_RING_CTRL), 0);
	set64(g, f, ring_reg(s, VGPU_RING_HEAD), s->tail);
	set32(g, f, ring_reg(s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	put_spin(s, US, 1, VGPU_SPIN_NO_COUNT);
	ring_kick(s);
	gpu_step(g, 7 * US);
}

static void a_flood_of_vfs_cannot_fill_the_queue(void **state)
{
	struct gpu *g = *state;
	/* 1 + 8 functions need 8 * 9 + 16 records: 128. */
	const unsigned int log2 = 7;
	struct stream s[GPU_FIXTURE_VFS + 1];
	unsigned int f, i;

	assert_int_equal(g->total, 8);
	set32(g, 0, VGPU_PF_EVQ_CTRL, 0);
	gpu_queue(g, log2);
	for (f = 1; f <= g->vfs; f++) {
		s[f] = gpu_ring(g, f, 0);
		set32(g, 0, VGPU_PF_FN(f) + VGPU_PF_FN_DOORBELL_LIMIT, 1);
	}
	for (i = 0; i < 10; i++)
		for (f = 1; f <= g->vfs; f++)
			flood(g, f, &s[f]);
	for (f = 1; f <= g->vfs; f++) {
		pci_flr(&g->fn[f].pci);
		gpu_pci_enable(g, f);
		pci_flr(&g->fn[f].pci);
		gpu_pci_enable(g, f);
	}
	gpu_step(g, MS);
	assert_in_range(posted(g), 1, VGPU_EVQ_PER_FUNCTION * g->vfs);
	/* There is room for the answers of the driver's commands. */
	for (i = 0; i < VGPU_EVQ_RESERVE; i++)
		gpu_cmd(g, 0, 0);
	assert_int_equal(lost(g), 0);
}

static void a_flood_on_the_engine_cannot_fill_the_queue(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	uint32_t before;
	unsigned int i;

	set32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_DOORBELL_LIMIT, 1);
	gpu_run(g, 1);
	before = posted(g);
	for (i = 0; i < 100; i++)
		flood(g, 1, &s);
	assert_in_range(posted(g) - before, 1, VGPU_EVQ_PER_FUNCTION);
	assert_int_equal(lost(g), 0);
	assert_int_equal(reg32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_FAULTS), 100);
}

static void the_driver_may_take_many_at_once(void **state)
{
	struct gpu *g = *state;
	struct vgpu_event e;
	unsigned int i, round;

	smallest_queue(g);
	for (round = 0; round < 5; round++) {
		cause(g, 50);
		for (i = 0; i < 50; i++)
			assert_true(gpu_poll(g, &e));
		assert_false(gpu_poll(g, &e));
	}
	assert_int_equal(lost(g), 0);
}

static void a_consumer_that_lies_harms_only_itself(void **state)
{
	static const uint32_t lies[] = { 0xffffffff, 1000000, 0x80000000, 65 };
	struct gpu *g = *state;
	uint64_t guard;
	unsigned int i;

	smallest_queue(g);
	guard = g->queue + (sizeof(struct vgpu_event) << VGPU_EVQ_SIZE_MIN);
	for (i = 0; i < ARRAY_SIZE(lies); i++) {
		qtest_write32(g->qt, g->consumer, lies[i]);
		cause(g, 100);
		gpu_step(g, MS);
	}
	assert_int_equal(qtest_read64(g->qt, guard), 0);
	assert_int_equal(reg32(g, 0, VGPU_REG_ID), VGPU_ID_VALUE);
	/* Honest again, after enabling. */
	smallest_queue(g);
	cause(g, 1);
	gpu_event(g, INITIALISED, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(records_are_numbered_from_one_and_wrap_around),
		GPU_TEST(each_record_raises_the_vector_of_events),
		GPU_TEST(with_edge_a_record_behind_another_raises_nothing),
		GPU_TEST(with_edge_work_that_comes_alone_raises_one_interrupt),
		GPU_TEST(with_edge_what_was_held_back_raises_its_vector),
		GPU_TEST(with_edge_a_consumer_that_cannot_be_read_or_lies_is_interrupted),
		GPU_TEST(with_edge_a_lost_interrupt_is_made_up_for_by_a_later_record),
		GPU_TEST(edge_ends_with_a_reset),
		GPU_TEST(with_edge_no_record_stays_unseen_in_any_order),
		GPU_TEST(enabling_starts_again),
		GPU_TEST(a_disabled_queue_is_not_written),
		GPU_TEST(a_full_queue_loses_answers_counts_them_and_says_so),
		GPU_TEST(a_queue_that_does_not_answer_loses_records),
		GPU_TEST(work_off_the_engine_is_told_once),
		GPU_TEST(idling_on_the_engine_is_told),
		GPU_TEST(idling_with_next_armed_is_told_by_the_switch),
		GPU_TEST(a_switch_because_of_idleness_says_idle),
		GPU_TEST(the_last_word_about_work_is_the_truth),
		GPU_TEST(an_event_of_a_kind_is_in_the_queue_once_and_remembered),
		GPU_TEST(functions_do_not_share_a_place),
		GPU_TEST(faults_of_a_function_are_coalesced_but_counted),
		GPU_TEST(doorbells_beyond_the_limit_are_a_storm_once_a_ms),
		GPU_TEST(a_flood_of_vfs_cannot_fill_the_queue),
		GPU_TEST(a_flood_on_the_engine_cannot_fill_the_queue),
		GPU_TEST(the_driver_may_take_many_at_once),
		GPU_TEST(a_consumer_that_lies_harms_only_itself),
	};

	return gpu_main("events", tests);
}

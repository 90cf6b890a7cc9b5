// SPDX-License-Identifier: GPL-2.0-only
/* The mailbox: one message each way, until its receiver has acknowledged it. */
#include "gpu.h"

#define FN(f, reg)	(VGPU_PF_FN(f) + VGPU_PF_FN_##reg)
#define WORDS		(VGPU_MBOX_BYTES / 4)

/* 16 words at @offset of function @f are @first, @first + 1 … */
static void write_words(struct gpu *g, unsigned int f, uint32_t offset, uint32_t first)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		set32(g, f, offset + 4 * i, first + i);
}

static void check_words(struct gpu *g, unsigned int f, uint32_t offset, uint32_t first)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		assert_int_equal(reg32(g, f, offset + 4 * i), first + i);
}

static void a_vf_sends_and_the_pf_acknowledges(void **state)
{
	struct gpu *g = *state;
	uint64_t vector = gpu_vector(g, 2, VGPU_VECTOR_FUNCTION);

	write_words(g, 2, VGPU_REG_MBOX_TX, 0x1000);
	set32(g, 2, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
	gpu_event(g, MAILBOX, 2);
	assert_int_equal(reg32(g, 2, VGPU_REG_MBOX_STATUS), VGPU_MBOX_STATUS_TX_BUSY);
	assert_int_equal(reg32(g, 0, FN(2, MBOX_STATUS)), VGPU_MBOX_STATUS_RX_VALID);
	check_words(g, 0, FN(2, MBOX_RX), 0x1000);
	assert_false(gpu_interrupted(g, vector));

	set32(g, 0, FN(2, MBOX_CTRL), VGPU_MBOX_CTRL_ACK);
	assert_int_equal(reg32(g, 2, VGPU_REG_MBOX_STATUS), 0);
	assert_int_equal(reg32(g, 0, FN(2, MBOX_STATUS)), 0);
	assert_true(gpu_interrupted(g, vector));
}

static void the_pf_sends_and_the_vf_acknowledges(void **state)
{
	struct gpu *g = *state;
	uint64_t vector = gpu_vector(g, 2, VGPU_VECTOR_FUNCTION);

	write_words(g, 0, FN(2, MBOX_TX), 0x2000);
	set32(g, 0, FN(2, MBOX_CTRL), VGPU_MBOX_CTRL_SEND);
	assert_true(gpu_interrupted(g, vector));
	assert_int_equal(reg32(g, 2, VGPU_REG_MBOX_STATUS), VGPU_MBOX_STATUS_RX_VALID);
	assert_int_equal(reg32(g, 0, FN(2, MBOX_STATUS)), VGPU_MBOX_STATUS_TX_BUSY);
	check_words(g, 2, VGPU_REG_MBOX_RX, 0x2000);

	gpu_silent(g);
	set32(g, 2, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_ACK);
	assert_int_equal(reg32(g, 2, VGPU_REG_MBOX_STATUS), 0);
	assert_int_equal(reg32(g, 0, FN(2, MBOX_STATUS)), 0);
	/* There is room for the next one. */
	gpu_event(g, MAILBOX, 2);
}

static void acknowledging_nothing_is_nothing(void **state)
{
	struct gpu *g = *state;
	uint64_t vector = gpu_vector(g, 1, VGPU_VECTOR_FUNCTION);

	set32(g, 1, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_ACK);
	set32(g, 0, FN(1, MBOX_CTRL), VGPU_MBOX_CTRL_ACK);
	gpu_step(g, MS);
	gpu_silent(g);
	assert_false(gpu_interrupted(g, vector));
}

static void a_message_under_way_cannot_be_changed(void **state)
{
	struct gpu *g = *state;

	write_words(g, 1, VGPU_REG_MBOX_TX, 0x1000);
	set32(g, 1, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
	write_words(g, 1, VGPU_REG_MBOX_TX, 0x9000);
	set32(g, 1, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
	check_words(g, 1, VGPU_REG_MBOX_TX, 0x1000);
	check_words(g, 0, FN(1, MBOX_RX), 0x1000);
	gpu_event(g, MAILBOX, 1);
	set32(g, 0, FN(1, MBOX_CTRL), VGPU_MBOX_CTRL_ACK);
	gpu_step(g, MS);
	gpu_silent(g);

	write_words(g, 0, FN(1, MBOX_TX), 0x2000);
	set32(g, 0, FN(1, MBOX_CTRL), VGPU_MBOX_CTRL_SEND);
	write_words(g, 0, FN(1, MBOX_TX), 0x9000);
	check_words(g, 1, VGPU_REG_MBOX_RX, 0x2000);
}

static void both_directions_are_independent(void **state)
{
	struct gpu *g = *state;

	write_words(g, 1, VGPU_REG_MBOX_TX, 0x1000);
	write_words(g, 0, FN(1, MBOX_TX), 0x2000);
	set32(g, 1, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
	set32(g, 0, FN(1, MBOX_CTRL), VGPU_MBOX_CTRL_SEND);
	check_words(g, 0, FN(1, MBOX_RX), 0x1000);
	check_words(g, 1, VGPU_REG_MBOX_RX, 0x2000);
	set32(g, 1, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_ACK);
	assert_int_equal(reg32(g, 1, VGPU_REG_MBOX_STATUS), VGPU_MBOX_STATUS_TX_BUSY);
	set32(g, 0, FN(1, MBOX_CTRL), VGPU_MBOX_CTRL_ACK);
	assert_int_equal(reg32(g, 1, VGPU_REG_MBOX_STATUS), 0);
}

static void each_vf_has_a_mailbox_of_its_own(void **state)
{
	struct gpu *g = *state;
	unsigned int f;

	for (f = 1; f <= g->vfs; f++) {
		write_words(g, f, VGPU_REG_MBOX_TX, f << 16);
		write_words(g, 0, FN(f, MBOX_TX), f << 24);
		set32(g, f, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
		set32(g, 0, FN(f, MBOX_CTRL), VGPU_MBOX_CTRL_SEND);
	}
	for (f = 1; f <= g->vfs; f++) {
		gpu_event(g, MAILBOX, f);
		check_words(g, 0, FN(f, MBOX_RX), f << 16);
		check_words(g, f, VGPU_REG_MBOX_RX, f << 24);
	}
}

static void a_closed_function_can_still_ask(void **state)
{
	struct gpu *g = *state;

	set32(g, 0, FN(1, CTRL), 0);
	set32(g, 1, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
	gpu_event(g, MAILBOX, 1);
}

static void flr_empties_the_mailbox(void **state)
{
	struct gpu *g = *state;

	write_words(g, 1, VGPU_REG_MBOX_TX, 0x1000);
	set32(g, 1, VGPU_REG_MBOX_CTRL, VGPU_MBOX_CTRL_SEND);
	set32(g, 0, FN(1, MBOX_CTRL), VGPU_MBOX_CTRL_SEND);
	pci_flr(&g->fn[1].pci);
	gpu_pci_enable(g, 1);
	assert_int_equal(reg32(g, 1, VGPU_REG_MBOX_STATUS), 0);
	assert_int_equal(reg32(g, 0, FN(1, MBOX_STATUS)), 0);
	assert_int_equal(reg32(g, 1, VGPU_REG_MBOX_TX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_TEST(a_vf_sends_and_the_pf_acknowledges),
		GPU_TEST(the_pf_sends_and_the_vf_acknowledges),
		GPU_TEST(acknowledging_nothing_is_nothing),
		GPU_TEST(a_message_under_way_cannot_be_changed),
		GPU_TEST(both_directions_are_independent),
		GPU_TEST(each_vf_has_a_mailbox_of_its_own),
		GPU_TEST(a_closed_function_can_still_ask),
		GPU_TEST(flr_empties_the_mailbox),
	};

	return gpu_main("mailbox", tests);
}

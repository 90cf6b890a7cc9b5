// SPDX-License-Identifier: GPL-2.0-only
/* PCI identity, capabilities, SR-IOV. */
#include "gpu.h"

#include <linux/pci_regs.h>

#define BAR_REGS	(PCI_BASE_ADDRESS_0 + 4 * VGPU_BAR_REGS)
#define BAR_VRAM	(PCI_BASE_ADDRESS_0 + 4 * VGPU_BAR_VRAM)

static void pf_identity(void **state)
{
	struct gpu *g = *state;
	const struct pci_function *pf = &g->fn[0].pci;

	assert_int_equal(pci_read16(pf, PCI_VENDOR_ID), VGPU_PCI_VENDOR);
	assert_int_equal(pci_read16(pf, PCI_DEVICE_ID), VGPU_PCI_DEVICE_PF);
	assert_int_equal(pci_read16(pf, PCI_CLASS_DEVICE), VGPU_PCI_CLASS);
}

static void vf_identity(void **state)
{
	struct gpu *g = *state;

	/* The SR-IOV capability tells a VF's device id, not the VF itself. */
	assert_int_equal(pci_read16(&g->fn[0].pci, g->sriov + PCI_SRIOV_VF_DID),
			 VGPU_PCI_DEVICE_VF);
	assert_int_equal(pci_read32(&g->fn[1].pci, PCI_VENDOR_ID), 0xffffffff);
	assert_int_equal(pci_read16(&g->fn[1].pci, PCI_CLASS_DEVICE), VGPU_PCI_CLASS);
}

static void check_capabilities(struct gpu *g, unsigned int f, unsigned int vectors)
{
	const struct pci_function *fn = &g->fn[f].pci;
	unsigned int msix = pci_capability(fn, PCI_CAP_ID_MSIX);

	assert_int_not_equal(fn->express, 0);
	assert_true(pci_read32(fn, fn->express + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR);
	assert_int_not_equal(pci_extended(fn, PCI_EXT_CAP_ID_ARI), 0);
	assert_int_not_equal(msix, 0);
	assert_int_equal((pci_read16(fn, msix + PCI_MSIX_FLAGS) &
			  PCI_MSIX_FLAGS_QSIZE) + 1, vectors);
	assert_int_equal(pci_read32(fn, msix + PCI_MSIX_TABLE),
			 VGPU_BAR_MSIX_TABLE | VGPU_BAR_REGS);
	assert_int_equal(pci_read32(fn, msix + PCI_MSIX_PBA),
			 VGPU_BAR_MSIX_PBA | VGPU_BAR_REGS);
}

static void every_function_has_flr_ari_and_msix(void **state)
{
	struct gpu *g = *state;
	unsigned int f;

	for (f = 1; f <= g->vfs; f++)
		check_capabilities(g, f, 1 + g->rings);
	check_capabilities(g, 0, 1 + g->rings + 1);
}

static void bars_are_64_bit_and_of_the_specified_size(void **state)
{
	struct gpu *g = *state;
	const struct pci_function *pf = &g->fn[0].pci;
	const uint32_t type = PCI_BASE_ADDRESS_MEM_TYPE_64;
	const uint32_t prefetch = type | PCI_BASE_ADDRESS_MEM_PREFETCH;

	assert_int_equal(pci_read32(pf, BAR_REGS) & 0xf, type);
	assert_int_equal(pci_read32(pf, BAR_VRAM) & 0xf, prefetch);
	assert_int_equal(pci_read32(pf, g->sriov + PCI_SRIOV_BAR +
				    4 * VGPU_BAR_REGS) & 0xf, prefetch);
	assert_int_equal(pci_read32(pf, g->sriov + PCI_SRIOV_BAR +
				    4 * VGPU_BAR_VRAM) & 0xf, prefetch);
	assert_int_equal(pci_bar_size(pf, BAR_REGS), VGPU_PF_BAR_BYTES);
	assert_int_equal(pci_bar_size(pf, g->sriov + PCI_SRIOV_BAR +
				      4 * VGPU_BAR_REGS), VGPU_VF_BAR_BYTES);
	assert_true(pci_bar_size(pf, BAR_VRAM) >= reg64(g, 0, VGPU_PF_VRAM_TOTAL));
}

/* VFs up to @vfs are there, none beyond. */
static void check_presence(struct gpu *g, unsigned int vfs)
{
	const struct pci_function *pf = &g->fn[0].pci;
	unsigned int offset = pci_read16(pf, g->sriov + PCI_SRIOV_VF_OFFSET);
	unsigned int stride = pci_read16(pf, g->sriov + PCI_SRIOV_VF_STRIDE);
	unsigned int f;

	for (f = 1; f <= g->total; f++) {
		struct pci_function vf = pci_at(g->qt, GPU_BUS, offset + (f - 1) * stride);

		assert_int_equal(pci_read16(&vf, PCI_HEADER_TYPE) != 0xffff, f <= vfs);
	}
}

static void check_number(struct gpu *g, unsigned int f)
{
	assert_int_equal(reg32(g, f, VGPU_REG_ID), VGPU_ID_VALUE);
	assert_int_equal(reg32(g, f, VGPU_REG_FUNCTION), f);
}

/* And each of them answers with its own number. */
static void check_vfs(struct gpu *g, unsigned int vfs)
{
	unsigned int f;

	check_presence(g, vfs);
	for (f = 1; f <= vfs; f++)
		check_number(g, f);
}

static void every_number_of_vfs_can_be_enabled(void **state)
{
	struct gpu *g = *state;
	unsigned int vfs;

	assert_int_equal(reg32(g, 0, VGPU_PF_FUNCTIONS), 1 + g->total);
	for (vfs = 0; vfs <= g->total; vfs++) {
		gpu_sriov(g, vfs);
		check_vfs(g, vfs);
		gpu_sriov(g, 0);
		check_vfs(g, 0);
	}
}

static void more_vfs_than_there_are_cannot_be_enabled(void **state)
{
	struct gpu *g = *state;
	const struct pci_function *pf = &g->fn[0].pci;

	pci_write16(pf, g->sriov + PCI_SRIOV_NUM_VF, g->total + 1);
	pci_write16(pf, g->sriov + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_ARI |
		    PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	check_vfs(g, 0);
	pci_write16(pf, g->sriov + PCI_SRIOV_CTRL, 0);
	gpu_sriov(g, g->total);
	check_vfs(g, g->total);
}

static void the_format_has_room_for_255_vfs(void **state)
{
	static const unsigned int some[] = { 1, 2, 63, 64, 127, 128, 254, 255 };
	struct gpu *g = gpu_start(",vfs=255", false);
	struct stream s;
	unsigned int i;
	uint64_t done;

	*state = g;
	assert_int_equal(reg32(g, 0, VGPU_PF_FUNCTIONS), VGPU_MAX_FUNCTIONS);
	gpu_queue(g, 10);
	gpu_sriov_only(g, 255);
	check_presence(g, 255);
	for (i = 0; i < ARRAY_SIZE(some); i++) {
		gpu_pci_enable(g, some[i]);
		check_number(g, some[i]);
	}

	/* The last one works: range and image where only one VF has its own. */
	set64(g, 0, VGPU_PF_FN(255) + VGPU_PF_FN_VRAM_BASE, GPU_RANGE(1));
	set64(g, 0, VGPU_PF_FN(255) + VGPU_PF_FN_VRAM_SIZE, GPU_RANGE_SIZE);
	set64(g, 0, VGPU_PF_FN(255) + VGPU_PF_FN_IMAGE, GPU_IMAGE(1));
	set32(g, 0, VGPU_PF_FN(255) + VGPU_PF_FN_CTRL, VGPU_PF_FN_CTRL_OPEN);
	gpu_cmd(g, VGPU_CMD_INIT, 255);
	gpu_event(g, INITIALISED, 255);
	done = gpu_alloc(g, 8);
	s = gpu_ring(g, 255, 0);
	put_fence(&s, SYSTEM(done), 255);
	ring_kick(&s);
	gpu_next(g, 255, 6 * MS);
	gpu_await(g, done, 255);
}

static void a_vf_answers_only_with_memory_decoding_on(void **state)
{
	struct gpu *g = *state;

	pci_command(&g->fn[2].pci, 0);
	assert_int_not_equal(reg32(g, 2, VGPU_REG_ID), VGPU_ID_VALUE);
	assert_int_equal(reg32(g, 1, VGPU_REG_ID), VGPU_ID_VALUE);
	pci_command(&g->fn[2].pci, PCI_COMMAND_MEMORY);
	assert_int_equal(reg32(g, 2, VGPU_REG_ID), VGPU_ID_VALUE);
}

static void disabling_takes_running_vfs_away(void **state)
{
	struct gpu *g = *state;
	unsigned int f;

	gpu_busy(g, 1, 20 * US);
	gpu_busy(g, 2, 20 * US);
	gpu_run(g, 1);
	gpu_next(g, 2, 6 * MS);
	gpu_sriov(g, 0);
	gpu_step(g, 10 * MS);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_false(gpu_armed(g));

	/* What comes back is as after reset. */
	gpu_sriov(g, GPU_FIXTURE_VFS);
	check_vfs(g, GPU_FIXTURE_VFS);
	for (f = 1; f <= g->vfs; f++) {
		assert_int_equal(reg64(g, f, VGPU_REG_GPU_TIME), 0);
		assert_int_equal(reg32(g, f, VGPU_REG_RING(0) + VGPU_RING_CTRL), 0);
		assert_int_equal(reg32(g, f, VGPU_REG_STATUS), 0);
		assert_int_equal(gpu_world(g, f), VGPU_WORLD_NONE);
	}
}

static void flr_of_the_pf_disables_the_vfs(void **state)
{
	struct gpu *g = *state;

	gpu_busy(g, 1, 20 * US);
	gpu_run(g, 1);
	pci_flr(&g->fn[0].pci);
	check_vfs(g, 0);
	assert_int_equal(pci_read16(&g->fn[0].pci, g->sriov + PCI_SRIOV_CTRL) &
			 PCI_SRIOV_CTRL_VFE, 0);
}

/* Everything of the GPU is as at power-on, but its clock. */
static void check_reset(struct gpu *g, uint64_t before)
{
	gpu_pci_restore(g);
	check_vfs(g, 0);
	assert_true(gpu_now(g) >= before);
	assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
	assert_int_equal(reg32(g, 0, VGPU_PF_EVQ_CTRL), 0);
	assert_int_equal(reg32(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_CTRL), 0);
	assert_int_equal(reg64(g, 0, VGPU_PF_FN(1) + VGPU_PF_FN_VRAM_SIZE), 0);
	gpu_queue(g, 10);
	gpu_sriov(g, 1);
	gpu_open(g, 1);
	gpu_busy(g, 1, 20 * US);
	gpu_run(g, 1);
}

static void flr_of_the_pf_resets_everything(void **state)
{
	struct gpu *g = *state;
	uint64_t now = gpu_now(g);

	gpu_busy(g, 1, 20 * US);
	gpu_run(g, 1);
	gpu_next(g, 2, MS);
	pci_flr(&g->fn[0].pci);
	check_reset(g, now);
}

static void a_bus_reset_resets_everything(void **state)
{
	struct gpu *g = *state;
	uint64_t now = gpu_now(g);

	gpu_busy(g, 1, 20 * US);
	gpu_run(g, 1);
	pci_write16(&g->port, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET);
	pci_write16(&g->port, PCI_BRIDGE_CONTROL, 0);
	check_reset(g, now);
}

static void a_reset_in_every_state_of_the_engine_empties_it(void **state)
{
	struct gpu *g = *state;
	unsigned int engine;

	for (engine = VGPU_ENGINE_EMPTY; engine <= VGPU_ENGINE_RESETTING; engine++) {
		gpu_busy(g, 1, 20 * US);
		gpu_enter(g, engine, 20 * US);
		pci_flr(&g->fn[0].pci);
		gpu_pci_restore(g);
		gpu_step(g, 10 * MS);
		assert_int_equal(gpu_engine(g), VGPU_ENGINE_EMPTY);
		gpu_queue(g, 10);
		gpu_sriov(g, 1);
		gpu_open(g, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GPU_BARE_TEST(pf_identity),
		GPU_TEST(vf_identity),
		GPU_TEST(every_function_has_flr_ari_and_msix),
		GPU_BARE_TEST(bars_are_64_bit_and_of_the_specified_size),
		GPU_BARE_TEST(every_number_of_vfs_can_be_enabled),
		GPU_BARE_TEST(more_vfs_than_there_are_cannot_be_enabled),
		GPU_OWN_TEST(the_format_has_room_for_255_vfs),
		GPU_TEST(a_vf_answers_only_with_memory_decoding_on),
		GPU_TEST(disabling_takes_running_vfs_away),
		GPU_TEST(flr_of_the_pf_disables_the_vfs),
		GPU_TEST(flr_of_the_pf_resets_everything),
		GPU_TEST(a_bus_reset_resets_everything),
		GPU_TEST(a_reset_in_every_state_of_the_engine_empties_it),
	};

	return gpu_main("sriov", tests);
}

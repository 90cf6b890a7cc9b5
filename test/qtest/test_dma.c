// SPDX-License-Identifier: GPL-2.0-only
/*
 * System memory: reached as the function itself, through the IOMMU, or not at
 * all.
 */
#include "iommu.h"

#include <linux/pci_regs.h>

/* Four VFs behind the IOMMU, three of them with memory. */
static int setup_iommu(void **state)
{
	struct gpu *g = gpu_start(",vfs=8", true);
	unsigned int f;

	*state = g;
	gpu_queue(g, 10);
	gpu_sriov(g, 4);
	iommu_start(g, 3);
	for (f = 1; f <= g->vfs; f++)
		gpu_open(g, f);
	return 0;
}

/* A ring at IOVA of function @f, which stores @f to IOVA + 64 KiB. */
static struct stream ring_behind_iommu(struct gpu *g, unsigned int f)
{
	struct stream s = {
		.g = g, .memory = IOVA_MEMORY(f), .size = 4096, .function = f,
	};

	set64(g, f, ring_reg(&s, VGPU_RING_BASE), SYSTEM(IOVA));
	set32(g, f, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	put_fill(&s, SYSTEM(IOVA + 64 * KIB), 4, f);
	put_fence_interrupt(&s, SYSTEM(IOVA + 128 * KIB), f);
	return s;
}

static void the_engine_uses_the_requester_id_of_the_function(void **state)
{
	struct gpu *g = *state;
	unsigned int f;

	for (f = 1; f <= 3; f++) {
		struct stream s = ring_behind_iommu(g, f);

		ring_kick(&s);
	}
	for (f = 1; f <= 3; f++) {
		gpu_run(g, f);
		gpu_await(g, IOVA_MEMORY(f) + 128 * KIB, f);
		gpu_stop(g, f);
	}
	for (f = 1; f <= 3; f++)
		assert_int_equal(qtest_read32(g->qt, IOVA_MEMORY(f) + 64 * KIB), f);
	assert_int_equal(qtest_read32(g->qt, IOVA + 64 * KIB), 0);
}

static void interrupts_use_the_requester_id_of_the_function(void **state)
{
	struct gpu *g = *state;
	unsigned int f;

	for (f = 1; f <= 2; f++) {
		struct stream s = ring_behind_iommu(g, f);
		uint64_t entry = g->fn[f].regs + VGPU_BAR_MSIX_TABLE +
				 VGPU_VECTOR_RING(0) * PCI_MSIX_ENTRY_SIZE;

		pci_msix_enable(&g->fn[f].pci);
		qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_LOWER_ADDR,
			      IOVA + 256 * KIB);
		qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_UPPER_ADDR, 0);
		qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_DATA, 0x100 + f);
		qtest_write32(g->qt, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
		ring_kick(&s);
		gpu_run(g, f);
		gpu_await(g, IOVA_MEMORY(f) + 128 * KIB, f);
		gpu_stop(g, f);
		assert_int_equal(qtest_read32(g->qt, IOVA_MEMORY(f) + 256 * KIB), 0x100 + f);
	}
}

static void check_fault(const struct stream *s, const struct vgpu_event *e,
			unsigned int opcode, unsigned int access, uint64_t addr)
{
	uint32_t fault = VGPU_FIELD_PREP(VGPU_RING_FAULT_CODE, VGPU_FAULT_DMA) |
			 VGPU_FIELD_PREP(VGPU_RING_FAULT_OPCODE, opcode) |
			 VGPU_FIELD_PREP(VGPU_RING_FAULT_ACCESS, access);

	assert_int_equal(e->info, fault);
	assert_int_equal(e->deadline, addr);
	assert_int_equal(ring_state(s), VGPU_RING_HALTED);
}

static void a_function_without_a_mapping_faults(void **state)
{
	struct gpu *g = *state;
	struct stream s = ring_behind_iommu(g, 4);
	struct vgpu_event e;

	ring_kick(&s);
	gpu_run(g, 4);
	e = gpu_event(g, FAULT, 4);
	check_fault(&s, &e, 0, VGPU_ACCESS_EXECUTE, SYSTEM(IOVA));
}

static void an_address_beyond_the_mapping_faults(void **state)
{
	struct gpu *g = *state;
	struct stream s = ring_behind_iommu(g, 1);
	struct vgpu_event e;

	put_copy(&s, SYSTEM(IOVA), SYSTEM(IOVA + IOVA_BYTES), 64);
	ring_kick(&s);
	gpu_run(g, 1);
	e = gpu_event(g, FAULT, 1);
	check_fault(&s, &e, VGPU_OP_COPY, VGPU_ACCESS_READ, SYSTEM(IOVA + IOVA_BYTES));
	/* What came before is done. */
	assert_int_equal(qtest_read64(g->qt, IOVA_MEMORY(1) + 128 * KIB), 1);
}

static void without_bus_master_everything_in_system_memory_faults(void **state)
{
	struct gpu *g = *state;
	struct stream s = gpu_ring(g, 1, 0);
	struct vgpu_event e;

	put_nop(&s, 1);
	ring_kick(&s);
	pci_command(&g->fn[1].pci, PCI_COMMAND_MEMORY);
	gpu_run(g, 1);
	e = gpu_event(g, FAULT, 1);
	check_fault(&s, &e, 0, VGPU_ACCESS_EXECUTE, SYSTEM(s.memory));

	/* With it, the ring goes on where it was. */
	gpu_pci_enable(g, 1);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL),
	      VGPU_RING_CTRL_ENABLE | VGPU_RING_CTRL_RESUME);
	gpu_step(g, 100 * US);
	assert_int_equal(ring_state(&s), VGPU_RING_IDLE);
}

static void without_bus_master_vram_still_works(void **state)
{
	struct gpu *g = *state;
	struct stream s = {
		.g = g, .memory = g->fn[1].vram, .size = 4096, .function = 1,
	};
	uint64_t done = g->fn[1].vram + 64 * KIB;
	uint64_t system = gpu_alloc(g, 8);
	struct vgpu_event e;

	set64(g, 1, ring_reg(&s, VGPU_RING_BASE), 0);
	set32(g, 1, ring_reg(&s, VGPU_RING_CTRL), VGPU_RING_CTRL_ENABLE);
	put_fence(&s, 64 * KIB, 42);
	put_fence(&s, SYSTEM(system), 42);
	ring_kick(&s);
	pci_command(&g->fn[1].pci, PCI_COMMAND_MEMORY);
	gpu_run(g, 1);
	e = gpu_event(g, FAULT, 1);
	check_fault(&s, &e, VGPU_OP_FENCE, VGPU_ACCESS_WRITE, SYSTEM(system));
	assert_int_equal(qtest_read64(g->qt, done), 42);
	assert_int_equal(qtest_read64(g->qt, system), 0);
}

int main(void)
{
#define IOMMU_TEST(test) \
	cmocka_unit_test_setup_teardown(test, setup_iommu, gpu_teardown)
	const struct CMUnitTest tests[] = {
		IOMMU_TEST(the_engine_uses_the_requester_id_of_the_function),
		IOMMU_TEST(interrupts_use_the_requester_id_of_the_function),
		IOMMU_TEST(a_function_without_a_mapping_faults),
		IOMMU_TEST(an_address_beyond_the_mapping_faults),
		GPU_TEST(without_bus_master_everything_in_system_memory_faults),
		GPU_TEST(without_bus_master_vram_still_works),
	};

	return gpu_main("dma", tests);
}

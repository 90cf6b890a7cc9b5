/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A driver of the vgpu, as small as tests need it: the machine with the GPU
 * behind a root port, VRAM dealt out in fixed places, the event queue, rings
 * and packets.
 */
#ifndef GPU_H
#define GPU_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <vgpu/events.h>
#include <vgpu/packets.h>
#include <vgpu/regs.h>
#include <vgpu/world.h>

#include "pci.h"

#define KIB		1024ull
#define MIB		(1024 * KIB)
#define US		1000ull
#define MS		(1000 * US)
#define BIT(n)		(1ull << (n))
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* The bus below the root port. */
#define GPU_BUS		1

/* RAM: below GPU_DMA it is nobody's. */
#define GPU_RAM		(256 * MIB)
#define GPU_DMA		(16 * MIB)

/*
 * VRAM: images of worlds, what the PF works with, ranges of the VFs.
 */
#define GPU_VRAM	(64 * MIB)
#define GPU_IMAGE(f)	(1 * MIB + (f) * 64 * KIB)
#define GPU_PF_AREA	(8 * MIB)
#define GPU_RANGE_SIZE	(4 * MIB)
#define GPU_RANGE(f)	((f) ? 12 * MIB + (f) * GPU_RANGE_SIZE : 0)

/* An address in system memory, as packets name it. */
#define SYSTEM(addr)	(VGPU_ADDR_SYSTEM | (addr))

#define EVENT_BIT(type)	BIT(VGPU_EVENT_##type)

/**
 * struct gpu_function - one function of the GPU
 * @pci: its configuration space
 * @regs: physical address of BAR 0
 * @vram: physical address of BAR 2
 */
struct gpu_function {
	struct pci_function pci;
	uint64_t regs;
	uint64_t vram;
};

/**
 * struct gpu - the GPU and its driver
 * @qt: machine
 * @port: root port above the GPU
 * @fn: functions; those that are not enabled are zero
 * @sriov: offset of the PF's SR-IOV capability
 * @vfs: VFs that are enabled
 * @total: VFs that can be enabled
 * @rings: of each function
 * @window: bytes of a VF's BAR 2
 * @save: ns to save a world
 * @load: ns to load a world
 * @reset: ns to reset the engine
 * @group: ns of a default work-group
 * @dma: RAM from here on is free
 * @queue: physical address of the event queue
 * @records: its size
 * @taken: sequence number of the last event taken
 * @consumer: where that is stored for the device
 * @quiet: EVENT_BIT() of those events that gpu_event() skips
 */
struct gpu {
	struct qtest *qt;
	struct pci_function port;
	struct gpu_function fn[VGPU_MAX_FUNCTIONS];
	unsigned int sriov;
	unsigned int vfs;
	unsigned int total;
	unsigned int rings;
	uint64_t window;
	uint64_t save;
	uint64_t load;
	uint64_t reset;
	uint64_t group;
	uint64_t dma;
	uint64_t queue;
	uint32_t records;
	uint32_t taken;
	uint64_t consumer;
	uint64_t quiet;
};

/**
 * gpu_start() - machine with a GPU: PCI set up, no VF, no event queue
 * @properties: of the device, "" or ",name=value…"
 * @iommu: with an IOMMU that is still switched off
 */
struct gpu *gpu_start(const char *properties, bool iommu);

/** gpu_sriov_only() - enable @vfs VFs, which still decode no memory */
void gpu_sriov_only(struct gpu *g, unsigned int vfs);

/** gpu_sriov() - enable @vfs VFs, disable all with 0; their memory is decoded */
void gpu_sriov(struct gpu *g, unsigned int vfs);

/** gpu_pci_enable() - let function @f answer and be bus master, as after reset */
void gpu_pci_enable(struct gpu *g, unsigned int f);

/** gpu_pci_restore() - configuration of the PF as gpu_start() left it */
void gpu_pci_restore(struct gpu *g);

/** gpu_queue() - switch the event queue on, with 1 << @log2 records */
void gpu_queue(struct gpu *g, unsigned int log2);

/** gpu_open() - range, fresh image, open: function @f is ready for rings */
void gpu_open(struct gpu *g, unsigned int f);

/** gpu_ready() - VFs 1…@vfs enabled and open, and the event queue on */
struct gpu *gpu_ready(const char *properties, unsigned int vfs);

/*
 * Fixtures: for a test on a machine of its own. The teardown is a test itself:
 * QEMU must have survived.
 */
int gpu_setup_none(void **state);
int gpu_setup_bare(void **state);
int gpu_setup_vfs(void **state);
int gpu_setup_vfs_without_deadline(void **state);
int gpu_teardown(void **state);

#define GPU_TEST(test) \
	cmocka_unit_test_setup_teardown(test, gpu_setup_vfs, gpu_teardown)
#define GPU_BARE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, gpu_setup_bare, gpu_teardown)
/* It starts its machine itself. */
#define GPU_OWN_TEST(test) \
	cmocka_unit_test_setup_teardown(test, gpu_setup_none, gpu_teardown)
#define GPU_SOFTWARE_TEST(test)						\
	cmocka_unit_test_setup_teardown(test,				\
					gpu_setup_vfs_without_deadline,	\
					gpu_teardown)

/** GPU_FIXTURE_VFS - VFs that GPU_TEST() finds open */
#define GPU_FIXTURE_VFS	4

/** gpu_main() - run @tests, print TAP. Return: exit status */
#define gpu_main(name, tests)							\
	(cmocka_set_message_output(CM_OUTPUT_TAP),				\
	 cmocka_run_group_tests_name(name, tests, NULL, NULL) ? 1 : 0)

/**
 * gpu_inject() - inject a fault from outside of the machine
 * @g: GPU
 * @fault: property "inject-…" of the device, without its prefix
 * @value: JSON
 */
void gpu_inject(struct gpu *g, const char *fault, const char *value);

/** gpu_property() - the number that a read-only property of the device holds */
uint64_t gpu_property(struct gpu *g, const char *name);

/* Registers of function @f. */
uint32_t reg32(struct gpu *g, unsigned int f, uint32_t offset);
uint64_t reg64(struct gpu *g, unsigned int f, uint32_t offset);
void set32(struct gpu *g, unsigned int f, uint32_t offset, uint32_t value);
void set64(struct gpu *g, unsigned int f, uint32_t offset, uint64_t value);

/** gpu_alloc() - zeroed, 4 KiB-aligned RAM */
uint64_t gpu_alloc(struct gpu *g, uint64_t bytes);

/**
 * struct area - memory that processor and engine both reach
 * @cpu: physical address
 * @gpu: address in the space of the function that it is for
 */
struct area {
	uint64_t cpu;
	uint64_t gpu;
};

/** gpu_ram() - @bytes of RAM */
struct area gpu_ram(struct gpu *g, uint64_t bytes);
/** gpu_vram() - VRAM of function @f from @offset of its range on */
struct area gpu_vram(struct gpu *g, unsigned int f, uint64_t offset);

/** gpu_now() - the device clock */
uint64_t gpu_now(struct gpu *g);
/** gpu_step() - let @ns pass */
void gpu_step(struct gpu *g, uint64_t ns);
/** gpu_step_to() - let time pass until the device clock is @when */
void gpu_step_to(struct gpu *g, uint64_t when);

/** gpu_engine() - enum vgpu_engine_state */
unsigned int gpu_engine(struct gpu *g);
/** gpu_world() - enum vgpu_world_state of function @f */
unsigned int gpu_world(struct gpu *g, unsigned int f);
/** gpu_armed() - whether NEXT is armed */
bool gpu_armed(struct gpu *g);

/** gpu_cmd() - give a world-switch command */
void gpu_cmd(struct gpu *g, unsigned int code, unsigned int f);
/** gpu_next() - arm NEXT */
void gpu_next(struct gpu *g, unsigned int f, uint64_t quantum);
/** gpu_next_now() - arm NEXT with NOW */
void gpu_next_now(struct gpu *g, unsigned int f, uint64_t quantum);
/** gpu_disarm() - disarm NEXT */
void gpu_disarm(struct gpu *g);

/** gpu_run() - LOAD and RUN @f on the empty engine */
void gpu_run(struct gpu *g, unsigned int f);
/** gpu_stop() - PREEMPT and SAVE @f, which runs */
void gpu_stop(struct gpu *g, unsigned int f);

/**
 * gpu_enter() - single commands until the engine is in a state
 * @g: GPU, its engine empty
 * @state: enum vgpu_engine_state; the world is that of VF 1
 * @group: ns of the groups that VF 1 has to do; it is in the middle of one
 */
void gpu_enter(struct gpu *g, unsigned int state, uint64_t group);

/** gpu_look() - gpu_poll() without gpu_store() */
bool gpu_look(struct gpu *g, struct vgpu_event *event);

/** gpu_store() - tell the device what was taken */
void gpu_store(struct gpu *g);

/**
 * gpu_poll() - take an event if there is one, in the host's byte order, and say so
 *
 * Return: false if the queue is empty.
 */
bool gpu_poll(struct gpu *g, struct vgpu_event *event);

/**
 * gpu_event() - let time pass until the next event, which must be this one
 * @g: GPU
 * @name: kind of event, without its prefix
 * @f: its function
 *
 * Events in &gpu.quiet are skipped, unless they are asked for.
 * Return: struct vgpu_event
 */
#define gpu_event(g, name, f) \
	gpu_event_at(g, VGPU_EVENT_##name, f, __FILE__, __LINE__)

/** gpu_refused() - the next event must say that @command of @f was refused */
#define gpu_refused(g, command, f, refusal) \
	gpu_refused_at(g, command, f, refusal, __FILE__, __LINE__)

/** gpu_silent() - no event (but those in &gpu.quiet) must be in the queue */
#define gpu_silent(g)	gpu_silent_at(g, __FILE__, __LINE__)

struct vgpu_event gpu_event_at(struct gpu *g, unsigned int type, unsigned int f,
			       const char *file, int line);
void gpu_refused_at(struct gpu *g, unsigned int command, unsigned int f,
		    unsigned int refusal, const char *file, int line);
void gpu_silent_at(struct gpu *g, const char *file, int line);

/**
 * gpu_await() - let time pass until the 64 bits at RAM address @addr are @value
 *
 * Fails if that does not come within a second of model time.
 */
#define gpu_await(g, addr, value)	gpu_await_at(g, addr, value, __FILE__, __LINE__)
void gpu_await_at(struct gpu *g, uint64_t addr, uint64_t value,
		  const char *file, int line);

/**
 * gpu_vector() - let interrupt @vector of function @f be a write to RAM
 *
 * Return: the RAM address; 32 bits there become non-zero by the interrupt.
 */
uint64_t gpu_vector(struct gpu *g, unsigned int f, unsigned int vector);
/** gpu_interrupted() - whether that happened since the last time it was asked */
bool gpu_interrupted(struct gpu *g, uint64_t vector);

/**
 * struct stream - where packets are put: a ring or an indirect buffer
 * @g: GPU
 * @memory: physical address
 * @size: bytes; positions wrap around there
 * @tail: position behind the last packet
 * @function: of the ring
 * @ring: its number
 * @context: put into packets
 */
struct stream {
	struct gpu *g;
	uint64_t memory;
	uint64_t size;
	uint64_t tail;
	unsigned int function;
	unsigned int ring;
	uint32_t context;
};

/** gpu_ring() - set up and enable ring @r of function @f, 64 KiB in RAM */
struct stream gpu_ring(struct gpu *g, unsigned int f, unsigned int r);
/** gpu_buffer() - memory for an indirect buffer, in RAM */
struct stream gpu_buffer(struct gpu *g, uint64_t bytes);
/** ring_reg() - offset of register VGPU_RING_* of this ring */
uint32_t ring_reg(const struct stream *s, uint32_t offset);
/** ring_kick() - doorbell for everything that was put */
void ring_kick(struct stream *s);
/**
 * ring_finish() - a fence behind everything that was put, and the doorbell
 *
 * Return: RAM address where 64 bits become 1 by it.
 */
uint64_t ring_finish(struct stream *s);
/** ring_state() - enum vgpu_ring_state */
unsigned int ring_state(const struct stream *s);
/** ring_head() - position of the first packet that has not completed */
uint64_t ring_head(const struct stream *s);

/* A packet at the tail. */
void put(struct stream *s, const void *packet, size_t bytes);
void put_nop(struct stream *s, unsigned int qwords);
void put_fence(struct stream *s, uint64_t addr, uint64_t value);
void put_fence_interrupt(struct stream *s, uint64_t addr, uint64_t value);
void put_wait(struct stream *s, uint64_t addr, uint64_t value);
void put_copy(struct stream *s, uint64_t dst, uint64_t src, uint64_t bytes);
void put_fill(struct stream *s, uint64_t dst, uint64_t bytes, uint32_t value);
void put_timestamp(struct stream *s, uint64_t addr);
void put_indirect(struct stream *s, uint32_t context, uint64_t addr, uint64_t bytes);
void put_dispatch(struct stream *s, const struct vgpu_pkt_dispatch *dispatch);
void put_spin(struct stream *s, uint64_t ns, uint32_t groups, uint64_t counters);
void put_spin_atomic(struct stream *s, uint64_t ns, uint32_t groups,
		     uint64_t counters);

/** gpu_busy() - endless work in ring 0 of @f: groups of @ns */
struct stream gpu_busy(struct gpu *g, unsigned int f, uint64_t ns);

#endif

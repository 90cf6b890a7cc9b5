/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vgpu device model: what its files share.
 *
 *   pci.c       PF and VF as PCI functions: BARs, SR-IOV, resets, properties
 *   regs.c      registers
 *   timeline.c  the one timer: what happens next, in which order
 *   world.c     the world switch
 *   engine.c    rings and packets
 *   kernels.c   what DISPATCH runs
 *   mmu.c       addresses and memory accesses
 *   events.c    the event queue
 *   mailbox.c   messages between VF and PF
 *   inject.c    fault injection and counters, by QOM properties
 *
 * Everything but pci.c and inject.c is independent of how the function is
 * attached. All code runs under the big lock. Times are ns of the device clock.
 */
#ifndef VGPU_DEVICE_H
#define VGPU_DEVICE_H

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/pci/pci_device.h"
#include "vgpu/regs.h"
#include "vgpu/world.h"
#include "vgpu/events.h"
#include "vgpu/packets.h"
#include "vgpu/mmu.h"
#include "costs.h"

#define VGPU_NEVER		UINT64_MAX
/* Longer times are for ever; keeps every sum of two below 2^63. */
#define VGPU_TIME_MAX		(1ull << 61)
#define VGPU_GRANULE		(2ull << 20)
#define VGPU_RING_SIZE_MAX	20
#define VGPU_CONTEXTS_MAX	1024
#define VGPU_MBOX_WORDS		(VGPU_MBOX_BYTES / 4)
#define VGPU_EVENT_TYPES	(VGPU_EVENT_LOST + 1)

struct vgpu_core;

struct vgpu_ring {
	uint64_t base;
	uint64_t head;
	uint64_t tail;
	uint32_t size;			/* log2 of bytes */
	uint32_t epoch;
	bool enabled;
	bool halted;
	bool blocked;			/* at a WAIT, until something wakes it */
	uint32_t fault;
	uint64_t fault_addr;
	uint64_t fault_time;
	/* Progress inside the packet at head; meaningful while on the engine. */
	bool in_indirect;
	uint64_t indirect_offset;
	uint64_t groups_done;
	uint32_t blamed;		/* opcode, for the reset that follows at once */
};

/* What the event queue knows of a function; index: enum vgpu_event_type. */
struct vgpu_told {
	uint64_t posted[VGPU_EVENT_TYPES];	/* record's index, 0: none */
	uint64_t time[VGPU_EVENT_TYPES];	/* of what is remembered */
	uint32_t remembered;			/* bit per type */
	uint32_t fault_rings;			/* of a remembered FAULT */
	bool runnable;				/* last one the driver was told */
	bool truth;				/* what it should be told */
};

/* A translation that was used: a leaf of the tables of @context. */
struct vgpu_tlb_entry {
	uint32_t context;
	uint8_t shift;			/* of the page, 0: none */
	uint64_t page;			/* address >> shift */
	uint64_t pte;
};

#define VGPU_TLB_ENTRIES	256
#define VGPU_TLB_CONTEXTS	16

/* What stays valid until INVALIDATE; direct-mapped. */
struct vgpu_tlb {
	struct vgpu_tlb_entry entry[VGPU_TLB_ENTRIES];
	uint32_t context[VGPU_TLB_CONTEXTS];	/* 0: none */
	struct vgpu_context_desc desc[VGPU_TLB_CONTEXTS];
};

struct vgpu_function {
	struct vgpu_core *core;
	PCIDevice *pci;
	uint16_t number;

	uint64_t ctx_table;
	uint32_t ctx_count;
	struct vgpu_tlb tlb;
	uint32_t clock_high;
	bool clock_latched;
	struct vgpu_ring ring[VGPU_MAX_RINGS];
	uint32_t served;		/* the ring that had the engine last */

	uint32_t mbox_to_pf[VGPU_MBOX_WORDS];
	uint32_t mbox_to_vf[VGPU_MBOX_WORDS];
	bool mbox_to_pf_full;
	bool mbox_to_vf_full;

	/* Owned by the PF driver. */
	bool open;
	bool flr;
	uint64_t preempt_timeout;
	uint64_t vram_base;
	uint64_t vram_size;
	uint64_t image;
	uint32_t doorbell_limit;

	enum vgpu_world_state world;
	uint64_t gpu_time;
	uint64_t gpu_time_flr;		/* gpu_time at the last FLR */

	uint64_t doorbells;
	uint64_t violations;
	uint32_t faults;
	uint32_t hangs;
	uint64_t storm_begin;		/* of the millisecond being counted */
	uint32_t storm_count;

	struct vgpu_told told;
	bool reset_pending;		/* came while the core was busy */
	bool reset_pending_flr;
};

/* A packet as it was fetched, checked. */
struct vgpu_packet {
	union {
		struct vgpu_pkt pkt;
		struct vgpu_pkt_fence fence;
		struct vgpu_pkt_wait wait;
		struct vgpu_pkt_copy copy;
		struct vgpu_pkt_fill fill;
		struct vgpu_pkt_timestamp timestamp;
		struct vgpu_pkt_indirect indirect;
		struct vgpu_pkt_dispatch dispatch;
	};
	unsigned int opcode;
	unsigned int flags;
	uint32_t context;
	uint32_t bytes;
	uint64_t units;			/* groups, chunks, or 1 */
};

/*
 * What the engine is doing: @count units of the packet, each for @cost ns, from
 * @begin. They take effect when they are settled, at the latest at the end.
 */
struct vgpu_work {
	bool active;
	bool hung;			/* injected: will not end */
	bool atomic;			/* no preemption point between the units */
	unsigned int ring;
	uint64_t begin;
	uint64_t cost;
	uint64_t count;
	bool fetched;			/* @packet is that of @ring's position */
	struct vgpu_packet packet;
	uint32_t indirect_bytes;	/* of the INDIRECT around it, 0: none */
	uint32_t *scratch;		/* result of a Mandelbrot group */
};

struct vgpu_switch {
	uint16_t from;
	uint16_t to;
	bool to_lost;
	enum vgpu_leave leave;
	uint64_t quantum;
	uint64_t deadline;
	uint64_t request;
	uint64_t quiesced;
	uint64_t saved;
	uint64_t loaded;
};

struct vgpu_engine {
	enum vgpu_engine_state state;
	uint16_t function;
	bool automatic;			/* @sw is under way, by NEXT */
	bool boundary;			/* QUIESCING, but may finish its ring packet */
	bool reset_answer;		/* RESETTING by command */
	struct vgpu_switch sw;

	bool next_armed;
	bool next_now;
	bool next_boundary;
	uint16_t next_function;
	uint64_t next_quantum;

	uint64_t running_since;
	uint64_t deadline;		/* 0: none */
	bool deadline_passed;
	uint32_t ring_last;
	uint64_t saves;
	struct vgpu_work work;

	/* When what comes next is due, or VGPU_NEVER. */
	uint64_t phase_end;		/* of LOADING, SAVING, RESETTING */
	uint64_t timeout;		/* of QUIESCING */
	uint64_t dispatch;		/* look for work */
};

struct vgpu_event_queue {
	uint64_t base;
	uint64_t consumer;
	uint32_t size;			/* log2 of records */
	bool enabled;
	bool edge;			/* interrupts only where it was empty */
	uint64_t interrupted;		/* the last time */
	uint64_t posted;		/* records since it was enabled */
	uint64_t taken;
	uint32_t lost;
	uint32_t lost_untold;
	uint64_t retry;			/* when to look again */
};

/* What does not change after realize. */
struct vgpu_config {
	uint16_t vfs;
	uint8_t rings;
	bool hw_deadline;
	bool boundary;
	uint32_t save_ns;
	uint32_t load_ns;
	uint32_t reset_ns;
	uint32_t group_ns;
	uint32_t packet_ns;
	uint32_t bandwidth;		/* bytes per us */
	uint32_t op_rate;		/* operations per us */
	uint32_t image_bandwidth;	/* bytes per us, 0: images cost nothing */
	uint32_t context_bytes;
	uint64_t vram_size;
	uint64_t window_size;
};

struct vgpu_inject {
	bool dead;
	bool stuck_save;		/* the next one does not end */
	int32_t never_quiesce;		/* function, or -1 */
	uint32_t lost_interrupts;
	uint32_t strange_switches;
};

struct vgpu_core {
	struct vgpu_config config;
	struct vgpu_inject inject;
	PCIDevice *pf;
	uint8_t *vram;
	QEMUTimer *timer;
	uint64_t armed;			/* what the timer is set to */
	int64_t clock_base;
	uint64_t time;			/* of the last thing that happened */
	bool busy;			/* inside, perhaps in a DMA */
	bool gone;			/* unrealized */
	bool reset_pending;		/* came while busy: of functions, or of all */
	bool core_reset_pending;
	unsigned int functions;
	struct vgpu_function *fn;
	struct vgpu_engine engine;
	struct vgpu_event_queue evq;
	uint64_t mmio_reads;
	uint64_t mmio_writes;
};

/* An access that failed. */
struct vgpu_access_fault {
	enum vgpu_fault code;
	enum vgpu_access access;
	uint32_t context;
	uint64_t addr;
};

static inline struct vgpu_function *vgpu_on_engine(struct vgpu_core *core)
{
	return core->engine.function < core->functions ?
	       &core->fn[core->engine.function] : NULL;
}

static inline bool vgpu_is_open(const struct vgpu_function *fn)
{
	return fn->open && !fn->flr;
}

/* Bytes of VRAM that @fn can reach: none if its range leaves VRAM. */
static inline uint64_t vgpu_vram_bytes(const struct vgpu_function *fn)
{
	uint64_t total = fn->core->config.vram_size;

	return fn->vram_base <= total && fn->vram_size <= total - fn->vram_base ?
	       fn->vram_size : 0;
}

/* pci.c */
void vgpu_pci_interrupt(struct vgpu_function *fn, unsigned int vector);
void vgpu_pci_window_changed(struct vgpu_function *fn);

/* regs.c */
uint64_t vgpu_reg_read(struct vgpu_function *fn, hwaddr offset, unsigned int size);
void vgpu_reg_write(struct vgpu_function *fn, hwaddr offset, uint64_t value,
		    unsigned int size);

/* timeline.c */
void vgpu_core_init(struct vgpu_core *core);
void vgpu_core_exit(struct vgpu_core *core);
void vgpu_core_reset(struct vgpu_core *core);
uint64_t vgpu_core_enter(struct vgpu_core *core);
void vgpu_core_leave(struct vgpu_core *core);
void vgpu_function_init(struct vgpu_core *core, unsigned int number, PCIDevice *pci);
void vgpu_function_reset(struct vgpu_function *fn, bool flr);

/* world.c */
void vgpu_world_reset_all(struct vgpu_core *core);
void vgpu_world_command(struct vgpu_core *core, uint32_t value, uint64_t now);
void vgpu_world_next(struct vgpu_core *core, uint64_t value, uint64_t now);
void vgpu_world_take(struct vgpu_core *core, uint64_t now);
void vgpu_world_quiesced(struct vgpu_core *core, uint64_t now);
void vgpu_world_phase_end(struct vgpu_core *core, uint64_t now);
void vgpu_world_deadline(struct vgpu_core *core, uint64_t now);
void vgpu_world_timeout(struct vgpu_core *core, uint64_t now);
void vgpu_world_gone(struct vgpu_function *fn, uint64_t now, bool flr);
uint64_t vgpu_world_gpu_time(struct vgpu_function *fn, uint64_t now);
uint64_t vgpu_world_save_cost(struct vgpu_core *core);
uint64_t vgpu_world_load_cost(struct vgpu_core *core);
bool vgpu_world_image_valid(struct vgpu_function *fn);

/* engine.c */
bool vgpu_ring_ready(const struct vgpu_ring *ring);
bool vgpu_engine_runnable(struct vgpu_function *fn);
enum vgpu_ring_state vgpu_ring_state(struct vgpu_function *fn, unsigned int r);
void vgpu_ring_control(struct vgpu_function *fn, unsigned int r, uint32_t value,
		       uint64_t now);
void vgpu_ring_set_head(struct vgpu_function *fn, unsigned int r, uint64_t value);
void vgpu_ring_doorbell(struct vgpu_function *fn, unsigned int r, uint64_t tail,
			uint64_t now);
void vgpu_ring_drop_progress(struct vgpu_ring *ring);
enum vgpu_fault vgpu_aligned(uint64_t addr, unsigned int to, enum vgpu_access access,
			     struct vgpu_access_fault *fault);
void vgpu_engine_kick(struct vgpu_function *fn, uint64_t now);
void vgpu_engine_closed(struct vgpu_function *fn, uint64_t now);
void vgpu_engine_dispatch(struct vgpu_core *core, uint64_t now);
bool vgpu_engine_under_way(struct vgpu_core *core);
uint64_t vgpu_engine_work_end(const struct vgpu_core *core);
unsigned int vgpu_engine_work_done(struct vgpu_core *core, uint64_t now);
void vgpu_engine_stall(struct vgpu_core *core, uint64_t until);
void vgpu_engine_stop_work(struct vgpu_core *core, uint64_t now);
void vgpu_engine_finish_packet(struct vgpu_core *core, uint64_t now);
void vgpu_engine_blame(struct vgpu_core *core);
void vgpu_engine_drop_work(struct vgpu_core *core, uint64_t now, bool settle);
void vgpu_engine_lose(struct vgpu_function *fn, uint64_t now);

/* kernels.c */
enum vgpu_fault vgpu_kernel_check(const struct vgpu_pkt_dispatch *pkt, uint64_t *groups,
				  struct vgpu_access_fault *fault);
uint64_t vgpu_kernel_prepare(struct vgpu_function *fn, struct vgpu_work *work,
			     uint64_t group, uint64_t *count);
uint64_t vgpu_kernel_run(struct vgpu_function *fn, struct vgpu_work *work,
			 uint64_t group, uint64_t count,
			 struct vgpu_access_fault *fault);
uint64_t vgpu_cost(struct vgpu_core *core, uint64_t ops, uint64_t bytes);
unsigned int vgpu_kernel_effort(const struct vgpu_packet *packet, uint64_t cost);

/* mmu.c */
void vgpu_tlb_invalidate(struct vgpu_function *fn, uint32_t context);
enum vgpu_fault vgpu_context_check(struct vgpu_function *fn, uint32_t context,
				   struct vgpu_access_fault *fault);
bool vgpu_mem_check(struct vgpu_function *fn, uint32_t context, uint64_t addr,
		    uint64_t len, enum vgpu_access access,
		    struct vgpu_access_fault *fault);
bool vgpu_mem_read(struct vgpu_function *fn, uint32_t context, uint64_t addr,
		   void *data, uint64_t len, enum vgpu_access access,
		   struct vgpu_access_fault *fault);
bool vgpu_mem_write(struct vgpu_function *fn, uint32_t context, uint64_t addr,
		    const void *data, uint64_t len, struct vgpu_access_fault *fault);
bool vgpu_dma(struct vgpu_function *fn, uint64_t addr, void *data, uint64_t len,
	      bool write);

/* events.c */
void vgpu_event_answer(struct vgpu_core *core, enum vgpu_event_type type,
		       uint16_t function, uint32_t info, uint32_t detail,
		       const struct vgpu_switch *sw, uint64_t running);
void vgpu_event_raise(struct vgpu_function *fn, enum vgpu_event_type type, uint64_t now);
void vgpu_event_fault(struct vgpu_function *fn, unsigned int r, uint64_t now);
void vgpu_event_runnable(struct vgpu_function *fn, uint64_t now);
void vgpu_event_told_idle(struct vgpu_function *fn);
void vgpu_event_forget(struct vgpu_function *fn);
void vgpu_event_enable(struct vgpu_core *core, bool enable, uint64_t now);
uint32_t vgpu_event_posted(const struct vgpu_core *core);
void vgpu_event_retry(struct vgpu_core *core, uint64_t now);

/* mailbox.c */
void vgpu_mbox_vf_control(struct vgpu_function *fn, uint32_t value, uint64_t now);
void vgpu_mbox_pf_control(struct vgpu_function *fn, uint32_t value);
uint32_t vgpu_mbox_vf_status(struct vgpu_function *fn);
uint32_t vgpu_mbox_pf_status(struct vgpu_function *fn);
void vgpu_mbox_reset(struct vgpu_function *fn);

/* inject.c */
void vgpu_inject_properties(ObjectClass *klass);
void vgpu_inject_ecc_property(ObjectClass *klass);
struct vgpu_core *vgpu_pci_core(Object *obj);

#endif

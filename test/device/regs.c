// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers, as tables: offset, width, how to read and how to write.
 *
 * A block is an array of register tables, e.g. that of the rings. What an access
 * of 32 bits to a register of 64 means is decided here, once for all of them.
 */
#include "device.h"
#include "trace.h"

#define WO	NULL
#define RO	NULL

/* @fn: whose register; @i: which ring, or which word of an array. */
struct reg {
	uint32_t offset;
	uint8_t width;
	uint8_t words;			/* of an array of 32-bit registers, else 0 */
	bool only64;			/* halves cannot be written */
	uint64_t (*read)(struct vgpu_function *fn, unsigned int i);
	void (*write)(struct vgpu_function *fn, unsigned int i, uint64_t value);
};

static uint64_t now(struct vgpu_function *fn)
{
	return fn->core->time;
}

/* ------------------------------------------------------------- function block */

static uint64_t read_id(struct vgpu_function *fn, unsigned int i)
{
	return VGPU_ID_VALUE;
}

static uint64_t read_revision(struct vgpu_function *fn, unsigned int i)
{
	return VGPU_FIELD_PREP(VGPU_REVISION_MAJOR, 1u);
}

static uint64_t read_function(struct vgpu_function *fn, unsigned int i)
{
	return fn->number;
}

static uint64_t read_caps(struct vgpu_function *fn, unsigned int i)
{
	return VGPU_CAPS_MMU | VGPU_CAPS_SPARSE |
	       (fn->number == VGPU_FUNCTION_PF ? VGPU_CAPS_PF : 0);
}

static uint64_t read_limits(struct vgpu_function *fn, unsigned int i)
{
	return VGPU_FIELD_PREP(VGPU_LIMITS_RINGS, (uint32_t)fn->core->config.rings) |
	       VGPU_FIELD_PREP(VGPU_LIMITS_RING_SIZE, (uint32_t)VGPU_RING_SIZE_MAX) |
	       VGPU_FIELD_PREP(VGPU_LIMITS_CONTEXTS, (uint32_t)VGPU_CONTEXTS_MAX);
}

static uint64_t read_status(struct vgpu_function *fn, unsigned int i)
{
	uint32_t status = (vgpu_is_open(fn) ? VGPU_STATUS_OPEN : 0) |
			  (fn->flr ? VGPU_STATUS_FLR : 0);
	unsigned int r;

	for (r = 0; r < fn->core->config.rings; r++)
		if (vgpu_ring_state(fn, r) == VGPU_RING_HALTED)
			status |= VGPU_STATUS_HALTED;
	return status;
}

static uint64_t read_vram_bytes(struct vgpu_function *fn, unsigned int i)
{
	return vgpu_vram_bytes(fn);
}

static uint64_t read_window_size(struct vgpu_function *fn, unsigned int i)
{
	uint64_t bytes = vgpu_vram_bytes(fn);

	return fn->number == VGPU_FUNCTION_PF ? bytes :
						MIN(bytes, fn->core->config.window_size);
}

static uint64_t read_clock(struct vgpu_function *fn, unsigned int i)
{
	return now(fn);
}

static uint64_t read_gpu_time(struct vgpu_function *fn, unsigned int i)
{
	return vgpu_world_gpu_time(fn, now(fn)) - fn->gpu_time_flr;
}

static uint64_t read_ctx_table(struct vgpu_function *fn, unsigned int i)
{
	return fn->ctx_table;
}

static void write_ctx_table(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	fn->ctx_table = value & VGPU_TABLE_ADDR_MASK;
}

static uint64_t read_ctx_count(struct vgpu_function *fn, unsigned int i)
{
	return fn->ctx_count;
}

static void write_ctx_count(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	fn->ctx_count = MIN(value, VGPU_CONTEXTS_MAX);
}

static void write_invalidate(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	vgpu_tlb_invalidate(fn, value);
}

static uint64_t read_served(struct vgpu_function *fn, unsigned int i)
{
	return fn->served;
}

static uint64_t read_vf_mbox_tx(struct vgpu_function *fn, unsigned int i)
{
	return fn->mbox_to_pf[i];
}

static void write_vf_mbox_tx(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (fn->number != VGPU_FUNCTION_PF && !fn->mbox_to_pf_full)
		fn->mbox_to_pf[i] = value;
}

static uint64_t read_vf_mbox_rx(struct vgpu_function *fn, unsigned int i)
{
	return fn->mbox_to_vf_full ? fn->mbox_to_vf[i] : 0;
}

static void write_vf_mbox_ctrl(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	vgpu_mbox_vf_control(fn, value, now(fn));
}

static uint64_t read_vf_mbox_status(struct vgpu_function *fn, unsigned int i)
{
	return vgpu_mbox_vf_status(fn);
}

static const struct reg function_regs[] = {
	{ VGPU_REG_ID, 4, 0, false, read_id, RO },
	{ VGPU_REG_REVISION, 4, 0, false, read_revision, RO },
	{ VGPU_REG_FUNCTION, 4, 0, false, read_function, RO },
	{ VGPU_REG_CAPS, 4, 0, false, read_caps, RO },
	{ VGPU_REG_LIMITS, 4, 0, false, read_limits, RO },
	{ VGPU_REG_STATUS, 4, 0, false, read_status, RO },
	{ VGPU_REG_VRAM_SIZE, 8, 0, false, read_vram_bytes, RO },
	{ VGPU_REG_WINDOW_SIZE, 8, 0, false, read_window_size, RO },
	{ VGPU_REG_CLOCK, 8, 0, false, read_clock, RO },
	{ VGPU_REG_GPU_TIME, 8, 0, false, read_gpu_time, RO },
	{ VGPU_REG_CTX_TABLE, 8, 0, false, read_ctx_table, write_ctx_table },
	{ VGPU_REG_CTX_COUNT, 4, 0, false, read_ctx_count, write_ctx_count },
	{ VGPU_REG_INVALIDATE, 4, 0, false, WO, write_invalidate },
	{ VGPU_REG_SERVED, 4, 0, false, read_served, RO },
	{ VGPU_REG_MBOX_TX, 4, VGPU_MBOX_WORDS, false, read_vf_mbox_tx, write_vf_mbox_tx },
	{ VGPU_REG_MBOX_RX, 4, VGPU_MBOX_WORDS, false, read_vf_mbox_rx, RO },
	{ VGPU_REG_MBOX_CTRL, 4, 0, false, WO, write_vf_mbox_ctrl },
	{ VGPU_REG_MBOX_STATUS, 4, 0, false, read_vf_mbox_status, RO },
	{ }
};

/* ---------------------------------------------------------------------- rings */

static uint64_t read_ring_base(struct vgpu_function *fn, unsigned int i)
{
	return fn->ring[i].base;
}

static void write_ring_base(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (!fn->ring[i].enabled)
		fn->ring[i].base = value & VGPU_TABLE_ADDR_MASK;
}

static uint64_t read_ring_size(struct vgpu_function *fn, unsigned int i)
{
	return fn->ring[i].size;
}

static void write_ring_size(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (!fn->ring[i].enabled)
		fn->ring[i].size = MAX(MIN(value, VGPU_RING_SIZE_MAX), VGPU_RING_SIZE_MIN);
}

static uint64_t read_ring_ctrl(struct vgpu_function *fn, unsigned int i)
{
	return fn->ring[i].enabled ? VGPU_RING_CTRL_ENABLE : 0;
}

static void write_ring_ctrl(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	vgpu_ring_control(fn, i, value, now(fn));
}

static uint64_t read_ring_head(struct vgpu_function *fn, unsigned int i)
{
	return fn->ring[i].head;
}

static void write_ring_head(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	vgpu_ring_set_head(fn, i, value & ~7ull);
}

static uint64_t read_ring_tail(struct vgpu_function *fn, unsigned int i)
{
	return fn->ring[i].tail;
}

static uint64_t read_ring_status(struct vgpu_function *fn, unsigned int i)
{
	return vgpu_ring_state(fn, i);
}

static uint64_t read_ring_fault(struct vgpu_function *fn, unsigned int i)
{
	return fn->ring[i].fault;
}

static uint64_t read_ring_fault_addr(struct vgpu_function *fn, unsigned int i)
{
	return fn->ring[i].fault_addr;
}

static void write_doorbell(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	vgpu_ring_doorbell(fn, i, value, now(fn));
}

static const struct reg ring_regs[] = {
	{ VGPU_RING_BASE, 8, 0, false, read_ring_base, write_ring_base },
	{ VGPU_RING_SIZE, 4, 0, false, read_ring_size, write_ring_size },
	{ VGPU_RING_CTRL, 4, 0, false, read_ring_ctrl, write_ring_ctrl },
	{ VGPU_RING_HEAD, 8, 0, false, read_ring_head, write_ring_head },
	{ VGPU_RING_TAIL, 8, 0, false, read_ring_tail, RO },
	{ VGPU_RING_STATUS, 4, 0, false, read_ring_status, RO },
	{ VGPU_RING_FAULT, 4, 0, false, read_ring_fault, RO },
	{ VGPU_RING_FAULT_ADDR, 8, 0, false, read_ring_fault_addr, RO },
	{ }
};

static const struct reg doorbell_regs[] = {
	{ 0, 8, 0, true, WO, write_doorbell },
	{ }
};

/* ------------------------------------------------------------------- PF block */

static uint64_t read_functions(struct vgpu_function *fn, unsigned int i)
{
	return fn->core->functions;
}

static uint64_t read_pf_caps(struct vgpu_function *fn, unsigned int i)
{
	const struct vgpu_config *config = &fn->core->config;

	return (config->hw_deadline ? VGPU_PF_CAPS_DEADLINE : 0) |
	       (config->boundary ? VGPU_PF_CAPS_BOUNDARY : 0);
}

static uint64_t read_vram_total(struct vgpu_function *fn, unsigned int i)
{
	return fn->core->config.vram_size;
}

static uint64_t read_vram_granule(struct vgpu_function *fn, unsigned int i)
{
	return VGPU_GRANULE;
}

static uint64_t read_image_bytes(struct vgpu_function *fn, unsigned int i)
{
	return fn->core->config.context_bytes;
}

static uint64_t read_cost_save(struct vgpu_function *fn, unsigned int i)
{
	return MIN(vgpu_world_save_cost(fn->core), UINT32_MAX);
}

static uint64_t read_cost_load(struct vgpu_function *fn, unsigned int i)
{
	return MIN(vgpu_world_load_cost(fn->core), UINT32_MAX);
}

static uint64_t read_cost_reset(struct vgpu_function *fn, unsigned int i)
{
	return fn->core->config.reset_ns;
}

static uint64_t read_cost_group(struct vgpu_function *fn, unsigned int i)
{
	return fn->core->config.group_ns;
}

static void write_cmd(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	vgpu_world_command(fn->core, value, now(fn));
}

static void write_next(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (fn->core->config.hw_deadline)
		vgpu_world_next(fn->core, value, now(fn));
}

static uint64_t read_engine(struct vgpu_function *fn, unsigned int i)
{
	struct vgpu_engine *engine = &fn->core->engine;

	return VGPU_FIELD_PREP(VGPU_PF_ENGINE_FUNCTION, (uint32_t)engine->function) |
	       VGPU_FIELD_PREP(VGPU_PF_ENGINE_STATE, (uint32_t)engine->state) |
	       (engine->next_armed ? VGPU_PF_ENGINE_ARMED : 0);
}

static uint64_t read_evq_base(struct vgpu_function *fn, unsigned int i)
{
	return fn->core->evq.base;
}

static void write_evq_base(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (!fn->core->evq.enabled)
		fn->core->evq.base = value & VGPU_EVQ_BASE_MASK;
}

static uint64_t read_evq_size(struct vgpu_function *fn, unsigned int i)
{
	return fn->core->evq.size;
}

static void write_evq_size(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (!fn->core->evq.enabled)
		fn->core->evq.size = MAX(MIN(value, VGPU_EVQ_SIZE_MAX), VGPU_EVQ_SIZE_MIN);
}

static uint64_t read_evq_ctrl(struct vgpu_function *fn, unsigned int i)
{
	const struct vgpu_event_queue *q = &fn->core->evq;

	return (q->enabled ? VGPU_EVQ_CTRL_ENABLE : 0) | (q->edge ? VGPU_EVQ_CTRL_EDGE : 0);
}

static void write_evq_ctrl(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	fn->core->evq.edge = value & VGPU_EVQ_CTRL_EDGE;
	vgpu_event_enable(fn->core, value & VGPU_EVQ_CTRL_ENABLE, now(fn));
}

static uint64_t read_evq_consumer(struct vgpu_function *fn, unsigned int i)
{
	return fn->core->evq.consumer;
}

static void write_evq_consumer(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (!fn->core->evq.enabled)
		fn->core->evq.consumer = value & VGPU_EVQ_CONSUMER_MASK;
}

static uint64_t read_evq_posted(struct vgpu_function *fn, unsigned int i)
{
	return vgpu_event_posted(fn->core);
}

static uint64_t read_evq_lost(struct vgpu_function *fn, unsigned int i)
{
	return fn->core->evq.lost;
}

static const struct reg pf_regs[] = {
	{ VGPU_PF_FUNCTIONS, 4, 0, false, read_functions, RO },
	{ VGPU_PF_CAPS, 4, 0, false, read_pf_caps, RO },
	{ VGPU_PF_VRAM_TOTAL, 8, 0, false, read_vram_total, RO },
	{ VGPU_PF_VRAM_GRANULE, 4, 0, false, read_vram_granule, RO },
	{ VGPU_PF_IMAGE_BYTES, 4, 0, false, read_image_bytes, RO },
	{ VGPU_PF_COST_SAVE, 4, 0, false, read_cost_save, RO },
	{ VGPU_PF_COST_LOAD, 4, 0, false, read_cost_load, RO },
	{ VGPU_PF_COST_RESET, 4, 0, false, read_cost_reset, RO },
	{ VGPU_PF_COST_GROUP, 4, 0, false, read_cost_group, RO },
	{ VGPU_PF_CMD, 4, 0, false, WO, write_cmd },
	{ VGPU_PF_NEXT, 8, 0, true, WO, write_next },
	{ VGPU_PF_ENGINE, 4, 0, false, read_engine, RO },
	{ VGPU_PF_EVQ_BASE, 8, 0, false, read_evq_base, write_evq_base },
	{ VGPU_PF_EVQ_SIZE, 4, 0, false, read_evq_size, write_evq_size },
	{ VGPU_PF_EVQ_CTRL, 4, 0, false, read_evq_ctrl, write_evq_ctrl },
	{ VGPU_PF_EVQ_CONSUMER, 8, 0, false, read_evq_consumer, write_evq_consumer },
	{ VGPU_PF_EVQ_POSTED, 4, 0, false, read_evq_posted, RO },
	{ VGPU_PF_EVQ_LOST, 4, 0, false, read_evq_lost, RO },
	{ }
};

/* --------------------------------------------- the PF's view of each function */

static uint64_t read_fn_ctrl(struct vgpu_function *fn, unsigned int i)
{
	return fn->open ? VGPU_PF_FN_CTRL_OPEN : 0;
}

static void write_fn_ctrl(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	bool open = value & VGPU_PF_FN_CTRL_OPEN;

	if (open == fn->open)
		return;
	fn->open = open;
	if (open)
		vgpu_engine_kick(fn, now(fn));
	else
		vgpu_engine_closed(fn, now(fn));
}

static uint64_t read_fn_status(struct vgpu_function *fn, unsigned int i)
{
	return VGPU_FIELD_PREP(VGPU_PF_FN_STATUS_WORLD, (uint32_t)fn->world) |
	       (vgpu_engine_runnable(fn) ? VGPU_PF_FN_STATUS_RUNNABLE : 0) |
	       (fn->flr ? VGPU_PF_FN_STATUS_FLR : 0) |
	       (vgpu_vram_bytes(fn) ? 0 : VGPU_PF_FN_STATUS_RANGE);
}

static uint64_t read_fn_timeout(struct vgpu_function *fn, unsigned int i)
{
	return fn->preempt_timeout;
}

static void write_fn_timeout(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	fn->preempt_timeout = value;
}

static uint64_t read_fn_vram_base(struct vgpu_function *fn, unsigned int i)
{
	return fn->vram_base;
}

static void write_fn_vram_base(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (fn->number == VGPU_FUNCTION_PF)
		return;
	fn->vram_base = value & ~(VGPU_GRANULE - 1);
	vgpu_pci_window_changed(fn);
}

static uint64_t read_fn_vram_size(struct vgpu_function *fn, unsigned int i)
{
	return fn->vram_size;
}

static void write_fn_vram_size(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (fn->number == VGPU_FUNCTION_PF)
		return;
	fn->vram_size = value & ~(VGPU_GRANULE - 1);
	vgpu_pci_window_changed(fn);
}

static uint64_t read_fn_image(struct vgpu_function *fn, unsigned int i)
{
	return fn->image;
}

static void write_fn_image(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	fn->image = value & ~4095ull;
}

static uint64_t read_fn_gpu_time(struct vgpu_function *fn, unsigned int i)
{
	return vgpu_world_gpu_time(fn, now(fn));
}

static void write_fn_flr_ack(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (!(value & 1) || !fn->flr)
		return;
	fn->flr = false;
	vgpu_engine_kick(fn, now(fn));
}

static void write_fn_mbox_ctrl(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	vgpu_mbox_pf_control(fn, value);
}

static uint64_t read_fn_mbox_status(struct vgpu_function *fn, unsigned int i)
{
	return vgpu_mbox_pf_status(fn);
}

static uint64_t read_fn_doorbell_limit(struct vgpu_function *fn, unsigned int i)
{
	return fn->doorbell_limit;
}

static void write_fn_doorbell_limit(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	fn->doorbell_limit = value;
}

static uint64_t read_fn_doorbells(struct vgpu_function *fn, unsigned int i)
{
	return fn->doorbells;
}

static uint64_t read_fn_violations(struct vgpu_function *fn, unsigned int i)
{
	return fn->violations;
}

static uint64_t read_fn_faults(struct vgpu_function *fn, unsigned int i)
{
	return fn->faults;
}

static uint64_t read_fn_hangs(struct vgpu_function *fn, unsigned int i)
{
	return fn->hangs;
}

static uint64_t read_fn_mbox_rx(struct vgpu_function *fn, unsigned int i)
{
	return fn->mbox_to_pf_full ? fn->mbox_to_pf[i] : 0;
}

static uint64_t read_fn_mbox_tx(struct vgpu_function *fn, unsigned int i)
{
	return fn->mbox_to_vf[i];
}

static void write_fn_mbox_tx(struct vgpu_function *fn, unsigned int i, uint64_t value)
{
	if (fn->number != VGPU_FUNCTION_PF && !fn->mbox_to_vf_full)
		fn->mbox_to_vf[i] = value;
}

static const struct reg fn_regs[] = {
	{ VGPU_PF_FN_CTRL, 4, 0, false, read_fn_ctrl, write_fn_ctrl },
	{ VGPU_PF_FN_STATUS, 4, 0, false, read_fn_status, RO },
	{ VGPU_PF_FN_PREEMPT_TIMEOUT, 8, 0, false, read_fn_timeout, write_fn_timeout },
	{ VGPU_PF_FN_VRAM_BASE, 8, 0, false, read_fn_vram_base, write_fn_vram_base },
	{ VGPU_PF_FN_VRAM_SIZE, 8, 0, false, read_fn_vram_size, write_fn_vram_size },
	{ VGPU_PF_FN_IMAGE, 8, 0, false, read_fn_image, write_fn_image },
	{ VGPU_PF_FN_GPU_TIME, 8, 0, false, read_fn_gpu_time, RO },
	{ VGPU_PF_FN_FLR_ACK, 4, 0, false, WO, write_fn_flr_ack },
	{ VGPU_PF_FN_MBOX_CTRL, 4, 0, false, WO, write_fn_mbox_ctrl },
	{ VGPU_PF_FN_MBOX_STATUS, 4, 0, false, read_fn_mbox_status, RO },
	{ VGPU_PF_FN_DOORBELL_LIMIT, 4, 0, false, read_fn_doorbell_limit,
	  write_fn_doorbell_limit },
	{ VGPU_PF_FN_DOORBELLS, 8, 0, false, read_fn_doorbells, RO },
	{ VGPU_PF_FN_VIOLATIONS, 8, 0, false, read_fn_violations, RO },
	{ VGPU_PF_FN_FAULTS, 4, 0, false, read_fn_faults, RO },
	{ VGPU_PF_FN_HANGS, 4, 0, false, read_fn_hangs, RO },
	{ VGPU_PF_FN_MBOX_RX, 4, VGPU_MBOX_WORDS, false, read_fn_mbox_rx, RO },
	{ VGPU_PF_FN_MBOX_TX, 4, VGPU_MBOX_WORDS, false, read_fn_mbox_tx, write_fn_mbox_tx },
	{ }
};

/* ------------------------------------------------------------------- accesses */

/* A register, whose it is, and where in it the access is. */
struct place {
	const struct reg *reg;
	struct vgpu_function *fn;
	unsigned int i;
	unsigned int shift;		/* 32 in the upper half */
};

static bool in_table(const struct reg *table, hwaddr offset, unsigned int size,
		     struct place *at)
{
	const struct reg *reg;

	for (reg = table; reg->width; reg++) {
		uint64_t bytes = reg->words ? reg->words * 4 : reg->width;

		if (offset < reg->offset || offset >= reg->offset + bytes)
			continue;
		if (size > reg->width || offset % size)
			return false;
		at->reg = reg;
		if (reg->words)
			at->i = (offset - reg->offset) / 4;
		else
			at->shift = (offset - reg->offset) * 8;
		return true;
	}
	return false;
}

/* The tables repeat at @base every @stride, @count times; @i says which. */
static bool in_array(const struct reg *table, hwaddr base, hwaddr stride, unsigned int count,
		     hwaddr offset, unsigned int size, struct place *at, unsigned int *i)
{
	if (offset < base || offset >= base + stride * count)
		return false;
	*i = (offset - base) / stride;
	return in_table(table, (offset - base) % stride, size, at);
}

static bool find(struct vgpu_function *fn, hwaddr offset, unsigned int size, struct place *at)
{
	struct vgpu_core *core = fn->core;
	unsigned int f;

	*at = (struct place){ .fn = fn };
	if (size != 4 && size != 8)
		return false;
	if (in_table(function_regs, offset, size, at) ||
	    in_array(ring_regs, VGPU_REG_RING(0), VGPU_REG_RING(1) - VGPU_REG_RING(0),
		     core->config.rings, offset, size, at, &at->i) ||
	    in_array(doorbell_regs, VGPU_REG_DOORBELL(0),
		     VGPU_REG_DOORBELL(1) - VGPU_REG_DOORBELL(0), core->config.rings, offset,
		     size, at, &at->i))
		return true;
	if (fn->number != VGPU_FUNCTION_PF)
		return false;
	if (in_table(pf_regs, offset, size, at))
		return true;
	if (!in_array(fn_regs, VGPU_PF_FN(0), VGPU_PF_FN(1) - VGPU_PF_FN(0), core->functions,
		      offset, size, at, &f))
		return false;
	at->fn = &core->fn[f];
	return true;
}

/* Reading the clock by halves: the low one keeps the high one for later. */
static uint64_t latch_clock(struct vgpu_function *fn, unsigned int shift, uint64_t value)
{
	if (!shift) {
		fn->clock_high = value >> 32;
		fn->clock_latched = true;
	} else if (fn->clock_latched) {
		fn->clock_latched = false;
		return (uint64_t)fn->clock_high << 32;
	}
	return value;
}

uint64_t vgpu_reg_read(struct vgpu_function *fn, hwaddr offset, unsigned int size)
{
	struct place at;
	uint64_t value;

	if (!find(fn, offset, size, &at) || !at.reg->read)
		return 0;
	value = at.reg->read(at.fn, at.i);
	if (size == 8 || at.reg->width == 4)
		return value;
	if (at.reg->read == read_clock)
		value = latch_clock(fn, at.shift, value);
	return (uint32_t)(value >> at.shift);
}

/* Every doorbell counts, whatever it is worth. */
static void count_doorbell(struct vgpu_function *fn)
{
	fn->doorbells++;
	if (now(fn) - fn->storm_begin >= 1000000) {
		fn->storm_begin = now(fn);
		fn->storm_count = 0;
	}
	if (fn->storm_count <= fn->doorbell_limit)
		fn->storm_count++;
	else
		return;
	if (fn->doorbell_limit && fn->storm_count == fn->doorbell_limit + 1ull)
		vgpu_event_raise(fn, VGPU_EVENT_STORM, now(fn));
}

void vgpu_reg_write(struct vgpu_function *fn, hwaddr offset, uint64_t value,
		    unsigned int size)
{
	struct place at;

	if (!find(fn, offset, size, &at) || !at.reg->write || (at.reg->only64 && size != 8))
		return;
	if (size == 4 && at.reg->width == 8) {
		uint64_t half = 0xffffffffull << at.shift;

		value = (at.reg->read(at.fn, at.i) & ~half) | (value << at.shift & half);
	}
	if (at.reg->write == write_doorbell)
		count_doorbell(fn);
	at.reg->write(at.fn, at.i, value);
}

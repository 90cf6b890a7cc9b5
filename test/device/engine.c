// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The engine: rings, packets, preemption points.
 *
 * The engine works on one unit at a time: a packet, a work-group of DISPATCH or
 * a chunk of COPY and FILL; or on a batch of groups of the same cost. Progress
 * inside a packet is ring.groups_done and moves when a unit has taken effect,
 * never before, so that what is saved is exactly what is done.
 *
 * dispatch -> begin -> (work_done -> begin)* -> complete -> dispatch
 *
 * A request to leave shortens a batch to the group that is being worked on. If the
 * world may finish its ring packet it is not shortened, and dispatch goes on until
 * nothing of that packet is left that could be done.
 */
#include "device.h"
#include "trace.h"

/* -------------------------------------------------------------------- rings */

static bool in_flight(const struct vgpu_function *fn, unsigned int r)
{
	const struct vgpu_engine *engine = &fn->core->engine;

	return engine->work.active && engine->function == fn->number &&
	       engine->work.ring == r;
}

bool vgpu_ring_ready(const struct vgpu_ring *ring)
{
	return ring->enabled && !ring->halted && !ring->blocked && ring->head != ring->tail;
}

bool vgpu_engine_runnable(struct vgpu_function *fn)
{
	unsigned int r;

	if (!vgpu_is_open(fn))
		return false;
	for (r = 0; r < fn->core->config.rings; r++)
		if (vgpu_ring_ready(&fn->ring[r]))
			return true;
	return false;
}

enum vgpu_ring_state vgpu_ring_state(struct vgpu_function *fn, unsigned int r)
{
	struct vgpu_ring *ring = &fn->ring[r];

	if (!ring->enabled)
		return in_flight(fn, r) ? VGPU_RING_STOPPING : VGPU_RING_DISABLED;
	if (ring->halted)
		return VGPU_RING_HALTED;
	if (ring->head == ring->tail)
		return VGPU_RING_IDLE;
	return ring->blocked ? VGPU_RING_BLOCKED : VGPU_RING_ACTIVE;
}

void vgpu_ring_drop_progress(struct vgpu_ring *ring)
{
	ring->in_indirect = false;
	ring->indirect_offset = 0;
	ring->groups_done = 0;
	ring->blamed = 0;
}

/* The packet at HEAD begins anew, wherever its progress is kept. */
static void begin_anew(struct vgpu_function *fn, unsigned int r)
{
	struct vgpu_work *work = &fn->core->engine.work;

	fn->ring[r].epoch++;
	fn->ring[r].blocked = false;
	vgpu_ring_drop_progress(&fn->ring[r]);
	if (vgpu_on_engine(fn->core) == fn && work->ring == r)
		work->fetched = false;
}

static void clear_fault(struct vgpu_ring *ring)
{
	ring->halted = false;
	ring->fault = 0;
	ring->fault_addr = 0;
}

static void halt(struct vgpu_function *fn, unsigned int r, uint32_t fault, uint64_t addr,
		 uint64_t now)
{
	struct vgpu_ring *ring = &fn->ring[r];

	trace_vgpu_engine_fault(now, fn->number, r, fault, addr);
	ring->halted = true;
	ring->blocked = false;
	ring->fault = fault;
	ring->fault_addr = addr;
	ring->fault_time = now;
	vgpu_ring_drop_progress(ring);
	vgpu_pci_interrupt(fn, VGPU_VECTOR_FUNCTION);
}

static void ring_fault(struct vgpu_function *fn, unsigned int r, unsigned int opcode,
		       const struct vgpu_access_fault *fault, uint64_t now)
{
	fn->faults++;
	halt(fn, r, VGPU_FIELD_PREP(VGPU_RING_FAULT_CODE, (uint32_t)fault->code) |
		    VGPU_FIELD_PREP(VGPU_RING_FAULT_OPCODE, (uint32_t)opcode) |
		    VGPU_FIELD_PREP(VGPU_RING_FAULT_ACCESS, (uint32_t)fault->access) |
		    VGPU_FIELD_PREP(VGPU_RING_FAULT_CONTEXT, MIN(fault->context, 0xffff)),
	     fault->addr, now);
	vgpu_event_fault(fn, r, now);
}

/* The world is lost, and with it the work that its rings had begun or not yet. */
void vgpu_engine_lose(struct vgpu_function *fn, uint64_t now)
{
	unsigned int r;

	for (r = 0; r < fn->core->config.rings; r++) {
		struct vgpu_ring *ring = &fn->ring[r];
		uint32_t blamed = VGPU_FIELD_PREP(VGPU_RING_FAULT_OPCODE, ring->blamed);

		vgpu_ring_drop_progress(ring);
		if (ring->enabled && !ring->halted && ring->head != ring->tail)
			halt(fn, r, VGPU_FAULT_RESET | blamed, 0, now);
	}
}

/* ------------------------------------------------------------------- packets */

static const struct {
	uint32_t bytes;
	uint32_t ring_flags;		/* allowed in rings; none elsewhere */
} shapes[] = {
	[VGPU_OP_NOP]		= { sizeof(struct vgpu_pkt), 0 },
	[VGPU_OP_FENCE]		= { sizeof(struct vgpu_pkt_fence), VGPU_FENCE_INTERRUPT },
	[VGPU_OP_WAIT]		= { sizeof(struct vgpu_pkt_wait), 0 },
	[VGPU_OP_COPY]		= { sizeof(struct vgpu_pkt_copy), 0 },
	[VGPU_OP_FILL]		= { sizeof(struct vgpu_pkt_fill), 0 },
	[VGPU_OP_TIMESTAMP]	= { sizeof(struct vgpu_pkt_timestamp), 0 },
	[VGPU_OP_INDIRECT]	= { sizeof(struct vgpu_pkt_indirect), 0 },
	[VGPU_OP_DISPATCH]	= { sizeof(struct vgpu_pkt_dispatch), 0 },
};

/* Where a packet is fetched from. */
struct source {
	struct vgpu_function *fn;
	const struct vgpu_ring *ring;	/* NULL: an indirect buffer */
	uint32_t context;
	uint64_t position;		/* in the ring, or address */
	uint64_t available;
	unsigned int opcode;		/* to blame if nothing can be fetched */
};

static bool fetch(const struct source *from, void *data, uint64_t offset, uint64_t bytes,
		  struct vgpu_access_fault *fault)
{
	uint64_t at = from->position + offset, size, first;

	if (!from->ring)
		return vgpu_mem_read(from->fn, from->context, at, data, bytes,
				     VGPU_ACCESS_EXECUTE, fault);
	size = 1ull << from->ring->size;
	at &= size - 1;
	first = MIN(bytes, size - at);
	return vgpu_mem_read(from->fn, VGPU_CONTEXT_FUNCTION, from->ring->base + at, data,
			     first, VGPU_ACCESS_EXECUTE, fault) &&
	       vgpu_mem_read(from->fn, VGPU_CONTEXT_FUNCTION, from->ring->base,
			     (uint8_t *)data + first, bytes - first, VGPU_ACCESS_EXECUTE,
			     fault);
}

static bool overlap(uint64_t a, uint64_t b, uint64_t bytes)
{
	return bytes && (a > b ? a - b : b - a) < bytes;
}

/* Notes what is wrong with an address of a packet: not aligned to @to. */
enum vgpu_fault vgpu_aligned(uint64_t addr, unsigned int to, enum vgpu_access access,
			     struct vgpu_access_fault *fault)
{
	if (!(addr % to))
		return VGPU_FAULT_NONE;
	fault->addr = addr;
	fault->access = access;
	return VGPU_FAULT_ALIGNMENT;
}

static enum vgpu_fault check_bytes(uint64_t bytes, uint64_t *units)
{
	*units = MAX(DIV_ROUND_UP(bytes, VGPU_CHUNK_BYTES), 1);
	if (bytes % 4)
		return VGPU_FAULT_ALIGNMENT;
	return bytes >> 32 ? VGPU_FAULT_LENGTH : VGPU_FAULT_NONE;
}

static enum vgpu_fault check_copy(struct vgpu_packet *p, struct vgpu_access_fault *fault)
{
	uint64_t dst = le64_to_cpu(p->copy.dst), src = le64_to_cpu(p->copy.src);
	uint64_t bytes = le64_to_cpu(p->copy.bytes);
	enum vgpu_fault code;

	code = vgpu_aligned(dst, 4, VGPU_ACCESS_WRITE, fault) ?:
	       vgpu_aligned(src, 4, VGPU_ACCESS_READ, fault) ?:
	       check_bytes(bytes, &p->units);
	if (code || !overlap(dst, src, bytes))
		return code;
	fault->addr = dst;
	fault->access = VGPU_ACCESS_WRITE;
	return VGPU_FAULT_ADDRESS;
}

static enum vgpu_fault check_body(struct vgpu_packet *p, struct vgpu_access_fault *fault)
{
	uint64_t bytes;

	switch (p->opcode) {
	case VGPU_OP_FENCE:
		return vgpu_aligned(le64_to_cpu(p->fence.addr), 8, VGPU_ACCESS_WRITE, fault);
	case VGPU_OP_WAIT:
		return vgpu_aligned(le64_to_cpu(p->wait.addr), 8, VGPU_ACCESS_READ, fault);
	case VGPU_OP_TIMESTAMP:
		return vgpu_aligned(le64_to_cpu(p->timestamp.addr), 8, VGPU_ACCESS_WRITE,
				    fault);
	case VGPU_OP_COPY:
		return check_copy(p, fault);
	case VGPU_OP_FILL:
		if (p->fill.reserved)
			return VGPU_FAULT_FLAGS;
		return vgpu_aligned(le64_to_cpu(p->fill.dst), 4, VGPU_ACCESS_WRITE, fault) ?:
		       check_bytes(le64_to_cpu(p->fill.bytes), &p->units);
	case VGPU_OP_INDIRECT:
		bytes = le64_to_cpu(p->indirect.bytes);
		return vgpu_aligned(le64_to_cpu(p->indirect.addr), 8, VGPU_ACCESS_EXECUTE,
				    fault) ?:
		       bytes % 8 ? VGPU_FAULT_ALIGNMENT :
		       bytes > VGPU_INDIRECT_MAX ? VGPU_FAULT_LENGTH : VGPU_FAULT_NONE;
	case VGPU_OP_DISPATCH:
		return vgpu_kernel_check(&p->dispatch, &p->units, fault);
	default:
		return VGPU_FAULT_NONE;
	}
}

/* Which of the header's rules is broken, if any. Sets the packet's length. */
static enum vgpu_fault check_header(const struct source *from, struct vgpu_packet *p)
{
	uint32_t header = le32_to_cpu(p->pkt.header);
	bool nop;

	p->opcode = VGPU_FIELD_GET(VGPU_PKT_OPCODE, header);
	p->flags = VGPU_FIELD_GET(VGPU_PKT_FLAGS, header);
	p->bytes = VGPU_FIELD_GET(VGPU_PKT_QWORDS, header) * 8;
	p->context = le32_to_cpu(p->pkt.context);
	p->units = 1;
	nop = p->opcode == VGPU_OP_NOP;
	if (p->opcode >= ARRAY_SIZE(shapes) || !shapes[p->opcode].bytes ||
	    (p->opcode == VGPU_OP_INDIRECT && !from->ring))
		return VGPU_FAULT_OPCODE;
	if (!p->bytes || (!nop && p->bytes != shapes[p->opcode].bytes) ||
	    p->bytes > from->available)
		return VGPU_FAULT_LENGTH;
	if (p->flags & ~(from->ring ? shapes[p->opcode].ring_flags : 0))
		return VGPU_FAULT_FLAGS;
	if (!from->ring && p->context && !nop)
		return VGPU_FAULT_CONTEXT;
	if (!from->ring)
		p->context = from->context;
	return VGPU_FAULT_NONE;
}

/* Fetches and checks a packet. If it is bad, @p->opcode is good for the report. */
static bool fetch_packet(const struct source *from, struct vgpu_packet *p,
			 struct vgpu_access_fault *fault)
{
	enum vgpu_fault code;

	memset(p, 0, sizeof(*p));
	p->opcode = from->opcode;
	if (!fetch(from, &p->pkt, 0, sizeof(p->pkt), fault))
		return false;
	code = check_header(from, p);
	if (code) {
		*fault = (struct vgpu_access_fault){ .code = code, .context = p->context };
		return false;
	}
	if (p->opcode == VGPU_OP_NOP)
		return true;
	if (!fetch(from, &p->pkt + 1, sizeof(p->pkt), p->bytes - sizeof(p->pkt), fault) ||
	    vgpu_context_check(from->fn, p->context, fault))
		return false;
	*fault = (struct vgpu_access_fault){ .context = p->context };
	fault->code = check_body(p, fault);
	return !fault->code;
}

/* Fetches the packet at the ring's position, if need be through its INDIRECT. */
static bool fetch_position(struct vgpu_function *fn, unsigned int r,
			   struct vgpu_access_fault *fault)
{
	struct vgpu_work *work = &fn->core->engine.work;
	struct vgpu_ring *ring = &fn->ring[r];
	struct source from = {
		.fn = fn,
		.ring = ring,
		.position = ring->head,
		.available = ring->tail - ring->head,
	};
	struct vgpu_packet *p = &work->packet;

	if (work->fetched && work->ring == r)
		return true;
	work->ring = r;
	work->indirect_bytes = 0;
	memset(p, 0, sizeof(*p));
	if (from.available > 1ull << ring->size) {
		/* HEAD was written, to a place where nothing is. */
		*fault = (struct vgpu_access_fault){ .code = VGPU_FAULT_DOORBELL };
		return false;
	}
	if (!fetch_packet(&from, p, fault))
		return false;
	if (ring->in_indirect) {
		work->indirect_bytes = p->opcode == VGPU_OP_INDIRECT ?
				       le64_to_cpu(p->indirect.bytes) : 0;
		if (ring->indirect_offset >= work->indirect_bytes) {
			/* The buffer that was being executed is not there any more. */
			*fault = (struct vgpu_access_fault){ .code = VGPU_FAULT_LENGTH };
			return false;
		}
		from = (struct source){
			.fn = fn,
			.context = p->context,
			.position = le64_to_cpu(p->indirect.addr) + ring->indirect_offset,
			.available = work->indirect_bytes - ring->indirect_offset,
			.opcode = VGPU_OP_INDIRECT,
		};
		if (!fetch_packet(&from, p, fault))
			return false;
	}
	if (ring->groups_done >= p->units) {
		*fault = (struct vgpu_access_fault){ .code = VGPU_FAULT_LENGTH };
		return false;
	}
	work->fetched = true;
	return true;
}

/* ------------------------------------------------------------------- effects */

/* Those who wait look again after a fence of their function and at doorbells. */
static void wake_waiting(struct vgpu_function *fn)
{
	unsigned int r;

	for (r = 0; r < fn->core->config.rings; r++)
		fn->ring[r].blocked = false;
}

static bool do_fence(struct vgpu_function *fn, struct vgpu_work *work,
		     struct vgpu_access_fault *fault)
{
	struct vgpu_packet *p = &work->packet;

	if (!vgpu_mem_write(fn, p->context, le64_to_cpu(p->fence.addr), &p->fence.value, 8,
			    fault))
		return false;
	wake_waiting(fn);
	if (p->flags & VGPU_FENCE_INTERRUPT)
		vgpu_pci_interrupt(fn, VGPU_VECTOR_RING(work->ring));
	return true;
}

/* False without a fault: not yet. */
static bool do_wait(struct vgpu_function *fn, struct vgpu_packet *p,
		    struct vgpu_access_fault *fault)
{
	uint64_t value;

	return vgpu_mem_read(fn, p->context, le64_to_cpu(p->wait.addr), &value, 8,
			     VGPU_ACCESS_READ, fault) &&
	       le64_to_cpu(value) >= le64_to_cpu(p->wait.value);
}

static bool do_timestamp(struct vgpu_function *fn, struct vgpu_packet *p, uint64_t now,
			 struct vgpu_access_fault *fault)
{
	struct vgpu_timestamp stamp = {
		.clock = cpu_to_le64(now),
		.gpu_time = cpu_to_le64(vgpu_world_gpu_time(fn, now) - fn->gpu_time_flr),
	};

	return vgpu_mem_write(fn, p->context, le64_to_cpu(p->timestamp.addr), &stamp,
			      sizeof(stamp), fault);
}

static uint64_t chunk_bytes(const struct vgpu_packet *p, uint64_t chunk)
{
	uint64_t bytes = le64_to_cpu(p->opcode == VGPU_OP_COPY ? p->copy.bytes : p->fill.bytes);

	return MIN(bytes - chunk * VGPU_CHUNK_BYTES, VGPU_CHUNK_BYTES);
}

static bool do_chunk(struct vgpu_function *fn, struct vgpu_packet *p, uint64_t chunk,
		     struct vgpu_access_fault *fault)
{
	uint64_t offset = chunk * VGPU_CHUNK_BYTES, bytes = chunk_bytes(p, chunk), i;
	g_autofree uint32_t *data = g_new(uint32_t, VGPU_CHUNK_BYTES / 4);

	if (p->opcode == VGPU_OP_COPY)
		return vgpu_mem_read(fn, p->context, le64_to_cpu(p->copy.src) + offset, data,
				     bytes, VGPU_ACCESS_READ, fault) &&
		       vgpu_mem_write(fn, p->context, le64_to_cpu(p->copy.dst) + offset, data,
				      bytes, fault);
	for (i = 0; i < bytes / 4; i++)
		data[i] = p->fill.value;
	return vgpu_mem_write(fn, p->context, le64_to_cpu(p->fill.dst) + offset, data, bytes,
			      fault);
}

/* Lets @count units take effect; returns how many did. */
static uint64_t execute(struct vgpu_function *fn, struct vgpu_work *work, uint64_t count,
			uint64_t now, struct vgpu_access_fault *fault)
{
	struct vgpu_packet *p = &work->packet;
	uint64_t done = fn->ring[work->ring].groups_done;

	if (!count)
		return 0;
	switch (p->opcode) {
	case VGPU_OP_FENCE:
		return do_fence(fn, work, fault);
	case VGPU_OP_WAIT:
		return do_wait(fn, p, fault);
	case VGPU_OP_TIMESTAMP:
		return do_timestamp(fn, p, now, fault);
	case VGPU_OP_COPY:
	case VGPU_OP_FILL:
		return do_chunk(fn, p, done, fault);
	case VGPU_OP_DISPATCH:
		return vgpu_kernel_run(fn, work, done, count, fault);
	default:
		return 1;
	}
}

/* -------------------------------------------------------------------- progress */

/* All units of the packet have taken effect: the position moves on. */
static void complete(struct vgpu_function *fn, struct vgpu_work *work, uint64_t now)
{
	struct vgpu_ring *ring = &fn->ring[work->ring];
	struct vgpu_packet *p = &work->packet;
	uint64_t bytes = p->bytes;

	work->fetched = false;
	ring->groups_done = 0;
	if (p->opcode == VGPU_OP_INDIRECT && p->indirect.bytes) {
		ring->in_indirect = true;
		ring->indirect_offset = 0;
		return;
	}
	if (ring->in_indirect) {
		ring->indirect_offset += bytes;
		if (ring->indirect_offset < work->indirect_bytes)
			return;
		bytes = sizeof(struct vgpu_pkt_indirect);
	}
	vgpu_ring_drop_progress(ring);
	ring->head += bytes;
	trace_vgpu_engine_complete(now, fn->number, work->ring, ring->head);
}

/* Lets @count units take effect and notes it. */
static void settle(struct vgpu_core *core, uint64_t count, uint64_t now)
{
	struct vgpu_function *fn = vgpu_on_engine(core);
	struct vgpu_work *work = &core->engine.work;
	struct vgpu_ring *ring = &fn->ring[work->ring];
	struct vgpu_access_fault fault = {};
	uint64_t done = execute(fn, work, count, now, &fault);

	ring->groups_done += done;
	if (count)
		core->engine.ring_last = work->ring;
	if (done < count) {
		work->fetched = false;
		if (fault.code)
			ring_fault(fn, work->ring, work->packet.opcode, &fault, now);
		else
			ring->blocked = true;
	} else if (ring->groups_done >= work->packet.units) {
		complete(fn, work, now);
	}
}

uint64_t vgpu_engine_work_end(const struct vgpu_core *core)
{
	const struct vgpu_work *work = &core->engine.work;

	return work->active && !work->hung ? work->begin + work->cost * work->count :
					     VGPU_NEVER;
}

/* The work has a preemption point after the group of this moment: stop there. */
static void shorten(struct vgpu_work *work, uint64_t now)
{
	if (work->active && !work->atomic && now >= work->begin)
		work->count = MIN(work->count, DIV_ROUND_UP(now - work->begin, work->cost));
}

/* Injected: it does not do as it is asked. */
static bool refuses_to_leave(const struct vgpu_core *core)
{
	return core->engine.state == VGPU_ENGINE_QUIESCING &&
	       core->inject.never_quiesce == core->engine.function;
}

/* The world is asked to leave. */
void vgpu_engine_stop_work(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_work *work = &core->engine.work;

	shorten(work, now);
	work->hung = refuses_to_leave(core);
}

/* The world is asked to leave behind the ring packet that is under way. */
void vgpu_engine_finish_packet(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;

	if (engine->work.active)
		engine->work.hung = refuses_to_leave(core);
	else
		engine->dispatch = now;
}

/* Is a ring packet under way that the world on the engine can go on with? */
bool vgpu_engine_under_way(struct vgpu_core *core)
{
	struct vgpu_function *fn = vgpu_on_engine(core);
	const struct vgpu_ring *ring = &fn->ring[core->engine.ring_last];

	if (core->engine.work.active)
		return true;
	return vgpu_is_open(fn) && vgpu_ring_ready(ring) &&
	       (ring->in_indirect || ring->groups_done);
}

/* The world on the engine did not quiesce in time: whose packet was in the way? */
void vgpu_engine_blame(struct vgpu_core *core)
{
	const struct vgpu_work *work = &core->engine.work;

	if (work->active)
		vgpu_on_engine(core)->ring[work->ring].blamed = work->packet.opcode;
}

/* Ends the work at once: the unit of this moment is thrown away. */
void vgpu_engine_drop_work(struct vgpu_core *core, uint64_t now, bool settled)
{
	struct vgpu_work *work = &core->engine.work;
	uint64_t count;

	if (work->active && settled) {
		count = MIN((now - MIN(now, work->begin)) / work->cost, work->count);
		settle(core, count, now);
	}
	work->active = false;
	work->hung = false;
	work->fetched = false;
}

/* The host is too slow: whatever the engine does takes until @until. */
void vgpu_engine_stall(struct vgpu_core *core, uint64_t until)
{
	struct vgpu_engine *engine = &core->engine;
	uint64_t end = vgpu_engine_work_end(core);

	if (end < until) {
		trace_vgpu_engine_stall(core->time, until - end);
		engine->work.begin += until - end;
	}
	if (engine->dispatch < until)
		engine->dispatch = until;
}

static uint64_t prepare(struct vgpu_function *fn, struct vgpu_work *work, uint64_t done,
			uint64_t *count)
{
	const struct vgpu_packet *p = &work->packet;
	struct vgpu_core *core = fn->core;

	*count = 1;
	switch (p->opcode) {
	case VGPU_OP_COPY:
	case VGPU_OP_FILL:
		return vgpu_cost(core, 0, chunk_bytes(p, done));
	case VGPU_OP_DISPATCH:
		*count = p->units - done;
		return vgpu_kernel_prepare(fn, work, done, count);
	default:
		return core->config.packet_ns;
	}
}

/* Begins to work on what is at the position of ring @r; false if it faults. */
static bool begin(struct vgpu_function *fn, unsigned int r, uint64_t now)
{
	struct vgpu_engine *engine = &fn->core->engine;
	struct vgpu_work *work = &engine->work;
	struct vgpu_access_fault fault = {};
	uint64_t done = fn->ring[r].groups_done;

	fn->served = r;
	if (!fetch_position(fn, r, &fault)) {
		work->fetched = false;
		engine->ring_last = r;
		ring_fault(fn, r, work->packet.opcode, &fault, now);
		return false;
	}
	work->cost = prepare(fn, work, done, &work->count);
	work->begin = now;
	work->hung = refuses_to_leave(fn->core);
	work->atomic = work->packet.opcode == VGPU_OP_DISPATCH &&
		       le32_to_cpu(work->packet.dispatch.kernel) == VGPU_KERNEL_SPIN_ATOMIC;
	work->active = true;
	trace_vgpu_engine_unit(now, fn->number, r, work->packet.opcode, done, work->count,
			       work->cost);
	return true;
}

/* A unit, or a batch of them, has come to its end. Returns the host's effort. */
unsigned int vgpu_engine_work_done(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_function *fn = vgpu_on_engine(core);
	struct vgpu_work *work = &engine->work;
	unsigned int effort = vgpu_kernel_effort(&work->packet, work->cost);

	settle(core, work->count, now);
	work->active = false;
	/* A batch is no preemption point if the groups are none. */
	if (work->atomic && work->fetched && begin(fn, work->ring, now))
		return effort;
	if (engine->state == VGPU_ENGINE_QUIESCING && !engine->boundary)
		vgpu_world_quiesced(core, now);
	else
		engine->dispatch = now;
	return effort;
}

/*
 * The ring to serve: the one whose packet is under way, else the next one in
 * turn that has something to do.
 */
static int choose(struct vgpu_function *fn)
{
	unsigned int rings = fn->core->config.rings, i;
	uint32_t last = fn->core->engine.ring_last;
	struct vgpu_ring *ring = &fn->ring[last];

	if (!vgpu_is_open(fn))
		return -1;
	if (vgpu_ring_ready(ring) && (ring->in_indirect || ring->groups_done))
		return last;
	for (i = 1; i <= rings; i++)
		if (vgpu_ring_ready(&fn->ring[(last + i) % rings]))
			return (last + i) % rings;
	return -1;
}

/* The world on the engine looks for work, or else is idle. */
void vgpu_engine_dispatch(struct vgpu_core *core, uint64_t now)
{
	struct vgpu_engine *engine = &core->engine;
	struct vgpu_function *fn = vgpu_on_engine(core);
	int r;

	engine->dispatch = VGPU_NEVER;
	if (engine->boundary) {
		if (!vgpu_engine_under_way(core) || !begin(fn, engine->ring_last, now))
			vgpu_world_quiesced(core, now);
		return;
	}
	if (engine->state != VGPU_ENGINE_RUNNING || engine->work.active)
		return;
	while ((r = choose(fn)) >= 0)
		if (begin(fn, r, now))
			return;
	vgpu_world_take(core, now);
	if (engine->state == VGPU_ENGINE_RUNNING)
		vgpu_event_runnable(fn, now);
}

/* ------------------------------------------------------- what the driver does */

/* Something about @fn has changed that may give it work or take it away. */
void vgpu_engine_kick(struct vgpu_function *fn, uint64_t now)
{
	struct vgpu_engine *engine = &fn->core->engine;
	bool on_engine = engine->function == fn->number;

	if (on_engine && engine->state == VGPU_ENGINE_RUNNING && !engine->work.active)
		engine->dispatch = now;
	/* It is the engine that finds out that nothing is left to do. */
	if (on_engine && (engine->work.active || engine->dispatch == now) &&
	    !vgpu_engine_runnable(fn))
		return;
	vgpu_event_runnable(fn, now);
}

/* The function was closed: nothing new begins after the next preemption point. */
void vgpu_engine_closed(struct vgpu_function *fn, uint64_t now)
{
	if (vgpu_on_engine(fn->core) == fn)
		shorten(&fn->core->engine.work, now);
	vgpu_engine_kick(fn, now);
}

/* Takes the ring's work off the engine, without waiting for a preemption point. */
static void abort_work(struct vgpu_function *fn, unsigned int r, uint64_t now)
{
	struct vgpu_engine *engine = &fn->core->engine;

	if (!in_flight(fn, r))
		return;
	vgpu_engine_drop_work(fn->core, now, true);
	if (engine->state == VGPU_ENGINE_QUIESCING)
		vgpu_world_quiesced(fn->core, now);
}

void vgpu_ring_control(struct vgpu_function *fn, unsigned int r, uint32_t value,
		       uint64_t now)
{
	struct vgpu_ring *ring = &fn->ring[r];
	bool enable = value & VGPU_RING_CTRL_ENABLE;

	if (enable && !ring->enabled) {
		abort_work(fn, r, now);
		clear_fault(ring);
		begin_anew(fn, r);
		ring->tail = ring->head;
		ring->enabled = true;
	} else if (!enable && ring->enabled) {
		ring->enabled = false;
		ring->blocked = false;
		clear_fault(ring);
		if (in_flight(fn, r))
			shorten(&fn->core->engine.work, now);
	} else if (value & VGPU_RING_CTRL_RESUME && ring->halted) {
		clear_fault(ring);
		begin_anew(fn, r);
	}
	vgpu_engine_kick(fn, now);
}

void vgpu_ring_set_head(struct vgpu_function *fn, unsigned int r, uint64_t value)
{
	struct vgpu_ring *ring = &fn->ring[r];

	if ((ring->enabled && !ring->halted) || in_flight(fn, r))
		return;
	ring->head = value;
	begin_anew(fn, r);
}

void vgpu_ring_doorbell(struct vgpu_function *fn, unsigned int r, uint64_t tail,
			uint64_t now)
{
	struct vgpu_ring *ring = &fn->ring[r];
	struct vgpu_access_fault fault = { .code = VGPU_FAULT_DOORBELL };

	trace_vgpu_doorbell(now, fn->number, r, tail);
	if (!vgpu_is_open(fn) || !ring->enabled || ring->halted)
		return;
	if (tail % 8 || tail < ring->tail || tail - ring->head > 1ull << ring->size) {
		abort_work(fn, r, now);
		ring_fault(fn, r, 0, &fault, now);
	} else {
		ring->tail = tail;
		wake_waiting(fn);
	}
	vgpu_engine_kick(fn, now);
}

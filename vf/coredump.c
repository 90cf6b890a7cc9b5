// SPDX-License-Identifier: GPL-2.0-only
/*
 * Core dumps of the GPU: what a job leaves behind that has banned its queue, in
 * /sys/class/devcoredump, as text.
 *
 *   vgpu_vf_coredump_take()               tell()
 *   on the way to signal fences:          may sleep and allocate:
 *   registers and packets are copied ---> formatted, given to the core
 *
 * There is one snapshot, allocated with the device. While it is being told, and
 * while the core has one of this device that nobody has read, what comes is not
 * kept: the first one is what explains the others.
 */
#include <linux/devcoredump.h>
#include <linux/io.h>
#include <linux/seq_buf.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "coredump.h"
#include "device.h"
#include "driver.h"
#include "job.h"
#include "queue.h"
#include "ring.h"
#include "vm.h"

#define PACKETS_BYTES	2048
#define MAPPINGS_NEAR	SZ_1M
#define MAPPINGS_MAX	64
#define TEXT_BYTES	SZ_32K

/**
 * struct ring_state - registers of a ring
 * @ctrl: VGPU_RING_CTRL
 * @status: VGPU_RING_STATUS
 * @head: VGPU_RING_HEAD
 * @tail: VGPU_RING_TAIL
 * @fault: VGPU_RING_FAULT
 * @fault_addr: VGPU_RING_FAULT_ADDR
 */
struct ring_state {
	u32 ctrl;
	u32 status;
	u64 head;
	u64 tail;
	u32 fault;
	u64 fault_addr;
};

/**
 * struct vgpu_vf_coredump - a snapshot
 * @vf: the function
 * @tell: formats it
 * @taken: it is not told yet; nobody else may write it
 * @queue: of the job; a reference
 * @ring: where it ran
 * @error: how it ended
 * @function: VGPU_REG_FUNCTION
 * @clock: VGPU_REG_CLOCK
 * @gpu_time: VGPU_REG_GPU_TIME
 * @status: VGPU_REG_STATUS
 * @context_table: VGPU_REG_CTX_TABLE
 * @context_count: VGPU_REG_CTX_COUNT
 * @rings: registers of all rings
 * @sequence: of the job
 * @begin: position of its first packet
 * @end: position behind its last packet
 * @stamps: what the engine has written while it ran it
 * @command_count: of @commands
 * @commands: indirect buffers and fences of the job
 * @to: position behind the last one of @packets
 * @packets: of the ring, from @begin on
 */
struct vgpu_vf_coredump {
	struct vgpu_vf *vf;
	struct work_struct tell;
	atomic_t taken;
	struct vgpu_vf_queue *queue;
	unsigned int ring;
	int error;
	u32 function;
	u64 clock;
	u64 gpu_time;
	u32 status;
	u64 context_table;
	u32 context_count;
	struct ring_state rings[VGPU_MAX_RINGS];
	u64 sequence;
	u64 begin;
	u64 end;
	struct vgpu_vf_stamps stamps;
	u32 command_count;
	struct vgpu_vf_packet commands[VGPU_VF_JOB_PACKETS];
	u64 to;
	__le64 packets[PACKETS_BYTES / 8];
};

/* ------------------------------------------------------------------------ */
/* The snapshot                                                              */

static void take_registers(struct vgpu_vf_coredump *dump)
{
	struct vgpu_vf *vf = dump->vf;
	struct ring_state *state;
	void __iomem *regs;
	unsigned int i;

	dump->function = readl(vf->regs + VGPU_REG_FUNCTION);
	dump->clock = readq(vf->regs + VGPU_REG_CLOCK);
	dump->gpu_time = readq(vf->regs + VGPU_REG_GPU_TIME);
	dump->status = readl(vf->regs + VGPU_REG_STATUS);
	dump->context_table = readq(vf->regs + VGPU_REG_CTX_TABLE);
	dump->context_count = readl(vf->regs + VGPU_REG_CTX_COUNT);
	for (i = 0; i < vf->ring_count; i++) {
		state = &dump->rings[i];
		regs = vf->rings[i].regs;
		state->ctrl = readl(regs + VGPU_RING_CTRL);
		state->status = readl(regs + VGPU_RING_STATUS);
		state->head = readq(regs + VGPU_RING_HEAD);
		state->tail = readq(regs + VGPU_RING_TAIL);
		state->fault = readl(regs + VGPU_RING_FAULT);
		state->fault_addr = readq(regs + VGPU_RING_FAULT_ADDR);
	}
}

/* HEAD is somewhere in the job, of which all fits. */
static void take_packets(struct vgpu_vf_coredump *dump, struct vgpu_vf_ring *ring)
{
	u64 at;

	dump->to = min(ring->tail, dump->begin + PACKETS_BYTES);
	for (at = dump->begin; at < dump->to; at += 8)
		dump->packets[(at - dump->begin) / 8] =
			ring->memory->packets[(at & (ring->bytes - 1)) / 8];
}

/**
 * vgpu_vf_coredump_take() - remember what there is to see, to tell it later
 * @ring: the ring, stopped at the job; ring->lock is held
 * @job: the job
 * @error: how it ends
 *
 * On the way to signal fences: allocates nothing.
 */
void vgpu_vf_coredump_take(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job, int error)
{
	struct vgpu_vf_coredump *dump = ring->vf->coredump;

	lockdep_assert_held(&ring->lock);
	if (atomic_xchg(&dump->taken, 1))
		return;
	dump->queue = vgpu_vf_queue_get(job->queue);
	dump->ring = ring->index;
	dump->error = error;
	dump->sequence = job->sequence;
	dump->begin = job->begin;
	dump->end = job->end;
	dump->stamps = *vgpu_vf_ring_stamps(ring, job);
	dump->command_count = job->packet_count;
	memcpy(dump->commands, job->packets, sizeof(dump->commands));
	take_registers(dump);
	take_packets(dump, ring);
	queue_work(vgpu_vf_workqueue, &dump->tell);
}

/* ------------------------------------------------------------------------ */
/* The text                                                                  */

/* of codes that the device has room for */
#define NAMES	16

static const char *const fault_names[NAMES] = {
	[VGPU_FAULT_NONE] = "none",
	[VGPU_FAULT_OPCODE] = "opcode",
	[VGPU_FAULT_LENGTH] = "length",
	[VGPU_FAULT_FLAGS] = "flags",
	[VGPU_FAULT_ADDRESS] = "address",
	[VGPU_FAULT_ALIGNMENT] = "alignment",
	[VGPU_FAULT_DMA] = "DMA",
	[VGPU_FAULT_CONTEXT] = "context",
	[VGPU_FAULT_PAGE] = "page",
	[VGPU_FAULT_PERMISSION] = "permission",
	[VGPU_FAULT_KERNEL] = "kernel",
	[VGPU_FAULT_DOORBELL] = "doorbell",
	[VGPU_FAULT_RESET] = "reset",
};

static const char *const access_names[NAMES] = {
	[VGPU_ACCESS_NONE] = "none",
	[VGPU_ACCESS_READ] = "read",
	[VGPU_ACCESS_WRITE] = "write",
	[VGPU_ACCESS_EXECUTE] = "execute",
};

static const char *const opcode_names[NAMES] = {
	[VGPU_OP_NOP] = "NOP",
	[VGPU_OP_FENCE] = "FENCE",
	[VGPU_OP_WAIT] = "WAIT",
	[VGPU_OP_COPY] = "COPY",
	[VGPU_OP_FILL] = "FILL",
	[VGPU_OP_TIMESTAMP] = "TIMESTAMP",
	[VGPU_OP_INDIRECT] = "INDIRECT",
	[VGPU_OP_DISPATCH] = "DISPATCH",
};

static const char *const status_names[NAMES] = {
	[VGPU_RING_DISABLED] = "disabled",
	[VGPU_RING_IDLE] = "idle",
	[VGPU_RING_ACTIVE] = "active",
	[VGPU_RING_BLOCKED] = "blocked",
	[VGPU_RING_HALTED] = "halted",
	[VGPU_RING_STOPPING] = "stopping",
};

static const char *name_of(const char *const names[NAMES], u32 value)
{
	return value < NAMES && names[value] ? names[value] : "?";
}

static void tell_job(struct seq_buf *text, struct vgpu_vf_coredump *dump)
{
	struct vgpu_vf_queue *queue = dump->queue;
	u32 i;

	seq_buf_printf(text, "error: %d (%s)\nring: %u\nqueue: %u\nvm: %u\n", dump->error,
		       dump->error == -ETIME ? "timeout" : "fault", dump->ring, queue->id,
		       queue->vm->id);
	seq_buf_printf(text, "process: %s [%d]\nclient: %llu\n", queue->comm, queue->pid,
		       queue->client_id);
	seq_buf_printf(text, "job: sequence %llu, packets %llu…%llu\n", dump->sequence,
		       dump->begin, dump->end);
	seq_buf_printf(text, "stamps: begin %llu/%llu, turn %llu/%llu, end %llu/%llu\n",
		       le64_to_cpu(dump->stamps.begin.clock),
		       le64_to_cpu(dump->stamps.begin.gpu_time),
		       le64_to_cpu(dump->stamps.turn.clock),
		       le64_to_cpu(dump->stamps.turn.gpu_time),
		       le64_to_cpu(dump->stamps.end.clock),
		       le64_to_cpu(dump->stamps.end.gpu_time));
	for (i = 0; i < dump->command_count; i++)
		seq_buf_printf(text, dump->commands[i].addr & VGPU_VF_PACKET_FENCE ?
			       "command %u: fence %llu at %#llx\n" :
			       "command %u: %llu bytes at %#llx\n", i,
			       dump->commands[i].value,
			       dump->commands[i].addr & ~VGPU_VF_PACKET_FENCE);
}

static void tell_fault(struct seq_buf *text, struct vgpu_vf_coredump *dump)
{
	struct ring_state *state = &dump->rings[dump->ring];
	u32 code = VGPU_FIELD_GET(VGPU_RING_FAULT_CODE, state->fault);
	u32 opcode = VGPU_FIELD_GET(VGPU_RING_FAULT_OPCODE, state->fault);
	u32 access = VGPU_FIELD_GET(VGPU_RING_FAULT_ACCESS, state->fault);

	seq_buf_printf(text, "fault: code %u (%s), opcode %u (%s), access %u (%s), ", code,
		       name_of(fault_names, code), opcode, name_of(opcode_names, opcode),
		       access, name_of(access_names, access));
	seq_buf_printf(text, "context %u, address %#llx\n",
		       VGPU_FIELD_GET(VGPU_RING_FAULT_CONTEXT, state->fault),
		       state->fault_addr);
}

static void tell_registers(struct seq_buf *text, struct vgpu_vf_coredump *dump)
{
	struct ring_state *state = dump->rings;
	unsigned int i;

	seq_buf_printf(text, "registers: status %#x, context table %#llx, %u contexts\n",
		       dump->status, dump->context_table, dump->context_count);
	for (i = 0; i < dump->vf->ring_count; i++, state++)
		seq_buf_printf(text,
			       "registers of ring %u: control %#x, status %u (%s), head %llu, tail %llu, fault %#x, address %#llx\n",
			       i, state->ctrl, state->status,
			       name_of(status_names, state->status), state->head, state->tail,
			       state->fault, state->fault_addr);
}

static u64 word_at(struct vgpu_vf_coredump *dump, u64 position)
{
	return le64_to_cpu(dump->packets[(position - dump->begin) / 8]);
}

static void tell_packets(struct seq_buf *text, struct vgpu_vf_coredump *dump)
{
	u64 head = dump->rings[dump->ring].head, at = dump->begin, word, end;

	seq_buf_puts(text, "packets:\n");
	while (at < dump->to) {
		word = word_at(dump, at);
		seq_buf_printf(text, "%s %llu: %-9s", at == head ? "->" : "  ", at,
			       name_of(opcode_names, word & VGPU_PKT_OPCODE));
		end = at + 8 * max(1u, VGPU_FIELD_GET(VGPU_PKT_QWORDS, (u32)word));
		for (; at < end && at < dump->to; at += 8)
			seq_buf_printf(text, " %016llx", word_at(dump, at));
		seq_buf_putc(text, '\n');
	}
}

/* As they are now: asynchronous binds may have changed them since. */
static void tell_mappings(struct seq_buf *text, struct vgpu_vf_coredump *dump)
{
	u64 addr = dump->rings[dump->ring].fault_addr;
	u64 start = addr - min_t(u64, addr, MAPPINGS_NEAR);
	u64 end = min(addr, BIT_ULL(VGPU_VA_BITS)) + MAPPINGS_NEAR;
	struct vgpu_vf_vm *vm = dump->queue->vm;
	struct drm_gpuva *va;
	unsigned int count = 0;

	seq_buf_puts(text, "mappings nearby, by now:\n");
	guard(mutex)(&vm->lock);
	drm_gpuvm_for_each_va_range(va, &vm->base, min(start, end), end) {
		if (count++ == MAPPINGS_MAX)
			break;
		seq_buf_printf(text, "  %#llx…%#llx: %s, offset %#llx\n", va->va.addr,
			       va->va.addr + va->va.range, va->gem.obj ? "buffer" : "sparse",
			       va->gem.offset);
	}
}

static void write_text(struct seq_buf *text, struct vgpu_vf_coredump *dump)
{
	struct vgpu_vf *vf = dump->vf;

	seq_buf_printf(text, "driver: vgpu_vf\nkernel: %s\ndevice: %s\nfunction: %u\n",
		       init_utsname()->release, dev_name(vf->drm.dev), dump->function);
	seq_buf_printf(text, "clock: %llu ns\ngpu time: %llu ns\n", dump->clock,
		       dump->gpu_time);
	tell_job(text, dump);
	tell_fault(text, dump);
	tell_registers(text, dump);
	tell_packets(text, dump);
	if (dump->rings[dump->ring].fault_addr)
		tell_mappings(text, dump);
}

/*
 * The core keeps one dump of a device, and takes the device's link to it away a moment
 * after the dump: it would put the next link where that still is. Nobody else makes any.
 */
static bool is_one_left(struct device *dev)
{
	struct kernfs_node *link = sysfs_get_dirent(dev->kobj.sd, "devcoredump");

	sysfs_put(link);
	return link;
}

static void tell(struct work_struct *work)
{
	struct vgpu_vf_coredump *dump = container_of(work, struct vgpu_vf_coredump, tell);
	struct device *dev = dump->vf->drm.dev;
	void *buffer = is_one_left(dev) ? NULL : vmalloc(TEXT_BYTES);
	struct seq_buf text;

	if (buffer) {
		seq_buf_init(&text, buffer, TEXT_BYTES);
		write_text(&text, dump);
		/* It is the core's from here on, which frees it. */
		dev_coredumpv(dev, buffer, seq_buf_used(&text), GFP_KERNEL);
	}
	vgpu_vf_queue_put(dump->queue);
	atomic_set_release(&dump->taken, 0);
}

static void coredump_fini(void *data)
{
	struct vgpu_vf_coredump *dump = data;

	flush_work(&dump->tell);
}

/**
 * vgpu_vf_coredump_init() - before rings are
 * @vf: the function
 *
 * Return: 0 or -ENOMEM
 */
int vgpu_vf_coredump_init(struct vgpu_vf *vf)
{
	struct vgpu_vf_coredump *dump;

	dump = drmm_kzalloc(&vf->drm, sizeof(*dump), GFP_KERNEL);
	if (!dump)
		return -ENOMEM;
	dump->vf = vf;
	INIT_WORK(&dump->tell, tell);
	vf->coredump = dump;
	/* The core takes none of a device that is going. */
	return devm_add_action_or_reset(vf->drm.dev, coredump_fini, dump);
}

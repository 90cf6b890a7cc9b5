// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/dri/<PCI address>/sriov/
 *
 *   vram_provisioned  who owns which part of VRAM; format in vram.c
 *   sched_stats       what the engine did, for people and for tools:
 *
 *     path hardware            lines "key value" about the device
 *     quantum_ns 6000000
 *     ...
 *     function state ...       one line that names the columns
 *     total - ...              all functions together
 *     0 open ...               each function that has or had something to do
 *
 *   vfN/pause, resume, stop    write 1: see control.h; N is 1 to sriov_totalvfs
 *
 * Columns are separated by blanks. Times are in ns of the device clock, all
 * other values are counts, except share_ppm: runtime in millionths of the time
 * since counting began. Keys and columns keep their names and meaning; new keys
 * can appear anywhere before the line of columns, new columns at the end. The
 * last columns are settings and what follows from them: "max" is no bound, "-"
 * what makes no sense for all together; lags are negative for those who have had
 * more than their share.
 *
 * request_* is how long after it was due a world was asked to leave, quiesce_*
 * how long it took then, wake_* from having work to running, gap_* what a switch
 * took beyond the declared save and load. The meaning of the others is that of
 * struct vgpu_sched_stats. switch_register_* are accesses in hard irq context,
 * all the switch path is.
 */
#include <linux/debugfs.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_drv.h>

#include "device.h"

/**
 * struct stats_row - one line, taken at one moment
 * @stats: of the core
 * @runtime_ns: with the slice that is under way
 * @share_ppm: of the time since counting began
 * @faults: see struct vgpu_pf_function
 * @flrs: ditto
 * @storms: ditto
 * @requests: see struct vgpu_pf_mailbox
 * @rejected: ditto
 * @params: settings
 * @quantum_ns: the quantum in force
 * @automatic: chosen by the core, 0 or 1
 * @weight: as in @params
 * @lag_ns: see vgpu_sched_lag()
 * @lag_bound_ns: see vgpu_sched_lag_bound()
 * @latency_bound_ns: see vgpu_sched_latency_bound()
 * @scheduled: enum vgpu_sched_state
 */
struct stats_row {
	struct vgpu_sched_stats stats;
	u64 runtime_ns;
	u64 share_ppm;
	u64 faults;
	u64 flrs;
	u64 storms;
	u64 requests;
	u64 rejected;
	struct vgpu_sched_params params;
	u64 quantum_ns;
	u64 automatic;
	u64 weight;
	s64 lag_ns;
	u64 lag_bound_ns;
	u64 latency_bound_ns;
	int scheduled;
};

/* ------------------------------------------------------------------------ */
/* Columns                                                                   */

/**
 * struct stats_column - one value of a line
 * @name: its name
 * @offset: where it is in struct stats_row
 * @permille: 0 if it is a u64; else it is this quantile of a histogram
 * @kind: how it is printed
 */
struct stats_column {
	const char *name;
	size_t offset;
	u32 permille;
	enum stats_kind {
		STATS_NUMBER,
		STATS_OWN,	/* not for all together */
		STATS_SIGNED,	/* ditto, can be negative */
		STATS_BOUND,	/* ditto, can be unlimited */
	} kind;
};

#define STATS_VALUE(column, field) \
	{ .name = column, .offset = offsetof(struct stats_row, field) }
#define STATS_SETTING(column, field) \
	{ .name = column, .offset = offsetof(struct stats_row, field), \
	  .kind = STATS_OWN }
#define STATS_LAG(column, field) \
	{ .name = column, .offset = offsetof(struct stats_row, field), \
	  .kind = STATS_SIGNED }
#define STATS_LIMIT(column, field) \
	{ .name = column, .offset = offsetof(struct stats_row, field), \
	  .kind = STATS_BOUND }
#define STATS_REASON(column, reason) \
	STATS_VALUE(column, stats.switches[VGPU_LEAVE_##reason])
#define STATS_QUANTILE(column, field, of_1000) \
	{ .name = column, .offset = offsetof(struct stats_row, stats.field), \
	  .permille = of_1000 }

static const struct stats_column stats_columns[] = {
	STATS_VALUE("runtime_ns", runtime_ns),
	STATS_VALUE("share_ppm", share_ppm),
	STATS_VALUE("slices", stats.slices),
	STATS_REASON("starts", NONE),
	STATS_REASON("deadline", DEADLINE),
	STATS_REASON("idle", IDLE),
	STATS_REASON("preempt", PREEMPT),
	STATS_REASON("hang", HANG),
	STATS_REASON("reset", RESET),
	STATS_REASON("renewed", RENEWED),
	STATS_VALUE("overrun_ns", stats.overrun_ns),
	STATS_VALUE("save_ns", stats.save_ns),
	STATS_VALUE("load_ns", stats.load_ns),
	STATS_VALUE("overhead_ns", stats.overhead_ns),
	STATS_VALUE("deadline_misses", stats.deadline_misses),
	STATS_VALUE("wakes", stats.wakes),
	STATS_QUANTILE("request_p50_ns", request, 500),
	STATS_QUANTILE("request_p99_ns", request, 990),
	STATS_VALUE("request_max_ns", stats.request.max),
	STATS_QUANTILE("quiesce_p50_ns", quiesce, 500),
	STATS_QUANTILE("quiesce_p99_ns", quiesce, 990),
	STATS_VALUE("quiesce_max_ns", stats.quiesce.max),
	STATS_QUANTILE("wake_p50_ns", wake, 500),
	STATS_QUANTILE("wake_p99_ns", wake, 990),
	STATS_VALUE("wake_max_ns", stats.wake.max),
	STATS_QUANTILE("gap_p50_ns", gap, 500),
	STATS_QUANTILE("gap_p99_ns", gap, 990),
	STATS_VALUE("gap_max_ns", stats.gap.max),
	STATS_VALUE("hangs", stats.hangs),
	STATS_VALUE("faults", faults),
	STATS_VALUE("flrs", flrs),
	STATS_VALUE("storms", storms),
	STATS_VALUE("requests", requests),
	STATS_VALUE("rejected", rejected),
	STATS_VALUE("throttles", stats.throttles),
	STATS_VALUE("periods", stats.periods),
	STATS_VALUE("period_misses", stats.period_misses),
	STATS_LAG("lag_ns", lag_ns),
	STATS_LAG("lag_min_ns", stats.lag_min),
	STATS_LAG("lag_max_ns", stats.lag_max),
	STATS_LIMIT("lag_bound_ns", lag_bound_ns),
	STATS_LIMIT("latency_bound_ns", latency_bound_ns),
	STATS_SETTING("quantum_ns", quantum_ns),
	STATS_SETTING("automatic", automatic),
	STATS_SETTING("preempt_timeout_ns", params.preempt_timeout_ns),
	STATS_SETTING("weight", weight),
	STATS_SETTING("cap_quota_ns", params.cap_quota_ns),
	STATS_SETTING("cap_period_ns", params.cap_period_ns),
	STATS_SETTING("budget_ns", params.budget_ns),
	STATS_SETTING("period_ns", params.period_ns),
};

static const char * const stats_priorities[] = {
	[VGPU_SCHED_PRIORITY_LOW]	= "low",
	[VGPU_SCHED_PRIORITY_NORMAL]	= "normal",
	[VGPU_SCHED_PRIORITY_HIGH]	= "high",
};

static const char * const stats_scheduled[] = {
	[VGPU_SCHED_IDLE]	= "idle",
	[VGPU_SCHED_RUNNABLE]	= "runnable",
	[VGPU_SCHED_RUNNING]	= "running",
	[VGPU_SCHED_THROTTLED]	= "throttled",
	[VGPU_SCHED_PARKED]	= "parked",
};

/* Columns of words, behind those of numbers. */
static const char * const stats_words[] = { "priority", "scheduled", "control" };

static u64 stats_value(const struct stats_column *column, const struct stats_row *row)
{
	const void *field = (const void *)row + column->offset;

	if (column->permille)
		return vgpu_histogram_quantile(field, column->permille);
	return *(const u64 *)field;
}

static int stats_width(unsigned int column)
{
	return max_t(int, strlen(stats_columns[column].name), 12);
}

static void stats_show_names(struct seq_file *m)
{
	unsigned int i;

	seq_printf(m, "%-8s %-9s", "function", "state");
	for (i = 0; i < ARRAY_SIZE(stats_columns); i++)
		seq_printf(m, " %*s", stats_width(i), stats_columns[i].name);
	for (i = 0; i < ARRAY_SIZE(stats_words); i++)
		seq_printf(m, " %-10s", stats_words[i]);
	seq_putc(m, '\n');
}

/* @fn: whose, NULL for all together */
static void stats_show_row(struct seq_file *m, const struct stats_row *row,
			   const struct vgpu_pf_function *fn)
{
	unsigned int i;

	seq_printf(m, " %-9s", fn ? vgpu_pf_function_state_name(fn) : "-");
	for (i = 0; i < ARRAY_SIZE(stats_columns); i++) {
		const struct stats_column *column = &stats_columns[i];
		u64 value = stats_value(column, row);

		if (column->kind != STATS_NUMBER && !fn)
			seq_printf(m, " %*s", stats_width(i), "-");
		else if (column->kind == STATS_BOUND && value == U64_MAX)
			seq_printf(m, " %*s", stats_width(i), "max");
		else if (column->kind == STATS_SIGNED)
			seq_printf(m, " %*lld", stats_width(i), (s64)value);
		else
			seq_printf(m, " %*llu", stats_width(i), value);
	}
	seq_printf(m, " %-10s", fn ? stats_priorities[row->params.priority] : "-");
	seq_printf(m, " %-10s", fn ? stats_scheduled[row->scheduled] : "-");
	seq_printf(m, " %-10s\n", fn ? vgpu_pf_control_name(fn) : "-");
}

/* ------------------------------------------------------------------------ */
/* sched_stats                                                               */

static u64 stats_elapsed(struct vgpu_sched *core, u64 now)
{
	return now - min(now, vgpu_sched_engine(core)->start_ns);
}

static u64 stats_share(struct vgpu_sched *core, u64 runtime, u64 now)
{
	u64 elapsed = stats_elapsed(core, now);

	return elapsed ? mul_u64_u64_div_u64(runtime, 1000000, elapsed) : 0;
}

static void stats_take(struct vgpu_pf *pf, unsigned int number, u64 now,
		       struct stats_row *row)
{
	struct vgpu_sched *core = pf->world.core;
	struct vgpu_pf_function *fn = &pf->fn[number];

	/* one function at a time: interrupts are off while it is copied */
	raw_spin_lock_irq(&pf->lock);
	row->stats = *vgpu_sched_stats(core, number);
	row->runtime_ns = vgpu_sched_runtime(core, number, now);
	row->share_ppm = stats_share(core, row->runtime_ns, now);
	row->faults = fn->faults;
	row->flrs = fn->flrs;
	row->storms = fn->storms;
	row->requests = READ_ONCE(fn->mailbox.total);
	row->rejected = READ_ONCE(fn->mailbox.rejected);
	vgpu_sched_get_params(core, number, &row->params);
	row->quantum_ns = vgpu_sched_quantum(core, number);
	row->lag_ns = vgpu_sched_lag(core, number);
	row->lag_bound_ns = vgpu_sched_lag_bound(core, number);
	row->latency_bound_ns = vgpu_sched_latency_bound(core, number);
	row->scheduled = vgpu_sched_state(core, number);
	raw_spin_unlock_irq(&pf->lock);
	row->automatic = row->params.quantum_ns == VGPU_SCHED_QUANTUM_AUTO;
	row->weight = row->params.weight;
}

static void stats_take_total(struct vgpu_pf *pf, u64 now, struct stats_row *row)
{
	struct vgpu_sched *core = pf->world.core;
	unsigned int i;

	lockdep_assert_held(&pf->lock);
	memset(row, 0, sizeof(*row));
	row->stats = *vgpu_sched_total(core);
	for (i = 0; i < pf->functions; i++) {
		row->runtime_ns += vgpu_sched_runtime(core, i, now);
		row->faults += pf->fn[i].faults;
		row->flrs += pf->fn[i].flrs;
		row->storms += pf->fn[i].storms;
		row->requests += READ_ONCE(pf->fn[i].mailbox.total);
		row->rejected += READ_ONCE(pf->fn[i].mailbox.rejected);
	}
	row->share_ppm = stats_share(core, row->runtime_ns, now);
}

/*
 * Returns the moment that these lines are of, and @total, so that times add up; and those
 * of functions, but for world switches since then.
 */
static u64 stats_show_device(struct vgpu_pf *pf, struct seq_file *m,
			     struct stats_row *total)
{
	struct vgpu_sched *core = pf->world.core;
	struct vgpu_sched_engine engine;
	struct vgpu_pf_events events;
	struct vgpu_sched_params params;
	u64 now, elapsed, quantum, overhead, runtime;
	const char *policy;
	u16 running;
	u32 target;

	raw_spin_lock_irq(&pf->lock);
	vgpu_sched_get_params(core, pf->functions - 1, &params);
	quantum = vgpu_sched_quantum(core, pf->functions - 1);
	target = vgpu_sched_overhead(core);
	events = pf->events;
	engine = *vgpu_sched_engine(core);
	policy = vgpu_sched_policy_name(vgpu_sched_policy(core));
	running = vgpu_sched_running(core);
	now = vgpu_pf_world_now(pf);
	elapsed = stats_elapsed(core, now);
	stats_take_total(pf, now, total);
	raw_spin_unlock_irq(&pf->lock);
	overhead = total->stats.overhead_ns;
	runtime = total->stats.runtime_ns;
	seq_printf(m, "path %s\n", pf->deadlines ? "hardware" : "hrtimer");
	seq_printf(m, "device %s\n", READ_ONCE(pf->wedged) ? "wedged" :
				     READ_ONCE(pf->running) ? "running" : "stopped");
	seq_printf(m, "policy %s\n", policy);
	seq_printf(m, "quantum_ns %llu\n", quantum);
	seq_printf(m, "preempt_timeout_ns %llu\n", params.preempt_timeout_ns);
	seq_printf(m, "overhead_target_ppm %u\n", target * 1000);
	seq_printf(m, "overhead_ppm %llu\n", overhead + runtime ?
		   mul_u64_u64_div_u64(overhead, 1000000, overhead + runtime) : 0);
	seq_printf(m, "vfs %u\n", READ_ONCE(pf->vfs));
	seq_printf(m, "totalvfs %u\n", pf->functions - 1);
	seq_printf(m, "on_engine %u\n", running);
	seq_printf(m, "now_ns %llu\n", now);
	seq_printf(m, "elapsed_ns %llu\n", elapsed);
	seq_printf(m, "empty_ns %llu\n", engine.empty_ns);
	seq_printf(m, "switch_register_reads %lld\n",
		   atomic64_read(&pf->accesses.switch_reads));
	seq_printf(m, "switch_register_writes %lld\n",
		   atomic64_read(&pf->accesses.switch_writes));
	seq_printf(m, "register_reads %lld\n", atomic64_read(&pf->accesses.reads));
	seq_printf(m, "register_writes %lld\n", atomic64_read(&pf->accesses.writes));
	seq_printf(m, "records %llu\n", events.taken);
	seq_printf(m, "records_late %llu\n", events.late);
	seq_printf(m, "records_strange %llu\n", events.strange);
	seq_printf(m, "interrupts %llu\n", events.interrupts);
	seq_printf(m, "arms %llu\n", engine.arms);
	seq_printf(m, "disarms %llu\n", engine.disarms);
	seq_printf(m, "timers %llu\n", engine.timers);
	seq_printf(m, "rearmed %llu\n", engine.rearmed);
	seq_printf(m, "overdue %llu\n", engine.overdue);
	seq_printf(m, "refused %llu\n", engine.refused);
	seq_printf(m, "lost %llu\n", engine.lost);
	seq_printf(m, "unexpected %llu\n", engine.unexpected);
	seq_printf(m, "backwards %llu\n", engine.backwards);
	seq_printf(m, "missing %llu\n", engine.missing);
	seq_printf(m, "duplicates %llu\n", engine.duplicates);
	seq_printf(m, "unknown %llu\n", engine.unknown);
	seq_printf(m, "stale %llu\n", engine.stale);
	return now;
}

static int sched_stats_show(struct seq_file *m, void *unused)
{
	struct vgpu_pf *pf = m->private;
	struct stats_row *row;
	unsigned int i;
	u64 now;
	int idx;

	row = kvmalloc(sizeof(*row), GFP_KERNEL);
	if (!row)
		return -ENOMEM;
	if (!drm_dev_enter(&pf->drm, &idx)) {
		kvfree(row);
		return -ENODEV;
	}
	now = stats_show_device(pf, m, row);
	stats_show_names(m);
	seq_printf(m, "%-8s", "total");
	stats_show_row(m, row, NULL);
	for (i = 0; i < pf->functions; i++) {
		stats_take(pf, i, now, row);
		if (!row->stats.slices && !row->runtime_ns && !row->requests &&
		    READ_ONCE(pf->fn[i].state) == VGPU_PF_ABSENT)
			continue;
		seq_printf(m, "%-8u", i);
		stats_show_row(m, row, &pf->fn[i]);
	}
	drm_dev_exit(idx);
	kvfree(row);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sched_stats);

static int vram_provisioned_show(struct seq_file *m, void *unused)
{
	struct vgpu_pf *pf = m->private;
	int idx;

	if (!drm_dev_enter(&pf->drm, &idx))
		return -ENODEV;
	vgpu_pf_vram_show(pf, m);
	drm_dev_exit(idx);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vram_provisioned);

/* ------------------------------------------------------------------------ */
/* Control of a VF                                                           */

/* Removing the file waits for this; drm_dev_enter() would keep all of DRM waiting. */
static ssize_t control_write(struct file *file, const char __user *buf, size_t count,
			     int (*act)(struct vgpu_pf_function *fn))
{
	struct vgpu_pf_function *fn = file->private_data;
	bool yes;
	int err;

	err = kstrtobool_from_user(buf, count, &yes);
	if (!err && yes)
		err = act(fn);
	return err ?: count;
}

#define CONTROL_FILE(name)							\
static ssize_t name##_write(struct file *file, const char __user *buf,		\
			    size_t count, loff_t *pos)				\
{										\
	return control_write(file, buf, count, vgpu_pf_control_##name);		\
}										\
										\
static const struct file_operations name##_fops = {				\
	.owner = THIS_MODULE,							\
	.open = simple_open,							\
	.write = name##_write,							\
}

CONTROL_FILE(pause);
CONTROL_FILE(resume);
CONTROL_FILE(stop);

static void control_init(struct vgpu_pf_function *fn, struct dentry *parent)
{
	struct dentry *dir;
	char name[8];

	snprintf(name, sizeof(name), "vf%u", fn->number);
	dir = debugfs_create_dir(name, parent);
	debugfs_create_file("pause", 0200, dir, fn, &pause_fops);
	debugfs_create_file("resume", 0200, dir, fn, &resume_fops);
	debugfs_create_file("stop", 0200, dir, fn, &stop_fops);
}

/**
 * vgpu_pf_debugfs_init() - make the files
 * @pf: the device, registered with DRM, which removes them
 */
void vgpu_pf_debugfs_init(struct vgpu_pf *pf)
{
	struct dentry *dir = debugfs_create_dir("sriov", pf->drm.debugfs_root);
	unsigned int i;

	for (i = 1; i < pf->functions; i++)
		control_init(&pf->fn[i], dir);
	debugfs_create_file("sched_stats", 0444, dir, pf, &sched_stats_fops);
	debugfs_create_file("vram_provisioned", 0444, dir, pf, &vram_provisioned_fops);
}

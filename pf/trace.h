/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens on the engine, for ftrace and perf: events/vgpu/.
 *
 * @dev is the PCI address of the PF, functions are numbered as in the
 * specification (0 is the PF, 65535 none), times are of the device clock in ns.
 * Names and order of the fields are an interface for tools: new ones are only
 * added at the end.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vgpu

#if !defined(VGPU_PF_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VGPU_PF_TRACE_H

#include <linux/tracepoint.h>

#include <vgpu_sched.h>

/* A world switch that is complete, whoever did its steps. */
TRACE_EVENT(vgpu_switch,
	TP_PROTO(const char *dev, const struct vgpu_sched_switch *sw),
	TP_ARGS(dev, sw),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u16, from)
		__field(u16, to)
		__field(u32, leave)
		__field(u64, deadline)
		__field(u64, request)
		__field(u64, quiesced)
		__field(u64, saved)
		__field(u64, loaded)
		__field(u64, running)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->from = sw->from;
		__entry->to = sw->to;
		__entry->leave = sw->reason;
		__entry->deadline = sw->deadline;
		__entry->request = sw->request;
		__entry->quiesced = sw->quiesced;
		__entry->saved = sw->saved;
		__entry->loaded = sw->loaded;
		__entry->running = sw->running;
	),
	TP_printk("dev=%s from=%u to=%u leave=%u deadline=%llu request=%llu quiesced=%llu saved=%llu loaded=%llu running=%llu",
		  __get_str(dev), __entry->from, __entry->to, __entry->leave,
		  __entry->deadline, __entry->request, __entry->quiesced,
		  __entry->saved, __entry->loaded, __entry->running)
);

/* What was decided: the world that shall be next. */
TRACE_EVENT(vgpu_arm,
	TP_PROTO(const char *dev, u16 function, u64 quantum, u32 flags),
	TP_ARGS(dev, function, quantum, flags),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u16, function)
		__field(u64, quantum)
		__field(u32, now)
		__field(u32, boundary)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->function = function;
		__entry->quantum = quantum;
		__entry->now = !!(flags & VGPU_SCHED_ARM_NOW);
		__entry->boundary = !!(flags & VGPU_SCHED_ARM_BOUNDARY);
	),
	TP_printk("dev=%s function=%u quantum=%llu now=%u boundary=%u", __get_str(dev),
		  __entry->function, __entry->quantum, __entry->now, __entry->boundary)
);

/* How far behind (above 0) or ahead of its share a function is, after a switch. */
TRACE_EVENT(vgpu_lag,
	TP_PROTO(const char *dev, u16 function, u64 time, s64 lag),
	TP_ARGS(dev, function, time, lag),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u16, function)
		__field(u64, time)
		__field(s64, lag)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->function = function;
		__entry->time = time;
		__entry->lag = lag;
	),
	TP_printk("dev=%s function=%u time=%llu lag=%lld", __get_str(dev),
		  __entry->function, __entry->time, __entry->lag)
);

/* New settings of a function; quantum is 18446744073709551615 if it is automatic. */
TRACE_EVENT(vgpu_params,
	TP_PROTO(const char *dev, u16 function, u64 time, const struct vgpu_sched_params *params),
	TP_ARGS(dev, function, time, params),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u16, function)
		__field(u64, time)
		__field(u64, quantum)
		__field(u64, timeout)
		__field(u32, weight)
		__field(u32, priority)
		__field(u64, cap_quota)
		__field(u64, cap_period)
		__field(u64, budget)
		__field(u64, period)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->function = function;
		__entry->time = time;
		__entry->quantum = params->quantum_ns;
		__entry->timeout = params->preempt_timeout_ns;
		__entry->weight = params->weight;
		__entry->priority = params->priority;
		__entry->cap_quota = params->cap_quota_ns;
		__entry->cap_period = params->cap_period_ns;
		__entry->budget = params->budget_ns;
		__entry->period = params->period_ns;
	),
	TP_printk("dev=%s function=%u time=%llu quantum=%llu timeout=%llu weight=%u priority=%u cap_quota=%llu cap_period=%llu budget=%llu period=%llu",
		  __get_str(dev), __entry->function, __entry->time,
		  __entry->quantum, __entry->timeout, __entry->weight,
		  __entry->priority, __entry->cap_quota, __entry->cap_period,
		  __entry->budget, __entry->period)
);

/* Another policy, or another target for the overhead (permille). */
TRACE_EVENT(vgpu_policy,
	TP_PROTO(const char *dev, u64 time, const char *policy, u32 overhead),
	TP_ARGS(dev, time, policy, overhead),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u64, time)
		__string(policy, policy)
		__field(u32, overhead)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->time = time;
		__assign_str(policy);
		__entry->overhead = overhead;
	),
	TP_printk("dev=%s time=%llu policy=%s overhead=%u", __get_str(dev),
		  __entry->time, __get_str(policy), __entry->overhead)
);

/* One number about one function at a moment: all other events. */
DECLARE_EVENT_CLASS(vgpu_function,
	TP_PROTO(const char *dev, u16 function, u64 time, u64 value),
	TP_ARGS(dev, function, time, value),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u16, function)
		__field(u64, time)
		__field(u64, value)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->function = function;
		__entry->time = time;
		__entry->value = value;
	),
	TP_printk("dev=%s function=%u time=%llu value=%llu", __get_str(dev),
		  __entry->function, __entry->time, __entry->value)
);

#define VGPU_FUNCTION_EVENT(name) \
	DEFINE_EVENT(vgpu_function, name, \
		     TP_PROTO(const char *dev, u16 function, u64 time, u64 value), \
		     TP_ARGS(dev, function, time, value))

/* has work again; value 0 */
VGPU_FUNCTION_EVENT(vgpu_runnable);
/* on the engine without work; value 0 */
VGPU_FUNCTION_EVENT(vgpu_idle);
/* overran its preempt timeout; value: how often this function has */
VGPU_FUNCTION_EVENT(vgpu_hang);
/* function level reset; value 0 */
VGPU_FUNCTION_EVENT(vgpu_flr);
/* a ring was halted; value: VGPU_RING_FAULT */
VGPU_FUNCTION_EVENT(vgpu_fault);
/* rings its doorbells too often; value 0 */
VGPU_FUNCTION_EVENT(vgpu_storm);
/* must not be on the engine; value: VGPU_SCHED_PARK_* added */
VGPU_FUNCTION_EVENT(vgpu_park);
/* value: VGPU_SCHED_PARK_* removed */
VGPU_FUNCTION_EVENT(vgpu_unpark);
/* life of a function; value: enum vgpu_pf_state */
VGPU_FUNCTION_EVENT(vgpu_state);
/* the device refused a command or NEXT; value: enum vgpu_refusal */
VGPU_FUNCTION_EVENT(vgpu_refused);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

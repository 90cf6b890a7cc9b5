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
	TP_PROTO(const char *dev, u16 function, u64 quantum, bool now),
	TP_ARGS(dev, function, quantum, now),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(u16, function)
		__field(u64, quantum)
		__field(u32, now)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->function = function;
		__entry->quantum = quantum;
		__entry->now = now;
	),
	TP_printk("dev=%s function=%u quantum=%llu now=%u", __get_str(dev),
		  __entry->function, __entry->quantum, __entry->now)
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

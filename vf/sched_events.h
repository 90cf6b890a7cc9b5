/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_SCHED_EVENTS_H
#define VGPU_VF_SCHED_EVENTS_H

#include <linux/types.h>

#ifdef CONFIG_TRACEPOINTS
int vgpu_vf_sched_events_find(void);
bool vgpu_vf_sched_is_traced(void);
#else
static inline int vgpu_vf_sched_events_find(void)
{
	return 0;
}

static inline bool vgpu_vf_sched_is_traced(void)
{
	return false;
}
#endif

#endif

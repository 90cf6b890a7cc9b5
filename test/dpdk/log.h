/* SPDX-License-Identifier: GPL-2.0-only */
/* What is said goes by EAL's log, as "VGPU: ...". */
#ifndef VGPU_DPDK_LOG_H
#define VGPU_DPDK_LOG_H

#include <rte_log.h>

extern int vgpu_logtype;
#define RTE_LOGTYPE_VGPU vgpu_logtype
#define LOG(level, ...) RTE_LOG_LINE(level, VGPU, __VA_ARGS__)

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Figures of a run: JSON, text, and by DPDK's telemetry. */
#ifndef VGPU_DPDK_REPORT_H
#define VGPU_DPDK_REPORT_H

#include "session.h"

/** struct figures - of all queues of a client */
struct figures {
	uint64_t submitted;
	uint64_t completed;
	uint64_t wrong;
	uint64_t faults;
	uint64_t doorbells;
	uint64_t polls;
	uint64_t elapsed_ns;
	uint64_t per_second;
	struct vgpu_histogram latency;
};

void report_collect(const struct client *client, struct figures *figures);
/** report_device_ns() - what the device itself takes for a submission; 0: not known */
uint64_t report_device_ns(const struct client *client);
int report_write(const struct session *session, const char *path);
void report_print(const struct session *session);

/** telemetry_start() - register the commands; after rte_eal_init() */
void telemetry_start(void);
/** telemetry_ask() - a client of such a socket: prints the answer to @command */
int telemetry_ask(const char *path, const char *command);

#endif

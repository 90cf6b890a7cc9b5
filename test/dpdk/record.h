/* SPDX-License-Identifier: GPL-2.0-only */
/* --record: what the queue of a client does, as a recording (libvgpu/recording.h). */
#ifndef VGPU_DPDK_RECORD_H
#define VGPU_DPDK_RECORD_H

#include "queue.h"

struct recorder;

/** record_start() - of the first queue of a client, which has not begun */
int record_start(struct client *client, const char *path);
/** record_submit() - the command is about to be submitted */
void record_submit(struct recorder *recorder, unsigned int ring, struct command *command);
/** record_complete() - it has been completed, and its data are as the engine left them */
void record_complete(struct recorder *recorder, struct command *command);
/** record_finish() - close the file, if there is one */
int record_finish(struct client *client);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replay of a recording (libvgpu/recording.h) by a client, or by several at once. The
 * file is not trusted: whatever is in it, only the client suffers.
 */
#ifndef VGPU_DPDK_REPLAY_H
#define VGPU_DPDK_REPLAY_H

#include "queue.h"

struct replay;

/** replay_open() - read and check a file; NULL if it is no recording, which is told */
struct replay *replay_open(const char *path);
void replay_close(struct replay *replay);
/** replay_memory() - hugepages that it needs, bytes */
uint64_t replay_memory(const struct replay *replay);
/** replay_rings() - how many rings it uses */
unsigned int replay_rings(const struct replay *replay);
/**
 * replay_run() - all of it
 * @replay: the recording; is not changed
 * @client: started, with as many queues as there are rings
 * @paced: not before the recorded times
 *
 * Return: 0, -EBADMSG if a result was wrong (stats.wrong), or another errno
 */
int replay_run(const struct replay *replay, struct client *client, bool paced);

#endif

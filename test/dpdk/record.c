// SPDX-License-Identifier: GPL-2.0-only
/* --record; see record.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "record.h"
#include "recording.h"

struct recorder {
	struct recording recording;
	/* of a command, by its place in the queue's memory */
	uint64_t *numbers;
	uint64_t first_addr;
};

static uint64_t *number_of(struct recorder *recorder, const struct command *command)
{
	return &recorder->numbers[(command->packets.bo.addr - recorder->first_addr) /
				  WORK_COMMANDS_BYTES];
}

/* Of VRAM, which is not to be read byte by byte. */
static void copy_data(const struct command *command, uint64_t *to)
{
	const volatile uint64_t *from = (const volatile uint64_t *)command->data;
	unsigned int i;

	for (i = 0; i < WORK_DATA_BYTES / 8; i++)
		to[i] = from[i];
}

int record_start(struct client *client, const char *path)
{
	struct queue *queue = &client->queues[0];
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	int ret;

	if (!recorder)
		return -ENOMEM;
	recorder->first_addr = queue->packets_addr;
	recorder->numbers = calloc(queue->packets.bytes / WORK_COMMANDS_BYTES,
				   sizeof(*recorder->numbers));
	ret = recorder->numbers ? recording_open(&recorder->recording, path) : -ENOMEM;
	if (ret) {
		LOG(ERR, "%s: %s", path, strerror(-ret));
		free(recorder->numbers);
		free(recorder);
		return ret;
	}
	recording_map(&recorder->recording, CLIENT_CONTEXT, queue->packets_addr,
		      queue->packets.bytes,
		      VGPU_PTE_READ | VGPU_PTE_EXECUTE | RECORDING_SYSTEM);
	recording_map(&recorder->recording, CLIENT_CONTEXT, queue->data_addr,
		      queue->data.bytes, VGPU_PTE_READ | VGPU_PTE_WRITE);
	queue->recorder = recorder;
	return 0;
}

void record_submit(struct recorder *recorder, unsigned int ring, struct command *command)
{
	uint64_t data[WORK_DATA_BYTES / 8];

	copy_data(command, data);
	recording_write(&recorder->recording, CLIENT_CONTEXT, command->packets.bo.addr,
			command->packets.bo.map, command->packets.used);
	recording_write(&recorder->recording, CLIENT_CONTEXT, command->data_addr, data,
			sizeof(data));
	*number_of(recorder, command) =
		recording_submit(&recorder->recording, CLIENT_CONTEXT, ring,
				 command->packets.bo.addr, command->packets.used);
}

void record_complete(struct recorder *recorder, struct command *command)
{
	uint64_t data[WORK_DATA_BYTES / 8];

	copy_data(command, data);
	recording_complete(&recorder->recording, *number_of(recorder, command));
	recording_expect(&recorder->recording, CLIENT_CONTEXT, command->data_addr, data,
			 sizeof(data));
}

int record_finish(struct client *client)
{
	struct recorder *recorder = client->queues[0].recorder;
	int ret;

	if (!recorder)
		return 0;
	client->queues[0].recorder = NULL;
	ret = recording_close(&recorder->recording);
	if (ret)
		LOG(ERR, "the recording cannot be written");
	free(recorder->numbers);
	free(recorder);
	return ret;
}

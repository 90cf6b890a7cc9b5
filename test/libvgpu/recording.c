// SPDX-License-Identifier: GPL-2.0-only
/* Writing of recordings; see recording.h. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <vgpu/types.h>

#include "recording.h"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

int recording_open(struct recording *recording, const char *path)
{
	const struct recording_header header = {
		.magic = RECORDING_MAGIC, .version = RECORDING_VERSION,
	};

	*recording = (struct recording){ .file = fopen(path, "wb"), .begun = now_ns() };
	if (!recording->file)
		return -errno;
	fwrite(&header, sizeof(header), 1, recording->file);
	return 0;
}

int recording_close(struct recording *recording)
{
	bool failed = ferror(recording->file);

	failed |= fclose(recording->file) != 0;
	recording->file = NULL;
	return failed ? -EIO : 0;
}

static void put(struct recording *recording, enum recording_type type, const void *payload,
		uint32_t bytes, const void *data, uint32_t data_bytes)
{
	const uint64_t zero = 0;
	uint32_t rest = -data_bytes % 8;
	const struct recording_record record = {
		.type = type, .bytes = bytes + data_bytes + rest,
		.time_ns = now_ns() - recording->begun,
	};

	fwrite(&record, sizeof(record), 1, recording->file);
	fwrite(payload, bytes, 1, recording->file);
	if (data_bytes)
		fwrite(data, data_bytes, 1, recording->file);
	if (rest)
		fwrite(&zero, rest, 1, recording->file);
}

void recording_map(struct recording *recording, uint32_t context, uint64_t addr,
		   uint64_t bytes, uint32_t flags)
{
	const struct recording_map map = {
		.addr = addr, .bytes = bytes, .context = context, .flags = flags,
	};

	put(recording, RECORDING_MAP, &map, sizeof(map), NULL, 0);
}

void recording_write(struct recording *recording, uint32_t context, uint64_t addr,
		     const void *data, uint32_t bytes)
{
	const struct recording_write write = {
		.addr = addr, .context = context, .bytes = bytes,
	};

	put(recording, RECORDING_WRITE, &write, sizeof(write), data, bytes);
}

uint64_t recording_submit(struct recording *recording, uint32_t context, uint32_t ring,
			  uint64_t addr, uint64_t bytes)
{
	const struct recording_submit submit = {
		.number = ++recording->submitted, .addr = addr, .bytes = bytes,
		.context = context, .ring = ring,
	};

	put(recording, RECORDING_SUBMIT, &submit, sizeof(submit), NULL, 0);
	return submit.number;
}

void recording_complete(struct recording *recording, uint64_t number)
{
	const struct recording_complete complete = { .number = number };

	put(recording, RECORDING_COMPLETE, &complete, sizeof(complete), NULL, 0);
}

void recording_expect(struct recording *recording, uint32_t context, uint64_t addr,
		      const void *data, uint32_t bytes)
{
	const struct recording_expect expect = {
		.addr = addr, .context = context, .bytes = bytes,
		.checksum = vgpu_checksum(data, bytes),
	};

	put(recording, RECORDING_EXPECT, &expect, sizeof(expect), NULL, 0);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * vram RESOURCE BYTES fill|check|absent VALUE
 *
 * Fills the first BYTES of a VF's VRAM window (its resource2 in sysfs) with a
 * 32-bit value, or checks that they contain nothing else, or that they do not
 * contain it. The function must be enabled and have no driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int found(size_t at, uint64_t value)
{
	printf("at %#zx: %#llx\n", at, (unsigned long long)value);
	return 1;
}

static void die(const char *what)
{
	fprintf(stderr, "vram: %s: %s\n", what, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	volatile uint64_t *map;
	uint64_t value;
	size_t bytes, i;
	struct stat st;
	int fd;

	if (argc != 5) {
		fprintf(stderr, "vram RESOURCE BYTES fill|check|absent VALUE\n");
		return 2;
	}
	bytes = strtoull(argv[2], NULL, 0);
	value = (uint32_t)strtoul(argv[4], NULL, 0);
	value |= value << 32;
	fd = open(argv[1], O_RDWR);
	if (fd < 0 || fstat(fd, &st))
		die(argv[1]);
	if (!bytes || bytes > (size_t)st.st_size) {
		fprintf(stderr, "vram: window of %lld bytes\n", (long long)st.st_size);
		return 1;
	}
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("mmap");

	for (i = 0; i < bytes / 8; i++) {
		if (!strcmp(argv[3], "fill"))
			map[i] = value;
		else if ((map[i] == value) == !strcmp(argv[3], "absent"))
			return found(i * 8, map[i]);
	}
	return 0;
}

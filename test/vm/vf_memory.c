// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_memory NODE
 *
 * Buffers: that they are zero at first, where they are, how many there can be, how
 * processes map them, and that all is counted.
 */
#include "handles.h"

#include <sys/wait.h>

/* ----- allocation ----- */

/* Dirties @total bytes in buffers of @size, and tells what is not zero in the next. */
static uint64_t dirt_found(uint64_t total, uint64_t size, uint32_t flags)
{
	uint64_t n = total / size, i, dirt = 0;
	uint32_t *handles = calloc(n, sizeof(*handles));
	int round;
	void *at;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < n; i++) {
			ktap_must(create(&gpu, size, flags, 0, &handles[i]), "cannot allocate");
			at = map(&gpu, handles[i], size);
			if (round)
				dirt += check_zero(at, size);
			else
				memset(at, 0xff, size);
			munmap(at, size);
		}
		for (i = 0; i < n; i++)
			drop(&gpu, handles[i]);
	}
	free(handles);
	return dirt;
}

static void test_zero(void)
{
	uint64_t before = vram_free();

	ktap_equal(dirt_found(before, MIB, VRAM), 0, "new buffers in VRAM are zero");
	ktap_equal(dirt_found(8 * MIB, PAGE, VRAM), 0, "small ones, too");
	ktap_equal(dirt_found(32 * MIB, MIB, SYSTEM), 0,
		   "new buffers in system memory are zero");
	ktap_ok(comes_back(before), "all VRAM has come back");
}

static void test_places(void)
{
	uint64_t limit = vram_size / MIB + 1, n, i, moved = 0, wrong = 0;
	uint32_t *handles = calloc(limit, sizeof(*handles)), in_vram, in_system, either;
	void **at = calloc(limit, sizeof(*at));

	create(&gpu, MIB, SYSTEM, 0, &in_system);
	create(&gpu, MIB, VRAM | SYSTEM, 0, &either);
	ktap_equal(place_of(&gpu, in_system), SYSTEM, "SYSTEM is in system memory");
	ktap_equal(place_of(&gpu, either), VRAM, "VRAM | SYSTEM is in VRAM");
	drop(&gpu, either);
	drop(&gpu, in_system);

	n = fill_vram(handles, limit);
	for (i = 0; i < n; i++) {
		at[i] = map(&gpu, handles[i], MIB);
		write_pattern(at[i], MIB, i);
	}
	create(&gpu, MIB, VRAM | SYSTEM, 0, &either);
	ktap_equal(place_of(&gpu, either), SYSTEM, "when VRAM is full, in system memory");
	for (i = 0; i < n; i++)
		moved += place_of(&gpu, handles[i]) != VRAM;
	ktap_equal(moved, 0, "nobody has had to make room for it");
	ktap_equal(create(&gpu, MIB, VRAM, 0, &in_vram), 0,
		   "when VRAM is full there is room for a buffer that needs it");
	ktap_equal(place_of(&gpu, in_vram), VRAM, "it is in VRAM");
	for (i = 0; i < n; i++) {
		moved += place_of(&gpu, handles[i]) == SYSTEM;
		wrong += check_pattern(at[i], MIB, i);
	}
	ktap_ok(moved >= 1 && moved <= 2, "%llu of %llu others have made room",
		(unsigned long long)moved, (unsigned long long)n);
	ktap_equal(wrong, 0, "what is in them is the same, for mappings made before");
	drop(&gpu, in_vram);
	drop(&gpu, either);
	for (i = 0; i < n; i++) {
		munmap(at[i], MIB);
		drop(&gpu, handles[i]);
	}
	free(handles);
	free(at);
}

/* Everything that can be had, in buffers that nobody touches. */
static void test_limits(void)
{
	uint64_t before = vram_free(), size = vram_size / 8 & -PAGE, total = 0;
	uint64_t limit = (vram_size + system_size) / size + 2, n = 0, i;
	uint32_t *handles = calloc(limit, sizeof(*handles)), handle;
	int ret = 0;

	ktap_equal(create(&gpu, vram_size + 1, VRAM, 0, &handle), -ENOSPC,
		   "more than all VRAM");
	ktap_equal(create(&gpu, system_size + 1, SYSTEM, 0, &handle), -ENOSPC,
		   "more than the share of system memory");
	ktap_equal(create(&gpu, (vram_size > system_size ? vram_size : system_size) + 1,
			  VRAM | SYSTEM, 0, &handle), -ENOSPC, "more than either");
	ktap_equal(create(&gpu, ~0ull, VRAM | SYSTEM, 0, &handle), -ENOSPC, "2^64 - 1 bytes");
	ktap_equal(create(&gpu, vram_size, VRAM, 0, &handle), -ENOMEM,
		   "all VRAM, of which the driver has some");
	ktap_ok(comes_back(before), "nothing has changed");

	while (n < limit) {
		ret = create(&gpu, size, VRAM, 0, &handles[n]);
		if (ret)
			break;
		total += size;
		n++;
	}
	ktap_equal(ret, -ENOMEM, "at some time there is no memory left");
	ktap_ok(total > vram_size && total <= vram_size + system_size,
		"%llu MiB have been allocated, of %llu and %llu",
		(unsigned long long)(total / MIB), (unsigned long long)(vram_size / MIB),
		(unsigned long long)(system_size / MIB));
	for (i = 0; i < n; i++)
		drop(&gpu, handles[i]);
	free(handles);
	ktap_ok(comes_back(before), "all VRAM has come back");
}

/* ----- mappings ----- */

static void test_mappings(void)
{
	uint64_t before = vram_free();
	struct drm_vgpu_gem_mmap_offset args;
	struct vgpu other;
	uint32_t handle;
	uint8_t *at;
	int status;

	create(&gpu, MIB, VRAM, 0, &handle);
	ktap_ok(map_with(&gpu, handle, MIB, MAP_PRIVATE) == MAP_FAILED &&
		errno == EINVAL, "MAP_PRIVATE is refused");
	ktap_ok(map_with(&gpu, handle, MIB + PAGE, MAP_SHARED) == MAP_FAILED,
		"more than the buffer cannot be mapped");
	ktap_must(vgpu_open(&other, gpu.path), gpu.path);
	args = (struct drm_vgpu_gem_mmap_offset){ .handle = handle };
	vgpu_call(&gpu, DRM_IOCTL_VGPU_GEM_MMAP_OFFSET, &args);
	ktap_ok(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, other.fd, args.offset) == MAP_FAILED &&
		errno == EACCES, "other files cannot map it");
	vgpu_close(&other);

	at = map(&gpu, handle, MIB);
	drop(&gpu, handle);
	write_pattern(at, MIB, 1);
	ktap_equal(check_pattern(at, MIB, 1), 0,
		   "a mapping is as good when the handle is closed");
	ktap_ok(vram_free() + MIB <= before + TABLES, "and keeps the memory");

	munmap(at + PAGE, PAGE);
	ktap_equal(check_pattern(at, PAGE, 1), 0, "a hole leaves what is before it");
	ktap_ok(((uint32_t *)(at + 2 * PAGE))[0] == value_of(1, 2), "and behind it");
	fflush(stdout);
	if (!fork()) {
		at[0] = 0x42;
		_exit(((uint32_t *)(at + 3 * PAGE))[0] != value_of(1, 3));
	}
	wait(&status);
	ktap_ok(!status, "a child process has the mapping");
	ktap_equal(at[0], 0x42, "and the parent process sees what it has written");
	munmap(at, PAGE);
	munmap(at + 2 * PAGE, MIB - 2 * PAGE);
	ktap_ok(comes_back(before), "with the last mapping the memory goes");
}

/* As a debugger reads and writes. */
static void test_debugger(uint32_t flags, const char *where)
{
	uint32_t handle, word = 0x5ec2e7;
	int fd = open("/proc/self/mem", O_RDWR);
	uint8_t *at;

	create(&gpu, 2 * PAGE, flags, 0, &handle);
	at = map(&gpu, handle, 2 * PAGE);
	at[0] = 1;
	/* Across two pages */
	ktap_ok(pwrite(fd, &word, 4, (uintptr_t)at + PAGE - 2) == 4 &&
		at[PAGE - 2] == 0xe7 && at[PAGE - 1] == 0xc2 && at[PAGE] == 0x5e,
		"a debugger writes %s", where);
	word = 0;
	ktap_ok(pread(fd, &word, 4, (uintptr_t)at + PAGE - 2) == 4 && word == 0x5ec2e7,
		"and reads %s", where);
	munmap(at, 2 * PAGE);
	drop(&gpu, handle);
	close(fd);
}

/* ----- accounting ----- */

/* Bytes that fdinfo has under @key */
static uint64_t fdinfo(const char *key)
{
	char path[64], line[160], unit[8];
	unsigned long long value, found = ~0ull;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", gpu.fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) || line[strlen(key)] != ':')
			continue;
		unit[0] = 0;
		if (sscanf(line + strlen(key) + 1, "%llu %7s", &value, unit) < 1)
			continue;
		found = value;
		if (!strcmp(unit, "KiB"))
			found <<= 10;
		else if (!strcmp(unit, "MiB"))
			found <<= 20;
	}
	if (file)
		fclose(file);
	return found;
}

static const char *const keys[] = {
	"drm-total-vram", "drm-shared-vram", "drm-resident-vram",
	"drm-total-system", "drm-shared-system", "drm-resident-system",
};

static uint64_t counted[6];

static void count(void)
{
	int i;

	for (i = 0; i < 6; i++)
		counted[i] = fdinfo(keys[i]);
}

/* By how much each has grown since count(), in KiB. */
static void grown(const char *what, const int kib[6])
{
	int i, wrong = 0;

	for (i = 0; i < 6; i++)
		wrong += fdinfo(keys[i]) - counted[i] != kib[i] * 1024ull;
	if (ktap_ok(!wrong, "%s", what))
		return;
	for (i = 0; i < 6; i++)
		printf("# %s: %lld, not %lld\n", keys[i],
		       (long long)(fdinfo(keys[i]) - counted[i]), kib[i] * 1024ll);
}

static void test_accounting(void)
{
	uint32_t limit = vram_size / MIB + 1, n, i, in_vram, in_system, shared;
	uint32_t *handles = calloc(limit, sizeof(*handles));
	int dmabuf;

	count();
	create(&gpu, 20 * 1024, VRAM, 0, &in_vram);
	grown("20 KiB in VRAM", (int[]){ 20, 0, 20, 0, 0, 0 });
	create(&gpu, 36 * 1024, SYSTEM, 0, &in_system);
	grown("36 KiB in system memory", (int[]){ 20, 0, 20, 36, 0, 36 });
	create(&gpu, 44 * 1024, VRAM, 0, &shared);
	export(gpu.fd, shared, &dmabuf);
	grown("44 KiB in VRAM, exported", (int[]){ 64, 44, 64, 36, 0, 36 });
	drop(&gpu, shared);
	close(dmabuf);
	grown("no more", (int[]){ 20, 0, 20, 36, 0, 36 });
	drop(&gpu, in_system);
	grown("nor in system memory", (int[]){ 20, 0, 20, 0, 0, 0 });

	/* The oldest ones make room. */
	n = fill_vram(handles, limit);
	count();
	create(&gpu, 2 * MIB, VRAM, 0, &shared);
	ktap_equal(fdinfo("drm-total-vram") - counted[0], 2 * MIB, "2 MiB more in VRAM");
	ktap_equal(fdinfo("drm-resident-vram") + fdinfo("drm-resident-system"),
		   counted[2] + counted[5] + 2 * MIB,
		   "as much has moved to system memory as has left VRAM");
	ktap_ok(fdinfo("drm-resident-system") > counted[5], "some has moved");
	drop(&gpu, shared);
	drop(&gpu, in_vram);
	for (i = 0; i < n; i++)
		drop(&gpu, handles[i]);
	free(handles);
}

int main(int argc, char **argv)
{
	uint64_t before;

	if (argc != 2) {
		fprintf(stderr, "usage: vf_memory NODE\n");
		return 2;
	}
	ktap_begin("vf_memory");
	open_gpu(argv[1]);
	before = vram_free();

	test_zero();
	test_places();
	test_mappings();
	test_debugger(VRAM, "VRAM");
	test_debugger(SYSTEM, "system memory");
	test_accounting();
	test_limits();

	ktap_ok(comes_back(before), "all VRAM has come back in the end");
	vgpu_close(&gpu);
	return ktap_end();
}

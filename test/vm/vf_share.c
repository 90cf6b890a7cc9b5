// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_share NODE
 *
 * Buffers that several files have, by dma-bufs or by names, and with another driver,
 * vgem, if there is a node of it.
 *
 * vf_share --hold NODE
 *
 * Has buffers of all kinds, and mappings of them, says "ready", and waits for the end
 * of its input, while the function may go. What is left then must be usable.
 */
#include "handles.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <drm/drm_mode.h>

#include "vgem.h"

/* ----- between files ----- */

static int send_fd(int socket, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec vec = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &vec, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec vec = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &vec, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	int fd;

	if (recvmsg(socket, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* Gets a dma-buf, makes its own job write it; 0 if what was in it is right. */
static int work_of_receiver(int socket)
{
	struct vgpu_commands commands;
	int dmabuf = receive_fd(socket), ret;
	struct vgpu other;
	uint32_t handle;
	uint64_t addr;
	void *at;

	if (vgpu_open(&other, gpu.path) || import(other.fd, dmabuf, &handle))
		return 1;
	at = map(&other, handle, MIB);
	if (check_pattern(at, MIB, 7))
		return 2;
	addr = vgpu_reserve(&other, MIB);
	if (vgpu_map(&other, other.vm, handle, 0, addr, MIB, RW) ||
	    vgpu_commands_create(&other, PAGE, &commands))
		return 3;
	vgpu_emit_fill(&commands, addr, PAGE, 0x77777777);
	ret = vgpu_run(&other, 0, &commands);
	return ret ? 4 : 0;
}

/* Two processes, each with a file of its own. */
static void test_fd_passing(void)
{
	struct vgpu_bo bo;
	int dmabuf, status, sockets[2];
	uint32_t *word;

	ktap_must(vgpu_bo_create_shared(&gpu, MIB, VRAM, RW, &bo), "cannot allocate");
	write_pattern(bo.map, MIB, 7);
	ktap_equal(export(gpu.fd, bo.handle, &dmabuf), 0, "a buffer is exported");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		ktap_must(-errno, "socketpair");
	fflush(stdout);
	if (!fork())
		_exit(work_of_receiver(sockets[1]));
	ktap_equal(send_fd(sockets[0], dmabuf), 0, "it is sent to another process");
	wait(&status);
	ktap_equal(WEXITSTATUS(status), 0, "which reads it, and whose job writes it");
	word = bo.map;
	ktap_ok(word[0] == 0x77777777 && word[PAGE / 4] == value_of(7, 1),
		"what that has written is here");
	ktap_equal(place_of(&gpu, bo.handle), VRAM, "the buffer is still in VRAM");

	word = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	ktap_ok(word != MAP_FAILED && word[0] == 0x77777777, "the dma-buf can be mapped");
	word[1] = 0x12345678;
	ktap_equal(((uint32_t *)bo.map)[1], 0x12345678, "and is the same memory");
	munmap(word, MIB);
	close(sockets[0]);
	close(sockets[1]);
	close(dmabuf);
	vgpu_bo_destroy(&gpu, &bo);
}

static void test_handles(void)
{
	struct drm_gem_flink flink;
	struct drm_gem_open open_args;
	uint32_t handle, again, imported;
	struct vgpu other;
	int dmabuf;

	ktap_must(vgpu_open(&other, gpu.path), gpu.path);
	create(&gpu, PAGE, VRAM, gpu.vm, &handle);
	ktap_equal(export(gpu.fd, handle, &dmabuf), -EPERM, "a private buffer is not exported");
	ktap_equal(vgpu_map(&gpu, gpu.vm, handle, 0, vgpu_reserve(&gpu, PAGE), PAGE, RW), 0,
		   "it is mapped in its VM");
	vgpu_vm_create(&gpu, &again);
	ktap_equal(vgpu_map(&gpu, again, handle, 0, 1ull << 32, PAGE, RW), -EPERM,
		   "and in no other one");
	vgpu_vm_destroy(&gpu, again);
	flink = (struct drm_gem_flink){ .handle = handle };
	ktap_ok(ioctl(gpu.fd, DRM_IOCTL_GEM_FLINK, &flink) < 0 && errno == EACCES,
		"a render node gives no names");
	drop(&gpu, handle);

	create(&gpu, PAGE, VRAM, 0, &handle);
	ktap_equal(export(gpu.fd, handle, &dmabuf), 0, "a buffer is exported");
	ktap_equal(import(gpu.fd, dmabuf, &again), 0, "its own file imports it");
	ktap_equal(again, handle, "by the same handle");
	ktap_equal(import(other.fd, dmabuf, &imported), 0, "another file imports it");
	drop(&gpu, handle);
	close(dmabuf);
	ktap_equal(place_of(&gpu, handle), -ENOENT, "the handle is closed");
	ktap_equal(place_of(&other, imported), VRAM, "the other file still has it");
	open_args = (struct drm_gem_open){ .name = 1 };
	ktap_ok(ioctl(other.fd, DRM_IOCTL_GEM_OPEN, &open_args) < 0 && errno == EACCES,
		"a render node opens no names");
	vgpu_close(&other);
}

/* The card that belongs to the render node: names are made there. */
static int open_card(void)
{
	char path[160];
	int n, fd;

	for (n = 0; n < 64; n++) {
		snprintf(path, sizeof(path), "/sys/class/drm/%.32s/device/drm/card%d",
			 strrchr(gpu.path, '/') + 1, n);
		if (access(path, F_OK))
			continue;
		snprintf(path, sizeof(path), "/dev/dri/card%d", n);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static int name_and_open(struct vgpu *card, uint32_t vm, uint32_t *other)
{
	struct drm_gem_open args = { 0 };
	struct drm_gem_flink flink;
	uint32_t handle;
	int ret;

	ret = create(card, PAGE, VRAM, vm, &handle);
	if (ret)
		return ret;
	flink = (struct drm_gem_flink){ .handle = handle };
	ret = vgpu_call(card, DRM_IOCTL_GEM_FLINK, &flink);
	args.name = flink.name;
	if (!ret)
		ret = vgpu_call(card, DRM_IOCTL_GEM_OPEN, &args);
	*other = args.handle;
	return ret;
}

/* The old way to share: by name, for who is authenticated. */
static void test_names(void)
{
	struct vgpu card = { .fd = open_card() };
	uint32_t other;

	if (card.fd < 0) {
		ktap_skip("names", "no card node");
		return;
	}
	ktap_must(vgpu_vm_create(&card, &card.vm), "card");
	ktap_equal(name_and_open(&card, 0, &other), 0, "a buffer can be opened by name");
	ktap_equal(place_of(&card, other), VRAM, "it is the buffer");
	ktap_equal(name_and_open(&card, card.vm, &other), -EPERM, "but no private one");
	close(card.fd);
}

/* ----- with another driver ----- */

static void *map_vgem(int vgem, uint32_t handle, uint64_t size)
{
	struct drm_mode_map_dumb args = { .handle = handle };
	void *at;

	if (ioctl(vgem, DRM_IOCTL_MODE_MAP_DUMB, &args))
		ktap_must(-errno, "vgem: MAP_DUMB");
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vgem, args.offset);
	if (at == MAP_FAILED)
		ktap_must(-errno, "vgem: mmap");
	return at;
}

/* Others reach it in system memory only; there it stays as long as they are attached. */
static void test_export_to_vgem(int vgem)
{
	struct vgpu_commands commands;
	struct drm_gem_close args;
	struct vgpu_bo bo;
	uint32_t handle, *at;
	int dmabuf;

	ktap_must(vgpu_commands_create(&gpu, PAGE, &commands), "cannot allocate");
	ktap_must(vgpu_bo_create_shared(&gpu, MIB, VRAM, RW, &bo), "cannot allocate");
	write_pattern(bo.map, MIB, 8);
	vgpu_emit_fill(&commands, bo.addr, PAGE, 0x88888888);
	ktap_must(export(gpu.fd, bo.handle, &dmabuf), "cannot export");
	ktap_equal(import(vgem, dmabuf, &handle), 0, "vgem imports a buffer in VRAM");
	close(dmabuf);
	ktap_equal(place_of(&gpu, bo.handle), SYSTEM, "it is in system memory now");
	ktap_equal(check_pattern(bo.map, MIB, 8), 0, "with what was in it");
	ktap_equal(vgpu_run(&gpu, 0, &commands), 0, "a job writes it");
	ktap_equal(place_of(&gpu, bo.handle), SYSTEM, "where it is");
	at = bo.map;
	ktap_ok(at[0] == 0x88888888 && at[PAGE / 4] == value_of(8, 1), "what the job has written");
	args = (struct drm_gem_close){ .handle = handle };
	ioctl(vgem, DRM_IOCTL_GEM_CLOSE, &args);
	ktap_equal(vgpu_run(&gpu, 0, &commands), 0, "a job after vgem has left it");
	ktap_equal(place_of(&gpu, bo.handle), VRAM, "moves it back to VRAM");
	ktap_equal(at[PAGE / 4], value_of(8, 1), "with what was in it");
	vgpu_bo_destroy(&gpu, &bo);
	vgpu_commands_destroy(&gpu, &commands);
}

static void test_import_from_vgem(int vgem)
{
	struct drm_mode_create_dumb dumb = { .width = 512, .height = 512, .bpp = 32 };
	struct drm_vgpu_gem_info info;
	struct vgpu_commands commands;
	uint32_t *theirs, *ours, handle, shared;
	uint64_t addr;
	int dmabuf;

	if (ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
		ktap_must(-errno, "vgem: CREATE_DUMB");
	theirs = map_vgem(vgem, dumb.handle, dumb.size);
	write_pattern(theirs, dumb.size, 9);
	ktap_must(export(vgem, dumb.handle, &dmabuf), "vgem: export");
	ktap_equal(import(gpu.fd, dmabuf, &handle), 0, "a buffer of vgem is imported");
	info = (struct drm_vgpu_gem_info){ .handle = handle };
	ktap_equal(vgpu_call(&gpu, DRM_IOCTL_VGPU_GEM_INFO, &info), 0, "GEM_INFO");
	ktap_ok(info.flags == SYSTEM && info.placement == SYSTEM && info.size == dumb.size,
		"it is system memory of that size");
	ours = map(&gpu, handle, dumb.size);
	ktap_equal(check_pattern(ours, dumb.size, 9), 0, "it can be mapped here");
	addr = vgpu_reserve(&gpu, dumb.size);
	ktap_equal(vgpu_map(&gpu, gpu.vm, handle, 0, addr, dumb.size, RW), 0, "and in a VM");
	ktap_must(vgpu_commands_create(&gpu, PAGE, &commands), "cannot allocate");
	vgpu_emit_copy(&commands, addr, addr + PAGE, PAGE);
	ktap_equal(vgpu_run(&gpu, 0, &commands), 0, "a job copies a page of it");
	ktap_ok(theirs[0] == value_of(9, 1) && theirs[PAGE / 2] == value_of(9, 2),
		"vgem's mapping shows that");
	ktap_equal(export(gpu.fd, handle, &dmabuf), 0, "it can be exported again");
	ktap_equal(import(vgem, dmabuf, &shared), 0, "to vgem");
	ktap_equal(shared, dumb.handle, "which knows it");
	vgpu_unmap(&gpu, gpu.vm, addr, dumb.size);
	munmap(ours, dumb.size);
	munmap(theirs, dumb.size);
	close(dmabuf);
	drop(&gpu, handle);
	vgpu_commands_destroy(&gpu, &commands);
}

static void test_vgem(void)
{
	int vgem = open_vgem();

	if (vgem < 0) {
		ktap_skip("buffers of and for another driver", "no vgem");
		return;
	}
	test_export_to_vgem(vgem);
	test_import_from_vgem(vgem);
	close(vgem);
}

/* ----- when the function goes ----- */

static void hold(const char *node)
{
	struct drm_mode_create_dumb dumb = { .width = 512, .height = 512, .bpp = 32 };
	uint32_t imported, exported, shared;
	struct vgpu_bo in_vram, in_system;
	uint32_t *theirs, *ours, *passed;
	int vgem = open_vgem(), dmabuf;
	char byte;

	ktap_must(vgem < 0 ? -ENODEV : 0, "vgem");
	ktap_must(vgpu_open(&gpu, node), node);
	ktap_must(vgpu_bo_create(&gpu, MIB, RW, &in_vram), "cannot allocate");
	ktap_must(vgpu_bo_create_shared(&gpu, MIB, SYSTEM, RW, &in_system), "cannot allocate");
	write_pattern(in_vram.map, MIB, 10);
	write_pattern(in_system.map, MIB, 11);

	if (ioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
		ktap_must(-errno, "vgem: CREATE_DUMB");
	theirs = map_vgem(vgem, dumb.handle, dumb.size);
	write_pattern(theirs, dumb.size, 12);
	ktap_must(export(vgem, dumb.handle, &dmabuf), "vgem: export");
	ktap_must(import(gpu.fd, dmabuf, &imported), "import");
	close(dmabuf);
	ours = map(&gpu, imported, dumb.size);
	ktap_must(vgpu_map(&gpu, gpu.vm, imported, 0, vgpu_reserve(&gpu, dumb.size),
			   dumb.size, RW), "bind");

	ktap_must(create(&gpu, MIB, VRAM, 0, &exported), "cannot allocate");
	ktap_must(export(gpu.fd, exported, &dmabuf), "export");
	ktap_must(import(vgem, dmabuf, &shared), "vgem: import");
	passed = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0);
	ktap_must(passed == MAP_FAILED ? -errno : 0, "mmap of a dma-buf");
	write_pattern(passed, MIB, 13);

	printf("ready\n");
	while (read(0, &byte, 1) == 1)
		;
	ktap_equal(check_zero(in_vram.map, MIB), 0, "what was in VRAM is zero");
	ktap_equal(check_zero(in_system.map, MIB), 0, "and in system memory");
	ktap_equal(check_zero(passed, MIB), 0, "and what was exported");
	((uint32_t *)in_vram.map)[0] = 0x42;
	ktap_equal(((uint32_t *)in_vram.map)[0], 0x42, "a mapping can be written");
	ktap_equal(check_pattern(ours, dumb.size, 12), 0, "what was imported is there");
	theirs[0] = 0x77;
	ktap_equal(ours[0], 0x77, "and is the same memory");
	ktap_equal(create(&gpu, PAGE, SYSTEM, 0, &imported), -ENODEV, "ioctls fail");
	ktap_equal(export(vgem, dumb.handle, &dmabuf), 0, "vgem still works");
}

int main(int argc, char **argv)
{
	uint64_t before;

	if (argc == 3 && !strcmp(argv[1], "--hold")) {
		ktap_begin("vf_share");
		hold(argv[2]);
		return ktap_end();
	}
	if (argc != 2) {
		fprintf(stderr, "usage: vf_share [--hold] NODE\n");
		return 2;
	}
	ktap_begin("vf_share");
	open_gpu(argv[1]);
	before = vram_free();

	test_handles();
	test_names();
	test_fd_passing();
	test_vgem();

	ktap_ok(comes_back(before), "all VRAM has come back in the end");
	vgpu_close(&gpu);
	return ktap_end();
}

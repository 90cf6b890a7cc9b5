// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults put into ioctls: with VGPU_INJECT in the environment the allocations that an
 * ioctl makes fail, one after the other, and its copies from the process, before the
 * ioctl is let through. What was refused has changed nothing, so the program does not
 * notice: a test that passes must pass like this, too. Where faults may be is set
 * before, see test/vm/inject.sh.
 *
 * VGPU_INJECT is a file. A line is added to it for each ioctl that has met faults: its
 * number, how many, and how often it was refused for them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vgpu.h"

/* More than any ioctl has: then it never comes to an end. */
#define MOST	100000

/* So many calls of each ioctl meet faults, and then one in 64. */
#define CALLS	8
/* So many allocations of one call fail in turn; of more than these some. */
#define EACH	32

/* The largest argument. */
#define BYTES	(1 << _IOC_SIZEBITS)

static const char *wanted(void)
{
	static const char *path;
	static bool asked;

	if (!asked) {
		path = getenv("VGPU_INJECT");
		asked = true;
	}
	return path;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Of this thread: a child has inherited that of its parent. -1: not for this user. */
static int open_nth(void)
{
	static _Thread_local int fd = -1;
	static _Thread_local pid_t owner;

	if (owner != gettid()) {
		fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
		owner = gettid();
	}
	if (fd < 0 && errno != EACCES)
		die("VGPU_INJECT: /proc/thread-self/fail-nth");
	return fd;
}

static void set_nth(int fd, unsigned int n)
{
	char text[12];
	int size = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fd, text, size, 0) != size)
		die("VGPU_INJECT: fail-nth");
}

static unsigned int left_of_nth(int fd)
{
	char text[12] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		die("VGPU_INJECT: fail-nth");
	return strtoul(text, NULL, 10);
}

/**
 * vgpu_ioctl_failing() - ioctl(), one allocation or copy of which fails
 * @fd: of the node
 * @request: which one
 * @arg: its argument
 * @n: which of its allocations, and copies from and to the process, counted from 1
 * @err: how it has ended: 0 or a positive errno
 *
 * Return: whether one has failed; else there are fewer
 */
bool vgpu_ioctl_failing(int fd, unsigned long request, void *arg, unsigned int n, int *err)
{
	int nth = open_nth();
	unsigned int left;

	if (nth < 0)
		die("/proc/thread-self/fail-nth");
	set_nth(nth, n);
	*err = ioctl(fd, request, arg) ? errno : 0;
	left = left_of_nth(nth);
	set_nth(nth, 0);
	return !left;
}

static void tell(unsigned long request, unsigned int faults, unsigned int refused)
{
	char line[64];
	int fd, size;

	if (!faults)
		return;
	fd = open(wanted(), O_WRONLY | O_APPEND | O_CLOEXEC);
	size = snprintf(line, sizeof(line), "%#lx %u %u\n", _IOC_NR(request), faults,
			refused);
	if (fd < 0 || write(fd, line, size) != size)
		die(wanted());
	close(fd);
}

/*
 * What was done although something had failed is undone, so that what comes behind
 * can fail as well. Return: whether that is possible.
 */
static bool undo(int fd, unsigned long request, const void *arg)
{
	const struct drm_vgpu_gem_create *bo = arg;
	const struct drm_vgpu_queue_create *queue = arg;
	const struct drm_vgpu_vm_create *vm = arg;
	const struct drm_vgpu_vm_bind *bind = arg;

	switch (request) {
	case DRM_IOCTL_VGPU_GEM_CREATE:
		return !ioctl(fd, DRM_IOCTL_GEM_CLOSE,
			      &(struct drm_gem_close){ .handle = bo->handle });
	case DRM_IOCTL_VGPU_VM_CREATE:
		return !ioctl(fd, DRM_IOCTL_VGPU_VM_DESTROY,
			      &(struct drm_vgpu_vm_destroy){ .vm_id = vm->vm_id });
	case DRM_IOCTL_VGPU_QUEUE_CREATE:
		return !ioctl(fd, DRM_IOCTL_VGPU_QUEUE_DESTROY,
			      &(struct drm_vgpu_queue_destroy){ .queue_id = queue->queue_id });
	case DRM_IOCTL_VGPU_VM_BIND:
		/* Done twice is as done once. */
		return !bind->flags;
	default:
		return false;
	}
}

/* A test may call one thousands of times, until there are no numbers left. */
static bool is_worth_it(unsigned long request)
{
	static unsigned int calls[1 << _IOC_NRBITS];
	unsigned int n = __atomic_fetch_add(&calls[_IOC_NR(request)], 1, __ATOMIC_RELAXED);

	return n < CALLS || !(n % 64);
}

static bool is_want_of_memory(int err)
{
	return err == ENOMEM || err == EFAULT;
}

static void walk(int fd, unsigned long request, void *arg, int *err)
{
	unsigned char before[BYTES];
	unsigned int n, faults = 0, refused = 0;
	int odd = 0;

	memcpy(before, arg, _IOC_SIZE(request));
	for (n = 1; vgpu_ioctl_failing(fd, request, arg, n, err); n += n < EACH ? 1 : n / 8) {
		/* It could do without. Or the caller tries again. */
		if (!*err ? !undo(fd, request, arg) : *err == EINTR || *err == EAGAIN)
			break;
		faults++;
		if (is_want_of_memory(*err))
			refused++;
		else if (*err)
			odd = *err;
		if (n > MOST) {
			fprintf(stderr, "ioctl %#lx: more than %u faults\n", request, n);
			exit(1);
		}
		memcpy(arg, before, _IOC_SIZE(request));
	}
	if (odd && odd != *err) {
		fprintf(stderr, "ioctl %#lx: refused for want of memory: %s\n", request,
			strerror(odd));
		exit(1);
	}
	tell(request, faults, refused);
}

/**
 * vgpu_ioctl() - ioctl(), with faults put in if that is wanted
 * @fd: of the node
 * @request: which one
 * @arg: its argument
 *
 * A program is ended that was told of another error by an ioctl that lacked nothing but
 * memory.
 *
 * Return: as ioctl()
 */
int vgpu_ioctl(int fd, unsigned long request, void *arg)
{
	int err;

	if (!wanted() || !arg || !is_worth_it(request) || open_nth() < 0)
		return ioctl(fd, request, arg);
	walk(fd, request, arg, &err);
	errno = err;
	return err ? -1 : 0;
}

/**
 * vgpu_open_path() - open(), with faults put in if that is wanted
 * @path: of a node
 *
 * Return: as open()
 */
int vgpu_open_path(const char *path)
{
	int nth = wanted() ? open_nth() : -1;
	unsigned int n, left;
	int fd;

	if (nth < 0)
		return open(path, O_RDWR | O_CLOEXEC);
	for (n = 1; n < MOST; n++) {
		set_nth(nth, n);
		fd = open(path, O_RDWR | O_CLOEXEC);
		left = left_of_nth(nth);
		set_nth(nth, 0);
		if (left || (fd < 0 && errno != ENOMEM))
			return fd;
		close(fd);
	}
	fprintf(stderr, "%s: more than %u faults\n", path, n);
	exit(1);
}

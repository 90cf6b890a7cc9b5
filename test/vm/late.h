/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A submission that is under way for as long as the process wants: its jobs are in
 * memory that is not there yet, by userfaultfd. To be included by the one file of a
 * program.
 */
#ifndef VM_LATE_H
#define VM_LATE_H

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ktap.h"
#include "tasks.h"
#include "vgpu.h"

/**
 * struct late - one job; must not move
 * @gpu: whose
 * @queue: its queue
 * @task: the job
 * @jobs: where the kernel looks for it
 * @fd: tells when it does, and provides it
 * @thread: is in the ioctl
 * @ret: what it returned
 */
struct late {
	struct vgpu *gpu;
	uint32_t queue;
	struct task task;
	void *jobs;
	int fd;
	pthread_t thread;
	int ret;
};

static inline void *late_submit(void *data)
{
	struct late *late = data;
	struct drm_vgpu_submit submit = {
		.queue_id = late->queue, .job_count = 1,
		.job_bytes = sizeof(struct drm_vgpu_job), .jobs = (uintptr_t)late->jobs,
	};

	/* Once, whatever VGPU_INJECT says. */
	late->ret = ioctl(late->gpu->fd, DRM_IOCTL_VGPU_SUBMIT, &submit) ? -errno : 0;
	return NULL;
}

/* Returns when the ioctl has begun, and has checked all but its jobs. */
static inline void late_begin(struct late *late, struct vgpu *gpu, uint32_t queue,
			      const struct vgpu_commands *todo, uint32_t out)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register where = {
		.range.len = 4096, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffd_msg message;

	late->gpu = gpu;
	late->queue = queue;
	task_make(&late->task, todo, 0, out);
	late->jobs = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	where.range.start = (uintptr_t)late->jobs;
	late->fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (late->jobs == MAP_FAILED || late->fd < 0 || ioctl(late->fd, UFFDIO_API, &api) ||
	    ioctl(late->fd, UFFDIO_REGISTER, &where))
		ktap_must(-errno, "userfaultfd");
	ktap_must(-pthread_create(&late->thread, NULL, late_submit, late), "no thread");
	if (read(late->fd, &message, sizeof(message)) != sizeof(message))
		ktap_must(-errno, "userfaultfd: read");
}

/* Lets it go on; what it returns. */
static inline int late_end(struct late *late)
{
	static _Alignas(4096) char page[4096];
	struct uffdio_copy copy = {
		.dst = (uintptr_t)late->jobs, .src = (uintptr_t)page, .len = sizeof(page),
	};

	memcpy(page, &late->task.job, sizeof(late->task.job));
	ktap_must(ioctl(late->fd, UFFDIO_COPY, &copy) ? -errno : 0, "UFFDIO_COPY");
	pthread_join(late->thread, NULL);
	close(late->fd);
	munmap(late->jobs, 4096);
	return late->ret;
}

#endif

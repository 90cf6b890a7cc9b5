// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_gone NODE
 *
 * The device of NODE is about to die: says "open", and waits until the driver has
 * noticed, at most GONE_TIMEOUT_S. No ioctl may succeed then.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "vgpu.h"

/* The driver asks again a few times before it believes it, for 15 s in all. */
#define GONE_TIMEOUT_S 60

static bool wait_until_gone(struct vgpu *gpu)
{
	time_t end = time(NULL) + GONE_TIMEOUT_S;
	uint64_t value;

	while (vgpu_param(gpu, DRM_VGPU_PARAM_RINGS, &value) != -ENODEV) {
		if (time(NULL) > end)
			return false;
		usleep(100000);
	}
	return true;
}

static void test_refused(struct vgpu *gpu, uint32_t queue, const struct vgpu_commands *nop)
{
	struct drm_vgpu_queue_state state;
	struct vgpu_bo bo;
	uint32_t number;

	ktap_equal(vgpu_bo_create_shared(gpu, 4096, DRM_VGPU_GEM_SYSTEM,
					 DRM_VGPU_BIND_READ, &bo), -ENODEV,
		   "GEM_CREATE in system memory: no device");
	ktap_equal(vgpu_vm_create(gpu, &number), -ENODEV, "VM_CREATE: no device");
	ktap_equal(vgpu_queue_create(gpu, gpu->vm, 0, DRM_VGPU_PRIORITY_NORMAL, &number),
		   -ENODEV, "QUEUE_CREATE: no device");
	ktap_equal(vgpu_queue_state(gpu, queue, &state), -ENODEV, "QUEUE_STATE: no device");
	ktap_equal(vgpu_submit_commands(gpu, 0, nop, 0, 0), -ENODEV, "SUBMIT: no device");
	ktap_equal(vgpu_sync_create(gpu, false, &number), -ENODEV, "syncobjs: no device");
}

int main(int argc, char **argv)
{
	struct vgpu_commands nop;
	struct vgpu gpu;

	if (argc != 2) {
		fprintf(stderr, "usage: vf_gone NODE\n");
		return 2;
	}
	ktap_begin("vf_gone");
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(vgpu_commands_create(&gpu, 4096, &nop), "no buffer");
	vgpu_emit_nop(&nop, 1);
	puts("# open");
	fflush(stdout);
	if (ktap_ok(wait_until_gone(&gpu), "it is noticed that the device is gone"))
		test_refused(&gpu, gpu.queues[0], &nop);
	vgpu_close(&gpu);
	return ktap_end();
}

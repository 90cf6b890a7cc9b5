// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_unplug NODE
 *
 * The function is reset, and then the driver is unbound, while this process uses
 * it: buffers, mappings, jobs that run, jobs that wait, a sync_file. Nothing may
 * hang or crash, each job ends with the right error, and afterwards the function
 * is as good as new.
 */
#include <fcntl.h>
#include <linux/sync_file.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "late.h"
#include "vgpu.h"

#define RW (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE)
#define JOBS 100
/* Work-groups of a job: 2 s of work in all; 40 s, which nobody is too slow to end. */
#define SHORT	1000
#define LONG	20000
#define GROUP_NS 20000

static struct vgpu gpu;
static struct vgpu_commands work, nop;
static struct vgpu_bo data;
static uint32_t done[JOBS], gate, gated;

static char address[32];

/* /sys/class/drm/renderD128/device -> ../../../0000:01:00.1 */
static void find_address(void)
{
	char link[96], target[256];
	ssize_t length;

	snprintf(link, sizeof(link), "/sys/class/drm/%s/device", strrchr(gpu.path, '/') + 1);
	length = readlink(link, target, sizeof(target) - 1);
	if (length < 0)
		ktap_must(-errno, link);
	target[length] = 0;
	snprintf(address, sizeof(address), "%s", strrchr(target, '/') + 1);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void setup(const char *node)
{
	int i;

	ktap_must(vgpu_open(&gpu, node), node);
	find_address();
	ktap_must(vgpu_bo_create(&gpu, 1 << 20, RW, &data), "no buffer");
	ktap_must(vgpu_commands_create(&gpu, 4096, &work), "no buffer");
	ktap_must(vgpu_commands_create(&gpu, 4096, &nop), "no buffer");
	for (i = 0; i < JOBS; i++)
		ktap_must(vgpu_sync_create(&gpu, false, &done[i]), "no syncobj");
	ktap_must(vgpu_sync_create(&gpu, false, &gate), "no syncobj");
	ktap_must(vgpu_sync_create(&gpu, false, &gated), "no syncobj");
	vgpu_emit_nop(&nop, 1);
}

/* What the next jobs do. None is under way. */
static void set_work(uint32_t groups)
{
	vgpu_commands_reset(&work);
	vgpu_emit_spin(&work, false, groups, GROUP_NS, data.addr);
	memset(data.map, 0, groups * sizeof(uint64_t));
}

/* Work on all rings: more than is in the rings at a time. */
static void load(uint32_t groups)
{
	int i, refused = 0;

	set_work(groups);
	for (i = 0; i < JOBS; i++) {
		vgpu_sync_reset(&gpu, done[i]);
		refused += !!vgpu_submit_commands(&gpu, i % gpu.rings, &work, 0, done[i]);
	}
	ktap_equal(refused, 0, "100 jobs are accepted");
	ktap_equal(vgpu_sync_wait(&gpu, done[0], 0, VGPU_RUN_TIMEOUT_MS), 0,
		   "the first one ends");
}

/* All end, as complete or with @error, some of them with @error. */
static void load_ends(int error, const char *what)
{
	int i, status, complete = 0, failed = 0;

	for (i = 0; i < JOBS; i++) {
		if (vgpu_sync_wait(&gpu, done[i], 0, VGPU_RUN_TIMEOUT_MS))
			continue;
		status = vgpu_sync_status(&gpu, done[i]);
		complete += status == 1;
		failed += status == error;
	}
	if (!ktap_ok(complete && failed && complete + failed == JOBS, "%s", what))
		printf("# %d complete, %d with %d, of %d\n", complete, failed, error, JOBS);
}

static void test_reset(void)
{
	uint64_t lost_before, lost_after, i, wrong = 0;
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", address);
	vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_LOST, &lost_before);
	load(LONG);
	ktap_equal(write_file(path, "1"), 0, "the function is reset");
	load_ends(-ECANCELED, "jobs are complete or canceled");
	vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_LOST, &lost_after);
	ktap_equal(lost_after, lost_before + 1, "VRAM is reported as lost");

	/* The handles, mappings and addresses are still good. */
	set_work(SHORT);
	ktap_equal(vgpu_run(&gpu, 0, &work), 0, "the same file can go on");
	for (i = 0; i < SHORT; i++)
		wrong += ((uint64_t *)data.map)[i] != 1;
	ktap_equal(wrong, 0, "with the right results");
}

static int export_sync_file(uint32_t handle)
{
	struct drm_syncobj_handle export = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};

	return ioctl(gpu.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export) ? -errno : export.fd;
}

/* A job that waits for a fence which only this process can signal. */
static void submit_gated(void)
{
	struct drm_syncobj_handle import = {
		.handle = gate,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
	};

	import.fd = export_sync_file(done[JOBS - 1]);
	if (import.fd < 0 || ioctl(gpu.fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import))
		ktap_must(-errno, "cannot import a sync_file");
	close(import.fd);
	ktap_equal(vgpu_submit_commands(&gpu, 0, &nop, gate, gated), 0,
		   "a job that waits for the last one is accepted");
}

static void test_unbind(void)
{
	volatile uint64_t *word = data.map;
	uint64_t value;
	struct vgpu second;
	struct late late;
	uint32_t own;
	int fence;

	load(LONG);
	submit_gated();
	ktap_must(vgpu_queue_create(&gpu, gpu.vm, 0, 0, &own), "no queue");
	late_begin(&late, &gpu, own, &nop, 0);
	fence = export_sync_file(done[JOBS - 1]);
	word[0] = 42;
	ktap_equal(write_file("/sys/bus/pci/drivers/vgpu_vf/unbind", address), 0,
		   "the driver is unbound");

	value = word[0] + word[1000];
	ktap_ok(!value, "the mapping can be read: zero");
	word[0] = 43;
	ktap_ok(word[0] == 43, "and written");
	ktap_equal(vgpu_param(&gpu, DRM_VGPU_PARAM_RINGS, &value), -ENODEV,
		   "GET_PARAM: no device");
	ktap_equal(vgpu_submit_commands(&gpu, 0, &nop, 0, 0), -ENODEV, "SUBMIT: no device");
	ktap_equal(late_end(&late), 0, "one that had begun before comes to its end");
	ktap_equal(vgpu_open(&second, gpu.path), -ENODEV, "open: no device");
	vgpu_close(&gpu);

	ktap_ok(fence >= 0, "a sync_file outlives all of it");
	ktap_equal(write_file("/sys/bus/pci/drivers/vgpu_vf/bind", address), 0,
		   "the driver is bound again");
	ktap_ok(word[0] == 43, "the mapping is still there");
	close(fence);
}

/* In a process of its own: wants what the job at the gate uses. */
static pid_t want_room(uint64_t size)
{
	struct drm_vgpu_gem_create args = { .size = size, .flags = DRM_VGPU_GEM_VRAM };
	int ready[2];
	pid_t pid;
	char c;

	ktap_must(pipe(ready) ? -errno : 0, "no pipe");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(ready[0]);
		close(ready[1]);
		_exit(ioctl(gpu.fd, DRM_IOCTL_VGPU_GEM_CREATE, &args) ? errno : 0);
	}
	close(ready[1]);
	ktap_must(read(ready[0], &c, 1), "it does not begin");
	close(ready[0]);
	return pid;
}

static char state_of(pid_t pid)
{
	char path[32], state = 'X';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	if (file)
		fclose(file);
	return state;
}

/* Who waits for room does not keep the driver, or that of another device, from going. */
static void test_unbind_wanted(void)
{
	struct sync_file_info info = {};
	struct vgpu_bo most;
	struct gate held;
	int status, fence;
	uint64_t size;
	pid_t pid;

	ktap_must(vgpu_param(&gpu, DRM_VGPU_PARAM_VRAM_FREE, &size), "VRAM_FREE");
	size = size / 4 * 3 & -4096ull;
	ktap_must(vgpu_bo_create(&gpu, size, RW, &most), "no buffer");
	gate_close(&held, &gpu, gpu.queues[0]);
	fence = export_sync_file(held.passed);
	pid = want_room(size);
	while (!strchr("SZX", state_of(pid)))
		usleep(1000);
	ktap_equal(state_of(pid), 'S', "who wants what a job uses waits");
	ktap_equal(write_file("/sys/bus/pci/drivers/vgpu_vf/unbind", address), 0,
		   "the driver is unbound meanwhile");
	ktap_must(ioctl(fence, SYNC_IOC_FILE_INFO, &info) ? -errno : 0, "SYNC_IOC_FILE_INFO");
	ktap_equal(info.status, -ENODEV,
		   "which has ended the job, and has not waited for it");
	waitpid(pid, &status, 0);
	ktap_ok(WIFEXITED(status) && WEXITSTATUS(status) == ENODEV,
		"who has waited is told that there is no device");
	close(fence);
	vgpu_close(&gpu);
	ktap_equal(write_file("/sys/bus/pci/drivers/vgpu_vf/bind", address), 0,
		   "the driver is bound once more");
}

int main(int argc, char **argv)
{
	char node[32];

	if (argc != 2) {
		fprintf(stderr, "usage: vf_unplug NODE\n");
		return 2;
	}
	ktap_begin("vf_unplug");
	setup(argv[1]);
	test_reset();
	test_unbind();
	/* By address: its number may have changed. */
	snprintf(node, sizeof(node), "%s", address);
	setup(node);
	load(SHORT);
	ktap_equal(vgpu_sync_wait(&gpu, done[JOBS - 1], 0, VGPU_RUN_TIMEOUT_MS), 0,
		   "a new file works");
	ktap_equal(vgpu_sync_status(&gpu, done[JOBS - 1]), 1, "to the last job");
	test_unbind_wanted();
	return ktap_end();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream NODE [OPTION...]: a stream of spinning kernels, checked
 *
 * --jobs N	how many (0: until SIGTERM or SIGINT, which is not an error)
 * --groups N	work-groups of a job (100)
 * --vary	1...N of them, in a repeatable sequence
 * --group-ns N	length of a work-group (0: as the device has it)
 * --depth N	jobs queued at a time (2)
 * --atomic	not preemptible between work-groups
 * --begun FILE	to be created when the queue is full for the first time
 * --expect N	all jobs end with errno N (0: complete) instead; stops at the first
 *		that does, successful jobs before it are fine
 *
 * Each work-group counts in memory: at the end every counter must say how many
 * jobs had that group, no matter how often they were preempted. Jobs of more
 * than COUNTERS groups are not counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vgpu.h"

#define COUNTERS	65536
#define DEPTH_MAX	64

struct job {
	struct vgpu_commands commands;
	uint32_t sync;
	bool busy;
};

static struct vgpu gpu;
static struct vgpu_bo counts;
static struct job queue[DEPTH_MAX];
static uint64_t expected[COUNTERS];

static uint64_t jobs_limit, group_ns, seed = 1;
static uint32_t groups = 100, depth = 2;
static bool vary, atomic;
static const char *begun;
static int expect;

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

static void die(const char *what, int error)
{
	fprintf(stderr, "stream: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static uint64_t number(const char *text, uint64_t high)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 0);

	if (!*text || *end || value > high) {
		fprintf(stderr, "stream: %s is not in 0...%llu\n", text,
			(unsigned long long)high);
		exit(2);
	}
	return value;
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "jobs", required_argument, NULL, 'j' },
		{ "groups", required_argument, NULL, 'g' },
		{ "vary", no_argument, NULL, 'v' },
		{ "group-ns", required_argument, NULL, 'n' },
		{ "depth", required_argument, NULL, 'd' },
		{ "atomic", no_argument, NULL, 'a' },
		{ "begun", required_argument, NULL, 'b' },
		{ "expect", required_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		switch (option) {
		case 'j':
			jobs_limit = number(optarg, UINT64_MAX);
			break;
		case 'g':
			groups = number(optarg, UINT32_MAX);
			break;
		case 'v':
			vary = true;
			break;
		case 'n':
			group_ns = number(optarg, VGPU_SPIN_MAX_NS);
			break;
		case 'd':
			depth = number(optarg, DEPTH_MAX);
			break;
		case 'a':
			atomic = true;
			break;
		case 'b':
			begun = optarg;
			break;
		case 'e':
			expect = number(optarg, 4095);
			break;
		default:
			exit(2);
		}
	}
	if (optind + 1 != argc || !groups || !depth) {
		fprintf(stderr, "stream NODE [OPTION...]: see its source\n");
		exit(2);
	}
}

static void set_up(const char *node)
{
	uint32_t i;
	int ret;

	ret = vgpu_open(&gpu, node);
	if (ret)
		die(node, ret);
	ret = vgpu_bo_create(&gpu, COUNTERS * 8, DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE,
			     &counts);
	if (ret)
		die("buffer of counters", ret);
	for (i = 0; i < depth; i++) {
		ret = vgpu_commands_create(&gpu, 4096, &queue[i].commands);
		if (!ret)
			ret = vgpu_sync_create(&gpu, false, &queue[i].sync);
		if (ret)
			die("buffer of commands", ret);
	}
}

/* How the job ended: 0, or its errno. */
static int finish(struct job *job)
{
	int ret;

	if (!job->busy)
		return 0;
	job->busy = false;
	do {
		ret = vgpu_sync_wait(&gpu, job->sync, 0, VGPU_RUN_TIMEOUT_MS);
	} while (ret == -EINTR);
	if (ret)
		die("waiting for a job", ret);
	ret = vgpu_sync_status(&gpu, job->sync);
	return ret == 1 ? 0 : -ret;
}

static int begin(struct job *job)
{
	uint32_t n = vary ? 1 + vgpu_random(&seed) % groups : groups;
	bool counted = groups <= COUNTERS;
	uint32_t i;

	vgpu_commands_reset(&job->commands);
	vgpu_emit_spin(&job->commands, atomic, n, group_ns,
		       counted ? counts.addr : VGPU_SPIN_NO_COUNT);
	for (i = 0; counted && i < n; i++)
		expected[i]++;
	job->busy = true;
	return -vgpu_submit_commands(&gpu, 0, &job->commands, 0, job->sync);
}

/* For test/vm/load.sh. */
static void tell_begun(void)
{
	int fd = open(begun, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		die(begun, errno);
	close(fd);
}

static void verify(uint64_t jobs)
{
	const uint64_t *got = counts.map;
	uint64_t done = 0;
	uint32_t i;

	if (groups > COUNTERS) {
		printf("%llu jobs\n", (unsigned long long)jobs);
		return;
	}
	for (i = 0; i < groups; i++) {
		if (got[i] != expected[i]) {
			fprintf(stderr, "stream: group %u was run %llu times, not %llu\n",
				i, (unsigned long long)got[i],
				(unsigned long long)expected[i]);
			exit(1);
		}
		done += got[i];
	}
	printf("%llu jobs, %llu work-groups verified\n", (unsigned long long)jobs,
	       (unsigned long long)done);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	uint64_t jobs;
	uint32_t i;
	int ret = 0;

	options(argc, argv);
	set_up(argv[optind]);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);

	for (jobs = 0; !stop && !ret && (!jobs_limit || jobs < jobs_limit); jobs++) {
		struct job *job = &queue[jobs % depth];

		ret = finish(job);
		if (!ret)
			ret = begin(job);
		if (begun && jobs + 1 == depth)
			tell_begun();
	}
	for (i = 0; i < depth && !ret; i++)
		ret = finish(&queue[(jobs + i) % depth]);

	if (expect) {
		if (ret != expect)
			die("expected another end, got", ret);
		printf("%llu jobs, then: %s\n", (unsigned long long)jobs, strerror(ret));
		return 0;
	}
	if (ret)
		die("job", ret);
	verify(jobs);
	return 0;
}

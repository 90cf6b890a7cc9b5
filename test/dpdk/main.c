// SPDX-License-Identifier: GPL-2.0-only
/*
 * vgpu-dpdk: VFs of a vgpu in user space. README.md tells all about it.
 *
 * Usage: vgpu-dpdk EAL-OPTION... -- MODE [OPTION...] DEVICE...
 *        vgpu-dpdk ask [SOCKET] COMMAND
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_debug.h>
#include <rte_eal.h>

#include "log.h"
#include "report.h"
#include "session.h"

RTE_LOG_REGISTER(vgpu_logtype, vgpu, NOTICE);

#define SOCKET_PATH	"/var/run/dpdk/rte/dpdk_telemetry.v2"
#define DEPTH_MAX	4096

static void usage(void)
{
	unsigned int i;

	printf("usage: vgpu-dpdk EAL-OPTION... -- MODE [OPTION...] DEVICE...\n"
	       "       vgpu-dpdk ask [SOCKET] COMMAND\n\nMODE:\n");
	for (i = 0; i < mode_count; i++)
		printf("  %-12s %s\n", modes[i].name, modes[i].what);
	printf("DEVICE: address of a VF that is bound to vfio-pci, 0000:01:00.1\n\n"
	       "--submissions N   of each queue (0: until --seconds, SIGTERM or SIGINT)\n"
	       "--seconds S       stop after this time\n"
	       "--work KIND       ");
	for (i = 0; i < WORK_KINDS; i++)
		printf("%s%s", work_names[i], i + 1 < WORK_KINDS ? " " : " (mix)\n");
	printf("--groups N        work-groups of spin, 1...%u (100)\n"
	       "--group-ns N      length of each (0: as the device has it)\n"
	       "--depth N         submissions in a ring at a time, 1...%u (by mode)\n"
	       "--batch N         submissions for each doorbell, 1...32 (1)\n"
	       "--gap-us N        pause between submissions, with depth 1 (0)\n"
	       "--rings N         queues of each function (1)\n"
	       "--producers N     worker lcores that only prepare commands (0)\n"
	       "--interrupts      wait for eventfds instead of polling fences\n"
	       "--no-check        do not compute results again\n"
	       "--shared          one VFIO container for all functions\n"
	       "--yield           lcores share CPUs: give them away when idle\n"
	       "--victims N       the first N functions, in mode mixed (1)\n"
	       "--attack KIND     of the others:", WORK_GROUPS_MAX, DEPTH_MAX);
	for (i = 0; i < attack_count; i++)
		printf(" %s", attacks[i].name);
	printf(" (flood)\n"
	       "--steps N         of mode fuzz (0: until --seconds, SIGTERM or SIGINT)\n"
	       "--seed N          of mode fuzz (1)\n"
	       "--record FILE     in mode throughput, of the first function\n"
	       "--from FILE       in mode replay\n"
	       "--paced           in mode replay, at the recorded times\n"
	       "--json FILE       figures\n");
}

static void fail(const char *what, const char *text)
{
	fprintf(stderr, "vgpu-dpdk: %s %s; see --help\n", what, text);
	exit(2);
}

static uint64_t number(const char *name, const char *text, uint64_t low, uint64_t high)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 0);

	if (!*text || *end || *text == '-' || value < low || value > high) {
		fprintf(stderr, "vgpu-dpdk: --%s takes %llu...%llu, not %s\n", name,
			(unsigned long long)low, (unsigned long long)high, text);
		exit(2);
	}
	return value;
}

static enum work_kind kind_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < WORK_KINDS; i++)
		if (!strcmp(name, work_names[i]))
			return i;
	fail("there is no work", name);
	return 0;
}

static const struct attack *attack_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < attack_count; i++)
		if (!strcmp(name, attacks[i].name))
			return &attacks[i];
	fail("there is no attack", name);
	return NULL;
}

static const struct mode *mode_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < mode_count; i++)
		if (!strcmp(name, modes[i].name))
			return &modes[i];
	fail("there is no mode", name);
	return NULL;
}

static const struct option known[] = {
	{ "submissions", required_argument, NULL, 'n' },
	{ "seconds", required_argument, NULL, 's' },
	{ "work", required_argument, NULL, 'w' },
	{ "groups", required_argument, NULL, 'g' },
	{ "group-ns", required_argument, NULL, 'l' },
	{ "depth", required_argument, NULL, 'd' },
	{ "batch", required_argument, NULL, 'b' },
	{ "gap-us", required_argument, NULL, 'u' },
	{ "rings", required_argument, NULL, 'r' },
	{ "producers", required_argument, NULL, 'p' },
	{ "interrupts", no_argument, NULL, 'i' },
	{ "no-check", no_argument, NULL, 'c' },
	{ "shared", no_argument, NULL, 'S' },
	{ "yield", no_argument, NULL, 'y' },
	{ "victims", required_argument, NULL, 'v' },
	{ "attack", required_argument, NULL, 'a' },
	{ "steps", required_argument, NULL, 't' },
	{ "seed", required_argument, NULL, 'e' },
	{ "record", required_argument, NULL, 'R' },
	{ "from", required_argument, NULL, 'f' },
	{ "paced", no_argument, NULL, 'P' },
	{ "json", required_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void plan_option(struct plan *plan, int option, const char *name)
{
	switch (option) {
	case 'n':
		plan->limit = number(name, optarg, 0, UINT32_MAX);
		break;
	case 'w':
		plan->work.kind = kind_of(optarg);
		break;
	case 'g':
		plan->work.groups = number(name, optarg, 1, WORK_GROUPS_MAX);
		break;
	case 'l':
		plan->work.group_ns = number(name, optarg, 0, VGPU_SPIN_MAX_NS);
		break;
	case 'd':
		plan->depth = number(name, optarg, 1, DEPTH_MAX);
		break;
	case 'b':
		plan->batch = number(name, optarg, 1, PLAN_BATCH_MAX);
		break;
	case 'u':
		plan->gap_ns = number(name, optarg, 0, 1000000000) * 1000;
		break;
	case 'i':
		plan->interrupts = true;
		break;
	case 'c':
		plan->check = false;
		break;
	}
}

static void session_option(struct options *options, int option, const char *name)
{
	switch (option) {
	case 's':
		options->seconds = number(name, optarg, 0, 86400);
		break;
	case 'r':
		options->rings = number(name, optarg, 1, VGPU_MAX_RINGS);
		break;
	case 'p':
		options->producers = number(name, optarg, 0, RTE_MAX_LCORE);
		break;
	case 'S':
		options->shared = true;
		break;
	case 'y':
		options->yield = true;
		break;
	case 'v':
		options->victims = number(name, optarg, 1, VGPU_MAX_FUNCTIONS);
		break;
	case 'a':
		options->attack = attack_of(optarg);
		break;
	case 't':
		options->steps = number(name, optarg, 0, UINT64_MAX);
		break;
	case 'e':
		options->seed = number(name, optarg, 0, UINT64_MAX);
		break;
	case 'R':
		options->record = optarg;
		break;
	case 'f':
		options->from = optarg;
		break;
	case 'P':
		options->paced = true;
		break;
	case 'j':
		options->json = optarg;
		break;
	case 'h':
		usage();
		exit(0);
	case '?':
		exit(2);
	}
}

static void parse(struct options *options, int argc, char **argv)
{
	int option, index;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, &index)) >= 0) {
		plan_option(&options->plan, option, known[index].name);
		session_option(options, option, known[index].name);
	}
	if (argc - optind < 2)
		fail("a mode and a device", "are needed");
	options->mode = mode_of(argv[optind]);
	options->bdfs = &argv[optind + 1];
	options->count = argc - optind - 1;
	if (options->record && (options->rings > 1 || options->producers))
		fail("--record", "is for one ring and no producers");
	if (!options->from == !strcmp(options->mode->name, "replay"))
		fail("--from", "belongs to mode replay");
	if (!options->plan.depth)
		options->plan.depth = options->mode->depth;
	if (options->plan.gap_ns && options->plan.depth > 1 &&
	    strcmp(options->mode->name, "mixed"))
		fail("--gap-us", "is for depth 1");
}

static void on_signal(int signal)
{
	(void)signal;
	session_stop();
}

int main(int argc, char **argv)
{
	struct options options = {
		.plan = {
			.work = { .kind = WORK_MIX, .groups = 100, .counted = true },
			.batch = 1, .check = true,
		},
		.rings = 1, .victims = 1, .attack = &attacks[0], .seed = 1,
	};
	struct sigaction action = { .sa_handler = on_signal };
	int used, status;

	if (argc >= 3 && !strcmp(argv[1], "ask"))
		return telemetry_ask(argc > 3 ? argv[2] : SOCKET_PATH, argv[argc - 1]);
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		usage();
		return 0;
	}
	used = rte_eal_init(argc, argv);
	if (used < 0)
		rte_exit(2, "vgpu-dpdk: EAL does not start\n");
	parse(&options, argc - used, argv + used);
	telemetry_start();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	status = session_run(&options);
	rte_eal_cleanup();
	return status;
}

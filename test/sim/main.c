// SPDX-License-Identifier: GPL-2.0-only
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "engine.h"
#include "schedulers.h"

#define SETS	64

static const char usage[] =
	"usage: sim [OPTION]... SCENARIO.sim\n"
	"\n"
	"Simulates what SCENARIO.sim describes and prints what was measured, as JSON.\n"
	"\n"
	"  -p, --policy NAME      this scheduler instead of the scenario's\n"
	"  -s, --set LINE         one more line of the scenario\n"
	"  -l, --lenient          drop settings that the scheduler does not have\n"
	"  -t, --trace FILE       write what pictures are made from, CSV\n"
	"  -e, --every MS         sample the lag there so often (1)\n"
	"  -w, --wall             tell the speed on standard error\n"
	"      --list             print the schedulers\n";

/* The command line. */
struct command {
	const char *set[SETS];
	unsigned int sets;
	const char *policy;
	const char *trace;
	bool wall;
	struct sim_options options;
};

static void list(void)
{
	unsigned int i;

	for (i = 0; sim_schedulers[i]; i++)
		printf("%-14s %s\n", sim_schedulers[i]->name, sim_schedulers[i]->about);
	for (i = 0; vgpu_sched_policy_at(i); i++)
		printf("%-14s %s\n", vgpu_sched_policy_name(vgpu_sched_policy_at(i)),
		       sim_core.about);
}

static void parse_command(struct command *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "set", required_argument, NULL, 's' },
		{ "lenient", no_argument, NULL, 'l' },
		{ "trace", required_argument, NULL, 't' },
		{ "every", required_argument, NULL, 'e' },
		{ "wall", no_argument, NULL, 'w' },
		{ "list", no_argument, NULL, 'L' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL }
	};
	int option;

	while ((option = getopt_long(argc, argv, "p:s:lt:e:wh", options, NULL)) >= 0) {
		switch (option) {
		case 'p':
			c->policy = optarg;
			break;
		case 's':
			if (c->sets == SETS) {
				fprintf(stderr, "sim: --set can be given %u times\n", SETS);
				exit(2);
			}
			c->set[c->sets++] = optarg;
			break;
		case 'l':
			c->options.lenient = true;
			break;
		case 't':
			c->trace = optarg;
			break;
		case 'e':
			c->options.trace_every = strtoul(optarg, NULL, 10);
			break;
		case 'w':
			c->wall = true;
			break;
		case 'L':
			list();
			exit(0);
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (argc - optind != 1) {
		fputs(usage, stderr);
		exit(2);
	}
}

static int read_scenario(struct scenario *sc, const struct command *c, const char *path,
			 char *error, size_t size)
{
	char line[SCENARIO_NAME + 16];
	unsigned int i;
	int ret;

	ret = scenario_read(sc, path, error, size);
	for (i = 0; i < c->sets && !ret; i++)
		ret = scenario_line(sc, "--set", i + 1, c->set[i], error, size);
	if (c->policy && !ret) {
		snprintf(line, sizeof(line), "policy %s", c->policy);
		ret = scenario_line(sc, "--policy", 1, line, error, size);
	}
	return ret ? ret : scenario_finish(sc, error, size);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void tell_speed(const struct sim *sim, double wall)
{
	double simulated = sim->m.now / 1e9;
	unsigned int i, declared = 0;

	for (i = 0; i < sim->sc->functions; i++)
		declared += sim->sc->function[i].declared;
	fprintf(stderr, "%.0f s of %u functions in %.3f s: %.0f function-seconds per second\n",
		simulated, declared, wall, simulated * declared / wall);
}

static int simulate(const struct scenario *sc, struct command *c)
{
	double begin = seconds();
	struct sim *sim;
	int ret;

	if (c->trace) {
		c->options.trace = fopen(c->trace, "w");
		if (!c->options.trace) {
			fprintf(stderr, "sim: %s: %s\n", c->trace, strerror(errno));
			return 1;
		}
	}
	sim = sim_new(sc, &c->options);
	ret = sim_run(sim);
	if (ret)
		fprintf(stderr, "sim: %s\n", sim->error);
	else
		sim_print(sim, stdout);
	if (c->wall)
		tell_speed(sim, seconds() - begin);
	sim_free(sim);
	if (c->options.trace)
		fclose(c->options.trace);
	return ret ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct command c = { 0 };
	struct scenario *sc = malloc(sizeof(*sc));
	char error[SIM_ERROR];
	int ret = 2;

	parse_command(&c, argc, argv);
	scenario_init(sc);
	if (read_scenario(sc, &c, argv[optind], error, sizeof(error)))
		fprintf(stderr, "sim: %s\n", error);
	else
		ret = simulate(sc, &c);
	scenario_free(sc);
	free(sc);
	return ret;
}

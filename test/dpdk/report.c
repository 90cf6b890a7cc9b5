// SPDX-License-Identifier: GPL-2.0-only
/* Figures; see report.h. What the fields mean is in README.md. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "fuzz.h"
#include "log.h"
#include "report.h"

static const struct {
	const char *name;
	uint32_t permille;
} quantiles[] = { { "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "p999", 999 } };

static void merge(struct vgpu_histogram *into, const struct vgpu_histogram *from)
{
	unsigned int i;

	if (!from->count)
		return;
	into->min = into->count ? RTE_MIN(into->min, from->min) : from->min;
	into->max = RTE_MAX(into->max, from->max);
	into->count += from->count;
	into->sum += from->sum;
	for (i = 0; i < VGPU_HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

void report_collect(const struct client *client, struct figures *figures)
{
	uint64_t begun = UINT64_MAX, ended = 0;
	unsigned int i;

	memset(figures, 0, sizeof(*figures));
	for (i = 0; i < client->count; i++) {
		const struct stats *stats = &client->queues[i].stats;

		figures->submitted += stats->submitted;
		figures->completed += stats->completed;
		figures->wrong += stats->wrong;
		figures->faults += stats->faults;
		figures->doorbells += client->queues[i].ring.doorbells;
		figures->polls += stats->polls;
		merge(&figures->latency, &stats->latency);
		if (stats->begun)
			begun = RTE_MIN(begun, stats->begun);
		ended = RTE_MAX(ended, stats->ended);
	}
	if (ended <= begun)
		return;
	figures->elapsed_ns = (unsigned __int128)(ended - begun) * 1000000000 /
			      rte_get_tsc_hz();
	figures->per_second = (unsigned __int128)figures->completed * 1000000000 /
			      figures->elapsed_ns;
}

/* INDIRECT, the kernel, FENCE. */
uint64_t report_device_ns(const struct client *client)
{
	const struct work *work = &client->queues[0].plan.work;

	if (!client->packet_ns || !client->count)
		return 0;
	if (work->kind == WORK_EMPTY)
		return 3 * client->packet_ns;
	if (work->kind == WORK_SPIN && work->group_ns)
		return 2 * client->packet_ns +
		       work->groups * RTE_MAX(work->group_ns, client->packet_ns);
	return 0;
}

static void write_latency(FILE *file, const struct vgpu_histogram *h)
{
	unsigned int i;

	fprintf(file, "\"latency_ns\": {\"count\": %llu, \"min\": %llu, \"mean\": %llu",
		h->count, h->min, h->count ? h->sum / h->count : 0);
	for (i = 0; i < RTE_DIM(quantiles); i++)
		fprintf(file, ", \"%s\": %llu", quantiles[i].name,
			vgpu_histogram_quantile(h, quantiles[i].permille));
	fprintf(file, ", \"max\": %llu}", h->max);
}

static void write_client(FILE *file, const struct client *client)
{
	struct figures f;

	report_collect(client, &f);
	fprintf(file, "  {\"device\": \"%s\", \"function\": %u, \"role\": \"%s\", "
		"\"queues\": %u,\n   ", client->fn.vfio.bdf, client->fn.number, client->role,
		client->count);
	fprintf(file, "\"submitted\": %" PRIu64 ", \"completed\": %" PRIu64
		", \"wrong\": %" PRIu64 ", \"faults\": %" PRIu64 ", \"doorbells\": %" PRIu64
		", \"polls\": %" PRIu64 ",\n   ", f.submitted, f.completed, f.wrong, f.faults,
		f.doorbells, f.polls);
	fprintf(file, "\"elapsed_ns\": %" PRIu64 ", \"per_second\": %" PRIu64
		", \"device_ns\": %" PRIu64 ",\n   ", f.elapsed_ns, f.per_second,
		report_device_ns(client));
	write_latency(file, &f.latency);
}

static void write_costs(FILE *file, const struct client *client)
{
	unsigned int i;

	fprintf(file, ",\n   \"cost\": [");
	for (i = 0; i < RTE_DIM(client->costs); i++) {
		const struct cost *cost = &client->costs[i];

		fprintf(file, "%s{\"batch\": %u, \"submit\": %.2f, \"reap\": %.2f, \"all\": %.2f}",
			i ? ", " : "", cost->batch, cost->submit, cost->reap,
			cost->turn);
	}
	fprintf(file, "]");
}

int report_write(const struct session *session, const char *path)
{
	const struct options *options = session->options;
	FILE *file = fopen(path, "w");
	unsigned int i;

	if (!file) {
		LOG(ERR, "%s: %s", path, strerror(errno));
		return -errno;
	}
	fprintf(file, "{\"mode\": \"%s\", \"work\": \"%s\", \"lcores\": %u, \"producers\": %u, "
		"\"tsc_hz\": %" PRIu64 ",\n \"functions\": [\n", options->mode->name,
		work_names[options->plan.work.kind], session->worker_count, options->producers,
		rte_get_tsc_hz());
	for (i = 0; i < options->count; i++) {
		write_client(file, &session->clients[i]);
		if (session->fuzzers[i])
			fuzz_write(session->fuzzers[i], file);
		if (session->clients[i].costs[0].batch)
			write_costs(file, &session->clients[i]);
		fprintf(file, "}%s\n", i + 1 < options->count ? "," : "");
	}
	fprintf(file, "]}\n");
	return fclose(file) ? -EIO : 0;
}

void report_print(const struct session *session)
{
	const struct options *options = session->options;
	struct figures f;
	unsigned int i, c;

	for (i = 0; i < options->count; i++) {
		const struct client *client = &session->clients[i];

		report_collect(client, &f);
		printf("VF%u, %s: %" PRIu64 " of %" PRIu64 " completed, %" PRIu64 " wrong, %"
		       PRIu64 " faults, %" PRIu64 " a second; p50 %llu ns, p99 %llu ns, max %llu ns\n",
		       client->fn.number, client->role, f.completed, f.submitted, f.wrong,
		       f.faults, f.per_second, vgpu_histogram_quantile(&f.latency, 500),
		       vgpu_histogram_quantile(&f.latency, 990), f.latency.max);
		if (session->fuzzers[i])
			fuzz_print(session->fuzzers[i]);
		for (c = 0; c < RTE_DIM(client->costs) && client->costs[c].batch; c++)
			printf("VF%u, %u for each doorbell: %.0f cycles for each, all in all; %.0f until the doorbell, %.0f for its end\n",
			       client->fn.number, client->costs[c].batch,
			       client->costs[c].turn, client->costs[c].submit,
			       client->costs[c].reap);
	}
}

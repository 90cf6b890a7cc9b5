// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telemetry: live figures by DPDK's socket, and a client for it where there is no
 * dpdk-telemetry.py.
 *
 *	/vgpu/mode		what is being done
 *	/vgpu/functions		addresses, by index
 *	/vgpu/stats,INDEX	counters of a function
 *	/vgpu/latency,INDEX	its latency, ns
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_telemetry.h>

#include "report.h"

static int handle_mode(const char *cmd, const char *params, struct rte_tel_data *data)
{
	const struct options *options = session_options();

	(void)cmd;
	(void)params;
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_string(data, "mode", options ? options->mode->name : "none");
	rte_tel_data_add_dict_uint(data, "functions", options ? options->count : 0);
	return 0;
}

static int handle_functions(const char *cmd, const char *params, struct rte_tel_data *data)
{
	const struct client *client;
	unsigned int i;

	(void)cmd;
	(void)params;
	rte_tel_data_start_array(data, RTE_TEL_STRING_VAL);
	for (i = 0; (client = session_client(i)); i++)
		rte_tel_data_add_array_string(data, client->fn.vfio.bdf);
	return 0;
}

/* Figures of the function whose index is in @params, and a dictionary for them. */
static const struct client *begin_figures(const char *params, struct rte_tel_data *data,
					  struct figures *figures)
{
	const struct client *client;
	unsigned long index;
	char *end;

	if (!params || !*params)
		return NULL;
	index = strtoul(params, &end, 10);
	client = *end || index > UINT32_MAX ? NULL : session_client(index);
	if (client) {
		report_collect(client, figures);
		rte_tel_data_start_dict(data);
	}
	return client;
}

static int handle_stats(const char *cmd, const char *params, struct rte_tel_data *data)
{
	struct figures f;
	const struct client *client = begin_figures(params, data, &f);

	(void)cmd;
	if (!client)
		return -EINVAL;
	rte_tel_data_add_dict_string(data, "device", client->fn.vfio.bdf);
	rte_tel_data_add_dict_string(data, "role", client->role);
	rte_tel_data_add_dict_uint(data, "submitted", f.submitted);
	rte_tel_data_add_dict_uint(data, "completed", f.completed);
	rte_tel_data_add_dict_uint(data, "wrong", f.wrong);
	rte_tel_data_add_dict_uint(data, "faults", f.faults);
	rte_tel_data_add_dict_uint(data, "doorbells", f.doorbells);
	rte_tel_data_add_dict_uint(data, "polls", f.polls);
	rte_tel_data_add_dict_uint(data, "per_second", f.per_second);
	return 0;
}

static int handle_latency(const char *cmd, const char *params, struct rte_tel_data *data)
{
	struct figures f;

	(void)cmd;
	if (!begin_figures(params, data, &f))
		return -EINVAL;
	rte_tel_data_add_dict_uint(data, "count", f.latency.count);
	rte_tel_data_add_dict_uint(data, "min", f.latency.min);
	rte_tel_data_add_dict_uint(data, "p50", vgpu_histogram_quantile(&f.latency, 500));
	rte_tel_data_add_dict_uint(data, "p99", vgpu_histogram_quantile(&f.latency, 990));
	rte_tel_data_add_dict_uint(data, "max", f.latency.max);
	return 0;
}

void telemetry_start(void)
{
	rte_telemetry_register_cmd("/vgpu/mode", handle_mode,
				   "What is being done. No parameters");
	rte_telemetry_register_cmd("/vgpu/functions", handle_functions,
				   "Addresses of the functions. No parameters");
	rte_telemetry_register_cmd("/vgpu/stats", handle_stats,
				   "Counters of a function. Parameter: its index");
	rte_telemetry_register_cmd("/vgpu/latency", handle_latency,
				   "Latency of a function, ns. Parameter: its index");
}

int telemetry_ask(const char *path, const char *command)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), ret = 1;
	char answer[16384];
	ssize_t bytes;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		fprintf(stderr, "vgpu-dpdk: %s: %s\n", path, strerror(errno));
		goto out;
	}
	/* It begins with a greeting. */
	if (read(fd, answer, sizeof(answer)) <= 0 || write(fd, command, strlen(command)) < 0)
		goto out;
	bytes = read(fd, answer, sizeof(answer));
	if (bytes > 0) {
		printf("%.*s\n", (int)bytes, answer);
		ret = 0;
	}
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

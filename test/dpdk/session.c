// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run; see session.h. Queues are dealt out to the lcores that own some, one by one;
 * so are producers to queues.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "fuzz.h"
#include "log.h"
#include "replay.h"
#include "report.h"
#include "session.h"

static volatile sig_atomic_t stop;
/* For telemetry, which comes at any time. */
static struct session *running;

void session_stop(void)
{
	stop = 1;
}

bool session_stops(const struct session *session)
{
	return stop || rte_rdtsc() >= session->deadline;
}

const struct client *session_client(unsigned int index)
{
	return running && index < running->options->count ? &running->clients[index] : NULL;
}

const struct fuzzer *session_fuzzer(unsigned int index)
{
	return running && index < running->options->count ? running->fuzzers[index] : NULL;
}

const struct options *session_options(void)
{
	return running ? running->options : NULL;
}

static void rest(const struct session *session)
{
	if (session->options->yield)
		sched_yield();
	else
		rte_pause();
}

static unsigned int owners(const struct session *session)
{
	return session->worker_count - session->options->producers;
}

static unsigned int queue_count(const struct session *session)
{
	return session->options->count * session->options->rings;
}

static struct queue *queue_at(const struct session *session, unsigned int index)
{
	const unsigned int rings = session->options->rings;

	return &session->clients[index / rings].queues[index % rings];
}

static void finish(struct session *session, struct queue *queue, bool *finished)
{
	if (*finished || !queue->plan.limit)
		return;
	*finished = true;
	if (__atomic_sub_fetch(&session->unfinished, 1, __ATOMIC_ACQ_REL) == 0)
		session_stop();
}

/* Return: true if something was done; clears @over if something is left to do. */
static bool step_queues(struct session *session, unsigned int worker, bool *finished,
			bool *over)
{
	const bool stops = session_stops(session);
	struct queue *queue;
	bool done = false;
	unsigned int i;

	for (i = worker; i < queue_count(session); i += owners(session)) {
		if (session->fuzzers[i / session->options->rings])
			continue;
		queue = queue_at(session, i);
		done |= queue_step(queue, stops);
		if (queue_is_over(queue, stops))
			finish(session, queue, &finished[i]);
		else
			*over = false;
	}
	return done;
}

static bool step_fuzzers(struct session *session, unsigned int worker, bool *over)
{
	const bool stops = session_stops(session);
	bool done = false;
	unsigned int i;

	for (i = worker; i < session->options->count; i += owners(session))
		if (session->fuzzers[i] && !stops && fuzz_step(session->fuzzers[i])) {
			done = true;
			*over = false;
		}
	return done;
}

static int own(struct session *session, unsigned int worker)
{
	bool *finished = calloc(queue_count(session), sizeof(*finished));
	bool over, done;

	if (!finished)
		return -ENOMEM;
	do {
		over = true;
		done = step_queues(session, worker, finished, &over);
		done |= step_fuzzers(session, worker, &over);
		if (!done)
			rest(session);
	} while (!over);
	free(finished);
	return 0;
}

static int produce(struct session *session, unsigned int producer)
{
	const unsigned int count = queue_count(session);
	const unsigned int stride = RTE_MIN(session->options->producers, count);
	unsigned int i;
	bool done;

	while (!session_stops(session)) {
		done = false;
		for (i = producer % count; i < count; i += stride)
			done |= queue_produce(queue_at(session, i));
		if (!done)
			rest(session);
	}
	return 0;
}

static unsigned int own_index(const struct session *session)
{
	unsigned int i;

	for (i = 0; session->workers[i] != rte_lcore_id(); i++)
		;
	return i;
}

static int work(struct session *session)
{
	unsigned int i = own_index(session);

	return i < owners(session) ? own(session, i) : produce(session, i - owners(session));
}

static int count_limited(struct session *session)
{
	unsigned int i;
	int count = 0;

	for (i = 0; i < queue_count(session); i++)
		count += !session->fuzzers[i / session->options->rings] &&
			 queue_at(session, i)->plan.limit;
	return count;
}

static int run_and_post(void *arg)
{
	struct session *session = arg;
	int ret = session->run(session);

	sem_post(&session->done);
	return ret;
}

/*
 * On all workers; the worst of their results. rte_eal_wait_lcore() would spin, on a
 * CPU that may be shared with them.
 */
static int launch(struct session *session, int (*run)(struct session *session))
{
	unsigned int i;
	int ret = 0, other;

	session->run = run;
	sem_init(&session->done, 0, 0);
	for (i = 0; i < session->worker_count; i++)
		if (session->workers[i] != rte_lcore_id())
			rte_eal_remote_launch(run_and_post, session, session->workers[i]);
	if (session->workers[0] == rte_lcore_id())
		ret = run_and_post(session);
	for (i = 0; i < session->worker_count;)
		i += !sem_wait(&session->done);
	for (i = 0; i < session->worker_count; i++) {
		if (session->workers[i] == rte_lcore_id())
			continue;
		other = rte_eal_wait_lcore(session->workers[i]);
		ret = ret ? ret : other;
	}
	return ret;
}

int session_drive(struct session *session)
{
	unsigned int i;
	int ret;

	session->unfinished = count_limited(session);
	ret = launch(session, work);
	for (i = 0; i < queue_count(session); i++)
		if (queue_at(session, i)->failed)
			ret = -ETIMEDOUT;
	return ret;
}

static int run_each(struct session *session)
{
	unsigned int i;
	int ret = 0, one;

	for (i = own_index(session); i < session->options->count; i += session->worker_count) {
		one = session->each(session, i);
		ret = ret ? ret : one;
	}
	return ret;
}

int session_each(struct session *session,
		 int (*each)(struct session *session, unsigned int index))
{
	session->each = each;
	return launch(session, run_each);
}

/* All worker lcores; the main one only if it is the only one. */
static int find_workers(struct session *session)
{
	unsigned int lcore;

	RTE_LCORE_FOREACH_WORKER(lcore)
		session->workers[session->worker_count++] = lcore;
	if (!session->worker_count)
		session->workers[session->worker_count++] = rte_lcore_id();
	if (session->options->producers < session->worker_count)
		return 0;
	LOG(ERR, "%u producers need %u worker lcores, there are %u",
	    session->options->producers, session->options->producers + 1,
	    session->worker_count);
	return -EINVAL;
}

static int open_clients(struct session *session)
{
	const struct options *options = session->options;
	uint64_t memory = client_memory(options->plan.depth, options->rings) +
			  (session->replay ? replay_memory(session->replay) : 0);
	unsigned int i;
	int ret;

	for (i = 0; i < options->count; i++) {
		session->clients[i].role = options->mode->name;
		ret = function_open(&session->clients[i].fn, options->bdfs[i],
				    !options->shared, memory);
		if (ret)
			break;
		LOG(INFO, "%s: VF%u, %llu bytes of VRAM, %u rings", options->bdfs[i],
		    session->clients[i].fn.number, session->clients[i].fn.config.vram_bytes,
		    session->clients[i].fn.rings);
	}
	if (i == options->count)
		return 0;
	while (i--)
		function_close(&session->clients[i].fn);
	return ret;
}

static int run_mode(struct session *session)
{
	const struct options *options = session->options;
	unsigned int i;
	int ret;

	running = session;
	if (options->seconds > 0)
		session->deadline = rte_rdtsc() + options->seconds * rte_get_tsc_hz();
	ret = options->mode->run(session);
	if (options->json && report_write(session, options->json))
		ret = -EIO;
	report_print(session);
	running = NULL;
	for (i = 0; i < options->count; i++) {
		int stopped = client_stop(&session->clients[i]);

		ret = ret ? ret : stopped;
		fuzz_free(session->fuzzers[i]);
		function_close(&session->clients[i].fn);
	}
	return ret;
}

int session_run(const struct options *options)
{
	struct session session = {
		.options = options,
		.clients = calloc(options->count, sizeof(*session.clients)),
		.fuzzers = calloc(options->count, sizeof(*session.fuzzers)),
		.deadline = UINT64_MAX,
	};
	int ret = session.clients && session.fuzzers ? find_workers(&session) : -ENOMEM;

	if (!ret && options->from) {
		session.replay = replay_open(options->from);
		ret = session.replay ? 0 : -EINVAL;
	}
	if (!ret)
		ret = open_clients(&session);
	if (!ret)
		ret = run_mode(&session);
	if (session.replay)
		replay_close(session.replay);
	free(session.clients);
	free(session.fuzzers);
	return ret ? 1 : 0;
}

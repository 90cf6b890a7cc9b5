// SPDX-License-Identifier: GPL-2.0-only
/* The modes in which queues follow plans; fuzz.c and replay.c have the others. */
#include <errno.h>

#include <rte_common.h>

#include "cost.h"
#include "fuzz.h"
#include "log.h"
#include "record.h"
#include "replay.h"
#include "session.h"

/* The same plan for all queues of a client. */
static int start_client(struct session *session, unsigned int index,
			const struct plan *plan)
{
	const struct options *options = session->options;
	struct plan plans[VGPU_MAX_RINGS];
	unsigned int i;

	for (i = 0; i < options->rings; i++)
		plans[i] = *plan;
	return client_start(&session->clients[index], plans, options->rings,
			    options->producers);
}

static int start_all(struct session *session, const struct plan *plan)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < session->options->count && !ret; i++)
		ret = start_client(session, i, plan);
	return ret;
}

/* A result that is wrong is worse than one that is missing. */
static int verdict(const struct session *session, int ret)
{
	const struct options *options = session->options;
	unsigned int i, r;

	for (i = 0; i < options->count; i++)
		for (r = 0; r < session->clients[i].count; r++)
			if (session->clients[i].queues[r].stats.wrong ||
			    session->clients[i].queues[r].stats.faults)
				return -EBADMSG;
	return ret;
}

static int throughput(struct session *session)
{
	const struct options *options = session->options;
	int ret = start_all(session, &options->plan);

	if (!ret && options->record)
		ret = record_start(&session->clients[0], options->record);
	if (!ret)
		ret = session_drive(session);
	if (options->record && record_finish(&session->clients[0]) && !ret)
		ret = -EIO;
	return verdict(session, ret);
}

static int measure_all(struct session *session)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < session->options->count && !ret; i++)
		ret = queue_measure(&session->clients[i].queues[0]);
	return ret;
}

static int latency(struct session *session)
{
	struct plan plan = session->options->plan;
	int ret;

	plan.depth = 1;
	plan.batch = 1;
	ret = start_all(session, &plan);
	if (!ret)
		ret = measure_all(session);
	if (!ret)
		ret = session_drive(session);
	return verdict(session, ret);
}

/* Endless work, and doorbells without end. */
static void plan_flood(struct plan *plan)
{
	plan->work = (struct work){ .kind = WORK_SPIN, .groups = 500 };
	plan->storm = true;
	plan->check = false;
	plan->limit = 0;
	plan->gap_ns = 0;
	plan->interrupts = false;
}

static void plan_work(struct plan *plan)
{
	plan_flood(plan);
	plan->storm = false;
}

/* Not by a plan. */
static void plan_fuzz(struct plan *plan)
{
	plan_work(plan);
}

const struct attack attacks[] = {
	{ "flood", "endless work and doorbells without end", plan_flood },
	{ "work", "endless work", plan_work },
	{ "fuzz", "what mode fuzz does", plan_fuzz },
};

const unsigned int attack_count = RTE_DIM(attacks);

static int flood(struct session *session)
{
	struct plan plan = session->options->plan;
	int ret;

	plan_flood(&plan);
	plan.limit = session->options->plan.limit;
	ret = start_all(session, &plan);
	if (!ret)
		ret = session_drive(session);
	return verdict(session, ret);
}

static int start_attacker(struct session *session, unsigned int index)
{
	const struct attack *attack = session->options->attack;
	struct plan plan = session->options->plan;

	session->clients[index].role = attack->name;
	if (attack->plan == plan_fuzz) {
		session->fuzzers[index] = fuzz_create(&session->clients[index],
						      session->options->seed + index, 0);
		return session->fuzzers[index] ? 0 : -ENOMEM;
	}
	attack->plan(&plan);
	return start_client(session, index, &plan);
}

static int end_attackers(struct session *session)
{
	unsigned int i;
	int ret = 0, ended;

	for (i = 0; i < session->options->count; i++) {
		ended = session->fuzzers[i] ? fuzz_finish(session->fuzzers[i]) : 0;
		ret = ret ? ret : ended;
	}
	return ret;
}

static int mixed(struct session *session)
{
	const struct options *options = session->options;
	struct plan victim = options->plan;
	unsigned int i;
	int ret = 0, ended;

	victim.depth = 1;
	victim.batch = 1;
	for (i = 0; i < options->count && !ret; i++) {
		if (i >= options->victims) {
			ret = start_attacker(session, i);
			continue;
		}
		session->clients[i].role = "victim";
		ret = start_client(session, i, &victim);
	}
	if (!ret)
		ret = session_drive(session);
	ended = end_attackers(session);
	return verdict(session, ret ? ret : ended);
}

static int fuzz(struct session *session)
{
	const struct options *options = session->options;
	unsigned int i;
	int ret = 0, ended;

	for (i = 0; i < options->count && !ret; i++) {
		session->fuzzers[i] = fuzz_create(&session->clients[i], options->seed + i,
						  options->steps);
		ret = session->fuzzers[i] ? 0 : -ENOMEM;
	}
	if (!ret)
		ret = session_drive(session);
	ended = end_attackers(session);
	return ret ? ret : ended;
}

static int replay_client(struct session *session, unsigned int index)
{
	return replay_run(session->replay, &session->clients[index], session->options->paced);
}

static int replay(struct session *session)
{
	int ret;

	if (replay_rings(session->replay) > session->options->rings) {
		LOG(ERR, "the recording needs --rings %u", replay_rings(session->replay));
		return -EINVAL;
	}
	ret = start_all(session, &session->options->plan);
	if (!ret)
		ret = session_each(session, replay_client);
	return verdict(session, ret);
}

static int measure_costs(struct session *session)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < session->options->count && !ret; i++)
		ret = cost_measure(&session->clients[i].queues[0]);
	return ret;
}

static int cost(struct session *session)
{
	struct plan plan = session->options->plan;
	int ret;

	plan.limit = 0;
	plan.check = false;
	plan.gap_ns = 0;
	plan.interrupts = false;
	ret = start_all(session, &plan);
	if (!ret)
		ret = measure_costs(session);
	return verdict(session, ret);
}

const struct mode modes[] = {
	{ "throughput", "as many command buffers as possible", 64, throughput },
	{ "latency", "one at a time, from doorbell to fence", 1, latency },
	{ "cost", "what a submission costs the CPU, without waiting", COST_DEPTH, cost },
	{ "flood", "endless work and doorbells without end", 64, flood },
	{ "mixed", "latency of victims beside attackers", 64, mixed },
	{ "fuzz", "garbage in rings, tables, registers and mailbox; then good work", 16, fuzz },
	{ "replay", "what --record or a guest has written", 64, replay },
};

const unsigned int mode_count = RTE_DIM(modes);

/* SPDX-License-Identifier: GPL-2.0-only */
/* A run of the harness: what is asked for, the functions, and the lcores. */
#ifndef VGPU_DPDK_SESSION_H
#define VGPU_DPDK_SESSION_H

#include <semaphore.h>

#include "queue.h"

struct mode;
struct fuzzer;
struct replay;

/**
 * struct options - from the command line
 * @mode: what to do
 * @bdfs: addresses of the functions
 * @count: of them
 * @plan: of queues; the mode may change it
 * @rings: queues of each function
 * @producers: lcores that only prepare commands
 * @victims: functions that are attacked, in mode mixed; the first ones
 * @attack: how, in mode mixed
 * @seconds: after which it stops, 0: when it is done
 * @steps: of mode fuzz, 0: until told to stop
 * @seed: of mode fuzz
 * @shared: all functions in one VFIO container
 * @yield: give the CPU away when there is nothing to do: lcores share one
 * @json: where figures go, or NULL
 * @paced: mode replay keeps to the recorded times
 * @record: file for --record, or NULL
 * @from: file for mode replay, or NULL
 */
struct options {
	const struct mode *mode;
	char **bdfs;
	unsigned int count;
	struct plan plan;
	unsigned int rings;
	unsigned int producers;
	unsigned int victims;
	const struct attack *attack;
	double seconds;
	uint64_t steps;
	uint64_t seed;
	bool shared;
	bool yield;
	const char *json;
	bool paced;
	const char *record;
	const char *from;
};

/**
 * struct session - a run
 * @options: what is asked for
 * @clients: the functions
 * @fuzzers: of each client, or NULL
 * @workers: lcores
 * @worker_count: of them; the last options->producers prepare commands
 * @unfinished: queues with a limit that they have not reached; if there were any,
 *	all stops when there are none
 * @deadline: TSC, when all stops
 * @replay: what is replayed, in mode replay
 * @each: see session_each()
 * @run: on each worker
 * @done: posted by each worker at its end
 */
struct session {
	const struct options *options;
	struct client *clients;
	struct fuzzer **fuzzers;
	unsigned int workers[RTE_MAX_LCORE];
	unsigned int worker_count;
	int unfinished;
	uint64_t deadline;
	struct replay *replay;
	int (*each)(struct session *session, unsigned int index);
	int (*run)(struct session *session);
	sem_t done;
};

/**
 * struct mode - of the harness
 * @name: for the command line
 * @what: for the help text
 * @depth: submissions in a ring at a time, if nothing is said
 * @run: from open functions to figures
 */
struct mode {
	const char *name;
	const char *what;
	unsigned int depth;
	int (*run)(struct session *session);
};

extern const struct mode modes[];
extern const unsigned int mode_count;

/** struct attack - what an attacker does, in mode mixed */
struct attack {
	const char *name;
	const char *what;
	void (*plan)(struct plan *plan);
};

extern const struct attack attacks[];
extern const unsigned int attack_count;

/** session_run() - all of it; exit status */
int session_run(const struct options *options);
/** session_stop() - ask it to come to its end; in a signal handler, too */
void session_stop(void);
bool session_stops(const struct session *session);
/** session_drive() - queues and fuzzers on all lcores, until it is over */
int session_drive(struct session *session);
/** session_each() - @each for all clients, dealt out to all workers */
int session_each(struct session *session,
		 int (*each)(struct session *session, unsigned int index));
/** session_client() - of index @index, for reports; NULL if there is none */
const struct client *session_client(unsigned int index);
const struct fuzzer *session_fuzzer(unsigned int index);
const struct options *session_options(void);

#endif

// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdlib.h>
#include <vgpu/events.h>
#include "measure.h"

/* ------------------------------------------------------------------------ */
/* Samples                                                                   */

void samples_add(struct samples *s, u64 ns)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->ns = realloc(s->ns, s->room * sizeof(*s->ns));
	}
	s->ns[s->count++] = ns;
	s->max = max(s->max, ns);
	s->sorted = false;
}

static int compare(const void *a, const void *b)
{
	u64 left = *(const u64 *)a, right = *(const u64 *)b;

	return left < right ? -1 : left > right;
}

/* The smallest sample that @permille of all do not exceed (nearest rank). */
u64 samples_quantile(struct samples *s, u32 permille)
{
	u64 rank = (s->count * permille + 999) / 1000;

	if (!s->count)
		return 0;
	if (!s->sorted)
		qsort(s->ns, s->count, sizeof(*s->ns), compare);
	s->sorted = true;
	return s->ns[rank ? rank - 1 : 0];
}

void samples_free(struct samples *s)
{
	free(s->ns);
	*s = (struct samples){ 0 };
}

static void free_samples(struct measure_function *fn)
{
	samples_free(&fn->wake);
	samples_free(&fn->wait);
	samples_free(&fn->gap);
	samples_free(&fn->job);
	samples_free(&fn->quiesce);
	samples_free(&fn->overshoot);
}

/* ------------------------------------------------------------------------ */
/* Set-up                                                                    */

void measure_init(struct measure *m, unsigned int functions, u64 now)
{
	unsigned int i;

	*m = (struct measure){
		.functions = functions,
		.begin = now,
		.now = now,
		.world = VGPU_FUNCTION_NONE,
		.trace_every = 1,
		.fn = calloc(functions, sizeof(*m->fn)),
	};
	for (i = 0; i < functions; i++) {
		m->fn[i].weight = 1;
		m->fn[i].waits_since = U64_MAX;
		m->fn[i].woken_at = U64_MAX;
		m->fn[i].history = calloc(MEASURE_LONG + 1, sizeof(double));
	}
}

void measure_exit(struct measure *m)
{
	unsigned int i;

	for (i = 0; i < m->functions; i++) {
		free_samples(&m->fn[i]);
		free(m->fn[i].history);
	}
	free(m->fn);
}

/* What was measured before is forgotten; who waits goes on waiting. */
void measure_begin(struct measure *m)
{
	unsigned int i;

	m->begin = m->now;
	m->empty = 0;
	m->wasted = 0;
	m->virtual = 0;
	m->steps = 0;
	for (i = 0; i < m->functions; i++) {
		struct measure_function *fn = &m->fn[i];

		free_samples(fn);
		*fn = (struct measure_function){
			.weight = fn->weight,
			.busy = fn->busy,
			.ahead = fn->ahead,
			.busy_ns = fn->busy ? -m->now : 0,
			.history = fn->history,
			.start_at = fn->start_at,
			.waits_since = fn->waits_since,
			.woken_at = fn->woken_at,
		};
	}
}

/* ------------------------------------------------------------------------ */
/* The ideal                                                                 */

static double ideal(const struct measure *m, const struct measure_function *fn)
{
	bool member = fn->busy || fn->ahead;

	return fn->ideal + (member ? fn->weight * (m->virtual - fn->joined) : 0);
}

double measure_lag(const struct measure *m, u16 function)
{
	const struct measure_function *fn = &m->fn[function];

	return ideal(m, fn) - fn->charged;
}

static void settle(struct measure *m, struct measure_function *fn)
{
	fn->ideal = ideal(m, fn);
	fn->joined = m->virtual;
}

static void note_lag(struct measure *m, u16 function)
{
	struct measure_function *fn = &m->fn[function];
	double lag = measure_lag(m, function);

	fn->lag_min = fmin(fn->lag_min, lag);
	fn->lag_max = fmax(fn->lag_max, lag);
}

void measure_weight(struct measure *m, u16 function, u32 weight)
{
	struct measure_function *fn = &m->fn[function];

	settle(m, fn);
	if (fn->busy || fn->ahead)
		m->weights += weight - fn->weight;
	fn->weight = weight;
}

static void trace_lag(struct measure *m, u16 function)
{
	struct measure_function *fn = &m->fn[function];

	if (!m->trace || m->steps % m->trace_every || !(fn->busy_ns || fn->charged > 0))
		return;
	fprintf(m->trace, "lag,%llu,%u,%.0f,", (unsigned long long)m->now, function,
		measure_lag(m, function));
	if (m->lag)
		fprintf(m->trace, "%lld",
			(long long)m->lag(m->lag_context, function));
	fputc('\n', m->trace);
}

/* The window of so many @steps that ends here. */
static void window(struct measure *m, const struct measure_function *fn,
		   struct measure_error *e, u64 steps, double lag)
{
	double error;

	if (m->steps < steps)
		return;
	error = fabs(lag - fn->history[(m->steps - steps) % (MEASURE_LONG + 1)]) /
		(steps * MEASURE_STEP);
	e->max = fmax(e->max, error);
	e->sum += error;
	e->windows++;
	if (!(m->steps % steps))
		e->disjoint = fmax(e->disjoint, error);
}

/* A window ends here, and another one begins. */
static void step(struct measure *m)
{
	unsigned int i;

	for (i = 0; i < m->functions; i++) {
		struct measure_function *fn = &m->fn[i];
		double lag = measure_lag(m, i);

		fn->history[m->steps % (MEASURE_LONG + 1)] = lag;
		note_lag(m, i);
		trace_lag(m, i);
		window(m, fn, &fn->short_error, MEASURE_SHORT, lag);
		window(m, fn, &fn->long_error, MEASURE_LONG, lag);
	}
	m->steps++;
}

/* It is no member any more; what it is owed falls to the others. */
static void dismiss(struct measure *m, u16 function)
{
	struct measure_function *fn = &m->fn[function];
	double lag;

	settle(m, fn);
	lag = measure_lag(m, function);
	fn->ideal -= lag;
	fn->busy = false;
	fn->ahead = false;
	m->weights -= fn->weight;
	if (m->weights)
		m->virtual += lag / m->weights;
}

static void dismiss_those_behind(struct measure *m)
{
	unsigned int i;

	for (i = 0; i < m->functions && m->ahead; i++)
		if (m->fn[i].ahead && measure_lag(m, i) >= 0) {
			m->ahead--;
			dismiss(m, i);
		}
}

static void join(struct measure *m, u16 function)
{
	struct measure_function *fn = &m->fn[function];

	settle(m, fn);
	if (fn->ahead)
		m->ahead--;
	else
		m->weights += fn->weight;
	fn->ahead = false;
	fn->busy = true;
}

static void leave(struct measure *m, u16 function)
{
	struct measure_function *fn = &m->fn[function];

	note_lag(m, function);
	if (measure_lag(m, function) >= 0) {
		dismiss(m, function);
		return;
	}
	fn->busy = false;
	fn->ahead = true;
	m->ahead++;
}

/* ------------------------------------------------------------------------ */
/* Time                                                                      */

static u64 *bucket(struct measure_time *time, enum vgpu_engine_state state, bool idle)
{
	switch (state) {
	case VGPU_ENGINE_LOADING:
		return &time->load;
	case VGPU_ENGINE_SAVING:
		return &time->save;
	case VGPU_ENGINE_RESETTING:
		return &time->reset;
	case VGPU_ENGINE_RUNNING:
	case VGPU_ENGINE_QUIESCING:
		return idle ? &time->idle : &time->run;
	default:
		return &time->gap;
	}
}

/* The same happens all the time until @to. */
static void pass(struct measure *m, u64 to, enum vgpu_engine_state state, u16 world,
		 bool idle)
{
	u64 ns = to - m->now;
	struct measure_function *fn;

	m->now = to;
	if (world >= m->functions) {
		m->empty += ns;
		m->wasted += m->busy ? ns : 0;
		return;
	}
	fn = &m->fn[world];
	*bucket(&fn->time, state, idle) += ns;
	if (m->busy && (idle || state == VGPU_ENGINE_QUIESCED ||
			state == VGPU_ENGINE_LOADED))
		m->wasted += ns;
	if (!m->weights || (idle && !m->busy))
		return;
	fn->charged += ns;
	m->virtual += (double)ns / m->weights;
	note_lag(m, world);
	if (m->ahead)
		dismiss_those_behind(m);
}

void measure_advance(struct measure *m, u64 to, enum vgpu_engine_state state,
		     u16 world, bool idle)
{
	u64 next = m->begin + m->steps * MEASURE_STEP;

	for (; next <= to; next += MEASURE_STEP) {
		pass(m, next, state, world, idle);
		step(m);
	}
	pass(m, to, state, world, idle);
}

/* ------------------------------------------------------------------------ */
/* Who waits                                                                 */

static void begin_wait(struct measure *m, u16 function)
{
	if (m->fn[function].busy && m->world != function)
		m->fn[function].waits_since = m->now;
}

void measure_busy(struct measure *m, u16 function, bool busy)
{
	struct measure_function *fn = &m->fn[function];

	if (fn->busy == busy)
		return;
	fn->waits_since = U64_MAX;
	fn->woken_at = U64_MAX;
	if (busy) {
		join(m, function);
		m->busy++;
		fn->busy_ns -= m->now;
		begin_wait(m, function);
		fn->woken_at = fn->waits_since;
		if (m->world == function)
			samples_add(&fn->wake, 0);
	} else {
		leave(m, function);
		m->busy--;
		fn->busy_ns += m->now;
		fn->start_at = 0;
	}
}

static void starts(struct measure *m, u16 function)
{
	struct measure_function *fn = &m->fn[function];

	fn->starts++;
	note_lag(m, function);
	if (fn->waits_since != U64_MAX)
		samples_add(&fn->wait, m->now - fn->waits_since);
	if (fn->woken_at != U64_MAX) {
		samples_add(&fn->wake, m->now - fn->woken_at);
		if (m->trace)
			fprintf(m->trace, "wake,%llu,%u,%llu,\n",
				(unsigned long long)fn->woken_at, function,
				(unsigned long long)(m->now - fn->woken_at));
	}
	if (fn->start_at)
		samples_add(&fn->gap, m->now - fn->start_at);
	fn->start_at = fn->busy ? m->now : 0;
	fn->waits_since = U64_MAX;
	fn->woken_at = U64_MAX;
}

/* From now on @world has the engine to run; it was @started just now. */
void measure_world(struct measure *m, u16 world, bool started)
{
	u16 was = m->world;

	if (was == world && !started)
		return;
	m->world = VGPU_FUNCTION_NONE;
	if (was != VGPU_FUNCTION_NONE) {
		note_lag(m, was);
		begin_wait(m, was);
	}
	m->world = world;
	if (started)
		starts(m, world);
}

void measure_slice(struct measure *m, const struct measure_slice *slice)
{
	struct measure_function *fn = &m->fn[slice->function];
	u64 quiesce = slice->quiesced - slice->request;

	fn->leaves[slice->reason & 7]++;
	if (slice->reason == VGPU_LEAVE_HANG && slice->saved > slice->request)
		fn->hang_max = max(fn->hang_max, slice->saved - slice->request);
	if (slice->reason == VGPU_LEAVE_IDLE || slice->reason == VGPU_LEAVE_RENEWED ||
	    slice->reason == VGPU_LEAVE_RESET)
		return;
	samples_add(&fn->quiesce, quiesce);
	if (slice->timeout && quiesce > slice->timeout)
		fn->missed++;
	if (!slice->due)
		return;
	samples_add(&fn->overshoot,
		    slice->request > slice->due ? slice->request - slice->due : 0);
	if (slice->quiesced > slice->due)
		fn->overrun += slice->quiesced - slice->due;
}

void measure_job(struct measure *m, u16 function, u64 arrived, u64 done, u64 deadline)
{
	struct measure_function *fn = &m->fn[function];

	samples_add(&fn->job, done - arrived);
	fn->late += deadline && done - arrived > deadline;
	if (m->trace)
		fprintf(m->trace, "job,%llu,%u,%llu,\n", (unsigned long long)arrived,
			function, (unsigned long long)(done - arrived));
}

/* Nothing is measured any more. */
void measure_end(struct measure *m)
{
	unsigned int i;

	for (i = 0; i < m->functions; i++) {
		note_lag(m, i);
		if (m->fn[i].busy)
			m->fn[i].busy_ns += m->now;
	}
}

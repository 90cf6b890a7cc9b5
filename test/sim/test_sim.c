// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulator itself: what it prints is the same each time, adds up, and is what
 * can be computed by hand.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "engine.h"

#define MS	1000000ull
#define US	1000ull
#define SECOND	1000000000ull

/* What lies between the device and the driver by default. */
#define DRIVER	(5000 + 500)
#define SWITCH	(300 * US)

/* ------------------------------------------------------------------------ */
/* Scenarios from strings                                                    */

struct desk {
	struct scenario sc;
	struct sim *sim;
	char *json;
	char error[SIM_ERROR];
};

static struct desk *desk_new(const char *text)
{
	struct desk *d = calloc(1, sizeof(*d));
	char *copy = strdup(text);
	char *line, *rest = copy;
	unsigned int number = 0;

	scenario_init(&d->sc);
	d->sc.file = "desk";
	while ((line = strsep(&rest, "\n")))
		if (scenario_line(&d->sc, "desk", ++number, line, d->error,
				  sizeof(d->error)))
			fail_msg("%s", d->error);
	if (scenario_finish(&d->sc, d->error, sizeof(d->error)))
		fail_msg("%s", d->error);
	free(copy);
	return d;
}

static int desk_try(struct desk *d, bool lenient)
{
	struct sim_options options = { .lenient = lenient };

	d->sim = sim_new(&d->sc, &options);
	return sim_run(d->sim);
}

static struct desk *simulate(const char *text)
{
	struct desk *d = desk_new(text);
	size_t size;
	FILE *file;

	if (desk_try(d, true))
		fail_msg("%s", d->sim->error);
	file = open_memstream(&d->json, &size);
	sim_print(d->sim, file);
	fclose(file);
	return d;
}

static void desk_free(struct desk *d)
{
	sim_free(d->sim);
	scenario_free(&d->sc);
	free(d->json);
	free(d);
}

static const struct measure_function *measured(const struct desk *d, u16 function)
{
	return &d->sim->measure.fn[function];
}

static const char mixture[] =
	"duration 10s\n"
	"driver irq-latency=uniform(2us,30us) write-latency=exp(500ns) recoveries=0\n"
	"function 1-8 quantum=4ms timeout=8ms\n"
	"work 1 flood kernel=exp(1ms)\n"
	"work 2 random every=exp(20ms) job=exp(4ms) kernel=mix(100us:8,3ms:1)\n"
	"work 3 bursty busy=exp(100ms) idle=exp(300ms) every=exp(2ms) job=exp(1ms)\n"
	"work 4 periodic every=16.6ms jitter=uniform(0,4ms) job=2ms deadline=16.6ms\n"
	"work 5 think idle=exp(1ms) job=exp(5ms)\n"
	"work 6 flood kernel=mix(1ms:9,30ms:1) group=whole\n"
	"work 7 toggle busy=exp(20ms) idle=exp(2ms)\n"
	"work 8 poisson every=5ms job=exp(500us) stops=exp(1ms)\n"
	"at 1s hang 1\n"
	"at 2s flr 2\n"
	"at 3s park 1,6\n"
	"at 4s unpark 1,6\n"
	"at 5s reset 3\n"
	"at 6s hang 5\n"
	"at 7s set 1 quantum=2ms\n"
	"at 8s flr 4-8\n";

/* The names of all schedulers, one by one; NULL behind the last. */
static const char *scheduler(unsigned int index)
{
	unsigned int listed = 0;

	while (sim_schedulers[listed])
		listed++;
	if (index < listed)
		return sim_schedulers[index]->name;
	if (!vgpu_sched_policy_at(index - listed))
		return NULL;
	return vgpu_sched_policy_name(vgpu_sched_policy_at(index - listed));
}

static struct desk *simulate_mixture(const char *name, unsigned int seed,
				     const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text), "%spolicy %s\nseed %u\n%s", mixture, name, seed,
		 more);
	return simulate(text);
}

/* ------------------------------------------------------------------------ */
/* The same each time, and nothing gets lost                                 */

static void test_same_seed_same_text(void **state)
{
	struct desk *a, *b, *other;
	unsigned int i;

	for (i = 0; scheduler(i); i++) {
		a = simulate_mixture(scheduler(i), 7, "");
		b = simulate_mixture(scheduler(i), 7, "");
		other = simulate_mixture(scheduler(i), 8, "");
		assert_string_equal(a->json, b->json);
		assert_string_not_equal(a->json, other->json);
		desk_free(a);
		desk_free(b);
		desk_free(other);
	}
}

static u64 sum_of(const struct measure_time *t)
{
	return t->run + t->idle + t->save + t->load + t->reset + t->gap;
}

/* Every ns of the engine is somebody's or nobody's, as the device says, too. */
static void test_time_adds_up(void **state)
{
	unsigned int i, f;

	for (i = 0; scheduler(i); i++) {
		struct desk *d = simulate_mixture(scheduler(i), 3, "");
		const struct measure *m = &d->sim->measure;
		u64 sum = m->empty;

		for (f = 0; f < m->functions; f++) {
			const struct measure_time *t = &m->fn[f].time;

			sum += sum_of(t);
			assert_int_equal(t->run + t->idle,
					 model_gpu_time(&d->sim->m, f));
		}
		assert_int_equal(sum, 10 * SECOND);
		desk_free(d);
	}
}

/* Nobody is forgotten: all have executed, and end without having starved. */
static void test_everybody_is_served(void **state)
{
	static const char *const devices[] = { "", "cost hw-deadline=off\n" };
	unsigned int i, device, f;

	for (i = 0; vgpu_sched_policy_at(i); i++)
		for (device = 0; device < ARRAY_SIZE(devices); device++) {
			const char *name;
			struct desk *d;

			name = vgpu_sched_policy_name(vgpu_sched_policy_at(i));
			d = simulate_mixture(name, 5, devices[device]);
			for (f = 1; f <= 8; f++)
				if (measured(d, f)->time.run < 5 * MS || d->sim->fn[f].lost)
					fail_msg("%s%s: function %u: %llu ns", devices[device],
						 name, f, (unsigned long long)
						 measured(d, f)->time.run);
			desk_free(d);
		}
}

static void test_records_get_lost(void **state)
{
	struct desk *d = simulate_mixture("rr", 5, "at 8500ms lose 2\nat 9s stuck-save\n");
	u64 last = 0;
	unsigned int f;

	for (f = 1; f <= 8; f++)
		last = max(last, measured(d, f)->start_at);
	assert_true(last > 9900 * MS);
	desk_free(d);
}

/* What comes does not depend on who decides. */
static void test_arrivals_are_the_same(void **state)
{
	static const char text[] =
		"duration 10s\n"
		"function 1-3\n"
		"work 1 poisson every=10ms job=exp(1ms)\n"
		"work 2 random every=uniform(1ms,30ms) job=exp(2ms)\n"
		"work 3 flood\n";
	u64 jobs[2] = { 0 };
	unsigned int i, f;

	for (i = 0; scheduler(i); i++) {
		char all[256];
		struct desk *d;

		snprintf(all, sizeof(all), "%spolicy %s\n", text, scheduler(i));
		d = simulate(all);
		for (f = 0; f < 2; f++) {
			u64 came = measured(d, f + 1)->job.count +
				   d->sim->fn[f + 1].work.jobs;

			assert_true(came > 300);
			assert_true(!i || came == jobs[f]);
			jobs[f] = came;
		}
		desk_free(d);
	}
}

/* ------------------------------------------------------------------------ */
/* What can be computed by hand                                              */

static void check_rounds(unsigned int n)
{
	u64 slice = 6 * MS + SWITCH;
	unsigned int i;
	struct desk *d;
	char text[128];

	snprintf(text, sizeof(text),
		 "duration 10s\npolicy rr\nfunction 1-%u quantum=6ms\nwork 1-%u flood\n",
		 n, n);
	d = simulate(text);
	for (i = 1; i <= n; i++) {
		const struct measure_function *fn = measured(d, i);
		/* The first start, in the order of the numbers. */
		u64 first = DRIVER + 150 * US + (i - 1) * slice;

		assert_int_equal(fn->starts, (10 * SECOND - first) / (n * slice) + 1);
		assert_int_equal(fn->gap.max, n * slice);
		assert_int_equal(fn->gap.ns[0], n * slice);
		assert_int_equal(fn->wait.max, max((n - 1) * slice + SWITCH, first));
		assert_int_equal(fn->wake.max, first);
		assert_int_equal(fn->overshoot.max, 0);
	}
	desk_free(d);
}

static void test_one_flood(void **state)
{
	struct desk *d = simulate("duration 10s\npolicy rr\nfunction 1\nwork 1 flood\n");
	const struct measure_function *fn = measured(d, 1);

	assert_int_equal(fn->starts, 1);
	assert_int_equal(d->sim->measure.empty, DRIVER);
	assert_int_equal(fn->time.load, 150 * US);
	assert_int_equal(fn->time.run, 10 * SECOND - DRIVER - 150 * US);
	desk_free(d);
}

static void test_rounds_of_floods(void **state)
{
	check_rounds(2);
	check_rounds(4);
	check_rounds(63);
	check_rounds(255);
}

static void test_costs(void **state)
{
	struct desk *d = simulate("duration 1s\npolicy rr\n"
				  "cost save-ns=1000 load-ns=2000 context-bytes=262144 image-bandwidth=10000\n"
				  "function 1-2 quantum=1ms\nwork 1-2 flood\n");
	/* 262144 bytes at 10000 bytes per us, rounded up to ns */
	u64 image = 26215;
	const struct measure_function *fn = measured(d, 1);

	assert_int_equal(fn->gap.max, 2 * (1 * MS + 3000 + 2 * image));
	assert_int_equal(fn->time.save / (1000 + image), fn->leaves[VGPU_LEAVE_DEADLINE]);
	desk_free(d);
}

/* Kernels of 700 us: a slice of 6 ms ends in the ninth, after 400 us of it. */
static void test_preemption_points(void **state)
{
	static const char *const how[] = { "group=whole", "group=150us", "stops=2.5ms" };
	static const u64 quiesce[] = { 300 * US, 50 * US, 2500 * US };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(how); i++) {
		struct desk *d;
		char text[256];

		snprintf(text, sizeof(text),
			 "duration 10ms\npolicy rr\nfunction 1-2 quantum=6ms\n"
			 "work 1 flood kernel=700us %s\nwork 2 flood\n", how[i]);
		d = simulate(text);
		assert_int_equal(measured(d, 1)->quiesce.count, 1);
		assert_int_equal(measured(d, 1)->quiesce.max, quiesce[i]);
		desk_free(d);
	}
}

static void test_hang(void **state)
{
	struct desk *d = simulate("duration 1s\npolicy rr\ncost reset-ns=700000\n"
				  "function 1-2 quantum=6ms timeout=5ms\n"
				  "work 1-2 flood\nat 100ms hang 1\n");
	const struct measure_function *fn = measured(d, 1);

	assert_int_equal(fn->leaves[VGPU_LEAVE_HANG], 1);
	assert_int_equal(fn->hang_max, 5 * MS + 700 * US);
	assert_int_equal(fn->time.reset, 700 * US);
	assert_int_equal(measured(d, 2)->wait.max, 6 * MS + SWITCH + 150 * US +
			 5 * MS + 700 * US);
	desk_free(d);
}

static void test_too_many_hangs(void **state)
{
	struct desk *d = simulate("duration 2s\npolicy rr\ndriver recoveries=2\n"
				  "function 1-2 timeout=1ms\nwork 1 flood stops=2ms\n"
				  "work 2 flood\n");

	assert_int_equal(measured(d, 1)->leaves[VGPU_LEAVE_HANG], 3);
	assert_true(d->sim->fn[1].closed);
	assert_true(measured(d, 2)->time.run > 1900 * MS);
	desk_free(d);
}

/* Alone a job takes its own time; the first has to be loaded. */
static void test_jobs(void **state)
{
	struct desk *d = simulate("duration 1s\npolicy rr\nfunction 1\n"
				  "work 1 periodic every=20ms job=3ms deadline=3ms\n");
	struct measure_function *fn = &d->sim->measure.fn[1];

	assert_int_equal(fn->job.count, 50);
	assert_int_equal(fn->job.max, 3 * MS + DRIVER + 150 * US);
	assert_int_equal(samples_quantile(&fn->job, 500), 3 * MS);
	assert_int_equal(fn->late, 1);
	assert_int_equal(fn->time.idle, 1 * SECOND - 50 * 3 * MS - DRIVER - 150 * US);
	desk_free(d);
}

/* Each is complete when it is, not when something else happens. */
static void test_jobs_in_a_row(void **state)
{
	struct desk *d = simulate("duration 1s\npolicy rr\nfunction 1\n"
				  "work 1 periodic every=1ms job=3ms stop=1.5ms\n");
	const struct measure_function *fn = measured(d, 1);
	u64 first = 3 * MS + DRIVER + 150 * US;

	assert_int_equal(fn->job.count, 2);
	assert_int_equal(fn->job.ns[0], first);
	assert_int_equal(fn->job.ns[1], first + 3 * MS - 1 * MS);
	desk_free(d);
}

/* Jitter does not add up. */
static void test_jitter(void **state)
{
	struct desk *d = simulate("duration 10.001s\npolicy rr\nfunction 1\n"
				  "work 1 periodic every=10ms jitter=uniform(5ms,9ms) job=10us\n");

	assert_int_equal(measured(d, 1)->job.count, 1000);
	desk_free(d);
}

/* What a guest submits between the loss of its world and its recovery is lost. */
static void test_lost_jobs(void **state)
{
	struct desk *d = simulate("duration 1s\npolicy rr\ndriver recover-delay=45ms\n"
				  "function 1\nat 95ms reset 1\nat 395ms flr 1\n"
				  "work 1 periodic every=10ms job=1ms\n");

	assert_int_equal(measured(d, 1)->lost, 2 * 5);
	assert_int_equal(measured(d, 1)->job.count, 100 - 2 * 5);
	desk_free(d);
}

static void test_think(void **state)
{
	struct desk *d = simulate("duration 1s\npolicy rr\nfunction 1\n"
				  "work 1 think job=3ms idle=2ms\n");

	/* 5.5 us + 150 us, then rounds of 5 ms */
	assert_int_equal(measured(d, 1)->job.count, 200);
	desk_free(d);
}

static void test_toggle(void **state)
{
	struct desk *d = simulate("duration 1s\npolicy rr\nfunction 1\n"
				  "work 1 toggle busy=3ms idle=2ms\n");
	u64 first = DRIVER + 150 * US;

	assert_int_equal(measured(d, 1)->time.run, 200 * 3 * MS - first);
	assert_int_equal(measured(d, 1)->busy_ns, 200 * 3 * MS);
	desk_free(d);
}

/* The first ms of a busy engine is not measured. */
static void test_warmup(void **state)
{
	struct desk *d = simulate("duration 1s\nwarmup 100ms\npolicy rr\nfunction 1\n"
				  "work 1 flood\n");

	assert_int_equal(measured(d, 1)->time.run, 900 * MS);
	assert_int_equal(measured(d, 1)->busy_ns, 900 * MS);
	assert_int_equal(measured(d, 1)->starts, 0);
	desk_free(d);
}

static void test_park(void **state)
{
	struct desk *d = simulate("duration 1s\npolicy rr\nfunction 1-2\nwork 1-2 flood\n"
				  "at 200ms park 1\nat 700ms unpark 1\n");
	const struct measure_function *fn = measured(d, 1);

	assert_int_equal(fn->busy_ns, 500 * MS);
	assert_in_range(sum_of(&fn->time), 240 * MS, 260 * MS);
	desk_free(d);
}

/* ------------------------------------------------------------------------ */
/* The ideal                                                                 */

static void run_for(struct measure *m, u16 world, u64 ns)
{
	measure_world(m, world, m->world != world && world != VGPU_FUNCTION_NONE);
	measure_advance(m, m->now + ns, world == VGPU_FUNCTION_NONE ?
			VGPU_ENGINE_EMPTY : VGPU_ENGINE_RUNNING, world, false);
}

static void assert_lag(const struct measure *m, u16 function, double lag)
{
	double difference = measure_lag(m, function) - lag;

	assert_true(difference < 1 && difference > -1);
}

static void test_lag(void **state)
{
	struct measure m;

	measure_init(&m, 3, 0);
	measure_weight(&m, 1, 1);
	measure_weight(&m, 2, 3);
	measure_busy(&m, 1, true);
	run_for(&m, 1, 8 * MS);
	assert_lag(&m, 1, 0);
	measure_busy(&m, 2, true);
	run_for(&m, 1, 8 * MS);
	assert_lag(&m, 1, -6.0 * MS);
	assert_lag(&m, 2, 6.0 * MS);
	/* It stays a member while it is ahead: 4 ms of the ideal's 16 are its own. */
	measure_busy(&m, 1, false);
	run_for(&m, 2, 16 * MS);
	assert_lag(&m, 1, -2.0 * MS);
	assert_lag(&m, 2, 2.0 * MS);
	run_for(&m, 2, 16 * MS);
	assert_lag(&m, 1, 0);
	assert_lag(&m, 2, 0);
	/* What it is owed when it stops falls to the other. */
	measure_busy(&m, 1, true);
	run_for(&m, 2, 4 * MS);
	assert_lag(&m, 1, 1.0 * MS);
	measure_busy(&m, 1, false);
	assert_lag(&m, 1, 0);
	assert_lag(&m, 2, 0);
	measure_exit(&m);
}

/* Two take turns of 10 ms: in 100 ms one has 50 ± 5, in 1 s 500 ± 5. */
static void test_share_error(void **state)
{
	struct measure m;
	unsigned int i;

	measure_init(&m, 2, 0);
	measure_busy(&m, 0, true);
	measure_busy(&m, 1, true);
	for (i = 0; i < 300; i++)
		run_for(&m, i % 3 == 2, 10 * MS);
	/* Of 100 ms one has 60 or 70, the half of which is 50. */
	assert_true(m.fn[0].short_error.max > 0.1999 && m.fn[0].short_error.max < 0.2001);
	assert_true(m.fn[0].long_error.max > 0.1666 && m.fn[0].long_error.max < 0.1701);
	assert_int_equal(m.fn[0].long_error.windows, 2001);
	measure_exit(&m);
}

static void test_wasted(void **state)
{
	struct measure m;

	measure_init(&m, 2, 0);
	run_for(&m, VGPU_FUNCTION_NONE, 3 * MS);
	assert_int_equal(m.wasted, 0);
	measure_busy(&m, 1, true);
	run_for(&m, VGPU_FUNCTION_NONE, 2 * MS);
	assert_int_equal(m.wasted, 2 * MS);
	measure_advance(&m, 10 * MS, VGPU_ENGINE_RUNNING, 0, true);
	assert_int_equal(m.wasted, 7 * MS);
	measure_advance(&m, 11 * MS, VGPU_ENGINE_SAVING, 0, false);
	measure_advance(&m, 12 * MS, VGPU_ENGINE_LOADING, 1, false);
	assert_int_equal(m.wasted, 7 * MS);
	assert_int_equal(m.empty, 5 * MS);
	measure_exit(&m);
}

static void test_slices(void **state)
{
	struct measure m;

	measure_init(&m, 1, 0);
	measure_slice(&m, &(struct measure_slice){
		.reason = VGPU_LEAVE_DEADLINE, .due = 100, .request = 130,
		.quiesced = 150, .saved = 170, .timeout = 20 });
	measure_slice(&m, &(struct measure_slice){
		.reason = VGPU_LEAVE_HANG, .due = 200, .request = 200,
		.quiesced = 221, .saved = 271, .timeout = 20 });
	measure_slice(&m, &(struct measure_slice){
		.reason = VGPU_LEAVE_IDLE, .due = 300, .request = 250, .quiesced = 250 });
	assert_int_equal(m.fn[0].overshoot.max, 30);
	assert_int_equal(m.fn[0].overrun, 50 + 21);
	assert_int_equal(m.fn[0].quiesce.count, 2);
	assert_int_equal(m.fn[0].missed, 1);
	assert_int_equal(m.fn[0].hang_max, 71);
	assert_int_equal(m.fn[0].leaves[VGPU_LEAVE_IDLE], 1);
	measure_exit(&m);
}

static void test_samples(void **state)
{
	struct samples s = { 0 };
	u64 i;

	assert_int_equal(samples_quantile(&s, 500), 0);
	for (i = 1000; i; i--)
		samples_add(&s, i);
	assert_int_equal(samples_quantile(&s, 0), 1);
	assert_int_equal(samples_quantile(&s, 500), 500);
	assert_int_equal(samples_quantile(&s, 990), 990);
	assert_int_equal(samples_quantile(&s, 1000), 1000);
	samples_add(&s, 5000);
	assert_int_equal(samples_quantile(&s, 1000), 5000);
	assert_int_equal(s.max, 5000);
	samples_free(&s);
}

static void test_distributions(void **state)
{
	struct distribution uniform = { DISTRIBUTION_UNIFORM, .low = 10, .high = 13 };
	struct distribution exponential = { DISTRIBUTION_EXPONENTIAL, .low = MS };
	struct distribution mixed = {
		DISTRIBUTION_MIX_OF, .mix = { { 1, 9 }, { 100, 1 } }, .mixed = 2,
		.weights = 10,
	};
	u64 seed = random_seed(1, 1), sum[3] = { 0 };
	unsigned int i;

	for (i = 0; i < 100000; i++) {
		u64 value = distribution_draw(&uniform, &seed);

		assert_in_range(value, 10, 13);
		sum[0] += value;
		sum[1] += distribution_draw(&exponential, &seed);
		value = distribution_draw(&mixed, &seed);
		assert_true(value == 1 || value == 100);
		sum[2] += value;
	}
	assert_in_range(sum[0], 1145000, 1155000);
	assert_in_range(sum[1] / 100000, 980 * US, 1020 * US);
	assert_in_range(sum[2], 1060000, 1120000);
	assert_int_not_equal(random_seed(1, 1), random_seed(1, 2));
	assert_int_equal(distribution_max(&uniform), 13);
	assert_int_equal(distribution_max(&mixed), 100);
	assert_true(distribution_max(&exponential) > 20 * MS);
}

/* ------------------------------------------------------------------------ */
/* Bad input                                                                 */

static const struct {
	const char *line;
	const char *error;
} errors[] = {
	{ "flod 1", "desk:3: \"flod\" is not known; a line begins with: seed duration" },
	{ "seed", "desk:3: this line has the form: seed NUMBER" },
	{ "seed -1", "seed is 0…18446744073709551615, not \"-1\"" },
	{ "duration 5", "\"5\" is not a time: a number with the unit ns, us, ms, s or min" },
	{ "duration 5h", "\"5h\" is not a time" },
	{ "duration 12000000s", "at most 11 days" },
	{ "policy best", "there is no policy \"best\"; there are:" },
	{ "overhead 501", "overhead is 1…500, not \"501\"" },
	{ "cost save=1", "\"save=1\" is not known here; what there is: save-ns load-ns" },
	{ "cost save-ns=1us", "save-ns is 0…4294967295, not \"1us\"" },
	{ "cost hw-deadline=yes", "hw-deadline is on or off, not \"yes\"" },
	{ "driver irq-latency=fast", "\"fast\" is neither a time, such as 1.5ms, nor uniform(" },
	{ "driver irq-latency=uniform(3us,1us)", "the second must not be the smaller" },
	{ "driver irq-latency=uniform(3us)", "uniform() has two times" },
	{ "driver irq-latency=mix(3us)", "mix() has 1…8 pairs TIME:WEIGHT" },
	{ "driver irq-latency=mix(3us:0)", "a weight in mix() is 1…1000000, not \"0\"" },
	{ "function", "this line has the form: function LIST" },
	{ "function 256", "\"256\" is not a list of functions: 0 (the PF) and 1…255 (VFs)" },
	{ "function 3-1", "\"3-1\" is not a list" },
	{ "function 1,", "\"1,\" is not a list" },
	{ "function 1 weight=0", "weight is 1…10000, not \"0\"" },
	{ "function 1 priority=top", "priority is low, normal or high, not \"top\"" },
	{ "function 1 cap=5ms", "cap is TIME/PERIOD, such as 2ms/10ms, or none, not \"5ms\"" },
	{ "function 1 reserve=0/10ms", "reserve is TIME/PERIOD" },
	{ "function 1 quantum=0", "quantum=0: say none" },
	{ "function 1 quantum", "\"quantum\" is not known here; what there is: quantum" },
	{ "work 1", "this line has the form: work LIST none|flood|periodic" },
	{ "work 2 flood", "function 2 has work, but no \"function\" line before" },
	{ "work 1 flood job=1ms", "\"job=1ms\" is not known here; what there is: start stop kernel" },
	{ "work 1 periodic job=1ms", "every= is missing" },
	{ "work 1 periodic every=exp(1ms) job=1ms", "every= of periodic work is a time" },
	{ "work 1 random every=1ms", "job= is missing" },
	{ "work 1 toggle busy=1ms", "busy= and idle= are needed" },
	{ "work 1 flood kernel=0", "kernel= must be above 0" },
	{ "work 1 flood group=0", "group is a time above 0, or whole" },
	{ "at 5s jump 1", "this line has the form: at TIME set|policy|park" },
	{ "at 5s park 1 2", "this line has the form: at TIME park LIST" },
	{ "at 5s park 2", "function 2 has no \"function\" line before" },
	{ "at 5s set 1", "this line has the form: at TIME set LIST KEY=VALUE" },
	{ "at 5s policy best", "there is no policy \"best\"" },
	{ "at 5s lose 0", "a number of records is 1…1000000, not \"0\"" },
};

static void test_parse_errors(void **state)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		struct desk *d = desk_new("function 1");

		assert_int_equal(scenario_line(&d->sc, "desk", 3, errors[i].line, d->error,
					       sizeof(d->error)), -EINVAL);
		if (strncmp(d->error, "desk:3: ", 8) || !strstr(d->error, errors[i].error))
			fail_msg("\"%s\" was answered by \"%s\"", errors[i].line, d->error);
		scenario_free(&d->sc);
		free(d);
	}
}

static void test_scenario_errors(void **state)
{
	static const char *const lines[] = {
		"", "duration 0", "duration 1s", "cost group-ns=0"
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		struct scenario sc;
		char error[SIM_ERROR];

		scenario_init(&sc);
		sc.file = "desk";
		sc.warmup = 1 * SECOND;
		if (i)
			scenario_line(&sc, "desk", 1, "function 1", error, sizeof(error));
		assert_int_equal(scenario_line(&sc, "desk", 2, lines[i], error,
					       sizeof(error)), 0);
		assert_int_equal(scenario_finish(&sc, error, sizeof(error)), -EINVAL);
		scenario_free(&sc);
	}
}

static void test_missing_file(void **state)
{
	char error[SIM_ERROR];
	struct scenario sc;

	scenario_init(&sc);
	assert_int_equal(scenario_read(&sc, "/nowhere/a.sim", error, sizeof(error)), -EINVAL);
	assert_string_equal(error, "/nowhere/a.sim: No such file or directory");
	scenario_free(&sc);
}

static void test_refused_settings(void **state)
{
	struct desk *d = desk_new("policy rr\nfunction 1 weight=5\nwork 1 flood");

	assert_int_equal(desk_try(d, false), -EINVAL);
	assert_non_null(strstr(d->sim->error, "policy rr refuses: function 1: weight"));
	desk_free(d);

	d = desk_new("policy rr\nduration 10ms\nfunction 1 weight=5\nwork 1 flood");
	assert_int_equal(desk_try(d, true), 0);
	assert_int_equal(d->sim->ignored, SIM_WEIGHT);
	desk_free(d);
}

static void test_later_settings_win(void **state)
{
	struct desk *d = simulate("duration 1ms\npolicy rr\n"
				  "function 1-3 quantum=6ms # all of them\n"
				  "\n"
				  "function 2 quantum=2ms timeout=none\n"
				  "work 1-3 flood\nwork 3 none\n");

	assert_int_equal(d->sim->fn[1].params.quantum_ns, 6 * MS);
	assert_int_equal(d->sim->fn[2].params.quantum_ns, 2 * MS);
	assert_int_equal(d->sim->fn[2].params.preempt_timeout_ns, 0);
	assert_int_equal(d->sc.function[3].work.kind, WORK_NONE);
	assert_int_equal(d->sc.function[1].work.kind, WORK_FLOOD);
	desk_free(d);
}

static void test_times(void **state)
{
	static const struct {
		const char *line;
		u64 ns;
	} times[] = {
		{ "duration 1.5ms", 1500000 }, { "duration 250ns", 250 },
		{ "duration 0.000001s", 1000 }, { "duration 2min", 120 * SECOND },
		{ "duration 16.667us", 16667 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		struct desk *d = desk_new("function 1");

		assert_int_equal(scenario_line(&d->sc, "desk", 1, times[i].line, d->error,
					       sizeof(d->error)), 0);
		assert_int_equal(d->sc.duration, times[i].ns);
		scenario_free(&d->sc);
		free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_text),
		cmocka_unit_test(test_time_adds_up),
		cmocka_unit_test(test_everybody_is_served),
		cmocka_unit_test(test_records_get_lost),
		cmocka_unit_test(test_arrivals_are_the_same),
		cmocka_unit_test(test_one_flood),
		cmocka_unit_test(test_rounds_of_floods),
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_preemption_points),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_too_many_hangs),
		cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_jobs_in_a_row),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_lost_jobs),
		cmocka_unit_test(test_think),
		cmocka_unit_test(test_toggle),
		cmocka_unit_test(test_warmup),
		cmocka_unit_test(test_park),
		cmocka_unit_test(test_lag),
		cmocka_unit_test(test_share_error),
		cmocka_unit_test(test_wasted),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_distributions),
		cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_scenario_errors),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_refused_settings),
		cmocka_unit_test(test_later_settings_win),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

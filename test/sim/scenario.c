// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text of a scenario. One line, one thing: a keyword, then words, then
 * KEY=VALUE. Every keyword and every KEY is a line in a table.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "costs.h"
#include "scenario.h"
#include "sim.h"

#define WORDS		64
#define TIME_LIMIT	1000000000000000ull	/* ns, eleven days */

/* A line, and where to complain about it. */
struct text {
	struct scenario *sc;
	const char *file;
	unsigned int line;
	char *word[WORDS];
	unsigned int words;
	char *error;
	size_t size;
};

__attribute__((format(printf, 2, 3)))
static int fail(struct text *t, const char *format, ...)
{
	va_list args;
	int used;

	used = snprintf(t->error, t->size, "%s:%u: ", t->file, t->line);
	if (used < 0 || (size_t)used >= t->size)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(t->error + used, t->size - used, format, args);
	va_end(args);
	return -EINVAL;
}

/* ------------------------------------------------------------------------ */
/* Values                                                                    */

static const struct {
	const char *name;
	u64 ns;
} units[] = {
	{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
	{ "min", 60000000000ull },
};

static u64 unit_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(units[i].name, name))
			return units[i].ns;
	return 0;
}

/* 250us, 1.5ms, 0 */
static int parse_time(struct text *t, const char *value, u64 *ns)
{
	const char *at = value;
	u64 whole = 0, part = 0, scale = 1, unit;

	while (*at >= '0' && *at <= '9' && whole <= TIME_LIMIT)
		whole = whole * 10 + (*at++ - '0');
	if (at != value && *at == '.')
		for (at++; *at >= '0' && *at <= '9' && scale < 1000000000; at++) {
			part = part * 10 + (*at - '0');
			scale *= 10;
		}
	unit = unit_of(at);
	if (at != value && !*at && !whole && !part) {
		*ns = 0;
		return 0;
	}
	if (at == value || !unit || whole > TIME_LIMIT / unit)
		return fail(t, "\"%s\" is not a time: a number with the unit ns, us, ms, s or min (at most 11 days), such as 1.5ms",
			    value);
	*ns = whole * unit + part * unit / scale;
	return 0;
}

static int parse_number(struct text *t, const char *what, const char *value, u64 low,
			u64 high, u64 *number)
{
	char *end;

	errno = 0;
	*number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || *number < low ||
	    *number > high)
		return fail(t, "%s is %llu…%llu, not \"%s\"", what,
			    (unsigned long long)low, (unsigned long long)high, value);
	return 0;
}

/* What is in the parentheses of @name(...), cut out of @value. */
static char *inside(char *value, const char *name)
{
	size_t length = strlen(name);
	size_t all = strlen(value);

	if (strncmp(value, name, length) || value[length] != '(' ||
	    value[all - 1] != ')')
		return NULL;
	value[all - 1] = 0;
	return value + length + 1;
}

static int parse_mix(struct text *t, char *list, struct distribution *d)
{
	char *next, *colon;
	u64 weight;

	d->kind = DISTRIBUTION_MIX_OF;
	for (; list; list = next) {
		next = strchr(list, ',');
		if (next)
			*next++ = 0;
		colon = strchr(list, ':');
		if (!colon || d->mixed == DISTRIBUTION_MIX)
			return fail(t, "mix() has 1…%u pairs TIME:WEIGHT, such as mix(1ms:9,50ms:1)",
				    DISTRIBUTION_MIX);
		*colon = 0;
		if (parse_time(t, list, &d->mix[d->mixed].value) ||
		    parse_number(t, "a weight in mix()", colon + 1, 1, 1000000, &weight))
			return -EINVAL;
		d->mix[d->mixed++].weight = weight;
		d->weights += weight;
	}
	return 0;
}

static int parse_uniform(struct text *t, char *list, struct distribution *d)
{
	char *comma = strchr(list, ',');

	if (!comma)
		return fail(t, "uniform() has two times, such as uniform(1ms,3ms)");
	*comma = 0;
	d->kind = DISTRIBUTION_UNIFORM;
	if (parse_time(t, list, &d->low) || parse_time(t, comma + 1, &d->high))
		return -EINVAL;
	if (d->high < d->low)
		return fail(t, "uniform(%s,%s): the second must not be the smaller one",
			    list, comma + 1);
	return 0;
}

static int parse_distribution(struct text *t, const char *value,
			      struct distribution *d)
{
	char *copy = strdup(value);
	char *list;
	int ret;

	*d = (struct distribution){ .kind = DISTRIBUTION_CONSTANT };
	list = inside(copy, "uniform");
	if (list) {
		ret = parse_uniform(t, list, d);
		goto free;
	}
	list = inside(copy, "exp");
	if (list) {
		d->kind = DISTRIBUTION_EXPONENTIAL;
		ret = parse_time(t, list, &d->low);
		goto free;
	}
	list = inside(copy, "mix");
	if (list) {
		ret = parse_mix(t, list, d);
		goto free;
	}
	ret = parse_time(t, value, &d->low);
	if (ret)
		ret = fail(t, "\"%s\" is neither a time, such as 1.5ms, nor uniform(LOW,HIGH), exp(MEAN) or mix(TIME:WEIGHT,…)",
			   value);
free:
	free(copy);
	return ret;
}

/* 3, 1-8, 1,3,5-7: marks them in @list */
static int parse_list(struct text *t, const char *value, bool *list)
{
	const char *at = value;
	char *end;
	u64 first, last;

	memset(list, 0, VGPU_MAX_FUNCTIONS);
	do {
		if (*at < '0' || *at > '9')
			goto bad;
		first = strtoull(at, &end, 10);
		last = first;
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoull(end + 1, &end, 10);
		if (last < first || last >= VGPU_MAX_FUNCTIONS)
			goto bad;
		for (; first <= last; first++)
			list[first] = true;
		at = end + 1;
	} while (*end == ',');
	if (!*end)
		return 0;
bad:
	return fail(t, "\"%s\" is not a list of functions: 0 (the PF) and 1…%u (VFs), such as 1-4,7",
		    value, VGPU_MAX_FUNCTIONS - 1);
}

/* ------------------------------------------------------------------------ */
/* KEY=VALUE                                                                 */

struct key {
	const char *name;
	int (*parse)(struct text *t, const struct key *key, const char *value, void *to);
	size_t offset;
	u32 flag;
};

#define MEMBER(type, to, key)	((type *)((char *)(to) + (key)->offset))

static int key_time(struct text *t, const struct key *key, const char *value, void *to)
{
	return parse_time(t, value, MEMBER(u64, to, key));
}

static int key_time_or_none(struct text *t, const struct key *key, const char *value,
			    void *to)
{
	u64 *ns = MEMBER(u64, to, key);

	if (!strcmp(value, "none")) {
		*ns = 0;
		return 0;
	}
	if (parse_time(t, value, ns))
		return -EINVAL;
	return *ns ? 0 : fail(t, "%s=0: say none", key->name);
}

static int key_quantum(struct text *t, const struct key *key, const char *value,
		       void *to)
{
	if (strcmp(value, "auto"))
		return key_time_or_none(t, key, value, to);
	*MEMBER(u64, to, key) = VGPU_SCHED_QUANTUM_AUTO;
	return 0;
}

static int key_distribution(struct text *t, const struct key *key, const char *value,
			    void *to)
{
	return parse_distribution(t, value, MEMBER(struct distribution, to, key));
}

static int key_ns(struct text *t, const struct key *key, const char *value, void *to)
{
	return parse_number(t, key->name, value, 0, UINT_MAX, MEMBER(u64, to, key));
}

static int key_count(struct text *t, const struct key *key, const char *value, void *to)
{
	u64 number;

	if (parse_number(t, key->name, value, 0, 1000000, &number))
		return -EINVAL;
	*MEMBER(u32, to, key) = number;
	return 0;
}

static int key_switch(struct text *t, const struct key *key, const char *value, void *to)
{
	if (strcmp(value, "on") && strcmp(value, "off"))
		return fail(t, "%s is on or off, not \"%s\"", key->name, value);
	*MEMBER(bool, to, key) = !strcmp(value, "on");
	return 0;
}

static int key_weight(struct text *t, const struct key *key, const char *value, void *to)
{
	u64 number;

	if (parse_number(t, "weight", value, VGPU_SCHED_WEIGHT_MIN,
			 VGPU_SCHED_WEIGHT_MAX, &number))
		return -EINVAL;
	*MEMBER(u32, to, key) = number;
	return 0;
}

static int key_priority(struct text *t, const struct key *key, const char *value,
			void *to)
{
	static const char *const names[] = { "low", "normal", "high" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], value)) {
			*MEMBER(u32, to, key) = i;
			return 0;
		}
	return fail(t, "priority is low, normal or high, not \"%s\"", value);
}

/* TIME/PERIOD, or none; the second number is behind the first */
static int key_share(struct text *t, const struct key *key, const char *value, void *to)
{
	u64 *share = MEMBER(u64, to, key);
	char *copy, *slash;
	int ret;

	share[0] = 0;
	share[1] = 0;
	if (!strcmp(value, "none"))
		return 0;
	copy = strdup(value);
	slash = strchr(copy, '/');
	if (slash)
		*slash = 0;
	ret = !slash || parse_time(t, copy, &share[0]) ||
	      parse_time(t, slash + 1, &share[1]) || !share[0] || !share[1];
	free(copy);
	return ret ? fail(t, "%s is TIME/PERIOD, such as 2ms/10ms, or none, not \"%s\"",
			  key->name, value) : 0;
}

static int key_group(struct text *t, const struct key *key, const char *value, void *to)
{
	struct work *work = to;

	if (!strcmp(value, "whole")) {
		work->whole = true;
		return 0;
	}
	if (parse_time(t, value, &work->group))
		return -EINVAL;
	return work->group ? 0 : fail(t, "group is a time above 0, or whole");
}

static int key_stops(struct text *t, const struct key *key, const char *value, void *to)
{
	((struct work *)to)->stops = true;
	return key_distribution(t, key, value, to);
}

#define SETTING(name, parse, field, flag) \
	{ name, parse, offsetof(struct vgpu_sched_params, field), flag }

static const struct key settings[] = {
	SETTING("quantum", key_quantum, quantum_ns, SIM_QUANTUM),
	SETTING("timeout", key_time_or_none, preempt_timeout_ns, SIM_TIMEOUT),
	SETTING("weight", key_weight, weight, SIM_WEIGHT),
	SETTING("priority", key_priority, priority, SIM_PRIORITY),
	SETTING("cap", key_share, cap_quota_ns, SIM_CAP),
	SETTING("reserve", key_share, budget_ns, SIM_BUDGET),
	{ NULL }
};

#define COST(name, parse, field) \
	{ name, parse, offsetof(struct scenario, field), 0 }

static const struct key costs[] = {
	COST("save-ns", key_ns, save_ns),
	COST("load-ns", key_ns, load_ns),
	COST("reset-ns", key_ns, reset_ns),
	COST("group-ns", key_ns, group_ns),
	COST("image-bandwidth", key_ns, image_bandwidth),
	COST("context-bytes", key_ns, context_bytes),
	COST("hw-deadline", key_switch, hw_deadline),
	{ NULL }
};

static const struct key driver[] = {
	COST("irq-latency", key_distribution, irq_latency),
	COST("write-latency", key_distribution, write_latency),
	COST("recover-delay", key_time, recover_delay),
	COST("recoveries", key_count, recoveries),
	{ NULL }
};

/* Which kinds of work a KEY belongs to. */
#define FOR(kind)	(1u << WORK_ ## kind)
#define FOR_ALL		~0u
#define FOR_JOBS	(FOR(PERIODIC) | FOR(RANDOM) | FOR(BURSTY) | FOR(THINK))
#define WORK(name, parse, field, kinds) \
	{ name, parse, offsetof(struct work, field), kinds }

static const struct key works[] = {
	WORK("start", key_time, start, FOR_ALL),
	WORK("stop", key_time, stop, FOR_ALL),
	WORK("every", key_distribution, every,
	     FOR(PERIODIC) | FOR(RANDOM) | FOR(BURSTY)),
	WORK("jitter", key_distribution, jitter, FOR(PERIODIC)),
	WORK("busy", key_distribution, busy, FOR(BURSTY) | FOR(TOGGLE)),
	WORK("idle", key_distribution, idle, FOR(BURSTY) | FOR(TOGGLE) | FOR(THINK)),
	WORK("job", key_distribution, job, FOR_JOBS),
	WORK("deadline", key_time, deadline, FOR_JOBS),
	WORK("kernel", key_distribution, kernel, FOR_ALL),
	WORK("group", key_group, group, FOR_ALL),
	WORK("stops", key_stops, stop_delay, FOR_ALL),
	{ NULL }
};

/* Fails with the list of the keys that are allowed here. */
static int fail_key(struct text *t, const char *word, const struct key *keys, u32 flags)
{
	char list[512] = "";
	size_t used = 0;

	for (; keys->name; keys++)
		if (!keys->flag || keys->flag & flags)
			used += snprintf(list + used, sizeof(list) - used, " %s",
					 keys->name);
	return fail(t, "\"%s\" is not known here; what there is:%s, each with =VALUE",
		    word, list);
}

/* Words from @first on into @to; those of @keys whose flag is in @flags. */
static int parse_keys(struct text *t, unsigned int first, const struct key *keys,
		      u32 flags, void *to, u32 *given)
{
	unsigned int i;

	for (i = first; i < t->words; i++) {
		char *value = strchr(t->word[i], '=');
		const struct key *key = keys;
		size_t length;

		length = value ? (size_t)(value - t->word[i]) : 0;
		while (key->name && (strncmp(key->name, t->word[i], length) ||
				     key->name[length] ||
				     (key->flag && !(key->flag & flags))))
			key++;
		if (!value || !key->name)
			return fail_key(t, t->word[i], keys, flags);
		if (key->parse(t, key, value + 1, to))
			return -EINVAL;
		if (given)
			*given |= key->flag;
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Lines                                                                     */

static int needs(struct text *t, unsigned int words, const char *form)
{
	return t->words == words ? 0 : fail(t, "this line has the form: %s", form);
}

static int line_seed(struct text *t)
{
	return needs(t, 2, "seed NUMBER") ||
	       parse_number(t, "seed", t->word[1], 0, U64_MAX, &t->sc->seed);
}

static int line_duration(struct text *t)
{
	return needs(t, 2, "duration TIME") ||
	       parse_time(t, t->word[1], &t->sc->duration);
}

static int line_warmup(struct text *t)
{
	return needs(t, 2, "warmup TIME") || parse_time(t, t->word[1], &t->sc->warmup);
}

static int take_policy(struct text *t, const char *name, char *to)
{
	if (!sim_find_scheduler(name)) {
		char list[256] = "";
		size_t used = 0;
		unsigned int i;

		for (i = 0; sim_schedulers[i]; i++)
			used += snprintf(list + used, sizeof(list) - used, " %s",
					 sim_schedulers[i]->name);
		for (i = 0; vgpu_sched_policy_at(i); i++)
			used += snprintf(list + used, sizeof(list) - used, " %s",
					 vgpu_sched_policy_name(vgpu_sched_policy_at(i)));
		return fail(t, "there is no policy \"%s\"; there are:%s", name, list);
	}
	snprintf(to, SCENARIO_NAME, "%s", name);
	return 0;
}

static int line_policy(struct text *t)
{
	return needs(t, 2, "policy NAME") ||
	       take_policy(t, t->word[1], t->sc->policy);
}

static int line_overhead(struct text *t)
{
	u64 permille;

	if (needs(t, 2, "overhead PERMILLE") ||
	    parse_number(t, "overhead", t->word[1], VGPU_SCHED_OVERHEAD_MIN,
			 VGPU_SCHED_OVERHEAD_MAX, &permille))
		return -EINVAL;
	t->sc->overhead_permille = permille;
	return 0;
}

static int line_cost(struct text *t)
{
	return parse_keys(t, 1, costs, 0, t->sc, NULL);
}

static int line_driver(struct text *t)
{
	return parse_keys(t, 1, driver, 0, t->sc, NULL);
}

/**
 * scenario_apply() - change some settings of a function
 * @params: its settings
 * @set: those that shall change
 */
void scenario_apply(struct vgpu_sched_params *params, const struct scenario_set *set)
{
	const struct vgpu_sched_params *from = &set->params;

	if (set->given & SIM_QUANTUM)
		params->quantum_ns = from->quantum_ns;
	if (set->given & SIM_TIMEOUT)
		params->preempt_timeout_ns = from->preempt_timeout_ns;
	if (set->given & SIM_WEIGHT)
		params->weight = from->weight;
	if (set->given & SIM_PRIORITY)
		params->priority = from->priority;
	if (set->given & SIM_CAP) {
		params->cap_quota_ns = from->cap_quota_ns;
		params->cap_period_ns = from->cap_period_ns;
	}
	if (set->given & SIM_BUDGET) {
		params->budget_ns = from->budget_ns;
		params->period_ns = from->period_ns;
	}
}

static int line_function(struct text *t)
{
	bool list[VGPU_MAX_FUNCTIONS];
	struct scenario_set set = { 0 };
	unsigned int i;

	if (t->words < 2)
		return fail(t, "this line has the form: function LIST [KEY=VALUE]…");
	if (parse_list(t, t->word[1], list) ||
	    parse_keys(t, 2, settings, FOR_ALL, &set.params, &set.given))
		return -EINVAL;
	for (i = 0; i < VGPU_MAX_FUNCTIONS; i++) {
		if (!list[i])
			continue;
		t->sc->function[i].declared = true;
		if (i >= t->sc->functions)
			t->sc->functions = i + 1;
		scenario_apply(&t->sc->function[i].params, &set);
	}
	return 0;
}

static const struct {
	const char *name;
	enum work_kind kind;
	u32 every;		/* of which kind it is an abbreviation: "poisson" */
} work_kinds[] = {
	{ "none", WORK_NONE, 0 },
	{ "flood", WORK_FLOOD, 0 },
	{ "periodic", WORK_PERIODIC, 0 },
	{ "random", WORK_RANDOM, 0 },
	{ "poisson", WORK_RANDOM, 1 },
	{ "bursty", WORK_BURSTY, 0 },
	{ "toggle", WORK_TOGGLE, 0 },
	{ "think", WORK_THINK, 0 },
};

/* What would make the time stand still, or what is missing. */
static int check_work(struct text *t, const struct work *work)
{
	u32 kind = 1u << work->kind;

	if (kind & (FOR(PERIODIC) | FOR(RANDOM) | FOR(BURSTY)) &&
	    !distribution_max(&work->every))
		return fail(t, "every= is missing: the time between two jobs, above 0");
	if (kind & (FOR(BURSTY) | FOR(TOGGLE)) && (!distribution_max(&work->busy) ||
						   !distribution_max(&work->idle)))
		return fail(t, "busy= and idle= are needed: times above 0");
	if (kind & FOR_JOBS && !distribution_max(&work->job))
		return fail(t, "job= is missing: the length of a job, above 0");
	if (!distribution_max(&work->kernel))
		return fail(t, "kernel= must be above 0");
	if (work->kind == WORK_PERIODIC && work->every.kind != DISTRIBUTION_CONSTANT)
		return fail(t, "every= of periodic work is a time; see jitter=, or random");
	return 0;
}

static int line_work(struct text *t)
{
	struct work work = {
		.stop = U64_MAX,
		.kernel = { .low = 1000000 },
	};
	bool list[VGPU_MAX_FUNCTIONS];
	unsigned int i = 0;

	while (t->words > 2 && i < ARRAY_SIZE(work_kinds) &&
	       strcmp(work_kinds[i].name, t->word[2]))
		i++;
	if (t->words < 3 || i == ARRAY_SIZE(work_kinds))
		return fail(t, "this line has the form: work LIST none|flood|periodic|random|poisson|bursty|toggle|think [KEY=VALUE]…");
	work.kind = work_kinds[i].kind;
	if (parse_list(t, t->word[1], list) ||
	    parse_keys(t, 3, works, 1u << work.kind, &work, NULL))
		return -EINVAL;
	if (work_kinds[i].every)
		work.every.kind = DISTRIBUTION_EXPONENTIAL;
	if (check_work(t, &work))
		return -EINVAL;
	for (i = 0; i < VGPU_MAX_FUNCTIONS; i++) {
		if (!list[i])
			continue;
		if (!t->sc->function[i].declared)
			return fail(t, "function %u has work, but no \"function\" line before", i);
		t->sc->function[i].work = work;
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* at TIME ...                                                               */

static const struct {
	const char *name;
	enum scenario_action_kind kind;
	bool whom;
	const char *form;
} action_kinds[] = {
	{ "set", ACTION_SET, true, "at TIME set LIST KEY=VALUE…" },
	{ "policy", ACTION_POLICY, false, "at TIME policy NAME" },
	{ "park", ACTION_PARK, true, "at TIME park LIST" },
	{ "unpark", ACTION_UNPARK, true, "at TIME unpark LIST" },
	{ "flr", ACTION_FLR, true, "at TIME flr LIST" },
	{ "hang", ACTION_HANG, true, "at TIME hang LIST" },
	{ "reset", ACTION_RESET, true, "at TIME reset LIST" },
	{ "stuck-save", ACTION_STUCK_SAVE, false, "at TIME stuck-save" },
	{ "lose", ACTION_LOSE, false, "at TIME lose RECORDS" },
};

static int check_declared(struct text *t, const struct scenario_action *action)
{
	unsigned int i;

	for (i = 0; i < VGPU_MAX_FUNCTIONS; i++)
		if (action->function[i] && !t->sc->function[i].declared)
			return fail(t, "function %u has no \"function\" line before", i);
	return 0;
}

static int parse_action(struct text *t, struct scenario_action *action,
			const char *form)
{
	u64 number;

	switch (action->kind) {
	case ACTION_SET:
		if (t->words < 5)
			return fail(t, "this line has the form: %s", form);
		return parse_keys(t, 4, settings, FOR_ALL, &action->set.params,
				  &action->set.given);
	case ACTION_POLICY:
		return needs(t, 4, form) || take_policy(t, t->word[3], action->policy);
	case ACTION_LOSE:
		if (needs(t, 4, form) ||
		    parse_number(t, "a number of records", t->word[3], 1, 1000000,
				 &number))
			return -EINVAL;
		action->count = number;
		return 0;
	case ACTION_STUCK_SAVE:
		return needs(t, 3, form);
	default:
		return needs(t, 4, form);
	}
}

/* In the order of time; of those at the same time in the order of lines. */
static int add_action(struct text *t, const struct scenario_action *action)
{
	struct scenario *sc = t->sc;
	unsigned int i = sc->actions;

	if (sc->actions == SCENARIO_ACTIONS)
		return fail(t, "there are more than %u lines with \"at\"",
			    SCENARIO_ACTIONS);
	for (; i && sc->action[i - 1].at > action->at; i--)
		sc->action[i] = sc->action[i - 1];
	sc->action[i] = *action;
	sc->actions++;
	return 0;
}

static int line_at(struct text *t)
{
	struct scenario_action action = { .line = t->line };
	unsigned int i = 0;

	while (t->words > 2 && i < ARRAY_SIZE(action_kinds) &&
	       strcmp(action_kinds[i].name, t->word[2]))
		i++;
	if (t->words < 3 || i == ARRAY_SIZE(action_kinds))
		return fail(t, "this line has the form: at TIME set|policy|park|unpark|flr|hang|reset|stuck-save|lose …");
	action.kind = action_kinds[i].kind;
	if (parse_time(t, t->word[1], &action.at))
		return -EINVAL;
	if (action_kinds[i].whom && t->words > 3 &&
	    parse_list(t, t->word[3], action.function))
		return -EINVAL;
	if (parse_action(t, &action, action_kinds[i].form) ||
	    check_declared(t, &action))
		return -EINVAL;
	return add_action(t, &action);
}

/* ------------------------------------------------------------------------ */
/* All of it                                                                 */

static const struct {
	const char *name;
	int (*parse)(struct text *t);
} lines[] = {
	{ "seed", line_seed },
	{ "duration", line_duration },
	{ "warmup", line_warmup },
	{ "policy", line_policy },
	{ "overhead", line_overhead },
	{ "cost", line_cost },
	{ "driver", line_driver },
	{ "function", line_function },
	{ "work", line_work },
	{ "at", line_at },
};

static int parse_line(struct text *t)
{
	char list[256] = "";
	size_t used = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!strcmp(lines[i].name, t->word[0]))
			return lines[i].parse(t) ? -EINVAL : 0;
		used += snprintf(list + used, sizeof(list) - used, " %s", lines[i].name);
	}
	return fail(t, "\"%s\" is not known; a line begins with:%s", t->word[0], list);
}

/**
 * scenario_line() - read one line of a scenario
 * @sc: to be changed by it
 * @file: where the line is, for messages
 * @number: ditto
 * @text: the line
 * @error: what was wrong
 * @size: bytes there
 *
 * Return: 0, or -EINVAL.
 */
int scenario_line(struct scenario *sc, const char *file, unsigned int number,
		  const char *text, char *error, size_t size)
{
	struct text t = {
		.sc = sc, .file = file, .line = number, .error = error, .size = size,
	};
	char *copy = strdup(text);
	char *word, *save = NULL;
	int ret = 0;

	copy[strcspn(copy, "#")] = 0;
	for (word = strtok_r(copy, " \t\r\n", &save); word && !ret;
	     word = strtok_r(NULL, " \t\r\n", &save)) {
		if (t.words == WORDS)
			ret = fail(&t, "a line has at most %u words", WORDS);
		else
			t.word[t.words++] = word;
	}
	if (!ret && t.words)
		ret = parse_line(&t);
	free(copy);
	return ret;
}

/**
 * scenario_init() - the scenario of an empty file
 * @sc: what becomes it
 */
void scenario_init(struct scenario *sc)
{
	unsigned int i;

	*sc = (struct scenario){
		.seed = 1,
		.duration = 10000000000ull,
		.policy = "eevdf",
		.save_ns = VGPU_DEFAULT_SAVE_NS,
		.load_ns = VGPU_DEFAULT_LOAD_NS,
		.reset_ns = VGPU_DEFAULT_RESET_NS,
		.group_ns = VGPU_DEFAULT_GROUP_NS,
		.image_bandwidth = VGPU_DEFAULT_IMAGE_BANDWIDTH,
		.context_bytes = VGPU_DEFAULT_CONTEXT_BYTES,
		.hw_deadline = true,
		.irq_latency = { .low = 5000 },
		.write_latency = { .low = 500 },
		.recover_delay = 100000,
		.recoveries = 8,
		.functions = 1,
		.action = calloc(SCENARIO_ACTIONS, sizeof(*sc->action)),
	};
	for (i = 0; i < VGPU_MAX_FUNCTIONS; i++)
		sc->function[i].params = (struct vgpu_sched_params){
			.quantum_ns = VGPU_SCHED_QUANTUM_DEFAULT,
			.preempt_timeout_ns = VGPU_SCHED_TIMEOUT_DEFAULT,
			.weight = VGPU_SCHED_WEIGHT_DEFAULT,
			.priority = VGPU_SCHED_PRIORITY_NORMAL,
		};
}

void scenario_free(struct scenario *sc)
{
	free(sc->action);
	sc->action = NULL;
}

static void take_name(struct scenario *sc, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dot;

	sc->file = path;
	snprintf(sc->name, sizeof(sc->name), "%s", slash ? slash + 1 : path);
	dot = strrchr(sc->name, '.');
	if (dot && dot != sc->name)
		*dot = 0;
}

/**
 * scenario_read() - read a file of lines
 * @sc: to be changed by them
 * @path: the file; kept
 * @error: what was wrong, with file and line
 * @size: bytes there
 *
 * Return: 0, or -EINVAL.
 */
int scenario_read(struct scenario *sc, const char *path, char *error, size_t size)
{
	FILE *file = fopen(path, "r");
	unsigned int number = 0;
	char *line = NULL;
	size_t room = 0;
	int ret = 0;

	if (!file) {
		snprintf(error, size, "%s: %s", path, strerror(errno));
		return -EINVAL;
	}
	take_name(sc, path);
	while (!ret && getline(&line, &room, file) >= 0)
		ret = scenario_line(sc, path, ++number, line, error, size);
	free(line);
	fclose(file);
	return ret;
}

/**
 * scenario_finish() - check what only the whole tells
 * @sc: the scenario
 * @error: what was wrong
 * @size: bytes there
 *
 * Return: 0, or -EINVAL.
 */
int scenario_finish(struct scenario *sc, char *error, size_t size)
{
	unsigned int i, declared = 0;
	u64 image = vgpu_image_cost(sc->context_bytes, sc->image_bandwidth);
	const char *wrong = NULL;

	for (i = 0; i < sc->functions; i++)
		declared += sc->function[i].declared;
	if (!declared)
		wrong = "no \"function\" line: nobody to simulate";
	else if (!sc->duration || sc->warmup >= sc->duration)
		wrong = "duration must be above 0 and above warmup";
	else if (!sc->group_ns)
		wrong = "group-ns must be above 0";
	if (wrong) {
		snprintf(error, size, "%s: %s", sc->file, wrong);
		return -EINVAL;
	}
	sc->save_ns += image;
	sc->load_ns += image;
	return 0;
}

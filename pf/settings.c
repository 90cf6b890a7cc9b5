// SPDX-License-Identifier: GPL-2.0-only
/* Settings of the scheduler; see settings.h. */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "device.h"
#include "trace.h"

/* ------------------------------------------------------------------------ */
/* Why something is refused                                                  */

/*
 * How the administrator calls what the core has refused, and how many of the
 * core's units are one of his.
 */
static const struct {
	const char *what;
	const char *name;
	u32 unit;
} settings_names[] = {
	{ "quantum_ns", "exec_quantum_us", NSEC_PER_USEC },
	{ "preempt_timeout_ns", "preempt_timeout_us", NSEC_PER_USEC },
	{ "priority", "sched_priority", 1 },
	{ "cap_quota_ns", "quota of cap_us", NSEC_PER_USEC },
	{ "cap_period_ns", "period of cap_us", NSEC_PER_USEC },
	{ "budget_ns", "budget of reservation_us", NSEC_PER_USEC },
	{ "period_ns", "period of reservation_us", NSEC_PER_USEC },
	{ "overhead_permille", "overhead_target_permille", 1 },
};

static void settings_range(char *range, size_t size, const struct vgpu_sched_why *why, u32 unit)
{
	u64 low = div_u64(why->low + unit - 1, unit), high = div_u64(why->high, unit);

	if (why->low > why->high || low > high)
		range[0] = '\0';
	else if (low == high)
		snprintf(range, size, ", only %llu is possible", low);
	else
		snprintf(range, size, ", %llu to %llu are possible", low, high);
}

/* @fn: who should have had it, NULL if that is all of the device. */
static int settings_refuse(struct vgpu_pf *pf, struct vgpu_pf_function *fn, const char *name,
			   const char *text, const struct vgpu_sched_why *why, int err)
{
	const char *what = why->what, *of = "", *whose = "";
	char range[64];
	unsigned int i;
	u32 unit = 1;

	for (i = 0; i < ARRAY_SIZE(settings_names); i++)
		if (!strcmp(settings_names[i].what, why->what)) {
			what = settings_names[i].name;
			unit = settings_names[i].unit;
		}
	if (why->function < pf->functions && (!fn || why->function != fn->number)) {
		of = " of ";
		whose = pf->fn[why->function].name;
	}
	settings_range(range, sizeof(range), why, unit);
	vgpu_pf_refuse(pf, "%s: %s %s: %s%s%s %s%s: %pe\n",
		       fn ? fn->name : "all functions", name, text, what,
		       of, whose, why->rule, range, ERR_PTR(err));
	return err;
}

static int settings_malformed(struct vgpu_pf *pf, struct vgpu_pf_function *fn,
			      const struct vgpu_pf_change *change, int err)
{
	vgpu_pf_refuse(pf, "%s: %s %s: must be %s: %pe\n",
		       fn ? fn->name : "all functions", change->name,
		       change->text, change->form, ERR_PTR(err));
	return err;
}

/* ------------------------------------------------------------------------ */
/* What an explicit quantum costs                                            */

static u32 settings_cost(struct vgpu_pf_function *fn, u64 quantum_ns)
{
	struct vgpu_pf *pf = fn->pf;
	u32 permille;

	raw_spin_lock_irq(&pf->lock);
	permille = vgpu_sched_quantum_overhead(pf->world.core, fn->number, quantum_ns);
	raw_spin_unlock_irq(&pf->lock);
	return permille;
}

/* The smallest quantum that costs no more than @target; it costs less if longer. */
static u64 settings_least_quantum_us(struct vgpu_pf_function *fn, u32 target)
{
	u64 low = div_u64(VGPU_SCHED_QUANTUM_MIN, NSEC_PER_USEC);
	u64 high = div_u64(VGPU_SCHED_QUANTUM_MAX, NSEC_PER_USEC);

	while (low < high) {
		u64 middle = low + (high - low) / 2;

		if (settings_cost(fn, middle * NSEC_PER_USEC) > target)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* @fn stands for all functions if @all. */
static void settings_warn_of_cost(struct vgpu_pf_function *fn, bool all)
{
	struct vgpu_sched_params params;
	u32 cost, target;

	vgpu_pf_settings_get(fn, &params);
	if (!params.quantum_ns || params.quantum_ns == VGPU_SCHED_QUANTUM_AUTO)
		return;
	cost = settings_cost(fn, params.quantum_ns);
	target = vgpu_sched_overhead(fn->pf->world.core);
	if (cost <= target || !__ratelimit(&fn->pf->refusals))
		return;
	dev_warn(fn->pf->drm.dev, "%s: an exec quantum of %llu us costs up to %u.%u %% for switching, more than the target of %u.%u %%: %llu us is the least that stays within\n",
		 all ? "all functions" : fn->name,
		 div_u64(params.quantum_ns, NSEC_PER_USEC), cost / 10, cost % 10, target / 10,
		 target % 10, settings_least_quantum_us(fn, target));
}

/* ------------------------------------------------------------------------ */
/* Into force                                                                */

static void settings_push_locked(struct vgpu_pf_function *fn,
				 const struct vgpu_sched_params *params)
{
	vgpu_pf_write64(fn->pf, VGPU_PF_FN(fn->number) + VGPU_PF_FN_PREEMPT_TIMEOUT,
			params->preempt_timeout_ns);
}

/**
 * vgpu_pf_settings_push() - tell the device what concerns it
 * @fn: the function, of a device that was reset
 */
void vgpu_pf_settings_push(struct vgpu_pf_function *fn)
{
	struct vgpu_pf *pf = fn->pf;
	struct vgpu_sched_params params;
	unsigned long flags;

	raw_spin_lock_irqsave(&pf->lock, flags);
	vgpu_sched_get_params(pf->world.core, fn->number, &params);
	settings_push_locked(fn, &params);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
}

/*
 * The core and the device learn it at the same time: neither shall expect what
 * the other does not know of.
 */
static int settings_set(struct vgpu_pf_function *fn, const struct vgpu_sched_params *params,
			struct vgpu_sched_why *why)
{
	struct vgpu_pf *pf = fn->pf;
	u64 now;
	int err;

	lockdep_assert_held(&pf->settings);
	*why = (struct vgpu_sched_why){
		.function = fn->number, .what = "it", .rule = "is refused", .low = 1,
	};
	raw_spin_lock_irq(&pf->lock);
	now = vgpu_pf_world_now(pf);
	err = vgpu_sched_set_params(pf->world.core, fn->number, params, why, now);
	if (!err) {
		if (pf->world.live)
			settings_push_locked(fn, params);
		trace_vgpu_params(dev_name(pf->drm.dev), fn->number, now, params);
	}
	raw_spin_unlock_irq(&pf->lock);
	return err;
}

/* For those who wait and want to know for how long, see struct vgpu_pf_world. */
static void settings_sum_up(struct vgpu_pf *pf)
{
	u64 cost = (u64)pf->cost_save_ns + pf->cost_load_ns + pf->cost_reset_ns;
	u64 longest = 0, round = 0, weights = 0;
	struct vgpu_sched_params params;
	unsigned int i;

	for (i = pf->functions; i--; ) {
		vgpu_pf_settings_get(&pf->fn[i], &params);
		longest = max(longest, params.preempt_timeout_ns);
		weights += params.weight;
		round += vgpu_pf_settings_quantum(&pf->fn[i]) + params.preempt_timeout_ns + cost;
	}
	/* @params are the PF's now: what it waits for because it weighs little */
	round += div_u64(weights, params.weight) *
		 (vgpu_pf_settings_quantum(&pf->fn[VGPU_FUNCTION_PF]) + cost);
	round += params.cap_period_ns;
	WRITE_ONCE(pf->world.timeouts_ns, 2 * longest);
	WRITE_ONCE(pf->world.round_ns, round);
}

/**
 * vgpu_pf_settings_get() - settings of a function
 * @fn: the function
 * @params: where to put them
 */
void vgpu_pf_settings_get(struct vgpu_pf_function *fn, struct vgpu_sched_params *params)
{
	struct vgpu_pf *pf = fn->pf;
	unsigned long flags;

	raw_spin_lock_irqsave(&pf->lock, flags);
	vgpu_sched_get_params(pf->world.core, fn->number, params);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
}

/**
 * vgpu_pf_settings_quantum() - the execution quantum that is in force
 * @fn: whose
 *
 * Return: ns, 0 for no deadline; what the core has chosen if it chooses itself.
 */
u64 vgpu_pf_settings_quantum(struct vgpu_pf_function *fn)
{
	struct vgpu_pf *pf = fn->pf;
	unsigned long flags;
	u64 quantum;

	raw_spin_lock_irqsave(&pf->lock, flags);
	quantum = vgpu_sched_quantum(pf->world.core, fn->number);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
	return quantum;
}

/**
 * vgpu_pf_settings_latency_bound() - how long a function waits at most
 * @fn: which one
 *
 * Return: ns from having work to running, U64_MAX if there is no bound.
 */
u64 vgpu_pf_settings_latency_bound(struct vgpu_pf_function *fn)
{
	struct vgpu_pf *pf = fn->pf;
	unsigned long flags;
	u64 bound;

	raw_spin_lock_irqsave(&pf->lock, flags);
	bound = vgpu_sched_latency_bound(pf->world.core, fn->number);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
	return bound;
}

/**
 * vgpu_pf_settings_lag_bound() - how far from its share a function can be
 * @fn: which one
 *
 * Return: ns of engine time, U64_MAX if there is no bound.
 */
u64 vgpu_pf_settings_lag_bound(struct vgpu_pf_function *fn)
{
	struct vgpu_pf *pf = fn->pf;
	unsigned long flags;
	u64 bound;

	raw_spin_lock_irqsave(&pf->lock, flags);
	bound = vgpu_sched_lag_bound(pf->world.core, fn->number);
	raw_spin_unlock_irqrestore(&pf->lock, flags);
	return bound;
}

/* ------------------------------------------------------------------------ */
/* Changes                                                                   */

/**
 * vgpu_pf_settings_change() - change a setting of one function
 * @fn: the function
 * @change: what, and what it shall be
 *
 * Context: process.
 *
 * Return: 0, or a negative errno of the parser or of vgpu_sched_set_params(); then
 * nothing has changed and the log says why; or -EINTR.
 */
int vgpu_pf_settings_change(struct vgpu_pf_function *fn, const struct vgpu_pf_change *change)
{
	struct vgpu_pf *pf = fn->pf;
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	u64 quantum_ns;
	int err;

	CLASS(mutex_intr, lock)(&pf->settings);
	if (!lock)
		return -EINTR;
	vgpu_pf_settings_get(fn, &params);
	quantum_ns = params.quantum_ns;
	err = change->parse(change->text, &params);
	if (err)
		return settings_malformed(pf, fn, change, err);
	err = settings_set(fn, &params, &why);
	if (err)
		return settings_refuse(pf, fn, change->name, change->text, &why, err);
	settings_sum_up(pf);
	if (params.quantum_ns != quantum_ns)
		settings_warn_of_cost(fn, false);
	return 0;
}

/*
 * Those who have it already are left alone. @bare: without their reservations, so
 * that these are not in each other's way when they are changed one by one.
 */
static int settings_set_all(struct vgpu_pf *pf, const struct vgpu_sched_params *wanted,
			    bool bare, struct vgpu_sched_why *why)
{
	struct vgpu_sched_params params, present;
	unsigned int i;
	int err = 0;

	for (i = 0; i < pf->functions && !err; i++) {
		params = wanted[i];
		if (bare) {
			params.budget_ns = 0;
			params.period_ns = 0;
		}
		vgpu_pf_settings_get(&pf->fn[i], &present);
		if (memcmp(&params, &present, sizeof(params)))
			err = settings_set(&pf->fn[i], &params, why);
	}
	return err;
}

/* The order does not matter: what all together can have, they get. */
static int settings_arrange(struct vgpu_pf *pf, const struct vgpu_sched_params *wanted,
			    struct vgpu_sched_why *why)
{
	int err = settings_set_all(pf, wanted, false, why);

	if (err == -EBUSY)
		err = settings_set_all(pf, wanted, true, why) ?:
		      settings_set_all(pf, wanted, false, why);
	return err;
}

/* As they were: what has been possible is again. */
static void settings_undo(struct vgpu_pf *pf, const struct vgpu_sched_params *before)
{
	struct vgpu_sched_why why;
	int err = settings_arrange(pf, before, &why);

	if (err)
		settings_refuse(pf, NULL, "back to the former", "settings", &why, err);
}

/**
 * vgpu_pf_settings_change_all() - change a setting of all functions, PF included
 * @pf: the device
 * @change: what, and what it shall be
 *
 * If reservations that cannot be kept beside the new ones on the way are kept in the
 * end, all of them are taken away for a moment. Context: process.
 *
 * Return: 0, -ENOMEM, -EINTR, or why it is refused to one of them; then all of them
 * have what they had, and the log says why.
 */
int vgpu_pf_settings_change_all(struct vgpu_pf *pf, const struct vgpu_pf_change *change)
{
	struct vgpu_sched_params *before __free(kvfree) = NULL;
	struct vgpu_sched_params *after __free(kvfree) = NULL;
	struct vgpu_sched_why why;
	bool quantum = false;
	unsigned int i;
	int err;

	before = kvcalloc(pf->functions, sizeof(*before), GFP_KERNEL);
	after = kvcalloc(pf->functions, sizeof(*after), GFP_KERNEL);
	if (!before || !after)
		return -ENOMEM;

	CLASS(mutex_intr, lock)(&pf->settings);
	if (!lock)
		return -EINTR;
	for (i = 0; i < pf->functions; i++) {
		vgpu_pf_settings_get(&pf->fn[i], &before[i]);
		after[i] = before[i];
		err = change->parse(change->text, &after[i]);
		if (err)
			return settings_malformed(pf, NULL, change, err);
		quantum |= after[i].quantum_ns != before[i].quantum_ns;
	}
	err = settings_arrange(pf, after, &why);
	if (err) {
		settings_undo(pf, before);
		return settings_refuse(pf, NULL, change->name, change->text, &why, err);
	}
	settings_sum_up(pf);
	if (quantum)
		settings_warn_of_cost(&pf->fn[pf->functions - 1], true);
	return 0;
}

/* For the log: who was not taken, or that there is no such policy. */
static int settings_set_policy(struct vgpu_pf *pf, const struct vgpu_sched_policy *policy,
			       const char *name)
{
	struct vgpu_sched *core = pf->world.core;
	struct vgpu_sched_why why = {
		.function = VGPU_FUNCTION_NONE, .what = "policy",
		.rule = "does not exist; read the file for those that do", .low = 1,
	};
	int err = -EINVAL;
	u64 now;

	lockdep_assert_held(&pf->settings);
	if (policy) {
		raw_spin_lock_irq(&pf->lock);
		now = vgpu_pf_world_now(pf);
		err = vgpu_sched_set_policy(core, policy, &why, now);
		if (!err)
			trace_vgpu_policy(dev_name(pf->drm.dev), now, name,
					  vgpu_sched_overhead(core));
		raw_spin_unlock_irq(&pf->lock);
	}
	return err ? settings_refuse(pf, NULL, "policy", name, &why, err) : 0;
}

/**
 * vgpu_pf_settings_set_policy() - change the policy
 * @pf: the device
 * @name: its name
 *
 * Context: process.
 *
 * Return: 0; -EINVAL: there is none of that name; why the policy does not take the
 * settings of a function; or -EINTR.
 */
int vgpu_pf_settings_set_policy(struct vgpu_pf *pf, const char *name)
{
	int err;

	CLASS(mutex_intr, lock)(&pf->settings);
	if (!lock)
		return -EINTR;
	err = settings_set_policy(pf, vgpu_sched_find_policy(name), name);
	if (!err)
		settings_sum_up(pf);
	return err;
}

/**
 * vgpu_pf_settings_set_overhead() - change the target for the overhead
 * @pf: the device
 * @permille: of the engine time
 *
 * Context: process.
 *
 * Return: 0, -EINVAL: out of range, or -EINTR.
 */
int vgpu_pf_settings_set_overhead(struct vgpu_pf *pf, u32 permille)
{
	struct vgpu_sched *core = pf->world.core;
	struct vgpu_sched_why why;
	char text[12];
	u64 now;
	int err;

	CLASS(mutex_intr, lock)(&pf->settings);
	if (!lock)
		return -EINTR;
	raw_spin_lock_irq(&pf->lock);
	now = vgpu_pf_world_now(pf);
	err = vgpu_sched_set_overhead(core, permille, &why, now);
	if (!err)
		trace_vgpu_policy(dev_name(pf->drm.dev), now,
				  vgpu_sched_policy_name(vgpu_sched_policy(core)), permille);
	raw_spin_unlock_irq(&pf->lock);
	if (err) {
		snprintf(text, sizeof(text), "%u", permille);
		return settings_refuse(pf, NULL, "overhead_target_permille", text, &why, err);
	}
	settings_sum_up(pf);
	return 0;
}

/**
 * vgpu_pf_settings_init() - do what the module's parameters say
 * @pf: the device; the core is there
 *
 * Return: 0, or why the core refuses it; the log says that, too.
 */
int vgpu_pf_settings_init(struct vgpu_pf *pf)
{
	struct vgpu_sched_params params;
	struct vgpu_sched_why why;
	unsigned int i;
	int err;

	guard(mutex)(&pf->settings);
	err = settings_set_policy(pf, pf->policy, vgpu_sched_policy_name(pf->policy));
	if (err)
		return err;
	for (i = 0; i < pf->functions; i++) {
		vgpu_pf_settings_get(&pf->fn[i], &params);
		params.quantum_ns = pf->quantum_ns;
		params.preempt_timeout_ns = pf->preempt_timeout_ns;
		err = settings_set(&pf->fn[i], &params, &why);
		if (err)
			return settings_refuse(pf, &pf->fn[i], "settings of", "the module", &why,
					       err);
	}
	settings_sum_up(pf);
	settings_warn_of_cost(&pf->fn[pf->functions - 1], true);
	return 0;
}

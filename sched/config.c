// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration of the scheduling core: parameters of functions, policies.
 *
 * Everything is checked before anything is changed.
 */
#include "core.h"

static const struct vgpu_sched_policy *const policies[] = {
	&vgpu_sched_eevdf,
	&vgpu_sched_fixed,
	&vgpu_sched_round_robin,
	&vgpu_sched_coop,
};

/**
 * vgpu_sched_policy_at() - the policies one by one
 * @index: from 0
 *
 * Return: a policy, or NULL behind the last one.
 */
const struct vgpu_sched_policy *vgpu_sched_policy_at(unsigned int index)
{
	return index < ARRAY_SIZE(policies) ? policies[index] : NULL;
}

/**
 * vgpu_sched_find_policy() - a policy by name
 * @name: for example "rr"
 *
 * Return: the policy, or NULL if there is none of that name.
 */
const struct vgpu_sched_policy *vgpu_sched_find_policy(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(policies); i++)
		if (!strcmp(policies[i]->name, name))
			return policies[i];
	return NULL;
}

/**
 * vgpu_sched_policy_name() - how users call a policy
 * @policy: the policy
 *
 * Return: its name.
 */
const char *vgpu_sched_policy_name(const struct vgpu_sched_policy *policy)
{
	return policy->name;
}

/**
 * vgpu_sched_policy() - the policy that is in force
 * @s: the core
 *
 * Return: the policy.
 */
const struct vgpu_sched_policy *vgpu_sched_policy(const struct vgpu_sched *s)
{
	return s->policy;
}

/* Say why a setting is refused. Return: -EINVAL, which most of them are. */
int vgpu_sched_refuse(struct vgpu_sched_why *why, u16 function, const char *what,
		      const char *rule, u64 low, u64 high)
{
	why->function = function;
	why->what = what;
	why->rule = rule;
	why->low = low;
	why->high = high;
	return -EINVAL;
}

static bool within(u64 value, u64 low, u64 high)
{
	return value >= low && value <= high;
}

/* A share of engine time in each period; both zero mean that there is none. */
static int check_share(u16 function, u64 share, const char *share_name,
		       u64 period, const char *period_name,
		       struct vgpu_sched_why *why)
{
	if (!share && !period)
		return 0;
	if (!within(period, VGPU_SCHED_PERIOD_MIN, VGPU_SCHED_PERIOD_MAX))
		return vgpu_sched_refuse(why, function, period_name, "is out of range",
			      VGPU_SCHED_PERIOD_MIN, VGPU_SCHED_PERIOD_MAX);
	if (!within(share, 1, period))
		return vgpu_sched_refuse(why, function, share_name,
			      "must be within its period", 1, period);
	return 0;
}

static int check_params(u16 function, const struct vgpu_sched_params *p,
			struct vgpu_sched_why *why)
{
	int ret;

	if (p->quantum_ns && p->quantum_ns != VGPU_SCHED_QUANTUM_AUTO &&
	    !within(p->quantum_ns, VGPU_SCHED_QUANTUM_MIN, VGPU_SCHED_QUANTUM_MAX))
		return vgpu_sched_refuse(why, function, "quantum_ns",
			      "is neither 0 (no deadline) nor in range",
			      VGPU_SCHED_QUANTUM_MIN, VGPU_SCHED_QUANTUM_MAX);
	if (p->preempt_timeout_ns && !within(p->preempt_timeout_ns,
					     VGPU_SCHED_TIMEOUT_MIN,
					     VGPU_SCHED_TIMEOUT_MAX))
		return vgpu_sched_refuse(why, function, "preempt_timeout_ns",
			      "is neither 0 (for ever) nor in range",
			      VGPU_SCHED_TIMEOUT_MIN, VGPU_SCHED_TIMEOUT_MAX);
	if (!within(p->weight, VGPU_SCHED_WEIGHT_MIN, VGPU_SCHED_WEIGHT_MAX))
		return vgpu_sched_refuse(why, function, "weight", "is out of range",
			      VGPU_SCHED_WEIGHT_MIN, VGPU_SCHED_WEIGHT_MAX);
	if (p->priority > VGPU_SCHED_PRIORITY_HIGH)
		return vgpu_sched_refuse(why, function, "priority", "is out of range",
			      VGPU_SCHED_PRIORITY_LOW, VGPU_SCHED_PRIORITY_HIGH);
	ret = check_share(function, p->cap_quota_ns, "cap_quota_ns",
			  p->cap_period_ns, "cap_period_ns", why);
	if (ret)
		return ret;
	return check_share(function, p->budget_ns, "budget_ns", p->period_ns,
			   "period_ns", why);
}

/**
 * vgpu_sched_set_params() - configure one function
 * @s: the core
 * @function: which one
 * @params: all of its settings
 * @why: filled in if they are refused
 * @now: device time
 *
 * A new quantum counts from the next slice that is armed on.
 *
 * Return: 0; -EINVAL: no such function, or a value out of its range;
 * -EOPNOTSUPP: the policy does not have this setting; -EBUSY: the policy cannot
 * promise it beside what is promised to others. On errors nothing has changed.
 */
int vgpu_sched_set_params(struct vgpu_sched *s, u16 function,
			  const struct vgpu_sched_params *params,
			  struct vgpu_sched_why *why, u64 now)
{
	int ret;

	if (function >= s->config.functions)
		return vgpu_sched_refuse(why, function, "function", "does not exist", 0,
			      s->config.functions - 1);
	ret = check_params(function, params, why);
	if (!ret)
		ret = vgpu_sched_cap_admit(s, function, params, why);
	if (!ret)
		ret = s->policy->admit(s, function, params, why);
	if (ret)
		return ret;

	vgpu_sched_charge_until(s, now);
	if (s->policy->change)
		s->policy->change(s, function, params);
	s->function[function].params = *params;
	vgpu_sched_cap_configure(s, function, now);
	vgpu_sched_decide(s, false, now);
	return 0;
}

/**
 * vgpu_sched_get_params() - settings of one function
 * @s: the core
 * @function: which one
 * @params: where to put them
 *
 * Return: 0, or -EINVAL: no such function.
 */
int vgpu_sched_get_params(const struct vgpu_sched *s, u16 function,
			  struct vgpu_sched_params *params)
{
	if (function >= s->config.functions)
		return -EINVAL;
	*params = s->function[function].params;
	return 0;
}

/**
 * vgpu_sched_set_policy() - change the policy
 * @s: the core
 * @policy: the new one
 * @why: filled in if it is refused
 * @now: device time
 *
 * Statistics, settings, lag and the slice under way stay. Those who wait are queued
 * anew, in the order of their numbers.
 *
 * Return: 0, or what &vgpu_sched_policy.admit says about the settings of some
 * function; then nothing has changed.
 */
int vgpu_sched_set_policy(struct vgpu_sched *s,
			  const struct vgpu_sched_policy *policy,
			  struct vgpu_sched_why *why, u64 now)
{
	unsigned int i;
	int ret;

	if (!policy) {
		vgpu_sched_refuse(why, VGPU_FUNCTION_NONE, "policy", "does not exist", 1, 0);
		return -EINVAL;
	}
	for (i = 0; i < s->config.functions; i++) {
		ret = policy->admit(s, i, &s->function[i].params, why);
		if (ret)
			return ret;
	}
	if (policy == s->policy)
		return 0;
	vgpu_sched_charge_until(s, now);
	if (s->policy->retire)
		s->policy->retire(s);
	s->policy = policy;
	policy->reset(s);
	for (i = 0; i < s->config.functions; i++)
		if (s->function[i].queued)
			policy->enqueue(s, i);
	if (policy->start && s->running != VGPU_FUNCTION_NONE)
		policy->start(s, s->running);
	vgpu_sched_decide(s, false, now);
	return 0;
}

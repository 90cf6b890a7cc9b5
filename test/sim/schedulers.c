// SPDX-License-Identifier: GPL-2.0-only
/*
 * The schedulers that there are: those listed here, and the policies of the
 * scheduling core by their own names.
 */
#include "schedulers.h"

const struct sim_scheduler *const sim_schedulers[] = {
	&sim_gim_old, &sim_gim_new, &sim_gim_new_rr, &sim_gvt_g, &sim_best_effort,
	&sim_adaptive_rr,
	NULL
};

/**
 * sim_find_scheduler() - a scheduler by name
 * @name: of a scheduler, or of a policy of the core
 *
 * Return: the scheduler, or NULL.
 */
const struct sim_scheduler *sim_find_scheduler(const char *name)
{
	unsigned int i;

	for (i = 0; sim_schedulers[i]; i++)
		if (!strcmp(sim_schedulers[i]->name, name))
			return sim_schedulers[i];
	return vgpu_sched_find_policy(name) ? &sim_core : NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints of drm_sched, which tools know, and from which they draw what a GPU does.
 * They are not exported: a job that goes past drm_sched would be missing there. So
 * while somebody listens to one of them, none does.
 */
#include <linux/cache.h>
#include <linux/jump_label.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "sched_events.h"

/* drm_sched has four of them. */
#define EVENTS_MAX	8

static struct tracepoint *events[EVENTS_MAX] __ro_after_init;
static unsigned int event_count __ro_after_init;

static void note(struct tracepoint *event, void *unused)
{
	if (!strstarts(event->name, "drm_sched_") && !strstarts(event->name, "drm_run_job"))
		return;
	if (event_count < EVENTS_MAX)
		events[event_count++] = event;
}

static int note_module(struct notifier_block *notifier, unsigned long state, void *data)
{
	struct module *module = ((struct tp_module *)data)->mod;
	unsigned int i;

	if (state != MODULE_STATE_COMING)
		return NOTIFY_OK;
	for (i = 0; i < module->num_tracepoints; i++)
		note(tracepoint_ptr_deref(&module->tracepoints_ptrs[i]), NULL);
	return NOTIFY_OK;
}

/**
 * vgpu_vf_sched_events_find() - when the module is loaded
 *
 * What the module needs of drm_sched is there, in the kernel or as a module that does
 * not go before this one: it is looked for once.
 *
 * Return: 0 or an errno
 */
int __init vgpu_vf_sched_events_find(void)
{
	struct notifier_block notifier = { .notifier_call = note_module };
	int ret;

	for_each_kernel_tracepoint(note, NULL);
	/* Tells of all modules that are there already. */
	ret = register_tracepoint_module_notifier(&notifier);
	if (!ret)
		unregister_tracepoint_module_notifier(&notifier);
	return ret;
}

/**
 * vgpu_vf_sched_is_traced() - does somebody listen to drm_sched's tracepoints?
 *
 * Return: true if so
 */
bool vgpu_vf_sched_is_traced(void)
{
	unsigned int i;

	for (i = 0; i < event_count; i++)
		if (static_key_enabled(&events[i]->key))
			return true;
	return false;
}

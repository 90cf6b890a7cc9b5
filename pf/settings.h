/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the administrator wants of the scheduler, for each function and for all.
 *
 * The scheduling core keeps the settings and says what is possible; here the
 * device is told what concerns it, and the log why something is refused. Settings
 * outlive VFs: they stay until the driver is unbound, whatever happens to
 * sriov_numvfs, over resets of the device and over sleep. They are changed under
 * vgpu_pf.settings and read under vgpu_pf.lock, so whatever else is waited for can
 * be looked at and changed.
 */
#ifndef VGPU_PF_SETTINGS_H
#define VGPU_PF_SETTINGS_H

#include <linux/types.h>

#include <vgpu_sched.h>

struct vgpu_pf;
struct vgpu_pf_function;

/**
 * struct vgpu_pf_change - what somebody has asked for
 * @name: of the setting
 * @text: the new value, as it was written, without the end of the line
 * @parse: puts it into the settings of a function; 0 or a negative errno
 * @form: what can be written
 */
struct vgpu_pf_change {
	const char *name;
	const char *text;
	int (*parse)(const char *text, struct vgpu_sched_params *params);
	const char *form;
};

int vgpu_pf_settings_init(struct vgpu_pf *pf);
void vgpu_pf_settings_push(struct vgpu_pf_function *fn);
void vgpu_pf_settings_get(struct vgpu_pf_function *fn, struct vgpu_sched_params *params);
u64 vgpu_pf_settings_quantum(struct vgpu_pf_function *fn);
u64 vgpu_pf_settings_latency_bound(struct vgpu_pf_function *fn);
u64 vgpu_pf_settings_lag_bound(struct vgpu_pf_function *fn);

int vgpu_pf_settings_change(struct vgpu_pf_function *fn, const struct vgpu_pf_change *change);
int vgpu_pf_settings_change_all(struct vgpu_pf *pf, const struct vgpu_pf_change *change);
int vgpu_pf_settings_set_policy(struct vgpu_pf *pf, const char *name);
int vgpu_pf_settings_set_overhead(struct vgpu_pf *pf, u32 permille);

#endif

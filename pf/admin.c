// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/bus/pci/devices/BDF/sriov_admin/
 *
 *   policy                         [eevdf] fixed rr coop
 *   overhead_target_permille       1 to 500
 *   .bulk_profile/                 write only: for all functions, or for none
 *     exec_quantum_ms, …           as in profile/
 *     vram_quota                   for all VFs
 *   pf/
 *     device -> ../../../BDF
 *     profile/
 *       exec_quantum_ms            0 (no deadline), auto, or 1 to 100000
 *       exec_quantum_us            the same, from 100
 *       preempt_timeout_us         0 (for ever), or 1 to 100000000
 *       sched_priority             low [normal] high
 *       weight                     1 to 10000
 *       cap_us                     max, or QUOTA PERIOD
 *       reservation_us             none, or BUDGET PERIOD
 *       sched_latency_bound_us     read only, by root: they take a while
 *       lag_bound_us               ditto
 *       vram_quota                 bytes, or auto: of its render node
 *   vf1/
 *     device -> ../../../BDF of VF1    while it is enabled
 *     stop                         write only
 *     profile/
 *       …                          as that of the PF, but
 *       vram_quota                 bytes
 *   vf2/ … vfN/                    N is sriov_totalvfs
 *
 * .bulk_profile/, pf/, vfN/, device, stop, exec_quantum_ms, preempt_timeout_us,
 * sched_priority and vram_quota are those of Intel's xe, with the same units and
 * errors (Documentation/ABI/testing/sysfs-driver-intel-xe-sriov in Linux 6.19 and
 * later). The differences:
 *
 * - sched_priority. In xe "low" is to have a slot only if there is work, "normal" is
 *   to have it in any case, and "high" to have the next slot after the current one
 *   whenever there is work; only the PF can be "high", and VFs are changed all
 *   together. Here nobody ever has a slot without work, priority changes nobody's
 *   share, and each function has its own: "high" is to be started sooner after
 *   waking up, as long as it has not had more than its share, and "low" later.
 *   Where xe begins with "low" we begin with "normal".
 * - Quantum and timeout begin with what the parameters of the module say, not with
 *   0. A quantum is read as it is in force, also if it is automatic; in ms it is
 *   rounded up, so that only 0 means that there is no deadline.
 * - Scheduling settings stay when VFs are disabled; xe forgets them. vram_quota is
 *   0 then in both.
 * - vram_quota of an enabled VF is refused with EBUSY while a driver uses the VF. In
 *   xe the PF has none; ours is explained in render.h.
 * - Writing to all functions changes all or none.
 * - What the policy does not have is EOPNOTSUPP, what cannot be promised EBUSY. EIO
 *   is for stop and vram_quota of a device that is out of service; all else can be
 *   set then, too. There is one engine, so nothing is ever EUCLEAN.
 *
 * cap_us and reservation_us have two values, like cpu.max of cgroups: one makes
 * no sense without the other, and they must change together. "max" is also what
 * the bounds read if there is none.
 */
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/math64.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "device.h"

/* More than that is no value of anything here. */
#define ADMIN_TEXT	64

/**
 * struct admin_node - a directory
 * @kobj: of it
 * @fn: whose it is, NULL for the root
 * @pf: the device
 */
struct admin_node {
	struct kobject kobj;
	struct vgpu_pf_function *fn;
	struct vgpu_pf *pf;
};

/**
 * struct vgpu_pf_admin - the tree
 * @root: sriov_admin/
 * @node: pf/, vf1/, …
 */
struct vgpu_pf_admin {
	struct admin_node *root;
	struct admin_node *node[];
};

static struct admin_node *to_node(struct kobject *kobj)
{
	return container_of(kobj, struct admin_node, kobj);
}

/**
 * struct admin_attr - a file
 * @attr: its name and mode
 * @show: writes it to a page, returns the length
 * @store: acts on what was written, without the end of the line
 */
struct admin_attr {
	struct attribute attr;
	ssize_t (*show)(struct admin_node *node, char *buf);
	int (*store)(struct admin_node *node, const char *text);
};

static ssize_t admin_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	const struct admin_attr *file = container_of(attr, struct admin_attr, attr);

	return file->show ? file->show(to_node(kobj), buf) : -EPERM;
}

static ssize_t admin_store(struct kobject *kobj, struct attribute *attr, const char *buf,
			   size_t count)
{
	const struct admin_attr *file = container_of(attr, struct admin_attr, attr);
	struct admin_node *node = to_node(kobj);
	char text[ADMIN_TEXT];
	int err;

	if (!file->store)
		return -EPERM;
	if (strscpy(text, buf, sizeof(text)) < 0) {
		vgpu_pf_refuse(node->pf, "%s/%s: %zu bytes are too many: %pe\n", kobj->name,
			       attr->name, count, ERR_PTR(-EINVAL));
		return -EINVAL;
	}
	err = file->store(node, strim(text));
	return err ?: count;
}

static const struct sysfs_ops admin_ops = {
	.show = admin_show,
	.store = admin_store,
};

static ssize_t admin_emit_choice(char *buf, int at, const char *name, bool chosen)
{
	return sysfs_emit_at(buf, at, "%s%s%s%s", at ? " " : "", chosen ? "[" : "", name,
			     chosen ? "]" : "");
}

/* ------------------------------------------------------------------------ */
/* Settings of a function                                                    */

static int admin_parse_quantum(const char *text, u32 unit, struct vgpu_sched_params *params)
{
	u32 value;
	int err;

	if (!strcmp(text, "auto")) {
		params->quantum_ns = VGPU_SCHED_QUANTUM_AUTO;
		return 0;
	}
	err = kstrtou32(text, 0, &value);
	if (!err)
		params->quantum_ns = (u64)value * unit;
	return err;
}

static int admin_parse_exec_quantum_ms(const char *text, struct vgpu_sched_params *params)
{
	return admin_parse_quantum(text, NSEC_PER_MSEC, params);
}

static ssize_t admin_show_exec_quantum_ms(struct admin_node *node, char *buf)
{
	u64 quantum = vgpu_pf_settings_quantum(node->fn);

	return sysfs_emit(buf, "%llu\n", DIV_ROUND_UP_ULL(quantum, NSEC_PER_MSEC));
}

static int admin_parse_exec_quantum_us(const char *text, struct vgpu_sched_params *params)
{
	return admin_parse_quantum(text, NSEC_PER_USEC, params);
}

static ssize_t admin_show_exec_quantum_us(struct admin_node *node, char *buf)
{
	u64 quantum = vgpu_pf_settings_quantum(node->fn);

	return sysfs_emit(buf, "%llu\n", DIV_ROUND_UP_ULL(quantum, NSEC_PER_USEC));
}

static int admin_parse_preempt_timeout_us(const char *text, struct vgpu_sched_params *params)
{
	u32 value;
	int err = kstrtou32(text, 0, &value);

	if (!err)
		params->preempt_timeout_ns = (u64)value * NSEC_PER_USEC;
	return err;
}

static ssize_t admin_show_preempt_timeout_us(struct admin_node *node, char *buf)
{
	struct vgpu_sched_params params;

	vgpu_pf_settings_get(node->fn, &params);
	return sysfs_emit(buf, "%llu\n",
			  DIV_ROUND_UP_ULL(params.preempt_timeout_ns, NSEC_PER_USEC));
}

static const char * const admin_priorities[] = {
	[VGPU_SCHED_PRIORITY_LOW]	= "low",
	[VGPU_SCHED_PRIORITY_NORMAL]	= "normal",
	[VGPU_SCHED_PRIORITY_HIGH]	= "high",
};

static int admin_parse_sched_priority(const char *text, struct vgpu_sched_params *params)
{
	int priority = match_string(admin_priorities, ARRAY_SIZE(admin_priorities), text);

	if (priority < 0)
		return -EINVAL;
	params->priority = priority;
	return 0;
}

static ssize_t admin_show_sched_priority(struct admin_node *node, char *buf)
{
	struct vgpu_sched_params params;
	unsigned int i;
	int at = 0;

	vgpu_pf_settings_get(node->fn, &params);
	for (i = 0; i < ARRAY_SIZE(admin_priorities); i++)
		at += admin_emit_choice(buf, at, admin_priorities[i], i == params.priority);
	return at + sysfs_emit_at(buf, at, "\n");
}

static int admin_parse_weight(const char *text, struct vgpu_sched_params *params)
{
	return kstrtou32(text, 0, &params->weight);
}

static ssize_t admin_show_weight(struct admin_node *node, char *buf)
{
	struct vgpu_sched_params params;

	vgpu_pf_settings_get(node->fn, &params);
	return sysfs_emit(buf, "%u\n", params.weight);
}

/* "SHARE PERIOD" in us, or @none. */
static int admin_parse_share(const char *text, const char *none, u64 *share, u64 *period)
{
	char copy[ADMIN_TEXT], *second = copy, *first;
	u32 share_us, period_us;
	int err;

	if (!strcmp(text, none)) {
		*share = 0;
		*period = 0;
		return 0;
	}
	strscpy(copy, text, sizeof(copy));
	first = strsep(&second, " \t");
	if (!second)
		return -EINVAL;
	err = kstrtou32(first, 0, &share_us) ?: kstrtou32(skip_spaces(second), 0, &period_us);
	/* nothing in no time would be none */
	if (!err && !share_us && !period_us)
		err = -EINVAL;
	if (err)
		return err;
	*share = (u64)share_us * NSEC_PER_USEC;
	*period = (u64)period_us * NSEC_PER_USEC;
	return 0;
}

static ssize_t admin_emit_share(char *buf, const char *none, u64 share, u64 period)
{
	if (!period)
		return sysfs_emit(buf, "%s\n", none);
	return sysfs_emit(buf, "%llu %llu\n", div_u64(share, NSEC_PER_USEC),
			  div_u64(period, NSEC_PER_USEC));
}

static int admin_parse_cap_us(const char *text, struct vgpu_sched_params *params)
{
	return admin_parse_share(text, "max", &params->cap_quota_ns, &params->cap_period_ns);
}

static ssize_t admin_show_cap_us(struct admin_node *node, char *buf)
{
	struct vgpu_sched_params params;

	vgpu_pf_settings_get(node->fn, &params);
	return admin_emit_share(buf, "max", params.cap_quota_ns, params.cap_period_ns);
}

static int admin_parse_reservation_us(const char *text, struct vgpu_sched_params *params)
{
	return admin_parse_share(text, "none", &params->budget_ns, &params->period_ns);
}

static ssize_t admin_show_reservation_us(struct admin_node *node, char *buf)
{
	struct vgpu_sched_params params;

	vgpu_pf_settings_get(node->fn, &params);
	return admin_emit_share(buf, "none", params.budget_ns, params.period_ns);
}

#define ADMIN_PROFILE(file)							\
static struct admin_attr admin_##file =						\
	__ATTR(file, 0644, admin_show_##file, admin_set_##file)
#define ADMIN_BULK(file)							\
static struct admin_attr admin_bulk_##file =					\
	__ATTR(file, 0200, NULL, admin_set_##file)

/* What is written to the file of a function, or to the one for all of them. */
#define ADMIN_SETTING(file, what)						\
static int admin_set_##file(struct admin_node *node, const char *text)		\
{										\
	const struct vgpu_pf_change change = {					\
		.name = #file, .text = text, .parse = admin_parse_##file,	\
		.form = what,							\
	};									\
										\
	if (node->fn)								\
		return vgpu_pf_settings_change(node->fn, &change);		\
	return vgpu_pf_settings_change_all(node->pf, &change);			\
}

ADMIN_SETTING(exec_quantum_ms, "0 (no deadline), auto, or 1 to 100000")
ADMIN_PROFILE(exec_quantum_ms);
ADMIN_BULK(exec_quantum_ms);

ADMIN_SETTING(exec_quantum_us, "0 (no deadline), auto, or 100 to 100000000")
ADMIN_PROFILE(exec_quantum_us);
ADMIN_BULK(exec_quantum_us);

ADMIN_SETTING(preempt_timeout_us, "0 (for ever), or 1 to 100000000")
ADMIN_PROFILE(preempt_timeout_us);
ADMIN_BULK(preempt_timeout_us);

ADMIN_SETTING(sched_priority, "low, normal or high")
ADMIN_PROFILE(sched_priority);
ADMIN_BULK(sched_priority);

ADMIN_SETTING(weight, "1 to 10000")
ADMIN_PROFILE(weight);
ADMIN_BULK(weight);

ADMIN_SETTING(cap_us, "max, or \"QUOTA PERIOD\" with 1 to PERIOD and 1000 to 10000000")
ADMIN_PROFILE(cap_us);
ADMIN_BULK(cap_us);

ADMIN_SETTING(reservation_us, "none, or \"BUDGET PERIOD\" with 1 to PERIOD and 1000 to 10000000")
ADMIN_PROFILE(reservation_us);
ADMIN_BULK(reservation_us);

static ssize_t admin_emit_bound(char *buf, u64 ns)
{
	if (ns == U64_MAX)
		return sysfs_emit(buf, "max\n");
	return sysfs_emit(buf, "%llu\n", DIV_ROUND_UP_ULL(ns, NSEC_PER_USEC));
}

static ssize_t admin_show_sched_latency_bound_us(struct admin_node *node, char *buf)
{
	return admin_emit_bound(buf, vgpu_pf_settings_latency_bound(node->fn));
}

static ssize_t admin_show_lag_bound_us(struct admin_node *node, char *buf)
{
	return admin_emit_bound(buf, vgpu_pf_settings_lag_bound(node->fn));
}

static struct admin_attr admin_sched_latency_bound_us =
	__ATTR(sched_latency_bound_us, 0400, admin_show_sched_latency_bound_us, NULL);
static struct admin_attr admin_lag_bound_us =
	__ATTR(lag_bound_us, 0400, admin_show_lag_bound_us, NULL);

/* ------------------------------------------------------------------------ */
/* vram_quota and stop                                                       */

/* Removing the file waits for this, so the device is there; see device.h, too. */
static int admin_set_vram_quota(struct admin_node *node, const char *text)
{
	struct vgpu_pf *pf = node->pf;
	u64 bytes;
	int err;

	err = kstrtou64(text, 0, &bytes);
	if (err) {
		vgpu_pf_refuse(pf, "%s vram_quota %s: must be a number of bytes: %pe\n",
			       node->kobj.name, text, ERR_PTR(err));
		return err;
	}
	scoped_cond_guard(mutex_intr, return -EINTR, &pf->admin) {
		err = bytes ? vgpu_pf_render_yield(pf) : 0;
		if (!err)
			err = node->fn ? vgpu_pf_vram_set_quota(node->fn, bytes) :
					 vgpu_pf_vram_set_quotas(pf, bytes);
		vgpu_pf_render_update(pf);
	}
	return err;
}

static int admin_set_pf_vram_quota(struct admin_node *node, const char *text)
{
	struct vgpu_pf *pf = node->pf;
	u64 bytes = VGPU_PF_RENDER_AUTO;
	int err = 0;

	if (strcmp(text, "auto"))
		err = kstrtou64(text, 0, &bytes);
	if (err) {
		vgpu_pf_refuse(pf, "PF: vram_quota %s: must be auto, or a number of bytes: %pe\n",
			       text, ERR_PTR(err));
		return err;
	}
	scoped_cond_guard(mutex_intr, return -EINTR, &pf->admin)
		err = vgpu_pf_render_set_quota(pf, bytes);
	return err;
}

static ssize_t admin_show_vram_quota(struct admin_node *node, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(node->fn->range.bytes));
}

ADMIN_PROFILE(vram_quota);

static struct admin_attr admin_pf_vram_quota =
	__ATTR(vram_quota, 0644, admin_show_vram_quota, admin_set_pf_vram_quota);

ADMIN_BULK(vram_quota);

static int admin_set_stop(struct admin_node *node, const char *text)
{
	bool yes;
	int err = kstrtobool(text, &yes);

	if (err) {
		vgpu_pf_refuse(node->pf, "%s stop %s: must be a bool: %pe\n", node->kobj.name,
			       text, ERR_PTR(err));
		return err;
	}
	return yes ? vgpu_pf_control_stop(node->fn) : 0;
}

static struct admin_attr admin_stop = __ATTR(stop, 0200, NULL, admin_set_stop);

/* ------------------------------------------------------------------------ */
/* Settings of the device                                                    */

static int admin_set_policy(struct admin_node *node, const char *text)
{
	return vgpu_pf_settings_set_policy(node->pf, text);
}

static ssize_t admin_show_policy(struct admin_node *node, char *buf)
{
	const struct vgpu_sched_policy *chosen, *policy;
	struct vgpu_pf *pf = node->pf;
	unsigned int i;
	int at = 0;

	raw_spin_lock_irq(&pf->lock);
	chosen = vgpu_sched_policy(pf->world.core);
	raw_spin_unlock_irq(&pf->lock);
	for (i = 0; (policy = vgpu_sched_policy_at(i)); i++)
		at += admin_emit_choice(buf, at, vgpu_sched_policy_name(policy),
					policy == chosen);
	return at + sysfs_emit_at(buf, at, "\n");
}

static struct admin_attr admin_policy =
	__ATTR(policy, 0644, admin_show_policy, admin_set_policy);

static int admin_set_overhead_target(struct admin_node *node, const char *text)
{
	u32 permille;
	int err = kstrtou32(text, 0, &permille);

	if (err) {
		vgpu_pf_refuse(node->pf, "overhead_target_permille %s: must be %u to %u: %pe\n",
			       text, VGPU_SCHED_OVERHEAD_MIN, VGPU_SCHED_OVERHEAD_MAX,
			       ERR_PTR(err));
		return err;
	}
	return vgpu_pf_settings_set_overhead(node->pf, permille);
}

static ssize_t admin_show_overhead_target(struct admin_node *node, char *buf)
{
	struct vgpu_pf *pf = node->pf;
	u32 permille;

	raw_spin_lock_irq(&pf->lock);
	permille = vgpu_sched_overhead(pf->world.core);
	raw_spin_unlock_irq(&pf->lock);
	return sysfs_emit(buf, "%u\n", permille);
}

static struct admin_attr admin_overhead_target =
	__ATTR(overhead_target_permille, 0644, admin_show_overhead_target,
	       admin_set_overhead_target);

/* ------------------------------------------------------------------------ */
/* Directories                                                               */

static struct attribute *admin_root_attrs[] = {
	&admin_policy.attr,
	&admin_overhead_target.attr,
	NULL
};

static const struct attribute_group admin_root_group = {
	.attrs = admin_root_attrs,
};

static struct attribute *admin_bulk_attrs[] = {
	&admin_bulk_exec_quantum_ms.attr,
	&admin_bulk_exec_quantum_us.attr,
	&admin_bulk_preempt_timeout_us.attr,
	&admin_bulk_sched_priority.attr,
	&admin_bulk_weight.attr,
	&admin_bulk_cap_us.attr,
	&admin_bulk_reservation_us.attr,
	&admin_bulk_vram_quota.attr,
	NULL
};

static const struct attribute_group admin_bulk_group = {
	.name = ".bulk_profile",
	.attrs = admin_bulk_attrs,
};

static const struct attribute_group *admin_root_groups[] = {
	&admin_root_group,
	&admin_bulk_group,
	NULL
};

static struct attribute *admin_profile_attrs[] = {
	&admin_exec_quantum_ms.attr,
	&admin_exec_quantum_us.attr,
	&admin_preempt_timeout_us.attr,
	&admin_sched_priority.attr,
	&admin_weight.attr,
	&admin_cap_us.attr,
	&admin_reservation_us.attr,
	&admin_sched_latency_bound_us.attr,
	&admin_lag_bound_us.attr,
	&admin_vram_quota.attr,
	&admin_pf_vram_quota.attr,
	NULL
};

static struct attribute *admin_function_attrs[] = {
	&admin_stop.attr,
	NULL
};

/* Nobody stops the PF, and its vram_quota is another one. */
static umode_t admin_is_visible(struct kobject *kobj, struct attribute *attr, int index)
{
	bool is_pf = to_node(kobj)->fn->number == VGPU_FUNCTION_PF;

	if (is_pf ? attr == &admin_vram_quota.attr || attr == &admin_stop.attr :
		    attr == &admin_pf_vram_quota.attr)
		return 0;
	return attr->mode;
}

static const struct attribute_group admin_profile_group = {
	.name = "profile",
	.attrs = admin_profile_attrs,
	.is_visible = admin_is_visible,
};

static const struct attribute_group admin_function_group = {
	.attrs = admin_function_attrs,
	.is_visible = admin_is_visible,
};

static const struct attribute_group *admin_function_groups[] = {
	&admin_function_group,
	&admin_profile_group,
	NULL
};

static void admin_release(struct kobject *kobj)
{
	kfree(to_node(kobj));
}

static const struct kobj_type admin_root_type = {
	.release = admin_release,
	.sysfs_ops = &admin_ops,
	.default_groups = admin_root_groups,
};

static const struct kobj_type admin_function_type = {
	.release = admin_release,
	.sysfs_ops = &admin_ops,
	.default_groups = admin_function_groups,
};

/* ------------------------------------------------------------------------ */
/* The tree                                                                  */

static void admin_remove(struct admin_node *node)
{
	if (!node)
		return;
	kobject_del(&node->kobj);
	kobject_put(&node->kobj);
}

static void vgpu_pf_admin_end(void *data)
{
	struct vgpu_pf *pf = data;
	struct vgpu_pf_admin *tree = pf->tree;
	unsigned int i;

	if (tree->node[VGPU_FUNCTION_PF])
		sysfs_remove_link(&tree->node[VGPU_FUNCTION_PF]->kobj, "device");
	for (i = pf->functions; i--; )
		admin_remove(tree->node[i]);
	admin_remove(tree->root);
	pf->tree = NULL;
	kfree(tree);
}

/* Named like the function, or as the root. */
static struct admin_node *admin_add(struct vgpu_pf *pf, struct vgpu_pf_function *fn)
{
	struct admin_node *node = kzalloc(sizeof(*node), GFP_KERNEL);
	int err;

	if (!node)
		return ERR_PTR(-ENOMEM);
	node->pf = pf;
	node->fn = fn;
	if (!fn)
		err = kobject_init_and_add(&node->kobj, &admin_root_type, &pf->drm.dev->kobj,
					   "sriov_admin");
	else if (fn->number == VGPU_FUNCTION_PF)
		err = kobject_init_and_add(&node->kobj, &admin_function_type,
					   &pf->tree->root->kobj, "pf");
	else
		err = kobject_init_and_add(&node->kobj, &admin_function_type,
					   &pf->tree->root->kobj, "vf%u", fn->number);
	if (err) {
		kobject_put(&node->kobj);
		return ERR_PTR(err);
	}
	return node;
}

static int admin_grow(struct vgpu_pf *pf)
{
	struct vgpu_pf_admin *tree = pf->tree;
	struct admin_node *node;
	unsigned int i;

	node = admin_add(pf, NULL);
	if (IS_ERR(node))
		return PTR_ERR(node);
	tree->root = node;
	for (i = 0; i < pf->functions; i++) {
		node = admin_add(pf, &pf->fn[i]);
		if (IS_ERR(node))
			return PTR_ERR(node);
		tree->node[i] = node;
	}
	return sysfs_create_link(&tree->node[VGPU_FUNCTION_PF]->kobj, &pf->drm.dev->kobj,
				 "device");
}

/**
 * vgpu_pf_admin_init() - make the files
 * @pf: the device; all that they can ask for works
 *
 * Return: 0, -ENOMEM, or what making them returned.
 */
int vgpu_pf_admin_init(struct vgpu_pf *pf)
{
	int err;

	pf->tree = kzalloc(struct_size(pf->tree, node, pf->functions), GFP_KERNEL);
	if (!pf->tree)
		return -ENOMEM;
	err = admin_grow(pf);
	if (err) {
		vgpu_pf_admin_end(pf);
		return dev_err_probe(pf->drm.dev, err, "no sriov_admin in sysfs\n");
	}
	return devm_add_action_or_reset(pf->drm.dev, vgpu_pf_admin_end, pf);
}

static bool admin_is_vf_of(struct vgpu_pf *pf, struct pci_dev *pdev)
{
	return pdev->is_virtfn && pci_physfn(pdev) == vgpu_pf_pdev(pf);
}

/**
 * vgpu_pf_admin_link_vfs() - link the directories of VFs to their devices
 * @pf: the device
 * @vfs: that have been enabled
 *
 * Context: vgpu_pf.admin is held.
 *
 * Return: 0, or a negative errno; then there are no links.
 */
int vgpu_pf_admin_link_vfs(struct vgpu_pf *pf, unsigned int vfs)
{
	struct pci_dev *vf = NULL;
	int err, index;

	while ((vf = pci_get_device(VGPU_PCI_VENDOR, VGPU_PCI_DEVICE_VF, vf))) {
		if (!admin_is_vf_of(pf, vf))
			continue;
		index = pci_iov_vf_id(vf);
		if (index < 0 || index >= vfs)
			continue;
		err = sysfs_create_link(&pf->tree->node[index + 1]->kobj, &vf->dev.kobj,
					"device");
		if (err) {
			pci_dev_put(vf);
			vgpu_pf_admin_unlink_vfs(pf, vfs);
			return err;
		}
	}
	return 0;
}

/**
 * vgpu_pf_admin_unlink_vfs() - undo vgpu_pf_admin_link_vfs()
 * @pf: the device
 * @vfs: that will be disabled
 */
void vgpu_pf_admin_unlink_vfs(struct vgpu_pf *pf, unsigned int vfs)
{
	unsigned int i;

	for (i = 1; i <= vfs; i++)
		sysfs_remove_link(&pf->tree->node[i]->kobj, "device");
}

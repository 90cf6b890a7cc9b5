/* SPDX-License-Identifier: GPL-2.0-only */
/* sriov_admin/ in sysfs; the tree is drawn in admin.c. */
#ifndef VGPU_PF_ADMIN_H
#define VGPU_PF_ADMIN_H

struct vgpu_pf;
struct vgpu_pf_admin;

int vgpu_pf_admin_init(struct vgpu_pf *pf);
int vgpu_pf_admin_link_vfs(struct vgpu_pf *pf, unsigned int vfs);
void vgpu_pf_admin_unlink_vfs(struct vgpu_pf *pf, unsigned int vfs);

#endif

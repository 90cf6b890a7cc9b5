/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_COREDUMP_H
#define VGPU_VF_COREDUMP_H

struct vgpu_vf;
struct vgpu_vf_coredump;
struct vgpu_vf_job;
struct vgpu_vf_ring;

int vgpu_vf_coredump_init(struct vgpu_vf *vf);
void vgpu_vf_coredump_take(struct vgpu_vf_ring *ring, struct vgpu_vf_job *job, int error);

#endif

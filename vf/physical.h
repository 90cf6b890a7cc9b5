/* SPDX-License-Identifier: GPL-2.0-only */
/* The same driver on the PF's own function, which vgpu_pf lends (vgpu_render.h). */
#ifndef VGPU_VF_PHYSICAL_H
#define VGPU_VF_PHYSICAL_H

int vgpu_vf_physical_register(void);
void vgpu_vf_physical_unregister(void);

#endif

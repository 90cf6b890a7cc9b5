/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VGPU_VF_SHOW_H
#define VGPU_VF_SHOW_H

struct drm_file;
struct drm_minor;
struct drm_printer;

void vgpu_vf_show_fdinfo(struct drm_printer *printer, struct drm_file *file);
void vgpu_vf_show_debugfs_init(struct drm_minor *minor);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PF's own render node: function 0 with a part of VRAM, lent to a render driver
 * (vgpu_render.h) by an auxiliary device.
 *
 *   quota       VFs have no VRAM           VFs have VRAM
 *   automatic   all that no image takes    none: there is no node
 *   N bytes     the last N bytes of VRAM   the same; VFs share the rest
 *   0           none: there is no node     the same
 *
 * An open node keeps what it has: who wants to change that, by sriov_numvfs or
 * vram_quota, is refused. One that nobody has open goes, and another one comes.
 *
 * Jobs of the node and clearing VRAM share the PF's turns on the engine, ring by
 * ring: clearing can have to wait for one command buffer of each of the node's
 * rings, which the render driver lets take so long and no longer (job_timeout_ms).
 */
#ifndef VGPU_PF_RENDER_H
#define VGPU_PF_RENDER_H

#include <linux/mutex.h>
#include <linux/types.h>

struct vgpu_pf;
struct vgpu_render;
struct vgpu_render_client;

/** VGPU_PF_RENDER_AUTO - the quota that is none */
#define VGPU_PF_RENDER_AUTO	U64_MAX

/**
 * struct vgpu_pf_render - the node
 * @quota: bytes, or VGPU_PF_RENDER_AUTO; under vgpu_pf.admin. Where they are is
 *	the range of function 0.
 * @wanted: between probe and remove; under vgpu_pf.admin
 * @device: as long as there is one; under vgpu_pf.admin
 * @lock: protects all that follows. Taken last; the worker takes it, too.
 * @client: who is bound, or NULL
 * @data: for @client
 * @known: there was a handshake; ends when the world is closed
 * @started: jobs may be running
 */
struct vgpu_pf_render {
	u64 quota;
	bool wanted;
	struct vgpu_render *device;
	struct mutex lock; /* see above */
	const struct vgpu_render_client *client;
	void *data;
	bool known;
	bool started;
};

int vgpu_pf_render_init(struct vgpu_pf *pf);
void vgpu_pf_render_begin(struct vgpu_pf *pf);
void vgpu_pf_render_end(struct vgpu_pf *pf);
void vgpu_pf_render_update(struct vgpu_pf *pf);
int vgpu_pf_render_yield(struct vgpu_pf *pf);
int vgpu_pf_render_set_quota(struct vgpu_pf *pf, u64 bytes);
bool vgpu_pf_render_is_started(struct vgpu_pf *pf);
bool vgpu_pf_render_has_work(struct vgpu_pf *pf);

/* for the worker */
void vgpu_pf_render_was_reset(struct vgpu_pf *pf);
void vgpu_pf_render_halt(struct vgpu_pf *pf);
void vgpu_pf_render_close(struct vgpu_pf *pf);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PF's own function, lent to a render driver.
 *
 * vgpu_pf owns function 0: its world, its last ring, which clears VRAM, and the
 * interrupt of the event queue. The rest it lends to whoever binds to the auxiliary
 * device "vgpu_pf.render": the other rings with their vectors, vector
 * VGPU_VECTOR_FUNCTION, the context table, and a part of VRAM. What a VF driver asks
 * of its PF through the mailbox (include/vgpu/mailbox.h) is asked by @ops here, and
 * means the same.
 */
#ifndef VGPU_RENDER_H
#define VGPU_RENDER_H

#include <linux/auxiliary_bus.h>
#include <linux/types.h>

#include <vgpu/mailbox.h>

struct vgpu_render;

/** VGPU_RENDER_NAME - of the auxiliary device, behind the name of the module */
#define VGPU_RENDER_NAME	"render"

/**
 * struct vgpu_render_client - what vgpu_pf asks of the render driver
 */
struct vgpu_render_client {
	/**
	 * @notice: as VGPU_MBOX_NOTICE. Does not sleep for long, and calls none of
	 * struct vgpu_render_ops.
	 */
	void (*notice)(void *data, enum vgpu_notice notice);
	/** @is_busy: somebody has opened the node */
	bool (*is_busy)(void *data);
};

/**
 * struct vgpu_render_ops - what the render driver asks of vgpu_pf
 *
 * Context: process, while it is bound.
 */
struct vgpu_render_ops {
	/**
	 * @attach: have @client called with @data, until it is called with NULL. It
	 * is not called any more when that returns.
	 */
	void (*attach)(struct vgpu_render *render, const struct vgpu_render_client *client,
		       void *data);
	/** @handshake: as VGPU_MBOX_HANDSHAKE. 0, or -EIO: out of service */
	int (*handshake)(struct vgpu_render *render);
	/** @config: as VGPU_MBOX_CONFIG; there is no header in the answer */
	void (*config)(struct vgpu_render *render, struct vgpu_mbox_config *config);
	/**
	 * @start: as VGPU_MBOX_START, but the world is there already. 0, or -EACCES:
	 * a handshake is needed first, also because the world was closed since
	 */
	int (*start)(struct vgpu_render *render);
	/**
	 * @stop: disable all rings that are lent, and return when nothing of them
	 * runs; if one does not stop the world is reset. 0, or -EIO: the device is
	 * out of service and does not reach system memory any more
	 */
	int (*stop)(struct vgpu_render *render);
};

/**
 * struct vgpu_render - what is lent; constant
 * @aux: the auxiliary device; its parent is the PF's PCI device, which has DMA
 *	masks, interrupt vectors and bus mastering set up
 * @regs: BAR 0; of the PF block nothing is the render driver's
 * @rings: rings 0…@rings − 1 are
 * @vram_base: first byte of VRAM that is
 * @vram_bytes: how many
 * @ops: how to ask for what else is needed
 */
struct vgpu_render {
	struct auxiliary_device aux;
	void __iomem *regs;
	unsigned int rings;
	u64 vram_base;
	u64 vram_bytes;
	const struct vgpu_render_ops *ops;
};

static inline struct vgpu_render *to_vgpu_render(struct device *dev)
{
	return container_of(to_auxiliary_dev(dev), struct vgpu_render, aux);
}

#endif

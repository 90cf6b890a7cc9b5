/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event queue: how the device tells what happened (include/vgpu/events.h).
 *
 * Taken in hard irq context, under vgpu_pf.lock, out of host memory: nothing is
 * read from or written to the device for it.
 */
#ifndef VGPU_PF_EVENTS_H
#define VGPU_PF_EVENTS_H

#include <linux/types.h>

#include <vgpu/events.h>

struct vgpu_pf;

/**
 * struct vgpu_pf_events - the queue; under vgpu_pf.lock
 * @record: the ring of records, written by the device
 * @dma: of @record
 * @consumer: sequence number of the last record taken, read by the device
 * @consumer_dma: of @consumer
 * @log2: of the number of records
 * @index: where the next record will be
 * @seq: the sequence number it will have
 * @taken: records
 * @interrupts: interrupts that brought records
 * @late: records that no interrupt brought: found by a timer, or by the watchdog
 * @strange: records of an unknown type or function; ignored
 */
struct vgpu_pf_events {
	struct vgpu_event *record;
	dma_addr_t dma;
	__le32 *consumer;
	dma_addr_t consumer_dma;
	u32 log2;
	u32 index;
	u32 seq;
	u64 taken;
	u64 interrupts;
	u64 late;
	u64 strange;
};

int vgpu_pf_events_init(struct vgpu_pf *pf);
void vgpu_pf_events_start(struct vgpu_pf *pf);
void vgpu_pf_events_stop(struct vgpu_pf *pf);
unsigned int vgpu_pf_events_take(struct vgpu_pf *pf);
void vgpu_pf_events_look(struct vgpu_pf *pf);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the scheduling core (sched/) and the device.
 *
 * With hardware deadlines the core's wish is one write of VGPU_PF_NEXT. Without
 * them struct vgpu_sequencer does the same by single commands, each given in the
 * interrupt that answered the one before, the first by an absolute hrtimer.
 *
 * Device time and ktime: no register is read to know what time it is. Device
 * time is ktime plus an offset that is measured
 *  - at start and by the watchdog, by reading the clock with interrupts off; the
 *    error is at most the duration of the read;
 *  - without hardware deadlines also at each RUN: "running" in its answer is the
 *    moment at which the write arrived, and ktime was taken just before it. A
 *    timer set with this offset is early by the time the write takes to arrive,
 *    and never late; what is added to that is the latency of the interrupt.
 * Between two measurements the clocks drift apart by what ktime is slewed, at
 * most 500 ppm: 3 µs in a slice of 6 ms. Slices are not charged by it.
 */
#ifndef VGPU_PF_WORLD_H
#define VGPU_PF_WORLD_H

#include <linux/hrtimer.h>
#include <linux/types.h>

#include <vgpu_sched.h>
#include <vgpu_sequencer.h>

struct vgpu_pf;
struct vgpu_pf_function;

/* Parked for a reason that ends when the world was made anew. */
#define VGPU_PF_PARK_REMADE	(VGPU_SCHED_PARK_HUNG | VGPU_SCHED_PARK_RESET | \
				 VGPU_SCHED_PARK_REFUSED)

/**
 * struct vgpu_pf_timer - calls back at a device time; under vgpu_pf.lock
 * @timer: absolute, hard irq
 * @when: device time that was asked for
 * @set: device time at which @timer will expire, not after @when; 0 if it is
 *	not set
 */
struct vgpu_pf_timer {
	struct hrtimer timer;
	u64 when;
	u64 set;
};

/**
 * struct vgpu_pf_world - scheduling; under vgpu_pf.lock
 * @live: the device may be told what to do
 * @core: the scheduling core
 * @sequencer: the classic command sequence; without hardware deadlines
 * @overdue: for the core: something did not come
 * @deadline: for the sequencer: the slice ends
 * @offset: device time − ktime, ns
 * @latest: latest time that the device has told
 * @run: ktime just before the last RUN was written
 * @overdues: times that a switch was overdue since the engine last moved
 * @stuck: whose world it was
 * @timeouts_ns: twice the longest preempt timeout: of the world that is on the engine
 *	and of one that was armed behind it; all who shall leave are kept off besides.
 *	Written under vgpu_pf.settings, read anywhere.
 * @round_ns: about how long the PF may have to wait for a slice if everybody is
 *	busy and takes all the time there is; ditto
 * @reported: that records do not make sense has been said
 */
struct vgpu_pf_world {
	bool live;
	struct vgpu_sched *core;
	struct vgpu_sequencer sequencer;
	struct vgpu_pf_timer overdue;
	struct vgpu_pf_timer deadline;
	s64 offset;
	u64 latest;
	u64 run;
	unsigned int overdues;
	u16 stuck;
	u64 timeouts_ns;
	u64 round_ns;
	bool reported;
};

int vgpu_pf_world_init(struct vgpu_pf *pf);
void vgpu_pf_world_start(struct vgpu_pf *pf);
void vgpu_pf_world_stop(struct vgpu_pf *pf);
void vgpu_pf_world_measure_clock(struct vgpu_pf *pf);
u64 vgpu_pf_world_now(struct vgpu_pf *pf);

bool vgpu_pf_world_park(struct vgpu_pf_function *fn, u32 reasons);
void vgpu_pf_world_unpark(struct vgpu_pf_function *fn, u32 reasons);
bool vgpu_pf_world_is_off(struct vgpu_pf_function *fn);
void vgpu_pf_world_wake(struct vgpu_pf_function *fn);
void vgpu_pf_world_report(struct vgpu_pf *pf);
void vgpu_pf_world_recover(struct vgpu_pf *pf);

void vgpu_pf_world_event(struct vgpu_pf *pf, const struct vgpu_event *event);

#endif

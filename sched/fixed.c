// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fixed share: time-division multiplexing, for isolation against timing channels.
 * What a function can see of the time in which it has the engine does not depend
 * on what the others do.
 *
 * Device time is divided into frames, one behind the other, and each frame into one
 * slot for each function that is provisioned (not VGPU_SCHED_PARK_ABSENT), in the
 * order of their numbers:
 *
 *	slot_i = load + quantum_i + preempt timeout_i + max(save, reset)
 *
 *   |<------------------ slot of i ------------------>|<---- slot of the next ...
 *   | load |   quantum   |  preempt timeout  | save,  |
 *   |      |  (it runs)  | (at most, it      | reset  |
 *   ^ NEXT = i           ^  overruns)                 ^ NEXT = ...
 *     by the timer         NEXT = NONE, armed behind it, is taken
 *
 * That is all that i can make of it, whether it idles, floods, overruns until it is
 * reset, or is given an FLR: at the end of its slot the engine is empty, and until
 * then nobody else is let in. So each slot begins when the frame says, and what is
 * not used is lost: the price is a utilisation of quantum_i / frame for each, and a
 * preempt timeout is better short. The quantum is the share, weights and priorities
 * are refused; so are a quantum and a preempt timeout without an end. What the core
 * would choose for a quantum depends on what switches have cost: here it is always
 * VGPU_SCHED_QUANTUM_DEFAULT.
 *
 * Who wakes, or comes to itself after a reset, in the middle of its own slot is
 * started there if VGPU_SCHED_QUANTUM_MIN is left for it, for what is left. The same
 * holds if the slot itself begins late because the timer was. So slices end at
 * slot + load + quantum_i at the latest, and nothing piles up.
 *
 * A world that does not belong there (the policy was another one until now, records
 * were lost) is asked to leave at once, and slots are left empty until it has.
 *
 * New settings, and functions that are provisioned or not any more, change the frame
 * behind the one under way; the next one begins where that ends. That is why slots
 * are not for those who are not disabled: a guest disables itself when it pleases,
 * by a message or an FLR, and would move the slots of all others. Until the change a
 * slot is as long as it was: a longer preempt timeout makes its slices shorter first,
 * and only one that is raised while its world runs can make the next slot late, once.
 *
 * What is not hidden: the frame itself, which tells how many functions there are and
 * how their slots are set; that the host's timer is late, by interrupts that others
 * may cause, at the beginning of a slot, but not at its end; a world that an
 * administrator resets while it is being saved; a reset of the whole device, where
 * frames begin anew; and what is shared outside of the engine: VRAM bandwidth of
 * processors, the bus, the IOMMU. A device that does not switch by itself needs an
 * answer of the host for LOADED, the deadline, QUIESCED and SAVED: its slots are
 * longer by four times request_slack_ns.
 *
 * The bound. f just misses the last moment at which a slice is begun in its own slot,
 * quantum_f - VGPU_SCHED_QUANTUM_MIN behind the beginning of it, perhaps because its
 * own world is still being saved. Then it waits for the same slot of the next frame:
 *
 *	latency_f <= frame - quantum_f + VGPU_SCHED_QUANTUM_MIN + max(save, reset)
 *		     + load
 *
 * and for the frame under way as well while a change is due behind that. This is for
 * a timer that is not later than quantum_f - VGPU_SCHED_QUANTUM_MIN; if it is the
 * slot is lost.
 *
 * Finding the owner of a moment is a binary search in the slots, O(log n), and who
 * is next of those who wait a look into a bitmap; laying out a frame is O(n), once for
 * each change of settings.
 */
#include "core.h"

/* Steps of a classic world switch that wait for the host. */
#define FIXED_STEPS		4
/* ns; so there is a slice though the timer is late, by half of this or more. */
#define FIXED_QUANTUM_MIN	(2 * VGPU_SCHED_QUANTUM_MIN)

static u64 leaving_time(const struct vgpu_sched *s)
{
	return max(s->config.save_ns, s->config.reset_ns);
}

static u64 quantum_of(const struct vgpu_sched *s, u16 function)
{
	u64 quantum = s->function[function].params.quantum_ns;

	return quantum == VGPU_SCHED_QUANTUM_AUTO ? VGPU_SCHED_QUANTUM_DEFAULT : quantum;
}

/* What a slot has beside its quantum. */
static u64 switching_time(const struct vgpu_sched *s, u16 function)
{
	return s->config.load_ns + s->function[function].params.preempt_timeout_ns +
	       leaving_time(s) + FIXED_STEPS * s->config.request_slack_ns;
}

/* A slot as the settings want it, which may not be so before the next frame. */
static u64 slot_length(const struct vgpu_sched *s, u16 function)
{
	if (s->function[function].parked & VGPU_SCHED_PARK_ABSENT)
		return 0;
	return quantum_of(s, function) + switching_time(s, function);
}

/* ------------------------------------------------------------------------ */
/* Frames                                                                    */

static void lay_out(struct vgpu_sched *s, u64 start)
{
	struct vgpu_sched_fixed *q = &s->fixed;
	unsigned int i;

	q->start = start;
	q->length = 0;
	for (i = 0; i < s->config.functions; i++) {
		s->function[i].fixed.offset = q->length;
		q->length += slot_length(s, i);
	}
	q->change = 0;
}

/* Make @q->start the begin of the frame that @now is in. */
static void keep_time(struct vgpu_sched *s, u64 now)
{
	struct vgpu_sched_fixed *q = &s->fixed;

	if (q->change && now >= q->change) {
		lay_out(s, q->change);
	} else if (!q->length && q->stale) {
		lay_out(s, now);
		q->stale = false;
	}
	if (!q->length)
		return;
	now = max(now, q->start);
	q->start += div64_u64(now - q->start, q->length) * q->length;
	if (q->stale)
		q->change = q->start + q->length;
	q->stale = false;
}

/* When the slot of @function ends, in the frame under way. */
static u64 slot_end(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_fixed *q = &s->fixed;

	if (function + 1u == s->config.functions)
		return q->start + q->length;
	return q->start + s->function[function + 1].fixed.offset;
}

/* Whose slot it is @phase behind the begin of a frame. */
static u16 owner_at(const struct vgpu_sched *s, u64 phase)
{
	unsigned int low = 0, high = s->config.functions - 1;

	while (low < high) {
		unsigned int middle = (low + high + 1) / 2;

		if (s->function[middle].fixed.offset <= phase)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* The first one that waits, of those from @from on. */
static u16 first_waiting(const struct vgpu_sched *s, unsigned int from)
{
	unsigned int word;

	for (word = from / 64; word < ARRAY_SIZE(s->fixed.waiting); word++) {
		u64 bits = s->fixed.waiting[word];

		if (word == from / 64)
			bits &= ~0ull << from % 64;
		if (bits)
			return word * 64 + fls64(bits & -bits) - 1;
	}
	return VGPU_FUNCTION_NONE;
}

/* When somebody who waits has his next slot, or the frame changes; 0: never. */
static u64 next_review(const struct vgpu_sched *s, u16 owner)
{
	const struct vgpu_sched_fixed *q = &s->fixed;
	u16 next = first_waiting(s, owner + 1u);

	if (next != VGPU_FUNCTION_NONE)
		return q->start + s->function[next].fixed.offset;
	if (q->change)
		return q->change;
	next = first_waiting(s, 0);
	if (next == VGPU_FUNCTION_NONE)
		return 0;
	return q->start + q->length + s->function[next].fixed.offset;
}

/* ------------------------------------------------------------------------ */
/* The policy                                                                */

static void fixed_reset(struct vgpu_sched *s)
{
	s->fixed = (struct vgpu_sched_fixed){ .stale = true };
}

static int fixed_admit(const struct vgpu_sched *s, u16 function,
		       const struct vgpu_sched_params *params,
		       struct vgpu_sched_why *why)
{
	int ret = vgpu_sched_admit_equal(function, params,
					 "is not supported by policy fixed", why);

	if (ret)
		return ret;
	if (!params->quantum_ns)
		return vgpu_sched_refuse(why, function, "quantum_ns",
					 "must have an end under policy fixed",
					 FIXED_QUANTUM_MIN, VGPU_SCHED_QUANTUM_MAX);
	if (params->quantum_ns < FIXED_QUANTUM_MIN)
		return vgpu_sched_refuse(why, function, "quantum_ns",
					 "must allow for a late timer under policy fixed",
					 FIXED_QUANTUM_MIN, VGPU_SCHED_QUANTUM_MAX);
	if (!params->preempt_timeout_ns)
		return vgpu_sched_refuse(why, function, "preempt_timeout_ns",
					 "must have an end under policy fixed",
					 VGPU_SCHED_TIMEOUT_MIN,
					 VGPU_SCHED_TIMEOUT_MAX);
	return 0;
}

static void fixed_change(struct vgpu_sched *s, u16 function,
			 const struct vgpu_sched_params *params)
{
	s->fixed.stale = true;
}

static void fixed_enqueue(struct vgpu_sched *s, u16 function)
{
	s->fixed.waiting[function / 64] |= 1ull << function % 64;
}

static void fixed_dequeue(struct vgpu_sched *s, u16 function)
{
	s->fixed.waiting[function / 64] &= ~(1ull << function % 64);
}

/* The slice that fits into the rest of a slot, 0 if it is not worth it. */
static u64 slice_in(const struct vgpu_sched *s, u16 function, u64 rest)
{
	u64 switching = switching_time(s, function);

	if (rest < switching + VGPU_SCHED_QUANTUM_MIN)
		return 0;
	return min(quantum_of(s, function), rest - switching);
}

/* Is the running world where it shall be, or has it been asked to leave? */
static bool belongs(const struct vgpu_sched *s, u16 owner, u64 end, u64 now)
{
	if (s->gone)
		return true;
	if (!s->has_deadline)
		return false;
	return s->running == owner ? s->deadline < end : s->deadline <= now;
}

static bool fixed_pick(struct vgpu_sched *s, u64 now,
		       struct vgpu_sched_choice *choice)
{
	struct vgpu_sched_fixed *q = &s->fixed;
	bool empty = s->running == VGPU_FUNCTION_NONE;
	u64 end, slice;
	u16 owner;

	keep_time(s, now);
	now = max(now, q->start);
	if (!q->length)
		return !empty;
	owner = owner_at(s, now - q->start);
	end = slot_end(s, owner);
	choice->review = next_review(s, owner);
	if (!empty) {
		choice->now = !belongs(s, owner, end, now);
		return true;
	}
	/* If it may not be empty: NONE makes it so, and tells. */
	if (s->doubt) {
		choice->now = true;
		return true;
	}
	slice = s->function[owner].queued ? slice_in(s, owner, end - now) : 0;
	if (slice) {
		choice->function = owner;
		choice->quantum_ns = slice;
	}
	return slice;
}

static u64 fixed_latency_bound(const struct vgpu_sched *s, u16 function)
{
	u64 bound = VGPU_SCHED_QUANTUM_MIN + leaving_time(s) + s->config.load_ns -
		    quantum_of(s, function);
	unsigned int i;

	if (s->function[function].parked & VGPU_SCHED_PARK_ABSENT)
		return U64_MAX;
	for (i = 0; i < s->config.functions; i++)
		bound += slot_length(s, i);
	if (s->fixed.stale || s->fixed.change)
		bound += s->fixed.length;
	return bound;
}

const struct vgpu_sched_policy vgpu_sched_fixed = {
	.name		= "fixed",
	.reset		= fixed_reset,
	.admit		= fixed_admit,
	.change		= fixed_change,
	.enqueue	= fixed_enqueue,
	.dequeue	= fixed_dequeue,
	.pick		= fixed_pick,
	.latency_bound	= fixed_latency_bound,
};

/**
 * vgpu_sched_fixed_provisioned() - a function was provisioned, or is not any more
 * @s: the core, whatever its policy
 */
void vgpu_sched_fixed_provisioned(struct vgpu_sched *s)
{
	s->fixed.stale = true;
}

/**
 * vgpu_sched_fixed_restart() - the device clock may have begun anew
 * @s: the core, whatever its policy
 */
void vgpu_sched_fixed_restart(struct vgpu_sched *s)
{
	s->fixed.length = 0;
	s->fixed.stale = true;
}

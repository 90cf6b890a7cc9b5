// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduling core: events in, one armed NEXT out.
 *
 * A function, as seen from here:
 *
 *               wake                      record: to
 *     IDLE -------------> RUNNABLE -------------------------> RUNNING
 *      ^                   |    ^                              |   |
 *      |              park |    | record: from, with work left |   |
 *      |                   |    +------------------------------+   |
 *      |   record: from, idle   |                                  |
 *      +------------------------|----------------------------------+
 *      |                   v    | unpark              park: NEXT   |
 *      +----- unpark ----- PARKED <--- record: from --- with NOW --+
 *
 * (THROTTLED is RUNNABLE that its policy holds back.) Whether a function has
 * work is remembered while it is parked, too.
 *
 * After every event the core compares what shall be next with what was last
 * written to NEXT, and writes if they differ. So decisions are made one slice
 * ahead: the record of a switch is answered by arming the next one. NEXT is only
 * armed if somebody else wants the engine, hence a lone function is never
 * interrupted; when somebody wakes later, an armed NEXT is taken at the
 * deadline, or at once if that has passed or the world has run dry: the device
 * knows which.
 *
 * Races. The device goes on while we decide, so each write may find it
 * further than the records say:
 *
 * 1. NEXT was taken just before we overwrite it. Then the device runs what was
 *    overwritten, and has the overwriting one armed behind it. The record names
 *    the world that was taken, so writes are numbered, and each function knows
 *    the first and the last number that names it: the record tells which write
 *    was taken, all before it are dead, and the last is armed unless it was
 *    that one. If both a dead and the last write name the same function this is
 *    ambiguous (@unsure), and the next decision writes in any case.
 * 2. The same with NOW: it hits a world that has only just been loaded. That
 *    costs this world a part of its slice, nothing else. So NOW is not used close
 *    to a deadline, where that is likely, for somebody who is only more urgent.
 * 3. A parked function was armed, and may have been taken before the write that
 *    replaced it. It is off the engine only when a record shows that a later
 *    write was taken. To be sure that there is such a record, NEXT is not
 *    disarmed while it may have been taken: if nobody else wants the engine, the
 *    running function is named (@doubt): at its deadline it goes on, and says so.
 *    If it has nothing to do nobody is named, and it leaves.
 * 4. FLR or RESET of the running world, and of one that is being loaded: the
 *    engine runs dry, with or without a record, depending on whether NEXT was
 *    armed in that moment. If something is armed the record will come, and until
 *    then the world is just @gone. If not, the engine is empty. In doubt about
 *    a world that may have left for one which was reset on the way, the running
 *    function is named as in 3: an empty engine takes it at once.
 * 5. RUNNABLE and IDLE are about a moment, and the record about the end of a
 *    slice comes later than the events in its course. A RUNNABLE that is not
 *    older than the moment when the world ran dry wins over a record that says
 *    IDLE, and over an IDLE that comes after it. To believe in work that is not
 *    there costs an empty slice, and not another one for the same world (@dry); the
 *    opposite mistake, a wake-up that is forgotten, would stop a function for ever
 *    and is never made.
 * 6. A record is lost, or so late that it must be lost, or the interrupt is: the
 *    timer is set for the latest time at which the switch must have come. The
 *    caller looks into the queue first. Then NEXT is written once more, which
 *    repairs a write that was lost and is harmless otherwise; if still nothing
 *    comes, ops->overdue() is called, again and again.
 *
 * The timer is lazy: it is not moved when the expected time moves away, only
 * looked at when it fires. So it costs nothing per switch.
 */
#include "core.h"

static struct vgpu_sched_arms *arms_of(struct vgpu_sched *s, u16 function)
{
	if (function == VGPU_FUNCTION_NONE)
		return &s->none;
	return &s->function[function].arms;
}

/* May the device still take, or have taken, a write that names @function? */
static bool is_outstanding(const struct vgpu_sched *s, u16 function)
{
	return s->function[function].arms.last > s->dead;
}

/**
 * vgpu_sched_off_engine() - is a function off the engine for sure?
 * @s: the core
 * @function: which one
 *
 * Return: true if its world is neither on the engine nor can get there by
 * anything that was armed so far.
 */
bool vgpu_sched_off_engine(const struct vgpu_sched *s, u16 function)
{
	if (function >= s->config.functions)
		return true;
	return (s->running != function || s->gone) && !is_outstanding(s, function);
}

/* Tell those who have left. */
static void tell_parked(struct vgpu_sched *s)
{
	u16 *link = &s->leaving;

	while (*link != VGPU_FUNCTION_NONE) {
		u16 function = *link;
		struct vgpu_sched_function *fn = &s->function[function];

		if (fn->leaving && !vgpu_sched_off_engine(s, function)) {
			link = &fn->leaving_next;
			continue;
		}
		*link = fn->leaving_next;
		if (fn->leaving) {
			fn->leaving = false;
			s->ops->parked(s->context, function);
		}
	}
}

static bool wants_engine(const struct vgpu_sched_function *fn)
{
	return fn->runnable && !fn->parked && !fn->throttled;
}

/* Queue @function, or take it out of the queue, as its state demands. */
void vgpu_sched_queue(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_function *fn = &s->function[function];
	bool wanted = wants_engine(fn) && s->running != function;

	if (wanted == fn->queued)
		return;
	fn->queued = wanted;
	if (wanted)
		s->policy->enqueue(s, function);
	else
		s->policy->dequeue(s, function);
}

/* ------------------------------------------------------------------------ */
/* Decisions                                                                 */

/* Must the running world go, whoever comes next? */
static bool must_leave(const struct vgpu_sched *s)
{
	const struct vgpu_sched_function *fn = &s->function[s->running];

	if (s->gone || s->asked)
		return false;
	return fn->parked || (fn->throttled && fn->runnable);
}

/* Give @function the slice in @choice, or what its cap leaves of it. */
static bool limit_slice(struct vgpu_sched *s, u16 function,
			struct vgpu_sched_choice *choice, u64 now)
{
	if (function == VGPU_FUNCTION_NONE ||
	    !s->function[function].params.cap_quota_ns)
		return true;
	choice->quantum_ns = vgpu_sched_cap_slice(s, function, choice->quantum_ns,
						  choice->now, now);
	return choice->quantum_ns;
}

/* Who shall be next; false if nobody, which means NEXT is not to be armed. */
static bool choose(struct vgpu_sched *s, u64 now,
		   struct vgpu_sched_choice *choice)
{
	const struct vgpu_sched_function *fn = NULL;
	bool leave = false;
	bool somebody;

	if (s->running != VGPU_FUNCTION_NONE) {
		fn = &s->function[s->running];
		leave = must_leave(s);
	}

	*choice = (struct vgpu_sched_choice){ .function = VGPU_FUNCTION_NONE };
	somebody = s->policy->pick(s, now, choice);
	s->review = choice->review;
	if (somebody) {
		choice->now |= leave;
		choice->boundary &= !leave;
		if (limit_slice(s, choice->function, choice, now))
			return true;
		/* Its cap leaves it nothing: later, see vgpu_sched_cap_review(). */
		choice->function = VGPU_FUNCTION_NONE;
		if (fn)
			return true;
	}
	if (fn && !s->gone && (fn->parked || (fn->throttled && fn->runnable))) {
		choice->now = leave;
		return true;
	}
	if (fn && wants_engine(fn) && !s->gone && !s->dry && fn->params.cap_quota_ns) {
		choice->quantum_ns = vgpu_sched_slice(s, s->running);
		if (limit_slice(s, s->running, choice, now))
			choice->function = s->running;
		return true;
	}
	/* Who has nothing to do goes as was decided, or the engine stays empty. */
	if (s->armed && s->next == VGPU_FUNCTION_NONE && !(fn && wants_engine(fn)))
		return true;
	/* What is armed may have been taken. */
	if (s->armed)
		s->doubt = true;
	if (s->doubt && fn && !fn->parked && (fn->runnable || !s->gone)) {
		/* To name an idle one would be answered at once, again and again. */
		if (fn->runnable && !s->dry) {
			choice->function = s->running;
			choice->quantum_ns = vgpu_sched_slice(s, s->running);
		}
		choice->now = !s->has_deadline;
		return true;
	}
	/* An empty engine tells, too. */
	return s->doubt && !fn;
}

static void arm(struct vgpu_sched *s, const struct vgpu_sched_choice *choice,
		u64 now)
{
	struct vgpu_sched_arms *arms = arms_of(s, choice->function);

	s->writes++;
	if (arms->last <= s->dead) {
		arms->first = s->writes;
		arms->mixed = false;
		arms->quantum_ns = choice->quantum_ns;
	} else if (arms->quantum_ns != choice->quantum_ns) {
		arms->mixed = true;
		if (!choice->quantum_ns || choice->quantum_ns > arms->quantum_ns)
			arms->quantum_ns = arms->quantum_ns ? choice->quantum_ns : 0;
	}
	arms->urgent = choice->now;
	if (choice->now)
		arms->urgent_ns = choice->quantum_ns;
	arms->last = s->writes;

	if (!s->armed)
		s->armed_since = now;
	if (!s->armed || (choice->now && (!s->now || (s->boundary && !choice->boundary))))
		s->since = now;
	s->armed = true;
	s->next = choice->function;
	s->now = choice->now;
	s->boundary = choice->boundary;
	s->finishing |= choice->boundary;
	s->engine.arms++;
	s->ops->arm(s->context, choice->function, choice->quantum_ns,
		    (choice->now ? VGPU_SCHED_ARM_NOW : 0) |
		    (choice->boundary ? VGPU_SCHED_ARM_BOUNDARY : 0));
}

static void disarm(struct vgpu_sched *s, u64 now)
{
	s->writes++;
	s->armed = false;
	s->now = false;
	s->since = now;
	s->engine.disarms++;
	s->ops->disarm(s->context);
}

/* When the next record must be here at the latest. */
static void expect(struct vgpu_sched *s)
{
	u64 leave = max(s->config.save_ns, s->config.reset_ns);
	u64 when = s->since;

	s->expected = 0;
	s->patient = false;
	if (!s->armed && s->leaving == VGPU_FUNCTION_NONE)
		return;
	if (s->running != VGPU_FUNCTION_NONE && !s->gone) {
		const struct vgpu_sched_function *fn = &s->function[s->running];
		u64 timeout = fn->params.preempt_timeout_ns;

		if (fn->runnable && !s->now && !s->asked) {
			if (!s->has_deadline)
				return;
			when = max(when, s->deadline);
		}
		s->patient = !timeout;
		/* NOW without BOUNDARY does not let it finish anything. */
		if (s->finishing && !(s->now && !s->boundary))
			when += timeout;
		when += (timeout ? timeout : VGPU_SCHED_CHECK_NS) + leave;
	}
	s->expected = when + s->config.load_ns + s->config.overdue_slack_ns;
}

static void sooner(u64 *when, u64 other)
{
	if (other && (!*when || other < *when))
		*when = other;
}

static void set_timer(struct vgpu_sched *s, u64 now)
{
	u64 review = s->review;
	u64 when = s->expected;

	sooner(&review, vgpu_sched_cap_review(s));
	/* What could be decided now has been. */
	if (review && review <= now)
		review = now + VGPU_SCHED_ARM_NS;
	sooner(&when, review);
	/* Who is alone is not interrupted, but charged. */
	if (s->running != VGPU_FUNCTION_NONE && !s->gone &&
	    (!s->armed || s->next == s->running) && s->function[s->running].runnable)
		sooner(&when, s->charged + VGPU_SCHED_CHARGE_NS);
	if (!when || (s->timer && s->timer <= when))
		return;
	s->timer = when;
	s->engine.timers++;
	s->ops->set_timer(s->context, when);
}

/**
 * vgpu_sched_decide() - make NEXT what it shall be
 * @s: the core
 * @force: write it even if it seems to be that already
 * @now: device time
 */
void vgpu_sched_decide(struct vgpu_sched *s, bool force, u64 now)
{
	struct vgpu_sched_choice choice;

	/* A record has just told, up to the time that its interrupt took. */
	if (now > s->charged + VGPU_SCHED_ARM_NS)
		vgpu_sched_charge_until(s, now);
	vgpu_sched_cap_update(s, now);
	if (choose(s, now, &choice)) {
		if (force || s->unsure || !s->armed ||
		    s->next != choice.function || (choice.now && !s->now) ||
		    choice.boundary != s->boundary)
			arm(s, &choice, now);
	} else if (s->armed || s->unsure) {
		disarm(s, now);
	}
	s->unsure = false;
	expect(s);
	set_timer(s, now);
	tell_parked(s);
}

/* ------------------------------------------------------------------------ */
/* Set-up                                                                    */

/**
 * vgpu_sched_size() - memory for a core
 * @functions: number of functions, PF included
 *
 * Return: bytes, about 50 KiB and 17 KiB per function.
 */
size_t vgpu_sched_size(unsigned int functions)
{
	return sizeof(struct vgpu_sched) +
	       functions * sizeof(struct vgpu_sched_function);
}

/**
 * vgpu_sched_init() - make a core
 * @s: vgpu_sched_size() bytes of memory
 * @config: copied
 * @ops: kept; all of them are needed
 * @context: first argument of @ops
 * @now: device time; the engine is empty and NEXT is not armed
 *
 * All functions have default settings and are parked for
 * VGPU_SCHED_PARK_DISABLED.
 *
 * Return: 0; -EINVAL if the number of functions or the overhead is out of range or
 * there is no policy; -EOPNOTSUPP if the device cannot do what the policy needs.
 */
int vgpu_sched_init(struct vgpu_sched *s, const struct vgpu_sched_config *config,
		    const struct vgpu_sched_ops *ops, void *context, u64 now)
{
	struct vgpu_sched_why why;
	unsigned int i;

	if (!config->functions || config->functions > VGPU_MAX_FUNCTIONS ||
	    !config->policy || config->overhead_permille > VGPU_SCHED_OVERHEAD_MAX)
		return -EINVAL;

	memset(s, 0, vgpu_sched_size(config->functions));
	s->config = *config;
	s->ops = ops;
	s->context = context;
	s->policy = config->policy;
	s->running = VGPU_FUNCTION_NONE;
	s->leaving = VGPU_FUNCTION_NONE;
	s->engine.start_ns = now;
	s->engine.last_ns = now;
	s->last_estimated = true;
	s->charged = now;
	vgpu_sched_overhead_init(s);
	for (i = 0; i < config->functions; i++) {
		s->function[i].params = (struct vgpu_sched_params){
			.quantum_ns = VGPU_SCHED_QUANTUM_AUTO,
			.preempt_timeout_ns = VGPU_SCHED_TIMEOUT_DEFAULT,
			.weight = VGPU_SCHED_WEIGHT_DEFAULT,
			.priority = VGPU_SCHED_PRIORITY_NORMAL,
		};
		s->function[i].parked = VGPU_SCHED_PARK_DISABLED;
		s->function[i].leaving_next = VGPU_FUNCTION_NONE;
	}
	if (s->policy->admit(s, VGPU_FUNCTION_PF, &s->function[0].params, &why))
		return -EOPNOTSUPP;
	vgpu_sched_cap_init(s, now);
	s->policy->reset(s);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* What the caller wants                                                     */

/* The running world of @function is not on the engine any more. */
static void off_engine(struct vgpu_sched *s, u16 function)
{
	s->running = VGPU_FUNCTION_NONE;
	if (s->policy->stop)
		s->policy->stop(s, function, wants_engine(&s->function[function]));
	vgpu_sched_queue(s, function);
}

static bool is_known(struct vgpu_sched *s, u16 function)
{
	if (function < s->config.functions)
		return true;
	s->engine.unknown++;
	return false;
}

/* Add a reason; the caller decides anew. */
static void park(struct vgpu_sched *s, u16 function, u32 reason)
{
	if (reason & ~s->function[function].parked & VGPU_SCHED_PARK_ABSENT)
		vgpu_sched_fixed_provisioned(s);
	s->function[function].parked |= reason;
	s->function[function].waking = false;
	vgpu_sched_queue(s, function);
	if (is_outstanding(s, function))
		s->doubt = true;
}

/**
 * vgpu_sched_park() - keep a function off the engine
 * @s: the core
 * @function: which one
 * @reasons: one or more of VGPU_SCHED_PARK_*, added to those it has
 * @now: device time
 *
 * If it runs it is asked to leave at once, and is given its preempt timeout for
 * it. If it was armed it may just have been taken.
 *
 * Return: 0: it is off the engine; -EINPROGRESS: ops->parked() will be called
 * when it is, unless vgpu_sched_unpark() clears its last reason before; -EINVAL:
 * no such function, or no reason.
 */
int vgpu_sched_park(struct vgpu_sched *s, u16 function, u32 reasons, u64 now)
{
	struct vgpu_sched_function *fn;

	if (function >= s->config.functions || !reasons ||
	    reasons & ~VGPU_SCHED_PARK_ALL)
		return -EINVAL;

	fn = &s->function[function];
	park(s, function, reasons);
	vgpu_sched_decide(s, false, now);
	if (vgpu_sched_off_engine(s, function))
		return 0;
	if (!fn->leaving) {
		fn->leaving = true;
		fn->leaving_next = s->leaving;
		s->leaving = function;
		expect(s);
		set_timer(s, now);
	}
	return -EINPROGRESS;
}

/**
 * vgpu_sched_unpark() - take back reasons to keep a function off the engine
 * @s: the core
 * @function: which one
 * @reasons: one or more of VGPU_SCHED_PARK_*, whether or not it has them
 * @now: device time
 *
 * When the last one is gone the function takes part again, and an ops->parked()
 * that is still owed is not called any more.
 *
 * Return: 0, or -EINVAL: no such function, or no reason.
 */
int vgpu_sched_unpark(struct vgpu_sched *s, u16 function, u32 reasons, u64 now)
{
	struct vgpu_sched_function *fn;

	if (function >= s->config.functions || !reasons ||
	    reasons & ~VGPU_SCHED_PARK_ALL)
		return -EINVAL;

	fn = &s->function[function];
	if (reasons & fn->parked & VGPU_SCHED_PARK_ABSENT)
		vgpu_sched_fixed_provisioned(s);
	fn->parked &= ~reasons;
	if (!fn->parked) {
		fn->leaving = false;
		vgpu_sched_queue(s, function);
	}
	vgpu_sched_decide(s, false, now);
	return 0;
}

/**
 * vgpu_sched_restart() - start again with an empty engine
 * @s: the core
 * @now: device time
 *
 * To be called when the device has been reset as a whole: no world is on the
 * engine, NEXT is not armed, no record of before will come, the timer is not set.
 * The device clock may have started anew. Statistics, settings and reasons for
 * being parked stay; the time since the last record is not accounted. Whoever
 * has work is started again.
 */
void vgpu_sched_restart(struct vgpu_sched *s, u64 now)
{
	u16 was = s->running;
	unsigned int i;

	if (was != VGPU_FUNCTION_NONE) {
		vgpu_sched_account_gone(s, max(now, s->engine.last_ns));
		off_engine(s, was);
	}
	s->charged = now;
	vgpu_sched_cap_restart(s, now);
	vgpu_sched_reservation_restart(s);
	s->engine.start_ns += now - s->engine.last_ns;
	s->engine.last_ns = now;
	s->last_estimated = true;
	for (i = 0; i < s->config.functions; i++) {
		s->function[i].waking = false;
		s->function[i].woken = 0;
	}
	s->armed_since = 0;
	s->timer = 0;
	s->dead = s->writes;
	s->armed = false;
	s->unsure = false;
	s->doubt = false;
	s->gone = false;
	s->asked = false;
	s->dry = false;
	s->has_deadline = false;
	s->rearmed = false;
	s->finishing = false;
	vgpu_sched_fixed_restart(s);
	vgpu_sched_decide(s, false, now);
}

/* ------------------------------------------------------------------------ */
/* What the device said                                                      */

static void note_wake(struct vgpu_sched *s, struct vgpu_sched_function *fn)
{
	fn->waking = !fn->parked;
	fn->stats.wakes++;
	s->total.wakes++;
}

/**
 * vgpu_sched_wake() - RUNNABLE: a function has work
 * @s: the core
 * @function: which one
 * @when: when it got it, as the event says
 * @now: device time
 */
void vgpu_sched_wake(struct vgpu_sched *s, u16 function, u64 when, u64 now)
{
	struct vgpu_sched_function *fn;

	if (!is_known(s, function))
		return;
	if (!when || when > now + VGPU_SCHED_FUTURE_NS) {
		s->engine.missing++;
		when = now;
	}
	vgpu_sched_charge_until(s, min(when, now));
	fn = &s->function[function];
	fn->woken = when;
	if (!fn->runnable) {
		fn->runnable = true;
		note_wake(s, fn);
		if (s->running == function)
			fn->waking = false;
	}
	vgpu_sched_queue(s, function);
	vgpu_sched_decide(s, false, now);
}

/**
 * vgpu_sched_sleep() - IDLE: a function has nothing to do
 * @s: the core
 * @function: which one
 * @when: since when, as the event says
 * @now: device time
 *
 * A world on the engine stays there for as long as nobody else wants it.
 */
void vgpu_sched_sleep(struct vgpu_sched *s, u16 function, u64 when, u64 now)
{
	struct vgpu_sched_function *fn;

	if (!is_known(s, function))
		return;
	fn = &s->function[function];
	if (when && when < fn->woken) {
		s->engine.stale++;
		return;
	}
	vgpu_sched_charge_until(s, when && when < now ? when : now);
	fn->runnable = false;
	fn->waking = false;
	if (s->running == function)
		s->since = now;
	vgpu_sched_queue(s, function);
	vgpu_sched_decide(s, false, now);
}

/* Which write was taken, and what that leaves armed. */
static void take(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_arms *arms = arms_of(s, function);
	u64 first = max(arms->first, s->dead + 1);

	s->now = s->now && arms->last != s->writes;
	if (arms->last <= s->dead) {
		/*
		 * Nobody asked for it: what is armed now is anybody's guess. An
		 * empty engine may mean that what was taken could not be loaded.
		 */
		if (function != VGPU_FUNCTION_NONE || s->writes == s->dead)
			s->engine.unexpected++;
		s->unsure = true;
		return;
	}
	s->dead = first;
	if (arms->last != s->writes)
		return;
	s->armed = false;
	s->unsure = arms->last != first;
}

/* The world of @function is not on the engine any more. */
static void leave(struct vgpu_sched *s, u16 function,
		  const struct vgpu_sched_switch *sw)
{
	struct vgpu_sched_function *fn = &s->function[function];
	bool was_there = s->running == function && !s->gone;
	bool again = false;

	switch (sw->from == function ? sw->reason : VGPU_LEAVE_NONE) {
	/*
	 * If it was not there any more an event has told so, and its world may have
	 * been made anew since: then the record is of the past.
	 */
	case VGPU_LEAVE_HANG:
		if (was_there)
			fn->parked |= VGPU_SCHED_PARK_HUNG;
		break;
	case VGPU_LEAVE_RESET:
		if (was_there)
			fn->parked |= VGPU_SCHED_PARK_RESET;
		break;
	case VGPU_LEAVE_IDLE:
		again = fn->runnable && fn->woken >= sw->request;
		fn->runnable = false;
		fn->woken = min(fn->woken, sw->running);
		break;
	}
	if (s->running == function)
		off_engine(s, function);
	else
		vgpu_sched_queue(s, function);
	/* It did run dry, and has woken since: the policy is told both. */
	if (again) {
		fn->runnable = true;
		note_wake(s, fn);
		vgpu_sched_queue(s, function);
	}
}

static void enter(struct vgpu_sched *s, u16 function, u32 reason)
{
	const struct vgpu_sched_arms *arms = arms_of(s, function);
	u64 quantum = arms->quantum_ns;
	bool cut;

	s->running = function;
	s->gone = false;
	s->asked = false;
	s->dry = false;
	s->has_deadline = false;
	if (function == VGPU_FUNCTION_NONE)
		return;
	/* If there was NOW it has cut the slice before, or renewed it early. */
	cut = arms->mixed && arms->urgent &&
	      (reason == VGPU_LEAVE_PREEMPT || reason == VGPU_LEAVE_RENEWED);
	if (cut)
		quantum = arms->urgent_ns;
	s->vague = arms->mixed && !cut;
	s->has_deadline = quantum;
	s->deadline = s->engine.last_ns + quantum;
	vgpu_sched_queue(s, function);
	if (s->policy->start)
		s->policy->start(s, function);
	s->function[function].waking = false;
}

/**
 * vgpu_sched_switched() - SWITCHED: a switch is complete
 * @s: the core
 * @record: the record
 * @now: device time
 *
 * Whatever it says is taken as the truth about who is on the engine, also if it
 * contradicts what was known; see struct vgpu_sched_engine for what is counted.
 */
void vgpu_sched_switched(struct vgpu_sched *s,
			 const struct vgpu_sched_switch *record, u64 now)
{
	struct vgpu_sched_switch copy = *record;
	struct vgpu_sched_switch *sw = &copy;
	u16 was = s->running;
	bool cut, early, good;

	if ((sw->from != VGPU_FUNCTION_NONE && !is_known(s, sw->from)) ||
	    (sw->to != VGPU_FUNCTION_NONE && !is_known(s, sw->to)))
		return;
	if (sw->reason >= VGPU_SCHED_REASONS) {
		s->engine.unknown++;
		return;
	}
	if (vgpu_sched_is_duplicate(s, sw)) {
		s->engine.duplicates++;
		return;
	}
	if (sw->from != was && !s->doubt && !s->gone)
		s->engine.unexpected++;

	good = vgpu_sched_account(s, sw, now);
	/* When in doubt a wake-up was later. */
	sw->request = good ? record->request : 0;
	early = sw->reason == VGPU_LEAVE_RENEWED && !s->now &&
		(!record->deadline || record->running < record->deadline);
	take(s, sw->to);
	if (was != VGPU_FUNCTION_NONE && was != sw->from)
		leave(s, was, sw);
	if (sw->from != VGPU_FUNCTION_NONE)
		leave(s, sw->from, sw);
	enter(s, sw->to, sw->reason);
	s->dry = early;
	if (sw->to != VGPU_FUNCTION_NONE && sw->reason != VGPU_LEAVE_RENEWED)
		vgpu_sched_charge(s, sw->to, 0, sw->running - sw->saved);
	s->since = now;
	s->rearmed = false;
	s->finishing = s->armed && s->boundary;
	tell_parked(s);
	s->doubt = s->leaving != VGPU_FUNCTION_NONE;
	/*
	 * Was it parked on its way to the engine, or somebody else wanted at once?
	 * Then NOW may have been early.
	 */
	cut = sw->to != VGPU_FUNCTION_NONE && (s->now || s->function[sw->to].parked);
	vgpu_sched_decide(s, cut, now);
}

/**
 * vgpu_sched_hang() - HANG: a world did not quiesce in time and is being reset
 * @s: the core
 * @function: whose world
 * @now: device time
 *
 * The function is parked for VGPU_SCHED_PARK_HUNG. The switch goes on by itself.
 */
void vgpu_sched_hang(struct vgpu_sched *s, u16 function, u64 now)
{
	if (!is_known(s, function))
		return;
	s->function[function].stats.hangs++;
	s->total.hangs++;
	if (s->running == function) {
		s->asked = true;
		s->since = now;
	}
	park(s, function, VGPU_SCHED_PARK_HUNG);
	vgpu_sched_decide(s, false, now);
}

/*
 * The device has dropped what it had of the writes that name @function. One of
 * them may have been taken, and somebody have left for it without a record.
 */
static void drop_arms(struct vgpu_sched *s, u16 function)
{
	struct vgpu_sched_arms *arms = arms_of(s, function);

	if (arms->last <= s->dead)
		return;
	if (arms->last == s->writes)
		s->armed = false;
	/* If one of them was taken, the record names nobody. */
	if (s->none.last <= s->dead)
		s->none.first = arms->first;
	s->none.first = min(s->none.first, arms->first);
	s->none.last = max(s->none.last, arms->last);
	arms->last = 0;
	s->doubt = true;
}

/* The world of @function is off the engine, and NEXT does not name it. */
static void gone(struct vgpu_sched *s, u16 function, u32 reason, u64 now)
{
	vgpu_sched_charge_until(s, now);
	park(s, function, reason);
	drop_arms(s, function);
	if (s->running == function && !s->gone) {
		if (s->armed) {
			s->gone = true;
			s->since = now;
		} else {
			vgpu_sched_account_gone(s, now);
			off_engine(s, function);
			enter(s, VGPU_FUNCTION_NONE, VGPU_LEAVE_RESET);
		}
	}
	vgpu_sched_decide(s, false, now);
}

/**
 * vgpu_sched_flr() - FLR: a function was reset by its user
 * @s: the core
 * @function: which one
 * @now: device time
 *
 * The function is parked for VGPU_SCHED_PARK_FLR. Its world is off the engine.
 */
void vgpu_sched_flr(struct vgpu_sched *s, u16 function, u64 now)
{
	if (is_known(s, function))
		gone(s, function, VGPU_SCHED_PARK_FLR, now);
}

/**
 * vgpu_sched_reset() - RESET: a world was thrown away by command
 * @s: the core
 * @function: whose world
 * @now: device time
 *
 * The function is parked for VGPU_SCHED_PARK_RESET. Its world is off the engine.
 */
void vgpu_sched_reset(struct vgpu_sched *s, u16 function, u64 now)
{
	if (is_known(s, function))
		gone(s, function, VGPU_SCHED_PARK_RESET, now);
}

/**
 * vgpu_sched_refused() - REFUSED: the device did not accept, or could not load, NEXT
 * @s: the core
 * @function: which function NEXT named
 * @now: device time
 *
 * The function is parked for VGPU_SCHED_PARK_REFUSED, unless it is parked
 * already: then the write was older than that.
 */
void vgpu_sched_refused(struct vgpu_sched *s, u16 function, u64 now)
{
	if (!is_known(s, function))
		return;
	s->engine.refused++;
	if (!s->function[function].parked)
		park(s, function, VGPU_SCHED_PARK_REFUSED);
	if (is_outstanding(s, function)) {
		const struct vgpu_sched_arms *arms = arms_of(s, function);

		/*
		 * What was armed before this write is armed still; and of
		 * several writes another one may have been taken.
		 */
		s->unsure = true;
		s->doubt = true;
		if (max(arms->first, s->dead + 1) == arms->last)
			drop_arms(s, function);
	}
	vgpu_sched_decide(s, false, now);
}

/**
 * vgpu_sched_lost() - LOST, or a gap in the sequence: records were lost
 * @s: the core
 * @now: device time
 *
 * What is on the engine and what is armed is not known any more; NEXT is written
 * so that the next record tells.
 */
void vgpu_sched_lost(struct vgpu_sched *s, u64 now)
{
	s->engine.lost++;
	s->doubt = true;
	s->unsure = true;
	vgpu_sched_decide(s, true, now);
}

/**
 * vgpu_sched_timer() - the time asked for by ops->set_timer() has come
 * @s: the core
 * @now: device time
 *
 * The caller has fed all events that are in the queue before. Calls that are too
 * early or not asked for do no harm.
 */
void vgpu_sched_timer(struct vgpu_sched *s, u64 now)
{
	bool late = s->expected && now >= s->expected;
	bool again = late && !s->patient;

	if (s->timer && now < s->timer) {
		s->engine.timers++;
		s->ops->set_timer(s->context, s->timer);
		return;
	}
	s->timer = 0;
	if (again && s->rearmed) {
		bool empty = s->running == VGPU_FUNCTION_NONE || s->gone;

		s->engine.overdue++;
		s->ops->overdue(s->context, empty ? s->next : s->running);
		again = false;
	} else if (again) {
		s->rearmed = true;
		s->engine.rearmed++;
	}
	if (late)
		s->since = now;
	vgpu_sched_charge_until(s, now);
	vgpu_sched_decide(s, again, now);
}

/* ------------------------------------------------------------------------ */
/* What there is to see                                                      */

/**
 * vgpu_sched_running() - who is on the engine
 * @s: the core
 *
 * Return: the function, as of the last record, or VGPU_FUNCTION_NONE.
 */
u16 vgpu_sched_running(const struct vgpu_sched *s)
{
	return s->gone ? VGPU_FUNCTION_NONE : s->running;
}

/**
 * vgpu_sched_state() - what a function is doing
 * @s: the core
 * @function: which one
 *
 * Return: enum vgpu_sched_state, or -EINVAL: no such function.
 */
int vgpu_sched_state(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_function *fn;

	if (function >= s->config.functions)
		return -EINVAL;
	fn = &s->function[function];
	if (fn->parked)
		return VGPU_SCHED_PARKED;
	if (s->running == function)
		return VGPU_SCHED_RUNNING;
	if (fn->queued)
		return VGPU_SCHED_RUNNABLE;
	return fn->throttled && fn->runnable ? VGPU_SCHED_THROTTLED : VGPU_SCHED_IDLE;
}

/**
 * vgpu_sched_parked() - why a function is parked
 * @s: the core
 * @function: which one
 *
 * Return: VGPU_SCHED_PARK_*, 0 if it is not parked or does not exist.
 */
u32 vgpu_sched_parked(const struct vgpu_sched *s, u16 function)
{
	return function < s->config.functions ? s->function[function].parked : 0;
}

/**
 * vgpu_sched_runtime() - how long a function has had the engine
 * @s: the core
 * @function: which one
 * @now: device time
 *
 * Return: ns, including the slice under way; 0 if there is no such function.
 */
u64 vgpu_sched_runtime(const struct vgpu_sched *s, u16 function, u64 now)
{
	u64 runtime;

	if (function >= s->config.functions)
		return 0;
	runtime = s->function[function].stats.runtime_ns;
	if (s->running == function && !s->gone && now > s->engine.last_ns)
		runtime += now - s->engine.last_ns;
	return runtime;
}

/**
 * vgpu_sched_lag() - how much engine time a function is owed
 * @s: the core
 * @function: which one
 *
 * Return: ns that it has had less (below 0: more) than its weight entitles it to,
 * all that it was charged until now counted: whatever it occupied the engine for,
 * but for what its reservation paid. 0 if there is no such function. Policies
 * other than eevdf do not change it.
 */
s64 vgpu_sched_lag(const struct vgpu_sched *s, u16 function)
{
	return function < s->config.functions ? vgpu_sched_eevdf_lag(s, function) : 0;
}

/**
 * vgpu_sched_lag_bound() - how far a function can be ahead or behind at most
 * @s: the core
 * @function: which one
 *
 * Return: ns that vgpu_sched_lag() stays within with the present settings of all
 * functions that are not disabled, U64_MAX if there is no bound or no such function.
 */
u64 vgpu_sched_lag_bound(const struct vgpu_sched *s, u16 function)
{
	u64 ahead, behind;

	if (function >= s->config.functions || !s->policy->lag_bounds)
		return U64_MAX;
	s->policy->lag_bounds(s, function, &ahead, &behind);
	return max(ahead, behind);
}

/**
 * vgpu_sched_latency_bound() - how long a function waits for the engine at most
 * @s: the core
 * @function: which one
 *
 * Return: ns from waking to running with the present settings of all functions
 * that are not disabled, U64_MAX if there is no bound or no such function.
 */
u64 vgpu_sched_latency_bound(const struct vgpu_sched *s, u16 function)
{
	const struct vgpu_sched_params *p;
	u64 leave = max(s->config.save_ns, s->config.reset_ns);
	u64 bound;

	if (function >= s->config.functions)
		return U64_MAX;
	p = &s->function[function].params;
	bound = s->policy->latency_bound(s, function);
	if (!p->cap_quota_ns || bound == U64_MAX)
		return bound;
	if (!p->preempt_timeout_ns)
		return U64_MAX;
	/* The present period, those that pay for an overrun, and what is left of one. */
	return bound + p->cap_period_ns *
	       (2 + div64_u64(p->preempt_timeout_ns + leave, p->cap_quota_ns));
}

/**
 * vgpu_sched_stats() - what one function did
 * @s: the core
 * @function: which one
 *
 * Return: its statistics, NULL if there is no such function; they change with
 * every call: copy them before releasing the lock.
 */
const struct vgpu_sched_stats *vgpu_sched_stats(const struct vgpu_sched *s,
						u16 function)
{
	if (function >= s->config.functions)
		return NULL;
	return &s->function[function].stats;
}

/**
 * vgpu_sched_total() - what all functions did together
 * @s: the core
 *
 * Return: the sums, under the same rule.
 */
const struct vgpu_sched_stats *vgpu_sched_total(const struct vgpu_sched *s)
{
	return &s->total;
}

/**
 * vgpu_sched_engine() - what the engine did, and what went wrong
 * @s: the core
 *
 * Return: the counters, under the same rule.
 */
const struct vgpu_sched_engine *vgpu_sched_engine(const struct vgpu_sched *s)
{
	return &s->engine;
}

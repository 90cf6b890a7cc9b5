# SPDX-License-Identifier: GPL-2.0-only
"""
World switches as the PF driver's tracepoint reports them, and figures from them.

All times are integers, ns of the device clock. A *switch* takes one world off
the engine and puts another there; the *slice* of a world is what lies between
two of them, from running to the request to leave.
"""

import collections
import math
import re

NONE = 0xffff

LEAVE = ("none", "deadline", "idle", "preempt", "hang", "reset", "renewed")

Switch = collections.namedtuple("Switch", (
    "leaving", "entering", "leave", "deadline", "request", "quiesced",
    "saved", "loaded", "running"))

Slice = collections.namedtuple("Slice", (
    "function", "running", "deadline", "request", "quiesced", "leave"))

_FIELD = re.compile(r"(\w+)=(-?\w+)")


def parse(lines, event="vgpu_switch:"):
    """Switches in the lines of a trace; other events are skipped."""
    for line in lines:
        if event not in line:
            continue
        f = dict(_FIELD.findall(line.split(event, 1)[1]))
        leave = f["leave"]
        yield Switch(int(f["from"]), int(f["to"]),
                     LEAVE.index(leave) if leave in LEAVE else int(leave),
                     *(int(f[k]) for k in ("deadline", "request", "quiesced",
                                           "saved", "loaded", "running")))


class Stats:
    """The file sched_stats: keys, and a table by function and column."""

    def __init__(self, lines):
        self.key, self.row = {}, {}
        columns = None
        for words in (line.split() for line in lines):
            if columns:
                self.row[words[0]] = dict(zip(columns, words))
            elif words[0] == "function":
                columns = words
            else:
                self.key[words[0]] = words[1]

    def value(self, key):
        return int(self.key[key])

    def total(self, column):
        return int(self.row["total"][column])


def slices(switches):
    """The slices between consecutive switches, renewed ones apart."""
    before = None
    for s in switches:
        if before is not None and before.entering != NONE:
            yield Slice(before.entering, before.running, s.deadline,
                        s.request, s.quiesced, s.leave)
        before = s


def percentile(values, q):
    """Nearest rank: the smallest value that at least q % do not exceed."""
    if not values:
        return 0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * q / 100) - 1)]


def request_delays(switches):
    """From the deadline to the request to leave, of worlds that had one."""
    return [s.request - s.deadline for s in switches
            if s.deadline and LEAVE[s.leave] in ("deadline", "hang")]


def quiesce_delays(switches):
    """From the request to leave until the world had stopped."""
    return [s.quiesced - s.request for s in switches
            if LEAVE[s.leave] in ("deadline", "preempt")]


def lost(switches, save_ns, load_ns):
    """
    Engine time of each full switch (deadline to running) that was neither
    quiescing nor the device's own save and load.
    """
    return [(s.running - s.deadline) - (s.quiesced - s.request)
            - save_ns - load_ns
            for s in switches
            if LEAVE[s.leave] == "deadline" and s.deadline
            and NONE not in (s.leaving, s.entering)
            and s.leaving != s.entering]


def service(all_slices, begin, end):
    """Engine time per function between two moments, running to quiesced."""
    got = collections.Counter()
    for s in all_slices:
        ns = min(s.quiesced, end) - max(s.running, begin)
        if ns > 0:
            got[s.function] += ns
    return got


def share_errors(all_slices, functions, begin, end, window, step):
    """
    Largest deviation from equal shares, in per cent of the window's service,
    in each window that begins at a multiple of step.
    """
    errors = []
    at = begin
    while at + window <= end:
        got = service(all_slices, at, at + window)
        total = sum(got.values())
        errors.append(max(abs(got[f] / total - 1 / len(functions))
                          for f in functions) * 100)
        at += step
    return errors


def drift(switches, quantum, save_ns, load_ns):
    """
    How much later the last world runs than it would if nothing but quanta, saves
    and loads took time, ns. What a slice was too long is taken off a later one.
    """
    first, last = switches[0], switches[-1]
    ideal = (len(switches) - 1) * (quantum + save_ns + load_ns)
    return (last.running - first.running) - ideal

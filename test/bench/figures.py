#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
figures.py HARDWARE HARDWARE-SLOW HRTIMER HRTIMER-SLOW JSON: the figures of the
world switch.

The arguments are the result directories of guest.sh, run with and without
hardware deadlines, and with a device whose save and load take 10 times as long
(the part "handler" only). Prints a table, writes the same as JSON, and fails
if a floor was missed.

Each run has three parts. In "steady" every VF has one kernel that does not end,
so that nothing happens but switches: the length of the cycle is exact. In
"jobs" every VF runs short jobs of many lengths, with fences and interrupts that
get in the way of the PF driver: its delays are what they are in daily use. In
"handler" only interrupts are traced, to see what a switch costs the CPU: that
it costs no more when the device takes longer shows that nobody waits.
"""

import os
import re
import sys

import worlds
from rows import row, write

MS = 1000000
SECOND = 1000 * MS


# The device that the floors are for, as set by run.
SAVE = LOAD = 150000
SLOW = 10
GROUP = 20000


class Part:
    """One part of a run: its trace, and sched_stats before and after."""

    def __init__(self, directory, name):
        def lines(suffix):
            with open(os.path.join(directory, f"{name}.{suffix}"),
                      encoding="ascii") as f:
                return f.read().splitlines()

        self.lines = lines("trace")
        self.before = worlds.Stats(lines("before"))
        self.after = worlds.Stats(lines("after"))
        switches = list(worlds.parse(self.lines))
        self.switches = switches
        self.slices = list(worlds.slices(switches))

    def functions(self):
        return sorted({s.function for s in self.slices})

    def seconds(self):
        return (self.switches[-1].running - self.switches[0].running) / SECOND

    def switched(self):
        """How many slices have ended."""
        return self.after.total("slices") - self.before.total("slices")

    def per_switch(self, key):
        """How much a counter of the device has grown with each switch."""
        return (self.after.value(key) - self.before.value(key)) \
            / self.switched()


class Run:
    """What the VMs of one path handed over."""

    def __init__(self, directory, slow):
        self.steady = Part(directory, "steady")
        self.jobs = Part(directory, "jobs")
        self.handler = Part(directory, "handler")
        self.slow = Part(slow, "handler")

    def quantum(self):
        return self.steady.after.value("quantum_ns")


def handler_cost(part):
    """
    Instructions in interrupt handlers and timers of the PF driver, all in all:
    the trace clock counts them.
    """
    spent, entered = 0, {}
    for line in part.lines:
        found = re.match(r"(\d+): (irq_handler|hrtimer_expire)_(entry|exit): "
                         r"(\S+)(.*)", line)
        if not found:
            continue
        at, kind, what, key, rest = found.groups()
        if what == "entry" and "vgpu_pf" in rest:
            entered[kind, key] = int(at)
        elif what == "exit" and (kind, key) in entered:
            spent += int(at) - entered.pop((kind, key))
    return spent


class Figure:
    """One row: its value on both paths, and the floor of the path that has one."""

    def __init__(self, name, what, unit, hardware, hrtimer,
                 hardware_floor=None, hrtimer_floor=None):
        self.name, self.what, self.unit = name, what, unit
        self.value = {"hardware": hardware, "hrtimer": hrtimer}
        self.floor = {"hardware": hardware_floor, "hrtimer": hrtimer_floor}

    def passed(self, path):
        floor = self.floor[path]
        return floor is None or self.value[path] <= floor

    def entries(self):
        for path in ("hardware", "hrtimer"):
            yield {**row(f"{self.name}_{path}", self.what, self.unit, self.value[path],
                         self.floor[path]), "path": path}


def both(name, what, unit, measure, runs, hardware_floor=None,
         hrtimer_floor=None):
    return Figure(name, what, unit, measure(runs[0]), measure(runs[1]),
                  hardware_floor, hrtimer_floor)


def request_delay(q):
    return lambda run: worlds.percentile(
        worlds.request_delays(run.steady.switches)
        + worlds.request_delays(run.jobs.switches), q)


def quiesce_delay(q):
    return lambda run: worlds.percentile(
        worlds.quiesce_delays(run.steady.switches)
        + worlds.quiesce_delays(run.jobs.switches), q)


def lost(run):
    return max(worlds.lost(run.steady.switches, SAVE, LOAD)
               + worlds.lost(run.jobs.switches, SAVE, LOAD))


def deviation(run):
    return max(abs(s.quiesced - s.running - run.quantum())
               for s in run.steady.slices + run.jobs.slices
               if worlds.LEAVE[s.leave] == "deadline")


def drift(run):
    return worlds.drift(run.steady.switches, run.quantum(), SAVE, LOAD)


def share(run):
    part = run.steady
    return round(max(worlds.share_errors(
        part.slices, part.functions(), part.switches[0].running,
        part.switches[-1].quiesced, SECOND, SECOND // 20)), 4)


def accesses(kind):
    def measure(run):
        # The edges of the measurement are not exactly those of a switch.
        n = round(run.steady.per_switch(f"switch_register_{kind}"), 2)
        return int(n) if n == int(n) else n
    return measure


def cycle(pick):
    def measure(run):
        starts = [s.running for s in run.steady.switches
                  if s.entering == run.steady.functions()[0]]
        return pick(b - a for a, b in zip(starts, starts[1:]))
    return measure


def handler(part):
    return round(handler_cost(part) / part.switched())


def waiting(run):
    """
    How much of the time that the device takes longer the CPU takes longer,
    in per cent: 100 for who polls. What is below 0.01 are other branches.
    """
    more = handler(run.slow) - handler(run.handler)
    return max(0, round(more / ((SLOW - 1) * (SAVE + LOAD)) * 100, 2))


def figures(runs):
    return [
        both("request_delay_p50", "request delay after the deadline, p50",
             "ns", request_delay(50), runs),
        both("request_delay_p99", "the same, p99",
             "ns", request_delay(99), runs, 0, 10000),
        both("request_delay_max", "the same, max",
             "ns", request_delay(100), runs, 0, 40000),
        both("quiesce_delay_p50", "quiesce delay, p50",
             "ns", quiesce_delay(50), runs),
        both("quiesce_delay_p99", "the same, p99",
             "ns", quiesce_delay(99), runs),
        both("quiesce_delay_max", "the same, max",
             "ns", quiesce_delay(100), runs, GROUP, GROUP),
        both("lost_max", "GPU time lost beyond quiesce, save, load, max",
             "ns", lost, runs, 100),
        both("register_writes", "register writes per switch", "",
             accesses("writes"), runs, 1),
        both("register_reads", "register reads per switch", "",
             accesses("reads"), runs, 0),
        both("slice_deviation_max",
             f"deviation of a {runs[0].quantum() // 1000} µs slice, max",
             "ns", deviation, runs, GROUP),
        both("cycle_min", "length of the cycle of 4 VFs, min", "ns",
             cycle(min), runs),
        both("cycle_max", "the same, max", "ns", cycle(max), runs),
        both("cycle_drift", f"drift of the cycle over "
             f"{runs[0].steady.seconds():.1f} s", "ns", drift, runs, GROUP),
        both("share_error_max", "share error of 4 equal VFs in 1 s, max",
             "%", share, runs, 0.5, 0.5),
        both("handler", "CPU time in interrupts per switch", "ns",
             lambda run: handler(run.handler), runs),
        both("busy_wait", "of save and load, spent by the CPU on waiting",
             "%", waiting, runs, 0),
    ]


def table(rows):
    width = max(len(r.what) for r in rows)
    head = (f"{'':{width}}  {'hardware':>12} {'hrtimer':>12}  unit"
            f"  {'floors':>14}")
    yield head
    yield "-" * len(head)
    for r in rows:
        floors = ["-" if r.floor[p] is None else f"{r.floor[p]:g}"
                  for p in ("hardware", "hrtimer")]
        if floors == ["-", "-"]:
            floors = []
        ok = all(r.passed(p) for p in ("hardware", "hrtimer"))
        yield (f"{r.what:{width}}  {r.value['hardware']:>12,} "
               f"{r.value['hrtimer']:>12,}  {r.unit:4}"
               f"  {' / '.join(floors):>14}{'' if ok else '  MISSED'}")


def main():
    hardware, hardware_slow, hrtimer, hrtimer_slow, out = sys.argv[1:]
    runs = [Run(hardware, hardware_slow), Run(hrtimer, hrtimer_slow)]
    rows = figures(runs)
    entries = [e for r in rows for e in r.entries()]
    write(entries, out)
    for run, name in zip(runs, ("hardware", "hrtimer")):
        print(f"{name}: {len(run.steady.switches)} switches in "
              f"{run.steady.seconds():.1f} s with endless kernels, "
              f"{len(run.jobs.switches)} in {run.jobs.seconds():.1f} s with "
              "short jobs")
    print("\n".join(table(rows)))
    missed = [e["name"] for e in entries if not e["pass"]]
    if missed:
        sys.exit("missed: " + ", ".join(missed))


main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
dpdk.py COST FLOOD OUT: drivers in user space. COST and FLOOD are the result folders of
dpdk_vm.sh, in VMs in which an instruction takes 1 ns. Prints a table; writes OUT, a list of
figures as README.md tells.
"""

import json
import os
import sys

from rows import row, tell

# The PF's interrupts belong to another CPU. Emulated CPUs have one clock, and take turns
# by it: wherever they are handled, their time is in there. So they are kept away, or shown.
PLACES = (
    ("alone", "no interrupt of the PF", 2000),
    ("shared", "with them", None),
)


def number(folder, name):
    with open(os.path.join(folder, name), encoding="ascii") as file:
        return int(file.read())


def function(folder, name, index=0):
    with open(os.path.join(folder, f"{name}.json"), encoding="ascii") as file:
        return json.load(file)["functions"][index]


def column(folder, function_name, name):
    """Of sched_stats."""
    with open(os.path.join(folder, "sched_stats"), encoding="ascii") as file:
        rows = [line.split() for line in file]
    names = next(row for row in rows if row and row[0] == "function")
    row = next(row for row in rows if row and row[0] == function_name)
    return int(row[names.index(name)])


def costs(folder):
    for cost in function(folder, "cost")["cost"]:
        many = cost["batch"]
        name = "dpdk_submission" if many == 1 else "dpdk_submission_batch"
        what = "a doorbell for each" if many == 1 else f"a doorbell for {many}"
        yield row(name, f"a submission, {what}", "instructions", cost["all"], 250)
        yield row(f"{name}_submit", "the same, submitting only", "instructions",
                  cost["submit"])
        yield row(f"{name}_complete", "the same, completing only", "instructions",
                  cost["reap"])


def latencies(folder):
    count = number(folder, "latency_alone.interrupts")
    if count:
        sys.exit(f"{count} interrupts of the PF where none should be")
    own = function(folder, "latency_alone")["device_ns"]
    yield row("dpdk_device", "an empty kernel and its fence, what the device takes",
              "ns", own)
    for quantile in "p50", "p99":
        for name, where, floor in PLACES:
            seen = function(folder, f"latency_{name}")["latency_ns"][quantile] - own
            yield row(f"dpdk_fence_{name}_{quantile}",
                      f"from doorbell to fence beyond that, {where}, {quantile}", "ns",
                      seen, floor)
    yield row("dpdk_fence_interrupts", "the PF's interrupts for each, there", "",
              round(number(folder, "latency_shared.interrupts") /
                    function(folder, "latency_shared")["completed"], 2))


def rates(folder):
    """The PF on the same CPU."""
    for run, name, what in (("single", "dpdk_per_second", "a doorbell for each"),
                            ("batch", "dpdk_per_second_batch", "a doorbell for 32")):
        yield row(name, f"a second on one lcore, {what}", "1/s",
                  function(folder, run)["per_second"])


def flood(folder):
    bound = number(folder, "bound") * 1000
    doorbells = sum(function(folder, "flood", i)["doorbells"] for i in range(3))
    yield row("dpdk_flood_doorbells", "doorbells of three VFs that flood", "", doorbells)
    yield row("dpdk_flood_bound", "a VF beside them: what it was promised", "ns", bound)
    for quantile in "p99", "max":
        yield row(f"dpdk_flood_{quantile}", f"it waits for the engine, {quantile}", "ns",
                  column(folder, "4", f"wake_{quantile}_ns"), bound)


def main():
    cost, flooded, out = sys.argv[1:]
    tell("Drivers in user space (DPDK)",
         [*costs(cost), *latencies(cost), *rates(cost), *flood(flooded)], out)


main()

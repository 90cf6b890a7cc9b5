#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
costs.py DIR OUT: what the VF driver costs the CPU. DIR is what cost.sh has left, in a VM
in which an instruction takes 1 ns. Prints a table; writes OUT, a list of figures as
README.md tells.
costs.py --functions: at which the stages of SUBMIT begin, for cost.sh.

To trace a function costs instructions, as many each time: how many is the difference
between a run that is traced and one that is not. They are taken off.
"""

import os
import re
import statistics
import sys

from rows import row, tell

# Function at which it begins, name, what is done
STAGES = [
    ("vgpu_vf_ioctl_submit", "check", "arguments checked, queue looked up, a job allocated"),
    ("vgpu_vf_fence_hold", "job", "commands copied and checked, drm_sched's fence allocated"),
    ("vgpu_vf_syncs_in", "syncs", "syncobjs looked up"),
    ("vgpu_vf_vm_lock", "lock", "VM and its buffers locked and validated"),
    ("drm_sched_job_arm", "arm", "fences made"),
    ("vgpu_vf_ring_run_directly", "way", "does it have to wait?"),
    ("drm_sched_entity_push_job", "push", "more: queued, drm_sched's worker woken"),
    ("vgpu_vf_syncs_publish", "switch", "more: fences given out, return, the worker's turn"),
    ("vgpu_vf_fence_init", "packets", "packets written, doorbell"),
]
SWITCH = "vgpu_vf_syncs_publish"
DOORBELL = "vgpu_vf_recovery_watch"
EVENT = re.compile(r" (\d+): (\w+) <-")


def read(path):
    with open(path, encoding="ascii") as file:
        return {name: int(value) for name, value in map(str.split, file)}


def rounds(path):
    """Of each SUBMIT: ticks from the begin of each stage to the next, in order."""
    begun = None
    with open(path, encoding="ascii") as file:
        for tick, function in (m.groups() for m in map(EVENT.search, file) if m):
            if function == STAGES[0][0]:
                begun = {}
            if begun is None or function in begun:
                continue
            begun[function] = int(tick)
            if function == DOORBELL:
                ticks = list(begun.items())
                yield {a[0]: b[1] - a[1] for a, b in zip(ticks, ticks[1:])}
                begun = None


def spans(directory, way):
    """What each stage takes, with what it costs to trace one function."""
    ticks = list(rounds(os.path.join(directory, way + "-trace")))
    return {name: statistics.median(t[name] for t in ticks if name in t)
            for name, _, _ in STAGES if name in ticks[-1]}


def stages(directory):
    """Of both ways: name, what is done, instructions. Both are the same until the
    decision, and what no function begins, the call itself, is what is left."""
    direct, sched = (read(os.path.join(directory, way))["submit_doorbell"]
                     for way in ("direct", "sched"))
    traced = read(os.path.join(directory, "direct-traced"))["submit_doorbell"]
    taken, behind = spans(directory, "direct"), spans(directory, "sched")
    tracing = (traced - direct) / len(taken)
    taken = {name: round(value - tracing) for name, value in taken.items()}
    call = direct - sum(taken.values())
    behind = {name: round(value - tracing) for name, value in behind.items()
              if name not in taken}
    # Two tasks are traced there, and what that costs is another figure.
    behind[SWITCH] = sched - direct - sum(value for name, value in behind.items()
                                          if name != SWITCH)
    yield "submit_doorbell_call", "the system call, until the driver has it", call
    for names, prefix in (taken, "submit_doorbell_"), (behind, "sched_doorbell_"):
        for function, name, what in STAGES:
            if function in names:
                yield prefix + name, what, names[function]


def figures(directory):
    cost = read(os.path.join(directory, "cost"))
    count = "instructions"
    yield row("submit_return", "SUBMIT of a job that has to wait, until it returns",
              count, cost["loop_gated"])
    yield row("submit_whole", "SUBMIT of a job, its run and its end", count,
              cost["loop_submit"])
    yield row("submit_doorbell", "SUBMIT of a job, until the doorbell", count,
              cost["submit_doorbell"], 8000)
    parts = list(stages(directory))
    for name, what, value in parts:
        if name.startswith("submit"):
            yield row(name, "  " + what, count, value)
    yield row("sched_doorbell", "the same through drm_sched's worker", count,
              read(os.path.join(directory, "sched"))["submit_doorbell"])
    for name, what, value in parts:
        if name.startswith("sched"):
            yield row(name, "  " + what, count, value)
    yield row("batch_return", "SUBMIT of 32 jobs, until it returns, each", count,
              cost["batch_return"])
    yield row("batch_doorbell", "SUBMIT of 32 jobs, until the last doorbell, each",
              count, cost["batch_doorbell"], 2000)
    if "loop_vgem" in cost:
        yield row("vgem_fence", "a fence of vgem, made and signalled", count,
                  cost["loop_vgem"])
        yield row("submit_over_vgem", "SUBMIT until it returns, over that",
                  "part of 1", round(cost["loop_gated"] / cost["loop_vgem"], 2), 3)
        yield row("submit_whole_over_vgem", "all of it, over that", "part of 1",
                  round(cost["loop_submit"] / cost["loop_vgem"], 2))
    yield row("bind_gib", "VM_BIND of 1 GiB of VRAM in pages of 2 MiB", "ns",
              cost["bind_gib"], 100000)
    yield row("unbind_gib", "and its end", "ns", cost["unbind_gib"])
    yield row("vram_write", "writes to VRAM by mmap, over writes to memory",
              "part of 1", round(cost["write_vram"] / cost["write_memory"], 2), 1.05)


def main():
    if sys.argv[1:] == ["--functions"]:
        print(*(function for function, _, _ in STAGES), DOORBELL)
        return
    directory, out = sys.argv[1:]
    tell("What the VF driver costs the CPU", list(figures(directory)), out)


main()

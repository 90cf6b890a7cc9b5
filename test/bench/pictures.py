#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
pictures.py SIM OUT: the pictures of "make bench", from traces of the simulator, into
the folder OUT: latency.svg, lag.svg, slices.svg.
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "sim"))

import picture   # noqa: E402

NAMES = {
    "eevdf": "vgpu, eevdf",
    "gim-new": "GIM 8, debit",
    "gim-old": "GIM 2017",
    "gvt-g": "GVT-g",
    "best-effort": "best effort",
    "adaptive-rr": "adaptive round robin",
}


class Simulator:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, scenario, policy, every_ms):
        """Its trace and its result."""
        path = os.path.join(HERE, "..", "sim", "scenarios", scenario + ".sim")
        trace = os.path.join(self.folder, f"{scenario}-{policy}.csv")
        done = subprocess.run([self.program, "--lenient", "--policy", policy,
                               "--every", str(every_ms), "--trace", trace, path],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{scenario}, {policy}: {done.stderr}")
        return picture.Trace(trace), json.loads(done.stdout)


def latency(simulator):
    order = ("eevdf", "gim-new", "gim-old", "gvt-g", "best-effort", "adaptive-rr")
    traces = [(NAMES[p], simulator.run("sparse", p, 1000)[0]) for p in order]
    return picture.draw_latency(traces, {
        "function": "1",
        "title": "From the doorbell to the start: a VF with 1 ms of work each 50 ms, "
                 "beside 7 that never rest",
        "note": "Parts of all its wake-ups that took no longer. The VF has high priority "
                "where there is one; each scheduler with its own default quantum. "
                "Simulated, 200 s.",
    })


def bound(result):
    return max(f["scheduler"]["lag_bound_ns"] for f in result["functions"]
               if f.get("scheduler") and f["function"])


def lag(simulator):
    order = ("eevdf", "gim-new", "best-effort", "adaptive-rr")
    runs = [(NAMES[p], *simulator.run("tenant", p, 10)) for p in order]
    return picture.draw_lag([(title, trace) for title, trace, _ in runs], {
        "until": "3000", "scale": "160",
        "bound": str(round(bound(runs[0][2]) / picture.MS)),
        "title": "How far each of 4 equal VFs is from its fair share, while one of them "
                 "cannot be stopped for 100 ms",
        "note": "Engine time beside that of an ideal fluid server. vgpu resets VF1 when "
                "its preempt timeout of 16 ms is over, and only VF1. Simulated.",
    })


def slices(simulator):
    order = ("eevdf", "gim-new", "best-effort")
    traces = [(NAMES[p], simulator.run("tenant", p, 1000)[0]) for p in order]
    return picture.draw_timeline(traces, {
        "from": "1000", "until": "1200",
        "title": "Who has the engine: 4 equal VFs, one of which cannot be stopped for "
                 "100 ms",
        "note": "Coloured: running; red: save or reset; grey: load. Simulated.",
    })


def main():
    program, out = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        simulator = Simulator(program, folder)
        for name, draw in (("latency", latency), ("lag", lag), ("slices", slices)):
            with open(os.path.join(out, name + ".svg"), "w", encoding="utf-8") as file:
                file.write(draw(simulator))


main()

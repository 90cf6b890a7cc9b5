#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
scheduler.py SIM OUT: what the simulator says of the scheduling core and of the
baselines, beyond test/sim/figures: what a world switch costs each of them, and
how much throughput is left for 1, 2, 8 and 63 VFs with quanta of 1…50 ms. Prints
two tables; writes OUT, a list of figures as README.md tells.
"""

import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

import rows

MS = 1000000
SAVE = LOAD = 150000

POLICIES = ("eevdf", "gim-new", "gim-old", "gvt-g", "best-effort", "adaptive-rr")
COUNTS = (2, 8, 63)
QUANTA = (1, 2, 6, 16, 50)

# GVT-g has a tick of its own.
WITHOUT_QUANTUM = ("gvt-g",)


class Simulator:
    def __init__(self, program):
        self.program = program

    def run(self, policy, lines):
        with tempfile.NamedTemporaryFile("w", suffix=".sim") as scenario:
            scenario.write("\n".join(lines) + "\n")
            scenario.flush()
            done = subprocess.run([self.program, "--lenient", "--policy", policy,
                                   scenario.name], capture_output=True, text=True,
                                  check=False)
        if done.returncode:
            sys.exit(f"{policy}: {done.stderr}")
        return json.loads(done.stdout)


def floods(count, quantum_ms, seconds):
    return [f"duration {seconds}s", f"function 1-{count} quantum={quantum_ms}ms",
            f"work 1-{count} flood kernel=uniform(200us,2ms)"]


def entry(name, what, policy, unit, value, floor=None, better="<="):
    return {**rows.row(f"{name}_{policy.replace('-', '_')}", what, unit, value, floor,
                       better), "policy": policy}


# ---------------------------------------------------------------------------
# A switch

def worst(result, key, which):
    """None if there was not one: GVT-g's slices have no end."""
    return max((f[key][which] for f in result["functions"] if f[key]["count"]),
               default=None)


def switches(result):
    return sum(f["starts"] for f in result["functions"])


def switch_figures(policy, result):
    total, n = result["total"], switches(result)
    ours = policy == "eevdf"

    def row(name, what, unit, value, floor=None):
        return entry("sim_" + name, what, policy, unit, value,
                     floor if ours else None)

    return [
        row("request_delay_p50", "request delay after the end of the slice, p50", "ns",
            worst(result, "overshoot_ns", "p50")),
        row("request_delay_p99", "request delay, p99", "ns",
            worst(result, "overshoot_ns", "p99"), 0),
        row("request_delay_max", "request delay, max", "ns",
            worst(result, "overshoot_ns", "max"), 0),
        row("quiesce_p50", "quiesce delay, p50", "ns",
            worst(result, "quiesce_ns", "p50")),
        row("quiesce_p99", "quiesce delay, p99", "ns",
            worst(result, "quiesce_ns", "p99")),
        row("quiesce_max", "quiesce delay, max", "ns",
            worst(result, "quiesce_ns", "max")),
        row("gap", "GPU time lost per switch beyond save and load", "ns",
            round((total["gap_ns"] + total["empty_ns"]) / n), 100),
        row("accesses", "register accesses per switch", "",
            round((total["reads"] + total["writes"]) / n, 1), 1.1),
        row("busy_wait", "CPU time spent on waiting, per switch", "ns",
            round(total["cpu_busy_ns"] / n), 0),
    ]


# ---------------------------------------------------------------------------
# Throughput

def ideal(count, quantum_ms):
    if count == 1:
        return 1.0
    return quantum_ms * MS / (quantum_ms * MS + SAVE + LOAD)


def throughput_figure(policy, count, quantum_ms, result):
    floor = None
    if policy == "eevdf":
        floor = 0.999 if count == 1 else round(ideal(count, quantum_ms) - 0.002, 4)
    return entry(f"throughput_{count}_{quantum_ms}ms",
                 f"{count} VF{'s' * (count > 1)}, quantum {quantum_ms} ms", policy,
                 "part of 1", result["total"]["utilization"], floor, ">=")


# ---------------------------------------------------------------------------

def table(entries, columns, cell):
    """A line for each kind of figure, a column for each scheduler."""
    lines = {}
    for e in entries:
        lines.setdefault(e["what"], {})[e["policy"]] = e
    width = max(len(w) for w in lines)
    yield " " * width + "".join(f"{c:>13}" for c in columns) + "        floor"
    for what, row in lines.items():
        ours = row.get("eevdf", {})
        floor = "" if ours.get("floor") is None else \
            f"  {ours['better']} {cell(ours, ours['floor'])}"
        missed = "  MISSED" if not ours.get("pass", True) else ""
        yield (f"{what:{width}}" +
               "".join(f"{cell(row[c], row[c]['value']):>13}" for c in columns) +
               f"{floor:>13}" + missed)


def shown(e, value):
    if value is None:
        return "-"
    if e["unit"] == "part of 1":
        return f"{value * 100:.2f} %"
    if e["unit"] == "ns":
        return f"{value / 1000:,.1f} µs"
    return f"{value:,}"


def main():
    program, out = sys.argv[1:]
    simulator = Simulator(program)
    jobs = [(policy, 4, 6, 20) for policy in POLICIES]
    jobs += [(policy, 1, 6, 20) for policy in POLICIES]
    jobs += [(policy, count, quantum, 20) for count in COUNTS for quantum in QUANTA
             for policy in POLICIES
             if policy not in WITHOUT_QUANTUM or quantum == QUANTA[0]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(
            lambda job: simulator.run(job[0], floods(*job[1:])), jobs))

    entries, sweep = [], []
    for (policy, count, quantum, _), result in zip(jobs, results):
        if count == 4:
            entries += switch_figures(policy, result)
        elif policy in WITHOUT_QUANTUM and count > 1:
            sweep += [throughput_figure(policy, count, q, result) for q in QUANTA]
        else:
            sweep.append(throughput_figure(policy, count, quantum, result))
    print("In the simulator: 4 busy VFs, quantum 6 ms, interrupts take 5 µs and "
          "register writes 0.5 µs to arrive\n")
    print("\n".join(table(entries, POLICIES, shown)))
    print("\nRetained throughput: of all VFs together, beside one alone on an engine "
          "without switches\n")
    print("\n".join(table(sweep, POLICIES, shown)))
    rows.write(entries + sweep, out)


main()

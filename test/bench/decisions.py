#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
decisions.py DECIDE OUT: what decisions cost. DECIDE is what decide.c has printed.
Prints a table; writes OUT, a list of figures as README.md tells.
"""

import json
import sys

from rows import row, write

LIMIT_NS = 300
LARGEST = 255


def entry(name, what, policy, unit, value, floor=None):
    return {**row(f"{name}_{policy}", what, unit, value, floor), "policy": policy,
            "machine": unit == "ns"}


def growth(rows):
    """
    How much more is added by the second half of the doublings from 2 to 255 than
    by the first: 4 ÷ 3 for a logarithm, 17 if it is proportional to their number.
    """
    cost = {r["functions"]: r["decision_instructions"] for r in rows}
    return round((cost[255] - cost[16]) / max(cost[16] - cost[2], 1), 2)


def figures(rows):
    for r in rows:
        n, policy = r["functions"], r["policy"]
        ours = policy == "eevdf" and n == LARGEST
        for what, title in (("decision", "decision"), ("wake", "wake-up"),
                            ("timer", "timer")):
            yield entry(f"{what}_ns_{n}", f"{title}, {n} functions", policy, "ns",
                        r[f"{what}_ns"],
                        LIMIT_NS if ours and what == "decision" else None)
            yield entry(f"{what}_instructions_{n}", f"{title}, {n} functions", policy,
                        "instructions", r[f"{what}_instructions"])
            yield entry(f"{what}_instructions_max_{n}", f"{title}, {n} functions, max",
                        policy, "instructions", r[f"{what}_instructions_max"])
    yield entry("decision_growth", "growth of a decision from 16 to 255 functions over "
                "that from 2 to 16", "eevdf", "",
                growth([r for r in rows if r["policy"] == "eevdf"]), 2)


def main():
    source, out = sys.argv[1:]
    with open(source, encoding="ascii") as file:
        text = file.read()
    # It has told why.
    if not text.rstrip().endswith("]"):
        sys.exit("there are no figures of decisions")
    rows = json.loads(text)
    entries = list(figures(rows))
    print("What a decision costs, all functions busy: nanoseconds here, and "
          "instructions (max)\n")
    print(f"{'':6}{'functions':>10}{'decision':>24}{'wake-up':>24}{'timer':>24}")
    for r in rows:
        print(f"{r['policy']:6}{r['functions']:>10}" + "".join(
            f"{r[w + '_ns']:>8.0f} ns {r[w + '_instructions']:>6.0f}"
            f" {'(%d)' % r[w + '_instructions_max']:>6}"
            for w in ("decision", "wake", "timer")))
    for e in entries:
        if e["floor"] is not None:
            print(f"{e['policy']}: {e['what']}: {e['value']:g} {e['unit']}, floor "
                  f"{e['floor']}" + ("" if e["pass"] else "  MISSED"))
    write(entries, out)


main()

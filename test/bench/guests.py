#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
guests.py DIR OUT: several guests at once. DIR has what guests.sh has handed over.
Prints a table; writes OUT, a list of figures as README.md tells.
"""

import json
import os
import sys

GUESTS = 4


def read(path):
    with open(path, encoding="ascii") as file:
        return {name: int(value) for name, value in map(str.split, file)}


def figure(name, what, unit, value, floor=None, better=None):
    return {"name": name, "what": what, "unit": unit, "value": value, "floor": floor,
            "better": better, "pass": floor is None or value <= floor,
            "command": "make bench"}


def figures(four, alone, beside):
    yield figure("guests_total", f"{GUESTS} guests at work: GPU time of all, of what "
                 "switches leave", "%", round(four["of_limit"] / 10000, 4))
    yield figure("guests_total_error", "the same, how far from 100 %", "%",
                 round(abs(four["of_limit"] - 1000000) / 10000, 4), 0.5, "<=")
    shares = [four[f"of_share_{n + 1}"] for n in range(GUESTS)]
    yield figure("guests_share_error", "of each guest's share of that, the largest error",
                 "%", round(max(abs(s - 1000000) for s in shares) / 10000, 4), 1, "<=")
    for name, what, took in (("alone", "alone", alone),
                             ("flood", "beside a flood from 3 VFs", beside)):
        jobs = f"a guest's job of 20 µs, {what}, SUBMIT to fence"
        yield figure(f"guest_latency_{name}_p50", f"{jobs}, p50", "ns", took["p50_ns"])
        # no longer than the scheduler says that it can wait for the engine
        yield figure(f"guest_latency_{name}_p99", f"{jobs}, p99", "ns", took["p99_ns"],
                     *([beside["bound_ns"], "<="] if name == "flood" else []))
    yield figure("guest_engine_wait_max", "the longest that VF has waited for the engine",
                 "ns", beside["engine_max_ns"], beside["bound_ns"], "<=")


def main():
    source, out = sys.argv[1:]
    entries = list(figures(*(read(os.path.join(source, name))
                             for name in ("four", "alone", "beside"))))
    print("Guests\n")
    for e in entries:
        floor = "" if e["floor"] is None else f", floor {e['floor']:,}" + (
            "" if e["pass"] else "  MISSED")
        print(f"{e['what']:74}{e['value']:>12,} {e['unit']}{floor}")
    with open(out, "w", encoding="utf-8") as file:
        json.dump(entries, file, indent=1, ensure_ascii=False)


main()

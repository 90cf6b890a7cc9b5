#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
guests.py DIR OUT: several guests at once. DIR has what guests.sh has handed over.
Prints a table; writes OUT, a list of figures as README.md tells.
"""

import os
import sys

from rows import row, tell

GUESTS = 4


def read(path):
    with open(path, encoding="ascii") as file:
        return {name: int(value) for name, value in map(str.split, file)}


def figures(four, alone, beside):
    yield row("guests_total", f"{GUESTS} guests at work: GPU time of all, of what "
              "switches leave", "%", round(four["of_limit"] / 10000, 4))
    yield row("guests_total_error", "the same, how far from 100 %", "%",
              round(abs(four["of_limit"] - 1000000) / 10000, 4), 0.5)
    shares = [four[f"of_share_{n + 1}"] for n in range(GUESTS)]
    yield row("guests_share_error", "of each guest's share of that, the largest error",
              "%", round(max(abs(s - 1000000) for s in shares) / 10000, 4), 1)
    for name, what, took in (("alone", "alone", alone),
                             ("flood", "beside a flood from 3 VFs", beside)):
        jobs = f"a guest's job of 20 µs, {what}, SUBMIT to fence"
        yield row(f"guest_latency_{name}_p50", f"{jobs}, p50", "ns", took["p50_ns"])
        # no longer than the scheduler says that it can wait for the engine
        yield row(f"guest_latency_{name}_p99", f"{jobs}, p99", "ns", took["p99_ns"],
                  beside["bound_ns"] if name == "flood" else None)
    yield row("guest_engine_wait_max", "the longest that VF has waited for the engine",
              "ns", beside["engine_max_ns"], beside["bound_ns"])


def main():
    source, out = sys.argv[1:]
    tell("Guests", list(figures(*(read(os.path.join(source, name))
                                  for name in ("four", "alone", "beside")))), out)


main()

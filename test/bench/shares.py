#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
shares.py DIR OUT: what SR-IOV and guests leave of the GPU. DIR has what share.sh
has handed over. Prints a table; writes OUT, a list of figures as README.md tells.
"""

import os
import sys

from rows import row, tell

WORK = {
    "long": "jobs of 1 ms",
    "medium": "jobs of 100 µs",
    "short": "jobs of 20 µs",
}
# No floor is for short jobs: what is lost between them is the CPU's time, which an
# emulator says little about.
PLACES = {
    "vf": ("one VF", 99),
    "vf_in_guest": ("one VF, in a guest", 99),
    "pf_in_guest": ("the PF, in a guest that has all", 99),
}


def read(path):
    with open(path, encoding="ascii") as file:
        return {name: int(value) for name, value in map(str.split, file)}


def figures(times):
    native = times["pf"]
    for work, what in WORK.items():
        yield row(f"work_pf_{work}", f"the PF without SR-IOV: {what}", "ns", native[work])
        for place, (where, floor) in PLACES.items():
            yield row(f"share_{place}_{work}", f"{where}: {what}, throughput against that",
                      "%", round(100 * native[work] / times[place][work], 2),
                      floor if work != "short" else None, ">=")


def main():
    source, out = sys.argv[1:]
    tell("The same work without SR-IOV, with it, and in guests",
         list(figures({place: read(os.path.join(source, f"share.{place}"))
                       for place in ["pf", *PLACES]})), out)


main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
shares.py DIR OUT: what SR-IOV and guests leave of the GPU. DIR has what share.sh
has handed over. Prints a table; writes OUT, a list of figures as README.md tells.
"""

import json
import os
import sys

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
        yield {"name": f"work_pf_{work}", "what": f"the PF without SR-IOV: {what}",
               "unit": "ns", "value": native[work], "floor": None, "better": None,
               "pass": True, "command": "make bench"}
        for place, (where, floor) in PLACES.items():
            share = round(100 * native[work] / times[place][work], 2)
            floor = floor if work != "short" else None
            yield {"name": f"share_{place}_{work}", "unit": "%", "value": share,
                   "what": f"{where}: {what}, throughput against that",
                   "floor": floor, "better": floor and ">=",
                   "pass": floor is None or share >= floor, "command": "make bench"}


def main():
    source, out = sys.argv[1:]
    entries = list(figures({place: read(os.path.join(source, f"share.{place}"))
                            for place in ["pf", *PLACES]}))
    print("The same work without SR-IOV, with it, and in guests\n")
    for e in entries:
        floor = "" if e["floor"] is None else f", floor {e['floor']}" + (
            "" if e["pass"] else "  MISSED")
        print(f"{e['what']:68}{e['value']:>12,} {e['unit']}{floor}")
    with open(out, "w", encoding="utf-8") as file:
        json.dump(entries, file, indent=1, ensure_ascii=False)


main()

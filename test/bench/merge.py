#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
merge.py OUT PROMISED FIGURES...: everything that "make bench" has measured in one
file, as README.md tells. PROMISED is what test/sim/figures has written, FIGURES are
lists already. Fails if a floor was missed, unless that depends on the machine.
"""

import json
import sys

# Whose figures have to reach the floors.
OURS = "eevdf"


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        sys.exit(f"{path} is missing: see above")


def promised(path):
    for policy, rows in read(path).items():
        for figures in rows.values():
            for f in figures or []:
                yield {"name": f"{f['name']}_{policy.replace('-', '_')}",
                       "what": f["what"], "policy": policy, "unit": f["unit"],
                       "value": f["value"], "floor": f["floor"],
                       "better": f["better"], "pass": f["reached"],
                       "command": "make bench"}


def main():
    out, source = sys.argv[1:3]
    entries = list(promised(source))
    for path in sys.argv[3:]:
        entries += read(path)
    with open(out, "w", encoding="utf-8") as file:
        json.dump(entries, file, indent=1, ensure_ascii=False)
        file.write("\n")
    names = [e["name"] for e in entries]
    twice = sorted({n for n in names if names.count(n) > 1})
    missed = [e for e in entries if not e["pass"] and e.get("policy", OURS) == OURS]
    slow = [e["name"] for e in missed if e.get("machine")]
    missed = [e["name"] for e in missed if not e.get("machine")]
    if slow:
        print("missed on this machine: " + ", ".join(slow))
    if twice:
        sys.exit("named twice: " + ", ".join(twice))
    if missed:
        sys.exit("missed: " + ", ".join(missed))
    print(f"{len(entries)} figures; " +
          ("all other" if slow else "all") + " floors are reached")


main()

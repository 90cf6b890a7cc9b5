# SPDX-License-Identifier: GPL-2.0-only
"""Figures: rows of a table, and of bench.json as README.md tells."""

import json
import operator

REACHED = {"<=": operator.le, ">=": operator.ge}


def row(name, what, unit, value, floor=None, better="<="):
    return {"name": name, "what": what, "unit": unit, "value": value, "floor": floor,
            "better": None if floor is None else better,
            "pass": floor is None or REACHED[better](value, floor),
            "command": "make bench"}


def write(rows, out):
    with open(out, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1, ensure_ascii=False)


def tell(title, rows, out):
    """What begins with spaces is a part of the row before, in the table."""
    width = max(len(r["what"]) for r in rows)
    print(f"{title}\n")
    for r in rows:
        floor = "" if r["floor"] is None else f", floor {r['floor']:,}" + (
            "" if r["pass"] else "  MISSED")
        print(f"{r['what']:{width}}{r['value']:>12,} {r['unit']}{floor}")
    write([{**r, "what": r["what"].strip()} for r in rows], out)

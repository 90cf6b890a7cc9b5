#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
costs.py COST OUT: what the VF driver costs the CPU. COST is what vf_cost has printed, in
a VM in which an instruction takes 1 ns. Prints a table; writes OUT, a list of figures
as README.md tells.
"""

import json
import sys


def entry(name, what, unit, value, floor=None, better="<="):
    return {"name": name, "what": what, "unit": unit, "value": value, "floor": floor,
            "better": better if floor is not None else None,
            "pass": floor is None or value <= floor, "command": "make bench"}


def figures(cost):
    count = "instructions"
    yield entry("submit_return", "SUBMIT of a job that has to wait, until it returns",
                count, cost["loop_gated"])
    yield entry("submit_whole", "SUBMIT of a job, its run and its end", count,
                cost["loop_submit"])
    yield entry("submit_doorbell", "SUBMIT of a job, until the doorbell", count,
                cost["submit_doorbell"], 8000)
    yield entry("batch_return", "SUBMIT of 32 jobs, until it returns, each", count,
                cost["batch_return"])
    yield entry("batch_doorbell", "SUBMIT of 32 jobs, until the last doorbell, each",
                count, cost["batch_doorbell"], 2000)
    if "loop_vgem" in cost:
        yield entry("vgem_fence", "a fence of vgem, made and signalled", count,
                    cost["loop_vgem"])
        yield entry("submit_over_vgem", "SUBMIT until it returns, over that",
                    "part of 1", round(cost["loop_gated"] / cost["loop_vgem"], 2), 3)
        yield entry("submit_whole_over_vgem", "all of it, over that", "part of 1",
                    round(cost["loop_submit"] / cost["loop_vgem"], 2))
    yield entry("bind_gib", "VM_BIND of 1 GiB of VRAM in pages of 2 MiB", "ns",
                cost["bind_gib"], 100000)
    yield entry("unbind_gib", "and its end", "ns", cost["unbind_gib"])
    yield entry("vram_write", "writes to VRAM by mmap, over writes to memory",
                "part of 1", round(cost["write_vram"] / cost["write_memory"], 2), 1.05)


def main():
    source, out = sys.argv[1:]
    with open(source, encoding="ascii") as file:
        cost = {name: int(value) for name, value in map(str.split, file)}
    entries = list(figures(cost))
    print("What the VF driver costs the CPU\n")
    for e in entries:
        floor = "" if e["floor"] is None else f", floor {e['floor']}" + (
            "" if e["pass"] else "  MISSED")
        print(f"{e['what']:52}{e['value']:>10g} {e['unit']}{floor}")
    with open(out, "w", encoding="utf-8") as file:
        json.dump(entries, file, indent=1, ensure_ascii=False)


main()

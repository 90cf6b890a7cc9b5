#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
report.py RUN WIDTH LIMIT OUT: what "make demo" shows at its end.

RUN is what demo.sh has handed over. Prints a table; draws the picture that the
VFs have computed, and the timeline of their worlds, into OUT.
"""

import array
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "bench"))

import picture    # noqa: E402
import timeline   # noqa: E402
import worlds     # noqa: E402

MS = 1000000
SHOWN = 100 * MS
FUNCTIONS = [1, 2, 3, 4]


def read(*name):
    with open(os.path.join(*name), encoding="ascii") as f:
        return f.read()


def window(switches):
    """
    A time to show: around the moment when the first VF has nothing left to do,
    in which there are slices that end by deadline, and some that end early.
    """
    last = {s.leaving: s.request for s in switches}
    done = min(last[vf] for vf in FUNCTIONS)
    begin = max(switches[0].running, done - SHOWN * 2 // 3)
    return begin, min(begin + SHOWN, switches[-1].running)


def closeup(switches, begin, end):
    """The switch at a deadline, between two VFs, that quiesced the longest."""
    return max((s for s in switches
                if begin < s.request and s.running < end
                and worlds.LEAVE[s.leave] == "deadline"
                and worlds.NONE not in (s.leaving, s.entering)),
               key=lambda s: s.quiesced - s.request)


def table(stats, results):
    head = (f"{'':5}{'GPU time':>10}{'share':>9}{'slices':>8}{'at deadline':>13}"
            f"{'delay p99':>11}{'max':>7}{'quiesced in':>14}  result")
    yield head
    yield "-" * len(head)
    total = sum(int(stats.row[f]["runtime_ns"]) for f in results)
    for f, result in results.items():
        row = {k: int(v) for k, v in stats.row[f].items() if v.isdigit()}
        yield (f"{'VF' + f:5}{row['runtime_ns'] / MS:>7.1f} ms"
               f"{row['runtime_ns'] * 100 / total:>7.1f} %{row['slices']:>8}"
               f"{row['deadline']:>13}{row['request_p99_ns']:>8} ns"
               f"{row['request_max_ns']:>4} ns"
               f"{row['quiesce_max_ns'] / 1000:>11.1f} µs  {result}")


def main():
    run, width, limit, out = sys.argv[1:]
    width, limit = int(width), int(limit)
    stats = worlds.Stats(read(run, "stats").splitlines())
    switches = list(worlds.parse(read(run, "trace").splitlines()))
    results = {str(vf): read(run, f"tiles.{vf}").strip() for vf in (1, 2, 3)}
    results["4"] = read(run, "endless").strip()
    print("\n".join(table(stats, results)))
    print(f"\nDeadlines by {stats.key['path']}; quantum "
          f"{stats.value('quantum_ns') / MS:g} ms; "
          f"{stats.total('slices')} slices; "
          f"{stats.key['switch_register_writes']} register writes and "
          f"{stats.key['switch_register_reads']} reads in interrupts.\n")

    parts = []
    for vf in (1, 2, 3):
        counts = array.array("H")
        with open(os.path.join(run, f"part.{vf}"), "rb") as f:
            counts.frombytes(f.read())
        parts.append((vf, counts))
    with open(os.path.join(out, "mandelbrot.png"), "wb") as f:
        f.write(picture.draw(width, limit, parts))

    begin, end = window(switches)
    with open(os.path.join(out, "timeline.svg"), "w", encoding="utf-8") as f:
        f.write(timeline.draw(
            switches, FUNCTIONS, begin, end,
            closeup(switches, begin, end),
            f"{(end - begin) // MS} ms of the engine: "
            "three VFs draw, VF4 never stops"))


main()

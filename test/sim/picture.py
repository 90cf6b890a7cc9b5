#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
picture.py KIND [--option=VALUE...] OUT.svg NAME=TRACE.csv...: pictures from traces of
the simulator (sim --trace). NAME is what is written beside what the trace shows.

  latency   how long it took from the doorbell to the start of the world, as the
            part of all wake-ups that took no longer; --function=N
  lag       how far each function is ahead of or behind its share, a panel for each
            trace; --until=MS, --bound=MS (of the first trace), --scale=MS
  timeline  who has the engine when, a panel for each trace; --from=MS, --until=MS

  --title=TEXT, --note=TEXT: written above and below
"""

import bisect
import math
import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", part)
                for part in ("demo", "bench")]

import timeline   # noqa: E402
from timeline import LEFT, RIGHT, WIDTH, colour, name, number   # noqa: E402

MS = 1000000

# The first trace is ours.
CURVES = ("#3d8bd9", "#d94f4f", "#d08a1d", "#a371d8", "#2da077", "#8b949e", "#9a8f3c")

STYLE = """
.c{fill:none;stroke-width:1.8}
.o{fill:none;stroke-width:3}
.e{fill:#3d8bd9;fill-opacity:.12}
.z{stroke:#8b949e;stroke-width:1}
"""


class Trace:
    """What is in a trace, as lists of (time, function, value)."""

    def __init__(self, path):
        self.kinds = {"wake": [], "lag": [], "engine": [], "job": []}
        with open(path, encoding="ascii") as file:
            next(file)
            for line in file:
                kind, time, function, value, _ = line.split(",")
                if kind in self.kinds:
                    self.kinds[kind].append((int(time), int(function), value))

    def waits(self, function):
        return sorted(int(v) for _, f, v in self.kinds["wake"] if f == function)

    def functions(self):
        return sorted({f for _, f, _ in self.kinds["lag"]})

    def lag(self, function):
        return [(t, int(v)) for t, f, v in self.kinds["lag"] if f == function]

    def phases(self):
        """Begin, end, function and name of what the engine did."""
        rows = self.kinds["engine"]
        for (begin, function, what), (end, _, _) in zip(rows, rows[1:]):
            yield begin, end, function, what


class Drawing(timeline.Drawing):
    def curve(self, points, colour_of, cls="c"):
        """A line through points; in whole tenths, one relative to the other."""
        tenths = [(round(x * 10), round(y * 10)) for x, y in points]
        at = tenths[0]
        path = [f"M{number(at[0] / 10)} {number(at[1] / 10)}l"]
        for x, y in tenths[1:]:
            if (x, y) == at:
                continue
            path.append(f"{number((x - at[0]) / 10)} {number((y - at[1]) / 10)} ")
            at = (x, y)
        self.out.append(f'<path class="{cls}" stroke="{colour_of}" '
                        f'd="{"".join(path).rstrip(" l")}"/>')

    def finish(self, height):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
                f'{height:g}" width="{WIDTH}" height="{height:g}">\n'
                f"<style>{timeline.STYLE}{STYLE}</style>\n" + "\n".join(self.out) +
                "\n</svg>\n")


def heading(options):
    d = Drawing()
    d.text(LEFT, 24, options.get("title", ""), "h")
    return d


def ms(ns):
    return f"{ns / MS:.3g} ms"


# ---------------------------------------------------------------------------
# Latency

def part_within(waits, ns):
    return bisect.bisect_right(waits, ns) / len(waits)


def quantile(waits, q):
    return waits[max(0, math.ceil(len(waits) * q) - 1)]


def draw_latency(traces, options):
    function = int(options["function"])
    top, bottom, right = 52, 372, WIDTH - 236
    low, high = -1, 2.5
    d = heading(options)

    def x(ns):
        e = math.log10(max(ns, 1) / MS)
        return LEFT + (min(max(e, low), high) - low) / (high - low) * (right - LEFT)

    def y(part):
        return bottom - part * (bottom - top)

    for percent in (0, 25, 50, 75, 100):
        d.line(LEFT, y(percent / 100), right, y(percent / 100), "g")
        d.text(LEFT - 8, y(percent / 100) + 4, f"{percent} %", "s", "end")
    for label in (0.1, 0.3, 1, 3, 10, 30, 100, 300):
        d.line(x(label * MS), top, x(label * MS), bottom, "g")
        d.text(x(label * MS), bottom + 18, f"{label:g} ms", "s", "middle")
    d.text(LEFT, bottom + 38, options.get("note", ""), "s")
    row = top + 10
    for i, (title, trace) in reversed(list(enumerate(traces))):
        waits = trace.waits(function)
        steps = [low + (high - low) * n / 350 for n in range(351)]
        points = [(x(10 ** e * MS), y(part_within(waits, 10 ** e * MS)))
                  for e in steps]
        # What does not change is not drawn twice.
        points = [p for n, p in enumerate(points) if n in (0, len(points) - 1) or
                  points[n - 1][1] != p[1] or points[n + 1][1] != p[1]]
        d.curve(points, CURVES[i], "o" if not i else "c")
    for i, (title, trace) in enumerate(traces):
        waits = trace.waits(function)
        at = row + i * 46
        d.curve([(right + 16, at - 4), (right + 40, at - 4)], CURVES[i],
                "o" if not i else "c")
        d.text(right + 48, at, title, "b")
        d.text(right + 48, at + 16, "p50 " + ms(quantile(waits, 0.5)) + ", p99 " +
               ms(quantile(waits, 0.99)), "s")
    return d.finish(bottom + 50)


# ---------------------------------------------------------------------------
# Lag

def axis_steps(until):
    return next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
                if until / s <= 12)


def inside(lag, until, scale):
    """As far as it is on the paper."""
    for t, v in lag:
        if t > until * MS:
            return
        yield t, min(max(v, -scale * MS), scale * MS)
        if abs(v) > scale * MS:
            return


def draw_lag(traces, options):
    until = float(options["until"])
    scale = float(options["scale"])
    bound = float(options.get("bound", 0))
    height, gap = 96, 40
    d = heading(options)
    right = WIDTH - RIGHT - 40

    def x(ns):
        return LEFT + ns / MS / until * (right - LEFT)

    top = 66
    for i, (title, trace) in enumerate(traces):
        middle = top + height / 2

        def y(ns, middle=middle):
            return middle - ns / MS / scale * height / 2

        d.box(LEFT, right, top, height, cls="l")
        d.text(LEFT, top - 6, title, "b")
        if bound and not i:
            d.box(LEFT, right, y(bound * MS), y(-bound * MS) - y(bound * MS), cls="e")
            for at in (bound, -bound):
                d.line(LEFT, y(at * MS), right, y(at * MS), "r")
            d.text(right + 8, y(bound * MS) + 4, f"+{bound:g} ms: bound", "s")
            d.text(right + 8, y(-bound * MS) + 4, f"−{bound:g} ms: bound", "s")
        else:
            d.text(right + 8, top + 10, f"+{scale:g} ms", "s")
            d.text(right + 8, top + height, f"−{scale:g} ms", "s")
        d.line(LEFT, middle, right, middle, "z")
        d.text(LEFT - 8, middle + 4, "0", "s", "end")
        ends = set()
        for function in trace.functions():
            points = [(x(t), y(v)) for t, v in inside(trace.lag(function), until, scale)]
            if points:
                d.curve(points, colour(function))
            t, v = trace.lag(function)[-1]
            if abs(v) > scale * MS:
                ends.add((v > 0, f"{v / 1e9:+.1f} s after {t / 1e9:.0f} s"
                          .replace("-", "−")))
        for up, text in ends:
            d.text(right - 8, top + 16 if up else top + height - 8, text, "b", "end")
        top += height + gap
    bottom = top - gap
    step = axis_steps(until)
    for n in range(int(until / step) + 1):
        d.text(x(n * step * MS), bottom + 18, f"{n * step / 1000:g} s", "s", "middle")
    at = LEFT
    for function in traces[0][1].functions():
        d.box(at, at + 14, bottom + 32, 12, colour(function))
        d.text(at + 20, bottom + 42, name(function), "s")
        at += 70
    d.text(at + 10, bottom + 42, "above 0: is owed engine time; below: has had too much",
           "s")
    d.text(LEFT, bottom + 64, options.get("note", ""), "s")
    return d.finish(bottom + 78)


# ---------------------------------------------------------------------------
# Timeline

PHASES = {"save": timeline.SAVE, "reset": timeline.SAVE, "load": timeline.LOAD,
          "loaded": timeline.LOAD}


def draw_lanes(d, trace, functions, scale, top):
    lane, step = 15, 19
    row = {f: top + i * step for i, f in enumerate(functions)}
    for f, at in row.items():
        d.box(LEFT, WIDTH - RIGHT, at, lane, cls="l")
        d.text(LEFT - 12, at + 12, name(f), "s", "end")
    for begin, end, function, what in trace.phases():
        if function in row and scale.sees(begin, end) and what != "empty":
            d.box(scale.x(begin), scale.x(end), row[function], lane,
                  PHASES.get(what, colour(function)))
    return top + len(functions) * step


def draw_timeline(traces, options):
    begin, end = (float(options[k]) * MS for k in ("from", "until"))
    scale = timeline.Scale(begin, end)
    d = heading(options)
    top = 66
    for title, trace in traces:
        functions = sorted({f for _, f, _ in trace.kinds["engine"] if f >= 0})
        d.text(LEFT, top - 8, title, "b")
        bottom = draw_lanes(d, trace, functions, scale, top)
        timeline.axis(d, scale, top, bottom - 4, MS, "ms", begin,
                      axis_steps((end - begin) / MS) * MS)
        top = bottom + 56
    d.text(LEFT, top - 20, options.get("note", ""), "s")
    return d.finish(top - 8)


KINDS = {"latency": draw_latency, "lag": draw_lag, "timeline": draw_timeline}


def main():
    words = sys.argv[1:]
    options = dict(w[2:].split("=", 1) for w in words if w.startswith("--") and "=" in w)
    plain = [w for w in words if not w.startswith("--")]
    if len(plain) < 3 or plain[0] not in KINDS:
        sys.exit(__doc__.strip())
    traces = [(title, Trace(path))
              for title, path in (w.split("=", 1) for w in plain[2:])]
    picture = KINDS[plain[0]](traces, options)
    with open(plain[1], "w", encoding="utf-8") as file:
        file.write(picture)


if __name__ == "__main__":
    main()

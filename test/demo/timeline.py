# SPDX-License-Identifier: GPL-2.0-only
"""Draws world switches as a timeline: one lane per function, SVG."""

import html

import worlds

WIDTH = 1000
LEFT = 64
RIGHT = 76
LANE = 30
STEP = 44

# Legible on white and on black, as is the grey of the text where the viewer does
# not say which of them it is. The order is that of the functions.
COLOURS = ("#8b949e", "#3d8bd9", "#2da077", "#d08a1d", "#a371d8",
           "#d06a9a", "#5f9ea0", "#9a8f3c")
SAVE = "#d94f4f"
LOAD = "#6e7f94"

STYLE = """
text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:#6e7781}
.h{font-size:15px;font-weight:600}
.b{font-weight:600}
.s{font-size:11px}
.g{stroke:#8b949e;stroke-opacity:.35;stroke-width:1}
.l{fill:#8b949e;fill-opacity:.12}
.d{fill:#6e7781}
.r{stroke:#6e7781;stroke-width:1.2;stroke-dasharray:4 3}
.m{stroke:#8b949e;stroke-width:1;fill:none}
@media (prefers-color-scheme:light){text,.d{fill:#424a53}.r{stroke:#424a53}}
@media (prefers-color-scheme:dark){text,.d{fill:#b6bec8}.r{stroke:#b6bec8}}
"""


def colour(function):
    return COLOURS[function % len(COLOURS)]


def name(function):
    return "PF" if function == 0 else f"VF{function}"


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


class Scale:
    """From device time to x."""

    def __init__(self, begin, end):
        self.begin, self.end = begin, end
        self.per_ns = (WIDTH - LEFT - RIGHT) / (end - begin)

    def x(self, t):
        t = min(max(t, self.begin), self.end)
        return LEFT + (t - self.begin) * self.per_ns

    def sees(self, begin, end):
        return begin < self.end and end > self.begin


class Drawing:
    def __init__(self):
        self.out = []

    def text(self, x, y, what, cls="", anchor="start"):
        cls = f' class="{cls}"' if cls else ""
        anchor = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.out.append(f'<text x="{number(x)}" y="{number(y)}"{cls}{anchor}>'
                        f'{html.escape(what)}</text>')

    def box(self, x0, x1, y, h, fill=None, cls=None, tip=None):
        paint = f'class="{cls}"' if cls else f'fill="{fill}"'
        head = (f'<rect x="{number(x0)}" y="{number(y)}" '
                f'width="{number(max(x1 - x0, .6))}" height="{number(h)}" {paint}')
        self.out.append(f"{head}><title>{html.escape(tip)}</title></rect>"
                        if tip else head + "/>")

    def line(self, x0, y0, x1, y1, cls):
        self.out.append(f'<path class="{cls}" d="M{number(x0)} {number(y0)}'
                        f'L{number(x1)} {number(y1)}"/>')

    def deadline(self, x, y):
        self.out.append(f'<path class="d" d="M{number(x)} {number(y)}'
                        f'l-3.2 -5.5h6.4z"/>')

    def early(self, x, y, fill):
        self.out.append(f'<circle cx="{number(x)}" cy="{number(y)}" r="3" '
                        f'fill="none" stroke="{fill}" stroke-width="1.6"/>')


def lanes(d, scale, functions, top, switches, notes):
    """Every function's lane with its slices, saves and loads."""
    row = {f: top + i * STEP for i, f in enumerate(functions)}
    for f, y in row.items():
        d.text(LEFT - 12, y + LANE / 2 + 4, name(f), "b", "end")
        d.box(LEFT, WIDTH - RIGHT, y, LANE, cls="l")
        if f in notes:
            d.text(WIDTH - RIGHT + 8, y + LANE / 2 + 4, notes[f])
    for s in worlds.slices(switches):
        if scale.sees(s.running, s.quiesced) and s.function in row:
            ms = (s.quiesced - s.running) / 1e6
            d.box(scale.x(s.running), scale.x(s.quiesced), row[s.function],
                  LANE, colour(s.function),
                  tip=f"{name(s.function)} runs {ms:.3f} ms, "
                      f"leaves: {worlds.LEAVE[s.leave]}")
    for s in switches:
        if not scale.sees(s.quiesced, s.running):
            continue
        if s.leaving in row and s.saved > s.quiesced:
            d.box(scale.x(s.quiesced), scale.x(s.saved), row[s.leaving],
                  LANE, SAVE)
        if s.entering in row and s.loaded > s.saved:
            d.box(scale.x(s.saved), scale.x(s.loaded), row[s.entering],
                  LANE, LOAD)
    for s in switches:
        if s.leaving not in row or not scale.begin <= s.request <= scale.end:
            continue
        leave = worlds.LEAVE[s.leave]
        if leave == "deadline":
            d.deadline(scale.x(s.deadline), row[s.leaving] - 1)
        elif leave == "idle":
            d.early(scale.x(s.request), row[s.leaving] - 6,
                    colour(s.leaving))
    return top + len(functions) * STEP - (STEP - LANE)


def axis(d, scale, top, bottom, unit, unit_name, origin, step):
    t = origin
    while t > scale.begin:
        t -= step
    while t <= scale.end:
        if t >= scale.begin:
            x = scale.x(t)
            d.line(x, top - 4, x, bottom + 4, "g")
            d.text(x, bottom + 18, number((t - origin) / unit), "s", "middle")
        t += step
    d.text(WIDTH - RIGHT + 16, bottom + 18, unit_name, "s")


def legend(d, y):
    x = LEFT
    for what, fill in (("running (colour of the function)", COLOURS[1]),
                       ("save", SAVE), ("load", LOAD)):
        d.box(x, x + 14, y - 10, 12, fill)
        d.text(x + 20, y, what)
        x += 40 + 6.6 * len(what)
    d.deadline(x + 5, y)
    d.text(x + 14, y, "left at its deadline")
    x += 160
    d.early(x + 5, y - 4, COLOURS[2])
    d.text(x + 14, y, "had nothing left to do")


def phases(d, scale, s, y):
    """The phases of one switch, measured below the lanes."""
    marks = [("quiesce", s.request, s.quiesced), ("save", s.quiesced, s.saved),
             ("load", s.saved, s.loaded)]
    for what, begin, end in marks:
        x0, x1 = scale.x(begin), scale.x(end)
        label = f"{what} {number((end - begin) / 1000)} µs"
        d.out.append(f'<path class="m" d="M{number(x0)} {number(y - 4)}v8'
                     f'M{number(x0)} {number(y)}H{number(x1)}'
                     f'M{number(x1)} {number(y - 4)}v8"/>')
        if what == "quiesce":
            d.text(x0 - 6, y + 4, label, "s", "end")
        else:
            d.text((x0 + x1) / 2, y + 16, label, "s", "middle")


def shares(switches, functions, begin, end):
    got = worlds.service(list(worlds.slices(switches)), begin, end)
    total = sum(got.values()) or 1
    return {f: f"{got[f] * 100 / total:.1f} %" for f in functions}


def draw(switches, functions, begin, end, closeup, title):
    """
    SVG of the time from begin to end above a close-up of one switch.
    closeup is one of the switches.
    """
    d = Drawing()
    d.text(LEFT, 24, title, "h")
    legend(d, 48)

    scale = Scale(begin, end)
    top = 76
    bottom = top + len(functions) * STEP - (STEP - LANE)
    span = (end - begin) / 1e6
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 1000) if span / s <= 12)
    axis(d, scale, top, bottom, 1e6, "ms", begin, step * 1000000)
    d.text(WIDTH - RIGHT + 8, top - 8, "share", "s")
    lanes(d, scale, functions, top, switches,
          shares(switches, functions, begin, end))

    near = Scale(closeup.request - 180000, closeup.running + 180000)
    top = bottom + 74
    pair = [closeup.leaving, closeup.entering]
    bottom = top + 2 * STEP - (STEP - LANE)
    d.text(LEFT, top - 22, "One of these switches, close up: "
           f"{name(pair[0])} to {name(pair[1])}", "b")
    axis(d, near, top, bottom, 1000, "µs", closeup.deadline, 50000)
    lanes(d, near, pair, top, switches, {})
    x = near.x(closeup.deadline)
    d.line(x, top - 14, x, bottom + 4, "r")
    d.text(x + 5, top - 7, "deadline = 0; asked to leave "
           f"{number((closeup.request - closeup.deadline) / 1000)} µs later",
           "s")
    phases(d, near, closeup, bottom + 34)

    height = bottom + 62
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
            f'{height}" width="{WIDTH}" height="{height}">\n'
            f"<style>{STYLE}</style>\n" + "\n".join(d.out) + "\n</svg>\n")

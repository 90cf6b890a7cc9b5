# SPDX-License-Identifier: GPL-2.0-only
"""Paints iteration counts as a PNG; every function's part in its own colour."""

import math
import struct
import zlib

import timeline

EDGE = 6	# pixels of plain colour at the left, as in the timeline


def gradient(stops, at):
    for (a, lower), (b, upper) in zip(stops, stops[1:]):
        if at <= b:
            k = (at - a) / (b - a)
            return bytes(round(u + (v - u) * k) for u, v in zip(lower, upper))
    return bytes(stops[-1][1])


def palette(function, limit):
    """Colour of each iteration count: night, the function's colour, light."""
    own = bytes.fromhex(timeline.colour(function)[1:])
    deep = [c // 3 for c in own]
    pale = [255 - (255 - c) // 4 for c in own]
    stops = [(0, (6, 8, 18)), (.22, deep), (.5, own), (.8, pale),
             (1, (255, 252, 240))]
    colours = [gradient(stops, math.log1p(n) / math.log1p(limit))
               for n in range(limit)]
    colours.append(bytes((4, 4, 8)))	# inside of the set
    return colours, own


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(
        ">I", zlib.crc32(body))


def png(width, rows):
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), 8, 2,
                                         0, 0, 0))
            + chunk(b"IDAT", zlib.compress(
                b"".join(b"\0" + r for r in rows), 9))
            + chunk(b"IEND", b""))


def draw(width, limit, parts):
    """
    PNG of the parts, from top to bottom; each is (function, counts), counts
    an array of iteration counts, row by row.
    """
    rows = []
    for function, counts in parts:
        colours, own = palette(function, limit)
        for at in range(0, len(counts), width):
            line = b"".join(colours[n] for n in counts[at:at + width])
            rows.append(own * EDGE + line[EDGE * 3:])
    return png(width, rows)

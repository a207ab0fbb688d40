# SPDX-License-Identifier: Apache-2.0
"""A plot with logarithmic axes as SVG, readable on light and dark pages."""

import math
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 90, 15, 50
COLOURS = ("#c0504d", "#c58a1a", "#7d6bb3", "#3b82c4", "#2e9e5b")
GREY = "#808080"


class Line(NamedTuple):
    """What one line shows."""

    label: str
    points: list[tuple[float, float]]


def log_plot(lines: list[Line], x_title: str, y_title: str) -> str:
    """Lines through points, decades as grid, each line named at its end.

    Args:
        lines: of positive points; at least one point in all.
        x_title, y_title: of the axes.
    """
    xs = [math.log10(x) for line in lines for x, _ in line.points]
    ys = [math.log10(y) for line in lines for _, y in line.points]
    x_low, x_high = math.floor(min(xs)), max(math.ceil(max(xs)), math.floor(min(xs)) + 1)
    y_low, y_high = math.floor(min(ys)), max(math.ceil(max(ys)), math.floor(min(ys)) + 1)

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="13" fill="{GREY}">'
    ]
    for decade in range(x_low, x_high + 1):
        (x, bottom), (_, top) = at(decade, y_low), at(decade, y_high)
        parts.append(_stroke([(x, bottom), (x, top)], GREY, 0.3))
        parts.append(_text(x, bottom + 18, _power(decade), "middle"))
    for decade in range(y_low, y_high + 1):
        (left, y), (right, _) = at(x_low, decade), at(x_high, decade)
        parts.append(_stroke([(left, y), (right, y)], GREY, 0.3))
        parts.append(_text(left - 8, y + 4, _power(decade), "end"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, escape(x_title), "middle"))
    parts.append(f'<g transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">')
    parts.append(_text(0, 0, escape(y_title), "middle") + "</g>")
    ends = []
    for line, colour in zip(lines, COLOURS, strict=False):
        points = [at(math.log10(x), math.log10(y)) for x, y in line.points]
        parts.append(_stroke(points, colour, 2))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        ends.append((points[-1], line.label, colour))
    parts += _labels(ends)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _labels(ends: list[tuple[tuple[float, float], str, str]]) -> list[str]:
    """Names right of the last points, moved apart where they would cover each other."""
    placed: list[tuple[float, float]] = []
    parts = []
    for (x, y), label, colour in sorted(ends, key=lambda end: end[0][1]):
        near = [other for at, other in placed if abs(at - x) < 60]
        y = max([y, *(other + 15 for other in near)])
        placed.append((x, y))
        parts.append(_text(x + 9, y + 4, escape(label), "start", f' fill="{colour}"'))
    return parts


def _stroke(points: list[tuple[float, float]], colour: str, width: float) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{text}</text>'


def _power(decade: int) -> str:
    plain = {-3: "0.001", -2: "0.01", -1: "0.1", 0: "1", 1: "10", 2: "100"}
    return plain.get(decade, f'10<tspan dy="-5" font-size="10">{decade}</tspan>')

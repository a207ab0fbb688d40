# SPDX-License-Identifier: Apache-2.0
"""Draws the house of `architecture.md` as it stands: `PYTHONPATH=tests python docs/make_house.py`.

Every room is on its floor. An arrow is an import; one that another way through the house implies
is left out, so that the others can be seen.
"""

import argparse
from collections import defaultdict
from pathlib import Path

from test_house import PAGE, floors, graph, room

WIDTH, FLOOR, HIGH, SIDE = 900, 74, 30, 12
LETTER = 7.4
"""Pixels of a letter, about."""
GREY, BLUE = "#808080", "#3b82c4"

Arrows = dict[str, set[str]]


def arrows() -> Arrows:
    """Which rooms a room imports."""
    found: Arrows = defaultdict(set)
    for module, targets in graph().items():
        found[room(module)] |= {room(x) for x in targets} - {room(module)}
    return found


def needed(found: Arrows, floor: dict[str, int]) -> Arrows:
    """Without those that another way implies."""
    below: Arrows = {}
    for one in sorted(found, key=lambda x: floor[x]):
        below[one] = set().union(*({x} | below.get(x, set()) for x in found[one]))
    return {
        one: {x for x in targets if not any(x in below.get(y, set()) for y in targets)}
        for one, targets in found.items()
    }


def places(floor: dict[str, int]) -> dict[str, tuple[float, float, float]]:
    """Left, top and width of the box of each room; the highest floor first."""
    levels = sorted(set(floor.values()), reverse=True)
    found = {}
    for row, level in enumerate(levels):
        rooms = [x for x, y in floor.items() if y == level]
        widths = [LETTER * len(x) + 2 * SIDE for x in rooms]
        gap = (WIDTH - sum(widths)) / (len(rooms) + 1)
        left = gap + (row % 2 - 0.5) * (120 if len(rooms) == 1 else 0)
        for one, width in zip(rooms, widths, strict=True):
            found[one] = (left, row * FLOOR + 10, width)
            left += width + gap
    return found


def drawn() -> str:
    """The picture, readable on light and dark pages."""
    floor = floors(PAGE)
    at = places(floor)
    height = max(top for _, top, _ in at.values()) + HIGH + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'font-family="monospace" font-size="12" fill="{GREY}">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{GREY}"/></marker></defs>',
    ]
    for one, targets in sorted(needed(arrows(), floor).items()):
        left, top, width = at[one]
        for target in sorted(targets):
            there, below, wide = at[target]
            parts.append(
                f'<line x1="{left + width / 2:.0f}" y1="{top + HIGH:.0f}" '
                f'x2="{there + wide / 2:.0f}" y2="{below:.0f}" stroke="{GREY}" '
                'stroke-opacity="0.55" marker-end="url(#tip)"/>'
            )
    for one, (left, top, width) in at.items():
        parts.append(
            f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{HIGH}" rx="5" '
            f'fill="{BLUE}" fill-opacity="0.18" stroke="{BLUE}"/>'
            f'<text x="{left + width / 2:.0f}" y="{top + 19:.0f}" text-anchor="middle">{one}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "house.svg").write_text(drawn(), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    make(parser.parse_args().out)

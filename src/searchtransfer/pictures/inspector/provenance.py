# SPDX-License-Identifier: Apache-2.0
"""Where one point of a result comes from. The page computes the same, and tests compare the two."""

import math
from typing import Literal, NamedTuple

from ...errors import OptionError
from ...foreign import short
from ...given import check_kind, is_whole
from .picture import PLACE, SLOPE, InspectorInput, in_steps

State = Literal["gives", "no neighbour", "no match", "beyond the reference"]
Place = tuple[float, float]
Slopes = tuple[Place, Place]

MARGIN = 0.2
"""Pixels by which an offer may stick out of a reference, for rounding."""

TILTED = 2.02
"""How much the directions of a match are stretched differently, from which on it is tilted: the
squared lengths over the area, 2 for a square; here one side is 1.15 times as long as the other."""


class Quadrilateral(NamedTuple):
    """A part of a reference, turned and stretched as its match is.

    Places are rows and columns, to a sixteenth of a pixel or less; the middle of the first pixel is
    (0, 0), so its corner is (-0.5, -0.5).
    """

    middle: Place
    corners: tuple[Place, Place, Place, Place]
    """Where the cell's top left, top right, bottom right and bottom left corner lie."""


class View(NamedTuple):
    """How a reference shows what a cell shows."""

    larger: float
    """So many times as large, rounded to hundredths."""
    turned: int
    """By so many degrees against the clock, -179 to 180."""
    mirrored: bool
    """Left to right, before it is turned."""
    tilted: bool
    """Stretched more in one direction than in another."""


class Contributor(NamedTuple):
    """What one of the nine cells around a point, the cell itself among them, offers for it."""

    cell: tuple[int, int]
    """Row and column of the cell that was searched for."""
    state: State
    """Why it offers nothing, or that it gives."""
    photo: int | None = None
    """Number of the reference that it was found in."""
    score: float | None = None
    """Of its match."""
    source: Quadrilateral | None = None
    """What it offers for the point's cell; None unless it gives."""


class Provenance(NamedTuple):
    """Where the texture of one point comes from."""

    row: int
    """Pixel of the result."""
    column: int
    cell: tuple[int, int]
    """Row and column of the cell that the pixel is in."""
    score: float
    """Of the cell's match, -1 to 1; 0 where there is none."""
    photo: int | None
    """Number of the reference; None where nothing was found."""
    view: View | None
    """How the reference shows it."""
    match: Quadrilateral | None
    """What matches the cell."""
    block: Quadrilateral | None
    """That and one cell more on every side; it may reach beyond the reference."""
    contributors: tuple[Contributor, ...]
    """Nine, in reading order of the neighbours' places; number 4 is the cell itself."""


class Found(NamedTuple):
    """The match of a cell, in the steps that the page knows it in."""

    photo: int
    middle: Place
    slopes: Slopes
    """The Jacobian: row and column that a step down and one to the right lead to."""


def provenance(picture: InspectorInput, row: int, column: int) -> Provenance:
    """Trace one pixel of a result.

    The match of a cell p was made for the block of cells around it, so it also says where the
    neighbours of p should come from: the neighbour at p + d from where the Jacobian of the match
    leads with d cells. Seen from a cell q, its nine neighbours p = q - d each offer what they have
    for it, as in `operators.contributors`. A model mixes such offers, some of farther cells too,
    with weights of its own.

    Args:
        picture: the result.
        row: of a pixel of the result.
        column: of the same.

    Raises:
        OptionError: the result has no such pixel.
    """
    check_kind("inspector: picture", picture, InspectorInput, "which inspect_result makes")
    height, width = picture.result.shape[1:]
    there = is_whole(row) and is_whole(column)
    if not (there and 0 <= row < height and 0 <= column < width):
        where = f"row {short(repr(row))}, column {short(repr(column))}"
        raise OptionError(
            f"inspector: {where} is outside of the result of {width} x {height} pixels"
        )
    cell = row // picture.scale, column // picture.scale
    found = _found(picture, cell)
    around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return Provenance(
        row=row,
        column=column,
        cell=cell,
        score=float(picture.score[cell]),
        photo=found and found.photo,
        view=found and _view(found.slopes),
        match=found and _framed(found.middle, found.slopes, picture.scale / 2),
        block=found and _framed(found.middle, found.slopes, 3 * picture.scale / 2),
        contributors=tuple(_contributor(picture, cell, offset) for offset in around),
    )


def _contributor(
    picture: InspectorInput, cell: tuple[int, int], offset: tuple[int, int]
) -> Contributor:
    """What the neighbour at an offset (in cells) offers for a cell."""
    neighbour = cell[0] + offset[0], cell[1] + offset[1]
    rows, columns = picture.score.shape
    if not (0 <= neighbour[0] < rows and 0 <= neighbour[1] < columns):
        return Contributor(neighbour, "no neighbour")
    found = _found(picture, neighbour)
    if found is None:
        return Contributor(neighbour, "no match")
    score, scale = float(picture.score[neighbour]), picture.scale
    middle = _led(found.middle, found.slopes, -float(scale * offset[0]), -float(scale * offset[1]))
    source = _framed(middle, found.slopes, scale / 2)
    height, width = picture.photos[found.photo].size
    inside = all(
        -0.5 - MARGIN <= y <= height - 0.5 + MARGIN and -0.5 - MARGIN <= x <= width - 0.5 + MARGIN
        for y, x in source.corners
    )
    if not inside and offset != (0, 0):
        return Contributor(neighbour, "beyond the reference", found.photo, score)
    return Contributor(neighbour, "gives", found.photo, score, source)


def _found(picture: InspectorInput, cell: tuple[int, int]) -> Found | None:
    number = int(picture.photo[cell])
    if number < 0:
        return None
    y, x = (n / PLACE for n in in_steps(picture.position[cell], PLACE).tolist())
    (a, b), (c, d) = in_steps(picture.jacobian[cell], SLOPE).tolist()
    return Found(number, (y, x), ((a / SLOPE, b / SLOPE), (c / SLOPE, d / SLOPE)))


def _led(place: Place, slopes: Slopes, down: float, right: float) -> Place:
    """Where a step of so many pixels of the result leads."""
    (a, b), (c, d) = slopes
    return place[0] + (a * down + b * right), place[1] + (c * down + d * right)


def _framed(middle: Place, slopes: Slopes, half: float) -> Quadrilateral:
    """A square of the result around a place, half its side given in pixels."""
    top_left, top_right, bottom_right, bottom_left = (
        _led(middle, slopes, down, right)
        for down, right in ((-half, -half), (-half, half), (half, half), (half, -half))
    )
    return Quadrilateral(middle, (top_left, top_right, bottom_right, bottom_left))


def _view(slopes: Slopes) -> View:
    (a, b), (c, d) = slopes
    area = a * d - b * c
    mirrored = area < 0
    if mirrored:  # as if it were not: the step to the right leads the other way
        b, d = -b, -d
    degrees = _nearest(math.atan2(c - b, a + d) * 180 / math.pi)
    return View(
        larger=_nearest(100 * math.sqrt(abs(area))) / 100,
        turned=180 if degrees == -180 else degrees,
        mirrored=mirrored,
        tilted=a * a + b * b + c * c + d * d > TILTED * abs(area),
    )


def _nearest(value: float) -> int:
    """The nearest whole number; halves go up, as in JavaScript."""
    return math.floor(value + 0.5)

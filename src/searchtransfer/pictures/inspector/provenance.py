# SPDX-License-Identifier: Apache-2.0
"""Where one point of a result comes from. The page computes the same, and tests compare the two."""

import math
from typing import Literal, NamedTuple

from ...errors import OptionError
from .picture import InspectorInput

State = Literal["gives", "no neighbour", "no match", "beyond the reference"]


class Rectangle(NamedTuple):
    """Pixels of a reference."""

    row: int
    column: int
    height: int
    width: int


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
    source: Rectangle | None = None
    """The pixels that it offers for the point's cell; None unless it gives."""


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
    zoom: float
    """Of the copy of the reference that was matched; 1 for the reference itself."""
    match: Rectangle | None
    """The pixels that match the cell: scale x scale, or `scale / zoom` on a side."""
    block: Rectangle | None
    """Those and one cell more on every side, as far as the reference reaches."""
    contributors: tuple[Contributor, ...]
    """Nine, in reading order of the neighbours' places; number 4 is the cell itself."""


def provenance(picture: InspectorInput, row: int, column: int) -> Provenance:
    """Trace one pixel of a result.

    The match of a cell p was made for the block of cells around it, so it also says where the
    neighbours of p should come from: the neighbour at p + d from d cells beside the match. Seen
    from a cell q, its nine neighbours p = q - d each offer scale x scale pixels, as in
    `operators.contributors`. A model mixes them with weights of its own. Where a zoomed copy of a
    reference was matched, rectangles are those of the reference itself, up to a pixel.

    Args:
        picture: the result.
        row: of a pixel of the result.
        column: of the same.

    Raises:
        OptionError: the result has no such pixel.
    """
    height, width = picture.result.shape[1:]
    if not (0 <= row < height and 0 <= column < width):
        raise OptionError(
            f"inspector: row {row}, column {column} is outside of the result of "
            f"{height} x {width} pixels"
        )
    scale = picture.scale
    cell = row // scale, column // scale
    number = int(picture.photo[cell])
    match = block = None
    if number >= 0:
        size = picture.photos[number].size
        side = _side(picture, cell)
        top, left = (int(x) for x in picture.pixel[cell])
        match = _cut(top, left, side, size)
        block = _around(top, left, side, size)
    around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return Provenance(
        row=row,
        column=column,
        cell=cell,
        score=float(picture.score[cell]),
        photo=number if number >= 0 else None,
        zoom=_zoom(picture, cell),
        match=match,
        block=block,
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
    number = int(picture.photo[neighbour])
    if number < 0:
        return Contributor(neighbour, "no match")
    score = float(picture.score[neighbour])
    scale = picture.scale
    cell_side = scale / _zoom(picture, neighbour)
    top, left = (
        _nearest(int(first) - cell_side * step)
        for first, step in zip(picture.pixel[neighbour], offset, strict=True)
    )
    size = picture.photos[number].size
    if not (0 <= top <= size[0] - scale and 0 <= left <= size[1] - scale):
        return Contributor(neighbour, "beyond the reference", number, score)
    source = _cut(top, left, _side(picture, neighbour), size)
    return Contributor(neighbour, "gives", number, score, source)


def _zoom(picture: InspectorInput, cell: tuple[int, int]) -> float:
    return 1.0 if picture.zoom is None else float(picture.zoom[cell])


def _side(picture: InspectorInput, cell: tuple[int, int]) -> int:
    """Pixels of the reference on a side of a cell's match."""
    return _nearest(picture.scale / _zoom(picture, cell))


def _nearest(value: float) -> int:
    """The nearest whole number; halves go up, as in JavaScript."""
    return math.floor(value + 0.5)


def _cut(top: int, left: int, side: int, size: tuple[int, int]) -> Rectangle:
    return Rectangle(top, left, min(side, size[0] - top), min(side, size[1] - left))


def _around(top: int, left: int, side: int, size: tuple[int, int]) -> Rectangle:
    """The 3 x 3 cells around a match, without what lies outside of the reference."""
    first, second = max(0, top - side), max(0, left - side)
    bottom, right = min(size[0], top + 2 * side), min(size[1], left + 2 * side)
    return Rectangle(first, second, bottom - first, right - second)

# SPDX-License-Identifier: Apache-2.0
"""Photos that were turned within a larger canvas, whose corners are then blank.

Patches near the edge of such a photo would hold some of the blank colour, and could not be found.
So what is blank shows the nearest pixel of the photo, as everywhere beyond a photo's border.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

LEAST = 8
"""Rows and columns of a blank corner at least."""

STRAIGHT = 1.5
"""Pixels that the edge of a blank corner may be off a straight line."""

NEAR = 3.0
"""Pixels behind that line at which the nearest pixel of the photo surely lies."""


class Corner(NamedTuple):
    """A blank triangle in the first corner of a picture."""

    run: Int64[Tensor, " rows"]
    """Blank pixels from the border on, row by row."""

    @property
    def mask(self) -> Bool[Tensor, "rows columns"]:
        """Which of the pixels of its bounding box are blank."""
        return _counted(int(self.run[0]), self.run) < self.run[:, None]


def without_blank_corners(photo: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
    """A photo with its four blank corners filled; itself where it has none.

    Blank is what has exactly one colour, in triangles at all four corners: nothing else that is
    shown looks so. Where compression has touched the corners they are left.

    Args:
        photo: `[3, H, W]`.
    """
    colour = photo[:, :1, :1]
    if not bool((photo[:, [0, 0, -1, -1], [0, -1, 0, -1]] == colour[:, 0]).all()):
        return photo
    shown = (photo != colour).any(0)
    (top, bottom), (left, right) = (_ends(shown.any(axis)) for axis in (1, 0))
    if bottom - top <= LEAST or right - left <= LEAST:
        return photo
    filled = photo[:, top:bottom, left:right]
    for way in ([], [1], [2], [1, 2]):
        turned = filled.flip(way) if way else filled
        corner = corner_of((turned == colour).all(0))
        if corner is None:
            return photo
        turned = _filled(turned, corner)
        filled = turned.flip(way) if way else turned
    # Rounding up the size of a canvas may leave a row or column that shows nothing.
    rows, columns = (
        _counted(n, photo).clamp(first, last - 1) - first
        for n, first, last in zip(photo.shape[1:], (top, left), (bottom, right), strict=True)
    )
    return filled[:, rows[:, None], columns[None]]


def _ends(shown: Bool[Tensor, " n"]) -> tuple[int, int]:
    """The first that is shown, and that behind the last."""
    where = shown.nonzero()[:, 0]
    return (int(where[0]), int(where[-1]) + 1) if len(where) else (0, 0)


def _counted(count: int, like: Tensor) -> Int64[Tensor, " n"]:
    return torch.arange(count, dtype=torch.int64, device=like.device)


def corner_of(blank: Bool[Tensor, "h w"]) -> Corner | None:
    """The blank triangle in the first corner of a picture; None if there is none."""
    run = ((~blank).long().cumsum(1) == 0).sum(1)
    rows = int(((run == 0).long().cumsum(0) == 0).sum())
    height, width = blank.shape
    columns = int(run[0])
    if min(rows, columns) < LEAST or rows == height or columns == width:
        return None
    run = run[:rows]
    # Down the edge, from `columns` at the first row to none below the last.
    line = columns * (1 - _counted(rows, run) / rows)
    off = (run - line).abs() * (rows / (rows**2 + columns**2) ** 0.5)
    return Corner(run) if off.max() <= STRAIGHT and int(run.max()) == columns else None


def _filled(photo: Float[Tensor, "3 h w"], corner: Corner) -> Float[Tensor, "3 h w"]:
    """A photo whose first corner shows the nearest pixels beyond its edge."""
    blank = corner.mask
    rows, columns = blank.shape
    y, x = torch.meshgrid(_counted(rows, photo), _counted(columns, photo), indexing="ij")
    long = (rows**2 + columns**2) ** 0.5
    down, right = columns / long, rows / long  # across the edge, into the photo
    away = (1 - x / columns - y / rows) * (rows * columns / long)
    height, width = photo.shape[1:]
    beyond = blank.new_zeros(height, width)
    beyond[:rows, :columns] = blank
    nearest = y * width + x
    steps = 2 * int(NEAR) + 1
    for step in range(steps):
        behind = away + NEAR * (1 - step / (steps - 1))
        row = (y + down * behind).round().long().clamp(0, height - 1)
        column = (x + right * behind).round().long().clamp(0, width - 1)
        nearest = torch.where(beyond[row, column], nearest, row * width + column)
    nearest = torch.where(blank, nearest, y * width + x)
    result = photo.clone()
    result[:, :rows, :columns] = photo.flatten(1)[:, nearest]
    return result

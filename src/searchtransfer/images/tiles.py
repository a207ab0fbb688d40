# SPDX-License-Identifier: Apache-2.0
"""Cutting a large grid into tiles, each with a halo of the neighbours it needs to see."""

from dataclasses import dataclass
from itertools import pairwise

from ..errors import OptionError, ShapeError


@dataclass(frozen=True)
class Tile:
    """One tile: the cells it is responsible for, and the cells it looks at."""

    core: tuple[slice, slice]
    """Rows and columns of the grid that this tile fills in; the cores cover the grid once."""
    padded: tuple[slice, slice]
    """The core and its halo, cut off at the border of the grid."""

    @property
    def inner(self) -> tuple[slice, slice]:
        """Where the core lies inside the padded tile."""
        rows, columns = (
            slice(core.start - padded.start, core.stop - padded.start)
            for core, padded in zip(self.core, self.padded, strict=True)
        )
        return rows, columns


def plan_tiles(size: tuple[int, int], tile: int, halo: int = 0) -> list[Tile]:
    """Tiles of at most `tile` x `tile` cells that cover a grid once, in row-major order.

    They differ by at most one cell in height and in width, so no thin strip is left at the end.

    Args:
        size: `(H, W)` of the grid, at least 1 x 1.
        tile: largest side of a core, at least 1; a tile larger than the grid gives one tile.
        halo: cells seen beyond the core on every side, at least 0.

    Raises:
        ShapeError: the grid is empty.
        OptionError: tile is below 1 or halo below 0, or either is no whole number.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ShapeError(f"plan_tiles: size must be at least 1 x 1, got {width} x {height}")
    for name, value, least in (("tile", tile, 1), ("halo", halo, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise OptionError(
                f"plan_tiles: {name} must be a whole number, at least {least}, got {value!r}"
            )
    return [
        Tile((rows, columns), (_grow(rows, halo, height), _grow(columns, halo, width)))
        for rows in _split(height, tile)
        for columns in _split(width, tile)
    ]


def _split(length: int, tile: int) -> list[slice]:
    count = -(-length // tile)
    edges = [length * i // count for i in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def _grow(core: slice, halo: int, length: int) -> slice:
    return slice(max(core.start - halo, 0), min(core.stop + halo, length))

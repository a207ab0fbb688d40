# SPDX-License-Identifier: Apache-2.0
"""An image upscaled piece by piece once its matches are known, whatever the model."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from ..images.tiles import plan_tiles
from ..process.progress import Progress

Area = tuple[slice, slice]
"""Rows and columns of the low-resolution image."""

MakePiece = Callable[[Area], Tensor]
"""From an area to its sharp pixels."""

TILE = 512
"""Cells on a side of a piece when the choice is ours, and the model needs no smaller ones."""


def in_pieces(
    colour: Float[Tensor, "3 h w"],
    make: MakePiece,
    scale: int,
    tile: int,
    halo: int,
    progress: Progress,
) -> Float[Tensor, "3 hs ws"]:
    """Put the picture together from pieces that see `halo` cells around themselves.

    Args:
        colour: the low-resolution image.
        make: upscales one area of it.
        scale: of the result.
        tile: cells on a side of a piece, 0 for one piece.
        halo: cells around a pixel that can change it; fewer would leave seams.
        progress: called with "transfer".
    """
    height, width = colour.shape[1:]
    sharp = colour.new_empty(3, height * scale, width * scale)
    tiles = plan_tiles((height, width), tile or max(height, width), halo)
    for number, piece in enumerate(tiles):
        progress("transfer", number / len(tiles))
        part = make(piece.padded)
        sharp[(slice(None), *times(piece.core, scale))] = part[
            (slice(None), *times(piece.inner, scale))
        ]
    progress("transfer", 1.0)
    return sharp


def times(area: Area, scale: int) -> Area:
    """The pixels of an area at a scale."""
    rows, columns = (slice(x.start * scale, x.stop * scale) for x in area)
    return rows, columns


def spread_over(cells: Float[Tensor, "h w"], scale: int) -> Float[Tensor, "hs ws"]:
    """The value of each cell at all its pixels."""
    return cells.repeat_interleave(scale, 0).repeat_interleave(scale, 1)

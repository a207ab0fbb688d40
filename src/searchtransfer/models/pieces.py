# SPDX-License-Identifier: Apache-2.0
"""An image upscaled piece by piece once its matches are known, whatever the model."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ..images.tiles import plan_tiles
from ..operators import ViewMatch
from ..operators.descriptors import describe
from .model import Progress

MakePiece = Callable[[Tensor, Tensor, ViewMatch | None], Tensor]
"""From the colour, contrast and matches of a piece to its sharp pixels."""


def in_pieces(
    colour: Float[Tensor, "3 h w"],
    match: ViewMatch | None,
    make: MakePiece,
    scale: int,
    tile: int,
    halo: int,
    progress: Progress,
) -> Float[Tensor, "3 hs ws"]:
    """Put the picture together from pieces that see `halo` cells around themselves.

    Args:
        colour: the low-resolution image.
        match: its matches; None without a reference.
        make: upscales one piece.
        scale: of the result.
        tile: cells on a side of a piece, 0 for one piece.
        halo: cells around a pixel that can change it; fewer would leave seams.
        progress: called with "transfer".
    """
    height, width = colour.shape[1:]
    contrast = torch.linalg.vector_norm(describe(colour), dim=0)
    sharp = colour.new_empty(3, height * scale, width * scale)
    tiles = plan_tiles((height, width), tile or max(height, width), halo)
    for number, piece in enumerate(tiles):
        progress("transfer", number / len(tiles))
        rows, columns = piece.padded
        window = None if match is None else ViewMatch(*(x[rows, columns] for x in match))
        part = make(colour[:, rows, columns], contrast[rows, columns], window)
        sharp[(slice(None), *_times(piece.core, scale))] = part[
            (slice(None), *_times(piece.inner, scale))
        ]
    progress("transfer", 1)
    return sharp


def _times(area: tuple[slice, slice], scale: int) -> tuple[slice, slice]:
    rows, columns = (slice(x.start * scale, x.stop * scale) for x in area)
    return rows, columns

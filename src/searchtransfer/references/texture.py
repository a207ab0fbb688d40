# SPDX-License-Identifier: Apache-2.0
"""Texture: pixels of the photos at continuous matches, and what their reduction says of them."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ..images.resize import enlarging_weights
from ..operators.detail import REACH, Blocks, around, reductions_say
from ..process.devices import at_once
from .copy import Copy
from .field import Field, around_matches, by_copy, grid, lies_within, pixel_at, reduced_at

CELLS = 4096
"""Cells sampled at a time: about 16 kB each at scale 4."""


def blocks_of(copies: Sequence[Copy], field: Field, patch_size: int) -> Iterator[Blocks]:
    """The detail of the block around each match, some rows of cells at a time.

    A view reduced from the very place of the match has the aliasing of that place, so that the
    pixels minus that view, enlarged, are what the small image lost.

    Args:
        copies: of the photos.
        field: the matches, as maps.
        patch_size: side of a block in cells.
    """
    height, width = field.copy.shape
    scale = copies[0].scale
    steps = field.centre.new_tensor(around(patch_size))  # [n, 2]
    pixels = (scale * steps[:, None] + pixel_offsets(scale, steps)).flatten(0, 1)
    said = reductions_say(enlarging_weights(scale), patch_size).to(field.centre)
    cells = grid(patch_size // 2 + REACH, field.centre)
    rows = max(1, at_once(CELLS, field.copy.device) * 16 // scale**2 // width)
    for top in range(0, height, rows):
        part = Field(*(x[top : top + rows].flatten(0, 1) for x in field))
        sharp = sharp_at(copies, part, pixels).transpose(0, 1)  # [cells, 3, pixels]
        low = reduced_at(copies, part, cells).transpose(0, 1)
        shape = (-1, width, 3, len(steps))
        found = low.flatten(0, 1) @ said
        known, seen = found[:, : len(pixels)], found[:, len(pixels) :]
        yield Blocks(
            (sharp - known.view(sharp.shape)).view(*shape, scale, scale),
            cells_inside(copies, part, steps).view(-1, width, len(steps)),
            seen.reshape(shape),
        )


def pixel_offsets(side: int, like: Tensor) -> Float[Tensor, "k 2"]:
    """Steps from the middle of a square to its pixels, row by row."""
    steps = torch.arange(side, device=like.device, dtype=like.dtype) - (side - 1) / 2
    return torch.cartesian_prod(steps, steps)


def sharp_at(
    copies: Sequence[Copy], field: Field, offsets: Float[Tensor, "k 2"]
) -> Float[Tensor, "3 n k"]:
    """Pixels of the photos, `offsets` pixels of the result away from matches (in a row)."""
    return around_matches(
        field,
        len(offsets),
        lambda number, centre, jacobian: copies[number].sharp(centre, jacobian, offsets),
    )


def cells_inside(
    copies: Sequence[Copy], field: Field, offsets: Float[Tensor, "k 2"]
) -> Float[Tensor, "n k"]:
    """1 for the cells, `offsets` from matches, that lie inside the copy; the match's own always."""
    inside = field.centre.new_zeros(len(field.copy), len(offsets))
    for number, cells in by_copy(field.copy):
        copy = copies[number]
        step = copy.scale * (field.jacobian[cells] @ offsets.T).transpose(1, 2)
        place = field.centre[cells, None] + step
        half = (copy.scale - 1) / 2
        size = (copy.pixels.shape[1], copy.pixels.shape[2])
        # A tenth of a pixel for rounding: a block that ends at the border lies inside.
        within = lies_within(place, size, half - 0.1)
        if copy.inside is not None:
            within &= copy.inside[pixel_at(place, size)]
        inside[cells] = within.to(inside)
    inside[:, len(offsets) // 2] = 1
    return inside

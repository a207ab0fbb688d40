# SPDX-License-Identifier: Apache-2.0
"""What TTSR knows of a set of references: features to search, and features to transfer.

The search sees each photo on its own, as a view. The values lie in one plane, photo below photo,
so that one transfer serves them all: a row of zeros parts two photos, columns of zeros fill up
narrower ones. A block at the border of a photo gathers zeros there, and the mask says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..images.tiles import Tile, plan_tiles
from ..networks.texture_extractor import REACH, Levels, TextureExtractor
from ..networks.ttsr_inputs import reference_inputs
from ..operators import Keys, transfer
from .pieces import times

SCALES = (4, 2, 1)
"""Of the levels of the extractor, in pixels a cell."""

SIDE = 128
"""Cells on a side of what the extractor looks at in one go: about 300 MB at full width."""


@dataclass(frozen=True)
class Textures:
    """References as TTSR searches and transfers them."""

    keys: Keys
    """Level 3 of each photo, reduced and enlarged: one view a photo."""
    columns: Int64[Tensor, " n"]
    """Cells in a row of each photo."""
    first_row: Int64[Tensor, " n"]
    """Row of the plane that each photo begins at."""
    values: tuple[Float[Tensor, "1 _ _ _"], ...]
    """Levels 1 to 3 of all photos in one plane, at 4, 2 and 1 times its size."""
    mask: Float[Tensor, "1 1 h w"]
    """1 where a photo is, 0 between."""

    def place(
        self, view: Int64[Tensor, "h w"], index: Int64[Tensor, "h w"]
    ) -> Int64[Tensor, "h w"]:
        """Cells of the plane, from matches."""
        columns = self.columns[view]
        row = torch.div(index, columns, rounding_mode="floor")
        return (row + self.first_row[view]) * self.mask.shape[3] + index % columns

    def gathered(
        self, place: Int64[Tensor, "h w"], overlap: Literal["mean", "constant"]
    ) -> list[Float[Tensor, "1 _ _ _"]]:
        """The textures of levels 1 to 3 where the cells found their matches.

        With `overlap="mean"` the count of blocks follows from what they gather from the mask.
        """
        index = place[None].contiguous()
        size = self.mask.shape[2], self.mask.shape[3]
        share = transfer(self.mask, index, size, 1, "constant")
        textures = []
        for scale, value in zip(SCALES, self.values, strict=True):
            texture = transfer(value, index, size, scale, "constant")
            if overlap == "mean":
                texture /= share.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
            textures.append(texture)
        return textures


@torch.no_grad()
def describe_references(
    extractor: TextureExtractor, photos: Sequence[Float[Tensor, "3 _ _"]]
) -> Textures:
    """Extract the features of all photos, values in [0, 1], sides of at least 1 pixel.

    A photo of full width takes about 500 bytes a pixel.
    """
    inputs = [reference_inputs(photo) for photo in photos]
    sizes = [(sharp.shape[1] // 4, sharp.shape[2] // 4) for sharp, _ in inputs]
    first_row = [0]
    for height, _ in sizes:
        first_row.append(first_row[-1] + height + 1)
    height, width = first_row.pop() - 1, max(columns for _, columns in sizes)
    like = photos[0]
    channels = extractor.channels
    values = [
        like.new_zeros(1, count, height * scale, width * scale)
        for count, scale in zip(channels, SCALES, strict=True)
    ]
    mask = like.new_zeros(1, 1, height, width)
    keys = []
    for (sharp, low), top, size in zip(inputs, first_row, sizes, strict=True):
        mask[..., top : top + size[0], : size[1]] = 1
        key = like.new_empty(channels[2], *size)
        for tile in plan_tiles(size, SIDE, REACH):
            key[(slice(None), *tile.core)] = levels_of(extractor, low, tile).level3[0]
            y, x = tile.core
            area = (slice(top + y.start, top + y.stop), x)
            levels = levels_of(extractor, sharp, tile)
            for value, level, scale in zip(values, levels, SCALES, strict=True):
                value[(slice(None), slice(None), *times(area, scale))] = level
        keys.append(key)
    columns = torch.tensor([columns for _, columns in sizes], dtype=torch.int64, device=like.device)
    first = torch.tensor(first_row, dtype=torch.int64, device=like.device)
    return Textures(Keys(keys), columns, first, tuple(values), mask)


def levels_of(extractor: TextureExtractor, image: Float[Tensor, "3 _ _"], tile: Tile) -> Levels:
    """The features in the core of a tile of an image in [-1, 1], sides multiples of 4.

    Equal to those of the whole image if the tile has a halo of `REACH` cells.
    """
    levels = extractor((image[(slice(None), *times(tile.padded, 4))][None] + 1) / 2)
    return Levels(
        *(
            level[(slice(None), slice(None), *times(tile.inner, scale))]
            for level, scale in zip(levels, SCALES, strict=True)
        )
    )

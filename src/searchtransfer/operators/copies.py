# SPDX-License-Identifier: Apache-2.0
"""Key blocks that are equal in every bit, found by hash and then compared."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from .contributors import neighbours

PAIRS = 2048
"""Blocks compared at a time: 2048 blocks of 3 x 3 x 256 float32 take 19 MB."""


def first_copies(keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int) -> Int64[Tensor, " n"]:
    """For each key block the position of the first one with the same hash, almost surely a copy."""
    marks = torch.cat([_block_hash(key, patch_size).flatten() for key in keys])
    _, group = torch.unique(marks, return_inverse=True)
    order = torch.arange(len(marks), device=marks.device)
    first = torch.full_like(order, len(marks)).scatter_reduce(0, group, order, "amin")
    return first[group]


def _block_hash(key: Float[Tensor, "c h w"], patch_size: int) -> Int64[Tensor, "h w"]:
    """A 64-bit sum over the bits of a block, each with the odd factor of its channel and cell."""
    channels, height, width = key.shape
    radius = patch_size // 2
    generator = torch.Generator().manual_seed(channels)
    factors = torch.randint(2**61, (channels + patch_size**2,), generator=generator) * 2 + 1
    as_integers = torch.int64 if key.element_size() == 8 else torch.int32
    pixels = torch.zeros(height, width, dtype=torch.int64, device=key.device)
    for channel, factor in zip(key, factors[:channels].tolist(), strict=True):
        bits = (channel + 0.0).view(as_integers).to(torch.int64)  # + 0.0: one zero, not two
        pixels += (bits ^ (bits >> 15)) * factor
    pixels ^= pixels >> 29
    padded = torch.nn.functional.pad(pixels, (radius, radius, radius, radius))
    marks = torch.zeros_like(pixels)
    for i, factor in enumerate(factors[channels:].tolist()):
        dy, dx = divmod(i, patch_size)
        marks += padded[dy : dy + height, dx : dx + width] * factor
    return marks


def same_blocks(
    a: Int64[Tensor, " n"],
    b: Int64[Tensor, " n"],
    keys: Sequence[Float[Tensor, "c _ _"]],
    patch_size: int,
) -> Bool[Tensor, " n"]:
    """Whether the key blocks at positions `a` and `b` are equal, a few thousand pairs at a time."""
    parts = [
        (_blocks_at(some_a, keys, patch_size) == _blocks_at(some_b, keys, patch_size)).all(0)
        for some_a, some_b in zip(torch.split(a, PAIRS), torch.split(b, PAIRS), strict=True)
    ]
    return torch.cat(parts)


def _blocks_at(
    position: Int64[Tensor, " n"], keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int
) -> Float[Tensor, "ckk n"]:
    """The blocks at these positions, one column each, zeros outside their key."""
    channels = keys[0].shape[0]
    blocks = keys[0].new_zeros(patch_size**2, channels, len(position))
    first = 0
    for key in keys:
        size = (key.shape[1], key.shape[2])
        count = size[0] * size[1]
        here = ((position >= first) & (position < first + count)).nonzero()[:, 0]
        index = (position[here] - first)[None, None]
        for cell, (_, source, inside) in zip(
            blocks, neighbours(index, size, patch_size), strict=True
        ):
            cell[:, here] = torch.where(inside[0, 0], key.flatten(1)[:, source[0, 0]], 0)
        first += count
    return blocks.flatten(0, 1)

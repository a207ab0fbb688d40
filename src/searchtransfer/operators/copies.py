# SPDX-License-Identifier: Apache-2.0
"""Key blocks that are equal in every bit, found by hash and then compared.

Keys are hashed a strip of rows at a time, so that this needs little memory beside a large key.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from .contributors import neighbours
from .numbering import firsts

STRIP = 2**18
"""Cells hashed in one go: about 40 bytes each."""

BLOCKS = 2**22
"""Numbers of the blocks that are compared in one go."""


def lowest_copies(
    position: Int64[Tensor, "h w"], keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int
) -> Int64[Tensor, "h w"]:
    """Replace each chosen block by the first one that is equal to it in every bit.

    A fast product may round equal blocks differently, depending on where they stand; this makes
    ties between exact copies go to the lowest position, whatever the backend and its tiles.
    """
    chosen, back = torch.unique(position, return_inverse=True)
    first = _first_of_same_hash(chosen, keys, patch_size)
    changed = (first != chosen).nonzero()[:, 0]
    if changed.numel():
        same = _same_blocks(chosen[changed], first[changed], keys, patch_size)
        chosen[changed] = torch.where(same, first[changed], chosen[changed])
    found: Tensor = chosen[back]
    return found


def _first_of_same_hash(
    chosen: Int64[Tensor, " n"], keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int
) -> Int64[Tensor, " n"]:
    """For each position the first one whose block has the same hash, almost surely a copy."""
    wanted = torch.empty_like(chosen)
    for start, marks in _marks(keys, patch_size):
        here = (chosen >= start) & (chosen < start + len(marks))
        wanted[here] = marks[chosen[here] - start]
    sought, back = torch.unique(wanted, return_inverse=True)
    first = torch.full_like(sought, torch.iinfo(torch.int64).max)
    for start, marks in _marks(keys, patch_size):
        slot = torch.searchsorted(sought, marks).clamp_(max=len(sought) - 1)
        found = (sought[slot] == marks).nonzero()[:, 0]
        first.scatter_reduce_(0, slot[found], start + found, "amin")
    result: Tensor = first[back]
    return result


def _marks(
    keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int
) -> Iterator[tuple[int, Int64[Tensor, " n"]]]:
    """The hashes of all blocks, strip by strip: the position of the first one, and they."""
    start = 0
    for key in keys:
        height, width = key.shape[1:]
        rows = max(1, STRIP // width)
        for top in range(0, height, rows):
            strip = _block_hash(key, top, min(height, top + rows), patch_size).flatten()
            yield start, strip
            start += len(strip)


def _block_hash(
    key: Float[Tensor, "c h w"], top: int, bottom: int, patch_size: int
) -> Int64[Tensor, "n w"]:
    """A 64-bit sum over the bits of a block, each with the odd factor of its channel and cell."""
    channels, height, width = key.shape
    radius = patch_size // 2
    generator = torch.Generator().manual_seed(channels)
    size = (channels + patch_size**2,)
    factors = torch.randint(2**61, size, generator=generator, device="cpu") * 2 + 1
    as_integers = torch.int64 if key.element_size() == 8 else torch.int32
    upper, lower = max(0, top - radius), min(height, bottom + radius)
    pixels = torch.zeros(lower - upper, width, dtype=torch.int64, device=key.device)
    for channel, factor in zip(key[:, upper:lower], factors[:channels].tolist(), strict=True):
        bits = (channel + 0.0).view(as_integers).to(torch.int64)  # + 0.0: one zero, not two
        pixels += (bits ^ (bits >> 15)) * factor
    pixels ^= pixels >> 29
    beyond = (upper - top + radius, bottom + radius - lower)
    padded = F.pad(pixels, (radius, radius, *beyond))
    marks = torch.zeros_like(pixels[: bottom - top])
    for i, factor in enumerate(factors[channels:].tolist()):
        dy, dx = divmod(i, patch_size)
        marks += padded[dy : dy + bottom - top, dx : dx + width] * factor
    return marks


def _same_blocks(
    a: Int64[Tensor, " n"],
    b: Int64[Tensor, " n"],
    keys: Sequence[Float[Tensor, "c _ _"]],
    patch_size: int,
) -> Bool[Tensor, " n"]:
    """Whether the key blocks at positions `a` and `b` are equal."""
    held = max(1, BLOCKS // (keys[0].shape[0] * patch_size**2))
    parts = [
        (blocks_at(some_a, keys, patch_size) == blocks_at(some_b, keys, patch_size)).all(0)
        for some_a, some_b in zip(torch.split(a, held), torch.split(b, held), strict=True)
    ]
    return torch.cat(parts)


def blocks_at(
    position: Int64[Tensor, " n"], keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int
) -> Float[Tensor, "ckk n"]:
    """The blocks at these positions through all keys, one column each, zeros outside their key."""
    channels = keys[0].shape[0]
    blocks = keys[0].new_zeros(patch_size**2, channels, len(position))
    for first, key in zip(firsts(key[0].numel() for key in keys), keys, strict=True):
        size = (key.shape[1], key.shape[2])
        count = size[0] * size[1]
        here = ((position >= first) & (position < first + count)).nonzero()[:, 0]
        index = (position[here] - first)[None, None]
        for cell, (_, source, inside) in zip(
            blocks, neighbours(index, size, patch_size), strict=True
        ):
            cell[:, here] = torch.where(inside[0, 0], key.flatten(1)[:, source[0, 0]], 0)
    return blocks.flatten(0, 1)

# SPDX-License-Identifier: Apache-2.0
"""The few blocks that fast arithmetic cannot see beside bright ones, searched one by one.

A block's relevance does not depend on its magnitude, but sums of squares do: beside cells of 1, the
squares of a block of 1e-13 sink into the rounding of float32. Such blocks are left out of the fast
search and compared here as blocks of length one.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ..process.devices import has_float64
from .copies import blocks_at
from .interruption import check

WORKING_MEMORY = 64 * 2**20
"""Bytes of blocks held on either side of a product, about."""

Faint = Bool[Tensor, "_ _"] | None
"""Which blocks of a map are faint; None: none."""

FEW = 1 / 16
"""Up to this share of faint blocks, comparing them apart is cheaper than a search in float64."""


def share(faint: Sequence[Faint], cells: int) -> float:
    """How many of so many blocks are faint, from 0 to 1."""
    return sum(int(x.sum()) for x in faint if x is not None) / cells


def improve(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "c _ _"]],
    patch_size: int,
    faint_query: Faint,
    faint_keys: Sequence[Faint],
    score: Float[Tensor, "h w"],
    position: Int64[Tensor, "h w"],
) -> None:
    """Add, in place, what a search without the faint key blocks cannot know.

    Every faint query block is compared with all key blocks, and every query block with the faint
    key blocks; where that finds better ones, they replace what was found.
    """
    every = torch.arange(score.numel(), device=score.device)
    counts = [key[0].numel() for key in keys]
    key_cells = torch.arange(sum(counts), device=score.device)
    marks = [
        x.flatten() if x is not None else torch.zeros_like(key_cells[:n], dtype=torch.bool)
        for x, n in zip(faint_keys, counts, strict=True)
    ]
    _compare(query, every, keys, key_cells[torch.cat(marks)], patch_size, score, position)
    if faint_query is not None:
        score[faint_query] = -torch.inf
        _compare(query, every[faint_query.flatten()], keys, key_cells, patch_size, score, position)


def _compare(
    query: Float[Tensor, "c h w"],
    cells: Int64[Tensor, " n"],
    keys: Sequence[Float[Tensor, "c _ _"]],
    key_cells: Int64[Tensor, " m"],
    patch_size: int,
    score: Float[Tensor, "h w"],
    position: Int64[Tensor, "h w"],
) -> None:
    """Compare some query blocks with some key blocks; ties go to the lowest."""
    held = max(1, WORKING_MEMORY // (8 * query.shape[0] * patch_size**2))
    flat_score, flat_position = score.view(-1), position.view(-1)
    for some in torch.split(cells, held):
        own = _unit_blocks([query], some, patch_size)
        for others in torch.split(key_cells, held) if len(key_cells) else ():
            check()
            best, column = (own.T @ _unit_blocks(keys, others, patch_size)).max(1)
            best, found = best.to(score.dtype), others[column]
            old, old_found = flat_score[some], flat_position[some]
            better = (best > old) | ((best == old) & (found < old_found))
            flat_score[some] = torch.where(better, best, old)
            flat_position[some] = torch.where(better, found, old_found)


def _unit_blocks(
    maps: Sequence[Float[Tensor, "c _ _"]], cells: Int64[Tensor, " n"], patch_size: int
) -> Float[Tensor, "ckk n"]:
    """These blocks as columns of length one; an all-zero block stays zero.

    In float64, where the device has it.
    """
    blocks = blocks_at(cells, maps, patch_size)
    blocks = blocks.double() if has_float64(blocks.device) else blocks
    largest = blocks.abs().amax(0)
    blocks = blocks / torch.where(largest > 0, largest, 1)
    norm = torch.linalg.vector_norm(blocks, dim=0)
    return blocks / torch.where(norm > 0, norm, 1)

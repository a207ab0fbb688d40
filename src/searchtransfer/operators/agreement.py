# SPDX-License-Identifier: Apache-2.0
"""Agreement: do neighbouring cells find their matches side by side?

Small patches of any photo are found in any other with high scores, but scattered. Only what shows
the same thing is found in one piece.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

AROUND = 7
"""Cells on either side whose agreement decides whether a cell is shown by the reference."""

CHANCE, SURE = 0.22, 0.32
"""Mean agreement that other photos reach by chance, and that only the same things reach."""


def agreement(
    photo: Int64[Tensor, "h w"], pixel: Int64[Tensor, "h w 2"], scale: int, tolerance: int = 1
) -> Float[Tensor, "h w"]:
    """The share of its (up to four) neighbours that a cell was found beside.

    Args:
        photo: number of the reference of each cell.
        pixel: row and column of its match there, in pixels of the full-size reference.
        scale: pixels of a cell; two matches are side by side if they are that far apart.
        tolerance: pixels that they may be off, in either direction.

    Returns:
        0 to 1; 1 for a cell without neighbours, since nothing contradicts it.
    """
    votes = torch.zeros(photo.shape, device=photo.device)
    voters = torch.zeros_like(votes)
    height, width = photo.shape
    for dy, dx in ((0, 1), (1, 0)):
        here = (slice(0, height - dy), slice(0, width - dx))
        there = (slice(dy, height), slice(dx, width))
        off = pixel[there] - pixel[here] - scale * torch.tensor([dy, dx], device=pixel.device)
        beside = (off.abs() <= tolerance).all(-1) & (photo[there] == photo[here])
        for cells in (here, there):
            votes[cells] += beside
            voters[cells] += 1
    return torch.where(voters > 0, votes / voters.clamp(min=1), 1.0)


def shown(agreement: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """How surely the reference shows what is around each cell, 0 to 1.

    Single matches deceive. But in an unrelated photo neighbours are found side by side no more
    often than chance has it.
    """
    side = 2 * AROUND + 1
    mean = F.avg_pool2d(agreement[None, None], side, 1, AROUND, count_include_pad=False)[0, 0]
    return ((mean - CHANCE) / (SURE - CHANCE)).clamp(0, 1)

# SPDX-License-Identifier: Apache-2.0
"""Agreement: do neighbouring cells find their matches side by side?

Small patches of any photo are found in any other with high scores, but scattered. Only what shows
the same thing is found in one piece.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

AROUND = 7
"""Cells on either side whose agreement decides whether a cell is shown by the reference."""

CHANCE, SURE = 0.25, 0.4
"""Mean agreement below which what a reference shows makes a picture worse, and from which on it can
be believed; other photos reach 0.25 in a cell of a thousand, by chance."""

APART = 2
"""Cells from one to the neighbours that are asked: nearer ones were found as one, at half the size,
and agree by descent."""

TOLERANCE = 0.75
"""Pixels of the result, at scale 4, that a match may be off where the next cell says that it should
be; half as many more for each cell between."""


def tolerance_at(scale: int, apart: int = APART) -> float:
    """Pixels of the result: fewer for small cells, whose neighbours agree by chance more often."""
    return TOLERANCE * (1 + apart) / 2 * math.sqrt(scale / 4)


def beside(
    photo: Int64[Tensor, "h w"],
    position: Float[Tensor, "h w 2"],
    jacobian: Float[Tensor, "h w 2 2"],
    scale: int,
    step: tuple[int, int],
    tolerance: float | None = None,
) -> Bool[Tensor, "h2 w2"]:
    """Which cells and their neighbours one `step` on were found side by side.

    Two matches belong together when their positions differ by what the Jacobian of the first says.

    Args:
        photo: number of the photo of each cell.
        position: row and column of its match there.
        jacobian: pixels of the photo for a step of one pixel of the result, down and right.
        scale: pixels of a cell of the result.
        step: rows down and columns right to the neighbour.
        tolerance: in pixels of the result; None: that of the scale and the step.
    """
    dy, dx = step
    here, there = _pairs((photo.shape[0], photo.shape[1]), step)
    turn = jacobian[here]
    way = scale * (dy * turn[..., 0] + dx * turn[..., 1])
    off = position[there] - position[here] - way
    # In pixels of the result: the inverse of the Jacobian, written out.
    a, b, c, d = turn.flatten(-2).unbind(-1)
    y, x = off.unbind(-1)
    rows, columns = d * y - b * x, a * x - c * y
    if tolerance is None:
        tolerance = tolerance_at(scale, max(step))
    limit = (tolerance * (a * d - b * c)).square()
    return (rows.square() + columns.square() <= limit) & (photo[there] == photo[here])


def agreement(
    photo: Int64[Tensor, "h w"],
    position: Float[Tensor, "h w 2"],
    jacobian: Float[Tensor, "h w 2 2"],
    scale: int,
    tolerance: float | None = None,
    apart: int = APART,
) -> Float[Tensor, "h w"]:
    """The share of its (up to four) neighbours that a cell was found beside.

    Args are those of `beside`, and how many cells the neighbours are apart.

    Returns:
        0 to 1; 1 for a cell without neighbours, since nothing contradicts it.
    """
    votes = position.new_zeros(photo.shape)
    voters = torch.zeros_like(votes)
    for step in ((0, apart), (apart, 0)):
        together = beside(photo, position, jacobian, scale, step, tolerance)
        for cells in _pairs((photo.shape[0], photo.shape[1]), step):
            votes[cells] += together
            voters[cells] += 1
    return torch.where(voters > 0, votes / voters.clamp(min=1), 1.0)


def _pairs(size: tuple[int, int], step: tuple[int, int]) -> tuple[tuple[slice, slice], ...]:
    """The cells that have a neighbour one `step` on, and these neighbours."""
    (height, width), (dy, dx) = size, step
    here = slice(0, max(0, height - dy)), slice(0, max(0, width - dx))
    return here, (slice(dy, height), slice(dx, width))


def shown(agreement: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """How surely the reference shows what is around each cell, 0 to 1.

    Single matches deceive. But in an unrelated photo neighbours are found side by side no more
    often than chance has it.
    """
    side = 2 * AROUND + 1
    mean = F.avg_pool2d(agreement[None, None], side, 1, AROUND, count_include_pad=False)[0, 0]
    return ((mean - CHANCE) / (SURE - CHANCE)).clamp(0, 1)

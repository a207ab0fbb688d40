# SPDX-License-Identifier: Apache-2.0
"""Detail: what matched places of a photo know beyond what their reduction says, blended.

Every cell brings cells of a block of `patch_size` x `patch_size` from where it was found, and every
output cell receives one cell from each of the blocks that lie over it, as in `transfer`; here each
with a weight, a gain and a confidence of its own.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

REACH = 2
"""Cells that the bicubic enlargement sees on either side."""


class Blocks(NamedTuple):
    """What the cells of a few rows bring to the n cells of `around`."""

    detail: Float[Tensor, "h w 3 n s s"]
    """Pixels of each of those cells: the photo's minus what its reduction says of them."""
    inside: Float[Tensor, "h w n"]
    """1 where the cell lies inside the photo, else 0."""
    known: Float[Tensor, "h w 3 n"]
    """What the reduction of the photo says each of those cells is, minus the mean of the patch."""


class Blend(NamedTuple):
    """Weighted means over the candidates of each cell."""

    detail: Float[Tensor, "3 hs ws"]
    """The mean detail."""
    confidence: Float[Tensor, "h w"]
    """The mean of what `blend` got as confidence."""
    spread: Float[Tensor, "h w"]
    """Mean squared distance of the candidates from their mean, per sample."""
    energy: Float[Tensor, "h w"]
    """Mean square of the mean detail, per sample."""
    known: Float[Tensor, "3 h w"]
    """The small image as the photos know it."""


def around(patch_size: int) -> list[tuple[int, int]]:
    """Which cells of a block its match brings texture for: rows down and columns right.

    All of a small one; of a larger one every second, as on a chessboard. Farther cells bring more
    that is independent than nearer ones do, so that these are nearly as good as all, in half the
    time.
    """
    radius = patch_size // 2
    steps = range(-radius, radius + 1)
    return [(y, x) for y in steps for x in steps if patch_size <= 3 or (y + x) % 2 == 0]


def reductions_say(weights: Float[Tensor, "s taps"], patch_size: int) -> Float[Tensor, "m k"]:
    """The matrix that tells from the cells around a match what its block would be.

    Args:
        weights: that enlarge: of the cells from `REACH` before to `REACH` after, at each place
            inside a cell.
        patch_size: cells of the block on a side; it sees `REACH` more on either side.

    Returns:
        For each of `(patch_size + 2 * REACH)^2` cells, row by row, its part in the pixels of the
        cells of `around`, one after the other; in the last columns, its part in these cells
        themselves, minus the mean of the 5 x 5 in the middle.
    """
    scale, taps = weights.shape
    side, radius = patch_size + 2 * REACH, patch_size // 2
    places = around(patch_size)
    pixels = weights.new_zeros(side, side, len(places), scale, scale)
    cells = weights.new_zeros(side, side, len(places))
    middle = slice(side // 2 - 2, side // 2 + 3)
    cells[middle, middle] = -1 / 25
    for number, (dy, dx) in enumerate(places):
        y, x = dy + radius, dx + radius
        outer = torch.einsum("ya,xb->abyx", weights, weights)
        pixels[y : y + taps, x : x + taps, number] = outer
        cells[y + REACH, x + REACH, number] += 1
    return torch.cat([pixels.view(side**2, -1), cells.view(side**2, -1)], 1)


def blend(
    blocks: Iterator[Blocks],
    weight: Float[Tensor, "h w"],
    gain: Float[Tensor, "h w"],
    confidence: Float[Tensor, "h w"],
    mean: Float[Tensor, "3 h w"],
    scale: int,
    patch_size: int = 3,
) -> Blend:
    """Average the detail that each cell receives from the blocks of its neighbours.

    Args:
        blocks: of rows of cells, from the first to the last, some rows at a time.
        weight: `[H, W]`, positive.
        gain: `[H, W]`, factor on the detail.
        confidence: `[H, W]`, averaged along.
        mean: `[3, H, W]`, of the patches of the small image.
        scale: pixels of a cell on a side.
        patch_size: side of a block in cells, odd.
    """
    height, width = weight.shape
    radius = patch_size // 2
    # Sums with a border of half a block, that what lies outside can be added and forgotten.
    size = (height + 2 * radius, width + 2 * radius)
    total = weight.new_zeros(*size, 3, scale, scale)
    knowledge = weight.new_zeros(*size, 3)
    weights, confidences, squares = weight.new_zeros(3, *size)
    means = mean.permute(1, 2, 0)
    top = 0
    for part in blocks:
        rows = slice(top, top + part.inside.shape[0])
        top = rows.stop
        gains = gain[rows, :, None]
        power = gains.square() * part.detail.square().mean((2, 4, 5))
        shares = weight[rows, :, None] * part.inside
        known = part.known * gains[..., None] + means[rows, :, :, None]
        for number, (dy, dx) in enumerate(around(patch_size)):
            first = rows.start + radius + dy, radius + dx
            there = (
                slice(first[0], first[0] + len(shares)),
                slice(first[1], first[1] + width),
            )
            share = shares[:, :, number]
            factor = (share * gain[rows])[..., None, None, None]
            total[there] += factor * part.detail[:, :, :, number]
            knowledge[there] += share[..., None] * known[..., number]
            squares[there] += share * power[:, :, number]
            weights[there] += share
            confidences[there] += share * confidence[rows]
    inner = tuple(slice(radius, radius + n) for n in (height, width))
    weights, confidences, squares = (x[inner] for x in (weights, confidences, squares))
    detail = total[inner].div_(weights[..., None, None, None])
    energy = detail.square().mean((2, 3, 4))
    spread = (squares / weights - energy).clamp(min=0)
    image = detail.permute(2, 0, 3, 1, 4).reshape(3, height * scale, width * scale)
    seen = (knowledge[inner] / weights[..., None]).permute(2, 0, 1).contiguous()
    return Blend(image, confidences / weights, spread, energy, seen)

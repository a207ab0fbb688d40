# SPDX-License-Identifier: Apache-2.0
"""Detail: what matched places of a photo know beyond what their reduction says, blended.

Every cell brings cells of a block of `patch_size` x `patch_size` from where it was found, and every
output cell receives one cell from each of the blocks that lie over it, as in `transfer`; here each
with a weight, a gain and a confidence of its own.
"""

from collections.abc import Iterator
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

REACH = 2
"""Cells that the bicubic enlargement sees on either side."""


class Blocks(NamedTuple):
    """What the cells of a few rows bring to the n cells of `around`."""

    detail: Float[Tensor, "3 h w n s s"]
    """Pixels of each of those cells: the photo's minus what its reduction says of them."""
    inside: Float[Tensor, "h w n"]
    """1 where the cell lies inside the photo, else 0."""
    known: Float[Tensor, "3 h w n"]
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


def enlarging_block(weights: Float[Tensor, "s taps"], patch_size: int) -> Float[Tensor, "ks m"]:
    """The matrix that enlarges a row of cells to the pixels of a block.

    Args:
        weights: of the cells from `REACH` before to `REACH` after, at each place inside a cell.
        patch_size: cells of the block; it sees `REACH` more on either side.
    """
    scale, taps = weights.shape
    matrix = weights.new_zeros(patch_size * scale, patch_size - 1 + taps)
    for cell in range(patch_size):
        matrix[cell * scale : (cell + 1) * scale, cell : cell + taps] = weights
    return matrix


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
    total = weight.new_zeros(3, *size, scale, scale)
    knowledge = weight.new_zeros(3, *size)
    weights, confidences, squares = weight.new_zeros(3, *size)
    top = 0
    for part in blocks:
        rows = slice(top, top + part.inside.shape[0])
        top = rows.stop
        for number, (dy, dx) in enumerate(around(patch_size)):
            cells = part.detail[:, :, :, number] * gain[rows, :, None, None]
            share = weight[rows] * part.inside[:, :, number]
            first = rows.start + radius + dy, radius + dx
            there = (
                slice(first[0], first[0] + len(share)),
                slice(first[1], first[1] + width),
            )
            total[(slice(None), *there)] += share[..., None, None] * cells
            cell = part.known[..., number] * gain[rows] + mean[:, rows]
            knowledge[(slice(None), *there)] += share * cell
            squares[there] += share * cells.square().mean((0, 3, 4))
            weights[there] += share
            confidences[there] += share * confidence[rows]
    inner = tuple(slice(radius, radius + n) for n in (height, width))
    weights, confidences, squares = (x[inner] for x in (weights, confidences, squares))
    detail = total[(slice(None), *inner)].div_(weights[..., None, None])
    energy = detail.square().mean((0, 3, 4))
    spread = (squares / weights - energy).clamp(min=0)
    image = detail.permute(0, 1, 3, 2, 4).reshape(3, height * scale, width * scale)
    known = knowledge[(slice(None), *inner)] / weights
    return Blend(image, confidences / weights, spread, energy, known)

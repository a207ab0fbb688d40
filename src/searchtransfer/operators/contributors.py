# SPDX-License-Identifier: Apache-2.0
"""Which key cells meet where, once every query cell has chosen one.

Two views of the same nine pairs. `neighbours` stands at the cell p that chose and looks at the
block around its choice; `contributors` stands at an output cell q and looks at the choices of the
cells around it. Both go through the block in row-major order, the order in which a fold adds.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int64
from torch import Tensor


def _offsets(patch_size: int) -> list[tuple[int, int]]:
    radius = patch_size // 2
    steps = range(-radius, radius + 1)
    return [(dy, dx) for dy in steps for dx in steps]


def _moved(
    index: Int64[Tensor, "b h w"], dy: int, dx: int, key_size: tuple[int, int]
) -> tuple[Int64[Tensor, "b h w"], Bool[Tensor, "b h w"]]:
    """The key cell `(dy, dx)` away from the chosen one, and whether it exists; -1 chose nothing."""
    height, width = key_size
    first = torch.div(index, width, rounding_mode="floor")
    row, column = first + dy, index - first * width + dx
    inside = (index >= 0) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return torch.where(inside, row * width + column, 0), inside


def neighbours(
    index: Int64[Tensor, "b h w"], key_size: tuple[int, int], patch_size: int
) -> Iterator[tuple[tuple[int, int], Int64[Tensor, "b h w"], Bool[Tensor, "b h w"]]]:
    """For each cell offset of a block: the key cell there, and whether it is inside the key."""
    for dy, dx in _offsets(patch_size):
        source, inside = _moved(index, dy, dx, key_size)
        yield (dy, dx), source, inside


def pad_index(index: Int64[Tensor, "b h w"], patch_size: int) -> Int64[Tensor, "b hp wp"]:
    """Surround an index by half a block of -1, cells that chose nothing."""
    radius = patch_size // 2
    return F.pad(index, (radius, radius, radius, radius), value=-1)


def contributors(
    padded_index: Int64[Tensor, "b hp wp"], key_size: tuple[int, int], patch_size: int
) -> Iterator[tuple[Int64[Tensor, "b h w"], Bool[Tensor, "b h w"]]]:
    """For each output cell q and each offset d: the key cell that q receives from q - d.

    Args:
        padded_index: choices of the query cells, from `pad_index` (or rows of it).
        key_size: `(Hr, Wr)` in cells.
        patch_size: side of a block in cells.

    Yields:
        The key cell `index(q - d) + d`, and whether q - d is inside the query and the key cell
        inside the key. The offset d = 0 is always inside, so every cell has a contributor.
    """
    radius = patch_size // 2
    height, width = (n - 2 * radius for n in padded_index.shape[1:])
    for dy, dx in _offsets(patch_size):
        top, left = radius - dy, radius - dx
        yield _moved(padded_index[:, top : top + height, left : left + width], dy, dx, key_size)

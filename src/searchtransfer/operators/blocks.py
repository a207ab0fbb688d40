# SPDX-License-Identifier: Apache-2.0
"""Blocks of an image: taking them apart, choosing among them, putting them back together.

The building stones of the SearchTransfer operator as the TTSR article explains them. They are the
plain statement of what the fast paths compute without ever making a block; `docs/tutorial.md`
walks through them with worked examples.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from ..errors import DTypeError, OptionError, ShapeError


def unfold(
    image: Float[Tensor, "b c h w"], kernel_size: int, stride: int = 1, padding: int = 0
) -> Float[Tensor, "b ckk n"]:
    """Cut an image into (overlapping) blocks, one column each.

    Args:
        image: `[B, C, H, W]`.
        kernel_size: side of a block in pixels.
        stride: distance of neighbouring blocks in pixels.
        padding: zeros added on every side first, in pixels.

    Returns:
        `[B, C*k*k, N]`: N blocks in row-major order, each flattened as (channel, row, column).

    Raises:
        ShapeError: the image is not 4-dimensional, or smaller than one block after padding.
        OptionError: kernel_size or stride is below 1, or padding below 0.
    """
    _block_grid(image, kernel_size, stride, padding)
    return F.unfold(image, kernel_size, stride=stride, padding=padding)


def fold(
    blocks: Float[Tensor, "b ckk n"],
    output_size: tuple[int, int],
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
) -> Float[Tensor, "b c h w"]:
    """Put blocks back into an image; where blocks overlap, their values are **summed**.

    Args:
        blocks: `[B, C*k*k, N]`, as `unfold` returns them.
        output_size: `(H, W)` of the image in pixels.
        kernel_size: side of a block in pixels.
        stride: distance of neighbouring blocks in pixels.
        padding: pixels outside the image on every side, which are dropped.

    Returns:
        `[B, C, H, W]`.

    Raises:
        ShapeError: the number of blocks or their length does not fit the other arguments.
        OptionError: kernel_size or stride is below 1, or padding below 0.
    """
    _check_geometry(kernel_size, stride, padding)
    if blocks.dim() != 3 or blocks.shape[1] % kernel_size**2:
        raise ShapeError(
            f"fold: blocks must be [B, C*{kernel_size}*{kernel_size}, N], got {list(blocks.shape)}"
        )
    rows, columns = _grid_size(output_size, kernel_size, stride, padding)
    if blocks.shape[2] != rows * columns:
        raise ShapeError(
            f"fold: output_size {tuple(output_size)} has {rows} x {columns} = {rows * columns} "
            f"blocks (kernel_size {kernel_size}, stride {stride}, padding {padding}), "
            f"got {blocks.shape[2]}"
        )
    return F.fold(blocks, output_size, kernel_size, stride=stride, padding=padding)


def overlap_count(
    output_size: tuple[int, int],
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Float[Tensor, "1 1 h w"]:
    """Count how many blocks cover each pixel: the fold of the unfolded ones.

    Args:
        output_size: `(H, W)` of the image in pixels.
        kernel_size: side of a block in pixels.
        stride: distance of neighbouring blocks in pixels.
        padding: zeros added on every side first, in pixels.
        dtype: floating dtype of the result.
        device: device of the result.

    Returns:
        `[1, 1, H, W]`; 0 where no block reaches.
    """
    ones = torch.ones(1, 1, *output_size, dtype=dtype, device=device)
    return fold(
        unfold(ones, kernel_size, stride, padding), output_size, kernel_size, stride, padding
    )


def fold_mean(
    blocks: Float[Tensor, "b ckk n"],
    output_size: tuple[int, int],
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
) -> Float[Tensor, "b c h w"]:
    """Put blocks back into an image; where blocks overlap, their values are **averaged**.

    The exact inverse of `unfold` wherever a block reaches; pixels that no block covers are 0.
    Arguments and errors are those of `fold`.
    """
    total = fold(blocks, output_size, kernel_size, stride, padding)
    count = overlap_count(
        output_size, kernel_size, stride, padding, dtype=total.dtype, device=total.device
    )
    return total / count.clamp(min=1)


def select_blocks(
    blocks: Float[Tensor, "b f n"], index: Int64[Tensor, "b m"]
) -> Float[Tensor, "b f m"]:
    """Choose blocks by number: column `j` of the result is column `index[j]` of `blocks`.

    The index is expanded over the block length, then gathered (the article, sections 3 and 4).

    Args:
        blocks: `[B, F, N]`.
        index: `[B, M]`, values in `[0, N)`.

    Raises:
        ShapeError: ranks or batch sizes differ from the above.
        DTypeError: index is not int64.
    """
    if blocks.dim() != 3 or index.dim() != 2 or blocks.shape[0] != index.shape[0]:
        raise ShapeError(
            "select_blocks: blocks must be [B, F, N] and index [B, M], "
            f"got {list(blocks.shape)} and {list(index.shape)}"
        )
    if index.dtype != torch.int64:
        raise DTypeError(f"select_blocks: index must be int64, got {index.dtype}")
    expanded = index.unsqueeze(1).expand(-1, blocks.shape[1], -1)  # [B, F, M], no copy
    return torch.gather(blocks, 2, expanded)


def _check_geometry(kernel_size: int, stride: int, padding: int) -> None:
    if kernel_size < 1 or stride < 1 or padding < 0:
        raise OptionError(
            "kernel_size and stride must be at least 1 and padding at least 0, "
            f"got kernel_size={kernel_size}, stride={stride}, padding={padding}"
        )


def _grid_size(
    size: tuple[int, int], kernel_size: int, stride: int, padding: int
) -> tuple[int, int]:
    """Rows and columns of blocks that fit into an image of `size`."""
    rows, columns = ((n + 2 * padding - kernel_size) // stride + 1 for n in size)
    return rows, columns


def _block_grid(image: Tensor, kernel_size: int, stride: int, padding: int) -> None:
    _check_geometry(kernel_size, stride, padding)
    if image.dim() != 4:
        raise ShapeError(f"unfold: image must be [B, C, H, W], got {list(image.shape)}")
    size = (image.shape[2], image.shape[3])
    if min(_grid_size(size, kernel_size, stride, padding)) < 1:
        raise ShapeError(
            f"unfold: image is {size[0]} x {size[1]} with padding {padding}, "
            f"smaller than one block of {kernel_size} x {kernel_size}; pad it further"
        )

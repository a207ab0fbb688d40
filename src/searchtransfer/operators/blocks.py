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

from ..errors import DTypeError, ShapeError
from ..given import check_size, check_whole
from ..process.devices import usable_device
from .checks import FLOATS, check_features

MOST = 2**20
"""Pixels of a block, a stride, a padding or a side."""


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
        DTypeError: it is no tensor of floating point.
        OptionError: kernel_size or stride is below 1, or padding below 0.

    Examples:
        >>> blocks = unfold(torch.arange(12.0).reshape(1, 1, 3, 4), kernel_size=3, padding=1)
        >>> blocks.shape
        torch.Size([1, 9, 12])
        >>> blocks[0, :, 5].reshape(3, 3)  # around row 1, column 1
        tensor([[ 0.,  1.,  2.],
                [ 4.,  5.,  6.],
                [ 8.,  9., 10.]])
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
        DTypeError: they are no tensor of floating point.
        OptionError: kernel_size or stride is below 1, or padding below 0.

    Examples:
        >>> blocks = unfold(torch.full((1, 1, 3, 3), 5.0), kernel_size=3, padding=1)
        >>> fold(blocks, (3, 3), kernel_size=3, padding=1)[0, 0]  # 4, 6 or 9 times 5
        tensor([[20., 30., 20.],
                [30., 45., 30.],
                [20., 30., 20.]])
    """
    _check_geometry(kernel_size, stride, padding)
    check_size("fold: output_size", output_size)
    check_features("fold: blocks", blocks, "[B, C*k*k, N]")
    if blocks.shape[1] % kernel_size**2:
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

    Raises:
        ShapeError: the image is smaller than one block after padding.
        OptionError: kernel_size or stride is below 1, or padding below 0.

    Examples:
        >>> overlap_count((1, 7), kernel_size=3, stride=2, padding=1)[0, 0]
        tensor([[1., 2., 1., 2., 1., 2., 1.]])
    """
    check_size("overlap_count: output_size", output_size)
    for side in output_size:
        check_whole("overlap_count: each side of output_size", side, 1, MOST)
    if not isinstance(dtype, torch.dtype) or dtype not in FLOATS:
        raise DTypeError(f"overlap_count: dtype must be floating point, got {dtype}")
    there = device if isinstance(device, torch.device) else usable_device(device)
    ones = torch.ones(1, 1, *output_size, dtype=dtype, device=there)
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

    Examples:
        >>> image = torch.arange(9.0).reshape(1, 1, 3, 3)
        >>> blocks = unfold(image, kernel_size=3, padding=1)
        >>> torch.equal(fold_mean(blocks, (3, 3), kernel_size=3, padding=1), image)
        True
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

    Examples:
        >>> blocks = torch.tensor([[[10, 20, 30], [11, 21, 31]]]).float()  # three, of length 2
        >>> select_blocks(blocks, torch.tensor([[2, 0, 2, 2]]))
        tensor([[[30., 10., 30., 30.],
                 [31., 11., 31., 31.]]])
    """
    for name, given in (("blocks", blocks), ("index", index)):
        if not isinstance(given, Tensor):
            raise DTypeError(f"select_blocks: {name} must be a tensor, got {type(given).__name__}")
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
    """Larger numbers than `MOST` overflow inside torch."""
    for name, value, least in (
        ("kernel_size", kernel_size, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
    ):
        check_whole(name, value, least, MOST)


def _grid_size(
    size: tuple[int, int], kernel_size: int, stride: int, padding: int
) -> tuple[int, int]:
    """Rows and columns of blocks that fit into an image of `size`."""
    rows, columns = ((n + 2 * padding - kernel_size) // stride + 1 for n in size)
    return rows, columns


def _block_grid(image: Tensor, kernel_size: int, stride: int, padding: int) -> None:
    _check_geometry(kernel_size, stride, padding)
    check_features("unfold: image", image, "[B, C, H, W]")
    size = (image.shape[2], image.shape[3])
    if min(_grid_size(size, kernel_size, stride, padding)) < 1:
        raise ShapeError(
            f"unfold: image is {size[0]} x {size[1]} with padding {padding}, "
            f"smaller than one block of {kernel_size} x {kernel_size}; pad it further"
        )

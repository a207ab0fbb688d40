# SPDX-License-Identifier: Apache-2.0
"""Transfer: the texture that a match gathers from the reference (TTSR, eq. 2, all levels).

The article cuts the values into blocks, gathers one block for each query cell, folds them and
divides by the overlap. Seen from an output cell q, that is a sum of nine terms: each neighbour
p = q - d gives the value cell index(p) + d. So nine masked gathers of single cells replace
unfold, gather and fold: same sum in the same order, no ninefold copy.
"""

from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from ..errors import DTypeError, OptionError, ShapeError
from ..given import check_size, check_word
from .backends import native
from .checks import check_features, check_not_traced, check_odd
from .contributors import contributors, pad_index
from .derivatives import batched
from .forking import note_threads
from .interruption import check
from .precision import in_own_precision

Overlap = Literal["mean", "constant"]

MOST_SCALE = 8

WORKING_MEMORY = 64 * 2**20
"""Bytes that one transfer may use beyond its inputs and outputs, or what one row of cells needs."""


def transfer(
    value: Float[Tensor, "b c hv wv"],
    index: Int64[Tensor, "b h w"],
    key_size: tuple[int, int],
    scale: int = 1,
    overlap: Overlap = "mean",
    patch_size: int = 3,
) -> Float[Tensor, "b c hs ws"]:
    """Put together the value blocks that a search chose.

    Equal to unfold (kernel `patch_size * scale`, stride `scale`, padding `scale` at patch size 3),
    gather, fold and division by the overlap.

    Args:
        value: `[B, C, scale*Hr, scale*Wr]`, features or pixels of the reference.
        index: `[B, H, W]`, key cells `row * Wr + column`, from `search`.
        key_size: `(Hr, Wr)`, the grid that `index` counts in.
        scale: value pixels on a side of a cell, 1 to 8.
        overlap: `"mean"` divides each pixel by the number of blocks that contribute to it;
            `"constant"` by `patch_size**2` everywhere, as TTSR's released code does, which dims
            borders to 2/3 and corners to 4/9.
        patch_size: side of a block in cells, odd; that of the search.

    Returns:
        `[B, C, scale*H, scale*W]` in the dtype of value; differentiable into value.

    Raises:
        ShapeError: ranks, batch sizes, or value size and key_size do not fit together.
        DTypeError: value is not floating point, index not int64, or devices differ.
        OptionError: scale, overlap or patch_size out of range, or index outside the key.

    Examples:
        >>> value = torch.arange(24.0).reshape(1, 1, 4, 6)  # a key of 2 x 3 cells, scale 2
        >>> index = torch.tensor([[[1, 2]]])  # the two cells on the right of row 0
        >>> transfer(value, index, key_size=(2, 3), scale=2)
        tensor([[[[ 2.,  3.,  4.,  5.],
                  [ 8.,  9., 10., 11.]]]])
    """
    check_not_traced("transfer")
    _check(value, index, key_size, scale, overlap, patch_size)
    options = (list(key_size), scale, overlap == "mean", patch_size)
    # Compilers see one operator; eager code gets every kind of derivative.
    if torch.compiler.is_compiling():
        texture: Tensor = _transfer(value, index, *options)
    else:
        texture = _Transfer.apply(value, index, *options)  # type: ignore[no-untyped-call]
    return texture


# Not `custom_op`: its first call imports the compiler of torch, which takes a second.
_NAME = "searchtransfer::transfer"
torch.library.define(
    _NAME,
    "(Tensor value, Tensor index, SymInt[] key_size, SymInt scale, bool mean, int patch_size)"
    " -> Tensor",
)
_transfer = torch.ops.searchtransfer.transfer


@torch.library.impl(_NAME, "default")
@in_own_precision
def _transfer_eagerly(
    value: Tensor, index: Tensor, key_size: list[int], scale: int, mean: bool, patch_size: int
) -> Tensor:
    note_threads()
    batch, channels = value.shape[:2]
    height, width = index.shape[1:]
    texture = value.new_empty(batch, channels, height * scale, width * scale)
    if texture.numel() == 0:
        return texture
    low, high = (int(x) for x in torch.aminmax(index))
    if low < 0 or high >= key_size[0] * key_size[1]:
        raise OptionError(
            f"transfer: index must be in [0, {key_size[0] * key_size[1]}) for a key of "
            f"{key_size[0]} x {key_size[1]} cells, got values from {low} to {high}"
        )
    size = (key_size[0], key_size[1])
    if native.why_not_tensor(value) is None:
        for part, one, where in zip(texture, value, index, strict=True):
            native.transfer(part, one, where, size, scale, patch_size, not mean)
        return texture
    # For one output row: the running sum, the part being added, and two int64 pixel numbers.
    per_row = batch * width * scale**2 * (8 * channels + 16)
    rows = max(1, WORKING_MEMORY // per_row)
    for top in range(0, height, rows):
        check()
        strip = _padded_rows(index, top, min(height, top + rows), patch_size)
        part = _strip(value, strip, size, scale, mean, patch_size)
        texture[:, :, top * scale : (top + rows) * scale] = part
    return texture


def _padded_rows(index: Tensor, top: int, bottom: int, patch_size: int) -> Tensor:
    """Rows of an index with half a block around them: neighbours inside it, -1 outside."""
    radius = patch_size // 2
    upper, lower = max(0, top - radius), min(index.shape[1], bottom + radius)
    beyond = (radius, radius, upper - top + radius, bottom + radius - lower)
    return F.pad(index[:, upper:lower], beyond, value=-1)


def _strip(
    value: Tensor, index: Tensor, key_size: tuple[int, int], scale: int, mean: bool, patch_size: int
) -> Tensor:
    """The texture of a few rows; `index` comes padded by half a block on every side."""
    batch, channels = value.shape[:2]
    height, width = (n - patch_size + 1 for n in index.shape[1:])
    accumulator = torch.promote_types(value.dtype, torch.float32)
    cells = (batch, channels, height, scale, width, scale)
    total = torch.zeros(cells, dtype=accumulator, device=value.device)
    flat = value.flatten(2)
    for source, inside in contributors(index, key_size, patch_size):
        pixels = _pixels(source, key_size[1], scale)
        part = flat.gather(2, pixels[:, None].expand(-1, channels, -1)).view(cells)
        total += part.masked_fill_(~_over_cells(inside), 0)
    if mean:
        total /= _over_cells(_count(index, key_size, patch_size, accumulator))
    else:
        total /= patch_size**2
    return total.view(batch, channels, height * scale, width * scale).to(value.dtype)


def _pixels(source: Int64[Tensor, "b h w"], width: int, scale: int) -> Int64[Tensor, "b n"]:
    """Numbers of the value pixels of key cells, in the pixel order of the output."""
    step = torch.arange(scale, device=source.device)
    row = torch.div(source, width, rounding_mode="floor") * scale
    column = source % width * scale
    rows = row[:, :, None, :, None] + step[:, None, None]  # [B, H, s, W, 1]
    return (rows * (width * scale) + column[:, :, None, :, None] + step).flatten(1)


def _over_cells(x: Tensor) -> Tensor:
    """`[B, H, W]` per cell, ready to meet `[B, C, H, s, W, s]`."""
    return x[:, None, :, None, :, None]


def _count(index: Tensor, key_size: tuple[int, int], patch_size: int, dtype: torch.dtype) -> Tensor:
    """How many blocks contribute to each cell; at least 1, its own."""
    inside = (inside.to(dtype) for _, inside in contributors(index, key_size, patch_size))
    return cast(Tensor, sum(inside))


@torch.library.register_fake(_NAME)  # type: ignore[untyped-decorator]
def _transfer_shape(
    value: Tensor, index: Tensor, key_size: list[int], scale: int, mean: bool, patch_size: int
) -> Tensor:
    return value.new_empty(
        value.shape[0], value.shape[1], index.shape[1] * scale, index.shape[2] * scale
    )


class _Transfer(torch.autograd.Function):
    """The operator for eager code: what `register_autograd` offers, and forward mode and vmap."""

    @staticmethod
    def forward(value: Tensor, index: Tensor, *options: Any) -> Tensor:
        texture: Tensor = _transfer(value, index, *options)
        return texture

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _Transfer.remember(ctx, inputs)
        ctx.save_for_forward(inputs[1])

    @staticmethod
    def remember(ctx: Any, inputs: tuple[Any, ...]) -> None:
        value, index, *ctx.options = inputs
        ctx.value_shape = value.shape
        ctx.save_for_backward(index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (index,) = ctx.saved_tensors
        return _scattered(grad, index, ctx.value_shape, *ctx.options), None, None, None, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Tensor:
        (index,) = ctx.saved_tensors
        texture: Tensor = _Transfer.apply(tangent, index, *ctx.options)  # type: ignore[no-untyped-call]
        return texture

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], value: Tensor, index: Tensor, *options: Any
    ) -> tuple[Tensor, int]:
        inputs = batched(info.batch_size, (value, index), in_dims)
        texture = _Transfer.apply(*inputs, *options)  # type: ignore[no-untyped-call]
        return texture.unflatten(0, (info.batch_size, -1)), 0


def _scattered(
    grad: Tensor,
    index: Tensor,
    value_shape: torch.Size,
    key_size: list[int],
    scale: int,
    mean: bool,
    patch_size: int,
) -> Tensor:
    """What each output cell received, back where it came from."""
    batch, channels = value_shape[:2]
    height, width = index.shape[1:]
    size = (key_size[0], key_size[1])
    padded = pad_index(index, patch_size)
    share = grad.reshape(batch, channels, height, scale, width, scale)
    if mean:
        share = share / _over_cells(_count(padded, size, patch_size, grad.dtype))
    else:
        share = share / patch_size**2
    value_grad = grad.new_zeros(batch, channels, key_size[0] * key_size[1] * scale**2)
    for source, inside in contributors(padded, size, patch_size):
        pixels = _pixels(source, size[1], scale)[:, None].expand(-1, channels, -1)
        part = torch.where(_over_cells(inside), share, 0).flatten(2)
        value_grad = value_grad.scatter_add(2, pixels, part)
    return value_grad.view(value_shape)


torch.library.register_autograd(
    _NAME,
    _Transfer.backward,
    setup_context=lambda ctx, inputs, output: _Transfer.remember(ctx, inputs),
)


def _check(
    value: Tensor,
    index: Tensor,
    key_size: tuple[int, int],
    scale: int,
    overlap: str,
    patch_size: int,
) -> None:
    if not isinstance(scale, int | torch.SymInt) or not 1 <= scale <= MOST_SCALE:
        raise OptionError(f"transfer: scale must be 1 to {MOST_SCALE}, got {scale}")
    check_word("transfer: overlap", overlap, ("mean", "constant"))
    check_odd("transfer", patch_size)
    check_size("transfer: key_size", key_size)
    check_features("transfer: value", value, "[B, C, H, W]")
    if not isinstance(index, Tensor):
        raise DTypeError(f"transfer: index must be a tensor, got {type(index).__name__}")
    if index.dim() != 3:
        raise ShapeError(f"transfer: index must be [B, H, W], got {list(index.shape)}")
    if index.dtype != torch.int64:
        raise DTypeError(f"transfer: index must be int64, got {index.dtype}")
    if value.device != index.device:
        raise DTypeError(
            "transfer: value and index must be on the same device, "
            f"got {value.device} and {index.device}"
        )
    if value.shape[0] != index.shape[0]:
        raise ShapeError(
            "transfer: value and index must have the same batch, "
            f"got {value.shape[0]} and {index.shape[0]}"
        )
    expected = [key_size[0] * scale, key_size[1] * scale]
    if list(value.shape[2:]) != expected:
        raise ShapeError(
            f"transfer: value must be scale * key_size = {scale} * {tuple(key_size)} = "
            f"{expected} pixels, got {list(value.shape[2:])}"
        )

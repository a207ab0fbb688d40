# SPDX-License-Identifier: Apache-2.0
"""Search and transfer in torch's own operators, for graphs that run without this package.

The same answers as `operators.search` and `operators.transfer`, up to rounding; memory of one row
of the query against all key blocks. Slower than the package's own, which no other runtime has.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch._higher_order_ops.scan import scan

from ..operators.contributors import pad_index


def search_in_graph(
    query: Float[Tensor, "b c h w"], key: Float[Tensor, "b c hr wr"], patch_size: int, backend: str
) -> tuple[Float[Tensor, "b h w"], Int64[Tensor, "b h w"]]:
    """What `searchtransfer::search` returns; the backend is that of whoever runs the graph."""
    rows = unit_blocks(query, patch_size).permute(2, 0, 3, 1).contiguous()  # [H, B, W, F]
    keys = unit_blocks(key, patch_size).flatten(2)  # [B, F, N]

    def row(carry: Tensor, blocks: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        score, index = torch.bmm(blocks, keys).max(2)
        return carry.clone(), (score, index)

    # A scan carries something along; here nothing needs it.
    _, (score, index) = scan(row, query.new_zeros(1), rows)
    return score.movedim(0, 1).clamp(-1, 1), index.movedim(0, 1)


def unit_blocks(features: Float[Tensor, "b c h w"], patch_size: int) -> Float[Tensor, "b f h w"]:
    """The block around every cell, of length one; an all-zero block stays zero."""
    radius = patch_size // 2
    height, width = features.shape[2:]
    padded = F.pad(features, (radius, radius, radius, radius))
    cells = [
        padded[:, :, y : y + height, x : x + width]
        for y in range(patch_size)
        for x in range(patch_size)
    ]
    blocks = torch.cat(cells, 1)
    norm = torch.linalg.vector_norm(blocks, dim=1, keepdim=True)
    return blocks / torch.where(norm > 0, norm, 1)


def transfer_in_graph(
    value: Float[Tensor, "b c hv wv"],
    index: Int64[Tensor, "b h w"],
    key_size: list[int],
    scale: int,
    mean: bool,
    patch_size: int,
) -> Float[Tensor, "b c hs ws"]:
    """What `searchtransfer::transfer` returns: gathered cells, over their true count if `mean`."""
    batch, height, width = index.shape
    # The pixels of each key cell below each other, all images side by side: [C*s*s, B*N]
    cells = F.pixel_unshuffle(value, scale).movedim(1, 0).flatten(1)
    sources, inside = _received(index, (key_size[0], key_size[1]), patch_size)
    shares = inside.to(value.dtype).flatten(1)
    first = torch.arange(batch, device=index.device)[:, None] * (key_size[0] * key_size[1])
    total = value.new_zeros(cells.shape[0], batch * height * width)
    for source, share in zip((sources + first).flatten(1), shares, strict=True):
        total = total + cells.index_select(1, source) * share
    mean_of = total / (shares.sum(0) if mean else patch_size**2)
    texture = mean_of.reshape(-1, batch, height, width).movedim(0, 1)
    return F.pixel_shuffle(texture, scale)


def _received(
    index: Int64[Tensor, "b h w"], key_size: tuple[int, int], patch_size: int
) -> tuple[Int64[Tensor, "k b n"], Bool[Tensor, "k b n"]]:
    """What `contributors` yields, of all places of a block at once: a graph of fewer nodes."""
    radius = patch_size // 2
    height, width = index.shape[1:]
    padded = pad_index(index, patch_size)
    steps = [(y, x) for y in range(-radius, radius + 1) for x in range(-radius, radius + 1)]
    chosen = torch.stack(
        [
            padded[:, radius - y : radius - y + height, radius - x : radius - x + width]
            for y, x in steps
        ]
    ).flatten(2)
    cell = torch.arange(patch_size**2, device=index.device)[:, None, None]
    down = torch.div(cell, patch_size, rounding_mode="floor") - radius
    right = cell % patch_size - radius
    first = torch.div(chosen, key_size[1], rounding_mode="floor")
    row, column = first + down, chosen - first * key_size[1] + right
    inside = (chosen >= 0) & (row >= 0) & (row < key_size[0])
    inside = inside & (column >= 0) & (column < key_size[1])
    return torch.where(inside, row * key_size[1] + column, 0), inside


def in_plain_operators() -> dict[Any, Callable[..., Any]]:
    """Which operator of this package is replaced by which function in a graph."""
    operators = torch.ops.searchtransfer
    return {
        operators.search.default: search_in_graph,
        operators.transfer.default: transfer_in_graph,
    }

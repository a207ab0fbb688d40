# SPDX-License-Identifier: Apache-2.0
"""The search as a walk along row diagonals, in plain torch: any device, bounded memory.

The dot product of two blocks is the sum of pixel dot products along a diagonal of the
pixel-correlation tensor. For a row offset `o = key row - query row`, one batched product of all
query rows with their key rows gives every pixel correlation on that diagonal; sums of 3 along the
rows and 3 along the columns turn them into block correlations. The inner size of the product is C
instead of 9 C, and nothing of size (H W) x (Hr Wr) ever exists.

Large inputs are cut into tiles of query cells against tiles of key cells, each with a halo of half
a block, so that the working memory stays below a budget whatever the sizes.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from ..relevance import inverse_norm

WORKING_MEMORY = 64 * 2**20
"""Bytes that one search may use beyond its inputs and outputs."""

MAX_COLUMNS = 256
"""Wider inputs are cut into column blocks: the halo costs 1 % there, and the rows stay in cache."""


class Span(NamedTuple):
    """A range of rows or columns, `[start, stop)`."""

    start: int
    stop: int


def best_match(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "c _ _"]],
    patch_size: int,
    working_memory: int = WORKING_MEMORY,
) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]]:
    """Highest relevance of every query block, and the key block that has it.

    Key blocks are numbered through all keys, in order; ties go to the lowest number.
    `working_memory` is a budget in bytes; it changes no index outside the rounding band.
    """
    radius = patch_size // 2
    height, width = query.shape[1:]
    score = query.new_full((height, width), -torch.inf)
    position = torch.zeros(height, width, dtype=torch.int64, device=query.device)
    first = 0
    for key in keys:
        key_scale = inverse_norm(key[None], patch_size)[0]
        rows, query_width, key_width = _tile_size(query, key, radius, working_memory)
        for y in _spans(height, rows):
            for x in _spans(width, query_width):
                tile = _window(query, y, x, radius).permute(1, 2, 0).contiguous()
                best = score[y.start : y.stop, x.start : x.stop]
                where = position[y.start : y.stop, x.start : x.stop]
                for ky in _spans(key.shape[1], rows):
                    for kx in _spans(key.shape[2], key_width):
                        key_tile = _window(key, ky, kx, radius).permute(1, 0, 2).contiguous()
                        scale = key_scale[ky.start : ky.stop, kx.start : kx.stop]
                        origin = first + ky.start * key.shape[2] + kx.start
                        _walk(tile, key_tile, scale, origin, key.shape[2], best, where)
        first += key.shape[1] * key.shape[2]
    query_scale = inverse_norm(query[None], patch_size)[0]
    return score * query_scale, torch.where(query_scale > 0, position, 0)


def _walk(
    query_rows: Float[Tensor, "n w c"],
    key_rows: Float[Tensor, "m c k"],
    key_scale: Float[Tensor, "mc kc"],
    origin: int,
    pitch: int,
    best: Float[Tensor, "nc wc"],
    where: Int64[Tensor, "nc wc"],
) -> None:
    """Meet every query row with every key row; improve `best` and `where` in place."""
    rows, key_height = best.shape[0], key_scale.shape[0]
    halo = query_rows.shape[0] - rows
    for offset in range(1 - rows, key_height):
        first, last = max(0, -offset), min(rows, key_height - offset)
        pixels = torch.bmm(
            query_rows[first : last + halo], key_rows[first + offset : last + offset + halo]
        )  # [last - first + halo, w, k]
        blocks = _diagonal_sum(pixels, halo)
        blocks *= key_scale[first + offset : last + offset, None]
        relevance, column = blocks.max(dim=2)
        key_row = torch.arange(first + offset, last + offset, device=best.device)[:, None]
        found = origin + key_row * pitch + column
        old, old_where = best[first:last], where[first:last]
        better = (relevance > old) | ((relevance == old) & (found < old_where))
        best[first:last] = torch.where(better, relevance, old)
        where[first:last] = torch.where(better, found, old_where)


def _diagonal_sum(pixels: Float[Tensor, "n w k"], halo: int) -> Float[Tensor, "nc wc kc"]:
    """Sum `halo + 1` pixel correlations down the rows, then along the columns of both images."""
    if halo == 0:
        return pixels
    rows, width, key_width = (n - halo for n in pixels.shape)
    lines = pixels[:rows] + pixels[1 : rows + 1]
    for i in range(2, halo + 1):
        lines += pixels[i : rows + i]
    blocks = lines[:, :width, :key_width] + lines[:, 1 : width + 1, 1 : key_width + 1]
    for i in range(2, halo + 1):
        blocks += lines[:, i : width + i, i : key_width + i]
    return blocks


def _tile_size(
    query: Tensor, key: Tensor, radius: int, working_memory: int
) -> tuple[int, int, int]:
    """Rows of a tile, and the columns of its query and key side, that fit the budget."""
    halo = 2 * radius
    query_width = min(query.shape[2], MAX_COLUMNS)
    key_width = min(key.shape[2], MAX_COLUMNS)
    a, b = query_width + halo, key_width + halo
    per_row = query.element_size() * (2 * (a + b) * query.shape[0] + 3 * a * b)
    return max(1, working_memory // per_row - halo), query_width, key_width


def _spans(size: int, step: int) -> Iterator[Span]:
    for start in range(0, size, step):
        yield Span(start, min(start + step, size))


def _window(
    features: Float[Tensor, "c h w"], rows: Span, columns: Span, halo: int
) -> Float[Tensor, "c n k"]:
    """The cells of a tile and `halo` more on every side, zeros outside the image."""
    height, width = features.shape[1:]
    top, bottom = max(0, rows.start - halo), min(height, rows.stop + halo)
    left, right = max(0, columns.start - halo), min(width, columns.stop + halo)
    padding = (
        left - columns.start + halo,
        columns.stop + halo - right,
        top - rows.start + halo,
        rows.stop + halo - bottom,
    )
    return F.pad(features[:, top:bottom, left:right], padding)

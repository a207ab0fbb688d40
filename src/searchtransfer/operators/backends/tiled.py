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
from itertools import zip_longest
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ..interruption import check
from ..numbering import firsts
from ..relevance import inverse_norm

WORKING_MEMORY = 64 * 2**20
"""Bytes of the tiles that are held at a time. A search takes up to three times as many beyond its
inputs and outputs, whatever the sizes: the allocator keeps what it got. More only where a single
row of `LEAST_COLUMNS` columns needs more, with some thousand channels or very large blocks."""

MAX_COLUMNS = 256
"""Wider inputs are cut into column blocks: the halo costs 1 % there, and the rows stay in cache."""

STRIP = 64
"""Rows whose norms are computed at once."""

LEAST_COLUMNS = 16
"""Narrower tiles are nearly all halo."""


class Span(NamedTuple):
    """A range of rows or columns, `[start, stop)`."""

    start: int
    stop: int

    @property
    def cut(self) -> slice:
        """To index with."""
        return slice(self.start, self.stop)


class TileSize(NamedTuple):
    """Cells of a query tile and a key tile, without their halo."""

    rows: int
    query_columns: int
    key_columns: int


def best_match(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "c _ _"]],
    patch_size: int,
    muted: Sequence[Bool[Tensor, "_ _"] | None] = (),
    working_memory: int = WORKING_MEMORY,
) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]]:
    """Highest relevance of every query block, and the key block that has it.

    Key blocks are numbered through all keys, in order; ties go to the lowest number. A block that
    is `muted` is never found. `working_memory` is a budget in bytes; it changes no index outside
    the rounding band.
    """
    height, width = query.shape[1:]
    score = query.new_full((height, width), -torch.inf)
    position = torch.zeros(height, width, dtype=torch.int64, device=query.device)
    first = firsts(key[0].numel() for key in keys)
    for key, mute, number in zip_longest(keys, muted, first):
        _improve(query, key, patch_size, mute, number, score, position, working_memory)
    for y, x in _tiles(height, width, STRIP, MAX_COLUMNS):
        scale = _block_scale(_window(query, y, x, patch_size // 2), patch_size)
        score[y.cut, x.cut] *= scale
        position[y.cut, x.cut].masked_fill_(scale == 0, 0)
    return score, position


def _improve(
    query: Float[Tensor, "c h w"],
    key: Float[Tensor, "c hr wr"],
    patch_size: int,
    muted: Bool[Tensor, "hr wr"] | None,
    first: int,
    score: Float[Tensor, "h w"],
    position: Int64[Tensor, "h w"],
    working_memory: int,
) -> None:
    """Meet one key, whose first cell has the number `first`; better matches replace others."""
    radius, (height, width), (key_height, key_width) = patch_size // 2, score.shape, key.shape[1:]
    size = _tile_size(query, key, radius, working_memory)
    for ky, kx in _tiles(key_height, key_width, size.rows, size.key_columns):
        window = _window(key, ky, kx, radius)
        scale = _block_scale(window, patch_size)
        key_tile = window.permute(1, 0, 2).contiguous()
        origin = first + ky.start * key_width + kx.start
        mute = None if muted is None else muted[ky.cut, kx.cut]
        for y, x in _tiles(height, width, size.rows, size.query_columns):
            tile = _window(query, y, x, radius).permute(1, 2, 0).contiguous()
            best, where = score[y.cut, x.cut], position[y.cut, x.cut]
            _walk(tile, key_tile, scale, mute, origin, key_width, best, where)


def _walk(
    query_rows: Float[Tensor, "n w c"],
    key_rows: Float[Tensor, "m c k"],
    key_scale: Float[Tensor, "mc kc"],
    muted: Bool[Tensor, "mc kc"] | None,
    origin: int,
    pitch: int,
    best: Float[Tensor, "nc wc"],
    where: Int64[Tensor, "nc wc"],
) -> None:
    """Meet every query row with every key row; improve `best` and `where` in place."""
    rows, key_height = best.shape[0], key_scale.shape[0]
    halo = query_rows.shape[0] - rows
    for offset in range(1 - rows, key_height):
        if not torch.compiler.is_compiling():
            check()
        first, last = max(0, -offset), min(rows, key_height - offset)
        best[first:last], where[first:last] = improved(
            query_rows[first : last + halo],
            key_rows[first + offset : last + offset + halo],
            key_scale[first + offset : last + offset],
            None if muted is None else muted[first + offset : last + offset],
            origin + (first + offset) * pitch,
            pitch,
            best[first:last],
            where[first:last],
        )


def improved(
    query_rows: Float[Tensor, "n w c"],
    key_rows: Float[Tensor, "n c k"],
    key_scale: Float[Tensor, "nc kc"],
    muted: Bool[Tensor, "nc kc"] | None,
    origin: int,
    pitch: int,
    best: Float[Tensor, "nc wc"],
    where: Int64[Tensor, "nc wc"],
) -> tuple[Float[Tensor, "nc wc"], Int64[Tensor, "nc wc"]]:
    """Meet each query row with its key row; the better of what is found and what was best.

    All that a search computes is in here, without a read or a branch on values: a compiler makes
    one product and one pass over its result of it.
    """
    blocks = _diagonal_sum(torch.bmm(query_rows, key_rows), len(query_rows) - len(key_scale))
    blocks = blocks * key_scale[:, None]
    if muted is not None:
        blocks = blocks.masked_fill(muted[:, None], -torch.inf)
    relevance, column = blocks.max(dim=2)
    row = torch.arange(len(key_scale), device=best.device)[:, None]
    found = origin + row * pitch + column
    better = (relevance > best) | ((relevance == best) & (found < where))
    return torch.where(better, relevance, best), torch.where(better, found, where)


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


def _tile_size(query: Tensor, key: Tensor, radius: int, working_memory: int) -> TileSize:
    """What fits the budget: narrower where a few rows of full width would not."""
    halo = 2 * radius
    columns = MAX_COLUMNS
    while True:
        query_columns, key_columns = min(query.shape[2], columns), min(key.shape[2], columns)
        a, b = query_columns + halo, key_columns + halo
        # Both sides with their copies, norms, and three times the products: rows, lines, blocks.
        per_row = query.element_size() * ((2 * query.shape[0] + 6) * (a + b) + 3 * a * b)
        rows = working_memory // per_row - halo
        if rows >= halo or columns <= LEAST_COLUMNS:
            return TileSize(max(1, rows), query_columns, key_columns)
        columns //= 2


def _block_scale(window: Float[Tensor, "c n w"], patch_size: int) -> Float[Tensor, "nc wc"]:
    """One over the norm of each block inside a window; 0 for an all-zero block."""
    inner = slice(patch_size // 2, -(patch_size // 2) or None)
    return inverse_norm(window[None], patch_size)[0, inner, inner]


def _tiles(height: int, width: int, rows: int, columns: int) -> Iterator[tuple[Span, Span]]:
    for y in _spans(height, rows):
        for x in _spans(width, columns):
            yield y, x


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

# SPDX-License-Identifier: Apache-2.0
"""Seeds: the best whole-cell match of every cell, or of some cells, among all cells of copies."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..operators import Keys, search_views
from ..operators.descriptors import describe
from .copy import Copy
from .field import Field

Watch = Callable[[float], None]
"""Called with the share that is done; an exception raised in it ends the work."""

STRIP = 150_000
"""Cells of a copy that are searched in one go, about: prepared, they take 800 bytes each. The keys
of copies with no more are kept with them."""

ROWS = 64
"""Query rows searched at a time, between two reports of progress."""


@dataclass(frozen=True)
class Query:
    """Cells of a small image that are looked for, evenly spread."""

    described: Float[Tensor, "c h w"]
    stride: int
    """Every so many rows and columns of the image."""
    backend: str = "auto"

    @classmethod
    def of(cls, colour: Float[Tensor, "3 h w"], stride: int = 1, backend: str = "auto") -> "Query":
        """Of an image in [0, 1]."""
        return cls(describe(colour)[:, ::stride, ::stride].contiguous(), stride, backend)


class Cells(NamedTuple):
    """The best cell among keys for each cell of a query."""

    score: Float[Tensor, "h w"]
    place: Int64[Tensor, "h w 2"]
    """Row and column."""


def best_cells(query: Query, keys: Keys, watch: Watch) -> Cells:
    """Search one view, some rows of the query at a time."""
    described = query.described[None]
    parts = []
    for top in range(0, described.shape[2], ROWS):
        watch(top / described.shape[2])
        rows = described[:, :, top : top + ROWS].contiguous()
        parts.append(search_views(rows, keys, patch_size=1, backend=query.backend))
    score, index, _ = (torch.cat(x, dim=1)[0] for x in zip(*parts, strict=True))
    columns = keys.views[0].shape[2]
    row = torch.div(index, columns, rounding_mode="floor")
    return Cells(score, torch.stack([row, index - row * columns], -1))


def seeds(
    query: Query, copies: Sequence[Copy], phases: int, watch: Watch = lambda done: None
) -> Field:
    """The best match of each cell, as maps; ties go to the first copy and its lowest cell.

    Args:
        query: what is looked for.
        copies: where, in all cells that show the photo.
        phases: sub-cell positions that a copy is reduced at, along each side.
        watch: called with the share that is done.
    """
    cells = sum(copy.cells for copy in copies) * phases**2
    best: Field | None = None
    done = 0
    for number, copy in enumerate(copies):
        for keys, row, column in _views(copy, phases):
            count = keys.counts[0]
            first, part = done / cells, count / cells
            score, place = best_cells(query, keys, lambda x, a=first, b=part: watch(min(1, a + b * x)))
            done += count
            centre = copy.scale * place + place.new_tensor([row, column]) + (copy.scale - 1) / 2
            still = torch.eye(2, dtype=score.dtype, device=score.device)
            still = still.expand(*score.shape, 2, 2).contiguous()
            which = torch.full(score.shape, number, device=score.device)
            found = Field(which, centre.to(score), still, score)
            best = found if best is None else best.where(found, found.score > best.score)
    if best is None:
        raise ValueError("there is no copy to search")
    return best


def _views(copy: Copy, phases: int) -> Iterator[tuple[Keys, int, int]]:
    """The reduced copy from every phase, in strips, and the pixel that each strip begins at."""
    scale = copy.scale
    first = [scale * i // phases for i in range(phases)]
    for y in first:
        for x in first:
            shown = copy.blurred[:, y::scale, x::scale]
            if not shown.numel():
                continue
            rows = max(1, STRIP // shown.shape[2])
            if shown.shape[1] <= rows:
                yield copy.once(("keys", y, x), lambda y=y, x=x: _keys(copy, y, x)), y, x
                continue
            for top in range(0, shown.shape[1], rows):
                yield _keys(copy, y, x, top, top + rows), y + scale * top, x


def _keys(copy: Copy, y: int, x: int, top: int = 0, bottom: int | None = None) -> Keys:
    """Descriptors of some rows of the copy reduced from a phase; zero outside the photo."""
    reduced = copy.blurred[:, y :: copy.scale, x :: copy.scale]
    bottom = reduced.shape[1] if bottom is None else min(bottom, reduced.shape[1])
    # A patch sees two rows beyond its own.
    start = max(0, top - 2)
    described = describe(reduced[:, start : bottom + 2])[:, top - start : bottom - start]
    if copy.is_shown is not None:
        described = described * copy.is_shown[y :: copy.scale, x :: copy.scale][top:bottom]
    return Keys([described.contiguous()], patch_size=1, copy=False)

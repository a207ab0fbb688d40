# SPDX-License-Identifier: Apache-2.0
"""Seeds: the best whole-cell match of every cell, or of some cells, among all cells of copies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
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
    def of(
        cls,
        colour: Float[Tensor, "3 h w"],
        stride: int = 1,
        backend: str = "auto",
        noise: float = 0.0,
    ) -> "Query":
        """Of an image in [0, 1], with noise in grey levels."""
        return cls(describe(colour, noise)[:, ::stride, ::stride].contiguous(), stride, backend)


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
    best: Field | None = None
    for number, copy in enumerate(copies):
        views = _views(copy, phases)
        for part, view in enumerate(views):
            done = number * len(views) + part
            keys = view.keys()
            score, place = best_cells(query, keys, part_of(watch, done, len(copies) * len(views)))
            first = copy.scale * place + place.new_tensor([view.row, view.column])
            centre = first.to(score) + (copy.scale - 1) / 2
            still = torch.eye(2, dtype=score.dtype, device=score.device)
            still = still.expand(*score.shape, 2, 2).contiguous()
            which = torch.full(score.shape, number, dtype=torch.int64, device=score.device)
            found = Field(which, centre, still, score)
            best = found if best is None else best.where(found, found.score > best.score)
    if best is None:
        raise ValueError("there is no copy to search")
    return best


def part_of(watch: Watch, number: int, parts: int) -> Watch:
    """The watch of one of several equal parts of a job."""
    return lambda done: watch((number + done) / parts)


class _View(NamedTuple):
    """A strip of a reduced copy."""

    row: int
    """Pixel of the copy that it begins at."""
    column: int
    keys: Callable[[], Keys]


def _views(copy: Copy, phases: int) -> list[_View]:
    """The reduced copy from every phase, in strips."""
    scale = copy.scale
    first = [scale * i // phases for i in range(phases)]
    found = []
    for y in first:
        for x in first:
            height, width = copy.blurred[0, y::scale, x::scale].shape
            if not height * width:
                continue
            rows = max(1, STRIP // width)
            if height <= rows:
                make = partial(_keys, copy, y, x, 0, height)
                found.append(_View(y, x, partial(copy.once, ("keys", y, x), make)))
            else:
                found += [
                    _View(y + scale * top, x, partial(_keys, copy, y, x, top, top + rows))
                    for top in range(0, height, rows)
                ]
    return found


def _keys(copy: Copy, y: int, x: int, top: int, bottom: int) -> Keys:
    """Descriptors of some rows of the copy reduced from a phase; zero outside the photo."""
    reduced = copy.blurred[:, y :: copy.scale, x :: copy.scale]
    bottom = min(bottom, reduced.shape[1])
    # A patch sees two rows beyond its own.
    start = max(0, top - 2)
    described = describe(reduced[:, start : bottom + 2], copy.noise)[
        :, top - start : bottom - start
    ]
    if copy.is_shown is not None:
        described = described * copy.is_shown[y :: copy.scale, x :: copy.scale][top:bottom]
    return Keys([described.contiguous()], patch_size=1, copy=False)

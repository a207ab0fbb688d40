# SPDX-License-Identifier: Apache-2.0
"""Seeds: the best whole-cell match of every cell, or of some cells, among all cells of copies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..operators import Keys, search_views
from ..operators.descriptors import describe
from .copy import Copy
from .field import Field

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
    def of(cls, colour: Float[Tensor, "3 h w"], stride: int, backend: str = "auto") -> "Query":
        """Of an image in [0, 1]."""
        return cls(describe(colour)[:, ::stride, ::stride].contiguous(), stride, backend)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of them."""
        return self.described.shape[1], self.described.shape[2]

    @property
    def cells(self) -> int:
        """How many."""
        return self.size[0] * self.size[1]


def seeds(
    query: Query,
    copies: Sequence[Copy],
    phases: int,
    watch: Callable[[float], None] = lambda done: None,
) -> Field:
    """The best match of each cell, as maps; ties go to the first copy and its lowest cell.

    Args:
        query: what is looked for.
        copies: where, in all cells that show the photo.
        phases: sub-cell positions that a copy is reduced at, along each side.
        watch: called with the share that is done; an exception raised in it ends the work.
    """
    best: Field | None = None
    for number, copy in enumerate(copies):
        keys, origins, columns = copy_keys(copy, phases)
        parts = []
        for top in range(0, query.size[0], ROWS):
            watch((number + top / query.size[0]) / len(copies))
            rows = query.described[None, :, top : top + ROWS].contiguous()
            parts.append(search_views(rows, keys, patch_size=1, backend=query.backend))
        score, index, view = (torch.cat(x, dim=1)[0] for x in zip(*parts, strict=True))
        row = torch.div(index, columns[view], rounding_mode="floor")
        cell = torch.stack([row, index - row * columns[view]], -1)
        centre = (copy.scale * cell + origins[view]).to(score) + (copy.scale - 1) / 2
        same = torch.eye(2, dtype=score.dtype, device=score.device).expand(*score.shape, 2, 2)
        found = Field(torch.full_like(index, number), centre, same.contiguous(), score)
        best = found if best is None else best.where(found, found.score > best.score)
    if best is None:
        raise ValueError("there is no copy to search")
    return best


def copy_keys(copy: Copy, phases: int) -> tuple[Keys, Tensor, Tensor]:
    """The descriptors of a copy, reduced at evenly spread phases; kept with it.

    Returns:
        The keys; first pixel of each view; columns of each view.
    """
    phases = min(phases, copy.scale)
    kept = copy.kept.get(phases)
    if kept is None:
        first = [copy.scale * i // phases for i in range(phases)]
        origins, views = [], []
        for y in first:
            for x in first:
                view = copy.blurred[:, y :: copy.scale, x :: copy.scale]
                if not view.numel():
                    continue
                key = describe(view)
                if copy.is_shown is not None:
                    key *= copy.is_shown[y :: copy.scale, x :: copy.scale]
                origins.append([y, x])
                views.append(key)
        columns = torch.tensor([view.shape[2] for view in views])
        kept = Keys(views, patch_size=1), torch.tensor(origins), columns
        copy.kept[phases] = kept
    return kept

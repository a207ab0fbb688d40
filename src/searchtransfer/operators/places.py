# SPDX-License-Identifier: Apache-2.0
"""All places of a photo at which a cell can begin, of all its views, in one grid.

The view from phase (dy, dx) has its cells at pixels dy, dy + scale, ...; all views together have
one at every pixel. In this order the phases around a place lie side by side in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .descriptors import SIDE, describe

STRIP_BYTES = 3 * 2**29
"""Memory for the descriptors of a strip: all of a photo of 2160 x 3840 pixels at scale 4."""


@dataclass(frozen=True)
class PhotoPlaces:
    """The places of one photo.

    Args:
        views: the reduced photo, `[3, h, w]`, from each phase `(dy, dx)`, in places.
        step: places to a cell along each side: the scale where all phases are there, else 1.
        first: number of the first cell of each view, through all views of all photos.
    """

    views: dict[tuple[int, int], Float[Tensor, "3 _ _"]]
    step: int
    first: dict[tuple[int, int], int]

    @cached_property
    def size(self) -> tuple[int, int]:
        """Rows and columns of places."""
        rows = sum(view.shape[1] for (_, dx), view in self.views.items() if dx == 0)
        return rows, sum(view.shape[2] for (dy, _), view in self.views.items() if dy == 0)

    def label(self, row: Int64[Tensor, "*n"], column: Int64[Tensor, "*n"]) -> Int64[Tensor, "*n"]:
        """The number of the cell at a place, through all views."""
        first, columns = self._tables
        phase = row % self.step * self.step + column % self.step
        cell = torch.div(row, self.step, rounding_mode="floor") * columns[phase]
        return first[phase] + cell + torch.div(column, self.step, rounding_mode="floor")

    def strips(self, side: int) -> Iterator["Strip"]:
        """The photo in strips of rows, one after the other in bounded memory."""
        rows = max(1, STRIP_BYTES * self.size[0] // self.bytes - side)
        for top in range(0, self.size[0], rows):
            yield Strip(self, top, min(top + rows, self.size[0]), side)

    @cached_property
    def bytes(self) -> int:
        """Memory of all descriptors."""
        one = describe(self.views[0, 0][:, :1, :1])
        return self.size[0] * self.size[1] * one.shape[0] * one.element_size()

    @cached_property
    def _tables(self) -> tuple[Int64[Tensor, " p"], Int64[Tensor, " p"]]:
        """Number of the first cell, and columns, of the view of each phase."""
        device = self.views[0, 0].device
        phases = [(dy, dx) for dy in range(self.step) for dx in range(self.step)]
        first = [self.first.get(phase, 0) for phase in phases]
        columns = [self.views[p].shape[2] if p in self.views else 0 for p in phases]
        return torch.tensor(first, device=device), torch.tensor(columns, device=device)


class Strip:
    """Unit descriptors of all windows of `side` rows that begin from row `top` to `bottom`."""

    def __init__(self, places: PhotoPlaces, top: int, bottom: int, side: int) -> None:
        self.places, self.top, self.bottom = places, top, bottom
        end = min(bottom + side - 1, places.size[0])
        rows = None
        for (dy, dx), view in places.views.items():
            first = max(0, -((dy - top) // places.step))  # the first cell from row `top` on
            count = max(0, -((dy - end) // places.step)) - first
            if count <= 0:
                continue
            described = unit_rows(_described_rows(view, first, count))
            if rows is None:
                rows = described.new_empty(end - top, places.size[1], described.shape[2])
            rows[first * places.step + dy - top :: places.step, dx :: places.step] = described
        self._rows = rows.flatten(0, 1) if rows is not None else torch.empty(0)

    def gather(
        self,
        top: Int64[Tensor, " n"],
        left: Int64[Tensor, " n"],
        down: Int64[Tensor, " k"],
        right: Int64[Tensor, " k"],
    ) -> Float[Tensor, "n k c"]:
        """The descriptors of windows: at their first places, and steps down and right from there.

        All of them must lie inside the strip.
        """
        first = (top - self.top) * self.places.size[1] + left
        where = first[:, None] + (down * self.places.size[1] + right)
        return self._rows.index_select(0, where.flatten()).view(*where.shape, -1)


def _described_rows(view: Float[Tensor, "3 h w"], first: int, count: int) -> Tensor:
    """Descriptors of some rows of a view, as those of the whole view: `[C, count, W]`."""
    start = max(0, first - SIDE // 2)
    seen = view[:, start : first + count + SIDE // 2]
    return describe(seen)[:, first - start : first - start + count]


def unit_rows(features: Float[Tensor, "c h w"]) -> Float[Tensor, "h w c"]:
    """Cells of norm one, or zero, channels last."""
    norm = features.square().sum(0).sqrt()
    return (features / norm.clamp(min=1e-30)).permute(1, 2, 0).contiguous()

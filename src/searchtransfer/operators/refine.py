# SPDX-License-Identifier: Apache-2.0
"""Local search: better matches in the neighbourhood of the matches one has.

Two moves, as in PatchMatch (Barnes et al., 2009), but exhaustive in their window and without
randomness: a cell also tries where its neighbours' matches say it should be, and every candidate
tries all cells (or all sub-cell phases) around it.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor


class Places(NamedTuple):
    """One position for each query cell, in whatever unit the caller counts."""

    photo: Int64[Tensor, "h w"]
    row: Int64[Tensor, "h w"]
    column: Int64[Tensor, "h w"]


def neighbours_places(places: Places, step: int) -> list[Places]:
    """The own place of every cell, and where its four neighbours' places put it.

    A cell whose right neighbour was found at column x belongs at column x - step, and so on.
    """
    candidates = [places]
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        photo, row, column = (_shifted(x, dy, dx) for x in places)
        candidates.append(Places(photo, row - dy * step, column - dx * step))
    return candidates


class Best:
    """The best match of each query cell so far, as candidates are tried.

    Ties go to the lowest label, whatever the order in which candidates come.
    """

    def __init__(self, query: Float[Tensor, "c h w"]) -> None:
        unit = query / torch.linalg.vector_norm(query, dim=0).clamp(min=1e-30)
        self._query = unit.flatten(1).T.contiguous()  # [H*W, C]: one gathered row, one product
        self._size = (query.shape[1], query.shape[2])
        self.score = query.new_full(self._size, -torch.inf)
        self.label = torch.zeros(self._size, dtype=torch.int64, device=query.device)

    def try_cells(
        self,
        key: "KeyRows",
        row: Int64[Tensor, "h w"],
        column: Int64[Tensor, "h w"],
        first_label: int,
        among: Tensor | None = None,
    ) -> None:
        """Try one key cell for each query cell; those outside the key are moved to its border.

        Args:
            key: the key.
            row, column: the cell.
            first_label: label of the key's first cell; the others follow in row-major order.
            among: `[H, W]` bool, the query cells that take part; None for all.
        """
        height, width = key.size
        cell = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).flatten()
        relevance = torch.cat(
            [
                (query * key.rows[cells]).sum(1)
                for query, cells in zip(
                    torch.split(self._query, CELLS), torch.split(cell, CELLS), strict=True
                )
            ]
        ).view(self._size)
        label = (cell + first_label).view(self._size)
        better = (relevance > self.score) | ((relevance == self.score) & (label < self.label))
        if among is not None:
            better &= among
        self.score = torch.where(better, relevance, self.score)
        self.label = torch.where(better, label, self.label)


CELLS = 2**16
"""Query cells compared at a time."""


class KeyRows:
    """A key as unit rows, `[Hr*Wr, C]`, ready to be gathered from."""

    def __init__(self, key: Float[Tensor, "c hr wr"]) -> None:
        self.size = (key.shape[1], key.shape[2])
        norm = torch.linalg.vector_norm(key, dim=0).clamp(min=1e-30)
        self.rows = (key / norm).flatten(1).T.contiguous()


def _shifted(x: Int64[Tensor, "h w"], dy: int, dx: int) -> Int64[Tensor, "h w"]:
    """At (r, c) the value of (r + dy, c + dx); the border is repeated."""
    padded = F.pad(x[None].double(), (1, 1, 1, 1), mode="replicate")[0].long()
    height, width = x.shape
    return padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]

# SPDX-License-Identifier: Apache-2.0
"""How much is searched, chosen from sizes alone: so that the same pair gives the same picture."""

from dataclasses import dataclass
from typing import Literal

from ..errors import OptionError

SearchMode = Literal["exact", "refine", "auto"]
MODES = ("exact", "refine", "auto")

SEED_PAIRS, PAIRS_A_CELL = 2 * 10**9, 20_000
"""Pairs that "auto" compares to find seeds: so many at least, and so many for each cell of the
image. Seeds from every second row and column cost 0.02 dB, from every fourth 0.1 dB."""


@dataclass(frozen=True)
class Plan:
    """How the seeds will be found, and what that costs."""

    pairs: int
    """Pairs of cells that are compared."""
    phases: int = 1
    """Positions that the copies are reduced at, along each side."""
    stride: int = 1
    """Every so many rows and columns of the image take part."""
    halvings: int = 0
    """Times that image and copies are halved first."""

    def __str__(self) -> str:
        if self.phases > 1:
            return f"exact, {self.pairs:.2g} pairs"
        every = "every cell" if self.stride == 1 else f"one of {self.stride} rows and columns"
        smaller = f" at 1/{2**self.halvings} of the size" if self.halvings else ""
        return f"from {every}{smaller}, {self.pairs:.2g} pairs"


def plan_search(size: tuple[int, int], cells: int, scale: int, mode: str = "auto") -> Plan:
    """Choose a search from the sizes alone.

    Args:
        size: `(H, W)` of the small image.
        cells: of all copies together, at one phase.
        scale: pixels of a cell on a side.
        mode: "exact": all cells, at all phases; "refine": some cells at one phase, however small
            the image; "auto": all cells where that is quick.

    Raises:
        OptionError: no such mode.
    """
    if mode not in MODES:
        raise OptionError(f"search must be one of {', '.join(MODES)}, got {mode!r}")
    pairs = size[0] * size[1] * cells
    if mode == "exact":
        return Plan(pairs * scale**2, scale)
    stride = 1 if mode == "auto" else 2
    most = max(SEED_PAIRS, PAIRS_A_CELL * size[0] * size[1])
    while _strided(size, stride) * cells > most and stride < max(size):
        stride += 1
    return Plan(_strided(size, stride) * cells, 1, stride)


def _strided(size: tuple[int, int], stride: int) -> int:
    return -(-size[0] // stride) * -(-size[1] // stride)

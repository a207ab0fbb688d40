# SPDX-License-Identifier: Apache-2.0
"""How many components to multiply first: the depth that promises the least work.

Costs are in multiply-adds of the float32 row product (`docs/design/native-search.md` has the
measurements). They decide how fast the answer comes, never which it is.
"""

from typing import NamedTuple

from .native_features import rounded_depth
from .native_kernel import LEVEL, PLANE, TILE

WALK = 32
"""Sums, bound and comparison of a pair."""
TILED_WALK = 9
"""The same for rounded cells."""
TILED_NUMBER = 0.44
"""A number of a rounded cell."""
OPEN = 2600
"""A pair left open."""
STAGE = 1800
"""One stage of its evaluation."""
EXACT = 10
"""A multiply-add of an exact product, which reads memory."""
TILED_OPEN = 5
"""Pairs of a query, about, that only rounding leaves open."""


class Work(NamedTuple):
    """What a search has to do, whatever the depth."""

    channels: int
    exact: int
    """Multiply-adds of an exact product."""
    key_cells: int
    tiled: bool
    """The walk multiplies rounded cells in matrix tiles."""


def cheapest_depth(work: Work, share: list[float]) -> int:
    """The depth of least cost; 0: all channels, without pruning.

    Args:
        work: what is searched.
        share: of all pairs, that stay open after `LEVEL`, 2 `LEVEL`, ... components.
    """
    exact = EXACT * work.exact
    least, best = float(WALK + work.channels), 0
    if work.tiled:
        least = TILED_WALK + TILED_NUMBER * rounded_depth(0, work.channels)
        least += TILED_OPEN / work.key_cells * exact
    step = TILE // LEVEL if work.tiled else 1
    for level in range(step - 1, len(share), step):
        depth = LEVEL * (level + 1)
        stages = sum(share[level :: PLANE // LEVEL])
        walk = TILED_WALK + TILED_NUMBER * depth if work.tiled else WALK + depth
        cost = walk + OPEN * share[level] + STAGE * stages + share[-1] * exact
        if cost < least:
            least, best = cost, depth
    return best

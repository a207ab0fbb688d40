# SPDX-License-Identifier: Apache-2.0
"""One query against prepared keys: seed, measure, walk, score.

Each step raises the best match so far; `docs/design/native-search.md` explains why the last one is
the exact argmax.
"""

from enum import IntEnum
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ...errors import NonFiniteError, OptionError
from .native_cost import Work, cheapest_depth
from .native_features import (
    Features,
    bounds_at,
    described,
    halved,
    rotation_error,
    rounded_depth,
)
from .native_jobs import Map, Probe, Scoring, Search, Seeding, array_of
from .native_kernel import (
    LEVEL,
    MOST_ROUNDED,
    PLANE,
    ROUND,
    TILE,
    UNSEEN,
    buffer,
    filled,
    has_tiles,
    lanes,
    run,
)
from .native_keys import DEFAULTS, NativeKeys, Options
from .native_layout import bordered_cells

TINY = 2.0**-126
"""The smallest normal float32."""

MOST_TILED_PATCH = 7
"""Beyond, keeping row products beats multiplying them again in matrix tiles."""


class Walk(IntEnum):
    """What a walk multiplies (`_native/kernel.h`)."""

    CELLS = 0
    HEADS = 1
    ROUNDED = 2


class Statistics(NamedTuple):
    """What a search did."""

    depth: int
    """Components that the walk multiplied; 0: all channels, without pruning."""
    pairs: int
    """Pairs of a query and a key block that the walk compared."""
    open: int
    """Pairs that the walk's bound left open."""
    exact: int
    """Pairs evaluated with all channels."""


class Attempt:
    """One query against prepared keys: the running best, and the steps that raise it."""

    def __init__(self, query: Features, keys: NativeKeys, options: Options) -> None:
        self.query, self.keys, self.options = query, keys, options
        self.best = filled(*query.size, value=UNSEEN)
        self.counts = filled(3, value=0)
        self.tiled = (
            has_tiles(options.kernel)
            and keys.patch_size <= MOST_TILED_PATCH
            and rounded_depth(0, keys.channels) <= MOST_ROUNDED
        )
        relative, absolute = self._slack()
        self.slack = query.scale * relative + absolute

    def seed(self) -> None:
        """Good first matches: a search at half the size, then neighbours' matches."""
        query, coarse = halved(self.query), self.keys.coarse
        best = filled(*query.size, value=UNSEEN)
        job = Search(
            query=_map(query, walked=query.cells.values),
            keys=array_of([_map(coarse, panels=coarse.cell_panels)]),
            key_count=1,
            patch_size=self.keys.patch_size,
            cell_step=LEVEL,
            walked_step=LEVEL,
            depth=LEVEL,
            panel_depth=LEVEL,
            best=best,
            counts=filled(3, value=0),
            threads=self.options.workers,
        )
        run("search", self.options.kernel, job)
        run("seed", self.options.kernel, Seeding(search=self._job(), coarse=best))

    def cheapest_depth(self) -> int:
        """The depth that promises the least work, from the survivors of a sample; 0: no pruning."""
        key = self.keys.features[0]
        levels = key.depth // LEVEL
        survivors = filled(levels + 1, value=0)
        job = Probe(
            search=self._job(),
            query_stride=_stride(self.query.energy.numel(), 32),
            key_stride=_stride(key.energy.numel(), 2500),
            survivors=survivors,
        )
        run("probe", self.options.kernel, job)
        share = (survivors[:-1].double() / max(1, int(survivors[-1]))).tolist()
        exact = self.keys.patch_size**2 * self.query.cells.step
        work = Work(self.keys.channels, exact, self.keys.cell_count, self.tiled)
        return cheapest_depth(work, share)

    def search(self, depth: int, rounded: bool = True) -> None:
        """Walk all diagonals of all keys; what is better than the best so far replaces it.

        Args:
            depth: components to multiply first; 0: all channels.
            rounded: in matrix tiles where they can.
        """
        walk = Walk.HEADS if depth else Walk.CELLS
        if self.tiled and rounded:
            walk = Walk.ROUNDED
        if walk == Walk.CELLS:  # it decides alone
            self.best.fill_(UNSEEN)
        run("search", self.options.kernel, self._job(walk, depth))

    def scored(self) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]]:
        """The matches, scored with all channels.

        Raises:
            NonFiniteError: a query met nothing that can be compared.
        """
        score = buffer(*self.query.size)
        position = buffer(*self.query.size, dtype=torch.int64)
        job = Scoring(
            search=self._job(),
            query_energy=self.query.energy,
            key_energy=self.keys.energy,
            score=score,
            position=position,
        )
        run("score", self.options.kernel, job)
        if bool(score.isnan().any()):
            raise NonFiniteError("search: the features were changed to NaN while it ran")
        return score, position

    def _slack(self) -> tuple[float, float]:
        """Rounding margin of partial product + bound against an exact score: relative, absolute."""
        size, step = self.keys.patch_size, self.query.cells.step
        heads = self.query.depth
        wide = lanes()[self.options.kernel or next(iter(lanes()))]
        exact = size * (-(-size * step // (4 * wide)) + 3) + 8  # roundings in a row
        partial = heads * size * size // wide + 3 * heads // PLANE + heads + 2 * size + 16
        tiles = 2 * (size * (rounded_depth(0, step) + TILE) // TILE + size * (size + 2) + TILE)
        relative = 1.01 * ROUND * (exact + max(partial, tiles))
        relative += 2.01 * rotation_error(step, heads)
        absolute = 2 * size * size * (step + heads) * TINY * self.keys.largest_scale
        return relative * (1 + 2.0**-20), absolute

    def _job(self, walk: Walk | None = None, depth: int = 0) -> Search:
        keys, query = self.keys, self.query
        heads, step = query.depth, query.cells.step
        is_heads = walk == Walk.HEADS
        walked = query.walked(depth) if walk in (Walk.HEADS, Walk.CELLS) else None
        tails = keys.tail(depth) if is_heads else [None] * len(keys.features)
        maps = [
            _map(f, first=first, tail=tail, **_multiplied(f, walk, depth))
            for f, first, tail in zip(keys.features, keys.first, tails, strict=True)
        ]
        return Search(
            query=_map(
                query,
                tail=query.tails[..., depth // LEVEL - 1].contiguous() if is_heads else None,
                walked=walked,
                rounded=query.rounded(depth) if walk == Walk.ROUNDED else None,
            ),
            keys=array_of(maps),
            key_count=len(maps),
            patch_size=keys.patch_size,
            cell_step=step,
            heads=heads,
            walked_step=walked.shape[2] if walked is not None else 0,
            depth=keys.channels if walk == Walk.CELLS else depth,
            panel_depth=heads if is_heads else step,
            walk=int(walk or 0),
            rounded_depth=rounded_depth(depth, keys.channels),
            bounds=bounds_at(depth, keys.channels),
            slack=self.slack,
            best=self.best,
            counts=self.counts,
            query_block=self.options.query_block,
            key_block=self.options.key_block,
            threads=self.options.workers,
        )


def _map(features: Features, **fields: Any) -> Map:
    return Map(
        cells=features.cells.values,
        heads=features.heads,
        scale=features.scale,
        tails=features.tails,
        height=features.size[0],
        width=features.size[1],
        **fields,
    )


def _multiplied(key: Features, walk: Walk | None, depth: int) -> dict[str, Tensor]:
    """The layout of a key that a walk reads; none when there is no walk."""
    if walk is None:
        return {}
    if walk == Walk.ROUNDED:
        return {"rounded": key.rounded(depth)}
    return {"panels": key.head_panels if walk == Walk.HEADS else key.cell_panels}


def query_features(query: Float[Tensor, "c h w"], keys: NativeKeys, options: Options) -> Features:
    """A query laid out as the keys are, in their basis."""
    cells = bordered_cells(query, keys.patch_size, False, options.kernel, options.workers)
    return described(cells, keys.basis)


def checked_depth(depth: int, keys: NativeKeys) -> int:
    """The depth, if these keys can be walked at it."""
    most = keys.basis.shape[1]
    if depth % LEVEL or not 0 <= depth <= most:
        raise OptionError(
            f"depth must be 0 or a multiple of {LEVEL} up to {most}, got {depth}; "
            "None lets the cost model choose"
        )
    return depth


def walk_only(
    query: Float[Tensor, "c h w"], keys: NativeKeys, options: Options = DEFAULTS
) -> Int64[Tensor, "h w"]:
    """The float32 walk over all channels and nothing else, for measuring: packed best matches."""
    attempt = Attempt(query_features(query, keys, options), keys, options)
    attempt.search(0, rounded=False)
    return attempt.best


def _stride(cells: int, samples: int) -> int:
    """A stride that takes about so many samples; odd, so as not to walk down one column."""
    return max(1, cells // samples) | 1

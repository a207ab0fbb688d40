# SPDX-License-Identifier: Apache-2.0
"""One query against prepared keys: seed, measure, walk, score.

Each step raises the best match so far; `docs/design/native-search.md` explains why the last one is
the exact argmax.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from ...errors import OptionError
from .native_features import (
    LEVEL,
    ROUND,
    Features,
    block_energy,
    bordered_cells,
    described,
    lanes,
    rotation_error,
    rounded_up,
    run,
)
from .native_jobs import Map, Probe, Scoring, Search, Seeding, array_of
from .native_keys import DEFAULTS, NativeKeys, Options, halved

UNSEEN = 0x007FFFFF00000000
"""A packed best (`_native/best.h`) below every other: score -inf, the last position."""

TINY = 2.0**-126

STAGE = 32
"""Components more from bound to bound when a pair is evaluated (`_native/prune.h`)."""

WALK_COST = 28
"""Sums, bound and comparison of a pair, in multiply-adds of the product."""
STAGE_COST = 1800
"""One stage of an evaluation, in the same unit."""
EXACT_COST = 6
"""A multiply-add of an exact product, in the same unit."""


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
        self.best = torch.full(query.size, UNSEEN, dtype=torch.int64)
        self.counts = torch.zeros(3, dtype=torch.int64)
        self.norm = query.energy.sqrt()
        self.tails = rounded_up(query.tails)
        relative, absolute = self._slack()
        self.slack = rounded_up(relative * self.norm + absolute)

    def seed(self) -> None:
        """Good first matches: a search at half the size, then neighbours' matches."""
        query, (coarse, coarse_scale) = halved(self.query), self.keys.coarse
        at = _full_search(query, coarse, coarse_scale, self.options)
        rows, cols = at // coarse.size[1], at % coarse.size[1]
        height, width = self.query.size
        y, x = torch.arange(height), torch.arange(width)
        key_height, key_width = self.keys.features[0].size
        rows = (rows[y // 2][:, x // 2] * 2 + (y % 2)[:, None]).clamp(max=key_height - 1)
        cols = (cols[y // 2][:, x // 2] * 2 + x % 2).clamp(max=key_width - 1)
        guess = rows * key_width + cols
        job = Seeding(search=self._job(), guess=guess)
        run("seed", self.options.kernel, job)

    def cheapest_depth(self) -> int:
        """The depth that promises the least work, from the survivors of a sample; 0: no pruning."""
        key = self.keys.features[0]
        levels = key.heads.shape[2] // LEVEL
        survivors = torch.zeros(levels + 1, dtype=torch.int64)
        job = Probe(
            search=self._job(),
            query_stride=_stride(self.query.energy.numel(), 32),
            key_stride=_stride(key.energy.numel(), 2500),
            survivors=survivors,
        )
        run("probe", self.options.kernel, job)
        share = (survivors[:-1].double() / max(1, int(survivors[-1]))).tolist()
        exact = EXACT_COST * self.keys.patch_size**2 * self.query.cells.shape[2]
        least, best = float(WALK_COST + self.keys.channels), 0
        for level in range(levels):
            cost = LEVEL * (level + 1) + WALK_COST + share[-1] * exact
            cost += STAGE_COST * sum(share[level :: STAGE // LEVEL])
            if cost < least:
                least, best = cost, LEVEL * (level + 1)
        return best

    def search(self, depth: int) -> None:
        """Walk all diagonals of all keys; what is better than the best so far replaces it."""
        if depth == 0:
            self.best.fill_(UNSEEN)
        run("search", self.options.kernel, self._job(depth, walk=True))

    def scored(self) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]]:
        """The matches, scored with all channels."""
        score = torch.empty(self.query.size)
        position = torch.empty(self.query.size, dtype=torch.int64)
        energy = torch.cat([f.energy.flatten() for f in self.keys.features])
        job = Scoring(
            search=self._job(),
            query_energy=self.query.energy,
            key_energy=energy,
            score=score,
            position=position,
        )
        run("score", self.options.kernel, job)
        return score, position

    def _slack(self) -> tuple[float, float]:
        """Rounding margin of partial product + bound against an exact score: relative, absolute."""
        size, step, heads = (
            self.keys.patch_size,
            self.query.cells.shape[2],
            self.query.heads.shape[2],
        )
        wide = lanes()[self.options.kernel or next(iter(lanes()))]
        exact = size * (-(-size * step // (4 * wide)) + 3) + 8  # additions in a row
        partial = heads * size * size // wide + 3 * heads // STAGE + heads + 2 * size + 16
        rotation = float(rotation_error(step, torch.tensor([float(heads)], dtype=torch.float64)))
        relative = 1.01 * ROUND * (exact + partial) + 2.01 * rotation
        scale = max(1.0, *(float(scale.nan_to_num(nan=0).max()) for scale in self.keys.scale))
        return relative, 2 * size * size * (step + heads) * TINY * scale

    def _job(self, depth: int = 0, walk: bool = False) -> Search:
        keys, query = self.keys, self.query
        pruned = depth > 0
        panels = [f.head_panels if pruned else f.cell_panels for f in keys.features] if walk else []
        tail = keys.tail(depth) if pruned else []
        maps = [
            Map(
                cells=f.cells,
                heads=f.heads,
                panels=panels[i] if walk else None,
                scale=keys.scale[i],
                tail=tail[i] if pruned else None,
                tails=keys.tails[i],
                height=f.size[0],
                width=f.size[1],
                first=keys.first[i],
            )
            for i, f in enumerate(keys.features)
        ]
        return Search(
            query=Map(
                cells=query.cells,
                heads=query.heads,
                scale=self.norm.float(),
                tail=self.tails[..., depth // LEVEL - 1].contiguous() if pruned else None,
                tails=self.tails,
                height=query.size[0],
                width=query.size[1],
            ),
            keys=array_of(maps),
            key_count=len(maps),
            patch_size=keys.patch_size,
            cell_step=query.cells.shape[2],
            head_step=query.heads.shape[2],
            depth=depth or keys.channels,
            panel_depth=query.heads.shape[2] if pruned else query.cells.shape[2],
            pruned=int(pruned),
            slack=self.slack,
            best=self.best,
            counts=self.counts,
            query_block=self.options.query_block,
            key_block=self.options.key_block,
            threads=self.options.threads or torch.get_num_threads(),
        )


def query_features(query: Float[Tensor, "c h w"], keys: NativeKeys, options: Options) -> Features:
    """A query laid out as the keys are, in their basis."""
    cells = bordered_cells(query, keys.patch_size, options.kernel)
    energy = block_energy(cells, keys.patch_size, cells.shape[2], options.kernel)[..., 0]
    return described(cells, energy, keys.basis, keys.patch_size, options.kernel)


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
    """The walk over all channels and nothing else, for measuring: packed best matches."""
    attempt = Attempt(query_features(query, keys, options), keys, options)
    attempt.search(0)
    return attempt.best


def _stride(cells: int, samples: int) -> int:
    """A stride that takes about so many samples; odd, so as not to walk down one column."""
    return max(1, cells // samples) | 1


def _full_search(
    query: Features, key: Features, scale: Float32[Tensor, " n"], options: Options
) -> Int64[Tensor, "h w"]:
    """Best cell of one small key by the walk alone."""
    best = torch.full(query.size, UNSEEN, dtype=torch.int64)
    keys = [
        Map(
            cells=key.cells,
            panels=key.cell_panels,
            scale=scale,
            height=key.size[0],
            width=key.size[1],
        )
    ]
    job = Search(
        query=Map(
            cells=query.cells,
            scale=query.energy.sqrt().float(),
            height=query.size[0],
            width=query.size[1],
        ),
        keys=array_of(keys),
        key_count=1,
        patch_size=query.patch_size,
        cell_step=query.cells.shape[2],
        head_step=query.cells.shape[2],
        depth=query.cells.shape[2],
        panel_depth=query.cells.shape[2],
        best=best,
        counts=torch.zeros(3, dtype=torch.int64),
        threads=options.threads or torch.get_num_threads(),
    )
    run("search", options.kernel, job)
    # a query that saw nothing still holds the last position: start it anywhere inside
    return (0xFFFFFFFF - (best & 0xFFFFFFFF)).clamp_(max=key.energy.numel() - 1)

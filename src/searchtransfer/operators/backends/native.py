# SPDX-License-Identifier: Apache-2.0
"""The search in compiled code: exact, pruned, inside the cache. CPU and float32.

A walk along row diagonals (see `_native/walk.h`) on a few principal components of the features; a
proven bound tells which pairs the full product could still prefer, and only those are evaluated.
How many components, or all of them, is decided by a cost model from a measured sample. The index is
the exact argmax up to rounding in every case. `docs/design/native-search.md` has the derivation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Float64, Int64
from torch import Tensor

from .native_features import (
    MISSING,
    Features,
    _kernel,
    block_energy,
    bordered_cells,
    columns,
    distinct_blocks,
    principal_basis,
    rotate,
    rounded_up,
    run,
)
from .native_jobs import Map, Probe, Scoring, Search, Seeding, Transfer, array_of

MOST_PATCH = 31
UNSEEN = 0x007FFFFF00000000
"""A packed best (`_native/best.h`) below every other: score -inf, the last position."""

ROUND = 2.0**-24
TINY = 2.0**-126

WALK_COST = 12
"""Sums, bound and comparison of a pair, in multiply-adds of the product."""
LOOK_COST = 400
"""Reaching a pair that survives: a mispredicted branch and cold memory, in the same unit."""
LOOK_FACTOR = 2.5
"""A multiply-add of an evaluation, in the same unit."""


@dataclass(frozen=True)
class Options:
    """What tests and benchmarks may fix; the defaults are right for everything else."""

    kernel: str | None = None
    """Instruction set: "avx512", "avx2", "baseline"; None for the best."""
    threads: int | None = None
    """None for torch's number."""
    depth: int | None = None
    """Components the walk multiplies: a multiple of 8; 0 for all channels; None for the cost model."""
    query_block: int = 0
    """Query columns at a time; 0 for what fits the cache."""
    key_block: int = 0
    """Key columns at a time; 0 for what fits the cache."""


class Statistics(NamedTuple):
    """What a search did."""

    depth: int
    """Components that the walk multiplied; 0: all channels, without pruning."""
    pairs: int
    """Pairs of a query and a key block that the walk compared."""
    heads: int
    """Pairs that the bound left open, evaluated with all rotated components."""
    exact: int
    """Pairs evaluated with all channels."""


@dataclass(frozen=True)
class NativeKeys:
    """Everything about keys that does not depend on the query."""

    features: list[Features]
    basis: Float64[Tensor, "step heads"]
    channels: int
    patch_size: int
    scale: list[Float32[Tensor, " _"]]
    """1 / norm of each block, padded; NaN for a copy of an earlier block, which can never win."""
    coarse: tuple[Features, Float32[Tensor, " _"]]
    """The first key at half the size, and its scale."""
    first: list[int]
    """Number of each key's first cell."""
    tails: dict[int, list[Float32[Tensor, " _"]]] = field(default_factory=dict)
    """Relative norms of each block beyond a depth, as they were asked for."""

    @property
    def cell_count(self) -> int:
        """Cells of all keys."""
        return self.first[-1] + self.features[-1].energy.numel()

    def tail(self, depth: int) -> list[Float32[Tensor, " _"]]:
        """Norm of each key block beyond `depth` components, relative to the block's norm."""
        if depth not in self.tails:
            self.tails[depth] = [
                columns(rounded_up(f.tail_norm(depth) * _scale(f.energy))) for f in self.features
            ]
        return self.tails[depth]


def why_not(query: Tensor, keys: Sequence[Tensor] | NativeKeys, patch_size: int) -> str | None:
    """Why this backend cannot run, in one sentence; None when it can."""
    if _kernel is None:
        return f"the compiled kernel is not installed ({MISSING})"
    tensors = [query] if isinstance(keys, NativeKeys) else [query, *keys]
    for tensor in tensors:
        if tensor.device.type != "cpu":
            return f"it runs on the CPU only, and the features are on {tensor.device}"
        if tensor.dtype != torch.float32:
            return f"it takes float32 only, and the features are {tensor.dtype}"
    if patch_size > MOST_PATCH:
        return f"its largest patch_size is {MOST_PATCH}, and {patch_size} is asked for"
    if isinstance(keys, NativeKeys):
        cells = keys.cell_count
        if keys.patch_size != patch_size:
            return f"the keys were prepared for patch_size {keys.patch_size}, not {patch_size}"
    else:
        cells = sum(key.shape[-2] * key.shape[-1] for key in keys)
    if cells >= 2**32 - 1:
        return f"it numbers key cells with 32 bits, and there are {cells}"
    return None


def instruction_sets() -> list[str]:
    """The instruction sets that the built kernel has for this machine, the one in use first."""
    return [] if _kernel is None else list(_kernel.kernels())


def prepare(
    keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int, options: Options = Options()
) -> NativeKeys:
    """Everything that can be computed once for keys: cells, rotation, heads, norms, copies."""
    channels = keys[0].shape[0]
    kernel = options.kernel
    cells = [bordered_cells(key, patch_size, kernel) for key in keys]
    energy = [block_energy(c, patch_size, c.shape[2], kernel) for c in cells]
    basis = principal_basis(cells, energy, channels, patch_size)
    features = [
        Features(c, rotate(c, basis), e, patch_size, kernel)
        for c, e in zip(cells, energy, strict=True)
    ]
    scale = [
        columns(_scale(f.energy).where(distinct > 0, torch.nan))
        for f, distinct in zip(features, distinct_blocks(features), strict=True)
    ]
    coarse = _halved(features[0])
    counts = [f.energy.numel() for f in features]
    first = [sum(counts[:i]) for i in range(len(counts))]
    return NativeKeys(
        features,
        basis,
        channels,
        patch_size,
        scale,
        (coarse, columns(_scale(coarse.energy))),
        first,
    )


def best_match(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "c _ _"]] | NativeKeys,
    patch_size: int,
    options: Options = Options(),
) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]]:
    """Highest relevance of every query block, and the key block that has it.

    Key blocks are numbered through all keys, in order; ties go to the lowest number. A zero query
    block has score 0 and position 0. The arguments must satisfy `why_not`.
    """
    score, position, _ = measured_match(query, keys, patch_size, options)
    return score, position


def measured_match(
    query: Float[Tensor, "c h w"],
    keys: Sequence[Float[Tensor, "c _ _"]] | NativeKeys,
    patch_size: int,
    options: Options = Options(),
) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"], Statistics]:
    """`best_match`, and what it did."""
    if not isinstance(keys, NativeKeys):
        keys = prepare(keys, patch_size, options)
    cells = bordered_cells(query, patch_size, options.kernel)
    energy = block_energy(cells, patch_size, cells.shape[2], options.kernel)
    features = Features(cells, rotate(cells, keys.basis), energy, patch_size, options.kernel)
    attempt = _Attempt(features, keys, options)
    attempt.seed()
    depth = attempt.cheapest_depth() if options.depth is None else options.depth
    attempt.search(depth)
    score, position = attempt.scored()
    return score, position, Statistics(depth, *attempt.counts.tolist())


class _Attempt:
    """One query against prepared keys: the running best, and the steps that raise it."""

    def __init__(self, query: Features, keys: NativeKeys, options: Options) -> None:
        self.query, self.keys, self.options = query, keys, options
        self.best = torch.full(query.size, UNSEEN, dtype=torch.int64)
        self.counts = torch.zeros(3, dtype=torch.int64)
        self.norm = query.energy.sqrt()

    def seed(self) -> None:
        """Good first matches: a search at half the size, then neighbours' matches."""
        query, (coarse, coarse_scale) = _halved(self.query), self.keys.coarse
        at = _full_search(query, coarse, coarse_scale, self.options)
        rows, cols = at // coarse.size[1], at % coarse.size[1]
        height, width = self.query.size
        y, x = torch.arange(height), torch.arange(width)
        key_height, key_width = self.keys.features[0].size
        rows = (rows[y // 2][:, x // 2] * 2 + (y % 2)[:, None]).clamp(max=key_height - 1)
        cols = (cols[y // 2][:, x // 2] * 2 + x % 2).clamp(max=key_width - 1)
        guess = rows * key_width + cols
        job = Seeding(search=self._job(0, heads_only=True), guess=guess)
        run("seed", self.options.kernel, job)

    def cheapest_depth(self) -> int:
        """The depth that promises the least work, from the survivors of a sample; 0: no pruning."""
        key = self.keys.features[0]
        levels = key.heads.shape[2] // 8
        survivors = torch.zeros(levels + 1, dtype=torch.int64)
        slack, tiny = self._slack(key.heads.shape[2])
        job = Probe(
            search=self._job(0, heads_only=True),
            query_energy=self.query.energy,
            key_energy=key.energy,
            query_stride=_stride(self.query.energy.numel(), 48),
            key_stride=_stride(key.energy.numel(), 1024),
            slack=slack,
            tiny=tiny,
            survivors=survivors,
        )
        run("probe", self.options.kernel, job)
        sampled = max(1, int(survivors[-1]))
        open_pairs = (survivors[:-1].double() / sampled).tolist()
        area = self.keys.patch_size**2
        exact = LOOK_COST + LOOK_FACTOR * area * self.query.cells.shape[2]
        look = LOOK_COST + LOOK_FACTOR * area * key.heads.shape[2]
        least, depth = float(WALK_COST + self.keys.channels), 0
        for level, share in enumerate(open_pairs):
            cost = 8 * (level + 1) + WALK_COST
            cost += share * look + open_pairs[-1] * exact if self._has_rest() else share * exact
            if cost < least:
                least, depth = cost, 8 * (level + 1)
        return depth

    def search(self, depth: int) -> None:
        """Walk all diagonals of all keys; what is better than the best so far replaces it."""
        if depth == 0:
            self.best.fill_(UNSEEN)
        run("search", self.options.kernel, self._job(depth))

    def scored(self) -> tuple[Float[Tensor, "h w"], Int64[Tensor, "h w"]]:
        """The matches, scored with all channels."""
        score = torch.empty(self.query.size)
        position = torch.empty(self.query.size, dtype=torch.int64)
        energy = torch.cat([f.energy.flatten() for f in self.keys.features])
        job = Scoring(
            search=self._job(0),
            query_energy=self.query.energy,
            key_energy=energy,
            score=score,
            position=position,
        )
        run("score", self.options.kernel, job)
        return score, position

    def _has_rest(self) -> bool:
        """Whether channels remain beyond the rotated components."""
        return self.keys.basis.shape[1] < self.keys.channels

    def _slack(self, depth: int) -> tuple[float, float]:
        """Rounding margin of head product + bound against an exact score: relative, absolute."""
        size, step = self.keys.patch_size, self.query.cells.shape[2]
        lanes = _kernel.kernels()[self.options.kernel or instruction_sets()[0]]
        chain = size * (-(-size * step // (4 * lanes)) + 3) + 8  # additions in a row, exact product
        scale = self.keys.scale[0].nan_to_num(nan=0)
        for other in self.keys.scale[1:]:
            scale = torch.maximum(scale.max(), other.nan_to_num(nan=0).max())
        terms = size * size * (step + depth)
        return 1.01 * ROUND * (depth + 2 * size + chain + 16), 2 * terms * TINY * float(scale.max())

    def _job(self, depth: int, heads_only: bool = False) -> Search:
        keys, pruned = self.keys, depth > 0
        query_tail = slack = rest = rest_slack = None
        if pruned:
            query_tail = rounded_up(self.query.tail_norm(depth))
            relative, absolute = self._slack(depth)
            slack = rounded_up(relative * self.norm + absolute)
            if self._has_rest():
                heads = keys.basis.shape[1]
                rest = rounded_up(self.query.tail_norm(heads))
                relative, absolute = self._slack(heads)
                rest_slack = rounded_up(relative * self.norm + absolute)
        maps = []
        for i, f in enumerate(keys.features):
            panels = None
            if not heads_only:
                panels = f.head_panels if pruned else f.cell_panels
            maps.append(
                Map(
                    cells=f.cells,
                    heads=f.heads,
                    panels=panels,
                    scale=keys.scale[i],
                    tail=keys.tail(depth)[i] if pruned else None,
                    rest=keys.tail(keys.basis.shape[1])[i] if rest is not None else None,
                    height=f.size[0],
                    width=f.size[1],
                    first=keys.first[i],
                )
            )
        return Search(
            query=Map(
                cells=self.query.cells,
                heads=self.query.heads,
                scale=self.norm.float(),
                tail=query_tail,
                rest=rest,
                height=self.query.size[0],
                width=self.query.size[1],
            ),
            keys=array_of(maps),
            key_count=len(maps),
            patch_size=keys.patch_size,
            cell_step=self.query.cells.shape[2],
            head_step=self.query.heads.shape[2],
            depth=depth or keys.channels,
            panel_depth=self.query.heads.shape[2] if pruned else self.query.cells.shape[2],
            pruned=int(pruned),
            slack=slack,
            rest_slack=rest_slack,
            best=self.best,
            counts=self.counts,
            query_block=self.options.query_block,
            key_block=self.options.key_block,
            threads=self.options.threads or torch.get_num_threads(),
        )


def transfer(
    value: Float[Tensor, "c sh sw"],
    index: Int64[Tensor, "h w"],
    key_size: tuple[int, int],
    scale: int,
    patch_size: int,
    overlap_constant: bool,
    options: Options = Options(),
) -> Float[Tensor, "c th tw"]:
    """The texture in one pass, bit for bit what folding the chosen blocks and dividing gives.

    Args:
        value: `[C, scale*Hr, scale*Wr]`, float32 on the CPU.
        index: `[H, W]` key cells, `row * Wr + column`, all inside the key grid.
        key_size: `(Hr, Wr)`.
        scale: value pixels in a cell, along each side.
        patch_size: side of a block in cells.
        overlap_constant: divide by patch_size^2 instead of the number of contributions.
    """
    channels = value.shape[0]
    height, width = index.shape
    texture = torch.empty(channels, scale * height, scale * width)
    job = Transfer(
        value=value.detach().contiguous(),
        index=index.contiguous(),
        texture=texture,
        channels=channels,
        height=height,
        width=width,
        key_height=key_size[0],
        key_width=key_size[1],
        scale=scale,
        radius=patch_size // 2,
        constant=int(overlap_constant),
        threads=options.threads or torch.get_num_threads(),
    )
    run("transfer", options.kernel, job)
    return texture


def _scale(energy: Float64[Tensor, "h w"]) -> Float64[Tensor, "h w"]:
    """1 / norm, and 0 for a zero block."""
    return torch.where(energy > 0, energy.rsqrt(), 0)


def _stride(cells: int, samples: int) -> int:
    """A stride that takes about so many samples; odd, so as not to walk down one column."""
    return max(1, cells // samples) | 1


def _halved(features: Features) -> Features:
    """The first heads at half the size."""
    radius = features.patch_size // 2
    height, width = features.size
    inner = features.heads[radius : radius + height, radius : radius + width, :16]
    planes = inner.permute(2, 0, 1)[None]  # [1, 16, h, w]
    small = F.avg_pool2d(planes, 2, ceil_mode=True)[0]
    cells = bordered_cells(small, features.patch_size, features.kernel)
    energy = block_energy(cells, features.patch_size, cells.shape[2], features.kernel)
    return Features(cells, cells, energy, features.patch_size, features.kernel)


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

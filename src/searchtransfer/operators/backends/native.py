# SPDX-License-Identifier: Apache-2.0
"""The search in compiled code: exact, pruned, inside the cache. CPU and float32.

A walk along row diagonals (see `_native/walk.h`) on a few principal components of the features; a
proven bound tells which pairs the full product could still prefer, and only those are evaluated.
How many components, or all of them, is decided by a cost model from a measured sample. The index is
the exact argmax up to rounding in every case. `docs/design/native-search.md` has the derivation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Float64, Int64
from torch import Tensor

from ...errors import OptionError
from .native_features import (
    LEVEL,
    MISSING,
    ROUND,
    Features,
    block_energy,
    bordered_cells,
    columns,
    described,
    distinct_blocks,
    kernel_module,
    lanes,
    principal_basis,
    rotation_error,
    rounded_up,
    run,
)
from .native_jobs import Map, Probe, Scoring, Search, Seeding, Transfer, array_of

MOST_PATCH = 31
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


@dataclass(frozen=True)
class Options:
    """What tests and benchmarks may fix; the defaults are right for everything else."""

    kernel: str | None = None
    """Instruction set: "avx512", "avx2", "baseline"; None for the best."""
    threads: int | None = None
    """None for torch's number."""
    depth: int | None = None
    """Components the walk multiplies: a multiple of 16; 0: all channels; None: the cost model."""
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
    open: int
    """Pairs that the walk's bound left open."""
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
    tails: list[Float32[Tensor, "_ _ levels"]]
    """Norms of each block beyond 16, 32, ... components, relative to the block's norm."""

    @property
    def cell_count(self) -> int:
        """Cells of all keys."""
        return self.first[-1] + self.features[-1].energy.numel()

    def tail(self, depth: int) -> list[Float32[Tensor, " _"]]:
        """Relative norm of each key block beyond `depth` components, as the walk reads it."""
        return [columns(tails[..., depth // LEVEL - 1]) for tails in self.tails]


def why_not(query: Tensor, keys: Sequence[Tensor] | NativeKeys, patch_size: int) -> str | None:
    """Why this backend cannot run, in one sentence; None when it can."""
    for tensor in [query] if isinstance(keys, NativeKeys) else [query, *keys]:
        if reason := why_not_tensor(tensor):
            return reason
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


def why_not_tensor(tensor: Tensor) -> str | None:
    """Why compiled code cannot take this tensor, in one sentence; None when it can."""
    if kernel_module is None:
        return f"the compiled kernel is not installed ({MISSING})"
    if tensor.device.type != "cpu":
        return f"it runs on the CPU only, and the features are on {tensor.device}"
    if tensor.dtype != torch.float32:
        return f"it takes float32 only, and the features are {tensor.dtype}"
    return None


def instruction_sets() -> list[str]:
    """The instruction sets that the built kernel has for this machine, the one in use first."""
    return list(lanes())


def prepare(
    keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int, options: Options = Options()
) -> NativeKeys:
    """Everything that can be computed once for keys: cells, rotation, heads, norms, copies."""
    channels = keys[0].shape[0]
    kernel = options.kernel
    cells = [bordered_cells(key, patch_size, kernel) for key in keys]
    energy = [block_energy(c, patch_size, c.shape[2], kernel)[..., 0] for c in cells]
    basis = principal_basis(cells, energy, channels, patch_size)
    features = [
        described(c, e, basis, patch_size, kernel) for c, e in zip(cells, energy, strict=True)
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
        [rounded_up(f.tails * _scale(f.energy)[..., None]) for f in features],
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
    energy = block_energy(cells, patch_size, cells.shape[2], options.kernel)[..., 0]
    features = described(cells, energy, keys.basis, patch_size, options.kernel)
    attempt = _Attempt(features, keys, options)
    attempt.seed()
    depth = attempt.cheapest_depth() if options.depth is None else _checked(options.depth, keys)
    attempt.search(depth)
    score, position = attempt.scored()
    return score, position, Statistics(depth, *attempt.counts.tolist())


def _checked(depth: int, keys: NativeKeys) -> int:
    most = keys.basis.shape[1]
    if depth % LEVEL or not 0 <= depth <= most:
        raise OptionError(
            f"depth must be 0 or a multiple of {LEVEL} up to {most}, got {depth}; "
            "None lets the cost model choose"
        )
    return depth


class _Attempt:
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
        query, (coarse, coarse_scale) = _halved(self.query), self.keys.coarse
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
        wide = lanes()[self.options.kernel or instruction_sets()[0]]
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


def transfer(
    texture: Float[Tensor, "c th tw"],
    value: Float[Tensor, "c sh sw"],
    index: Int64[Tensor, "h w"],
    key_size: tuple[int, int],
    scale: int,
    patch_size: int,
    overlap_constant: bool,
    options: Options = Options(),
) -> None:
    """Fill in the texture in one pass: bit for bit what folding the chosen blocks gives.

    Args:
        texture: `[C, scale*H, scale*W]`, contiguous; what was in it is lost.
        value: `[C, scale*Hr, scale*Wr]`, float32 on the CPU.
        index: `[H, W]` key cells, `row * Wr + column`, all inside the key grid.
        key_size: `(Hr, Wr)`.
        scale: value pixels in a cell, along each side.
        patch_size: side of a block in cells.
        overlap_constant: divide by patch_size^2 instead of the number of contributions.
    """
    channels = value.shape[0]
    height, width = index.shape
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
    energy = block_energy(cells, features.patch_size, cells.shape[2], features.kernel)[..., 0]
    return Features(cells, cells, energy, energy[..., None], features.patch_size, features.kernel)


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

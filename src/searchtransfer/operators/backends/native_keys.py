# SPDX-License-Identifier: Apache-2.0
"""Keys prepared for the compiled search: everything about them that no query changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from .native_features import (
    LEVEL,
    Features,
    block_energy,
    bordered_cells,
    columns,
    described,
    distinct_blocks,
    principal_basis,
    rounded_up,
)


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


DEFAULTS = Options()


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


def prepare(
    keys: Sequence[Float[Tensor, "c _ _"]], patch_size: int, options: Options = DEFAULTS
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
    coarse = halved(features[0])
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


def halved(features: Features) -> Features:
    """The first heads at half the size."""
    radius = features.patch_size // 2
    height, width = features.size
    inner = features.heads[radius : radius + height, radius : radius + width, :16]
    planes = inner.permute(2, 0, 1)[None]  # [1, 16, h, w]
    small = F.avg_pool2d(planes, 2, ceil_mode=True)[0]
    cells = bordered_cells(small, features.patch_size, features.kernel)
    energy = block_energy(cells, features.patch_size, cells.shape[2], features.kernel)[..., 0]
    return Features(cells, cells, energy, energy[..., None], features.patch_size, features.kernel)


def _scale(energy: Float64[Tensor, "h w"]) -> Float64[Tensor, "h w"]:
    """1 / norm, and 0 for a zero block."""
    return torch.where(energy > 0, energy.rsqrt(), 0)

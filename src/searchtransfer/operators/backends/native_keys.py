# SPDX-License-Identifier: Apache-2.0
"""Keys prepared for the compiled search: everything about them that no query changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float32, Float64
from torch import Tensor

from ..numbering import firsts
from .native_basis import principal_basis
from .native_features import Features, described, halved, switch_off_copies
from .native_kernel import LEVEL, SPARE, has_tiles, padded
from .native_layout import bordered_cells


@dataclass(frozen=True)
class Options:
    """What tests and benchmarks may fix; the defaults are right for everything else."""

    kernel: str | None = None
    """Instruction set: "amx", "avx512", "avx2", "baseline"; None for the best."""
    threads: int | None = None
    """None for torch's number."""
    depth: int | None = None
    """Components the walk multiplies: a multiple of 16; 0: all channels; None: the cost model."""
    query_block: int = 0
    """Query columns at a time; 0 for what fits the cache."""
    key_block: int = 0
    """Key columns at a time; 0 for what fits the cache."""

    @property
    def workers(self) -> int:
        """Threads to use."""
        return self.threads or torch.get_num_threads()


DEFAULTS = Options()


@dataclass(frozen=True)
class NativeKeys:
    """Everything about keys that does not depend on the query."""

    features: list[Features]
    """Scaled by 1 / norm; NaN for a copy of an earlier block, which can never win."""
    basis: Float64[Tensor, "step heads"]
    channels: int
    patch_size: int
    coarse: Features
    """The first key at half the size."""
    first: list[int]
    """Number of each key's first cell."""
    _tail: dict[int, list[Float32[Tensor, " _"]]]

    @property
    def cell_count(self) -> int:
        """Cells of all keys."""
        return self.first[-1] + self.features[-1].energy.numel()

    @cached_property
    def energy(self) -> Float64[Tensor, " n"]:
        """Squared norms of all blocks."""
        return torch.cat([f.energy.flatten() for f in self.features])

    @cached_property
    def largest_scale(self) -> float:
        """The largest 1 / norm, or 1."""
        return max(1.0, *(float(f.scale.nan_to_num(nan=0).max()) for f in self.features))

    def tail(self, depth: int) -> list[Float32[Tensor, " _"]]:
        """Relative norm of each key block beyond `depth` components, as the walk reads it."""
        if depth not in self._tail:
            self._tail[depth] = [_columns(f.tails[..., depth // LEVEL - 1]) for f in self.features]
        return self._tail[depth]


def prepare(
    keys: Sequence[Float[Tensor, "c _ _"]],
    patch_size: int,
    muted: Sequence[Bool[Tensor, "_ _"] | None] | None = None,
    options: Options = DEFAULTS,
) -> NativeKeys:
    """Everything that can be computed once for keys: cells, rotation, heads, norms, copies.

    Blocks that are `muted`, where a key has any, are never found.
    """
    cells = [bordered_cells(key, patch_size, True, options.kernel, options.workers) for key in keys]
    basis = principal_basis(cells, gap=has_tiles(options.kernel))
    features = [described(c, basis) for c in cells]
    for feature, mute in zip(features, muted or [], strict=muted is not None):
        if mute is not None:
            _switch_off(feature, mute)
    switch_off_copies(features)
    return NativeKeys(
        features,
        basis,
        keys[0].shape[0],
        patch_size,
        halved(features[0]),
        firsts(f.energy.numel() for f in features),
        {},
    )


def _switch_off(features: Features, muted: Bool[Tensor, "h w"]) -> None:
    """Set the scale of these blocks to NaN, which no comparison passes."""
    height, width = features.size
    columns = padded(width)
    scale = features.scale[: height * columns].view(height, columns)
    scale[:, :width].masked_fill_(muted, torch.nan)


def _columns(values: Float32[Tensor, "h w"]) -> Float32[Tensor, " n"]:
    """Values of key cells, rows padded to whole panels, spare floats behind."""
    width = values.shape[1]
    return F.pad(F.pad(values, (0, padded(width) - width)).flatten(), (0, SPARE))

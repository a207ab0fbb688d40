# SPDX-License-Identifier: Apache-2.0
"""Cells with what the bounds need: rotated heads, norms of blocks, what each depth leaves of them.

`docs/design/native-search.md` derives the bounds computed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import BFloat16, Float32, Float64
from torch import Tensor

from ..numbering import firsts
from .native_jobs import Distinct, Map, Norms, Rotation, Rounding, array_of
from .native_kernel import LEVEL, PANEL, PLANE, ROUND, SPARE, TILE, buffer, padded, run
from .native_layout import Cells, halved_cells, panels

BOUNDS = 3
"""Numbers of a rounded cell that bound its error: what is missing, norm, rounding."""

BOUNDS_AT = TILE - BOUNDS
"""Where they stand among rotated components: zero columns of the basis keep the place."""


@dataclass(frozen=True)
class Features:
    """Cells with their rotated heads and the norms of their blocks."""

    cells: Cells
    heads: Float32[Tensor, "planes hb wb 32"]
    """The cells rotated: the first components, which hold most of the energy, 32 to a plane."""
    energy: Float64[Tensor, "h w"]
    """Squared norm of every block."""
    scale: Float32[Tensor, " n"]
    """Queries: norm of every block. Keys: 1 / norm, 0 for a zero block, rows padded to panels."""
    tails: Float32[Tensor, "h w levels"]
    """Upper bounds of the norm of every block beyond its first 16, 32, ... rotated components;
    keys: divided by the norm of the block."""
    _rounded: dict[int, BFloat16[Tensor, " _"]] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of cells, without the border."""
        return self.cells.shape.height, self.cells.shape.width

    @cached_property
    def head_panels(self) -> Float32[Tensor, "h p d 16"]:
        """What a walk of the heads multiplies."""
        return panels(self.cells.shape, self.heads)

    @property
    def depth(self) -> int:
        """Components that the heads hold."""
        return self.heads.shape[0] * PLANE

    def walked(self, depth: int) -> Float32[Tensor, "hb wb d"]:
        """Side by side what a query multiplies: the first components, or all channels at 0."""
        if depth == 0:
            return self.cells.values
        return self.heads[: -(-depth // PLANE)].permute(1, 2, 0, 3).flatten(2)

    @cached_property
    def cell_panels(self) -> Float32[Tensor, "h p d 16"]:
        """What a walk of all channels multiplies."""
        return panels(self.cells.shape, self.cells.values[None])

    def rounded(self, depth: int) -> BFloat16[Tensor, " _"]:
        """The first components of every cell, or all channels at depth 0, for matrix tiles."""
        if depth not in self._rounded:
            self._rounded[depth] = self._round(depth)
        return self._rounded[depth]

    def _round(self, depth: int) -> BFloat16[Tensor, " _"]:
        shape = self.cells.shape
        length = rounded_depth(depth, self.cells.channels)
        source = self.heads if depth else self.cells.values[None]
        kept = depth or self.cells.channels
        columns = padded(shape.width, PANEL if shape.is_key else TILE)
        rounded = buffer(shape.height * columns * length, dtype=torch.bfloat16)
        job = Rounding(
            cells=source,
            energy=self.cells.energy,
            rounded=rounded,
            error=rotation_error(self.cells.step, kept) if depth else 0.0,
            plane=source.shape[3],
            kept=kept,
            bounds=bounds_at(depth, self.cells.channels),
            depth=length,
            key=int(shape.is_key),
            **shape.fields(),
        )
        run("round", shape.kernel, job)
        return rounded


def rounded_depth(depth: int, channels: int) -> int:
    """Numbers in a rounded cell of so many components; 0: of all channels."""
    return padded(depth or channels + BOUNDS, TILE)


def bounds_at(depth: int, channels: int) -> int:
    """Where the bounds of such a rounded cell stand."""
    return BOUNDS_AT if depth else channels


def described(cells: Cells, basis: Float64[Tensor, "step heads"]) -> Features:
    """Cells with their heads in the basis, and norms."""
    shape, count = cells.shape, basis.shape[1]
    heads = buffer(count // PLANE, *shape.bordered, PLANE)
    head_energy = buffer(*shape.bordered, count // LEVEL, dtype=torch.float64)
    basis_panels = basis.float().view(basis.shape[0], -1, PANEL).permute(1, 0, 2).contiguous()
    job = Rotation(
        cells=cells.values,
        basis=basis_panels,  # [p, step, 16]
        heads=heads,
        energy=head_energy,
        rows=shape.bordered[0],
        columns=shape.bordered[1],
        step=cells.step,
        depth=count,
        threads=shape.threads,
    )
    run("rotation", shape.kernel, job)
    errors = [rotation_error(cells.step, depth) for depth in range(LEVEL, count + 1, LEVEL)]
    return with_norms(cells, heads, head_energy, errors)


def with_norms(
    cells: Cells,
    heads: Float32[Tensor, "planes hb wb 32"],
    head_energy: Float64[Tensor, "hb wb levels"],
    errors: Sequence[float],
) -> Features:
    """Box sums of the cells' energies, and what they bound."""
    shape = cells.shape
    levels = len(errors)
    growth = [1 + e * (2 + e) + 2.0**-40 for e in errors]
    size = (shape.height, shape.width)
    columns = shape.height * padded(shape.width) + SPARE
    features = Features(
        cells,
        heads,
        buffer(*size, dtype=torch.float64),
        buffer(columns if shape.is_key else shape.height * shape.width),
        buffer(*size, levels),
    )
    job = Norms(
        cell_energy=cells.energy,
        head_energy=head_energy,
        growth=torch.tensor(growth, dtype=torch.float64, device="cpu"),
        energy=features.energy,
        scale=features.scale,
        tails=features.tails,
        levels=levels,
        key=int(shape.is_key),
        **shape.fields(),
    )
    run("norms", shape.kernel, job)
    return features


def halved(features: Features) -> Features:
    """The first heads at half the size."""
    cells = halved_cells(features.cells.shape, features.heads)
    hb, wb = cells.shape.bordered
    no_heads = buffer(0, hb, wb, PLANE)
    return with_norms(cells, no_heads, buffer(hb, wb, 0, dtype=torch.float64), [])


def rotation_error(step: int, depth: int) -> float:
    """Bound of |computed heads - true heads| / |cell|: a chain of `step` terms per component."""
    chain = (step + 2) * ROUND
    return float(depth**0.5 * chain / (1 - chain))


def switch_off_copies(features: Sequence[Features]) -> None:
    """Set the scale of each block to NaN that is bitwise the same as an earlier one of any map."""
    first = firsts(f.energy.numel() for f in features)
    maps = array_of(
        [
            Map(
                cells=f.cells.values,
                scale=f.scale,
                height=f.size[0],
                width=f.size[1],
                first=number,
            )
            for number, f in zip(first, features, strict=True)
        ]
    )
    shape = features[0].cells.shape
    job = Distinct(
        keys=maps,
        key_count=len(maps),
        radius=shape.radius,
        cell_step=features[0].cells.step,
        threads=shape.threads,
    )
    run("distinct", shape.kernel, job)

# SPDX-License-Identifier: Apache-2.0
"""Feature maps laid out for the compiled kernel: cells, rotated heads, panels, norms.

`docs/design/native-search.md` explains the layouts and derives the bounds computed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from types import ModuleType

import torch
from jaxtyping import BFloat16, Float32, Float64
from torch import Tensor

from .native_jobs import (
    Distinct,
    Halving,
    Layout,
    Map,
    Norms,
    Panelling,
    Rotation,
    Rounding,
    array_of,
)

kernel_module: ModuleType | None
try:
    kernel_module = import_module("._kernel", __package__)
    MISSING = ""
except ImportError as error:
    kernel_module = None
    MISSING = str(error)

LANES_STEP = 16
"""Cells are padded to a multiple of this many floats, the widest vector."""

SPARE = 64
"""Floats behind each array of key columns that whole vectors may read (`_native/norms.h`)."""

LEVEL = 16
"""Tail norms are kept at multiples of this depth."""

ROUND = 2.0**-24
"""Unit roundoff of float32."""

PLANE = 32
"""Rotated components that lie side by side, one stage of an evaluation (`_native/kernel.h`)."""

TILE = 32
"""Numbers of a rounded cell that a matrix tile multiplies at once (`_native/rounded.h`)."""

BOUNDS = 3
"""Of them, bounds of the error: what is missing, norm, rounding."""

BOUNDS_AT = TILE - BOUNDS
"""Where they stand among rotated components: zero columns of the basis keep the place."""

MOST_ROUNDED = 4096
"""The longest rounded cell."""


def padded(size: int, multiple: int = LANES_STEP) -> int:
    """The next multiple."""
    return -(-size // multiple) * multiple


def lanes() -> dict[str, int]:
    """The instruction sets of the built kernel that run here, best first, and their vector size."""
    return dict(kernel_module.kernels()) if kernel_module else {}


def has_tiles(kernel: str | None) -> bool:
    """Whether an instruction set (None: the best) multiplies rounded cells in matrix tiles."""
    return (kernel or next(iter(lanes()))) == "amx"


def run(operation: str, kernel: str | None, job: object) -> None:
    """One operation of the kernel; raises MemoryError when memory runs out."""
    getattr(kernel_module, operation)(kernel, bytes(job))  # type: ignore[call-overload]


@dataclass(frozen=True)
class Shape:
    """What all operations on one map need to know."""

    height: int
    width: int
    patch_size: int
    is_key: bool
    kernel: str | None
    """Instruction set, None for the best."""
    threads: int

    @property
    def radius(self) -> int:
        """Width of the border of zeros: half a block."""
        return self.patch_size // 2

    @property
    def bordered(self) -> tuple[int, int]:
        """Rows and columns with the border."""
        return self.height + 2 * self.radius, self.width + 2 * self.radius

    def fields(self) -> dict[str, int]:
        """The fields that these operations share."""
        return {
            "height": self.height,
            "width": self.width,
            "radius": self.radius,
            "threads": self.threads,
        }


@dataclass(frozen=True)
class Cells:
    """One feature map as bordered cells."""

    shape: Shape
    values: Float32[Tensor, "hb wb step"]
    """Channels last, zeros up to a multiple of 16 channels, zeros in a border of half a block."""
    energy: Float64[Tensor, "hb wb"]
    """Squared norm of every cell."""
    channels: int

    @property
    def step(self) -> int:
        """Floats from cell to cell."""
        return self.values.shape[2]


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
        columns = padded(shape.width, 16 if shape.is_key else TILE)
        rounded = torch.empty(shape.height * columns * length, dtype=torch.bfloat16)
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


def panels(shape: Shape, cells: Float32[Tensor, "n hb wb m"]) -> Float32[Tensor, "h p d 16"]:
    """Planes of cells as panels of 16 columns."""
    depth = cells.shape[0] * cells.shape[3]
    result = torch.empty(shape.height, padded(shape.width) // 16, depth, 16)
    job = Panelling(cells=cells, panels=result, step=depth, plane=cells.shape[3], **shape.fields())
    run("panels", shape.kernel, job)
    return result


def bordered_cells(
    features: Float32[Tensor, "c h w"],
    patch_size: int,
    is_key: bool,
    kernel: str | None,
    threads: int,
) -> Cells:
    """Channels last, padded with zeros around and behind."""
    source = features.detach().contiguous()
    channels, height, width = source.shape
    shape = Shape(height, width, patch_size, is_key, kernel, threads)
    cells = Cells(
        shape,
        torch.empty(*shape.bordered, padded(channels)),
        torch.empty(shape.bordered, dtype=torch.float64),
        channels,
    )
    job = Layout(
        source=source,
        cells=cells.values,
        energy=cells.energy,
        channels=channels,
        step=cells.step,
        **shape.fields(),
    )
    run("cells", kernel, job)
    return cells


def described(cells: Cells, basis: Float64[Tensor, "step heads"]) -> Features:
    """Cells with their heads in the basis, and norms."""
    shape, count = cells.shape, basis.shape[1]
    heads = torch.empty(count // PLANE, *shape.bordered, PLANE)
    head_energy = torch.empty(*shape.bordered, count // LEVEL, dtype=torch.float64)
    basis_panels = basis.float().view(basis.shape[0], -1, 16).permute(1, 0, 2).contiguous()
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
    growth = torch.tensor([1 + e * (2 + e) + 2.0**-40 for e in errors], dtype=torch.float64)
    size = (shape.height, shape.width)
    columns = shape.height * padded(shape.width) + SPARE
    features = Features(
        cells,
        heads,
        torch.empty(size, dtype=torch.float64),
        torch.empty(columns if shape.is_key else shape.height * shape.width),
        torch.empty(*size, levels),
    )
    job = Norms(
        cell_energy=cells.energy,
        head_energy=head_energy,
        growth=growth,
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
    full = features.cells.shape
    shape = Shape(
        -(-full.height // 2),
        -(-full.width // 2),
        full.patch_size,
        full.is_key,
        full.kernel,
        full.threads,
    )
    cells = Cells(
        shape,
        torch.empty(*shape.bordered, LEVEL),
        torch.empty(shape.bordered, dtype=torch.float64),
        LEVEL,
    )
    job = Halving(
        heads=features.heads,
        cells=cells.values,
        energy=cells.energy,
        **full.fields(),
    )
    run("halve", shape.kernel, job)
    return with_norms(
        cells,
        cells.values.new_empty(0, *shape.bordered, PLANE),
        cells.energy[..., None][..., :0],
        [],
    )


def rotation_error(step: int, depth: int) -> float:
    """Bound of |computed heads - true heads| / |cell|: a chain of `step` terms per component."""
    chain = (step + 2) * ROUND
    return float(depth**0.5 * chain / (1 - chain))


def switch_off_copies(features: Sequence[Features]) -> None:
    """Set the scale of each block to NaN that is bitwise the same as an earlier one of any map."""
    counts = [f.energy.numel() for f in features]
    maps = array_of(
        [
            Map(
                cells=f.cells.values,
                scale=f.scale,
                height=f.size[0],
                width=f.size[1],
                first=sum(counts[:i]),
            )
            for i, f in enumerate(features)
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

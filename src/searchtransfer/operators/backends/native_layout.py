# SPDX-License-Identifier: Apache-2.0
"""Feature maps laid out for the compiled kernel: bordered cells, and panels of columns.

`docs/design/native-search.md` explains the layouts.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from .native_jobs import Halving, Layout, Panelling
from .native_kernel import LEVEL, PANEL, buffer, padded, run


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


def bordered_cells(
    features: Float32[Tensor, "c h w"],
    patch_size: int,
    is_key: bool,
    kernel: str | None,
    threads: int,
) -> Cells:
    """Channels last, padded with zeros around and behind."""
    source = features.detach().resolve_neg().contiguous()
    channels, height, width = source.shape
    shape = Shape(height, width, patch_size, is_key, kernel, threads)
    cells = Cells(
        shape,
        buffer(*shape.bordered, padded(channels)),
        buffer(*shape.bordered, dtype=torch.float64),
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


def panels(shape: Shape, cells: Float32[Tensor, "n hb wb m"]) -> Float32[Tensor, "h p d 16"]:
    """Planes of cells as panels of 16 columns."""
    depth = cells.shape[0] * cells.shape[3]
    result = buffer(shape.height, padded(shape.width) // PANEL, depth, PANEL)
    job = Panelling(cells=cells, panels=result, step=depth, plane=cells.shape[3], **shape.fields())
    run("panels", shape.kernel, job)
    return result


def halved_cells(shape: Shape, heads: Float32[Tensor, "planes hb wb 32"]) -> Cells:
    """The first heads at half the size: means of two by two cells."""
    half = replace(shape, height=-(-shape.height // 2), width=-(-shape.width // 2))
    cells = Cells(
        half, buffer(*half.bordered, LEVEL), buffer(*half.bordered, dtype=torch.float64), LEVEL
    )
    job = Halving(heads=heads, cells=cells.values, energy=cells.energy, **shape.fields())
    run("halve", shape.kernel, job)
    return cells

# SPDX-License-Identifier: Apache-2.0
"""Feature maps laid out for the compiled kernel: cells, rotated heads, panels, norms.

`docs/design/native-search.md` explains the layouts and derives the bounds computed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import ModuleType

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Float64, UInt8
from torch import Tensor

from .native_jobs import Distinct, Energy, Layout, Map, Rotation, array_of

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
"""Floats behind each array of key columns that whole vectors may read."""

MOST_HEADS = 160
"""Rotated components kept at most: beyond, the exact product is nearly as cheap."""

LEVEL = 16
"""Tail norms are kept at multiples of this depth."""

BASIS_SAMPLE = 2048
"""Pixels, about, from which the rotation is estimated. Any rotation is correct."""

ITERATIONS = 6
"""Of the orthogonal iteration."""

ROUND = 2.0**-24
"""Unit roundoff of float32."""


def padded(size: int, multiple: int = LANES_STEP) -> int:
    """The next multiple."""
    return -(-size // multiple) * multiple


@dataclass(frozen=True)
class Features:
    """One feature map as bordered cells, with its rotated heads."""

    cells: Float32[Tensor, "hb wb step"]
    """Channels last, zeros up to a multiple of 16 channels, zeros in a border of half a block."""
    heads: Float32[Tensor, "hb wb heads"]
    """The same, rotated: the first components, which hold most of the energy."""
    energy: Float64[Tensor, "h w"]
    """Squared norm of every block."""
    tails: Float64[Tensor, "h w levels"]
    """Upper bounds of the norm of every block beyond its first 16, 32, ... rotated components."""
    patch_size: int
    kernel: str | None
    """Instruction set, None for the best."""

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of cells, without the border."""
        return self.energy.shape[0], self.energy.shape[1]

    def panels(self, cells: Float32[Tensor, "hb wb d"]) -> Float32[Tensor, "h p d 16"]:
        """Cells of this map as panels of 16 columns."""
        height, width = self.size
        depth = cells.shape[2]
        panels = torch.empty(height, padded(width) // 16, depth, 16)
        run(
            "panels",
            self.kernel,
            Layout(
                source=cells,
                target=panels,
                height=height,
                width=width,
                radius=self.patch_size // 2,
                step=depth,
                depth=depth,
                threads=torch.get_num_threads(),
            ),
        )
        return panels

    @cached_property
    def head_panels(self) -> Float32[Tensor, "h p d 16"]:
        """What a pruned walk multiplies."""
        return self.panels(self.heads)

    @cached_property
    def cell_panels(self) -> Float32[Tensor, "h p d 16"]:
        """What a full walk multiplies."""
        return self.panels(self.cells)


def lanes() -> dict[str, int]:
    """The instruction sets of the built kernel that run here, best first, and their vector size."""
    return dict(kernel_module.kernels()) if kernel_module else {}


def run(operation: str, kernel: str | None, job: object) -> None:
    """One operation of the kernel; raises MemoryError when memory runs out."""
    getattr(kernel_module, operation)(kernel, bytes(job))  # type: ignore[call-overload]


def block_energy(
    cells: Float32[Tensor, "hb wb d"], patch_size: int, every: int, kernel: str | None
) -> Float64[Tensor, "h w levels"]:
    """Squared norms of every block, of its first `every`, `2 every`, ... components."""
    radius = patch_size // 2
    height, width = cells.shape[0] - 2 * radius, cells.shape[1] - 2 * radius
    energy = torch.empty(height, width, cells.shape[2] // every, dtype=torch.float64)
    job = Energy(
        cells=cells,
        block_energy=energy,
        height=height,
        width=width,
        radius=radius,
        step=cells.shape[2],
        every=every,
        threads=torch.get_num_threads(),
    )
    run("energy", kernel, job)
    return energy


def bordered_cells(
    features: Float32[Tensor, "c h w"], patch_size: int, kernel: str | None
) -> Float32[Tensor, "hb wb step"]:
    """Channels last, padded with zeros around and behind."""
    source = features.detach().contiguous()
    channels, height, width = source.shape
    radius = patch_size // 2
    cells = torch.zeros(height + 2 * radius, width + 2 * radius, padded(channels))
    job = Layout(
        source=source,
        target=cells,
        channels=channels,
        height=height,
        width=width,
        radius=radius,
        step=cells.shape[2],
        threads=torch.get_num_threads(),
    )
    run("cells", kernel, job)
    return cells


def described(
    cells: Float32[Tensor, "hb wb step"],
    energy: Float64[Tensor, "h w"],
    basis: Float64[Tensor, "step heads"],
    patch_size: int,
    kernel: str | None,
) -> Features:
    """Cells with their heads and tail norms."""
    heads = rotate(cells, basis, kernel)
    kept = block_energy(heads, patch_size, LEVEL, kernel)
    depth = torch.arange(LEVEL, heads.shape[2] + 1, LEVEL, dtype=torch.float64)
    excess = 2 * rotation_error(cells.shape[2], depth) + 2.0**-40  # of the kept energy
    tails = (energy[..., None] * (1 + excess) - kept).clamp_(min=0).sqrt_()
    return Features(cells, heads, energy, tails, patch_size, kernel)


def rotation_error(step: int, depth: Float64[Tensor, " n"]) -> Float64[Tensor, " n"]:
    """Bound of |computed heads - true heads| / |cell|: a chain of `step` terms per component."""
    chain = (step + 2) * ROUND
    return depth.sqrt() * chain / (1 - chain)


def rotate(
    cells: Float32[Tensor, "hb wb step"], basis: Float64[Tensor, "step heads"], kernel: str | None
) -> Float32[Tensor, "hb wb heads"]:
    """Cells in the basis."""
    heads = torch.empty(*cells.shape[:2], basis.shape[1])
    panels = (
        basis.float().view(basis.shape[0], -1, 16).permute(1, 0, 2).contiguous()
    )  # [p, step, 16]
    job = Rotation(
        cells=cells,
        basis=panels.contiguous(),
        heads=heads,
        rows=cells.shape[0],
        columns=cells.shape[1],
        step=cells.shape[2],
        depth=basis.shape[1],
        threads=torch.get_num_threads(),
    )
    run("rotation", kernel, job)
    return heads


def principal_basis(
    all_cells: Sequence[Float32[Tensor, "_ _ step"]],
    energies: Sequence[Float64[Tensor, "_ _"]],
    channels: int,
    patch_size: int,
) -> Float64[Tensor, "step heads"]:
    """Orthonormal directions by falling energy, nearly: of the second moments of the pixels.

    Each pixel is divided by the norm of its block, so that dim places count as much as bright ones.
    Orthogonal iteration: a few products and QR factors are cheaper than all eigenvectors, and how
    close they come decides the speed only.
    """
    radius = patch_size // 2
    stride = max(1, sum(energy.numel() for energy in energies) // BASIS_SAMPLE)
    moments = torch.zeros(channels, channels, dtype=torch.float64)
    for cells, energy in zip(all_cells, energies, strict=True):
        height, width = energy.shape
        inner = cells[radius : radius + height, radius : radius + width, :channels]
        norm = energy.flatten()[::stride].sqrt()
        index = torch.arange(0, height * width, stride)
        sample = inner[index // width, index % width]
        sample = sample / torch.where(norm > 0, norm, 1)[:, None].float()
        moments += (sample.T @ sample).double()
    count = min(channels, MOST_HEADS)
    # The columns of most energy, and a little of everything so that none is missed.
    start = torch.eye(channels, dtype=torch.float64)[:, moments.diagonal().argsort(descending=True)]
    vectors = torch.linalg.qr(moments @ start[:, :count] + 1e-6 * start[:, :count]).Q
    for _ in range(ITERATIONS):
        vectors = torch.linalg.qr(moments @ vectors + 1e-12 * vectors).Q
    return F.pad(vectors, (0, padded(count) - count, 0, padded(channels) - channels))


def columns(values: Float[Tensor, "h w"], fill: float = 0) -> Float32[Tensor, " n"]:
    """Values of key cells in float32, rows padded to whole panels, spare floats behind."""
    width = values.shape[1]
    rows = F.pad(values.float(), (0, padded(width) - width), value=fill)
    return F.pad(rows.flatten(), (0, SPARE), value=fill)


def rounded_up(values: Float64[Tensor, "..."]) -> Float32[Tensor, "..."]:
    """Float32 values that are not below the given ones (which are normal or zero)."""
    return (values * (1 + 2.0**-22)).float()


def distinct_blocks(features: Sequence[Features]) -> list[UInt8[Tensor, "_ _"]]:
    """For each map: 1 where no earlier block of any map is bitwise the same."""
    patch_size = features[0].patch_size
    counts = [f.energy.numel() for f in features]
    first = torch.empty(sum(counts), dtype=torch.uint8)
    maps = array_of(
        [
            Map(cells=f.cells, height=f.size[0], width=f.size[1], first=sum(counts[:i]))
            for i, f in enumerate(features)
        ]
    )
    job = Distinct(
        keys=maps,
        key_count=len(maps),
        radius=patch_size // 2,
        cell_step=features[0].cells.shape[2],
        first=first,
        threads=torch.get_num_threads(),
    )
    run("distinct", features[0].kernel, job)
    parts = torch.split(first, counts)
    return [part.view(f.size) for part, f in zip(parts, features, strict=True)]

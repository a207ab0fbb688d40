# SPDX-License-Identifier: Apache-2.0
"""The rotation that gathers the energy of keys in few components."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float64
from torch import Tensor

from .native_features import BOUNDS, BOUNDS_AT
from .native_kernel import PLANE, padded
from .native_layout import Cells

MOST_HEADS = 128
"""Rotated components kept at most: beyond, the exact product is nearly as cheap."""

SAMPLE = 2048
"""Cells, about, from which the rotation is estimated. Any rotation is correct."""

ITERATIONS = 2
"""Of the orthogonal iteration."""


def principal_basis(all_cells: Sequence[Cells], gap: bool) -> Float64[Tensor, "step heads"]:
    """Orthonormal directions by falling energy, nearly: of the second moments of the cells.

    Each cell is divided by the norm of its block, so that dim places count as much as bright ones.
    Orthogonal iteration: a few products and QR factors are cheaper than all eigenvectors, and how
    close they come decides the speed only.

    Args:
        all_cells: the keys.
        gap: leave zero columns for the bounds of rounded cells.
    """
    channels = all_cells[0].channels
    stride = max(1, sum(c.energy.numel() for c in all_cells) // SAMPLE)
    like = all_cells[0].energy  # float64 on the CPU, whatever the defaults of the process
    moments = like.new_zeros(channels, channels)
    for cells in all_cells:
        shape, radius = cells.shape, cells.shape.radius
        blocks = cells.energy.unfold(0, shape.patch_size, 1).unfold(1, shape.patch_size, 1)
        norm = blocks.sum((2, 3)).flatten()[::stride].sqrt()
        index = torch.arange(0, shape.height * shape.width, stride, device="cpu")
        inner = cells.values[radius : radius + shape.height, radius : radius + shape.width]
        sample = inner[index // shape.width, index % shape.width, :channels]
        sample = sample / torch.where(norm > 0, norm, 1)[:, None].float()
        moments += (sample.T @ sample).double()
    count = min(channels, MOST_HEADS - BOUNDS if gap else MOST_HEADS)
    # The columns of most energy, and a little of everything so that none is missed.
    start = torch.diag(like.new_ones(channels))[:, moments.diagonal().argsort(descending=True)]
    vectors = torch.linalg.qr(moments @ start[:, :count] + 1e-6 * start[:, :count]).Q
    for _ in range(ITERATIONS):
        vectors = torch.linalg.qr(moments @ vectors + 1e-12 * vectors).Q
    if gap:
        vectors = torch.cat([F.pad(vectors[:, :BOUNDS_AT], (0, BOUNDS)), vectors[:, BOUNDS_AT:]], 1)
        count = vectors.shape[1]
    return F.pad(vectors, (0, padded(count, PLANE) - count, 0, padded(channels) - channels))

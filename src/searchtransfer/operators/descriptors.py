# SPDX-License-Identifier: Apache-2.0
"""Plain descriptors of image content: small patches in a cosine basis, without their mean."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

SIDE = 5
"""Side of a patch in pixels."""

LUMA, CHROMA = 24, 9
"""Coefficients kept of each: all of the first but the constant, the lowest of the others.

Dropping the fine chroma nearly halves the memory of the keys.
"""


def describe(image: Float[Tensor, "3 h w"]) -> Float[Tensor, "c h w"]:
    """Describe every pixel by the patch around it, up to its mean.

    The cosine of two descriptors is the normalised cross-correlation of their patches (fine chroma
    left out): it does not change with brightness or contrast. Patches at the border see the border
    pixels repeated.

    Args:
        image: `[3, H, W]`, any range, any size from 1 x 1.

    Returns:
        `[42, H, W]`; all zero where the patch is constant.
    """
    filters = _filters().to(image)
    pad = SIDE // 2
    padded = F.pad(image[None], (pad, pad, pad, pad), mode="replicate")
    features = F.conv2d(padded, filters)[0]
    # A constant patch leaves only rounding: call it zero, or its direction would be noise.
    size = torch.linalg.vector_norm(features, dim=0)
    flat = size <= 1e-5 * F.max_pool2d(padded.abs().amax(1), SIDE, stride=1)[0]
    return features.masked_fill_(flat, 0)


def _filters() -> Float[Tensor, "c 3 k k"]:
    """Orthonormal: an opponent colour times two cosines, the slow ones first."""
    step = torch.arange(SIDE, dtype=torch.float64)
    cosines = torch.stack([torch.cos(math.pi * (step + 0.5) * k / SIDE) for k in range(SIDE)])
    cosines /= cosines.norm(dim=1, keepdim=True)
    frequencies = sorted(
        ((i, j) for i in range(SIDE) for j in range(SIDE)), key=lambda ij: (sum(ij), max(ij), ij)
    )[1:]
    opponent = torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]], dtype=torch.float64)
    opponent /= opponent.norm(dim=1, keepdim=True)
    return torch.stack(
        [
            colour[:, None, None] * cosines[i][:, None] * cosines[j]
            for colour, count in zip(opponent, (LUMA, CHROMA, CHROMA), strict=True)
            for i, j in frequencies[:count]
        ]
    )

# SPDX-License-Identifier: Apache-2.0
"""Ranges made safe: features whose squares neither vanish nor overflow."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from ..errors import NonFiniteError

SAFE_RANGE = 2.0**20
"""Features between one over this and this are squared and summed as they are."""

SPREAD = {torch.float32: 2.0**40, torch.float64: 2.0**400}
"""Blocks fainter than the brightest cell by more than this would lose squares to underflow."""

STRIP = 2**22
"""Numbers looked at in one go."""


class Survey(NamedTuple):
    """Magnitudes of a feature map."""

    largest: float
    """Largest absolute feature; 0 if there is none."""
    smallest: float
    """Magnitude of the faintest cell that is not zero; 0 if there is none."""


def survey(name: str, features: Float[Tensor, "c h w"]) -> Survey:
    """Look at every cell once, a strip of rows at a time; `name` is what an error calls them.

    Raises:
        NonFiniteError: there is NaN or infinity.
    """
    rows = max(1, STRIP // max(1, features.shape[0] * features.shape[2]))
    sizes = [magnitude(strip).flatten() for strip in torch.split(features, rows, dim=1)]
    size = torch.cat(sizes) if features.numel() else features.new_zeros(1)
    lit = torch.where(size > 0, size, torch.inf)
    # Read once: a device would wait for each number.
    largest, smallest, odd = torch.stack(
        (size.amax(), lit.amin(), (~torch.isfinite(size)).sum().to(size))
    ).tolist()
    if odd:
        raise NonFiniteError(
            f"search: {name} holds NaN or infinity in {int(odd)} "
            f"of its {features[0].numel()} cells; look for an overflow in the layer that made it"
        )
    return Survey(largest, smallest if largest else 0.0)


def magnitude(features: Float[Tensor, "c h w"]) -> Float[Tensor, "h w"]:
    """Largest absolute feature of each cell, in float32 at least; NaN stays NaN."""
    wide = features.to(torch.promote_types(features.dtype, torch.float32))
    return torch.maximum(wide.amax(0), -wide.amin(0))


def faint_blocks(
    features: Float[Tensor, "c h w"], seen: Survey, patch_size: int
) -> Bool[Tensor, "h w"] | None:
    """Blocks too faint for sums of squares beside the brightest cell; None if there are none.

    An all-zero block is not faint: it scores 0 in any arithmetic.
    """
    least = seen.largest / SPREAD[features.dtype]
    if seen.smallest >= least:
        return None
    block = F.max_pool2d(magnitude(features)[None], patch_size, 1, patch_size // 2)[0]
    faint = (block > 0) & (block < least)
    return faint if bool(faint.any()) else None


def to_moderate(features: Float[Tensor, "c h w"], largest: float) -> Float[Tensor, "c h w"]:
    """Multiply by a power of two that brings `largest` near 1, if it is far from it.

    That changes no relevance, and no bit of a mantissa unless a feature is denormal.
    """
    if largest == 0 or 1 / SAFE_RANGE < largest < SAFE_RANGE:
        return features
    exponent = -math.frexp(largest)[1]
    half = exponent // 2  # two steps: 2**exponent itself may not be representable
    return features.mul(2.0**half).mul_(2.0 ** (exponent - half))

# SPDX-License-Identifier: Apache-2.0
"""Ranges made safe: features whose squares neither vanish nor overflow."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import NonFiniteError

SAFE_RANGE = 2.0**20
"""Features between one over this and this are squared and summed as they are."""

SPREAD = 2.0**40
"""Cells further apart than this in magnitude would lose squares to underflow in float32."""


def cell_magnitude(name: str, features: Float[Tensor, "c h w"]) -> Float[Tensor, "h w"]:
    """Largest absolute feature of each cell; `name` is what an error calls the features.

    Raises:
        NonFiniteError: there is NaN or infinity.
    """
    wide = features.to(torch.promote_types(features.dtype, torch.float32))
    size = torch.maximum(wide.amax(0), -wide.amin(0))  # NaN stays NaN
    if not bool(torch.isfinite(size).all()):
        raise NonFiniteError(
            f"search: {name} holds NaN or infinity in {int((~torch.isfinite(size)).sum())} "
            f"of its {size.numel()} cells; look for an overflow in the layer that made it"
        )
    return size


def is_spread(cell_size: Float[Tensor, "h w"]) -> bool:
    """Whether the cells differ so much in magnitude that float32 squares would underflow."""
    positive = cell_size[cell_size > 0]
    if positive.numel() == 0:
        return False
    low, high = (x.item() for x in torch.aminmax(positive))
    return high > low * SPREAD


def to_moderate(features: Float[Tensor, "c h w"], largest: float) -> Float[Tensor, "c h w"]:
    """Multiply by a power of two that brings `largest` near 1, if it is far from it.

    That changes no relevance, and no bit of a mantissa unless a feature is denormal.
    """
    if largest == 0 or 1 / SAFE_RANGE < largest < SAFE_RANGE:
        return features
    exponent = -int(torch.tensor(largest, dtype=torch.float64).frexp().exponent)
    half = exponent // 2  # two steps: 2**exponent itself may not be representable
    return features.mul(2.0**half).mul_(2.0 ** (exponent - half))

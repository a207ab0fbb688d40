# SPDX-License-Identifier: Apache-2.0
"""Pictures between their pixels."""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def sampled(
    picture: Float[Tensor, "c h w"],
    place: Float[Tensor, "n k 2"],
    mode: Literal["bilinear", "bicubic"],
) -> Float[Tensor, "c n k"]:
    """What a picture shows at places between its pixels; its border goes on outside.

    Args:
        picture: `[C, H, W]`.
        place: row and column, pixel middles at whole numbers.
        mode: how to interpolate; "bicubic" with a = -0.75, which overshoots.
    """
    height, width = picture.shape[1:]
    y, x = place.unbind(-1)
    # `grid_sample` counts from -1 to 1, columns first.
    grid = torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], -1)
    return F.grid_sample(
        picture[None], grid[None], mode=mode, padding_mode="border", align_corners=True
    )[0]

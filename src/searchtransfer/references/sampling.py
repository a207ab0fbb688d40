# SPDX-License-Identifier: Apache-2.0
"""Pictures between their pixels."""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..operators.backends.native_sampling import can_sample, sample
from .maps import Map, applied, identity

Interpolation = Literal["bilinear", "bicubic"]
"""How; "bicubic" with a = -0.75, which overshoots."""


def pixelwise(picture: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
    """The same picture, the channels of a pixel side by side in memory, for quick sampling."""
    return picture.permute(1, 2, 0).contiguous().permute(2, 0, 1)


def sampled(
    picture: Float[Tensor, "c h w"], place: Float[Tensor, "n k 2"], mode: Interpolation
) -> Float[Tensor, "c n k"]:
    """What a picture shows at places between its pixels; its border goes on outside.

    Args:
        picture: `[C, H, W]`.
        place: row and column, pixel middles at whole numbers.
        mode: how to interpolate.
    """
    height, width = picture.shape[1:]
    y, x = place.unbind(-1)
    # `grid_sample` counts from -1 to 1, columns first.
    grid = torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], -1)
    return F.grid_sample(
        picture[None], grid[None], mode=mode, padding_mode="border", align_corners=True
    )[0]


def sampled_around(
    picture: Float[Tensor, "3 h w"],
    centre: Float[Tensor, "n 2"],
    jacobian: Float[Tensor, "n 2 2"],
    steps: Float[Tensor, "k 2"],
    mode: Interpolation,
    to: Map | None = None,
) -> Float[Tensor, "n 3 k"]:
    """What a picture shows at the same steps around many matches: compiled where that can run.

    Args:
        picture: `[3, H, W]`.
        centre: row and column of each match.
        jacobian: of each match; a place is `centre + jacobian @ step`.
        steps: rows and columns.
        mode: how to interpolate.
        to: from there to the pixels of the picture; None: they are these.
    """
    if can_sample(picture, centre, jacobian, steps):
        there = (identity() if to is None else to).to(picture)
        return sample(picture, centre, jacobian, steps, there, mode == "bicubic")
    place = centre[:, None] + (jacobian @ steps.T).transpose(1, 2)
    return sampled(picture, place if to is None else applied(to, place), mode).transpose(0, 1)

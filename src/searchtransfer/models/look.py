# SPDX-License-Identifier: Apache-2.0
"""The vivid look: what is painted where no reference shows anything, and where that is."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

KNOWN = 0.5
"""Of what a reference may show of a cell: from here on nothing of it is invented."""

STRENGTH = 1.3
"""How far to go from the faithful picture, as a part of the way to what the network paints."""

REACH = 4
"""Cells on either side over which a pattern that every cell has alike is seen."""


def painted_beyond(
    faithful: Float[Tensor, "3 hs ws"], painted: Float[Tensor, "3 hs ws"], scale: int
) -> Float[Tensor, "3 hs ws"]:
    """What a network for the vivid look adds to a faithful picture, without its grid of dots.

    Networks that were taught to look sharp draw the same dots into all cells around, for any fine
    pattern looks sharp to the eye that taught them. What the scene shows differs from cell to cell:
    so the mean over cells around is taken from each pixel of a cell.
    """
    added = F.pixel_unshuffle((painted - faithful)[None], scale)
    dots = F.avg_pool2d(added, 2 * REACH + 1, 1, REACH, count_include_pad=False)
    return STRENGTH * F.pixel_shuffle(added - dots, scale)[0]


def invented(surely: Float[Tensor, "h w"], scale: int) -> Float[Tensor, "hs ws"]:
    """How much of each pixel may be invented: nothing where the reference shows it."""
    unknown = (1 - surely / KNOWN).clamp(0, 1)[None, None]
    smooth = F.interpolate(unknown, scale_factor=scale, mode="bilinear", align_corners=False)
    return smooth[0, 0]

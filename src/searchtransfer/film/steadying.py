# SPDX-License-Identifier: Apache-2.0
"""Frames made steady: what does not change in the scene does not change in the film.

A sharp frame moves towards the one before, moved by the flow, where the two nearly agree: there
they differ by the noise of coding and of small errors of the search, which so averages out over
time. Where they differ by more, something has changed, or the flow is wrong.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..references.sampling import sampled
from .motion import places, smooth

PART = 0.8
"""Of the frame before, where the two agree."""

NEAR = 8.0
"""Grey levels of difference, around a pixel, at which that part falls to a third."""

AROUND = 2
"""Pixels on either side that are looked at."""


def steadied(
    frame: Float[Tensor, "3 hs ws"],
    before: Float[Tensor, "3 hs ws"],
    way: Float[Tensor, "h w 2"],
) -> Float[Tensor, "3 hs ws"]:
    """A sharp frame, made steady.

    Args:
        frame: as it was made, in [0, 1].
        before: the frame before, as it was shown.
        way: from each pixel of the small frame to where it was, from `flow`, calmed.
    """
    size = frame.shape[1], frame.shape[2]
    scale = frame.new_tensor([size[0] / way.shape[0], size[1] / way.shape[1]])
    large = F.interpolate((way * scale).permute(2, 0, 1)[None], size, mode="bilinear")[0]
    last = sampled(before, places(large.permute(1, 2, 0)), "bicubic")
    difference = smooth(255 * (frame - last).abs().mean(0), AROUND)
    part = PART * torch.exp(-((difference / NEAR) ** 2))
    return torch.lerp(frame, last, part)

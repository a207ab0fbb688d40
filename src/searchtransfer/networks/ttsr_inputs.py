# SPDX-License-Identifier: Apache-2.0
"""TTSR's inputs as published: Pillow's bicubic filter on eight bits, values in [-1, 1]."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image as PILImage
from torch import Tensor

from ..errors import OptionError


def ttsr_inputs(
    lr: Float[Tensor, "3 h w"], references: Sequence[Float[Tensor, "3 _ _"]]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """TTSR's four inputs in [-1, 1] from images in [0, 1]: lr, lr_up, ref, ref_down_up.

    Several references are put below each other in one image, as the published results do; narrower
    ones are widened by repeating their last column.

    Raises:
        OptionError: there is no reference.
    """
    if not references:
        raise OptionError("TTSR: needs a reference; this photo has none")
    width = max(n + -n % 4 for image in references for n in image.shape[2:])
    high, low = zip(*(reference_inputs(image, width) for image in references), strict=True)
    return lr * 2 - 1, enlarged(lr), torch.cat(high, 1), torch.cat(low, 1)


def reference_inputs(
    photo: Float[Tensor, "3 h w"], width: int = 0
) -> tuple[Float[Tensor, "3 hp wp"], Float[Tensor, "3 hp wp"]]:
    """A reference in [0, 1] as TTSR takes it, in [-1, 1]: sharp, and reduced and enlarged.

    Args:
        photo: any size; its last row and column are repeated up to a multiple of 4.
        width: the least width of the result, a multiple of 4.
    """
    right = max(width - photo.shape[2], -photo.shape[2] % 4)
    sharp = F.pad(photo[None], (0, right, 0, -photo.shape[1] % 4), mode="replicate")[0]
    sides = sharp.shape[1], sharp.shape[2]
    low = _resized(_resized(sharp, sides[0] // 4, sides[1] // 4), *sides)
    return sharp * 2 - 1, low * 2 - 1


def enlarged(lr: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 4*h 4*w"]:
    """The small image in [0, 1] four times as large, in [-1, 1]."""
    return _resized(lr, 4 * lr.shape[1], 4 * lr.shape[2]) * 2 - 1


def _resized(image: Tensor, height: int, width: int) -> Tensor:
    pixels = image.mul(255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
    picture = PILImage.fromarray(pixels.contiguous().cpu().numpy())
    resized = picture.resize((width, height), PILImage.Resampling.BICUBIC)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).to(image) / 255

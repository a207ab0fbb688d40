# SPDX-License-Identifier: Apache-2.0
"""Methods to evaluate: bicubic, an upscaler with any of its models, TTSR as published."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image as PILImage
from torch import Tensor, nn

from ..errors import OptionError
from ..images import up
from ..upscaler import Upscaler
from .protocol import Method


def bicubic(scale: int = 4) -> Method:
    """The measure of all others: Pillow's bicubic filter, which knows no reference."""

    def method(lr: Tensor, references: Sequence[Tensor]) -> Tensor:
        return up(lr, scale)

    return method


def with_upscaler(upscaler: Upscaler) -> Method:
    """An upscaler; each call prepares its references anew."""

    def method(lr: Tensor, references: Sequence[Tensor]) -> Tensor:
        sharp: Tensor = upscaler.upscale(lr, list(references)).image
        return sharp

    return method


def with_ttsr(model: nn.Module) -> Method:
    """A TTSR network in the state it has when the method is called, on inputs as published.

    Several references are put below each other in one image, as the published results do; narrower
    ones are widened by repeating their last column.
    """

    def method(lr: Tensor, references: Sequence[Tensor]) -> Tensor:
        parameter = next(model.parameters())
        images = (image.to(parameter)[None] for image in ttsr_inputs(lr, references))
        was_training = model.training
        model.eval()
        try:
            sr: Tensor = model(*images).sr[0]
            return (sr.float().cpu() + 1) / 2
        finally:
            model.train(was_training)

    return method


def ttsr_inputs(
    lr: Float[Tensor, "3 h w"], references: Sequence[Float[Tensor, "3 _ _"]]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """TTSR's four inputs in [-1, 1] from images in [0, 1]: lr, lr_up, ref, ref_down_up.

    Raises:
        OptionError: there is no reference.
    """
    if not references:
        raise OptionError("TTSR: needs a reference; this photo has none")
    sides = [n + -n % 4 for image in references for n in image.shape[1:]]
    width = max(sides[1::2])
    high, low = [], []
    for image, height in zip(references, sides[::2], strict=True):
        missing = (0, width - image.shape[2], 0, height - image.shape[1])
        padded = F.pad(image[None], missing, mode="replicate")[0]
        high.append(padded)
        low.append(_resized(_resized(padded, height // 4, width // 4), height, width))
    lr_up = _resized(lr, 4 * lr.shape[1], 4 * lr.shape[2])
    ref, ref_down_up = torch.cat(high, 1), torch.cat(low, 1)
    return tuple(image * 2 - 1 for image in (lr, lr_up, ref, ref_down_up))  # type: ignore[return-value]


def _resized(image: Tensor, height: int, width: int) -> Tensor:
    """By Pillow's bicubic filter, on eight bits as published."""
    pixels = image.mul(255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
    picture = PILImage.fromarray(pixels.contiguous().cpu().numpy())
    small = picture.resize((width, height), PILImage.Resampling.BICUBIC)
    return torch.from_numpy(np.array(small)).permute(2, 0, 1).float() / 255

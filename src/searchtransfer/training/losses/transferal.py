# SPDX-License-Identifier: Apache-2.0
"""Transferal perceptual loss: the result should show the texture that was transferred."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from ...networks.texture_extractor import TextureExtractor


def transferal_loss(
    extractor: TextureExtractor,
    sr: Float[Tensor, "b 3 h4 w4"],
    t3: Float[Tensor, "b c3 h w"],
    t2: Float[Tensor, "b c2 2*h 2*w"],
    t1: Float[Tensor, "b c1 4*h 4*w"],
) -> Float[Tensor, ""]:
    """Mean over three levels of the mean squared difference of features and textures.

    TTSR, equation 7, second term, as released: the extractor's present weights are constants where
    `sr` passes through it, and the textures are not detached, so they are trained towards `sr`.

    Args:
        extractor: TTSR's own.
        sr: the result, RGB in [-1, 1].
        t3: texture at a quarter of its size.
        t2: texture at half its size.
        t1: texture at its size.
    """
    constants = extractor.state_dict()  # detached, unlike its parameters
    levels = functional_call(extractor, constants, ((sr + 1) / 2,))
    pairs = zip(levels, (t1, t2, t3), strict=True)
    losses = [F.mse_loss(features, texture) for features, texture in pairs]
    return (losses[0] + losses[1] + losses[2]) / 3

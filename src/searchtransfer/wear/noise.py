# SPDX-License-Identifier: Apache-2.0
"""How much noise is on an image, told from the image alone.

Small patches of a photo lie near a plane of few dimensions, while noise fills all of them alike:
so the least variance that patches have in any direction is that of the noise (Liu, Tanaka and
Okutomi, 2013; Chen, Zhu and Heng, 2015). Fine texture fills all directions too; but it is grey, and
noise of a sensor is not: the lesser of what brightness and colour say is taken.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

SIDE = 5
"""Of a patch in pixels."""

FLATTEST = 0.3
"""Part of the patches that is looked at, those of the least variance."""

FEWEST, MOST = 200, 100_000
"""Patches that tell anything, and so many as are looked at, about: of a large image those of every
second row and column, or fewer."""

CLIPPED = 0.5
"""Grey levels from black or white within which noise is cut off."""

GREY, TEXTURE = 0.5, 5.0
"""Grey levels that channels may differ by in a picture without colour; in such a picture, levels
of noise that fine texture is taken for."""

LOST = 1.2
"""The flattest patches and the least variance have less than their share of the noise."""

_PLANES = (((1, 1, 1), 3**0.5), ((1, 0, -1), 2**0.5), ((1, -2, 1), 6**0.5))
"""Brightness and two colours, each of norm one: white noise is the same in each."""


def noise_of(colour: Float[Tensor, "3 h w"]) -> float:
    """The standard deviation of white noise, in grey levels; 0 where nothing tells.

    Args:
        colour: `[3, H, W]` in [0, 1].
    """
    levels = 255 * colour.detach().cpu().double()
    found = [_least(levels, weights, norm) for weights, norm in _PLANES]
    brightness, chroma = found[0], [x for x in found[1:] if x is not None]
    if brightness is None:
        return 0.0
    if float((levels.amax(0) - levels.amin(0)).max()) < GREY or not chroma:
        grey = LOST * brightness / 3**0.5  # the same noise in all channels
        return grey if grey > TEXTURE else 0.0
    return LOST * min(brightness, sum(chroma) / len(chroma))


def _least(levels: Float[Tensor, "3 h w"], weights: tuple[int, ...], norm: float) -> float | None:
    plane = torch.tensordot(levels.new_tensor(weights) / norm, levels, 1)
    patches = _patches(plane[None])
    whole = _patches(levels)
    patches = patches[(whole.amin(1) > CLIPPED) & (whole.amax(1) < 255 - CLIPPED)]
    if len(patches) < FEWEST:
        return None
    count = max(FEWEST, round(FLATTEST * len(patches)))
    patches = patches[patches.var(1).argsort()[:count]]
    patches = patches - patches.mean(1, keepdim=True)
    variances = torch.linalg.eigvalsh(patches.T @ patches / count)
    # The very least is 0: the mean was taken off.
    return float(variances[1].clamp(min=0).sqrt())


def _patches(planes: Float[Tensor, "c h w"]) -> Float[Tensor, "n k"]:
    if min(planes.shape[1:]) < SIDE:
        return planes.new_zeros(0, SIDE**2 * len(planes))
    stride = max(1, math.isqrt(planes.shape[1] * planes.shape[2] // MOST))
    return F.unfold(planes[None], SIDE, stride=stride)[0].T

# SPDX-License-Identifier: Apache-2.0
"""Colours of pictures with transparent parts.

What nobody sees is no colour: painting programs leave black there, others whatever was below. It
must neither bleed into the edges of what is seen, nor be searched for texture.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..process.devices import wide
from .image import Image
from .resize import up

TRUSTED = 1 / 16
"""Opacity from which a colour counts in full; with less it was rounded too coarsely."""
_LEAST = 1 / 512
"""Opacity that no file of 8 bits tells from none."""


def with_hidden_filled(picture: Image) -> Image:
    """The picture with a smooth continuation of its visible colours where it is transparent.

    Opaque parts stay as they are; so does a picture without alpha, or with nothing visible.
    """
    alpha = picture.alpha
    if alpha is None or bool((alpha >= TRUSTED).all()) or not bool((alpha > 0).any()):
        return picture
    colour, opacity = wide(picture.colour.detach()), wide(alpha.detach())
    around = _spread(colour * opacity, opacity)
    trust = (opacity / TRUSTED).clamp(max=1)
    mixed = torch.lerp(around, colour, trust)
    filled = torch.where(trust < 1, mixed, colour).to(picture.colour)
    return replace(picture, colour=filled)


def _spread(
    light: Float[Tensor, "c h w"], opacity: Float[Tensor, "1 h w"]
) -> Float[Tensor, "c h w"]:
    """Mean colours, each from the smallest square around a pixel in which something is seen."""
    seen = light / opacity.clamp(min=1e-6)
    if max(opacity.shape[-2:]) == 1 or bool((opacity > 0).all()):
        return seen
    coarse = _spread(_halved(light), _halved(opacity))
    size = opacity.shape[-2:]
    smooth = F.interpolate(coarse[None], size, mode="bilinear", align_corners=False)[0]
    return torch.where(opacity > 0, seen, smooth)


def _halved(planes: Float[Tensor, "c h w"]) -> Float[Tensor, "c h2 w2"]:
    return F.avg_pool2d(planes[None], 2, ceil_mode=True, count_include_pad=False)[0]


def enlarge_alpha(small: Image, sharp: Float[Tensor, "3 sh sw"], scale: int) -> Image:
    """The large picture, from the colours that a model made of `with_hidden_filled(small)`.

    Colours are enlarged multiplied by alpha, as light adds up, and divided again: laid on any
    background the result is the small picture on it, enlarged bicubically, with the detail that the
    model found. Alpha is enlarged bicubically, and so are further bands, which no reference shows.

    Args:
        small: the picture as it was read, with its metadata.
        sharp: what the model made, in [0, 1], `scale` times as large.
        scale: how many times.

    Returns:
        The picture of `sharp`'s size; its metadata tell its place in the new pixels.
    """
    metadata = small.metadata.resized(scale, scale)
    sharp = sharp.to(small.colour.device)
    if small.alpha is None:
        bands = None if small.bands is None else up(small.bands, scale).clamp(0, 1)
        return replace(small, colour=sharp.clamp(0, 1), metadata=metadata, bands=bands)
    opacity = small.alpha.detach().to(sharp)
    alpha = up(opacity, scale)
    if bool((opacity < 1).any()):
        filled = with_hidden_filled(small).colour.detach().to(sharp)
        light = up(small.colour.detach().to(sharp) * opacity, scale)
        plain = up(filled, scale)
        exact = (light / alpha.clamp(min=_LEAST)).clamp(0, 1)
        sharp = torch.where(alpha > _LEAST, sharp - plain + exact, sharp)
    return replace(
        small,
        colour=sharp.clamp(0, 1),
        alpha=alpha.clamp(0, 1).to(small.alpha),
        metadata=metadata,
        bands=_enlarged_bands(small, opacity, alpha, scale),
    )


def _enlarged_bands(
    small: Image, opacity: Float[Tensor, "1 h w"], alpha: Float[Tensor, "1 sh sw"], scale: int
) -> Float[Tensor, "n sh sw"] | None:
    if small.bands is None:
        return None
    bands = small.bands.detach().to(opacity)
    seen = up(bands * opacity, scale) / alpha.clamp(min=_LEAST)
    return torch.where(alpha > _LEAST, seen, up(bands, scale)).clamp(0, 1)

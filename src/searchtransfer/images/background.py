# SPDX-License-Identifier: Apache-2.0
"""Putting a picture with transparent parts on a background, for formats without any."""

from dataclasses import replace

import torch
from PIL import ImageColor

from ..errors import OptionError
from .image import Image

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""


def parse_colour(text: str) -> Colour:
    """A colour by name (`white`) or by numbers (`#fff`, `#ffffff`, `rgb(255, 255, 255)`).

    Raises:
        OptionError: it is none.
    """
    try:
        values = ImageColor.getrgb(text)
    except ValueError:
        raise OptionError(
            f"background must be a colour such as white or #ffffff, got {text!r}"
        ) from None
    return values[0], values[1], values[2]


def on_background(image: Image, colour: Colour) -> Image:
    """The same picture, opaque; one that has no alpha is returned as it is.

    It stays grey on a grey background only.
    """
    if image.alpha is None:
        return image
    behind = torch.tensor(colour, dtype=image.colour.dtype, device=image.colour.device) / 255
    alpha = image.alpha.to(image.colour)
    mixed = image.colour * alpha + behind[:, None, None] * (1 - alpha)
    grey = image.grey and len(set(colour)) == 1
    return replace(image, colour=mixed, alpha=None, grey=grey)

# SPDX-License-Identifier: Apache-2.0
"""What happens to a photo on its way into an album: blur, noise, JPEG."""

import io

import numpy as np
from PIL import Image, ImageFilter

from ..data.pixels import Pixels

_CHANCE = 0.3  # of each, on its own
_BLUR = 1.0  # pixels
_NOISE = 5.0  # grey levels
_QUALITY = (50, 95)


def worn(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Each of blur, noise and compression, or not."""
    if rng.random() < _CHANCE:
        blur = ImageFilter.GaussianBlur(rng.uniform(0, _BLUR))
        pixels = np.array(Image.fromarray(pixels).filter(blur))
    if rng.random() < _CHANCE:
        noise = rng.normal(0, rng.uniform(0, _NOISE), pixels.shape)
        pixels = np.clip(pixels + noise, 0, 255).round().astype(np.uint8)
    if rng.random() < _CHANCE:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(*_QUALITY)))
        pixels = np.array(Image.open(file))
    return pixels

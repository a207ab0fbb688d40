# SPDX-License-Identifier: Apache-2.0
"""What has happened to an image, in two numbers."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from .compression import noise_of_quality, quality_of
from .noise import noise_of

LEAST = 2.0
"""Grey levels of noise below which an image counts as clean."""


@dataclass(frozen=True)
class Wear:
    """Noise and compression of an image.

    Raises:
        OptionError: a number is outside its range.
    """

    noise: float = 0.0
    """What is on the image and not of the scene: root mean square in grey levels."""
    quality: int | None = None
    """Of the JPEG file that it was, 1 to 100."""

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 100:
            raise OptionError(f"noise must be from 0 to 100 grey levels, got {self.noise!r}")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise OptionError(f"quality must be from 1 to 100, got {self.quality!r}")

    def __str__(self) -> str:
        if self.quality is not None:
            return f"JPEG of about quality {self.quality}"
        return f"noise of about {self.noise:.0f} grey levels" if self.noise else "clean"


CLEAN = Wear()
"""Nothing has happened but a reduction."""


def wear_of(colour: Float[Tensor, "3 h w"]) -> Wear:
    """Estimate it from the image alone; `CLEAN` where nothing is sure.

    Args:
        colour: `[3, H, W]` in [0, 1].
    """
    noise = noise_of(colour)
    noise = noise if noise >= LEAST else 0.0
    quality = quality_of(colour)
    if quality is not None:
        noise = math.hypot(noise, noise_of_quality(colour, quality))
    return Wear(noise, quality) if noise else CLEAN

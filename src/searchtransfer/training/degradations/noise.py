# SPDX-License-Identifier: Apache-2.0
"""Noise of a sensor."""

from dataclasses import dataclass

import numpy as np

from .part import Picture, check_range


@dataclass(frozen=True)
class Noise:
    """Gaussian, with variance `sigma^2 + shot * value`: counted light varies with its amount.

    Raises:
        OptionError: sigma is not from 0 to 255, or shot not from 0 to 255.
    """

    sigma: float
    """Standard deviation in levels of 255 where the picture is black."""
    shot: float = 0.0
    """How much the variance grows with each level."""
    grey: bool = False
    """The same for red, green and blue; its variance follows their mean."""

    def __post_init__(self) -> None:
        check_range("Noise: sigma", self.sigma, 0, 255)
        check_range("Noise: shot", self.shot, 0, 255)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The same size; what leaves 0 to 255 is cut off, as a sensor does."""
        light = picture.mean(axis=2, keepdims=True) if self.grey else picture
        deviation = np.sqrt(self.sigma**2 + self.shot * np.clip(light, 0, 255))
        noise = rng.standard_normal(light.shape, dtype=np.float32) * deviation
        noisy: Picture = np.clip(picture + noise, 0, 255).astype(np.float32)
        return noisy

    def __str__(self) -> str:
        shot = f" + shot {self.shot:.2f}" if self.shot else ""
        return f"{'grey ' if self.grey else ''}noise {self.sigma:.1f}{shot}"

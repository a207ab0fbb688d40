# SPDX-License-Identifier: Apache-2.0
"""Blur of lenses and of motion, and the sharpening that programs answer it with."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float64

from .part import Picture, check_range

_WIDEST = 50.0  # pixels


@dataclass(frozen=True)
class Blur:
    """A Gaussian; mirrored at the border.

    Raises:
        OptionError: a width is not from 0 to 50 pixels, or the angle is no number.
    """

    sigma: float
    """Standard deviation in pixels of the picture it is applied to; 0 changes nothing."""
    sigma2: float | None = None
    """The same across; none: as wide."""
    angle: float = 0.0
    """Degrees by which the first axis is turned from the row's direction, against the clock."""

    def __post_init__(self) -> None:
        check_range("Blur: sigma", self.sigma, 0, _WIDEST)
        check_range("Blur: sigma2", self._across, 0, _WIDEST)
        check_range("Blur: angle", self.angle, -360, 360)

    @property
    def _across(self) -> float:
        return self.sigma if self.sigma2 is None else self.sigma2

    @np.errstate(under="ignore")  # far from the middle there is nothing
    def kernel(self) -> Float64[np.ndarray, "_ _"]:
        """Weights that sum to one; square, with an odd side."""
        reach = math.ceil(4 * max(self.sigma, self._across))
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        turn = math.radians(self.angle)
        along = x * math.cos(turn) - y * math.sin(turn)
        across = x * math.sin(turn) + y * math.cos(turn)
        # A width of 0 would be divided by; a thousandth of a pixel reaches no neighbour.
        first, second = (max(s, 1e-3) for s in (self.sigma, self._across))
        weights: np.ndarray = np.exp(-((along / first) ** 2 + (across / second) ** 2) / 2)
        weights /= weights.sum()
        return weights

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The same size."""
        blurred: Picture = cv2.filter2D(picture, -1, self.kernel(), borderType=cv2.BORDER_REFLECT)
        return blurred

    def __str__(self) -> str:
        if self.sigma2 is None:
            return f"blur {self.sigma:.1f} px"
        return f"blur {self.sigma:.1f} x {self.sigma2:.1f} px at {self.angle:.0f} degrees"


@dataclass(frozen=True)
class Sharpening:
    """An unsharp mask: what a blur takes away is added once more, which leaves halos.

    Raises:
        OptionError: amount is not from 0 to 5, or radius not from 0 to 50 pixels.
    """

    amount: float
    radius: float

    def __post_init__(self) -> None:
        check_range("Sharpening: amount", self.amount, 0, 5)
        check_range("Sharpening: radius", self.radius, 0, _WIDEST)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The same size; what leaves 0 to 255 is cut off, as programs do."""
        soft = Blur(self.radius)(picture, rng)
        sharp: Picture = np.clip(picture + np.float32(self.amount) * (picture - soft), 0, 255)
        return sharp

    def __str__(self) -> str:
        return f"sharpening {self.amount:.1f} at {self.radius:.1f} px"

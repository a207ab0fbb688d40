# SPDX-License-Identifier: Apache-2.0
"""Smaller pictures, by the filters that programs use."""

from dataclasses import dataclass
from typing import get_args

import numpy as np
from PIL import Image

from ...errors import OptionError, ShapeError
from ...images.resize import Kernel
from .part import Picture, check_range, rounded

_FILTERS: dict[Kernel, Image.Resampling] = {
    "bicubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
}


def resized(picture: Picture, size: tuple[int, int], kernel: Kernel) -> Picture:
    """By Pillow on whole levels, as programs do it and as `images.resize.degrade` does.

    Args:
        picture: rounded first.
        size: height and width of the result.
        kernel: of the filter, which is widened by the scale where it reduces.
    """
    height, width = size
    small = Image.fromarray(rounded(picture)).resize((width, height), _FILTERS[kernel])
    return np.array(small, dtype=np.float32)


@dataclass(frozen=True)
class Downsampling:
    """Smaller by a whole scale.

    Raises:
        OptionError: there is no such kernel, or scale is no whole number from 1 to 8.
    """

    kernel: Kernel = "bicubic"
    scale: int = 4

    def __post_init__(self) -> None:
        _check_kernel("Downsampling", self.kernel)
        if isinstance(self.scale, bool) or self.scale not in range(1, 9):
            raise OptionError(
                f"Downsampling: scale must be a whole number from 1 to 8, got {self.scale!r}"
            )

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """`[h/scale, w/scale, 3]`; ShapeError where a side is no multiple of scale."""
        return resized(picture, self.size(picture), self.kernel)

    def size(self, picture: np.ndarray) -> tuple[int, int]:
        """Height and width of the small picture.

        Raises:
            ShapeError: a side is no multiple of scale.
        """
        height, width = picture.shape[:2]
        if height % self.scale or width % self.scale or not height or not width:
            raise ShapeError(
                f"Downsampling: width and height must be multiples of scale {self.scale}, "
                f"got {width} x {height}"
            )
        return height // self.scale, width // self.scale

    def __str__(self) -> str:
        return self.kernel


@dataclass(frozen=True)
class Detour:
    """An intermediate size, from which the reduction goes on.

    Raises:
        OptionError: there is no such kernel, or factor is not from 0.1 to 2.
    """

    kernel: Kernel
    factor: float

    def __post_init__(self) -> None:
        _check_kernel("Detour", self.kernel)
        check_range("Detour: factor", self.factor, 0.1, 2)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Sides times factor, to the nearest whole pixel; the whole picture stays in view."""
        height, width = (max(1, round(n * self.factor)) for n in picture.shape[:2])
        return resized(picture, (height, width), self.kernel)

    def __str__(self) -> str:
        return f"{self.kernel} to {self.factor:.0%}"


def _check_kernel(part: str, kernel: str) -> None:
    if kernel not in _FILTERS:
        raise OptionError(
            f"{part}: kernel must be one of {', '.join(get_args(Kernel))}, got {kernel!r}"
        )

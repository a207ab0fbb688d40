# SPDX-License-Identifier: Apache-2.0
"""How often and how strongly pictures are worn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Of small pictures. Fields as in `config.Degradations`."""

    light: float = 0.35
    """The share with one part beside, or instead of, the bicubic reduction."""
    heavy: float = 0.3
    """The share with several, in two stages; what is left is clean."""
    blur: tuple[float, float] = (0.0, 0.8)
    """Standard deviation before the reduction, in pixels of the small picture."""
    noise: tuple[float, float] = (0.0, 25.0)
    """Standard deviation at middle grey, in levels of 255; weak noise is more frequent."""
    jpeg: tuple[int, int] = (30, 95)
    """Quality; high ones are more frequent."""
    webp: tuple[int, int] = (30, 95)
    film: tuple[int, int] = (18, 32)
    """Constant rate factor."""
    film_share: float = 0.0
    """Of compressed pictures that are frames of a film, which needs PyAV; of the others a quarter
    is WebP."""
    sharpening: tuple[float, float] = (0.2, 0.8)
    """Amount."""


CLEAN = Recipe(light=0.0, heavy=0.0)
"""Nothing but the bicubic reduction."""


@dataclass(frozen=True)
class Album:
    """Of references: what happens to a photo on its way into an album.

    Fields as in `config.Album`.
    """

    chance: float = 0.3
    """Of each of blur, noise and compression, on its own."""
    real: float = 0.0
    """The chance that a real reference, too, is worn; those made of the photo always may be."""
    blur: float = 1.0
    """Standard deviation in pixels, at most."""
    noise: float = 5.0
    """Levels of 255, at most."""
    jpeg: tuple[int, int] = (50, 95)
    """Quality."""


ALBUM = Album()
"""As the packaged weights were trained with."""

# SPDX-License-Identifier: Apache-2.0
"""Random chains: what small pictures and references have been through.

Two stages, in each of them blur, a change of size, noise and compression: the scheme of Real-ESRGAN
(Wang et al., ICCV workshops 2021), milder, since what is to be restored here is still a photo.
"""

import math
from collections.abc import Callable

import numpy as np

from ...images.resize import Kernel
from .chain import Chain, clean
from .codecs import Film, Jpeg, Subsampling, WebP
from .downsampling import Detour, Downsampling
from .noise import Noise
from .optics import Blur, Sharpening
from .part import Part
from .recipes import Album, Recipe

_OTHER_KERNELS: tuple[Kernel, ...] = ("area", "bilinear", "lanczos")
_KERNELS: tuple[Kernel, ...] = ("bicubic", *_OTHER_KERNELS)
# Chances of a single part: another kernel, blur, noise, compression, sharpening.
_LIGHT = (0.2, 0.2, 0.2, 0.33, 0.07)
_GREY = 0.3  # of noise
_OVAL = 0.4  # of blur
_WEBP = 0.25  # of compression that is not film's


def draw_chain(rng: np.random.Generator, scale: int, recipe: Recipe) -> Chain:
    """What the small picture of a sharp one has been through.

    Args:
        rng: source of randomness.
        scale: of the reduction, 1 to 8.
        recipe: shares and strengths.
    """
    luck = float(rng.random())
    if luck < recipe.light:
        return _light(rng, scale, recipe)
    if luck < recipe.light + recipe.heavy:
        return _heavy(rng, scale, recipe)
    return clean(scale)


def draw_wear(rng: np.random.Generator, album: Album) -> Chain:
    """What a reference has been through; it keeps its size."""
    parts: list[Part] = []
    if rng.random() < album.chance:
        parts.append(Blur(float(rng.uniform(0, album.blur))))
    if rng.random() < album.chance:
        parts.append(Noise(float(rng.uniform(0, album.noise))))
    if rng.random() < album.chance:
        parts.append(Jpeg(int(rng.integers(album.jpeg[0], album.jpeg[1] + 1))))
    return Chain(before=tuple(parts), seed=_seed(rng))


def _light(rng: np.random.Generator, scale: int, recipe: Recipe) -> Chain:
    """One part beside the bicubic reduction, or another reduction."""
    usual, choice = Downsampling("bicubic", scale), int(rng.choice(len(_LIGHT), p=_LIGHT))
    if choice == 0:
        return Chain((), Downsampling(_any(rng, _OTHER_KERNELS), scale), (), _seed(rng))
    if choice == 1:
        return Chain((_blur(rng, scale, recipe),), usual, (), _seed(rng))
    draw = (_noise, _compression, _sharpening)[choice - 2]
    return Chain((), usual, (draw(rng, recipe),), _seed(rng))


def _heavy(rng: np.random.Generator, scale: int, recipe: Recipe) -> Chain:
    """Several parts in two stages, the second after the reduction."""
    while True:
        before: list[Part] = []
        for chance, draw in (
            (0.6, lambda: _blur(rng, scale, recipe)),
            (0.4 * (scale > 1), lambda: _detour(rng, scale)),
            (0.3, lambda: _noise(rng, recipe)),
        ):
            _perhaps(before, rng, chance, draw)
        _shuffle(before, rng)
        _perhaps(before, rng, 0.25, lambda: _compression(rng, recipe))
        after: list[Part] = []
        _perhaps(after, rng, 0.5, lambda: _noise(rng, recipe))
        _perhaps(after, rng, 0.15, lambda: _sharpening(rng, recipe))
        _shuffle(after, rng)
        _perhaps(after, rng, 0.75, lambda: _compression(rng, recipe))
        if rng.random() < 0.2:  # else what is compressed last is not touched again
            _shuffle(after, rng)
        if len(before) + len(after) > 1:
            reduction = Downsampling(_any(rng, _KERNELS), scale)
            return Chain(tuple(before), reduction, tuple(after), _seed(rng))


def _blur(rng: np.random.Generator, scale: int, recipe: Recipe) -> Blur:
    sigma = scale * float(rng.uniform(*recipe.blur))
    if rng.random() >= _OVAL:
        return Blur(sigma)
    return Blur(sigma, sigma * float(rng.uniform(0.3, 1)), float(rng.uniform(0, 180)))


def _detour(rng: np.random.Generator, scale: int) -> Detour:
    """Less than half of what is to be taken off, so that the reduction remains one."""
    return Detour(_any(rng, _KERNELS), float(rng.uniform(max(0.5, scale**-0.5), 1)))


def _noise(rng: np.random.Generator, recipe: Recipe) -> Noise:
    low, high = recipe.noise
    strength = low + (high - low) * float(rng.random()) ** 2  # two thirds are below half
    share = float(rng.random()) * (rng.random() < 0.5)  # of shot noise in the variance
    return Noise(
        strength * math.sqrt(1 - share), share * strength**2 / 127.5, bool(rng.random() < _GREY)
    )


def _compression(rng: np.random.Generator, recipe: Recipe) -> Part:
    luck = float(rng.random())
    if luck < recipe.film_share:
        return Film(int(rng.integers(recipe.film[0], recipe.film[1] + 1)))
    if luck < recipe.film_share + _WEBP * (1 - recipe.film_share):
        return WebP(_quality(rng, recipe.webp))
    subsampling: Subsampling = "4:2:0" if rng.random() < 0.7 else "4:4:4"
    return Jpeg(_quality(rng, recipe.jpeg), subsampling)


def _quality(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    """Evenly on a logarithmic scale of what is missing to 100."""
    most, least = (math.log(101 - q) for q in bounds)
    return round(101 - math.exp(float(rng.uniform(least, most))))


def _sharpening(rng: np.random.Generator, recipe: Recipe) -> Sharpening:
    return Sharpening(float(rng.uniform(*recipe.sharpening)), float(rng.uniform(0.5, 1.5)))


def _perhaps(
    parts: list[Part], rng: np.random.Generator, chance: float, draw: Callable[[], Part]
) -> None:
    if rng.random() < chance:
        parts.append(draw())


def _shuffle(parts: list[Part], rng: np.random.Generator) -> None:
    parts[:] = [parts[i] for i in rng.permutation(len(parts))]


def _any(rng: np.random.Generator, kernels: tuple[Kernel, ...]) -> Kernel:
    return kernels[int(rng.integers(len(kernels)))]


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**32))

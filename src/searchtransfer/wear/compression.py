# SPDX-License-Identifier: Apache-2.0
"""Whether an image was a JPEG file, and of what quality, told from its pixels.

A JPEG file holds waves of blocks of 8 x 8 pixels in whole multiples of a step that depends on the
quality (Fan and de Queiroz, "Identification of bitmap compression history", 2003). In the pixels
the multiples show as a comb, blurred by rounding.
"""

import math
from functools import cache

import numpy as np
from jaxtyping import Float64
from torch import Tensor

QUALITIES = range(15, 96)
"""Of the reference implementation's tables, those that are told apart."""

ROUNDING = 0.6
"""Standard deviation, in grey levels, that rounding to pixels and colours leaves on a wave."""

WAVES = 15
"""The slowest are looked at; the others are mostly zero."""

SURE = 0.25
"""Mean logarithm of how much likelier a comb makes a wave than none, from which on it is one."""

FEWEST, MOST = 12, 2000
"""Blocks that tell anything, and that are looked at."""

_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Steps of brightness at quality 50 (ITU-T T.81, table K.1)."""


def quality_of(colour: Tensor) -> int | None:
    """The quality of the JPEG file that an image was; None where there is no sign of one.

    Found where blocks begin at the first pixel, so not in a part that was cut out, nor after a
    change of size.

    Args:
        colour: `[3, H, W]` in [0, 1].
    """
    waves = _waves(_brightness(colour))
    if len(waves) < FEWEST:
        return None
    waves = waves[:: -(-len(waves) // MOST)]
    order = sorted(np.ndindex(8, 8), key=lambda at: (at[0] + at[1], at))[1 : WAVES + 1]
    seen = np.stack([waves[:, u, v] for u, v in order], 1)
    spread = np.abs(seen).mean(0) + 0.1
    likelihoods = {
        quality: _comb(seen, np.array([steps(quality)[at] for at in order]), spread)
        for quality in QUALITIES
    }
    best = max(likelihoods, key=likelihoods.__getitem__)
    return best if likelihoods[best] > SURE else None


def noise_of_quality(colour: Tensor, quality: int) -> float:
    """What a JPEG file of some quality lost, about: root mean square in grey levels.

    Args:
        colour: `[3, H, W]` in [0, 1], as it is.
        quality: of the file.
    """
    waves = _waves(_brightness(colour))
    step = steps(quality)
    frequency = np.hypot(*np.indices((8, 8)))
    slow = (frequency > 0) & (frequency <= 2.3)
    # The power of photos falls with the square of the frequency.
    power = ((waves**2).mean(0) * frequency**2)[slow].mean()
    frequency[0, 0] = 1
    lost = np.minimum(step**2 / 12, power / frequency**2)
    return float(np.sqrt(lost.mean()))


@np.errstate(under="ignore")  # far from every tooth there is nothing
def _comb(
    seen: Float64[np.ndarray, "n w"], step: Float64[np.ndarray, " w"], spread: np.ndarray
) -> float:
    """Mean logarithm of the likelihood of a comb over that of a smooth distribution (Laplace)."""
    whole = np.rint(seen / step)
    near = np.exp(-(((seen - step * whole) / ROUNDING) ** 2) / 2) / (
        ROUNDING * math.sqrt(2 * math.pi)
    )
    edge = step / (2 * spread)
    zero = 1 - np.exp(-edge)
    others = np.exp(-np.abs(whole) * step / spread) * np.sinh(np.minimum(edge, 50))
    share = np.where(whole == 0, zero, others)
    smooth = np.exp(-np.abs(seen) / spread) / (2 * spread)
    # A wave may come from elsewhere: clipped, or of another block.
    return float(np.log((0.98 * near * share + 0.02 * smooth) / smooth).mean())


@cache
def steps(quality: int) -> Float64[np.ndarray, "8 8"]:
    """Steps of brightness that a quality means to the reference implementation."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    table: np.ndarray = np.clip(np.floor((np.array(_LUMA) * percent + 50) / 100), 1, 255)
    return table


def _brightness(colour: Tensor) -> Float64[np.ndarray, "h w"]:
    red, green, blue = 255 * colour.detach().cpu().double().numpy()
    grey: np.ndarray = 0.299 * red + 0.587 * green + 0.114 * blue
    return grey


def _waves(plane: Float64[np.ndarray, "h w"]) -> Float64[np.ndarray, "n 8 8"]:
    """Cosine transforms of the blocks of 8 x 8 pixels."""
    rows, columns = (n // 8 for n in plane.shape)
    blocks = plane[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8).swapaxes(1, 2)
    place = np.arange(8)
    basis = np.cos(np.pi * np.outer(place, 2 * place + 1) / 16) / 2
    basis[0] /= math.sqrt(2)
    result: np.ndarray = basis @ blocks.reshape(-1, 8, 8) @ basis.T
    return result

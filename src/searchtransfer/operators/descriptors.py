# SPDX-License-Identifier: Apache-2.0
"""Plain descriptors of image content: small patches in a cosine basis, without their mean.

Photos have amplitudes that fall with frequency, so that the cosine of two patches is decided by
their slow waves, which tell neighbouring places hardly apart. Descriptors weigh each wave by its
frequency: on the average photo all then count alike (whitening; what it brings, and what learned
weights do, is in `docs/design/upscaling.md`).
"""

import math
from collections.abc import Callable, Iterator
from functools import cache, lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..process.devices import wide

SIDE = 5
"""Side of a patch in pixels."""

LUMA, CHROMA = 24, 9
"""Coefficients kept of each: all of the first but the constant, the lowest of the others.

Dropping the fine chroma nearly halves the memory of the keys.
"""


ROWS = 64
"""Rows of an image that are described exactly at a time."""

NOISE = 16.0
"""Grey levels of noise that count as much as the difference of two photos in their slowest wave."""


def describe(image: Float[Tensor, "3 h w"], noise: float = 0.0) -> Float[Tensor, "c h w"]:
    """Describe every pixel by the patch around it, up to its mean, for a search.

    The cosine of two descriptors does not change with brightness or contrast. Patches at the border
    see the border pixels repeated.

    Args:
        image: `[3, H, W]`, any range, any size from 1 x 1.
        noise: of the image that is looked for, in grey levels; the two that are compared are
            described alike.

    Returns:
        `[42, H, W]`; all zero where the patch is constant.
    """
    return torch.cat([x.to(image.dtype) for x in _exactly(image, noise)], dim=1)


def coefficients(image: Float[Tensor, "3 h w"]) -> Float[Tensor, "c h w"]:
    """The patch around every pixel in an orthonormal basis, without mean and fine chroma.

    The cosine of two is the normalised cross-correlation of the patches.

    Args:
        image: `[3, H, W]`, any range, any size from 1 x 1.

    Returns:
        `[42, H, W]`; all zero where the patch is constant.
    """
    return _coefficients(_bordered(image))


def described_exactly(image: Float[Tensor, "3 h w"], noise: float = 0.0) -> Float[Tensor, "h w c"]:
    """As `describe`, of norm one or zero, rounded once too."""
    parts = []
    for found in _exactly(image, noise):
        norm = torch.linalg.vector_norm(found, dim=0).clamp(min=1e-30)
        parts.append((found / norm).to(image.dtype).permute(1, 2, 0))
    return torch.cat(parts)


def _exactly(image: Float[Tensor, "3 h w"], noise: float) -> Iterator[Float[Tensor, "c _ w"]]:
    """Descriptors in double precision, some rows at a time, for that takes memory."""
    padded = _bordered(image)
    for top in range(0, image.shape[1], ROWS):
        found = _coefficients(wide(padded[:, top : top + ROWS + SIDE - 1]))
        yield found.mul_(made_like(frequencies, found, noise)[:, None, None])


def _bordered(image: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 _ _"]:
    pad = SIDE // 2
    return F.pad(image[None], (pad, pad, pad, pad), mode="replicate")[0]


def _coefficients(padded: Float[Tensor, "3 _ _"]) -> Float[Tensor, "c h w"]:
    filters = made_like(_filters, padded)
    padded = padded[None]
    features = F.conv2d(padded, filters)[0]
    # A constant patch leaves only rounding: call it zero, or its direction would be noise.
    size = torch.linalg.vector_norm(features, dim=0)
    flat = size <= 1e-5 * F.max_pool2d(padded.abs().amax(1), SIDE, stride=1)[0]
    return features.masked_fill_(flat, 0)


def coefficients_of(patches: Float[Tensor, "3 n k"]) -> Float[Tensor, "n c"]:
    """The same from patches of 5 x 5 pixels, row by row."""
    rows = patches.permute(1, 2, 0).flatten(1)  # [n, 25 * 3]
    features = rows @ made_like(by_sample, rows).flatten(0, 1)
    flat = torch.linalg.vector_norm(features, dim=1) <= 1e-5 * rows.abs().amax(1)
    return features.masked_fill_(flat[:, None], 0)


def by_sample() -> Float[Tensor, "k 3 c"]:
    """The part of each sample of a patch in each coefficient."""
    return _filters().flatten(2).permute(2, 1, 0)


def described(patches: Float[Tensor, "3 n k"], noise: float = 0.0) -> Float[Tensor, "n c"]:
    """What `describe` would return at the middles of these patches of 5 x 5 pixels."""
    return coefficients_of(patches) * made_like(frequencies, patches, noise)


def described_luma(patches: Float[Tensor, "n k"], noise: float = 0.0) -> Float[Tensor, "n l"]:
    """The coefficients of `described` that speak of the mean of the channels, the first `LUMA`."""
    return patches @ made_like(_luma_filters, patches, noise).T


_COUNTS = (LUMA, CHROMA, CHROMA)


def _waves() -> list[tuple[int, int]]:
    """Of two cosines, the slow ones first, without the constant."""
    every = ((i, j) for i in range(SIDE) for j in range(SIDE))
    return sorted(every, key=lambda ij: (sum(ij), max(ij), ij))[1:]


def frequencies(noise: float = 0.0) -> Float[Tensor, " c"]:
    """Of each coefficient: the factor that whitens it, and the noise with it.

    Two photos differ in each wave by about as much of its amplitude, which falls with frequency;
    noise is the same in all.
    """
    every = [math.hypot(*wave) for count in _COUNTS for wave in _waves()[:count]]
    factors = [f / math.hypot(1, f * noise / NOISE) for f in every]
    return torch.tensor(factors, dtype=torch.float32, device="cpu")


def _luma_filters(noise: float) -> Float[Tensor, "l kk"]:
    return _filters()[:LUMA].sum(1).flatten(1) * frequencies(noise)[:LUMA, None]


def made_like(make: Callable[..., Tensor], other: Tensor, *what: float) -> Tensor:
    """What `make` makes, in the dtype and on the device of another; moved there only once."""
    return _there(make, what, other.dtype, other.device)


@lru_cache(maxsize=64)
def _there(
    make: Callable[..., Tensor], what: tuple[float, ...], dtype: torch.dtype, device: torch.device
) -> Tensor:
    return make(*what).to(device, dtype)


@cache
def _filters() -> Float[Tensor, "c 3 k k"]:
    """Orthonormal: an opponent colour times two cosines."""
    step = torch.arange(SIDE, dtype=torch.float64, device="cpu")
    cosines = torch.stack([torch.cos(math.pi * (step + 0.5) * k / SIDE) for k in range(SIDE)])
    cosines /= cosines.norm(dim=1, keepdim=True)
    opponent = torch.tensor(
        [[1.0, 1, 1], [1, 0, -1], [1, -2, 1]], dtype=torch.float64, device="cpu"
    )
    opponent /= opponent.norm(dim=1, keepdim=True)
    return torch.stack(
        [
            colour[:, None, None] * cosines[i][:, None] * cosines[j]
            for colour, count in zip(opponent, _COUNTS, strict=True)
            for i, j in _waves()[:count]
        ]
    )

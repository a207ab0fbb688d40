# SPDX-License-Identifier: Apache-2.0
"""How much a photo that is larger than the result must be filtered: by what it shows beyond it.

The filter takes off what the result cannot show, and on the way a part of what it can just show. A
photo that was only enlarged, or is soft, has lost that part before, and should not lose it twice.
"""

import math

from jaxtyping import Float
from torch import Tensor

from ..images.resize import softened

MEASURABLE = 2.0
"""Pixels of a photo for a pixel of the result from which on it tells; with fewer, what is beyond
the result lies too near to the end of what any photo can show."""

BEYOND, BELOW = 1.43, 0.7
"""Parts of the finest that the result shows: what is finer than the first is compared with what
lies between the second and the finest."""

ENLARGED, REAL = 0.1, 0.2
"""Ratios of these energies. Up to the first a photo was only enlarged, from the second on it surely
shows more than the result: twice as large, photos have 0.28 to 1.6, enlarged ones 0.01 to 0.13."""

LEAST = 0.8
"""Part of the factor by which photos are filtered that show nothing more than the result. 0.7 would
be best for enlarged ones, 1 for those as soft as what the result is compared with."""

SIDE = 1024
"""Pixels on a side of the part in the middle that is looked at."""


def part_of_filter(photo: Float[Tensor, "3 h w"], factor: float) -> float:
    """The part of a factor by which a photo is to be filtered, `LEAST` to 1.

    Where that cannot be told, as of few pixels for a pixel of the result, or where noise or
    compression hide it, the photo counts as one that shows more.

    Args:
        photo: `[3, H, W]`.
        factor: pixels of the photo for a pixel of the result.
    """
    if factor < MEASURABLE:
        return 1.0
    ratio = beyond(photo, factor)
    if ratio <= 0:
        return LEAST
    real = math.log(ratio / ENLARGED) / math.log(REAL / ENLARGED)
    # Rounded, so that it does not hang on the order of sums.
    return round(LEAST + (1 - LEAST) * min(max(real, 0.0), 1.0), 2)


def beyond(photo: Float[Tensor, "3 h w"], factor: float) -> float:
    """The energy of what is finer than the result, over that of what it can just show.

    Args:
        photo: `[3, H, W]`.
        factor: pixels of the photo for a pixel of the result, at least `BEYOND`.

    Returns:
        1 of a photo that shows nothing so fine.
    """
    top, left = (max(0, (n - SIDE) // 2) for n in photo.shape[1:])
    luma = photo[:, top : top + SIDE, left : left + SIDE].mean(0, keepdim=True)
    shown = softened(luma, factor)
    finer = (luma - softened(luma, factor / BEYOND)).square().mean().item()
    just = (shown - softened(luma, factor / BELOW)).square().mean().item()
    return finer / just if just > 0 else 1.0

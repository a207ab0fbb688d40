# SPDX-License-Identifier: Apache-2.0
"""Where in a larger reference a patch most probably is: a training pair needs a thing to find."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .pixels import Pixels, resize

_REDUCTION = 8  # positions are found to this many pixels; the search finds the rest


def locate(patch: Pixels, reference: Pixels) -> tuple[int, int]:
    """Corner of the part of the reference that correlates best with a square patch.

    Normalised cross-correlation of grey values at an eighth of the size.

    Args:
        patch: square.
        reference: no side is smaller than the patch's.

    Returns:
        Row and column; the patch's size fits there.
    """
    size = patch.shape[0]
    side = max(1, size // _REDUCTION)
    height, width = (max(side, n * side // size) for n in reference.shape[:2])
    small = _grey(resize(patch, side, side))
    field = _grey(resize(reference, height, width))
    small = small - small.mean()
    ones = torch.ones_like(small)
    count = side * side
    product = F.conv2d(field, small)
    variance = F.conv2d(field**2, ones) - F.conv2d(field, ones) ** 2 / count
    best = int((product / variance.clamp(min=1.0).sqrt()).argmax())
    row, column = divmod(best, product.shape[3])
    return (
        min(row * size // side, reference.shape[0] - size),
        min(column * size // side, reference.shape[1] - size),
    )


def _grey(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels.mean(axis=2, dtype=np.float64))[None, None]

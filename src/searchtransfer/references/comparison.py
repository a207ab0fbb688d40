# SPDX-License-Identifier: Apache-2.0
"""Comparison: how much of a picture its matches explain.

The search weighs frequencies, to tell places apart; here all count as they are in the picture,
without its noise.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..operators.descriptors import coefficients, coefficients_of
from ..process.devices import at_once
from .copy import Copy
from .field import Field, grid, reduced_at

CELLS = 16384
"""Cells compared at a time."""


class Comparison(NamedTuple):
    """The two patches of each match."""

    score: Float[Tensor, "h w"]
    """Their normalised cross-correlation, -1 to 1; 0 where one of them is constant."""
    contrast: Float[Tensor, "h w"]
    """Norm of that of the image, without its mean."""
    key_contrast: Float[Tensor, "h w"]
    """Norm of that of the reference."""


def compare(colour: Float[Tensor, "3 h w"], copies: Sequence[Copy], field: Field) -> Comparison:
    """What each cell has in common with its match.

    Args:
        colour: the small image, in [0, 1].
        copies: of the reference.
        field: where it was found, as maps.
    """
    query = coefficients(colour).flatten(1).T
    row = Field(*(x.flatten(0, 1) for x in field))
    noise = query.shape[1] * (copies[0].noise / 255) ** 2
    parts = []
    most = at_once(CELLS, query.device)
    for i in range(0, len(query), most):
        some = slice(i, i + most)
        ours = query[some]
        key = coefficients_of(reduced_at(copies, row.at(some), grid(2, colour)))
        contrast, key_contrast = (torch.linalg.vector_norm(x, dim=1) for x in (ours, key))
        common = torch.where(key_contrast > 0, (ours * key).sum(1) / key_contrast, 0)
        if noise:
            signal = (contrast.square() - noise).maximum(common.square())
            contrast = signal.sqrt()
        score = torch.where(contrast > 0, common / contrast, 0).clamp(-1, 1)
        parts.append((score, contrast, key_contrast))
    maps = (torch.cat(x).view(colour.shape[1:]) for x in zip(*parts, strict=True))
    return Comparison(*maps)

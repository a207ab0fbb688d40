# SPDX-License-Identifier: Apache-2.0
"""Comparison: how much of a picture its matches explain.

The search weighs frequencies, to tell places apart; here all count as they are in the picture.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .operators.descriptors import coefficients, coefficients_of
from .reference import Reference

ROWS = 64
"""Rows of cells compared at a time."""


class Comparison(NamedTuple):
    """The two patches of each match."""

    score: Float[Tensor, "h w"]
    """Their normalised cross-correlation, -1 to 1; 0 where one of them is constant."""
    contrast: Float[Tensor, "h w"]
    """Norm of that of the image, without its mean."""
    key_contrast: Float[Tensor, "h w"]
    """Norm of that of the reference."""


def compare(
    colour: Float[Tensor, "3 h w"],
    reference: Reference,
    view: Int64[Tensor, "h w"],
    index: Int64[Tensor, "h w"],
) -> Comparison:
    """What each cell has in common with its match.

    Args:
        colour: the small image, in [0, 1].
        reference: where it was found.
        view: see `operators.ViewMatch`.
        index: see there.
    """
    query = coefficients(colour)
    rows = range(0, query.shape[1], ROWS)
    patches = (reference.patches_at(view[i : i + ROWS], index[i : i + ROWS]) for i in rows)
    key = torch.cat([coefficients_of(part) for part in patches], 1)
    contrast, key_contrast = (torch.linalg.vector_norm(x, dim=0) for x in (query, key))
    both = contrast * key_contrast
    score = torch.where(both > 0, (query * key).sum(0) / both, 0).clamp(-1, 1)
    return Comparison(score, contrast, key_contrast)

# SPDX-License-Identifier: Apache-2.0
"""What a search returns."""

from typing import NamedTuple

from jaxtyping import Float, Int64
from torch import Tensor


class Match(NamedTuple):
    """The best key cell of every query cell."""

    score: Float[Tensor, "b h w"]
    """Soft attention: the highest relevance, a cosine in [-1, 1]; 0 for an all-zero block."""
    index: Int64[Tensor, "b h w"]  # type: ignore[assignment]  # hides tuple.index, as intended
    """Hard attention: that key cell, `row * Wr + column`; ties go to the lowest."""


class ViewMatch(NamedTuple):
    """The best key cell of every query cell among several views."""

    score: Float[Tensor, "b h w"]
    """The highest relevance over all views, in [-1, 1]."""
    index: Int64[Tensor, "b h w"]  # type: ignore[assignment]
    """The key cell inside its view, `row * Wr + column`."""
    view: Int64[Tensor, "b h w"]
    """The number of the view; ties go to the lowest view, then to the lowest index."""

# SPDX-License-Identifier: Apache-2.0
"""What every part is, and the little that all of them need."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from ...errors import OptionError

Picture = Float32[np.ndarray, "_ _ 3"]  # rows, columns, RGB from 0 to 255, not rounded


@runtime_checkable
class Part(Protocol):
    """One thing that happens to a picture. Its `str` is short and names its strength."""

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The picture afterwards; the same for the same state of the generator."""
        ...


def rounded(picture: Picture) -> UInt8[np.ndarray, "_ _ 3"]:
    """Whole levels from 0 to 255, as files hold them."""
    levels: np.ndarray = np.clip(picture, 0, 255).round()
    return levels.astype(np.uint8)


def check_range(what: str, value: float | int, lowest: float | int, highest: float | int) -> None:
    """Raise OptionError unless a strength is within bounds (which NaN is not)."""
    if not lowest <= value <= highest:
        raise OptionError(f"{what} must be from {lowest:g} to {highest:g}, got {value!r}")

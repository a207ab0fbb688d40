# SPDX-License-Identifier: Apache-2.0
"""How a film is to be turned and mirrored before it is shown."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor


class Orientation(NamedTuple):
    """From a picture as it is stored to one that is upright: first sides are swapped, if at all."""

    swapped: bool = False
    """Rows become columns."""
    upside_down: bool = False
    mirrored: bool = False

    def of_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns, upright."""
        return (width, height) if self.swapped else (height, width)

    def applied(self, picture: Float[Tensor, "c _ _"]) -> Float[Tensor, "c _ _"]:
        """A picture, upright."""
        turned = picture.transpose(1, 2) if self.swapped else picture
        sides = [1] * self.upside_down + [2] * self.mirrored
        return turned.flip(sides) if sides else turned


def orientation_of(frame: Any) -> Orientation:
    """What the display matrix of a frame says, to a quarter of a turn."""
    for kind in frame.side_data:
        data = kind if hasattr(kind, "type") else frame.side_data[kind]
        if data.type.name == "DISPLAYMATRIX":
            # Rows are (a, b, u), (c, d, v), (x, y, w): a point goes to (ax + cy, bx + dy).
            matrix = np.frombuffer(bytes(data)[:36], np.int32).reshape(3, 3)[:2, :2]
            swapped = int(abs(matrix[0, 1]) > abs(matrix[0, 0]))
            across, down = matrix[swapped, 0], matrix[1 - swapped, 1]
            return Orientation(bool(swapped), bool(down < 0), bool(across < 0))
    return Orientation()

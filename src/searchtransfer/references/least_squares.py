# SPDX-License-Identifier: Apache-2.0
"""Many small least-squares problems at once, in closed form: a batched solver of linear algebra
takes a microsecond for each, which is longer than all that leads up to it.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

ENTRIES = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
"""Of a symmetric matrix of three rows."""


def solved(
    normal: Sequence[Float[Tensor, "*n"]], right: Float[Tensor, "3 *n"]
) -> Float[Tensor, "3 *n"]:
    """Solve symmetric systems of three equations.

    Args:
        normal: of each system the `ENTRIES`; positive definite.
        right: its right-hand side.
    """
    a, b, c, d, e, f = normal
    # The adjugate, over the determinant.
    rows = (
        (d * f - e * e, c * e - b * f, b * e - c * d),
        (c * e - b * f, a * f - c * c, b * c - a * e),
        (b * e - c * d, b * c - a * e, a * d - b * b),
    )
    determinant = a * rows[0][0] + b * rows[0][1] + c * rows[0][2]
    return torch.stack([sum_of(row, right) for row in rows]) / determinant


def sum_of(row: Sequence[Tensor], right: Tensor) -> Tensor:
    """A row times a column."""
    return row[0] * right[0] + row[1] * right[1] + row[2] * right[2]

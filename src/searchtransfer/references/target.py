# SPDX-License-Identifier: Apache-2.0
"""What is looked for, and how like it its matches are."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ..operators.backends.native_sampling import Matched
from ..operators.descriptors import described_exactly
from .copy import Copy
from .field import Field, by_copy
from .likeness import likeness


@dataclass(frozen=True)
class Target:
    """What is looked for, and where."""

    query: Float[Tensor, "n c"]
    """Descriptors of the cells, of norm one or zero, row by row."""
    size: tuple[int, int]
    """Rows and columns of cells."""
    copies: Sequence[Copy]

    @classmethod
    def of(cls, colour: Float[Tensor, "3 h w"], copies: Sequence[Copy]) -> "Target":
        """The cells of a small image."""
        rows = described_exactly(colour, copies[0].noise).flatten(0, 1)
        return cls(rows, (colour.shape[1], colour.shape[2]), copies)

    @property
    def scale(self) -> int:
        """Pixels of a cell."""
        return self.copies[0].scale

    @property
    def noise(self) -> float:
        """Of the image, in grey levels."""
        return self.copies[0].noise


def scores(
    target: Target, field: Field, cells: slice | Tensor = slice(None)
) -> Float[Tensor, " n"]:
    """The cosines of cells and matches; -1 for a match that does not lie inside its copy."""
    query = target.query[cells]
    result = query.new_empty(len(query))
    for number, some in by_copy(field.copy):
        copy = target.copies[number]
        matched = matched_in(copy, field.at(some), query[some])
        result[some] = likeness(matched, copy.scale, target.noise)
    return result


def matched_in(copy: Copy, field: Field, query: Float[Tensor, "n c"]) -> Matched:
    """Matches as `blurred` of their copy shows them: by the first pixels of the cells."""
    return Matched(copy.blurred, field.centre - copy.middle, field.jacobian, query, copy.is_shown)

# SPDX-License-Identifier: Apache-2.0
"""The match field: where every cell of a small image was found, to a fraction of a pixel."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from .copy import Copy
from .maps import applied, jacobian_at
from .matches import Matches
from .sampling import sampled_around


class Field(NamedTuple):
    """The matches of cells, as maps or in a row."""

    copy: Int64[Tensor, "*n"]
    """Number of the copy."""
    centre: Float[Tensor, "*n 2"]
    """Row and column in that copy of the middle of the cell."""
    jacobian: Float[Tensor, "*n 2 2"]
    """Pixels of the copy for a step of one pixel of the result, down and right."""
    score: Float[Tensor, "*n"]
    """Cosine of the descriptors, -1 to 1; 0 where one of them is constant."""

    def where(self, other: "Field", better: Tensor) -> "Field":
        """The other's matches where they are better, else these."""
        return Field(*(_chosen(b, a, better) for a, b in zip(self, other, strict=True)))

    def at(self, where: object) -> "Field":
        """The matches of some cells."""
        return Field(*(x[where] for x in self))  # type: ignore[index]


def _chosen(a: Tensor, b: Tensor, better: Tensor) -> Tensor:
    return torch.where(better.view(*better.shape, *[1] * (a.dim() - better.dim())), a, b)


def by_copy(copy: Int64[Tensor, " n"]) -> Iterator[tuple[int, Int64[Tensor, " k"] | slice]]:
    """The copies that occur, each with the cells that lie in it."""
    numbers = torch.unique(copy).tolist()
    for number in numbers:
        yield number, slice(None) if len(numbers) == 1 else (copy == number).nonzero()[:, 0]


def located(copies: Sequence[Copy], field: Field) -> Matches:
    """The matches, as maps, in the photos themselves."""
    photo = torch.zeros_like(field.copy)
    position, jacobian = torch.zeros_like(field.centre), torch.zeros_like(field.jacobian)
    for number, copy in enumerate(copies):
        here = field.copy == number
        centre = field.centre[here]
        photo[here] = copy.photo
        position[here] = applied(copy.to_photo, centre)
        jacobian[here] = jacobian_at(copy.to_photo, centre) @ field.jacobian[here]
    return Matches(photo, position, jacobian, copies[0].scale)


def reduced_at(
    copies: Sequence[Copy],
    field: Field,
    offsets: Float[Tensor, "k 2"],
    what: Callable[[Copy], Float[Tensor, "3 _ _"]] = lambda copy: copy.blurred,
) -> Float[Tensor, "3 n k"]:
    """Cells of the reduced copies, `offsets` cells away from matches (in a row).

    Args:
        copies: of the photos.
        field: the matches, in a row.
        offsets: rows and columns of cells.
        what: picture of a copy, as `blurred` is one.
    """
    return around_matches(
        field,
        len(offsets),
        lambda number, centre, jacobian: sampled_around(
            what(copies[number]),
            centre - (copies[number].scale - 1) / 2,
            jacobian,
            copies[number].scale * offsets,
            "bilinear",
        ),
    )


def around_matches(
    field: Field, count: int, look: Callable[[int, Tensor, Tensor], Float[Tensor, "_ 3 k"]]
) -> Float[Tensor, "3 n k"]:
    """What each copy shows around the matches that lie in it.

    Args:
        field: the matches, in a row.
        count: of places around each.
        look: at them, given the number of a copy, the centres and the Jacobians.
    """
    result = field.centre.new_empty(len(field.copy), 3, count)
    for number, cells in by_copy(field.copy):
        values = look(number, field.centre[cells], field.jacobian[cells])
        if isinstance(cells, slice):
            return values.transpose(0, 1)
        result[cells] = values
    return result.transpose(0, 1)


def lies_within(
    place: Float[Tensor, "*n 2"], size: tuple[int, int], border: float = 0.0
) -> Bool[Tensor, "*n"]:
    """Which places, rows and columns, lie in a picture, so far from its border or farther."""
    y, x = place.unbind(-1)
    height, width = size
    rows = (y >= border) & (y <= height - 1 - border)
    return rows & (x >= border) & (x <= width - 1 - border)


def pixel_at(
    place: Float[Tensor, "*n 2"], size: tuple[int, int]
) -> tuple[Int64[Tensor, "*n"], Int64[Tensor, "*n"]]:
    """Row and column of the pixel of a picture that is nearest to each place."""
    y, x = place.round().long().unbind(-1)
    return y.clamp(0, size[0] - 1), x.clamp(0, size[1] - 1)


def grid(radius: int, like: Tensor) -> Float[Tensor, "k 2"]:
    """Steps to the cells of a block, row by row."""
    steps = torch.arange(-radius, radius + 1, device=like.device, dtype=like.dtype)
    return torch.cartesian_prod(steps, steps)

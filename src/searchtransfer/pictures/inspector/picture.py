# SPDX-License-Identifier: Apache-2.0
"""All that the inspector shows of one result."""

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float, Int64
from torch import Tensor

from ...errors import OptionError, ShapeError

PLACE, SLOPE = 16, 1024
"""Steps in a pixel that places are shown in, and in 1 that Jacobians are."""


def in_steps(values: Float[Tensor, "*n"], fineness: int) -> Int64[Tensor, "*n"]:
    """The nearest whole numbers of steps; halves go up."""
    return (values.detach().cpu().double() * fineness + 0.5).floor().long()


class Photo(NamedTuple):
    """A reference, at the size that the matches count in."""

    name: str
    colour: Float[Tensor, "3 _ _"]
    """In [0, 1], sRGB."""

    @property
    def size(self) -> tuple[int, int]:
        """`(H, W)` in pixels."""
        return int(self.colour.shape[1]), int(self.colour.shape[2])


@dataclass(frozen=True)
class InspectorInput:
    """One result, what it is compared with, and where it comes from.

    Raises:
        ShapeError: the sizes do not fit each other.
        OptionError: a match names a reference that is not there.
    """

    name: str
    """What the page is called; any text."""
    result: Float[Tensor, "3 hs ws"]
    """In [0, 1], sRGB."""
    bicubic: Float[Tensor, "3 hs ws"]
    """The low-resolution image, enlarged; in [0, 1], sRGB."""
    photos: tuple[Photo, ...]
    """The references, in the order that `photo` counts in; none is possible."""
    scale: int
    """Pixels of the result on a side of a cell."""
    score: Float[Tensor, "h w"]
    """Of the match of each cell, -1 to 1."""
    photo: Int64[Tensor, "h w"]
    """Number of the reference that each cell was found in; -1 for none."""
    position: Float[Tensor, "h w 2"]
    """Row and column there of the middle of the cell; the middle of the first pixel is (0, 0)."""
    jacobian: Float[Tensor, "h w 2 2"]
    """Pixels of the reference for a step of one pixel of the result, down and right."""
    summary: str = ""
    """How useful the reference was, in plain sentences."""
    facts: tuple[tuple[str, str], ...] = ()
    """Further facts for the head of the page: what it is, and its value."""
    notes: tuple[str, ...] = ()
    """What a reader has to know about the pictures shown."""

    def __post_init__(self) -> None:
        height, width = self.score.shape
        expected = [3, height * self.scale, width * self.scale]
        for name, colour in (("result", self.result), ("bicubic", self.bicubic)):
            if list(colour.shape) != expected:
                raise ShapeError(
                    f"inspector: {name} must be {expected} ({self.scale} times the "
                    f"scores [{height}, {width}]), got {list(colour.shape)}"
                )
        for name, values in (
            ("photo", self.photo),
            ("position", self.position),
            ("jacobian", self.jacobian),
        ):
            if values.shape[:2] != self.score.shape:
                raise ShapeError(
                    f"inspector: {name} must begin with [{height}, {width}] as score, got "
                    f"{list(values.shape)}"
                )
        if int(self.photo.max()) >= len(self.photos):
            raise OptionError(
                f"inspector: a cell was found in reference {int(self.photo.max())} (counted from "
                f"0), but {len(self.photos)} were given; give all that the result was made with"
            )
        for number, photo in enumerate(self.photos):
            found = self.position[self.photo == number]
            size = found.new_tensor(photo.size)
            # A pixel for what a plane, found by keypoints, may be off.
            outside = ((found < -1.5) | (found > size + 0.5)).any(-1).nonzero()[:, 0]
            if len(outside):
                row, column = found[outside[0]].tolist()
                raise OptionError(
                    f"inspector: a match lies at row {row:.1f}, column {column:.1f} of reference "
                    f"{number}, which has {photo.size[1]} x {photo.size[0]} pixels; give those "
                    "that the result was made with, in their order"
                )

    @property
    def traced(self) -> bool:
        """Whether any cell was found in a reference."""
        return bool((self.photo >= 0).any())

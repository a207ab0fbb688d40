# SPDX-License-Identifier: Apache-2.0
"""All that the inspector shows of one result."""

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float, Int64
from torch import Tensor

from ...errors import OptionError, ShapeError


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
    pixel: Int64[Tensor, "h w 2"]
    """Row and column there of the first of the pixels that match the cell."""
    zoom: Float[Tensor, "h w"] | None = None
    """Of the copy of the reference that was matched: the match covers `scale / zoom` of its pixels
    on a side. None: 1 everywhere."""
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
                    f"{height} x {width} scores), got {list(colour.shape)}"
                )
        if self.photo.shape != self.score.shape or self.pixel.shape[:2] != self.score.shape:
            raise ShapeError(
                f"inspector: photo and pixel must be [{height}, {width}] as score, got "
                f"{list(self.photo.shape)} and {list(self.pixel.shape[:2])}"
            )
        if int(self.photo.max()) >= len(self.photos):
            raise OptionError(
                f"inspector: a cell was found in reference {int(self.photo.max())} (counted from "
                f"0), but {len(self.photos)} were given; give all that the result was made with"
            )
        for number, photo in enumerate(self.photos):
            last = self.pixel[self.photo == number] + self.scale
            rows, columns = last.amax(0).tolist() if len(last) else (0, 0)
            if rows > photo.size[0] or columns > photo.size[1]:
                raise OptionError(
                    f"inspector: a match reaches row {rows}, column {columns} of reference "
                    f"{number}, which has {photo.size[0]} x {photo.size[1]} pixels; give those "
                    "that the result was made with, in their order"
                )

    @property
    def traced(self) -> bool:
        """Whether any cell was found in a reference."""
        return bool((self.photo >= 0).any())

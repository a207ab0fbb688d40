# SPDX-License-Identifier: Apache-2.0
"""A copy of a photo: the photo as it is, zoomed, turned, or warped by a plane.

A copy shows the photo at the scale of the result, so that what it shows can be found by comparing
patches that lie upright. It is searched and compared; texture is sampled from the photo itself, at
the place that the copy's map leads to.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from ..images.reduction import BICUBIC, Reduction
from ..process.devices import wide
from .kept import Kept
from .maps import Map, applied, identity, jacobian_at, resizing
from .sampling import pixelwise, sampled_around

T = TypeVar("T")

ROWS = 256
"""Rows of a copy that are warped at a time."""

STEEPEST = 3.0
"""How much larger or smaller than in the middle a plane may be shown; beyond, it is not used."""


@dataclass(frozen=True, eq=False)
class Copy:
    """A photo in a frame that fits the result, with the map back to it."""

    photo: int
    """Number of the photo."""
    name: str
    """What was done to it, for messages."""
    source: Float[Tensor, "3 _ _"]
    """Texture is sampled from here: the photo, reduced where it is larger than the result."""
    to_source: Map
    """From pixels of the copy to those of the source."""
    to_photo: Map
    """From pixels of the copy to those of the photo."""
    pixels: Float[Tensor, "3 _ _"]
    """What the copy shows."""
    scale: int
    """Pixels of a cell on a side."""
    inside: Bool[Tensor, "_ _"] | None = None
    """Which pixels show the photo; None for all."""
    reduction: Reduction = BICUBIC
    """How the small image that is looked for was reduced,"""
    noise: float = 0.0
    """and what noise is on it, in grey levels."""

    _kept: Kept = field(default_factory=Kept, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of pixels."""
        return self.pixels.shape[1], self.pixels.shape[2]

    @property
    def middle(self) -> float:
        """Pixels from the first of a cell to its middle."""
        return (self.scale - 1) / 2

    @property
    def cells(self) -> int:
        """Cells of the copy, reduced."""
        return (self.pixels.shape[1] // self.scale) * (self.pixels.shape[2] // self.scale)

    def once(self, name: Hashable, compute: Callable[[], T]) -> T:
        """What is computed from the copy: by one thread, and kept with it."""
        return self._kept.once(name, compute)

    @property
    def blurred(self) -> Float[Tensor, "3 _ _"]:
        """The copy blurred as a reduction blurs it, at full size.

        At (y, x) lies what a cell would be whose first pixel is (y, x), so that every `scale`-th
        row and column, from any on, are the copy reduced; and what lies between pixels is plain
        interpolation.
        """
        return self.once(
            "blurred", lambda: pixelwise(self.reduction.everywhere(self.pixels, self.scale))
        )

    def changed(self, **changes: Any) -> "Copy":
        """The same copy but for some fields; what was computed of it is not taken along."""
        return replace(self, **changes, _kept=Kept())

    @property
    def luma(self) -> Float[Tensor, "3 _ _"]:
        """The mean of the channels of `blurred`, and its slopes down and right."""
        return self.once("luma", lambda: pixelwise(_with_slopes(self.blurred.mean(0))))

    @property
    def is_shown(self) -> Bool[Tensor, "_ _"] | None:
        """At the places of `blurred`: all pixels of the patch around that cell are inside."""
        inside = self.inside
        if inside is None:
            return None
        return self.once("is_shown", lambda: _whole_patches(inside, self.scale))

    def sharp(
        self,
        centre: Float[Tensor, "n 2"],
        jacobian: Float[Tensor, "n 2 2"],
        steps: Float[Tensor, "k 2"],
    ) -> Float[Tensor, "n 3 k"]:
        """Pixels between pixels, from the source, at `centre + jacobian @ step` of the copy."""
        return sampled_around(self.source, centre, jacobian, steps, "bicubic", self.to_source)

    def seen_as(self, reduction: Reduction, noise: float) -> "Copy":
        """The same copy, to be found by an image that was made in another way."""
        same = (reduction, noise) == (self.reduction, self.noise)
        return self if same else self.changed(reduction=reduction, noise=noise)

    @property
    def halved(self) -> "Copy":
        """The same copy at half its size, for an image at half its size, with half its noise."""
        return self.once("halved", self._halved)

    def _halved(self) -> "Copy":
        size = (max(1, self.size[0] // 2), max(1, self.size[1] // 2))
        larger = resizing(size, self.size)
        inside = self.inside
        if inside is not None:
            outside = F.interpolate((~inside).float()[None, None], size, mode="area")
            inside = outside[0, 0] == 0
        return self.changed(
            pixels=resized(self.pixels, size),
            inside=inside,
            to_source=self.to_source @ larger,
            to_photo=self.to_photo @ larger,
            reduction=BICUBIC,
            noise=self.noise / 2,
        )

    def __getstate__(self) -> dict[str, object]:
        names = (name for name in self.__dataclass_fields__ if name != "_kept")
        return {**{name: getattr(self, name) for name in names}, "_kept": Kept()}


def _with_slopes(plane: Float[Tensor, "h w"]) -> Float[Tensor, "3 h w"]:
    """A plane and its slopes; zero at the border."""
    slopes = plane.new_zeros(3, *plane.shape)
    slopes[0] = plane
    slopes[1, 1:-1] = (plane[2:] - plane[:-2]) / 2
    slopes[2, :, 1:-1] = (plane[:, 2:] - plane[:, :-2]) / 2
    return slopes


def _whole_patches(inside: Bool[Tensor, "h w"], scale: int) -> Bool[Tensor, "_ _"]:
    """Where a patch of 5 x 5 cells, its middle at the cell that begins there, is inside."""
    outside = F.pad((~inside).float()[None, None], (2 * scale,) * 4, value=1.0)
    rows = F.max_pool2d(outside, (5 * scale, 1), 1)
    return F.max_pool2d(rows, (1, 5 * scale), 1)[0, 0] == 0


def upright(photo: Float[Tensor, "3 h w"], number: int, scale: int) -> Copy:
    """The photo as it is."""
    return Copy(number, "as it is", photo, identity(), identity(), photo, scale)


def resized(photo: Float[Tensor, "3 h w"], size: tuple[int, int]) -> Float[Tensor, "3 _ _"]:
    """A photo at another size, bicubic, without aliasing where it gets smaller."""
    if tuple(photo.shape[1:]) == size:
        return photo
    plain = wide(photo)[None]
    larger = F.interpolate(plain, size, mode="bicubic", align_corners=False, antialias=True)
    return larger[0].clamp_(0, 1).to(photo)


def warped(
    source: Float[Tensor, "3 h w"],
    to_source: Map,
    size: tuple[int, int],
    middle: Float[Tensor, "2"],
) -> tuple[Float[Tensor, "3 _ _"], Bool[Tensor, "_ _"] | None]:
    """What a map sees of a picture from a frame of `size` rows and columns.

    Args:
        source: the picture, of about the scale of the frame.
        to_source: from the pixels of the frame to those of `source`.
        size: of the frame.
        middle: place of the frame where the map is known to hold.

    Returns:
        The pixels of the frame, and which of them show the picture, from the same side and at
        about the same scale as the middle; None for all.
    """
    known = torch.linalg.det(jacobian_at(to_source, middle)).item()
    height, width = source.shape[1:]
    pixels = source.new_empty(3, *size)
    inside = torch.empty(size, dtype=torch.bool, device=source.device)
    columns = torch.arange(size[1], device=source.device, dtype=torch.float32)
    for top in range(0, size[0], ROWS):
        rows = torch.arange(top, min(top + ROWS, size[0]), device=source.device)
        grid = torch.stack(torch.meshgrid(rows.float(), columns, indexing="ij"), -1)
        place = applied(to_source, grid)
        y, x = place.unbind(-1)
        there = (y >= -0.5) & (y <= height - 0.5) & (x >= -0.5) & (x <= width - 0.5)
        area = torch.linalg.det(jacobian_at(to_source, grid)) / known
        there &= (
            (area > 1 / STEEPEST**2) & (area < STEEPEST**2) & _same_side(to_source, grid, middle)
        )
        pixels[:, top : top + ROWS] = _sampled_at(source, place.nan_to_num(0, 0, 0))
        inside[top : top + ROWS] = there
    return pixels.clamp_(0, 1), None if bool(inside.all()) else inside


def _sampled_at(
    source: Float[Tensor, "3 h w"], place: Float[Tensor, "a b 2"]
) -> Float[Tensor, "3 a b"]:
    """What a picture shows at places between its pixels."""
    centre = place.flatten(0, 1).contiguous()
    one = centre.new_zeros(1, 2)
    jacobian = centre.new_zeros(len(centre), 2, 2)
    found = sampled_around(source, centre, jacobian, one, "bicubic")  # [n, 3, 1]
    return found[..., 0].T.view(3, *place.shape[:2])


def _same_side(to: Map, place: Float[Tensor, "h w 2"], known: Float[Tensor, "2"]) -> Tensor:
    """Which places lie on the same side of the horizon as a known one."""
    line = to[2]
    depth = place @ line[:2].to(place) + line[2].item()
    return depth * (known.to(line) @ line[:2] + line[2]).item() > 0

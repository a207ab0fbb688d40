# SPDX-License-Identifier: Apache-2.0
"""Pictures of any size: what is wanted of a result, and one good resize to get there."""

import re
from dataclasses import dataclass, replace

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from .image import Image

LARGEST_SIDE = 2**20
"""Pixels."""


@dataclass(frozen=True)
class SizeWish:
    """What size a result shall have; at most one way to say it, but for width and height together.

    Raises:
        OptionError: a number makes no sense, or two ways are mixed.
    """

    scale: float | None = None
    """Times larger than the image."""
    width: int | None = None
    """Pixels; alone, the height follows."""
    height: int | None = None
    fit: tuple[int, int] | None = None
    """Width and height of a frame that the result just fits into."""

    def __post_init__(self) -> None:
        sides = [x for x in (self.width, self.height, *(self.fit or ())) if x is not None]
        if any(not 1 <= x <= LARGEST_SIDE for x in sides):
            raise OptionError(f"width and height must be from 1 to {LARGEST_SIDE}, got {sides}")
        if self.scale is not None and not 1 < self.scale <= 8:
            raise OptionError(f"scale must be above 1, up to 8, got {self.scale!r}")
        told = (self.scale, self.width or self.height, self.fit)
        if sum(x is not None for x in told) > 1:
            raise OptionError("size: give a scale, or width and height, or a frame to fit into")

    def of(self, size: tuple[int, int]) -> tuple[int, int] | None:
        """`(H, W)` of the result of an image of `(H, W)`; None where nothing is wished for."""
        height, width = size
        factor = self.scale
        if self.fit is not None:
            factor = min(self.fit[0] / width, self.fit[1] / height)
        elif self.width is not None and self.height is not None:
            return self.height, self.width
        elif self.width is not None:
            return max(1, round(height * self.width / width)), self.width
        elif self.height is not None:
            return self.height, max(1, round(width * self.height / height))
        if factor is None:
            return None
        return max(1, round(height * factor)), max(1, round(width * factor))

    def __bool__(self) -> bool:
        return self != SizeWish()


def parse_frame(words: str) -> tuple[int, int]:
    """Read `1920x1080`: width and height.

    Raises:
        OptionError: it is something else.
    """
    found = re.fullmatch(r"(\d{1,7})x(\d{1,7})", words.strip().lower())
    if found is None:
        raise OptionError(f"fit must be WIDTHxHEIGHT as in 1920x1080, got {words!r}")
    return int(found[1]), int(found[2])


def check_within(wanted: tuple[int, int], size: tuple[int, int], scale: int) -> None:
    """Raise unless a size can be reached from what a model makes.

    Args:
        wanted: `(H, W)` of the result.
        size: `(H, W)` of the small image.
        scale: of the model.

    Raises:
        OptionError: it is larger, or no size.
    """
    if min(wanted) < 1:
        raise OptionError(f"size: height and width must be at least 1, got {tuple(wanted)}")
    most = size[0] * scale, size[1] * scale
    if wanted[0] > most[0] or wanted[1] > most[1]:
        more = "" if scale == 8 else "; a larger scale reaches further (scale=8, -s 8)"
        raise OptionError(
            f"size: {wanted[1]} x {wanted[0]} pixels are wanted of an image of {size[1]} x "
            f"{size[0]}, and {scale} times larger are {most[1]} x {most[0]}{more}"
        )


def resized_to(planes: Float[Tensor, "c h w"], size: tuple[int, int]) -> Float[Tensor, "c _ _"]:
    """Planes at another size, bicubic, without aliasing where a side gets smaller."""
    if tuple(planes.shape[1:]) == size:
        return planes
    return F.interpolate(planes[None], size, mode="bicubic", antialias=True)[0]


def reduced_to(image: Image, size: tuple[int, int]) -> Image:
    """A picture reduced to a size; colours count by their opacity, its place is told anew."""
    if image.size == size:
        return image
    metadata = image.metadata.resized(size[0] / image.size[0], size[1] / image.size[1])
    opacity = image.alpha
    alpha = None if opacity is None else resized_to(opacity, size)

    def smaller(planes: Float[Tensor, "c h w"]) -> Float[Tensor, "c _ _"]:
        plain = resized_to(planes, size)
        if opacity is not None and alpha is not None:
            light = resized_to(planes * opacity, size) / alpha.clamp(min=1 / 512)
            plain = light.where(alpha > 1 / 512, plain)
        return plain.clamp(0, 1)

    return replace(
        image,
        colour=smaller(image.colour),
        alpha=None if alpha is None else alpha.clamp(0, 1),
        metadata=metadata,
        bands=None if image.bands is None else smaller(image.bands),
    )

# SPDX-License-Identifier: Apache-2.0
"""The picture as the rest of the package sees it: colour, alpha and what its file said about it."""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DTypeError, NonFiniteError, OptionError, ShapeError
from ..given import check_flag, check_kind, check_tensor, is_whole
from .place import Georeference

Bits = Literal[8, 16]


class ImageWarning(UserWarning):
    """Something in an image file could not be carried over; the message says what and why."""


@dataclass(frozen=True)
class Metadata:
    """What a file says about its picture beside the pixels; kept as bytes, never re-interpreted."""

    icc: bytes | None = None
    """ICC colour profile; the pixels stay in its colour space."""
    exif: bytes | None = None
    """EXIF block from its TIFF header (`II*` or `MM*`) on; its orientation is already applied."""
    xmp: bytes | None = None
    """XMP packet, XML in UTF-8."""
    dpi: tuple[float, float] | None = None
    """Resolution (horizontal, vertical) in pixels per inch."""
    cicp: bytes | None = None
    """Code points of colours that no ICC profile can say (ITU-T H.273, four bytes, as in PNG)."""
    iptc: bytes | None = None
    """IPTC record (IIM), as news agencies caption pictures."""
    text: tuple[tuple[str, str], ...] = ()
    """(keyword, text) of each text or comment."""
    place: Georeference | None = None
    """Where on earth the pixels are, of a GeoTIFF."""

    def resized(self, down: int | float, across: int | float) -> "Metadata":
        """That of the picture so many times as high and wide: its place in the new pixels."""
        return self if self.place is None else replace(self, place=self.place.resized(down, across))


@dataclass(frozen=True)
class Image:
    """A picture of one size; the values are those of the file, not linearised."""

    colour: Float[Tensor, "3 h w"]
    """Red, green, blue in [0, 1] as encoded in the file; a grey picture has it three times."""
    alpha: Float[Tensor, "1 h w"] | None = None
    """Opacity in [0, 1], not multiplied into the colour; None where the file has none."""
    bits: Bits = 8
    """Depth of each sample in the file it came from, and in the file it is written to."""
    grey: bool = False
    """True where the file has one colour channel; it is written so again."""
    metadata: Metadata = field(default_factory=Metadata)
    bands: Float[Tensor, "n h w"] | None = None
    """Further bands in [0, 1], such as near infrared; None where the file has none."""

    def __post_init__(self) -> None:
        check_flag("Image: grey", self.grey)
        check_kind("Image: metadata", self.metadata, Metadata, "that a file or `Metadata()` has")
        check_channels("colour", self.colour, channels=3)
        for name, plane in (("alpha", self.alpha), ("bands", self.bands)):
            if plane is None:
                continue
            check_tensor(f"Image: {name}", plane)
            count = len(plane) if name == "bands" and plane.dim() else 1
            check_channels(name, plane, channels=count)
            if plane.shape[-2:] != self.colour.shape[-2:]:
                raise ShapeError(
                    f"Image: {name} must have the size of colour, {list(self.colour.shape[-2:])}, "
                    f"got {list(plane.shape[-2:])}"
                )
        if not is_whole(self.bits) or self.bits not in (8, 16):
            raise OptionError(f"Image: bits must be 8 or 16, got {self.bits!r}")

    def __repr__(self) -> str:
        kind = ("grey" if self.grey else "RGB") + (" with alpha" if self.alpha is not None else "")
        kind += "" if self.bands is None else f" and {len(self.bands)} more bands"
        height, width = self.size
        return f"<Image {width} x {height}, {kind}, {self.bits} bits>"

    @property
    def size(self) -> tuple[int, int]:
        """`(H, W)` in pixels."""
        return int(self.colour.shape[-2]), int(self.colour.shape[-1])


def check_image(name: str, value: object) -> None:
    """Raise `DTypeError` unless the value is an `Image`."""
    check_kind(name, value, Image, "which from_tensor, from_numpy, from_pil and read_image make")


def check_channels(name: str, plane: Tensor, channels: int) -> None:
    """Raise unless `plane` is a floating point tensor `[channels, H, W]` with at least a pixel."""
    check_tensor(f"Image: {name}", plane)
    if plane.dim() != 3 or plane.shape[0] != channels or plane.numel() == 0:
        raise ShapeError(
            f"Image: {name} must be [{channels}, H, W] with H and W at least 1, "
            f"got {list(plane.shape)}"
        )
    if not plane.is_floating_point():
        raise DTypeError(
            f"Image: {name} must be floating point in [0, 1], got {plane.dtype}; "
            "divide integers by their maximum (255 or 65535)"
        )


def from_channels(planes: Float[Tensor, "c h w"], bits: Bits, metadata: Metadata) -> Image:
    """The picture of 1 (grey), 2 (grey, alpha), 3 (colour) or 4 (colour, alpha) channels."""
    count = planes.shape[0] if planes.dim() == 3 else 0
    if count not in (1, 2, 3, 4):
        raise ShapeError(
            f"Image: channels must be [C, H, W] with 1 to 4 channels, got {list(planes.shape)}"
        )
    alpha = planes[-1:] if count in (2, 4) else None
    grey = count < 3
    colour = planes[:1].expand(3, -1, -1) if grey else planes[:3]
    return Image(colour, alpha, bits, grey, metadata)


def to_channels(image: Image) -> Float[Tensor, "c h w"]:
    """The channels as a file holds them: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha.

    A grey picture's channel is the mean of its three (which are equal unless something tinted it).
    """
    colour = image.colour
    if image.grey:  # in this order the mean of three equal values is that value, to the bit
        first = colour[:1]
        colour = first + (colour[1:] - first).sum(0, keepdim=True) / 3
    return colour if image.alpha is None else torch.cat([colour, image.alpha.to(colour)])


def quantise(values: Tensor, bits: Bits) -> Tensor:
    """Clamp to [0, 1], then round to integers of `bits` bits, returned as int32.

    Raises:
        NonFiniteError: a value is NaN or infinite (clamping would hide the fault).
    """
    if not bool(torch.isfinite(values).all()):
        raise NonFiniteError(
            "image: the picture holds NaN or infinity, so it cannot be written; "
            "look for the step that made it"
        )
    return values.detach().float().clamp(0, 1).mul(2**bits - 1).round().to(torch.int32)

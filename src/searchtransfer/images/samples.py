# SPDX-License-Identifier: Apache-2.0
"""Samples of pictures whose colours are stored in some other way than grey or RGB."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageCms

from ..errors import ImageFileError
from .image import Metadata

Samples = NDArray[np.unsignedinteger[Any]]
"""uint8 or uint16."""
Note = Callable[[str], None]
"""Takes a sentence about what a file loses; the reader puts the file's name in front of it."""
CheckSize = Callable[[int, int, int], None]
"""Called as `check_size(height, width, channels)` before any pixel is decoded; it may raise."""


def check_first(picture: PILImage.Image, check_size: CheckSize, note: Note) -> None:
    """Before any pixel is decoded: the size, and that only the first of several is used."""
    check_size(picture.height, picture.width, len(picture.getbands()))
    if (count := getattr(picture, "n_frames", 1)) > 1:
        note(f"it holds {count} pictures; only the first is used")


@dataclass(frozen=True)
class Decoded:
    """A picture as its file has it, before its orientation is applied."""

    samples: Samples
    """`[H, W, C]`, uint8 or uint16; C as in `image.to_channels`."""
    metadata: Metadata
    turned: int = 1
    """EXIF orientation that is still to be applied."""
    bands: Samples | None = None
    """`[H, W, N]` beside them."""


def spread(values: NDArray[np.integer[Any]], most: int) -> Samples:
    """Samples from 0 to `most` scaled to the whole range of 8 bits, or of 16 above 255."""
    top = 65535 if most > 255 else 255
    if most != top:
        values = (values.astype(np.uint32) * top + most // 2) // most
    spread: Samples = values.astype(np.uint16 if most > 255 else np.uint8)
    return spread


def to_samples(picture: PILImage.Image, metadata: Metadata, note: Note) -> tuple[Samples, Metadata]:
    """An 8-bit Pillow picture of any mode as `[H, W, 1 | 2 | 3 | 4]`, by these rules:

    1-bit and grey stay grey; a palette becomes colour; transparency of any kind becomes alpha;
    CMYK becomes sRGB through its profile, or without one by R = (255 - C)(255 - K) / 255, with a
    warning, since no format but TIFF and JPEG could hold it.
    """
    transparent = "transparency" in picture.info
    if picture.mode in ("1", "L"):
        picture = picture.convert("LA" if transparent else "L")
    elif picture.mode == "La":
        picture = picture.convert("LA")
    elif picture.mode == "P":
        alpha = transparent or (picture.palette is not None and picture.palette.mode == "RGBA")
        picture = picture.convert("RGBA" if alpha else "RGB")
    elif picture.mode in ("RGB", "YCbCr"):
        picture = picture.convert("RGBA" if transparent else "RGB")
    elif picture.mode in ("RGBa", "PA"):
        picture = picture.convert("RGBA")
    elif picture.mode == "CMYK":
        picture, metadata = _from_cmyk(picture, metadata, note)
    elif picture.mode not in ("LA", "RGBA"):
        raise ImageFileError(
            f"pictures of mode {picture.mode!r} cannot be kept as they are; "
            "convert it to 8- or 16-bit grey or RGB"
        )
    samples = np.array(picture)
    return samples.reshape(*samples.shape[:2], -1), metadata


def _from_cmyk(
    picture: PILImage.Image, metadata: Metadata, note: Note
) -> tuple[PILImage.Image, Metadata]:
    how = "without a profile, so colours are approximate"
    converted = None
    if metadata.icc is not None:
        try:
            converted = ImageCms.profileToProfile(
                picture,
                io.BytesIO(metadata.icc),
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
            )
            how = "through its profile"
        except (ImageCms.PyCMSError, ImportError) as error:
            how = f"without its profile, which does not work ({error}), so colours are approximate"
    # A CMYK profile says nothing about RGB: it must not be handed on.
    metadata = replace(metadata, icc=None)
    note(f"the picture is CMYK; it is read, and will be written, as sRGB ({how})")
    return converted or picture.convert("RGB"), metadata


def with_alpha(
    samples: Samples, channels: int, extra: tuple[int, ...] | None
) -> tuple[Samples, Samples | None]:
    """Colour channels with the alpha among the extra ones (TIFF: 1 is multiplied in, 2 is not).

    Multiplied alpha is divided out again, since nothing else here has it. What is left of the
    extra channels comes second.
    """
    count = samples.shape[2] - channels
    marks = extra if extra is not None else (2,) * (count == 1)  # one unmarked channel is alpha
    alpha = next((i for i, mark in enumerate(marks[:count]) if mark in (1, 2)), None)
    others = [channels + i for i in range(count) if i != alpha]
    if others and channels == 1:
        # One of several bands would pass for a grey picture.
        raise ImageFileError(
            f"it has {samples.shape[2]} bands, none of them marked as red, green and blue; choose "
            "three (or one) and write them as an RGB (or grey) TIFF, for instance with "
            "`gdal_translate -b 3 -b 2 -b 1 -colorinterp red,green,blue IN OUT`"
        )
    bands = np.ascontiguousarray(samples[..., others]) if others else None
    if alpha is None:
        return np.ascontiguousarray(samples[..., :channels]), bands
    kept: Samples = samples[..., [*range(channels), channels + alpha]]
    if marks[alpha] == 1:
        most = np.iinfo(kept.dtype).max
        opacity = kept[..., -1:].astype(np.float64)
        colour = np.where(opacity > 0, kept[..., :-1] * (most / np.maximum(opacity, 1)), 0)
        kept[..., :-1] = np.clip(np.rint(colour), 0, most)
    return kept, bands

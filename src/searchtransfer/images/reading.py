# SPDX-License-Identifier: Apache-2.0
"""Reading an image file: every way in which it may be unfit is found, and said, here."""

import os
import stat
import warnings
from dataclasses import replace

import numpy as np

from ..errors import ImageFileError, MissingExtraError
from ..files import shown
from ..given import check_path
from .convert import from_samples, turn
from .decoding import decode
from .formats import NAMES, detect
from .image import Bits, Image, ImageWarning, from_channels
from .metadata import upright

MAX_PIXELS = 2**27
"""Default limit, 134 million pixels; a reference of 100 megapixels still fits."""
CHANNELS = 4
"""A pixel of the limit has so many samples: many channels are no way around it."""
MAX_BYTES = 2**31
"""Largest file that is read into memory."""


def read_image(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Image:
    """Read an image file: PNG, JPEG, TIFF, WebP, BMP, GIF, PPM, JPEG 2000, TGA, AVIF or HEIC.

    Depth (8 or 16 bits), grey, alpha, ICC profile and metadata are kept. The format is told by
    content, whatever the name says; TGA, which has no mark, by its header and name. EXIF
    orientation is applied, once, and the tags then say so. Palettes become colour, 1-bit pictures
    grey, CMYK sRGB. Bands beside red, green and blue (TIFF) are kept. Of several pictures in a
    file the first is taken. The values are the file's own: no profile is applied, no gamma undone.

    Args:
        path: a regular file of at most 2 GiB.
        max_pixels: refuse larger pictures, before a pixel is decoded; each may have four channels.

    Raises:
        ImageFileError: the file cannot be read, is no such image, is damaged, or is too large.
        MissingExtraError: it is HEIC, whose reader is an extra.

    Warns:
        ImageWarning: something in the file is not carried over (CMYK, further pages, damaged EXIF).
    """
    check_path("image", path)
    name = shown(path)
    notes: list[str] = []

    def check_size(height: int, width: int, channels: int) -> None:
        if height < 1 or width < 1:
            raise ImageFileError(f"its size is {width} x {height} pixels")
        if height * width > max_pixels:
            raise ImageFileError(
                f"it has {width} x {height} = {height * width / 1e6:.1f} million pixels, more than "
                f"the limit of {max_pixels / 1e6:.1f} million; raise "
                "max_pixels (--max-pixels) to allow it"
            )
        if height * width * channels > max_pixels * CHANNELS:
            raise ImageFileError(
                f"it has {width} x {height} pixels of {channels} channels, more than the limit of "
                f"{max_pixels / 1e6:.1f} million pixels of {CHANNELS}; raise "
                "max_pixels (--max-pixels) to allow it"
            )

    data = _read_bytes(path)
    kind = detect(data, path)
    if isinstance(kind, str):
        raise ImageFileError(f"image {name}: its content is {kind}; {NAMES} can be read")
    try:
        decoded = decode(data, kind, check_size, notes.append)
    except (ImageFileError, MissingExtraError) as error:
        raise type(error)(f"image {name}: {error}") from None
    except MemoryError:
        raise ImageFileError(f"image {name}: not enough memory to decode it") from None
    # A decoder may raise anything on hostile bytes; whatever it is, this file cannot be used.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ImageFileError(
            f"image {name}: damaged or truncated {kind.name} file ({reason})"
        ) from error
    for note in notes:
        warnings.warn(f"image {name}: {note}", ImageWarning, stacklevel=2)

    bits: Bits = 16 if decoded.samples.dtype == np.uint16 else 8
    planes = turn(from_samples(decoded.samples), decoded.turned)
    metadata = upright(decoded.metadata, turned=decoded.turned != 1)
    image = from_channels(planes, bits, metadata)
    if decoded.bands is None:
        return image
    return replace(image, bands=turn(from_samples(decoded.bands), decoded.turned))


def _read_bytes(path: str | os.PathLike[str]) -> bytes:
    name = shown(path)
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(path, flags)
    except FileNotFoundError:
        raise ImageFileError(f"image {name}: no such file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ImageFileError(f"image {name}: cannot be opened ({reason})") from None
    try:
        state = os.fstat(handle)
        if stat.S_ISDIR(state.st_mode):
            raise ImageFileError(f"image {name}: is a folder, expected an image file")
        if not stat.S_ISREG(state.st_mode):
            raise ImageFileError(f"image {name}: is no regular file (a pipe, device or socket)")
        if state.st_size > MAX_BYTES:
            raise ImageFileError(
                f"image {name}: has {state.st_size / 2**30:.1f} GiB, more than the limit of "
                f"{MAX_BYTES / 2**30:.0f} GiB"
            )
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(state.st_size)  # a file that grows meanwhile cannot flood the memory
    except OSError as error:
        raise ImageFileError(f"image {name}: cannot be read ({error.strerror})") from None
    finally:
        os.close(handle)
    if not data:
        raise ImageFileError(f"image {name}: is empty (0 bytes)")
    return data

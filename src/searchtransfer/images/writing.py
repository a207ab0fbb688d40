# SPDX-License-Identifier: Apache-2.0
"""Writing an image file: checked before any work, then whole or not at all."""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from ..errors import ImageFileError, OptionError, OutputError, SearchTransferError
from ..files import OnExists, StrPath, check_file, shown, write_file
from ..given import check_path, check_word
from .encoding import encode
from .formats import WRITTEN, Format, format_of, names_of
from .image import Bits, Image, ImageWarning, Metadata, check_image
from .libraries import check_library


def check_output(
    path: StrPath,
    *,
    size: tuple[int, int],
    alpha: bool = False,
    bits: Bits = 8,
    bands: int = 0,
    on_exists: OnExists = "error",
    inputs: Iterable[StrPath] = (),
) -> None:
    """Find out before any work whether a picture can be written; nothing is changed.

    Args:
        path: the file to be written; its extension chooses the format.
        size: `(H, W)` of the picture in pixels.
        alpha: whether it has an alpha channel.
        bits: its depth.
        bands: how many further bands it has.
        on_exists: `"error"` or `"overwrite"`; an input is never overwritten.
        inputs: files that are read for it.

    Raises:
        ImageFileError: unknown extension; the format cannot hold the size, alpha or depth.
        OutputError: the path exists, is an input, or its folder cannot be written to.
        OptionError: on_exists is another word.
        MissingExtraError: a library lacks the format.
    """
    _check_format(path, size, alpha, bits, bands)
    check_file(path, on_exists=on_exists, inputs=inputs)


def write_image(
    image: Image,
    path: StrPath,
    *,
    metadata: Literal["keep", "strip"] = "keep",
    on_exists: OnExists = "error",
    quality: int | None = None,
) -> None:
    """Write a PNG, JPEG, TIFF, WebP or AVIF file; it appears under its name whole, or not at all.

    Values are clamped to [0, 1], then rounded to the picture's bits. JPEG is written with quality
    95 and AVIF with 90, both with full chroma, the others without loss. WebP, which has no grey,
    holds grey as RGB.

    Args:
        image: the picture.
        path: the file; its extension chooses the format.
        metadata: `"strip"` leaves out all but the ICC profile (and PNG's cICP): the colours would
            be wrong without it.
        on_exists: `"error"` never replaces a file, not even one that appears meanwhile.
        quality: 1 to 100, of JPEG and AVIF, and of WebP, which is then no longer without loss.

    Raises:
        ImageFileError: unknown extension; the format cannot hold the size, alpha or depth.
        OutputError: the path exists, or cannot be written.
        NonFiniteError: the picture holds NaN or infinity.
        OptionError: metadata or on_exists is another word, or there is no such quality.
        MissingExtraError: a library lacks the format.

    Warns:
        ImageWarning: a piece of metadata that the format cannot hold is left out.
    """
    check_path("output", path)
    check_file(path, on_exists=on_exists)
    data = encoded(image, path, metadata=metadata, quality=quality)
    write_file(path, data, on_exists=on_exists)


def encoded(
    image: Image,
    path: StrPath,
    *,
    metadata: Literal["keep", "strip"] = "keep",
    quality: int | None = None,
) -> bytes:
    """The content of the file that `write_image` would write; nothing is written.

    Raises:
        ImageFileError, OutputError, NonFiniteError, OptionError: as `write_image`.

    Warns:
        ImageWarning: a piece of metadata that the format cannot hold is left out.
    """
    check_image("image", image)
    check_word("metadata", metadata, ("keep", "strip"))
    check_quality(quality)
    bands = 0 if image.bands is None else len(image.bands)
    kind = _check_format(path, image.size, image.alpha is not None, image.bits, bands)
    if metadata == "strip":
        image = replace(image, metadata=Metadata(icc=image.metadata.icc, cicp=image.metadata.cicp))
    notes: list[str] = []
    try:
        data = encode(image, kind, notes.append, quality)
    except (OSError, ValueError, RuntimeError) as error:  # the last of AVIF's encoder
        if isinstance(error, SearchTransferError):
            raise
        raise OutputError(f"output {shown(path)}: {kind.name} cannot be made ({error})") from error
    for note in notes:
        warnings.warn(f"output {shown(path)}: {note}", ImageWarning, stacklevel=3)
    return data


def check_quality(quality: int | None) -> None:
    """Raise `OptionError` unless it is None or a whole number from 1 to 100."""
    known = quality is None or (isinstance(quality, int) and 1 <= quality <= 100)
    if not known or isinstance(quality, bool):
        raise OptionError(f"quality must be a whole number from 1 to 100, got {quality!r}")


def _check_format(
    path: StrPath, size: tuple[int, int], alpha: bool, bits: Bits, bands: int
) -> Format:
    kind = format_of(path)
    height, width = size
    name = f"output {shown(path)}"
    check_library(kind, name)
    if alpha and not kind.alpha:
        others = names_of([other for other in WRITTEN if other.alpha])
        raise ImageFileError(
            f"{name}: {kind.name} cannot hold transparency; write {others}, "
            "or put it on a background first (--background white)"
        )
    if bands and not kind.bands:
        raise ImageFileError(
            f"{name}: {kind.name} cannot hold the {bands} band(s) beside red, green and blue; "
            "write TIFF (--ext tif), or leave them out of the input, for instance with "
            "`gdal_translate -b 1 -b 2 -b 3 IN OUT`"
        )
    if bits == 16 and not kind.deep:
        raise ImageFileError(
            f"{name}: {kind.name} cannot hold 16 bits; write PNG or TIFF, or ask for 8 bits "
            "(--bits 8)"
        )
    if max(size) > kind.longest_side:
        raise ImageFileError(
            f"{name}: {width} x {height} pixels are too many for {kind.name}, whose sides are at "
            f"most {kind.longest_side}; write another format"
        )
    if height * width > kind.most_pixels:
        raise ImageFileError(
            f"{name}: {width} x {height} pixels are too many for {kind.name}, at most "
            f"{kind.most_pixels / 1e6:.0f} million; write PNG or TIFF"
        )
    needed = height * width * (3 + alpha + bands) * bits // 8
    if needed > kind.most_bytes:
        raise ImageFileError(
            f"{name}: {needed / 2**30:.1f} GiB of pixels are too many for {kind.name}, "
            f"at most {kind.most_bytes / 2**30:.1f} GiB; write PNG"
        )
    return kind

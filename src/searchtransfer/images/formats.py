# SPDX-License-Identifier: Apache-2.0
"""The four file formats: how each is recognised, named, and what it can hold.

Everything else is refused, and told by name where its first bytes give it away.
"""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import ImageFileError
from ..foreign import shown


@dataclass(frozen=True)
class Format:
    """A file format and its limits."""

    name: str
    extensions: tuple[str, ...]
    longest_side: int
    """Pixels; the most that the format (or its one library) can hold along a side."""
    most_bytes: int
    """Of uncompressed pixels."""
    deep: bool
    """Holds 16 bits a sample."""
    alpha: bool


PNG = Format("PNG", (".png",), 1_000_000, 2**62, deep=True, alpha=True)
JPEG = Format("JPEG", (".jpg", ".jpeg"), 65_500, 2**62, deep=False, alpha=False)
# A classic TIFF addresses 4 GiB; the rest is left for tags and for data that does not compress.
TIFF = Format("TIFF", (".tif", ".tiff"), 2**31 - 1, 2**32 - 2**27, deep=True, alpha=True)
WEBP = Format("WebP", (".webp",), 16_383, 2**62, deep=False, alpha=True)
FORMATS = (PNG, JPEG, TIFF, WEBP)
NAMES = "PNG, JPEG, TIFF or WebP"

_REFUSED: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "a GIF image"),
    (0, b"BM", "a BMP image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript (EPS) document"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript (EPS) document"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image (floating point)"),
    (0, b"#?RADIANCE", "a Radiance HDR image (floating point)"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"ftyphei", "an HEIC image"),
    (4, b"ftypmif1", "an HEIC image"),
    (4, b"ftyp", "an MP4 or QuickTime video"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"PK\x03\x04", "a ZIP archive (or a PyTorch file)"),
    (0, b"\x1f\x8b", "gzip data"),
    (0, b"\x7fELF", "a program"),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself (run `git lfs pull`)"),
)


def detect(data: bytes) -> Format | str:
    """Tell a file by its content: one of the four formats, or words for what it is instead."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return TIFF
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    for start, mark, name in _REFUSED:
        if data.startswith(mark, start):
            return name
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, name in ((b"<svg", "an SVG drawing"), (b"<!doctype html", "an HTML page")):
        if mark in text:
            return name
    if text.startswith((b"<html", b"<head", b"<body")):
        return "an HTML page"
    if text.startswith(b"<?xml"):
        return "an XML document"
    if text and all(byte in b"\t\r\n\f" or 32 <= byte < 127 for byte in text):
        return "plain text"
    return "no known image format"


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format that a file name's extension asks for.

    Raises:
        ImageFileError: no extension, or one that is not written here; the nearest is suggested.
    """
    extension = Path(path).suffix
    known = {name: format for format in FORMATS for name in format.extensions}
    if extension.lower() in known:
        return known[extension.lower()]
    nearest = difflib.get_close_matches(extension.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"use one of {', '.join(known)}"
    what = f"unknown extension {extension!r}" if extension else "no extension"
    raise ImageFileError(f"output {shown(path)}: {what}; {NAMES} can be written, {hint}")

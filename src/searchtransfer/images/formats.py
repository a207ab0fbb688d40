# SPDX-License-Identifier: Apache-2.0
"""The file formats: how each is recognised, named, and what it can hold.

Five are written; the others are read only. Everything else is refused, and told by name where its
first bytes give it away.
"""

import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ImageFileError
from ..foreign import shown


@dataclass(frozen=True)
class Format:
    """A file format and its limits."""

    name: str
    extensions: tuple[str, ...]
    written: bool = False
    longest_side: int = 2**31 - 1
    """Pixels; the most that the format (or its one library) can hold along a side."""
    most_bytes: int = 2**62
    """Of uncompressed pixels."""
    most_pixels: int = 2**62
    deep: bool = False
    """Holds 16 bits a sample."""
    alpha: bool = True
    bands: bool = False
    """Holds more than grey or colour and alpha."""


PNG = Format("PNG", (".png",), True, 1_000_000, deep=True)
JPEG = Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".jif"), True, 65_500, alpha=False)
# A classic TIFF addresses 4 GiB; the rest is left for tags and for data that does not compress.
TIFF = Format("TIFF", (".tif", ".tiff"), True, 2**31 - 1, 2**32 - 2**27, deep=True, bands=True)
WEBP = Format("WebP", (".webp",), True, 16_383)
BMP = Format("BMP", (".bmp", ".dib"))
GIF = Format("GIF", (".gif",))
NETPBM = Format("PPM", (".ppm", ".pgm", ".pbm", ".pnm"))
JPEG2000 = Format("JPEG 2000", (".jp2", ".j2k", ".j2c", ".jpx", ".jpf"))
TGA = Format("TGA", (".tga", ".targa"))
# What libavif, which everybody reads it by, agrees to decode.
AVIF = Format("AVIF", (".avif",), True, 32_768, most_pixels=2**28)
HEIC = Format("HEIC", (".heic", ".heif"))

FORMATS = (PNG, JPEG, TIFF, WEBP, AVIF, BMP, GIF, NETPBM, JPEG2000, TGA, HEIC)
"""Those that are read."""
WRITTEN = tuple(format for format in FORMATS if format.written)


def names_of(formats: Sequence[Format]) -> str:
    """As in a sentence: `PNG, TIFF or WebP`."""
    *others, last = (format.name for format in formats)
    return f"{', '.join(others)} or {last}" if others else last


WRITTEN_NAMES = names_of(WRITTEN)
NAMES = names_of(FORMATS)

_MARKS: tuple[tuple[int, bytes, Format], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"II*\0", TIFF),
    (0, b"MM\0*", TIFF),
    (0, b"II+\0", TIFF),
    (0, b"MM\0+", TIFF),
    (0, b"GIF87a", GIF),
    (0, b"GIF89a", GIF),
    (0, b"\x00\x00\x00\x0cjP  ", JPEG2000),
    (0, b"\xff\x4f\xff\x51", JPEG2000),
)
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
"""Lengths of the second header, which tell a BMP from text that begins with BM."""
_FILMS = "(films: by their extension, as --keyframes, or as YUV4MPEG2 in a pipe)"
_REFUSED: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript (EPS) document"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript (EPS) document"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image (floating point)"),
    (0, b"#?RADIANCE", "a Radiance HDR image (floating point)"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (4, b"ftyp", f"an MP4 or QuickTime video {_FILMS}"),
    (0, b"\x1aE\xdf\xa3", f"a Matroska or WebM video {_FILMS}"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x00\x00\x01\x00", "a Windows icon"),
    (0, b"\x00\x00\x02\x00\x01\x00", "a Windows cursor"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"qoif", "a QOI image"),
    (0, b"P7\n", "a PAM image"),
    (0, b"Pf\n", "a PFM image (floating point)"),
    (0, b"PF\n", "a PFM image (floating point)"),
    (0, b"\x0a\x05\x01", "a PCX image"),
    (0, b"farbfeld", "a farbfeld image"),
    (0, b"SIMPLE  =", "a FITS image"),
    (0, b"\x89HDF\r\n", "an HDF5 file"),
    (0, b"PK\x03\x04", "a ZIP archive (or a PyTorch file)"),
    (0, b"\x1f\x8b", "gzip data"),
    (0, b"\x7fELF", "a program"),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself (run `git lfs pull`)"),
)


def detect(data: bytes, path: str | os.PathLike[str] = "") -> Format | str:
    """Tell a file by its content: one of the formats, or words for what it is instead.

    The name counts for TGA alone, which begins like many other things.
    """
    for start, mark, kind in _MARKS:
        if data.startswith(mark, start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp":  # the first of the brands may be that of the family alone
        brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
        for marks, kind in (((b"avif", b"avis"), AVIF), ((b"hei", b"hev", b"mif1", b"msf1"), HEIC)):
            if any(mark in brands for mark in marks):
                return kind
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return BMP
    if re.match(rb"P[1-6][\s#]", data):
        return NETPBM
    if _is_tga(data, path):
        return TGA
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


def _is_tga(data: bytes, path: str | os.PathLike[str]) -> bool:
    named = Path(path).suffix.lower() in TGA.extensions
    if not named and data[-18:-2] != b"TRUEVISION-XFILE":
        return False
    plausible = len(data) > 18 and data[1] < 2 and data[2] in (1, 2, 3, 9, 10, 11)
    return plausible and data[16] in (1, 8, 15, 16, 24, 32)


_COMMON = (".png", ".jpg", ".tif", ".webp", ".avif")


def extension_for(source: str) -> str:
    """The extension of a result: that of its source, or `.png` where that is not written here."""
    written = [name for format in WRITTEN for name in format.extensions]
    return source if source.lower() in written else ".png"


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format that a file name's extension asks for.

    Raises:
        ImageFileError: no extension, or one that is not written here; the nearest is suggested.
    """
    extension = Path(path).suffix
    known = {name: format for format in WRITTEN for name in format.extensions}
    if extension.lower() in known:
        return known[extension.lower()]
    if any(extension.lower() in format.extensions for format in FORMATS):
        what, hint = f"{extension!r} is read only", "use one of them"
    else:
        nearest = difflib.get_close_matches(extension.lower(), known, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"use one of {', '.join(_COMMON)}"
        what = f"unknown extension {extension!r}" if extension else "no extension"
    raise ImageFileError(f"output {shown(path)}: {what}; {WRITTEN_NAMES} can be written, {hint}")

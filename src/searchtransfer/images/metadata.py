# SPDX-License-Identifier: Apache-2.0
"""EXIF and XMP edited in place, byte by byte, so that everything else in them stays as it was.

Re-encoding a block would move its maker notes, whose inner offsets then point nowhere. A block
that cannot be understood is never an error here: its orientation counts as 1 (upright).
EXIF 2.32 (CIPA DC-008), sections 4.5 and 4.6; the block is a TIFF file without pixels.
"""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from .image import Metadata

_ORIENTATION, _EXIF_IFD = 0x0112, 0x8769
_WIDTH, _HEIGHT = (0x0100, 0xA002), (0x0101, 0xA003)
_X_DPI, _Y_DPI, _UNIT, _INCH = 0x011A, 0x011B, 0x0128, 2
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_STEPS = 1000
"""Of an inch's pixel, to which a resolution is told."""
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8]")
_XMP_SAYS = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")
_XMP_WIDTH = re.compile(rb"((?:tiff:ImageWidth|exif:PixelXDimension)\s*(?:=\s*[\"']|>)\s*)\d+")
_XMP_HEIGHT = re.compile(rb"((?:tiff:ImageLength|exif:PixelYDimension)\s*(?:=\s*[\"']|>)\s*)\d+")


def is_exif(block: bytes) -> bool:
    """Whether a block starts as EXIF must: a TIFF header in either byte order."""
    return block[:4] in (b"II*\0", b"MM\0*")


def plausible_dpi(dpi: Any) -> tuple[float, float] | None:
    """The resolution, unless it cannot be one (missing, zero, negative, NaN, absurd)."""
    try:
        x, y = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if 0 < x < 1e6 and 0 < y < 1e6 else None


def orientation(exif: bytes | None, xmp: bytes | None = None) -> int:
    """Orientation 1-8 by EXIF or, where that says nothing, by XMP; 1 (upright) by neither."""
    said = _numbers(exif, _first(exif)).get(_ORIENTATION, []) if exif is not None else []
    if said:
        return next((value for at, value in said if at and 1 <= value <= 8), 1)
    return xmp_orientation(xmp)


def xmp_orientation(xmp: bytes | None) -> int:
    """That of XMP alone."""
    said = _XMP_SAYS.search(xmp or b"")
    return 1 if said is None else int(said[1])


def upright(metadata: Metadata, turned: bool = True) -> Metadata:
    """Metadata of a picture whose orientation has been applied: both tags say 1 from now on.

    The embedded thumbnail is unlinked where the picture turned: it is not turned along. Where it
    did not, EXIF stays to the byte, and XMP contradicts it no more.
    """
    exif, xmp = metadata.exif, metadata.xmp
    if exif is not None and turned:
        start = _first(exif)
        exif = _patch(exif, start, {_ORIENTATION: 1})
        exif = _unlink_thumbnail(exif, start)
    if xmp is not None:
        xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
    return replace(metadata, exif=exif, xmp=xmp)


def plain_exif(exif: bytes | None, note: Callable[[str], None]) -> bytes | None:
    """EXIF without the prefix that only JPEG needs; nothing where it cannot be EXIF."""
    if not exif:
        return None
    exif = exif.removeprefix(b"Exif\0\0")
    if is_exif(exif):
        return exif
    note("its EXIF is damaged (it does not start with a TIFF header) and is left out")
    return None


def resized(metadata: Metadata, size: tuple[int, int]) -> Metadata:
    """The metadata with each record of the picture's size, where there is one, set to `(H, W)`."""
    exif, xmp = metadata.exif, metadata.xmp
    if exif is not None:
        values = dict.fromkeys(_HEIGHT, size[0]) | dict.fromkeys(_WIDTH, size[1])
        first = _first(exif)
        for start in (first, *(at for _, at in _numbers(exif, first).get(_EXIF_IFD, ()))):
            exif = _patch(exif, start, values)
    if xmp is not None:
        xmp = _XMP_HEIGHT.sub(rb"\g<1>%d" % size[0], xmp)
        xmp = _XMP_WIDTH.sub(rb"\g<1>%d" % size[1], xmp)
    return replace(metadata, exif=exif, xmp=xmp)


def says_resolution(exif: bytes) -> bool:
    """Whether a block has the picture's resolution."""
    tags = {tag for tag, _, _ in _entries(exif, _first(exif))}
    return {_X_DPI, _Y_DPI} <= tags


def with_resolution(exif: bytes | None, dpi: tuple[float, float]) -> bytes | None:
    """A block that says pixels per inch too; None where it is damaged.

    The first directory is written anew behind everything else, so that no other offset changes.
    """
    block = exif or b"II*\0\x08\0\0\0" + bytes(6)
    order, start = _order(block), _first(block)
    if start + 2 > len(block):
        return None
    end = start + 2 + 12 * int(struct.unpack_from(order + "H", block, start)[0])
    if end + 4 > len(block):
        return None
    at = len(block) + len(block) % 2
    entries = {tag: block[value - 8 : value + 4] for tag, _, value in _entries(block, start)}
    values = at + 2 + 12 * len(entries.keys() | {_X_DPI, _Y_DPI, _UNIT}) + 4
    entries[_X_DPI] = struct.pack(order + "HHII", _X_DPI, _RATIONAL, 1, values)
    entries[_Y_DPI] = struct.pack(order + "HHII", _Y_DPI, _RATIONAL, 1, values + 8)
    entries[_UNIT] = struct.pack(order + "HHIHxx", _UNIT, _SHORT, 1, _INCH)
    parts = [block[:4], struct.pack(order + "I", at), block[8:], bytes(len(block) % 2)]
    parts += [struct.pack(order + "H", len(entries)), *(entries[tag] for tag in sorted(entries))]
    parts.append(block[end : end + 4])
    parts += [struct.pack(order + "II", round(value * _STEPS), _STEPS) for value in dpi]
    return b"".join(parts)


def _order(exif: bytes) -> str:
    return "<" if exif[:2] == b"II" else ">"


def _first(exif: bytes) -> int:
    """Offset of the first directory; past the end where the block is too short."""
    return int(struct.unpack_from(_order(exif) + "I", exif, 4)[0]) if len(exif) >= 8 else len(exif)


def _entries(exif: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """(tag, type, offset of the value) of each entry of the directory at `start`."""
    order = _order(exif)
    if start + 2 > len(exif):
        return
    for i in range(struct.unpack_from(order + "H", exif, start)[0]):
        entry = start + 2 + 12 * i
        if entry + 12 > len(exif):
            return
        tag, kind = struct.unpack_from(order + "HH", exif, entry)
        yield tag, kind, entry + 8


def _numbers(exif: bytes, start: int) -> dict[int, list[tuple[int, int]]]:
    """Whole numbers of a directory: tag -> [(offset, value)]."""
    found: dict[int, list[tuple[int, int]]] = {}
    for tag, kind, offset in _entries(exif, start):
        if kind in (_SHORT, _LONG):
            code = _order(exif) + ("H" if kind == _SHORT else "I")
            value = int(struct.unpack_from(code, exif, offset)[0])
            found.setdefault(tag, []).append((offset, value))
    return found


def _patch(exif: bytes, start: int, values: dict[int, int]) -> bytes:
    patched = bytearray(exif)
    for tag, kind, offset in _entries(exif, start):
        if tag in values and kind in (_SHORT, _LONG):
            code, most = ("H", 2**16 - 1) if kind == _SHORT else ("I", 2**32 - 1)
            # 0 means "unknown": a size that outgrew its field must not be recorded wrongly.
            value = values[tag] if values[tag] <= most else 0
            struct.pack_into(_order(exif) + code, patched, offset, value)
    return bytes(patched)


def _unlink_thumbnail(exif: bytes, start: int) -> bytes:
    if start + 2 > len(exif):
        return exif
    link = start + 2 + 12 * int(struct.unpack_from(_order(exif) + "H", exif, start)[0])
    if link + 4 > len(exif):
        return exif
    return exif[:link] + bytes(4) + exif[link + 4 :]

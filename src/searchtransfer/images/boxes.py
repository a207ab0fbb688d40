# SPDX-License-Identifier: Apache-2.0
"""The boxes of AVIF, HEIC and JPEG 2000 files, which say what the readers of the pixels do not.

ISO/IEC 14496-12, section 4.2 (boxes), 23008-12, 9.3 and 6.5.5 (properties, colours), 15444-1, annex
I (JP2); AV1 codec ISO media file format binding, section 2.3 (av1C); 14496-15, 8.3.3 (hvcC).
"""

from collections.abc import Iterator
from dataclasses import dataclass

Box = tuple[bytes, bytes]
"""(type, body)."""

_SIZ = b"\xff\x4f\xff\x51"
"""The beginning of a JPEG 2000 codestream."""


@dataclass(frozen=True)
class Coded:
    """How the pixels of a picture are stored."""

    depth: int = 8
    """Bits of a sample."""
    grey: bool = False
    """Without colour, whatever the reader makes of it."""
    code: bytes | None = None
    """Its colours as four code points (ITU-T H.273), where the file says them so."""


def boxes(data: bytes) -> Iterator[Box]:
    """The boxes that follow each other, up to the first that is not whole."""
    start = 0
    while start + 8 <= len(data):
        length, head = int.from_bytes(data[start : start + 4], "big"), 8
        if length == 1:
            length, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        elif length == 0:
            length = len(data) - start
        if length < head or start + length > len(data):
            return
        yield data[start + 4 : start + 8], data[start + head : start + length]
        start += length


def inside(data: bytes, *path: bytes) -> bytes:
    """The body of the first box at a path of types; nothing where there is none."""
    for kind in path:
        data = next((body for name, body in boxes(data) if name == kind), b"")
        if kind == b"meta":
            data = data[4:]  # a version and flags go before its boxes
    return data


def coded_heif(data: bytes) -> Coded:
    """That of an AVIF or HEIC file's picture, by the first properties, which are the picture's."""
    coded = Coded()
    found: dict[bytes, bytes] = {}
    for kind, body in boxes(inside(data, b"meta", b"iprp", b"ipco")):
        found.setdefault(body[:4] if kind == b"colr" else kind, body)
    if len(av1 := found.get(b"av1C", b"")) >= 3:
        depth = 12 if av1[2] & 0x20 else 10
        coded = Coded(depth if av1[2] & 0x40 else 8, bool(av1[2] & 0x10))
    if len(hevc := found.get(b"hvcC", b"")) >= 18:
        coded = Coded(8 + (hevc[17] & 7), hevc[16] & 3 == 0)
    if len(nclx := found.get(b"nclx", b"")) >= 10:
        # Readers undo the matrix and the range: what they give is RGB of the full range.
        coded = Coded(coded.depth, coded.grey, bytes([nclx[5], nclx[7], 0, 1]))
    return coded


def coded_jpeg2000(data: bytes) -> Coded:
    """That of a JPEG 2000 file, by its first component."""
    at = data.find(_SIZ)
    return Coded(1 + (data[at + 42] & 0x7F)) if 0 <= at < len(data) - 42 else Coded()

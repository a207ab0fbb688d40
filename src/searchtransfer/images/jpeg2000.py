# SPDX-License-Identifier: Apache-2.0
"""What a JP2 file says beside its pixels, in boxes that no reader of pixels hands on.

ISO/IEC 15444-1, annex I (colours), and the identifiers under which EXIF, IPTC, XMP and GeoTIFF tags
are put into such files.
"""

from dataclasses import replace

from .boxes import boxes, inside
from .image import Metadata
from .metadata import plain_exif
from .place import Georeference
from .samples import Note
from .tiff_tags import directory, place_of

_EXIF = b"JpgTiffExif->JP2"
_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_GEO = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")
_RESTRICTED, _ANY = 2, 3
"""Ways to say colours by an ICC profile."""


def jp2_metadata(data: bytes, metadata: Metadata, note: Note) -> Metadata:
    """The metadata with what the boxes of the file add; a bare codestream has none."""
    blocks: dict[bytes, bytes] = {}
    for kind, body in boxes(data):
        if kind == b"uuid":
            blocks.setdefault(body[:16], body[16:])
        elif kind == b"asoc" and b"gml.data" in body:
            note("its georeference in GML is left out")
    colours = inside(data, b"jp2h", b"colr")
    return replace(
        metadata,
        icc=colours[3:] if colours[:1] in (bytes([_RESTRICTED]), bytes([_ANY])) else metadata.icc,
        exif=plain_exif(blocks.get(_EXIF), note),
        xmp=blocks.get(_XMP) or metadata.xmp,
        iptc=blocks.get(_IPTC) or None,
        place=_place(blocks.get(_GEO), note),
    )


def _place(block: bytes | None, note: Note) -> Georeference | None:
    """That of a GeoTIFF of one pixel, whose tags are meant for the picture."""
    if block is None:
        return None
    try:
        return place_of(directory(block), 1, note)
    except Exception as error:  # Pillow raises anything on a damaged directory
        note(f"its georeference cannot be understood ({error}) and is left out")
        return None

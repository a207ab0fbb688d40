# SPDX-License-Identifier: Apache-2.0
"""What a TIFF file says beside its pixels, and how that is written into the directory of another.

A TIFF keeps EXIF, profile and place among the tags that describe the layout of the file, and EXIF
of other formats may hold such tags too. So what is carried over, in both directions, is a list.
"""

import io
import struct
from collections.abc import Iterable
from typing import Any

from PIL import Image as PILImage
from PIL import TiffImagePlugin, TiffTags

from . import place
from .image import Metadata
from .metadata import plausible_dpi
from .samples import Note

Directory = TiffImagePlugin.ImageFileDirectory_v2

ORIENTATION = 274
_X_DPI, _Y_DPI, _DPI_UNIT, _XMP, _IPTC, _ICC = 282, 283, 296, 700, 33723, 34675
_DESCRIPTIVE = {270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, 34665, 34853}
_DESCRIPTIVE |= set(range(40091, 40096))
"""What describes the picture: description, make, model, software, date, artist, host, rating,
copyright, the EXIF and GPS directories, and Windows' XP* texts."""
_DIRECTORIES = {34665, 34853}
_LAYOUT = set(range(254, 348)) - _DESCRIPTIVE | set(range(512, 533)) | {_XMP, _ICC}
"""What describes the samples of the file that it stood in; a result has its own."""


def directory(data: bytes, offset: int | None = None) -> Directory:
    """The tags of a TIFF file's first directory, or of the one at an offset."""
    if data[:4] == b"MM\0+":  # Pillow knows BigTIFF in one byte order only
        tags = Directory(b"MM\0*\0\0\0\0", group=offset)
        tags._bigtiff = True
        tags.next = int.from_bytes(data[8:16], "big")
    else:
        tags = Directory(data[: 16 if data[2:3] == b"+" else 8], group=offset)
    file = io.BytesIO(data)
    file.seek(tags.next if offset is None else offset)
    tags.load(file)
    return tags


def tiff_metadata(data: bytes, tags: Directory, turned: int, note: Note) -> Metadata:
    """The metadata of a picture that is stored with an orientation of 1 to 8."""
    dpi = None
    if tags.get(_X_DPI) and tags.get(_Y_DPI) and tags.get(_DPI_UNIT, 2) in (2, 3):
        factor = 2.54 if tags.get(_DPI_UNIT, 2) == 3 else 1.0
        dpi = plausible_dpi((tags[_X_DPI] * factor, tags[_Y_DPI] * factor))
    return Metadata(
        icc=tags.get(_ICC),
        exif=_exif(data, tags, note),
        xmp=xmp_of(tags),
        dpi=dpi,
        iptc=_bytes(tags.get(_IPTC)),
        place=place_of(tags, turned, note),
    )


def xmp_of(tags: Directory) -> bytes | None:
    """The block of XMP, where there is one."""
    return _bytes(tags.get(_XMP))


def add_metadata(metadata: Metadata, note: Note) -> Directory:
    """A new directory, little-endian, that says the same."""
    tags = Directory()
    if metadata.exif is not None:
        try:
            left_out = _add_exif(tags, metadata.exif)
            tags.tobytes()
        except Exception as error:  # Pillow raises anything on a damaged block
            tags = Directory()
            note(f"its EXIF cannot be understood ({error}) and is left out")
        else:
            if left_out:
                note(f"tags {left_out} of its EXIF have no meaning in TIFF and are left out")
    if metadata.dpi is not None:
        tags[_X_DPI], tags[_Y_DPI], tags[_DPI_UNIT] = *metadata.dpi, 2
    if metadata.icc is not None:
        tags[_ICC] = metadata.icc
    for tag, block in ((_XMP, metadata.xmp), (_IPTC, metadata.iptc)):
        if block is not None:
            tags.tagtype[tag] = TiffTags.BYTE
            tags[tag] = block
    if metadata.place is not None:
        for tag, value in metadata.place.tags.items():
            numbers = TiffTags.SHORT if tag == place.KEYS else TiffTags.DOUBLE
            tags.tagtype[tag] = TiffTags.ASCII if isinstance(value, str) else numbers
            tags[tag] = value
    return tags


def place_of(tags: Directory, turned: int, note: Note) -> place.Georeference | None:
    """The georeference of a picture that is stored with an orientation of 1 to 8."""
    if any(tag in tags for tag in place.TAGS_OF_RPC):
        note("its rational coefficients (RPC) would not fit the result and are left out")
    if not {place.PIXEL_SCALE, place.TRANSFORMATION, place.TIE_POINTS, place.KEYS} & set(tags):
        return None
    if turned != 1:
        note("its georeference is that of the picture before it is turned, and is left out")
        return None
    found = {tag: tags[tag] for tag in place.TAGS if tag in tags}
    if not all(isinstance(value, str) or _numbers(value) for value in found.values()):
        note("its georeference cannot be understood and is left out")
        return None
    return place.Georeference(found)


def _add_exif(tags: Directory, block: bytes) -> list[int]:
    exif = PILImage.Exif()
    exif.load(block)
    for tag in _DESCRIPTIVE & set(exif):
        tags[tag] = exif.get_ifd(tag) if tag in _DIRECTORIES else exif[tag]
    return sorted(set(exif) - _DESCRIPTIVE - _LAYOUT)


def _exif(data: bytes, tags: Directory, note: Note) -> bytes | None:
    """The tags that describe the picture as an EXIF block."""
    if not _DESCRIPTIVE & set(tags):
        return None
    try:
        exif = PILImage.Exif()
        for tag in _DESCRIPTIVE & set(tags):
            exif[tag] = dict(directory(data, tags[tag])) if tag in _DIRECTORIES else tags[tag]
        return exif.tobytes()[6:]
    except Exception as error:  # whatever a damaged directory raises: pictures outlive their EXIF
        note(f"its EXIF cannot be understood ({error}) and is left out")
        return None


def _numbers(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(x, (int, float)) for x in value)


def _bytes(value: bytes | str | tuple[Any, ...] | None) -> bytes | None:
    """Of a tag that is bytes by its nature, and in old files long integers or text."""
    if isinstance(value, tuple):
        if len(value) == 1 and isinstance(value[0], bytes):
            return value[0]
        return _packed(value)
    return value.encode("latin-1", "replace") if isinstance(value, str) else value or None


def _packed(values: Iterable[Any]) -> bytes | None:
    try:
        return b"".join(struct.pack("<I", value) for value in values)
    except struct.error:
        return None

# SPDX-License-Identifier: Apache-2.0
"""JPEG by Pillow, also where the end marker is missing, with its comment and IPTC record."""

import io
from typing import Any

import numpy as np
from PIL import Image as PILImage
from PIL import JpegImagePlugin

from .image import Metadata
from .jpeg_scans import has_all_scans
from .metadata import orientation, plain_exif, plausible_dpi, says_resolution
from .samples import CheckSize, Decoded, Note, check_first, to_samples

_END = b"\xff\xd9"
_PHOTOSHOP = b"Photoshop 3.0\0"
_IPTC = 0x0404


def decode_jpeg(data: bytes, check_size: CheckSize, note: Note) -> Decoded:
    """Decode a JPEG file; arguments and errors as in `decoding.decode`."""
    with JpegImagePlugin.jpeg_factory(io.BytesIO(data)) as picture:
        check_first(picture, check_size, note)
        info = dict(picture.info)
        loaded = _loaded(picture, data, note)
    exif = plain_exif(info.get("exif"), note)
    comment = info.get("comment")
    metadata = Metadata(
        icc=info.get("icc_profile") or None,
        exif=exif,
        xmp=info.get("xmp") or None,
        dpi=plausible_dpi(info.get("dpi")) if _says_resolution(info, exif) else None,
        iptc=_iptc(info.get("photoshop")),
        text=(("Comment", comment.decode("utf-8", "replace")),) if comment else (),
    )
    samples, metadata = to_samples(loaded, metadata, note)
    return Decoded(samples, metadata, orientation(exif, metadata.xmp))


def iptc_segment(iptc: bytes) -> bytes:
    """The APP13 segment that holds an IPTC record, as Photoshop writes it."""
    resource = b"8BIM" + _IPTC.to_bytes(2, "big") + bytes(2) + len(iptc).to_bytes(4, "big") + iptc
    body = _PHOTOSHOP + resource + bytes(len(iptc) % 2)
    return b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body


def _says_resolution(info: dict[str | tuple[int, int], Any], exif: bytes | None) -> bool:
    """Whether the resolution is the file's; Pillow makes one up where EXIF has none."""
    return info.get("jfif_unit") in (1, 2) or (exif is not None and says_resolution(exif))


def _iptc(resources: object) -> bytes | None:
    record = resources.get(_IPTC) if isinstance(resources, dict) else None
    return record if isinstance(record, bytes) and record else None


def _loaded(picture: PILImage.Image, data: bytes, note: Note) -> PILImage.Image:
    try:
        picture.load()
        return picture
    except OSError:
        if _END in data[-64:] or not has_all_scans(data):
            raise
        if (whole := _without_end(data)) is None:
            raise
    note("its end marker is missing; the picture is whole")
    return whole


def _without_end(data: bytes) -> PILImage.Image | None:
    """The picture of a file that lacks its end marker alone; None where pixels are missing too.

    The decoder makes up pixels from whatever follows. So two strings of noise are put in place of
    the end: a picture that is the same with both was complete before them.
    """
    pictures = []
    for seed in range(2):
        rest = np.random.default_rng(seed).integers(0, 255, 512, np.uint8).tobytes()  # no 255
        with JpegImagePlugin.JpegImageFile(io.BytesIO(data + rest + _END)) as picture:
            picture.load()
            pictures.append(picture.copy())
    same = np.array_equal(np.asarray(pictures[0]), np.asarray(pictures[1]))
    return pictures[0] if same else None

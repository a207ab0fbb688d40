# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a file to samples; which reader decodes what.

PNG, JPEG, TIFF and the netpbm formats have files of their own here. Everything else is Pillow's: it
keeps palettes, transparency and CMYK apart, and hands out metadata as bytes.

The readers of one format are constructed directly: `PIL.Image.open` applies a pixel limit that is
global to the process, while ours is an argument.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    Jpeg2KImagePlugin,
    TgaImagePlugin,
    WebPImagePlugin,
)

from ..errors import MissingExtraError
from .bmp import has_unmarked_byte
from .boxes import Coded, coded_heif, coded_jpeg2000
from .colour_profile import of_film
from .deep import decode_deep, deep_avif
from .formats import AVIF, BMP, GIF, HEIC, JPEG, JPEG2000, NETPBM, PNG, TGA, TIFF, WEBP, Format
from .heif import deep_heif, open_heif
from .image import Metadata
from .jpeg import decode_jpeg
from .jpeg2000 import jp2_metadata
from .libraries import missing
from .metadata import orientation, plain_exif, plausible_dpi
from .netpbm import decode_netpbm
from .png import decode_png
from .samples import CheckSize, Decoded, Note, Samples, check_first, spread, to_samples
from .strictness import truncation_refused
from .tiff import decode_tiff

_OWN: Mapping[Format, Callable[[bytes, CheckSize, Note], Decoded]] = {
    PNG: decode_png,
    JPEG: decode_jpeg,
    TIFF: decode_tiff,
    NETPBM: decode_netpbm,
}
_PILLOW: Mapping[Format, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    WEBP: WebPImagePlugin.WebPImageFile,
    BMP: BmpImagePlugin.BmpImageFile,
    GIF: GifImagePlugin.GifImageFile,
    JPEG2000: Jpeg2KImagePlugin.Jpeg2KImageFile,
    TGA: TgaImagePlugin.TgaImageFile,
    AVIF: AvifImagePlugin.AvifImageFile,
    HEIC: open_heif,
}
_MARK_OF_ENCODER = b"Created by OpenJPEG"
"""A comment of every file of the most common encoder, which tells nothing of the picture."""
_CODED = {AVIF: coded_heif, HEIC: coded_heif, JPEG2000: coded_jpeg2000}


def decode(data: bytes, kind: Format, check_size: CheckSize, note: Note) -> Decoded:
    """Decode the first picture of a file.

    Args:
        data: the whole file.
        kind: what it is by its content.
        check_size: called as `check_size(height, width, channels)` before any pixel is decoded.
        note: called with a sentence for each thing that is not carried over.

    Raises:
        ImageFileError: the picture is of a kind that cannot be kept as it is.
        MissingExtraError: an optional library is needed.
        Exception: whatever the libraries raise on a damaged file.
    """
    if reason := missing(kind):
        raise MissingExtraError(reason)
    with truncation_refused():
        if kind in _OWN:
            return _OWN[kind](data, check_size, note)
        with _PILLOW[kind](io.BytesIO(data)) as picture:
            return _decode_pillow(picture, data, kind, check_size, note)


def _decode_pillow(
    picture: ImageFile.ImageFile, data: bytes, kind: Format, check_size: CheckSize, note: Note
) -> Decoded:
    check_first(picture, check_size, note)
    coded = _CODED[kind](data) if kind in _CODED else Coded()
    if coded.depth <= 8 or kind is JPEG2000:  # Pillow finds missing pixels that others pass over
        picture.load()
    metadata = _metadata(picture.info, coded, note)
    if kind is BMP and has_unmarked_byte(data):
        note("the fourth byte of its pixels is not marked as alpha, and is left out")
    if kind is JPEG2000:
        metadata = jp2_metadata(data, metadata, note)
    # AVIF and HEIC turn by a record of their own; the readers apply it, or put it into the EXIF;
    # XMP would turn once more.
    turned = orientation(metadata.exif, None if kind in (AVIF, HEIC) else metadata.xmp)
    samples = _deep(data, kind, coded.depth) if coded.depth > 8 else None
    if samples is None:
        if coded.depth > 8:
            note(f"its {coded.depth} bits are reduced to 8")
        samples, metadata = to_samples(picture, metadata, note)
    if coded.grey and samples.shape[2] > 2:
        samples = samples[..., [0, 3][: samples.shape[2] - 2]]
    return Decoded(samples, metadata, turned)


def _metadata(info: Mapping[str | tuple[int, int], Any], coded: Coded, note: Note) -> Metadata:
    icc, cicp = info.get("icc_profile") or None, None
    if icc is None and coded.code is not None:
        icc, cicp = of_film(coded.code, coded.grey)
    comment = info.get("comment") or b""
    if comment.startswith(_MARK_OF_ENCODER):
        comment = b""
    return Metadata(
        icc=icc,
        exif=plain_exif(info.get("exif"), note),
        xmp=info.get("xmp") or None,
        dpi=plausible_dpi(info.get("dpi")),
        cicp=cicp,
        text=(("Comment", comment.decode("utf-8", "replace")),) if comment else (),
    )


def _deep(data: bytes, kind: Format, depth: int) -> Samples | None:
    """Samples of 16 bits; None where no library here gives them."""
    if kind is JPEG2000:
        return decode_deep(data, ".jp2", bits=16)
    samples = deep_heif(data) if kind is HEIC else deep_avif(data)
    return None if samples is None else spread(samples, 2**depth - 1)

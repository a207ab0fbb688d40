# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a file to samples; which reader decodes what.

PNG, JPEG, TIFF and the netpbm formats have files of their own here. Everything else is Pillow's: it
keeps palettes, transparency and CMYK apart, and hands out metadata as bytes.

The readers of one format are constructed directly: `PIL.Image.open` applies a pixel limit that is
global to the process, while ours is an argument.
"""

import io
from collections.abc import Callable, Mapping

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    Jpeg2KImagePlugin,
    TgaImagePlugin,
    WebPImagePlugin,
)

from .deep import decode_deep
from .formats import AVIF, BMP, GIF, HEIC, JPEG, JPEG2000, NETPBM, PNG, TGA, TIFF, WEBP, Format
from .heif import open_heif
from .image import Metadata
from .jpeg import decode_jpeg
from .metadata import orientation, plain_exif, plausible_dpi
from .netpbm import decode_netpbm
from .png import decode_png
from .samples import CheckSize, Decoded, Note, to_samples
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
    with truncation_refused():
        if kind in _OWN:
            return _OWN[kind](data, check_size, note)
        with _PILLOW[kind](io.BytesIO(data)) as picture:
            return _decode_pillow(picture, data, kind, check_size, note)


def _decode_pillow(
    picture: ImageFile.ImageFile, data: bytes, kind: Format, check_size: CheckSize, note: Note
) -> Decoded:
    check_size(picture.height, picture.width, len(picture.getbands()))
    if (count := getattr(picture, "n_frames", 1)) > 1:
        note(f"it holds {count} pictures; only the first is used")
    picture.load()
    info = picture.info
    exif = plain_exif(info.get("exif"), note)
    comment = info.get("comment")
    metadata = Metadata(
        icc=info.get("icc_profile") or None,
        exif=exif,
        xmp=info.get("xmp") or None,
        dpi=plausible_dpi(info.get("dpi")),
        text=(("Comment", comment.decode("utf-8", "replace")),) if comment else (),
    )
    depth = _depth(data, kind)
    if kind is JPEG2000 and depth > 8:
        return Decoded(decode_deep(data, ".jp2", bits=16), metadata)
    if depth > 8:
        note(f"its {depth} bits are reduced to 8")
    samples, metadata = to_samples(picture, metadata, note)
    # AVIF and HEIC turn by a record of their own; the readers apply it, or put it into the EXIF.
    return Decoded(samples, metadata, orientation(exif))


def _depth(data: bytes, kind: Format) -> int:
    """Bits of each sample, for formats whose readers do not say."""
    if kind is AVIF and (at := data.find(b"av1C")) >= 0:
        flags = data[at + 6 : at + 7] or b"\0"
        return 12 if flags[0] & 0x20 else 10 if flags[0] & 0x40 else 8
    if kind is HEIC and (at := data.find(b"hvcC")) >= 0:
        return 8 + ((data[at + 21 : at + 22] or b"\0")[0] & 7)
    if kind is JPEG2000 and (at := data.find(b"\xff\x4f\xff\x51")) >= 0:
        return 1 + ((data[at + 42 : at + 43] or b"\7")[0] & 0x7F)  # SIZ: depth of the first
    return 8

# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a file to samples; which library decodes what, and why.

* Pillow decodes JPEG, WebP and 8-bit PNG: it keeps palettes, transparency and CMYK apart, and
  hands out metadata as bytes.
* OpenImageIO decodes 16-bit PNG and most TIFF (see `tiff.py`): Pillow would reduce 16-bit colour to
  8 bits without a word, and cannot open 16-bit grey with alpha.

The readers of one format are constructed directly: `PIL.Image.open` applies a pixel limit that is
global to the process, while ours is an argument.
"""

import io
from collections.abc import Callable

from PIL import ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from .deep import decode_deep
from .formats import JPEG, PNG, TIFF, WEBP, Format
from .image import Metadata
from .metadata import is_exif, orientation, plausible_dpi
from .samples import Decoded, Note, to_samples
from .tiff import decode_tiff

_OPEN: dict[Format, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    PNG: PngImagePlugin.PngImageFile,
    JPEG: JpegImagePlugin.jpeg_factory,
    WEBP: WebPImagePlugin.WebPImageFile,
}


def decode(
    data: bytes, kind: Format, check_size: Callable[[int, int], None], note: Note
) -> Decoded:
    """Decode the first picture of a file.

    Args:
        data: the whole file.
        kind: what it is by its content.
        check_size: called as `check_size(height, width)` before any pixel is decoded.
        note: called with a sentence for each thing that is not carried over.

    Raises:
        ImageFileError: the picture is of a kind that cannot be kept as it is.
        Exception: whatever the libraries raise on a damaged file.
    """
    if kind is TIFF:
        return decode_tiff(data, check_size, note)
    with _OPEN[kind](io.BytesIO(data)) as picture:
        check_size(picture.height, picture.width)
        if (count := getattr(picture, "n_frames", 1)) > 1:
            note(f"it holds {count} pictures; only the first is used")
        picture.load()  # for 16 bits too: it finds damage, and metadata behind the pixels
        info = picture.info
        exif = _plain_exif(info.get("exif"), note)
        xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
        metadata = Metadata(
            icc=info.get("icc_profile") or None,
            exif=exif,
            xmp=xmp.encode() if isinstance(xmp, str) else xmp or None,
            dpi=plausible_dpi(info.get("dpi")),
        )
        turned = orientation(exif)
        if kind is PNG and data[24] == 16:  # IHDR: bit depth
            return Decoded(decode_deep(data, ".png", bits=16), metadata, turned)
        samples, metadata = to_samples(picture, metadata, note)
        return Decoded(samples, metadata, turned)


def _plain_exif(exif: bytes | None, note: Note) -> bytes | None:
    """EXIF without the prefix that only JPEG needs; nothing where it cannot be EXIF."""
    if not exif:
        return None
    exif = exif.removeprefix(b"Exif\0\0")
    if is_exif(exif):
        return exif
    note("its EXIF is damaged (it does not start with a TIFF header) and is left out")
    return None

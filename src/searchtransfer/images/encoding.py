# SPDX-License-Identifier: Apache-2.0
"""From a picture to the bytes of a file, with its metadata; which library encodes what, and why.

* Pillow encodes JPEG (quality 95, no chroma subsampling), WebP (lossless) and 8-bit PNG.
* OpenImageIO encodes the pixels of 16-bit PNG, which Pillow cannot. Of its file only the pixels are
  taken: it would translate the metadata into tags of its own.
* TIFF, of either depth, is a directory of tags by Pillow in front of strips packed here: Pillow's
  own writer has no 16-bit colour, and fails on EXIF in compressed files.
"""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image as PILImage
from PIL import PngImagePlugin, TiffImagePlugin, TiffTags

from .convert import integer_samples
from .deep import encode_png_16
from .formats import JPEG, PNG, TIFF, WEBP, Format
from .image import Image, Metadata
from .metadata import resized
from .samples import Note, Samples

_JPEG_QUALITY = 95
_JPEG_SEGMENT = 65_533
_STRIP_BYTES = 2**18


def encode(image: Image, kind: Format, note: Note, quality: int | None = None) -> bytes:
    """The whole file; the caller has checked that the format can hold the picture.

    `note` is called with a sentence for each piece of metadata that the format cannot hold.
    `quality` is that of JPEG (95 unless given), and makes WebP lossy.
    """
    samples = integer_samples(image)
    metadata = _fitting(image, kind, note)
    if kind is TIFF:
        return _encode_tiff(samples, metadata, note)
    if kind is PNG and image.bits == 16:
        return _encode_png_16(samples, metadata)
    return _encode_8(samples, kind, metadata, quality)


def _fitting(image: Image, kind: Format, note: Note) -> Metadata:
    """The metadata as far as the format holds it."""
    icc, exif, xmp, dpi = (
        image.metadata.icc,
        image.metadata.exif,
        image.metadata.xmp,
        image.metadata.dpi,
    )
    if exif is not None:
        exif = b"Exif\0\0" + resized(exif, image.size)
    if icc is not None and kind is WEBP and image.grey and icc[16:20] == b"GRAY":
        note("WebP has no grey pictures, so the grey ICC profile is left out")
        icc = None
    if kind is JPEG and exif is not None and len(exif) > _JPEG_SEGMENT:
        note(f"its EXIF has {len(exif)} bytes, more than JPEG's {_JPEG_SEGMENT}, and is left out")
        exif = None
    if kind is JPEG and xmp is not None and len(xmp) > _JPEG_SEGMENT - 29:
        note(f"its XMP has {len(xmp)} bytes, more than JPEG's {_JPEG_SEGMENT - 29}; left out")
        xmp = None
    if kind is WEBP:
        dpi = None  # WebP has no place for it but EXIF, which keeps its own
    return Metadata(icc, exif, xmp, dpi)


def _encode_8(
    samples: Samples, kind: Format, metadata: Metadata, quality: int | None = None
) -> bytes:
    picture = PILImage.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    options: dict[str, object] = {"icc_profile": metadata.icc}
    if metadata.exif is not None:
        options["exif"] = metadata.exif
    if metadata.dpi is not None:
        options["dpi"] = metadata.dpi
    if kind is PNG:
        options["pnginfo"] = _png_text(metadata)
    elif metadata.xmp is not None:
        options["xmp"] = metadata.xmp
    if kind is JPEG:
        options |= {"quality": quality or _JPEG_QUALITY, "subsampling": 0}
    if kind is WEBP:
        options |= {"lossless": quality is None, "quality": quality or 80, "exact": True}
    file = io.BytesIO()
    picture.save(file, kind.name.upper(), **options)
    return file.getvalue()


def _png_text(metadata: Metadata) -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    if metadata.xmp is not None:
        text.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
    return text


def _encode_png_16(samples: Samples, metadata: Metadata) -> bytes:
    """OpenImageIO's pixels with Pillow's metadata, which comes from a 1 x 1 picture."""
    pixels = list(_chunks(encode_png_16(samples)))
    told = _chunks(_encode_8(np.zeros((1, 1, 3), np.uint8), PNG, metadata))
    kept = [chunk for kind, chunk in told if kind in (b"iCCP", b"pHYs", b"eXIf", b"iTXt")]
    header = [chunk for kind, chunk in pixels if kind == b"IHDR"]
    rest = [chunk for kind, chunk in pixels if kind in (b"IDAT", b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(header + kept + rest)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, whole chunk) of each chunk of a well-formed PNG file."""
    start = 8
    while start < len(png):
        stop = start + 12 + int(struct.unpack_from(">I", png, start)[0])
        yield png[start + 4 : start + 8], png[start:stop]
        start = stop


def _encode_tiff(samples: Samples, metadata: Metadata, note: Note) -> bytes:
    height, width, channels = samples.shape
    size = samples.dtype.itemsize
    rows = max(1, _STRIP_BYTES // (width * channels * size))
    strips = [_pack(samples[top : top + rows]) for top in range(0, height, rows)]
    tags = TiffImagePlugin.ImageFileDirectory_v2()  # little-endian
    if metadata.exif is not None:
        try:
            _add_exif(tags, metadata.exif)
            tags.tobytes()
        except Exception as error:  # Pillow raises anything on a damaged block
            tags = TiffImagePlugin.ImageFileDirectory_v2()
            note(f"its EXIF cannot be understood ({error}) and is left out")
    tags[256], tags[257] = width, height
    tags[258] = (8 * size,) * channels
    tags[259] = 8  # Deflate
    tags[262] = 1 if channels < 3 else 2  # black is 0; RGB
    tags[274] = 1  # upright
    tags[277], tags[278] = channels, rows
    tags[284], tags[317] = 1, 2  # contiguous; horizontal differences
    if channels in (2, 4):
        tags[338] = 2  # alpha, not multiplied in
    if metadata.dpi is not None:
        tags[282], tags[283], tags[296] = *metadata.dpi, 2
    if metadata.icc is not None:
        tags[34675] = metadata.icc
    if metadata.xmp is not None:
        tags.tagtype[700] = TiffTags.BYTE
        tags[700] = metadata.xmp
    lengths = [len(strip) for strip in strips]
    for tag, values in ((273, [0, *np.cumsum(lengths[:-1]).tolist()]), (279, lengths)):
        tags.tagtype[tag] = TiffTags.LONG
        tags[tag] = tuple(values)  # offsets are moved behind the directory as it is written
    file = io.BytesIO()
    tags.save(file)
    for strip in strips:
        file.write(strip)
    return file.getvalue()


def _pack(strip: Samples) -> bytes:
    differences = strip.copy()
    differences[:, 1:] -= strip[:, :-1]  # wraps around, as the format says
    return zlib.compress(differences.astype(strip.dtype.newbyteorder("<")).tobytes())


def _add_exif(tags: TiffImagePlugin.ImageFileDirectory_v2, block: bytes) -> None:
    exif = PILImage.Exif()
    exif.load(block)
    for tag in exif:
        tags[tag] = exif.get_ifd(tag) if tag in (0x8769, 0x8825) else exif[tag]

# SPDX-License-Identifier: Apache-2.0
"""From a picture to the bytes of a file, with its metadata; which library encodes what, and why.

* Pillow encodes JPEG (quality 95) and AVIF (quality 90), both without chroma subsampling, and WebP
  (lossless).
* PNG is packed in `png.py`: Pillow cannot write 16-bit colour.
* TIFF, of either depth, is a directory of tags by Pillow in front of strips packed here: Pillow's
  own writer has no 16-bit colour, and fails on EXIF in compressed files.
"""

import io
import zlib
from dataclasses import replace

import numpy as np
from PIL import Image as PILImage
from PIL import TiffTags

from .convert import integer_samples, samples_of
from .formats import AVIF, JPEG, PNG, TIFF, WEBP, Format
from .image import Image, Metadata
from .jpeg import iptc_segment
from .metadata import resized, says_resolution, with_resolution
from .png import encode_png
from .samples import Note, Samples
from .tiff_tags import ORIENTATION, add_metadata

_QUALITY = {JPEG: 95, AVIF: 90}
"""Unless another is asked for; with these both are as near the picture as each other."""
_JPEG_SEGMENT = 65_533
_STRIP_BYTES = 2**18
_UNSPECIFIED, _ALPHA = 0, 2
"""Kinds of extra samples of TIFF; alpha is not multiplied in."""


def encode(image: Image, kind: Format, note: Note, quality: int | None = None) -> bytes:
    """The whole file; the caller has checked that the format can hold the picture.

    `note` is called with a sentence for each piece of metadata that the format cannot hold.
    `quality` is that of JPEG (95 unless given) and AVIF (90), and makes WebP lossy.
    """
    samples = integer_samples(image)
    metadata = _fitting(image, kind, note)
    if kind is TIFF:
        bands = None if image.bands is None else samples_of(image.bands, image.bits)
        return _encode_tiff(samples, bands, metadata, note)
    if kind is PNG:
        return encode_png(samples, metadata)
    return _encode_pillow(samples, kind, metadata, quality)


def _fitting(image: Image, kind: Format, note: Note) -> Metadata:
    """The metadata as far as the format holds it."""
    metadata = resized(image.metadata, image.size)
    if kind in (WEBP, AVIF):
        metadata = _with_resolution_in_exif(metadata, kind, note)
    if kind is WEBP and image.grey and (metadata.icc or b"")[16:20] == b"GRAY":
        note("WebP has no grey pictures, so the grey ICC profile is left out")
        metadata = replace(metadata, icc=None)
    if kind is JPEG:
        metadata = _fitting_segments(metadata, note)
    if metadata.cicp is not None and kind is not PNG:
        note(f"{kind.name} cannot say its colours ({_code(metadata.cicp)}); they will look wrong")
        metadata = replace(metadata, cicp=None)
    if metadata.iptc is not None and kind in (WEBP, AVIF):
        note(f"{kind.name} cannot hold its IPTC record, which is left out")
        metadata = replace(metadata, iptc=None)
    if metadata.place is not None and kind is not TIFF:
        note(f"{kind.name} cannot hold its georeference, which is left out; TIFF can")
        metadata = replace(metadata, place=None)
    held = {PNG: metadata.text, JPEG: tuple(x for x in metadata.text if x[0] == "Comment")[:1]}
    kept = held.get(kind, ())
    if lost := [key for key, _ in metadata.text if key not in dict(kept)]:
        note(f"{kind.name} cannot hold its text ({', '.join(map(ascii, lost))}); PNG can")
    return replace(metadata, text=kept)


def _with_resolution_in_exif(metadata: Metadata, kind: Format, note: Note) -> Metadata:
    """The resolution where these formats have a place for it; an EXIF block that has one keeps it.

    Damaged blocks stay as they are.
    """
    exif = metadata.exif
    if metadata.dpi is not None and not (exif and says_resolution(exif)):
        if (more := with_resolution(exif, metadata.dpi)) is not None:
            exif = more
        else:
            note(f"{kind.name} cannot hold its resolution, which is left out")
    return replace(metadata, dpi=None, exif=exif)


def _fitting_segments(metadata: Metadata, note: Note) -> Metadata:
    """Without what is longer than a segment of a JPEG file may be."""
    comment = "".join(text for key, text in metadata.text if key == "Comment")
    for field, name, extra, size in (
        ("exif", "EXIF", 6, len(metadata.exif or b"")),
        ("xmp", "XMP", 29, len(metadata.xmp or b"")),
        ("iptc", "IPTC record", 27, len(metadata.iptc or b"")),
        ("text", "comment", 0, len(comment.encode())),
    ):
        if size > _JPEG_SEGMENT - extra:
            most = _JPEG_SEGMENT - extra
            note(f"its {name} has {size} bytes, more than JPEG's {most}, and is left out")
            metadata = replace(metadata, **{field: () if field == "text" else None})  # type: ignore[arg-type]
    return metadata


def _code(cicp: bytes) -> str:
    return "cICP " + "-".join(map(str, cicp))


def _encode_pillow(
    samples: Samples, kind: Format, metadata: Metadata, quality: int | None
) -> bytes:
    """JPEG, WebP and AVIF."""
    picture = PILImage.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    options: dict[str, object] = {"icc_profile": metadata.icc}
    if metadata.exif is not None:
        options["exif"] = b"Exif\0\0" + metadata.exif
    if metadata.dpi is not None:
        options["dpi"] = metadata.dpi
    if metadata.xmp is not None:
        options["xmp"] = metadata.xmp
    if metadata.iptc is not None:
        options["extra"] = iptc_segment(metadata.iptc)
    if metadata.text:
        options["comment"] = metadata.text[0][1].encode()
    if kind is JPEG:
        options |= {"quality": quality or _QUALITY[kind], "subsampling": 0}
    if kind is AVIF:
        colours = "4:0:0" if samples.shape[2] < 3 else "4:4:4"
        options |= {"quality": quality or _QUALITY[kind], "subsampling": colours, "speed": 8}
    if kind is WEBP:
        options |= {"lossless": quality is None, "quality": quality or 80, "exact": True}
    file = io.BytesIO()
    picture.save(file, kind.name.upper(), **options)
    return file.getvalue()


def _encode_tiff(samples: Samples, bands: Samples | None, metadata: Metadata, note: Note) -> bytes:
    colours = 1 if samples.shape[2] < 3 else 3
    extra = [_ALPHA] * (samples.shape[2] - colours)
    if bands is not None:
        extra += [_UNSPECIFIED] * bands.shape[2]
        samples = np.concatenate([samples, bands], axis=2)
    height, width, channels = samples.shape
    size = samples.dtype.itemsize
    rows = max(1, _STRIP_BYTES // (width * channels * size))
    strips = [_pack(samples[top : top + rows]) for top in range(0, height, rows)]
    tags = add_metadata(metadata, note)  # little-endian
    tags[256], tags[257] = width, height
    tags[258] = (8 * size,) * channels
    tags[259] = 8  # Deflate
    tags[262] = 1 if colours == 1 else 2  # black is 0; RGB
    tags[ORIENTATION] = 1  # upright
    tags[277], tags[278] = channels, rows
    tags[284], tags[317] = 1, 2  # contiguous; horizontal differences
    if extra:
        tags.tagtype[338] = TiffTags.SHORT
        tags[338] = tuple(extra)
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

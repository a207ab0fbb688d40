# SPDX-License-Identifier: Apache-2.0
"""Reading TIFF: tags through Pillow's directory, pixels through whichever library keeps them.

OpenImageIO decodes grey and colour of 8 and 16 bits, in strips, tiles or planes, with any
compression. Pillow decodes palettes (whose entries OpenImageIO rounds) and CMYK (which it would
turn into RGB without the profile).
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image as PILImage
from PIL import TiffImagePlugin

from ..errors import ImageFileError
from .deep import decode_deep
from .image import Metadata
from .metadata import plausible_dpi
from .samples import Decoded, Note, to_samples, with_alpha

# TIFF 6.0 and its supplements: tags of the first directory
_BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA, _SAMPLE_FORMAT = 258, 262, 277, 338, 339
_WHITE_IS_0, _BLACK_IS_0, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_X_DPI, _Y_DPI, _DPI_UNIT, _XMP, _ICC, _ORIENTATION = 282, 283, 296, 700, 34675, 274
# What describes the picture, not the layout of this file: description, make, model, software,
# date, artist, host, copyright, the EXIF and GPS directories, and Windows' XP* texts.
_DESCRIPTIVE = {270, 271, 272, 305, 306, 315, 316, 33432, 34665, 34853} | set(range(40091, 40096))
_DIRECTORIES = {34665, 34853}


def decode_tiff(data: bytes, check_size: Callable[[int, int], None], note: Note) -> Decoded:
    """Decode a TIFF file; arguments and errors as in `decoding.decode`."""
    file = io.BytesIO(data)
    tags = TiffImagePlugin.ImageFileDirectory_v2(_header(data))
    file.seek(tags.next)
    tags.load(file)
    check_size(int(tags[257]), int(tags[256]))
    if tags.next:
        note("it holds more than one page; only the first is used")
    metadata = _tiff_metadata(data, tags, note)
    turned = tags.get(_ORIENTATION, 1)
    turned = turned if turned in range(1, 9) else 1

    bits, photometric = set(tags.get(_BITS, (1,))), tags.get(_PHOTOMETRIC, _BLACK_IS_0)
    if photometric in (_PALETTE, _CMYK) and bits <= {1, 2, 4, 8}:
        with TiffImagePlugin.TiffImageFile(io.BytesIO(data)) as picture:
            picture.load()  # applies the orientation itself
            samples, metadata = to_samples(picture, metadata, note)
        return Decoded(samples, metadata)

    kinds = {1: "unsigned", 2: "signed", 3: "floating point", 5: "complex", 6: "complex"}
    number = kinds.get(max(tags.get(_SAMPLE_FORMAT, (1,))), "unknown")
    depth = max(bits)
    if number != "unsigned" or len(bits) > 1 or depth not in (1, 2, 4, 8, 16):
        raise ImageFileError(
            f"its samples are {depth}-bit {number} numbers; 8- and 16-bit unsigned ones can be "
            "read: choose what is black and white, and convert it"
        )
    if photometric not in (_WHITE_IS_0, _BLACK_IS_0, _RGB, _YCBCR):
        raise ImageFileError(
            f"its colour model (TIFF photometric {photometric}) cannot be read at {depth} bits; "
            "convert it to grey or RGB"
        )
    samples = decode_deep(data, ".tif", bits=16 if depth == 16 else 8)
    if photometric == _WHITE_IS_0 and depth == 16:  # below that, OpenImageIO turns it round itself
        samples = np.invert(samples)
    channels = 1 if photometric in (_WHITE_IS_0, _BLACK_IS_0) else 3
    return Decoded(with_alpha(samples, channels, tags.get(_EXTRA), note), metadata, turned)


def _header(data: bytes) -> bytes:
    return data[: 16 if b"+" in data[2:4] else 8]  # "+" marks a BigTIFF


def _tiff_metadata(
    data: bytes, tags: TiffImagePlugin.ImageFileDirectory_v2, note: Note
) -> Metadata:
    dpi = None
    if tags.get(_X_DPI) and tags.get(_Y_DPI) and tags.get(_DPI_UNIT, 2) in (2, 3):
        factor = 2.54 if tags.get(_DPI_UNIT, 2) == 3 else 1.0
        dpi = plausible_dpi((tags[_X_DPI] * factor, tags[_Y_DPI] * factor))
    xmp = tags.get(_XMP)
    xmp = xmp[0] if isinstance(xmp, tuple) else xmp
    return Metadata(icc=tags.get(_ICC), exif=_tiff_exif(data, tags, note), xmp=xmp, dpi=dpi)


def _tiff_exif(
    data: bytes, tags: TiffImagePlugin.ImageFileDirectory_v2, note: Note
) -> bytes | None:
    """The tags that describe the picture as an EXIF block; a TIFF keeps them among all others."""
    if not _DESCRIPTIVE & set(tags):
        return None
    try:
        exif = PILImage.Exif()
        for tag in _DESCRIPTIVE & set(tags):
            exif[tag] = tags[tag]
        for tag in _DIRECTORIES & set(tags):
            directory = TiffImagePlugin.ImageFileDirectory_v2(_header(data), group=tag)
            file = io.BytesIO(data)
            file.seek(tags[tag])
            directory.load(file)
            exif[tag] = dict(directory)
        return exif.tobytes()[6:]
    except Exception as error:  # whatever a damaged directory raises: pictures outlive their EXIF
        note(f"its EXIF cannot be understood ({error}) and is left out")
        return None

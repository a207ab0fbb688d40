# SPDX-License-Identifier: Apache-2.0
"""Reading TIFF: tags through Pillow's directory, pixels through whichever library keeps them.

OpenImageIO decodes grey and colour of 8 and 16 bits, in strips, tiles or planes, with any
compression. Pillow decodes palettes (whose entries OpenImageIO rounds) and CMYK (which it would
turn into RGB without the profile).
"""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import TiffImagePlugin

from ..errors import ImageFileError
from .deep import decode_deep
from .metadata import upright, xmp_orientation
from .samples import CheckSize, Decoded, Note, to_samples, with_alpha
from .tiff_tags import ORIENTATION, directory, tiff_metadata, xmp_of

# TIFF 6.0 and its supplements: tags of the first directory
_BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA, _SAMPLE_FORMAT, _COMPRESSION = 258, 262, 277, 338, 339, 259
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_WHITE_IS_0, _BLACK_IS_0, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_COMMON = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}
"""Compressions that every reader knows."""


def decode_tiff(data: bytes, check_size: CheckSize, note: Note) -> Decoded:
    """Decode a TIFF file; arguments and errors as in `decoding.decode`."""
    tags = directory(data)
    width, height = int(tags[256]), int(tags[257])
    channels = max(int(tags.get(_SAMPLES, 1)), len(tags.get(_BITS, (1,))))
    check_size(height, width, channels)
    if _TILE_WIDTH in tags:  # a tile is decoded whole, however little of it is in the picture
        check_size(int(tags[_TILE_HEIGHT]), int(tags[_TILE_WIDTH]), channels)
    if tags.next:
        note("it holds more than one page; only the first is used")
    turned = tags[ORIENTATION] if ORIENTATION in tags else xmp_orientation(xmp_of(tags))
    turned = turned if turned in range(1, 9) else 1
    metadata = tiff_metadata(data, tags, turned, note)

    bits, photometric = set(tags.get(_BITS, (1,))), tags.get(_PHOTOMETRIC, _BLACK_IS_0)
    if photometric in (_PALETTE, _CMYK) and bits <= {1, 2, 4, 8}:
        with TiffImagePlugin.TiffImageFile(io.BytesIO(data)) as picture:
            picture.load()  # applies the orientation itself
            metadata = metadata if turned == 1 else upright(metadata)
            samples, metadata = to_samples(picture, metadata, note)
        return Decoded(samples, metadata)
    depth = _check_kind(tags, bits, photometric)
    try:
        samples = decode_deep(data, ".tif", bits=16 if depth == 16 else 8)
    except OSError as error:
        if (kind := tags.get(_COMPRESSION, 1)) in _COMMON:
            raise
        name = TiffImagePlugin.COMPRESSION_INFO.get(kind, "of an unknown kind")
        raise ImageFileError(
            f"its compression ({name}, TIFF {kind}) cannot be read here; save it again with LZW or "
            "Deflate"
        ) from error
    if photometric == _WHITE_IS_0 and depth == 16:  # below that, OpenImageIO turns it round itself
        samples = np.invert(samples)
    colours = 1 if photometric in (_WHITE_IS_0, _BLACK_IS_0) else 3
    samples, bands = with_alpha(samples, colours, tags.get(_EXTRA))
    return Decoded(samples, metadata, turned, bands)


def _check_kind(tags: Mapping[int, Any], bits: set[int], photometric: int) -> int:
    """The depth of the samples, if they are of a kind that is kept as it is."""
    kinds = {1: "unsigned", 2: "signed", 3: "floating point", 5: "complex", 6: "complex"}
    number = kinds.get(max(tags.get(_SAMPLE_FORMAT, (1,))), "unknown")
    depth = max(bits)
    if number != "unsigned" or len(bits) > 1 or depth not in (1, 2, 4, 8, 16):
        raise ImageFileError(
            f"its samples are {depth}-bit {number} numbers; 8- and 16-bit unsigned ones can be "
            "read: choose what is black and white, and convert it, for instance with "
            "`gdal_translate -ot UInt16 -scale BLACK WHITE 0 65535 IN OUT`"
        )
    if photometric not in (_WHITE_IS_0, _BLACK_IS_0, _RGB, _YCBCR):
        raise ImageFileError(
            f"its colour model (TIFF photometric {photometric}) cannot be read at {depth} bits; "
            "convert it to grey or RGB"
        )
    return depth

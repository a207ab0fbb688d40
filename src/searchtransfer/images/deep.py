# SPDX-License-Identifier: Apache-2.0
"""Pixels whose depth Pillow would reduce: PNG, TIFF, JPEG 2000 by OpenImageIO, AVIF by OpenCV."""

import contextlib
import tempfile
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from ..errors import ImageFileError
from .samples import Samples


def decode_deep(data: bytes, suffix: str, bits: int) -> Samples:
    """Decode the bytes of a `.png`, `.tif` or `.jp2` file to `[H, W, C]`, alpha not multiplied in.

    OpenImageIO reads named files only, so it gets a copy with a plain name: that opens whatever
    the file is called, and nobody can change it meanwhile.

    Raises:
        ImageFileError: the folder for temporary files is full, or cannot be written to.
        OSError: the file is damaged.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="searchtransfer-"))
            copy = Path(folder) / ("image" + suffix)
            copy.write_bytes(data)
        except OSError as error:
            raise ImageFileError(
                f"a copy of its {len(data) / 2**20:.1f} MiB is needed in the folder for temporary "
                f"files, which cannot be written to ({error.strerror or error}); make room there, "
                "or set TMPDIR to another folder"
            ) from error
        wishes = oiio.ImageSpec()
        wishes.attribute("oiio:UnassociatedAlpha", 1)  # leave alpha out of the colours
        source = oiio.ImageInput.open(str(copy), wishes)
        if source is None:
            raise OSError(oiio.geterror().replace(str(copy), "the file"))
        try:
            samples = source.read_image(oiio.UINT16 if bits == 16 else oiio.UINT8)
            if samples is None:
                raise OSError(source.geterror().replace(str(copy), "the file"))
        finally:
            source.close()
    decoded: Samples = np.ascontiguousarray(samples).astype(f"u{bits // 8}", copy=False)
    return decoded.reshape(*decoded.shape[:2], -1)


def deep_avif(data: bytes) -> Samples | None:
    """The samples `[H, W, C]` as they are, uint16 of 10 or 12 bits; None if OpenCV has no AVIF."""
    import cv2

    try:
        read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if read is None or read.dtype != np.uint16:
        return None
    samples: Samples = np.asarray(read, np.uint16).reshape(*read.shape[:2], -1)
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[samples.shape[2]]  # blue comes first there
    return np.ascontiguousarray(samples[..., order])

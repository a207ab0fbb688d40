# SPDX-License-Identifier: Apache-2.0
"""The way to OpenImageIO and back: pixels of PNG and TIFF whose depth Pillow would reduce."""

import tempfile
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from .samples import Samples


def decode_deep(data: bytes, suffix: str, bits: int) -> Samples:
    """Decode the bytes of a `.png` or `.tif` file to `[H, W, C]`, alpha not multiplied in.

    OpenImageIO reads named files only, so it gets a copy with a plain name: that opens whatever
    the file is called, and nobody can change it meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="searchtransfer-") as folder:
        copy = Path(folder) / ("image" + suffix)
        copy.write_bytes(data)
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


def encode_png_16(samples: Samples) -> bytes:
    """A 16-bit PNG file of `[H, W, C]`, C from 1 to 4, with metadata of OpenImageIO's making."""
    height, width, channels = samples.shape
    with tempfile.TemporaryDirectory(prefix="searchtransfer-") as folder:
        path = Path(folder) / "image.png"
        spec = oiio.ImageSpec(width, height, channels, oiio.UINT16)
        spec.attribute("oiio:UnassociatedAlpha", 1)
        if channels in (2, 4):
            spec.alpha_channel = channels - 1
        target = oiio.ImageOutput.create(str(path))
        if target is None:
            raise OSError(oiio.geterror())
        done = target.open(str(path), spec) and target.write_image(samples)
        # Closing is what writes the end of the file, so its failure counts too.
        if not (target.close() and done):
            raise OSError(target.geterror().replace(str(path), "the file"))
        return path.read_bytes()

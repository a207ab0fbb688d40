# SPDX-License-Identifier: Apache-2.0
"""Orientations that stand in XMP, where EXIF says nothing."""

import numpy as np
import pytest
from image_files import noise, saved, write
from PIL import Image as PILImage
from PIL import ImageOps, PngImagePlugin

from searchtransfer.images import read_image, to_numpy, write_image

ROTATED = b'<a xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/>'


@pytest.mark.parametrize("turned", [1, 2, 6, 8])
@pytest.mark.parametrize(
    "kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "TIFF palette", "TIFF CMYK", "PNG 16"]
)
@pytest.mark.filterwarnings("ignore:.*CMYK")
def test_an_orientation_that_stands_in_xmp_alone(tmp_path, kind, turned):
    """As other readers have it: where EXIF says nothing. It is applied once, in every format."""
    name, _, mode = kind.partition(" ")
    picture = PILImage.fromarray(noise(8, 16, 3))
    picture = {"palette": picture.quantize(8), "CMYK": picture.convert("CMYK")}.get(mode, picture)
    if mode == "16":
        picture = PILImage.fromarray(noise(8, 16, 1)[..., 0].astype("uint16") * 257)
    xmp = ROTATED % turned
    options = {"xmp": xmp, "lossless": True} if name in ("WEBP", "JPEG", "AVIF") else {}
    if name == "PNG":
        words = PngImagePlugin.PngInfo()
        words.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options = {"pnginfo": words}
    if name == "TIFF":
        options = {"tiffinfo": {700: xmp}}
    path = write(tmp_path / f"a.{name.lower()}", saved(picture, name, **options))
    image = read_image(path)
    with PILImage.open(path) as other:
        upright = ImageOps.exif_transpose(other).convert("RGB" if mode != "16" else "I")
    if name == "AVIF":  # which has a record of its own for it
        upright = PILImage.fromarray(noise(8, 16, 3))
    assert image.size == upright.size[::-1]
    if name != "AVIF" and mode != "16":
        assert np.array_equal(to_numpy(image), np.asarray(upright))
    assert b'Orientation="1"' in image.metadata.xmp
    write_image(image, tmp_path / "b.png")
    assert read_image(tmp_path / "b.png").size == image.size


def test_exif_has_the_say_over_xmp(tmp_path):
    exif = PILImage.Exif()
    exif[0x112] = 1
    data = saved(PILImage.fromarray(noise(8, 16, 3)), "WEBP", exif=exif, xmp=ROTATED % 6)
    assert read_image(write(tmp_path / "a.webp", data)).size == (8, 16)

# SPDX-License-Identifier: Apache-2.0
"""A place is the same before and after, told in smaller pixels; EXIF never harms a TIFF."""

import numpy as np
import pytest
import tifffile
from image_files import noise, saved, tiff, write
from PIL import Image as PILImage

from searchtransfer.images import ImageWarning, read_image, write_image
from searchtransfer.images.convert import integer_samples
from searchtransfer.images.place import (
    KEYS,
    PIXEL_SCALE,
    TIE_POINTS,
    TRANSFORMATION,
    Georeference,
)

AREA, POINT = ((1, 1, 0, 1, 1025, 0, 1, kind) for kind in (1, 2))
TIES = (3.0, 2.0, 0.0, 5e5, 46e5, 0.0)
MATRIX = (8.0, 1.0, 0.0, 5e5, 2.0, -9.0, 0.0, 46e5, *(0.0,) * 7, 1.0)


def world(tags, column, line):
    """Coordinates of a place of the raster, by the tags as the standard says."""
    if TRANSFORMATION in tags:
        a, b, _, x, c, d, _, y = tags[TRANSFORMATION][:8]
        return a * column + b * line + x, c * column + d * line + y
    (i, j, _, x, y, _), (dx, dy, _) = tags[TIE_POINTS], tags[PIXEL_SCALE]
    return x + (column - i) * dx, y - (line - j) * dy


@pytest.mark.parametrize("keys", [AREA, POINT], ids=["area", "point"])
@pytest.mark.parametrize("how", ["ties", "matrix"])
@pytest.mark.parametrize("scale", [2, 3, 4, 0.25])
def test_the_same_corner_is_at_the_same_place(how, keys, scale):
    tags = {KEYS: keys, TRANSFORMATION: MATRIX}
    if how == "ties":
        tags = {KEYS: keys, PIXEL_SCALE: (10.0, 20.0, 0.0), TIE_POINTS: TIES}
    after = Georeference(tags).scaled(scale).tags
    shift = 0.5 if keys == POINT else 0.0  # coordinates of centres: a corner is at minus a half
    for column, line in ((0, 0), (5, 3)):
        before = world(tags, column - shift, line - shift)
        assert world(after, column * scale - shift, line * scale - shift) == pytest.approx(before)


@pytest.mark.parametrize("bits", [8, 16])
def test_geotiff_keeps_its_tags(tmp_path, bits):
    extra = [(33550, 12, 3, (10.0, 10.0, 0.0), True), (33922, 12, 6, TIES, True)]
    extra += [(34735, 3, 8, AREA, True), (42113, 2, 2, "0", True)]
    data = tiff(noise(4, 5, 3, bits), photometric="rgb", extratags=extra)
    image = read_image(write(tmp_path / "a.tif", data))
    write_image(image, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        tags = {tag.code: tag.value for tag in file.pages[0].tags}
    assert tags[33550] == (10.0, 10.0, 0.0) and tags[33922] == TIES
    assert tags[34735] == AREA and tags[42113] == "0"
    with pytest.warns(ImageWarning, match=r"georeference, which is left out; TIFF can"):
        write_image(image, tmp_path / "b.png")


STRUCTURE = {
    "sample format": {339: 3},
    "extra samples": {338: 1},
    "fill order": {266: 2},
    "tiles": {322: 16, 323: 16},
    "strips": {273: 8, 278: 1, 279: 5},
    "compression": {259: 7, 317: 3},
    "planes": {284: 2},
    "size": {256: 3, 257: 2},
    "raw": {50706: b"\1\4\0\0"},
}


@pytest.mark.parametrize("tags", STRUCTURE.values(), ids=STRUCTURE)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP"])
def test_exif_of_other_files_never_describes_the_samples(tmp_path, source, tags):
    exif = PILImage.Exif()
    exif[271] = "Maker"
    for tag, value in tags.items():
        exif[tag] = value
    data = saved(PILImage.fromarray(noise(8, 16, 3)), source, exif=exif.tobytes())
    image = read_image(write(tmp_path / "in", data))
    if 50706 in tags:
        with pytest.warns(ImageWarning, match=r"50706"):
            write_image(image, tmp_path / "b.tif")
    else:
        write_image(image, tmp_path / "b.tif")
    expected = integer_samples(image)
    np.testing.assert_array_equal(integer_samples(read_image(tmp_path / "b.tif")), expected)
    with PILImage.open(tmp_path / "b.tif") as other:
        np.testing.assert_array_equal(np.asarray(other), expected)
        assert other.getexif()[271] == "Maker"
    write_image(image, tmp_path / "b.jpg")
    if 256 in tags:
        with PILImage.open(tmp_path / "b.jpg") as other:
            read = other.getexif()
        assert (read[256], read[257]) == (16, 8)


@pytest.mark.parametrize("kind", ["palette", "CMYK", "RGB"])
@pytest.mark.filterwarnings("ignore:.*CMYK")
def test_xmp_of_a_turned_tiff_says_upright(tmp_path, kind):
    xmp = b'<a tiff:Orientation="6" tiff:ImageWidth="16" exif:PixelYDimension="8"/>'
    picture = PILImage.fromarray(noise(8, 16, 3))
    picture = picture.quantize(8) if kind == "palette" else picture.convert(kind)
    data = saved(picture, "TIFF", tiffinfo={274: 6, 700: xmp})
    image = read_image(write(tmp_path / "a.tif", data))
    assert image.size == (16, 8)
    assert b'Orientation="1"' in image.metadata.xmp
    write_image(image, tmp_path / "b.png")
    said = read_image(tmp_path / "b.png").metadata.xmp
    assert b'ImageWidth="8"' in said and b'PixelYDimension="16"' in said

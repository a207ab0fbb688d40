# SPDX-License-Identifier: Apache-2.0
"""JPEG files that lack their end are whole where no pixel is missing, and refused elsewhere."""

import numpy as np
import pytest
from image_files import noise, saved, write
from PIL import Image as PILImage

from searchtransfer.errors import ImageFileError
from searchtransfer.images import ImageWarning, read_image
from searchtransfer.images.convert import integer_samples

KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
}


def jpeg(kind, mode="RGB"):
    picture = PILImage.fromarray(noise(9, 9, 3)).resize((64, 48)).convert(mode)
    return saved(picture, "JPEG", **KINDS[kind])


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kind", KINDS)
def test_without_its_end_marker(tmp_path, kind, mode):
    data = jpeg(kind, mode)
    expected = integer_samples(read_image(write(tmp_path / "a.jpg", data)))
    with pytest.warns(ImageWarning, match=r"end marker is missing; the picture is whole"):
        image = read_image(write(tmp_path / "b.jpg", data[:-2]))
    np.testing.assert_array_equal(integer_samples(image), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_before_and_behind_the_end_marker(tmp_path, kind):
    data = jpeg(kind)
    expected = integer_samples(read_image(write(tmp_path / "a.jpg", data)))
    for other in (data[:-2] + b"abcdefgh" + data[-2:], data + b"rest"):
        got = integer_samples(read_image(write(tmp_path / "b.jpg", other)))
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_without_its_last_pixels(tmp_path, kind):
    data = jpeg(kind)
    for missing in (6, 12, 40, len(data) // 4, len(data) // 2, 3 * len(data) // 4):
        with pytest.raises(ImageFileError, match=r"damaged or truncated JPEG"):
            read_image(write(tmp_path / "a.jpg", data[:-missing]))

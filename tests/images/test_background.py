# SPDX-License-Identifier: Apache-2.0
"""Transparent pictures on a background, and the quality of formats with loss."""

import numpy as np
import pytest
import torch
from PIL import Image as PILImage
from scenes import sharp

from searchtransfer.errors import OptionError
from searchtransfer.images import from_numpy, on_background, parse_colour, read_image, write_image
from searchtransfer.images.image import Image


@pytest.mark.parametrize(
    ("text", "colour"),
    [("white", (255, 255, 255)), ("#0a3", (0, 170, 51)), ("rgb(1, 2, 3)", (1, 2, 3))],
)
def test_colours(text, colour):
    assert parse_colour(text) == colour


@pytest.mark.parametrize("text", ["", "whit", "#12", "255,255,255"])
def test_no_colours(text):
    with pytest.raises(OptionError, match="background must be a colour such as white"):
        parse_colour(text)


def test_on_a_background():
    colour = torch.tensor([0.2, 0.4, 0.8]).reshape(3, 1, 1).expand(3, 1, 3)
    image = Image(colour, torch.tensor([[[0.0, 0.5, 1.0]]]))
    flat = on_background(image, (255, 0, 0))
    expected = torch.tensor([[1.0, 0.6, 0.2], [0.0, 0.2, 0.4], [0.0, 0.4, 0.8]])
    assert torch.allclose(flat.colour[:, 0], expected)
    assert flat.alpha is None
    assert on_background(flat, (0, 0, 0)) is flat


@pytest.mark.parametrize(("colour", "grey"), [((9, 9, 9), True), ((9, 9, 8), False)])
def test_grey_stays_grey_on_grey(colour, grey):
    image = from_numpy(np.full((2, 2, 2), 100, np.uint8))
    assert image.grey
    assert on_background(image, colour).grey is grey


@pytest.mark.parametrize("ending", ["jpg", "webp"])
def test_quality(tmp_path, ending):
    image = from_numpy(sharp(0, 64, 64))
    sizes = []
    for quality in (10, 60, 100, None):
        path = tmp_path / f"{quality}.{ending}"
        write_image(image, path, quality=quality)
        sizes.append(path.stat().st_size)
    assert sizes[0] < sizes[1] < sizes[2]
    exact = torch.equal(read_image(path).colour, image.colour)
    assert exact == (ending == "webp")  # without a quality WebP has no loss


def test_no_quality_of_formats_without_loss(tmp_path):
    image = from_numpy(sharp())
    for ending in ("png", "tif"):
        write_image(image, tmp_path / f"a.{ending}", quality=1)
        assert np.array_equal(np.array(PILImage.open(tmp_path / f"a.{ending}")), sharp())


@pytest.mark.parametrize("quality", [0, 101, -1, 50.0, True, "90"])
def test_other_qualities(tmp_path, as_users_run, quality):
    with pytest.raises(OptionError, match="quality must be a whole number from 1 to 100"):
        write_image(from_numpy(sharp()), tmp_path / "a.jpg", quality=quality)

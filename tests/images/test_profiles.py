# SPDX-License-Identifier: Apache-2.0
"""A reference is brought into the colours of the image, or kept with a warning."""

import logging
from dataclasses import replace

import pytest
import torch
from PIL import ImageCms
from profiles import cmyk_profile, grey_profile, matrix_profile

from searchtransfer.images import Image, ImageWarning, Metadata, to_profile

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SWAPPED = matrix_profile(swap_red_and_green=True)
LINEAR = matrix_profile(gamma=1.0)


def picture(icc: bytes | None, bits: int = 8) -> Image:
    colour = torch.randint(0, 256, (3, 5, 7)).float() / 255
    return Image(colour, bits=bits, metadata=Metadata(icc=icc, dpi=(72.0, 72.0)))


@pytest.mark.parametrize("icc", [None, SRGB, SWAPPED, b"damaged"])
def test_the_same_profile_changes_nothing(icc):
    image = picture(icc)
    assert to_profile(image, icc) is image


@pytest.mark.parametrize(("own", "wanted"), [(SRGB, None), (None, SRGB)])
def test_profiles_that_mean_the_same_change_nothing(own, wanted):
    image = picture(own, bits=16)
    assert to_profile(image, wanted) is image


def test_swapped_primaries_swap_the_channels(caplog):
    caplog.set_level(logging.INFO)
    image = picture(SWAPPED)
    converted = to_profile(image, matrix_profile(), "reference 'a'")
    torch.testing.assert_close(converted.colour, image.colour[[1, 0, 2]], atol=2.1 / 255, rtol=0)
    assert converted.metadata == replace(image.metadata, icc=matrix_profile())
    assert "reference 'a': colours converted to the image's profile, in 8 bits" in caplog.text


def test_gamma_is_converted():
    image = replace(picture(LINEAR), colour=torch.full((3, 1, 1), 64 / 255))
    converted = to_profile(image, matrix_profile(gamma=2.0)).colour
    expected = (64 / 255) ** 0.5
    torch.testing.assert_close(converted, torch.full((3, 1, 1), expected), atol=1.1 / 255, rtol=0)


def test_there_and_back():
    image = picture(SWAPPED)
    back = to_profile(to_profile(image, None), SWAPPED)
    inside = ((image.colour > 0.2) & (image.colour < 0.8)).all(0)
    assert inside.any()
    torch.testing.assert_close(
        back.colour[:, inside], image.colour[:, inside], atol=4 / 255, rtol=0
    )


def test_grey_profiles():
    image = replace(picture(grey_profile(1.0)), grey=True)
    image = replace(image, colour=torch.full((3, 2, 3), 64 / 255))
    converted = to_profile(image, grey_profile(2.0))
    expected = torch.full((3, 2, 3), (64 / 255) ** 0.5)
    torch.testing.assert_close(converted.colour, expected, atol=1.1 / 255, rtol=0)
    same = to_profile(image, grey_profile(1.0))
    assert same is image
    grey = to_profile(picture(None), grey_profile(2.0)).colour
    torch.testing.assert_close(grey[0], grey[1])
    torch.testing.assert_close(grey[0], grey[2])


@pytest.mark.parametrize(
    ("own", "wanted", "reason"),
    [
        (b"damaged", None, "could not be converted"),
        (None, b"damaged", "could not be converted"),
        (None, cmyk_profile(), "profile for CMYK colours, expected RGB or grey"),
    ],
)
def test_a_profile_that_does_not_work_keeps_the_picture(own, wanted, reason):
    image = picture(own)
    with pytest.warns(ImageWarning, match=f"reference 'a': its colours .*{reason}"):
        assert to_profile(image, wanted, "reference 'a'") is image

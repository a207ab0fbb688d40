# SPDX-License-Identifier: Apache-2.0
"""From a result to the inspector: pictures of any kind, in sRGB, and an honest verdict."""

import numpy as np
import pytest
import torch
from inspections import found_in_place, result_of
from PIL import Image as PILImage
from profiles import matrix_profile

from searchtransfer import Reference, Upscaler
from searchtransfer.errors import DTypeError, OptionError
from searchtransfer.images import Image, Metadata, up
from searchtransfer.inspection import inspect_result
from searchtransfer.references.matches import no_matches


def upscaled(small, photo):
    return Upscaler.from_pretrained("transfer").upscale(small, photo)


def test_it_holds_what_was_found():
    small, photo = found_in_place()
    result = upscaled(small, photo)
    picture = inspect_result(result, small, [photo], name="a.png", names=["b.png"])
    assert (picture.name, picture.scale, picture.photos[0].name) == ("a.png", 4, "b.png")
    assert torch.equal(picture.photos[0].colour, photo)
    assert torch.equal(picture.score, result.score)
    assert torch.equal(picture.position, result.matches.position)
    assert torch.equal(picture.jacobian, result.matches.jacobian)
    assert torch.equal(picture.bicubic, up(small, 4).clamp(0, 1))
    assert ("Result", "60 pixels wide, 48 high; 4 times the small image") in picture.facts


def test_pictures_of_any_kind():
    small, photo = (
        np.ascontiguousarray((x * 255).round().byte().permute(1, 2, 0).numpy())
        for x in found_in_place()
    )
    given = PILImage.fromarray(small)
    picture = inspect_result(upscaled(given, photo), given, photo)
    assert picture.photos[0].name == "reference 1"
    assert list(picture.photos[0].colour.shape) == [3, 64, 80]


def test_a_prepared_reference_serves_too():
    small, photo = found_in_place()
    picture = inspect_result(upscaled(small, photo), small, Reference.build([photo], 4))
    assert torch.equal(picture.photos[0].colour, photo)


@pytest.mark.parametrize("nothing", [None, (), []])
def test_a_picture_upscaled_alone(nothing):
    result = result_of(no_matches((3, 4), 4, torch.zeros(())), torch.zeros(3, 4))
    picture = inspect_result(result, torch.rand(3, 3, 4), nothing)
    assert not picture.traced
    assert picture.photos == ()
    assert [name for name, _ in picture.facts] == ["Result"]
    assert picture.summary.startswith("No reference was used")


def test_references_that_are_none():
    small, photo = found_in_place()
    result = upscaled(small, photo)
    with pytest.raises(OptionError, match="but 0 were given"):
        inspect_result(result, small, None)
    with pytest.raises(DTypeError, match="reference 0 must be"):
        inspect_result(result, small, object())


def test_colours_are_shown_in_srgb():
    """Red and green swapped by the profile: shown as they are seen."""
    small, photo = found_in_place()
    metadata = Metadata(icc=matrix_profile(swap_red_and_green=True))
    swapped = [Image(x[[1, 0, 2]], metadata=metadata) for x in (small, photo)]
    picture = inspect_result(upscaled(*swapped), *swapped)
    plain = inspect_result(upscaled(small, photo), small, photo)
    for one, other in (
        (picture.photos[0].colour, plain.photos[0].colour),
        (picture.bicubic, plain.bicubic),
        (picture.result, plain.result),
    ):
        assert (one - other).abs().mean() < 0.02
        assert (one[[1, 0, 2]] - other).abs().mean() > 0.02


def test_what_is_not_shown_is_said():
    small, photo = found_in_place()
    given = Image(small, alpha=torch.rand(1, 12, 15), bits=16)
    notes = inspect_result(upscaled(given, photo), given, photo).notes
    assert notes == (
        "The picture has transparency, which is not shown here.",
        "The picture has 16 bits a channel; 8 are shown here.",
    )

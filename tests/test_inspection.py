# SPDX-License-Identifier: Apache-2.0
"""From a result to the inspector: pictures of any kind, in sRGB, and an honest verdict."""

import numpy as np
import pytest
import torch
from inspections import found_in_place, result_of
from pictures import related, target, unrelated
from PIL import Image as PILImage
from profiles import matrix_profile

from searchtransfer import Reference, Upscaler
from searchtransfer.errors import DTypeError, OptionError
from searchtransfer.images import Image, Metadata, degrade, up
from searchtransfer.inspection import inspect_result
from searchtransfer.references.matches import no_matches, whole_cells
from searchtransfer.references.usefulness import (
    WEAK_COHERENCE,
    WeakReferenceWarning,
    coherence,
    usefulness,
)


def upscaled(small, photo):
    return Upscaler.from_pretrained("transfer").upscale(small, photo)


def in_place(height, width, scale=4):
    rows, columns = torch.arange(height), torch.arange(width)
    pixel = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1) * scale
    return whole_cells(torch.zeros(height, width, dtype=torch.int64), pixel, scale)


def test_it_holds_what_was_found():
    small, photo = found_in_place()
    result = upscaled(small, photo)
    picture = inspect_result(result, small, [photo], name="a.png", names=["b.png"])
    assert (picture.name, picture.scale, picture.photos[0].name) == ("a.png", 4, "b.png")
    assert torch.equal(picture.photos[0].colour, photo)
    assert torch.equal(picture.score, result.score)
    assert (picture.pixel - result.matches.pixel).abs().max() <= 1
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


def test_a_reference_of_the_same_things():
    small = degrade(target(), 4)
    result = upscaled(small, related())
    words = usefulness(result.score, result.matches)
    share = coherence(result.score, result.matches)
    assert share > 0.5
    assert words.startswith("The reference shows the same things in most of the picture")
    assert f"{share:.0%} of the cells" in words


def test_a_reference_of_other_things():
    small = degrade(target(), 4)
    with pytest.warns(WeakReferenceWarning):
        result = upscaled(small, unrelated())
    assert "of little use" in usefulness(result.score, result.matches)


def test_in_between():
    matches = in_place(10, 10)
    matches.position[4:] = 800 * torch.rand(6, 10, 2) + 100
    words = usefulness(torch.ones(10, 10), matches)
    assert WEAK_COHERENCE < coherence(torch.ones(10, 10), matches) < 0.5
    assert words.startswith("The reference was useful in parts: 33% of the cells")


def test_too_little_to_judge():
    assert "flat everywhere" in usefulness(torch.zeros(3, 3), in_place(3, 3))
    words = usefulness(torch.full((1, 5), 0.75), in_place(1, 5))
    assert "too narrow to tell" in words
    assert "0.75" in words

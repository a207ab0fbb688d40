# SPDX-License-Identifier: Apache-2.0
"""The verdict on a reference: honest words, by how much was found in one piece."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from pictures import related, stereo, target, unrelated

from searchtransfer import Upscaler
from searchtransfer.images import degrade
from searchtransfer.references.matches import no_matches, whole_cells
from searchtransfer.references.usefulness import (
    NO_FINER,
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


def test_a_reference_of_the_same_things():
    small = degrade(target(), 4)
    result = upscaled(small, related())
    words = result.verdict
    share = coherence(result.score, result.matches)
    assert share > 0.5
    assert words.startswith("The reference shows the same things in most of the picture")
    assert f"{share:.0%} of the cells" in words


def test_a_reference_of_other_things():
    small = degrade(target(), 4)
    with pytest.warns(WeakReferenceWarning):
        result = upscaled(small, unrelated())
    assert "of little use" in result.verdict


def test_in_between():
    matches = in_place(10, 10)
    matches.position[4:] = 800 * torch.rand(6, 10, 2) + 100
    words = usefulness(torch.ones(10, 10), matches)
    assert WEAK_COHERENCE < coherence(torch.ones(10, 10), matches) < 0.5
    assert words.startswith("The reference was useful in parts: 25% of the cells")


def test_too_little_to_judge():
    assert "flat everywhere" in usefulness(torch.zeros(3, 3), in_place(3, 3))
    words = usefulness(torch.full((1, 5), 0.75), in_place(1, 5))
    assert "too narrow to tell" in words
    assert "0.75" in words


def test_without_a_reference():
    matches = no_matches((3, 4), 4, torch.zeros(()))
    assert usefulness(torch.zeros(3, 4), matches).startswith("No reference was used")


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_no_finer_than_the_image(scale):
    """Judged by the pixels of the photo for one of the image, where it was found."""
    matches, score = in_place(10, 10, scale), torch.ones(10, 10)
    for fineness, said in ((0.9 * NO_FINER, True), (1.1 * NO_FINER, False), (scale, False)):
        smaller = fineness / scale
        found = replace(
            matches, position=matches.position * smaller, jacobian=matches.jacobian * smaller
        )
        words = usefulness(score, found)
        assert words.startswith("The reference shows the same things")
        assert ("no finer than the image" in words) == said


def test_only_what_was_found_decides_how_fine_it_is():
    matches = in_place(10, 10)
    matches.jacobian[7:] *= 0.1
    matches.position[7:] = 800 * torch.rand(3, 10, 2)
    assert "no finer" not in usefulness(torch.ones(10, 10), matches)


def test_a_photo_as_small_as_the_image():
    """The small image itself, given as a reference: said by the warning and by the verdict."""
    small = degrade(stereo()[0][:, :496, :740].contiguous(), 4)
    with pytest.warns(WeakReferenceWarning, match=r"no finer than the image, with 1\.0 pixels"):
        result = upscaled(small, small)
    assert "no finer than the image, with 1.0 pixels" in result.verdict


def test_a_photo_half_as_large_is_finer():
    truth = target()
    half = F.interpolate(truth[None], scale_factor=0.5, mode="bicubic", antialias=True)[0]
    assert "no finer" not in upscaled(degrade(truth, 4), half.clamp(0, 1)).verdict

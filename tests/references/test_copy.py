# SPDX-License-Identifier: Apache-2.0
"""Copies: what they show, and the way back to the photo."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from pictures import texture
from references.views import seen_through, similarity, smooth

from searchtransfer.images import down
from searchtransfer.references.copy import upright, warped
from searchtransfer.references.maps import applied, identity
from searchtransfer.references.photo import Photo


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_every_phase_of_blurred_is_a_reduction(scale: int) -> None:
    photo = texture(8 * scale, 9 * scale)
    blurred = upright(photo, 0, scale).blurred
    torch.testing.assert_close(blurred[:, ::scale, ::scale], down(photo, scale))
    # The reduction from a later pixel on, away from the border that it would have there.
    shifted = down(photo[:, 1 : 7 * scale + 1, 1 : 7 * scale + 1].contiguous(), scale)
    found = blurred[:, 1::scale, 1::scale][:, 2:5, 2:5]
    torch.testing.assert_close(found, shifted[:, 2:5, 2:5])


def test_luma_has_the_slopes() -> None:
    copy = upright(texture(20, 30), 0, 4)
    mean = copy.blurred.mean(0)
    torch.testing.assert_close(copy.luma[0], mean)
    torch.testing.assert_close(copy.luma[1, 5, 6], (mean[6, 6] - mean[4, 6]) / 2)
    torch.testing.assert_close(copy.luma[2, 5, 6], (mean[5, 7] - mean[5, 5]) / 2)


@pytest.mark.parametrize(
    ("zoom", "turns", "mirrored"),
    [
        (1.0, 1, False),
        (1.0, 2, True),
        (1.0, 3, False),
        (0.5, 0, False),
        (2.0, 0, True),
        (0.75, 1, False),
    ],
)
def test_aligned_copies_lead_back(zoom: float, turns: int, mirrored: bool) -> None:
    photo = smooth(48, 60)
    copy = Photo(photo, 3, 4).aligned(zoom, turns, mirrored)
    assert copy.photo == 3
    size = (copy.pixels.shape[1], copy.pixels.shape[2])
    there = seen_through(photo, copy.to_photo, size)
    border = 6
    ours, theirs = (x[:, border:-border, border:-border] for x in (copy.pixels, there))
    assert (ours - theirs).abs().max() < (1e-5 if zoom == 1 else 0.05)
    # Texture comes from the same places, if only what the result cannot show is left out.
    step = torch.tensor([[0.0, 0.0], [-2.5, -3.75]])
    from_source = copy.sharp(torch.tensor([[20.0, 15.0]]), torch.eye(2)[None], step)
    from_photo = seen_through(photo, copy.to_photo @ identity(), size)
    assert (from_source[0, :, 0] - from_photo[:, 20, 15]).abs().max() < 0.05


def test_thin_photos_keep_their_proportions() -> None:
    copy = Photo(texture(6, 300), 0, 4).aligned(0.512)
    assert copy.pixels.shape[1:] == (4, 200)


def test_what_lies_outside_is_masked() -> None:
    photo = smooth(40, 40)
    to = similarity(0, 1, (10, 0))
    pixels, inside = warped(photo, to, (40, 40), torch.tensor([10.0, 10.0]).double())
    assert inside is not None
    assert inside[:30].all()
    assert not inside[30:].any()
    torch.testing.assert_close(pixels[:, :30], photo[:, 10:], atol=1e-5, rtol=0)


def test_the_far_side_of_a_horizon_is_masked() -> None:
    to = identity()
    to[2, 0] = -1 / 30  # rows beyond 30 look the other way
    _, inside = warped(smooth(40, 40), to, (60, 40), torch.tensor([2.0, 10.0]).double())
    assert inside is not None
    assert not inside[25:].any()


def test_a_plane_is_found_where_it_is() -> None:
    photo = smooth(60, 80)
    reference = Photo(photo, 0, 4)
    from searchtransfer.references.geometry import Plane

    to = similarity(12, 1.02, (3, 9))
    copy = reference.on_plane(Plane(to, torch.tensor([30.0, 40.0]).double(), 20), (48, 48))
    expected = seen_through(photo, to, (48, 48))
    mask = copy.inside if copy.inside is not None else torch.ones(48, 48, dtype=torch.bool)
    assert (copy.pixels - expected).abs()[:, mask].max() < 1e-4
    assert applied(copy.to_photo, torch.zeros(2).double()).tolist() == pytest.approx([3, 9])


def test_pickles_take_no_caches_along() -> None:
    copy = upright(texture(64, 64), 0, 4)
    before = len(pickle.dumps(copy))
    _ = copy.luma
    assert len(pickle.dumps(copy)) == before
    again = pickle.loads(pickle.dumps(copy))
    torch.testing.assert_close(again.luma, copy.luma)


def test_threads_wait_for_one_computation() -> None:
    photo, made = Photo(texture(60, 60), 0, 4), []

    def ask(_: int) -> int:
        copy = photo.upright
        copy.once("counted", lambda: made.append(1))
        return id(copy)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1
    assert made == [1]

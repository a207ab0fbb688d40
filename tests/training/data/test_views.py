# SPDX-License-Identifier: Apache-2.0
"""Quite other views: what they show is where it must be."""

import numpy as np
import pytest
from PIL import Image
from training.data.photos import photo

from searchtransfer.training.data.views import Views, seen_otherwise, two_scales, wide_pair

STILL = Views(1.0, turn=0.0, upright=0.0, mirror=0.0, tilt=0.0, zoom=(1.0, 1.0))


def seen(views, seed=0, size=64, middle=(64.0, 64.0), pixels=None):
    pixels = photo(128, 128, seed=5) if pixels is None else pixels
    return seen_otherwise(pixels, middle, size, np.random.default_rng(seed), views)


def difference(ours, theirs):
    return np.abs(ours.astype(int) - theirs.astype(int))[2:-2, 2:-2].mean()


def test_a_view_without_any_change_is_the_photo():
    pixels = photo(128, 128, seed=5)
    assert np.array_equal(seen(STILL, pixels=pixels), pixels[32:96, 32:96])


def with_(**changes):
    return Views(**{**vars(STILL), **changes})


def test_quarter_turns_are_exact():
    part = photo(128, 128, seed=5)[32:96, 32:96]
    turned = [np.rot90(part, k) for k in range(4)]
    found = set()
    for seed in range(12):
        view = seen(with_(upright=1.0, turn=180.0), seed)
        distances = [difference(view, x) for x in turned]
        assert min(distances) < 1
        found.add(int(np.argmin(distances)))
    assert found == {0, 1, 2, 3}


def test_a_mirror_image():
    part = photo(128, 128, seed=5)[32:96, 32:96]
    assert difference(seen(with_(mirror=1.0)), part[:, ::-1]) < 1


def test_turns_are_of_any_angle_within_the_bound():
    """The angle is read from a photo that is a ramp of brightness from left to right."""
    ramp = np.repeat(np.linspace(0, 255, 256).astype(np.uint8)[None, :, None], 256, 0)
    ramp = np.repeat(ramp, 3, 2)
    angles = []
    for seed in range(40):
        view = seen(with_(turn=50.0), seed, 64, (128.0, 128.0), ramp).astype(float)[..., 0]
        rows, columns = np.gradient(view)
        angles.append(np.degrees(np.arctan2(rows.mean(), columns.mean())))
    assert max(np.abs(angles)) <= 51
    assert max(angles) > 30 and min(angles) < -30
    assert len({round(x) for x in angles}) > 25


def test_a_tilt_bends_and_stays_near():
    part = photo(128, 128, seed=5)[32:96, 32:96]
    views = [seen(with_(tilt=0.2), seed) for seed in range(5)]
    assert all(view.shape == part.shape for view in views)
    assert len({view.tobytes() for view in views}) == 5
    small = part.reshape(8, 8, 8, 8, 3).mean((1, 3))
    for view in views:
        ours = view.reshape(8, 8, 8, 8, 3).mean((1, 3))
        assert np.corrcoef(ours.ravel(), small.ravel())[0, 1] > 0.5


def zooms(low, high, side=400, smallest=100, count=60):
    pixels = photo(side, side, seed=1)
    rng = np.random.default_rng(3)
    pairs = [two_scales(pixels, smallest, rng, Views(zoom=(low, high))) for _ in range(count)]
    assert all(min(x.shape[:2]) >= smallest for pair in pairs for x in pair)
    return [theirs.shape[0] / ours.shape[0] for ours, theirs in pairs]


def test_zooms_cover_their_range():
    found = zooms(0.4, 3.0)
    assert 0.39 < min(found) < 0.5
    assert 2.4 < max(found) < 3.05


def test_small_photos_limit_the_zoom():
    assert all(0.79 < zoom < 1.26 for zoom in zooms(0.4, 3.0, side=125))
    assert zooms(0.4, 3.0, side=100, count=3) == [1, 1, 1]


@pytest.mark.parametrize("zoom", [0.4, 0.8, 1.0, 1.7, 3.0])
def test_a_zoomed_pair_shows_the_same_middle(zoom):
    views = with_(zoom=(zoom, zoom))
    pixels = photo(300, 420, seed=2)
    for seed in range(4):
        target, reference = wide_pair(pixels, (96, 96), 4, np.random.default_rng(seed), views)
        assert target.shape == (96, 96, 3)
        assert len(reference) % 4 == 0 and len(reference) <= 96
        # The middle half of the finer one, reduced to the same grid of 6 x 6 tiles.
        side = 48
        fine, coarse = (reference, target) if zoom > 1 else (target, reference)
        factor = max(zoom, 1 / zoom)
        inside = round(len(fine) / factor)
        start = (len(coarse) - inside) // 2
        ours = Image.fromarray(fine).resize((side, side), Image.Resampling.BOX)
        theirs = Image.fromarray(coarse[start : start + inside, start : start + inside])
        theirs = theirs.resize((side, side), Image.Resampling.BICUBIC)
        a, b = (np.asarray(x, float).mean(2).ravel() for x in (ours, theirs))
        assert np.corrcoef(a, b)[0, 1] > 0.75

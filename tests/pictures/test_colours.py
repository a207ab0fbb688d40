# SPDX-License-Identifier: Apache-2.0
"""Colours with known values, and scales whose lightness does what it says."""

import numpy as np
import pytest

from searchtransfer.pictures.colours import direction_colours, oklab_to_rgb, scale_colours


@pytest.mark.parametrize(
    ("lab", "rgb"),
    [
        ((0.0, 0.0, 0.0), (0, 0, 0)),
        ((1.0, 0.0, 0.0), (255, 255, 255)),
        ((0.627955, 0.224863, 0.125846), (255, 0, 0)),
        ((0.452014, -0.032457, -0.311528), (0, 0, 255)),
        ((0.5, 0.0, 0.0), (99, 99, 99)),
    ],
)
def test_oklab(lab, rgb):
    np.testing.assert_allclose(oklab_to_rgb(np.array(lab)).astype(int), rgb, atol=1)


def luminance(rgb: np.ndarray) -> np.ndarray:
    return rgb.astype(float) @ np.array([0.2126, 0.7152, 0.0722])


def test_the_score_scale_grows_lighter_all_along():
    light = luminance(scale_colours(np.linspace(0, 1, 33)))
    assert (np.diff(light) > 0).all()


def test_scores_outside_the_scale_have_the_colour_of_its_ends():
    ends = scale_colours(np.array([-1.0, 0.0, 1.0, 2.0]))
    np.testing.assert_array_equal(ends[0], ends[1])
    np.testing.assert_array_equal(ends[2], ends[3])


def test_directions_have_colours_of_their_own_and_none_is_near_white():
    dy, dx = np.array([0.0, 1.0, 0.0, -1.0, 0.0]), np.array([1.0, 0.0, -1.0, 0.0, 0.0])
    right, down, left, up, here = direction_colours(dy, dx, np.ones(5)).astype(int)
    for one in (right, down, left, up):
        for other in (right, down, left, up):
            assert one is other or np.abs(one - other).sum() > 100
    assert np.ptp(here) < 12
    assert here.min() > 220


def test_what_is_not_trusted_is_grey():
    grey = direction_colours(np.ones(1), np.ones(1), np.zeros(1))[0].astype(int)
    assert np.ptp(grey) <= 1


def test_distances_beyond_the_rim_look_like_the_rim():
    colours = direction_colours(np.array([0.0, 0.0]), np.array([1.0, 9.0]), np.ones(2))
    np.testing.assert_array_equal(colours[0], colours[1])

# SPDX-License-Identifier: Apache-2.0
"""Planes found by keypoints."""

import logging

import numpy as np
import pytest
import torch
from pictures import stereo, unrelated
from references.views import low_of, seen_through, similarity

from searchtransfer.images import up
from searchtransfer.references.geometry import (
    Alignment,
    Keypoints,
    Plane,
    alignment_of,
    keypoints,
    mirrored_planes,
    planes,
    reduced_and_enlarged,
)
from searchtransfer.references.maps import Map, applied, identity, turning

SIZE = (240, 280)
CORNERS = torch.tensor([[20.0, 20.0], [20, 260], [220, 20], [220, 260]]).double()


def tilted(degrees: float, zoom: float, shift: tuple[float, float]) -> Map:
    to = similarity(degrees, zoom, shift)
    to[2, 1] = 2e-4
    return to


def found_in(to: Map) -> list[Plane]:
    photo = stereo()[0]
    large = up(low_of(seen_through(photo, to, SIZE)), 4)
    return planes(keypoints(large), keypoints(reduced_and_enlarged(photo, 4)))


@pytest.mark.parametrize(
    "to",
    [tilted(0, 1, (100, 200)), tilted(35, 1, (150, 200)), tilted(-100, 0.8, (330, 250))],
    ids=["near", "turned", "far round"],
)
def test_known_planes_are_found_to_a_pixel(to: Map) -> None:
    plane = found_in(to)[0]
    off = applied(plane.to_photo, CORNERS) - applied(to, CORNERS)
    assert off.abs().max() < 1


def test_mirrored_planes_are_found_as_such() -> None:
    photo = stereo()[0]
    to = tilted(0, 1, (100, 200)) @ turning(SIZE, 0, True)
    large = up(low_of(seen_through(photo, to, SIZE)), 4)
    theirs = keypoints(reduced_and_enlarged(photo, 4))
    assert not planes(keypoints(large), theirs)
    off = applied(mirrored_planes(large, theirs)[0].to_photo, CORNERS) - applied(to, CORNERS)
    assert off.abs().max() < 1


def test_unrelated_photos_have_none() -> None:
    large = up(low_of(stereo()[0][:, 100:340, 200:480]), 4)
    assert planes(keypoints(large), keypoints(unrelated())) == []


@pytest.mark.parametrize("size", [(1, 1), (4, 300), (40, 40)])
def test_flat_and_tiny_pictures_have_no_keypoints(size: tuple[int, int]) -> None:
    none = keypoints(torch.full((3, *size), 0.5))
    assert len(none.place) == len(none.descriptor) == 0
    assert planes(none, none) == []


def made(ours: np.ndarray, theirs: np.ndarray) -> tuple[Keypoints, Keypoints]:
    """Keypoints that resemble each other one by one."""
    descriptor = torch.eye(128)[: len(ours)]
    return Keypoints(ours.astype(np.float32), descriptor), Keypoints(
        theirs.astype(np.float32), descriptor
    )


class TestDegenerate:
    RNG = np.random.default_rng(0)

    def test_points_along_a_line(self, caplog: pytest.LogCaptureFixture) -> None:
        along = np.linspace(0, 300, 60)[:, None] * [[0.5, 1.0]] + self.RNG.normal(0, 0.5, (60, 2))
        with caplog.at_level(logging.DEBUG):
            assert planes(*made(along, along + 5)) == []
        assert "line" in caplog.text

    def test_squeezed_maps(self, caplog: pytest.LogCaptureFixture) -> None:
        ours = self.RNG.uniform(0, 300, (60, 2))
        with caplog.at_level(logging.DEBUG):
            assert planes(*made(ours, ours * [[1, 0.1]])) == []
        assert "refused" in caplog.text

    def test_two_planes_one_after_the_other(self) -> None:
        ours = self.RNG.uniform(0, 300, (100, 2))
        theirs = ours + 10.0
        theirs[60:] = ours[60:] * 0.8 + 200
        first, second = planes(*made(ours, theirs))
        assert (first.points, second.points) == (60, 40)
        shift = applied(first.to_photo, torch.zeros(2).double())
        assert shift.tolist() == pytest.approx([10, 10], abs=0.1)


class TestAlignment:
    MIDDLE = torch.tensor([50.0, 60.0]).double()

    @pytest.mark.parametrize("mirrored", [False, True])
    @pytest.mark.parametrize("turns", range(4))
    def test_quarter_turns(self, turns: int, mirrored: bool) -> None:
        to = torch.linalg.inv(turning((100, 120), turns, mirrored)) @ similarity(3, 1.99, (0, 0))
        found = alignment_of(Plane(to, self.MIDDLE, 20))
        assert found == Alignment(0.5, turns, mirrored)

    def test_other_zooms_stay_what_they_are(self) -> None:
        found = alignment_of(Plane(similarity(0, 1.4, (0, 0)), self.MIDDLE, 20))
        assert found is not None
        assert found.zoom == pytest.approx(1 / 1.4)

    def test_other_angles_have_none(self) -> None:
        assert alignment_of(Plane(similarity(40, 1, (0, 0)), self.MIDDLE, 20)) is None

    def test_upright_is_no_change(self) -> None:
        assert alignment_of(Plane(identity(), self.MIDDLE, 20)) == Alignment(1, 0, False)

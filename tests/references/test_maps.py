# SPDX-License-Identifier: Apache-2.0
"""Maps between pictures: where they lead, and how far a step does."""

import pytest
import torch
from references.views import similarity

from searchtransfer.references.maps import (
    applied,
    fault_of,
    identity,
    jacobian_at,
    resizing,
    scale_of,
    turning,
)

TILTED = torch.tensor([[1.1, 0.2, 3], [-0.1, 0.9, -2], [1e-3, -5e-4, 1]], dtype=torch.float64)
PLACES = torch.tensor([[0.0, 0.0], [10, 20], [33.5, 7.25]], dtype=torch.float64)


def test_identity_leaves_places() -> None:
    assert torch.equal(applied(identity(), PLACES), PLACES)


def test_one_map_after_another_is_their_product() -> None:
    other = similarity(30, 1.5, (4, -1))
    after = applied(TILTED, applied(other, PLACES))
    torch.testing.assert_close(applied(TILTED @ other, PLACES), after)
    torch.testing.assert_close(applied(torch.linalg.inv(TILTED), applied(TILTED, PLACES)), PLACES)


def test_jacobian_is_the_slope() -> None:
    step = 1e-6
    for axis in (0, 1):
        there = PLACES.clone()
        there[:, axis] += step
        slope = (applied(TILTED, there) - applied(TILTED, PLACES)) / step
        torch.testing.assert_close(jacobian_at(TILTED, PLACES)[..., axis], slope, atol=1e-6, rtol=0)


@pytest.mark.parametrize("after", [(20, 30), (7, 45), (1, 1)])
def test_resizing_maps_border_to_border(after: tuple[int, int]) -> None:
    to = resizing((10, 15), after)
    corners = torch.tensor([[-0.5, -0.5], [9.5, 14.5]], dtype=torch.float64)
    expected = [-0.5, -0.5, after[0] - 0.5, after[1] - 0.5]
    assert applied(to, corners).flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_turning_follows_every_pixel(turns: int, mirrored: bool) -> None:
    picture = torch.arange(15).view(3, 5)
    turned = torch.rot90(picture.flip(1) if mirrored else picture, turns)
    to = turning((3, 5), turns, mirrored)
    for row in range(3):
        for column in range(5):
            place = applied(to, torch.tensor([row, column], dtype=torch.float64)).round().long()
            assert turned[tuple(place.tolist())] == picture[row, column]


def test_scale_is_that_of_lengths() -> None:
    steps = jacobian_at(similarity(40, 2.5, (0, 0)), PLACES)
    assert scale_of(steps).tolist() == pytest.approx([2.5] * 3)


class TestFaults:
    SEEN = torch.rand(20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 100

    def test_sound_maps_have_none(self) -> None:
        for to in (identity(), TILTED, similarity(123, 0.2, (5, 5))):
            assert fault_of(to, self.SEEN) is None

    def test_mirror_images_are_sound(self) -> None:
        assert fault_of(turning((100, 100), 1, True), self.SEEN) is None

    def test_others_are_named(self) -> None:
        folded = identity()
        folded[2, 0] = -0.02  # the horizon goes through what was seen
        flat = identity()
        flat[1, 1] = 0.1
        broken = identity() * torch.nan
        faults = [fault_of(x, self.SEEN) for x in (folded, flat, broken)]
        assert [str(x).split()[0] for x in faults] == ["folded", "tilted", "not"]
        assert "lengths grow" in str(fault_of(similarity(0, 100, (0, 0)), self.SEEN))

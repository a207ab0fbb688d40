# SPDX-License-Identifier: Apache-2.0
"""Cells found side by side, wherever and however turned: neighbours differ by the Jacobian."""

import math

import pytest
import torch
from torch import Tensor

from searchtransfer.operators.agreement import (
    APART,
    CHANCE,
    SURE,
    TOLERANCE,
    agreement,
    beside,
    shown,
)

SCALE = 4
UPRIGHT = torch.eye(2)
TURNED = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
MIRRORED = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
TILTED = torch.tensor([[1.3, 0.4], [-0.2, 0.7]])
WAYS = {
    "upright": UPRIGHT,
    "turned": TURNED,
    "mirrored": MIRRORED,
    "three times larger": 3 * UPRIGHT,
    "a third": UPRIGHT / 3,
    "turned by 30": torch.tensor(
        [[math.cos(0.52), -math.sin(0.52)], [math.sin(0.52), math.cos(0.52)]]
    ),
    "tilted": TILTED,
}


def place(height: int, width: int, way: Tensor = UPRIGHT) -> tuple[Tensor, Tensor, Tensor, int]:
    """Cells that were found in one piece: photo, position, jacobian, scale."""
    cells = torch.stack(
        torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"), -1
    )
    position = 13.25 + SCALE * cells.float() @ way.T
    photo = torch.zeros(height, width, dtype=torch.int64)
    return photo, position, way.expand(height, width, 2, 2).contiguous(), SCALE


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_found_in_one_piece_agrees_everywhere(way: Tensor) -> None:
    assert (agreement(*place(5, 7, way)) == 1).all()


@pytest.mark.parametrize("apart", [1, 2, 3])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_one_cell_found_elsewhere(way: Tensor, apart: int) -> None:
    photo, position, jacobian, scale = place(7, 7, way)
    position[3, 3] += 9
    found = agreement(photo, position, jacobian, scale, apart=apart)
    assert found[3, 3] == 0
    for cell in ((3 - apart, 3), (3 + apart, 3), (3, 3 - apart), (3, 3 + apart)):
        # Nearer to the border than `apart` it has three neighbours.
        assert found[cell] == pytest.approx(0.75 if apart == 1 else 2 / 3)
    assert (found == 1).sum() == 49 - 5


def test_neighbours_are_not_of_one_cell_at_half_the_size() -> None:
    photo, position, jacobian, scale = place(8, 8)
    blocks = 50 * torch.rand(4, 4, 2).repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert (agreement(photo, position + blocks, jacobian, scale) == 0).all()
    assert (agreement(photo, position + blocks, jacobian, scale, apart=1) >= 0.5).all()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("step", [(0, 1), (1, 0)])
def test_the_tolerance_is_in_pixels_of_the_result(way: Tensor, step: tuple[int, int]) -> None:
    for off, together in ((0.9 * TOLERANCE, True), (1.1 * TOLERANCE, False)):
        for direction in (torch.tensor([off, 0.0]), torch.tensor([0.0, -off])):
            photo, position, jacobian, scale = place(2, 2, way)
            position[step] += way @ direction
            found = beside(photo, position, jacobian, scale, step)
            assert bool(found.flatten()[0]) == together


@pytest.mark.parametrize(("scale", "tolerance"), [(2, 0.5303), (3, 0.6495), (4, 0.75), (8, 1.0607)])
def test_small_cells_are_found_side_by_side_more_exactly(scale: int, tolerance: float) -> None:
    for off, together in ((0.95 * tolerance, True), (1.05 * tolerance, False)):
        for apart in (1, 2, 3):
            photo, position, jacobian, _ = place(1, 1 + apart)
            farther = torch.tensor([off * (1 + apart) / 2, float(scale * apart)])
            position[0, apart] = position[0, 0] + farther
            assert bool(beside(photo, position, jacobian, scale, (0, apart))[0, 0]) == together


def test_a_jacobian_that_does_not_fit() -> None:
    photo, position, _, scale = place(4, 4, 2 * UPRIGHT)
    assert (agreement(photo, position, place(4, 4)[2], scale) == 0).all()


def test_another_photo_is_no_neighbour() -> None:
    _, *where = place(1, 3)
    photo = torch.tensor([[0, 0, 1]])
    assert agreement(photo, *where, apart=1).tolist() == [[1, 0.5, 0]]
    assert agreement(photo, *where).tolist() == [[0, 1, 0]]


@pytest.mark.parametrize("size", [(1, 1), (1, APART), (APART, 1), (APART, APART)])
def test_too_few_cells_to_contradict_one_another(size: tuple[int, int]) -> None:
    photo, position, *rest = place(*size)
    assert (agreement(photo, 99 * torch.rand_like(position), *rest) == 1).all()


def test_what_is_shown_grows_with_the_mean_of_15_cells_on_a_side() -> None:
    middle = (CHANCE + SURE) / 2
    field = torch.zeros(40, 40)
    field[20, 20] = 225 * middle
    found = shown(field)
    assert (found > 0).sum() == 15 * 15
    torch.testing.assert_close(found[13:28, 13:28], torch.full((15, 15), 0.5))
    corner = torch.zeros(40, 40)
    corner[0, 0] = 64 * middle  # cells outside do not count
    assert shown(corner)[0, 0].item() == pytest.approx(0.5)
    assert shown(torch.full((9, 9), SURE + 1e-3)).eq(1).all()
    assert shown(torch.full((9, 9), CHANCE + 1e-3)).lt(0.01).all()
    assert shown(torch.full((9, 9), CHANCE - 1e-3)).eq(0).all()


def test_shown_where_most_around_agree() -> None:
    assert (shown(torch.ones(20, 20)) == 1).all()
    assert (shown(torch.full((20, 20), 0.2)) == 0).all()
    halves = torch.zeros(20, 60)
    halves[:, 30:] = 1
    assert (shown(halves)[:, :20] == 0).all()
    assert (shown(halves)[:, 40:] == 1).all()

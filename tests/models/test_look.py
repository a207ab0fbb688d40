# SPDX-License-Identifier: Apache-2.0
"""The vivid look: no grid, nothing of what is known, more of what differs from cell to cell."""

import pytest
import torch
from pictures import texture

from searchtransfer.models.look import KNOWN, REACH, STRENGTH, invented, painted_beyond


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_what_all_cells_have_alike_is_not_painted(scale: int) -> None:
    faithful = texture(8 * scale, 10 * scale)
    dots = torch.rand(3, scale, scale).repeat(1, 8, 10)
    assert painted_beyond(faithful, faithful + dots, scale).abs().max() < 1e-6


def test_a_single_stroke_is_painted_and_more_of_it() -> None:
    faithful = torch.zeros(3, 40, 40)
    stroke = faithful.clone()
    stroke[:, 20, 18:22] = 0.1
    added = painted_beyond(faithful, faithful + stroke, 4)
    share = 1 - 1 / (2 * REACH + 1) ** 2
    torch.testing.assert_close(added[:, 20, 20:22], torch.full((3, 2), 0.1 * STRENGTH * share))


def test_a_cell_sees_no_farther_than_it_says() -> None:
    faithful, painted = torch.zeros(3, 60, 60), torch.zeros(3, 60, 60)
    painted[:, 30, 30] = 1.0
    changed = painted_beyond(faithful, painted, 4).abs().amax(0) > 0
    rows, columns = changed.nonzero().T
    cells = torch.stack([rows, columns]) // 4 - 30 // 4
    assert cells.abs().max() == REACH


def test_nothing_is_invented_of_what_is_shown() -> None:
    surely = torch.tensor([[0.0, KNOWN / 2, KNOWN, 1.0]]).repeat(5, 1).repeat_interleave(3, 1)
    much = invented(surely, 4)
    assert much.shape == (20, 48)
    assert torch.equal(much[:, 4:8], torch.ones(20, 4))
    torch.testing.assert_close(much[:, 16:20], torch.full((20, 4), 0.5))
    assert not much[:, 26:].any()

# SPDX-License-Identifier: Apache-2.0
"""Score map and match map: the colours at known places, legends, degenerate sizes."""

import numpy as np
import pytest
import torch

from searchtransfer.pictures import draw_match_map, draw_score_map
from searchtransfer.pictures.cell_colours import displacement
from searchtransfer.pictures.colours import CATEGORIES, direction_colours, scale_colours
from searchtransfer.pictures.layout import MARGIN
from searchtransfer.pictures.score_map import draw_score_map as draw

TOP = 93
"""Row where a map begins below the heading."""


def at(page, row, column) -> tuple[int, int, int]:
    return page.getpixel((MARGIN + column, TOP + row))


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 4), (900, 3)])
def test_any_size_is_drawn(size):
    height, width = size
    score = torch.rand(size)
    page = draw_score_map(score)
    assert page.mode == "RGB"
    assert page.width > width
    assert page.height > height
    photo, position = torch.zeros(size, dtype=torch.int64), torch.zeros(*size, 2)
    assert draw_match_map(photo, position, score, scale=4).height > height


def test_score_colours_are_where_the_scores_are():
    score = torch.tensor([[0.0, 0.5], [1.0, -1.0]])
    page = draw(score)
    side = 420  # 840 pixels for two cells
    expected = scale_colours(score.double().numpy())
    for row in (0, 1):
        for column in (0, 1):
            for inset in (2, side // 2, side - 3):
                got = at(page, row * side + inset, column * side + inset)
                assert got == tuple(expected[row, column].tolist())


def test_score_maps_can_be_compared():
    """The colour of a score does not depend on the other scores."""
    one, other = draw(torch.tensor([[0.3, 0.9]])), draw(torch.tensor([[0.3, 0.31]]))
    assert at(one, 5, 5) == at(other, 5, 5)
    assert at(one, 5, 800) != at(other, 5, 800)


def test_displacement():
    position = torch.tensor([[[0, 0], [3, 1]], [[4, 0], [0, 9]]]) + 1.5
    moved = displacement(position, scale=4)
    np.testing.assert_array_equal(moved.dy, [[0, 3], [0, -4]])
    np.testing.assert_array_equal(moved.dx, [[0, -3], [0, 5]])


def still(height, width, scale):
    """Each cell matches the same place."""
    cells = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack(cells, dim=-1) * scale + (scale - 1) / 2


def test_match_colours_show_the_way():
    position = still(2, 2, 4)
    position[0, 1, 1] += 10  # to the right
    position[1, 0, 0] -= 10  # up
    position[1, 1, 1] -= 10  # to the left
    score = torch.ones(2, 2)
    page = draw_match_map(torch.zeros(2, 2, dtype=torch.int64), position, score, scale=4)
    dy, dx = np.array([0, 0, -10, 0]) / 20, np.array([0, 10, 0, -10]) / 20  # rim: twice the usual
    expected = direction_colours(dy, dx, np.ones(4))
    got = [at(page, r * 420 + 200, c * 420 + 200) for r in (0, 1) for c in (0, 1)]
    assert got == [tuple(x) for x in expected.tolist()]


def test_low_scores_are_grey():
    position = still(1, 2, 4) + 7
    score = torch.tensor([[0.5, 1.0]])
    page = draw_match_map(torch.zeros(1, 2, dtype=torch.int64), position, score, scale=4)
    grey, coloured = at(page, 5, 5), at(page, 5, 500)
    assert max(grey) - min(grey) <= 1
    assert max(coloured) - min(coloured) > 20


def test_several_references_have_a_map_of_their_own():
    photo = torch.tensor([[0, 1]])
    page = draw_match_map(photo, still(1, 2, 4), torch.ones(1, 2), scale=4, names=("a", "b"))
    second = 640 + 20  # beside the first map, after a gap
    for number, column in ((0, 10), (1, 400)):
        assert "#{:02x}{:02x}{:02x}".format(*at(page, 5, second + column)) == CATEGORIES[number]
    alone = draw_match_map(photo * 0, still(1, 2, 4), torch.ones(1, 2), scale=4, names=("a",))
    assert alone.width < page.width


def test_more_references_than_colours():
    photo = torch.arange(11)[None]
    page = draw_match_map(photo, still(1, 11, 4), torch.ones(1, 11), scale=4, names=("long" * 30,))
    assert page.width < 2000

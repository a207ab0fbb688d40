# SPDX-License-Identifier: Apache-2.0
"""Before and after: the crops are where the two differ, and pixels are shown as they are."""

import numpy as np
import pytest
import torch

from searchtransfer.errors import ShapeError
from searchtransfer.pictures import Panel, draw_comparison
from searchtransfer.pictures.comparison import _boxes


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (1, 400), (400, 1), (200, 300)])
def test_any_size_is_drawn(size):
    before, after = torch.rand(3, *size), torch.rand(3, *size)
    page = draw_comparison([Panel("before", before), Panel("after", after, "a note")])
    assert page.width == 2 * 28 + 2 * 480 + 20


def test_crops_are_where_the_pictures_differ_most():
    before = np.zeros((200, 400, 3), np.uint8)
    after = before.copy()
    after[20:30, 300:320] = 200
    after[150:160, 40:60] = 100
    boxes = _boxes(before, after, 2)
    (r1, c1, tall, wide), (r2, c2, _, _) = boxes
    assert r1 <= 20
    assert r1 + tall >= 30
    assert c1 <= 300
    assert c1 + wide >= 320
    assert r2 <= 150
    assert r2 + tall >= 160
    assert c2 <= 40
    assert c2 + wide >= 60


def test_crops_do_not_overlap():
    rng = np.random.default_rng(0)
    before, after = (rng.integers(0, 255, (300, 300, 3), dtype=np.uint8) for _ in range(2))
    boxes = _boxes(before, after, 3)
    assert len(boxes) == 3
    shown = np.zeros((300, 300), int)
    for row, column, tall, wide in boxes:
        shown[row : row + tall, column : column + wide] += 1
    assert shown.max() == 1


def test_a_crop_shows_pixels_as_they_are():
    before, after = torch.zeros(3, 90, 160), torch.zeros(3, 90, 160)
    after[:, 40:50, 70:90] = torch.tensor([1.0, 0.5, 0.0])[:, None, None]
    page = np.array(draw_comparison([Panel("before", before), Panel("after", after)], crops=1))
    crop = page[-28 - 264 + 5 : -28 - 5, 28 + 480 + 20 + 5 : -28 - 5]
    colours = {tuple(x) for x in crop.reshape(-1, 3).tolist()}
    assert colours == {(0, 0, 0), (255, 128, 0)}


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_panels(count):
    with pytest.raises(ShapeError, match="two or more of one size, got"):
        draw_comparison([Panel("a", torch.zeros(3, 4, 4))] * count)


def test_panels_of_different_sizes():
    panels = [Panel("a", torch.zeros(3, 4, 4)), Panel("b", torch.zeros(3, 4, 5))]
    with pytest.raises(ShapeError, match=r"got \[\[3, 4, 4\], \[3, 4, 5\]\]"):
        draw_comparison(panels)

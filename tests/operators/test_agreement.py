# SPDX-License-Identifier: Apache-2.0
import torch

from searchtransfer.operators.agreement import agreement


def grid(height, width, scale=4):
    rows = scale * torch.arange(height)[:, None].expand(height, width)
    columns = scale * torch.arange(width)[None].expand(height, width)
    return torch.stack([rows, columns], -1).contiguous()


def test_shifted_copy_agrees_everywhere():
    pixel = grid(5, 7) + torch.tensor([13, 2])
    assert (agreement(torch.zeros(5, 7, dtype=torch.int64), pixel, 4) == 1).all()


def test_one_cell_found_elsewhere():
    pixel = grid(5, 5)
    pixel[2, 2] += 9
    found = agreement(torch.zeros(5, 5, dtype=torch.int64), pixel, 4)
    assert found[2, 2] == 0
    for cell in ((1, 2), (3, 2), (2, 1), (2, 3)):
        assert found[cell] == 0.75
    assert found[0, 0] == 1
    assert found.sum() == 25 - 1 - 4 * 0.25


def test_a_pixel_off_is_tolerated_two_are_not():
    pixel = grid(1, 3)
    pixel[0, 1, 1] += 1
    photo = torch.zeros(1, 3, dtype=torch.int64)
    assert (agreement(photo, pixel, 4) == 1).all()
    pixel[0, 1, 1] += 1
    assert agreement(photo, pixel, 4).tolist() == [[0, 0, 0]]


def test_another_photo_is_no_neighbour():
    photo = torch.tensor([[0, 0, 1]])
    assert agreement(photo, grid(1, 3), 4).tolist() == [[1, 0.5, 0]]


def test_a_single_cell():
    assert agreement(torch.zeros(1, 1, dtype=torch.int64), grid(1, 1), 4).tolist() == [[1]]

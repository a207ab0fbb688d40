# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from searchtransfer.networks import TextureExtractor
from searchtransfer.training.losses import transferal_loss


@pytest.fixture
def first_channel_only():
    """An extractor whose levels are red, its maximum over 2x2, and that over 4x4."""
    extractor = TextureExtractor((1, 1, 1))
    for name, parameter in extractor.named_parameters():
        if not name.startswith("sub_mean"):
            torch.nn.init.zeros_(parameter)
            if parameter.dim() == 4:
                parameter.data[0, 0, 1, 1] = 1
    return extractor


def textures(value=0.0):
    return [torch.full((1, 1, n, n), value) for n in (1, 2, 4)]  # t3, t2, t1


def test_value_by_hand(first_channel_only):
    sr = torch.full((1, 3, 4, 4), -1.0)
    sr[0, 0, 1, 2] = 1.0
    bright = (1.0 - 0.485) / 0.229  # elsewhere the normalised red is negative: 0 after relu
    # level 1: one pixel of 16; level 2: one of 4; level 3: the only one
    expected = bright**2 * (1 / 16 + 1 / 4 + 1) / 3
    assert transferal_loss(first_channel_only, sr, *textures()).item() == pytest.approx(expected)


def test_zero_where_the_result_shows_the_textures():
    extractor = TextureExtractor((2, 3, 4))
    sr = torch.rand(2, 3, 8, 8)
    t1, t2, t3 = extractor((sr + 1) / 2)
    assert transferal_loss(extractor, sr, t3, t2, t1).item() == 0


def test_gradient_draws_result_and_textures_together(first_channel_only):
    sr = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    t3, t2, t1 = (t.requires_grad_() for t in textures(0.1))
    transferal_loss(first_channel_only, sr, t3, t2, t1).backward()
    assert sr.grad[:, 0].sum() > 0  # red is above the texture and should fall
    assert all((t.grad < 0).all() for t in (t1, t2, t3))  # the textures should rise


def test_extractor_is_constant_but_present():
    extractor = TextureExtractor((2, 3, 4))
    sr = torch.rand(1, 3, 4, 4, requires_grad=True)
    t3, t2, t1 = torch.rand(1, 4, 1, 1), torch.rand(1, 3, 2, 2), torch.rand(1, 2, 4, 4)
    before = transferal_loss(extractor, sr, t3, t2, t1)
    before.backward()
    assert all(p.grad is None for p in extractor.parameters())
    assert all(p.requires_grad for p in extractor.slice1.parameters())
    with torch.no_grad():
        extractor.slice1[0].bias.add_(1)
    assert transferal_loss(extractor, sr, t3, t2, t1) != before

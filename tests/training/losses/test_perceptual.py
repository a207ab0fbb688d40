# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from searchtransfer.networks import VGGFeatures
from searchtransfer.training.losses import PerceptualLoss


@pytest.fixture
def first_channel_only():
    """VGG whose every convolution hands on channel 0: relu5_1 is a maximum of red."""
    vgg = VGGFeatures("vgg19")
    for layer in vgg.features:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
            layer.weight.data[0, 0, 1, 1] = 1
    return PerceptualLoss(vgg)


def test_value_by_hand(first_channel_only):
    sr, hr = torch.zeros(1, 3, 16, 32), torch.zeros(1, 3, 16, 32)
    hr[0, 0, 3, 20] = 1.0  # the maximum of the second cell of two
    # red in [0, 1]: sr 0.5 and 0.5; hr 0.5 and 1.0
    features_sr, features_hr = (0.5 - 0.485) / 0.229, (1.0 - 0.485) / 0.229
    expected = (features_sr - features_hr) ** 2 / (512 * 2)
    assert first_channel_only(sr, hr).item() == pytest.approx(expected, rel=1e-5)
    assert first_channel_only(hr, hr).item() == 0


def test_gradient_points_away_from_the_target(first_channel_only):
    hr = torch.full((1, 3, 16, 16), 0.2)
    sr = torch.full((1, 3, 16, 16), 0.1, requires_grad=True)
    first_channel_only(sr, hr).backward()
    assert sr.grad[:, 0].sum() < 0  # red should rise
    assert sr.grad[:, 1:].abs().sum() == 0


def test_a_step_down_the_gradient_brings_images_together():
    torch.manual_seed(0)
    loss = PerceptualLoss(VGGFeatures("vgg16"))
    hr, sr = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32).requires_grad_()
    before = loss(sr, hr)
    (gradient,) = torch.autograd.grad(before, sr)
    step = gradient * (before.detach() / gradient.square().sum()) / 10
    assert loss(sr - step, hr) < before


def test_vgg_is_frozen_and_the_target_gets_no_gradient():
    loss = PerceptualLoss(VGGFeatures("vgg16"))
    hr = torch.rand(1, 3, 16, 16, requires_grad=True)
    sr = torch.rand(1, 3, 16, 16, requires_grad=True)
    loss(sr, hr).backward()
    assert hr.grad is None
    assert not any(p.requires_grad for p in loss.parameters())

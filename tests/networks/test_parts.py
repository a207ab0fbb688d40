# SPDX-License-Identifier: Apache-2.0
"""Extractor, VGG and critic by themselves; the stages of TTSR are covered by its oracle."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from searchtransfer.errors import OptionError, ShapeError
from searchtransfer.networks import TTSR, Discriminator, FusionNet, TextureExtractor, VGGFeatures
from searchtransfer.networks.blocks import upsample
from searchtransfer.networks.main_net import MainNet, begin_with_nothing


@torch.no_grad()
@pytest.mark.parametrize(("size", "cells"), [((1, 1), (1, 1)), ((4, 8), (1, 2)), ((5, 3), (2, 1))])
def test_levels_fit_each_other_at_any_size(size, cells):
    levels = TextureExtractor((2, 3, 4))(torch.rand(2, 3, *size))
    h, w = cells
    assert [tuple(x.shape) for x in levels] == [
        (2, 2, 4 * h, 4 * w),
        (2, 3, 2 * h, 2 * w),
        (2, 4, h, w),
    ]


@torch.no_grad()
def test_normalisation_is_frozen_and_that_of_imagenet():
    extractor = TextureExtractor((2, 2, 2))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    image = torch.rand(1, 3, 4, 4)
    expected = (image - mean.reshape(3, 1, 1)) / std.reshape(3, 1, 1)
    torch.testing.assert_close(extractor.sub_mean(image), expected)
    assert not any(p.requires_grad for p in extractor.sub_mean.parameters())


@pytest.mark.parametrize(
    ("kind", "numbers", "pools"),
    [
        ("vgg19", [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28], [4, 9, 18, 27]),
        ("vgg16", [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24], [4, 9, 16, 23]),
    ],
)
@torch.no_grad()
def test_vgg_has_torchvisions_numbers_and_ends_after_relu5_1(kind, numbers, pools):
    vgg = VGGFeatures(kind)
    state = vgg.state_dict()
    assert sorted({int(key.split(".")[1]) for key in state}) == numbers
    image = torch.rand(1, 3, 33, 16)
    x = (image - vgg.mean) / vgg.std
    for layer in range(numbers[-1] + 1):
        if layer in numbers:
            weight, bias = state[f"features.{layer}.weight"], state[f"features.{layer}.bias"]
            x = F.relu(F.conv2d(x, weight, bias, padding=1))
        elif layer in pools:
            x = F.max_pool2d(x, 2, 2)
    assert x.shape == (1, 512, 2, 1)
    torch.testing.assert_close(vgg(image), x, rtol=0, atol=1e-6)


def test_vgg_of_another_kind():
    with pytest.raises(OptionError, match="kind must be 'vgg19' or 'vgg16', got 'vgg11'"):
        VGGFeatures.__init__.__wrapped__(VGGFeatures.__new__(VGGFeatures), "vgg11")


def test_critic_has_the_published_layers():
    critic = Discriminator()
    convolutions = [m for m in critic.convolutions if isinstance(m, torch.nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [32, 32, 64, 64, 128, 128, 256, 256, 512, 512]
    assert [c.stride[0] for c in convolutions] == [1, 2] * 5
    linear = [m for m in critic.judgement if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(12800, 1024), (1024, 1)]
    slopes = {m.negative_slope for m in critic.modules() if isinstance(m, torch.nn.LeakyReLU)}
    assert slopes == {0.2}


@torch.no_grad()
@pytest.mark.parametrize("size", [1, 2, 31, 33])
def test_critic_of_other_sizes(size):
    assert Discriminator(size, features=2, hidden=4)(torch.rand(3, 3, size, size)).shape == (3, 1)


def test_critic_refuses_other_images_and_options():
    critic = Discriminator(16, features=2, hidden=4)
    with pytest.raises(ShapeError, match=r"must be \[B, 3, 16, 16\], got \[1, 3, 8, 8\]"):
        critic(torch.rand(1, 3, 8, 8))
    with pytest.raises(OptionError, match="must be at least 1, got size=0"):
        Discriminator(0)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (20, 13), (64, 3), (65, 3)])
def test_enlarging_is_torchs_bicubic_forward_and_backward(scale, size):
    def both(function):
        torch.manual_seed(0)
        x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
        y = function(x)
        (gradient,) = torch.autograd.grad((y * torch.randn_like(y)).sum(), x)
        return y, gradient

    def torchs(x):
        return F.interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False)

    for ours, theirs in zip(both(lambda x: upsample(x, scale)), both(torchs), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_enlarging_keeps_the_dtype_and_rounds_once():
    x = torch.rand(1, 2, 9, 9).bfloat16()
    exact = F.interpolate(x.double(), scale_factor=4, mode="bicubic", align_corners=False)
    with torch.autocast("cpu", torch.bfloat16):
        y = upsample(x, 4)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.double(), exact, rtol=2**-8, atol=1e-6)


@torch.no_grad()
def test_a_start_with_nothing_keeps_the_signals_size():
    torch.manual_seed(0)
    net = MainNet((16, 16, 8, 4), 16, 1.0, (4, 4, 4))
    images = [torch.rand(1, c, 12 * n, 12 * n) for c, n in ((3, 1), (1, 1), (4, 1), (4, 2), (4, 4))]
    sizes = []
    net.merge_tail.conv_tail1.register_forward_hook(
        lambda layer, inputs, output: sizes.append(output.std().item())
    )
    net(*images)
    begin_with_nothing(net)
    assert not net(*images).any()
    torchs, ours = sizes
    assert torchs < 0.1 < ours < 10


@pytest.mark.parametrize(("kind", "options"), [(FusionNet, {}), (TTSR, {"global_skip": True})])
def test_an_outline_draws_no_numbers(kind, options, monkeypatch):
    """Torch draws them on the meta device in Python, and imports its compiler for it."""
    drawn = []

    def draw(tensor, **options):
        drawn.append(tensor.device.type)

    monkeypatch.setattr(torch.nn.init, "kaiming_normal_", draw)
    make = partial(kind, **options)
    with torch.device("meta"):
        make()
    assert drawn == []
    make()
    assert set(drawn) == {"cpu"}

# SPDX-License-Identifier: Apache-2.0
"""How much noise is on an image: told within a third, and none seen where there is none."""

import pytest
import torch
from pictures import coffee, texture
from torch import Tensor

from searchtransfer.images import degrade
from searchtransfer.wear.noise import noise_of


def small() -> Tensor:
    return degrade(coffee(), 4)


def noisy(colour: Tensor, sigma: float, *, grey: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    shape = colour[:1].shape if grey else colour.shape
    noise = torch.randn(shape, generator=generator) * sigma / 255
    return (colour + noise).clamp(0, 1).mul(255).round() / 255


def test_a_clean_photo_has_none() -> None:
    assert noise_of(small()) < 1.5


@pytest.mark.parametrize("sigma", [3, 6, 10, 20])
def test_noise_is_told(sigma: float) -> None:
    assert noise_of(noisy(small(), sigma)) == pytest.approx(sigma, rel=0.33)


def test_of_grey_pictures_too() -> None:
    grey = small().mean(0, keepdim=True).expand(3, -1, -1)
    assert noise_of(grey) == 0
    assert noise_of(noisy(grey, 12, grey=True)) == pytest.approx(12, rel=0.33)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (10, 10)])
def test_too_little_tells_nothing(size: tuple[int, int]) -> None:
    assert noise_of(texture(*size)) == 0


def test_flat_and_clipped_pictures_tell_nothing() -> None:
    assert noise_of(torch.zeros(3, 40, 40)) == 0
    assert noise_of(torch.full((3, 40, 40), 0.4)) == 0

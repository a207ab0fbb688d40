# SPDX-License-Identifier: Apache-2.0
"""Compression that leaves no comb, and softness, told from the finest detail."""

import importlib.util

import numpy as np
import pytest
import torch
from pictures import coffee
from skimage import data
from torch import Tensor
from wear.test_compression import compressed

from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import degrade, up
from searchtransfer.images.resize import blurred
from searchtransfer.training.degradations import Film
from searchtransfer.wear import Wear, wear_of
from searchtransfer.wear.signs import MOST, signs_of
from searchtransfer.wear.wear import CODED

PHOTOS = ("coffee", "chelsea", "rocket", "astronaut")


def photo(name: str) -> Tensor:
    pixels = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1).float() / 255
    return pixels[:, : pixels.shape[1] // 24 * 24, : pixels.shape[2] // 24 * 24]


def grey(colour: Tensor) -> Tensor:
    return colour.mean(0, keepdim=True).mul(255).round().div(255).expand(3, -1, -1)


def error(a: Tensor, b: Tensor) -> float:
    return 255 * float((a - b).square().mean().sqrt())


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_clean_images_show_no_signs(name: str, scale: int) -> None:
    small = degrade(photo(name), scale)
    for image in (small, grey(small)):
        assert wear_of(image, scale) == Wear()


@pytest.mark.parametrize("name", PHOTOS)
def test_soft_images_are_told(name: str) -> None:
    small = degrade(blurred(photo(name), 2.4).clamp(0, 1), 4)
    for image in (small, grey(small)):
        assert signs_of(image).softness == pytest.approx(0.6, abs=0.25)
        assert signs_of(image).error < CODED
    assert "soft by about 0." in str(wear_of(small))


@pytest.mark.parametrize("name", PHOTOS)
def test_webp_is_told(name: str) -> None:
    small = degrade(photo(name), 4)
    worn = compressed(small, "WebP", quality=50)
    assert signs_of(worn).error == pytest.approx(error(small, worn), rel=0.6)
    assert "compressed, by about" in str(wear_of(worn))


@pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="PyAV is not installed")
@pytest.mark.parametrize("name", PHOTOS)
def test_films_are_told(name: str) -> None:
    small = degrade(photo(name), 4)
    pixels = (small * 255).round().permute(1, 2, 0).contiguous().numpy()
    worn = torch.from_numpy(Film(28)(pixels, np.random.default_rng())).permute(2, 0, 1) / 255
    assert signs_of(worn).error == pytest.approx(error(small, worn), rel=0.6)


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (4, 4), (50, 60)])
def test_too_little_to_tell(size: tuple[int, int]) -> None:
    assert signs_of(torch.rand(3, *size)) == (0, 0)


def test_one_colour_has_none() -> None:
    assert wear_of(torch.full((3, 60, 80), 0.3)) == Wear()


def test_large_images_are_sampled() -> None:
    small = degrade(coffee(), 4)
    large = small.repeat(1, 6, 6)
    assert large[0].numel() > MOST
    for image in (small, compressed(small, "WebP", quality=40)):
        whole = signs_of(image.repeat(1, 6, 6))
        assert whole.error == pytest.approx(signs_of(image).error, rel=0.3, abs=0.5)


def test_a_soft_image_is_made_sharper_for_it() -> None:
    truth = photo("coffee")[:, :240, :240]
    small = degrade(blurred(truth, 2.4).clamp(0, 1), 4)
    told, untold = (
        Upscaler.from_pretrained(wear=x).upscale(small).image for x in ("auto", "clean")
    )
    assert psnr(told, truth) > psnr(untold, truth) + 1 > psnr(up(small, 4), truth) + 1

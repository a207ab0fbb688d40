# SPDX-License-Identifier: Apache-2.0
"""Whether an image was a JPEG file: its quality is told to a step or two."""

import io

import numpy as np
import pytest
import torch
from pictures import coffee, texture
from PIL import Image as PILImage
from torch import Tensor

from searchtransfer.images import degrade
from searchtransfer.wear.compression import noise_of_quality, quality_of, steps


def small() -> Tensor:
    return degrade(coffee(), 4)


def compressed(colour: Tensor, kind: str = "JPEG", **options: object) -> Tensor:
    pixels = (colour * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    PILImage.fromarray(pixels).save(file, kind, **options)
    again = np.array(PILImage.open(file).convert("RGB"))
    return torch.from_numpy(again).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize("quality", [25, 50, 62, 80, 90])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_the_quality_is_told(quality: int, subsampling: str) -> None:
    found = quality_of(compressed(small(), quality=quality, subsampling=subsampling))
    assert found is not None
    assert abs(found - quality) <= 2


def test_of_other_pictures_none_is() -> None:
    assert quality_of(small()) is None
    assert quality_of(compressed(small(), "WEBP", quality=50)) is None
    assert quality_of(torch.full((3, 64, 64), 0.5)) is None
    noise = 0.05 * torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert quality_of((texture(64, 64) + noise).clamp(0, 1)) is None


def test_neither_of_a_part_that_was_cut_out() -> None:
    assert quality_of(compressed(small(), quality=50)[:, 3:, 5:]) is None


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (16, 16)])
def test_too_little_tells_nothing(size: tuple[int, int]) -> None:
    assert quality_of(texture(*size)) is None


@pytest.mark.parametrize("quality", [30, 50, 80])
def test_what_it_lost_is_about_what_it_says(quality: int) -> None:
    again = compressed(small(), quality=quality)
    lost = 255 * (again - small()).square().mean().sqrt().item()
    assert lost / 2 < noise_of_quality(again, quality) < 2 * lost


def test_steps_are_those_of_the_library() -> None:
    file = io.BytesIO()
    PILImage.new("RGB", (8, 8)).save(file, "JPEG", quality=37)
    table = PILImage.open(file).quantization[0]  # row by row, as Pillow gives it
    assert np.array_equal(steps(37).flatten(), table)

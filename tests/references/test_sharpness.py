# SPDX-License-Identifier: Apache-2.0
"""A photo that was only enlarged is filtered less than one that shows more than the result."""

import io

import numpy as np
import pytest
import torch
from pictures import coffee, picture, related, target, tensor
from PIL import Image
from torch import Tensor

from searchtransfer import Reference
from searchtransfer.evaluation import psnr
from searchtransfer.images.resize import blurred, down, softened
from searchtransfer.models import TransferModel
from searchtransfer.references import photo as module
from searchtransfer.references.photo import Photo
from searchtransfer.references.sharpness import LEAST, beyond, part_of_filter

FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def enlarged(colour: Tensor, factor: int, kernel: str = "bicubic") -> Tensor:
    small = picture(colour)
    size = small.width * factor, small.height * factor
    return tensor(np.array(small.resize(size, FILTERS[kernel])))


def jpeg(colour: Tensor, quality: int) -> Tensor:
    file = io.BytesIO()
    picture(colour).save(file, "JPEG", quality=quality)
    return tensor(np.array(Image.open(file)))


def real() -> Tensor:
    """A photo that shows more than half its size can: with detail of one pixel."""
    return down(coffee(), 2)


@pytest.mark.parametrize("size", [(4, 4), (8, 9), (1, 40)])
def test_photos_without_detail_have_a_part_too(size: tuple[int, int]) -> None:
    assert LEAST <= part_of_filter(torch.full((3, *size), 0.5), 2.0) <= 1


def test_a_photo_that_shows_more_is_filtered_to_the_size_of_the_result() -> None:
    photo = real()
    assert beyond(photo, 2.0) > 0.28
    assert part_of_filter(photo, 2.0) == 1
    assert part_of_filter(photo, 3.0) == 1


@pytest.mark.parametrize("kernel", FILTERS)
def test_a_photo_that_was_only_enlarged_is_filtered_less(kernel: str) -> None:
    assert part_of_filter(enlarged(real(), 2, kernel), 2.0) < 0.9


def test_the_softer_a_photo_the_less_it_is_filtered() -> None:
    parts = [part_of_filter(blurred(real(), sigma), 2.0) for sigma in (0.0, 0.6, 0.7, 1.0)]
    assert parts == sorted(parts, reverse=True)
    assert parts[0] == 1
    assert 1 > parts[1] > parts[3] == LEAST


def test_what_hides_it_makes_a_photo_one_that_shows_more() -> None:
    soft = enlarged(real(), 2)
    noise = torch.randn(soft.shape, generator=torch.Generator().manual_seed(0))
    assert part_of_filter((soft + 4 / 255 * noise).clamp(0, 1), 2.0) == 1
    assert part_of_filter(jpeg(soft, 50), 2.0) > part_of_filter(soft, 2.0)


def test_few_pixels_do_not_tell() -> None:
    """At one and a half times the size both look alike."""
    assert part_of_filter(enlarged(real(), 2), 1.5) == 1


def test_a_real_photo_is_what_it_was_before() -> None:
    photo = real()
    source, _ = Photo(photo, 0, 4).softened(2.0)
    torch.testing.assert_close(source, softened(photo, 2.0), rtol=0, atol=0)


def test_an_enlarged_reference_brings_more(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = target()
    low = down(truth, 4).clamp(0, 1)
    large = enlarged(related(), 2)

    def made() -> float:
        colour = TransferModel(4).upscale(low, Reference.build([large], 4)).colour
        return psnr(colour.clamp(0, 1), truth)

    now = made()
    monkeypatch.setattr(module, "part_of_filter", lambda photo, factor: 1.0)
    assert now > made() + 0.1

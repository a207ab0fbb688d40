# SPDX-License-Identifier: Apache-2.0
"""How an image was reduced, told by its matches; and what knowing it is worth."""

import numpy as np
import pytest
import torch
from pictures import related, target, texture, unrelated
from PIL import Image as PILImage
from scipy.ndimage import gaussian_filter
from torch import Tensor
from wear.test_noise import noisy

from searchtransfer import Reference
from searchtransfer.evaluation import psnr
from searchtransfer.images import up
from searchtransfer.images.reduction import BICUBIC, Reduction
from searchtransfer.images.resize import down, reduced_everywhere
from searchtransfer.models import TransferModel
from searchtransfer.operators.agreement import shown
from searchtransfer.references.matching import match
from searchtransfer.wear import CLEAN, Wear

PILLOW = {
    "bicubic": PILImage.Resampling.BICUBIC,
    "area": PILImage.Resampling.BOX,
    "bilinear": PILImage.Resampling.BILINEAR,
    "lanczos": PILImage.Resampling.LANCZOS,
}


def by_pillow(colour: Tensor, kernel: str) -> Tensor:
    pixels = (colour * 255).round().byte().permute(1, 2, 0).numpy()
    size = colour.shape[2] // 4, colour.shape[1] // 4
    small = PILImage.fromarray(pixels).resize(size, PILLOW[kernel])
    return torch.from_numpy(np.array(small)).permute(2, 0, 1).float() / 255


def blurred(colour: Tensor, sigma: float) -> Tensor:
    return torch.from_numpy(gaussian_filter(colour.numpy(), (0, sigma, sigma)))


@pytest.mark.parametrize("kernel", PILLOW)
def test_filters_are_those_of_pillow(kernel: str) -> None:
    soft = 0.25 + target() / 2  # Pillow rounds and cuts off between rows and columns
    ours = Reduction(kernel).down(soft, 4)  # type: ignore[arg-type]
    assert (ours - by_pillow(soft, kernel)).abs().max() < 2 / 255


@pytest.mark.parametrize("kernel", PILLOW)
def test_everywhere_is_from_every_pixel(kernel: str) -> None:
    reduction = Reduction(kernel, 1.2)  # type: ignore[arg-type]
    picture = texture(48, 56)
    everywhere = reduction.everywhere(picture, 4)[:, ::4, ::4]
    inner = (slice(None), slice(3, -3), slice(3, -3))
    torch.testing.assert_close(
        everywhere[inner], reduction.down(picture, 4)[inner], atol=1e-5, rtol=0
    )


def test_bicubic_is_what_is_supposed() -> None:
    picture = texture(40, 44)
    assert torch.equal(BICUBIC.down(picture, 4), down(picture, 4))
    assert torch.equal(BICUBIC.everywhere(picture, 4), reduced_everywhere(picture, 4))


def found_reduction(small: Tensor) -> Reduction:
    return match(small, Reference.build([related()]), wear=Wear()).reduction


@pytest.mark.parametrize("kernel", ["bicubic", "area", "bilinear"])
def test_the_filter_is_told(kernel: str) -> None:
    assert found_reduction(by_pillow(target(), kernel)) == Reduction(kernel)  # type: ignore[arg-type]


def test_the_blur_is_told() -> None:
    found = found_reduction(by_pillow(blurred(target(), 2.4), "bicubic"))
    assert found.softness == pytest.approx(2.4, abs=0.5)


def test_what_shows_something_else_tells_nothing() -> None:
    found = match(by_pillow(target(), "area"), Reference.build([unrelated()]), wear=Wear())
    assert found.reduction == BICUBIC


def quality(small: Tensor, wear: Wear | None) -> float:
    model = TransferModel(wear=wear)
    return psnr(model.upscale(small, Reference.build([related()])).colour, target())


def test_a_blurred_image_gains() -> None:
    small = by_pillow(blurred(target(), 2.4), "bicubic")
    assert quality(small, None) > quality(small, CLEAN) + 2


def test_a_noisy_image_gains() -> None:
    small = noisy(by_pillow(target(), "bicubic"), 12.0)
    assert quality(small, None) > quality(small, CLEAN) + 1
    assert quality(small, None) > psnr(up(small, 4), target()) + 2


def test_noise_lets_no_other_photo_in() -> None:
    small = noisy(by_pillow(target(), "bicubic"), 12.0)
    found = match(small, Reference.build([unrelated()]), wear=Wear(12.0))
    assert shown(found.agreement).mean() < 0.05


def test_tiles_of_a_worn_image_give_the_same() -> None:
    small = noisy(by_pillow(blurred(target(), 1.6), "bicubic"), 8.0)
    model, reference = TransferModel(), Reference.build([related()])
    whole, pieces = (model.upscale(small, reference, tile=side) for side in (0, 11))
    torch.testing.assert_close(pieces.colour, whole.colour, atol=1e-4, rtol=0)
    assert whole.wear == pieces.wear

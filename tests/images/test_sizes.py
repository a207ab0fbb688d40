# SPDX-License-Identifier: Apache-2.0
"""Results of any size: what is wished for, and one good reduction."""

import pytest
import torch
from pictures import coffee, related, target, texture

from searchtransfer import Upscaler
from searchtransfer.errors import OptionError
from searchtransfer.evaluation import psnr
from searchtransfer.images import Image, degrade, up
from searchtransfer.images.sizes import SizeWish, check_within, parse_frame, reduced_to


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (SizeWish(), None),
        (SizeWish(2.5), (75, 100)),
        (SizeWish(width=100), (75, 100)),
        (SizeWish(height=60), (60, 80)),
        (SizeWish(width=90, height=90), (90, 90)),
        (SizeWish(fit=(100, 1000)), (75, 100)),
        (SizeWish(fit=(1920, 60)), (60, 80)),
        (SizeWish(width=1), (1, 1)),
    ],
)
def test_wishes(wish: SizeWish, expected: tuple[int, int] | None) -> None:
    assert wish.of((30, 40)) == expected
    assert bool(wish) == (expected is not None)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(OptionError, match="a scale, or width and height, or a frame"):
        SizeWish(2.0, width=30)
    with pytest.raises(OptionError, match="a scale, or width and height, or a frame"):
        SizeWish(height=30, fit=(10, 10))
    with pytest.raises(OptionError, match="from 1 to"):
        SizeWish(width=0)
    with pytest.raises(OptionError, match="scale must be above 1"):
        SizeWish(1.0)
    for words in ("", "1920", "1920x", "axb", "10x-3", "1e3x5"):
        with pytest.raises(OptionError, match="WIDTHxHEIGHT as in 1920x1080"):
            parse_frame(words)
    assert parse_frame(" 1920X1080 ") == (1920, 1080)


def test_larger_than_the_model_makes_is_refused() -> None:
    check_within((120, 160), (30, 40), 4)
    with pytest.raises(OptionError, match=r"161 x 120 pixels .* 160 x 120; .*scale=8, -s 8"):
        check_within((120, 161), (30, 40), 4)
    with pytest.raises(OptionError, match="scale must be above 1, up to 8, got 9"):
        Upscaler.from_pretrained(scale=9)
    with pytest.raises(OptionError, match="pixels are wanted"):
        Upscaler.from_pretrained().upscale(texture(6, 7), size=(30, 20))


def test_a_constant_stays_one_and_edges_have_no_fringes() -> None:
    colour = torch.tensor([0.9, 0.2, 0.1])[:, None, None].expand(3, 40, 40).clone()
    alpha = torch.ones(1, 40, 40)
    alpha[:, :, 17:] = 0
    colour[:, :, 17:] = 0  # as painting programs leave it
    small = reduced_to(Image(colour, alpha, 16), (13, 13))
    assert small.size == (13, 13) and small.alpha is not None and small.bits == 16
    seen = (small.alpha > 0.01).expand(3, -1, -1)
    expected = torch.tensor([0.9, 0.2, 0.1])[:, None, None].expand(3, 13, 13)
    assert (small.colour - expected)[seen].abs().max() < 0.02


@pytest.mark.parametrize("scale", [2, 3, 8, 2.5, 1.5, 4])
def test_alone_at_every_scale(scale: float) -> None:
    small = degrade(coffee()[:, 100:196, 200:320], 4)
    result = Upscaler.from_pretrained(scale=scale).upscale(small)
    assert result.image.shape == (3, round(24 * scale), round(30 * scale))
    assert result.whole.shape[1] in {24 * x for x in (2, 3, 4, 8)}


@pytest.mark.parametrize("scale", [2, 3])
def test_alone_beats_bicubic_at_two_and_three(scale: int) -> None:
    truth = coffee()[:, 100:244, 200:416]
    small = degrade(truth, scale)
    result = Upscaler.from_pretrained(scale=scale).upscale(small)
    assert psnr(result.image, truth) > psnr(up(small, scale), truth) + 1


def test_with_a_reference_between_the_scales() -> None:
    small = degrade(target(), 4)
    upscaler = Upscaler.from_pretrained("transfer", scale=3.5)
    result = upscaler.upscale(small, related())
    assert result.image.shape == (3, 112, 140)
    assert result.whole.shape == (3, 128, 160)
    assert psnr(result.whole, target()) > psnr(up(small, 4), target()) + 3
    same = Upscaler.from_pretrained("transfer").upscale(small, related(), size=(112, 140))
    torch.testing.assert_close(same.image, result.image)

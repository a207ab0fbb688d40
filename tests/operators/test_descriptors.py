# SPDX-License-Identifier: Apache-2.0
"""Descriptors: normalised cross-correlation by a cosine, and what it does not see."""

import pytest
import torch
import torch.nn.functional as F
from pictures import texture
from torch import Tensor

from searchtransfer.operators.descriptors import (
    CHROMA,
    LUMA,
    SIDE,
    coefficients,
    coefficients_of,
    describe,
    described,
    described_luma,
    frequencies,
)

COUNT = LUMA + 2 * CHROMA


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Of all pairs of pixels, `[H*W, H*W]`."""
    return F.normalize(a.flatten(1), dim=0).T @ F.normalize(b.flatten(1), dim=0)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (5, 9)])
def test_any_size(size: tuple[int, int]) -> None:
    features = describe(torch.rand(3, *size))
    assert features.shape == (COUNT, *size)
    assert features.isfinite().all()


def test_one_pixel_has_no_structure() -> None:
    assert describe(torch.rand(3, 1, 1)).eq(0).all()


def test_cosine_is_normalised_cross_correlation_on_grey_pictures() -> None:
    """All of the luma is kept, so without chroma nothing is lost but the mean."""
    a, b = texture(6, 7, 1)[:1].double(), texture(6, 7, 2)[:1].double()

    def patches(x: Tensor) -> Tensor:
        columns = F.unfold(F.pad(x[None], (2, 2, 2, 2), mode="replicate"), SIDE)[0]
        return F.normalize(columns - columns.mean(0), dim=0)

    ours = cosines(coefficients(a.expand(3, -1, -1)), coefficients(b.expand(3, -1, -1)))
    torch.testing.assert_close(ours, patches(a).T @ patches(b), rtol=0, atol=1e-12)


def test_norm_is_the_size_of_the_patch_without_its_mean() -> None:
    """For grey pictures: `sqrt(3)` for the three equal channels."""
    a = texture(9, 9).double()[:1].expand(3, -1, -1)
    patch = a[0, 2:7, 1:6]
    expected = 3**0.5 * (patch - patch.mean()).norm()
    torch.testing.assert_close(coefficients(a)[:, 4, 3].norm(), expected)


def test_norm_never_exceeds_that_of_the_patch() -> None:
    """The basis is orthonormal; fine chroma is left out."""
    a = torch.rand(3, 9, 9, dtype=torch.float64)
    patch = a[:, 2:7, 2:7]
    full = (patch - patch.mean((1, 2), keepdim=True)).norm()
    assert 0.5 * full < coefficients(a)[:, 4, 4].norm() < full


def test_descriptors_weigh_waves_by_their_frequency() -> None:
    """A wave of twice the frequency counts four times as much in a product of two patches."""
    step = torch.arange(SIDE)
    for i, j in ((1, 0), (2, 0), (2, 2), (0, 4)):
        wave = torch.cos(torch.pi * (step + 0.5) * i / SIDE)[:, None] * torch.cos(
            torch.pi * (step + 0.5) * j / SIDE
        )
        patch = wave.expand(3, SIDE, SIDE)
        plain, weighed = (x(patch)[:, 2, 2].norm() for x in (coefficients, describe))
        torch.testing.assert_close(weighed / plain, torch.tensor(float(i**2 + j**2)).sqrt())


def test_length() -> None:
    """24 of luma, 9 of each chroma: what references in files hold."""
    assert describe(texture(3, 4)).shape == (42, 3, 4)


def test_noise_counts_alike_in_all_waves() -> None:
    """16 levels of it as much as two photos differ in their slowest wave."""
    wave = frequencies()
    assert wave[0] == wave[1] == 1
    for noise in (4.0, 16.0, 50.0):
        expected = 1 / (1 / wave.double().square() + (noise / 16) ** 2).sqrt()
        torch.testing.assert_close(frequencies(noise).double(), expected, rtol=1e-6, atol=0)
    assert frequencies(16.0)[0].item() == pytest.approx(0.5**0.5)
    picture = texture(7, 8)
    weighed = coefficients(picture) * frequencies(9.0)[:, None, None]
    torch.testing.assert_close(describe(picture, 9.0), weighed)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.7, 1000.0])
def test_constant_patches_are_exactly_zero(value: float) -> None:
    patches = torch.full((3, 4, SIDE**2), value)
    patches[1] *= 0.3
    assert coefficients_of(patches).eq(0).all()
    patches[:, 2, 12] *= 1 - 1 / 65535
    seen = coefficients_of(patches).norm(dim=1) > 0
    assert seen.tolist() == [False, False, True, False]


@pytest.mark.parametrize("noise", [0.0, 7.0])
def test_coefficients_of_patches_are_those_of_the_picture(noise: float) -> None:
    picture = texture(7, 8)
    padded = F.pad(picture[None], (2, 2, 2, 2), mode="replicate")[0]
    patches = padded.unfold(1, SIDE, 1).unfold(2, SIDE, 1)
    rows = patches.reshape(3, 7 * 8, SIDE**2)
    expected = coefficients(picture).flatten(1).T
    torch.testing.assert_close(coefficients_of(rows), expected)
    weighed = describe(picture, noise).flatten(1).T
    torch.testing.assert_close(described(rows, noise), weighed)
    # Luma alone, of patches of the mean of the channels.
    luma = described_luma(rows.mean(0), noise)
    torch.testing.assert_close(luma, weighed[:, :LUMA], atol=1e-5, rtol=0)
    if not noise:
        assert torch.equal(described(rows), described(rows, 0.0))
        assert torch.equal(described_luma(rows.mean(0)), luma)
        assert torch.equal(describe(picture), describe(picture, 0.0))
    flat = torch.full((3, 4, SIDE**2), 0.7)
    assert coefficients_of(flat).eq(0).all()


def test_brightness_and_contrast_do_not_turn_it() -> None:
    a = texture(8, 8)
    same = cosines(describe(a), describe(0.3 * a + 0.5)).diagonal()
    torch.testing.assert_close(same, torch.ones(64), rtol=0, atol=1e-5)
    assert cosines(describe(a), describe(a.flip(1))).diagonal().max() < 0.99


def test_shifts_with_the_picture() -> None:
    a = texture(12, 13)
    torch.testing.assert_close(describe(a[:, 2:, 3:])[:, 2:, 2:], describe(a)[:, 4:, 5:])


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 0.7, 1.0, 1000.0])
def test_constant_is_exactly_zero(value: float) -> None:
    assert describe(torch.full((3, 6, 6), value)).eq(0).all()
    tinted = torch.tensor([0.9, value, 0.2])[:, None, None].expand(3, 6, 6)
    assert describe(tinted).eq(0).all()


@pytest.mark.parametrize("levels", [255, 65535])
def test_one_step_of_one_pixel_is_seen(levels: int) -> None:
    picture = torch.ones(3, 9, 9)
    picture[:, 4, 4] -= 1 / levels
    seen = describe(picture).norm(dim=0) > 0
    assert seen[2:7, 2:7].all()
    assert seen.sum() == 25


def test_input_is_left_alone() -> None:
    a = texture(5, 5)
    before = a.clone()
    describe(a)
    assert torch.equal(a, before)

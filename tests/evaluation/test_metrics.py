# SPDX-License-Identifier: Apache-2.0
"""Metrics against scikit-image, on luma computed in NumPy here."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from searchtransfer.errors import DTypeError, NonFiniteError, OptionError, ShapeError
from searchtransfer.evaluation import psnr, ssim

SIDE = st.integers(20, 40)


def luma(image, profile):
    values = np.rint(image.double().clamp(0, 1).numpy() * 255).transpose(1, 2, 0)
    plane = values @ np.array([65.738, 129.057, 25.064]) / 256 + 16
    return plane if profile == "ttsr" else plane[4:-4, 4:-4]


def pair(height, width, noise):
    target = torch.rand(3, height, width)
    return target + noise * torch.randn(3, height, width), target  # leaves [0, 1] on purpose


@pytest.mark.parametrize("profile", ["ttsr", "c2"])
@given(height=SIDE, width=SIDE, noise=st.sampled_from([0.01, 0.1, 0.5]))
def test_psnr(profile, height, width, noise):
    image, target = pair(height, width, noise)
    expected = peak_signal_noise_ratio(luma(target, profile), luma(image, profile), data_range=255)
    assert psnr(image, target, profile) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("profile", ["ttsr", "c2"])
@given(height=SIDE, width=SIDE, noise=st.sampled_from([0.01, 0.1, 0.5]))
def test_ssim(profile, height, width, noise):
    image, target = pair(height, width, noise)
    expected = structural_similarity(
        luma(target, profile),
        luma(image, profile),
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(image, target, profile) == pytest.approx(expected, abs=1e-9)


def test_identical():
    image = torch.rand(3, 20, 20)
    assert psnr(image, image) == math.inf
    assert psnr(torch.zeros(3, 1, 1), torch.zeros(3, 1, 1)) == math.inf
    assert ssim(image, image) == pytest.approx(1)
    assert ssim(torch.zeros(3, 20, 20), torch.zeros(3, 20, 20)) == 1


def test_the_profiles_differ():
    image, target = pair(20, 20, 0.1)
    image[:, 4:-4, 4:-4] = target[:, 4:-4, 4:-4]
    assert psnr(image, target, "c2") == math.inf
    assert psnr(image, target, "ttsr") < 40


def test_rounding_comes_first():
    image = torch.full((3, 11, 11), 100.4 / 255)
    assert psnr(image, torch.full((3, 11, 11), 99.6 / 255)) == math.inf


def test_known_value():
    target = torch.full((3, 11, 11), 100 / 255)
    error = 10 * (65.738 + 129.057 + 25.064) / 256
    assert psnr(target + 10 / 255, target) == pytest.approx(20 * math.log10(255 / error))


@pytest.mark.usefixtures("as_users_run")
class TestErrors:
    @pytest.mark.parametrize("metric", [psnr, ssim])
    def test_arguments(self, metric):
        name = metric.__name__
        good = torch.rand(3, 20, 20)
        with pytest.raises(OptionError, match=f"{name}: profile must be 'ttsr' or 'c2', got 'y'"):
            metric(good, good, "y")
        with pytest.raises(
            ShapeError, match=rf"{name}: image \[3, 20, 20\] and target \[3, 20, 19"
        ):
            metric(good, good[..., 1:])
        with pytest.raises(ShapeError, match=rf"{name}: .* must be \[3, H, W\]"):
            metric(good[:1], good[:1])
        with pytest.raises(DTypeError, match=f"{name}: image must be floating point"):
            metric(good.int(), good.int())
        with pytest.raises(NonFiniteError, match=f"{name}: target holds NaN"):
            metric(good, torch.full_like(good, torch.nan))

    def test_sizes(self):
        small = torch.rand(3, 10, 30)
        with pytest.raises(ShapeError, match="H and W at least 11"):
            ssim(small, small)
        with pytest.raises(ShapeError, match="H and W at least 19"):
            ssim(torch.rand(3, 18, 30), torch.rand(3, 18, 30), "c2")
        with pytest.raises(ShapeError, match="H and W at least 9"):
            psnr(torch.rand(3, 8, 8), torch.rand(3, 8, 8), "c2")

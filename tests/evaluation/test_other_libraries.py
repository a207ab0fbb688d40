# SPDX-License-Identifier: Apache-2.0
"""PSNR and SSIM once more against kornia; scikit-image is in `test_metrics`."""

import kornia
import pytest
import torch

from searchtransfer.evaluation import psnr, ssim


def luma(image):
    red, green, blue = image.double().clamp(0, 1).mul(255).round()
    return ((65.738 * red + 129.057 * green + 25.064 * blue) / 256 + 16)[None, None]


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("profile", ["ttsr", "c2"])
def test_the_same_as_kornia(profile, noise):
    target = torch.rand(3, 31, 40)
    image = target + noise * torch.randn(3, 31, 40)
    border = slice(None) if profile == "ttsr" else slice(4, -4)
    x, y = (luma(picture)[..., border, border] for picture in (image, target))
    expected = kornia.metrics.psnr(x, y, 255.0).item()
    assert psnr(image, target, profile) == pytest.approx(expected, abs=1e-6)
    expected = kornia.metrics.ssim(x, y, 11, 255.0, padding="valid").mean().item()
    assert ssim(image, target, profile) == pytest.approx(expected, abs=1e-6)

# SPDX-License-Identifier: Apache-2.0
"""Perceptual loss: images are alike if VGG sees them alike (Johnson et al., 2016)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ...networks.vgg import VGGFeatures


class PerceptualLoss(nn.Module):
    """Mean squared difference of relu5_1 (TTSR, equation 7, first term).

    Args:
        vgg: VGG19 (TTSR's choice) or VGG16 with its weights loaded; it is frozen here.
    """

    def __init__(self, vgg: VGGFeatures) -> None:
        super().__init__()
        self.vgg = vgg.requires_grad_(False).eval()

    def forward(
        self, sr: Float[Tensor, "b 3 h w"], hr: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, ""]:
        """The loss of RGB images in [-1, 1], at least 16x16; the gradient reaches `sr` alone."""
        with torch.no_grad():
            target = self.vgg((hr + 1) / 2)
        return F.mse_loss(self.vgg((sr + 1) / 2), target)

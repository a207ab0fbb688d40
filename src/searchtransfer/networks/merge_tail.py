# SPDX-License-Identifier: Apache-2.0
"""TTSR's last part: three scales become one image."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .blocks import conv1x1, conv3x3, upsample


class MergeTail(nn.Module):
    """Merge the scales at full size and project to RGB."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv13 = conv1x1(features, features)
        self.conv23 = conv1x1(features, features)
        self.conv_merge = conv3x3(3 * features, features)
        self.conv_tail1 = conv3x3(features, features // 2)
        self.conv_tail2 = conv1x1(features // 2, 3)

    def forward(
        self,
        x1: Float[Tensor, "b c h w"],
        x2: Float[Tensor, "b c 2*h 2*w"],
        x3: Float[Tensor, "b c 4*h 4*w"],
    ) -> Float[Tensor, "b 3 4*h 4*w"]:
        """The image, clamped to [-1, 1]."""
        x13 = F.relu(self.conv13(upsample(x1, 4)))
        x23 = F.relu(self.conv23(upsample(x2, 2)))
        merged = F.relu(self.conv_merge(torch.cat((x3, x13, x23), 1)))
        image: Tensor = self.conv_tail2(self.conv_tail1(merged))
        return image.clamp(-1, 1)

# SPDX-License-Identifier: Apache-2.0
"""TTSR's first part: features of the low-resolution image alone (SFE)."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .blocks import conv3x3, residual_blocks


class ShallowFeatures(nn.Module):
    """A convolution, a chain of residual blocks, and a skip around the chain."""

    def __init__(self, blocks: int, features: int, residual_scale: float = 1.0) -> None:
        super().__init__()
        self.conv_head = conv3x3(3, features)
        self.RBs = residual_blocks(blocks, features, residual_scale)
        self.conv_tail = conv3x3(features, features)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Features `[B, features, H, W]` of an RGB image `[B, 3, H, W]` in [-1, 1]."""
        head = F.relu(self.conv_head(lr))
        deep: Tensor = self.conv_tail(self.RBs(head))
        return head + deep

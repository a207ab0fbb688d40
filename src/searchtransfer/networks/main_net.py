# SPDX-License-Identifier: Apache-2.0
"""TTSR's main network: textures enter at three scales, weighted by the soft attention.

Digits in layer names are stage and scale: `conv22_head` belongs to stage 2 and scale x2.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .blocks import ResidualBlock, conv3x3, residual_blocks, upsample
from .cross_scale import CrossScale2, CrossScale3
from .merge_tail import MergeTail
from .shallow_features import ShallowFeatures


class MainNet(nn.Module):
    """From a small image and its textures to the large image.

    Args:
        blocks: residual blocks of the shallow features and of stages 1, 2 and 3.
        features: channels everywhere; even.
        residual_scale: factor on every residual branch.
        texture_channels: channels of the textures at full, half and quarter size.
    """

    def __init__(
        self,
        blocks: Sequence[int] = (16, 16, 8, 4),
        features: int = 64,
        residual_scale: float = 1.0,
        texture_channels: Sequence[int] = (64, 128, 256),
    ) -> None:
        super().__init__()
        shallow, first, second, third = blocks
        channels1, channels2, channels3 = texture_channels

        def chain(count: int) -> nn.Sequential:
            return residual_blocks(count, features, residual_scale)

        self.SFE = ShallowFeatures(shallow, features, residual_scale)

        self.conv11_head = conv3x3(features + channels3, features)
        self.RB11 = chain(first)
        self.conv11_tail = conv3x3(features, features)
        self.conv12 = conv3x3(features, 4 * features)
        self.ps12 = nn.PixelShuffle(2)

        self.conv22_head = conv3x3(features + channels2, features)
        self.ex12 = CrossScale2(features)
        self.RB21 = chain(second)
        self.RB22 = chain(second)
        self.conv21_tail = conv3x3(features, features)
        self.conv22_tail = conv3x3(features, features)
        self.conv23 = conv3x3(features, 4 * features)
        self.ps23 = nn.PixelShuffle(2)

        self.conv33_head = conv3x3(features + channels1, features)
        self.ex123 = CrossScale3(features)
        self.RB31 = chain(third)
        self.RB32 = chain(third)
        self.RB33 = chain(third)
        self.conv31_tail = conv3x3(features, features)
        self.conv32_tail = conv3x3(features, features)
        self.conv33_tail = conv3x3(features, features)

        self.merge_tail = MergeTail(features)
        self.reach = _reach(*blocks)
        """Cells around a pixel of the result that can change it."""

    def forward(
        self,
        lr: Float[Tensor, "b 3 h w"],
        score: Float[Tensor, "b 1 h w"],
        t3: Float[Tensor, "b c3 h w"],
        t2: Float[Tensor, "b c2 2*h 2*w"],
        t1: Float[Tensor, "b c1 4*h 4*w"],
    ) -> Float[Tensor, "b 3 4*h 4*w"]:
        """The large image in [-1, 1] from the small one in [-1, 1], of any size."""
        x1 = self.SFE(lr)
        x1 = x1 + self.conv11_head(torch.cat((x1, t3), 1)) * score
        x1 = x1 + self.conv11_tail(self.RB11(x1))

        x2 = F.relu(self.ps12(self.conv12(x1)))
        x2 = x2 + self.conv22_head(torch.cat((x2, t2), 1)) * upsample(score, 2)
        mixed1, mixed2 = self.ex12(x1, x2)
        x1 = x1 + self.conv21_tail(self.RB21(mixed1))
        x2 = x2 + self.conv22_tail(self.RB22(mixed2))

        x3 = F.relu(self.ps23(self.conv23(x2)))
        x3 = x3 + self.conv33_head(torch.cat((x3, t1), 1)) * upsample(score, 4)
        mixed1, mixed2, mixed3 = self.ex123(x1, x2, x3)
        x1 = x1 + self.conv31_tail(self.RB31(mixed1))
        x2 = x2 + self.conv32_tail(self.RB32(mixed2))
        x3 = x3 + self.conv33_tail(self.RB33(mixed3))

        image: Tensor = self.merge_tail(x1, x2, x3)
        return image


def _reach(shallow: int, first: int, second: int, third: int) -> int:
    """How far the result sees, in pixels of the small image, from the depth of each stage.

    A 3x3 convolution at scale s sees 1/s further, one of stride 2 at most 1, bicubic enlarging 2.
    Numbers are of the features at scales 1, 2 and 4, in the order of `MainNet.forward`.
    """
    at1: float = (2 * shallow + 2) + (2 * first + 2)
    at2 = at1 + 1 + 1 / 2
    at1, at2 = max(at1, at2 + 1) + 1, max(at2, at1 + 2) + 1 / 2
    at1, at2 = at1 + 2 * second + 1, at2 + (2 * second + 1) / 2
    at4 = at2 + 1 / 2 + 1 / 4
    at1, at2, at4 = (
        max(at1, at2 + 1, at4 + 2) + 1,
        max(at2, at1 + 2, at4 + 1) + 1 / 2,
        max(at4, at1 + 2, at2 + 1) + 1 / 4,
    )
    depth = 2 * third + 1
    at1, at2, at4 = at1 + depth, at2 + depth / 2, at4 + depth / 4
    return math.ceil(max(at4, at1 + 2, at2 + 1) + 1 / 4 + 1 / 4)


def begin_with_nothing(net: MainNet) -> None:
    """Start such that the output is zero, and no layer before it loses the signal.

    Torch's own start shrinks the signal in each convolution, to nothing after a dozen of them. Here
    each keeps its size; residual blocks begin as the identity, and the last layer at zero.
    """
    if net.merge_tail.conv_tail2.weight.is_meta:
        return  # nothing to draw for, and torch would import its compiler to draw it
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    for block in net.modules():
        if isinstance(block, ResidualBlock):
            nn.init.zeros_(block.conv2.weight)
    nn.init.zeros_(net.merge_tail.conv_tail2.weight)

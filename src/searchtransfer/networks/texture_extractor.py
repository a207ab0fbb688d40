# SPDX-License-Identifier: Apache-2.0
"""The learnable texture extractor (LTE): the first layers of VGG19, at three scales."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import OptionError
from .blocks import conv3x3
from .vgg import IMAGENET_MEAN, IMAGENET_STD

REACH = 3
"""Cells of level 3 around a cell of any level that can change it."""


class Levels(NamedTuple):
    """Features of one image; sides of level 1 are the image's, rounded up to multiples of 4."""

    level1: Float[Tensor, "b c1 h4 w4"]
    """relu1_1, full size, 64 channels by default."""
    level2: Float[Tensor, "b c2 h2 w2"]
    """relu2_1, half size, 128 channels by default."""
    level3: Float[Tensor, "b c3 h w"]
    """relu3_1, quarter size, 256 channels by default."""


class TextureExtractor(nn.Module):
    """Features of an RGB image at full, half and quarter size.

    Layers have the numbers of torchvision's `vgg19.features`. All are trained except `sub_mean`,
    the ImageNet normalisation written as a convolution.

    Args:
        channels: channels of the three levels; VGG19 weights fit (64, 128, 256) only.

    Raises:
        OptionError: a number of channels is below 1.
    """

    def __init__(self, channels: Sequence[int] = (64, 128, 256)) -> None:
        super().__init__()
        if len(channels) != 3 or min(channels) < 1:
            raise OptionError(
                f"TextureExtractor: channels must be three numbers of at least 1, got {channels}"
            )
        self.channels = c1, c2, c3 = tuple(channels)
        self.sub_mean = _normalisation()
        self.slice1 = _numbered({0: conv3x3(3, c1), 1: nn.ReLU()})
        self.slice2 = _numbered(
            {
                2: conv3x3(c1, c1),
                3: nn.ReLU(),
                4: nn.MaxPool2d(2),
                5: conv3x3(c1, c2),
                6: nn.ReLU(),
            }
        )
        self.slice3 = _numbered(
            {
                7: conv3x3(c2, c2),
                8: nn.ReLU(),
                9: nn.MaxPool2d(2),
                10: conv3x3(c2, c3),
                11: nn.ReLU(),
            }
        )

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Levels:
        """Features of an image.

        Args:
            image: `[B, 3, H, W]`, RGB in [0, 1]. Where H or W is no multiple of 4, the last row or
                column is repeated until it is; otherwise the image is used as it stands.
        """
        height, width = image.shape[-2:]
        if height % 4 or width % 4:
            image = F.pad(image, (0, -width % 4, 0, -height % 4), mode="replicate")
        level1 = self.slice1(self.sub_mean(image))
        level2 = self.slice2(level1)
        return Levels(level1, level2, self.slice3(level2))


def _numbered(layers: dict[int, nn.Module]) -> nn.Sequential:
    """A chain whose layers keep their numbers in VGG19."""
    chain = nn.Sequential()
    for number, layer in layers.items():
        chain.add_module(str(number), layer)
    return chain


def _normalisation() -> nn.Conv2d:
    """`(x - mean) / std` per channel as a frozen 1x1 convolution."""
    layer = nn.Conv2d(3, 3, 1)
    mean, std = (layer.weight.new_tensor(x) for x in (IMAGENET_MEAN, IMAGENET_STD))
    layer.weight = nn.Parameter(torch.diag(1 / std).reshape(3, 3, 1, 1), requires_grad=False)
    layer.bias = nn.Parameter(-mean / std, requires_grad=False)
    return layer

# SPDX-License-Identifier: Apache-2.0
"""VGG up to relu5_1: what the perceptual loss compares images by."""

from collections.abc import Mapping
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from ..errors import OptionError
from .blocks import conv3x3

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Convolutions of each stage up to conv5_1; a max-pool stands between stages.
_DEPTHS: Mapping[str, tuple[int, ...]] = {"vgg19": (2, 2, 4, 4, 1), "vgg16": (2, 2, 3, 3, 1)}
_CHANNELS = (64, 128, 256, 512, 512)


class VGGFeatures(nn.Module):
    """relu5_1 of VGG16 or VGG19, layers under torchvision's numbers (`features.N.weight`).

    Args:
        kind: "vgg19" (TTSR's choice) or "vgg16".

    Raises:
        OptionError: kind is neither.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, kind: Literal["vgg19", "vgg16"] = "vgg19") -> None:
        super().__init__()
        if kind not in _DEPTHS:
            raise OptionError(f"VGGFeatures: kind must be 'vgg19' or 'vgg16', got {kind!r}")
        self.kind = kind
        self.features = nn.Sequential(*_layers(_DEPTHS[kind]))
        like = next(self.features.parameters()).detach()
        for name, values in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
            self.register_buffer(name, like.new_tensor(values).reshape(3, 1, 1), persistent=False)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 512 hh ww"]:
        """relu5_1 at 1/16 of the size (at least 16x16) of an RGB image in [0, 1]."""
        features: Tensor = self.features((image - self.mean) / self.std)
        return features


def _layers(depths: tuple[int, ...]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for stage, (depth, width) in enumerate(zip(depths, _CHANNELS, strict=True)):
        if stage:
            layers.append(nn.MaxPool2d(2))
        for _ in range(depth):
            layers += [conv3x3(channels, width), nn.ReLU()]
            channels = width
    return layers

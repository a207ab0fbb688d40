# SPDX-License-Identifier: Apache-2.0
"""The critic of TTSR's adversarial loss (WGAN-GP): one unbounded number an image."""

from jaxtyping import Float
from torch import Tensor, nn

from ..errors import OptionError, ShapeError
from .blocks import conv3x3

_WIDTHS = (1, 2, 4, 8, 16)  # of the five stages, in units of `features`


class Discriminator(nn.Module):
    """Ten 3x3 convolutions, each second one halving the size, then two linear layers.

    No batch normalisation: the gradient penalty is defined for each sample alone.

    Args:
        size: side of the square images it judges, in pixels; fixed by the linear layer.
        features: channels of the first stage; they double at every stage.
        hidden: width of the first linear layer.

    Raises:
        OptionError: an argument is below 1.
    """

    def __init__(self, size: int = 160, features: int = 32, hidden: int = 1024) -> None:
        super().__init__()
        if min(size, features, hidden) < 1:
            raise OptionError(
                "Discriminator: size, features and hidden must be at least 1, "
                f"got size={size}, features={features}, hidden={hidden}"
            )
        self.size = size
        layers: list[nn.Module] = []
        channels, side = 3, size
        for width in (features * n for n in _WIDTHS):
            layers += [conv3x3(channels, width), nn.LeakyReLU(0.2)]
            layers += [conv3x3(width, width, stride=2), nn.LeakyReLU(0.2)]
            channels, side = width, -(-side // 2)
        self.convolutions = nn.Sequential(*layers)
        self.judgement = nn.Sequential(
            nn.Linear(channels * side * side, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1)
        )

    def forward(self, image: Float[Tensor, "b 3 n n"]) -> Float[Tensor, "b 1"]:
        """The critic's number for each RGB image in [-1, 1]; higher means more like a photo.

        Raises:
            ShapeError: the image is not `[B, 3, size, size]`.
        """
        if image.shape[1:] != (3, self.size, self.size):
            raise ShapeError(
                f"Discriminator: image must be [B, 3, {self.size}, {self.size}], "
                f"got {list(image.shape)}; crop it, or build the critic with another size"
            )
        number: Tensor = self.judgement(self.convolutions(image).flatten(1))
        return number

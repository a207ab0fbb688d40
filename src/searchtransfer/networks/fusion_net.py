# SPDX-License-Identifier: Apache-2.0
"""FusionNet: learns which of the transferred texture to trust, and what to do without it.

Everything happens on the grid of the low-resolution image. The result is

    bicubic + gate_1 * transferred + gate_2 * detail + residual

with two gates per pixel and a residual per sample, all from the same features. At the start the
residual and the second gate are 0 and the first gate is 1: an untrained network is the model
without learning, and every step of training is a step away from it. Without a reference all
evidence is 0 and the residual alone works, as in any single-image network.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import OptionError, ShapeError
from ..images.resize import up
from ..weights.arguments import MAX_BLOCKS, MAX_CHANNELS, Argument, OneOf, Whole, faults_of
from ..weights.pretrained import Pretrained
from .blocks import conv3x3, residual_blocks

MAPS = 7
"""Maps of evidence; what they are is known to those who make them (`models.evidence`)."""


LEVELS = 16.0
"""Grey levels of noise that the network is shown as 1."""


class Evidence(NamedTuple):
    """What the search and the blend found, for a batch of images."""

    detail: Float[Tensor, "b 3 hs ws"]
    """Blended high-frequency texture, not faded."""
    transferred: Float[Tensor, "b 3 hs ws"]
    """Result of the model without learning, minus bicubic."""
    maps: Float[Tensor, "b 7 h w"]
    """Scores and the like, each about 0 to 1."""


class FusionNet(Pretrained):
    """Residual blocks on the low-resolution grid, gates and residual on the sharp one.

    Args:
        features: channels of the blocks.
        blocks: how many.
        scale: how many times larger the result is: 2, 3, 4 or 8.

    Raises:
        OptionError: a number is outside its range.
    """

    architecture: ClassVar[str] = "fusion"
    arguments: ClassVar[Mapping[str, Argument]] = {
        "features": Whole(1, MAX_CHANNELS),
        "blocks": Whole(0, MAX_BLOCKS),
        "scale": OneOf((2, 3, 4, 8)),
    }

    def __init__(self, features: int = 64, blocks: int = 16, scale: int = 4) -> None:
        super().__init__()
        config = {"features": features, "blocks": blocks, "scale": scale}
        faults = faults_of(config, self.arguments)
        if faults:
            raise OptionError(f"FusionNet: {'; '.join(faults)}")
        self.config: dict[str, Any] = config
        self.scale = scale
        cells = self.scale**2
        self.head = conv3x3(3 + 6 * cells + MAPS + 1, features)
        self.body = residual_blocks(blocks, features)
        self.gather = conv3x3(features, features)
        self.tail = conv3x3(features, (3 + 2) * cells)
        self._start_without_learning()

    @property
    def reach(self) -> int:
        """Cells on either side of a cell that can change it: one for each convolution."""
        return 2 * len(self.body) + 3

    def forward(
        self,
        low: Float[Tensor, "b 3 h w"],
        evidence: Evidence | None = None,
        noise: Float[Tensor, "b 1 h w"] | None = None,
    ) -> Float[Tensor, "b 3 hs ws"]:
        """Enlarge.

        Args:
            low: low-resolution images in [0, 1].
            evidence: from the reference; None without one.
            noise: of the images, in grey levels; None for clean ones.

        Returns:
            In [0, 1] up to overshoots.

        Raises:
            ShapeError: the evidence does not fit the image.
        """
        if evidence is None:
            evidence = no_evidence(low, self.scale)
        return self.compose(low, evidence, self.correct(low, evidence, noise))

    def correct(
        self,
        low: Float[Tensor, "b 3 h w"],
        evidence: Evidence,
        noise: Float[Tensor, "b 1 h w"] | None = None,
    ) -> Float[Tensor, "b 5 hs ws"]:
        """Residual and both gates: all that is learned. May run in lower precision."""
        _check(low, evidence, self.scale)
        levels = low.new_zeros(len(low), 1, *low.shape[2:]) if noise is None else noise / LEVELS
        textures = [F.pixel_unshuffle(x, self.scale) for x in evidence[:2]]
        shallow = self.head(
            torch.cat([low - 0.5, *(4 * x for x in textures), evidence.maps, levels], 1)
        )
        features = shallow + self.gather(self.body(shallow))
        return F.pixel_shuffle(self.tail(features), self.scale)

    def compose(
        self,
        low: Float[Tensor, "b 3 h w"],
        evidence: Evidence,
        correction: Float[Tensor, "b 5 hs ws"],
    ) -> Float[Tensor, "b 3 hs ws"]:
        """The result from what `correct` returned."""
        return up(low, self.scale) + self.beyond_bicubic(evidence, correction)

    def beyond_bicubic(
        self, evidence: Evidence, correction: Float[Tensor, "b 5 hs ws"]
    ) -> Float[Tensor, "b 3 hs ws"]:
        """The result minus bicubic; what training compares with the truth."""
        residual, gate_1, gate_2 = torch.split(correction, [3, 1, 1], dim=1)
        return (1 + gate_1) * evidence.transferred + gate_2 * evidence.detail + residual

    def _start_without_learning(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.is_meta:
                continue  # nothing to draw for, and torch would import its compiler to draw it
            if name.endswith("bias") or name == "tail.weight":
                nn.init.zeros_(parameter)
            else:
                nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            if name.endswith("conv2.weight"):
                parameter.data.mul_(0.1)


def no_evidence(low: Float[Tensor, "b 3 h w"], scale: int) -> Evidence:
    """The evidence of no reference: zeros."""
    batch, _, height, width = low.shape
    texture = low.new_zeros(batch, 3, height * scale, width * scale)
    return Evidence(texture, texture, low.new_zeros(batch, MAPS, height, width))


def _check(low: Tensor, evidence: Evidence, scale: int) -> None:
    batch, channels, height, width = low.shape
    sharp = (batch, 3, height * scale, width * scale)
    expected = (sharp, sharp, (batch, MAPS, height, width))
    actual = tuple(tuple(x.shape) for x in evidence)
    if channels != 3 or actual != expected:
        raise ShapeError(
            f"FusionNet: an image of {list(low.shape)} needs three channels and evidence of "
            f"{[list(x) for x in expected]}, got {[list(x) for x in actual]}"
        )

# SPDX-License-Identifier: Apache-2.0
"""Weights of FusionNet for another scale, to start a training from.

What the blocks know of pictures holds at any scale. The first and the last convolution see and
paint the pixels of a cell one by one, and a cell of another scale has others: each of these takes
the weights of where it lies in the cell.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from .fusion_net import MAPS

_TEXTURES = 6
"""Channels of both textures."""
_PAINTED = 5
"""Residual and gates."""


def at_scale(weights: Mapping[str, Tensor], scale: int) -> dict[str, Tensor]:
    """The weights of a FusionNet of another scale that does about the same.

    Args:
        weights: of a network of any scale.
        scale: pixels of a cell on a side.
    """
    low, textures, maps = weights["head.weight"].tensor_split((3, -MAPS - 1), 1)
    seen = _resampled(textures.transpose(0, 1), _TEXTURES, scale).transpose(0, 1)
    seen = seen * textures.shape[1] / seen.shape[1]  # the sum over a cell stays what it was
    painted = {name: weights[name] for name in ("tail.weight", "tail.bias")}
    return (
        dict(weights)
        | {"head.weight": torch.cat([low, seen, maps], 1).contiguous()}
        | {name: _resampled(x, _PAINTED, scale) for name, x in painted.items()}
    )


def _resampled(x: Float[Tensor, "m *rest"], channels: int, scale: int) -> Float[Tensor, "n *rest"]:
    """Weights of the pixels of a cell, as `pixel_unshuffle` orders them, for a cell of `scale`."""
    old = round((len(x) / channels) ** 0.5)
    cell = x.reshape(channels, old, old, -1).permute(0, 3, 1, 2)
    new = F.interpolate(cell, size=(scale, scale), mode="bilinear", antialias=True)
    return new.permute(0, 2, 3, 1).reshape(channels * scale**2, *x.shape[1:]).contiguous()

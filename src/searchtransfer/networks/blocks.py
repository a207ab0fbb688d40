# SPDX-License-Identifier: Apache-2.0
"""The small parts that every stage of TTSR is made of."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..operators.precision import own_precision

_MATRIX_SIDE = 64


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution with bias that keeps the size (at stride 1)."""
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


def conv1x1(inputs: int, outputs: int) -> nn.Conv2d:
    """A 1x1 convolution with bias."""
    return nn.Conv2d(inputs, outputs, 1)


def upsample(x: Float[Tensor, "b c h w"], scale: int) -> Float[Tensor, "b c hs ws"]:
    """Enlarge feature maps by bicubic interpolation, pixel centres aligned.

    Patches as they are trained on go through two matrix products: the same linear map, several
    times faster forward and backward than torch's own kernel. Their cost grows with the side.
    """
    if torch.compiler.is_exporting() or max(x.shape[2:]) > _MATRIX_SIDE:
        return _bicubic(x, scale, scale)
    rows, columns = (_matrix(n, scale, x) for n in x.shape[2:])
    with own_precision(x.device):
        return (rows @ x.to(rows.dtype) @ columns.mT).to(x.dtype)


def _matrix(side: int, scale: int, like: Tensor) -> Float[Tensor, "out side"]:
    """What bicubic interpolation does to a line of `side` pixels."""
    dtype = torch.promote_types(like.dtype, torch.float32)
    eye = torch.eye(side, dtype=dtype, device=like.device)
    return _bicubic(eye[None, None], scale, 1)[0, 0]


def _bicubic(x: Tensor, rows: int, columns: int) -> Tensor:
    size = [rows * x.shape[2], columns * x.shape[3]]
    return F.interpolate(x, size, mode="bicubic", align_corners=False)


class ResidualBlock(nn.Module):
    """Two convolutions beside the identity: `x + scale * conv2(relu(conv1(x)))`."""

    def __init__(self, features: int, scale: float = 1.0) -> None:
        super().__init__()
        self.conv1 = conv3x3(features, features)
        self.conv2 = conv3x3(features, features)
        self.scale = scale

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Apply the block; the shape stays."""
        branch: Tensor = self.conv2(F.relu(self.conv1(x)))
        return torch.add(x, branch, alpha=self.scale)


def residual_blocks(count: int, features: int, scale: float = 1.0) -> nn.Sequential:
    """A chain of residual blocks; the identity if count is 0."""
    return nn.Sequential(*(ResidualBlock(features, scale) for _ in range(count)))

# SPDX-License-Identifier: Apache-2.0
"""Cross-scale feature integration (CSFI): every scale hears what the others found.

Names of layers say source and target scale: `conv12` carries scale 1 to scale 2.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .blocks import conv1x1, conv3x3, upsample


class CrossScale2(nn.Module):
    """Exchange between scales x1 and x2."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv12 = conv1x1(features, features)
        self.conv21 = conv3x3(features, features, stride=2)
        self.conv_merge1 = conv3x3(2 * features, features)
        self.conv_merge2 = conv3x3(2 * features, features)

    def forward(
        self, x1: Float[Tensor, "b c h w"], x2: Float[Tensor, "b c 2*h 2*w"]
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c 2*h 2*w"]]:
        """Both scales again, each merged with the other."""
        x12 = F.relu(self.conv12(upsample(x1, 2)))
        x21 = F.relu(self.conv21(x2))
        return (
            F.relu(self.conv_merge1(torch.cat((x1, x21), 1))),
            F.relu(self.conv_merge2(torch.cat((x2, x12), 1))),
        )


class CrossScale3(nn.Module):
    """Exchange between scales x1, x2 and x4."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv12 = conv1x1(features, features)
        self.conv13 = conv1x1(features, features)
        self.conv21 = conv3x3(features, features, stride=2)
        self.conv23 = conv1x1(features, features)
        self.conv31_1 = conv3x3(features, features, stride=2)
        self.conv31_2 = conv3x3(features, features, stride=2)
        self.conv32 = conv3x3(features, features, stride=2)
        self.conv_merge1 = conv3x3(3 * features, features)
        self.conv_merge2 = conv3x3(3 * features, features)
        self.conv_merge3 = conv3x3(3 * features, features)

    def forward(
        self,
        x1: Float[Tensor, "b c h w"],
        x2: Float[Tensor, "b c 2*h 2*w"],
        x3: Float[Tensor, "b c 4*h 4*w"],
    ) -> tuple[
        Float[Tensor, "b c h w"], Float[Tensor, "b c 2*h 2*w"], Float[Tensor, "b c 4*h 4*w"]
    ]:
        """All three scales again, each merged with the other two."""
        x12 = F.relu(self.conv12(upsample(x1, 2)))
        x13 = F.relu(self.conv13(upsample(x1, 4)))
        x21 = F.relu(self.conv21(x2))
        x23 = F.relu(self.conv23(upsample(x2, 2)))
        x31 = F.relu(self.conv31_2(F.relu(self.conv31_1(x3))))
        x32 = F.relu(self.conv32(x3))
        return (
            F.relu(self.conv_merge1(torch.cat((x1, x21, x31), 1))),
            F.relu(self.conv_merge2(torch.cat((x2, x12, x32), 1))),
            F.relu(self.conv_merge3(torch.cat((x3, x13, x23), 1))),
        )

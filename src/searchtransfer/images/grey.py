# SPDX-License-Identifier: Apache-2.0
"""Pictures without colour that are stored with three channels."""

from jaxtyping import Float
from torch import Tensor

from .resize import up

LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue (ITU-R BT.601)."""
ROUNDING = 1.001 / 255
"""How far codecs that keep brightness and colour apart (as WebP) move the channels of a grey."""


def is_grey(colour: Float[Tensor, "3 h w"]) -> bool:
    """Whether the red, green and blue of each pixel differ by one level of 8 bits at most."""
    return bool((colour.amax(0) - colour.amin(0)).max() <= ROUNDING)


def greyed(colour: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
    """The brightness alone, in all three channels."""
    luma = (colour * colour.new_tensor(LUMA)[:, None, None]).sum(0)
    return luma.expand(3, -1, -1).contiguous()


def with_colours_of(
    small: Float[Tensor, "3 h w"], sharp: Float[Tensor, "3 sh sw"], scale: int
) -> Float[Tensor, "3 sh sw"]:
    """The brightness of the large picture, with no colour but what the small one has."""
    own = up(small.to(sharp), scale)
    return greyed(sharp) + (own - greyed(own))

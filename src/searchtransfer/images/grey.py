# SPDX-License-Identifier: Apache-2.0
"""Pictures without colour that are stored with three channels."""

from jaxtyping import Float
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue (ITU-R BT.601)."""


def is_grey(colour: Float[Tensor, "3 h w"]) -> bool:
    """Whether all pixels have the same red, green and blue, exactly."""
    return bool((colour[0] == colour[1]).all() and (colour[1] == colour[2]).all())


def greyed(colour: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
    """The brightness alone, in all three channels."""
    luma = (colour * colour.new_tensor(LUMA)[:, None, None]).sum(0)
    return luma.expand(3, -1, -1).contiguous()

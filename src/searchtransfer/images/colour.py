# SPDX-License-Identifier: Apache-2.0
"""Colour as the published figures of the field measure it."""

from jaxtyping import Float
from torch import Tensor

from ..errors import ShapeError

# ITU-R BT.601 luma with head- and footroom, as TTSR weighs 8-bit red, green and blue.
_WEIGHTS = (65.738 / 256, 129.057 / 256, 25.064 / 256)


def luma_bt601(colour: Float[Tensor, "*b 3 h w"]) -> Float[Tensor, "*b h w"]:
    """Luma Y = (65.738 R + 129.057 G + 25.064 B) / 256, without the offset of 16.

    Args:
        colour: `[..., 3, H, W]`, values 0 to 255.

    Returns:
        `[..., H, W]`, 0 to 219.0 (BT.601 keeps 16 below and 20 above free).

    Raises:
        ShapeError: the channels are not three.
    """
    if colour.dim() < 3 or colour.shape[-3] != 3:
        raise ShapeError(f"luma_bt601: colour must be [..., 3, H, W], got {list(colour.shape)}")
    red, green, blue = colour.unbind(-3)
    return _WEIGHTS[0] * red + _WEIGHTS[1] * green + _WEIGHTS[2] * blue

# SPDX-License-Identifier: Apache-2.0
"""PSNR and SSIM as the RefSR papers report them; two profiles that must never share a table.

Both round to 8 bits and compare luma (BT.601). `ttsr` takes the whole picture, as TTSR, SRNTT and
MASA do; `c2` leaves out a border of 4 pixels, as C2-Matching and its successors do.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..errors import DTypeError, NonFiniteError, ShapeError
from ..given import check_tensor, check_word
from ..images.colour import luma_bt601
from ..process.devices import doubled

Profile = Literal["ttsr", "c2"]

_BORDER = {"ttsr": 0, "c2": 4}
_WINDOW, _SIGMA = 11, 1.5
_LUMA_OFFSET = 16.0


def psnr(
    image: Float[Tensor, "3 h w"], target: Float[Tensor, "3 h w"], profile: Profile = "ttsr"
) -> float:
    """Peak signal-to-noise ratio of the luma in dB, peak 255; infinite for identical pictures.

    Args:
        image: `[3, H, W]` in [0, 1]; clamped, then rounded to 8 bits.
        target: the truth, of the same size.
        profile: `"ttsr"` or `"c2"`.

    Raises:
        ShapeError, DTypeError, NonFiniteError, OptionError: the arguments do not fit.
    """
    ours, truth = _prepare("psnr", image, target, profile, smallest=1)
    error = float((ours - truth).square().mean())
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(
    image: Float[Tensor, "3 h w"], target: Float[Tensor, "3 h w"], profile: Profile = "ttsr"
) -> float:
    """Structural similarity of the luma (Wang et al., 2004), at most 1.

    An 11 x 11 Gaussian window of sigma 1.5, only where it lies inside the picture; the luma carries
    its offset of 16 here, as in the papers' code.

    Args:
        image: `[3, H, W]` in [0, 1]; clamped, then rounded to 8 bits.
        target: the truth, of the same size.
        profile: `"ttsr"` or `"c2"`.

    Raises:
        ShapeError: the sizes differ, or less than 11 x 11 pixels are left inside the border.
        DTypeError, NonFiniteError, OptionError: the arguments do not fit.
    """
    ours, truth = _prepare("ssim", image, target, profile, smallest=_WINDOW)
    x, y = ours + _LUMA_OFFSET, truth + _LUMA_OFFSET
    mean_x, mean_y, xx, yy, xy = _blur(torch.stack([x, y, x * x, y * y, x * y]))
    var_x, var_y, covariance = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    return float((luminance * structure).mean())


def _blur(planes: Float[Tensor, "n h w"]) -> Float[Tensor, "n hv wv"]:
    distance = torch.arange(_WINDOW, dtype=planes.dtype, device=planes.device) - _WINDOW // 2
    kernel = torch.exp(-(distance**2) / (2 * _SIGMA**2))
    kernel = kernel / kernel.sum()
    rows = F.conv2d(planes[:, None], kernel[None, None, None])
    return F.conv2d(rows, kernel[None, None, :, None])[:, 0]


def _prepare(
    function: str, image: Tensor, target: Tensor, profile: str, smallest: int
) -> tuple[Float[Tensor, "h w"], Float[Tensor, "h w"]]:
    """Luma of both in double precision, with the profile's border left out."""
    check_word(f"{function}: profile", profile, tuple(_BORDER))
    check_tensor(f"{function}: image", image)
    check_tensor(f"{function}: target", target)
    if image.shape != target.shape:
        raise ShapeError(
            f"{function}: image {list(image.shape)} and target {list(target.shape)} differ in size"
        )
    border = _BORDER[profile]
    least = smallest + 2 * border
    if image.dim() != 3 or image.shape[0] != 3 or min(image.shape[-2:]) < least:
        raise ShapeError(
            f"{function}: image and target must be [3, H, W] with H and W at least {least} "
            f"(profile {profile}), got {list(image.shape)}"
        )
    planes = []
    for name, picture in (("image", image), ("target", target)):
        if not picture.is_floating_point():
            raise DTypeError(
                f"{function}: {name} must be floating point in [0, 1], got {picture.dtype}"
            )
        if not bool(torch.isfinite(picture).all()):
            raise NonFiniteError(f"{function}: {name} holds NaN or infinity")
        luma = luma_bt601(doubled(picture.detach()).clamp(0, 1).mul(255).round())
        planes.append(luma[border : luma.shape[0] - border, border : luma.shape[1] - border])
    return planes[0], planes[1]

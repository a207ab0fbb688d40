# SPDX-License-Identifier: Apache-2.0
"""One bicubic filter for the whole package: Pillow's, written in torch.

Catmull-Rom (a = -0.5; Keys, "Cubic convolution interpolation for digital image processing", 1981),
widened by the scale when reducing, with the weights that fall outside the image dropped and the
rest scaled to sum to one. For whole scales the weights repeat from cell to cell, so both directions
are one-dimensional convolutions, first along rows and then along columns.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image as PILImage
from torch import Tensor

from ..errors import DTypeError, OptionError, ShapeError


def down(image: Float[Tensor, "*c h w"], scale: int) -> Float[Tensor, "*c h/s w/s"]:
    """Reduce by a whole scale.

    Args:
        image: `[..., H, W]`, floating point, H and W multiples of scale; any range.
        scale: 1 to 8.

    Returns:
        `[..., H/scale, W/scale]`, same dtype; bicubic overshoots are not clamped.

    Raises:
        ShapeError: H or W is not a multiple of scale (see `crop_to_multiple`).
        OptionError: scale is no whole number from 1 to 8.
    """
    _check("down", image, scale)
    height, width = image.shape[-2:]
    if height % scale or width % scale:
        raise ShapeError(
            f"down: height and width must be multiples of scale {scale}, got {height} x {width}; "
            "use crop_to_multiple first"
        )
    return _planes(image, lambda plane: _reduce_columns(_reduce_rows(plane, scale), scale))


def down_phases(image: Float[Tensor, "c h w"], scale: int) -> list[Float[Tensor, "c hv wv"]]:
    """Reduce by a whole scale at each of the scale x scale sub-cell positions.

    Phase `dy * scale + dx` puts pixel `(scale * r + dy, scale * c + dx)` at the top left of cell
    `(r, c)`. Its filter sees the whole image, so pixels above and left of the first cell, and below
    and right of the last, count as neighbours; only the image's own border is an edge. Phase 0 is
    `down`. A phase has its full cells only: `(H - dy) // scale` rows, `(W - dx) // scale` columns.

    Args:
        image: `[C, H, W]`, floating point, of any size (H and W need not be multiples of scale).
        scale: 1 to 8.

    Returns:
        scale * scale tensors `[C, Hv, Wv]`; Hv or Wv is 0 where no full cell fits.

    Raises:
        ShapeError: the image is not 3-dimensional, or empty.
        OptionError: scale is no whole number from 1 to 8.
    """
    _check("down_phases", image, scale)
    if image.dim() != 3:
        raise ShapeError(f"down_phases: image must be [C, H, W], got {list(image.shape)}")
    rows = [[_reduce_rows(plane, scale, dx) for plane in image] for dx in range(scale)]
    return [
        torch.stack([_reduce_columns(plane, scale, dy) for plane in rows[dx]])
        for dy in range(scale)
        for dx in range(scale)
    ]


def up(image: Float[Tensor, "*c h w"], scale: int) -> Float[Tensor, "*c h*s w*s"]:
    """Enlarge by a whole scale.

    Args:
        image: `[..., H, W]`, floating point, any size from 1 x 1; any range.
        scale: 1 to 8.

    Returns:
        `[..., H * scale, W * scale]`, same dtype; bicubic overshoots are not clamped.

    Raises:
        OptionError: scale is no whole number from 1 to 8.
    """
    _check("up", image, scale)
    return _planes(image, lambda plane: _enlarge_rows(_enlarge_rows(plane, scale).T, scale).T)


def degrade(colour: Float[Tensor, "3 h w"], scale: int) -> Float[Tensor, "3 h/s w/s"]:
    """Make the low-resolution image of a photo as the field's protocols do: Pillow, on 8 bits.

    Args:
        colour: `[3, H, W]` in [0, 1], H and W multiples of scale; rounded to 8 bits first.
        scale: 1 to 8.

    Returns:
        `[3, H/scale, W/scale]`, whole multiples of 1/255.

    Raises:
        ShapeError: H or W is not a multiple of scale (see `crop_to_multiple`).
        OptionError: scale is no whole number from 1 to 8.
    """
    _check("degrade", colour, scale)
    height, width = colour.shape[-2:]
    if height % scale or width % scale:
        raise ShapeError(
            f"degrade: height and width must be multiples of scale {scale}, "
            f"got {height} x {width}; use crop_to_multiple first"
        )
    eight_bit = colour.detach().cpu().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    picture = PILImage.fromarray(eight_bit.permute(1, 2, 0).contiguous().numpy())
    small = picture.resize((width // scale, height // scale), PILImage.Resampling.BICUBIC)
    values = torch.from_numpy(np.array(small)).permute(2, 0, 1)
    return values.to(colour).div(255).contiguous()


def crop_to_multiple(image: Float[Tensor, "*c h w"], scale: int) -> Float[Tensor, "*c hc wc"]:
    """Drop the rows at the bottom and columns at the right that exceed a multiple of scale."""
    _check("crop_to_multiple", image, scale)
    height, width = image.shape[-2:]
    if height < scale or width < scale:
        raise ShapeError(
            f"crop_to_multiple: image of {height} x {width} pixels is smaller than scale {scale}"
        )
    return image[..., : height - height % scale, : width - width % scale]


def _check(function: str, image: Tensor, scale: int) -> None:
    if isinstance(scale, bool) or not isinstance(scale, int) or not 1 <= scale <= 8:
        raise OptionError(f"{function}: scale must be a whole number from 1 to 8, got {scale!r}")
    if image.dim() < 2 or 0 in image.shape[-2:]:
        raise ShapeError(
            f"{function}: image must be [..., H, W] with H and W at least 1, "
            f"got {list(image.shape)}"
        )
    if not image.is_floating_point():
        raise DTypeError(f"{function}: image must be floating point, got {image.dtype}")


def _cubic(x: Tensor) -> Tensor:
    x = x.abs()
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def _planes(image: Tensor, resize: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply `resize` to one plane after another: the working memory is one plane's, not all's."""
    planes = image.reshape(-1, *image.shape[-2:])
    if not len(planes):  # an empty batch: only the size changes
        height, width = resize(image.new_zeros(image.shape[-2:])).shape
        return image.new_zeros(*image.shape[:-2], height, width)
    resized = torch.stack([resize(plane) for plane in planes])
    return resized.reshape(*image.shape[:-2], *resized.shape[-2:])


def _reduce_columns(plane: Tensor, scale: int, start: int = 0) -> Tensor:
    return _reduce_rows(plane.T, scale, start).T


def _reduce_rows(plane: Tensor, scale: int, start: int = 0) -> Tensor:
    """`[H, W]` -> `[H, (W - start) // scale]`; cell c begins at pixel start + scale * c."""
    cells = (plane.shape[1] - start) // scale
    if cells < 1:
        return plane.new_zeros(plane.shape[0], 0)
    reach = (3 * scale) // 2  # pixels that the filter reaches beyond its cell, on either side
    taps = torch.arange(-reach, scale + reach, device=plane.device, dtype=torch.float64)
    kernel = _cubic((taps - (scale - 1) / 2) / scale)[None, None, None]
    # Only the pixels that these cells see, and zeros where those lie outside the plane.
    left, right = start - reach, start + scale * cells + reach
    inside = plane[:, max(left, 0) : right]
    outside = (max(-left, 0), max(right - plane.shape[1], 0))
    return _weighted(inside, kernel, stride=scale, padding=outside)[:, 0]


def _enlarge_rows(plane: Tensor, scale: int) -> Tensor:
    """`[H, W]` -> `[H, W * scale]`; each of the scale places inside a pixel has its own kernel."""
    taps = torch.arange(-2, 3, device=plane.device, dtype=torch.float64)
    places = (torch.arange(scale, device=plane.device, dtype=torch.float64) + 0.5) / scale - 0.5
    kernel = _cubic(taps - places[:, None])[:, None, None]
    enlarged = _weighted(plane, kernel, stride=1, padding=(2, 2))  # [H, scale, W]
    return enlarged.transpose(1, 2).reshape(plane.shape[0], -1)


def _weighted(
    plane: Tensor, kernel: Tensor, stride: int, padding: tuple[int, int]
) -> Float[Tensor, "h k w"]:
    """Rows of `plane` filtered by each kernel, over the sum of the weights inside the plane."""
    ones = F.pad(kernel.new_ones(1, 1, 1, plane.shape[1]), padding)
    share = F.conv2d(ones, kernel, stride=(1, stride))[0]  # [k, 1, w]
    dtype = torch.promote_types(plane.dtype, torch.float32)  # half sums in single precision
    rows = F.pad(plane.to(dtype), padding)[None, None]
    sums = F.conv2d(rows, kernel.to(dtype), stride=(1, stride))[0]  # [k, h, w]
    return (sums / share.to(dtype)).to(plane.dtype).transpose(0, 1)

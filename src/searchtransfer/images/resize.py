# SPDX-License-Identifier: Apache-2.0
"""One bicubic filter for the whole package: Pillow's, written in torch.

Catmull-Rom (a = -0.5; Keys, "Cubic convolution interpolation for digital image processing", 1981),
widened by the scale when reducing, with the weights that fall outside the image dropped and the
rest scaled to sum to one. For whole scales the weights repeat from cell to cell, so both directions
are one-dimensional convolutions, first along rows and then along columns.
"""

import math
from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64
from PIL import Image as PILImage
from torch import Tensor

from ..errors import DTypeError, OptionError, ShapeError
from ..given import check_tensor, check_word

Kernel = Literal["bicubic", "area", "bilinear", "lanczos"]
"""How an image is reduced; all widened by the scale, as Pillow has them."""


def down(
    image: Float[Tensor, "*c h w"], scale: int, kernel: Kernel = "bicubic"
) -> Float[Tensor, "*c h//{scale} w//{scale}"]:
    """Reduce by a whole scale.

    Args:
        image: `[..., H, W]`, floating point, H and W multiples of scale; any range.
        scale: 1 to 8.

    Returns:
        `[..., H/scale, W/scale]`, same dtype; bicubic overshoots are not clamped.

    Raises:
        ShapeError: H or W is not a multiple of scale (see `crop_to_multiple`).
        OptionError: scale is no whole number from 1 to 8, or there is no such kernel.
    """
    _check("down", image, scale)
    check_word("down: kernel", kernel, tuple(_KERNELS))
    height, width = image.shape[-2:]
    if height % scale or width % scale:
        raise ShapeError(
            f"down: width and height must be multiples of scale {scale}, got {width} x {height}; "
            "use crop_to_multiple first"
        )
    return _planes(image, lambda plane: _reduce(plane, scale, scale, kernel))


def reduced_everywhere(
    image: Float[Tensor, "c h w"], scale: int, kernel: Kernel = "bicubic"
) -> Float[Tensor, "c h-{scale}+1 w-{scale}+1"]:
    """Reduce by a whole scale, with a cell beginning at every pixel.

    At (y, x) lies the cell whose first pixel is (y, x); so every `scale`-th row and column from
    (0, 0) on are `down` (to rounding), and from another place on what `down` would make of the
    image without the rows and columns before, had its border been no edge. In other words: the
    image blurred as the reduction blurs it, at full size.

    Args:
        image: `[C, H, W]`, floating point, H and W at least scale (need not be multiples of it).
        scale: 1 to 8.

    Raises:
        ShapeError: the image is not 3-dimensional, or smaller than a cell.
        OptionError: scale is no whole number from 1 to 8.
    """
    _check("reduced_everywhere", image, scale)
    if image.dim() != 3 or min(image.shape[1:]) < scale:
        raise ShapeError(
            f"reduced_everywhere: image must be [C, H, W] with sides of at least {scale}, "
            f"got {list(image.shape)}"
        )
    return _planes(image, lambda plane: _reduce(plane, scale, 1, kernel))


def softened(image: Float[Tensor, "c h w"], factor: float) -> Float[Tensor, "c h w"]:
    """Take off what a reduction by a factor cannot show, at full size.

    Pixels `factor` apart, from any position on, are then the image reduced, without aliasing. The
    filter is Lanczos' with three lobes, which leaves more of what can be shown than the bicubic.

    Args:
        image: `[C, H, W]`, floating point.
        factor: at least 1; 1 changes nothing.
    """
    if factor == 1:
        return image
    reach = math.ceil(3 * factor) - 1
    taps = torch.arange(-reach, reach + 1, dtype=torch.float64, device="cpu") / factor
    return _both_ways(image, torch.sinc(taps) * torch.sinc(taps / 3))


def blurred(image: Float[Tensor, "*c h w"], sigma: float) -> Float[Tensor, "*c h w"]:
    """Blur by a Gaussian; weights that fall outside the image are dropped.

    Args:
        image: `[..., H, W]`, floating point.
        sigma: standard deviation in pixels; 0 changes nothing.
    """
    if sigma <= 0:
        return image
    reach = max(1, math.ceil(3 * sigma))
    taps = torch.arange(-reach, reach + 1, dtype=torch.float64, device="cpu")
    return _both_ways(image, torch.exp(-taps.square() / (2 * sigma**2)))


def _both_ways(
    image: Float[Tensor, "*c h w"], taps: Float[Tensor, " n"]
) -> Float[Tensor, "*c h w"]:
    """Filter along columns and rows; the taps count in proportion."""
    kernel, reach = taps / taps.sum(), len(taps) // 2
    return _planes(image, lambda x: _summed(_summed(x.T, kernel, 1, reach).T, kernel, 1, reach))


def up(image: Float[Tensor, "*c h w"], scale: int) -> Float[Tensor, "*c h*{scale} w*{scale}"]:
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
    if torch.compiler.is_exporting():  # a graph has no loop over planes that it cannot count
        large = _enlarge(image.reshape(-1, *image.shape[-2:]), scale)
        return large.reshape(*image.shape[:-2], *large.shape[-2:])
    return _planes(image, lambda plane: _enlarge(plane[None], scale)[0])


def enlarging_weights(scale: int) -> Float64[Tensor, "s taps"]:
    """Weights of 5 pixels, from two before to two after, at each of the places inside a pixel.

    What `up` is made of away from the border; for code that enlarges where it gathers.
    """
    taps = torch.arange(-2, 3, dtype=torch.float64, device="cpu")
    places = (torch.arange(scale, dtype=torch.float64, device="cpu") + 0.5) / scale - 0.5
    return _cubic(taps - places[:, None])


def degrade(colour: Float[Tensor, "3 h w"], scale: int) -> Float[Tensor, "3 h//{scale} w//{scale}"]:
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
            f"degrade: width and height must be multiples of scale {scale}, "
            f"got {width} x {height}; use crop_to_multiple first"
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
            f"crop_to_multiple: image of {width} x {height} pixels is smaller than scale {scale}"
        )
    return image[..., : height - height % scale, : width - width % scale]


def _check(function: str, image: Tensor, scale: int) -> None:
    if isinstance(scale, bool) or not isinstance(scale, int) or not 1 <= scale <= 8:
        raise OptionError(f"{function}: scale must be a whole number from 1 to 8, got {scale!r}")
    check_tensor(f"{function}: image", image)
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
    """Apply `resize` to one plane after another: the working memory is one plane's, not all's.

    Half precision is summed in single.
    """
    working = torch.promote_types(image.dtype, torch.float32)
    planes = image.reshape(-1, *image.shape[-2:])
    resized = [resize(plane.to(working)).to(image.dtype) for plane in planes]
    if not resized:  # an empty batch: only the size changes
        size = resize(torch.zeros(image.shape[-2:], dtype=working, device=image.device)).shape
        return image.new_zeros(*image.shape[:-2], *size)
    return torch.stack(resized).reshape(*image.shape[:-2], *resized[0].shape)


_KERNELS: dict[Kernel, Callable[[Tensor], Tensor]] = {
    "bicubic": lambda x: _cubic(x),
    "area": lambda x: (x.abs() < 0.5).to(x),
    "bilinear": lambda x: (1 - x.abs()).clamp(min=0),
    "lanczos": lambda x: torch.sinc(x) * torch.sinc(x / 3) * (x.abs() < 3),
}
"""Over the distance from the middle, in cells."""


def _reduce(
    plane: Float[Tensor, "h w"], scale: int, stride: int, kernel: Kernel
) -> Float[Tensor, "hr wr"]:
    """The cells that begin at every `stride`-th pixel."""
    # Pixels that the filter sees beyond its cell, on either side.
    reach = (5 * scale) // 2 if kernel == "lanczos" else (3 * scale) // 2
    taps = torch.arange(-reach, scale + reach, dtype=torch.float64, device="cpu")
    weights = _KERNELS[kernel]((taps - (scale - 1) / 2) / scale)
    rows = _summed(plane.T, weights, stride, reach)  # [W', H]
    return _summed(rows.T, weights, stride, reach)


def _summed(
    plane: Float[Tensor, "h w"], kernel: Float64[Tensor, " taps"], stride: int, padding: int
) -> Float[Tensor, "h2 w"]:
    """Filter along the rows' axis, over the sum of the weights that lie inside: shifted sums, much
    faster than a convolution of one channel.
    """
    inside = F.pad(
        torch.ones(1, 1, len(plane), dtype=torch.float64, device="cpu"), (padding, padding)
    )
    share = F.conv1d(inside, kernel[None, None], stride=stride)[0, 0]
    padded = F.pad(plane, (0, 0, padding, padding))
    total = plane.new_zeros(len(share), plane.shape[1])
    end = (len(share) - 1) * stride + 1
    for tap, weight in enumerate(kernel.tolist()):
        total.add_(padded[tap : tap + end : stride], alpha=weight)
    return total.div_(share.to(plane)[:, None])


def _enlarge(planes: Float[Tensor, "n h w"], scale: int) -> Float[Tensor, "n hr wr"]:
    """Each of the scale places inside a pixel has its own kernel; they are then interleaved."""
    count, height, width = planes.shape
    kernels = enlarging_weights(scale)
    rows = _filter(planes, kernels, 1, (2, 2), axis=2)  # [N, dx, H, W]
    wide = rows.permute(0, 2, 3, 1).reshape(count, height, width * scale)
    columns = _filter(wide, kernels, 1, (2, 2), axis=1)  # [N, dy, H, W * scale]
    return columns.transpose(1, 2).reshape(count, height * scale, width * scale)


def _filter(
    planes: Float[Tensor, "n h w"],
    kernels: Float[Tensor, "k taps"],
    stride: int,
    padding: tuple[int, int],
    axis: int,
) -> Float[Tensor, "n k h2 w2"]:
    """Filter along one axis by each kernel, over the sum of its weights that lie inside."""
    inside = F.pad(torch.ones(planes.shape[axis], dtype=torch.float64, device="cpu"), padding)
    # Sums of products, not a convolution: runtimes of graphs have none of doubles.
    last = inside.shape[0] - kernels.shape[1] + 1
    share = torch.stack(  # [k, cells]
        [
            reduce(add, (w * inside[t : last + t : stride] for t, w in enumerate(kernel)))
            for kernel in kernels
        ]
    ).to(planes)
    weights = kernels.to(planes)[:, None]
    if axis == 2:
        padded = F.pad(planes, padding)[:, None]
        return F.conv2d(padded, weights[:, :, None], stride=(1, stride)) / share[:, None]
    padded = F.pad(planes, (0, 0, *padding))[:, None]
    return F.conv2d(padded, weights[..., None], stride=(stride, 1)) / share[..., None]

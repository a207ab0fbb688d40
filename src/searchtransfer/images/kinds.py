# SPDX-License-Identifier: Apache-2.0
"""Same kind in, same kind out: a picture given as Image, Pillow, NumPy or tensor, and back.

A path of a file goes in too, and an `Image` comes out for it.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PILImage

from ..errors import DTypeError
from .convert import from_numpy, from_pil, from_tensor, to_numpy, to_pil, to_tensor
from .image import Image
from .reading import read_image


def as_image(picture: object, name: str) -> Image:
    """Take a picture of any kind.

    Args:
        picture: path of a file, `Image`, Pillow image, NumPy array `[H, W]` or `[H, W, C]`, or
            tensor `[C, H, W]`.
        name: what to call it in errors.

    Raises:
        DTypeError: it is none of these.
        SearchTransferError: whatever reading and the conversions in `images` raise.
    """
    if isinstance(picture, (str, os.PathLike)):
        return read_image(picture)
    if isinstance(picture, Image):
        return picture
    if isinstance(picture, PILImage.Image):
        return from_pil(picture)
    if isinstance(picture, np.ndarray):
        return from_numpy(picture)
    if isinstance(picture, torch.Tensor):
        return from_tensor(picture)
    raise DTypeError(
        f"{name} must be the path of a file, a searchtransfer Image, a Pillow image, a NumPy array "
        f"[H, W, C] or a tensor [C, H, W], got {type(picture).__name__}"
    )


def returns_as(picture: object) -> Callable[[Image], Any]:
    """How to give an `Image` back as the kind, dtype and number of dimensions `picture` has."""
    if isinstance(picture, PILImage.Image):
        return to_pil
    if isinstance(picture, np.ndarray):
        shape, dtype = picture.shape, picture.dtype
        native = dtype.newbyteorder("=")

        def array(image: Image) -> NDArray[Any]:
            values = to_numpy(image, native).astype(dtype, copy=False)
            return values[..., None] if shape[2:] == (1,) else values

        return array
    if isinstance(picture, torch.Tensor):
        if picture.dtype == torch.uint8:
            return lambda image: (to_tensor(image).clamp(0, 1) * 255).round().to(torch.uint8)
        return lambda image: to_tensor(image).clamp(0, 1).to(picture.dtype)
    return lambda image: image

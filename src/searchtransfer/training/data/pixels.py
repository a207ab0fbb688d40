# SPDX-License-Identifier: Apache-2.0
"""Eight-bit pixels, as the published protocol degrades them."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from ...images import ImageWarning, read_image
from ...images.alpha import with_hidden_filled
from ...images.image import quantise

Pixels = UInt8[np.ndarray, "_ _ 3"]  # rows, columns, RGB
SCALE = 4


class Sample(NamedTuple):
    """What a network is trained on; RGB in [-1, 1]. Sides of `hr` and `ref` are multiples of 4."""

    hr: Float[Tensor, "3 h w"]
    """The photo."""
    lr: Float[Tensor, "3 h/4 w/4"]
    """The photo at a quarter of its size."""
    lr_up: Float[Tensor, "3 h w"]
    """That, enlarged again."""
    ref: Float[Tensor, "3 hr wr"]
    """The reference."""
    ref_down_up: Float[Tensor, "3 hr wr"]
    """The reference at a quarter of its size, enlarged again."""
    skipped: tuple[str, ...] = ()
    """Why files could not be used before this sample was found; each begins with the name."""


def read_pixels(path: Path) -> Pixels:
    """A photo as RGB, rounded to eight bits, upright, without its alpha and what that hides.

    Raises:
        ImageFileError: the file is missing, damaged, or no PNG, JPEG, TIFF or WebP.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImageWarning)  # of metadata; only colour is wanted here
        colour = with_hidden_filled(read_image(path)).colour
    return quantise(colour, 8).to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """Pillow's bicubic filter, rounded to eight bits as published."""
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(image)


def pad_to(pixels: Pixels, size: int) -> Pixels:
    """Add black at the bottom and the right up to `size` (TTSR's rule for small references)."""
    missing = [(0, max(0, size - n)) for n in pixels.shape[:2]]
    return np.pad(pixels, (*missing, (0, 0)))


def crop_to_multiple(pixels: Pixels, multiple: int = SCALE) -> Pixels:
    """Drop rows at the bottom and columns at the right beyond a multiple."""
    height, width = (n - n % multiple for n in pixels.shape[:2])
    return pixels[:height, :width]


def make_sample(target: Pixels, reference: Pixels, skipped: tuple[str, ...] = ()) -> Sample:
    """Degrade as published: reduce by 4 and enlarge by 4, bicubic, eight bits each time."""
    lr, lr_up = _degrade(target)
    _, ref_down_up = _degrade(reference)
    return Sample(
        hr=to_tensor(target),
        lr=to_tensor(lr),
        lr_up=to_tensor(lr_up),
        ref=to_tensor(reference),
        ref_down_up=to_tensor(ref_down_up),
        skipped=skipped,
    )


def to_tensor(pixels: Pixels) -> Float[Tensor, "3 h w"]:
    """Pixels in [-1, 1]: `x / 127.5 - 1`."""
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float() / 127.5 - 1


def _degrade(pixels: Pixels) -> tuple[Pixels, Pixels]:
    height, width = pixels.shape[:2]
    small = resize(pixels, height // SCALE, width // SCALE)
    return small, resize(small, height, width)

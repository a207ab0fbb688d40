# SPDX-License-Identifier: Apache-2.0
"""Photos at the sizes that are asked for; scikit-image's where none are named."""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data
from torch import Tensor

Pair = tuple[Image.Image, Image.Image]


def photo(path: Path, size: tuple[int, int]) -> Image.Image:
    """An RGB photo, cut to the aspect ratio of `size` (rows, columns of pixels) and resized."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    return fitted(image, size)


def fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    rows, columns = size
    scale = min(image.height / rows, image.width / columns)
    box = (0, 0, columns * scale, rows * scale)
    return image.resize((columns, rows), Image.Resampling.BICUBIC, box=box)


def stereo_pair(size: tuple[int, int]) -> Pair:
    """The two views of scikit-image's motorcycle."""
    left, right, _ = data.stereo_motorcycle()
    return fitted(Image.fromarray(left), size), fitted(Image.fromarray(right), size)


def pair_of(options: argparse.Namespace) -> Pair:
    """`options.pair`, or the stereo pair, at four times the cells of `options.size`."""
    rows, columns = numbers(options.size)
    size = (4 * rows, 4 * columns)
    return tuple(photo(x, size) for x in options.pair) if options.pair else stereo_pair(size)


def numbers(size: str) -> tuple[int, ...]:
    """`83x125` as two numbers."""
    return tuple(int(n) for n in size.split("x"))


def unrelated_pair(size: tuple[int, int]) -> Pair:
    """Two photos that have nothing in common: scikit-image's motorcycle and its coffee cup."""
    return stereo_pair(size)[0], fitted(Image.fromarray(data.coffee()), size)


def blurred(image: Image.Image, scale: int = 4) -> Image.Image:
    """Down and up again: what a low-resolution image knows."""
    small = image.resize((image.width // scale, image.height // scale), Image.Resampling.BICUBIC)
    return small.resize(image.size, Image.Resampling.BICUBIC)


def tensor(image: Image.Image) -> Tensor:
    """`[1, 3, H, W]` in [0, 1]."""
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)[None]

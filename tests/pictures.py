# SPDX-License-Identifier: Apache-2.0
"""Pictures for tests: real photos out of scikit-image's wheel, and a random texture of any size."""

from functools import cache

import numpy as np
import torch
from PIL import Image
from skimage import data
from torch import Tensor


def tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float() / 255


def picture(colour: Tensor) -> Image.Image:
    """Of 8 bits."""
    return Image.fromarray((255 * colour).round().byte().permute(1, 2, 0).numpy())


@cache
def stereo() -> tuple[Tensor, Tensor]:
    """The two eyes of a real stereo pair, 500 x 741."""
    left, right, _ = data.stereo_motorcycle()
    return tensor(left), tensor(right)


def target() -> Tensor:
    """Part of the left eye: 128 x 160 pixels."""
    return stereo()[0][:, 200:328, 300:460].clone()


def related() -> Tensor:
    """More than the same part of the right eye: 141 x 230 pixels, no multiples of anything."""
    return stereo()[1][:, 195:336, 220:450].clone()


@cache
def unrelated() -> Tensor:
    """Another photo: 160 x 200 pixels."""
    return tensor(data.coffee())[:, 100:260, 200:400].clone()


def texture(height: int, width: int, seed: int = 0) -> Tensor:
    """Noise of all frequencies, the slow ones stronger, as in photos; `[3, H, W]` in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(3, height, width)
    for step in (1, 2, 4, 8, 16):
        coarse = torch.rand(3, height // step + 2, width // step + 2, generator=generator)
        fine = coarse.repeat_interleave(step, 1).repeat_interleave(step, 2)
        total += step**0.5 * fine[:, :height, :width]
    return total / total.amax()


def coffee() -> Tensor:
    """A photo of 400 x 600 pixels."""
    return tensor(data.coffee())

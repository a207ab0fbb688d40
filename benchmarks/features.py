# SPDX-License-Identifier: Apache-2.0
"""Features of real photo pairs: descriptors by default, VGG19 with a weights file."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor


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


def stereo_pair(size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """The two views of scikit-image's motorcycle."""
    from skimage import data

    left, right, _ = data.stereo_motorcycle()
    return fitted(Image.fromarray(left), size), fitted(Image.fromarray(right), size)


def unrelated_pair(size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """Two photos that have nothing in common: scikit-image's motorcycle and its coffee cup."""
    from skimage import data

    return stereo_pair(size)[0], fitted(Image.fromarray(data.coffee()), size)


def blurred(image: Image.Image, scale: int = 4) -> Image.Image:
    """Down and up again: what a low-resolution image knows."""
    small = image.resize((image.width // scale, image.height // scale), Image.Resampling.BICUBIC)
    return small.resize(image.size, Image.Resampling.BICUBIC)


def tensor(image: Image.Image) -> Tensor:
    """`[1, 3, H, W]` in [0, 1]."""
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)[None]


def vgg_features(image: Image.Image, weights: Path) -> Tensor:
    """VGG19 relu3_1 of the blurred image: `[256, H/4, W/4]`."""
    state = load_file(weights)
    convolutions = sorted(
        {int(name.split(".")[-2]): name.rsplit(".", 1)[0] for name in state}.items()
    )
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    x = (tensor(blurred(image)) - mean) / std
    last = -1
    for number, name in convolutions:
        if last >= 0 and number - last == 3:  # a pooling layer lies between
            x = F.max_pool2d(x, 2)
        x = F.relu(F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1))
        last = number
    return x[0]


def first_vgg_features(image: Image.Image, weights: Path) -> Tensor:
    """VGG19 relu1_1 of the image at the size of the cells: `[64, H/4, W/4]`."""
    state = load_file(weights)
    first = min(
        (name.rsplit(".", 1)[0] for name in state), key=lambda name: int(name.split(".")[-1])
    )
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    small = image.resize((image.width // 4, image.height // 4), Image.Resampling.BICUBIC)
    x = (tensor(small) - mean) / std
    return F.relu(F.conv2d(x, state[f"{first}.weight"], state[f"{first}.bias"], padding=1))[0]


def descriptors(image: Image.Image, patch: int = 5) -> Tensor:
    """Zero-mean RGB patches of the small image: `[3 * patch^2, H/4, W/4]`."""
    small = image.resize((image.width // 4, image.height // 4), Image.Resampling.BICUBIC)
    pixels = tensor(small)
    pad = patch // 2
    columns = F.unfold(F.pad(pixels, (pad,) * 4, mode="replicate"), patch)
    columns = columns.unflatten(1, (3, -1))
    columns = columns - columns.mean(2, keepdim=True)
    return columns.flatten(1, 2).unflatten(2, (small.height, small.width))[0].contiguous()


def phases(image: Image.Image, patch: int = 5) -> list[Tensor]:
    """Descriptors of the 16 sub-cell views: the image moved by 0 to 3 pixels in y and x."""
    views = []
    for dy in range(4):
        for dx in range(4):
            moved = image.transform(
                image.size,
                Image.Transform.AFFINE,
                (1, 0, dx, 0, 1, dy),
                resample=Image.Resampling.NEAREST,
            )
            views.append(descriptors(moved, patch))
    return views

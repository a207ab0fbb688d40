# SPDX-License-Identifier: Apache-2.0
"""Features of real photo pairs: descriptors by default, VGG19 with a weights file."""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.common.photos import blurred, numbers, pair_of, tensor

Features = tuple[Tensor, Tensor]
"""Of query and key: `[C, H, W]` each."""


def pair_parser(words: str, size: str = "83x125") -> argparse.ArgumentParser:
    """Options of what is searched, for a program that these words describe."""
    parser = argparse.ArgumentParser(description=words.splitlines()[0])
    parser.add_argument("--size", default=size, help="feature cells, rows x columns")
    parser.add_argument("--vgg", type=Path, help="safetensors file with VGG19 up to relu3_1")
    parser.add_argument("--pair", type=Path, nargs=2, help="two photos: query and key")
    parser.add_argument("--random", action="store_true", help="256 random channels instead")
    return parser


def features_of(options: argparse.Namespace) -> Features:
    """What `pair_parser` was told to search."""
    if options.random:
        return random_features(256, *numbers(options.size))
    a, b = pair_of(options)
    if options.vgg:
        return vgg_features(a, options.vgg), vgg_features(b, options.vgg)
    return descriptors(a), descriptors(b)


def random_features(channels: int, rows: int, columns: int) -> Features:
    """Without any structure, so that nothing can be pruned."""
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, channels, rows, columns, generator=generator)
    return query, key


def views_of(options: argparse.Namespace) -> tuple[Tensor, list[Tensor]]:
    """Descriptors of the query, and of the 16 sub-cell views of the key."""
    query, key = pair_of(options)
    return descriptors(query), phases(key)


def standardised(image: Image.Image) -> Tensor:
    """As VGG19 was taught."""
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    return (tensor(image) - mean) / std


def vgg_features(image: Image.Image, weights: Path) -> Tensor:
    """VGG19 relu3_1 of the blurred image: `[256, H/4, W/4]`."""
    state = load_file(weights)
    convolutions = sorted(
        {int(name.split(".")[-2]): name.rsplit(".", 1)[0] for name in state}.items()
    )
    x = standardised(blurred(image))
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
    small = image.resize((image.width // 4, image.height // 4), Image.Resampling.BICUBIC)
    x = standardised(small)
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

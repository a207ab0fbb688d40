# SPDX-License-Identifier: Apache-2.0
"""What the finest detail says of a small image: compression that leaves no steps, and softness.

Codecs that smooth their blocks (WebP, those of films) leave no comb of values as JPEG does. But
they drop fine detail wherever it costs more than it shows, while a photo has some of it everywhere
that it has coarse detail; and a blur takes it from everywhere alike. So patches are sorted by their
coarse detail, and what each sort has of fine detail is described by a few numbers. A network of
three layers, taught by `benchmarks.training.signs`, makes two of them.
"""

import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor

_FILE = Path(__file__).with_name("signs.safetensors")
SIDE = 4
"""Of a patch in pixels."""
LEAST, MOST = 3000, 250_000
"""Patches that an image must have, so that anything is said; that are looked at, about."""
FEWEST = 30
"""Patches of a sort that say anything."""
NUMBERS = 7
"""That describe a sort."""
SORTS = ((0, 3, 6, 12, 24, 48), (0, 3, 12))
"""Grey levels of coarse detail, of brightness and of colour, from which the sorts begin."""
_ROUNDING = 0.75
"""Grey levels that are as good as none."""
_PLANES = ((0.299, 0.587, 0.114), (0.5, 0.0, -0.5))
SOFT = 2.0
"""What the network says of softness, for one pixel of it."""


class Signs(NamedTuple):
    """What is seen on an image."""

    error: float
    """What compression has done: root mean square in grey levels."""
    softness: float
    """Blur before the reduction: standard deviation in pixels of the small image."""


def tells(colour: Float[Tensor, "3 h w"]) -> bool:
    """Whether an image is large enough that anything can be said."""
    height, width = colour.shape[1:]
    return (height - SIDE + 1) * (width - SIDE + 1) >= LEAST


def signs_of(colour: Float[Tensor, "3 h w"]) -> Signs:
    """Look at an image; what is below zero by the rounding of the fit is zero.

    Args:
        colour: `[3, H, W]` in [0, 1], without noise: noise is fine detail too.
    """
    if not tells(colour):
        return Signs(0.0, 0.0)
    said = answered(described(colour)[None], _network())[0]
    return Signs(max(0.0, math.expm1(float(said[0]))), max(0.0, float(said[1]) / SOFT))


def described(colour: Float[Tensor, "3 h w"]) -> Float[Tensor, " n"]:
    """The numbers that the network is shown; NaN of sorts with too few patches."""
    levels = 255 * colour.detach().float().cpu()
    stride = math.ceil(math.sqrt(levels[0].numel() / MOST)) // 2 * 2 + 1  # blocks begin at evens
    numbers: list[float] = []
    for weights, edges in zip(_PLANES, SORTS, strict=True):
        plane = torch.tensordot(levels.new_tensor(weights), levels, 1)
        waves = F.conv2d(plane[None, None], _cosines(), stride=stride)[0].flatten(1)
        grey = float(plane.max() - plane.min()) < 1
        numbers += _sorts(waves, edges) if not grey else [math.nan] * NUMBERS * len(edges)
    return torch.tensor(numbers, dtype=torch.float32, device="cpu")


def answered(numbers: Float[Tensor, "b n"], network: dict[str, Tensor]) -> Float[Tensor, "b 2"]:
    """The logarithm of 1 + error, and softness times `SOFT`, of several images."""
    missing = numbers.isnan()
    usual = (numbers - network["mean"]) / network["deviation"]
    x = torch.cat([usual.masked_fill(missing, 0), missing[:, ::NUMBERS].to(usual)], 1)
    for layer in (0, 1, 2):
        x = x if layer == 0 else x.relu()
        x = F.linear(x, network[f"{layer}.weight"], network[f"{layer}.bias"])
    return x


def _sorts(waves: Float[Tensor, "16 n"], edges: tuple[int, ...]) -> list[float]:
    order = [i + j for i in range(SIDE) for j in range(SIDE)]
    coarse, middle, fine = (
        waves[[k for k, x in enumerate(order) if x in wanted]]
        for wanted in ((1, 2), (3,), (4, 5, 6))
    )
    detail = coarse.square().mean(0).sqrt()
    numbers: list[float] = []
    for low, high in zip(edges, (*edges[1:], math.inf), strict=True):
        inside = (detail >= low) & (detail < high)
        count = int(inside.sum())
        if count < FEWEST:
            numbers += [math.nan] * NUMBERS
            continue
        some = detail[inside]
        for band, little in ((middle[:, inside], 0.1), (fine[:, inside], 0.05)):
            numbers += [
                math.log(float(band.square().mean()) + 0.01),
                float((band.abs() < _ROUNDING).float().mean()),
                float((band.abs().mean(0) < little * some).float().mean()),
            ]
        numbers.append(math.log(count / detail.numel()))
    return numbers


@cache
def _cosines() -> Float[Tensor, "16 1 4 4"]:
    """The discrete cosine transform of a patch, a filter for each wave."""
    x = torch.arange(SIDE, dtype=torch.float32, device="cpu")
    k = x[:, None]
    basis = torch.cos(math.pi * (2 * x + 1) * k / (2 * SIDE)) * math.sqrt(2 / SIDE)
    basis[0] /= math.sqrt(2)
    return torch.einsum("ia,jb->ijab", basis, basis).reshape(SIDE**2, 1, SIDE, SIDE)


@cache
def _network() -> dict[str, Tensor]:
    return load_file(_FILE)

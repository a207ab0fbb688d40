# SPDX-License-Identifier: Apache-2.0
"""Teach the network that tells compression and softness from the finest detail (`wear/signs.py`).

    python -m benchmarks.training.signs DATA/train [--out signs.safetensors] [--samples 14000]

Every tenth photo is held out; what is said of small pictures of them is printed for each way that
they were worn: quantiles of the error and of the softness, beside the truth.
"""

import argparse
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from searchtransfer.training.data.pixels import Pixels, read_pixels, resize
from searchtransfer.training.degradations import (
    Blur,
    Chain,
    Downsampling,
    Film,
    Jpeg,
    Noise,
    Sharpening,
    WebP,
)
from searchtransfer.wear.signs import NUMBERS, SOFT, SORTS, answered, described

SIDE = 64  # of a small picture
LARGEST = 700  # shorter side of photos
SCALES = (2, 3, 4, 4, 4, 8)
GREY = 0.3  # the share that is shown without its colours
KINDS = {
    "clean": 0.27,
    "soft": 0.15,
    "film": 0.2,
    "WebP": 0.13,
    "other reduction": 0.07,
    "JPEG": 0.05,
    "several": 0.1,
    "noise or sharpening": 0.03,
}
EPOCHS, BATCH, RATE = 60, 128, 4e-3


class Sample(NamedTuple):
    kind: str
    numbers: Tensor
    truth: Tensor


def drawn(photos: list[Path], rng: np.random.Generator) -> Sample:
    scale = int(rng.choice(SCALES))
    side = SIDE * scale
    photo = any_size(photo_of(photos[rng.integers(len(photos))]), side, rng)
    top, left = (int(rng.integers(n - side + 1)) for n in photo.shape[:2])
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    softness, kernel = 0.0, "bicubic"
    after: tuple = ()
    if kind == "soft" or (kind == "several" and rng.random() < 0.5):
        softness = float(rng.uniform(0.15, 0.9))
    if kind == "other reduction":
        kernel = str(rng.choice(["area", "bilinear", "lanczos"]))
    elif kind == "JPEG":
        after = (Jpeg(int(rng.integers(30, 96))),)
    elif kind == "several" and rng.random() < 0.5:
        after = (Noise(float(rng.uniform(0, 6))),)
    elif kind == "noise or sharpening":
        part = Noise(float(rng.uniform(0, 15))) if rng.random() < 0.6 else Sharpening(0.5, 1.0)
        after = (part,)
    if kind == "film" or (kind == "several" and rng.random() < 0.5):
        after = (*after, Film(int(rng.integers(18, 36))))
    elif kind in ("WebP", "several"):
        after = (*after, WebP(int(rng.integers(25, 96))))
    before = (Blur(softness * scale),) if softness else ()
    reduction = Downsampling(kernel, scale)
    part = photo[top : top + side, left : left + side]
    plain = Chain(before, reduction).apply(part)
    small = Chain(before, reduction, after, int(rng.integers(2**32))).apply(part)
    error = float(np.sqrt(np.mean((small.astype(np.float32) - plain) ** 2)))
    if kind == "noise or sharpening":
        error = 0.0  # that is for others to tell
    colour = torch.from_numpy(small).permute(2, 0, 1).float() / 255
    if rng.random() < GREY:
        colour = colour.mean(0, keepdim=True).mul(255).round().div(255).expand(3, -1, -1)
    return Sample(kind, described(colour), torch.tensor([math.log1p(error), SOFT * softness]))


_photos: dict[Path, Pixels] = {}


def photo_of(path: Path) -> Pixels:
    if path not in _photos:
        photo = read_pixels(path)
        factor = min(1.0, LARGEST / min(photo.shape[:2]))
        _photos[path] = resize(photo, *(round(n * factor) for n in photo.shape[:2]))
    return _photos[path]


def any_size(photo: Pixels, least: int, rng: np.random.Generator) -> Pixels:
    """As it is, or reduced or enlarged: photos are of any sharpness."""
    factor = 1.0 if rng.random() < 0.4 else float(np.exp(rng.uniform(np.log(0.6), np.log(1.8))))
    factor = max(factor, least / min(photo.shape[:2]))
    return resize(photo, *(max(least, round(n * factor)) for n in photo.shape[:2]))


def taught(samples: list[Sample]) -> dict[str, Tensor]:
    numbers = torch.stack([x.numbers for x in samples])
    truth = torch.stack([x.truth for x in samples])
    known = numbers.masked_fill(numbers.isnan(), 0).double()
    count = (~numbers.isnan()).sum(0).clamp(min=1)
    mean = known.sum(0) / count
    deviation = (known.square().sum(0) / count - mean**2).clamp(min=0).sqrt() + 1e-3
    sorts = sum(map(len, SORTS))
    sizes = [sorts * (NUMBERS + 1), 48, 32, 2]
    torch.manual_seed(0)
    network = {"mean": mean.float(), "deviation": deviation.float()}
    for i in range(3):
        layer = torch.nn.Linear(sizes[i], sizes[i + 1])
        network |= {f"{i}.weight": layer.weight.detach(), f"{i}.bias": layer.bias.detach()}
    learned = [x.requires_grad_() for name, x in network.items() if name[0].isdigit()]
    steps = EPOCHS * (len(samples) // BATCH)
    optimiser = torch.optim.AdamW(learned, RATE, weight_decay=1e-3)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(samples))[: len(samples) // BATCH * BATCH].split(BATCH):
            loss = F.smooth_l1_loss(answered(numbers[chosen], network), truth[chosen], beta=0.2)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rates.step()
    return {name: x.detach().contiguous() for name, x in network.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("signs.safetensors"))
    parser.add_argument("--samples", type=int, default=14_000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = [x for x in options.data.rglob("*") if x.suffix.lower() in (".jpg", ".jpeg", ".png")]
    photos = [x for x in sorted(names) if min(photo_of(x).shape[:2]) >= 150]
    held, rest = photos[::10], [x for i, x in enumerate(photos) if i % 10]
    rng = np.random.default_rng(0)
    network = taught([drawn(rest, rng) for _ in range(options.samples)])
    save_file(network, options.out)
    checks = [drawn(held, rng) for _ in range(options.samples // 8)]
    at = torch.tensor([0.01, 0.05, 0.5, 0.95, 0.99])
    print("| held out | true error | said: 1, 5, 50, 95, 99 % | true softness | said |")
    print("|---|--:|---|--:|---|")
    for kind in KINDS:
        some = [x for x in checks if x.kind == kind]
        said = answered(torch.stack([x.numbers for x in some]), network)
        truth = torch.stack([x.truth for x in some])
        columns = []
        for i, back in enumerate((torch.expm1, lambda x: x / SOFT)):
            columns.append(f"{float(back(truth[:, i]).mean()):.2f}")
            columns.append(", ".join(f"{x:.2f}" for x in back(said[:, i]).quantile(at).tolist()))
        print(f"| {kind} ({len(some)}) |", " | ".join(columns), "|", flush=True)


if __name__ == "__main__":
    main()

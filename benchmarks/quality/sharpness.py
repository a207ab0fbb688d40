# SPDX-License-Identifier: Apache-2.0
"""Photos that are larger than the result: what they show beyond it, and how much to filter them.

    python -m benchmarks.quality.sharpness DATA [--every 20] [--parts 1 0.8 0.7 --shift 8 6]

Every so many of all photos in DATA, as they are and enlarged by Pillow: the energy beyond the
result, over that of what it can just show (`references/sharpness.py`). With `--parts` instead PSNR
of luma in dB, of the model without learning: a photo at half its size is made of that at an eighth,
and of the same photo a few pixels aside, filtered by so much of the factor. "Both blurred": the
photo too that the result is compared with.
"""

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from unittest.mock import patch

import torch
from PIL import Image
from torch import Tensor

from benchmarks.common import tables
from benchmarks.common.scenes import photos_in
from benchmarks.quality.geometry import picture, tensor
from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple, degrade, read_image
from searchtransfer.images.resize import blurred
from searchtransfer.references.sharpness import beyond

FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
SIDES = 480, 640


def resized(colour: Tensor, factor: float, how: Image.Resampling) -> Tensor:
    photo = picture(colour)
    size = round(factor * photo.width), round(factor * photo.height)
    return tensor(photo.resize(size, how))


def ways(photo: Tensor) -> Iterator[tuple[str, Tensor]]:
    """A photo, and what makes it show less."""
    yield "as it is", photo
    for sigma in (0.6, 1.0):
        yield f"blurred by {sigma}", blurred(photo, sigma)
    small = resized(photo, 0.5, Image.Resampling.BICUBIC)
    for how in FILTERS:
        yield f"enlarged, {how.name.lower()}", resized(small, 2, how)


def pairs(here: Tensor, aside: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
    """What is to be made, at twice its size, and with what."""
    for name, other in ways(aside):
        yield name, here, other
    yield "both blurred by 0.7", blurred(here, 0.7), blurred(aside, 0.7)


def compare_energies(photos: list[Path]) -> None:
    found: dict[str, list[float]] = {}
    for path in photos:
        photo = read_image(path).colour[:, : SIDES[0], : SIDES[0]]
        for factor in (2, 3):
            found.setdefault(f"{factor} times, as it is", []).append(beyond(photo, float(factor)))
            for how in FILTERS:
                name = f"{factor} times, enlarged, {how.name.lower()}"
                large = resized(photo[:, : SIDES[0] // 2, : SIDES[0] // 2], factor, how)
                found.setdefault(name, []).append(beyond(large, float(factor)))
    shares = (0.0, 0.05, 0.5, 0.95, 1.0)
    print(tables.head([f"of {len(photos)} photos", "least", "5 %", "median", "95 %", "most"]))
    for name, values in found.items():
        ordered = torch.tensor(values).quantile(torch.tensor(shares)).tolist()
        print(tables.row([name, *(f"{x:.3f}" for x in ordered)]))


def compare_parts(photos: list[Path], parts: list[float], shift: list[int]) -> None:
    upscaler = Upscaler.from_pretrained("transfer", scale=4)
    found: dict[str, list[list[float]]] = {}
    for path in photos:
        photo = read_image(path).colour
        sides = (
            min(most, n - by) // 8 * 8
            for most, n, by in zip(SIDES, photo.shape[1:], shift, strict=True)
        )
        height, width = sides
        here = photo[:, :height, :width]
        aside = photo[:, shift[0] : shift[0] + height, shift[1] : shift[1] + width]
        for name, large, other in pairs(here, aside):
            truth = crop_to_multiple(resized(large, 0.5, Image.Resampling.BICUBIC), 4)
            low = degrade(truth, 4)
            row = []
            for part in parts:
                with patch(
                    "searchtransfer.references.photo.part_of_filter", return_value=float(part)
                ):
                    row.append(psnr(upscaler.upscale(low, other).image, truth))
            found.setdefault(name, []).append(row)
    print(tables.head([f"mean of {len(photos)} photos", *(f"{x:g}" for x in parts)]))
    for name, rows in found.items():
        print(tables.row([name, *(f"{mean(x):.2f}" for x in zip(*rows, strict=True))]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--parts", type=float, nargs="*")
    parser.add_argument("--shift", type=int, nargs=2, default=[8, 6])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    photos = photos_in(options.data, deep=True)[:: options.every]
    if options.parts:
        compare_parts(photos, options.parts, options.shift)
    else:
        compare_energies(photos)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Photos that are turned, mirrored or of another size than the result, beside the same upright.

    python -m benchmarks.quality.geometry DATA/scenes --scenes 'flow-*' [--model transfer]

First photo of each scene by name with the last as reference, changed by Pillow (bicubic; turned by
30 degrees with what lies outside cut off). PSNR-Y in dB, `ttsr` profile.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.common import tables
from benchmarks.common.scenes import photos_in
from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import crop_to_multiple, degrade, read_image, up


def picture(colour: Tensor) -> Image.Image:
    return Image.fromarray((colour.permute(1, 2, 0) * 255).round().byte().numpy())


def tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def resized(factor: float) -> Callable[[Image.Image], Image.Image]:
    return lambda x: x.resize(
        (round(x.width * factor), round(x.height * factor)), Image.Resampling.BICUBIC
    )


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "upright": lambda x: x,
    "turned by 90": lambda x: x.transpose(Image.Transpose.ROTATE_90),
    "turned by 180": lambda x: x.transpose(Image.Transpose.ROTATE_180),
    "turned by 30": lambda x: x.rotate(30, Image.Resampling.BICUBIC, expand=True),
    "mirrored": lambda x: x.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "2 times larger": resized(2),
    "3 times larger": resized(3),
    "6 times larger": resized(6),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--scenes", default="flow-*")
    parser.add_argument("--model")
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    upscaler = Upscaler.from_pretrained(options.model, weights=options.weights)
    print(tables.head(["scene", "bicubic", "alone", *CHANGES]), flush=True)
    rows = []
    for scene in sorted(options.data.glob(options.scenes)):
        photos = photos_in(scene)
        truth = crop_to_multiple(read_image(photos[0]).colour, 4)
        low, other = degrade(truth, 4), picture(read_image(photos[-1]).colour)
        row = [psnr(up(low, 4), truth)]
        needs = upscaler.model.needs_reference
        row.append(row[0] if needs else psnr(upscaler.upscale(low).image, truth))
        for change in CHANGES.values():
            row.append(psnr(upscaler.upscale(low, tensor(change(other))).image, truth))
        rows.append(row)
        print(tables.row([scene.name, *(f"{x:.2f}" for x in row)]), flush=True)
    print(tables.row(["**mean**", *(f"{mean(x):.2f}" for x in zip(*rows, strict=True))]))


if __name__ == "__main__":
    main()

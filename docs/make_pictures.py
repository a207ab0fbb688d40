# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of the README from public-domain photos: `python docs/make_pictures.py`.

The photo is scikit-image's astronaut (NASA, public domain). A part of it is reduced four times; the
reference is another part of the same photo, turned, enlarged and darkened, that shows only some of
what is to be made sharp. So this is an easy case where they overlap, and a hopeless one elsewhere.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data

from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import degrade, up

SCALE = 4
TARGET = (140, 0, 332, 192)
"""Left, top, right, bottom of the part that is to be made sharp."""
REFERENCE_CENTRE, REFERENCE_SIZE = (270, 110), (192, 192)
ANGLE, ZOOM, BRIGHTNESS = 4.0, 1.07, 0.85


def way_back(size: tuple[int, int] = REFERENCE_SIZE) -> tuple[float, ...]:
    """From places of the reference to those of the photo: a x + b y + c and d x + e y + f."""
    angle = math.radians(ANGLE)
    a, b = math.cos(angle) / ZOOM, math.sin(angle) / ZOOM
    (x, y), (width, height) = REFERENCE_CENTRE, size
    return (
        *(a, b, x - a * width / 2 - b * height / 2),
        *(-b, a, y + b * width / 2 - a * height / 2),
    )


def warped(photo: Image.Image, size: tuple[int, int] = REFERENCE_SIZE) -> Image.Image:
    """The reference: a turned, enlarged and darkened part of the photo."""
    affine, bicubic = Image.Transform.AFFINE, Image.Resampling.BICUBIC
    turned = photo.transform(size, affine, way_back(size), bicubic)
    return turned.point(lambda value: value * BRIGHTNESS)


def tensor(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def picture(image: torch.Tensor) -> Image.Image:
    eight_bit = image.clamp(0, 1).mul(255).round().to(torch.uint8)
    return Image.fromarray(eight_bit.permute(1, 2, 0).contiguous().numpy())


def make(folder: Path) -> None:
    photo = Image.fromarray(data.astronaut())
    truth = tensor(photo.crop(TARGET))
    reference = warped(photo)
    low = degrade(truth, SCALE)
    result = Upscaler.from_pretrained(scale=SCALE).upscale(low, [tensor(reference)])
    enlarged = up(low, SCALE)
    score = (result.score * 2 - 1).expand(3, -1, -1)  # black for 0.5 and below, white for 1

    large = (truth.shape[2], truth.shape[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {
        "small": picture(low).resize(large, Image.Resampling.NEAREST),
        "reference": reference,
        "bicubic": picture(enlarged),
        "result": picture(result.image),
        "score": picture(score).resize(large, Image.Resampling.NEAREST),
        "truth": picture(truth),
    }.items():
        content.save(folder / f"{name}.png", optimize=True)
    print(f"bicubic {psnr(enlarged, truth):.1f} dB, result {psnr(result.image, truth):.1f} dB")
    print(f"pictures in {folder}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    make(parser.parse_args().out)

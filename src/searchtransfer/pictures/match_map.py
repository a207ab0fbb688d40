# SPDX-License-Identifier: Apache-2.0
"""The match map: from where in the references the texture of each cell comes."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64, UInt8
from numpy import ndarray as Array
from PIL import Image as PILImage
from PIL import ImageColor, ImageDraw
from torch import Tensor

from .colours import CATEGORIES, direction_colours
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
_LEAST_SCORE = 0.5
"""Matches of this score and below say nothing, and are grey."""


class Displacement(NamedTuple):
    """How far, and which way, from a cell's own place its match lies, in pixels of the result."""

    dy: Float[Array, "h w"]
    dx: Float[Array, "h w"]


def displacement(pixel: Int64[Tensor, "h w 2"], scale: int) -> Displacement:
    """From the first pixel of each cell to the first pixel of its match.

    Args:
        pixel: row and column in the reference, as in `Matches.pixel`.
        scale: pixels of the result on a side of a cell.
    """
    found = pixel.cpu().numpy().astype(np.float64)
    rows, columns = np.indices(found.shape[:2]) * scale
    return Displacement(found[..., 0] - rows, found[..., 1] - columns)


def draw_match_map(
    photo: Int64[Tensor, "h w"],
    pixel: Int64[Tensor, "h w 2"],
    score: Float[Tensor, "h w"],
    *,
    scale: int,
    names: tuple[str, ...] = (),
) -> PILImage.Image:
    """Draw direction and distance of the matches as colour, with a legend.

    With several references, a second map shows which one each cell was found in.

    Args:
        photo: number of the reference of each cell, as in `Matches`.
        pixel: row and column there.
        score: of each match; low ones fade to grey.
        scale: pixels of the result on a side of a cell.
        names: of the references, for the legend.
    """
    trust = (score.detach().cpu().double().numpy() - _LEAST_SCORE) / (1 - _LEAST_SCORE)
    trust = trust.clip(0, 1)
    moved = displacement(pixel, scale)
    reach = _reach(moved, trust)
    numbers = photo.cpu().numpy()
    several = int(numbers.max(initial=0)) > 0 or len(names) > 1
    maps = [direction_colours(moved.dy / reach, moved.dx / reach, np.sqrt(trust))]
    if several:
        maps.append(_category_colours(numbers, np.sqrt(trust)))
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


def _reach(moved: Displacement, trust: Float[Array, "h w"]) -> float:
    """The distance of the fullest colour: twice the usual one of trusted matches, made round.

    Not the largest: a few far matches would leave all others pale.
    """
    distance = np.hypot(*moved)
    trusted = distance[trust > 0]
    usual = float(np.median(trusted if trusted.size else distance))
    far = max(2 * usual, 4.0)
    step = 10 ** np.floor(np.log10(far))
    return float(np.ceil(far / step) * step)


def _category_colours(
    numbers: Int64[Array, "h w"], trust: Float[Array, "h w"]
) -> UInt8[Array, "h w 3"]:
    table = np.array([ImageColor.getrgb(name) for name in CATEGORIES], dtype=np.float64)
    colours = table[numbers % len(CATEGORIES)]
    grey = 212.0
    faded: UInt8[Array, "h w 3"] = (grey + (colours - grey) * trust[..., None]).round().astype("u1")
    return faded


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
    axis = (np.arange(4 * _WHEEL) + 0.5) / (2 * _WHEEL) - 1
    dy, dx = np.meshgrid(axis, axis, indexing="ij")
    disc = PILImage.fromarray(direction_colours(dy, dx, np.ones_like(dx)))
    inside = PILImage.fromarray(((np.hypot(dy, dx) <= 1) * 255).astype(np.uint8))
    size = (_WHEEL, _WHEEL)
    smooth = PILImage.Resampling.BOX
    page.paste(disc.resize(size, smooth), at, inside.resize(size, smooth))
    middle = x + _WHEEL // 2, y + _WHEEL // 2
    pen.ellipse((middle[0] - 2, middle[1] - 2, middle[0] + 2, middle[1] + 2), fill=INK)
    below = y + _WHEEL + 10
    pen.text((x, below), f"rim: {reach:g} px or more", fill=INK, font=font(TEXT), anchor="la")
    below += TEXT + 6
    pen.text((x, below), "centre: the same place", fill=MUTED, font=font(SMALL), anchor="la")
    return below + SMALL

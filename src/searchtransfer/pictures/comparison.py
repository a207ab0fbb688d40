# SPDX-License-Identifier: Apache-2.0
"""Before and after, side by side: the whole pictures, and crops where they differ most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray as Array
from PIL import Image as PILImage
from PIL import ImageDraw
from torch import Tensor

from ..errors import ShapeError
from .layout import GAP, INK, MARGIN, MUTED, PAPER, SMALL, TEXT, font, framed, sheet

_MARKS = ("#ff4d5e", "#ffb000", "#2fa8ff")
_COLUMN = 480
"""Width of a column in pixels."""
_TIGHT = 8


@dataclass(frozen=True)
class Panel:
    """One of the pictures compared."""

    title: str
    colour: Float[Tensor, "3 h w"]
    """In [0, 1]; all panels of a comparison have the same size."""
    note: str = ""
    """A few words below the title, such as its PSNR."""


def draw_comparison(panels: Sequence[Panel], *, crops: int = 3) -> PILImage.Image:
    """Draw panels side by side, and below each the same crops.

    Args:
        panels: two or more, before and after first: the crops are where these two differ most.
        crops: how many, at most 3; small pictures have fewer.

    Raises:
        ShapeError: there are fewer than two panels, or their sizes differ.
    """
    if len(panels) < 2 or len({tuple(panel.colour.shape) for panel in panels}) > 1:
        sizes = [list(panel.colour.shape) for panel in panels]
        raise ShapeError(f"comparison: panels must be two or more of one size, got {sizes}")
    pixels = [_pixels(panel.colour) for panel in panels]
    height, width = pixels[0].shape[:2]
    boxes = _boxes(pixels[0], pixels[1], min(crops, len(_MARKS)))
    whole_height = max(1, round(_COLUMN * height / width))
    crop_height = round(_COLUMN * _crop_size(height, width)[0] / _crop_size(height, width)[1])
    top = MARGIN + TEXT + 6 + SMALL + 12
    rows = [whole_height, *[crop_height] * len(boxes)]
    page, pen = sheet(
        2 * MARGIN + len(panels) * _COLUMN + (len(panels) - 1) * GAP,
        top + sum(rows) + _TIGHT * (len(rows) - 1) + MARGIN,
    )
    for number, (panel, picture) in enumerate(zip(panels, pixels, strict=True)):
        x = MARGIN + number * (_COLUMN + GAP)
        pen.text((x, MARGIN), panel.title, fill=INK, font=font(TEXT), anchor="la")
        pen.text((x, MARGIN + TEXT + 6), panel.note, fill=MUTED, font=font(SMALL), anchor="la")
        whole = PILImage.fromarray(picture).resize(
            (_COLUMN, whole_height), PILImage.Resampling.LANCZOS
        )
        _mark(whole, boxes, _COLUMN / width)
        framed(page, pen, whole, (x, top))
        y = top + whole_height + _TIGHT
        for mark, (row, column, tall, wide) in zip(_MARKS, boxes, strict=False):
            crop = PILImage.fromarray(picture[row : row + tall, column : column + wide])
            # Nearest keeps the pixels as they are; it is the picture that is judged, not a filter.
            crop = crop.resize((_COLUMN, crop_height), PILImage.Resampling.NEAREST)
            page.paste(crop, (x, y))
            pen.rectangle((x, y, x + _COLUMN - 1, y + crop_height - 1), outline=mark, width=3)
            y += crop_height + _TIGHT
    return page


def _pixels(colour: Float[Tensor, "3 h w"]) -> UInt8[Array, "h w 3"]:
    eight_bit = colour.detach().cpu().float().clamp(0, 1).mul(255).round()
    return np.ascontiguousarray(eight_bit.permute(1, 2, 0).numpy().astype(np.uint8))


def _crop_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of a crop: a width that is magnified a whole number of times."""
    wide = next((x for x in (120, 96, 80, 60, 48, 40, 30, 24, 20, 16) if x <= width / 4), width)
    return max(1, min(height, wide * 9 // 16)), wide


def _boxes(
    before: UInt8[Array, "h w 3"], after: UInt8[Array, "h w 3"], count: int
) -> list[tuple[int, int, int, int]]:
    """(row, column, height, width) of the windows that differ most and do not overlap."""
    height, width = before.shape[:2]
    tall, wide = _crop_size(height, width)
    if tall >= height or wide >= width:
        return []
    change = np.square(before.astype(np.float64) - after).sum(axis=2)
    sums = np.pad(change.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    energy = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    boxes = []
    for _ in range(count):
        row, column = (int(i) for i in np.unravel_index(energy.argmax(), energy.shape))
        if energy[row, column] < 0:
            break
        boxes.append((row, column, tall, wide))
        # Keep a distance of half a crop, so that the crops show different things.
        rows = slice(max(0, row - 3 * tall // 2), row + 3 * tall // 2 + 1)
        columns = slice(max(0, column - 3 * wide // 2), column + 3 * wide // 2 + 1)
        energy[rows, columns] = -1
    return boxes


def _mark(whole: PILImage.Image, boxes: list[tuple[int, int, int, int]], factor: float) -> None:
    pen = ImageDraw.Draw(whole)
    for mark, (row, column, tall, wide) in zip(_MARKS, boxes, strict=False):
        box = [round(v * factor) for v in (column, row, column + wide, row + tall)]
        pen.rectangle((box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1), outline=PAPER, width=4)
        pen.rectangle(tuple(box), outline=mark, width=2)

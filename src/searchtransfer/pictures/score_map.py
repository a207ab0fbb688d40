# SPDX-License-Identifier: Apache-2.0
"""The score map: how well each cell of the image was found in the references."""

import numpy as np
from jaxtyping import Float
from PIL import Image as PILImage
from PIL import ImageDraw
from torch import Tensor

from .colours import scale_colours
from .layout import (
    GAP,
    HAIRLINE,
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
)

_BAR, _BAR_HEIGHT = 18, 320
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_BINS = 64
_HISTOGRAM = 76
_TITLE = "Score map"
_SUBTITLE = "How well each cell was found in the references (cosine; below 0 is shown as 0)"


def draw_score_map(score: Float[Tensor, "h w"]) -> PILImage.Image:
    """Draw a score map with its scale, the share of cells at each score, and the mean.

    Args:
        score: -1 to 1, as in `Result.score`. Colours run from 0 to 1 in every map, so that maps
            can be compared.
    """
    values = score.detach().cpu().double().numpy()
    picture = enlarged(scale_colours(values))
    legend = _BAR + 44 + _HISTOGRAM
    width = max(2 * MARGIN + picture.width + GAP + legend, heading_width(_TITLE, _SUBTITLE))
    top = heading(ImageDraw.Draw(PILImage.new("RGB", (1, 1))), _TITLE, _SUBTITLE)
    inner = max(picture.height, _BAR_HEIGHT + TEXT + GAP)
    page, pen = sheet(width, top + inner + MARGIN)
    heading(pen, _TITLE, _SUBTITLE)
    framed(page, pen, picture, (MARGIN, top))
    _draw_scale(page, pen, values, (MARGIN + picture.width + GAP, top))
    return page


def _draw_scale(
    page: PILImage.Image, pen: ImageDraw.ImageDraw, values: np.ndarray, at: tuple[int, int]
) -> None:
    x, y = at
    ramp = scale_colours(np.linspace(1, 0, _BAR_HEIGHT))[:, None].repeat(_BAR, axis=1)
    framed(page, pen, PILImage.fromarray(ramp), at)
    ticks = x + _BAR
    for value in _TICKS:
        row = y + round((1 - value) * (_BAR_HEIGHT - 1))
        pen.line((ticks, row, ticks + 4, row), fill=MUTED)
        pen.text((ticks + 8, row), f"{value:g}", fill=MUTED, font=font(SMALL), anchor="lm")
    left = ticks + 44
    counts = np.histogram(values.clip(0, 1), bins=_BINS, range=(0, 1))[0]
    step = _BAR_HEIGHT / _BINS
    for number, count in enumerate(counts):
        if count:
            bottom = y + _BAR_HEIGHT - number * step
            length = max(1, round(_HISTOGRAM * count / counts.max()))
            pen.rectangle((left, bottom - step, left + length - 1, bottom - 2), fill="#9aa3b2")
    pen.line((left - 1, y, left - 1, y + _BAR_HEIGHT - 1), fill=HAIRLINE)
    mean = float(values.mean())
    row = y + round((1 - min(max(mean, 0), 1)) * (_BAR_HEIGHT - 1))
    pen.line((x - 4, row, x + _BAR + 3, row), fill=INK, width=2)
    below = y + _BAR_HEIGHT + 10
    pen.text((x, below), f"mean {mean:.2f}", fill=INK, font=font(TEXT), anchor="la")

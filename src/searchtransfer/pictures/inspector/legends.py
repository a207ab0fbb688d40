# SPDX-License-Identifier: Apache-2.0
"""What the layers of the inspector mean: the histogram of scores, the references' shares."""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ...foreign import in_html
from ..colours import CATEGORIES, scale_colours
from .encoding import png_uri
from .picture import InspectorInput

BINS = 50
_TICKS = ("0", "0.25", "0.5", "0.75", "1")


def histogram(score: Float[Tensor, "h w"]) -> str:
    """How many cells have which score, as SVG, above the colours of the score map."""
    values = score.detach().cpu().double().numpy()
    counts = np.histogram(values.clip(0, 1), bins=BINS, range=(0, 1))[0]
    step = 100 / BINS
    middles = (np.arange(BINS) + 0.5) / BINS
    bars = "".join(
        f'<rect x="{number * step:g}" y="{100 - 100 * count / counts.max():.2f}" '
        f'width="{step * 0.86:g}" height="{100 * count / counts.max():.2f}" '
        f'fill="#{bytes(colour.tolist()).hex()}"/>'
        for number, (count, colour) in enumerate(
            zip(counts.tolist(), scale_colours(middles), strict=True)
        )
        if count
    )
    quarter, median, rest = (float(x) for x in np.quantile(values, (0.25, 0.5, 0.75)))
    words = (
        f"Half of the {values.size} scores are above {median:.2f}; the middle half lies between "
        f"{quarter:.2f} and {rest:.2f}."
    )
    ramp = png_uri(scale_colours(np.linspace(0, 1, 256))[None])
    ticks = "".join(f"<span>{tick}</span>" for tick in _TICKS)
    return (
        '<div class="histogram">'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{words}">'
        f'{bars}<line class="base" x1="0" x2="100" y1="100" y2="100"/>'
        '<line id="marker" x1="0" x2="0" y1="-4" y2="100"/></svg>'
        f'<img src="{ramp}" alt="Colours of the score map, from dark violet at 0 to light yellow '
        f'at 1"><div class="axis" aria-hidden="true">{ticks}</div>'
        f'<p class="hint">{words}</p></div>'
    )


def shares(picture: InspectorInput) -> str:
    """Each reference with its colour and the share of the cells that were found in it."""
    numbers = picture.photo.cpu().numpy()
    counts = np.bincount(numbers[numbers >= 0], minlength=len(picture.photos))
    rows = "".join(
        f'<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect width="1" height="1" rx="0.2" '
        f'fill="{CATEGORIES[number % len(CATEGORIES)]}"/></svg>'
        f"<span>{number + 1} · {in_html(photo.name)}</span>"
        f"<span>{100 * count / numbers.size:.0f}%</span></li>"
        for number, (photo, count) in enumerate(zip(picture.photos, counts.tolist(), strict=True))
    )
    return (
        '<p class="hint">Share of the cells that were found in each reference; the layer '
        f'<b>Reference</b> has these colours.</p><ul class="shares">{rows}</ul>'
    )

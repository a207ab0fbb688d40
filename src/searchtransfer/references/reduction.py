# SPDX-License-Identifier: Apache-2.0
"""How a small image was reduced, as its matches in a photo show.

The photo is reduced in every way of a short list; the right one is that which leaves the least of
the image unexplained.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..images.reduction import BICUBIC, Reduction
from ..operators.agreement import shown
from .comparison import compare
from .copy import Copy
from .field import Field

WAYS = (
    BICUBIC,
    *(Reduction(kernel) for kernel in ("lanczos", "area", "bilinear")),
    *(Reduction("bicubic", softness) for softness in (0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2)),
)
"""What is tried."""

SIDE = 64
"""Cells on a side of the part of the image that is looked at."""

AROUND_PART, LARGE = 8, 4
"""Cells around that part that are found with it, and so many times as large an image must be for
only the part to be found first."""

FEWEST = 200
"""Cells that must be found in one piece, in one copy; fewer tell nothing."""

SURE, SURE_OF_OTHERS = 0.99, 0.95
"""A way must lower what bicubic leaves unexplained (root mean square) to this part; below scale 4,
where the photo is of another day or place, to the second: the detail that is left there differs by
itself, which speaks for one way or another, and a wrong one costs up to 4 dB."""

SAME, SMALL = 0.17, 4
"""Of the contrast that photos of the same leave unexplained at scale 2 at most (others 0.24 and
more); and the scale from which on that is not asked, for too many photos of the same leave more."""

POOR = 0.42
"""A way may leave no more of the contrast unexplained: what shows an image only roughly (of other
days or places) is better the softer it is. Photos of the same reached 0.36, worn; others 0.5."""


def part_that_tells(
    surely: Float[Tensor, "h w"], size: tuple[int, int]
) -> tuple[slice, slice] | None:
    """Rows and columns that say how a large image was reduced; None for a small one, as a whole.

    Args:
        surely: how surely cells are found, in an image that may be smaller.
        size: rows and columns of cells of the image.
    """
    whole = SIDE + 2 * AROUND_PART
    if size[0] * size[1] <= LARGE * whole**2:
        return None
    area = _richest(F.interpolate(surely[None, None], size, mode="nearest")[0, 0])
    rows, columns = (slice(max(0, x.start - AROUND_PART), x.stop + AROUND_PART) for x in area)
    return rows, columns


def reduction_of(
    colour: Float[Tensor, "3 h w"],
    copies: Sequence[Copy],
    field: Field,
    agreement: Float[Tensor, "h w"],
    otherwise: Reduction = BICUBIC,
) -> Reduction:
    """The way an image was reduced.

    Args:
        colour: the small image, in [0, 1].
        copies: where it was found.
        field: its matches, as maps.
        agreement: of neighbouring matches.
        otherwise: the answer where the matches do not tell.
    """
    surely = shown(agreement)
    # Much is shown surely; of that, where neighbours agree most: matches that err tell nothing.
    area = _richest(surely * agreement)
    colour, surely, field = colour[(slice(None), *area)], surely[area], field.at(area)
    part = _best_part(copies, field, surely)
    if part is None:
        return otherwise
    copy, corner, surely = part
    field = field._replace(copy=torch.zeros_like(field.copy), centre=field.centre - corner)
    left = [_unexplained(colour, copy.changed(reduction=way), field, surely) for way in WAYS]
    best = min(range(len(WAYS)), key=left.__getitem__)
    if left[best] >= POOR:
        return otherwise
    other = copy.scale < SMALL and left[best] > SAME * (copy.scale / 2) ** 0.5
    return WAYS[best] if left[best] < (SURE_OF_OTHERS if other else SURE) * left[0] else BICUBIC


def nearby(
    copies: Sequence[Copy], field: Field, agreement: Float[Tensor, "h w"]
) -> tuple[Copy, ...]:
    """What the copies show near where most of a part of an image was found."""
    part = _best_part(copies, field, shown(agreement))
    return tuple(copies) if part is None else (part.copy,)


class _Part(NamedTuple):
    """Some of a copy."""

    copy: Copy
    corner: Float[Tensor, "2"]
    surely: Float[Tensor, "h w"]
    """How surely the cells lie in it."""


def _best_part(copies: Sequence[Copy], field: Field, surely: Float[Tensor, "h w"]) -> _Part | None:
    """Where most of some cells was found; None where too few were found side by side."""
    number = int(torch.bincount((field.copy * (surely > 0)).flatten()).argmax())
    surely = surely * (field.copy == number)
    if not surely.any():
        return None
    copy, middle = copies[number], field.centre[surely > 0].median(0).values
    surely = surely * ((field.centre - middle).abs().amax(-1) <= SIDE * copy.scale)
    if surely.sum() < FEWEST:
        return None
    reach = (SIDE + AROUND_PART) * copy.scale
    top, left = (max(0, int(x) - reach) for x in middle)
    bottom, right = (int(x) + reach for x in middle)
    pixels = copy.pixels[:, top:bottom, left:right].contiguous()
    corner = middle.new_tensor([top, left])
    return _Part(copy.changed(pixels=pixels, inside=None), corner, surely)


def _unexplained(colour: Tensor, copy: Copy, field: Field, surely: Float[Tensor, "h w"]) -> float:
    """The part of the contrast that a copy leaves unexplained, as a root mean square."""
    found = compare(colour, [copy], field)
    power = found.contrast.square() * surely
    rest = (1 - found.score.square()) * power
    return (rest.sum() / power.sum().clamp(min=1e-12)).sqrt().item()


def _richest(surely: Float[Tensor, "h w"]) -> tuple[slice, slice]:
    """The square in which most is found."""
    size = [min(SIDE, n) for n in surely.shape]
    sums = F.avg_pool2d(surely[None, None], size, stride=8)[0, 0]
    top, left = divmod(int(sums.argmax()), sums.shape[1])
    return slice(8 * top, 8 * top + size[0]), slice(8 * left, 8 * left + size[1])

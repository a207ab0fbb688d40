# SPDX-License-Identifier: Apache-2.0
"""Finding: the best whole cells at half the size, then a fraction of a pixel.

At half its size a patch sees twice as far, so that it is taken for another more seldom; and where
noise hides what a patch shows, half the size has half the noise. From there on a noisy image
believes neighbours more than single patches.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..images.reduction import Reduction
from ..images.resize import crop_to_multiple, down
from ..operators.agreement import agreement
from .copy import Copy
from .field import Field, located
from .maps import applied, resizing
from .matches import Matches
from .plan import Plan, plan_search
from .refinement import refined, smoothed
from .seeding import Query, Watch, part_of, seeds
from .target import Target

NOISY, BEARABLE = 2.0, 3.0
"""Grey levels of noise from which on neighbours are believed more, and from which on a half is
found at half of that."""

SMALLEST, SMALLEST_CLEAN = 12, 32
"""Cells on a side that an image, and every copy, must have for a search at half the size; and where
it is not noisy, since few cells at half the size say less than all."""


class Found(NamedTuple):
    """Where every cell of an image was found."""

    copies: tuple[Copy, ...]
    """Of the photos, those that were searched."""
    field: Field
    """The matches, as maps."""
    matches: Matches
    """The matches in the photos themselves."""
    agreement: Float[Tensor, "h w"]
    """The share of its neighbours that a cell was found beside."""

    @property
    def reduction(self) -> Reduction:
        """How the image was reduced, as far as the matches tell."""
        return self.copies[0].reduction

    @property
    def noise(self) -> float:
        """Of the image, in grey levels."""
        return self.copies[0].noise


def find(
    colour: Float[Tensor, "3 h w"],
    copies: tuple[Copy, ...],
    mode: str = "auto",
    backend: str = "auto",
    watch: Watch = lambda done: None,
) -> Found:
    """Find every cell in copies.

    Args:
        colour: `[3, H, W]`, the small image, in [0, 1].
        copies: of the photos, all for an image that was made in the same way.
        mode: how seeds are found; see `plan_search`.
        backend: of the search; see `searchtransfer.search`.
        watch: called with the share that is done.
    """
    size = (colour.shape[1], colour.shape[2])
    return _found(colour, copies, plan_for(size, copies, mode), backend, watch)


def plan_for(size: tuple[int, int], copies: Sequence[Copy], mode: str) -> Plan:
    """How seeds are found, and how often all is halved before.

    Args:
        size: rows and columns of the image.
        copies: where it is looked for.
        mode: see `plan_search`; "exact" halves nothing that is not noisy.

    Raises:
        OptionError: no such mode.
    """
    scale, noise = copies[0].scale, copies[0].noise
    sizes = [size, *((x.size[0] // scale, x.size[1] // scale) for x in copies)]
    noisy, halvings = noise >= NOISY, 0
    smallest = SMALLEST if noisy else SMALLEST_CLEAN
    goes_on = noisy or mode != "exact"
    while goes_on and min(map(min, sizes)) >= smallest:
        sizes = [(rows // 2, columns // 2) for rows, columns in sizes]
        halvings, noise = halvings + 1, noise / 2
        goes_on = noise >= BEARABLE
    (rows, columns), *cells = sizes
    plan = plan_search((rows, columns), sum(h * w for h, w in cells), scale, mode)
    return replace(plan, halvings=halvings)


def _found(
    colour: Tensor, copies: tuple[Copy, ...], plan: Plan, backend: str, watch: Watch
) -> Found:
    if plan.halvings:
        return _from_half_size(colour, copies, plan, backend, watch)
    size = (colour.shape[1], colour.shape[2])
    query = Query.of(colour, plan.stride, backend, copies[0].noise)
    coarse = seeds(query, copies, plan.phases, part_of(watch, 0, 2))
    start = _spread(coarse, size, plan.stride, copies[0].scale)
    field = _better(refined, colour, copies, start, part_of(watch, 1, 2))
    matches = located(copies, field)
    return Found(copies, field, matches, agreement_of(matches))


def agreement_of(matches: Matches) -> Float[Tensor, "h w"]:
    """The share of its neighbours that each cell was found beside."""
    return agreement(matches.photo, matches.position, matches.jacobian, matches.scale)


def _better(
    how: Callable[..., Field], colour: Tensor, copies: tuple[Copy, ...], start: Field, watch: Watch
) -> Field:
    flat = Field(*(x.flatten(0, 1) for x in start))
    row = how(Target.of(colour, copies), flat, watch)
    return Field(*(x.view(*colour.shape[1:], *x.shape[1:]) for x in row))


def _from_half_size(
    colour: Tensor, copies: tuple[Copy, ...], plan: Plan, backend: str, watch: Watch
) -> Found:
    """Find the image at half its size, and go on from there.

    Whether the neighbours of a noisy image agree is what they did there, on their own: here they
    are made to.
    """
    half = down(crop_to_multiple(colour, 2), 2)
    halves = tuple(copy.halved for copy in copies)
    less = replace(plan, halvings=plan.halvings - 1)
    above = _found(half, halves, less, backend, part_of(watch, 0, 2))
    size = colour.shape[1], colour.shape[2]
    start = _spread(above.field, size, 2, copies[0].scale, centred=True)
    for which, (copy, smaller) in enumerate(zip(copies, halves, strict=True)):
        here = start.copy == which
        start.centre[here] = applied(resizing(smaller.size, copy.size), start.centre[here])
    noisy = copies[0].noise >= NOISY
    how = smoothed if noisy else refined
    field = _better(how, colour, copies, start, part_of(watch, 1, 2))
    matches = located(copies, field)
    if not noisy:
        return Found(copies, field, matches, agreement_of(matches))
    agreed = F.interpolate(above.agreement[None, None], size, mode="nearest")[0, 0]
    return Found(copies, field, matches, agreed)


def _spread(
    coarse: Field, size: tuple[int, int], stride: int, scale: int, *, centred: bool = False
) -> Field:
    """Seeds for all cells: those between go on from the nearest one before.

    Args:
        coarse: matches of every `stride`-th row and column; where they are `centred`, of squares
            of so many cells, in copies that are as much smaller.
        size: rows and columns of cells.
        stride: see above.
        scale: pixels of a cell.
        centred: see above.
    """
    if stride == 1:
        return coarse
    y, x = (torch.arange(n, device=coarse.score.device) for n in size)
    rows, columns = (
        torch.div(n, stride, rounding_mode="floor").clamp(max=most - 1)
        for n, most in zip((y, x), coarse.score.shape, strict=True)
    )
    off = torch.stack(torch.meshgrid(y - rows * stride, x - columns * stride, indexing="ij"), -1)
    step = (off - (stride - 1) / 2) / stride if centred else off
    start = coarse.at((rows[:, None], columns[None]))
    way = scale * (start.jacobian @ step[..., None].to(start.centre))[..., 0]
    return start._replace(centre=start.centre + way)

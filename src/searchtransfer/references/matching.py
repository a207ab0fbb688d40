# SPDX-License-Identifier: Apache-2.0
"""Matching: every cell of a small image found in the photos of a reference, without a grid.

First the copies of the photos that help are chosen, by keypoints and by trial. Then whole cells are
searched among all cells of the copies; exhaustively, from every cell of the image or, where that is
too much, from some of them, evenly spread. These seeds are refined to a fraction of a pixel, and
neighbours hand their matches on to each other. The choices depend on the pictures alone, so that
the same pair always gives the same picture.
"""

import logging
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from ..images.reduction import Reduction
from ..operators.agreement import agreement
from ..operators.backends import native
from ..progress import Progress, silent
from .choosing import choose
from .copy import Copy
from .field import Field, located
from .matches import Matches
from .reduction import reduction_of
from .reference import Reference
from .refinement import Target, refined
from .seeding import Query, seeds

log = logging.getLogger(__name__)

SearchMode = Literal["exact", "refine", "auto"]
MODES = ("exact", "refine", "auto")

SEED_PAIRS, PAIRS_A_CELL = 2 * 10**9, 30_000
"""Pairs that "auto" compares to find seeds: so many at least, and so many for each cell of the
image. Seeds from every second row and column cost 0.02 dB, from every fourth 0.1 dB."""


COMPILED_RATE, TORCH_RATE = 2e9, 2e8
"""Pairs of cells that a thread compares in a second, roughly."""

REFINEMENT = 30e-6
"""Seconds that a thread refines a cell, roughly."""


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


@dataclass(frozen=True)
class Plan:
    """How the seeds will be found, and what that costs."""

    pairs: int
    """Pairs of cells that are compared."""
    phases: int = 1
    """Positions that the copies are reduced at, along each side."""
    stride: int = 1
    """Every so many rows and columns of the image take part."""

    def seconds(self, cells: int) -> float:
        """About how long it takes here, with the refinement of so many cells.

        From rates measured with AVX-512; other processors differ, and matches that are hard to tell
        from others take longer.
        """
        rate = COMPILED_RATE if native.instruction_sets() else TORCH_RATE
        return (self.pairs / rate + cells * REFINEMENT) / torch.get_num_threads()

    def __str__(self) -> str:
        if self.phases > 1:
            return f"exact, {self.pairs:.2g} pairs"
        every = "every cell" if self.stride == 1 else f"one of {self.stride} rows and columns"
        return f"from {every}, {self.pairs:.2g} pairs"


def plan_search(size: tuple[int, int], cells: int, scale: int, mode: str = "auto") -> Plan:
    """Choose a search from the sizes alone.

    Args:
        size: `(H, W)` of the small image.
        cells: of all copies together, at one phase.
        scale: pixels of a cell on a side.
        mode: "exact": all cells, at all phases; "refine": some cells at one phase, however small
            the image; "auto": all cells where that is quick.

    Raises:
        OptionError: no such mode.
    """
    if mode not in MODES:
        raise OptionError(f"search must be one of {', '.join(MODES)}, got {mode!r}")
    pairs = size[0] * size[1] * cells
    if mode == "exact":
        return Plan(pairs * scale**2, scale)
    stride = 1 if mode == "auto" else 2
    most = max(SEED_PAIRS, PAIRS_A_CELL * size[0] * size[1])
    while _strided(size, stride) * cells > most and stride < max(size):
        stride += 1
    return Plan(_strided(size, stride) * cells, 1, stride)


def _strided(size: tuple[int, int], stride: int) -> int:
    return -(-size[0] // stride) * -(-size[1] // stride)


@torch.no_grad()
def match(
    colour: Float[Tensor, "3 h w"],
    reference: Reference,
    mode: str = "auto",
    backend: str = "auto",
    progress: Progress = silent,
) -> Found:
    """Find every cell of a small image in a reference.

    Args:
        colour: `[3, H, W]`, the small image, in [0, 1].
        reference: where to search.
        mode: see `plan_search`.
        backend: that of the exhaustive search; see `searchtransfer.search`.
        progress: called with "search".

    Raises:
        OptionError: no such mode.
    """
    size = (colour.shape[1], colour.shape[2])
    plan_search(size, 1, reference.scale, mode)  # refuses an unknown mode before any work
    watch = _watch(_share(progress, 0.0, 0.3))
    chosen = tuple(choose(colour, reference.prepared, backend, watch=watch))
    plan = plan_search(size, sum(copy.cells for copy in chosen), reference.scale, mode)
    seconds = plan.seconds(size[0] * size[1])
    log.info("search: %s in %d copies, about %.2g s", plan, len(chosen), seconds)
    query = Query.of(colour, plan.stride, backend)
    found = _found(colour, chosen, plan, query, _share(progress, 0.3, 0.8))
    for last in (0.9, 1.0):
        reduction = reduction_of(colour, found.copies, found.field, found.agreement)
        if reduction == found.reduction:
            break
        log.info("the image looks reduced by %s: searched again", reduction)
        chosen = tuple(copy.reduced_by(reduction) for copy in chosen)
        found = _found(colour, chosen, plan, query, _share(progress, last - 0.1, last))
    progress("search", 1.0)
    return found


def _found(
    colour: Tensor, copies: tuple[Copy, ...], plan: Plan, query: Query, progress: Progress
) -> Found:
    """Search copies, and refine what is found."""
    size = (colour.shape[1], colour.shape[2])
    coarse = seeds(query, copies, plan.phases, _watch(_share(progress, 0.0, 0.4)))
    start = _spread(coarse, size, plan.stride, copies[0].scale)
    target = Target.of(colour, copies)
    flat = Field(*(x.flatten(0, 1) for x in start))
    better = refined(target, flat, _watch(_share(progress, 0.4, 1.0)))
    field = Field(*(x.view(*size, *x.shape[1:]) for x in better))
    matches = located(copies, field)
    place = matches.photo, matches.position, matches.jacobian, matches.scale
    return Found(copies, field, matches, agreement(*place))


def _spread(coarse: Field, size: tuple[int, int], stride: int, scale: int) -> Field:
    """Seeds for all cells: those between go on from the nearest one before."""
    if stride == 1:
        return coarse
    y, x = (torch.arange(n, device=coarse.score.device) for n in size)
    rows, columns = (torch.div(n, stride, rounding_mode="floor") for n in (y, x))
    off = torch.stack(torch.meshgrid(y - rows * stride, x - columns * stride, indexing="ij"), -1)
    start = coarse.at((rows[:, None], columns[None]))
    return start._replace(centre=start.centre + scale * off)


def _share(progress: Progress, first: float, last: float) -> Progress:
    return lambda stage, done: progress(stage, first + (last - first) * done)


def _watch(progress: Progress):  # type: ignore[no-untyped-def]
    return lambda done: progress("search", done)

# SPDX-License-Identifier: Apache-2.0
"""Matching: every cell of a small image found in the photos of a reference, without a grid.

First the copies of the photos that help are chosen, by keypoints and by trial. Then whole cells are
searched among all cells of the copies; exhaustively, from every cell of the image or, where that is
too much, from some of them, evenly spread. These seeds are refined to a fraction of a pixel, and
neighbours hand their matches on to each other. What was found tells how the image was reduced (of a
large image, a part that is found first); if not as was thought, it is found again. The choices
depend on the pictures alone, so that the same pair always gives the same picture.
"""

import logging

import torch
from jaxtyping import Float
from torch import Tensor

from ..budget import MEMORY, for_copies
from ..images.reduction import Reduction
from ..progress import Progress, silent
from ..wear import CLEAN, Wear
from .choosing import choose
from .copy import Copy
from .finding import Found, find
from .plan import plan_search
from .reduction import part_that_tells, reduction_of
from .reference import Reference
from .seeding import Watch, part_of

log = logging.getLogger(__name__)

AGAIN = 2
"""Times that an image is found again at most."""


@torch.no_grad()
def match(
    colour: Float[Tensor, "3 h w"],
    reference: Reference,
    mode: str = "auto",
    backend: str = "auto",
    progress: Progress = silent,
    wear: Wear = CLEAN,
    memory: int = MEMORY,
) -> Found:
    """Find every cell of a small image in a reference.

    Args:
        colour: `[3, H, W]`, the small image, in [0, 1].
        reference: where to search.
        mode: see `plan_search`.
        backend: that of the exhaustive search; see `searchtransfer.search`.
        progress: called with "search".
        wear: what has happened to the image; how it was reduced is told by the matches, if it
            is not known.
        memory: bytes that the whole job may take; see `searchtransfer.budget`.

    Raises:
        OptionError: no such mode.
    """
    size = (colour.shape[1], colour.shape[2])
    plan_search(size, 1, reference.scale, mode)  # refuses an unknown mode before any work
    bytes_of_copies = for_copies(memory)
    watch = _watch(progress, 0.0, 0.3)
    copies, surely = choose(colour, reference.prepared, backend, bytes_of_copies, watch)
    plan = plan_search(size, sum(copy.cells for copy in copies), reference.scale, mode)
    seconds = plan.seconds(size[0] * size[1])
    copies_text = "1 copy" if len(copies) == 1 else f"{len(copies)} copies"
    log.info("search: %s in %s, about %.2g s", plan, copies_text, seconds)
    noise, supposed = wear.level(colour), wear.supposed(reference.scale)
    chosen = tuple(copy.seen_as(supposed, noise) for copy in copies)
    part = None if wear.reduction else part_that_tells(surely, size)
    if part is not None:
        piece = colour[(slice(None), *part)].contiguous()
        chosen = _found(piece, chosen, mode, backend, supposed, _watch(progress, 0.3, 0.5)).copies
    first = 0.3 if part is None else 0.5
    watch = _watch(progress, first, 1.0)
    if part is not None or wear.reduction:
        found = find(colour, chosen, plan, backend, watch)
    else:
        found = _found(colour, chosen, mode, backend, supposed, watch)
    progress("search", 1.0)
    return found


def _found(
    colour: Float[Tensor, "3 h w"],
    copies: tuple[Copy, ...],
    mode: str,
    backend: str,
    supposed: Reduction,
    watch: Watch,
) -> Found:
    """Find an image, again where its matches say that it was reduced in another way."""
    size = colour.shape[1], colour.shape[2]
    plan = plan_search(size, sum(copy.cells for copy in copies), copies[0].scale, mode)
    found = find(colour, copies, plan, backend, part_of(watch, 0, AGAIN + 1))
    for number in range(1, AGAIN + 1):
        reduction = reduction_of(colour, found.copies, found.field, found.agreement, supposed)
        if reduction == found.reduction:
            break
        log.info("the image looks reduced by %s: it is found again", reduction)
        again = tuple(copy.seen_as(reduction, copy.noise) for copy in copies)
        found = find(colour, again, plan, backend, part_of(watch, number, AGAIN + 1))
    return found


def _watch(progress: Progress, first: float, last: float):  # type: ignore[no-untyped-def]
    return lambda done: progress("search", first + (last - first) * done)
